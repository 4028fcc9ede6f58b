//! Variables of `.struct_ops`: what a loader registers with the kernel.

use std::cell::OnceCell;
use std::ffi::{c_char, c_void};

use super::error::{bpflink_error, c_name};
use super::pointer::{SizeFirst, describe, query};
use super::programs::{ProgramSet, bpflink_programs};
use super::status::{BPFLINK_OK, bpflink_status};
use crate::elf::StructOps;
use crate::error::Result;
use crate::link::{KernelStructOps, StructOpsMember};

/// Its section is `.struct_ops.link`: the map has BPF_F_LINK, and a link registers it.
pub const BPFLINK_STRUCT_OPS_LINK: u32 = 0x1;
/// Its section begins with `?`: it is registered only when asked for.
pub const BPFLINK_STRUCT_OPS_OPTIONAL: u32 = 0x2;
/// The target cannot take it; `bpflink_programs_struct_ops_error` says why.
pub const BPFLINK_STRUCT_OPS_FAILED: u32 = 0x4;

/// What BPF_MAP_CREATE of a BPF_MAP_TYPE_STRUCT_OPS (key_size 4, max_entries 1, the
/// object's own BTF in btf_fd) and BPF_MAP_UPDATE_ELEM of its entry 0 need. What the target has to say is 0, NULL or
/// empty before finalize and for a variable that failed. Borrowed until the set is
/// changed or freed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_struct_ops_info {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// The variable's name, which is the map's.
    pub name: *const c_char,
    /// The section that defines it.
    pub section: *const c_char,
    /// The struct's name in the object, with its `___flavour`.
    pub local_type: *const c_char,
    /// The kernel's struct.
    pub kernel_type: *const c_char,
    /// The module whose BTF has the kernel's types: its file descriptor is the map's
    /// value_type_btf_obj_fd, with BPF_F_VTYPE_BTF_OBJ_FD in map_flags. Empty for vmlinux.
    pub module: *const c_char,
    /// The value in the kernel's layout and the object's byte order. Where it holds a
    /// program, zeros: `bpflink_programs_struct_ops_member` says where which program's
    /// file descriptor goes.
    pub value: *const c_void,
    /// Bytes of `value`: value_size of the map.
    pub value_size: usize,
    /// Number of members of the struct in the object.
    pub member_count: usize,
    /// `BPFLINK_STRUCT_OPS_LINK` and the like.
    pub flags: u32,
    /// Type id of the struct in the object's BTF.
    pub local_type_id: u32,
    /// Type id of the kernel's struct.
    pub kernel_type_id: u32,
    /// Type id of `struct bpf_struct_ops_NAME`: btf_vmlinux_value_type_id of the map.
    pub value_type_id: u32,
    /// Where in the value the struct starts, bytes.
    pub data_offset: u32,
    /// The status of its failure, or 0.
    pub status: bpflink_status,
}

/// One member of a `struct_ops` variable. Borrowed until the set is changed or freed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bpflink_struct_ops_member {
    /// Size of this struct in bytes, set by the caller.
    pub size: usize,
    /// Its name; empty for an anonymous one.
    pub name: *const c_char,
    /// The program that it holds, or NULL. Its file descriptor goes to `kernel_offset`,
    /// as an integer of `kernel_size` bytes in the target's byte order.
    pub program: *const c_char,
    /// Bytes in the object's struct.
    pub local_size: u64,
    /// Bytes in the kernel's.
    pub kernel_size: u64,
    /// Where in the object's struct it starts, bytes.
    pub local_offset: u32,
    /// Where in the map's value it starts, bytes.
    pub kernel_offset: u32,
    /// Its number in the kernel's struct: expected_attach_type of its program.
    pub kernel_index: u32,
    /// 1 where the kernel's struct has it; 0 for a zero member that it lacks.
    pub in_kernel: u32,
}

// SAFETY: pointers and integers, their size first.
unsafe impl SizeFirst for bpflink_struct_ops_info {}
// SAFETY: as above.
unsafe impl SizeFirst for bpflink_struct_ops_member {}

/// What C borrows of the variables until the set changes.
#[derive(Default)]
pub struct StructOpsView {
    errors: OnceCell<Vec<Option<bpflink_error>>>,
}

impl StructOpsView {
    fn errors(&self, set: &ProgramSet) -> &[Option<bpflink_error>] {
        self.errors.get_or_init(|| {
            let made = set.set.struct_ops().iter();
            made.map(|made| made.as_ref().err().cloned().map(bpflink_error::new))
                .collect()
        })
    }
}

/// Number of `struct_ops` variables of the set's object; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_programs_struct_ops_count(
    programs: *const bpflink_programs,
) -> usize {
    // SAFETY: NULL or a live set.
    unsafe { query(programs, 0, |set| set.set.object().struct_ops().len()) }
}

/// Describes one `struct_ops` variable, for the target once finalize is done.
///
/// A variable that the target cannot take fails neither the call nor any program:
/// the others may be registered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_programs_struct_ops(
    programs: *const bpflink_programs,
    index: usize,
    info: *mut bpflink_struct_ops_info,
) -> bpflink_status {
    let body = |set: &ProgramSet| {
        let variable = set.set.object().struct_ops().get(index)?;
        Some(describe_variable(variable, set.set.struct_ops().get(index)))
    };
    // SAFETY: NULL or a live set; NULL or a struct as large as it says.
    unsafe { describe(programs, info, body) }
}

fn describe_variable(
    variable: &StructOps,
    made: Option<&Result<KernelStructOps>>,
) -> bpflink_struct_ops_info {
    let flag = |set: bool, flag: u32| if set { flag } else { 0 };
    let error = made.and_then(|made| made.as_ref().err());
    let kernel = made.and_then(|made| made.as_ref().ok());
    let number = |of: fn(&KernelStructOps) -> u32| kernel.map_or(0, of);
    bpflink_struct_ops_info {
        size: 0,
        name: variable.name.as_c_str().as_ptr(),
        section: variable.section.as_c_str().as_ptr(),
        local_type: variable.type_name.as_c_str().as_ptr(),
        kernel_type: kernel.map_or(c"".as_ptr(), |k| k.type_name.as_c_str().as_ptr()),
        module: kernel.map_or(c"".as_ptr(), |k| k.module.as_c_str().as_ptr()),
        value: kernel.map_or(std::ptr::null(), |k| k.value.as_ptr().cast()),
        value_size: kernel.map_or(0, |k| k.value.len()),
        member_count: kernel.map_or(0, |k| k.members.len()),
        flags: flag(variable.link, BPFLINK_STRUCT_OPS_LINK)
            | flag(variable.optional, BPFLINK_STRUCT_OPS_OPTIONAL)
            | flag(error.is_some(), BPFLINK_STRUCT_OPS_FAILED),
        local_type_id: variable.type_id,
        kernel_type_id: number(|k| k.type_id),
        value_type_id: number(|k| k.value_type_id),
        data_offset: number(|k| k.data_offset),
        status: error.map_or(BPFLINK_OK, |e| e.status() as bpflink_status),
    }
}

/// Why the target cannot take a variable, or NULL. Borrowed until the set is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_programs_struct_ops_error(
    programs: *const bpflink_programs,
    index: usize,
) -> *const bpflink_error {
    let body = |set: &ProgramSet| {
        let found = set.struct_ops.errors(set).get(index);
        found
            .and_then(Option::as_ref)
            .map_or(std::ptr::null(), |error| &raw const *error)
    };
    // SAFETY: NULL or a live set.
    unsafe { query(programs, std::ptr::null(), body) }
}

/// One member of a `struct_ops` variable, in the order of the object's struct; there
/// after finalize.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpflink_programs_struct_ops_member(
    programs: *const bpflink_programs,
    index: usize,
    number: usize,
    info: *mut bpflink_struct_ops_member,
) -> bpflink_status {
    let body = |set: &ProgramSet| {
        let made = set.set.struct_ops().get(index)?.as_ref().ok()?;
        Some(describe_member(set, made.members.get(number)?))
    };
    // SAFETY: NULL or a live set; NULL or a struct as large as it says.
    unsafe { describe(programs, info, body) }
}

fn describe_member(set: &ProgramSet, member: &StructOpsMember) -> bpflink_struct_ops_member {
    let StructOpsMember {
        name,
        offset,
        size,
        program,
        kernel,
    } = member;
    let program = program.and_then(|address| set.set.object().function_name(address));
    bpflink_struct_ops_member {
        size: 0,
        name: name.as_c_str().as_ptr(),
        program: c_name(program),
        local_size: *size,
        kernel_size: kernel.map_or(0, |k| k.size),
        local_offset: *offset,
        kernel_offset: kernel.map_or(0, |k| k.offset),
        kernel_index: kernel.map_or(0, |k| k.index),
        in_kernel: u32::from(kernel.is_some()),
    }
}
