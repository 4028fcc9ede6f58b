//! Where is the object's field, element or enum value in a type of the target?
//!
//! Fields are looked for by name, through anonymous structs and unions; array
//! elements by index. What is found is a path in the target, or a reason why
//! there is none.

use super::CoreFault;
use super::budget::Budget;
use super::compat::fields_agree;
use super::names::Names;
use super::spec::{Enumerator, FieldPath, Step, Trail};
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
    local: &'a Btf,
    target: &'a Btf,
    names: Names<'a>,
    budget: &'b mut Budget,
}

/// What the target has, or why it has nothing.
type Found<T> = Result<Result<T, Missing>, CoreFault>;

/// A field and the struct that has it.
type FieldOf<'a> = (Type<'a>, u32, Member);

impl<'a, 'b> Search<'a, 'b> {
    pub(super) fn new(local: &'a Btf, target: &'a Btf, budget: &'b mut Budget) -> Search<'a, 'b> {
        Search {
            local,
            target,
            names: Names::of(target),
            budget,
        }
    }

    /// Follows `from`, a path of the object, in the target's type `root`, typedefs skipped;
    /// `to` is the way taken, the result the type that it leads to.
    pub(super) fn field(
        &mut self,
        from: &FieldPath<'a>,
        root: Type<'a>,
        to: &mut Trail,
    ) -> Found<Type<'a>> {
        to.clear();
        let Some((first, rest)) = from.steps().split_first() else {
            return Ok(Ok(root));
        };
        // The first index is that of a pointer.
        to.enter_element(self.target, &root, first.index)?;
        let mut at = root;
        for step in rest {
            let next = match step.is_field() {
                true => self.member(step, &at, to)?,
                false => self.element(step, &at, to)?,
            };
            at = match next {
                Ok(ty) => ty,
                Err(missing) => return Ok(Err(missing)),
            };
        }
        Ok(Ok(at))
    }

    #[inline(never)]
    fn element(&mut self, step: &Step<'a>, at: &Type<'a>, to: &mut Trail) -> Found<Type<'a>> {
        let Some(array) = at.array() else {
            return Ok(Err(Missing::NotArray { is: at.id() }));
        };
        if !to.has_element(&array, step.index) {
            return Ok(Err(Missing::ArrayTooShort {
                index: step.index,
                count: array.count,
            }));
        }
        let element = self.target.resolve_often(array.element)?;
        to.enter_element(self.target, &element, step.index)?;
        Ok(Ok(element))
    }

    fn member(&mut self, step: &Step<'a>, at: &Type<'a>, to: &mut Trail) -> Found<Type<'a>> {
        let (name, within) = (step.name, at.id());
        if !at.kind().is_composite() {
            return Ok(Err(Missing::NotComposite { name, is: within }));
        }
        let found = match self.same_place(at, step) {
            Some(found) => Some(found),
            None => self.search_members(*at, self.local.string(name)?, to)?,
        };
        let Some((holder, index, member)) = found else {
            return Ok(Err(Missing::NoField { name, within }));
        };
        let target = self.target.resolve_often(member.type_id)?;
        if !fields_agree(self.local, &step.ty, self.target, &target)? {
            let (within, is) = (holder.id(), member.type_id);
            return Ok(Err(Missing::OtherType { name, within, is }));
        }
        to.enter_field(&holder, index, member)?;
        Ok(Ok(target))
    }

    /// The object's types are mostly a copy of the target's: look first where the field
    /// was. C allows a name only once in a struct, anonymous members included.
    #[inline]
    fn same_place(&self, at: &Type<'a>, step: &Step<'a>) -> Option<FieldOf<'a>> {
        let (member, local) = (at.member(step.index)?, Names::of(self.local));
        self.names
            .same(member.name_off, local, step.name)
            .then_some((*at, step.index, member))
    }

    /// Searches a struct and its anonymous members, depth first. On success `to` leads to
    /// the struct that has the field.
    fn search_members(
        &mut self,
        ty: Type<'a>,
        name: &[u8],
        to: &mut Trail,
    ) -> Result<Option<FieldOf<'a>>, CoreFault> {
        let first = name.first().copied().unwrap_or_default();
        for (index, name_off) in (0..).zip(ty.member_names()) {
            self.budget.step()?;
            // Most are neither it nor anonymous by their first byte.
            let begins = self.names.first_byte(name_off);
            if begins.is_some_and(|begins| begins != first && begins != 0) {
                continue;
            }
            let found = self.names.is(name_off, name);
            if !found && !self.names.is(name_off, b"") {
                continue;
            }
            let Some(member) = ty.member(index) else {
                return Ok(None);
            };
            if found {
                return Ok(Some((ty, index, member)));
            }
            let inner = self.target.resolve(member.type_id)?;
            if !inner.kind().is_composite() {
                continue;
            }
            let offset = to.bit_offset;
            // Runs full, after MAX_LEVELS, where a struct contains itself.
            to.enter_anonymous(index, member)?;
            let found = self.search_members(inner, name, to)?;
            if found.is_some() {
                return Ok(found);
            }
            to.raw.pop();
            to.bit_offset = offset;
        }
        Ok(None)
    }

    /// Looks for the value of an enum by its name, flavours aside, in the target's type `ty`,
    /// typedefs skipped.
    pub(super) fn enumerator(
        &mut self,
        from: Enumerator<'a>,
        ty: Type<'a>,
    ) -> Found<Enumerator<'a>> {
        let value = from.ty.enum_value(from.index);
        let name = value.map_or(0, |value| value.name_off);
        let wanted = essential_name(self.local.string(name)?);
        for (index, value) in (0..).zip(ty.enum_values()) {
            self.budget.step()?;
            // What starts otherwise need not be measured.
            if self.names.starts_with(value.name_off, wanted)
                && essential_name(self.target.string(value.name_off)?) == wanted
            {
                return Ok(Ok(Enumerator { ty, index }));
            }
        }
        Ok(Err(Missing::NoValue { name }))
    }
}
