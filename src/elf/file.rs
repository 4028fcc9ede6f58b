//! The ELF file itself: header, sections, symbols, relocations.
//!
//! The `object` crate decodes the tables; it trusts its input, so that this file
//! checks what it hands out, and nothing behind it touches raw ELF.

use object::elf::{self, Rel64, SectionHeader64};
use object::read::elf::{FileHeader, Rel, SectionHeader, SectionTable, Sym, SymbolTable};
use object::{Endianness, SectionIndex, SymbolIndex};

use super::fault::{Fault, Result, malformed, unsupported};
use super::header::{Header, file_header};
use crate::bytes::Endian;
use crate::name::Name;
use crate::order;

/// Longer names are refused: the kernel knows none over 512 bytes (KSYM_NAME_LEN),
/// and long overlapping names are how a small file makes a reader busy for hours.
pub(super) const MAX_NAME: usize = 4096;

/// Names may share their tails, as `strtab` merging does; all names together
/// may not be this many times larger than the file.
const NAME_SHARING: usize = 8;

/// A checked view of an ELF file.
pub(super) struct ElfFile<'d> {
    pub(super) endian: Endian,
    pub(super) sections: Vec<Section<'d>>,
    pub(super) symbols: Vec<ElfSymbol<'d>>,
    /// For each section, the indices of its symbols in the order of the table.
    by_section: Vec<Vec<u32>>,
    /// Sections of relocations: the section they are for, their own index; sorted.
    relocations: Vec<(u32, u32)>,
    symtab: Option<u32>,
    elf_endian: Endianness,
    data: &'d [u8],
}

/// One section, its contents checked against the file when they are asked for.
pub(super) struct Section<'d> {
    pub(super) index: u32,
    pub(super) name: Name,
    pub(super) kind: elf::SectionType,
    pub(super) size: u64,
    flags: elf::SectionFlags,
    header: &'d SectionHeader64<Endianness>,
    endian: Endianness,
    bytes: Option<&'d [u8]>,
}

/// One entry of the symbol table.
#[derive(Clone, Copy)]
pub(super) struct ElfSymbol<'d> {
    pub(super) name: &'d [u8],
    pub(super) place: Place,
    pub(super) value: u64,
    pub(super) size: u64,
    pub(super) kind: elf::SymbolType,
    pub(super) binding: elf::SymbolBind,
    pub(super) hidden: bool,
}

/// Where a symbol is defined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Undefined,
    /// In the section of this index, which exists.
    Section(u32),
    /// SHN_COMMON: a variable that was declared but not initialized.
    Common,
    /// SHN_ABS and other reserved numbers.
    Special,
}

/// One entry of a relocation section.
#[derive(Clone, Copy)]
pub(super) struct Relocation {
    /// Its number in its section.
    pub(super) number: u32,
    /// Where in the target section it applies.
    pub(super) offset: u64,
    /// Index of its symbol; 0 for none.
    pub(super) symbol: u32,
    /// R_BPF_*.
    pub(super) kind: u32,
}

impl<'d> ElfFile<'d> {
    /// Reads the tables of a relocatable BPF file.
    pub(super) fn parse(data: &'d [u8], file_len: usize) -> Result<ElfFile<'d>> {
        let header = file_header(data)?;
        let elf_endian = header.endian().map_err(|e| malformed(e.to_string()))?;
        let table = section_table(header, elf_endian, data)?;
        let mut names = NameBudget::new(file_len);
        let sections = sections(&table, elf_endian, data, &mut names)?;
        check_no_overlap(&sections, file_len)?;
        let mut file = ElfFile {
            endian: match elf_endian {
                Endianness::Little => Endian::Little,
                Endianness::Big => Endian::Big,
            },
            by_section: vec![Vec::new(); sections.len()],
            relocations: relocation_sections(&sections, elf_endian)?,
            sections,
            symbols: Vec::new(),
            symtab: None,
            elf_endian,
            data,
        };
        file.read_symbols(&table, &mut names)?;
        Ok(file)
    }

    fn read_symbols(
        &mut self,
        table: &SectionTable<'d, Header>,
        names: &mut NameBudget,
    ) -> Result<()> {
        let mut tables = self.sections.iter().filter(|s| s.kind == elf::SHT_SYMTAB);
        let Some(section) = tables.next() else {
            return Ok(());
        };
        if tables.next().is_some() {
            return Err(malformed("more than one symbol table"));
        }
        section.bytes()?;
        section.check_entry_size(24)?;
        self.symtab = Some(section.index);
        let index = SectionIndex(section.index as usize);
        let symbols = SymbolTable::parse(self.elf_endian, self.data, table, index, section.header)
            .map_err(|e| malformed(e.to_string()).section(&section.name))?;
        let count = self.sections.len();
        self.symbols.reserve_exact(symbols.len());
        for (index, symbol) in symbols.enumerate() {
            let decoded = decode_symbol(&symbols, index, symbol, self.elf_endian, count, names)
                .map_err(|fault| fault.record(index.0 as u32).section(&section.name))?;
            if let Place::Section(section) = decoded.place
                && let Some(list) = self.by_section.get_mut(section as usize)
            {
                list.push(index.0 as u32);
            }
            self.symbols.push(decoded);
        }
        Ok(())
    }

    pub(super) fn section(&self, index: u32) -> Option<&Section<'d>> {
        self.sections.get(index as usize)
    }

    /// The symbols of a section with their indices, in the order of the table.
    pub(super) fn symbols_of(&self, section: u32) -> impl Iterator<Item = (u32, &ElfSymbol<'d>)> {
        let indices = self.by_section.get(section as usize);
        indices
            .into_iter()
            .flatten()
            .filter_map(|&index| Some((index, self.symbols.get(index as usize)?)))
    }

    /// The sections with relocations for `section`.
    pub(super) fn relocations_of(&self, section: u32) -> impl Iterator<Item = &Section<'d>> {
        let first = self
            .relocations
            .partition_point(|&(target, _)| target < section);
        self.relocations
            .iter()
            .skip(first)
            .take_while(move |&&(target, _)| target == section)
            .filter_map(|&(_, index)| self.section(index))
    }

    /// The entries of a section that [`ElfFile::relocations_of`] named.
    pub(super) fn entries(
        &self,
        section: &Section<'d>,
    ) -> Result<impl Iterator<Item = Relocation> + use<'d>> {
        let at = |fault: Fault| fault.section(&section.name);
        if section.kind != elf::SHT_REL {
            return Err(at(unsupported(
                "relocations with addends (SHT_RELA) or packed ones: compilers for BPF write SHT_REL",
            )));
        }
        section.bytes()?;
        section.check_entry_size(16)?;
        let endian = self.elf_endian;
        let (entries, symtab) = section
            .header
            .rel(endian, self.data)
            .map_err(|e| at(malformed(e.to_string())))?
            .ok_or_else(|| at(malformed("no relocations")))?;
        if self.symtab.map(|index| index as usize) != Some(symtab.0) {
            return Err(at(malformed(format!(
                "its symbols are in section {}, which is not the symbol table",
                symtab.0
            ))));
        }
        Ok((0u32..).zip(entries).map(move |(number, rel)| Relocation {
            number,
            offset: Rel64::r_offset(rel, endian),
            symbol: rel.r_sym(endian),
            kind: rel.r_type(endian).0,
        }))
    }

    /// The symbol of a relocation; none for the null symbol and past the table.
    pub(super) fn symbol(&self, index: u32) -> Option<&ElfSymbol<'d>> {
        self.symbols.get(index as usize).filter(|_| index != 0)
    }

    /// What to call a symbol: its name, for a section symbol the section's.
    pub(super) fn symbol_name(&self, symbol: &ElfSymbol<'_>) -> Name {
        match symbol.place {
            Place::Section(index) if symbol.name.is_empty() => self
                .section(index)
                .map_or_else(Name::default, |section| section.name.clone()),
            _ => Name::new(symbol.name),
        }
    }
}

impl<'d> Section<'d> {
    /// Its contents in the file.
    pub(super) fn bytes(&self) -> Result<&'d [u8]> {
        if self.flags.contains(elf::SHF_COMPRESSED) {
            return Err(unsupported("the section is compressed").section(&self.name));
        }
        self.bytes.ok_or_else(|| {
            malformed(format!(
                "the section's {} bytes do not lie inside the file",
                self.size
            ))
            .section(&self.name)
        })
    }

    pub(super) fn is_nobits(&self) -> bool {
        self.kind == elf::SHT_NOBITS
    }

    pub(super) fn is_progbits(&self) -> bool {
        self.kind == elf::SHT_PROGBITS
    }

    pub(super) fn is_executable(&self) -> bool {
        self.flags.contains(elf::SHF_EXECINSTR)
    }

    fn check_entry_size(&self, expected: u64) -> Result<()> {
        let found: u64 = self.header.sh_entsize(self.endian);
        if found != expected || !self.size.is_multiple_of(expected) {
            return Err(malformed(format!(
                "{} bytes in entries of {found}, expected entries of {expected}",
                self.size
            ))
            .section(&self.name));
        }
        Ok(())
    }
}

fn section_table<'d>(
    header: &Header,
    endian: Endianness,
    data: &'d [u8],
) -> Result<SectionTable<'d, Header>> {
    header
        .sections(endian, data)
        .map_err(|e| malformed(e.to_string()))
}

fn sections<'d>(
    table: &SectionTable<'d, Header>,
    endian: Endianness,
    data: &'d [u8],
    names: &mut NameBudget,
) -> Result<Vec<Section<'d>>> {
    let decode = |(index, header): (SectionIndex, &'d SectionHeader64<Endianness>)| {
        let name = table
            .section_name(endian, header)
            .map_err(|_| "its name does not lie inside the table of names".to_string())
            .and_then(|name| names.admit(name))
            .map_err(|why| malformed(format!("section number {}: {why}", index.0)))?;
        Ok(Section {
            // Section headers take 64 bytes each: their number fits where the file does.
            index: index.0 as u32,
            name: Name::new(name),
            kind: header.sh_type(endian),
            size: header.sh_size(endian),
            flags: header.sh_flags(endian),
            header,
            endian,
            bytes: header.data(endian, data).ok(),
        })
    };
    table.enumerate().map(decode).collect()
}

/// Sections of a real file lie side by side. Overlapping ones would let a small
/// file ask for any amount of memory, since each section is kept on its own.
fn check_no_overlap(sections: &[Section<'_>], file: usize) -> Result<()> {
    let total = sections
        .iter()
        .filter_map(|section| section.bytes)
        .try_fold(0usize, |sum, bytes| sum.checked_add(bytes.len()));
    match total {
        Some(total) if total <= file => Ok(()),
        _ => Err(malformed("its sections overlap")),
    }
}

/// All relocation sections of any kind, sorted by the section that they are for.
fn relocation_sections(sections: &[Section<'_>], endian: Endianness) -> Result<Vec<(u32, u32)>> {
    let mut found = Vec::new();
    for section in sections {
        if ![elf::SHT_REL, elf::SHT_RELA, elf::SHT_CREL].contains(&section.kind) {
            continue;
        }
        let target = section.header.sh_info(endian);
        if target as usize >= sections.len() {
            return Err(malformed(format!(
                "relocations for section {target}, which does not exist"
            ))
            .section(&section.name));
        }
        found.push((target, section.index));
    }
    order::by_number(&mut found, |&(target, index)| {
        order::joined([target, index])
    });
    Ok(found)
}

fn decode_symbol<'d>(
    table: &SymbolTable<'d, Header>,
    index: SymbolIndex,
    symbol: &elf::Sym64<Endianness>,
    endian: Endianness,
    sections: usize,
    names: &mut NameBudget,
) -> Result<ElfSymbol<'d>> {
    let name = table
        .symbol_name(endian, symbol)
        .map_err(|_| "the symbol's name does not lie inside the string table".to_string())
        .and_then(|name| names.admit(name))
        .map_err(malformed)?;
    let section = table
        .symbol_section(endian, symbol, index)
        .map_err(|e| malformed(e.to_string()))?;
    let place = match (section, symbol.st_shndx(endian)) {
        (Some(section), _) if section.0 < sections => Place::Section(section.0 as u32),
        (Some(section), _) => {
            return Err(malformed(format!(
                "the symbol is in section {}, which does not exist",
                section.0
            ))
            .symbol(&Name::new(name)));
        }
        (None, elf::SHN_UNDEF | elf::SHN_XINDEX) => Place::Undefined,
        (None, elf::SHN_COMMON) => Place::Common,
        (None, _) => Place::Special,
    };
    Ok(ElfSymbol {
        name,
        place,
        value: symbol.st_value(endian),
        size: symbol.st_size(endian),
        kind: symbol.st_type(),
        binding: symbol.st_bind(),
        hidden: matches!(symbol.st_visibility(), elf::STV_HIDDEN | elf::STV_INTERNAL),
    })
}

/// Counts the bytes of names, so that overlapping names cannot multiply a file.
struct NameBudget {
    left: usize,
}

impl NameBudget {
    fn new(file: usize) -> NameBudget {
        NameBudget {
            left: file.saturating_mul(NAME_SHARING),
        }
    }

    #[inline(always)]
    fn admit<'d>(&mut self, name: &'d [u8]) -> Result<&'d [u8], String> {
        if name.len() > MAX_NAME {
            return Err(format!("a name of more than {MAX_NAME} bytes"));
        }
        match self.left.checked_sub(name.len()) {
            Some(left) => self.left = left,
            None => return Err("names overlap more than any linker makes them".to_string()),
        }
        Ok(name)
    }
}
