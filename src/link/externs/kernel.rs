//! Kernel functions and typed kernel variables: by name and type in the BTF of
//! vmlinux, then of modules.

use super::{Resolved, unresolved};
use crate::btf::{Btf, Kind, TypeId, essential_name};
use crate::elf::{Extern, Object};
use crate::link::LinkError;
use crate::link::core::types_are_compatible;
use crate::link::kernel_type::{Found, TypeLookup};

/// A kernel function, its `___flavour` left out. A weak one that is not there, or
/// has another prototype, is absent.
pub(super) fn function(
    object: &Object,
    types: &TypeLookup<'_>,
    symbol: &Extern,
) -> Result<Resolved, LinkError> {
    const WHAT: &str = "kernel function";
    let name = essential_name(symbol.name.as_bytes());
    let found = match types.find(name, Kind::Func) {
        Ok(found) => found,
        Err(_) if symbol.weak => None,
        Err(error) => return Err(unresolved(WHAT, &symbol.name, error)),
    };
    let Some(found) = found else {
        let why = "neither vmlinux nor a module has a function of this name";
        return absent_or(symbol, || unresolved(WHAT, &symbol.name, why));
    };
    if !same_type(object, symbol, &found) {
        return absent_or(symbol, || {
            let why = format!("{} has another prototype", place(&found));
            unresolved(WHAT, &symbol.name, why)
        });
    }
    Ok(Resolved::Function(found.into()))
}

fn absent_or(symbol: &Extern, error: impl Fn() -> LinkError) -> Result<Resolved, LinkError> {
    match symbol.weak {
        true => Ok(Resolved::AbsentFunction),
        false => Err(error()),
    }
}

/// Whether the program says what type the variable has; `void` says nothing.
pub(super) fn is_typed(object: &Object, symbol: &Extern) -> bool {
    declared_type(object, symbol)
        .is_some_and(|(btf, id)| btf.resolve(id).is_ok_and(|ty| ty.kind() != Kind::Void))
}

/// A kernel variable with a type. A weak one that is not there has the address 0;
/// one of another type is an error, weak or not (as libbpf).
pub(super) fn variable(
    object: &Object,
    types: &TypeLookup<'_>,
    symbol: &Extern,
) -> Result<Resolved, LinkError> {
    const WHAT: &str = "kernel variable";
    let name = essential_name(symbol.name.as_bytes());
    let found = match types.find(name, Kind::Var) {
        Ok(found) => found,
        Err(_) if symbol.weak => None,
        Err(error) => return Err(unresolved(WHAT, &symbol.name, error)),
    };
    match found {
        None if symbol.weak => Ok(Resolved::Address(0)),
        None => {
            let why = "neither vmlinux nor a module has a variable of this name";
            Err(unresolved(WHAT, &symbol.name, why))
        }
        Some(found) if same_type(object, symbol, &found) => Ok(Resolved::Variable(found.into())),
        Some(found) => {
            let why = format!("{} has another type", place(&found));
            Err(unresolved(WHAT, &symbol.name, why))
        }
    }
}

fn place(found: &Found) -> String {
    let id = found.id;
    match &found.module {
        Some(module) => format!("that of module {module} [id {id}]"),
        None => format!("that of vmlinux [id {id}]"),
    }
}

/// What stands behind the FUNC or VAR that the object declares.
fn declared_type<'a>(object: &'a Object, symbol: &Extern) -> Option<(&'a Btf, TypeId)> {
    let btf: &Btf = object.btf()?;
    Some((btf, btf.type_by_id(symbol.btf_id?).ok()?.target()))
}

fn same_type(object: &Object, symbol: &Extern, found: &Found) -> bool {
    let Some((local, local_id)) = declared_type(object, symbol) else {
        return false;
    };
    let target = found.btf.type_by_id(found.id).map(|ty| ty.target());
    target.is_ok_and(|id| {
        let resolved = (local.resolve(local_id), found.btf.resolve(id));
        match resolved {
            (Ok(a), Ok(b)) => types_are_compatible(local, a.id(), &found.btf, b.id()),
            _ => false,
        }
    })
}
