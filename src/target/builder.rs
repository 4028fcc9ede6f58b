//! A kernel by its description.

use std::sync::Arc;

use super::running::RunningKernel;
use super::{Described, Module, Source, Target, TargetError};
use crate::btf::Btf;
use crate::feature::{Feature, Features, KernelRelease};
use crate::name::Name;
use crate::order;

/// Describes a kernel that is not the running one. Nothing of this machine is read
/// or probed for it, unless [`over_running`](TargetBuilder::over_running) says so.
#[derive(Clone, Debug, Default)]
pub struct TargetBuilder {
    running: Option<Arc<RunningKernel>>,
    vmlinux: Option<Arc<Btf>>,
    modules: Vec<(Name, Arc<Btf>)>,
    release: Option<KernelRelease>,
    features: Option<Features>,
    added: Features,
    removed: Features,
    kconfig: Option<String>,
    kallsyms: Option<Vec<u8>>,
}

impl TargetBuilder {
    /// A kernel of which nothing is known: without BTF, and the newest there is.
    pub fn new() -> TargetBuilder {
        TargetBuilder::default()
    }

    /// The running kernel with changes: what is not given is this machine's, read and
    /// probed when it is first needed. Its modules belong to its own BTF: they are
    /// left out where another BTF is given.
    pub fn over_running(mut self) -> TargetBuilder {
        self.running = Some(RunningKernel::this());
        self
    }

    /// The same over a kernel made for a test.
    #[cfg(test)]
    pub(super) fn over(mut self, kernel: RunningKernel) -> TargetBuilder {
        self.running = Some(Arc::new(kernel));
        self
    }

    /// The kernel's own BTF.
    pub fn vmlinux(mut self, btf: Arc<Btf>) -> TargetBuilder {
        self.vmlinux = Some(btf);
        self
    }

    /// A module and its BTF, over the kernel's own as base. Modules are looked at in
    /// the order of their names.
    pub fn module(mut self, name: impl Into<Name>, btf: Arc<Btf>) -> TargetBuilder {
        self.modules.push((name.into(), btf));
        self
    }

    /// The kernel's release, as `5.10.0` or as `uname -r` says it. What the kernel
    /// supports follows from it.
    pub fn release(mut self, text: &str) -> Result<TargetBuilder, TargetError> {
        let release = KernelRelease::parse(text).ok_or_else(|| {
            TargetError::Invalid(format!("{text:?} is no kernel release like 5.10.0"))
        })?;
        self.release = Some(release);
        Ok(self)
    }

    /// What the kernel supports, whatever its release.
    pub fn features(mut self, features: Features) -> TargetBuilder {
        self.features = Some(features);
        self
    }

    /// A feature that the kernel has whatever its release: one that was ported back.
    /// The last word on a feature counts.
    pub fn with_feature(mut self, feature: Feature) -> TargetBuilder {
        self.added = self.added.with(feature);
        self.removed = self.removed.without(feature);
        self
    }

    /// A feature that the kernel lacks whatever its release.
    pub fn without_feature(mut self, feature: Feature) -> TargetBuilder {
        self.added = self.added.without(feature);
        self.removed = self.removed.with(feature);
        self
    }

    /// The kernel's configuration, as the text that it was built from.
    pub fn kconfig(mut self, text: impl Into<String>) -> TargetBuilder {
        self.kconfig = Some(text.into());
        self
    }

    /// The kernel's symbols, as /proc/kallsyms shows them.
    pub fn kallsyms(mut self, text: impl Into<Vec<u8>>) -> TargetBuilder {
        self.kallsyms = Some(text.into());
        self
    }

    /// The target. Modules must be split from the same BTF that is the kernel's own.
    pub fn build(self) -> Result<Target, TargetError> {
        let mut modules = self.modules;
        order::by_bytes(&mut modules, |(name, _)| name.as_bytes());
        let base = match (&self.vmlinux, &self.running) {
            (None, Some(running)) if !modules.is_empty() => Some(running.vmlinux()?),
            (given, _) => given.clone(),
        };
        for (name, btf) in &modules {
            check_base(name, btf, base.as_ref())?;
        }
        let given = |(name, btf)| Module::given(name, btf);
        let by_release = self.release.map(Features::of_release);
        Ok(Target(Source::Described(Arc::new(Described {
            running: self.running,
            vmlinux: base,
            modules: modules.into_iter().map(given).collect(),
            release: self.release,
            features: self.features.or(by_release),
            added: self.added,
            removed: self.removed,
            kconfig: self.kconfig,
            kallsyms: self.kallsyms,
        }))))
    }
}

/// Type ids of a module mean nothing over another kernel's BTF.
fn check_base(name: &Name, btf: &Btf, vmlinux: Option<&Arc<Btf>>) -> Result<(), TargetError> {
    let wrong = |what: &str| Err(TargetError::Invalid(format!("module {name}: {what}")));
    match (btf.base(), vmlinux) {
        (_, None) => wrong("modules need the kernel's own BTF"),
        (None, _) => wrong("its BTF is not split BTF over the kernel's"),
        (Some(base), Some(vmlinux)) if Arc::ptr_eq(base, vmlinux) => Ok(()),
        (Some(base), Some(vmlinux)) if base.bytes() == vmlinux.bytes() => Ok(()),
        _ => wrong("its BTF is split from another kernel's BTF"),
    }
}
