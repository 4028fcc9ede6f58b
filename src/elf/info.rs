//! Records of `.BTF.ext` that belong to instructions: func_info and line_info.

use crate::order;
use std::ops::Range;

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
        let mut table = InfoTable::default();
        table.reserve(record_size, 0);
        for (insn, raw) in records {
            table.push(insn, raw);
        }
        table.sort();
        table
    }

    /// Room for `count` more records. The first call says how long all of them are.
    pub(super) fn reserve(&mut self, record_size: usize, count: usize) {
        if self.record_size == 0 {
            self.record_size = record_size;
        }
        self.insns.reserve(count);
        self.bytes.reserve(count.saturating_mul(self.record_size));
    }

    /// Adds a record, unless it has another length; [`sort`](Self::sort) is due after the last.
    pub(super) fn push(&mut self, insn: u32, raw: &[u8]) {
        if raw.len() == self.record_size {
            self.insns.push(insn);
            self.bytes.extend_from_slice(raw);
        }
    }

    /// Brings the records into the order of their instructions.
    pub(super) fn sort(&mut self) {
        // As compilers write them: there is nothing to do.
        if self.insns.is_sorted() {
            return;
        }
        let raw = self.bytes.chunks_exact(self.record_size.max(1));
        let mut sorted: Vec<(u32, &[u8])> = self.insns.iter().copied().zip(raw).collect();
        // Stable: of two records at one instruction the file's order stands.
        order::by_number(&mut sorted, |&(insn, _)| insn);
        let (insns, bytes): (Vec<u32>, Vec<&[u8]>) = sorted.into_iter().unzip();
        (self.insns, self.bytes) = (insns, bytes.concat());
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
    pub fn within(&self, range: Range<u32>) -> impl ExactSizeIterator<Item = (u32, &[u8])> {
        let first = self.insns.partition_point(|&insn| insn < range.start);
        let insns = self.insns.get(first..).unwrap_or_default();
        let behind = count_below(insns, range.end);
        let skip = first.saturating_mul(self.record_size);
        let raw = self.bytes.get(skip..).unwrap_or_default();
        let records = raw.chunks_exact(self.record_size.max(1));
        insns.iter().take(behind).copied().zip(records)
    }
}

/// How many of the first of ascending numbers lie below `end`: few, mostly.
fn count_below(numbers: &[u32], end: u32) -> usize {
    let mut reach = 1;
    while numbers.get(reach - 1).is_some_and(|&number| number < end) {
        reach = reach.saturating_mul(2);
    }
    let half = numbers.get(reach / 2..reach.min(numbers.len()));
    let half = half.unwrap_or_default();
    reach / 2 + half.partition_point(|&number| number < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_as_a_plain_loop_does() {
        let numbers: Vec<u32> = (0..70).map(|n| n / 3 * 2).collect();
        for from in 0..numbers.len() {
            let numbers = &numbers[from..];
            for end in 0..60 {
                let expected = numbers.iter().filter(|&&number| number < end).count();
                assert_eq!(count_below(numbers, end), expected, "{from} {end}");
            }
        }
        assert_eq!(count_below(&[], 1), 0);
    }
}
