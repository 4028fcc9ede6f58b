//! Comparing names in place, without looking for their ends first.

use crate::btf::Btf;
use crate::bytes::same_cstr;

/// The strings of a BTF, at hand.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    btf: &'a Btf,
    own: &'a [u8],
    first: u32,
}

impl<'a> Names<'a> {
    #[inline]
    pub(super) fn of(btf: &'a Btf) -> Names<'a> {
        Names {
            btf,
            own: btf.string_bytes(),
            first: btf.first_string(),
        }
    }

    /// Whether the string at `offset` is the one of `others` at `theirs`.
    #[inline]
    pub(super) fn same(&self, offset: u32, others: Names<'_>, theirs: u32) -> bool {
        match (self.tail(offset), others.tail(theirs)) {
            (Some(ours), Some(theirs)) => same_cstr(ours, theirs),
            // Split BTF names most things by the strings of its base.
            _ => match (self.btf.string(offset), others.btf.string(theirs)) {
                (Ok(ours), Ok(theirs)) => ours == theirs,
                _ => false,
            },
        }
    }

    /// The first byte of an own string, 0 where that is empty.
    #[inline(always)]
    pub(super) fn first_byte(&self, offset: u32) -> Option<u8> {
        self.own
            .get(offset.checked_sub(self.first)? as usize)
            .copied()
    }

    /// An own string and what is behind it.
    #[inline]
    fn tail(&self, offset: u32) -> Option<&'a [u8]> {
        self.own.get(offset.checked_sub(self.first)? as usize..)
    }

    /// Whether the string at `offset` is `name`. Most are not by their first byte.
    #[inline(always)]
    pub(super) fn is(&self, offset: u32, name: &[u8]) -> bool {
        self.may_start_with(offset, name) && self.rest_after(offset, name) == Some(0)
    }

    /// Whether the string at `offset` starts with `name`.
    #[inline(always)]
    pub(super) fn starts_with(&self, offset: u32, name: &[u8]) -> bool {
        self.may_start_with(offset, name) && self.rest_after(offset, name).is_some()
    }

    #[inline(always)]
    fn may_start_with(&self, offset: u32, name: &[u8]) -> bool {
        let own = offset.wrapping_sub(self.first) as usize;
        let first = name.first().unwrap_or(&0);
        offset < self.first || self.own.get(own) == Some(first)
    }

    /// The byte behind `name` in the string at `offset`, which starts with it.
    fn rest_after(&self, offset: u32, name: &[u8]) -> Option<u8> {
        let Some(own) = offset.checked_sub(self.first) else {
            // Split BTF names most things by the strings of its base.
            return Names::of(self.btf.base()?).rest_after(offset, name);
        };
        let (head, rest) = self.own.get(own as usize..)?.split_at_checked(name.len())?;
        (head == name).then(|| rest.first().copied())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btf::testing::builder::{BtfBuilder, Order};
    use crate::btf::testing::{parse, parse_split};

    #[test]
    fn names_are_compared_whole_in_both_parts_of_split_btf() {
        let mut base = BtfBuilder::new(Order::Little);
        let near = base.string("near");
        let mut split = BtfBuilder::split_over(&base);
        let far = split.string("farther");
        let base = parse(&base);
        let split = parse_split(&split, &base);
        let names = Names::of(&split);
        for (offset, name) in [(near, &b"near"[..]), (far, b"farther"), (0, b"")] {
            assert!(names.is(offset, name) && names.starts_with(offset, name));
        }
        for (offset, name) in [
            (near, &b"nea"[..]),
            (near, b"nearer"),
            (far, b"far"),
            (far, b""),
        ] {
            assert!(!names.is(offset, name));
        }
        assert!(names.starts_with(far, b"far") && names.starts_with(near, b"n"));
        assert!(!names.starts_with(near, b"nearer") && !names.starts_with(far, b"fast"));
        for (ours, theirs) in [(near, near), (far, far), (0, 0), (near, far), (0, far)] {
            assert_eq!(names.same(ours, names, theirs), ours == theirs);
            assert_eq!(names.same(theirs, names, ours), ours == theirs);
        }
        assert!(names.same(near, Names::of(&base), near));
        assert_eq!(names.first_byte(far), Some(b'f'));
        assert_eq!(names.first_byte(near), None);
        for offset in [far + 8, u32::MAX] {
            assert_eq!(names.first_byte(offset), None);
            assert!(!names.same(offset, names, 0) && !names.same(0, names, offset));
            assert!(!names.is(offset, b"") && !names.starts_with(offset, b""));
        }
    }
}
