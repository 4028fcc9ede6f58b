//! What the object's BTF says about names that ELF knows too: data sections,
//! externs and map annotations. Gathered in one pass.

use hashbrown::HashMap;

use super::file::MAX_NAME;
use crate::btf::{Btf, Kind, Linkage, SectionVar, Type, TypeId};

/// BTF types by the names that the ELF file uses.
#[derive(Default)]
pub(super) struct BtfIndex<'a> {
    pub(super) btf: Option<&'a Btf>,
    datasecs: HashMap<&'a [u8], TypeId>,
    externs: HashMap<&'a [u8], TypeId>,
    annotations: HashMap<&'a [u8], TypeId>,
}

/// What BPF_ANNOTATE_KV_PAIR puts before a legacy map's name.
const ANNOTATION: &[u8] = b"____btf_map_";

impl<'a> BtfIndex<'a> {
    /// Of two types of one name, the first one counts.
    pub(super) fn new(btf: Option<&'a Btf>) -> BtfIndex<'a> {
        let mut index = BtfIndex {
            btf,
            ..BtfIndex::default()
        };
        for ty in btf.into_iter().flat_map(Btf::own_types) {
            index.add(&ty);
        }
        index
    }

    fn add(&mut self, ty: &Type<'a>) {
        let table = match ty.kind() {
            Kind::Datasec => &mut self.datasecs,
            Kind::Func | Kind::Var if ty.linkage() == Some(Linkage::Extern) => &mut self.externs,
            Kind::Struct => &mut self.annotations,
            _ => return,
        };
        let Some(name) = bounded_name(ty.btf(), ty.name_off()) else {
            return;
        };
        let name = match ty.kind() {
            Kind::Struct => match name.strip_prefix(ANNOTATION) {
                Some(map) => map,
                None => return,
            },
            _ => name,
        };
        table.entry(name).or_insert(ty.id());
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

    /// The variables of a section.
    pub(super) fn section_vars(&self, name: &[u8]) -> impl Iterator<Item = SectionVar> + use<'a> {
        self.datasec(name)
            .into_iter()
            .flat_map(|datasec| datasec.section_vars())
    }

    fn ty(&self, id: Option<&TypeId>) -> Option<Type<'a>> {
        self.btf?.type_by_id(*id?).ok()
    }
}

/// A name that ELF could have too: no longer than any symbol's, so that hostile
/// strings cost no more than honest ones.
pub(super) fn bounded_name(btf: &Btf, offset: u32) -> Option<&[u8]> {
    let own = offset.checked_sub(btf.first_string())?;
    let tail = btf.string_bytes().get(own as usize..)?;
    let head = tail.get(..=MAX_NAME).unwrap_or(tail);
    let len = head.iter().position(|&byte| byte == 0)?;
    head.get(..len).filter(|name| !name.is_empty())
}
