//! The contents of `.kconfig` on a target.

use super::{Resolved, kconfig, unresolved};
use crate::bytes::Endian;
use crate::elf::{Extern, ExternKind, KconfigSlot, Object};
use crate::link::LinkError;
use crate::target::{Feature, KernelRelease, Target};

const WHAT: &str = "kernel configuration value";

/// Every value of an object, and why some are none.
pub(super) struct Values {
    /// The value of the map.
    pub(super) contents: Vec<u8>,
    /// By number of extern.
    errors: Vec<Option<LinkError>>,
}

impl Values {
    pub fn new(object: &Object, target: &Target) -> Values {
        let mut values = Values {
            contents: Vec::new(),
            errors: vec![None; object.externs().len()],
        };
        let configuration = object
            .externs()
            .iter()
            .filter(|e| e.kind == ExternKind::Kconfig);
        let end = configuration
            .filter_map(|symbol| symbol.kconfig)
            .map(|slot| slot.offset.saturating_add(slot.size));
        values.contents.resize(end.max().unwrap_or(0) as usize, 0);
        for (symbol, error) in object.externs().iter().zip(&mut values.errors) {
            let Some(slot) = symbol.kconfig else {
                continue;
            };
            match value(symbol, slot, target, object.endian()) {
                Ok(bytes) => write(&mut values.contents, slot, &bytes),
                Err(why) => *error = Some(unresolved(WHAT, &symbol.name, why)),
            }
        }
        values
    }

    /// Where a value stands.
    pub fn slot(&self, index: usize, symbol: &Extern) -> Result<Resolved, LinkError> {
        if let Some(Some(error)) = self.errors.get(index) {
            return Err(error.clone());
        }
        match symbol.kconfig {
            Some(slot) => Ok(Resolved::Kconfig(slot.offset)),
            None => {
                let why = "its type is none that a configuration value can have";
                Err(unresolved(WHAT, &symbol.name, why))
            }
        }
    }
}

fn write(contents: &mut [u8], slot: KconfigSlot, bytes: &[u8]) {
    let place = contents.get_mut(slot.offset as usize..);
    let room = place.and_then(|place| place.get_mut(..bytes.len()));
    if let Some(room) = room {
        room.copy_from_slice(bytes);
    }
}

/// The bytes of one value; none for a weak one that the target does not have.
fn value(
    symbol: &Extern,
    slot: KconfigSlot,
    target: &Target,
    endian: Endian,
) -> Result<Vec<u8>, String> {
    let name = symbol.name.to_string();
    let number = |value: Option<u32>, unknown: &str| match value {
        Some(value) => kconfig::number(slot, u64::from(value), &value.to_string(), endian)
            .map_err(|error| error.to_string()),
        None if symbol.weak => Ok(Vec::new()),
        None => Err(unknown.to_owned()),
    };
    match name.as_str() {
        "LINUX_KERNEL_VERSION" => number(
            target.version().map(KernelRelease::code),
            "the release of the target kernel is not known",
        ),
        "LINUX_HAS_BPF_COOKIE" => number(Some(target.supports(Feature::BpfCookie).into()), ""),
        "LINUX_HAS_SYSCALL_WRAPPER" => number(Some(has_syscall_wrapper(target).into()), ""),
        _ if name.starts_with("CONFIG_") => configured(symbol, slot, &name, target, endian),
        _ if symbol.weak => Ok(Vec::new()),
        _ => Err("it is neither CONFIG_… nor a LINUX_… value that is known".into()),
    }
}

fn configured(
    symbol: &Extern,
    slot: KconfigSlot,
    name: &str,
    target: &Target,
    endian: Endian,
) -> Result<Vec<u8>, String> {
    let text = match target.config_value(name) {
        Ok(text) => text,
        Err(_) if symbol.weak => None,
        Err(error) => return Err(error.to_string()),
    };
    match text {
        Some(text) => kconfig::encode(slot, &text, endian).map_err(|e| format!("value {e}")),
        None if symbol.weak => Ok(Vec::new()),
        None => Err("the kernel's configuration does not set it".into()),
    }
}

/// Linux 4.17 gave system calls of x86 (4.19 of arm64, s390x) a wrapper that takes
/// struct pt_regs.
fn has_syscall_wrapper(target: &Target) -> bool {
    let since = KernelRelease::new(4, 17, 0);
    target.release().is_none_or(|release| release >= since)
}
