//! Arithmetic: classes ALU (32 bits) and ALU64.

use super::register;
use bpflink::insn::Insn;
use bpflink::insn::opcode::{ALU64, OP_END, OP_MASK, SRC_REG};

const OP_DIV: u8 = 0x30;
const OP_NEG: u8 = 0x80;
const OP_MOD: u8 = 0x90;
const OP_MOV: u8 = 0xb0;

/// `off` of a signed division or modulo.
const SIGNED: i16 = 1;
/// `off` of a move between address spaces, which `imm` names.
const ADDR_SPACE_CAST: i16 = 1;

pub(super) fn text(insn: Insn) -> Option<String> {
    let wide = insn.class() == ALU64;
    let dst = register(wide, insn.dst());
    let by_register = insn.code & SRC_REG != 0;
    let source = match by_register {
        true => register(wide, insn.src()),
        false => insn.imm.to_string(),
    };
    match (insn.code & OP_MASK, insn.off) {
        (OP_END, 0) => byte_swap(insn, by_register),
        (OP_NEG, 0) if !by_register => Some(format!("{dst} = -{dst}")),
        (OP_MOV, 0) => Some(format!("{dst} = {source}")),
        (OP_MOV, off) if by_register => special_move(insn, off, &dst, &source),
        (OP_DIV, SIGNED) => Some(format!("{dst} s/= {source}")),
        (OP_MOD, SIGNED) => Some(format!("{dst} s%= {source}")),
        (op, 0) => Some(format!("{dst} {} {source}", assignment(op)?)),
        _ => None,
    }
}

fn assignment(op: u8) -> Option<&'static str> {
    Some(match op {
        0x00 => "+=",
        0x10 => "-=",
        0x20 => "*=",
        OP_DIV => "/=",
        0x40 => "|=",
        0x50 => "&=",
        0x60 => "<<=",
        0x70 => ">>=",
        OP_MOD => "%=",
        0xa0 => "^=",
        0xc0 => "s>>=",
        _ => return None,
    })
}

/// A move that extends the sign, or that casts between address spaces.
fn special_move(insn: Insn, off: i16, dst: &str, src: &str) -> Option<String> {
    let wide = insn.class() == ALU64;
    match off {
        8 | 16 => Some(format!("{dst} = (s{off}){src}")),
        32 if wide => Some(format!("{dst} = (s{off}){src}")),
        ADDR_SPACE_CAST if wide => Some(format!(
            "{dst} = addr_space_cast({src}, {}, {})",
            insn.imm as u32 >> 16,
            insn.imm as u32 & 0xffff
        )),
        _ => None,
    }
}

/// In class ALU the source bit says to which byte order; in ALU64 the swap is
/// unconditional, and the bit is reserved.
fn byte_swap(insn: Insn, source_bit: bool) -> Option<String> {
    let what = match (insn.class() == ALU64, source_bit) {
        (false, false) => "le",
        (false, true) => "be",
        (true, false) => "bswap",
        (true, true) => return None,
    };
    let dst = register(true, insn.dst());
    matches!(insn.imm, 16 | 32 | 64).then(|| format!("{dst} = {what}{} {dst}", insn.imm))
}
