//! The scan in segments against what the builder knows.

use super::testing::{builder::*, parse};
use super::{Btf, BtfError, Kind};

/// Bytes of types that are walked in several segments at once.
const SEVERAL: usize = 4 * (56 << 10);

/// Half a megabyte of enums whose values look like pointers, 12 bytes each: nearly
/// every guess where a segment starts is wrong, and makes sense all the same.
fn decoys(order: Order) -> BtfBuilder {
    let mut b = BtfBuilder::new(order);
    let pointer_head = [("decoy", 2 << 24); 100];
    for number in 0..400 {
        b.enum64(&format!("enum_{number}"), false, &pointer_head);
        b.ptr(number);
    }
    b
}

#[test]
fn wrong_guesses_change_nothing() {
    for order in Order::BOTH {
        let btf = parse(&decoys(order));
        assert!(
            btf.type_bytes().len() > SEVERAL,
            "too small for several segments"
        );
        assert_eq!(btf.type_count(), 801);
        for number in 0..400u32 {
            let id = 2 * number + 1;
            let ty = btf.type_by_id(id).unwrap();
            assert_eq!((ty.kind(), ty.vlen()), (Kind::Enum64, 100));
            assert_eq!(ty.name().unwrap(), format!("enum_{number}").as_bytes());
            let pointer = btf.type_by_id(id + 1).unwrap();
            assert_eq!((pointer.kind(), pointer.target()), (Kind::Ptr, number));
            let name = format!("enum_{number}");
            assert_eq!(btf.named(name.as_bytes()).collect::<Vec<_>>(), [id]);
        }
        let ids: Vec<u32> = btf.own_types().map(|ty| ty.id()).collect();
        assert_eq!(ids, (1..801).collect::<Vec<_>>());
        let listed = btf.table().named().iter();
        let ids: Vec<u32> = listed.map(|start| btf.id_at(start).unwrap()).collect();
        assert_eq!(ids, (1..801).step_by(2).collect::<Vec<_>>());
    }
}

/// Segments of nothing but named types, more than there is room for in the common walk.
#[test]
fn a_section_full_of_named_types_is_listed_whole() {
    for order in Order::BOTH {
        let mut b = BtfBuilder::new(order);
        let count = 2 * SEVERAL as u32 / 12;
        for number in 0..count {
            b.fwd_struct(&format!("fwd_{number}"));
        }
        let btf = parse(&b);
        assert_eq!(btf.type_count(), count + 1);
        for number in (0..count).step_by(997) {
            let name = format!("fwd_{number}");
            let found: Vec<u32> = btf.named(name.as_bytes()).collect();
            assert_eq!(found, [number + 1]);
        }
    }
}

#[test]
fn the_first_wrong_type_is_named_wherever_it_stands() {
    let good = decoys(Order::Little).build();
    let btf = Btf::parse(good.clone(), None).unwrap();
    for id in [1, 2, 399, 400, 555, 799, 800] {
        let offset = btf.type_offset(id).unwrap();
        let mut bad = good.clone();
        bad[24 + offset + 7] = 0x7e;
        let error = Btf::parse(bad, None).unwrap_err();
        assert_eq!(error, BtfError::UnknownKind { id, kind: 0x7e });
        let mut bad = good.clone();
        bad[24 + offset + 4..24 + offset + 8].copy_from_slice(&0x04ff_ffffu32.to_le_bytes());
        let error = Btf::parse(bad, None).unwrap_err();
        assert_eq!(error, BtfError::TypeTruncated { id, offset });
    }
}

#[test]
fn every_cut_of_the_types_is_an_error_or_a_shorter_section() {
    let full = decoys(Order::Little);
    let whole = full.build();
    let types = parse(&full).type_bytes().len();
    let mut cuts = 0;
    for len in (0..types).rev().step_by(1237) {
        let mut cut = whole.clone();
        cut[12..16].copy_from_slice(&(len as u32).to_le_bytes());
        match Btf::parse(cut, None) {
            Ok(btf) => assert!(btf.type_count() < 801),
            Err(BtfError::TypeTruncated { id, offset }) => {
                assert!(offset <= len && id <= 801);
                cuts += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(cuts > 100);
}

#[test]
fn kinds_of_the_future_are_skipped_by_the_layout_section() {
    for order in Order::BOTH {
        let mut b = BtfBuilder::new(order);
        b.set_header_len(32);
        for kind in 0..=21 {
            match kind {
                20 => b.push_layout(8, 0),
                21 => b.push_layout(4, 16),
                _ => b.push_layout(0, 0),
            }
        }
        let int = b.int("int", 4, SIGNED);
        b.raw("fixed", 20 << 24, 0, &[1, 2]);
        b.raw("listed", 21 << 24 | 2, 0, &[0; 9]);
        let last = b.structure("last", 4, &[field("a", int, 0)]);
        let btf = parse(&b);
        assert_eq!(btf.type_by_id(2).unwrap().kind(), Kind::Unknown);
        assert_eq!(btf.named(b"last").collect::<Vec<_>>(), [last]);
        assert_eq!(btf.type_count(), 5);
    }
}
