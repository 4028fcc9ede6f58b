//! The disassembler against llvm-objdump, an independent witness: the same
//! operation, registers, offsets and immediates for every instruction.

mod corpus;
#[path = "../src/disasm/mod.rs"]
mod disasm;
#[path = "../../tests/support/skip.rs"]
mod skip;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use bpflink::bytes::Endian;
use bpflink::insn::opcode::*;
use bpflink::insn::{Insn, decode_stream, encode_stream};

/// Operands as llvm-objdump prints them, which knows nothing of the program.
struct Raw;

impl disasm::Operands for Raw {
    fn jump(&self, distance: i32) -> String {
        format!("{distance:+}")
    }

    fn call(&self, insn: Insn) -> String {
        insn.imm.to_string()
    }

    fn wide(&self, _: Insn, value: u64) -> String {
        (value as i64).to_string()
    }
}

/// One line of llvm-objdump: the instruction's bytes, and its text.
struct Line {
    insns: Vec<Insn>,
    text: String,
}

/// The first of these programs that can be run and whose `--version` names what it
/// must know.
fn tool(names: &[&str], knows: &str) -> Option<String> {
    let found = names.iter().find(|name| {
        let version = Command::new(name).arg("--version").output();
        version.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains(knows))
    });
    if found.is_none() {
        skip::skip(names[0]);
    }
    found.map(|&name| name.to_owned())
}

fn objdump() -> Option<String> {
    // Texts changed with the versions; the one below is meant.
    tool(&["llvm-objdump-19"], "bpfel")
}

fn dump(objdump: &str, object: &Path, endian: Endian) -> Vec<Line> {
    let out = Command::new(objdump)
        .args([
            "-d",
            "--disassemble-zeroes",
            "--no-print-imm-hex",
            "--mcpu=v4",
        ])
        .arg(object)
        .output()
        .expect("llvm-objdump ran a moment ago");
    assert!(out.status.success(), "{out:?}");
    let text = String::from_utf8(out.stdout).expect("text");
    text.lines()
        .filter_map(|line| parse(line, endian))
        .collect()
}

/// `       3:\t05 00 01 00 00 00 00 00\tgoto +1 <f+0x28>`
fn parse(line: &str, endian: Endian) -> Option<Line> {
    let mut fields = line.splitn(3, '\t');
    let slot = fields.next()?.trim().strip_suffix(':')?;
    slot.parse::<u32>().ok()?;
    let bytes: Option<Vec<u8>> = fields
        .next()?
        .split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).ok())
        .collect();
    let text = fields.next()?.trim();
    let text = match text.rsplit_once(" <") {
        Some((text, label)) if label.ends_with('>') => text,
        _ => text,
    };
    Some(Line {
        insns: decode_stream(&bytes?, endian)?,
        text: text.to_owned(),
    })
}

fn ours(insns: &[Insn]) -> String {
    disasm::disassemble(insns, &Raw).expect("not empty").text
}

/// What LLVM 19 does not know, or knows less of.
fn is_newer(insn: Insn) -> bool {
    let ordered = matches!(insn.imm, 0x100 | 0x110);
    match insn.code {
        // gotox
        0x0d => true,
        code if code & (CLASS_MASK | MODE_MASK) == STX | MODE_ATOMIC => ordered,
        _ => false,
    }
}

/// Every opcode with values in all the fields that it uses; reserved ones are 0.
fn every_instruction() -> Vec<Insn> {
    let mut all = Vec::new();
    for code in 0..=u8::MAX {
        let by_register = code & SRC_REG != 0;
        let (srcs, offs, imms): (&[u8], &[i16], &[i32]) = match code & CLASS_MASK {
            ALU | ALU64 if code & OP_MASK == OP_END => (&[0], &[0], &[16, 32, 64, 8, 0]),
            ALU | ALU64 if by_register => (&[0, 3, 10], &[0, 1, 8, 16, 32, 2], &[0, 0x1_0002]),
            ALU | ALU64 if code & OP_MASK == 0x80 => (&[0], &[0], &[0]),
            ALU | ALU64 => (&[0], &[0, 1], &[0, 7, -1, i32::MIN, i32::MAX]),
            JMP if code == CALL => (&[0, 1, 2], &[0], &[0, 7, -1, i32::MAX, 0x0bad_2310]),
            JMP if code == EXIT => (&[0], &[0], &[0]),
            JMP | JMP32 if code & OP_MASK == 0xe0 => (&[0], &[0, 5, -4], &[0]),
            JMP | JMP32 if by_register => (&[0, 3], &[0, 5, -4, i16::MAX, i16::MIN], &[0]),
            JMP | JMP32 => (&[0], &[0, 5, -4, i16::MIN], &[0, 7, -1, i32::MIN]),
            LD if code == LD_IMM64 => (&[0], &[0], &[0, 7, -1, i32::MIN]),
            LD => (&[0, 3], &[0], &[0]),
            ST => (
                &[0],
                &[0, 8, -16, i16::MAX, i16::MIN],
                &[0, 7, -1, i32::MIN],
            ),
            STX if code & MODE_MASK == MODE_ATOMIC => (&[0, 3], &[0, 8, -16], ATOMICS),
            _ => (&[0, 10], &[0, 8, -16, i16::MAX, i16::MIN], &[0]),
        };
        for (&src, &off, &imm) in srcs
            .iter()
            .flat_map(|src| offs.iter().map(move |off| (src, off)))
            .flat_map(|(src, off)| imms.iter().map(move |imm| (src, off, imm)))
        {
            all.push(Insn::new(code, 2, src, off, imm));
            if code == LD_IMM64 {
                all.push(Insn::new(0, 0, 0, 0, imm ^ 0x55));
            }
        }
    }
    all
}

const ATOMICS: &[i32] = &[
    0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1, 0x100, 0x110, 0xe0, 0x10,
];

/// An object whose `.text` is these bytes.
fn assemble(clang: &str, name: &str, insns: &[Insn], endian: Endian) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = directory.join(format!("{name}.s"));
    let mut text = String::from(".text\n");
    for slot in encode_stream(insns, endian).chunks(8) {
        let bytes: Vec<String> = slot.iter().map(u8::to_string).collect();
        writeln!(text, ".byte {}", bytes.join(",")).expect("memory");
    }
    std::fs::write(&source, text).expect("the build directory can be written");
    let object = source.with_extension("o");
    let target = match endian {
        Endian::Little => "bpfel",
        Endian::Big => "bpfeb",
    };
    let status = Command::new(clang)
        .args(["-target", target, "-c", "-o"])
        .args([&object, &source])
        .status();
    assert!(status.is_ok_and(|status| status.success()), "{clang}");
    object
}

#[test]
fn every_instruction_reads_as_llvm_reads_it() {
    let clang = tool(&["clang-19", "clang"], "clang");
    let (Some(objdump), Some(clang)) = (objdump(), clang) else {
        return;
    };
    for endian in [Endian::Little, Endian::Big] {
        let insns = every_instruction();
        let object = assemble(&clang, &format!("every-{endian:?}"), &insns, endian);
        let mut known = BTreeSet::new();
        let mut wrong = String::new();
        let lines = dump(&objdump, &object, endian);
        let slots: usize = lines.iter().map(|line| line.insns.len()).sum();
        assert_eq!(slots, insns.len(), "llvm-objdump left out instructions");
        for line in lines {
            let first = line.insns[0];
            let ours = ours(&line.insns);
            if is_newer(first) {
                continue;
            }
            let agree = match line.text.as_str() {
                "<unknown>" => ours.starts_with("unknown instruction"),
                text => {
                    known.insert(first.code);
                    ours == text
                }
            };
            if !agree {
                writeln!(wrong, "{first:?}: {} / {ours}", line.text).expect("memory");
            }
        }
        assert!(wrong.is_empty(), "{endian:?}: LLVM / ours:\n{wrong}");
        // 46 operations of arithmetic, 46 of jumps, 22 of memory at least.
        assert!(known.len() > 110, "{endian:?}: LLVM knew {known:x?} only");
    }
}

#[test]
fn what_llvm_19_does_not_know() {
    let text = |code, imm| ours(&[Insn::new(code, 1, 2, -8, imm)]);
    assert_eq!(
        text(STX | MODE_ATOMIC | SIZE_DW, 0x100),
        "r1 = load_acquire((u64 *)(r2 - 8))"
    );
    assert_eq!(
        text(STX | MODE_ATOMIC | SIZE_B, 0x100),
        "w1 = load_acquire((u8 *)(r2 - 8))"
    );
    assert_eq!(
        text(STX | MODE_ATOMIC | SIZE_H, 0x110),
        "store_release((u16 *)(r1 - 8), w2)"
    );
    assert_eq!(text(0x0d, 0), "gotox r1");
}

#[test]
fn a_cut_wide_load_is_no_instruction() {
    let first = Insn::new(LD_IMM64, 1, 0, 0, 5);
    assert!(ours(&[first]).starts_with("unknown instruction: code 0x18, dst 1"));
    // The second slot holds another instruction.
    let text = disasm::disassemble(&[first, Insn::new(EXIT, 0, 0, 0, 0)], &Raw);
    assert_eq!(text.map(|text| text.slots), Some(1));
}

#[test]
fn helpers_have_the_names_of_linux_bpf_h() {
    // Numbers of the uapi header, far apart.
    let name = disasm::helper_name;
    assert_eq!(name(1).as_deref(), Some("bpf_map_lookup_elem"));
    assert_eq!(name(14).as_deref(), Some("bpf_get_current_pid_tgid"));
    assert_eq!(name(113).as_deref(), Some("bpf_probe_read_kernel"));
    assert_eq!(name(181).as_deref(), Some("bpf_loop"));
    assert_eq!(name(211).as_deref(), Some("bpf_cgrp_storage_delete"));
    assert_eq!(name(212), None);
    assert_eq!(name(-1), None);
}

#[test]
fn real_programs_read_as_llvm_reads_them() {
    let Some(objdump) = objdump() else { return };
    for (variant, endian) in [
        ("libbpf-tools", Endian::Little),
        ("libbpf-tools-v4", Endian::Little),
        ("libbpf-tools-eb", Endian::Big),
    ] {
        let objects = corpus::objects(variant);
        if objects.is_empty() {
            skip::skip(&format!("the objects of corpus/libbpf_tools.py, {variant}"));
            continue;
        }
        let mut compared = 0;
        for object in objects {
            for line in dump(&objdump, &object, endian) {
                assert_eq!(ours(&line.insns), line.text, "{object:?} {:?}", line.insns);
                compared += 1;
            }
        }
        assert!(compared > 10_000, "{variant}: {compared} instructions only");
    }
}
