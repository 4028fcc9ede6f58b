//! Every type of real kernels and of their modules: by its number it is what a plain walk from
//! type to type says, and by its name a search finds it, and nothing else.

mod support;

use std::collections::HashMap;
use std::sync::Arc;

use bpflink::btf::{Btf, Data, Kind, TypeId, essential_name};
use support::real::{KernelBtf, kernels};

/// How many names one BTF is asked for: few enough that it makes no table of all of them.
const FEW: usize = 120;
/// Names of functions for each kernel that are searched so; the rest by the table.
const FUNCTIONS: usize = 600;
/// Modules of each kernel that are looked at.
const MODULES: usize = 40;

/// What CO-RE looks for by name.
const NAMED: [Kind; 8] = [
    Kind::Int,
    Kind::Struct,
    Kind::Union,
    Kind::Enum,
    Kind::Enum64,
    Kind::Fwd,
    Kind::Typedef,
    Kind::Float,
];

type Found = HashMap<Vec<u8>, Vec<TypeId>>;

/// By the names that CO-RE looks for, and functions by theirs.
#[derive(Default)]
struct ByName {
    types: Found,
    functions: Found,
}

fn by_name(btf: &Btf) -> ByName {
    let mut all = ByName::default();
    for ty in btf.own_types() {
        let name = ty.name().expect("a kernel's names are whole");
        let found = match ty.kind() {
            _ if name.is_empty() => continue,
            Kind::Func => all.functions.entry(name.to_vec()),
            kind if NAMED.contains(&kind) => all.types.entry(essential_name(name).to_vec()),
            _ => continue,
        };
        found.or_default().push(ty.id());
    }
    all
}

fn numbers_hold(btf: &Btf) {
    let mut count = btf.base().map_or(1, |base| base.type_count());
    for ty in btf.own_types() {
        let same = btf.type_by_id(ty.id()).expect("a type by its number");
        assert_eq!((ty.id(), same.kind()), (count, ty.kind()));
        assert_eq!((same.name(), same.vlen()), (ty.name(), ty.vlen()));
        count += 1;
    }
    assert_eq!(btf.type_count(), count);
}

/// Looks for the names in a BTF that was asked for nothing before, a few at a time, and then for
/// all of them in one.
fn names_hold(parse: impl Fn() -> Btf, all: &ByName) -> usize {
    let types: Vec<_> = all.types.iter().collect();
    for few in types.chunks(FEW) {
        let fresh = parse();
        for (name, ids) in few {
            assert!(
                fresh.named(name).eq(ids.iter().copied()),
                "{:?}",
                text(name)
            );
        }
    }
    let functions: Vec<_> = all.functions.iter().collect();
    for few in functions.chunks(FEW).take(FUNCTIONS / FEW) {
        let fresh = parse();
        for (name, ids) in few {
            assert!(
                function(&fresh, name).eq(ids.iter().copied()),
                "{:?}",
                text(name)
            );
        }
    }
    let one = parse();
    for (name, ids) in &types {
        assert!(one.named(name).eq(ids.iter().copied()), "{:?}", text(name));
    }
    for (name, ids) in &functions {
        assert!(
            function(&one, name).eq(ids.iter().copied()),
            "{:?}",
            text(name)
        );
    }
    types.len() + functions.len()
}

fn function<'a>(btf: &'a Btf, name: &'a [u8]) -> impl Iterator<Item = TypeId> + 'a {
    btf.named_exact(name, &[Kind::Func])
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn holds(btf: &KernelBtf, base: Option<&Arc<Btf>>) -> usize {
    let bytes = Data::from(btf.bytes.clone());
    let parse = || Btf::parse(bytes.clone(), base.cloned()).expect("a kernel's BTF");
    let parsed = parse();
    numbers_hold(&parsed);
    let names = names_hold(parse, &by_name(&parsed));
    assert!(names > 0, "{} has no names", btf.name);
    names
}

#[test]
fn every_type_of_a_kernel_is_found_by_its_number_and_its_name() {
    for (kernel, modules) in kernels() {
        let names = holds(&kernel, None);
        assert!(names > 3000, "{}: only {names} names", kernel.name);
        let base = Arc::new(Btf::parse(kernel.bytes, None).expect("a kernel's BTF"));
        for module in modules.iter().take(MODULES) {
            holds(module, Some(&base));
        }
    }
}
