//! Objects that clang compiled from tests/bpf, linked and run: the answer of
//! each program is computed by hand from its source. Both byte orders of one
//! source must mean the same.

mod support;

use bpflink::Target;
use bpflink::link::{Programs, ReferenceKind};
use support::btf::{BtfBuilder, Order, SIGNED, UNSIGNED, bitfield, field};
use support::clang::compile;
use support::link::*;
use support::vm::Vm;

/// Compiles, opens and links for a kernel, in both byte orders; every program stands.
fn both_orders(name: &str, kernel: impl Fn(Order) -> Target, check: impl Fn(Order, &Programs)) {
    for cpu in ["-mcpu=v2", "-mcpu=v3"] {
        for order in Order::BOTH {
            let Some(bytes) = compile(name, order, &[cpu]) else {
                return;
            };
            let set = link_for(&opened(&bytes), &kernel(order));
            check(order, &all_stand(set));
        }
    }
}

/// Runs a program that reads `memory`; map values are filled in as a loader would.
fn run(set: &Programs, name: &str, memory: &[u8]) -> Result<u64, String> {
    let program = program(set, name);
    let bytes = program.bytes().expect("the program is final");
    let mut vm = Vm::new(bytes, order_of(set.object()));
    let argument = vm.memory(memory);
    let mut values = std::collections::HashMap::new();
    for reference in program.references() {
        if reference.kind == ReferenceKind::MapValue {
            let map = set
                .object()
                .maps()
                .iter()
                .find(|m| m.name == reference.name);
            let map = map.expect("a reference names a map");
            let address = *values.entry(reference.name.clone()).or_insert_with(|| {
                let zeros = vec![0; map.definition.value_size as usize];
                vm.memory(map.initial.as_deref().unwrap_or(&zeros))
            });
            vm.fill(reference.insn as usize, address + reference.offset as u64);
        }
    }
    vm.run(argument)
}

/// Calls through sections, entry programs that call each other, recursion,
/// callbacks of every binding: see tests/bpf/calls.bpf.c for the numbers.
#[test]
fn calls_reach_the_functions_that_the_source_names() {
    both_orders("calls", bare_target, |_, set| {
        for (name, expected) in [
            ("direct", 21),
            ("sections", 1014),
            ("both", 1102),
            ("called_entry", 45),
            ("calls_entry", 46),
            ("recursion", 142),
            ("callbacks", 1045),
        ] {
            assert_eq!(run(set, name, &[]), Ok(expected), "{name}");
        }
    });
}

/// The functions of `sections`, breadth first in order of name.
#[test]
fn the_functions_of_a_program_in_their_order() {
    both_orders("calls", bare_target, |_, set| {
        let names = function_names(set, "sections");
        assert_eq!(
            names,
            [
                "sections",
                "lib_second",
                "weak_in_text",
                "global_in_text",
                "in_text"
            ]
        );
        assert_eq!(func_info(set, "sections").len(), names.len());
        let starts: Vec<u32> = functions(set, "sections")
            .into_iter()
            .map(|f| f.1)
            .collect();
        let info: Vec<u32> = func_info(set, "sections")
            .into_iter()
            .map(|f| f.0)
            .collect();
        assert_eq!(starts, info);
    });
}

/// Global variables of every section: see tests/bpf/maps.bpf.c.
#[test]
fn data_sections_hold_what_the_source_says() {
    both_orders("maps", bare_target, |_, set| {
        let sum = 42 + 0x1122_3344 + 6 + 9 + 3;
        assert_eq!(run(set, "data", &[]), Ok(sum));
    });
}

/// What the kernel of the CO-RE tests has: `struct record` with other offsets,
/// wider fields, without `gone`.
fn other_kernel(order: Order) -> Target {
    let mut b = BtfBuilder::new(order);
    let u8_ = b.int("unsigned char", 1, UNSIGNED);
    let u16_ = b.int("unsigned short", 2, UNSIGNED);
    let u32_ = b.int("unsigned int", 4, UNSIGNED);
    let s32_ = b.int("int", 4, SIGNED);
    let u64_ = b.int("long long unsigned int", 8, UNSIGNED);
    let inner = b.structure(
        "inner",
        8,
        &[field("value", u16_, 4), field("pad", u32_, 0)],
    );
    let list = b.array(u32_, u32_, 8);
    let anonymous = b.union("", 1, &[field("deep", u8_, 0)]);
    b.structure(
        "record",
        88,
        &[
            field("id", u64_, 8), // u32 before
            field("", anonymous, 3),
            field("count", u64_, 16),
            bitfield("level", s32_, 24 * 8 + 9, 5),
            bitfield("flag", u32_, 24 * 8 + 14, 3),
            field("list", list, 32),
            field("nested", inner, 64),
            field("added_later", u64_, 72),
        ],
    );
    b.enumeration("color", 4, false, &[("GREEN", 20)]);
    b.enumeration("wide", 4, false, &[("WIDE_BIG", 0x9000_0000)]);
    target(&b)
}

/// The memory of a `struct record` of that kernel.
fn record(order: Order) -> Vec<u8> {
    let mut memory = vec![0xaa; 88];
    let mut put = |at: usize, bytes: &[u8]| memory[at..at + bytes.len()].copy_from_slice(bytes);
    put(8, &order.u64(1_000_000_000_000)); // id
    put(3, &[9]); // deep
    put(16, &order.u64(70_000)); // count
    // Sixteen bits at 24: bit 9 to 13 are `level`, 14 to 16 `flag`, counted from
    // the least significant bit (little endian) or the most significant one.
    let (level, flag) = (-7_i32 as u32 & 31, 5);
    let word = match order {
        Order::Little => level << 9 | flag << 14,
        Order::Big => level << (32 - 9 - 5) | flag << (32 - 14 - 3),
    };
    put(24, &order.u32(word));
    put(32 + 2 * 4, &order.u32(4000)); // list[2]
    put(64 + 4, &order.u16(0xfffe)); // nested.value
    memory
}

/// Every kind of relocation that clang writes, on a kernel of another layout.
#[test]
fn fields_are_read_where_the_kernel_has_them() {
    both_orders("core", other_kernel, |order, set| {
        let memory = record(order);
        let fields = 1_000_000_000_000 + 70_000 + 0xfffe + 4000 + 9;
        assert_eq!(run(set, "fields", &memory), Ok(fields));
        assert_eq!(run(set, "read_flag", &memory), Ok(5));
        assert_eq!(run(set, "read_level", &memory), Ok(-7_i64 as u64));
        assert_eq!(run(set, "exists", &memory), Ok(0b101));
        assert_eq!(run(set, "guarded", &memory), Ok(77));
        // struct inner matches by name, size and sign of its members.
        assert_eq!(run(set, "types", &memory), Ok(88 << 8 | 1 << 1 | 1));
        // The record is the ninth type of that kernel.
        assert_eq!(run(set, "ids", &memory), Ok(9));
        assert_eq!(run(set, "enums", &memory), Ok(20));
        assert_eq!(run(set, "wide", &memory), Ok(0x9000_0000));
    });
}

/// On a kernel that has nothing of it, what is guarded still runs.
#[test]
fn a_kernel_that_lacks_everything() {
    both_orders("core", bare_target, |_, set| {
        assert_eq!(run(set, "exists", &[]), Ok(0));
        assert_eq!(run(set, "guarded", &[]), Ok(77));
        assert_eq!(run(set, "types", &[]), Ok(0));
        assert_eq!(run(set, "ids", &[]), Ok(0));
        assert!(
            run(set, "fields", &[0; 88])
                .unwrap_err()
                .contains("0xbad2310")
        );
    });
}

/// The object itself as target: nothing changes. (Programs that ask for a flavour
/// would find two types of one name there.)
#[test]
fn an_object_for_its_own_types_is_unchanged() {
    use bpflink::link::core::Outcome;
    for order in Order::BOTH {
        let Some(bytes) = compile("core", order, &[]) else {
            return;
        };
        let object = opened(&bytes);
        let own = object.btf().expect("clang writes BTF").clone();
        let set = link_for(&object, &Target::from_btf(own));
        for name in ["fields", "guarded", "enums", "wide"] {
            let mut relocations = program(&set, name).relocations();
            let changed = relocations.find(|r| r.report.outcome != Outcome::Unchanged);
            assert!(changed.is_none(), "{name}: {changed:?}");
        }
    }
}
