//! Functions that are hidden from other objects (STV_HIDDEN, STV_INTERNAL) are static
//! in the BTF that the kernel gets: it verifies them where they are called, not alone.

#[path = "support/running.rs"]
mod running;
mod support;

use bpflink::Target;
use bpflink::btf::{Btf, Linkage};
use bpflink::bytes::Endian;
use bpflink::elf::{Binding, RawStream, Symbol};
use bpflink::insn::Insn;
use bpflink::{Object, link::Programs};
use running::{NATIVE, linked_for, may_load};
use support::btf::{BtfBuilder, GLOBAL as BTF_GLOBAL, Order, SIGNED};
use support::clang::compile;
use support::elf::{GLOBAL, HIDDEN, LOCAL, WEAK};
use support::insn::*;
use support::link::*;
use support::object::{Fun, Obj};

const INTERNAL: u8 = 1;
const PROTECTED: u8 = 3;

fn linkage(set: &Programs, func: u32) -> Option<Linkage> {
    let btf = Btf::parse(set.btf().expect("the set has BTF"), None).unwrap();
    btf.type_by_id(func).unwrap().linkage()
}

#[test]
fn hidden_functions_are_static_for_the_kernel() {
    for (order, binding) in Order::BOTH.into_iter().zip([GLOBAL, WEAK]) {
        for (visibility, expected) in [
            (0, Linkage::Global),
            (INTERNAL, Linkage::Static),
            (HIDDEN, Linkage::Static),
            (PROTECTED, Linkage::Global),
        ] {
            let mut o = Obj::new(order);
            let text = o.code(".text", &[Fun("callee", binding, &[exit()])]);
            let entry = o.code("tc", &[Fun("entry", GLOBAL, &[call_fn(-1), exit()])]);
            o.call(&entry, 0, text.funs[0].0);
            for sym in [text.funs[0].0, entry.funs[0].0] {
                o.elf.symbol_mut(sym).visibility = visibility;
            }
            let set = linked(&o.build());
            assert_eq!(
                linkage(&set, text.funs[0].2),
                Some(expected),
                "{visibility}"
            );
            // Nobody calls a program: as libbpf leaves it.
            assert_eq!(linkage(&set, entry.funs[0].2), Some(Linkage::Global));
        }
    }
}

/// Another function of the name, which is static, is none of its business.
#[test]
fn a_static_function_of_the_name_stays() {
    let mut o = Obj::little();
    let text = o.code(
        ".text",
        &[
            Fun("same", LOCAL, &[exit()]),
            Fun("same", GLOBAL, &[exit()]),
        ],
    );
    o.code("tc", &[Fun("entry", GLOBAL, &[exit()])]);
    o.elf.symbol_mut(text.funs[1].0).visibility = HIDDEN;
    let set = linked(&o.build());
    for (_, _, func) in &text.funs {
        assert_eq!(linkage(&set, *func), Some(Linkage::Static));
    }
}

#[test]
fn hidden_functions_of_a_raw_stream() {
    let mut btf = BtfBuilder::new(NATIVE);
    let int = btf.int("int", 4, SIGNED);
    let proto = btf.func_proto(int, &[]);
    let [open, hidden] = ["open", "hidden"].map(|name| btf.func(name, proto, BTF_GLOBAL));
    let insns = vec![Insn::new(0x95, 0, 0, 0, 0); 2];
    let mut raw = RawStream::new("raw", Endian::NATIVE, insns);
    let symbol = |name: &str, start, hidden| Symbol {
        name: name.into(),
        start,
        len: None,
        binding: Binding::Global,
        hidden,
        entry: start == 0,
    };
    raw.symbols = vec![symbol("open", 0, false), symbol("hidden", 1, true)];
    raw.btf = Some(support::link::btf(&btf));
    let object = Object::from_insns(raw).unwrap().into();
    let set = all_stand(link_for(&object, &bare_target(NATIVE)));
    assert_eq!(linkage(&set, open), Some(Linkage::Global));
    assert_eq!(linkage(&set, hidden), Some(Linkage::Static));
}

/// What the verifier refuses of a global function it takes of a hidden one.
#[test]
fn the_verifier_follows_hidden_functions() {
    let loaded = |visibility: &str| {
        let bytes = compile("hidden", NATIVE, &["-mcpu=v3", visibility])?;
        let object = opened(&bytes);
        may_load().then(|| linked_for(&object, &Target::running()).unwrap())
    };
    let (Some(hidden), Some(open)) = (loaded("-DVISIBILITY=hidden"), loaded("-DVISIBILITY="))
    else {
        return;
    };
    assert_eq!(hidden.run("entry"), Ok(30 + 4));
    let refused = open.run("entry").unwrap_err();
    assert!(refused.contains("unchecked"), "{refused}");
}
