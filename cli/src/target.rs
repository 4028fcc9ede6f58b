//! The kernel to link for, as the command line describes it.

use std::sync::Arc;

use bpflink::btf::Btf;
use bpflink::error::Cause;
use bpflink::{Result, Target};

use crate::args::{BtfFile, LinkArguments};

/// The running kernel, or the one that `--btf` and its companions describe.
pub fn target(arguments: &LinkArguments) -> Result<Target> {
    match arguments.btf.first() {
        Some(vmlinux) => Ok(Target::from_btf(Arc::new(read(vmlinux)?))),
        None => Ok(Target::running()),
    }
}

fn read(file: &BtfFile) -> Result<Btf> {
    let bytes = std::fs::read(&file.path).map_err(|source| Cause::Io {
        action: "read",
        path: file.path.display().to_string(),
        source,
    })?;
    Ok(Btf::parse(bytes, None)?)
}
