//! What a run found, for people: on the terminal, and as parts of documents.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::known::Witness;
use crate::run::Row;
use crate::verdict::{Programs, Tally, Verdict};

/// The size of a run.
#[derive(Default)]
pub struct Extent {
    /// Object files.
    pub objects: usize,
    /// Folders that they lie in.
    pub folders: BTreeSet<String>,
    /// Kernels.
    pub kernels: usize,
    /// How long it took.
    pub took: Duration,
    /// How many objects at once.
    pub jobs: usize,
}

/// Sums of the rows of one witness.
#[derive(Default)]
struct Sum {
    pairs: usize,
    verdict: Verdict,
}

/// All that a run found.
pub struct Report {
    extent: Extent,
    rows: Vec<String>,
    sums: BTreeMap<Witness, Sum>,
}

const HEAD: [&str; 12] = [
    "kernel",
    "witness",
    "objects",
    "equal",
    "classed",
    "unexplained",
    "only ours",
    "only theirs",
    "neither",
    "functions",
    "CO-RE",
    "lines",
];

impl Report {
    /// Of a run of this size; rows follow.
    pub fn new(extent: Extent) -> Self {
        Self {
            extent,
            rows: vec![table_row(&HEAD.map(str::to_owned)), rule(HEAD.len())],
            sums: BTreeMap::new(),
        }
    }

    /// Prints and keeps the rows of one kernel.
    pub fn add(&mut self, rows: Vec<Row>) {
        for row in rows {
            for line in &row.verdict.differences {
                println!("DIFFER {} {line}", row.witness.name());
            }
            let cells = cells(&row.target, row.witness.name(), row.objects, &row.verdict);
            println!("{}", cells.join("  "));
            self.rows.push(table_row(&cells));
            let sum = self.sums.entry(row.witness).or_default();
            sum.pairs += row.objects;
            sum.verdict.add(row.verdict);
        }
    }

    /// How long it took.
    pub fn took(&mut self, took: Duration) {
        self.extent.took = took;
    }

    /// The sums, last on the terminal.
    pub fn print(&self) {
        for (witness, sum) in &self.sums {
            let cells = cells("all", witness.name(), sum.pairs, &sum.verdict);
            println!("{}", cells.join("  "));
        }
        for ((witness, name), tally) in &self.classes() {
            println!(
                "class {} {name}: {} programs, {} places; {}",
                witness.name(),
                tally.programs,
                tally.places,
                tally.example
            );
        }
        let (equal, differ) = self.equal_and_unexplained();
        println!("peers: {equal} equal, {differ} unexplained");
    }

    /// Something was compared, and nothing differs that was not traced before.
    pub fn agrees(&self) -> bool {
        let (equal, differ) = self.equal_and_unexplained();
        equal > 0 && differ == 0
    }

    fn equal_and_unexplained(&self) -> (usize, usize) {
        let verdicts = self.sums.values().map(|sum| &sum.verdict);
        verdicts.fold((0, 0), |(equal, differ), v| {
            (equal + v.programs.equal, differ + v.differences.len())
        })
    }

    fn classes(&self) -> BTreeMap<(Witness, &'static str), &Tally> {
        let verdicts = self.sums.values().map(|sum| &sum.verdict);
        verdicts
            .flat_map(|v| v.classes.iter())
            .map(|(key, tally)| (*key, tally))
            .collect()
    }

    /// The classes and the counts, put into a document.
    pub fn write_document(&self, file: &Path) -> Result<(), String> {
        replace(file, "classes", &self.class_table())?;
        replace(file, "counts", &self.counts())
    }

    /// The short table, put into a document.
    pub fn write_readme(&self, file: &Path) -> Result<(), String> {
        replace(file, "peers", &self.short())
    }

    fn size(&self) -> String {
        let Extent {
            objects,
            folders,
            kernels,
            took,
            jobs,
        } = &self.extent;
        let most = self
            .sums
            .values()
            .max_by_key(|sum| sum.verdict.programs.total());
        let (programs, relocations) = most.map_or((0, 0), |sum| {
            (sum.verdict.programs.total(), sum.verdict.relocations)
        });
        format!(
            "{objects} objects in {} sets, {kernels} kernels: {programs} programs linked, \
             {relocations} CO-RE relocations in those that the most able witness links too; \
             {} minutes with {jobs} jobs.\n",
            folders.len(),
            took.as_secs().div_ceil(60)
        )
    }

    fn short(&self) -> String {
        let mut text = self.size() + "\n";
        let head = [
            "witness",
            "equal",
            "differ, each of a known class",
            "only bpflink links it",
            "only the witness links it, and should not",
            "unexplained",
        ];
        text += &table_row(&head.map(str::to_owned));
        text += &rule(head.len());
        for (witness, sum) in &self.sums {
            let p = &sum.verdict.programs;
            let unexplained = sum.verdict.differences.len();
            let numbers = [p.equal, p.known, p.only_ours, p.only_theirs, unexplained];
            let mut cells = vec![witness.name().to_owned()];
            cells.extend(numbers.map(|n| n.to_string()));
            text += &table_row(&cells);
        }
        text
    }

    fn counts(&self) -> String {
        let mut text = self.size() + "\n" + &self.rows.concat();
        for (witness, sum) in &self.sums {
            let cells = cells("all", witness.name(), sum.pairs, &sum.verdict);
            text += &table_row(&cells);
        }
        text
    }

    fn class_table(&self) -> String {
        let head = ["class", "programs", "places", "whose", "rule", "example"];
        let mut text = String::new();
        for witness in self.sums.keys() {
            let _ = write!(text, "### {}\n\n", witness.name());
            text += &table_row(&head.map(str::to_owned));
            text += &rule(head.len());
            for ((of, name), tally) in &self.classes() {
                if of == witness {
                    text += &table_row(&[
                        (*name).to_owned(),
                        tally.programs.to_string(),
                        tally.places.to_string(),
                        tally.class.whose.text(*witness),
                        tally.class.rule.to_owned(),
                        format!("`{}`", cut(&tally.example)),
                    ]);
                }
            }
            text.push('\n');
        }
        text
    }
}

impl Programs {
    fn total(&self) -> usize {
        self.both() + self.only_ours + self.only_theirs + self.neither
    }
}

/// Kernel and sum alike.
fn cells(target: &str, witness: &str, objects: usize, v: &Verdict) -> Vec<String> {
    let p = &v.programs;
    let mut cells = vec![target.to_owned(), witness.to_owned()];
    let numbers = [
        objects,
        p.equal,
        p.known,
        v.differences.len(),
        p.only_ours,
        p.only_theirs,
        p.neither,
        v.functions,
        v.relocations,
        v.lines,
    ];
    cells.extend(numbers.map(|n| n.to_string()));
    cells
}

fn table_row(cells: &[String]) -> String {
    let escaped: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", escaped.join(" | "))
}

fn rule(columns: usize) -> String {
    format!("|{}\n", " --- |".repeat(columns))
}

/// An error may be long.
fn cut(text: &str) -> String {
    const MOST: usize = 300;
    let mut line = text.lines().next().unwrap_or_default().replace('`', "'");
    // Where a source was compiled is part of its lines.
    if let Some(home) = std::env::var("HOME").ok().filter(|home| home.len() > 1) {
        line = line.replace(&format!("{home}/"), "~/");
    }
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Puts `text` between the marks of that name.
fn replace(file: &Path, name: &str, text: &str) -> Result<(), String> {
    let fail = |e: std::io::Error| format!("{}: {e}", file.display());
    let old = fs::read_to_string(file).map_err(fail)?;
    let (begin, end) = (
        format!("<!-- begin {name} -->\n"),
        format!("<!-- end {name} -->\n"),
    );
    let missing = || format!("{}: no {}", file.display(), begin.trim_end());
    let (before, rest) = old.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    fs::write(file, format!("{before}{begin}{text}{end}{after}")).map_err(fail)
}
