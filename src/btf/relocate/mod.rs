//! Split BTF moved from a distilled base onto a real one.
//!
//! A module that is built apart from its kernel carries, in `.BTF.base`, just the
//! types of the kernel that its own BTF mentions: named, and without their members.
//! Each is looked for in the BTF of the kernel that there is, and the module's ids
//! and names are written anew (Linux 6.11, kernel/bpf/btf_relocate.c).

mod fields;
mod matching;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::write::{Draft, Writer};
use super::{Btf, BtfError, TypeId};
use crate::lookup::Lookup;
use fields::{Field, for_each_field};

/// The same split BTF over `base`. What it is split over must be a distilled base,
/// each type of which `base` has exactly once; the bytes are new.
pub fn relocate(split: &Btf, base: Arc<Btf>) -> Result<Btf, BtfError> {
    let Some(distilled) = split.base() else {
        return Err(malformed("only split BTF has a base to be moved from"));
    };
    if distilled.base().is_some() || base.base().is_some() {
        return Err(malformed("a base is no split BTF itself"));
    }
    if distilled.endian() != base.endian() {
        return Err(BtfError::BaseByteOrder);
    }
    let ids = matching::map_ids(split, distilled, &base)?;
    let moved = Moved::new(split, distilled, &base, ids)?;
    let mut writer = Writer::new(split.endian(), split.string_bytes());
    for ty in split.own_types() {
        let mut draft = Draft::of(&ty)?;
        for_each_field(ty.id(), &mut draft, |field, value| {
            *value = match field {
                Field::Id => moved.id(*value)?,
                Field::Name => moved.name(*value)?,
            };
            Ok(())
        })?;
        writer.push(&draft);
    }
    Btf::parse(writer.finish()?, Some(base))
}

fn malformed(what: &str) -> BtfError {
    BtfError::Malformed(what.to_owned())
}

/// Where ids and names went.
struct Moved<'a> {
    split: &'a Btf,
    /// For each type of the distilled base its id in the real one.
    ids: Vec<TypeId>,
    /// The names of those types: offset in the distilled base → in the real one.
    names: Lookup<u32, u32>,
    first_id: TypeId,
    first_string: u32,
}

impl<'a> Moved<'a> {
    fn new(
        split: &'a Btf,
        distilled: &Btf,
        base: &Btf,
        ids: Vec<TypeId>,
    ) -> Result<Moved<'a>, BtfError> {
        let mut names = Lookup::default();
        for (ty, &id) in distilled.own_types().zip(ids.iter().skip(1)) {
            names.insert(ty.name_off(), base.type_by_id(id)?.name_off());
        }
        Ok(Moved {
            split,
            ids,
            names,
            first_id: base.type_count(),
            first_string: base.string_end()?,
        })
    }

    fn id(&self, old: TypeId) -> Result<TypeId, BtfError> {
        let count = self.split.type_count();
        if old >= count {
            return Err(BtfError::NoType { id: old, count });
        }
        match old.checked_sub(self.split.first_id()) {
            Some(own) => self.first_id.checked_add(own).ok_or(BtfError::TooLarge),
            None => self
                .ids
                .get(old as usize)
                .copied()
                .ok_or(BtfError::NoType { id: old, count }),
        }
    }

    /// A distilled base has no other strings than the names of its types.
    fn name(&self, old: u32) -> Result<u32, BtfError> {
        match old.checked_sub(self.split.first_string()) {
            _ if old == 0 => Ok(0),
            Some(own) => self.first_string.checked_add(own).ok_or(BtfError::TooLarge),
            None => self.names.get(&old).copied().ok_or(BtfError::NoName(old)),
        }
    }
}
