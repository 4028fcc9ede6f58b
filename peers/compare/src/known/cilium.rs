//! Classes of differences from cilium/ebpf.

use super::{
    ABSENT_TEXT, Class, Known, LinePlace, Place, RINGBUF, STRUCT_OPS, USER_RINGBUF, Whose, cause,
    class,
};
use crate::insn::{CORE_POISON, Insn};
use crate::output::{Map, Output, Reference};

/// Map flag: userspace may map it.
const BPF_F_MMAPABLE: u64 = 1024;
/// Map type.
const PERF_EVENT_ARRAY: u64 = 4;
/// The bits of a load's or store's operation that hold its width.
const SIZE: u8 = 0x18;

pub static CALLBACK_LEFT_OUT: Class = class(
    "exception-callback-left-out",
    Whose::Lacks,
    "the function that a decl_tag `exception_callback:` names is part of the program \
     (libbpf's `bpf_object__relocate_calls`, kernel's `bpf_find_exception_callback_insn_off`)",
);
static POISON_NUMBER: Class = class(
    "poison-number",
    Whose::Nobodys,
    "a call of what is missing holds a number that names it in the verifier's log; each linker has its own",
);
static ALU_OFFSET: Class = class(
    "alu-offset-lost",
    Whose::Bug,
    "instruction-set.rst: `offset` of an ALU instruction makes it signed division, sign \
     extension or addr_space_cast; `asm.Instruction.Marshal` drops it",
);
static KFUNC_ADDRESS: Class = class(
    "kfunc-address-without-btf-id",
    Whose::Bug,
    "an ld_imm64 of a kernel function's BTF id needs src_reg BPF_PSEUDO_BTF_ID \
     (libbpf's `bpf_object__relocate_data`)",
);
static KFUNC_FLAVOUR: Class = class(
    "kfunc-flavour-kept",
    Whose::Bug,
    "what follows `___` in a kernel function's name is no part of it \
     (libbpf's `bpf_object__resolve_ksym_func_btf_id`)",
);
static FUNCTION_SIGN: Class = class(
    "function-address-sign",
    Whose::Nobodys,
    "the distance to a function is the low 32 bits of an ld_imm64; the kernel looks at no others \
     (`check_ld_imm` with BPF_PSEUDO_FUNC)",
);
static KCONFIG_LAYOUT: Class = class(
    "kconfig-layout",
    Whose::Nobodys,
    "where a variable stands in .kconfig is the linker's choice, as it makes the map too",
);
static WIDE_POISON: Class = class(
    "wide-poison",
    Whose::Nobodys,
    "an ld_imm64 that cannot be relocated: libbpf makes two invalid calls of it \
     (`bpf_core_poison_insn`), cilium loads the number into r10, which the verifier refuses as well",
);
static LOCAL_TYPE_ID: Class = class(
    "local-type-id",
    Whose::Nobodys,
    "cilium writes the program's BTF anew, types have other numbers there",
);
static MISSING_TYPE: Class = class(
    "missing-type-poisoned",
    Whose::Bug,
    "size and id of a type that the kernel lacks are 0 (libbpf's `bpf_core_calc_type_relo`)",
);
static NOT_RESIZED: Class = class(
    "access-not-resized",
    Whose::Bug,
    "a load of a field whose size differs gets the field's size (libbpf's `bpf_core_patch_insn`)",
);
static UNSAFE_SIZE: Class = class(
    "unsafe-size-patched",
    Whose::Bug,
    "a field of another size that is no unsigned integer or pointer is not read as if it were one \
     (libbpf's `bpf_core_calc_field_relo`, `fail_memsz_adjust`)",
);
static KFUNC_PROTOTYPE: Class = class(
    "kfunc-prototype",
    Whose::Bug,
    "a weak function of another prototype is absent, no error \
     (libbpf's `bpf_object__resolve_ksym_func_btf_id`)",
);
static TYPED_KSYM: Class = class(
    "typed-ksym-variable",
    Whose::Lacks,
    "only ksyms of type void are read; libbpf finds a typed variable's BTF id",
);
static KFUNC_UNSUPPORTED: Class = class(
    "kfunc-missing-or-flavoured",
    Whose::Asking,
    "functions of modules are asked of the running kernel, which is taken away here; and a flavour is kept",
);
static POISON_SYMBOL: Class = class(
    "poison-loses-symbol",
    Whose::Bug,
    "poisoning a function's first instruction drops its metadata, so calls of it lead nowhere",
);
static POISON_LINES: Class = class(
    "poison-loses-line",
    Whose::Bug,
    "an instruction keeps its place in the source whatever becomes of it: `btf.COREFixup.Apply` and \
     `fixupKfuncs` make a new one without it; libbpf leaves line_info alone",
);
static ONE_LINE: Class = class(
    "one-line-each",
    Whose::Nobodys,
    "of several records at one instruction the last holds: cilium keeps one source for each \
     instruction, libbpf hands over what the compiler wrote",
);
static SECTION_UNKNOWN: Class = class(
    "data-section-unknown",
    Whose::Lacks,
    "sections `.bss.NAME` and `.addr_space.1` (an arena's) hold variables \
     (libbpf's `bpf_object__elf_collect`)",
);
static WEAK_MAP: Class = class(
    "weak-map",
    Whose::Lacks,
    "a map may be weak, as every other definition: the static linker then keeps one of several \
     (libbpf's `bpf_object__init_user_btf_maps` looks at no binding)",
);
static WEAK_EXTERN: Class = class(
    "weak-extern",
    Whose::Lacks,
    "an extern of .kconfig may be weak, then it is 0 where the kernel has none \
     (libbpf's `bpf_object__resolve_externs`)",
);
static STRUCT_OPS_SECTION: Class = class(
    "struct-ops-without-link",
    Whose::Lacks,
    "a variable of `.struct_ops` is registered without a link (libbpf's `bpf_object_init_struct_ops`)",
);
static BITFIELD_TOO_WIDE: Class = class(
    "straddling-bitfield",
    Whose::Bug,
    "a bitfield of which no aligned load of eight bytes reads all bits cannot be relocated \
     (libbpf's `bpf_core_calc_field_relo`, E2BIG): the program would read others",
);
static MAP_BY_NUMBER: Class = class(
    "map-by-number",
    Whose::Asking,
    "a descriptor that stands in the code itself: the witness takes it for one of its own",
);
static STATIC_PROGRAM: Class = class(
    "static-program",
    Whose::Nobodys,
    "a static function outside of .text is no program to libbpf (\"is static and not supported\") \
     nor here; cilium makes one of it",
);
static SAME_NAME: Class = class(
    "same-named-statics",
    Whose::Lacks,
    "static linking leaves static functions of one name in one section; ELF symbols are told \
     apart by their place",
);
static RECORDS_BEHIND_GAP: Class = class(
    "records-behind-a-gap",
    Whose::Bug,
    "a record of .BTF.ext belongs to the instruction at its offset in the section (btf.rst,      insn_off), where the object's own records name the functions of its symbols;      `elfCode.loadFunctions` counts instructions without those that static linking leaves of an      overridden weak function",
);
static STALE_OFFSET: Class = class(
    "datasec-offset-stale",
    Whose::Nobodys,
    "libbpf's static linker leaves a stale offset in a DATASEC (`linker_append_btf`); the ELF symbol says where a \
     variable is (libbpf's `btf_fixup_datasec`), cilium refuses the object",
);
static STATIC_MAP: Class = class(
    "static-map",
    Whose::Lacks,
    "a map may be static: a reference by the section and an offset finds it",
);
static NUMA_NODE: Class = class(
    "numa-node",
    Whose::Lacks,
    "`numa_node` is a field of a map's definition (libbpf's `parse_btf_map_def`)",
);
static TYPE_ID_CHECKED: Class = class(
    "type-id-checked",
    Whose::Bug,
    "what an instruction holds for a type's id is not checked: static linking gives types other \
     ids (libbpf's `bpf_core_calc_type_relo`, `validate`)",
);
static AMBIGUOUS: Class = class(
    "ambiguous",
    Whose::Bug,
    "candidates that agree on the answer are no contradiction (libbpf's `bpf_core_calc_relo_insn`)",
);
static KCONFIG_OPEN: Class = class(
    "kconfig-left-open",
    Whose::Asking,
    "the witness leaves the values of .kconfig open, they are no part of the stream",
);
static DEFINITION_LONGER: Class = class(
    "map-definition-longer",
    Whose::Nobodys,
    "what follows a definition of libbpf's old form is of another loader (iproute2): cilium keeps \
     it and makes no map until somebody has read it (`MapSpec.Extra`), here it is an error at once",
);
static TEXT_AS_PROGRAM: Class = class(
    "text-as-program",
    Whose::Nobodys,
    "functions of .text are programs where no other section has any",
);
static RINGBUF_ROUNDED: Class = class(
    "ringbuf-rounded",
    Whose::Nobodys,
    "a ring buffer is rounded to whole pages when it opens, or when it is created",
);
static MMAPABLE: Class = class(
    "map-mmapable-later",
    Whose::Nobodys,
    "decided when the map is created",
);
static BUFFER_SIZES: Class = class(
    "buffer-sizes",
    Whose::Nobodys,
    "the kernel takes sizes of 0 for a ring buffer and of 4 for a perf event array: cilium \
     corrects them when it opens the object, libbpf when it creates the map",
);
static MODULE_TYPE_ID: Class = class(
    "module-type-id",
    Whose::Lacks,
    "the id of a type that a module defines is its id in the module's BTF (libbpf's \
     `bpf_core_calc_type_relo`); cilium poisons",
);
static STRUCT_OPS_CONTENTS: Class = class(
    "struct-ops-contents",
    Whose::Asking,
    "what the map will hold and how large that is: cilium takes the kernel's type and the programs' \
     numbers when it creates the map",
);
static DATA_DROPPED: Class = class(
    "unreferenced-data-dropped",
    Whose::Nobodys,
    "a data section that no program names makes no map",
);
static STRUCT_OPS_TYPE: Class = class(
    "struct-ops-without-type",
    Whose::Nobodys,
    "without the kernel's type a struct_ops variable has no layout, so no value; cilium asks for \
     the type when it creates the map",
);

pub fn instruction(place: &Place<'_>, a: Insn, b: Insn) -> Known {
    if place.is_missing_by_number() {
        return Some(&POISON_NUMBER);
    }
    if b == (Insn { imm: 0, ..a }) && place.is_map_by_number() {
        return Some(&MAP_BY_NUMBER);
    }
    if a.is_alu() && a.off != 0 && b == (Insn { off: b.off, ..a }) {
        return Some(&ALU_OFFSET);
    }
    if a.is_ld_imm64() && a.src == 3 && b == (Insn { src: 0, ..a }) {
        return Some(&KFUNC_ADDRESS);
    }
    if kfunc_flavour(place, a, b) {
        return Some(&KFUNC_FLAVOUR);
    }
    if a.imm == 0 && b == (Insn { imm: -1, ..a }) && place.after_function_address() {
        return Some(&FUNCTION_SIGN);
    }
    if place
        .inside_value()
        .is_some_and(|(r, _)| r.name == ".kconfig")
    {
        return Some(&KCONFIG_LAYOUT);
    }
    if wide_poison(place) || place.before().is_some_and(|before| wide_poison(&before)) {
        return Some(&WIDE_POISON);
    }
    relocated(place, a, b)
}

fn relocated(place: &Place<'_>, a: Insn, b: Insn) -> Known {
    let resized = Insn {
        code: a.code & !SIZE | b.code & SIZE,
        ..a
    };
    let poison = b.is_core_poison() || b.is_ld_imm64() && b.imm == CORE_POISON;
    match place.relocation()? {
        "local_type_id" if Insn { imm: b.imm, ..a } == b => Some(&LOCAL_TYPE_ID),
        "local_type_id" if a.is_poison() == b.is_poison() => Some(&LOCAL_TYPE_ID),
        "type_size" | "target_type_id" if poison && a.imm == 0 => Some(&MISSING_TYPE),
        "target_type_id" if poison && !a.is_poison() => Some(&MODULE_TYPE_ID),
        "byte_off" if a.is_memory() && b == resized => Some(&NOT_RESIZED),
        // A bitfield matched by a plain field, a signed field of another size.
        "byte_off" | "byte_sz" | "lshift_u64" | "rshift_u64"
            if a.is_core_poison() && !b.is_core_poison() =>
        {
            Some(&UNSAFE_SIZE)
        }
        _ => None,
    }
}

fn kfunc_flavour(place: &Place<'_>, a: Insn, b: Insn) -> bool {
    let flavoured = |r: &Reference| r.name.contains("___");
    let unresolved = Insn {
        src: 0,
        imm: 0,
        ..a
    };
    let lost = b.is_poison() || a.is_ld_imm64() && a.src == 3 && b == unresolved;
    place.ours_refers().is_some_and(flavoured) && lost
}

/// The first slot of two calls here, of a load into r10 there.
fn wide_poison(place: &Place<'_>) -> bool {
    place
        .insns()
        .is_some_and(|(a, b)| a.is_core_poison() && b.is_ld_imm64() && b.imm == CORE_POISON)
}

pub fn reference(place: &Place<'_>) -> Known {
    if place.is_map_by_number() {
        return Some(&MAP_BY_NUMBER);
    }
    let (a, b) = place.references()?;
    let kconfig = a.kind == b.kind && a.name == b.name && a.name == ".kconfig";
    kconfig.then_some(&KCONFIG_LAYOUT)
}

pub fn lines(place: &LinePlace<'_>) -> Known {
    let poison = |insn: Insn| insn.is_poison() || insn.is_ld_imm64() && insn.imm == CORE_POISON;
    if place.are_without(poison) {
        return Some(&POISON_LINES);
    }
    if place.are_one_each(poison) {
        return Some(&ONE_LINE);
    }
    place.behind_gap.then_some(&RECORDS_BEHIND_GAP)
}

pub fn function_name(behind_gap: bool) -> Known {
    behind_gap.then_some(&RECORDS_BEHIND_GAP)
}

pub fn refusal(error: &str) -> Known {
    cause(
        &[
            (&[ABSENT_TEXT], &TEXT_AS_PROGRAM),
            (
                &["fixing up kfuncs: kfunc", "incompatible"],
                &KFUNC_PROTOTYPE,
            ),
            (&[".ksyms", "to be *Void"], &TYPED_KSYM),
            (
                &["fixing up kfuncs: kfunc", "not supported"],
                &KFUNC_UNSUPPORTED,
            ),
            (&["missing symbol"], &POISON_SYMBOL),
            (&["is missing from"], &POISON_SYMBOL),
            (&["unsatisfied program reference"], &POISON_SYMBOL),
            (&["in section SHN_UNDEF", "not supported"], &SECTION_UNKNOWN),
            (
                &[
                    "relocating instruction: map",
                    "unsupported binding: STB_WEAK",
                ],
                &WEAK_MAP,
            ),
            (
                &["asm relocation", "unsupported binding: STB_WEAK"],
                &WEAK_EXTERN,
            ),
            (
                &["got '.struct_ops' section: not supported"],
                &STRUCT_OPS_SECTION,
            ),
            (&["duplicate symbol", "in section"], &SAME_NAME),
            (
                &["datasec offset", "doesn't match ELF symbol"],
                &STALE_OFFSET,
            ),
            (&["possible erroneous static qualifier on map"], &STATIC_MAP),
            (&["unrecognized field numa_node"], &NUMA_NODE),
            (
                &["CORERelocation(local_type_id", "invalid immediate"],
                &TYPE_ID_CHECKED,
            ),
            (
                &["CORERelocation(target_type_id", "invalid immediate"],
                &TYPE_ID_CHECKED,
            ),
            (&["multiple possible targets"], &AMBIGUOUS),
        ],
        error,
    )
}

pub fn unlisted(program: &(String, String), ours: &Output) -> Known {
    ours.statics.contains(program).then_some(&STATIC_PROGRAM)
}

pub fn laxity(error: &str) -> Known {
    cause(
        &[
            (&["LINUX_"], &KCONFIG_OPEN),
            (
                &["cannot be read by one load of 64 bits"],
                &BITFIELD_TOO_WIDE,
            ),
            (&["CONFIG_"], &KCONFIG_OPEN),
            (&[".kconfig"], &KCONFIG_OPEN),
            (&["more than the 20 bytes"], &DEFINITION_LONGER),
        ],
        error,
    )
}

pub fn map_field(name: &str, (ours, theirs): (&Map, &Map), field: Option<usize>) -> Known {
    let Some(field) = field else {
        return (ours.kind() == STRUCT_OPS).then_some(&STRUCT_OPS_CONTENTS);
    };
    let (a, b) = (ours.numbers[field], theirs.numbers[field]);
    match (Map::FIELDS[field], ours.kind()) {
        ("value_size", STRUCT_OPS) => Some(&STRUCT_OPS_CONTENTS),
        ("max_entries", RINGBUF | USER_RINGBUF) => Some(&RINGBUF_ROUNDED),
        ("flags", _) if name.starts_with('.') && a == b | BPF_F_MMAPABLE => Some(&MMAPABLE),
        ("value_size" | "key_size" | "max_entries", PERF_EVENT_ARRAY)
        | ("value_size" | "key_size", RINGBUF | USER_RINGBUF) => Some(&BUFFER_SIZES),
        _ => None,
    }
}

pub fn map_missing(name: &str, theirs: &Output) -> Known {
    match name {
        ".kconfig" => Some(&KCONFIG_OPEN),
        _ if name.starts_with('.') && !theirs.refers_to(name) => Some(&DATA_DROPPED),
        _ => None,
    }
}

/// Where the kernel's type is known, both list it.
pub fn map_unlisted(theirs: &Map) -> Known {
    (theirs.kind() == STRUCT_OPS).then_some(&STRUCT_OPS_TYPE)
}
