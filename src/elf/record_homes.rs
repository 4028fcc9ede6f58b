//! Which stream a `.BTF.ext` record is about.

use super::Stream;
use super::btf_index::BtfNames;
use super::fault::Result;
use super::file::{ElfFile, Place, Section};
use super::targets::{self, Targets};
use crate::btf::{RawRecord, Subsection, display_name};
use crate::lookup::Lookup;

/// What a subsection's section name leads to.
#[derive(Clone, Debug)]
pub(super) enum Home {
    /// One stream.
    Stream(u32),
    /// Several streams of that name: each record has to tell by its relocation.
    Several,
    /// None, and why.
    Unknown(String),
}

/// Finds streams by the names that `.BTF.ext` uses.
pub(super) struct Homes<'a, 'd> {
    file: &'a ElfFile<'d>,
    section: &'a Section<'d>,
    names: &'a BtfNames<'a>,
    targets: &'a Targets,
    by_name: Lookup<Vec<u8>, Home>,
    by_offset: Lookup<u32, Home>,
    /// The streams that the relocations of `.BTF.ext` name, by their place;
    /// read when first needed.
    relocated: Option<Lookup<u64, u32>>,
}

impl<'a, 'd> Homes<'a, 'd> {
    pub(super) fn new(
        file: &'a ElfFile<'d>,
        section: &'a Section<'d>,
        names: &'a BtfNames<'a>,
        targets: &'a Targets,
        streams: &[Stream],
    ) -> Homes<'a, 'd> {
        let mut by_name = Lookup::default();
        for (index, stream) in (0u32..).zip(streams) {
            let section = stream.section.as_bytes().to_vec();
            let (home, new) = by_name.or_insert(section, Home::Stream(index));
            if !new {
                *home = Home::Several;
            }
        }
        Homes {
            file,
            section,
            names,
            targets,
            by_name,
            by_offset: Lookup::default(),
            relocated: None,
        }
    }

    /// Where the records of a subsection belong.
    pub(super) fn of(&mut self, subsection: &Subsection<'_>) -> Result<Home> {
        let offset = subsection.section_name_off;
        if let Some(home) = self.by_offset.get(&offset) {
            return Ok(home.clone());
        }
        let name = self.names.get(offset)?;
        let home = self.by_name.get(name).cloned().unwrap_or_else(|| {
            Home::Unknown(format!(
                "records of section {}, which has no instructions",
                display_name(name)
            ))
        });
        self.by_offset.or_insert(offset, home.clone());
        Ok(home)
    }

    /// Sections may share a name: then the relocation of the record's first
    /// field, which names a section by its number, is all that tells them apart.
    pub(super) fn of_record(
        &mut self,
        subsection: &Subsection<'_>,
        record: &RawRecord<'_>,
    ) -> Option<u32> {
        let skipped = (record.number as usize).checked_mul(subsection.record_size)?;
        let place = subsection.records_at.checked_add(skipped)?;
        let (file, section, targets) = (self.file, self.section, self.targets);
        let relocated = self
            .relocated
            .get_or_insert_with(|| relocated(file, section, targets).unwrap_or_default());
        relocated.get(&(place as u64)).copied()
    }
}

fn relocated(
    file: &ElfFile<'_>,
    section: &Section<'_>,
    targets: &Targets,
) -> Result<Lookup<u64, u32>> {
    let mut streams = Lookup::default();
    for table in file.relocations_of(section.index) {
        for relocation in file.entries(table)? {
            let symbol = file.symbol(relocation.symbol);
            if let Some(Place::Section(code)) = symbol.map(|symbol| symbol.place)
                && let targets::Home::Stream(stream) = targets.home(code)
            {
                streams.insert(relocation.offset, stream);
            }
        }
    }
    Ok(streams)
}
