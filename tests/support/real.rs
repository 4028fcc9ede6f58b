//! Real objects and real kernels: what `corpus/` and `kernels/` left in the cache.

#![allow(dead_code)] // Every test binary uses another part of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bpflink::Target;
use bpflink::btf::Btf;

use super::skip::skip;

/// How many cases a property is tried with: `short`, or what BPFLINK_CASES says.
pub fn cases(short: u32) -> u32 {
    asked().unwrap_or(short)
}

/// BPFLINK_CASES, for a long run.
pub fn asked() -> Option<u32> {
    let number = std::env::var("BPFLINK_CASES").ok()?;
    Some(number.parse().expect("BPFLINK_CASES is a number"))
}

fn cache() -> PathBuf {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = || {
        let home = || PathBuf::from(of("HOME").unwrap_or_default()).join(".cache");
        of("XDG_CACHE_HOME").map_or_else(home, PathBuf::from)
    };
    of("BPFLINK_CACHE").map_or_else(|| base().join("bpflink"), PathBuf::from)
}

/// The paths of a folder in order of their names.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = found.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// A compiled object: folder and file, and its bytes.
pub struct Real {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// All objects of some folders of the cache; a folder without any is said loudly.
pub fn objects(folders: &[&str]) -> Vec<Real> {
    let mut all = Vec::new();
    for folder in folders {
        let before = all.len();
        for path in entries(&cache().join("objects").join(folder)) {
            if path.extension().is_some_and(|extension| extension == "o") {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                let name = format!("{folder}/{file}");
                let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
                all.push(Real { name, bytes });
            }
        }
        if all.len() == before {
            skip(&format!("objects of {folder} (make check-corpus)"));
        }
    }
    all
}

/// Every folder that has objects, for a long run.
pub fn all_folders() -> Vec<String> {
    let folders = entries(&cache().join("objects")).into_iter();
    folders
        .map(|path| {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into()
        })
        .collect()
}

/// The bytes of a fetched kernel's BTF, of the newest of the releases that begin so.
pub fn kernel_btf(release: &str) -> Option<Vec<u8>> {
    let kernels = entries(&cache().join("kernels"));
    let found = kernels.iter().rev().find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(release) && name.ends_with("-amd64")
    });
    let bytes = found.and_then(|path| std::fs::read(path.join("btf")).ok());
    if bytes.is_none() {
        skip(&format!("kernel {release} (make check-kernels)"));
    }
    bytes
}

/// A fetched kernel's BTF: the kernel's own, or that of one of its modules.
pub struct KernelBtf {
    pub name: String,
    pub bytes: Vec<u8>,
}

fn kernel_btf_of(path: &Path) -> KernelBtf {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let name = path.display().to_string();
    KernelBtf { name, bytes }
}

/// All fetched kernels, each with its modules; that there is none is said loudly.
pub fn kernels() -> Vec<(KernelBtf, Vec<KernelBtf>)> {
    let folders = entries(&cache().join("kernels")).into_iter();
    let fetched: Vec<_> = folders
        .filter(|folder| folder.join("btf").exists())
        .collect();
    if fetched.is_empty() {
        skip("fetched kernels (make check-kernels)");
    }
    let with_modules = |folder: &PathBuf| {
        let modules = entries(&folder.join("modules")).into_iter();
        let modules = modules.filter(|path| path.extension().is_some_and(|e| e == "btf"));
        let modules = modules.map(|path| kernel_btf_of(&path)).collect();
        (kernel_btf_of(&folder.join("btf")), modules)
    };
    fetched.iter().map(with_modules).collect()
}

/// A kernel that everything is linked for; read once.
pub fn kernel() -> Option<&'static Target> {
    static KERNEL: OnceLock<Option<Target>> = OnceLock::new();
    let read = || {
        let btf = Btf::parse(kernel_btf("6.18.")?, None).expect("a kernel's BTF");
        Some(Target::from_btf(Arc::new(btf)))
    };
    KERNEL.get_or_init(read).as_ref()
}
