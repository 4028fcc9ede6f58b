//! What instructions refer to: ELF relocations, and calls that need none.
//!
//! Types: llvm/docs and Documentation/bpf/llvm_reloc.rst of the kernel. Where an
//! instruction refers to a section plus an offset, its immediate holds the rest.

use super::fault::{Fault, Result, malformed, unsupported};
use super::file::{ElfFile, ElfSymbol, Place, Relocation, Section};
use super::symbols::slots;
use super::targets::{Home, Targets};
use super::{Defect, FunctionAddress, Reference, ReferenceTarget, Stream, Symbol};
use crate::insn::{INSN_SIZE, Insn};
use crate::order;

const R_BPF_NONE: u32 = 0;
const R_BPF_64_64: u32 = 1;
const R_BPF_64_ABS64: u32 = 2;
const R_BPF_64_ABS32: u32 = 3;
const R_BPF_64_NODYLD32: u32 = 4;
const R_BPF_64_32: u32 = 10;

/// What pointers in data have; LLVM before 13 knew no type of their own for them.
pub(super) const POINTERS: [u32; 2] = [R_BPF_64_64, R_BPF_64_ABS64];

/// What the relocations of a section say about its instructions.
#[derive(Default)]
pub(super) struct Relocated {
    /// Sorted by instruction, at most one each.
    pub(super) references: Vec<Reference>,
    /// Relocations that cannot be honoured: those who need them cannot be linked.
    pub(super) defects: Vec<Defect>,
}

/// All references of a stream.
pub(super) fn relocate(
    file: &ElfFile<'_>,
    targets: &Targets,
    section: &Section<'_>,
    stream: &Stream,
    index: u32,
) -> Result<Relocated> {
    let mut found = Relocated::default();
    for table in file.relocations_of(section.index) {
        for relocation in file.entries(table)? {
            if relocation.kind == R_BPF_NONE {
                continue;
            }
            let at = |fault: Fault| fault.record(relocation.number).section(&section.name);
            let slot = slot(stream, &relocation).map_err(at)?;
            // What is left of an overridden weak function refers to nothing any more.
            if !covered(&stream.symbols, slot) {
                continue;
            }
            match target(file, targets, stream, slot, &relocation) {
                Ok(target) => found.references.push(Reference { insn: slot, target }),
                Err(fault) => found
                    .defects
                    .push(fault.record(relocation.number).defect(slot)),
            }
        }
    }
    order::by_number(&mut found.references, |reference| reference.insn);
    found.drop_doubles();
    add_local_calls(stream, index, &mut found);
    Ok(found)
}

/// Defects of a stream that are told in full: names may be long, and a hostile
/// file may have as many relocations as it likes.
const MAX_TOLD: usize = 256;

impl Relocated {
    fn add_defect(&mut self, fault: Fault, slot: u32) {
        let fault = match self.defects.len() < MAX_TOLD {
            true => fault,
            false => malformed("a relocation that cannot be honoured, one of many"),
        };
        self.defects.push(fault.defect(slot));
    }

    /// Of two relocations for one instruction nobody knows which one is meant.
    fn drop_doubles(&mut self) {
        let defects = &mut self.defects;
        self.references.dedup_by(|next, kept| {
            let same = next.insn == kept.insn;
            if same {
                defects.push(malformed("two relocations for one instruction").defect(next.insn));
            }
            same
        });
    }
}

/// The instruction that a relocation is for.
fn slot(stream: &Stream, relocation: &Relocation) -> Result<u32> {
    slots(relocation.offset)
        .filter(|&slot| (slot as usize) < stream.insns.len())
        .ok_or_else(|| {
            malformed(format!(
                "a relocation at offset {}, which is no instruction of the section's {} bytes",
                relocation.offset,
                stream.insns.len().saturating_mul(INSN_SIZE)
            ))
        })
}

/// Whether a function covers a slot; one without a size reaches to the next one.
fn covered(symbols: &[Symbol], slot: u32) -> bool {
    let after = symbols.partition_point(|symbol| symbol.start <= slot);
    let last = after.checked_sub(1).and_then(|index| symbols.get(index));
    last.is_some_and(|symbol| {
        symbol
            .len
            .is_none_or(|len| slot.saturating_sub(symbol.start) < len)
    })
}

/// What the instruction at `slot` refers to.
fn target(
    file: &ElfFile<'_>,
    targets: &Targets,
    stream: &Stream,
    slot: u32,
    relocation: &Relocation,
) -> Result<ReferenceTarget> {
    let insn = insn_at(stream, slot).ok_or_else(|| malformed("no instruction"))?;
    check_kind(insn, relocation.kind)?;
    let symbol = file
        .symbol(relocation.symbol)
        .ok_or_else(|| malformed(format!("no symbol number {}", relocation.symbol)))?;
    symbol_target(file, targets, insn, symbol, relocation.symbol)
        .map_err(|fault| fault.symbol(&file.symbol_name(symbol)))
}

fn insn_at(stream: &Stream, slot: u32) -> Option<Insn> {
    stream.insns.get(slot as usize).copied()
}

/// Calls and 64-bit loads have one type of relocation each.
fn check_kind(insn: Insn, kind: u32) -> Result<()> {
    let expected = match insn {
        insn if insn.is_call() => R_BPF_64_32,
        insn if insn.is_ld_imm64() => R_BPF_64_64,
        _ => {
            return Err(malformed(format!(
                "a relocation for an instruction with opcode {:#04x}, which is neither a call nor a 64-bit load",
                insn.code
            )));
        }
    };
    match kind {
        _ if kind == expected => Ok(()),
        R_BPF_64_64 | R_BPF_64_ABS64 | R_BPF_64_ABS32 | R_BPF_64_NODYLD32 | R_BPF_64_32 => {
            Err(malformed(format!(
                "a relocation of type {kind} for an instruction with opcode {:#04x}, which takes type {expected}",
                insn.code
            )))
        }
        _ => Err(unsupported(format!(
            "a relocation of type {kind}, which BPF does not have"
        ))),
    }
}

fn symbol_target(
    file: &ElfFile<'_>,
    targets: &Targets,
    insn: Insn,
    symbol: &ElfSymbol<'_>,
    symbol_index: u32,
) -> Result<ReferenceTarget> {
    let section = match symbol.place {
        Place::Section(section) => section,
        Place::Undefined => {
            let index = targets
                .extern_of(symbol_index)
                .ok_or_else(|| malformed("an undefined symbol that is local or has no name"))?;
            let addend = if insn.is_call() {
                0
            } else {
                i64::from(insn.imm)
            };
            return Ok(ReferenceTarget::Extern { index, addend });
        }
        Place::Common => {
            return Err(unsupported(
                "a common symbol: the global variable is declared, but not initialized",
            ));
        }
        Place::Special => return Err(unsupported("a symbol that lies in no section")),
    };
    let offset = offset(insn, symbol)?;
    match (targets.home(section), insn.is_call()) {
        (Home::Stream(stream), _) => function(file, section, stream, offset),
        (_, true) => Err(malformed("a call to something that is no function")),
        (Home::Value(map), _) => Ok(ReferenceTarget::MapValue {
            map,
            // As in the instruction: what lies outside of the value is the verifier's to refuse.
            offset: offset as u32,
        }),
        (Home::Maps, _) => u64::try_from(offset)
            .ok()
            .and_then(|offset| targets.map_at(section, offset))
            .map(ReferenceTarget::Map)
            .ok_or_else(|| malformed(format!("no map is defined at offset {offset}"))),
        (Home::JumpTables, _) => {
            let Some(section) = file.section(section) else {
                return Err(malformed("no section"));
            };
            let (table, offset) = targets.jump_tables.at(symbol, section, offset)?;
            Ok(ReferenceTarget::JumpTable { table, offset })
        }
        (Home::Arenas(count), _) => Err(no_arena(count)),
        (Home::Nothing, _) => {
            let name = file.section(section).map(|s| s.name.clone());
            Err(unsupported(format!(
                "a reference into section {}, which is neither code nor data of a program",
                name.unwrap_or_default()
            )))
        }
    }
}

/// Variables of an arena need one to lie in, and the kernel gives a program one at most.
fn no_arena(count: usize) -> Fault {
    match count {
        0 => malformed("a variable of the arena, but .maps defines no map of type arena"),
        _ => unsupported(format!(
            "a variable of the arena, but .maps defines {count} maps of type arena"
        )),
    }
}

/// Where the instruction points in the section of its symbol, bytes. The
/// immediate of a call counts instructions from the next one, so that -1 is
/// the symbol itself; that of a load counts bytes.
fn offset(insn: Insn, symbol: &ElfSymbol<'_>) -> Result<i64> {
    let imm = i64::from(insn.imm);
    let addend = match insn.is_call() {
        true => imm.saturating_add(1).saturating_mul(INSN_SIZE as i64),
        false => imm,
    };
    i64::try_from(symbol.value)
        .ok()
        .and_then(|value| value.checked_add(addend))
        .ok_or_else(|| malformed(format!("the symbol's value {} overflows", symbol.value)))
}

fn function(file: &ElfFile<'_>, section: u32, stream: u32, offset: i64) -> Result<ReferenceTarget> {
    let (size, name) = file
        .section(section)
        .map(|section| (section.size, section.name.clone()))
        .unwrap_or_default();
    let insn = u64::try_from(offset)
        .ok()
        .filter(|&offset| offset < size)
        .and_then(slots);
    match insn {
        Some(insn) => Ok(ReferenceTarget::Function(FunctionAddress { stream, insn })),
        None => Err(malformed(format!(
            "a function at offset {offset} of section {name}, which is no instruction of its {size} bytes"
        ))),
    }
}

/// LLVM before 10 resolved calls inside a section itself and left no relocation:
/// such a call's immediate is the distance from the next instruction.
pub(super) fn add_local_calls(stream: &Stream, index: u32, found: &mut Relocated) {
    let unresolved = |&(slot, insn): &(u32, &Insn)| {
        let refers = insn.is_pseudo_call() || insn.is_pseudo_func();
        let known = |references: &[Reference]| {
            let found = references.binary_search_by_key(&slot, |reference| reference.insn);
            found.is_ok()
        };
        refers && !known(&found.references)
    };
    let calls: Vec<(u32, &Insn)> = (0u32..).zip(&stream.insns).filter(unresolved).collect();
    if !calls.is_empty() {
        let mut taken: Vec<u32> = found.defects.iter().map(|defect| defect.insn).collect();
        taken.extend(second_slots(stream));
        order::by_number(&mut taken, |&slot| slot);
        for (slot, insn) in calls {
            if taken.binary_search(&slot).is_ok() || !covered(&stream.symbols, slot) {
                continue;
            }
            match local_reference(stream, index, slot, *insn) {
                Ok(reference) => found.references.push(reference),
                Err(fault) => found.add_defect(fault, slot),
            }
        }
        order::by_number(&mut found.references, |reference| reference.insn);
    }
    order::by_number(&mut found.defects, |defect| defect.insn);
}

/// The slots that are the second half of a 64-bit load, sorted. A function starts
/// with an instruction, whatever stands before it.
pub(super) fn second_slots(stream: &Stream) -> Vec<u32> {
    let mut slots = Vec::new();
    let mut starts = stream.symbols.iter().map(|symbol| symbol.start).peekable();
    let mut second = false;
    for (slot, insn) in (0u32..).zip(&stream.insns) {
        while starts.next_if_eq(&slot).is_some() {
            second = false;
        }
        if std::mem::take(&mut second) {
            slots.push(slot);
        } else {
            second = insn.is_ld_imm64();
        }
    }
    slots
}

fn local_reference(stream: &Stream, index: u32, slot: u32, insn: Insn) -> Result<Reference> {
    let target = i64::from(slot) + i64::from(insn.imm) + 1;
    let target = usize::try_from(target)
        .ok()
        .filter(|&target| target < stream.insns.len());
    match target {
        Some(target) => Ok(Reference {
            insn: slot,
            target: ReferenceTarget::Function(FunctionAddress {
                stream: index,
                insn: target as u32,
            }),
        }),
        None => Err(malformed(format!(
            "a call of {} instructions from here, which leaves the section",
            insn.imm
        ))),
    }
}
