//! TYPE_MATCHES: does the target's type have all that the object's type has, in depth?
//!
//! Every member, value and parameter of the local type must be there, by name,
//! with a type that matches in turn. Behind a pointer only kind and name count.

use super::CoreFault;
use super::budget::Budget;
use super::compat::{MAX_DEPTH, Pair, elements};
use crate::btf::{Btf, Kind, MAX_CHAIN, Type, TypeId, essential_name};
use crate::order;

/// Whether the type `local_id` matches the target's `target_id`, whose names agree.
pub(super) fn types_match(
    local: &Btf,
    local_id: TypeId,
    target: &Btf,
    target_id: TypeId,
    budget: &mut Budget,
) -> Result<bool, CoreFault> {
    let mut matcher = Matcher {
        local,
        target,
        budget,
    };
    matcher.types(local_id, target_id, false, MAX_DEPTH)
}

struct Matcher<'a, 'b> {
    local: &'a Btf,
    target: &'a Btf,
    budget: &'b mut Budget,
}

impl<'a> Matcher<'a, '_> {
    fn types(
        &mut self,
        mut local_id: TypeId,
        mut target_id: TypeId,
        mut behind_pointer: bool,
        depth: usize,
    ) -> Result<bool, CoreFault> {
        if depth == 0 {
            return Err(CoreFault::TooDeep(MAX_DEPTH));
        }
        for _ in 0..MAX_CHAIN {
            self.budget.step()?;
            let pair = Pair::resolve((self.local, local_id), (self.target, target_id))?;
            if !same_name(pair.local.name()?, pair.target.name()?) {
                return Ok(false);
            }
            let (local, target) = (pair.local.kind(), pair.target.kind());
            match local {
                Kind::Ptr if target == local => {
                    behind_pointer = true;
                    (local_id, target_id) = (pair.local.target(), pair.target.target());
                }
                Kind::Array if target == local => {
                    if pair.local.array().map(|a| a.count) != pair.target.array().map(|a| a.count) {
                        return Ok(false);
                    }
                    (local_id, target_id) = elements(&pair.local, &pair.target)?;
                }
                Kind::FuncProto if target == local => {
                    if !self.params(&pair, behind_pointer, depth - 1)? {
                        return Ok(false);
                    }
                    // What it returns is compared by the next round.
                    (local_id, target_id) = (pair.local.target(), pair.target.target());
                }
                Kind::Struct | Kind::Union if !behind_pointer => {
                    return match target == local {
                        true => self.members(&pair, depth - 1),
                        false => Ok(false),
                    };
                }
                Kind::Enum | Kind::Enum64 if target.is_any_enum() => return self.values(&pair),
                _ => return Ok(leaves_match(&pair, behind_pointer)),
            }
        }
        Err(CoreFault::TooDeep(MAX_CHAIN))
    }

    fn params(
        &mut self,
        pair: &Pair<'a>,
        behind_pointer: bool,
        depth: usize,
    ) -> Result<bool, CoreFault> {
        if pair.local.vlen() != pair.target.vlen() {
            return Ok(false);
        }
        for (a, b) in pair.local.params().zip(pair.target.params()) {
            if !self.types(a.type_id, b.type_id, behind_pointer, depth)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn members(&mut self, pair: &Pair<'a>, depth: usize) -> Result<bool, CoreFault> {
        if pair.local.vlen() > pair.target.vlen() {
            return Ok(false);
        }
        let mut expected = 0;
        for member in pair.local.members() {
            let name = self.local.string(member.name_off)?;
            let mut found = false;
            // Members mostly keep their order: look from where the last one was found.
            for index in around(expected, pair.target.vlen()) {
                self.budget.step()?;
                let Some(other) = pair.target.member(index) else {
                    continue;
                };
                // Of several anonymous members, any may be the one.
                if same_name(name, self.target.string(other.name_off)?)
                    && self.types(member.type_id, other.type_id, false, depth)?
                {
                    expected = index + 1;
                    found = true;
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Values are matched by name alone: that they differ is what relocations are for.
    fn values(&mut self, pair: &Pair<'a>) -> Result<bool, CoreFault> {
        if pair.local.size() != pair.target.size() || pair.local.vlen() > pair.target.vlen() {
            return Ok(false);
        }
        let mut target = Vec::new();
        for value in pair.target.enum_values() {
            self.budget.step()?;
            target.push(essential_name(self.target.string(value.name_off)?));
        }
        order::by_bytes(&mut target, |name| name);
        for value in pair.local.enum_values() {
            self.budget.step()?;
            let name = essential_name(self.local.string(value.name_off)?);
            if target.binary_search(&name).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Types without parts that are looked into.
fn leaves_match(pair: &Pair<'_>, behind_pointer: bool) -> bool {
    let (local, target) = (&pair.local, &pair.target);
    match local.kind() {
        Kind::Void => target.kind() == Kind::Void,
        Kind::Int => match (local.int(), target.int()) {
            (Some(a), Some(b)) => local.size() == target.size() && a.is_signed() == b.is_signed(),
            _ => false,
        },
        Kind::Struct | Kind::Union | Kind::Fwd => {
            let declared = local.kind() == Kind::Fwd && target.kind() == Kind::Fwd;
            (behind_pointer || declared) && declares_union(local) == declares_union(target)
        }
        _ => false,
    }
}

/// Whether a composite or its forward declaration is a union; `None` for other kinds.
fn declares_union(ty: &Type<'_>) -> Option<bool> {
    match ty.kind() {
        Kind::Struct => Some(false),
        Kind::Union => Some(true),
        // The kind flag of a forward declaration says which one it declares.
        Kind::Fwd => Some(ty.kind_flag()),
        _ => None,
    }
}

fn same_name(local: &[u8], target: &[u8]) -> bool {
    essential_name(local) == essential_name(target)
}

/// All indices below `count`, from `start` on and around.
fn around(start: u32, count: u32) -> impl Iterator<Item = u32> {
    (start..count).chain(0..start.min(count))
}
