//! The stages.

use std::sync::Arc;

use super::error::bpflink_error;
use super::object::bpflink_object;
use super::options::{LinkOptions, bpflink_link_options};
use super::pointer::{change, create_with, using};
use super::programs::{ProgramSet, bpflink_programs};
use super::status::bpflink_status;
use super::target::{bpflink_target, target_or_running};
use crate::elf::Object;
use crate::error::Result;
use crate::link::{Linker, Programs};

/// A set for C, and what to say of it: the error of its first failed program.
fn with_verdict(set: Programs) -> (ProgramSet, Result<()>) {
    let verdict = set.first_error().cloned().map_or(Ok(()), Err);
    (ProgramSet::new(set), verdict)
}

/// Split: cuts the object's instruction streams at their symbols. The set holds one
/// program for each entry function: one that is not static and not in `.text`.
///
/// A stream that is empty, does not start with a symbol, or repeats a symbol is an
/// error that names it. Where the file got a single instruction wrong, the programs
/// that contain it are marked as failed and `*programs` is made all the same.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_split(
    object: *const bpflink_object,
    options: *const bpflink_link_options,
    programs: *mut *mut bpflink_programs,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = || {
        // SAFETY: NULL or options as large as they say.
        let options = unsafe { LinkOptions::read(options) }?;
        let split = |object: &Arc<Object>| {
            let mut set = Programs::split(object)?;
            set.keep(options.choice())?;
            options.log.warn(set.warnings());
            Ok(with_verdict(set))
        };
        // SAFETY: NULL or a live object.
        unsafe { using(object, split) }
    };
    // SAFETY: NULL or places for pointers.
    unsafe { create_with(programs, error, body) }
}

/// Flatten: appends to each chosen program every function that it reaches, once
/// each: breadth first, the direct references of each function in order of name.
/// Behind all others comes the function that the program's declaration tag
/// `exception_callback:NAME` names, with what it reaches besides.
///
/// A reference without a body (an extern) is left alone. flatten and relocate may
/// be called in either order, with the same result.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_flatten(
    programs: *mut bpflink_programs,
    options: *const bpflink_link_options,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = |set: &mut ProgramSet| {
        // SAFETY: NULL or options as large as they say.
        let options = unsafe { LinkOptions::read(options) }?;
        set.stage(options.log, |set| set.flatten(options.choice()))
    };
    // SAFETY: NULL or a live set that no other thread uses now.
    unsafe { change(programs, error, body) }
}

/// Relocate: applies CO-RE relocations for a target; NULL is this machine.
///
/// Each program is relocated whole, or left as it was and marked as failed while
/// the others go on; the status is then that of the first that failed. Without
/// relocations no BTF of the target is looked at.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_relocate(
    programs: *mut bpflink_programs,
    target: *const bpflink_target,
    options: *const bpflink_link_options,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = |set: &mut ProgramSet| {
        // SAFETY: NULL or options as large as they say; NULL or a live target.
        let (options, target) =
            unsafe { (LinkOptions::read(options)?, target_or_running(target)?) };
        set.stage(options.log, |set| {
            set.relocate(&target, options.core, options.choice())
        })
    };
    // SAFETY: NULL or a live set that no other thread uses now.
    unsafe { change(programs, error, body) }
}

/// Finalize: resolves offsets of calls and map references, replaces helpers that
/// the target lacks (NULL is this machine), prepares func_info, line_info and the
/// program BTF.
///
/// A map without a file descriptor fails the program that refers to it, unless
/// `BPFLINK_LEAVE_MAP_REFERENCES` is set.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_finalize(
    programs: *mut bpflink_programs,
    target: *const bpflink_target,
    options: *const bpflink_link_options,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = |set: &mut ProgramSet| {
        // SAFETY: NULL or options as large as they say; NULL or a live target.
        let (options, target) =
            unsafe { (LinkOptions::read(options)?, target_or_running(target)?) };
        set.stage(options.log, |set| {
            set.finalize(&target, options.finalize, options.choice())
        })
    };
    // SAFETY: NULL or a live set that no other thread uses now.
    unsafe { change(programs, error, body) }
}

/// Link: all stages in one call, for a target (NULL is this machine). References to
/// maps stay listed for the loader to fill.
///
/// When some program fails, `*programs` is made all the same, the others in it are
/// usable, and the status is that of the first that failed; it is NULL only where
/// the object as a whole cannot be linked.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_link(
    object: *const bpflink_object,
    target: *const bpflink_target,
    options: *const bpflink_link_options,
    programs: *mut *mut bpflink_programs,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = || {
        // SAFETY: NULL or options as large as they say; NULL or a live target.
        let (options, target) =
            unsafe { (LinkOptions::read(options)?, target_or_running(target)?) };
        let mut linker = Linker::new(&target).core_options(options.core);
        if let Some(names) = &options.programs {
            linker = linker.programs(names.iter().cloned());
        }
        let link = |object: &Arc<Object>| {
            let set = linker.link(object)?;
            options.log.warn(set.warnings());
            Ok(with_verdict(set))
        };
        // SAFETY: NULL or a live object.
        unsafe { using(object, link) }
    };
    // SAFETY: NULL or places for pointers.
    unsafe { create_with(programs, error, body) }
}
