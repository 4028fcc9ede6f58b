//! Features: what kernels support, as far as a link depends on it.

use std::ffi::{CStr, c_char};

use super::error::bpflink_error;
use super::pointer::{fallible, optional_string, write};
use super::status::bpflink_status;
use super::target::{bpflink_target, target_or_running};
use crate::error::{Cause, Result};
use crate::feature::{Feature, Features};

/// A program may have a name (Linux 4.15).
pub const BPFLINK_FEATURE_PROG_NAME: u64 = 0x1;
/// BPF_PROG_LOAD looks at expected_attach_type (4.17).
pub const BPFLINK_FEATURE_EXP_ATTACH_TYPE: u64 = 0x2;
/// BTF can be loaded at all (4.18).
pub const BPFLINK_FEATURE_BTF: u64 = 0x4;
/// BTF of functions, with it func_info and line_info (5.0).
pub const BPFLINK_FEATURE_BTF_FUNC: u64 = 0x8;
/// BTF of variables and data sections (5.2).
pub const BPFLINK_FEATURE_BTF_DATASEC: u64 = 0x10;
/// Instructions may refer to the value of an array map (5.2).
pub const BPFLINK_FEATURE_GLOBAL_DATA: u64 = 0x20;
/// Array maps can be mapped into user space (5.5).
pub const BPFLINK_FEATURE_ARRAY_MMAP: u64 = 0x40;
/// bpf_probe_read_kernel, bpf_probe_read_user and their string variants (5.5).
pub const BPFLINK_FEATURE_PROBE_READ_KERNEL: u64 = 0x80;
/// BTF of functions that are not static (5.6).
pub const BPFLINK_FEATURE_BTF_FUNC_GLOBAL: u64 = 0x100;
/// Modules have BTF (5.11).
pub const BPFLINK_FEATURE_MODULE_BTF: u64 = 0x200;
/// BTF of floating-point types (5.13).
pub const BPFLINK_FEATURE_BTF_FLOAT: u64 = 0x400;
/// bpf_get_attach_cookie for perf links (5.15).
pub const BPFLINK_FEATURE_BPF_COOKIE: u64 = 0x800;
/// BTF of declaration tags (5.16).
pub const BPFLINK_FEATURE_BTF_DECL_TAG: u64 = 0x1000;
/// BTF of type tags (5.17).
pub const BPFLINK_FEATURE_BTF_TYPE_TAG: u64 = 0x2000;
/// BTF of enums of 64 bits, and signs of enums (6.0).
pub const BPFLINK_FEATURE_BTF_ENUM64: u64 = 0x4000;
/// The tag `arg:ctx` of a global function's parameter is understood (6.8).
pub const BPFLINK_FEATURE_ARG_CTX_TAG: u64 = 0x8000;
/// Names of data sections may hold any printable character, `?` among them (6.9).
pub const BPFLINK_FEATURE_BTF_QMARK_DATASEC: u64 = 0x10000;
/// References may lie 512 MiB and more behind the start of a map's value (7.0).
pub const BPFLINK_FEATURE_FAR_MAP_VALUE: u64 = 0x20000;

/// The flag of a feature. (Flags are the ABI's and stay; the order of the Rust type is not.)
const fn flag(feature: Feature) -> u64 {
    match feature {
        Feature::ProgName => BPFLINK_FEATURE_PROG_NAME,
        Feature::ExpectedAttachType => BPFLINK_FEATURE_EXP_ATTACH_TYPE,
        Feature::Btf => BPFLINK_FEATURE_BTF,
        Feature::BtfFunc => BPFLINK_FEATURE_BTF_FUNC,
        Feature::BtfDatasec => BPFLINK_FEATURE_BTF_DATASEC,
        Feature::GlobalData => BPFLINK_FEATURE_GLOBAL_DATA,
        Feature::ArrayMmap => BPFLINK_FEATURE_ARRAY_MMAP,
        Feature::ProbeReadKernel => BPFLINK_FEATURE_PROBE_READ_KERNEL,
        Feature::BtfFuncGlobal => BPFLINK_FEATURE_BTF_FUNC_GLOBAL,
        Feature::ModuleBtf => BPFLINK_FEATURE_MODULE_BTF,
        Feature::BtfFloat => BPFLINK_FEATURE_BTF_FLOAT,
        Feature::BpfCookie => BPFLINK_FEATURE_BPF_COOKIE,
        Feature::BtfDeclTag => BPFLINK_FEATURE_BTF_DECL_TAG,
        Feature::BtfTypeTag => BPFLINK_FEATURE_BTF_TYPE_TAG,
        Feature::BtfEnum64 => BPFLINK_FEATURE_BTF_ENUM64,
        Feature::ArgCtxTag => BPFLINK_FEATURE_ARG_CTX_TAG,
        Feature::BtfQmarkDatasec => BPFLINK_FEATURE_BTF_QMARK_DATASEC,
        Feature::FarMapValue => BPFLINK_FEATURE_FAR_MAP_VALUE,
    }
}

const fn c_name(feature: Feature) -> &'static CStr {
    match feature {
        Feature::ProgName => c"prog_name",
        Feature::ExpectedAttachType => c"exp_attach_type",
        Feature::Btf => c"btf",
        Feature::BtfFunc => c"btf_func",
        Feature::BtfDatasec => c"btf_datasec",
        Feature::GlobalData => c"global_data",
        Feature::ArrayMmap => c"array_mmap",
        Feature::ProbeReadKernel => c"probe_read_kernel",
        Feature::BtfFuncGlobal => c"btf_func_global",
        Feature::ModuleBtf => c"module_btf",
        Feature::BtfFloat => c"btf_float",
        Feature::BpfCookie => c"bpf_cookie",
        Feature::BtfDeclTag => c"btf_decl_tag",
        Feature::BtfTypeTag => c"btf_type_tag",
        Feature::BtfEnum64 => c"btf_enum64",
        Feature::ArgCtxTag => c"arg_ctx_tag",
        Feature::BtfQmarkDatasec => c"btf_qmark_datasec",
        Feature::FarMapValue => c"far_map_value",
    }
}

/// The features of a set of flags; a flag that this version does not know is refused.
pub(super) fn features(what: &str, flags: u64) -> Result<Features> {
    let known: Features = Feature::all().filter(|&f| flags & flag(f) != 0).collect();
    match flags & !flags_of(known) {
        0 => Ok(known),
        unknown => Err(Cause::Argument(format!("{what}: unknown features {unknown:#x}")).into()),
    }
}

fn flags_of(features: Features) -> u64 {
    features
        .iter()
        .fold(0, |flags, feature| flags | flag(feature))
}

fn single(feature: u64) -> Option<Feature> {
    Feature::all().find(|&known| flag(known) == feature)
}

/// Which of the features in `asked` (flags `BPFLINK_FEATURE_*`; ~0 for all) a target
/// supports; NULL is the running kernel, which is asked for these alone, by loading
/// something small: once in the process for each feature. Where it does not answer
/// (for want of privilege), its release decides.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_target_features(
    target: *const bpflink_target,
    asked: u64,
    supported: *mut u64,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = || {
        if supported.is_null() {
            return Err(Cause::Argument("the place for the features is NULL".into()).into());
        }
        // SAFETY: NULL or a live target.
        let target = unsafe { target_or_running(target) }?;
        let chosen = Feature::all().filter(|&feature| asked & flag(feature) != 0);
        let found = chosen.filter(|&feature| target.supports(feature));
        // SAFETY: a place for the flags.
        unsafe { write(supported, flags_of(found.collect())) };
        Ok(())
    };
    // SAFETY: NULL or a place for a pointer.
    unsafe { fallible(error, body) }
}

/// The name of one `BPFLINK_FEATURE_*`, as `btf_float`; NULL where it is none. Never freed.
#[unsafe(no_mangle)]
pub extern "C" fn bpflink_feature_name(feature: u64) -> *const c_char {
    single(feature).map_or(std::ptr::null(), |feature| c_name(feature).as_ptr())
}

/// The `BPFLINK_FEATURE_*` of that name; 0 where there is none, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_feature_by_name(name: *const c_char) -> u64 {
    // SAFETY: NULL or a string.
    let name = unsafe { optional_string(name) };
    let named = name.and_then(|name| Feature::all().find(|&f| c_name(f) == name));
    named.map_or(0, flag)
}

/// The first release that has one `BPFLINK_FEATURE_*`, as `major << 16 | minor << 8`;
/// 0 where it is none. Distributions port features back: what a target says counts.
#[unsafe(no_mangle)]
pub extern "C" fn bpflink_feature_since(feature: u64) -> u32 {
    single(feature).map_or(0, |feature| feature.since().code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_names_are_those_of_the_features() {
        let mut seen = 0;
        for feature in Feature::all() {
            assert_eq!(flag(feature).count_ones(), 1, "{feature}");
            assert_eq!(seen & flag(feature), 0, "{feature}");
            seen |= flag(feature);
            assert_eq!(c_name(feature).to_str(), Ok(feature.name()));
        }
        assert_eq!(flags_of(features("all", seen).unwrap()), seen);
        assert!(features("unknown", 1 << 63).is_err());
    }
}
