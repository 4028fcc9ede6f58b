//! How a test says that it could not run here.
//!
//! `cargo test` knows no skipped tests: a test that lacks a tool, a kernel
//! feature or a privilege calls [`skip`] and returns. That prints one line,
//! `SKIPPED test-name: needs X`, to stderr and appends it to the file that the
//! environment variable `BPFLINK_SKIP_LOG` names, where it is set. `.ci/run`
//! sets it and fails when the file is not empty afterwards: what is skipped on
//! a developer's machine is an error where everything must have run.

#![allow(dead_code)] // Every test binary uses another part of it.

use std::fs::OpenOptions;
use std::io::Write;

/// Says that the running test needs `what`, which is not here.
pub fn skip(what: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("SKIPPED {test}: needs {what}\n");
    // Not eprint!, which the test harness captures for tests that pass.
    let _ = std::io::stderr().write_all(line.as_bytes());
    let Some(path) = std::env::var_os("BPFLINK_SKIP_LOG") else {
        return;
    };
    let log = OpenOptions::new().create(true).append(true).open(&path);
    // One write, so that lines of parallel tests do not mix.
    log.and_then(|mut file| file.write_all(line.as_bytes()))
        .unwrap_or_else(|error| panic!("cannot write BPFLINK_SKIP_LOG {path:?}: {error}"));
}
