//! Arrays: dimensions, bounds, flexible and zero-length arrays.

use crate::case::{Case, assert_says, u32_type};
use crate::support::btf::{BtfBuilder, UNSIGNED, field};
use crate::support::btf_ext::core::*;
use crate::support::insn::*;

/// `struct s { u32 head; u32 list[count]; }`, followed by `tail` where there is one.
fn listed(b: &mut BtfBuilder, at: u32, count: u32, tail: bool) -> u32 {
    let int = u32_type(b);
    let list = b.array(int, int, count);
    let mut fields = vec![field("head", int, 0), field("list", list, at)];
    if tail {
        fields.push(field("tail", int, at + 4 * count));
    }
    b.structure("s", at + 4 * (count + 1), &fields)
}

/// parity, CO-RE: multi-dimensional sizes.
#[test]
fn arrays_of_arrays() {
    let matrix = |b: &mut BtfBuilder, rows: u32, columns: u32, at: u32| {
        let int = u32_type(b);
        let row = b.array(int, int, columns);
        let all = b.array(row, int, rows);
        b.structure("s", at + 4 * rows * columns, &[field("m", all, at)])
    };
    let mut c = Case::little();
    let s = matrix(&mut c.local.btf, 2, 3, 0);
    matrix(&mut c.target, 4, 5, 8);
    c.relo(ldx(W, 1, 6, 12 + 8), s, "0:0:1:2", BYTE_OFFSET);
    c.relo(mov(1, 24), s, "0:0", BYTE_SIZE);
    c.relo(mov(1, 12), s, "0:0:1", BYTE_SIZE);
    c.relo(mov(1, 24), s, "0", TYPE_SIZE);
    let expected = [
        ldx(W, 1, 6, 8 + 20 + 8),
        mov(1, 80),
        mov(1, 20),
        mov(1, 8 + 80),
    ];
    assert_eq!(c.run(), expected);
}

/// What a load from an array of arrays moves is one of its innermost elements, however many.
#[test]
fn loads_from_arrays_of_arrays_keep_their_width() {
    let matrix = |b: &mut BtfBuilder, rows: u32, columns: u32, size: u32| {
        let int = b.int("number", size, UNSIGNED);
        let row = b.array(int, int, columns);
        let all = b.array(row, int, rows);
        b.structure("s", 8 + size * rows * columns, &[field("m", all, 8)])
    };
    for (size, expected) in [(4, ldx(W, 1, 6, 8)), (8, POISON)] {
        let mut c = Case::little();
        let s = matrix(&mut c.local.btf, 2, 3, 4);
        matrix(&mut c.target, 4, 5, size);
        c.relo(ldx(W, 1, 6, 8), s, "0:0", BYTE_OFFSET);
        assert_eq!(c.run(), [expected], "{size}");
    }
}

/// parity, CO-RE: an index past the end of the target's array is no match; past
/// the end of the local one, the record is wrong.
#[test]
fn an_index_past_the_end() {
    let mut c = Case::little();
    let s = listed(&mut c.local.btf, 4, 4, false);
    listed(&mut c.target, 4, 2, false);
    c.relo(ldx(W, 1, 6, 8), s, "0:1:1", BYTE_OFFSET);
    c.relo(ldx(W, 1, 6, 16), s, "0:1:3", BYTE_OFFSET);
    c.relo(mov(1, 1), s, "0:1:3", FIELD_EXISTS);
    assert_eq!(c.run(), [ldx(W, 1, 6, 8), POISON, mov(1, 0)]);

    let mut c = Case::little();
    let s = listed(&mut c.local.btf, 4, 4, false);
    listed(&mut c.target, 4, 9, false);
    c.relo(ldx(W, 1, 6, 20), s, "0:1:4", BYTE_OFFSET);
    assert_says(&c.fails(), &["program prog", "instruction 0", "4"]);
}

/// parity, CO-RE: flexible arrays at index ≥ 1, on either side.
#[test]
fn flexible_arrays_at_any_index() {
    for (local_count, target_count) in [(0, 0), (0, 8), (8, 0)] {
        let mut c = Case::little();
        let s = listed(&mut c.local.btf, 4, local_count, false);
        listed(&mut c.target, 24, target_count, false);
        c.relo(ldx(W, 1, 6, 4), s, "0:1:0", BYTE_OFFSET);
        c.relo(ldx(W, 1, 6, 4 + 5 * 4), s, "0:1:5", BYTE_OFFSET);
        assert_eq!(c.run(), [ldx(W, 1, 6, 24), ldx(W, 1, 6, 24 + 5 * 4)]);
    }
}

/// parity, CO-RE: a zero-length array that is not the last member is no flexible
/// array: it has an address and no elements.
#[test]
fn zero_length_arrays_inside() {
    let mut c = Case::little();
    let s = listed(&mut c.local.btf, 4, 2, true);
    listed(&mut c.target, 16, 0, true);
    c.relo(mov(1, 4), s, "0:1", BYTE_OFFSET);
    c.relo(ldx(W, 1, 6, 8), s, "0:1:1", BYTE_OFFSET);
    c.relo(ldx(W, 1, 6, 12), s, "0:2", BYTE_OFFSET);
    assert_eq!(c.run(), [mov(1, 16), POISON, ldx(W, 1, 6, 16)]);
}

/// The first index counts whole structs of the target's size.
#[test]
fn the_first_index_counts_whole_structs() {
    let mut c = Case::little();
    let s = listed(&mut c.local.btf, 4, 1, false); // 12 bytes
    listed(&mut c.target, 20, 1, false); // 28 bytes
    c.relo(ldx(W, 1, 6, 2 * 12), s, "2:0", BYTE_OFFSET);
    assert_eq!(c.run(), [ldx(W, 1, 6, 2 * 28)]);
}

/// Structs inside an array scale by the target's size.
#[test]
fn structs_inside_an_array() {
    let build = |b: &mut BtfBuilder, size: u32, at: u32| {
        let int = u32_type(b);
        let inner = b.structure("inner", size, &[field("x", int, size - 4)]);
        let array = b.array(inner, int, 3);
        b.structure("s", at + 3 * size, &[field("items", array, at)])
    };
    let mut c = Case::little();
    let s = build(&mut c.local.btf, 8, 0);
    build(&mut c.target, 20, 8);
    c.relo(ldx(W, 1, 6, 2 * 8 + 4), s, "0:0:2:0", BYTE_OFFSET);
    assert_eq!(c.run(), [ldx(W, 1, 6, 8 + 2 * 20 + 16)]);
}
