//! Real objects and real kernels' BTF, cut off or with bits flipped: an error or a result,
//! within bounded time. BPFLINK_CASES=N is how often each object and the kernel are damaged.

mod support;

use std::sync::Arc;

use bpflink::btf::Btf;
use bpflink::{Linker, Object, Target};
use support::elf_parts::Elf;
use support::plan::Shuffle;
use support::real::{Real, cases, kernel, kernel_btf, objects};
use support::seen::look;
use support::time::bounded;

/// Numbers that look random and are the same in every run; `Shuffle` hands out orders alone.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }
}

/// Another value for a byte: one bit flipped, or one of those that often matter.
fn spoil(byte: &mut u8, random: &mut Random) {
    *byte = match random.below(8) {
        0 => 0,
        1 => 0xff,
        2 => random.below(256) as u8,
        _ => *byte ^ (1 << random.below(8)),
    };
}

/// One to eight bytes of an object, each of any of its parts: most of a file's bytes are for
/// debuggers, and damage there tells nothing.
fn spoil_object(original: &[u8], random: &mut Random) -> Vec<u8> {
    let regions = Elf::new(original.to_vec()).regions();
    let mut bytes = original.to_vec();
    for _ in 0..=random.below(8) {
        let region = regions[random.below(regions.len())].clone();
        let at = region.start + random.below(region.len());
        spoil(&mut bytes[at], random);
    }
    bytes
}

/// Goes through all that the library does with an object, for a kernel and for its own types.
fn try_everything(bytes: &[u8], kernel: &Target) {
    let Ok(object) = Object::parse(bytes, "damaged").map(Arc::new) else {
        return;
    };
    let own = object.btf().cloned().map(Target::from_btf);
    for target in own.iter().chain([kernel]) {
        if let Ok(set) = Linker::new(target).link(&object) {
            look(&set);
        }
    }
}

fn of_each_object(short: u32, damage: impl Fn(&Real, &mut Random) -> Vec<u8>) {
    let Some(kernel) = kernel() else {
        return;
    };
    let all = objects(&["libbpf-tools", "libbpf-tools-eb"]);
    for (number, real) in all.iter().enumerate() {
        for case in 0..cases(short) {
            let mut random = Random((number as u64) << 32 | u64::from(case));
            let bytes = damage(real, &mut random);
            let name = format!("{}, case {case}", real.name);
            let told = std::thread::Builder::new().name(name.clone());
            let work = told.spawn(move || bounded(move || try_everything(&bytes, kernel)));
            assert!(work.unwrap().join().is_ok(), "{name}");
        }
    }
}

#[test]
fn flipped_objects_give_an_error_or_a_result() {
    of_each_object(6, |real, random| spoil_object(&real.bytes, random));
}

/// Cut at any place: where a part begins or ends, or in between.
#[test]
fn truncated_objects_give_an_error_or_a_result() {
    of_each_object(6, |real, random| {
        let regions = Elf::new(real.bytes.clone()).regions();
        let region = &regions[random.below(regions.len())];
        let end = match random.below(3) {
            0 => region.start,
            1 => region.end.saturating_sub(1),
            _ => region.start + random.below(region.len()),
        };
        real.bytes[..end].to_vec()
    });
}

/// A kernel's BTF damaged in one place or in hundreds, or cut: real programs are linked for it.
#[test]
fn damaged_kernels_give_an_error_or_a_result() {
    let Some(original) = kernel_btf("6.18.") else {
        return;
    };
    let mut programs: Vec<Arc<Object>> = Vec::new();
    for real in objects(&["libbpf-tools"]) {
        programs.push(Arc::new(Object::parse(&real.bytes, "real.bpf.o").unwrap()));
    }
    let mut order = Shuffle(1);
    let mut read = 0;
    for case in 0..cases(16) {
        order.order(&mut programs);
        let some: Vec<_> = programs.iter().take(4).cloned().collect();
        let mut random = Random(u64::from(case));
        let mut bytes = original.clone();
        // One byte in three ends the table of types, and nothing is linked any more.
        let places = 1 << random.below(9);
        for _ in 0..=random.below(places) {
            let at = random.below(bytes.len());
            spoil(&mut bytes[at], &mut random);
        }
        match random.below(8) {
            0 => bytes.truncate(random.below(bytes.len())),
            1 => spoil(&mut bytes[random.below(24)], &mut random),
            _ => {}
        }
        read += usize::from(bounded(move || {
            let Ok(btf) = Btf::parse(bytes, None) else {
                return false;
            };
            let target = Target::from_btf(Arc::new(btf));
            for object in &some {
                if let Ok(set) = Linker::new(&target).link(object) {
                    look(&set);
                }
            }
            true
        }));
    }
    println!("{read} of {} were read", cases(16));
    assert!(read >= 3, "of the damaged kernels only {read} were read");
}
