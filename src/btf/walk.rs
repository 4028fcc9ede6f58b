//! A segment of a type section while it is walked, and what is noted on the way.

use std::ops::Range;

use super::lanes::Lanes;
use super::scan::{STRIDE, Types};

/// Bytes that a type takes on average in kernels, or a little less.
const AVERAGE: usize = 24;
/// Every how many bytes of a kernel a type is listed, or a little more often.
const LISTED: usize = 128;

/// A segment while it is walked, and then what was found there.
#[derive(Debug)]
pub(super) struct Walk {
    pub start: u64,
    /// The walk ends with the type that reaches this.
    pub limit: u64,
    /// Where it is, and at last where the next segment starts.
    pub pos: u64,
    /// How many types it passed.
    pub count: u32,
    /// Every how many types a start is kept: [`STRIDE`], or 1 where the lanes had no part in it.
    pub stride: usize,
    /// How many starts are kept: the last ones noted when it ends.
    pub marked: usize,
    /// How many types it passed that are listed: the last ones noted when it ends.
    pub named: usize,
    /// Which of [`Noted::marks`] are of it.
    pub marks: Range<u32>,
    /// Which of [`Noted::listed`] are of it.
    pub listed: Range<u32>,
    /// Whether the type at `pos` is not whole, or none.
    pub failed: bool,
}

/// Where types start, counted from where their walk started: of each walk a row, in the order in
/// which they ended.
#[derive(Debug)]
pub(super) struct Noted {
    /// The first type of a walk and every `stride`th one.
    pub marks: Vec<u16>,
    /// Those that are listed.
    pub listed: Vec<u16>,
}

/// The same of one walk, which has not ended.
pub(super) struct Rooms<'a> {
    pub marks: &'a [u16],
    pub named: &'a [u16],
}

impl Noted {
    /// With room for the types of a kernel.
    pub(super) fn of_large(bytes: usize) -> Noted {
        Noted {
            marks: Vec::with_capacity(bytes / (AVERAGE * STRIDE)),
            listed: Vec::with_capacity(bytes / LISTED),
        }
    }

    /// With room for all starts, most of them listed.
    pub(super) fn of_small(bytes: usize) -> Noted {
        Noted {
            marks: Vec::with_capacity(bytes / AVERAGE + 1),
            listed: Vec::with_capacity(bytes / AVERAGE + 1),
        }
    }

    pub(super) fn take(&mut self, rooms: Rooms<'_>) {
        self.marks.extend_from_slice(rooms.marks);
        self.listed.extend_from_slice(rooms.named);
    }

    /// Gives back the room that was not needed.
    pub(super) fn shrink(&mut self) {
        self.marks.shrink_to_fit();
        self.listed.shrink_to_fit();
    }
}

/// The last so many.
fn last(noted: &[u16], count: usize) -> Range<u32> {
    let end = noted.len() as u32;
    end.saturating_sub(count as u32)..end
}

impl Walk {
    pub(super) fn new(start: u64, limit: u64) -> Walk {
        Walk {
            start,
            limit,
            pos: start,
            count: 0,
            stride: STRIDE,
            marked: 0,
            named: 0,
            marks: 0..0,
            listed: 0..0,
            failed: false,
        }
    }

    /// What is behind one that had to stop, which ends there; none where none had to.
    pub(super) fn rest_of_full(&mut self) -> Option<Walk> {
        if !Lanes::full(self) {
            return None;
        }
        let limit = std::mem::replace(&mut self.limit, self.pos);
        Some(Walk::new(self.pos, limit))
    }

    /// Walks from the start to the limit.
    pub(super) fn alone(mut self, types: Types<'_>, noted: &mut Noted) -> Walk {
        // So nobody has to step from one to the next.
        self.stride = 1;
        self.finish(types, noted)
    }

    /// Walks to the limit, type by type. What was noted before is noted last.
    #[inline(never)]
    pub(super) fn finish(mut self, types: Types<'_>, noted: &mut Noted) -> Walk {
        while self.pos < self.limit {
            let place = (self.pos - self.start) as u16;
            if self.stride == 1 || (self.count as usize).is_multiple_of(STRIDE) {
                noted.marks.push(place);
                self.marked += 1;
            }
            let Some((top, next)) = types.whole(self.pos as usize) else {
                self.failed = true;
                break;
            };
            // Always noted, and kept only where it counts: no branch to guess.
            let listed = noted.listed.len() + types.sizes.listed(top);
            noted.listed.push(place);
            noted.listed.truncate(listed);
            self.named += types.sizes.listed(top);
            self.pos = next as u64;
            self.count += 1;
        }
        self.marks = last(&noted.marks, self.marked);
        self.listed = last(&noted.listed, self.named);
        self
    }
}
