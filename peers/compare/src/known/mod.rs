//! Differences that were traced to their cause, one by one.
//!
//! Each class is recognised at the place where it shows, by what causes it, and counted
//! under its name. Everything else in the program is compared all the same.

mod aya;
mod cilium;
mod libbpf;
mod place;

pub use place::{LinePlace, Place};

use crate::output::{Map, Output};

/// Map types.
const STRUCT_OPS: u64 = 26;
const RINGBUF: u64 = 27;
const USER_RINGBUF: u64 = 31;

/// What a program is called that a witness does not list.
pub const ABSENT: &str = "absent";
/// The same of one in .text.
pub const ABSENT_TEXT: &str = "absent, in .text";

/// Which linker the second output comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Witness {
    /// libbpf.
    Libbpf,
    /// cilium/ebpf.
    Cilium,
    /// aya-obj.
    Aya,
}

impl Witness {
    /// As a table names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Libbpf => "libbpf",
            Self::Cilium => "cilium/ebpf",
            Self::Aya => "aya-obj",
        }
    }
}

/// Whose affair a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The witness is wrong.
    Bug,
    /// The witness cannot do it.
    Lacks,
    /// Both are right: nothing prescribes one.
    Nobodys,
    /// The loader's, or left out by how the witness is asked here.
    Asking,
}

impl Whose {
    /// As a table names it.
    pub fn text(self, witness: Witness) -> String {
        match self {
            Self::Bug => format!("bug of {}", witness.name()),
            Self::Lacks => format!("{} cannot", witness.name()),
            Self::Nobodys => "nobody's".to_owned(),
            Self::Asking => "how it is asked".to_owned(),
        }
    }
}

/// A kind of difference, and what shows whose it is.
#[derive(Debug)]
pub struct Class {
    /// Its name.
    pub name: &'static str,
    /// Whose affair it is.
    pub whose: Whose,
    /// The rule or the piece of code that shows it.
    pub rule: &'static str,
}

/// A known difference.
pub type Known = Option<&'static Class>;

/// A class, in one line.
const fn class(name: &'static str, whose: Whose, rule: &'static str) -> Class {
    Class { name, whose, rule }
}

/// The known difference at this place, or none.
pub fn instruction(witness: Witness, place: &Place<'_>) -> Known {
    let (a, b) = place.insns()?;
    match witness {
        Witness::Libbpf => libbpf::instruction(place, a, b),
        Witness::Cilium => cilium::instruction(place, a, b),
        Witness::Aya => aya::instruction(place, a, b),
    }
}

/// The known difference between the references at this place.
pub fn reference(witness: Witness, place: &Place<'_>) -> Known {
    match witness {
        Witness::Libbpf => libbpf::reference(place),
        Witness::Cilium => cilium::reference(place),
        Witness::Aya => aya::reference(place),
    }
}

/// The known difference between what is told of a CO-RE decision.
pub fn decision(witness: Witness, place: &Place<'_>) -> Known {
    match witness {
        Witness::Libbpf => libbpf::decision(place),
        Witness::Cilium | Witness::Aya => None,
    }
}

/// The known difference between the lines of one function.
pub fn lines(witness: Witness, place: &LinePlace<'_>) -> Known {
    match witness {
        Witness::Libbpf => libbpf::lines(place),
        Witness::Cilium => cilium::lines(place),
        Witness::Aya => aya::lines(place),
    }
}

/// A function that nothing in the stream calls and the witness left out.
pub fn missing_function(witness: Witness) -> Known {
    match witness {
        Witness::Libbpf => None,
        Witness::Cilium => Some(&cilium::CALLBACK_LEFT_OUT),
        Witness::Aya => Some(&aya::CALLBACK_LEFT_OUT),
    }
}

/// Two names of one function.
pub fn function_name(witness: Witness, ours: &str, theirs: &str, behind_gap: bool) -> Known {
    match witness {
        Witness::Aya => aya::function_name(ours, theirs),
        Witness::Cilium => cilium::function_name(behind_gap),
        Witness::Libbpf => None,
    }
}

/// Why a witness refused a program that bpflink links.
pub fn refusal(witness: Witness, error: &str, ours: &Output) -> Known {
    match witness {
        Witness::Libbpf => libbpf::refusal(error),
        Witness::Cilium => cilium::refusal(error),
        Witness::Aya => aya::refusal(error, ours),
    }
}

/// What ours takes for no program of its own.
pub fn unlisted(witness: Witness, program: &(String, String), ours: &Output) -> Known {
    match witness {
        Witness::Cilium => cilium::unlisted(program, ours),
        Witness::Libbpf | Witness::Aya => None,
    }
}

/// Why a witness links a program that ours refuses.
pub fn laxity(witness: Witness, error: &str) -> Known {
    match witness {
        Witness::Libbpf => libbpf::laxity(error),
        Witness::Cilium => cilium::laxity(error),
        Witness::Aya => aya::laxity(error),
    }
}

/// The known difference in what a map holds first (`field` is none) or in a number of it.
pub fn map_field(
    witness: Witness,
    name: &str,
    (ours, theirs): (&Map, &Map),
    field: Option<usize>,
    big_endian: bool,
) -> Known {
    match witness {
        Witness::Libbpf => libbpf::map_field(name, (ours, theirs), field, big_endian),
        Witness::Cilium => cilium::map_field(name, (ours, theirs), field),
        Witness::Aya => None,
    }
}

/// A map that only ours lists.
pub fn map_missing(witness: Witness, name: &str, theirs: &Output) -> Known {
    match witness {
        Witness::Libbpf => None,
        Witness::Cilium => cilium::map_missing(name, theirs),
        Witness::Aya => Some(&aya::MAPS_NOT_TOLD),
    }
}

/// A map that only the witness lists.
pub fn map_unlisted(witness: Witness, theirs: &Map) -> Known {
    match witness {
        Witness::Cilium => cilium::map_unlisted(theirs),
        Witness::Libbpf | Witness::Aya => None,
    }
}

/// The class of the first cause whose words all stand in an error.
fn cause(causes: &[(&[&str], &'static Class)], error: &str) -> Known {
    let stands = |(words, _): &&(&[&str], &Class)| words.iter().all(|word| error.contains(word));
    causes.iter().find(stands).map(|&(_, class)| class)
}
