//! Calls and functions: which functions a program gets, in which order, and
//! that every call and every callback reaches the function it names.
//!
//! Expected streams are written out by hand: a call's immediate is the slot of
//! the callee, minus the slot of the call, minus one.

mod support;

use bpflink::link::{Choice, Programs};
use support::btf::Order;
use support::elf::{GLOBAL, LOCAL, WEAK};
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};

/// A call as clang leaves it where the relocation names the callee.
const CALL: I = call_fn(-1);

/// Flatten: breadth first, the direct references of each function in order of name.
#[test]
fn flatten_appends_breadth_first_in_order_of_name() {
    for order in Order::BOTH {
        let mut o = Obj::new(order);
        let text = o.code(
            ".text",
            &[
                Fun("zeta", GLOBAL, &[CALL, exit()]),
                Fun("beta", GLOBAL, &[mov(0, 2), exit()]),
                Fun("alpha", GLOBAL, &[CALL, exit()]),
                Fun("mu", GLOBAL, &[mov(0, 4), exit()]),
            ],
        );
        let entry = o.code("socket", &[Fun("entry", GLOBAL, &[CALL, CALL, exit()])]);
        let [zeta, beta, alpha, mu] = [0, 1, 2, 3].map(|i| text.funs[i].0);
        o.call(&entry, 0, zeta);
        o.call(&entry, 1, alpha);
        o.call(&text, 0, beta);
        o.call(&text, 4, mu);
        let set = linked(&o.build());
        let expected = [
            ("entry", 0),
            ("alpha", 3),
            ("zeta", 5),
            ("mu", 7),
            ("beta", 9),
        ];
        let expected = expected.map(|(name, at)| (name.to_owned(), at));
        assert_eq!(functions(&set, "entry"), expected);
        assert_eq!(
            stream(&set, "entry"),
            [
                call_fn(4), // 0: zeta at 5
                call_fn(1), // 1: alpha at 3
                exit(),
                call_fn(3), // 3: alpha calls mu at 7
                exit(),
                call_fn(3), // 5: zeta calls beta at 9
                exit(),
                mov(0, 4),
                exit(),
                mov(0, 2),
                exit(),
            ]
        );
    }
}

/// A section of a name that nobody knows holds programs of no type, and functions for others.
#[test]
fn an_unknown_section_is_code_of_no_type() {
    let mut o = Obj::little();
    let library = o.code(
        "mylib",
        &[
            Fun("lonely", GLOBAL, &[mov(0, 1), exit()]),
            Fun("helping", LOCAL, &[mov(0, 2), exit()]),
        ],
    );
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &[CALL, exit()])]);
    o.call(&entry, 0, library.funs[1].0);
    let set = linked(&o.build());
    let of = |name: &str| {
        (
            program(&set, name).program_type().program_type,
            stream(&set, name),
        )
    };
    assert_eq!(of("lonely"), (0, vec![mov(0, 1), exit()]));
    // BPF_PROG_TYPE_SOCKET_FILTER
    let called = vec![call_fn(1), exit(), mov(0, 2), exit()];
    assert_eq!(of("entry"), (1, called));
}

/// Each function once, however often and by whomever it is called; two programs
/// that share a callee each get their own copy.
#[test]
fn a_shared_callee_comes_once_into_each_program() {
    let mut o = Obj::little();
    let text = o.code(".text", &[Fun("shared", GLOBAL, &[mov(0, 1), exit()])]);
    let entries = o.code(
        "socket",
        &[
            Fun("one", GLOBAL, &[CALL, CALL, exit()]),
            Fun("two", GLOBAL, &[mov(6, 0), CALL, exit()]),
        ],
    );
    for slot in [0, 1, 4] {
        o.call(&entries, slot, text.funs[0].0);
    }
    let set = linked(&o.build());
    let one = [call_fn(2), call_fn(1), exit(), mov(0, 1), exit()];
    assert_eq!(stream(&set, "one"), one);
    let two = [mov(6, 0), call_fn(1), exit(), mov(0, 1), exit()];
    assert_eq!(stream(&set, "two"), two);
}

/// parity, calls: a callback to a global or weak function that is not first in
/// its section; a callback in another section than `.text`.
#[test]
fn callbacks_to_global_and_weak_functions_that_are_not_first() {
    for order in Order::BOTH {
        let mut o = Obj::new(order);
        let text = o.code(
            ".text",
            &[
                Fun("first", GLOBAL, &[mov(0, 0), mov(0, 0), exit()]),
                Fun("global_cb", GLOBAL, &[mov(0, 1), exit()]),
                Fun("weak_cb", WEAK, &[mov(0, 2), exit()]),
            ],
        );
        let lib = o.code(
            "lib",
            &[
                Fun("lib_first", GLOBAL, &[mov(0, 3), exit()]),
                Fun("lib_cb", GLOBAL, &[mov(0, 4), exit()]),
            ],
        );
        let load = ld64(2, 0, 0, 0);
        let body = [&load[..], &load, &load, &[exit()]].concat();
        let entry = o.code("socket", &[Fun("entry", GLOBAL, &body)]);
        o.load(&entry, 0, text.funs[1].0);
        o.load(&entry, 2, text.funs[2].0);
        o.load(&entry, 4, lib.funs[1].0);
        let set = linked(&o.build());
        // entry is 7 slots: global_cb at 7, lib_cb at 9, weak_cb at 11.
        let names = ["entry", "global_cb", "lib_cb", "weak_cb"];
        assert_eq!(function_names(&set, "entry"), names);
        let expected = [
            &ld64(2, 4, 6, 0)[..], // 0: 7 - 0 - 1
            &ld64(2, 4, 8, 0),     // 2: 11 - 2 - 1
            &ld64(2, 4, 4, 0),     // 4: 9 - 4 - 1
            &[
                exit(),
                mov(0, 1),
                exit(),
                mov(0, 4),
                exit(),
                mov(0, 2),
                exit(),
            ],
        ];
        assert_eq!(stream(&set, "entry"), expected.concat());
    }
}

/// A callback to a static function: the relocation names the section, the
/// immediate is the offset in bytes.
#[test]
fn callback_through_the_section_symbol() {
    for order in Order::BOTH {
        let mut o = Obj::new(order);
        let text = o.code(
            ".text",
            &[
                Fun("first", LOCAL, &[mov(0, 0), exit()]),
                Fun("second", LOCAL, &[mov(0, 1), exit()]),
            ],
        );
        let section = o.elf.section_symbol(text.sec);
        let body = [&ld64(2, 0, 16, 0)[..], &[exit()]].concat();
        let entry = o.code("socket", &[Fun("entry", GLOBAL, &body)]);
        o.load(&entry, 0, section);
        let set = linked(&o.build());
        let expected = [&ld64(2, 4, 2, 0)[..], &[exit(), mov(0, 1), exit()]];
        assert_eq!(stream(&set, "entry"), expected.concat());
    }
}

/// parity, calls: two callees at the same offset of two different sections.
#[test]
fn two_callees_at_one_offset_of_two_sections() {
    let mut o = Obj::little();
    let text = o.code(".text", &[Fun("in_text", GLOBAL, &[mov(0, 1), exit()])]);
    let lib = o.code("lib", &[Fun("in_lib", GLOBAL, &[mov(0, 2), exit()])]);
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &[CALL, CALL, exit()])]);
    o.call(&entry, 0, text.funs[0].0);
    o.call(&entry, 1, lib.funs[0].0);
    let set = linked(&o.build());
    let expected = [
        call_fn(4), // in_text at 5
        call_fn(1), // in_lib at 3
        exit(),
        mov(0, 2),
        exit(),
        mov(0, 1),
        exit(),
    ];
    assert_eq!(stream(&set, "entry"), expected);
}

/// parity, calls: an entry program that calls another entry program, whose
/// callee uses `.text`.
#[test]
fn an_entry_program_calls_another_that_uses_text() {
    let mut o = Obj::little();
    let text = o.code(".text", &[Fun("deep", GLOBAL, &[mov(0, 9), exit()])]);
    let inner = o.code("socket/inner", &[Fun("inner", GLOBAL, &[CALL, exit()])]);
    let outer = o.code("socket/outer", &[Fun("outer", GLOBAL, &[CALL, exit()])]);
    o.call(&outer, 0, inner.funs[0].0);
    o.call(&inner, 0, text.funs[0].0);
    let set = linked(&o.build());
    let deep = [mov(0, 9), exit()];
    assert_eq!(
        stream(&set, "inner"),
        [&[call_fn(1), exit()][..], &deep].concat()
    );
    let outer = [call_fn(1), exit(), call_fn(1), exit()];
    assert_eq!(stream(&set, "outer"), [&outer[..], &deep].concat());
}

/// parity, calls: two static functions of one name after static linking, called
/// through the section symbol, each by its own program.
#[test]
fn two_static_functions_of_one_name() {
    let mut o = Obj::little();
    let text = o.code(
        ".text",
        &[
            Fun("helper", LOCAL, &[mov(0, 1), exit()]),
            Fun("helper", LOCAL, &[mov(0, 2), exit()]),
        ],
    );
    let section = o.elf.section_symbol(text.sec);
    // The immediate of a section-relative call counts slots: target - 1.
    let entries = o.code(
        "socket",
        &[
            Fun("one", GLOBAL, &[call_fn(-1), exit()]),
            Fun("two", GLOBAL, &[call_fn(1), exit()]),
            Fun("both", GLOBAL, &[call_fn(1), call_fn(-1), exit()]),
        ],
    );
    for slot in [0, 2, 4, 5] {
        o.call(&entries, slot, section);
    }
    let set = linked(&o.build());
    assert_eq!(stream(&set, "one"), [call_fn(1), exit(), mov(0, 1), exit()]);
    assert_eq!(stream(&set, "two"), [call_fn(1), exit(), mov(0, 2), exit()]);
    // Of equal names the one that stands first in its section comes first.
    let both = [
        call_fn(4),
        call_fn(1),
        exit(),
        mov(0, 1),
        exit(),
        mov(0, 2),
        exit(),
    ];
    assert_eq!(stream(&set, "both"), both);
}

/// parity, calls: two static callbacks of one name after static linking.
#[test]
fn two_static_callbacks_of_one_name() {
    let mut o = Obj::little();
    let text = o.code(
        ".text",
        &[
            Fun("each", LOCAL, &[mov(0, 1), exit()]),
            Fun("each", LOCAL, &[mov(0, 2), exit()]),
        ],
    );
    let section = o.elf.section_symbol(text.sec);
    let [first, second] = [0, 16].map(|offset| ld64(2, 0, offset, 0));
    let body = [&second[..], &first, &[exit()]].concat();
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &body)]);
    o.load(&entry, 0, section);
    o.load(&entry, 2, section);
    let set = linked(&o.build());
    let expected = [
        &ld64(2, 4, 6, 0)[..], // the second, at 7
        &ld64(2, 4, 2, 0),     // the first, at 5
        &[exit(), mov(0, 1), exit(), mov(0, 2), exit()],
    ];
    assert_eq!(stream(&set, "entry"), expected.concat());
}

/// parity, calls: a weak function overridden by a strong one after static
/// linking leaves a gap; func and line records still belong to the right
/// instructions, and those of the dead body to none.
#[test]
fn a_dead_weak_body_leaves_a_gap() {
    let mut o = Obj::little();
    let mut text = o.code(".text", &[Fun("before", GLOBAL, &[mov(0, 1), exit()])]);
    // Three slots that no symbol covers, with records of their own.
    let dead = bytes(&[mov(0, 7), mov(0, 7), exit()], Order::Little);
    o.elf.contents(text.sec).extend(dead);
    let dead_func = o.btf.func("dead", o.proto, 1);
    o.ext.func(text.name, 2, dead_func);
    o.ext.line(text.name, 2, 0, 0, 77, 1);
    text.len += 3;
    let after = o.function(&mut text, "after", GLOBAL, &[mov(0, 2), exit()]);
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &[CALL, CALL, exit()])]);
    o.call(&entry, 0, text.funs[0].0);
    o.call(&entry, 1, after);
    let set = linked(&o.build());
    let expected = [
        call_fn(4),
        call_fn(1),
        exit(),
        mov(0, 2),
        exit(),
        mov(0, 1),
        exit(),
    ];
    assert_eq!(stream(&set, "entry"), expected);
    let [before_func, after_func] = [text.funs[0].2, text.funs[1].2];
    let entry_func = entry.funs[0].2;
    let info = [(0, entry_func), (3, after_func), (5, before_func)];
    assert_eq!(func_info(&set, "entry"), info);
    // The line of each function's first record is its slot in its section plus one.
    assert_eq!(lines(&set, "entry"), [(0, 1), (3, 6), (5, 1)]);
}

/// parity, calls: calls without relocation inside a section (LLVM 9 and older).
#[test]
fn calls_without_relocation_inside_a_section() {
    for order in Order::BOTH {
        let mut o = Obj::new(order);
        o.code(
            "socket",
            &[
                Fun("first", GLOBAL, &[mov(0, 1), call_fn(2), exit()]), // 1 + 1 + 2 = 4
                Fun("pad", GLOBAL, &[exit()]),
                Fun("last", GLOBAL, &[mov(0, 2), exit()]),
            ],
        );
        let set = linked(&o.build());
        let expected = [mov(0, 1), call_fn(1), exit(), mov(0, 2), exit()];
        assert_eq!(stream(&set, "first"), expected);
        assert_eq!(stream(&set, "pad"), [exit()]);
    }
}

/// parity, calls: a callee reached through the section symbol plus an offset.
#[test]
fn a_callee_through_the_section_symbol_plus_an_offset() {
    for order in Order::BOTH {
        let mut o = Obj::new(order);
        let text = o.code(
            ".text",
            &[
                Fun("first", LOCAL, &[mov(0, 1), mov(0, 1), exit()]),
                Fun("second", LOCAL, &[mov(0, 2), exit()]),
            ],
        );
        let section = o.elf.section_symbol(text.sec);
        // second is at slot 3: the immediate is 3 - 1.
        let entry = o.code("socket", &[Fun("entry", GLOBAL, &[call_fn(2), exit()])]);
        o.call(&entry, 0, section);
        let set = linked(&o.build());
        assert_eq!(
            stream(&set, "entry"),
            [call_fn(1), exit(), mov(0, 2), exit()]
        );
    }
}

/// parity, calls: an entry program that calls itself.
#[test]
fn an_entry_program_calls_itself() {
    let mut o = Obj::little();
    let body = [mov(0, 1), CALL, exit()];
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &body)]);
    o.call(&entry, 1, entry.funs[0].0);
    let set = linked(&o.build());
    assert_eq!(stream(&set, "entry"), [mov(0, 1), call_fn(-2), exit()]);
    assert_eq!(function_names(&set, "entry"), ["entry"]);
}

/// parity, calls: mutual recursion.
#[test]
fn mutual_recursion() {
    let mut o = Obj::little();
    let text = o.code(
        ".text",
        &[
            Fun("ping", GLOBAL, &[CALL, exit()]),
            Fun("pong", GLOBAL, &[CALL, exit()]),
        ],
    );
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &[CALL, exit()])]);
    o.call(&entry, 0, text.funs[0].0);
    o.call(&text, 0, text.funs[1].0);
    o.call(&text, 2, text.funs[0].0);
    let set = linked(&o.build());
    let expected = [call_fn(1), exit(), call_fn(1), exit(), call_fn(-3), exit()];
    assert_eq!(stream(&set, "entry"), expected);
}

/// parity, calls: a missing callee; the error names the symbol, the caller and
/// the instruction, and the other program stands.
#[test]
fn a_missing_callee_fails_its_program_alone() {
    let mut o = Obj::little();
    let entries = o.code(
        "socket",
        &[
            Fun("bad", GLOBAL, &[mov(0, 0), CALL, exit()]),
            Fun("good", GLOBAL, &[mov(0, 0), exit()]),
        ],
    );
    let missing = o.elf.undefined("missing", GLOBAL);
    o.call(&entries, 1, missing);
    let object = opened(&o.build());
    let set = link_for(&object, &bare_target(Order::Little));
    let message = failure(&set, "bad");
    for part in ["program bad", "instruction 1", "missing"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(stream(&set, "good"), [mov(0, 0), exit()]);
}

/// A call into the middle of a function reaches no function.
#[test]
fn a_call_into_the_middle_of_a_function_fails() {
    let mut o = Obj::little();
    let text = o.code(".text", &[Fun("f", LOCAL, &[mov(0, 1), mov(0, 2), exit()])]);
    let section = o.elf.section_symbol(text.sec);
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &[call_fn(0), exit()])]);
    o.call(&entry, 0, section);
    let set = open(&o.build()).map(|object| link_for(&object, &bare_target(Order::Little)));
    let message = match set {
        Ok(set) => failure(&set, "entry"),
        Err(error) => error.to_string(),
    };
    assert!(message.contains(".text"), "{message}");
    assert!(message.contains("instruction 0"), "{message}");
}

/// Static functions of a program section and functions of `.text` are library
/// code, no programs.
#[test]
fn entry_programs_are_those_that_others_can_name() {
    let mut o = Obj::little();
    o.code(".text", &[Fun("in_text", GLOBAL, &[exit()])]);
    o.code(
        "socket",
        &[
            Fun("entry", GLOBAL, &[exit()]),
            Fun("static_one", LOCAL, &[exit()]),
            Fun("weak_entry", WEAK, &[exit()]),
        ],
    );
    let set = linked(&o.build());
    let names: Vec<String> = set
        .programs()
        .iter()
        .map(|p| p.name().to_string())
        .collect();
    assert_eq!(names, ["entry", "weak_entry"]);
}

/// Flatten leaves a program alone that has no function references, and a
/// function that is no entry can be asked for by its name.
#[test]
fn function_references_are_told_and_any_function_can_be_chosen() {
    let mut o = Obj::little();
    let text = o.code(
        ".text",
        &[
            Fun("caller", GLOBAL, &[CALL, exit()]),
            Fun("callee", GLOBAL, &[mov(0, 1), exit()]),
        ],
    );
    o.call(&text, 0, text.funs[1].0);
    o.code("socket", &[Fun("entry", GLOBAL, &[exit()])]);
    let mut set = Programs::split(&opened(&o.build())).unwrap();
    assert!(!program(&set, "entry").has_function_references());
    set.flatten(Choice::Named(&["caller".into()])).unwrap();
    assert!(program(&set, "caller").has_function_references());
    assert_eq!(function_names(&set, "caller"), ["caller", "callee"]);
    assert_eq!(program(&set, "entry").instructions().len(), 1);
}

/// Flatten twice is flatten once.
#[test]
fn flatten_twice_is_flatten_once() {
    let mut o = Obj::little();
    let text = o.code(".text", &[Fun("f", GLOBAL, &[exit()])]);
    let entry = o.code("socket", &[Fun("entry", GLOBAL, &[CALL, exit()])]);
    o.call(&entry, 0, text.funs[0].0);
    let mut set = Programs::split(&opened(&o.build())).unwrap();
    set.flatten(Choice::All).unwrap();
    let once = program(&set, "entry").instructions().to_vec();
    assert_eq!(once.len(), 3);
    set.flatten(Choice::All).unwrap();
    assert_eq!(program(&set, "entry").instructions(), once);
}
