//! The bytes of an object file, but for its debug information.
//!
//! What debuggers need is often twenty times larger than all the rest, and nothing
//! here looks at it: those sections stay zeros that cost neither a copy nor a page.

use std::fs::File;
use std::io::{self, Read};
use std::ops::{Deref, Range};
use std::os::unix::fs::FileExt;
use std::path::Path;

use memmap2::MmapMut;
use object::elf::{self, SectionHeader64};
use object::read::elf::{FileHeader, SectionHeader};
use object::{Endianness, SectionIndex};

use super::fault::{Result, malformed};
use super::header::{Header, file_header};
use crate::error::Cause;

/// Larger files are refused: the largest objects that people build, with debug
/// information, are some ten megabytes; what the kernel accepts of one program
/// is 8 MB. A wrong path must not fill the memory.
pub const MAX_FILE_SIZE: u64 = 256 << 20;

/// Smaller files are read whole.
const SMALL: u64 = 64 << 10;
/// Gaps that are smaller than this are read too: one call is cheaper than two.
const GAP: usize = 16 << 10;

/// The bytes of a file, read.
pub(super) enum Image {
    Whole(Vec<u8>),
    /// Memory of its own, not the file's: pages of zeros that nobody touches are none.
    Parts(MmapMut),
}

impl Deref for Image {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Image::Whole(bytes) => bytes,
            Image::Parts(bytes) => bytes,
        }
    }
}

/// Reads a file. It is not mapped itself: whoever truncates it meanwhile would kill us.
pub(super) fn read(path: &Path) -> Result<Image> {
    let failed = |source| Cause::Io {
        action: "read",
        path: path.display().to_string(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let image = match metadata.len() {
        size if size > MAX_FILE_SIZE => return Err(too_large()),
        size if size >= SMALL && metadata.is_file() => read_parts(&file, size as usize),
        size => read_whole(file, size as usize),
    };
    let image = image.map_err(failed)?;
    match image.len() as u64 <= MAX_FILE_SIZE {
        true => Ok(image),
        false => Err(too_large()),
    }
}

fn too_large() -> super::fault::Fault {
    malformed(format!("the file is larger than {MAX_FILE_SIZE} bytes"))
}

/// A pipe says that its size is 0, and a file may still grow: what counts is what is read.
fn read_whole(file: File, size: usize) -> io::Result<Image> {
    let mut bytes = Vec::with_capacity(size);
    file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes)?;
    Ok(Image::Whole(bytes))
}

fn read_parts(file: &File, size: usize) -> io::Result<Image> {
    let mut image = MmapMut::map_anon(size)?;
    let wanted = wanted(file, &mut image)?;
    match wanted {
        Some(ranges) => ranges
            .iter()
            .try_for_each(|range| read_range(file, &mut image, range))?,
        // Where it is no file for us, the parser says why.
        None => read_range(file, &mut image, &(0..size))?,
    }
    Ok(Image::Parts(image))
}

fn read_range(file: &File, image: &mut [u8], range: &Range<usize>) -> io::Result<()> {
    match image.get_mut(range.clone()) {
        Some(part) => file.read_exact_at(part, range.start as u64),
        None => Ok(()),
    }
}

/// Where the sections lie that matter; `None` where the whole file has to be read.
fn wanted(file: &File, image: &mut [u8]) -> io::Result<Option<Vec<Range<usize>>>> {
    let head = 0..size_of::<Header>();
    read_range(file, image, &head)?;
    let Some(table) = section_table(image) else {
        return Ok(None);
    };
    read_range(file, image, &table)?;
    let Some(names) = section_names(image) else {
        return Ok(None);
    };
    read_range(file, image, &names)?;
    Ok(ranges(image).map(|mut ranges| {
        ranges.extend([head, table, names]);
        merged(ranges)
    }))
}

fn section_table(image: &[u8]) -> Option<Range<usize>> {
    let header = file_header(image).ok()?;
    let endian = header.endian().ok()?;
    let entry = size_of::<SectionHeader64<Endianness>>();
    if usize::from(header.e_shentsize(endian)) != entry {
        return None;
    }
    let start = usize::try_from(header.e_shoff(endian)).ok()?;
    let len = usize::from(header.e_shnum(endian)).checked_mul(entry)?;
    within(image, start, len).filter(|table| !table.is_empty())
}

fn section_names(image: &[u8]) -> Option<Range<usize>> {
    let header = file_header(image).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.section_headers(endian, image).ok()?;
    let index = header.section_strings_index(endian, image).ok()?;
    file_range(sections.get(index.0)?, endian, image)
}

/// Where all sections but those of debug information and their relocations lie.
fn ranges(image: &[u8]) -> Option<Vec<Range<usize>>> {
    let header = file_header(image).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, image).ok()?;
    let is_debug = |section: &SectionHeader64<Endianness>| {
        // What sections.rs says is of no concern; an ELF table of that name would be.
        let name = sections.section_name(endian, section).unwrap_or_default();
        section.sh_type(endian) == elf::SHT_PROGBITS
            && !section.sh_flags(endian).contains(elf::SHF_EXECINSTR)
            && name.starts_with(b".debug_")
    };
    let is_wanted = |section: &&SectionHeader64<Endianness>| {
        let target = || sections.section(SectionIndex(section.sh_info(endian) as usize));
        match section.sh_type(endian) {
            elf::SHT_NULL | elf::SHT_NOBITS => false,
            elf::SHT_REL => !target().is_ok_and(is_debug),
            _ => !is_debug(section),
        }
    };
    let wanted = sections.iter().filter(is_wanted);
    wanted
        .map(|section| file_range(section, endian, image))
        .collect()
}

fn file_range(
    section: &SectionHeader64<Endianness>,
    endian: Endianness,
    image: &[u8],
) -> Option<Range<usize>> {
    let start = usize::try_from(section.sh_offset(endian)).ok()?;
    let len = usize::try_from(section.sh_size(endian)).ok()?;
    within(image, start, len)
}

fn within(image: &[u8], start: usize, len: usize) -> Option<Range<usize>> {
    let end = start.checked_add(len)?;
    (end <= image.len()).then_some(start..end)
}

/// The same ranges in order, those that touch, overlap or almost do as one.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
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
            assert_eq!(read.len(), bytes.len());
            assert_eq!(read[..BODY], bytes[..BODY]);
            assert_eq!(read[TABLE..], bytes[TABLE..]);
            let untouched = read[BODY + GAP..TABLE - GAP].iter().all(|&byte| byte == 0);
            assert_eq!(untouched, left_out, "{}", String::from_utf8_lossy(name));
        }
    }
}
