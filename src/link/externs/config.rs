//! The contents of `.kconfig` on a target.

use super::{Resolved, kconfig, unresolved};
use crate::bytes::Endian;
use crate::elf::{Extern, ExternKind, KconfigSlot, Object};
use crate::link::LinkError;
use crate::lookup::Lookup;
use crate::target::{Feature, KernelRelease, Target, TargetError};

const WHAT: &str = "kernel configuration value";
/// A file may declare a value as often as it likes.
const MAX_TOLD: usize = 16;

/// Every value of an object, and why some are none.
pub(super) struct Values {
    /// The value of the map.
    pub(super) contents: Vec<u8>,
    /// Texts that had to be cut.
    pub(super) warnings: Vec<String>,
    /// By number of extern.
    errors: Vec<Option<LinkError>>,
}

impl Values {
    pub fn new(object: &Object, target: &Target) -> Values {
        let mut values = Values {
            contents: Vec::new(),
            warnings: Vec::new(),
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
        let kernel = Kernel::new(object, target);
        for (symbol, error) in object.externs().iter().zip(&mut values.errors) {
            let Some(slot) = symbol.kconfig else {
                continue;
            };
            match kernel.value(symbol, slot) {
                Ok(bytes) => write(&mut values.contents, slot, &bytes),
                Err(why) => *error = Some(unresolved(WHAT, &symbol.name, why)),
            }
            if values.warnings.len() < MAX_TOLD {
                values.warnings.extend(kernel.cut(symbol, slot));
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

/// What the target's kernel says of an object's values.
struct Kernel<'a> {
    target: &'a Target,
    endian: Endian,
    /// The lines of its configuration that the object asks for; not looked at where it
    /// asks for none.
    configured: Result<Lookup<&'a [u8], String>, TargetError>,
}

impl<'a> Kernel<'a> {
    fn new(object: &'a Object, target: &'a Target) -> Kernel<'a> {
        let externs = object.externs().iter();
        let names: Vec<&str> = externs
            .filter(|symbol| symbol.kconfig.is_some() && is_configured(symbol))
            .filter_map(|symbol| std::str::from_utf8(symbol.name.as_bytes()).ok())
            .collect();
        let values = match names.is_empty() {
            true => Ok(Vec::new()),
            false => target.config_values(&names),
        };
        let named = |values: Vec<Option<String>>| {
            let mut known = Lookup::default();
            for (name, value) in names.iter().zip(values) {
                value.map(|value| known.or_insert(name.as_bytes(), value));
            }
            known
        };
        Kernel {
            target,
            endian: object.endian(),
            configured: values.map(named),
        }
    }

    /// The bytes of one value; none for a weak one that the target does not have.
    fn value(&self, symbol: &Extern, slot: KconfigSlot) -> Result<Vec<u8>, String> {
        if is_configured(symbol) {
            return self.configured(symbol, slot);
        }
        let target = self.target;
        let (value, unknown) = match symbol.name.as_bytes() {
            b"LINUX_KERNEL_VERSION" => (
                target.version().map(KernelRelease::code),
                "the release of the target kernel is not known",
            ),
            b"LINUX_HAS_BPF_COOKIE" => (Some(target.supports(Feature::BpfCookie).into()), ""),
            b"LINUX_HAS_SYSCALL_WRAPPER" => (Some(has_syscall_wrapper(target).into()), ""),
            _ => (
                None,
                "it is neither CONFIG_… nor a LINUX_… value that is known",
            ),
        };
        match value {
            Some(value) => kconfig::number(slot, u64::from(value), &value.to_string(), self.endian)
                .map_err(|error| format!("value {error}")),
            None if symbol.weak => Ok(Vec::new()),
            None => Err(unknown.to_owned()),
        }
    }

    fn configured(&self, symbol: &Extern, slot: KconfigSlot) -> Result<Vec<u8>, String> {
        let text = match &self.configured {
            Ok(_) => self.text(symbol),
            Err(_) if symbol.weak => None,
            Err(error) => return Err(error.to_string()),
        };
        match text {
            Some(text) => {
                kconfig::encode(slot, text, self.endian).map_err(|error| format!("value {error}"))
            }
            None if symbol.weak => Ok(Vec::new()),
            None => Err("the kernel's configuration does not set it".into()),
        }
    }

    fn text(&self, symbol: &Extern) -> Option<&String> {
        let known = self.configured.as_ref().ok()?;
        known.get(symbol.name.as_bytes())
    }

    /// What is told of a text that has no room.
    fn cut(&self, symbol: &Extern, slot: KconfigSlot) -> Option<String> {
        let text = self.text(symbol)?;
        kconfig::is_cut(slot, text).then(|| {
            let (name, room) = (&symbol.name, slot.size.saturating_sub(1));
            format!("{WHAT} {name}: the program has room for the first {room} bytes of its text")
        })
    }
}

/// Whether its value stands in the kernel's configuration.
fn is_configured(symbol: &Extern) -> bool {
    symbol.name.as_bytes().starts_with(b"CONFIG_")
}

/// Linux 4.17 gave system calls of x86 (4.19 of arm64, s390x) a wrapper that takes
/// struct pt_regs.
fn has_syscall_wrapper(target: &Target) -> bool {
    let since = KernelRelease::new(4, 17, 0);
    target.release().is_none_or(|release| release >= since)
}
