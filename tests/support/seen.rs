//! What a loader sees of linked programs, for comparison.

#![allow(dead_code)] // Every test binary uses another part of it.

use bpflink::link::{Program, Programs};

use super::btf::Order;
use super::link::order_of;
use super::vm::decode;

/// All that a loader sees of a program, but what counts type ids and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    name: String,
    insns: Vec<[i32; 5]>,
    functions: Vec<(String, u32)>,
    references: Vec<(u32, &'static str, String, i64)>,
    outcomes: Vec<(u32, u32)>,
    records: [usize; 2],
    error: Option<String>,
}

/// The programs in an order that depends on nothing but them.
pub fn look(set: &Programs) -> Vec<Seen> {
    let order = order_of(set.object());
    let mut seen: Vec<Seen> = set.programs().iter().map(|p| look_at(p, order)).collect();
    seen.sort();
    seen
}

fn look_at(program: &Program, order: Order) -> Seen {
    let insns = decode(program.bytes().unwrap_or_default(), order);
    let fields = insns.iter().map(|i| {
        [
            i.code.into(),
            i.dst.into(),
            i.src.into(),
            i.off.into(),
            i.imm,
        ]
    });
    let functions = program.functions();
    let references = program.references().into_iter();
    let outcomes = program.relocations();
    Seen {
        name: program.name().to_string(),
        insns: fields.collect(),
        functions: functions.map(|f| (f.name.to_string(), f.insn)).collect(),
        references: references
            .map(|r| (r.insn, r.kind.name(), r.name.to_string(), r.offset))
            .collect(),
        outcomes: outcomes
            .map(|r| (r.insn, r.report.outcome as u32))
            .collect(),
        records: [program.func_info().count(), program.line_info().count()],
        error: program.error().map(ToString::to_string),
    }
}

/// The same to the byte: with type ids, lines, and what each relocation did.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exactly {
    seen: Seen,
    records: [Vec<u8>; 2],
    reports: Vec<String>,
}

impl Exactly {
    /// What fails stays as far as it had come: then that it fails, and why, is all.
    pub fn or_error(self) -> Exactly {
        match self.seen.error {
            None => self,
            error => Exactly {
                seen: Seen {
                    name: self.seen.name,
                    error,
                    ..Seen::default()
                },
                ..Exactly::default()
            },
        }
    }
}

pub fn look_exactly(set: &Programs) -> Vec<Exactly> {
    let order = order_of(set.object());
    let programs = set.programs().iter().map(|program| Exactly {
        seen: look_at(program, order),
        records: [program.func_info(), program.line_info()].map(|info| info.bytes.clone()),
        reports: program
            .relocations()
            .map(|r| format!("{} {:?}", r.insn, r.report))
            .collect(),
    });
    let mut all: Vec<Exactly> = programs.collect();
    all.sort();
    all
}
