//! `.BTF.ext` records, brought to the instructions that they are about.
//!
//! Matched by section name and byte offset, never by counting: a record that
//! fits nowhere is left out with a warning and touches no other one.

use hashbrown::HashMap;

use super::btf_index::bounded_name;
use super::fault::{Fault, Result, malformed};
use super::file::ElfFile;
use super::sections::{Role, Roles, check_contents};
use super::symbols::slots;
use super::{CoreRelocation, InfoTable, Stream};
use crate::btf::{Btf, BtfExt, CoreRelo, RawRecord, Subsection, Subsections};
use crate::name::Name;

/// More warnings of one kind than this are counted only.
const MAX_WARNINGS: usize = 16;

/// Fills the tables of `streams` from `.BTF.ext`.
pub(super) fn attach(
    file: &ElfFile<'_>,
    roles: &Roles,
    btf: Option<&Btf>,
    streams: &mut [Stream],
    warnings: &mut Vec<String>,
) -> Result<()> {
    let Some(section) = roles.first(file, Role::BtfExt) else {
        return Ok(());
    };
    let Some(btf) = btf else {
        warnings.push(format!("section {}: ignored without .BTF", section.name));
        return Ok(());
    };
    check_contents(section)?;
    let mut records = Records {
        btf,
        by_name: streams_by_name(streams),
        section: &section.name,
        streams,
        warnings,
        suppressed: 0,
    };
    let ext = BtfExt::parse(section.bytes()?)
        .and_then(|ext| ext.check_endian(file.endian).map(|()| ext))
        .map_err(|error| Fault::from(error).section(&section.name))?;
    records
        .info(ext.func_info(), "func_info", |stream| &mut stream.func_info)
        .and_then(|()| records.info(ext.line_info(), "line_info", |stream| &mut stream.line_info))
        .and_then(|()| records.core(ext.core_relocations()))
        .map_err(|fault| fault.section(&section.name))?;
    records.finish();
    Ok(())
}

/// The streams of each section name. Names may repeat; what a record of such a
/// name is about is then told by nothing but its offset.
fn streams_by_name(streams: &[Stream]) -> HashMap<Name, Vec<u32>> {
    let mut by_name: HashMap<Name, Vec<u32>> = HashMap::new();
    for (index, stream) in (0u32..).zip(streams) {
        by_name
            .entry(stream.section.clone())
            .or_default()
            .push(index);
    }
    by_name
}

/// Record size, and the records of one stream with their slots.
type Found<'a> = (usize, Vec<(u32, &'a [u8])>);

struct Records<'a> {
    btf: &'a Btf,
    by_name: HashMap<Name, Vec<u32>>,
    section: &'a Name,
    streams: &'a mut [Stream],
    warnings: &'a mut Vec<String>,
    suppressed: usize,
}

impl Records<'_> {
    /// The stream that a subsection's records are about.
    fn stream_of(&self, subsection: &Subsection<'_>) -> Result<u32, Fault> {
        let name = bounded_name(self.btf, subsection.section_name_off)
            .ok_or_else(|| malformed("records of a section without a name"))?;
        let name = Name::new(name);
        match self.by_name.get(&name).map(Vec::as_slice) {
            Some(&[stream]) => Ok(stream),
            Some(_) => Err(
                malformed("records of a section whose name several sections have").symbol(&name),
            ),
            None => Err(malformed(format!(
                "records of section {name}, which has no instructions"
            ))),
        }
    }

    /// The instruction slot of a record.
    fn slot(&self, stream: u32, record: &RawRecord<'_>) -> Result<u32, Fault> {
        let insns = self
            .streams
            .get(stream as usize)
            .map_or(&[][..], |stream| &stream.insns);
        slots(record.insn_offset.into())
            .filter(|&slot| (slot as usize) < insns.len())
            .ok_or_else(|| {
                malformed(format!(
                    "offset {} is no instruction of the section",
                    record.insn_offset
                ))
                .record(record.number)
            })
    }

    /// func_info and line_info: kept as they are, record by record.
    fn info(
        &mut self,
        subsections: Subsections<'_>,
        part: &str,
        table: fn(&mut Stream) -> &mut InfoTable,
    ) -> Result<()> {
        let mut found: HashMap<u32, Found<'_>> = HashMap::new();
        for subsection in subsections {
            let subsection = subsection?;
            let stream = match self.stream_of(&subsection) {
                Ok(stream) => stream,
                Err(fault) => {
                    self.warn(part, &fault);
                    continue;
                }
            };
            let (_, list) = found
                .entry(stream)
                .or_insert_with(|| (subsection.record_size, Vec::with_capacity(subsection.len())));
            for record in subsection.records() {
                match self.slot(stream, &record) {
                    Ok(slot) => list.push((slot, record.bytes)),
                    Err(fault) => self.warn(part, &fault),
                }
            }
        }
        for (stream, (size, list)) in found {
            if let Some(stream) = self.streams.get_mut(stream as usize) {
                *table(stream) = InfoTable::new(size, list);
            }
        }
        Ok(())
    }

    /// CO-RE relocations.
    fn core(&mut self, subsections: Subsections<'_>) -> Result<()> {
        for subsection in subsections {
            let subsection = subsection?;
            let stream = match self.stream_of(&subsection) {
                Ok(stream) => stream,
                Err(fault) => {
                    self.warn("core_relo", &fault);
                    continue;
                }
            };
            let mut found = Vec::with_capacity(subsection.len());
            for record in subsection.records() {
                match self.core_relocation(stream, &record) {
                    Ok(relocation) => found.push(relocation),
                    Err(fault) => self.warn("core_relo", &fault),
                }
            }
            if let Some(stream) = self.streams.get_mut(stream as usize) {
                stream.core_relocations.append(&mut found);
            }
        }
        for stream in self.streams.iter_mut() {
            settle(stream)?;
        }
        Ok(())
    }

    fn core_relocation(&self, stream: u32, record: &RawRecord<'_>) -> Result<CoreRelocation> {
        let insn = self.slot(stream, record)?;
        let relo = CoreRelo::decode(record.bytes, self.btf.endian())
            .ok_or_else(|| malformed("the record is too short").record(record.number))?;
        Ok(CoreRelocation {
            insn,
            type_id: relo.type_id,
            access: relo.access_str_off,
            kind: relo.kind,
            record: record.number,
        })
    }

    fn warn(&mut self, part: &str, fault: &Fault) {
        if self.warnings.len() >= MAX_WARNINGS {
            self.suppressed += 1;
            return;
        }
        let section = self.section;
        self.warnings
            .push(format!("section {section}: {part}: {}", fault.message()));
    }

    fn finish(self) {
        if self.suppressed != 0 {
            let (section, more) = (self.section, self.suppressed);
            self.warnings
                .push(format!("section {section}: {more} more records left out"));
        }
    }
}

/// Sorts the relocations of a stream; at most one stays at each instruction.
pub(super) fn settle(stream: &mut Stream) -> Result<()> {
    let relocations = &mut stream.core_relocations;
    relocations.sort_by_key(|relocation| relocation.insn);
    for (one, next) in relocations.iter().zip(relocations.iter().skip(1)) {
        if one.insn == next.insn {
            return Err(malformed(format!(
                "CO-RE records {} and {} are for one instruction of section {}",
                one.record, next.record, stream.section
            ))
            .insn(one.insn)
            .record(next.record));
        }
    }
    Ok(())
}
