//! Builds BTF for tests, byte by byte after linux/btf.h, independent of the library.
//!
//! Self-contained, so that the library's unit tests can include it by path.
//! Every value that the format derives (offsets, lengths, counts) can be
//! replaced by a wrong one: [`BtfBuilder::set_word`] for types,
//! [`BtfBuilder::build_with`] for the header.

#![allow(dead_code)] // Every test binary uses another part of it.

use std::collections::HashMap;

/// A byte order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    Little,
    Big,
}

impl Order {
    pub const BOTH: [Order; 2] = [Order::Little, Order::Big];

    pub fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }

    pub fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }

    pub fn u64(self, value: u64) -> [u8; 8] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }
}

/// The kind numbers of linux/btf.h.
pub mod kind {
    pub const INT: u32 = 1;
    pub const PTR: u32 = 2;
    pub const ARRAY: u32 = 3;
    pub const STRUCT: u32 = 4;
    pub const UNION: u32 = 5;
    pub const ENUM: u32 = 6;
    pub const FWD: u32 = 7;
    pub const TYPEDEF: u32 = 8;
    pub const VOLATILE: u32 = 9;
    pub const CONST: u32 = 10;
    pub const RESTRICT: u32 = 11;
    pub const FUNC: u32 = 12;
    pub const FUNC_PROTO: u32 = 13;
    pub const VAR: u32 = 14;
    pub const DATASEC: u32 = 15;
    pub const FLOAT: u32 = 16;
    pub const DECL_TAG: u32 = 17;
    pub const TYPE_TAG: u32 = 18;
    pub const ENUM64: u32 = 19;
}

/// Integer encodings.
pub const UNSIGNED: u32 = 0;
pub const SIGNED: u32 = 1;
pub const CHAR: u32 = 2;
pub const BOOL: u32 = 4;

/// Linkages of functions and variables.
pub const STATIC: u32 = 0;
pub const GLOBAL: u32 = 1;
pub const EXTERN: u32 = 2;

/// A member of a struct or union.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    pub name: &'a str,
    pub type_id: u32,
    pub bit_offset: u32,
    /// Width of a bitfield, 0 for a plain field.
    pub bits: u32,
}

/// A plain field, at an offset in bytes.
pub fn field(name: &str, type_id: u32, byte_offset: u32) -> Field<'_> {
    Field {
        name,
        type_id,
        bit_offset: byte_offset * 8,
        bits: 0,
    }
}

/// A bitfield, at an offset in bits.
pub fn bitfield(name: &str, type_id: u32, bit_offset: u32, bits: u32) -> Field<'_> {
    Field {
        name,
        type_id,
        bit_offset,
        bits,
    }
}

/// The words of the header, as [`BtfBuilder::build_with`] lets a test change them.
#[derive(Clone, Debug)]
pub struct BtfHeader {
    pub magic: u16,
    pub version: u8,
    pub flags: u8,
    pub hdr_len: u32,
    pub type_off: u32,
    pub type_len: u32,
    pub str_off: u32,
    pub str_len: u32,
    pub layout_off: u32,
    pub layout_len: u32,
}

/// BTF under construction. Type ids are handed out in order, from 1 or from
/// where the base ends.
#[derive(Clone, Debug)]
pub struct BtfBuilder {
    order: Order,
    header_len: usize,
    first_id: u32,
    first_string: u32,
    types: Vec<u32>,
    /// Index into `types` where each type starts.
    starts: Vec<usize>,
    strings: Vec<u8>,
    known: HashMap<String, u32>,
    layout: Vec<[u8; 4]>,
}

impl BtfBuilder {
    /// Empty BTF: only `void` and the empty string.
    pub fn new(order: Order) -> BtfBuilder {
        BtfBuilder {
            order,
            header_len: 24,
            first_id: 1,
            first_string: 0,
            types: Vec::new(),
            starts: Vec::new(),
            strings: vec![0],
            known: HashMap::from([(String::new(), 0)]),
            layout: Vec::new(),
        }
    }

    /// Empty split BTF whose ids and strings go on where those of `base` end.
    pub fn split_over(base: &BtfBuilder) -> BtfBuilder {
        BtfBuilder {
            first_id: base.next_id(),
            first_string: base.first_string + base.strings.len() as u32,
            strings: vec![0],
            ..BtfBuilder::new(base.order)
        }
    }

    pub fn order(&self) -> Order {
        self.order
    }

    /// Sets the header's length; what is beyond the known words is zero.
    pub fn set_header_len(&mut self, len: usize) {
        self.header_len = len;
    }

    /// Appends an entry to the layout section of Linux 7.1: bytes behind the head of each kind, from kind 0 on.
    pub fn push_layout(&mut self, fixed: u8, each: u8) {
        self.layout.push([fixed, each, 0, 0]);
        self.header_len = self.header_len.max(32);
    }

    /// The id that the next type gets.
    pub fn next_id(&self) -> u32 {
        self.first_id + self.starts.len() as u32
    }

    /// The offset of `text` in the strings, appended where it is new.
    pub fn string(&mut self, text: &str) -> u32 {
        if let Some(&offset) = self.known.get(text) {
            return offset;
        }
        let offset = self.first_string + self.strings.len() as u32;
        self.strings.extend_from_slice(text.as_bytes());
        self.strings.push(0);
        self.known.insert(text.to_owned(), offset);
        offset
    }

    /// The string section as it stands.
    pub fn strings_mut(&mut self) -> &mut Vec<u8> {
        &mut self.strings
    }

    /// A type of raw words: the info word, the size or type, and what follows.
    pub fn raw(&mut self, name: &str, info: u32, size_or_type: u32, tail: &[u32]) -> u32 {
        let name_off = self.string(name);
        let id = self.next_id();
        self.starts.push(self.types.len());
        self.types.extend([name_off, info, size_or_type]);
        self.types.extend_from_slice(tail);
        id
    }

    /// Overwrites word `word` of an own type (0 name, 1 info, 2 size or type, 3 the first of what follows).
    pub fn set_word(&mut self, id: u32, word: usize, value: u32) {
        let start = self.starts[(id - self.first_id) as usize];
        self.types[start + word] = value;
    }

    /// Makes a pointer, modifier, typedef, function or variable refer to another type.
    pub fn set_target(&mut self, id: u32, target: u32) {
        self.set_word(id, 2, target);
    }

    pub fn int(&mut self, name: &str, size: u32, encoding: u32) -> u32 {
        self.int_bits(name, size, encoding, 0, size.wrapping_mul(8) & 0xff)
    }

    /// An integer of the old bitfield style: offset and width inside its storage.
    pub fn int_bits(&mut self, name: &str, size: u32, encoding: u32, at: u32, bits: u32) -> u32 {
        let word = encoding << 24 | at << 16 | bits;
        self.raw(name, kind::INT << 24, size, &[word])
    }

    /// A type that only refers to another: pointer, modifier, typedef, type tag.
    fn refer(&mut self, kind: u32, name: &str, target: u32) -> u32 {
        self.raw(name, kind << 24, target, &[])
    }

    pub fn ptr(&mut self, target: u32) -> u32 {
        self.refer(kind::PTR, "", target)
    }

    pub fn typedef(&mut self, name: &str, target: u32) -> u32 {
        self.refer(kind::TYPEDEF, name, target)
    }

    pub fn volatile(&mut self, target: u32) -> u32 {
        self.refer(kind::VOLATILE, "", target)
    }

    pub fn constant(&mut self, target: u32) -> u32 {
        self.refer(kind::CONST, "", target)
    }

    pub fn restrict(&mut self, target: u32) -> u32 {
        self.refer(kind::RESTRICT, "", target)
    }

    pub fn type_tag(&mut self, name: &str, target: u32) -> u32 {
        self.refer(kind::TYPE_TAG, name, target)
    }

    pub fn decl_tag(&mut self, name: &str, target: u32, component: i32) -> u32 {
        self.raw(name, kind::DECL_TAG << 24, target, &[component as u32])
    }

    pub fn float(&mut self, name: &str, size: u32) -> u32 {
        self.raw(name, kind::FLOAT << 24, size, &[])
    }

    pub fn array(&mut self, element: u32, index: u32, count: u32) -> u32 {
        self.raw("", kind::ARRAY << 24, 0, &[element, index, count])
    }

    pub fn structure(&mut self, name: &str, size: u32, fields: &[Field<'_>]) -> u32 {
        self.composite(kind::STRUCT, name, size, fields)
    }

    pub fn union(&mut self, name: &str, size: u32, fields: &[Field<'_>]) -> u32 {
        self.composite(kind::UNION, name, size, fields)
    }

    /// As clang: the kind flag is set exactly where there is a bitfield.
    fn composite(&mut self, kind: u32, name: &str, size: u32, fields: &[Field<'_>]) -> u32 {
        let flagged = fields.iter().any(|f| f.bits != 0);
        let mut tail = Vec::new();
        for f in fields {
            tail.extend([self.string(f.name), f.type_id, f.bits << 24 | f.bit_offset]);
        }
        let info = u32::from(flagged) << 31 | kind << 24 | fields.len() as u32;
        self.raw(name, info, size, &tail)
    }

    pub fn fwd_struct(&mut self, name: &str) -> u32 {
        self.raw(name, kind::FWD << 24, 0, &[])
    }

    pub fn fwd_union(&mut self, name: &str) -> u32 {
        self.raw(name, 1 << 31 | kind::FWD << 24, 0, &[])
    }

    /// An enum of up to 32 bits.
    pub fn enumeration(
        &mut self,
        name: &str,
        size: u32,
        signed: bool,
        values: &[(&str, i64)],
    ) -> u32 {
        let mut tail = Vec::new();
        for &(value_name, value) in values {
            tail.extend([self.string(value_name), value as u32]);
        }
        let info = u32::from(signed) << 31 | kind::ENUM << 24 | values.len() as u32;
        self.raw(name, info, size, &tail)
    }

    pub fn enum64(&mut self, name: &str, signed: bool, values: &[(&str, u64)]) -> u32 {
        let mut tail = Vec::new();
        for &(value_name, value) in values {
            tail.extend([self.string(value_name), value as u32, (value >> 32) as u32]);
        }
        let info = u32::from(signed) << 31 | kind::ENUM64 << 24 | values.len() as u32;
        self.raw(name, info, 8, &tail)
    }

    /// A prototype; a last parameter `("", 0)` makes it variadic.
    pub fn func_proto(&mut self, result: u32, params: &[(&str, u32)]) -> u32 {
        let mut tail = Vec::new();
        for &(name, type_id) in params {
            tail.extend([self.string(name), type_id]);
        }
        let info = kind::FUNC_PROTO << 24 | params.len() as u32;
        self.raw("", info, result, &tail)
    }

    pub fn func(&mut self, name: &str, proto: u32, linkage: u32) -> u32 {
        self.raw(name, kind::FUNC << 24 | linkage, proto, &[])
    }

    pub fn var(&mut self, name: &str, type_id: u32, linkage: u32) -> u32 {
        self.raw(name, kind::VAR << 24, type_id, &[linkage])
    }

    /// A data section of (variable, offset, size).
    pub fn datasec(&mut self, name: &str, size: u32, vars: &[(u32, u32, u32)]) -> u32 {
        let tail: Vec<u32> = vars.iter().flat_map(|&(t, o, s)| [t, o, s]).collect();
        let info = kind::DATASEC << 24 | vars.len() as u32;
        self.raw(name, info, size, &tail)
    }

    /// The bytes: header, types, strings, layout.
    pub fn build(&self) -> Vec<u8> {
        self.build_with(|_| {})
    }

    /// The bytes, with header words changed as a test wants them.
    pub fn build_with(&self, change: impl FnOnce(&mut BtfHeader)) -> Vec<u8> {
        let type_len = self.types.len() as u32 * 4;
        let str_len = self.strings.len() as u32;
        let mut header = BtfHeader {
            magic: 0xeb9f,
            version: 1,
            flags: 0,
            hdr_len: self.header_len as u32,
            type_off: 0,
            type_len,
            str_off: type_len,
            str_len,
            layout_off: type_len + str_len,
            layout_len: self.layout.len() as u32 * 4,
        };
        change(&mut header);
        let mut out = self.header_bytes(&header);
        out.resize(self.header_len, 0);
        out.extend(self.types.iter().flat_map(|&word| self.order.u32(word)));
        out.extend_from_slice(&self.strings);
        out.extend(self.layout.iter().flatten());
        out
    }

    fn header_bytes(&self, header: &BtfHeader) -> Vec<u8> {
        let mut out = self.order.u16(header.magic).to_vec();
        out.extend([header.version, header.flags]);
        for word in [
            header.hdr_len,
            header.type_off,
            header.type_len,
            header.str_off,
            header.str_len,
        ] {
            out.extend(self.order.u32(word));
        }
        if self.header_len >= 32 {
            out.extend(self.order.u32(header.layout_off));
            out.extend(self.order.u32(header.layout_len));
        }
        out
    }
}
