//! A limit on what the variables of one object take: many small variables of large
//! types would multiply a file.

use super::StructOpsError;
use crate::name::Name;

/// The kernel takes 64 to 256 members of one struct.
const MAX_MEMBERS: u32 = 1024;
/// The largest real value is some kilobytes.
const MAX_VALUE: u32 = 1 << 20;
/// Members and bytes for all variables of an object together.
const ALL_MEMBERS: u64 = 1 << 20;
const ALL_BYTES: u64 = 64 << 20;

/// What is left for the variables of one object.
pub(super) struct Budget {
    members: u64,
    bytes: u64,
}

impl Budget {
    pub fn new() -> Budget {
        Budget {
            members: ALL_MEMBERS,
            bytes: ALL_BYTES,
        }
    }

    /// Takes the members of one struct.
    pub fn take(&mut self, name: &Name, count: u32) -> Result<(), StructOpsError> {
        let left = self.members.checked_sub(count.into());
        match left.filter(|_| count <= MAX_MEMBERS) {
            Some(left) => self.members = left,
            None => return Err(too_large(name, count, "members")),
        }
        Ok(())
    }

    /// Takes the bytes of one value.
    pub fn take_bytes(&mut self, name: &Name, size: u32) -> Result<(), StructOpsError> {
        let left = self.bytes.checked_sub(size.into());
        match left.filter(|_| size <= MAX_VALUE) {
            Some(left) => self.bytes = left,
            None => return Err(too_large(name, size, "bytes")),
        }
        Ok(())
    }
}

fn too_large(name: &Name, count: u32, what: &'static str) -> StructOpsError {
    StructOpsError::TooLarge {
        name: name.clone(),
        count: count.into(),
        what,
    }
}
