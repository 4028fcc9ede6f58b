//! Types of the target kernel by name: in vmlinux first, then in its modules.

use std::sync::Arc;

use crate::btf::{Btf, Kind, TypeId};
use crate::name::Name;
use crate::target::Target;

/// A type of the target, and the module that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KernelType {
    pub id: TypeId,
    pub module: Option<Name>,
}

/// A type that was found, and the BTF that has it.
pub(super) struct Found {
    pub btf: Arc<Btf>,
    pub id: TypeId,
    pub module: Option<Name>,
}

impl From<Found> for KernelType {
    fn from(found: Found) -> KernelType {
        KernelType {
            id: found.id,
            module: found.module,
        }
    }
}

/// What says that only vmlinux is meant.
const VMLINUX: &str = "vmlinux";

/// The first type of that name: vmlinux, then modules by name; `module` alone, where
/// one is meant. Modules are read only when vmlinux has no such type.
pub(super) fn find(
    target: &Target,
    module: Option<&Name>,
    name: &[u8],
    kind: Kind,
) -> Result<Option<Found>, String> {
    let in_vmlinux = module.is_none_or(|module| *module == VMLINUX);
    if in_vmlinux {
        let vmlinux = target.vmlinux().map_err(|error| error.to_string())?;
        if let Some(id) = first(&vmlinux, name, kind) {
            let module = None;
            return Ok(Some(Found {
                btf: vmlinux,
                id,
                module,
            }));
        }
    }
    let modules = target.modules().map_err(|error| error.to_string())?;
    let mut meant = modules
        .iter()
        .filter(|known| module.is_none_or(|module| known.name == *module));
    Ok(meant.find_map(|module| {
        Some(Found {
            id: first(&module.btf, name, kind)?,
            btf: module.btf.clone(),
            module: Some(module.name.clone()),
        })
    }))
}

fn first(btf: &Btf, name: &[u8], kind: Kind) -> Option<TypeId> {
    btf.named_exact(name, &[kind]).next()
}
