//! The running kernel: its BTF, its modules, what it supports. Everything is read
//! or probed when it is first asked for, once per process.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock, OnceLock};

use parking_lot::Mutex;

use super::file::{btf_from_file, parse};
use super::modules::{self, Module};
use super::{TargetError, probe};
use crate::btf::{Btf, Data, SYSFS_BTF, SharedBtf};
use crate::feature::{Feature, Features, KernelRelease};

/// Images of the kernel that may have a `.BTF` section, for kernels that do not show
/// their BTF in sysfs: in the order and at the places of libbpf. `*` is the release.
const IMAGES: [&str; 7] = [
    "boot/vmlinux-*",
    "lib/modules/*/vmlinux-*",
    "lib/modules/*/build/vmlinux",
    "usr/lib/modules/*/kernel/vmlinux",
    "usr/lib/debug/boot/vmlinux-*",
    "usr/lib/debug/boot/vmlinux-*.debug",
    "usr/lib/debug/lib/modules/*/vmlinux",
];

/// Features that every kernel with [`LAST_BTF_KIND`] has.
const BTF_KINDS: [Feature; 7] = [
    Feature::Btf,
    Feature::BtfFunc,
    Feature::BtfDatasec,
    Feature::BtfFuncGlobal,
    Feature::BtfFloat,
    Feature::BtfDeclTag,
    Feature::BtfTypeTag,
];
const LAST_BTF_KIND: Feature = Feature::BtfEnum64;
/// Features that programs ask for often, and that every kernel with [`LAST_BTF_KIND`]
/// (Linux 6.0) has had for years.
const OLDER: [Feature; 2] = [Feature::ProbeReadKernel, Feature::GlobalData];

/// Asks the kernel whether it supports something; `None` where it does not say
/// (without the privilege to load programs, say).
pub(super) type Probe = fn(Feature) -> Option<bool>;

/// A kernel that is read from the file system below `root`, and probed.
#[derive(Debug)]
pub(super) struct RunningKernel {
    root: PathBuf,
    probe: Probe,
    release: OnceLock<String>,
    kconfig: OnceLock<String>,
    btf: SharedBtf,
    modules: Mutex<Option<Modules>>,
    probed: [OnceLock<bool>; 32],
}

/// Modules as they were when they were listed.
#[derive(Debug)]
struct Modules {
    /// What their BTF is split from.
    base: Arc<Btf>,
    list: Arc<[Module]>,
}

impl RunningKernel {
    /// The one kernel that runs here; it is shared by the whole process.
    pub(super) fn this() -> Arc<RunningKernel> {
        static THIS: LazyLock<Arc<RunningKernel>> = LazyLock::new(|| {
            let root = PathBuf::from("/");
            Arc::new(RunningKernel::new(root, probe::ask_kernel))
        });
        THIS.clone()
    }

    pub(super) fn new(root: PathBuf, probe: Probe) -> RunningKernel {
        RunningKernel {
            root,
            probe,
            release: OnceLock::new(),
            kconfig: OnceLock::new(),
            btf: SharedBtf::new(),
            modules: Mutex::new(None),
            probed: [const { OnceLock::new() }; 32],
        }
    }

    /// The kernel's release string.
    fn release_text(&self) -> &str {
        self.release.get_or_init(|| {
            let path = self.root.join("proc/sys/kernel/osrelease");
            let text = std::fs::read_to_string(path).unwrap_or_default();
            text.trim().to_owned()
        })
    }

    pub(super) fn release(&self) -> Option<KernelRelease> {
        KernelRelease::parse(self.release_text())
    }

    /// The release with the patch level that it really has: Debian's `uname -r` says
    /// 5.10.0 of a 5.10.223, which stands behind "Debian" in the version; Ubuntu's
    /// stands last in a file of its own. libbpf's get_kernel_version looks there too.
    pub(super) fn version(&self) -> Option<KernelRelease> {
        let read = |path: &str| std::fs::read_to_string(self.root.join(path)).ok();
        let ubuntu = read("proc/version_signature");
        let ubuntu = ubuntu
            .as_deref()
            .and_then(|text| text.split_whitespace().last());
        let version = read("proc/sys/kernel/version");
        let debian = version
            .as_deref()
            .and_then(|text| text.split_once("Debian "));
        let patched = ubuntu.or(debian.map(|(_, release)| release));
        patched
            .and_then(KernelRelease::parse)
            .or_else(|| self.release())
    }

    /// Bytes of a page of memory.
    pub(super) fn page_size(&self) -> u64 {
        super::bpf::page_size().unwrap_or(super::DEFAULT_PAGE)
    }

    /// The configuration that the kernel was built from. A failure is not remembered.
    pub(super) fn kconfig(&self) -> Result<&str, TargetError> {
        if let Some(text) = self.kconfig.get() {
            return Ok(text);
        }
        let text = super::kconfig::of_running_kernel(&self.root, self.release_text())?;
        Ok(self.kconfig.get_or_init(|| text))
    }

    /// The kernel's symbols as they are now: modules come and go.
    pub(super) fn kallsyms(&self) -> Result<Vec<u8>, TargetError> {
        let path = self.root.join("proc/kallsyms");
        std::fs::read(&path).map_err(|error| TargetError::io(&path, &error))
    }

    fn sysfs(&self) -> PathBuf {
        self.root.join(SYSFS_BTF.trim_start_matches('/'))
    }

    pub(super) fn vmlinux(&self) -> Result<Arc<Btf>, TargetError> {
        self.btf.get(|| self.load_vmlinux())
    }

    fn load_vmlinux(&self) -> Result<Arc<Btf>, TargetError> {
        let path = self.sysfs().join("vmlinux");
        match Data::from_sysfs(&path) {
            Ok(data) => return parse(data, &path.display().to_string(), None),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(TargetError::io(&path, &error));
            }
            Err(_) => {}
        }
        let release = self.release_text();
        let images = IMAGES.map(|image| self.root.join(image.replace('*', release)));
        let found = images
            .iter()
            .filter(|_| !release.is_empty())
            .find_map(|image| btf_from_file(image, None).ok());
        found.ok_or_else(|| TargetError::NoKernelBtf {
            release: release.to_owned(),
            sysfs: path.display().to_string(),
        })
    }

    /// Modules with BTF, in the order of their names; none is read by this.
    pub(super) fn modules(&self) -> Result<Arc<[Module]>, TargetError> {
        let base = self.vmlinux()?;
        let mut cached = self.modules.lock();
        match &*cached {
            Some(modules) if Arc::ptr_eq(&modules.base, &base) => Ok(modules.list.clone()),
            _ => {
                let list = modules::list(&self.sysfs(), &base);
                Ok(cached.insert(Modules { base, list }).list.clone())
            }
        }
    }

    /// Forgets all BTF; handles that were given out stay valid.
    pub(super) fn flush(&self) {
        self.btf.flush();
        *self.modules.lock() = None;
    }

    /// Whether the kernel supports `feature`: it is asked once. Where it does not
    /// answer, its release decides; where that is unknown too, it is a new one.
    ///
    /// Kinds of BTF came one after the other, and no kernel understands a later one
    /// without the earlier: one question usually answers for all. Where it was answered, it
    /// answers for [`OLDER`] too.
    #[inline(never)]
    pub(super) fn supports(&self, feature: Feature) -> bool {
        if BTF_KINDS.contains(&feature) && self.supports(LAST_BTF_KIND) {
            return true;
        }
        // Not asked for their sake: that kind may be none of the caller's.
        let last = self.probed.get(LAST_BTF_KIND as usize);
        if OLDER.contains(&feature) && last.and_then(OnceLock::get) == Some(&true) {
            return true;
        }
        let ask = || {
            (self.probe)(feature).unwrap_or_else(|| {
                let by_release = self.release().map(Features::of_release);
                by_release.is_none_or(|features| features.contains(feature))
            })
        };
        match self.probed.get(feature as usize) {
            Some(known) => *known.get_or_init(ask),
            None => ask(),
        }
    }
}
