//! CO-RE: what each relocation means on the target, and how it is written.
//!
//! One file per question:
//!
//! | question | file |
//! | --- | --- |
//! | what is asked for | `kind` |
//! | what does the access string say, and what does it mean | `access`, `spec` |
//! | which types of the target are candidates | `candidates` |
//! | do two types agree | `compat`, and in depth `matches` |
//! | where is the field in a candidate | `locate`, `names` |
//! | what is the value there | `calc` |
//! | what does each candidate answer | `decide`, about a type: `roots` |
//! | where is all that kept | `decisions` |
//! | which candidate does the program mean | `choose` |
//! | how is the value written into the instruction | `patch` |
//! | what is told about it | `report`, `text` |
//!
//! `resolver` asks them in this order. Everything here computes; nothing is
//! modified. The meaning of each rule is that of the kernel and of libbpf
//! (relo_core.c), but for the choice among candidates.

mod access;
mod budget;
mod calc;
mod candidates;
mod choose;
mod compat;
mod decide;
mod decisions;
mod error;
mod kind;
mod locate;
mod matches;
mod names;
mod patch;
mod report;
mod resolver;
mod roots;
mod spec;
#[cfg(test)]
mod tests;
mod text;

pub use decisions::Decisions;
pub use error::{CoreError, CoreFault};
pub use kind::{CoreKind, Outcome};
pub use patch::POISON_HELPER;
pub use report::CoreReport;
pub use resolver::Resolver;

use patch::WidthFault;

use crate::btf::{Btf, TypeId};
use crate::elf::CoreRelocation;
use crate::insn::Insn;

/// Whether a type of the object and one of a kernel are the same as far as a
/// program can tell (libbpf's bpf_core_types_are_compat). What cannot be told counts as no.
pub(crate) fn types_are_compatible(local: &Btf, a: TypeId, target: &Btf, b: TypeId) -> bool {
    let mut budget = budget::Budget::new();
    let begun = budget.begin();
    begun
        .and_then(|()| compat::types_agree(local, a, target, b, &mut budget))
        .unwrap_or(false)
}

/// How relocations choose and what a poisoned one is.
#[derive(Clone, Copy, Debug, Default)]
pub struct CoreOptions {
    /// An instruction that would be poisoned is an error instead.
    pub poison_is_error: bool,
    /// Choose as strictly as libbpf does: relocation by relocation, every candidate that
    /// matches must agree. (A candidate that fails one relocation is no longer asked by
    /// libbpf; which one that leaves depends there on the order, and is ambiguous here.)
    pub libbpf_candidates: bool,
}

/// One function of a program, as far as its CO-RE relocations are concerned.
#[derive(Clone, Copy, Debug)]
pub struct FunctionView<'a> {
    /// The function's instructions.
    pub insns: &'a [Insn],
    /// Its first slot in its stream: what a record's `insn` counts from.
    pub start: u32,
    /// The records whose instruction lies in the function, sorted by it.
    pub relocations: &'a [CoreRelocation],
}

/// A computed change of one instruction; [`Decisions::report`] is the account of it.
#[derive(Clone, Debug)]
pub struct Fixup {
    /// Index of the function in the program's list.
    pub function: u32,
    /// The slot, counted from the start of the function.
    pub insn: u32,
    /// The new first slot.
    pub first: Insn,
    /// The new second slot of an `ld_imm64`.
    pub second: Option<Insn>,
    /// What it did.
    pub outcome: Outcome,
    /// The instruction's value as the compiler wrote it.
    pub old: i64,
    /// Its value now; 0 for a poisoned one.
    pub new: i64,
    /// The number of the decision that stands behind it.
    decision: usize,
    /// The number of the candidate that was chosen.
    chosen: usize,
    width: Option<WidthFault>,
}

/// A relocation that fails its program.
#[derive(Clone, Debug)]
pub struct CoreFailure {
    /// Index of the function in the program's list.
    pub function: u32,
    /// The slot, counted from the start of the function.
    pub insn: u32,
    /// The record's number in its section.
    pub record: u32,
    /// Why.
    pub error: CoreError,
}
