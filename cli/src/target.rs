//! The kernel to link for, as the command line describes it.

use std::path::Path;
use std::sync::Arc;

use bpflink::btf::Btf;
use bpflink::error::Cause;
use bpflink::target::{TargetBuilder, btf_from_file};
use bpflink::{Error, Result, Target};

use crate::args::{BtfFile, LinkArguments};
use crate::output::complain;

/// The running kernel, or the one that `--btf` and its companions describe.
pub fn target(arguments: &LinkArguments) -> Result<Target> {
    let features = |builder| {
        let with = arguments.with.iter().copied();
        let builder = with.fold(builder, TargetBuilder::with_feature);
        let without = arguments.without.iter().copied();
        without.fold(builder, TargetBuilder::without_feature)
    };
    let Some((vmlinux, modules)) = arguments.btf.split_first() else {
        return Ok(features(TargetBuilder::new().over_running()).build()?);
    };
    let vmlinux = btf_from_file(&vmlinux.path, None)?;
    let mut builder = features(TargetBuilder::new().vmlinux(vmlinux.clone()));
    for module in modules {
        match read_module(module, &vmlinux)? {
            Ok(btf) => builder = builder.module(module.name.clone(), btf),
            Err(damage) => complain(&format!("module {} is left out: {damage}", module.name)),
        }
    }
    if let Some(release) = &arguments.release {
        builder = builder.release(release)?;
    }
    if let Some(path) = &arguments.kconfig {
        builder = builder.kconfig(String::from_utf8_lossy(&read(path)?));
    }
    if let Some(path) = &arguments.kallsyms {
        builder = builder.kallsyms(read(path)?);
    }
    Ok(builder.build()?)
}

/// The BTF of a module; the inner error is a damage, which costs the target no more
/// than this module.
fn read_module(module: &BtfFile, vmlinux: &Arc<Btf>) -> Result<Result<Arc<Btf>>> {
    match btf_from_file(&module.path, Some(vmlinux.clone())).map_err(Error::from) {
        Err(error) if error.errno().is_some() => Err(error),
        parsed => Ok(parsed),
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| {
        Cause::Io {
            action: "read",
            path: path.display().to_string(),
            source,
        }
        .into()
    })
}
