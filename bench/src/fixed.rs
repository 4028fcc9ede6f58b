//! Objects that are the same wherever they are built, about as large as those of real tools.

use crate::kernel_like::{Kernel, Numbers, Struct};
use crate::support::btf::{Field, UNSIGNED, field};
use crate::support::btf_ext::core::*;
use crate::support::elf;
use crate::support::insn::*;
use crate::support::object::{Code, Fun, Obj};

/// A tool: programs that read fields of `structs` structs of the kernel, `reads` in all, and
/// use maps and functions of `.text`.
pub fn tool(kernel: &Kernel, seed: u64, structs: u32, reads: u32) -> Vec<u8> {
    let mut numbers = Numbers::new(seed);
    let mut o = Obj::little();
    let maps = o.array_maps(&["events", "start", "counts"]);
    let known: Vec<(u32, &Struct)> = (0..structs)
        .map(|_| &kernel.structs[numbers.below(kernel.structs.len() as u32) as usize])
        .map(|of| (declare(&mut o, of), of))
        .collect();
    let text = helpers(&mut o);
    let programs = 1 + numbers.below(5);
    for p in 0..programs {
        let share = reads / programs + u32::from(p < reads % programs);
        let code = program(&mut o, p, share, &maps, &text);
        for slot in 0..share {
            let (id, of) = known[numbers.below(structs) as usize];
            let m = numbers.below(of.members.len() as u32);
            let kind =
                [BYTE_OFFSET, BYTE_OFFSET, BYTE_OFFSET, FIELD_EXISTS][numbers.below(4) as usize];
            patch(&mut o, &code, slot, kind, of.members[m as usize].offset);
            o.core(&code, slot, id, &format!("0:{m}"), kind);
        }
    }
    o.build()
}

/// The local value stands in the instruction, as the compiler leaves it.
fn patch(o: &mut Obj, code: &Code, slot: u32, kind: u32, offset: u32) {
    let value = if kind == FIELD_EXISTS { 1 } else { offset };
    let at = slot as usize * 8 + 4;
    o.elf.contents(code.sec)[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// The struct as the program's own BTF has it: as the kernel's.
fn declare(o: &mut Obj, of: &Struct) -> u32 {
    let ints: Vec<u32> = of
        .members
        .iter()
        .map(|m| match m.size {
            4 => o.int,
            size => o.btf.int(&format!("u{}", 8 * size), size, UNSIGNED),
        })
        .collect();
    let named = of.members.iter().zip(&ints);
    let fields: Vec<Field<'_>> = named.map(|(m, &id)| field(&m.name, id, m.offset)).collect();
    o.btf
        .structure(&of.name, 8 * of.members.len() as u32, &fields)
}

fn helpers(o: &mut Obj) -> Code {
    let body: Vec<I> = (0..20).map(|i| mov(0, i)).chain([exit()]).collect();
    let functions = ["helper_a", "helper_b"].map(|name| Fun(name, elf::LOCAL, &body));
    o.code(".text", &functions)
}

/// `reads` slots to be patched, then maps, calls, and what tools do besides.
fn program(o: &mut Obj, number: u32, reads: u32, maps: &[elf::Sym], text: &Code) -> Code {
    let mut body: Vec<I> = (0..reads).map(|_| mov(3, 0)).collect();
    let loads = body.len() as u32;
    for _ in maps {
        body.extend(ld64(1, 0, 0, 0));
        body.extend([mov(2, 0), call(1)]);
    }
    let calls = body.len() as u32;
    body.extend(text.funs.iter().map(|_| call_fn(-1)));
    body.extend((0..100).map(|i| add(4, i)));
    body.push(exit());
    let name = format!("program_{number}");
    let code = o.code(&format!("kprobe/{name}"), &[Fun(&name, elf::GLOBAL, &body)]);
    for (i, &map) in (0..).zip(maps) {
        o.load(&code, loads + 4 * i, map);
    }
    for (i, &(function, ..)) in (0..).zip(&text.funs) {
        o.call(&code, calls + i, function);
    }
    code
}
