//! An object file, linked for its own types and for a real kernel.
#![no_main]

use std::sync::Arc;

use bpflink::{Object, Target};
use bpflink_fuzz::{link, real::kernel};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(object) = Object::parse(bytes, "fuzzed").map(Arc::new) else {
        return;
    };
    let own = object.btf().cloned().map(Target::from_btf);
    own.iter()
        .chain(kernel())
        .for_each(|target| link(&object, target));
});
