//! DEFLATE (RFC 1951), from memory to memory. A library that does it in pieces, as they come, is
//! 10 kB of code more.

use std::io;

/// No code is longer.
const MAX_BITS: usize = 15;
/// Codes of up to so many bits are found at once.
const FAST_BITS: usize = 9;
/// How many symbols there are: bytes and lengths, distances, lengths of codes.
const LITERALS: usize = 288;
const DISTANCES: usize = 32;
const CODE_LENGTHS: usize = 19;
/// The symbol that ends a block; those behind it are lengths, of which the last is the longest.
const END: usize = 256;
const LONGEST: (usize, usize) = (28, 258);
/// In which order the lengths of the code for lengths of codes are told.
const ORDER: [usize; CODE_LENGTHS] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// Adds what a stream holds, at most until there are `limit` bytes; what stands behind it.
pub(super) fn inflate<'p>(
    packed: &'p [u8],
    text: &mut Vec<u8>,
    limit: usize,
) -> io::Result<&'p [u8]> {
    let start = text.len();
    let mut output = Output { text, start, limit };
    let mut bits = Bits::new(packed);
    loop {
        let last = bits.take(1)?;
        match bits.take(2)? {
            0 => stored(&mut bits, &mut output)?,
            1 => block(&mut bits, &mut output, &fixed())?,
            2 => {
                let codes = told(&mut bits)?;
                block(&mut bits, &mut output, &codes)?;
            }
            _ => return Err(damaged()),
        }
        if last == 1 {
            return Ok(bits.behind());
        }
    }
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

/// Bits, of each byte the lowest first.
struct Bits<'p> {
    bytes: &'p [u8],
    /// How many bytes were read.
    read: usize,
    /// What was read and not taken, and how many bits that are.
    word: u64,
    count: usize,
}

impl<'p> Bits<'p> {
    fn new(bytes: &'p [u8]) -> Bits<'p> {
        Bits {
            bytes,
            read: 0,
            word: 0,
            count: 0,
        }
    }

    /// Reads until there are 32 bits, or all that there are.
    fn fill(&mut self) {
        while self.count < 32
            && let Some(&byte) = self.bytes.get(self.read)
        {
            self.word |= u64::from(byte) << self.count;
            self.count += 8;
            self.read += 1;
        }
    }

    fn skip(&mut self, bits: usize) -> io::Result<()> {
        self.count = self.count.checked_sub(bits).ok_or_else(cut)?;
        self.word >>= bits;
        Ok(())
    }

    /// A number of up to 16 bits.
    fn take(&mut self, bits: usize) -> io::Result<usize> {
        self.fill();
        let number = self.word & ((1 << bits) - 1);
        self.skip(bits)?;
        Ok(number as usize)
    }

    /// The symbol whose code comes next.
    fn symbol(&mut self, code: &Code) -> io::Result<usize> {
        self.fill();
        let (symbol, bits) = match code.fast[self.word as usize % (1 << FAST_BITS)] {
            (_, 0) => code.find(self.word).ok_or_else(damaged)?,
            found => found,
        };
        self.skip(usize::from(bits))?;
        Ok(usize::from(symbol))
    }

    /// The bytes of which no bit was taken.
    fn behind(&self) -> &'p [u8] {
        let taken = self.read - self.count / 8;
        self.bytes.get(taken..).unwrap_or_default()
    }
}

/// Where the text goes.
struct Output<'t> {
    text: &'t mut Vec<u8>,
    /// What is before belongs to another stream.
    start: usize,
    limit: usize,
}

impl Output<'_> {
    fn admit(&self, count: usize) -> io::Result<()> {
        match count <= self.limit.saturating_sub(self.text.len()) {
            true => Ok(()),
            false => Err(too_long(self.limit)),
        }
    }

    /// Repeats what stands `back` bytes before the end; it may be less than `count`.
    fn repeat(&mut self, mut count: usize, back: usize) -> io::Result<()> {
        self.admit(count)?;
        let from = self.text.len().checked_sub(back);
        let from = from.filter(|&from| from >= self.start);
        let from = from.ok_or_else(damaged)?;
        while count > 0 {
            let whole = count.min(self.text.len() - from);
            self.text.extend_from_within(from..from + whole);
            count -= whole;
        }
        Ok(())
    }
}

/// A block that is not packed.
fn stored(bits: &mut Bits<'_>, output: &mut Output<'_>) -> io::Result<()> {
    bits.skip(bits.count % 8)?;
    let (count, inverse) = (bits.take(16)?, bits.take(16)?);
    if count ^ inverse != 0xffff {
        return Err(damaged());
    }
    let (bytes, behind) = bits.behind().split_at_checked(count).ok_or_else(cut)?;
    output.admit(count)?;
    output.text.extend_from_slice(bytes);
    *bits = Bits::new(behind);
    Ok(())
}

/// A block of bytes, and of lengths with distances.
fn block(bits: &mut Bits<'_>, output: &mut Output<'_>, codes: &[Code; 2]) -> io::Result<()> {
    let [literals, distances] = codes;
    loop {
        let symbol = bits.symbol(literals)?;
        match symbol.checked_sub(END + 1) {
            None if symbol == END => return Ok(()),
            None => {
                output.admit(1)?;
                output.text.push(symbol as u8);
            }
            Some(length) => {
                let count = match length {
                    _ if length == LONGEST.0 => LONGEST.1,
                    _ => 3 + spread(bits, length, 4)?,
                };
                let distance = bits.symbol(distances)?;
                let back = 1 + spread(bits, distance, 2)?;
                output.repeat(count, back)?;
            }
        }
    }
}

/// A number that a symbol and bits behind it make up: `each` symbols (2 or 4) for every number of
/// such bits, twice as many for none. Lengths are made so, and distances.
fn spread(bits: &mut Bits<'_>, symbol: usize, each: usize) -> io::Result<usize> {
    let more = (symbol / each).saturating_sub(1);
    // No symbol has so many: such a one means nothing.
    if more > 13 || (each == 4 && more > 5) {
        return Err(damaged());
    }
    let first = match more {
        0 => symbol,
        _ => (each + symbol % each) << more,
    };
    Ok(first + bits.take(more)?)
}

/// The codes that everybody knows.
fn fixed() -> [Code; 2] {
    let lengths: [u8; LITERALS] = std::array::from_fn(|symbol| match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    });
    [Code::new(&lengths), Code::new(&[5; DISTANCES])]
}

/// The codes that stand before a block, packed themselves.
fn told(bits: &mut Bits<'_>) -> io::Result<[Code; 2]> {
    let (literals, distances) = (257 + bits.take(5)?, 1 + bits.take(5)?);
    let told = 4 + bits.take(4)?;
    let mut lengths = [0; CODE_LENGTHS];
    for &symbol in ORDER.iter().take(told) {
        lengths[symbol] = bits.take(3)? as u8;
    }
    let code = Code::new(&lengths);
    let mut lengths = [0; LITERALS + DISTANCES];
    let (mut at, all) = (0, literals + distances);
    while at < all {
        let (length, times) = match bits.symbol(&code)? {
            16 if at == 0 => return Err(damaged()),
            16 => (lengths[at - 1], 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length as u8, 1),
        };
        let repeated = lengths.get_mut(at..at + times).ok_or_else(damaged)?;
        repeated.fill(length);
        at += times;
    }
    let (literals, rest) = lengths.split_at(literals);
    let distances = rest.get(..distances).unwrap_or_default();
    Ok([Code::new(literals), Code::new(distances)])
}

/// A code of Huffman's, made of the lengths of its words: those of one length are numbers in a row,
/// in the order of their symbols.
struct Code {
    /// By the next bits, what they mean, and how many of them do; 0 where they are too few.
    fast: [(u16, u8); 1 << FAST_BITS],
    /// How many words there are of each length.
    counts: [u16; MAX_BITS + 1],
    /// What they mean.
    symbols: [u16; LITERALS],
}

impl Code {
    /// More words of a length than there is room for, or fewer, do no harm: what they mean is checked
    /// by the sum of all.
    fn new(lengths: &[u8]) -> Code {
        let mut code = Code {
            fast: [(0, 0); 1 << FAST_BITS],
            counts: [0; MAX_BITS + 1],
            symbols: [0; LITERALS],
        };
        let (mut word, mut index) = (0, 0);
        for bits in 1..=MAX_BITS {
            let same = (0..)
                .zip(lengths)
                .filter(|&(_, &length)| usize::from(length) == bits);
            for (symbol, _) in same {
                code.counts[bits] += 1;
                code.symbols[index] = symbol;
                code.remember(word, bits, symbol);
                (word, index) = (word + 1, index + 1);
            }
            word <<= 1;
        }
        code
    }

    /// A short word, whatever comes behind it.
    fn remember(&mut self, word: usize, bits: usize, symbol: u16) {
        if bits <= FAST_BITS && word < 1 << bits {
            // The first bit of a word is its highest.
            let start = word.reverse_bits() >> (usize::BITS as usize - bits);
            for place in self.fast.iter_mut().skip(start).step_by(1 << bits) {
                *place = (symbol, bits as u8);
            }
        }
    }

    /// What the word means that comes next, and its length.
    fn find(&self, next: u64) -> Option<(u16, u8)> {
        let (mut word, mut first, mut before) = (0, 0, 0);
        for bits in 1..=MAX_BITS {
            word |= (next >> (bits - 1) & 1) as usize;
            let count = usize::from(self.counts[bits]);
            if let Some(index) = word.checked_sub(first).filter(|&index| index < count) {
                return Some((*self.symbols.get(before + index)?, bits as u8));
            }
            before += count;
            (word, first) = (word << 1, (first + count) << 1);
        }
        None
    }
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
