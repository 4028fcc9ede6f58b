//! The rules one by one, on BTF made for each.
//!
//! Whole objects are in tests/core_relocation; here is what they cannot see:
//! what is shared, what is loaded, how the texts read, and the rules of patching
//! on instructions that compilers seldom write.

mod agreement;
mod patching;
mod sharing;
mod texts;
mod values;

use super::*;
use crate::btf::testing::builder::*;
use crate::btf::{Btf, testing};
use crate::insn::opcode::*;
use crate::target::Target;

/// An object's BTF and a kernel's, with relocations of one function.
struct World {
    local: BtfBuilder,
    target: BtfBuilder,
    options: CoreOptions,
    insns: Vec<Insn>,
    relocations: Vec<CoreRelocation>,
}

impl World {
    fn new() -> World {
        World {
            local: BtfBuilder::new(Order::Little),
            target: BtfBuilder::new(Order::Little),
            options: CoreOptions::default(),
            insns: Vec::new(),
            relocations: Vec::new(),
        }
    }

    /// Appends an instruction with a relocation.
    fn ask(&mut self, insn: Insn, root: u32, access: &str, kind: CoreKind) {
        let record = self.relocations.len() as u32;
        self.relocations.push(CoreRelocation {
            insn: self.insns.len() as u32,
            type_id: root,
            access: self.local.string(access),
            kind: kind as u32,
            record,
        });
        self.insns.push(insn);
    }

    /// Appends an `ld_imm64` with a relocation.
    fn ask_wide(&mut self, value: i64, root: u32, access: &str, kind: CoreKind) {
        let [first, second] = wide(value);
        self.ask(first, root, access, kind);
        self.insns.push(second);
    }

    fn kernel(&self) -> Target {
        Target::from_btf(testing::parse(&self.target))
    }

    fn resolve(&self) -> Result<Vec<Fixup>, CoreFailure> {
        self.resolve_for(&self.kernel())
    }

    fn resolve_for(&self, target: &Target) -> Result<Vec<Fixup>, CoreFailure> {
        Ok(self.decide_for(target)?.fixups)
    }

    fn decide_for(&self, target: &Target) -> Result<Decided, CoreFailure> {
        let local = testing::parse(&self.local);
        let mut resolver = Resolver::new(&local, target, self.options);
        Ok(Decided {
            fixups: resolver.resolve_program(&[self.function()])?,
            decisions: resolver.into_decisions(),
        })
    }

    fn function(&self) -> FunctionView<'_> {
        FunctionView {
            insns: &self.insns,
            start: 0,
            relocations: &self.relocations,
        }
    }

    /// What was decided, where all stand.
    #[track_caller]
    fn decided(&self) -> Decided {
        let decided = self.decide_for(&self.kernel());
        decided.unwrap_or_else(|failure| panic!("{}", failure.error))
    }

    /// The first fixup, where all stand.
    #[track_caller]
    fn first(&self) -> Fixup {
        let fixups = self.decided().fixups;
        fixups.into_iter().next().expect("a relocation")
    }

    #[track_caller]
    fn fails(&self) -> String {
        self.resolve().expect_err("a failure").error.to_string()
    }
}

/// The fixups of a function, and what stands behind them.
struct Decided {
    fixups: Vec<Fixup>,
    decisions: Decisions,
}

impl Decided {
    /// The account of the first.
    fn report(&self) -> CoreReport<'_> {
        let report = self.decisions.report(&self.fixups[0]);
        report.expect("it was decided here")
    }
}

fn wide(value: i64) -> [Insn; 2] {
    let first = Insn::new(LD_IMM64, 1, 0, 0, value as i32);
    [first, Insn::new(0, 0, 0, 0, (value >> 32) as i32)]
}

/// r1 = value
fn mov(value: i32) -> Insn {
    Insn::new(ALU64 | 0xb0, 1, 0, 0, value)
}

/// r1 = *(size *)(r2 + off)
fn load(size: u8, off: i16) -> Insn {
    Insn::new(LDX | MODE_MEM | size, 1, 2, off, 0)
}

fn poison() -> Insn {
    Insn::new(CALL, 0, 0, 0, POISON_HELPER)
}

/// `struct NAME { unsigned int a, b, …; }` of the given fields, in a row.
fn words(b: &mut BtfBuilder, name: &str, fields: &[&str]) -> u32 {
    let int = b.int("unsigned int", 4, UNSIGNED);
    let fields: Vec<Field<'_>> = (0u32..)
        .zip(fields)
        .map(|(index, name)| field(name, int, index * 4))
        .collect();
    b.structure(name, fields.len() as u32 * 4, &fields)
}
