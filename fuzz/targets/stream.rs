//! Instructions that never were an ELF file, with all that may be said of them, linked for the types
//! that they are about. The first bytes say how many there are of each thing, the last ones are BTF.
#![no_main]

use std::sync::Arc;

use bpflink::btf::Btf;
use bpflink::bytes::Endian;
use bpflink::elf::{
    AttachSpec, Binding, CoreRelocation, InfoTable, Map, MapDefinition, MapOrigin, ProgramType,
    RawReference, RawStream, Symbol,
};
use bpflink::{Object, Target};
use bpflink_fuzz::link;
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 8] = [
    "main",
    "sub",
    "map",
    ".data",
    "CONFIG_HZ",
    "LINUX_KERNEL_VERSION",
    "bpf_throw",
    "absent",
];
const SECTIONS: [&str; 8] = [
    "socket",
    "tc",
    "fentry/sub",
    "fmod_ret/absent",
    "struct_ops/ops",
    "kprobe/absent",
    "?lsm/absent",
    "xdp.frags",
];

/// What is left to read; zeros when nothing is.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take<const LEN: usize>(&mut self) -> [u8; LEN] {
        let mut taken = [0; LEN];
        let (now, rest) = self.0.split_at(self.0.len().min(LEN));
        taken[..now.len()].copy_from_slice(now);
        self.0 = rest;
        taken
    }

    fn several<T>(&mut self, count: u8, make: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..count).map(|_| make(self)).collect()
    }
}

fn one_of<'a>(names: &[&'a str; 8], number: u8) -> &'a str {
    names[usize::from(number) % names.len()]
}

fn symbol(input: &mut Input<'_>) -> Symbol {
    let [name, start, len, flags] = input.take();
    Symbol {
        name: one_of(&NAMES, name).into(),
        start: start.into(),
        len: (len > 0).then_some(len.into()),
        binding: [Binding::Global, Binding::Local, Binding::Weak][usize::from(flags) % 3],
        hidden: flags & 0x40 != 0,
        entry: flags & 0x80 == 0,
    }
}

fn reference(input: &mut Input<'_>) -> RawReference {
    let [insn, name, low, high] = input.take();
    RawReference {
        insn: insn.into(),
        name: one_of(&NAMES, name).into(),
        addend: i16::from_le_bytes([low, high]).into(),
    }
}

fn relocation(input: &mut Input<'_>) -> CoreRelocation {
    let [insn, kind, low, high, access @ ..] = input.take::<8>();
    CoreRelocation {
        insn: insn.into(),
        type_id: u16::from_le_bytes([low, high]).into(),
        access: u32::from_le_bytes(access),
        kind: kind.into(),
        record: 0,
    }
}

fn info(input: &mut Input<'_>, count: u8, size: usize) -> InfoTable {
    let records = input.several(count, |input| (input.take::<1>(), input.take::<16>()));
    let records = records.iter();
    InfoTable::new(
        size,
        records.map(|([insn], raw)| ((*insn).into(), &raw[..size])),
    )
}

fn map(name: &str, origin: MapOrigin, initial: Option<Vec<u8>>) -> Map {
    Map {
        name: name.into(),
        section: name.into(),
        origin,
        definition: MapDefinition::default(),
        initial,
        weak: false,
        hidden: false,
    }
}

fn stream(input: &mut Input<'_>) -> Option<RawStream> {
    let [
        flags,
        section,
        slots,
        symbols,
        references,
        relocations,
        lines,
    ] = input.take();
    let endian = match flags & 1 {
        0 => Endian::Little,
        _ => Endian::Big,
    };
    let insns = input.several(slots % 64, |input| input.take::<8>());
    let mut raw = RawStream::from_bytes("fuzzed", endian, insns.as_flattened()).ok()?;
    raw.symbols = input.several(symbols % 8, symbol);
    raw.references = input.several(references % 16, reference);
    raw.core_relocations = input.several(relocations % 16, relocation);
    raw.func_info = info(input, symbols % 8, 8);
    raw.line_info = info(input, lines % 16, 16);
    let section = one_of(&SECTIONS, section).as_bytes();
    raw.program_type = ProgramType::of_section(section);
    raw.attach = AttachSpec::of_section(section);
    raw.license = Some("GPL".into());
    raw.maps = vec![
        map("map", MapOrigin::Btf, None),
        map(".data", MapOrigin::Data, Some(vec![0; 16])),
    ];
    raw.btf = Btf::parse(input.0.to_vec(), None).ok().map(Arc::new);
    Some(raw)
}

fuzz_target!(|bytes: &[u8]| {
    let Some(raw) = stream(&mut Input(bytes)) else {
        return;
    };
    let own = raw.btf.clone().map(Target::from_btf);
    if let Ok(object) = Object::from_insns(raw).map(Arc::new) {
        link(&object, &own.unwrap_or_else(Target::running));
    }
});
