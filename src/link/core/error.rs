//! Why a CO-RE relocation cannot be applied.

/// Why a CO-RE relocation fails its program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// A kind that linux/bpf.h does not name.
    #[error("unknown CO-RE relocation kind {0}")]
    UnknownKind(u32),
}
