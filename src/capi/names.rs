//! Names of numbers.

use std::ffi::{CStr, c_char};

/// Text of one of a row of numbers; NULL where the number has none.
fn pick(names: &[&'static CStr], number: u32) -> *const c_char {
    names
        .get(number as usize)
        .map_or(std::ptr::null(), |name| name.as_ptr())
}

/// What a status means, in a few words; NULL where it is not known. Never freed.
#[unsafe(no_mangle)]
pub extern "C" fn bpflink_status_name(status: u32) -> *const c_char {
    const NAMES: [&CStr; 11] = [
        c"OK",
        c"invalid argument",
        c"invalid state",
        c"input/output error",
        c"malformed object",
        c"malformed BTF",
        c"unsupported",
        c"not found",
        c"relocation failed",
        c"unresolved reference",
        c"internal error",
    ];
    pick(&NAMES, status)
}

/// The name of a CO-RE relocation kind, as `byte_off`; NULL where it is not known. Never freed.
#[unsafe(no_mangle)]
pub extern "C" fn bpflink_relocation_kind_name(kind: u32) -> *const c_char {
    const NAMES: [&CStr; 13] = [
        c"byte_off",
        c"byte_sz",
        c"field_exists",
        c"signed",
        c"lshift_u64",
        c"rshift_u64",
        c"local_type_id",
        c"target_type_id",
        c"type_exists",
        c"type_size",
        c"enumval_exists",
        c"enumval_value",
        c"type_matches",
    ];
    pick(&NAMES, kind)
}

/// The name of a `BPFLINK_OUTCOME_*`, as `patched`; NULL where it is not known. Never freed.
#[unsafe(no_mangle)]
pub extern "C" fn bpflink_outcome_name(outcome: u32) -> *const c_char {
    pick(&[c"patched", c"unchanged", c"absent", c"poisoned"], outcome)
}

/// The name of a `BPFLINK_REF_*`, as `map_fd`; NULL where it is not known. Never freed.
#[unsafe(no_mangle)]
pub extern "C" fn bpflink_reference_kind_name(kind: u32) -> *const c_char {
    let names = [
        c"map_fd",
        c"map_value",
        c"kfunc",
        c"ksym",
        c"btf_id",
        c"unknown",
        c"jump_table",
    ];
    pick(&names, kind)
}
