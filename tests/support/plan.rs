//! Random objects: a plan of functions that call each other, read fields and
//! refer to maps, built in any order of sections, functions and records.

#![allow(dead_code)] // Every test binary uses another part of it.

use super::btf::{BtfBuilder, Order, UNSIGNED, field};
use super::btf_ext::core::{BYTE_OFFSET, FIELD_EXISTS};
use super::elf::{GLOBAL, Sym};
use super::insn::*;
use super::object::{Code, Fun, Obj};

/// What a function does; numbers are taken modulo what there is.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    Move(i32),
    Call(usize),
    /// Loads the address of a function.
    Callback(usize),
    /// Reads a field of `struct s`.
    Read(usize),
    /// Asks whether a field of `struct s` exists.
    Exists(usize),
    Map(usize),
    /// The address of a byte of `.data`.
    Data(usize),
}

/// A function: its section, what it does.
#[derive(Clone, Debug)]
pub struct Function {
    pub section: usize,
    pub ops: Vec<Op>,
}

/// An object in the abstract.
#[derive(Clone, Debug)]
pub struct Plan {
    pub functions: Vec<Function>,
}

const SECTIONS: [&str; 4] = [".text", "lib", "socket", "kprobe/do_exit"];
const FIELDS: [&str; 4] = ["a", "b", "c", "gone"];
const MAPS: [&str; 2] = ["first", "second"];
const DATA: usize = 64;

/// Puts things into an order that a number decides; 0 leaves them as they are.
pub struct Shuffle(pub u64);

impl Shuffle {
    fn next(&mut self) -> u64 {
        // Knuth's MMIX generator: the upper bits are random enough for a test.
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    pub fn order<T>(&mut self, list: &mut [T]) {
        if self.0 == 0 {
            return;
        }
        for i in (1..list.len()).rev() {
            list.swap(i, self.next() as usize % (i + 1));
        }
    }
}

impl Op {
    fn insns(self) -> Vec<I> {
        match self {
            Op::Move(value) => vec![mov(0, value)],
            Op::Call(_) => vec![call_fn(-1)],
            Op::Callback(_) => ld64(2, 0, 0, 0).to_vec(),
            Op::Read(f) => vec![ldx(W, 1, 6, 4 * (f % 4) as i16)],
            Op::Exists(_) => vec![mov(1, 1)],
            Op::Map(_) => ld64(1, 0, 0, 0).to_vec(),
            Op::Data(at) => ld64(1, 0, (at % DATA) as i32, 0).to_vec(),
        }
    }
}

/// The kernel that plans are linked for: fields elsewhere, one missing.
pub fn kernel(order: Order) -> BtfBuilder {
    let mut b = BtfBuilder::new(order);
    let int = b.int("unsigned int", 4, UNSIGNED);
    let long = b.int("long unsigned int", 8, UNSIGNED);
    let fields = [
        field("c", int, 8),
        field("b", long, 16),
        field("a", int, 40),
    ];
    b.structure("s", 64, &fields);
    b
}

/// What the finished parts of an object under construction are called.
struct Parts {
    codes: Vec<Option<Code>>,
    /// Of each function its symbol and its first slot.
    functions: Vec<(Sym, u32)>,
    maps: Vec<Sym>,
    data: Sym,
    record: u32,
}

impl Plan {
    /// The object in a byte order, its parts in an order.
    pub fn build(&self, order: Order, shuffle: &mut Shuffle) -> Vec<u8> {
        let mut o = Obj::new(order);
        let mut parts = self.parts(&mut o, shuffle);
        let mut all: Vec<usize> = (0..self.functions.len()).collect();
        shuffle.order(&mut all);
        for index in all {
            self.references(&mut o, &mut parts, index);
        }
        o.elf.reorder_rels(|rels| shuffle.order(rels));
        o.ext.core.reorder(|records| shuffle.order(records));
        o.ext.func.reorder(|records| shuffle.order(records));
        o.ext.line.reorder(|records| shuffle.order(records));
        o.build()
    }

    fn parts(&self, o: &mut Obj, shuffle: &mut Shuffle) -> Parts {
        let int = o.btf.int("unsigned int", 4, UNSIGNED);
        let fields: Vec<_> = (0..)
            .zip(FIELDS)
            .map(|(i, name)| field(name, int, 4 * i))
            .collect();
        let record = o.btf.structure("s", 16, &fields);
        let data = o.elf.data(".data", vec![7; DATA]);
        let mut parts = Parts {
            codes: vec![None; SECTIONS.len()],
            functions: vec![(Sym(0), 0); self.functions.len()],
            maps: o.array_maps(&MAPS),
            data: o.elf.section_symbol(data),
            record,
        };
        let mut sections: Vec<usize> = (0..SECTIONS.len()).collect();
        shuffle.order(&mut sections);
        for section in sections {
            self.section(o, &mut parts, section, shuffle);
        }
        parts
    }

    fn section(&self, o: &mut Obj, parts: &mut Parts, section: usize, shuffle: &mut Shuffle) {
        let here = |&i: &usize| self.functions[i].section % SECTIONS.len() == section;
        let mut members: Vec<usize> = (0..self.functions.len()).filter(here).collect();
        shuffle.order(&mut members);
        let bodies: Vec<(String, Vec<I>)> =
            members.iter().map(|&i| (name(i), self.body(i))).collect();
        let functions: Vec<Fun<'_>> = bodies
            .iter()
            .map(|(n, body)| Fun(n, GLOBAL, body))
            .collect();
        if functions.is_empty() {
            return;
        }
        let code = o.code(SECTIONS[section], &functions);
        for (&i, &(sym, start, _)) in members.iter().zip(&code.funs) {
            parts.functions[i] = (sym, start);
        }
        parts.codes[section] = Some(code);
    }

    fn body(&self, index: usize) -> Vec<I> {
        let ops = &self.functions[index].ops;
        ops.iter()
            .flat_map(|op| op.insns())
            .chain([exit()])
            .collect()
    }

    fn references(&self, o: &mut Obj, parts: &mut Parts, index: usize) {
        let function = &self.functions[index];
        let code = parts.codes[function.section % SECTIONS.len()].clone();
        let code = code.expect("the section of a function was added");
        let mut slot = parts.functions[index].1;
        for op in &function.ops {
            let callee = |i: usize| parts.functions[i % self.functions.len()].0;
            match *op {
                Op::Move(_) => {}
                Op::Call(i) => o.call(&code, slot, callee(i)),
                Op::Callback(i) => o.load(&code, slot, callee(i)),
                Op::Read(f) => o.core(
                    &code,
                    slot,
                    parts.record,
                    &format!("0:{}", f % 4),
                    BYTE_OFFSET,
                ),
                Op::Exists(f) => o.core(
                    &code,
                    slot,
                    parts.record,
                    &format!("0:{}", f % 4),
                    FIELD_EXISTS,
                ),
                Op::Map(m) => o.load(&code, slot, parts.maps[m % MAPS.len()]),
                Op::Data(_) => o.load(&code, slot, parts.data),
            }
            slot += op.insns().len() as u32;
        }
    }
}

fn name(index: usize) -> String {
    format!("f{index}")
}
