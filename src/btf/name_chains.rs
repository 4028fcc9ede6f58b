//! Names in a hash table of chains: for a BTF that is asked for many of them.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::places::Places;
use super::{Btf, MAX_NAME, essential_name};
use crate::bytes::nuls_in;

/// The end of a chain, and an empty bucket.
const END: u32 = u32::MAX;

/// A hash table of chains over a list of types, each given by where it starts.
/// Chains are in the order of the list; equal names share one.
#[derive(Debug)]
pub(super) struct Chains {
    seed: u64,
    /// For each bucket the number of its first type in the list.
    heads: Vec<u32>,
    /// For each type the number of the next one of its chain.
    next: Vec<u32>,
}

impl Chains {
    pub(super) fn build(btf: &Btf, places: &Places) -> Chains {
        // A seed that nobody can know in advance keeps a crafted BTF from
        // putting all its names into one chain.
        let seed = RandomState::new().hash_one(0u64);
        let hasher = Hasher {
            seed,
            btf,
            types: btf.type_bytes(),
            strings: btf.string_bytes(),
        };
        let buckets = places.len().max(1).next_power_of_two();
        let mut heads = vec![END; buckets];
        let mut next = vec![END; places.len()];
        // Backwards, so that chains run forward.
        let mut number = places.len();
        places.iter().rev().for_each(|start| {
            number = number.saturating_sub(1);
            if let (Some(hash), Some(next)) = (hasher.of_type(start), next.get_mut(number))
                && let Some(head) = heads.get_mut(hash as usize & (buckets - 1))
            {
                *next = std::mem::replace(head, number as u32);
            }
        });
        Chains { seed, heads, next }
    }

    /// The first type in the list that may have that essential name.
    pub(super) fn first(&self, essential: &[u8]) -> Option<u32> {
        let bucket = hash(self.seed, essential) as usize & (self.heads.len() - 1);
        self.heads.get(bucket).copied().filter(|&head| head != END)
    }

    /// The one behind it in its chain.
    pub(super) fn after(&self, number: u32) -> Option<u32> {
        let next = self.next.get(number as usize).copied();
        next.filter(|&next| next != END)
    }
}

/// Hashes the essential names of types.
struct Hasher<'a> {
    seed: u64,
    btf: &'a Btf,
    types: &'a [u8],
    strings: &'a [u8],
}

impl Hasher<'_> {
    /// The hash for the type that starts at `start`; `None` where it has no usable name.
    #[inline(always)]
    fn of_type(&self, start: u32) -> Option<u32> {
        let name_off = self.btf.endian().u32_at(self.types, start as usize)?;
        if name_off == 0 {
            return None;
        }
        let own = name_off.checked_sub(self.btf.first_string());
        own.and_then(|at| hash_at(self.seed, self.strings, at as usize))
            .or_else(|| self.the_long_way(name_off))
    }

    #[cold]
    fn the_long_way(&self, name_off: u32) -> Option<u32> {
        let name = self.btf.short_string(name_off)?;
        Some(hash(self.seed, essential_name(name)))
    }
}

/// Each byte a 1.
const ONES: u64 = u64::from_ne_bytes([1; 8]);
/// Multiplies into 128 bits and folds the halves.
#[inline(always)]
fn mix(hash: u64, word: u64) -> u64 {
    let wide = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15;
    wide as u64 ^ (wide >> 64) as u64
}

/// The hash of a name: eight bytes at a time, the last word filled up with zeros
/// (and nothing but zeros behind a name of a multiple of eight bytes).
fn hash(seed: u64, name: &[u8]) -> u32 {
    let (words, rest) = name.as_chunks::<8>();
    let hash = words
        .iter()
        .fold(seed, |hash, &word| mix(hash, u64::from_le_bytes(word)));
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, &from)| *to = from);
    mix(hash, u64::from_le_bytes(last)) as u32
}

/// The same for the NUL-terminated name at `at`, in one go and without looking for
/// its end first. `None` where the name may have a flavour, or where it ends
/// within the last bytes of the strings: those take the long way.
#[inline]
fn hash_at(seed: u64, strings: &[u8], at: usize) -> Option<u32> {
    const UNDERSCORES: u64 = ONES * b'_' as u64;
    let mut hash = seed;
    let mut pairs = 0;
    let (words, _) = strings.get(at..)?.as_chunks::<8>();
    for word in words.iter().take(MAX_NAME / 8) {
        let mut word = u64::from_le_bytes(*word);
        let end = nuls_in(word);
        if end != 0 {
            // Keeps the bytes below the lowest zero byte.
            word &= (end & end.wrapping_neg()).wrapping_sub(1) >> 7;
        }
        // Three underscores in a row put at least two into one word.
        let underscores = nuls_in(word ^ UNDERSCORES);
        pairs |= underscores & underscores << 8;
        hash = mix(hash, word);
        if end != 0 {
            return (pairs == 0).then_some(hash as u32);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_hashes_alike_in_the_strings_and_alone() {
        let names = [
            "a",
            "ab_c",
            "1234567",
            "12345678",
            "123456789",
            "a_longer_name_of_25_bytes",
        ];
        for name in names {
            let strings = [b"\0", name.as_bytes(), b"\0next___name\0 and so on"].concat();
            let alone = hash(7, name.as_bytes());
            assert_eq!(hash_at(7, &strings, 1), Some(alone), "{name}");
        }
        for name in ["a__b", "abcdef__", "abcdefg___h", "abcdef___h"] {
            let strings = [name.as_bytes(), b"\0                "].concat();
            assert_eq!(hash_at(7, &strings, 0), None, "{name}");
        }
    }
}
