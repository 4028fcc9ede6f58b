//! What can be wrong with the description of a kernel.

use std::path::Path;

use crate::btf::BtfError;
use crate::elf::ElfError;
use crate::error::Status;

/// Why something about the target kernel cannot be known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The target has no BTF, and something needs it.
    #[error("the target kernel has no BTF")]
    NoBtf,
    /// The target's configuration is not known, and something needs it.
    #[error("the configuration of the target kernel is not known")]
    NoConfig,
    /// The running kernel's configuration is nowhere.
    #[error(
        "the configuration of the running kernel is not known: there is neither {boot} nor {proc}"
    )]
    NoKernelConfig {
        /// The file of the release.
        boot: String,
        /// The kernel's own.
        proc: String,
    },
    /// A configuration that is damaged, or none.
    #[error("the kernel's configuration in {path}: {what}")]
    KernelConfig {
        /// The file.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// The target's symbols are not known, and something needs one.
    #[error("the symbols of the target kernel are not known")]
    NoSymbols,
    /// The kernel's BTF is malformed.
    #[error("BTF of {name}: {error}")]
    Btf {
        /// `vmlinux` or a module.
        name: String,
        /// What is wrong.
        error: BtfError,
    },
    /// The kernel shows no BTF, and no image of it with BTF was found.
    #[error(
        "the running kernel ({release}) has no BTF: nothing at {sysfs}, and no kernel image \
         with a .BTF section where one is usually installed"
    )]
    NoKernelBtf {
        /// The release that was looked for.
        release: String,
        /// Where the kernel would show it.
        sysfs: String,
    },
    /// A file that is no ELF file with BTF.
    #[error("{path}: {error}")]
    Elf {
        /// The file.
        path: String,
        /// What is wrong.
        error: ElfError,
    },
    /// The operating system refused.
    #[error("cannot read {path}: {}", std::io::Error::from_raw_os_error(*errno))]
    Io {
        /// The file.
        path: String,
        /// Its reason.
        errno: i32,
    },
    /// A description that contradicts itself, in words.
    #[error("{0}")]
    Invalid(String),
}

impl TargetError {
    pub(crate) fn status(&self) -> Status {
        match self {
            TargetError::NoBtf
            | TargetError::NoConfig
            | TargetError::NoKernelConfig { .. }
            | TargetError::NoSymbols
            | TargetError::NoKernelBtf { .. } => Status::NotFound,
            TargetError::Elf { error, .. } => error.status(),
            TargetError::Btf { .. } => Status::Btf,
            TargetError::Io { .. } | TargetError::KernelConfig { .. } => Status::Io,
            TargetError::Invalid(_) => Status::InvalidArgument,
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn io(path: &Path, error: &std::io::Error) -> TargetError {
        TargetError::Io {
            path: path.display().to_string(),
            errno: error.raw_os_error().unwrap_or(libc::EIO),
        }
    }

    pub(crate) fn errno(&self) -> Option<i32> {
        match self {
            TargetError::Io { errno, .. } => Some(*errno),
            _ => None,
        }
    }
}
