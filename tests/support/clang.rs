//! Compiles the C programs of tests/bpf with clang, once for each content.
//!
//! Objects stay in the build directory under a name that is made of everything
//! that they depend on, so that a second run compiles nothing.

#![allow(dead_code)] // Every test binary uses another part of it.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::btf::Order;
use super::skip::skip;

/// The first clang that can compile for BPF: the path and what `--version` says.
fn clang() -> Option<&'static (String, String)> {
    static FOUND: OnceLock<Option<(String, String)>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let named = std::env::var("BPFLINK_CLANG").ok();
            let names = ["clang-19", "clang-20", "clang-18", "clang", "clang-16"];
            named
                .into_iter()
                .chain(names.map(str::to_owned))
                .find_map(|name| {
                    let out = Command::new(&name).arg("--version").output().ok()?;
                    let text = String::from_utf8_lossy(&out.stdout).into_owned();
                    out.status.success().then_some((name, text))
                })
        })
        .as_ref()
}

/// The object of `tests/bpf/NAME.bpf.c` in a byte order, compiled with `flags`
/// on top of `-O2 -g`; `None`, and a line that says so, where clang is missing.
pub fn compile(name: &str, order: Order, flags: &[&str]) -> Option<Vec<u8>> {
    let Some((clang, version)) = clang() else {
        skip("clang");
        return None;
    };
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bpf");
    let source = sources.join(format!("{name}.bpf.c"));
    let object = cached_path(name, &sources, (order == Order::Big, flags, version));
    if let Ok(bytes) = std::fs::read(&object) {
        return Some(bytes);
    }
    let target = match order {
        Order::Little => "bpfel",
        Order::Big => "bpfeb",
    };
    // A name of its own, so that tests that compile the same at once do not meet.
    let partial = object.with_extension(format!("{:?}", std::thread::current().id()));
    let out = Command::new(clang)
        .args(["-target", target, "-O2", "-g", "-Wall", "-Werror", "-I"])
        .arg(&sources)
        .args(flags)
        .arg("-c")
        .arg(&source)
        .arg("-o")
        .arg(&partial)
        .output()
        .expect("clang ran a moment ago");
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{clang} {source:?}: {errors}");
    std::fs::rename(&partial, &object).expect("the object was just written");
    Some(std::fs::read(&object).expect("the object was just written"))
}

/// Where the object of these inputs is kept.
fn cached_path(name: &str, sources: &Path, inputs: impl Hash) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    inputs.hash(&mut hasher);
    for file in [format!("{name}.bpf.c"), "bpf.h".to_owned()] {
        let text = std::fs::read(sources.join(&file));
        text.unwrap_or_else(|error| panic!("tests/bpf/{file}: {error}"))
            .hash(&mut hasher);
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    directory.join(format!("{name}-{:016x}.o", hasher.finish()))
}
