//! The modules of a kernel. Of the running one they are listed at once and read one by
//! one: each when somebody asks for its BTF, once for all who ask.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::TargetError;
use super::file::parse;
use crate::btf::{Btf, Data};
use crate::name::Name;
use crate::order;

/// A kernel module and its split BTF.
#[derive(Debug)]
pub struct Module {
    name: Name,
    btf: OnceLock<Result<Arc<Btf>, TargetError>>,
    /// The file to read, and what its BTF is split from; `None` where the BTF was given.
    source: Option<(PathBuf, Arc<Btf>)>,
}

impl Module {
    /// A module whose BTF is known.
    pub(super) fn given(name: Name, btf: Arc<Btf>) -> Module {
        Module {
            name,
            btf: OnceLock::from(Ok(btf)),
            source: None,
        }
    }

    fn unread(name: Name, path: PathBuf, base: Arc<Btf>) -> Module {
        Module {
            name,
            btf: OnceLock::new(),
            source: Some((path, base)),
        }
    }

    /// The module's name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Its BTF, over vmlinux as base. The first one who asks reads it, and others who
    /// ask meanwhile wait; why it cannot be used is remembered too, so that a corrupt
    /// module is read once.
    pub fn btf(&self) -> Result<&Arc<Btf>, TargetError> {
        self.btf
            .get_or_init(|| self.read())
            .as_ref()
            .map_err(Clone::clone)
    }

    /// The same for a link, which goes on without a module that cannot be used: the
    /// error is the warning that says so.
    pub(crate) fn btf_or_warning(&self) -> Result<&Arc<Btf>, String> {
        self.btf()
            .map_err(|error| format!("module {} is left out: {error}", self.name))
    }

    fn read(&self) -> Result<Arc<Btf>, TargetError> {
        let (path, base) = self.source.as_ref().ok_or(TargetError::NoBtf)?;
        let data = Data::from_sysfs(path).map_err(|error| TargetError::io(path, &error))?;
        parse(data, &path.display().to_string(), Some(base.clone()))
    }
}

/// The modules with BTF below `directory` (sysfs), in the order of their names; none of
/// them is opened.
pub(super) fn list(directory: &Path, base: &Arc<Btf>) -> Arc<[Module]> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Arc::default();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name != "vmlinux").collect();
    order::by_bytes(&mut names, |name| name.as_bytes());
    let module = |name: String| {
        let path = directory.join(&name);
        Module::unread(Name::from(name.as_str()), path, base.clone())
    };
    names.into_iter().map(module).collect()
}
