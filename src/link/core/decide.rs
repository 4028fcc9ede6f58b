//! A question asked of the object and of every candidate.

use super::budget::Budget;
use super::calc::{self, Value};
use super::candidates::Candidate;
use super::compat::types_agree;
use super::decisions::{Answer, Decision, Decisions, Question, Row};
use super::kind::Subject;
use super::locate::{Missing, Search};
use super::matches::types_match;
use super::roots::{Root, Roots};
use super::spec::{Enumerator, FieldPath, Trail};
use super::{CoreError, CoreFault, CoreKind};
use super::{access, text};
use crate::btf::{Btf, TypeId};

/// The object's side of a question.
enum Local<'a> {
    Type,
    Field,
    Enumerator(Enumerator<'a>),
}

/// Answers questions; keeps the space that paths need.
pub(super) struct Judge<'a> {
    local: &'a Btf,
    pub budget: Budget,
    from: FieldPath<'a>,
    to: Trail,
}

impl<'a> Judge<'a> {
    pub(super) fn new(local: &'a Btf) -> Judge<'a> {
        Judge {
            local,
            budget: Budget::new(),
            from: FieldPath::new(),
            to: Trail::new(),
        }
    }

    /// Asks all candidates; what they say becomes the last decision.
    pub(super) fn decide(
        &mut self,
        question: Question,
        roots: &mut Roots<'a>,
        decisions: &mut Decisions,
    ) -> Result<(), CoreError> {
        let others = decisions.others.len();
        let decided = self.try_decide(question, roots, decisions);
        decided.map_err(|fault| {
            decisions.others.truncate(others);
            CoreError {
                relocation: text::asked(self.local, question),
                fault,
            }
        })
    }

    fn try_decide(
        &mut self,
        question: Question,
        roots: &mut Roots<'a>,
        decisions: &mut Decisions,
    ) -> Result<(), CoreFault> {
        let access = self.local.string(question.access)?;
        let (root, names) = roots.root(self.local, question.root)?;
        root.check(question.kind)?;
        let (spec, original) = self.local_side(access, root, question)?;
        let (mut candidates, others) = (Row::default(), decisions.others.len());
        let first = if question.kind == CoreKind::TypeIdLocal {
            Answer::found(original)
        } else {
            candidates = root.candidates(names, &mut decisions.candidates)?;
            let row = decisions
                .candidates
                .get(candidates.first..)
                .unwrap_or_default();
            let mut row = row.iter().take(candidates.len);
            match row.next() {
                None => Answer::Missing(Missing::NoCandidate),
                Some(first) => {
                    let first = self.answer(question, &spec, first)?;
                    for candidate in row {
                        let answer = self.answer(question, &spec, candidate)?;
                        decisions.others.push(answer);
                    }
                    first
                }
            }
        };
        decisions.list.push(Decision {
            question,
            original,
            candidates,
            first,
            others,
        });
        Ok(())
    }

    fn local_side(
        &mut self,
        access: &[u8],
        root: &Root<'a>,
        Question { root: id, kind, .. }: Question,
    ) -> Result<(Local<'a>, Value), CoreFault> {
        match kind.subject() {
            Subject::Type if access != b"0" => Err(CoreFault::AccessIntoType(
                String::from_utf8_lossy(access).into_owned(),
            )),
            Subject::Type => Ok((Local::Type, calc::whole_type(self.local, id, kind)?)),
            Subject::Field => {
                let indices = access::indices(access);
                let end = self.from.follow(self.local, root.resolved()?, indices)?;
                let value = calc::field(self.local, &self.from.trail, &end, kind)?;
                Ok((Local::Field, value))
            }
            Subject::Enumerator => {
                let which = Enumerator::parse(root.resolved()?, access)?;
                Ok((Local::Enumerator(which), calc::enumerator(which, kind)?))
            }
        }
    }

    fn answer(
        &mut self,
        question: Question,
        spec: &Local<'a>,
        candidate: &Candidate,
    ) -> Result<Answer, CoreFault> {
        self.ask(question, spec, candidate)
            .map_err(|fault| CoreFault::Candidate {
                candidate: text::candidate(candidate),
                fault: Box::new(fault),
            })
    }

    fn ask(
        &mut self,
        Question { root, kind, .. }: Question,
        spec: &Local<'a>,
        candidate: &Candidate,
    ) -> Result<Answer, CoreFault> {
        self.budget.begin()?;
        match spec {
            Local::Field => self.ask_field(kind, candidate),
            Local::Enumerator(which) => self.ask_enumerator(kind, *which, candidate),
            Local::Type => self.ask_type(kind, root, candidate),
        }
    }

    /// About the field that `from` leads to.
    #[inline]
    fn ask_field(&mut self, kind: CoreKind, candidate: &Candidate) -> Result<Answer, CoreFault> {
        let (target, root, to) = (candidate.btf(), candidate.resolved()?, &mut self.to);
        let mut search = Search::new(self.local, target, &mut self.budget);
        match search.field(&self.from, root, to)? {
            Err(missing) => Ok(Answer::Missing(missing)),
            Ok(end) => Ok(Answer::Found {
                value: calc::field(target, to, &end, kind)?,
                bit_offset: to.bit_offset,
            }),
        }
    }

    #[inline(never)]
    fn ask_enumerator(
        &mut self,
        kind: CoreKind,
        which: Enumerator<'a>,
        candidate: &Candidate,
    ) -> Result<Answer, CoreFault> {
        let (target, ty) = (candidate.btf(), candidate.resolved()?);
        let mut search = Search::new(self.local, target, &mut self.budget);
        match search.enumerator(which, ty)? {
            Err(missing) => Ok(Answer::Missing(missing)),
            Ok(found) => Ok(Answer::found(calc::enumerator(found, kind)?)),
        }
    }

    #[inline(never)]
    fn ask_type(
        &mut self,
        kind: CoreKind,
        root: TypeId,
        candidate: &Candidate,
    ) -> Result<Answer, CoreFault> {
        let (target, id) = (candidate.btf(), candidate.id);
        let (agree, missing) = match kind {
            CoreKind::TypeMatches => (types_match as Compare, Missing::NoMatch),
            _ => (types_agree as Compare, Missing::OtherShape),
        };
        match agree(self.local, root, target, id, &mut self.budget)? {
            true => Ok(Answer::found(calc::whole_type(target, id, kind)?)),
            false => Ok(Answer::Missing(missing)),
        }
    }
}

type Compare = fn(&Btf, TypeId, &Btf, TypeId, &mut Budget) -> Result<bool, CoreFault>;
