//! aya-obj made to say what it makes of an object, in the form of `bpflink link --json`.
//!
//! `aya-link OBJ|--serve [--btf FILE]`: the steps of aya's `EbpfLoader::load`, in its order, up to
//! the system calls. Map descriptors are numbers that are taken out again.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use aya_obj::btf::{Btf, BtfKind};
use aya_obj::generated::bpf_insn;
use aya_obj::obj::Function;
use aya_obj::{EbpfSectionKind, Object, Program};
use object::{Endianness, Object as _, ObjectSection as _, ObjectSymbol as _};
use serde_json::{Value, json};

/// Where descriptors begin: a number that no other field holds by chance.
const FIRST_FD: i32 = 0x0b1f_0000;
const LD_IMM64: u8 = 0x18;
const PSEUDO_MAP_FD: u8 = 1;
const PSEUDO_MAP_VALUE: u8 = 2;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("aya-link: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all was linked.
fn run() -> Result<bool, String> {
    let options = Options::parse()?;
    let kernel = Btf::parse_file(Path::new(&options.btf), Endianness::default());
    let kernel = kernel.map_err(|error| format!("{}: {}", options.btf, said(error)))?;
    let Some(path) = &options.object else {
        return serve(&kernel, &options).map(|()| true);
    };
    let (text, linked) = answer(path, &kernel, &options);
    print!("{text}");
    Ok(linked)
}

/// Links the objects that stdin names, one a line; after each a line with the status.
fn serve(kernel: &Btf, options: &Options) -> Result<(), String> {
    // What a panic is caught for needs no text on stderr each time.
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = io::stdout().lock();
    for path in io::stdin().lines() {
        let path = path.map_err(said)?;
        let (text, linked) = answer(&path, kernel, options);
        let end = json!({ "end": u8::from(!linked) });
        writeln!(out, "{text}{end}").and_then(|()| out.flush()).map_err(said)?;
    }
    Ok(())
}

/// What is printed of an object, and whether it was linked.
fn answer(path: &str, kernel: &Btf, options: &Options) -> (String, bool) {
    let linked = fs::read(path).map_err(|e| format!("{path}: {e}")).and_then(|bytes| {
        // It panics on objects that it does not expect.
        catch_unwind(AssertUnwindSafe(|| link(&bytes, kernel, options)))
            .unwrap_or_else(|cause| Err(format!("panicked: {}", panic_text(&cause))))
    });
    match linked {
        Ok(text) => (text, true),
        Err(error) => (format!("{}\n", json!({ "error": error })), false),
    }
}

fn panic_text(cause: &(dyn Any + Send)) -> &str {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    text.or(cause.downcast_ref::<&str>().copied()).unwrap_or("?")
}

struct Options {
    /// None to serve.
    object: Option<String>,
    btf: String,
    lines: bool,
}

impl Options {
    fn parse() -> Result<Self, String> {
        const USAGE: &str = "usage: aya-link OBJ|--serve [--btf FILE] [--lines]";
        let mut args = std::env::args().skip(1);
        let (mut object, mut btf, mut lines, mut serve) = (None, None, false, false);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                // Of several the first: it knows no modules.
                "--btf" => btf = btf.or(Some(args.next().ok_or("--btf FILE")?)),
                "--release" | "--kconfig" | "--kallsyms" => drop(args.next()),
                "--lines" => lines = true,
                "--serve" => serve = true,
                _ => object = Some(arg),
            }
        }
        if object.is_some() == serve {
            return Err(USAGE.to_owned());
        }
        let btf = btf.unwrap_or_else(|| "/sys/kernel/btf/vmlinux".to_owned());
        Ok(Self { object, btf, lines })
    }
}

fn link(bytes: &[u8], kernel: &Btf, options: &Options) -> Result<String, String> {
    let mut object = Object::parse(bytes).map_err(said)?;
    object.fixup_and_sanitize_btf(|| Some(|_| true)).map_err(said)?;
    object.relocate_btf(kernel).map_err(said)?;
    object.resolve_externs(Some(kernel)).map_err(said)?;
    let maps: Vec<_> = object.maps.clone().into_iter().collect();
    let text: HashSet<usize> = object.functions.keys().map(|&(section, _)| section).collect();
    let fds = (FIRST_FD..).zip(&maps);
    let fds = fds.map(|(fd, (name, map))| (name.as_str(), fd, map));
    object.relocate_maps(fds, &text).map_err(said)?;
    object.relocate_externs().map_err(said)?;
    object.relocate_calls(&text).map_err(said)?;
    object.sanitize_functions(|| true);
    let names = Names::of(bytes, &maps, object.btf.as_ref())?;
    let mut text = String::new();
    for (name, program) in &object.programs {
        let line = describe(name, program, &object, &names, options.lines)?;
        text.push_str(&format!("{line}\n"));
    }
    Ok(text)
}

fn said(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// What it does not tell: names of sections and of map symbols.
struct Names {
    sections: HashMap<usize, String>,
    maps: Vec<String>,
    /// By their type id.
    functions: HashMap<u32, String>,
    /// Of the object's BTF.
    strings: Vec<u8>,
}

impl Names {
    fn of(
        bytes: &[u8],
        maps: &[(String, aya_obj::Map)],
        btf: Option<&Btf>,
    ) -> Result<Names, String> {
        let file = object::read::File::parse(bytes).map_err(said)?;
        let sections: HashMap<usize, String> = file
            .sections()
            .map(|s| (s.index().0, s.name().unwrap_or_default().to_owned()))
            .collect();
        let name = |(name, map): &(String, aya_obj::Map)| match map.section_kind() {
            // A data section is called as the file calls it.
            EbpfSectionKind::Data | EbpfSectionKind::Rodata | EbpfSectionKind::Bss => {
                sections.get(&map.section_index()).cloned().unwrap_or_default()
            }
            _ => name.clone(),
        };
        let maps = maps.iter().map(name).collect();
        let symbols = file.symbols().filter_map(|symbol| symbol.name().ok());
        let functions = symbols
            .filter_map(|name| Some((id_of(btf?, name)?, name.to_owned())))
            .collect();
        // Line info counts in the strings of the file; those that are added come behind.
        let section = file.section_by_name(".BTF");
        let strings = section.and_then(|section| strings_of(section.data().ok()?)).unwrap_or_default();
        Ok(Names { sections, maps, functions, strings })
    }

    /// The string at an offset of the BTF.
    fn string(&self, offset: u32) -> String {
        let rest = self.strings.get(offset as usize..).unwrap_or_default();
        let text = rest.split(|&byte| byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }
}

/// The strings of BTF, by its header.
fn strings_of(btf: &[u8]) -> Option<Vec<u8>> {
    let word = |at: usize| Some(u32::from_le_bytes(btf.get(at..at + 4)?.try_into().ok()?) as usize);
    let (header, offset, len) = (word(4)?, word(16)?, word(20)?);
    Some(btf.get(header + offset..header + offset + len)?.to_vec())
}

fn id_of(btf: &Btf, function: &str) -> Option<u32> {
    btf.id_by_type_name_kind(function, BtfKind::Func).ok()
}

fn describe(
    name: &str,
    program: &Program,
    object: &Object,
    names: &Names,
    lines: bool,
) -> Result<Value, String> {
    let function = object
        .functions
        .get(&program.function_key())
        .ok_or_else(|| format!("program {name} has no function"))?;
    let mut insns = function.instructions.clone();
    let refs = take_descriptors(&mut insns, &names.maps);
    let mut value = json!({
        "program": name,
        "section": names.sections.get(&program.section_index),
        "insns": insns.len(),
        "bytes": hex(&insns),
        "functions": functions(function, &names.functions),
        "refs": refs,
        "relocations": [],
    });
    if lines {
        let infos = function.line_info.line_info.iter();
        value["lines"] = infos
            .map(|info| {
                // As BTF packs them.
                let (line, column) = (info.line_col >> 10, info.line_col & 0x3ff);
                json!([info.insn_off, line, column, names.string(info.file_name_off)])
            })
            .collect();
    }
    Ok(value)
}

/// The maps that instructions refer to; their descriptors become 0.
fn take_descriptors(insns: &mut [bpf_insn], maps: &[String]) -> Vec<Value> {
    let mut refs = Vec::new();
    let mut at = 0;
    while let Some(insn) = insns.get(at).copied() {
        let wide = insn.code == LD_IMM64;
        let kind = match insn.src_reg() {
            PSEUDO_MAP_FD => "map_fd",
            PSEUDO_MAP_VALUE => "map_value",
            _ => "",
        };
        let map = usize::try_from(insn.imm.wrapping_sub(FIRST_FD)).ok();
        if wide && !kind.is_empty() && let Some(name) = map.and_then(|map| maps.get(map)) {
            let offset = insns.get(at + 1).map_or(0, |second| second.imm as u32);
            let offset = if kind == "map_value" { offset } else { 0 };
            refs.push(json!({ "insn": at, "kind": kind, "name": name, "offset": offset, "module": "" }));
            insns[at].imm = 0;
        }
        at += if wide { 2 } else { 1 };
    }
    refs
}

/// The functions that func_info lists.
fn functions(function: &Function, names: &HashMap<u32, String>) -> Vec<Value> {
    let infos = function.func_info.func_info.iter();
    infos
        .map(|info| json!({ "name": names.get(&info.type_id), "insn": info.insn_off }))
        .collect()
}

fn hex(insns: &[bpf_insn]) -> String {
    let mut text = String::with_capacity(insns.len() * 16);
    for insn in insns {
        let regs = insn.dst_reg() | insn.src_reg() << 4;
        let [o0, o1] = insn.off.to_le_bytes();
        let [i0, i1, i2, i3] = insn.imm.to_le_bytes();
        for byte in [insn.code, regs, o0, o1, i0, i1, i2, i3] {
            text.push_str(&format!("{byte:02x}"));
        }
    }
    text
}
