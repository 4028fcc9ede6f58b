//! Pointers into code that data holds.

use super::fault::{Fault, Result, malformed, unsupported};
use super::file::{ElfFile, Place, Relocation};
use super::relocations::POINTERS;
use super::symbols::slots;
use super::targets::{Home, Targets};
use super::{FunctionAddress, Stream};

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
