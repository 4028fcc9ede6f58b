//! One program on its way through the stages.

use std::sync::Arc;

use super::AttachTarget;
use super::core::{CoreReport, Decisions, Fixup};
use super::functions::{Function, FunctionId, Functions, Reach};
use super::reference::{JUMP_TABLES, ProgramReference, references_of};
use crate::elf::{AttachKind, Object, ProgramType, ReferenceTarget};
use crate::error::{Error, Result, Site};
use crate::insn::Insn;
use crate::name::Name;

/// An entry program: its instructions so far, and what was decided about them.
///
/// It starts as its entry function alone; flatten appends the functions that it
/// reaches, relocate and finalize change instructions.
#[derive(Debug)]
pub struct Program {
    pub(super) name: Name,
    pub(super) object: Arc<Object>,
    pub(super) functions: Arc<Functions>,
    /// Every function that the entry reaches, the entry first.
    pub(super) reach: Vec<FunctionId>,
    /// How many functions of `reach` stand there without the exception callback.
    pub(super) called: usize,
    /// Where each function stands in `insns`: of the entry alone, or, once
    /// flattened, of all in `reach`.
    pub(super) starts: Vec<u32>,
    pub(super) insns: Vec<Insn>,
    /// What relocate decided for every reached function, placed already or not.
    pub(super) fixups: Vec<Fixup>,
    /// What stands behind them.
    pub(super) decisions: Option<Arc<Decisions>>,
    pub(super) relocated: bool,
    pub(super) finalized: Option<Finalized>,
    pub(super) error: Option<Error>,
}

/// What finalize adds to a program.
#[derive(Debug, Default)]
pub(super) struct Finalized {
    pub bytes: Vec<u8>,
    pub references: Vec<ProgramReference>,
    pub function_names: Vec<Name>,
    pub func_info: InfoBytes,
    pub line_info: InfoBytes,
    pub attach: AttachTarget,
    pub jump_tables: Vec<ProgramJumpTable>,
}

/// Records for BPF_PROG_LOAD: bytes, and the size of each record in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InfoBytes {
    /// Bytes of one record; 0 where there are none.
    pub record_size: usize,
    /// The records, one behind the other.
    pub bytes: Vec<u8>,
}

impl InfoBytes {
    const NONE: &InfoBytes = &InfoBytes {
        record_size: 0,
        bytes: Vec::new(),
    };

    /// Number of records.
    pub fn count(&self) -> usize {
        self.bytes.len().checked_div(self.record_size).unwrap_or(0)
    }
}

/// A function of a program's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramFunction {
    /// Its name.
    pub name: Name,
    /// Its first slot in the program.
    pub insn: u32,
    /// Its length in slots.
    pub len: u32,
}

/// A table of indirect jumps that a program needs: what the loader makes a map of type
/// BPF_MAP_TYPE_INSN_ARRAY of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramJumpTable {
    /// The ELF symbol's name; the section's where it has none.
    pub name: Name,
    /// The slots of the program that its entries lead to.
    pub targets: Vec<u32>,
    /// The slots of the program that load its address.
    pub insns: Vec<u32>,
}

/// What one CO-RE relocation did to a program.
#[derive(Clone, Copy, Debug)]
pub struct ProgramRelocation<'a> {
    /// The slot in the program.
    pub insn: u32,
    /// What was decided and why.
    pub report: CoreReport<'a>,
}

impl Program {
    pub(super) fn new(
        name: Name,
        object: &Arc<Object>,
        functions: &Arc<Functions>,
        Reach { order, called }: Reach,
    ) -> Program {
        let insns = order
            .first()
            .and_then(|&entry| functions.get(entry))
            .map(|entry| entry.insns(object).to_vec())
            .unwrap_or_default();
        Program {
            name,
            object: object.clone(),
            functions: functions.clone(),
            reach: order,
            called,
            starts: vec![0],
            insns,
            fixups: Vec::new(),
            decisions: None,
            relocated: false,
            finalized: None,
            error: None,
        }
    }

    /// The name of its entry function.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The section that it was defined in.
    pub fn section(&self) -> &Name {
        match self.entry().and_then(|entry| entry.stream(&self.object)) {
            Some(stream) => &stream.section,
            // Never: a program is made of a function of a stream.
            None => &self.name,
        }
    }

    /// What a loader passes to BPF_PROG_LOAD, as the section's name tells it.
    ///
    /// A program of `struct_ops` is optional unless a variable holds it that is not, and its
    /// attach type is the member that finalize found it to be.
    pub fn program_type(&self) -> ProgramType {
        let stream = self.entry().and_then(|entry| entry.stream(&self.object));
        let by_section = stream.map(|stream| stream.program_type).unwrap_or_default();
        match stream.map(|stream| stream.attach.kind) {
            Some(AttachKind::StructOps) => ProgramType {
                attach_type: self.finalized.as_ref().and_then(|f| f.attach.member),
                optional: !self
                    .entry_address()
                    .is_some_and(|a| self.object.is_registered(a)),
                ..by_section
            },
            _ => by_section,
        }
    }

    /// Its instructions as far as the stages have come.
    pub fn instructions(&self) -> &[Insn] {
        &self.insns
    }

    /// The finalized stream in the object's byte order, ready for bpf(2);
    /// `None` before finalize.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.finalized.as_ref().map(|f| f.bytes.as_slice())
    }

    /// Why it cannot be linked, if so; it then stays as the failed stage found it.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Whether flatten appended what it reaches.
    pub fn is_flattened(&self) -> bool {
        self.starts.len() == self.reach.len()
    }

    /// Whether its instructions refer to functions of the object (calls or addresses),
    /// or a function is its exception callback: whether there is something to flatten.
    pub fn has_function_references(&self) -> bool {
        self.called < self.reach.len()
            || self
                .placed()
                .any(|(_, id, _)| self.functions.has_references(id))
    }

    /// Its functions in the order of the stream, the entry first. Once finalized,
    /// by the names that func_info says.
    pub fn functions(&self) -> impl Iterator<Item = ProgramFunction> + '_ {
        let names = self.finalized.as_ref().map(|f| f.function_names.as_slice());
        self.placed()
            .enumerate()
            .map(move |(index, (start, _, function))| ProgramFunction {
                name: names
                    .and_then(|names| names.get(index))
                    .unwrap_or(&function.name)
                    .clone(),
                insn: start,
                len: function.len,
            })
    }

    /// What its instructions refer to, maps and externs, in order. Before finalize
    /// all of them, unresolved.
    pub fn references(&self) -> Vec<ProgramReference> {
        match &self.finalized {
            Some(finalized) => finalized.references.clone(),
            None => references_of(self, self.placed()),
        }
    }

    /// What relocate did, in the order of the stream.
    pub fn relocations(&self) -> impl Iterator<Item = ProgramRelocation<'_>> {
        self.fixups.iter().filter_map(|fixup| {
            let start = self.starts.get(fixup.function as usize)?;
            Some(ProgramRelocation {
                insn: start.checked_add(fixup.insn)?,
                report: self.decisions.as_ref()?.report(fixup)?,
            })
        })
    }

    /// func_info records for BPF_PROG_LOAD; empty before finalize.
    pub fn func_info(&self) -> &InfoBytes {
        self.finalized
            .as_ref()
            .map_or(InfoBytes::NONE, |finalized| &finalized.func_info)
    }

    /// line_info records for BPF_PROG_LOAD; empty before finalize.
    pub fn line_info(&self) -> &InfoBytes {
        self.finalized
            .as_ref()
            .map_or(InfoBytes::NONE, |finalized| &finalized.line_info)
    }

    /// The tables of its indirect jumps; empty before finalize.
    pub fn jump_tables(&self) -> &[ProgramJumpTable] {
        self.finalized
            .as_ref()
            .map_or(&[], |finalized| finalized.jump_tables.as_slice())
    }

    pub(super) fn entry(&self) -> Option<&Function> {
        self.functions.get(*self.reach.first()?)
    }

    /// The functions that stand in `insns`: first slot, id, function.
    pub(super) fn placed(&self) -> impl Iterator<Item = (u32, FunctionId, &Function)> {
        self.starts
            .iter()
            .zip(&self.reach)
            .filter_map(|(&start, &id)| Some((start, id, self.functions.get(id)?)))
    }

    /// Writes the fixups of the functions from the `from`th on into `insns`.
    pub(super) fn apply_fixups(&mut self, from: usize) {
        let first = self
            .fixups
            .partition_point(|f| (f.function as usize) < from);
        for fixup in self.fixups.get(first..).unwrap_or_default() {
            let Some(&start) = self.starts.get(fixup.function as usize) else {
                break;
            };
            let slot = start as usize + fixup.insn as usize;
            if let Some(insn) = self.insns.get_mut(slot) {
                *insn = fixup.first;
            }
            if let (Some(second), Some(insn)) = (fixup.second, self.insns.get_mut(slot + 1)) {
                *insn = second;
            }
        }
    }

    /// Where in the source and in the program an instruction of a function stands.
    #[cold]
    #[inline(never)]
    pub(super) fn site(&self, function: Option<&Function>, insn: Option<u32>) -> Site {
        let line = function
            .zip(insn)
            .and_then(|(function, insn)| super::lines::source_line(&self.object, function, insn));
        Site {
            object: Some(self.object.name().clone()),
            program: Some(self.name.clone()),
            section: Some(self.section().clone()),
            symbol: function.map(|function| function.name.clone()),
            insn,
            line,
            ..Site::default()
        }
    }

    /// What `target` is called.
    pub(super) fn target_name(&self, target: &ReferenceTarget) -> Name {
        let object = &self.object;
        let name = match *target {
            ReferenceTarget::Function(address) => {
                let id = self.functions.at(address);
                id.and_then(|id| self.functions.get(id)).map(|f| &f.name)
            }
            ReferenceTarget::Map(map) | ReferenceTarget::MapValue { map, .. } => {
                object.maps().get(map as usize).map(|map| &map.name)
            }
            ReferenceTarget::JumpTable { table, .. } => match object.jump_tables().name(table) {
                None => return Name::from(JUMP_TABLES),
                named => named,
            },
            ReferenceTarget::Extern { index, .. } => {
                object.externs().get(index as usize).map(|e| &e.name)
            }
        };
        name.cloned().unwrap_or_default()
    }

    /// Marks the program as failed, for the first reason there was.
    pub(super) fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    /// Runs a stage that computes on one program; its error marks the program.
    pub(super) fn attempt<T>(&mut self, outcome: Result<T>) -> Option<T> {
        outcome.map_err(|error| self.fail(error)).ok()
    }
}
