//! Where a program attaches.

use std::ffi::{CString, c_char};

use super::error::c_text;
use super::pointer::{SizeFirst, describe};
use super::programs::{ProgramSet, bpflink_programs};
use super::status::bpflink_status;
use crate::elf::AttachKind;
use crate::link::AttachTarget;

/// The section says nothing: an interface, a cgroup, a socket, an event …
pub const BPFLINK_ATTACH_NONE: u32 = 0;
/// `kprobe`, `kretprobe`: the kernel function `name`, `offset` bytes into it.
pub const BPFLINK_ATTACH_KPROBE: u32 = 1;
/// `kprobe.multi`, `kprobe.session`: kernel functions that the pattern `name` (`*`, `?`) names.
pub const BPFLINK_ATTACH_KPROBE_MULTI: u32 = 2;
/// `ksyscall`, `kretsyscall`: the system call `name`, without the architecture's prefix.
pub const BPFLINK_ATTACH_KSYSCALL: u32 = 3;
/// `uprobe`, `uretprobe`: the function `name` of the file `path`, `offset` bytes into it.
pub const BPFLINK_ATTACH_UPROBE: u32 = 4;
/// `uprobe.multi`, `uprobe.session`: functions of the file `path` by the pattern `name`.
pub const BPFLINK_ATTACH_UPROBE_MULTI: u32 = 5;
/// `usdt`: the probe `name` of the provider `category` in the file `path`.
pub const BPFLINK_ATTACH_USDT: u32 = 6;
/// `tp`, `tracepoint`: `category` and `name`, as below events/ of tracefs.
pub const BPFLINK_ATTACH_TRACEPOINT: u32 = 7;
/// `raw_tp`, `raw_tracepoint`: the tracepoint `name`.
pub const BPFLINK_ATTACH_RAW_TRACEPOINT: u32 = 8;
/// `fentry`, `fexit`, `fsession`, `fmod_ret`: the kernel function of `btf_id`.
pub const BPFLINK_ATTACH_FUNCTION: u32 = 9;
/// `tp_btf`: the tracepoint whose `btf_trace_` typedef is `btf_id`.
pub const BPFLINK_ATTACH_BTF_TRACEPOINT: u32 = 10;
/// `lsm`, `lsm_cgroup`: the hook whose `bpf_lsm_` function is `btf_id`.
pub const BPFLINK_ATTACH_LSM: u32 = 11;
/// `iter`: the iterator whose `bpf_iter_` function is `btf_id`.
pub const BPFLINK_ATTACH_ITERATOR: u32 = 12;
/// `freplace`: the function `name` of another program; that program's file descriptor
/// (attach_prog_fd) and the type id in its BTF are the loader's to know.
pub const BPFLINK_ATTACH_EXTENSION: u32 = 13;
/// `struct_ops`: the member `name` of the kernel's struct `btf_id`.
pub const BPFLINK_ATTACH_STRUCT_OPS: u32 = 14;

const _: () = {
    assert!(BPFLINK_ATTACH_NONE == AttachKind::None as u32);
    assert!(BPFLINK_ATTACH_KPROBE == AttachKind::Kprobe as u32);
    assert!(BPFLINK_ATTACH_KPROBE_MULTI == AttachKind::KprobeMulti as u32);
    assert!(BPFLINK_ATTACH_KSYSCALL == AttachKind::Ksyscall as u32);
    assert!(BPFLINK_ATTACH_UPROBE == AttachKind::Uprobe as u32);
    assert!(BPFLINK_ATTACH_UPROBE_MULTI == AttachKind::UprobeMulti as u32);
    assert!(BPFLINK_ATTACH_USDT == AttachKind::Usdt as u32);
    assert!(BPFLINK_ATTACH_TRACEPOINT == AttachKind::Tracepoint as u32);
    assert!(BPFLINK_ATTACH_RAW_TRACEPOINT == AttachKind::RawTracepoint as u32);
    assert!(BPFLINK_ATTACH_FUNCTION == AttachKind::Function as u32);
    assert!(BPFLINK_ATTACH_BTF_TRACEPOINT == AttachKind::BtfTracepoint as u32);
    assert!(BPFLINK_ATTACH_LSM == AttachKind::Lsm as u32);
    assert!(BPFLINK_ATTACH_ITERATOR == AttachKind::Iterator as u32);
    assert!(BPFLINK_ATTACH_EXTENSION == AttachKind::Extension as u32);
    assert!(BPFLINK_ATTACH_STRUCT_OPS == AttachKind::StructOps as u32);
};

/// The program runs when the function returns.
pub const BPFLINK_ATTACH_ON_RETURN: u32 = 0x1;
/// The program runs at entry and, as the entry decides, at return.
pub const BPFLINK_ATTACH_SESSION: u32 = 0x2;

/// What a program attaches to: what its section says, in the forms that libbpf reads,
/// and after finalize the type ids of the target. Strings are never NULL but `problem`,
/// and borrowed until the set is changed or freed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_attach_info {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// What is attached to; what it is, `kind` says. Empty where the section does not say.
    pub name: *const c_char,
    /// Of a tracepoint its category, of a USDT probe its provider; else empty.
    pub category: *const c_char,
    /// Of probes in user space, the file; else empty.
    pub path: *const c_char,
    /// The kernel module in whose BTF `btf_id` counts: its BTF's file descriptor is
    /// attach_btf_obj_fd of BPF_PROG_LOAD. Empty for vmlinux. Before finalize the module
    /// that the section names (`fentry/module:function`), if it does.
    pub module: *const c_char,
    /// Why the program cannot be attached, or not loaded without another target, as far
    /// as that is known; or NULL. It is no reason to fail the link: the loader may know
    /// better where to attach.
    pub problem: *const c_char,
    /// Where in the function, bytes.
    pub offset: u64,
    /// `BPFLINK_ATTACH_NONE` to `BPFLINK_ATTACH_STRUCT_OPS`.
    pub kind: u32,
    /// `BPFLINK_ATTACH_ON_RETURN`, `BPFLINK_ATTACH_SESSION`.
    pub flags: u32,
    /// attach_btf_id of BPF_PROG_LOAD. 0 before finalize, for kinds that have none, and
    /// where the target lacks it.
    pub btf_id: u32,
    /// Of a `struct_ops` program after finalize, 1 where expected_attach_type is the
    /// number of its member in the kernel's struct (`attach_type` of
    /// `bpflink_program_info`); else 0.
    pub is_member: u32,
}

// SAFETY: pointers and integers, its size first.
unsafe impl SizeFirst for bpflink_attach_info {}

/// A target as C borrows it.
pub struct AttachView {
    target: AttachTarget,
    problem: Option<CString>,
}

impl AttachView {
    fn new(target: AttachTarget) -> AttachView {
        let problem = target.problem.as_deref().map(c_text);
        AttachView { target, problem }
    }

    fn describe(&self) -> bpflink_attach_info {
        let AttachTarget {
            spec,
            btf_id,
            module,
            member,
            problem: _,
        } = &self.target;
        let module = match *btf_id {
            0 => &spec.module,
            _ => module,
        };
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        let problem = self.problem.as_ref();
        bpflink_attach_info {
            size: 0,
            name: spec.name.as_c_str().as_ptr(),
            category: spec.category.as_c_str().as_ptr(),
            path: spec.path.as_c_str().as_ptr(),
            module: module.as_c_str().as_ptr(),
            problem: problem.map_or(std::ptr::null(), |text| text.as_ptr()),
            offset: spec.offset,
            kind: spec.kind as u32,
            flags: flag(spec.on_return, BPFLINK_ATTACH_ON_RETURN)
                | flag(spec.session, BPFLINK_ATTACH_SESSION),
            btf_id: *btf_id,
            is_member: u32::from(member.is_some()),
        }
    }
}

/// Describes where a program attaches.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_program_attach(
    programs: *const bpflink_programs,
    index: usize,
    info: *mut bpflink_attach_info,
) -> bpflink_status {
    let body = |set: &ProgramSet| {
        let (program, view) = set.program(index)?;
        let made = || AttachView::new(program.attach_target());
        Some(view.attach.get_or_init(made).describe())
    };
    // SAFETY: NULL or a live set; NULL or a struct as large as it says.
    unsafe { describe(programs, info, body) }
}
