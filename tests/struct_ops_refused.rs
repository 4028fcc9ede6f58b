//! Variables of `.struct_ops` that a kernel does not take, and files that contradict
//! themselves about them. The rules are those of libbpf's bpf_map__init_kern_struct_ops.

mod support;

use support::btf::*;
use support::elf::{GLOBAL as STRONG, LOCAL, r_bpf};
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};
use support::struct_ops::*;

#[test]
fn a_member_that_the_kernel_lacks_has_to_be_zero() {
    let mut b = BtfBuilder::new(Order::Little);
    kernel_ops(&mut b);
    let mut set = variable(&[], 0);
    set.contents[31] = 1;
    let linked = link(&object(Order::Little, &[set], plain), &target(&b));
    assert_eq!(
        refused(&linked, 0),
        "test.bpf.o: section .struct_ops, symbol my_ops: member extra: the kernel's struct has \
         no such member, and it is not zero"
    );
    assert_eq!(linked.warnings(), [refused(&linked, 0)]);
    // A program counts as set, whatever the bytes are.
    let make = |b: &mut BtfBuilder| {
        let t = types(b);
        b.structure("ops", 8, &[field("gone", t.function, 0)])
    };
    let held = Variable {
        contents: vec![0; 8],
        ..variable(&[(0, 0)], 0)
    };
    let linked = link(&object(Order::Little, &[held], make), &target(&b));
    assert!(
        refused(&linked, 0).contains("member gone"),
        "{}",
        refused(&linked, 0)
    );
    let (id, member, problem) = attach(&linked, "first");
    assert_eq!((id, member), (0, None));
    assert!(
        problem.contains("variable my_ops: member gone"),
        "{problem}"
    );
}

/// The kernel's struct has one member `flags`, the object's another.
fn against(
    local: fn(&mut BtfBuilder) -> u32,
    kernel: fn(&mut BtfBuilder) -> Field<'static>,
    contents: Vec<u8>,
) -> String {
    let mut b = BtfBuilder::new(Order::Little);
    let member = kernel(&mut b);
    kernel_struct(&mut b, "ops", &[member], 16);
    let v = Variable {
        contents,
        ..variable(&[], 0)
    };
    let set = link(&object(Order::Little, &[v], local), &target(&b));
    match &set.struct_ops()[0] {
        Err(error) => error.cause().to_string(),
        Ok(kernel) => format!("{:?}", &kernel.value[DATA as usize..]),
    }
}

fn one_int(b: &mut BtfBuilder) -> u32 {
    let int = b.int("int", 4, SIGNED);
    b.structure("ops", 4, &[field("flags", int, 0)])
}

fn one_bitfield(b: &mut BtfBuilder) -> u32 {
    let int = b.int("int", 4, SIGNED);
    b.structure("ops", 4, &[bitfield("flags", int, 0, 3)])
}

fn one_pointer(b: &mut BtfBuilder) -> u32 {
    let t = types(b);
    b.structure("ops", 8, &[field("flags", t.function, 0)])
}

#[test]
fn members_of_another_size_or_kind() {
    let long = |b: &mut BtfBuilder| {
        let t = types(b);
        field("flags", t.long, 0)
    };
    let message = against(one_int, long, vec![1, 0, 0, 0]);
    assert_eq!(message, "member flags is 4 bytes, the kernel's is 8");
    let pointer = |b: &mut BtfBuilder| {
        let t = types(b);
        field("flags", t.function, 0)
    };
    let message = against(one_int, pointer, vec![0; 4]);
    assert_eq!(message, "member flags is int, the kernel's is ptr");
    // The kinds are those behind modifiers and typedefs.
    let renamed = |b: &mut BtfBuilder| {
        let int = b.int("int", 4, SIGNED);
        let named = b.typedef("flags_t", int);
        field("flags", b.constant(named), 4)
    };
    let value = against(one_int, renamed, vec![9, 0, 0, 0]);
    assert_eq!(value, "[0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]");
}

#[test]
fn bitfields_have_to_be_zero() {
    let int = |b: &mut BtfBuilder| field("flags", b.int("int", 4, SIGNED), 0);
    let bits = |b: &mut BtfBuilder| bitfield("flags", b.int("int", 4, SIGNED), 0, 3);
    let message = "member flags is a bitfield; only zero ones are taken";
    assert_eq!(against(one_bitfield, int, vec![1, 0, 0, 0]), message);
    assert_eq!(against(one_int, bits, vec![1, 0, 0, 0]), message);
    assert_eq!(
        against(one_bitfield, int, vec![0; 4]),
        format!("{:?}", [0; 16])
    );
}

#[test]
fn pointers_hold_programs_or_nothing() {
    let void = |b: &mut BtfBuilder| field("flags", b.ptr(0), 0);
    let message = against(one_pointer, void, vec![8, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        message,
        "member flags is a pointer to something that is no program"
    );
    assert_eq!(
        against(one_pointer, void, vec![0; 8]),
        format!("{:?}", [0; 16])
    );
    // A program where the kernel keeps data.
    let mut b = BtfBuilder::new(Order::Little);
    let pointer = b.ptr(0);
    kernel_struct(&mut b, "ops", &[field("flags", pointer, 0)], 8);
    let v = Variable {
        contents: vec![0; 8],
        ..variable(&[(0, 0)], 0)
    };
    let set = link(&object(Order::Little, &[v], one_pointer), &target(&b));
    let message = refused(&set, 0);
    assert!(
        message.ends_with("the kernel's is no pointer to a function"),
        "{message}"
    );
}

#[test]
fn kernels_that_have_no_such_interface() {
    let o = object(Order::Little, &[variable(&[(0, 0)], 1)], plain);
    let mut b = BtfBuilder::new(Order::Little);
    local_ops(&mut b, "ops");
    let set = link(&o, &target(&b));
    let none = "struct ops: neither vmlinux nor a module has struct bpf_struct_ops_ops";
    assert!(refused(&set, 0).ends_with(none), "{}", refused(&set, 0));
    let value = b.structure("bpf_struct_ops_ops", 40, &[]);
    assert_ne!(value, 0);
    let set = link(&o, &target(&b));
    assert!(
        refused(&set, 0).ends_with("holds no struct ops"),
        "{}",
        refused(&set, 0)
    );
}

/// What opening says of an object with one variable.
fn open_error(change: impl FnOnce(&mut Obj, support::elf::Sec, &support::object::Code)) -> String {
    let mut o = Obj::little();
    let body = [mov(0, 0), exit()];
    let code = o.code(
        "struct_ops",
        &[Fun("first", STRONG, &body), Fun("local", LOCAL, &body)],
    );
    o.code("socket", &[Fun("filter", STRONG, &body)]);
    let sec = o.elf.data(".struct_ops", vec![0; 32]);
    change(&mut o, sec, &code);
    match open(&o.build()) {
        Err(error) => error.to_string(),
        Ok(object) => panic!("opens: {:?}", object.struct_ops()),
    }
}

fn declare(o: &mut Obj, sec: support::elf::Sec) {
    let ty = plain(&mut o.btf);
    let var = o.btf.var("my_ops", ty, GLOBAL);
    o.btf.datasec(".struct_ops", 0, &[(var, 0, 32)]);
    o.elf.object("my_ops", STRONG, sec, 0, 32);
}

#[test]
fn files_that_contradict_themselves() {
    let missing = open_error(|_, _, _| {});
    assert_eq!(
        missing,
        "test.bpf.o: section .struct_ops: no BTF describes the variables of this section"
    );
    let message = open_error(|o, sec, code| {
        declare(o, sec);
        o.elf.rel(sec, 16, code.funs[0].0, r_bpf::ABS64);
    });
    assert!(
        message.contains("symbol my_ops") && message.contains("member flags"),
        "{message}"
    );
    let message = open_error(|o, sec, code| {
        declare(o, sec);
        o.elf.rel(sec, 4, code.funs[0].0, r_bpf::ABS64);
    });
    assert!(
        message.contains("no member starts at offset 4"),
        "{message}"
    );
    let message = open_error(|o, sec, code| {
        declare(o, sec);
        o.elf.rel(sec, 0, code.funs[1].0, r_bpf::ABS64);
    });
    assert!(
        message.contains("member init") && message.contains("no program"),
        "{message}"
    );
    let message = open_error(|o, sec, code| {
        declare(o, sec);
        o.elf.rel(sec, 0, code.funs[0].0, r_bpf::ABS64);
        o.elf.rel(sec, 0, code.funs[0].0, r_bpf::ABS64);
    });
    assert!(
        message.contains("two relocations for one member"),
        "{message}"
    );
    let message = open_error(|o, sec, _| {
        let ty = plain(&mut o.btf);
        let var = o.btf.var("my_ops", ty, GLOBAL);
        o.btf.datasec(".struct_ops", 0, &[(var, 0, 32)]);
        o.elf.object("my_ops", STRONG, sec, 8, 32);
    });
    assert!(message.contains("reaches past the 32 bytes"), "{message}");
    let message = open_error(|o, sec, _| {
        let ty = o.btf.structure("small", 8, &[]);
        let (a, b) = (o.btf.var("a", ty, GLOBAL), o.btf.var("b", ty, GLOBAL));
        o.btf.datasec(".struct_ops", 0, &[(a, 0, 8), (b, 0, 8)]);
        o.elf.object("a", STRONG, sec, 0, 8);
        o.elf.object("b", STRONG, sec, 4, 8);
    });
    assert!(message.contains("variables a and b overlap"), "{message}");
    let message = open_error(|o, sec, _| {
        let int = o.btf.int("int", 4, SIGNED);
        let var = o.btf.var("my_ops", int, GLOBAL);
        o.btf.datasec(".struct_ops", 0, &[(var, 0, 4)]);
        o.elf.object("my_ops", STRONG, sec, 0, 4);
    });
    assert!(message.contains("no struct with a name"), "{message}");
}
