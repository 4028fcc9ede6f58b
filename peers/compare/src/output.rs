//! What a linker says of one object: read from the JSON lines that bpflink and the
//! witnesses print, or taken from the crate itself (`ours.rs`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::insn::Insn;

/// What a linker said about one object.
#[derive(Default)]
pub struct Output {
    /// By section and name.
    pub programs: BTreeMap<(String, String), Answer>,
    /// By name.
    pub maps: BTreeMap<String, Map>,
    /// Static functions outside of .text, by section and name; only ours tells them.
    pub statics: BTreeSet<(String, String)>,
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
#[derive(Default)]
pub struct Program {
    /// The final stream, descriptors zero.
    pub insns: Vec<Insn>,
    /// Start and name of each function that func_info lists.
    pub functions: BTreeMap<usize, String>,
    /// By instruction.
    pub refs: BTreeMap<usize, Reference>,
    /// By instruction.
    pub relocations: BTreeMap<usize, Relocation>,
    /// In the order of instructions; none where line info was not asked for.
    pub lines: Vec<Line>,
    /// Starts of functions in front of which their section has instructions that no symbol
    /// covers; only ours tells them.
    pub behind_gap: BTreeSet<usize>,
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

/// Where instructions come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The instruction from which on it holds.
    pub insn: usize,
    /// Line and column.
    pub at: (u32, u32),
    /// The file.
    pub file: String,
}

/// A map, as far as it can be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// `type`, `key_size`, … in the order of [`Map::FIELDS`].
    pub numbers: [u64; 5],
    /// What it holds first, in hex; none where that is nothing but zeros.
    pub initial: Option<String>,
}

impl Map {
    /// What the numbers are called.
    pub const FIELDS: [&str; 5] = ["type", "key_size", "value_size", "max_entries", "flags"];

    /// A map of these numbers, with contents in hex.
    pub fn new(numbers: [u64; 5], initial: Option<String>) -> Self {
        let initial = initial.filter(|hex| hex.bytes().any(|digit| digit != b'0'));
        Self { numbers, initial }
    }

    /// Its type.
    pub fn kind(&self) -> u64 {
        self.numbers[0]
    }
}

/// A line, of whatever kind.
#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    map: Option<Cow<'a, str>>,
    #[serde(borrow)]
    program: Option<Cow<'a, str>>,
    #[serde(borrow)]
    section: Option<Cow<'a, str>>,
    #[serde(borrow)]
    error: Option<Cow<'a, str>>,
    insns: Option<usize>,
    #[serde(borrow)]
    bytes: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    functions: Vec<RawFunction<'a>>,
    #[serde(borrow, default)]
    refs: Vec<RawReference<'a>>,
    #[serde(borrow, default)]
    relocations: Vec<RawRelocation<'a>>,
    #[serde(borrow, default)]
    lines: Vec<(usize, u32, u32, Cow<'a, str>)>,
    #[serde(rename = "type", default)]
    kind: u64,
    #[serde(default)]
    key_size: u64,
    #[serde(default)]
    value_size: u64,
    #[serde(default)]
    max_entries: u64,
    #[serde(default)]
    flags: u64,
    #[serde(borrow)]
    initial: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct RawFunction<'a> {
    insn: usize,
    /// aya may know no name.
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct RawReference<'a> {
    insn: usize,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    offset: u64,
    #[serde(borrow)]
    module: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct RawRelocation<'a> {
    insn: usize,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    outcome: Cow<'a, str>,
    new: Number,
}

/// Signed and unsigned spellings of one 64-bit value are the same.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Number {
    Unsigned(u64),
    Signed(i64),
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
                .line(line)
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

    /// Adds what was said of one program.
    pub fn add(&mut self, section: &str, name: &str, mut answer: Answer) -> Result<(), String> {
        // Where a module's descriptor stands in fd_array is the loader's choice; which
        // module it is, the reference says.
        if let Answer::Linked(program) = &mut answer {
            let calls = program.insns.iter_mut().filter(|insn| insn.is_kfunc_call());
            calls.for_each(|call| call.off = 0);
        }
        // A linker may or may not show that a section is optional.
        let section = section.trim_start_matches('?').to_owned();
        match self.programs.insert((section, name.to_owned()), answer) {
            None => Ok(()),
            Some(_) => Err(format!("program {name} twice")),
        }
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let raw: Raw<'_> = serde_json::from_str(line).map_err(|e| e.to_string())?;
        if let Some(name) = raw.map {
            let numbers = [
                raw.kind,
                raw.key_size,
                raw.value_size,
                raw.max_entries,
                raw.flags,
            ];
            let map = Map::new(numbers, raw.initial.map(Cow::into_owned));
            self.maps.insert(name.into_owned(), map);
            return Ok(());
        }
        let Some(name) = &raw.program else {
            let error = raw.error.ok_or("neither a map, a program nor an error")?;
            self.failure = Some(error.into_owned());
            return Ok(());
        };
        let section = raw.section.as_ref().ok_or("no section")?;
        let answer = match &raw.error {
            Some(error) => Answer::Failed(error.clone().into_owned()),
            None => Answer::Linked(program(&raw, self.big_endian)?),
        };
        self.add(section, name, answer)
    }
}

fn program(raw: &Raw<'_>, big_endian: bool) -> Result<Program, String> {
    let insns = insns(raw.bytes.as_ref().ok_or("no bytes")?, big_endian)?;
    if raw.insns != Some(insns.len()) {
        return Err("insns does not match bytes".to_owned());
    }
    let functions = raw.functions.iter();
    let functions = functions.filter_map(|f| Some((f.insn, f.name.clone()?.into_owned())));
    let mut lines: Vec<Line> = raw.lines.iter().map(line).collect();
    lines.sort_by_key(|line| line.insn);
    Ok(Program {
        insns,
        functions: functions.collect(),
        refs: raw.refs.iter().map(|r| (r.insn, reference(r))).collect(),
        relocations: raw
            .relocations
            .iter()
            .map(|r| (r.insn, relocation(r)))
            .collect(),
        lines,
        behind_gap: BTreeSet::new(),
    })
}

fn line((insn, line, column, file): &(usize, u32, u32, Cow<'_, str>)) -> Line {
    Line {
        insn: *insn,
        at: (*line, *column),
        file: file.clone().into_owned(),
    }
}

fn reference(raw: &RawReference<'_>) -> Reference {
    // vmlinux is no module, however a linker spells that.
    let module = raw.module.as_deref().filter(|name| !name.is_empty());
    Reference {
        kind: raw.kind.clone().into_owned(),
        name: raw.name.clone().into_owned(),
        offset: raw.offset,
        module: module.map(str::to_owned),
    }
}

fn relocation(raw: &RawRelocation<'_>) -> Relocation {
    let poisoned = raw.outcome == "poisoned";
    let new = match raw.new {
        _ if poisoned => 0,
        Number::Unsigned(n) => n,
        Number::Signed(n) => n.cast_unsigned(),
    };
    Relocation {
        kind: raw.kind.clone().into_owned(),
        poisoned,
        new,
    }
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
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Ok(Insn::decode(bytes, big_endian))
}

fn nibble(digit: u8) -> Result<u8, String> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(format!("{digit:#x} is no digit of hex")),
    }
}
