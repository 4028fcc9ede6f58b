//! What a target is made of: BTF of a file of any kind, alone and over a base, a configuration,
//! a table of symbols. The first byte chooses.
#![no_main]

use std::sync::{Arc, LazyLock};

use bpflink::btf::Btf;
use bpflink::target::{TargetBuilder, btf_from_bytes, btf_relocated};
use bpflink::{Name, Target};
use libfuzzer_sys::fuzz_target;

/// A BTF of one type.
static BASE: LazyLock<Arc<Btf>> = LazyLock::new(|| {
    let header = [0xeb9f_u16.to_le_bytes().as_slice(), &[1, 0]].concat();
    let words = [24u32, 0, 16, 16, 5, 1, 1 << 24, 4, 32].map(u32::to_le_bytes);
    let bytes = [&header[..], words.as_flattened(), b"\0int\0"].concat();
    Arc::new(Btf::parse(bytes, None).expect("a BTF"))
});

fn built(builder: TargetBuilder) -> Option<Target> {
    builder.vmlinux(BASE.clone()).build().ok()
}

/// Asks for everything.
fn read(btf: &Btf) {
    for ty in btf.own_types() {
        let name = ty.name().unwrap_or_default().to_vec();
        assert!(btf.type_by_id(ty.id()).is_ok());
        for id in btf.named(&name) {
            assert!(btf.type_by_id(id).is_ok());
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else {
        return;
    };
    let name = Name::from("fuzzed");
    match choice % 4 {
        0 => {
            if let Ok(btf) = btf_from_bytes(bytes.to_vec(), &name, None) {
                read(&btf);
            }
        }
        1 => {
            if let Ok(split) = btf_from_bytes(bytes.to_vec(), &name, Some(BASE.clone())) {
                read(&split);
                if let Ok(moved) = btf_relocated(&split, &name, BASE.clone()) {
                    read(&moved);
                }
            }
        }
        2 => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            if let Some(target) = built(TargetBuilder::new().kconfig(text)) {
                target.config_values(&["CONFIG_BPF", "CONFIG_HZ"]).ok();
            }
        }
        _ => {
            if let Some(target) = built(TargetBuilder::new().kallsyms(bytes)) {
                target
                    .symbol_addresses(&[b"bpf_prog_load", b"jiffies"])
                    .ok();
            }
        }
    }
});
