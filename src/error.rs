//! The one error that leaves the library: a cause, and where it happened.
//!
//! Every layer has its own small error enum, whose variants carry the offending
//! values. The site (object, program, section, symbol, instruction, source line)
//! is added once, at the border of the stage that knows it.

use std::fmt;
use std::sync::Arc;

use crate::btf::BtfError;
use crate::elf::ElfError;
use crate::link::LinkError;
use crate::name::Name;
use crate::target::TargetError;

/// What kind of failure this is. The numbers are the C API's `bpflink_status`;
/// they are never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Status {
    /// An argument that the call does not allow.
    InvalidArgument = 1,
    /// A call that the handle's state does not allow (a stage called twice, say).
    InvalidState = 2,
    /// The operating system refused to read something; `errno` says why.
    Io = 3,
    /// The object file is malformed.
    Elf = 4,
    /// BTF or `.BTF.ext` is malformed, or lacks what is needed.
    Btf = 5,
    /// Something valid that this library does not do (RELA, compressed sections).
    Unsupported = 6,
    /// A program, map or symbol of that name does not exist.
    NotFound = 7,
    /// A CO-RE relocation cannot be applied.
    Relocation = 8,
    /// A reference to a function, map or extern that nobody satisfied.
    Unresolved = 9,
    /// A defect of this library; the handle that was used refuses further use.
    Internal = 10,
}

/// Where an error happened; what is not known stays empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Site {
    /// The object's path, or the name that the caller gave it.
    pub object: Option<Name>,
    /// The program that was being linked.
    pub program: Option<Name>,
    /// The ELF section.
    pub section: Option<Name>,
    /// The symbol: the function that `insn` is counted in, a map, a variable.
    pub symbol: Option<Name>,
    /// The instruction slot, counted from the start of `symbol`, else of `program`, else of `section`.
    pub insn: Option<u32>,
    /// The number of the relocation or `.BTF.ext` record in its section.
    pub record: Option<u32>,
    /// The source line that the instruction was compiled from.
    pub line: Option<SourceLine>,
}

/// A place in the source, as `.BTF.ext` tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceLine {
    /// The file's name as the compiler wrote it.
    pub file: Name,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1; 0 where unknown.
    pub column: u32,
}

/// Why: the error of the layer that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// An argument that the call does not allow, in words.
    #[error("{0}")]
    Argument(String),
    /// A call that the state does not allow, in words.
    #[error("{0}")]
    State(String),
    /// Nothing has that name.
    #[error("no {what} named {name}")]
    NotFound {
        /// `program`, `map`, …
        what: &'static str,
        /// The name that was asked for.
        name: Name,
    },
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// `read`, `map`, …
        action: &'static str,
        /// The file.
        path: String,
        /// Its reason.
        #[source]
        source: std::io::Error,
    },
    /// The object file.
    #[error(transparent)]
    Elf(#[from] ElfError),
    /// BTF.
    #[error(transparent)]
    Btf(#[from] BtfError),
    /// The target kernel's description.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A link stage.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A defect of this library.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Cause {
    fn status(&self) -> Status {
        match self {
            Cause::Argument(_) => Status::InvalidArgument,
            Cause::State(_) => Status::InvalidState,
            Cause::NotFound { .. } => Status::NotFound,
            Cause::Io { .. } => Status::Io,
            Cause::Elf(error) => error.status(),
            Cause::Btf(_) => Status::Btf,
            Cause::Target(error) => error.status(),
            Cause::Link(error) => error.status(),
            Cause::Internal(_) => Status::Internal,
        }
    }
}

/// A failure with its whole cause and its site; cheap to copy.
#[derive(Clone)]
pub struct Error(Arc<(Site, Cause)>);

/// What every fallible function of the crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error at a site.
    #[cold]
    #[inline(never)]
    pub fn new(site: Site, cause: impl Into<Cause>) -> Error {
        Error(Arc::new((site, cause.into())))
    }

    /// What kind of failure this is.
    pub fn status(&self) -> Status {
        self.cause().status()
    }

    /// Where it happened.
    pub fn site(&self) -> &Site {
        &self.0.0
    }

    /// Why.
    pub fn cause(&self) -> &Cause {
        &self.0.1
    }

    /// The operating system's error number, where it was the operating system.
    pub fn errno(&self) -> Option<i32> {
        match self.cause() {
            Cause::Io { source, .. } => source.raw_os_error(),
            Cause::Target(error) => error.errno(),
            Cause::Link(error) => error.errno(),
            _ => None,
        }
    }
}

impl<C: Into<Cause>> From<C> for Error {
    #[cold]
    #[inline(never)]
    fn from(cause: C) -> Error {
        Error::new(Site::default(), cause)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.site().object, self.cause()) {
            // The cause names the file already.
            (Some(object), Cause::Io { path, .. }) if *object == path.as_str() => {}
            _ => write!(f, "{}", self.site())?,
        }
        write!(f, "{}", self.cause())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}: {self})", self.status())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(self.cause())
    }
}

/// `object: program p, function f, instruction 17 (file.c:93): `, or nothing.
///
/// What says the same twice is left out: the section of a program, the function
/// that is the program's entry, the record of a known instruction.
impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(object) = self.object.as_ref().filter(|name| !name.is_empty()) {
            write!(f, "{object}: ")?;
        }
        let parts = self.parts();
        f.write_str(&parts.join(", "))?;
        if let Some(line) = &self.line {
            write!(f, " ({}:{})", line.file, line.line)?;
        }
        match parts.is_empty() && self.line.is_none() {
            true => Ok(()),
            false => f.write_str(": "),
        }
    }
}

impl Site {
    fn parts(&self) -> Vec<String> {
        let mut parts = Vec::new();
        match (&self.program, &self.section) {
            (Some(program), _) => parts.push(format!("program {program}")),
            (None, Some(section)) => parts.push(format!("section {section}")),
            (None, None) => {}
        }
        match &self.symbol {
            Some(symbol) if self.program.is_none() => parts.push(format!("symbol {symbol}")),
            Some(symbol) if Some(symbol) != self.program.as_ref() => {
                parts.push(format!("function {symbol}"));
            }
            _ => {}
        }
        match (self.insn, self.record) {
            (Some(insn), _) => parts.push(format!("instruction {insn}")),
            (None, Some(record)) => parts.push(format!("record {record}")),
            (None, None) => {}
        }
        parts
    }
}
