//! The program set.

use std::cell::OnceCell;
use std::ffi::{c_char, c_int};

use super::error::{bpflink_error, c_text};
use super::pointer::{Handle, change, free, look, opaque, query, string, write};
use super::program::ProgramView;
use super::status::{BPFLINK_E_INVALID_ARGUMENT, BPFLINK_OK, bpflink_status};
use super::struct_ops::StructOpsView;
use crate::error::Result;
use crate::link::Programs;
use crate::name::Name;

/// The programs of one object on their way through the stages. For one thread
/// at a time; it keeps its object alive.
pub struct bpflink_programs(Handle<ProgramSet>);

opaque!(bpflink_programs, ProgramSet, "the program set");

/// A set, and what C borrows of it until the next change.
pub struct ProgramSet {
    pub(super) set: Programs,
    views: Vec<ProgramView>,
    warnings: OnceCell<Vec<std::ffi::CString>>,
    pub(super) struct_ops: StructOpsView,
}

impl ProgramSet {
    pub(super) fn new(set: Programs) -> ProgramSet {
        let mut this = ProgramSet {
            set,
            views: Vec::new(),
            warnings: OnceCell::new(),
            struct_ops: StructOpsView::default(),
        };
        this.forget();
        this
    }

    /// Drops what was borrowed: the set has changed.
    fn forget(&mut self) {
        self.views.clear();
        self.views
            .resize_with(self.set.programs().len(), ProgramView::default);
        self.warnings = OnceCell::new();
        self.struct_ops = StructOpsView::default();
    }

    /// Runs a stage, tells its warnings.
    pub(super) fn stage(
        &mut self,
        log: super::log::Log,
        body: impl FnOnce(&mut Programs) -> Result<()>,
    ) -> Result<()> {
        let known = self.set.warnings().len();
        let outcome = body(&mut self.set);
        self.forget();
        log.warn(self.set.warnings().get(known..).unwrap_or_default());
        outcome
    }

    /// One program, and what C borrows of it.
    pub(super) fn program(&self, index: usize) -> Option<(&crate::link::Program, &ProgramView)> {
        self.set.programs().get(index).zip(self.views.get(index))
    }
}

/// Number of programs; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_programs_count(programs: *const bpflink_programs) -> usize {
    // SAFETY: NULL or a live set.
    unsafe { query(programs, 0, |set| set.set.programs().len()) }
}

/// The number of the program of this name, for the calls that take one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_programs_find(
    programs: *const bpflink_programs,
    name: *const c_char,
    index: *mut usize,
) -> bpflink_status {
    // SAFETY: NULL or a string.
    let Ok(name) = (unsafe { string(name, "name") }) else {
        return BPFLINK_E_INVALID_ARGUMENT;
    };
    let position = |set: &ProgramSet| {
        let mut all = set.set.programs().iter();
        all.position(|program| program.name().as_c_str() == name)
    };
    // SAFETY: NULL or a live set; NULL or a place for an index.
    match unsafe { look(programs, position) } {
        Ok(found) => {
            unsafe { write(index, found) };
            BPFLINK_OK
        }
        Err(status) => status,
    }
}

/// Says which file descriptor stands for a map, before finalize writes it into the
/// instructions. The descriptor stays the caller's to close.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_programs_set_map_fd(
    programs: *mut bpflink_programs,
    map: *const c_char,
    fd: c_int,
    error: *mut *mut bpflink_error,
) -> bpflink_status {
    let body = |set: &mut ProgramSet| {
        // SAFETY: NULL or a string.
        let map = unsafe { string(map, "map") }?;
        set.set.set_map_fd(&Name::new(map.to_bytes()), fd)
    };
    // SAFETY: NULL or a live set; NULL or a place for an error.
    unsafe { change(programs, error, body) }
}

/// The object's BTF as the target accepts it, for BPF_BTF_LOAD: what the type ids
/// in func_info, line_info and map definitions count in. Returns its bytes and
/// writes their number to `size`; NULL and 0 before finalize, and where the object
/// or the target has no BTF.
///
/// It holds what all programs of the set need; only a finalize that chooses a function
/// that was no program before may add types, behind those that are there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_programs_btf(
    programs: *const bpflink_programs,
    size: *mut usize,
) -> *const std::ffi::c_void {
    // SAFETY: NULL or a live set; NULL or a place for a size.
    let btf = unsafe { query(programs, None, |set| set.set.btf()) };
    unsafe { write(size, btf.map_or(0, <[u8]>::len)) };
    btf.map_or(std::ptr::null(), |btf| btf.as_ptr().cast())
}

/// The contents that a map starts with, by its number in the object: those of
/// `bpflink_object_map`, and of `.kconfig` what finalize found on the target. Returns
/// the bytes and writes their number to `size`; NULL and 0 for a map that starts empty
/// or all zeros. They are the map's first value, but of an arena (BPF_MAP_TYPE_ARENA) the
/// global variables in it, which the loader copies to `bpflink_programs_map_contents_offset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_programs_map_contents(
    programs: *const bpflink_programs,
    map: usize,
    size: *mut usize,
) -> *const std::ffi::c_void {
    // SAFETY: NULL or a live set; NULL or a place for a size.
    let contents = unsafe { query(programs, None, |set| set.set.map_contents(map)) };
    unsafe { write(size, contents.map_or(0, <[u8]>::len)) };
    contents.map_or(std::ptr::null(), |contents| contents.as_ptr().cast())
}

/// Where in a map its contents go, bytes: 0, but for an arena with global variables. They lie
/// in its last pages, as libbpf places them, or on kernels before 7.0 in its first; finalize
/// decides for its target (pages of CONFIG_PAGE_SHIFT, else of 4096 bytes). The loader
/// creates the arena with the `max_entries` of `bpflink_object_map`, maps it, and copies
/// the contents to this offset before it loads programs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_programs_map_contents_offset(
    programs: *const bpflink_programs,
    map: usize,
) -> u64 {
    // SAFETY: NULL or a live set.
    unsafe { query(programs, 0, |set| set.set.map_contents_offset(map)) }
}

/// Number of warnings so far; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_programs_warning_count(
    programs: *const bpflink_programs,
) -> usize {
    // SAFETY: NULL or a live set.
    unsafe { query(programs, 0, |set| set.set.warnings().len()) }
}

/// One warning, or NULL. Borrowed until the set is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_programs_warning(
    programs: *const bpflink_programs,
    index: usize,
) -> *const c_char {
    let body = |set: &ProgramSet| {
        let texts = || set.set.warnings().iter().map(|w| c_text(w)).collect();
        let warnings: &Vec<_> = set.warnings.get_or_init(texts);
        warnings
            .get(index)
            .map_or(std::ptr::null(), |text| text.as_ptr())
    };
    // SAFETY: NULL or a live set.
    unsafe { query(programs, std::ptr::null(), body) }
}

/// Frees a program set; NULL is fine. What was borrowed from it ends here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_programs_free(programs: *mut bpflink_programs) {
    // SAFETY: NULL or a live set that the caller gives up.
    unsafe { free(programs) }
}
