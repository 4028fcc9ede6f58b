//! The instructions of one program, with what they refer to and what was
//! decided about them.

use std::collections::BTreeMap;
use std::fmt;

use bpflink::Program;
use bpflink::insn::Insn;
use bpflink::insn::opcode::*;
use bpflink::link::core::{CoreReport, Outcome};
use bpflink::link::{
    ProgramFunction, ProgramJumpTable, ProgramLine, ProgramReference, ReferenceKind,
};

use crate::disasm::{self, Operands};

/// `src_reg` of an `ld_imm64`: a map by its place in the loader's array of them.
const PSEUDO_MAP_INDEX: u8 = 5;
/// The same, and an offset into its first value.
const PSEUDO_MAP_INDEX_VALUE: u8 = 6;
/// Column where comments start, counted from the instruction's text.
const COMMENT: usize = 36;

/// A linked program, ready to be shown.
pub struct ProgramText<'a> {
    insns: &'a [Insn],
    functions: BTreeMap<usize, ProgramFunction>,
    references: BTreeMap<usize, ProgramReference>,
    relocations: BTreeMap<usize, CoreReport<'a>>,
    lines: BTreeMap<usize, ProgramLine>,
    jump_tables: &'a [ProgramJumpTable],
}

impl<'a> ProgramText<'a> {
    /// Collects what is known about each slot.
    pub fn new(program: &'a Program, lines: bool) -> ProgramText<'a> {
        let lines = match lines {
            true => program.lines(),
            false => Vec::new(),
        };
        ProgramText {
            insns: program.instructions(),
            functions: program.functions().map(|f| (f.insn as usize, f)).collect(),
            references: program
                .references()
                .into_iter()
                .map(|r| (r.insn as usize, r))
                .collect(),
            relocations: program
                .relocations()
                .map(|r| (r.insn as usize, r.report))
                .collect(),
            lines: lines.into_iter().map(|l| (l.insn as usize, l)).collect(),
            jump_tables: program.jump_tables(),
        }
    }

    /// `file.c:93  text`, unless the line is that of the record before.
    fn line_at(&self, slot: usize) -> Option<String> {
        let line = self.lines.get(&slot).filter(|line| line.place.line != 0)?;
        let before = self.lines.range(..slot).next_back();
        let same = |(_, before): (_, &ProgramLine)| {
            (&before.place.file, before.place.line) == (&line.place.file, line.place.line)
        };
        if before.is_some_and(same) && !self.functions.contains_key(&slot) {
            return None;
        }
        let text = line.text.to_string();
        let shown = format!("{}:{}  {}", line.place.file, line.place.line, text.trim());
        Some(shown.trim_end().to_owned())
    }

    /// What a reader wants to know about the instruction at `slot` beyond its text.
    fn comment(&self, slot: usize, insn: Insn) -> String {
        let relocation = self.relocations.get(&slot).map(|report| describe(report));
        let reference = self.references.get(&slot).and_then(origin);
        let function = self
            .function_target(slot, insn)
            .map(|target| format!("at {target}"));
        let table = self.jump_table(slot).map(leads_to);
        let parts: Vec<String> = [relocation, reference, function, table]
            .into_iter()
            .flatten()
            .collect();
        parts.join(", ")
    }

    /// The table of indirect jumps that the instruction at `slot` loads.
    fn jump_table(&self, slot: usize) -> Option<&ProgramJumpTable> {
        let number = self.references.get(&slot)?.jump_table?;
        self.jump_tables.get(number as usize)
    }

    /// The slot that a call or an address of a function of the program means.
    fn function_target(&self, slot: usize, insn: Insn) -> Option<i64> {
        (insn.is_pseudo_call() || insn.is_pseudo_func()).then(|| target(slot, insn.imm))
    }
}

/// The slot that lies `distance` behind the one that follows `slot`.
fn target(slot: usize, distance: i32) -> i64 {
    slot as i64 + 1 + i64::from(distance)
}

/// `byte offset of struct sock.sk_family (0:0:3), was 16`
fn describe(report: &CoreReport<'_>) -> String {
    let subject = format!("{} of {}", report.kind.phrase(), report.local_text());
    match report.outcome {
        Outcome::Patched => format!("{subject}, was {}", report.old),
        Outcome::Unchanged => format!("{subject}, unchanged"),
        Outcome::Absent => format!("{subject}, absent"),
        Outcome::Poisoned => match report.reason() {
            Some(reason) => format!("poisoned: {subject}: {reason}"),
            None => format!("poisoned: {subject}"),
        },
    }
}

/// `leads to 12, 35, 22`
fn leads_to(table: &ProgramJumpTable) -> String {
    const SHOWN: usize = 16;
    let targets = table.targets.iter().take(SHOWN);
    let shown: Vec<String> = targets.map(u32::to_string).collect();
    let rest = match table.targets.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("leads to {}{rest}", shown.join(", "))
}

/// Where what an instruction refers to comes from, unless its text says so.
fn origin(reference: &ProgramReference) -> Option<String> {
    let what = match reference.kind {
        ReferenceKind::Kfunc => "kernel function",
        ReferenceKind::Ksym | ReferenceKind::BtfId => "kernel symbol",
        ReferenceKind::Unknown => "undefined",
        ReferenceKind::MapFd | ReferenceKind::MapValue | ReferenceKind::JumpTable => return None,
    };
    Some(match reference.module.is_empty() {
        true => what.to_owned(),
        false => format!("{what} of module {}", reference.module),
    })
}

/// The operands of the instruction at one slot.
struct At<'a> {
    program: &'a ProgramText<'a>,
    slot: usize,
}

impl At<'_> {
    fn reference(&self) -> Option<&ProgramReference> {
        self.program.references.get(&self.slot)
    }

    fn function(&self, insn: Insn) -> String {
        let target = target(self.slot, insn.imm);
        let function = usize::try_from(target)
            .ok()
            .and_then(|slot| self.program.functions.get(&slot));
        function.map_or_else(|| format!("{target}"), |f| f.name.to_string())
    }
}

impl Operands for At<'_> {
    fn jump(&self, distance: i32) -> String {
        target(self.slot, distance).to_string()
    }

    fn call(&self, insn: Insn) -> String {
        match (self.reference(), insn.src()) {
            (Some(reference), _) => reference.name.to_string(),
            (None, PSEUDO_CALL) => self.function(insn),
            (None, PSEUDO_KFUNC_CALL) => format!("kernel function {}", insn.imm),
            (None, 0) => disasm::helper_name(insn.imm).unwrap_or_else(|| insn.imm.to_string()),
            (None, other) => format!("{} of unknown kind {other}", insn.imm),
        }
    }

    fn wide(&self, first: Insn, value: u64) -> String {
        let low = first.imm;
        let offset = (value >> 32) as u32;
        let name = |fallback: String| match self.reference() {
            Some(reference) => reference.name.to_string(),
            None => fallback,
        };
        match first.src() {
            0 => match self.reference() {
                Some(reference) => reference.name.to_string(),
                None if value < 1 << 32 => value.to_string(),
                None => format!("{value:#x}"),
            },
            PSEUDO_MAP_FD => format!("map {}", name(format!("fd {low}"))),
            PSEUDO_MAP_VALUE if let Some(table) = self.program.jump_table(self.slot) => {
                format!("jump table {} + {offset}", table.name)
            }
            PSEUDO_MAP_VALUE => format!("map {}[0] + {offset}", name(format!("fd {low}"))),
            PSEUDO_BTF_ID => name(format!("btf id {low}")),
            PSEUDO_FUNC => format!("function {}", self.function(first)),
            PSEUDO_MAP_INDEX => format!("map index {low}"),
            PSEUDO_MAP_INDEX_VALUE => format!("map index {low}[0] + {offset}"),
            other => format!("{value:#x} of unknown kind {other}"),
        }
    }
}

impl fmt::Display for ProgramText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut slot = 0;
        while let Some(&insn) = self.insns.get(slot) {
            // The entry's name stands in the head of the program.
            if slot != 0
                && let Some(function) = self.functions.get(&slot)
            {
                writeln!(f, "{}:", function.name)?;
            }
            if let Some(line) = self.line_at(slot) {
                writeln!(f, "      ; {line}")?;
            }
            let rest = self.insns.get(slot..).unwrap_or_default();
            let operands = At {
                program: self,
                slot,
            };
            let Some(instruction) = disasm::disassemble(rest, &operands) else {
                break;
            };
            let text = &instruction.text;
            match self.comment(slot, insn) {
                comment if comment.is_empty() => writeln!(f, "{slot:>4}: {text}")?,
                comment => writeln!(f, "{slot:>4}: {text:<COMMENT$} ; {comment}")?,
            }
            slot += instruction.slots;
        }
        Ok(())
    }
}
