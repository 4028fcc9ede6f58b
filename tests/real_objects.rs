//! What holds for real objects: the order of a file's parts does not matter, nor the order of
//! flatten and relocate, nor the byte order of the build, nor how often it is linked. BPFLINK_CASES=N tries N orders of each of
//! all objects of the cache, where the short run tries one of libbpf-tools.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use bpflink::btf::Btf;
use bpflink::link::core::CoreKind;
use bpflink::link::{Choice, FinalizeOptions, Programs};
use bpflink::{Linker, Object, Target};
use support::btf::Order;
use support::elf_parts::{Elf, PARTS};
use support::link::order_of;
use support::plan::Shuffle;
use support::real::{Real, all_folders, asked, cases, kernel, kernel_btf, objects};
use support::seen::{Exactly, look_exactly};
use support::skip::skip;

const SHORT: [&str; 3] = ["libbpf-tools", "libbpf-tools-v4", "libbpf-tools-eb"];

fn chosen() -> Vec<Real> {
    match asked() {
        None => objects(&SHORT),
        Some(_) => {
            let folders = all_folders();
            objects(&folders.iter().map(String::as_str).collect::<Vec<_>>())
        }
    }
}

/// An object and the kernel to link it for: a real one, or for the other byte order and where
/// there is none, the object's own types.
fn opened(real: &Real) -> Option<(Arc<Object>, Target)> {
    let object = Arc::new(Object::parse(&real.bytes, "real.bpf.o").ok()?);
    let target = match kernel() {
        Some(kernel) if order_of(&object) == Order::Little => kernel.clone(),
        _ => Target::from_btf(object.btf()?.clone()),
    };
    Some((object, target))
}

fn linked(object: &Arc<Object>, target: &Target) -> Result<Vec<Exactly>, String> {
    let set = Linker::new(target).link(object);
    set.map(|set| look_exactly(&set)).map_err(|e| e.to_string())
}

/// Relocations, symbols, sections and records of `.BTF.ext` in any order mean the same.
#[test]
fn the_order_of_a_files_parts_does_not_matter() {
    let mut tried = 0;
    for (number, real) in chosen().iter().enumerate() {
        let Some((object, target)) = opened(real) else {
            continue;
        };
        // Shown where the test fails.
        println!("{}", real.name);
        let expected = linked(&object, &target);
        for seed in 1..=u64::from(cases(1)) {
            let mut all = Elf::new(real.bytes.clone());
            for part in PARTS {
                let mut order = Shuffle(seed * 1000 + number as u64);
                let mut one = Elf::new(real.bytes.clone());
                one.reorder(part, &mut order);
                all.reorder(part, &mut order);
                let changed = Object::parse(&one.bytes, "real.bpf.o");
                let changed = changed.unwrap_or_else(|e| panic!("{}: {part:?}: {e}", real.name));
                let found = linked(&Arc::new(changed), &target);
                assert!(found == expected, "{}: {part:?}, order {seed}", real.name);
                tried += usize::from(one.bytes != real.bytes);
            }
            let all = Arc::new(Object::parse(&all.bytes, "real.bpf.o").unwrap());
            assert!(linked(&all, &target) == expected, "{}: all", real.name);
        }
    }
    assert!(tried == 0 || tried > 3 * 57, "only {tried} files changed");
}

/// Linked twice, and opened twice, an object gives identical bytes.
#[test]
fn linking_twice_gives_identical_bytes() {
    for real in &chosen() {
        let Some((object, target)) = opened(real) else {
            continue;
        };
        let link = |object: &Arc<Object>| {
            let set = Linker::new(&target).link(object).ok()?;
            Some((look_exactly(&set), set.btf().map(<[u8]>::to_vec)))
        };
        let once = link(&object);
        assert!(once == link(&object), "{}: linked twice", real.name);
        let anew = Arc::new(Object::parse(&real.bytes, "real.bpf.o").unwrap());
        assert!(once == link(&anew), "{}: opened twice", real.name);
    }
}

#[track_caller]
fn assert_same(a: &Option<Vec<Exactly>>, b: &Option<Vec<Exactly>>, name: &str) {
    let programs = |all: &Option<Vec<Exactly>>| all.as_ref().map_or(0, Vec::len);
    assert_eq!(programs(a), programs(b), "{name}");
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        assert_eq!(a, b, "{name}");
    }
}

/// Flatten and relocate in either order, of all programs at once or one after the other.
#[test]
fn flatten_and_relocate_commute() {
    let leave = FinalizeOptions {
        leave_map_references: true,
    };
    let mut compared = 0;
    for real in &chosen() {
        let Some((object, target)) = opened(real) else {
            continue;
        };
        let after = |stages: &dyn Fn(&mut Programs)| -> Option<Vec<Exactly>> {
            let mut set = Programs::split(&object).ok()?;
            stages(&mut set);
            // What fails of a stage stands in the programs.
            set.finalize(&target, leave, Choice::All).ok();
            let programs = look_exactly(&set).into_iter();
            Some(programs.map(Exactly::or_error).collect())
        };
        let flatten = |set: &mut Programs, which: Choice<'_>| set.flatten(which).ok();
        let relocate = |set: &mut Programs, which: Choice<'_>| {
            set.relocate(&target, Default::default(), which).ok()
        };
        let one_way = after(&|set| {
            flatten(set, Choice::All);
            relocate(set, Choice::All);
        });
        let other_way = after(&|set| {
            relocate(set, Choice::All);
            flatten(set, Choice::All);
        });
        let each = after(&|set| {
            let names: Vec<_> = set.programs().iter().map(|p| p.name().clone()).collect();
            for name in names.chunks(1).rev() {
                relocate(set, Choice::Named(name));
                flatten(set, Choice::Named(name));
            }
        });
        assert_same(&one_way, &other_way, &real.name);
        assert_same(&one_way, &each, &real.name);
        compared += one_way.map_or(0, |programs| programs.len());
    }
    // Of the smallest folder alone it is 349.
    assert!(compared == 0 || compared > 300, "only {compared} programs");
}

/// What a program is, whatever its byte order: functions, references, and what each relocation
/// asks for and gets.
type Meaning = (
    String,
    Vec<String>,
    BTreeSet<(&'static str, String, i64)>,
    BTreeSet<String>,
);

fn meaning(set: &Programs) -> Vec<Meaning> {
    let programs = set.programs().iter().map(|program| {
        let references = program.references().into_iter();
        let asked = program.relocations().map(|relocation| {
            let report = relocation.report;
            let texts = (report.kind, report.local_text(), report.target_text());
            // How far a bitfield is shifted is the byte order's; types have numbers of their own.
            match report.kind {
                CoreKind::FieldLshiftU64 | CoreKind::TypeIdLocal => format!("{texts:?}"),
                _ => format!("{texts:?} {:?} {}", report.outcome, report.new),
            }
        });
        let asked = asked.collect();
        let functions = program.functions().map(|f| f.name.to_string());
        (
            program.name().to_string(),
            functions.collect(),
            references
                .map(|r| (r.kind.name(), r.name.to_string(), r.offset))
                .collect(),
            asked,
        )
    });
    let mut all: Vec<Meaning> = programs.collect();
    all.sort();
    all
}

/// A kernel's BTF in the other byte order: all of it but the strings is numbers of four bytes,
/// behind two and two single ones.
fn swapped(mut btf: Vec<u8>) -> Vec<u8> {
    let word = |at: usize, btf: &[u8]| u32::from_le_bytes(btf[at..at + 4].try_into().unwrap());
    let (header, types) = (word(4, &btf) as usize, word(12, &btf) as usize);
    btf[..2].reverse();
    for number in btf[4..header + types].chunks_exact_mut(4) {
        number.reverse();
    }
    btf
}

/// The big-endian and the little-endian build of one program mean the same, for kernels that
/// differ in nothing else.
#[test]
fn the_byte_order_of_a_build_does_not_matter() {
    let (Some(little), Some(bytes)) = (kernel(), kernel_btf("6.18.")) else {
        return;
    };
    let big = Btf::parse(swapped(bytes), None).expect("the kernel's BTF, swapped");
    let big = Target::from_btf(Arc::new(big));
    let others = objects(&["libbpf-tools-eb"]);
    let file = |real: &Real| real.name.rsplit('/').next().map(str::to_owned);
    let (mut pairs, mut relocations) = (0, 0);
    for one in objects(&["libbpf-tools"]) {
        let Some(other) = others.iter().find(|other| file(other) == file(&one)) else {
            skip(&format!("{}, big endian (make check-corpus)", one.name));
            continue;
        };
        pairs += 1;
        let of = |real: &Real, target: &Target| {
            let object = Arc::new(Object::parse(&real.bytes, "real.bpf.o").unwrap());
            let set = Linker::new(target).link(&object);
            meaning(&set.unwrap_or_else(|error| panic!("{}: {error}", real.name)))
        };
        let (one, other) = (of(&one, little), of(other, &big));
        for (one, other) in one.iter().zip(&other) {
            assert_eq!(one, other);
            relocations += one.3.len();
        }
        assert_eq!(one.len(), other.len());
    }
    assert!(relocations >= 8 * pairs, "{relocations} in {pairs} objects");
}
