//! bpflink: an eBPF linker.
//!
//! Turns a compiled BPF object into exactly what a loader hands to `bpf(2)`:
//! open → split → flatten → relocate → finalize.

pub mod btf;
pub mod bytes;
#[cfg(feature = "capi")]
pub mod capi;
pub mod elf;
pub mod error;
pub mod feature;
pub mod insn;
pub mod link;
mod lookup;
pub mod name;
mod order;
pub mod target;

pub use elf::Object;
pub use error::{Error, Result, Status};
pub use link::{Linker, Program, Programs};
pub use name::Name;
pub use target::Target;
