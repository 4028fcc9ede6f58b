//! Types by name: one index per BTF, built on first need and shared.
//!
//! Two halves, each built only when it is asked for: the types that C can name
//! (what CO-RE looks for), and the rest (functions, variables, sections, tags),
//! of which a kernel has three times as many.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::OnceLock;

use super::scan::is_type;
use super::{Btf, Kind, MAX_NAME, TypeId};

/// The end of a chain, and an empty bucket.
const END: u32 = u32::MAX;

/// The name without its last `___flavour`, by which CO-RE tells variants of one
/// type apart: `task_struct___v5` is `task_struct`. The three underscores need a
/// non-underscore on both sides, as in libbpf: `a____b` and `___foo` are whole.
pub fn essential_name(name: &[u8]) -> &[u8] {
    let flavour = name
        .windows(5)
        .rposition(|w| matches!(w, [a, b'_', b'_', b'_', b] if *a != b'_' && *b != b'_'));
    match flavour {
        Some(at) => name.get(..=at).unwrap_or(name),
        None => name,
    }
}

/// The lazily built indexes of one BTF.
#[derive(Debug, Default)]
pub(super) struct Names {
    types: OnceLock<Index>,
    others: OnceLock<(Vec<u32>, Index)>,
}

/// A hash table of chains over a list of types, each given by where it starts.
/// Chains are in the order of the list; equal names share one.
#[derive(Debug)]
struct Index {
    seed: u64,
    /// For each bucket the number of its first type in the list.
    heads: Vec<u32>,
    /// For each type the number of the next one of its chain.
    next: Vec<u32>,
}

impl Btf {
    /// Own types of the essential name `essential`, in the order of their ids:
    /// integers, floats, composites, enums, typedefs and forward declarations.
    /// Types of the base are not among them.
    pub fn named<'a>(&'a self, essential: &'a [u8]) -> impl Iterator<Item = TypeId> + 'a {
        let (starts, index) = self.type_names();
        self.matching(starts, index, essential).map(|(id, _)| id)
    }

    /// Own types of one of `kinds` whose whole name is `name`, in the order of their ids.
    pub fn named_exact<'a>(
        &'a self,
        name: &'a [u8],
        kinds: &'a [Kind],
    ) -> impl Iterator<Item = TypeId> + 'a {
        let essential = essential_name(name);
        let types = kinds.iter().any(|&kind| is_type(kind));
        let others = kinds.iter().any(|&kind| !is_type(kind));
        let halves = [
            types.then(|| self.type_names()),
            others.then(|| self.other_names()),
        ];
        let candidates = halves.into_iter().flatten();
        candidates
            .flat_map(move |(starts, index)| self.matching(starts, index, essential))
            .filter(move |&(id, whole)| {
                let kind = self.type_by_id(id).map(|ty| ty.kind());
                whole == name && kind.is_ok_and(|kind| kinds.contains(&kind))
            })
            .map(|(id, _)| id)
    }

    fn type_names(&self) -> (&[u32], &Index) {
        let starts = self.named_starts();
        let build = || Index::build(self, starts);
        (starts, self.names.types.get_or_init(build))
    }

    fn other_names(&self) -> (&[u32], &Index) {
        let build = || {
            let mut starts = Vec::new();
            self.for_each_head(|_, start, name_off, kind| {
                if name_off != 0 && !is_type(kind) {
                    starts.push(start);
                }
            });
            let index = Index::build(self, &starts);
            (starts, index)
        };
        let (starts, index) = self.names.others.get_or_init(build);
        (starts, index)
    }

    /// Ids and whole names of the types in `starts` of an essential name.
    fn matching<'a>(
        &'a self,
        starts: &'a [u32],
        index: &'a Index,
        essential: &'a [u8],
    ) -> impl Iterator<Item = (TypeId, &'a [u8])> + 'a {
        index.chain(essential).filter_map(move |number| {
            let start = *starts.get(number as usize)?;
            let name_off = self.endian().u32_at(self.type_bytes(), start as usize)?;
            let name = self.short_string(name_off)?;
            let matches = essential_name(name) == essential;
            matches.then(|| Some((self.id_at(start)?, name)))?
        })
    }
}

impl Index {
    fn build(btf: &Btf, starts: &[u32]) -> Index {
        // A seed that nobody can know in advance keeps a crafted BTF from
        // putting all its names into one chain.
        let seed = RandomState::new().hash_one(0u64);
        let hasher = Hasher { seed, btf };
        let buckets = starts.len().max(1).next_power_of_two();
        let mut heads = vec![END; buckets];
        let mut next = vec![END; starts.len()];
        // Backwards, so that chains run forward.
        let types = starts.iter().zip(&mut next).enumerate();
        for (number, (&start, next)) in types.rev() {
            if let Some(hash) = hasher.of_type(start)
                && let Some(head) = heads.get_mut(hash as usize & (buckets - 1))
            {
                *next = std::mem::replace(head, number as u32);
            }
        }
        Index { seed, heads, next }
    }

    /// Numbers of types that may have that essential name, ascending.
    fn chain(&self, essential: &[u8]) -> impl Iterator<Item = u32> + use<'_> {
        let bucket = hash(self.seed, essential) as usize & (self.heads.len() - 1);
        let mut number = self.heads.get(bucket).copied().unwrap_or(END);
        std::iter::from_fn(move || {
            let found = (number != END).then_some(number)?;
            number = self.next.get(found as usize).copied().unwrap_or(END);
            Some(found)
        })
    }
}

/// Hashes the essential names of types.
struct Hasher<'a> {
    seed: u64,
    btf: &'a Btf,
}

impl Hasher<'_> {
    /// The hash for the type that starts at `start`; `None` where it has no usable name.
    #[inline(always)]
    fn of_type(&self, start: u32) -> Option<u32> {
        let btf = self.btf;
        let name_off = btf.endian().u32_at(btf.type_bytes(), start as usize)?;
        let own = name_off.checked_sub(btf.first_string());
        own.and_then(|at| hash_at(self.seed, btf.string_bytes(), at as usize))
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
/// The top bit of each byte.
const TOPS: u64 = ONES << 7;

/// A top bit for each zero byte; above the lowest one, possibly also for others.
#[inline(always)]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & TOPS
}

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
        let end = zero_bytes(word);
        if end != 0 {
            // Keeps the bytes below the lowest zero byte.
            word &= (end & end.wrapping_neg()).wrapping_sub(1) >> 7;
        }
        // Three underscores in a row put at least two into one word.
        let underscores = zero_bytes(word ^ UNDERSCORES);
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
    use super::super::testing::{builder::*, parse, parse_split};
    use super::*;

    #[test]
    fn the_essential_name_ends_before_the_last_flavour() {
        for (name, essential) in [
            ("task_struct___v5", "task_struct"),
            ("a___b___c", "a___b"),
            ("a____b", "a____b"),
            ("a_____b", "a_____b"),
            ("a____b___c", "a____b"),
            ("___foo", "___foo"),
            ("foo___", "foo___"),
            ("x___y", "x"),
            ("a__b", "a__b"),
            ("", ""),
        ] {
            assert_eq!(
                essential_name(name.as_bytes()),
                essential.as_bytes(),
                "{name}"
            );
        }
    }

    fn ids(btf: &Btf, name: &str) -> Vec<TypeId> {
        btf.named(name.as_bytes()).collect()
    }

    #[test]
    fn finds_types_by_essential_name_and_declarations_by_whole_name() {
        for order in Order::BOTH {
            let mut b = BtfBuilder::new(order);
            let int = b.int("int", 4, SIGNED);
            let plain = b.structure("sock", 4, &[field("a", int, 0)]);
            let flavoured = b.structure("sock___old", 4, &[field("a", int, 0)]);
            b.structure("sock____no_flavour", 4, &[]);
            b.structure("socket", 4, &[]);
            let alias = b.typedef("sock", plain);
            let long = b.structure("exactly_sixteen_", 0, &[]);
            let proto = b.func_proto(0, &[]);
            let func = b.func("sock", proto, GLOBAL);
            b.ptr(int);
            let last = b.structure("z", 0, &[]);
            let btf = parse(&b);
            assert_eq!(ids(&btf, "sock"), [plain, flavoured, alias]);
            assert_eq!(ids(&btf, "sock___old"), []);
            assert_eq!(ids(&btf, "exactly_sixteen_"), [long]);
            assert_eq!(ids(&btf, "exactly_sixteen"), []);
            assert_eq!(ids(&btf, "z"), [last]);
            assert_eq!(ids(&btf, ""), []);
            let exact = |name: &str, kinds: &[Kind]| -> Vec<TypeId> {
                btf.named_exact(name.as_bytes(), kinds).collect()
            };
            assert_eq!(exact("sock", &[Kind::Func]), [func]);
            assert_eq!(exact("sock", &[Kind::Struct, Kind::Func]), [plain, func]);
            assert_eq!(exact("sock___old", &[Kind::Struct]), [flavoured]);
            assert_eq!(exact("sock", &[Kind::Var]), []);
        }
    }

    #[test]
    fn split_btf_finds_its_own_types_under_names_of_either() {
        let mut b = BtfBuilder::new(Order::Little);
        b.structure("file", 4, &[]);
        b.structure("dentry", 4, &[]);
        let base = parse(&b);
        let mut split = BtfBuilder::split_over(&b);
        let again = split.structure("file", 8, &[]);
        let own = split.structure("module_only", 8, &[]);
        let split = parse_split(&split, &base);
        assert_eq!(ids(&split, "file"), [again]);
        assert_eq!(ids(&split, "module_only"), [own]);
        assert_eq!(ids(&split, "dentry"), []);
        assert_eq!(ids(&base, "file"), [1]);
    }

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

    #[test]
    fn names_past_the_strings_are_no_names() {
        let mut b = BtfBuilder::new(Order::Little);
        b.structure("ok", 4, &[]);
        let mut bytes = b.build();
        let at = 24;
        bytes[at..at + 4].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
        let btf = Btf::parse(bytes, None).unwrap();
        assert_eq!(ids(&btf, "ok"), []);
    }
}
