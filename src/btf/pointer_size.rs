//! How large a pointer is: as large as a `long`, which BTF has a type of.

use super::{Btf, Kind, Type, TypeId};

/// Among how many types `long` is looked for before it is by its name: where types are not
/// sorted, it is one of the first.
const FIRST_TYPES: usize = 64;
/// How the integer is spelled.
const LONG: [&[u8]; 8] = [
    b"long int",
    b"long",
    b"int long",
    b"unsigned long",
    b"long unsigned",
    b"long unsigned int",
    b"unsigned long int",
    b"unsigned int long",
];

impl Btf {
    /// Bytes of a pointer: the size of the first integer `long` (or one of its other
    /// spellings, as libbpf's determine_ptr_size), else 8. `char`-sized nonsense
    /// is not believed.
    pub fn pointer_size(&self) -> u8 {
        match self.base() {
            Some(base) => base.pointer_size(),
            None => *self.pointer_size.get_or_init(|| {
                let long = self.among_the_first().or_else(|| self.by_name());
                long.unwrap_or(8)
            }),
        }
    }

    fn among_the_first(&self) -> Option<u8> {
        let mut first = self.own_types().take(FIRST_TYPES);
        first.find_map(|ty| long_size(&ty))
    }

    fn by_name(&self) -> Option<u8> {
        let mut first: Option<(TypeId, u8)> = None;
        for name in LONG {
            for id in self.named_exact(name, &[Kind::Int]) {
                let size = self.type_by_id(id).ok().and_then(|ty| long_size(&ty));
                let long = size.map(|size| (id, size));
                first = first.into_iter().chain(long).min();
            }
        }
        first.map(|(_, size)| size)
    }
}

#[inline(never)]
fn long_size(ty: &Type<'_>) -> Option<u8> {
    let is_long = ty.kind() == Kind::Int && LONG.contains(&ty.name().ok()?);
    match ty.size() {
        size @ (4 | 8) if is_long => Some(size as u8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{builder::*, parse};

    #[test]
    fn the_first_long_tells_wherever_it_stands() {
        for order in Order::BOTH {
            for before in [0, 63, 64, 65, 300] {
                let mut b = BtfBuilder::new(order);
                b.int("long", 1, 0);
                for number in 0..before {
                    b.structure(&format!("s{number}"), 4, &[]);
                }
                b.structure("long int", 4, &[]);
                let none = parse(&b).pointer_size();
                b.int("unsigned int long", 4, 0);
                b.int("long", 8, 0);
                b.int("int long", 8, 0);
                assert_eq!((none, parse(&b).pointer_size()), (8, 4), "{before}");
            }
        }
    }
}
