//! Streams that never were an ELF file.

mod support;

use std::sync::Arc;

use bpflink::bytes::Endian;
use bpflink::elf::{
    Binding, CoreRelocation, ExternKind, FunctionAddress, Map, MapDefinition, MapOrigin,
    ProgramType, RawReference, RawStream, ReferenceTarget, Symbol,
};
use bpflink::{Name, Object, Status};
use support::btf::{BtfBuilder, EXTERN, Order, SIGNED, field};
use support::insn::*;
use support::link::*;

fn symbol(name: &str, start: u32, entry: bool) -> Symbol {
    Symbol {
        name: name.into(),
        start,
        len: None,
        binding: if entry {
            Binding::Global
        } else {
            Binding::Local
        },
        hidden: false,
        entry,
    }
}

fn reference(insn: u32, name: &str, addend: i64) -> RawReference {
    RawReference {
        insn,
        name: name.into(),
        addend,
    }
}

fn raw(order: Order, insns: &[I]) -> RawStream {
    let endian = match order {
        Order::Little => Endian::Little,
        Order::Big => Endian::Big,
    };
    let mut raw = RawStream::from_bytes(NAME, endian, &bytes(insns, order)).unwrap();
    raw.symbols = vec![symbol("main", 0, true)];
    raw
}

fn map(name: &str, origin: MapOrigin) -> Map {
    Map {
        name: name.into(),
        section: "".into(),
        origin,
        definition: MapDefinition::default(),
        initial: None,
        weak: false,
        hidden: false,
    }
}

fn refused(raw: RawStream) -> String {
    let error = Object::from_insns(raw).expect_err("refused");
    assert_eq!(error.status(), Status::InvalidArgument);
    error.to_string()
}

/// A program with a subprogram, a callback and a CO-RE relocation, linked.
#[test]
fn all_stages() {
    for order in Order::BOTH {
        let [low, high] = ld64(2, 4, -1, 0);
        let insns = [
            ldx(W, 0, 1, 4),
            call_fn(-1),
            low,
            high,
            exit(),
            mov(0, 1),
            exit(),
            mov(0, 2),
            exit(),
        ];
        let mut raw = raw(order, &insns);
        raw.symbols
            .extend([symbol("callback", 7, false), symbol("sub", 5, false)]);
        raw.references = vec![reference(2, "callback", 0), reference(1, "sub", 0)];
        raw.license = Some("GPL".into());
        raw.program_type = ProgramType::of_section(b"xdp");
        let mut local = BtfBuilder::new(order);
        let int = local.int("int", 4, SIGNED);
        let s = local.structure("s", 8, &[field("x", int, 0), field("y", int, 4)]);
        let access = local.string("0:1");
        raw.core_relocations = vec![CoreRelocation {
            insn: 0,
            type_id: s,
            access,
            kind: 0,
            record: 0,
        }];
        raw.btf = Some(btf(&local));
        let object = Arc::new(Object::from_insns(raw).unwrap());
        assert_eq!(object.license(), Some(&Name::from("GPL")));

        let mut kernel = BtfBuilder::new(order);
        let int = kernel.int("int", 4, SIGNED);
        kernel.structure("s", 32, &[field("y", int, 24), field("x", int, 0)]);
        let programs = all_stand(link_for(&object, &target(&kernel)));
        // Appended in order of name: callback at 5, sub at 7.
        let [low, high] = ld64(2, 4, 2, 0);
        let expected = [
            ldx(W, 0, 1, 24),
            call_fn(5),
            low,
            high,
            exit(),
            mov(0, 2),
            exit(),
            mov(0, 1),
            exit(),
        ];
        assert_eq!(stream(&programs, "main"), expected);
        assert_eq!(program(&programs, "main").program_type().program_type, 6);
    }
}

/// Names: a function first, then a map by fd or by value, else an extern; the same
/// name is one extern. Without a reference, the immediate counts.
#[test]
fn what_names_stand_for() {
    let [low, high] = ld64(1, 0, 0, 0);
    let insns = [
        low,
        high,
        low,
        high,
        call_fn(-1),
        call_fn(-1),
        call_fn(0),
        exit(),
    ];
    let mut stream = raw(Order::Little, &insns);
    stream.maps = vec![map("hash", MapOrigin::Btf), map(".bss", MapOrigin::Bss)];
    stream.references = vec![
        reference(0, "hash", 0),
        reference(2, ".bss", 12),
        reference(4, "bpf_kfunc", 0),
        reference(5, "bpf_kfunc", 0),
    ];
    let mut local = BtfBuilder::new(Order::Little);
    let int = local.int("int", 4, SIGNED);
    let proto = local.func_proto(int, &[]);
    let func = local.func("bpf_kfunc", proto, EXTERN);
    local.datasec(".ksyms", 0, &[(func, 0, 0)]);
    stream.btf = Some(btf(&local));
    let object = Object::from_insns(stream).unwrap();
    let found: Vec<_> = object.streams()[0]
        .references
        .iter()
        .map(|r| (r.insn, &r.target))
        .collect();
    let kfunc = ReferenceTarget::Extern {
        index: 0,
        addend: 0,
    };
    let local_call = ReferenceTarget::Function(FunctionAddress { stream: 0, insn: 7 });
    let expected = [
        (0, &ReferenceTarget::Map(0)),
        (2, &ReferenceTarget::MapValue { map: 1, offset: 12 }),
        (4, &kfunc),
        (5, &kfunc),
        (6, &local_call),
    ];
    assert_eq!(found, expected);
    let [only] = object.externs() else {
        panic!("one extern: {:?}", object.externs());
    };
    assert_eq!((only.kind, only.btf_id), (ExternKind::Kfunc, Some(func)));
}

/// A name without a body fails its program when it is linked, by that name.
#[test]
fn a_name_without_a_body() {
    let mut raw = raw(Order::Little, &[call_fn(-1), exit()]);
    raw.references = vec![reference(0, "nowhere", 0)];
    let object = Arc::new(Object::from_insns(raw).unwrap());
    let programs = link_for(&object, &bare_target(Order::Little));
    let message = failure(&programs, "main");
    assert!(
        message.contains("nowhere") && message.contains("instruction 0"),
        "{message}"
    );
}

/// Only bytes of a variable or of a map's value have an address to add to.
#[test]
fn addends_that_nothing_can_carry() {
    let [low, high] = ld64(1, 0, 0, 0);
    let with = |name: &str, addend| {
        let mut stream = raw(Order::Little, &[call_fn(1), exit(), low, high, exit()]);
        stream.symbols.push(symbol("callee", 2, false));
        stream.maps = vec![map("hash", MapOrigin::Btf), map(".bss", MapOrigin::Bss)];
        stream.references = vec![reference(
            if name == "callee" { 0 } else { 2 },
            name,
            addend,
        )];
        stream
    };
    for (name, addend) in [
        ("callee", 8),
        ("callee", i64::MIN),
        ("hash", 4),
        (".bss", -1),
        (".bss", 1 << 32),
    ] {
        let message = refused(with(name, addend));
        let named = message.contains(name) && message.contains(&format!("addend {addend}"));
        assert!(named, "{message}");
    }
    for (name, addend) in [("callee", 0), ("hash", 0), (".bss", u32::MAX.into())] {
        Object::from_insns(with(name, addend)).unwrap();
    }
}

/// Tables that contradict the instructions.
#[test]
fn tables_that_do_not_fit() {
    let insns = [call_fn(-1), mov(0, 0), exit()];
    let with = |references: &[RawReference]| {
        let mut stream = raw(Order::Little, &insns);
        stream.references = references.to_vec();
        refused(stream)
    };
    let message = with(&[reference(1, "x", 0)]);
    assert!(
        message.contains("instruction 1") && message.contains("0xb7"),
        "{message}"
    );
    assert!(with(&[reference(3, "x", 0)]).contains("past the 3 instructions"));
    let message = with(&[reference(0, "x", 0), reference(0, "y", 0)]);
    assert!(message.contains("two references"), "{message}");

    let relocation = |insn, record| CoreRelocation {
        insn,
        type_id: 1,
        access: 0,
        kind: 0,
        record,
    };
    let mut past = raw(Order::Little, &insns);
    past.core_relocations = vec![relocation(3, 7)];
    assert!(refused(past).contains("past the 3 instructions"));
    let mut twice = raw(Order::Little, &insns);
    twice.core_relocations = vec![relocation(1, 0), relocation(1, 1)];
    assert!(refused(twice).contains("two CO-RE relocations"));

    let error = RawStream::from_bytes(NAME, Endian::Little, &[0; 12]).expect_err("no whole slot");
    assert_eq!(error.status(), Status::InvalidArgument);
    assert!(error.to_string().contains("12 bytes"), "{error}");
}
