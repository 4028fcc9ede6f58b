//! What can be wrong with BTF.

use super::{Kind, TypeId};

/// Why bytes are no valid BTF, or why a type of one cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BtfError {
    /// The data ends inside the header.
    #[error("BTF header truncated: {len} bytes, at least 24 needed")]
    HeaderTruncated {
        /// Bytes there are.
        len: usize,
    },
    /// The first two bytes are not 0xeb9f in either byte order.
    #[error("bad BTF magic {0:#06x}")]
    Magic(u16),
    /// A version other than 1.
    #[error("unsupported BTF version {0}")]
    Version(u8),
    /// The header claims fewer bytes than every header has.
    #[error("BTF header length {0} is too small or past the end")]
    HeaderLength(u32),
    /// A section of the BTF lies outside the data.
    #[error(
        "BTF {section} section at {offset}, {len} bytes, does not lie inside the {data} bytes of data"
    )]
    SectionRange {
        /// `type`, `string` or `layout`.
        section: &'static str,
        /// Offset behind the header.
        offset: u32,
        /// Length in bytes.
        len: u32,
        /// Bytes of data in all.
        data: usize,
    },
    /// The type section does not start at a multiple of four bytes.
    #[error("BTF type section at {0} is not aligned to 4 bytes")]
    TypesMisaligned(u32),
    /// The string section does not start and end with NUL.
    #[error("BTF string section does not start and end with a NUL byte")]
    Strings,
    /// A type starts or ends past the type section.
    #[error("BTF type [{id}] at offset {offset} runs past the end of the type section")]
    TypeTruncated {
        /// Its id.
        id: TypeId,
        /// Its offset in the type section.
        offset: usize,
    },
    /// A kind that neither this library nor the layout section describes.
    #[error("BTF type [{id}] has unknown kind {kind}, and the BTF does not say how long it is")]
    UnknownKind {
        /// Its id.
        id: TypeId,
        /// Its kind number.
        kind: u8,
    },
    /// More types or strings than 32 bits can number.
    #[error("BTF has more types or strings than can be numbered")]
    TooLarge,
    /// A type id that the BTF does not have.
    #[error("no BTF type [{id}]: there are {count}")]
    NoType {
        /// The id.
        id: TypeId,
        /// One past the last valid id.
        count: u32,
    },
    /// A name offset past the strings.
    #[error("BTF name offset {0} does not lie inside the strings")]
    NoName(u32),
    /// A type of another kind than the place allows.
    #[error("BTF type [{id}] is {found}, expected {expected}")]
    WrongKind {
        /// Its id.
        id: TypeId,
        /// Its kind.
        found: Kind,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// A chain of modifiers, typedefs or arrays that does not end.
    #[error("BTF type [{0}] refers to itself through modifiers, typedefs or arrays")]
    Cycle(TypeId),
    /// A size that does not fit.
    #[error("the size of BTF type [{0}] overflows")]
    SizeOverflow(TypeId),
    /// A type that has no size: void, a function, a forward declaration.
    #[error("BTF type [{0}] has no size")]
    NoSize(TypeId),
    /// Split BTF of another byte order than its base.
    #[error("split BTF and its base differ in byte order")]
    BaseByteOrder,
    /// Split BTF over another BTF than the one it was made over.
    #[error(
        "the BTF is split from another kernel's: a name of type [{id}], at {name_off}, is the \
         start of no string"
    )]
    OtherBase {
        /// The first type that shows it.
        id: TypeId,
        /// Where the name is said to be.
        name_off: u32,
    },
    /// A header or subsection of `.BTF.ext` that contradicts the format, in words.
    #[error(".BTF.ext: {0}")]
    Ext(String),
    /// A record or entry that contradicts the format, in words.
    #[error("BTF: {0}")]
    Malformed(String),
}
