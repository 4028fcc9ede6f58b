//! Every class of instruction on its way from the file to bpf(2): nothing of it changes
//! but what a relocation is about, in both byte orders, wherever its function ends up.
//!
//! Opcodes and fields: Documentation/bpf/standardization/instruction-set.rst.

#[path = "support/running.rs"]
mod running;
mod support;

use bpflink::Target;
use bpflink::link::{Choice, FinalizeOptions, Programs};
use bpflink::target::KernelRelease;
use running::{NATIVE, linked_for, may_load};
use support::btf::{BtfBuilder, Order, UNSIGNED, field};
use support::clang::compile;
use support::elf::{GLOBAL, LOCAL};
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};

const SIZES: [u8; 4] = [B, H, W, DW];
/// Without and with the old value in return; exchange and compare-and-exchange.
const ATOMICS: [i32; 10] = [0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1];
const LOAD_ACQUIRE: i32 = 0x100;
const STORE_RELEASE: i32 = 0x110;

fn atomic(size: u8, operation: i32) -> I {
    I::new(0xc3 | size, 6, 1, 4, operation)
}

fn arithmetic() -> Vec<I> {
    let mut all = Vec::new();
    for class in [0x04, 0x07] {
        for operation in 0x0..=0xc {
            let code = class | operation << 4;
            match operation {
                0x8 => all.push(I::new(code, 3, 0, 0, 0)),
                _ => {
                    all.extend([7, -1, i32::MIN].map(|imm| I::new(code, 3, 0, 0, imm)));
                    all.push(I::new(code | 8, 3, 4, 0, 0));
                }
            }
        }
        // Signed division and modulo, by `off`.
        for operation in [0x30, 0x90] {
            all.push(I::new(class | operation, 3, 0, 1, -5));
            all.push(I::new(class | operation | 8, 3, 4, 1, 0));
        }
        // Sign-extending moves of 8, 16 and, in 64 bits, 32 bits.
        all.extend([8, 16].map(|bits| I::new(class | 0xb8, 3, 4, bits, 0)));
    }
    all.push(I::new(0xbf, 3, 4, 32, 0));
    // Byte swaps: to little endian, to big endian, in any case.
    for code in [0xd4, 0xdc, 0xd7] {
        all.extend([16, 32, 64].map(|bits| I::new(code, 3, 0, 0, bits)));
    }
    // addr_space_cast into the arena and out of it.
    all.extend([1, 1 << 16].map(|spaces| I::new(0xbf, 3, 4, 1, spaces)));
    all
}

fn memory() -> Vec<I> {
    let mut all = Vec::new();
    for size in SIZES {
        for off in [0, 8, -16, i16::MIN, i16::MAX] {
            all.push(ldx(size, 3, 6, off));
            all.push(st(size, 6, off, -7));
            all.push(stx(size, 6, 3, off));
            if size != DW {
                all.push(ldxs(size, 3, 6, off));
            }
        }
        all.extend([LOAD_ACQUIRE, STORE_RELEASE].map(|op| atomic(size, op)));
        // Packet access of old.
        if size != DW {
            all.push(I::new(0x20 | size, 0, 0, 0, 14));
            all.push(I::new(0x40 | size, 0, 3, 0, 14));
        }
    }
    for size in [W, DW] {
        all.extend(ATOMICS.map(|operation| atomic(size, operation)));
    }
    all.extend(ld64(3, 0, i32::MIN, 0x1234_5678));
    // The second slot is no instruction, whatever it holds.
    all.extend([I::new(0x18, 3, 0, 0, 1), I::new(0, 0, 0, 0, 0x0000_1085)]);
    all
}

fn jumps() -> Vec<I> {
    let mut all = vec![ja(3), ja(-4)];
    for class in [0x05, 0x06] {
        for operation in [0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0xa, 0xb, 0xc, 0xd] {
            let code = class | operation << 4;
            all.extend([5, -6].map(|off| I::new(code, 1, 0, off, -2)));
            // Source register 1 is no function here, as it is in a call.
            all.push(I::new(code | 8, 1, 1, 2, 0));
        }
    }
    // gotol: the distance stands where a call has its own.
    all.extend([1, -1, 70_000, i32::MIN].map(|far| I::new(0x06, 0, 0, 0, far)));
    // may_goto.
    all.extend([2, -3].map(|off| I::new(0xe5, 0, 0, off, 0)));
    // Helpers by their number.
    all.extend([1, 5, 211].map(call));
    all
}

fn every_instruction() -> Vec<I> {
    [arithmetic(), memory(), jumps(), vec![exit()]].concat()
}

/// The same body as a program and as a function that is moved.
#[test]
fn instructions_that_nothing_relocates_do_not_change() {
    let body = every_instruction();
    for order in Order::BOTH {
        let mut o = Obj::new(order);
        let text = o.code(
            ".text",
            &[
                Fun("unused", LOCAL, &[mov(0, 0), exit()]),
                Fun("moved", GLOBAL, &body),
            ],
        );
        let whole = [&[call_fn(-1)][..], &body].concat();
        let entry = o.code("socket", &[Fun("entry", GLOBAL, &whole)]);
        o.call(&entry, 0, text.funs[1].0);
        let object = opened(&o.build());
        let target = bare_target(order);
        let distance = whole.len() as i32 - 1;
        let expected = [&[call_fn(distance)][..], &body, &body].concat();
        for flatten_first in [true, false] {
            let mut set = Programs::split(&object).unwrap();
            if flatten_first {
                set.flatten(Choice::All).unwrap();
            }
            set.relocate(&target, Default::default(), Choice::All)
                .unwrap();
            set.flatten(Choice::All).unwrap();
            set.finalize(&target, FinalizeOptions::default(), Choice::All)
                .unwrap();
            let all = all_stand(set);
            let found = program(&all, "entry").bytes().unwrap();
            assert!(
                found == bytes(&expected, order),
                "{order:?}, {flatten_first}"
            );
        }
    }
}

/// A struct whose field moves from 4 to 20 and is `from` and `to` bytes wide.
fn field_moves(o: &mut Obj, from: u32, to: u32) -> (u32, BtfBuilder) {
    let number = |b: &mut BtfBuilder, size| b.int("number", size, UNSIGNED);
    let local = number(&mut o.btf, from);
    let local = o.btf.structure("s", 4 + from, &[field("f", local, 4)]);
    let mut kernel = BtfBuilder::new(o.order);
    let remote = number(&mut kernel, to);
    kernel.structure("s", 20 + to, &[field("f", remote, 20)]);
    (local, kernel)
}

/// What becomes of instructions that access the field, in a function that is moved.
fn relocated(order: Order, (from, to): (u32, u32), accesses: &[I]) -> Vec<I> {
    let mut o = Obj::new(order);
    let (local, kernel) = field_moves(&mut o, from, to);
    let body = [accesses, &[exit()]].concat();
    let text = o.code(".text", &[Fun("moved", LOCAL, &body)]);
    let section = o.elf.section_symbol(text.sec);
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &[call_fn(-1), exit()])]);
    o.call(&entry, 0, section);
    for slot in 0..accesses.len() as u32 {
        o.core(&text, slot, local, "0:0", 0);
    }
    let set = all_stand(link_for(&opened(&o.build()), &target(&kernel)));
    let stream = stream(&set, "entry");
    stream[2..2 + accesses.len()].to_vec()
}

#[test]
fn every_access_to_memory_gets_the_offset_of_its_field() {
    for order in Order::BOTH {
        for (size, width) in SIZES.into_iter().zip([1, 2, 4, 8]) {
            let mut accesses = vec![ldx(size, 3, 6, 4), st(size, 6, 4, -7), stx(size, 6, 3, 4)];
            accesses.extend([LOAD_ACQUIRE, STORE_RELEASE].map(|op| atomic(size, op)));
            if size != DW {
                accesses.push(ldxs(size, 3, 6, 4));
            }
            if width >= 4 {
                accesses.extend(ATOMICS.map(|op| atomic(size, op)));
            }
            let expected: Vec<I> = accesses.iter().map(|insn| insn.off(20)).collect();
            let found = relocated(order, (width, width), &accesses);
            assert_eq!(found, expected, "{order:?}, {width} bytes");
        }
    }
}

/// Loads and stores follow an unsigned field's width, ordered ones too; where the result
/// has to be signed, or an atomic operation would be too narrow, they are poisoned.
#[test]
fn accesses_of_a_field_that_changes_its_width() {
    let ordered = |size| [LOAD_ACQUIRE, STORE_RELEASE].map(|op| atomic(size, op));
    for order in Order::BOTH {
        let found = relocated(order, (4, 8), &ordered(W));
        assert_eq!(found, ordered(DW).map(|insn| insn.off(20)));
        let found = relocated(order, (8, 1), &ordered(DW));
        assert_eq!(found, ordered(B).map(|insn| insn.off(20)));
        let operations = ATOMICS.map(|op| atomic(W, op));
        let found = relocated(order, (4, 8), &operations);
        assert_eq!(found, ATOMICS.map(|op| atomic(DW, op).off(20)));
        assert_eq!(relocated(order, (4, 2), &operations), [POISON; 10]);
        assert_eq!(relocated(order, (4, 8), &[ldxs(W, 3, 6, 4)]), [POISON]);
    }
}

/// The running kernel's word: what clang makes of the newest instruction set gives the
/// same numbers after its functions have been moved.
#[test]
fn the_newest_instructions_run() {
    let Some(bytes) = compile("instructions", NATIVE, &["-mcpu=v4"]) else {
        return;
    };
    // Its bytes of instructions are little-endian ones.
    if NATIVE == Order::Big || !may_load() {
        return;
    }
    let kernel = Target::running();
    if kernel.release() < Some(KernelRelease::new(6, 15, 0)) {
        return support::skip::skip("load-acquire and store-release (Linux 6.15)");
    }
    let loaded = linked_for(&opened(&bytes), &kernel).unwrap();
    let codes: Vec<u8> = stream(&loaded.set, "all").iter().map(|i| i.code).collect();
    // Signed division, sign-extending load, byte swap, gotol, fetch, 32-bit jump: all there.
    for code in [0x3f, 0x9f, 0x91, 0xbf, 0xd7, 0x06, 0xdb, 0xe5, 0x56] {
        assert!(codes.contains(&code), "{code:#x} in {codes:x?}");
    }
    assert_eq!(loaded.run("all"), Ok(511), "a bit for each answer");
}
