//! Symbols that the kernel defines: functions, variables, configuration values;
//! of vmlinux, of modules, weak and missing ones.

mod support;

use std::sync::Arc;

use bpflink::Target;
use bpflink::btf::Btf;
use bpflink::link::{Programs, ReferenceKind};
use bpflink::target::TargetBuilder;
use support::btf::*;
use support::elf::{self, GLOBAL as STRONG, Sym, WEAK};
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};

const CALL: I = call_fn(-1);

/// `int f(int)`, or with other parameters.
fn proto(b: &mut BtfBuilder, params: usize) -> u32 {
    let int = b.int("int", 4, SIGNED);
    b.func_proto(int, &vec![("", int); params])
}

/// A kernel with `int acquire(int)` (its second type after the prototype's), `int
/// counter`, and a module `net` with `int net_only(int)` and `int net_counter`.
struct Kernel {
    target: Target,
    acquire: u32,
    counter: u32,
    net_only: u32,
    net_counter: u32,
}

fn kernel(order: Order) -> Kernel {
    let mut base = BtfBuilder::new(order);
    let of_one = proto(&mut base, 1);
    let acquire = base.func("acquire", of_one, STATIC);
    let counter = base.var("counter", 1, GLOBAL);
    let vmlinux = btf(&base);
    let mut split = BtfBuilder::split_over(&base);
    let net_only = split.func("net_only", of_one, STATIC);
    let net_counter = split.var("net_counter", 1, GLOBAL);
    let module = Btf::parse(split.build(), Some(vmlinux.clone())).unwrap();
    let symbols = "ffffffff81000000 T _text\nffffffff81234568 D jiffies\n\
                   ffffffff81000010 t twice\nffffffff81000020 t twice\n";
    let config = "# a comment\nCONFIG_HZ=250\nCONFIG_BPF=y\nCONFIG_TUN=m\nCONFIG_NAME=\"box\"\n";
    support::record::kernel_text("kallsyms", symbols);
    support::record::kernel_text("kconfig", config);
    let target = TargetBuilder::new()
        .vmlinux(vmlinux)
        .module("net", Arc::new(module))
        .kallsyms(symbols)
        .kconfig(config)
        .release("6.12.3")
        .unwrap();
    Kernel {
        target: target.build().unwrap(),
        acquire,
        counter,
        net_only,
        net_counter,
    }
}

/// A program of `body` whose slots 0, 2, 4 … refer to externs of `.ksyms`:
/// functions of one parameter, of several, or variables.
enum Ksym<'a> {
    Function(&'a str, usize),
    Typed(&'a str),
    /// As a pointer, which no variable of the kernel is.
    Pointer(&'a str),
    Untyped(&'a str),
}

fn with_ksyms(order: Order, binding: u8, ksyms: &[Ksym<'_>], body: &[I]) -> Programs {
    let mut o = Obj::new(order);
    let (mut vars, mut syms) = (Vec::new(), Vec::new());
    for ksym in ksyms {
        let (name, id) = match *ksym {
            Ksym::Function(name, params) => {
                let proto = proto(&mut o.btf, params);
                (name, o.btf.func(name, proto, EXTERN))
            }
            Ksym::Typed(name) => (name, o.btf.var(name, o.int, EXTERN)),
            Ksym::Pointer(name) => {
                let pointer = o.btf.ptr(0);
                (name, o.btf.var(name, pointer, EXTERN))
            }
            Ksym::Untyped(name) => {
                let void = o.btf.constant(0);
                (name, o.btf.var(name, void, EXTERN))
            }
        };
        vars.push((id, 0, 0));
        syms.push(o.elf.undefined(name, binding));
    }
    o.btf.datasec(".ksyms", 0, &vars);
    let all = [body, &[exit()]].concat();
    let code = o.code("kprobe/x", &[Fun("entry", STRONG, &all)]);
    refer(&mut o, &code, body, &syms);
    link_for(&opened(&o.build()), &kernel(order).target)
}

/// Each call by distance -1 and each 64-bit load refers to the next symbol.
fn refer(o: &mut Obj, code: &support::object::Code, body: &[I], syms: &[Sym]) {
    let mut syms = syms.iter();
    for (slot, insn) in (0..).zip(body) {
        match insn.code {
            0x85 if *insn == CALL => o.call(code, slot, *syms.next().unwrap()),
            0x18 => o.load(code, slot, *syms.next().unwrap()),
            _ => {}
        }
    }
}

/// What the references of the program are: slot, kind, name, module, resolved.
fn listed(set: &Programs) -> Vec<(u32, ReferenceKind, String, String, bool)> {
    let references = program(set, "entry").references().into_iter();
    references
        .map(|r| {
            (
                r.insn,
                r.kind,
                r.name.to_string(),
                r.module.to_string(),
                r.resolved,
            )
        })
        .collect()
}

/// Calls of kernel functions: src_reg 2, the type id; of a module also the index
/// of its BTF file descriptor, which the loader fills.
#[test]
fn calls_of_kernel_functions() {
    for order in Order::BOTH {
        let k = kernel(order);
        let ksyms = [Ksym::Function("acquire", 1), Ksym::Function("net_only", 1)];
        let set = with_ksyms(order, STRONG, &ksyms, &[CALL, CALL]);
        let expected = [
            call_kfunc(k.acquire as i32, 0),
            call_kfunc(k.net_only as i32, 1),
            exit(),
        ];
        assert_eq!(stream(&set, "entry"), expected);
        let expected = [
            (
                0,
                ReferenceKind::Kfunc,
                "acquire".into(),
                String::new(),
                true,
            ),
            (
                1,
                ReferenceKind::Kfunc,
                "net_only".into(),
                "net".into(),
                false,
            ),
        ];
        assert_eq!(listed(&set), expected);
    }
}

/// parity, instructions: an ld_imm64 of a kernel function has src_reg 3.
#[test]
fn the_address_of_a_kernel_function() {
    for order in Order::BOTH {
        let k = kernel(order);
        let load = ld64(1, 0, 0, 0);
        let set = with_ksyms(order, STRONG, &[Ksym::Function("acquire", 1)], &load);
        let expected = [&ld64(1, 3, k.acquire as i32, 0)[..], &[exit()]].concat();
        assert_eq!(stream(&set, "entry"), expected);
    }
}

/// parity, instructions: names lose their `___flavour`; in the list they keep it.
#[test]
fn names_lose_their_flavour() {
    let k = kernel(Order::Little);
    let ksyms = [
        Ksym::Function("acquire___v2", 1),
        Ksym::Typed("counter___old"),
    ];
    let body = [&[CALL][..], &ld64(1, 0, 0, 0)].concat();
    let set = with_ksyms(Order::Little, STRONG, &ksyms, &body);
    let load = ld64(1, 3, k.counter as i32, 0);
    let expected = [&[call_kfunc(k.acquire as i32, 0)][..], &load, &[exit()]].concat();
    assert_eq!(stream(&set, "entry"), expected);
    let names: Vec<String> = listed(&set).into_iter().map(|r| r.2).collect();
    assert_eq!(names, ["acquire___v2", "counter___old"]);
}

/// parity, instructions: a weak kernel function of another prototype counts as
/// absent, as one that is not there: its address is 0, its call is poison. One
/// that is not weak fails the program.
#[test]
fn a_kernel_function_of_another_prototype() {
    for name in [("acquire", 2), ("missing", 1)] {
        let ksym = || {
            [
                Ksym::Function(name.0, name.1),
                Ksym::Function(name.0, name.1),
            ]
        };
        let body = [&ld64(1, 0, 0, 0)[..], &[CALL]].concat();
        let set = with_ksyms(Order::Little, WEAK, &ksym()[..1], &body[..2]);
        assert_eq!(
            stream(&set, "entry"),
            [&ld64(1, 0, 0, 0)[..], &[exit()]].concat()
        );
        let set = with_ksyms(Order::Little, WEAK, &ksym()[..1], &[CALL]);
        assert_eq!(stream(&set, "entry"), [POISON, exit()]);
        let set = with_ksyms(Order::Little, STRONG, &ksym()[..1], &[mov(0, 0), CALL]);
        let message = failure(&set, "entry");
        for part in ["program entry", "instruction 1", name.0] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

/// A weak one of which the BTF says nothing is not looked for, though the kernel has it: that
/// is told once, by its name.
#[test]
fn a_weak_symbol_without_a_type_is_absent_and_told() {
    let mut o = Obj::new(Order::Little);
    let body = [CALL, CALL];
    let code = o.code("kprobe/x", &[Fun("entry", STRONG, &[CALL, CALL, exit()])]);
    let symbol = o.elf.undefined("acquire", WEAK);
    refer(&mut o, &code, &body, &[symbol, symbol]);
    let set = link_for(&opened(&o.build()), &kernel(Order::Little).target);
    assert_eq!(stream(&set, "entry"), [POISON, POISON, exit()]);
    let told = set.warnings();
    assert!(
        matches!(told, [one] if one.contains("'acquire'")),
        "{told:?}"
    );
}

/// Typed kernel variables, of vmlinux and of a module.
#[test]
fn typed_kernel_variables() {
    for order in Order::BOTH {
        let k = kernel(order);
        let loads = [ld64(1, 0, 0, 0), ld64(2, 0, 0, 0)];
        let ksyms = [Ksym::Typed("counter"), Ksym::Typed("net_counter")];
        let set = with_ksyms(order, STRONG, &ksyms, loads.as_flattened());
        let loads = [
            ld64(1, 3, k.counter as i32, 0),
            ld64(2, 3, k.net_counter as i32, 0),
        ];
        let expected = [loads.as_flattened(), &[exit()]].concat();
        assert_eq!(stream(&set, "entry"), expected);
        let expected = [
            (
                0,
                ReferenceKind::BtfId,
                "counter".into(),
                String::new(),
                true,
            ),
            (
                2,
                ReferenceKind::BtfId,
                "net_counter".into(),
                "net".into(),
                false,
            ),
        ];
        assert_eq!(listed(&set), expected);
    }
}

/// One of another type is an error, weak or not, as with libbpf.
#[test]
fn a_kernel_variable_of_another_type() {
    for binding in [STRONG, WEAK] {
        for (name, place) in [("counter", "vmlinux"), ("net_counter", "module net")] {
            let load = ld64(1, 0, 0, 0);
            let set = with_ksyms(Order::Little, binding, &[Ksym::Pointer(name)], &load);
            let message = failure(&set, "entry");
            for part in [name, place, "another type"] {
                assert!(message.contains(part), "{message}");
            }
        }
    }
}

/// Untyped ones by their address, in both slots; weak and missing: 0.
#[test]
fn untyped_kernel_symbols() {
    for order in Order::BOTH {
        let load = ld64(1, 0, 0, 0);
        let set = with_ksyms(order, STRONG, &[Ksym::Untyped("jiffies")], &load);
        let (low, high) = (0x8123_4568_u32 as i32, 0xffff_ffff_u32 as i32);
        let expected = [&ld64(1, 0, low, high)[..], &[exit()]].concat();
        assert_eq!(stream(&set, "entry"), expected);
        let set = with_ksyms(order, WEAK, &[Ksym::Untyped("nowhere")], &load);
        assert_eq!(stream(&set, "entry"), [&load[..], &[exit()]].concat());
        for (name, why) in [("nowhere", "nowhere"), ("twice", "twice")] {
            let set = with_ksyms(order, STRONG, &[Ksym::Untyped(name)], &load);
            let message = failure(&set, "entry");
            assert!(message.contains("instruction 0"), "{message}");
            assert!(message.contains(why), "{message}");
        }
    }
}

/// What an instruction adds to a symbol's address: bytes of an untyped one, but a
/// weak one that is not there stays NULL; a type id takes none.
#[test]
fn addends_of_kernel_symbols() {
    let load = ld64(1, 0, 8, 0);
    let one = |binding, ksym| with_ksyms(Order::Little, binding, &[ksym], &load);
    let set = one(STRONG, Ksym::Untyped("jiffies"));
    assert_eq!(
        stream(&set, "entry")[..2],
        ld64(1, 0, 0x8123_4570_u32 as i32, -1)
    );
    let set = one(WEAK, Ksym::Untyped("nowhere"));
    assert_eq!(stream(&set, "entry")[..2], ld64(1, 0, 0, 0));
    let message = failure(&one(STRONG, Ksym::Typed("counter")), "entry");
    for part in ["program entry", "instruction 0", "counter", "8"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// Adds the type of a configuration value.
type MakeType = fn(&mut BtfBuilder) -> u32;

/// An object that loads the configuration values `vars` (name, type) in order.
fn with_config(order: Order, binding: u8, vars: &[(&str, MakeType)]) -> Programs {
    let mut o = Obj::new(order);
    let (mut section, mut syms, mut body) = (Vec::new(), Vec::new(), Vec::new());
    for (name, make) in vars {
        let type_id = make(&mut o.btf);
        let var = o.btf.var(name, type_id, EXTERN);
        section.push((var, 0, 0));
        syms.push(o.elf.undefined(name, binding));
        body.extend(ld64(1, 0, 0, 0));
    }
    o.btf.datasec(".kconfig", 0, &section);
    let all = [&body[..], &[exit()]].concat();
    let code = o.code("kprobe/x", &[Fun("entry", STRONG, &all)]);
    refer(&mut o, &code, &body, &syms);
    link_for(&opened(&o.build()), &kernel(order).target)
}

fn u32_(b: &mut BtfBuilder) -> u32 {
    b.int("unsigned int", 4, UNSIGNED)
}

fn bool_(b: &mut BtfBuilder) -> u32 {
    b.int("_Bool", 1, BOOL)
}

fn tristate(b: &mut BtfBuilder) -> u32 {
    let values = [("TRI_NO", 0), ("TRI_YES", 1), ("TRI_MODULE", 2)];
    b.enumeration("libbpf_tristate", 4, false, &values)
}

fn chars(b: &mut BtfBuilder) -> u32 {
    let char = b.int("char", 1, SIGNED);
    let index = b.int("__ARRAY_SIZE_TYPE__", 4, UNSIGNED);
    b.array(char, index, 8)
}

/// The bytes of `.kconfig` that reference number `index` points at.
fn config_value(set: &Programs, index: usize, len: usize) -> Vec<u8> {
    let reference = &program(set, "entry").references()[index];
    assert_eq!(reference.kind, ReferenceKind::MapValue);
    assert_eq!(reference.name.to_string(), ".kconfig");
    let map = reference.map.expect("a map value has a map") as usize;
    let contents = set.map_contents(map);
    let contents = contents.unwrap_or_else(|| panic!("all of .kconfig is zero"));
    contents[reference.offset as usize..][..len].to_vec()
}

/// CONFIG_* of every type, and the values that stand for the kernel itself.
#[test]
fn configuration_values_of_every_type() {
    for order in Order::BOTH {
        let set = all_stand(with_config(
            order,
            STRONG,
            &[
                ("CONFIG_HZ", u32_),
                ("CONFIG_BPF", bool_),
                ("CONFIG_TUN", tristate),
                ("CONFIG_NAME", chars),
                ("LINUX_KERNEL_VERSION", u32_),
                ("LINUX_HAS_BPF_COOKIE", bool_),
            ],
        ));
        assert_eq!(config_value(&set, 0, 4), order.u32(250));
        assert_eq!(config_value(&set, 1, 1), [1]);
        assert_eq!(config_value(&set, 2, 4), order.u32(2));
        assert_eq!(config_value(&set, 3, 8), b"box\0\0\0\0\0");
        assert_eq!(config_value(&set, 4, 4), order.u32(6 << 16 | 12 << 8 | 3));
        assert_eq!(config_value(&set, 5, 1), [1]);
        // A map value: src_reg 2, the offset in the second slot.
        let insns = stream(&set, "entry");
        let offsets: Vec<i64> = insns[..12]
            .chunks(2)
            .map(|load| {
                assert_eq!((load[0].src, load[0].imm), (2, 0));
                load[1].imm.into()
            })
            .collect();
        let listed: Vec<i64> = program(&set, "entry")
            .references()
            .iter()
            .map(|r| r.offset)
            .collect();
        assert_eq!(offsets, listed);
    }
}

/// A value that the configuration does not set: 0 where it is weak, else an error.
#[test]
fn configuration_values_that_are_not_set() {
    let missing: [(&str, MakeType); 1] = [("CONFIG_NOT_SET", u32_)];
    let set = all_stand(with_config(Order::Little, WEAK, &missing));
    assert_eq!(config_value(&set, 0, 4), [0; 4]);
    let set = with_config(Order::Little, STRONG, &missing);
    let message = failure(&set, "entry");
    for part in ["program entry", "instruction 0", "CONFIG_NOT_SET"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// A value that does not fit the program's type is an error that says so.
#[test]
fn configuration_values_of_another_type() {
    for (name, make) in [
        ("CONFIG_TUN", bool_ as MakeType),
        ("CONFIG_NAME", u32_),
        ("CONFIG_BPF", u32_),
    ] {
        let message = failure(
            &with_config(Order::Little, STRONG, &[(name, make)]),
            "entry",
        );
        assert!(message.contains(name), "{message}");
    }
}

/// A program that uses nothing of the kernel stands where another one fails.
#[test]
fn a_missing_symbol_fails_its_program_alone() {
    let mut o = Obj::little();
    let (missing, id) = o.kfunc("missing", STRONG);
    o.btf.datasec(".ksyms", 0, &[(id, 0, 0)]);
    let code = o.code(
        "kprobe/x",
        &[
            Fun("entry", STRONG, &[CALL, exit()]),
            Fun("other", STRONG, &[mov(0, 0), exit()]),
        ],
    );
    o.elf.rel(code.sec, 0, missing, elf::r_bpf::R64_32);
    let set = link_for(&opened(&o.build()), &kernel(Order::Little).target);
    assert!(failure(&set, "entry").contains("missing"));
    assert_eq!(stream(&set, "other"), [mov(0, 0), exit()]);
}
