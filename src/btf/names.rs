//! Types by name: two lists per BTF, each searched in the way that pays.
//!
//! One list has the types that C can name (what CO-RE looks for), the other the
//! rest (functions, variables, sections, tags), of which a kernel has three times
//! as many. Each is looked at when it is first asked for a name.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::name_chains::Chains;
use super::name_head::Wanted;
use super::name_search::Heads;
use super::places::Places;
use super::scan::is_type;
use super::{Btf, Kind, Type, TypeId};

/// How many types of the list a search passes over in one instruction, roughly; and the
/// instructions for each of them whose name may be the one and has to be looked at.
const SEARCH: u64 = 2;
const COMPARE: u64 = 32;
/// Instructions for each type that are spent on searches before the hash table is made. Making
/// it costs about the same, and saves all searches behind it.
const CHAIN: u64 = 120;

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

/// The lists of one BTF.
#[derive(Debug, Default)]
pub(super) struct Names {
    types: List,
    others: List,
    /// Where the others start; the first walk over the types lists only the first half.
    other_places: OnceLock<Places>,
}

/// How the names of a list of types are found.
#[derive(Debug, Default)]
struct List {
    heads: OnceLock<Heads>,
    /// On searches among the heads.
    spent: AtomicU64,
    chains: OnceLock<Chains>,
}

/// A list, and where its types start.
#[derive(Clone, Copy)]
struct Half<'a> {
    btf: &'a Btf,
    places: &'a Places,
    list: &'a List,
}

/// Numbers of types that may have a name, ascending.
enum Found<'a> {
    InChain(&'a Chains, Option<u32>),
    ByHead(Search<'a>),
}

/// A search among the heads.
struct Search<'a> {
    heads: &'a Heads,
    wanted: Wanted,
    range: Range<usize>,
    /// What it costs.
    cost: u64,
    spent: &'a AtomicU64,
}

impl Drop for Search<'_> {
    fn drop(&mut self) {
        // How much is only a question of speed: no order of threads matters.
        self.spent.fetch_add(self.cost, Ordering::Relaxed);
    }
}

impl Iterator for Found<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        match self {
            Found::InChain(chains, next) => {
                let found = (*next)?;
                *next = chains.after(found);
                Some(found)
            }
            Found::ByHead(search) => {
                let range = search.range.clone();
                let found = search.heads.find(search.wanted, range)?;
                search.range.start = found.saturating_add(1);
                search.cost += COMPARE;
                Some(found as u32)
            }
        }
    }
}

impl<'a> Half<'a> {
    /// Numbers of the types that may have that essential name.
    fn find(self, essential: &[u8]) -> Found<'a> {
        let List {
            heads,
            spent,
            chains,
        } = self.list;
        let build = || Chains::build(self.btf, self.places);
        let enough = CHAIN.saturating_mul(self.places.len() as u64);
        let chains = match spent.load(Ordering::Relaxed) >= enough {
            true => Some(chains.get_or_init(build)),
            false => chains.get(),
        };
        if let Some(chains) = chains {
            return Found::InChain(chains, chains.first(essential));
        }
        let heads = heads.get_or_init(|| Heads::build(self.btf, self.places));
        let wanted = Wanted::of(essential);
        let range = heads.range(self.btf, self.places, wanted);
        Found::ByHead(Search {
            cost: range.len() as u64 / SEARCH,
            heads,
            wanted,
            range,
            spent,
        })
    }

    /// The types of an essential name, and their whole names.
    fn matching(self, essential: &'a [u8]) -> impl Iterator<Item = (Type<'a>, &'a [u8])> + 'a {
        let btf = self.btf;
        self.find(essential).filter_map(move |number| {
            let start = self.places.get(number)?;
            let bytes = btf.type_bytes().get(start as usize..)?;
            let name_off = btf.endian().u32_at(bytes, 0)?;
            let name = btf.name_with_essential(name_off, essential)?;
            Some((Type::decode(btf, btf.id_at(start)?, bytes)?, name))
        })
    }
}

impl Btf {
    /// Own types of the essential name `essential`, in the order of their ids:
    /// integers, floats, composites, enums, typedefs and forward declarations.
    /// Types of the base are not among them.
    pub fn named<'a>(&'a self, essential: &'a [u8]) -> impl Iterator<Item = TypeId> + 'a {
        self.types_named(essential).map(|ty| ty.id())
    }

    /// The same, the types themselves.
    pub(crate) fn types_named<'a>(
        &'a self,
        essential: &'a [u8],
    ) -> impl Iterator<Item = Type<'a>> + 'a {
        self.type_names().matching(essential).map(|(ty, _)| ty)
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
            .flat_map(move |half| half.matching(essential))
            .filter(move |(ty, whole)| *whole == name && kinds.contains(&ty.kind()))
            .map(|(ty, _)| ty.id())
    }

    fn type_names(&self) -> Half<'_> {
        Half {
            btf: self,
            places: self.table().named(),
            list: &self.names.types,
        }
    }

    fn other_names(&self) -> Half<'_> {
        let others = || self.table().others(self.type_bytes());
        Half {
            btf: self,
            places: self.names.other_places.get_or_init(others),
            list: &self.names.others,
        }
    }

    /// The name at `offset`, where its essential name is this one.
    fn name_with_essential(&self, offset: u32, essential: &[u8]) -> Option<&[u8]> {
        // Most names that begin alike are told apart by one byte: where this one ends, they
        // neither end nor have a flavour.
        let own = offset.checked_sub(self.first_string());
        if let Some(tail) = own.and_then(|own| self.string_bytes().get(own as usize..))
            && (!matches!(tail.get(essential.len()), Some(0 | b'_'))
                || !tail.starts_with(essential))
        {
            return None;
        }
        let name = self.short_string(offset)?;
        (essential_name(name) == essential && !name.is_empty()).then_some(name)
    }
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
