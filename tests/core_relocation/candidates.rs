//! Several types of one name: one local type gets one layout, or the error says
//! that the choice is ambiguous. Never a mixture, never the order of records.

use std::sync::Arc;

use bpflink::Target;
use bpflink::btf::Btf;
use bpflink::target::TargetBuilder;

use crate::case::{Case, assert_says, u32_struct};
use crate::support::btf::{BtfBuilder, Order, UNSIGNED, field};
use crate::support::btf_ext::core::*;
use crate::support::insn::*;
use crate::support::link::{btf, failure, program, stream};

/// Two layouts of `s`: {a at 0, b at 4} and {a at 16, c at 20}.
fn two_layouts() -> (Case, u32) {
    let mut c = Case::little();
    let local = [("a", 0), ("b", 4), ("c", 8)];
    let s = u32_struct(&mut c.local.btf, "s", 12, &local);
    u32_struct(&mut c.target, "s", 8, &[("a", 0), ("b", 4)]);
    u32_struct(&mut c.target, "s", 24, &[("a", 16), ("c", 20)]);
    (c, s)
}

/// The records of fields `a`, `b`, `c` by their number, in the order given.
fn ask(c: &mut Case, s: u32, fields: &[u32]) {
    for &f in fields {
        c.relo(
            ldx(W, f as u8, 6, 4 * f as i16),
            s,
            &format!("0:{f}"),
            BYTE_OFFSET,
        );
    }
}

/// parity, CO-RE: two same-named kernel types, never a mixture of their layouts;
/// the same for every order of relocations.
#[test]
fn the_layout_that_leaves_the_fewest_unresolved_is_taken_whole() {
    for fields in [[0, 1], [1, 0]] {
        for reversed in [false, true] {
            let (mut c, s) = two_layouts();
            ask(&mut c, s, &fields);
            if reversed {
                c.reverse_records();
            }
            let expected = fields.map(|f| ldx(W, f as u8, 6, 4 * f as i16));
            assert_eq!(c.run(), expected);
        }
    }
    for fields in [[0, 2], [2, 0]] {
        let (mut c, s) = two_layouts();
        ask(&mut c, s, &fields);
        let expected = fields.map(|f| ldx(W, f as u8, 6, 16 + 2 * f as i16));
        assert_eq!(c.run(), expected);
    }
}

/// Candidates that tie with different results are an error that names both.
#[test]
fn a_tie_with_different_results_is_ambiguous() {
    for fields in [&[0][..], &[0, 1, 2], &[2, 1, 0]] {
        let (mut c, s) = two_layouts();
        ask(&mut c, s, fields);
        let int = 1; // The first type of the target; the structs are 2 and 4.
        assert_eq!(int, 1);
        assert_says(
            &c.fails(),
            &["program prog", "ambiguous", "struct s", "2", "4"],
        );
    }
}

/// Candidates that tie with equal results are no trouble.
#[test]
fn a_tie_with_equal_results_stands() {
    let mut c = Case::little();
    let s = u32_struct(&mut c.local.btf, "s", 8, &[("a", 0), ("b", 4)]);
    u32_struct(&mut c.target, "s", 24, &[("a", 12), ("other", 16)]);
    u32_struct(&mut c.target, "s", 32, &[("a", 12), ("more", 24)]);
    c.relo(ldx(W, 1, 6, 0), s, "0:0", BYTE_OFFSET);
    c.relo(ldx(W, 1, 6, 4), s, "0:1", BYTE_OFFSET);
    assert_eq!(c.run(), [ldx(W, 1, 6, 12), POISON]);
}

/// Where no candidate has the field, all are poison: no ambiguity.
#[test]
fn no_candidate_has_the_field() {
    let mut c = Case::little();
    let s = u32_struct(&mut c.local.btf, "s", 8, &[("gone", 0)]);
    u32_struct(&mut c.target, "s", 4, &[("a", 0)]);
    u32_struct(&mut c.target, "s", 8, &[("b", 4)]);
    c.relo(ldx(W, 1, 6, 0), s, "0:0", BYTE_OFFSET);
    assert_eq!(c.run(), [POISON]);
}

/// Two local types of one essential name are decided on their own.
#[test]
fn flavours_choose_on_their_own() {
    let mut c = Case::little();
    let first = u32_struct(&mut c.local.btf, "s", 8, &[("a", 0), ("b", 4)]);
    let second = u32_struct(&mut c.local.btf, "s___other", 8, &[("a", 0), ("c", 4)]);
    u32_struct(&mut c.target, "s", 8, &[("a", 0), ("b", 4)]);
    u32_struct(&mut c.target, "s", 24, &[("a", 16), ("c", 20)]);
    for s in [first, second] {
        c.relo(ldx(W, 1, 6, 0), s, "0:0", BYTE_OFFSET);
        c.relo(ldx(W, 1, 6, 4), s, "0:1", BYTE_OFFSET);
    }
    let expected = [0, 4, 16, 20].map(|off| ldx(W, 1, 6, off));
    assert_eq!(c.run(), expected);
}

/// The libbpf rule: every matching candidate must agree, relocation by relocation. Here a is
/// in both layouts, at different offsets.
#[test]
fn under_the_libbpf_rule_all_that_match_must_agree() {
    let (mut c, s) = two_layouts();
    c.options.libbpf_candidates = true;
    ask(&mut c, s, &[0, 1]);
    assert_says(&c.fails(), &["program prog", "ambiguous", "struct s"]);
    // b is in the first one alone.
    let (mut c, s) = two_layouts();
    c.options.libbpf_candidates = true;
    ask(&mut c, s, &[1, 1]);
    assert_eq!(c.run(), [ldx(W, 1, 6, 4); 2]);
}

/// The kernel's case nesting___err_partial_match_dups: b is in the first layout alone, c in the
/// second alone. libbpf poisons the later one; no rule takes one field from each.
#[test]
fn under_the_libbpf_rule_two_layouts_are_not_mixed_either() {
    for fields in [[1, 2], [2, 1]] {
        let (mut c, s) = two_layouts();
        c.options.libbpf_candidates = true;
        ask(&mut c, s, &fields);
        assert_says(&c.fails(), &["program prog", "ambiguous", "struct s"]);
    }
}

/// A kernel of the other byte order than the object's answers nothing: that is an error.
#[test]
fn a_kernel_of_the_other_byte_order() {
    for (one, other) in [(Order::Little, Order::Big), (Order::Big, Order::Little)] {
        let mut c = Case::new(one);
        let s = u32_struct(&mut c.local.btf, "s", 4, &[("a", 0)]);
        c.relo(ldx(W, 1, 6, 0), s, "0:0", BYTE_OFFSET);
        c.target = BtfBuilder::new(other);
        u32_struct(&mut c.target, "s", 4, &[("a", 0)]);
        assert_says(&c.fails(), &["program prog", "instruction 0", "byte order"]);
    }
}

/// A kernel with modules, each of which has `s` with `a` at an offset; `None` for
/// a vmlinux without `s`.
fn with_modules(vmlinux: Option<u32>, modules: &[(&str, u32)]) -> Target {
    let mut base = BtfBuilder::new(Order::Little);
    base.int("unrelated", 4, UNSIGNED);
    if let Some(offset) = vmlinux {
        u32_struct(&mut base, "s", offset + 4, &[("a", offset)]);
    }
    let vmlinux = btf(&base);
    let mut builder = TargetBuilder::new().vmlinux(vmlinux.clone());
    for &(name, offset) in modules {
        let mut split = BtfBuilder::split_over(&base);
        u32_struct(&mut split, "s", offset + 4, &[("a", offset)]);
        let module = Btf::parse(split.build(), Some(vmlinux.clone())).unwrap();
        builder = builder.module(name, Arc::new(module));
    }
    builder.build().unwrap()
}

/// A program that reads `s.a`.
fn reader() -> Case {
    let mut c = Case::little();
    let s = u32_struct(&mut c.local.btf, "s", 4, &[("a", 0)]);
    c.relo(ldx(W, 1, 6, 0), s, "0:0", BYTE_OFFSET);
    c
}

/// vmlinux comes first; modules are looked at only when it has no candidate.
#[test]
fn modules_come_after_vmlinux() {
    let offset = |target: &Target| stream(&reader().link_for(target), "prog")[0].off;
    assert_eq!(offset(&with_modules(Some(8), &[("one", 16)])), 8);
    assert_eq!(offset(&with_modules(None, &[("one", 16)])), 16);
    assert_eq!(offset(&with_modules(None, &[("one", 16), ("two", 16)])), 16);
}

/// A type id counts in the BTF of one module: the report names it.
#[test]
fn a_report_says_which_module_answered() {
    let answered = |target: &Target| {
        let set = reader().link_for(target);
        let relocations: Vec<_> = program(&set, "prog").relocations().collect();
        let report = relocations[0].report;
        let module = report.target_module().map(|name| name.to_string());
        (module, report.target_type(), report.target_text().unwrap())
    };
    // `unrelated` is [1]; vmlinux may have u32 and s behind it, and the module goes on.
    let (module, id, text) = answered(&with_modules(None, &[("one", 16)]));
    assert_eq!((module.as_deref(), id), (Some("one"), Some(3)));
    assert!(text.ends_with("[id 3] of module one"), "{text}");
    let (module, id, text) = answered(&with_modules(Some(8), &[("one", 16)]));
    assert_eq!((module.as_deref(), id), (None, Some(3)));
    assert!(text.ends_with("[id 3] of vmlinux"), "{text}");
}

/// Two modules that disagree are ambiguous, whatever their order; the error
/// names both.
#[test]
fn two_modules_that_disagree() {
    for modules in [[("one", 16), ("two", 24)], [("two", 24), ("one", 16)]] {
        let set = reader().link_for(&with_modules(None, &modules));
        assert_says(
            &failure(&set, "prog"),
            &["ambiguous", "module one", "module two"],
        );
    }
}

/// A module's type ids count on from those of vmlinux.
#[test]
fn a_field_of_a_modules_type_that_vmlinux_defines() {
    let mut base = BtfBuilder::new(Order::Little);
    let inner = u32_struct(&mut base, "inner", 16, &[("x", 12)]);
    let vmlinux = btf(&base);
    let mut split = BtfBuilder::split_over(&base);
    split.structure("s", 36, &[field("in", inner, 20)]);
    let module = Btf::parse(split.build(), Some(vmlinux.clone())).unwrap();
    let target = TargetBuilder::new()
        .vmlinux(vmlinux)
        .module("one", Arc::new(module));
    let mut c = Case::little();
    let inner = u32_struct(&mut c.local.btf, "inner", 4, &[("x", 0)]);
    let s = c.local.btf.structure("s", 4, &[field("in", inner, 0)]);
    c.relo(ldx(W, 1, 6, 0), s, "0:0:0", BYTE_OFFSET);
    let set = c.link_for(&target.build().unwrap());
    assert_eq!(stream(&set, "prog")[0], ldx(W, 1, 6, 32));
}
