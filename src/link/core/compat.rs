//! Do two types agree? In the three senses that CO-RE knows; the third,
//! agreement in depth, is in [`super::matches`].
//!
//! The rules are those of the kernel and of libbpf (relo_core.c).

use super::CoreFault;
use super::budget::Budget;
use crate::btf::{Btf, BtfError, Kind, MAX_CHAIN, Type, TypeId, essential_name};

/// How deep function prototypes are followed into each other.
pub(super) const MAX_DEPTH: usize = 32;

/// Whether types of these kinds can stand for each other; an enum64 is an enum.
pub(super) fn same_kind(a: Kind, b: Kind) -> bool {
    a == b || (a.is_any_enum() && b.is_any_enum())
}

/// One type of the object and one of the target, modifiers and typedefs skipped.
pub(super) struct Pair<'a> {
    pub local: Type<'a>,
    pub target: Type<'a>,
}

impl<'a> Pair<'a> {
    pub(super) fn resolve(
        (local, local_id): (&'a Btf, TypeId),
        (target, target_id): (&'a Btf, TypeId),
    ) -> Result<Pair<'a>, BtfError> {
        Ok(Pair {
            local: local.resolve(local_id)?,
            target: target.resolve(target_id)?,
        })
    }
}

/// Whether a field of type `a` may be read as one of type `b`, modifiers and typedefs skipped.
///
/// Any two structs or unions agree, any two pointers, any two floats, integers
/// of any size and sign; enums and forward declarations by name, where both
/// have one; arrays by their elements.
pub(super) fn fields_agree<'a>(
    local: &'a Btf,
    a: &Type<'a>,
    target: &'a Btf,
    b: &Type<'a>,
) -> Result<bool, CoreFault> {
    match leaves_agree(a, b)? {
        Some(agree) => Ok(agree),
        None => elements_agree(local, a, target, b),
    }
}

/// The same for what are no arrays; `None` for two arrays.
#[inline(always)]
fn leaves_agree(a: &Type<'_>, b: &Type<'_>) -> Result<Option<bool>, CoreFault> {
    let kind = a.kind();
    Ok(Some(match kind {
        _ if kind.is_composite() && b.kind().is_composite() => true,
        _ if !same_kind(kind, b.kind()) => false,
        Kind::Ptr | Kind::Float => true,
        Kind::Int => whole_integers(a, b),
        Kind::Fwd | Kind::Enum | Kind::Enum64 => names_agree(a, b)?,
        Kind::Array => return Ok(None),
        _ => false,
    }))
}

#[inline(never)]
fn elements_agree<'a>(
    local: &'a Btf,
    a: &Type<'a>,
    target: &'a Btf,
    b: &Type<'a>,
) -> Result<bool, CoreFault> {
    let (start, mut a, mut b) = (a.id(), *a, *b);
    // The arrays themselves were the first of the chain.
    for _ in 1..MAX_CHAIN {
        let (of_a, of_b) = elements(&a, &b)?;
        (a, b) = (local.resolve(of_a)?, target.resolve(of_b)?);
        if let Some(agree) = leaves_agree(&a, &b)? {
            return Ok(agree);
        }
    }
    Err(BtfError::Cycle(start).into())
}

/// Whether the target has the type `local_id` (TYPE_EXISTS, TYPE_SIZE, TYPE_ID_TARGET):
/// same shape of pointers, arrays and prototypes; what they end in agrees by kind.
pub(super) fn types_agree(
    local: &Btf,
    local_id: TypeId,
    target: &Btf,
    target_id: TypeId,
    budget: &mut Budget,
) -> Result<bool, CoreFault> {
    let roots = (local.type_by_id(local_id)?, target.type_by_id(target_id)?);
    if !same_kind(roots.0.kind(), roots.1.kind()) {
        return Ok(false);
    }
    shapes_agree((local, local_id), (target, target_id), budget, MAX_DEPTH)
}

fn shapes_agree(
    (local, mut local_id): (&Btf, TypeId),
    (target, mut target_id): (&Btf, TypeId),
    budget: &mut Budget,
    depth: usize,
) -> Result<bool, CoreFault> {
    for _ in 0..MAX_CHAIN {
        budget.step()?;
        let pair = Pair::resolve((local, local_id), (target, target_id))?;
        if !same_kind(pair.local.kind(), pair.target.kind()) {
            return Ok(false);
        }
        match pair.local.kind() {
            Kind::Void | Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::Fwd => {
                return Ok(true);
            }
            Kind::Int => return Ok(whole_integers(&pair.local, &pair.target)),
            Kind::Ptr => (local_id, target_id) = (pair.local.target(), pair.target.target()),
            Kind::Array => (local_id, target_id) = elements(&pair.local, &pair.target)?,
            Kind::FuncProto => {
                if pair.local.vlen() != pair.target.vlen() {
                    return Ok(false);
                }
                for (a, b) in pair.local.params().zip(pair.target.params()) {
                    let depth = depth.checked_sub(1).ok_or(CoreFault::TooDeep(MAX_DEPTH))?;
                    let (a, b) = ((local, a.type_id), (target, b.type_id));
                    if !shapes_agree(a, b, budget, depth)? {
                        return Ok(false);
                    }
                }
                // What it returns is compared by the next round.
                (local_id, target_id) = (pair.local.target(), pair.target.target());
            }
            _ => return Ok(false),
        }
    }
    Err(CoreFault::TooDeep(MAX_CHAIN))
}

/// Integers that are bitfields by themselves, as BTF before the kind flag had them, never agree.
#[inline(always)]
fn whole_integers(a: &Type<'_>, b: &Type<'_>) -> bool {
    let starts_at_zero = |ty: &Type<'_>| ty.int().is_some_and(|int| int.offset == 0);
    starts_at_zero(a) && starts_at_zero(b)
}

#[inline(never)]
fn names_agree(a: &Type<'_>, b: &Type<'_>) -> Result<bool, CoreFault> {
    let (a, b) = (essential_name(a.name()?), essential_name(b.name()?));
    Ok(a.is_empty() || b.is_empty() || a == b)
}

/// The element types of two arrays.
pub(super) fn elements(a: &Type<'_>, b: &Type<'_>) -> Result<(TypeId, TypeId), BtfError> {
    let element = |ty: &Type<'_>| match ty.array() {
        Some(array) => Ok(array.element),
        None => Err(BtfError::WrongKind {
            id: ty.id(),
            found: ty.kind(),
            expected: "an array",
        }),
    };
    Ok((element(a)?, element(b)?))
}
