//! What the object's BTF says about names that ELF knows too: data sections,
//! externs and map annotations. Gathered in one pass.

use std::cell::Cell;

use super::exceptions;
use super::fault::{Result, malformed};
use super::file::MAX_NAME;
use crate::btf::{Btf, CONTEXT_TAG, Kind, Kinds, Linkage, SectionVar, Type, TypeId};
use crate::lookup::Lookup;

/// The names of a BTF, none of them longer than a symbol's.
///
/// Many types may point into one long string; all names that are read together
/// may be this many times larger than the strings, and no more, so that hostile
/// strings cost no more than honest ones.
pub(super) struct BtfNames<'a> {
    pub(super) btf: &'a Btf,
    left: Cell<usize>,
}

const NAME_SHARING: usize = 8;

impl<'a> BtfNames<'a> {
    pub(super) fn new(btf: &'a Btf) -> BtfNames<'a> {
        BtfNames {
            btf,
            left: Cell::new(btf.string_bytes().len().saturating_mul(NAME_SHARING)),
        }
    }

    /// The name at an offset; empty where there is none that ELF could have too.
    pub(super) fn get(&self, offset: u32) -> Result<&'a [u8]> {
        let name = short_name(self.btf, offset, MAX_NAME);
        let left = self.left.get().checked_sub(name.len());
        self.left.set(
            left.ok_or_else(|| {
                malformed("names in BTF overlap more than any compiler makes them")
            })?,
        );
        Ok(name)
    }
}

/// The name at an offset; empty where it is longer than `max` bytes or not there.
#[inline(always)]
pub(super) fn short_name(btf: &Btf, offset: u32, max: usize) -> &[u8] {
    let own = offset.checked_sub(btf.first_string());
    let tail = own.and_then(|own| btf.string_bytes().get(own as usize..));
    let tail = tail.unwrap_or_default();
    let head = tail.get(..=max).unwrap_or(tail);
    let end = head.iter().position(|&byte| byte == 0);
    end.and_then(|end| head.get(..end)).unwrap_or_default()
}

/// BTF types by the names that the ELF file uses.
#[derive(Default)]
pub(super) struct BtfIndex<'a> {
    pub(super) names: Option<BtfNames<'a>>,
    datasecs: Lookup<&'a [u8], TypeId>,
    externs: Lookup<&'a [u8], TypeId>,
    annotations: Lookup<&'a [u8], TypeId>,
    callback_tags: Vec<TypeId>,
    pub(super) has_context_tags: bool,
}

/// The kinds that [`BtfIndex::add`] looks at.
const WITH_NAMES_OF_ELF: Kinds = {
    use Kind::{Datasec, DeclTag, Func, Struct, Var};
    Kinds::of(&[Datasec, DeclTag, Func, Struct, Var])
};

/// What BPF_ANNOTATE_KV_PAIR puts before a legacy map's name.
const ANNOTATION: &[u8] = b"____btf_map_";

impl<'a> BtfIndex<'a> {
    /// Of two types of one name, the first one counts.
    pub(super) fn new(btf: Option<&'a Btf>) -> Result<BtfIndex<'a>> {
        let Some(btf) = btf else {
            return Ok(BtfIndex::default());
        };
        let names = BtfNames::new(btf);
        let mut index = BtfIndex::default();
        for ty in btf.own_types_of(WITH_NAMES_OF_ELF) {
            index.add(&names, &ty)?;
        }
        index.names = Some(names);
        Ok(index)
    }

    fn add(&mut self, names: &BtfNames<'a>, ty: &Type<'a>) -> Result<()> {
        let (table, prefix): (_, &[u8]) = match ty.kind() {
            Kind::Datasec => (&mut self.datasecs, b""),
            Kind::Func | Kind::Var if ty.linkage() == Some(Linkage::Extern) => {
                (&mut self.externs, b"")
            }
            Kind::Struct if starts_with(names.btf, ty.name_off(), ANNOTATION) => {
                (&mut self.annotations, ANNOTATION)
            }
            Kind::DeclTag
                if ty.component_index() == Some(-1)
                    && starts_with(names.btf, ty.name_off(), exceptions::TAG) =>
            {
                self.callback_tags.push(ty.id());
                return Ok(());
            }
            Kind::DeclTag => {
                self.has_context_tags |= ty.short_name() == CONTEXT_TAG;
                return Ok(());
            }
            _ => return Ok(()),
        };
        match names.get(ty.name_off())?.strip_prefix(prefix) {
            Some(name) if !name.is_empty() => table.or_insert(name, ty.id()),
            _ => return Ok(()),
        };
        Ok(())
    }

    pub(super) fn btf(&self) -> Option<&'a Btf> {
        self.names.as_ref().map(|names| names.btf)
    }

    /// The BTF_KIND_DATASEC of a section.
    pub(super) fn datasec(&self, name: &[u8]) -> Option<Type<'a>> {
        self.ty(self.datasecs.get(name))
    }

    /// The extern function or variable of a name.
    pub(super) fn extern_of(&self, name: &[u8]) -> Option<Type<'a>> {
        self.ty(self.externs.get(name))
    }

    /// The struct that gives a legacy map's key and value types.
    pub(super) fn annotation(&self, map: &[u8]) -> Option<Type<'a>> {
        self.ty(self.annotations.get(map))
    }

    /// The declaration tags that name exception callbacks.
    pub(super) fn callback_tags(&self) -> &[TypeId] {
        &self.callback_tags
    }

    /// The variables of a section.
    pub(super) fn section_vars(&self, name: &[u8]) -> impl Iterator<Item = SectionVar> + use<'a> {
        self.datasec(name)
            .into_iter()
            .flat_map(|datasec| datasec.section_vars())
    }

    fn ty(&self, id: Option<&TypeId>) -> Option<Type<'a>> {
        self.btf()?.type_by_id(*id?).ok()
    }
}

#[inline(always)]
fn starts_with(btf: &Btf, offset: u32, prefix: &[u8]) -> bool {
    let own = offset.checked_sub(btf.first_string());
    own.and_then(|own| btf.string_bytes().get(own as usize..))
        .is_some_and(|tail| tail.starts_with(prefix))
}
