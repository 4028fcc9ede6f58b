//! Where each type starts: one pass over the type section.
//!
//! The start of a type depends on the length of the one before it, so a plain
//! pass waits for memory and arithmetic at every step. A large section is cut
//! into segments instead, and four of them are walked at once. Where a later
//! segment starts is a guess; a segment counts only once the walk before it
//! ended exactly at its start, otherwise it is walked again from the right
//! place. So the result never depends on the guesses.
//!
//! Only every fourth start is kept; the others are a few steps away.

use super::kind::{KINDS, KindLayout};
use super::{BtfError, TypeId};
use crate::bytes::Endian;

/// Bytes of `struct btf_type`, the head of every type.
pub(super) const TYPE_HEAD: usize = 12;
/// Every how many types a start is kept.
const STRIDE: usize = 4;
/// How many segments are walked at once.
const LANES: usize = 4;
/// Bytes of type section worth a segment of its own.
const SEGMENT: usize = 64 << 10;
/// Segments at most: they are looked up by binary search.
const SEGMENTS_MAX: usize = 64;
/// Steps that have to make sense before a guessed start is tried.
const GUESS_STEPS: usize = 8;
/// Guesses for one segment; the longest type of a kernel is far shorter.
const GUESSES: usize = 4096;
/// Not a position: the type is unknown or runs past the end.
const NOWHERE: usize = usize::MAX;

/// Bytes of a type: `fixed`, its head included, and `each` for every entry.
/// `fixed` is 0 where the kind is unknown.
#[derive(Clone, Copy, Debug)]
struct Size {
    fixed: u16,
    each: u16,
}

/// The starts of all types of one section, counted from 0.
#[derive(Debug)]
pub(super) struct TypeTable {
    endian: Endian,
    sizes: Box<[Size; KINDS]>,
    /// The index of the first type of each segment.
    firsts: Vec<u32>,
    /// For each segment, where its first, fifth, … type starts.
    marks: Vec<Vec<u32>>,
    count: u32,
}

/// A segment while it is walked.
#[derive(Debug, Default)]
struct Walk {
    start: usize,
    /// The walk ends with the type that reaches this.
    limit: usize,
    pos: usize,
    count: u32,
    marks: Vec<u32>,
    failed: bool,
}

/// A type section and what is needed to walk it.
#[derive(Clone, Copy)]
struct Types<'a, const BIG: bool> {
    bytes: &'a [u8],
    sizes: &'a [Size; KINDS],
}

impl<const BIG: bool> Types<'_, BIG> {
    /// Where the type behind the one at `pos` starts.
    #[inline(always)]
    fn step(self, pos: usize) -> usize {
        let head = self
            .bytes
            .get(pos..)
            .and_then(|b| b.first_chunk::<TYPE_HEAD>());
        let Some(&[_, _, _, _, a, b, c, d, ..]) = head else {
            return NOWHERE;
        };
        let info = match BIG {
            true => u32::from_be_bytes([a, b, c, d]),
            false => u32::from_le_bytes([a, b, c, d]),
        };
        let size = self.sizes[(info >> 24) as usize % KINDS];
        let len = u64::from(size.fixed) + u64::from(size.each) * u64::from(info & 0x00ff_ffff);
        let left = self.bytes.len() - pos;
        match size.fixed != 0 && len <= left as u64 {
            true => pos + len as usize,
            false => NOWHERE,
        }
    }

    /// Walks to the limit, type by type.
    fn finish(self, walk: &mut Walk) {
        while walk.pos < walk.limit {
            if (walk.count as usize).is_multiple_of(STRIDE) {
                walk.marks.push(walk.pos as u32);
            }
            let next = self.step(walk.pos);
            if next == NOWHERE {
                walk.failed = true;
                return;
            }
            walk.pos = next;
            walk.count += 1;
        }
    }

    /// Walks several segments in turns, so that no step waits for the one before.
    fn finish_together(self, walks: &mut [Walk; LANES]) {
        loop {
            let mut pos: [usize; LANES] = std::array::from_fn(|i| walks[i].pos);
            for _ in 0..STRIDE {
                pos = pos.map(|pos| self.step(pos));
            }
            // A step out of the segment, or out of the section, is taken singly below.
            if walks.iter().zip(pos).any(|(walk, pos)| pos > walk.limit) {
                break;
            }
            for (walk, pos) in walks.iter_mut().zip(pos) {
                walk.marks.push(walk.pos as u32);
                walk.pos = pos;
                walk.count += STRIDE as u32;
            }
        }
        for walk in walks {
            self.finish(walk);
        }
    }

    /// A place near `pos` from where some types in a row make sense.
    fn guess(self, pos: usize) -> usize {
        let makes_sense = |start: usize| {
            let end = (0..GUESS_STEPS).fold(start, |pos, _| match pos {
                NOWHERE => NOWHERE,
                pos => self.step(pos),
            });
            end != NOWHERE
        };
        let aligned = pos & !3;
        (0..GUESSES)
            .map(|i| aligned.saturating_add(4 * i))
            .find(|&start| makes_sense(start))
            .unwrap_or(aligned)
    }

    /// The segments, each walked from where it is thought to start.
    fn walk_all(self) -> Vec<Walk> {
        let len = self.bytes.len();
        let segments = (len / SEGMENT).clamp(1, SEGMENTS_MAX);
        let mut starts: Vec<usize> = (0..segments)
            .map(|i| match i {
                0 => 0,
                _ => self.guess(len / segments * i),
            })
            .collect();
        starts.push(len);
        let mut walks: Vec<Walk> = starts
            .windows(2)
            .map(|pair| match *pair {
                [start, limit] => Walk::new(start, limit),
                _ => Walk::default(),
            })
            .collect();
        for group in walks.chunks_mut(LANES) {
            match <&mut [Walk; LANES]>::try_from(&mut *group) {
                Ok(group) => self.finish_together(group),
                Err(_) => group.iter_mut().for_each(|walk| self.finish(walk)),
            }
        }
        walks
    }
}

impl Walk {
    fn new(start: usize, limit: usize) -> Walk {
        // Types of a kernel take 25 bytes on average; a vector that is too short grows.
        let marks = Vec::with_capacity(limit.saturating_sub(start) / (24 * STRIDE) + 1);
        Walk {
            start,
            limit,
            pos: start,
            marks,
            ..Walk::default()
        }
    }
}

impl TypeTable {
    /// Finds every type of the section, or says which is the first that is wrong.
    pub(super) fn scan(
        bytes: &[u8],
        endian: Endian,
        first_id: TypeId,
        layouts: &[KindLayout; KINDS],
    ) -> Result<TypeTable, BtfError> {
        // The header counts bytes in 32 bits; so starts and numbers of types fit too.
        u32::try_from(bytes.len()).map_err(|_| BtfError::TooLarge)?;
        let table = TypeTable {
            endian,
            sizes: Box::new(layouts.map(Size::of)),
            firsts: Vec::new(),
            marks: Vec::new(),
            count: 0,
        };
        match endian {
            Endian::Little => table.fill::<false>(bytes, first_id, layouts),
            Endian::Big => table.fill::<true>(bytes, first_id, layouts),
        }
    }

    fn fill<const BIG: bool>(
        mut self,
        bytes: &[u8],
        first_id: TypeId,
        layouts: &[KindLayout; KINDS],
    ) -> Result<TypeTable, BtfError> {
        let sizes = self.sizes.clone();
        let types = Types::<BIG> {
            bytes,
            sizes: &sizes,
        };
        let mut expected = 0;
        for mut walk in types.walk_all() {
            if walk.start != expected {
                walk = Walk::new(expected, walk.limit);
                types.finish(&mut walk);
            }
            if walk.failed {
                let id = first_id
                    .saturating_add(self.count)
                    .saturating_add(walk.count);
                return Err(why(bytes, self.endian, walk.pos, id, layouts));
            }
            expected = walk.pos;
            if walk.count > 0 {
                self.firsts.push(self.count);
                self.marks.push(walk.marks);
                self.count += walk.count;
            }
        }
        match first_id.checked_add(self.count) {
            Some(end) if end < u32::MAX => Ok(self),
            _ => Err(BtfError::TooLarge),
        }
    }

    /// How many types there are.
    #[inline]
    pub(super) fn len(&self) -> u32 {
        self.count
    }

    /// Where the type `index` starts in `bytes`, the section that was scanned.
    #[inline]
    pub(super) fn offset(&self, bytes: &[u8], index: u32) -> Option<usize> {
        if index >= self.count {
            return None;
        }
        let segment = self.firsts.partition_point(|&first| first <= index) - 1;
        let within = (index - self.firsts.get(segment)?) as usize;
        let mark = *self.marks.get(segment)?.get(within / STRIDE)?;
        (0..within % STRIDE).try_fold(mark as usize, |pos, _| self.next(bytes, pos))
    }

    /// Calls `each` with the index and the start of every type, in order.
    ///
    /// Begins anew at every mark, so that few steps wait for one another.
    #[inline]
    pub(super) fn for_each(&self, bytes: &[u8], mut each: impl FnMut(u32, usize)) {
        for (&first, marks) in self.firsts.iter().zip(&self.marks) {
            let mut index = first;
            let end = match self
                .firsts
                .get(self.firsts.partition_point(|&f| f <= first))
            {
                Some(&next) => next,
                None => self.count,
            };
            for &mark in marks {
                let mut offset = mark as usize;
                for _ in 0..STRIDE.min((end - index) as usize) {
                    each(index, offset);
                    index += 1;
                    offset = self.next(bytes, offset).unwrap_or(offset);
                }
            }
        }
    }

    /// Where the type behind the one at `offset` starts.
    #[inline]
    pub(super) fn next(&self, bytes: &[u8], offset: usize) -> Option<usize> {
        let sizes = &self.sizes;
        let next = match self.endian {
            Endian::Little => Types::<false> { bytes, sizes }.step(offset),
            Endian::Big => Types::<true> { bytes, sizes }.step(offset),
        };
        (next != NOWHERE).then_some(next)
    }
}

impl Size {
    fn of(layout: KindLayout) -> Size {
        match layout.known {
            true => Size {
                fixed: TYPE_HEAD as u16 + u16::from(layout.fixed),
                each: layout.each.into(),
            },
            false => Size { fixed: 0, each: 0 },
        }
    }
}

/// Why the type at `offset` cannot be stepped over.
fn why(
    bytes: &[u8],
    endian: Endian,
    offset: usize,
    id: TypeId,
    layouts: &[KindLayout; KINDS],
) -> BtfError {
    let kind = endian
        .u32_at(bytes, offset.saturating_add(4))
        .map(|info| (info >> 24) as u8 & 0x7f)
        .filter(|&kind| !layouts[usize::from(kind) % KINDS].known);
    match kind {
        Some(kind) => BtfError::UnknownKind { id, kind },
        None => BtfError::TypeTruncated { id, offset },
    }
}
