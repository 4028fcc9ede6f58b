//! Stand-ins until the target layer has these.
use std::path::Path;
use std::sync::Arc;

use crate::btf::Btf;
use crate::error::{Cause, Result};
use crate::name::Name;
use crate::target::Target;

pub fn btf_from_file(path: &Path, base: Option<Arc<Btf>>) -> Result<Arc<Btf>> {
    let bytes = std::fs::read(path).map_err(|source| Cause::Io {
        action: "read",
        path: path.display().to_string(),
        source,
    })?;
    btf_from_bytes(bytes, &Name::default(), base)
}
pub fn btf_from_bytes(bytes: Vec<u8>, _: &Name, base: Option<Arc<Btf>>) -> Result<Arc<Btf>> {
    Ok(Arc::new(Btf::parse(bytes, base)?))
}
pub fn flush_kernel_btf() {}

#[derive(Default)]
pub struct TargetBuilder(Option<Arc<Btf>>);
impl TargetBuilder {
    pub fn new() -> Self {
        Self::default()
    }
    pub fn vmlinux(self, b: Arc<Btf>) -> Self {
        Self(Some(b))
    }
    pub fn module(self, _: Name, _: Arc<Btf>) -> Self {
        self
    }
    pub fn release(self, _: &str) -> Result<Self> {
        Ok(self)
    }
    pub fn build(self) -> Result<Target> {
        Ok(self.0.map_or_else(Target::running, Target::from_btf))
    }
}
