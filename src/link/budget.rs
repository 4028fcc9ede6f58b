//! A limit on what the programs of one object take.
//!
//! Each program gets its own copy of every function that it reaches: ten thousand
//! small functions, each of which is a program and calls the next, are a file of half
//! a megabyte and programs of four gigabytes.

use super::LinkError;
use super::functions::Function;
use crate::elf::Object;

/// Bytes for all programs of an object, roughly. The largest real ones take some ten
/// megabytes.
const LIMIT: u64 = 512 << 20;

/// Bytes of one copy, roughly, with all that the stages add: of a function …
const PER_FUNCTION: u64 = 64;
/// … of a slot: the instruction, its bytes …
const PER_SLOT: u64 = 24;
/// … of a reference to a map or an extern …
const PER_REFERENCE: u64 = 96;
/// … of a CO-RE relocation and its report …
const PER_RELOCATION: u64 = 256;
/// … of a line_info record.
const PER_LINE: u64 = 32;

/// What is left for the programs of one object.
pub(super) struct Budget {
    left: u64,
}

impl Budget {
    pub fn new() -> Budget {
        Budget { left: LIMIT }
    }

    /// Takes the bytes of one more copy of a function.
    pub fn take(&mut self, bytes: u64) -> Result<(), LinkError> {
        self.left = self
            .left
            .checked_sub(bytes)
            .ok_or(LinkError::TooLarge(LIMIT >> 20))?;
        Ok(())
    }
}

/// The bytes of one copy of `function`.
pub(super) fn cost(function: &Function, object: &Object) -> u64 {
    let lines = function.stream(object).map_or(0, |stream| {
        stream.line_info.within(function.slots()).count()
    });
    // None of these counts comes near 2^32: each counts what takes bytes of the file.
    PER_FUNCTION
        + PER_SLOT * u64::from(function.len)
        + PER_REFERENCE * function.references(object).len() as u64
        + PER_RELOCATION * function.core_relocations(object).len() as u64
        + PER_LINE * lines as u64
}
