//! Module BTF moved from a distilled base: ours against libbpf's, type by type.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bpflink::btf::{Btf, relocate};

/// What two ways of moving one module came to.
pub enum Outcome {
    /// Both made the same of it: so many types.
    Same(u32),
    /// Both refuse it; why we do.
    Refused(String),
    /// They differ; how.
    Differ(String),
}

/// Moves `folder`/split from `folder`/base onto `vmlinux` and compares with
/// `folder`/relocated, which is missing where libbpf refuses.
pub fn compare(vmlinux: &Path, folder: &Path) -> io::Result<Outcome> {
    let wrong = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let parse = |path: &Path, base| {
        let bytes = fs::read(path)?;
        Btf::parse(bytes, base).map(Arc::new).map_err(wrong)
    };
    let met = parse(vmlinux, None)?;
    let base = parse(&folder.join("base"), None)?;
    let split = parse(&folder.join("split"), Some(base))?;
    let theirs = folder.join("relocated");
    let theirs = match theirs.exists() {
        true => Some(parse(&theirs, Some(met.clone()))?),
        false => None,
    };
    Ok(match (relocate(&split, met), theirs) {
        (Ok(ours), Some(theirs)) => same_types(&ours, &theirs),
        (Err(error), None) => Outcome::Refused(error.to_string()),
        (Err(error), Some(_)) => Outcome::Differ(format!("libbpf moves it, we do not: {error}")),
        (Ok(_), None) => Outcome::Differ("libbpf refuses it, we do not".to_owned()),
    })
}

/// Heads with names, then members, values and parameters with theirs.
fn same_types(ours: &Btf, theirs: &Btf) -> Outcome {
    if ours.type_count() != theirs.type_count() {
        let counts = (ours.type_count(), theirs.type_count());
        return Outcome::Differ(format!("{} types, libbpf's {}", counts.0, counts.1));
    }
    let described = ours.own_types().zip(theirs.own_types());
    for (a, b) in described.map(|(a, b)| (describe(&a), describe(&b))) {
        if a != b {
            return Outcome::Differ(format!("{a}\n  libbpf: {b}"));
        }
    }
    Outcome::Same(ours.type_count() - ours.first_id())
}

/// All that a type says, its strings spelled out.
fn describe(ty: &bpflink::btf::Type<'_>) -> String {
    let btf = ty.btf();
    let name = |offset| match btf.string(offset) {
        Ok(name) => String::from_utf8_lossy(name).into_owned(),
        Err(error) => format!("<{error}>"),
    };
    let mut text = format!(
        "[{}] {} {:?} flag {} size or type {}",
        ty.id(),
        ty.kind(),
        name(ty.name_off()),
        ty.kind_flag(),
        ty.size()
    );
    for member in ty.members() {
        text += &format!(
            ", {:?} {} at {}:{}",
            name(member.name_off),
            member.type_id,
            member.bit_offset,
            member.bitfield_size
        );
    }
    for value in ty.enum_values() {
        text += &format!(", {:?} = {}", name(value.name_off), value.value);
    }
    for param in ty.params() {
        text += &format!(", {:?} {}", name(param.name_off), param.type_id);
    }
    for var in ty.section_vars() {
        text += &format!(", {} at {}", var.type_id, var.offset);
    }
    text += &format!(
        " {:?} {:?} {:?} {:?}",
        ty.int(),
        ty.array(),
        ty.linkage(),
        ty.component_index()
    );
    text
}
