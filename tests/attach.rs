//! Where programs attach: type ids of the target, and what is told where there are none.

mod support;

use std::sync::Arc;

use bpflink::Target;
use bpflink::btf::Btf;
use bpflink::elf::AttachKind;
use bpflink::link::{AttachTarget, Programs};
use bpflink::target::TargetBuilder;
use support::btf::*;
use support::elf::GLOBAL as STRONG;
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};

/// A kernel whose names each stand for one thing only.
struct Kernel {
    target: Target,
    function: u32,
    tracepoint: u32,
    hook: u32,
    iterator: u32,
    of_module: u32,
    twice: u32,
}

fn kernel() -> Kernel {
    let mut b = BtfBuilder::new(Order::Little);
    let int = b.int("int", 4, SIGNED);
    let proto = b.func_proto(int, &[]);
    let pointer = b.ptr(proto);
    // Neither a struct nor a variable of the name will do.
    b.structure("vfs_read", 4, &[]);
    b.var("vfs_read", int, GLOBAL);
    b.func("btf_trace_sched_switch", proto, STATIC);
    let function = b.func("vfs_read", proto, STATIC);
    let tracepoint = b.typedef("btf_trace_sched_switch", pointer);
    let hook = b.func("bpf_lsm_file_open", proto, STATIC);
    let iterator = b.func("bpf_iter_task", proto, STATIC);
    b.func("twice", proto, STATIC);
    let mut split = BtfBuilder::split_over(&b);
    let of_module = split.func("nf_only", proto, STATIC);
    let twice = split.func("twice", proto, STATIC);
    let vmlinux = btf(&b);
    let module = Arc::new(Btf::parse(split.build(), Some(vmlinux.clone())).unwrap());
    let target = TargetBuilder::new().vmlinux(vmlinux).module("nf", module);
    Kernel {
        target: target.build().unwrap(),
        function,
        tracepoint,
        hook,
        iterator,
        of_module,
        twice,
    }
}

fn linked_in(section: &str, target: &Target) -> Programs {
    let mut o = Obj::little();
    o.code(section, &[Fun("entry", STRONG, &[mov(0, 0), exit()])]);
    all_stand(link_for(&opened(&o.build()), target))
}

fn attach(section: &str, target: &Target) -> AttachTarget {
    program(&linked_in(section, target), "entry").attach_target()
}

#[test]
fn type_ids_by_kind_and_name() {
    let kernel = kernel();
    for (section, id) in [
        ("fentry/vfs_read", kernel.function),
        ("fexit.s/vfs_read", kernel.function),
        ("fmod_ret/vfs_read", kernel.function),
        ("fsession/vfs_read", kernel.function),
        ("fentry/vmlinux:vfs_read", kernel.function),
        ("tp_btf/sched_switch", kernel.tracepoint),
        ("lsm/file_open", kernel.hook),
        ("lsm_cgroup/file_open", kernel.hook),
        ("?lsm.s/file_open", kernel.hook),
        ("iter/task", kernel.iterator),
    ] {
        let found = attach(section, &kernel.target);
        assert_eq!((found.btf_id, found.problem), (id, None), "{section}");
        assert!(found.module.is_empty(), "{section}");
    }
}

#[test]
fn functions_of_modules() {
    let kernel = kernel();
    for (section, id) in [
        ("fentry/nf_only", kernel.of_module),
        ("fentry/nf:nf_only", kernel.of_module),
        ("fentry/nf:twice", kernel.twice),
    ] {
        let found = attach(section, &kernel.target);
        assert_eq!(
            (found.btf_id, found.module.to_string()),
            (id, "nf".into()),
            "{section}"
        );
    }
    // vmlinux comes first, unless a module is meant.
    assert!(attach("fentry/twice", &kernel.target).module.is_empty());
    assert_ne!(attach("fentry/twice", &kernel.target).btf_id, kernel.twice);
}

#[test]
fn what_is_not_there_fails_no_program() {
    let kernel = kernel();
    for (section, words) in [
        (
            "fentry/gone",
            "neither vmlinux nor a module has a function gone",
        ),
        ("fentry/nf:vfs_read", "module nf has no function vfs_read"),
        (
            "fentry/other:nf_only",
            "module other has no function nf_only",
        ),
        (
            "fentry/vmlinux:nf_only",
            "module vmlinux has no function nf_only",
        ),
        (
            "tp_btf/vfs_read",
            "neither vmlinux nor a module has a type btf_trace_vfs_read",
        ),
        ("lsm/vfs_read", "a function bpf_lsm_vfs_read"),
        ("iter/vfs_read", "a function bpf_iter_vfs_read"),
        ("fentry", "the section names no function to attach to"),
        (
            "tp/sched_switch",
            "the section's name says no category/name of a tracepoint",
        ),
    ] {
        let found = attach(section, &kernel.target);
        let problem = found.problem.unwrap_or_default();
        assert!(problem.contains(words), "{section}: {problem}");
        assert_eq!(
            (found.btf_id, found.module.to_string()),
            (0, String::new()),
            "{section}"
        );
    }
}

#[test]
fn kinds_without_type_ids_ask_no_kernel() {
    // A kernel without BTF: whoever asks is told so.
    let bare = TargetBuilder::new().build().unwrap();
    for section in [
        "kprobe/vfs_read",
        "tp/a/b",
        "raw_tp/x",
        "xdp",
        "freplace/f",
        "uprobe//a:f",
    ] {
        let found = attach(section, &bare);
        assert_eq!((found.btf_id, found.problem), (0, None), "{section}");
    }
    let problem = attach("fentry/vfs_read", &bare).problem;
    assert_eq!(problem.as_deref(), Some("the target kernel has no BTF"));
}

#[test]
fn strings_are_there_before_any_target() {
    let mut o = Obj::little();
    let body = [mov(0, 0), exit()];
    o.code("kretprobe/vfs_read", &[Fun("entry", STRONG, &body)]);
    o.code("fexit/nf:nf_only", &[Fun("other", STRONG, &body)]);
    let set = Programs::split(&opened(&o.build())).unwrap();
    let target = program(&set, "entry").attach_target();
    assert_eq!(target.spec.kind, AttachKind::Kprobe);
    assert_eq!(target.spec.name, "vfs_read");
    assert!(target.spec.on_return);
    let target = program(&set, "other").attach_target();
    assert_eq!(target.spec.kind, AttachKind::Function);
    assert_eq!(
        (target.spec.module.to_string(), target.btf_id),
        ("nf".into(), 0)
    );
    assert_eq!(target.problem, None);
}
