//! A type and what stands behind it, decoded as it is asked for.

use super::scan::TYPE_HEAD;
use super::{Btf, BtfError, Kind, MAX_CHAIN, TypeId};
use crate::bytes::Endian;

/// One BTF type, borrowed from its BTF.
#[derive(Clone, Copy)]
pub struct Type<'a> {
    btf: &'a Btf,
    id: TypeId,
    name_off: u32,
    info: u32,
    size_or_type: u32,
    tail: &'a [u8],
}

/// Where a type was found: it is found there again without a search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypePlace {
    pub(super) id: TypeId,
    /// In the type section of the BTF that it lies in.
    pub(super) start: usize,
}

/// One field of a struct or union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Offset of its name in the strings; 0 for an anonymous one.
    pub name_off: u32,
    /// Its type.
    pub type_id: TypeId,
    /// Its offset from the start of the struct, in bits.
    pub bit_offset: u32,
    /// Its width in bits where it is a bitfield of a struct with the kind flag, else 0.
    pub bitfield_size: u8,
}

/// One value of an enum or enum64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnumValue {
    /// Offset of its name in the strings.
    pub name_off: u32,
    /// Its value, extended to 64 bits by the enum's signedness.
    pub value: u64,
}

/// One parameter of a function prototype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Offset of its name in the strings.
    pub name_off: u32,
    /// Its type; 0 for the `...` of a variadic prototype.
    pub type_id: TypeId,
}

/// One variable of a data section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionVar {
    /// The BTF_KIND_VAR (or, in `.ksyms`, BTF_KIND_FUNC).
    pub type_id: TypeId,
    /// Offset in the section, bytes.
    pub offset: u32,
    /// Size, bytes.
    pub size: u32,
}

/// What a BTF_KIND_ARRAY holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrayType {
    /// The type of an element.
    pub element: TypeId,
    /// The type of the index.
    pub index: TypeId,
    /// Number of elements.
    pub count: u32,
}

/// What a BTF_KIND_INT says beyond its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntEncoding {
    /// BTF_INT_SIGNED, BTF_INT_CHAR and BTF_INT_BOOL bits.
    pub flags: u8,
    /// Offset of the value in bits.
    pub offset: u8,
    /// Width of the value in bits.
    pub bits: u8,
}

impl IntEncoding {
    /// Whether the integer is signed.
    pub fn is_signed(self) -> bool {
        self.flags & 1 != 0
    }
}

/// How far a function or variable is visible: BTF_FUNC_* and BTF_VAR_*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// Only in its file.
    Static,
    /// Everywhere.
    Global,
    /// Defined elsewhere.
    Extern,
    /// A number that linux/btf.h does not name.
    Unknown(u32),
}

impl From<u32> for Linkage {
    fn from(number: u32) -> Linkage {
        match number {
            0 => Linkage::Static,
            1 => Linkage::Global,
            2 => Linkage::Extern,
            other => Linkage::Unknown(other),
        }
    }
}

impl<'a> Type<'a> {
    pub(super) fn void(btf: &'a Btf) -> Type<'a> {
        Type {
            btf,
            id: 0,
            name_off: 0,
            info: 0,
            size_or_type: 0,
            tail: &[],
        }
    }

    /// `bytes` start with the type's head and reach to the end of the section.
    #[inline]
    pub(super) fn decode(btf: &'a Btf, id: TypeId, bytes: &'a [u8]) -> Option<Type<'a>> {
        let (head, tail) = bytes.split_first_chunk::<TYPE_HEAD>()?;
        let endian = btf.endian();
        Some(Type {
            btf,
            id,
            name_off: endian.u32_at(head, 0)?,
            info: endian.u32_at(head, 4)?,
            size_or_type: endian.u32_at(head, 8)?,
            tail,
        })
    }

    /// Its id.
    pub fn id(&self) -> TypeId {
        self.id
    }

    /// The BTF that the type itself lies in (the base, for a type of the base).
    pub fn btf(&self) -> &'a Btf {
        self.btf
    }

    fn endian(&self) -> Endian {
        self.btf.endian()
    }

    /// Kind, kind flag and number of entries as they stand in the file.
    pub(super) fn info(&self) -> u32 {
        self.info
    }

    /// What stands behind the head, and nothing of the next type.
    pub(super) fn tail_bytes(&self) -> &'a [u8] {
        let len = self.btf.type_len(self.id).unwrap_or_default();
        let len = len.saturating_sub(TYPE_HEAD);
        self.tail.get(..len).unwrap_or_default()
    }

    /// Where it starts in the type section.
    fn start(&self) -> usize {
        let behind = TYPE_HEAD.saturating_add(self.tail.len());
        self.btf.type_bytes().len().saturating_sub(behind)
    }

    /// What finds it again.
    pub(crate) fn found_at(&self) -> TypePlace {
        TypePlace {
            id: self.id,
            start: self.start(),
        }
    }

    /// Where an own type of its BTF lies in the type section.
    pub(super) fn place(&self) -> std::ops::Range<usize> {
        let start = self.start();
        let len = TYPE_HEAD.saturating_add(self.tail_bytes().len());
        start..start.saturating_add(len)
    }

    /// Its kind.
    #[inline]
    pub fn kind(&self) -> Kind {
        Kind::from_number((self.info >> 24) as u8 & 0x7f)
    }

    /// The number of members, values, parameters or variables; for a function, its linkage.
    #[inline]
    pub fn vlen(&self) -> u32 {
        self.info & 0x00ff_ffff
    }

    /// The kind flag, whose meaning is the kind's: bitfields, a signed enum, a forward union.
    #[inline]
    pub fn kind_flag(&self) -> bool {
        self.info >> 31 != 0
    }

    /// Offset of its name in the strings.
    pub fn name_off(&self) -> u32 {
        self.name_off
    }

    /// Its name, empty where it is anonymous.
    #[inline]
    pub fn name(&self) -> Result<&'a [u8], BtfError> {
        self.btf.string_often(self.name_off)
    }

    /// Its name, where it is not too long to be looked up; else empty.
    pub(crate) fn short_name(&self) -> &'a [u8] {
        self.btf.short_string(self.name_off).unwrap_or_default()
    }

    /// Size in bytes as the type itself says (ints, composites, enums, floats, data sections).
    pub fn size(&self) -> u32 {
        self.size_or_type
    }

    /// The type it refers to (pointers, modifiers, typedefs, functions, variables, tags).
    pub fn target(&self) -> TypeId {
        self.size_or_type
    }

    #[inline(always)]
    fn word(&self, offset: usize) -> Option<u32> {
        self.endian().u32_at(self.tail, offset)
    }

    /// The details of an integer.
    #[inline(always)]
    pub fn int(&self) -> Option<IntEncoding> {
        let word = (self.kind() == Kind::Int).then(|| self.word(0))??;
        Some(IntEncoding {
            flags: (word >> 24) as u8 & 0x0f,
            offset: (word >> 16) as u8,
            bits: word as u8,
        })
    }

    /// The details of an array.
    pub fn array(&self) -> Option<ArrayType> {
        if self.kind() != Kind::Array {
            return None;
        }
        Some(ArrayType {
            element: self.word(0)?,
            index: self.word(4)?,
            count: self.word(8)?,
        })
    }

    /// How far a function or variable is visible.
    pub fn linkage(&self) -> Option<Linkage> {
        match self.kind() {
            Kind::Func => Some(self.vlen().into()),
            Kind::Var => self.word(0).map(Linkage::from),
            _ => None,
        }
    }

    /// Which member or parameter a declaration tag is about; -1 for the whole type.
    pub fn component_index(&self) -> Option<i32> {
        (self.kind() == Kind::DeclTag).then(|| self.word(0).map(|w| w as i32))?
    }

    fn entries(&self, kinds: &[Kind], each: usize) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let count = match kinds.contains(&self.kind()) {
            true => self.vlen() as usize,
            false => 0,
        };
        self.tail.chunks_exact(each).take(count)
    }

    /// The fields of a struct or union, in order; nothing for other kinds.
    pub fn members(&self) -> impl Iterator<Item = Member> + use<'a> {
        let (endian, bitfields) = (self.endian(), self.kind_flag());
        self.entries(&[Kind::Struct, Kind::Union], 12)
            .filter_map(move |raw| Member::decode(raw, endian, bitfields))
    }

    /// Where the names of the fields of a struct or union stand in the strings.
    #[inline]
    pub(crate) fn member_names(&self) -> impl Iterator<Item = u32> + use<'a> {
        let endian = self.endian();
        self.entries(&[Kind::Struct, Kind::Union], 12)
            .filter_map(move |raw| endian.u32_at(raw, 0))
    }

    /// One field of a struct or union.
    #[inline(always)]
    pub fn member(&self, index: u32) -> Option<Member> {
        if !self.kind().is_composite() || index >= self.vlen() {
            return None;
        }
        let raw = self.tail.get((index as usize).checked_mul(12)?..)?;
        Member::decode(raw, self.endian(), self.kind_flag())
    }

    /// The values of an enum of either width, in order.
    pub fn enum_values(&self) -> impl Iterator<Item = EnumValue> + use<'a> {
        let (endian, kind, signed) = (self.endian(), self.kind(), self.kind_flag());
        let each = if kind == Kind::Enum64 { 12 } else { 8 };
        self.entries(&[Kind::Enum, Kind::Enum64], each)
            .filter_map(move |raw| EnumValue::decode(raw, endian, kind, signed))
    }

    /// One value of an enum.
    pub fn enum_value(&self, index: u32) -> Option<EnumValue> {
        if !self.kind().is_any_enum() || index >= self.vlen() {
            return None;
        }
        let each = if self.kind() == Kind::Enum64 { 12 } else { 8 };
        let raw = self.tail.get((index as usize).checked_mul(each)?..)?;
        EnumValue::decode(raw, self.endian(), self.kind(), self.kind_flag())
    }

    /// The parameters of a function prototype, in order.
    pub fn params(&self) -> impl Iterator<Item = Param> + use<'a> {
        let endian = self.endian();
        self.entries(&[Kind::FuncProto], 8).filter_map(move |raw| {
            Some(Param {
                name_off: endian.u32_at(raw, 0)?,
                type_id: endian.u32_at(raw, 4)?,
            })
        })
    }

    /// The variables of a data section, in order.
    pub fn section_vars(&self) -> impl Iterator<Item = SectionVar> + use<'a> {
        let endian = self.endian();
        self.entries(&[Kind::Datasec], 12).filter_map(move |raw| {
            Some(SectionVar {
                type_id: endian.u32_at(raw, 0)?,
                offset: endian.u32_at(raw, 4)?,
                size: endian.u32_at(raw, 8)?,
            })
        })
    }
}

impl Member {
    /// linux/btf.h: with the kind flag, the upper eight bits are the bitfield's width.
    #[inline]
    fn decode(raw: &[u8], endian: Endian, bitfields: bool) -> Option<Member> {
        let raw = raw.first_chunk::<12>()?;
        let offset = endian.u32_at(raw, 8)?;
        let (bitfield_size, bit_offset) = match bitfields {
            true => ((offset >> 24) as u8, offset & 0x00ff_ffff),
            false => (0, offset),
        };
        Some(Member {
            name_off: endian.u32_at(raw, 0)?,
            type_id: endian.u32_at(raw, 4)?,
            bit_offset,
            bitfield_size,
        })
    }
}

impl EnumValue {
    fn decode(raw: &[u8], endian: Endian, kind: Kind, signed: bool) -> Option<EnumValue> {
        let low = endian.u32_at(raw, 4)?;
        let value = match kind {
            Kind::Enum64 => u64::from(endian.u32_at(raw, 8)?) << 32 | u64::from(low),
            _ if signed => i64::from(low as i32) as u64,
            _ => u64::from(low),
        };
        Some(EnumValue {
            name_off: endian.u32_at(raw, 0)?,
            value,
        })
    }
}

impl Btf {
    /// Skips modifiers (const, volatile, restrict, type tags) and typedefs.
    #[inline(never)]
    pub fn resolve(&self, id: TypeId) -> Result<Type<'_>, BtfError> {
        let mut next = id;
        for _ in 0..MAX_CHAIN {
            let ty = self.type_by_id(next)?;
            if !ty.kind().is_modifier_or_typedef() {
                return Ok(ty);
            }
            // Through `self`, since a type of the base never refers to the split part.
            next = ty.target();
        }
        Err(BtfError::Cycle(id))
    }

    /// The same, for where it is done often: without a call, where there is nothing to skip.
    #[inline(always)]
    pub(crate) fn resolve_often(&self, id: TypeId) -> Result<Type<'_>, BtfError> {
        self.resolve_type(self.type_by_id(id)?)
    }

    /// The same, from a type that was looked up already.
    #[inline]
    pub fn resolve_type<'a>(&'a self, start: Type<'a>) -> Result<Type<'a>, BtfError> {
        match start.kind().is_modifier_or_typedef() {
            true => self.resolve(start.id()),
            false => Ok(start),
        }
    }

    /// Size of a type in bytes, arrays multiplied out (libbpf's btf__resolve_size).
    pub fn size_of(&self, id: TypeId) -> Result<u64, BtfError> {
        let mut count: u64 = 1;
        let mut ty = self.type_by_id(id)?;
        for _ in 0..MAX_CHAIN {
            let each = match ty.kind() {
                Kind::Int
                | Kind::Struct
                | Kind::Union
                | Kind::Enum
                | Kind::Enum64
                | Kind::Datasec
                | Kind::Float => u64::from(ty.size()),
                Kind::Ptr => u64::from(self.pointer_size()),
                Kind::Array => {
                    let array = ty.array().ok_or(BtfError::NoSize(id))?;
                    count = count
                        .checked_mul(u64::from(array.count))
                        .ok_or(BtfError::SizeOverflow(id))?;
                    ty = self.type_by_id(array.element)?;
                    continue;
                }
                Kind::Var | Kind::DeclTag => {
                    ty = self.type_by_id(ty.target())?;
                    continue;
                }
                kind if kind.is_modifier_or_typedef() => {
                    ty = self.type_by_id(ty.target())?;
                    continue;
                }
                _ => return Err(BtfError::NoSize(id)),
            };
            return count.checked_mul(each).ok_or(BtfError::SizeOverflow(id));
        }
        Err(BtfError::Cycle(id))
    }
}
