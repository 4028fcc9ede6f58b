//! Which member of which kernel struct each program is. It can be one only: the
//! verifier checks it against that member's prototype.

use std::sync::Arc;

use super::{KernelStructOps, StructOpsError};
use crate::elf::{FunctionAddress, Object, StructOps};
use crate::error::Error;
use crate::link::kernel_type::KernelType;
use crate::lookup::Lookup;
use crate::name::Name;

/// What a program serves as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::link) struct Use {
    pub ty: KernelType,
    pub type_name: Name,
    pub member: u32,
    pub member_name: Name,
}

/// What programs serve as, and why some do not.
#[derive(Debug, Default)]
pub(in crate::link) struct Uses {
    found: Lookup<FunctionAddress, Use>,
    /// Programs of variables that the target does not take, and the reason.
    failed: Lookup<FunctionAddress, Arc<str>>,
}

impl Uses {
    /// Takes the programs of a variable, all or none.
    pub(super) fn add(
        &mut self,
        object: &Object,
        kernel: KernelStructOps,
    ) -> Result<KernelStructOps, StructOpsError> {
        let mut taken: Lookup<FunctionAddress, Use> = Lookup::default();
        for member in &kernel.members {
            let (Some(program), Some(there)) = (member.program, member.kernel) else {
                continue;
            };
            let wanted = Use {
                ty: KernelType {
                    id: kernel.type_id,
                    module: Some(kernel.module.clone()).filter(|module| !module.is_empty()),
                },
                type_name: kernel.type_name.clone(),
                member: there.index,
                member_name: member.name.clone(),
            };
            let known = self.found.get(&program).or_else(|| taken.get(&program));
            if let Some(known) = known.filter(|known| **known != wanted) {
                return Err(StructOpsError::Reused {
                    member: member.name.clone(),
                    program: object.function_name(program).cloned().unwrap_or_default(),
                    used: format!("{}.{}", known.type_name, known.member_name),
                });
            }
            taken.or_insert(program, wanted);
        }
        for (program, wanted) in taken {
            self.found.or_insert(program, wanted);
        }
        Ok(kernel)
    }

    pub(super) fn fail(&mut self, variable: &StructOps, error: &Error) {
        let why = format!("struct_ops variable {}: {}", variable.name, error.cause());
        let why: Arc<str> = why.into();
        for function in &variable.functions {
            self.failed.or_insert(function.function, why.clone());
        }
    }

    /// What a program serves as, or why as nothing.
    pub(in crate::link) fn of(&self, program: FunctionAddress) -> Result<&Use, Arc<str>> {
        self.found.get(&program).ok_or_else(|| {
            let why = self.failed.get(&program).cloned();
            why.unwrap_or_else(|| "no struct_ops variable holds this program".into())
        })
    }
}
