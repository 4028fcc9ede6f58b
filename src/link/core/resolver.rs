//! From the relocations of a program to the changes of its instructions.

use std::sync::Arc;

use hashbrown::HashMap;

use super::calc::Value;
use super::candidates::Origins;
use super::choose::{self, Asked};
use super::decide::{Answer, Answers, Decision, Judge, Question, Roots};
use super::patch::{Operand, Rewritten, WidthFault};
use super::text;
use super::{
    CoreError, CoreFailure, CoreFault, CoreKind, CoreOptions, CoreReport, Fixup, FunctionView,
    Outcome,
};
use crate::btf::Btf;
use crate::elf::CoreRelocation;
use crate::target::Target;

/// Decides CO-RE relocations of many programs of one object against one target.
///
/// Equal relocations are decided once; candidates are looked up once per local type.
pub struct Resolver<'a> {
    local: &'a Arc<Btf>,
    options: CoreOptions,
    roots: Roots<'a>,
    judge: Judge,
    known: HashMap<Question, u32>,
    answers: Vec<Answers>,
}

/// One relocation of the program at hand.
struct Pending<'p> {
    function: u32,
    /// The slot, counted from the start of the function.
    insn: u32,
    relocation: &'p CoreRelocation,
    operand: Operand,
    /// Index of its question in [`Resolver::answers`].
    question: u32,
}

impl Pending<'_> {
    fn fails(&self, error: impl Into<CoreError>) -> CoreFailure {
        CoreFailure {
            function: self.function,
            insn: self.insn,
            record: self.relocation.record,
            error: error.into(),
        }
    }
}

/// Which candidate answers each question that has several.
type Choices = HashMap<u32, usize>;

impl<'a> Resolver<'a> {
    /// A resolver for the object whose BTF is `local`.
    pub fn new(local: &'a Arc<Btf>, target: &'a Target, options: CoreOptions) -> Resolver<'a> {
        Resolver {
            local,
            options,
            roots: Roots::new(Origins::new(target)),
            judge: Judge::new(),
            known: HashMap::new(),
            answers: Vec::new(),
        }
    }

    /// What was odd about the target's modules, as far as they were looked at.
    pub fn warnings(&self) -> Arc<[String]> {
        self.roots.warnings()
    }

    /// Computes every fixup of one program; the functions are those that the program
    /// reaches, its entry first. Either all relocations stand or the first failure is told.
    pub fn resolve_program(
        &mut self,
        functions: &[FunctionView<'_>],
    ) -> Result<Vec<Fixup>, CoreFailure> {
        let pending = self.ask_all(functions)?;
        let choices = self.choose(&pending)?;
        let fixup = |pending: &Pending<'_>| {
            let decision = self.decision(pending.question, &choices);
            let decision = decision.ok_or_else(|| pending.fails(CoreFault::TooComplex))?;
            self.fixup(pending, decision)
                .map_err(|error| pending.fails(error))
        };
        pending.iter().map(fixup).collect()
    }

    fn ask_all<'p>(
        &mut self,
        functions: &[FunctionView<'p>],
    ) -> Result<Vec<Pending<'p>>, CoreFailure> {
        let count = functions.iter().map(|view| view.relocations.len()).sum();
        let mut pending: Vec<Pending<'p>> = Vec::with_capacity(count);
        self.answers.reserve(count);
        self.known.reserve(count);
        for (function, view) in (0u32..).zip(functions) {
            let mut before = None;
            for relocation in view.relocations {
                let insn = relocation.insn.saturating_sub(view.start);
                let asked = self.ask(view, relocation, before);
                let (operand, question) = asked.map_err(|error| CoreFailure {
                    function,
                    insn,
                    record: relocation.record,
                    error,
                })?;
                pending.push(Pending {
                    function,
                    insn,
                    relocation,
                    operand,
                    question,
                });
                before = Some(relocation);
            }
        }
        Ok(pending)
    }

    fn ask(
        &mut self,
        view: &FunctionView<'_>,
        relocation: &CoreRelocation,
        before: Option<&CoreRelocation>,
    ) -> Result<(Operand, u32), CoreError> {
        if let Some(first) = before.filter(|before| before.insn == relocation.insn) {
            let first = first.record;
            return Err(CoreFault::Duplicate { first }.into());
        }
        let kind = CoreKind::from_number(relocation.kind)
            .ok_or(CoreFault::UnknownKind(relocation.kind))?;
        let question = Question {
            root: relocation.type_id,
            access: relocation.access,
            kind,
        };
        let operand = operand(view, relocation).map_err(|fault| CoreError {
            relocation: text::asked(self.local, question),
            fault,
        })?;
        Ok((operand, self.answer(question)?))
    }

    /// The index of the answers to `question`, which are looked for once.
    fn answer(&mut self, question: Question) -> Result<u32, CoreError> {
        if let Some(&index) = self.known.get(&question) {
            return Ok(index);
        }
        let (local, roots) = (self.local, &mut self.roots);
        let candidates = || roots.candidates(local, question.root);
        let answers = self.judge.answers(local, question, candidates)?;
        let index = u32::try_from(self.answers.len()).map_err(|_| CoreFault::TooComplex)?;
        self.answers.push(answers);
        self.known.insert(question, index);
        Ok(index)
    }

    fn answers_of(&self, question: u32) -> &[Arc<Decision>] {
        let answers = self.answers.get(question as usize);
        answers.map_or(&[], Answers::as_slice)
    }

    fn decision(&self, question: u32, choices: &Choices) -> Option<&Arc<Decision>> {
        match self.answers.get(question as usize)? {
            Answers::One(decision) => Some(decision),
            Answers::Several(decisions) => decisions.get(*choices.get(&question)?),
        }
    }

    /// Chooses among the candidates of each local type that has several.
    fn choose(&mut self, pending: &[Pending<'_>]) -> Result<Choices, CoreFailure> {
        let mut contested: Vec<&Pending<'_>> = pending
            .iter()
            .filter(|pending| self.answers_of(pending.question).len() > 1)
            .collect();
        let mut choices = Choices::new();
        if self.options.libbpf_candidates {
            for pending in contested {
                let chosen = choose::by_question(self.answers_of(pending.question));
                choices.insert(
                    pending.question,
                    chosen.map_err(|error| pending.fails(error))?,
                );
            }
            return Ok(choices);
        }
        // Stable: an error is about the first of the relocations that ask the same.
        contested.sort_by_key(|pending| {
            let relocation = pending.relocation;
            (relocation.type_id, relocation.access, relocation.kind)
        });
        for same_root in contested.chunk_by(|a, b| a.relocation.type_id == b.relocation.type_id) {
            self.choose_layout(same_root, &mut choices)?;
        }
        Ok(choices)
    }

    /// The candidate that answers `relocations`, all of one local type.
    fn choose_layout(
        &mut self,
        relocations: &[&Pending<'_>],
        choices: &mut Choices,
    ) -> Result<(), CoreFailure> {
        // The program may be one of many that ask the same.
        let work = |pending: &&Pending<'_>| self.answers_of(pending.question).len();
        let work = relocations.iter().map(work).sum();
        if let (Err(fault), Some(first)) = (self.judge.budget.spend(work), relocations.first()) {
            return Err(first.fails(fault));
        }
        let (questions, asked): (Vec<u32>, Vec<_>) = relocations
            .chunk_by(|a, b| a.question == b.question)
            .filter_map(|sites| {
                let question = sites.first()?.question;
                let decisions = self.answers_of(question);
                Some((question, Asked { decisions, sites }))
            })
            .unzip();
        // What counts is what becomes of the instruction: poison is poison for any reason.
        let same = |pending: &Pending<'_>, a: &Decision, b: &Decision| {
            let insn = |decision| Some(self.change(&pending.operand, decision).ok()?.insn);
            insn(a) == insn(b)
        };
        let chosen = choose::by_layout(&asked, same).map_err(|(site, error)| site.fails(error))?;
        choices.extend(questions.into_iter().map(|question| (question, chosen)));
        Ok(())
    }

    fn fixup(&self, pending: &Pending<'_>, decision: &Arc<Decision>) -> Result<Fixup, CoreError> {
        let change = self
            .change(&pending.operand, decision)
            .map_err(|fault| CoreError {
                relocation: text::asked(self.local, decision.question),
                fault,
            })?;
        Ok(Fixup {
            function: pending.function,
            insn: pending.insn,
            first: change.insn.first,
            second: change.insn.second,
            report: CoreReport {
                kind: decision.question.kind,
                outcome: change.outcome,
                old: pending.operand.value(),
                new: change.new,
                decision: decision.clone(),
                width: change.width,
            },
        })
    }

    fn change(&self, operand: &Operand, decision: &Decision) -> Result<Change, CoreFault> {
        let kind = decision.question.kind;
        let (value, present) = match decision.answer {
            Answer::Found { value, .. } => (value, true),
            Answer::Missing(_) if kind.zero_if_missing() => (Value::exact(0), false),
            Answer::Missing(_) => return self.poison(operand, decision, None),
        };
        operand.check(&decision.original)?;
        let insn = match operand.write(&decision.original, &value)? {
            Ok(insn) => insn,
            Err(fault) => return self.poison(operand, decision, Some(fault)),
        };
        let outcome = match operand.is_same(&insn) {
            _ if !present => Outcome::Absent,
            true => Outcome::Unchanged,
            false => Outcome::Patched,
        };
        Ok(Change {
            new: operand.value_in(&insn),
            insn,
            outcome,
            width: None,
        })
    }

    fn poison(
        &self,
        operand: &Operand,
        decision: &Decision,
        width: Option<WidthFault>,
    ) -> Result<Change, CoreFault> {
        if self.options.poison_is_error {
            let reason = width.map(text::width).or_else(|| text::missing(decision));
            return Err(CoreFault::Missing(reason.unwrap_or_default()));
        }
        Ok(Change {
            insn: operand.poison(),
            new: 0,
            outcome: Outcome::Poisoned,
            width,
        })
    }
}

/// What becomes of one instruction.
struct Change {
    insn: Rewritten,
    new: i64,
    outcome: Outcome,
    width: Option<WidthFault>,
}

fn operand(view: &FunctionView<'_>, relocation: &CoreRelocation) -> Result<Operand, CoreFault> {
    let slot = relocation
        .insn
        .checked_sub(view.start)
        .and_then(|slot| usize::try_from(slot).ok())
        .filter(|&slot| slot < view.insns.len())
        .ok_or(CoreFault::OutsideFunction {
            insn: relocation.insn,
            start: view.start,
            len: view.insns.len(),
        })?;
    Operand::of(view.insns, slot)
}
