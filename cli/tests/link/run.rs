//! Runs the binary on the objects of these tests.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::support::btf::{BtfBuilder, Order, field};
use super::support::clang;

/// Its exit status, and what it printed.
pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bpflink"));
    // What a user may have set to see more of a panic; there must be none.
    command.env("RUST_BACKTRACE", "full");
    command
}

pub fn bpflink<A: AsRef<OsStr>>(arguments: &[A]) -> Run {
    Run::of(command().args(arguments).output().expect("it starts"))
}

impl Run {
    /// What came out; every line of standard error must be one of its own.
    pub fn of(output: Output) -> Run {
        let run = Run {
            status: output.status.code().expect("no signal ended it"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        };
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        assert!(!run.stderr.contains("internal error"), "{}", run.stderr);
        run
    }

    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.stdout.lines()
    }
}

/// A file of the build directory with this content.
pub fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // Another test may read the file of this name; its content is always the same.
    let partial = path.with_extension(format!("{:?}", std::thread::current().id()));
    std::fs::write(&partial, content).expect("the build directory can be written");
    std::fs::rename(&partial, &path).expect("the file was just written");
    path
}

/// `shown.bpf.c` and a kernel for it: `struct thing` has its fields elsewhere, a
/// module has `struct modular`, nobody has `struct unheard_of`.
pub struct Shown {
    pub object: String,
    pub vmlinux: String,
    pub module: String,
}

impl Shown {
    /// `None`, and a line that says so, where there is no clang.
    pub fn new(order: Order) -> Option<Shown> {
        let object = clang::compile("shown", order, &["-mcpu=v3"])?;
        let mut vmlinux = BtfBuilder::new(order);
        let int = vmlinux.int("unsigned int", 4, 0);
        vmlinux.structure("thing", 20, &[field("b", int, 12), field("a", int, 16)]);
        let mut module = BtfBuilder::split_over(&vmlinux);
        module.structure("modular", 32, &[field("x", int, 28)]);
        let write = |name: &str, content: &[u8]| {
            let path = file(&format!("{name}-{order:?}"), content);
            path.into_os_string().into_string().expect("text")
        };
        Some(Shown {
            object: write("shown.bpf.o", &object),
            vmlinux: write("vmlinux", &vmlinux.build()),
            module: write("renamed", &module.build()),
        })
    }

    /// `bpflink link` of the object for the kernel, and more arguments.
    pub fn link(&self, more: &[&str]) -> Run {
        let module = format!("modular={}", self.module);
        let mut arguments = vec!["link", &self.object];
        arguments.extend(["--btf", &self.vmlinux, "--btf", &module]);
        arguments.extend(more);
        bpflink(&arguments)
    }
}
