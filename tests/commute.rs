//! Flatten and relocate commute: either order gives the same bytes.

mod support;

use std::sync::Arc;

use bpflink::link::{Choice, FinalizeOptions, Programs};
use bpflink::{Object, Target};
use support::btf::Order;
use support::clang::compile;
use support::link::*;
use support::plan::{Function, Op, Plan, Shuffle, kernel};

const LEAVE: FinalizeOptions = FinalizeOptions {
    leave_map_references: true,
};

/// One stage on a choice of programs.
#[derive(Clone, Copy)]
enum Stage {
    Flatten(usize),
    Relocate(usize),
}

use Stage::{Flatten, Relocate};

/// Stands for every program.
const ALL: usize = usize::MAX;

/// Runs the stages in an order, then finalize: what each program became.
fn after(
    object: &Arc<Object>,
    kernel: &Target,
    stages: &[Stage],
) -> Vec<(String, Vec<u8>, Vec<String>)> {
    let mut set = Programs::split(object).unwrap();
    let names: Vec<_> = set.programs().iter().map(|p| p.name().clone()).collect();
    for stage in stages {
        let (Flatten(which) | Relocate(which)) = *stage;
        let one = names.get(which).map(std::slice::from_ref);
        let choice = one.map_or(Choice::All, Choice::Named);
        match stage {
            Flatten(_) => set.flatten(choice).unwrap(),
            Relocate(_) => set.relocate(kernel, Default::default(), choice).unwrap(),
        }
    }
    set.finalize(kernel, LEAVE, Choice::All).unwrap();
    let programs = set.programs().iter().map(|p| {
        let report = p
            .relocations()
            .map(|r| format!("{} {:?}", r.insn, r.report));
        (
            p.name().to_string(),
            p.bytes().unwrap().to_vec(),
            report.collect(),
        )
    });
    programs.collect()
}

/// All orders that end with everything flattened and relocated.
fn assert_commutes(object: &Arc<Object>, kernel: &Target) {
    let expected = after(object, kernel, &[Flatten(ALL), Relocate(ALL)]);
    assert!(!expected.is_empty());
    assert!(expected.iter().any(|(_, _, report)| !report.is_empty()));
    let orders: [&[Stage]; 4] = [
        &[Relocate(ALL), Flatten(ALL)],
        &[Flatten(0), Relocate(ALL), Flatten(ALL)],
        &[
            Flatten(1),
            Relocate(ALL),
            Flatten(0),
            Flatten(ALL),
            Flatten(ALL),
        ],
        &[Flatten(ALL), Flatten(ALL), Relocate(ALL), Flatten(0)],
    ];
    for stages in orders {
        assert_eq!(after(object, kernel, stages), expected);
    }
}

/// Programs that share callees with relocations of their own, poison included.
#[test]
fn flatten_and_relocate_commute() {
    let functions = (0..12).map(|i| Function {
        section: i % 3,
        ops: vec![
            Op::Read(i),
            Op::Call(i + 1),
            Op::Exists(i),
            Op::Callback(i + 5),
            Op::Map(i),
        ],
    });
    let plan = Plan {
        functions: functions.collect(),
    };
    for order in Order::BOTH {
        let object = opened(&plan.build(order, &mut Shuffle(0)));
        assert_commutes(&object, &target(&kernel(order)));
    }
}

/// The same for what clang compiled, with itself as the kernel.
#[test]
fn flatten_and_relocate_commute_on_a_compiled_object() {
    for order in Order::BOTH {
        let Some(bytes) = compile("commute", order, &[]) else {
            return;
        };
        let object = opened(&bytes);
        let own = object.btf().expect("clang writes BTF").clone();
        assert_commutes(&object, &Target::from_btf(own));
    }
}
