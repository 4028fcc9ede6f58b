//! References become offsets and file descriptors.

use super::Job;
use super::arena::Placement;
use super::jump_tables::Placed;
use crate::elf::{FunctionAddress, Reference, ReferenceTarget};
use crate::error::{Error, Result};
use crate::insn::Insn;
use crate::insn::opcode::*;
use crate::link::LinkError;
use crate::link::functions::{Function, FunctionId};
use crate::link::reference::{ProgramReference, references_of};

/// Where each function stands in the program at hand; used again for each program.
#[derive(Default)]
pub(super) struct Positions {
    program: u32,
    of: Vec<(u32, u32)>,
}

impl Positions {
    fn begin<'a>(&mut self, placed: impl Iterator<Item = (u32, FunctionId, &'a Function)>) {
        self.program = match self.program.checked_add(1) {
            Some(next) => next,
            None => {
                self.of.clear();
                1
            }
        };
        for (start, id, _) in placed {
            let id = id as usize;
            if self.of.len() <= id {
                self.of.resize(id + 1, (0, 0));
            }
            if let Some(slot) = self.of.get_mut(id) {
                *slot = (self.program, start);
            }
        }
    }

    fn start_of(&self, id: FunctionId) -> Option<u32> {
        let &(program, start) = self.of.get(id as usize)?;
        (program == self.program).then_some(start)
    }
}

impl Job<'_, '_> {
    /// Writes what is known into `insns`; answers the references to maps and externs.
    pub(super) fn resolve_references(
        &mut self,
        insns: &mut [Insn],
    ) -> Result<Vec<ProgramReference>> {
        let program = self.program;
        let placed = || program.placed().take(self.functions);
        self.positions.begin(placed());
        let mut references = references_of(program, placed());
        let mut listed = references.iter_mut();
        let functions = self.functions;
        for (start, id, function) in program.placed().take(functions) {
            for reference in function.references(&program.object) {
                let within = reference.insn.saturating_sub(function.address.insn);
                let slot = start.saturating_add(within);
                let outcome = match reference.target {
                    ReferenceTarget::Function(address) => self.function(insns, slot, address),
                    _ => match listed.next() {
                        Some(listed) => {
                            let placed = Placed {
                                id,
                                function,
                                start,
                            };
                            self.resolve(insns, slot, placed, reference, listed)
                        }
                        None => Ok(()),
                    },
                };
                outcome.map_err(|error| {
                    Error::new(program.site(Some(function), Some(within)), error)
                })?;
            }
        }
        Ok(references)
    }

    /// A call of a function, or its address, at `slot`.
    fn function(
        &self,
        insns: &mut [Insn],
        slot: u32,
        address: FunctionAddress,
    ) -> Result<(), LinkError> {
        let target = ReferenceTarget::Function(address);
        let (first, second) = self.referring(insns, slot, &target)?;
        first.imm = self.distance(address, slot)?;
        match second {
            Some(second) => {
                first.set_src(PSEUDO_FUNC);
                second.imm = 0;
            }
            None => first.set_src(PSEUDO_CALL),
        }
        Ok(())
    }

    /// Resolves a reference to a map or an extern at `slot`.
    fn resolve(
        &mut self,
        insns: &mut [Insn],
        slot: u32,
        placed: Placed<'_>,
        reference: &Reference,
        listed: &mut ProgramReference,
    ) -> Result<(), LinkError> {
        let (first, second) = self.referring(insns, slot, &reference.target)?;
        match (&reference.target, second) {
            (&ReferenceTarget::Extern { index, addend }, second) => {
                self.resolve_extern((index, addend), first, second, listed)
            }
            (&ReferenceTarget::Map(map), Some(second)) => {
                let fd = self.map_fd(map)?;
                (first.imm, second.imm) = (fd.unwrap_or(0), 0);
                first.set_src(PSEUDO_MAP_FD);
                listed.resolved = fd.is_some();
                Ok(())
            }
            (&ReferenceTarget::MapValue { map, offset }, Some(second)) => {
                let name = || self.program.target_name(&reference.target);
                let offset = Placement::offset(self.placement, map, offset, name)?;
                listed.offset = i64::from(offset);
                let fd = self.map_fd(map)?;
                (first.imm, second.imm) = (fd.unwrap_or(0), offset as i32);
                first.set_src(PSEUDO_MAP_VALUE);
                listed.resolved = fd.is_some();
                Ok(())
            }
            (&ReferenceTarget::JumpTable { table, offset }, Some(second)) => {
                let object = self.program.object.clone();
                let (tables, budget) = (&mut self.tables, &mut *self.table_budget);
                let number = tables.number(&object, placed, slot, table, budget)?;
                (first.imm, second.imm) = (0, offset as i32);
                first.set_src(PSEUDO_MAP_VALUE);
                listed.jump_table = Some(number);
                Ok(())
            }
            (target, _) => Err(self.not_referring(target, *first)),
        }
    }

    /// The instruction at `slot` that refers to something: a call, or both slots of a
    /// load of 64 bits.
    #[inline(always)]
    fn referring<'i>(
        &self,
        insns: &'i mut [Insn],
        slot: u32,
        target: &ReferenceTarget,
    ) -> Result<(&'i mut Insn, Option<&'i mut Insn>), LinkError> {
        let from_slot = insns.get_mut(slot as usize..);
        let Some((first, rest)) = from_slot.and_then(|from| from.split_first_mut()) else {
            return Err(self.not_referring(target, Insn::default()));
        };
        let second = rest.first_mut().filter(|_| first.is_ld_imm64());
        match second.is_some() || first.is_call() {
            true => Ok((first, second)),
            false => Err(self.not_referring(target, *first)),
        }
    }

    fn not_referring(&self, target: &ReferenceTarget, insn: Insn) -> LinkError {
        LinkError::NotReferring {
            name: self.program.target_name(target),
            code: insn.code,
        }
    }

    /// What a call at `slot` adds to reach the function; both lie below 2^31.
    fn distance(&self, address: FunctionAddress, slot: u32) -> Result<i32, LinkError> {
        let object = &self.program.object;
        let Some(id) = self.program.functions.at(address) else {
            let stream = object.streams().get(address.stream as usize);
            return Err(LinkError::NoFunction {
                section: stream.map(|s| s.section.clone()).unwrap_or_default(),
                insn: address.insn,
            });
        };
        let Some(start) = self.positions.start_of(id) else {
            let name = self.program.functions.get(id).map(|f| f.name.clone());
            return Err(LinkError::NotFlattened {
                name: name.unwrap_or_default(),
            });
        };
        Ok((i64::from(start) - i64::from(slot) - 1) as i32)
    }

    pub(super) fn map_fd(&self, map: u32) -> Result<Option<i32>, LinkError> {
        let fd = self.map_fds.get(map as usize).copied().flatten();
        if fd.is_none() && !self.options.leave_map_references {
            return Err(LinkError::UnresolvedMap {
                name: self.program.target_name(&ReferenceTarget::Map(map)),
            });
        }
        Ok(fd)
    }
}
