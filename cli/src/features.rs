//! `bpflink features`: what a kernel supports.

use std::fmt::Write;

use bpflink::target::{Feature, TargetBuilder};
use bpflink::{Error, Result, Target};

use crate::args::FeaturesArguments;
use crate::output::{complain, print};

/// Lists every feature, whether the kernel has it, and the release that brought it;
/// whether that worked.
pub fn list(arguments: &FeaturesArguments) -> bool {
    match target(arguments) {
        Ok(target) => print(&listing(&target)),
        Err(error) => {
            complain(&error.to_string());
            false
        }
    }
}

fn target(arguments: &FeaturesArguments) -> Result<Target> {
    let Some(release) = &arguments.release else {
        return Ok(Target::running());
    };
    let builder = TargetBuilder::new().release(release);
    builder.and_then(TargetBuilder::build).map_err(Error::from)
}

fn listing(target: &Target) -> String {
    let mut text = String::new();
    for feature in Feature::all() {
        let has = if target.supports(feature) {
            "yes"
        } else {
            "no"
        };
        let since = feature.since();
        let _ = writeln!(
            text,
            "{:<18} {has:<4} since {}.{}",
            feature.name(),
            since.major,
            since.minor
        );
    }
    text
}
