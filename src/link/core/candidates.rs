//! Which types of the target may a local type stand for?
//!
//! Those of the same essential name and kind. The kernel's own BTF comes first;
//! modules are asked only where it has none.

use std::sync::Arc;

use super::CoreFault;
use super::compat::same_kind;
use crate::btf::{Btf, BtfError, Kind, Type, TypeId, TypePlace};
use crate::name::Name;
use crate::target::Target;

/// A BTF of the target.
#[derive(Debug)]
pub(super) struct Origin {
    pub btf: Arc<Btf>,
    /// The module's name; `None` for vmlinux.
    pub module: Option<Name>,
}

impl Origin {
    pub(super) fn name(&self) -> String {
        match &self.module {
            Some(module) => format!("module {module}"),
            None => "vmlinux".to_owned(),
        }
    }
}

/// A type of the target.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub origin: Arc<Origin>,
    pub id: TypeId,
    /// Where it leads, modifiers and typedefs skipped; `None` where that is an error.
    resolved: Option<TypePlace>,
}

impl Candidate {
    pub(super) fn btf(&self) -> &Btf {
        &self.origin.btf
    }

    /// The type, modifiers and typedefs skipped.
    #[inline]
    pub(super) fn resolved(&self) -> Result<Type<'_>, BtfError> {
        match self.resolved {
            Some(place) => self.btf().type_at(place),
            None => self.btf().resolve(self.id),
        }
    }
}

/// The target's BTFs, each loaded when it is first needed.
pub(super) struct Origins<'a> {
    target: &'a Target,
    vmlinux: Option<Arc<Origin>>,
    modules: Option<Vec<Arc<Origin>>>,
    warnings: Vec<String>,
}

impl<'a> Origins<'a> {
    pub(super) fn new(target: &'a Target) -> Origins<'a> {
        Origins {
            target,
            vmlinux: None,
            modules: None,
            warnings: Vec::new(),
        }
    }

    /// Adds the candidates for `local`, whose essential name is `name`, in the order of the
    /// target's modules and ids.
    pub(super) fn add_candidates(
        &mut self,
        local: &Type<'_>,
        name: &[u8],
        found: &mut Vec<Candidate>,
    ) -> Result<(), CoreFault> {
        let (kind, before) = (local.kind(), found.len());
        // What is only declared says nothing about any layout.
        if kind == Kind::Fwd {
            return Ok(());
        }
        let vmlinux = self.vmlinux()?;
        if vmlinux.btf.endian() != local.btf().endian() {
            return Err(CoreFault::ByteOrder);
        }
        add_candidates(vmlinux, name, kind, found)?;
        if found.len() == before {
            for module in self.modules()? {
                add_candidates(module, name, kind, found)?;
            }
        }
        Ok(())
    }

    /// The modules that could not be looked at.
    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn vmlinux(&mut self) -> Result<&Arc<Origin>, CoreFault> {
        let origin = match self.vmlinux.take() {
            Some(origin) => origin,
            None => Arc::new(Origin {
                btf: self.target.vmlinux()?,
                module: None,
            }),
        };
        Ok(self.vmlinux.insert(origin))
    }

    fn modules(&mut self) -> Result<&[Arc<Origin>], CoreFault> {
        let origins = match self.modules.take() {
            Some(origins) => origins,
            None => self.read_modules()?,
        };
        Ok(self.modules.insert(origins))
    }

    /// All of them: any may have a candidate.
    fn read_modules(&mut self) -> Result<Vec<Arc<Origin>>, CoreFault> {
        let mut origins = Vec::new();
        for module in self.target.modules()?.iter() {
            match module.btf_or_warning() {
                Ok(btf) => origins.push(Arc::new(Origin {
                    btf: btf.clone(),
                    module: Some(module.name().clone()),
                })),
                Err(warning) => self.warnings.push(warning),
            }
        }
        Ok(origins)
    }
}

fn add_candidates(
    origin: &Arc<Origin>,
    name: &[u8],
    kind: Kind,
    found: &mut Vec<Candidate>,
) -> Result<(), CoreFault> {
    let btf = &origin.btf;
    for ty in btf.types_named(name) {
        if same_kind(ty.kind(), kind) {
            found.push(Candidate {
                origin: origin.clone(),
                id: ty.id(),
                resolved: btf.resolve_type(ty).ok().map(|ty| ty.found_at()),
            });
        }
    }
    Ok(())
}
