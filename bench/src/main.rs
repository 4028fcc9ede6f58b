//! bpflink by its crate, measured: see `c/runner.h`.

mod digest;
mod runner;

use std::path::Path;
use std::sync::Arc;

use bpflink::target::btf_from_file;
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
        linked(Object::parse(object, "o"), &described(btf), None)
    }
}

fn main() {
    runner::run(Bpflink::new);
}
