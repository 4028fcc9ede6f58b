//! Two streams of one program, function by function.
//!
//! Functions are matched by walking both streams in step from the entry: what
//! the n-th instruction calls here must equal what it calls there. The order
//! in which a linker appended them, and so every distance, drops out. Those
//! that nothing calls are matched by name, in order of appearance.

use std::collections::{BTreeMap, VecDeque};

use crate::compare::{Scope, Verdict};
use crate::functions::Functions;
use crate::known::{self, Place, Witness};
use crate::output::{Program, Reference};

/// Two streams of one program.
pub struct Pairing<'a> {
    scope: Scope,
    label: String,
    ours: &'a Program,
    theirs: &'a Program,
    a: Functions<'a>,
    b: Functions<'a>,
    forward: BTreeMap<usize, usize>,
    backward: BTreeMap<usize, usize>,
    queue: VecDeque<(usize, usize)>,
    differences: Vec<String>,
}

impl<'a> Pairing<'a> {
    /// Not compared yet.
    pub fn new(ours: &'a Program, theirs: &'a Program, scope: Scope, label: String) -> Self {
        Self {
            scope,
            label,
            ours,
            theirs,
            a: Functions::of(ours),
            b: Functions::of(theirs),
            forward: BTreeMap::new(),
            backward: BTreeMap::new(),
            queue: VecDeque::new(),
            differences: Vec::new(),
        }
    }

    /// Compares, and adds to the verdict.
    pub fn run(mut self, verdict: &mut Verdict) {
        verdict.programs += 1;
        verdict.functions += self.a.len();
        self.pair(0, 0);
        self.drain(verdict);
        self.pair_uncalled();
        self.drain(verdict);
        self.unpaired(verdict);
        if self.differences.is_empty() {
            verdict.programs_equal += 1;
        }
        verdict.differences.append(&mut self.differences);
    }

    fn drain(&mut self, verdict: &mut Verdict) {
        while let Some((a, b)) = self.queue.pop_front() {
            let (differences, known) = (self.differences.len(), verdict.known_total());
            self.function(a, b, verdict);
            if differences == self.differences.len() && known == verdict.known_total() {
                verdict.functions_equal += 1;
            }
        }
    }

    /// Declares two functions to be the same one; false if they cannot be.
    fn pair(&mut self, a: usize, b: usize) -> bool {
        match (self.forward.get(&a), self.backward.get(&b)) {
            (None, None) => {
                self.forward.insert(a, b);
                self.backward.insert(b, a);
                self.queue.push_back((a, b));
                true
            }
            (Some(&paired), _) => paired == b,
            (None, Some(_)) => false,
        }
    }

    fn differ(&mut self, what: String) {
        self.differences.push(format!("{}: {what}", self.label));
    }

    fn function(&mut self, a: usize, b: usize, verdict: &mut Verdict) {
        let label = self.a.label(a);
        if let (Some(one), Some(other)) = (self.a.name(a), self.b.name(b))
            && one != other
        {
            self.differ(format!("function {one} | {other}"));
        }
        let (size, other) = (self.a.size(a), self.b.size(b));
        let mut first = None;
        // Past the first difference only to follow the calls.
        for k in 0..size.min(other) {
            if let Err(what) = self.instruction(a + k, b + k, verdict) {
                first.get_or_insert_with(|| format!("{label}+{k}: {what}"));
            }
        }
        if first.is_none() && size != other {
            first = Some(format!("{label}: {size} | {other} instructions"));
        }
        if let Some(what) = first {
            self.differ(what);
        }
    }

    fn instruction(&mut self, a: usize, b: usize, verdict: &mut Verdict) -> Result<(), String> {
        let (Some(&x), Some(&y)) = (self.ours.insns.get(a), self.theirs.insns.get(b)) else {
            return Err("past the end".to_owned());
        };
        let place = Place {
            ours: self.ours,
            theirs: self.theirs,
            a,
            b,
        };
        if x.is_local() && y.is_local() && (x.code, x.dst, x.off) == (y.code, y.dst, y.off) {
            return self.called(a, b);
        }
        if x != y {
            let name = known::instruction(self.scope.witness, &place);
            verdict.note(name.ok_or_else(|| {
                let relocation = self.ours.relocations.get(&a);
                let kind = relocation.map_or(String::new(), |r| format!(" at a {}", r.kind));
                format!("{x} | {y}{kind}")
            })?);
        }
        self.references(&place, verdict)?;
        if x == y {
            self.relocations(a, b)
        } else {
            Ok(())
        }
    }

    fn called(&mut self, a: usize, b: usize) -> Result<(), String> {
        match (self.a.target(a), self.b.target(b)) {
            (Some(x), Some(y)) if self.pair(x, y) => Ok(()),
            (Some(x), Some(y)) => Err(format!(
                "refers to {} | {}",
                self.a.label(x),
                self.b.label(y)
            )),
            (x, y) => Err(format!("leads outside the stream: {x:?} | {y:?}")),
        }
    }

    fn references(&self, place: &Place<'_>, verdict: &mut Verdict) -> Result<(), String> {
        let (x, y) = (self.ours.refs.get(&place.a), self.theirs.refs.get(&place.b));
        if x == y {
            return Ok(());
        }
        if let Some(name) = known::reference(self.scope.witness, place) {
            verdict.note(name);
            return Ok(());
        }
        let map = |r: &Reference| r.kind.starts_with("map_");
        match (x, y) {
            // How a linker lists a symbol that it resolved for good is its own affair.
            (Some(r), None) | (None, Some(r)) if !map(r) => {
                verdict.note("reference-listed-by-one");
                Ok(())
            }
            _ => Err(format!("refers to {} | {}", show(x), show(y))),
        }
    }

    /// Only libbpf tells its decisions.
    fn relocations(&self, a: usize, b: usize) -> Result<(), String> {
        if !self.scope.relocations || self.scope.witness != Witness::Libbpf {
            return Ok(());
        }
        match (
            self.ours.relocations.get(&a),
            self.theirs.relocations.get(&b),
        ) {
            (x, y) if x == y => Ok(()),
            (x, y) => Err(format!("relocation {x:?} | {y:?}")),
        }
    }

    /// Matches by name what no instruction refers to.
    fn pair_uncalled(&mut self) {
        let left: Vec<usize> = self
            .a
            .starts()
            .filter(|s| !self.forward.contains_key(s))
            .collect();
        for a in left {
            let name = self.a.name(a);
            let free = |&b: &usize| !self.backward.contains_key(&b) && self.b.name(b) == name;
            let found = self.b.starts().find(free);
            if let Some(b) = found {
                self.pair(a, b);
            }
        }
    }

    fn unpaired(&mut self, verdict: &mut Verdict) {
        let ours: Vec<usize> = self
            .a
            .starts()
            .filter(|s| !self.forward.contains_key(s))
            .collect();
        for a in ours {
            match known::missing_function(self.scope.witness) {
                // With a difference elsewhere it may only be unreachable by it.
                Some(name) if self.differences.is_empty() => verdict.note(name),
                _ => self.differ(format!("function {} is only in ours", self.a.label(a))),
            }
        }
        let theirs: Vec<usize> = self
            .b
            .starts()
            .filter(|s| !self.backward.contains_key(s))
            .collect();
        for b in theirs {
            self.differ(format!(
                "function {} is only in the witness's",
                self.b.label(b)
            ));
        }
    }
}

fn show(reference: Option<&Reference>) -> String {
    reference.map_or_else(
        || "nothing".to_owned(),
        |r| {
            let module = r
                .module
                .as_ref()
                .map_or(String::new(), |m| format!(" of {m}"));
            format!("{} {}+{}{module}", r.kind, r.name, r.offset)
        },
    )
}
