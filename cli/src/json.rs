//! One JSON object per line, for machines.

use bpflink::elf::{Map, StructOps};
use bpflink::link::{KernelStructOps, ProgramReference, ProgramRelocation, ReferenceKind};
use bpflink::{Program, Programs};
use serde_json::{Value, json};

const BPF_MAP_TYPE_STRUCT_OPS: u32 = 26;
const BPF_F_LINK: u32 = 1 << 13;

/// The programs in the order of the object, then the maps.
pub fn text(programs: &Programs, lines: bool) -> String {
    let mut text = String::new();
    for program in programs.programs() {
        text += &format!("{}\n", program_value(program, lines));
    }
    for (index, map) in programs.object().maps().iter().enumerate() {
        let contents = programs.map_contents(index);
        text += &format!("{}\n", map_value(map, contents));
    }
    let variables = programs.object().struct_ops().iter();
    for (variable, kernel) in variables.zip(programs.struct_ops()) {
        // One that the kernel does not take makes no map.
        if let Ok(kernel) = kernel {
            text += &format!("{}\n", struct_ops_value(variable, kernel));
        }
    }
    text
}

fn program_value(program: &Program, lines: bool) -> Value {
    let mut value = json!({
        "program": program.name().to_string(),
        "section": program.section().to_string(),
    });
    if let Some(error) = program.error() {
        value["error"] = json!(error.to_string());
        return value;
    }
    let functions = program
        .functions()
        .map(|function| json!({ "name": function.name.to_string(), "insn": function.insn }));
    value["insns"] = json!(program.instructions().len());
    value["bytes"] = json!(hex(program.bytes().unwrap_or_default()));
    value["functions"] = functions.collect();
    value["refs"] = program.references().iter().map(reference_value).collect();
    value["relocations"] = program.relocations().map(relocation_value).collect();
    if lines {
        value["lines"] = program
            .lines()
            .iter()
            .map(|line| {
                json!([
                    line.insn,
                    line.place.line,
                    line.place.column,
                    line.place.file.to_string()
                ])
            })
            .collect();
    }
    value
}

fn reference_value(reference: &ProgramReference) -> Value {
    json!({
        "insn": reference.insn,
        "kind": kind(reference.kind),
        "name": reference.name.to_string(),
        "offset": reference.offset,
        "module": reference.module.to_string(),
    })
}

/// To the kernel a table of indirect jumps is the value of a map.
fn kind(kind: ReferenceKind) -> &'static str {
    match kind {
        ReferenceKind::JumpTable => ReferenceKind::MapValue.name(),
        kind => kind.name(),
    }
}

fn relocation_value(relocation: ProgramRelocation<'_>) -> Value {
    let report = relocation.report;
    json!({
        "insn": relocation.insn,
        "kind": report.kind.name(),
        "local": report.local_text(),
        "target": report.target_text(),
        "outcome": report.outcome.name(),
        "old": report.old,
        "new": report.new,
    })
}

fn map_value(map: &Map, contents: Option<&[u8]>) -> Value {
    let definition = &map.definition;
    let mut value = json!({
        "map": map.name.to_string(),
        "type": definition.map_type,
        "key_size": definition.key_size,
        "value_size": definition.value_size,
        "max_entries": definition.max_entries,
        "flags": definition.flags,
    });
    if let Some(initial) = contents {
        value["initial"] = json!(hex(initial));
    }
    value
}

/// The map that a `struct_ops` variable is registered by.
fn struct_ops_value(variable: &StructOps, kernel: &KernelStructOps) -> Value {
    json!({
        "map": variable.name.to_string(),
        "type": BPF_MAP_TYPE_STRUCT_OPS,
        "key_size": 4,
        "value_size": kernel.value.len(),
        "max_entries": 1,
        "flags": if variable.link { BPF_F_LINK } else { 0 },
        "initial": hex(&kernel.value),
    })
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|&byte| [byte >> 4, byte & 0xf])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}
