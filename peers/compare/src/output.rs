//! The JSON lines that bpflink and the witnesses print, read back.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::insn::Insn;

/// What a linker said about one object.
#[derive(Default)]
pub struct Output {
    /// By section and name.
    pub programs: BTreeMap<(String, String), Answer>,
    /// By name.
    pub maps: BTreeMap<String, Value>,
    /// The object's byte order.
    pub big_endian: bool,
    /// The object as a whole failed.
    pub failure: Option<String>,
}

/// A program as linked, or why it was not.
pub enum Answer {
    /// It linked.
    Linked(Program),
    /// It did not.
    Failed(String),
}

/// A linked program.
pub struct Program {
    /// The final stream, descriptors zero.
    pub insns: Vec<Insn>,
    /// Start and name of each function that func_info lists.
    pub functions: BTreeMap<usize, String>,
    /// By instruction.
    pub refs: BTreeMap<usize, Reference>,
    /// By instruction.
    pub relocations: BTreeMap<usize, Relocation>,
}

/// A name that an instruction stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// `map_fd`, `kfunc`, …
    pub kind: String,
    /// The symbol or section.
    pub name: String,
    /// Offset into a map's value.
    pub offset: u64,
    /// The module that has the symbol.
    pub module: Option<String>,
}

/// A CO-RE relocation, as far as linkers agree on describing one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// `byte_off`, …
    pub kind: String,
    /// It made the instruction invalid.
    pub poisoned: bool,
    /// The value, where it did not.
    pub new: u64,
}

impl Output {
    /// Reads JSON lines; `big_endian` is the object's byte order.
    pub fn parse(text: &str, big_endian: bool) -> Result<Self, String> {
        let mut output = Self {
            big_endian,
            ..Self::default()
        };
        for (number, line) in text.lines().enumerate() {
            output
                .line(line, big_endian)
                .map_err(|e| format!("line {}: {e}", number + 1))?;
        }
        Ok(output)
    }

    /// Is there any linked program?
    pub fn links_any(&self) -> bool {
        self.programs
            .values()
            .any(|answer| matches!(answer, Answer::Linked(_)))
    }

    /// Does any linked program name this map?
    pub fn refers_to(&self, map: &str) -> bool {
        self.programs.values().any(|answer| match answer {
            Answer::Linked(program) => program.refs.values().any(|r| r.name == map),
            Answer::Failed(_) => false,
        })
    }

    fn line(&mut self, line: &str, big_endian: bool) -> Result<(), String> {
        let value: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
        if let Some(name) = value["map"].as_str() {
            self.maps.insert(name.to_owned(), value);
            return Ok(());
        }
        let error = value["error"].as_str();
        let Some(name) = value["program"].as_str() else {
            let error = error.ok_or("neither a map, a program nor an error")?;
            self.failure = Some(error.to_owned());
            return Ok(());
        };
        // A linker may or may not show that a section is optional.
        let section = text(&value, "section")?.trim_start_matches('?').to_owned();
        let key = (section, name.to_owned());
        let answer = match error {
            Some(error) => Answer::Failed(error.to_owned()),
            None => Answer::Linked(program(&value, big_endian)?),
        };
        match self.programs.insert(key, answer) {
            None => Ok(()),
            Some(_) => Err(format!("program {name} twice")),
        }
    }
}

fn text(value: &Value, field: &str) -> Result<String, String> {
    value[field]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("no {field}"))
}

fn number(value: &Value, field: &str) -> Result<usize, String> {
    let n = value[field]
        .as_u64()
        .ok_or_else(|| format!("no number {field}"))?;
    usize::try_from(n).map_err(|e| e.to_string())
}

/// The elements of an array that may be absent.
fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

fn program(value: &Value, big_endian: bool) -> Result<Program, String> {
    let insns = insns(&text(value, "bytes")?, big_endian)?;
    if number(value, "insns")? != insns.len() {
        return Err("insns does not match bytes".to_owned());
    }
    let mut program = Program {
        insns,
        functions: BTreeMap::new(),
        refs: BTreeMap::new(),
        relocations: BTreeMap::new(),
    };
    for f in list(value, "functions") {
        program
            .functions
            .insert(number(f, "insn")?, text(f, "name")?);
    }
    for r in list(value, "refs") {
        program.refs.insert(number(r, "insn")?, reference(r)?);
    }
    for r in list(value, "relocations") {
        program
            .relocations
            .insert(number(r, "insn")?, relocation(r)?);
    }
    Ok(program)
}

fn reference(value: &Value) -> Result<Reference, String> {
    // vmlinux is no module, however a linker spells that.
    let module = value["module"].as_str();
    Ok(Reference {
        kind: text(value, "kind")?,
        name: text(value, "name")?,
        offset: value["offset"].as_u64().unwrap_or(0),
        module: module.filter(|name| !name.is_empty()).map(str::to_owned),
    })
}

fn relocation(value: &Value) -> Result<Relocation, String> {
    let poisoned = text(value, "outcome")? == "poisoned";
    let new = &value["new"];
    // Signed and unsigned spellings of one 64-bit value are the same.
    let new = new
        .as_u64()
        .or_else(|| new.as_i64().map(i64::cast_unsigned))
        .unwrap_or(0);
    Ok(Relocation {
        kind: text(value, "kind")?,
        poisoned,
        new: if poisoned { 0 } else { new },
    })
}

fn insns(hex: &str, big_endian: bool) -> Result<Vec<Insn>, String> {
    let digits = hex.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(16) {
        return Err(format!(
            "{} hex digits are no whole instructions",
            digits.len()
        ));
    }
    digits
        .chunks_exact(16)
        .map(|chunk| slot(chunk, big_endian))
        .collect()
}

fn slot(digits: &[u8], big_endian: bool) -> Result<Insn, String> {
    let mut bytes = [0u8; 8];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|e| e.to_string())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|e| format!("{pair:?}: {e}"))?;
    }
    Ok(Insn::decode(bytes, big_endian))
}
