//! BPF instructions as text, in the syntax that clang's assembler reads.
//!
//! One file per group of instruction classes: [`alu`], [`memory`], [`jump`]. What
//! a number means to the reader (a jump's target, a helper, a map) is the
//! caller's, who answers through [`Operands`].

mod alu;
mod helpers;
mod jump;
mod memory;

pub use helpers::helper_name;

use bpflink::insn::Insn;
use bpflink::insn::opcode::{ALU, ALU64, CLASS_MASK, JMP, JMP32};

/// How the operands are shown that only mean something in their program.
pub trait Operands {
    /// A jump's target; `distance` counts in slots from behind the jump.
    fn jump(&self, distance: i32) -> String;
    /// What a `call` by number calls.
    fn call(&self, insn: Insn) -> String;
    /// What an `ld_imm64` loads: its first slot, and the 64 bits of both.
    fn wide(&self, first: Insn, value: u64) -> String;
}

/// One instruction as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The instruction; no line end, no comment.
    pub text: String,
    /// How many slots it takes: 2 for an `ld_imm64`, else 1.
    pub slots: usize,
}

/// The first instruction of `insns`; `None` where there is none.
pub fn disassemble(insns: &[Insn], operands: &impl Operands) -> Option<Text> {
    let (&insn, rest) = insns.split_first()?;
    if insn.is_ld_imm64()
        && let Some(text) = rest
            .first()
            .and_then(|&second| memory::wide(insn, second, operands))
    {
        return Some(Text { text, slots: 2 });
    }
    let text = match insn.code & CLASS_MASK {
        ALU | ALU64 => alu::text(insn),
        JMP | JMP32 => jump::text(insn, operands),
        _ => memory::text(insn),
    };
    Some(Text {
        text: text.unwrap_or_else(|| unknown(insn)),
        slots: 1,
    })
}

/// An instruction that the instruction set does not have: its fields.
fn unknown(insn: Insn) -> String {
    format!(
        "unknown instruction: code {:#04x}, dst {}, src {}, off {}, imm {}",
        insn.code,
        insn.dst(),
        insn.src(),
        insn.off,
        insn.imm
    )
}

/// A register by its name: `r` for all 64 bits, `w` for the lower half.
fn register(wide: bool, number: u8) -> String {
    format!("{}{number}", if wide { 'r' } else { 'w' })
}
