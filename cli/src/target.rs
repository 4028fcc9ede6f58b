//! The kernel to link for, as the command line describes it.

use std::sync::Arc;

use bpflink::btf::Btf;
use bpflink::target::TargetBuilder;
use bpflink::{Result, Target};

use crate::args::LinkArguments;

/// The running kernel, or the one that `--btf` and its companions describe.
pub fn target(arguments: &LinkArguments) -> Result<Target> {
    let Some((vmlinux, modules)) = arguments.btf.split_first() else {
        return Ok(Target::running());
    };
    let vmlinux = Arc::new(Btf::from_file(&vmlinux.path, None)?);
    let mut builder = TargetBuilder::new().vmlinux(vmlinux.clone());
    for module in modules {
        let btf = Btf::from_file(&module.path, Some(vmlinux.clone()))?;
        builder = builder.module(module.name.clone(), Arc::new(btf));
    }
    if let Some(release) = &arguments.release {
        builder = builder.release(release)?;
    }
    builder.build()
}
