//! Which instructions are patched, which are poisoned, and which are refused.

use crate::case::{Case, assert_says, u32_struct};
use crate::support::btf::Order;
use crate::support::btf_ext::core::*;
use crate::support::insn::*;

/// Field `b` of `s`, at 4 locally and at 20 in the target.
fn moved(order: Order) -> (Case, u32) {
    let mut c = Case::new(order);
    let s = u32_struct(&mut c.local.btf, "s", 8, &[("a", 0), ("b", 4)]);
    u32_struct(&mut c.target, "s", 24, &[("a", 0), ("b", 20)]);
    (c, s)
}

/// Every class that can be patched: loads and stores, sign-extending and atomic
/// ones too, by their offset; arithmetic and 64-bit loads by their immediate.
#[test]
fn every_patchable_class() {
    for order in Order::BOTH {
        let (mut c, s) = moved(order);
        let add32 = I::new(0x04, 1, 0, 0, 4);
        let pairs = [
            (ldx(W, 1, 6, 4), ldx(W, 1, 6, 20)),
            (ldxs(W, 1, 6, 4), ldxs(W, 1, 6, 20)),
            (st(W, 6, 4, 9), st(W, 6, 20, 9)),
            (stx(W, 6, 1, 4), stx(W, 6, 1, 20)),
            (atomic_add(W, 6, 1, 4), atomic_add(W, 6, 1, 20)),
            (mov(1, 4), mov(1, 20)),
            (mov32(1, 4), mov32(1, 20)),
            (add(1, 4), add(1, 20)),
            (add32, add32.imm(20)),
        ];
        for (before, _) in pairs {
            c.relo(before, s, "0:1", BYTE_OFFSET);
        }
        c.relo64(ld64(1, 0, 4, 0), s, "0:1", BYTE_OFFSET);
        let mut expected = pairs.map(|(_, after)| after).to_vec();
        expected.extend(ld64(1, 0, 20, 0));
        assert_eq!(c.run(), expected);
    }
}

/// Everything else is an error that names the instruction.
#[test]
fn instructions_that_cannot_be_patched() {
    let refused = [
        mov_reg(1, 2),            // no immediate
        I::new(0xd4, 1, 0, 0, 4), // byte swap, to little endian
        I::new(0xdc, 1, 0, 0, 4), // byte swap, to big endian
        I::new(0xd7, 1, 0, 0, 4), // unconditional byte swap
        ja(4),
        I::new(0x15, 1, 0, 0, 4), // conditional jump
        call(4),
        exit(),
    ];
    for insn in refused {
        let (mut c, s) = moved(Order::Little);
        c.insn(mov(0, 0));
        c.relo(insn, s, "0:1", BYTE_OFFSET);
        assert_says(&c.fails(), &["program prog", "instruction 1"]);
    }
}

/// parity, instructions: the `off` field of ALU instructions survives: signed
/// division and modulo, sign-extending moves, address space casts.
#[test]
fn the_offset_of_alu_instructions_survives() {
    for order in Order::BOTH {
        let (mut c, s) = moved(order);
        let signed_division = I::new(0x37, 1, 0, 1, 4);
        let signed_modulo = I::new(0x97, 1, 0, 1, 4);
        let sign_extending_move = I::new(0xbf, 1, 2, 8, 0);
        let address_space_cast = I::new(0xbf, 1, 2, 1, 1 << 16);
        c.relo(signed_division, s, "0:1", BYTE_OFFSET);
        c.relo(signed_modulo, s, "0:1", BYTE_OFFSET);
        c.insn(sign_extending_move);
        c.insn(address_space_cast);
        let expected = [
            signed_division.imm(20),
            signed_modulo.imm(20),
            sign_extending_move,
            address_space_cast,
        ];
        assert_eq!(c.run(), expected);
    }
}

/// The value that the compiler wrote must be the local one.
#[test]
fn an_old_value_that_is_not_the_local_one_is_an_error() {
    let (mut c, s) = moved(Order::Little);
    c.relo(ldx(W, 1, 6, 8), s, "0:1", BYTE_OFFSET);
    assert_says(&c.fails(), &["program prog", "instruction 0", "8", "4"]);
    let (mut c, s) = moved(Order::Little);
    c.relo64(ld64(1, 0, 4, 1), s, "0:1", BYTE_OFFSET);
    assert_says(&c.fails(), &["program prog", "instruction 0"]);
}

/// A flag makes what would be poison an error.
#[test]
fn poison_as_an_error() {
    let mut c = Case::little();
    let s = u32_struct(&mut c.local.btf, "s", 8, &[("a", 0), ("gone", 4)]);
    u32_struct(&mut c.target, "s", 4, &[("a", 0)]);
    c.options.poison_is_error = true;
    c.relo(mov(1, 1), s, "0:1", FIELD_EXISTS);
    assert_eq!(c.run(), [mov(1, 0)]);
    c.relo(ldx(W, 1, 6, 4), s, "0:1", BYTE_OFFSET);
    assert_says(
        &c.fails(),
        &["program prog", "instruction 1", "struct s", "gone"],
    );
}

/// Both slots of a 64-bit load are poisoned.
#[test]
fn both_slots_of_a_64_bit_load_are_poisoned() {
    for order in Order::BOTH {
        let mut c = Case::new(order);
        let s = u32_struct(&mut c.local.btf, "s", 8, &[("a", 0), ("gone", 4)]);
        u32_struct(&mut c.target, "s", 4, &[("a", 0)]);
        c.relo64(ld64(1, 0, 4, 0), s, "0:1", BYTE_OFFSET);
        assert_eq!(c.run(), [POISON, POISON]);
    }
}
