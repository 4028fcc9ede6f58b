//! From the relocations of a program to the changes of its instructions.

use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::calc::Value;
use super::candidates::Origins;
use super::choose::{self, Asked};
use super::decide::Judge;
use super::decisions::{Answer, Decided, Decision, Decisions, Question, Verdict};
use super::patch::{Operand, Rewritten, WidthFault};
use super::roots::Roots;
use super::text;
use super::{
    CoreError, CoreFailure, CoreFault, CoreKind, CoreOptions, Fixup, FunctionView, Outcome,
};
use crate::btf::Btf;
use crate::elf::CoreRelocation;
use crate::order;
use crate::target::Target;

/// More room than this, for questions and for local types, is made when it is needed.
const MAX_EXPECTED: usize = 1024;
const MAX_TYPES_EXPECTED: usize = 28;

/// Decides CO-RE relocations of many programs of one object against one target.
///
/// Equal relocations are decided once; candidates are looked up once per local type.
pub struct Resolver<'a> {
    local: &'a Btf,
    options: CoreOptions,
    roots: Roots<'a>,
    judge: Judge<'a>,
    /// By their numbers in `decisions`.
    known: HashMap<Question, usize>,
    decisions: Decisions,
}

/// One relocation of the program at hand.
struct Pending<'p> {
    function: u32,
    /// The slot, counted from the start of the function.
    insn: u32,
    relocation: &'p CoreRelocation,
    operand: Operand,
    /// The number of its decision.
    decision: usize,
    /// The number of the candidate whose answer counts.
    chosen: usize,
}

impl Pending<'_> {
    /// Orders questions, those of one local type together.
    fn question(&self) -> [u32; 3] {
        let relocation = self.relocation;
        [relocation.type_id, relocation.access, relocation.kind]
    }

    fn fails(&self, error: impl Into<CoreError>) -> CoreFailure {
        CoreFailure {
            function: self.function,
            insn: self.insn,
            record: self.relocation.record,
            error: error.into(),
        }
    }
}

impl<'a> Resolver<'a> {
    /// A resolver for the object whose BTF is `local`.
    pub fn new(local: &'a Arc<Btf>, target: &'a Target, options: CoreOptions) -> Resolver<'a> {
        Resolver {
            local,
            options,
            roots: Roots::new(Origins::new(target)),
            judge: Judge::new(local),
            known: HashMap::new(),
            decisions: Decisions::new(local.clone()),
        }
    }

    /// Room for the questions of so many relocations.
    pub fn expect(&mut self, relocations: usize) {
        let questions = relocations.min(MAX_EXPECTED);
        self.known.reserve(questions);
        self.decisions.list.reserve(questions);
        let types = relocations.min(MAX_TYPES_EXPECTED);
        self.roots.expect(types);
    }

    /// The target's modules that could not be looked at.
    pub fn warnings(&self) -> &[String] {
        self.roots.warnings()
    }

    /// What was decided so far.
    pub fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// All that was decided.
    pub fn into_decisions(mut self) -> Decisions {
        // They live as long as the programs, the room for more need not.
        self.decisions.list.shrink_to_fit();
        self.decisions
    }

    /// Computes every fixup of one program; the functions are those that the program
    /// reaches, its entry first. Either all relocations stand or the first failure is told.
    pub fn resolve_program(
        &mut self,
        functions: &[FunctionView<'_>],
    ) -> Result<Vec<Fixup>, CoreFailure> {
        let mut pending = self.ask_all(functions)?;
        self.choose(&mut pending)?;
        let mut fixups = Vec::with_capacity(pending.len());
        for pending in &pending {
            if let Some(decision) = self.decisions.get(pending.decision) {
                fixups.push(self.fixup(pending, decision)?);
            }
        }
        Ok(fixups)
    }

    fn ask_all<'p>(
        &mut self,
        functions: &[FunctionView<'p>],
    ) -> Result<Vec<Pending<'p>>, CoreFailure> {
        let count = functions.iter().map(|view| view.relocations.len()).sum();
        let mut pending: Vec<Pending<'p>> = Vec::with_capacity(count);
        for (function, view) in (0u32..).zip(functions) {
            let mut before = None;
            for relocation in view.relocations {
                let insn = relocation.insn.saturating_sub(view.start);
                let asked = self.ask(view, relocation, before);
                let (operand, decision) = asked.map_err(|error| CoreFailure {
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
                    decision,
                    chosen: 0,
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
    ) -> Result<(Operand, usize), CoreError> {
        if let Some(first) = before.filter(|before| before.insn == relocation.insn) {
            let first = first.record;
            return Err(CoreFault::Duplicate { first }.into());
        }
        let Some(kind) = CoreKind::from_number(relocation.kind) else {
            return Err(CoreFault::UnknownKind(relocation.kind).into());
        };
        let question = Question {
            root: relocation.type_id,
            access: relocation.access,
            kind,
        };
        let operand = operand(view, relocation).map_err(|fault| CoreError {
            relocation: text::asked(self.local, question),
            fault,
        })?;
        Ok((operand, self.decide(question)?))
    }

    /// The number of the decision about `question`, which is made once.
    fn decide(&mut self, question: Question) -> Result<usize, CoreError> {
        match self.known.entry(question) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(new) => {
                let number = self.decisions.list.len();
                let (roots, decisions) = (&mut self.roots, &mut self.decisions);
                self.judge.decide(question, roots, decisions)?;
                Ok(*new.insert(number))
            }
        }
    }

    /// Chooses among the candidates of each local type that has several.
    fn choose(&mut self, pending: &mut [Pending<'_>]) -> Result<(), CoreFailure> {
        let decided = |number| self.decisions.get(number);
        let several = |pending: &&mut Pending<'_>| {
            decided(pending.decision).is_some_and(|decided| decided.this.count() > 1)
        };
        let mut contested: Vec<&mut Pending<'_>> = pending.iter_mut().filter(several).collect();
        if self.options.libbpf_candidates {
            for pending in &contested {
                let agreed = decided(pending.decision).map_or(Ok(()), choose::agree);
                agreed.map_err(|error| pending.fails(error))?;
            }
        }
        // Stable: an error is about the first of the relocations that ask the same.
        order::by_number(&mut contested, |pending| order::joined(pending.question()));
        for same_root in contested.chunk_by_mut(|a, b| a.question()[0] == b.question()[0]) {
            let chosen = self.choose_layout(same_root)?;
            for pending in same_root {
                pending.chosen = chosen;
            }
        }
        Ok(())
    }

    /// The candidate that answers `relocations`, all of one local type.
    fn choose_layout(&mut self, relocations: &[&mut Pending<'_>]) -> Result<usize, CoreFailure> {
        let decisions = &self.decisions;
        let asked: Vec<Asked<'_, &mut Pending<'_>>> = relocations
            .chunk_by(|a, b| a.question() == b.question())
            .filter_map(|sites| {
                let decision = decisions.get(sites.first()?.decision)?;
                Some(Asked { decision, sites })
            })
            .collect();
        // The program may be one of many that ask the same.
        let work = asked
            .iter()
            .map(|asked| asked.decision.this.count() * asked.sites.len());
        if let (Err(fault), Some(first)) =
            (self.judge.budget.spend(work.sum()), relocations.first())
        {
            return Err(first.fails(fault));
        }
        // What counts is what becomes of the instruction: poison is poison for any reason.
        let same = |pending: &&mut Pending<'_>, a: Verdict<'_>, b: Verdict<'_>| {
            let decided = decisions.get(pending.decision);
            let insn = |answer| {
                let changed = change(&pending.operand, decided?.this, answer);
                Some(changed.ok()?.insn)
            };
            insn(a.answer) == insn(b.answer)
        };
        choose::by_layout(&asked, same).map_err(|(site, error)| site.fails(error))
    }

    fn fixup(&self, pending: &Pending<'_>, decided: Decided<'_>) -> Result<Fixup, CoreFailure> {
        let fails = |fault| {
            let relocation = text::asked(self.local, decided.this.question);
            pending.fails(CoreError { relocation, fault })
        };
        let answer = decided.answer(pending.chosen);
        let change = change(&pending.operand, decided.this, answer).map_err(fails)?;
        if change.outcome == Outcome::Poisoned && self.options.poison_is_error {
            let reason = match change.width {
                Some(width) => Some(text::width(width)),
                None => text::missing(decided, decided.verdict(pending.chosen)),
            };
            return Err(fails(CoreFault::Missing(reason.unwrap_or_default())));
        }
        Ok(Fixup {
            function: pending.function,
            insn: pending.insn,
            first: change.insn.first,
            second: change.insn.second,
            outcome: change.outcome,
            old: pending.operand.value(),
            new: change.new,
            decision: pending.decision,
            chosen: pending.chosen,
            width: change.width,
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

/// What the answer of a candidate does to an instruction.
fn change(operand: &Operand, this: &Decision, answer: &Answer) -> Result<Change, CoreFault> {
    let (value, present) = match answer {
        Answer::Found { value, .. } => (*value, true),
        Answer::Missing(_) if this.question.kind.zero_if_missing() => (Value::exact(0), false),
        Answer::Missing(_) => return Ok(poisoned(operand, None)),
    };
    operand.check(&this.original)?;
    let insn = match operand.write(&this.original, &value)? {
        Ok(insn) => insn,
        Err(fault) => return Ok(poisoned(operand, Some(fault))),
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

fn poisoned(operand: &Operand, width: Option<WidthFault>) -> Change {
    Change {
        insn: operand.poison(),
        new: 0,
        outcome: Outcome::Poisoned,
        width,
    }
}

fn operand(view: &FunctionView<'_>, relocation: &CoreRelocation) -> Result<Operand, CoreFault> {
    let slot = relocation.insn.checked_sub(view.start);
    let slot = slot.and_then(|slot| usize::try_from(slot).ok());
    match slot.filter(|&slot| slot < view.insns.len()) {
        Some(slot) => Operand::of(view.insns, slot),
        None => Err(CoreFault::OutsideFunction {
            insn: relocation.insn,
            start: view.start,
            len: view.insns.len(),
        }),
    }
}
