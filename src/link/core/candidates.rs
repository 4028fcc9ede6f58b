//! Which types of the target may a local type stand for?
//!
//! Those of the same essential name and kind. The kernel's own BTF comes first;
//! modules are asked only where it has none.

use std::sync::Arc;

use super::CoreFault;
use super::compat::same_kind;
use crate::btf::{Btf, Kind, Type, TypeId, essential_name};
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
}

impl Candidate {
    pub(super) fn btf(&self) -> &Btf {
        &self.origin.btf
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

    /// The candidates for `local`, in the order of the target's modules and ids.
    pub(super) fn candidates(&mut self, local: &Type<'_>) -> Result<Vec<Candidate>, CoreFault> {
        let (kind, name) = (local.kind(), essential_name(local.name()?));
        let mut found = Vec::new();
        // What is only declared says nothing about any layout.
        if kind == Kind::Fwd {
            return Ok(found);
        }
        let vmlinux = self.vmlinux()?;
        if vmlinux.btf.endian() != local.btf().endian() {
            return Err(CoreFault::ByteOrder);
        }
        add_candidates(vmlinux, name, kind, &mut found)?;
        if found.is_empty() {
            for module in self.modules()? {
                add_candidates(module, name, kind, &mut found)?;
            }
        }
        Ok(found)
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
    for id in origin.btf.named(name) {
        if same_kind(origin.btf.type_by_id(id)?.kind(), kind) {
            found.push(Candidate {
                origin: origin.clone(),
                id,
            });
        }
    }
    Ok(())
}
