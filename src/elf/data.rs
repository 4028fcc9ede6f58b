//! Global variables: each data section is an array map with one value.

use hashbrown::HashSet;

use super::btf_index::{BtfIndex, bounded_name};
use super::fault::{Result, malformed};
use super::file::{ElfFile, Section};
use super::{Map, MapDefinition, MapOrigin};
use crate::btf::{Kind, Linkage};

const BPF_MAP_TYPE_ARRAY: u32 = 2;
const BPF_F_RDONLY_PROG: u32 = 1 << 7;
const BPF_F_MMAPABLE: u32 = 1 << 10;

/// The map of a data section.
pub(super) fn map(
    file: &ElfFile<'_>,
    section: &Section<'_>,
    origin: MapOrigin,
    index: &BtfIndex<'_>,
) -> Result<Map> {
    let value_size = u32::try_from(section.size).map_err(|_| {
        malformed(format!(
            "{} bytes of data, more than a map's value can hold",
            section.size
        ))
        .section(&section.name)
    })?;
    let datasec = index.datasec(section.name.as_bytes());
    let mut flags = 0;
    if origin == MapOrigin::Rodata {
        flags |= BPF_F_RDONLY_PROG;
    }
    if is_mmapable(file, section, index) {
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

/// As libbpf: a section is mapped into the loader where at least one of its
/// variables is visible there, that is neither static nor hidden.
fn is_mmapable(file: &ElfFile<'_>, section: &Section<'_>, index: &BtfIndex<'_>) -> bool {
    let Some(btf) = index.btf else {
        return false;
    };
    let hidden: HashSet<&[u8]> = file
        .symbols_of(section.index)
        .filter(|(_, symbol)| symbol.hidden)
        .map(|(_, symbol)| symbol.name)
        .collect();
    index
        .section_vars(section.name.as_bytes())
        .filter_map(|entry| btf.type_by_id(entry.type_id).ok())
        .filter(|var| var.kind() == Kind::Var && var.linkage() != Some(Linkage::Static))
        .any(|var| bounded_name(btf, var.name_off()).is_some_and(|name| !hidden.contains(name)))
}
