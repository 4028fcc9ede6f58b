//! Variables of `.struct_ops`: from the object's layout into the kernel's.
//!
//! Expected layouts are computed by hand from the built types; the rules are those of
//! libbpf's bpf_map__init_kern_struct_ops.

mod support;

use std::sync::Arc;

use bpflink::Target;
use bpflink::btf::Btf;
use bpflink::elf::FunctionAddress;
use bpflink::link::{KernelStructOps, Programs};
use bpflink::target::TargetBuilder;
use support::btf::*;
use support::elf::{GLOBAL as STRONG, LOCAL, r_bpf};
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};

/// The types that both sides need.
struct Types {
    int: u32,
    long: u32,
    function: u32,
}

fn types(b: &mut BtfBuilder) -> Types {
    let int = b.int("int", 4, SIGNED);
    let long = b.int("long long", 8, SIGNED);
    let proto = b.func_proto(int, &[]);
    let function = b.ptr(proto);
    Types {
        int,
        long,
        function,
    }
}

/// `struct ops { int (*init)(); int (*exit)(); int flags; long long extra; }` in the
/// order of the object.
fn local_ops(b: &mut BtfBuilder, name: &str) -> u32 {
    let t = types(b);
    let fields = [
        field("init", t.function, 0),
        field("exit", t.function, 8),
        field("flags", t.int, 16),
        field("extra", t.long, 24),
    ];
    b.structure(name, 32, &fields)
}

/// The kernel's: `struct ops { int flags; int (*exit)(); int (*more)(); int (*init)(); }`,
/// 24 bytes into `struct bpf_struct_ops_ops`.
struct KernelOps {
    ops: u32,
    value: u32,
}

const DATA: u32 = 24;

fn kernel_ops(b: &mut BtfBuilder) -> KernelOps {
    let t = types(b);
    let fields = [
        field("flags", t.int, 0),
        field("exit", t.function, 8),
        field("more", t.function, 16),
        field("init", t.function, 24),
    ];
    kernel_struct(b, "ops", &fields, 32)
}

fn kernel_struct(b: &mut BtfBuilder, name: &str, fields: &[Field<'_>], size: u32) -> KernelOps {
    let common = b.structure("bpf_struct_ops_common_value", 16, &[]);
    let ops = b.structure(name, size, fields);
    let fields = [field("common", common, 0), field("data", ops, DATA)];
    let value = b.structure(&format!("bpf_struct_ops_{name}"), DATA + size, &fields);
    KernelOps { ops, value }
}

/// A variable: its section and name, its contents, which function of `struct_ops` each
/// offset holds.
struct Variable<'a> {
    section: &'a str,
    name: &'a str,
    contents: Vec<u8>,
    functions: &'a [(u64, usize)],
}

fn variable<'a>(functions: &'a [(u64, usize)], flags: u8) -> Variable<'a> {
    let mut contents = vec![0; 32];
    contents[16] = flags;
    Variable {
        section: ".struct_ops",
        name: "my_ops",
        contents,
        functions,
    }
}

/// An object with programs `first` and `second` of `struct_ops`, and the variables, each
/// of the type that `make` builds, each in a section of its own.
fn object(order: Order, variables: &[Variable<'_>], make: fn(&mut BtfBuilder) -> u32) -> Obj {
    let mut o = Obj::new(order);
    let body = [mov(0, 0), exit()];
    let functions = [Fun("first", STRONG, &body), Fun("second", STRONG, &body)];
    let code = o.code("struct_ops", &functions);
    let ty = make(&mut o.btf);
    for v in variables {
        let size = v.contents.len() as u32;
        let sec = o.elf.data(v.section, v.contents.clone());
        o.elf.object(v.name, STRONG, sec, 0, size.into());
        for &(offset, function) in v.functions {
            o.elf.rel(sec, offset, code.funs[function].0, r_bpf::ABS64);
        }
        let var = o.btf.var(v.name, ty, GLOBAL);
        o.btf.datasec(v.section, size, &[(var, 0, size)]);
    }
    o
}

fn plain(b: &mut BtfBuilder) -> u32 {
    local_ops(b, "ops")
}

fn link(o: &Obj, target: &Target) -> Programs {
    all_stand(link_for(&opened(&o.build()), target))
}

fn only(set: &Programs) -> &KernelStructOps {
    match set.struct_ops() {
        [Ok(kernel)] => kernel,
        other => panic!("one variable: {other:?}"),
    }
}

/// Why variable `number` was refused.
fn refused(set: &Programs, number: usize) -> String {
    match &set.struct_ops()[number] {
        Err(error) => error.to_string(),
        Ok(kernel) => panic!("not refused: {kernel:?}"),
    }
}

fn attach(set: &Programs, name: &str) -> (u32, Option<u32>, String) {
    let target = program(set, name).attach_target();
    (
        target.btf_id,
        target.member,
        target.problem.unwrap_or_default().to_string(),
    )
}

#[test]
fn members_move_to_where_the_kernel_has_them() {
    for order in Order::BOTH {
        let mut b = BtfBuilder::new(order);
        let kernel = kernel_ops(&mut b);
        let mut o = object(order, &[variable(&[(0, 1), (8, 0)], 0)], plain);
        let contents = order.u32(0x01020304);
        let data = support::elf::Sec(3); // license, struct_ops, .struct_ops
        o.elf.contents(data)[16..20].copy_from_slice(&contents);
        let set = link(&o, &target(&b));

        let made = only(&set);
        assert_eq!(made.type_name, "ops");
        assert_eq!(
            (made.type_id, made.value_type_id),
            (kernel.ops, kernel.value)
        );
        assert!(made.module.is_empty());
        let mut value = vec![0; DATA as usize + 32];
        value[DATA as usize..][..4].copy_from_slice(&contents);
        assert_eq!(made.value, value);
        assert_eq!(made.data_offset, DATA);

        let places: Vec<_> = made
            .members
            .iter()
            .map(|m| {
                (
                    m.name.to_string(),
                    m.offset,
                    m.size,
                    m.kernel.map(|k| (k.index, k.offset)),
                )
            })
            .collect();
        assert_eq!(
            places,
            [
                ("init".into(), 0, 8, Some((3, DATA + 24))),
                ("exit".into(), 8, 8, Some((1, DATA + 8))),
                ("flags".into(), 16, 4, Some((0, DATA))),
                ("extra".into(), 24, 8, None),
            ]
        );
        let second = FunctionAddress { stream: 0, insn: 2 };
        assert_eq!(made.members[0].program, Some(second));
        assert_eq!(attach(&set, "second"), (kernel.ops, Some(3), String::new()));
        assert_eq!(attach(&set, "first"), (kernel.ops, Some(1), String::new()));
        // expected_attach_type is the member's number.
        assert_eq!(program(&set, "second").program_type().attach_type, Some(3));
    }
}

#[test]
fn the_name_loses_its_flavour() {
    let mut b = BtfBuilder::new(Order::Little);
    let kernel = kernel_ops(&mut b);
    let o = object(Order::Little, &[variable(&[(0, 0)], 7)], |b| {
        local_ops(b, "ops___v2")
    });
    let set = link(&o, &target(&b));
    assert_eq!(only(&set).type_id, kernel.ops);
    assert_eq!(only(&set).type_name, "ops");
    assert_eq!(set.object().struct_ops()[0].type_name, "ops___v2");
}

#[test]
fn the_section_says_how_it_is_registered() {
    let mut b = BtfBuilder::new(Order::Little);
    kernel_ops(&mut b);
    let sections = [
        ".struct_ops",
        ".struct_ops.link",
        "?.struct_ops",
        "?.struct_ops.link",
    ];
    let names = ["a", "b", "c", "d"];
    let variables: Vec<_> = sections
        .iter()
        .zip(names)
        .map(|(section, name)| Variable {
            section,
            name,
            ..variable(&[], 1)
        })
        .collect();
    let set = link(&object(Order::Little, &variables, plain), &target(&b));
    let forms: Vec<_> = set
        .object()
        .struct_ops()
        .iter()
        .map(|v| (v.name.to_string(), v.link, v.optional))
        .collect();
    assert_eq!(
        forms,
        [
            ("a".to_owned(), false, false),
            ("b".to_owned(), true, false),
            ("c".to_owned(), false, true),
            ("d".to_owned(), true, true),
        ]
    );
    assert!(set.struct_ops().iter().all(Result::is_ok));
}

#[test]
fn several_variables_of_one_section() {
    let mut o = Obj::little();
    let ty = plain(&mut o.btf);
    let mut contents = vec![0; 64];
    (contents[16], contents[48]) = (1, 2);
    let sec = o.elf.data(".struct_ops", contents);
    // BTF lists them in another order, and its offsets say nothing, as with clang.
    let (two, one) = (o.btf.var("two", ty, GLOBAL), o.btf.var("one", ty, GLOBAL));
    o.btf
        .datasec(".struct_ops", 0, &[(two, 0, 32), (one, 0, 32)]);
    o.elf.object("one", STRONG, sec, 0, 32);
    o.elf.object("two", LOCAL, sec, 32, 32);
    let object = opened(&o.build());
    let found: Vec<_> = object
        .struct_ops()
        .iter()
        .map(|v| (v.name.to_string(), v.contents[16]))
        .collect();
    assert_eq!(found, [("one".to_owned(), 1), ("two".to_owned(), 2)]);
}

#[test]
fn a_member_that_the_kernel_lacks_has_to_be_zero() {
    let mut b = BtfBuilder::new(Order::Little);
    kernel_ops(&mut b);
    let mut set = variable(&[], 0);
    set.contents[31] = 1;
    let linked = link(&object(Order::Little, &[set], plain), &target(&b));
    assert_eq!(
        refused(&linked, 0),
        "test.bpf.o: section .struct_ops, symbol my_ops: member extra: the kernel's struct has \
         no such member, and it is not zero"
    );
    assert_eq!(linked.warnings(), [refused(&linked, 0)]);
    // A program counts as set, whatever the bytes are.
    let make = |b: &mut BtfBuilder| {
        let t = types(b);
        b.structure("ops", 8, &[field("gone", t.function, 0)])
    };
    let held = Variable {
        contents: vec![0; 8],
        ..variable(&[(0, 0)], 0)
    };
    let linked = link(&object(Order::Little, &[held], make), &target(&b));
    assert!(
        refused(&linked, 0).contains("member gone"),
        "{}",
        refused(&linked, 0)
    );
    let (id, member, problem) = attach(&linked, "first");
    assert_eq!((id, member), (0, None));
    assert!(
        problem.contains("variable my_ops: member gone"),
        "{problem}"
    );
}

/// The kernel's struct has one member `flags`, the object's another.
fn against(
    local: fn(&mut BtfBuilder) -> u32,
    kernel: fn(&mut BtfBuilder) -> Field<'static>,
    contents: Vec<u8>,
) -> String {
    let mut b = BtfBuilder::new(Order::Little);
    let member = kernel(&mut b);
    kernel_struct(&mut b, "ops", &[member], 16);
    let v = Variable {
        contents,
        ..variable(&[], 0)
    };
    let set = link(&object(Order::Little, &[v], local), &target(&b));
    match &set.struct_ops()[0] {
        Err(error) => error.cause().to_string(),
        Ok(kernel) => format!("{:?}", &kernel.value[DATA as usize..]),
    }
}

fn one_int(b: &mut BtfBuilder) -> u32 {
    let int = b.int("int", 4, SIGNED);
    b.structure("ops", 4, &[field("flags", int, 0)])
}

fn one_bitfield(b: &mut BtfBuilder) -> u32 {
    let int = b.int("int", 4, SIGNED);
    b.structure("ops", 4, &[bitfield("flags", int, 0, 3)])
}

fn one_pointer(b: &mut BtfBuilder) -> u32 {
    let t = types(b);
    b.structure("ops", 8, &[field("flags", t.function, 0)])
}

#[test]
fn members_of_another_size_or_kind() {
    let long = |b: &mut BtfBuilder| {
        let t = types(b);
        field("flags", t.long, 0)
    };
    let message = against(one_int, long, vec![1, 0, 0, 0]);
    assert_eq!(message, "member flags is 4 bytes, the kernel's is 8");
    let pointer = |b: &mut BtfBuilder| {
        let t = types(b);
        field("flags", t.function, 0)
    };
    let message = against(one_int, pointer, vec![0; 4]);
    assert_eq!(message, "member flags is int, the kernel's is ptr");
    // The kinds are those behind modifiers and typedefs.
    let renamed = |b: &mut BtfBuilder| {
        let int = b.int("int", 4, SIGNED);
        let named = b.typedef("flags_t", int);
        field("flags", b.constant(named), 4)
    };
    let value = against(one_int, renamed, vec![9, 0, 0, 0]);
    assert_eq!(value, "[0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]");
}

#[test]
fn bitfields_have_to_be_zero() {
    let int = |b: &mut BtfBuilder| field("flags", b.int("int", 4, SIGNED), 0);
    let bits = |b: &mut BtfBuilder| bitfield("flags", b.int("int", 4, SIGNED), 0, 3);
    let message = "member flags is a bitfield; only zero ones are taken";
    assert_eq!(against(one_bitfield, int, vec![1, 0, 0, 0]), message);
    assert_eq!(against(one_int, bits, vec![1, 0, 0, 0]), message);
    assert_eq!(
        against(one_bitfield, int, vec![0; 4]),
        format!("{:?}", [0; 16])
    );
}

#[test]
fn pointers_hold_programs_or_nothing() {
    let void = |b: &mut BtfBuilder| field("flags", b.ptr(0), 0);
    let message = against(one_pointer, void, vec![8, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        message,
        "member flags is a pointer to something that is no program"
    );
    assert_eq!(
        against(one_pointer, void, vec![0; 8]),
        format!("{:?}", [0; 16])
    );
    // A program where the kernel keeps data.
    let mut b = BtfBuilder::new(Order::Little);
    let pointer = b.ptr(0);
    kernel_struct(&mut b, "ops", &[field("flags", pointer, 0)], 8);
    let v = Variable {
        contents: vec![0; 8],
        ..variable(&[(0, 0)], 0)
    };
    let set = link(&object(Order::Little, &[v], one_pointer), &target(&b));
    let message = refused(&set, 0);
    assert!(
        message.ends_with("the kernel's is no pointer to a function"),
        "{message}"
    );
}

#[test]
fn kernels_that_have_no_such_interface() {
    let o = object(Order::Little, &[variable(&[(0, 0)], 1)], plain);
    let mut b = BtfBuilder::new(Order::Little);
    local_ops(&mut b, "ops");
    let set = link(&o, &target(&b));
    let none = "struct ops: neither vmlinux nor a module has struct bpf_struct_ops_ops";
    assert!(refused(&set, 0).ends_with(none), "{}", refused(&set, 0));
    let value = b.structure("bpf_struct_ops_ops", 40, &[]);
    assert_ne!(value, 0);
    let set = link(&o, &target(&b));
    assert!(
        refused(&set, 0).ends_with("holds no struct ops"),
        "{}",
        refused(&set, 0)
    );
}

#[test]
fn an_interface_of_a_module() {
    let base = BtfBuilder::new(Order::Little);
    let mut split = BtfBuilder::split_over(&base);
    let kernel = kernel_ops(&mut split);
    let vmlinux = btf(&base);
    let module = Btf::parse(split.build(), Some(vmlinux.clone())).unwrap();
    let target = TargetBuilder::new()
        .vmlinux(vmlinux)
        .module("testmod", Arc::new(module));
    let o = object(Order::Little, &[variable(&[(0, 0)], 1)], plain);
    let set = link(&o, &target.build().unwrap());
    assert_eq!(only(&set).module, "testmod");
    assert_eq!(only(&set).type_id, kernel.ops);
    let attach = program(&set, "first").attach_target();
    assert_eq!(
        (attach.btf_id, attach.module.to_string()),
        (kernel.ops, "testmod".into())
    );
}

#[test]
fn the_struct_of_a_modules_interface_may_lie_in_vmlinux() {
    let mut base = BtfBuilder::new(Order::Little);
    let t = types(&mut base);
    let ops = base.structure(
        "ops",
        32,
        &[field("init", t.function, 16), field("flags", t.int, 0)],
    );
    let mut split = BtfBuilder::split_over(&base);
    let value = split.structure("bpf_struct_ops_ops", 40, &[field("data", ops, 8)]);
    let vmlinux = btf(&base);
    let module = Btf::parse(split.build(), Some(vmlinux.clone())).unwrap();
    let target = TargetBuilder::new()
        .vmlinux(vmlinux)
        .module("testmod", Arc::new(module));
    let o = object(Order::Little, &[variable(&[(0, 0)], 5)], plain);
    let set = link(&o, &target.build().unwrap());
    let made = only(&set);
    assert_eq!((made.type_id, made.value_type_id), (ops, value));
    assert_eq!(made.value[8], 5);
    assert_eq!(made.members[0].kernel.unwrap().offset, 24);
}

#[test]
fn a_program_is_one_member_only() {
    let mut b = BtfBuilder::new(Order::Little);
    let kernel = kernel_ops(&mut b);
    // The same member of two variables is fine.
    let twice = [
        variable(&[(0, 0)], 1),
        Variable {
            section: ".struct_ops.link",
            name: "linked",
            ..variable(&[(0, 0)], 2)
        },
    ];
    let set = link(&object(Order::Little, &twice, plain), &target(&b));
    assert!(set.struct_ops().iter().all(Result::is_ok));
    // Another member is not: the first variable stands, the second one fails.
    let other = [
        variable(&[(0, 0)], 1),
        Variable {
            section: ".struct_ops.link",
            name: "linked",
            ..variable(&[(8, 0)], 2)
        },
    ];
    let set = link(&object(Order::Little, &other, plain), &target(&b));
    assert!(set.struct_ops()[0].is_ok());
    let message = refused(&set, 1);
    let expected = "symbol linked: member exit: program first is already ops.init of the kernel";
    assert!(message.contains(expected), "{message}");
    assert_eq!(attach(&set, "first"), (kernel.ops, Some(3), String::new()));
    // Within one variable too.
    let set = link(
        &object(Order::Little, &[variable(&[(0, 0), (8, 0)], 1)], plain),
        &target(&b),
    );
    assert!(
        refused(&set, 0).contains("member exit"),
        "{}",
        refused(&set, 0)
    );
    assert_eq!(attach(&set, "first").0, 0);
}

#[test]
fn what_is_not_asked_for_does_not_come_first() {
    let mut b = BtfBuilder::new(Order::Little);
    kernel_ops(&mut b);
    let variables = [
        Variable {
            section: "?.struct_ops",
            name: "asked",
            ..variable(&[(8, 0), (0, 1)], 1)
        },
        variable(&[(0, 0)], 1),
    ];
    let set = link(&object(Order::Little, &variables, plain), &target(&b));
    assert!(set.struct_ops()[1].is_ok());
    assert!(
        refused(&set, 0).contains("first is already ops.init"),
        "{}",
        refused(&set, 0)
    );
    // Nobody asked for it: no warning.
    assert!(set.warnings().is_empty(), "{:?}", set.warnings());
}

#[test]
fn programs_are_optional_unless_a_variable_is_registered_with_them() {
    let mut b = BtfBuilder::new(Order::Little);
    kernel_ops(&mut b);
    let optional = |section, functions| {
        let v = Variable {
            section,
            ..variable(functions, 1)
        };
        let set = link(&object(Order::Little, &[v], plain), &target(&b));
        ["first", "second"].map(|name| program(&set, name).program_type().optional)
    };
    assert_eq!(optional(".struct_ops", &[(0, 0)]), [false, true]);
    assert_eq!(optional("?.struct_ops", &[(0, 0)]), [true, true]);
    let set = link(
        &object(Order::Little, &[variable(&[(0, 0)], 1)], plain),
        &target(&b),
    );
    let unused = (
        0,
        None,
        "no struct_ops variable holds this program".to_owned(),
    );
    assert_eq!(attach(&set, "second"), unused);
}

/// What opening says of an object with one variable.
fn open_error(change: impl FnOnce(&mut Obj, support::elf::Sec, &support::object::Code)) -> String {
    let mut o = Obj::little();
    let body = [mov(0, 0), exit()];
    let code = o.code(
        "struct_ops",
        &[Fun("first", STRONG, &body), Fun("local", LOCAL, &body)],
    );
    o.code("socket", &[Fun("filter", STRONG, &body)]);
    let sec = o.elf.data(".struct_ops", vec![0; 32]);
    change(&mut o, sec, &code);
    match open(&o.build()) {
        Err(error) => error.to_string(),
        Ok(object) => panic!("opens: {:?}", object.struct_ops()),
    }
}

fn declare(o: &mut Obj, sec: support::elf::Sec) {
    let ty = plain(&mut o.btf);
    let var = o.btf.var("my_ops", ty, GLOBAL);
    o.btf.datasec(".struct_ops", 0, &[(var, 0, 32)]);
    o.elf.object("my_ops", STRONG, sec, 0, 32);
}

#[test]
fn files_that_contradict_themselves() {
    let missing = open_error(|_, _, _| {});
    assert_eq!(
        missing,
        "test.bpf.o: section .struct_ops: no BTF describes the variables of this section"
    );
    let message = open_error(|o, sec, code| {
        declare(o, sec);
        o.elf.rel(sec, 16, code.funs[0].0, r_bpf::ABS64);
    });
    assert!(
        message.contains("symbol my_ops") && message.contains("member flags"),
        "{message}"
    );
    let message = open_error(|o, sec, code| {
        declare(o, sec);
        o.elf.rel(sec, 4, code.funs[0].0, r_bpf::ABS64);
    });
    assert!(
        message.contains("no member starts at offset 4"),
        "{message}"
    );
    let message = open_error(|o, sec, code| {
        declare(o, sec);
        o.elf.rel(sec, 0, code.funs[1].0, r_bpf::ABS64);
    });
    assert!(
        message.contains("member init") && message.contains("no program"),
        "{message}"
    );
    let message = open_error(|o, sec, code| {
        declare(o, sec);
        o.elf.rel(sec, 0, code.funs[0].0, r_bpf::ABS64);
        o.elf.rel(sec, 0, code.funs[0].0, r_bpf::ABS64);
    });
    assert!(
        message.contains("two relocations for one member"),
        "{message}"
    );
    let message = open_error(|o, sec, _| {
        let ty = plain(&mut o.btf);
        let var = o.btf.var("my_ops", ty, GLOBAL);
        o.btf.datasec(".struct_ops", 0, &[(var, 0, 32)]);
        o.elf.object("my_ops", STRONG, sec, 8, 32);
    });
    assert!(message.contains("reaches past the 32 bytes"), "{message}");
    let message = open_error(|o, sec, _| {
        let ty = o.btf.structure("small", 8, &[]);
        let (a, b) = (o.btf.var("a", ty, GLOBAL), o.btf.var("b", ty, GLOBAL));
        o.btf.datasec(".struct_ops", 0, &[(a, 0, 8), (b, 0, 8)]);
        o.elf.object("a", STRONG, sec, 0, 8);
        o.elf.object("b", STRONG, sec, 4, 8);
    });
    assert!(message.contains("variables a and b overlap"), "{message}");
    let message = open_error(|o, sec, _| {
        let int = o.btf.int("int", 4, SIGNED);
        let var = o.btf.var("my_ops", int, GLOBAL);
        o.btf.datasec(".struct_ops", 0, &[(var, 0, 4)]);
        o.elf.object("my_ops", STRONG, sec, 0, 4);
    });
    assert!(message.contains("no struct with a name"), "{message}");
}

/// What clang makes of tests/bpf/struct_ops.bpf.c, for a kernel whose types it has itself.
#[test]
fn what_clang_makes_of_them() {
    for order in Order::BOTH {
        let Some(bytes) = support::clang::compile("struct_ops", order, &[]) else {
            return;
        };
        let object = opened(&bytes);
        let btf = object.btf().unwrap().clone();
        let set = all_stand(link_for(&object, &Target::from_btf(btf)));
        let made = |name: &str| {
            let variables = set.object().struct_ops().iter();
            let place = variables
                .zip(set.struct_ops())
                .find(|(v, _)| v.name == *name);
            place.unwrap().1.as_ref()
        };
        // struct common, two pointers, a number, a name, a pointer.
        let value = |flags: u32, name: &str| {
            let mut value = vec![0; 8 + 48];
            value[24..28].copy_from_slice(&order.u32(flags));
            value[28..28 + name.len()].copy_from_slice(name.as_bytes());
            value
        };
        assert_eq!(made("whole").unwrap().value, value(0x1234, "whole"));
        assert_eq!(made("other").unwrap().value, value(7, "other"));
        assert!(made("refused").is_err());
        let id = made("whole").unwrap().type_id;
        assert_eq!(attach(&set, "start"), (id, Some(0), String::new()));
        assert_eq!(attach(&set, "stop"), (id, Some(1), String::new()));
    }
}
