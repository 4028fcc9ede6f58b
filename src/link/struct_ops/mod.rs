//! Variables of `.struct_ops`: what a loader needs to register one with the target.
//!
//! | question | file |
//! | --- | --- |
//! | which types of the kernel are meant | `kernel` |
//! | what is the value in the kernel's layout | `convert` |
//! | which member is each program | `uses` |
//!
//! A variable that the target cannot take has its error; programs stand all the same,
//! and other variables too.

mod budget;
mod convert;
mod error;
mod kernel;
mod uses;

use super::{LinkError, Programs};
use crate::btf::TypeId;
use crate::elf::{FunctionAddress, Object, StructOps};
use crate::error::{Error, Result, Site};
use crate::link::kernel_type::TypeLookup;
use crate::name::Name;
use budget::Budget;
use kernel::KernelTypes;

pub use error::StructOpsError;
pub(super) use uses::Uses;

/// A `struct_ops` variable as the target's kernel wants it: what BPF_MAP_CREATE of a
/// BPF_MAP_TYPE_STRUCT_OPS and BPF_MAP_UPDATE_ELEM need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelStructOps {
    /// The kernel's struct, without a flavour.
    pub type_name: Name,
    /// Its type id: attach_btf_id of the programs.
    pub type_id: TypeId,
    /// The module whose BTF has the types; empty for vmlinux.
    pub module: Name,
    /// `struct bpf_struct_ops_NAME`: btf_vmlinux_value_type_id of the map.
    pub value_type_id: TypeId,
    /// Where in the value the struct starts, bytes.
    pub data_offset: u32,
    /// The value, in the kernel's layout and the object's byte order; all zeros where
    /// the file descriptors of programs go. Its length is the map's value_size.
    pub value: Vec<u8>,
    /// The members of the local struct, in its order.
    pub members: Vec<StructOpsMember>,
}

/// A member of a `struct_ops` variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructOpsMember {
    /// Its name; empty for an anonymous one.
    pub name: Name,
    /// Its offset in the object's struct, bytes.
    pub offset: u32,
    /// Its size there, bytes.
    pub size: u64,
    /// The program that it holds.
    pub program: Option<FunctionAddress>,
    /// Where the kernel has it; `None` for a zero one that the kernel lacks.
    pub kernel: Option<KernelMember>,
}

/// Where the kernel has a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelMember {
    /// Its number in the kernel's struct: expected_attach_type of its program.
    pub index: u32,
    /// Its offset in the map's value, bytes: where the file descriptor of its program goes.
    pub offset: u32,
    /// Its size, bytes.
    pub size: u64,
}

/// What the variables of an object became, and which member each program is.
pub(super) struct Resolved {
    pub variables: Vec<Result<KernelStructOps>>,
    pub uses: Uses,
}

impl Resolved {
    /// A variable that is to be registered and cannot be.
    pub(super) fn warnings(&self, object: &Object) -> Vec<String> {
        let variables = object.struct_ops().iter().zip(&self.variables);
        variables
            .filter(|(variable, _)| !variable.optional)
            .filter_map(|(_, made)| made.as_ref().err().map(Error::to_string))
            .collect()
    }
}

/// Makes every variable for the target. Those that are registered without being asked
/// for come first where two want one program as different members, as with libbpf;
/// else their order.
pub(super) fn resolve(object: &Object, lookup: &TypeLookup<'_>) -> Resolved {
    let mut budget = Budget::new();
    let mut uses = Uses::default();
    let variables = object.struct_ops();
    let mut made: Vec<Option<Result<KernelStructOps>>> = vec![None; variables.len()];
    for optional in [false, true] {
        for (variable, slot) in variables.iter().zip(&mut made) {
            if variable.optional != optional {
                continue;
            }
            let result = make(object, lookup, variable, &mut budget)
                .and_then(|kernel| uses.add(object, kernel))
                .map_err(|error| {
                    let error = Error::new(site(object, variable), LinkError::from(error));
                    uses.fail(variable, &error);
                    error
                });
            *slot = Some(result);
        }
    }
    Resolved {
        variables: made.into_iter().flatten().collect(),
        uses,
    }
}

fn make(
    object: &Object,
    lookup: &TypeLookup<'_>,
    variable: &StructOps,
    budget: &mut Budget,
) -> Result<KernelStructOps, StructOpsError> {
    let types = KernelTypes::find(lookup, &variable.type_name)?;
    // Never without: the variable was read from it.
    let local = object
        .btf()
        .ok_or_else(|| StructOpsError::Target("the object has no BTF".into()))?;
    convert::convert(local, variable, &types, budget)
}

fn site(object: &Object, variable: &StructOps) -> Site {
    Site {
        object: Some(object.name().clone()),
        section: Some(variable.section.clone()),
        symbol: Some(variable.name.clone()),
        ..Site::default()
    }
}

impl Programs {
    /// What finalize made of each variable of [`Object::struct_ops`] for its target, in
    /// their order; empty before finalize.
    pub fn struct_ops(&self) -> &[Result<KernelStructOps>] {
        &self.struct_ops
    }
}
