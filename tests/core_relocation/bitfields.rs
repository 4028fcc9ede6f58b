//! Bitfields: where they are read from, how wide, and how they are shifted.
//!
//! The rules of the kernel's relo_core.c: the load is as wide as the field's
//! declared type and aligned to itself; it doubles, up to eight bytes, until it
//! covers the field. Left shift: what is left of 64 bits above the field (little
//! endian), or the bytes that the load leaves plus the bits in front of the
//! field (big endian). Right shift: 64 minus the width.

use crate::case::{Case, assert_says};
use crate::support::btf::{BtfBuilder, Order, SIGNED, UNSIGNED, bitfield, field};
use crate::support::btf_ext::core::*;
use crate::support::insn::*;

/// A struct of one bitfield `f`, declared with an integer of `bytes`.
fn struct_of(b: &mut BtfBuilder, bytes: u32, encoding: u32, bit: u32, width: u32) -> u32 {
    let int = b.int("number", bytes, encoding);
    b.structure("s", 32, &[bitfield("f", int, bit, width)])
}

/// Asks for everything about the bitfield; the local values are those of `local`.
fn ask(c: &mut Case, s: u32, local: [i32; 5]) {
    let kinds = [BYTE_OFFSET, BYTE_SIZE, LSHIFT_U64, RSHIFT_U64, FIELD_SIGNED];
    for (value, kind) in local.into_iter().zip(kinds) {
        c.relo(mov(1, value), s, "0:0", kind);
    }
}

/// A bitfield of three bits at bit 0 of a u32, moved to bit 37, five bits wide.
#[test]
fn a_bitfield_that_moved_and_grew() {
    // Bit 37 lies in the second u32, at its bit 5.
    for (order, shift) in [(Order::Little, 64 - (5 + 5)), (Order::Big, 32 + 5)] {
        let mut c = Case::new(order);
        let s = struct_of(&mut c.local.btf, 4, UNSIGNED, 0, 3);
        struct_of(&mut c.target, 4, UNSIGNED, 37, 5);
        let local_shift = if order == Order::Little { 61 } else { 32 };
        ask(&mut c, s, [0, 4, local_shift, 61, 0]);
        let expected = [4, 4, shift, 64 - 5, 0].map(|value| mov(1, value));
        assert_eq!(c.run(), expected);
    }
}

/// parity, CO-RE: a packed bitfield that straddles: 16 bits at bit 12 of a u16
/// take a load of 4 bytes, not 2.
#[test]
fn a_packed_bitfield_that_straddles_its_type() {
    // 12 + 16 = 28 bits from byte 0. Big endian: four bytes are left out, 12 bits stand in front.
    for (order, shift) in [(Order::Little, 64 - 28), (Order::Big, 32 + 12)] {
        let mut c = Case::new(order);
        let s = struct_of(&mut c.local.btf, 2, UNSIGNED, 0, 16);
        struct_of(&mut c.target, 2, UNSIGNED, 12, 16);
        let local_shift = 48; // Two bytes at byte 0: 64 - 16, and 48 + 0.
        ask(&mut c, s, [0, 2, local_shift, 48, 0]);
        let expected = [0, 4, shift, 48, 0].map(|value| mov(1, value));
        assert_eq!(c.run(), expected);
    }
}

/// A straddling field whose aligned load moves back as it doubles: bits 60 to 67
/// of a u32 need eight bytes from byte 0 … and still do not fit: bits 64 to 67
/// lie behind them. No load can read it.
#[test]
fn a_bitfield_that_eight_bytes_cannot_cover() {
    let mut c = Case::little();
    let s = struct_of(&mut c.local.btf, 4, UNSIGNED, 0, 8);
    struct_of(&mut c.target, 4, UNSIGNED, 60, 8);
    c.relo(mov(1, 4), s, "0:0", BYTE_SIZE);
    assert_says(&c.fails(), &["program prog", "instruction 0", "struct s"]);
}

/// The load grows to eight bytes: 8 bits at bit 28 of a u32.
#[test]
fn a_bitfield_that_takes_eight_bytes() {
    for (order, shift) in [(Order::Little, 64 - 36), (Order::Big, 28)] {
        let mut c = Case::new(order);
        let s = struct_of(&mut c.local.btf, 4, UNSIGNED, 0, 8);
        struct_of(&mut c.target, 4, UNSIGNED, 28, 8);
        let local_shift = if order == Order::Little { 56 } else { 32 };
        ask(&mut c, s, [0, 4, local_shift, 56, 0]);
        let expected = [0, 8, shift, 56, 0].map(|value| mov(1, value));
        assert_eq!(c.run(), expected);
    }
}

/// BTF from before the kind flag says a bitfield's width by its integer type.
#[test]
fn bitfields_of_old_btf_have_their_width_in_the_integer() {
    let mut c = Case::little();
    let s = struct_of(&mut c.local.btf, 4, SIGNED, 0, 7);
    let int = c.target.int_bits("number", 4, SIGNED, 0, 7);
    let old = bitfield("f", int, 40, 0);
    c.target.structure("s", 8, &[old]);
    ask(&mut c, s, [0, 4, 57, 57, 1]);
    // Bits 40 to 46 lie in the u32 at byte 4, from its bit 8 on.
    let expected = [4, 4, 64 - (8 + 7), 57, 1].map(|value| mov(1, value));
    assert_eq!(c.run(), expected);
}

/// A plain field also has shifts: they bring it to the top of 64 bits and down again.
#[test]
fn shifts_of_a_plain_field() {
    // u16: little endian leaves 48 bits above; big endian loads 2 of 8 bytes: 48 too.
    for order in Order::BOTH {
        let plain = |b: &mut BtfBuilder, at| {
            let int = b.int("number", 2, UNSIGNED);
            b.structure("s", 32, &[field("f", int, at)])
        };
        let mut c = Case::new(order);
        let s = plain(&mut c.local.btf, 0);
        plain(&mut c.target, 6);
        ask(&mut c, s, [0, 2, 48, 48, 0]);
        assert_eq!(c.run(), [6, 2, 48, 48, 0].map(|value| mov(1, value)));
    }
}

/// A plain field that became a bitfield, and the reverse: a load of the one never
/// reads the other. Addresses and shifts are no loads.
#[test]
fn a_load_of_a_field_that_is_a_bitfield_on_one_side_only_is_poisoned() {
    let plain = |b: &mut BtfBuilder, bytes| {
        let int = b.int("number", bytes, UNSIGNED);
        b.structure("s", 32, &[field("f", int, 4)])
    };
    for bytes in [1, 4] {
        let mut c = Case::little();
        let s = plain(&mut c.local.btf, 4);
        struct_of(&mut c.target, bytes, UNSIGNED, 8, 3);
        c.relo(ldx(W, 1, 6, 4), s, "0:0", BYTE_OFFSET);
        c.relo(mov(1, 4), s, "0:0", BYTE_OFFSET);
        c.relo(mov(1, 4), s, "0:0", BYTE_SIZE);
        // The load of u32 at 0 holds bit 8; the one of u8 stands at byte 1.
        let offset = if bytes == 4 { 0 } else { 1 };
        assert_eq!(c.run(), [POISON, mov(1, offset), mov(1, bytes as i32)]);

        let mut c = Case::little();
        let s = struct_of(&mut c.local.btf, 4, UNSIGNED, 8, 3);
        plain(&mut c.target, bytes);
        c.relo(ldx(W, 1, 6, 0), s, "0:0", BYTE_OFFSET);
        c.relo(mov(1, 0), s, "0:0", BYTE_OFFSET);
        assert_eq!(c.run(), [POISON, mov(1, 4)]);
    }
}

/// Bitfield to bitfield: the load stays as wide as the compiler made it, which
/// the size relocations beside it have decided.
#[test]
fn loads_of_bitfields_keep_their_width() {
    let mut c = Case::little();
    let s = struct_of(&mut c.local.btf, 4, UNSIGNED, 0, 3);
    struct_of(&mut c.target, 8, UNSIGNED, 64 + 5, 3);
    for size in [B, H, W, DW] {
        c.relo(ldx(size, 1, 6, 0), s, "0:0", BYTE_OFFSET);
    }
    assert_eq!(c.run(), [B, H, W, DW].map(|size| ldx(size, 1, 6, 8)));
}

/// The local value of a bitfield's offset, size and left shift may differ from
/// what the instruction has (compilers disagree); its right shift and sign may not.
#[test]
fn a_bitfields_old_value_is_checked_where_it_is_never_ambiguous() {
    for (kind, checked) in [
        (BYTE_OFFSET, false),
        (BYTE_SIZE, false),
        (LSHIFT_U64, false),
        (RSHIFT_U64, true),
        (FIELD_SIGNED, true),
    ] {
        let mut c = Case::little();
        let s = struct_of(&mut c.local.btf, 4, UNSIGNED, 0, 3);
        struct_of(&mut c.target, 4, UNSIGNED, 0, 3);
        c.relo(mov(1, 77), s, "0:0", kind);
        let set = c.link();
        let error = crate::support::link::program(&set, "prog").error();
        assert_eq!(error.is_some(), checked, "kind {kind}: {error:?}");
    }
}
