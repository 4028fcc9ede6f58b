//! The bytes behind a BTF: owned, or mapped from the running kernel.

use std::fmt;
use std::sync::Arc;

/// Immutable bytes that a [`Btf`](super::Btf) keeps alive and reads in place.
#[derive(Clone)]
pub struct Data(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl Data {
    /// Takes over any immutable buffer: a `Vec<u8>`, a mapping.
    pub fn new(buffer: impl AsRef<[u8]> + Send + Sync + 'static) -> Data {
        Data(Arc::new(buffer))
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl From<Vec<u8>> for Data {
    fn from(bytes: Vec<u8>) -> Data {
        Data::new(bytes)
    }
}

impl From<&[u8]> for Data {
    fn from(bytes: &[u8]) -> Data {
        Data::new(bytes.to_vec())
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({} bytes)", self.bytes().len())
    }
}
