//! Tables of indirect jumps: from offsets in a section to slots of the program.

use crate::elf::{JumpTarget, Object, TableRange};
use crate::insn::INSN_SIZE;
use crate::link::LinkError;
use crate::link::budget::Budget;
use crate::link::functions::{Function, FunctionId};
use crate::link::program::ProgramJumpTable;
use crate::link::reference::JUMP_TABLES;
use crate::lookup::Lookup;
use crate::name::Name;

/// Bytes of a table besides its entries, roughly.
const PER_TABLE: u64 = 128;

/// The tables of one program, each once for each function that jumps by it.
#[derive(Default)]
pub(super) struct Tables {
    list: Vec<ProgramJumpTable>,
    known: Lookup<(FunctionId, TableRange), u32>,
    /// The slots that are the second half of a 64-bit load, of the function looked at last.
    seconds: Option<(FunctionId, Vec<u32>)>,
}

/// A function as it stands in the program.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub id: FunctionId,
    pub function: &'a Function,
    /// Its first slot in the program.
    pub start: u32,
}

impl Tables {
    /// The number of the table that the instruction at `slot` loads.
    pub fn number(
        &mut self,
        object: &Object,
        placed: Placed<'_>,
        slot: u32,
        range: TableRange,
        budget: &mut Budget,
    ) -> Result<u32, LinkError> {
        let number = match self.known.get(&(placed.id, range)) {
            Some(&number) => number,
            None => self.add(object, placed, range, budget)?,
        };
        if let Some(table) = self.list.get_mut(number as usize) {
            table.insns.push(slot);
        }
        Ok(number)
    }

    fn add(
        &mut self,
        object: &Object,
        placed: Placed<'_>,
        range: TableRange,
        budget: &mut Budget,
    ) -> Result<u32, LinkError> {
        let entries = object.jump_tables().entries(range);
        budget.take(PER_TABLE + size_of_val(entries) as u64)?;
        let named = object.jump_tables().name(range).cloned();
        let name = named.unwrap_or_else(|| Name::from(JUMP_TABLES));
        let seconds = self.seconds(object, placed);
        let target = |(entry, target): (usize, &JumpTarget)| {
            let slot = slot_of(placed, seconds, target);
            slot.map_err(|why| LinkError::JumpTarget {
                table: name.clone(),
                entry,
                section: section(object, placed, target),
                offset: target.offset,
                why,
            })
        };
        let targets = entries.iter().enumerate().map(target);
        let targets = targets.collect::<Result<Vec<u32>, LinkError>>()?;
        // Each takes an instruction of the program: their number fits.
        let number = self.list.len() as u32;
        self.list.push(ProgramJumpTable {
            name,
            targets,
            insns: Vec::new(),
        });
        self.known.insert((placed.id, range), number);
        Ok(number)
    }

    fn seconds(&mut self, object: &Object, placed: Placed<'_>) -> &[u32] {
        if !matches!(&self.seconds, Some((id, _)) if *id == placed.id) {
            let mut insns = (0u32..).zip(placed.function.insns(object));
            let mut found = Vec::new();
            while let Some((_, insn)) = insns.next() {
                if insn.is_ld_imm64() {
                    found.extend(insns.next().map(|(second, _)| second));
                }
            }
            self.seconds = Some((placed.id, found));
        }
        self.seconds.as_ref().map_or(&[], |(_, slots)| slots)
    }

    /// The tables in the order of their first use.
    pub fn into_list(self) -> Vec<ProgramJumpTable> {
        self.list
    }
}

/// The slot of the program that an entry leads to. The kernel takes jumps inside of one
/// function alone, to where an instruction starts.
fn slot_of(placed: Placed<'_>, seconds: &[u32], target: &JumpTarget) -> Result<u32, &'static str> {
    let Placed {
        function, start, ..
    } = placed;
    let own = function.address.stream;
    let size = INSN_SIZE as u64;
    if !target.offset.is_multiple_of(size) {
        return Err("is no instruction");
    }
    let slot = u32::try_from(target.offset / size).ok();
    let slot = slot.filter(|slot| {
        target.stream.is_none_or(|stream| stream == own) && function.slots().contains(slot)
    });
    let inside = slot.and_then(|slot| slot.checked_sub(function.address.insn));
    let Some(inside) = inside else {
        return Err("lies outside of the function that jumps");
    };
    if seconds.binary_search(&inside).is_ok() {
        return Err("is the second half of a 64-bit load");
    }
    Ok(start.saturating_add(inside))
}

fn section(object: &Object, placed: Placed<'_>, target: &JumpTarget) -> Name {
    let stream = target.stream.unwrap_or(placed.function.address.stream);
    let stream = object.streams().get(stream as usize);
    stream.map(|s| s.section.clone()).unwrap_or_default()
}
