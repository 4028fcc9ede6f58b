//! An error on its way out of the open stage: its cause, and a site that grows
//! as the error passes those who know more of it. None of it is compiled into the functions
//! that may fail: there are hundreds of such places, and none of them is run twice.

use crate::elf::{Defect, ElfError};
use crate::error::{Cause, Error, Site};
use crate::name::Name;

/// A cause and what is known of its site; the object's name is added last.
#[derive(Debug)]
pub(super) struct Fault(Box<(Site, Cause)>);

/// What the functions of this stage return.
pub(super) type Result<T, E = Fault> = std::result::Result<T, E>;

/// The file contradicts its format.
#[cold]
#[inline(never)]
pub(super) fn malformed(what: impl Into<String>) -> Fault {
    ElfError::Malformed(what.into()).into()
}

/// The file is valid, but nothing that is linked here.
#[cold]
#[inline(never)]
pub(super) fn unsupported(what: impl Into<String>) -> Fault {
    ElfError::Unsupported(what.into()).into()
}

impl Fault {
    /// In a section, unless an inner one is known.
    #[cold]
    #[inline(never)]
    pub(super) fn section(mut self, name: &Name) -> Fault {
        self.0.0.section.get_or_insert_with(|| name.clone());
        self
    }

    /// At a symbol: a function, a map, a variable.
    #[cold]
    #[inline(never)]
    pub(super) fn symbol(mut self, name: &Name) -> Fault {
        self.0.0.symbol.get_or_insert_with(|| name.clone());
        self
    }

    /// The same with other words for what the file got wrong.
    pub(super) fn reword(mut self, change: impl FnOnce(&str) -> String) -> Fault {
        if let Cause::Elf(ElfError::Malformed(what) | ElfError::Unsupported(what)) = &mut self.0.1 {
            *what = change(what);
        }
        self
    }

    /// At an instruction, counted as [`Site::insn`] says.
    #[cold]
    #[inline(never)]
    pub(super) fn insn(mut self, insn: u32) -> Fault {
        self.0.0.insn.get_or_insert(insn);
        self
    }

    /// At a relocation or a `.BTF.ext` record, by its number in its section.
    #[cold]
    #[inline(never)]
    pub(super) fn record(mut self, number: u32) -> Fault {
        self.0.0.record.get_or_insert(number);
        self
    }

    /// The error that leaves the stage.
    #[cold]
    #[inline(never)]
    pub(super) fn in_object(self, name: &Name) -> Error {
        let (mut site, cause) = *self.0;
        site.object = Some(name.clone());
        Error::new(site, cause)
    }

    /// The same as a defect of one instruction; what the site says of the
    /// symbol goes into the words, since programs have a site of their own.
    #[cold]
    #[inline(never)]
    pub(super) fn defect(self, insn: u32) -> Defect {
        let (site, cause) = *self.0;
        let what = match site.symbol {
            Some(symbol) => format!("reference to {symbol}: {cause}"),
            None => cause.to_string(),
        };
        Defect {
            insn,
            record: site.record,
            error: match cause {
                Cause::Elf(ElfError::Unsupported(_)) => ElfError::Unsupported(what),
                _ => ElfError::Malformed(what),
            },
        }
    }

    /// The whole fault in words, for a warning.
    #[cold]
    #[inline(never)]
    pub(super) fn message(&self) -> String {
        format!("{}{}", self.0.0, self.0.1)
    }
}

impl<C: Into<Cause>> From<C> for Fault {
    #[cold]
    #[inline(never)]
    fn from(cause: C) -> Fault {
        Fault(Box::new((Site::default(), cause.into())))
    }
}
