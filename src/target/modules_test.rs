//! Modules of a running kernel: listed, and read one by one.

use std::sync::Arc;

use super::testing::Root;
use super::*;
use crate::btf::testing::builder::*;

const SYSFS: &str = "sys/kernel/btf";

fn vmlinux() -> BtfBuilder {
    let mut b = BtfBuilder::new(Order::Little);
    b.structure("task_struct", 8, &[]);
    b
}

/// The BTF of a module with one struct of its own.
fn module() -> Vec<u8> {
    let mut split = BtfBuilder::split_over(&vmlinux());
    split.structure("of_module", 4, &[]);
    split.build()
}

fn root_with(modules: &[(&str, &[u8])]) -> Root {
    let root = Root::new(&[("sys/kernel/btf/vmlinux", &vmlinux().build())]);
    for (name, bytes) in modules {
        root.add(&format!("{SYSFS}/{name}"), bytes);
    }
    root
}

fn names(modules: &[Module]) -> Vec<String> {
    modules.iter().map(|m| m.name().to_string()).collect()
}

#[test]
fn modules_come_in_order_and_a_corrupt_one_says_why() {
    let corrupt = &b"\x9f\xeb\x01"[..];
    let root = root_with(&[
        ("zram", &module()),
        ("broken", corrupt),
        ("dm_mod", &module()),
    ]);
    let kernel = root.kernel();
    let modules = kernel.modules().unwrap();
    assert_eq!(names(&modules), ["broken", "dm_mod", "zram"]);
    let [broken, dm_mod, zram] = &modules[..] else {
        panic!("three modules");
    };
    for whole in [dm_mod, zram] {
        let btf = whole.btf().unwrap();
        assert_eq!(btf.named(b"of_module").collect::<Vec<_>>(), [2]);
        assert!(Arc::ptr_eq(btf.base().unwrap(), &kernel.vmlinux().unwrap()));
    }
    let error = broken.btf().unwrap_err().to_string();
    assert!(error.contains("sys/kernel/btf/broken"), "{error}");
    let warning = broken.btf_or_warning().unwrap_err();
    assert!(
        warning.starts_with("module broken is left out: "),
        "{warning}"
    );
}

#[test]
fn a_module_is_read_when_it_is_asked_for_and_once() {
    let root = root_with(&[]);
    let path = |name| format!("{SYSFS}/{name}");
    let asked = root.add_counted(&path("asked"), &module());
    let corrupt = root.add_counted(&path("corrupt"), b"no BTF");
    let never = root.add_counted(&path("never"), &module());
    let kernel = root.kernel();
    assert_eq!(
        names(&kernel.modules().unwrap()),
        ["asked", "corrupt", "never"]
    );
    for _ in 0..3 {
        let modules = kernel.modules().unwrap();
        assert!(modules[0].btf().is_ok() && modules[1].btf().is_err());
    }
    let reads = [asked, corrupt, never].map(|file| file.reads());
    assert_eq!(reads, [1, 1, 0]);
}

#[test]
fn sixty_four_threads_read_a_module_once() {
    let root = root_with(&[]);
    let counted = root.add_counted(&format!("{SYSFS}/shared"), &module());
    let kernel = root.kernel();
    let btfs: Vec<Arc<Btf>> = std::thread::scope(|scope| {
        let ask = || kernel.modules().unwrap()[0].btf().unwrap().clone();
        let threads: Vec<_> = (0..64).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(btfs.iter().all(|btf| Arc::ptr_eq(btf, &btfs[0])));
    assert_eq!(counted.reads(), 1);
}

#[test]
fn a_flush_forgets_modules_and_leaves_those_handed_out() {
    let root = root_with(&[("gone", &module())]);
    let kernel = root.kernel();
    let before = kernel.modules().unwrap();
    root.add(&format!("{SYSFS}/later"), &module());
    assert_eq!(names(&kernel.modules().unwrap()), ["gone"]);
    kernel.flush();
    assert_eq!(names(&kernel.modules().unwrap()), ["gone", "later"]);
    // Its BTF is over the BTF that was the kernel's when it was listed.
    let base = before[0].btf().unwrap().base().unwrap().clone();
    assert!(!Arc::ptr_eq(&base, &kernel.vmlinux().unwrap()));
}

#[test]
fn a_module_that_went_away_says_so() {
    let root = root_with(&[("gone", &module())]);
    let modules = root.kernel().modules().unwrap();
    std::fs::remove_file(root.path().join(SYSFS).join("gone")).unwrap();
    let warning = modules[0].btf_or_warning().unwrap_err();
    assert!(warning.contains("No such file"), "{warning}");
}
