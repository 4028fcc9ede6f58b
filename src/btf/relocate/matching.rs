//! Which type of the real base is meant by a type of the distilled one?
//!
//! That of the same name that is of the same kind: integers, floats and enums of the
//! same size too; structs and unions of the same size where the kernel has several
//! of the name, or where the module has one inside a struct of its own. A type that
//! nothing or more than one thing fits is an error: a guess would give wrong layouts.

use crate::btf::{Btf, BtfError, Kind, MAX_CHAIN, Type, TypeId, display_name};
use crate::lookup::Lookup;

/// What can stand for a distilled type.
const CANDIDATES: [Kind; 7] = [
    Kind::Int,
    Kind::Float,
    Kind::Enum,
    Kind::Enum64,
    Kind::Fwd,
    Kind::Struct,
    Kind::Union,
];

/// How many types of the kernel are compared, all in all: a few for each distilled type
/// (a module has some hundreds). Thousands of one name on both sides would take hours.
const MAX_COMPARED: usize = 1 << 21;

/// For each type of `distilled`, `void` first, its id in `base`.
pub(super) fn map_ids(split: &Btf, distilled: &Btf, base: &Btf) -> Result<Vec<TypeId>, BtfError> {
    let embedded = embedded_types(split)?;
    let mut ids = vec![0];
    let mut left = MAX_COMPARED;
    for ty in distilled.own_types() {
        check_kind(&ty)?;
        ids.push(find(&ty, embedded.contains(&ty.id()), base, &mut left)?);
    }
    Ok(ids)
}

/// A distilled base has nothing but named types that are no references.
fn check_kind(ty: &Type<'_>) -> Result<(), BtfError> {
    let known = CANDIDATES.contains(&ty.kind()) && ty.kind() != Kind::Enum64;
    match known && ty.name_off() != 0 {
        true => Ok(()),
        false => Err(BtfError::WrongKind {
            id: ty.id(),
            found: ty.kind(),
            expected: "a named type, as every type of a distilled base is",
        }),
    }
}

fn find(ty: &Type<'_>, embedded: bool, base: &Btf, left: &mut usize) -> Result<TypeId, BtfError> {
    let name = ty.name()?;
    let same_name = || base.named_exact(name, &CANDIDATES);
    let mut composites = base.named_exact(name, &[Kind::Struct, Kind::Union]);
    let several = composites.nth(1).is_some();
    let mut found = None;
    for id in same_name() {
        *left = left.checked_sub(1).ok_or_else(|| {
            let what = "it and those before it have more namesakes than any kernel";
            fault(ty, what.to_owned())
        })?;
        if !fits(ty, &base.type_by_id(id)?, embedded, several) {
            continue;
        }
        if let Some(first) = found.replace(id) {
            let what = format!("the kernel's BTF has several that fit: [{first}] and [{id}]");
            return Err(fault(ty, what));
        }
    }
    found.ok_or_else(|| {
        let what = match same_name().next() {
            Some(id) => format!("that of the kernel, [{id}], is of another kind or size"),
            None => "the kernel's BTF has none of this name".to_owned(),
        };
        fault(ty, what)
    })
}

fn fault(ty: &Type<'_>, what: String) -> BtfError {
    let name = display_name(ty.name().unwrap_or_default());
    let (kind, id) = (ty.kind(), ty.id());
    let size = match kind {
        Kind::Fwd => String::new(),
        _ => format!(" of {} bytes", ty.size()),
    };
    BtfError::Malformed(format!(
        "distilled base: {kind} {name} [{id}]{size}: {what}"
    ))
}

/// Whether `real` can be what `ty` stands for. Their names are the same.
fn fits(ty: &Type<'_>, real: &Type<'_>, embedded: bool, several: bool) -> bool {
    let same_kind = ty.kind() == real.kind();
    let same_size = ty.size() == real.size();
    match ty.kind() {
        Kind::Int => same_kind && same_size && signs(ty) == signs(real),
        Kind::Float => same_kind && same_size,
        // Both enums are written as enums without values.
        Kind::Enum => real.kind().is_any_enum() && same_size,
        Kind::Fwd => declares(ty.kind_flag(), real) && (!several || real.kind() == Kind::Fwd),
        Kind::Struct | Kind::Union => same_kind && (same_size || !embedded && !several),
        _ => false,
    }
}

/// Whether an integer is signed, a character or a boolean.
fn signs(ty: &Type<'_>) -> Option<u8> {
    ty.int().map(|int| int.flags)
}

/// Whether a forward declaration of a union (or else a struct) declares `real`.
fn declares(union: bool, real: &Type<'_>) -> bool {
    match real.kind() {
        Kind::Fwd => real.kind_flag() == union,
        Kind::Struct => !union,
        Kind::Union => union,
        _ => false,
    }
}

/// Types of the base that lie inside the module's own structs and unions, directly
/// or in arrays: with another size they would move what stands behind them.
fn embedded_types(split: &Btf) -> Result<Lookup<TypeId>, BtfError> {
    let mut found = Lookup::default();
    for ty in split.own_types().filter(|ty| ty.kind().is_composite()) {
        for member in ty.members() {
            let inner = innermost(split, member.type_id)?;
            if inner.kind().is_composite() && inner.id() < split.first_id() {
                found.insert(inner.id(), ());
            }
        }
    }
    Ok(found)
}

/// The type behind modifiers, typedefs and arrays.
fn innermost(split: &Btf, start: TypeId) -> Result<Type<'_>, BtfError> {
    let mut ty = split.type_by_id(start)?;
    for _ in 0..MAX_CHAIN {
        let next = match ty.array() {
            Some(array) => array.element,
            None if ty.kind().is_modifier_or_typedef() => ty.target(),
            None => return Ok(ty),
        };
        ty = split.type_by_id(next)?;
    }
    Err(BtfError::Cycle(start))
}
