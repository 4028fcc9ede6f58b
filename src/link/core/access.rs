//! The access string: `0:1:2`, what the compiler recorded of `&x[0].b.c`.

use super::CoreFault;
use super::spec::MAX_LEVELS;

/// A list of indices, inline.
#[derive(Clone, Debug)]
pub(super) struct Access {
    len: usize,
    indices: [u32; MAX_LEVELS],
}

impl Access {
    pub(super) fn new() -> Access {
        Access {
            len: 0,
            indices: [0; MAX_LEVELS],
        }
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) fn push(&mut self, index: u32) -> Result<(), CoreFault> {
        let Some(slot) = self.indices.get_mut(self.len) else {
            return Err(CoreFault::TooManyLevels);
        };
        *slot = index;
        self.len += 1;
        Ok(())
    }

    pub(super) fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
    }

    pub(super) fn indices(&self) -> &[u32] {
        self.indices.get(..self.len).unwrap_or_default()
    }
}

/// The decimal indices between the colons of `text`; at least one.
pub(super) fn indices(text: &[u8]) -> Indices<'_> {
    let rest = Some(text);
    Indices { text, rest }
}

/// The indices of an access string, one after the other.
pub(super) struct Indices<'a> {
    text: &'a [u8],
    /// What is still to be read; `None` behind the last index.
    rest: Option<&'a [u8]>,
}

impl Iterator for Indices<'_> {
    type Item = Result<u32, CoreFault>;

    #[inline]
    fn next(&mut self) -> Option<Result<u32, CoreFault>> {
        let rest = self.rest?;
        let mut value = 0u32;
        // No number of nine digits overflows; what is longer, or no number, is looked at in full.
        for (len, byte) in rest.iter().enumerate().take(10) {
            match byte.wrapping_sub(b'0') {
                digit @ 0..=9 => value = value.wrapping_mul(10).wrapping_add(u32::from(digit)),
                _ if len > 0 && *byte == b':' => {
                    self.rest = rest.get(len + 1..);
                    return Some(Ok(value));
                }
                _ => return Some(self.unusual(rest)),
            }
        }
        match rest.len() {
            1..=9 => self.rest = None,
            _ => return Some(self.unusual(rest)),
        }
        Some(Ok(value))
    }
}

impl<'a> Indices<'a> {
    #[cold]
    fn unusual(&mut self, rest: &'a [u8]) -> Result<u32, CoreFault> {
        let end = rest.iter().position(|&byte| byte == b':');
        let (part, behind) = match end.and_then(|end| rest.split_at_checked(end)) {
            Some((part, behind)) => (part, behind.get(1..)),
            None => (rest, None),
        };
        let index = parse_index(part, self.text);
        self.rest = behind;
        index
    }
}

fn parse_index(part: &[u8], text: &[u8]) -> Result<u32, CoreFault> {
    let shown = || String::from_utf8_lossy(text).into_owned();
    let digits = part.strip_prefix(b"-").unwrap_or(part);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(CoreFault::Access(shown()));
    }
    if digits.len() != part.len() {
        return Err(CoreFault::AccessNegative(shown()));
    }
    // The compiler counts in `int`, and so do the kernel and libbpf.
    let add = |index: u32, digit: &u8| {
        index
            .checked_mul(10)?
            .checked_add(u32::from(digit.wrapping_sub(b'0')))
            .filter(|&index| index <= i32::MAX as u32)
    };
    digits
        .iter()
        .try_fold(0, add)
        .ok_or_else(|| CoreFault::AccessOverflow(shown()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<u32>, CoreFault> {
        indices(text.as_bytes()).collect()
    }

    #[test]
    fn reads_indices() {
        assert_eq!(parse("0"), Ok(vec![0]));
        assert_eq!(parse("0:12:3"), Ok(vec![0, 12, 3]));
        assert_eq!(parse("2147483647"), Ok(vec![i32::MAX as u32]));
    }

    #[test]
    fn refuses_what_is_no_list_of_indices() {
        for text in [
            "", ":", "0:", ":0", "0::1", "0 1", "+1", "a", "0:b", "0x1", "-", "--1",
        ] {
            assert_eq!(parse(text), Err(CoreFault::Access(text.into())), "{text:?}");
        }
        assert_eq!(parse("0:-1"), Err(CoreFault::AccessNegative("0:-1".into())));
        for text in ["2147483648", "4294967296", "0:99999999999999999999"] {
            assert_eq!(parse(text), Err(CoreFault::AccessOverflow(text.into())));
        }
    }

    #[test]
    fn holds_sixty_four_levels() {
        let mut access = Access::new();
        for level in 0..MAX_LEVELS as u32 {
            assert_eq!(access.push(level), Ok(()));
        }
        assert_eq!(access.push(0), Err(CoreFault::TooManyLevels));
        access.pop();
        assert_eq!(access.indices().len(), MAX_LEVELS - 1);
        assert_eq!(access.push(7), Ok(()));
        assert_eq!(access.indices().last(), Some(&7));
    }
}
