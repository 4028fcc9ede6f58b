//! `.BTF.ext` records that do not fit: each touches its own program at most.

mod support;

use bpflink::Target;
use support::btf::{BtfBuilder, Order, SIGNED, field};
use support::clang::compile;
use support::elf::{GLOBAL, LOCAL};
use support::insn::*;
use support::link::*;
use support::object::{Code, Fun, Obj};

const BYTE_OFFSET: u32 = 0;

/// Two programs in two sections, each with a load of `s.y` in slot 2, behind a 64-bit load.
struct Two {
    o: Obj,
    a: Code,
    b: Code,
    s: u32,
}

fn two(order: Order) -> Two {
    let mut o = Obj::new(order);
    let int = o.int;
    let fields = [field("x", int, 0), field("y", int, 4)];
    let s = o.btf.structure("s", 8, &fields);
    let [low, high] = ld64(2, 0, 1, 0);
    let body = [low, high, ldx(W, 0, 1, 4), mov(3, 0), exit()];
    let a = o.code("socket/a", &[Fun("prog_a", GLOBAL, &body)]);
    let b = o.code("socket/b", &[Fun("prog_b", GLOBAL, &body)]);
    Two { o, a, b, s }
}

/// A kernel that has `y` at 16.
fn kernel(order: Order) -> Target {
    let mut btf = BtfBuilder::new(order);
    let int = btf.int("int", 4, SIGNED);
    btf.structure("s", 24, &[field("x", int, 8), field("y", int, 16)]);
    target(&btf)
}

fn load_offset(programs: &bpflink::link::Programs, name: &str) -> i16 {
    stream(programs, name)[2].off
}

/// Two different records at one instruction: its program fails and says which
/// records; the other one is relocated by the records around them.
#[test]
fn two_records_at_one_instruction() {
    for order in Order::BOTH {
        let Two { mut o, a, b, s } = two(order);
        o.core(&a, 2, s, "0:1", BYTE_OFFSET);
        o.core(&a, 2, s, "0:0", BYTE_OFFSET);
        o.core(&b, 2, s, "0:1", BYTE_OFFSET);
        let programs = link_for(&opened(&o.build()), &kernel(order));
        let message = failure(&programs, "prog_a");
        for part in ["test.bpf.o", "prog_a", "instruction 2", "records 0 and 1"] {
            assert!(message.contains(part), "{part} in {message}");
        }
        assert_eq!(load_offset(&programs, "prog_b"), 16);
    }
}

/// The same record twice says nothing new.
#[test]
fn the_same_record_twice() {
    let Two { mut o, a, s, .. } = two(Order::Little);
    o.core(&a, 2, s, "0:1", BYTE_OFFSET);
    o.core(&a, 2, s, "0:1", BYTE_OFFSET);
    let programs = all_stand(link_for(&opened(&o.build()), &kernel(Order::Little)));
    assert_eq!(load_offset(&programs, "prog_a"), 16);
}

/// A record on the second half of a 64-bit load, and later ones of its section.
#[test]
fn a_record_inside_of_an_instruction() {
    let Two {
        mut o, mut a, s, ..
    } = two(Order::Little);
    let later = [ldx(W, 0, 1, 4), exit()];
    o.function(&mut a, "later", GLOBAL, &later);
    o.core(&a, 1, s, "0:1", BYTE_OFFSET);
    o.core(&a, 5, s, "0:1", BYTE_OFFSET);
    let programs = link_for(&opened(&o.build()), &kernel(Order::Little));
    let message = failure(&programs, "prog_a");
    assert!(message.contains("instruction 0"), "{message}");
    assert!(message.contains("offset 8"), "{message}");
    assert_eq!(stream(&programs, "later")[0].off, 16);
}

/// Offsets between two slots fail their program, those past the end nobody.
#[test]
fn records_off_the_instructions() {
    let Two { mut o, a, b, s } = two(Order::Little);
    let access = o.btf.string("0:1");
    o.ext.core.push(a.name, &[20, s, access, BYTE_OFFSET]);
    o.ext.core.push(b.name, &[16, s, access, BYTE_OFFSET]);
    o.ext.core.push(b.name, &[40, s, access, BYTE_OFFSET]);
    o.ext.core.push(b.name, &[u32::MAX, s, access, BYTE_OFFSET]);
    let object = opened(&o.build());
    let warnings = object.warnings().join("\n");
    for part in ["record 1", "record 2", "offset 40", "4294967295"] {
        assert!(warnings.contains(part), "{part} in {warnings}");
    }
    let programs = link_for(&object, &kernel(Order::Little));
    assert!(failure(&programs, "prog_a").contains("offset 20"));
    assert_eq!(load_offset(&programs, "prog_b"), 16);
}

/// Records in any order are brought to their instructions.
#[test]
fn records_out_of_order() {
    let mut o = Obj::little();
    let int = o.int;
    let fields = [field("x", int, 0), field("y", int, 4)];
    let s = o.btf.structure("s", 8, &fields);
    let body = [ldx(W, 0, 1, 4), ldx(W, 0, 1, 0), exit()];
    let a = o.code("socket", &[Fun("prog", GLOBAL, &body)]);
    o.core(&a, 1, s, "0:0", BYTE_OFFSET);
    o.core(&a, 0, s, "0:1", BYTE_OFFSET);
    let programs = all_stand(link_for(&opened(&o.build()), &kernel(Order::Little)));
    let offsets: Vec<i16> = stream(&programs, "prog").iter().map(|i| i.off).collect();
    assert_eq!(offsets, [16, 8, 0]);
}

/// Records of a section that the file does not have, func and line records that
/// fit nowhere: a warning each.
#[test]
fn records_of_nothing_are_left_out_with_a_warning() {
    let Two { mut o, a, s, .. } = two(Order::Little);
    let (gone, access) = (o.btf.string("gone"), o.btf.string("0:1"));
    o.ext.core.push(gone, &[0, s, access, BYTE_OFFSET]);
    o.ext.func(a.name, 1, 1);
    o.ext.line(a.name, 99, access, access, 1, 1);
    o.core(&a, 2, s, "0:1", BYTE_OFFSET);
    let object = opened(&o.build());
    let warnings = object.warnings();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(
        warnings
            .iter()
            .any(|w| w.contains("core_relo") && w.contains("gone"))
    );
    assert!(
        warnings
            .iter()
            .any(|w| w.contains("func_info") && w.contains("offset 8"))
    );
    assert!(
        warnings
            .iter()
            .any(|w| w.contains("line_info") && w.contains("offset 792"))
    );
    let programs = all_stand(link_for(&object, &kernel(Order::Little)));
    assert_eq!(load_offset(&programs, "prog_a"), 16);
}

/// Thousands of bad records do not fill the report.
#[test]
fn warnings_are_counted_when_there_are_many() {
    let Two { mut o, a, .. } = two(Order::Little);
    for _ in 0..5000 {
        o.ext.func(a.name, 100, 1);
    }
    let object = opened(&o.build());
    assert!(object.warnings().len() < 20, "{}", object.warnings().len());
    let last = object.warnings().last().unwrap();
    assert!(last.contains("more records left out"), "{last}");
}

/// What is left of an overridden weak function has records, a relocation and a
/// broken call; they belong to nobody.
#[test]
fn a_gap_concerns_nobody() {
    let Two {
        mut o, mut a, s, ..
    } = two(Order::Little);
    let dead = o.function(&mut a, "dead", LOCAL, &[call_fn(1000), call_fn(-1), exit()]);
    o.function(&mut a, "alive", GLOBAL, &[ldx(W, 0, 1, 4), exit()]);
    let object_symbol = o.elf.undefined("missing", GLOBAL);
    o.call(&a, 6, object_symbol);
    o.core(&a, 5, s, "0:1", BYTE_OFFSET);
    o.core(&a, 8, s, "0:1", BYTE_OFFSET);
    // The static linker leaves the instructions and takes the symbol away.
    let gone = o.elf.symbol_mut(dead);
    (gone.section, gone.kind) = (0, 0);
    let programs = all_stand(link_for(&opened(&o.build()), &kernel(Order::Little)));
    assert_eq!(stream(&programs, "alive")[0].off, 16);
}

/// Templates make several sections of one name; their records are told apart by
/// the relocations of `.BTF.ext`.
#[test]
fn sections_that_share_a_name() {
    for order in Order::BOTH {
        let Some(bytes) = compile("comdat", order, &["-x", "c++"]) else {
            return;
        };
        let object = opened(&bytes);
        let shared = object.streams().iter().filter(|s| s.section == "socket");
        let mut lines: Vec<usize> = Vec::new();
        for stream in shared {
            assert_eq!(stream.func_info.len(), stream.symbols.len(), "{stream:?}");
            lines.push(stream.line_info.len());
        }
        assert_eq!(lines.len(), 3, "three sections are called socket");
        assert!(lines.iter().all(|&count| count != 0), "{lines:?}");
        assert_eq!(object.warnings(), [""; 0]);
        let programs = all_stand(link_for(&object, &bare_target(order)));
        assert_eq!(function_names(&programs, "prog").len(), 3);
    }
}
