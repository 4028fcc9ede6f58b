//! Split: how the symbols of a raw stream cut it, and what cannot be cut.

mod support;

use std::sync::Arc;

use bpflink::bytes::Endian;
use bpflink::elf::{Binding, RawReference, RawStream, Symbol};
use bpflink::link::Programs;
use bpflink::{Object, Status};
use support::btf::Order;
use support::insn::*;
use support::link::*;

/// A raw stream of instructions.
fn raw(insns: &[I], order: Order) -> RawStream {
    let endian = match order {
        Order::Little => Endian::Little,
        Order::Big => Endian::Big,
    };
    RawStream::from_bytes("raw", endian, &bytes(insns, order)).unwrap()
}

/// A global function without a size.
fn symbol(name: &str, start: u32, entry: bool) -> Symbol {
    Symbol {
        name: name.into(),
        start,
        len: None,
        binding: Binding::Global,
        hidden: false,
        entry,
    }
}

fn reference(insn: u32, name: &str) -> RawReference {
    RawReference {
        insn,
        name: name.into(),
        addend: 0,
    }
}

/// The message with which the stream is refused, at the latest by split.
fn refused(raw: RawStream) -> String {
    let split = Object::from_insns(raw).and_then(|object| Programs::split(&Arc::new(object)));
    split.unwrap_err().to_string()
}

/// Calls by distance, without references.
#[test]
fn calls_by_distance() {
    let mut stream_ = raw(&[call_fn(1), exit(), mov(0, 2), exit()], Order::Little);
    stream_.symbols = vec![symbol("entry", 0, true), symbol("callee", 2, false)];
    let object = Arc::new(Object::from_insns(stream_).unwrap());
    let set = all_stand(link_for(&object, &bare_target(Order::Little)));
    let expected = [call_fn(1), exit(), mov(0, 2), exit()];
    assert_eq!(stream(&set, "entry"), expected);
}

/// A stream that is empty, does not start with a symbol, or repeats one.
#[test]
fn streams_that_cannot_be_split() {
    let empty = refused(raw(&[], Order::Little));
    assert!(empty.contains("raw") && empty.contains("empty"), "{empty}");

    let mut none = raw(&[exit()], Order::Little);
    none.symbols.clear();
    let message = refused(none);
    assert!(
        message.contains("raw") && message.contains("symbol"),
        "{message}"
    );

    let mut late = raw(&[mov(0, 0), exit()], Order::Little);
    late.symbols = vec![symbol("late", 1, true)];
    let message = refused(late);
    for part in ["raw", "late", "instruction 1"] {
        assert!(message.contains(part), "{part}: {message}");
    }

    let mut twice = raw(&[exit(), exit(), exit()], Order::Little);
    twice.symbols = vec![
        symbol("one", 0, true),
        symbol("same", 1, false),
        symbol("same", 2, false),
    ];
    let message = refused(twice);
    for part in ["raw", "same", "instruction 1", "instruction 2"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// Symbols and tables that do not fit the instructions.
#[test]
fn tables_that_do_not_fit() {
    let mut past = raw(&[exit()], Order::Little);
    past.symbols = vec![symbol("one", 0, true), symbol("past", 9, false)];
    assert!(refused(past).contains("past"));

    let mut long = raw(&[exit(), exit()], Order::Little);
    long.symbols = vec![Symbol {
        len: Some(3),
        ..symbol("long", 0, true)
    }];
    assert!(refused(long).contains("long"));

    let mut huge = raw(&[exit()], Order::Little);
    huge.symbols = vec![Symbol {
        len: Some(u32::MAX),
        ..symbol("huge", u32::MAX, true)
    }];
    refused(huge);

    for slot in [1, u32::MAX] {
        let mut stray = raw(&[exit()], Order::Little);
        stray.symbols = vec![symbol("one", 0, true)];
        stray.references = vec![reference(slot, "one")];
        assert!(refused(stray).contains("raw"));
    }

    let cut = RawStream::from_bytes("cut", Endian::Little, &[0; 12]).unwrap_err();
    assert_eq!(cut.status(), Status::InvalidArgument);
    assert!(cut.to_string().contains("12 bytes"), "{cut}");
}
