//! BTF, read in place: the raw layout, a zero-copy view, names, split BTF.
//!
//! Format: Documentation/bpf/btf.rst of the kernel. This module knows nothing
//! of ELF and nothing of instructions.

#![deny(unsafe_code)]

mod base_check;
mod data;
mod error;
mod ext;
#[cfg(test)]
mod ext_test;
mod kernel;
mod kind;
mod lanes;
mod map;
mod name_chains;
mod name_head;
mod name_search;
mod names;
mod places;
mod pointer_size;
mod prepare;
mod raw;
mod relocate;
mod scan;
#[cfg(test)]
mod scan_test;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod view;
mod walk;
mod write;

pub use data::Data;
pub use error::BtfError;
pub use ext::{BtfExt, CoreRelo, FuncInfo, LineInfo, RawRecord, Subsection, Subsections};
pub use kernel::{SYSFS_BTF, SharedBtf};
pub use kind::Kind;
pub(crate) use kind::Kinds;
pub use names::essential_name;
pub(crate) use prepare::{CONTEXT_TAG, ContextCopies, ContextFunction, context_tags};
pub use prepare::{KconfigVar, Layout, Variable, kconfig_layout, prepare};
pub use raw::Btf;
pub use relocate::relocate;
pub(crate) use view::TypePlace;
pub use view::{ArrayType, EnumValue, IntEncoding, Linkage, Member, Param, SectionVar, Type};

/// The number of a type in its BTF; 0 is `void`.
pub type TypeId = u32;

/// How many modifiers, typedefs or array dimensions in a row are followed
/// before the chain counts as a cycle; libbpf's MAX_RESOLVE_DEPTH is 32 too.
pub const MAX_CHAIN: usize = 32;

/// Longer names are not looked up: the kernel knows none over 512 bytes, and names
/// may overlap, so that a small file could make a reader busy for hours.
pub const MAX_NAME: usize = 4096;

/// A name for people: bytes of a string section, shown as UTF-8.
pub fn display_name(name: &[u8]) -> std::borrow::Cow<'_, str> {
    if name.is_empty() {
        "<anon>".into()
    } else {
        String::from_utf8_lossy(name)
    }
}
