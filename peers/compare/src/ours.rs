//! What bpflink says of an object, taken from the crate itself.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use bpflink::elf::Binding;
use bpflink::link::ReferenceKind;
use bpflink::{Linker, Object, Program as Linked, Programs};

use crate::insn::Insn;
use crate::output::{Answer, Line, Map, Output, Program, Reference, Relocation};

/// BPF_MAP_TYPE_STRUCT_OPS.
const STRUCT_OPS: u64 = 26;
/// BPF_F_LINK.
const LINK: u64 = 1 << 13;

/// Links all of an object. An error is a defect: no input may make the library panic.
pub fn link(path: &Path, linker: &Linker, big_endian: bool) -> Result<Output, String> {
    let linked = catch_unwind(AssertUnwindSafe(|| {
        let object = Arc::new(Object::open(path)?);
        linker.link(&object)
    }));
    let mut output = Output {
        big_endian,
        ..Output::default()
    };
    match linked.map_err(|_| "bpflink panicked".to_owned())? {
        Ok(programs) => describe(&programs, &mut output)?,
        Err(error) => output.failure = Some(error.to_string()),
    }
    Ok(output)
}

fn describe(programs: &Programs, output: &mut Output) -> Result<(), String> {
    let behind_gap = behind_gaps(programs.object());
    for program in programs.programs() {
        let answer = match program.error() {
            Some(error) => Answer::Failed(error.to_string()),
            None => Answer::Linked(linked(program, output.big_endian, &behind_gap)),
        };
        let section = program.section().to_string();
        output.add(&section, &program.name().to_string(), answer)?;
    }
    for stream in programs.object().streams() {
        let section = stream.section.to_string();
        let statics = stream.symbols.iter();
        let statics = statics.filter(|s| section != ".text" && s.binding == Binding::Local);
        let statics = statics.map(|s| (section.clone(), s.name.to_string()));
        output.statics.extend(statics);
    }
    for (index, map) in programs.object().maps().iter().enumerate() {
        let d = &map.definition;
        let numbers = [d.map_type, d.key_size, d.value_size, d.max_entries, d.flags];
        let contents = programs.map_contents(index).map(hex);
        let map_said = Map::new(numbers.map(u64::from), contents);
        output.maps.insert(map.name.to_string(), map_said);
    }
    let variables = programs.object().struct_ops().iter();
    for (variable, kernel) in variables.zip(programs.struct_ops()) {
        // One that the kernel does not take makes no map.
        let Ok(kernel) = kernel else { continue };
        let flags = if variable.link { LINK } else { 0 };
        let size = kernel.value.len() as u64;
        let map = Map::new([STRUCT_OPS, 4, size, 1, flags], Some(hex(&kernel.value)));
        output.maps.insert(variable.name.to_string(), map);
    }
    Ok(())
}

/// The functions in front of which their section has instructions that no symbol covers:
/// what static linking leaves of an overridden weak function.
fn behind_gaps(object: &Object) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for stream in object.streams() {
        let (mut end, mut gap) = (0, false);
        for symbol in &stream.symbols {
            gap |= symbol.start > end;
            end = end.max(symbol.start.saturating_add(symbol.len.unwrap_or(u32::MAX)));
            if gap {
                names.insert(symbol.name.to_string());
            }
        }
    }
    names
}

fn linked(program: &Linked, big_endian: bool, behind_gap: &BTreeSet<String>) -> Program {
    let slots = program.bytes().unwrap_or_default().as_chunks::<8>().0;
    let decode = |&slot| Insn::decode(slot, big_endian);
    let functions: BTreeMap<usize, String> = program
        .functions()
        .map(|f| (f.insn as usize, f.name.to_string()))
        .collect();
    let behind = functions
        .iter()
        .filter(|(_, name)| behind_gap.contains(*name));
    let behind_gap = behind.map(|(&start, _)| start).collect();
    let references = program.references();
    let references = references.iter().map(|r| {
        // To the kernel a table of indirect jumps is the value of a map.
        let kind = match r.kind {
            ReferenceKind::JumpTable => ReferenceKind::MapValue,
            kind => kind,
        };
        let module = r.module.to_string();
        let reference = Reference {
            kind: kind.name().to_owned(),
            name: r.name.to_string(),
            offset: u64::try_from(r.offset).unwrap_or(0),
            module: (!module.is_empty()).then_some(module),
        };
        (r.insn as usize, reference)
    });
    let relocations = program.relocations().map(|r| {
        let poisoned = r.report.outcome.name() == "poisoned";
        let relocation = Relocation {
            kind: r.report.kind.name().to_owned(),
            poisoned,
            new: if poisoned {
                0
            } else {
                r.report.new.cast_unsigned()
            },
        };
        (r.insn as usize, relocation)
    });
    let lines = program.lines();
    let lines = lines.iter().map(|line| Line {
        insn: line.insn as usize,
        at: (line.place.line, line.place.column),
        file: line.place.file.to_string(),
    });
    Program {
        insns: slots.iter().map(decode).collect(),
        functions,
        refs: references.collect(),
        relocations: relocations.collect(),
        lines: lines.collect(),
        behind_gap,
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|&byte| [byte >> 4, byte & 0xf])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}
