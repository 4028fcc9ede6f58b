//! `.BTF.ext` records, brought to the instructions that they are about.
//!
//! Matched by section name and byte offset, never by counting: a record that
//! fits nowhere is left out with a warning, one that would change the wrong
//! instruction is a defect of that instruction, and neither touches other records.

use std::cell::OnceCell;

use super::btf_index::BtfIndex;
use super::fault::{Fault, Result, malformed};
use super::file::ElfFile;
use super::record_homes::{Home, Homes};
use super::relocations::second_slots;
use super::sections::{Role, Roles, check_contents};
use super::targets::Targets;
use super::{CoreRelocation, InfoTable, Stream};
use crate::btf::{BtfExt, CoreRelo, RawRecord, Subsection, Subsections};
use crate::bytes::Endian;
use crate::insn::INSN_SIZE;
use crate::name::Name;
use crate::order;

/// More warnings than this are counted only.
const MAX_WARNINGS: usize = 16;

/// Fills the tables of `streams` from `.BTF.ext`.
pub(super) fn attach(
    file: &ElfFile<'_>,
    roles: &Roles,
    index: &BtfIndex<'_>,
    targets: &Targets,
    streams: &mut [Stream],
    warnings: &mut Vec<String>,
) -> Result<()> {
    let Some(section) = roles.first(file, Role::BtfExt) else {
        return Ok(());
    };
    let Some(names) = &index.names else {
        warnings.push(format!("section {}: ignored without .BTF", section.name));
        return Ok(());
    };
    check_contents(section)?;
    let at = |fault: Fault| fault.section(&section.name);
    let ext = BtfExt::parse(section.bytes()?)
        .and_then(|ext| ext.check_endian(file.endian).map(|()| ext))
        .map_err(|error| at(error.into()))?;
    let mut records = Records {
        endian: file.endian,
        homes: Homes::new(file, section, names, targets, streams),
        section: &section.name,
        second_slots: vec![OnceCell::new(); streams.len()],
        streams,
        warnings,
        suppressed: 0,
    };
    records
        .info(ext.func_info(), "func_info", |s| &mut s.func_info)
        .and_then(|()| records.info(ext.line_info(), "line_info", |s| &mut s.line_info))
        .and_then(|()| records.core(ext.core_relocations()))
        .map_err(at)?;
    records.finish();
    Ok(())
}

struct Records<'a, 'd> {
    endian: Endian,
    homes: Homes<'a, 'd>,
    section: &'a Name,
    /// For each stream; looked for where a record stands behind a 64-bit load.
    second_slots: Vec<OnceCell<Vec<u32>>>,
    streams: &'a mut [Stream],
    warnings: &'a mut Vec<String>,
    suppressed: usize,
}

/// What is at the offset that a record names.
enum Site {
    /// An instruction.
    Insn(u32),
    /// The inside of an instruction, by its first slot.
    Inside(u32),
    /// Nothing: the offset is past the end.
    Nowhere,
}

impl Records<'_, '_> {
    fn site(&self, stream: u32, offset: u32) -> Site {
        let slot = offset / INSN_SIZE as u32;
        let stream_of = self.streams.get(stream as usize);
        let Some(stream_of) = stream_of.filter(|s| (slot as usize) < s.insns.len()) else {
            return Site::Nowhere;
        };
        if self.is_second(stream, stream_of, slot) {
            return Site::Inside(slot.saturating_sub(1));
        }
        match offset.is_multiple_of(INSN_SIZE as u32) {
            true => Site::Insn(slot),
            false => Site::Inside(slot),
        }
    }

    /// Whether a slot is the second half of a 64-bit load.
    fn is_second(&self, stream: u32, of: &Stream, slot: u32) -> bool {
        let before = slot
            .checked_sub(1)
            .and_then(|before| of.insns.get(before as usize));
        // A load may be the second half of another one: then only the whole stream tells.
        before.is_some_and(|insn| insn.is_ld_imm64())
            && self.second_slots.get(stream as usize).is_some_and(|slots| {
                let slots = slots.get_or_init(|| second_slots(of));
                slots.binary_search(&slot).is_ok()
            })
    }

    /// Calls `each` for every record with its stream; the others are warned of.
    fn each<'r>(
        &mut self,
        subsections: Subsections<'r>,
        part: &str,
        mut each: impl FnMut(&mut Self, u32, &Subsection<'r>, RawRecord<'r>) -> Result<()>,
    ) -> Result<()> {
        for subsection in subsections {
            let subsection = subsection?;
            let home = self.homes.of(&subsection)?;
            if let Home::Unknown(why) = &home {
                if !subsection.is_empty() {
                    self.warn(part, &malformed(why.clone()));
                }
                continue;
            }
            for record in subsection.records() {
                let stream = match home {
                    Home::Stream(stream) => Some(stream),
                    _ => self.homes.of_record(&subsection, &record),
                };
                let done = match stream {
                    Some(stream) => each(self, stream, &subsection, record),
                    None => Err(malformed(
                        "several sections have the record's section name, and no relocation tells which is meant",
                    )),
                };
                if let Err(fault) = done {
                    self.warn(part, &fault.record(record.number));
                }
            }
        }
        Ok(())
    }

    /// func_info and line_info: kept as they are, record by record.
    fn info(
        &mut self,
        subsections: Subsections<'_>,
        part: &str,
        table: fn(&mut Stream) -> &mut InfoTable,
    ) -> Result<()> {
        self.each(subsections, part, |records, stream, subsection, record| {
            let Site::Insn(slot) = records.site(stream, record.insn_offset) else {
                return Err(no_instruction(&record));
            };
            if let Some(stream) = records.streams.get_mut(stream as usize) {
                let table = table(stream);
                if table.is_empty() {
                    table.reserve(subsection.record_size, subsection.len());
                }
                table.push(slot, record.bytes);
            }
            Ok(())
        })?;
        for stream in self.streams.iter_mut() {
            table(stream).sort();
        }
        Ok(())
    }

    /// CO-RE relocations.
    fn core(&mut self, subsections: Subsections<'_>) -> Result<()> {
        self.each(subsections, "core_relo", |records, stream, _, record| {
            records.core_record(stream, &record)
        })?;
        for stream in self.streams.iter_mut() {
            settle(stream);
        }
        Ok(())
    }

    fn core_record(&mut self, stream: u32, record: &RawRecord<'_>) -> Result<()> {
        let relo = CoreRelo::decode(record.bytes, self.endian)
            .ok_or_else(|| malformed("the record is too short"))?;
        let site = self.site(stream, record.insn_offset);
        let Some(stream) = self.streams.get_mut(stream as usize) else {
            return Ok(());
        };
        match site {
            Site::Insn(insn) => stream.core_relocations.push(CoreRelocation {
                insn,
                type_id: relo.type_id,
                access: relo.access_str_off,
                kind: relo.kind,
                record: record.number,
            }),
            Site::Inside(insn) => stream.defects.push(
                malformed(format!(
                    "CO-RE record {} at offset {}, inside of an instruction",
                    record.number, record.insn_offset
                ))
                .record(record.number)
                .defect(insn),
            ),
            Site::Nowhere => return Err(no_instruction(record)),
        }
        Ok(())
    }

    fn warn(&mut self, part: &str, fault: &Fault) {
        if self.warnings.len() >= MAX_WARNINGS {
            self.suppressed = self.suppressed.saturating_add(1);
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

fn no_instruction(record: &RawRecord<'_>) -> Fault {
    malformed(format!(
        "offset {} is no instruction of the section; the record is left out",
        record.insn_offset
    ))
}

/// Sorts the relocations of a stream. Of several at one instruction one stays,
/// and where they differ, that is a defect: nobody knows which one is meant.
fn settle(stream: &mut Stream) {
    let (relocations, defects) = (&mut stream.core_relocations, &mut stream.defects);
    order::by_number(relocations, |relocation| relocation.insn);
    relocations.dedup_by(|next, kept| {
        let same = next.insn == kept.insn;
        let meaning = |r: &CoreRelocation| (r.type_id, r.access, r.kind);
        if same && meaning(next) != meaning(kept) {
            let (kept, next_record) = (kept.record, next.record);
            let what = format!("CO-RE records {kept} and {next_record} are both for it");
            defects.push(malformed(what).record(next.record).defect(next.insn));
        }
        same
    });
    order::by_number(defects, |defect| defect.insn);
}
