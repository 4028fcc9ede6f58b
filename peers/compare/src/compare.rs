//! Two outputs of one object, program by program.

use std::collections::BTreeSet;

use crate::known::{self, ABSENT, ABSENT_TEXT, Known, Witness};
use crate::output::{Answer, Map, Output};
use crate::pairing::Pairing;
use crate::verdict::Verdict;

/// Compares `ours` with the witness's.
pub fn outputs(ours: &Output, theirs: &Output, witness: Witness) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(why) = &ours.failure {
        whole_object(why, theirs, witness, &mut verdict);
        return verdict;
    }
    let names: BTreeSet<_> = ours.programs.keys().chain(theirs.programs.keys()).collect();
    for key in names {
        let (section, name) = key;
        let label = format!("{section} {name}");
        verdict.next();
        match (ours.programs.get(key), theirs.programs.get(key)) {
            (Some(Answer::Linked(a)), Some(Answer::Linked(b))) => {
                Pairing::new(a, b, witness, &label).run(&mut verdict);
            }
            (Some(Answer::Linked(_)), refused) => {
                verdict.programs.only_ours += 1;
                let why = why(refused, theirs, section);
                let known = known::refusal(witness, why, ours);
                note(&mut verdict, witness, known, || {
                    format!("{label}: only bpflink links it: {why}")
                });
            }
            (Some(Answer::Failed(why)), Some(Answer::Linked(_))) => {
                verdict.programs.only_theirs += 1;
                let known = known::laxity(witness, why);
                note(&mut verdict, witness, known, || {
                    format!("{label}: only the witness links it: {why}")
                });
            }
            (None, Some(Answer::Linked(_))) => {
                verdict.programs.only_theirs += 1;
                let known = known::unlisted(witness, key, ours);
                note(&mut verdict, witness, known, || {
                    format!("{label}: only the witness knows it")
                });
            }
            _ => verdict.programs.neither += 1,
        }
    }
    if theirs.failure.is_none() {
        maps(ours, theirs, witness, &mut verdict);
    }
    verdict
}

/// Counts what is known; what is not, is a difference.
fn note(verdict: &mut Verdict, witness: Witness, known: Known, what: impl FnOnce() -> String) {
    match known {
        Some(class) => verdict.note(witness, class, what),
        None => verdict.differences.push(what()),
    }
}

/// Why a witness does not link a program.
fn why<'a>(refused: Option<&'a Answer>, theirs: &'a Output, section: &str) -> &'a str {
    match (refused, &theirs.failure) {
        (Some(Answer::Failed(why)), _) | (_, Some(why)) => why,
        _ if section == ".text" => ABSENT_TEXT,
        _ => ABSENT,
    }
}

/// An object that ours cannot read at all.
fn whole_object(why: &str, theirs: &Output, witness: Witness, verdict: &mut Verdict) {
    if !theirs.links_any() {
        verdict.programs.neither += 1;
        return;
    }
    verdict.programs.only_theirs += 1;
    note(verdict, witness, known::laxity(witness, why), || {
        format!("only the witness reads it: {why}")
    });
}

fn maps(ours: &Output, theirs: &Output, witness: Witness, verdict: &mut Verdict) {
    for (name, a) in &ours.maps {
        verdict.next();
        let Some(b) = theirs.maps.get(name) else {
            let known = known::map_missing(witness, name, theirs);
            note(verdict, witness, known, || {
                format!("map {name}: unknown to the witness")
            });
            continue;
        };
        verdict.maps += 1;
        for (field, (x, y)) in a.numbers.iter().zip(b.numbers).enumerate() {
            if *x != y {
                let known = known::map_field(witness, name, (a, b), Some(field), ours.big_endian);
                note(verdict, witness, known, || {
                    format!("map {name}: {} {x} | {y}", Map::FIELDS[field])
                });
            }
        }
        if a.initial != b.initial {
            let known = known::map_field(witness, name, (a, b), None, ours.big_endian);
            note(verdict, witness, known, || {
                format!("map {name}: {} | {}", contents(a), contents(b))
            });
        }
    }
    for (name, map) in &theirs.maps {
        verdict.next();
        if !ours.maps.contains_key(name) {
            note(verdict, witness, known::map_unlisted(witness, map), || {
                format!("map {name}: only the witness has it")
            });
        }
    }
}

/// The start of what a map holds, as a message shows it.
fn contents(map: &Map) -> &str {
    let hex = map.initial.as_deref().unwrap_or("zeros");
    hex.get(..64).unwrap_or(hex)
}
