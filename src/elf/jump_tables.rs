//! `.jumptables`: where the indirect jumps (`gotox`) of the code go.
//!
//! LLVM writes one table for each `switch` that becomes one, with a symbol of its own.
//! An entry takes eight bytes: the byte offset of an instruction in the section of the
//! code that jumps. Where a relocation fills it, it names the section itself.

use super::fault::{Result, malformed, unsupported};
use super::file::{ElfFile, ElfSymbol, Relocation, Section};
use super::relocations::POINTERS;
use super::sections::check_contents;
use super::targets::{Home, Targets, section_offset};
use crate::name::Name;
use crate::order;

/// Bytes of an entry.
const ENTRY: u64 = 8;

/// The tables of an object: pieces of one section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JumpTables {
    entries: Vec<JumpTarget>,
    /// Names of pieces, sorted by their place; an alias is no second piece.
    names: Vec<(TableRange, Name)>,
}

/// Where one table lies in the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableRange {
    /// Number of its first entry.
    pub first: u32,
    /// Number of its entries.
    pub len: u32,
}

/// Where one entry leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JumpTarget {
    /// The code section, by its stream; `None` for the section of the code that jumps.
    pub stream: Option<u32>,
    /// Offset in that section, bytes.
    pub offset: u64,
}

impl JumpTables {
    /// The entries of one table.
    pub fn entries(&self, table: TableRange) -> &[JumpTarget] {
        let first = table.first as usize;
        let end = first.saturating_add(table.len as usize);
        self.entries.get(first..end).unwrap_or_default()
    }

    /// The symbol of a table, where it has one.
    pub fn name(&self, table: TableRange) -> Option<&Name> {
        let found = self.names.binary_search_by_key(&table, |&(range, _)| range);
        self.names.get(found.ok()?).map(|(_, name)| name)
    }

    /// The table that covers an entry: of several the one that starts last.
    fn covering(&self, entry: u32) -> Option<TableRange> {
        let after = self
            .names
            .partition_point(|(range, _)| range.first <= entry);
        let (range, _) = self.names.get(after.checked_sub(1)?)?;
        (entry - range.first < range.len).then_some(*range)
    }

    /// From an entry that no symbol covers to the next symbol or the end.
    fn unnamed(&self, first: u32) -> TableRange {
        let after = self
            .names
            .partition_point(|(range, _)| range.first <= first);
        let end = match self.names.get(after) {
            Some((next, _)) => next.first,
            // Entries take eight bytes of the file each: their number fits.
            None => self.entries.len() as u32,
        };
        TableRange {
            first,
            len: end.saturating_sub(first),
        }
    }
}

/// Reads the section; `targets` knows the sections of code.
pub(super) fn read(
    file: &ElfFile<'_>,
    targets: &Targets,
    section: &Section<'_>,
) -> Result<JumpTables> {
    check_contents(section)?;
    // What is left at the end is no entry: a symbol that covers it is told of where it is used.
    let (entries, _) = section.bytes()?.as_chunks::<{ ENTRY as usize }>();
    let entry = |raw: &[u8; ENTRY as usize]| JumpTarget {
        stream: None,
        offset: file.endian.u64_at(raw, 0).unwrap_or_default(),
    };
    let mut tables = JumpTables {
        entries: entries.iter().map(entry).collect(),
        names: names(file, section),
    };
    for table in file.relocations_of(section.index) {
        for relocation in file.entries(table)? {
            tables
                .relocate(file, targets, &relocation)
                .map_err(|fault| fault.record(relocation.number).section(&section.name))?;
        }
    }
    Ok(tables)
}

/// What symbols say of tables. One that says nonsense is told of where it is used.
fn names(file: &ElfFile<'_>, section: &Section<'_>) -> Vec<(TableRange, Name)> {
    let named = file.symbols_of(section.index).filter_map(|(_, symbol)| {
        let table = of_symbol(symbol, section).ok()??;
        Some((table, Name::new(symbol.name)))
    });
    let mut names: Vec<(TableRange, Name)> = named.collect();
    order::by_number(&mut names, |&(range, _)| {
        order::joined([range.first, range.len])
    });
    names.dedup_by_key(|&mut (range, _)| range);
    names
}

impl JumpTables {
    /// Puts the symbol's place into an entry, to what it holds already.
    fn relocate(
        &mut self,
        file: &ElfFile<'_>,
        targets: &Targets,
        relocation: &Relocation,
    ) -> Result<()> {
        if !POINTERS.contains(&relocation.kind) {
            let kind = relocation.kind;
            return Err(unsupported(format!(
                "a relocation of type {kind} for an entry of a jump table"
            )));
        }
        let number = whole(relocation.offset).and_then(|number| usize::try_from(number).ok());
        let entry = number.and_then(|number| self.entries.get_mut(number));
        let Some(entry) = entry else {
            return Err(malformed(format!(
                "a relocation at offset {}, which is no entry of a jump table",
                relocation.offset
            )));
        };
        let place = section_offset(file, relocation)?;
        let place = place.and_then(|(section, value)| match targets.home(section) {
            Home::Stream(stream) => Some((stream, value.checked_add(entry.offset)?)),
            _ => None,
        });
        let (stream, offset) =
            place.ok_or_else(|| malformed("an entry of a jump table that leads to no code"))?;
        *entry = JumpTarget {
            stream: Some(stream),
            offset,
        };
        Ok(())
    }

    /// The table that an instruction refers to by `symbol` and an offset in the section,
    /// and how far into the table that is, bytes.
    pub(super) fn at(
        &self,
        symbol: &ElfSymbol<'_>,
        section: &Section<'_>,
        offset: i64,
    ) -> Result<(TableRange, u32)> {
        let entry = u64::try_from(offset)
            .ok()
            .filter(|&offset| offset < section.size)
            .ok_or_else(|| {
                malformed(format!(
                    "a jump table at offset {offset}, past the {} bytes of section {}",
                    section.size, section.name
                ))
            })?;
        let entry = whole(entry)
            .and_then(|entry| u32::try_from(entry).ok())
            .ok_or_else(|| {
                malformed(format!(
                    "a jump table at offset {offset}, which is no multiple of {ENTRY}"
                ))
            })?;
        let table = of_symbol(symbol, section)?
            .or_else(|| self.covering(entry))
            .unwrap_or_else(|| self.unnamed(entry));
        let into = entry
            .checked_sub(table.first)
            .filter(|&into| into < table.len);
        match into.and_then(|into| into.checked_mul(ENTRY as u32)) {
            Some(into) => Ok((table, into)),
            None => Err(malformed(format!(
                "offset {offset} of section {}, outside of the jump table",
                section.name
            ))),
        }
    }
}

/// The piece of the section that a symbol says; `None` for one without a size, as the
/// section's own.
fn of_symbol(symbol: &ElfSymbol<'_>, section: &Section<'_>) -> Result<Option<TableRange>> {
    if symbol.size == 0 {
        return Ok(None);
    }
    let (start, size) = (symbol.value, symbol.size);
    if start.checked_add(size).is_none_or(|end| end > section.size) {
        return Err(malformed(format!(
            "a jump table of {size} bytes at offset {start}, past the {} bytes of section {}",
            section.size, section.name
        )));
    }
    let number = |bytes| whole(bytes).and_then(|number| u32::try_from(number).ok());
    match (number(start), number(size)) {
        (Some(first), Some(len)) => Ok(Some(TableRange { first, len })),
        _ => Err(malformed(format!(
            "a jump table of {size} bytes at offset {start}, which is no whole number of entries of {ENTRY} bytes"
        ))),
    }
}

/// Bytes to entries, where they are a whole number.
fn whole(bytes: u64) -> Option<u64> {
    bytes.is_multiple_of(ENTRY).then_some(bytes / ENTRY)
}
