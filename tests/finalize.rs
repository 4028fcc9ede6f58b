//! Finalize: file descriptors of maps, helpers that the target lacks, records of
//! functions and lines, the order of the stages.

mod support;

use std::sync::Arc;

use bpflink::link::{Choice, FinalizeOptions, Linker, Programs, ReferenceKind};
use bpflink::target::TargetBuilder;
use bpflink::{Object, Status, Target};
use support::btf::Order;
use support::elf::{GLOBAL, LOCAL};
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};

/// A program that refers to the maps `one` (slot 0) and `two` (slot 2).
fn two_maps(order: Order) -> Arc<Object> {
    let mut o = Obj::new(order);
    let maps = o.array_maps(&["one", "two"]);
    let body = [&ld64(1, 0, 0, 0)[..], &ld64(2, 0, 0, 0), &[exit()]].concat();
    let code = o.code("socket", &[Fun("entry", GLOBAL, &body)]);
    o.load(&code, 0, maps[0]);
    o.load(&code, 2, maps[1]);
    opened(&o.build())
}

/// The loader sets each map's file descriptor.
#[test]
fn file_descriptors_are_written_into_the_instructions() {
    for order in Order::BOTH {
        let fds = [("one", 11), ("two", 12)];
        let set = staged(&two_maps(order), &bare_target(order), &fds).unwrap();
        let expected = [&ld64(1, 1, 11, 0)[..], &ld64(2, 1, 12, 0), &[exit()]];
        assert_eq!(stream(&set, "entry"), expected.concat());
        let resolved: Vec<bool> = program(&set, "entry")
            .references()
            .iter()
            .map(|r| r.resolved)
            .collect();
        assert_eq!(resolved, [true, true]);
    }
}

/// A map reference that nobody satisfied: refused, naming instruction and map.
#[test]
fn an_unsatisfied_map_reference_is_refused() {
    let order = Order::Little;
    let error = staged(&two_maps(order), &bare_target(order), &[("one", 11)]).unwrap_err();
    assert_eq!(error.status(), Status::Unresolved);
    let message = error.to_string();
    for part in ["program entry", "instruction 2", "map two"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// Or left: zero, with its pseudo source register, and listed.
#[test]
fn map_references_may_be_left_to_the_loader() {
    let set = link_for(&two_maps(Order::Little), &bare_target(Order::Little));
    let expected = [&ld64(1, 1, 0, 0)[..], &ld64(2, 1, 0, 0), &[exit()]];
    assert_eq!(stream(&set, "entry"), expected.concat());
    let listed: Vec<_> = program(&set, "entry")
        .references()
        .into_iter()
        .map(|r| (r.insn, r.kind, r.name.to_string(), r.offset, r.resolved))
        .collect();
    let expected = [
        (0, ReferenceKind::MapFd, "one".to_owned(), 0, false),
        (2, ReferenceKind::MapFd, "two".to_owned(), 0, false),
    ];
    assert_eq!(listed, expected);
}

/// File descriptors that are none, and maps that do not exist.
#[test]
fn file_descriptors_are_checked() {
    let mut set = Programs::split(&two_maps(Order::Little)).unwrap();
    let error = set.set_map_fd(&"one".into(), -1).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    let error = set.set_map_fd(&"three".into(), 5).unwrap_err();
    assert_eq!(error.status(), Status::NotFound);
    assert!(error.to_string().contains("three"), "{error}");
    // 0 is a file descriptor like any other.
    set.set_map_fd(&"one".into(), 0).unwrap();
}

/// A kernel that is known by its release alone.
fn release(text: &str) -> Target {
    TargetBuilder::new().release(text).unwrap().build().unwrap()
}

/// bpf_probe_read_{user,kernel}{,_str} (112 to 115) become bpf_probe_read (4)
/// and bpf_probe_read_str (45) where the target lacks them (before Linux 5.5).
#[test]
fn helpers_that_the_target_lacks_are_replaced() {
    let mut o = Obj::little();
    o.no_btf = true;
    let text = o.code(".text", &[Fun("callee", GLOBAL, &[call(113), exit()])]);
    let body = [
        call(112),
        call(113),
        call(114),
        call(115),
        call(1),
        call_fn(-1),
        exit(),
    ];
    let code = o.code("kprobe/x", &[Fun("entry", GLOBAL, &body)]);
    o.call(&code, 5, text.funs[0].0);
    let object = opened(&o.build());
    let helpers = |target: &Target| -> Vec<i32> {
        let set = link_for(&object, target);
        let calls = stream(&set, "entry").into_iter();
        calls
            .filter(|i| i.code == 0x85 && i.src == 0)
            .map(|i| i.imm)
            .collect()
    };
    assert_eq!(helpers(&release("5.4.0")), [4, 4, 45, 45, 1, 4]);
    assert_eq!(helpers(&release("5.5.0")), [112, 113, 114, 115, 1, 113]);
}

/// A kfunc's id or a callee's distance that happens to be 113 is no helper.
#[test]
fn only_helper_calls_are_replaced() {
    let mut o = Obj::little();
    o.no_btf = true;
    let padding = vec![mov(0, 0); 112];
    let text = o.code(".text", &[Fun("callee", GLOBAL, &[exit()])]);
    let body = [&[call_fn(-1)][..], &padding, &[exit()]].concat();
    let code = o.code("kprobe/x", &[Fun("entry", GLOBAL, &body)]);
    o.call(&code, 0, text.funs[0].0);
    let set = link_for(&opened(&o.build()), &release("5.4.0"));
    // The entry has 114 slots: the callee stands at 114, 113 behind the call.
    assert_eq!(stream(&set, "entry")[0], call_fn(113));
}

/// func_info and line_info move with their functions, in both byte orders.
#[test]
fn records_move_with_their_functions() {
    for order in Order::BOTH {
        let mut o = Obj::new(order);
        let text = o.code(
            ".text",
            &[
                Fun("unused", GLOBAL, &[mov(0, 0), exit()]),
                Fun("callee", GLOBAL, &[mov(0, 1), mov(0, 2), exit()]),
            ],
        );
        let file = o.btf.string("other.c");
        o.ext.line(text.name, 3, file, 0, 99, 7); // the callee's second instruction
        let code = o.code("socket", &[Fun("entry", GLOBAL, &[call_fn(-1), exit()])]);
        o.call(&code, 0, text.funs[1].0);
        let set = linked(&o.build());
        let info = [(0, code.funs[0].2), (2, text.funs[1].2)];
        assert_eq!(func_info(&set, "entry"), info);
        assert_eq!(lines(&set, "entry"), [(0, 1), (2, 3), (3, 99)]);
        assert_eq!(program(&set, "entry").func_info().record_size, 8);
        assert_eq!(program(&set, "entry").line_info().record_size, 16);
    }
}

/// The kernel wants a func_info record for each function or none at all.
#[test]
fn func_info_is_left_out_whole_where_a_function_lacks_it() {
    let mut o = Obj::little();
    let mut text = o.code(".text", &[]);
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &[call_fn(-1), exit()])]);
    // A callee without records: the symbol alone.
    let raw = bytes(&[mov(0, 1), exit()], Order::Little);
    o.elf.contents(text.sec).extend(raw);
    text.len = 2;
    let callee = o.elf.func("bare", GLOBAL, text.sec, 0, 16);
    o.call(&entry, 0, callee);
    let set = linked(&o.build());
    assert_eq!(stream(&set, "entry").len(), 4);
    assert_eq!(func_info(&set, "entry"), []);
    let warnings = set.warnings().join("\n");
    assert!(warnings.contains("bare"), "{warnings}");
    assert!(warnings.contains("func_info"), "{warnings}");
}

/// A kernel without BTF of functions gets none (Linux 5.0 brought it).
#[test]
fn records_that_the_target_does_not_know_are_left_out() {
    let mut o = Obj::little();
    o.code("socket", &[Fun("entry", GLOBAL, &[mov(0, 0), exit()])]);
    let object = opened(&o.build());
    for (text, records) in [("4.19.0", 0), ("5.0.0", 1)] {
        let set = link_for(&object, &release(text));
        assert_eq!(func_info(&set, "entry").len(), records, "{text}");
        assert_eq!(lines(&set, "entry").len(), records, "{text}");
    }
}

/// Finalize before flatten: the callee is not there.
#[test]
fn finalize_before_flatten_is_refused() {
    let mut o = Obj::little();
    let text = o.code(".text", &[Fun("callee", LOCAL, &[exit()])]);
    let section = o.elf.section_symbol(text.sec);
    let code = o.code(
        "socket",
        &[Fun("entry", GLOBAL, &[mov(0, 0), call_fn(-1), exit()])],
    );
    o.call(&code, 1, section);
    let mut set = Programs::split(&opened(&o.build())).unwrap();
    let target = bare_target(Order::Little);
    let error = set
        .finalize(&target, FinalizeOptions::default(), Choice::All)
        .unwrap_err();
    let message = error.to_string();
    for part in ["program entry", "instruction 1", "callee", "flatten"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// A stage that was done is not done again, nor one after finalize.
#[test]
fn stages_out_of_order() {
    let mut o = Obj::little();
    o.code("socket", &[Fun("entry", GLOBAL, &[exit()])]);
    let object = opened(&o.build());
    let target = bare_target(Order::Little);
    let mut set = Programs::split(&object).unwrap();
    set.relocate(&target, Default::default(), Choice::All)
        .unwrap();
    let again = set
        .relocate(&target, Default::default(), Choice::All)
        .unwrap_err();
    assert_eq!(again.status(), Status::InvalidState);
    set.finalize(&target, FinalizeOptions::default(), Choice::All)
        .unwrap();
    let calls = [
        set.flatten(Choice::All),
        set.relocate(&target, Default::default(), Choice::All),
        set.finalize(&target, FinalizeOptions::default(), Choice::All),
    ];
    for call in calls {
        let error = call.unwrap_err();
        assert_eq!(error.status(), Status::InvalidState);
        assert!(error.to_string().contains("entry"), "{error}");
    }
    assert_eq!(stream(&set, "entry"), [exit()]);
}

/// A program that one stage failed is skipped by the later ones; the first
/// error stays, the others go on.
#[test]
fn a_failed_program_is_skipped_by_later_stages() {
    let mut o = Obj::little();
    let code = o.code(
        "socket",
        &[
            Fun("bad", GLOBAL, &[ldx(W, 1, 6, 0), exit()]),
            Fun("good", GLOBAL, &[exit()]),
        ],
    );
    let int = o.int;
    o.core(&code, 0, int, "0", 99);
    let mut set = Programs::split(&opened(&o.build())).unwrap();
    let target = bare_target(Order::Little);
    let first = set
        .relocate(&target, Default::default(), Choice::All)
        .unwrap_err();
    set.flatten(Choice::All).unwrap_err();
    set.finalize(&target, FinalizeOptions::default(), Choice::All)
        .unwrap_err();
    assert_eq!(failure(&set, "bad"), first.to_string());
    assert!(program(&set, "bad").bytes().is_none());
    assert_eq!(stream(&set, "good"), [exit()]);
}

/// Only the chosen programs are linked; a name that does not exist is an error.
#[test]
fn programs_are_chosen_by_name() {
    let mut o = Obj::little();
    let body = [mov(0, 1), exit()];
    let functions = ["one", "two", "three"].map(|name| Fun(name, GLOBAL, &body));
    o.code("socket", &functions);
    let object = opened(&o.build());
    let target = bare_target(Order::Little);
    let set = Linker::new(&target)
        .programs(["two"])
        .link(&object)
        .unwrap();
    let names: Vec<String> = set
        .programs()
        .iter()
        .map(|p| p.name().to_string())
        .collect();
    assert_eq!(names, ["two"]);
    let error = Linker::new(&target)
        .programs(["four"])
        .link(&object)
        .unwrap_err();
    assert_eq!(error.status(), Status::NotFound);
    assert!(error.to_string().contains("four"), "{error}");
}
