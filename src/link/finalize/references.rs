//! References become offsets and file descriptors.

use super::Job;
use crate::elf::{ExternKind, Reference, ReferenceTarget};
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

impl Job<'_> {
    /// Writes what is known into `insns`; answers the references to maps and externs.
    pub(super) fn resolve_references(
        &mut self,
        insns: &mut [Insn],
    ) -> Result<Vec<ProgramReference>> {
        self.positions.begin(self.program.placed());
        let mut listed = references_of(self.program).into_iter();
        let mut references = Vec::with_capacity(listed.len());
        for (start, _, function) in self.program.placed() {
            for reference in function.references(&self.program.object) {
                let within = reference.insn.saturating_sub(function.address.insn);
                let slot = start.saturating_add(within);
                let resolved = self.resolve(insns, slot, reference).map_err(|error| {
                    Error::new(self.program.site(Some(function), Some(within)), error)
                })?;
                if !matches!(reference.target, ReferenceTarget::Function(_)) {
                    references.extend(listed.next().map(|r| ProgramReference { resolved, ..r }));
                }
            }
        }
        Ok(references)
    }

    /// Resolves one reference at `slot`; answers whether nothing is left to the loader.
    fn resolve(
        &self,
        insns: &mut [Insn],
        slot: u32,
        reference: &Reference,
    ) -> Result<bool, LinkError> {
        let Some((first, rest)) = insns
            .get_mut(slot as usize..)
            .and_then(|s| s.split_first_mut())
        else {
            return Ok(true);
        };
        let second = rest.first_mut().filter(|_| first.is_ld_imm64());
        if second.is_none() && !first.is_call() {
            return Err(LinkError::NotReferring {
                name: self.program.target_name(&reference.target),
                code: first.code,
            });
        }
        match (reference.target.clone(), second) {
            (ReferenceTarget::Function(address), second) => {
                let id = self.program.functions.at(address);
                let distance = self.distance(id, address, slot)?;
                first.set_src(if second.is_some() {
                    PSEUDO_FUNC
                } else {
                    PSEUDO_CALL
                });
                first.imm = distance;
                if let Some(second) = second {
                    second.imm = 0;
                }
                Ok(true)
            }
            (ReferenceTarget::Map(map), Some(second)) => {
                let fd = self.map_fd(map)?;
                first.set_src(PSEUDO_MAP_FD);
                first.imm = fd.unwrap_or(0);
                second.imm = 0;
                Ok(fd.is_some())
            }
            (ReferenceTarget::MapValue { map, offset }, Some(second)) => {
                let fd = self.map_fd(map)?;
                first.set_src(PSEUDO_MAP_VALUE);
                first.imm = fd.unwrap_or(0);
                second.imm = offset as i32;
                Ok(fd.is_some())
            }
            (ReferenceTarget::Extern { index, .. }, _) => Err(self.undefined(index)),
            (target, None) => Err(LinkError::NotReferring {
                name: self.program.target_name(&target),
                code: first.code,
            }),
        }
    }

    /// What a call at `slot` adds to reach the function; both lie below 2^31.
    fn distance(
        &self,
        id: Option<FunctionId>,
        address: crate::elf::FunctionAddress,
        slot: u32,
    ) -> Result<i32, LinkError> {
        let object = &self.program.object;
        let Some(id) = id else {
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

    fn map_fd(&self, map: u32) -> Result<Option<i32>, LinkError> {
        let fd = self.map_fds.get(map as usize).copied().flatten();
        if fd.is_none() && !self.options.leave_map_references {
            return Err(LinkError::UnresolvedMap {
                name: self.program.target_name(&ReferenceTarget::Map(map)),
            });
        }
        Ok(fd)
    }

    fn undefined(&self, index: u32) -> LinkError {
        let symbol = self.program.object.externs().get(index as usize);
        let (what, why) = match symbol.map(|s| s.kind) {
            Some(ExternKind::Kfunc) => ("kernel function", "kernel functions are not resolved yet"),
            Some(ExternKind::Ksym) => ("kernel variable", "kernel variables are not resolved yet"),
            Some(ExternKind::Kconfig) => (
                "kernel configuration value",
                "kernel configuration is not resolved yet",
            ),
            Some(ExternKind::Unknown) | None => (
                "symbol",
                "no function, map or variable of the object has this name",
            ),
        };
        LinkError::UnresolvedExtern {
            what,
            name: symbol.map(|s| s.name.clone()).unwrap_or_default(),
            why: why.to_owned(),
        }
    }
}
