//! Header, sections and the table of type offsets: one pass over the types,
//! nothing else is built up front.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::kind::{KINDS, KindLayout, Kinds, LAYOUTS};
use super::names::Names;
use super::table::TypeTable;
use super::{BtfError, Data, MAX_NAME, Type, TypeId, TypePlace};
use crate::bytes::{Endian, cstr_at, range_within, slice_at};

const MAGIC: u16 = 0xeb9f;
const HEADER_MIN: usize = 24;
/// A header with `layout_off` and `layout_len` (Linux 7.1).
const HEADER_LAYOUT: usize = 32;
/// Bytes of `struct btf_layout`.
const LAYOUT_ENTRY: usize = 4;

/// BTF over bytes that stay where they are; split BTF holds its base.
///
/// Immutable and shareable between threads.
#[derive(Debug)]
pub struct Btf {
    data: Data,
    endian: Endian,
    types: Range<usize>,
    strings: Range<usize>,
    table: TypeTable,
    base: Option<Arc<Btf>>,
    first_id: TypeId,
    first_string: u32,
    /// What [`pointer_size`](Btf::pointer_size) found.
    pub(super) pointer_size: OnceLock<u8>,
    pub(super) names: Names,
}

impl Btf {
    /// Reads `data` as BTF; `base` makes it split BTF, whose ids and strings go on from there.
    pub fn parse(data: impl Into<Data>, base: Option<Arc<Btf>>) -> Result<Btf, BtfError> {
        let data = data.into();
        let header = Header::parse(data.bytes())?;
        let (first_id, first_string) = match &base {
            Some(base) if base.endian != header.endian => return Err(BtfError::BaseByteOrder),
            Some(base) => (base.type_count(), base.string_end()?),
            None => (1, 0),
        };
        header.check_strings(data.bytes(), base.is_some())?;
        let layouts = header.layouts(data.bytes());
        let types = data.bytes().get(header.types.clone()).unwrap_or_default();
        let table = TypeTable::scan(types, header.endian, first_id, layouts.as_deref())?;
        Ok(Btf {
            endian: header.endian,
            types: header.types,
            strings: header.strings,
            data,
            table,
            base,
            first_id,
            first_string,
            pointer_size: OnceLock::new(),
            names: Names::default(),
        })
    }

    /// The byte order of this BTF.
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// The BTF whose ids and strings this one continues.
    pub fn base(&self) -> Option<&Arc<Btf>> {
        self.base.as_ref()
    }

    /// The raw bytes, header included.
    #[inline(always)]
    pub fn bytes(&self) -> &[u8] {
        self.data.bytes()
    }

    /// The bytes of the type section.
    #[inline(always)]
    pub fn type_bytes(&self) -> &[u8] {
        self.bytes().get(self.types.clone()).unwrap_or_default()
    }

    /// The bytes of the string section.
    #[inline(always)]
    pub fn string_bytes(&self) -> &[u8] {
        self.bytes().get(self.strings.clone()).unwrap_or_default()
    }

    /// One past the last type id, those of the base and `void` counted.
    pub fn type_count(&self) -> u32 {
        // The scan made sure that this does not overflow.
        self.first_id.saturating_add(self.table.len())
    }

    /// The first id that is this BTF's own: 1, or where the base ends.
    pub fn first_id(&self) -> TypeId {
        self.first_id
    }

    /// The first string offset that is this BTF's own: 0, or where the base's strings end.
    pub fn first_string(&self) -> u32 {
        self.first_string
    }

    /// Offset of an own type in the type section.
    pub(crate) fn type_offset(&self, id: TypeId) -> Option<usize> {
        let index = id.checked_sub(self.first_id)?;
        self.table.offset(self.type_bytes(), index)
    }

    /// Bytes of an own type, its head included.
    pub(super) fn type_len(&self, id: TypeId) -> Option<usize> {
        let start = self.type_offset(id)?;
        let end = self.table.next(self.type_bytes(), start)?;
        end.checked_sub(start)
    }

    /// A type by its id, in this BTF or its base.
    #[inline]
    pub fn type_by_id(&self, id: TypeId) -> Result<Type<'_>, BtfError> {
        let Some(index) = id.checked_sub(self.first_id) else {
            return self.no_own_type(id);
        };
        let types = self.type_bytes();
        let Some(offset) = self.table.offset(types, index) else {
            return Err(self.no_type(id));
        };
        if let Some(bytes) = types.get(offset..)
            && let Some(ty) = Type::decode(self, id, bytes)
        {
            return Ok(ty);
        }
        Err(BtfError::TypeTruncated { id, offset })
    }

    /// `void`, or a type of the base.
    fn no_own_type(&self, id: TypeId) -> Result<Type<'_>, BtfError> {
        match &self.base {
            _ if id == 0 => Ok(Type::void(self)),
            Some(base) => base.type_by_id(id),
            None => Err(self.no_type(id)),
        }
    }

    /// The type that was found at `place` before.
    #[inline]
    pub(crate) fn type_at(&self, place: TypePlace) -> Result<Type<'_>, BtfError> {
        let TypePlace { id, start } = place;
        // `void` and types of the base lie elsewhere.
        if id >= self.first_id
            && let Some(bytes) = self.type_bytes().get(start..)
            && let Some(ty) = Type::decode(self, id, bytes)
        {
            return Ok(ty);
        }
        self.type_elsewhere(id)
    }

    #[cold]
    fn type_elsewhere(&self, id: TypeId) -> Result<Type<'_>, BtfError> {
        self.type_by_id(id)
    }

    #[cold]
    fn no_type(&self, id: TypeId) -> BtfError {
        BtfError::NoType {
            id,
            count: self.type_count(),
        }
    }

    /// All own types, in the order of their ids.
    pub fn own_types(&self) -> impl Iterator<Item = Type<'_>> {
        let bytes = self.type_bytes();
        let mut next = 0;
        (self.first_id..self.type_count()).map_while(move |id| {
            let offset = next;
            next = self.table.next(bytes, offset)?;
            Type::decode(self, id, bytes.get(offset..)?)
        })
    }

    /// Those of some kinds; the others are passed over without being read.
    pub(crate) fn own_types_of(&self, wanted: Kinds) -> impl Iterator<Item = Type<'_>> {
        OwnTypesOf {
            btf: self,
            bytes: self.type_bytes(),
            wanted,
            id: self.first_id,
            start: 0,
        }
    }

    /// The places of all own types.
    pub(super) fn table(&self) -> &TypeTable {
        &self.table
    }

    /// The id of the own type that starts there.
    pub(super) fn id_at(&self, start: u32) -> Option<TypeId> {
        let index = self.table.index_of(self.type_bytes(), start)?;
        self.first_id.checked_add(index)
    }

    /// The string at `offset`, in this BTF or its base, without its NUL.
    #[inline(never)]
    pub fn string(&self, offset: u32) -> Result<&[u8], BtfError> {
        self.string_often(offset)
    }

    /// The same, without a call.
    #[inline(always)]
    pub(super) fn string_often(&self, offset: u32) -> Result<&[u8], BtfError> {
        match offset.checked_sub(self.first_string) {
            Some(own) => cstr_at(self.string_bytes(), own as usize).ok_or(BtfError::NoName(offset)),
            None => match &self.base {
                Some(base) => base.string(offset),
                None => Err(BtfError::NoName(offset)),
            },
        }
    }

    /// The string at `offset`, where it is one of at most [`MAX_NAME`](super::MAX_NAME) bytes.
    pub(crate) fn short_string(&self, offset: u32) -> Option<&[u8]> {
        match (offset.checked_sub(self.first_string), &self.base) {
            (Some(own), _) => {
                let tail = self.string_bytes().get(own as usize..)?;
                cstr_at(tail.get(..=MAX_NAME).unwrap_or(tail), 0)
            }
            (None, Some(base)) => base.short_string(offset),
            (None, None) => None,
        }
    }

    /// One past the last string offset, those of the base counted.
    pub(super) fn string_end(&self) -> Result<u32, BtfError> {
        u32::try_from(self.strings.len())
            .ok()
            .and_then(|len| len.checked_add(self.first_string))
            .ok_or(BtfError::TooLarge)
    }
}

struct OwnTypesOf<'b> {
    btf: &'b Btf,
    bytes: &'b [u8],
    wanted: Kinds,
    /// The next type, and where it starts.
    id: TypeId,
    start: usize,
}

impl<'b> Iterator for OwnTypesOf<'b> {
    type Item = Type<'b>;

    // Most types are passed over: the loop that does it belongs where it is known which.
    #[inline(always)]
    fn next(&mut self) -> Option<Type<'b>> {
        loop {
            let (kind, next) = self.btf.table.kind_and_next(self.bytes, self.start)?;
            let (id, start) = (self.id, self.start);
            (self.id, self.start) = (id.checked_add(1)?, next);
            if self.wanted.has(kind) {
                return Type::decode(self.btf, id, self.bytes.get(start..)?);
            }
        }
    }
}

/// What the header says, checked against the length of the data.
struct Header {
    endian: Endian,
    types: Range<usize>,
    strings: Range<usize>,
    layout: Option<Range<usize>>,
}

impl Header {
    fn parse(data: &[u8]) -> Result<Header, BtfError> {
        let truncated = BtfError::HeaderTruncated { len: data.len() };
        let fixed = data.first_chunk::<HEADER_MIN>().ok_or(truncated)?;
        let endian = match Endian::Little.u16_at(fixed, 0) {
            Some(MAGIC) => Endian::Little,
            Some(other) if other.swap_bytes() == MAGIC => Endian::Big,
            other => return Err(BtfError::Magic(other.unwrap_or_default())),
        };
        if fixed[2] != 1 {
            return Err(BtfError::Version(fixed[2]));
        }
        let word = |at| endian.u32_at(data, at).unwrap_or_default();
        let header_len = word(4);
        let behind = header_len as usize;
        if behind < HEADER_MIN || behind > data.len() {
            return Err(BtfError::HeaderLength(header_len));
        }
        let section = |section, offset: u32, len: u32| {
            behind
                .checked_add(offset as usize)
                .and_then(|start| range_within(start, len as usize, data.len()))
                .ok_or(BtfError::SectionRange {
                    section,
                    offset,
                    len,
                    data: data.len(),
                })
        };
        if word(8) % 4 != 0 {
            return Err(BtfError::TypesMisaligned(word(8)));
        }
        let layout = match behind >= HEADER_LAYOUT && word(28) != 0 {
            true => Some(section("layout", word(24), word(28))?),
            false => None,
        };
        Ok(Header {
            endian,
            types: section("type", word(8), word(12))?,
            strings: section("string", word(16), word(20))?,
            layout,
        })
    }

    /// Strings start with the empty one and end with a NUL; split BTF may have none.
    fn check_strings(&self, data: &[u8], split: bool) -> Result<(), BtfError> {
        let strings = data.get(self.strings.clone()).unwrap_or_default();
        match (strings.first(), strings.last()) {
            (None, _) if split => Ok(()),
            (Some(0), Some(0)) => Ok(()),
            (Some(_), Some(0)) if split => Ok(()),
            _ => Err(BtfError::Strings),
        }
    }

    /// The sizes of kinds that are not those of linux/btf.h alone.
    fn layouts(&self, data: &[u8]) -> Option<Box<[KindLayout; KINDS]>> {
        let range = self.layout.as_ref()?;
        let mut table = Box::new(LAYOUTS);
        let entries = slice_at(data, range.start, range.len()).unwrap_or_default();
        for (slot, entry) in table.iter_mut().zip(entries.chunks_exact(LAYOUT_ENTRY)) {
            if !slot.known
                && let [fixed, each, ..] = *entry
            {
                *slot = KindLayout {
                    fixed,
                    each,
                    known: true,
                };
            }
        }
        Some(table)
    }
}
