//! Versions.

use std::ffi::{CStr, c_char};

/// Version of the header: the first number.
pub const BPFLINK_VERSION_MAJOR: u32 = 0;
/// Version of the header: the second number.
pub const BPFLINK_VERSION_MINOR: u32 = 1;
/// Version of the header: the third number.
pub const BPFLINK_VERSION_PATCH: u32 = 0;
/// The ABI that the header describes: the number in the name of the shared library.
pub const BPFLINK_ABI: u32 = 0;

const fn version() -> &'static CStr {
    c"0.1.0"
}

const fn number(text: &str) -> u32 {
    let mut value = 0;
    let mut at = 0;
    while at < text.len() {
        value = value * 10 + (text.as_bytes()[at] - b'0') as u32;
        at += 1;
    }
    value
}

// The header's numbers are literals, so that they reach C as such.
const _: () = {
    assert!(BPFLINK_VERSION_MAJOR == number(env!("CARGO_PKG_VERSION_MAJOR")));
    assert!(BPFLINK_VERSION_MINOR == number(env!("CARGO_PKG_VERSION_MINOR")));
    assert!(BPFLINK_VERSION_PATCH == number(env!("CARGO_PKG_VERSION_PATCH")));
    let (here, cargo) = (version().to_bytes(), env!("CARGO_PKG_VERSION").as_bytes());
    assert!(here.len() == cargo.len());
    let mut at = 0;
    while at < here.len() {
        assert!(here[at] == cargo[at]);
        at += 1;
    }
};

/// The version of the library that is running, as `major << 16 | minor << 8 | patch`.
#[unsafe(no_mangle)]
pub extern "C" fn bpflink_version() -> u32 {
    BPFLINK_VERSION_MAJOR << 16 | BPFLINK_VERSION_MINOR << 8 | BPFLINK_VERSION_PATCH
}

/// The version of the library that is running, as text. Never freed.
#[unsafe(no_mangle)]
pub extern "C" fn bpflink_version_string() -> *const c_char {
    version().as_ptr()
}
