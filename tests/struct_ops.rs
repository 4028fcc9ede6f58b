//! Variables of `.struct_ops`: from the object's layout into the kernel's.
//!
//! Expected layouts are computed by hand from the built types; the rules are those of
//! libbpf's bpf_map__init_kern_struct_ops.

mod support;

use std::sync::Arc;

use bpflink::Target;
use bpflink::btf::Btf;
use bpflink::elf::FunctionAddress;
use bpflink::target::TargetBuilder;
use support::btf::*;
use support::elf::{GLOBAL as STRONG, LOCAL};
use support::link::*;
use support::object::Obj;
use support::struct_ops::*;

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
