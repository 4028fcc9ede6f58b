//! BTF that is made of what a kernel's is made of, in about the same shares, and that is the
//! same wherever it is built: what instructions are counted with.

use crate::support::btf::*;

/// Numbers that look random and are always the same.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// The next one below `limit`.
    pub fn below(&mut self, limit: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(limit.max(1))) as u32
    }
}

/// A struct of the kernel, as a program may declare it.
pub struct Struct {
    pub name: String,
    pub members: Vec<Member>,
}

pub struct Member {
    pub name: String,
    pub offset: u32,
    pub size: u32,
}

pub struct Kernel {
    pub btf: BtfBuilder,
    pub structs: Vec<Struct>,
}

const INTS: [(&str, u32); 4] = [("unsigned char", 1), ("short", 2), ("int", 4), ("long", 8)];
const MEMBER_NAMES: u32 = 4000;

/// `structs` structs, each among pointers, typedefs, prototypes and functions: ten times as
/// many types.
pub fn kernel(structs: u32) -> Kernel {
    let mut numbers = Numbers::new(1);
    let mut kernel = Kernel {
        btf: BtfBuilder::new(Order::Little),
        structs: Vec::new(),
    };
    let ints = INTS.map(|(name, size)| kernel.btf.int(name, size, UNSIGNED));
    for i in 0..structs {
        let (id, described) = structure(&mut kernel.btf, &mut numbers, &ints, i);
        kernel.structs.push(described);
        around(&mut kernel.btf, &mut numbers, id, i);
    }
    kernel
}

/// Subsystems have prefixes of their own, a thousand here; one type in ten is of a family that
/// shares one, as those of tracepoints do.
fn type_name(i: u32) -> String {
    if i.is_multiple_of(10) {
        return format!("trace_event_raw_{i}");
    }
    let syllable = |n: u32| {
        let (consonant, vowel) = (n / 5 % 16, n % 5);
        [
            "bcdfghklmnprstvx".as_bytes()[consonant as usize],
            b"aeiou"[vowel as usize],
        ]
        .map(char::from)
    };
    let subsystem = i * 37 % 1000;
    let prefix = [syllable(subsystem % 80), syllable(subsystem / 80)];
    format!("{}_{i}", prefix.concat().iter().collect::<String>())
}

fn structure(btf: &mut BtfBuilder, numbers: &mut Numbers, ints: &[u32], i: u32) -> (u32, Struct) {
    let first = numbers.below(MEMBER_NAMES);
    let mut members = Vec::new();
    let mut types = Vec::new();
    for m in 0..4 + numbers.below(12) {
        let which = numbers.below(INTS.len() as u32) as usize;
        let (name, size) = (
            format!("member_{}", (first + 37 * m) % MEMBER_NAMES),
            INTS[which].1,
        );
        members.push(Member {
            name,
            offset: 8 * m,
            size,
        });
        types.push(ints[which]);
    }
    let named = members.iter().zip(&types);
    let fields: Vec<Field<'_>> = named.map(|(m, &id)| field(&m.name, id, m.offset)).collect();
    let name = type_name(i);
    let id = btf.structure(&name, 8 * members.len() as u32, &fields);
    (id, Struct { name, members })
}

/// What else has to do with a struct.
fn around(btf: &mut BtfBuilder, numbers: &mut Numbers, id: u32, i: u32) {
    let pointer = btf.ptr(id);
    let constant = btf.constant(id);
    btf.ptr(constant);
    if numbers.below(4) == 0 {
        btf.typedef(&format!("{}_t", type_name(i)), id);
    }
    if numbers.below(4) == 0 {
        let names: Vec<String> = (0..5).map(|v| format!("KERNEL_VALUE_{i}_{v}")).collect();
        let values: Vec<(&str, i64)> = names.iter().map(String::as_str).zip(0..).collect();
        btf.enumeration(&format!("{}_enum", type_name(i)), 4, false, &values);
    }
    for f in 0..3 {
        let proto = btf.func_proto(id, &[("self", pointer), ("argument", constant)]);
        btf.func(&format!("{}_function_{f}", type_name(i)), proto, STATIC);
    }
}
