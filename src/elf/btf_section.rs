//! The BTF sections of any ELF file: a kernel image, a module, an object.
//!
//! Kernel images with debug information are hundreds of megabytes; only the
//! tables and the section itself are read.

use std::io;

use object::elf::{FileHeader32, FileHeader64, SHF_COMPRESSED, SHN_XINDEX, SHT_NOBITS};
use object::pod::{Pod, from_bytes};
use object::read::elf::{FileHeader, SectionHeader};
use object::{Endianness, elf};

use super::ElfError;

/// Sections at most; the largest kernels have some hundred thousand.
const SECTIONS_MAX: u64 = 1 << 22;
/// The names of the sections, whole.
const BTF: &[u8] = b".BTF\0";
const BASE: &[u8] = b".BTF.base\0";

/// Bytes that can be read in pieces: a file, or a buffer.
pub trait ReadAt {
    /// Bytes in all.
    fn size(&self) -> io::Result<u64>;

    /// Exactly `len` bytes from `offset` on. Both were checked against the size.
    fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>>;
}

impl ReadAt for std::fs::File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        std::os::unix::fs::FileExt::read_exact_at(self, &mut bytes, offset)?;
        Ok(bytes)
    }
}

impl ReadAt for &[u8] {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = crate::bytes::slice_at(self, start, len);
        Ok(bytes.ok_or(io::ErrorKind::UnexpectedEof)?.to_vec())
    }
}

/// The BTF of an ELF file.
#[derive(Debug)]
pub struct BtfSections {
    /// The contents of `.BTF`.
    pub btf: Vec<u8>,
    /// Those of `.BTF.base`: the distilled base of a module that was built apart from
    /// its kernel.
    pub base: Option<Vec<u8>>,
}

/// Why there is no `.BTF` section to be had.
#[derive(Debug, thiserror::Error)]
pub enum BtfSectionError {
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is no ELF file with such a section.
    #[error(transparent)]
    Elf(#[from] ElfError),
}

type Result<T> = std::result::Result<T, BtfSectionError>;

/// Whether bytes start as every ELF file does.
pub fn is_elf(start: &[u8]) -> bool {
    start.starts_with(&elf::ELFMAG)
}

/// The contents of the BTF sections of an ELF file of either class and byte order.
pub fn btf_sections(file: &dyn ReadAt) -> Result<BtfSections> {
    let ident = read(file, 0, 16, "ELF header")?;
    match (is_elf(&ident), ident.get(4)) {
        (true, Some(&class)) if class == elf::ELFCLASS64.0 => {
            Sections::<FileHeader64<Endianness>>::of(file)?.btf(file)
        }
        (true, Some(&class)) if class == elf::ELFCLASS32.0 => {
            Sections::<FileHeader32<Endianness>>::of(file)?.btf(file)
        }
        _ => Err(malformed("not an ELF file")),
    }
}

fn malformed(what: impl Into<String>) -> BtfSectionError {
    ElfError::Malformed(what.into()).into()
}

/// `len` bytes at `offset`, where the file has them.
fn read(file: &dyn ReadAt, offset: u64, len: u64, what: &str) -> Result<Vec<u8>> {
    let size = file.size()?;
    let inside = offset.checked_add(len).is_some_and(|end| end <= size);
    match usize::try_from(len) {
        Ok(len) if inside => Ok(file.read_at(offset, len)?),
        _ => Err(malformed(format!(
            "{what} at {offset}, {len} bytes, does not lie inside the file of {size} bytes"
        ))),
    }
}

fn decode<T: Pod + Copy>(bytes: &[u8], what: &str) -> Result<T> {
    match from_bytes::<T>(bytes) {
        Ok((value, _)) => Ok(*value),
        Err(_) => Err(malformed(format!("{what} truncated"))),
    }
}

/// The section headers of an ELF file, raw.
struct Sections<H: FileHeader> {
    endian: H::Endian,
    headers: Vec<u8>,
    names: Vec<u8>,
}

impl<H: FileHeader<Endian = Endianness> + Copy> Sections<H> {
    const ENTRY: usize = size_of::<H::SectionHeader>();

    fn of(file: &dyn ReadAt) -> Result<Sections<H>> {
        let raw = read(file, 0, size_of::<H>() as u64, "ELF header")?;
        let header: H = decode(&raw, "ELF header")?;
        let endian = header.endian().map_err(|e| malformed(e.to_string()))?;
        let offset: u64 = header.e_shoff(endian).into();
        if offset == 0 || usize::from(header.e_shentsize(endian)) != Self::ENTRY {
            return Err(malformed("no section headers"));
        }
        let first = read(file, offset, Self::ENTRY as u64, "section header")?;
        let first: H::SectionHeader = decode(&first, "section header")?;
        // Numbers that do not fit into the ELF header stand in the first section.
        let count = match header.e_shnum(endian) {
            0 => first.sh_size(endian).into(),
            count => count.into(),
        };
        let names = match header.e_shstrndx(endian) {
            SHN_XINDEX => first.sh_link(endian),
            index => index.0.into(),
        };
        if count > SECTIONS_MAX {
            return Err(malformed(format!("{count} sections")));
        }
        let headers = read(file, offset, count * Self::ENTRY as u64, "section headers")?;
        let mut sections = Sections {
            endian,
            headers,
            names: Vec::new(),
        };
        let table = sections.get(names as usize)?;
        sections.names = sections.contents(file, table, "section names")?;
        Ok(sections)
    }

    fn get(&self, index: usize) -> Result<H::SectionHeader> {
        let start = index.saturating_mul(Self::ENTRY);
        let raw = self.headers.get(start..).unwrap_or_default();
        decode(raw, "section header")
    }

    fn contents(
        &self,
        file: &dyn ReadAt,
        section: H::SectionHeader,
        what: &str,
    ) -> Result<Vec<u8>> {
        let (offset, size) = (section.sh_offset(self.endian), section.sh_size(self.endian));
        if section.sh_type(self.endian) == SHT_NOBITS {
            return Err(malformed(format!("{what}: the section has no contents")));
        }
        read(file, offset.into(), size.into(), what)
    }

    fn btf(&self, file: &dyn ReadAt) -> Result<BtfSections> {
        match self.named(file, BTF)? {
            Some(btf) => Ok(BtfSections {
                btf,
                base: self.named(file, BASE)?,
            }),
            None => Err(malformed("no .BTF section")),
        }
    }

    /// The contents of the first section of that name.
    fn named(&self, file: &dyn ReadAt, wanted: &[u8]) -> Result<Option<Vec<u8>>> {
        let text = wanted.strip_suffix(b"\0").unwrap_or(wanted);
        let text = String::from_utf8_lossy(text);
        for index in 1..self.headers.len() / Self::ENTRY {
            let section = self.get(index)?;
            let name = section.sh_name(self.endian) as usize;
            let name = self.names.get(name..).unwrap_or_default();
            if !name.starts_with(wanted) {
                continue;
            }
            if section.sh_flags(self.endian).0 & SHF_COMPRESSED.0 != 0 {
                let what = format!("compressed {text} section");
                return Err(ElfError::Unsupported(what).into());
            }
            return self.contents(file, section, &text).map(Some);
        }
        Ok(None)
    }
}
