//! `__arg_ctx`: where the target does not know the tag `arg:ctx` (before Linux 6.8),
//! func_info names copies of functions whose parameters point to the context's struct.
//!
//! The names are those of include/linux/bpf_types.h, the judgement of parameters that
//! of libbpf's bpf_program_fixup_func_info.

#[path = "support/running.rs"]
mod running;
mod support;

use bpflink::btf::{Btf, Kind, TypeId};
use bpflink::link::{Choice, FinalizeOptions, Programs};
use bpflink::target::{Feature, Features, TargetBuilder};
use bpflink::{Object, Target};
use running::{NATIVE, linked_for, may_load};
use std::sync::Arc;
use support::btf::{GLOBAL as BTF_GLOBAL, Order};
use support::clang::compile;
use support::elf::{GLOBAL, HIDDEN, LOCAL};
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};

const CALL: I = call_fn(-1);
const RETURN: [I; 1] = [exit()];

fn release(text: &str) -> Target {
    TargetBuilder::new().release(text).unwrap().build().unwrap()
}

/// What a parameter points to.
#[derive(Clone, Copy)]
enum To<'a> {
    Void,
    Struct(&'a str),
    Typedef(&'a str, &'a str),
    Int(u32),
    /// No pointer at all.
    Value,
}

/// A program of `section` that calls `takes(int before, TO *ctx)`, whose second
/// parameter has the tag.
struct Calling {
    o: Obj,
    takes: u32,
    proto: u32,
}

fn calling(order: Order, section: &str, binding: u8, to: To<'_>) -> Calling {
    let mut o = Obj::new(order);
    let target = match to {
        To::Void => 0,
        To::Struct(name) => o.btf.structure(name, 4, &[]),
        To::Typedef(name, of) => {
            let of = o.btf.structure(of, 4, &[]);
            o.btf.typedef(name, of)
        }
        To::Int(size) => o.btf.int("number", size, 0),
        To::Value => 0,
    };
    let constant = o.btf.constant(target);
    let param = match to {
        To::Value => o.int,
        _ => o.btf.ptr(constant),
    };
    let (int, void_proto) = (o.int, o.proto);
    let proto = o.btf.func_proto(int, &[("before", int), ("ctx", param)]);
    o.proto = proto;
    let text = o.code(".text", &[Fun("takes", binding, &[mov(0, 1), exit()])]);
    o.proto = void_proto;
    let code = o.code(section, &[Fun("entry", GLOBAL, &[CALL, exit()])]);
    o.call(&code, 0, text.funs[0].0);
    let takes = text.funs[0].2;
    o.btf.decl_tag("arg:ctx", takes, 1);
    Calling { o, takes, proto }
}

fn prepared(set: &Programs) -> Btf {
    Btf::parse(set.btf().expect("the set has BTF"), None).unwrap()
}

/// The types of the parameters of a function.
fn params(btf: &Btf, func: TypeId) -> Vec<TypeId> {
    let func = btf.type_by_id(func).unwrap();
    assert_eq!(func.kind(), Kind::Func);
    let proto = btf.type_by_id(func.target()).unwrap();
    proto.params().map(|param| param.type_id).collect()
}

/// The name of the struct that the second parameter of the called function points to,
/// by the func_info of `entry`, where that names a copy.
fn context(set: &Programs, takes: u32, count: u32) -> Option<String> {
    let btf = prepared(set);
    let func = func_info(set, "entry")[1].1;
    if func == takes {
        assert_eq!(
            btf.type_count(),
            count,
            "nothing is added that nobody needs"
        );
        return None;
    }
    assert!(func >= count, "a type of the object does not change");
    let copy = btf.type_by_id(func).unwrap();
    assert_eq!(copy.name(), Ok(&b"takes"[..]));
    assert_eq!(copy.linkage(), btf.type_by_id(takes).unwrap().linkage());
    assert_eq!(params(&btf, func)[0], params(&btf, takes)[0]);
    let pointer = btf.type_by_id(params(&btf, func)[1]).unwrap();
    assert_eq!(pointer.kind(), Kind::Ptr);
    let of = btf.type_by_id(pointer.target()).unwrap();
    assert_eq!(of.kind(), Kind::Struct);
    let tag = btf
        .own_types()
        .find(|ty| ty.kind() == Kind::DeclTag && ty.target() == func);
    let tag = tag.expect("the copy is tagged too");
    assert_eq!(
        (tag.name(), tag.component_index()),
        (Ok(&b"arg:ctx"[..]), Some(1))
    );
    Some(String::from_utf8(of.name().unwrap().to_vec()).unwrap())
}

fn context_for(order: Order, section: &str, to: To<'_>) -> Option<String> {
    let mut c = calling(order, section, GLOBAL, to);
    let count = c.o.btf.next_id();
    let object = opened(&c.o.build());
    // Where the target has the feature nothing changes.
    let newer = all_stand(link_for(&object, &release("6.8")));
    assert_eq!(context(&newer, c.takes, count), None);
    let original = Btf::parse(newer.btf().unwrap(), None).unwrap();
    let set = all_stand(link_for(&object, &release("6.7")));
    let before = prepared(&set);
    for id in 1..count {
        let raw = |btf: &Btf| {
            let ty = btf.type_by_id(id).unwrap();
            (ty.kind(), ty.name_off(), ty.vlen(), ty.size())
        };
        assert_eq!(raw(&before), raw(&original), "type {id}");
    }
    assert_eq!(params(&before, c.takes), params(&original, c.takes));
    c.proto = 0;
    context(&set, c.takes, count)
}

#[test]
fn each_type_of_program_has_a_context_of_its_name() {
    for (section, name) in [
        ("socket", "__sk_buff"),
        ("kprobe/f", "bpf_user_pt_regs_t"),
        ("uprobe", "bpf_user_pt_regs_t"),
        ("tc", "__sk_buff"),
        ("action", "__sk_buff"),
        ("xdp", "xdp_md"),
        ("perf_event", "bpf_perf_event_data"),
        ("cgroup_skb/ingress", "__sk_buff"),
        ("cgroup/sock_create", "bpf_sock"),
        ("lwt_in", "__sk_buff"),
        ("lwt_out", "__sk_buff"),
        ("lwt_xmit", "__sk_buff"),
        ("lwt_seg6local", "__sk_buff"),
        ("sockops", "bpf_sock_ops"),
        ("sk_skb", "__sk_buff"),
        ("cgroup/dev", "bpf_cgroup_dev_ctx"),
        ("sk_msg", "sk_msg_md"),
        ("raw_tp/x", "bpf_raw_tracepoint_args"),
        ("raw_tracepoint.w/x", "bpf_raw_tracepoint_args"),
        ("cgroup/bind4", "bpf_sock_addr"),
        ("sk_reuseport", "sk_reuseport_md"),
        ("flow_dissector", "__sk_buff"),
        ("cgroup/sysctl", "bpf_sysctl"),
        ("cgroup/getsockopt", "bpf_sockopt"),
        ("sk_lookup", "bpf_sk_lookup"),
        ("netfilter", "bpf_nf_ctx"),
    ] {
        for order in Order::BOTH {
            let found = context_for(order, section, To::Void);
            assert_eq!(found.as_deref(), Some(name), "{section}");
        }
        assert_eq!(
            context_for(Order::Little, section, To::Struct(name)),
            None,
            "{section}"
        );
    }
    // These are known by no name.
    for section in [
        "tracepoint/a/b",
        "fentry/f",
        "syscall",
        "lsm/f",
        "iter/task",
        "freplace/f",
    ] {
        assert_eq!(
            context_for(Order::Little, section, To::Void),
            None,
            "{section}"
        );
    }
}

#[test]
fn names_of_old_for_the_context() {
    let found = |section, to| context_for(Order::Little, section, to);
    let regs = Some("bpf_user_pt_regs_t".to_owned());
    assert_eq!(found("kprobe", To::Struct("pt_regs")), regs);
    assert_eq!(
        found("kprobe", To::Typedef("bpf_user_pt_regs_t", "pt_regs")),
        regs
    );
    assert_eq!(found("tc", To::Struct("pt_regs")), None);
    let event = Some("bpf_perf_event_data".to_owned());
    for name in ["pt_regs", "user_pt_regs", "user_regs_struct"] {
        assert_eq!(found("perf_event", To::Struct(name)), event, "{name}");
    }
    assert_eq!(found("kprobe", To::Struct("user_pt_regs")), None);
    let arguments = Some("bpf_raw_tracepoint_args".to_owned());
    assert_eq!(found("raw_tp", To::Int(8)), arguments);
    assert_eq!(found("raw_tp", To::Int(4)), None);
    assert_eq!(found("xdp", To::Int(8)), None);
}

#[test]
fn a_parameter_that_is_no_context_is_told_once() {
    for to in [To::Struct("whatever"), To::Value] {
        let c = calling(Order::Little, "tc", GLOBAL, to);
        let object = opened(&c.o.build());
        let mut set = Programs::split(&object).unwrap();
        set.flatten(Choice::All).unwrap();
        set.finalize(&release("6.7"), FinalizeOptions::default(), Choice::All)
            .unwrap();
        assert_eq!(context(&set, c.takes, c.o.btf.next_id()), None);
        let warnings = set.warnings().join("\n");
        for part in ["function takes", "parameter 1", "arg:ctx", "__sk_buff"] {
            assert!(warnings.contains(part), "{part}: {warnings}");
        }
        assert_eq!(set.warnings().len(), 1);
    }
}

/// However many there are, and whatever their names: warnings take little memory.
#[test]
fn parameters_that_are_no_context_are_not_all_told() {
    let mut o = Obj::little();
    let number = o.btf.int("number", 8, 0);
    let pointer = o.btf.ptr(number);
    let (int, none) = (o.int, o.proto);
    o.proto = o.btf.func_proto(int, &[("ctx", pointer)]);
    let names: Vec<String> = (0..40).map(|i| format!("takes_{i}")).collect();
    let functions: Vec<Fun<'_>> = names
        .iter()
        .map(|name| Fun(name, GLOBAL, &RETURN))
        .collect();
    let text = o.code(".text", &functions);
    o.proto = none;
    let body = [&[CALL; 40][..], &[exit()]].concat();
    let code = o.code("tc", &[Fun("entry", GLOBAL, &body)]);
    for (slot, (sym, _, func)) in (0..).zip(&text.funs) {
        o.call(&code, slot, *sym);
        o.btf.decl_tag("arg:ctx", *func, 0);
    }
    let set = all_stand(link_for(&opened(&o.build()), &release("6.7")));
    assert_eq!(set.warnings().len(), 16);
}

/// The kernel verifies static functions with what their callers pass.
#[test]
fn static_and_hidden_functions_need_no_copy() {
    let c = calling(Order::Little, "tc", LOCAL, To::Void);
    let set = all_stand(link_for(&opened(&c.o.build()), &release("6.7")));
    assert_eq!(context(&set, c.takes, c.o.btf.next_id()), None);
    let mut c = calling(Order::Little, "tc", GLOBAL, To::Void);
    let symbol = c.o.elf.undefined("unrelated", GLOBAL);
    c.o.elf.symbol_mut(symbol).visibility = HIDDEN;
    let takes = support::elf::Sym(0);
    let set = all_stand(link_for(&opened(&c.o.build()), &release("6.7")));
    assert!(context(&set, c.takes, c.o.btf.next_id()).is_some());
    c.o.elf.symbol_mut(takes).visibility = HIDDEN;
    let set = all_stand(link_for(&opened(&c.o.build()), &release("6.7")));
    assert_eq!(context(&set, c.takes, c.o.btf.next_id()), None);
}

/// Kernels before 5.6 verify every function as static, those before 5.0 know none.
#[test]
fn kernels_without_global_functions_need_no_copy() {
    let c = calling(Order::Little, "tc", GLOBAL, To::Void);
    let object = opened(&c.o.build());
    let set = link_for(&object, &release("5.5"));
    assert_eq!(context(&set, c.takes, c.o.btf.next_id()), None);
    assert!(func_info(&link_for(&object, &release("4.19")), "entry").is_empty());
    // One without declaration tags, and the copy has none.
    let set = link_for(&object, &release("5.10"));
    let (btf, func) = (prepared(&set), func_info(&set, "entry")[1].1);
    assert!(func > c.takes);
    assert!(btf.own_types().all(|ty| ty.kind() != Kind::DeclTag));
}

/// Two types of programs share a function: each has a copy, and a second call of
/// finalize leaves what the first one handed out as it was.
fn shared() -> (Arc<Object>, u32) {
    let mut o = Obj::little();
    let pointer = o.btf.ptr(0);
    let (int, none) = (o.int, o.proto);
    o.proto = o.btf.func_proto(int, &[("ctx", pointer)]);
    let text = o.code(".text", &[Fun("takes", GLOBAL, &[mov(0, 1), exit()])]);
    o.proto = none;
    o.btf.decl_tag("arg:ctx", text.funs[0].2, 0);
    for (section, name) in [
        ("tc", "tc_one"),
        ("xdp", "xdp_one"),
        ("socket", "socket_one"),
    ] {
        let code = o.code(section, &[Fun(name, GLOBAL, &[CALL, exit()])]);
        o.call(&code, 0, text.funs[0].0);
    }
    // No program of its own; it becomes one when somebody chooses it.
    let later = o.code("sk_msg", &[Fun("later", LOCAL, &[CALL, exit()])]);
    o.call(&later, 0, text.funs[0].0);
    (opened(&o.build()), text.funs[0].2)
}

#[test]
fn ids_that_were_handed_out_stay_valid() {
    let (object, takes) = shared();
    let target = release("6.7");
    let mut set = Programs::split(&object).unwrap();
    let finalize = |set: &mut Programs, name: &str| {
        let name = [name.into()];
        set.flatten(Choice::Named(&name)).unwrap();
        set.finalize(&target, FinalizeOptions::default(), Choice::Named(&name))
            .unwrap();
    };
    finalize(&mut set, "tc_one");
    let first = set.btf().unwrap().to_vec();
    let callee = |set: &Programs, name: &str| func_info(set, name)[1].1;
    let tc = callee(&set, "tc_one");
    for name in ["xdp_one", "socket_one"] {
        finalize(&mut set, name);
        assert_eq!(
            set.btf().unwrap(),
            first,
            "what a loader may have loaded is enough"
        );
    }
    assert_eq!(callee(&set, "tc_one"), tc);
    assert_eq!(callee(&set, "socket_one"), tc, "one context, one copy");
    let xdp = callee(&set, "xdp_one");
    assert!(xdp != tc && xdp != takes);
    // A program that nobody knew of: the BTF grows at its end.
    finalize(&mut set, "later");
    let (old, new) = (Btf::parse(first, None).unwrap(), prepared(&set));
    assert!(new.type_bytes().starts_with(old.type_bytes()));
    assert!(new.string_bytes().starts_with(old.string_bytes()));
    assert!(callee(&set, "later") >= old.type_count());
    assert_eq!(callee(&set, "tc_one"), tc);
}

/// The entry function, and several parameters of one function.
#[test]
fn the_entry_and_several_parameters() {
    let mut o = Obj::little();
    let pointer = o.btf.ptr(0);
    let int = o.int;
    o.proto = o
        .btf
        .func_proto(int, &[("a", pointer), ("b", int), ("c", pointer)]);
    let code = o.code("xdp", &[Fun("entry", GLOBAL, &[exit()])]);
    let entry = code.funs[0].2;
    for component in [2, 0, 9, -1] {
        o.btf.decl_tag("arg:ctx", entry, component);
    }
    o.btf.decl_tag("exception_callback:entry", entry, -1);
    let set = all_stand(link_for(&opened(&o.build()), &release("6.7")));
    let (btf, copy) = (prepared(&set), func_info(&set, "entry")[0].1);
    let [a, b, c] = params(&btf, copy)[..] else {
        panic!("three parameters")
    };
    assert_eq!((a, b), (c, int));
    let of = btf.type_by_id(btf.type_by_id(a).unwrap().target()).unwrap();
    assert_eq!(of.name(), Ok(&b"xdp_md"[..]));
    // The kernel finds the exception callback by a tag of the function that func_info names.
    let tags = |func| {
        let tags = btf.own_types().filter(|ty| ty.kind() == Kind::DeclTag);
        let mine = tags.filter(|ty| ty.target() == func);
        mine.map(|ty| (ty.name().unwrap().to_vec(), ty.component_index()))
            .collect::<Vec<_>>()
    };
    assert_eq!(tags(copy), tags(entry));
    assert_eq!(tags(copy).len(), 5);
}

/// Functions that no call can pass that many arguments to stay as they are: many tags
/// of one huge prototype cost nothing.
#[test]
fn prototypes_that_the_kernel_refuses() {
    let mut o = Obj::little();
    let pointer = o.btf.ptr(0);
    let (int, none) = (o.int, o.proto);
    o.proto = o.btf.func_proto(int, &[("p", pointer); 6]);
    let text = o.code(".text", &[Fun("takes", GLOBAL, &[exit()])]);
    o.proto = none;
    let code = o.code("tc", &[Fun("entry", GLOBAL, &[CALL, exit()])]);
    o.call(&code, 0, text.funs[0].0);
    o.btf.decl_tag("arg:ctx", text.funs[0].2, 1);
    // And one whose prototype is none.
    let odd = o.btf.func("odd", int, BTF_GLOBAL);
    o.btf.decl_tag("arg:ctx", odd, 0);
    o.btf.decl_tag("arg:ctx", 4711, 0);
    let set = all_stand(link_for(&opened(&o.build()), &release("6.7")));
    assert_eq!(func_info(&set, "entry")[1].1, text.funs[0].2);
    assert_eq!(prepared(&set).type_count(), o.btf.next_id());
}

/// Clang.s tags, and the verifier.s word on what became of them.
#[test]
fn the_running_kernel_takes_the_copies() {
    let Some(bytes) = compile("contexts", NATIVE, &["-mcpu=v3"]) else {
        return;
    };
    let object = opened(&bytes);
    if !may_load() {
        return;
    }
    let programs = ["from_tc", "from_socket", "from_xdp", "from_kprobe"];
    let without = |features: &[Feature]| {
        let known = Target::running().features();
        let features: Features = features.iter().fold(known, |set, &f| set.without(f));
        let target = TargetBuilder::new().features(features).build().unwrap();
        linked_for(&object, &target).unwrap()
    };
    // Without the tags only the copies tell the kernel what the parameters are.
    let loaded = without(&[Feature::ArgCtxTag, Feature::BtfDeclTag]);
    for name in programs {
        let verdict = loaded.load(name);
        verdict.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert_eq!(loaded.run("from_tc"), Ok(11));
    assert_eq!(loaded.run("from_xdp"), Ok(5));
    // The tags do the copies no harm. (Of kprobes, kernels that know the tag want
    // `struct pt_regs`, which older ones do not know for the context.)
    let loaded = without(&[Feature::ArgCtxTag]);
    for name in ["from_tc", "from_socket", "from_xdp"] {
        let verdict = loaded.load(name);
        verdict.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let plain = without(&[Feature::BtfDeclTag]);
    for name in ["from_tc", "from_socket", "from_xdp"] {
        assert!(
            plain.load(name).is_err(),
            "{name} needs the tag or the copy"
        );
    }
}
