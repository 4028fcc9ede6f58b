//! The listing for people: program by program, function by function.

use std::fmt::Write as _;

use bpflink::elf::Map;
use bpflink::link::core::Outcome;
use bpflink::{Program, Programs};

use crate::loader_text::{attach_line, variable_lines};
use crate::map_type::map_type_name;
use crate::program_text::ProgramText;

/// Every program with its instructions, then the maps.
pub fn text(programs: &Programs, lines: bool) -> String {
    let mut blocks: Vec<String> = programs
        .programs()
        .iter()
        .map(|program| program_block(program, lines))
        .collect();
    let maps = programs.object().maps().iter().enumerate();
    let mut maps: String = maps
        .map(|(index, map)| {
            let contents = programs.map_contents(index);
            map_line(map, contents, programs.map_contents_offset(index))
        })
        .collect();
    maps += &variable_lines(programs);
    if !maps.is_empty() {
        blocks.push(maps);
    }
    blocks.join("\n")
}

fn program_block(program: &Program, lines: bool) -> String {
    let head = format!("{}  {}", program.section(), program.name());
    match program.error() {
        // The reason is among the errors.
        Some(_) => format!("{head}  not linked\n"),
        None => format!(
            "{head}  {}\n{}{}",
            summary(program),
            attach_line(program),
            ProgramText::new(program, lines)
        ),
    }
}

/// `84 instructions, 3 functions, 12 relocations (9 patched, 3 unchanged)`
fn summary(program: &Program) -> String {
    let instructions = program.instructions().len();
    let functions = program.functions().count();
    let relocations = program.relocations().count();
    let mut text = format!(
        "{}, {}, {}",
        counted(instructions, "instruction"),
        counted(functions, "function"),
        counted(relocations, "relocation")
    );
    let outcomes: Vec<String> = [
        Outcome::Patched,
        Outcome::Unchanged,
        Outcome::Absent,
        Outcome::Poisoned,
    ]
    .into_iter()
    .filter_map(|outcome| {
        let of_it = program
            .relocations()
            .filter(|relocation| relocation.report.outcome == outcome);
        let count = of_it.count();
        (count != 0).then(|| format!("{count} {}", outcome.name()))
    })
    .collect();
    if !outcomes.is_empty() {
        text += &format!(" ({})", outcomes.join(", "));
    }
    text
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// `map sockets  hash, key 4, value 16, 10240 entries`
fn map_line(map: &Map, contents: Option<&[u8]>, offset: u64) -> String {
    let definition = &map.definition;
    let mut line = format!("map {}  {}", map.name, map_type_name(definition.map_type));
    let parts = [
        (definition.key_size, "key"),
        (definition.value_size, "value"),
    ];
    for (size, what) in parts.into_iter().filter(|&(size, _)| size != 0) {
        let _ = write!(line, ", {what} {size}");
    }
    match definition.max_entries {
        0 => {}
        1 => line += ", 1 entry",
        entries => {
            let _ = write!(line, ", {entries} entries");
        }
    }
    if definition.flags != 0 {
        let _ = write!(line, ", flags {:#x}", definition.flags);
    }
    if let Some(contents) = contents {
        let _ = write!(line, ", {} of contents", counted(contents.len(), "byte"));
        if offset != 0 {
            let _ = write!(line, " at offset {offset}");
        }
    }
    line + "\n"
}
