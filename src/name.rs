//! A name out of a file: bytes without a NUL, kept NUL-terminated so that C can
//! borrow it, shared so that a copy costs nothing.

use std::ffi::CStr;
use std::fmt;
use std::sync::Arc;

/// The name of a section, symbol, map or program.
///
/// Names in object files are bytes; where one is shown, bytes that are no
/// UTF-8 are replaced.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<CStr>);

impl Name {
    /// A name from bytes; what follows a NUL is not part of it.
    pub fn new(bytes: &[u8]) -> Name {
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        let mut owned = Vec::with_capacity(end + 1);
        owned.extend_from_slice(bytes.get(..end).unwrap_or_default());
        owned.push(0);
        let c_str = CStr::from_bytes_until_nul(&owned).unwrap_or_default();
        Name(c_str.into())
    }

    /// The bytes, without the NUL.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.to_bytes()
    }

    /// The name as a C string.
    pub fn as_c_str(&self) -> &CStr {
        &self.0
    }

    /// Whether there is no name at all.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

impl Default for Name {
    fn default() -> Name {
        Name(Arc::from(c""))
    }
}

impl From<&str> for Name {
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
    fn keeps_bytes_and_ends_at_nul() {
        assert_eq!(Name::new(b"a\0b"), "a");
        assert_eq!(Name::new(b"\xff.bss").to_string(), "\u{fffd}.bss");
        assert!(Name::new(b"").is_empty());
        assert_eq!(Name::from("x").as_c_str(), c"x");
    }
}
