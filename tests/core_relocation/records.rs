//! Records that are wrong or stand in an odd order: named, and without harm to
//! their neighbours.

use crate::case::{Case, assert_says, u32_struct, u32_type};
use crate::support::btf::{BtfBuilder, SIGNED, field};
use crate::support::btf_ext::core::*;
use crate::support::elf::GLOBAL;
use crate::support::insn::*;
use crate::support::link::*;
use crate::support::object::{Fun, Obj};

/// An object of two programs in one section whose field moved from 4 to 20:
/// `first` (slots 0 to 3: a 64-bit load, a load, exit) and `second` (a load, exit).
fn two_programs(
    records: impl FnOnce(&mut Obj, u32, u32),
) -> Result<bpflink::link::Programs, bpflink::Error> {
    let mut o = Obj::little();
    let s = u32_struct(&mut o.btf, "s", 8, &[("a", 0), ("b", 4)]);
    let first = [&ld64(1, 0, 4, 0)[..], &[ldx(W, 1, 6, 4), exit()]].concat();
    let code = o.code(
        "socket",
        &[
            Fun("first", GLOBAL, &first),
            Fun("second", GLOBAL, &[ldx(W, 1, 6, 4), exit()]),
        ],
    );
    records(&mut o, code.name, s);
    let mut b = BtfBuilder::new(o.order);
    u32_struct(&mut b, "s", 24, &[("a", 0), ("b", 20)]);
    open(&o.build()).map(|object| link_for(&object, &target(&b)))
}

/// Adds a record for field `b`.
fn record(o: &mut Obj, section: u32, slot: u32, s: u32) {
    let access = o.btf.string("0:1");
    o.ext.core(section, slot, s, access, BYTE_OFFSET);
}

/// What was wrong with the first program or the records, in words that name the
/// record; the second program must be linked all the same.
fn first_is_wrong(records: impl FnOnce(&mut Obj, u32, u32)) -> String {
    let set = two_programs(records).expect("bad records never refuse the object");
    assert_eq!(stream(&set, "second"), [ldx(W, 1, 6, 20), exit()]);
    let error = program(&set, "first").error();
    let error = error.map(|error| match error.site().record {
        Some(record) => format!("{error} (record {record})"),
        None => error.to_string(),
    });
    let warnings = [set.warnings(), set.object().warnings()].concat();
    [error.into_iter().collect(), warnings].concat().join("\n")
}

/// parity, records: records out of order.
#[test]
fn records_out_of_order() {
    let set = two_programs(|o, section, s| {
        for slot in [4, 2, 0] {
            record(o, section, slot, s);
        }
    })
    .unwrap();
    let expected = [&ld64(1, 0, 20, 0)[..], &[ldx(W, 1, 6, 20), exit()]].concat();
    assert_eq!(stream(&set, "first"), expected);
    assert_eq!(stream(&set, "second"), [ldx(W, 1, 6, 20), exit()]);
}

/// parity, records: two CO-RE records at one instruction.
#[test]
fn two_records_at_one_instruction() {
    let words = first_is_wrong(|o, section, s| {
        record(o, section, 2, s);
        let other = o.btf.string("0:0");
        o.ext.core(section, 2, s, other, BYTE_OFFSET);
        record(o, section, 4, s);
    });
    assert_says(&words, &["program first", "instruction 2", "record 1"]);
}

/// parity, records: a record on the second slot of a 64-bit load.
#[test]
fn a_record_on_the_second_slot() {
    let words = first_is_wrong(|o, section, s| {
        for slot in [1, 4] {
            record(o, section, slot, s);
        }
    });
    assert_says(
        &words,
        &["program first", "instruction 0", "offset 8", "record 0"],
    );
}

/// parity, records: offsets past the end.
#[test]
fn a_record_past_the_end_of_the_section() {
    for slot in [6, 1000, u32::MAX / 8] {
        let words = first_is_wrong(|o, section, s| {
            record(o, section, slot, s);
            record(o, section, 4, s);
        });
        assert_says(&words, &["record 0"]);
    }
}

/// parity, records: offsets that are not on an instruction.
#[test]
fn a_record_between_two_instructions() {
    let words = first_is_wrong(|o, section, s| {
        let access = o.btf.string("0:1");
        o.ext.core.push(section, &[4, s, access, BYTE_OFFSET]);
        record(o, section, 4, s);
    });
    assert_says(&words, &["record 0"]);
}

/// Records of a section that the file does not have belong to nothing.
#[test]
fn records_of_a_section_that_does_not_exist() {
    let words = first_is_wrong(|o, section, s| {
        let nowhere = o.btf.string("kprobe/nowhere");
        record(o, nowhere, 0, s);
        record(o, section, 4, s);
    });
    // Nothing of the first program depends on them, so a warning is enough.
    assert!(words.is_empty() || words.contains("nowhere"), "{words}");
}

/// A kind that no kernel names fails its program, the others stand.
#[test]
fn an_unknown_kind_fails_its_program() {
    let words = first_is_wrong(|o, section, s| {
        let access = o.btf.string("0:1");
        o.ext.core(section, 2, s, access, 13);
        record(o, section, 4, s);
    });
    assert_says(&words, &["program first", "instruction 2", "13"]);
}

/// A message for one bad record: the root type, the access string.
fn bad(make: impl FnOnce(&mut BtfBuilder) -> u32, access: &str) -> String {
    let mut c = Case::little();
    let root = make(&mut c.local.btf);
    u32_struct(&mut c.target, "s", 8, &[("a", 0), ("b", 4)]);
    c.relo(ldx(W, 1, 6, 4), root, access, BYTE_OFFSET);
    c.fails()
}

/// parity, malformed: a negative or overflowing accessor, and strings that are
/// no accessors at all.
#[test]
fn accessors_that_are_no_indices() {
    for access in [
        "0:-1",
        "-1:0",
        "0:2147483648",
        "0:4294967296",
        "0:99999999999999999999",
        "",
        "0:",
        ":0",
        "0:x",
        "0::1",
        "0 1",
    ] {
        let s = |b: &mut BtfBuilder| u32_struct(b, "s", 8, &[("a", 0), ("b", 4)]);
        let words = bad(s, access);
        assert_says(&words, &["program prog", "instruction 0"]);
        assert!(words.contains(access), "{access:?}: {words}");
    }
}

/// Accessors past the members, or into something that has no parts.
#[test]
fn accessors_that_lead_nowhere() {
    let s = |b: &mut BtfBuilder| u32_struct(b, "s", 8, &[("a", 0), ("b", 4)]);
    for access in ["0:2", "0:1:0", "4294967295:1"] {
        assert_says(&bad(s, access), &["program prog", "instruction 0"]);
    }
    let deep = vec!["0"; 65].join(":");
    let nested = |b: &mut BtfBuilder| {
        let int = u32_type(b);
        let mut inner = b.structure("leaf", 4, &[field("x", int, 0)]);
        for _ in 0..70 {
            inner = b.structure("s", 4, &[field("in", inner, 0)]);
        }
        inner
    };
    assert_says(&bad(nested, &deep), &["program prog", "levels"]);
}

/// parity, malformed: a relocation whose root is a VAR or FUNC.
#[test]
fn roots_that_cannot_be_roots() {
    let var = |b: &mut BtfBuilder| b.var("v", 1, 1);
    let func = |b: &mut BtfBuilder| b.func("f", 2, 1);
    let datasec = |b: &mut BtfBuilder| b.datasec(".data", 0, &[]);
    for (root, words) in [
        (bad(var, "0:1"), "var"),
        (bad(func, "0:1"), "func"),
        (bad(datasec, "0:1"), "datasec"),
    ] {
        assert_says(&root, &["program prog", "instruction 0", words]);
    }
    // The question about a whole type goes no way into it.
    for root in [var, func] {
        let mut c = Case::little();
        u32_type(&mut c.local.btf);
        let root = root(&mut c.local.btf);
        c.relo(mov(1, 1), root, "0", TYPE_EXISTS);
        assert_says(&c.fails(), &["program prog", "instruction 0"]);
    }
    let missing = |_: &mut BtfBuilder| 4711;
    assert_says(
        &bad(missing, "0:1"),
        &["program prog", "instruction 0", "4711"],
    );
    let void = |_: &mut BtfBuilder| 0;
    assert_says(&bad(void, "0:1"), &["program prog", "instruction 0"]);
}

/// A record whose access string lies past the strings.
#[test]
fn an_access_string_past_the_strings() {
    let words = first_is_wrong(|o, section, s| {
        o.ext.core(section, 2, s, 1 << 30, BYTE_OFFSET);
        record(o, section, 4, s);
    });
    assert_says(&words, &["instruction 2"]);
}

/// Records larger than known: what follows the known fields is ignored.
#[test]
fn records_larger_than_known() {
    let set = two_programs(|o, section, s| {
        o.ext.core.record_size = 24;
        o.ext.func.record_size = 12;
        o.ext.line.record_size = 28;
        for slot in [0, 2, 4] {
            record(o, section, slot, s);
        }
    })
    .unwrap();
    assert_eq!(stream(&set, "second"), [ldx(W, 1, 6, 20), exit()]);
    assert_eq!(func_info(&set, "second").len(), 1);
    assert_eq!(lines(&set, "second"), [(0, 5)]);
}

/// A `.BTF.ext` header of 24 bytes has no CO-RE part: nothing is relocated.
#[test]
fn a_header_without_the_core_part() {
    let set = two_programs(|o, section, s| {
        record(o, section, 4, s);
        o.ext.header_len = 24;
    })
    .unwrap();
    assert_eq!(stream(&set, "second"), [ldx(W, 1, 6, 4), exit()]);
    assert_eq!(func_info(&set, "second").len(), 1);
}

/// A header longer than known is read by what it says of itself.
#[test]
fn a_header_longer_than_known() {
    let set = two_programs(|o, section, s| {
        record(o, section, 4, s);
        o.ext.header_len = 48;
    })
    .unwrap();
    assert_eq!(stream(&set, "second"), [ldx(W, 1, 6, 20), exit()]);
}

/// Both byte orders of a signed local type do not disturb the address kinds.
#[test]
fn a_record_of_an_integer_root() {
    let mut c = Case::little();
    let int = c.local.btf.int("counter", 4, SIGNED);
    c.target.int("counter", 8, SIGNED);
    c.relo(mov(1, 4), int, "0", TYPE_SIZE);
    assert_eq!(c.run(), [mov(1, 8)]);
}
