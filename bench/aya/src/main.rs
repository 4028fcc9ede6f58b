//! aya-obj, measured: the steps of aya's `EbpfLoader::load` up to the system calls, for a
//! kernel that has every feature. See `bench/c/runner.h`.

#[path = "../../src/digest.rs"]
mod digest;
#[path = "../../src/runner.rs"]
mod runner;

use std::collections::HashSet;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use aya_obj::Object;
use aya_obj::btf::Btf;
use aya_obj::generated::bpf_insn;
use digest::Digest;
use object::Endianness;

struct Aya(Btf);

fn kernel(btf: &str) -> Result<Btf, String> {
    Btf::parse_file(Path::new(btf), Endianness::default()).map_err(|e| e.to_string())
}

fn link(bytes: &[u8], kernel: &Btf, digest: Option<&mut Digest>) -> Result<(), String> {
    // It panics on objects that it does not expect.
    let linked = catch_unwind(AssertUnwindSafe(|| linked(bytes, kernel)));
    let object = linked.map_err(|_| "panicked".to_owned())??;
    if let Some(digest) = digest {
        add(digest, &object);
    }
    black_box(object);
    Ok(())
}

fn linked(bytes: &[u8], kernel: &Btf) -> Result<Object, String> {
    let said = |error: &dyn std::error::Error| error.to_string();
    let mut object = Object::parse(bytes).map_err(|e| said(&e))?;
    let btf = object.fixup_and_sanitize_btf(|| Some(|_| true));
    if let Some(btf) = btf.map_err(|e| said(&e))? {
        black_box(btf.to_bytes());
    }
    object.relocate_btf(kernel).map_err(|e| said(&e))?;
    object.resolve_externs(Some(kernel)).map_err(|e| said(&e))?;
    let maps: Vec<_> = object.maps.clone().into_iter().collect();
    let text: HashSet<usize> = object
        .functions
        .keys()
        .map(|&(section, _)| section)
        .collect();
    let fds = (3..)
        .zip(&maps)
        .map(|(fd, (name, map))| (name.as_str(), fd, map));
    object.relocate_maps(fds, &text).map_err(|e| said(&e))?;
    object.relocate_externs().map_err(|e| said(&e))?;
    object.relocate_calls(&text).map_err(|e| said(&e))?;
    object.sanitize_functions(|| true);
    Ok(object)
}

fn word(insn: &bpf_insn) -> u64 {
    let [o0, o1] = insn.off.to_le_bytes();
    let [i0, i1, i2, i3] = insn.imm.to_le_bytes();
    let registers = insn.dst_reg() | insn.src_reg() << 4;
    u64::from_le_bytes([insn.code, registers, o0, o1, i0, i1, i2, i3])
}

fn add(digest: &mut Digest, object: &Object) {
    for program in object.programs.values() {
        match object.functions.get(&program.function_key()) {
            Some(function) => digest.add_words(function.instructions.iter().map(word)),
            None => digest.failed += 1,
        }
    }
}

impl runner::Linker for Aya {
    fn link(&self, object: &[u8], digest: Option<&mut Digest>) -> Result<(), String> {
        link(object, &self.0, digest)
    }

    fn link_file(&self, path: &str, digest: Option<&mut Digest>) -> Result<(), String> {
        let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
        link(&bytes, &self.0, digest)
    }

    fn link_for(&self, object: &[u8], btf: &str) -> Result<(), String> {
        link(object, &kernel(btf)?, None)
    }
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    runner::run(&args, |btf| {
        let btf = kernel(btf.unwrap_or("/sys/kernel/btf/vmlinux"));
        Aya(btf.unwrap_or_else(|error| {
            eprintln!("{error}");
            std::process::exit(2)
        }))
    });
}
