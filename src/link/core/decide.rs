//! A question (equal relocations ask the same one) and its answer on one candidate.

use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::budget::Budget;
use super::calc::{self, Value};
use super::candidates::{Candidate, Origins};
use super::compat::types_agree;
use super::kind::Subject;
use super::locate::{Missing, Search};
use super::matches::types_match;
use super::spec::{Enumerator, FieldPath, check_root};
use super::text;
use super::{CoreError, CoreFault, CoreKind};
use crate::btf::{Btf, Kind, TypeId, essential_name};

/// What is asked: relocations that are equal in this have the same answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Question {
    /// The local type that the access starts at.
    pub root: TypeId,
    /// Offset of the access string.
    pub access: u32,
    pub kind: CoreKind,
}

/// A question with all its answers, shared by the relocations that ask it.
#[derive(Debug)]
pub(super) struct Decision {
    /// The object's BTF, for texts.
    pub local: Arc<Btf>,
    pub question: Question,
    /// What the object's own BTF answers.
    pub original: Value,
    /// The answers in the order of the candidates; there is always one.
    first: Verdict,
    others: Vec<Verdict>,
}

/// The answer of one candidate.
#[derive(Debug)]
pub(super) struct Verdict {
    /// Who was asked; nobody, where the object itself knows or nobody has the name.
    pub candidate: Option<Candidate>,
    pub answer: Answer,
}

impl Decision {
    /// How many answers there are to choose from.
    pub(super) fn count(&self) -> usize {
        self.others.len() + 1
    }

    /// The answer of the candidate with this number.
    pub(super) fn verdict(&self, candidate: usize) -> &Verdict {
        let other = candidate.checked_sub(1);
        let other = other.and_then(|index| self.others.get(index));
        other.unwrap_or(&self.first)
    }
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

impl Answer {
    fn found(value: Value) -> Answer {
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

/// The object's side of a question.
enum Local {
    Type,
    Field,
    Enumerator(Enumerator),
}

/// Answers questions; keeps the space that paths need.
pub(super) struct Judge {
    pub budget: Budget,
    from: FieldPath,
    to: FieldPath,
}

impl Judge {
    pub(super) fn new() -> Judge {
        Judge {
            budget: Budget::new(),
            from: FieldPath::new(),
            to: FieldPath::new(),
        }
    }

    /// Asks all candidates.
    pub(super) fn decide(
        &mut self,
        local: &Arc<Btf>,
        question: Question,
        candidates: impl FnOnce() -> Result<Arc<[Candidate]>, CoreFault>,
    ) -> Result<Decision, CoreError> {
        self.try_decide(local, question, candidates)
            .map_err(|fault| CoreError {
                relocation: text::asked(local, question),
                fault,
            })
    }

    fn try_decide(
        &mut self,
        local: &Arc<Btf>,
        question: Question,
        candidates: impl FnOnce() -> Result<Arc<[Candidate]>, CoreFault>,
    ) -> Result<Decision, CoreFault> {
        let (spec, original) = self.local_side(local, question)?;
        let nobody = |answer| Verdict {
            candidate: None,
            answer,
        };
        let mut others = Vec::new();
        let first = if question.kind == CoreKind::TypeIdLocal {
            nobody(Answer::found(original))
        } else {
            let mut verdict = |candidate| self.verdict(local, question, &spec, candidate);
            match candidates()?.split_first() {
                None => nobody(Answer::Missing(Missing::NoCandidate)),
                Some((first, rest)) => {
                    others.reserve_exact(rest.len());
                    let first = verdict(first)?;
                    for candidate in rest {
                        others.push(verdict(candidate)?);
                    }
                    first
                }
            }
        };
        Ok(Decision {
            local: local.clone(),
            question,
            original,
            first,
            others,
        })
    }

    fn verdict(
        &mut self,
        local: &Btf,
        question: Question,
        spec: &Local,
        candidate: &Candidate,
    ) -> Result<Verdict, CoreFault> {
        let answer = self.ask(local, question, spec, candidate);
        let answer = answer.map_err(|fault| CoreFault::Candidate {
            candidate: text::candidate(candidate),
            fault: Box::new(fault),
        })?;
        Ok(Verdict {
            candidate: Some(candidate.clone()),
            answer,
        })
    }

    fn local_side(&mut self, local: &Btf, question: Question) -> Result<(Local, Value), CoreFault> {
        let Question { root, access, kind } = question;
        let text = local.string(access)?;
        let ty = local.type_by_id(root)?;
        check_root(&ty, kind)?;
        match kind.subject() {
            Subject::Type if text != b"0" => Err(CoreFault::AccessIntoType(
                String::from_utf8_lossy(text).into_owned(),
            )),
            Subject::Type => Ok((Local::Type, calc::whole_type(local, root, kind)?)),
            Subject::Field => {
                let end = self.from.parse(local, ty, text)?;
                Ok((Local::Field, calc::field(local, &self.from, &end, kind)?))
            }
            Subject::Enumerator => {
                let which = Enumerator::parse(local, ty, text)?;
                let value = calc::enumerator(local, which, kind)?;
                Ok((Local::Enumerator(which), value))
            }
        }
    }

    fn ask(
        &mut self,
        local: &Btf,
        question: Question,
        spec: &Local,
        candidate: &Candidate,
    ) -> Result<Answer, CoreFault> {
        let (target, kind) = (candidate.btf(), question.kind);
        self.budget.begin()?;
        let budget = &mut self.budget;
        match spec {
            Local::Field => match Search::new(local, target, budget).field(
                &self.from,
                candidate.id,
                &mut self.to,
            )? {
                Err(missing) => Ok(Answer::Missing(missing)),
                Ok(end) => Ok(Answer::Found {
                    value: calc::field(target, &self.to, &end, kind)?,
                    bit_offset: self.to.bit_offset,
                }),
            },
            Local::Enumerator(which) => {
                match Search::new(local, target, budget).enumerator(*which, candidate.id)? {
                    Err(missing) => Ok(Answer::Missing(missing)),
                    Ok(found) => Ok(Answer::found(calc::enumerator(target, found, kind)?)),
                }
            }
            Local::Type => {
                let (agree, missing) = match kind {
                    CoreKind::TypeMatches => (types_match as Compare, Missing::NoMatch),
                    _ => (types_agree as Compare, Missing::OtherShape),
                };
                match agree(local, question.root, target, candidate.id, budget)? {
                    true => {
                        let value = calc::whole_type(target, candidate.id, kind)?;
                        Ok(Answer::found(value))
                    }
                    false => Ok(Answer::Missing(missing)),
                }
            }
        }
    }
}

type Compare = fn(&Btf, TypeId, &Btf, TypeId, &mut Budget) -> Result<bool, CoreFault>;

/// Candidates of local types, looked up once each; flavours of one name share theirs.
pub(super) struct Roots<'a> {
    origins: Origins<'a>,
    known: HashMap<TypeId, Arc<[Candidate]>>,
    by_name: HashMap<(Vec<u8>, Kind), Arc<[Candidate]>>,
}

impl<'a> Roots<'a> {
    pub(super) fn new(origins: Origins<'a>) -> Roots<'a> {
        Roots {
            origins,
            known: HashMap::new(),
            by_name: HashMap::new(),
        }
    }

    pub(super) fn warnings(&self) -> &[String] {
        self.origins.warnings()
    }

    pub(super) fn candidates(
        &mut self,
        local: &Btf,
        root: TypeId,
    ) -> Result<Arc<[Candidate]>, CoreFault> {
        if let Some(known) = self.known.get(&root) {
            return Ok(known.clone());
        }
        let ty = local.type_by_id(root)?;
        let key = (essential_name(ty.name()?).to_vec(), ty.kind());
        let found = match self.by_name.entry(key) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => new.insert(self.origins.candidates(&ty)?.into()).clone(),
        };
        self.known.insert(root, found.clone());
        Ok(found)
    }
}
