//! The value: what a relocation asks for, read from one side's BTF.
//!
//! The same functions serve the object (what must stand in the instruction) and
//! the target (what shall stand there). Byte order and pointer size are those
//! of the BTF that is read, never of the machine that runs this code.

use super::spec::{Enumerator, Trail, size_of};
use super::{CoreFault, CoreKind};
use crate::btf::{Btf, BtfError, IntEncoding, Kind, MAX_CHAIN, Type, TypeId};
use crate::bytes::Endian;

/// An answer in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Value {
    /// The answer; a negative enum value is sign-extended.
    pub bits: u64,
    /// How far the compiler is bound to it.
    pub check: Check,
    /// For the offset of a field: what a load or store there moves.
    pub memory: Option<Memory>,
}

/// How the instruction of a compiler has to agree with the object's BTF.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Check {
    /// It holds exactly this value.
    Exact,
    /// It may hold anything: bitfields can be read in several ways, and static
    /// linkers renumber types.
    Nothing,
    /// The value of a 32-bit enum: it holds the value extended in either way.
    LowHalf {
        /// Whether BTF says that the enum has signed values. It never does
        /// where it was made before Linux 6.0.
        signed: bool,
    },
}

/// What lies at an offset, as far as the width of loads and stores is concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Memory {
    /// A bitfield, among others in the bytes that a load reads.
    Bits,
    /// So many bytes of their own; of an array, those of an element.
    Bytes { size: u64, class: MemoryClass },
}

/// What may change its width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum MemoryClass {
    Pointer,
    /// Its upper bytes may be dropped or filled with zeroes.
    Unsigned,
    Other,
}

impl Value {
    pub(super) fn exact(bits: u64) -> Value {
        Value {
            bits,
            check: Check::Exact,
            memory: None,
        }
    }

    pub(super) fn unchecked(bits: u64) -> Value {
        Value {
            check: Check::Nothing,
            ..Value::exact(bits)
        }
    }
}

/// A relocation about the field or element at the end of `way`, whose type is `ty`.
pub(super) fn field(
    btf: &Btf,
    way: &Trail,
    ty: &Type<'_>,
    kind: CoreKind,
) -> Result<Value, CoreFault> {
    if kind == CoreKind::FieldExists {
        return Ok(Value::exact(1));
    }
    if kind == CoreKind::FieldSigned {
        return Ok(Value::exact(u64::from(is_signed(ty))));
    }
    let int = ty.int();
    let bitfield = bitfield_width(way.bitfield, ty, int);
    let extent = match bitfield {
        0 => Extent::of_plain_field(btf, ty, way.bit_offset)?,
        bits => Extent::of_bitfield(ty, way.bit_offset, bits)?,
    };
    let value = match kind {
        CoreKind::FieldByteSize => extent.byte_size,
        CoreKind::FieldLshiftU64 => extent.left_shift(btf.endian())?,
        CoreKind::FieldRshiftU64 => return Ok(Value::exact(extent.right_shift()?)),
        _ => extent.byte_offset,
    };
    let value = match bitfield {
        0 => Value::exact(value),
        _ => Value::unchecked(value),
    };
    let memory = match kind {
        CoreKind::FieldByteOffset if bitfield != 0 => Some(Memory::Bits),
        CoreKind::FieldByteOffset => Some(memory_behind(btf, ty, int, &extent)?),
        _ => None,
    };
    Ok(Value { memory, ..value })
}

/// The width of a bitfield, 0 for a plain field. BTF from before the kind flag says
/// it by an integer type of its own.
fn bitfield_width(declared: u8, ty: &Type<'_>, int: Option<IntEncoding>) -> u8 {
    match int {
        Some(int) if declared == 0 && u32::from(int.bits) < ty.size().saturating_mul(8) => int.bits,
        _ => declared,
    }
}

/// A relocation about the type `id` itself.
pub(super) fn whole_type(btf: &Btf, id: TypeId, kind: CoreKind) -> Result<Value, CoreFault> {
    Ok(match kind {
        CoreKind::TypeSize => Value::exact(btf.size_of(id)?),
        CoreKind::TypeIdLocal | CoreKind::TypeIdTarget => Value::unchecked(u64::from(id)),
        _ => Value::exact(1),
    })
}

/// A relocation about a value of an enum.
pub(super) fn enumerator(which: Enumerator<'_>, kind: CoreKind) -> Result<Value, CoreFault> {
    if kind == CoreKind::EnumvalExists {
        return Ok(Value::exact(1));
    }
    let ty = which.ty;
    let Some(value) = ty.enum_value(which.index) else {
        return Err(CoreFault::IndexPastEnd {
            index: which.index,
            count: ty.vlen(),
            what: "values",
            id: ty.id(),
        });
    };
    let check = match ty.kind() {
        Kind::Enum64 => Check::Exact,
        _ => Check::LowHalf {
            signed: ty.kind_flag(),
        },
    };
    Ok(Value {
        check,
        ..Value::exact(value.value)
    })
}

/// Which bytes a load of the field reads, and which bits of them are the field.
struct Extent {
    byte_offset: u64,
    byte_size: u64,
    bit_offset: u64,
    bits: u64,
}

impl Extent {
    fn of_plain_field(btf: &Btf, ty: &Type<'_>, bit_offset: u64) -> Result<Extent, CoreFault> {
        let byte_size = size_of(btf, ty)?;
        let Some(bits) = byte_size.checked_mul(8) else {
            return Err(BtfError::SizeOverflow(ty.id()).into());
        };
        Ok(Extent {
            byte_offset: bit_offset / 8,
            byte_size,
            bit_offset,
            bits,
        })
    }

    /// The smallest aligned load, from the declared type's size up, that covers the bits.
    fn of_bitfield(ty: &Type<'_>, bit_offset: u64, bits: u8) -> Result<Extent, CoreFault> {
        let (kind, size) = (ty.kind(), ty.size());
        let is_integer = kind == Kind::Int || kind.is_any_enum();
        if !is_integer || !matches!(size, 1 | 2 | 4 | 8) {
            return Err(CoreFault::BitfieldType {
                id: ty.id(),
                kind,
                size,
            });
        }
        let bits = u64::from(bits);
        let end = bit_offset
            .checked_add(bits)
            .ok_or(CoreFault::OffsetOverflow)?;
        let mut byte_size = u64::from(size);
        while byte_size <= 8 {
            // A multiple of the load's size: it is aligned.
            let load_bits = byte_size * 8;
            let start = bit_offset / load_bits * load_bits;
            if end - start <= load_bits {
                return Ok(Extent {
                    byte_offset: start / 8,
                    byte_size,
                    bit_offset,
                    bits,
                });
            }
            byte_size *= 2;
        }
        Err(CoreFault::TooWide {
            offset: bit_offset,
            bits,
        })
    }

    /// Bits of the load in front of the field's first one, in memory order.
    fn lead(&self) -> u64 {
        self.bit_offset.saturating_sub(self.byte_offset * 8)
    }

    fn too_wide(&self) -> CoreFault {
        CoreFault::TooWide {
            offset: self.bit_offset,
            bits: self.bits,
        }
    }

    fn left_shift(&self, endian: Endian) -> Result<u64, CoreFault> {
        let shift = match endian {
            Endian::Little => self
                .lead()
                .checked_add(self.bits)
                .and_then(|used| 64u64.checked_sub(used)),
            Endian::Big => 8u64
                .checked_sub(self.byte_size)
                .map(|unused| unused * 8 + self.lead()),
        };
        shift.ok_or_else(|| self.too_wide())
    }

    fn right_shift(&self) -> Result<u64, CoreFault> {
        64u64.checked_sub(self.bits).ok_or_else(|| self.too_wide())
    }
}

fn is_signed(ty: &Type<'_>) -> bool {
    match ty.kind() {
        Kind::Int => ty.int().is_some_and(|int| int.is_signed()),
        Kind::Enum | Kind::Enum64 => ty.kind_flag(),
        _ => false,
    }
}

fn memory_behind(
    btf: &Btf,
    ty: &Type<'_>,
    int: Option<IntEncoding>,
    extent: &Extent,
) -> Result<Memory, CoreFault> {
    let class = match ty.kind() {
        Kind::Ptr => MemoryClass::Pointer,
        Kind::Int if !int.is_some_and(IntEncoding::is_signed) => MemoryClass::Unsigned,
        _ => MemoryClass::Other,
    };
    let size = match ty.kind() {
        Kind::Array => size_of(btf, &innermost_element(btf, *ty)?)?,
        _ => extent.byte_size,
    };
    Ok(Memory::Bytes { size, class })
}

/// A load from an array reads one of its elements.
fn innermost_element<'a>(btf: &'a Btf, array: Type<'a>) -> Result<Type<'a>, BtfError> {
    let mut ty = array;
    for _ in 0..MAX_CHAIN {
        match ty.array() {
            Some(array) => ty = btf.resolve(array.element)?,
            None => return Ok(ty),
        }
    }
    Err(BtfError::Cycle(array.id()))
}
