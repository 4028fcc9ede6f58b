//! One CO-RE case: local BTF, target BTF, instructions with their records.

use bpflink::Target;
use bpflink::link::core::{CoreOptions, Outcome};
use bpflink::link::{Linker, Programs};

use crate::support::btf::{BtfBuilder, Field, Order, UNSIGNED};
use crate::support::elf::GLOBAL;
use crate::support::insn::{I, exit};
use crate::support::link::*;
use crate::support::object::{Fun, Obj};

/// A record: slot, root type, access string, kind.
type Record = (u32, u32, String, u32);

/// A program of one function, and a kernel to link it for.
pub struct Case {
    pub local: Obj,
    pub target: BtfBuilder,
    pub options: CoreOptions,
    body: Vec<I>,
    records: Vec<Record>,
}

impl Case {
    pub fn new(order: Order) -> Case {
        Case {
            local: Obj::new(order),
            target: BtfBuilder::new(order),
            options: CoreOptions::default(),
            body: Vec::new(),
            records: Vec::new(),
        }
    }

    pub fn little() -> Case {
        Case::new(Order::Little)
    }

    /// Appends an instruction and a record for it.
    pub fn relo(&mut self, insn: I, type_id: u32, access: &str, kind: u32) {
        self.record(self.body.len() as u32, type_id, access, kind);
        self.body.push(insn);
    }

    /// Appends a 64-bit load and a record for it.
    pub fn relo64(&mut self, load: [I; 2], type_id: u32, access: &str, kind: u32) {
        self.record(self.body.len() as u32, type_id, access, kind);
        self.body.extend(load);
    }

    /// Appends an instruction without a record.
    pub fn insn(&mut self, insn: I) {
        self.body.push(insn);
    }

    /// A record alone.
    pub fn record(&mut self, slot: u32, type_id: u32, access: &str, kind: u32) {
        self.records.push((slot, type_id, access.to_owned(), kind));
    }

    /// Turns the order of the records around.
    pub fn reverse_records(&mut self) {
        self.records.reverse();
    }

    /// The object: one program `prog` of the instructions and an exit.
    pub fn object(&self) -> Vec<u8> {
        let mut obj = self.local.clone();
        let body = [&self.body[..], &[exit()]].concat();
        let code = obj.code("socket", &[Fun("prog", GLOBAL, &body)]);
        for (slot, type_id, access, kind) in &self.records {
            obj.core(&code, *slot, *type_id, access, *kind);
        }
        obj.build()
    }

    pub fn link(&self) -> Programs {
        self.link_for(&target(&self.target))
    }

    pub fn link_for(&self, target: &Target) -> Programs {
        let object = opened(&self.object());
        crate::support::record::link(&object, target, self.options);
        let linker = Linker::new(target).core_options(self.options);
        let linked = linker.link(&object);
        linked.unwrap_or_else(|error| panic!("does not link: {error}"))
    }

    /// The instructions that come out, without the exit.
    pub fn run(&self) -> Vec<I> {
        let mut insns = stream(&self.link(), "prog");
        assert_eq!(insns.pop(), Some(exit()));
        insns
    }

    /// The message of the error that the program fails with.
    pub fn fails(&self) -> String {
        failure(&self.link(), "prog")
    }

    /// What the report says of each relocation: outcome, old and new value.
    pub fn report(&self) -> Vec<(Outcome, i64, i64)> {
        let set = self.link();
        let relocations = program(&set, "prog").relocations();
        relocations
            .map(|r| (r.report.outcome, r.report.old, r.report.new))
            .collect()
    }
}

/// Asserts that a message holds each of some parts.
#[track_caller]
pub fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

/// `u32`.
pub fn u32_type(b: &mut BtfBuilder) -> u32 {
    b.int("unsigned int", 4, UNSIGNED)
}

/// A struct of `u32` fields at offsets in bytes.
pub fn u32_struct(b: &mut BtfBuilder, name: &str, size: u32, fields: &[(&str, u32)]) -> u32 {
    let int = u32_type(b);
    let fields: Vec<Field> = fields
        .iter()
        .map(|&(name, at)| crate::support::btf::field(name, int, at))
        .collect();
    b.structure(name, size, &fields)
}
