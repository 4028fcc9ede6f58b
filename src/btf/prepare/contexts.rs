//! Copies of functions whose parameters get the type of a program's context.
//!
//! A kernel that does not know the tag `arg:ctx` tells a context by the name of the
//! struct that a parameter points to. One function may serve programs of several
//! types, so each type has a copy of its own; what is there keeps its ids.

use crate::btf::write::{Draft, Writer};
use crate::btf::{Btf, BtfError, Kind, Kinds, Linkage, TypeId};
use crate::lookup::Lookup;

/// The tag of a parameter that is the program's context (`__arg_ctx` of bpf_helpers.h).
pub const TAG: &[u8] = b"arg:ctx";

/// A function some of whose parameters are the context of a program.
#[derive(Clone, Debug)]
pub struct ContextFunction<'a> {
    /// Its BTF_KIND_FUNC.
    pub func: TypeId,
    /// The numbers of the parameters.
    pub params: Vec<u32>,
    /// Declaration tags that are about it: the copy has them too.
    pub tags: &'a [TypeId],
    /// The name of the struct that the kernel expects.
    pub context: &'static str,
}

/// The copies that were made of one BTF.
#[derive(Clone, Debug, Default)]
pub struct ContextCopies {
    copies: Lookup<(TypeId, &'static str), TypeId>,
    pointers: Lookup<&'static str, TypeId>,
}

impl ContextCopies {
    /// The copy of a function for a context.
    pub fn get(&self, func: TypeId, context: &'static str) -> Option<TypeId> {
        self.copies.get(&(func, context)).copied()
    }

    /// The prepared BTF, the same as the times before, with what `wanted` lacks behind
    /// it, and the copies that are there then.
    pub fn with(
        &self,
        prepared: &[u8],
        wanted: &[ContextFunction<'_>],
    ) -> Result<(Vec<u8>, ContextCopies), BtfError> {
        let btf = Btf::parse(prepared, None)?;
        let (mut copies, mut writer) = (self.clone(), Writer::after(&btf));
        for function in wanted {
            if copies.get(function.func, function.context).is_none() {
                copies.copy(&btf, function, &mut writer)?;
            }
        }
        Ok((writer.finish()?, copies))
    }

    fn copy(
        &mut self,
        btf: &Btf,
        wanted: &ContextFunction<'_>,
        writer: &mut Writer,
    ) -> Result<(), BtfError> {
        let func = btf.type_by_id(wanted.func)?;
        // A static function is verified with what its caller passes.
        if func.kind() != Kind::Func || func.linkage() != Some(Linkage::Global) {
            return Ok(());
        }
        let proto = btf.type_by_id(func.target())?;
        let pointer = self.pointer(wanted.context, writer)?;
        let mut proto = Draft::of(&proto)?;
        let (params, _) = proto.tail.as_chunks_mut::<2>();
        for &number in &wanted.params {
            if let Some([_, type_id]) = params.get_mut(number as usize) {
                *type_id = pointer;
            }
        }
        let proto = writer.push(&proto);
        let copy = writer.push(&Draft {
            size_or_type: proto,
            ..Draft::of(&func)?
        });
        for &tag in wanted.tags {
            let tag = btf.type_by_id(tag)?;
            // An older kernel knows no tags: they are something else by now.
            if tag.kind() == Kind::DeclTag {
                writer.push(&Draft {
                    size_or_type: copy,
                    ..Draft::of(&tag)?
                });
            }
        }
        self.copies.insert((wanted.func, wanted.context), copy);
        Ok(())
    }

    /// `struct context *`; the kernel looks at the struct's name alone.
    fn pointer(&mut self, context: &'static str, writer: &mut Writer) -> Result<TypeId, BtfError> {
        if let Some(&known) = self.pointers.get(context) {
            return Ok(known);
        }
        let name = writer.string(context.as_bytes())?;
        let of = writer.push(&Draft::new(Kind::Struct, name, 0));
        let pointer = writer.push(&Draft::new(Kind::Ptr, 0, of));
        self.pointers.insert(context, pointer);
        Ok(pointer)
    }
}

/// What the declaration tags of a function say, where some parameter is a context.
#[derive(Clone, Debug, Default)]
pub struct ContextTags {
    /// The numbers of the parameters that are one.
    pub params: Vec<u32>,
    /// All tags of the function.
    pub tags: Vec<TypeId>,
}

/// The functions that have a parameter with the tag `arg:ctx`.
pub(crate) fn context_tags(btf: &Btf) -> Lookup<TypeId, ContextTags> {
    let mut tagged: Lookup<TypeId, ContextTags> = Lookup::default();
    for tag in btf.own_types_of(Kinds::of(&[Kind::DeclTag])) {
        let (function, _) = tagged.or_insert(tag.target(), ContextTags::default());
        function.tags.push(tag.id());
        let number = tag.component_index().and_then(|n| u32::try_from(n).ok());
        if let (TAG, Some(number)) = (tag.short_name(), number) {
            function.params.push(number);
        }
    }
    tagged
}
