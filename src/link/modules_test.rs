//! Which modules of a running kernel a link reads: those that it needs, and no others.
//! Modules that must not be read are corrupt here: who reads one is told.

use std::sync::Arc;

use super::core::{CoreKind, CoreOptions};
use super::{Choice, FinalizeOptions, Programs};
use crate::btf::testing::builder::*;
use crate::btf::testing::parse;
use crate::bytes::Endian;
use crate::elf::{
    AttachSpec, Binding, CoreRelocation, Object, ProgramType, RawReference, RawStream, StructOps,
    Symbol,
};
use crate::insn::Insn;
use crate::insn::opcode::{ALU64, CALL, EXIT, LD_IMM64};
use crate::target::Target;
use crate::target::testing::Root;

const CORRUPT: &[u8] = b"\x9f\xeb\x01";
/// What a program says of a type that exists.
const R0_IS_1: Insn = Insn::new(ALU64 | 0xb0, 0, 0, 0, 1);
const RETURN: Insn = Insn::new(EXIT, 0, 0, 0, 0);

/// A kernel with a function, a variable and a struct `known`.
fn vmlinux() -> BtfBuilder {
    let mut b = BtfBuilder::new(Order::Little);
    add_types(&mut b, "known");
    b
}

/// A function, a variable and a struct of that name, and struct_ops to register.
fn add_types(b: &mut BtfBuilder, name: &str) {
    let int = b.int("int", 4, SIGNED);
    let proto = b.func_proto(int, &[]);
    b.func(name, proto, STATIC);
    b.var(name, int, GLOBAL);
    let plain = b.structure(name, 4, &[field("a", int, 0)]);
    let value = format!("bpf_struct_ops_{name}");
    b.structure(&value, 4, &[field("data", plain, 0)]);
}

fn module_with(name: &str) -> Vec<u8> {
    let mut split = BtfBuilder::split_over(&vmlinux());
    add_types(&mut split, name);
    split.build()
}

/// A kernel with the modules `a` (nothing of interest), `b` and `d` (both have `wanted`),
/// and after each a corrupt one, `c` and `e`.
fn root() -> Root {
    let root = Root::new(&[("sys/kernel/btf/vmlinux", &vmlinux().build())]);
    for (name, bytes) in [
        ("a", &*module_with("other")),
        ("b", &module_with("wanted")),
        ("c", CORRUPT),
        ("d", &module_with("wanted")),
        ("e", CORRUPT),
    ] {
        root.add(&format!("sys/kernel/btf/{name}"), bytes);
    }
    root
}

/// A program of these instructions, in that section.
fn stream(section: &str, insns: Vec<Insn>, local: &BtfBuilder) -> RawStream {
    let mut raw = RawStream::new("asks", Endian::Little, insns);
    raw.symbols = vec![Symbol {
        name: "asks".into(),
        start: 0,
        len: None,
        binding: Binding::Global,
        hidden: false,
        entry: true,
    }];
    raw.program_type = ProgramType::of_section(section.as_bytes());
    raw.attach = AttachSpec::of_section(section.as_bytes());
    raw.btf = Some(parse(local));
    raw
}

fn split(raw: RawStream) -> Programs {
    Programs::split(&Arc::new(Object::from_insns(raw).unwrap())).unwrap()
}

/// A CO-RE relocation that asks whether `struct name` exists.
fn asks_for_a_struct(name: &str) -> Programs {
    let mut local = BtfBuilder::new(Order::Little);
    let type_id = local.structure(name, 4, &[]);
    let access = local.string("0");
    let mut raw = stream("xdp", vec![R0_IS_1, RETURN], &local);
    raw.core_relocations = vec![CoreRelocation {
        insn: 0,
        type_id,
        access,
        kind: CoreKind::TypeExists as u32,
        record: 0,
    }];
    split(raw)
}

/// What a program says of a kernel function or variable.
#[derive(Clone, Copy, PartialEq)]
enum Wants {
    Function,
    Variable,
}

/// A call of each function, or a load of each variable's address.
fn refers_to(names: &[&str], wants: Wants) -> Programs {
    let mut local = BtfBuilder::new(Order::Little);
    let int = local.int("int", 4, SIGNED);
    let proto = local.func_proto(int, &[]);
    let externs: Vec<_> = names
        .iter()
        .map(|name| match wants {
            Wants::Function => (local.func(name, proto, EXTERN), 0, 0),
            Wants::Variable => (local.var(name, int, EXTERN), 0, 0),
        })
        .collect();
    local.datasec(".ksyms", 0, &externs);
    let (mut insns, mut references) = (Vec::new(), Vec::new());
    for name in names {
        references.push(RawReference {
            insn: insns.len() as u32,
            name: (*name).into(),
            addend: 0,
        });
        match wants {
            Wants::Function => insns.push(Insn::new(CALL, 0, 1, 0, -1)),
            Wants::Variable => {
                insns.extend([Insn::new(LD_IMM64, 1, 0, 0, 0), Insn::new(0, 0, 0, 0, 0)]);
            }
        }
    }
    insns.extend([R0_IS_1, RETURN]);
    let mut raw = stream("xdp", insns, &local);
    raw.references = references;
    split(raw)
}

fn attaches_to(section: &str) -> Programs {
    let local = BtfBuilder::new(Order::Little);
    split(stream(section, vec![R0_IS_1, RETURN], &local))
}

/// A variable of `struct name` in `.struct_ops`.
fn registers(name: &str) -> Programs {
    let mut local = BtfBuilder::new(Order::Little);
    let int = local.int("int", 4, SIGNED);
    let type_id = local.structure(name, 4, &[field("a", int, 0)]);
    let mut object = Object::from_insns(stream("xdp", vec![R0_IS_1, RETURN], &local)).unwrap();
    object.struct_ops.push(StructOps {
        name: "ops".into(),
        section: ".struct_ops".into(),
        link: false,
        optional: false,
        type_id,
        type_name: name.into(),
        contents: vec![0; 4],
        functions: Vec::new(),
    });
    Programs::split(&Arc::new(object)).unwrap()
}

/// Both stages that look at the target, whether the program stands or not.
fn linked(mut set: Programs, target: &Target) -> Programs {
    let _ = set.relocate(target, CoreOptions::default(), Choice::All);
    let _ = set.finalize(target, FinalizeOptions::default(), Choice::All);
    set
}

fn module_of_reference(set: &Programs) -> String {
    let program = &set.programs()[0];
    assert!(program.error().is_none(), "{:?}", program.error());
    program.references()[0].module.to_string()
}

/// The modules that were read and are corrupt.
fn told(set: &Programs) -> Vec<&str> {
    let modules = set.warnings().iter().filter_map(|warning| {
        let (_, after) = warning.split_once("module ")?;
        Some(after.split_once(" is left out: ")?.0)
    });
    modules.collect()
}

#[test]
fn what_vmlinux_has_needs_no_module() {
    let root = root();
    let ways: [fn() -> Programs; 6] = [
        || asks_for_a_struct("known"),
        || refers_to(&["known"], Wants::Function),
        || refers_to(&["known"], Wants::Variable),
        || attaches_to("fentry/known"),
        || attaches_to("fentry/vmlinux:unknown"),
        || registers("known"),
    ];
    for way in ways {
        let set = linked(way(), &Target::running_below(&root));
        assert!(set.first_error().is_none(), "{:?}", set.first_error());
        assert_eq!(set.warnings(), [""; 0]);
    }
}

#[test]
fn the_first_module_that_has_it_is_the_last_one_read() {
    let root = root();
    for wants in [Wants::Function, Wants::Variable] {
        let set = linked(refers_to(&["wanted"], wants), &Target::running_below(&root));
        assert_eq!(module_of_reference(&set), "b");
        assert_eq!(told(&set), [""; 0]);
    }
    let set = linked(attaches_to("fentry/wanted"), &Target::running_below(&root));
    assert_eq!(set.programs()[0].attach_target().module, "b");
    assert_eq!(told(&set), [""; 0]);
    let set = linked(registers("wanted"), &Target::running_below(&root));
    assert_eq!(set.struct_ops()[0].as_ref().unwrap().module, "b");
    assert_eq!(told(&set), [""; 0]);
}

#[test]
fn a_module_that_is_named_is_the_only_one_read() {
    let root = root();
    let set = linked(
        attaches_to("fentry/d:wanted"),
        &Target::running_below(&root),
    );
    let attach = set.programs()[0].attach_target();
    assert_eq!((attach.module, attach.problem), ("d".into(), None));
    assert_eq!(told(&set), [""; 0]);
    for (section, problem) in [
        ("fentry/a:wanted", "module a has no function wanted"),
        ("fentry/none:wanted", "module none has no function wanted"),
        ("fentry/c:wanted", "module c is left out: "),
    ] {
        let set = linked(attaches_to(section), &Target::running_below(&root));
        let attach = set.programs()[0].attach_target();
        let why = attach.problem.unwrap();
        assert!(why.contains(problem), "{section}: {why}");
        assert_eq!(attach.btf_id, 0);
    }
}

#[test]
fn what_no_module_has_is_looked_for_in_all_and_corrupt_ones_are_told_once() {
    let root = root();
    let ways: [fn() -> Programs; 5] = [
        || asks_for_a_struct("missing"),
        || refers_to(&["missing", "absent"], Wants::Function),
        || refers_to(&["missing", "absent"], Wants::Variable),
        || attaches_to("fentry/missing"),
        || registers("missing"),
    ];
    let target = Target::running_below(&root);
    for way in ways {
        // Who looks later is told too, though nothing is read again.
        for _ in 0..2 {
            let set = linked(way(), &target);
            assert_eq!(told(&set), ["c", "e"]);
        }
    }
    // Who needs none of them is not, though they were read.
    let set = linked(attaches_to("fentry/b:wanted"), &target);
    assert_eq!(told(&set), [""; 0]);
}

#[test]
fn candidates_of_co_re_may_be_in_any_module() {
    let root = root();
    let set = linked(asks_for_a_struct("wanted"), &Target::running_below(&root));
    assert_eq!(set.programs()[0].instructions()[0].imm, 1);
    let missing = linked(asks_for_a_struct("missing"), &Target::running_below(&root));
    assert_eq!(missing.programs()[0].instructions()[0].imm, 0);
    assert_eq!(told(&set), ["c", "e"]);
}

#[test]
fn links_share_what_was_read() {
    let root = Root::new(&[("sys/kernel/btf/vmlinux", &vmlinux().build())]);
    let needed = root.add_counted("sys/kernel/btf/needed", &module_with("wanted"));
    let unneeded = root.add_counted("sys/kernel/btf/unneeded", &module_with("wanted"));
    let target = Target::running_below(&root);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let set = linked(refers_to(&["wanted"], Wants::Function), &target);
                assert_eq!(module_of_reference(&set), "needed");
            });
        }
    });
    assert_eq!([needed.reads(), unneeded.reads()], [1, 0]);
}
