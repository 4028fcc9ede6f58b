//! One local type, one layout: which of several candidates does a program mean?
//!
//! All relocations of a local type within a program get their answers from the
//! same type of the target, the one that leaves the fewest of them without an
//! answer. Candidates that tie must answer alike. So no program ever sees a
//! mixture of two layouts, and no order of anything changes the result.

use super::decisions::{Decided, Verdict};
use super::text;
use super::{CoreError, CoreFault};

/// A question of a program about a local type.
pub(super) struct Asked<'a, Site> {
    pub decision: Decided<'a>,
    /// The relocations of the program that ask it.
    pub sites: &'a [Site],
}

/// The candidate that serves a program best; `questions` are all that it asks about one
/// local type. `same` says whether two answers do the same to a relocation's instruction;
/// the first relocation where candidates that tie do not is the error's.
pub(super) fn by_layout<'a, Site>(
    questions: &[Asked<'a, Site>],
    same: impl Fn(&Site, Verdict<'_>, Verdict<'_>) -> bool,
) -> Result<usize, (&'a Site, CoreError)> {
    let best = fewest_unanswered(questions);
    let (&chosen, ties) = best.split_first().unwrap_or((&0, &[]));
    for &Asked { decision, sites } in questions {
        let verdict = decision.verdict(chosen);
        for other in ties.iter().map(|&tie| decision.verdict(tie)) {
            if let Some(site) = sites.iter().find(|site| !same(site, verdict, other)) {
                return Err((site, ambiguous(decision, verdict, other)));
            }
        }
    }
    Ok(chosen)
}

/// The candidates, by number, that leave the fewest relocations without an answer.
fn fewest_unanswered<Site>(questions: &[Asked<'_, Site>]) -> Vec<usize> {
    // All questions of a local type have the same candidates.
    let candidates = questions
        .first()
        .map_or(0, |asked| asked.decision.this.count());
    let unanswered = |candidate: usize| -> usize {
        let missing = |asked: &&Asked<'_, Site>| {
            let verdict = asked.decision.verdict(candidate);
            verdict.answer.is_missing()
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

/// libbpf's rule besides, for one question alone: every candidate that has an answer must
/// have the same, and for a field at the same place.
pub(super) fn agree(decision: Decided<'_>) -> Result<(), CoreError> {
    let verdicts = (0..decision.this.count()).map(|number| decision.verdict(number));
    let mut answering = verdicts.filter(|verdict| !verdict.answer.is_missing());
    let Some(first) = answering.next() else {
        return Ok(());
    };
    match answering.find(|other| !other.answer.same_value(first.answer)) {
        None => Ok(()),
        Some(other) => Err(ambiguous(decision, first, other)),
    }
}

fn ambiguous(decision: Decided<'_>, one: Verdict<'_>, other: Verdict<'_>) -> CoreError {
    CoreError {
        relocation: text::asked(decision.local(), decision.this.question),
        fault: CoreFault::Ambiguous {
            first: text::gives(one),
            second: text::gives(other),
        },
    }
}
