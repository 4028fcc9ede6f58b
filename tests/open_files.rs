//! Opening a file gives what opening its bytes gives, whatever of it is read.

mod support;

use std::io::Write;

use bpflink::Object;
use support::btf::Order;
use support::elf::*;
use support::insn::*;
use support::object::{Fun, Obj};

/// Bytes of each section that is for debuggers only.
const DEBUG: usize = 100_000;

/// An object whose debug information is larger than all the rest; sections of such names
/// that are something else lie in between.
fn with_debug_information(order: Order) -> Vec<u8> {
    let mut o = Obj::new(order);
    let info = o.elf.data(".debug_info", vec![0xff; DEBUG]);
    let code = o.code("socket", &[Fun("entry", GLOBAL, &[mov(0, 7), exit()])]);
    o.elf.data(".debug_str", vec![0xff; DEBUG]);
    o.elf.data(".data", vec![0x11; 64]);
    o.code(
        ".debug_code",
        &[Fun("not_debug", GLOBAL, &[mov(0, 9), exit()])],
    );
    o.elf.data(".debug_line", vec![0xff; DEBUG]);
    o.elf.data(".rodata", vec![0x22; 64]);
    for offset in (0..DEBUG as u64 / 4).step_by(8) {
        o.elf.rel(info, offset, code.funs[0].0, 3);
    }
    o.build()
}

fn from_file(bytes: &[u8]) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    said(Object::open_named(file.path(), "object"))
}

fn from_memory(bytes: &[u8]) -> String {
    said(Object::parse(bytes, "object"))
}

/// All that the object says, in one order.
fn said(object: bpflink::Result<Object>) -> String {
    match object {
        Ok(object) => format!(
            "{:?}",
            (
                (object.endian(), object.license(), object.version()),
                (object.streams(), object.maps(), object.externs()),
                (object.struct_ops(), object.jump_tables(), object.warnings()),
                object.btf().map(|btf| btf.bytes()),
            )
        ),
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn what_debuggers_need_makes_no_difference() {
    for order in Order::BOTH {
        let bytes = with_debug_information(order);
        let object = from_file(&bytes);
        assert_eq!(object, from_memory(&bytes));
        for name in ["entry", "not_debug", ".data", ".rodata"] {
            assert!(object.contains(name), "{name}: {object}");
        }
    }
}

/// Where the tables lie, a lie makes the same error; wherever else, the same object.
#[test]
fn nor_does_damage() {
    let bytes = with_debug_information(Order::Little);
    let len = bytes.len();
    let table = u64::from_le_bytes(bytes[40..48].try_into().unwrap()) as usize;
    let head = 0..64;
    let headers = (table..len).step_by(3);
    for at in head.chain(headers) {
        for mask in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= mask;
            assert_eq!(
                from_file(&damaged),
                from_memory(&damaged),
                "byte {at} ^ {mask:#x}"
            );
        }
    }
    for end in [
        0,
        1,
        63,
        64,
        65,
        70_000,
        table,
        table + 1,
        table + 64,
        len - 1,
    ] {
        assert_eq!(
            from_file(&bytes[..end]),
            from_memory(&bytes[..end]),
            "{end} bytes"
        );
    }
}
