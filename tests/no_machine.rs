//! Linking for a kernel that is described touches nothing of this machine: not its
//! files, not bpf(2). The tests run themselves again under a filter that ends the process
//! at the first such system call.

mod support;

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::Arc;

use bpflink::btf::Btf;
use bpflink::target::{Feature, TargetBuilder};
use bpflink::{Linker, Object, Target};
use support::btf::{BtfBuilder, Order};
use support::clang::compile;
use support::elf::GLOBAL;
use support::insn::*;
use support::object::{Fun, Obj};

/// Which part this process plays; unset in the one that cargo starts.
const ROLE: &str = "BPFLINK_TEST_ROLE";

/// Calls that look at the machine: bpf(2), files, the kernel's name. (Rust and libc need
/// others all the time, for memory and threads.)
fn forbidden() -> Vec<i64> {
    let mut calls = vec![libc::SYS_bpf, libc::SYS_openat, libc::SYS_uname];
    #[cfg(target_arch = "x86_64")]
    calls.extend([libc::SYS_open, libc::SYS_stat, libc::SYS_readlink]);
    calls
}

/// From now on those calls end the process by SIGSYS.
fn forbid() {
    let statement = |code: u32, k: u32| libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    };
    let load = statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0);
    let kill = statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_KILL_PROCESS);
    let allow = statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW);
    let mut filter = vec![load];
    for call in forbidden() {
        let mut equal = statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, call as u32);
        equal.jf = 1;
        filter.extend([equal, kill]);
    }
    filter.push(allow);
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the filter and its length live until the calls return; the kernel copies it.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(
            libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program),
            0
        );
    }
}

/// A program that asks nothing of any kernel.
fn undemanding() -> Vec<u8> {
    let mut o = Obj::little();
    o.no_btf = true;
    o.code("xdp", &[Fun("entry", GLOBAL, &[mov(0, 0), exit()])]);
    o.build()
}

/// A kernel as old as 5.4: its helpers, its BTF and its externs all have to be decided.
fn described() -> Target {
    let mut b = BtfBuilder::new(Order::Little);
    b.structure("task_struct", 8, &[]);
    let vmlinux = Btf::parse(b.build(), None).unwrap();
    TargetBuilder::new()
        .vmlinux(vmlinux.into())
        .release("5.4")
        .unwrap()
        .with_feature(Feature::BtfFloat)
        .kconfig("CONFIG_HZ=250\n")
        .kallsyms("ffffffff81000000 T _text\n")
        .build()
        .unwrap()
}

/// Runs this very test again in the role; the signal that ended it, if any.
fn in_role(test: &str, role: &str) -> (bool, Option<i32>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    let output = command.env(ROLE, role).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).contains("LINKED");
    (said, output.status.signal())
}

#[test]
fn a_described_kernel_is_linked_for_without_the_machine() {
    let Ok(role) = std::env::var(ROLE) else {
        if compile("externs", Order::Little, &["-mcpu=v3"]).is_none() {
            return; // And it was said.
        }
        let this = "a_described_kernel_is_linked_for_without_the_machine";
        assert_eq!(in_role(this, "described"), (true, None));
        // The filter sees what it is for: this machine cannot be linked for under it.
        assert_eq!(in_role(this, "running"), (false, Some(libc::SIGSYS)));
        assert_eq!(in_role(this, "over running"), (false, Some(libc::SIGSYS)));
        return;
    };
    let Some(bytes) = compile("externs", Order::Little, &["-mcpu=v3"]) else {
        return;
    };
    let object = Arc::new(Object::parse(&bytes, "object").unwrap());
    let target = match role.as_str() {
        "described" => described(),
        "running" => Target::running(),
        _ => TargetBuilder::new().over_running().build().unwrap(),
    };
    forbid();
    let linked = Linker::new(&target).link(&object).unwrap();
    // Two programs ask for what this kernel lacks; all have been looked at.
    assert!(linked.programs().len() >= 6 && linked.btf().is_some());
    println!("LINKED");
}

/// This machine is looked at when something depends on it, and here nothing does.
#[test]
fn what_asks_nothing_of_this_kernel_is_linked_without_a_look_at_it() {
    if std::env::var(ROLE).is_err() {
        let this = "what_asks_nothing_of_this_kernel_is_linked_without_a_look_at_it";
        assert_eq!(in_role(this, "undemanding"), (true, None));
        return;
    }
    let object = Arc::new(Object::parse(&undemanding(), "object").unwrap());
    forbid();
    let linked = Linker::new(&Target::running()).link(&object).unwrap();
    assert!(linked.first_error().is_none());
    println!("LINKED");
}
