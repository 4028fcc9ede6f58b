//! Runs linked programs, so that a test can say what a program means and not
//! only which bytes it has: the same source gives the same answer in both byte
//! orders and on every layout of the structs that it reads.
//!
//! Instruction set: Documentation/bpf/standardization/instruction-set.rst. Only
//! what the programs of tests/bpf use; anything else is an error.

#![allow(dead_code)] // Every test binary uses another part of it.

use std::collections::HashMap;

use super::btf::Order;
use super::insn::I;

/// A machine for one program: its code, its memory.
pub struct Vm {
    order: Order,
    code: Vec<I>,
    /// First address and contents of each piece of memory.
    regions: Vec<(u64, Vec<u8>)>,
    /// What a 64-bit load in a slot gives, where a loader would fill it.
    filled: HashMap<usize, u64>,
    steps: u32,
}

const FRAME: usize = 512;
const FUNCTION: u64 = 0xf000_0000_0000_0000;
const MAX_DEPTH: usize = 16;
const MAX_STEPS: u32 = 100_000;

impl Vm {
    pub fn new(bytes: &[u8], order: Order) -> Vm {
        Vm {
            order,
            code: decode(bytes, order),
            regions: Vec::new(),
            filled: HashMap::new(),
            steps: 0,
        }
    }

    /// Adds memory and returns its address.
    pub fn memory(&mut self, contents: &[u8]) -> u64 {
        let address = 0x10_0000 * (self.regions.len() as u64 + 1);
        self.regions.push((address, contents.to_vec()));
        address
    }

    /// Lets the 64-bit load in `slot` give `value`.
    pub fn fill(&mut self, slot: usize, value: u64) {
        self.filled.insert(slot, value);
    }

    /// Runs the program from its first instruction.
    pub fn run(&mut self, argument: u64) -> Result<u64, String> {
        self.call(0, [argument, 0, 0, 0, 0], 0)
    }

    fn call(&mut self, start: usize, arguments: [u64; 5], depth: usize) -> Result<u64, String> {
        if depth > MAX_DEPTH {
            return Err("calls too deep".into());
        }
        let mut r = [0u64; 11];
        r[1..6].copy_from_slice(&arguments);
        r[10] = self.memory(&[0; FRAME]) + FRAME as u64;
        let mut pc = start;
        loop {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return Err("does not end".into());
            }
            let insn = *self.code.get(pc).ok_or(format!("left the code at {pc}"))?;
            match insn.code {
                0x95 => return Ok(r[0]),
                0x85 => r[0] = self.call_insn(pc, insn, &r, depth)?,
                0x18 => {
                    r[insn.dst as usize] = self.wide(pc, insn);
                    pc += 1;
                }
                _ => self.step(insn, &mut r, &mut pc)?,
            }
            pc += 1;
        }
    }

    fn wide(&self, pc: usize, insn: I) -> u64 {
        match (self.filled.get(&pc), insn.src) {
            (Some(&value), _) => value,
            (None, 4) => FUNCTION | jump(pc, insn.imm.into()) as u64,
            (None, _) => u64::from(self.code[pc + 1].imm as u32) << 32 | u64::from(insn.imm as u32),
        }
    }

    fn call_insn(
        &mut self,
        pc: usize,
        insn: I,
        r: &[u64; 11],
        depth: usize,
    ) -> Result<u64, String> {
        let arguments = [r[1], r[2], r[3], r[4], r[5]];
        match (insn.src, insn.imm) {
            (1, imm) => self.call(jump(pc, imm.into()), arguments, depth + 1),
            (0, 181) => {
                let callback = (r[2] & !FUNCTION) as usize;
                for i in 0..r[1] {
                    self.call(callback, [i, r[3], 0, 0, 0], depth + 1)?;
                }
                Ok(r[1])
            }
            (0, 4 | 113) => {
                for i in 0..r[2] {
                    let byte = self.load(r[3] + i, 1)?;
                    self.store(r[1] + i, 1, byte)?;
                }
                Ok(0)
            }
            (src, imm) => Err(format!("instruction {pc}: call {imm:#x}, src_reg {src}")),
        }
    }

    fn step(&mut self, insn: I, r: &mut [u64; 11], pc: &mut usize) -> Result<(), String> {
        let (dst, src) = (insn.dst as usize, insn.src as usize);
        let size = [4, 2, 1, 8][usize::from(insn.code >> 3 & 3)];
        let at = |base: u64| base.wrapping_add_signed(insn.off.into());
        match insn.code & 7 {
            1 if insn.code & 0xe0 == 0x60 => r[dst] = self.load(at(r[src]), size)?,
            2 => self.store(at(r[dst]), size, insn.imm as u64)?,
            3 if insn.code & 0xe0 == 0x60 => self.store(at(r[dst]), size, r[src])?,
            4 | 7 => {
                let operand = if insn.code & 8 != 0 {
                    r[src]
                } else {
                    insn.imm as u64
                };
                r[dst] = alu(insn.code, r[dst], operand)?;
            }
            5 | 6 => {
                let operand = if insn.code & 8 != 0 {
                    r[src]
                } else {
                    insn.imm as u64
                };
                if taken(insn.code, r[dst], operand)? {
                    *pc = jump(*pc, insn.off.into()) - 1;
                }
            }
            _ => return Err(format!("instruction {pc}: opcode {:#x}", insn.code)),
        }
        Ok(())
    }

    fn bytes_at(&mut self, address: u64, size: usize) -> Result<&mut [u8], String> {
        self.regions
            .iter_mut()
            .find_map(|(start, contents)| {
                let offset = address.checked_sub(*start)? as usize;
                contents.get_mut(offset..offset.checked_add(size)?)
            })
            .ok_or(format!("no memory at {address:#x}"))
    }

    fn load(&mut self, address: u64, size: usize) -> Result<u64, String> {
        let order = self.order;
        let raw = self.bytes_at(address, size)?.iter();
        let shift = |value: u64, &byte: &u8| value << 8 | u64::from(byte);
        Ok(match order {
            Order::Big => raw.fold(0, shift),
            Order::Little => raw.rev().fold(0, shift),
        })
    }

    fn store(&mut self, address: u64, size: usize, value: u64) -> Result<(), String> {
        let order = self.order;
        let to = self.bytes_at(address, size)?;
        match order {
            Order::Little => to.copy_from_slice(&value.to_le_bytes()[..size]),
            Order::Big => to.copy_from_slice(&value.to_be_bytes()[8 - size..]),
        }
        Ok(())
    }
}

/// The slot that a distance from the instruction behind `pc` leads to.
fn jump(pc: usize, distance: i64) -> usize {
    (pc as i64 + 1 + distance) as usize
}

fn alu(code: u8, a: u64, b: u64) -> Result<u64, String> {
    let narrow = code & 7 == 4;
    let (a, b) = if narrow {
        (a & 0xffff_ffff, b & 0xffff_ffff)
    } else {
        (a, b)
    };
    let bits = if narrow { 31 } else { 63 };
    let shift = (b & bits) as u32;
    let value = match code >> 4 {
        0x0 => a.wrapping_add(b),
        0x1 => a.wrapping_sub(b),
        0x2 => a.wrapping_mul(b),
        0x4 => a | b,
        0x5 => a & b,
        0x6 => a << shift,
        0x7 => a >> shift,
        0x8 => a.wrapping_neg(),
        0xa => a ^ b,
        0xb => b,
        0xc if narrow => ((a as i32) >> shift) as u64,
        0xc => ((a as i64) >> shift) as u64,
        op => return Err(format!("ALU operation {op:#x}")),
    };
    Ok(if narrow { value & 0xffff_ffff } else { value })
}

fn taken(code: u8, a: u64, b: u64) -> Result<bool, String> {
    let (a, b) = match code & 7 {
        6 => (a as i32 as u64, b as i32 as u64),
        _ => (a, b),
    };
    let (signed_a, signed_b) = (a as i64, b as i64);
    Ok(match code >> 4 {
        0x0 => true,
        0x1 => a == b,
        0x2 => a > b,
        0x3 => a >= b,
        0x4 => a & b != 0,
        0x5 => a != b,
        0x6 => signed_a > signed_b,
        0x7 => signed_a >= signed_b,
        0xa => a < b,
        0xb => a <= b,
        0xc => signed_a < signed_b,
        0xd => signed_a <= signed_b,
        op => return Err(format!("jump operation {op:#x}")),
    })
}

/// Reads a stream back into slots.
pub fn decode(bytes: &[u8], order: Order) -> Vec<I> {
    assert_eq!(bytes.len() % 8, 0, "a stream is whole slots");
    let slots = bytes.chunks_exact(8).map(|raw| {
        let (off, imm) = ([raw[2], raw[3]], [raw[4], raw[5], raw[6], raw[7]]);
        let (high, low) = (raw[1] >> 4, raw[1] & 15);
        match order {
            Order::Little => {
                let (off, imm) = (i16::from_le_bytes(off), i32::from_le_bytes(imm));
                I::new(raw[0], low, high, off, imm)
            }
            Order::Big => {
                let (off, imm) = (i16::from_be_bytes(off), i32::from_be_bytes(imm));
                I::new(raw[0], high, low, off, imm)
            }
        }
    });
    slots.collect()
}
