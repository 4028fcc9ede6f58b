//! What does the access string mean? The path that it describes, by names.
//!
//! The raw string counts every level, anonymous structs and unions included;
//! what it means are the points where the programmer wrote something: an
//! index, a field's name. Only these are looked for in the target.

use super::access::{self, Access};
use super::names::Names;
use super::{CoreFault, CoreKind};
use crate::btf::{ArrayType, Btf, BtfError, Kind, Member, Type, TypeId};

/// How many levels a path may have, as in the kernel and in libbpf.
pub(super) const MAX_LEVELS: usize = 64;

/// One point of a path: an element, or a named field.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Step {
    /// Offset of the field's name in the strings of its BTF; 0 for an element.
    pub name: u32,
    /// The index of the element, or of the field in its struct.
    pub index: u32,
    /// The type of the element or field, modifiers and typedefs skipped.
    pub type_id: TypeId,
    /// Width of a bitfield in bits, else 0.
    pub bitfield: u8,
    /// Whether the field is the last one of its struct: an array without
    /// elements is flexible there.
    pub last: bool,
}

impl Step {
    pub(super) fn is_field(&self) -> bool {
        self.name != 0
    }
}

/// A path from a type to one of its fields or elements.
#[derive(Clone, Debug)]
pub(super) struct FieldPath {
    /// Every level, as the access string counts them.
    pub raw: Access,
    /// Offset of the field from the start of the root, bits.
    pub bit_offset: u64,
    steps: [Step; MAX_LEVELS],
    len: usize,
}

impl FieldPath {
    pub(super) fn new() -> FieldPath {
        FieldPath {
            raw: Access::new(),
            bit_offset: 0,
            steps: [Step::default(); MAX_LEVELS],
            len: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.raw.clear();
        self.bit_offset = 0;
        self.len = 0;
    }

    pub(super) fn steps(&self) -> &[Step] {
        self.steps.get(..self.len).unwrap_or_default()
    }

    /// The field or element that the path leads to.
    pub(super) fn last(&self) -> Option<&Step> {
        self.steps().last()
    }

    pub(super) fn push_step(&mut self, step: Step) -> Result<(), CoreFault> {
        let Some(slot) = self.steps.get_mut(self.len) else {
            return Err(CoreFault::TooManyLevels);
        };
        *slot = step;
        self.len += 1;
        Ok(())
    }

    /// Goes to element `index` in a row of elements of type `ty`.
    pub(super) fn push_element(
        &mut self,
        btf: &Btf,
        ty: &Type<'_>,
        index: u32,
    ) -> Result<(), CoreFault> {
        self.raw.push(index)?;
        if index > 0 {
            let bits = size_of(btf, ty)?
                .checked_mul(u64::from(index))
                .and_then(|bytes| bytes.checked_mul(8));
            self.advance(bits.ok_or(BtfError::SizeOverflow(ty.id()))?)?;
        }
        self.push_step(Step {
            index,
            type_id: ty.id(),
            ..Step::default()
        })
    }

    /// Goes to a named field of `holder`, whose type is `ty`.
    pub(super) fn push_field(
        &mut self,
        holder: &Type<'_>,
        index: u32,
        member: Member,
        ty: &Type<'_>,
    ) -> Result<(), CoreFault> {
        self.raw.push(index)?;
        self.advance(u64::from(member.bit_offset))?;
        self.push_step(Step {
            name: member.name_off,
            index,
            type_id: ty.id(),
            bitfield: member.bitfield_size,
            last: index.checked_add(1) == Some(holder.vlen()),
        })
    }

    pub(super) fn advance(&mut self, bits: u64) -> Result<(), CoreFault> {
        match self.bit_offset.checked_add(bits) {
            Some(offset) => self.bit_offset = offset,
            None => return Err(CoreFault::OffsetOverflow),
        }
        Ok(())
    }

    /// Whether `array` has an element at `index`, standing where the path ends now.
    pub(super) fn has_element(&self, array: &ArrayType, index: u32) -> bool {
        let behind_last_field = self.last().is_some_and(|step| step.is_field() && step.last);
        index < array.count || (array.count == 0 && behind_last_field)
    }

    /// Reads the access string `text` as a path from `root`, a type of the object, and
    /// tells the type that it leads to.
    pub(super) fn parse<'a>(
        &mut self,
        btf: &'a Btf,
        root: Type<'a>,
        text: &[u8],
    ) -> Result<Type<'a>, CoreFault> {
        self.clear();
        let mut indices = access::indices(text);
        let mut ty = btf.resolve_type(root)?;
        // The first index is that of a pointer: `&x[0]`.
        if let Some(first) = indices.next() {
            self.push_element(btf, &ty, first?)?;
        }
        for index in indices {
            let index = index?;
            ty = match ty.kind() {
                Kind::Struct | Kind::Union => self.enter_member(btf, &ty, index)?,
                Kind::Array => self.enter_array(btf, &ty, index)?,
                kind => return Err(CoreFault::NoParts { id: ty.id(), kind }),
            };
        }
        Ok(ty)
    }

    fn enter_member<'a>(
        &mut self,
        btf: &'a Btf,
        holder: &Type<'a>,
        index: u32,
    ) -> Result<Type<'a>, CoreFault> {
        let Some(member) = holder.member(index) else {
            return Err(CoreFault::IndexPastEnd {
                index,
                count: holder.vlen(),
                what: "members",
                id: holder.id(),
            });
        };
        let ty = btf.resolve(member.type_id)?;
        // An anonymous struct or union is no step of its own.
        if Names::of(btf).is(member.name_off, b"") {
            self.raw.push(index)?;
            self.advance(u64::from(member.bit_offset))?;
        } else {
            self.push_field(holder, index, member, &ty)?;
        }
        Ok(ty)
    }

    fn enter_array<'a>(
        &mut self,
        btf: &'a Btf,
        ty: &Type<'a>,
        index: u32,
    ) -> Result<Type<'a>, CoreFault> {
        let (id, kind) = (ty.id(), ty.kind());
        let Some(array) = ty.array() else {
            return Err(CoreFault::NoParts { id, kind });
        };
        if !self.has_element(&array, index) {
            return Err(CoreFault::IndexPastEnd {
                index,
                count: array.count,
                what: "elements",
                id,
            });
        }
        let element = btf.resolve(array.element)?;
        self.push_element(btf, &element, index)?;
        Ok(element)
    }
}

/// The size of a type that has been looked up already.
pub(super) fn size_of(btf: &Btf, ty: &Type<'_>) -> Result<u64, BtfError> {
    match ty.kind() {
        Kind::Int | Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 => {
            Ok(u64::from(ty.size()))
        }
        Kind::Ptr => Ok(u64::from(btf.pointer_size())),
        _ => btf.size_of(ty.id()),
    }
}

/// A value of an enum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enumerator {
    /// The enum, typedefs skipped.
    pub type_id: TypeId,
    /// Which of its values.
    pub index: u32,
}

impl Enumerator {
    /// Reads the access string `text` as the number of a value of the enum `root`.
    pub(super) fn parse(btf: &Btf, root: Type<'_>, text: &[u8]) -> Result<Enumerator, CoreFault> {
        let mut indices = access::indices(text);
        let ty = btf.resolve_type(root)?;
        let (id, kind) = (ty.id(), ty.kind());
        let index = indices.next().unwrap_or(Ok(0))?;
        if indices.next().is_some() {
            return Err(CoreFault::NoParts { id, kind });
        }
        if !kind.is_any_enum() {
            return Err(CoreFault::NotEnum { id, kind });
        }
        if index >= ty.vlen() {
            return Err(CoreFault::IndexPastEnd {
                index,
                count: ty.vlen(),
                what: "values",
                id,
            });
        }
        Ok(Enumerator { type_id: id, index })
    }
}

/// Whether a relocation may start at `ty`: it has to be found again by name and kind.
pub(super) fn check_root(ty: &Type<'_>, kind: CoreKind) -> Result<(), CoreFault> {
    let id = ty.id();
    match ty.kind() {
        Kind::Var | Kind::Func | Kind::Datasec | Kind::DeclTag | Kind::Unknown => {
            Err(CoreFault::RootKind {
                id,
                kind: ty.kind(),
            })
        }
        // The id of a type of the object is its own answer, whatever its name.
        _ if kind == CoreKind::TypeIdLocal => Ok(()),
        Kind::TypeTag => Err(CoreFault::RootKind {
            id,
            kind: Kind::TypeTag,
        }),
        _ if ty.name()?.is_empty() => Err(CoreFault::Anonymous { id }),
        _ => Ok(()),
    }
}
