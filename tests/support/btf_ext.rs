//! Builds `.BTF.ext` for tests, after the kernel's Documentation/bpf/btf.rst.

#![allow(dead_code)] // Every test binary uses another part of it.

use super::btf::Order;

/// The kinds of CO-RE records, in the order of `enum bpf_core_relo_kind`.
pub mod core {
    pub const BYTE_OFFSET: u32 = 0;
    pub const BYTE_SIZE: u32 = 1;
    pub const FIELD_EXISTS: u32 = 2;
    pub const FIELD_SIGNED: u32 = 3;
    pub const LSHIFT_U64: u32 = 4;
    pub const RSHIFT_U64: u32 = 5;
    pub const TYPE_ID_LOCAL: u32 = 6;
    pub const TYPE_ID_TARGET: u32 = 7;
    pub const TYPE_EXISTS: u32 = 8;
    pub const TYPE_SIZE: u32 = 9;
    pub const ENUMVAL_EXISTS: u32 = 10;
    pub const ENUMVAL_VALUE: u32 = 11;
    pub const TYPE_MATCHES: u32 = 12;
}

/// The records of one section, as words in the order of the format.
#[derive(Clone, Debug)]
struct Block {
    section: u32,
    /// The count that the block claims, where a test wants a wrong one.
    claims: Option<u32>,
    records: Vec<Vec<u32>>,
}

/// One of the three parts: func, line or CO-RE records.
#[derive(Clone, Debug)]
pub struct Part {
    /// Bytes of a record; longer than its words: filled with 0xee.
    pub record_size: u32,
    blocks: Vec<Block>,
}

impl Part {
    fn new(record_size: u32) -> Part {
        Part {
            record_size,
            blocks: Vec::new(),
        }
    }

    /// Adds a record to the last block of the section whose name is at `section` in the BTF strings.
    pub fn push(&mut self, section: u32, words: &[u32]) {
        match self.blocks.last_mut() {
            Some(block) if block.section == section => block.records.push(words.to_vec()),
            _ => self.blocks.push(Block {
                section,
                claims: None,
                records: vec![words.to_vec()],
            }),
        }
    }

    /// Lets the last block claim another number of records than it has.
    pub fn claim(&mut self, count: u32) {
        if let Some(block) = self.blocks.last_mut() {
            block.claims = Some(count);
        }
    }

    /// Lets `change` reorder the records of every block.
    pub fn reorder(&mut self, mut change: impl FnMut(&mut Vec<Vec<u32>>)) {
        for block in &mut self.blocks {
            change(&mut block.records);
        }
    }

    fn bytes(&self, order: Order) -> Vec<u8> {
        if self.blocks.is_empty() {
            return Vec::new();
        }
        let mut out = order.u32(self.record_size).to_vec();
        for block in &self.blocks {
            let count = block.claims.unwrap_or(block.records.len() as u32);
            out.extend(order.u32(block.section));
            out.extend(order.u32(count));
            for record in &block.records {
                let start = out.len();
                out.extend(record.iter().flat_map(|&word| order.u32(word)));
                out.resize(start + self.record_size as usize, 0xee);
            }
        }
        out
    }
}

/// The words of the header, as [`ExtBuilder::build_with`] lets a test change them.
#[derive(Clone, Debug)]
pub struct ExtHeader {
    pub magic: u16,
    pub version: u8,
    pub hdr_len: u32,
    pub func_off: u32,
    pub func_len: u32,
    pub line_off: u32,
    pub line_len: u32,
    pub core_off: u32,
    pub core_len: u32,
}

/// `.BTF.ext` under construction.
#[derive(Clone, Debug)]
pub struct ExtBuilder {
    order: Order,
    /// 24 bytes leave out the CO-RE part; more than 32 are filled with zeros.
    pub header_len: usize,
    pub func: Part,
    pub line: Part,
    pub core: Part,
}

impl ExtBuilder {
    pub fn new(order: Order) -> ExtBuilder {
        ExtBuilder {
            order,
            header_len: 32,
            func: Part::new(8),
            line: Part::new(16),
            core: Part::new(16),
        }
    }

    /// func_info: the function whose BTF_KIND_FUNC is `type_id` starts at `insn` (a slot).
    pub fn func(&mut self, section: u32, insn: u32, type_id: u32) {
        self.func.push(section, &[insn * 8, type_id]);
    }

    /// line_info: `insn` comes from `line` and `column` of the file at `file` in the strings.
    pub fn line(&mut self, section: u32, insn: u32, file: u32, text: u32, line: u32, column: u32) {
        let place = line << 10 | column;
        self.line.push(section, &[insn * 8, file, text, place]);
    }

    /// CO-RE: patch `insn` with what `kind` says of the access at `access` in the strings.
    pub fn core(&mut self, section: u32, insn: u32, type_id: u32, access: u32, kind: u32) {
        self.core.push(section, &[insn * 8, type_id, access, kind]);
    }

    pub fn build(&self) -> Vec<u8> {
        self.build_with(|_| {})
    }

    /// The bytes, with header words changed as a test wants them.
    pub fn build_with(&self, change: impl FnOnce(&mut ExtHeader)) -> Vec<u8> {
        let parts = [&self.func, &self.line, &self.core].map(|part| part.bytes(self.order));
        let [func_len, line_len, core_len] = [0, 1, 2].map(|i| parts[i].len() as u32);
        let mut header = ExtHeader {
            magic: 0xeb9f,
            version: 1,
            hdr_len: self.header_len as u32,
            func_off: 0,
            func_len,
            line_off: func_len,
            line_len,
            core_off: func_len + line_len,
            core_len,
        };
        change(&mut header);
        let mut out = self.header_bytes(&header);
        out.resize(self.header_len, 0);
        out.extend(parts.into_iter().flatten());
        out
    }

    fn header_bytes(&self, header: &ExtHeader) -> Vec<u8> {
        let mut out = self.order.u16(header.magic).to_vec();
        out.extend([header.version, 0]);
        for word in [
            header.hdr_len,
            header.func_off,
            header.func_len,
            header.line_off,
            header.line_len,
            header.core_off,
            header.core_len,
        ] {
            out.extend(self.order.u32(word));
        }
        out.truncate(self.header_len);
        out
    }
}
