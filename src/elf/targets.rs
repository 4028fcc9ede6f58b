//! Where symbols lead: which stream or map each section has become.

use super::JumpTables;
use super::fault::{Result, malformed};
use super::file::{ElfFile, Place, Relocation};
use crate::lookup::Lookup;

/// What a section has become in the object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Home {
    /// A stream, by its index.
    Stream(u32),
    /// A map with one value that holds the section, by its index.
    Value(u32),
    /// Definitions of maps, found by their offset.
    Maps,
    /// Variables of an arena, in an object with this number of arenas, which is not one.
    Arenas(usize),
    /// Where indirect jumps go.
    JumpTables,
    /// Nothing that an instruction can refer to.
    Nothing,
}

/// Finds what a section offset stands for.
#[derive(Default)]
pub(super) struct Targets {
    homes: Lookup<u32, Home>,
    maps: Lookup<(u32, u64), u32>,
    externs: Lookup<u32, u32>,
    pub(super) jump_tables: JumpTables,
}

impl Targets {
    pub(super) fn set_home(&mut self, section: u32, home: Home) {
        self.homes.insert(section, home);
    }

    pub(super) fn home(&self, section: u32) -> Home {
        self.homes.get(&section).copied().unwrap_or(Home::Nothing)
    }

    /// Says that the map `index` is defined at `offset` of `section`.
    pub(super) fn add_map(&mut self, section: u32, offset: u64, index: u32) {
        self.homes.insert(section, Home::Maps);
        self.maps.insert((section, offset), index);
    }

    pub(super) fn map_at(&self, section: u32, offset: u64) -> Option<u32> {
        self.maps.get(&(section, offset)).copied()
    }

    /// Says that a symbol of the table is an extern.
    pub(super) fn add_extern(&mut self, symbol: u32, index: u32) {
        self.externs.insert(symbol, index);
    }

    pub(super) fn extern_of(&self, symbol: u32) -> Option<u32> {
        self.externs.get(&symbol).copied()
    }
}

/// Where a relocation points before its addend: a section and an offset.
pub(super) fn section_offset(
    file: &ElfFile<'_>,
    relocation: &Relocation,
) -> Result<Option<(u32, u64)>> {
    let symbol = file
        .symbol(relocation.symbol)
        .ok_or_else(|| malformed(format!("no symbol number {}", relocation.symbol)))?;
    Ok(match symbol.place {
        Place::Section(section) => Some((section, symbol.value)),
        _ => None,
    })
}
