//! DEFLATE (RFC 1951), from memory to memory.

use std::io;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// Bytes of text that there is room for at first; when it is full there is as much again. Little,
/// because a file may have a million streams of nothing.
const ROOM: usize = 1 << 10;

/// Adds what a stream holds, at most until there are `limit` bytes; what stands behind it.
pub(super) fn inflate<'p>(
    packed: &'p [u8],
    text: &mut Vec<u8>,
    limit: usize,
) -> io::Result<&'p [u8]> {
    let start = text.len();
    let mut state = Box::<DecompressorOxide>::default();
    let (mut read, mut end, mut room) = (0, start, ROOM);
    loop {
        // One byte more than may be: so a text that is too long is told from one that ends.
        text.resize(limit.saturating_add(1).min(end + room), 0);
        room *= 2;
        // A stream may repeat nothing of what was there before it.
        let own = text.get_mut(start..).unwrap_or_default();
        let rest = packed.get(read..).unwrap_or_default();
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, taken, added) = decompress(&mut state, rest, own, end - start, flags);
        (read, end) = (read + taken, end + added);
        match status {
            _ if end > limit => return Err(too_long(limit)),
            TINFLStatus::Done => break,
            TINFLStatus::HasMoreOutput => {}
            TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => {
                return Err(cut());
            }
            _ => return Err(damaged()),
        }
    }
    text.truncate(end);
    Ok(packed.get(read..).unwrap_or_default())
}

#[cold]
pub(super) fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "it ends too early")
}

#[cold]
pub(super) fn damaged() -> io::Error {
    io::Error::other("what is packed in it is damaged")
}

/// What is told of a text that has more bytes than it may have.
#[cold]
pub(super) fn too_long(limit: usize) -> io::Error {
    io::Error::other(format!("it has more than {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use super::inflate;
    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::io::Write;

    fn deflate(text: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// Text that has words of all lengths, and repeats from near and far.
    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let words = vec(vec(any::<u8>(), 0..300), 1..30);
        (words, vec(any::<u16>(), 0..600)).prop_map(|(words, order)| {
            let picked = order
                .iter()
                .map(|&n| &words[usize::from(n) % words.len()][..]);
            picked.collect::<Vec<_>>().concat()
        })
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_out(text in texts(), level in 0..10u32, before in 0..9usize) {
            let mut packed = deflate(&text, level);
            packed.extend(b"behind");
            let mut all = vec![7; before];
            let behind = inflate(&packed, &mut all, before + text.len()).unwrap();
            prop_assert_eq!(behind, b"behind");
            prop_assert_eq!(&all[before..], &text[..]);
            if !text.is_empty() {
                all.truncate(before);
                let error = inflate(&packed, &mut all, before + text.len() - 1).unwrap_err();
                prop_assert!(error.to_string().contains("more than"));
            }
        }

        #[test]
        fn whatever_comes_ends(
            text in texts(), level in 0..10u32, damage in vec((any::<u16>(), any::<u8>()), 0..4),
        ) {
            let mut packed = deflate(&text, level);
            for (at, byte) in damage {
                let at = usize::from(at) % packed.len();
                packed[at] = byte;
            }
            let mut all = Vec::new();
            let _ = inflate(&packed, &mut all, 1 << 20);
            prop_assert!(all.len() <= 1 << 20);
        }

        #[test]
        fn bytes_of_no_stream_at_all(packed in vec(any::<u8>(), 0..2000)) {
            let _ = inflate(&packed, &mut Vec::new(), 1 << 16);
        }
    }

    #[test]
    fn nothing_is_repeated_from_before_the_stream() {
        // The fixed codes: a length of 3 from one byte back, the end.
        let packed = [0b0000_0011, 0b0000_0010, 0, 0];
        assert!(inflate(&packed, &mut vec![7; 9], 100).is_err());
    }

    #[test]
    fn every_cut_is_an_error() {
        let packed = deflate(
            &b"a text of some words, and of these words again".repeat(9),
            9,
        );
        for len in 0..packed.len() {
            assert!(
                inflate(&packed[..len], &mut Vec::new(), 1000).is_err(),
                "{len}"
            );
        }
    }
}
