//! A kernel by its description.

use std::sync::Arc;

use super::{Described, Module, Source, Target, TargetError};
use crate::btf::Btf;
use crate::feature::{Features, KernelRelease};
use crate::name::Name;

/// Describes a kernel that is not the running one. Nothing of this machine is read
/// or probed for it.
#[derive(Clone, Debug, Default)]
pub struct TargetBuilder {
    vmlinux: Option<Arc<Btf>>,
    modules: Vec<Module>,
    release: Option<KernelRelease>,
    features: Option<Features>,
    kconfig: Option<String>,
    kallsyms: Option<Vec<u8>>,
}

impl TargetBuilder {
    /// A kernel of which nothing is known: without BTF, and the newest there is.
    pub fn new() -> TargetBuilder {
        TargetBuilder::default()
    }

    /// The kernel's own BTF.
    pub fn vmlinux(mut self, btf: Arc<Btf>) -> TargetBuilder {
        self.vmlinux = Some(btf);
        self
    }

    /// A module and its BTF, over the kernel's own as base. Modules are looked at in
    /// the order of their names.
    pub fn module(mut self, name: impl Into<Name>, btf: Arc<Btf>) -> TargetBuilder {
        let name = name.into();
        self.modules.push(Module { name, btf });
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
        modules.sort_by(|a, b| a.name.cmp(&b.name));
        for module in &modules {
            check_base(module, self.vmlinux.as_ref())?;
        }
        let by_release = || {
            self.release
                .map_or_else(Features::newest, Features::of_release)
        };
        Ok(Target(Source::Described(Arc::new(Described {
            vmlinux: self.vmlinux,
            modules: modules.into(),
            release: self.release,
            features: self.features.unwrap_or_else(by_release),
            kconfig: self.kconfig,
            kallsyms: self.kallsyms,
        }))))
    }
}

/// Type ids of a module mean nothing over another kernel's BTF.
fn check_base(module: &Module, vmlinux: Option<&Arc<Btf>>) -> Result<(), TargetError> {
    let wrong = |what: &str| {
        let name = &module.name;
        Err(TargetError::Invalid(format!("module {name}: {what}")))
    };
    match (module.btf.base(), vmlinux) {
        (_, None) => wrong("modules need the kernel's own BTF"),
        (None, _) => wrong("its BTF is not split BTF over the kernel's"),
        (Some(base), Some(vmlinux)) if Arc::ptr_eq(base, vmlinux) => Ok(()),
        (Some(base), Some(vmlinux)) if base.bytes() == vmlinux.bytes() => Ok(()),
        _ => wrong("its BTF is split from another kernel's BTF"),
    }
}
