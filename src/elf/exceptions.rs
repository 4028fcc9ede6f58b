//! Exception callbacks: what the kernel calls where a program throws.
//!
//! A declaration tag `exception_callback:NAME` of a program's function names a global
//! function. No instruction refers to it: the tag alone makes it part of the program.

use super::btf_index::BtfIndex;
use super::fault::Result;
use super::{Binding, ElfError, FunctionAddress, Stream, Symbol};
use crate::btf::{Kind, Linkage, Type, display_name};
use crate::lookup::Lookup;
use crate::name::Name;

/// What such a tag begins with.
pub(super) const TAG: &[u8] = b"exception_callback:";

/// The exception callbacks of an object's programs.
#[derive(Debug, Default)]
pub(crate) struct ExceptionCallbacks {
    /// By the program's name; an error where its tag leads nowhere.
    of: Lookup<Name, Result<Option<FunctionAddress>, ElfError>>,
    /// A tag of something that cannot be a program: nobody knows whose it should be.
    stray: Option<ElfError>,
}

impl ExceptionCallbacks {
    /// What the tags of `index` say; odd ones are warned of.
    pub(super) fn find(
        index: &BtfIndex<'_>,
        streams: &[Stream],
        warnings: &mut Vec<String>,
    ) -> Result<ExceptionCallbacks> {
        let mut found = ExceptionCallbacks::default();
        let (Some(names), tags) = (&index.names, index.callback_tags()) else {
            return Ok(found);
        };
        if tags.is_empty() {
            return Ok(found);
        }
        let functions = Functions::of(streams);
        for tag in tags.iter().filter_map(|&id| names.btf.type_by_id(id).ok()) {
            let text = names.get(tag.name_off())?;
            let owner = names.btf.type_by_id(tag.target());
            let owner_name = match &owner {
                Ok(owner) => names.get(owner.name_off())?,
                Err(_) => b"",
            };
            if !owner.is_ok_and(|owner| functions.may_own(&owner, owner_name)) {
                found.stray.get_or_insert_with(|| stray(text, owner_name));
                continue;
            }
            let answer = functions.named_by(text);
            let (known, new) = found.of.or_insert(Name::new(owner_name), answer.map(Some));
            // The verifier tells the user more than could be told here.
            if !new && matches!(known, Ok(Some(_))) {
                let (program, tag) = (display_name(owner_name), display_name(text));
                warnings.push(format!(
                    "program {program}: {tag} is not its only exception callback: none is added"
                ));
                *known = Ok(None);
            }
        }
        Ok(found)
    }

    /// The function that the kernel calls where `program` throws, if it names one.
    pub(super) fn of(&self, program: &Name) -> Result<Option<FunctionAddress>, ElfError> {
        match (&self.stray, self.of.get(program)) {
            (Some(stray), _) => Err(stray.clone()),
            (None, Some(answer)) => answer.clone(),
            (None, None) => Ok(None),
        }
    }
}

fn stray(tag: &[u8], owner: &[u8]) -> ElfError {
    let (tag, owner) = (display_name(tag), display_name(owner));
    ElfError::Malformed(format!(
        "{tag} is a tag of {owner}, which is no program: only programs have exception callbacks"
    ))
}

/// The functions of an object by name; of a static and a global one the global counts.
struct Functions<'a>(Lookup<&'a [u8], (FunctionAddress, &'a Symbol)>);

impl<'a> Functions<'a> {
    fn of(streams: &'a [Stream]) -> Functions<'a> {
        let mut functions = Lookup::default();
        for (stream, symbols) in (0u32..).zip(streams.iter().map(|stream| &stream.symbols)) {
            for symbol in symbols {
                let insn = symbol.start;
                let found = (FunctionAddress { stream, insn }, symbol);
                let (known, _) = functions.or_insert(symbol.name.as_bytes(), found);
                if !is_visible(known.1) {
                    *known = found;
                }
            }
        }
        Functions(functions)
    }

    /// Whether the type is a global function; a hidden one that is no program of its
    /// own counts as static.
    fn may_own(&self, owner: &Type<'_>, name: &[u8]) -> bool {
        let hidden = |&(_, symbol): &(_, &Symbol)| symbol.hidden && !symbol.entry;
        owner.kind() == Kind::Func
            && owner.linkage() == Some(Linkage::Global)
            && !self.0.get(name).is_some_and(hidden)
    }

    /// The function that a tag names.
    fn named_by(&self, tag: &[u8]) -> Result<FunctionAddress, ElfError> {
        let name = tag.strip_prefix(TAG).unwrap_or_default();
        let why = match self.0.get(name) {
            _ if name.is_empty() => "the tag names no function",
            None => "the object has no function of that name",
            Some(&(_, symbol)) if !is_visible(symbol) => {
                "that function is static or hidden, and the kernel takes only a global one"
            }
            Some(&(address, _)) => return Ok(address),
        };
        Err(ElfError::Malformed(format!("{}: {why}", display_name(tag))))
    }
}

fn is_visible(symbol: &Symbol) -> bool {
    symbol.binding != Binding::Local && !symbol.hidden
}
