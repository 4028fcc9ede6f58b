//! Externs as clang declares them, answered by a kernel that is made for the test: what
//! tests/bpf/externs.bpf.c asks, in both byte orders, from a target that is given.

mod support;

use std::sync::Arc;

use bpflink::Target;
use bpflink::btf::{Btf, Kind};
use bpflink::link::{Programs, ReferenceKind};
use bpflink::target::{Feature, TargetBuilder};
use support::btf::{BtfBuilder, GLOBAL, Order, SIGNED, STATIC, field};
use support::clang::compile;
use support::link::*;
use support::vm::Vm;

const CONFIGURATION: &str = include_str!("bpf/externs.config");

const SYMBOLS: &str = include_str!("bpf/externs.kallsyms");

/// `int name(int)`, and what it is to be of another prototype.
fn function(b: &mut BtfBuilder, name: &str, int: u32, params: &[(&str, u32)]) -> u32 {
    let proto = b.func_proto(int, params);
    b.func(name, proto, GLOBAL)
}

/// vmlinux and a module, with the ids of what the object asks for.
struct Kernel {
    vmlinux: BtfBuilder,
    module: BtfBuilder,
    function: u32,
    module_function: u32,
    typed: u32,
    typed_of_module: u32,
}

fn kernel(order: Order) -> Kernel {
    let mut b = BtfBuilder::new(order);
    let int = b.int("int", 4, SIGNED);
    b.structure("task", 16, &[field("pid", int, 8)]);
    let state = b.structure("state", 4, &[field("value", int, 0)]);
    let function_id = function(&mut b, "kernel_function", int, &[("number", int)]);
    function(&mut b, "changed_function", int, &[("a", int), ("b", int)]);
    let typed = b.var("typed", state, GLOBAL);
    let mut m = BtfBuilder::split_over(&b);
    let module_function = function(&mut m, "module_function", int, &[("number", int)]);
    let typed_of_module = m.var("typed_of_module", state, STATIC);
    Kernel {
        vmlinux: b,
        module: m,
        function: function_id,
        module_function,
        typed,
        typed_of_module,
    }
}

/// The BTF of both, the module's over the kernel's.
fn parsed(kernel: &Kernel) -> (Arc<Btf>, Arc<Btf>) {
    let vmlinux = btf(&kernel.vmlinux);
    let module = Btf::parse(kernel.module.build(), Some(vmlinux.clone()));
    (
        vmlinux,
        Arc::new(module.expect("the builder writes valid BTF")),
    )
}

fn target(kernel: &Kernel, configuration: &str) -> Target {
    let (vmlinux, module) = parsed(kernel);
    let target = TargetBuilder::new().vmlinux(vmlinux);
    let target = target.module("of_tests", module).release("6.1.5").unwrap();
    let target = target.kconfig(configuration).kallsyms(SYMBOLS);
    support::record::kernel_text("kconfig", configuration);
    support::record::kernel_text("kallsyms", SYMBOLS);
    target.build().unwrap()
}

fn linked(order: Order, configuration: &str) -> Option<(Kernel, Programs)> {
    let object = compile("externs", order, &["-mcpu=v3"])?;
    let kernel = kernel(order);
    let set = link_for(&opened(&object), &target(&kernel, configuration));
    Some((kernel, set))
}

/// Runs a program whose map values are those of the set.
fn run(set: &Programs, name: &str) -> u64 {
    let program = program(set, name);
    let mut vm = Vm::new(program.bytes().expect("final"), order_of(set.object()));
    for reference in program.references() {
        if reference.kind == ReferenceKind::MapValue {
            let map = reference.map.expect("a map value has a map") as usize;
            let size = set.object().maps()[map].definition.value_size as usize;
            let zeros = vec![0; size];
            let address = vm.memory(set.map_contents(map).unwrap_or(&zeros));
            vm.fill(reference.insn as usize, address + reference.offset as u64);
        }
    }
    let context = vm.memory(&[0; 64]);
    vm.run(context).expect("it runs to its end")
}

#[test]
fn configuration_values_of_every_c_type() {
    for order in Order::BOTH {
        let Some((_, set)) = linked(order, CONFIGURATION) else {
            return;
        };
        assert_eq!(run(&set, "configured"), 0, "{order:?}");
        let cut = "CONFIG_TEXT: the program has room for the first 5 bytes";
        let warnings = set.warnings();
        assert!(
            matches!(warnings, [one] if one.contains(cut)),
            "{warnings:?}"
        );
        assert_eq!(run(&set, "weakly_configured"), 0, "{order:?}");
    }
}

#[test]
fn a_value_that_its_type_cannot_hold_fails_the_programs_that_ask_for_it() {
    for (setting, wrong) in [
        ("CONFIG_U8=255", "CONFIG_U8=256"),
        ("CONFIG_U16=0xffff", "CONFIG_U16=0x10000"),
        ("CONFIG_U32=4294967294", "CONFIG_U32=4294967296"),
        ("CONFIG_S8=-128", "CONFIG_S8=-129"),
        ("CONFIG_S8=-128", "CONFIG_S8=128"),
        ("CONFIG_S16=-32768", "CONFIG_S16=32768"),
        ("CONFIG_S32=-5", "CONFIG_S32=2147483648"),
        ("CONFIG_ON=y", "CONFIG_ON=m"),
        ("CONFIG_ON=y", "CONFIG_ON=\"y\""),
        (
            "CONFIG_U64=0xfffffffffffffffe",
            "CONFIG_U64=0x10000000000000000",
        ),
        ("CONFIG_U64=0xfffffffffffffffe", "CONFIG_U64=y"),
        ("CONFIG_TEXT=\"hello, world\"", "CONFIG_TEXT=5"),
        ("CONFIG_TEXT=\"hello, world\"", "CONFIG_TEXT=\"hello"),
        ("CONFIG_MODULE=m", "CONFIG_MODULE=2"),
    ] {
        let changed = CONFIGURATION.replace(setting, wrong);
        assert_ne!(changed, CONFIGURATION);
        let Some((_, set)) = linked(Order::Little, &changed) else {
            return;
        };
        let name = wrong.split('=').next().unwrap();
        let message = failure(&set, "configured");
        assert!(message.contains(name), "{wrong}: {message}");
        // Who does not ask for it does not care.
        assert_eq!(run(&set, "weakly_configured"), 0, "{wrong}");
    }
}

#[test]
fn addresses_of_symbols_as_they_are_given() {
    for order in Order::BOTH {
        let Some((_, set)) = linked(order, CONFIGURATION) else {
            return;
        };
        assert_eq!(run(&set, "addresses"), 0, "{order:?}");
    }
}

/// The name, id and module of every reference of a kind.
fn listed(set: &Programs, name: &str, kind: ReferenceKind) -> Vec<(String, u32, String)> {
    let references = program(set, name).references();
    let of_kind = references.iter().filter(|r| r.kind == kind);
    of_kind
        .map(|r| (r.name.to_string(), r.type_id, r.module.to_string()))
        .collect()
}

#[test]
fn variables_by_their_types_in_vmlinux_and_in_modules() {
    for order in Order::BOTH {
        let Some((kernel, set)) = linked(order, CONFIGURATION) else {
            return;
        };
        let mut found = listed(&set, "variables", ReferenceKind::BtfId);
        found.sort();
        found.dedup();
        assert_eq!(
            found,
            [
                ("typed".into(), kernel.typed, String::new()),
                (
                    "typed_of_module".into(),
                    kernel.typed_of_module,
                    "of_tests".into()
                ),
            ]
        );
        for insn in stream(&set, "variables").iter().filter(|i| i.code == 0x18) {
            let known = [kernel.typed, kernel.typed_of_module].contains(&(insn.imm as u32));
            // The absent one is a plain 0: no type, no pseudo source register.
            let absent = (insn.imm, insn.src) == (0, 0);
            assert!(known && insn.src == 3 || absent, "{insn:?}");
        }
    }
}

#[test]
fn functions_of_vmlinux_and_of_modules_and_absent_ones() {
    const POISON: i32 = 0x0bad_2310;
    for order in Order::BOTH {
        let Some((kernel, set)) = linked(order, CONFIGURATION) else {
            return;
        };
        let calls = listed(&set, "functions", ReferenceKind::Kfunc);
        let insns = stream(&set, "functions");
        let called = |id: u32| insns.iter().find(|i| i.code == 0x85 && i.imm == id as i32);
        // The kernel's own at index 0 of fd_array, the module's behind it.
        let own = called(kernel.function).unwrap();
        assert_eq!((own.src, own.off), (2, 0));
        let modules = called(kernel.module_function).unwrap();
        assert_eq!((modules.src, modules.off), (2, 1));
        let module_call = (
            "module_function".to_string(),
            kernel.module_function,
            "of_tests".to_string(),
        );
        assert!(calls.contains(&module_call), "{calls:?}");
        // Two are absent: one is nowhere, one has another prototype. Their calls no kernel
        // accepts, and the list says whose they are.
        let poisoned: Vec<usize> = (0..insns.len())
            .filter(|&at| insns[at].code == 0x85 && insns[at].imm == POISON)
            .collect();
        let references = program(&set, "functions").references();
        let names: Vec<String> = poisoned
            .iter()
            .filter_map(|&at| references.iter().find(|r| r.insn as usize == at))
            .map(|r| r.name.to_string())
            .collect();
        assert_eq!(names, ["absent_function", "changed_function"]);
        // bpf_ksym_exists of them is 0; of the flavour, which there is, the function's id.
        let loads: Vec<(u8, i32)> = insns
            .iter()
            .filter(|i| i.code == 0x18)
            .map(|i| (i.src, i.imm))
            .collect();
        assert_eq!(loads, [(0, 0), (3, kernel.function as i32), (0, 0)]);
    }
}

/// What depends on a feature follows the target's, one by one.
#[test]
fn one_feature_less_changes_what_depends_on_it() {
    let Some(object) = compile("externs", Order::Little, &["-mcpu=v3"]) else {
        return;
    };
    let object = opened(&object);
    let kernel = kernel(Order::Little);
    let (vmlinux, _) = parsed(&kernel);
    let without = |feature| {
        let target = TargetBuilder::new().vmlinux(vmlinux.clone());
        let target = target.without_feature(feature).build().unwrap();
        link_for(&object, &target)
    };
    let helper = |set: &Programs| {
        let insns = stream(set, "others");
        let calls = insns.iter().filter(|i| i.code == 0x85 && i.src == 0);
        calls.map(|i| i.imm).collect::<Vec<_>>()
    };
    let has_float = |set: &Programs| {
        let btf = Btf::parse(set.btf().unwrap().to_vec(), None).unwrap();
        btf.own_types().any(|ty| ty.kind() == Kind::Float)
    };
    let all = without(Feature::ProgName);
    assert_eq!((helper(&all), has_float(&all)), (vec![112], true));
    let old_helper = without(Feature::ProbeReadKernel);
    assert_eq!(
        (helper(&old_helper), has_float(&old_helper)),
        (vec![4], true)
    );
    let no_float = without(Feature::BtfFloat);
    assert_eq!(
        (helper(&no_float), has_float(&no_float)),
        (vec![112], false)
    );
    assert!(without(Feature::Btf).btf().is_none());
}
