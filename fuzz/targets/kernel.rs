//! A kernel's BTF, for which real objects are linked: one of those in BPFLINK_FUZZ_OBJECTS, which the
//! first two bytes choose.
#![no_main]

use std::sync::{Arc, LazyLock};

use bpflink::btf::Btf;
use bpflink::{Object, Target};
use bpflink_fuzz::link;
use libfuzzer_sys::fuzz_target;

static OBJECTS: LazyLock<Vec<Arc<Object>>> = LazyLock::new(|| {
    let folder =
        std::env::var_os("BPFLINK_FUZZ_OBJECTS").expect("BPFLINK_FUZZ_OBJECTS is a folder");
    let files = std::fs::read_dir(folder).expect("BPFLINK_FUZZ_OBJECTS is there");
    let mut paths: Vec<_> = files.flatten().map(|file| file.path()).collect();
    paths.sort();
    let objects = paths.iter().map(|path| Object::open(path).map(Arc::new));
    objects.collect::<Result<_, _>>().expect("objects open")
});

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, bytes)) = bytes.split_first_chunk() else {
        return;
    };
    let Ok(kernel) = Btf::parse(bytes.to_vec(), None) else {
        return;
    };
    let target = Target::from_btf(Arc::new(kernel));
    link(
        &OBJECTS[usize::from(u16::from_le_bytes(choice)) % OBJECTS.len()],
        &target,
    );
});
