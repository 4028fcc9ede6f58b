//! `bpflink link`.

use std::sync::Arc;

use bpflink::{Linker, Object, Programs, Result};

use crate::args::LinkArguments;
use crate::output::{complain, print};
use crate::{json, listing, target};

/// Links what the arguments say and prints it; answers whether everything was linked.
pub fn link(arguments: &LinkArguments) -> bool {
    let programs = match run(arguments) {
        Ok(programs) => programs,
        Err(error) => {
            complain(&error.to_string());
            return false;
        }
    };
    for warning in programs.warnings() {
        complain(warning);
    }
    let text = match arguments.json {
        true => json::text(&programs, arguments.lines),
        false => listing::text(&programs, arguments.lines),
    };
    let printed = print(&text);
    let mut failed = false;
    for error in programs.programs().iter().filter_map(|p| p.error()) {
        complain(&error.to_string());
        failed = true;
    }
    printed && !failed
}

fn run(arguments: &LinkArguments) -> Result<Programs> {
    let object = Arc::new(Object::open(&arguments.object)?);
    for warning in object.warnings() {
        complain(&format!("{}: {warning}", object.name()));
    }
    let mut linker = Linker::new(&target::target(arguments)?);
    if !arguments.programs.is_empty() {
        linker = linker.programs(arguments.programs.iter().cloned());
    }
    linker.link(&object)
}
