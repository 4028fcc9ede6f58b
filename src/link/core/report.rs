//! The account of a relocation: what it asked for, what it got, what it did.

use std::fmt;

use super::decisions::{Decided, Verdict};
use super::patch::WidthFault;
use super::text;
use super::{CoreKind, Fixup, Outcome};
use crate::btf::TypeId;
use crate::name::Name;

/// The account of one relocation. Texts are made when they are asked for.
#[derive(Clone, Copy)]
pub struct CoreReport<'a> {
    /// What it asks for.
    pub kind: CoreKind,
    /// What it did.
    pub outcome: Outcome,
    /// The instruction's value as the compiler wrote it.
    pub old: i64,
    /// Its value now; 0 for a poisoned one.
    pub new: i64,
    decision: Decided<'a>,
    /// The candidate that was chosen.
    verdict: Verdict<'a>,
    width: Option<WidthFault>,
}

impl<'a> CoreReport<'a> {
    pub(super) fn new(fixup: &Fixup, decision: Decided<'a>) -> CoreReport<'a> {
        CoreReport {
            kind: decision.this.question.kind,
            outcome: fixup.outcome,
            old: fixup.old,
            new: fixup.new,
            decision,
            verdict: decision.verdict(fixup.chosen),
            width: fixup.width,
        }
    }

    /// What the object means, by its names: `struct task_struct.pid (0:58)`.
    pub fn local_text(&self) -> String {
        text::local(self.decision.local(), self.decision.this.question)
    }

    /// What stands for it in the target: `struct task_struct.pid (0:85) [id 175] of vmlinux`.
    /// `None` where nothing does; the reason says why.
    pub fn target_text(&self) -> Option<String> {
        text::target(self.decision, self.verdict)
    }

    /// Why it is absent or poisoned: `no field skc_daddr in struct sock_common [id 4711] of vmlinux`.
    pub fn reason(&self) -> Option<String> {
        match self.width {
            Some(fault) => Some(text::width(fault)),
            None => text::missing(self.decision, self.verdict),
        }
    }

    /// The type of the object's BTF that the access starts at.
    pub fn local_type(&self) -> TypeId {
        self.decision.this.question.root
    }

    /// The type of the target that answered, by its id in the BTF that it was found in.
    pub fn target_type(&self) -> Option<TypeId> {
        self.verdict.candidate.map(|found| found.id)
    }

    /// The module whose BTF that type is of; `None` for vmlinux, and where there is no such
    /// type. An id means nothing without it.
    pub fn target_module(&self) -> Option<&'a Name> {
        self.verdict.candidate?.origin.module.as_ref()
    }
}

impl fmt::Debug for CoreReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoreReport")
            .field("kind", &self.kind)
            .field("local", &self.local_text())
            .field("target", &self.target_text())
            .field("outcome", &self.outcome)
            .field("old", &self.old)
            .field("new", &self.new)
            .finish()
    }
}
