//! Where two outputs differ, and what can be asked of the place.

use crate::insn::Insn;
use crate::output::{Line, Program, Reference};

/// The same place in two streams.
pub struct Place<'a> {
    /// bpflink's program.
    pub ours: &'a Program,
    /// The witness's.
    pub theirs: &'a Program,
    /// Instruction in ours.
    pub a: usize,
    /// Instruction in theirs.
    pub b: usize,
}

/// The lines of one function in both, by instructions counted from its start.
pub struct LinePlace<'a> {
    /// bpflink's.
    pub ours: &'a [Line],
    /// The witness's.
    pub theirs: &'a [Line],
    /// The instructions that the witness made of the function.
    pub insns: &'a [Insn],
    /// Whether instructions that no symbol covers stand in front of it in the object.
    pub behind_gap: bool,
}

impl LinePlace<'_> {
    /// Whether theirs are ours without those at instructions for which `lost` holds.
    pub fn are_without(&self, lost: impl Fn(Insn) -> bool) -> bool {
        let stays = |line: &&Line| !self.insns.get(line.insn).is_some_and(|&insn| lost(insn));
        self.ours.iter().filter(stays).eq(self.theirs)
    }

    /// Whether theirs are ours without all but the last at one instruction, and without
    /// those at instructions for which `lost` holds.
    pub fn are_one_each(&self, lost: impl Fn(Insn) -> bool) -> bool {
        let next = self.ours.iter().skip(1).map(Some).chain([None]);
        let last = |(line, next): &(&Line, Option<&Line>)| {
            next.is_none_or(|next| next.insn != line.insn)
                && !self.insns.get(line.insn).is_some_and(|&insn| lost(insn))
        };
        let ours = self
            .ours
            .iter()
            .zip(next)
            .filter(last)
            .map(|(line, _)| line);
        ours.eq(self.theirs)
    }
}

impl Place<'_> {
    /// The instructions.
    pub fn insns(&self) -> Option<(Insn, Insn)> {
        Some((
            *self.ours.insns.get(self.a)?,
            *self.theirs.insns.get(self.b)?,
        ))
    }

    /// The kind of the CO-RE relocation there, if ours tells.
    pub fn relocation(&self) -> Option<&str> {
        self.ours.relocations.get(&self.a).map(|r| r.kind.as_str())
    }

    /// The references, where both have one.
    pub fn references(&self) -> Option<(&Reference, &Reference)> {
        Some((self.ours.refs.get(&self.a)?, self.theirs.refs.get(&self.b)?))
    }

    /// What ours refers to there.
    pub fn ours_refers(&self) -> Option<&Reference> {
        self.ours.refs.get(&self.a)
    }

    /// The place one slot before.
    pub fn before(&self) -> Option<Place<'_>> {
        Some(Place {
            a: self.a.checked_sub(1)?,
            b: self.b.checked_sub(1)?,
            ..*self
        })
    }

    /// A map by a number that the code itself holds, that only the witness takes for a map.
    pub fn is_map_by_number(&self) -> bool {
        let nameless = |r: &Reference| r.kind == "map_fd" && matches!(r.name.as_str(), "" | "?");
        !self.ours.refs.contains_key(&self.a) && self.theirs.refs.get(&self.b).is_some_and(nameless)
    }

    /// Something that is missing is called: by both, each with its own number.
    pub fn is_missing_by_number(&self) -> bool {
        let missing = |(a, b): (Insn, Insn)| {
            a.is_poison() && self.relocation().is_none() && b.is_poison() && !b.is_core_poison()
        };
        self.insns().is_some_and(missing)
    }

    /// The second slot of an `ld_imm64` that takes a function's address.
    pub fn after_function_address(&self) -> bool {
        let before = self.a.checked_sub(1).and_then(|i| self.ours.insns.get(i));
        before.is_some_and(|insn| insn.is_ld_imm64() && insn.is_local())
    }

    /// The second slot of an `ld_imm64` that refers to a map's value.
    pub fn inside_value(&self) -> Option<(&Reference, &Reference)> {
        let ours = self.ours.refs.get(&self.a.checked_sub(1)?)?;
        let theirs = self.theirs.refs.get(&self.b.checked_sub(1)?)?;
        (ours.kind == "map_value" && ours.kind == theirs.kind && ours.name == theirs.name)
            .then_some((ours, theirs))
    }
}
