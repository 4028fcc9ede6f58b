//! The bytes of an object file, but for its debug information.
//!
//! What debuggers need is often twenty times larger than all the rest, and nothing
//! here looks at it. What is left is put together anew: header, section headers, then the
//! sections, to which their headers point where they are now.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use object::Endianness;
use object::elf::{self, SectionHeader64};
use object::read::elf::{FileHeader, SectionHeader};

use super::fault::{Fault, Result, malformed};
use super::header::{Header, file_header};
use crate::bytes::{Endian, cstr_at};
use crate::error::Cause;
use crate::order;

/// Larger files are refused: the largest objects that people build, with debug
/// information, are some ten megabytes; what the kernel accepts of one program
/// is 8 MB. A wrong path must not fill the memory.
pub const MAX_FILE_SIZE: u64 = 256 << 20;

/// Smaller files are read whole.
const SMALL: u64 = 64 << 10;
/// Gaps that are smaller than this are read too: one call is cheaper than two.
const GAP: usize = 16 << 10;

const HEADER_LEN: usize = size_of::<Header>();
const ENTRY_LEN: usize = size_of::<SectionHeader64<Endianness>>();
/// Where e_shoff stands in the header, and sh_offset in a section header: Elf64_Ehdr and
/// Elf64_Shdr of elf(5).
const E_SHOFF: usize = 40;
const SH_OFFSET: usize = 24;

/// The bytes of an object file.
pub(super) struct Image {
    /// All of them, or what is needed of them, put together anew.
    pub bytes: Vec<u8>,
    /// How many the file has.
    pub file_len: usize,
}

/// Reads a file. It is not mapped: whoever truncates it meanwhile would kill us.
pub(super) fn read(path: &Path) -> Result<Image> {
    let failed = |source| {
        Fault::from(Cause::Io {
            action: "read",
            path: path.display().to_string(),
            source,
        })
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let size = metadata.len();
    if size > MAX_FILE_SIZE {
        return Err(too_large());
    }
    if size >= SMALL
        && metadata.is_file()
        && let Some(image) = read_parts(&file, size as usize).map_err(failed)?
    {
        return Ok(image);
    }
    // Where it is no file for us, the parser says why.
    let bytes = read_whole(file, size as usize).map_err(failed)?;
    match bytes.len() as u64 <= MAX_FILE_SIZE {
        true => Ok(Image {
            file_len: bytes.len(),
            bytes,
        }),
        false => Err(too_large()),
    }
}

fn too_large() -> Fault {
    malformed(format!("the file is larger than {MAX_FILE_SIZE} bytes"))
}

/// A pipe says that its size is 0, and a file may still grow: what counts is what is read.
fn read_whole(file: File, size: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(size);
    file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads what matters; `None` where the whole file has to be read to say what is wrong.
fn read_parts(file: &File, size: usize) -> io::Result<Option<Image>> {
    let mut bytes = vec![0; HEADER_LEN];
    file.read_exact_at(&mut bytes, 0)?;
    let Some(table) = section_table(&bytes, size) else {
        return Ok(None);
    };
    append(file, &mut bytes, &table)?;
    let Some(mut plan) = Plan::of(&bytes, size) else {
        return Ok(None);
    };
    let mut names = Vec::new();
    append(file, &mut names, &plan.names)?;
    plan.leave_out_debug_information(&bytes, &names);
    let blocks = merged(plan.wanted.iter().flatten().cloned().collect());
    let rest: usize = blocks.iter().map(|block| block.len() + 16).sum();
    bytes.reserve_exact(rest);
    for block in blocks {
        // As aligned as it was.
        bytes.resize(
            bytes
                .len()
                .next_multiple_of(8)
                .saturating_add(block.start % 8),
            0,
        );
        let at = bytes.len();
        append(file, &mut bytes, &block)?;
        plan.move_block(&mut bytes, &block, at);
    }
    plan.endian.put_u64(&mut bytes, E_SHOFF, HEADER_LEN as u64);
    Ok(Some(Image {
        bytes,
        file_len: size,
    }))
}

/// Reads a range that lies within the file behind what is there.
fn append(file: &File, bytes: &mut Vec<u8>, range: &Range<usize>) -> io::Result<()> {
    let at = bytes.len();
    bytes.resize(at.saturating_add(range.len()), 0);
    let room = bytes.get_mut(at..).unwrap_or_default();
    file.read_exact_at(room, range.start as u64)
}

/// Where the section headers lie in the file.
fn section_table(head: &[u8], size: usize) -> Option<Range<usize>> {
    let header = file_header(head).ok()?;
    let endian = header.endian().ok()?;
    if usize::from(header.e_shentsize(endian)) != ENTRY_LEN {
        return None;
    }
    let start = usize::try_from(header.e_shoff(endian)).ok()?;
    let len = usize::from(header.e_shnum(endian)).checked_mul(ENTRY_LEN)?;
    within(start, len, size).filter(|table| !table.is_empty())
}

/// What of a file is read.
struct Plan {
    endian: Endian,
    elf_endian: Endianness,
    /// Where the sections' names lie.
    names: Range<usize>,
    /// For each section where it lies, if it is wanted.
    wanted: Vec<Option<Range<usize>>>,
}

impl Plan {
    /// All sections that have contents. `bytes` are the header and the section headers.
    /// `None` where not all of them lie within the file, side by side.
    fn of(bytes: &[u8], size: usize) -> Option<Plan> {
        let header = file_header(bytes).ok()?;
        let elf_endian = header.endian().ok()?;
        let sections = entries(bytes)?;
        // 0xffff (SHN_XINDEX) says that there are more sections than fit; not here.
        let names = sections.get(usize::from(header.e_shstrndx(elf_endian).0))?;
        let names = file_range(names, elf_endian, size)?;
        let mut wanted = Vec::with_capacity(sections.len());
        let mut sum = 0usize;
        for section in sections {
            let kind = section.sh_type(elf_endian);
            let range = match kind {
                elf::SHT_NOBITS => None,
                elf::SHT_NULL => file_range(section, elf_endian, size),
                _ => Some(file_range(section, elf_endian, size)?),
            };
            sum = sum.checked_add(range.as_ref().map_or(0, Range::len))?;
            wanted.push(range.filter(|_| kind != elf::SHT_NULL));
        }
        // They overlap; which is told of the whole file.
        if sum > size {
            return None;
        }
        Some(Plan {
            endian: match elf_endian {
                Endianness::Little => Endian::Little,
                Endianness::Big => Endian::Big,
            },
            elf_endian,
            names,
            wanted,
        })
    }

    fn leave_out_debug_information(&mut self, bytes: &[u8], names: &[u8]) {
        let endian = self.elf_endian;
        let sections = entries(bytes).unwrap_or_default();
        let is_debug = |section: &SectionHeader64<Endianness>| {
            // What sections.rs says is of no concern; an ELF table of that name would be.
            let name = cstr_at(names, section.sh_name(endian) as usize).unwrap_or_default();
            section.sh_type(endian) == elf::SHT_PROGBITS
                && !section.sh_flags(endian).contains(elf::SHF_EXECINSTR)
                && name.starts_with(b".debug_")
        };
        for (section, wanted) in sections.iter().zip(&mut self.wanted) {
            let of_debug = match section.sh_type(endian) {
                elf::SHT_REL => sections
                    .get(section.sh_info(endian) as usize)
                    .is_some_and(is_debug),
                _ => is_debug(section),
            };
            if of_debug {
                *wanted = None;
            }
        }
    }

    /// Points the headers of the sections in `block` to where it stands now.
    fn move_block(&self, bytes: &mut [u8], block: &Range<usize>, at: usize) {
        for (number, section) in self.wanted.iter().enumerate() {
            if let Some(section) = section
                && block.start <= section.start
                && section.end <= block.end
            {
                let moved = section.start - block.start + at;
                let field = HEADER_LEN + number * ENTRY_LEN + SH_OFFSET;
                self.endian.put_u64(bytes, field, moved as u64);
            }
        }
    }
}

/// The section headers, which are all that stands behind the header yet.
fn entries(bytes: &[u8]) -> Option<&[SectionHeader64<Endianness>]> {
    let table = bytes.get(HEADER_LEN..)?;
    let count = table.len() / ENTRY_LEN;
    let (entries, _) = object::pod::slice_from_bytes(table, count).ok()?;
    Some(entries)
}

fn file_range(
    section: &SectionHeader64<Endianness>,
    endian: Endianness,
    size: usize,
) -> Option<Range<usize>> {
    let start = usize::try_from(section.sh_offset(endian)).ok()?;
    let len = usize::try_from(section.sh_size(endian)).ok()?;
    within(start, len, size)
}

fn within(start: usize, len: usize, size: usize) -> Option<Range<usize>> {
    let end = start.checked_add(len)?;
    (end <= size).then_some(start..end)
}

/// The same ranges in order, those that touch, overlap or almost do as one.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    order::by_number(&mut ranges, |range| range.start as u64);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP) => {
                last.end = last.end.max(range.end);
            }
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_almost_touch_are_read_at_once() {
        let far = 10 * GAP;
        let ranges = vec![far..far + 5, 10..20, 15..18, 20 + GAP..30 + GAP];
        assert_eq!(merged(ranges), [10..30 + GAP, far..far + 5]);
        assert_eq!(merged(Vec::new()), []);
    }

    const BODY: usize = 256;
    const TABLE: usize = 100_000;

    /// The smallest file that has it all: a header, names, one section, a table of three.
    fn file_with(name: &[u8]) -> Vec<u8> {
        let mut file = vec![0; TABLE + 3 * 64];
        file[..20].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0\xf7\0");
        let mut put = |at: usize, value: usize| {
            file[at..at + 8].copy_from_slice(&(value as u64).to_le_bytes());
        };
        put(40, TABLE);
        // e_shentsize, e_shnum, e_shstrndx.
        put(58, 64 | 3 << 16 | 1 << 32);
        // For each section: name and type, offset, size.
        for (section, kind, start, end) in [(1, 3, 128, 192), (2, 1, BODY, TABLE)] {
            let header = TABLE + 64 * section;
            put(header, (section - 1) | kind << 32);
            put(header + 24, start);
            put(header + 32, end - start);
        }
        file[129..129 + name.len()].copy_from_slice(name);
        file[BODY..TABLE].fill(0xff);
        file
    }

    #[test]
    fn debug_information_is_left_out() {
        for (name, left_out) in [(&b".debug_info"[..], true), (b".data.debug_", false)] {
            let bytes = file_with(name);
            let mut file = tempfile::NamedTempFile::new().unwrap();
            std::io::Write::write_all(&mut file, &bytes).unwrap();
            let read = read(file.path()).map_err(|fault| fault.message()).unwrap();
            let name = String::from_utf8_lossy(name);
            assert_eq!(read.file_len, bytes.len());
            assert_eq!(read.bytes.len() < BODY + GAP, left_out, "{name}");
            // The first section has the names, wherever it stands now.
            let header = HEADER_LEN + ENTRY_LEN;
            let at = header + SH_OFFSET;
            let names = u64::from_le_bytes(read.bytes[at..at + 8].try_into().unwrap()) as usize;
            assert_eq!(read.bytes[names..names + 64], bytes[128..192], "{name}");
        }
    }
}
