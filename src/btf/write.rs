//! BTF written anew: types and strings one after the other.

use crate::bytes::Endian;

use super::{Btf, BtfError, Kind, Type, TypeId};

const HEADER_LEN: u32 = 24;

/// A type on its way into new BTF: its words, in no byte order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) name_off: u32,
    pub(super) info: u32,
    pub(super) size_or_type: u32,
    /// What stands behind the head, word by word.
    pub(super) tail: Vec<u32>,
}

impl Draft {
    /// A type without anything behind its head.
    pub(super) fn new(kind: Kind, name_off: u32, size_or_type: u32) -> Draft {
        Draft {
            name_off,
            info: info(kind, 0, false),
            size_or_type,
            tail: Vec::new(),
        }
    }

    /// A copy of an existing type.
    pub(super) fn of(ty: &Type<'_>) -> Result<Draft, BtfError> {
        let raw = ty.tail_bytes();
        let (words, rest) = raw.as_chunks::<4>();
        if !rest.is_empty() {
            let id = ty.id();
            let what = format!("type [{id}] is no whole number of words and cannot be copied");
            return Err(BtfError::Malformed(what));
        }
        let endian = ty.btf().endian();
        Ok(Draft {
            name_off: ty.name_off(),
            info: ty.info(),
            size_or_type: ty.size(),
            tail: words
                .iter()
                .filter_map(|word| endian.u32_at(word, 0))
                .collect(),
        })
    }

    pub(super) fn kind(&self) -> Kind {
        Kind::from_number((self.info >> 24) as u8 & 0x7f)
    }

    pub(super) fn vlen(&self) -> u32 {
        self.info & 0x00ff_ffff
    }

    /// Makes it a type of another kind without the kind flag.
    pub(super) fn set_info(&mut self, kind: Kind, vlen: u32) {
        self.info = info(kind, vlen, false);
    }
}

fn info(kind: Kind, vlen: u32, flag: bool) -> u32 {
    u32::from(flag) << 31 | (kind as u32) << 24 | vlen & 0x00ff_ffff
}

/// Collects types and strings.
pub(super) struct Writer<'a> {
    endian: Endian,
    /// The header, to be filled at the end, and the types.
    bytes: Vec<u8>,
    /// The strings that the new BTF starts with, so that name offsets stay.
    strings: &'a [u8],
    added: Vec<u8>,
    next_id: TypeId,
}

impl<'a> Writer<'a> {
    /// New BTF that starts with all the strings of old one, so that name offsets stay.
    pub(super) fn new(endian: Endian, strings: &'a [u8]) -> Writer<'a> {
        Writer {
            endian,
            bytes: vec![0; HEADER_LEN as usize],
            strings,
            added: Vec::new(),
            next_id: 1,
        }
    }

    /// The types and strings of `btf`, which is none that is split, and room for more.
    pub(super) fn after(btf: &'a Btf) -> Writer<'a> {
        let mut writer = Writer::new(btf.endian(), btf.string_bytes());
        writer.copy(btf.type_bytes(), btf.type_count());
        writer
    }

    /// Room for so many bytes of types.
    pub(super) fn reserve(&mut self, types: usize) {
        let strings = self.strings.len().saturating_add(self.added.len());
        self.bytes.reserve(types.saturating_add(strings));
    }

    /// Adds a string and answers its offset.
    pub(super) fn string(&mut self, text: &[u8]) -> Result<u32, BtfError> {
        let offset = self.strings.len().saturating_add(self.added.len());
        let offset = u32::try_from(offset).map_err(|_| BtfError::TooLarge)?;
        self.added.extend_from_slice(text);
        self.added.push(0);
        Ok(offset)
    }

    /// Adds types as they stand in BTF of the same byte order; `next` is the id behind them.
    pub(super) fn copy(&mut self, types: &[u8], next: TypeId) {
        self.bytes.extend_from_slice(types);
        self.next_id = next;
    }

    /// Adds a type and answers its id.
    pub(super) fn push(&mut self, draft: &Draft) -> TypeId {
        let head = [draft.name_off, draft.info, draft.size_or_type];
        for &word in head.iter().chain(&draft.tail) {
            self.bytes.extend_from_slice(&self.endian.u32_bytes(word));
        }
        let id = self.next_id;
        self.next_id = self.next_id.saturating_add(1);
        id
    }

    /// The whole BTF.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, BtfError> {
        let len = |len: usize| u32::try_from(len).map_err(|_| BtfError::TooLarge);
        let types = len(self.bytes.len().saturating_sub(HEADER_LEN as usize))?;
        let strings = len(self.strings.len().saturating_add(self.added.len()))?;
        let mut header = self.endian.u16_bytes(0xeb9f).to_vec();
        header.extend([1, 0]);
        for word in [HEADER_LEN, 0, types, types, strings] {
            header.extend(self.endian.u32_bytes(word));
        }
        self.bytes
            .iter_mut()
            .zip(header)
            .for_each(|(to, byte)| *to = byte);
        self.bytes.extend_from_slice(self.strings);
        self.bytes.append(&mut self.added);
        Ok(self.bytes)
    }
}
