//! The parts of a real ELF file: where they are, and the file with them in another order.
//! The file means the same afterwards: whoever counts on an order is found out.

#![allow(dead_code)] // Every test binary uses another part of it.

use std::ops::Range;

use super::btf::Order;
use super::plan::Shuffle;

/// What is put into another order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Relocations,
    Symbols,
    Sections,
    /// Of `.BTF.ext`: its sections, and the records of each.
    Records,
}

pub const PARTS: [Part; 4] = [
    Part::Relocations,
    Part::Symbols,
    Part::Sections,
    Part::Records,
];

const SHT_SYMTAB: u32 = 2;
const SHT_NOBITS: u32 = 8;
const SHT_REL: u32 = 9;
const SHT_GROUP: u32 = 17;
const SHN_LORESERVE: u64 = 0xff00;
const EHDR: usize = 64;
const SHDR: usize = 64;
const SYM: usize = 24;
const REL: usize = 16;

pub struct Elf {
    pub bytes: Vec<u8>,
    order: Order,
}

impl Elf {
    /// A valid 64-bit file: the tests give what a compiler wrote.
    pub fn new(bytes: Vec<u8>) -> Elf {
        let order = match bytes[5] {
            1 => Order::Little,
            _ => Order::Big,
        };
        Elf { bytes, order }
    }

    fn get(&self, at: usize, len: usize) -> u64 {
        let bytes = self.bytes[at..at + len].iter();
        let shift = |value: u64, &byte: &u8| value << 8 | u64::from(byte);
        match self.order {
            Order::Little => bytes.rev().fold(0, shift),
            Order::Big => bytes.fold(0, shift),
        }
    }

    fn put(&mut self, at: usize, len: usize, value: u64) {
        for i in 0..len {
            let shift = match self.order {
                Order::Little => i,
                Order::Big => len - 1 - i,
            };
            self.bytes[at + i] = (value >> (8 * shift)) as u8;
        }
    }

    fn headers(&self) -> (usize, usize) {
        (self.get(40, 8) as usize, self.get(60, 2) as usize)
    }

    fn header(&self, section: usize) -> usize {
        self.headers().0 + section * SHDR
    }

    fn kind(&self, section: usize) -> u32 {
        self.get(self.header(section) + 4, 4) as u32
    }

    fn contents(&self, section: usize) -> Range<usize> {
        let header = self.header(section);
        let start = self.get(header + 24, 8) as usize;
        let len = match self.kind(section) {
            SHT_NOBITS => 0,
            _ => self.get(header + 32, 8) as usize,
        };
        start..start + len
    }

    fn sections(&self, kind: u32) -> Vec<usize> {
        let all = 1..self.headers().1;
        all.filter(|&section| self.kind(section) == kind).collect()
    }

    fn named(&self, name: &[u8]) -> Option<usize> {
        let names = self.contents(self.get(62, 2) as usize);
        let is_it = |&section: &usize| {
            let at = names.start + self.get(self.header(section), 4) as usize;
            self.bytes[at..].starts_with(name) && self.bytes[at + name.len()] == 0
        };
        (1..self.headers().1).find(is_it)
    }

    /// The file's header, its table of sections, and what each section holds.
    pub fn regions(&self) -> Vec<Range<usize>> {
        let (start, count) = self.headers();
        let mut regions = vec![0..EHDR, start..start + count * SHDR];
        let contents = (1..count).map(|section| self.contents(section));
        regions.extend(contents.filter(|range| !range.is_empty()));
        regions
    }

    /// Puts the chunks of `len` bytes of a range into another order; at each new place, the
    /// number of the old one.
    fn shuffle(&mut self, range: Range<usize>, len: usize, order: &mut Shuffle) -> Vec<usize> {
        let chunks: Vec<Vec<u8>> = self.bytes[range.clone()]
            .chunks_exact(len)
            .map(<[u8]>::to_vec)
            .collect();
        let mut from: Vec<usize> = (0..chunks.len()).collect();
        order.order(&mut from);
        for (at, &old) in from.iter().enumerate() {
            let place = range.start + at * len;
            self.bytes[place..place + len].copy_from_slice(&chunks[old]);
        }
        from
    }

    pub fn reorder(&mut self, part: Part, order: &mut Shuffle) {
        match part {
            Part::Relocations => {
                for section in self.sections(SHT_REL) {
                    self.shuffle(self.contents(section), REL, order);
                }
            }
            Part::Symbols => self.reorder_symbols(order),
            Part::Sections => self.reorder_sections(order),
            Part::Records => self.reorder_records(order),
        }
    }

    /// Local symbols come before the others, so each kind stays by itself.
    fn reorder_symbols(&mut self, order: &mut Shuffle) {
        for table in self.sections(SHT_SYMTAB) {
            let range = self.contents(table);
            // `bpftool gen object` does not count them; the first is always one.
            let locals = (self.get(self.header(table) + 44, 4) as usize).max(1);
            let middle = range.start + locals * SYM;
            let mut from = vec![0];
            let moved = self.shuffle(range.start + SYM..middle, SYM, order);
            from.extend(moved.iter().map(|old| old + 1));
            let moved = self.shuffle(middle..range.end, SYM, order);
            from.extend(moved.iter().map(|old| old + locals));
            let to = inverse(&from);
            for section in self.sections(SHT_REL) {
                if self.get(self.header(section) + 40, 4) as usize != table {
                    continue;
                }
                for at in self.contents(section).step_by(REL) {
                    let info = self.get(at + 8, 8);
                    let symbol = to[(info >> 32) as usize] as u64;
                    self.put(at + 8, 8, symbol << 32 | info & 0xffff_ffff);
                }
            }
            for group in self.sections(SHT_GROUP) {
                let at = self.header(group) + 44;
                self.put(at, 4, to[self.get(at, 4) as usize] as u64);
            }
        }
    }

    fn reorder_sections(&mut self, order: &mut Shuffle) {
        let (start, count) = self.headers();
        let mut from = vec![0];
        let moved = self.shuffle(start + SHDR..start + count * SHDR, SHDR, order);
        from.extend(moved.iter().map(|old| old + 1));
        let to = inverse(&from);
        let names = self.get(62, 2) as usize;
        self.put(62, 2, to[names] as u64);
        for section in 1..count {
            let header = self.header(section);
            self.put(header + 40, 4, to[self.get(header + 40, 4) as usize] as u64);
            match self.kind(section) {
                SHT_REL => self.put(header + 44, 4, to[self.get(header + 44, 4) as usize] as u64),
                SHT_SYMTAB => {
                    for symbol in self.contents(section).step_by(SYM) {
                        let defined = self.get(symbol + 6, 2);
                        if defined < SHN_LORESERVE {
                            self.put(symbol + 6, 2, to[defined as usize] as u64);
                        }
                    }
                }
                SHT_GROUP => {
                    for member in self.contents(section).step_by(4).skip(1) {
                        self.put(member, 4, to[self.get(member, 4) as usize] as u64);
                    }
                }
                _ => {}
            }
        }
    }

    fn reorder_records(&mut self, order: &mut Shuffle) {
        let Some(section) = self.named(b".BTF.ext") else {
            return;
        };
        let start = self.contents(section).start;
        let base = start + self.get(start + 4, 4) as usize;
        let last = if base - start >= 32 { 24 } else { 16 };
        for field in (8..=last).step_by(8) {
            let at = base + self.get(start + field, 4) as usize;
            let len = self.get(start + field + 4, 4) as usize;
            if len > 4 {
                self.reorder_table(at..at + len, order);
            }
        }
    }

    /// One table of `.BTF.ext`: the size of its records, then for each section its name, the
    /// number of its records, and they.
    fn reorder_table(&mut self, table: Range<usize>, order: &mut Shuffle) {
        let size = self.get(table.start, 4) as usize;
        let mut at = table.start + 4;
        let mut sections = Vec::new();
        while at < table.end {
            let end = at + 8 + self.get(at + 4, 4) as usize * size;
            self.shuffle(at + 8..end, size, order);
            sections.push(self.bytes[at..end].to_vec());
            at = end;
        }
        order.order(&mut sections);
        let bytes = sections.concat();
        self.bytes[table.start + 4..table.end].copy_from_slice(&bytes);
    }
}

fn inverse(from: &[usize]) -> Vec<usize> {
    let mut to = vec![0; from.len()];
    for (new, &old) in from.iter().enumerate() {
        to[old] = new;
    }
    to
}
