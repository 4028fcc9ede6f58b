//! Where a program attaches: what its section says, and the type ids that only the
//! target knows.
//!
//! A target that cannot be found fails no program: the stream is right, and a loader
//! may attach it elsewhere (`fentry` without a name is made for that). The type id is
//! then 0, and the reason is told beside it.

use std::sync::Arc;

use super::Program;
use super::kernel_type::TypeLookup;
use super::struct_ops::Uses;
use crate::btf::{Kind, TypeId};
use crate::elf::{AttachKind, AttachSpec, FunctionAddress};
use crate::lookup::Lookup;
use crate::name::Name;

/// BPF_* of `enum bpf_attach_type` are small; longer names are none of the kernel's.
const MAX_NAME: usize = 512;

/// Where a program attaches.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AttachTarget {
    /// What its section says.
    pub spec: AttachSpec,
    /// attach_btf_id of BPF_PROG_LOAD: the function, typedef or struct in the target's
    /// BTF. 0 before finalize, for kinds that have none, and where it was not found.
    pub btf_id: TypeId,
    /// The module whose BTF has it; empty for vmlinux.
    pub module: Name,
    /// Of a `struct_ops` program, the member's number in the kernel's struct:
    /// expected_attach_type.
    pub member: Option<u32>,
    /// Why it cannot be attached, or not by its type id, as far as is known.
    pub problem: Option<Arc<str>>,
}

/// The targets of one object's sections, each looked for once: many programs may share
/// a section.
#[derive(Default)]
pub(super) struct SectionTargets(Lookup<u32, AttachTarget>);

impl Program {
    /// Where the program attaches. Type ids are there after finalize.
    pub fn attach_target(&self) -> AttachTarget {
        match &self.finalized {
            Some(finalized) => finalized.attach.clone(),
            None => unresolved(self.attach_spec()),
        }
    }

    fn attach_spec(&self) -> AttachSpec {
        let stream = self.entry().and_then(|entry| entry.stream(&self.object));
        stream
            .map(|stream| stream.attach.clone())
            .unwrap_or_default()
    }

    pub(super) fn entry_address(&self) -> Option<FunctionAddress> {
        self.entry().map(|entry| entry.address)
    }

    /// Where the program attaches on the target.
    pub(super) fn resolve_attach(
        &self,
        types: &TypeLookup<'_>,
        uses: &Uses,
        known: &mut SectionTargets,
    ) -> AttachTarget {
        let spec = self.attach_spec();
        match spec.kind {
            AttachKind::StructOps => self.resolve_struct_ops(spec, uses),
            AttachKind::Function
            | AttachKind::BtfTracepoint
            | AttachKind::Lsm
            | AttachKind::Iterator => {
                let section = self.entry_address().map_or(0, |address| address.stream);
                match known.0.get(&section) {
                    Some(found) => found.clone(),
                    None => known.0.or_insert(section, look_up(spec, types)).0.clone(),
                }
            }
            _ => unresolved(spec),
        }
    }

    fn resolve_struct_ops(&self, spec: AttachSpec, uses: &Uses) -> AttachTarget {
        let mut found = unresolved(spec);
        match self.entry_address().map(|address| uses.of(address)) {
            Some(Ok(used)) => {
                found.spec.name = used.member_name.clone();
                found.btf_id = used.ty.id;
                found.module = used.ty.module.clone().unwrap_or_default();
                found.member = Some(used.member);
            }
            Some(Err(problem)) => found.problem = Some(problem),
            None => {}
        }
        found
    }
}

fn unresolved(spec: AttachSpec) -> AttachTarget {
    let problem = spec
        .problem
        .map(|problem| format!("the section's name says {problem}").into());
    AttachTarget {
        spec,
        problem,
        ..AttachTarget::default()
    }
}

/// What libbpf puts before the name, and the kind of type that is meant.
fn kernel_name(spec: &AttachSpec) -> (&'static str, Kind, &'static str) {
    match spec.kind {
        AttachKind::BtfTracepoint => ("btf_trace_", Kind::Typedef, "tracepoint"),
        AttachKind::Lsm => ("bpf_lsm_", Kind::Func, "hook"),
        AttachKind::Iterator => ("bpf_iter_", Kind::Func, "iterator"),
        _ => ("", Kind::Func, "function"),
    }
}

fn look_up(spec: AttachSpec, types: &TypeLookup<'_>) -> AttachTarget {
    let (prefix, kind, what) = kernel_name(&spec);
    let mut found = unresolved(spec);
    let spec = &found.spec;
    if spec.name.is_empty() {
        found.problem = Some(format!("the section names no {what} to attach to").into());
        return found;
    }
    let name = [prefix.as_bytes(), spec.name.as_bytes()].concat();
    let module = Some(&spec.module).filter(|module| !module.is_empty());
    let answer = match module {
        _ if name.len() > MAX_NAME => Ok(None),
        Some(module) => types.find_in(module, &name, kind),
        None => types.find(&name, kind),
    };
    match answer {
        Ok(Some(ty)) => {
            found.btf_id = ty.id;
            found.module = ty.module.unwrap_or_default();
        }
        Ok(None) => {
            let place = match module {
                Some(module) => format!("module {module} has no"),
                None => "neither vmlinux nor a module has a".to_owned(),
            };
            let shown = String::from_utf8_lossy(&name);
            let kind = if kind == Kind::Typedef {
                "type"
            } else {
                "function"
            };
            let mut why = format!("{place} {kind} {shown}");
            // What the user wrote, where it is not what was looked for.
            if !prefix.is_empty() {
                why = format!("there is no {what} {}: {why}", spec.name);
            }
            found.problem = Some(why.into());
        }
        Err(error) => found.problem = Some(error.into()),
    }
    found
}
