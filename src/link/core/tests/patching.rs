//! Loads and stores whose width changes; immediates that do not fit.

use super::*;

/// A field `x` of `from` bytes that has `to` bytes in the target, 8 bytes further.
fn resized(from: (u32, u32), to: (u32, u32)) -> (World, u32) {
    let mut world = World::new();
    let int = world.local.int("number", from.0, from.1);
    let root = world.local.structure("s", 8, &[field("x", int, 0)]);
    let int = world.target.int("number", to.0, to.1);
    world.target.structure("s", 16, &[field("x", int, 8)]);
    (world, root)
}

fn result(insn: Insn, from: (u32, u32), to: (u32, u32)) -> (Insn, Option<String>) {
    let (mut world, root) = resized(from, to);
    world.ask(insn, root, "0:0", CoreKind::FieldByteOffset);
    let decided = world.decided();
    (decided.fixups[0].first, decided.report().reason())
}

const U8: (u32, u32) = (1, UNSIGNED);
const U16: (u32, u32) = (2, UNSIGNED);
const U32: (u32, u32) = (4, UNSIGNED);
const U64: (u32, u32) = (8, UNSIGNED);
const S32: (u32, u32) = (4, SIGNED);
const S64: (u32, u32) = (8, SIGNED);

#[track_caller]
fn is_resized(insn: Insn, from: (u32, u32), to: (u32, u32), code: u8) {
    let (fixed, reason) = result(insn, from, to);
    let expected = Insn::new(code, insn.dst(), insn.src(), 8, insn.imm);
    assert_eq!((fixed, reason), (expected, None));
}

#[track_caller]
fn is_poisoned(insn: Insn, from: (u32, u32), to: (u32, u32), why: &str) {
    let (fixed, reason) = result(insn, from, to);
    let reason = reason.expect("a reason");
    assert_eq!(fixed, poison());
    assert!(reason.contains(why), "{why:?} is not in: {reason}");
}

#[test]
fn plain_accesses_take_the_width_of_the_field() {
    for (size, from) in [(SIZE_B, U8), (SIZE_H, U16), (SIZE_W, U32), (SIZE_DW, U64)] {
        for (wanted, to) in [(SIZE_B, U8), (SIZE_H, U16), (SIZE_W, U32), (SIZE_DW, U64)] {
            for class in [LDX, ST, STX] {
                let insn = Insn::new(class | MODE_MEM | size, 1, 2, 0, 0);
                is_resized(insn, from, to, class | MODE_MEM | wanted);
            }
        }
    }
}

#[test]
fn a_sign_changes_nothing_while_the_width_stays() {
    is_resized(load(SIZE_W, 0), S32, U32, LDX | MODE_MEM | SIZE_W);
    is_resized(load(SIZE_DW, 0), U64, S64, LDX | MODE_MEM | SIZE_DW);
}

#[test]
fn what_cannot_be_extended_is_poisoned() {
    is_poisoned(load(SIZE_W, 0), S32, S64, "from 4 to 8 bytes");
    is_poisoned(load(SIZE_W, 0), U32, S64, "from 4 to 8 bytes");
    is_poisoned(load(SIZE_DW, 0), S64, U32, "from 8 to 4 bytes");
    is_poisoned(load(SIZE_DW, 0), U64, (16, UNSIGNED), "16 bytes");
}

#[test]
fn a_load_of_a_part_is_not_resized() {
    is_poisoned(load(SIZE_B, 0), U32, U64, "accesses 1 of its 4 bytes");
}

#[test]
fn a_sign_extending_load_keeps_its_width_or_nothing() {
    let insn = Insn::new(LDX | MODE_MEMSX | SIZE_W, 1, 2, 0, 0);
    is_resized(insn, U32, U32, LDX | MODE_MEMSX | SIZE_W);
    is_poisoned(insn, U32, U64, "extends its sign");
}

#[test]
fn atomic_operations_have_four_or_eight_bytes() {
    let add = |size| Insn::new(STX | MODE_ATOMIC | size, 1, 2, 0, 0x01);
    is_resized(add(SIZE_W), U32, U64, STX | MODE_ATOMIC | SIZE_DW);
    is_poisoned(add(SIZE_W), U32, U16, "too few for an atomic operation");
    for operation in [0x100, 0x110] {
        let acquire_release = Insn::new(STX | MODE_ATOMIC | SIZE_W, 1, 2, 0, operation);
        is_resized(acquire_release, U32, U8, STX | MODE_ATOMIC | SIZE_B);
    }
}

#[test]
fn a_negative_number_is_not_stored_wider() {
    let store = |imm| Insn::new(ST | MODE_MEM | SIZE_W, 1, 0, 0, imm);
    is_resized(store(-1), U32, U16, ST | MODE_MEM | SIZE_H);
    is_resized(store(5), U32, U64, ST | MODE_MEM | SIZE_DW);
    is_poisoned(store(-1), U32, U64, "stores a negative number");
}

#[test]
fn arithmetic_does_not_care_about_widths() {
    let (fixed, reason) = result(mov(0), S32, S64);
    assert_eq!((fixed, reason), (mov(8), None));
}

/// An enum's value in `local` and in the target, asked for by `insn`.
fn value(local: i64, target: i64, insn: Insn) -> Result<Insn, String> {
    let mut world = World::new();
    let root = world.local.enum64("e", true, &[("V", local as u64)]);
    world.target.enum64("e", true, &[("V", target as u64)]);
    world.ask(insn, root, "0", CoreKind::EnumvalValue);
    match world.resolve() {
        Ok(fixups) => Ok(fixups[0].first),
        Err(failure) => Err(failure.error.to_string()),
    }
}

#[test]
fn immediates_hold_what_their_operation_can_mean() {
    let mov32 = |value| Insn::new(ALU | 0xb0, 1, 0, 0, value);
    let (low, high) = (i64::from(i32::MIN), i64::from(i32::MAX));
    for number in [low, -1, 0, high] {
        assert_eq!(value(1, number, mov(1)), Ok(mov(number as i32)));
        assert_eq!(value(1, number, mov32(1)), Ok(mov32(number as i32)));
    }
    let all_ones = i64::from(u32::MAX);
    assert_eq!(value(1, all_ones, mov32(1)), Ok(mov32(-1)));
    for (number, insn) in [
        (all_ones, mov(1)),
        (all_ones + 1, mov32(1)),
        (low - 1, mov(1)),
    ] {
        let message = format!("value of enum e::V: {number} does not fit into a 32-bit immediate");
        assert_eq!(value(1, number, insn), Err(message));
    }
}

#[test]
fn a_load_of_64_bits_holds_everything() {
    for number in [i64::MIN, -1, 0x1234_5678_9abc_def0] {
        let mut world = World::new();
        let root = world.local.enum64("e", true, &[("V", 1)]);
        world.target.enum64("e", true, &[("V", number as u64)]);
        world.ask_wide(1, root, "0", CoreKind::EnumvalValue);
        let fixup = world.first();
        assert_eq!(
            [fixup.first, fixup.second.expect("two slots")],
            wide(number)
        );
        assert_eq!((fixup.old, fixup.new), (1, number));
    }
}

/// BTF from before Linux 6.0 never says that an enum is signed; the compiler, which
/// knows, extended what it wrote.
#[test]
fn a_sign_that_only_one_side_knows_is_kept() {
    let extended = |local_signed, written: i64, target_signed, target: i64| {
        let mut world = World::new();
        let values = [("V", written)];
        let root = world.local.enumeration("e", 4, local_signed, &values);
        let values = [("V", target)];
        world.target.enumeration("e", 4, target_signed, &values);
        world.ask_wide(written, root, "0", CoreKind::EnumvalValue);
        world.first().new
    };
    let unsigned = 0xffff_fff0;
    assert_eq!(extended(true, -5, true, -16), -16);
    assert_eq!(extended(true, 5, false, -16), -16);
    assert_eq!(extended(false, 5, true, -16), -16);
    assert_eq!(extended(false, -5, false, -16), -16);
    assert_eq!(extended(false, 5, false, unsigned), unsigned);
    assert_eq!(extended(false, 0xffff_fffb, false, unsigned), unsigned);
}

#[test]
fn only_a_plain_load_of_a_number_is_relocated() {
    let forms: [[Insn; 2]; 4] = [
        [Insn::new(LD_IMM64, 1, PSEUDO_MAP_FD, 0, 0), Insn::default()],
        [Insn::new(LD_IMM64, 1, 0, 1, 0), Insn::default()],
        [wide(0)[0], Insn::new(0, 1, 0, 0, 0)],
        [wide(0)[0], mov(0)],
    ];
    for [first, second] in forms {
        let mut world = World::new();
        let root = words(&mut world.local, "s", &["x"]);
        world.ask(first, root, "0", CoreKind::TypeIdLocal);
        world.insns.push(second);
        assert!(
            world
                .fails()
                .contains("the ld_imm64 is incomplete or carries")
        );
    }
    let mut cut = World::new();
    let root = words(&mut cut.local, "s", &["x"]);
    cut.ask(wide(0)[0], root, "0", CoreKind::TypeIdLocal);
    assert!(cut.fails().contains("the ld_imm64 is incomplete"));
}
