//! Large and odd objects: many of everything, one dimension at a time. What takes
//! quadratic time or memory is found here: each must end within ten seconds, and
//! none may ask for memory out of proportion.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use support::btf::*;
use support::btf_ext::core::*;
use support::elf::{self, WEAK};
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};
use support::time::bounded;

/// Counts what is allocated at a time.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every call on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(now, Relaxed);
        // SAFETY: the caller's promises are those that System wants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: `at` came from System.alloc above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One at a time, so that what they allocate is told apart.
static ALONE: Mutex<()> = Mutex::new(());

const GLOBAL: u8 = elf::GLOBAL;
const MANY: u32 = 30_000;
const EXIT: I = exit();

/// Opens and links within ten seconds and `megabytes`; the error, where there is one.
#[track_caller]
fn within(megabytes: usize, bytes: Vec<u8>, kernel: BtfBuilder) -> Option<String> {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    PEAK.store(NOW.load(Relaxed), Relaxed);
    let before = NOW.load(Relaxed);
    let error = bounded(move || {
        let object = match open(&bytes) {
            Ok(object) => object,
            Err(error) => return Some(error.to_string()),
        };
        match bpflink::Linker::new(&target(&kernel)).link(&object) {
            Ok(set) => set
                .programs()
                .iter()
                .find_map(|p| Some(p.error()?.to_string())),
            Err(error) => Some(error.to_string()),
        }
    });
    let peak = (PEAK.load(Relaxed) - before) >> 20;
    assert!(peak < megabytes, "{peak} MiB at a time");
    error
}

/// A kernel without anything.
fn bare() -> BtfBuilder {
    let mut b = BtfBuilder::new(Order::Little);
    b.int("unrelated", 4, UNSIGNED);
    b
}

fn names(prefix: &str, count: u32) -> Vec<String> {
    (0..count).map(|i| format!("{prefix}{i}")).collect()
}

/// One program that calls many functions.
#[test]
fn many_functions() {
    let mut o = Obj::little();
    let names = names("f", MANY);
    let functions: Vec<Fun<'_>> = names.iter().map(|n| Fun(n, elf::LOCAL, &[EXIT])).collect();
    let text = o.code(".text", &functions);
    let body: Vec<I> = (0..MANY).map(|_| call_fn(-1)).chain([exit()]).collect();
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &body)]);
    for (slot, (sym, ..)) in (0..).zip(&text.funs) {
        o.call(&entry, slot, *sym);
    }
    assert_eq!(within(128, o.build(), bare()), None);
}

/// Many configuration values, in a configuration as long.
#[test]
fn many_configuration_values() {
    let mut o = Obj::little();
    let bool = o.btf.int("_Bool", 1, BOOL);
    let names = names("CONFIG_", MANY);
    let vars = names
        .iter()
        .map(|name| (o.btf.var(name, bool, EXTERN), 0, 0));
    let vars: Vec<_> = vars.collect();
    o.btf.datasec(".kconfig", 0, &vars);
    let symbols: Vec<_> = names
        .iter()
        .map(|name| o.elf.undefined(name, GLOBAL))
        .collect();
    let code = o.code(
        "socket",
        &[Fun(
            "entry",
            GLOBAL,
            &[ld64(1, 0, 0, 0).to_vec(), vec![exit()]].concat(),
        )],
    );
    o.load(&code, 0, symbols[0]);
    let text: String = names
        .iter()
        .rev()
        .map(|name| format!("{name}=y\n"))
        .collect();
    let target = bpflink::target::TargetBuilder::new().kconfig(text);
    let (bytes, target) = (o.build(), target.build().unwrap());
    bounded(move || {
        let set = all_stand(link_for(&opened(&bytes), &target));
        assert_eq!(set.map_contents(0), Some(&[1u8; MANY as usize][..]));
    });
}

/// Many programs that are names of one function.
#[test]
fn many_aliases() {
    let mut o = Obj::little();
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &[exit()])]);
    for name in names("alias", MANY) {
        o.elf.func(&name, GLOBAL, entry.sec, 0, 8);
    }
    assert_eq!(within(128, o.build(), bare()), None);
}

/// Many programs, each of which calls the next: every one would get a copy of all
/// that follow.
#[test]
fn a_chain_of_programs() {
    let mut o = Obj::little();
    o.no_btf = true;
    let names = names("f", MANY);
    let (body, last) = ([call_fn(1), exit()], [mov(0, 0), exit()]);
    let mut functions: Vec<Fun<'_>> = names.iter().map(|n| Fun(n, GLOBAL, &body)).collect();
    functions.push(Fun("last", GLOBAL, &last));
    o.code("socket", &functions);
    let error = within(768, o.build(), bare()).expect("that is more than memory is given for");
    assert!(
        error.contains("program f") && error.contains("512 MiB"),
        "{error}"
    );
}

/// Many names of one large function: each would get a copy.
#[test]
fn aliases_of_a_large_function() {
    let mut o = Obj::little();
    o.no_btf = true;
    let body = vec![mov(0, 0); MANY as usize];
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &body)]);
    for name in names("alias", MANY) {
        o.elf.func(&name, GLOBAL, entry.sec, 0, u64::from(MANY) * 8);
    }
    let error = within(768, o.build(), bare()).expect("that is more than memory is given for");
    assert!(error.contains("512 MiB"), "{error}");
}

/// Many undefined symbols.
#[test]
fn many_externs() {
    let mut o = Obj::little();
    let body: Vec<I> = (0..MANY).map(|_| call_fn(-1)).chain([exit()]).collect();
    let entry = o.code("kprobe/x", &[Fun("entry", GLOBAL, &body)]);
    let mut vars = Vec::new();
    for (slot, name) in (0..).zip(names("kfunc", MANY)) {
        let (sym, id) = o.kfunc(&name, WEAK);
        vars.push((id, 0, 0));
        o.call(&entry, slot, sym);
    }
    o.btf.datasec(".ksyms", 0, &vars);
    assert_eq!(within(128, o.build(), bare()), None);
}

/// Many maps.
#[test]
fn many_maps() {
    let mut o = Obj::little();
    let names = names("map", MANY);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let maps = o.array_maps(&names);
    let body: Vec<I> = maps
        .iter()
        .flat_map(|_| ld64(1, 0, 0, 0))
        .chain([exit()])
        .collect();
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &body)]);
    for (i, sym) in (0..).zip(maps) {
        o.load(&entry, 2 * i, sym);
    }
    assert_eq!(within(128, o.build(), bare()), None);
}

/// Many sections, of code and of data.
#[test]
fn many_sections() {
    let mut o = Obj::little();
    for name in names("kprobe/f", MANY / 2) {
        o.code(&name, &[Fun(&name, GLOBAL, &[exit()])]);
        o.elf.data(&format!(".data.{name}"), vec![1]);
    }
    assert_eq!(within(128, o.build(), bare()), None);
}

/// Many lines of one instruction, and of one after the other.
#[test]
fn many_lines() {
    let mut o = Obj::little();
    let body = vec![mov(0, 0); MANY as usize];
    let entry = o.code(
        "socket",
        &[Fun("entry", GLOBAL, &[&body[..], &[exit()]].concat())],
    );
    for slot in 0..MANY {
        o.ext.line(entry.name, slot, 0, 0, slot, 1);
        o.ext.line(entry.name, 7, 0, 0, slot, 2);
    }
    assert_eq!(within(128, o.build(), bare()), None);
}

/// One struct with many fields, read one by one.
#[test]
fn many_fields() {
    let mut o = Obj::little();
    let names = names("field", MANY);
    let make = |b: &mut BtfBuilder| {
        let int = b.int("unsigned int", 4, UNSIGNED);
        let fields: Vec<Field<'_>> = (0..)
            .zip(&names)
            .map(|(i, n)| field(n, int, 4 * i))
            .collect();
        b.structure("s", 4 * MANY, &fields)
    };
    let s = make(&mut o.btf);
    let body: Vec<I> = (0..MANY)
        .map(|i| mov(1, 4 * i as i32))
        .chain([exit()])
        .collect();
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &body)]);
    for i in 0..MANY {
        o.core(&entry, i, s, &format!("0:{i}"), BYTE_OFFSET);
    }
    let mut kernel = BtfBuilder::new(Order::Little);
    make(&mut kernel);
    // 450 million names would be compared: that may be refused.
    if let Some(error) = within(256, o.build(), kernel) {
        assert!(error.contains("program entry"), "{error}");
    }
}

/// Many local flavours of a name that the kernel has many times.
#[test]
fn many_flavours_of_many_candidates() {
    let mut o = Obj::little();
    let mut roots = Vec::new();
    let int = o.btf.int("unsigned int", 4, UNSIGNED);
    for name in names("s___", MANY / 3) {
        roots.push(o.btf.structure(&name, 4, &[field("a", int, 0)]));
    }
    let body: Vec<I> = roots.iter().map(|_| mov(1, 0)).chain([exit()]).collect();
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &body)]);
    for (slot, root) in (0..).zip(roots) {
        o.core(&entry, slot, root, "0:0", BYTE_OFFSET);
    }
    let mut kernel = BtfBuilder::new(Order::Little);
    let int = kernel.int("unsigned int", 4, UNSIGNED);
    for _ in 0..MANY / 3 {
        kernel.structure("s", 4, &[field("a", int, 0)]);
    }
    if let Some(error) = within(256, o.build(), kernel) {
        assert!(error.contains("program entry"), "{error}");
    }
}

/// Many variables of `struct_ops`, and many members of one, of the object and of the kernel.
#[test]
fn many_struct_ops_variables() {
    const MEMBERS: u32 = 1000;
    let mut o = Obj::little();
    o.code("struct_ops", &[Fun("entry", GLOBAL, &[exit()])]);
    let byte = o.btf.int("char", 1, CHAR);
    let member_names = names("member", MEMBERS);
    let fields: Vec<_> = member_names
        .iter()
        .map(|name| field(name, byte, 0))
        .collect();
    let ops = o.btf.structure("ops", 1, &fields);
    let sec = o.elf.data(".struct_ops", vec![0; MANY as usize]);
    let mut vars = Vec::new();
    for (place, name) in (0..).zip(names("variable", MANY)) {
        vars.push((o.btf.var(&name, ops, support::btf::GLOBAL), place, 1));
        o.elf.object(&name, GLOBAL, sec, place.into(), 1);
    }
    o.btf.datasec(".struct_ops", MANY, &vars);
    // A value as large as a kernel's may be, and a struct of more members than any has.
    for (members, size) in [(MEMBERS, 1 << 20), (MEMBERS * MEMBERS, 1 << 31)] {
        let mut kernel = bare();
        let byte = kernel.int("char", 1, CHAR);
        let member_names = names("member", members);
        let fields: Vec<_> = member_names
            .iter()
            .map(|name| field(name, byte, 0))
            .collect();
        let ops = kernel.structure("ops", size, &fields);
        kernel.structure("bpf_struct_ops_ops", size, &[field("data", ops, 0)]);
        assert_eq!(within(512, o.build(), kernel), None);
    }
}

/// One large variable of `struct_ops` that the section's description names again and again.
#[test]
fn one_struct_ops_variable_many_times() {
    const SIZE: u32 = 100_000;
    let mut o = Obj::little();
    o.code("struct_ops", &[Fun("entry", GLOBAL, &[exit()])]);
    let byte = o.btf.int("char", 1, CHAR);
    let ops = o.btf.structure("ops", SIZE, &[field("member", byte, 0)]);
    let sec = o.elf.data(".struct_ops", vec![0; SIZE as usize]);
    // A short name among long strings: names that are read too often are an error of their own.
    o.btf.string(&"x".repeat(20_000));
    let var = o.btf.var("v", ops, support::btf::GLOBAL);
    o.elf.object("v", GLOBAL, sec, 0, SIZE.into());
    o.btf
        .datasec(".struct_ops", SIZE, &[(var, 0, SIZE); 10_000]);
    let error = within(64, o.build(), bare()).expect("variables that overlap");
    assert!(error.contains("variables v and v overlap"), "{error}");
}
