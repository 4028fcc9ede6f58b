//! What an instruction becomes that refers to a symbol of the kernel.

use super::Job;
use crate::elf::ExternKind;
use crate::insn::Insn;
use crate::insn::opcode::*;
use crate::link::LinkError;
use crate::link::core::POISON_HELPER;
use crate::link::externs::Resolved;
use crate::link::kernel_type::KernelType;
use crate::link::reference::{ProgramReference, ReferenceKind};
use crate::name::Name;

/// The modules whose functions a program calls, in the order of their first call:
/// their BTF goes into fd_array from index 1 on (0 is vmlinux).
#[derive(Default)]
pub(super) struct ModuleTable(Vec<Name>);

impl ModuleTable {
    /// The kernel takes 256 at most; an index is what fits a call's 16-bit offset.
    fn index(&mut self, module: &Name) -> Option<i16> {
        let known = self.0.iter().position(|name| name == module);
        let position = known.unwrap_or_else(|| {
            self.0.push(module.clone());
            self.0.len() - 1
        });
        i16::try_from(position).ok()?.checked_add(1)
    }
}

impl Job<'_, '_> {
    /// Resolves the extern of that number at a call, or at a load of 64 bits whose other
    /// half is `second`; writes what is known of it into `listed`.
    pub(super) fn resolve_extern(
        &mut self,
        (index, addend): (u32, i64),
        first: &mut Insn,
        second: Option<&mut Insn>,
        listed: &mut ProgramReference,
    ) -> Result<(), LinkError> {
        let resolved = self.externs.resolve(index)?;
        match second {
            None => self.extern_call(resolved, first, listed),
            Some(second) => self.extern_load(resolved, addend, first, second, listed),
        }
    }

    fn extern_call(
        &mut self,
        resolved: Resolved,
        call: &mut Insn,
        listed: &mut ProgramReference,
    ) -> Result<(), LinkError> {
        match resolved {
            Resolved::Function(found) => {
                let index = match &found.module {
                    Some(module) => self.modules.index(module),
                    None => Some(0),
                };
                call.off = index.ok_or(LinkError::TooManyModules)?;
                call.imm = found.id as i32;
                call.set_src(PSEUDO_KFUNC_CALL);
                listed.kind = ReferenceKind::Kfunc;
                listed.fd_array_index = call.off.unsigned_abs();
                describe(found, listed);
                Ok(())
            }
            // Guarded by bpf_ksym_exists, the call is dead code that the verifier drops.
            Resolved::AbsentFunction => {
                *call = Insn::new(CALL, 0, 0, 0, POISON_HELPER);
                listed.resolved = true;
                Ok(())
            }
            Resolved::Variable(_) | Resolved::Address(_) | Resolved::Kconfig(_) => {
                Err(LinkError::NotReferring {
                    name: listed.name.clone(),
                    code: call.code,
                })
            }
        }
    }

    fn extern_load(
        &mut self,
        resolved: Resolved,
        addend: i64,
        first: &mut Insn,
        second: &mut Insn,
        listed: &mut ProgramReference,
    ) -> Result<(), LinkError> {
        match resolved {
            Resolved::Function(found) | Resolved::Variable(found) => {
                if addend != 0 {
                    return Err(LinkError::Addend {
                        name: listed.name.clone(),
                        addend,
                    });
                }
                first.set_src(PSEUDO_BTF_ID);
                first.imm = found.id as i32;
                second.imm = 0;
                listed.kind = ReferenceKind::BtfId;
                describe(found, listed);
            }
            Resolved::Address(address) => {
                // A weak symbol that is not there stays NULL.
                let addend = if address == 0 { 0 } else { addend };
                let value = address.wrapping_add_signed(addend);
                first.imm = value as i32;
                second.imm = (value >> 32) as i32;
                listed.kind = ReferenceKind::Ksym;
                listed.resolved = true;
            }
            Resolved::AbsentFunction => {
                first.imm = 0;
                second.imm = 0;
                listed.resolved = true;
            }
            Resolved::Kconfig(offset) => {
                let map = self.kconfig_map(&listed.name)?;
                let fd = self.map_fd(map)?;
                let offset = i64::from(offset).saturating_add(addend);
                first.set_src(PSEUDO_MAP_VALUE);
                first.imm = fd.unwrap_or(0);
                second.imm = i32::try_from(offset).map_err(|_| LinkError::Addend {
                    name: listed.name.clone(),
                    addend,
                })?;
                listed.kind = ReferenceKind::MapValue;
                listed.name = Name::from(".kconfig");
                listed.offset = offset;
                listed.map = Some(map);
                listed.resolved = fd.is_some();
            }
        }
        Ok(())
    }

    fn kconfig_map(&self, name: &Name) -> Result<u32, LinkError> {
        let maps = self.program.object.maps();
        let index = maps
            .iter()
            .position(|map| map.origin == crate::elf::MapOrigin::Kconfig);
        let index = index.and_then(|index| u32::try_from(index).ok());
        index.ok_or_else(|| LinkError::UnresolvedExtern {
            what: "kernel configuration value",
            name: name.clone(),
            why: "the object has no map for it".into(),
        })
    }
}

/// Of vmlinux there is nothing left to do; of a module its BTF file descriptor.
fn describe(found: KernelType, listed: &mut ProgramReference) {
    listed.type_id = found.id;
    listed.resolved = found.module.is_none();
    listed.module = found.module.unwrap_or_default();
}

/// What an extern that nobody has looked up yet is called in a list of references.
pub(in crate::link) fn kind_of(kind: Option<ExternKind>) -> ReferenceKind {
    match kind {
        Some(ExternKind::Kfunc) => ReferenceKind::Kfunc,
        Some(ExternKind::Ksym) => ReferenceKind::Ksym,
        Some(ExternKind::Kconfig) => ReferenceKind::MapValue,
        Some(ExternKind::Unknown) | None => ReferenceKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_have_indices_from_one_on_as_far_as_an_offset_goes() {
        let mut table = ModuleTable::default();
        let name = |number: usize| Name::from(format!("m{number}").as_str());
        assert_eq!(table.index(&name(0)), Some(1));
        assert_eq!(table.index(&name(1)), Some(2));
        assert_eq!(table.index(&name(0)), Some(1));
        // The search for a name is linear: enough that the rest is filled in.
        table
            .0
            .resize(usize::from(i16::MAX.unsigned_abs()), name(2));
        assert_eq!(table.index(&name(1)), Some(2));
        assert_eq!(table.index(&name(3)), None);
    }
}
