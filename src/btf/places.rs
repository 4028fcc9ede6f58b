//! Where the types of a list start: some kinds of the types of one section, in order.

use super::scan::Walk;

/// Places of types, numbered from 0.
#[derive(Debug, Default)]
pub(super) struct Places {
    parts: Vec<Part>,
    len: u32,
}

/// Those of one segment of the section.
#[derive(Debug)]
struct Part {
    /// The number of the first one.
    first: u32,
    /// What they are counted from, in bytes.
    base: u32,
    places: Vec<u16>,
}

impl Places {
    /// What walks listed that follow one another.
    pub(super) fn of(walks: impl IntoIterator<Item = Walk>) -> Places {
        let mut all = Places::default();
        walks.into_iter().for_each(|mut walk| all.take(&mut walk));
        all
    }

    /// Appends what a walk listed, and leaves nothing there.
    pub(super) fn take(&mut self, walk: &mut Walk) {
        let places = std::mem::take(&mut walk.list);
        if places.is_empty() {
            return;
        }
        let first = self.len;
        self.len = first.saturating_add(places.len() as u32);
        self.parts.push(Part {
            first,
            base: walk.start as u32,
            places,
        });
    }

    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// Where the one of this number starts.
    pub(super) fn get(&self, number: u32) -> Option<u32> {
        let behind = self.parts.partition_point(|part| part.first <= number);
        let part = self.parts.get(behind.checked_sub(1)?)?;
        let within = number.checked_sub(part.first)?;
        let place = *part.places.get(within as usize)?;
        part.base.checked_add(place.into())
    }

    /// Where they start, in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = u32> {
        self.parts.iter().flat_map(|part| {
            let places = part.places.iter();
            places.map(|&place| part.base.saturating_add(place.into()))
        })
    }

    /// The same, so many at once at most: what they are counted from, and these.
    pub(super) fn batches(&self, len: usize) -> impl Iterator<Item = (u32, &[u16])> {
        self.parts.iter().flat_map(move |part| {
            let batches = part.places.chunks(len);
            batches.map(|places| (part.base, places))
        })
    }
}
