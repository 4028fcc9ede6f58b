//! From an instruction to its line in the source, for messages.

use super::functions::Function;
use crate::btf::Btf;
use crate::elf::Object;
use crate::error::SourceLine;
use crate::name::Name;

/// The source line of the `insn`th slot of a function, as line_info tells it:
/// that of the last record at or before it.
pub(super) fn source_line(object: &Object, function: &Function, insn: u32) -> Option<SourceLine> {
    let slots = function.slots();
    let end = slots
        .start
        .checked_add(insn)?
        .checked_add(1)?
        .min(slots.end);
    let lines = &function.stream(object)?.line_info;
    let (_, raw) = lines.within(slots.start..end).last()?;
    decode_line(object.btf()?, raw)
}

/// What a raw `struct bpf_line_info` says; `None` for the compiler's "no line".
pub(super) fn decode_line(btf: &Btf, raw: &[u8]) -> Option<SourceLine> {
    let endian = btf.endian();
    let line_col = endian.u32_at(raw, 12)?;
    let line = line_col >> 10;
    (line != 0).then_some(SourceLine {
        file: Name::new(btf.string(endian.u32_at(raw, 4)?).ok()?),
        line,
        column: line_col & 0x3ff,
    })
}
