//! Where global variables lie in the arena.

use crate::elf::Object;
use crate::feature::Feature;
use crate::link::LinkError;
use crate::name::Name;
use crate::target::Target;

/// The variables of an object in its arena, on one target.
pub(super) struct Placement {
    /// The arena's index in the object.
    map: u32,
    /// Where in the arena they start, bytes; or why they cannot.
    start: Result<u64, LinkError>,
}

impl Placement {
    /// `None` for an object without such variables; the target is not asked then.
    ///
    /// As libbpf places them: in the last pages of the arena, so that what programs
    /// allocate starts where the arena does. A kernel that refuses large offsets gets them
    /// in the first pages.
    pub fn of(object: &Object, target: &Target) -> Option<Placement> {
        let mut maps = (0u32..).zip(object.maps());
        let (map, arena) = maps.find(|(_, map)| map.is_arena() && map.initial.is_some())?;
        let size = arena.initial.as_ref().map_or(0, Vec::len) as u64;
        let (pages, page_size) = (arena.definition.max_entries, target.page_size());
        // Pages are counted by 32 bits and are far smaller than 2^32 bytes.
        let room = u64::from(pages).saturating_mul(page_size);
        let taken = size.checked_next_multiple_of(page_size);
        let last = taken.and_then(|taken| room.checked_sub(taken));
        let start = match last {
            Some(last) if target.supports(Feature::FarMapValue) => Ok(last),
            Some(_) => Ok(0),
            None => Err(LinkError::ArenaTooSmall {
                map: arena.name.clone(),
                size,
                pages,
                page_size,
            }),
        };
        Some(Placement { map, start })
    }

    /// The arena and where in it the variables start, where they can.
    pub fn known(&self) -> Option<(u32, u64)> {
        Some((self.map, *self.start.as_ref().ok()?))
    }

    /// From an offset into the variables to one into the arena. Other maps' values
    /// start where the map does.
    pub fn offset(
        placement: Option<&Placement>,
        map: u32,
        offset: u32,
        name: impl Fn() -> Name,
    ) -> Result<u32, LinkError> {
        let Some(placement) = placement.filter(|placement| placement.map == map) else {
            return Ok(offset);
        };
        let start = placement.start.clone()?;
        // Before the first variable is negative, as in the instruction.
        let offset = offset as i32;
        start
            .checked_add_signed(offset.into())
            .and_then(|sum| u32::try_from(sum).ok())
            .ok_or_else(|| LinkError::Addend {
                name: name(),
                addend: offset.into(),
            })
    }
}
