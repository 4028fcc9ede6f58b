//! BTF of kernels out of files: raw, or a section of an ELF file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::TargetError;
use crate::btf::{Btf, BtfError, Data, relocate};
use crate::elf::{BtfSectionError, BtfSections, ReadAt, btf_sections, is_elf};
use crate::name::Name;

/// Longer files are not read as raw BTF; a kernel's is 6 MB.
const RAW_MAX: u64 = 1 << 30;

/// BTF from a file that is raw BTF or an ELF file with a `.BTF` section (a kernel
/// image, a module). With `base` it is split BTF, a module's over vmlinux; a module that
/// brings a distilled base (`.BTF.base`) is moved onto `base`.
pub fn btf_from_file(path: &Path, base: Option<Arc<Btf>>) -> Result<Arc<Btf>, TargetError> {
    let name = path.display().to_string();
    match read_file(path)? {
        Contents::Raw(data) => parse(data, &name, base),
        Contents::Elf(sections) => parse_sections(sections, &name, base),
    }
}

/// The same from memory; `name` is what errors call it.
pub fn btf_from_bytes(
    bytes: Vec<u8>,
    name: &Name,
    base: Option<Arc<Btf>>,
) -> Result<Arc<Btf>, TargetError> {
    let name = name.to_string();
    match is_elf(&bytes) {
        true => parse_sections(sections(&bytes.as_slice(), &name)?, &name, base),
        false => parse(bytes.into(), &name, base),
    }
}

/// Split BTF over a distilled base, moved onto the BTF of a kernel; `name` is what
/// errors call it.
pub fn btf_relocated(split: &Btf, name: &Name, base: Arc<Btf>) -> Result<Arc<Btf>, TargetError> {
    let moved = relocate(split, base);
    moved
        .map(Arc::new)
        .map_err(|error| named(&name.to_string(), error))
}

fn parse_sections(
    sections: BtfSections,
    name: &str,
    base: Option<Arc<Btf>>,
) -> Result<Arc<Btf>, TargetError> {
    let Some(distilled) = sections.base else {
        return parse(sections.btf.into(), name, base);
    };
    let Some(base) = base else {
        let what = "it is split over a distilled base, and means nothing without the kernel's";
        return Err(named(name, BtfError::Malformed(what.to_owned())));
    };
    let distilled = parse(distilled.into(), &format!("{name}, .BTF.base"), None)?;
    let split = parse(sections.btf.into(), name, Some(distilled))?;
    let moved = relocate(&split, base).map_err(|error| named(name, error))?;
    Ok(Arc::new(moved))
}

fn named(name: &str, error: BtfError) -> TargetError {
    TargetError::Btf {
        name: name.to_owned(),
        error,
    }
}

pub(super) fn parse(
    data: Data,
    name: &str,
    base: Option<Arc<Btf>>,
) -> Result<Arc<Btf>, TargetError> {
    let parsed = Btf::parse(data, base);
    let checked = parsed.and_then(|btf| match btf.base() {
        Some(_) => btf.check_base().map(|()| btf),
        None => Ok(btf),
    });
    match checked {
        Ok(btf) => Ok(Arc::new(btf)),
        Err(error) => Err(named(name, error)),
    }
}

/// What a file holds.
enum Contents {
    Raw(Data),
    Elf(BtfSections),
}

fn read_file(path: &Path) -> Result<Contents, TargetError> {
    let failed = |error: std::io::Error| TargetError::io(path, &error);
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    // Sizes of special files say nothing; those are read as they come.
    if size >= 4 && is_elf(&ReadAt::read_at(&file, 0, 4).map_err(failed)?) {
        return sections(&file, &path.display().to_string()).map(Contents::Elf);
    }
    if size > RAW_MAX {
        return Err(failed(std::io::Error::from_raw_os_error(libc::EFBIG)));
    }
    Data::from_sysfs(path).map_err(failed).map(Contents::Raw)
}

fn sections(file: &dyn ReadAt, name: &str) -> Result<BtfSections, TargetError> {
    btf_sections(file).map_err(|error| match error {
        BtfSectionError::Elf(error) => TargetError::Elf {
            path: name.to_owned(),
            error,
        },
        BtfSectionError::Io(error) => TargetError::io(Path::new(name), &error),
    })
}
