//! Exception callbacks: the function that a program names by the declaration tag
//! `exception_callback:NAME` stands behind everything that the program reaches.
//!
//! The rules are those of libbpf's bpf_prog_assign_exc_cb and of the kernel's
//! bpf_find_exception_callback_insn_off.

#[path = "support/running.rs"]
mod running;
mod support;

use bpflink::bytes::Endian;
use bpflink::elf::{Binding, RawStream, Symbol};
use bpflink::link::{Choice, FinalizeOptions, Programs};
use bpflink::target::TargetBuilder;
use bpflink::{Object, Status, Target};
use running::{NATIVE, linked_for, may_load};
use support::btf::{BtfBuilder, GLOBAL as BTF_GLOBAL, Order, SIGNED};
use support::clang::compile;
use support::elf::{GLOBAL, HIDDEN, LOCAL, WEAK};
use support::insn::*;
use support::link::*;
use support::object::{Code, Fun, Obj};

const CALL: I = call_fn(-1);

/// `entry`, which calls `zeta`; `alpha`, which calls `beta`.
struct Throwing {
    o: Obj,
    text: Code,
    entry: Code,
}

impl Throwing {
    fn new(order: Order, alpha: u8) -> Throwing {
        let mut o = Obj::new(order);
        let text = o.code(
            ".text",
            &[
                Fun("alpha", alpha, &[mov(0, 1), CALL, exit()]),
                Fun("beta", LOCAL, &[mov(0, 2), exit()]),
                Fun("zeta", GLOBAL, &[mov(0, 3), exit()]),
            ],
        );
        let entry = o.code("tc", &[Fun("entry", GLOBAL, &[CALL, exit()])]);
        o.call(&entry, 0, text.funs[2].0);
        o.call(&text, 1, text.funs[1].0);
        Throwing { o, text, entry }
    }

    fn entry_func(&self) -> u32 {
        self.entry.funs[0].2
    }

    fn tag(&mut self, text: &str, owner: u32) {
        self.o.btf.decl_tag(text, owner, -1);
    }

    fn linked(&self) -> Programs {
        let object = opened(&self.o.build());
        link_for(&object, &bare_target(order_of(&object)))
    }
}

#[test]
fn the_callback_and_what_it_reaches_come_last() {
    for (order, binding) in Order::BOTH.into_iter().zip([GLOBAL, WEAK]) {
        let mut t = Throwing::new(order, binding);
        t.tag("exception_callback:alpha", t.entry_func());
        let set = t.linked();
        assert_eq!(
            function_names(&set, "entry"),
            ["entry", "zeta", "alpha", "beta"]
        );
        let body = [
            [call_fn(1), exit()],
            [mov(0, 3), exit()],
            [mov(0, 1), call_fn(1)],
            [exit(), mov(0, 2)],
        ];
        let body = [&body.concat()[..], &[exit()]].concat();
        assert_eq!(stream(&set, "entry"), body);
        let [alpha, beta, zeta] = [0, 1, 2].map(|index| t.text.funs[index].2);
        let records = [(0, t.entry_func()), (2, zeta), (4, alpha), (7, beta)];
        assert_eq!(func_info(&set, "entry"), records);
        // A function's line is the number of its first slot in its section, plus 1.
        assert_eq!(lines(&set, "entry"), [(0, 1), (2, 6), (4, 1), (7, 4)]);
    }
}

/// What the program reaches anyway is not there twice, and nothing else moves.
#[test]
fn a_callback_that_is_called_too_stands_where_it_is_called() {
    let mut t = Throwing::new(Order::Little, GLOBAL);
    let zeta = t.text.funs[2].2;
    t.o.btf.func("unrelated", t.o.proto, 1);
    t.tag("exception_callback:zeta", t.entry_func());
    // On a function that is no program the tag has no meaning, as for the kernel.
    t.tag("exception_callback:nobody", zeta);
    assert_eq!(function_names(&t.linked(), "entry"), ["entry", "zeta"]);
}

#[test]
fn relocations_in_the_callback_are_those_of_the_program() {
    let mut t = Throwing::new(Order::Little, GLOBAL);
    t.tag("exception_callback:alpha", t.entry_func());
    let local = t.o.btf.structure("absent", 4, &[]);
    t.o.core(&t.text, 0, local, "0", 8); // type_exists, on `mov(0, 1)` of alpha
    let object = opened(&t.o.build());
    let target = bare_target(Order::Little);
    let set = link_for(&object, &target);
    assert_eq!(stream(&set, "entry")[4], mov(0, 0));
    // In the other order of the stages as well.
    let mut other = Programs::split(&object).unwrap();
    other
        .relocate(&target, Default::default(), Choice::All)
        .unwrap();
    other.flatten(Choice::All).unwrap();
    other
        .finalize(&target, FinalizeOptions::default(), Choice::All)
        .unwrap();
    assert_eq!(stream(&other, "entry"), stream(&set, "entry"));
}

fn refused(change: impl Fn(&mut Throwing), alpha: u8, parts: &[&str]) {
    let mut t = Throwing::new(Order::Little, alpha);
    change(&mut t);
    let set = t.linked();
    let error = program(&set, "entry").error().expect("the tag is refused");
    assert_eq!(error.status(), Status::Elf);
    let message = error.to_string();
    for part in ["program entry", "exception_callback:"].iter().chain(parts) {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn tags_that_lead_nowhere() {
    let tag = |text: &'static str| move |t: &mut Throwing| t.tag(text, t.entry_func());
    refused(
        tag("exception_callback:nobody"),
        GLOBAL,
        &["nobody", "no function"],
    );
    refused(tag("exception_callback:"), GLOBAL, &["names no function"]);
    refused(
        tag("exception_callback:alpha"),
        LOCAL,
        &["alpha", "static or hidden"],
    );
    let hidden = |t: &mut Throwing| {
        tag("exception_callback:alpha")(t);
        let alpha = t.text.funs[0].0;
        t.o.elf.symbol_mut(alpha).visibility = HIDDEN;
    };
    refused(hidden, GLOBAL, &["alpha", "static or hidden"]);
}

/// libbpf refuses every program of the object: nobody knows whose tag it was to be.
#[test]
fn a_tag_of_something_that_is_no_program() {
    let of_static = |t: &mut Throwing| t.tag("exception_callback:alpha", t.text.funs[1].2);
    refused(
        of_static,
        GLOBAL,
        &["exception_callback:alpha", "beta", "no program"],
    );
    let of_type = |t: &mut Throwing| t.tag("exception_callback:alpha", t.o.int);
    refused(
        of_type,
        GLOBAL,
        &["exception_callback:alpha", "int", "no program"],
    );
    let of_nothing = |t: &mut Throwing| t.tag("exception_callback:alpha", 4711);
    refused(
        of_nothing,
        GLOBAL,
        &["exception_callback:alpha", "no program"],
    );
}

/// A tag of a parameter is another matter.
#[test]
fn a_tag_of_a_parameter_is_none() {
    let mut t = Throwing::new(Order::Little, GLOBAL);
    let func = t.entry_func();
    t.o.btf.decl_tag("exception_callback:nobody", func, 0);
    assert_eq!(
        function_names(&all_stand(t.linked()), "entry"),
        ["entry", "zeta"]
    );
}

/// The verifier refuses a program with two callbacks, and says so better.
#[test]
fn of_several_callbacks_none_is_added() {
    let mut t = Throwing::new(Order::Little, GLOBAL);
    for name in ["alpha", "zeta", "alpha"] {
        t.tag(&format!("exception_callback:{name}"), t.entry_func());
    }
    let set = all_stand(t.linked());
    assert_eq!(function_names(&set, "entry"), ["entry", "zeta"]);
    let warnings = set.object().warnings().join("\n");
    for part in ["program entry", "exception_callback:zeta", "only"] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
}

/// A global function counts before a static one of its name.
#[test]
fn a_static_function_of_the_callbacks_name() {
    for statics_first in [false, true] {
        let mut o = Obj::little();
        let bindings = if statics_first {
            [LOCAL, GLOBAL]
        } else {
            [GLOBAL, LOCAL]
        };
        let functions = [(1, bindings[0]), (2, bindings[1])];
        let bodies = functions.map(|(value, binding)| (binding, [mov(0, value), exit()]));
        let functions = bodies
            .each_ref()
            .map(|(binding, body)| Fun("same", *binding, body));
        o.code(".text", &functions);
        let entry = o.code("tc", &[Fun("entry", GLOBAL, &[exit()])]);
        o.btf
            .decl_tag("exception_callback:same", entry.funs[0].2, -1);
        let value = if statics_first { 2 } else { 1 };
        assert_eq!(
            stream(&linked(&o.build()), "entry"),
            [exit(), mov(0, value), exit()]
        );
    }
}

/// Kernels without declaration tags (before Linux 5.16) know no callback, and refuse
/// instructions that nothing leads to.
#[test]
fn a_kernel_without_declaration_tags_gets_no_callback() {
    let mut t = Throwing::new(Order::Little, GLOBAL);
    t.tag("exception_callback:alpha", t.entry_func());
    let object = opened(&t.o.build());
    for (release, functions) in [("5.15", 2), ("5.16", 4)] {
        let target = TargetBuilder::new()
            .release(release)
            .unwrap()
            .build()
            .unwrap();
        let set = all_stand(link_for(&object, &target));
        assert_eq!(function_names(&set, "entry").len(), functions, "{release}");
        assert_eq!(func_info(&set, "entry").len(), functions, "{release}");
        assert_eq!(lines(&set, "entry").len(), functions, "{release}");
        let slots = [0, 0, 4, 0, 9][functions];
        assert_eq!(stream(&set, "entry").len(), slots, "{release}");
    }
}

/// A stream that never was a file has its tags in the BTF that came with it.
#[test]
fn the_callback_of_a_raw_stream() {
    for order in Order::BOTH {
        let mut btf = BtfBuilder::new(order);
        let int = btf.int("int", 4, SIGNED);
        let proto = btf.func_proto(int, &[]);
        let [entry, _] = ["entry", "handler"].map(|name| btf.func(name, proto, BTF_GLOBAL));
        btf.decl_tag("exception_callback:handler", entry, -1);
        let insns = [mov(0, 1), exit(), mov(0, 2), exit()];
        let endian = match order {
            Order::Little => Endian::Little,
            Order::Big => Endian::Big,
        };
        let mut raw = RawStream::from_bytes("raw", endian, &bytes(&insns, order)).unwrap();
        let symbol = |name: &str, start| Symbol {
            name: name.into(),
            start,
            len: None,
            binding: Binding::Global,
            hidden: false,
            entry: name == "entry",
        };
        raw.symbols = vec![symbol("handler", 0), symbol("entry", 2)];
        raw.btf = Some(support::link::btf(&btf));
        let object = Object::from_insns(raw).unwrap().into();
        let set = all_stand(link_for(&object, &bare_target(order)));
        let expected = [mov(0, 2), exit(), mov(0, 1), exit()];
        assert_eq!(stream(&set, "entry"), expected);
    }
}

/// Nothing refers to the callback, and yet there is something to flatten.
#[test]
fn a_callback_that_was_not_flattened_is_missed() {
    let mut o = Obj::little();
    o.code(".text", &[Fun("handler", GLOBAL, &[exit()])]);
    let entry = o.code("tc", &[Fun("entry", GLOBAL, &[exit()])]);
    o.btf
        .decl_tag("exception_callback:handler", entry.funs[0].2, -1);
    let mut set = Programs::split(&opened(&o.build())).unwrap();
    assert!(program(&set, "entry").has_function_references());
    let target = bare_target(Order::Little);
    set.finalize(&target, FinalizeOptions::default(), Choice::All)
        .unwrap_err();
    let message = failure(&set, "entry");
    assert!(
        message.contains("handler") && message.contains("flatten"),
        "{message}"
    );
}

/// The running kernel takes the callbacks that clang's tags name, and calls them.
#[test]
fn thrown_exceptions_reach_their_callbacks() {
    let Some(bytes) = compile("exceptions", NATIVE, &["-mcpu=v3"]) else {
        return;
    };
    let object = opened(&bytes);
    let names = |name: &str| {
        let mut set = Programs::split(&object).unwrap();
        set.flatten(Choice::All).unwrap();
        function_names(&set, name)
    };
    assert_eq!(
        names("with_callback"),
        ["with_callback", "checked", "handler", "doubled"]
    );
    assert_eq!(
        names("with_plain_callback"),
        ["with_plain_callback", "plain_handler"]
    );
    assert_eq!(names("without_callback"), ["without_callback", "checked"]);
    let target = Target::running();
    let throws = |btf: &bpflink::btf::Btf| {
        btf.named_exact(b"bpf_throw", &[bpflink::btf::Kind::Func])
            .count()
            != 0
    };
    if !may_load() || !target.vmlinux().is_ok_and(|btf| throws(&btf)) {
        return support::skip::skip("a kernel with exceptions (Linux 6.7)");
    }
    let loaded = linked_for(&object, &target).unwrap();
    // Thrown are 20, 30 and 20.
    assert_eq!(loaded.run("with_callback"), Ok(2 * 20 + 1));
    assert_eq!(loaded.run("with_plain_callback"), Ok(30 + 7));
    assert_eq!(loaded.run("without_callback"), Ok(20));
}
