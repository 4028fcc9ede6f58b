//! All handling of raw pointers, and the border that no panic crosses.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::bpflink_error;
use super::status::{BPFLINK_E_INVALID_ARGUMENT, BPFLINK_E_NOT_FOUND, BPFLINK_OK, bpflink_status};
use crate::error::{Cause, Error, Result};

/// A value behind an opaque C type, and whether a panic hit it.
pub struct Handle<T> {
    broken: AtomicBool,
    value: T,
}

impl<T> Handle<T> {
    fn usable(&self) -> Result<()> {
        match self.broken.load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(broken()),
        }
    }
}

/// An opaque C type that owns a value.
pub trait Opaque: Sized {
    /// What it owns.
    type Value;
    /// What it is called in a message.
    const WHAT: &'static str;
    /// Wraps a value.
    fn wrap(handle: Handle<Self::Value>) -> Self;
    /// The handle inside.
    fn handle(&self) -> &Handle<Self::Value>;
    /// The handle inside, to change it.
    fn handle_mut(&mut self) -> &mut Handle<Self::Value>;
}

/// Makes an opaque C type of a struct over a [`Handle`].
macro_rules! opaque {
    ($name:ident, $value:ty, $what:literal) => {
        impl $crate::capi::pointer::Opaque for $name {
            type Value = $value;
            const WHAT: &'static str = $what;
            fn wrap(handle: $crate::capi::pointer::Handle<$value>) -> Self {
                $name(handle)
            }
            fn handle(&self) -> &$crate::capi::pointer::Handle<$value> {
                &self.0
            }
            fn handle_mut(&mut self) -> &mut $crate::capi::pointer::Handle<$value> {
                &mut self.0
            }
        }
    };
}
pub(super) use opaque;

#[cold]
#[inline(never)]
fn broken() -> Error {
    Cause::Internal("an earlier call failed inside this handle".into()).into()
}

#[cold]
#[inline(never)]
fn null(what: &str) -> Error {
    Cause::Argument(format!("{what} is NULL")).into()
}

#[cold]
#[inline(never)]
fn panicked(payload: Box<dyn std::any::Any + Send>) -> Error {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned());
    Cause::Internal(text.unwrap_or_else(|| "unknown".into())).into()
}

/// The handle behind a pointer, for the lifetime that the caller vouches for.
#[inline(never)]
pub unsafe fn handle<'a, H: Opaque + 'a>(pointer: *const H) -> Result<&'a Handle<H::Value>> {
    // SAFETY: the caller passes NULL or a handle of this library that is not freed yet.
    let opaque = unsafe { pointer.as_ref() }.ok_or_else(|| null(H::WHAT))?;
    opaque.handle().usable()?;
    Ok(opaque.handle())
}

/// The value behind a handle that must be there.
pub unsafe fn borrow<'a, H: Opaque + 'a>(pointer: *const H) -> Result<&'a H::Value>
where
    H::Value: 'a,
{
    // SAFETY: as the caller of this function vouches.
    unsafe { handle(pointer) }.map(|handle| &handle.value)
}

/// The value behind a handle that may be NULL.
pub unsafe fn borrow_optional<'a, H: Opaque + 'a>(pointer: *const H) -> Result<Option<&'a H::Value>>
where
    H::Value: 'a,
{
    match pointer.is_null() {
        true => Ok(None),
        // SAFETY: as the caller of this function vouches.
        false => unsafe { borrow(pointer) }.map(Some),
    }
}

/// Runs `body` and hands its error out; a panic becomes an error.
pub unsafe fn fallible(
    error: *mut *mut bpflink_error,
    body: impl FnOnce() -> Result<()>,
) -> bpflink_status {
    let mut body = Some(body);
    // It is called once.
    let mut once = || body.take().map_or(Ok(()), |body| body());
    // SAFETY: as the caller of this function vouches for `error`.
    unsafe { border(error, &mut once) }
}

/// The border itself: one for all functions.
#[inline(never)]
unsafe fn border(
    error: *mut *mut bpflink_error,
    body: &mut dyn FnMut() -> Result<()>,
) -> bpflink_status {
    let outcome =
        catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(panicked(payload)));
    // SAFETY: the caller passes NULL or a place for a pointer.
    unsafe { report(error, outcome) }
}

#[inline(never)]
unsafe fn report(slot: *mut *mut bpflink_error, outcome: Result<()>) -> bpflink_status {
    let (status, object) = match outcome {
        Ok(()) => (BPFLINK_OK, std::ptr::null_mut()),
        // Nothing is built that nobody wants.
        Err(error) if slot.is_null() => (error.status() as bpflink_status, std::ptr::null_mut()),
        Err(error) => {
            let status = error.status() as bpflink_status;
            (status, Box::into_raw(Box::new(bpflink_error::new(error))))
        }
    };
    // SAFETY: not NULL, and the caller vouches that it can hold a pointer. Only a
    // failure writes, so that one error variable can serve a row of calls.
    if !object.is_null() {
        unsafe { slot.write(object) };
    }
    status
}

/// Makes a new handle: `*out` is NULL unless all went well.
pub unsafe fn create<H: Opaque>(
    out: *mut *mut H,
    error: *mut *mut bpflink_error,
    body: impl FnOnce() -> Result<H::Value>,
) -> bpflink_status {
    // SAFETY: as the caller of this function vouches for `out` and `error`.
    unsafe { create_with(out, error, || body().map(|value| (value, Ok(())))) }
}

/// Makes a new handle and tells of a failure at once: the value is usable all the same.
pub unsafe fn create_with<H: Opaque>(
    out: *mut *mut H,
    error: *mut *mut bpflink_error,
    body: impl FnOnce() -> Result<(H::Value, Result<()>)>,
) -> bpflink_status {
    let run = || {
        // SAFETY: the caller passes NULL or a place for a pointer.
        let slot = unsafe { out.as_mut() }.ok_or_else(|| null("the output pointer"))?;
        *slot = std::ptr::null_mut();
        let (value, verdict) = body()?;
        *slot = into_raw(value);
        verdict
    };
    // SAFETY: as the caller of this function vouches for `error`.
    unsafe { fallible(error, run) }
}

/// A handle that C owns from now on.
pub fn into_raw<H: Opaque>(value: H::Value) -> *mut H {
    let handle = Handle {
        broken: AtomicBool::new(false),
        value,
    };
    Box::into_raw(Box::new(H::wrap(handle)))
}

/// Works on a handle; a panic breaks it for good.
pub unsafe fn change<H: Opaque>(
    pointer: *mut H,
    error: *mut *mut bpflink_error,
    body: impl FnOnce(&mut H::Value) -> Result<()>,
) -> bpflink_status {
    let run = || {
        // SAFETY: the caller passes NULL or a live handle that no other thread uses now.
        let opaque = unsafe { pointer.as_mut() }.ok_or_else(|| null(H::WHAT))?;
        let handle = opaque.handle_mut();
        handle.usable()?;
        catch_unwind(AssertUnwindSafe(|| body(&mut handle.value))).unwrap_or_else(|payload| {
            handle.broken.store(true, Ordering::Relaxed);
            Err(panicked(payload))
        })
    };
    // SAFETY: as the caller of this function vouches for `error`.
    unsafe { fallible(error, run) }
}

/// Works from a handle that stays as it is; a panic breaks it for good.
pub unsafe fn using<'a, H: Opaque + 'a, R>(
    pointer: *const H,
    body: impl FnOnce(&'a H::Value) -> Result<R>,
) -> Result<R>
where
    H::Value: 'a,
{
    // SAFETY: as the caller of this function vouches.
    let handle = unsafe { handle(pointer) }?;
    catch_unwind(AssertUnwindSafe(|| body(&handle.value))).unwrap_or_else(|payload| {
        handle.broken.store(true, Ordering::Relaxed);
        Err(panicked(payload))
    })
}

/// Asks a handle something that cannot fail; `default` for NULL and a broken one.
pub unsafe fn query<'a, H: Opaque + 'a, R>(
    pointer: *const H,
    default: R,
    body: impl FnOnce(&'a H::Value) -> R,
) -> R
where
    H::Value: 'a,
{
    // SAFETY: as the caller of this function vouches.
    unsafe { using(pointer, |value| Ok(body(value))) }.unwrap_or(default)
}

/// Looks for something in a handle; a status where that fails or nothing is found.
pub unsafe fn look<'a, H: Opaque + 'a, R>(
    pointer: *const H,
    body: impl FnOnce(&'a H::Value) -> Option<R>,
) -> std::result::Result<R, bpflink_status>
where
    H::Value: 'a,
{
    // SAFETY: as the caller of this function vouches.
    match unsafe { using(pointer, |value| Ok(body(value))) } {
        Ok(found) => found.ok_or(BPFLINK_E_NOT_FOUND),
        Err(error) => Err(error.status() as bpflink_status),
    }
}

/// Fills a size-first struct with what `body` finds in the handle; a NULL handle or
/// struct is an invalid argument, nothing found is not found.
pub unsafe fn describe<'a, H: Opaque + 'a, I: SizeFirst>(
    pointer: *const H,
    out: *mut I,
    body: impl FnOnce(&'a H::Value) -> Option<I>,
) -> bpflink_status
where
    H::Value: 'a,
{
    if out.is_null() {
        return BPFLINK_E_INVALID_ARGUMENT;
    }
    // SAFETY: as the caller of this function vouches.
    match unsafe { look(pointer, body) } {
        // SAFETY: not NULL, and as large as its first field says.
        Ok(info) => unsafe { write_info(out, info) },
        Err(status) => status,
    }
}

/// Takes a handle back and frees it; NULL is fine.
pub unsafe fn free<H>(pointer: *mut H) {
    if !pointer.is_null() {
        // SAFETY: the caller gives up a pointer that into_raw or report made.
        let owned = unsafe { Box::from_raw(pointer) };
        // A destructor that panics must not unwind into C.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(owned)));
    }
}

/// A `#[repr(C)]` struct of plain fields (integers, pointers, optional function
/// pointers) whose first is its own size in bytes, and for which all bytes zero
/// is a value.
///
/// # Safety
/// All of that must be so.
pub unsafe trait SizeFirst: Sized + Copy {}

const SIZE_FIELD: usize = size_of::<usize>();
/// No struct of this library will ever be larger; a larger size is a mistake.
const SIZE_MAX: usize = 4096;

/// A caller's options; NULL means all defaults.
///
/// A caller built against an older header passes a shorter struct: the rest is
/// zero. One built against a newer header passes a longer struct: what this
/// library does not know must be zero.
pub unsafe fn read_options<O: SizeFirst>(pointer: *const O, what: &str) -> Result<Option<O>> {
    if pointer.is_null() {
        return Ok(None);
    }
    let bytes = pointer.cast::<u8>();
    // SAFETY: every options struct starts with its size.
    let size = unsafe { bytes.cast::<usize>().read_unaligned() };
    if !(SIZE_FIELD..=SIZE_MAX).contains(&size) {
        let text = format!("{what}: size {size} is not the size of the options");
        return Err(Cause::Argument(text).into());
    }
    // SAFETY: the caller says that so many bytes are there.
    let given = unsafe { std::slice::from_raw_parts(bytes, size) };
    let known = size.min(size_of::<O>());
    let (head, tail) = given.split_at(known);
    if tail.iter().any(|&byte| byte != 0) {
        let text = format!("{what}: fields that this version does not know are not zero");
        return Err(Cause::Argument(text).into());
    }
    let mut options = std::mem::MaybeUninit::<O>::zeroed();
    // SAFETY: `known` is at most the size of O, for which zero is a value.
    Ok(Some(unsafe {
        std::ptr::copy_nonoverlapping(head.as_ptr(), options.as_mut_ptr().cast(), known);
        options.assume_init()
    }))
}

/// Writes as much of `info` as the caller's struct has room for, and zero into
/// what this library does not know; the size stays the caller's.
pub unsafe fn write_info<I: SizeFirst>(out: *mut I, info: I) -> bpflink_status {
    let bytes = out.cast::<u8>();
    // SAFETY: not NULL, and every info struct starts with its size.
    let size = unsafe { bytes.cast::<usize>().read_unaligned() };
    if !(SIZE_FIELD..=SIZE_MAX).contains(&size) {
        return BPFLINK_E_INVALID_ARGUMENT;
    }
    let known = size.min(size_of::<I>());
    let source = (&raw const info).cast::<u8>();
    // SAFETY: both structs are at least `known` bytes long, the caller's `size`.
    unsafe {
        std::ptr::copy_nonoverlapping(
            source.add(SIZE_FIELD),
            bytes.add(SIZE_FIELD),
            known - SIZE_FIELD,
        );
        std::ptr::write_bytes(bytes.add(known), 0, size - known);
    }
    BPFLINK_OK
}

/// Writes to an output that may be NULL.
pub unsafe fn write<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: the caller passes NULL or a place for a T.
        unsafe { out.write(value) };
    }
}

/// A C string that must be there.
pub unsafe fn string<'a>(pointer: *const c_char, what: &str) -> Result<&'a CStr> {
    // SAFETY: as the caller of this function vouches.
    unsafe { optional_string(pointer) }.ok_or_else(|| null(what))
}

/// A C string that may be NULL.
pub unsafe fn optional_string<'a>(pointer: *const c_char) -> Option<&'a CStr> {
    // SAFETY: the caller passes NULL or a NUL-terminated string that outlives the call.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) })
}

/// `count` elements; NULL is fine where there are none.
pub unsafe fn slice<'a, T>(pointer: *const T, count: usize, what: &str) -> Result<&'a [T]> {
    match (pointer.is_null(), count) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(null(what)),
        (false, _) if !pointer.is_aligned() => {
            Err(Cause::Argument(format!("{what} is not aligned")).into())
        }
        (false, _) if count > isize::MAX as usize / size_of::<T>().max(1) => {
            Err(Cause::Argument(format!("{what}: {count} elements cannot be")).into())
        }
        // SAFETY: aligned, not NULL, and the caller says that so many are there.
        (false, _) => Ok(unsafe { std::slice::from_raw_parts(pointer, count) }),
    }
}

#[cfg(test)]
#[path = "pointer_test.rs"]
mod tests;
