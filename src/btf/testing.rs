//! BTF for unit tests, written by the builder that the integration tests use.

#[path = "../../tests/support/btf.rs"]
pub mod builder;

use std::sync::Arc;

use super::Btf;
use builder::BtfBuilder;

/// What `builder` wrote, read back by the library.
pub(crate) fn parse(builder: &BtfBuilder) -> Arc<Btf> {
    Arc::new(Btf::parse(builder.build(), None).expect("the builder writes valid BTF"))
}

/// Split BTF over `base`.
pub(crate) fn parse_split(builder: &BtfBuilder, base: &Arc<Btf>) -> Arc<Btf> {
    let split = Btf::parse(builder.build(), Some(base.clone()));
    Arc::new(split.expect("the builder writes valid split BTF"))
}

mod tests {
    use super::builder::*;
    use super::*;
    use crate::btf::Kind;

    /// One type of each kind, in the order of the kind numbers.
    fn every_kind(order: Order) -> BtfBuilder {
        let mut b = BtfBuilder::new(order);
        let int = b.int("int", 4, SIGNED);
        let ptr = b.ptr(int);
        b.array(int, int, 3);
        b.structure("s", 8, &[field("a", int, 0), bitfield("b", int, 32, 5)]);
        b.union("u", 8, &[field("p", ptr, 0)]);
        b.enumeration("e", 4, true, &[("E_LOW", -1)]);
        b.fwd_struct("f");
        b.typedef("t", int);
        b.volatile(int);
        b.constant(int);
        b.restrict(ptr);
        let function = b.next_id();
        b.func("fn", function + 1, GLOBAL);
        b.func_proto(int, &[("x", ptr)]);
        let var = b.var("v", int, STATIC);
        b.datasec(".data", 4, &[(var, 0, 4)]);
        b.float("double", 8);
        b.decl_tag("tag", function, 0);
        b.type_tag("user", int);
        b.enum64("e64", false, &[("E_BIG", 0xffff_0000_0001)]);
        b
    }

    #[test]
    fn the_library_reads_every_kind_in_both_orders() {
        for order in Order::BOTH {
            let btf = parse(&every_kind(order));
            let kinds: Vec<u8> = btf.own_types().map(|ty| ty.kind() as u8).collect();
            assert_eq!(kinds, (1..=19).collect::<Vec<u8>>());
            let members: Vec<_> = btf.type_by_id(4).unwrap().members().collect();
            assert_eq!((members[1].bit_offset, members[1].bitfield_size), (32, 5));
            let big = btf.type_by_id(19).unwrap().enum_values().next().unwrap();
            assert_eq!(big.value, 0xffff_0000_0001);
            let low = btf.type_by_id(6).unwrap().enum_values().next().unwrap();
            assert_eq!(low.value as i64, -1);
        }
    }

    #[test]
    fn split_btf_goes_on_where_its_base_ends() {
        let base_builder = every_kind(Order::Big);
        let base = parse(&base_builder);
        let mut b = BtfBuilder::split_over(&base_builder);
        let id = b.typedef("module_int", 1);
        let split = parse_split(&b, &base);
        assert_eq!(id, 20);
        assert_eq!(split.type_by_id(20).unwrap().name().unwrap(), b"module_int");
        assert_eq!(split.resolve(20).unwrap().name().unwrap(), b"int");
    }

    #[test]
    fn a_longer_header_and_a_kind_of_the_future_are_read() {
        let mut b = every_kind(Order::Little);
        for _ in 0..=19 {
            b.push_layout(0, 0); // Known kinds keep what linux/btf.h says.
        }
        b.push_layout(4, 8); // Kind 20: one word, and two words for each of vlen.
        b.raw("later", 20 << 24 | 2, 0, &[1, 2, 3, 4, 5]);
        b.typedef("behind", 1);
        b.set_header_len(40);
        let btf = parse(&b);
        assert_eq!(btf.type_by_id(20).unwrap().kind(), Kind::Unknown);
        assert_eq!(btf.type_by_id(21).unwrap().name().unwrap(), b"behind");
    }
}
