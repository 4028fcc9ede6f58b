//! Kinds that a kernel does not know, replaced by ones that it does.
//!
//! The replacements are those of libbpf: programs load as well with them, only
//! what the kernel would have shown of its types is less.

use crate::btf::write::{Draft, Writer};
use crate::btf::{Btf, BtfError, Kind, Type, TypeId};
use crate::feature::Feature;

/// Replaces types one by one.
pub(super) struct Sanitizer<'a> {
    btf: &'a Btf,
    supports: &'a dyn Fn(Feature) -> bool,
    /// The id of the type of members that stand for values of an enum64, if used.
    placeholder: TypeId,
    placeholder_used: bool,
}

impl<'a> Sanitizer<'a> {
    pub(super) fn new(
        btf: &'a Btf,
        supports: &'a dyn Fn(Feature) -> bool,
        first_free_id: TypeId,
    ) -> Sanitizer<'a> {
        Sanitizer {
            btf,
            supports,
            placeholder: first_free_id,
            placeholder_used: false,
        }
    }

    fn lacks(&self, feature: Feature) -> bool {
        !(self.supports)(feature)
    }

    /// Whether [`apply`](Self::apply) may have something to do about a type.
    pub(super) fn may_change(&self, ty: &Type<'_>) -> bool {
        match ty.kind() {
            Kind::Int
            | Kind::Ptr
            | Kind::Array
            | Kind::Struct
            | Kind::Union
            | Kind::Fwd
            | Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict => false,
            Kind::FuncProto => self.lacks(Feature::BtfFunc),
            Kind::Func => {
                self.lacks(Feature::BtfFunc) || ty.vlen() != 0 && self.lacks(Feature::BtfFuncGlobal)
            }
            Kind::Float => self.lacks(Feature::BtfFloat),
            Kind::TypeTag => self.lacks(Feature::BtfTypeTag),
            Kind::DeclTag => self.lacks(Feature::BtfDeclTag),
            Kind::Enum => ty.kind_flag() && self.lacks(Feature::BtfEnum64),
            Kind::Enum64 => self.lacks(Feature::BtfEnum64),
            _ => true,
        }
    }

    pub(super) fn apply(&mut self, draft: &mut Draft, writer: &mut Writer) -> Result<(), BtfError> {
        match draft.kind() {
            Kind::Var if self.lacks(Feature::BtfDatasec) => make_byte(draft),
            Kind::DeclTag if self.lacks(Feature::BtfDeclTag) => make_byte(draft),
            Kind::Datasec => self.section(draft, writer)?,
            Kind::FuncProto if self.lacks(Feature::BtfFunc) => prototype(draft, writer)?,
            Kind::Func if self.lacks(Feature::BtfFunc) => draft.set_info(Kind::Typedef, 0),
            Kind::Func if draft.vlen() != 0 && self.lacks(Feature::BtfFuncGlobal) => {
                draft.set_info(Kind::Func, 0);
            }
            Kind::Float if self.lacks(Feature::BtfFloat) => {
                // Without a name: "float" is none that a struct could have.
                draft.name_off = 0;
                draft.set_info(Kind::Struct, 0);
            }
            Kind::TypeTag if self.lacks(Feature::BtfTypeTag) => {
                draft.name_off = 0;
                draft.set_info(Kind::Const, 0);
            }
            Kind::Enum if draft.info >> 31 != 0 && self.lacks(Feature::BtfEnum64) => {
                draft.set_info(Kind::Enum, draft.vlen());
            }
            Kind::Enum64 if self.lacks(Feature::BtfEnum64) => self.enum64(draft),
            _ => {}
        }
        Ok(())
    }

    fn section(&self, draft: &mut Draft, writer: &mut Writer) -> Result<(), BtfError> {
        let name = self.btf.short_string(draft.name_off).unwrap_or_default();
        if self.lacks(Feature::BtfDatasec) {
            // A struct needs an identifier for a name.
            let name = with_underscores(name, |byte| byte.is_ascii_alphanumeric());
            draft.name_off = writer.string(&name)?;
            draft.set_info(Kind::Struct, draft.vlen());
            let (entries, _) = draft.tail.as_chunks_mut::<3>();
            for entry in entries {
                // A variable's type, offset and size become a member's name, type and offset.
                let [id, offset, _] = *entry;
                let name = self.btf.type_by_id(id).map_or(0, |ty| ty.name_off());
                *entry = [name, id, offset.saturating_mul(8)];
            }
            return Ok(());
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        if !name.iter().all(|&byte| plain(byte)) && self.lacks(Feature::BtfQmarkDatasec) {
            draft.name_off = writer.string(&with_underscores(name, plain))?;
        }
        Ok(())
    }

    /// A union with a member for each value: the names stay, the values are lost.
    fn enum64(&mut self, draft: &mut Draft) {
        self.placeholder_used = true;
        draft.set_info(Kind::Union, draft.vlen());
        let (values, _) = draft.tail.as_chunks_mut::<3>();
        for [_, type_id, offset] in values {
            (*type_id, *offset) = (self.placeholder, 0);
        }
    }

    /// Adds the type that replaced values need.
    pub(super) fn finish(self, writer: &mut Writer) -> Result<(), BtfError> {
        if self.placeholder_used {
            let name = writer.string(b"enum64_placeholder")?;
            let mut byte = Draft::new(Kind::Int, name, 1);
            byte.tail = vec![8];
            let id = writer.push(&byte);
            debug_assert_eq!(id, self.placeholder);
        }
        Ok(())
    }
}

/// `name` with an underscore for every byte that is not `allowed`.
fn with_underscores(name: &[u8], allowed: impl Fn(u8) -> bool) -> Vec<u8> {
    let replaced = |&byte: &u8| if allowed(byte) { byte } else { b'_' };
    name.iter().map(replaced).collect()
}

/// An enum whose values are the parameters: a name and a number each. Values need
/// names, which the dots of a variadic function lack.
fn prototype(draft: &mut Draft, writer: &mut Writer) -> Result<(), BtfError> {
    draft.set_info(Kind::Enum, draft.vlen());
    draft.size_or_type = 4;
    let (params, _) = draft.tail.as_chunks_mut::<2>();
    for [name, _] in params.iter_mut().filter(|[name, _]| *name == 0) {
        *name = writer.string(b"_")?;
    }
    Ok(())
}

/// An integer of one byte: it fits wherever the type is mentioned.
fn make_byte(draft: &mut Draft) {
    draft.set_info(Kind::Int, 0);
    draft.size_or_type = 1;
    draft.tail = vec![8];
}
