//! `.BTF.ext` written by hand, byte by byte, and read back.

use super::{BtfExt, CoreRelo, FuncInfo, LineInfo};
use crate::bytes::Endian;

fn words(endian: Endian, words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|&w| endian.u32_bytes(w)).collect()
}

/// A header of `header_len` bytes with `parts` behind it, in order.
fn ext(endian: Endian, header_len: u32, parts: &[&[u32]]) -> Vec<u8> {
    let mut data = endian.u16_bytes(0xeb9f).to_vec();
    data.extend([1, 0]);
    data.extend(endian.u32_bytes(header_len));
    let mut offset = 0;
    for part in parts {
        let len = 4 * part.len() as u32;
        data.extend(words(endian, &[offset, len]));
        offset += len;
    }
    data.resize(header_len as usize, 0);
    for part in parts {
        data.extend(words(endian, part));
    }
    data
}

const FUNC: &[u32] = &[8, 100, 2, 0, 7, 64, 9, 200, 1, 8, 11];
// Line 5 column 3, line 1 column 1023, with one unknown word behind each record.
const LINE: &[u32] = &[
    20,
    100,
    2,
    0,
    1,
    2,
    5 << 10 | 3,
    0xdead,
    8,
    1,
    2,
    1 << 10 | 1023,
    0xbeef,
];
const CORE: &[u32] = &[16, 200, 1, 24, 3, 40, 9];

#[test]
fn reads_every_part_in_both_byte_orders() {
    for endian in [Endian::Little, Endian::Big] {
        let data = ext(endian, 32, &[FUNC, LINE, CORE]);
        let ext = BtfExt::parse(&data).unwrap();
        assert_eq!(ext.endian(), endian);

        let funcs: Vec<_> = ext.func_info().map(Result::unwrap).collect();
        assert_eq!(funcs.len(), 2);
        assert_eq!((funcs[0].section_name_off, funcs[0].len()), (100, 2));
        assert_eq!((funcs[1].section_name_off, funcs[1].len()), (200, 1));
        let second = funcs[0].records().nth(1).unwrap();
        assert_eq!((second.number, second.insn_offset), (1, 64));
        let info = FuncInfo::decode(second.bytes, endian).unwrap();
        assert_eq!(
            info,
            FuncInfo {
                insn_offset: 64,
                type_id: 9
            }
        );

        let lines = ext.line_info().next().unwrap().unwrap();
        assert_eq!(lines.record_size, 20);
        let lines: Vec<_> = lines
            .records()
            .map(|r| LineInfo::decode(r.bytes, endian).unwrap())
            .collect();
        assert_eq!(
            (lines[0].line, lines[0].column, lines[0].line_off),
            (5, 3, 2)
        );
        assert_eq!((lines[1].line, lines[1].column), (1, 1023));
        assert_eq!(lines[1].insn_offset, 8);

        let core = ext.core_relocations().next().unwrap().unwrap();
        let record = core.records().next().unwrap();
        let relo = CoreRelo::decode(record.bytes, endian).unwrap();
        let expected = CoreRelo {
            insn_offset: 24,
            type_id: 3,
            access_str_off: 40,
            kind: 9,
        };
        assert_eq!(relo, expected);
    }
}

#[test]
fn the_short_header_has_no_core_part_and_a_longer_one_is_skipped() {
    let data = ext(Endian::Little, 24, &[FUNC, LINE]);
    let short = BtfExt::parse(&data).unwrap();
    assert_eq!(short.core_relocations().count(), 0);
    assert_eq!(short.func_info().filter(Result::is_ok).count(), 2);

    let data = ext(Endian::Big, 48, &[FUNC, LINE, CORE]);
    let long = BtfExt::parse(&data).unwrap();
    assert_eq!(long.core_relocations().filter(Result::is_ok).count(), 1);
}

#[test]
fn a_damaged_subsection_leaves_those_before_it_and_the_other_parts() {
    let func = &[8, 100, 1, 0, 7, 200, 0x2000_0000, 8, 11];
    let data = ext(Endian::Little, 32, &[func, LINE, CORE]);
    let ext = BtfExt::parse(&data).unwrap();
    let found: Vec<_> = ext.func_info().collect();
    assert_eq!(found.len(), 2);
    assert!(found[0].is_ok());
    let message = found[1].as_ref().unwrap_err().to_string();
    assert!(message.contains("536870912 records"), "{message}");
    assert!(ext.line_info().all(|s| s.is_ok()));
    assert!(ext.core_relocations().all(|s| s.is_ok()));
}

#[test]
fn refuses_what_contradicts_the_format() {
    let parse_error = |data: &[u8]| BtfExt::parse(data).unwrap_err().to_string();
    let good = ext(Endian::Little, 32, &[FUNC, LINE, CORE]);
    assert!(parse_error(&good[..23]).contains("truncated: 23"));
    let mut bad = good.clone();
    bad[0] = 0;
    assert!(parse_error(&bad).contains("magic"));
    bad = good.clone();
    bad[2] = 2;
    assert!(parse_error(&bad).contains("version 2"));
    for header_len in [0u32, 23, 1 << 30] {
        bad = good.clone();
        bad[4..8].copy_from_slice(&header_len.to_le_bytes());
        assert!(parse_error(&bad).contains("header length"));
    }
    let ext = BtfExt::parse(&good).unwrap();
    assert!(ext.check_endian(Endian::Little).is_ok());
    assert!(ext.check_endian(Endian::Big).is_err());
}

#[test]
fn a_part_that_cannot_be_believed_is_one_error() {
    let only_error = |data: &[u8]| {
        let all: Vec<_> = BtfExt::parse(data).unwrap().func_info().collect();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].as_ref().unwrap_err().to_string()
    };
    let patched = |at: usize, value: u32| {
        let mut data = ext(Endian::Little, 32, &[FUNC, LINE, CORE]);
        data[at..at + 4].copy_from_slice(&value.to_le_bytes());
        data
    };
    assert!(only_error(&patched(8, u32::MAX)).contains("inside"));
    assert!(only_error(&patched(12, u32::MAX)).contains("inside"));
    assert!(only_error(&patched(8, 2)).contains("misaligned"));
    assert!(only_error(&patched(12, 3)).contains("too short"));
    for size in [0, 4, 9, u32::MAX] {
        assert!(only_error(&patched(32, size)).contains("records of"));
    }
    // Ends inside a subsection's head, though bytes of the next part follow.
    assert!(only_error(&patched(12, 8)).contains("inside the head"));
}

#[test]
fn no_cut_and_no_flipped_byte_makes_it_panic() {
    let good = ext(Endian::Big, 32, &[FUNC, LINE, CORE]);
    let read_all = |data: &[u8]| {
        let Ok(ext) = BtfExt::parse(data) else { return };
        for part in [ext.func_info(), ext.line_info(), ext.core_relocations()] {
            for subsection in part.flatten() {
                assert!(subsection.records().count() * 8 <= data.len());
            }
        }
    };
    for at in 0..good.len() {
        read_all(&good[..at]);
        for value in [0, 1, 0x7f, 0xff] {
            let mut bad = good.clone();
            bad[at] = value;
            read_all(&bad);
        }
    }
}
