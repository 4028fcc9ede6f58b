//! The local types that relocations start at: what all questions about one share.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::candidates::{Candidate, Origins};
use super::decisions::Row;
use super::spec::check_root;
use super::{CoreFault, CoreKind};
use crate::btf::{Btf, BtfError, Kind, Type, TypeId, essential_name};

/// A local type that relocations start at.
pub(super) struct Root<'a> {
    ty: Type<'a>,
    /// The same, modifiers and typedefs skipped.
    resolved: Result<Type<'a>, BtfError>,
    /// Whether it can be looked for by name and kind.
    checked: bool,
    candidates: Option<Row>,
}

impl<'a> Root<'a> {
    fn new(local: &'a Btf, id: TypeId) -> Result<Root<'a>, CoreFault> {
        let ty = local.type_by_id(id)?;
        Ok(Root {
            ty,
            resolved: local.resolve_type(ty),
            checked: check_root(&ty, CoreKind::TypeExists).is_ok(),
            candidates: None,
        })
    }

    /// Whether a relocation of this kind may start here.
    #[inline]
    pub(super) fn check(&self, kind: CoreKind) -> Result<(), CoreFault> {
        match self.checked {
            true => Ok(()),
            false => check_root(&self.ty, kind),
        }
    }

    #[inline]
    pub(super) fn resolved(&self) -> Result<Type<'a>, CoreFault> {
        match &self.resolved {
            Ok(ty) => Ok(*ty),
            Err(error) => Err(error.clone().into()),
        }
    }

    /// The candidates for it; those of a name that was not met before come behind `all`.
    #[inline]
    pub(super) fn candidates(
        &mut self,
        names: &mut Names<'a>,
        all: &mut Vec<Candidate>,
    ) -> Result<Row, CoreFault> {
        match self.candidates {
            Some(row) => Ok(row),
            None => Ok(*self.candidates.insert(names.candidates(&self.ty, all)?)),
        }
    }
}

/// All of them, looked up once each.
pub(super) struct Roots<'a> {
    known: HashMap<TypeId, Root<'a>>,
    names: Names<'a>,
}

/// Candidates by name: flavours of one name share theirs.
pub(super) struct Names<'a> {
    origins: Origins<'a>,
    known: HashMap<(&'a [u8], Kind), Row>,
}

impl<'a> Roots<'a> {
    pub(super) fn new(origins: Origins<'a>) -> Roots<'a> {
        let known = HashMap::new();
        Roots {
            known: HashMap::new(),
            names: Names { origins, known },
        }
    }

    /// Room for so many types.
    pub(super) fn expect(&mut self, types: usize) {
        self.known.reserve(types);
        self.names.known.reserve(types);
    }

    pub(super) fn warnings(&self) -> &[String] {
        self.names.origins.warnings()
    }

    /// The local type with this id, and what finds candidates for it.
    #[inline]
    pub(super) fn root(
        &mut self,
        local: &'a Btf,
        id: TypeId,
    ) -> Result<(&mut Root<'a>, &mut Names<'a>), CoreFault> {
        let root = match self.known.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Root::new(local, id)?),
        };
        Ok((root, &mut self.names))
    }
}

impl<'a> Names<'a> {
    fn candidates(&mut self, ty: &Type<'a>, all: &mut Vec<Candidate>) -> Result<Row, CoreFault> {
        let name = essential_name(ty.name()?);
        match self.known.entry((name, ty.kind())) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(new) => {
                let first = all.len();
                self.origins.add_candidates(ty, name, all)?;
                let len = all.len().saturating_sub(first);
                Ok(*new.insert(Row { first, len }))
            }
        }
    }
}
