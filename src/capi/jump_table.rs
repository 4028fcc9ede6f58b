//! Tables of indirect jumps.

use std::ffi::c_char;

use super::pointer::{SizeFirst, describe, query};
use super::programs::{ProgramSet, bpflink_programs};
use super::status::bpflink_status;

/// A table of the indirect jumps (`gotox`) of a program, out of the object's section
/// `.jumptables`. The loader makes a map of it, for this program alone:
/// BPF_MAP_TYPE_INSN_ARRAY, keys of 4 bytes, values of `struct bpf_insn_array_value`,
/// `target_count` entries, each with its slot in `orig_off`. It freezes the map
/// and puts its file descriptor into `imm` of each of `insns` before it loads the program.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_jump_table_info {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// The ELF symbol's name, as `BPF.JT.0.0`; the section's where it has none.
    pub name: *const c_char,
    /// The instruction slots of the program that the entries lead to, in order.
    pub targets: *const u32,
    /// The instruction slots of the program that load the table's address, in order:
    /// the first slots of 64-bit loads.
    pub insns: *const u32,
    /// Number of `targets`.
    pub target_count: u32,
    /// Number of `insns`.
    pub insn_count: u32,
}

// SAFETY: pointers and integers, its size first.
unsafe impl SizeFirst for bpflink_jump_table_info {}

/// Number of tables of indirect jumps of a program; 0 before finalize, and where there
/// is no such program.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_program_jump_table_count(
    programs: *const bpflink_programs,
    index: usize,
) -> usize {
    let body = |set: &ProgramSet| set.program(index).map_or(0, |(p, _)| p.jump_tables().len());
    // SAFETY: NULL or a live set.
    unsafe { query(programs, 0, body) }
}

/// One table of indirect jumps of a program, in the order of their first use. A
/// reference of kind `BPFLINK_REF_JUMP_TABLE` has its number in `map`. What it points to
/// is borrowed until the set is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_program_jump_table(
    programs: *const bpflink_programs,
    index: usize,
    number: usize,
    info: *mut bpflink_jump_table_info,
) -> bpflink_status {
    let body = |set: &ProgramSet| {
        let (program, _) = set.program(index)?;
        let table = program.jump_tables().get(number)?;
        Some(bpflink_jump_table_info {
            size: 0,
            name: table.name.as_c_str().as_ptr(),
            targets: table.targets.as_ptr(),
            insns: table.insns.as_ptr(),
            // Entries take eight bytes of the file each, and instructions too.
            target_count: table.targets.len() as u32,
            insn_count: table.insns.len() as u32,
        })
    };
    // SAFETY: NULL or a live set; NULL or a struct as large as it says.
    unsafe { describe(programs, info, body) }
}
