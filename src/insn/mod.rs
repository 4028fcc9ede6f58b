//! The BPF instruction: its value, its fields, its bytes.
//!
//! Layout: Documentation/bpf/standardization/instruction-set.rst of the kernel.
//! The two register nibbles change places with the byte order.

pub mod opcode;

use crate::bytes::Endian;
use opcode::*;

/// Bytes of one instruction slot; an `ld_imm64` takes two slots.
pub const INSN_SIZE: usize = 8;

/// One instruction slot, decoded: what `struct bpf_insn` holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Insn {
    /// The opcode byte.
    pub code: u8,
    // Source in the high nibble, destination in the low one, whatever the byte order.
    regs: u8,
    /// The signed 16-bit offset.
    pub off: i16,
    /// The signed 32-bit immediate.
    pub imm: i32,
}

impl Insn {
    /// An instruction from its fields; registers keep their low four bits.
    pub const fn new(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Insn {
        Insn {
            code,
            regs: (src & 0xf) << 4 | (dst & 0xf),
            off,
            imm,
        }
    }

    /// The destination register.
    pub const fn dst(self) -> u8 {
        self.regs & 0xf
    }

    /// The source register, or what kind of pseudo value an instruction carries.
    pub const fn src(self) -> u8 {
        self.regs >> 4
    }

    /// Replaces the source register.
    pub const fn set_src(&mut self, src: u8) {
        self.regs = (src & 0xf) << 4 | (self.regs & 0xf);
    }

    /// The instruction class, the low three bits of the opcode.
    pub const fn class(self) -> u8 {
        self.code & CLASS_MASK
    }

    /// Whether this is the first slot of a 64-bit immediate load.
    pub const fn is_ld_imm64(self) -> bool {
        self.code == LD_IMM64
    }

    /// Whether this is a call of any kind (helper, kfunc, bpf-to-bpf), not by register.
    pub const fn is_call(self) -> bool {
        self.code == CALL
    }

    /// Whether this calls a helper by its number.
    pub const fn is_helper_call(self) -> bool {
        self.is_call() && self.src() == 0
    }

    /// Whether this calls a function of the same stream.
    pub const fn is_pseudo_call(self) -> bool {
        self.is_call() && self.src() == PSEUDO_CALL
    }

    /// Whether this loads the address of a function of the same stream.
    pub const fn is_pseudo_func(self) -> bool {
        self.is_ld_imm64() && self.src() == PSEUDO_FUNC
    }

    /// Decodes the eight bytes of one slot.
    #[inline]
    pub fn decode(raw: &[u8; INSN_SIZE], endian: Endian) -> Insn {
        let [code, regs, o0, o1, i0, i1, i2, i3] = *raw;
        match endian {
            Endian::Little => Insn {
                code,
                regs,
                off: i16::from_le_bytes([o0, o1]),
                imm: i32::from_le_bytes([i0, i1, i2, i3]),
            },
            Endian::Big => Insn {
                code,
                regs: regs.rotate_left(4),
                off: i16::from_be_bytes([o0, o1]),
                imm: i32::from_be_bytes([i0, i1, i2, i3]),
            },
        }
    }

    /// The eight bytes of this slot.
    #[inline]
    pub fn encode(self, endian: Endian) -> [u8; INSN_SIZE] {
        let (regs, [o0, o1], [i0, i1, i2, i3]) = match endian {
            Endian::Little => (self.regs, self.off.to_le_bytes(), self.imm.to_le_bytes()),
            Endian::Big => (
                self.regs.rotate_left(4),
                self.off.to_be_bytes(),
                self.imm.to_be_bytes(),
            ),
        };
        [self.code, regs, o0, o1, i0, i1, i2, i3]
    }
}

/// Decodes a whole stream; `None` where its length is no multiple of eight.
pub fn decode_stream(raw: &[u8], endian: Endian) -> Option<Vec<Insn>> {
    let (slots, rest) = raw.as_chunks::<INSN_SIZE>();
    rest.is_empty().then(|| {
        slots
            .iter()
            .map(|slot| Insn::decode(slot, endian))
            .collect()
    })
}

/// Encodes a stream into bytes.
pub fn encode_stream(insns: &[Insn], endian: Endian) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(insns.len().saturating_mul(INSN_SIZE));
    for insn in insns {
        bytes.extend_from_slice(&insn.encode(endian));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_both_byte_orders_to_one_value() {
        // r1 = *(u32 *)(r6 + 16), as clang writes it for bpfel and bpfeb.
        let little = [0x61, 0x61, 0x10, 0x00, 0, 0, 0, 0];
        let big = [0x61, 0x16, 0x00, 0x10, 0, 0, 0, 0];
        let insn = Insn::decode(&little, Endian::Little);
        assert_eq!((insn.dst(), insn.src(), insn.off), (1, 6, 16));
        assert_eq!(insn, Insn::decode(&big, Endian::Big));
        assert_eq!(insn.encode(Endian::Big), big);
        assert_eq!(insn.encode(Endian::Little), little);
    }

    #[test]
    fn a_stream_is_whole_slots() {
        assert!(decode_stream(&[0; 15], Endian::Little).is_none());
        assert_eq!(
            decode_stream(&[0; 16], Endian::Little).map(|s| s.len()),
            Some(2)
        );
    }
}
