//! One local type, one layout: which of several candidates does a program mean?
//!
//! All relocations of a local type within a program get their answers from the
//! same type of the target, the one that leaves the fewest of them without an
//! answer. Candidates that tie must answer alike. So no program ever sees a
//! mixture of two layouts, and no order of anything changes the result.

use std::sync::Arc;

use super::decide::Decision;
use super::text;
use super::{CoreError, CoreFault};

/// A question of a program about a local type.
pub(super) struct Asked<'a, Site> {
    /// The answers of all candidates.
    pub decisions: &'a [Arc<Decision>],
    /// The relocations of the program that ask it.
    pub sites: &'a [Site],
}

/// The candidate that serves a program best; `questions` are all that it asks about one
/// local type. `same` says whether two answers do the same to a relocation's instruction;
/// the first relocation where candidates that tie do not is the error's.
pub(super) fn by_layout<Site: Copy>(
    questions: &[Asked<'_, Site>],
    same: impl Fn(Site, &Decision, &Decision) -> bool,
) -> Result<usize, (Site, CoreError)> {
    let best = fewest_unanswered(questions);
    let (chosen, ties) = best.split_first().unwrap_or((&0, &[]));
    for asked in questions {
        let Some(decision) = asked.decisions.get(*chosen) else {
            continue;
        };
        for other in ties.iter().filter_map(|&tie| asked.decisions.get(tie)) {
            let differs = |&&site: &&Site| !same(site, decision, other);
            if let Some(&site) = asked.sites.iter().find(differs) {
                return Err((site, ambiguous(decision, other)));
            }
        }
    }
    Ok(*chosen)
}

/// The candidates, by index, that leave the fewest relocations without an answer.
fn fewest_unanswered<Site>(questions: &[Asked<'_, Site>]) -> Vec<usize> {
    // All questions of a local type have the same candidates.
    let candidates = questions.first().map_or(0, |asked| asked.decisions.len());
    let unanswered = |candidate: usize| -> usize {
        let missing = |asked: &&Asked<'_, Site>| {
            let decision = asked.decisions.get(candidate);
            decision.is_none_or(|decision| decision.answer.is_missing())
        };
        let asking = questions.iter().filter(missing);
        asking.map(|asked| asked.sites.len()).sum()
    };
    let mut best = Vec::new();
    let mut fewest = usize::MAX;
    for candidate in 0..candidates {
        let count = unanswered(candidate);
        if count < fewest {
            fewest = count;
            best.clear();
        }
        if count == fewest {
            best.push(candidate);
        }
    }
    best
}

/// libbpf's rule, for one question alone: every candidate that has an answer must have
/// the same, and for a field at the same place.
pub(super) fn by_question(decisions: &[Arc<Decision>]) -> Result<usize, CoreError> {
    let mut answering = decisions
        .iter()
        .enumerate()
        .filter(|(_, decision)| !decision.answer.is_missing());
    let Some((chosen, first)) = answering.next() else {
        return Ok(0);
    };
    match answering.find(|(_, other)| !other.answer.same_value(&first.answer)) {
        None => Ok(chosen),
        Some((_, other)) => Err(ambiguous(first, other)),
    }
}

fn ambiguous(one: &Decision, other: &Decision) -> CoreError {
    CoreError {
        relocation: text::asked(&one.local, one.question),
        fault: CoreFault::Ambiguous {
            first: text::gives(one),
            second: text::gives(other),
        },
    }
}
