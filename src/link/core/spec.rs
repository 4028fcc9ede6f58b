//! What does the access string mean? The path that it describes, by names.
//!
//! The raw string counts every level, anonymous structs and unions included;
//! what it means are the points where the programmer wrote something: an
//! index, a field's name. Only these are looked for in the target.

use super::access::{self, Access};
use super::names::Names;
use super::{CoreFault, CoreKind};
use crate::btf::{ArrayType, Btf, BtfError, Kind, Member, Type};

/// How many levels a path may have, as in the kernel and in libbpf.
pub(super) const MAX_LEVELS: usize = 64;

/// One point of a path: an element, or a named field.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    /// Offset of the field's name in the strings of its BTF; 0 for an element.
    pub name: u32,
    /// The index of the element, or of the field in its struct.
    pub index: u32,
    /// The type of the element or field, modifiers and typedefs skipped.
    pub ty: Type<'a>,
}

impl Step<'_> {
    pub(super) fn is_field(&self) -> bool {
        self.name != 0
    }
}

/// The way from a type to one of its fields or elements: where it leads, without the names.
pub(super) struct Trail {
    /// Every level, as an access string counts them.
    pub raw: Access,
    /// Offset of the field from the start of the root, bits.
    pub bit_offset: u64,
    /// Width of the bitfield that it ends at in bits, else 0.
    pub bitfield: u8,
    /// Whether it ends at the last field of a struct: an array without elements is
    /// flexible there.
    at_last_field: bool,
}

impl Trail {
    pub(super) fn new() -> Trail {
        Trail {
            raw: Access::new(),
            bit_offset: 0,
            bitfield: 0,
            at_last_field: false,
        }
    }

    pub(super) fn clear(&mut self) {
        self.raw.clear();
        self.bit_offset = 0;
        self.bitfield = 0;
        self.at_last_field = false;
    }

    /// Goes to element `index` in a row of elements of type `ty`.
    #[inline]
    pub(super) fn enter_element(
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
        self.bitfield = 0;
        self.at_last_field = false;
        Ok(())
    }

    /// Goes to a named field of `holder`.
    #[inline]
    pub(super) fn enter_field(
        &mut self,
        holder: &Type<'_>,
        index: u32,
        member: Member,
    ) -> Result<(), CoreFault> {
        self.enter_anonymous(index, member)?;
        self.bitfield = member.bitfield_size;
        self.at_last_field = index.checked_add(1) == Some(holder.vlen());
        Ok(())
    }

    /// Goes into an anonymous struct or union: nothing that anybody wrote.
    #[inline]
    pub(super) fn enter_anonymous(&mut self, index: u32, member: Member) -> Result<(), CoreFault> {
        self.raw.push(index)?;
        self.advance(u64::from(member.bit_offset))
    }

    fn advance(&mut self, bits: u64) -> Result<(), CoreFault> {
        match self.bit_offset.checked_add(bits) {
            Some(offset) => self.bit_offset = offset,
            None => return Err(CoreFault::OffsetOverflow),
        }
        Ok(())
    }

    /// Whether `array` has an element at `index`, standing where the way ends now.
    pub(super) fn has_element(&self, array: &ArrayType, index: u32) -> bool {
        index < array.count || (array.count == 0 && self.at_last_field)
    }
}

/// A path from a type to one of its fields or elements, with all that is named on the way.
pub(super) struct FieldPath<'a> {
    pub trail: Trail,
    steps: Vec<Step<'a>>,
}

impl<'a> FieldPath<'a> {
    pub(super) fn new() -> FieldPath<'a> {
        FieldPath {
            trail: Trail::new(),
            steps: Vec::new(),
        }
    }

    pub(super) fn steps(&self) -> &[Step<'a>] {
        &self.steps
    }

    /// Follows an access string from `root`, a type without modifiers and typedefs, and
    /// tells the type that it leads to.
    pub(super) fn follow(
        &mut self,
        btf: &'a Btf,
        root: Type<'a>,
        mut indices: impl Iterator<Item = Result<u32, CoreFault>>,
    ) -> Result<Type<'a>, CoreFault> {
        self.trail.clear();
        self.steps.clear();
        let mut ty = root;
        // The first index is that of a pointer: `&x[0]`.
        if let Some(first) = indices.next() {
            self.push_element(btf, ty, first?)?;
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

    fn push_element(&mut self, btf: &Btf, ty: Type<'a>, index: u32) -> Result<(), CoreFault> {
        self.trail.enter_element(btf, &ty, index)?;
        let name = 0;
        self.steps.push(Step { name, index, ty });
        Ok(())
    }

    fn enter_member(
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
        let ty = btf.resolve_often(member.type_id)?;
        let name = member.name_off;
        // An anonymous struct or union is no step of its own.
        if Names::of(btf).is(name, b"") {
            self.trail.enter_anonymous(index, member)?;
        } else {
            self.trail.enter_field(holder, index, member)?;
            self.steps.push(Step { name, index, ty });
        }
        Ok(ty)
    }

    fn enter_array(
        &mut self,
        btf: &'a Btf,
        ty: &Type<'a>,
        index: u32,
    ) -> Result<Type<'a>, CoreFault> {
        let (id, kind) = (ty.id(), ty.kind());
        let Some(array) = ty.array() else {
            return Err(CoreFault::NoParts { id, kind });
        };
        if !self.trail.has_element(&array, index) {
            return Err(CoreFault::IndexPastEnd {
                index,
                count: array.count,
                what: "elements",
                id,
            });
        }
        let element = btf.resolve_often(array.element)?;
        self.push_element(btf, element, index)?;
        Ok(element)
    }
}

/// The size of a type that has been looked up already.
#[inline(always)]
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
#[derive(Clone, Copy)]
pub(super) struct Enumerator<'a> {
    /// The enum, typedefs skipped.
    pub ty: Type<'a>,
    /// Which of its values.
    pub index: u32,
}

impl<'a> Enumerator<'a> {
    /// Reads the access string `text` as the number of a value of the enum `ty`.
    pub(super) fn parse(ty: Type<'a>, text: &[u8]) -> Result<Enumerator<'a>, CoreFault> {
        let mut indices = access::indices(text);
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
        Ok(Enumerator { ty, index })
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
