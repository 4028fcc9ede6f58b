//! Kernel symbols without a type: their addresses.

use super::{Resolved, kernel, unresolved};
use crate::elf::{Extern, ExternKind, Object};
use crate::link::LinkError;
use crate::lookup::Lookup;
use crate::target::{SymbolAddress, Target, TargetError};

const WHAT: &str = "kernel symbol";

/// The addresses of all untyped symbols of an object: the list of a kernel's
/// symbols is long, and looked through once.
pub(super) struct Symbols<'a> {
    found: Result<Lookup<&'a [u8], SymbolAddress>, TargetError>,
}

impl<'a> Symbols<'a> {
    pub fn new(object: &'a Object, target: &Target) -> Symbols<'a> {
        let untyped =
            |symbol: &&Extern| symbol.kind == ExternKind::Ksym && !kernel::is_typed(object, symbol);
        let names: Vec<&[u8]> = object
            .externs()
            .iter()
            .filter(untyped)
            .map(|symbol| symbol.name.as_bytes())
            .collect();
        let found = target.symbol_addresses(&names).map(|found| {
            let all = names.iter().zip(found);
            all.filter_map(|(&name, address)| Some((name, address?)))
                .collect()
        });
        Symbols { found }
    }

    /// The address of one; 0 for a weak one that is not there.
    pub fn address(&self, symbol: &Extern) -> Result<Resolved, LinkError> {
        let fail = |why: String| Err(unresolved(WHAT, &symbol.name, why));
        let found = match &self.found {
            Ok(found) => found.get(symbol.name.as_bytes()),
            Err(_) if symbol.weak => None,
            Err(error) => return fail(error.to_string()),
        };
        match found {
            // The kernel shows zeros to those who may not know.
            Some(SymbolAddress::At(0)) if !symbol.weak => {
                fail("the kernel does not show its address to this process".into())
            }
            Some(&SymbolAddress::At(address)) => Ok(Resolved::Address(address)),
            Some(SymbolAddress::Ambiguous(a, b)) => {
                fail(format!("the kernel has it twice, at {a:#x} and at {b:#x}"))
            }
            None if symbol.weak => Ok(Resolved::Address(0)),
            None => fail("the kernel's symbols do not have it".into()),
        }
    }
}
