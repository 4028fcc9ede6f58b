//! What the instructions of a program refer to, as a loader sees it.

use super::Program;
use super::finalize::kind_of;
use super::functions::{Function, FunctionId};
use crate::btf::TypeId;
use crate::elf::ReferenceTarget;
use crate::name::Name;

/// The section of tables of indirect jumps.
pub(super) const JUMP_TABLES: &str = ".jumptables";

/// A reference of a program that is not to one of its own functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramReference {
    /// The slot in the program.
    pub insn: u32,
    /// What kind of thing it refers to.
    pub kind: ReferenceKind,
    /// The ELF symbol's name, or the section's: of a variable of the arena the arena's, as
    /// that is the map; of a table of indirect jumps `.jumptables`.
    pub name: Name,
    /// For [`ReferenceKind::MapValue`], the offset into the value, bytes: of a variable of the
    /// arena, once finalized, from the start of the arena. For
    /// [`ReferenceKind::JumpTable`], the offset into the table.
    pub offset: i64,
    /// The module that defines it; empty for vmlinux and for maps.
    pub module: Name,
    /// The map's index in its object, for references to maps.
    pub map: Option<u32>,
    /// For a table of indirect jumps, its number among those of the program, once finalized.
    pub jump_table: Option<u32>,
    /// For a kernel function or a typed kernel variable that was found, its type id in
    /// the BTF of vmlinux or of `module`.
    pub type_id: TypeId,
    /// For a function of a module, the index in `fd_array` of BPF_PROG_LOAD where the
    /// loader puts the BTF file descriptor of `module`; the first is 1.
    pub fd_array_index: u16,
    /// Whether nothing is left for the loader to fill.
    pub resolved: bool,
}

/// What a reference refers to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum ReferenceKind {
    /// A map's file descriptor goes into the immediate.
    MapFd = 0,
    /// A map's file descriptor, and an offset into its first value in the second slot.
    MapValue = 1,
    /// A kernel function.
    Kfunc = 2,
    /// A kernel variable.
    Ksym = 3,
    /// A type id of a kernel variable, and its module's BTF file descriptor.
    BtfId = 4,
    /// A symbol that nobody is known to define.
    Unknown = 5,
    /// A table of indirect jumps: the file descriptor of the map that the loader makes of it
    /// goes into the immediate.
    JumpTable = 6,
}

impl ReferenceKind {
    /// Its name: `map_fd`, `map_value`, `kfunc`, `ksym`, `btf_id`, `unknown`,
    /// `jump_table`.
    pub fn name(self) -> &'static str {
        match self {
            ReferenceKind::MapFd => "map_fd",
            ReferenceKind::MapValue => "map_value",
            ReferenceKind::Kfunc => "kfunc",
            ReferenceKind::Ksym => "ksym",
            ReferenceKind::BtfId => "btf_id",
            ReferenceKind::Unknown => "unknown",
            ReferenceKind::JumpTable => "jump_table",
        }
    }
}

/// All references of a program's functions to maps and externs, none of them resolved yet.
pub(super) fn references_of<'a>(
    program: &Program,
    placed: impl Iterator<Item = (u32, FunctionId, &'a Function)>,
) -> Vec<ProgramReference> {
    let mut found = Vec::new();
    for (start, _, function) in placed {
        for reference in function.references(&program.object) {
            let (kind, offset) = match reference.target {
                ReferenceTarget::Function(_) => continue,
                ReferenceTarget::Map(_) => (ReferenceKind::MapFd, 0),
                ReferenceTarget::MapValue { offset, .. } => {
                    (ReferenceKind::MapValue, i64::from(offset))
                }
                ReferenceTarget::JumpTable { offset, .. } => {
                    (ReferenceKind::JumpTable, i64::from(offset))
                }
                ReferenceTarget::Extern { index, addend } => (extern_kind(program, index), addend),
            };
            found.push(ProgramReference {
                insn: start.saturating_add(reference.insn.saturating_sub(function.address.insn)),
                kind,
                name: match reference.target {
                    ReferenceTarget::JumpTable { .. } => Name::from(JUMP_TABLES),
                    _ => program.target_name(&reference.target),
                },
                offset,
                module: Name::default(),
                type_id: 0,
                fd_array_index: 0,
                map: match reference.target {
                    ReferenceTarget::Map(map) | ReferenceTarget::MapValue { map, .. } => Some(map),
                    _ => None,
                },
                jump_table: None,
                resolved: false,
            });
        }
    }
    found
}

fn extern_kind(program: &Program, index: u32) -> ReferenceKind {
    let symbol = program.object.externs().get(index as usize);
    kind_of(symbol.map(|symbol| symbol.kind))
}
