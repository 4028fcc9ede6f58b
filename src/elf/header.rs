//! The ELF header: is this a relocatable object for BPF at all?

use object::Endianness;
use object::elf::{self, FileHeader64};
use object::read::elf::FileHeader;

use super::fault::{Result, malformed, unsupported};

pub(super) type Header = FileHeader64<Endianness>;

/// The header of a file that can be read here.
pub(super) fn file_header(data: &[u8]) -> Result<&Header> {
    check_ident(data)?;
    let header = Header::parse(data)
        .map_err(|_| malformed(format!("an ELF header of only {} bytes", data.len())))?;
    let endian = header.endian().map_err(|e| malformed(e.to_string()))?;
    match header.e_machine(endian) {
        elf::EM_BPF | elf::EM_NONE => {}
        other => {
            return Err(unsupported(format!(
                "an ELF file for machine {}, not for BPF (247)",
                other.0
            )));
        }
    }
    match header.e_type(endian) {
        elf::ET_REL => Ok(header),
        other => Err(unsupported(format!(
            "an ELF file of type {}, not a relocatable object (1)",
            other.0
        ))),
    }
}

/// The first bytes of the file: magic, class, byte order, version.
fn check_ident(data: &[u8]) -> Result<()> {
    match *data.first_chunk::<16>().unwrap_or(&[0; 16]) {
        [0x7f, b'E', b'L', b'F', 2, 1 | 2, 1, ..] => Ok(()),
        [0x7f, b'E', b'L', b'F', 1, ..] => {
            Err(unsupported("a 32-bit ELF file; BPF objects are 64-bit"))
        }
        [0x7f, b'E', b'L', b'F', 2, 1 | 2, version, ..] => Err(unsupported(format!(
            "an ELF file of version {version}, not 1"
        ))),
        [0x7f, b'E', b'L', b'F', class, order, ..] => Err(malformed(format!(
            "an ELF file of unknown class {class} or byte order {order}"
        ))),
        _ => Err(malformed("not an ELF file")),
    }
}
