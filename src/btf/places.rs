//! Where the types of a list start: some kinds of the types of one section, in order.

use std::ops::Range;

use super::walk::Walk;

/// Places of types, numbered from 0.
#[derive(Debug, Default)]
pub(super) struct Places {
    parts: Vec<Part>,
    /// All of them, each counted from the base of its part.
    places: Vec<u16>,
}

/// Those of one segment of the section.
#[derive(Debug)]
struct Part {
    /// The number of the first one.
    first: u32,
    /// What they are counted from, in bytes.
    base: u32,
    /// Which ones they are.
    places: Range<u32>,
}

impl Part {
    fn of<'a>(&self, places: &'a [u16]) -> &'a [u16] {
        let Range { start, end } = self.places;
        places.get(start as usize..end as usize).unwrap_or_default()
    }
}

impl Places {
    /// What walks listed that follow one another.
    pub(super) fn of(walks: &[Walk], listed: Vec<u16>) -> Places {
        let mut parts = Vec::with_capacity(walks.len());
        let mut first = 0;
        for walk in walks.iter().filter(|walk| !walk.listed.is_empty()) {
            parts.push(Part {
                first,
                base: walk.start as u32,
                places: walk.listed.clone(),
            });
            first += walk.listed.len() as u32;
        }
        Places {
            parts,
            places: listed,
        }
    }

    pub(super) fn len(&self) -> usize {
        let last = self.parts.last();
        last.map_or(0, |last| last.first as usize + last.places.len())
    }

    /// Where the one of this number starts.
    pub(super) fn get(&self, number: u32) -> Option<u32> {
        let behind = self.parts.partition_point(|part| part.first <= number);
        let part = self.parts.get(behind.checked_sub(1)?)?;
        let within = number.checked_sub(part.first)?;
        let place = *part.of(&self.places).get(within as usize)?;
        part.base.checked_add(place.into())
    }

    /// Where they start, in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = u32> {
        self.parts.iter().flat_map(|part| {
            let places = part.of(&self.places).iter();
            places.map(|&place| part.base.saturating_add(place.into()))
        })
    }

    /// The same, so many at once at most: what they are counted from, and these.
    pub(super) fn batches(&self, len: usize) -> impl Iterator<Item = (u32, &[u16])> {
        self.parts.iter().flat_map(move |part| {
            let batches = part.of(&self.places).chunks(len);
            batches.map(|places| (part.base, places))
        })
    }
}
