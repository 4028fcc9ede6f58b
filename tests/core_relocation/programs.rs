//! Relocation and whole programs: each on its own, all or none.

use bpflink::link::{Choice, Programs};

use crate::case::{assert_says, u32_struct};
use crate::support::btf::{BtfBuilder, Order};
use crate::support::btf_ext::core::*;
use crate::support::elf::{GLOBAL, LOCAL};
use crate::support::insn::*;
use crate::support::link::*;
use crate::support::object::{Fun, Obj};

/// `s` with `b` at 20, and without `gone`.
fn kernel() -> BtfBuilder {
    let mut b = BtfBuilder::new(Order::Little);
    u32_struct(&mut b, "s", 24, &[("a", 0), ("b", 20)]);
    b
}

/// parity, instructions: poisoning a function's first instruction keeps its
/// symbol: it is still called, and func_info still names it.
#[test]
fn poisoning_a_functions_first_instruction_keeps_its_symbol() {
    let mut o = Obj::little();
    let s = u32_struct(&mut o.btf, "s", 8, &[("a", 0), ("gone", 4)]);
    let text = o.code(
        ".text",
        &[Fun("callee", GLOBAL, &[ldx(W, 0, 1, 4), exit()])],
    );
    o.core(&text, 0, s, "0:1", BYTE_OFFSET);
    let entry = o.code(
        "socket",
        &[Fun(
            "entry",
            GLOBAL,
            &[ldx(W, 2, 1, 4), call_fn(-1), exit()],
        )],
    );
    o.core(&entry, 0, s, "0:1", BYTE_OFFSET);
    o.call(&entry, 1, text.funs[0].0);
    let set = link_for(&opened(&o.build()), &target(&kernel()));
    let expected = [POISON, call_fn(1), exit(), POISON, exit()];
    assert_eq!(stream(&set, "entry"), expected);
    assert_eq!(function_names(&set, "entry"), ["entry", "callee"]);
    let ids = [(0, entry.funs[0].2), (3, text.funs[0].2)];
    assert_eq!(func_info(&set, "entry"), ids);
}

/// parity, calls: CO-RE records behind a dead weak body belong to the right instructions.
#[test]
fn records_behind_a_gap() {
    let mut o = Obj::little();
    let s = u32_struct(&mut o.btf, "s", 8, &[("a", 0), ("b", 4)]);
    let mut text = o.code(
        ".text",
        &[Fun("before", GLOBAL, &[ldx(W, 0, 1, 4), exit()])],
    );
    o.core(&text, 0, s, "0:1", BYTE_OFFSET);
    let dead = bytes(&[ldx(W, 0, 1, 4), exit()], Order::Little);
    o.elf.contents(text.sec).extend(dead);
    o.core(&text, 2, s, "0:1", BYTE_OFFSET);
    text.len += 2;
    let after = o.function(
        &mut text,
        "after",
        GLOBAL,
        &[mov(0, 0), ldx(W, 0, 1, 4), exit()],
    );
    o.core(&text, 5, s, "0:1", BYTE_OFFSET);
    let entry = o.code(
        "socket",
        &[Fun("entry", GLOBAL, &[call_fn(-1), call_fn(-1), exit()])],
    );
    o.call(&entry, 0, text.funs[0].0);
    o.call(&entry, 1, after);
    let set = link_for(&opened(&o.build()), &target(&kernel()));
    let expected = [
        call_fn(5), // before, at 6
        call_fn(1), // after, at 3
        exit(),
        mov(0, 0),
        ldx(W, 0, 1, 20),
        exit(),
        ldx(W, 0, 1, 20),
        exit(),
    ];
    assert_eq!(stream(&set, "entry"), expected);
}

/// Computes all fixups first, then applies all or none: a program that fails
/// stays as it was, the other is relocated.
#[test]
fn a_program_is_relocated_whole_or_not_at_all() {
    let mut o = Obj::little();
    let s = u32_struct(&mut o.btf, "s", 8, &[("a", 0), ("b", 4)]);
    let bad = [ldx(W, 1, 6, 4), ldx(W, 1, 6, 5), exit()];
    let code = o.code(
        "socket",
        &[
            Fun("bad", GLOBAL, &bad),
            Fun("good", GLOBAL, &[ldx(W, 1, 6, 4), exit()]),
        ],
    );
    for slot in [0, 1, 3] {
        o.core(&code, slot, s, "0:1", BYTE_OFFSET);
    }
    let mut set = Programs::split(&opened(&o.build())).unwrap();
    let verdict = set.relocate(&target(&kernel()), Default::default(), Choice::All);
    let error = verdict.unwrap_err();
    assert_eq!((error.site().insn, error.site().record), (Some(1), Some(1)));
    assert_says(&error.to_string(), &["program bad", "instruction 1"]);
    assert_eq!(failure(&set, "bad"), error.to_string());
    let offsets = |name| {
        program(&set, name)
            .instructions()
            .iter()
            .map(|i| i.off)
            .collect::<Vec<_>>()
    };
    assert_eq!(offsets("bad"), [4, 5, 0]);
    assert_eq!(offsets("good"), [20, 0]);
}

/// Without relocations no BTF of the target is looked at.
#[test]
fn without_relocations_no_kernel_is_asked() {
    let mut o = Obj::little();
    o.code("socket", &[Fun("entry", GLOBAL, &[mov(0, 0), exit()])]);
    let empty = target(&BtfBuilder::new(Order::Little));
    assert_eq!(
        stream(&link_for(&opened(&o.build()), &empty), "entry"),
        [mov(0, 0), exit()]
    );
}

/// CO-RE records of a function that two programs share are decided for each on
/// its own: `one` also reads `b`, `two` also reads `c`.
#[test]
fn each_program_chooses_its_own_layout() {
    let mut o = Obj::little();
    let s = u32_struct(&mut o.btf, "s", 12, &[("a", 0), ("b", 4), ("c", 8)]);
    let text = o.code(".text", &[Fun("shared", LOCAL, &[ldx(W, 0, 1, 0), exit()])]);
    o.core(&text, 0, s, "0:0", BYTE_OFFSET);
    let section = o.elf.section_symbol(text.sec);
    let code = o.code(
        "socket",
        &[
            Fun("one", GLOBAL, &[ldx(W, 2, 1, 4), call_fn(-1), exit()]),
            Fun("two", GLOBAL, &[ldx(W, 2, 1, 8), call_fn(-1), exit()]),
        ],
    );
    o.core(&code, 0, s, "0:1", BYTE_OFFSET);
    o.core(&code, 3, s, "0:2", BYTE_OFFSET);
    o.call(&code, 1, section);
    o.call(&code, 4, section);
    let mut b = BtfBuilder::new(Order::Little);
    u32_struct(&mut b, "s", 8, &[("a", 0), ("b", 4)]);
    u32_struct(&mut b, "s", 24, &[("a", 16), ("c", 20)]);
    let set = link_for(&opened(&o.build()), &target(&b));
    let one = [ldx(W, 2, 1, 4), call_fn(1), exit(), ldx(W, 0, 1, 0), exit()];
    assert_eq!(stream(&set, "one"), one);
    let two = [
        ldx(W, 2, 1, 20),
        call_fn(1),
        exit(),
        ldx(W, 0, 1, 16),
        exit(),
    ];
    assert_eq!(stream(&set, "two"), two);
}
