//! All stages in one call.

use std::sync::Arc;

use super::core::CoreOptions;
use super::{Choice, FinalizeOptions, Programs};
use crate::elf::Object;
use crate::error::Result;
use crate::name::Name;
use crate::target::Target;

/// Links whole objects for one target.
///
/// ```no_run
/// use std::sync::Arc;
/// use bpflink::{Linker, Object, Target};
///
/// let object = Arc::new(Object::open("tcpconnect.bpf.o")?);
/// let linked = Linker::new(&Target::running()).link(&object)?;
/// for program in linked.programs() {
///     println!("{}: {} instructions", program.name(), program.instructions().len());
/// }
/// # Ok::<(), bpflink::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Linker {
    target: Target,
    core: CoreOptions,
    programs: Option<Vec<Name>>,
}

impl Linker {
    /// A linker for `target`.
    pub fn new(target: &Target) -> Linker {
        Linker {
            target: target.clone(),
            core: CoreOptions::default(),
            programs: None,
        }
    }

    /// How CO-RE relocations choose and fail.
    pub fn core_options(mut self, options: CoreOptions) -> Linker {
        self.core = options;
        self
    }

    /// Links only the programs of these names.
    pub fn programs<N: Into<Name>>(mut self, names: impl IntoIterator<Item = N>) -> Linker {
        self.programs = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Split, flatten, relocate and finalize; references to maps stay listed.
    ///
    /// The set is whole even where programs failed: each failed one has its
    /// [`error`](super::Program::error). An error of the whole object (one that
    /// cannot be split, a program that does not exist) is returned.
    pub fn link(&self, object: &Arc<Object>) -> Result<Programs> {
        let mut set = Programs::split(object)?;
        let choice = match &self.programs {
            Some(names) => Choice::Named(names),
            None => Choice::All,
        };
        set.keep(choice)?;
        let finalize = FinalizeOptions {
            leave_map_references: true,
        };
        let chosen: Vec<usize> = (0..set.programs().len()).collect();
        set.flatten_chosen(&chosen)?;
        set.relocate_chosen(&chosen, &self.target, self.core)?;
        set.finalize_chosen(&chosen, &self.target, finalize)?;
        Ok(set)
    }
}
