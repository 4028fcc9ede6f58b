//! Global variables in the arena (`.addr_space.1`): where they lie on which target, what
//! the loader is told, and what cannot be.
//!
//! The rules are libbpf's (init_arena_map_data and the relocation of code that follows it):
//! the last pages of the arena, or its start where the kernel refuses large offsets.

mod support;

use std::sync::Arc;

use bpflink::link::{Programs, ReferenceKind};
use bpflink::target::TargetBuilder;
use bpflink::{Object, Status, Target};
use support::btf::{GLOBAL as BTF_GLOBAL, Order, field};
use support::clang::compile;
use support::elf::*;
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};

const TYPE_ARENA: u32 = 33;
const PAGE: u64 = 4096;
/// `r1 = addr_space_cast(r1, 0, 1)`: a move of 64 bits with the offset 1.
const CAST: I = I::new(0xbf, 1, 1, 1, 1);

/// Adds maps of type arena with so many pages each.
fn arenas(o: &mut Obj, pages: &[(&str, u32)]) {
    let sec = o.elf.data(".maps", vec![0; pages.len() * 32]);
    let mut vars = Vec::new();
    for (i, &(name, pages)) in (0u32..).zip(pages) {
        let (btf, int) = (&mut o.btf, o.int);
        let mut number = |count| {
            let array = btf.array(int, int, count);
            btf.ptr(array)
        };
        let fields = [number(TYPE_ARENA), number(1 << 10), number(pages)];
        let extra = btf.enum64("", false, &[("__unique_value", 1 << 44)]);
        let members = [
            field("type", fields[0], 0),
            field("map_flags", fields[1], 8),
            field("max_entries", fields[2], 16),
            field("map_extra", extra, 24),
        ];
        let definition = btf.structure("", 32, &members);
        vars.push((btf.var(name, definition, BTF_GLOBAL), i * 32, 32));
        o.elf.object(name, GLOBAL, sec, u64::from(i) * 32, 32);
    }
    o.btf.datasec(".maps", 0, &vars);
}

/// `prog` refers to a global variable at 16 (slot 0), through the section symbol to 4096
/// (slot 3), to a weak one at 24 and a hidden one at 32; `good` to none. `size` bytes.
fn object(order: Order, pages: &[(&str, u32)], size: usize) -> Obj {
    let mut o = Obj::new(order);
    let load = |imm| ld64(1, 0, imm, 0);
    let body = [
        &load(0)[..],
        &[CAST],
        &load(4096),
        &load(0),
        &load(4),
        &[exit()],
    ]
    .concat();
    let code = o.code("syscall", &[Fun("prog", GLOBAL, &body)]);
    o.code("syscall/good", &[Fun("good", GLOBAL, &[mov(0, 0), exit()])]);
    let data = (0..size).map(|i| i as u8).collect();
    let sec = o.elf.data(".addr_space.1", data);
    let plain = o.elf.object("plain", GLOBAL, sec, 16, 4);
    let weak = o.elf.object("weak", WEAK, sec, 24, 4);
    let hidden = o.elf.object("hidden", GLOBAL, sec, 32, 8);
    o.elf.symbol_mut(hidden).visibility = HIDDEN;
    let section = o.elf.section_symbol(sec);
    for (slot, sym) in [(0, plain), (3, section), (5, weak), (7, hidden)] {
        o.load(&code, slot, sym);
    }
    if !pages.is_empty() {
        arenas(&mut o, pages);
    }
    o
}

/// A described kernel; nothing is known of it but this.
fn kernel(release: &str, kconfig: &str) -> Target {
    support::record::kernel_text("kconfig", kconfig);
    let builder = TargetBuilder::new().release(release).unwrap();
    builder.kconfig(kconfig).build().unwrap()
}

fn offsets(set: &Programs) -> Vec<i64> {
    let references = program(set, "prog").references();
    assert!(references.iter().all(|r| {
        r.kind == ReferenceKind::MapValue && r.name == "arena" && r.map == Some(0) && !r.resolved
    }));
    references.iter().map(|r| r.offset).collect()
}

/// Four pages of which two are taken: the variables start behind the other two.
#[test]
fn variables_lie_in_the_last_pages() {
    for order in Order::BOTH {
        let set = linked(&object(order, &[("arena", 4)], 5000).build());
        let start = 2 * PAGE as i64;
        assert_eq!(
            offsets(&set),
            [start + 16, start + 4096, start + 24, start + 36]
        );
        let value = |offset: i64| ld64(1, 2, 0, offset as i32);
        let expected = [
            &value(start + 16)[..],
            &[CAST],
            &value(start + 4096),
            &value(start + 24),
            &value(start + 36),
            &[exit()],
        ];
        assert_eq!(stream(&set, "prog"), expected.concat());
        assert_eq!(set.map_contents_offset(0), 2 * PAGE);
        let contents = set.map_contents(0).expect("the arena starts with them");
        assert_eq!((contents.len(), contents[4999]), (5000, 4999_u32 as u8));
        let definition = &set.object().maps()[0].definition;
        assert_eq!((definition.map_type, definition.max_entries), (33, 4));
        assert_eq!((definition.flags, definition.map_extra), (1 << 10, 1 << 44));
    }
}

/// Linux before 7.0 takes no offset from 512 MiB on: the first pages, whatever the size is.
#[test]
fn older_kernels_get_them_at_the_start() {
    let object = opened(&object(Order::Little, &[("arena", 4)], 5000).build());
    for (release, start) in [("6.18.0", 0), ("7.0.0", 2 * PAGE)] {
        let set = all_stand(link_for(&object, &kernel(release, "")));
        assert_eq!(set.map_contents_offset(0), start, "{release}");
        assert_eq!(offsets(&set)[0], start as i64 + 16, "{release}");
    }
}

/// A page is as large as the target's configuration says.
#[test]
fn pages_of_the_target() {
    let object = opened(&object(Order::Little, &[("arena", 4)], 5000).build());
    for (kconfig, start) in [
        ("CONFIG_PAGE_SHIFT=16\n", 3 << 16),
        ("CONFIG_PAGE_SHIFT=12\n", 2 << 12),
        ("CONFIG_PAGE_SHIFT=99\n", 2 << 12),
    ] {
        let set = all_stand(link_for(&object, &kernel("7.2.0", kconfig)));
        assert_eq!(set.map_contents_offset(0), start, "{kconfig}");
    }
}

/// The largest arena, 4 GiB: offsets are 32 bits without a sign.
#[test]
fn the_end_of_the_largest_arena() {
    let set = linked(&object(Order::Little, &[("arena", 1 << 20)], 5000).build());
    let start = (1i64 << 32) - 2 * PAGE as i64;
    assert_eq!(offsets(&set)[0], start + 16);
    assert_eq!(stream(&set, "prog")[1].imm, (start + 16) as i32);
    assert_eq!(set.map_contents_offset(0), start as u64);
}

/// An arena that the variables fill has them at its start on every kernel.
#[test]
fn variables_that_fill_the_arena() {
    let full = linked(&object(Order::Little, &[("arena", 2)], 2 * PAGE as usize).build());
    assert_eq!(full.map_contents_offset(0), 0);
    assert_eq!(offsets(&full)[0], 16);
}

fn refused(object: &Arc<Object>, parts: &[&str], status: Status) {
    let set = link_for(object, &kernel("7.2.0", ""));
    let message = failure(&set, "prog");
    for part in [&["program prog", "instruction 0"], parts].concat() {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(
        program(&set, "prog").error().map(|e| e.status()),
        Some(status)
    );
    assert!(program(&set, "good").error().is_none());
}

/// No arena, two, or one that is too small: programs that refer to variables fail, alone.
#[test]
fn variables_without_room() {
    let open = |pages: &[(&str, u32)]| opened(&object(Order::Little, pages, 5000).build());
    refused(&open(&[]), &["plain", "no map of type arena"], Status::Elf);
    let two = open(&[("one", 9), ("two", 9)]);
    refused(
        &two,
        &["plain", "2 maps of type arena"],
        Status::Unsupported,
    );
    assert!(two.maps().iter().all(|map| map.initial.is_none()));
    refused(
        &open(&[("arena", 1)]),
        &["map arena", "5000 bytes", "1 pages of 4096 bytes"],
        Status::Elf,
    );
    refused(&open(&[("arena", 0)]), &["0 pages"], Status::Elf);
}

/// Before the first byte of the arena is nothing.
#[test]
fn an_offset_before_the_arena() {
    let mut o = object(Order::Little, &[("arena", 2)], 5000);
    let [low, high] = ld64(1, 0, -17, 0);
    let code = o.code("syscall/bad", &[Fun("bad", GLOBAL, &[low, high, exit()])]);
    let sec = Sec(section_of(&o, ".addr_space.1").into());
    let sym = o.elf.object("other", GLOBAL, sec, 16, 4);
    o.load(&code, 0, sym);
    let message = failure(
        &link_for(&opened(&o.build()), &bare_target(Order::Little)),
        "bad",
    );
    for part in ["program bad", "arena", "offset -1"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

fn section_of(o: &Obj, name: &str) -> u16 {
    let found = o.elf.section_number(name);
    found.unwrap_or_else(|| panic!("no section {name}"))
}

/// The loader's own file descriptor; the offset stays.
#[test]
fn with_a_file_descriptor() {
    let object = opened(&object(Order::Little, &[("arena", 4)], 5000).build());
    let set = staged(&object, &bare_target(Order::Little), &[("arena", 7)]).unwrap();
    assert_eq!(stream(&set, "prog")[..2], ld64(1, 2, 7, 2 * 4096 + 16));
}

/// Nobody gives a pointer in the arena its address before it is loaded: as with data.
#[test]
fn pointers_in_the_arena_stay_as_they_are() {
    let mut o = object(Order::Little, &[("arena", 4)], 5000);
    let sec = Sec(section_of(&o, ".addr_space.1").into());
    let sym = o.elf.object("pointed", GLOBAL, sec, 64, 4);
    o.elf.rel(sec, 8, sym, r_bpf::ABS64);
    let object = opened(&o.build());
    assert!(object.warnings()[0].contains(".addr_space.1"));
    all_stand(link_for(&object, &bare_target(Order::Little)));
}

/// What clang makes of tests/bpf/arena.bpf.c; offsets are those of its symbol table.
#[test]
fn a_compiled_arena() {
    for order in Order::BOTH {
        let Some(bytes) = compile("arena", order, &["-mcpu=v4"]) else {
            return;
        };
        let set = linked(&bytes);
        let object = set.object();
        let arena = object.maps().iter().position(|map| map.name == "memory");
        let arena = arena.expect("the source defines it");
        let size = set.map_contents(arena).map_or(0, <[u8]>::len) as u64;
        assert!(size > 20_000, "{size}");
        let start = 100 * PAGE - size.next_multiple_of(PAGE);
        assert_eq!(set.map_contents_offset(arena), start);
        let references = program(&set, "run").references();
        let inside = start as i64..(start + size) as i64;
        let variables = references
            .iter()
            .filter(|r| r.kind == ReferenceKind::MapValue);
        assert!(
            variables.clone().count() >= 5 && variables.clone().all(|r| inside.contains(&r.offset))
        );
        // bpf_addr_space_cast: code 0xbf with the offset 1, of the callee's too.
        let casts = stream(&set, "run")
            .into_iter()
            .filter(|i| i.code == 0xbf && i.off == 1);
        assert!(casts.count() >= 5);
    }
}
