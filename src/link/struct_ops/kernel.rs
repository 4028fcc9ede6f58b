//! The kernel's side of a `struct_ops` variable: which types are meant.

use std::sync::Arc;

use super::StructOpsError;
use super::budget::Budget;
use crate::btf::{Btf, Kind, Member, TypeId, essential_name};
use crate::link::kernel_type::TypeLookup;
use crate::lookup::Lookup;
use crate::name::Name;

/// What the kernel calls the value of the map.
const VALUE_PREFIX: &[u8] = b"bpf_struct_ops_";

/// The types of one struct_ops interface.
pub(super) struct KernelTypes {
    pub btf: Arc<Btf>,
    pub module: Option<Name>,
    /// The struct's name, without a flavour.
    pub name: Name,
    /// The struct.
    pub id: TypeId,
    /// `struct bpf_struct_ops_NAME`, the map's value.
    pub value_id: TypeId,
    /// Its size, bytes.
    pub value_size: u32,
    /// Where in the value the struct lies, bytes.
    pub data_offset: u32,
}

impl KernelTypes {
    /// The types for a local struct's name, as libbpf looks for them: the value's first,
    /// in vmlinux, then in modules; the struct in the same BTF or its base.
    pub fn find(lookup: &TypeLookup<'_>, local: &Name) -> Result<KernelTypes, StructOpsError> {
        let essential = essential_name(local.as_bytes());
        let name = Name::new(essential);
        let value_name = [VALUE_PREFIX, essential].concat();
        let value = lookup
            .find(&value_name, Kind::Struct)
            .map_err(StructOpsError::Target)?
            .ok_or_else(|| StructOpsError::Unknown(name.clone()))?;
        let no_data = || StructOpsError::NoData(name.clone());
        let btf = value.btf;
        let ty = btf.type_by_id(value.id).map_err(|_| no_data())?;
        // The kernel's own come with two members; a hostile one must not take long.
        let members: Vec<Member> = ty.members().take(MAX_VALUE_MEMBERS).collect();
        let candidates = structs(&btf, essential);
        let data = members
            .iter()
            .find(|member| candidates.contains(&member.type_id))
            .ok_or_else(no_data)?;
        Ok(KernelTypes {
            module: value.module,
            id: data.type_id,
            value_id: value.id,
            value_size: ty.size(),
            data_offset: data.bit_offset / 8,
            name,
            btf: btf.clone(),
        })
    }

    /// The struct's members by name; of two of one name, the first one counts.
    pub fn members(&self, budget: &mut Budget) -> Result<Members<'_>, StructOpsError> {
        let ty = self.btf.type_by_id(self.id);
        let ty = ty.map_err(|_| StructOpsError::NoData(self.name.clone()))?;
        budget.take(&self.name, ty.vlen())?;
        let mut members = Lookup::default();
        for (number, member) in (0u32..).zip(ty.members()) {
            members.or_insert(member_name(&self.btf, &member), (number, member));
        }
        Ok(members)
    }
}

/// Members with their numbers, by name.
pub(super) type Members<'a> = Lookup<&'a [u8], (u32, Member)>;

const MAX_VALUE_MEMBERS: usize = 64;
const MAX_STRUCTS: usize = 64;
/// Longer names are none of a kernel's.
const MAX_NAME: usize = 512;

fn structs(btf: &Btf, name: &[u8]) -> Vec<TypeId> {
    let base = btf.base().map(|base| &**base);
    let all = base.into_iter().chain([btf]);
    all.flat_map(|btf| btf.named_exact(name, &[Kind::Struct]))
        .take(MAX_STRUCTS)
        .collect()
}

/// The name of a member; empty where it has none, or one that no kernel would take.
pub(super) fn member_name<'a>(btf: &'a Btf, member: &Member) -> &'a [u8] {
    let name = btf.short_string(member.name_off).unwrap_or_default();
    if name.len() <= MAX_NAME { name } else { &[] }
}
