//! `.kconfig`: where each value of the kernel's configuration stands in the map
//! that holds them, and how it is to be read. The values are the target's.

use super::{Extern, ExternKind, Map, MapDefinition, MapOrigin};
use crate::btf::{Btf, KconfigVar, Kind, Type, TypeId, kconfig_layout};
use crate::lookup::Lookup;
use crate::name::Name;

/// Where a configuration value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KconfigSlot {
    /// Offset in the value of the map `.kconfig`, bytes.
    pub offset: u32,
    /// Bytes of it.
    pub size: u32,
    /// How a value is written there.
    pub kind: KconfigKind,
}

/// The C type of a configuration value (libbpf's enum kcfg_type).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KconfigKind {
    /// `bool`: y is 1.
    Bool,
    /// `enum libbpf_tristate`: n is 0, y is 1, m is 2.
    Tristate,
    /// One byte: the letter y, n or m, or a number.
    Char {
        /// Whether numbers may be negative.
        signed: bool,
    },
    /// An integer of 2, 4 or 8 bytes.
    Int {
        /// Whether numbers may be negative.
        signed: bool,
    },
    /// An array of `char`: a string, with its NUL.
    String,
}

const BPF_MAP_TYPE_ARRAY: u32 = 2;
const BPF_F_RDONLY_PROG: u32 = 1 << 7;
const BPF_F_MMAPABLE: u32 = 1 << 10;
/// What the kernel takes of one value, and far more than any configuration.
const MAX_VALUE: u32 = 1 << 20;

/// Tells every configuration value its place, and adds the map that holds them. A
/// value of a type that has no meaning here gets no place.
pub(super) fn place(btf: &Btf, datasec: TypeId, externs: &mut [Extern], maps: &mut Vec<Map>) {
    let (vars, size) = kconfig_layout(btf);
    // Hostile sizes must not become memory.
    if size == 0 || size > MAX_VALUE {
        return;
    }
    let places: Lookup<TypeId, KconfigVar> =
        vars.into_iter().map(|var| (var.type_id, var)).collect();
    for symbol in externs.iter_mut().filter(|e| e.kind == ExternKind::Kconfig) {
        let var = symbol.btf_id.and_then(|id| places.get(&id));
        symbol.kconfig = var.and_then(|var| slot(btf, var));
    }
    maps.push(map(datasec, size));
}

fn slot(btf: &Btf, var: &KconfigVar) -> Option<KconfigSlot> {
    let ty = btf
        .resolve(btf.type_by_id(var.type_id).ok()?.target())
        .ok()?;
    Some(KconfigSlot {
        offset: var.offset,
        size: var.size,
        kind: kind_of(btf, &ty)?,
    })
}

/// What libbpf's find_kcfg_type makes of a type without its qualifiers.
fn kind_of(btf: &Btf, ty: &Type<'_>) -> Option<KconfigKind> {
    const BTF_INT_BOOL: u8 = 1 << 2;
    match ty.kind() {
        Kind::Int => {
            let encoding = ty.int()?;
            let signed = encoding.is_signed();
            match ty.size() {
                1 if encoding.flags & BTF_INT_BOOL != 0 => Some(KconfigKind::Bool),
                _ if encoding.flags & BTF_INT_BOOL != 0 => None,
                1 => Some(KconfigKind::Char { signed }),
                2 | 4 | 8 => Some(KconfigKind::Int { signed }),
                _ => None,
            }
        }
        Kind::Enum | Kind::Enum64 => {
            let tristate = ty.size() == 4 && ty.name() == Ok(b"libbpf_tristate".as_slice());
            tristate.then_some(KconfigKind::Tristate)
        }
        Kind::Array => {
            let array = ty.array()?;
            let element = btf.resolve(array.element).ok()?;
            let of_char = element.kind() == Kind::Int
                && matches!(kind_of(btf, &element), Some(KconfigKind::Char { .. }));
            (array.count > 0 && of_char).then_some(KconfigKind::String)
        }
        _ => None,
    }
}

fn map(datasec: TypeId, size: u32) -> Map {
    Map {
        name: Name::from(".kconfig"),
        section: Name::from(".kconfig"),
        origin: MapOrigin::Kconfig,
        definition: MapDefinition {
            map_type: BPF_MAP_TYPE_ARRAY,
            key_size: 4,
            value_size: size,
            max_entries: 1,
            flags: BPF_F_RDONLY_PROG | BPF_F_MMAPABLE,
            value_type_id: datasec,
            ..MapDefinition::default()
        },
        initial: None,
        weak: false,
        hidden: false,
    }
}
