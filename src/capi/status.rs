//! Status codes.

use crate::error::Status;

/// What a function returns: 0 (`BPFLINK_OK`) or one of the `BPFLINK_E_*` codes,
/// all positive. The numbers are never reused; later versions may add some.
pub type bpflink_status = u32;

/// All went well.
pub const BPFLINK_OK: u32 = 0;
/// An argument that the call does not allow: NULL, an unknown flag, a wrong size.
pub const BPFLINK_E_INVALID_ARGUMENT: u32 = 1;
/// A call that the handle's state does not allow: a stage called twice, say.
pub const BPFLINK_E_INVALID_STATE: u32 = 2;
/// The operating system refused to read something; the error's errno says why.
pub const BPFLINK_E_IO: u32 = 3;
/// The object file is malformed.
pub const BPFLINK_E_ELF: u32 = 4;
/// BTF or .BTF.ext is malformed, or lacks what is needed.
pub const BPFLINK_E_BTF: u32 = 5;
/// Something valid that this library does not do: RELA, compressed sections.
pub const BPFLINK_E_UNSUPPORTED: u32 = 6;
/// A program, map or symbol of that name or number does not exist.
pub const BPFLINK_E_NOT_FOUND: u32 = 7;
/// A CO-RE relocation cannot be applied.
pub const BPFLINK_E_RELOCATION: u32 = 8;
/// A reference to a function, map or extern that nobody satisfied.
pub const BPFLINK_E_UNRESOLVED: u32 = 9;
/// A defect of this library; the handle that was used refuses further use.
pub const BPFLINK_E_INTERNAL: u32 = 10;

const _: () = {
    assert!(BPFLINK_E_INVALID_ARGUMENT == Status::InvalidArgument as u32);
    assert!(BPFLINK_E_INVALID_STATE == Status::InvalidState as u32);
    assert!(BPFLINK_E_IO == Status::Io as u32);
    assert!(BPFLINK_E_ELF == Status::Elf as u32);
    assert!(BPFLINK_E_BTF == Status::Btf as u32);
    assert!(BPFLINK_E_UNSUPPORTED == Status::Unsupported as u32);
    assert!(BPFLINK_E_NOT_FOUND == Status::NotFound as u32);
    assert!(BPFLINK_E_RELOCATION == Status::Relocation as u32);
    assert!(BPFLINK_E_UNRESOLVED == Status::Unresolved as u32);
    assert!(BPFLINK_E_INTERNAL == Status::Internal as u32);
};
