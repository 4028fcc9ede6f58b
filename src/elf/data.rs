//! Global variables: each data section is an array map with one value.

use super::btf_index::{BtfIndex, BtfNames};
use super::fault::{Result, malformed};
use super::file::{ElfFile, Section};
use super::{Map, MapDefinition, MapOrigin};
use crate::btf::{Kind, Linkage};
use crate::lookup::Lookup;
use crate::name::Name;

const BPF_MAP_TYPE_ARRAY: u32 = 2;
const BPF_F_RDONLY_PROG: u32 = 1 << 7;
const BPF_F_MMAPABLE: u32 = 1 << 10;

/// Makes maps of data sections.
pub(super) struct DataMaps<'a> {
    index: &'a BtfIndex<'a>,
    /// Symbols that other objects do not see.
    hidden: Lookup<&'a [u8]>,
    /// Whether sections of a name are mapped into the loader: sections may share
    /// a name, and what BTF lists under it is looked through once.
    mmapable: Lookup<Name, bool>,
}

impl<'a> DataMaps<'a> {
    pub(super) fn new(file: &'a ElfFile<'_>, index: &'a BtfIndex<'a>) -> DataMaps<'a> {
        let hidden = file.symbols.iter().filter(|symbol| symbol.hidden);
        DataMaps {
            index,
            hidden: hidden.map(|symbol| (symbol.name, ())).collect(),
            mmapable: Lookup::default(),
        }
    }

    /// The map of a data section.
    pub(super) fn map(&mut self, section: &Section<'_>, origin: MapOrigin) -> Result<Map> {
        let value_size = u32::try_from(section.size).map_err(|_| {
            malformed(format!(
                "{} bytes of data, more than a map's value can hold",
                section.size
            ))
            .section(&section.name)
        })?;
        let datasec = self.index.datasec(section.name.as_bytes());
        let mut flags = 0;
        if origin == MapOrigin::Rodata {
            flags |= BPF_F_RDONLY_PROG;
        }
        if self.is_mmapable(section)? {
            flags |= BPF_F_MMAPABLE;
        }
        Ok(Map {
            name: section.name.clone(),
            section: section.name.clone(),
            origin,
            definition: MapDefinition {
                map_type: BPF_MAP_TYPE_ARRAY,
                key_size: 4,
                value_size,
                max_entries: 1,
                flags,
                value_type_id: datasec.map_or(0, |datasec| datasec.id()),
                ..MapDefinition::default()
            },
            initial: match section.is_nobits() {
                true => None,
                false => Some(section.bytes()?.to_vec()),
            },
            weak: false,
            hidden: false,
        })
    }

    fn is_mmapable(&mut self, section: &Section<'_>) -> Result<bool> {
        if let Some(&known) = self.mmapable.get(&section.name) {
            return Ok(known);
        }
        let found = match &self.index.names {
            Some(names) => self.has_visible_variable(names, section.name.as_bytes())?,
            None => false,
        };
        self.mmapable.insert(section.name.clone(), found);
        Ok(found)
    }

    /// As libbpf: a section is mapped into the loader where at least one of its
    /// variables is visible there, that is neither static nor hidden.
    fn has_visible_variable(&self, names: &BtfNames<'_>, section: &[u8]) -> Result<bool> {
        for entry in self.index.section_vars(section) {
            let Ok(var) = names.btf.type_by_id(entry.type_id) else {
                continue;
            };
            if var.kind() == Kind::Var
                && var.linkage() != Some(Linkage::Static)
                && !self.hidden.contains(names.get(var.name_off())?)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
