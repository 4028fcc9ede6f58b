//! Streams that never were an ELF file: instructions and tables from a caller.

use std::sync::Arc;

use super::btf_index::BtfIndex;
use super::btf_layout;
use super::exceptions::ExceptionCallbacks;
use super::externs::ExternKinds;
use super::fault::{Fault, Result};
use super::relocations::{Relocated, add_local_calls};
use super::{
    AttachSpec, CoreRelocation, Extern, FunctionAddress, InfoTable, Map, MapOrigin, Object,
    ProgramType, Reference, ReferenceTarget, Stream, Symbol,
};
use crate::btf::{Btf, Layout};
use crate::bytes::Endian;
use crate::error::{Cause, Error};
use crate::insn::{INSN_SIZE, Insn, decode_stream};
use crate::lookup::Lookup;
use crate::name::Name;
use crate::order;

/// A raw instruction array and all that can be said about it.
///
/// Only the instructions are needed; [`RawStream::new`] leaves the rest empty.
#[derive(Clone, Debug)]
pub struct RawStream {
    /// What errors call the object, and the name of its only stream.
    pub name: Name,
    /// The byte order that the linked program is written in.
    pub endian: Endian,
    /// The instructions.
    pub insns: Vec<Insn>,
    /// The functions, in any order.
    pub symbols: Vec<Symbol>,
    /// What instructions refer to, by name, in any order, at most one each.
    pub references: Vec<RawReference>,
    /// CO-RE relocations against `btf`, in any order, at most one each.
    pub core_relocations: Vec<CoreRelocation>,
    /// func_info records.
    pub func_info: InfoTable,
    /// line_info records.
    pub line_info: InfoTable,
    /// What the programs are; [`ProgramType::of_section`] tells it of a name.
    pub program_type: ProgramType,
    /// Where they attach; [`AttachSpec::of_section`] tells it of a name.
    pub attach: AttachSpec,
    /// The license.
    pub license: Option<Name>,
    /// The kernel version, as LINUX_VERSION_CODE.
    pub version: Option<u32>,
    /// Maps that references may name.
    pub maps: Vec<Map>,
    /// The BTF that type ids and CO-RE relocations are about.
    pub btf: Option<Arc<Btf>>,
}

/// A reference by name: to a function of the stream, to a map, else to a symbol
/// that somebody else defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawReference {
    /// The slot of the instruction; of an `ld_imm64`, the first one.
    pub insn: u32,
    /// The name.
    pub name: Name,
    /// What is added to its address: bytes into a map's value, into an extern variable;
    /// 0 for functions and whole maps.
    pub addend: i64,
}

impl RawStream {
    /// A stream of `insns` that says nothing else.
    pub fn new(name: impl Into<Name>, endian: Endian, insns: Vec<Insn>) -> RawStream {
        RawStream {
            name: name.into(),
            endian,
            insns,
            symbols: Vec::new(),
            references: Vec::new(),
            core_relocations: Vec::new(),
            func_info: InfoTable::default(),
            line_info: InfoTable::default(),
            program_type: ProgramType::default(),
            attach: AttachSpec::default(),
            license: None,
            version: None,
            maps: Vec::new(),
            btf: None,
        }
    }

    /// A stream of the instructions that `bytes` hold in the byte order `endian`.
    pub fn from_bytes(
        name: impl Into<Name>,
        endian: Endian,
        bytes: &[u8],
    ) -> crate::Result<RawStream> {
        let name = name.into();
        match decode_stream(bytes, endian) {
            Some(insns) => Ok(RawStream::new(name, endian, insns)),
            None => {
                let len = bytes.len();
                let what = format!("{len} bytes are no whole number of {INSN_SIZE}-byte slots");
                Err(argument(what).in_object(&name))
            }
        }
    }
}

impl Object {
    /// An object of one stream that never was an ELF file.
    ///
    /// A reference to a name without a body becomes an extern. Whether the
    /// symbols cut the stream into functions is for the split stage to see.
    pub fn from_insns(raw: RawStream) -> crate::Result<Object> {
        let name = raw.name.clone();
        from_insns(raw).map_err(|fault| -> Error { fault.in_object(&name) })
    }
}

fn argument(what: String) -> Fault {
    Cause::Argument(what).into()
}

fn from_insns(raw: RawStream) -> Result<Object> {
    if u32::try_from(raw.insns.len()).is_err() || u32::try_from(raw.references.len()).is_err() {
        return Err(argument("more instructions than can be numbered".into()));
    }
    let btf = raw.btf;
    let mut stream = Stream {
        section: raw.name.clone(),
        program_type: raw.program_type,
        attach: raw.attach,
        insns: raw.insns,
        symbols: raw.symbols,
        references: Vec::new(),
        core_relocations: raw.core_relocations,
        func_info: raw.func_info,
        line_info: raw.line_info,
        defects: Vec::new(),
    };
    order::by_number(&mut stream.symbols, |symbol| symbol.start);
    order::by_number(&mut stream.core_relocations, |relocation| relocation.insn);
    check_core_relocations(&stream)?;
    let index = BtfIndex::new(btf.as_deref())?;
    let (mut references, externs) = resolve(&stream, &raw.references, &raw.maps, &index)?;
    order::by_number(&mut references, |reference| reference.insn);
    check_single(&references)?;
    let mut found = Relocated {
        references,
        defects: Vec::new(),
    };
    add_local_calls(&stream, 0, &mut found);
    stream.references = found.references;
    stream.defects = found.defects;
    let streams = vec![stream];
    let mut warnings = Vec::new();
    let exceptions = ExceptionCallbacks::find(&index, &streams, &mut warnings)?;
    let mut btf_layout = Layout::new();
    btf_layout::add_hidden_functions(&mut btf_layout, &streams);
    Ok(Object {
        name: raw.name,
        endian: raw.endian,
        license: raw.license,
        version: raw.version,
        streams,
        maps: raw.maps,
        externs,
        struct_ops: Vec::new(),
        registered: Default::default(),
        jump_tables: Default::default(),
        btf: btf.clone(),
        btf_layout,
        exceptions,
        has_context_tags: index.has_context_tags,
        warnings,
    })
}

/// The references with what their names stand for, and the names that nobody defines.
fn resolve(
    stream: &Stream,
    references: &[RawReference],
    maps: &[Map],
    index: &BtfIndex<'_>,
) -> Result<(Vec<Reference>, Vec<Extern>)> {
    let mut resolver = Resolver::new(stream, maps, index);
    let mut found = Vec::with_capacity(references.len());
    for reference in references {
        let target = check_site(stream, reference.insn)
            .and_then(|()| resolver.target(reference))
            .map_err(|fault| fault.insn(reference.insn).symbol(&reference.name))?;
        found.push(Reference {
            insn: reference.insn,
            target,
        });
    }
    Ok((found, resolver.externs))
}

/// Only calls and 64-bit loads can refer to something.
fn check_site(stream: &Stream, slot: u32) -> Result<()> {
    match stream.insns.get(slot as usize) {
        Some(insn) if insn.is_call() || insn.is_ld_imm64() => Ok(()),
        Some(insn) => Err(argument(format!(
            "a reference at an instruction with opcode {:#04x}, which is neither a call nor a 64-bit load",
            insn.code
        ))),
        None => Err(argument(format!(
            "a reference past the {} instructions of the stream",
            stream.insns.len()
        ))),
    }
}

/// What a reference to the whole of something cannot have.
fn no_addend(what: &str, addend: i64) -> Result<()> {
    match addend {
        0 => Ok(()),
        _ => Err(argument(format!(
            "a reference to {what} with the addend {addend}, which it cannot carry"
        ))),
    }
}

/// A value's offset is 32 bits wide in the instruction.
fn value_offset(addend: i64) -> Result<u32> {
    u32::try_from(addend).map_err(|_| {
        argument(format!(
            "the addend {addend} is no offset into a map's value"
        ))
    })
}

fn check_single(sorted: &[Reference]) -> Result<()> {
    for (one, next) in sorted.iter().zip(sorted.iter().skip(1)) {
        if one.insn == next.insn {
            return Err(argument("two references of one instruction".into()).insn(one.insn));
        }
    }
    Ok(())
}

/// The relocations are sorted by instruction.
fn check_core_relocations(stream: &Stream) -> Result<()> {
    let relocations = &stream.core_relocations;
    let fault = |relocation: &CoreRelocation, what| {
        argument(what)
            .insn(relocation.insn)
            .record(relocation.record)
    };
    if let Some(last) = relocations.last()
        && last.insn as usize >= stream.insns.len()
    {
        let len = stream.insns.len();
        let what = format!("a CO-RE relocation past the {len} instructions of the stream");
        return Err(fault(last, what));
    }
    for (one, next) in relocations.iter().zip(relocations.iter().skip(1)) {
        if one.insn == next.insn {
            return Err(fault(
                next,
                "two CO-RE relocations of one instruction".into(),
            ));
        }
    }
    Ok(())
}

/// Finds what names stand for; of two functions of one name, the first one counts.
struct Resolver<'a> {
    functions: Lookup<&'a Name, u32>,
    maps: Lookup<&'a Name, (u32, &'a Map)>,
    kinds: ExternKinds<'a>,
    externs: Vec<Extern>,
    known: Lookup<Name, u32>,
}

impl<'a> Resolver<'a> {
    fn new(stream: &'a Stream, maps: &'a [Map], index: &'a BtfIndex<'a>) -> Resolver<'a> {
        let mut functions = Lookup::default();
        for symbol in &stream.symbols {
            functions.or_insert(&symbol.name, symbol.start);
        }
        let mut by_name = Lookup::default();
        for (index, map) in (0u32..).zip(maps) {
            by_name.or_insert(&map.name, (index, map));
        }
        Resolver {
            functions,
            maps: by_name,
            kinds: ExternKinds::new(index),
            externs: Vec::new(),
            known: Lookup::default(),
        }
    }

    fn target(&mut self, reference: &RawReference) -> Result<ReferenceTarget> {
        let addend = reference.addend;
        if let Some(&insn) = self.functions.get(&reference.name) {
            no_addend("a function", addend)?;
            return Ok(ReferenceTarget::Function(FunctionAddress {
                stream: 0,
                insn,
            }));
        }
        if let Some(&(map, definition)) = self.maps.get(&reference.name) {
            return match definition.origin {
                MapOrigin::Btf | MapOrigin::Legacy => {
                    no_addend("a map", addend)?;
                    Ok(ReferenceTarget::Map(map))
                }
                _ => value_offset(addend).map(|offset| ReferenceTarget::MapValue { map, offset }),
            };
        }
        Ok(ReferenceTarget::Extern {
            index: self.extern_of(&reference.name),
            addend,
        })
    }

    fn extern_of(&mut self, name: &Name) -> u32 {
        if let Some(&index) = self.known.get(name) {
            return index;
        }
        // No more externs than references, which were counted.
        let index = self.externs.len() as u32;
        self.externs
            .push(self.kinds.describe(name.as_bytes(), false));
        self.known.insert(name.clone(), index);
        index
    }
}
