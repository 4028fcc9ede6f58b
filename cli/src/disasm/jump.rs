//! Jumps, calls and exit: classes JMP and JMP32.

use super::{Operands, register};
use bpflink::insn::Insn;
use bpflink::insn::opcode::*;

/// Jump operation: `may_goto`, a bounded loop's way out.
const OP_JCOND: u8 = 0xe0;
/// `src_reg` of a [`OP_JCOND`] that is a `may_goto`.
const MAY_GOTO: u8 = 0;

pub(super) fn text(insn: Insn, operands: &impl Operands) -> Option<String> {
    let wide = insn.class() == JMP;
    let by_register = insn.code & SRC_REG != 0;
    let near = || operands.jump(insn.off.into());
    match (insn.code & OP_MASK, wide, by_register) {
        (OP_JA, true, false) => Some(format!("goto {}", near())),
        (OP_JA, false, false) => Some(format!("gotol {}", operands.jump(insn.imm))),
        (OP_JA, true, true) => Some(format!("gotox r{}", insn.dst())),
        (OP_CALL, true, false) => Some(format!("call {}", operands.call(insn))),
        (OP_CALL, true, true) => Some(format!("callx r{}", insn.dst())),
        (OP_EXIT, true, false) => Some("exit".to_owned()),
        (OP_JCOND, true, false) if insn.src() == MAY_GOTO => Some(format!("may_goto {}", near())),
        (op, ..) => {
            let relation = relation(op)?;
            let left = register(wide, insn.dst());
            let right = match by_register {
                true => register(wide, insn.src()),
                false => insn.imm.to_string(),
            };
            Some(format!("if {left} {relation} {right} goto {}", near()))
        }
    }
}

fn relation(op: u8) -> Option<&'static str> {
    Some(match op {
        0x10 => "==",
        0x20 => ">",
        0x30 => ">=",
        0x40 => "&",
        0x50 => "!=",
        0x60 => "s>",
        0x70 => "s>=",
        0xa0 => "<",
        0xb0 => "<=",
        0xc0 => "s<",
        0xd0 => "s<=",
        _ => return None,
    })
}
