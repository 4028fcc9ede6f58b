//! One program of a set.

use std::cell::OnceCell;
use std::ffi::{c_char, c_int, c_void};

use super::attach::AttachView;
use super::error::{bpflink_error, c_name};
use super::pointer::{SizeFirst, describe, look, query, write};
use super::program_details::RelocationTexts;
use super::programs::{ProgramSet, bpflink_programs};
use super::status::{BPFLINK_E_INVALID_ARGUMENT, BPFLINK_OK, bpflink_status};
use crate::insn::INSN_SIZE;
use crate::link::{InfoBytes, Program, ProgramFunction, ProgramReference};

/// A program's section begins with `?`: it is loaded only when asked for. So is a program
/// of `struct_ops` that no variable holds, or only variables of `?` sections.
pub const BPFLINK_PROGRAM_OPTIONAL: u32 = 0x1;
/// A stage could not serve the program; `bpflink_program_error` says why.
pub const BPFLINK_PROGRAM_FAILED: u32 = 0x2;
/// finalize is done: the instructions are ready for bpf(2), but for what
/// `bpflink_program_reference` lists as unresolved.
pub const BPFLINK_PROGRAM_FINALIZED: u32 = 0x4;
/// Programs of this type have an expected attach type.
pub const BPFLINK_PROGRAM_HAS_ATTACH_TYPE: u32 = 0x8;

/// What a loader passes to BPF_PROG_LOAD. All pointers are borrowed until the set
/// is changed or freed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_program_info {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// The name of the entry function.
    pub name: *const c_char,
    /// The ELF section that it was defined in.
    pub section: *const c_char,
    /// What the object's section `license` says, or NULL.
    pub license: *const c_char,
    /// The instructions as far as the stages have come, in the object's byte order
    /// and the layout of `struct bpf_insn` (8 bytes each).
    pub insns: *const bpf_insn,
    /// Number of instruction slots.
    pub insn_count: usize,
    /// func_info records, or NULL; there after finalize.
    pub func_info: *const c_void,
    /// line_info records, or NULL; there after finalize.
    pub line_info: *const c_void,
    /// Number of func_info records.
    pub func_info_count: u32,
    /// Bytes of one func_info record.
    pub func_info_rec_size: u32,
    /// Number of line_info records.
    pub line_info_count: u32,
    /// Bytes of one line_info record.
    pub line_info_rec_size: u32,
    /// BPF_PROG_TYPE_*, by the section's name; 0 where that is not known.
    pub r#type: u32,
    /// expected_attach_type, by the section's name; of a `struct_ops` program the number of
    /// its member, once finalize found it; see `BPFLINK_PROGRAM_HAS_ATTACH_TYPE`.
    pub attach_type: u32,
    /// prog_flags for the load (BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS), by the section's name.
    pub load_flags: u32,
    /// `BPFLINK_PROGRAM_OPTIONAL` and the like.
    pub flags: u32,
    /// The kernel version of the object's section `version`, or 0.
    pub kernel_version: u32,
    /// The status of the stage that failed, or 0.
    pub status: bpflink_status,
}

// SAFETY: pointers and integers, its size first.
unsafe impl SizeFirst for bpflink_program_info {}

/// One instruction slot; linux/bpf.h defines it.
#[repr(C, align(4))]
pub struct bpf_insn([u8; INSN_SIZE]);

impl bpf_insn {
    pub(super) fn bytes(&self) -> &[u8; INSN_SIZE] {
        &self.0
    }
}

/// What C borrows of a program until the set changes, made when it is asked for.
#[derive(Default)]
pub struct ProgramView {
    insns: OnceCell<Box<[bpf_insn]>>,
    error: OnceCell<Option<bpflink_error>>,
    pub(super) attach: OnceCell<AttachView>,
    pub(super) functions: OnceCell<Vec<ProgramFunction>>,
    pub(super) references: OnceCell<Vec<ProgramReference>>,
    pub(super) relocations: OnceCell<Vec<RelocationTexts>>,
}

impl ProgramView {
    /// The instructions where they are, and how many: those of a finalized program are final
    /// already.
    fn insns(&self, program: &Program, set: &ProgramSet) -> (*const bpf_insn, usize) {
        let bytes = program.bytes().unwrap_or_default();
        let first: *const bpf_insn = bytes.as_ptr().cast();
        match bytes.is_empty() {
            // Every allocator's memory is aligned; only nobody promises it for bytes.
            false if first.is_aligned() => (first, bytes.len() / INSN_SIZE),
            _ => {
                let insns = self.insns.get_or_init(|| encoded(program, set));
                (insns.as_ptr(), insns.len())
            }
        }
    }

    fn error(&self, program: &Program) -> Option<&bpflink_error> {
        let make = || program.error().cloned().map(bpflink_error::new);
        self.error.get_or_init(make).as_ref()
    }
}

fn encoded(program: &Program, set: &ProgramSet) -> Box<[bpf_insn]> {
    let endian = set.set.object().endian();
    let insns = program.instructions().iter();
    insns.map(|insn| bpf_insn(insn.encode(endian))).collect()
}

fn records(info: &InfoBytes) -> *const c_void {
    match info.bytes.is_empty() {
        true => std::ptr::null(),
        false => info.bytes.as_ptr().cast(),
    }
}

/// Describes one program.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_programs_get(
    programs: *const bpflink_programs,
    index: usize,
    info: *mut bpflink_program_info,
) -> bpflink_status {
    // SAFETY: NULL or a live set; NULL or a struct as large as it says.
    unsafe { describe(programs, info, |set| describe_program(set, index)) }
}

fn describe_program(set: &ProgramSet, index: usize) -> Option<bpflink_program_info> {
    let (program, view) = set.program(index)?;
    let (insns, insn_count) = view.insns(program, set);
    let (func_info, line_info) = (program.func_info(), program.line_info());
    let program_type = program.program_type();
    let flag = |set: bool, flag: u32| if set { flag } else { 0 };
    Some(bpflink_program_info {
        size: 0,
        name: program.name().as_c_str().as_ptr(),
        section: program.section().as_c_str().as_ptr(),
        license: c_name(set.set.object().license()),
        insns,
        insn_count,
        func_info: records(func_info),
        line_info: records(line_info),
        func_info_count: func_info.count() as u32,
        func_info_rec_size: func_info.record_size as u32,
        line_info_count: line_info.count() as u32,
        line_info_rec_size: line_info.record_size as u32,
        r#type: program_type.program_type,
        attach_type: program_type.attach_type.unwrap_or(0),
        load_flags: program_type.flags,
        flags: flag(program_type.optional, BPFLINK_PROGRAM_OPTIONAL)
            | flag(program.error().is_some(), BPFLINK_PROGRAM_FAILED)
            | flag(program.bytes().is_some(), BPFLINK_PROGRAM_FINALIZED)
            | flag(
                program_type.attach_type.is_some(),
                BPFLINK_PROGRAM_HAS_ATTACH_TYPE,
            ),
        kernel_version: set.set.object().version().unwrap_or(0),
        status: program
            .error()
            .map_or(BPFLINK_OK, |e| e.status() as bpflink_status),
    })
}

/// Why a program cannot be linked, or NULL where it stands. Borrowed until the set
/// is changed or freed: not to be freed by the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_program_error(
    programs: *const bpflink_programs,
    index: usize,
) -> *const bpflink_error {
    let body = |set: &ProgramSet| {
        let found = set
            .program(index)
            .and_then(|(program, view)| view.error(program));
        found.map_or(std::ptr::null(), |error| &raw const *error)
    };
    // SAFETY: NULL or a live set.
    unsafe { query(programs, std::ptr::null(), body) }
}

/// Whether the program's instructions refer to functions of the object (calls or
/// addresses), or a function is its exception callback: whether flatten has something
/// to append. Writes 1 or 0 to `answer`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_has_function_references(
    programs: *const bpflink_programs,
    index: usize,
    answer: *mut c_int,
) -> bpflink_status {
    if answer.is_null() {
        return BPFLINK_E_INVALID_ARGUMENT;
    }
    let body = |set: &ProgramSet| set.program(index).map(|(p, _)| p.has_function_references());
    // SAFETY: NULL or a live set; a place for an answer.
    match unsafe { look(programs, body) } {
        Ok(has) => {
            unsafe { write(answer, c_int::from(has)) };
            BPFLINK_OK
        }
        Err(status) => status,
    }
}
