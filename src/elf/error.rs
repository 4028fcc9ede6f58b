//! What can be wrong with an object file.

use crate::error::Status;

/// Why a file is no BPF object that can be linked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ElfError {
    /// The file contradicts its format, in words.
    #[error("{0}")]
    Malformed(String),
    /// Valid, but nothing that this library links, in words.
    #[error("{0}")]
    Unsupported(String),
}

impl ElfError {
    pub(crate) fn status(&self) -> Status {
        match self {
            ElfError::Malformed(_) => Status::Elf,
            ElfError::Unsupported(_) => Status::Unsupported,
        }
    }
}
