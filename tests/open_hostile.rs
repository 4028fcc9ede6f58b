//! Files that would make a careless reader busy or large.

mod support;

use support::btf::{GLOBAL as BTF_GLOBAL, field};
use support::elf::*;
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};

fn refused(bytes: &[u8], expected: &str) {
    let message = open(bytes).expect_err("refused").to_string();
    assert!(message.contains(expected), "{expected} in {message}");
}

fn with_program() -> Obj {
    let mut o = Obj::little();
    o.code("socket", &[Fun("prog", GLOBAL, &[mov(0, 0), exit()])]);
    o
}

/// Many sections over the same bytes would multiply the file.
#[test]
fn sections_over_the_same_bytes() {
    let mut o = with_program();
    for i in 0..200 {
        o.elf.data(&format!(".data.{i}"), vec![0; 64]);
    }
    let bytes = o.finished().build_with(|layout| {
        let whole = layout.body.len() as u64;
        for header in &mut layout.headers {
            if header.name.starts_with(".data.") {
                (header.sh_offset, header.sh_size) = (64, whole);
            }
        }
    });
    refused(&bytes, "overlap");
}

/// Names longer than any that a kernel knows.
#[test]
fn long_names() {
    let mut o = with_program();
    o.elf.data(&"s".repeat(5000), vec![0; 8]);
    refused(&o.build(), "more than 4096 bytes");
    let mut o = with_program();
    o.elf.undefined(&"u".repeat(5000), GLOBAL);
    refused(&o.build(), "more than 4096 bytes");
}

/// Thousands of symbols inside one long name.
#[test]
fn names_inside_of_names() {
    let mut o = with_program();
    let long = o.elf.undefined(&"n".repeat(4000), GLOBAL);
    for _ in 0..20_000 {
        let copy = o.elf.symbol_mut(long).clone();
        o.elf.symbol(Symbol {
            name: String::new(),
            ..copy
        });
    }
    let bytes = o.finished().build_with(|layout| {
        // Every nameless symbol gets the name of the first one.
        let symtab = layout.header(".symtab").clone();
        let start = (symtab.sh_offset - 64) as usize;
        let len = symtab.sh_size as usize;
        let table = &mut layout.body[start..start + len];
        let named = table
            .chunks_exact(24)
            .find(|raw| raw[4] == 0x10 && raw[..4] != [0; 4])
            .map(|raw| raw[..4].to_vec())
            .expect("one symbol has a name");
        for raw in table.chunks_exact_mut(24).skip(1) {
            if raw[..4] == [0; 4] && raw[4] == 0x10 {
                raw[..4].copy_from_slice(&named);
            }
        }
    });
    refused(&bytes, "names overlap");
}

/// A section of four gigabytes that takes no room in the file takes none here.
#[test]
fn a_huge_section_without_contents() {
    let mut o = with_program();
    o.elf.nobits(".bss", u64::from(u32::MAX));
    let object = opened(&o.build());
    assert_eq!(object.maps()[0].definition.value_size, u32::MAX);
    assert_eq!(object.maps()[0].initial, None);
    let mut o = with_program();
    o.elf.nobits(".bss", 1 << 32);
    refused(&o.build(), ".bss");
    let mut o = with_program();
    o.elf.nobits(".bss", u64::MAX);
    refused(&o.build(), ".bss");
}

/// Thousands of maps at one place, none of them taking any.
#[test]
fn maps_at_one_place() {
    let mut o = with_program();
    let int = o.int;
    let one = o.btf.array(int, int, 1);
    let pointer = o.btf.ptr(one);
    let empty = o.btf.structure("", 0, &[field("type", pointer, 0); 20]);
    let var = o.btf.var("m", empty, BTF_GLOBAL);
    o.btf.datasec(".maps", 8, &vec![(var, 0, 0); 5000]);
    o.elf.data(".maps", vec![0; 8]);
    refused(&o.build(), "overlap");
}

/// Ten thousand functions, each calling the next, with a relocation for each
/// call and a name of its own: no work that grows with the square.
#[test]
fn ten_thousand_functions() {
    let mut o = Obj::little();
    let mut code = o.code(".text", &[]);
    let syms: Vec<Sym> = (0..10_000)
        .map(|i| o.function(&mut code, &format!("f{i}"), GLOBAL, &[call_fn(-1), exit()]))
        .collect();
    for (i, next) in (0u32..).zip(syms.iter().skip(1)) {
        o.call(&code, i * 2, *next);
    }
    let object = opened(&o.build());
    let stream = &object.streams()[0];
    assert_eq!(stream.symbols.len(), 10_000);
    assert_eq!(stream.references.len(), 10_000);
    assert_eq!(stream.func_info.len(), 10_000);
}
