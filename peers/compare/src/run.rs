//! Many objects against many kernels: runs the linkers, compares, sums up.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::compare::{self, Scope, Verdict};
use crate::known::Witness;
use crate::output::Output;

/// A linker that hangs is a difference, not a reason to wait.
const PATIENCE: Duration = Duration::from_secs(120);

/// What to run over what.
pub struct Plan {
    /// The linker whose output is the reference, and its name.
    pub ours: PathBuf,
    /// Arguments before the object (`link --json` for bpflink).
    pub ours_args: Vec<String>,
    /// The witnesses.
    pub witnesses: Vec<(Witness, PathBuf)>,
    /// Objects.
    pub objects: Vec<PathBuf>,
    /// One set of linker arguments for each kernel.
    pub targets: Vec<Target>,
    /// CO-RE decisions too.
    pub relocations: bool,
    /// Text of differences that are announced work, counted and not failed.
    pub pending: Vec<String>,
    /// How many at once.
    pub jobs: usize,
}

/// A kernel to link for.
pub struct Target {
    /// For the table.
    pub name: String,
    /// `--btf FILE` …
    pub args: Vec<String>,
    /// Only objects of the same byte order are linked for it.
    pub big_endian: bool,
}

impl Target {
    /// `vmlinux[@RELEASE][,NAME=module…]`, or the running kernel for `running`.
    pub fn parse(spec: &str) -> Self {
        if spec == "running" {
            return Self {
                name: spec.to_owned(),
                args: Vec::new(),
                big_endian: cfg!(target_endian = "big"),
            };
        }
        let mut files = spec.split(',');
        let first = files.next().unwrap_or(spec);
        let (vmlinux, release) = match first.rsplit_once('@') {
            Some((vmlinux, release)) => (vmlinux, Some(release)),
            None => (first, None),
        };
        let mut args = vec!["--btf".to_owned(), vmlinux.to_owned()];
        args.extend(files.flat_map(|file| ["--btf".to_owned(), file.to_owned()]));
        args.extend(
            release
                .into_iter()
                .flat_map(|r| ["--release".to_owned(), r.to_owned()]),
        );
        Self {
            name: kernel_name(Path::new(vmlinux)),
            args,
            big_endian: is_big_endian(Path::new(vmlinux)),
        }
    }
}

/// The file's name; its folder's where that tells more (`6.12.107/btf`).
fn kernel_name(vmlinux: &Path) -> String {
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
    let file = name(vmlinux).unwrap_or_default();
    match vmlinux.parent().and_then(name) {
        Some(folder) if file == "btf" => folder,
        _ => file,
    }
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

/// All `.o` files below `path`, or the file itself.
pub fn objects(path: &Path) -> Result<Vec<PathBuf>, String> {
    let fail = |e: std::io::Error| format!("{}: {e}", path.display());
    if !path.is_dir() {
        fs::metadata(path).map_err(fail)?;
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let is_dir = entry.file_type().map_err(fail)?.is_dir();
        let path = entry.path();
        if is_dir {
            found.extend(objects(&path)?);
        } else if path.extension().is_some_and(|e| e == "o") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Runs the plan; one row for each kernel and witness.
pub fn run(plan: &Plan) -> Vec<Row> {
    let mut rows = Vec::new();
    for target in &plan.targets {
        let new = |&(witness, _): &(Witness, PathBuf)| Row {
            target: target.name.clone(),
            witness,
            objects: 0,
            verdict: Verdict::default(),
        };
        let table: Mutex<Vec<Row>> = Mutex::new(plan.witnesses.iter().map(new).collect());
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..plan.jobs.max(1) {
                scope.spawn(|| work(plan, target, &next, &table));
            }
        });
        rows.extend(
            table
                .into_inner()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
    }
    rows
}

fn work(plan: &Plan, target: &Target, next: &AtomicUsize, table: &Mutex<Vec<Row>>) {
    while let Some(object) = plan.objects.get(next.fetch_add(1, Ordering::Relaxed)) {
        if is_big_endian(object) != target.big_endian {
            continue;
        }
        let verdicts = one(plan, target, object);
        let mut table = table
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for (row, verdict) in table.iter_mut().zip(verdicts) {
            row.objects += 1;
            row.verdict.add(verdict);
        }
    }
}

fn one(plan: &Plan, target: &Target, object: &Path) -> Vec<Verdict> {
    let ours = link(&plan.ours, &plan.ours_args, target, object);
    let compare = |(witness, path): &(Witness, PathBuf)| {
        let theirs = link(path, &[], target, object);
        let scope = Scope {
            witness: *witness,
            relocations: plan.relocations,
        };
        let mut verdict = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => compare::outputs(ours, theirs, scope),
            (Err(e), _) | (_, Err(e)) => Verdict {
                differences: vec![format!("a linker broke: {e}")],
                ..Verdict::default()
            },
        };
        for text in &plan.pending {
            verdict.set_aside(text);
        }
        let name = object.display();
        for lines in [
            &mut verdict.differences,
            &mut verdict.refusals,
            &mut verdict.maps,
        ] {
            for line in lines.iter_mut() {
                *line = format!("{name}: {line}");
            }
        }
        verdict
    };
    plan.witnesses.iter().map(compare).collect()
}

/// The byte order of an ELF file by its header, of raw BTF by its magic.
pub fn is_big_endian(file: &Path) -> bool {
    const EI_DATA: usize = 5;
    const ELFDATA2MSB: u8 = 2;
    fs::read(file).is_ok_and(|bytes| match bytes.get(..2) {
        Some([0xeb, 0x9f]) => true,
        Some([0x7f, b'E']) => bytes.get(EI_DATA) == Some(&ELFDATA2MSB),
        _ => false,
    })
}

/// What a linker prints of an object, whether it links all of it or not.
pub fn lines(
    tool: &Path,
    args: &[String],
    target: &Target,
    object: &Path,
) -> Result<String, String> {
    start(tool, args, target, object).map(|ended| ended.stdout)
}

fn start(tool: &Path, args: &[String], target: &Target, object: &Path) -> Result<Ended, String> {
    let fail = |e: String| format!("{}: {e}", tool.display());
    let child = Command::new(tool)
        .args(args)
        .arg(object)
        .args(&target.args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| fail(e.to_string()))?;
    let ended = wait(child).map_err(fail)?;
    let Ended { status, stderr, .. } = &ended;
    match status {
        Some(0 | 1) => Ok(ended),
        _ => Err(fail(format!(
            "exit status {status:?}: {}",
            stderr.trim_end()
        ))),
    }
}

fn link(tool: &Path, args: &[String], target: &Target, object: &Path) -> Result<Output, String> {
    let fail = |e: String| format!("{}: {e}", tool.display());
    let Ended {
        status,
        stdout,
        stderr,
    } = start(tool, args, target, object)?;
    let mut output = Output::parse(&stdout, is_big_endian(object)).map_err(fail)?;
    // bpflink tells on stderr why it can say nothing of the object.
    if status == Some(1) && output.programs.is_empty() && output.failure.is_none() {
        output.failure = Some(
            stderr
                .lines()
                .last()
                .unwrap_or("no reason given")
                .to_owned(),
        );
    }
    Ok(output)
}

struct Ended {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Reads all that a process prints, but not for ever.
fn wait(mut child: Child) -> Result<Ended, String> {
    let stdout = read(child.stdout.take().ok_or("no output")?);
    let stderr = read(child.stderr.take().ok_or("no output")?);
    let end = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
            break status.code();
        }
        if Instant::now() > end {
            child
                .kill()
                .and_then(|()| child.wait())
                .map_err(|e| e.to_string())?;
            return Err(format!("no answer within {PATIENCE:?}"));
        }
        thread::sleep(Duration::from_millis(1));
    };
    Ok(Ended {
        status,
        stdout: text(stdout)?,
        stderr: text(stderr)?,
    })
}

/// A pipe that nobody empties would stop the process.
fn read(mut pipe: impl Read + Send + 'static) -> JoinHandle<io::Result<Vec<u8>>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).map(|_| bytes)
    })
}

fn text(reader: JoinHandle<io::Result<Vec<u8>>>) -> Result<String, String> {
    let bytes = reader
        .join()
        .map_err(|_| "reader failed")?
        .map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|e| e.to_string())
}
