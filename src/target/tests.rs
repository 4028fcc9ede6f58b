//! Targets described and running; the running kernel is a directory made for the test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::running::RunningKernel;
use super::testing::Root;
use super::*;
use crate::Name;
use crate::btf::testing::builder::*;
use crate::btf::testing::{parse, parse_split};

fn vmlinux() -> BtfBuilder {
    let mut b = BtfBuilder::new(Order::Little);
    b.structure("task_struct", 8, &[]);
    b
}

#[test]
fn a_failed_load_is_tried_again_and_a_flush_reads_anew() {
    let root = Root::new(&[]);
    let kernel = root.kernel();
    let missing = kernel.vmlinux().unwrap_err();
    assert!(
        matches!(missing, TargetError::NoKernelBtf { .. }),
        "{missing}"
    );
    assert!(missing.to_string().contains("5.4.0-9-amd64"), "{missing}");

    root.add("sys/kernel/btf/vmlinux", b"garbage that is no BTF at all");
    let malformed = kernel.vmlinux().unwrap_err();
    assert!(
        malformed
            .to_string()
            .contains("sys/kernel/btf/vmlinux: bad BTF magic"),
        "{malformed}"
    );

    root.add("sys/kernel/btf/vmlinux", &vmlinux().build());
    let first = kernel.vmlinux().unwrap();
    assert!(Arc::ptr_eq(&first, &kernel.vmlinux().unwrap()));
    kernel.flush();
    assert!(!Arc::ptr_eq(&first, &kernel.vmlinux().unwrap()));
    assert_eq!(first.named(b"task_struct").count(), 1);
}

#[test]
fn sixty_four_threads_share_one_reading() {
    let root = Root::new(&[("sys/kernel/btf/vmlinux", &vmlinux().build())]);
    let kernel = root.kernel();
    let handles: Vec<_> = std::thread::scope(|scope| {
        let ask = || kernel.vmlinux().unwrap();
        let threads: Vec<_> = (0..64).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(handles.iter().all(|btf| Arc::ptr_eq(btf, &handles[0])));
}

/// The smallest ELF file with these sections: header, section headers, names, contents.
fn elf_with(contents: &[(&str, &[u8])]) -> Vec<u8> {
    let count = contents.len() as u64 + 2;
    let mut names = b"\0.shstrtab\0".to_vec();
    let names_at = 64 + count * 64;
    let section = |name: usize, kind: u32, offset: u64, size: usize| {
        let mut raw = [(name as u32).to_le_bytes(), kind.to_le_bytes()].concat();
        raw.extend([0u8; 16]);
        raw.extend(offset.to_le_bytes());
        raw.extend((size as u64).to_le_bytes());
        raw.resize(64, 0);
        raw
    };
    let name_offsets: Vec<usize> = contents
        .iter()
        .map(|(name, _)| {
            let offset = names.len();
            names.extend(name.bytes().chain([0]));
            offset
        })
        .collect();
    let mut headers = [section(0, 0, 0, 0), section(1, 3, names_at, names.len())].concat();
    let mut at = names_at + names.len() as u64;
    for ((_, bytes), name) in contents.iter().zip(name_offsets) {
        headers.extend(section(name, 1, at, bytes.len()));
        at += bytes.len() as u64;
    }
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(40, 0);
    file.splice(16..18, 2u16.to_le_bytes());
    file.extend(64u64.to_le_bytes());
    file.splice(40..48, 64u64.to_le_bytes());
    file.resize(52, 0);
    for half in [64u16, 0, 0, 64, count as u16, 1] {
        file.extend(half.to_le_bytes());
    }
    file.extend(headers);
    file.extend(names);
    file.extend(contents.iter().flat_map(|(_, bytes)| *bytes));
    file
}

fn elf_with_btf(btf: &[u8]) -> Vec<u8> {
    elf_with(&[(".BTF", btf)])
}

/// A kernel with a struct before the one that a module mentions, that module's BTF over
/// a distilled base, and an ELF file with both.
fn module_with_distilled_base() -> (Arc<Btf>, Vec<u8>) {
    let mut kernel = BtfBuilder::new(Order::Little);
    kernel.structure("padding", 1, &[]);
    kernel.structure("task_struct", 8, &[]);
    let mut distilled = BtfBuilder::new(Order::Little);
    distilled.structure("task_struct", 8, &[]);
    let mut split = BtfBuilder::split_over(&distilled);
    split.structure("of_module", 8, &[field("task", 1, 0)]);
    let sections = [split.build(), distilled.build()];
    let file = elf_with(&[(".BTF", &sections[0]), (".BTF.base", &sections[1])]);
    (parse(&kernel), file)
}

#[test]
fn a_module_with_a_distilled_base_is_moved_onto_the_kernel() {
    let (kernel, file) = module_with_distilled_base();
    let root = Root::new(&[("of.ko", &file)]);
    let path = root.path().join("of.ko");
    let name = Name::from("of");
    for btf in [
        btf_from_bytes(file.clone(), &name, Some(kernel.clone())).unwrap(),
        btf_from_file(&path, Some(kernel.clone())).unwrap(),
    ] {
        let own = btf.own_types().next().unwrap();
        assert_eq!((own.id(), own.name()), (3, Ok(&b"of_module"[..])));
        assert_eq!(own.members().next().unwrap().type_id, 2);
        let target = TargetBuilder::new().vmlinux(kernel.clone());
        assert!(target.module("of", btf).build().is_ok());
    }
    let alone = btf_from_bytes(file.clone(), &name, None).unwrap_err();
    assert!(alone.to_string().contains("nothing without"), "{alone}");
    let stranger = parse(&BtfBuilder::new(Order::Little));
    let stranger = btf_from_file(&path, Some(stranger))
        .unwrap_err()
        .to_string();
    assert!(
        stranger.contains("of.ko: BTF: distilled base: struct task_struct [1] of 8 bytes"),
        "{stranger}"
    );
}

#[test]
fn a_module_over_another_kernels_btf_is_told() {
    let kernel = |names: &[&str]| {
        let mut b = BtfBuilder::new(Order::Little);
        for name in names {
            b.structure(name, 8, &[]);
        }
        b
    };
    let own = kernel(&["first", "task_struct"]);
    let mut module = BtfBuilder::split_over(&own);
    let ptr = module.ptr(2);
    module.structure("of_module", 8, &[field("task", ptr, 0)]);
    let name = Name::from("of_module");
    let over = |base| btf_from_bytes(module.build(), &name, Some(parse(&base))).map(drop);
    assert_eq!(over(own), Ok(()));
    for other in [
        kernel(&["first"]),
        kernel(&["first", "task_struct", "third"]),
        kernel(&["first", "a_longer_struct"]),
    ] {
        let error = over(other).unwrap_err().to_string();
        assert!(error.contains("split from another kernel's"), "{error}");
    }
    // A name that both kernels have, elsewhere: an offset into the base's strings.
    let mut base = kernel(&["first", "task_struct"]);
    let offset = base.string("third");
    let mut module = BtfBuilder::split_over(&base);
    let id = module.typedef("", 1);
    module.set_word(id, 0, offset);
    let over = |base| btf_from_bytes(module.build(), &name, Some(parse(&base))).map(drop);
    assert_eq!(over(base), Ok(()));
    assert!(over(kernel(&["first", "a", "task_struct"])).is_err());
}

#[test]
fn every_cut_of_a_module_with_a_distilled_base_is_an_error() {
    let (kernel, file) = module_with_distilled_base();
    let name = Name::from("of");
    for len in 0..file.len() {
        let error = btf_from_bytes(file[..len].to_vec(), &name, Some(kernel.clone())).unwrap_err();
        assert!(error.to_string().contains("of"), "{error}");
    }
}

#[test]
fn without_sysfs_an_image_with_btf_is_found() {
    let elf = elf_with_btf(&vmlinux().build());
    let root = Root::new(&[
        ("boot/vmlinux-5.4.0-9-amd64", b"no ELF file"),
        ("usr/lib/debug/boot/vmlinux-5.4.0-9-amd64", &elf),
    ]);
    let btf = root.kernel().vmlinux().unwrap();
    assert_eq!(btf.named(b"task_struct").count(), 1);
}

#[test]
fn every_cut_of_an_image_is_an_error() {
    let elf = elf_with_btf(&vmlinux().build());
    let name = Name::from("image");
    assert!(btf_from_bytes(elf.clone(), &name, None).is_ok());
    for len in 0..elf.len() {
        let error = btf_from_bytes(elf[..len].to_vec(), &name, None).unwrap_err();
        assert!(error.to_string().contains("image"), "{error}");
    }
    let mut compressed = elf.clone();
    compressed[64 + 2 * 64 + 8 + 1] = 8;
    let error = btf_from_bytes(compressed, &name, None).unwrap_err();
    assert!(error.to_string().contains("compressed"), "{error}");
}

#[test]
fn the_kernel_is_asked_once_per_feature_and_else_its_release_decides() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let root = Root::new(&[]);
    let probe = |feature| {
        ASKED.fetch_add(1, SeqCst);
        (feature == Feature::ProbeReadKernel).then_some(true)
    };
    let kernel = RunningKernel::new(root.path().to_owned(), probe);
    for _ in 0..3 {
        // Its release, 5.4, says no; the kernel itself knows better.
        assert!(kernel.supports(Feature::ProbeReadKernel));
        // It does not say; 5.4 has the one and lacks the other.
        assert!(kernel.supports(Feature::BtfDatasec));
        assert!(!kernel.supports(Feature::BtfFloat));
    }
    // Those three, and the last kind of BTF, which would have answered for two.
    assert_eq!(ASKED.load(SeqCst), 4);
}

#[test]
fn a_described_kernel_is_as_new_as_its_release() {
    let btf = parse(&vmlinux());
    let target = TargetBuilder::new().vmlinux(btf.clone()).build().unwrap();
    assert_eq!(target.features(), Features::newest());
    let old = TargetBuilder::new()
        .release("5.4.0")
        .unwrap()
        .build()
        .unwrap();
    assert!(!old.supports(Feature::ProbeReadKernel) && old.supports(Feature::BtfDatasec));
    assert!(matches!(old.vmlinux(), Err(TargetError::NoBtf)));
    let by_hand = TargetBuilder::new().release("5.4.0").unwrap();
    let by_hand = by_hand.features(Features::newest()).build().unwrap();
    assert!(by_hand.supports(Feature::ProbeReadKernel));
    let wrong = TargetBuilder::new().release("newest").unwrap_err();
    assert!(
        wrong
            .to_string()
            .contains("\"newest\" is no kernel release"),
        "{wrong}"
    );
}

#[test]
fn features_are_set_one_by_one_over_those_of_the_release() {
    let old = || TargetBuilder::new().release("5.10").unwrap();
    let ported_back = old().with_feature(Feature::BtfFloat).build().unwrap();
    assert!(ported_back.supports(Feature::BtfFloat) && !ported_back.supports(Feature::BtfTypeTag));
    let lacking = old().without_feature(Feature::BtfFunc).build().unwrap();
    assert!(!lacking.supports(Feature::BtfFunc) && lacking.supports(Feature::BtfDatasec));
    let newest = TargetBuilder::new().without_feature(Feature::ArgCtxTag);
    let newest = newest.build().unwrap();
    assert_eq!(
        newest.features(),
        Features::newest().without(Feature::ArgCtxTag)
    );
    let last_word = old().with_feature(Feature::BtfFloat);
    let last_word = last_word.without_feature(Feature::BtfFloat);
    assert!(!last_word.build().unwrap().supports(Feature::BtfFloat));
}

#[test]
fn over_the_running_kernel_only_what_is_not_given_is_read_and_probed() {
    let base = vmlinux();
    let mut split = BtfBuilder::split_over(&base);
    split.structure("of_module", 4, &[]);
    let root = Root::new(&[
        ("sys/kernel/btf/vmlinux", &base.build()),
        ("sys/kernel/btf/zram", &split.build()),
        ("proc/kallsyms", b"ffffffff81000000 T _text\n"),
        ("boot/config-5.4.0-9-amd64", b"CONFIG_HZ=250\n"),
    ]);
    let target = TargetBuilder::new().over(root.kernel());
    let target = target.with_feature(Feature::ArgCtxTag);
    let target = target.without_feature(Feature::BtfFloat).build().unwrap();
    // The kernel panics when it is probed.
    assert!(target.supports(Feature::ArgCtxTag) && !target.supports(Feature::BtfFloat));
    assert_eq!(target.release(), Some(KernelRelease::new(5, 4, 0)));
    assert_eq!(target.modules().unwrap().len(), 1);
    let hz = |target: &Target| target.config_values(&["CONFIG_HZ"]).unwrap();
    assert_eq!(hz(&target), [Some("250".to_owned())]);
    let names: [&[u8]; 1] = [b"_text"];
    assert!(target.symbol_addresses(&names).unwrap()[0].is_some());

    let given = TargetBuilder::new().over(root.kernel());
    let given = given.vmlinux(parse(&base)).kconfig("CONFIG_HZ=100\n");
    let given = given.kallsyms("1 T other\n").release("6.1").unwrap();
    let given = given.build().unwrap();
    assert!(
        given.supports(Feature::BtfFloat),
        "the release that is given decides"
    );
    assert_eq!(given.modules().unwrap().len(), 0, "modules of another BTF");
    assert_eq!(hz(&given), [Some("100".to_owned())]);
    assert_eq!(given.symbol_addresses(&names).unwrap(), [None]);
}

#[test]
fn modules_of_another_kernel_are_refused() {
    let (base, other) = (vmlinux(), BtfBuilder::new(Order::Little));
    let split = BtfBuilder::split_over(&base);
    let (vmlinux, other) = (parse(&base), parse(&other));
    let module = parse_split(&split, &vmlinux);
    let build = |b: TargetBuilder| b.build().map(drop).map_err(|e| e.to_string());
    let target = || TargetBuilder::new().vmlinux(vmlinux.clone());
    assert_eq!(build(target().module("m", module.clone())), Ok(()));
    let unsplit = build(target().module("m", other.clone())).unwrap_err();
    assert!(
        unsplit.contains("module m: its BTF is not split"),
        "{unsplit}"
    );
    let wrong = TargetBuilder::new()
        .vmlinux(other)
        .module("m", module.clone());
    assert!(build(wrong).unwrap_err().contains("another kernel"));
    let alone = build(TargetBuilder::new().module("m", module)).unwrap_err();
    assert!(alone.contains("need the kernel's own BTF"), "{alone}");
}
