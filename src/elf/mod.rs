//! Open: what an object file says, and nothing about any machine.
//!
//! The only user of the `object` crate. Everything that a file can say ends in
//! an [`Object`]; the later stages never see a byte of the file.

#![forbid(unsafe_code)]

mod attach;
mod btf_index;
mod btf_layout;
mod btf_section;
mod data;
mod error;
mod exceptions;
mod extern_symbol;
mod externs;
mod fault;
mod file;
mod header;
mod info;
mod jump_tables;
mod kconfig;
mod map;
mod map_entries;
mod maps_btf;
mod maps_legacy;
mod model;
mod open;
mod pointers;
mod program_type;
mod raw_stream;
mod read;
mod record_homes;
mod records;
mod relocations;
mod section_names;
mod sections;
mod stream;
mod struct_ops;
mod symbols;
mod targets;

pub use attach::{AttachKind, AttachSpec};
pub use btf_section::{BtfSectionError, BtfSections, ReadAt, btf_sections, is_elf};
pub use error::ElfError;
pub use extern_symbol::{Extern, ExternKind};
pub use info::InfoTable;
pub use jump_tables::{JumpTables, JumpTarget, TableRange};
pub use kconfig::{KconfigKind, KconfigSlot};
pub use map::{Map, MapDefinition, MapEntry, MapOrigin, Pinning};
pub use model::Object;
pub use program_type::ProgramType;
pub use raw_stream::{RawReference, RawStream};
pub use read::MAX_FILE_SIZE;
pub use stream::{
    Binding, CoreRelocation, Defect, FunctionAddress, Reference, ReferenceTarget, Stream, Symbol,
};
pub use struct_ops::{StructOps, StructOpsFunction};
