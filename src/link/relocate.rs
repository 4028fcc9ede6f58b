//! Relocate: CO-RE, computed for all that a program reaches, then applied.

use std::sync::Arc;

use super::core::{CoreFailure, CoreOptions, Decisions, Fixup, FunctionView, Resolver};
use super::{Choice, LinkError, Program, Programs};
use crate::error::{Cause, Error, Result, Site};
use crate::order;
use crate::target::Target;

/// What becomes of a set of programs.
struct Computed {
    /// The fixups of each program, by its index.
    fixups: Vec<(usize, Result<Vec<Fixup>>)>,
    /// What they refer to; `None` where the object has no BTF.
    decisions: Option<Arc<Decisions>>,
    /// Modules that could not be looked at.
    warnings: Vec<String>,
}

impl Programs {
    /// Applies the CO-RE relocations of each chosen program for `target`.
    ///
    /// Each program is relocated whole or left as it was and marked as failed.
    /// Functions that flatten has yet to append are decided now too, so that the
    /// order of the two stages makes no difference. Without relocations no BTF of
    /// the target is looked at.
    pub fn relocate(
        &mut self,
        target: &Target,
        options: CoreOptions,
        choice: Choice<'_>,
    ) -> Result<()> {
        let chosen = self.choose(choice)?;
        self.relocate_chosen(&chosen, target, options)?;
        self.verdict(&chosen)
    }

    /// As [`relocate`](Self::relocate); an error is one of the set, not of a program.
    pub(super) fn relocate_chosen(
        &mut self,
        chosen: &[usize],
        target: &Target,
        options: CoreOptions,
    ) -> Result<()> {
        let computed = self.compute_fixups(chosen, target, options)?;
        self.warn_of_modules(computed.warnings);
        for (index, result) in computed.fixups {
            if let Some(program) = self.programs.get_mut(index)
                && let Some(fixups) = program.attempt(result)
            {
                program.fixups = fixups;
                program.decisions = computed.decisions.clone();
                program.relocated = true;
                program.apply_fixups(0);
            }
        }
        Ok(())
    }

    fn compute_fixups(
        &self,
        chosen: &[usize],
        target: &Target,
        options: CoreOptions,
    ) -> Result<Computed> {
        let mut resolver = self
            .object
            .btf()
            .map(|local| Resolver::new(local, target, options));
        if let Some(resolver) = &mut resolver {
            let streams = self.object.streams().iter();
            resolver.expect(streams.map(|stream| stream.core_relocations.len()).sum());
        }
        let mut fixups = Vec::with_capacity(chosen.len());
        for &index in chosen {
            let Some(program) = self.programs.get(index) else {
                continue;
            };
            if program.relocated || program.finalized.is_some() {
                let name = program.name.clone();
                return Err(
                    self.refuse(Cause::State(format!("program {name} is already relocated")))
                );
            }
            if program.error.is_none() {
                fixups.push((index, program.compute_fixups(resolver.as_mut())));
            }
        }
        let warnings = resolver
            .as_ref()
            .map(|resolver| resolver.warnings().to_vec());
        Ok(Computed {
            fixups,
            warnings: warnings.unwrap_or_default(),
            decisions: resolver.map(|resolver| Arc::new(resolver.into_decisions())),
        })
    }
}

impl Program {
    fn compute_fixups(&self, resolver: Option<&mut Resolver<'_>>) -> Result<Vec<Fixup>> {
        let views: Vec<FunctionView<'_>> = self
            .reach
            .iter()
            .filter_map(|&id| self.functions.get(id))
            .map(|function| FunctionView {
                insns: function.insns(&self.object),
                start: function.address.insn,
                relocations: function.core_relocations(&self.object),
            })
            .collect();
        if views.iter().all(|view| view.relocations.is_empty()) {
            return Ok(Vec::new());
        }
        let Some(resolver) = resolver else {
            return Err(Error::new(self.site(None, None), LinkError::NoLocalBtf));
        };
        let mut fixups = resolver
            .resolve_program(&views)
            .map_err(|failure| self.core_error(failure))?;
        // Programs apply a function's fixups by searching for its first one.
        order::by_number(&mut fixups, |f| order::joined([f.function, f.insn]));
        Ok(fixups)
    }

    fn core_error(&self, failure: CoreFailure) -> Error {
        let function = self
            .reach
            .get(failure.function as usize)
            .and_then(|&id| self.functions.get(id));
        let site = Site {
            record: Some(failure.record),
            ..self.site(function, Some(failure.insn))
        };
        Error::new(site, LinkError::Core(failure.error))
    }
}
