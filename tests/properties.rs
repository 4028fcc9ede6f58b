//! What holds for every object: the order of its parts does not matter, nor the
//! byte order, nor how often it is linked; and no input makes the library panic
//! or hang. BPFLINK_CASES=N is the number of cases that each is tried with.

mod support;

use bpflink::btf::Btf;
use bpflink::link::Programs;
use bpflink::{Object, Target};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::{Arc, OnceLock};
use support::btf::Order;
use support::clang::compile;
use support::link::*;
use support::plan::{Function, Op, Plan, Shuffle, kernel};
use support::real::cases;
use support::seen::look;
use support::time::bounded;

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        any::<i32>().prop_map(Op::Move),
        any::<usize>().prop_map(Op::Call),
        any::<usize>().prop_map(Op::Callback),
        any::<usize>().prop_map(Op::Read),
        any::<usize>().prop_map(Op::Exists),
        any::<usize>().prop_map(Op::Map),
        any::<usize>().prop_map(Op::Data),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let function =
        (0..4_usize, vec(op(), 0..6)).prop_map(|(section, ops)| Function { section, ops });
    vec(function, 1..9).prop_map(|functions| Plan { functions })
}

fn link_plan(plan: &Plan, order: Order, shuffle: u64) -> Programs {
    let bytes = plan.build(order, &mut Shuffle(shuffle));
    link_for(&opened(&bytes), &target(&kernel(order)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(192), failure_persistence: None, ..ProptestConfig::default() })]

    /// Permuting relocation records, programs or sections never changes the result.
    #[test]
    fn the_order_of_parts_does_not_matter(plan in plan(), shuffle in 1_u64..) {
        let straight = link_plan(&plan, Order::Little, 0);
        let shuffled = link_plan(&plan, Order::Little, shuffle);
        for program in straight.programs() {
            prop_assert!(program.error().is_none(), "{:?}", program.error());
        }
        prop_assert_eq!(look(&straight), look(&shuffled));
    }

    /// Big- and little-endian builds of one plan mean the same.
    #[test]
    fn the_byte_order_does_not_matter(plan in plan()) {
        let little = link_plan(&plan, Order::Little, 0);
        let big = link_plan(&plan, Order::Big, 0);
        prop_assert_eq!(look(&little), look(&big));
    }

    /// Linking twice gives identical bytes.
    #[test]
    fn linking_twice_gives_identical_bytes(plan in plan()) {
        let bytes = plan.build(Order::Little, &mut Shuffle(0));
        let kernel = target(&kernel(Order::Little));
        let object = opened(&bytes);
        let once = link_for(&object, &kernel);
        let again = link_for(&object, &kernel);
        let anew = link_for(&opened(&bytes), &kernel);
        for program in once.programs() {
            let name = program.name().to_string();
            let of = |set: &Programs| set.get(&name).and_then(|p| p.bytes().map(<[u8]>::to_vec));
            prop_assert_eq!(of(&once), of(&again));
            prop_assert_eq!(of(&once), of(&anew));
        }
        prop_assert_eq!(once.btf(), anew.btf());
    }
}

/// Objects to damage: those that clang compiled, where there is one, and a plan.
fn originals() -> &'static [Vec<u8>] {
    static ORIGINALS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ORIGINALS.get_or_init(|| {
        let functions = (0..8).map(|i| Function {
            section: i,
            ops: vec![
                Op::Call(i + 1),
                Op::Callback(i + 3),
                Op::Read(i),
                Op::Exists(i),
                Op::Map(i),
                Op::Data(i),
            ],
        });
        let plan = Plan {
            functions: functions.collect(),
        };
        let mut all = vec![
            plan.build(Order::Little, &mut Shuffle(0)),
            plan.build(Order::Big, &mut Shuffle(1)),
        ];
        for name in ["calls", "maps", "core", "struct_ops"] {
            all.extend(compile(name, Order::Little, &[]));
        }
        all
    })
}

/// Bytes that end early or have some bits flipped.
fn damage(mut bytes: Vec<u8>, cut: usize, flips: &[(usize, u8)]) -> Vec<u8> {
    if cut.is_multiple_of(4) {
        bytes.truncate(cut / 4 % (bytes.len() + 1));
    }
    let len = bytes.len().max(1);
    for &(at, mask) in flips {
        if let Some(byte) = bytes.get_mut(at % len) {
            *byte ^= mask;
        }
    }
    bytes
}

/// Goes through all that the library does with an object.
fn try_everything(bytes: &[u8], kernel: &Target) {
    let Ok(object) = Object::parse(bytes, "damaged") else {
        return;
    };
    let object = Arc::new(object);
    if let Ok(set) = bpflink::Linker::new(kernel).link(&object) {
        look(&set);
    }
    // As if it were the kernel: its types against themselves.
    if let Some(own) = object.btf() {
        let own = Target::from_btf(own.clone());
        if let Ok(set) = bpflink::Linker::new(&own).link(&object) {
            look(&set);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(1536), failure_persistence: None, ..ProptestConfig::default() })]

    /// Truncated or bit-flipped objects give an error or a result.
    #[test]
    fn damaged_objects_give_an_error_or_a_result(
        which in any::<usize>(),
        cut in any::<usize>(),
        flips in vec((any::<usize>(), any::<u8>()), 0..8),
    ) {
        let original = &originals()[which % originals().len()];
        let damaged = damage(original.clone(), cut, &flips);
        bounded(move || try_everything(&damaged, &target(&kernel(Order::Little))));
    }

    /// The same for the BTF of the kernel.
    #[test]
    fn damaged_kernels_give_an_error_or_a_result(
        which in any::<usize>(),
        cut in any::<usize>(),
        flips in vec((any::<usize>(), any::<u8>()), 1..8),
    ) {
        let original = &originals()[which % originals().len()];
        let object = opened(original);
        let raw = object.btf().expect("every original has BTF").bytes().to_vec();
        let damaged = damage(raw, cut, &flips);
        bounded(move || {
            if let Ok(btf) = Btf::parse(damaged, None) {
                let set = bpflink::Linker::new(&Target::from_btf(Arc::new(btf))).link(&object);
                set.map(|set| look(&set)).ok();
            }
        });
    }
}
