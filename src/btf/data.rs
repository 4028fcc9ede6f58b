//! The bytes behind a BTF: owned, or mapped from the running kernel.

use std::fmt;
use std::sync::Arc;

use memmap2::Mmap;

/// Immutable bytes that a [`Btf`](super::Btf) keeps alive and reads in place.
#[derive(Clone)]
pub struct Data(Buffer);

/// The usual two by themselves: every look at a type asks for the bytes.
#[derive(Clone)]
enum Buffer {
    Owned(Arc<Vec<u8>>),
    Mapped(Arc<Mmap>),
    Other(Arc<dyn AsRef<[u8]> + Send + Sync>),
}

impl Data {
    /// Takes over any immutable buffer.
    pub fn new(buffer: impl AsRef<[u8]> + Send + Sync + 'static) -> Data {
        Data(Buffer::Other(Arc::new(buffer)))
    }

    /// A file of the kernel's.
    pub(super) fn mapped(map: Mmap) -> Data {
        Data(Buffer::Mapped(Arc::new(map)))
    }

    /// The bytes.
    #[inline(always)]
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Buffer::Owned(bytes) => bytes,
            Buffer::Mapped(map) => map,
            Buffer::Other(buffer) => (**buffer).as_ref(),
        }
    }
}

impl From<Vec<u8>> for Data {
    fn from(bytes: Vec<u8>) -> Data {
        Data(Buffer::Owned(Arc::new(bytes)))
    }
}

impl From<&[u8]> for Data {
    fn from(bytes: &[u8]) -> Data {
        bytes.to_vec().into()
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({} bytes)", self.bytes().len())
    }
}
