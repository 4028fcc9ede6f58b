//! The comparator itself: what must count as equal, and what must not.

use crate::compare::outputs;
use crate::known::Witness;
use crate::output::Output;

/// `call` of the function at `to`, standing at `at`.
fn call(at: i32, to: i32) -> String {
    format!("85100000{}", hex(to - at - 1))
}

fn hex(imm: i32) -> String {
    imm.to_le_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

fn mov(imm: i32) -> String {
    format!("b7000000{}", hex(imm))
}

const EXIT: &str = "9500000000000000";
const MAP: &str = "18110000000000000000000000000000";

fn output(slots: &[String], functions: &[(&str, usize)], map: Option<(usize, &str)>) -> Output {
    let bytes = slots.concat();
    let functions: Vec<_> = functions
        .iter()
        .map(|(name, insn)| serde_json::json!({"name": name, "insn": insn}))
        .collect();
    let refs: Vec<_> = map
        .iter()
        .map(|(insn, name)| serde_json::json!({"insn": insn, "kind": "map_fd", "name": name}))
        .collect();
    let line = serde_json::json!({
        "program": "p", "section": "tc", "insns": bytes.len() / 16, "bytes": bytes,
        "functions": functions, "refs": refs,
    });
    Output::parse(&line.to_string(), false).unwrap()
}

/// main calls f then g; f returns 1, g returns 2.
fn in_order() -> Output {
    let slots = [
        call(0, 3),
        call(1, 5),
        EXIT.into(),
        mov(1),
        EXIT.into(),
        mov(2),
        EXIT.into(),
    ];
    output(&slots, &[("main", 0), ("f", 3), ("g", 5)], None)
}

fn differences(ours: &Output, theirs: &Output, witness: Witness) -> Vec<String> {
    outputs(ours, theirs, witness).differences
}

#[test]
fn the_order_of_functions_does_not_matter() {
    let slots = [
        call(0, 5),
        call(1, 3),
        EXIT.into(),
        mov(2),
        EXIT.into(),
        mov(1),
        EXIT.into(),
    ];
    let other = output(&slots, &[("main", 0), ("g", 3), ("f", 5)], None);
    let verdict = outputs(&in_order(), &other, Witness::Libbpf);
    assert_eq!(verdict.differences, Vec::<String>::new());
    assert_eq!((verdict.programs.equal, verdict.functions_equal), (1, 3));
}

#[test]
fn a_call_of_another_function_differs() {
    let slots = [
        call(0, 5),
        call(1, 3),
        EXIT.into(),
        mov(1),
        EXIT.into(),
        mov(2),
        EXIT.into(),
    ];
    let other = output(&slots, &[("main", 0), ("f", 3), ("g", 5)], None);
    assert!(!differences(&in_order(), &other, Witness::Libbpf).is_empty());
    assert!(!differences(&in_order(), &other, Witness::Cilium).is_empty());
}

#[test]
fn two_calls_of_one_function_are_not_two_functions() {
    let slots = [call(0, 3), call(1, 3), EXIT.into(), mov(1), EXIT.into()];
    let ours = output(&slots, &[], None);
    let slots = [
        call(0, 3),
        call(1, 5),
        EXIT.into(),
        mov(1),
        EXIT.into(),
        mov(1),
        EXIT.into(),
    ];
    let theirs = output(&slots, &[], None);
    assert!(!differences(&ours, &theirs, Witness::Libbpf).is_empty());
    assert!(!differences(&theirs, &ours, Witness::Libbpf).is_empty());
}

#[test]
fn the_first_differing_instruction_is_named() {
    let slots = [
        call(0, 3),
        call(1, 5),
        EXIT.into(),
        mov(1),
        EXIT.into(),
        mov(3),
        EXIT.into(),
    ];
    let other = output(&slots, &[("main", 0), ("f", 3), ("g", 5)], None);
    let found = differences(&in_order(), &other, Witness::Libbpf);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("tc p: g+0: b7 00 0000 00000002"),
        "{found:?}"
    );
}

#[test]
fn a_longer_function_and_one_too_many_differ() {
    let ours = output(&[mov(1), EXIT.into()], &[("main", 0)], None);
    let longer = output(&[mov(1), EXIT.into(), EXIT.into()], &[("main", 0)], None);
    let more = output(
        &[mov(1), EXIT.into(), EXIT.into()],
        &[("main", 0), ("x", 2)],
        None,
    );
    assert!(!differences(&ours, &longer, Witness::Libbpf).is_empty());
    assert!(!differences(&ours, &more, Witness::Libbpf).is_empty());
    assert!(!differences(&more, &ours, Witness::Libbpf).is_empty());
    assert!(differences(&more, &ours, Witness::Cilium).is_empty());
}

#[test]
fn references_are_compared_by_name() {
    let with = |name| output(&[MAP.into(), EXIT.into()], &[], Some((0, name)));
    assert!(differences(&with("a"), &with("a"), Witness::Libbpf).is_empty());
    assert!(!differences(&with("a"), &with("b"), Witness::Libbpf).is_empty());
    let without = output(&[MAP.into(), EXIT.into()], &[], None);
    assert!(!differences(&with("a"), &without, Witness::Cilium).is_empty());
}

#[test]
fn a_known_difference_hides_nothing_but_itself() {
    // ours: r0 s/= r0 by offset 1; cilium drops the offset.
    let ours = |last| output(&["3f00010000000000".into(), mov(last)], &[], None);
    let theirs = output(&["3f00000000000000".into(), mov(1)], &[], None);
    let scope = Witness::Cilium;
    let verdict = outputs(&ours(1), &theirs, scope);
    let tally = &verdict.classes[&(Witness::Cilium, "alu-offset-lost")];
    assert_eq!((tally.programs, tally.places), (1, 1));
    assert_eq!((verdict.programs.equal, verdict.programs.known), (0, 1));
    assert!(verdict.differences.is_empty());
    assert_eq!(outputs(&ours(2), &theirs, scope).differences.len(), 1);
    assert_eq!(differences(&ours(1), &theirs, Witness::Libbpf).len(), 1);
}

#[test]
fn a_program_that_only_ours_refuses_is_a_difference() {
    let failed = r#"{"program":"p","section":"tc","error":"insn 3: no"}"#;
    let failed = Output::parse(failed, false).unwrap();
    let linked = output(&[EXIT.into()], &[], None);
    assert_eq!(differences(&failed, &linked, Witness::Libbpf).len(), 1);
    let whole = Output::parse(r#"{"program":null,"error":"no ELF"}"#, false).unwrap();
    assert_eq!(differences(&whole, &linked, Witness::Libbpf).len(), 1);
}

#[test]
fn poison_of_a_missing_function_is_not_that_of_a_relocation() {
    let ours = r#"{"program":"p","section":"tc","insns":1,"bytes":"850000001023ad0b","functions":[],"refs":[]}"#;
    let theirs = ours.replace("1023ad0b", "80185477");
    let parse = |text: &str| Output::parse(text, false).unwrap();
    assert!(differences(&parse(ours), &parse(&theirs), Witness::Libbpf).is_empty());
    let poisoned = r#""refs":[],"relocations":[{"insn":0,"kind":"byte_off","outcome":"poisoned","old":0,"new":0}]"#;
    let relocated = ours.replace(r#""refs":[]"#, poisoned);
    assert_eq!(
        differences(&parse(&relocated), &parse(&theirs), Witness::Libbpf).len(),
        1
    );
}

#[test]
fn the_values_of_kconfig_may_stand_in_the_order_of_the_host() {
    let map = |initial: &str, big_endian| {
        let line = serde_json::json!({"map": ".kconfig", "type": 2, "initial": initial});
        Output::parse(&line.to_string(), big_endian).unwrap()
    };
    let maps = |a: &str, b: &str, big_endian| {
        let scope = Witness::Libbpf;
        outputs(&map(a, big_endian), &map(b, big_endian), scope)
            .differences
            .len()
    };
    assert_eq!(maps("0007020c", "0c020700", true), 0);
    assert_eq!(maps("0007020c", "0c020701", true), 1);
    assert_eq!(maps("0007020c", "0c020700", false), 1);
}

#[test]
fn a_map_by_number_is_no_reference_and_hides_no_other_instruction() {
    let by_number = "18110000010000000000000000000000";
    let ours = output(&[by_number.into(), EXIT.into()], &[("main", 0)], None);
    let theirs = output(&[MAP.into(), EXIT.into()], &[("main", 0)], Some((0, "?")));
    assert!(differences(&ours, &theirs, Witness::Libbpf).is_empty());
    // A map that has a name is one, and so is a register that differs.
    let named = output(&[MAP.into(), EXIT.into()], &[("main", 0)], Some((0, "m")));
    assert!(!differences(&ours, &named, Witness::Libbpf).is_empty());
    let other = MAP.replacen("11", "12", 1);
    let theirs = output(&[other, EXIT.into()], &[("main", 0)], Some((0, "?")));
    assert!(!differences(&ours, &theirs, Witness::Libbpf).is_empty());
}

#[test]
fn only_cilium_lists_struct_ops_of_a_type_that_the_kernel_lacks() {
    let none = Output::parse("", false).unwrap();
    let listed = |kind| {
        let map = serde_json::json!({"map": "ops", "type": kind, "max_entries": 1});
        Output::parse(&map.to_string(), false).unwrap()
    };
    let lines = |kind, witness| {
        let scope = witness;
        outputs(&none, &listed(kind), scope).differences
    };
    assert!(lines(26, Witness::Cilium).is_empty());
    assert_eq!(lines(26, Witness::Libbpf).len(), 1);
    assert_eq!(lines(2, Witness::Cilium).len(), 1);
}

/// One program with these lines and one relocation of its first instruction.
fn described(lines: &str, new: i64, bytes: &str) -> Output {
    let line = format!(
        r#"{{"program":"p","section":"tc","insns":{},"bytes":"{bytes}","lines":{lines},
        "relocations":[{{"insn":0,"kind":"byte_off","outcome":"patched","new":{new}}}]}}"#,
        bytes.len() / 16
    );
    Output::parse(&line.replace('\n', ""), false).unwrap()
}

#[test]
fn lines_are_compared() {
    let exit = EXIT.repeat(2);
    let ours = described(r#"[[0,3,1,"a.c"],[1,4,1,"a.c"]]"#, 8, &exit);
    let same = outputs(&ours, &ours, Witness::Libbpf);
    assert_eq!((same.differences.len(), same.lines), (0, 2));
    for other in [
        r#"[[0,3,1,"a.c"],[1,5,1,"a.c"]]"#,
        r#"[[0,3,1,"a.c"],[1,4,1,"b.c"]]"#,
        r#"[[0,3,1,"a.c"],[1,4,2,"a.c"]]"#,
        r#"[[0,3,1,"a.c"]]"#,
        "[]",
    ] {
        for witness in [Witness::Libbpf, Witness::Cilium, Witness::Aya] {
            let theirs = described(other, 8, &exit);
            assert_eq!(differences(&ours, &theirs, witness).len(), 1, "{other}");
        }
    }
}

#[test]
fn cilium_keeps_one_line_for_each_instruction_the_last() {
    let exit = EXIT.repeat(2);
    let ours = described(r#"[[0,3,1,"a.c"],[0,4,1,"a.c"],[1,5,1,"a.c"]]"#, 8, &exit);
    let last = described(r#"[[0,4,1,"a.c"],[1,5,1,"a.c"]]"#, 8, &exit);
    let first = described(r#"[[0,3,1,"a.c"],[1,5,1,"a.c"]]"#, 8, &exit);
    assert!(differences(&ours, &last, Witness::Cilium).is_empty());
    assert_eq!(differences(&ours, &first, Witness::Cilium).len(), 1);
    assert_eq!(differences(&ours, &last, Witness::Libbpf).len(), 1);
}

#[test]
fn cilium_loses_the_line_of_a_poisoned_instruction_and_of_no_other() {
    let poisoned = format!("850000001023ad0b{EXIT}");
    let ours = described(r#"[[0,3,1,"a.c"],[1,4,1,"a.c"]]"#, 8, &poisoned);
    let lost = |lines: &str| described(lines, 8, &poisoned);
    assert!(differences(&ours, &lost(r#"[[1,4,1,"a.c"]]"#), Witness::Cilium).is_empty());
    assert_eq!(
        differences(&ours, &lost(r#"[[0,3,1,"a.c"]]"#), Witness::Cilium).len(),
        1
    );
}

#[test]
fn decisions_are_compared_with_libbpf() {
    let ours = described("[]", -1, EXIT);
    let unsigned = described("[]", -1, EXIT);
    assert!(differences(&ours, &unsigned, Witness::Libbpf).is_empty());
    let other = described("[]", 8, EXIT);
    assert_eq!(differences(&ours, &other, Witness::Libbpf).len(), 1);
}

#[test]
fn a_refusal_without_a_known_cause_is_a_difference() {
    let linked = output(&[EXIT.into()], &[], None);
    let refused = |why: &str| {
        let line = serde_json::json!({"program": "p", "section": "tc", "error": why});
        Output::parse(&line.to_string(), false).unwrap()
    };
    let verdict = outputs(&linked, &refused("no"), Witness::Cilium);
    assert_eq!(
        (verdict.differences.len(), verdict.programs.only_ours),
        (1, 1)
    );
    let known = "relocating instruction: map \"m\": unsupported binding: STB_WEAK";
    assert!(differences(&linked, &refused(known), Witness::Cilium).is_empty());
    assert_eq!(
        differences(&linked, &refused(known), Witness::Libbpf).len(),
        1
    );
}

#[test]
fn a_program_that_only_the_witness_knows_is_static_or_a_difference() {
    let linked = output(&[EXIT.into()], &[], None);
    let mut none = Output::default();
    assert_eq!(differences(&none, &linked, Witness::Cilium).len(), 1);
    none.statics.insert(("tc".to_owned(), "p".to_owned()));
    assert!(differences(&none, &linked, Witness::Cilium).is_empty());
    assert_eq!(differences(&none, &linked, Witness::Libbpf).len(), 1);
}
