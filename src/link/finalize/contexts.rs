//! Parameters with the tag `arg:ctx`, for kernels that do not know it (before Linux 6.8).
//!
//! Such a kernel takes a parameter of a global function for the program's context when
//! it points to a struct of a certain name. So func_info of the function names a copy
//! of it whose parameter does, as libbpf has it.

use super::Job;
use super::info::func_of;
use crate::btf::{Btf, ContextCopies, ContextFunction, Kind, Linkage, Type, TypeId, context_tags};
use crate::link::{InfoBytes, Program, Programs};
use crate::lookup::Lookup;

const KPROBE: u32 = 2;
const PERF_EVENT: u32 = 7;
const RAW_TRACEPOINT: u32 = 17;
const RAW_TRACEPOINT_WRITABLE: u32 = 24;

/// The structs that kernels know contexts by: BPF_PROG_TYPE_*, and the name that
/// include/linux/bpf_types.h gives to it. Other types have none.
const CONTEXTS: [(u32, &str); 25] = [
    (1, "__sk_buff"), // socket filter
    (KPROBE, "bpf_user_pt_regs_t"),
    (3, "__sk_buff"), // sched_cls
    (4, "__sk_buff"), // sched_act
    (6, "xdp_md"),
    (PERF_EVENT, "bpf_perf_event_data"),
    (8, "__sk_buff"),  // cgroup_skb
    (9, "bpf_sock"),   // cgroup_sock
    (10, "__sk_buff"), // lwt_in
    (11, "__sk_buff"), // lwt_out
    (12, "__sk_buff"), // lwt_xmit
    (13, "bpf_sock_ops"),
    (14, "__sk_buff"), // sk_skb
    (15, "bpf_cgroup_dev_ctx"),
    (16, "sk_msg_md"),
    (RAW_TRACEPOINT, "bpf_raw_tracepoint_args"),
    (18, "bpf_sock_addr"), // cgroup_sock_addr
    (19, "__sk_buff"),     // lwt_seg6local
    (21, "sk_reuseport_md"),
    (22, "__sk_buff"), // flow_dissector
    (23, "bpf_sysctl"),
    (RAW_TRACEPOINT_WRITABLE, "bpf_raw_tracepoint_args"),
    (25, "bpf_sockopt"),
    (30, "bpf_sk_lookup"),
    (32, "bpf_nf_ctx"),
];

/// Parameters of a wrong type that are told of: names may be long, and many.
const MAX_TOLD: usize = 16;

/// The copies in the BTF of a set.
#[derive(Debug, Default)]
pub(in crate::link) struct Contexts {
    copies: ContextCopies,
    /// The functions, by type of program, that were looked at.
    judged: Lookup<(TypeId, u32)>,
}

fn context_of(program: &Program) -> Option<(u32, &'static str)> {
    let kind = program.program_type().program_type;
    CONTEXTS.into_iter().find(|&(number, _)| number == kind)
}

/// Adds to the set's BTF the copies that its programs need. Those of all programs come
/// at once: a loader may load the BTF before it finalizes the next program.
pub(super) fn add(set: &mut Programs, warnings: &mut Vec<String>) {
    let object = set.object.clone();
    let Some(local) = object.btf() else {
        return;
    };
    let tagged = context_tags(local);
    let (mut wanted, mut told) = (Vec::new(), 0);
    for (func, kind, context) in uses(set) {
        let new = |_: &_| set.contexts.judged.or_insert((func, kind), ()).1;
        let Some(tags) = tagged.get(&func).filter(new) else {
            continue;
        };
        let mut params = Vec::new();
        for (number, type_id) in tagged_parameters(local, func, &tags.params) {
            match stand_in(local, type_id, kind, context) {
                StandIn::Needed => params.push(number),
                StandIn::No => {}
                StandIn::Wrong if told < MAX_TOLD => {
                    told += 1;
                    warnings.push(odd(&object, func, number, context));
                }
                StandIn::Wrong => {}
            }
        }
        if !params.is_empty() {
            wanted.push(ContextFunction {
                func,
                params,
                tags: &tags.tags,
                context,
            });
        }
    }
    let Some(prepared) = set.btf.as_ref().filter(|_| !wanted.is_empty()) else {
        return;
    };
    match set.contexts.copies.with(prepared, &wanted) {
        Ok((btf, copies)) => (set.btf, set.contexts.copies) = (Some(btf), copies),
        Err(error) => warnings.push(format!("parameters with the tag arg:ctx stay: {error}")),
    }
}

/// The BTF_KIND_FUNC of each function of the set's programs, with the type and the
/// context of its program.
fn uses(set: &Programs) -> Vec<(TypeId, u32, &'static str)> {
    let mut found = Lookup::default();
    let mut uses = Vec::new();
    for program in set.programs.iter().filter(|p| p.error.is_none()) {
        let Some((kind, context)) = context_of(program) else {
            continue;
        };
        let functions = program.reach.iter();
        let functions = functions.filter_map(|&id| set.functions.get(id));
        let funcs = functions.filter_map(|function| func_of(&set.object, function));
        let fresh = funcs.filter(|&func| found.or_insert((func, kind), ()).1);
        uses.extend(fresh.map(|func| (func, kind, context)));
    }
    uses
}

/// What a parameter's type has to become.
enum StandIn {
    /// A pointer to the context.
    Needed,
    /// Nothing: the kernel knows it for the context.
    No,
    /// It is something that no context is.
    Wrong,
}

/// The parameters of those numbers, and their types, of a global function that the
/// kernel could call.
fn tagged_parameters(btf: &Btf, func: TypeId, numbers: &[u32]) -> Vec<(u32, TypeId)> {
    /// The registers that arguments are passed in.
    const MAX: u32 = 5;
    let global = |ty: &Type<'_>| ty.linkage() == Some(Linkage::Global);
    let func = btf.type_by_id(func).ok().filter(global);
    let proto = func.and_then(|func| btf.type_by_id(func.target()).ok());
    let Some(proto) = proto.filter(|ty| ty.kind() == Kind::FuncProto && ty.vlen() <= MAX) else {
        return Vec::new();
    };
    let params = (0u32..).zip(proto.params());
    let tagged = params.filter(|(number, _)| numbers.contains(number));
    tagged
        .map(|(number, param)| (number, param.type_id))
        .collect()
}

/// As libbpf judges it: `void *` is anything, a struct of the right name is right, and
/// some types of programs have names of old for their contexts.
fn stand_in(btf: &Btf, param: TypeId, kind: u32, context: &str) -> StandIn {
    let pointed = btf.resolve(param).ok().filter(|ty| ty.kind() == Kind::Ptr);
    let Some(pointed) = pointed.and_then(|pointer| btf.resolve(pointer.target()).ok()) else {
        return StandIn::Wrong;
    };
    match (pointed.kind(), pointed.short_name()) {
        (Kind::Void, _) => StandIn::Needed,
        (Kind::Struct, name) if name == context.as_bytes() => StandIn::No,
        (Kind::Struct, b"pt_regs") if kind == KPROBE => StandIn::Needed,
        // What bpf_user_pt_regs_t is on x86, on arm64 and s390, on RISC-V.
        (Kind::Struct, b"pt_regs" | b"user_pt_regs" | b"user_regs_struct")
            if kind == PERF_EVENT =>
        {
            StandIn::Needed
        }
        (Kind::Int, _)
            if matches!(kind, RAW_TRACEPOINT | RAW_TRACEPOINT_WRITABLE) && pointed.size() == 8 =>
        {
            StandIn::Needed
        }
        _ => StandIn::Wrong,
    }
}

fn odd(object: &crate::elf::Object, func: TypeId, number: u32, context: &str) -> String {
    let func = object.btf().and_then(|btf| btf.type_by_id(func).ok());
    let name = func.map_or(&b""[..], |func| func.short_name());
    format!(
        "{}: function {}: parameter {number} has the tag arg:ctx, but is no pointer to struct {context}",
        object.name(),
        crate::btf::display_name(name),
    )
}

impl Job<'_, '_> {
    /// Lets func_info name the copies of the functions that have one.
    pub(super) fn name_copies(&self, info: &mut InfoBytes) {
        let Some((_, context)) = context_of(self.program) else {
            return;
        };
        let endian = self.program.object.endian();
        for record in info.bytes.chunks_exact_mut(info.record_size.max(1)) {
            let func = endian.u32_at(record, 4);
            let copy = func.and_then(|func| self.contexts.copies.get(func, context));
            if let (Some(copy), Some(place)) = (copy, record.get_mut(4..8)) {
                place.copy_from_slice(&endian.u32_bytes(copy));
            }
        }
    }
}
