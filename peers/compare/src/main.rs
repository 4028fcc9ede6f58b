//! Compares what linkers print of the same object, by machine.
//!
//! `compare` reads two files of JSON lines; `run` drives the linkers over many
//! objects and kernels and prints a table.

mod attach;
mod compare;
mod functions;
mod insn;
mod known;
mod output;
mod pairing;
mod relocated;
mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use compare::{Scope, Verdict};
use known::Witness;
use run::{Plan, Row, Target};

#[derive(Parser)]
#[command(about)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Clone, Copy, ValueEnum)]
enum WitnessName {
    Libbpf,
    Cilium,
    Aya,
}

#[derive(Subcommand)]
enum Task {
    /// Compares two outputs of one object
    Compare {
        /// The reference
        ours: PathBuf,
        /// The witness's output
        theirs: PathBuf,
        /// Whose known differences to allow for
        #[arg(long, value_enum, default_value = "libbpf")]
        witness: WitnessName,
        /// The streams are of a big-endian object
        #[arg(long)]
        big_endian: bool,
        /// Compare every CO-RE decision with libbpf's too
        #[arg(long)]
        relocations: bool,
    },
    /// Moves module BTF from a distilled base and compares with what libbpf made of it
    Relocated {
        /// BTF of the kernel that the module meets
        vmlinux: PathBuf,
        /// Folders that `distill` filled
        #[arg(required = true)]
        folders: Vec<PathBuf>,
    },
    /// Compares what programs attach to with what libbpf would hand to the kernel
    Attach {
        /// The libbpf witness
        #[arg(long)]
        libbpf: PathBuf,
        /// A kernel: `running`, or `VMLINUX_BTF[@RELEASE][,NAME=MODULE_BTF]...`
        #[arg(long = "btf", default_value = "running")]
        targets: Vec<String>,
        /// Objects, or folders of them
        #[arg(required = true)]
        objects: Vec<PathBuf>,
    },
    /// Runs linkers over objects and kernels and compares
    Run {
        /// The bpflink command; without it the first witness is the reference
        #[arg(long)]
        bpflink: Option<PathBuf>,
        /// The libbpf witness
        #[arg(long)]
        libbpf: Option<PathBuf>,
        /// The cilium witness
        #[arg(long)]
        cilium: Option<PathBuf>,
        /// The aya witness
        #[arg(long)]
        aya: Option<PathBuf>,
        /// A kernel: `running`, or `VMLINUX_BTF[@RELEASE][,NAME=MODULE_BTF]...`
        #[arg(long = "btf", default_value = "running")]
        targets: Vec<String>,
        /// Compare every CO-RE decision with libbpf's too
        #[arg(long)]
        relocations: bool,
        /// Differences with this text are announced work: count, do not fail
        #[arg(long)]
        pending: Vec<String>,
        /// How many objects at once
        #[arg(long, default_value_t = 1)]
        jobs: usize,
        /// Print why witnesses refused programs
        #[arg(long)]
        refusals: bool,
        /// Objects, or folders of them
        #[arg(required = true)]
        objects: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    match perform(Arguments::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(message) => {
            eprintln!("bpflink-peers: {message}");
            ExitCode::from(2)
        }
    }
}

/// True when there is no difference but known ones.
fn perform(task: Task) -> Result<bool, String> {
    match task {
        Task::Compare {
            ours,
            theirs,
            witness,
            big_endian,
            relocations,
        } => {
            let scope = Scope {
                witness: witness.into(),
                relocations,
            };
            let read = |path: &PathBuf| {
                let text = fs::read_to_string(path).map_err(|e| e.to_string());
                text.and_then(|text| output::Output::parse(&text, big_endian))
                    .map_err(|e| format!("{}: {e}", path.display()))
            };
            let verdict = compare::outputs(&read(&ours)?, &read(&theirs)?, scope);
            print_lines(&verdict, true);
            let row = Row {
                target: "-".to_owned(),
                witness: scope.witness,
                objects: 1,
                verdict,
            };
            print_table(std::slice::from_ref(&row));
            Ok(agree(&[row]))
        }
        Task::Relocated { vmlinux, folders } => relocate_all(&vmlinux, &folders),
        Task::Attach {
            libbpf,
            targets,
            objects,
        } => {
            let mut files = Vec::new();
            for path in &objects {
                files.extend(run::objects(path)?);
            }
            let mut agree = true;
            for target in targets.iter().map(|spec| Target::parse(spec)) {
                agree &= attach::compare(&libbpf, &target, &files)?.report(&target);
            }
            Ok(agree)
        }
        Task::Run {
            bpflink,
            libbpf,
            cilium,
            aya,
            targets,
            relocations,
            pending,
            jobs,
            refusals,
            objects,
        } => {
            let mut plan = plan(bpflink, [libbpf, cilium, aya])?;
            plan.targets = targets.iter().map(|spec| Target::parse(spec)).collect();
            plan.relocations = relocations;
            plan.pending = pending;
            plan.jobs = jobs;
            for path in &objects {
                plan.objects.extend(run::objects(path)?);
            }
            let rows = run::run(&plan);
            for row in &rows {
                println!("## {} {:?}", row.target, row.witness);
                print_lines(&row.verdict, refusals);
            }
            print_table(&rows);
            Ok(agree(&rows))
        }
    }
}

/// One line in all, and one for each module on which the two differ.
fn relocate_all(vmlinux: &Path, folders: &[PathBuf]) -> Result<bool, String> {
    let (mut same, mut types, mut refused, mut differ) = (0, 0, 0, 0);
    for folder in folders {
        let outcome = relocated::compare(vmlinux, folder);
        match outcome.map_err(|error| format!("{}: {error}", folder.display()))? {
            relocated::Outcome::Same(count) => (same, types) = (same + 1, types + count),
            relocated::Outcome::Refused(why) => {
                refused += 1;
                println!("both refuse {}: {why}", folder.display());
            }
            relocated::Outcome::Differ(how) => {
                differ += 1;
                println!("DIFFER {}: {how}", folder.display());
            }
        }
    }
    println!(
        "relocated: {same} modules the same ({types} types), {refused} refused by both, {differ} differ"
    );
    Ok(differ == 0)
}

fn plan(bpflink: Option<PathBuf>, witnesses: [Option<PathBuf>; 3]) -> Result<Plan, String> {
    let mut witnesses: Vec<_> = [Witness::Libbpf, Witness::Cilium, Witness::Aya]
        .into_iter()
        .zip(witnesses)
        .filter_map(|(w, path)| Some((w, path?)))
        .collect();
    let (ours, ours_args) = match bpflink {
        Some(path) => (path, vec!["link".to_owned(), "--json".to_owned()]),
        None if witnesses.len() > 1 => (witnesses.remove(0).1, Vec::new()),
        None => return Err("two linkers are needed to compare".to_owned()),
    };
    if witnesses.is_empty() {
        return Err("no witness given".to_owned());
    }
    let (objects, targets) = (Vec::new(), Vec::new());
    Ok(Plan {
        ours,
        ours_args,
        witnesses,
        objects,
        targets,
        relocations: false,
        pending: Vec::new(),
        jobs: 1,
    })
}

/// Something was compared, and nothing differs that was not traced before.
fn agree(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.verdict.differences.is_empty())
        && rows.iter().all(|row| row.verdict.maps.is_empty())
        && rows.iter().any(|row| row.verdict.programs > 0)
}

fn print_lines(verdict: &Verdict, refusals: bool) {
    for line in &verdict.differences {
        println!("DIFFER {line}");
    }
    for line in &verdict.maps {
        println!("DIFFER {line}");
    }
    if refusals {
        for line in &verdict.refusals {
            println!("REFUSED {line}");
        }
    }
}

fn print_table(rows: &[Row]) {
    println!(
        "{:<28} {:<7} {:>7} {:>8} {:>8} {:>9} {:>8} {:>6} {:>7} {:>7} {:>5} {:>8}",
        "kernel",
        "witness",
        "objects",
        "programs",
        "equal",
        "functions",
        "equal",
        "differ",
        "refused",
        "by both",
        "maps",
        "map diff"
    );
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for Row {
        target,
        witness,
        objects,
        verdict: v,
    } in rows
    {
        println!(
            "{target:<28} {:<7} {objects:>7} {:>8} {:>8} {:>9} {:>8} {:>6} {:>7} {:>7} {:>5} {:>8}",
            format!("{witness:?}"),
            v.programs,
            v.programs_equal,
            v.functions,
            v.functions_equal,
            v.differences.len(),
            v.refused_by_witness,
            v.refused_by_both,
            v.maps_compared,
            v.maps.len()
        );
        for (name, count) in &v.known {
            *known.entry(name).or_default() += count;
        }
    }
    for (name, count) in known {
        println!("known: {count} {name}");
    }
}

impl From<WitnessName> for Witness {
    fn from(name: WitnessName) -> Self {
        match name {
            WitnessName::Libbpf => Self::Libbpf,
            WitnessName::Cilium => Self::Cilium,
            WitnessName::Aya => Self::Aya,
        }
    }
}
