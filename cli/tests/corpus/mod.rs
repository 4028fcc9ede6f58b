//! Real programs: the objects that `corpus/libbpf_tools.py` leaves in the cache.

use std::path::{Path, PathBuf};

/// The objects of one variant, `libbpf-tools` or `libbpf-tools-eb`, in order of name.
pub fn objects(variant: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(cache().join("objects").join(variant));
    let mut objects: Vec<PathBuf> = files
        .into_iter()
        .flatten()
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ext| ext == "o"))
        .collect();
    objects.sort();
    objects
}

/// Where the scripts of corpus/ keep what they made.
fn cache() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(cache) = set("BPFLINK_CACHE") {
        return cache.into();
    }
    let home = || Path::new(&set("HOME").unwrap_or_default()).join(".cache");
    set("XDG_CACHE_HOME")
        .map_or_else(home, PathBuf::from)
        .join("bpflink")
}
