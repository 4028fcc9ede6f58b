//! Instructions for tests, by the opcode numbers of the instruction set document.

#![allow(dead_code)] // Every test binary uses another part of it.

use super::btf::Order;

/// One instruction slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct I {
    pub code: u8,
    pub dst: u8,
    pub src: u8,
    pub off: i16,
    pub imm: i32,
}

/// What CO-RE poison is, in hexadecimal 0xbad2310.
pub const POISON: I = call(195_896_080);

impl I {
    pub const fn new(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> I {
        I {
            code,
            dst,
            src,
            off,
            imm,
        }
    }

    /// The eight bytes; the register nibbles change places with the byte order.
    pub fn bytes(self, order: Order) -> [u8; 8] {
        let regs = match order {
            Order::Little => self.src << 4 | self.dst,
            Order::Big => self.dst << 4 | self.src,
        };
        let mut out = [self.code, regs, 0, 0, 0, 0, 0, 0];
        out[2..4].copy_from_slice(&order.u16(self.off as u16));
        out[4..].copy_from_slice(&order.u32(self.imm as u32));
        out
    }

    /// The same with another offset.
    pub const fn off(self, off: i16) -> I {
        I { off, ..self }
    }

    /// The same with another immediate.
    pub const fn imm(self, imm: i32) -> I {
        I { imm, ..self }
    }
}

/// The bytes of a stream.
pub fn bytes(insns: &[I], order: Order) -> Vec<u8> {
    insns.iter().flat_map(|insn| insn.bytes(order)).collect()
}

/// Access sizes, as the size bits of an opcode.
pub const B: u8 = 0x10;
pub const H: u8 = 0x08;
pub const W: u8 = 0x00;
pub const DW: u8 = 0x18;

pub const fn mov(dst: u8, imm: i32) -> I {
    I::new(0xb7, dst, 0, 0, imm)
}

pub const fn mov_reg(dst: u8, src: u8) -> I {
    I::new(0xbf, dst, src, 0, 0)
}

pub const fn mov32(dst: u8, imm: i32) -> I {
    I::new(0xb4, dst, 0, 0, imm)
}

pub const fn add(dst: u8, imm: i32) -> I {
    I::new(0x07, dst, 0, 0, imm)
}

/// `dst = *(size *)(src + off)`.
pub const fn ldx(size: u8, dst: u8, src: u8, off: i16) -> I {
    I::new(0x61 | size, dst, src, off, 0)
}

/// `dst = *(signed size *)(src + off)`.
pub const fn ldxs(size: u8, dst: u8, src: u8, off: i16) -> I {
    I::new(0x81 | size, dst, src, off, 0)
}

/// `*(size *)(dst + off) = imm`.
pub const fn st(size: u8, dst: u8, off: i16, imm: i32) -> I {
    I::new(0x62 | size, dst, 0, off, imm)
}

/// `*(size *)(dst + off) = src`.
pub const fn stx(size: u8, dst: u8, src: u8, off: i16) -> I {
    I::new(0x63 | size, dst, src, off, 0)
}

/// Atomic add of `src` to `*(size *)(dst + off)`.
pub const fn atomic_add(size: u8, dst: u8, src: u8, off: i16) -> I {
    I::new(0xc3 | size, dst, src, off, 0)
}

/// Both slots of a 64-bit immediate load; `src` is the pseudo register.
pub const fn ld64(dst: u8, src: u8, low: i32, high: i32) -> [I; 2] {
    [I::new(0x18, dst, src, 0, low), I::new(0, 0, 0, 0, high)]
}

/// Call of a helper by its number.
pub const fn call(helper: i32) -> I {
    I::new(0x85, 0, 0, 0, helper)
}

/// Call of a function `distance` slots behind the next instruction; -1 as clang leaves it for a relocation.
pub const fn call_fn(distance: i32) -> I {
    I::new(0x85, 0, 1, 0, distance)
}

/// Call of a kernel function by its BTF id.
pub const fn call_kfunc(id: i32, module: i16) -> I {
    I::new(0x85, 0, 2, module, id)
}

pub const fn ja(off: i16) -> I {
    I::new(0x05, 0, 0, off, 0)
}

pub const fn exit() -> I {
    I::new(0x95, 0, 0, 0, 0)
}
