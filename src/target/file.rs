//! BTF of kernels out of files: raw, or a section of an ELF file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::TargetError;
use crate::btf::{Btf, Data};
use crate::elf::{BtfSectionError, ReadAt, btf_section, is_elf};
use crate::name::Name;

/// Longer files are not read as raw BTF; a kernel's is 6 MB.
const RAW_MAX: u64 = 1 << 30;

/// BTF from a file that is raw BTF or an ELF file with a `.BTF` section (a kernel
/// image, a module). With `base` it is split BTF, a module's over vmlinux.
pub fn btf_from_file(path: &Path, base: Option<Arc<Btf>>) -> Result<Arc<Btf>, TargetError> {
    let data = read_file(path)?;
    parse(data, &path.display().to_string(), base)
}

/// The same from memory; `name` is what errors call it.
pub fn btf_from_bytes(
    bytes: Vec<u8>,
    name: &Name,
    base: Option<Arc<Btf>>,
) -> Result<Arc<Btf>, TargetError> {
    let name = name.to_string();
    let data = match is_elf(&bytes) {
        true => section(bytes.as_slice(), &name)?,
        false => bytes,
    };
    parse(data.into(), &name, base)
}

pub(super) fn parse(
    data: Data,
    name: &str,
    base: Option<Arc<Btf>>,
) -> Result<Arc<Btf>, TargetError> {
    match Btf::parse(data, base) {
        Ok(btf) => Ok(Arc::new(btf)),
        Err(error) => Err(TargetError::Btf {
            name: name.to_owned(),
            error,
        }),
    }
}

fn read_file(path: &Path) -> Result<Data, TargetError> {
    let failed = |error: std::io::Error| TargetError::io(path, &error);
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    // Sizes of special files say nothing; those are read as they come.
    if size >= 4 && is_elf(&ReadAt::read_at(&file, 0, 4).map_err(failed)?) {
        return section(&file, &path.display().to_string()).map(Data::from);
    }
    if size > RAW_MAX {
        return Err(failed(std::io::Error::from_raw_os_error(libc::EFBIG)));
    }
    Data::from_sysfs(path).map_err(failed)
}

fn section(file: &(impl ReadAt + ?Sized), name: &str) -> Result<Vec<u8>, TargetError> {
    btf_section(file).map_err(|error| match error {
        BtfSectionError::Elf(error) => TargetError::Elf {
            path: name.to_owned(),
            error,
        },
        BtfSectionError::Io(error) => TargetError::io(Path::new(name), &error),
    })
}
