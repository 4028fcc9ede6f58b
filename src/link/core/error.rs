//! Why a CO-RE relocation cannot be applied.

use std::fmt;

use crate::btf::{BtfError, Kind, TypeId};
use crate::error::Status;
use crate::target::TargetError;

/// A relocation that fails its program: what it asked for, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreError {
    pub(super) relocation: Option<String>,
    pub(super) fault: CoreFault,
}

impl CoreError {
    /// What it asked for (`byte offset of struct task_struct.pid`), where that could be read.
    pub fn relocation(&self) -> Option<&str> {
        self.relocation.as_deref()
    }

    /// What is wrong.
    pub fn fault(&self) -> &CoreFault {
        &self.fault
    }

    pub(crate) fn status(&self) -> Status {
        match &self.fault {
            CoreFault::Target(error) => error.status(),
            _ => Status::Relocation,
        }
    }

    pub(crate) fn errno(&self) -> Option<i32> {
        match &self.fault {
            CoreFault::Target(error) => error.errno(),
            _ => None,
        }
    }
}

impl From<CoreFault> for CoreError {
    fn from(fault: CoreFault) -> CoreError {
        CoreError {
            relocation: None,
            fault,
        }
    }
}

impl fmt::Display for CoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.relocation {
            Some(relocation) => write!(f, "{relocation}: {}", self.fault),
            None => self.fault.fmt(f),
        }
    }
}

impl std::error::Error for CoreError {}

/// What is wrong with a relocation, its instruction or a type that it needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoreFault {
    /// A kind that linux/bpf.h does not name.
    #[error("unknown CO-RE relocation kind {0}")]
    UnknownKind(u32),

    // The record and its place.
    /// Another record at the same instruction.
    #[error("a second CO-RE relocation of the same instruction (the first is record {first})")]
    Duplicate {
        /// The number of the record that came first.
        first: u32,
    },
    /// A record whose instruction is not in its function.
    #[error("slot {insn} of the section does not lie in the function ({start}, {len} slots)")]
    OutsideFunction {
        /// The slot, counted from the start of the section.
        insn: u32,
        /// First slot of the function.
        start: u32,
        /// Slots of the function.
        len: usize,
    },
    /// A record at the second slot of an `ld_imm64`.
    #[error("the slot is the second half of an ld_imm64")]
    SecondSlot,
    /// An instruction that has no value which a relocation could replace.
    #[error(
        "opcode {code:#04x} cannot be relocated: no load, store, ld_imm64 or arithmetic with an immediate"
    )]
    NotPatchable {
        /// The opcode.
        code: u8,
    },
    /// An `ld_imm64` without second slot, or one that carries a reference already.
    #[error("the ld_imm64 is incomplete or carries something else than a number")]
    WideForm,
    /// The instruction does not hold the value that the object's BTF gives.
    #[error("the instruction has {found}, the object's BTF says {expected}")]
    Unexpected {
        /// In the instruction.
        found: i64,
        /// By the object's BTF.
        expected: i64,
    },
    /// An offset that a load or store cannot hold.
    #[error("offset {0} does not fit into a load or store (at most 32767)")]
    OffsetRange(u64),
    /// A value that an immediate cannot hold.
    #[error("{0} does not fit into a 32-bit immediate")]
    ImmediateRange(i64),

    // The access string and the local type.
    /// An access string that is no list of indices.
    #[error("access string {0:?} is no list of indices")]
    Access(String),
    /// A negative index.
    #[error("access string {0:?} has a negative index")]
    AccessNegative(String),
    /// An index beyond 32 bits.
    #[error("access string {0:?} has an index that overflows")]
    AccessOverflow(String),
    /// More levels than any relocation may have.
    #[error("the access has more than {max} levels", max = super::spec::MAX_LEVELS)]
    TooManyLevels,
    /// The access string of a relocation that is about a whole type is not `0`.
    #[error("access string {0:?} of a relocation about a whole type is not \"0\"")]
    AccessIntoType(String),
    /// A root type that cannot be looked up by name and kind.
    #[error("type [{id}] is {kind}: a relocation cannot start there")]
    RootKind {
        /// Its id in the object's BTF.
        id: TypeId,
        /// Its kind.
        kind: Kind,
    },
    /// A root type without a name.
    #[error("type [{id}] has no name to look for")]
    Anonymous {
        /// Its id in the object's BTF.
        id: TypeId,
    },
    /// A relocation about an enum's value whose root is no enum.
    #[error("type [{id}] is {kind}, not an enum")]
    NotEnum {
        /// Its id.
        id: TypeId,
        /// Its kind.
        kind: Kind,
    },
    /// An index past the last value, member or element.
    #[error("index {index} is past the {count} {what} of type [{id}]")]
    IndexPastEnd {
        /// The index.
        index: u32,
        /// How many there are.
        count: u32,
        /// `values`, `members` or `elements`.
        what: &'static str,
        /// The enum, struct, union or array.
        id: TypeId,
    },
    /// An access into something that has no parts.
    #[error("the access goes into type [{id}], which is {kind}")]
    NoParts {
        /// The type.
        id: TypeId,
        /// Its kind.
        kind: Kind,
    },
    /// An offset that overflows.
    #[error("the offset of the field overflows")]
    OffsetOverflow,
    /// A bitfield of a type that no load can read.
    #[error("the bitfield is declared with type [{id}], {kind} of {size} bytes")]
    BitfieldType {
        /// Its type.
        id: TypeId,
        /// The type's kind.
        kind: Kind,
        /// The type's size.
        size: u32,
    },
    /// A field that eight bytes cannot hold.
    #[error("the field ({bits} bits at bit {offset}) cannot be read by one load of 64 bits")]
    TooWide {
        /// Its first bit.
        offset: u64,
        /// Its width.
        bits: u64,
    },

    // Types of either side.
    /// BTF that is malformed or lacks something.
    #[error(transparent)]
    Btf(#[from] BtfError),
    /// Types nested deeper than this library (and the kernel) follows.
    #[error("types are nested deeper than {0} levels")]
    TooDeep(usize),
    /// Types whose comparison takes more work than any real type does.
    #[error("the types are too complex to be compared")]
    TooComplex,

    // The target.
    /// An object for machines of another kind.
    #[error("the object and the target kernel differ in byte order")]
    ByteOrder,
    /// The target's BTF cannot be had.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Something is wrong with a candidate of the target.
    #[error("{candidate}: {fault}")]
    Candidate {
        /// The type: `struct sock [id 4711] of vmlinux`.
        candidate: String,
        /// What is wrong with it.
        fault: Box<CoreFault>,
    },
    /// Several types of the target would serve equally well, with different results.
    #[error("ambiguous: {first}, but {second}")]
    Ambiguous {
        /// One candidate and what it gives.
        first: String,
        /// Another one.
        second: String,
    },
    /// What the instruction needs is not there, and the caller wants that to be an error.
    #[error("{0}")]
    Missing(String),
}
