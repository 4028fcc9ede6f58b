//! Many objects against many kernels: runs the linkers, compares, sums up.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use bpflink::Linker;

use crate::compare;
use crate::known::Witness;
use crate::ours;
use crate::output::Output;
use crate::server::Server;
use crate::target::{Target, is_big_endian};
use crate::verdict::Verdict;

/// What every witness is asked for besides the streams.
const OPTIONS: &[&str] = &["--lines"];

/// What to run over what.
pub struct Plan {
    /// The witnesses.
    pub witnesses: Vec<(Witness, PathBuf)>,
    /// Objects, and how a message calls them.
    pub objects: Vec<Subject>,
    /// The kernels.
    pub targets: Vec<Target>,
    /// How many at once.
    pub jobs: usize,
}

/// An object.
pub struct Subject {
    /// Where it is.
    pub path: PathBuf,
    /// What to call it.
    pub name: String,
    /// Its byte order.
    pub big_endian: bool,
    /// It is linked for kernels with modules, too.
    pub modules: bool,
}

/// One row of the table.
pub struct Row {
    /// The kernel.
    pub target: String,
    /// Who was compared.
    pub witness: Witness,
    /// Objects for which both said something.
    pub objects: usize,
    /// Everything else.
    pub verdict: Verdict,
}

/// All `.o` files below the folders, and the files themselves.
pub fn subjects(paths: &[PathBuf]) -> Result<Vec<Subject>, String> {
    let mut found = Vec::new();
    for path in paths {
        // The folder's own name says how its objects were made.
        let root = path.parent().unwrap_or(path);
        for file in objects(path)? {
            let name = file.strip_prefix(root).unwrap_or(&file);
            found.push(Subject {
                name: name.display().to_string(),
                big_endian: is_big_endian(&file),
                modules: true,
                path: file,
            });
        }
    }
    Ok(found)
}

fn objects(path: &Path) -> Result<Vec<PathBuf>, String> {
    let fail = |e: std::io::Error| format!("{}: {e}", path.display());
    if !path.is_dir() {
        fs::metadata(path).map_err(fail)?;
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.is_dir() {
            found.extend(objects(&path)?);
        } else if path.extension().is_some_and(|e| e == "o") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Runs the plan for one of its kernels; one row for each witness.
pub fn run(plan: &Plan, number: usize, target: &Target) -> Result<Vec<Row>, String> {
    let linker = Linker::new(&target.build()?);
    // aya reads no BTF of modules, nor of another byte order than this machine's.
    let beyond_aya = target.big_endian || target.modules;
    let can = |&&(witness, _): &&(Witness, PathBuf)| witness != Witness::Aya || !beyond_aya;
    let witnesses: Vec<_> = plan.witnesses.iter().filter(can).cloned().collect();
    let new = |&(witness, _): &(Witness, PathBuf)| Row {
        target: target.name.clone(),
        witness,
        objects: 0,
        verdict: Verdict::default(),
    };
    let table: Mutex<Vec<Row>> = Mutex::new(witnesses.iter().map(new).collect());
    let next = AtomicUsize::new(0);
    let work = Work {
        objects: &plan.objects,
        witnesses: &witnesses,
        number,
        target,
        linker: &linker,
        next: &next,
        table: &table,
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..plan.jobs.max(1))
            .map(|_| scope.spawn(|| work.run()))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a thread ended".to_owned())?)
    })?;
    Ok(table.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// What one thread does: object after object, with linkers of its own.
struct Work<'a> {
    objects: &'a [Subject],
    witnesses: &'a [(Witness, PathBuf)],
    number: usize,
    target: &'a Target,
    linker: &'a Linker,
    next: &'a AtomicUsize,
    table: &'a Mutex<Vec<Row>>,
}

impl Work<'_> {
    fn run(&self) -> Result<(), String> {
        let witnesses = self.witnesses.iter();
        let mut servers: Vec<_> = witnesses
            .map(|(witness, tool)| (*witness, Server::new(tool, self.target, OPTIONS)))
            .collect();
        while let Some((index, subject)) = self.take() {
            let order = (self.number, index);
            let verdicts = self.one(subject, &mut servers)?;
            let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
            for (row, verdict) in table.iter_mut().zip(verdicts) {
                row.objects += 1;
                row.verdict
                    .add(verdict.of(order, &self.target.name, subject));
            }
        }
        Ok(())
    }

    fn take(&self) -> Option<(usize, &Subject)> {
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let subject = self.objects.get(index)?;
            let modules = subject.modules || !self.target.modules;
            if subject.big_endian == self.target.big_endian && modules {
                return Some((index, subject));
            }
        }
    }

    fn one(
        &self,
        subject: &Subject,
        servers: &mut [(Witness, Server<'_>)],
    ) -> Result<Vec<Verdict>, String> {
        for (_, server) in servers.iter_mut() {
            server.ask(&subject.path)?;
        }
        let big_endian = subject.big_endian;
        let ours = ours::link(&subject.path, self.linker, big_endian);
        let mut verdicts = Vec::new();
        for (witness, server) in servers {
            let theirs = match server.answer()? {
                Ok(text) => Output::parse(&text, big_endian)?,
                Err(broke) => Output {
                    big_endian,
                    failure: Some(broke),
                    ..Output::default()
                },
            };
            verdicts.push(match &ours {
                Ok(ours) => compare::outputs(ours, &theirs, *witness),
                Err(defect) => Verdict::broken(defect),
            });
        }
        Ok(verdicts)
    }
}
