//! The program set: what the stages behind open work on.

use std::sync::Arc;

use super::budget::Budget;
use super::finalize::Contexts;
use super::functions::{Functions, Seen};
use super::{KernelStructOps, Program, split};
use crate::elf::{MapOrigin, Object};
use crate::error::{Cause, Error, Result, Site};
use crate::name::Name;
use crate::order;

/// The programs of one object, as far as the stages have come.
///
/// For one thread at a time; the object behind it is shared.
#[derive(Debug)]
pub struct Programs {
    pub(super) object: Arc<Object>,
    pub(super) functions: Arc<Functions>,
    pub(super) programs: Vec<Program>,
    /// One for each map of the object.
    pub(super) map_fds: Vec<Option<i32>>,
    pub(super) btf: Option<Vec<u8>>,
    /// The functions that `btf` has copies of.
    pub(super) contexts: Contexts,
    pub(super) kconfig: Option<Vec<u8>>,
    /// One for each variable of the object, once finalize made them.
    pub(super) struct_ops: Vec<Result<KernelStructOps>>,
    /// The arena with global variables and where in it they start, bytes; since finalize.
    pub(super) arena: Option<(u32, u64)>,
    pub(super) warnings: Vec<String>,
}

/// Which programs a stage works on.
#[derive(Clone, Copy, Debug, Default)]
pub enum Choice<'a> {
    /// Every program of the set that has not failed.
    #[default]
    All,
    /// Those of these names.
    Named(&'a [Name]),
}

impl Programs {
    pub(super) fn new(
        object: Arc<Object>,
        functions: Arc<Functions>,
        programs: Vec<Program>,
    ) -> Programs {
        Programs {
            map_fds: vec![None; object.maps().len()],
            object,
            functions,
            programs,
            btf: None,
            contexts: Contexts::default(),
            kconfig: None,
            struct_ops: Vec::new(),
            arena: None,
            warnings: Vec::new(),
        }
    }

    /// The object that the programs come from.
    pub fn object(&self) -> &Arc<Object> {
        &self.object
    }

    /// The programs, in the order of their sections and places.
    pub fn programs(&self) -> &[Program] {
        &self.programs
    }

    /// The program of a name.
    pub fn get(&self, name: &str) -> Option<&Program> {
        self.programs.iter().find(|program| program.name == *name)
    }

    /// The object's BTF as the target accepts it, for BPF_BTF_LOAD: what the type
    /// ids in func_info, line_info and map definitions count in. `None` before
    /// finalize, and where the object or the target has no BTF.
    ///
    /// It holds what all programs of the set need; only a finalize that chooses a function
    /// that was no program before may add types, behind those that are there.
    pub fn btf(&self) -> Option<&[u8]> {
        self.btf.as_deref()
    }

    /// The error of the first program that failed, if any did.
    pub fn first_error(&self) -> Option<&Error> {
        self.programs.iter().find_map(Program::error)
    }

    /// The contents that a map starts with, `.kconfig`'s as finalize found them on the
    /// target; `None` for maps that start empty, or all zeros.
    pub fn map_contents(&self, map: usize) -> Option<&[u8]> {
        let map = self.object.maps().get(map)?;
        match map.origin {
            MapOrigin::Kconfig => self.kconfig.as_deref(),
            _ => map.initial.as_deref(),
        }
    }

    /// Where in a map its contents go, bytes: in an arena with global variables where
    /// finalize placed them, which depends on the target; in every other map at its start.
    pub fn map_contents_offset(&self, map: usize) -> u64 {
        match self.arena {
            Some((arena, offset)) if arena as usize == map => offset,
            _ => 0,
        }
    }

    /// What was odd on the way, but no reason to fail a program.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Modules that could not be looked at: each is told once, whatever stages needed it.
    pub(super) fn warn_of_modules(&mut self, warnings: Vec<String>) {
        for warning in warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    /// Says which file descriptor stands for a map, for finalize to write it into
    /// the instructions. It stays the caller's to close.
    pub fn set_map_fd(&mut self, map: &Name, fd: i32) -> Result<()> {
        if fd < 0 {
            return Err(self.refuse(Cause::Argument(format!(
                "file descriptor {fd} of map {map} is negative"
            ))));
        }
        let maps = self.object.maps().iter();
        match maps.zip(&mut self.map_fds).find(|(m, _)| m.name == *map) {
            Some((_, slot)) => {
                *slot = Some(fd);
                Ok(())
            }
            None => Err(self.refuse(Cause::NotFound {
                what: "map",
                name: map.clone(),
            })),
        }
    }

    /// An error about the set as a whole.
    #[cold]
    #[inline(never)]
    pub(super) fn refuse(&self, cause: Cause) -> Error {
        let site = Site {
            object: Some(self.object.name().clone()),
            ..Site::default()
        };
        Error::new(site, cause)
    }

    /// The chosen programs, by index. A function that is no entry program may be
    /// named too: it becomes a program of the set.
    pub(super) fn choose(&mut self, choice: Choice<'_>) -> Result<Vec<usize>> {
        let names = match choice {
            Choice::All => return Ok((0..self.programs.len()).collect()),
            Choice::Named(names) => names,
        };
        let mut chosen = Vec::with_capacity(names.len());
        for name in names {
            let known = self
                .programs
                .iter()
                .position(|program| program.name == *name);
            let index = match known {
                Some(index) => index,
                None => self.add_function(name)?,
            };
            chosen.push(index);
        }
        order::by_number(&mut chosen, |&index| index as u64);
        chosen.dedup();
        Ok(chosen)
    }

    /// Drops every program that is not chosen.
    pub fn keep(&mut self, choice: Choice<'_>) -> Result<()> {
        let chosen = self.choose(choice)?;
        let mut index = 0..;
        self.programs.retain(|_| {
            index
                .next()
                .is_some_and(|i| chosen.binary_search(&i).is_ok())
        });
        Ok(())
    }

    fn add_function(&mut self, name: &Name) -> Result<usize> {
        let found = self
            .functions
            .iter()
            .find(|(_, function)| function.name == *name);
        let Some((id, _)) = found else {
            return Err(self.refuse(Cause::NotFound {
                what: "program",
                name: name.clone(),
            }));
        };
        let (mut seen, mut budget) = (Seen::default(), Budget::new());
        let (object, functions) = (&self.object, &self.functions);
        let program = split::program((name, id), object, functions, &mut seen, &mut budget);
        self.programs
            .push(program.map_err(|error| self.refuse(error.into()))?);
        Ok(self.programs.len() - 1)
    }

    /// The first error of the chosen programs: what a stage returns.
    pub(super) fn verdict(&self, chosen: &[usize]) -> Result<()> {
        let mut failed = chosen
            .iter()
            .filter_map(|&index| self.programs.get(index)?.error.clone());
        failed.next().map_or(Ok(()), Err)
    }
}
