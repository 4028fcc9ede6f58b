//! Instruction streams that never were an ELF file.

use std::ffi::c_char;
use std::sync::Arc;

use super::btf::bpflink_btf;
use super::error::bpflink_error;
use super::object::{
    BPFLINK_BIG_ENDIAN, BPFLINK_LITTLE_ENDIAN, OpenOptions, bpflink_object, bpflink_object_options,
};
use super::options::refuse_unknown_flags;
use super::pointer::{
    SizeFirst, borrow_optional, create, optional_string, read_options, slice, string,
};
use super::program::bpf_insn;
use super::status::bpflink_status;
use crate::bytes::Endian;
use crate::elf::{
    AttachSpec, Binding, CoreRelocation, Map, MapDefinition, MapOrigin, Object, ProgramType,
    RawReference, RawStream, Symbol,
};
use crate::error::{Cause, Result};
use crate::insn::Insn;
use crate::name::Name;

/// The function is a program of its own.
pub const BPFLINK_SYMBOL_ENTRY: u64 = 0x1;
/// The function is static: others of its name may exist.
pub const BPFLINK_SYMBOL_STATIC: u64 = 0x2;
/// The function is weak.
pub const BPFLINK_SYMBOL_WEAK: u64 = 0x4;
/// The function is hidden from other objects.
pub const BPFLINK_SYMBOL_HIDDEN: u64 = 0x8;

const fn symbol_flags() -> u64 {
    BPFLINK_SYMBOL_ENTRY | BPFLINK_SYMBOL_STATIC | BPFLINK_SYMBOL_WEAK | BPFLINK_SYMBOL_HIDDEN
}

/// A function of a raw stream.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_stream_symbol {
    /// Its name.
    pub name: *const c_char,
    /// `BPFLINK_SYMBOL_ENTRY` and the like.
    pub flags: u64,
    /// Its first instruction slot.
    pub insn: u32,
    /// Its length in slots; 0 where it reaches to the next symbol.
    pub insn_count: u32,
}

/// What one instruction of a raw stream refers to: a function of the stream, one of
/// its maps, else a symbol that somebody else defines.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_stream_reference {
    /// The name.
    pub name: *const c_char,
    /// What is added to its address: bytes into an extern variable; 0 for functions and maps.
    pub addend: i64,
    /// The instruction slot; of a 64-bit load, the first one.
    pub insn: u32,
    /// No flags are known yet: 0.
    pub flags: u32,
}

/// A CO-RE relocation of a raw stream: `struct bpf_core_relo` of linux/bpf.h, with
/// the instruction counted in slots.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_stream_core_relocation {
    /// The instruction slot.
    pub insn: u32,
    /// The type in the stream's BTF that the access starts at.
    pub type_id: u32,
    /// Offset of the access string in the strings of that BTF.
    pub access: u32,
    /// `enum bpf_core_relo_kind`.
    pub kind: u32,
}

/// A raw instruction array with symbol and reference tables. Only `insns` and
/// `symbols` are needed. All of it is borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_stream {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// No flags are known yet: 0.
    pub flags: u64,
    /// The section name that tells the program type, as "xdp"; NULL for none.
    pub section: *const c_char,
    /// The license; NULL for none.
    pub license: *const c_char,
    /// The instructions, in `byte_order`.
    pub insns: *const bpf_insn,
    /// Number of instruction slots.
    pub insn_count: usize,
    /// The functions.
    pub symbols: *const bpflink_stream_symbol,
    /// Number of `symbols`.
    pub symbol_count: usize,
    /// What instructions refer to.
    pub references: *const bpflink_stream_reference,
    /// Number of `references`.
    pub reference_count: usize,
    /// Names of maps that references may name.
    pub maps: *const *const c_char,
    /// Number of `maps`.
    pub map_count: usize,
    /// CO-RE relocations against `btf`.
    pub core_relocations: *const bpflink_stream_core_relocation,
    /// Number of `core_relocations`.
    pub core_relocation_count: usize,
    /// The BTF that CO-RE relocations are about; NULL for none.
    pub btf: *const bpflink_btf,
    /// `BPFLINK_LITTLE_ENDIAN` or `BPFLINK_BIG_ENDIAN`.
    pub byte_order: u32,
    /// Kernel version, as LINUX_VERSION_CODE; or 0.
    pub kernel_version: u32,
}

// SAFETY: integers and pointers, its size first.
unsafe impl SizeFirst for bpflink_stream {}

/// Makes an object of a raw instruction stream.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_object_from_insns(
    stream: *const bpflink_stream,
    options: *const bpflink_object_options,
    object: *mut *mut bpflink_object,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = || {
        // SAFETY: NULL or structs as large as they say.
        let (stream, options) = unsafe {
            (
                read_options(stream, "bpflink_stream")?,
                OpenOptions::read(options)?,
            )
        };
        let stream = stream.ok_or_else(|| Cause::Argument("bpflink_stream is NULL".into()))?;
        let name = options.name.clone().unwrap_or_else(|| Name::from("stream"));
        // SAFETY: its pointers are as its counts say.
        let raw = unsafe { raw_stream(&stream, name) }?;
        Object::from_insns(raw).map(|object| options.finish(object))
    };
    // SAFETY: NULL or places for pointers.
    unsafe { create(object, error, body) }
}

unsafe fn raw_stream(stream: &bpflink_stream, name: Name) -> Result<RawStream> {
    refuse_unknown_flags("bpflink_stream", stream.flags, 0)?;
    let endian = byte_order(stream.byte_order)?;
    // SAFETY: so many slots, as the caller says.
    let slots = unsafe { slice(stream.insns, stream.insn_count, "insns") }?;
    let insns = slots
        .iter()
        .map(|slot| Insn::decode(slot.bytes(), endian))
        .collect();
    let mut raw = RawStream::new(name, endian, insns);
    // SAFETY: NULL or strings; tables of so many entries; NULL or live BTF.
    unsafe {
        raw.program_type = optional_string(stream.section)
            .map(|name| ProgramType::of_section(name.to_bytes()))
            .unwrap_or_default();
        raw.attach = optional_string(stream.section)
            .map(|name| AttachSpec::of_section(name.to_bytes()))
            .unwrap_or_default();
        raw.license = optional_string(stream.license).map(|text| Name::new(text.to_bytes()));
        raw.symbols = table(stream.symbols, stream.symbol_count, "symbols", |s| {
            symbol(s)
        })?;
        raw.references = table(
            stream.references,
            stream.reference_count,
            "references",
            |r| reference(r),
        )?;
        raw.maps = table(stream.maps, stream.map_count, "maps", |&name| map(name))?;
        raw.core_relocations = core_relocations(stream)?;
        raw.btf = borrow_optional(stream.btf)?.map(|named| Arc::clone(&named.btf));
    }
    raw.version = (stream.kernel_version != 0).then_some(stream.kernel_version);
    Ok(raw)
}

fn byte_order(number: u32) -> Result<Endian> {
    match number {
        BPFLINK_LITTLE_ENDIAN => Ok(Endian::Little),
        BPFLINK_BIG_ENDIAN => Ok(Endian::Big),
        other => Err(Cause::Argument(format!("bpflink_stream: unknown byte order {other}")).into()),
    }
}

unsafe fn table<T, R>(
    pointer: *const T,
    count: usize,
    what: &str,
    convert: impl Fn(&T) -> Result<R>,
) -> Result<Vec<R>> {
    // SAFETY: so many entries, as the caller says.
    unsafe { slice(pointer, count, what) }?
        .iter()
        .map(convert)
        .collect()
}

unsafe fn name(pointer: *const c_char, what: &str) -> Result<Name> {
    // SAFETY: NULL or a string.
    let text = unsafe { string(pointer, what) }?;
    Ok(Name::new(text.to_bytes()))
}

unsafe fn symbol(symbol: &bpflink_stream_symbol) -> Result<Symbol> {
    refuse_unknown_flags("bpflink_stream_symbol", symbol.flags, symbol_flags())?;
    let has = |flag| symbol.flags & flag != 0;
    Ok(Symbol {
        // SAFETY: NULL or a string.
        name: unsafe { name(symbol.name, "a symbol's name") }?,
        start: symbol.insn,
        len: (symbol.insn_count != 0).then_some(symbol.insn_count),
        binding: match (has(BPFLINK_SYMBOL_STATIC), has(BPFLINK_SYMBOL_WEAK)) {
            (true, _) => Binding::Local,
            (false, true) => Binding::Weak,
            (false, false) => Binding::Global,
        },
        hidden: has(BPFLINK_SYMBOL_HIDDEN),
        entry: has(BPFLINK_SYMBOL_ENTRY),
    })
}

unsafe fn reference(reference: &bpflink_stream_reference) -> Result<RawReference> {
    refuse_unknown_flags("bpflink_stream_reference", u64::from(reference.flags), 0)?;
    Ok(RawReference {
        insn: reference.insn,
        // SAFETY: NULL or a string.
        name: unsafe { name(reference.name, "a reference's name") }?,
        addend: reference.addend,
    })
}

unsafe fn map(pointer: *const c_char) -> Result<Map> {
    Ok(Map {
        // SAFETY: NULL or a string.
        name: unsafe { name(pointer, "a map's name") }?,
        section: Name::default(),
        origin: MapOrigin::Legacy,
        definition: MapDefinition::default(),
        initial: None,
        weak: false,
        hidden: false,
    })
}

unsafe fn core_relocations(stream: &bpflink_stream) -> Result<Vec<CoreRelocation>> {
    let count = stream.core_relocation_count;
    // SAFETY: so many entries, as the caller says.
    let records = unsafe { slice(stream.core_relocations, count, "core_relocations") }?;
    let relocation = |(record, r): (u32, &bpflink_stream_core_relocation)| CoreRelocation {
        insn: r.insn,
        type_id: r.type_id,
        access: r.access,
        kind: r.kind,
        record,
    };
    Ok((0..).zip(records).map(relocation).collect())
}
