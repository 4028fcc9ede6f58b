//! The owned error object.

use std::ffi::{CString, c_char, c_int};

use super::pointer::{SizeFirst, free, write_info};
use super::status::{BPFLINK_E_INVALID_ARGUMENT, BPFLINK_OK, bpflink_status};
use crate::error::Error;
use crate::name::Name;

/// Why a call failed: status, message, errno and site.
///
/// Owned by the caller, who frees it with `bpflink_error_free`; independent of
/// the handles that the failed call worked on. Immutable: threads may share it.
pub struct bpflink_error {
    error: Error,
    message: CString,
}

impl bpflink_error {
    pub(super) fn new(error: Error) -> bpflink_error {
        let message = c_text(&error.to_string());
        bpflink_error { error, message }
    }
}

/// Text for C; it ends at a NUL, should there be one.
pub(super) fn c_text(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(text.get(..end).unwrap_or_default()).unwrap_or_default()
}

/// A borrowed name, or NULL.
pub(super) fn c_name(name: Option<&Name>) -> *const c_char {
    name.map_or(std::ptr::null(), |name| name.as_c_str().as_ptr())
}

/// Where an error happened. What is not known is NULL or -1 or 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_site {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// The object's path, or the name that the caller gave it.
    pub object: *const c_char,
    /// The program that was being linked.
    pub program: *const c_char,
    /// The ELF section.
    pub section: *const c_char,
    /// The function that `insn` is counted in, or another symbol.
    pub symbol: *const c_char,
    /// The source file that the instruction was compiled from.
    pub file: *const c_char,
    /// The instruction slot from the start of `symbol`, else of `program`, else of `section`; or -1.
    pub insn: i64,
    /// The number of the relocation or .BTF.ext record in its section; or -1.
    pub record: i64,
    /// The source line, from 1; or 0.
    pub line: u32,
    /// The source column, from 1; or 0.
    pub column: u32,
}

// SAFETY: pointers and integers, its size first.
unsafe impl SizeFirst for bpflink_site {}

/// The whole cause in one line: which program, where, what, why. Borrowed until
/// the error is freed; for NULL an empty string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_error_message(error: *const bpflink_error) -> *const c_char {
    // SAFETY: NULL or a live error.
    match unsafe { error.as_ref() } {
        Some(error) => error.message.as_ptr(),
        None => c"".as_ptr(),
    }
}

/// The status that the failed call returned; `BPFLINK_OK` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_error_status(error: *const bpflink_error) -> bpflink_status {
    // SAFETY: NULL or a live error.
    let error = unsafe { error.as_ref() };
    error.map_or(BPFLINK_OK, |e| e.error.status() as bpflink_status)
}

/// The operating system's error number, where it was the operating system; else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_error_errno(error: *const bpflink_error) -> c_int {
    // SAFETY: NULL or a live error.
    let error = unsafe { error.as_ref() };
    error.and_then(|e| e.error.errno()).unwrap_or(0)
}

/// Where it happened. The strings are borrowed until the error is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_error_site(
    error: *const bpflink_error,
    site: *mut bpflink_site,
) -> bpflink_status {
    // SAFETY: NULL or a live error.
    let error = unsafe { error.as_ref() };
    match error {
        // SAFETY: not NULL, and as large as its first field says.
        Some(error) if !site.is_null() => unsafe { write_info(site, describe_site(&error.error)) },
        _ => BPFLINK_E_INVALID_ARGUMENT,
    }
}

fn describe_site(error: &Error) -> bpflink_site {
    let crate::error::Site {
        object,
        program,
        section,
        symbol,
        insn,
        record,
        line,
    } = error.site();
    bpflink_site {
        size: 0,
        object: c_name(object.as_ref()),
        program: c_name(program.as_ref()),
        section: c_name(section.as_ref()),
        symbol: c_name(symbol.as_ref()),
        file: c_name(line.as_ref().map(|line| &line.file)),
        insn: insn.map_or(-1, i64::from),
        record: record.map_or(-1, i64::from),
        line: line.as_ref().map_or(0, |line| line.line),
        column: line.as_ref().map_or(0, |line| line.column),
    }
}

/// Frees an error; NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_error_free(error: *mut bpflink_error) {
    // SAFETY: NULL or a live error that the caller gives up.
    unsafe { free(error) }
}
