//! The whole message that a user sees, for failures of each stage: one line that
//! says which object, program, function, instruction and source line, and why.

mod support;

use bpflink::Target;
use bpflink::link::{Choice, FinalizeOptions, Programs};
use bpflink::target::TargetBuilder;
use support::btf::{BtfBuilder, Order, UNSIGNED, field};
use support::btf_ext::core::*;
use support::elf::*;
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};

/// What the user sees when the file is refused.
fn open_fails(bytes: &[u8]) -> String {
    open(bytes).unwrap_err().to_string()
}

/// What the user sees when the only program fails.
fn link_fails(o: &Obj, target: &Target) -> String {
    failure(&link_for(&opened(&o.build()), target), "entry")
}

/// `entry`: two harmless slots, then `body`, then an exit.
fn with_body(body: &[I]) -> (Obj, support::object::Code) {
    let mut o = Obj::little();
    let all = [&[mov(6, 0), mov(7, 0)][..], body, &[exit()]].concat();
    let code = o.code("socket", &[Fun("entry", GLOBAL, &all)]);
    (o, code)
}

/// Adds `struct task { u32 pid; u32 gone; }` to BTF.
fn task(b: &mut BtfBuilder, pid: u32, gone: Option<u32>) -> u32 {
    let int = b.int("unsigned int", 4, UNSIGNED);
    let mut fields = vec![field("pid", int, pid)];
    fields.extend(gone.map(|at| field("gone", int, at)));
    b.structure("task", 64, &fields)
}

/// A kernel whose `struct task` has its pid at 40 and nothing else.
fn kernel() -> Target {
    let mut b = BtfBuilder::new(Order::Little);
    task(&mut b, 40, None);
    target(&b)
}

#[test]
fn open_what_is_no_bpf_object() {
    assert_eq!(
        open_fails(b"#!/bin/sh\necho no object at all"),
        "test.bpf.o: not an ELF file"
    );
    let (mut o, _) = with_body(&[]);
    o.elf.machine = EM_X86_64;
    assert_eq!(
        open_fails(&o.build()),
        "test.bpf.o: an ELF file for machine 62, not for BPF (247)"
    );
}

#[test]
fn open_a_function_past_the_end() {
    let (mut o, code) = with_body(&[]);
    o.elf.symbol_mut(code.funs[0].0).size = 4096;
    assert_eq!(
        open_fails(&o.build()),
        "test.bpf.o: section socket, symbol entry: the function at offset 0, 4096 bytes, reaches past the 24 bytes of the section"
    );
}

#[test]
fn open_a_section_without_functions() {
    let (mut o, _) = with_body(&[]);
    o.elf.code("kprobe/lonely", bytes(&[exit()], Order::Little));
    assert_eq!(
        open_fails(&o.build()),
        "test.bpf.o: section kprobe/lonely: the section holds instructions, but no function symbol"
    );
}

#[test]
fn open_a_truncated_btf() {
    let (mut o, _) = with_body(&[]);
    o.no_btf = true;
    o.elf
        .section(".BTF", sht::PROGBITS, 0, vec![0x9f, 0xeb, 1, 0]);
    assert_eq!(
        open_fails(&o.build()),
        "test.bpf.o: section .BTF: BTF header truncated: 4 bytes, at least 24 needed"
    );
}

#[test]
fn open_relocations_with_addends() {
    let (mut o, code) = with_body(&[call_fn(-1)]);
    o.elf.rela(code.sec, 16, code.funs[0].0, r_bpf::R64_32, 0);
    assert_eq!(
        open_fails(&o.build()),
        "test.bpf.o: section .relasocket: relocations with addends (SHT_RELA) or packed ones: compilers for BPF write SHT_REL"
    );
}

#[test]
fn open_a_relocation_of_another_instruction() {
    let (mut o, code) = with_body(&[]);
    let maps = o.array_maps(&["counters"]);
    o.load(&code, 1, maps[0]);
    assert_eq!(
        link_fails(&o, &kernel()),
        "test.bpf.o: program entry, instruction 1 (test.bpf.c:1): a relocation for an instruction with opcode 0xb7, which is neither a call nor a 64-bit load"
    );
}

#[test]
fn split_a_repeated_function() {
    let (mut o, code) = with_body(&[]);
    o.function(&mut code.clone(), "entry", GLOBAL, &[exit()]);
    let split = Programs::split(&opened(&o.build()));
    assert_eq!(
        split.unwrap_err().to_string(),
        "test.bpf.o: section socket: the symbol entry is repeated: at instruction 0 and at instruction 3"
    );
}

#[test]
fn choose_a_program_that_does_not_exist() {
    let (o, _) = with_body(&[]);
    let mut set = Programs::split(&opened(&o.build())).unwrap();
    let error = set.flatten(Choice::Named(&["nope".into()])).unwrap_err();
    assert_eq!(error.to_string(), "test.bpf.o: no program named nope");
}

#[test]
fn relocate_a_missing_field_that_must_exist() {
    let (mut o, code) = with_body(&[ldx(W, 1, 6, 4)]);
    let id = task(&mut o.btf, 0, Some(4));
    o.core(&code, 2, id, "0:1", BYTE_OFFSET);
    let mut set = Programs::split(&opened(&o.build())).unwrap();
    let options = bpflink::link::core::CoreOptions {
        poison_is_error: true,
        ..Default::default()
    };
    let error = set.relocate(&kernel(), options, Choice::All).unwrap_err();
    assert_eq!(
        error.to_string(),
        "test.bpf.o: program entry, instruction 2 (test.bpf.c:1): byte offset of struct task.gone: no field gone in struct task [id 2] of vmlinux"
    );
}

#[test]
fn relocate_in_a_callee() {
    let (mut o, code) = with_body(&[call_fn(-1)]);
    let id = task(&mut o.btf, 0, Some(4));
    let text = o.code(
        ".text",
        &[Fun("helper", GLOBAL, &[mov(0, 0), mov_reg(1, 2), exit()])],
    );
    o.core(&text, 1, id, "0:0", BYTE_OFFSET);
    o.call(&code, 2, text.funs[0].0);
    assert_eq!(
        link_fails(&o, &kernel()),
        "test.bpf.o: program entry, function helper, instruction 1 (test.bpf.c:1): byte offset of struct task.pid: opcode 0xbf cannot be relocated: no load, store, ld_imm64 or arithmetic with an immediate"
    );
}

#[test]
fn relocate_an_instruction_that_is_not_what_btf_says() {
    let (mut o, code) = with_body(&[ldx(W, 1, 6, 8)]);
    let id = task(&mut o.btf, 0, Some(4));
    o.core(&code, 2, id, "0:0", BYTE_OFFSET);
    assert_eq!(
        link_fails(&o, &kernel()),
        "test.bpf.o: program entry, instruction 2 (test.bpf.c:1): byte offset of struct task.pid: the instruction has 8, the object's BTF says 0"
    );
}

#[test]
fn relocate_between_two_types_of_one_name() {
    let (mut o, code) = with_body(&[ldx(W, 1, 6, 0)]);
    let id = task(&mut o.btf, 0, None);
    o.core(&code, 2, id, "0:0", BYTE_OFFSET);
    let mut b = BtfBuilder::new(Order::Little);
    task(&mut b, 8, None);
    task(&mut b, 16, None);
    assert_eq!(
        link_fails(&o, &target(&b)),
        "test.bpf.o: program entry, instruction 2 (test.bpf.c:1): byte offset of struct task.pid: ambiguous: struct task [id 2] of vmlinux gives 8 (4 bytes), but struct task [id 4] of vmlinux gives 16 (4 bytes)"
    );
}

#[test]
fn relocate_for_a_kernel_without_btf() {
    let (mut o, code) = with_body(&[ldx(W, 1, 6, 0)]);
    let id = task(&mut o.btf, 0, None);
    o.core(&code, 2, id, "0:0", BYTE_OFFSET);
    let target = TargetBuilder::new().build().unwrap();
    assert_eq!(
        link_fails(&o, &target),
        "test.bpf.o: program entry, instruction 2 (test.bpf.c:1): byte offset of struct task.pid: the target kernel has no BTF"
    );
}

#[test]
fn relocate_with_an_access_string_that_is_none() {
    let (mut o, code) = with_body(&[ldx(W, 1, 6, 0)]);
    let id = task(&mut o.btf, 0, None);
    o.core(&code, 2, id, "0:pid", BYTE_OFFSET);
    assert_eq!(
        link_fails(&o, &kernel()),
        "test.bpf.o: program entry, instruction 2 (test.bpf.c:1): access string \"0:pid\" is no list of indices"
    );
}

#[test]
fn finalize_a_map_that_nobody_created() {
    let (mut o, code) = with_body(&ld64(1, 0, 0, 0));
    let maps = o.array_maps(&["counters"]);
    o.load(&code, 2, maps[0]);
    let error = staged(&opened(&o.build()), &kernel(), &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "test.bpf.o: program entry, instruction 2 (test.bpf.c:1): map counters has no file descriptor"
    );
}

#[test]
fn finalize_a_function_that_nobody_defines() {
    let (mut o, code) = with_body(&[call_fn(-1)]);
    let missing = o.elf.undefined("missing", GLOBAL);
    o.call(&code, 2, missing);
    assert_eq!(
        link_fails(&o, &kernel()),
        "test.bpf.o: program entry, instruction 2 (test.bpf.c:1): undefined symbol missing: no function, map or variable of the object has this name, and its BTF lists it neither in .ksyms nor in .kconfig"
    );
}

#[test]
fn finalize_before_flatten() {
    let (mut o, code) = with_body(&[call_fn(-1)]);
    let text = o.code(".text", &[Fun("helper", GLOBAL, &[exit()])]);
    o.call(&code, 2, text.funs[0].0);
    let mut set = Programs::split(&opened(&o.build())).unwrap();
    let error = set.finalize(&kernel(), FinalizeOptions::default(), Choice::All);
    assert_eq!(
        error.unwrap_err().to_string(),
        "test.bpf.o: program entry, instruction 2 (test.bpf.c:1): reference to function helper, which the program does not contain: it was not flattened"
    );
}

#[test]
fn a_file_that_does_not_exist() {
    let error = bpflink::Object::open("/nonexistent/x.bpf.o").unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read /nonexistent/x.bpf.o: No such file or directory (os error 2)"
    );
}
