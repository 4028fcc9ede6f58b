//! Compares what linkers print of the same object, by machine.
//!
//! `compare` reads two files of JSON lines; `run` drives the linkers over many
//! objects and kernels and prints a table.

mod attach;
mod compare;
mod functions;
mod insn;
mod known;
mod ours;
mod output;
mod pairing;
mod relocated;
mod report;
mod run;
mod server;
mod target;
#[cfg(test)]
mod tests;
mod verdict;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand, ValueEnum};

use known::Witness;
use report::{Extent, Report};
use run::{Plan, Row};
use target::Target;

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
        /// bpflink's
        ours: PathBuf,
        /// The witness's output
        theirs: PathBuf,
        /// Whose known differences to allow for
        #[arg(long, value_enum, default_value = "libbpf")]
        witness: WitnessName,
        /// The streams are of a big-endian object
        #[arg(long)]
        big_endian: bool,
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
        /// A kernel: `running`, or `VMLINUX_BTF[@RELEASE][,[NAME=]MODULE_BTF]...`
        #[arg(long = "btf", default_value = "running")]
        targets: Vec<String>,
        /// Objects, or folders of them
        #[arg(required = true)]
        objects: Vec<PathBuf>,
    },
    /// Runs linkers over objects and kernels and compares
    Run(RunArguments),
}

#[derive(Args)]
struct RunArguments {
    /// The libbpf witness
    #[arg(long)]
    libbpf: Option<PathBuf>,
    /// The cilium witness
    #[arg(long)]
    cilium: Option<PathBuf>,
    /// The aya witness
    #[arg(long)]
    aya: Option<PathBuf>,
    /// A kernel: `running`, or `VMLINUX_BTF[@RELEASE][,[NAME=]MODULE_BTF]...`, where a
    /// folder stands for all modules in it
    #[arg(long = "btf", default_value = "running")]
    targets: Vec<String>,
    /// How many objects at once
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Also put the classes and counts into this document
    #[arg(long)]
    document: Option<PathBuf>,
    /// Also put the short table into this one
    #[arg(long)]
    readme: Option<PathBuf>,
    /// Objects, or a folder of them, that are linked for kernels without modules only
    #[arg(long)]
    no_modules: Vec<PathBuf>,
    /// Objects, or folders of them
    #[arg(required = true)]
    objects: Vec<PathBuf>,
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
        } => {
            let read = |path: &PathBuf| {
                let text = fs::read_to_string(path).map_err(|e| e.to_string());
                text.and_then(|text| output::Output::parse(&text, big_endian))
                    .map_err(|e| format!("{}: {e}", path.display()))
            };
            let witness = witness.into();
            let verdict = compare::outputs(&read(&ours)?, &read(&theirs)?, witness);
            let row = Row {
                target: "-".to_owned(),
                witness,
                objects: 1,
                verdict,
            };
            let mut report = Report::new(Extent::default());
            report.add(vec![row]);
            Ok(report.agrees())
        }
        Task::Relocated { vmlinux, folders } => relocate_all(&vmlinux, &folders),
        Task::Attach {
            libbpf,
            targets,
            objects,
        } => {
            let objects = run::subjects(&objects)?;
            let mut agree = true;
            for target in targets.iter().map(|spec| Target::parse(spec)) {
                let target = target?;
                agree &= attach::compare(&libbpf, &target, &objects)?.report(&target);
            }
            Ok(agree)
        }
        Task::Run(arguments) => run_all(arguments),
    }
}

fn run_all(arguments: RunArguments) -> Result<bool, String> {
    let started = Instant::now();
    let witnesses = [
        (Witness::Libbpf, arguments.libbpf),
        (Witness::Cilium, arguments.cilium),
        (Witness::Aya, arguments.aya),
    ];
    let targets = arguments.targets.iter().map(|spec| Target::parse(spec));
    let mut objects = run::subjects(&arguments.objects)?;
    let mut without = run::subjects(&arguments.no_modules)?;
    without.iter_mut().for_each(|object| object.modules = false);
    objects.append(&mut without);
    let plan = Plan {
        witnesses: witnesses
            .into_iter()
            .filter_map(|(witness, tool)| Some((witness, tool?)))
            .collect(),
        objects,
        targets: targets.collect::<Result<_, _>>()?,
        jobs: arguments.jobs,
    };
    if plan.witnesses.is_empty() {
        return Err("no witness given".to_owned());
    }
    let folder = |name: &str| Some(name.rsplit_once('/')?.0.to_owned());
    let mut report = Report::new(Extent {
        objects: plan.objects.len(),
        folders: plan
            .objects
            .iter()
            .filter_map(|o| folder(&o.name))
            .collect(),
        kernels: plan.targets.len(),
        took: Duration::ZERO,
        jobs: plan.jobs,
    });
    for (number, target) in plan.targets.iter().enumerate() {
        report.add(run::run(&plan, number, target)?);
    }
    report.took(started.elapsed());
    report.print();
    if let Some(file) = arguments.document {
        report.write_document(&file)?;
    }
    if let Some(file) = arguments.readme {
        report.write_readme(&file)?;
    }
    Ok(report.agrees())
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

impl From<WitnessName> for Witness {
    fn from(name: WitnessName) -> Self {
        match name {
            WitnessName::Libbpf => Self::Libbpf,
            WitnessName::Cilium => Self::Cilium,
            WitnessName::Aya => Self::Aya,
        }
    }
}
