//! What came of comparing: counts, known differences by class, and whatever is not explained.

use std::collections::{BTreeMap, BTreeSet};

use crate::known::{Class, Witness};
use crate::run::Subject;

/// How two linkers agree on programs.
#[derive(Clone, Copy, Default)]
pub struct Programs {
    /// Both link it, and nothing differs.
    pub equal: usize,
    /// Both link it, and each difference is of a known class.
    pub known: usize,
    /// Both link it, and something is not explained.
    pub differ: usize,
    /// Only bpflink links it.
    pub only_ours: usize,
    /// Only the witness links it.
    pub only_theirs: usize,
    /// Neither does.
    pub neither: usize,
}

impl Programs {
    fn add(&mut self, other: Self) {
        self.equal += other.equal;
        self.known += other.known;
        self.differ += other.differ;
        self.only_ours += other.only_ours;
        self.only_theirs += other.only_theirs;
        self.neither += other.neither;
    }

    /// That both link.
    pub fn both(&self) -> usize {
        self.equal + self.known + self.differ
    }
}

/// How often a class shows.
pub struct Tally {
    /// What it is.
    pub class: &'static Class,
    /// In how many programs (or maps, or objects).
    pub programs: usize,
    /// In how many places.
    pub places: usize,
    /// The first place.
    pub example: String,
    /// Where that stands in the run: kernel and object.
    pub order: (usize, usize),
}

/// What came of one comparison.
#[derive(Default)]
pub struct Verdict {
    /// Programs.
    pub programs: Programs,
    /// Functions of programs that both link.
    pub functions: usize,
    /// … without any difference at all.
    pub functions_equal: usize,
    /// CO-RE relocations in those programs.
    pub relocations: usize,
    /// Records of line info that were compared.
    pub lines: usize,
    /// Maps that both describe.
    pub maps: usize,
    /// Known differences, by witness and name.
    pub classes: BTreeMap<(Witness, &'static str), Tally>,
    /// One line for each difference that is not known.
    pub differences: Vec<String>,
    /// Of the program at hand: what was noted.
    noted: BTreeSet<&'static str>,
    total: usize,
}

impl Verdict {
    /// A linker that answers with neither a result nor an error.
    pub fn broken(defect: &str) -> Self {
        Self {
            differences: vec![defect.to_owned()],
            ..Self::default()
        }
    }

    /// From here on another program's.
    pub fn next(&mut self) {
        self.noted.clear();
    }

    /// Whether anything was noted of the program at hand.
    pub fn noted_any(&self) -> bool {
        !self.noted.is_empty()
    }

    /// How many known differences there were so far.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Counts a known difference.
    pub fn note(
        &mut self,
        witness: Witness,
        class: &'static Class,
        place: impl FnOnce() -> String,
    ) {
        let first = self.noted.insert(class.name);
        let tally = self
            .classes
            .entry((witness, class.name))
            .or_insert_with(|| Tally {
                class,
                programs: 0,
                places: 0,
                example: place(),
                order: (0, 0),
            });
        tally.places += 1;
        tally.programs += usize::from(first);
        self.total += 1;
    }

    /// Says of which object and kernel it is. Witnesses name an object by its path, which is
    /// another on every machine.
    pub fn of(mut self, order: (usize, usize), kernel: &str, object: &Subject) -> Self {
        let path = object.path.display().to_string();
        let said = |text: &str| {
            let text = text.replace(&path, &object.name);
            format!("{} ({kernel}): {text}", object.name)
        };
        for tally in self.classes.values_mut() {
            tally.order = order;
            tally.example = said(&tally.example);
        }
        for line in &mut self.differences {
            *line = said(line);
        }
        self
    }

    /// Adds another's.
    pub fn add(&mut self, other: Self) {
        self.programs.add(other.programs);
        self.functions += other.functions;
        self.functions_equal += other.functions_equal;
        self.relocations += other.relocations;
        self.lines += other.lines;
        self.maps += other.maps;
        self.differences.extend(other.differences);
        // Of two examples the first of the run stays.
        for (key, tally) in other.classes {
            let Some(known) = self.classes.get_mut(&key) else {
                self.classes.insert(key, tally);
                continue;
            };
            known.programs += tally.programs;
            known.places += tally.places;
            if tally.order < known.order {
                (known.order, known.example) = (tally.order, tally.example);
            }
        }
    }
}
