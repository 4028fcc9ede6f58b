//! The walk over a large type section: several segments of it at once.
//!
//! A step needs the one before it, and so a walk alone spends its time waiting. Here each of
//! some lanes walks a segment of its own, a step each in turn, and whoever is through with one
//! takes the next. What a lane does for a step is one load, one look at a table, and one
//! addition, which moves on and counts.

use super::scan::{STRIDE, Size, Sizes, TOP_BYTES, TYPE_HEAD, Types};
use super::walk::{Rooms, Walk};
use crate::bytes::Endian;

/// How many segments are walked at once. More would still fit the registers, and gain nothing:
/// then the walk takes as long as memory does.
pub(super) const LANES: usize = 6;
/// Everything is in words here: kinds of types are of whole ones.
const WORD: u64 = 4;
/// Longer sections are walked by one: with a type more, of any length, no position passes 32
/// bits.
const MAX_BYTES: usize = 1 << 30;
/// Entries that are longer are unknown to all kernels.
const MAX_ENTRY: u32 = 64;
/// What a type of unknown length takes: more than any section, and no sum passes 32 bits.
const BEHIND: u64 = 1 << 31;
/// Above the position of a lane is the next free place in its room.
const FREE: u32 = 32;
/// Places in a room. The first [`STRIDE`] are free: what is listed in the steps that fill it up
/// goes there, and harms nothing.
const ROOM: usize = 1024;
/// The types in 64 KiB, which a segment is at the most, that are kept.
const MARKS: usize = (64 << 10) / TYPE_HEAD / STRIDE + 1;
/// What a lane has in it whose room is full.
const FULL: u64 = (ROOM as u64) << FREE;

/// What all lanes look at in every step: side by side, so that one register leads to all of it.
pub(super) struct Lanes {
    moves: Moves,
    /// Where each lane notes the places of its listed types, the lower half of them in words.
    rooms: [[u16; ROOM]; LANES],
    /// Where each lane notes the places that are kept, in bytes from the start of its walk.
    marks: [[u16; MARKS]; LANES],
}

/// What is added to a lane for a type of each kind, by the upper byte of `info`.
struct Moves {
    /// Words of its fixed part, and above them a 1 for a listed one.
    fixed: [u64; TOP_BYTES],
    /// Words of each entry.
    each: [u32; TOP_BYTES],
}

impl Moves {
    fn of(sizes: &Sizes) -> Moves {
        let mut moves = Moves {
            fixed: [BEHIND; TOP_BYTES],
            each: [0; TOP_BYTES],
        };
        let of_moves = moves.fixed.iter_mut().zip(&mut moves.each);
        for ((fixed, each), size) in of_moves.zip(sizes.all()) {
            if let Some(size) = size {
                *fixed = u64::from(size.fixed) / WORD + (u64::from(size.listed) << FREE);
                *each = size.each / WORD as u32;
            }
        }
        moves
    }

    #[inline(always)]
    fn by(&self, info: u32) -> u64 {
        let top = (info >> 24) as usize;
        let entries = self.each[top] * (info & 0x00ff_ffff);
        self.fixed[top] + u64::from(entries)
    }
}

impl Lanes {
    /// Whether a section of so many bytes can be walked so.
    pub(super) fn can_walk(sizes: &Sizes, section: usize) -> bool {
        let fits = |size: Size| {
            size.fixed.is_multiple_of(4) && size.each.is_multiple_of(4) && size.each <= MAX_ENTRY
        };
        section < MAX_BYTES && sizes.all().flatten().all(fits)
    }

    // By itself: so it is made where it stays.
    #[inline(never)]
    pub(super) fn new(sizes: &Sizes) -> Lanes {
        Lanes {
            moves: Moves::of(sizes),
            rooms: [[0; ROOM]; LANES],
            marks: [[0; MARKS]; LANES],
        }
    }

    /// Whether a walk had to stop because its room is full, or as good as full.
    pub(super) fn full(walk: &Walk) -> bool {
        walk.named + 2 * STRIDE >= ROOM
    }

    /// What a walk noted that leaves its lane: with places as [`Noted`](super::walk::Noted) has them.
    pub(super) fn rooms(&mut self, lane: usize, walk: &Walk) -> Rooms<'_> {
        let (named, marks) = (self.rooms.get_mut(lane), self.marks.get(lane));
        let named = named.and_then(|room| room.get_mut(STRIDE..STRIDE + walk.named));
        let marks = marks.and_then(|room| room.get(..walk.marked));
        let named = named.unwrap_or_default();
        let base = (walk.start / WORD) as u16;
        for place in &mut *named {
            *place = place.wrapping_sub(base).wrapping_mul(WORD as u16);
        }
        Rooms {
            marks: marks.unwrap_or_default(),
            named,
        }
    }
}

impl Types<'_> {
    /// Walks until one of the lanes, which is told, is as good as through, or its room full.
    pub(super) fn together(self, lanes: &mut Lanes, walks: &mut [Walk; LANES]) -> usize {
        match self.endian {
            Endian::Little => self.together_in::<false>(lanes, walks),
            Endian::Big => self.together_in::<true>(lanes, walks),
        }
    }

    // By itself: within its caller too much of it would live on the stack.
    #[inline(never)]
    fn together_in<const BIG: bool>(self, lanes: &mut Lanes, walks: &mut [Walk; LANES]) -> usize {
        let (words, _) = self.bytes.as_chunks();
        // The second word of a type is what its length depends on.
        let infos = words.get(1..).unwrap_or_default();
        let limits = walks.each_ref().map(|walk| (walk.limit / WORD) as u32);
        let mut at = walks.each_ref().map(|walk| {
            let free = (STRIDE + walk.named) as u64;
            walk.pos / WORD + (free << FREE)
        });
        let (before, lane) = loop {
            let before = at;
            let out = match steps::<BIG>(infos, lanes, &mut at) {
                true => out(&at, &limits),
                false => at.iter().position(|&at| at as u32 as usize >= infos.len()),
            };
            if let Some(lane) = out {
                break (before, lane);
            }
            for ((walk, &start), marks) in walks.iter_mut().zip(&before).zip(&mut lanes.marks) {
                let start = WORD * u64::from(start as u32);
                if let Some(mark) = marks.get_mut(walk.marked) {
                    *mark = (start - walk.start) as u16;
                }
                walk.marked += 1;
            }
        };
        // A step out of the segment, or out of the section, is taken singly.
        for (walk, &at) in walks.iter_mut().zip(&before) {
            walk.pos = WORD * u64::from(at as u32);
            walk.named = (at >> FREE) as usize - STRIDE;
            walk.count = (walk.marked * STRIDE) as u32;
        }
        lane
    }
}

/// Some steps of each lane; false where one of them left the section.
///
/// Each lane has its line: positions that a loop takes from an array are in memory, whatever the
/// optimiser unrolls, and a step then waits for the one before it to be stored. By itself, so
/// that what its caller remembers takes none of the registers.
#[inline(never)]
fn steps<const BIG: bool>(infos: &[[u8; 4]], lanes: &mut Lanes, at: &mut [u64; LANES]) -> bool {
    let moves = &lanes.moves;
    let [mut a, mut b, mut c, mut d, mut e, mut f] = *at;
    let [in_a, in_b, in_c, in_d, in_e, in_f] = &mut lanes.rooms;
    let inside = (0..STRIDE).all(|_| {
        step::<BIG>(infos, moves, &mut a, in_a)
            && step::<BIG>(infos, moves, &mut b, in_b)
            && step::<BIG>(infos, moves, &mut c, in_c)
            && step::<BIG>(infos, moves, &mut d, in_d)
            && step::<BIG>(infos, moves, &mut e, in_e)
            && step::<BIG>(infos, moves, &mut f, in_f)
    });
    *at = [a, b, c, d, e, f];
    inside
}

#[inline(always)]
fn step<const BIG: bool>(
    infos: &[[u8; 4]],
    moves: &Moves,
    at: &mut u64,
    room: &mut [u16; ROOM],
) -> bool {
    let pos = *at as u32;
    let Some(&info) = infos.get(pos as usize) else {
        return false;
    };
    // Always written, and kept only where it counts: no branch to guess.
    room[(*at >> FREE) as usize % ROOM] = pos as u16;
    *at += moves.by(match BIG {
        true => u32::from_be_bytes(info),
        false => u32::from_le_bytes(info),
    });
    true
}

/// A lane that is behind its limit, or whose room is full.
#[inline(always)]
fn out(at: &[u64; LANES], limits: &[u32; LANES]) -> Option<usize> {
    if at.iter().fold(0, |any, at| any | at) & FULL != 0 {
        return at.iter().position(|at| at & FULL != 0);
    }
    let mut lanes = at.iter().zip(limits);
    lanes.position(|(&at, &limit)| at as u32 > limit)
}
