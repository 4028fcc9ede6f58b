//! Why a link stage fails.

use super::core::CoreError;
use crate::error::Status;

/// Why a program cannot be linked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// A CO-RE relocation cannot be applied.
    #[error(transparent)]
    Core(#[from] CoreError),
}

impl LinkError {
    pub(crate) fn status(&self) -> Status {
        match self {
            LinkError::Core(_) => Status::Relocation,
        }
    }
}
