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
    /// How many relocations of the program ask it.
    pub relocations: u32,
    /// The first of them.
    pub site: Site,
}

/// The candidate that serves a program best; `questions` are all that it asks about one
/// local type. Fails at the first question that candidates which tie answer differently.
pub(super) fn by_layout<Site: Copy>(
    questions: &[Asked<'_, Site>],
) -> Result<usize, (Site, CoreError)> {
    let candidates = questions
        .iter()
        .map(|asked| asked.decisions.len())
        .min()
        .unwrap_or(0);
    let unanswered = |candidate: usize| -> u64 {
        let missing = |asked: &&Asked<'_, Site>| {
            let decision = asked.decisions.get(candidate);
            decision.is_none_or(|decision| decision.answer.is_missing())
        };
        let asking = questions.iter().filter(missing);
        asking.map(|asked| u64::from(asked.relocations)).sum()
    };
    let mut best = Vec::new();
    let mut fewest = u64::MAX;
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
    for asked in questions {
        agree(asked.decisions, &best).map_err(|error| (asked.site, error))?;
    }
    Ok(best.first().copied().unwrap_or(0))
}

/// libbpf's rule, for one question alone: every candidate that has an answer must have the same.
pub(super) fn by_question(decisions: &[Arc<Decision>]) -> Result<usize, CoreError> {
    let has_answer = |&candidate: &usize| {
        let decision = decisions.get(candidate);
        decision.is_some_and(|decision| !decision.answer.is_missing())
    };
    let answering: Vec<usize> = (0..decisions.len()).filter(has_answer).collect();
    agree(decisions, &answering)?;
    Ok(answering.first().copied().unwrap_or(0))
}

fn agree(decisions: &[Arc<Decision>], candidates: &[usize]) -> Result<(), CoreError> {
    let mut answers = candidates.iter().filter_map(|&index| decisions.get(index));
    let Some(first) = answers.next() else {
        return Ok(());
    };
    match answers.find(|other| !other.answer.agrees(&first.answer)) {
        None => Ok(()),
        Some(other) => Err(CoreError {
            relocation: text::asked(&first.local, first.question),
            fault: CoreFault::Ambiguous {
                first: text::gives(first),
                second: text::gives(other),
            },
        }),
    }
}
