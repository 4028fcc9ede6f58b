//! How errors and reports read.

use super::*;

/// The example of the documentation: a struct whose field is gone.
fn without_daddr() -> World {
    let mut world = World::new();
    let root = words(&mut world.local, "sock_common", &["skc_daddr"]);
    world.target.int("filler", 4, SIGNED);
    words(&mut world.target, "sock_common", &["skc_family"]);
    world.ask(mov(0), root, "0:0", CoreKind::FieldByteOffset);
    world
}

#[test]
fn a_missing_field_as_an_error() {
    let mut world = without_daddr();
    world.options.poison_is_error = true;
    assert_eq!(
        world.fails(),
        "byte offset of struct sock_common.skc_daddr: \
         no field skc_daddr in struct sock_common [id 3] of vmlinux"
    );
}

#[test]
fn a_missing_field_in_the_report() {
    let decided = without_daddr().decided();
    let report = decided.report();
    assert_eq!(report.local_text(), "struct sock_common.skc_daddr (0:0)");
    assert_eq!(report.target_text(), None);
    assert_eq!(
        report.reason().as_deref(),
        Some("no field skc_daddr in struct sock_common [id 3] of vmlinux")
    );
    assert_eq!((report.local_type(), report.target_type()), (2, Some(3)));
    assert_eq!(
        (report.outcome, report.old, report.new),
        (Outcome::Poisoned, 0, 0)
    );
}

/// `struct s { struct { union { struct in ( u16 v[4][2] ) n[3]; }; }; }`, in both BTFs at
/// different places.
fn nested(b: &mut BtfBuilder, shift: u32) -> u32 {
    let short = b.int("unsigned short", 2, UNSIGNED);
    let row = b.array(short, short, 2);
    let rows = b.array(row, short, 4);
    let inner = b.structure(
        "in",
        16 + shift,
        &[field("pad", short, 0), field("v", rows, shift)],
    );
    let inners = b.array(inner, short, 3);
    let alternatives = b.union("", 48 + 3 * shift, &[field("n", inners, 0)]);
    let anonymous = b.structure("", 48 + 3 * shift, &[field("", alternatives, 0)]);
    b.structure(
        "s",
        64 + 3 * shift,
        &[field("pad", short, 0), field("", anonymous, 8)],
    )
}

#[test]
fn a_path_is_written_as_in_c() {
    let mut world = World::new();
    let root = nested(&mut world.local, 0);
    nested(&mut world.target, 4);
    // &s[1].n[2].v[3][1]: 64 + 8 + 2 * 16 + 3 * 4 + 2 bytes.
    let access = "1:1:0:0:2:1:3:1";
    world.ask(mov(118), root, access, CoreKind::FieldByteOffset);
    let decided = world.decided();
    let report = decided.report();
    assert_eq!(
        report.local_text(),
        format!("struct s[1].n[2].v[3][1] ({access})")
    );
    assert_eq!(
        report.target_text(),
        Some(format!(
            "struct s[1].n[2].v[3][1] ({access}) [id 8] of vmlinux"
        ))
    );
    // 76 + 8 + 2 * 20 + 4 + 3 * 4 + 2.
    assert_eq!((report.old, report.new), (118, 142));
}

/// The text of the local side of a relocation about `root`, and why the target has nothing.
fn told(
    make: fn(&mut BtfBuilder) -> u32,
    access: &str,
    kind: CoreKind,
) -> (String, Option<String>) {
    let mut world = World::new();
    let root = make(&mut world.local);
    world.ask_wide(0, root, access, kind);
    let decided = world.decided();
    let report = decided.report();
    (report.local_text(), report.reason())
}

#[test]
fn types_and_values_by_their_names() {
    use CoreKind::{EnumvalValue, TypeIdLocal, TypeIdTarget};
    let target = |make| told(make, "0", TypeIdTarget);
    let absent = |name: &str| (name.to_owned(), Some(format!("the target has no {name}")));
    assert_eq!(target(|b| words(b, "s", &["x"])), absent("struct s"));
    assert_eq!(target(|b| b.union("u", 4, &[])), absent("union u"));
    assert_eq!(target(|b| b.typedef("t", 0)), absent("typedef t"));
    assert_eq!(target(|b| b.int("long", 8, SIGNED)), absent("long"));
    assert_eq!(target(|b| b.fwd_union("f")), absent("union f"));
    assert_eq!(target(|b| b.enum64("e", false, &[])), absent("enum e"));
    assert_eq!(
        target(|b| words(b, "s___flavour", &["x"])),
        (
            "struct s___flavour".into(),
            Some("the target has no struct s".into())
        )
    );
    assert_eq!(
        told(|b| b.ptr(0), "0", TypeIdLocal),
        ("a pointer".into(), None)
    );
    assert_eq!(
        told(
            |b| b.enumeration("e", 4, false, &[("A", 1), ("B", 2)]),
            "1",
            EnumvalValue
        ),
        ("enum e::B".into(), Some("the target has no enum e".into()))
    );
}

/// A field of a type made by `local`, where the target's field of that name is made by `target`.
fn reason(
    local: fn(&mut BtfBuilder) -> u32,
    target: fn(&mut BtfBuilder) -> u32,
    access: &str,
) -> Option<String> {
    let mut world = World::new();
    let ty = local(&mut world.local);
    let root = world.local.structure("s", 64, &[field("x", ty, 0)]);
    let ty = target(&mut world.target);
    world.target.structure("s", 64, &[field("x", ty, 0)]);
    world.ask(mov(0), root, access, CoreKind::FieldByteOffset);
    world.decided().report().reason()
}

#[test]
fn why_a_field_is_not_there() {
    let int = |b: &mut BtfBuilder| b.int("int", 4, SIGNED);
    let pointer = |b: &mut BtfBuilder| b.ptr(0);
    assert_eq!(
        reason(int, pointer, "0:0").as_deref(),
        Some("field x of struct s [id 2] of vmlinux is of another kind of type: a pointer")
    );
    let two = |b: &mut BtfBuilder| {
        let int = b.int("int", 4, SIGNED);
        b.array(int, int, 2)
    };
    let one = |b: &mut BtfBuilder| {
        let int = b.int("int", 4, SIGNED);
        b.array(int, int, 1)
    };
    assert_eq!(reason(two, one, "0:0:0"), None);
    let mut world = World::new();
    let ty = two(&mut world.local);
    let root = world.local.structure("s", 8, &[field("x", ty, 0)]);
    let ty = one(&mut world.target);
    world.target.structure("s", 4, &[field("x", ty, 0)]);
    world.ask(mov(4), root, "0:0:1", CoreKind::FieldByteOffset);
    assert_eq!(
        world.decided().report().reason().as_deref(),
        Some("index 1 is past the 1 elements of the array in struct s [id 3] of vmlinux")
    );
}

#[test]
fn an_error_names_what_was_asked_and_who_is_wrong() {
    let mut world = World::new();
    let root = words(&mut world.local, "s", &["x"]);
    let odd = world.target.int("odd", 3, UNSIGNED);
    world.target.structure("s", 4, &[bitfield("x", odd, 0, 3)]);
    world.ask(mov(4), root, "0:0", CoreKind::FieldByteSize);
    assert_eq!(
        world.fails(),
        "byte size of struct s.x: struct s [id 2] of vmlinux: \
         the bitfield is declared with type [1], int of 3 bytes"
    );
    let mut world = World::new();
    let root = words(&mut world.local, "s", &["x"]);
    words(&mut world.target, "s", &["x"]);
    world.ask(mov(7), root, "0:0", CoreKind::FieldByteSize);
    assert_eq!(
        world.fails(),
        "byte size of struct s.x: the instruction has 7, the object's BTF says 4"
    );
}
