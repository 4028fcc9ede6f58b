//! The target: all that a link knows about a kernel.

use std::ffi::c_char;

use super::btf::bpflink_btf;
use super::error::bpflink_error;
use super::feature::features;
use super::options::refuse_unknown_flags;

use super::pointer::{
    Handle, SizeFirst, borrow, borrow_optional, create, free, opaque, optional_string,
    read_options, slice,
};
use super::status::bpflink_status;
use crate::error::{Cause, Result};
use crate::feature::Features;
use crate::target::{Target, TargetBuilder};

/// A kernel to link for. Immutable: threads may share it. Wherever a call takes
/// one, NULL is the running kernel.
pub struct bpflink_target(Handle<Target>);

opaque!(bpflink_target, Target, "the target");

/// The target is the running kernel with changes: what is not given is this machine's,
/// read and probed when it is first needed. Without the flag nothing of this machine is
/// looked at. (Its modules are left out where another `vmlinux` is given.)
pub const BPFLINK_TARGET_RUNNING: u64 = 0x1;

/// Describes a kernel: one that is not the running one, or (with
/// `BPFLINK_TARGET_RUNNING`) this one with changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_target_options {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// `BPFLINK_TARGET_RUNNING`, or 0.
    pub flags: u64,
    /// The kernel's own BTF; NULL where it has none.
    pub vmlinux: *const bpflink_btf,
    /// BTF of modules, over `vmlinux` as base; each is called by its handle's name.
    pub modules: *const *mut bpflink_btf,
    /// Number of `modules`.
    pub module_count: usize,
    /// The release, as "5.10.0": what the kernel supports follows from it. NULL means
    /// the newest kernel.
    pub release: *const c_char,
    /// The configuration that the kernel was built from, as text; NULL where it is not
    /// known. It answers externs of `.kconfig`.
    pub kconfig: *const c_char,
    /// The kernel's symbols, as the text of /proc/kallsyms; NULL where they are not known.
    /// It answers untyped externs of `.ksyms`.
    pub kallsyms: *const c_char,
    /// Features (`BPFLINK_FEATURE_*`) that the kernel has whatever its release: ported
    /// back, or asked for by hand.
    pub features_added: u64,
    /// Features that it lacks whatever its release; none may be in both.
    pub features_removed: u64,
}

// SAFETY: integers and pointers, its size first.
unsafe impl SizeFirst for bpflink_target_options {}

/// Makes a target. BTF and strings are borrowed for the call; the target keeps what
/// it needs alive.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_target_new(
    options: *const bpflink_target_options,
    target: *mut *mut bpflink_target,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = || {
        // SAFETY: NULL or options as large as they say.
        let options = unsafe { read_options(options, "bpflink_target_options") }?
            .ok_or_else(|| Cause::Argument("bpflink_target_options is NULL".into()))?;
        // SAFETY: what they point to is as they say.
        unsafe { build(&options) }
    };
    // SAFETY: NULL or places for pointers.
    unsafe { create(target, error, body) }
}

unsafe fn build(options: &bpflink_target_options) -> Result<Target> {
    let bpflink_target_options {
        size: _,
        flags,
        vmlinux,
        modules,
        module_count,
        release,
        kconfig,
        kallsyms,
        features_added,
        features_removed,
    } = *options;
    refuse_unknown_flags("bpflink_target_options", flags, BPFLINK_TARGET_RUNNING)?;
    let mut builder = TargetBuilder::new();
    if flags & BPFLINK_TARGET_RUNNING != 0 {
        builder = builder.over_running();
    }
    // SAFETY: NULL or live BTF.
    if let Some(vmlinux) = unsafe { borrow_optional(vmlinux) }? {
        builder = builder.vmlinux(vmlinux.btf.clone());
    }
    // SAFETY: NULL or so many live handles.
    for &module in unsafe { slice(modules, module_count, "modules") }? {
        let module = unsafe { borrow(module.cast_const()) }?;
        builder = builder.module(module.name.clone(), module.btf.clone());
    }
    // SAFETY: NULL or a string.
    if let Some(release) = unsafe { optional_string(release) } {
        builder = builder.release(&release.to_string_lossy())?;
    }
    // SAFETY: NULL or strings.
    unsafe {
        if let Some(text) = optional_string(kconfig) {
            builder = builder.kconfig(text.to_string_lossy());
        }
        if let Some(text) = optional_string(kallsyms) {
            builder = builder.kallsyms(text.to_bytes());
        }
    }
    let (added, removed) = feature_changes(features_added, features_removed)?;
    builder = added.iter().fold(builder, TargetBuilder::with_feature);
    builder = removed.iter().fold(builder, TargetBuilder::without_feature);
    Ok(builder.build()?)
}

fn feature_changes(added: u64, removed: u64) -> Result<(Features, Features)> {
    match added & removed {
        0 => Ok((
            features("features_added", added)?,
            features("features_removed", removed)?,
        )),
        both => {
            let text = format!("features {both:#x} cannot be both added and removed");
            Err(Cause::Argument(text).into())
        }
    }
}

/// The target that a call is about: NULL is this machine.
pub(super) unsafe fn target_or_running(target: *const bpflink_target) -> Result<Target> {
    // SAFETY: NULL or a live target.
    let target = unsafe { borrow_optional(target) }?;
    Ok(target.cloned().unwrap_or_else(Target::running))
}

/// Frees a target; NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_target_free(target: *mut bpflink_target) {
    // SAFETY: NULL or a live target that the caller gives up.
    unsafe { free(target) }
}
