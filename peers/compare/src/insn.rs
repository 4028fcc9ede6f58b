//! Eight bytes as an instruction: just enough to tell references from code and
//! to print a difference.

use std::fmt;

/// `ld_imm64`, the only instruction of two slots.
const LD_IMM64: u8 = 0x18;
/// `call`.
const CALL: u8 = 0x85;
/// Source register of a call between functions of one stream.
const PSEUDO_CALL: u8 = 1;
/// Source register of a call of a kernel function.
const PSEUDO_KFUNC: u8 = 2;
/// Source register of an `ld_imm64` that takes a function's address.
const PSEUDO_FUNC: u8 = 4;
/// What CO-RE poison calls.
pub const CORE_POISON: i32 = 0x0bad_2310;
/// Above every helper's number: a call of this or more is one linker's poison.
const POISON_MIN: i32 = 0x0100_0000;

/// One slot of a stream, in the byte order of the machine that runs this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    /// Operation.
    pub code: u8,
    /// Destination register.
    pub dst: u8,
    /// Source register.
    pub src: u8,
    /// Offset.
    pub off: i16,
    /// Immediate.
    pub imm: i32,
}

impl Insn {
    /// Decodes eight bytes.
    pub fn decode(b: [u8; 8], big_endian: bool) -> Self {
        let off = [b[2], b[3]];
        let imm = [b[4], b[5], b[6], b[7]];
        if big_endian {
            Self {
                code: b[0],
                dst: b[1] >> 4,
                src: b[1] & 15,
                off: i16::from_be_bytes(off),
                imm: i32::from_be_bytes(imm),
            }
        } else {
            Self {
                code: b[0],
                dst: b[1] & 15,
                src: b[1] >> 4,
                off: i16::from_le_bytes(off),
                imm: i32::from_le_bytes(imm),
            }
        }
    }

    /// Is this the first slot of an `ld_imm64`?
    pub fn is_ld_imm64(self) -> bool {
        self.code == LD_IMM64
    }

    /// Does it name another function of the stream, by distance in `imm`?
    pub fn is_local(self) -> bool {
        (self.code == CALL && self.src == PSEUDO_CALL)
            || (self.code == LD_IMM64 && self.src == PSEUDO_FUNC)
    }

    /// A call of a kernel function.
    pub fn is_kfunc_call(self) -> bool {
        self.code == CALL && self.src == PSEUDO_KFUNC
    }

    /// A call that no kernel accepts, by whatever number the linker marks it.
    pub fn is_poison(self) -> bool {
        self.code == CALL && self.src == 0 && self.imm >= POISON_MIN
    }

    /// Poison of an unresolved CO-RE relocation.
    pub fn is_core_poison(self) -> bool {
        self.is_poison() && self.imm == CORE_POISON
    }

    /// A load or store through a register.
    pub fn is_memory(self) -> bool {
        matches!(self.code & 7, 1..=3)
    }

    /// Arithmetic, of 32 or 64 bits.
    pub fn is_alu(self) -> bool {
        matches!(self.code & 7, 4 | 7)
    }
}

impl fmt::Display for Insn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            dst,
            src,
            off,
            imm,
        } = *self;
        let text = match code & 7 {
            _ if self.is_core_poison() => "call <poison>".to_owned(),
            _ if self.is_local() => format!("function at {imm:+}"),
            _ if self.is_kfunc_call() => format!("call kfunc {imm}"),
            _ if code == CALL => format!("call {imm}"),
            _ if code == LD_IMM64 => format!("r{dst} = imm64 low {imm:#x} pseudo {src}"),
            0 if code == 0 => format!("imm64 high {imm:#x}"),
            1 => format!("r{dst} = [r{src}{off:+}]"),
            2 => format!("[r{dst}{off:+}] = {imm}"),
            3 => format!("[r{dst}{off:+}] = r{src}"),
            4 | 7 if code & 8 == 0 => format!("alu r{dst}, {imm} off {off}"),
            4 | 7 => format!("alu r{dst}, r{src} off {off}"),
            _ => format!("jump r{dst}, r{src}, {imm} to {off:+}"),
        };
        write!(f, "{code:02x} {dst:x}{src:x} {off:04x} {imm:08x} ({text})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_decode_alike() {
        let little = Insn::decode([0x7b, 0x1a, 0xf0, 0xff, 1, 0, 0, 0], false);
        let big = Insn::decode([0x7b, 0xa1, 0xff, 0xf0, 0, 0, 0, 1], true);
        assert_eq!(little, big);
        assert_eq!(
            (little.dst, little.src, little.off, little.imm),
            (10, 1, -16, 1)
        );
    }
}
