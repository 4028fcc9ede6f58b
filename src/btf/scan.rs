//! Where each type starts: one pass over the type section.
//!
//! The start of a type depends on the length of the one before it, so a plain
//! pass waits for memory and arithmetic at every step. A large section is cut
//! into segments instead, and some of them are walked at once (`lanes`). Where a
//! later segment starts is a guess; a segment counts only once the walk before it
//! ended exactly at its start, otherwise it is walked again from the right place.
//! So the result never depends on the guesses.
//!
//! On the way the types of some kinds are listed, so that the index of names
//! needs no pass of its own.

use super::kind::{KINDS, KindLayout, LAYOUTS};
use super::lanes::{LANES, Lanes};
use super::walk::{Noted, Walk};
use super::{BtfError, Kind, TypeId};
use crate::bytes::Endian;
use crate::order;

/// Bytes of `struct btf_type`, the head of every type.
pub(super) const TYPE_HEAD: usize = 12;
/// Every how many types a start is kept, of a large section.
pub(super) const STRIDE: usize = 8;
/// Bytes of type section worth a segment of its own. With the guesses that shift its end, a
/// segment is no longer than 64 KiB: places in it fit 16 bits.
const SEGMENT: usize = 56 << 10;
/// Shorter sections are walked by one, from start to end.
const SMALL: usize = 4 * SEGMENT;
/// Steps that have to make sense before a guessed start is tried.
const GUESS_STEPS: usize = 8;
/// Guesses for one segment, 4 bytes apart; most types of a kernel are far shorter.
const GUESSES: usize = 2048;
/// Not a position: behind every section, which are shorter than 4 GiB.
const NOWHERE: u64 = 1 << 40;
/// Longer than every type section, so that a type of unknown size never fits.
const UNKNOWN: u32 = u32::MAX;
/// Values of the upper byte of a type's `info`: the kind, and the kind flag on top.
pub(super) const TOP_BYTES: usize = 2 * KINDS;

/// Bytes of each kind of type, and whether it is listed, by the upper byte of `info`.
#[derive(Clone, Debug)]
pub(super) struct Sizes {
    /// The head included.
    fixed: [u32; TOP_BYTES],
    /// For every entry.
    each: [u32; TOP_BYTES],
    /// 1 for the kinds that are listed.
    listed: [u32; TOP_BYTES],
}

/// Those of one kind.
pub(super) struct Size {
    pub fixed: u32,
    pub each: u32,
    pub listed: u32,
}

impl Sizes {
    /// Those of linux/btf.h.
    pub(super) const KNOWN: &Sizes = &Sizes::new(&LAYOUTS);

    /// With the types listed that C can name.
    pub(super) const fn new(layouts: &[KindLayout; KINDS]) -> Sizes {
        let mut sizes = Sizes {
            fixed: [UNKNOWN; TOP_BYTES],
            each: [0; TOP_BYTES],
            listed: [0; TOP_BYTES],
        };
        let mut top = 0;
        while top < TOP_BYTES {
            let layout = layouts[top % KINDS];
            if layout.known {
                sizes.fixed[top] = TYPE_HEAD as u32 + layout.fixed as u32;
                sizes.each[top] = layout.each as u32;
            }
            let kind = Kind::from_number((top % KINDS) as u8);
            sizes.listed[top] = is_type(kind) as u32;
            top += 1;
        }
        sizes
    }

    /// With all others listed that have names.
    pub(super) fn of_others(mut self) -> Sizes {
        for (top, listed) in self.listed.iter_mut().enumerate() {
            let kind = Kind::from_number((top % KINDS) as u8);
            *listed = (!is_type(kind) && kind.may_have_name()) as u32;
        }
        self
    }

    /// 1 for an upper byte that is listed, else 0.
    #[inline(always)]
    pub(super) fn listed(&self, top: u8) -> usize {
        self.listed[usize::from(top)] as usize
    }

    /// For each value of the upper byte; none where it is unknown.
    pub(super) fn all(&self) -> impl Iterator<Item = Option<Size>> {
        let sizes = self.fixed.iter().zip(&self.each).zip(&self.listed);
        sizes.map(|((&fixed, &each), &listed)| {
            let size = Size {
                fixed,
                each,
                listed,
            };
            (fixed != UNKNOWN).then_some(size)
        })
    }
}

/// Whether a kind is one of types proper: what C can name, and CO-RE looks for.
pub(super) const fn is_type(kind: Kind) -> bool {
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

fn is_small(len: usize) -> bool {
    len < SMALL
}

/// A type section and what is needed to walk it.
#[derive(Clone, Copy)]
pub(super) struct Types<'a> {
    pub bytes: &'a [u8],
    pub endian: Endian,
    pub sizes: &'a Sizes,
}

/// What one type says on the way to the next.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// The upper byte of `info`.
    pub top: u8,
    /// Where the next type starts, if this one is whole. Never before `pos`.
    next: u64,
}

impl Types<'_> {
    /// Reads the type at `pos`, which need not be one; of one that starts behind the section
    /// nothing is true but that the next starts there too.
    #[inline(always)]
    fn step(self, pos: u64) -> Step {
        // Sections are shorter than 4 GiB. The cut tells the compiler that no sum overflows.
        let at = pos as u32 as usize;
        let Some(&[a, b, c, d]) = self.bytes.get(at + 4..at + 8) else {
            return Step {
                top: 0,
                next: NOWHERE,
            };
        };
        let info = match self.endian {
            Endian::Little => u32::from_le_bytes([a, b, c, d]),
            Endian::Big => u32::from_be_bytes([a, b, c, d]),
        };
        let top = (info >> 24) as u8;
        let fixed = self.sizes.fixed[usize::from(top)];
        let each = self.sizes.each[usize::from(top)];
        let len = u64::from(fixed) + u64::from(each) * u64::from(info & 0x00ff_ffff);
        Step {
            top,
            next: pos + len,
        }
    }

    /// The type at `pos` and where the next one starts; `None` where it is not whole.
    #[inline(always)]
    pub(super) fn whole(self, pos: usize) -> Option<(u8, usize)> {
        let step = self.step(pos as u64);
        let fits = step.next <= self.bytes.len() as u64;
        fits.then_some((step.top, step.next as usize))
    }

    /// A place near `pos` from where some types in a row make sense.
    #[inline(never)]
    fn guess(self, pos: usize) -> u64 {
        let makes_sense = |&start: &u64| {
            let end = (0..GUESS_STEPS).fold(start, |pos, _| self.step(pos).next);
            end <= self.bytes.len() as u64
        };
        let aligned = pos as u64 & !3;
        (0..GUESSES as u64)
            .map(|i| aligned + 4 * i)
            .find(makes_sense)
            .unwrap_or(aligned)
    }

    /// The segments, none walked yet, each from where it is thought to start.
    fn segments(self) -> Vec<Walk> {
        let len = self.bytes.len();
        // As many for each lane, so that all are through at about the same time.
        let count = len.div_ceil(SEGMENT).next_multiple_of(LANES);
        let segment = len.div_ceil(count);
        let mut starts: Vec<u64> = (1..count).map(|i| self.guess(segment * i)).collect();
        starts.insert(0, 0);
        starts.push(len as u64);
        let limits = starts.iter().skip(1);
        let between = starts.iter().zip(limits);
        between
            .map(|(&start, &limit)| Walk::new(start, limit))
            .collect()
    }

    /// Walks the section: all its segments, in order, each from where the one before ended, and
    /// what they noted. Those behind one that failed mean nothing.
    pub(super) fn walk_through(self) -> (Vec<Walk>, Noted) {
        let (mut walks, mut noted) = self.walk_all();
        let mut expected = 0;
        for walk in &mut walks {
            if walk.start != expected {
                *walk = Walk::new(expected, walk.limit).alone(self, &mut noted);
            }
            expected = walk.pos;
        }
        noted.shrink();
        (walks, noted)
    }

    /// Walks every segment from where it is thought to start. They come in order.
    fn walk_all(self) -> (Vec<Walk>, Noted) {
        let len = self.bytes.len();
        match !is_small(len) && Lanes::can_walk(self.sizes, len) {
            true => self.walk_in_lanes(),
            false => self.walk_in_order(),
        }
    }

    fn walk_in_lanes(self) -> (Vec<Walk>, Noted) {
        let mut lanes = Lanes::new(self.sizes);
        let mut waiting = self.segments();
        let mut walked = Vec::with_capacity(waiting.len());
        let mut noted = Noted::of_large(self.bytes.len());
        let last = waiting.len().saturating_sub(LANES);
        match <[Walk; LANES]>::try_from(waiting.split_off(last)) {
            Ok(mut walks) => {
                loop {
                    let lane = self.together(&mut lanes, &mut walks);
                    let rest = walks[lane].rest_of_full();
                    let Some(next) = rest.or_else(|| waiting.pop()) else {
                        break;
                    };
                    let through = std::mem::replace(&mut walks[lane], next);
                    noted.take(lanes.rooms(lane, &through));
                    walked.push(through.finish(self, &mut noted));
                }
                walked.extend(walks.into_iter().enumerate().map(|(lane, walk)| {
                    noted.take(lanes.rooms(lane, &walk));
                    walk.finish(self, &mut noted)
                }));
            }
            Err(few) => waiting = few,
        }
        walked.extend(waiting.into_iter().map(|walk| walk.alone(self, &mut noted)));
        order::by_number(&mut walked, |walk| walk.start);
        (walked, noted)
    }

    /// Each segment from where the one before ended: nothing to guess, for a small section.
    fn walk_in_order(self) -> (Vec<Walk>, Noted) {
        let len = self.bytes.len() as u64;
        let (mut walked, mut start) = (Vec::new(), 0);
        let mut noted = Noted::of_small(self.bytes.len());
        while start < len {
            let walk = Walk::new(start, len.min(start + SEGMENT as u64));
            let walk = walk.alone(self, &mut noted);
            start = if walk.failed { len } else { walk.pos };
            walked.push(walk);
        }
        (walked, noted)
    }
}

/// Why the type at `offset` cannot be stepped over.
pub(super) fn why(
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
