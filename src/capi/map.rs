//! Maps as the object defines them.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::object::bpflink_object;
use super::pointer::{SizeFirst, describe, query};
use super::status::bpflink_status;
use crate::elf::{Map, MapDefinition, MapEntry, MapOrigin, Object, Pinning};

/// A variable of `.maps`.
pub const BPFLINK_MAP_BTF: u32 = 0;
/// A `struct bpf_map_def` of the legacy section `maps`.
pub const BPFLINK_MAP_LEGACY: u32 = 1;
/// `.data*`.
pub const BPFLINK_MAP_DATA: u32 = 2;
/// `.rodata*`: the loader freezes it after filling it, before loading programs.
pub const BPFLINK_MAP_RODATA: u32 = 3;
/// `.bss*`: all zeros at first.
pub const BPFLINK_MAP_BSS: u32 = 4;
/// `.kconfig`: values of the kernel's configuration; frozen as `.rodata` is.
pub const BPFLINK_MAP_KCONFIG: u32 = 5;

/// The map's symbol is weak.
pub const BPFLINK_MAP_WEAK: u32 = 0x1;
/// The map's symbol is hidden from other objects.
pub const BPFLINK_MAP_HIDDEN: u32 = 0x2;
/// The map is to be pinned by its name (LIBBPF_PIN_BY_NAME).
pub const BPFLINK_MAP_PINNED: u32 = 0x4;
/// The map holds maps; `bpflink_object_map_inner` describes them.
pub const BPFLINK_MAP_HAS_INNER: u32 = 0x8;

/// What BPF_MAP_CREATE needs. All pointers are borrowed until the object is freed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_map_info {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// The symbol's name; for a data section the section's own. (The kernel takes 15
    /// bytes of letters, digits, `_` and `.` at most.)
    pub name: *const c_char,
    /// The section that defines it.
    pub section: *const c_char,
    /// The first value's contents, of an arena its global variables; or NULL where there are
    /// none (`.bss` is all zeros). See `bpflink_programs_map_contents`.
    pub initial: *const c_void,
    /// Bytes of `initial`.
    pub initial_size: usize,
    /// map_extra.
    pub map_extra: u64,
    /// `BPFLINK_MAP_BTF` to `BPFLINK_MAP_KCONFIG`: how it is defined.
    pub origin: u32,
    /// `BPFLINK_MAP_WEAK` and the like.
    pub flags: u32,
    /// BPF_MAP_TYPE_*.
    pub r#type: u32,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Number of entries.
    pub max_entries: u32,
    /// BPF_F_*.
    pub map_flags: u32,
    /// The NUMA node, where `map_flags` has BPF_F_NUMA_NODE.
    pub numa_node: u32,
    /// The key's type id in `bpflink_programs_btf`, or 0.
    pub key_type_id: u32,
    /// The value's type id in `bpflink_programs_btf`; for a data section its DATASEC; or 0.
    pub value_type_id: u32,
}

/// A map's entry is another map.
pub const BPFLINK_ENTRY_MAP: u32 = 0;
/// A map's entry is a program.
pub const BPFLINK_ENTRY_PROGRAM: u32 = 1;

/// What the loader puts into a map of maps or a program array.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_map_entry {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// The map's or program's name, borrowed until the object is freed.
    pub name: *const c_char,
    /// The key.
    pub key: u32,
    /// `BPFLINK_ENTRY_MAP` or `BPFLINK_ENTRY_PROGRAM`.
    pub kind: u32,
}

// SAFETY: pointers and integers, their size first.
unsafe impl SizeFirst for bpflink_map_info {}
// SAFETY: as above.
unsafe impl SizeFirst for bpflink_map_entry {}

/// Number of maps, data sections included; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_object_map_count(object: *const bpflink_object) -> usize {
    // SAFETY: NULL or a live object.
    unsafe { query(object, 0, |object| object.maps().len()) }
}

/// Describes one map. Maps of `.maps` and `maps` come first, then data sections.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_object_map(
    object: *const bpflink_object,
    index: usize,
    info: *mut bpflink_map_info,
) -> bpflink_status {
    let body = |object: &Arc<Object>| {
        let map = object.maps().get(index)?;
        Some(describe_map(map, &map.definition, map.initial.as_deref()))
    };
    // SAFETY: NULL or a live object; NULL or a struct as large as it says.
    unsafe { describe(object, info, body) }
}

/// Describes the maps that a map of maps holds, by the same struct.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_object_map_inner(
    object: *const bpflink_object,
    index: usize,
    info: *mut bpflink_map_info,
) -> bpflink_status {
    let body = |object: &Arc<Object>| {
        let map = object.maps().get(index)?;
        let inner = map.definition.inner.as_deref()?;
        Some(describe_map(map, inner, None))
    };
    // SAFETY: NULL or a live object; NULL or a struct as large as it says.
    unsafe { describe(object, info, body) }
}

fn describe_map(map: &Map, definition: &MapDefinition, initial: Option<&[u8]>) -> bpflink_map_info {
    let MapDefinition {
        map_type,
        key_size,
        value_size,
        max_entries,
        flags,
        numa_node,
        map_extra,
        pinning,
        key_type_id,
        value_type_id,
        ref inner,
        entries: _,
    } = *definition;
    let flag = |set: bool, flag: u32| if set { flag } else { 0 };
    bpflink_map_info {
        size: 0,
        name: map.name.as_c_str().as_ptr(),
        section: map.section.as_c_str().as_ptr(),
        initial: initial.map_or(std::ptr::null(), |bytes| bytes.as_ptr().cast()),
        initial_size: initial.map_or(0, <[u8]>::len),
        map_extra,
        origin: origin(map.origin),
        flags: flag(map.weak, BPFLINK_MAP_WEAK)
            | flag(map.hidden, BPFLINK_MAP_HIDDEN)
            | flag(pinning == Pinning::ByName, BPFLINK_MAP_PINNED)
            | flag(inner.is_some(), BPFLINK_MAP_HAS_INNER),
        r#type: map_type,
        key_size,
        value_size,
        max_entries,
        map_flags: flags,
        numa_node,
        key_type_id,
        value_type_id,
    }
}

fn origin(origin: MapOrigin) -> u32 {
    match origin {
        MapOrigin::Btf => BPFLINK_MAP_BTF,
        MapOrigin::Legacy => BPFLINK_MAP_LEGACY,
        MapOrigin::Data => BPFLINK_MAP_DATA,
        MapOrigin::Rodata => BPFLINK_MAP_RODATA,
        MapOrigin::Bss => BPFLINK_MAP_BSS,
        MapOrigin::Kconfig => BPFLINK_MAP_KCONFIG,
    }
}

/// Number of initial entries of a map of maps or a program array; else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_object_map_entry_count(
    object: *const bpflink_object,
    index: usize,
) -> usize {
    let body = |object: &Arc<Object>| {
        object
            .maps()
            .get(index)
            .map_or(0, |map| map.definition.entries.len())
    };
    // SAFETY: NULL or a live object.
    unsafe { query(object, 0, body) }
}

/// One initial entry of a map of maps or a program array.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_object_map_entry(
    object: *const bpflink_object,
    index: usize,
    number: usize,
    entry: *mut bpflink_map_entry,
) -> bpflink_status {
    let body = |object: &Arc<Object>| {
        let &(key, target) = object.maps().get(index)?.definition.entries.get(number)?;
        describe_entry(object, key, target)
    };
    // SAFETY: NULL or a live object; NULL or a struct as large as it says.
    unsafe { describe(object, entry, body) }
}

fn describe_entry(object: &Object, key: u32, target: MapEntry) -> Option<bpflink_map_entry> {
    let (name, kind) = match target {
        MapEntry::Map(map) => (&object.maps().get(map as usize)?.name, BPFLINK_ENTRY_MAP),
        MapEntry::Program(address) => (object.function_name(address)?, BPFLINK_ENTRY_PROGRAM),
    };
    Some(bpflink_map_entry {
        size: 0,
        name: name.as_c_str().as_ptr(),
        key,
        kind,
    })
}
