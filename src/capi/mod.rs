//! The C ABI: one file for all pointer handling, one file for each C type.
//!
//! A function here is *arguments → safe call → result*, nothing else. The rules
//! that every function keeps stand in docs/c-api.md and at the head of the header.

// The names are C's; the rules for pointers are the same everywhere and stand
// once, at the head of the header, instead of below each function.
#![allow(non_camel_case_types, clippy::missing_safety_doc)]

mod attach;
mod btf;
mod error;
mod feature;
mod jump_table;
mod link;
mod log;
mod map;
mod names;
mod object;
mod options;
mod pointer;
mod program;
mod program_details;
mod programs;
mod status;
mod stream;
mod struct_ops;
mod target;
mod version;

pub use self::{
    attach::*, btf::*, error::*, feature::*, jump_table::*, link::*, log::*, map::*, names::*,
    object::*, options::*, program::*, program_details::*, programs::*, status::*, stream::*,
    struct_ops::*, target::*, version::*,
};
