//! What the file got wrong about single instructions fails the programs that
//! contain them, and no others.

use super::Program;
use super::functions::Function;
use crate::elf::{Defect, Object};
use crate::error::{Error, Site};

impl Function {
    /// What is wrong with its first bad instruction.
    fn defect<'a>(&self, object: &'a Object) -> Option<&'a Defect> {
        let defects = &self.stream(object)?.defects;
        let slots = self.slots();
        let first = defects.partition_point(|defect| defect.insn < slots.start);
        defects
            .get(first)
            .filter(|defect| slots.contains(&defect.insn))
    }
}

impl Program {
    /// Why the program cannot be linked, whatever the target is.
    pub(super) fn defect(&self) -> Option<Error> {
        let reached = self.reach.iter().filter_map(|&id| self.functions.get(id));
        for function in reached {
            if let Some(defect) = function.defect(&self.object) {
                let insn = defect.insn.saturating_sub(function.address.insn);
                let site = Site {
                    record: defect.record,
                    ..self.site(Some(function), Some(insn))
                };
                return Some(Error::new(site, defect.error.clone()));
            }
        }
        None
    }
}
