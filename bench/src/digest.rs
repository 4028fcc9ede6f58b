//! A number for a program's final instructions that every linker must arrive at: the one of
//! `c/digest.c`, where it is explained.

use std::fmt;

const LD_IMM64: u64 = 0x18;
const CALL: u64 = 0x85;
/// `exit` and the two jumps that need no condition.
const ENDS: [u64; 3] = [0x95, 0x05, 0x06];
/// Source registers of LD_IMM64.
const MAP_FD: u64 = 1;
const MAP_VALUE: u64 = 2;
const BTF_ID: u64 = 3;
const FUNC: u64 = 4;
/// Source registers of CALL.
const CALL_FUNC: u64 = 1;
const CALL_KFUNC: u64 = 2;

const IMM: u64 = 0xffff_ffff_0000_0000;
const OFF: u64 = 0x0000_0000_ffff_0000;

/// What was computed for an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    pub sum: u64,
    pub programs: u64,
    pub instructions: u64,
    pub failed: u64,
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Digest {
            sum,
            programs,
            instructions,
            failed,
        } = self;
        write!(f, "{sum:016x} {programs} {instructions} {failed}")
    }
}

impl Digest {
    /// Adds one program's final instructions, each as the number that its eight bytes are on a
    /// little-endian machine.
    pub fn add_words(&mut self, words: impl ExactSizeIterator<Item = u64>) {
        let count = words.len() as u64;
        let (mut sum, mut raw_before, mut before) = (count, 0, 0u64);
        for raw in words {
            let insn = comparable(raw, raw_before);
            sum = sum.wrapping_add(mixed(insn.wrapping_add(1)));
            if !ENDS.contains(&(before & 255)) {
                sum = sum.wrapping_add(mixed(before.wrapping_mul(3) ^ insn));
            }
            before = insn;
            // The second half of a wide instruction has no opcode of its own.
            raw_before = if raw_before & 255 == LD_IMM64 { 0 } else { raw };
        }
        self.sum = self.sum.wrapping_add(mixed(sum));
        self.programs += 1;
        self.instructions += count;
    }
}

fn mixed(x: u64) -> u64 {
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// Without what only a loader fills and without distances between functions.
fn comparable(insn: u64, before: u64) -> u64 {
    let source = |insn: u64| insn >> 12 & 15;
    if before & 255 == LD_IMM64 {
        return match source(before) {
            MAP_FD | BTF_ID => insn & !IMM,
            _ => insn,
        };
    }
    match (insn & 255, source(insn)) {
        (LD_IMM64, MAP_FD | MAP_VALUE | FUNC) | (CALL, CALL_FUNC) => insn & !IMM,
        (CALL, CALL_KFUNC) => insn & !OFF,
        _ => insn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXIT: u64 = 0x95;
    const MOV: u64 = 0xb7;

    fn sum(words: &[u64]) -> u64 {
        let mut digest = Digest::default();
        digest.add_words(words.iter().copied());
        digest.sum
    }

    #[test]
    fn the_order_of_functions_does_not_matter() {
        let (call, one, two) = (CALL | CALL_FUNC << 12, MOV | 1 << 32, MOV | 2 << 32);
        let a = [call | 1 << 32, EXIT, one, EXIT, two, two, EXIT];
        let b = [call | 4 << 32, EXIT, two, two, EXIT, one, EXIT];
        assert_eq!(sum(&a), sum(&b));
    }

    #[test]
    fn what_a_loader_fills_does_not_matter() {
        let map = |fd: u64| sum(&[LD_IMM64 | MAP_FD << 12 | fd << 32, 0, EXIT]);
        assert_eq!(map(0), map(7));
        let value =
            |fd: u64, at: u64| sum(&[LD_IMM64 | MAP_VALUE << 12 | fd << 32, at << 32, EXIT]);
        assert_eq!(value(0, 8), value(7, 8));
        assert_ne!(
            value(0, 8),
            value(0, 16),
            "the place in the map is the linker's"
        );
    }

    #[test]
    fn every_other_bit_matters() {
        let words = [
            MOV | 5 << 32,
            LD_IMM64 | 9 << 32,
            3 << 32,
            CALL | 6 << 32,
            EXIT,
        ];
        for (i, bit) in (0..words.len()).flat_map(|i| (0..64).map(move |bit| (i, bit))) {
            let mut changed = words;
            changed[i] ^= 1 << bit;
            assert_ne!(sum(&words), sum(&changed), "bit {bit} of {i}");
        }
        assert_ne!(
            sum(&[MOV, MOV | 1 << 32, EXIT]),
            sum(&[MOV | 1 << 32, MOV, EXIT])
        );
    }
}
