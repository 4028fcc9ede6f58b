//! Symbols that the object uses and somebody else defines.

use super::KconfigSlot;
use crate::btf::TypeId;
use crate::name::Name;

/// A symbol without a definition in the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extern {
    /// The ELF symbol's name, its `___flavour` included.
    pub name: Name,
    /// What it stands for.
    pub kind: ExternKind,
    /// Whether it may stay undefined.
    pub weak: bool,
    /// Its BTF_KIND_FUNC or BTF_KIND_VAR, where the object has BTF for it.
    pub btf_id: Option<TypeId>,
    /// Where it stands in the map `.kconfig`, for a configuration value of a type
    /// that has a meaning there.
    pub kconfig: Option<KconfigSlot>,
}

/// What an extern stands for, by the data section that its BTF lists it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExternKind {
    /// A kernel function (`.ksyms`).
    Kfunc,
    /// A kernel variable (`.ksyms`); typed where its BTF type is not `void`.
    Ksym,
    /// A kernel configuration value (`.kconfig`).
    Kconfig,
    /// An undefined symbol that BTF says nothing about.
    Unknown,
}
