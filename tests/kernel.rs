//! The running kernel as target: read once, shared by all threads.

mod support;

use std::collections::HashMap;
use std::sync::{Arc, Barrier};

use bpflink::btf::Btf;
use bpflink::link::Linker;
use bpflink::target::flush_running_btf;
use bpflink::{Object, Status, Target};
use support::btf::{Order, SIGNED, field};
use support::btf_ext::core::*;
use support::elf::GLOBAL;
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};
use support::skip::skip;

const THREADS: usize = 64;

/// Whether the running kernel shows its BTF; says so where it does not.
fn has_kernel_btf() -> bool {
    let here = std::path::Path::new("/sys/kernel/btf/vmlinux").exists();
    if !here {
        skip("/sys/kernel/btf/vmlinux");
    }
    here
}

/// Reads `task_struct.pid` and asks for the id of `task_struct`. The local
/// layout is wrong for every kernel.
fn object() -> Arc<Object> {
    let order = if cfg!(target_endian = "big") {
        Order::Big
    } else {
        Order::Little
    };
    let mut o = Obj::new(order);
    let int = o.btf.int("int", 4, SIGNED);
    let task = o.btf.structure(
        "task_struct",
        8,
        &[field("pad", int, 0), field("pid", int, 4)],
    );
    let body = [
        &[ldx(W, 1, 6, 4)][..],
        &ld64(2, 0, task as i32, 0),
        &[exit()],
    ]
    .concat();
    let code = o.code("socket", &[Fun("entry", GLOBAL, &body)]);
    o.core(&code, 0, task, "0:1", BYTE_OFFSET);
    o.core(&code, 1, task, "0", TYPE_ID_TARGET);
    opened(&o.build())
}

/// Finds `struct task_struct` and its `pid` by walking all types, without any index.
fn by_hand(btf: &Btf) -> (u32, i16) {
    let mut tasks = btf
        .own_types()
        .filter(|ty| ty.name() == Ok(b"task_struct".as_slice()) && ty.members().next().is_some());
    let task = tasks.next().expect("every kernel has tasks");
    let pid = task
        .members()
        .find(|m| btf.string(m.name_off) == Ok(b"pid".as_slice()));
    let pid = pid.expect("every task has a pid at the top level");
    (task.id(), i16::try_from(pid.bit_offset / 8).unwrap())
}

/// 64 threads relocate at once against the running kernel; its BTF is read once:
/// every thread holds the same one.
#[test]
fn sixty_four_threads_share_one_reading_of_the_kernel() {
    if !has_kernel_btf() {
        return;
    }
    flush_running_btf();
    let object = object();
    let barrier = Barrier::new(THREADS);
    let results: Vec<(Arc<Btf>, Vec<I>)> = std::thread::scope(|scope| {
        let run = || {
            barrier.wait();
            let kernel = Target::running();
            let set = all_stand(Linker::new(&kernel).link(&object).unwrap());
            (kernel.vmlinux().unwrap(), stream(&set, "entry"))
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let (first, _) = &results[0];
    let (id, offset) = by_hand(first);
    let expected = [
        &[ldx(W, 1, 6, offset)][..],
        &ld64(2, 0, id as i32, 0),
        &[exit()],
    ]
    .concat();
    for (btf, insns) in &results {
        assert!(
            Arc::ptr_eq(btf, first),
            "the kernel's BTF was read more than once"
        );
        assert_eq!(*insns, expected);
    }
}

/// Flushing drops the cache; handles that were given out stay valid.
#[test]
fn handles_outlive_a_flush() {
    if !has_kernel_btf() {
        return;
    }
    let kernel = Target::running();
    let before = kernel.vmlinux().unwrap();
    flush_running_btf();
    let after = kernel.vmlinux().unwrap();
    assert_eq!(by_hand(&before), by_hand(&after));
    assert_eq!(before.bytes().len(), after.bytes().len());
}

/// What the library reads of the kernel is what the file holds.
#[test]
fn the_kernels_btf_is_the_files() {
    if !has_kernel_btf() {
        return;
    }
    let file = std::fs::read("/sys/kernel/btf/vmlinux").unwrap();
    let btf = Target::running().vmlinux().unwrap();
    assert!(btf.bytes().starts_with(&file));
    assert_eq!(by_hand(&btf), by_hand(&Btf::parse(file, None).unwrap()));
}

/// Every line of the configuration, as another program unpacks it.
#[test]
fn the_kernels_configuration_is_what_zcat_reads() {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let places = [
        format!("/boot/config-{}", release.trim()),
        "/proc/config.gz".to_owned(),
    ];
    let Some(file) = places.iter().find(|file| std::fs::exists(file).unwrap()) else {
        skip("the configuration of the running kernel");
        return;
    };
    let unpacked = std::process::Command::new("zcat")
        .args(["-f", file])
        .output();
    let text = String::from_utf8(unpacked.unwrap().stdout).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("CONFIG_"));
    let expected: HashMap<&str, &str> = lines.filter_map(|line| line.split_once('=')).collect();
    assert!(expected.len() > 500, "{file} has {}", expected.len());
    let names: Vec<&str> = expected.keys().copied().chain(["CONFIG_NONE"]).collect();
    let found = Target::running().config_values(&names).unwrap();
    assert_eq!(found.len(), names.len());
    for (name, value) in names.iter().zip(&found) {
        assert_eq!(value.as_deref(), expected.get(name).copied(), "{name}");
    }
}

/// An object of the other byte order cannot be linked for this kernel.
#[test]
fn an_object_of_the_other_byte_order() {
    if !has_kernel_btf() {
        return;
    }
    let other = if cfg!(target_endian = "big") {
        Order::Little
    } else {
        Order::Big
    };
    let mut o = Obj::new(other);
    let int = o.btf.int("int", 4, SIGNED);
    let task = o.btf.structure("task_struct", 4, &[field("pid", int, 0)]);
    let code = o.code(
        "socket",
        &[Fun("entry", GLOBAL, &[ldx(W, 1, 6, 0), exit()])],
    );
    o.core(&code, 0, task, "0:0", BYTE_OFFSET);
    let linker = Linker::new(&Target::running());
    let set = linker.link(&opened(&o.build()));
    let error = match &set {
        Err(error) => error,
        Ok(set) => program(set, "entry")
            .error()
            .expect("no kernel has two byte orders"),
    };
    assert_ne!(error.status(), Status::Internal);
    assert!(error.to_string().contains("byte order"), "{error}");
}
