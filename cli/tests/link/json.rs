//! `--json` against its contract: names of fields, their order, their values.

use serde_json::Value;

use super::run::{Run, Shown, bpflink};
use super::support::btf::Order;

fn objects(run: &Run) -> Vec<Value> {
    run.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

fn named<'a>(objects: &'a [Value], what: &str, name: &str) -> &'a Value {
    let found = objects.iter().find(|object| object[what] == name);
    found.unwrap_or_else(|| panic!("no {what} {name}"))
}

/// Slot `insn` of a linked program: opcode, registers, offset, immediate.
fn slot(program: &Value, insn: usize) -> (u8, u8, i16, i32) {
    let hex = program["bytes"].as_str().expect("a string");
    let bytes: Vec<u8> = (insn * 16..insn * 16 + 16)
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
        .collect();
    let off = i16::from_le_bytes([bytes[2], bytes[3]]);
    let imm = i32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    (bytes[0], bytes[1], off, imm)
}

const PROGRAM: [&str; 7] = [
    "program",
    "section",
    "insns",
    "bytes",
    "functions",
    "refs",
    "relocations",
];

#[test]
fn fields_stand_in_the_order_of_the_contract() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let run = shown.link(&["--json"]);
    let objects = objects(&run);
    let lines: Vec<(&str, &Value)> = objects
        .iter()
        .map(|object| match object.get("program") {
            Some(name) => ("program", name),
            None => ("map", &object["map"]),
        })
        .collect();
    let expected = [
        ("program", "reads"),
        ("program", "asks"),
        ("program", "module"),
        ("program", "fails"),
        ("map", "counts"),
        ("map", ".rodata"),
        ("map", ".bss"),
    ];
    assert!(
        lines
            .iter()
            .zip(expected)
            .all(|(a, b)| *a.1 == b.1 && a.0 == b.0),
        "{lines:?}"
    );
    assert_eq!(lines.len(), expected.len());

    let reads = named(&objects, "program", "reads");
    assert_eq!(keys(reads), PROGRAM);
    for function in reads["functions"].as_array().expect("an array") {
        assert_eq!(keys(function), ["name", "insn"]);
    }
    for reference in reads["refs"].as_array().expect("an array") {
        assert_eq!(
            keys(reference),
            ["insn", "kind", "name", "offset", "module"]
        );
    }
    for relocation in reads["relocations"].as_array().expect("an array") {
        let expected = ["insn", "kind", "local", "target", "outcome", "old", "new"];
        assert_eq!(keys(relocation), expected);
    }
    let failed = named(&objects, "program", "fails");
    assert_eq!(keys(failed), ["program", "section", "error"]);
    let map = [
        "map",
        "type",
        "key_size",
        "value_size",
        "max_entries",
        "flags",
    ];
    assert_eq!(keys(named(&objects, "map", "counts")), map);
    assert_eq!(keys(named(&objects, "map", ".bss")), map);
    let with_contents: Vec<&str> = map.into_iter().chain(["initial"]).collect();
    assert_eq!(keys(named(&objects, "map", ".rodata")), with_contents);
}

#[test]
fn a_linked_program() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let objects = objects(&shown.link(&["--json"]));
    let reads = named(&objects, "program", "reads");
    assert_eq!(reads["section"], "kprobe/reads");
    let insns = reads["insns"].as_u64().expect("a number") as usize;
    let hex = reads["bytes"].as_str().expect("a string");
    assert_eq!(hex.len(), insns * 16);
    assert!(
        hex.bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    );

    // The entry, then what it calls.
    let functions = reads["functions"].as_array().expect("an array");
    assert_eq!(functions[0]["name"], "reads");
    assert_eq!(functions[0]["insn"], 0);
    assert_eq!(functions[1]["name"], "counted");
    let counted = functions[1]["insn"].as_u64().expect("a number") as usize;

    // The call reaches it: opcode 0x85, source register 1, a distance.
    let call = (0..insns).find(|&insn| slot(reads, insn).0 == 0x85 && slot(reads, insn).1 == 0x10);
    let call = call.expect("a call of a function");
    assert_eq!(call as i32 + 1 + slot(reads, call).3, counted as i32);

    // b moved from 4 to 12; the constant is in `r1 = 12`.
    let relocation = &reads["relocations"][0];
    assert_eq!(relocation["kind"], "byte_off");
    assert_eq!(relocation["local"], "struct thing.b (0:1)");
    assert_eq!(relocation["outcome"], "patched");
    assert_eq!(
        (&relocation["old"], &relocation["new"]),
        (&4.into(), &12.into())
    );
    let target = relocation["target"].as_str().expect("a string");
    assert!(target.contains("struct thing.b"), "{target}");
    let at = relocation["insn"].as_u64().expect("a number") as usize;
    assert_eq!(slot(reads, at).3, 12);
}

#[test]
fn references_stay_for_the_loader() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let objects = objects(&shown.link(&["--json"]));
    let reads = named(&objects, "program", "reads");
    let references = reads["refs"].as_array().expect("an array");
    let shown: Vec<(&str, &str, i64)> = references
        .iter()
        .map(|reference| {
            let text = |key: &str| reference[key].as_str().expect("a string");
            assert_eq!(text("module"), "");
            (
                text("kind"),
                text("name"),
                reference["offset"].as_i64().expect("a number"),
            )
        })
        .collect();
    // In the order of the stream: pad, limit, total; then the callee's map.
    let expected = [
        ("map_value", ".bss", 0),
        ("map_value", ".rodata", 0),
        ("map_value", ".bss", 8),
        ("map_fd", "counts", 0),
    ];
    assert_eq!(shown, expected);
    for reference in references {
        let at = reference["insn"].as_u64().expect("a number") as usize;
        let source = match reference["kind"].as_str() {
            Some("map_fd") => 1,
            _ => 2,
        };
        // An ld_imm64 that waits for a file descriptor, its offset in the second slot.
        let (code, registers, _, imm) = slot(reads, at);
        assert_eq!((code, registers >> 4, imm), (0x18, source, 0));
        assert_eq!(
            i64::from(slot(reads, at + 1).3),
            reference["offset"].as_i64().expect("a number")
        );
    }
}

#[test]
fn what_the_target_lacks() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let objects = objects(&shown.link(&["--json"]));
    let asks = named(&objects, "program", "asks");
    let relocations = asks["relocations"].as_array().expect("an array");
    let of = |kind: &str| {
        let found = relocations
            .iter()
            .find(|relocation| relocation["kind"] == kind);
        let found = found.unwrap_or_else(|| panic!("no {kind}"));
        (
            found["outcome"].as_str().expect("a string"),
            found["new"].as_i64().expect("a number"),
        )
    };
    assert_eq!(of("type_exists"), ("absent", 0));
    assert_eq!(of("byte_off"), ("poisoned", 0));
    assert_eq!(of("type_size"), ("patched", 20));
    let poisoned = relocations.iter().find(|r| r["outcome"] == "poisoned");
    let at = poisoned.expect("it was found before")["insn"]
        .as_u64()
        .expect("a number");
    assert_eq!(slot(asks, at as usize), (0x85, 0, 0, 0x0bad_2310));
}

#[test]
fn a_module_answers_where_vmlinux_cannot() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let objects = objects(&shown.link(&["--json", "--program", "module"]));
    let module = named(&objects, "program", "module");
    assert_eq!(module["section"], "?kprobe/module");
    let relocation = &module["relocations"][0];
    assert_eq!(relocation["new"], 28);
    // By the name that the command line gave it, not the file's.
    let target = relocation["target"].as_str().expect("a string");
    assert!(target.ends_with(" of module modular"), "{target}");
    let programs = objects
        .iter()
        .filter(|object| object.get("program").is_some());
    assert_eq!(programs.count(), 1);
}

#[test]
fn a_kernel_may_stand_in_an_elf_file() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    // The object's own BTF as the kernel's: nothing has moved.
    let object = shown.object.as_str();
    let arguments = [
        "link",
        object,
        "--btf",
        object,
        "--program",
        "reads",
        "--json",
    ];
    let run = bpflink(&arguments);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let relocation = &objects(&run)[0]["relocations"][0];
    assert_eq!(relocation["outcome"], "unchanged");
    assert_eq!(
        (&relocation["old"], &relocation["new"]),
        (&4.into(), &4.into())
    );
}

#[test]
fn a_failed_program_does_not_stop_the_others() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let run = shown.link(&["--json"]);
    assert_eq!(run.status, 1);
    let objects = objects(&run);
    let failed = named(&objects, "program", "fails");
    assert_eq!(failed["section"], "kprobe/fails");
    let error = failed["error"].as_str().expect("a string");
    for part in [
        "shown.bpf.o",
        "program fails",
        "instruction 0",
        "unknown_to_every_kernel",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(run.stderr, format!("bpflink: {error}\n"));
}

#[test]
fn maps() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let objects = objects(&shown.link(&["--json"]));
    let numbers = |name: &str| {
        let map = named(&objects, "map", name);
        let fields = ["type", "key_size", "value_size", "max_entries", "flags"];
        fields.map(|field| map[field].as_u64().expect("a number"))
    };
    assert_eq!(numbers("counts"), [1, 4, 8, 16, 1]);
    // Data sections are arrays of one entry, BPF_F_MMAPABLE; .rodata is BPF_F_RDONLY_PROG too.
    assert_eq!(numbers(".rodata"), [2, 4, 4, 1, 0x480]);
    assert_eq!(numbers(".bss"), [2, 4, 16, 1, 0x400]);
    assert_eq!(named(&objects, "map", ".rodata")["initial"], "04030201");
}

#[test]
fn lines_only_when_asked_for() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let objects = objects(&shown.link(&["--json", "--lines"]));
    let reads = named(&objects, "program", "reads");
    let with_lines: Vec<&str> = PROGRAM.into_iter().chain(["lines"]).collect();
    assert_eq!(keys(reads), with_lines);
    let lines = reads["lines"].as_array().expect("an array");
    let source = include_str!("../bpf/shown.bpf.c");
    let line_of = |text: &str| {
        let found = source.lines().position(|line| line.contains(text));
        found.expect("a line of the source") as u64 + 1
    };
    for line in lines {
        let [insn, number, column, file] = line.as_array().expect("an array").as_slice() else {
            panic!("{line}");
        };
        assert!(insn.as_u64() < reads["insns"].as_u64());
        assert!(number.is_u64() && column.is_u64());
        assert!(
            file.as_str()
                .is_some_and(|file| file.ends_with("shown.bpf.c"))
        );
    }
    assert!(lines.is_sorted_by_key(|line| line[0].as_u64()));
    // The callee's first record is its head.
    let counted = &reads["functions"][1]["insn"];
    let head = lines.iter().find(|line| line[0] == *counted);
    assert_eq!(head.expect("a line")[1], line_of("int counted(u32 key)"));
    assert!(lines.iter().any(|line| line[1] == line_of("pad = 1;")));
}

#[test]
fn a_big_endian_object_stays_big_endian() {
    let (Some(little), Some(big)) = (Shown::new(Order::Little), Shown::new(Order::Big)) else {
        return;
    };
    let arguments = ["--json", "--program", "reads"];
    let (little, big) = (little.link(&arguments), big.link(&arguments));
    assert_eq!((little.status, big.status), (0, 0), "{}", big.stderr);
    let (little, big) = (objects(&little), objects(&big));
    let (little, big) = (&little[0], &big[0]);
    for same in ["insns", "functions", "refs"] {
        assert_eq!(little[same], big[same]);
    }
    // r1 = 12: the register in the other nibble, the immediate the other way round.
    let at = big["relocations"][0]["insn"].as_u64().expect("a number") as usize * 16;
    let hex =
        |program: &Value| program["bytes"].as_str().expect("a string")[at..at + 16].to_owned();
    assert_eq!(&hex(little)[8..], "0c000000");
    assert_eq!(&hex(big)[8..], "0000000c");
    let registers = |hex: &str| (hex[2..3].to_owned(), hex[3..4].to_owned());
    let (high, low) = registers(&hex(little));
    assert_eq!(registers(&hex(big)), (low, high));
}
