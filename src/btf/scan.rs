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

use std::ops::Range;

use super::kind::{KINDS, KindLayout};
use super::{BtfError, Kind, TypeId};
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
#[derive(Clone, Copy, Debug)]
struct Size {
    /// [`UNKNOWN`] where nobody knows.
    fixed: u32,
    each: u16,
    /// 1 for the kinds that [`is_type`] says.
    is_type: u16,
}

/// Longer than every type section, so that a type of unknown size never fits.
const UNKNOWN: u32 = u32::MAX;

/// The starts of all types of one section, counted from 0.
#[derive(Debug)]
pub(super) struct TypeTable {
    endian: Endian,
    sizes: Box<[Size; KINDS]>,
    /// The index of the first type of each segment.
    firsts: Vec<u32>,
    /// For each segment, where its first, fifth, … type starts.
    marks: Vec<Vec<u32>>,
    /// Where each type that has a name and is of a kind that [`is_type`] says starts.
    named: Vec<u32>,
    count: u32,
}

/// Whether a kind is one of types proper: what C can name, and CO-RE looks for.
pub(super) fn is_type(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Int
            | Kind::Struct
            | Kind::Union
            | Kind::Enum
            | Kind::Enum64
            | Kind::Fwd
            | Kind::Typedef
            | Kind::Float
    )
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
    /// The first `named_count` are starts of named types; the rest is room for more.
    named: Vec<u32>,
    named_count: usize,
    failed: bool,
}

/// A type section and what is needed to walk it.
#[derive(Clone, Copy)]
struct Types<'a, const BIG: bool> {
    bytes: &'a [u8],
    sizes: &'a [Size; KINDS],
}

/// What one type says on the way to the next.
#[derive(Clone, Copy)]
struct Step {
    name_off: u32,
    info: u32,
    /// Where the next type starts.
    next: usize,
    /// 1 for a named type of a kind that [`is_type`] says, else 0.
    named: usize,
}

impl<const BIG: bool> Types<'_, BIG> {
    /// Reads the type at `pos`.
    #[inline(always)]
    fn step(self, pos: usize) -> Step {
        let head = self
            .bytes
            .get(pos..)
            .and_then(|b| b.first_chunk::<TYPE_HEAD>());
        let Some(&[n0, n1, n2, n3, i0, i1, i2, i3, ..]) = head else {
            return Step {
                name_off: 0,
                info: 0,
                next: NOWHERE,
                named: 0,
            };
        };
        let word = |bytes| match BIG {
            true => u32::from_be_bytes(bytes),
            false => u32::from_le_bytes(bytes),
        };
        let (name_off, info) = (word([n0, n1, n2, n3]), word([i0, i1, i2, i3]));
        let size = self.sizes[(info >> 24) as usize % KINDS];
        let len = u64::from(size.fixed) + u64::from(size.each) * u64::from(info & 0x00ff_ffff);
        let left = self.bytes.len() - pos;
        Step {
            name_off,
            info,
            next: match len <= left as u64 {
                true => pos + len as usize,
                false => NOWHERE,
            },
            named: usize::from(name_off != 0) & usize::from(size.is_type),
        }
    }

    /// Walks to the limit, type by type.
    fn finish(self, walk: &mut Walk) {
        while walk.pos < walk.limit {
            if (walk.count as usize).is_multiple_of(STRIDE) {
                walk.marks.push(walk.pos as u32);
                walk.make_room();
            }
            let step = self.step(walk.pos);
            if step.next == NOWHERE {
                walk.failed = true;
                return;
            }
            if let Some(room) = walk.named.get_mut(walk.named_count) {
                *room = walk.pos as u32;
            }
            walk.named_count += step.named;
            walk.pos = step.next;
            walk.count += 1;
        }
    }

    /// Walks several segments in turns, so that no step waits for the one before.
    fn finish_together(self, walks: &mut [Walk; LANES]) {
        loop {
            walks.iter_mut().for_each(Walk::make_room);
            let mut pos: [usize; LANES] = std::array::from_fn(|i| walks[i].pos);
            let mut named: [usize; LANES] = std::array::from_fn(|i| walks[i].named_count);
            for _ in 0..STRIDE {
                for lane in 0..LANES {
                    let step = self.step(pos[lane]);
                    // Always written, and kept only where it counts: no branch to guess.
                    if let Some(room) = walks[lane].named.get_mut(named[lane]) {
                        *room = pos[lane] as u32;
                    }
                    named[lane] += step.named;
                    pos[lane] = step.next;
                }
            }
            // A step out of the segment, or out of the section, is taken singly below.
            if walks.iter().zip(pos).any(|(walk, pos)| pos > walk.limit) {
                break;
            }
            for (walk, (pos, named)) in walks.iter_mut().zip(pos.into_iter().zip(named)) {
                walk.marks.push(walk.pos as u32);
                walk.pos = pos;
                walk.named_count = named;
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
            let end = (0..GUESS_STEPS).fold(start, |pos, _| self.step(pos).next);
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

    /// Calls `each` with index, start and head of every type of a segment.
    #[inline(always)]
    fn for_each(self, marks: &[u32], range: Range<u32>, each: &mut impl FnMut(u32, usize, Step)) {
        let mut index = range.start;
        for &mark in marks {
            let mut pos = mark as usize;
            for _ in 0..STRIDE.min((range.end - index) as usize) {
                let step = self.step(pos);
                each(index, pos, step);
                index += 1;
                pos = step.next;
            }
        }
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

    /// Room for the named ones of the next few types.
    #[inline(always)]
    fn make_room(&mut self) {
        if self.named.len() < self.named_count + STRIDE {
            // One type in seven is named, in a kernel; at first that is the guess.
            let guess = self.limit.saturating_sub(self.start) / 128;
            let room = guess.max(2 * self.named_count) + STRIDE;
            self.named.resize(room, 0);
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
        // So starts and numbers of types fit 32 bits, and `UNKNOWN` does not.
        if bytes.len() >= UNKNOWN as usize {
            return Err(BtfError::TooLarge);
        }
        let table = TypeTable {
            endian,
            sizes: Box::new(std::array::from_fn(|kind| {
                Size::of(kind as u8, layouts[kind])
            })),
            firsts: Vec::new(),
            marks: Vec::new(),
            named: Vec::new(),
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
            let named = walk.named.get(..walk.named_count).unwrap_or_default();
            self.named.extend_from_slice(named);
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

    /// Where the named types of kinds that [`is_type`] says start, in order.
    #[inline]
    pub(super) fn named(&self) -> &[u32] {
        &self.named
    }

    /// The index of the type that starts at `offset`, which one of them does.
    pub(super) fn index_of(&self, bytes: &[u8], offset: u32) -> Option<u32> {
        let before = |marks: &Vec<u32>| marks.first().is_some_and(|&first| first <= offset);
        let segment = self.marks.partition_point(before).checked_sub(1)?;
        let marks = self.marks.get(segment)?;
        let mark = marks
            .partition_point(|&mark| mark <= offset)
            .checked_sub(1)?;
        let mut pos = *marks.get(mark)? as usize;
        for within in 0..STRIDE {
            if pos == offset as usize {
                let index = (mark * STRIDE + within) as u32;
                return self.firsts.get(segment).map(|first| first + index);
            }
            pos = self.next(bytes, pos)?;
        }
        None
    }

    /// Calls `each` with index, start, name offset and kind of every type, in order.
    ///
    /// Begins anew at every mark, so that few steps wait for one another.
    #[inline]
    pub(super) fn for_each(&self, bytes: &[u8], mut each: impl FnMut(u32, usize, u32, Kind)) {
        let sizes = &self.sizes;
        let mut each = |index, pos, step: Step| {
            let kind = Kind::from_number((step.info >> 24) as u8 & 0x7f);
            each(index, pos, step.name_off, kind);
        };
        for (segment, (&first, marks)) in self.firsts.iter().zip(&self.marks).enumerate() {
            let end = self.firsts.get(segment + 1).copied().unwrap_or(self.count);
            match self.endian {
                Endian::Little => {
                    Types::<false> { bytes, sizes }.for_each(marks, first..end, &mut each);
                }
                Endian::Big => {
                    Types::<true> { bytes, sizes }.for_each(marks, first..end, &mut each);
                }
            }
        }
    }

    /// Where the type behind the one at `offset` starts.
    #[inline]
    pub(super) fn next(&self, bytes: &[u8], offset: usize) -> Option<usize> {
        let sizes = &self.sizes;
        let next = match self.endian {
            Endian::Little => Types::<false> { bytes, sizes }.step(offset).next,
            Endian::Big => Types::<true> { bytes, sizes }.step(offset).next,
        };
        (next != NOWHERE).then_some(next)
    }
}

impl Size {
    fn of(kind: u8, layout: KindLayout) -> Size {
        let fixed = TYPE_HEAD as u32 + u32::from(layout.fixed);
        Size {
            fixed: if layout.known { fixed } else { UNKNOWN },
            each: layout.each.into(),
            is_type: is_type(Kind::from_number(kind)).into(),
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
