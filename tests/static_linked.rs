//! Objects that `bpftool gen object` made of several files: overridden weak functions,
//! statics of one name, definitions in one file that the other one declares, merged
//! sections, and records that still belong to the right instructions.

#[path = "support/running.rs"]
mod running;
mod support;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use bpflink::elf::Stream;
use bpflink::link::Linker;
use bpflink::{Object, Target};
use running::{Loaded, NATIVE, linked_for, may_load};
use support::clang::compile;
use support::link::*;
use support::skip::skip;

/// `tests/bpf/NAME.bpf.c` of each name, linked into one object in that order.
fn link_files(names: &[&str]) -> Option<Arc<Object>> {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    // A folder of its own for each thread: tests run at once.
    let thread = std::thread::current().id();
    let directory = directory.join(format!("linked-{thread:?}-{}", names.join("-")));
    std::fs::create_dir_all(&directory).unwrap();
    let mut files = Vec::new();
    for name in names {
        let file = directory.join(format!("{name}.o"));
        std::fs::write(&file, compile(name, NATIVE, &["-mcpu=v3"])?).unwrap();
        files.push(file);
    }
    let linked = directory.join("linked.o");
    let bpftool = Command::new("bpftool")
        .args(["gen", "object"])
        .arg(&linked)
        .args(&files)
        .output();
    let Ok(out) = bpftool else {
        skip("bpftool");
        return None;
    };
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "bpftool gen object: {errors}");
    Some(opened(&std::fs::read(&linked).unwrap()))
}

/// The stream of a section.
fn section<'a>(object: &'a Object, name: &str) -> &'a Stream {
    let mut streams = object.streams().iter();
    streams.find(|stream| stream.section == *name).unwrap()
}

/// The lines of a source file of `tests/bpf`, by the path that a record has.
fn source(path: &str) -> (String, Vec<String>) {
    let name = path.rsplit('/').next().unwrap().to_owned();
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/bpf")
        .join(&name);
    let text = std::fs::read_to_string(file).unwrap();
    (name, text.lines().map(str::to_owned).collect())
}

/// The lines of a function's definition.
fn body(file: &str, name: &str) -> Vec<String> {
    let (_, lines) = source(file);
    let starts = |line: &String| line.contains(&format!(" {name}(")) && !line.ends_with(';');
    let from = lines.into_iter().skip_while(|line| !starts(line));
    let body: Vec<String> = from.take_while(|line| line != "}").collect();
    assert!(body.len() > 1, "{name} is defined in {file}");
    body
}

/// File and text of the source lines of a function, which the file must confirm.
fn lines_of(
    object: &Object,
    stream: &Stream,
    slots: std::ops::Range<u32>,
) -> Vec<(String, String)> {
    let btf = object.btf().unwrap();
    let word = |raw: &[u8], at| object.endian().u32_at(raw, at).unwrap();
    let text =
        |raw: &[u8], at| String::from_utf8(btf.string(word(raw, at)).unwrap().to_vec()).unwrap();
    let records = stream.line_info.within(slots);
    let lines = records.filter_map(|(_, raw)| {
        let number = (word(raw, 12) >> 10) as usize;
        let (file, lines) = source(&text(raw, 4));
        let line = lines.get(number.checked_sub(1)?)?;
        assert_eq!(text(raw, 8), *line, "line {number} of {file}");
        Some((file, line.clone()))
    });
    lines.collect()
}

/// The body of the weak function has no symbol any more, and every record behind the gap
/// still belongs to its function.
#[test]
fn records_behind_a_dead_body_belong_to_their_functions() {
    let Some(object) = link_files(&["linked_a", "linked_b"]) else {
        return;
    };
    let text = section(&object, ".text");
    let covered: u32 = text.symbols.iter().filter_map(|symbol| symbol.len).sum();
    assert!(text.symbols[0].start != 0 && covered < text.insns.len() as u32);
    let mut files = Vec::new();
    for symbol in &text.symbols {
        let name = symbol.name.to_string();
        let slots = symbol.start..symbol.start + symbol.len.unwrap();
        let lines = lines_of(&object, text, slots.clone());
        let (file, _) = &lines[0];
        let body = body(file, &name);
        for (other, line) in &lines {
            assert!(
                other == file && body.contains(line),
                "{name}: {line} of {other}"
            );
        }
        files.push((name.clone(), file.as_str().replace(".bpf.c", "")));
        let func = text.func_info.within(slots.start..slots.start + 1).next();
        let func = object.endian().u32_at(func.unwrap().1, 4).unwrap();
        let func = object.btf().unwrap().type_by_id(func).unwrap();
        assert_eq!(func.name().unwrap(), name.as_bytes());
    }
    let of_a = [("same", "linked_a")];
    let of_b = [
        "overridden",
        "unchecked",
        "defined_in_b",
        "same",
        "version_of_b",
        "stored_in_b",
    ];
    let of_b = of_b.map(|name| (name, "linked_b"));
    let expected = of_a
        .iter()
        .chain(&of_b)
        .map(|&(n, f)| (n.to_owned(), f.to_owned()));
    assert_eq!(files, expected.collect::<Vec<_>>());
}

/// Each CO-RE record changes the instruction of the function that asks.
#[test]
fn relocations_behind_a_dead_body_belong_to_their_functions() {
    let Some(object) = link_files(&["linked_a", "linked_b"]) else {
        return;
    };
    let target = Target::running();
    if target.vmlinux().is_err() {
        return skip("BTF of the running kernel");
    }
    let set = all_stand(Linker::new(&target).link(&object).unwrap());
    let functions = functions(&set, "from_a");
    let within = |insn: u32| {
        let before = functions.iter().filter(|(_, start)| *start <= insn);
        before.max_by_key(|(_, start)| *start).unwrap().0.as_str()
    };
    let relocations = program(&set, "from_a").relocations();
    let mut found: Vec<(&str, String, i64)> = relocations
        .map(|r| (within(r.insn), r.report.local_text(), r.report.new))
        .collect();
    found.sort();
    let [first, second] = &found[..] else {
        panic!("two relocations, none of the dead body: {found:?}")
    };
    assert_eq!((first.0, first.2), ("defined_in_b", 1));
    assert!(first.1.contains("struct task_struct.pid"), "{}", first.1);
    assert_eq!((second.0, second.2), ("same", 0));
    assert!(second.1.contains("struct absent"), "{}", second.1);
}

/// What one file declares and the other one defines is neither extern nor there twice.
#[test]
fn sections_are_merged_and_declarations_are_resolved() {
    for files in [["linked_a", "linked_b"], ["linked_b", "linked_a"]] {
        let Some(object) = link_files(&files) else {
            return;
        };
        let mut externs: Vec<String> = object
            .externs()
            .iter()
            .map(|e| e.name.to_string())
            .collect();
        externs.sort();
        let expected = [
            "CONFIG_BPFLINK_KNOWS_NOTHING_OF_IT",
            "LINUX_KERNEL_VERSION",
            "bpf_rcu_read_lock",
            "bpf_rcu_read_unlock",
        ];
        assert_eq!(externs, expected);
        let sizes = object.maps().iter().map(|map| {
            (
                map.name.to_string(),
                map.definition.value_size,
                map.definition.max_entries,
            )
        });
        let mut sizes: Vec<_> = sizes.collect();
        sizes.sort();
        // One byte and eight, aligned: a gap between them, or none behind them.
        let data = if files[0] == "linked_a" { 16 } else { 9 };
        let sizes: Vec<_> = sizes.iter().map(|(n, v, m)| (n.as_str(), *v, *m)).collect();
        let expected = [
            (".bss", 8, 1),
            (".data", data, 1),
            (".kconfig", 8, 1),
            ("own_map", 8, 4),
            ("shared_map", 8, 4),
        ];
        assert_eq!(sizes, expected);
    }
}

#[test]
fn the_running_kernel_runs_what_was_linked() {
    for files in [["linked_a", "linked_b"], ["linked_b", "linked_a"]] {
        let Some(object) = link_files(&files) else {
            return;
        };
        if !may_load() {
            return;
        }
        let loaded: Loaded = linked_for(&object, &Target::running()).unwrap();
        // As the comments in the sources add it up.
        let sum = 2000 + (10 + 1) + (20 + 1 + 100) + 300 + 3 + 10_000;
        assert_eq!(loaded.run("from_a"), Ok(sum + 7000));
        assert_eq!(loaded.run("from_b"), Ok(2000 + 300 + (20 + 2)));
        let number = |map| u64::from_ne_bytes(loaded.maps.value(map, 2).try_into().unwrap());
        assert_eq!(number("own_map"), sum.into());
        assert_eq!(number("shared_map"), 7000);
    }
}
