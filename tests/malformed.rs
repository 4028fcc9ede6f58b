//! Malformed files: each is told what is wrong with it, or links where nothing
//! depends on what is wrong. No panic, no hang, bounded memory.
//!
//! What is wrong with types and accessors is in tests/core_relocation/hostile.rs
//! and records.rs; mutations of every byte are in tests/properties.rs.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use bpflink::Status;
use support::btf::{BtfBuilder, Order};
use support::elf::*;
use support::insn::*;
use support::link::*;
use support::object::{Code, Fun, Obj};

/// Counts what is allocated, so that a test can bound it.
struct Counting;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every call on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are those that System wants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` came from System.alloc above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The message with which a file is refused; it begins with the object's name.
#[track_caller]
fn refused(bytes: &[u8]) -> String {
    let error = match open(bytes) {
        Ok(object) => panic!("opens: {object:?}"),
        Err(error) => error,
    };
    let message = error.to_string();
    assert!(message.starts_with("test.bpf.o: "), "{message}");
    assert_ne!(error.status(), Status::Internal, "{message}");
    message
}

#[track_caller]
fn refused_with(bytes: &[u8], parts: &[&str]) {
    let message = refused(bytes);
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

/// An object of one program of two slots.
fn small() -> (Obj, Code) {
    let mut o = Obj::little();
    let code = o.code("socket", &[Fun("entry", GLOBAL, &[mov(0, 0), exit()])]);
    (o, code)
}

/// parity, malformed: symbol size or value outside its section.
#[test]
fn function_symbols_outside_their_section() {
    for (value, size) in [
        (0, 24),
        (8, 16),
        (16, 8),
        (1 << 40, 8),
        (u64::MAX - 7, 16),
        (0, u64::MAX),
    ] {
        let (mut o, code) = small();
        let symbol = o.elf.symbol_mut(code.funs[0].0);
        (symbol.value, symbol.size) = (value, size);
        refused_with(&o.build(), &["section socket", "symbol entry"]);
    }
}

/// The same for symbols that are not at an instruction.
#[test]
fn function_symbols_between_instructions() {
    for (value, size) in [(4, 8), (0, 12)] {
        let (mut o, code) = small();
        let symbol = o.elf.symbol_mut(code.funs[0].0);
        (symbol.value, symbol.size) = (value, size);
        refused_with(&o.build(), &["section socket", "symbol entry"]);
    }
}

/// The same for variables of `.maps`.
#[test]
fn map_symbols_outside_their_section() {
    for (value, size) in [(8, 32), (1 << 40, 32), (u64::MAX, 32)] {
        let (mut o, _) = small();
        let maps = o.array_maps(&["counters"]);
        let symbol = o.elf.symbol_mut(maps[0]);
        (symbol.value, symbol.size) = (value, size);
        refused_with(&o.build(), &["counters"]);
    }
}

/// A symbol in a section that does not exist.
#[test]
fn a_symbol_of_a_section_that_does_not_exist() {
    let (mut o, code) = small();
    o.elf.symbol_mut(code.funs[0].0).section = 200;
    refused_with(&o.build(), &["entry", "200"]);
}

/// parity, malformed: a program section without symbols.
#[test]
fn a_program_section_without_symbols() {
    let (mut o, _) = small();
    o.elf
        .code("kprobe/lonely", bytes(&[mov(0, 0), exit()], Order::Little));
    refused_with(&o.build(), &["section kprobe/lonely", "symbol"]);
}

/// Instructions in front of the first symbol, where symbols have no sizes.
#[test]
fn instructions_before_the_first_symbol() {
    let (mut o, code) = small();
    let symbol = o.elf.symbol_mut(code.funs[0].0);
    (symbol.value, symbol.size, symbol.kind) = (8, 0, NOTYPE);
    let result = open(&o.build()).and_then(|object| bpflink::link::Programs::split(&object));
    let message = result.unwrap_err().to_string();
    assert!(message.contains("section socket"), "{message}");
    assert!(message.contains("entry"), "{message}");
}

/// parity, malformed: an alignment of 0 means none.
#[test]
fn an_alignment_of_zero() {
    let (o, _) = small();
    let bytes = o.finished().build_with(|layout| {
        for header in &mut layout.headers {
            header.sh_addralign = 0;
        }
    });
    assert_eq!(stream(&linked(&bytes), "entry"), [mov(0, 0), exit()]);
}

/// parity, malformed: overlapping symbols.
#[test]
fn overlapping_symbols() {
    let (mut o, code) = small();
    o.elf.func("inside", GLOBAL, code.sec, 8, 8);
    refused_with(
        &o.build(),
        &["section socket", "entry", "inside", "overlap"],
    );
}

/// Two names of one function are no overlap: each is a program.
#[test]
fn aliases_are_legal() {
    let (mut o, code) = small();
    o.elf.func("alias", GLOBAL, code.sec, 0, 16);
    let set = linked(&o.build());
    assert_eq!(stream(&set, "alias"), stream(&set, "entry"));
}

/// parity, malformed: a relocation past the section's end, between two
/// instructions, or of a symbol that does not exist.
#[test]
fn relocations_that_lead_nowhere() {
    for offset in [16, 4, 1 << 40, u64::MAX] {
        let (mut o, code) = small();
        o.elf.rel(code.sec, offset, code.funs[0].0, r_bpf::R64_32);
        let message = told(&o.build());
        assert!(message.contains("socket"), "{message}");
    }
    let mut o = Obj::little();
    let code = o.code("socket", &[Fun("entry", GLOBAL, &[call_fn(-1), exit()])]);
    o.call(&code, 0, code.funs[0].0);
    let bytes = o.finished().build_with(|layout| {
        let at = layout.header(".relsocket").sh_offset as usize - 64;
        layout.body[at + 12..at + 16].copy_from_slice(&9999_u32.to_le_bytes());
    });
    let message = told(&bytes);
    assert!(message.contains("9999"), "{message}");
}

/// What is said of a file that is refused, or whose program fails.
fn told(bytes: &[u8]) -> String {
    match open(bytes) {
        Err(error) => error.to_string(),
        Ok(object) => failure(&link_for(&object, &bare_target(Order::Little)), "entry"),
    }
}

/// Two relocations for one instruction: nobody knows which one is meant.
#[test]
fn two_relocations_for_one_instruction() {
    let mut o = Obj::little();
    let code = o.code("socket", &[Fun("entry", GLOBAL, &[call_fn(-1), exit()])]);
    for _ in 0..2 {
        o.elf.rel(code.sec, 0, code.funs[0].0, r_bpf::R64_32);
    }
    let message = told(&o.build());
    assert!(message.contains("instruction 0"), "{message}");
    assert!(message.contains("two relocations"), "{message}");
}

/// A relocation of a kind that no instruction has.
#[test]
fn an_unknown_relocation_kind() {
    let mut o = Obj::little();
    let code = o.code("socket", &[Fun("entry", GLOBAL, &[call_fn(-1), exit()])]);
    o.elf.rel(code.sec, 0, code.funs[0].0, 77);
    let message = told(&o.build());
    assert!(message.contains("77"), "{message}");
}

/// A relocation at an instruction that refers to nothing.
#[test]
fn a_relocation_at_an_instruction_that_cannot_hold_it() {
    let (mut o, code) = small();
    o.elf.rel(code.sec, 0, code.funs[0].0, r_bpf::R64_64);
    let message = told(&o.build());
    assert!(message.contains("entry"), "{message}");
    assert!(message.contains("instruction 0"), "{message}");
}

/// parity, malformed: a NOBITS `.BTF`, and other sections whose contents count.
#[test]
fn sections_without_contents() {
    for section in [".BTF", ".BTF.ext", "license"] {
        let (o, _) = small();
        let bytes = o
            .finished()
            .build_with(|layout| layout.header(section).sh_type = sht::NOBITS);
        refused_with(&bytes, &[&format!("section {section}")]);
    }
}

/// A code section without contents holds no program.
#[test]
fn a_code_section_without_contents() {
    let (o, _) = small();
    let bytes = o
        .finished()
        .build_with(|layout| layout.header("socket").sh_type = sht::NOBITS);
    if let Ok(object) = open(&bytes) {
        assert!(object.streams().is_empty());
    }
}

/// A section whose bytes lie outside the file, by offset or by size.
#[test]
fn sections_outside_the_file() {
    for section in [
        "socket", ".BTF", ".BTF.ext", "license", ".symtab", ".strtab",
    ] {
        for (offset, size) in [
            (1 << 40, 16),
            (64, 1 << 40),
            (u64::MAX - 3, 16),
            (64, u64::MAX),
        ] {
            let (o, _) = small();
            let bytes = o.finished().build_with(|layout| {
                let header = layout.header(section);
                (header.sh_offset, header.sh_size) = (offset, size);
            });
            refused(&bytes);
        }
    }
}

/// Sections on top of each other: each would be kept on its own, and a small file
/// would become a large object.
#[test]
fn sections_that_overlap() {
    let (mut o, _) = small();
    o.elf.data(".data.first", vec![1; 4096]);
    for name in [".data.second", ".data.third", ".data.fourth"] {
        o.elf.data(name, vec![2; 8]);
    }
    let bytes = o.finished().build_with(|layout| {
        let (offset, size) = {
            let first = layout.header(".data.first");
            (first.sh_offset, first.sh_size)
        };
        for name in [".data.second", ".data.third", ".data.fourth"] {
            let header = layout.header(name);
            (header.sh_offset, header.sh_size) = (offset, size);
        }
    });
    refused_with(&bytes, &["overlap"]);
}

/// The header's own numbers.
#[test]
fn a_header_that_lies() {
    type Change = fn(&mut support::elf_layout::Layout);
    let changes: [Change; 9] = [
        |l| l.e_shoff = 1 << 40,
        |l| l.e_shoff = u64::MAX,
        |l| l.e_shnum = u16::MAX - 256,
        |l| l.e_shentsize = 1,
        |l| l.e_shstrndx = 100,
        |l| l.e_type = 2,
        |l| l.ident[4] = 1, // ELFCLASS32
        |l| l.ident[5] = 7,
        |l| l.ident[0] = 0,
    ];
    for change in changes {
        let (o, _) = small();
        refused(&o.finished().build_with(change));
    }
    refused_with(b"", &["ELF"]);
    refused_with(b"not an ELF file at all", &["ELF"]);
}

/// Names past the string tables.
#[test]
fn names_past_the_string_tables() {
    let (o, _) = small();
    let bytes = o
        .finished()
        .build_with(|layout| layout.header("socket").sh_name = 1 << 30);
    refused_with(&bytes, &["name"]);
    let (o, _) = small();
    let bytes = o.finished().build_with(|layout| {
        let at = layout.header(".symtab").sh_offset as usize - 64;
        layout.body[at + 24..at + 28].copy_from_slice(&(1_u32 << 30).to_le_bytes());
    });
    refused_with(&bytes, &["section .symtab", "name"]);
}

/// A stream that is no whole number of instructions, and one that ends inside
/// of a 64-bit load.
#[test]
fn streams_that_are_cut() {
    let (mut o, code) = small();
    o.elf.contents(code.sec).push(0);
    refused_with(&o.build(), &["section socket", "17 bytes"]);

    let mut o = Obj::little();
    let [first, _] = ld64(1, 0, 0, 0);
    o.code("socket", &[Fun("entry", GLOBAL, &[first])]);
    let result = open(&o.build()).and_then(|object| bpflink::link::Programs::split(&object));
    let message = result.unwrap_err().to_string();
    assert!(message.contains("section socket"), "{message}");
    assert!(message.contains("entry ends inside a 64-bit"), "{message}");
}

/// BTF as the only thing that is wrong with an object.
fn with_btf(raw: Vec<u8>) -> Vec<u8> {
    let mut o = Obj::little();
    o.no_btf = true;
    o.code("socket", &[Fun("entry", GLOBAL, &[exit()])]);
    o.elf.section(".BTF", sht::PROGBITS, 0, raw);
    o.build()
}

/// parity, malformed: a 24-byte BTF, which has no strings, and shorter ones.
#[test]
fn a_btf_of_a_header_alone() {
    let mut empty = BtfBuilder::new(Order::Little);
    empty.strings_mut().clear();
    let raw = empty.build();
    assert_eq!(raw.len(), 24);
    refused_with(&with_btf(raw.clone()), &["section .BTF", "string"]);
    for len in 1..24 {
        refused_with(&with_btf(raw[..len].to_vec()), &["section .BTF"]);
    }
}

/// parity, malformed: strings without a final NUL.
#[test]
fn strings_without_a_final_nul() {
    let mut b = BtfBuilder::new(Order::Little);
    b.int("int", 4, 1);
    b.strings_mut().pop();
    refused_with(&with_btf(b.build()), &["section .BTF", "NUL"]);
}

/// Sections of the BTF outside of it; another version, magic, byte order.
#[test]
fn a_btf_header_that_lies() {
    type Change = fn(&mut support::btf::BtfHeader);
    let changes: [Change; 12] = [
        |h| h.magic = 0x1234,
        |h| h.version = 2,
        |h| h.hdr_len = 0,
        |h| h.hdr_len = 1 << 30,
        |h| h.hdr_len = u32::MAX,
        |h| h.type_off = 2,
        |h| h.type_off = 1 << 30,
        |h| h.type_len = u32::MAX,
        |h| h.type_len += 4,
        |h| h.str_off = u32::MAX,
        |h| h.str_len = u32::MAX,
        |h| h.str_len = 0,
    ];
    for change in changes {
        let mut b = BtfBuilder::new(Order::Little);
        b.int("int", 4, 1);
        refused_with(&with_btf(b.build_with(change)), &["section .BTF", "BTF"]);
    }
    let mut big = BtfBuilder::new(Order::Big);
    big.int("int", 4, 1);
    refused_with(&with_btf(big.build()), &["section .BTF", "byte order"]);
}

/// A type that runs past the section; a kind that nobody knows.
#[test]
fn types_that_cannot_be_read() {
    let mut b = BtfBuilder::new(Order::Little);
    b.raw("s", 4 << 24 | 3, 8, &[0; 6]); // Three members claimed, two there.
    refused_with(&with_btf(b.build()), &["section .BTF", "[1]"]);
    let mut b = BtfBuilder::new(Order::Little);
    b.int("int", 4, 1);
    b.raw("later", 99 << 24, 0, &[]);
    refused_with(&with_btf(b.build()), &["section .BTF", "[2]", "99"]);
}

/// parity, malformed: name offsets past the strings. Nothing needs this name.
#[test]
fn a_type_name_past_the_strings() {
    let (mut o, _) = small();
    let id = o.btf.typedef("t", o.int);
    o.btf.set_word(id, 0, 1 << 24);
    match open(&o.build()) {
        Err(error) => assert!(error.to_string().contains("name"), "{error}"),
        Ok(object) => {
            let set = link_for(&object, &bare_target(Order::Little));
            assert_eq!(stream(&set, "entry"), [mov(0, 0), exit()]);
        }
    }
}

/// `.BTF.ext`: header, parts and counts that lie.
#[test]
fn an_ext_header_that_lies() {
    type Change = fn(&mut support::btf_ext::ExtHeader);
    let changes: [Change; 8] = [
        |h| h.magic = 0x1234,
        |h| h.version = 9,
        |h| h.hdr_len = 8,
        |h| h.hdr_len = u32::MAX,
        |h| h.func_off = u32::MAX,
        |h| h.func_len = u32::MAX,
        |h| h.line_len += 4,
        |h| h.core_off = 1 << 30,
    ];
    for change in changes {
        let (o, _) = small();
        let mut elf = o.elf.clone();
        elf.section(".BTF", sht::PROGBITS, 0, o.btf.build());
        elf.section(".BTF.ext", sht::PROGBITS, 0, o.ext.build_with(change));
        // A part that is not there at all may lie anywhere.
        if let Err(error) = open(&elf.build()) {
            let message = error.to_string();
            assert!(message.contains("section .BTF.ext"), "{message}");
        }
    }
}

/// parity, malformed: counts that would allocate gigabytes.
#[test]
fn counts_that_would_allocate_gigabytes() {
    let mut hostile: Vec<Vec<u8>> = Vec::new();
    // A record count, a record size, a member count.
    for claim in [u32::MAX, 1 << 28] {
        let (mut o, _) = small();
        o.ext.func.claim(claim);
        hostile.push(o.build());
        let (mut o, _) = small();
        o.ext.line.claim(claim);
        hostile.push(o.build());
    }
    let mut b = BtfBuilder::new(Order::Little);
    b.raw("s", 4 << 24 | 0xff_ffff, 8, &[0; 6]);
    hostile.push(with_btf(b.build()));
    // Sections, symbols, relocations, data in memory.
    for section in [
        ".symtab", ".strtab", "socket", ".BTF", ".BTF.ext", "license",
    ] {
        let (o, _) = small();
        let change = |layout: &mut support::elf_layout::Layout| {
            layout.header(section).sh_size = 1 << 36;
        };
        hostile.push(o.finished().build_with(change));
    }
    for size in [u64::from(u32::MAX), 1 << 36, u64::MAX] {
        let (mut o, _) = small();
        o.elf.nobits(".bss", size);
        hostile.push(o.build());
    }
    LARGEST.store(0, Ordering::Relaxed);
    for bytes in hostile {
        if let Ok(object) = open(&bytes) {
            let _ = link_for(&object, &bare_target(Order::Little));
        }
    }
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!(largest < 16 << 20, "{largest} bytes at once");
}

/// Data larger than a map's value can be.
#[test]
fn data_larger_than_a_map_value() {
    let (mut o, _) = small();
    o.elf.nobits(".bss", 1 << 36);
    refused_with(&o.build(), &["section .bss"]);
}

/// A map definition that BTF does not describe, or describes wrongly.
#[test]
fn map_definitions_that_are_none() {
    let (mut o, _) = small();
    let sec = o.elf.data(".maps", vec![0; 32]);
    o.elf.object("counters", GLOBAL, sec, 0, 32);
    o.no_btf = true;
    refused_with(&o.build(), &[".maps"]);

    let (mut o, _) = small();
    let sec = o.elf.data(".maps", vec![0; 32]);
    o.elf.object("counters", GLOBAL, sec, 0, 32);
    let var = o.btf.var("counters", o.int, 1);
    o.btf.datasec(".maps", 32, &[(var, 0, 32)]);
    refused_with(&o.build(), &["counters"]);
}

/// A whole file, cut at every length: an error or a result.
#[test]
fn every_truncation() {
    let (mut o, _) = small();
    o.array_maps(&["counters"]);
    let whole = o.build();
    for len in 0..whole.len() {
        if let Ok(object) = open(&whole[..len]) {
            let _ = link_for(&object, &bare_target(Order::Little));
        }
    }
}
