//! Objects with variables of `.struct_ops`, and kernels that have their types.

#![allow(dead_code)] // Every test binary uses another part of it.

use bpflink::Target;
use bpflink::link::{KernelStructOps, Programs};

use super::btf::*;
use super::elf::{GLOBAL as STRONG, r_bpf};
use super::insn::*;
use super::link::*;
use super::object::{Fun, Obj};

/// The types that both sides need.
pub struct Types {
    pub int: u32,
    pub long: u32,
    pub function: u32,
}

pub fn types(b: &mut BtfBuilder) -> Types {
    let int = b.int("int", 4, SIGNED);
    let long = b.int("long long", 8, SIGNED);
    let proto = b.func_proto(int, &[]);
    let function = b.ptr(proto);
    Types {
        int,
        long,
        function,
    }
}

/// `struct ops { int (*init)(); int (*exit)(); int flags; long long extra; }` in the
/// order of the object.
pub fn local_ops(b: &mut BtfBuilder, name: &str) -> u32 {
    let t = types(b);
    let fields = [
        field("init", t.function, 0),
        field("exit", t.function, 8),
        field("flags", t.int, 16),
        field("extra", t.long, 24),
    ];
    b.structure(name, 32, &fields)
}

/// The kernel's: `struct ops { int flags; int (*exit)(); int (*more)(); int (*init)(); }`,
/// 24 bytes into `struct bpf_struct_ops_ops`.
pub struct KernelOps {
    pub ops: u32,
    pub value: u32,
}

pub const DATA: u32 = 24;

pub fn kernel_ops(b: &mut BtfBuilder) -> KernelOps {
    let t = types(b);
    let fields = [
        field("flags", t.int, 0),
        field("exit", t.function, 8),
        field("more", t.function, 16),
        field("init", t.function, 24),
    ];
    kernel_struct(b, "ops", &fields, 32)
}

pub fn kernel_struct(b: &mut BtfBuilder, name: &str, fields: &[Field<'_>], size: u32) -> KernelOps {
    let common = b.structure("bpf_struct_ops_common_value", 16, &[]);
    let ops = b.structure(name, size, fields);
    let fields = [field("common", common, 0), field("data", ops, DATA)];
    let value = b.structure(&format!("bpf_struct_ops_{name}"), DATA + size, &fields);
    KernelOps { ops, value }
}

/// A variable: its section and name, its contents, which function of `struct_ops` each
/// offset holds.
pub struct Variable<'a> {
    pub section: &'a str,
    pub name: &'a str,
    pub contents: Vec<u8>,
    pub functions: &'a [(u64, usize)],
}

pub fn variable<'a>(functions: &'a [(u64, usize)], flags: u8) -> Variable<'a> {
    let mut contents = vec![0; 32];
    contents[16] = flags;
    Variable {
        section: ".struct_ops",
        name: "my_ops",
        contents,
        functions,
    }
}

/// An object with programs `first` and `second` of `struct_ops`, and the variables, each
/// of the type that `make` builds, each in a section of its own.
pub fn object(order: Order, variables: &[Variable<'_>], make: fn(&mut BtfBuilder) -> u32) -> Obj {
    let mut o = Obj::new(order);
    let body = [mov(0, 0), exit()];
    let functions = [Fun("first", STRONG, &body), Fun("second", STRONG, &body)];
    let code = o.code("struct_ops", &functions);
    let ty = make(&mut o.btf);
    for v in variables {
        let size = v.contents.len() as u32;
        let sec = o.elf.data(v.section, v.contents.clone());
        o.elf.object(v.name, STRONG, sec, 0, size.into());
        for &(offset, function) in v.functions {
            o.elf.rel(sec, offset, code.funs[function].0, r_bpf::ABS64);
        }
        let var = o.btf.var(v.name, ty, GLOBAL);
        o.btf.datasec(v.section, size, &[(var, 0, size)]);
    }
    o
}

pub fn plain(b: &mut BtfBuilder) -> u32 {
    local_ops(b, "ops")
}

pub fn link(o: &Obj, target: &Target) -> Programs {
    all_stand(link_for(&opened(&o.build()), target))
}

pub fn only(set: &Programs) -> &KernelStructOps {
    match set.struct_ops() {
        [Ok(kernel)] => kernel,
        other => panic!("one variable: {other:?}"),
    }
}

/// Why variable `number` was refused.
pub fn refused(set: &Programs, number: usize) -> String {
    match &set.struct_ops()[number] {
        Err(error) => error.to_string(),
        Ok(kernel) => panic!("not refused: {kernel:?}"),
    }
}

pub fn attach(set: &Programs, name: &str) -> (u32, Option<u32>, String) {
    let target = program(set, name).attach_target();
    (
        target.btf_id,
        target.member,
        target.problem.unwrap_or_default().to_string(),
    )
}
