//! Section names and where their programs attach, by libbpf's attach functions.

use super::{AttachKind, AttachSpec};

/// Kind, name, category, path, module.
type Strings<'a> = (AttachKind, &'a str, &'a str, &'a str, &'a str);

fn of(section: &str) -> AttachSpec {
    AttachSpec::of_section(section.as_bytes())
}

fn check(section: &str, (kind, name, category, path, module): Strings<'_>) {
    let spec = of(section);
    assert_eq!(spec.problem, None, "{section}");
    assert_eq!(
        (
            spec.kind,
            &*spec.name.to_string(),
            &*spec.category.to_string()
        ),
        (kind, name, category),
        "{section}"
    );
    assert_eq!(
        (&*spec.path.to_string(), &*spec.module.to_string()),
        (path, module),
        "{section}"
    );
}

#[test]
fn every_kind_by_its_names() {
    use AttachKind::*;
    for (section, expected) in [
        ("kprobe/do_unlinkat", (Kprobe, "do_unlinkat", "", "", "")),
        (
            "?kretprobe/vfs_read.isra.0",
            (Kprobe, "vfs_read.isra.0", "", "", ""),
        ),
        (
            "kprobe.multi/tcp_*_v?",
            (KprobeMulti, "tcp_*_v?", "", "", ""),
        ),
        (
            "kprobe.session/bpf_fentry_*",
            (KprobeMulti, "bpf_fentry_*", "", "", ""),
        ),
        ("ksyscall/nanosleep", (Ksyscall, "nanosleep", "", "", "")),
        ("uprobe//bin/sh:main", (Uprobe, "main", "", "/bin/sh", "")),
        (
            "uprobe.s/libc.so.6:malloc",
            (Uprobe, "malloc", "", "libc.so.6", ""),
        ),
        ("uretprobe//a/b:f:g", (Uprobe, "f:g", "", "/a/b", "")),
        (
            "uprobe.multi.s//proc/self/exe:up_*",
            (UprobeMulti, "up_*", "", "/proc/self/exe", ""),
        ),
        ("uprobe.session//a:f+4", (UprobeMulti, "f+4", "", "/a", "")),
        (
            "usdt//usr/bin/php:php:request",
            (Usdt, "request", "php", "/usr/bin/php", ""),
        ),
        (
            "usdt.s/libc.so.6:libc:setjmp",
            (Usdt, "setjmp", "libc", "libc.so.6", ""),
        ),
        (
            "tp/sched/sched_switch",
            (Tracepoint, "sched_switch", "sched", "", ""),
        ),
        ("tracepoint/a/b/c", (Tracepoint, "b/c", "a", "", "")),
        (
            "raw_tp/task_rename",
            (RawTracepoint, "task_rename", "", "", ""),
        ),
        (
            "raw_tracepoint.w/bpf_test",
            (RawTracepoint, "bpf_test", "", "", ""),
        ),
        (
            "tp_btf/sched_switch",
            (BtfTracepoint, "sched_switch", "", "", ""),
        ),
        ("fentry/vfs_read", (Function, "vfs_read", "", "", "")),
        (
            "fmod_ret.s/bpf_modify",
            (Function, "bpf_modify", "", "", ""),
        ),
        (
            "fexit/nf_nat:nf_nat_init",
            (Function, "nf_nat_init", "", "", "nf_nat"),
        ),
        ("lsm.s/file_open", (Lsm, "file_open", "", "", "")),
        ("lsm_cgroup/socket_bind", (Lsm, "socket_bind", "", "", "")),
        ("iter.s/task", (Iterator, "task", "", "", "")),
        ("freplace/handle", (Extension, "handle", "", "", "")),
        ("struct_ops.s/init", (StructOps, "", "", "", "")),
        ("cgroup/connect4", (None, "", "", "", "")),
        ("xdp/devmap", (None, "", "", "", "")),
        ("kprobes/x", (None, "", "", "", "")),
        ("lsm.s.s/x", (None, "", "", "", "")),
        ("tp.s/a/b", (None, "", "", "", "")),
    ] {
        check(section, expected);
    }
}

#[test]
fn offsets_returns_and_sessions() {
    assert_eq!(of("kprobe/f+0x10").offset, 16);
    assert_eq!(of("kprobe/f+010").offset, 8);
    assert_eq!(of("kprobe/f+12 and more").offset, 12);
    assert_eq!(of("kprobe/f-4").offset, 0);
    assert_eq!(of("uprobe//a:f+0x8").offset, 8);
    assert_eq!(of("uprobe//a:f+0x8").name, "f");
    assert_eq!(of("uprobe//a:operator+").name, "operator+");
    assert_eq!(of("uprobe//a:f+99999999999999999999").offset, 0);
    assert!(of("kretprobe/f").on_return && of("fexit/f").on_return);
    assert!(of("uretprobe.multi//a:f").on_return && of("kretsyscall/x").on_return);
    assert!(!of("fentry/f").on_return && !of("uprobe.session//a:f").on_return);
    assert!(of("uprobe.session//a:f").session && of("fsession.s/f").session);
    assert!(of("kprobe.session/f").session && !of("kprobe.multi/f").session);
}

#[test]
fn without_a_target_the_loader_says_where() {
    for section in [
        "kprobe", "fentry", "usdt", "tp", "uprobe", "lsm", "?iter", "kprobe/", "raw_tp/",
    ] {
        let spec = of(section);
        assert_ne!(spec.kind, AttachKind::None, "{section}");
        assert!(spec.name.is_empty() && spec.problem.is_none(), "{section}");
    }
}

#[test]
fn names_by_which_nothing_can_be_attached() {
    for section in [
        "kprobe/+4",
        "kretprobe/f+4",
        "uretprobe//a:f+4",
        "kprobe.multi/+",
        "uprobe//bin/sh",
        "uprobe/:f",
        "uprobe//bin/sh:",
        "usdt//a:b",
        "usdt//a::c",
        "tp/sched_switch",
    ] {
        assert!(of(section).problem.is_some(), "{section}");
    }
}
