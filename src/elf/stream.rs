//! An instruction stream before it is cut: one executable section, or one raw array.

use super::{AttachSpec, ElfError, InfoTable, ProgramType, TableRange};
use crate::btf::TypeId;
use crate::insn::Insn;
use crate::name::Name;

/// Instructions in a row with all that the file says about them.
///
/// All positions are instruction slots from the start of the stream.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// The section's name; for a raw array, the name that the caller gave.
    pub section: Name,
    /// What programs of this section are, by its name.
    pub program_type: ProgramType,
    /// Where programs of this section attach, by its name.
    pub attach: AttachSpec,
    /// The instructions.
    pub insns: Vec<Insn>,
    /// The functions, sorted by their start.
    pub symbols: Vec<Symbol>,
    /// What instructions refer to, sorted by instruction, at most one each.
    pub references: Vec<Reference>,
    /// CO-RE relocations, sorted by instruction, at most one each.
    pub core_relocations: Vec<CoreRelocation>,
    /// One record for each function that has one.
    pub func_info: InfoTable,
    /// Records of source lines.
    pub line_info: InfoTable,
    /// What is wrong with single instructions, sorted by instruction.
    pub defects: Vec<Defect>,
}

/// Something wrong with one instruction: programs that contain it cannot be
/// linked, all others can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// The slot of the instruction.
    pub insn: u32,
    /// The number of the relocation or `.BTF.ext` record in its section.
    pub record: Option<u32>,
    /// What is wrong.
    pub error: ElfError,
}

/// A function of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: Name,
    /// Its first slot.
    pub start: u32,
    /// Slots; `None` where the symbol has no size and reaches to the next one.
    pub len: Option<u32>,
    /// How far it is visible.
    pub binding: Binding,
    /// Whether it is hidden from other objects (STV_HIDDEN, STV_INTERNAL).
    pub hidden: bool,
    /// Whether it is a program of its own: not in `.text`, and not static.
    pub entry: bool,
}

/// How far an ELF symbol is visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// STB_LOCAL: static in its file.
    Local,
    /// STB_GLOBAL.
    Global,
    /// STB_WEAK.
    Weak,
}

/// Where a function starts: functions are known by place, never by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionAddress {
    /// Index of the stream in its object.
    pub stream: u32,
    /// Slot in the stream.
    pub insn: u32,
}

/// What one instruction (a call or an `ld_imm64`) refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The slot of the instruction; of an `ld_imm64`, the first one.
    pub insn: u32,
    /// What it refers to.
    pub target: ReferenceTarget,
}

/// The other end of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceTarget {
    /// A function of this object, called or its address taken.
    Function(FunctionAddress),
    /// A map, by its index in the object.
    Map(u32),
    /// The value of a map with one entry (a data section).
    MapValue {
        /// The map's index in the object.
        map: u32,
        /// Offset into the value, bytes; of an arena, into its global variables.
        offset: u32,
    },
    /// A table of indirect jumps, a piece of the object's [`JumpTables`](super::JumpTables).
    JumpTable {
        /// Which piece.
        table: TableRange,
        /// What the instruction adds to its start, bytes.
        offset: u32,
    },
    /// A symbol defined elsewhere, by its index in the object's externs.
    Extern {
        /// The extern's index.
        index: u32,
        /// What the instruction adds to its address.
        addend: i64,
    },
}

/// One CO-RE relocation record (`struct bpf_core_relo`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreRelocation {
    /// The slot of the instruction to patch.
    pub insn: u32,
    /// The local type that the access starts at.
    pub type_id: TypeId,
    /// Offset of the access string in the object's BTF strings.
    pub access: u32,
    /// The record's kind, a `BPF_CORE_*` of linux/bpf.h, as the file says it.
    pub kind: u32,
    /// The number of the record in its section of the file.
    pub record: u32,
}
