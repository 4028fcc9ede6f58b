//! Objects of any size in one dimension, each with the BTF of the kernel that it is linked for.

use crate::support::btf::*;
use crate::support::btf_ext::core::BYTE_OFFSET;
use crate::support::elf;
use crate::support::insn::*;
use crate::support::object::{Fun, Obj};

/// An object and the kernel's BTF.
pub type Pair = (Vec<u8>, Vec<u8>);

/// A case, what grows, and its full size.
pub struct Case {
    pub name: &'static str,
    pub says: &'static str,
    pub full: u32,
    pub build: fn(u32) -> Pair,
}

pub const CASES: [Case; 5] = [
    Case {
        name: "programs",
        says: "programs with ten relocations each",
        full: 10_000,
        build: programs,
    },
    Case {
        name: "functions",
        says: "functions that one program reaches",
        full: 5000,
        build: functions,
    },
    Case {
        name: "sharing",
        says: "programs that share 1,000 functions",
        full: 1000,
        build: sharing,
    },
    Case {
        name: "members",
        says: "members of one struct, every 60th read",
        full: 60_000,
        build: members,
    },
    Case {
        name: "nesting",
        says: "structs inside each other, read 300 times",
        full: 60,
        build: nesting,
    },
];

fn names(prefix: &str, count: u32) -> Vec<String> {
    (0..count).map(|i| format!("{prefix}{i}")).collect()
}

fn bare() -> Vec<u8> {
    let mut b = BtfBuilder::new(Order::Little);
    b.int("unrelated", 4, UNSIGNED);
    b.build()
}

/// Structs of 20 fields, of the program and of the kernel; the kernel's have a field more.
fn structs(b: &mut BtfBuilder, int: u32, count: u32, before: u32) -> Vec<u32> {
    let fields = names("field", 20);
    let define = |name: &String| {
        let first = field("added", int, 0);
        let rest = (0..)
            .zip(&fields)
            .map(|(i, n)| field(n, int, 4 * (i + before)));
        let all: Vec<Field<'_>> = (0..before).map(|_| first).chain(rest).collect();
        b.structure(name, 4 * (20 + before), &all)
    };
    names("type", count).iter().map(define).collect()
}

fn programs(count: u32) -> Pair {
    const READS: u32 = 10;
    let mut o = Obj::little();
    let int = o.int;
    let roots = structs(&mut o.btf, int, 100, 0);
    let names = names("program", count);
    let reads = |i: u32| (0..READS).map(move |r| ((7 * i + r) % 100, (i + r) % 20));
    let bodies: Vec<Vec<I>> = (0..count)
        .map(|i| {
            reads(i)
                .map(|(_, m)| mov(1, 4 * m as i32))
                .chain([mov(0, 0), exit()])
                .collect()
        })
        .collect();
    let functions: Vec<Fun<'_>> = names
        .iter()
        .zip(&bodies)
        .map(|(name, body)| Fun(name, elf::GLOBAL, body))
        .collect();
    let code = o.code("socket", &functions);
    for (i, &(_, start, _)) in (0..).zip(&code.funs) {
        for (r, (root, member)) in (0..).zip(reads(i)) {
            o.core(
                &code,
                start + r,
                roots[root as usize],
                &format!("0:{member}"),
                BYTE_OFFSET,
            );
        }
    }
    let mut kernel = BtfBuilder::new(Order::Little);
    let int = kernel.int("int", 4, SIGNED);
    structs(&mut kernel, int, 100, 1);
    (o.build(), kernel.build())
}

fn calling(count: u32, entries: u32) -> Pair {
    let mut o = Obj::little();
    let functions = names("function", count);
    let bodies: Vec<[I; 2]> = (0..count).map(|i| [mov(0, i as i32), exit()]).collect();
    let functions: Vec<Fun<'_>> = functions
        .iter()
        .zip(&bodies)
        .map(|(n, body)| Fun(n, elf::GLOBAL, body))
        .collect();
    let text = o.code(".text", &functions);
    let body: Vec<I> = (0..count).map(|_| call_fn(-1)).chain([exit()]).collect();
    let entries = names("entry", entries);
    let entries: Vec<Fun<'_>> = entries.iter().map(|n| Fun(n, elf::GLOBAL, &body)).collect();
    let code = o.code("socket", &entries);
    for &(_, start, _) in &code.funs {
        for (slot, &(function, ..)) in (start..).zip(&text.funs) {
            o.call(&code, slot, function);
        }
    }
    (o.build(), bare())
}

fn functions(count: u32) -> Pair {
    calling(count, 1)
}

fn sharing(count: u32) -> Pair {
    calling(1000, count)
}

fn members(count: u32) -> Pair {
    let names = names("member", count);
    let make = |b: &mut BtfBuilder, int: u32, before: u32| {
        let fields = (0..)
            .zip(&names)
            .map(|(i, n)| field(n, int, 4 * (i + before)));
        let fields: Vec<Field<'_>> = fields.collect();
        b.structure("large", 4 * (count + before), &fields)
    };
    let mut o = Obj::little();
    let int = o.int;
    let root = make(&mut o.btf, int, 0);
    let read: Vec<u32> = (0..count).step_by(60).collect();
    let body: Vec<I> = read
        .iter()
        .map(|&m| mov(1, 4 * m as i32))
        .chain([exit()])
        .collect();
    let code = o.code("socket", &[Fun("entry", elf::GLOBAL, &body)]);
    for (slot, m) in (0..).zip(&read) {
        o.core(&code, slot, root, &format!("0:{m}"), BYTE_OFFSET);
    }
    let mut kernel = BtfBuilder::new(Order::Little);
    let int = kernel.int("int", 4, SIGNED);
    make(&mut kernel, int, 1);
    (o.build(), kernel.build())
}

fn nesting(depth: u32) -> Pair {
    const ROOTS: u32 = 300;
    let make = |b: &mut BtfBuilder, int: u32, before: u32| -> Vec<u32> {
        let root = |r: u32| {
            let innermost = b.structure(&format!("deep{r}_0"), 8, &[field("x", int, 0)]);
            (1..depth).fold(innermost, |inner, d| {
                let fields = [field("x", int, 0), field("inner", inner, 8 + before)];
                b.structure(&format!("deep{r}_{d}"), 8 + (8 + before) * d, &fields)
            })
        };
        (0..ROOTS).map(root).collect()
    };
    let mut o = Obj::little();
    let int = o.int;
    let roots = make(&mut o.btf, int, 0);
    let value = 8 * (depth - 1) as i32;
    let body: Vec<I> = roots
        .iter()
        .map(|_| mov(1, value))
        .chain([exit()])
        .collect();
    let code = o.code("socket", &[Fun("entry", elf::GLOBAL, &body)]);
    let access = format!("0{}:0", ":1".repeat(depth as usize - 1));
    for (slot, &root) in (0..).zip(&roots) {
        o.core(&code, slot, root, &access, BYTE_OFFSET);
    }
    let mut kernel = BtfBuilder::new(Order::Little);
    let int = kernel.int("int", 4, SIGNED);
    make(&mut kernel, int, 8);
    (o.build(), kernel.build())
}
