//! What was decided, kept in one place: relocations refer to it by number.

use std::sync::Arc;

use super::calc::Value;
use super::candidates::Candidate;
use super::locate::Missing;
use super::{CoreKind, CoreReport, Fixup};
use crate::btf::{Btf, TypeId};

/// What is asked: relocations that are equal in this have the same answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Question {
    /// The local type that the access starts at.
    pub root: TypeId,
    /// Offset of the access string.
    pub access: u32,
    pub kind: CoreKind,
}

/// All that a [`Resolver`](super::Resolver) decided; reports are read from it.
///
/// Whatever there is many of lies side by side: nothing is allocated for a relocation.
#[derive(Debug)]
pub struct Decisions {
    /// The object's BTF, for texts.
    pub(super) local: Arc<Btf>,
    /// Those of one local type stand in a row.
    pub(super) candidates: Vec<Candidate>,
    pub(super) list: Vec<Decision>,
    /// The answers of all candidates but each decision's first.
    pub(super) others: Vec<Answer>,
}

/// A row of candidates.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Row {
    pub first: usize,
    pub len: usize,
}

/// A question with all its answers.
#[derive(Debug)]
pub(super) struct Decision {
    pub question: Question,
    /// What the object's own BTF answers.
    pub original: Value,
    /// Who was asked; nobody, where the object itself knows or nobody has the name.
    pub candidates: Row,
    /// The answer of the first one, or the only answer.
    pub first: Answer,
    /// Where those of the others start.
    pub others: usize,
}

impl Decision {
    /// How many answers there are to choose from.
    pub(super) fn count(&self) -> usize {
        self.candidates.len.max(1)
    }
}

/// A decision among all others.
#[derive(Clone, Copy)]
pub(super) struct Decided<'a> {
    pub all: &'a Decisions,
    pub this: &'a Decision,
}

/// The answer of one candidate.
#[derive(Clone, Copy)]
pub(super) struct Verdict<'a> {
    /// Who was asked, if anybody was.
    pub candidate: Option<&'a Candidate>,
    pub answer: &'a Answer,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    Found {
        value: Value,
        /// Offset of the field in bits, which tells apart what values do not.
        bit_offset: u64,
    },
    Missing(Missing),
}

impl Decisions {
    pub(super) fn new(local: Arc<Btf>) -> Decisions {
        Decisions {
            local,
            candidates: Vec::new(),
            list: Vec::new(),
            others: Vec::new(),
        }
    }

    pub(super) fn get(&self, number: usize) -> Option<Decided<'_>> {
        let this = self.list.get(number)?;
        Some(Decided { all: self, this })
    }

    /// The account of a relocation that was decided here.
    pub fn report(&self, fixup: &Fixup) -> Option<CoreReport<'_>> {
        Some(CoreReport::new(fixup, self.get(fixup.decision)?))
    }
}

impl<'a> Decided<'a> {
    pub(super) fn local(&self) -> &'a Btf {
        &self.all.local
    }

    /// The answer of the candidate with this number.
    #[inline]
    pub(super) fn answer(&self, candidate: usize) -> &'a Answer {
        let Decided { all, this } = *self;
        let other = candidate.checked_sub(1);
        let other = other.and_then(|index| all.others.get(this.others.checked_add(index)?));
        other.unwrap_or(&this.first)
    }

    /// The same, with the candidate.
    pub(super) fn verdict(&self, candidate: usize) -> Verdict<'a> {
        let row = self.this.candidates;
        let asked = candidate < row.len;
        let place = row.first.checked_add(candidate).filter(|_| asked);
        Verdict {
            candidate: place.and_then(|place| self.all.candidates.get(place)),
            answer: self.answer(candidate),
        }
    }
}

impl Answer {
    pub(super) fn found(value: Value) -> Answer {
        Answer::Found {
            value,
            bit_offset: 0,
        }
    }

    /// Whether two candidates have the same value, at the same place.
    pub(super) fn same_value(&self, other: &Answer) -> bool {
        match (self, other) {
            (
                Answer::Found {
                    value: a,
                    bit_offset: at_a,
                },
                Answer::Found {
                    value: b,
                    bit_offset: at_b,
                },
            ) => a.bits == b.bits && at_a == at_b,
            (a, b) => a.is_missing() == b.is_missing(),
        }
    }

    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Answer::Missing(_))
    }
}
