//! Classes of differences from libbpf.

use super::{
    ABSENT_TEXT, Class, Known, LinePlace, Place, RINGBUF, USER_RINGBUF, Whose, cause, class,
};
use crate::insn::Insn;
use crate::output::Map;

static POISON_NUMBER: Class = class(
    "poison-number",
    Whose::Nobodys,
    "a call of what is missing holds a number that names it in the verifier's log: libbpf counts \
     its own tables (`poison_kfunc_call`, `poison_map_ldimm64`), ours is the one of CO-RE",
);
static MAP_BY_NUMBER: Class = class(
    "map-by-number",
    Whose::Asking,
    "a descriptor that stands in the code itself: the witness takes it for one of its own, whose \
     name it does not find",
);
static TEXT_AS_PROGRAM: Class = class(
    "text-as-program",
    Whose::Nobodys,
    "functions of .text are programs where no other section has any (`bpf_object__init_prog` and \
     `prog_is_subprog`: libbpf loads none of them)",
);
static LEGACY_MAPS: Class = class(
    "legacy-maps",
    Whose::Lacks,
    "maps of the old form in a section `maps`: libbpf reads none since 1.0, cilium/ebpf does",
);
static STATIC_PROGRAM: Class = class(
    "static-program",
    Whose::Nobodys,
    "a static function outside of .text is no program: libbpf refuses the object for it, here \
     it is one that others may call",
);
static EXTERN_WITHOUT_BTF: Class = class(
    "extern-without-btf",
    Whose::Nobodys,
    "clang leaves a function that only `__attribute__((cleanup))` calls out of the BTF at -O1. libbpf refuses the \
     object (`bpf_object__collect_externs`); here the programs that call it have a weak symbol that is absent, and a warning says so",
);
static ARENA_MAPPED: Class = class(
    "arena-mapped",
    Whose::Nobodys,
    "libbpf maps an arena at its `map_extra` while it loads (`bpf_object__create_maps`) and fails where that is no address: \
     clang before 15 keeps 32 bits of it in the BTF. Here mapping is the loader's affair, which is told the number that the BTF has",
);
static STALE_OFFSET: Class = class(
    "datasec-offset-stale",
    Whose::Bug,
    "where a later object defines what an earlier one declares, libbpf's static linker sets the size in the \
     DATASEC and not the offset (`linker_append_btf`), and its loader looks for maps there; the ELF symbol says where they are",
);
static JUMP_TABLE_UNCHECKED: Class = class(
    "jump-table-unchecked",
    Whose::Bug,
    "a jump table that leads out of the function: libbpf hands it to the kernel, whose verifier \
     refuses the program",
);
static RINGBUF_ROUNDED: Class = class(
    "ringbuf-rounded",
    Whose::Nobodys,
    "libbpf rounds a ring buffer to whole pages when it opens (`adjust_ringbuf_sz`), others when \
     they create it",
);
static KCONFIG_HOST_ORDER: Class = class(
    "kconfig-host-order",
    Whose::Asking,
    "libbpf stores .kconfig in the byte order of the machine it runs on, here the other one",
);
static KCONFIG_UNREFERENCED: Class = class(
    "kconfig-unreferenced",
    Whose::Nobodys,
    "a value that no instruction reads is not asked for: some cost a probe of the kernel",
);

pub fn instruction(place: &Place<'_>, a: Insn, b: Insn) -> Known {
    if place.is_missing_by_number() {
        return Some(&POISON_NUMBER);
    }
    if b == (Insn { imm: 0, ..a }) && place.is_map_by_number() {
        return Some(&MAP_BY_NUMBER);
    }
    None
}

pub fn reference(place: &Place<'_>) -> Known {
    place.is_map_by_number().then_some(&MAP_BY_NUMBER)
}

pub fn decision(_place: &Place<'_>) -> Known {
    None
}

pub fn lines(_place: &LinePlace<'_>) -> Known {
    None
}

pub fn refusal(error: &str) -> Known {
    cause(
        &[
            (&[ABSENT_TEXT], &TEXT_AS_PROGRAM),
            (&["failed to find BTF for extern"], &EXTERN_WITHOUT_BTF),
            (&["failed to mmap arena"], &ARENA_MAPPED),
            (&["legacy map definitions", "not supported"], &LEGACY_MAPS),
            (&["is static and not supported"], &STATIC_PROGRAM),
            (
                &["map relo failed to find map for section '.maps'"],
                &STALE_OFFSET,
            ),
        ],
        error,
    )
}

pub fn laxity(error: &str) -> Known {
    // The verifier refuses the program then.
    cause(
        &[(
            &["lies outside of the function that jumps"],
            &JUMP_TABLE_UNCHECKED,
        )],
        error,
    )
}

pub fn map_field(
    name: &str,
    (ours, theirs): (&Map, &Map),
    field: Option<usize>,
    big_endian: bool,
) -> Known {
    let number = field.map(|field| Map::FIELDS[field]);
    if number == Some("max_entries") && matches!(ours.kind(), RINGBUF | USER_RINGBUF) {
        return Some(&RINGBUF_ROUNDED);
    }
    if name != ".kconfig" || number.is_some() {
        return None;
    }
    if big_endian && sorted_bytes(ours) == sorted_bytes(theirs) {
        return Some(&KCONFIG_HOST_ORDER);
    }
    ours.initial.is_none().then_some(&KCONFIG_UNREFERENCED)
}

/// What a map holds, in the order of the bytes' values.
fn sorted_bytes(map: &Map) -> Vec<&[u8]> {
    let digits = map.initial.as_deref().unwrap_or_default().as_bytes();
    let mut bytes: Vec<&[u8]> = digits.chunks(2).collect();
    bytes.sort_unstable();
    bytes
}
