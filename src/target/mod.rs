//! The target: all that a link knows about a kernel, in one immutable,
//! shareable handle. Nothing else in the library reaches the machine.

#![deny(unsafe_code)]

mod bpf;
mod builder;
mod error;
mod file;
mod gzip;
mod inflate;
mod kallsyms;
mod kconfig;
#[cfg(test)]
mod kconfig_test;
mod modules;
#[cfg(test)]
mod modules_test;
mod probe;
mod running;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::btf::Btf;
use running::RunningKernel;

pub use crate::feature::{Feature, Features, KernelRelease};
pub use builder::TargetBuilder;
pub use error::TargetError;
pub use file::{btf_from_bytes, btf_from_file, btf_relocated};
pub use kallsyms::SymbolAddress;
pub use modules::Module;

/// Bytes of a page where nobody says otherwise.
const DEFAULT_PAGE: u64 = 4096;

/// A kernel to link for: this machine's, or one that is described.
///
/// Cheap to clone; share it between threads.
#[derive(Clone, Debug)]
pub struct Target(Source);

#[derive(Clone, Debug)]
enum Source {
    Running(Arc<RunningKernel>),
    Described(Arc<Described>),
}

/// A kernel by its description.
#[derive(Debug, Default)]
struct Described {
    /// Whose answers count where nothing is given.
    running: Option<Arc<RunningKernel>>,
    vmlinux: Option<Arc<Btf>>,
    modules: Arc<[Module]>,
    release: Option<KernelRelease>,
    features: Option<Features>,
    added: Features,
    removed: Features,
    kconfig: Option<String>,
    kallsyms: Option<Vec<u8>>,
}

impl Described {
    /// The kernel whose modules go with this BTF: they are ids over their own base.
    fn running_modules(&self) -> Option<&RunningKernel> {
        let own_btf = self.vmlinux.is_none() && self.modules.is_empty();
        self.running.as_deref().filter(|_| own_btf)
    }

    #[inline(never)]
    fn supports(&self, feature: Feature) -> bool {
        if self.added.contains(feature) || self.removed.contains(feature) {
            return self.added.contains(feature);
        }
        match (self.features, &self.running) {
            (Some(features), _) => features.contains(feature),
            (None, Some(running)) => running.supports(feature),
            (None, None) => true,
        }
    }
}

impl Target {
    /// The running kernel; nothing is read or probed until it is asked for.
    pub fn running() -> Target {
        Target(Source::Running(RunningKernel::this()))
    }

    /// A kernel whose files lie below `root`, and that cannot be probed.
    #[cfg(test)]
    pub(crate) fn running_below(root: &testing::Root) -> Target {
        let unprobed = RunningKernel::new(root.path().to_owned(), |_| None);
        Target(Source::Running(Arc::new(unprobed)))
    }

    /// A kernel of which only the BTF is known: the newest there is.
    pub fn from_btf(vmlinux: Arc<Btf>) -> Target {
        Target(Source::Described(Arc::new(Described {
            vmlinux: Some(vmlinux),
            ..Described::default()
        })))
    }

    /// The kernel whose answers count where nothing else is given, and what is given.
    fn parts(&self) -> (Option<&RunningKernel>, Option<&Described>) {
        match &self.0 {
            Source::Running(kernel) => (Some(kernel), None),
            Source::Described(kernel) => (kernel.running.as_deref(), Some(kernel)),
        }
    }

    /// The kernel's own BTF; for the running kernel it is read now, if it was not before.
    pub fn vmlinux(&self) -> Result<Arc<Btf>, TargetError> {
        let (running, described) = self.parts();
        match (described.and_then(|kernel| kernel.vmlinux.clone()), running) {
            (Some(btf), _) => Ok(btf),
            (None, Some(running)) => running.vmlinux(),
            (None, None) => Err(TargetError::NoBtf),
        }
    }

    /// Modules with BTF, in the order of their names. They are listed and not read:
    /// [`Module::btf`] reads one, where it was not before.
    pub fn modules(&self) -> Result<Arc<[Module]>, TargetError> {
        match &self.0 {
            Source::Running(kernel) => kernel.modules(),
            Source::Described(kernel) => match kernel.running_modules() {
                Some(running) => running.modules(),
                None => Ok(kernel.modules.clone()),
            },
        }
    }

    /// The kernel's release, where it is known.
    pub fn release(&self) -> Option<KernelRelease> {
        let (running, described) = self.parts();
        let given = described.and_then(|kernel| kernel.release);
        given.or_else(|| running?.release())
    }

    /// The version that LINUX_KERNEL_VERSION tells: the release, but for distributions
    /// that keep the patch level elsewhere (Debian, Ubuntu).
    pub fn version(&self) -> Option<KernelRelease> {
        let (running, described) = self.parts();
        let given = described.and_then(|kernel| kernel.release);
        given.or_else(|| running?.version())
    }

    /// What stands behind `NAME=` in the kernel's configuration for each of `names`, in their
    /// order; none where it is not set. The running kernel's is read now, if it was not before.
    pub fn config_values(&self, names: &[&str]) -> Result<Vec<Option<String>>, TargetError> {
        let (running, described) = self.parts();
        let text = match (
            described.and_then(|kernel| kernel.kconfig.as_deref()),
            running,
        ) {
            (Some(text), _) => text,
            (None, Some(running)) => running.kconfig()?,
            (None, None) => return Err(TargetError::NoConfig),
        };
        let found = kconfig::values(text, names);
        let value = |&name: &&str| found.get(name).map(|&value| value.to_owned());
        Ok(names.iter().map(value).collect())
    }

    /// Bytes of a page of memory, which arenas are made of. Of a kernel that is described,
    /// what its configuration says (CONFIG_PAGE_SHIFT: every kernel with arenas, which are
    /// of Linux 6.9, has it); else 4096, which is right for all of x86 and s390x and for
    /// most arm64 kernels.
    pub fn page_size(&self) -> u64 {
        let (running, described) = self.parts();
        let given = described.and_then(|kernel| kernel.kconfig.as_deref());
        given
            .and_then(kconfig::page_size)
            .or_else(|| running.map(RunningKernel::page_size))
            .unwrap_or(DEFAULT_PAGE)
    }

    /// Addresses of kernel symbols, in the order of `names`; none where the kernel does not
    /// have it. The running kernel's list is read now.
    pub fn symbol_addresses(
        &self,
        names: &[&[u8]],
    ) -> Result<Vec<Option<SymbolAddress>>, TargetError> {
        let (running, described) = self.parts();
        match (
            described.and_then(|kernel| kernel.kallsyms.as_deref()),
            running,
        ) {
            (Some(text), _) => Ok(kallsyms::addresses(text, names)),
            (None, Some(running)) => Ok(kallsyms::addresses(&running.kallsyms()?, names)),
            (None, None) => Err(TargetError::NoSymbols),
        }
    }

    /// Whether the kernel supports `feature`. The running kernel is asked, once per
    /// process and feature; a described one is as new as its description says.
    pub fn supports(&self, feature: Feature) -> bool {
        match &self.0 {
            Source::Running(kernel) => kernel.supports(feature),
            Source::Described(kernel) => kernel.supports(feature),
        }
    }

    /// All that the kernel supports; the running kernel is probed for every feature.
    pub fn features(&self) -> Features {
        Feature::all()
            .filter(|&feature| self.supports(feature))
            .collect()
    }
}

/// Forgets the running kernel's BTF and its modules': the next one who asks reads them
/// again. Handles that were given out stay valid.
pub fn flush_running_btf() {
    RunningKernel::this().flush();
}
