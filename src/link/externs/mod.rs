//! Symbols that the kernel defines: functions, variables, configuration values.
//!
//! Each is looked up when the first program that uses it is finalized; one that cannot
//! be found fails the programs that use it, and no others.

mod config;
mod kconfig;
mod kernel;
mod symbols;

use crate::elf::{Extern, ExternKind, Object};
use crate::link::LinkError;
use crate::link::kernel_type::{KernelType, TypeLookup};
use crate::name::Name;
use crate::target::Target;

pub use kconfig::KconfigError;

/// What an extern turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// A kernel function, by its type id.
    Function(KernelType),
    /// A kernel variable, by its type id.
    Variable(KernelType),
    /// A symbol, by its address; 0 for a weak one that is not there.
    Address(u64),
    /// A value in the map `.kconfig`, by its offset.
    Kconfig(u32),
    /// A weak function that is not there.
    AbsentFunction,
}

/// The externs of one object on one target.
pub(super) struct Externs<'a> {
    object: &'a Object,
    target: &'a Target,
    types: &'a TypeLookup<'a>,
    resolved: Vec<Option<Result<Resolved, LinkError>>>,
    config: Option<config::Values>,
    symbols: Option<symbols::Symbols<'a>>,
    /// What a caller should know though nothing failed.
    warnings: Vec<String>,
}

impl<'a> Externs<'a> {
    pub fn new(object: &'a Object, target: &'a Target, types: &'a TypeLookup<'a>) -> Externs<'a> {
        Externs {
            object,
            target,
            types,
            resolved: vec![None; object.externs().len()],
            config: None,
            symbols: None,
            warnings: Vec::new(),
        }
    }

    /// What the extern of that number is.
    pub fn resolve(&mut self, index: u32) -> Result<Resolved, LinkError> {
        let index = index as usize;
        if let Some(Some(known)) = self.resolved.get(index) {
            return known.clone();
        }
        let object = self.object;
        let Some(symbol) = object.externs().get(index) else {
            return Err(unresolved(
                "symbol",
                &Name::default(),
                "the object has no such extern",
            ));
        };
        let answer = self.look_up(index, symbol);
        if let Some(slot) = self.resolved.get_mut(index) {
            *slot = Some(answer.clone());
        }
        answer
    }

    fn look_up(&mut self, index: usize, symbol: &Extern) -> Result<Resolved, LinkError> {
        match symbol.kind {
            ExternKind::Kfunc => kernel::function(self.object, self.types, symbol),
            ExternKind::Ksym if kernel::is_typed(self.object, symbol) => {
                kernel::variable(self.object, self.types, symbol)
            }
            ExternKind::Ksym => self.symbols().address(symbol),
            ExternKind::Kconfig => self.config().slot(index, symbol),
            ExternKind::Unknown if symbol.weak => {
                self.warnings.push(without_type(&symbol.name));
                Ok(Resolved::AbsentFunction)
            }
            ExternKind::Unknown => Err(unresolved(
                "symbol",
                &symbol.name,
                "no function, map or variable of the object has this name, and its BTF lists it \
                 neither in .ksyms nor in .kconfig",
            )),
        }
    }

    fn symbols(&mut self) -> &symbols::Symbols<'a> {
        let (object, target) = (self.object, self.target);
        self.symbols
            .get_or_insert_with(|| symbols::Symbols::new(object, target))
    }

    fn config(&mut self) -> &config::Values {
        let (object, target) = (self.object, self.target);
        self.config
            .get_or_insert_with(|| config::Values::new(object, target))
    }

    /// Configuration values that lost a part, and symbols that nobody can look for.
    pub fn take_warnings(&mut self) -> Vec<String> {
        let config = self.config.as_mut();
        let mut warnings = config.map_or(Vec::new(), |values| std::mem::take(&mut values.warnings));
        warnings.append(&mut self.warnings);
        warnings
    }

    /// The contents of the map `.kconfig` for this target, where a program uses it.
    pub fn kconfig_contents(self) -> Option<Vec<u8>> {
        self.config.map(|values| values.contents)
    }
}

/// clang leaves a function out of the BTF that only a cleanup attribute calls.
fn without_type(name: &Name) -> String {
    format!(
        "weak symbol '{name}': the object's BTF does not say what it is, so no kernel is asked \
         for it: it counts as absent"
    )
}

fn unresolved(what: &'static str, name: &Name, why: impl Into<String>) -> LinkError {
    LinkError::UnresolvedExtern {
        what,
        name: name.clone(),
        why: why.into(),
    }
}
