//! Why a link stage fails.

use super::StructOpsError;
use super::core::CoreError;
use crate::error::Status;
use crate::name::Name;

/// Why a stream cannot be split, or a program not linked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// A stream without instructions.
    #[error("the instruction stream is empty")]
    EmptyStream,
    /// Instructions before the first symbol.
    #[error("the instruction stream does not start with a symbol: {}", first_symbol(.first))]
    NoSymbolAtStart {
        /// The first symbol, and its slot.
        first: Option<(Name, u32)>,
    },
    /// A symbol that a stream has twice.
    #[error("the symbol {name} is repeated: at instruction {first} and at instruction {second}")]
    RepeatedSymbol {
        /// Its name.
        name: Name,
        /// Where it was first.
        first: u32,
        /// Where it is again.
        second: u32,
    },
    /// Two functions that share instructions.
    #[error("the functions {first} and {second} overlap at instruction {insn}")]
    Overlap {
        /// The function that starts first.
        first: Name,
        /// The one that starts inside it.
        second: Name,
        /// The slot where it starts.
        insn: u32,
    },
    /// A function past the end of its stream.
    #[error("the function {name} ends at instruction {end}, the stream has {len}")]
    PastEnd {
        /// Its name.
        name: Name,
        /// One past its last slot.
        end: u64,
        /// Slots of the stream.
        len: usize,
    },
    /// A function without instructions.
    #[error("the function {name} has no instructions")]
    EmptyFunction {
        /// Its name.
        name: Name,
    },
    /// A 64-bit load of which a function has only the first half.
    #[error("the function {name} ends inside a 64-bit immediate load")]
    CutLoad {
        /// Its name.
        name: Name,
    },
    /// A CO-RE relocation cannot be applied.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// A `struct_ops` variable cannot be made for the target.
    #[error(transparent)]
    StructOps(#[from] StructOpsError),
    /// CO-RE relocations without BTF to explain them.
    #[error("CO-RE relocations, but the object has no BTF")]
    NoLocalBtf,
    /// A call or address of a function that is not where it should be.
    #[error("reference to section {section}, instruction {insn}: no function starts there")]
    NoFunction {
        /// The section's name.
        section: Name,
        /// The slot that is referred to.
        insn: u32,
    },
    /// A function of the object that is not part of the program.
    #[error(
        "reference to function {name}, which the program does not contain: it was not flattened"
    )]
    NotFlattened {
        /// The function.
        name: Name,
    },
    /// A map that the loader neither created nor was asked to fill.
    #[error("map {name} has no file descriptor")]
    UnresolvedMap {
        /// The map.
        name: Name,
    },
    /// A symbol that nobody defines.
    #[error("undefined {what} {name}: {why}")]
    UnresolvedExtern {
        /// `function`, `kernel function`, …
        what: &'static str,
        /// The symbol.
        name: Name,
        /// Where it was looked for.
        why: String,
    },
    /// A reference at an instruction that cannot hold one.
    #[error("reference to {name} at an instruction (opcode {code:#04x}) that cannot refer to it")]
    NotReferring {
        /// What is referred to.
        name: Name,
        /// The opcode there.
        code: u8,
    },
    /// An offset added to something that has none.
    #[error("reference to {name} with the offset {addend}, which its address cannot carry")]
    Addend {
        /// What is referred to.
        name: Name,
        /// The offset, bytes.
        addend: i64,
    },
    /// Global variables of an arena that is too small for them.
    #[error(
        "map {map}: {size} bytes of variables do not fit into an arena of {pages} pages of {page_size} bytes"
    )]
    ArenaTooSmall {
        /// The arena.
        map: Name,
        /// Bytes of `.addr_space.1`.
        size: u64,
        /// The arena's `max_entries`.
        pages: u32,
        /// Bytes of a page on the target.
        page_size: u64,
    },
    /// An entry of a jump table that the jump must not follow.
    #[error("jump table {table}: entry {entry}, at offset {offset} of section {section}, {why}")]
    JumpTarget {
        /// The table.
        table: Name,
        /// Number of the entry.
        entry: usize,
        /// The section that it leads into.
        section: Name,
        /// Where in the section, bytes.
        offset: u64,
        /// What is wrong there.
        why: &'static str,
    },
    /// More modules than a call can tell apart.
    #[error("the program calls functions of too many modules")]
    TooManyModules,
    /// A program of more instructions than an offset can span.
    #[error("the program has {0} instructions, more than can be addressed")]
    TooLong(u64),
    /// Functions that are copied into more programs than memory is given for.
    #[error("the programs up to this one, with all that they call, take more than {0} MiB")]
    TooLarge(u64),
}

fn first_symbol(first: &Option<(Name, u32)>) -> String {
    match first {
        Some((name, insn)) => format!("the first, {name}, stands at instruction {insn}"),
        None => "it has none".to_owned(),
    }
}

impl LinkError {
    pub(crate) fn errno(&self) -> Option<i32> {
        match self {
            LinkError::Core(error) => error.errno(),
            _ => None,
        }
    }

    pub(crate) fn status(&self) -> Status {
        match self {
            LinkError::EmptyStream
            | LinkError::NoSymbolAtStart { .. }
            | LinkError::RepeatedSymbol { .. }
            | LinkError::Overlap { .. }
            | LinkError::PastEnd { .. }
            | LinkError::EmptyFunction { .. }
            | LinkError::CutLoad { .. }
            | LinkError::ArenaTooSmall { .. }
            | LinkError::JumpTarget { .. }
            | LinkError::TooLong(_)
            | LinkError::TooLarge(_) => Status::Elf,
            LinkError::Core(error) => error.status(),
            LinkError::NoLocalBtf => Status::Btf,
            LinkError::NoFunction { .. }
            | LinkError::NotFlattened { .. }
            | LinkError::UnresolvedMap { .. }
            | LinkError::UnresolvedExtern { .. }
            | LinkError::Addend { .. }
            | LinkError::TooManyModules
            | LinkError::StructOps(_)
            | LinkError::NotReferring { .. } => Status::Unresolved,
        }
    }
}
