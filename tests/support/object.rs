//! Puts code, BTF and `.BTF.ext` together into one object as clang would.

#![allow(dead_code)] // Every test binary uses another part of it.

use super::btf::{BtfBuilder, EXTERN, GLOBAL as BTF_GLOBAL, Order, SIGNED, STATIC};
use super::btf_ext::ExtBuilder;
use super::elf::{ElfBuilder, GLOBAL, LOCAL, Sec, Sym, r_bpf};
use super::insn::{self, I};

/// A function of a section: its name, its binding, its instructions.
pub struct Fun<'a>(pub &'a str, pub u8, pub &'a [I]);

/// An executable section that was added.
#[derive(Clone, Debug)]
pub struct Code {
    pub sec: Sec,
    /// The section's name in the BTF strings.
    pub name: u32,
    /// Of each function, its symbol, its first slot and its BTF_KIND_FUNC.
    pub funs: Vec<(Sym, u32, u32)>,
    /// Slots in all.
    pub len: u32,
}

/// A BPF object under construction.
#[derive(Clone, Debug)]
pub struct Obj {
    pub order: Order,
    pub elf: ElfBuilder,
    pub btf: BtfBuilder,
    pub ext: ExtBuilder,
    /// Leave out `.BTF` and `.BTF.ext`.
    pub no_btf: bool,
    /// Leave out `.BTF.ext` only.
    pub no_ext: bool,
    /// `int`, the first type.
    pub int: u32,
    /// `int (void)`.
    pub proto: u32,
}

impl Obj {
    pub fn new(order: Order) -> Obj {
        let mut btf = BtfBuilder::new(order);
        let int = btf.int("int", 4, SIGNED);
        let proto = btf.func_proto(int, &[]);
        let mut elf = ElfBuilder::new(order);
        elf.data("license", b"GPL\0".to_vec());
        Obj {
            order,
            elf,
            btf,
            ext: ExtBuilder::new(order),
            no_btf: false,
            no_ext: false,
            int,
            proto,
        }
    }

    pub fn little() -> Obj {
        Obj::new(Order::Little)
    }

    /// Adds an executable section of functions one behind the other, each with
    /// its symbol, its BTF_KIND_FUNC, its func_info and one line_info record.
    pub fn code(&mut self, section: &str, functions: &[Fun<'_>]) -> Code {
        let name = self.btf.string(section);
        let sec = self.elf.code(section, Vec::new());
        let mut code = Code {
            sec,
            name,
            funs: Vec::new(),
            len: 0,
        };
        for Fun(function, binding, insns) in functions {
            self.function(&mut code, function, *binding, insns);
        }
        code
    }

    /// Appends a function to a section.
    pub fn function(&mut self, code: &mut Code, name: &str, binding: u8, insns: &[I]) -> Sym {
        let start = code.len;
        let raw = insn::bytes(insns, self.order);
        let len = raw.len() as u64;
        let sym = (self.elf).func(name, binding, code.sec, u64::from(start) * 8, len);
        self.elf.contents(code.sec).extend(raw);
        let linkage = if binding == LOCAL { STATIC } else { BTF_GLOBAL };
        let func = self.btf.func(name, self.proto, linkage);
        self.ext.func(code.name, start, func);
        let (file, text) = (self.btf.string("test.bpf.c"), self.btf.string(name));
        self.ext.line(code.name, start, file, text, start + 1, 1);
        code.funs.push((sym, start, func));
        code.len += insns.len() as u32;
        sym
    }

    /// The call or `ld_imm64` in slot `insn` refers to `sym`.
    pub fn call(&mut self, code: &Code, insn: u32, sym: Sym) {
        let offset = u64::from(insn) * 8;
        self.elf.rel(code.sec, offset, sym, r_bpf::R64_32);
    }

    /// The `ld_imm64` in slot `insn` loads the address of `sym`.
    pub fn load(&mut self, code: &Code, insn: u32, sym: Sym) {
        let offset = u64::from(insn) * 8;
        self.elf.rel(code.sec, offset, sym, r_bpf::R64_64);
    }

    /// A CO-RE record for slot `insn` of the section.
    pub fn core(&mut self, code: &Code, insn: u32, type_id: u32, access: &str, kind: u32) {
        let access = self.btf.string(access);
        self.ext.core(code.name, insn, type_id, access, kind);
    }

    /// Adds maps to `.maps`, each of BPF_MAP_TYPE_ARRAY with four-byte keys and values and one entry.
    pub fn array_maps(&mut self, names: &[&str]) -> Vec<Sym> {
        let sec = self.elf.data(".maps", vec![0; names.len() * 32]);
        let definition = self.array_definition();
        let mut vars = Vec::new();
        let mut syms = Vec::new();
        for (i, name) in (0u32..).zip(names) {
            let var = self.btf.var(name, definition, BTF_GLOBAL);
            vars.push((var, i * 32, 32));
            syms.push(self.elf.object(name, GLOBAL, sec, u64::from(i) * 32, 32));
        }
        self.btf.datasec(".maps", names.len() as u32 * 32, &vars);
        syms
    }

    /// `struct { int (*type)[2]; int (*key_size)[4]; int (*value_size)[4]; int (*max_entries)[1]; }`
    fn array_definition(&mut self) -> u32 {
        let (btf, int) = (&mut self.btf, self.int);
        let mut number = |count| {
            let array = btf.array(int, int, count);
            btf.ptr(array)
        };
        let (two, four, one) = (number(2), number(4), number(1));
        let field = super::btf::field;
        btf.structure(
            "",
            32,
            &[
                field("type", two, 0),
                field("key_size", four, 8),
                field("value_size", four, 16),
                field("max_entries", one, 24),
            ],
        )
    }

    /// Adds an extern function of `.ksyms`.
    pub fn kfunc(&mut self, name: &str, binding: u8) -> (Sym, u32) {
        let func = self.btf.func(name, self.proto, EXTERN);
        (self.elf.undefined(name, binding), func)
    }

    /// The object's bytes; `.BTF` and `.BTF.ext` are its last sections.
    pub fn build(&self) -> Vec<u8> {
        self.finished().build()
    }

    /// The ELF file with its BTF sections, to change its layout.
    pub fn finished(&self) -> ElfBuilder {
        let mut elf = self.elf.clone();
        if !self.no_btf {
            self.add_section(&mut elf, ".BTF", self.btf.build());
            if !self.no_ext {
                self.add_section(&mut elf, ".BTF.ext", self.ext.build());
            }
        }
        elf
    }

    fn add_section(&self, elf: &mut ElfBuilder, name: &str, data: Vec<u8>) {
        elf.section(name, super::elf::sht::PROGBITS, 0, data);
    }
}
