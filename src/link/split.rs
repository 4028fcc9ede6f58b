//! Split: cuts instruction streams at their symbols.

use std::sync::Arc;

use super::budget::Budget;
use super::functions::{Function, FunctionId, Functions, Seen};
use super::{LinkError, Program, Programs};
use crate::elf::{Binding, Object, Stream, Symbol};
use crate::error::{Error, Result, Site};
use crate::lookup::Lookup;
use crate::name::Name;

impl Programs {
    /// Cuts every stream of the object at its symbols.
    ///
    /// The set holds one program for each function that the object marks as an
    /// entry, in the order of streams and places. A stream that is empty, does
    /// not start with a symbol, or repeats a symbol is an error that names it.
    /// (Where symbols have sizes, instructions that no symbol covers are dropped:
    /// static linking leaves the body of an overridden weak function behind.)
    pub fn split(object: &Arc<Object>) -> Result<Programs> {
        let mut functions = Vec::new();
        for (index, stream) in (0..).zip(object.streams()) {
            let site = || Site {
                object: Some(object.name().clone()),
                section: Some(stream.section.clone()),
                ..Site::default()
            };
            cut(index, stream, &mut functions).map_err(|error| Error::new(site(), error))?;
        }
        let functions = Arc::new(Functions::new(object, functions));
        let (mut seen, mut budget) = (Default::default(), Budget::new());
        let mut programs = Vec::new();
        for (index, stream) in (0..).zip(object.streams()) {
            for symbol in stream.symbols.iter().filter(|symbol| symbol.entry) {
                let address = crate::elf::FunctionAddress {
                    stream: index,
                    insn: symbol.start,
                };
                let Some(entry) = functions.at(address) else {
                    continue;
                };
                let program = program(
                    (&symbol.name, entry),
                    object,
                    &functions,
                    &mut seen,
                    &mut budget,
                );
                programs.push(program.map_err(|error| Error::new(site(object, symbol), error))?);
            }
        }
        Ok(Programs::new(object.clone(), functions, programs))
    }
}

/// The program of that name and entry function; what is wrong with it marks it as failed.
pub(super) fn program(
    (name, entry): (&Name, FunctionId),
    object: &Arc<Object>,
    functions: &Arc<Functions>,
    seen: &mut Seen,
    budget: &mut Budget,
) -> Result<Program, LinkError> {
    let callback = object.exception_callback(name);
    let at = |address: &Option<_>| address.and_then(|address| functions.at(address));
    let callback_id = callback.as_ref().ok().and_then(at);
    let reach = functions.reach(entry, callback_id, seen, budget)?;
    let mut program = Program::new(name.clone(), object, functions, reach);
    program.error = match callback {
        Err(error) => Some(Error::new(program.site(None, None), error)),
        Ok(_) => program.defect(),
    };
    Ok(program)
}

fn site(object: &Object, program: &Symbol) -> Site {
    Site {
        object: Some(object.name().clone()),
        program: Some(program.name.clone()),
        ..Site::default()
    }
}

fn cut(index: u32, stream: &Stream, out: &mut Vec<Function>) -> Result<(), LinkError> {
    if stream.insns.is_empty() {
        return Err(LinkError::EmptyStream);
    }
    refuse_repeats(&stream.symbols)?;
    match stream.symbols.first() {
        Some(first) if first.start == 0 || first.len.is_some() => {}
        first => {
            let first = first.map(|symbol| (symbol.name.clone(), symbol.start));
            return Err(LinkError::NoSymbolAtStart { first });
        }
    }
    let mut symbols = stream.symbols.iter().peekable();
    while let Some(symbol) = symbols.next() {
        // Aliases are names of one function; each that is an entry is a program.
        while let Some(alias) = symbols.next_if(|next| next.start == symbol.start) {
            if alias.len != symbol.len {
                return Err(overlap(symbol, alias));
            }
        }
        let len = extent(stream, symbol, symbols.peek().copied())?;
        let function = Function::new(index, stream, symbol, len);
        if function_ends_inside_load(stream, &function) {
            let name = symbol.name.clone();
            return Err(LinkError::CutLoad { name });
        }
        out.push(function);
    }
    Ok(())
}

/// How many slots the symbol covers, up to `next` at most.
fn extent(stream: &Stream, symbol: &Symbol, next: Option<&Symbol>) -> Result<u32, LinkError> {
    let whole = stream.insns.len() as u64;
    // A symbol past the end is told of when its own turn comes.
    let limit = next.map_or(whole, |next| whole.min(next.start.into()));
    let start = u64::from(symbol.start);
    let end = match symbol.len {
        Some(len) => start + u64::from(len),
        None => limit,
    };
    if end > whole || start > end {
        return Err(LinkError::PastEnd {
            name: symbol.name.clone(),
            end: end.max(start),
            len: stream.insns.len(),
        });
    }
    if let Some(next) = next.filter(|_| end > limit) {
        return Err(overlap(symbol, next));
    }
    match u32::try_from(end - start) {
        Ok(len @ 1..) => Ok(len),
        _ => Err(LinkError::EmptyFunction {
            name: symbol.name.clone(),
        }),
    }
}

fn overlap(first: &Symbol, second: &Symbol) -> LinkError {
    LinkError::Overlap {
        first: first.name.clone(),
        second: second.name.clone(),
        insn: second.start,
    }
}

fn function_ends_inside_load(stream: &Stream, function: &Function) -> bool {
    let last = function.slots().end.checked_sub(1);
    last.and_then(|last| stream.insns.get(last as usize))
        .is_some_and(|insn| insn.is_ld_imm64())
}

/// Static functions may share a name; those that others can name may not.
fn refuse_repeats(symbols: &[Symbol]) -> Result<(), LinkError> {
    let mut starts = Lookup::default();
    for symbol in symbols.iter().filter(|s| s.binding != Binding::Local) {
        let (&mut first, new) = starts.or_insert(&symbol.name, symbol.start);
        if !new {
            return Err(LinkError::RepeatedSymbol {
                name: symbol.name.clone(),
                first,
                second: symbol.start,
            });
        }
    }
    Ok(())
}
