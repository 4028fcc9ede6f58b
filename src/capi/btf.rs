//! BTF of kernels and modules.

use std::ffi::{OsStr, c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use super::error::bpflink_error;
use super::pointer::{
    Handle, borrow, borrow_optional, create, free, opaque, optional_string, query, slice, string,
    write,
};
use super::status::bpflink_status;
use crate::btf::Btf;
use crate::error::Result;
use crate::name::Name;
use crate::target;

/// BTF of a kernel or of a module, read in place. Immutable: threads may share it.
pub struct bpflink_btf(Handle<NamedBtf>);

opaque!(bpflink_btf, NamedBtf, "the BTF");

/// BTF and what it is called: for a module, the module's name.
pub struct NamedBtf {
    pub(super) name: Name,
    pub(super) btf: Arc<Btf>,
}

unsafe fn base_of(base: *const bpflink_btf) -> Result<Option<Arc<Btf>>> {
    // SAFETY: NULL or live BTF.
    let base = unsafe { borrow_optional(base) }?;
    Ok(base.map(|base| base.btf.clone()))
}

/// Reads BTF from a file: raw, or an ELF file that has a section `.BTF`. With a
/// base it is split BTF (a module's, over vmlinux); a module's file that has a section
/// `.BTF.base` is moved from there onto the base, see `bpflink_btf_relocate`. It is called by the file's name
/// without directories and extension.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_btf_from_file(
    path: *const c_char,
    base: *const bpflink_btf,
    btf: *mut *mut bpflink_btf,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = || {
        // SAFETY: NULL or a string; NULL or live BTF.
        let (path, base) = unsafe { (string(path, "path")?, base_of(base)?) };
        let path = Path::new(OsStr::from_bytes(path.to_bytes()));
        let stem = path.file_stem().unwrap_or_default();
        Ok(NamedBtf {
            name: Name::new(stem.as_bytes()),
            btf: target::btf_from_file(path, base)?,
        })
    };
    // SAFETY: NULL or places for pointers.
    unsafe { create(btf, error, body) }
}

/// Takes BTF from memory: raw, or an ELF file that has a section `.BTF`. `data`
/// (`size` bytes) is copied. `name` is the module's name; NULL for `vmlinux`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_btf_from_memory(
    data: *const c_void,
    size: usize,
    name: *const c_char,
    base: *const bpflink_btf,
    btf: *mut *mut bpflink_btf,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = || {
        // SAFETY: NULL or so many bytes; NULL or a string; NULL or live BTF.
        let (data, name, base) = unsafe {
            (
                slice(data.cast::<u8>(), size, "data")?,
                optional_string(name),
                base_of(base)?,
            )
        };
        let name = name.map_or_else(|| Name::from("vmlinux"), |name| Name::new(name.to_bytes()));
        let btf = target::btf_from_bytes(data.to_vec(), &name, base)?;
        Ok(NamedBtf { name, btf })
    };
    // SAFETY: NULL or places for pointers.
    unsafe { create(btf, error, body) }
}

/// Moves split BTF from a distilled base onto the BTF of a kernel. A module that was built
/// apart from its kernel has one, its section `.BTF.base`: read it without a base, the
/// module's `.BTF` over it, and move that. (ELF files with both sections are moved by
/// `bpflink_btf_from_file` and `_from_memory` themselves.) Each type of the distilled
/// base must be in the kernel's exactly once: by name and kind, integers and enums by
/// size too, structs by size where the module embeds them or the kernel has several;
/// else `BPFLINK_E_BTF`. The rules are the kernel's (Linux 6.11). The new handle has the
/// old one's name.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_btf_relocate(
    split: *const bpflink_btf,
    base: *const bpflink_btf,
    btf: *mut *mut bpflink_btf,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = || {
        // SAFETY: NULL or live BTF.
        let (split, base) = unsafe { (borrow(split)?, borrow(base)?) };
        let name = split.name.clone();
        let btf = target::btf_relocated(&split.btf, &name, base.btf.clone())?;
        Ok(NamedBtf { name, btf })
    };
    // SAFETY: NULL or places for pointers.
    unsafe { create(btf, error, body) }
}

/// The running kernel's BTF: parsed once for the process and shared by all who ask.
/// A failure is not remembered: the next call tries again.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_btf_kernel(
    btf: *mut *mut bpflink_btf,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = || {
        let btf = target::Target::running().vmlinux()?;
        let name = Name::from("vmlinux");
        Ok(NamedBtf { name, btf })
    };
    // SAFETY: NULL or places for pointers.
    unsafe { create(btf, error, body) }
}

/// Forgets the running kernel's BTF; handles already given out stay valid.
#[unsafe(no_mangle)]
pub extern "C" fn bpflink_btf_kernel_flush() {
    let _ = std::panic::catch_unwind(target::flush_running_btf);
}

/// One past the last type id, those of the base and void counted; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_btf_type_count(btf: *const bpflink_btf) -> u32 {
    // SAFETY: NULL or live BTF.
    unsafe { query(btf, 0, |named| named.btf.type_count()) }
}

/// The raw bytes, header included; their number goes to `size`. Borrowed until the
/// handle is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_btf_data(
    btf: *const bpflink_btf,
    size: *mut usize,
) -> *const c_void {
    // SAFETY: NULL or live BTF; NULL or a place for a size.
    let bytes = unsafe { query(btf, None, |named| Some(named.btf.bytes())) };
    unsafe { write(size, bytes.map_or(0, <[u8]>::len)) };
    bytes.map_or(std::ptr::null(), |bytes| bytes.as_ptr().cast())
}

/// Frees a BTF handle; NULL is fine. Targets and split BTF made of it stay valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_btf_free(btf: *mut bpflink_btf) {
    // SAFETY: NULL or live BTF that the caller gives up.
    unsafe { free(btf) }
}
