//! Flatten: appends every function that a program reaches, once each.

use super::functions::FunctionId;
use super::{Choice, LinkError, Program, Programs};
use crate::error::{Cause, Error, Result};
use crate::insn::Insn;

/// What flatten computes for one program before anything is modified.
struct Flattened {
    starts: Vec<u32>,
    insns: Vec<Insn>,
}

impl Programs {
    /// Appends to each chosen program every function that it reaches, once each:
    /// breadth first, the direct references of each function in order of name. Behind
    /// all others comes its exception callback, with what that one reaches besides.
    ///
    /// A reference without a body (an extern) is left alone. Nothing is modified
    /// until every result is computed. Commutes with [`relocate`](Self::relocate).
    pub fn flatten(&mut self, choice: Choice<'_>) -> Result<()> {
        let chosen = self.choose(choice)?;
        self.flatten_chosen(&chosen)?;
        self.verdict(&chosen)
    }

    /// As [`flatten`](Self::flatten); an error is one of the set, not of a program.
    pub(super) fn flatten_chosen(&mut self, chosen: &[usize]) -> Result<()> {
        let mut results = Vec::with_capacity(chosen.len());
        for &index in chosen {
            let Some(program) = self.programs.get(index) else {
                continue;
            };
            if program.finalized.is_some() {
                let name = program.name.clone();
                return Err(
                    self.refuse(Cause::State(format!("program {name} is already finalized")))
                );
            }
            if program.error.is_none() && !program.is_flattened() {
                results.push((index, program.flattened()));
            }
        }
        for (index, result) in results {
            if let Some(program) = self.programs.get_mut(index)
                && let Some(flattened) = program.attempt(result)
            {
                let placed = program.starts.len();
                program.starts = flattened.starts;
                program.insns = flattened.insns;
                program.apply_fixups(placed);
            }
        }
        Ok(())
    }
}

impl Program {
    fn flattened(&self) -> Result<Flattened> {
        let total = self
            .functions
            .total_len(&self.reach)
            .map_err(|error: LinkError| Error::new(self.site(None, None), error))?;
        let mut insns = Vec::with_capacity(total);
        let mut starts = Vec::with_capacity(self.reach.len());
        // What is placed already may be relocated already: keep it as it is.
        insns.extend_from_slice(&self.insns);
        starts.extend_from_slice(&self.starts);
        let rest: &[FunctionId] = self.reach.get(self.starts.len()..).unwrap_or_default();
        for function in rest.iter().filter_map(|&id| self.functions.get(id)) {
            // total_len made sure that this fits.
            starts.push(insns.len() as u32);
            insns.extend_from_slice(function.insns(&self.object));
        }
        Ok(Flattened { starts, insns })
    }
}
