//! Tables of indirect jumps (`.jumptables`, gotox): from offsets in a section of code to
//! slots of the program, and tables that lead where no jump may go.
//!
//! What an entry means is libbpf's create_jt_map; that a jump stays in its function, and
//! goes to where an instruction starts, is the kernel's verifier.

mod support;

use std::sync::Arc;

use bpflink::link::{Linker, Programs, ReferenceKind};
use bpflink::{Object, Status};
use support::btf::Order;
use support::elf::*;
use support::insn::*;
use support::link::*;
use support::object::{Code, Fun, Obj};

/// `gotox r1`: BPF_JMP | BPF_JA | BPF_X.
const GOTOX: I = I::new(0x0d, 1, 0, 0, 0);
const LOAD: [I; 2] = ld64(2, 0, 0, 0);

/// Nine slots: a table is loaded in slot 0, `gotox` is slot 4, jumps may go to 5 and 7.
fn switching() -> Vec<I> {
    let [low, high] = LOAD;
    let read = [I::new(0x0f, 2, 1, 0, 0), ldx(DW, 1, 2, 0)];
    [
        &[low, high][..],
        &read,
        &[GOTOX, mov(0, 1), exit(), mov(0, 2), exit()],
    ]
    .concat()
}

/// Adds `.jumptables` with these entries, and a symbol for each (name, first entry, entries).
fn tables(o: &mut Obj, entries: &[u64], names: &[(&str, u64, u64)]) -> (Sec, Vec<Sym>) {
    let order = o.order;
    let bytes = entries.iter().flat_map(|&entry| order.u64(entry)).collect();
    let sec = o.elf.section(".jumptables", sht::PROGBITS, 0, bytes);
    let symbol = |&(name, first, len): &(&str, u64, u64)| {
        o.elf.object(name, GLOBAL, sec, first * 8, len * 8)
    };
    (sec, names.iter().map(symbol).collect())
}

/// Name, targets and instructions of each table of a program.
fn found(set: &Programs, name: &str) -> Vec<(String, Vec<u32>, Vec<u32>)> {
    let tables = program(set, name).jump_tables().iter();
    tables
        .map(|t| (t.name.to_string(), t.targets.clone(), t.insns.clone()))
        .collect()
}

fn table(name: &str, targets: &[u32], insns: &[u32]) -> (String, Vec<u32>, Vec<u32>) {
    (name.to_owned(), targets.to_vec(), insns.to_vec())
}

/// A program behind another one in its section, and a callee behind another one in `.text`:
/// offsets count from the start of the section, slots from the start of the program.
#[test]
fn slots_of_the_flattened_program() {
    for order in Order::BOTH {
        let mut o = Obj::new(order);
        let main = [&[call_fn(-1)][..], &switching()].concat();
        let body = [mov(0, 0), exit()];
        let code = o.code(
            "syscall",
            &[Fun("first", GLOBAL, &body), Fun("main", GLOBAL, &main)],
        );
        let text = o.code(
            ".text",
            &[
                Fun("unused", LOCAL, &body),
                Fun("pick", LOCAL, &switching()),
            ],
        );
        // main starts in slot 2 and its table is used in slot 3; pick starts in slot 2.
        let entries = [
            (2 + 8) * 8,
            (2 + 6) * 8,
            (2 + 8) * 8,
            (2 + 5) * 8,
            (2 + 7) * 8,
        ];
        let names = [("BPF.JT.1.0", 0, 3), ("BPF.JT.2.0", 3, 2)];
        let (_, symbols) = tables(&mut o, &entries, &names);
        o.call(&code, 2, text.funs[1].0);
        o.load(&code, 3, symbols[0]);
        o.load(&text, 2, symbols[1]);
        let set = linked(&o.build());

        assert_eq!(functions(&set, "main")[1], ("pick".to_owned(), 10));
        let expected = [
            table("BPF.JT.1.0", &[8, 6, 8], &[1]),
            table("BPF.JT.2.0", &[15, 17], &[10]),
        ];
        assert_eq!(found(&set, "main"), expected);
        assert!(found(&set, "first").is_empty());

        let stream = stream(&set, "main");
        let map_value = ld64(2, 2, 0, 0);
        assert_eq!((stream[1], stream[2]), (map_value[0], map_value[1]));
        assert_eq!((stream[5], stream[14]), (GOTOX, GOTOX));
        let references = program(&set, "main").references();
        let listed: Vec<_> = references
            .iter()
            .map(|r| (r.insn, r.kind, r.jump_table, r.offset, r.resolved))
            .collect();
        let kind = ReferenceKind::JumpTable;
        assert_eq!(
            listed,
            [(1, kind, Some(0), 0, false), (10, kind, Some(1), 0, false)]
        );
        assert!(
            references
                .iter()
                .all(|r| r.name == ".jumptables" && r.map.is_none())
        );
    }
}

/// Each program has its own copy of a callee, and so its own table. A table that a
/// function loads twice is one.
#[test]
fn a_table_of_a_shared_callee() {
    let mut o = Obj::little();
    let twice = [&LOAD[..], &switching()].concat();
    let long = [call_fn(-1), mov(0, 0), mov(0, 0), exit()];
    let code = o.code(
        "syscall",
        &[
            Fun("short", GLOBAL, &[call_fn(-1), exit()]),
            Fun("long", GLOBAL, &long),
        ],
    );
    let text = o.code(".text", &[Fun("pick", LOCAL, &twice)]);
    let (_, symbols) = tables(&mut o, &[7 * 8, 9 * 8], &[("BPF.JT.0.0", 0, 2)]);
    for slot in [0, 2] {
        o.call(&code, slot, text.funs[0].0);
        o.load(&text, slot, symbols[0]);
    }
    let set = linked(&o.build());
    assert_eq!(
        found(&set, "short"),
        [table("BPF.JT.0.0", &[2 + 7, 2 + 9], &[2, 4])]
    );
    assert_eq!(
        found(&set, "long"),
        [table("BPF.JT.0.0", &[4 + 7, 4 + 9], &[4, 6])]
    );
}

/// Where in the section the load of [`one`] has its immediate.
const IMMEDIATE: usize = 2 * 8 + 4;

/// One program with a table in the section behind another program's.
fn one(entries: &[u64], names: &[(&str, u64, u64)]) -> (Obj, Code, Sec, Vec<Sym>) {
    let mut o = Obj::little();
    let good = [mov(0, 0), exit()];
    let code = o.code(
        "syscall",
        &[Fun("good", GLOBAL, &good), Fun("bad", GLOBAL, &switching())],
    );
    let (sec, symbols) = tables(&mut o, entries, names);
    (o, code, sec, symbols)
}

/// Entries that a relocation fills, as a static linker would: by the section's symbol plus
/// what the entry holds, or by the function's.
#[test]
fn entries_with_relocations() {
    let (mut o, code, sec, symbols) = one(&[7 * 8, 7 * 8], &[("BPF.JT.0.0", 0, 2)]);
    o.load(&code, 2, symbols[0]);
    let section = o.elf.section_symbol(code.sec);
    o.elf.rel(sec, 0, section, r_bpf::R64_64);
    o.elf.rel(sec, 8, code.funs[1].0, r_bpf::ABS64);
    let set = linked(&o.build());
    assert_eq!(found(&set, "bad"), [table("BPF.JT.0.0", &[5, 7], &[0])]);
}

/// Through the section's symbol plus an offset: the table of the symbol there; where none
/// is, up to the next one. Inside of a table the rest stays in the second slot.
#[test]
fn tables_by_their_place() {
    let place = |imm: i32| {
        let (mut o, code, sec, _) = one(
            &[7 * 8, 9 * 8, 7 * 8, 9 * 8, 9 * 8],
            &[("BPF.JT.0.0", 2, 2)],
        );
        o.elf.contents(code.sec)[IMMEDIATE..IMMEDIATE + 4].copy_from_slice(&imm.to_le_bytes());
        let section = o.elf.section_symbol(sec);
        o.load(&code, 2, section);
        let set = linked(&o.build());
        let second = stream(&set, "bad")[1].imm;
        assert_eq!(
            i64::from(second),
            program(&set, "bad").references()[0].offset
        );
        (found(&set, "bad"), second)
    };
    assert_eq!(place(16), (vec![table("BPF.JT.0.0", &[5, 7], &[0])], 0));
    assert_eq!(place(24), (vec![table("BPF.JT.0.0", &[5, 7], &[0])], 8));
    assert_eq!(place(0), (vec![table(".jumptables", &[5, 7], &[0])], 0));
    assert_eq!(place(32), (vec![table(".jumptables", &[7], &[0])], 0));
}

fn refused(o: &Obj, parts: &[&str]) {
    let set = link_for(&opened(&o.build()), &bare_target(Order::Little));
    let message = failure(&set, "bad");
    for part in [&["program bad", "instruction 0", "BPF.JT.0.0"], parts].concat() {
        assert!(message.contains(part), "{part}: {message}");
    }
    let error = program(&set, "bad").error();
    assert_eq!(error.map(|e| e.status()), Some(Status::Elf));
    assert!(program(&set, "good").error().is_none());
}

/// Entries that no jump of the function may follow: the second is wrong each time.
#[test]
fn entries_that_lead_astray() {
    let outside = "lies outside of the function";
    for (entry, why) in [
        (0, outside),
        (8, outside),
        (11 * 8, outside),
        (1 << 20, outside),
        (u64::MAX - 7, outside),
        (7 * 8 + 4, "is no instruction"),
        (u64::MAX, "is no instruction"),
        (3 * 8, "second half of a 64-bit load"),
    ] {
        let (mut o, code, _, symbols) = one(&[7 * 8, entry], &[("BPF.JT.0.0", 0, 2)]);
        o.load(&code, 2, symbols[0]);
        let offset = format!("at offset {entry} of section syscall");
        refused(&o, &["entry 1", &offset, why]);
    }
    // Into another section, though the offset would be right in the own one.
    let (mut o, code, sec, symbols) = one(&[7 * 8, 7 * 8], &[("BPF.JT.0.0", 0, 2)]);
    let other = o.code("xdp", &[Fun("other", GLOBAL, &[mov(0, 0); 12])]);
    let section = o.elf.section_symbol(other.sec);
    o.elf.rel(sec, 8, section, r_bpf::R64_64);
    o.load(&code, 2, symbols[0]);
    refused(&o, &["entry 1", "of section xdp", outside]);
}

/// Symbols that are no whole entries, or reach past the section.
#[test]
fn tables_that_are_none() {
    for (value, size, imm, expected) in [
        (0, 12, 0, "12 bytes at offset 0, which is no whole number"),
        (4, 8, 0, "offset 4, which is no multiple of 8"),
        (8, 16, 0, "16 bytes at offset 8, past the 16 bytes"),
        (u64::MAX - 7, 8, 0, "overflows"),
        (16, 8, 0, "past the 16 bytes"),
        (
            0,
            8,
            8,
            "offset 8 of section .jumptables, outside of the jump table",
        ),
        (0, 8, -8, "offset -8, past the 16 bytes"),
        (0, 16, 4, "offset 4, which is no multiple of 8"),
    ] {
        let (mut o, code, sec, _) = one(&[7 * 8, 9 * 8], &[]);
        let imm = i32::to_le_bytes(imm);
        o.elf.contents(code.sec)[IMMEDIATE..IMMEDIATE + 4].copy_from_slice(&imm);
        let symbol = o.elf.object("BPF.JT.0.0", GLOBAL, sec, value, size);
        o.load(&code, 2, symbol);
        refused(&o, &[expected]);
    }
}

/// What a relocation of the tables gets wrong is told with its record.
#[test]
fn relocations_that_fill_no_entry() {
    for (offset, kind, expected) in [
        (4, r_bpf::R64_64, "offset 4, which is no entry"),
        (16, r_bpf::R64_64, "offset 16, which is no entry"),
        (0, r_bpf::R64_32, "a relocation of type 10"),
    ] {
        let (mut o, code, sec, _) = one(&[7 * 8, 9 * 8], &[]);
        let section = o.elf.section_symbol(code.sec);
        o.elf.rel(sec, offset, section, kind);
        let message = open(&o.build()).expect_err("no entry").to_string();
        for part in [".jumptables", "record 0", expected] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

/// A thousand overlapping tables of a hundred thousand entries: refused in time, not kept.
#[test]
fn more_tables_than_memory() {
    let count = 1000;
    let mut o = Obj::little();
    let loads = LOAD.repeat(count);
    let body = [&loads[..], &[mov(0, 0), exit()]].concat();
    let code = o.code("syscall", &[Fun("bad", GLOBAL, &body)]);
    let entries = vec![count as u64 * 16; 100_000 + count];
    let (sec, _) = tables(&mut o, &entries, &[]);
    for number in 0..count as u64 {
        let symbol = o.elf.object("t", LOCAL, sec, number * 8, 800_000);
        o.load(&code, number as u32 * 2, symbol);
    }
    let set = link_for(&opened(&o.build()), &bare_target(Order::Little));
    assert!(failure(&set, "bad").contains("MiB"));
}

/// What clang 22 made of tests/bpf/jumps.bpf.c; the slots are read off llvm-objdump's
/// listing and llvm-readelf's dump of the section.
#[test]
fn compiled_tables() {
    let objects = [
        &include_bytes!("bpf/jumps.bpfel.elf")[..],
        include_bytes!("bpf/jumps.bpfeb.elf"),
    ];
    for bytes in objects {
        let set = linked(bytes);
        let expected = [
            table("BPF.JT.1.0", &[12, 35, 22, 29, 17, 40, 45], &[7]),
            table("BPF.JT.2.0", &[69, 90, 78, 84, 75, 96, 99], &[64]),
        ];
        assert_eq!(found(&set, "run"), expected);
        let jumps = stream(&set, "run").into_iter().filter(|i| i.code == 0x0d);
        assert_eq!(jumps.collect::<Vec<_>>(), [GOTOX, GOTOX]);
    }
}

/// Damage anywhere in a real object gives an error or a result, whose targets are slots
/// of the program.
#[test]
fn damaged_tables() {
    let whole = include_bytes!("bpf/jumps.bpfel.elf");
    let target = bare_target(Order::Little);
    for at in (0..whole.len()).step_by(3) {
        for damage in [0xff, 0x08] {
            let mut bytes = whole.to_vec();
            bytes[at] ^= damage;
            let Ok(object) = Object::parse(&bytes, NAME).map(Arc::new) else {
                continue;
            };
            let Ok(set) = Linker::new(&target).link(&object) else {
                continue;
            };
            for program in set.programs() {
                let len = program.instructions().len() as u32;
                let targets = program.jump_tables().iter().flat_map(|t| &t.targets);
                assert!(targets.copied().all(|slot| slot < len), "byte {at}");
            }
        }
    }
}
