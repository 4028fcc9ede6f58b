//! Where the parts of a test's ELF file lie, and how they are written.

#![allow(dead_code)] // Every test binary uses another part of it.

use super::btf::Order;
use super::elf::Section;

/// A section header, as [`ElfBuilder::build_with`] lets a test change it.
#[derive(Clone, Debug, Default)]
pub struct Shdr {
    pub name: String,
    pub sh_name: u32,
    pub sh_type: u32,
    pub sh_flags: u64,
    pub sh_offset: u64,
    pub sh_size: u64,
    pub sh_link: u32,
    pub sh_info: u32,
    pub sh_addralign: u64,
    pub sh_entsize: u64,
}

/// The finished layout, before it is written.
#[derive(Clone, Debug)]
pub struct Layout {
    pub ident: [u8; 16],
    pub e_type: u16,
    pub e_machine: u16,
    pub e_shoff: u64,
    pub e_shentsize: u16,
    pub e_shnum: u16,
    pub e_shstrndx: u16,
    /// Header 0 is the null section.
    pub headers: Vec<Shdr>,
    /// The whole file behind the ELF header up to the section headers.
    pub body: Vec<u8>,
}

impl Layout {
    /// The header of the section called `name`.
    pub fn header(&mut self, name: &str) -> &mut Shdr {
        self.headers
            .iter_mut()
            .find(|header| header.name == name)
            .expect("the test names an existing section")
    }
}

const EHDR: usize = 64;
const SHDR: u16 = 64;

/// Gives each section its place in the file.
pub struct Placer {
    pub headers: Vec<Shdr>,
    body: Vec<u8>,
}

impl Placer {
    pub fn new() -> Placer {
        Placer {
            headers: vec![Shdr::default()],
            body: Vec::new(),
        }
    }

    pub fn section(&mut self, section: &Section) {
        self.bytes(&section.name, section.sh_type, &section.data);
        let header = self.last();
        header.sh_flags = section.flags;
        header.sh_size = section.nobits.unwrap_or(section.data.len() as u64);
        header.sh_addralign = section.align;
        header.sh_entsize = section.entsize;
        header.sh_link = section.link;
        header.sh_info = section.info;
    }

    pub fn bytes(&mut self, name: &str, sh_type: u32, data: &[u8]) {
        self.body.resize(self.body.len().next_multiple_of(8), 0);
        self.headers.push(Shdr {
            name: name.to_owned(),
            sh_type,
            sh_offset: (EHDR + self.body.len()) as u64,
            sh_size: data.len() as u64,
            sh_addralign: 1,
            ..Shdr::default()
        });
        self.body.extend_from_slice(data);
    }

    pub fn last(&mut self) -> &mut Shdr {
        self.headers.last_mut().expect("a section was added")
    }

    pub fn finish(mut self, order: Order, machine: u16) -> Layout {
        self.body.resize(self.body.len().next_multiple_of(8), 0);
        let mut ident = [0; 16];
        ident[..4].copy_from_slice(b"\x7fELF");
        ident[4] = 2; // ELFCLASS64
        ident[5] = match order {
            Order::Little => 1,
            Order::Big => 2,
        };
        ident[6] = 1; // EV_CURRENT
        Layout {
            ident,
            e_type: 1, // ET_REL
            e_machine: machine,
            e_shoff: (EHDR + self.body.len()) as u64,
            e_shentsize: SHDR,
            e_shnum: self.headers.len() as u16,
            e_shstrndx: self.headers.len() as u16 - 1,
            headers: self.headers,
            body: self.body,
        }
    }
}

impl Layout {
    pub fn write(&self, order: Order) -> Vec<u8> {
        let mut out = self.ident.to_vec();
        out.extend(order.u16(self.e_type));
        out.extend(order.u16(self.e_machine));
        out.extend(order.u32(1)); // e_version
        out.extend(order.u64(0)); // e_entry
        out.extend(order.u64(0)); // e_phoff
        out.extend(order.u64(self.e_shoff));
        out.extend(order.u32(0)); // e_flags
        out.extend(order.u16(EHDR as u16));
        out.extend(order.u16(0)); // e_phentsize
        out.extend(order.u16(0)); // e_phnum
        out.extend(order.u16(self.e_shentsize));
        out.extend(order.u16(self.e_shnum));
        out.extend(order.u16(self.e_shstrndx));
        out.extend_from_slice(&self.body);
        for header in &self.headers {
            header.write(order, &mut out);
        }
        out
    }
}

impl Shdr {
    fn write(&self, order: Order, out: &mut Vec<u8>) {
        out.extend(order.u32(self.sh_name));
        out.extend(order.u32(self.sh_type));
        out.extend(order.u64(self.sh_flags));
        out.extend(order.u64(0)); // sh_addr
        out.extend(order.u64(self.sh_offset));
        out.extend(order.u64(self.sh_size));
        out.extend(order.u32(self.sh_link));
        out.extend(order.u32(self.sh_info));
        out.extend(order.u64(self.sh_addralign));
        out.extend(order.u64(self.sh_entsize));
    }
}
