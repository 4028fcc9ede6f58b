//! Map definitions: attributes, initial values, and what is no definition.

mod support;

use bpflink::Status;
use bpflink::elf::{FunctionAddress, MapEntry, MapOrigin, Pinning, ReferenceTarget};
use support::btf::{BtfBuilder, Field, GLOBAL as BTF_GLOBAL, Order, STATIC, field};
use support::elf::*;
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};

/// `int (*)[count]`: how `__uint` writes a number.
fn uint(btf: &mut BtfBuilder, int: u32, count: u32) -> u32 {
    let array = btf.array(int, int, count);
    btf.ptr(array)
}

/// An object whose `.maps` holds one variable `m` of the struct that `fields` names.
fn one_map(order: Order, fields: impl FnOnce(&mut Obj) -> Vec<(&'static str, u32)>) -> Obj {
    let mut o = Obj::new(order);
    o.code("socket", &[Fun("prog", GLOBAL, &[mov(0, 0), exit()])]);
    let members = fields(&mut o);
    let len = members.len() as u32 * 8;
    let members: Vec<Field<'_>> = (0u32..)
        .zip(&members)
        .map(|(i, (name, ty))| field(name, *ty, i * 8))
        .collect();
    let definition = o.btf.structure("", len, &members);
    let var = o.btf.var("m", definition, BTF_GLOBAL);
    // As clang leaves it: neither the section's size nor the offset is filled in.
    o.btf.datasec(".maps", 0, &[(var, 0, len)]);
    let sec = o.elf.data(".maps", vec![0; len as usize]);
    o.elf.object("m", GLOBAL, sec, 0, len.into());
    o
}

fn refusal(o: &Obj) -> (Status, String) {
    let error = open(&o.build()).expect_err("the map is none");
    let message = error.to_string();
    assert!(
        message.contains(".maps") && message.contains("symbol m"),
        "{message}"
    );
    (error.status(), message)
}

/// Every attribute, in both byte orders.
#[test]
fn every_attribute() {
    for order in Order::BOTH {
        let o = one_map(order, |o| {
            let (btf, int) = (&mut o.btf, o.int);
            let long = btf.int("long", 8, 1);
            let extra = btf.enum64("", false, &[("__unique_value0", 0x1_0000_0002)]);
            vec![
                ("type", uint(btf, int, 1)),
                ("key", btf.ptr(int)),
                ("value", btf.ptr(long)),
                ("key_size", uint(btf, int, 4)),
                ("max_entries", uint(btf, int, 77)),
                ("map_flags", uint(btf, int, 5)),
                ("numa_node", uint(btf, int, 6)),
                ("pinning", uint(btf, int, 1)),
                ("map_extra", extra),
            ]
        });
        let object = opened(&o.build());
        let [map] = object.maps() else {
            panic!("one map: {:?}", object.maps());
        };
        let d = &map.definition;
        assert_eq!(
            (map.name.to_string(), map.origin),
            ("m".into(), MapOrigin::Btf)
        );
        assert_eq!((d.map_type, d.key_size, d.value_size), (1, 4, 8));
        assert_eq!((d.max_entries, d.flags, d.numa_node), (77, 5, 6));
        assert_eq!((d.map_extra, d.pinning), (0x1_0000_0002, Pinning::ByName));
        let btf = object.btf().expect("the object has BTF");
        let name = |id| btf.type_by_id(id).unwrap().name().unwrap().to_vec();
        assert_eq!(name(d.key_type_id), b"int");
        assert_eq!(name(d.value_type_id), b"long");
    }
}

/// What libbpf refuses is refused, with the attribute's name.
#[test]
fn attributes_that_contradict() {
    type Fields = fn(&mut Obj) -> Vec<(&'static str, u32)>;
    let cases: [(&str, Fields); 10] = [
        ("no type", |o| {
            vec![("max_entries", uint(&mut o.btf, o.int, 1))]
        }),
        ("two sizes of a key, 4 and 8", |o| {
            let key = o.btf.ptr(o.int);
            vec![("key", key), ("key_size", uint(&mut o.btf, o.int, 8))]
        }),
        ("two sizes of a value, 4 and 8", |o| {
            let value = o.btf.ptr(o.int);
            vec![("value", value), ("value_size", uint(&mut o.btf, o.int, 8))]
        }),
        ("unknown map attribute colour", |o| {
            vec![("colour", uint(&mut o.btf, o.int, 1))]
        }),
        ("attribute type: ", |o| vec![("type", o.int)]),
        ("attribute type: ", |o| vec![("type", o.btf.ptr(o.int))]),
        ("attribute key: ", |o| vec![("key", o.int)]),
        ("unknown pinning 2", |o| {
            vec![("pinning", uint(&mut o.btf, o.int, 2))]
        }),
        ("attribute map_extra: ", |o| {
            vec![("map_extra", o.btf.enum64("", false, &[("a", 1), ("b", 2)]))]
        }),
        ("overflows", |o| {
            let huge = o.btf.array(o.int, o.int, u32::MAX);
            vec![("value", o.btf.ptr(huge))]
        }),
    ];
    for (expected, fields) in cases {
        let (_, message) = refusal(&one_map(Order::Little, fields));
        assert!(message.contains(expected), "{expected} in {message}");
    }
}

/// `values` of a map that holds none, not at the end, or of what is no map.
#[test]
fn values_that_are_none() {
    let values = |o: &mut Obj, target: u32| {
        let pointer = o.btf.ptr(target);
        o.btf.array(pointer, o.int, 0)
    };
    let hash = one_map(Order::Little, |o| {
        let (proto, ty) = (o.proto, uint(&mut o.btf, o.int, 1));
        vec![("type", ty), ("values", values(o, proto))]
    });
    assert!(refusal(&hash).1.contains("neither maps nor programs"));
    let early = one_map(Order::Little, |o| {
        let (proto, ty) = (o.proto, uint(&mut o.btf, o.int, 3));
        vec![
            ("type", ty),
            ("values", values(o, proto)),
            ("max_entries", ty),
        ]
    });
    assert!(refusal(&early).1.contains("not the last"));
    let no_map = one_map(Order::Little, |o| {
        let (proto, ty) = (o.proto, uint(&mut o.btf, o.int, 12));
        vec![("type", ty), ("values", values(o, proto))]
    });
    assert!(refusal(&no_map).1.contains("the struct of a map"));
    let deep = one_map(Order::Little, |o| {
        let ty = uint(&mut o.btf, o.int, 12);
        let array = uint(&mut o.btf, o.int, 2);
        let leaf = o.btf.structure("", 8, &[field("type", array, 0)]);
        let held = values(o, leaf);
        let middle = [field("type", ty, 0), field("values", held, 8)];
        let middle = o.btf.structure("", 8, &middle);
        vec![("type", ty), ("values", values(o, middle))]
    });
    let (status, message) = refusal(&deep);
    assert_eq!(status, Status::Unsupported, "{message}");
}

/// A struct with more members than there are attributes is not even looked through.
#[test]
fn too_many_attributes() {
    let many = one_map(Order::Little, |o| {
        let number = uint(&mut o.btf, o.int, 1);
        vec![("type", number); 1000]
    });
    assert!(refusal(&many).1.contains("1000"));
}

#[test]
fn static_maps_are_refused() {
    let mut o = one_map(Order::Little, |o| {
        vec![("type", uint(&mut o.btf, o.int, 1))]
    });
    let var = o.btf.next_id() - 2;
    o.btf.set_word(var, 3, STATIC);
    assert_eq!(refusal(&o).0, Status::Unsupported);
}

/// A map of maps and an array of programs with their initial values.
fn with_values(order: Order) -> (Obj, Sec, [Sym; 4]) {
    let mut o = Obj::new(order);
    let body = [mov(0, 0), exit()];
    let code = o.code(
        "socket",
        &[Fun("one", GLOBAL, &body), Fun("two", GLOBAL, &body)],
    );
    let int = o.int;
    let (two, three, twelve) = (
        uint(&mut o.btf, int, 2),
        uint(&mut o.btf, int, 3),
        uint(&mut o.btf, int, 12),
    );
    let inner = o.btf.structure("inner", 8, &[field("type", two, 0)]);
    let (inner_ptr, proto_ptr) = (o.btf.ptr(inner), o.btf.ptr(o.proto));
    let (maps, programs) = (
        o.btf.array(inner_ptr, int, 0),
        o.btf.array(proto_ptr, int, 0),
    );
    let outer = [field("type", twelve, 0), field("values", maps, 8)];
    let outer = o.btf.structure("", 8, &outer);
    let table = [field("type", three, 0), field("values", programs, 8)];
    let table = o.btf.structure("", 8, &table);
    let sec = o.elf.data(".maps", vec![0; 8 + 32 + 32]);
    let mut vars = Vec::new();
    let mut syms = Vec::new();
    for (name, ty, at, len) in [
        ("in", inner, 0, 8),
        ("out", outer, 8, 32),
        ("table", table, 40, 32),
    ] {
        vars.push((o.btf.var(name, ty, BTF_GLOBAL), 0, len));
        syms.push(o.elf.object(name, GLOBAL, sec, at, len.into()));
    }
    o.btf.datasec(".maps", 0, &vars);
    (o, sec, [syms[0], syms[1], syms[2], code.funs[1].0])
}

#[test]
fn initial_values() {
    for order in Order::BOTH {
        let (mut o, sec, [inner, _, _, two]) = with_values(order);
        o.elf.rel(sec, 8 + 8 + 16, inner, r_bpf::ABS64);
        // What LLVM wrote before it had a type for pointers in data.
        o.elf.rel(sec, 8 + 8, inner, r_bpf::R64_64);
        o.elf.rel(sec, 40 + 8 + 8, two, r_bpf::ABS64);
        let object = opened(&o.build());
        let names: Vec<String> = object.maps().iter().map(|m| m.name.to_string()).collect();
        assert_eq!(names, ["in", "out", "table"]);
        let outer = &object.maps()[1].definition;
        assert_eq!(
            outer.entries,
            [(0, MapEntry::Map(0)), (2, MapEntry::Map(0))]
        );
        assert_eq!(outer.inner.as_ref().map(|inner| inner.map_type), Some(2));
        assert_eq!(outer.value_size, 4);
        let address = FunctionAddress { stream: 0, insn: 2 };
        let table = &object.maps()[2].definition;
        assert_eq!(table.entries, [(1, MapEntry::Program(address))]);
    }
}

/// Values between two slots, before the slots, outside of every map; programs
/// where maps belong, and the other way round.
#[test]
fn initial_values_that_are_none() {
    for (at, use_map, expected) in [
        (8 + 8 + 4, true, "no slot"),
        (8, true, "no slot"),
        (8 + 8 + 24, true, "no slot"),
        (4, true, "no slot"),
        (1 << 40, true, "no slot"),
        (8 + 8, false, "no map"),
        (40 + 8, true, "no program"),
    ] {
        let (mut o, sec, [inner, _, _, two]) = with_values(Order::Little);
        let sym = if use_map { inner } else { two };
        o.elf.rel(sec, at, sym, r_bpf::ABS64);
        let message = open(&o.build()).expect_err("no value").to_string();
        assert!(message.contains(expected), "{at}: {expected} in {message}");
        assert!(
            message.contains(".maps") && message.contains("record 0"),
            "{message}"
        );
    }
}

/// Static linking leaves the definition of an overridden weak map between two others.
#[test]
fn legacy_maps_with_a_gap_between() {
    let mut o = Obj::little();
    o.code("socket", &[Fun("prog", GLOBAL, &[mov(0, 0), exit()])]);
    let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|w| w.to_le_bytes()).collect() };
    let sec = o.elf.data(
        "maps",
        words(&[1, 4, 8, 10, 1, 1, 1, 1, 1, 1, 2, 4, 16, 20, 0]),
    );
    o.elf.object("one", GLOBAL, sec, 0, 20);
    o.elf.object("two", GLOBAL, sec, 40, 20);
    let object = opened(&o.build());
    let found: Vec<_> = object
        .maps()
        .iter()
        .map(|m| {
            (
                m.name.to_string(),
                m.definition.map_type,
                m.definition.value_size,
            )
        })
        .collect();
    assert_eq!(found, [("one".into(), 1, 8), ("two".into(), 2, 16)]);

    o.elf.object("three", GLOBAL, sec, 40, 24);
    let message = open(&o.build()).expect_err("past the end").to_string();
    assert!(
        message.contains("three") && message.contains("maps"),
        "{message}"
    );
}

/// Map references through a symbol, through the section, and where no map is.
#[test]
fn references_to_maps_by_place() {
    let mut o = Obj::little();
    let [a0, a1] = ld64(1, 0, 0, 0);
    let [b0, b1] = ld64(1, 0, 32, 0);
    let [c0, c1] = ld64(1, 0, 4, 0);
    let good = [a0, a1, b0, b1, exit()];
    let code = o.code("socket/good", &[Fun("good", GLOBAL, &good)]);
    let bad = o.code("socket/bad", &[Fun("bad", GLOBAL, &[c0, c1, exit()])]);
    let maps = o.array_maps(&["first", "second"]);
    let section = o.elf.symbol_mut(maps[0]).section;
    let section = o.elf.section_symbol(Sec(section.into()));
    o.load(&code, 0, maps[1]);
    o.load(&code, 2, section);
    o.load(&bad, 0, maps[0]);
    let object = opened(&o.build());
    let targets: Vec<&ReferenceTarget> = object.streams()[0]
        .references
        .iter()
        .map(|r| &r.target)
        .collect();
    assert_eq!(
        targets,
        [&ReferenceTarget::Map(1), &ReferenceTarget::Map(1)]
    );
    let programs = link_for(&object, &bare_target(Order::Little));
    assert!(programs.get("good").unwrap().error().is_none());
    let message = failure(&programs, "bad");
    for part in ["program bad", "instruction 0", "first", "offset 4"] {
        assert!(message.contains(part), "{part} in {message}");
    }
}

/// A reference into a section that is no map fails the program that has it.
#[test]
fn a_reference_into_an_unknown_section() {
    let mut o = Obj::little();
    let [low, high] = ld64(1, 0, 0, 0);
    let bad = o.code("socket/bad", &[Fun("bad", GLOBAL, &[low, high, exit()])]);
    o.code("socket/good", &[Fun("good", GLOBAL, &[mov(0, 0), exit()])]);
    let sec = o.elf.data("curious", vec![0; 8]);
    let sym = o.elf.object("thing", GLOBAL, sec, 0, 8);
    o.load(&bad, 0, sym);
    let programs = link_for(&opened(&o.build()), &bare_target(Order::Little));
    assert!(programs.get("good").unwrap().error().is_none());
    let message = failure(&programs, "bad");
    for part in ["program bad", "thing", "curious"] {
        assert!(message.contains(part), "{part} in {message}");
    }
}
