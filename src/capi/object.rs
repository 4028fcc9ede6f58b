//! Objects: what a file says.

use std::ffi::{OsStr, c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use super::error::{bpflink_error, c_name};
use super::log::{Log, bpflink_log_fn};
use super::options::refuse_unknown_flags;
use super::pointer::{
    Handle, SizeFirst, create, describe, free, opaque, optional_string, query, read_options, slice,
    string,
};
use super::status::bpflink_status;
use crate::bytes::Endian;
use crate::elf::{ExternKind, Object};
use crate::error::Result;
use crate::name::Name;

/// A compiled BPF object, or a raw instruction stream made to look like one: what
/// the file says, nothing about any machine. Immutable: threads may share it.
pub struct bpflink_object(Handle<Arc<Object>>);

opaque!(bpflink_object, Arc<Object>, "the object");

/// How to open an object. All zero but the size, or no struct, means the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_object_options {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// No flags are known yet: 0.
    pub flags: u64,
    /// What errors call the object; NULL for its path.
    pub name: *const c_char,
    /// Called with warnings; NULL for none.
    pub log: bpflink_log_fn,
    /// Passed to `log`.
    pub log_context: *mut c_void,
}

// SAFETY: integers, pointers and an optional function, its size first.
unsafe impl SizeFirst for bpflink_object_options {}

/// Little endian: `bpfel`.
pub const BPFLINK_LITTLE_ENDIAN: u32 = 0;
/// Big endian: `bpfeb`.
pub const BPFLINK_BIG_ENDIAN: u32 = 1;

/// What an object says about itself. All pointers are borrowed until it is freed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_object_info {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// Its path, or the name that the caller gave it.
    pub name: *const c_char,
    /// What its section `license` says, or NULL.
    pub license: *const c_char,
    /// Its BTF as the compiler wrote it, or NULL. (For BPF_BTF_LOAD take `bpflink_programs_btf`.)
    pub btf: *const c_void,
    /// Bytes of `btf`.
    pub btf_size: usize,
    /// Number of its maps.
    pub map_count: usize,
    /// Number of symbols that somebody else defines.
    pub extern_count: usize,
    /// Kernel version of its section `version`, as LINUX_VERSION_CODE; else 0.
    pub kernel_version: u32,
    /// `BPFLINK_LITTLE_ENDIAN` or `BPFLINK_BIG_ENDIAN`.
    pub byte_order: u32,
}

/// A kernel function.
pub const BPFLINK_EXTERN_KFUNC: u32 = 0;
/// A kernel variable.
pub const BPFLINK_EXTERN_KSYM: u32 = 1;
/// A kernel configuration value.
pub const BPFLINK_EXTERN_KCONFIG: u32 = 2;
/// An undefined symbol that BTF says nothing about.
pub const BPFLINK_EXTERN_UNKNOWN: u32 = 3;

/// A symbol that the object uses and somebody else defines.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_extern_info {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// The symbol's name, borrowed until the object is freed.
    pub name: *const c_char,
    /// `BPFLINK_EXTERN_*`.
    pub kind: u32,
    /// 1 where it may stay undefined, else 0.
    pub weak: u32,
    /// Its type id in the object's BTF, or 0.
    pub btf_id: u32,
    /// 0; no meaning yet.
    pub flags: u32,
}

// SAFETY: pointers and integers, their size first.
unsafe impl SizeFirst for bpflink_object_info {}
// SAFETY: as above.
unsafe impl SizeFirst for bpflink_extern_info {}

/// Options of an open call as Rust values.
pub(super) struct OpenOptions {
    pub name: Option<Name>,
    pub log: Log,
}

impl OpenOptions {
    pub(super) unsafe fn read(pointer: *const bpflink_object_options) -> Result<OpenOptions> {
        // SAFETY: NULL or options as large as they say.
        let Some(options) = (unsafe { read_options(pointer, "bpflink_object_options") })? else {
            let log = Log {
                callback: None,
                context: std::ptr::null_mut(),
            };
            return Ok(OpenOptions { name: None, log });
        };
        refuse_unknown_flags("bpflink_object_options", options.flags, 0)?;
        // SAFETY: NULL or a string.
        let name = unsafe { optional_string(options.name) };
        Ok(OpenOptions {
            name: name.map(|name| Name::new(name.to_bytes())),
            log: Log {
                callback: options.log,
                context: options.log_context,
            },
        })
    }

    pub(super) fn finish(&self, object: Object) -> Arc<Object> {
        self.log.warn(object.warnings());
        Arc::new(object)
    }
}

/// Opens an object file: ELF64, relocatable, of either byte order.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_object_from_file(
    path: *const c_char,
    options: *const bpflink_object_options,
    object: *mut *mut bpflink_object,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = || {
        // SAFETY: NULL or a string; NULL or options as large as they say.
        let (path, options) = unsafe { (string(path, "path")?, OpenOptions::read(options)?) };
        let name = options
            .name
            .clone()
            .unwrap_or_else(|| Name::new(path.to_bytes()));
        let object = Object::open_named(OsStr::from_bytes(path.to_bytes()), name)?;
        Ok(options.finish(object))
    };
    // SAFETY: NULL or places for pointers.
    unsafe { create(object, error, body) }
}

/// Opens an object file that lies in memory. `data` (`size` bytes) is borrowed for the call.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_object_from_memory(
    data: *const c_void,
    size: usize,
    options: *const bpflink_object_options,
    object: *mut *mut bpflink_object,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = || {
        // SAFETY: NULL or so many bytes; NULL or options as large as they say.
        let (data, options) = unsafe {
            (
                slice(data.cast::<u8>(), size, "data")?,
                OpenOptions::read(options)?,
            )
        };
        let name = options.name.clone().unwrap_or_else(|| Name::from("memory"));
        Object::parse(data, name).map(|object| options.finish(object))
    };
    // SAFETY: NULL or places for pointers.
    unsafe { create(object, error, body) }
}

/// Describes an object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_object_get(
    object: *const bpflink_object,
    info: *mut bpflink_object_info,
) -> bpflink_status {
    // SAFETY: NULL or a live object; NULL or a struct as large as it says.
    unsafe { describe(object, info, |object| Some(describe_object(object))) }
}

fn describe_object(object: &Object) -> bpflink_object_info {
    let btf = object.btf().map(|btf| btf.bytes());
    bpflink_object_info {
        size: 0,
        name: object.name().as_c_str().as_ptr(),
        license: c_name(object.license()),
        btf: btf.map_or(std::ptr::null(), |btf| btf.as_ptr().cast()),
        btf_size: btf.map_or(0, <[u8]>::len),
        map_count: object.maps().len(),
        extern_count: object.externs().len(),
        kernel_version: object.version().unwrap_or(0),
        byte_order: match object.endian() {
            Endian::Little => BPFLINK_LITTLE_ENDIAN,
            Endian::Big => BPFLINK_BIG_ENDIAN,
        },
    }
}

/// Number of symbols that somebody else defines; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_object_extern_count(object: *const bpflink_object) -> usize {
    // SAFETY: NULL or a live object.
    unsafe { query(object, 0, |object| object.externs().len()) }
}

/// One symbol that somebody else defines.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_object_extern(
    object: *const bpflink_object,
    index: usize,
    info: *mut bpflink_extern_info,
) -> bpflink_status {
    let body = |object: &Arc<Object>| {
        let symbol = object.externs().get(index)?;
        Some(bpflink_extern_info {
            size: 0,
            name: symbol.name.as_c_str().as_ptr(),
            kind: extern_kind(symbol.kind),
            weak: u32::from(symbol.weak),
            btf_id: symbol.btf_id.unwrap_or(0),
            flags: 0,
        })
    };
    // SAFETY: NULL or a live object; NULL or a struct as large as it says.
    unsafe { describe(object, info, body) }
}

fn extern_kind(kind: ExternKind) -> u32 {
    match kind {
        ExternKind::Kfunc => BPFLINK_EXTERN_KFUNC,
        ExternKind::Ksym => BPFLINK_EXTERN_KSYM,
        ExternKind::Kconfig => BPFLINK_EXTERN_KCONFIG,
        ExternKind::Unknown => BPFLINK_EXTERN_UNKNOWN,
    }
}

/// Frees an object; NULL is fine. Program sets made of it stay valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_object_free(object: *mut bpflink_object) {
    // SAFETY: NULL or a live object that the caller gives up.
    unsafe { free(object) }
}
