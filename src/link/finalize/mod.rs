//! Finalize: everything between a relocated stream and bpf(2).

mod arena;
mod btf;
mod contexts;
mod externs;
mod helpers;
mod info;
mod jump_tables;
mod references;

use super::attach::SectionTargets;
use super::budget::Budget;
use super::externs::Externs;
use super::functions::{Function, FunctionId};
use super::kernel_type::TypeLookup;
use super::program::Finalized;
use super::struct_ops::{self, Uses};
use super::{Choice, LinkError, Program, Programs};
use crate::error::{Cause, Error, Result};
use crate::feature::Feature;
use crate::insn::{Insn, encode_stream};
use crate::target::Target;
use arena::Placement;
pub(super) use contexts::Contexts;
use externs::ModuleTable;
pub(super) use externs::kind_of;
use jump_tables::Tables;
use references::Positions;

/// How finalize treats what only a loader can fill.
#[derive(Clone, Copy, Debug, Default)]
pub struct FinalizeOptions {
    /// Leave references to maps without a file descriptor: the immediate stays
    /// zero, and the program lists them. Otherwise such a reference is an error.
    pub leave_map_references: bool,
}

impl Programs {
    /// Finishes each chosen program for `target`: offsets of calls and function
    /// addresses, map file descriptors, helpers that the target lacks, func_info,
    /// line_info, bytes; and the set's BTF.
    ///
    /// What the target supports is asked only where an instruction depends on it.
    pub fn finalize(
        &mut self,
        target: &Target,
        options: FinalizeOptions,
        choice: Choice<'_>,
    ) -> Result<()> {
        let chosen = self.choose(choice)?;
        self.finalize_chosen(&chosen, target, options)?;
        self.verdict(&chosen)
    }

    /// As [`finalize`](Self::finalize); an error is one of the set, not of a program.
    pub(super) fn finalize_chosen(
        &mut self,
        chosen: &[usize],
        target: &Target,
        options: FinalizeOptions,
    ) -> Result<()> {
        let object = self.object.clone();
        let mut positions = Positions::default();
        let mut table_budget = Budget::new();
        let placement = Placement::of(&object, target);
        let types = TypeLookup::new(target);
        let mut externs = Externs::new(&object, target, &types);
        let mut results = Vec::with_capacity(chosen.len());
        let mut warnings = Vec::new();
        if self.btf.is_none() {
            self.btf = btf::prepared(&self.object, target, &mut warnings);
        }
        let struct_ops = struct_ops::resolve(&object, &types);
        let mut section_targets = SectionTargets::default();
        if self.struct_ops.is_empty() {
            warnings.extend(struct_ops.warnings(&object));
        }
        // Records name types of the BTF: without it they mean nothing.
        let with_info = self.btf.is_some() && target.supports(Feature::BtfFunc);
        if with_info && object.has_context_tags && !target.supports(Feature::ArgCtxTag) {
            contexts::add(self, &mut warnings);
        }
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
            if program.error.is_none() {
                let mut job = Job {
                    program,
                    functions: functions_for(program, target),
                    map_fds: &self.map_fds,
                    target,
                    types: &types,
                    options,
                    with_info,
                    contexts: &self.contexts,
                    positions: &mut positions,
                    externs: &mut externs,
                    modules: ModuleTable::default(),
                    uses: &struct_ops.uses,
                    section_targets: &mut section_targets,
                    placement: placement.as_ref(),
                    tables: Tables::default(),
                    table_budget: &mut table_budget,
                    warnings: &mut warnings,
                };
                results.push((index, job.run()));
            }
        }
        let placed = placement.as_ref().and_then(Placement::known);
        self.arena = placed.or(self.arena);
        warnings.append(&mut externs.take_warnings());
        self.kconfig = externs.kconfig_contents().or(self.kconfig.take());
        self.struct_ops = struct_ops.variables;
        self.warnings.append(&mut warnings);
        self.warn_of_modules(types.take_warnings());
        for (index, result) in results {
            if let Some(program) = self.programs.get_mut(index)
                && let Some((insns, finalized)) = program.attempt(result)
            {
                program.insns = insns;
                let functions = finalized.function_names.len();
                program.starts.truncate(functions);
                program.reach.truncate(functions);
                program.finalized = Some(finalized);
            }
        }
        Ok(())
    }
}

/// How many functions of a program are for `target`. A kernel without declaration tags
/// knows no exception callback, and refuses instructions that nothing leads to.
fn functions_for(program: &Program, target: &Target) -> usize {
    match program.called < program.reach.len() && !target.supports(Feature::BtfDeclTag) {
        true => program.called,
        false => program.reach.len(),
    }
}

/// The finalization of one program.
struct Job<'a, 'e> {
    program: &'a Program,
    /// How many of its functions stay.
    functions: usize,
    map_fds: &'a [Option<i32>],
    target: &'a Target,
    types: &'a TypeLookup<'a>,
    options: FinalizeOptions,
    /// Whether the target takes func_info and line_info.
    with_info: bool,
    contexts: &'a Contexts,
    positions: &'a mut Positions,
    externs: &'a mut Externs<'e>,
    modules: ModuleTable,
    uses: &'a Uses,
    section_targets: &'a mut SectionTargets,
    placement: Option<&'a Placement>,
    tables: Tables,
    table_budget: &'a mut Budget,
    warnings: &'a mut Vec<String>,
}

impl Job<'_, '_> {
    fn run(&mut self) -> Result<(Vec<Insn>, Finalized)> {
        let mut insns = self.program.insns.clone();
        if let Some(&end) = self.program.starts.get(self.functions) {
            insns.truncate(end as usize);
        }
        let references = self.resolve_references(&mut insns)?;
        self.check_exception_callback()?;
        self.replace_helpers(&mut insns)?;
        let (func_info, line_info) = match self.with_info {
            true => (self.func_info(), self.line_info()),
            false => Default::default(),
        };
        let finalized = Finalized {
            bytes: encode_stream(&insns, self.program.object.endian()),
            references,
            function_names: self.function_names(),
            func_info,
            line_info,
            attach: self
                .program
                .resolve_attach(self.types, self.uses, self.section_targets),
            jump_tables: std::mem::take(&mut self.tables).into_list(),
        };
        Ok((insns, finalized))
    }

    /// The functions that stay: first slot, id, function.
    fn placed(&self) -> impl Iterator<Item = (u32, FunctionId, &Function)> + use<'_> {
        self.program.placed().take(self.functions)
    }

    /// No instruction refers to the exception callback: nobody else misses it.
    fn check_exception_callback(&self) -> Result<()> {
        let program = self.program;
        let missing = program.reach.get(program.starts.len()..self.functions);
        match missing.and_then(|ids| program.functions.get(*ids.first()?)) {
            Some(function) => {
                let name = function.name.clone();
                let error = LinkError::NotFlattened { name };
                Err(Error::new(program.site(None, None), error))
            }
            None => Ok(()),
        }
    }
}
