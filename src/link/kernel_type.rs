//! Types of the target kernel by name: in vmlinux first, then in its modules.

use std::cell::RefCell;
use std::sync::Arc;

use crate::btf::{Btf, Kind, TypeId};
use crate::lookup::Lookup;
use crate::name::Name;
use crate::order;
use crate::target::{Module, Target};

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

/// What a section calls the kernel itself, where it names a module.
const VMLINUX: &str = "vmlinux";

/// Looks types up on a target, and remembers which modules could not be looked at.
pub(super) struct TypeLookup<'a> {
    target: &'a Target,
    /// What is told of those that could not be looked at.
    left_out: RefCell<Lookup<Name, String>>,
}

impl<'a> TypeLookup<'a> {
    pub fn new(target: &'a Target) -> TypeLookup<'a> {
        TypeLookup {
            target,
            left_out: RefCell::default(),
        }
    }

    /// The first type of that name: vmlinux, then modules by name up to the one that
    /// has it. Modules behind that one are not read.
    pub fn find(&self, name: &[u8], kind: Kind) -> Result<Option<Found>, String> {
        if let Some(found) = self.find_in_vmlinux(name, kind)? {
            return Ok(Some(found));
        }
        let modules = self.target.modules().map_err(|error| error.to_string())?;
        let mut usable = modules.iter().filter_map(|module| {
            let btf = self.btf_of(module)?;
            Some((module.name(), btf))
        });
        Ok(usable.find_map(|(module, btf)| first(btf, name, kind, Some(module))))
    }

    /// The type of that name in `module`, which may be vmlinux; no other one is read.
    pub fn find_in(&self, module: &Name, name: &[u8], kind: Kind) -> Result<Option<Found>, String> {
        if *module == VMLINUX {
            return self.find_in_vmlinux(name, kind);
        }
        let modules = self.target.modules().map_err(|error| error.to_string())?;
        let Some(module) = modules.iter().find(|known| known.name() == module) else {
            return Ok(None);
        };
        let btf = module.btf_or_warning()?;
        Ok(first(btf, name, kind, Some(module.name())))
    }

    fn find_in_vmlinux(&self, name: &[u8], kind: Kind) -> Result<Option<Found>, String> {
        let vmlinux = self.target.vmlinux().map_err(|error| error.to_string())?;
        Ok(first(&vmlinux, name, kind, None))
    }

    fn btf_of<'m>(&self, module: &'m Module) -> Option<&'m Arc<Btf>> {
        let mut left_out = self.left_out.borrow_mut();
        if left_out.contains(module.name()) {
            return None;
        }
        match module.btf_or_warning() {
            Ok(btf) => Some(btf),
            Err(warning) => {
                left_out.or_insert(module.name().clone(), warning);
                None
            }
        }
    }

    /// The modules that could not be looked at, each told once, by their names.
    pub fn take_warnings(&self) -> Vec<String> {
        let mut left_out: Vec<(Name, String)> = self.left_out.take().into_iter().collect();
        order::by_bytes(&mut left_out, |(name, _)| name.as_bytes());
        left_out.into_iter().map(|(_, warning)| warning).collect()
    }
}

fn first(btf: &Arc<Btf>, name: &[u8], kind: Kind, module: Option<&Name>) -> Option<Found> {
    Some(Found {
        id: btf.named_exact(name, &[kind]).next()?,
        btf: btf.clone(),
        module: module.cloned(),
    })
}
