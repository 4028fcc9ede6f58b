//! Whole types: existence, size, ids, matches; which roots are candidates.

use crate::case::{Case, assert_says, u32_struct, u32_type};
use crate::support::btf::{BtfBuilder, Order, SIGNED, UNSIGNED, field};
use crate::support::btf_ext::core::*;
use crate::support::insn::*;

/// What TYPE_MATCHES and TYPE_EXISTS say of one type on both sides.
fn compare(
    local: impl Fn(&mut BtfBuilder) -> u32,
    target: impl Fn(&mut BtfBuilder) -> u32,
) -> [i32; 2] {
    let mut c = Case::little();
    let id = local(&mut c.local.btf);
    target(&mut c.target);
    c.relo(mov(1, 1), id, "0", TYPE_MATCHES);
    c.relo(mov(1, 1), id, "0", TYPE_EXISTS);
    let [matches, exists] = c.run()[..] else {
        panic!("two instructions went in");
    };
    [matches.imm, exists.imm]
}

/// All kinds about a whole type, on a type that exists.
#[test]
fn every_type_kind_on_a_type_that_exists() {
    for order in Order::BOTH {
        let mut c = Case::new(order);
        let s = u32_struct(&mut c.local.btf, "s", 8, &[("a", 0), ("b", 4)]);
        u32_struct(&mut c.target, "unrelated", 4, &[("a", 0)]);
        let there = u32_struct(&mut c.target, "s", 24, &[("a", 0), ("b", 8)]);
        c.relo(mov(1, 1), s, "0", TYPE_EXISTS);
        c.relo(mov(1, 8), s, "0", TYPE_SIZE);
        c.relo(mov(1, 1), s, "0", TYPE_MATCHES);
        c.relo64(ld64(1, 0, s as i32, 0), s, "0", TYPE_ID_LOCAL);
        c.relo64(ld64(1, 0, s as i32, 0), s, "0", TYPE_ID_TARGET);
        let loads = [ld64(1, 0, s as i32, 0), ld64(1, 0, there as i32, 0)];
        let moves = [mov(1, 1), mov(1, 24), mov(1, 1)];
        assert_eq!(c.run(), [&moves, loads.as_flattened()].concat());
    }
}

/// Nothing matches: existence, matches, size and target id are 0.
#[test]
fn every_type_kind_on_a_type_that_is_missing() {
    let mut c = Case::little();
    let s = u32_struct(&mut c.local.btf, "s", 8, &[("a", 0)]);
    u32_struct(&mut c.target, "other", 8, &[("a", 0)]);
    c.relo(mov(1, 1), s, "0", TYPE_EXISTS);
    c.relo(mov(1, 8), s, "0", TYPE_SIZE);
    c.relo(mov(1, 1), s, "0", TYPE_MATCHES);
    c.relo64(ld64(1, 0, s as i32, 0), s, "0", TYPE_ID_LOCAL);
    c.relo64(ld64(1, 0, s as i32, 0), s, "0", TYPE_ID_TARGET);
    let loads = [ld64(1, 0, s as i32, 0), ld64(1, 0, 0, 0)];
    let moves = [mov(1, 0), mov(1, 0), mov(1, 0)];
    assert_eq!(c.run(), [&moves, loads.as_flattened()].concat());
}

/// Type ids in the object may be stale after static linking: they are not checked.
#[test]
fn stale_type_ids_are_replaced() {
    let mut c = Case::little();
    let s = u32_struct(&mut c.local.btf, "s", 4, &[("a", 0)]);
    let there = u32_struct(&mut c.target, "s", 4, &[("a", 0)]);
    c.relo64(ld64(1, 0, 9999, 0), s, "0", TYPE_ID_LOCAL);
    c.relo64(ld64(1, 0, 9999, 0), s, "0", TYPE_ID_TARGET);
    let loads = [ld64(1, 0, s as i32, 0), ld64(1, 0, there as i32, 0)];
    assert_eq!(c.run(), loads.as_flattened());
}

/// parity, CO-RE: struct against union root, typedef against struct root;
/// forward-declared targets.
#[test]
fn roots_of_another_kind_are_no_candidates() {
    let fields = |b: &mut BtfBuilder| {
        let int = u32_type(b);
        [field("x", int, 0)]
    };
    type Make = fn(&mut BtfBuilder, &[crate::support::btf::Field<'_>]) -> u32;
    let structure: Make = |b, f| b.structure("r", 4, f);
    let union: Make = |b, f| b.union("r", 4, f);
    let typedef: Make = |b, f| {
        let inner = b.structure("", 4, f);
        b.typedef("r", inner)
    };
    let forward: Make = |b, _| b.fwd_struct("r");
    for (local, target, found) in [
        (structure, structure, true),
        (union, union, true),
        (typedef, typedef, true),
        (structure, union, false),
        (union, structure, false),
        (structure, typedef, false),
        (typedef, structure, false),
        (structure, forward, false),
        (union, forward, false),
    ] {
        let mut c = Case::little();
        let f = fields(&mut c.local.btf);
        let root = local(&mut c.local.btf, &f);
        let f = fields(&mut c.target);
        target(&mut c.target, &f);
        c.relo(ldx(W, 1, 6, 0), root, "0:0", BYTE_OFFSET);
        c.relo(mov(1, 1), root, "0", TYPE_EXISTS);
        let expected = match found {
            true => [ldx(W, 1, 6, 0), mov(1, 1)],
            false => [POISON, mov(1, 0)],
        };
        assert_eq!(c.run(), expected);
    }
}

/// A forward declaration beside the definition does not disturb it.
#[test]
fn a_forward_declaration_beside_the_definition() {
    let mut c = Case::little();
    let s = u32_struct(&mut c.local.btf, "s", 4, &[("a", 0)]);
    c.target.fwd_struct("s");
    u32_struct(&mut c.target, "s", 12, &[("a", 8)]);
    c.target.fwd_struct("s");
    c.relo(ldx(W, 1, 6, 0), s, "0:0", BYTE_OFFSET);
    assert_eq!(c.run(), [ldx(W, 1, 6, 8)]);
}

/// What both sides only declare is there for nobody.
#[test]
fn forward_declarations_are_no_candidates() {
    let declared = |b: &mut BtfBuilder| b.fwd_struct("s");
    assert_eq!(compare(declared, declared), [0, 0]);
    let defined = |b: &mut BtfBuilder| u32_struct(b, "s", 4, &[("a", 0)]);
    assert_eq!(compare(declared, defined), [0, 0]);
}

/// parity, CO-RE: an anonymous root has nothing to be looked for; its local id is known.
#[test]
fn anonymous_roots() {
    let mut c = Case::little();
    let s = u32_struct(&mut c.local.btf, "", 4, &[("a", 0)]);
    c.relo64(ld64(1, 0, s as i32, 0), s, "0", TYPE_ID_LOCAL);
    assert_eq!(c.run(), ld64(1, 0, s as i32, 0));
    c.relo(ldx(W, 1, 6, 0), s, "0:0", BYTE_OFFSET);
    assert_says(&c.fails(), &["program prog", "instruction 2", "no name"]);
}

/// parity, CO-RE: TYPE_MATCHES of a struct with several anonymous members
/// against its own copy.
#[test]
fn a_struct_with_several_anonymous_members_matches_its_copy() {
    let build = |b: &mut BtfBuilder| {
        let int = u32_type(b);
        let one = b.union("", 4, &[field("a", int, 0), field("b", int, 0)]);
        let two = b.structure("", 8, &[field("c", int, 0), field("d", int, 4)]);
        let three = b.union("", 4, &[field("e", int, 0)]);
        b.structure(
            "s",
            16,
            &[field("", one, 0), field("", two, 4), field("", three, 12)],
        )
    };
    assert_eq!(compare(build, build), [1, 1]);
}

/// Members without a name have no order: each needs one that matches, wherever it is.
#[test]
fn anonymous_members_match_in_any_order() {
    let build = |order: [usize; 3], last: &'static str| {
        move |b: &mut BtfBuilder| {
            let int = u32_type(b);
            let parts = [
                b.structure("", 4, &[field("a", int, 0)]),
                b.structure("", 4, &[field("b", int, 0)]),
                b.structure("", 4, &[field(last, int, 0)]),
            ];
            let fields: Vec<_> = (0..)
                .zip(order)
                .map(|(at, part)| field("", parts[part], 4 * at))
                .collect();
            b.structure("s", 12, &fields)
        }
    };
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        assert_eq!(compare(build([0, 1, 2], "c"), build(order, "c")), [1, 1]);
        assert_eq!(compare(build([0, 1, 2], "c"), build(order, "d")), [0, 1]);
    }
}

/// TYPE_MATCHES of structs: every local member needs one of its name that matches.
#[test]
fn a_struct_matches_when_the_target_has_all_its_members() {
    let of = |names: &'static [&'static str], size: u32| {
        move |b: &mut BtfBuilder| {
            let int = b.int("number", size, UNSIGNED);
            let fields: Vec<_> = (0..)
                .zip(names)
                .map(|(i, name)| field(name, int, i * size))
                .collect();
            b.structure("s", size * names.len() as u32, &fields)
        }
    };
    assert_eq!(
        compare(of(&["a", "b"], 4), of(&["b", "new", "a"], 4)),
        [1, 1]
    );
    assert_eq!(compare(of(&["a", "gone"], 4), of(&["a"], 4)), [0, 1]);
    assert_eq!(compare(of(&["a"], 4), of(&["a"], 8)), [0, 1]);
}

/// TYPE_MATCHES of integers: size and sign.
#[test]
fn integers_match_by_size_and_sign() {
    let of = |size, encoding| {
        move |b: &mut BtfBuilder| {
            let int = b.int("number", size, encoding);
            b.typedef("n", int)
        }
    };
    assert_eq!(compare(of(4, SIGNED), of(4, SIGNED)), [1, 1]);
    assert_eq!(compare(of(4, SIGNED), of(4, UNSIGNED)), [0, 1]);
    assert_eq!(compare(of(4, SIGNED), of(8, SIGNED)), [0, 1]);
}

/// TYPE_MATCHES behind a pointer: only kind and name count, a forward
/// declaration of the same kind will do.
#[test]
fn behind_a_pointer_only_kind_and_name_count() {
    let of = |pointee: fn(&mut BtfBuilder) -> u32| {
        move |b: &mut BtfBuilder| {
            let to = pointee(b);
            let ptr = b.ptr(to);
            b.structure("s", 8, &[field("p", ptr, 0)])
        }
    };
    let one = of(|b| u32_struct(b, "t", 4, &[("a", 0)]));
    let other_layout = of(|b| u32_struct(b, "t", 8, &[("z", 4)]));
    let other_name = of(|b| u32_struct(b, "v", 4, &[("a", 0)]));
    let forward = of(|b| b.fwd_struct("t"));
    let forward_union = of(|b| b.fwd_union("t"));
    assert_eq!(compare(one, other_layout), [1, 1]);
    assert_eq!(compare(one, forward), [1, 1]);
    assert_eq!(compare(one, other_name), [0, 1]);
    assert_eq!(compare(one, forward_union), [0, 1]);
}

/// TYPE_MATCHES of enums: every local name, whatever its value.
#[test]
fn enums_match_by_their_names() {
    let of = |values: &'static [(&'static str, i64)]| {
        move |b: &mut BtfBuilder| b.enumeration("e", 4, false, values)
    };
    assert_eq!(compare(of(&[("A", 1)]), of(&[("B", 1), ("A", 9)])), [1, 1]);
    assert_eq!(compare(of(&[("A", 1), ("C", 2)]), of(&[("A", 1)])), [0, 1]);
    let small = |b: &mut BtfBuilder| b.enumeration("e", 1, false, &[("A", 1)]);
    assert_eq!(compare(of(&[("A", 1)]), small), [0, 1]);
}

/// TYPE_MATCHES of a type that holds a pointer to itself comes to an end.
#[test]
fn a_recursive_struct_matches_its_copy() {
    let build = |b: &mut BtfBuilder| {
        let int = u32_type(b);
        let id = b.next_id() + 1;
        let ptr = b.ptr(id);
        b.structure("node", 16, &[field("next", ptr, 0), field("value", int, 8)])
    };
    assert_eq!(compare(build, build), [1, 1]);
}

/// TYPE_MATCHES and TYPE_EXISTS of function prototypes behind a typedef.
#[test]
fn function_prototypes() {
    let of = |params: usize, result_size: u32| {
        move |b: &mut BtfBuilder| {
            let result = b.int("number", result_size, SIGNED);
            let int = b.int("int", 4, SIGNED);
            let list = vec![("", int); params];
            let proto = b.func_proto(result, &list);
            b.typedef("callback", proto)
        }
    };
    assert_eq!(compare(of(2, 4), of(2, 4)), [1, 1]);
    assert_eq!(compare(of(2, 4), of(3, 4)), [0, 0]);
    assert_eq!(compare(of(2, 4), of(2, 8)), [0, 1]);
}
