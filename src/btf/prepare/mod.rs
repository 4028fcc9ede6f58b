//! An object's BTF as a kernel accepts it.
//!
//! Compilers leave open what only the ELF file knows (sizes of sections, places of
//! variables), mark what somebody else defines in ways that the kernel refuses, and
//! use kinds that older kernels do not know. Each type that one of the steps may change
//! goes through all of them, one file each; the others, nearly all, are copied in rows.
//! Ids stay what they were, types that are needed besides come last.

mod contexts;
mod externs;
mod layout;
mod sanitize;
#[cfg(test)]
mod tests;

use super::write::{Draft, Writer};
use super::{Btf, BtfError};
use super::{Kind, Kinds};
use crate::feature::Feature;
use externs::Externs;
use sanitize::Sanitizer;

pub(crate) use contexts::{ContextCopies, ContextFunction, TAG as CONTEXT_TAG, context_tags};
pub use externs::{KconfigVar, kconfig_layout};
pub use layout::{Layout, Variable};

/// The bytes for BPF_BTF_LOAD, in the byte order of `btf`, for a kernel that
/// supports what `supports` says; it is asked only where the answer matters.
///
/// What the BTF does not say well stays as it is: the kernel's verifier tells
/// more about it than could be told here.
pub fn prepare(
    btf: &Btf,
    layout: &Layout,
    supports: &dyn Fn(Feature) -> bool,
) -> Result<Vec<u8>, BtfError> {
    if btf.base().is_some() {
        let what = "split BTF is no BTF of an object".to_owned();
        return Err(BtfError::Malformed(what));
    }
    let mut writer = Writer::new(btf.endian(), btf.string_bytes());
    let externs = Externs::find(btf, &mut writer)?;
    let mut sanitizer = Sanitizer::new(btf, supports, externs.first_free_id());
    let types = btf.type_bytes();
    writer.reserve(types.len());
    let mut copied = 0;
    for ty in btf.own_types_of(MAY_CHANGE) {
        let stays = !externs.may_change(&ty) && !layout.may_change(&ty);
        if stays && !sanitizer.may_change(&ty) {
            continue;
        }
        let range = ty.place();
        writer.copy(types.get(copied..range.start).unwrap_or_default(), ty.id());
        copied = range.end;
        let mut draft = Draft::of(&ty)?;
        externs.apply(ty.id(), &mut draft);
        layout.apply(&ty, &mut draft);
        sanitizer.apply(&mut draft, &mut writer)?;
        writer.push(&draft);
    }
    writer.copy(types.get(copied..).unwrap_or_default(), btf.type_count());
    for mut draft in externs.added_types() {
        sanitizer.apply(&mut draft, &mut writer)?;
        writer.push(&draft);
    }
    sanitizer.finish(&mut writer)?;
    writer.finish()
}

/// Types of other kinds are taken by every kernel as the compiler wrote them.
const MAY_CHANGE: Kinds = {
    use Kind::{Array, Const, Fwd, Int, Ptr, Restrict, Struct, Typedef, Union, Volatile};
    Kinds::but(&[
        Int, Ptr, Array, Struct, Union, Fwd, Typedef, Volatile, Const, Restrict,
    ])
};
