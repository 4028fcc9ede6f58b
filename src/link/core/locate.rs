//! Where is the object's field, element or enum value in a type of the target?
//!
//! Fields are looked for by name, through anonymous structs and unions; array
//! elements by index. What is found is a path in the target, or a reason why
//! there is none.

use super::CoreFault;
use super::budget::Budget;
use super::compat::fields_agree;
use super::spec::{Enumerator, FieldPath, Step};
use crate::btf::{Btf, Member, Type, TypeId, essential_name};

/// Why the target has no answer. Names are offsets in the object's strings, ids
/// are the target's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Missing {
    /// No type has the name and kind.
    NoCandidate,
    /// A type has the name and kind, but another shape.
    OtherShape,
    /// A type does not have all that the object's type has.
    NoMatch,
    /// No field of that name.
    NoField { name: u32, within: TypeId },
    /// A field of that name, of a type that cannot stand for the object's.
    OtherType {
        name: u32,
        within: TypeId,
        is: TypeId,
    },
    /// A struct was expected to go on in.
    NotComposite { name: u32, is: TypeId },
    /// An array was expected to go on in.
    NotArray { is: TypeId },
    /// An array with fewer elements.
    ArrayTooShort { index: u32, count: u32 },
    /// No value of that name.
    NoValue { name: u32 },
}

/// One question on one candidate.
pub(super) struct Search<'a, 'b> {
    pub local: &'a Btf,
    pub target: &'a Btf,
    pub budget: &'b mut Budget,
}

/// Where one step leads.
enum Next {
    To(TypeId),
    Nowhere(Missing),
}

impl<'a> Search<'a, '_> {
    /// Follows `from`, a path of the object, in the target's type `root`; `to` is the way taken.
    pub(super) fn field(
        &mut self,
        from: &FieldPath,
        root: TypeId,
        to: &mut FieldPath,
    ) -> Result<Option<Missing>, CoreFault> {
        to.clear();
        let (first, rest) = match from.steps().split_first() {
            Some(split) => split,
            None => return Ok(None),
        };
        let root = self.target.resolve(root)?.id();
        to.push_element(self.target, root, first.index)?;
        let mut at = root;
        for step in rest {
            let next = match step.is_field() {
                true => self.member(step, at, to)?,
                false => self.element(step, at, to)?,
            };
            match next {
                Next::To(id) => at = id,
                Next::Nowhere(missing) => return Ok(Some(missing)),
            }
        }
        Ok(None)
    }

    fn element(&mut self, step: &Step, at: TypeId, to: &mut FieldPath) -> Result<Next, CoreFault> {
        let ty = self.target.resolve(at)?;
        let Some(array) = ty.array() else {
            return Ok(Next::Nowhere(Missing::NotArray { is: ty.id() }));
        };
        if !to.has_element(&array, step.index) {
            return Ok(Next::Nowhere(Missing::ArrayTooShort {
                index: step.index,
                count: array.count,
            }));
        }
        let element = self.target.resolve(array.element)?.id();
        to.push_element(self.target, element, step.index)?;
        Ok(Next::To(element))
    }

    fn member(&mut self, step: &Step, at: TypeId, to: &mut FieldPath) -> Result<Next, CoreFault> {
        let ty = self.target.resolve(at)?;
        if !ty.kind().is_composite() {
            return Ok(Next::Nowhere(Missing::NotComposite {
                name: step.name,
                is: ty.id(),
            }));
        }
        let name = self.local.string(step.name)?;
        let found = match self.same_place(&ty, step, name) {
            Some(member) => Some((ty, step.index, member)),
            None => self.search_members(ty, name, to)?,
        };
        match found {
            Some((holder, index, member)) => self.take_member(step, &holder, index, member, to),
            None => Ok(Next::Nowhere(Missing::NoField {
                name: step.name,
                within: ty.id(),
            })),
        }
    }

    /// The object's types are mostly a copy of the target's: look first where the field
    /// was. C allows a name only once in a struct, anonymous members included.
    fn same_place(&self, ty: &Type<'a>, step: &Step, name: &[u8]) -> Option<Member> {
        let member = ty.member(step.index)?;
        is_named(self.target, member.name_off, name).then_some(member)
    }

    /// Searches a struct and its anonymous members, depth first. On success `to` leads to
    /// the struct that has the field.
    fn search_members(
        &mut self,
        ty: Type<'a>,
        name: &[u8],
        to: &mut FieldPath,
    ) -> Result<Option<(Type<'a>, u32, Member)>, CoreFault> {
        for (index, member) in (0..).zip(ty.members()) {
            self.budget.step()?;
            if is_named(self.target, member.name_off, name) {
                return Ok(Some((ty, index, member)));
            }
            if !is_named(self.target, member.name_off, b"") {
                continue;
            }
            let inner = self.target.resolve(member.type_id)?;
            if !inner.kind().is_composite() {
                continue;
            }
            let offset = to.bit_offset;
            // Runs full, after MAX_LEVELS, where a struct contains itself.
            to.raw.push(index)?;
            to.advance(u64::from(member.bit_offset))?;
            let found = self.search_members(inner, name, to)?;
            if found.is_some() {
                return Ok(found);
            }
            to.raw.pop();
            to.bit_offset = offset;
        }
        Ok(None)
    }

    fn take_member(
        &mut self,
        step: &Step,
        holder: &Type<'a>,
        index: u32,
        member: Member,
        to: &mut FieldPath,
    ) -> Result<Next, CoreFault> {
        if !fields_agree(self.local, step.type_id, self.target, member.type_id)? {
            return Ok(Next::Nowhere(Missing::OtherType {
                name: step.name,
                within: holder.id(),
                is: member.type_id,
            }));
        }
        to.raw.push(index)?;
        to.advance(u64::from(member.bit_offset))?;
        to.push_step(Step {
            name: member.name_off,
            index,
            type_id: member.type_id,
            bitfield: member.bitfield_size,
            last: index.checked_add(1) == Some(holder.vlen()),
        })?;
        Ok(Next::To(member.type_id))
    }

    /// Looks for the value of an enum by its name, flavours aside.
    pub(super) fn enumerator(
        &mut self,
        from: Enumerator,
        root: TypeId,
    ) -> Result<Result<Enumerator, Missing>, CoreFault> {
        let value = self.local.type_by_id(from.type_id)?.enum_value(from.index);
        let name_off = value.map_or(0, |value| value.name_off);
        let name = essential_name(self.local.string(name_off)?);
        let ty = self.target.resolve(root)?;
        for (index, value) in (0..).zip(ty.enum_values()) {
            self.budget.step()?;
            if essential_name(self.target.string(value.name_off)?) == name {
                return Ok(Ok(Enumerator {
                    type_id: ty.id(),
                    index,
                }));
            }
        }
        Ok(Err(Missing::NoValue { name: name_off }))
    }
}

/// Whether the string at `offset` is `name`, without looking for its end first.
fn is_named(btf: &Btf, offset: u32, name: &[u8]) -> bool {
    let mut btf = btf;
    while offset < btf.first_string() {
        match btf.base() {
            Some(base) => btf = base,
            None => return false,
        }
    }
    let own = offset.wrapping_sub(btf.first_string()) as usize;
    let tail = btf.string_bytes().get(own..).unwrap_or_default();
    tail.get(..name.len()) == Some(name) && tail.get(name.len()) == Some(&0)
}
