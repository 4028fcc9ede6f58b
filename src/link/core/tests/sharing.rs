//! What is decided once, what is loaded at all, and that no order matters.

use super::*;
use crate::btf::testing::builder;
use crate::target::TargetBuilder;

#[test]
fn equal_relocations_share_one_decision_across_programs() {
    let mut world = World::new();
    let root = words(&mut world.local, "s", &["x", "y"]);
    words(&mut world.target, "s", &["y", "x"]);
    for _ in 0..2 {
        world.ask(mov(0), root, "0:0", CoreKind::FieldByteOffset);
        world.ask(mov(4), root, "0:1", CoreKind::FieldByteOffset);
    }
    let (local, target) = (testing::parse(&world.local), world.kernel());
    let mut resolver = Resolver::new(&local, &target, world.options);
    let mut fixups = resolver.resolve_program(&[world.function()]).unwrap();
    fixups.extend(resolver.resolve_program(&[world.function()]).unwrap());
    assert_eq!(fixups.len(), 8);
    for (index, fixup) in fixups.iter().enumerate() {
        assert_eq!(fixup.decision, index % 2, "relocation {index}");
    }
    assert_eq!(resolver.decisions().list.len(), 2);
    let offsets: Vec<i64> = fixups.iter().map(|fixup| fixup.new).collect();
    assert_eq!(offsets, [4, 0, 4, 0, 4, 0, 4, 0]);
}

/// A target without any BTF: whoever asks it gets an error.
fn no_kernel() -> Target {
    let builder = TargetBuilder::new().release("6.12").unwrap();
    builder.build().unwrap()
}

#[test]
fn ids_of_local_types_need_no_kernel() {
    let mut world = World::new();
    let root = words(&mut world.local, "s", &["x"]);
    let anonymous = world.local.ptr(root);
    world.ask_wide(77, root, "0", CoreKind::TypeIdLocal);
    world.ask(mov(0), anonymous, "0", CoreKind::TypeIdLocal);
    world.ask(mov(0), 0, "0", CoreKind::TypeIdLocal);
    let fixups = world.resolve_for(&no_kernel()).expect("nobody is asked");
    let values: Vec<_> = fixups.iter().map(|fixup| fixup.new).collect();
    assert_eq!(values, [i64::from(root), i64::from(anonymous), 0]);
    let outcomes = [Outcome::Patched, Outcome::Patched, Outcome::Unchanged];
    assert!(fixups.iter().map(|fixup| fixup.outcome).eq(outcomes));
}

#[test]
fn a_kernel_without_btf_fails_whoever_needs_it() {
    let mut world = World::new();
    let root = words(&mut world.local, "s", &["x"]);
    world.ask(mov(0), root, "0:0", CoreKind::FieldByteOffset);
    let failure = world.resolve_for(&no_kernel()).expect_err("no BTF");
    assert_eq!(
        failure.error.to_string(),
        "byte offset of struct s.x: the target kernel has no BTF"
    );
    assert_eq!(failure.error.status(), crate::Status::NotFound);
}

/// vmlinux with `struct s` or without, and modules that have one at the given offsets.
fn with_modules(world: &World, offsets: &[u32]) -> Target {
    let vmlinux = testing::parse(&world.target);
    let mut target = TargetBuilder::new().vmlinux(vmlinux.clone());
    for (index, &offset) in offsets.iter().enumerate() {
        let mut module = builder::BtfBuilder::split_over(&world.target);
        let int = module.int("unsigned int", 4, UNSIGNED);
        module.structure("s", 64, &[field("x", int, offset)]);
        let btf = testing::parse_split(&module, &vmlinux);
        target = target.module(format!("module{index}").as_str(), btf);
    }
    target.build().unwrap()
}

#[test]
fn modules_are_asked_where_vmlinux_has_no_such_type() {
    let mut world = World::new();
    let root = words(&mut world.local, "s", &["x"]);
    world.target.int("int", 4, SIGNED);
    world.ask(mov(0), root, "0:0", CoreKind::FieldByteOffset);
    let decided = world.decide_for(&with_modules(&world, &[16])).unwrap();
    assert_eq!(decided.fixups[0].first, mov(16));
    assert_eq!(
        decided.report().target_text().as_deref(),
        Some("struct s.x (0:0) [id 3] of module module0")
    );
    // Two modules that agree, and two that do not.
    let agreed = world.resolve_for(&with_modules(&world, &[16, 16])).unwrap();
    assert_eq!(agreed[0].first, mov(16));
    let error = world
        .resolve_for(&with_modules(&world, &[16, 20]))
        .expect_err("ambiguous");
    assert_eq!(
        error.error.to_string(),
        "byte offset of struct s.x: ambiguous: struct s [id 3] of module module0 gives 16 \
         (4 bytes), but struct s [id 3] of module module1 gives 20 (4 bytes)"
    );
    // Once vmlinux has one, no module counts, even where its field is not there.
    words(&mut world.target, "s", &["y"]);
    let fixups = world.resolve_for(&with_modules(&world, &[16])).unwrap();
    assert_eq!(fixups[0].outcome, Outcome::Poisoned);
}

/// Three layouts; the fields of the middle one serve most.
fn three_layouts() -> (World, u32) {
    let mut world = World::new();
    let root = words(&mut world.local, "s", &["a", "b", "c", "d"]);
    words(&mut world.target, "s", &["d", "c"]);
    words(&mut world.target, "s___2", &["pad", "c", "b", "a"]);
    words(&mut world.target, "s", &["a", "pad", "b"]);
    (world, root)
}

/// All orders of four things.
fn permutations() -> Vec<[u32; 4]> {
    let mut all = Vec::new();
    for code in 0..256u32 {
        let order = [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6];
        if order.iter().fold(0, |seen, index| seen | 1 << index) == 0b1111 {
            all.push(order);
        }
    }
    assert_eq!(all.len(), 24);
    all
}

#[test]
fn no_order_of_relocations_changes_the_choice() {
    for order in permutations() {
        let (mut world, root) = three_layouts();
        for index in order {
            let access = format!("0:{index}");
            world.ask(
                mov(index as i32 * 4),
                root,
                &access,
                CoreKind::FieldByteOffset,
            );
        }
        let fixups = world.resolve().expect("one layout serves best");
        // From the second layout: a at 12, b at 8, c at 4, and no d.
        for (index, fixup) in order.into_iter().zip(fixups) {
            let expected = [mov(12), mov(8), mov(4), poison()][index as usize];
            assert_eq!(fixup.first, expected, "{order:?}");
        }
    }
}

#[test]
fn candidates_that_do_the_same_to_the_instructions_are_no_conflict() {
    let ask = |insn| {
        let mut world = World::new();
        let root = words(&mut world.local, "s", &["x"]);
        for (size, encoding) in [(8, UNSIGNED), (8, SIGNED)] {
            let int = world.target.int("number", size, encoding);
            world.target.structure("s", 16, &[field("x", int, 8)]);
        }
        world.ask(insn, root, "0:0", CoreKind::FieldByteOffset);
        world.resolve()
    };
    // The offset is the same; only a load would come out resized or poisoned.
    assert_eq!(ask(mov(0)).expect("both give 8")[0].first, mov(8));
    assert!(ask(load(SIZE_W, 0)).is_err());
}

#[test]
fn every_relocation_counts_in_the_choice() {
    // b twice against a and c once each: the layout without b loses.
    let mut world = World::new();
    let root = words(&mut world.local, "s", &["a", "b", "c"]);
    words(&mut world.target, "s", &["a", "c"]);
    words(&mut world.target, "s", &["pad", "b", "a"]);
    for index in [0, 1, 1, 2] {
        let access = format!("0:{index}");
        world.ask(mov(index * 4), root, &access, CoreKind::FieldByteOffset);
    }
    let insns: Vec<Insn> = world.resolve().unwrap().iter().map(|f| f.first).collect();
    assert_eq!(insns, [mov(8), mov(4), mov(4), poison()]);
}
