//! Words for people: what a relocation is about, and why it has no answer.
//!
//! Nothing here runs unless an error or a report's accessor asks for it.

use std::fmt::Write;

use super::access;
use super::budget::Budget;
use super::calc::Memory;
use super::candidates::Candidate;
use super::decisions::{Answer, Decided, Question, Verdict};
use super::kind::Subject;
use super::locate::{Missing, Search};
use super::patch::WidthFault;
use super::spec::{Enumerator, FieldPath, Trail};
use crate::btf::{Btf, Kind, TypeId, display_name};

/// `byte offset of struct task_struct.pid`, where the access can be read.
pub(super) fn asked(local: &Btf, question: Question) -> Option<String> {
    let subject = subject(local, question, false)?;
    Some(format!("{} of {subject}", question.kind.phrase()))
}

/// `struct task_struct.pid (0:58)`, or as much of it as can be read.
pub(super) fn local(local: &Btf, question: Question) -> String {
    subject(local, question, true).unwrap_or_else(|| type_name(local, question.root))
}

/// The same in the target, and where that is; `None` where there is no answer.
pub(super) fn target(decision: Decided<'_>, verdict: Verdict<'_>) -> Option<String> {
    if verdict.answer.is_missing() {
        return None;
    }
    let Some(candidate) = verdict.candidate else {
        return Some(local(decision.local(), decision.this.question));
    };
    let subject = target_subject(decision, candidate);
    let subject = subject.unwrap_or_else(|| type_name(candidate.btf(), candidate.id));
    Some(format!("{subject} {}", place(candidate)))
}

fn target_subject(decision: Decided<'_>, candidate: &Candidate) -> Option<String> {
    let (local, target, id) = (decision.local(), candidate.btf(), candidate.id);
    let Question { root, access, kind } = decision.this.question;
    let text = local.string(access).ok()?;
    let mut budget = Budget::new();
    budget.begin().ok()?;
    let mut search = Search::new(local, target, &mut budget);
    match kind.subject() {
        Subject::Type => Some(type_name(target, id)),
        Subject::Enumerator => {
            let which = Enumerator::parse(local.resolve(root).ok()?, text).ok()?;
            let found = search.enumerator(which, candidate.resolved().ok()?);
            Some(enumerator(target, id, found.ok()?.ok()?))
        }
        Subject::Field => {
            let (mut path, mut way) = (FieldPath::new(), Trail::new());
            let (root, at) = (local.resolve(root).ok()?, candidate.resolved().ok()?);
            path.follow(local, root, access::indices(text)).ok()?;
            search.field(&path, at, &mut way).ok()?.ok()?;
            let raw = way.raw.indices().iter().copied().map(Ok);
            path.follow(target, at, raw).ok()?;
            Some(field(target, id, &path, true))
        }
    }
}

/// Why there is no answer: `no field skc_daddr in struct sock_common [id 4711] of vmlinux`.
pub(super) fn missing(decision: Decided<'_>, verdict: Verdict<'_>) -> Option<String> {
    let Answer::Missing(missing) = *verdict.answer else {
        return None;
    };
    let Some(candidate) = verdict.candidate else {
        let wanted = type_name(decision.local(), decision.this.question.root);
        return Some(format!("the target has no {}", without_flavour(&wanted)));
    };
    let target = candidate.btf();
    let name = |offset| shown(decision.local(), offset);
    let place = |id| {
        format!(
            "{} [id {id}] of {}",
            type_name(target, id),
            candidate.origin.name()
        )
    };
    Some(match missing {
        Missing::NoCandidate => return None,
        Missing::OtherShape => format!("{} has another shape", place(candidate.id)),
        Missing::NoMatch => format!("{} does not match", place(candidate.id)),
        Missing::NoField {
            name: field,
            within,
        } => {
            format!("no field {} in {}", name(field), place(within))
        }
        Missing::OtherType {
            name: field,
            within,
            is,
        } => format!(
            "field {} of {} is of another kind of type: {}",
            name(field),
            place(within),
            type_name(target, is)
        ),
        Missing::NotComposite { name: field, is } => {
            format!("no field {} in {}: it is no struct", name(field), place(is))
        }
        Missing::NotArray { is } => format!("{} is no array", place(is)),
        Missing::ArrayTooShort { index, count } => {
            let whole = place(candidate.id);
            format!("index {index} is past the {count} elements of the array in {whole}")
        }
        Missing::NoValue { name: value } => {
            format!("no value {} in {}", name(value), place(candidate.id))
        }
    })
}

/// Why a load or store was poisoned although the field is there.
pub(super) fn width(fault: WidthFault) -> String {
    match fault {
        WidthFault::Bitfield => {
            "the field is a bitfield only on one side: an access would move its neighbours too"
                .to_owned()
        }
        WidthFault::NotExtensible { local, target } => format!(
            "the field changes from {local} to {target} bytes, and is neither an unsigned integer nor a pointer"
        ),
        WidthFault::Partial { access, field } => format!(
            "the field changes its size, and the instruction accesses {access} of its {field} bytes"
        ),
        WidthFault::NoSuchWidth { target } => {
            format!("the field changes its size to {target} bytes, which no instruction accesses")
        }
        WidthFault::SignExtending => {
            "the field changes its size, and the load extends its sign".to_owned()
        }
        WidthFault::Atomic { target } => {
            format!("the field changes its size to {target} bytes, too few for an atomic operation")
        }
        WidthFault::NegativeStore => {
            "the field grows, and the instruction stores a negative number".to_owned()
        }
    }
}

/// `struct foo [id 7] of vmlinux gives 8`.
pub(super) fn gives(verdict: Verdict<'_>) -> String {
    let who = match verdict.candidate {
        Some(candidate) => self::candidate(candidate),
        None => "the target".to_owned(),
    };
    match *verdict.answer {
        Answer::Missing(_) => format!("{who} has none"),
        Answer::Found { value, bit_offset } => {
            let number = value.bits as i64;
            match value.memory {
                Some(Memory::Bytes { size, .. }) => format!("{who} gives {number} ({size} bytes)"),
                Some(Memory::Bits) => format!("{who} gives {number} (bit {bit_offset})"),
                None => format!("{who} gives {number}"),
            }
        }
    }
}

/// `struct foo [id 7] of vmlinux`.
pub(super) fn candidate(candidate: &Candidate) -> String {
    format!(
        "{} {}",
        type_name(candidate.btf(), candidate.id),
        place(candidate)
    )
}

fn place(candidate: &Candidate) -> String {
    format!("[id {}] of {}", candidate.id, candidate.origin.name())
}

fn subject(btf: &Btf, question: Question, raw: bool) -> Option<String> {
    let Question { root, access, kind } = question;
    let text = btf.string(access).ok()?;
    let ty = btf.type_by_id(root).ok()?;
    match kind.subject() {
        Subject::Type => Some(type_name(btf, root)),
        Subject::Enumerator => {
            let which = Enumerator::parse(btf.resolve_type(ty).ok()?, text).ok()?;
            Some(enumerator(btf, root, which))
        }
        Subject::Field => {
            let mut path = FieldPath::new();
            let at = btf.resolve_type(ty).ok()?;
            path.follow(btf, at, access::indices(text)).ok()?;
            Some(field(btf, root, &path, raw))
        }
    }
}

fn enumerator(btf: &Btf, root: TypeId, which: Enumerator<'_>) -> String {
    let value = which.ty.enum_value(which.index);
    let name = value.map_or_else(|| "?".to_owned(), |value| shown(btf, value.name_off));
    format!("{}::{name}", type_name(btf, root))
}

/// The names on a path in C's notation, and on demand the raw access string.
fn field(btf: &Btf, root: TypeId, path: &FieldPath<'_>, raw: bool) -> String {
    let mut text = type_name(btf, root);
    for (depth, step) in path.steps().iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = match step.is_field() {
            true => write!(text, ".{}", shown(btf, step.name)),
            false if depth > 0 || step.index > 0 => write!(text, "[{}]", step.index),
            false => Ok(()),
        };
    }
    if raw {
        let indices: Vec<String> = path
            .trail
            .raw
            .indices()
            .iter()
            .map(u32::to_string)
            .collect();
        let _ = write!(text, " ({})", indices.join(":"));
    }
    text
}

/// `struct sock`, `enum bpf_map_type`, `typedef pid_t`, `unsigned int`.
fn type_name(btf: &Btf, id: TypeId) -> String {
    let Ok(ty) = btf.type_by_id(id) else {
        return format!("type [{id}]");
    };
    let keyword = match ty.kind() {
        Kind::Void => return "void".to_owned(),
        Kind::Int | Kind::Float => "",
        Kind::Fwd if ty.kind_flag() => "union ",
        Kind::Fwd => "struct ",
        Kind::Enum64 => "enum ",
        Kind::Ptr => return "a pointer".to_owned(),
        Kind::Array => return "an array".to_owned(),
        Kind::FuncProto => return "a function prototype".to_owned(),
        kind => return format!("{kind} {}", shown(btf, ty.name_off())),
    };
    format!("{keyword}{}", shown(btf, ty.name_off()))
}

fn shown(btf: &Btf, name_off: u32) -> String {
    display_name(btf.string(name_off).unwrap_or_default()).into_owned()
}

fn without_flavour(name: &str) -> String {
    let essential = crate::btf::essential_name(name.as_bytes());
    String::from_utf8_lossy(essential).into_owned()
}
