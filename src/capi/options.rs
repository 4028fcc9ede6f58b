//! Options of the link stages.

use std::ffi::{c_char, c_void};

use super::log::{Log, bpflink_log_fn};
use super::pointer::{SizeFirst, read_options, slice, string};
use crate::error::{Cause, Result};
use crate::link::core::CoreOptions;
use crate::link::{Choice, FinalizeOptions};
use crate::name::Name;

/// relocate: an instruction that would be poisoned fails its program instead.
pub const BPFLINK_POISON_IS_ERROR: u64 = 0x1;
/// relocate: choose among candidates as strictly as libbpf does: relocation by relocation,
/// all that match must agree.
pub const BPFLINK_LIBBPF_CANDIDATES: u64 = 0x2;
/// finalize: leave references to maps without a file descriptor; they stay listed
/// for the loader to fill. (`bpflink_link` always does.)
pub const BPFLINK_LEAVE_MAP_REFERENCES: u64 = 0x4;

const fn known_flags() -> u64 {
    BPFLINK_POISON_IS_ERROR | BPFLINK_LIBBPF_CANDIDATES | BPFLINK_LEAVE_MAP_REFERENCES
}

/// How to link. One struct serves all stages; each looks at what concerns it.
/// All zero but the size, or no struct at all, means the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_link_options {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// `BPFLINK_POISON_IS_ERROR` and the like.
    pub flags: u64,
    /// Names of the programs to work on; NULL for all entry programs.
    pub programs: *const *const c_char,
    /// Number of `programs`.
    pub program_count: usize,
    /// Called with warnings; NULL for none.
    pub log: bpflink_log_fn,
    /// Passed to `log`.
    pub log_context: *mut c_void,
}

// SAFETY: integers, pointers and an optional function, its size first.
unsafe impl SizeFirst for bpflink_link_options {}

/// The same as Rust values.
pub(super) struct LinkOptions {
    pub core: CoreOptions,
    pub finalize: FinalizeOptions,
    pub programs: Option<Vec<Name>>,
    pub log: Log,
}

impl LinkOptions {
    /// Reads and checks what the caller passed.
    pub unsafe fn read(pointer: *const bpflink_link_options) -> Result<LinkOptions> {
        // SAFETY: the caller passes NULL or options as large as they say.
        let Some(options) = (unsafe { read_options(pointer, "bpflink_link_options") })? else {
            return Ok(LinkOptions::default());
        };
        let bpflink_link_options {
            size: _,
            flags,
            programs,
            program_count,
            log,
            log_context,
        } = options;
        refuse_unknown_flags("bpflink_link_options", flags, known_flags())?;
        let has = |flag| flags & flag != 0;
        Ok(LinkOptions {
            core: CoreOptions {
                poison_is_error: has(BPFLINK_POISON_IS_ERROR),
                libbpf_candidates: has(BPFLINK_LIBBPF_CANDIDATES),
            },
            finalize: FinalizeOptions {
                leave_map_references: has(BPFLINK_LEAVE_MAP_REFERENCES),
            },
            // SAFETY: the caller passes so many strings.
            programs: unsafe { names(programs, program_count) }?,
            log: Log {
                callback: log,
                context: log_context,
            },
        })
    }

    /// The programs to work on.
    pub fn choice(&self) -> Choice<'_> {
        self.programs.as_deref().map_or(Choice::All, Choice::Named)
    }
}

impl Default for LinkOptions {
    fn default() -> LinkOptions {
        LinkOptions {
            core: CoreOptions::default(),
            finalize: FinalizeOptions::default(),
            programs: None,
            log: Log {
                callback: None,
                context: std::ptr::null_mut(),
            },
        }
    }
}

unsafe fn names(programs: *const *const c_char, count: usize) -> Result<Option<Vec<Name>>> {
    if programs.is_null() && count == 0 {
        return Ok(None);
    }
    // SAFETY: the caller passes so many strings.
    let pointers = unsafe { slice(programs, count, "programs") }?;
    let name = |&pointer: &*const c_char| {
        // SAFETY: as above.
        unsafe { string(pointer, "a program's name") }.map(|s| Name::new(s.to_bytes()))
    };
    pointers.iter().map(name).collect::<Result<_>>().map(Some)
}

/// A flag of a newer version must not be ignored silently.
pub(super) fn refuse_unknown_flags(what: &str, flags: u64, known: u64) -> Result<()> {
    match flags & !known {
        0 => Ok(()),
        unknown => Err(Cause::Argument(format!("{what}: unknown flags {unknown:#x}")).into()),
    }
}
