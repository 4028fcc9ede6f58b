//! Sections that are neither code nor a plain map: kept as the file has them.

use super::fault::{Fault, Result, malformed, unsupported};
use super::file::{ElfFile, Place, Relocation, Section};
use super::relocations::POINTERS;
use super::sections::check_contents;
use super::symbols::slots;
use super::targets::{Home, Targets};
use super::{FunctionAddress, Stream};
use crate::name::Name;

/// A section whose meaning is the loader's or the kernel's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialSection {
    /// Its name.
    pub name: Name,
    /// What it is for.
    pub kind: SpecialKind,
    /// Its contents as the file has them.
    pub contents: Vec<u8>,
    /// Its variables, sorted by their offset.
    pub variables: Vec<Variable>,
    /// Pointers into code, sorted by their offset: where in the contents, and to
    /// which instruction.
    pub pointers: Vec<(u64, FunctionAddress)>,
}

/// What a [`SpecialSection`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialKind {
    /// Variables of the arena (`.addr_space.1`).
    Arena,
    /// Where indirect jumps go (`.jumptables`).
    JumpTables,
}

/// A variable of a section, as the symbol table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: Name,
    /// Its offset in the section, bytes.
    pub offset: u64,
    /// Its size, bytes.
    pub size: u64,
    /// Whether it is hidden from other objects.
    pub hidden: bool,
    /// Whether it is weak.
    pub weak: bool,
}

/// Reads a special section.
pub(super) fn section(
    file: &ElfFile<'_>,
    targets: &Targets,
    streams: &[Stream],
    section: &Section<'_>,
    kind: SpecialKind,
) -> Result<SpecialSection> {
    check_contents(section)?;
    let contents = section.bytes()?;
    let mut pointers = Vec::new();
    for table in file.relocations_of(section.index) {
        for relocation in file.entries(table)? {
            let address = pointer(file, targets, streams, contents, &relocation)
                .map_err(|fault| fault.record(relocation.number).section(&section.name))?;
            pointers.push((relocation.offset, address));
        }
    }
    pointers.sort_by_key(|&(offset, _)| offset);
    Ok(SpecialSection {
        name: section.name.clone(),
        kind,
        contents: contents.to_vec(),
        variables: variables(file, section)?,
        pointers,
    })
}

fn variables(file: &ElfFile<'_>, section: &Section<'_>) -> Result<Vec<Variable>> {
    let mut found = Vec::new();
    for (_, symbol) in file.symbols_of(section.index) {
        if symbol.name.is_empty() {
            continue;
        }
        let end = symbol.value.checked_add(symbol.size);
        if end.is_none_or(|end| end > section.size) {
            return Err(malformed("the variable reaches past the section")
                .symbol(&Name::new(symbol.name))
                .section(&section.name));
        }
        found.push(Variable {
            name: Name::new(symbol.name),
            offset: symbol.value,
            size: symbol.size,
            hidden: symbol.hidden,
            weak: symbol.binding == object::elf::STB_WEAK,
        });
    }
    found.sort_by_key(|variable| variable.offset);
    Ok(found)
}

/// The instruction that a pointer leads to; what the pointer holds in the file
/// is added to the symbol.
pub(super) fn pointer(
    file: &ElfFile<'_>,
    targets: &Targets,
    streams: &[Stream],
    contents: &[u8],
    relocation: &Relocation,
) -> Result<FunctionAddress> {
    if !POINTERS.contains(&relocation.kind) {
        let kind = relocation.kind;
        return Err(unsupported(format!(
            "a relocation of type {kind} for a pointer"
        )));
    }
    let addend = usize::try_from(relocation.offset)
        .ok()
        .and_then(|offset| file.endian.u64_at(contents, offset))
        .ok_or_else(|| {
            malformed(format!(
                "a relocation at offset {}, past the {} bytes of the section",
                relocation.offset,
                contents.len()
            ))
        })?;
    let symbol = file
        .symbol(relocation.symbol)
        .ok_or_else(|| malformed(format!("no symbol number {}", relocation.symbol)))?;
    let at = |fault: Fault| fault.symbol(&file.symbol_name(symbol));
    let home = match symbol.place {
        Place::Section(section) => targets.home(section),
        _ => Home::Nothing,
    };
    let insn = symbol.value.checked_add(addend).and_then(slots);
    match (home, insn) {
        (Home::Stream(stream), Some(insn)) => Some(FunctionAddress { stream, insn }),
        _ => None,
    }
    .filter(|address| is_insn(streams, *address))
    .ok_or_else(|| at(malformed("a pointer that leads to no instruction")))
}

fn is_insn(streams: &[Stream], address: FunctionAddress) -> bool {
    streams
        .get(address.stream as usize)
        .is_some_and(|stream| (address.insn as usize) < stream.insns.len())
}
