//! Essential names: what is a flavour and what is not.
//!
//! A flavour is what follows the last `___` that has a character other than `_`
//! on both sides; it is cut from local and target names alike.

use crate::case::{Case, u32_struct};
use crate::support::btf_ext::core::*;
use crate::support::insn::*;

/// Where field `x` of the local struct is found, if at all; the target has each
/// name with `x` at the offset given.
fn found(local: &str, target: &[(&str, u32)]) -> Option<i16> {
    let mut c = Case::little();
    let s = u32_struct(&mut c.local.btf, local, 4, &[("x", 0)]);
    for &(name, offset) in target {
        u32_struct(&mut c.target, name, offset + 4, &[("x", offset)]);
    }
    c.relo(ldx(W, 1, 6, 0), s, "0:0", BYTE_OFFSET);
    match c.run()[..] {
        [insn] if insn == POISON => None,
        [insn] => Some(insn.off),
        ref other => panic!("one instruction went in, {other:?} came out"),
    }
}

#[test]
fn a_flavour_is_cut_on_both_sides() {
    assert_eq!(found("s___old", &[("s", 8)]), Some(8));
    assert_eq!(found("s", &[("s___kernel", 12)]), Some(12));
    assert_eq!(found("s___a", &[("s___b", 16)]), Some(16));
}

/// parity, CO-RE: `a____b` and `___foo` are no flavours.
#[test]
fn four_underscores_and_leading_ones_are_no_flavours() {
    assert_eq!(found("a____b", &[("a", 4), ("a____b", 8)]), Some(8));
    assert_eq!(found("a____b", &[("a", 4)]), None);
    assert_eq!(found("a____b", &[("a_", 4), ("a____c", 8)]), None);
    assert_eq!(found("___foo", &[("foo", 4), ("___foo", 8)]), Some(8));
    assert_eq!(found("___foo", &[("foo", 4), ("___bar", 8)]), None);
    assert_eq!(found("a___", &[("a", 4), ("a___", 8)]), Some(8));
    assert_eq!(found("a__b", &[("a", 4), ("a__b", 8)]), Some(8));
}

/// parity, CO-RE: of several suffixes only the last is cut.
#[test]
fn several_suffixes() {
    // s___one___two is s___one, and so is s___one___x; s___one is s.
    let target = [("s", 4), ("s___one___x", 8)];
    assert_eq!(found("s___one___two", &target), Some(8));
    assert_eq!(found("s___one___two", &[("s", 4)]), None);
    assert_eq!(found("s___one___two", &[("s___one", 4)]), None);
}

#[test]
fn names_are_compared_whole() {
    assert_eq!(found("s", &[("st", 4), ("S", 8)]), None);
    assert_eq!(found("st", &[("s", 4)]), None);
}
