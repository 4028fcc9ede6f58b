//! A name out of a file: bytes without a NUL, kept NUL-terminated so that C can
//! borrow it, shared so that a copy costs nothing.

use std::ffi::CStr;
use std::fmt;
use std::sync::Arc;

/// The name of a section, symbol, map or program.
///
/// Names in object files are bytes; where one is shown, bytes that are no
/// UTF-8 are replaced.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(
    /// `None` for the empty one: most defaults are thrown away.
    Option<Arc<CStr>>,
);

/// Names up to this length are put together without a buffer of their own.
const SHORT: usize = 64;

impl Name {
    /// A name from bytes; what follows a NUL is not part of it.
    pub fn new(bytes: &[u8]) -> Name {
        let mut short = [0; SHORT];
        match short.get_mut(..bytes.len()) {
            Some(start) if bytes.len() < SHORT => {
                start.copy_from_slice(bytes);
                Name::terminated(&short)
            }
            _ => Name::terminated(&[bytes, &[0]].concat()),
        }
    }

    /// A name from bytes that have a NUL.
    fn terminated(bytes: &[u8]) -> Name {
        let name = CStr::from_bytes_until_nul(bytes).unwrap_or_default();
        Name((!name.is_empty()).then(|| name.into()))
    }

    /// The bytes, without the NUL.
    pub fn as_bytes(&self) -> &[u8] {
        self.as_c_str().to_bytes()
    }

    /// The name as a C string.
    pub fn as_c_str(&self) -> &CStr {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there is no name at all.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

impl From<&str> for Name {
    #[inline(never)]
    fn from(name: &str) -> Name {
        Name::new(name.as_bytes())
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(self.as_bytes()))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_whole() {
        for len in 0..200 {
            let name = "n".repeat(len);
            assert_eq!(Name::from(name.as_str()).as_bytes(), name.as_bytes());
            let with_more = [name.as_bytes(), b"\0more"].concat();
            assert_eq!(Name::new(&with_more), name.as_str());
        }
    }

    #[test]
    fn keeps_bytes_and_ends_at_nul() {
        assert_eq!(Name::new(b"a\0b"), "a");
        assert_eq!(Name::new(b"\xff.bss").to_string(), "\u{fffd}.bss");
        assert!(Name::new(b"").is_empty());
        assert_eq!(Name::from("x").as_c_str(), c"x");
        assert_eq!(Name::default().as_c_str(), c"");
        assert_eq!(Name::new(b"\0a"), Name::default());
    }
}
