//! Values of enums of either width.

use crate::case::Case;
use crate::support::btf::Order;
use crate::support::btf_ext::core::*;
use crate::support::insn::*;

/// A value that moved, one that is gone, one that never was.
#[test]
fn values_and_their_existence() {
    for order in Order::BOTH {
        let mut c = Case::new(order);
        let values = [("KEPT", 1), ("GONE", 2)];
        let e = c.local.btf.enumeration("e", 4, false, &values);
        c.target
            .enumeration("e", 4, false, &[("NEW", 1), ("KEPT", 7)]);
        c.relo64(ld64(1, 0, 1, 0), e, "0", ENUMVAL_VALUE);
        c.relo64(ld64(1, 0, 1, 0), e, "0", ENUMVAL_EXISTS);
        c.relo64(ld64(1, 0, 2, 0), e, "1", ENUMVAL_VALUE);
        c.relo64(ld64(1, 0, 1, 0), e, "1", ENUMVAL_EXISTS);
        c.relo(mov(1, 1), e, "0", ENUMVAL_VALUE);
        let expected = [
            ld64(1, 0, 7, 0),
            ld64(1, 0, 1, 0),
            [POISON, POISON],
            ld64(1, 0, 0, 0),
        ];
        assert_eq!(c.run(), [expected.as_flattened(), &[mov(1, 7)]].concat());
    }
}

/// parity, CO-RE: an unsigned 32-bit value ≥ 0x80000000; clang writes it with
/// and without sign extension. What the compiler made of it, the program's other
/// constants are too: the new value is extended as the old one was.
#[test]
fn unsigned_values_from_two_to_the_31_on() {
    let big = 0x8000_0001_u32 as i32;
    for high in [0, -1] {
        let mut c = Case::little();
        let e = (c.local.btf).enumeration("e", 4, false, &[("BIG", 0x8000_0001)]);
        c.target.enumeration("e", 4, false, &[("BIG", 0x8000_0002)]);
        c.relo64(ld64(1, 0, big, high), e, "0", ENUMVAL_VALUE);
        assert_eq!(c.run(), ld64(1, 0, 0x8000_0002_u32 as i32, high));
    }
}

/// The same in an immediate of 32 bits, where the upper half is whatever the operation makes it.
#[test]
fn unsigned_values_from_two_to_the_31_on_in_an_immediate() {
    let mut c = Case::little();
    let e = (c.local.btf).enumeration("e", 4, false, &[("BIG", 0x8000_0001)]);
    c.target.enumeration("e", 4, false, &[("BIG", 0x8000_0002)]);
    c.relo(mov32(1, 0x8000_0001_u32 as i32), e, "0", ENUMVAL_VALUE);
    c.relo(mov(1, 0x8000_0001_u32 as i32), e, "0", ENUMVAL_VALUE);
    let low = 0x8000_0002_u32 as i32;
    assert_eq!(c.run(), [mov32(1, low), mov(1, low)]);
}

/// parity, CO-RE: negative values, in an ALU immediate and in a 64-bit load.
#[test]
fn negative_values() {
    let mut c = Case::little();
    let e = c.local.btf.enumeration("e", 4, true, &[("LOW", -2)]);
    c.target.enumeration("e", 4, true, &[("LOW", -300)]);
    c.relo(mov(1, -2), e, "0", ENUMVAL_VALUE);
    c.relo(mov32(1, -2), e, "0", ENUMVAL_VALUE);
    c.relo64(ld64(1, 0, -2, -1), e, "0", ENUMVAL_VALUE);
    let load = ld64(1, 0, -300, -1);
    assert_eq!(
        c.run(),
        [&[mov(1, -300), mov32(1, -300)][..], &load].concat()
    );
}

/// parity, CO-RE: enum against enum64, both ways.
#[test]
fn enum_against_enum64() {
    for order in Order::BOTH {
        let mut c = Case::new(order);
        let e = c.local.btf.enumeration("e", 4, false, &[("V", 1)]);
        c.target.enum64("e", false, &[("V", 0x1234_5678_9abc_def0)]);
        c.relo64(ld64(1, 0, 1, 0), e, "0", ENUMVAL_VALUE);
        let low = 0x9abc_def0_u32 as i32;
        assert_eq!(c.run(), ld64(1, 0, low, 0x1234_5678));

        let mut c = Case::new(order);
        let e = c
            .local
            .btf
            .enum64("e", false, &[("V", 0x1234_5678_9abc_def0)]);
        c.target.enumeration("e", 4, false, &[("V", 5)]);
        c.relo64(ld64(1, 0, low, 0x1234_5678), e, "0", ENUMVAL_VALUE);
        assert_eq!(c.run(), ld64(1, 0, 5, 0));
    }
}

/// Signed enum64 values keep their sign in both slots.
#[test]
fn negative_enum64_values() {
    let mut c = Case::little();
    let e = c.local.btf.enum64("e", true, &[("V", -1_i64 as u64)]);
    c.target
        .enum64("e", true, &[("V", -0x1_0000_0000_i64 as u64)]);
    c.relo64(ld64(1, 0, -1, -1), e, "0", ENUMVAL_VALUE);
    assert_eq!(c.run(), ld64(1, 0, 0, -1));
}

/// A value's name may carry a flavour on either side.
#[test]
fn flavours_of_values() {
    let mut c = Case::little();
    let e = c
        .local
        .btf
        .enumeration("e___new", 4, false, &[("V___new", 1)]);
    c.target
        .enumeration("e", 4, false, &[("OTHER", 1), ("V", 9)]);
    c.relo64(ld64(1, 0, 1, 0), e, "0", ENUMVAL_VALUE);
    assert_eq!(c.run(), ld64(1, 0, 9, 0));
}

/// A value that a 32-bit immediate cannot hold is an error, never cut off.
#[test]
fn a_value_too_large_for_an_immediate() {
    let mut c = Case::little();
    let e = c.local.btf.enumeration("e", 4, false, &[("V", 1)]);
    c.target.enum64("e", false, &[("V", 0x1_0000_0000)]);
    c.relo(mov(1, 1), e, "0", ENUMVAL_VALUE);
    crate::case::assert_says(&c.fails(), &["program prog", "instruction 0", "4294967296"]);
}
