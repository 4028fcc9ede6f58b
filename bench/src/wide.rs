//! An object that reads fields of many types of a real kernel, one of each.

use std::collections::HashMap;

use bpflink::btf::{Btf, Kind, Type};

use crate::support::btf::field;
use crate::support::btf_ext::core::BYTE_OFFSET;
use crate::support::elf;
use crate::support::insn::*;
use crate::support::object::{Fun, Obj};

/// `count` structs from all over the kernel's BTF, an integer of each.
pub fn object(kernel: &Btf, count: usize) -> Vec<u8> {
    let found = readable(kernel);
    assert!(
        found.len() >= count,
        "the kernel has {} such structs",
        found.len()
    );
    let chosen: Vec<&(String, String)> = (0..count)
        .map(|i| &found[i * found.len() / count])
        .collect();
    let mut o = Obj::little();
    let int = o.int;
    let body: Vec<I> = chosen
        .iter()
        .map(|_| mov(1, 0))
        .chain([mov(0, 0), exit()])
        .collect();
    let code = o.code("socket", &[Fun("wide", elf::GLOBAL, &body)]);
    for (slot, (name, member)) in (0..).zip(chosen) {
        let root = o.btf.structure(name, 4, &[field(member, int, 0)]);
        o.core(&code, slot, root, "0:0", BYTE_OFFSET);
    }
    o.build()
}

/// Names of structs that there is one of, and of an integer in each.
fn readable(kernel: &Btf) -> Vec<(String, String)> {
    let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut found = Vec::new();
    for ty in kernel.own_types() {
        if !matches!(ty.kind(), Kind::Struct | Kind::Union | Kind::Fwd) {
            continue;
        }
        let name = ty.name().unwrap_or_default();
        *seen.entry(name.to_vec()).or_default() += 1;
        if let (Kind::Struct, Some(member)) = (ty.kind(), integer_of(kernel, &ty)) {
            found.push((text(name), member));
        }
    }
    found.retain(|(name, _)| {
        !name.is_empty() && !name.contains("___") && seen[name.as_bytes()] == 1
    });
    found
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn integer_of(kernel: &Btf, ty: &Type<'_>) -> Option<String> {
    ty.members().find_map(|member| {
        let name = kernel.string(member.name_off).ok()?;
        let is_int = kernel.type_by_id(member.type_id).ok()?.kind() == Kind::Int;
        let plain = member.bitfield_size == 0 && member.bit_offset % 8 == 0;
        (is_int && plain && !name.is_empty()).then(|| text(name))
    })
}
