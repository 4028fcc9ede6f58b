//! Classes of differences from aya-obj.

use super::{ABSENT_TEXT, Class, Known, LinePlace, Place, Whose, cause, class};
use crate::insn::Insn;
use crate::output::{Map, Output};

/// Map type.
const PROG_ARRAY: u64 = 3;
/// The bits of a load's or store's operation that hold its width.
const SIZE: u8 = 0x18;

static BITFIELD_TOO_WIDE: Class = class(
    "straddling-bitfield",
    Whose::Bug,
    "a bitfield of which no aligned load of eight bytes reads all bits cannot be relocated \
     (libbpf's `bpf_core_calc_field_relo`, E2BIG): the program would read others",
);
pub static MAPS_NOT_TOLD: Class = class(
    "maps-not-told",
    Whose::Asking,
    "the witness prints no maps: aya keeps what the file says",
);
pub static CALLBACK_LEFT_OUT: Class = class(
    "exception-callback-left-out",
    Whose::Lacks,
    "the function that a decl_tag `exception_callback:` names is part of the program \
     (libbpf's `bpf_object__relocate_calls`)",
);
static POISON_NUMBER: Class = class(
    "poison-number",
    Whose::Nobodys,
    "a call of what is missing holds a number that names it in the verifier's log; each linker has its own",
);
static NOT_RESIZED: Class = class(
    "access-not-resized",
    Whose::Bug,
    "a load of a field whose size differs gets the field's size (libbpf's `bpf_core_patch_insn`); \
     to aya every pointer has 8 bytes, whatever the kernel's have",
);
static SECTION_UNKNOWN: Class = class(
    "program-section-unknown",
    Whose::Lacks,
    "the names of program sections are libbpf's (`section_defs`); aya refuses an object for one that it does not know",
);
static KCONFIG: Class = class(
    "kconfig",
    Whose::Lacks,
    "`.kconfig` holds externs that the loader fills; aya takes it for data",
);
static TEXT_AS_PROGRAM: Class = class(
    "text-as-program",
    Whose::Nobodys,
    "functions of .text are programs where no other section has any",
);
static MISSING_TYPE: Class = class(
    "missing-type-refused",
    Whose::Bug,
    "size and id of a type that the kernel lacks are 0 (libbpf's `bpf_core_calc_type_relo`); aya refuses the object",
);
static PROG_ARRAY_VALUES: Class = class(
    "prog-array-values",
    Whose::Lacks,
    "an array of programs may say what it holds first, `__array(values, void (void))`; aya's \
     `parse_btf_map_struct` takes the elements for maps",
);
static JUMP_TABLE: Class = class(
    "jump-table",
    Whose::Lacks,
    "a symbol of `.jumptables` is a table of indirect jumps (libbpf's `create_jt_map`)",
);
static DEAD_BODY: Class = class(
    "overridden-body",
    Whose::Bug,
    "static linking leaves the body of an overridden weak function behind, without a symbol; \
     what other functions of the section call is told by their relocations all the same",
);
static STATIC_MAP: Class = class(
    "static-map",
    Whose::Lacks,
    "a map may be static: a reference by the section and an offset finds it",
);
static TYPE_MATCHES: Class = class(
    "type-matches",
    Whose::Lacks,
    "kind 12 of `enum bpf_core_relo_kind`, BPF_CORE_TYPE_MATCHES",
);
static UNSAFE_SIZE: Class = class(
    "unsafe-size-refused",
    Whose::Bug,
    "an access to a field of another size that is no unsigned integer or pointer is poisoned where it stands \
     (libbpf's `bpf_core_calc_field_relo`, `fail_memsz_adjust`): the program may never get there. aya refuses the object",
);
static STRONG_ANYWHERE: Class = class(
    "object-fails-whole",
    Whose::Lacks,
    "what the kernel or the object lacks fails the programs that refer to it; aya refuses the object",
);
static EXTERN_MAP: Class = class(
    "extern-map",
    Whose::Bug,
    "a map that another object defines is none yet: libbpf refuses it (`bpf_object__init_user_btf_map`), \
     aya makes one of the declaration",
);
static KALLSYMS: Class = class(
    "symbols-of-this-machine",
    Whose::Asking,
    "aya reads the symbols of the running kernel, whichever kernel it links for",
);

pub fn instruction(place: &Place<'_>, a: Insn, b: Insn) -> Known {
    if place.is_missing_by_number() {
        return Some(&POISON_NUMBER);
    }
    let resized = Insn {
        code: a.code & !SIZE | b.code & SIZE,
        ..a
    };
    match place.relocation()? {
        "byte_off" if a.is_memory() && b == resized => Some(&NOT_RESIZED),
        _ => None,
    }
}

pub fn reference(_place: &Place<'_>) -> Known {
    None
}

pub fn lines(_place: &LinePlace<'_>) -> Known {
    None
}

pub fn function_name(_ours: &str, _theirs: &str) -> Known {
    None
}

pub fn refusal(error: &str, ours: &Output) -> Known {
    let prog_array = |map: &Map| map.kind() == PROG_ARRAY;
    if error.contains("unexpected BTF type id") && ours.maps.values().any(prog_array) {
        return Some(&PROG_ARRAY_VALUES);
    }
    cause(
        &[
            (&[ABSENT_TEXT], &TEXT_AS_PROGRAM),
            (&["invalid program section"], &SECTION_UNKNOWN),
            (
                &["Unable to determine the size of section `.kconfig`"],
                &KCONFIG,
            ),
            (&["`TypeIdTarget` missing target"], &MISSING_TYPE),
            (&["`TypeSize` missing target"], &MISSING_TYPE),
            (
                &["section `", "` not found, referenced by symbol `jt"],
                &JUMP_TABLE,
            ),
            // As clang 22 names its own.
            (
                &["section `", "` not found, referenced by symbol `BPF.JT."],
                &JUMP_TABLE,
            ),
            (&["unknown symbol in section", "at address"], &DEAD_BODY),
            (&["error parsing map ``"], &STATIC_MAP),
            (&["invalid BTF relocation kind `12`"], &TYPE_MATCHES),
            (
                &["is invalid: original type", "but target type"],
                &UNSAFE_SIZE,
            ),
            (
                &["kernel function", "not found in kernel BTF"],
                &STRONG_ANYWHERE,
            ),
            (&["kernel variable", "not found"], &STRONG_ANYWHERE),
            (&["extern `", "` not found"], &STRONG_ANYWHERE),
        ],
        error,
    )
}

pub fn laxity(error: &str) -> Known {
    cause(
        &[
            (&["undefined kernel symbol", "are not known"], &KALLSYMS),
            (
                &["cannot be read by one load of 64 bits"],
                &BITFIELD_TOO_WIDE,
            ),
            (&["the map is static or extern"], &EXTERN_MAP),
        ],
        error,
    )
}
