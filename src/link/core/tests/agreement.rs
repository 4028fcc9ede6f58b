//! Which types agree: as fields, by shape, in depth.

use super::budget::Budget;
use super::compat::{fields_agree, types_agree};
use super::matches::types_match;
use super::*;
use CoreFault::{TooComplex, TooDeep};

type Make = fn(&mut BtfBuilder) -> u32;
type Compare = fn(&Btf, u32, &Btf, u32, &mut Budget) -> Result<bool, CoreFault>;

fn compare(compare: Compare, local: Make, target: Make) -> Result<bool, CoreFault> {
    let (mut a, mut b) = (
        BtfBuilder::new(Order::Little),
        BtfBuilder::new(Order::Little),
    );
    // Ids of the two sides never are the same.
    b.int("filler", 4, SIGNED);
    let (local_id, target_id) = (local(&mut a), target(&mut b));
    let mut budget = Budget::new();
    budget.begin().unwrap();
    compare(
        &testing::parse(&a),
        local_id,
        &testing::parse(&b),
        target_id,
        &mut budget,
    )
}

fn as_fields(local: &Btf, a: u32, target: &Btf, b: u32, _: &mut Budget) -> Result<bool, CoreFault> {
    fields_agree(local, &local.resolve(a)?, target, &target.resolve(b)?)
}

fn int(b: &mut BtfBuilder) -> u32 {
    b.int("int", 4, SIGNED)
}
fn long(b: &mut BtfBuilder) -> u32 {
    b.int("unsigned long", 8, UNSIGNED)
}
fn old_bitfield(b: &mut BtfBuilder) -> u32 {
    b.int_bits("int", 4, SIGNED, 3, 5)
}
fn double(b: &mut BtfBuilder) -> u32 {
    b.float("double", 8)
}
fn pointer(b: &mut BtfBuilder) -> u32 {
    let int = int(b);
    b.ptr(int)
}
fn array(b: &mut BtfBuilder) -> u32 {
    let int = int(b);
    b.array(int, int, 4)
}
fn array_of_pointers(b: &mut BtfBuilder) -> u32 {
    let pointer = pointer(b);
    b.array(pointer, pointer, 9)
}
fn structure(b: &mut BtfBuilder) -> u32 {
    b.structure("s", 4, &[])
}
fn union(b: &mut BtfBuilder) -> u32 {
    b.union("u", 4, &[])
}
fn forward(b: &mut BtfBuilder) -> u32 {
    b.fwd_struct("s")
}
fn enumeration(b: &mut BtfBuilder) -> u32 {
    b.enumeration("e", 4, false, &[("A", 1)])
}
fn enum64_flavour(b: &mut BtfBuilder) -> u32 {
    b.enum64("e___2", false, &[("B", 1)])
}
fn anonymous_enum(b: &mut BtfBuilder) -> u32 {
    b.enumeration("", 4, false, &[("B", 1)])
}
fn other_enum(b: &mut BtfBuilder) -> u32 {
    b.enumeration("f", 4, false, &[("A", 1)])
}
fn const_typedef_of_int(b: &mut BtfBuilder) -> u32 {
    let int = int(b);
    let alias = b.typedef("number", int);
    b.constant(alias)
}
fn prototype(b: &mut BtfBuilder) -> u32 {
    let (int, pointer) = (int(b), pointer(b));
    b.func_proto(int, &[("x", pointer), ("y", int)])
}
fn prototype_of_one(b: &mut BtfBuilder) -> u32 {
    let int = int(b);
    b.func_proto(int, &[("x", int)])
}

#[test]
fn what_may_be_read_as_what() {
    for (local, target, agree) in [
        (int as Make, long as Make, true),
        (int, const_typedef_of_int, true),
        (int, old_bitfield, false),
        (int, double, false),
        (int, enumeration, false),
        (double, double, true),
        (pointer, pointer, true),
        (pointer, long, false),
        (structure, union, true),
        (structure, forward, false),
        (forward, forward, true),
        (array, array, true),
        (array, array_of_pointers, false),
        (array, int, false),
        (enumeration, enum64_flavour, true),
        (enumeration, anonymous_enum, true),
        (enumeration, other_enum, false),
        (prototype, prototype, false),
    ] {
        assert_eq!(compare(as_fields, local, target), Ok(agree));
    }
}

#[test]
fn what_has_the_same_shape() {
    for (local, target, agree) in [
        (int as Make, long as Make, true),
        (int, const_typedef_of_int, false), // The roots must be of one kind.
        (int, old_bitfield, false),
        (structure, structure, true),
        (structure, union, false),
        (enumeration, enum64_flavour, true),
        (pointer, pointer, true),
        (array, array, true),
        (array, array_of_pointers, false),
        (prototype, prototype, true),
        (prototype, prototype_of_one, false),
        (double, double, false),
    ] {
        assert_eq!(compare(types_agree, local, target), Ok(agree));
    }
}

#[test]
fn what_matches_in_depth() {
    for (local, target, agree) in [
        (int as Make, int as Make, true),
        (int, long, false),
        (int, const_typedef_of_int, true),
        (array, array, true),
        (array, array_of_pointers, false),
        (prototype, prototype, true),
        (prototype, prototype_of_one, false),
        (enumeration, enumeration, true),
        (enumeration, other_enum, false),
        (structure, forward, false),
        (forward, forward, true),
    ] {
        assert_eq!(compare(types_match, local, target), Ok(agree));
    }
}

/// Members may come in any order, and of several anonymous ones any may be the one.
#[test]
fn members_match_in_any_order() {
    fn make(b: &mut BtfBuilder, order: [usize; 4]) -> u32 {
        let (int, long, pointer) = (int(b), long(b), pointer(b));
        let one = b.union("", 4, &[field("p", int, 0)]);
        let two = b.union("", 8, &[field("q", long, 0)]);
        let fields = [("a", int), ("", one), ("", two), ("b", pointer)];
        let fields = order.map(|index| field(fields[index].0, fields[index].1, 0));
        b.structure("s", 32, &fields)
    }
    let sorted: Make = |b| make(b, [0, 1, 2, 3]);
    for target in [
        (|b| make(b, [3, 2, 1, 0])) as Make,
        |b| make(b, [1, 0, 3, 2]),
        |b| make(b, [2, 3, 0, 1]),
    ] {
        assert_eq!(compare(types_match, sorted, target), Ok(true));
    }
    let lacks_one: Make = |b| make(b, [0, 1, 1, 3]);
    assert_eq!(compare(types_match, sorted, lacks_one), Ok(false));
}

/// A prototype that takes `width` times the one before, `depth` times.
fn tower(b: &mut BtfBuilder, depth: usize, width: usize) -> u32 {
    let mut ty = int(b);
    for _ in 0..depth {
        ty = b.func_proto(0, &vec![("", ty); width]);
    }
    ty
}

#[test]
fn prototypes_are_followed_to_a_limit() {
    let shallow: Make = |b| tower(b, 31, 1);
    let deep: Make = |b| tower(b, 40, 1);
    let broad: Make = |b| tower(b, 20, 20);
    for (compare_by, limit) in [(types_agree as Compare, 32), (types_match, 32)] {
        assert_eq!(compare(compare_by, shallow, shallow), Ok(true));
        assert_eq!(compare(compare_by, deep, deep), Err(TooDeep(limit)));
        assert_eq!(compare(compare_by, broad, broad), Err(TooComplex));
    }
}

/// A struct by value in a struct in a struct…; a chain of pointers.
#[test]
fn nesting_is_followed_to_a_limit() {
    fn nested(b: &mut BtfBuilder, depth: usize) -> u32 {
        let int = int(b);
        (0..depth).fold(int, |ty, _| b.structure("s", 4, &[field("x", ty, 0)]))
    }
    fn pointers(b: &mut BtfBuilder, depth: usize) -> u32 {
        let int = int(b);
        (0..depth).fold(int, |ty, _| b.ptr(ty))
    }
    let (few, many): (Make, Make) = (|b| nested(b, 31), |b| nested(b, 32));
    assert_eq!(compare(types_match, few, few), Ok(true));
    assert_eq!(compare(types_match, many, many), Err(TooDeep(32)));
    let (few, many): (Make, Make) = (|b| pointers(b, 31), |b| pointers(b, 32));
    for compare_by in [types_agree as Compare, types_match] {
        assert_eq!(compare(compare_by, few, few), Ok(true));
        assert_eq!(compare(compare_by, many, many), Err(TooDeep(32)));
    }
}
