//! `.BTF.ext`: what the compiler says of single instructions.
//!
//! Three parts (functions, source lines, CO-RE relocations), each a list of
//! subsections, one per ELF section, each a list of records. Records may be
//! longer than this library knows; they are handed out whole.

use std::ops::Range;

use super::BtfError;
use crate::bytes::{Endian, range_within, slice_at};

const MAGIC: u16 = 0xeb9f;
/// A header with functions and lines only (before Linux 5.4).
const HEADER_MIN: usize = 24;
/// A header that also has CO-RE relocations.
const HEADER_CORE: usize = 32;
/// Section name and record count in front of the records.
const SUBSECTION_HEAD: usize = 8;

/// The records of a `.BTF.ext` section, read in place.
#[derive(Clone, Debug)]
pub struct BtfExt<'a> {
    data: &'a [u8],
    endian: Endian,
    func_info: Part,
    line_info: Part,
    core_relocations: Part,
}

/// Where a part lies, as the header says it: not yet believed.
#[derive(Clone, Copy, Debug)]
struct Part {
    name: &'static str,
    /// From the end of the header.
    offset: u32,
    len: u32,
    header_len: u32,
    /// The shortest record that has every field known here.
    record_min: u32,
}

/// The records of one part that belong to one ELF section.
#[derive(Clone, Copy, Debug)]
pub struct Subsection<'a> {
    /// Offset of the ELF section's name in the strings of the BTF.
    pub section_name_off: u32,
    /// Where its records start, bytes from the start of `.BTF.ext`.
    pub records_at: usize,
    /// Bytes of one record.
    pub record_size: usize,
    endian: Endian,
    bytes: &'a [u8],
}

/// One record, raw, with what all kinds of records have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// Its number in its subsection.
    pub number: u32,
    /// The instruction it belongs to: bytes from the start of the ELF section.
    pub insn_offset: u32,
    /// The whole record, in the file's byte order.
    pub bytes: &'a [u8],
}

/// What a func_info record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuncInfo {
    /// First instruction of the function: bytes from the start of the ELF section.
    pub insn_offset: u32,
    /// Its BTF_KIND_FUNC.
    pub type_id: u32,
}

/// What a line_info record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineInfo {
    /// The instruction: bytes from the start of the ELF section.
    pub insn_offset: u32,
    /// Offset of the file's name in the strings of the BTF.
    pub file_name_off: u32,
    /// Offset of the line's text in the strings of the BTF.
    pub line_off: u32,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1; 0 where unknown.
    pub column: u32,
}

/// What a core_relo record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreRelo {
    /// The instruction: bytes from the start of the ELF section.
    pub insn_offset: u32,
    /// The root type.
    pub type_id: u32,
    /// Offset of the access string in the strings of the BTF.
    pub access_str_off: u32,
    /// A number of `enum bpf_core_relo_kind`, unchecked.
    pub kind: u32,
}

impl FuncInfo {
    /// Bytes of the fields known here.
    pub const SIZE: usize = 8;

    /// The fields of a record; `None` where it is too short.
    pub fn decode(record: &[u8], endian: Endian) -> Option<FuncInfo> {
        Some(FuncInfo {
            insn_offset: endian.u32_at(record, 0)?,
            type_id: endian.u32_at(record, 4)?,
        })
    }
}

impl LineInfo {
    /// Bytes of the fields known here.
    pub const SIZE: usize = 16;

    /// The fields of a record; `None` where it is too short.
    pub fn decode(record: &[u8], endian: Endian) -> Option<LineInfo> {
        let position = endian.u32_at(record, 12)?;
        Some(LineInfo {
            insn_offset: endian.u32_at(record, 0)?,
            file_name_off: endian.u32_at(record, 4)?,
            line_off: endian.u32_at(record, 8)?,
            line: position >> 10,
            column: position & 0x3ff,
        })
    }
}

impl CoreRelo {
    /// Bytes of the fields known here.
    pub const SIZE: usize = 16;

    /// The fields of a record; `None` where it is too short.
    pub fn decode(record: &[u8], endian: Endian) -> Option<CoreRelo> {
        Some(CoreRelo {
            insn_offset: endian.u32_at(record, 0)?,
            type_id: endian.u32_at(record, 4)?,
            access_str_off: endian.u32_at(record, 8)?,
            kind: endian.u32_at(record, 12)?,
        })
    }
}

impl<'a> BtfExt<'a> {
    /// Reads the header. What is wrong with one part is told when that part is read,
    /// so that the others stay usable.
    pub fn parse(data: &'a [u8]) -> Result<BtfExt<'a>, BtfError> {
        let fixed = data
            .first_chunk::<HEADER_MIN>()
            .ok_or_else(|| damaged(format!("header truncated: {} bytes", data.len())))?;
        let endian = match Endian::Little.u16_at(fixed, 0) {
            Some(MAGIC) => Endian::Little,
            Some(other) if other.swap_bytes() == MAGIC => Endian::Big,
            other => {
                let magic = other.unwrap_or_default();
                return Err(damaged(format!("bad magic {magic:#06x}")));
            }
        };
        if fixed[2] != 1 {
            return Err(damaged(format!("unsupported version {}", fixed[2])));
        }
        let word = |at| endian.u32_at(data, at).unwrap_or_default();
        let header_len = word(4);
        let behind = header_len as usize;
        if behind < HEADER_MIN || behind > data.len() {
            return Err(damaged(format!(
                "header length {header_len} is too small or past the end"
            )));
        }
        let part = |name, at, record_min: usize| Part {
            name,
            offset: word(at),
            len: word(at + 4),
            header_len,
            record_min: record_min as u32,
        };
        let mut core_relocations = part("core_relo", 24, CoreRelo::SIZE);
        if behind < HEADER_CORE {
            core_relocations.len = 0;
        }
        Ok(BtfExt {
            data,
            endian,
            func_info: part("func_info", 8, FuncInfo::SIZE),
            line_info: part("line_info", 16, LineInfo::SIZE),
            core_relocations,
        })
    }

    /// The byte order of the records.
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// Refuses records in another byte order than the BTF that they refer to.
    pub fn check_endian(&self, btf: Endian) -> Result<(), BtfError> {
        match self.endian == btf {
            true => Ok(()),
            false => Err(damaged("its byte order differs from that of .BTF".into())),
        }
    }

    /// Which BTF function starts at which instruction; decode with [`FuncInfo::decode`].
    pub fn func_info(&self) -> Subsections<'a> {
        self.subsections(self.func_info)
    }

    /// Which source line each instruction comes from; decode with [`LineInfo::decode`].
    pub fn line_info(&self) -> Subsections<'a> {
        self.subsections(self.line_info)
    }

    /// CO-RE relocations; decode with [`CoreRelo::decode`].
    pub fn core_relocations(&self) -> Subsections<'a> {
        self.subsections(self.core_relocations)
    }

    fn subsections(&self, part: Part) -> Subsections<'a> {
        let mut failure = None;
        let (mut range, mut record_size) = (0..0, 0);
        match self.part_range(part) {
            Ok((found, size)) => (range, record_size) = (found, size),
            Err(error) => failure = Some(error),
        }
        Subsections {
            part: part.name,
            data: self.data,
            endian: self.endian,
            range,
            record_size,
            failure,
        }
    }

    /// Where the subsections of a part lie, and how long its records are.
    fn part_range(&self, part: Part) -> Result<(Range<usize>, usize), BtfError> {
        if part.len == 0 {
            return Ok((0..0, 0));
        }
        let name = part.name;
        let range = (part.header_len as usize)
            .checked_add(part.offset as usize)
            .and_then(|start| range_within(start, part.len as usize, self.data.len()))
            .ok_or_else(|| {
                damaged(format!(
                    "{name} at {}, {} bytes, does not lie inside the {} bytes of data",
                    part.offset,
                    part.len,
                    self.data.len()
                ))
            })?;
        if !part.offset.is_multiple_of(4) || part.len < 4 {
            return Err(damaged(format!(
                "{name} at {}, {} bytes, is misaligned or too short",
                part.offset, part.len
            )));
        }
        let size = self
            .endian
            .u32_at(self.data, range.start)
            .unwrap_or_default();
        if size < part.record_min || !size.is_multiple_of(4) {
            return Err(damaged(format!(
                "{name} records of {size} bytes, at least {} and a multiple of 4 expected",
                part.record_min
            )));
        }
        Ok((range.start.saturating_add(4)..range.end, size as usize))
    }
}

fn damaged(what: String) -> BtfError {
    BtfError::Ext(what)
}

/// The subsections of one part, in the order of the file.
///
/// Where one cannot be read, an error that says where comes in its place, and
/// nothing after it, since nothing tells where the next would start.
#[derive(Clone, Debug)]
pub struct Subsections<'a> {
    part: &'static str,
    data: &'a [u8],
    endian: Endian,
    range: Range<usize>,
    record_size: usize,
    failure: Option<BtfError>,
}

impl<'a> Subsections<'a> {
    fn read_next(&mut self) -> Result<Subsection<'a>, BtfError> {
        let part = self.part;
        let start = self.range.start;
        let head = slice_at(self.data, start, SUBSECTION_HEAD)
            .filter(|_| self.range.len() >= SUBSECTION_HEAD)
            .ok_or_else(|| {
                damaged(format!(
                    "{part} ends inside the head of a subsection at {start}"
                ))
            })?;
        let section_name_off = self.endian.u32_at(head, 0).unwrap_or_default();
        let count = self.endian.u32_at(head, 4).unwrap_or_default();
        let end = (count as usize)
            .checked_mul(self.record_size)
            .and_then(|len| len.checked_add(SUBSECTION_HEAD))
            .and_then(|len| len.checked_add(start))
            .filter(|&end| end <= self.range.end)
            .ok_or_else(|| {
                damaged(format!(
                    "{part} subsection at {start} claims {count} records of {} bytes, past the end",
                    self.record_size
                ))
            })?;
        self.range.start = end;
        let records = start.saturating_add(SUBSECTION_HEAD)..end;
        Ok(Subsection {
            section_name_off,
            records_at: records.start,
            record_size: self.record_size,
            endian: self.endian,
            bytes: self.data.get(records).unwrap_or_default(),
        })
    }
}

impl<'a> Iterator for Subsections<'a> {
    type Item = Result<Subsection<'a>, BtfError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(failure) = self.failure.take() {
            return Some(Err(failure));
        }
        if self.range.is_empty() {
            return None;
        }
        let item = self.read_next();
        if item.is_err() {
            self.range = 0..0;
        }
        Some(item)
    }
}

impl<'a> Subsection<'a> {
    /// The number of records.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.record_size.max(1)
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The records, in the order of the file.
    pub fn records(&self) -> impl Iterator<Item = RawRecord<'a>> + use<'a> {
        let endian = self.endian;
        self.bytes
            .chunks_exact(self.record_size.max(1))
            .zip(0u32..)
            .filter_map(move |(bytes, number)| {
                Some(RawRecord {
                    number,
                    insn_offset: endian.u32_at(bytes, 0)?,
                    bytes,
                })
            })
    }
}
