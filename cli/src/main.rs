//! The bpflink command: a thin front of the library for people and scripts.
//!
//! Exit status: 0 everything was linked, 1 something was not, 2 bad usage.

#![forbid(unsafe_code)]

mod args;
mod disasm;
mod features;
mod json;
mod link;
mod listing;
mod loader_text;
mod map_type;
mod output;
mod program_text;
mod target;

use std::panic;
use std::process::ExitCode;

use args::{Command, Parsed};

/// Something could not be linked or read.
const FAILED: u8 = 1;
/// The command line makes no sense.
const BAD_USAGE: u8 = 2;

fn main() -> ExitCode {
    panic::set_hook(Box::new(|panic| {
        output::complain(&format!("internal error: {panic}"));
    }));
    panic::catch_unwind(run).unwrap_or(ExitCode::from(FAILED))
}

fn run() -> ExitCode {
    match args::parse(std::env::args_os()) {
        Parsed::Command(Command::Link(arguments)) => match link::link(&arguments) {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(FAILED),
        },
        Parsed::Command(Command::Features(arguments)) => match features::list(&arguments) {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(FAILED),
        },
        Parsed::Answer(text) => match output::print(&text) {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(FAILED),
        },
        Parsed::BadUsage(message) => {
            output::complain(&message);
            ExitCode::from(BAD_USAGE)
        }
    }
}
