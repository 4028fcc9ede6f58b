//! Open: what an object file says, in both byte orders.

mod support;

use bpflink::elf::{Binding, ExternKind, MapEntry, MapOrigin, Pinning, ReferenceTarget};
use bpflink::{Object, Status};
use support::btf::Order;
use support::clang::compile;
use support::elf::*;
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};

/// e_machine BPF or NONE, both byte orders; others are told what they are.
#[test]
fn machines_and_byte_orders() {
    for order in Order::BOTH {
        for machine in [EM_BPF, EM_NONE] {
            let mut o = Obj::new(order);
            o.elf.machine = machine;
            o.code("socket", &[Fun("entry", GLOBAL, &[mov(0, 7), exit()])]);
            let object = opened(&o.build());
            assert_eq!(order_of(&object), order);
            let insn = object.streams()[0].insns[0];
            assert_eq!((insn.code, insn.dst(), insn.imm), (0xb7, 0, 7));
        }
    }
    let mut o = Obj::little();
    o.elf.machine = EM_X86_64;
    o.code("socket", &[Fun("entry", GLOBAL, &[exit()])]);
    let error = open(&o.build()).unwrap_err();
    assert_eq!(error.status(), Status::Unsupported);
    assert!(error.to_string().contains("62"), "{error}");
}

/// Functions: binding, visibility, size, section; empty sections are nothing.
#[test]
fn functions_as_the_symbol_table_has_them() {
    let mut o = Obj::little();
    o.elf.code(".text", Vec::new());
    let code = o.code(
        "kprobe/do_exit",
        &[
            Fun("global", GLOBAL, &[mov(0, 0), exit()]),
            Fun("weak", WEAK, &[exit()]),
            Fun("local", LOCAL, &[exit()]),
            Fun("hidden", GLOBAL, &[exit()]),
        ],
    );
    o.elf.symbol_mut(code.funs[3].0).visibility = HIDDEN;
    let object = opened(&o.build());
    let [stream] = object.streams() else {
        panic!("one section with code: {:?}", object.streams());
    };
    assert_eq!(stream.section, "kprobe/do_exit");
    assert_eq!(stream.program_type.program_type, 2); // BPF_PROG_TYPE_KPROBE
    let found: Vec<_> = stream
        .symbols
        .iter()
        .map(|s| (s.name.to_string(), s.start, s.len, s.binding, s.hidden))
        .collect();
    let expected = [
        ("global", 0, Some(2), Binding::Global, false),
        ("weak", 2, Some(1), Binding::Weak, false),
        ("local", 3, Some(1), Binding::Local, false),
        ("hidden", 4, Some(1), Binding::Global, true),
    ];
    assert_eq!(
        found,
        expected.map(|(n, s, l, b, h)| (n.to_owned(), s, l, b, h))
    );
}

/// Old compilers give functions neither a type nor a size, and label their blocks.
#[test]
fn functions_without_type_and_size() {
    let mut o = Obj::little();
    let code = o.code(
        "socket",
        &[
            Fun("one", GLOBAL, &[mov(0, 1), exit()]),
            Fun("two", GLOBAL, &[mov(0, 2), exit()]),
        ],
    );
    for (sym, ..) in &code.funs {
        let symbol = o.elf.symbol_mut(*sym);
        symbol.kind = NOTYPE;
        symbol.size = 0;
    }
    let label = o.elf.func("LBB0_2", LOCAL, code.sec, 8, 0);
    o.elf.symbol_mut(label).kind = NOTYPE;
    let set = linked(&o.build());
    assert_eq!(stream(&set, "one"), [mov(0, 1), exit()]);
    assert_eq!(stream(&set, "two"), [mov(0, 2), exit()]);
}

/// License and version.
#[test]
fn license_and_version() {
    for order in Order::BOTH {
        let mut o = Obj::new(order);
        o.code("socket", &[Fun("entry", GLOBAL, &[exit()])]);
        o.elf.data("version", order.u32(0x0006_0c01).to_vec());
        let object = opened(&o.build());
        assert_eq!(object.license().unwrap(), &"GPL");
        assert_eq!(object.version(), Some(0x0006_0c01));
    }
    let mut o = Obj::little();
    o.code("socket", &[Fun("entry", GLOBAL, &[exit()])]);
    o.elf.data("version", vec![1, 2, 3]);
    let error = open(&o.build()).unwrap_err().to_string();
    assert!(error.contains("section version"), "{error}");
}

/// An object without BTF.
#[test]
fn an_object_without_btf() {
    let mut o = Obj::little();
    o.no_btf = true;
    o.code("socket", &[Fun("entry", GLOBAL, &[mov(0, 1), exit()])]);
    let set = linked(&o.build());
    assert!(set.object().btf().is_none());
    assert_eq!(stream(&set, "entry"), [mov(0, 1), exit()]);
    assert_eq!(func_info(&set, "entry"), []);
}

/// Without `.BTF.ext`, with a BTF of type ids alone.
#[test]
fn an_object_without_ext_info() {
    let mut o = Obj::little();
    o.no_ext = true;
    o.code("socket", &[Fun("entry", GLOBAL, &[exit()])]);
    let set = linked(&o.build());
    assert!(set.object().btf().is_some());
    assert_eq!(func_info(&set, "entry"), []);
}

/// RELA and compressed sections: a clear error.
#[test]
fn rela_and_compressed_sections_are_refused() {
    let mut o = Obj::little();
    let code = o.code("socket", &[Fun("entry", GLOBAL, &[call_fn(-1), exit()])]);
    o.elf.rela(code.sec, 0, code.funs[0].0, r_bpf::R64_32, 0);
    let error = open(&o.build()).unwrap_err();
    assert_eq!(error.status(), Status::Unsupported);
    assert!(error.to_string().contains("RELA"), "{error}");

    let mut o = Obj::little();
    o.code("socket", &[Fun("entry", GLOBAL, &[exit()])]);
    let bytes = o
        .finished()
        .build_with(|layout| layout.header(".BTF").sh_flags |= shf::COMPRESSED);
    let error = open(&bytes).unwrap_err();
    assert_eq!(error.status(), Status::Unsupported);
    assert!(error.to_string().contains("compressed"), "{error}");
    assert!(error.to_string().contains(".BTF"), "{error}");
}

/// The legacy `maps` section: `struct bpf_map_def` of five words each.
#[test]
fn legacy_maps() {
    for order in Order::BOTH {
        let mut o = Obj::new(order);
        o.no_btf = true;
        let definition = |words: [u32; 5]| words.map(|word| order.u32(word)).concat();
        let mut contents = definition([1, 4, 8, 1024, 0]);
        contents.extend(definition([2, 4, 16, 1, 1]));
        let maps = o.elf.data("maps", contents);
        let first = o.elf.object("first", GLOBAL, maps, 0, 20);
        let second = o.elf.object("second", GLOBAL, maps, 20, 20);
        let body = [&ld64(1, 0, 0, 0)[..], &ld64(1, 0, 0, 0), &[exit()]].concat();
        let code = o.code("socket", &[Fun("entry", GLOBAL, &body)]);
        o.load(&code, 0, second);
        o.load(&code, 2, first);
        let object = opened(&o.build());
        let found = object.maps().iter().map(|m| {
            let d = &m.definition;
            (
                m.name.to_string(),
                m.origin,
                [d.map_type, d.key_size, d.value_size, d.max_entries, d.flags],
            )
        });
        let found: Vec<_> = found.collect();
        let expected = [("first", [1, 4, 8, 1024, 0]), ("second", [2, 4, 16, 1, 1])];
        let expected = expected.map(|(name, words)| (name.to_owned(), MapOrigin::Legacy, words));
        assert_eq!(found, expected);
        let set = staged(&object, &bare_target(order), &[("first", 5), ("second", 6)]).unwrap();
        let expected = [&ld64(1, 1, 6, 0)[..], &ld64(1, 1, 5, 0), &[exit()]].concat();
        assert_eq!(stream(&set, "entry"), expected);
    }
}

/// References to data: by symbol, and by section plus offset in the immediate.
#[test]
fn references_to_data_with_their_addends() {
    for order in Order::BOTH {
        let mut o = Obj::new(order);
        let data = o.elf.data(".data", vec![1; 32]);
        let rodata = o.elf.section(
            ".rodata.str1.1",
            sht::PROGBITS,
            shf::ALLOC,
            b"hello\0".to_vec(),
        );
        let bss = o.elf.nobits(".bss.foo", 64);
        let global = o.elf.object("global", GLOBAL, data, 24, 8);
        let strings = o.elf.section_symbol(rodata);
        let zeros = o.elf.section_symbol(bss);
        // A symbol at 24 and 4 bytes into it; "llo"; the last word of .bss.foo.
        let loads = [ld64(1, 0, 4, 0), ld64(2, 0, 2, 0), ld64(3, 0, 60, 0)];
        let body = [loads.as_flattened(), &[exit()]].concat();
        let code = o.code("socket", &[Fun("entry", GLOBAL, &body)]);
        o.load(&code, 0, global);
        o.load(&code, 2, strings);
        o.load(&code, 4, zeros);
        let object = opened(&o.build());
        let name = |target: &ReferenceTarget| match *target {
            ReferenceTarget::MapValue { map, offset } => {
                (object.maps()[map as usize].name.to_string(), offset)
            }
            ref other => panic!("{other:?}"),
        };
        let references = &object.streams()[0].references;
        let found: Vec<_> = references
            .iter()
            .map(|r| (r.insn, name(&r.target)))
            .collect();
        let expected = [
            (0, (".data".to_owned(), 28)),
            (2, (".rodata.str1.1".to_owned(), 2)),
            (4, (".bss.foo".to_owned(), 60)),
        ];
        assert_eq!(found, expected);
        let fds = [(".data", 7), (".rodata.str1.1", 8), (".bss.foo", 9)];
        let set = staged(&object, &bare_target(order), &fds).unwrap();
        let loads = [ld64(1, 2, 7, 28), ld64(2, 2, 8, 2), ld64(3, 2, 9, 60)];
        assert_eq!(
            stream(&set, "entry"),
            [loads.as_flattened(), &[exit()]].concat()
        );
    }
}

/// Data sections as maps: one entry, the contents of the file, zeros for `.bss`.
#[test]
fn data_sections_are_maps_of_one_entry() {
    let mut o = Obj::little();
    o.code("socket", &[Fun("entry", GLOBAL, &[exit()])]);
    o.elf.data(".data.own", vec![1, 2, 3, 4]);
    o.elf
        .section(".rodata", sht::PROGBITS, shf::ALLOC, vec![9; 3]);
    o.elf.nobits(".bss", 4096);
    let object = opened(&o.build());
    let found = object.maps().iter().map(|m| {
        let d = &m.definition;
        (
            m.name.to_string(),
            m.origin,
            d.value_size,
            m.initial.clone(),
        )
    });
    let found: Vec<_> = found.collect();
    let expected = [
        (
            ".data.own".to_owned(),
            MapOrigin::Data,
            4,
            Some(vec![1, 2, 3, 4]),
        ),
        (".rodata".to_owned(), MapOrigin::Rodata, 3, Some(vec![9; 3])),
        (".bss".to_owned(), MapOrigin::Bss, 4096, None),
    ];
    assert_eq!(found, expected);
    for map in object.maps() {
        let d = &map.definition;
        // BPF_MAP_TYPE_ARRAY of one entry with a key of four bytes.
        assert_eq!(
            (d.map_type, d.key_size, d.max_entries),
            (2, 4, 1),
            "{}",
            map.name
        );
    }
}

/// Externs: a kfunc with BTF, an undefined symbol without.
#[test]
fn externs_by_what_btf_says_of_them() {
    let mut o = Obj::little();
    let code = o.code(
        "socket",
        &[Fun("entry", GLOBAL, &[call_fn(-1), call_fn(-1), exit()])],
    );
    let (kfunc, func) = o.kfunc("bpf_task_acquire___v2", WEAK);
    o.btf.datasec(".ksyms", 0, &[(func, 0, 0)]);
    let unknown = o.elf.undefined("unknown", GLOBAL);
    o.call(&code, 0, kfunc);
    o.call(&code, 1, unknown);
    let object = opened(&o.build());
    let mut found: Vec<_> = object
        .externs()
        .iter()
        .map(|e| (e.name.to_string(), e.kind, e.weak))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("bpf_task_acquire___v2".to_owned(), ExternKind::Kfunc, true),
        ("unknown".to_owned(), ExternKind::Unknown, false),
    ];
    assert_eq!(found, expected);
}

/// The maps of tests/bpf/maps.bpf.c, as its source has them.
#[test]
fn maps_that_clang_compiled() {
    for order in Order::BOTH {
        let Some(bytes) = compile("maps", order, &[]) else {
            return;
        };
        let object = opened(&bytes);
        assert_eq!(object.license().unwrap(), &"Dual MIT/GPL");
        let maps = object.maps();
        let index = |name: &str| maps.iter().position(|m| m.name == *name).unwrap();
        let get = |name: &str| &maps[index(name)].definition;
        let sizes = |name: &str| {
            let d = get(name);
            [d.map_type, d.key_size, d.value_size, d.max_entries, d.flags]
        };
        assert_eq!(sizes("typed"), [1, 4, 16, 128, 0]);
        assert_eq!(sizes("sized"), [2, 4, 24, 3, 1024]);
        assert_eq!(sizes("outer"), [12, 4, 4, 4, 0]);
        assert_eq!(sizes("jumps"), [3, 4, 4, 2, 0]);
        assert_eq!(get("sized").pinning, Pinning::ByName);
        assert_eq!(get("typed").pinning, Pinning::None);
        let inner = get("outer").inner.as_deref().unwrap();
        assert_eq!(
            [
                inner.map_type,
                inner.key_size,
                inner.value_size,
                inner.max_entries
            ],
            [2, 4, 8, 1]
        );
        let entries = [
            (1, MapEntry::Map(index("inner_b") as u32)),
            (3, MapEntry::Map(index("inner_a") as u32)),
        ];
        assert_eq!(get("outer").entries, entries);
        let [(1, MapEntry::Program(address))] = get("jumps").entries[..] else {
            panic!("{:?}", get("jumps").entries);
        };
        let section = &object.streams()[address.stream as usize].section;
        assert_eq!((section, address.insn), (&"socket/tail".into(), 0));
        let btf = object.btf().unwrap();
        let value = btf.type_by_id(get("typed").value_type_id).unwrap();
        assert_eq!(value.name().unwrap(), b"value");
        assert_ne!(get("typed").key_type_id, 0);
        let data = maps[index(".data")].initial.as_deref().unwrap();
        assert!(data.windows(8).any(|window| window == order.u64(41)));
        let own = maps[index(".data.own")].initial.as_deref().unwrap();
        assert_eq!(own, [order.u32(5), order.u32(6)].concat());
        assert_eq!(sizes(".bss.own")[2], 16);
    }
}

/// A file that does not exist, and one that does.
#[test]
fn from_a_file() {
    let error = Object::open("/nonexistent/x.bpf.o").unwrap_err();
    assert_eq!((error.status(), error.errno()), (Status::Io, Some(2)));
    assert!(
        error.to_string().contains("/nonexistent/x.bpf.o"),
        "{error}"
    );
    let mut o = Obj::little();
    o.code("socket", &[Fun("entry", GLOBAL, &[exit()])]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("some.bpf.o");
    std::fs::write(&path, o.build()).unwrap();
    let object = Object::open(&path).unwrap();
    assert_eq!(object.streams().len(), 1);
    assert_eq!(object.name().to_string(), path.to_string_lossy());
}

/// A map of `.maps` whose BTF is a struct of pointers to arrays.
#[test]
fn btf_maps_in_both_byte_orders() {
    for order in Order::BOTH {
        let mut o = Obj::new(order);
        let maps = o.array_maps(&["one", "two"]);
        let body = [&ld64(1, 0, 0, 0)[..], &[exit()]].concat();
        let code = o.code("socket", &[Fun("entry", GLOBAL, &body)]);
        o.load(&code, 0, maps[1]);
        let object = opened(&o.build());
        let d = &object.maps()[1].definition;
        assert_eq!(
            (object.maps()[1].name.to_string(), object.maps()[1].origin),
            ("two".to_owned(), MapOrigin::Btf)
        );
        assert_eq!(
            [d.map_type, d.key_size, d.value_size, d.max_entries],
            [2, 4, 4, 1]
        );
        assert_eq!(
            object.streams()[0].references[0].target,
            ReferenceTarget::Map(1)
        );
    }
}
