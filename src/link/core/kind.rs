//! What a relocation asks for, and what became of it.

/// What a relocation asks for: the kernel's `enum bpf_core_relo_kind`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum CoreKind {
    /// Offset of a field, bytes.
    FieldByteOffset = 0,
    /// Size of a field, bytes.
    FieldByteSize = 1,
    /// Whether the field exists.
    FieldExists = 2,
    /// Whether the field is signed.
    FieldSigned = 3,
    /// Left shift that brings a bitfield to the top of 64 bits.
    FieldLshiftU64 = 4,
    /// Right shift that brings it down again.
    FieldRshiftU64 = 5,
    /// Type id in the object's BTF.
    TypeIdLocal = 6,
    /// Type id in the target's BTF.
    TypeIdTarget = 7,
    /// Whether the type exists.
    TypeExists = 8,
    /// Size of the type, bytes.
    TypeSize = 9,
    /// Whether the enum has the value.
    EnumvalExists = 10,
    /// The enum's value.
    EnumvalValue = 11,
    /// Whether the type matches in depth.
    TypeMatches = 12,
}

/// What the access string of a relocation leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Subject {
    /// A field or an array element.
    Field,
    /// The root type itself.
    Type,
    /// A value of an enum.
    Enumerator,
}

impl CoreKind {
    const ALL: [CoreKind; 13] = [
        CoreKind::FieldByteOffset,
        CoreKind::FieldByteSize,
        CoreKind::FieldExists,
        CoreKind::FieldSigned,
        CoreKind::FieldLshiftU64,
        CoreKind::FieldRshiftU64,
        CoreKind::TypeIdLocal,
        CoreKind::TypeIdTarget,
        CoreKind::TypeExists,
        CoreKind::TypeSize,
        CoreKind::EnumvalExists,
        CoreKind::EnumvalValue,
        CoreKind::TypeMatches,
    ];

    /// The kind that linux/bpf.h gives this number.
    pub fn from_number(number: u32) -> Option<CoreKind> {
        CoreKind::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// The name that tools print: `byte_off`, `field_exists`, …
    pub fn name(self) -> &'static str {
        match self {
            CoreKind::FieldByteOffset => "byte_off",
            CoreKind::FieldByteSize => "byte_sz",
            CoreKind::FieldExists => "field_exists",
            CoreKind::FieldSigned => "signed",
            CoreKind::FieldLshiftU64 => "lshift_u64",
            CoreKind::FieldRshiftU64 => "rshift_u64",
            CoreKind::TypeIdLocal => "local_type_id",
            CoreKind::TypeIdTarget => "target_type_id",
            CoreKind::TypeExists => "type_exists",
            CoreKind::TypeSize => "type_size",
            CoreKind::EnumvalExists => "enumval_exists",
            CoreKind::EnumvalValue => "enumval_value",
            CoreKind::TypeMatches => "type_matches",
        }
    }

    /// The same in words: `byte offset` (of a field), `size` (of a type), …
    pub fn phrase(self) -> &'static str {
        match self {
            CoreKind::FieldByteOffset => "byte offset",
            CoreKind::FieldByteSize => "byte size",
            CoreKind::FieldExists | CoreKind::TypeExists | CoreKind::EnumvalExists => "existence",
            CoreKind::FieldSigned => "signedness",
            CoreKind::FieldLshiftU64 => "left shift",
            CoreKind::FieldRshiftU64 => "right shift",
            CoreKind::TypeIdLocal => "local type id",
            CoreKind::TypeIdTarget => "target type id",
            CoreKind::TypeSize => "size",
            CoreKind::EnumvalValue => "value",
            CoreKind::TypeMatches => "match",
        }
    }

    pub(super) fn subject(self) -> Subject {
        match self {
            CoreKind::FieldByteOffset
            | CoreKind::FieldByteSize
            | CoreKind::FieldExists
            | CoreKind::FieldSigned
            | CoreKind::FieldLshiftU64
            | CoreKind::FieldRshiftU64 => Subject::Field,
            CoreKind::EnumvalExists | CoreKind::EnumvalValue => Subject::Enumerator,
            CoreKind::TypeIdLocal
            | CoreKind::TypeIdTarget
            | CoreKind::TypeExists
            | CoreKind::TypeSize
            | CoreKind::TypeMatches => Subject::Type,
        }
    }

    /// Whether the answer is 0 where the target has nothing: questions of
    /// existence, and what bpf_core_read.h documents for types.
    pub(super) fn zero_if_missing(self) -> bool {
        matches!(
            self,
            CoreKind::FieldExists
                | CoreKind::TypeExists
                | CoreKind::EnumvalExists
                | CoreKind::TypeMatches
                | CoreKind::TypeSize
                | CoreKind::TypeIdTarget
        )
    }
}

/// What a relocation did to its instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Outcome {
    /// It has a new value.
    Patched = 0,
    /// The value was already right.
    Unchanged = 1,
    /// The target lacks it, and the relocation asked just that: the value is 0.
    Absent = 2,
    /// The target lacks it: the instruction became a call that no kernel accepts.
    Poisoned = 3,
}

impl Outcome {
    /// The name that tools print.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Patched => "patched",
            Outcome::Unchanged => "unchanged",
            Outcome::Absent => "absent",
            Outcome::Poisoned => "poisoned",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_kernel() {
        for (number, kind) in (0u32..).zip(CoreKind::ALL) {
            assert_eq!(kind as u32, number);
            assert_eq!(CoreKind::from_number(number), Some(kind));
        }
        assert_eq!(CoreKind::from_number(13), None);
        assert_eq!(CoreKind::from_number(u32::MAX), None);
    }
}
