//! What `.maps` puts into maps of maps and arrays of programs: each relocation
//! of the section fills one slot of a member `values`.

use super::fault::{Fault, Result, malformed, unsupported};
use super::file::{ElfFile, Relocation, Section};
use super::maps_btf::{
    BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_HASH_OF_MAPS, BPF_MAP_TYPE_PROG_ARRAY, PlacedMap,
};
use super::relocations::POINTERS;
use super::symbols::slots;
use super::targets::{Home, Targets, section_offset};
use super::{FunctionAddress, Map, MapEntry, Stream};
use crate::order;

/// Bytes of a pointer in an object for BPF.
const POINTER: u64 = 8;

/// Where a map lies in `.maps`, and where its slots start.
pub(super) struct Slots {
    map: u32,
    offset: u64,
    size: u64,
    values_at: Option<u64>,
}

impl Slots {
    pub(super) fn of(placed: &PlacedMap, map: u32) -> Slots {
        Slots {
            map,
            offset: placed.offset,
            size: placed.size.into(),
            values_at: placed.values_at.map(u64::from),
        }
    }

    /// The number of the slot at an offset of the section.
    fn slot(&self, offset: u64) -> Option<u32> {
        let inside = offset
            .checked_sub(self.offset)?
            .checked_sub(self.values_at?)?;
        let end = offset.checked_add(POINTER)?;
        let fits = end <= self.offset.checked_add(self.size)? && inside % POINTER == 0;
        u32::try_from(inside / POINTER).ok().filter(|_| fits)
    }
}

/// Fills the entries of `maps`; `placed` are sorted by their offset.
pub(super) fn fill(
    file: &ElfFile<'_>,
    targets: &Targets,
    section: &Section<'_>,
    placed: &[Slots],
    streams: &[Stream],
    maps: &mut [Map],
) -> Result<()> {
    for table in file.relocations_of(section.index) {
        for relocation in file.entries(table)? {
            let at = |fault: Fault| fault.record(relocation.number).section(&section.name);
            let after = placed.partition_point(|slots| slots.offset <= relocation.offset);
            let slots = after.checked_sub(1).and_then(|index| placed.get(index));
            let map = slots.and_then(|slots| maps.get_mut(slots.map as usize));
            let Some((slots, map)) = slots.zip(map) else {
                return Err(at(malformed("a relocation outside of every map")));
            };
            let named = |fault: Fault| at(fault.symbol(&map.name));
            let slot = slots.slot(relocation.offset).ok_or_else(|| {
                named(malformed(format!(
                    "a relocation at offset {}, which is no slot of the map's values",
                    relocation.offset
                )))
            })?;
            let entry =
                entry(file, targets, streams, &map.definition, &relocation).map_err(named)?;
            map.definition.entries.push((slot, entry));
        }
    }
    for map in maps {
        order::by_number(&mut map.definition.entries, |&(slot, _)| slot);
    }
    Ok(())
}

fn entry(
    file: &ElfFile<'_>,
    targets: &Targets,
    streams: &[Stream],
    definition: &super::MapDefinition,
    relocation: &Relocation,
) -> Result<MapEntry> {
    if !POINTERS.contains(&relocation.kind) {
        return Err(unsupported(format!(
            "a relocation of type {} for a map's value",
            relocation.kind
        )));
    }
    let place = section_offset(file, relocation)?;
    let (section, offset) = place.ok_or_else(|| malformed("a value that lies in no section"))?;
    match definition.map_type {
        BPF_MAP_TYPE_HASH_OF_MAPS if definition.key_size != 4 => Err(malformed(format!(
            "a hash of maps with values needs a key of 4 bytes, not {}",
            definition.key_size
        ))),
        BPF_MAP_TYPE_ARRAY_OF_MAPS | BPF_MAP_TYPE_HASH_OF_MAPS => targets
            .map_at(section, offset)
            .map(MapEntry::Map)
            .ok_or_else(|| malformed("a value that is no map of .maps")),
        BPF_MAP_TYPE_PROG_ARRAY => {
            program(targets, streams, section, offset).map(MapEntry::Program)
        }
        other => Err(malformed(format!("a map of type {other} has no values"))),
    }
}

fn program(
    targets: &Targets,
    streams: &[Stream],
    section: u32,
    offset: u64,
) -> Result<FunctionAddress> {
    let address = match (targets.home(section), slots(offset)) {
        (Home::Stream(stream), Some(insn)) => Some(FunctionAddress { stream, insn }),
        _ => None,
    };
    address
        .filter(|address| is_entry(streams, *address))
        .ok_or_else(|| malformed("a value that is no program of its own"))
}

fn is_entry(streams: &[Stream], address: FunctionAddress) -> bool {
    streams.get(address.stream as usize).is_some_and(|stream| {
        let first = stream
            .symbols
            .partition_point(|symbol| symbol.start < address.insn);
        let here = stream.symbols.iter().skip(first);
        here.take_while(|symbol| symbol.start == address.insn)
            .any(|symbol| symbol.entry)
    })
}
