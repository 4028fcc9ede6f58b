//! Values of fields that compilers of today do not write.

use super::*;

/// Old BTF has no kind flag: an integer type of its own says how wide a bitfield is.
#[test]
fn an_integer_of_fewer_bits_than_its_size_is_a_bitfield() {
    use CoreKind::*;
    for order in Order::BOTH {
        let mut world = World::new();
        world.local = BtfBuilder::new(order);
        world.target = BtfBuilder::new(order);
        let seven = world.local.int_bits("int", 4, SIGNED, 0, 7);
        let root = world.local.structure("s", 4, &[field("x", seven, 0)]);
        let seven = world.target.int_bits("int", 4, SIGNED, 0, 7);
        world.target.structure("s", 16, &[field("x", seven, 9)]);
        // Bit 72 lies in the third word, at its bit 8.
        let shift = if order == Order::Little {
            64 - 8 - 7
        } else {
            32 + 8
        };
        for (kind, old, new) in [
            (FieldByteOffset, 0, 8),
            (FieldByteSize, 4, 4),
            (FieldLshiftU64, 57, shift),
            (FieldRshiftU64, 57, 57),
            (FieldSigned, 1, 1),
        ] {
            world.ask(mov(old), root, "0:0", kind);
            let last = world.resolve().unwrap().pop().unwrap();
            assert_eq!(last.first, mov(new), "{kind:?}");
        }
    }
}

#[test]
fn shifts_of_what_64_bits_cannot_hold() {
    for kind in [CoreKind::FieldLshiftU64, CoreKind::FieldRshiftU64] {
        let mut world = World::new();
        let int = world.local.int("__int128", 16, SIGNED);
        let root = world.local.structure("s", 16, &[field("x", int, 0)]);
        world.ask(mov(0), root, "0:0", kind);
        assert!(
            world
                .fails()
                .contains("the field (128 bits at bit 0) cannot be read")
        );
    }
}

/// Elements have a size, a sign and shifts as fields have.
#[test]
fn every_question_about_an_element() {
    use CoreKind::*;
    let mut world = World::new();
    let make = |b: &mut BtfBuilder, size, at| {
        let int = b.int("number", size, SIGNED);
        let array = b.array(int, int, 4);
        b.structure("s", 64, &[field("x", array, at)])
    };
    let root = make(&mut world.local, 2, 0);
    make(&mut world.target, 4, 8);
    for (kind, old, new) in [
        (FieldByteOffset, 6, 20),
        (FieldByteSize, 2, 4),
        (FieldSigned, 1, 1),
        (FieldLshiftU64, 48, 32),
        (FieldRshiftU64, 48, 32),
        (FieldExists, 1, 1),
    ] {
        world.ask(mov(old), root, "0:0:3", kind);
        let last = world.resolve().unwrap().pop().unwrap();
        assert_eq!(last.first, mov(new), "{kind:?}");
    }
}
