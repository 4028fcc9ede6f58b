//! Builds ELF64 relocatable files for tests, after the System V ABI and LLVM's
//! BPF relocation numbers, independent of the library.
//!
//! Everything that is derived (offsets, sizes, counts) can be replaced by a
//! wrong value with [`ElfBuilder::build_with`].

#![allow(dead_code)] // Every test binary uses another part of it.

use super::btf::Order;
use super::elf_layout::{Layout, Placer};

pub const EM_NONE: u16 = 0;
pub const EM_BPF: u16 = 247;
pub const EM_X86_64: u16 = 62;

pub mod sht {
    pub const PROGBITS: u32 = 1;
    pub const SYMTAB: u32 = 2;
    pub const STRTAB: u32 = 3;
    pub const RELA: u32 = 4;
    pub const NOBITS: u32 = 8;
    pub const REL: u32 = 9;
}

pub mod shf {
    pub const WRITE: u64 = 1;
    pub const ALLOC: u64 = 2;
    pub const EXEC: u64 = 4;
    pub const MERGE: u64 = 0x10;
    pub const STRINGS: u64 = 0x20;
    pub const COMPRESSED: u64 = 0x800;
}

pub mod r_bpf {
    pub const R64_64: u32 = 1;
    pub const ABS64: u32 = 2;
    pub const ABS32: u32 = 3;
    pub const NODYLD32: u32 = 4;
    pub const R64_32: u32 = 10;
}

pub const LOCAL: u8 = 0;
pub const GLOBAL: u8 = 1;
pub const WEAK: u8 = 2;

pub const NOTYPE: u8 = 0;
pub const OBJECT: u8 = 1;
pub const FUNC: u8 = 2;
pub const SECTION: u8 = 3;

pub const HIDDEN: u8 = 2;

/// A section under construction, by its number (1 is the first that is added).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sec(pub usize);

/// A symbol under construction, by the order of adding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sym(pub usize);

/// A section's contents and attributes.
#[derive(Clone, Debug)]
pub struct Section {
    pub name: String,
    pub sh_type: u32,
    pub flags: u64,
    pub data: Vec<u8>,
    /// Size in memory, where the file has no contents.
    pub nobits: Option<u64>,
    pub align: u64,
    pub entsize: u64,
    pub link: u32,
    pub info: u32,
}

/// A symbol; `section` is a number, 0 for an undefined one.
#[derive(Clone, Debug)]
pub struct Symbol {
    pub name: String,
    pub binding: u8,
    pub kind: u8,
    pub visibility: u8,
    pub section: u16,
    pub value: u64,
    pub size: u64,
}

/// A relocation record.
#[derive(Clone, Debug)]
pub struct Rel {
    section: usize,
    offset: u64,
    symbol: usize,
    kind: u32,
    addend: Option<i64>,
}

/// A relocatable file under construction.
#[derive(Clone, Debug)]
pub struct ElfBuilder {
    pub order: Order,
    pub machine: u16,
    sections: Vec<Section>,
    symbols: Vec<Symbol>,
    rels: Vec<Rel>,
}

impl ElfBuilder {
    pub fn new(order: Order) -> ElfBuilder {
        ElfBuilder {
            order,
            machine: EM_BPF,
            sections: Vec::new(),
            symbols: Vec::new(),
            rels: Vec::new(),
        }
    }

    /// Adds a section with contents.
    pub fn section(&mut self, name: &str, sh_type: u32, flags: u64, data: Vec<u8>) -> Sec {
        self.sections.push(Section {
            name: name.to_owned(),
            sh_type,
            flags,
            data,
            nobits: None,
            align: 8,
            entsize: 0,
            link: 0,
            info: 0,
        });
        Sec(self.sections.len())
    }

    /// Adds an executable section.
    pub fn code(&mut self, name: &str, data: Vec<u8>) -> Sec {
        self.section(name, sht::PROGBITS, shf::ALLOC | shf::EXEC, data)
    }

    /// Adds a writable data section.
    pub fn data(&mut self, name: &str, data: Vec<u8>) -> Sec {
        self.section(name, sht::PROGBITS, shf::ALLOC | shf::WRITE, data)
    }

    /// Adds a section that takes no room in the file.
    pub fn nobits(&mut self, name: &str, size: u64) -> Sec {
        let sec = self.section(name, sht::NOBITS, shf::ALLOC | shf::WRITE, Vec::new());
        self.sections[sec.0 - 1].nobits = Some(size);
        sec
    }

    /// The contents of a section, to change them.
    pub fn contents(&mut self, sec: Sec) -> &mut Vec<u8> {
        &mut self.sections[sec.0 - 1].data
    }

    /// The number of the section of a name.
    pub fn section_number(&self, name: &str) -> Option<u16> {
        let index = self
            .sections
            .iter()
            .position(|section| section.name == name);
        index.map(|index| index as u16 + 1)
    }

    /// Adds a symbol.
    pub fn symbol(&mut self, symbol: Symbol) -> Sym {
        self.symbols.push(symbol);
        Sym(self.symbols.len() - 1)
    }

    /// Adds a function symbol of `len` bytes at `value`.
    pub fn func(&mut self, name: &str, binding: u8, sec: Sec, value: u64, len: u64) -> Sym {
        self.symbol(Symbol {
            name: name.to_owned(),
            binding,
            kind: FUNC,
            visibility: 0,
            section: sec.0 as u16,
            value,
            size: len,
        })
    }

    /// Adds a global variable.
    pub fn object(&mut self, name: &str, binding: u8, sec: Sec, value: u64, len: u64) -> Sym {
        self.symbol(Symbol {
            name: name.to_owned(),
            binding,
            kind: OBJECT,
            visibility: 0,
            section: sec.0 as u16,
            value,
            size: len,
        })
    }

    /// Adds the symbol that stands for a whole section.
    pub fn section_symbol(&mut self, sec: Sec) -> Sym {
        self.symbol(Symbol {
            name: String::new(),
            binding: LOCAL,
            kind: SECTION,
            visibility: 0,
            section: sec.0 as u16,
            value: 0,
            size: 0,
        })
    }

    /// Adds an undefined symbol.
    pub fn undefined(&mut self, name: &str, binding: u8) -> Sym {
        self.symbol(Symbol {
            name: name.to_owned(),
            binding,
            kind: NOTYPE,
            visibility: 0,
            section: 0,
            value: 0,
            size: 0,
        })
    }

    /// The symbol, to change it.
    pub fn symbol_mut(&mut self, sym: Sym) -> &mut Symbol {
        &mut self.symbols[sym.0]
    }

    /// Adds a REL relocation of `kind` at byte `offset` of `sec`.
    pub fn rel(&mut self, sec: Sec, offset: u64, sym: Sym, kind: u32) {
        self.rels.push(Rel {
            section: sec.0,
            offset,
            symbol: sym.0,
            kind,
            addend: None,
        });
    }

    /// Adds a RELA relocation, which BPF objects never have.
    pub fn rela(&mut self, sec: Sec, offset: u64, sym: Sym, kind: u32, addend: i64) {
        self.rels.push(Rel {
            section: sec.0,
            offset,
            symbol: sym.0,
            kind,
            addend: Some(addend),
        });
    }

    /// Lets `change` reorder the relocation records.
    pub fn reorder_rels(&mut self, change: impl FnOnce(&mut [Rel])) {
        change(&mut self.rels);
    }

    /// Local symbols come first in a symbol table: the new number of each symbol, from 1.
    fn symbol_numbers(&self) -> (Vec<u32>, u32) {
        let locals = self.symbols.iter().filter(|s| s.binding == LOCAL).count() as u32;
        let (mut local, mut other) = (1, locals + 1);
        let numbers = self.symbols.iter().map(|symbol| {
            let next = match symbol.binding {
                LOCAL => &mut local,
                _ => &mut other,
            };
            let number = *next;
            *next += 1;
            number
        });
        (numbers.collect(), locals + 1)
    }

    fn symtab(&self, numbers: &[u32], strings: &mut Strings) -> Vec<u8> {
        let order = self.order;
        let mut table = vec![0; 24 * (self.symbols.len() + 1)];
        for (symbol, &number) in self.symbols.iter().zip(numbers) {
            let mut raw = order.u32(strings.add(&symbol.name)).to_vec();
            raw.extend([symbol.binding << 4 | symbol.kind, symbol.visibility]);
            raw.extend(order.u16(symbol.section));
            raw.extend(order.u64(symbol.value));
            raw.extend(order.u64(symbol.size));
            table[24 * number as usize..][..24].copy_from_slice(&raw);
        }
        table
    }

    /// The relocation sections: `.rel` or `.rela`, the section they are about, contents.
    fn rel_sections(&self, numbers: &[u32]) -> Vec<Section> {
        let mut out: Vec<Section> = Vec::new();
        for (number, section) in (1..).zip(&self.sections) {
            for (prefix, sh_type, rela, entsize) in [
                (".rel", sht::REL, false, 16),
                (".rela", sht::RELA, true, 24),
            ] {
                let mine = |r: &&Rel| r.section == number && r.addend.is_some() == rela;
                let data: Vec<u8> = self
                    .rels
                    .iter()
                    .filter(mine)
                    .flat_map(|r| self.rel_bytes(r, numbers))
                    .collect();
                if !data.is_empty() {
                    out.push(Section {
                        name: format!("{prefix}{}", section.name),
                        sh_type,
                        flags: 0,
                        data,
                        nobits: None,
                        align: 8,
                        entsize,
                        link: 0,
                        info: number as u32,
                    });
                }
            }
        }
        out
    }

    fn rel_bytes(&self, rel: &Rel, numbers: &[u32]) -> Vec<u8> {
        let info = u64::from(numbers[rel.symbol]) << 32 | u64::from(rel.kind);
        let mut raw = self.order.u64(rel.offset).to_vec();
        raw.extend(self.order.u64(info));
        if let Some(addend) = rel.addend {
            raw.extend(self.order.u64(addend as u64));
        }
        raw
    }

    pub fn build(&self) -> Vec<u8> {
        self.build_with(|_| {})
    }

    /// The file, with its layout changed as a test wants it.
    pub fn build_with(&self, change: impl FnOnce(&mut Layout)) -> Vec<u8> {
        let mut layout = self.layout();
        change(&mut layout);
        layout.write(self.order)
    }

    /// Sections in the order: those added, their relocations, symbols, strings.
    fn layout(&self) -> Layout {
        let (numbers, first_global) = self.symbol_numbers();
        let mut strings = Strings::new();
        let symtab = self.symtab(&numbers, &mut strings);
        let mut place = Placer::new();
        for section in &self.sections {
            place.section(section);
        }
        let rels = self.rel_sections(&numbers);
        let symtab_number = place.headers.len() + rels.len();
        for rel in &rels {
            place.section(rel);
            place.last().sh_link = symtab_number as u32;
        }
        place.bytes(".symtab", sht::SYMTAB, &symtab);
        place.last().sh_link = symtab_number as u32 + 1;
        place.last().sh_info = first_global;
        place.last().sh_entsize = 24;
        let mut names: Vec<u32> = Vec::new();
        for header in &place.headers {
            names.push(strings.add(&header.name));
        }
        names.push(strings.add(".strtab"));
        place.bytes(".strtab", sht::STRTAB, &strings.bytes);
        for (header, name) in place.headers.iter_mut().zip(names) {
            header.sh_name = name;
        }
        place.finish(self.order, self.machine)
    }
}

/// A string table that shares equal strings.
struct Strings {
    bytes: Vec<u8>,
}

impl Strings {
    fn new() -> Strings {
        Strings { bytes: vec![0] }
    }

    fn add(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
        at
    }
}
