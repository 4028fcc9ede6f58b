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
pub(super) struct Writer {
    endian: Endian,
    types: Vec<u8>,
    strings: Vec<u8>,
    next_id: TypeId,
}

impl Writer {
    /// New BTF that starts with all the strings of old one, so that name offsets stay.
    pub(super) fn new(endian: Endian, strings: &[u8]) -> Writer {
        Writer {
            endian,
            types: Vec::new(),
            strings: strings.to_vec(),
            next_id: 1,
        }
    }

    /// The types and strings of `btf`, which is none that is split, and room for more.
    pub(super) fn after(btf: &Btf) -> Writer {
        Writer {
            types: btf.type_bytes().to_vec(),
            next_id: btf.type_count(),
            ..Writer::new(btf.endian(), btf.string_bytes())
        }
    }

    /// Adds a string and answers its offset.
    pub(super) fn string(&mut self, text: &[u8]) -> Result<u32, BtfError> {
        let offset = u32::try_from(self.strings.len()).map_err(|_| BtfError::TooLarge)?;
        self.strings.extend(text);
        self.strings.push(0);
        Ok(offset)
    }

    /// Adds a type and answers its id.
    pub(super) fn push(&mut self, draft: &Draft) -> TypeId {
        let head = [draft.name_off, draft.info, draft.size_or_type];
        let words = head.iter().chain(&draft.tail);
        let bytes = words.flat_map(|&word| self.endian.u32_bytes(word));
        self.types.extend(bytes);
        let id = self.next_id;
        self.next_id = self.next_id.saturating_add(1);
        id
    }

    /// The whole BTF.
    pub(super) fn finish(self) -> Result<Vec<u8>, BtfError> {
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| BtfError::TooLarge);
        let (types, strings) = (len(&self.types)?, len(&self.strings)?);
        let mut all = self.endian.u16_bytes(0xeb9f).to_vec();
        all.extend([1, 0]);
        for word in [HEADER_LEN, 0, types, types, strings] {
            all.extend(self.endian.u32_bytes(word));
        }
        all.extend(self.types);
        all.extend(self.strings);
        Ok(all)
    }
}
