//! How a name begins: what a search for names compares first.

use crate::bytes::nuls_in;

/// Bytes of a head.
pub(super) const HEAD: usize = 8;
/// Each byte an underscore.
const UNDERSCORES: u64 = u64::from_ne_bytes([b'_'; HEAD]);

/// Bits of [`Head::may_have_flavour`]: not 0 where one may.
pub(super) const MAYBE: u64 = 0x8000_8000_8000_0000;

/// What the kernel puts before the name of each tracepoint or event, of which it has thousands
/// (include/trace/bpf_probe.h, include/trace/trace_events.h): the head of such a name is of
/// what follows.
const TRACEPOINT: [u8; 10] = *b"btf_trace_";
const EVENT: [u8; 16] = *b"trace_event_raw_";
const OFFSETS: [u8; 25] = *b"trace_event_data_offsets_";
/// What these begin with, and hardly any other name.
pub(super) const BEGINNINGS: [[u8; HEAD]; 2] = [*b"btf_trac", *b"trace_ev"];
/// Bytes of the longest one.
pub(super) const LONGEST: usize = OFFSETS.len();

/// The first bytes of a name, the first one lowest, and zeros behind its end.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Head(u64);

impl Head {
    pub(super) fn of(name: &[u8]) -> Head {
        Head(u64::from_le_bytes(filled(name, 0)))
    }

    /// Of the string that starts with these bytes.
    #[inline(always)]
    pub(super) fn of_string(bytes: [u8; HEAD]) -> Head {
        let word = u64::from_le_bytes(bytes);
        let nuls = nuls_in(word);
        // All bits up to the top one of the first NUL, or all.
        Head(word & (nuls ^ nuls.wrapping_sub(1)))
    }

    /// Of three underscores in a row two are an even place. Whether there are two, in the bits of
    /// [`MAYBE`]: in a few instructions, of which many heads can be looked at together. At the very
    /// start they are no flavour's.
    #[inline(always)]
    pub(super) fn may_have_flavour(self) -> u64 {
        let pairs = self.0 ^ UNDERSCORES;
        pairs.wrapping_sub(u64::MAX / 0xffff) & !pairs
    }

    /// Whether a flavour may start within it.
    #[inline(always)]
    pub(super) fn may_end_early(self) -> bool {
        let underscores = nuls_in(self.0 ^ UNDERSCORES);
        underscores & underscores << 8 & underscores << 16 != 0
    }

    #[inline(always)]
    pub(super) fn hash(self) -> u16 {
        (self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as u16
    }
}

/// What of a name its hash is of. The same for an essential name and all its flavours: three
/// underscores that touch the prefix are not behind it.
#[inline(always)]
pub(super) fn told_apart(name: &[u8]) -> &[u8] {
    // One by one: each comparison is of a known length, and so a few instructions.
    let rest = name.strip_prefix(&TRACEPOINT);
    let rest = rest.or_else(|| name.strip_prefix(&EVENT));
    let rest = rest.or_else(|| name.strip_prefix(&OFFSETS));
    rest.filter(|rest| rest.first() != Some(&b'_'))
        .unwrap_or(name)
}

/// Bytes of a name that its rank is of.
pub(super) const RANKED: usize = 16;

/// A number of the first bytes that sorts as names do.
pub(super) fn rank(name: &[u8], filled_with: u8) -> u128 {
    u128::from_be_bytes(filled::<RANKED>(name, filled_with))
}

/// So many bytes of a name, and behind a shorter one that byte again and again.
pub(super) fn filled<const LEN: usize>(name: &[u8], with: u8) -> [u8; LEN] {
    let mut bytes = [with; LEN];
    let both = bytes.iter_mut().zip(name);
    both.for_each(|(to, &from)| *to = from);
    bytes
}

/// The same, of the string that starts with these bytes.
#[inline(always)]
pub(super) fn rank_of_string(bytes: &[u8; RANKED]) -> u128 {
    let [a, b, c, d, e, f, g, h, second @ ..] = *bytes;
    let first = Head::of_string([a, b, c, d, e, f, g, h]).0.swap_bytes();
    // Whose last byte is one of the name goes on. No branch: lengths are hard to guess.
    let goes_on = u64::from(first as u8 != 0).wrapping_neg();
    let second = Head::of_string(second).0.swap_bytes() & goes_on;
    u128::from(first) << 64 | u128::from(second)
}

/// The names of one essential name, as far as their beginnings tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub hash: u16,
    /// The hash of the same name with a flavour of which not all three underscores are in the
    /// head; else the same.
    pub flavoured: u16,
    /// The first and the last, in order, of all that begin with the essential name.
    pub first: u128,
    pub last: u128,
}

impl Wanted {
    pub(super) fn of(essential: &[u8]) -> Wanted {
        let hashed = told_apart(essential);
        let fill = match hashed.len() {
            6 | 7 => b'_',
            _ => 0,
        };
        Wanted {
            hash: Head::of(hashed).hash(),
            flavoured: Head(u64::from_le_bytes(filled(hashed, fill))).hash(),
            first: rank(essential, 0),
            last: rank(essential, 0xff),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const PREFIXES: [&[u8]; 3] = [&TRACEPOINT, &EVENT, &OFFSETS];

    #[test]
    fn the_longest_prefix_is_told() {
        assert_eq!(
            PREFIXES.iter().map(|prefix| prefix.len()).max(),
            Some(LONGEST)
        );
        for prefix in PREFIXES {
            assert!(BEGINNINGS.iter().any(|b| prefix.starts_with(b)));
        }
    }

    #[test]
    fn a_name_ranks_alike_in_the_strings_and_alone() {
        let name = b"abcdefghijklmnopqrst";
        for len in 0..name.len() {
            let name = name.get(..len).unwrap();
            let string = [name, b"\0next\0\x01\0 and so on"].concat();
            let ranked = rank_of_string(string.first_chunk().unwrap());
            assert_eq!(ranked, rank(name, 0), "{len}");
        }
    }

    #[test]
    fn nothing_behind_a_nul_belongs_to_a_name() {
        for (bytes, name) in [
            (*b"abcdefgh", &b"abcdefgh"[..]),
            (*b"ab\0defgh", b"ab"),
            (*b"\0bcdefgh", b""),
            (*b"a\0\x01\x01\x01\0\0\0", b"a"),
            (*b"abcdefg\0", b"abcdefg"),
            (*b"\x01\0\x01bcdef", b"\x01"),
            (
                *b"\x80\xff\x80\xff\x80\xff\x80\xff",
                b"\x80\xff\x80\xff\x80\xff\x80\xff",
            ),
        ] {
            assert_eq!(Head::of_string(bytes), Head::of(name), "{bytes:?}");
        }
    }
}
