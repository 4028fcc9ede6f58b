//! The running kernel as a target, and its verdict on prepared BTF. Where there
//! is no such kernel, or no privilege to load BTF, the tests say so and pass.

mod support;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bpflink::bytes::Endian;
use bpflink::feature::{Feature, Features, KernelRelease};
use bpflink::{Object, Target, btf};
use support::btf::Order;
use support::clang::compile;
use support::skip::skip;

const NATIVE: Order = match Endian::NATIVE {
    Endian::Little => Order::Little,
    Endian::Big => Order::Big,
};

/// BPF_BTF_LOAD with the verifier's log; the error ends with the end of the log.
fn load_btf(bytes: &[u8]) -> io::Result<()> {
    const BTF_LOAD: libc::c_long = 18;
    let mut log = vec![0u8; 8 << 20];
    let mut attr = [0u8; 32];
    attr[0..8].copy_from_slice(&(bytes.as_ptr() as u64).to_ne_bytes());
    attr[8..16].copy_from_slice(&(log.as_mut_ptr() as u64).to_ne_bytes());
    attr[16..20].copy_from_slice(&(bytes.len() as u32).to_ne_bytes());
    attr[20..24].copy_from_slice(&(log.len() as u32).to_ne_bytes());
    attr[24..28].copy_from_slice(&1u32.to_ne_bytes());
    // SAFETY: the kernel reads the attributes and the BTF and writes the log; all
    // three live until it returns, and their lengths are right.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, BTF_LOAD, attr.as_ptr(), 28) };
    if fd >= 0 {
        // SAFETY: a descriptor that the kernel just made for us.
        unsafe { libc::close(fd as libc::c_int) };
        return Ok(());
    }
    let error = io::Error::last_os_error();
    let end = log.iter().position(|&b| b == 0).unwrap_or(log.len());
    let log = String::from_utf8_lossy(&log[end.saturating_sub(500)..end]);
    Err(io::Error::new(error.kind(), format!("{error}: …{log}")))
}

/// Whether BTF can be loaded at all; says so where it cannot.
fn may_load_btf() -> bool {
    let mut b = support::btf::BtfBuilder::new(NATIVE);
    b.int("int", 4, support::btf::SIGNED);
    let allowed = load_btf(&b.build()).is_ok();
    if !allowed {
        skip("the privilege to load BTF");
    }
    allowed
}

/// The objects of the corpus in this machine's byte order, as far as they are built.
fn corpus() -> Vec<PathBuf> {
    let cache = std::env::var_os("BPFLINK_CACHE")
        .map(PathBuf::from)
        .or_else(|| {
            let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
            Some(base.or_else(home)?.join("bpflink"))
        });
    let directory = cache.unwrap_or_default().join("objects/libbpf-tools");
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut objects: Vec<PathBuf> = paths
        .filter(|path| path.to_string_lossy().ends_with(".bpf.o"))
        .collect();
    objects.sort();
    objects
}

/// The kernel takes the object's BTF, prepared for this kernel and for older ones
/// (newer kernels understand all that older ones do), and refuses it unprepared:
/// the compiler leaves sizes and places open.
fn check_prepared(object: &Object) {
    let Some(own) = object.btf().filter(|btf| btf.endian() == Endian::NATIVE) else {
        return;
    };
    let name = object.name();
    assert!(load_btf(own.bytes()).is_err(), "{name}: taken as it was");
    let releases = [
        "4.18", "5.0", "5.2", "5.6", "5.13", "5.16", "5.17", "6.0", "6.9",
    ];
    let of_release = |text| Features::of_release(KernelRelease::parse(text).unwrap());
    let profiles = releases.map(of_release).into_iter();
    for features in profiles.chain([Target::running().features()]) {
        let supports = |feature: Feature| features.contains(feature);
        let bytes = btf::prepare(own, object.btf_layout(), &supports).unwrap();
        let verdict = load_btf(&bytes);
        assert!(verdict.is_ok(), "{name} for {features:?}: {verdict:?}");
    }
}

#[test]
fn the_kernel_takes_prepared_btf_of_our_programs() {
    if !may_load_btf() {
        return;
    }
    for name in ["calls", "commute", "core", "maps"] {
        let Some(bytes) = compile(name, NATIVE, &[]) else {
            return;
        };
        check_prepared(&Object::parse(&bytes, name).unwrap());
    }
}

#[test]
fn the_kernel_takes_prepared_btf_of_real_objects() {
    let objects = corpus();
    if objects.is_empty() {
        return skip("the objects that corpus/libbpf_tools.py compiles");
    }
    if may_load_btf() {
        let opened = objects.iter().map(|path| Object::open(path).unwrap());
        opened.for_each(|object| check_prepared(&object));
    }
}

#[test]
fn sixty_four_threads_get_one_btf_of_the_running_kernel() {
    if !std::path::Path::new("/sys/kernel/btf/vmlinux").exists() {
        skip("BTF of the running kernel");
        return;
    }
    let ask = || Target::running().vmlinux().unwrap();
    let all: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..64).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(all.iter().all(|btf| Arc::ptr_eq(btf, &all[0])));
    let file = std::fs::read("/sys/kernel/btf/vmlinux").unwrap();
    assert!(all[0].bytes() == file, "what is read in place is the file");
    let task = all[0].named_exact(b"task_struct", &[btf::Kind::Struct]);
    assert_eq!(task.count(), 1);
}

#[test]
fn the_running_kernel_supports_what_its_release_promises() {
    let target = Target::running();
    let Some(release) = target.release() else {
        skip("the release of the running kernel");
        return;
    };
    let (promised, found) = (Features::of_release(release), target.features());
    let missing: Vec<Feature> = promised.iter().filter(|&f| !found.contains(f)).collect();
    assert!(missing.is_empty(), "{release} lacks {missing:?}");
}
