//! Maps of the section `maps`: variables of `struct bpf_map_def`.

use super::btf_index::BtfIndex;
use super::fault::{Result, malformed, unsupported};
use super::file::{ElfFile, ElfSymbol, Section};
use super::maps_btf::PlacedMap;
use super::{Map, MapDefinition, MapOrigin};
use crate::bytes::{Endian, slice_at};
use crate::name::Name;
use crate::order;

/// type, key_size, value_size, max_entries, map_flags.
const DEFINITION: usize = 20;

/// The maps of a section, in the order of their offsets.
pub(super) fn maps(
    file: &ElfFile<'_>,
    section: &Section<'_>,
    index: &BtfIndex<'_>,
) -> Result<Vec<PlacedMap>> {
    let mut symbols: Vec<&ElfSymbol<'_>> = file
        .symbols_of(section.index)
        .map(|(_, symbol)| symbol)
        .filter(|symbol| is_variable(symbol))
        .collect();
    order::by_number(&mut symbols, |symbol| symbol.value);
    let bytes = match section.is_nobits() {
        true => return Err(malformed("the section has no contents").section(&section.name)),
        false => section.bytes()?,
    };
    let ends = symbols.iter().skip(1).map(|next| next.value);
    let ends: Vec<u64> = ends.chain([section.size]).collect();
    let end_of = |symbol: &ElfSymbol<'_>, next: u64| match symbol.size {
        0 => Some(next),
        size => symbol.value.checked_add(size),
    };
    symbols
        .iter()
        .zip(ends)
        .map(|(symbol, end)| {
            let end = end_of(symbol, end).unwrap_or(u64::MAX);
            map(file.endian, section, bytes, symbol, end, index)
                .map_err(|fault| fault.symbol(&Name::new(symbol.name)).section(&section.name))
        })
        .collect()
}

fn is_variable(symbol: &ElfSymbol<'_>) -> bool {
    let kind = symbol.kind == object::elf::STT_OBJECT || symbol.kind == object::elf::STT_NOTYPE;
    kind && !symbol.name.is_empty()
}

/// A definition is as long as its symbol, else it reaches to the next one. The
/// fields that some headers append have no name here, and only zero means nothing.
fn map(
    endian: Endian,
    section: &Section<'_>,
    bytes: &[u8],
    symbol: &ElfSymbol<'_>,
    end: u64,
    index: &BtfIndex<'_>,
) -> Result<PlacedMap> {
    let definition = usize::try_from(symbol.value)
        .ok()
        .zip(usize::try_from(end.saturating_sub(symbol.value)).ok())
        .and_then(|(start, len)| slice_at(bytes, start, len))
        .ok_or_else(|| malformed("the map lies outside of the section"))?;
    let Some((fields, rest)) = definition.split_at_checked(DEFINITION) else {
        return Err(malformed(format!(
            "a map definition of {} bytes, at least {DEFINITION} needed",
            definition.len()
        )));
    };
    if rest.iter().any(|&byte| byte != 0) {
        return Err(unsupported(format!(
            "a map definition with more than the {DEFINITION} bytes of struct bpf_map_def"
        )));
    }
    let field = |number: usize| endian.u32_at(fields, number * 4).unwrap_or_default();
    let mut parsed = MapDefinition {
        map_type: field(0),
        key_size: field(1),
        value_size: field(2),
        max_entries: field(3),
        flags: field(4),
        ..MapDefinition::default()
    };
    add_types(&mut parsed, symbol.name, index);
    Ok(PlacedMap {
        offset: symbol.value,
        size: u32::try_from(definition.len()).unwrap_or(u32::MAX),
        values_at: None,
        map: Map {
            name: Name::new(symbol.name),
            section: section.name.clone(),
            origin: MapOrigin::Legacy,
            definition: parsed,
            initial: None,
            weak: symbol.binding == object::elf::STB_WEAK,
            hidden: symbol.hidden,
        },
    })
}

/// BPF_ANNOTATE_KV_PAIR: a struct of a key and a value. It only adds types, and
/// only where their sizes are those of the definition.
fn add_types(definition: &mut MapDefinition, name: &[u8], index: &BtfIndex<'_>) {
    let Some((ty, btf)) = index.annotation(name).zip(index.btf()) else {
        return;
    };
    let (Some(key), Some(value), None) = (ty.member(0), ty.member(1), ty.member(2)) else {
        return;
    };
    let fits = |id, size: u32| btf.size_of(id) == Ok(u64::from(size));
    if fits(key.type_id, definition.key_size) && fits(value.type_id, definition.value_size) {
        definition.key_type_id = key.type_id;
        definition.value_type_id = value.type_id;
    }
}
