//! From an instruction to its line in the source.

use super::Program;
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
    decode_place(btf, raw).filter(|place| place.line != 0)
}

fn decode_place(btf: &Btf, raw: &[u8]) -> Option<SourceLine> {
    let endian = btf.endian();
    let line_col = endian.u32_at(raw, 12)?;
    Some(SourceLine {
        file: Name::new(btf.string(endian.u32_at(raw, 4)?).ok()?),
        line: line_col >> 10,
        column: line_col & 0x3ff,
    })
}

/// A line_info record of a program, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramLine {
    /// The slot in the program from which on it holds.
    pub insn: u32,
    /// Where in the source; line 0 where the compiler knows no line.
    pub place: SourceLine,
    /// The source line itself; empty where the compiler left it out.
    pub text: Name,
}

impl Program {
    /// What [`line_info`](Self::line_info) says, record by record; a record whose
    /// strings do not exist is left out.
    pub fn lines(&self) -> Vec<ProgramLine> {
        let (Some(finalized), Some(btf)) = (&self.finalized, self.object.btf()) else {
            return Vec::new();
        };
        let info = &finalized.line_info;
        let records = info.bytes.chunks_exact(info.record_size.max(1));
        records.filter_map(|raw| program_line(btf, raw)).collect()
    }
}

fn program_line(btf: &Btf, raw: &[u8]) -> Option<ProgramLine> {
    let endian = btf.endian();
    Some(ProgramLine {
        insn: endian.u32_at(raw, 0)?,
        place: decode_place(btf, raw)?,
        text: Name::new(btf.string(endian.u32_at(raw, 8)?).ok()?),
    })
}
