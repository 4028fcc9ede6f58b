//! Files packed by gzip (RFC 1952), as a whole in memory.

use std::io;

use super::inflate::{cut, damaged, inflate};

/// What each member of a file begins with.
const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The only way of packing that there is.
const DEFLATE: u8 = 8;
// Flags: what stands between the fixed header and the packed bytes.
const HEADER_SUM: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b111 << 5;

/// Whether this is a packed file at all.
pub(super) fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// All members of a file, which must come to `limit` bytes at most; what stands behind the last one
/// is none of it.
pub(super) fn unpack(mut packed: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    let (mut text, crc32) = (Vec::new(), Crc32::new());
    while is_packed(packed) {
        packed = member(packed, &crc32, &mut text, limit)?;
    }
    Ok(text)
}

/// Adds the text of one member; what stands behind it.
fn member<'p>(
    packed: &'p [u8],
    crc32: &Crc32,
    text: &mut Vec<u8>,
    limit: usize,
) -> io::Result<&'p [u8]> {
    let start = text.len();
    let behind = inflate(behind_header(packed, crc32)?, text, limit)?;
    let unpacked = text.get(start..).unwrap_or_default();
    let (sum, behind) = word(behind)?;
    let (len, behind) = word(behind)?;
    // The length is told in 32 bits, whatever it is.
    match (sum, len) == (crc32.of(unpacked), unpacked.len() as u32) {
        true => Ok(behind),
        false => Err(damaged()),
    }
}

/// What follows the header of a member.
fn behind_header<'p>(packed: &'p [u8], crc32: &Crc32) -> io::Result<&'p [u8]> {
    let (&[.., method, flags, _, _, _, _, _, _], mut rest) =
        packed.split_first_chunk::<10>().ok_or_else(cut)?;
    if method != DEFLATE || flags & RESERVED != 0 {
        return Err(io::Error::other("it is packed in an unknown way"));
    }
    if flags & EXTRA != 0 {
        let (len, extra) = half(rest)?;
        rest = extra.get(usize::from(len)..).ok_or_else(cut)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|&byte| byte == 0).ok_or_else(cut)?;
            rest = rest.get(end + 1..).ok_or_else(cut)?;
        }
    }
    if flags & HEADER_SUM == 0 {
        return Ok(rest);
    }
    let header = packed.get(..packed.len() - rest.len()).unwrap_or_default();
    let (sum, rest) = half(rest)?;
    // Of the header's sum only the lower half is told.
    match u32::from(sum) == crc32.of(header) & 0xffff {
        true => Ok(rest),
        false => Err(io::Error::other("its header is damaged")),
    }
}

fn word(bytes: &[u8]) -> io::Result<(u32, &[u8])> {
    let (word, rest) = bytes.split_first_chunk().ok_or_else(cut)?;
    Ok((u32::from_le_bytes(*word), rest))
}

fn half(bytes: &[u8]) -> io::Result<(u16, &[u8])> {
    let (half, rest) = bytes.split_first_chunk().ok_or_else(cut)?;
    Ok((u16::from_le_bytes(*half), rest))
}

/// The checksum of ISO 3309, four bytes a step: what a byte adds to the sum, that many bytes
/// before the last one. Made anew for each file, because it takes less time than to read it from
/// the file of the library.
struct Crc32([[u32; 256]; 4]);

impl Crc32 {
    fn new() -> Crc32 {
        const POLYNOMIAL: u32 = 0xedb8_8320;
        let of_byte =
            |byte: usize| (0..8).fold(byte as u32, |sum, _| (sum >> 1) ^ (POLYNOMIAL * (sum & 1)));
        let mut tables = [std::array::from_fn(of_byte); 4];
        for (table, byte) in (1..4).flat_map(|table| (0..256).map(move |byte| (table, byte))) {
            let sum = tables[table - 1][byte];
            tables[table][byte] = (sum >> 8) ^ tables[0][(sum & 0xff) as usize];
        }
        Crc32(tables)
    }

    fn of(&self, bytes: &[u8]) -> u32 {
        let look = |table: usize, byte: u32| self.0[table][(byte & 0xff) as usize];
        let (words, rest) = bytes.as_chunks();
        let mut sum = !0;
        for word in words {
            sum ^= u32::from_le_bytes(*word);
            sum = look(3, sum) ^ look(2, sum >> 8) ^ look(1, sum >> 16) ^ look(0, sum >> 24);
        }
        for &byte in rest {
            sum = look(0, sum ^ u32::from(byte)) ^ (sum >> 8);
        }
        !sum
    }
}

#[cfg(test)]
mod tests {
    use super::{Crc32, unpack};
    use flate2::write::GzEncoder;
    use flate2::{Compression, GzBuilder};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::io::Write;

    #[test]
    fn the_checksum_of_the_digits() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(Crc32::new().of(b"123456789"), 0xcbf4_3926);
        assert_eq!(Crc32::new().of(b""), 0);
    }

    #[test]
    fn whatever_the_header_holds() {
        let whole = |flags: u8, header: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(b"text").unwrap();
            let plain = encoder.finish().unwrap();
            let mut bytes = [&plain[..10], header, &plain[10..]].concat();
            bytes[3] = flags;
            bytes
        };
        let sum = |flags: u8, header: &[u8]| {
            let bytes = whole(flags, header);
            let sum = Crc32::new().of(&bytes[..10 + header.len()]) as u16;
            whole(flags, &[header, &sum.to_le_bytes()].concat())
        };
        for good in [
            whole(0, b""),
            whole(1, b""), // said to be text, which is the same
            whole(4, b"\x03\0abc"),
            whole(8, b"name\0"),
            whole(16, b"comment\0"),
            whole(28, b"\0\0name\0comment\0"),
            sum(2, b""),
            sum(30, b"\x01\0anamex\0comment\0"),
        ] {
            assert_eq!(unpack(&good, 4).unwrap(), b"text", "{good:x?}");
        }
        let mut method = whole(0, b"");
        method[2] = 7;
        let absent = [&whole(0, b"")[..3], &[8], &[b'n'; 20]].concat();
        for bad in [
            method,
            absent,
            whole(32, b""),
            whole(2, b"\x12\x34"),
            whole(4, b"\xff\xffabc"),
        ] {
            assert!(unpack(&bad, 4).is_err(), "{bad:x?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_out(
            texts in vec(vec(0..9u8, 0..3000), 1..4), level in 0..10u32, name in "[a-z]{0,9}",
        ) {
            let mut packed = Vec::new();
            for text in &texts {
                let builder = GzBuilder::new().filename(name.as_bytes()).extra(&text[..text.len().min(9)]);
                let mut encoder = builder.write(packed, Compression::new(level));
                encoder.write_all(text).unwrap();
                packed = encoder.finish().unwrap();
            }
            let text = texts.concat();
            prop_assert_eq!(unpack(&packed, text.len()).unwrap(), &text[..]);
            if let Some(less) = text.len().checked_sub(1) {
                prop_assert!(unpack(&packed, less).is_err());
            }
        }
    }
}
