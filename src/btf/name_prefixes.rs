//! The first four bytes of every name: for a BTF that is asked for few of them.
//!
//! Cheaper to make than a hash table by a factor of ten, and quick to search: types whose
//! names begin alike are few. Where they come sorted, as kernels have theirs since Linux
//! 7.0, a binary search finds them; that they are is seen here, not believed.

use std::ops::Range;

use super::Btf;
use super::names::Starts;

/// How many prefixes are compared before looking at any of them.
const ROW: usize = 32;

/// The prefixes of a list of types, each given by where it starts.
#[derive(Debug)]
pub(super) struct Prefixes {
    /// As big-endian numbers, so that they sort as names do; 0 for a type without a name.
    list: Vec<u32>,
    /// Whether they ascend.
    sorted: bool,
}

/// Names that begin in one way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// The prefix, zeros behind a short one.
    prefix: u32,
    /// The bits of it that count.
    mask: u32,
}

impl Wanted {
    /// What names begin with whose essential name is this one: a flavour may follow.
    pub(super) fn of(essential: &[u8]) -> Wanted {
        let mut wanted = Wanted { prefix: 0, mask: 0 };
        for (&byte, shift) in essential.iter().zip([24, 16, 8, 0]) {
            wanted.prefix |= u32::from(byte) << shift;
            wanted.mask |= 0xff << shift;
        }
        wanted
    }

    #[inline(always)]
    fn is(self, prefix: u32) -> bool {
        prefix & self.mask == self.prefix
    }
}

impl Prefixes {
    pub(super) fn build(btf: &Btf, starts: Starts<'_>) -> Prefixes {
        let (types, strings) = (btf.type_bytes(), btf.string_bytes());
        let (endian, first_string) = (btf.endian(), btf.first_string());
        let (mut sorted, mut before) = (true, 0);
        let mut list = Vec::with_capacity(starts.len());
        starts.for_each(|start| {
            let name_off = endian.u32_at(types, start as usize).unwrap_or_default();
            let own = name_off.wrapping_sub(first_string) as usize;
            let prefix = match strings.get(own..own.saturating_add(4)) {
                Some(&[a, b, c, d]) => cut_behind_nul(u32::from_be_bytes([a, b, c, d])),
                _ => the_long_way(btf, name_off),
            };
            sorted &= before <= prefix;
            before = prefix;
            list.push(prefix);
        });
        Prefixes { list, sorted }
    }

    /// Where in the list the wanted ones may stand.
    pub(super) fn range(&self, wanted: Wanted) -> Range<usize> {
        if !self.sorted {
            return 0..self.list.len();
        }
        let start = self.list.partition_point(|&p| p < wanted.prefix);
        let last = wanted.prefix | !wanted.mask;
        start..self.list.partition_point(|&p| p <= last)
    }

    /// The first one in `range` that is wanted.
    pub(super) fn find(&self, wanted: Wanted, range: Range<usize>) -> Option<usize> {
        let list = self.list.get(range.clone())?;
        // Where they are many, they stand side by side.
        if list.first().is_some_and(|&prefix| wanted.is(prefix)) {
            return Some(range.start);
        }
        let (rows, _) = list.as_chunks::<ROW>();
        // No branch for each: this compares several at a time.
        let none = |row: &&[u32; ROW]| !row.iter().fold(false, |any, &p| any | wanted.is(p));
        let skipped = ROW * rows.iter().take_while(none).count();
        let rest = list.get(skipped..)?;
        let found = rest.iter().position(|&prefix| wanted.is(prefix))?;
        Some(range.start + skipped + found)
    }
}

/// Zeros for all that stands behind a NUL.
#[inline(always)]
fn cut_behind_nul(prefix: u32) -> u32 {
    // The top bit of each zero byte, and maybe of one behind (below) it that is 1.
    let zeros = prefix.wrapping_sub(0x0101_0101) & !prefix & 0x8080_8080;
    match zeros {
        0 => prefix,
        _ => cut_at_first(prefix),
    }
}

/// For the few names that are shorter than a prefix.
#[inline(never)]
fn cut_at_first(prefix: u32) -> u32 {
    let bytes = prefix.to_be_bytes();
    let len = bytes.iter().position(|&byte| byte == 0).unwrap_or(4);
    Wanted::of(bytes.get(..len).unwrap_or_default()).prefix
}

/// For names in the base, and at the very end of the strings.
#[cold]
fn the_long_way(btf: &Btf, name_off: u32) -> u32 {
    let name = btf.short_string(name_off).unwrap_or_default();
    Wanted::of(name).prefix
}

#[cfg(test)]
mod tests {
    use super::super::testing::{builder::*, parse};
    use super::*;

    fn prefixes(btf: &Btf) -> Prefixes {
        Prefixes::build(btf, Starts::Named(btf.table()))
    }

    fn all(prefixes: &Prefixes, name: &str) -> Vec<usize> {
        let wanted = Wanted::of(name.as_bytes());
        let mut range = prefixes.range(wanted);
        let mut found = Vec::new();
        while let Some(number) = prefixes.find(wanted, range.clone()) {
            found.push(number);
            range.start = number + 1;
        }
        found
    }

    #[test]
    fn names_are_found_by_how_they_begin_sorted_or_not() {
        let names = [
            "",
            "a",
            "a_",
            "abcd",
            "abcdefgh",
            "abce",
            "b",
            "task",
            "task_struct",
        ];
        for order in Order::BOTH {
            for reversed in [false, true] {
                let mut b = BtfBuilder::new(order);
                let mut placed = names.to_vec();
                if reversed {
                    placed.reverse();
                }
                for name in &placed {
                    b.structure(name, 4, &[]);
                }
                let btf = parse(&b);
                let prefixes = prefixes(&btf);
                assert_eq!(prefixes.sorted, !reversed);
                for asked in [
                    "a", "a_", "abcd", "abcdefgh", "abcx", "ta", "task_s", "u", "b",
                ] {
                    let begin = |name: &&str| {
                        let n = asked.len().min(4);
                        name.as_bytes().get(..n) == asked.as_bytes().get(..n)
                    };
                    let expected: Vec<usize> =
                        (0..placed.len()).filter(|&at| begin(&placed[at])).collect();
                    assert_eq!(all(&prefixes, asked), expected, "{asked} {reversed}");
                }
            }
        }
    }

    #[test]
    fn rows_without_the_name_are_skipped() {
        let mut b = BtfBuilder::new(Order::Little);
        for number in 0..200 {
            let wanted = [0, 31, 32, 63, 64, 150, 199].contains(&number);
            b.structure(if wanted { "zebra" } else { "horse" }, 4, &[]);
        }
        let found = all(&prefixes(&parse(&b)), "zebra");
        assert_eq!(found, [0, 31, 32, 63, 64, 150, 199]);
    }

    #[test]
    fn nothing_behind_a_nul_belongs_to_a_name() {
        for (bytes, cut) in [
            (*b"abcd", *b"abcd"),
            (*b"ab\0d", *b"ab\0\0"),
            (*b"\0bcd", [0; 4]),
            (*b"a\0\x01\x01", *b"a\0\0\0"),
            (*b"abc\0", *b"abc\0"),
            (*b"\x01\0\x01b", *b"\x01\0\0\0"),
            (*b"\x80\xff\x80\xff", *b"\x80\xff\x80\xff"),
        ] {
            let prefix = cut_behind_nul(u32::from_be_bytes(bytes));
            assert_eq!(prefix.to_be_bytes(), cut, "{bytes:?}");
        }
    }
}
