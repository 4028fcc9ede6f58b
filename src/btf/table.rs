//! Types by their numbers and places: what the pass over the type section leaves.
//!
//! Of a large section only every eighth start is kept; the others are a few steps away.

use std::borrow::Cow;
use std::ops::Range;

use super::kind::{KINDS, KindLayout, LAYOUTS};
use super::places::Places;
use super::scan::{STRIDE, Sizes, Types, why};
use super::{BtfError, Kind, TypeId};
use crate::bytes::Endian;

/// Every how many types, as a power of two, the segment that a type lies in is kept.
const HINT_SHIFT: u32 = 8;

/// The starts of all types of one section, counted from 0.
#[derive(Debug)]
pub(super) struct TypeTable {
    endian: Endian,
    sizes: Cow<'static, Sizes>,
    segments: Vec<Segment>,
    /// Where types start, of each segment a row.
    marks: Vec<u16>,
    /// For type 0, 256, 512, … the segment that it lies in.
    hints: Vec<u32>,
    count: u32,
    /// Those of the kinds that [`is_type`](super::scan::is_type) says; anonymous ones are
    /// among them.
    named: Places,
}

/// Types that were walked in a row.
#[derive(Debug)]
struct Segment {
    /// The index of its first type.
    first: u32,
    /// Where it starts.
    base: u32,
    /// Every how many types a start is kept: [`STRIDE`] or 1.
    stride: usize,
    /// Which of the marks say where its first type and every `stride`th one starts, counted
    /// from there.
    marks: Range<u32>,
}

impl Segment {
    #[inline]
    fn place(&self, within: u16) -> usize {
        self.base as usize + usize::from(within)
    }
}

impl TypeTable {
    /// Finds every type of the section, or says which is the first that is wrong.
    pub(super) fn scan(
        bytes: &[u8],
        endian: Endian,
        first_id: TypeId,
        layouts: Option<&[KindLayout; KINDS]>,
    ) -> Result<TypeTable, BtfError> {
        // So starts and numbers of types fit 32 bits, and no type is longer than all.
        if bytes.len() >= u32::MAX as usize {
            return Err(BtfError::TooLarge);
        }
        let mut table = TypeTable {
            endian,
            sizes: layouts.map_or(Cow::Borrowed(Sizes::KNOWN), |l| Cow::Owned(Sizes::new(l))),
            segments: Vec::new(),
            marks: Vec::new(),
            hints: Vec::new(),
            count: 0,
            named: Places::default(),
        };
        if let Err(offset) = table.fill(bytes) {
            let id = first_id.saturating_add(table.count);
            let layouts = layouts.unwrap_or(&LAYOUTS);
            return Err(why(bytes, endian, offset, id, layouts));
        }
        match first_id.checked_add(table.count) {
            Some(end) if end < u32::MAX => Ok(table),
            _ => Err(BtfError::TooLarge),
        }
    }

    /// Walks the section. An error is where the first wrong type starts, whose number is
    /// `count` then.
    fn fill(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let sizes = self.sizes.clone();
        let (walks, noted) = self.types(bytes, &sizes).walk_through();
        self.segments.reserve_exact(walks.len());
        for walk in &walks {
            let first = self.count;
            self.count = self.count.saturating_add(walk.count);
            if walk.failed {
                return Err(walk.pos as usize);
            }
            if walk.count > 0 {
                self.segments.push(Segment {
                    first,
                    base: walk.start as u32,
                    stride: walk.stride,
                    marks: walk.marks.clone(),
                });
            }
        }
        self.marks = noted.marks;
        self.named = Places::of(&walks, noted.listed);
        let mut segment = 0;
        for hint in 0..=self.count >> HINT_SHIFT {
            let of_next = |s: &Segment| s.first <= hint << HINT_SHIFT;
            while self.segments.get(segment + 1).is_some_and(of_next) {
                segment += 1;
            }
            self.hints.push(segment as u32);
        }
        Ok(())
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
        let segment = self.segment_of(index)?;
        let within = index.checked_sub(segment.first)? as usize;
        let first_mark = segment.marks.start as usize;
        if segment.stride == 1 {
            return Some(segment.place(*self.marks.get(first_mark + within)?));
        }
        // The only other one: a division by what is known is none.
        let mark = segment.place(*self.marks.get(first_mark + within / STRIDE)?);
        match within % STRIDE {
            0 => Some(mark),
            steps => self.forward(bytes, mark, steps),
        }
    }

    /// The segment that the type `index` lies in.
    #[inline]
    fn segment_of(&self, index: u32) -> Option<&Segment> {
        let hint = (index >> HINT_SHIFT) as usize;
        let first = *self.hints.get(hint)? as usize;
        let last = match self.hints.get(hint + 1) {
            Some(&next) => next as usize,
            None => self.segments.len().checked_sub(1)?,
        };
        match first == last {
            // Most are long enough.
            true => self.segments.get(first),
            false => self.segment_among(first, last, index),
        }
    }

    #[inline(never)]
    fn segment_among(&self, first: usize, last: usize, index: u32) -> Option<&Segment> {
        let segments = self.segments.get(first..=last)?;
        let behind = segments.partition_point(|s| s.first <= index);
        segments.get(behind.checked_sub(1)?)
    }

    /// Where the type starts that is `steps` behind the one at `start`.
    // By itself: in small sections it is never needed.
    #[inline(never)]
    fn forward(&self, bytes: &[u8], start: usize, steps: usize) -> Option<usize> {
        let mut start = start;
        for _ in 0..steps {
            start = self.next(bytes, start)?;
        }
        Some(start)
    }

    /// The types that C can name, anonymous ones among them.
    pub(super) fn named(&self) -> &Places {
        &self.named
    }

    /// All others that may have a name, which costs another walk.
    pub(super) fn others(&self, bytes: &[u8]) -> Places {
        let sizes = self.sizes.clone().into_owned().of_others();
        let (walks, noted) = self.types(bytes, &sizes).walk_through();
        Places::of(&walks, noted.listed)
    }

    /// The index of the type that starts at `offset`, which one of them does.
    pub(super) fn index_of(&self, bytes: &[u8], offset: u32) -> Option<u32> {
        let behind = self.segments.partition_point(|s| s.base <= offset);
        let segment = self.segments.get(behind.checked_sub(1)?)?;
        let place = offset - segment.base;
        let Range { start, end } = segment.marks;
        let marks = self.marks.get(start as usize..end as usize)?;
        let behind = marks.partition_point(|&mark| u32::from(mark) <= place);
        let mark = behind.checked_sub(1)?;
        let mut pos = segment.place(*marks.get(mark)?);
        for within in 0..segment.stride {
            if pos == offset as usize {
                return segment
                    .first
                    .checked_add((mark * segment.stride + within) as u32);
            }
            pos = self.next(bytes, pos)?;
        }
        None
    }

    #[inline(always)]
    fn whole(&self, bytes: &[u8], start: usize) -> Option<(u8, usize)> {
        self.types(bytes, &self.sizes).whole(start)
    }

    #[inline(always)]
    fn types<'a>(&self, bytes: &'a [u8], sizes: &'a Sizes) -> Types<'a> {
        Types {
            bytes,
            endian: self.endian,
            sizes,
        }
    }

    /// The kind of the type at `offset`, and where the next one starts.
    #[inline]
    pub(super) fn kind_and_next(&self, bytes: &[u8], offset: usize) -> Option<(Kind, usize)> {
        let (top, next) = self.whole(bytes, offset)?;
        Some((Kind::from_number(top & 0x7f), next))
    }

    /// Where the type behind the one at `offset` starts.
    #[inline]
    pub(super) fn next(&self, bytes: &[u8], offset: usize) -> Option<usize> {
        self.whole(bytes, offset).map(|(_, next)| next)
    }
}
