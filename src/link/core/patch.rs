//! How is the value written into the instruction?

use super::CoreFault;
use super::calc::{Check, Memory, MemoryClass, Value};
use crate::insn::Insn;
use crate::insn::opcode::*;

/// The helper that a poisoned instruction calls, 0xbad2310 ("bad relo"): the
/// verifier's `invalid func unknown#195896080` is what users search for.
pub const POISON_HELPER: i32 = 195_896_080;

const POISON: Insn = Insn::new(CALL, 0, 0, 0, POISON_HELPER);

/// Operations of MODE_ATOMIC that exist in all widths.
const LOAD_ACQUIRE: i32 = 0x100;
const STORE_RELEASE: i32 = 0x110;

/// The value in an instruction that a relocation replaces.
pub(super) struct Operand {
    first: Insn,
    second: Option<Insn>,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The offset of a load or store.
    Offset,
    /// The immediate of an arithmetic instruction.
    Immediate,
    /// The two immediates of an `ld_imm64`.
    Wide,
}

/// An instruction with its new value, or poison.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rewritten {
    pub first: Insn,
    pub second: Option<Insn>,
}

/// Why a load or store must not be made to read the target's field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum WidthFault {
    /// One of the fields is a bitfield, the other one is not.
    Bitfield,
    /// One of the fields is neither an unsigned integer nor a pointer.
    NotExtensible { local: u64, target: u64 },
    /// The instruction does not access the field as a whole.
    Partial { access: u64, field: u64 },
    /// No instruction has that width.
    NoSuchWidth { target: u64 },
    /// A sign-extending load.
    SignExtending,
    /// An atomic operation of less than four bytes.
    Atomic { target: u64 },
    /// The upper bytes of a negative immediate depend on the width.
    NegativeStore,
}

impl Operand {
    /// The operand of the instruction at slot `at` of a function.
    pub(super) fn of(insns: &[Insn], at: usize) -> Result<Operand, CoreFault> {
        let before = at.checked_sub(1).and_then(|slot| insns.get(slot));
        let (first, rest) = match insns.get(at..).and_then(<[Insn]>::split_first) {
            Some((first, rest)) => (*first, rest),
            None => return Err(CoreFault::WideForm),
        };
        if before.is_some_and(|insn| insn.is_ld_imm64()) {
            return Err(CoreFault::SecondSlot);
        }
        let Some(place) = place(first) else {
            return Err(CoreFault::NotPatchable { code: first.code });
        };
        let second = match place {
            Place::Wide => Some(second_slot(first, rest)?),
            _ => None,
        };
        Ok(Operand {
            first,
            second,
            place,
        })
    }

    /// The value as it stands.
    #[inline(always)]
    pub(super) fn value(&self) -> i64 {
        value(self.first, self.second, self.place)
    }

    /// Whether the compiler and the object's BTF mean the same.
    pub(super) fn check(&self, local: &Value) -> Result<(), CoreFault> {
        let (found, expected) = (self.value(), local.bits as i64);
        let agrees = match local.check {
            Check::Nothing => true,
            Check::Exact => found == expected,
            Check::LowHalf { .. } => {
                found as u32 == expected as u32 && matches!(found >> 32, 0 | -1)
            }
        };
        match agrees {
            true => Ok(()),
            false => Err(CoreFault::Unexpected { found, expected }),
        }
    }

    /// The call that no kernel accepts, in both slots of an `ld_imm64`.
    pub(super) fn poison(&self) -> Rewritten {
        Rewritten {
            first: POISON,
            second: self.second.map(|_| POISON),
        }
    }

    /// The instruction with the target's value.
    pub(super) fn write(
        &self,
        local: &Value,
        target: &Value,
    ) -> Result<Result<Rewritten, WidthFault>, CoreFault> {
        let (mut first, mut second) = (self.first, self.second);
        match self.place {
            Place::Offset => {
                first.off =
                    i16::try_from(target.bits).map_err(|_| CoreFault::OffsetRange(target.bits))?;
                match self.width(local, target) {
                    Ok(code) => first.code = code,
                    Err(fault) => return Ok(Err(fault)),
                }
            }
            Place::Immediate => first.imm = self.immediate(target)?,
            Place::Wide => {
                let bits = self.extended(local, target);
                first.imm = bits as i32;
                // The form was checked: everything but the immediate is zero.
                second = second.map(|_| Insn::new(0, 0, 0, 0, (bits >> 32) as i32));
            }
        }
        Ok(Ok(Rewritten { first, second }))
    }

    /// The value that `rewritten`, a result of [`Operand::write`], carries.
    pub(super) fn value_in(&self, rewritten: &Rewritten) -> i64 {
        value(rewritten.first, rewritten.second, self.place)
    }

    /// Whether `rewritten` is what already stood there.
    pub(super) fn is_same(&self, rewritten: &Rewritten) -> bool {
        self.first == rewritten.first && self.second == rewritten.second
    }

    fn immediate(&self, target: &Value) -> Result<i32, CoreFault> {
        let value = target.bits as i64;
        // What a 32-bit operation, or the value of a 32-bit enum, means by its upper half
        // is nobody's business.
        let low_half = matches!(target.check, Check::LowHalf { .. }) || self.first.class() == ALU;
        match i32::try_from(value) {
            Ok(imm) => Ok(imm),
            Err(_) if low_half && u32::try_from(value).is_ok() => Ok(value as i32),
            Err(_) => Err(CoreFault::ImmediateRange(value)),
        }
    }

    /// The value in 64 bits. Of a 32-bit enum whose BTF does not say that it is signed, a
    /// value with the highest bit set is signed if the object says so, or the compiler did.
    fn extended(&self, local: &Value, target: &Value) -> u64 {
        let signed_here =
            matches!(local.check, Check::LowHalf { signed } if signed || self.value() < 0);
        match target.check {
            Check::LowHalf { signed: false } if signed_here => i64::from(target.bits as i32) as u64,
            _ => target.bits,
        }
    }

    /// The opcode of a load or store that is as wide as the target's field.
    fn width(&self, local: &Value, target: &Value) -> Result<u8, WidthFault> {
        let (from, from_class, to, to_class) = match (local.memory, target.memory) {
            (
                Some(Memory::Bytes {
                    size: from,
                    class: a,
                }),
                Some(Memory::Bytes { size: to, class: b }),
            ) if from != to => (from, a, to, b),
            (a, b) if (a == Some(Memory::Bits)) != (b == Some(Memory::Bits)) => {
                return Err(WidthFault::Bitfield);
            }
            _ => return Ok(self.first.code),
        };
        if from_class != to_class || from_class == MemoryClass::Other {
            return Err(WidthFault::NotExtensible {
                local: from,
                target: to,
            });
        }
        self.resize(from, to)
    }

    /// The opcode that accesses `target` bytes where it accessed a field of `field`.
    fn resize(&self, field: u64, target: u64) -> Result<u8, WidthFault> {
        let insn = self.first;
        let access = access_size(insn);
        if access != field {
            return Err(WidthFault::Partial { access, field });
        }
        let size = match target {
            1 => SIZE_B,
            2 => SIZE_H,
            4 => SIZE_W,
            8 => SIZE_DW,
            _ => return Err(WidthFault::NoSuchWidth { target }),
        };
        let any_width = matches!(insn.imm, LOAD_ACQUIRE | STORE_RELEASE);
        match (insn.class(), insn.code & MODE_MASK) {
            (LDX, MODE_MEMSX) => Err(WidthFault::SignExtending),
            (STX, MODE_ATOMIC) if target < 4 && !any_width => Err(WidthFault::Atomic { target }),
            (ST, _) if insn.imm < 0 && target > access => Err(WidthFault::NegativeStore),
            _ => Ok(insn.code & !SIZE_MASK | size),
        }
    }
}

fn place(insn: Insn) -> Option<Place> {
    let (mode, operation) = (insn.code & MODE_MASK, insn.code & OP_MASK);
    match insn.class() {
        LD if insn.is_ld_imm64() => Some(Place::Wide),
        LDX if matches!(mode, MODE_MEM | MODE_MEMSX) => Some(Place::Offset),
        ST if mode == MODE_MEM => Some(Place::Offset),
        STX if matches!(mode, MODE_MEM | MODE_ATOMIC) => Some(Place::Offset),
        // A byte swap's immediate is its width, and a negation has none.
        ALU | ALU64 if insn.code & SRC_REG == 0 && !matches!(operation, OP_END | OP_NEG) => {
            Some(Place::Immediate)
        }
        _ => None,
    }
}

/// The second slot of an `ld_imm64` that loads a number and nothing else.
fn second_slot(first: Insn, rest: &[Insn]) -> Result<Insn, CoreFault> {
    let is_number = |slot: &&Insn| {
        first.src() == 0
            && first.off == 0
            && slot.code == 0
            && slot.dst() == 0
            && slot.src() == 0
            && slot.off == 0
    };
    let second = rest.first().filter(is_number);
    second.copied().ok_or(CoreFault::WideForm)
}

fn value(first: Insn, second: Option<Insn>, place: Place) -> i64 {
    match place {
        Place::Offset => i64::from(first.off),
        Place::Immediate => i64::from(first.imm),
        Place::Wide => {
            let high = second.map_or(0, |slot| slot.imm);
            i64::from(high) << 32 | i64::from(first.imm as u32)
        }
    }
}

fn access_size(insn: Insn) -> u64 {
    match insn.code & SIZE_MASK {
        SIZE_B => 1,
        SIZE_H => 2,
        SIZE_W => 4,
        _ => 8,
    }
}
