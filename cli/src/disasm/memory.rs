//! Loads, stores and atomic operations: classes LD, LDX, ST and STX.

use super::{Operands, register};
use bpflink::insn::Insn;
use bpflink::insn::opcode::*;

/// Mode: legacy packet access at a constant offset.
const MODE_ABS: u8 = 0x20;
/// Mode: the same, plus a register.
const MODE_IND: u8 = 0x40;

/// Bit of an atomic operation's `imm`: the old value comes back.
const FETCH: i32 = 0x01;
const XCHG: i32 = 0xe0 | FETCH;
const CMPXCHG: i32 = 0xf0 | FETCH;
const LOAD_ACQUIRE: i32 = 0x100;
const STORE_RELEASE: i32 = 0x110;

pub(super) fn text(insn: Insn) -> Option<String> {
    let mode = insn.code & MODE_MASK;
    let unsigned = size(insn, 'u');
    match (insn.class(), mode) {
        (LD, MODE_ABS | MODE_IND) => packet(insn, mode),
        (LDX, MODE_MEM) => Some(load(insn, &unsigned, is_wide(insn))),
        // It extends the sign to all 64 bits.
        (LDX, MODE_MEMSX) if !is_wide(insn) => Some(load(insn, &size(insn, 's'), true)),
        (ST, MODE_MEM) => Some(format!(
            "{} = {}",
            memory(&unsigned, insn.dst(), insn.off),
            insn.imm
        )),
        (STX, MODE_MEM) => Some(format!(
            "{} = {}",
            memory(&unsigned, insn.dst(), insn.off),
            register(is_wide(insn), insn.src())
        )),
        (STX, MODE_ATOMIC) => atomic(insn, &unsigned),
        _ => None,
    }
}

/// An `ld_imm64`, of which only the immediate of the second slot counts.
pub(super) fn wide(first: Insn, second: Insn, operands: &impl Operands) -> Option<String> {
    let plain = second.code == 0 && second.dst() == 0 && second.src() == 0 && second.off == 0;
    let value = u64::from(second.imm as u32) << 32 | u64::from(first.imm as u32);
    (plain && first.off == 0)
        .then(|| format!("r{} = {} ll", first.dst(), operands.wide(first, value)))
}

/// The access's width, with its sign: `u8` to `u64`, `s8` to `s32`.
fn size(insn: Insn, sign: char) -> String {
    let bits = match insn.code & SIZE_MASK {
        SIZE_B => 8,
        SIZE_H => 16,
        SIZE_W => 32,
        _ => 64,
    };
    format!("{sign}{bits}")
}

fn address(base: u8, off: i16) -> String {
    let sign = if off < 0 { '-' } else { '+' };
    format!("r{base} {sign} {}", off.unsigned_abs())
}

fn memory(size: &str, base: u8, off: i16) -> String {
    format!("*({size} *)({})", address(base, off))
}

fn is_wide(insn: Insn) -> bool {
    insn.code & SIZE_MASK == SIZE_DW
}

fn load(insn: Insn, size: &str, wide: bool) -> String {
    let dst = register(wide, insn.dst());
    format!("{dst} = {}", memory(size, insn.src(), insn.off))
}

fn packet(insn: Insn, mode: u8) -> Option<String> {
    if is_wide(insn) {
        return None;
    }
    let size = size(insn, 'u');
    Some(match mode {
        MODE_IND if insn.imm != 0 => format!("r0 = *({size} *)skb[r{} + {}]", insn.src(), insn.imm),
        MODE_IND => format!("r0 = *({size} *)skb[r{}]", insn.src()),
        _ => format!("r0 = *({size} *)skb[{}]", insn.imm),
    })
}

fn atomic(insn: Insn, size: &str) -> Option<String> {
    let wide = is_wide(insn);
    let at = address(insn.dst(), insn.off);
    match insn.imm {
        LOAD_ACQUIRE => {
            let from = address(insn.src(), insn.off);
            let dst = register(wide, insn.dst());
            return Some(format!("{dst} = load_acquire(({size} *)({from}))"));
        }
        STORE_RELEASE => {
            let src = register(wide, insn.src());
            return Some(format!("store_release(({size} *)({at}), {src})"));
        }
        // The operations below come in four and eight bytes only.
        _ if insn.code & SIZE_MASK != SIZE_W && !wide => return None,
        _ => {}
    }
    let src = register(wide, insn.src());
    let suffix = if wide { "_64" } else { "32_32" };
    match insn.imm {
        XCHG => Some(format!("{src} = xchg{suffix}({at}, {src})")),
        CMPXCHG => {
            let expected = register(wide, 0);
            Some(format!(
                "{expected} = cmpxchg{suffix}({at}, {expected}, {src})"
            ))
        }
        imm => {
            let (name, operator) = atomic_operation(imm & !FETCH)?;
            Some(match imm & FETCH {
                0 => format!("lock *({size} *)({at}) {operator} {src}"),
                _ => format!("{src} = atomic_fetch_{name}(({size} *)({at}), {src})"),
            })
        }
    }
}

fn atomic_operation(operation: i32) -> Option<(&'static str, &'static str)> {
    Some(match operation {
        0x00 => ("add", "+="),
        0x40 => ("or", "|="),
        0x50 => ("and", "&="),
        0xa0 => ("xor", "^="),
        _ => return None,
    })
}
