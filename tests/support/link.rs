//! Short ways through the library's stages.

#![allow(dead_code)] // Every test binary uses another part of it.

use std::sync::Arc;

use bpflink::btf::Btf;
use bpflink::link::{Choice, FinalizeOptions, Linker, Program, Programs};
use bpflink::{Object, Target};

use super::btf::{BtfBuilder, Order};
use super::insn::I;
use super::vm::decode;

/// The name that objects in memory get; messages begin with it.
pub const NAME: &str = "test.bpf.o";

/// Opens an object out of memory.
pub fn open(bytes: &[u8]) -> bpflink::Result<Arc<Object>> {
    let result = Object::parse(bytes, NAME).map(Arc::new);
    super::record::open(bytes, NAME, &result);
    result
}

/// The object, which must be valid.
pub fn opened(bytes: &[u8]) -> Arc<Object> {
    open(bytes).unwrap_or_else(|error| panic!("does not open: {error}"))
}

/// What the library makes of built BTF.
pub fn btf(builder: &BtfBuilder) -> Arc<Btf> {
    let parsed = Btf::parse(builder.build(), None);
    Arc::new(parsed.unwrap_or_else(|error| panic!("the target's BTF: {error}")))
}

/// A kernel of which only this BTF is known.
pub fn target(builder: &BtfBuilder) -> Target {
    Target::from_btf(btf(builder))
}

/// A kernel whose BTF has no type that anybody looks for.
pub fn bare_target(order: Order) -> Target {
    let mut builder = BtfBuilder::new(order);
    builder.int("unrelated", 4, 0);
    target(&builder)
}

/// All stages; map references stay listed.
pub fn link_for(object: &Arc<Object>, target: &Target) -> Programs {
    super::record::link(object, target, Default::default());
    Linker::new(target)
        .link(object)
        .unwrap_or_else(|error| panic!("does not link: {error}"))
}

/// Opens and links for a kernel that nothing depends on; every program must stand.
pub fn linked(bytes: &[u8]) -> Programs {
    let object = opened(bytes);
    let target = bare_target(order_of(&object));
    all_stand(link_for(&object, &target))
}

/// The set, none of whose programs may have failed.
pub fn all_stand(programs: Programs) -> Programs {
    for program in programs.programs() {
        if let Some(error) = program.error() {
            panic!("program {} failed: {error}", program.name());
        }
    }
    programs
}

/// All stages one by one, maps given the file descriptors of `fds`.
pub fn staged(
    object: &Arc<Object>,
    target: &Target,
    fds: &[(&str, i32)],
) -> bpflink::Result<Programs> {
    super::record::link(object, target, Default::default());
    let mut set = Programs::split(object)?;
    set.flatten(Choice::All)?;
    set.relocate(target, Default::default(), Choice::All)?;
    for &(map, fd) in fds {
        set.set_map_fd(&map.into(), fd)?;
    }
    set.finalize(target, FinalizeOptions::default(), Choice::All)?;
    Ok(set)
}

pub fn order_of(object: &Object) -> Order {
    match object.endian() {
        bpflink::bytes::Endian::Little => Order::Little,
        bpflink::bytes::Endian::Big => Order::Big,
    }
}

/// The program of a name, which must exist.
pub fn program<'a>(programs: &'a Programs, name: &str) -> &'a Program {
    let found = programs.get(name);
    found.unwrap_or_else(|| panic!("no program {name}"))
}

/// The final stream of a program, read back from its bytes.
pub fn stream(programs: &Programs, name: &str) -> Vec<I> {
    let program = program(programs, name);
    let Some(bytes) = program.bytes() else {
        panic!("program {name} is not final: {:?}", program.error());
    };
    decode(bytes, order_of(programs.object()))
}

/// The functions of a program with their first slots, in the order of the stream.
pub fn functions(programs: &Programs, name: &str) -> Vec<(String, u32)> {
    let functions = program(programs, name).functions();
    functions.map(|f| (f.name.to_string(), f.insn)).collect()
}

/// The same, names alone.
pub fn function_names(programs: &Programs, name: &str) -> Vec<String> {
    let functions = functions(programs, name);
    functions.into_iter().map(|(name, _)| name).collect()
}

/// The words of records, in the object's byte order.
pub fn records(programs: &Programs, record_size: usize, bytes: &[u8]) -> Vec<Vec<u32>> {
    let word = |raw: &[u8]| {
        let raw: [u8; 4] = raw.try_into().expect("chunks of four");
        match order_of(programs.object()) {
            Order::Little => u32::from_le_bytes(raw),
            Order::Big => u32::from_be_bytes(raw),
        }
    };
    bytes
        .chunks_exact(record_size.max(1))
        .map(|record| record.chunks_exact(4).map(word).collect())
        .collect()
}

/// (instruction, BTF_KIND_FUNC) of the func_info records.
pub fn func_info(programs: &Programs, name: &str) -> Vec<(u32, u32)> {
    let info = program(programs, name).func_info();
    let records = records(programs, info.record_size, &info.bytes);
    records.iter().map(|words| (words[0], words[1])).collect()
}

/// (instruction, line) of the line_info records.
pub fn lines(programs: &Programs, name: &str) -> Vec<(u32, u32)> {
    let info = program(programs, name).line_info();
    let records = records(programs, info.record_size, &info.bytes);
    records
        .iter()
        .map(|words| (words[0], words[3] >> 10))
        .collect()
}

/// The message of the error that a program failed with.
pub fn failure(programs: &Programs, name: &str) -> String {
    match program(programs, name).error() {
        Some(error) => error.to_string(),
        None => panic!("program {name} did not fail"),
    }
}
