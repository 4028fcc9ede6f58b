//! Types that no compiler writes, on either side: an error that says so, or a
//! result; never a hang, never a deep stack.

use crate::case::{Case, assert_says, u32_struct, u32_type};
use crate::support::btf::{BtfBuilder, Field, UNSIGNED, bitfield, field};
use crate::support::btf_ext::core::*;
use crate::support::insn::*;
use crate::support::link::{program, stream};
use crate::support::time::bounded;

/// Links within bounds: the message that the program fails with, or what comes out.
fn outcome(c: Case) -> Result<Vec<I>, String> {
    bounded(move || {
        let set = c.link();
        match program(&set, "prog").error() {
            Some(error) => Err(error.to_string()),
            None => Ok(stream(&set, "prog")),
        }
    })
}

/// A case about the types that `make` adds to the object; the target has `s { a }`.
fn local_case(make: impl FnOnce(&mut BtfBuilder) -> u32, access: &str, kind: u32) -> Case {
    let mut c = Case::little();
    let root = make(&mut c.local.btf);
    u32_struct(&mut c.target, "s", 4, &[("a", 0)]);
    c.relo(mov(1, 0), root, access, kind);
    c
}

/// The same for the target's types; the object has `s { a }`.
fn target_case(make: impl FnOnce(&mut BtfBuilder) -> u32, kind: u32) -> Case {
    let mut c = Case::little();
    let s = u32_struct(&mut c.local.btf, "s", 4, &[("a", 0)]);
    make(&mut c.target);
    let (value, access) = match kind {
        BYTE_SIZE => (4, "0:0"),
        FIELD_EXISTS => (1, "0:0"),
        TYPE_EXISTS | TYPE_MATCHES => (1, "0"),
        TYPE_SIZE => (4, "0"),
        _ => (0, "0:0"),
    };
    c.relo(mov(1, value), s, access, kind);
    c
}

/// A typedef of itself, by way of a const.
fn cycle(b: &mut BtfBuilder) -> u32 {
    let id = b.next_id();
    b.typedef("s", id + 1);
    b.constant(id);
    id
}

/// parity, malformed: typedef and modifier cycles, as root and as a field.
#[test]
fn typedef_and_modifier_cycles() {
    for (access, kind) in [
        ("0", TYPE_SIZE),
        ("0", TYPE_EXISTS),
        ("0", TYPE_MATCHES),
        ("0:0", BYTE_OFFSET),
    ] {
        let words = outcome(local_case(cycle, access, kind)).unwrap_err();
        assert_says(&words, &["program prog", "instruction 0"]);
    }
    let holder = |b: &mut BtfBuilder| {
        let around = cycle(b);
        b.structure("s", 4, &[field("a", around, 0)])
    };
    for kind in [BYTE_OFFSET, BYTE_SIZE, FIELD_SIGNED] {
        let words = outcome(local_case(holder, "0:0", kind)).unwrap_err();
        assert_says(&words, &["program prog", "instruction 0", "itself"]);
    }
    for kind in [
        BYTE_OFFSET,
        BYTE_SIZE,
        FIELD_EXISTS,
        TYPE_MATCHES,
        TYPE_SIZE,
        TYPE_EXISTS,
    ] {
        let _ = outcome(target_case(holder, kind));
        let _ = outcome(target_case(cycle, kind));
    }
}

/// Arrays of themselves.
#[test]
fn array_cycles() {
    let around = |b: &mut BtfBuilder| {
        let id = b.next_id();
        b.array(id, id, 2);
        b.structure("s", 4, &[field("a", id, 0)])
    };
    for (access, kind) in [
        ("0:0", BYTE_SIZE),
        ("0:0:1", BYTE_OFFSET),
        ("0:0:1:1:1", BYTE_SIZE),
    ] {
        let words = outcome(local_case(around, access, kind)).unwrap_err();
        assert_says(&words, &["program prog", "instruction 0"]);
    }
    for kind in [BYTE_OFFSET, BYTE_SIZE, TYPE_MATCHES] {
        let _ = outcome(target_case(around, kind));
    }
}

/// parity, malformed: a bitfield over a zero-size type, and over no integer at all.
#[test]
fn a_bitfield_over_a_type_that_no_load_can_read() {
    let of_int = |size: u32| {
        move |b: &mut BtfBuilder| {
            let int = b.int("number", size, UNSIGNED);
            b.structure("s", 4, &[bitfield("a", int, 0, 3)])
        }
    };
    for size in [0, 3, 16, u32::MAX] {
        for kind in [BYTE_OFFSET, BYTE_SIZE, LSHIFT_U64, RSHIFT_U64] {
            let words = outcome(local_case(of_int(size), "0:0", kind)).unwrap_err();
            assert_says(&words, &["program prog", "instruction 0"]);
            let words = outcome(target_case(of_int(size), kind));
            assert!(
                words.is_err() || words == Ok(vec![POISON, exit()]),
                "{words:?}"
            );
        }
    }
    let of_struct = |b: &mut BtfBuilder| {
        let empty = b.structure("empty", 0, &[]);
        b.structure("s", 4, &[bitfield("a", empty, 0, 3)])
    };
    let words = outcome(local_case(of_struct, "0:0", BYTE_SIZE)).unwrap_err();
    assert_says(&words, &["program prog", "instruction 0"]);
}

/// parity, malformed: a struct that anonymously contains itself.
#[test]
fn a_struct_that_anonymously_contains_itself() {
    let endless = |b: &mut BtfBuilder| {
        let int = u32_type(b);
        let id = b.next_id();
        b.structure(
            "s",
            4,
            &[field("", id, 0), field("", id, 0), field("z", int, 0)],
        )
    };
    for kind in [BYTE_OFFSET, FIELD_EXISTS, TYPE_MATCHES] {
        let result = outcome(target_case(endless, kind));
        let absent = [vec![POISON, exit()], vec![mov(1, 0), exit()]];
        assert!(
            result.is_err() || absent.contains(result.as_ref().unwrap()),
            "{result:?}"
        );
    }
    let local = |b: &mut BtfBuilder| {
        let id = b.next_id();
        b.structure("s", 4, &[field("", id, 0)])
    };
    let deep = vec!["0"; 200].join(":");
    for access in ["0:0:0:0:0", &deep] {
        let _ = outcome(local_case(local, access, BYTE_OFFSET));
    }
    let _ = outcome(local_case(local, "0", TYPE_MATCHES));
}

/// Asks whether the type that `build` makes on both sides exists, and whether it matches.
fn ends_with_an_answer_or_an_error(build: impl Fn(&mut BtfBuilder) -> u32) {
    for kind in [TYPE_EXISTS, TYPE_MATCHES] {
        let mut c = Case::little();
        let root = build(&mut c.local.btf);
        build(&mut c.target);
        c.relo(mov(1, 1), root, "0", kind);
        let result = outcome(c);
        let answers = [vec![mov(1, 0), exit()], vec![mov(1, 1), exit()]];
        assert!(
            result.is_err() || answers.contains(result.as_ref().unwrap()),
            "{result:?}"
        );
    }
}

/// parity, malformed: recursive function prototypes.
#[test]
fn recursive_function_prototypes() {
    let recursive = |b: &mut BtfBuilder| {
        let id = b.next_id();
        let proto = b.func_proto(id, &[("self", id), ("again", id)]);
        b.typedef("s", proto)
    };
    ends_with_an_answer_or_an_error(recursive);
}

/// parity, malformed: array size overflow; an index whose offset overflows.
#[test]
fn sizes_and_offsets_that_overflow() {
    let huge = |b: &mut BtfBuilder| {
        let int = u32_type(b);
        let one = b.array(int, int, u32::MAX);
        let two = b.array(one, int, u32::MAX);
        let three = b.array(two, int, u32::MAX);
        b.structure("s", 4, &[field("a", three, 0)])
    };
    let last = u32::MAX - 1;
    for (access, kind) in [
        ("0:0".to_owned(), BYTE_SIZE),
        (format!("0:0:{last}:{last}:{last}"), BYTE_OFFSET),
        (format!("{last}:0"), LSHIFT_U64),
    ] {
        let words = outcome(local_case(huge, &access, kind)).unwrap_err();
        assert_says(&words, &["program prog", "instruction 0"]);
    }
    for kind in [BYTE_SIZE, BYTE_OFFSET, TYPE_MATCHES] {
        let result = outcome(target_case(huge, kind));
        let absent = [vec![POISON, exit()], vec![mov(1, 0), exit()]];
        assert!(
            result.is_err() || absent.contains(result.as_ref().unwrap()),
            "{result:?}"
        );
    }
}

/// Two members of the next level at each of forty levels: 2^40 paths, few types.
fn doubling(b: &mut BtfBuilder, names: [&str; 2]) -> u32 {
    let mut inner = u32_type(b);
    for level in 0..40 {
        let name = if level == 39 { "s" } else { "" };
        let fields: Vec<Field<'_>> = names.iter().map(|n| field(n, inner, 0)).collect();
        inner = b.structure(name, 4, &fields);
    }
    inner
}

/// A search among anonymous members does not take every path.
#[test]
fn a_search_of_exponentially_many_paths_ends() {
    for kind in [BYTE_OFFSET, FIELD_EXISTS] {
        let result = outcome(target_case(|b| doubling(b, ["", ""]), kind));
        let absent = [vec![POISON, exit()], vec![mov(1, 0), exit()]];
        assert!(
            result.is_err() || absent.contains(result.as_ref().unwrap()),
            "{result:?}"
        );
    }
}

/// A comparison of types does not take every path.
#[test]
fn a_comparison_of_exponentially_many_paths_ends() {
    for names in [["", ""], ["x", "y"]] {
        let mut c = Case::little();
        let root = doubling(&mut c.local.btf, names);
        doubling(&mut c.target, names);
        c.relo(mov(1, 1), root, "0", TYPE_MATCHES);
        let _ = outcome(c);
    }
}

/// Ten parameters of the next level at each of twenty levels of prototypes: a
/// comparison of shapes does not take every path either.
#[test]
fn prototypes_of_exponentially_many_parameters_end() {
    let nested = |b: &mut BtfBuilder| {
        let mut inner = u32_type(b);
        for _ in 0..20 {
            inner = b.func_proto(inner, &[("", inner); 10]);
        }
        b.typedef("s", inner)
    };
    ends_with_an_answer_or_an_error(nested);
}

/// A thousand types of one name and a thousand relocations against them.
#[test]
fn many_candidates_and_many_relocations() {
    let mut c = Case::little();
    let int = u32_type(&mut c.local.btf);
    let names: Vec<String> = (0..1000).map(|i| format!("f{i}")).collect();
    let fields: Vec<Field<'_>> = (0..)
        .zip(&names)
        .map(|(i, n)| field(n, int, 4 * i))
        .collect();
    let s = c.local.btf.structure("s", 4000, &fields);
    for i in 0..1000 {
        c.relo(mov(1, 4 * i), s, &format!("0:{i}"), BYTE_OFFSET);
    }
    let int = u32_type(&mut c.target);
    for _ in 0..1000 {
        c.target.structure("s", 4, &[field("f0", int, 0)]);
    }
    let expected: Vec<I> = [mov(1, 0)]
        .into_iter()
        .chain([POISON; 999])
        .chain([exit()])
        .collect();
    assert_eq!(outcome(c), Ok(expected));
}

/// Target names past the strings, and ids past the types.
#[test]
fn target_types_that_refer_to_nothing() {
    let nameless_member = |b: &mut BtfBuilder| {
        let int = u32_type(b);
        let s = b.structure("s", 8, &[field("z", int, 0), field("a", int, 4)]);
        b.set_word(s, 3, 1 << 24);
        s
    };
    let dangling_member = |b: &mut BtfBuilder| b.structure("s", 4, &[field("a", 4711, 0)]);
    for kind in [
        BYTE_OFFSET,
        BYTE_SIZE,
        FIELD_EXISTS,
        TYPE_MATCHES,
        TYPE_SIZE,
    ] {
        let _ = outcome(target_case(nameless_member, kind));
        let _ = outcome(target_case(dangling_member, kind));
    }
    let result = outcome(target_case(dangling_member, BYTE_SIZE));
    assert!(
        result.is_err() || result == Ok(vec![POISON, exit()]),
        "{result:?}"
    );
}
