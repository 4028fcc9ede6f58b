//! bpflink by its crate, measured: see `c/runner.h`; and the inputs of what is measured, for
//! other linkers too:
//!
//!     inputs DIR | work NAME DIR         what instructions are counted with
//!     wide COUNT DIR | scale DIR         objects that no compiler makes
//!     count OBJ...                       their relocations

mod digest;
mod fixed;
mod kernel_like;
mod runner;
mod scale;
mod support;
mod wide;
mod work;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bpflink::btf::SYSFS_BTF;
use bpflink::target::{btf_from_file, flush_running_btf};
use bpflink::{Linker, Object, Programs, Target};
use digest::Digest;

struct Bpflink(Target);

impl Bpflink {
    fn new(btf: Option<&str>) -> Bpflink {
        Bpflink(btf.map_or_else(Target::running, described))
    }
}

fn described(btf: &str) -> Target {
    match btf_from_file(Path::new(btf), None) {
        Ok(btf) => Target::from_btf(btf),
        Err(error) => panic!("{btf}: {error}"),
    }
}

fn linked(
    object: bpflink::Result<Object>,
    target: &Target,
    digest: Option<&mut Digest>,
) -> Result<(), String> {
    let object = Arc::new(object.map_err(|error| error.to_string())?);
    let set = Linker::new(target).link(&object);
    let set = set.map_err(|error| error.to_string())?;
    if let Some(digest) = digest {
        add(digest, &set);
    }
    set.first_error()
        .map_or(Ok(()), |error| Err(error.to_string()))
}

fn add(digest: &mut Digest, set: &Programs) {
    for program in set.programs() {
        match program.bytes() {
            Some(bytes) => digest.add_words(words(bytes)),
            None => digest.failed += 1,
        }
    }
}

fn words(bytes: &[u8]) -> impl ExactSizeIterator<Item = u64> {
    let words = bytes.as_chunks::<8>().0.iter();
    words.map(|word| u64::from_le_bytes(*word))
}

impl runner::Linker for Bpflink {
    fn link(&self, object: &[u8], digest: Option<&mut Digest>) -> Result<(), String> {
        linked(Object::parse(object, "o"), &self.0, digest)
    }

    fn link_file(&self, path: &str, digest: Option<&mut Digest>) -> Result<(), String> {
        linked(Object::open(path), &self.0, digest)
    }

    fn link_for(&self, object: &[u8], btf: &str) -> Result<(), String> {
        let target = if btf == SYSFS_BTF {
            flush_running_btf();
            Target::running()
        } else {
            described(btf)
        };
        linked(Object::parse(object, "o"), &target, None)
    }
}

fn must<T>(result: std::io::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

/// Objects that read one field each of so many types of the running kernel.
fn write_wide(count: &str, dir: &Path) {
    let kernel = Target::running().vmlinux();
    let kernel = kernel.unwrap_or_else(|error| panic!("{error}"));
    let object = wide::object(&kernel, count.parse().unwrap_or(1));
    must(fs::write(dir.join(format!("wide-{count}.bpf.o")), object));
}

/// Each case at half and at full size; a line for each, in words of its name and sizes.
fn write_scale(dir: &Path) {
    for case in &scale::CASES {
        for size in [case.full / 2, case.full] {
            let (object, btf) = (case.build)(size);
            let path = dir.join(format!("{}-{size}", case.name));
            must(fs::write(path.with_extension("bpf.o"), object));
            must(fs::write(path.with_extension("btf"), btf));
        }
        println!(
            "{} {} {} {}",
            case.name,
            case.full / 2,
            case.full,
            case.says
        );
    }
}

/// The CO-RE relocations that linking an object for the running kernel decides.
fn count(path: &str) -> usize {
    let object = Object::open(path).map(Arc::new);
    let set = object.and_then(|object| Linker::new(&Target::running()).link(&object));
    let set = set.unwrap_or_else(|error| panic!("{error}"));
    set.programs().iter().map(|p| p.relocations().count()).sum()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["inputs", dir] => must(work::inputs(Path::new(dir))),
        ["work", name, dir] => work::work(name, Path::new(dir)),
        ["count", ref paths @ ..] => {
            println!("{}", paths.iter().map(|path| count(path)).sum::<usize>())
        }
        ["wide", count, dir] => write_wide(count, Path::new(dir)),
        ["scale", dir] => write_scale(Path::new(dir)),
        _ => runner::run(&args, Bpflink::new),
    }
}
