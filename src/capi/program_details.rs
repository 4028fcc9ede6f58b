//! What a program is made of: functions, references, relocations.

use std::ffi::{CString, c_char};

use super::error::{c_name, c_text};
use super::pointer::{SizeFirst, describe, query};
use super::programs::{ProgramSet, bpflink_programs};
use super::status::bpflink_status;
use crate::link::core::{CoreKind, Outcome};
use crate::link::{Program, ReferenceKind};
use crate::name::Name;

/// A function of a program's stream.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_function_info {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// Its name.
    pub name: *const c_char,
    /// Its first instruction slot in the program.
    pub insn: u32,
    /// Its length in slots.
    pub insn_count: u32,
}

/// A map's file descriptor goes into `imm`.
pub const BPFLINK_REF_MAP_FD: u32 = 0;
/// A map's file descriptor goes into `imm`; the offset stands in the next slot's.
pub const BPFLINK_REF_MAP_VALUE: u32 = 1;
/// A kernel function.
pub const BPFLINK_REF_KFUNC: u32 = 2;
/// A kernel variable's address.
pub const BPFLINK_REF_KSYM: u32 = 3;
/// A kernel variable's BTF type id.
pub const BPFLINK_REF_BTF_ID: u32 = 4;
/// A symbol that nobody is known to define.
pub const BPFLINK_REF_UNKNOWN: u32 = 5;
/// A table of indirect jumps: the file descriptor of the map that the loader makes of it
/// (`bpflink_program_jump_table`) goes into `imm`.
pub const BPFLINK_REF_JUMP_TABLE: u32 = 6;

const _: () = {
    assert!(BPFLINK_REF_MAP_FD == ReferenceKind::MapFd as u32);
    assert!(BPFLINK_REF_MAP_VALUE == ReferenceKind::MapValue as u32);
    assert!(BPFLINK_REF_KFUNC == ReferenceKind::Kfunc as u32);
    assert!(BPFLINK_REF_KSYM == ReferenceKind::Ksym as u32);
    assert!(BPFLINK_REF_BTF_ID == ReferenceKind::BtfId as u32);
    assert!(BPFLINK_REF_UNKNOWN == ReferenceKind::Unknown as u32);
    assert!(BPFLINK_REF_JUMP_TABLE == ReferenceKind::JumpTable as u32);
};

/// What an instruction refers to outside its program.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_reference_info {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// The ELF symbol's name, or the data section's. Of a variable of the arena it is the
    /// arena's, of a table of indirect jumps `.jumptables`.
    pub name: *const c_char,
    /// The module that defines it; empty for the kernel itself and for maps.
    pub module: *const c_char,
    /// For `BPFLINK_REF_MAP_VALUE`, the offset into the value, bytes (for an arena, after
    /// finalize, into the arena); for `BPFLINK_REF_JUMP_TABLE`, into the table.
    pub offset: i64,
    /// The instruction slot in the program.
    pub insn: u32,
    /// `BPFLINK_REF_*`.
    pub kind: u32,
    /// 1 where nothing is left for the loader to fill, else 0.
    pub resolved: u32,
    /// The map's number in its object, for references to maps; the table's in its program,
    /// for `BPFLINK_REF_JUMP_TABLE` after finalize; else 0.
    pub map: u32,
    /// For a kernel function or typed variable that was found, its type id in the BTF of
    /// the kernel or of `module`; else 0.
    pub type_id: u32,
    /// For a function of a module, the index in fd_array of BPF_PROG_LOAD where the file
    /// descriptor of the module's BTF goes (the first is 1); else 0.
    pub fd_array_index: u32,
}

/// The instruction has a new value.
pub const BPFLINK_OUTCOME_PATCHED: u32 = 0;
/// The value was already right.
pub const BPFLINK_OUTCOME_UNCHANGED: u32 = 1;
/// The target lacks it, and the relocation asked just that: the value is 0.
pub const BPFLINK_OUTCOME_ABSENT: u32 = 2;
/// The target lacks it: the instruction became a call that no kernel accepts.
pub const BPFLINK_OUTCOME_POISONED: u32 = 3;

const _: () = {
    assert!(BPFLINK_OUTCOME_PATCHED == Outcome::Patched as u32);
    assert!(BPFLINK_OUTCOME_UNCHANGED == Outcome::Unchanged as u32);
    assert!(BPFLINK_OUTCOME_ABSENT == Outcome::Absent as u32);
    assert!(BPFLINK_OUTCOME_POISONED == Outcome::Poisoned as u32);
};

/// What one CO-RE relocation did.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_relocation_info {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// The local type and access, as `struct task_struct.pid (0:58)`.
    pub local: *const c_char,
    /// The same of the target, or NULL where it has none.
    pub target: *const c_char,
    /// Why it was poisoned or absent, or NULL.
    pub reason: *const c_char,
    /// The instruction's value as the compiler wrote it.
    pub old_value: i64,
    /// Its value now; 0 for a poisoned one.
    pub new_value: i64,
    /// The instruction slot in the program.
    pub insn: u32,
    /// The kernel's `enum bpf_core_relo_kind` (linux/bpf.h).
    pub kind: u32,
    /// `BPFLINK_OUTCOME_*`.
    pub outcome: u32,
    /// 0; no meaning yet.
    pub flags: u32,
    /// The module whose BTF `target_type_id` counts in; NULL for vmlinux, and where nothing
    /// stands for the local type.
    pub module: *const c_char,
    /// The type of the target that answered; 0 where none did.
    pub target_type_id: u32,
    /// The type of the object's BTF that the access starts at.
    pub local_type_id: u32,
}

// SAFETY: pointers and integers, their size first.
unsafe impl SizeFirst for bpflink_function_info {}
// SAFETY: as above.
unsafe impl SizeFirst for bpflink_reference_info {}
// SAFETY: as above.
unsafe impl SizeFirst for bpflink_relocation_info {}

/// A relocation as C sees it.
pub struct RelocationTexts {
    local: CString,
    target: Option<CString>,
    reason: Option<CString>,
    old: i64,
    new: i64,
    insn: u32,
    kind: CoreKind,
    outcome: Outcome,
    module: Option<Name>,
    target_type: u32,
    local_type: u32,
}

fn relocation_texts(program: &Program) -> Vec<RelocationTexts> {
    let texts = |relocation: crate::link::ProgramRelocation<'_>| RelocationTexts {
        local: c_text(&relocation.report.local_text()),
        target: relocation.report.target_text().map(|text| c_text(&text)),
        reason: relocation.report.reason().map(|text| c_text(&text)),
        old: relocation.report.old,
        new: relocation.report.new,
        insn: relocation.insn,
        kind: relocation.report.kind,
        outcome: relocation.report.outcome,
        module: relocation.report.target_module().cloned(),
        target_type: relocation.report.target_type().unwrap_or_default(),
        local_type: relocation.report.local_type(),
    };
    program.relocations().map(texts).collect()
}

/// Number of functions of a program: 1 before flatten; 0 where there is no such program.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_program_function_count(
    programs: *const bpflink_programs,
    index: usize,
) -> usize {
    let body = |set: &ProgramSet| set.program(index).map_or(0, |(p, _)| p.functions().count());
    // SAFETY: NULL or a live set.
    unsafe { query(programs, 0, body) }
}

/// One function of a program, in the order of the stream, the entry first. Its name
/// is borrowed until the set is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_program_function(
    programs: *const bpflink_programs,
    index: usize,
    number: usize,
    info: *mut bpflink_function_info,
) -> bpflink_status {
    let body = |set: &ProgramSet| {
        let (program, view) = set.program(index)?;
        let functions = view.functions.get_or_init(|| program.functions().collect());
        let function = functions.get(number)?;
        Some(bpflink_function_info {
            size: 0,
            name: function.name.as_c_str().as_ptr(),
            insn: function.insn,
            insn_count: function.len,
        })
    };
    // SAFETY: NULL or a live set; NULL or a struct as large as it says.
    unsafe { describe(programs, info, body) }
}

/// Number of references of a program to maps and externs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_program_reference_count(
    programs: *const bpflink_programs,
    index: usize,
) -> usize {
    let body = |set: &ProgramSet| references(set, index).map_or(0, <[_]>::len);
    // SAFETY: NULL or a live set.
    unsafe { query(programs, 0, body) }
}

/// One reference of a program, in the order of the stream. Its strings are borrowed
/// until the set is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_program_reference(
    programs: *const bpflink_programs,
    index: usize,
    number: usize,
    info: *mut bpflink_reference_info,
) -> bpflink_status {
    let body = |set: &ProgramSet| {
        let reference = references(set, index)?.get(number)?;
        Some(bpflink_reference_info {
            size: 0,
            name: reference.name.as_c_str().as_ptr(),
            module: reference.module.as_c_str().as_ptr(),
            offset: reference.offset,
            insn: reference.insn,
            kind: reference.kind as u32,
            resolved: u32::from(reference.resolved),
            map: reference.map.or(reference.jump_table).unwrap_or(0),
            type_id: reference.type_id,
            fd_array_index: u32::from(reference.fd_array_index),
        })
    };
    // SAFETY: NULL or a live set; NULL or a struct as large as it says.
    unsafe { describe(programs, info, body) }
}

fn references(set: &ProgramSet, index: usize) -> Option<&[crate::link::ProgramReference]> {
    let (program, view) = set.program(index)?;
    Some(view.references.get_or_init(|| program.references()))
}

/// Number of CO-RE relocations of a program; 0 before relocate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_program_relocation_count(
    programs: *const bpflink_programs,
    index: usize,
) -> usize {
    let body = |set: &ProgramSet| {
        set.program(index)
            .map_or(0, |(p, _)| p.relocations().count())
    };
    // SAFETY: NULL or a live set.
    unsafe { query(programs, 0, body) }
}

/// What one CO-RE relocation did, in the order of the stream. The strings are
/// borrowed until the set is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_program_relocation(
    programs: *const bpflink_programs,
    index: usize,
    number: usize,
    info: *mut bpflink_relocation_info,
) -> bpflink_status {
    let body = |set: &ProgramSet| {
        let (program, view) = set.program(index)?;
        let texts = view.relocations.get_or_init(|| relocation_texts(program));
        texts.get(number).map(describe_relocation)
    };
    // SAFETY: NULL or a live set; NULL or a struct as large as it says.
    unsafe { describe(programs, info, body) }
}

fn describe_relocation(texts: &RelocationTexts) -> bpflink_relocation_info {
    let RelocationTexts {
        local,
        target,
        reason,
        old,
        new,
        insn,
        kind,
        outcome,
        module,
        target_type,
        local_type,
    } = texts;
    let optional = |text: &Option<CString>| text.as_ref().map_or(std::ptr::null(), |t| t.as_ptr());
    bpflink_relocation_info {
        size: 0,
        local: local.as_ptr(),
        target: optional(target),
        reason: optional(reason),
        old_value: *old,
        new_value: *new,
        insn: *insn,
        kind: *kind as u32,
        outcome: *outcome as u32,
        flags: 0,
        module: c_name(module.as_ref()),
        target_type_id: *target_type,
        local_type_id: *local_type,
    }
}
