//! Records of `.BTF.ext` that belong to instructions: func_info and line_info.

/// Records of one kind for one stream, sorted by instruction.
///
/// Each record is kept as the file has it, in the object's byte order and with
/// the file's record size; its first four bytes are an instruction offset that
/// the linked program replaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InfoTable {
    record_size: usize,
    insns: Vec<u32>,
    bytes: Vec<u8>,
}

impl InfoTable {
    /// A table of `records`: the instruction slot in the stream, and the raw record
    /// of `record_size` bytes. Records of another length are left out.
    pub fn new<'a>(
        record_size: usize,
        records: impl IntoIterator<Item = (u32, &'a [u8])>,
    ) -> InfoTable {
        let mut sorted: Vec<(u32, &[u8])> = records
            .into_iter()
            .filter(|(_, raw)| raw.len() == record_size)
            .collect();
        // Stable: of two records at one instruction the file's order stands.
        sorted.sort_by_key(|&(insn, _)| insn);
        InfoTable {
            record_size,
            insns: sorted.iter().map(|&(insn, _)| insn).collect(),
            bytes: sorted.iter().flat_map(|&(_, raw)| raw).copied().collect(),
        }
    }

    /// Bytes of one record.
    pub fn record_size(&self) -> usize {
        self.record_size
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.insns.is_empty()
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.insns.len()
    }

    /// The records whose instruction lies in `range`, in order.
    pub fn within(&self, range: std::ops::Range<u32>) -> impl Iterator<Item = (u32, &[u8])> {
        let first = self.insns.partition_point(|&insn| insn < range.start);
        let insns = self.insns.get(first..).unwrap_or_default();
        let skip = first.saturating_mul(self.record_size);
        let raw = self.bytes.get(skip..).unwrap_or_default();
        insns
            .iter()
            .copied()
            .zip(raw.chunks_exact(self.record_size.max(1)))
            .take_while(move |&(insn, _)| insn < range.end)
    }
}
