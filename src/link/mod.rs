//! The link stages behind open: split, flatten, relocate, finalize.

#![forbid(unsafe_code)]

pub mod core;
mod error;

pub use error::LinkError;
