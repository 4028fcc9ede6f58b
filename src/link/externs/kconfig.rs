//! Values of the kernel's configuration, written as the program's C types want them.

use crate::bytes::Endian;
use crate::elf::{KconfigKind, KconfigSlot};

/// Why a value cannot stand where the program wants it; completes "value … ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KconfigError {
    /// `m` for something that is either on or off.
    #[error("{0:?} does not fit a bool")]
    NotBool(String),
    /// y, n or m for a number or a string.
    #[error("{0:?} is a switch, the program's type is not")]
    Switch(String),
    /// A string for something else.
    #[error("{0} is a string, the program's type is no array of char")]
    String(String),
    /// A string that does not end.
    #[error("{0} has no closing quote")]
    Quote(String),
    /// A number for something else.
    #[error("{0} is a number, the program's type is no integer")]
    Number(String),
    /// A number that the type cannot hold.
    #[error("{value} does not fit {size} bytes, {}", if *signed { "signed" } else { "unsigned" })]
    Range {
        /// The number.
        value: String,
        /// Bytes of the type.
        size: u32,
        /// Whether the type is signed.
        signed: bool,
    },
    /// Neither a switch nor a string nor a number.
    #[error("{0:?} is no value")]
    Unreadable(String),
}

/// The first bytes, the rest being zero, of what follows `CONFIG_…=` (libbpf's set_kcfg_value_tri, _str, _num).
pub(super) fn encode(
    slot: KconfigSlot,
    text: &str,
    endian: Endian,
) -> Result<Vec<u8>, KconfigError> {
    match text {
        "y" | "n" | "m" => switch(slot, text, endian),
        _ if text.starts_with('"') => string(slot, text),
        _ => number(slot, parse_number(text)?, text, endian),
    }
}

fn switch(slot: KconfigSlot, text: &str, endian: Endian) -> Result<Vec<u8>, KconfigError> {
    match (slot.kind, text) {
        (KconfigKind::Bool, "m") => Err(KconfigError::NotBool(text.into())),
        (KconfigKind::Bool, _) => Ok(vec![u8::from(text == "y")]),
        (KconfigKind::Tristate, _) => {
            let value = match text {
                "n" => 0,
                "y" => 1,
                _ => 2,
            };
            Ok(endian.u32_bytes(value).to_vec())
        }
        (KconfigKind::Char { .. }, _) => Ok(text.as_bytes().to_vec()),
        (KconfigKind::Int { .. } | KconfigKind::String, _) => {
            Err(KconfigError::Switch(text.into()))
        }
    }
}

/// Whether a text is a string that [`encode`] cuts, as libbpf does, so that its NUL fits.
pub(super) fn is_cut(slot: KconfigSlot, text: &str) -> bool {
    let len = text.len().saturating_sub(2);
    slot.kind == KconfigKind::String && len >= slot.size as usize
}

fn string(slot: KconfigSlot, text: &str) -> Result<Vec<u8>, KconfigError> {
    if slot.kind != KconfigKind::String {
        return Err(KconfigError::String(text.into()));
    }
    let inner = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or_else(|| KconfigError::Quote(text.into()))?;
    let room = (slot.size as usize).saturating_sub(1);
    Ok(inner.bytes().take(room).chain([0]).collect())
}

/// A number by itself, as [`encode`] reads one: in 64 bits, negative ones wrapped.
pub(super) fn number(
    slot: KconfigSlot,
    value: u64,
    text: &str,
    endian: Endian,
) -> Result<Vec<u8>, KconfigError> {
    let signed = match slot.kind {
        KconfigKind::Int { signed } | KconfigKind::Char { signed } => signed,
        KconfigKind::Bool if value <= 1 => false,
        KconfigKind::Bool => return Err(KconfigError::NotBool(text.into())),
        _ => return Err(KconfigError::Number(text.into())),
    };
    if !in_range(value, slot.size, signed) {
        return Err(KconfigError::Range {
            value: text.into(),
            size: slot.size,
            signed,
        });
    }
    Ok(match slot.size {
        1 => vec![value as u8],
        2 => endian.u16_bytes(value as u16).to_vec(),
        4 => endian.u32_bytes(value as u32).to_vec(),
        _ => endian.u64_bytes(value).to_vec(),
    })
}

fn in_range(value: u64, size: u32, signed: bool) -> bool {
    let bits = size.saturating_mul(8);
    if bits >= 64 {
        return true;
    }
    match signed {
        true => {
            let limit = 1i64 << (bits - 1);
            (-limit..limit).contains(&(value as i64))
        }
        false => value >> bits == 0,
    }
}

/// Decimal, hexadecimal (0x) or octal (0), with a sign: what strtoull reads with base 0.
fn parse_number(text: &str) -> Result<u64, KconfigError> {
    let unreadable = || KconfigError::Unreadable(text.into());
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (digits, radix) = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return Err(unreadable());
    }
    let value = u64::from_str_radix(digits, radix).map_err(|_| unreadable())?;
    Ok(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(kind: KconfigKind, size: u32) -> KconfigSlot {
        KconfigSlot {
            offset: 0,
            size,
            kind,
        }
    }

    #[test]
    fn switches_by_type() {
        let little = Endian::Little;
        assert_eq!(encode(slot(KconfigKind::Bool, 1), "y", little), Ok(vec![1]));
        assert_eq!(encode(slot(KconfigKind::Bool, 1), "n", little), Ok(vec![0]));
        assert!(encode(slot(KconfigKind::Bool, 1), "m", little).is_err());
        assert_eq!(encode(slot(KconfigKind::Bool, 1), "1", little), Ok(vec![1]));
        assert!(encode(slot(KconfigKind::Bool, 1), "2", little).is_err());
        let tristate = slot(KconfigKind::Tristate, 4);
        assert_eq!(encode(tristate, "m", little), Ok(vec![2, 0, 0, 0]));
        assert_eq!(encode(tristate, "y", Endian::Big), Ok(vec![0, 0, 0, 1]));
        let char = slot(KconfigKind::Char { signed: true }, 1);
        assert_eq!(encode(char, "m", little), Ok(vec![b'm']));
        assert!(encode(slot(KconfigKind::Int { signed: false }, 4), "y", little).is_err());
    }

    #[test]
    fn numbers_of_every_size_and_their_limits() {
        let int = |size, signed| slot(KconfigKind::Int { signed }, size);
        let encode = |slot, text| encode(slot, text, Endian::Little);
        assert_eq!(encode(int(2, false), "0x1234"), Ok(vec![0x34, 0x12]));
        assert_eq!(encode(int(4, false), "4294967295"), Ok(vec![255; 4]));
        assert!(encode(int(4, false), "4294967296").is_err());
        assert!(encode(int(4, true), "2147483648").is_err());
        assert_eq!(encode(int(4, true), "-2147483648"), Ok(vec![0, 0, 0, 128]));
        assert!(encode(int(4, true), "-2147483649").is_err());
        assert!(encode(int(4, false), "-1").is_err());
        assert_eq!(encode(int(8, false), "-1"), Ok(vec![255; 8]));
        assert_eq!(
            encode(int(8, false), "010"),
            Ok(vec![8, 0, 0, 0, 0, 0, 0, 0])
        );
        assert!(encode(int(8, false), "8 apples").is_err());
        assert!(encode(int(8, false), "").is_err());
    }

    #[test]
    fn strings_end_with_nul_and_are_cut() {
        let string = |size| slot(KconfigKind::String, size);
        let encode = |slot, text| encode(slot, text, Endian::Little);
        assert_eq!(encode(string(5), "\"ab\""), Ok(b"ab\0".to_vec()));
        assert_eq!(encode(string(3), "\"abcdef\""), Ok(b"ab\0".to_vec()));
        assert!(is_cut(string(3), "\"abc\"") && !is_cut(string(3), "\"ab\""));
        assert!(!is_cut(
            slot(KconfigKind::Int { signed: false }, 1),
            "12345"
        ));
        assert_eq!(encode(string(3), "\"\""), Ok(b"\0".to_vec()));
        assert!(encode(string(3), "\"ab").is_err());
        assert!(encode(string(3), "\"").is_err());
        assert!(encode(string(3), "12").is_err());
        assert!(encode(slot(KconfigKind::Bool, 1), "\"y\"").is_err());
    }
}
