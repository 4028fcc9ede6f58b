//! The link stages behind open: split, flatten, relocate, finalize.
//!
//! A [`Programs`] set goes through them; each stage computes all its results
//! before it modifies anything, and a program that a stage cannot serve is
//! marked with its error while the others go on.

#![forbid(unsafe_code)]

mod attach;
mod budget;
pub mod core;
mod defects;
mod error;
mod externs;
mod finalize;
mod flatten;
mod functions;
mod kernel_type;
mod lines;
mod linker;
#[cfg(test)]
mod modules_test;
mod program;
mod programs;
mod reference;
mod relocate;
mod split;
mod struct_ops;

pub use attach::AttachTarget;
pub use error::LinkError;
pub use externs::KconfigError;
pub use finalize::FinalizeOptions;
pub use lines::ProgramLine;
pub use linker::Linker;
pub use program::{InfoBytes, Program, ProgramFunction, ProgramJumpTable, ProgramRelocation};
pub use programs::{Choice, Programs};
pub use reference::{ProgramReference, ReferenceKind};
pub use struct_ops::{KernelMember, KernelStructOps, StructOpsError, StructOpsMember};
