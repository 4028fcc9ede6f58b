//! The only place where bytes become integers: checked, in both byte orders.
//!
//! Every reader takes the whole buffer and an offset and answers `None` where
//! the value does not lie inside it; the caller, who knows what the value
//! means, makes an error of that.

use std::ops::Range;

/// The byte order of an object, of BTF or of a target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Endian {
    /// Least significant byte first (`bpfel`).
    Little,
    /// Most significant byte first (`bpfeb`).
    Big,
}

impl Endian {
    /// The byte order of the machine that runs this code.
    pub const NATIVE: Endian = if cfg!(target_endian = "big") {
        Endian::Big
    } else {
        Endian::Little
    };

    /// The `u16` at `offset` bytes into `data`.
    #[inline]
    pub fn u16_at(self, data: &[u8], offset: usize) -> Option<u16> {
        let raw = array_at(data, offset)?;
        Some(match self {
            Endian::Little => u16::from_le_bytes(raw),
            Endian::Big => u16::from_be_bytes(raw),
        })
    }

    /// The `u32` at `offset` bytes into `data`.
    #[inline]
    pub fn u32_at(self, data: &[u8], offset: usize) -> Option<u32> {
        let raw = array_at(data, offset)?;
        Some(match self {
            Endian::Little => u32::from_le_bytes(raw),
            Endian::Big => u32::from_be_bytes(raw),
        })
    }

    /// The `u64` at `offset` bytes into `data`.
    #[inline]
    pub fn u64_at(self, data: &[u8], offset: usize) -> Option<u64> {
        let raw = array_at(data, offset)?;
        Some(match self {
            Endian::Little => u64::from_le_bytes(raw),
            Endian::Big => u64::from_be_bytes(raw),
        })
    }

    /// The bytes of `value`.
    #[inline]
    pub fn u16_bytes(self, value: u16) -> [u8; 2] {
        match self {
            Endian::Little => value.to_le_bytes(),
            Endian::Big => value.to_be_bytes(),
        }
    }

    /// The bytes of `value`.
    #[inline]
    pub fn u32_bytes(self, value: u32) -> [u8; 4] {
        match self {
            Endian::Little => value.to_le_bytes(),
            Endian::Big => value.to_be_bytes(),
        }
    }

    /// The bytes of `value`.
    #[inline]
    pub fn u64_bytes(self, value: u64) -> [u8; 8] {
        match self {
            Endian::Little => value.to_le_bytes(),
            Endian::Big => value.to_be_bytes(),
        }
    }

    /// Writes `value` at `offset`; `None`, and nothing written, where it does not fit.
    #[inline]
    pub fn put_u32(self, data: &mut [u8], offset: usize, value: u32) -> Option<()> {
        let end = offset.checked_add(4)?;
        data.get_mut(offset..end)?
            .copy_from_slice(&self.u32_bytes(value));
        Some(())
    }

    /// The same for a number of 64 bits.
    pub fn put_u64(self, data: &mut [u8], offset: usize, value: u64) -> Option<()> {
        let end = offset.checked_add(8)?;
        data.get_mut(offset..end)?
            .copy_from_slice(&self.u64_bytes(value));
        Some(())
    }
}

#[inline]
fn array_at<const N: usize>(data: &[u8], offset: usize) -> Option<[u8; N]> {
    data.get(offset..)?.first_chunk::<N>().copied()
}

/// The `len` bytes of `data` from `offset` on, where they all exist.
#[inline]
pub fn slice_at(data: &[u8], offset: usize, len: usize) -> Option<&[u8]> {
    data.get(offset..offset.checked_add(len)?)
}

/// `offset..offset + len` where that neither overflows nor passes `limit`.
#[inline]
pub fn range_within(offset: usize, len: usize, limit: usize) -> Option<Range<usize>> {
    let end = offset.checked_add(len)?;
    (end <= limit).then_some(offset..end)
}

/// The string that starts at `offset`, without its NUL; `None` where no NUL follows.
#[inline]
pub fn cstr_at(data: &[u8], offset: usize) -> Option<&[u8]> {
    let tail = data.get(offset..)?;
    let (words, rest) = tail.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let nuls = nuls_in(u64::from_le_bytes(*word));
        if nuls != 0 {
            return tail.get(..index * 8 + (nuls.trailing_zeros() / 8) as usize);
        }
    }
    let last = rest.iter().position(|&byte| byte == 0)?;
    tail.get(..tail.len() - rest.len() + last)
}

/// Whether the strings that start at these places and end with a NUL are the same.
#[inline]
pub fn same_cstr(a: &[u8], b: &[u8]) -> bool {
    let ((a, rest_of_a), (b, rest_of_b)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (u64::from_le_bytes(*a), u64::from_le_bytes(*b));
        match nuls_in(a) {
            0 if a == b => {}
            0 => return false,
            // What counts are the bytes up to the first NUL.
            nuls => return (a ^ b) & (nuls ^ (nuls - 1)) == 0,
        }
    }
    let whole = a.len().min(b.len());
    let a = a
        .get(whole..)
        .unwrap_or_default()
        .as_flattened()
        .iter()
        .chain(rest_of_a);
    let b = b
        .get(whole..)
        .unwrap_or_default()
        .as_flattened()
        .iter()
        .chain(rest_of_b);
    let until = |&(a, b): &(&u8, &u8)| a != b || *a == 0;
    a.zip(b).find(until).is_some_and(|(a, b)| a == b)
}

/// Bit 7 of the first byte of a word, in memory order from the lowest, that is 0 (bits
/// above it mean nothing); 0 where none is.
#[inline(always)]
pub(crate) fn nuls_in(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    word.wrapping_sub(ONES) & !word & ONES << 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_orders_and_nothing_past_the_end() {
        let data = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        assert_eq!(Endian::Little.u32_at(&data, 1), Some(0x0504_0302));
        assert_eq!(Endian::Big.u32_at(&data, 1), Some(0x0203_0405));
        assert_eq!(Endian::Big.u64_at(&data, 1), Some(0x0203_0405_0607_0809));
        assert_eq!(Endian::Big.u64_at(&data, 2), None);
        assert_eq!(Endian::Little.u16_at(&data, 8), None);
        assert_eq!(Endian::Little.u16_at(&data, usize::MAX), None);
    }

    #[test]
    fn slices_and_ranges_do_not_overflow() {
        assert_eq!(slice_at(b"abc", 1, 2), Some(&b"bc"[..]));
        assert_eq!(slice_at(b"abc", 1, usize::MAX), None);
        assert_eq!(range_within(usize::MAX, 2, 10), None);
        assert_eq!(cstr_at(b"ab\0cd", 0), Some(&b"ab"[..]));
        assert_eq!(cstr_at(b"ab\0cd", 3), None);
        assert_eq!(cstr_at(b"ab\0cd", 9), None);
    }

    #[test]
    fn strings_of_all_lengths_end_at_their_first_nul() {
        for len in 0..40 {
            for behind in 0..20 {
                let mut data = vec![0xff; len];
                data.push(0);
                // What looks like a NUL to careless arithmetic, and another string.
                data.extend([1, 0x80, 0, 7].iter().cycle().take(behind));
                let before = [&[9; 3], &data[..]].concat();
                assert_eq!(cstr_at(&before, 3), Some(&data[..len]));
                assert_eq!(cstr_at(&data[..len], 0), None);
                assert!(same_cstr(&data, &data[..=len]) && same_cstr(&data[..=len], &data));
                assert!(!same_cstr(&data, &data[..len]) && !same_cstr(&data[..len], &data));
                for at in 0..=len {
                    let mut other = data.clone();
                    other[at] = 1;
                    assert!(!same_cstr(&data, &other) && !same_cstr(&other, &data));
                }
            }
        }
    }
}
