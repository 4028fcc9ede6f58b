//! A variable from the object's layout into the kernel's, member by member.
//!
//! The checks are those of libbpf's bpf_map__init_kern_struct_ops.

use super::budget::Budget;
use super::kernel::{KernelTypes, Members, member_name};
use super::{KernelMember, KernelStructOps, StructOpsError, StructOpsMember};
use crate::btf::{Btf, BtfError, Kind, Member, Type, TypeId};
use crate::elf::{FunctionAddress, StructOps};
use crate::name::Name;

/// The variable as the target's kernel wants it.
pub(super) fn convert(
    local: &Btf,
    variable: &StructOps,
    types: &KernelTypes,
    budget: &mut Budget,
) -> Result<KernelStructOps, StructOpsError> {
    let ty = local
        .type_by_id(variable.type_id)
        .map_err(|error| StructOpsError::Target(error.to_string()))?;
    budget.take(&variable.type_name, ty.vlen())?;
    budget.take_bytes(&types.name, types.value_size)?;
    let mut work = Conversion {
        local,
        variable,
        types,
        kernel_members: types.members(budget)?,
        value: vec![0; types.value_size as usize],
    };
    let members = (0u32..)
        .zip(ty.members())
        .map(|(number, member)| work.member(number, &member))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(KernelStructOps {
        type_name: types.name.clone(),
        type_id: types.id,
        module: types.module.clone().unwrap_or_default(),
        value_type_id: types.value_id,
        data_offset: types.data_offset,
        value: work.value,
        members,
    })
}

struct Conversion<'a> {
    local: &'a Btf,
    variable: &'a StructOps,
    types: &'a KernelTypes,
    kernel_members: Members<'a>,
    value: Vec<u8>,
}

impl<'a> Conversion<'a> {
    fn member(&mut self, number: u32, member: &Member) -> Result<StructOpsMember, StructOpsError> {
        let raw_name = member_name(self.local, member);
        let name = Name::new(raw_name);
        let size = size_of(self.local, member.type_id, &name)?;
        let offset = member.bit_offset / 8;
        let program = self.program(number);
        let known = self.kernel_members.get(raw_name).copied();
        let is_zero = program.is_none() && self.is_zero(&name, offset, size)?;
        let kernel = match known {
            // Nothing to say, and nobody to say it to.
            None if is_zero => None,
            None => return Err(StructOpsError::NoMember { member: name }),
            Some((_, there)) if member.bitfield_size != 0 || there.bitfield_size != 0 => {
                match is_zero {
                    true => None,
                    false => return Err(StructOpsError::Bitfield { member: name }),
                }
            }
            Some((index, there)) => {
                let place = Place {
                    name: &name,
                    offset,
                    size,
                };
                Some(self.known_member(place, member, program.is_some(), index, &there)?)
            }
        };
        Ok(StructOpsMember {
            name,
            offset,
            size,
            program,
            kernel,
        })
    }

    fn known_member(
        &mut self,
        here: Place<'_>,
        member: &Member,
        holds_program: bool,
        index: u32,
        there: &Member,
    ) -> Result<KernelMember, StructOpsError> {
        let name = here.name;
        let kernel_btf = &*self.types.btf;
        let local = resolve(self.local, member.type_id, name)?;
        let kernel = resolve(kernel_btf, there.type_id, name)?;
        if local.kind() != kernel.kind() {
            return Err(StructOpsError::Kind {
                member: name.clone(),
                local: local.kind(),
                kernel: kernel.kind(),
            });
        }
        let size = size_of(kernel_btf, there.type_id, name)?;
        let outside = || StructOpsError::Outside {
            member: name.clone(),
        };
        let offset = self.types.data_offset.checked_add(there.bit_offset / 8);
        let offset = offset.ok_or_else(outside)?;
        if local.kind() == Kind::Ptr {
            self.check_pointer(&here, holds_program, &kernel)?;
            // Room for what the loader fills in.
            range(&mut self.value, offset, size).ok_or_else(outside)?;
        } else {
            if here.size != size {
                return Err(StructOpsError::Size {
                    member: name.clone(),
                    local: here.size,
                    kernel: size,
                });
            }
            let from = self.contents(name, here.offset, here.size)?;
            let to = range(&mut self.value, offset, size).ok_or_else(outside)?;
            to.copy_from_slice(from);
        }
        Ok(KernelMember {
            index,
            offset,
            size,
        })
    }

    /// Pointers stay NULL: only programs go there, and those are the loader's.
    fn check_pointer(
        &self,
        here: &Place<'_>,
        holds_program: bool,
        kernel: &Type<'_>,
    ) -> Result<(), StructOpsError> {
        let member = || here.name.clone();
        if !holds_program {
            return match self.is_zero(here.name, here.offset, here.size)? {
                true => Ok(()),
                false => Err(StructOpsError::NotProgram { member: member() }),
            };
        }
        match resolve(&self.types.btf, kernel.target(), here.name)?.kind() {
            Kind::FuncProto => Ok(()),
            _ => Err(StructOpsError::NotFunction { member: member() }),
        }
    }

    /// The program that a relocation puts into the member.
    fn program(&self, member: u32) -> Option<FunctionAddress> {
        let functions = &self.variable.functions;
        let place = functions.binary_search_by_key(&member, |f| f.member).ok()?;
        functions.get(place).map(|function| function.function)
    }

    fn is_zero(&self, name: &Name, offset: u32, size: u64) -> Result<bool, StructOpsError> {
        let bytes = self.contents(name, offset, size)?;
        Ok(bytes.iter().all(|&byte| byte == 0))
    }

    fn contents(&self, name: &Name, offset: u32, size: u64) -> Result<&'a [u8], StructOpsError> {
        let found = usize::try_from(size).ok().and_then(|size| {
            let tail = self.variable.contents.get(offset as usize..)?;
            tail.get(..size)
        });
        found.ok_or_else(|| StructOpsError::Outside {
            member: name.clone(),
        })
    }
}

/// Where a member lies in the object's layout.
struct Place<'a> {
    name: &'a Name,
    offset: u32,
    size: u64,
}

fn range(value: &mut [u8], offset: u32, size: u64) -> Option<&mut [u8]> {
    value
        .get_mut(offset as usize..)?
        .get_mut(..usize::try_from(size).ok()?)
}

fn size_of(btf: &Btf, id: TypeId, name: &Name) -> Result<u64, StructOpsError> {
    btf.size_of(id).map_err(|error| unusable(id, name, error))
}

fn resolve<'b>(btf: &'b Btf, id: TypeId, name: &Name) -> Result<Type<'b>, StructOpsError> {
    btf.resolve(id).map_err(|error| unusable(id, name, error))
}

fn unusable(id: TypeId, name: &Name, error: BtfError) -> StructOpsError {
    StructOpsError::Type {
        member: name.clone(),
        id,
        error,
    }
}
