//! The kinds of BTF types and how many bytes each takes.

use std::fmt;

/// What a BTF type is: the BTF_KIND_* of linux/btf.h.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Type id 0.
    Void = 0,
    /// BTF_KIND_INT.
    Int = 1,
    /// BTF_KIND_PTR.
    Ptr = 2,
    /// BTF_KIND_ARRAY.
    Array = 3,
    /// BTF_KIND_STRUCT.
    Struct = 4,
    /// BTF_KIND_UNION.
    Union = 5,
    /// BTF_KIND_ENUM.
    Enum = 6,
    /// BTF_KIND_FWD: a struct or union that is only declared.
    Fwd = 7,
    /// BTF_KIND_TYPEDEF.
    Typedef = 8,
    /// BTF_KIND_VOLATILE.
    Volatile = 9,
    /// BTF_KIND_CONST.
    Const = 10,
    /// BTF_KIND_RESTRICT.
    Restrict = 11,
    /// BTF_KIND_FUNC.
    Func = 12,
    /// BTF_KIND_FUNC_PROTO.
    FuncProto = 13,
    /// BTF_KIND_VAR.
    Var = 14,
    /// BTF_KIND_DATASEC.
    Datasec = 15,
    /// BTF_KIND_FLOAT.
    Float = 16,
    /// BTF_KIND_DECL_TAG.
    DeclTag = 17,
    /// BTF_KIND_TYPE_TAG.
    TypeTag = 18,
    /// BTF_KIND_ENUM64.
    Enum64 = 19,
    /// A kind of the future, skipped by the layout section.
    Unknown = 0xff,
}

/// Some of the kinds.
#[derive(Clone, Copy)]
pub(crate) struct Kinds(u32);

impl Kinds {
    pub(crate) const fn of(kinds: &[Kind]) -> Kinds {
        let (mut bits, mut index) = (0, 0);
        while index < kinds.len() {
            bits |= Kinds::bit(kinds[index]);
            index += 1;
        }
        Kinds(bits)
    }

    /// All other kinds, those of the future too.
    pub(crate) const fn but(kinds: &[Kind]) -> Kinds {
        Kinds(!Kinds::of(kinds).0)
    }

    #[inline(always)]
    pub(crate) const fn has(self, kind: Kind) -> bool {
        self.0 & Kinds::bit(kind) != 0
    }

    /// Those of the future have the last bit.
    const fn bit(kind: Kind) -> u32 {
        let number = kind as u32;
        1 << if number < 31 { number } else { 31 }
    }
}

impl Kind {
    /// The kind of a number; numbers of the future are [`Kind::Unknown`].
    // No table: the compiler sees that kinds are their numbers.
    #[inline]
    pub const fn from_number(number: u8) -> Kind {
        match number {
            0 => Kind::Void,
            1 => Kind::Int,
            2 => Kind::Ptr,
            3 => Kind::Array,
            4 => Kind::Struct,
            5 => Kind::Union,
            6 => Kind::Enum,
            7 => Kind::Fwd,
            8 => Kind::Typedef,
            9 => Kind::Volatile,
            10 => Kind::Const,
            11 => Kind::Restrict,
            12 => Kind::Func,
            13 => Kind::FuncProto,
            14 => Kind::Var,
            15 => Kind::Datasec,
            16 => Kind::Float,
            17 => Kind::DeclTag,
            18 => Kind::TypeTag,
            19 => Kind::Enum64,
            _ => Kind::Unknown,
        }
    }

    /// The lower-case name that bpftool prints.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Void => "void",
            Kind::Int => "int",
            Kind::Ptr => "ptr",
            Kind::Array => "array",
            Kind::Struct => "struct",
            Kind::Union => "union",
            Kind::Enum => "enum",
            Kind::Fwd => "fwd",
            Kind::Typedef => "typedef",
            Kind::Volatile => "volatile",
            Kind::Const => "const",
            Kind::Restrict => "restrict",
            Kind::Func => "func",
            Kind::FuncProto => "func_proto",
            Kind::Var => "var",
            Kind::Datasec => "datasec",
            Kind::Float => "float",
            Kind::DeclTag => "decl_tag",
            Kind::TypeTag => "type_tag",
            Kind::Enum64 => "enum64",
            Kind::Unknown => "unknown",
        }
    }

    /// Whether types of this kind only qualify or rename another type.
    #[inline]
    pub fn is_modifier_or_typedef(self) -> bool {
        matches!(
            self,
            Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag
        )
    }

    /// Whether types of this kind may have a name.
    #[inline]
    pub(super) fn may_have_name(self) -> bool {
        use Kind::{Array, Const, FuncProto, Ptr, Restrict, Volatile};
        !matches!(self, Ptr | Array | Const | Volatile | Restrict | FuncProto)
    }

    /// Whether this is a struct or a union.
    #[inline]
    pub fn is_composite(self) -> bool {
        matches!(self, Kind::Struct | Kind::Union)
    }

    /// Whether this is an enum of either width.
    #[inline]
    pub fn is_any_enum(self) -> bool {
        matches!(self, Kind::Enum | Kind::Enum64)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Kinds that seven bits can number.
pub(super) const KINDS: usize = 128;

/// Bytes behind the 12-byte head of a type: `fixed + vlen * each`.
#[derive(Clone, Copy)]
pub(super) struct KindLayout {
    pub fixed: u8,
    pub each: u8,
    pub known: bool,
}

const UNKNOWN: KindLayout = KindLayout {
    fixed: 0,
    each: 0,
    known: false,
};

const fn layout(fixed: u8, each: u8) -> KindLayout {
    KindLayout {
        fixed,
        each,
        known: true,
    }
}

/// What linux/btf.h says of each kind; the layout section may add later kinds.
pub(super) const LAYOUTS: [KindLayout; KINDS] = {
    let mut table = [UNKNOWN; KINDS];
    table[Kind::Int as usize] = layout(4, 0);
    table[Kind::Ptr as usize] = layout(0, 0);
    table[Kind::Array as usize] = layout(12, 0);
    table[Kind::Struct as usize] = layout(0, 12);
    table[Kind::Union as usize] = layout(0, 12);
    table[Kind::Enum as usize] = layout(0, 8);
    table[Kind::Fwd as usize] = layout(0, 0);
    table[Kind::Typedef as usize] = layout(0, 0);
    table[Kind::Volatile as usize] = layout(0, 0);
    table[Kind::Const as usize] = layout(0, 0);
    table[Kind::Restrict as usize] = layout(0, 0);
    table[Kind::Func as usize] = layout(0, 0);
    table[Kind::FuncProto as usize] = layout(0, 8);
    table[Kind::Var as usize] = layout(4, 0);
    table[Kind::Datasec as usize] = layout(0, 12);
    table[Kind::Float as usize] = layout(0, 0);
    table[Kind::DeclTag as usize] = layout(4, 0);
    table[Kind::TypeTag as usize] = layout(0, 0);
    table[Kind::Enum64 as usize] = layout(0, 12);
    table
};
