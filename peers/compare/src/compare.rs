//! Two outputs of one object, program by program.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::known::{self, Witness};
use crate::output::{Answer, Output};
use crate::pairing::Pairing;

/// What came of one comparison.
#[derive(Default)]
pub struct Verdict {
    /// Programs that both linked.
    pub programs: usize,
    /// … without any difference but known ones.
    pub programs_equal: usize,
    /// Functions of those programs.
    pub functions: usize,
    /// … without any difference at all.
    pub functions_equal: usize,
    /// Programs that only the witness refused, with a known cause or not.
    pub refused_by_witness: usize,
    /// Programs that both refused.
    pub refused_by_both: usize,
    /// Known differences, by name.
    pub known: BTreeMap<&'static str, usize>,
    /// One line for each difference that is not known.
    pub differences: Vec<String>,
    /// One line for each program that only the witness refused.
    pub refusals: Vec<String>,
    /// One line for each difference in what a linker says of maps.
    pub maps: Vec<String>,
    /// Maps that both describe.
    pub maps_compared: usize,
}

impl Verdict {
    /// Adds another object's.
    pub fn add(&mut self, other: Self) {
        self.programs += other.programs;
        self.programs_equal += other.programs_equal;
        self.functions += other.functions;
        self.functions_equal += other.functions_equal;
        self.refused_by_witness += other.refused_by_witness;
        self.refused_by_both += other.refused_by_both;
        self.maps_compared += other.maps_compared;
        for (name, count) in other.known {
            *self.known.entry(name).or_default() += count;
        }
        self.differences.extend(other.differences);
        self.refusals.extend(other.refusals);
        self.maps.extend(other.maps);
    }

    /// Counts the differences whose line has `text` instead of listing them.
    pub fn set_aside(&mut self, text: &str) {
        let before = self.differences.len() + self.maps.len();
        self.differences.retain(|line| !line.contains(text));
        self.maps.retain(|line| !line.contains(text));
        let count = before - self.differences.len() - self.maps.len();
        if count > 0 {
            *self.known.entry("pending").or_default() += count;
        }
    }

    /// Known differences so far.
    pub fn known_total(&self) -> usize {
        self.known.values().sum()
    }

    /// Counts a known difference.
    pub fn note(&mut self, name: &'static str) {
        *self.known.entry(name).or_default() += 1;
    }
}

/// What else to compare than instructions.
#[derive(Clone, Copy)]
pub struct Scope {
    /// Who made the second output.
    pub witness: Witness,
    /// CO-RE decisions too.
    pub relocations: bool,
}

/// Compares `ours` with the witness's.
pub fn outputs(ours: &Output, theirs: &Output, scope: Scope) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(why) = whole_object(ours, theirs, &mut verdict) {
        match known::laxity(scope.witness, &why) {
            Some(name) => verdict.note(name),
            None => verdict
                .differences
                .push(format!("only the witness reads it: {why}")),
        }
        return verdict;
    }
    let names: BTreeSet<_> = ours.programs.keys().chain(theirs.programs.keys()).collect();
    for key in names {
        let (section, name) = key;
        let label = format!("{section} {name}");
        match (ours.programs.get(key), theirs.programs.get(key)) {
            (Some(Answer::Linked(a)), Some(Answer::Linked(b))) => {
                Pairing::new(a, b, scope, label).run(&mut verdict);
            }
            (Some(Answer::Linked(_)), Some(Answer::Failed(why))) => {
                refused(&mut verdict, scope, &label, why);
            }
            (Some(Answer::Linked(_)), None) => {
                let absent = if section == ".text" {
                    known::TEXT_ONLY
                } else {
                    "absent"
                };
                refused(
                    &mut verdict,
                    scope,
                    &label,
                    theirs.failure.as_deref().unwrap_or(absent),
                );
            }
            (Some(Answer::Failed(why)), Some(Answer::Linked(_))) => {
                match known::laxity(scope.witness, why) {
                    Some(name) => verdict.note(name),
                    None => verdict
                        .differences
                        .push(format!("{label}: only the witness links it: {why}")),
                }
            }
            (None, Some(Answer::Linked(_))) => {
                verdict
                    .differences
                    .push(format!("{label}: only the witness knows it"));
            }
            _ => verdict.refused_by_both += 1,
        }
    }
    maps(ours, theirs, scope, &mut verdict);
    verdict
}

/// An object that ours cannot read at all.
fn whole_object(ours: &Output, theirs: &Output, verdict: &mut Verdict) -> Option<String> {
    let why = ours.failure.as_ref()?;
    if !theirs.links_any() {
        verdict.refused_by_both += usize::from(theirs.failure.is_some());
        return None;
    }
    Some(why.clone())
}

fn refused(verdict: &mut Verdict, scope: Scope, label: &str, why: &str) {
    verdict.refused_by_witness += 1;
    if let Some(name) = known::refusal(scope.witness, why) {
        verdict.note(name);
    }
    verdict.refusals.push(format!("{label}: {why}"));
}

fn maps(ours: &Output, theirs: &Output, scope: Scope, verdict: &mut Verdict) {
    if ours.failure.is_some() || theirs.failure.is_some() {
        return;
    }
    for (name, a) in &ours.maps {
        let Some(b) = theirs.maps.get(name) else {
            match known::map_missing(scope.witness, name, theirs) {
                Some(known) => verdict.note(known),
                None => verdict
                    .maps
                    .push(format!("map {name}: unknown to the witness")),
            }
            continue;
        };
        verdict.maps_compared += 1;
        for field in [
            "type",
            "key_size",
            "value_size",
            "max_entries",
            "flags",
            "initial",
        ] {
            let (x, y) = (shown(a, field), shown(b, field));
            if x == y {
                continue;
            }
            match known::map_field(scope.witness, a, b, field, ours.big_endian) {
                Some(known) => verdict.note(known),
                None => verdict.maps.push(format!("map {name}: {field} {x} | {y}")),
            }
        }
    }
    for (name, map) in &theirs.maps {
        if ours.maps.contains_key(name) {
            continue;
        }
        match known::map_unlisted(scope.witness, map) {
            Some(known) => verdict.note(known),
            None => verdict
                .maps
                .push(format!("map {name}: only the witness has it")),
        }
    }
}

/// A field as it is compared; contents of zeros are no contents.
fn shown(map: &Value, field: &str) -> String {
    match map[field].as_str() {
        Some(hex) if hex.bytes().all(|digit| digit == b'0') => Value::Null.to_string(),
        _ => map[field].to_string(),
    }
}
