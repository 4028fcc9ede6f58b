//! The first eight bytes of every name: for a BTF that is asked for few of them.
//!
//! Cheaper to make than a hash table by a factor of ten, and quick to search: of each only two
//! bytes of a hash are kept. Where the names come sorted, as kernels have theirs since Linux
//! 7.0, nothing is kept and a binary search finds them; that they are is seen here, not
//! believed.

use std::ops::Range;

use super::name_head::{
    BEGINNINGS, HEAD, Head, LONGEST, MAYBE, RANKED, Wanted, filled, rank_of_string, told_apart,
};
use super::places::Places;
use super::{Btf, essential_name};
use crate::bytes::Endian;

/// How many hashes are compared before looking at any of them.
const ROW: usize = 64;
/// How many names are read before any of them is hashed.
const BATCH: usize = 64;

/// What is known of the names of a list of types.
#[derive(Debug)]
pub(super) enum Heads {
    /// They ascend.
    Sorted,
    /// A hash of the head of each essential name.
    Hashed(Vec<u16>),
}

impl Heads {
    pub(super) fn build(btf: &Btf, places: &Places) -> Heads {
        let names = Names::of(btf);
        match names.are_sorted(places) {
            true => Heads::Sorted,
            false => Heads::Hashed(names.hashes(places)),
        }
    }

    /// Where in the list the wanted ones may stand.
    pub(super) fn range(&self, btf: &Btf, places: &Places, wanted: Wanted) -> Range<usize> {
        let Heads::Sorted = self else {
            return 0..places.len();
        };
        let names = Names::of(btf);
        let rank = |number: u32| places.get(number).map(|start| names.rank(start));
        let start = first_where(places.len(), |number| rank(number) >= Some(wanted.first));
        let end = first_where(places.len(), |number| rank(number) > Some(wanted.last));
        start..end
    }

    /// The first one in `range` that may be wanted.
    pub(super) fn find(&self, wanted: Wanted, range: Range<usize>) -> Option<usize> {
        let Heads::Hashed(hashes) = self else {
            return range.into_iter().next();
        };
        let list = hashes.get(range.clone())?;
        let Wanted {
            hash, flavoured, ..
        } = wanted;
        let found = match hash == flavoured {
            true => position(list, |one| one == hash),
            false => position(list, |one| (one == hash) | (one == flavoured)),
        };
        Some(range.start + found?)
    }
}

/// The first hash in the list that is one.
#[inline(always)]
fn position(list: &[u16], is: impl Fn(u16) -> bool) -> Option<usize> {
    let (rows, _) = list.as_chunks::<ROW>();
    // No branch for each, and none of them wider than the hashes: so many are compared at once.
    let none = |row: &&[u16; ROW]| row.iter().fold(0, |any, &hash| any | u16::from(is(hash))) == 0;
    let skipped = ROW * rows.iter().take_while(none).count();
    let rest = list.get(skipped..)?;
    Some(skipped + rest.iter().position(|&hash| is(hash))?)
}

fn begins_as_events(bytes: &[u8]) -> bool {
    BEGINNINGS.iter().any(|beginning| beginning == bytes)
}

/// Hashes the heads of names; whether one of them may have a flavour in it.
#[inline(never)]
fn hash_all(words: &[[u8; HEAD]], hashes: &mut [u16]) -> bool {
    let mut flavours = 0;
    for (hash, &bytes) in hashes.iter_mut().zip(words) {
        let head = Head::of_string(bytes);
        flavours |= head.may_have_flavour();
        *hash = head.hash();
    }
    flavours & MAYBE != 0
}

/// The first of so many numbers of which it is true, as it is of all behind; else their count.
fn first_where(count: usize, is: impl Fn(u32) -> bool) -> usize {
    let (mut from, mut to) = (0, count);
    while from < to {
        let middle = from + (to - from) / 2;
        match is(middle as u32) {
            true => to = middle,
            false => from = middle + 1,
        }
    }
    from
}

/// The names of one BTF, by where their types start.
#[derive(Clone, Copy)]
struct Names<'a> {
    btf: &'a Btf,
    types: &'a [u8],
    strings: &'a [u8],
    first_string: u32,
}

impl<'a> Names<'a> {
    fn of(btf: &'a Btf) -> Names<'a> {
        Names {
            btf,
            types: btf.type_bytes(),
            strings: btf.string_bytes(),
            first_string: btf.first_string(),
        }
    }

    fn are_sorted(self, places: &Places) -> bool {
        let (mut batch, mut before) = ([[0; RANKED]; BATCH], 0);
        for (base, places) in places.batches(BATCH) {
            let names = batch.get_mut(..places.len()).unwrap_or_default();
            self.first_bytes::<false, _>(base, places, names);
            for name in names {
                let rank = rank_of_string(name);
                if rank < before {
                    return false;
                }
                before = rank;
            }
        }
        true
    }

    fn hashes(self, places: &Places) -> Vec<u16> {
        let mut hashes = Vec::with_capacity(places.len());
        let (mut words, mut batch) = ([[0; HEAD]; BATCH], [0; BATCH]);
        for (base, places) in places.batches(BATCH) {
            let words = words.get_mut(..places.len()).unwrap_or_default();
            let batch = batch.get_mut(..places.len()).unwrap_or_default();
            self.first_bytes::<true, _>(base, places, words);
            if hash_all(words, batch) {
                self.hash_flavours(base, places, words, batch);
            }
            hashes.extend_from_slice(batch);
        }
        hashes
    }

    /// What the names of these types begin with, or, `APART`, what tells them apart; behind a NUL
    /// is anything.
    fn first_bytes<const APART: bool, const LEN: usize>(
        self,
        base: u32,
        places: &[u16],
        all: &mut [[u8; LEN]],
    ) {
        match self.btf.endian() {
            Endian::Little => self.gather::<false, APART, LEN>(base, places, all),
            Endian::Big => self.gather::<true, APART, LEN>(base, places, all),
        }
    }

    // By itself, and with nothing else done in it: so all that it needs stays in registers, and the
    // loads, which wait for memory, wait together.
    #[inline(never)]
    fn gather<const BIG: bool, const APART: bool, const LEN: usize>(
        self,
        base: u32,
        places: &[u16],
        all: &mut [[u8; LEN]],
    ) {
        for (first, &place) in all.iter_mut().zip(places) {
            let start = base.wrapping_add(place.into()) as usize;
            let name_off = match self.types.get(start..start.saturating_add(4)) {
                Some(&[a, b, c, d]) if BIG => u32::from_be_bytes([a, b, c, d]),
                Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]),
                _ => 0,
            };
            let own = name_off.wrapping_sub(self.first_string) as usize;
            let bytes = self.strings.get(own..own.saturating_add(LEN));
            let found = match bytes.and_then(|bytes| bytes.first_chunk()) {
                Some(bytes) if APART && begins_as_events(bytes) => self.event(own),
                found => found.copied(),
            };
            *first = found.unwrap_or_else(|| self.the_long_way::<APART, LEN>(name_off));
        }
    }

    /// The hashes of those whose heads have more in them than the essential name.
    #[inline(never)]
    fn hash_flavours(self, base: u32, places: &[u16], words: &[[u8; HEAD]], hashes: &mut [u16]) {
        for ((hash, &bytes), &place) in hashes.iter_mut().zip(words).zip(places) {
            if Head::of_string(bytes).may_end_early() {
                let name = self.whole(self.name_off(base.wrapping_add(place.into())));
                *hash = Head::of(told_apart(essential_name(name))).hash();
            }
        }
    }

    /// What tells a name apart that begins as those of tracepoints and events do.
    #[inline(never)]
    fn event<const LEN: usize>(self, own: usize) -> Option<[u8; LEN]> {
        let bytes: &[u8; LONGEST + HEAD] = self.strings.get(own..)?.first_chunk()?;
        told_apart(bytes).first_chunk().copied()
    }

    /// For names in the base, and at the very end of the strings.
    #[cold]
    fn the_long_way<const APART: bool, const LEN: usize>(self, name_off: u32) -> [u8; LEN] {
        let name = self.whole(name_off);
        filled(if APART { told_apart(name) } else { name }, 0)
    }

    fn whole(self, name_off: u32) -> &'a [u8] {
        match name_off {
            0 => &[],
            _ => self.btf.short_string(name_off).unwrap_or_default(),
        }
    }

    fn name_off(self, start: u32) -> u32 {
        let name_off = self.btf.endian().u32_at(self.types, start as usize);
        name_off.unwrap_or_default()
    }

    fn rank(self, start: u32) -> u128 {
        let mut name = [0; RANKED];
        self.first_bytes::<false, _>(start, &[0], std::slice::from_mut(&mut name));
        rank_of_string(&name)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::name_head::tests::PREFIXES;
    use super::super::testing::{builder::*, parse};
    use super::*;

    /// All that may be wanted: numbers, in order.
    fn all(btf: &Btf, name: &str) -> Vec<usize> {
        let places = btf.table().named();
        let heads = Heads::build(btf, places);
        let wanted = Wanted::of(name.as_bytes());
        let mut range = heads.range(btf, places, wanted);
        let mut found = Vec::new();
        while let Some(number) = heads.find(wanted, range.clone()) {
            found.push(number);
            range.start = number + 1;
        }
        found
    }

    fn btf_of(names: &[String], order: Order) -> Arc<Btf> {
        let mut b = BtfBuilder::new(order);
        for name in names {
            b.structure(name, 4, &[]);
        }
        parse(&b)
    }

    /// Names of all lengths, with flavours and with what looks like one.
    fn names() -> Vec<String> {
        let mut names = vec![
            String::new(),
            "zebra".into(),
            "a____b".into(),
            "___x".into(),
        ];
        let cut = PREFIXES.map(|prefix| prefix.strip_suffix(b"_").unwrap());
        let before = [
            &[&b""[..], &BEGINNINGS[0], &BEGINNINGS[1]][..],
            &PREFIXES,
            &cut,
        ]
        .concat();
        for before in before
            .iter()
            .map(|before| std::str::from_utf8(before).unwrap())
        {
            for len in 0..20 {
                let name = "abcdefghijklmnopqrst".get(..len).unwrap();
                for behind in ["", "_", "__", "___v", "____v", "___v___w", "z"] {
                    names.push(format!("{before}{name}{behind}"));
                }
            }
        }
        names
    }

    #[test]
    fn every_name_is_among_what_its_essential_name_finds() {
        let (mut names, mut few) = (names(), 0);
        for order in Order::BOTH {
            for sorted in [true, false] {
                names.sort();
                if !sorted {
                    names.reverse();
                }
                let btf = btf_of(&names, order);
                let heads = Heads::build(&btf, btf.table().named());
                assert_eq!(matches!(heads, Heads::Sorted), sorted);
                for (number, name) in names.iter().enumerate() {
                    let essential = essential_name(name.as_bytes());
                    let found = all(&btf, std::str::from_utf8(essential).unwrap());
                    assert!(found.contains(&number), "{name:?} {order:?} {sorted}");
                    assert!(found.is_sorted());
                    few += usize::from(found.len() < names.len() / 3);
                }
            }
        }
        assert!(few > 2 * names.len(), "heads tell nothing apart: {few}");
    }

    #[test]
    fn rows_without_the_name_are_skipped() {
        let wanted = [0, 31, 63, 64, 127, 128, 150, 199];
        let named = |number: usize| match wanted.contains(&number) {
            true => "zebra".to_string(),
            false => format!("horse{number}"),
        };
        let names: Vec<String> = (0..200).map(named).collect();
        assert_eq!(all(&btf_of(&names, Order::Little), "zebra"), wanted);
    }
}
