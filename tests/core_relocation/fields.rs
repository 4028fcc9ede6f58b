//! Fields: offset, size, existence, sign; loads that change their width.

use bpflink::link::core::Outcome;

use crate::case::{Case, u32_struct, u32_type};
use crate::support::btf::{BtfBuilder, Order, SIGNED, UNSIGNED, field};
use crate::support::btf_ext::core::*;
use crate::support::insn::*;

/// The field kinds on a field that moved: offset, size, existence, sign.
#[test]
fn every_field_kind_on_a_field_that_moved() {
    for order in Order::BOTH {
        let mut c = Case::new(order);
        let s = u32_struct(&mut c.local.btf, "s", 8, &[("a", 0), ("b", 4)]);
        u32_struct(&mut c.target, "s", 64, &[("new", 0), ("b", 12), ("a", 40)]);
        c.relo(ldx(W, 1, 6, 4), s, "0:1", BYTE_OFFSET);
        c.relo(mov(1, 4), s, "0:1", BYTE_OFFSET);
        c.relo(mov(1, 4), s, "0:1", BYTE_SIZE);
        c.relo(mov(1, 1), s, "0:1", FIELD_EXISTS);
        c.relo(mov(1, 0), s, "0:1", FIELD_SIGNED);
        c.relo(stx(W, 6, 1, 0), s, "0:0", BYTE_OFFSET);
        let expected = [
            ldx(W, 1, 6, 12),
            mov(1, 12),
            mov(1, 4),
            mov(1, 1),
            mov(1, 0),
            stx(W, 6, 1, 40),
        ];
        assert_eq!(c.run(), expected);
    }
}

/// What the target lacks: existence is 0, the rest is poison.
#[test]
fn a_field_that_the_target_lacks() {
    let mut c = Case::little();
    let s = u32_struct(&mut c.local.btf, "s", 8, &[("a", 0), ("gone", 4)]);
    u32_struct(&mut c.target, "s", 4, &[("a", 0)]);
    c.relo(ldx(W, 1, 6, 4), s, "0:1", BYTE_OFFSET);
    c.relo(mov(1, 4), s, "0:1", BYTE_SIZE);
    c.relo(mov(1, 1), s, "0:1", FIELD_EXISTS);
    c.relo(mov(1, 0), s, "0:1", FIELD_SIGNED);
    c.relo(mov(1, 32), s, "0:1", LSHIFT_U64);
    c.relo(mov(1, 32), s, "0:1", RSHIFT_U64);
    let expected = [POISON, POISON, mov(1, 0), POISON, POISON, POISON];
    assert_eq!(c.run(), expected);
    let report = c.report();
    assert_eq!(report[0], (Outcome::Poisoned, 4, 0));
    assert_eq!(report[2], (Outcome::Absent, 1, 0));
}

/// The report says what was patched and what was right already.
#[test]
fn the_report_tells_patched_from_unchanged() {
    let mut c = Case::little();
    let s = u32_struct(&mut c.local.btf, "s", 8, &[("a", 0), ("b", 4)]);
    u32_struct(&mut c.target, "s", 12, &[("a", 0), ("b", 8)]);
    c.relo(ldx(W, 1, 6, 0), s, "0:0", BYTE_OFFSET);
    c.relo(ldx(W, 1, 6, 4), s, "0:1", BYTE_OFFSET);
    let expected = [(Outcome::Unchanged, 0, 0), (Outcome::Patched, 4, 8)];
    assert_eq!(c.report(), expected);
}

/// A struct with one field of the given integer, at an offset.
fn one_int(b: &mut BtfBuilder, size: u32, encoding: u32, at: u32) -> u32 {
    let int = b.int("number", size, encoding);
    b.structure("s", at + size, &[field("n", int, at)])
}

/// parity, CO-RE: u32 → u64 resized, and every other change of an unsigned width.
#[test]
fn loads_and_stores_of_unsigned_integers_change_their_width() {
    for order in Order::BOTH {
        let widths = [(1, B), (2, H), (4, W), (8, DW)];
        for (local_size, local_bits) in widths {
            for (target_size, target_bits) in widths {
                let mut c = Case::new(order);
                let s = one_int(&mut c.local.btf, local_size, UNSIGNED, 0);
                one_int(&mut c.target, target_size, UNSIGNED, 16);
                c.relo(ldx(local_bits, 1, 6, 0), s, "0:0", BYTE_OFFSET);
                c.relo(stx(local_bits, 6, 1, 0), s, "0:0", BYTE_OFFSET);
                c.relo(st(local_bits, 6, 0, 7), s, "0:0", BYTE_OFFSET);
                let expected = [
                    ldx(target_bits, 1, 6, 16),
                    stx(target_bits, 6, 1, 16),
                    st(target_bits, 6, 16, 7),
                ];
                assert_eq!(c.run(), expected, "{local_size} to {target_size}");
            }
        }
    }
}

/// parity, CO-RE: s32 → s64 poisoned; an address computation needs no width.
#[test]
fn loads_of_signed_integers_that_change_their_width_are_poisoned() {
    for (local, target) in [(SIGNED, SIGNED), (SIGNED, UNSIGNED), (UNSIGNED, SIGNED)] {
        let mut c = Case::little();
        let s = one_int(&mut c.local.btf, 4, local, 0);
        one_int(&mut c.target, 8, target, 16);
        c.relo(ldx(W, 1, 6, 0), s, "0:0", BYTE_OFFSET);
        c.relo(mov(1, 0), s, "0:0", BYTE_OFFSET);
        assert_eq!(c.run(), [POISON, mov(1, 16)]);
    }
}

/// A signed field of the same width is no danger.
#[test]
fn loads_of_signed_integers_of_one_width_stand() {
    let mut c = Case::little();
    let s = one_int(&mut c.local.btf, 4, SIGNED, 0);
    one_int(&mut c.target, 4, SIGNED, 16);
    c.relo(ldx(W, 1, 6, 0), s, "0:0", BYTE_OFFSET);
    c.relo(ldxs(W, 1, 6, 0), s, "0:0", BYTE_OFFSET);
    assert_eq!(c.run(), [ldx(W, 1, 6, 16), ldxs(W, 1, 6, 16)]);
}

/// A struct of two pointers, and its field `second`; a `long` says the pointer's size.
fn two_pointers(b: &mut BtfBuilder, size: u32) -> u32 {
    b.int("long unsigned int", size, UNSIGNED);
    let ptr = b.ptr(0);
    b.structure(
        "s",
        2 * size,
        &[field("first", ptr, 0), field("second", ptr, size)],
    )
}

/// parity, CO-RE: against a 32-bit target a pointer is 4 bytes.
#[test]
fn pointers_of_a_32_bit_target_are_four_bytes() {
    for order in Order::BOTH {
        let mut c = Case::new(order);
        let s = two_pointers(&mut c.local.btf, 8);
        two_pointers(&mut c.target, 4);
        c.relo(ldx(DW, 1, 6, 8), s, "0:1", BYTE_OFFSET);
        c.relo(mov(1, 8), s, "0:1", BYTE_SIZE);
        assert_eq!(c.run(), [ldx(W, 1, 6, 4), mov(1, 4)]);
    }
}

/// parity, CO-RE: an index into a pointer array scales by the target's pointers.
#[test]
fn pointer_arrays_of_a_32_bit_target_scale_by_four() {
    let table = |b: &mut BtfBuilder, size: u32, at: u32| {
        b.int("long unsigned int", size, UNSIGNED);
        let int = u32_type(b);
        let ptr = b.ptr(0);
        let array = b.array(ptr, int, 4);
        b.structure("s", at + 4 * size, &[field("table", array, at)])
    };
    let mut c = Case::little();
    let s = table(&mut c.local.btf, 8, 0);
    table(&mut c.target, 4, 20);
    c.relo(ldx(DW, 1, 6, 24), s, "0:0:3", BYTE_OFFSET);
    c.relo(mov(1, 32), s, "0:0", BYTE_SIZE);
    assert_eq!(c.run(), [ldx(W, 1, 6, 20 + 3 * 4), mov(1, 16)]);
}

/// A pointer and an integer are no kinds that agree: the field counts as missing.
#[test]
fn a_field_of_another_kind_is_no_match() {
    let mut c = Case::little();
    let s = one_int(&mut c.local.btf, 8, UNSIGNED, 0);
    let ptr = c.target.ptr(0);
    c.target.structure("s", 8, &[field("n", ptr, 0)]);
    c.relo(ldx(DW, 1, 6, 0), s, "0:0", BYTE_OFFSET);
    c.relo(mov(1, 1), s, "0:0", FIELD_EXISTS);
    assert_eq!(c.run(), [POISON, mov(1, 0)]);
}

/// Enums agree by their names, flavours aside, or where one has none.
#[test]
fn enum_fields_agree_by_name() {
    let with = |b: &mut BtfBuilder, name: &str, at: u32| {
        let e = b.enumeration(name, 4, false, &[("V", 1)]);
        b.structure("s", at + 4, &[field("e", e, at)])
    };
    let moved = ldx(W, 1, 6, 8);
    for (local, target, expected) in [
        ("one", "one", moved),
        ("one___old", "one", moved),
        ("", "one", moved),
        ("one", "", moved),
        ("one", "other", POISON),
    ] {
        let mut c = Case::little();
        let s = with(&mut c.local.btf, local, 0);
        with(&mut c.target, target, 8);
        c.relo(ldx(W, 1, 6, 0), s, "0:0", BYTE_OFFSET);
        assert_eq!(c.run(), [expected], "{local:?} {target:?}");
    }
}

/// Integers that are bitfields by themselves, not from their storage's start on, agree with none.
#[test]
fn integers_with_an_offset_of_their_own_agree_with_none() {
    let with = |b: &mut BtfBuilder, first_bit: u32| {
        let int = b.int_bits("number", 4, UNSIGNED, first_bit, 8);
        b.structure("s", 4, &[field("n", int, 0)]);
        b.typedef("number_t", int)
    };
    for (local, target, expected) in [(0, 0, 1), (0, 8, 0), (8, 0, 0), (8, 8, 0)] {
        let mut c = Case::little();
        let number = with(&mut c.local.btf, local);
        with(&mut c.target, target);
        c.relo(mov(1, 1), number - 1, "0:0", FIELD_EXISTS);
        c.relo(mov(1, 1), number, "0", TYPE_EXISTS);
        assert_eq!(c.run(), [mov(1, expected); 2], "{local} {target}");
    }
}

/// Anonymous members are looked through on both sides, at any depth.
#[test]
fn fields_move_in_and_out_of_anonymous_members() {
    let mut c = Case::little();
    let int = u32_type(&mut c.local.btf);
    let b = &mut c.local.btf;
    let anonymous = b.structure("", 8, &[field("x", int, 0), field("y", int, 4)]);
    let s = b.structure("s", 12, &[field("a", int, 0), field("", anonymous, 4)]);
    let b = &mut c.target;
    let int = u32_type(b);
    let deep = b.union("", 4, &[field("a", int, 0)]);
    let deeper = b.structure("", 12, &[field("pad", int, 0), field("", deep, 8)]);
    b.structure(
        "s",
        32,
        &[
            field("y", int, 0),
            field("x", int, 4),
            field("", deeper, 16),
        ],
    );
    c.relo(ldx(W, 1, 6, 8), s, "0:1:1", BYTE_OFFSET); // s.y
    c.relo(ldx(W, 1, 6, 4), s, "0:1:0", BYTE_OFFSET); // s.x
    c.relo(ldx(W, 1, 6, 0), s, "0:0", BYTE_OFFSET); // s.a, at 16 + 8
    let expected = [ldx(W, 1, 6, 0), ldx(W, 1, 6, 4), ldx(W, 1, 6, 24)];
    assert_eq!(c.run(), expected);
}

/// Nested named structs are entered by name; typedefs and qualifiers do not count.
#[test]
fn nested_fields_are_found_through_typedefs_and_qualifiers() {
    let mut c = Case::little();
    let b = &mut c.local.btf;
    let int = u32_type(b);
    let inner = b.structure("inner", 8, &[field("p", int, 0), field("q", int, 4)]);
    let s = b.structure("s", 12, &[field("head", int, 0), field("in", inner, 4)]);
    let b = &mut c.target;
    let int = u32_type(b);
    let alias = b.typedef("number", int);
    let constant = b.constant(alias);
    let inner = b.structure("renamed", 24, &[field("q", constant, 20)]);
    let alias = b.typedef("inner_t", inner);
    let volatile = b.volatile(alias);
    b.structure("s", 64, &[field("in", volatile, 32)]);
    c.relo(ldx(W, 1, 6, 8), s, "0:1:1", BYTE_OFFSET);
    assert_eq!(c.run(), [ldx(W, 1, 6, 52)]);
}

/// The sign of a field that is no integer is 0; of an enum, its own.
#[test]
fn the_sign_of_a_field() {
    let build = |b: &mut BtfBuilder| {
        let signed = b.int("int", 4, SIGNED);
        let float = b.float("float", 4);
        let positive = b.enumeration("positive", 4, false, &[("P", 1)]);
        let negative = b.enumeration("negative", 4, true, &[("N", -1)]);
        let ptr = b.ptr(0);
        let inner = b.structure("inner", 4, &[field("x", signed, 0)]);
        b.structure(
            "s",
            32,
            &[
                field("signed", signed, 0),
                field("float", float, 4),
                field("positive", positive, 8),
                field("negative", negative, 12),
                field("ptr", ptr, 16),
                field("inner", inner, 24),
            ],
        )
    };
    let mut c = Case::little();
    let s = build(&mut c.local.btf);
    build(&mut c.target);
    let expected = [1, 0, 0, 1, 0, 0].map(|sign| mov(1, sign));
    for (i, insn) in expected.into_iter().enumerate() {
        c.relo(insn, s, &format!("0:{i}"), FIELD_SIGNED);
    }
    assert_eq!(c.run(), expected);
}

/// An offset that a load cannot hold is an error that says so.
#[test]
fn an_offset_over_32767_is_an_error() {
    for (offset, fits) in [(32767, true), (32768, false)] {
        let mut c = Case::little();
        let byte = c.local.btf.int("char", 1, UNSIGNED);
        let s = c.local.btf.structure("s", 1, &[field("far", byte, 0)]);
        let byte = c.target.int("char", 1, UNSIGNED);
        c.target
            .structure("s", 40000, &[field("far", byte, offset)]);
        c.relo(ldx(B, 1, 6, 0), s, "0:0", BYTE_OFFSET);
        match fits {
            true => assert_eq!(c.run(), [ldx(B, 1, 6, 32767)]),
            false => crate::case::assert_says(
                &c.fails(),
                &["program prog", "instruction 0", "32768", "far"],
            ),
        }
    }
}

/// Accesses whose width cannot change with the field, though both are unsigned:
/// the sign would be extended from another bit, a negative store would need upper
/// bytes that nobody wrote, an access to half of the field would miss it, and no
/// atomic operation is narrower than four bytes.
#[test]
fn accesses_that_cannot_change_their_width_are_poisoned() {
    let case = |local_size, target_size, insn: I| {
        let mut c = Case::little();
        let s = one_int(&mut c.local.btf, local_size, UNSIGNED, 0);
        one_int(&mut c.target, target_size, UNSIGNED, 16);
        c.relo(insn, s, "0:0", BYTE_OFFSET);
        c.run()
    };
    assert_eq!(case(4, 2, ldxs(W, 1, 6, 0)), [POISON]);
    assert_eq!(case(4, 8, st(W, 6, 0, -1)), [POISON]);
    assert_eq!(case(4, 8, ldx(H, 1, 6, 0)), [POISON]);
    assert_eq!(case(4, 2, atomic_add(W, 6, 1, 0)), [POISON]);
    // Their neighbours that can.
    assert_eq!(case(4, 8, st(W, 6, 0, 1)), [st(DW, 6, 16, 1)]);
    assert_eq!(case(8, 4, st(DW, 6, 0, -1)), [st(W, 6, 16, -1)]);
    assert_eq!(
        case(4, 8, atomic_add(W, 6, 1, 0)),
        [atomic_add(DW, 6, 1, 16)]
    );
}
