//! Differences that were traced to their cause, one by one, in another linker.
//!
//! Each is recognised at the instruction where it shows and counted under its
//! name. Everything else in the program is compared all the same.

use serde_json::Value;

use crate::insn::{CORE_POISON, Insn};
use crate::output::{Output, Program, Reference};

/// Map flag: userspace may map it.
const BPF_F_MMAPABLE: u64 = 1024;
/// Map types.
const PERF_EVENT_ARRAY: u64 = 4;
const STRUCT_OPS: u64 = 26;
const RINGBUF: u64 = 27;
const USER_RINGBUF: u64 = 31;

/// The bits of a load's or store's operation that hold its width.
const SIZE: u8 = 0x18;

/// The name of one: for others a function of .text is never a program.
pub const TEXT_ONLY: &str = "text-as-program";

/// A map by a number that the code itself holds: to a witness, which asks the instruction and
/// not the relocations, it is a map without a name, and the number none of the program's.
const MAP_BY_NUMBER: &str = "map-by-number";

/// Which linker the second output comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    /// libbpf.
    Libbpf,
    /// cilium/ebpf.
    Cilium,
    /// aya-obj.
    Aya,
}

/// The same place in two streams.
pub struct Place<'a> {
    /// The reference output: bpflink's, or libbpf's against cilium.
    pub ours: &'a Program,
    /// The witness's.
    pub theirs: &'a Program,
    /// Instruction in ours.
    pub a: usize,
    /// Instruction in theirs.
    pub b: usize,
}

impl Place<'_> {
    fn insns(&self) -> Option<(Insn, Insn)> {
        Some((
            *self.ours.insns.get(self.a)?,
            *self.theirs.insns.get(self.b)?,
        ))
    }

    /// The kind of the CO-RE relocation there, if ours tells.
    fn relocation(&self) -> Option<&str> {
        self.ours.relocations.get(&self.a).map(|r| r.kind.as_str())
    }

    /// A map that only the witness takes the number in an instruction for.
    fn is_map_by_number(&self) -> bool {
        let nameless = |r: &Reference| r.kind == "map_fd" && matches!(r.name.as_str(), "" | "?");
        !self.ours.refs.contains_key(&self.a) && self.theirs.refs.get(&self.b).is_some_and(nameless)
    }

    fn references(&self) -> Option<(&Reference, &Reference)> {
        Some((self.ours.refs.get(&self.a)?, self.theirs.refs.get(&self.b)?))
    }

    /// The second slot of an `ld_imm64` that takes a function's address: the
    /// distance is 32 bits wide, cilium extends the sign of a backward one.
    fn after_function_address(&self) -> bool {
        let before = self.a.checked_sub(1).and_then(|i| self.ours.insns.get(i));
        before.is_some_and(|insn| insn.is_ld_imm64() && insn.is_local())
    }

    /// The second slot of an `ld_imm64` that refers to a map's value.
    fn inside_value(&self) -> Option<(&Reference, &Reference)> {
        let ours = self.ours.refs.get(&self.a.checked_sub(1)?)?;
        let theirs = self.theirs.refs.get(&self.b.checked_sub(1)?)?;
        (ours.kind == "map_value" && ours.kind == theirs.kind && ours.name == theirs.name)
            .then_some((ours, theirs))
    }
}

/// The name of the known difference at this place, or none.
pub fn instruction(witness: Witness, place: &Place<'_>) -> Option<&'static str> {
    let (a, b) = place.insns()?;
    // Numbers tell the verifier's log what was missing; they name table entries.
    // Ours is one number for all that is missing, a weak kernel function too.
    let missing = a.is_poison() && place.relocation().is_none();
    if missing && b.is_poison() && !b.is_core_poison() {
        return Some("poison-number");
    }
    if b == (Insn { imm: 0, ..a }) && place.is_map_by_number() {
        return Some(MAP_BY_NUMBER);
    }
    match witness {
        Witness::Libbpf => None,
        Witness::Cilium => cilium(place, a, b),
        Witness::Aya => None,
    }
}

fn cilium(place: &Place<'_>, a: Insn, b: Insn) -> Option<&'static str> {
    if a.is_alu() && a.off != 0 && b == (Insn { off: b.off, ..a }) {
        return Some("alu-offset-lost");
    }
    if a.is_ld_imm64() && a.src == 3 && b == (Insn { src: 0, ..a }) {
        return Some("kfunc-address-without-btf-id");
    }
    let flavoured = |r: &Reference| r.name.contains("___");
    let flavoured = place.ours.refs.get(&place.a).is_some_and(flavoured);
    let unresolved = Insn {
        src: 0,
        imm: 0,
        ..a
    };
    if flavoured && (b.is_poison() || a.is_ld_imm64() && a.src == 3 && b == unresolved) {
        return Some("kfunc-flavour-kept");
    }
    if a.imm == 0 && b == (Insn { imm: -1, ..a }) && place.after_function_address() {
        return Some("function-address-sign");
    }
    if place
        .inside_value()
        .is_some_and(|(r, _)| r.name == ".kconfig")
    {
        return Some("kconfig-layout");
    }
    if cilium_wide_poison(place) {
        return Some("wide-poison");
    }
    match place.relocation()? {
        "local_type_id" if Insn { imm: b.imm, ..a } == b => Some("local-type-id"),
        "local_type_id" if a.is_poison() == b.is_poison() => Some("local-type-id"),
        "type_size" | "target_type_id"
            if a.imm == 0 && (b.is_core_poison() || b.is_ld_imm64() && b.imm == CORE_POISON) =>
        {
            Some("missing-type-poisoned")
        }
        "byte_off"
            if a.is_memory()
                && b == (Insn {
                    code: a.code & !SIZE | b.code & SIZE,
                    ..a
                }) =>
        {
            Some("access-not-resized")
        }
        // A bitfield matched by a plain field, a signed field of another size.
        "byte_off" | "byte_sz" | "lshift_u64" | "rshift_u64"
            if a.is_core_poison() && !b.is_core_poison() =>
        {
            Some("unsafe-size-patched")
        }
        _ => None,
    }
}

/// libbpf poisons both slots with a call each; cilium loads the number into r10.
fn cilium_wide_poison(place: &Place<'_>) -> bool {
    let first = |a: usize, b: usize| -> Option<bool> {
        let ours = place.ours.insns.get(a)?;
        let theirs = place.theirs.insns.get(b)?;
        Some(ours.is_core_poison() && theirs.is_ld_imm64() && theirs.imm == CORE_POISON)
    };
    let second = || first(place.a.checked_sub(1)?, place.b.checked_sub(1)?);
    first(place.a, place.b) == Some(true) || second() == Some(true)
}

/// The name of the known difference between the references at this place.
pub fn reference(witness: Witness, place: &Place<'_>) -> Option<&'static str> {
    if place.is_map_by_number() {
        return Some(MAP_BY_NUMBER);
    }
    let (a, b) = place.references()?;
    let same_map = a.kind == b.kind && a.name == b.name;
    if witness == Witness::Cilium && same_map && a.name == ".kconfig" {
        return Some("kconfig-layout");
    }
    None
}

/// A function that nothing in the stream calls and the witness left out.
pub fn missing_function(witness: Witness) -> Option<&'static str> {
    (witness == Witness::Cilium).then_some("exception-callback-left-out")
}

/// Why a witness refused a program that bpflink links, where the cause is known.
pub fn refusal(witness: Witness, error: &str) -> Option<&'static str> {
    if error == TEXT_ONLY {
        return Some(TEXT_ONLY);
    }
    if witness != Witness::Cilium {
        return None;
    }
    let causes = [
        ("kfunc", "incompatible", "kfunc-prototype"),
        (".ksyms", "to be *Void", "typed-ksym-variable"),
        ("kfunc", "not supported", "kfunc-missing-or-flavoured"),
        ("", "missing symbol", "poison-loses-symbol"),
        ("", "is missing from", "poison-loses-symbol"),
        ("", "multiple possible targets", "ambiguous"),
    ];
    let known =
        |&&(one, other, _): &&(&str, &str, &str)| error.contains(one) && error.contains(other);
    causes.iter().find(known).map(|&(_, _, name)| name)
}

/// Why a witness links a program that ours refuses, where the cause is known.
pub fn laxity(witness: Witness, error: &str) -> Option<&'static str> {
    // The cilium witness leaves the values of .kconfig open: they are no part
    // of the stream, so it never misses one.
    let kconfig = ["LINUX_", "CONFIG_", ".kconfig"]
        .iter()
        .any(|word| error.contains(word));
    match witness {
        Witness::Cilium if kconfig => Some("kconfig-left-open"),
        // cilium keeps what follows a definition of libbpf's old form, for others to read.
        Witness::Cilium if error.contains("more than the 20 bytes") => {
            Some("map-definition-longer")
        }
        // The verifier refuses the program then.
        Witness::Libbpf if error.contains("lies outside of the function that jumps") => {
            Some("jump-table-unchecked")
        }
        _ => None,
    }
}

/// The name of the known difference in one field of a map.
pub fn map_field(
    witness: Witness,
    ours: &Value,
    theirs: &Value,
    field: &str,
    big_endian: bool,
) -> Option<&'static str> {
    let kind = ours["type"].as_u64();
    let (a, b) = (ours[field].as_u64(), theirs[field].as_u64());
    // libbpf rounds to whole pages when it opens, others when they create.
    if field == "max_entries" && matches!(kind, Some(RINGBUF | USER_RINGBUF)) {
        return Some("ringbuf-rounded");
    }
    // libbpf stores the values of .kconfig in the byte order of the machine it runs
    // on, as it is the object's wherever it loads anything.
    let kconfig = ours["map"] == ".kconfig" && field == "initial";
    if witness == Witness::Libbpf && kconfig && big_endian {
        let reordered = sorted_bytes(&ours[field]) == sorted_bytes(&theirs[field]);
        return reordered.then_some("kconfig-host-order");
    }
    // Ours asks for no value that no instruction reads: some cost a probe of the kernel.
    if witness == Witness::Libbpf && kconfig && ours[field].is_null() {
        return Some("kconfig-unreferenced");
    }
    if witness != Witness::Cilium {
        return None;
    }
    match (field, kind) {
        // Decided when the map is created.
        ("flags", _) if is_data(ours) && a == b.map(|b| b | BPF_F_MMAPABLE) => {
            Some("map-mmapable-later")
        }
        ("value_size" | "key_size" | "max_entries", Some(PERF_EVENT_ARRAY)) => {
            Some("perf-array-sizes")
        }
        // Before the program's numbers are in it, it is no map's contents yet.
        ("initial", Some(STRUCT_OPS)) => Some("struct-ops-contents"),
        _ => None,
    }
}

/// The bytes of a string of hex in order of their values.
fn sorted_bytes(hex: &Value) -> Vec<&[u8]> {
    let digits = hex.as_str().unwrap_or_default().as_bytes();
    let mut bytes: Vec<&[u8]> = digits.chunks(2).collect();
    bytes.sort_unstable();
    bytes
}

/// A map that is a section of the object.
fn is_data(map: &Value) -> bool {
    map["map"]
        .as_str()
        .is_some_and(|name| name.starts_with('.'))
}

/// A map that only ours lists.
pub fn map_missing(witness: Witness, name: &str, theirs: &Output) -> Option<&'static str> {
    match witness {
        Witness::Libbpf => None,
        Witness::Cilium if name == ".kconfig" => Some("kconfig-left-open"),
        Witness::Cilium if name.starts_with('.') && !theirs.refers_to(name) => {
            Some("unreferenced-data-dropped")
        }
        Witness::Cilium => None,
        // It tells of no maps that a loader could not ask the file for.
        Witness::Aya => Some("maps-not-told"),
    }
}

/// A map that only the witness lists.
pub fn map_unlisted(witness: Witness, theirs: &Value) -> Option<&'static str> {
    // Without the kernel's type a variable of struct_ops has no layout, so no value: not a map yet.
    // cilium asks for the type when it creates the map; where it is known, both list it.
    let struct_ops = theirs["type"].as_u64() == Some(STRUCT_OPS);
    (witness == Witness::Cilium && struct_ops).then_some("struct-ops-without-type")
}
