//! The places of a type that hold an id or the offset of a name.

use crate::btf::write::Draft;
use crate::btf::{BtfError, Kind, TypeId};

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// A type id; 0 is `void`.
    Id,
    /// The offset of a string; 0 is no name.
    Name,
}

/// Calls `change` for every such place of a type; `id` is what an error calls it.
pub(super) fn for_each_field(
    id: TypeId,
    draft: &mut Draft,
    mut change: impl FnMut(Field, &mut u32) -> Result<(), BtfError>,
) -> Result<(), BtfError> {
    use Field::{Id, Name};
    change(Name, &mut draft.name_off)?;
    if has_target(draft.kind()) {
        change(Id, &mut draft.size_or_type)?;
    }
    let (entry, places): (usize, &[(usize, Field)]) = match draft.kind() {
        Kind::Array => (3, &[(0, Id), (1, Id)]),
        Kind::Struct | Kind::Union => (3, &[(0, Name), (1, Id)]),
        Kind::Enum => (2, &[(0, Name)]),
        Kind::Enum64 => (3, &[(0, Name)]),
        Kind::FuncProto => (2, &[(0, Name), (1, Id)]),
        Kind::Datasec => (3, &[(0, Id)]),
        Kind::Unknown => {
            return Err(BtfError::WrongKind {
                id,
                found: Kind::Unknown,
                expected: "a kind whose references are known",
            });
        }
        _ => return Ok(()),
    };
    for words in draft.tail.chunks_exact_mut(entry) {
        for &(at, field) in places {
            if let Some(value) = words.get_mut(at) {
                change(field, value)?;
            }
        }
    }
    Ok(())
}

/// Whether the third word of the head is a type id, not a size.
fn has_target(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Ptr
            | Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::Func
            | Kind::FuncProto
            | Kind::Var
            | Kind::DeclTag
            | Kind::TypeTag
    )
}
