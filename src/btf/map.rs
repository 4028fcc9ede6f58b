//! The one place where BTF maps memory: the kernel's own file in sysfs.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapOptions};

/// Maps `len` bytes of a file of sysfs, privately and read-only.
///
/// Only for files that cannot change or shrink while they are mapped. The
/// kernel's BTF is such a file: it is part of the kernel image.
pub(super) fn map_read_only(file: &File, len: usize) -> io::Result<Mmap> {
    // SAFETY: a mapping is unsound when the bytes change under it. Those of the
    // kernel's BTF are in its read-only data, and the mapping is private; the file
    // never shrinks, so that no access faults.
    unsafe { MmapOptions::new().len(len).map_copy_read_only(file) }
}
