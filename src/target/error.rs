//! What can be wrong with the description of a kernel.

use crate::btf::BtfError;
use crate::error::Status;

/// Why something about the target kernel cannot be known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The target has no BTF, and something needs it.
    #[error("the target kernel has no BTF")]
    NoBtf,
    /// The kernel's BTF is malformed.
    #[error("BTF of {name}: {error}")]
    Btf {
        /// `vmlinux` or a module.
        name: String,
        /// What is wrong.
        error: BtfError,
    },
    /// The operating system refused.
    #[error("cannot read {path}: {}", std::io::Error::from_raw_os_error(*errno))]
    Io {
        /// The file.
        path: String,
        /// Its reason.
        errno: i32,
    },
    /// A kernel release that is no release, in words.
    #[error("{0}")]
    Invalid(String),
}

impl TargetError {
    pub(crate) fn status(&self) -> Status {
        match self {
            TargetError::NoBtf => Status::NotFound,
            TargetError::Btf { .. } => Status::Btf,
            TargetError::Io { .. } => Status::Io,
            TargetError::Invalid(_) => Status::InvalidArgument,
        }
    }

    pub(crate) fn errno(&self) -> Option<i32> {
        match self {
            TargetError::Io { errno, .. } => Some(*errno),
            _ => None,
        }
    }
}
