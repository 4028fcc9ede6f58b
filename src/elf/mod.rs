//! Open: what an object file says, and nothing about any machine.
//!
//! The only user of the `object` crate. Everything that a file can say ends in
//! an [`Object`]; the later stages never see a byte of the file.

#![forbid(unsafe_code)]

mod error;
mod extern_symbol;
mod info;
mod map;
mod model;
mod program_type;
mod stream;

pub use error::ElfError;
pub use extern_symbol::{Extern, ExternKind};
pub use info::InfoTable;
pub use map::{Map, MapDefinition, MapEntry, MapOrigin, Pinning};
pub use model::Object;
pub use program_type::ProgramType;
pub use stream::{
    Binding, CoreRelocation, FunctionAddress, Reference, ReferenceTarget, Stream, Symbol,
};
