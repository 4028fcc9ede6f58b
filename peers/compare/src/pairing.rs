//! Two streams of one program, function by function.
//!
//! Functions are matched by walking both streams in step from the entry: what
//! the n-th instruction calls here must equal what it calls there. The order
//! in which a linker appended them, and so every distance, drops out. Those
//! that nothing calls are matched by name, in order of appearance.

use std::collections::{BTreeMap, VecDeque};

use crate::functions::Functions;
use crate::known::{self, LinePlace, Place, Witness};
use crate::output::{Line, Program, Reference, Relocation};
use crate::verdict::Verdict;

/// Two streams of one program.
pub struct Pairing<'a> {
    witness: Witness,
    label: &'a str,
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
    pub fn new(ours: &'a Program, theirs: &'a Program, witness: Witness, label: &'a str) -> Self {
        Self {
            witness,
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
        verdict.functions += self.a.len();
        verdict.relocations += self.ours.relocations.len();
        self.pair(0, 0);
        self.drain(verdict);
        self.pair_uncalled();
        self.drain(verdict);
        self.unpaired(verdict);
        let count = match (self.differences.is_empty(), verdict.noted_any()) {
            (true, false) => &mut verdict.programs.equal,
            (true, true) => &mut verdict.programs.known,
            (false, _) => &mut verdict.programs.differ,
        };
        *count += 1;
        verdict.differences.append(&mut self.differences);
    }

    fn drain(&mut self, verdict: &mut Verdict) {
        while let Some((a, b)) = self.queue.pop_front() {
            let (differences, known) = (self.differences.len(), verdict.total());
            self.function(a, b, verdict);
            if differences == self.differences.len() && known == verdict.total() {
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

    fn differ(&mut self, what: &str) {
        self.differences.push(format!("{}: {what}", self.label));
    }

    fn function(&mut self, a: usize, b: usize, verdict: &mut Verdict) {
        if let (Some(one), Some(other)) = (self.a.name(a), self.b.name(b))
            && one != other
        {
            let what = format!("function {one} | {other}");
            let behind_gap = self.ours.behind_gap.contains(&a);
            match known::function_name(self.witness, one, other, behind_gap) {
                Some(class) => {
                    verdict.note(self.witness, class, || format!("{}: {what}", self.label));
                }
                None => self.differ(&what),
            }
        }
        let (size, other) = (self.a.size(a), self.b.size(b));
        let mut first = None;
        // Past the first difference only to follow the calls.
        for k in 0..size.min(other) {
            if let Err(what) = self.instruction(a, b, k, verdict) {
                first.get_or_insert_with(|| format!("{}+{k}: {what}", self.a.label(a)));
            }
        }
        if first.is_none() && size != other {
            first = Some(format!(
                "{}: {size} | {other} instructions",
                self.a.label(a)
            ));
        }
        if first.is_none() {
            first = self.lines(a, b, size, verdict).err();
        }
        if let Some(what) = first {
            self.differ(&what);
        }
    }

    fn instruction(
        &mut self,
        start: usize,
        other: usize,
        k: usize,
        verdict: &mut Verdict,
    ) -> Result<(), String> {
        let (a, b) = (start + k, other + k);
        let place = Place {
            ours: self.ours,
            theirs: self.theirs,
            a,
            b,
        };
        let (x, y) = place.insns().ok_or("past the end")?;
        if x.is_local() && y.is_local() && (x.code, x.dst, x.off) == (y.code, y.dst, y.off) {
            return self.called(a, b);
        }
        let here = |what: &str| format!("{}: {}+{k}: {what}", self.label, self.a.label(start));
        if x != y {
            let what = || {
                let kind = place.relocation();
                let kind = kind.map_or(String::new(), |kind| format!(" at a {kind}"));
                format!("{x} | {y}{kind}")
            };
            let class = known::instruction(self.witness, &place).ok_or_else(what)?;
            verdict.note(self.witness, class, || here(&what()));
        }
        self.references(&place, here, verdict)?;
        if x == y {
            self.decisions(&place, here, verdict)?;
        }
        Ok(())
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

    fn references(
        &self,
        place: &Place<'_>,
        here: impl Fn(&str) -> String,
        verdict: &mut Verdict,
    ) -> Result<(), String> {
        let (x, y) = (self.ours.refs.get(&place.a), self.theirs.refs.get(&place.b));
        if x == y {
            return Ok(());
        }
        let map = |r: &Reference| r.kind.starts_with("map_");
        match (x, y) {
            // How a linker lists a symbol that it resolved for good is its own affair.
            (Some(r), None) | (None, Some(r)) if !map(r) => return Ok(()),
            _ => {}
        }
        let what = || format!("refers to {} | {}", show(x), show(y));
        let class = known::reference(self.witness, place).ok_or_else(what)?;
        verdict.note(self.witness, class, || here(&what()));
        Ok(())
    }

    /// Only libbpf tells its decisions.
    fn decisions(
        &self,
        place: &Place<'_>,
        here: impl Fn(&str) -> String,
        verdict: &mut Verdict,
    ) -> Result<(), String> {
        let (x, y) = (
            self.ours.relocations.get(&place.a),
            self.theirs.relocations.get(&place.b),
        );
        if self.witness != Witness::Libbpf || x == y {
            return Ok(());
        }
        let what = || format!("relocation {} | {}", decided(x), decided(y));
        let class = known::decision(self.witness, place).ok_or_else(what)?;
        verdict.note(self.witness, class, || here(&what()));
        Ok(())
    }

    /// Line info, counted from where each linker put the function.
    fn lines(&self, a: usize, b: usize, size: usize, verdict: &mut Verdict) -> Result<(), String> {
        let ours = within(&self.ours.lines, a, size);
        let theirs = within(&self.theirs.lines, b, size);
        verdict.lines += ours.len();
        if ours == theirs {
            return Ok(());
        }
        let what = || {
            let common = ours.iter().zip(&theirs).take_while(|(x, y)| x == y).count();
            let (x, y) = (ours.get(common), theirs.get(common));
            let at = x.or(y).map_or(0, |line| line.insn);
            let label = self.a.label(a);
            format!("{label}+{at}: line {} | {}", place_of(x), place_of(y))
        };
        let place = LinePlace {
            ours: &ours,
            theirs: &theirs,
            insns: self.theirs.insns.get(b..b + size).unwrap_or_default(),
            behind_gap: self.ours.behind_gap.contains(&a),
        };
        let class = known::lines(self.witness, &place).ok_or_else(what)?;
        verdict.note(self.witness, class, || {
            format!("{}: {}", self.label, what())
        });
        Ok(())
    }

    /// Matches by name what no instruction refers to.
    fn pair_uncalled(&mut self) {
        for a in self.unmatched() {
            let name = self.a.name(a);
            let free = |&b: &usize| !self.backward.contains_key(&b) && self.b.name(b) == name;
            let found = self.b.starts().find(free);
            if let Some(b) = found {
                self.pair(a, b);
            }
        }
    }

    fn unmatched(&self) -> Vec<usize> {
        let starts = self.a.starts();
        starts.filter(|s| !self.forward.contains_key(s)).collect()
    }

    fn unpaired(&mut self, verdict: &mut Verdict) {
        for a in self.unmatched() {
            let what = format!("function {} is only in ours", self.a.label(a));
            match known::missing_function(self.witness) {
                // With a difference elsewhere it may only be unreachable by it.
                Some(class) if self.differences.is_empty() => {
                    verdict.note(self.witness, class, || format!("{}: {what}", self.label));
                }
                _ => self.differ(&what),
            }
        }
        let starts = self.b.starts();
        let theirs: Vec<usize> = starts.filter(|s| !self.backward.contains_key(s)).collect();
        for b in theirs {
            let what = format!("function {} is only in the witness's", self.b.label(b));
            self.differ(&what);
        }
    }
}

/// The lines of one function, from its start on.
fn within(lines: &[Line], start: usize, size: usize) -> Vec<Line> {
    let from = lines.partition_point(|line| line.insn < start);
    let to = lines.partition_point(|line| line.insn < start + size);
    let lines = lines.get(from..to).unwrap_or_default().iter();
    lines
        .map(|line| Line {
            insn: line.insn - start,
            ..line.clone()
        })
        .collect()
}

fn place_of(line: Option<&Line>) -> String {
    line.map_or_else(
        || "none".to_owned(),
        |line| format!("{}:{}:{}", line.file, line.at.0, line.at.1),
    )
}

fn decided(relocation: Option<&Relocation>) -> String {
    match relocation {
        None => "none".to_owned(),
        Some(r) if r.poisoned => format!("{} poisoned", r.kind),
        Some(r) => format!("{} = {}", r.kind, r.new),
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
