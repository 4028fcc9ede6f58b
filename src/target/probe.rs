//! Asking the running kernel what it supports: each question is something small
//! that only a kernel with the feature accepts.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use super::bpf::{FuncInfo, Program, create_array, has_btf_name, load_btf, load_program};
use crate::btf::Kind;
use crate::bytes::Endian;
use crate::feature::Feature;
use crate::insn::opcode::{ALU64, CALL, EXIT, LD_IMM64, PSEUDO_MAP_VALUE};
use crate::insn::{Insn, encode_stream};

/// BPF_PROG_TYPE_*.
const SOCKET_FILTER: u32 = 1;
const KPROBE: u32 = 2;
const TRACEPOINT: u32 = 5;
const CGROUP_SOCK: u32 = 9;
/// BPF_CGROUP_INET_SOCK_CREATE.
const INET_SOCK_CREATE: u32 = 2;
/// BPF_F_MMAPABLE.
const MMAPABLE: u32 = 1 << 10;
/// Helper numbers.
const PROBE_READ_KERNEL: i32 = 113;
const GET_FUNC_IP: i32 = 173;
const GET_ATTACH_COOKIE: i32 = 174;

const MOV_IMM: u8 = ALU64 | 0xb0;
const MOV_REG: u8 = MOV_IMM | 0x08;
const ST_DW: u8 = 0x7a;
const RETURN_0: [Insn; 2] = [Insn::new(MOV_IMM, 0, 0, 0, 0), Insn::new(EXIT, 0, 0, 0, 0)];

/// Whether the running kernel supports `feature`; `None` where it refuses to say.
pub(super) fn ask_kernel(feature: Feature) -> Option<bool> {
    match feature {
        Feature::ProgName => answer(load(SOCKET_FILTER, &RETURN_0, "bpflink_probe", 0)),
        Feature::ExpectedAttachType => answer(load(CGROUP_SOCK, &RETURN_0, "", INET_SOCK_CREATE)),
        Feature::GlobalData => global_data(),
        Feature::ArrayMmap => answer(create_array(4, 1, MMAPABLE)),
        Feature::ProbeReadKernel => answer(load(TRACEPOINT, &READ_KERNEL, "", 0)),
        Feature::BpfCookie => answer(load(TRACEPOINT, &READ_COOKIE, "", 0)),
        Feature::ModuleBtf => module_btf(),
        Feature::ArgCtxTag => arg_ctx_tag(),
        Feature::FarMapValue => far_map_value(),
        Feature::Btf => answer(load_btf(&int_and(&[], ""))),
        Feature::BtfFunc => answer(load_btf(&function(0))),
        Feature::BtfFuncGlobal => answer(load_btf(&function(1))),
        Feature::BtfDatasec => answer(load_btf(&datasec(".data"))),
        Feature::BtfQmarkDatasec => answer(load_btf(&datasec("?.data"))),
        Feature::BtfFloat => answer(load_btf(&int_and(&[X, info(Kind::Float, 0), 4], ""))),
        Feature::BtfDeclTag => {
            let tagged = [&var()[..], &[X, info(Kind::DeclTag, 0), 2, u32::MAX]].concat();
            answer(load_btf(&int_and(&tagged, "")))
        }
        Feature::BtfTypeTag => {
            let tagged = [X, info(Kind::TypeTag, 0), 1, 0, info(Kind::Ptr, 0), 2];
            answer(load_btf(&int_and(&tagged, "")))
        }
        Feature::BtfEnum64 => {
            let one_value = [X, info(Kind::Enum64, 1), 8, X, 0, 0];
            answer(load_btf(&int_and(&one_value, "")))
        }
    }
}

/// A refusal for want of privilege, memory or descriptors is no answer. (Kernels before
/// 5.11 also refuse with EPERM when the limit on locked memory is reached.)
#[inline(never)]
fn answer(result: io::Result<OwnedFd>) -> Option<bool> {
    match result {
        Ok(_) => Some(true),
        Err(error) => match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => None,
            Some(libc::ENOSYS | libc::EAGAIN | libc::EINTR) => None,
            _ => Some(false),
        },
    }
}

fn load(kind: u32, insns: &[Insn], name: &str, expected: u32) -> io::Result<OwnedFd> {
    load_program(&Program {
        kind,
        insns: &encode_stream(insns, Endian::NATIVE),
        name,
        expected_attach_type: expected,
        func_info: None,
    })
}

/// bpf_probe_read_kernel(r10 - 8, 8, 0).
const READ_KERNEL: [Insn; 6] = [
    Insn::new(MOV_REG, 1, 10, 0, 0),
    Insn::new(ALU64, 1, 0, 0, -8),
    Insn::new(MOV_IMM, 2, 0, 0, 8),
    Insn::new(MOV_IMM, 3, 0, 0, 0),
    Insn::new(CALL, 0, 0, 0, PROBE_READ_KERNEL),
    Insn::new(EXIT, 0, 0, 0, 0),
];

/// bpf_get_attach_cookie(ctx).
const READ_COOKIE: [Insn; 2] = [
    Insn::new(CALL, 0, 0, 0, GET_ATTACH_COOKIE),
    Insn::new(EXIT, 0, 0, 0, 0),
];

/// Writes to the value of an array map by its address.
fn global_data() -> Option<bool> {
    let map = create_array(32, 1, 0);
    let Ok(map) = map else {
        return answer(map);
    };
    let [r0, exit] = RETURN_0;
    let [first, second] = map_value(&map, 16);
    let insns = [first, second, Insn::new(ST_DW, 1, 0, 0, 42), r0, exit];
    answer(load(SOCKET_FILTER, &insns, "", 0))
}

/// r1 = the address of the map's value plus `offset`.
fn map_value(map: &OwnedFd, offset: i32) -> [Insn; 2] {
    let first = Insn::new(LD_IMM64, 1, PSEUDO_MAP_VALUE, 0, map.as_raw_fd());
    [first, Insn::new(0, 0, 0, 0, offset)]
}

/// Refers to 1 GiB behind the start of a value. The limit was EINVAL before the map
/// had a say, which refuses for having two elements: ENOTSUPP. No log has to be read.
fn far_map_value() -> Option<bool> {
    const ENOTSUPP: i32 = 524;
    let map = create_array(4, 2, 0);
    let Ok(map) = map else {
        return answer(map);
    };
    let [first, second] = map_value(&map, 1 << 30);
    let [r0, exit] = RETURN_0;
    match load(SOCKET_FILTER, &[first, second, r0, exit], "", 0) {
        Err(error) if error.raw_os_error() == Some(ENOTSUPP) => Some(true),
        other => answer(other),
    }
}

/// A function with a parameter that only its tag makes a context hands it to a helper
/// that wants one.
fn arg_ctx_tag() -> Option<bool> {
    let btf = load_btf(&tagged_function());
    let Ok(btf) = btf else {
        return answer(btf);
    };
    const PSEUDO_CALL: u8 = 1;
    let [_, exit] = RETURN_0;
    let insns = [
        Insn::new(CALL, 0, PSEUDO_CALL, 0, 1),
        exit,
        Insn::new(CALL, 0, 0, 0, GET_FUNC_IP),
        exit,
    ];
    // The instruction and the type of each function.
    let records = [0u32, 4, 2, 6].map(u32::to_ne_bytes).concat();
    answer(load_program(&Program {
        kind: KPROBE,
        insns: &encode_stream(&insns, Endian::NATIVE),
        func_info: Some(FuncInfo {
            btf: btf.as_fd(),
            record_size: 8,
            records: &records,
        }),
        ..Program::default()
    }))
}

/// `int x(void *x)` twice, as types 4 and 6: the second's parameter has the tag.
fn tagged_function() -> Vec<u8> {
    let pointer = [0, info(Kind::Ptr, 0), 0];
    let function = |proto| {
        let proto_of_int = [0, info(Kind::FuncProto, 1), INT_TYPE, X, 2];
        [&proto_of_int[..], &[X, info(Kind::Func, 1), proto]].concat()
    };
    let tag = [NEXT, info(Kind::DeclTag, 0), 6, 0];
    let types = [&pointer[..], &function(3), &function(5), &tag];
    int_and(&types.concat(), "arg:ctx")
}

fn module_btf() -> Option<bool> {
    let btf = load_btf(&int_and(&[], ""));
    match btf {
        Ok(btf) => Some(has_btf_name(btf.as_fd())),
        refused => answer(refused),
    }
}

/// Offsets of names in the strings of every BTF here.
const STRINGS: &str = "\0int\0x\0";
const INT: u32 = 1;
/// The id of `int`.
const INT_TYPE: u32 = 1;
const X: u32 = 5;
const NEXT: u32 = STRINGS.len() as u32;

const fn info(kind: Kind, vlen: u32) -> u32 {
    (kind as u32) << 24 | vlen
}

/// BTF with `int` as type 1 and `types` behind it; `name` is the string at [`NEXT`].
fn int_and(types: &[u32], name: &str) -> Vec<u8> {
    const SIGNED_32_BITS: u32 = 1 << 24 | 32;
    let mut words = vec![INT, info(Kind::Int, 0), 4, SIGNED_32_BITS];
    words.extend(types);
    let strings = [STRINGS, name, "\0"].concat();
    let type_len = 4 * words.len() as u32;
    let header = [24, 0, type_len, type_len, strings.len() as u32];
    let mut btf = 0xeb9f_u16.to_ne_bytes().to_vec();
    btf.extend([1, 0]);
    btf.extend(
        header
            .iter()
            .chain(&words)
            .flat_map(|word| word.to_ne_bytes()),
    );
    btf.extend(strings.as_bytes());
    btf
}

/// `void x(int x)` of the given linkage.
fn function(linkage: u32) -> Vec<u8> {
    let proto = [0, info(Kind::FuncProto, 1), 0, X, 1];
    let func = [X, info(Kind::Func, linkage), 2];
    int_and(&[&proto[..], &func].concat(), "")
}

/// `static int x`, as type 2.
fn var() -> [u32; 4] {
    [X, info(Kind::Var, 0), 1, 0]
}

/// `static int x` in a section of that name.
fn datasec(name: &str) -> Vec<u8> {
    let section = [NEXT, info(Kind::Datasec, 1), 4, 2, 0, 4];
    int_and(&[&var()[..], &section].concat(), name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btf::Btf;

    #[test]
    fn every_btf_of_a_probe_is_valid() {
        for btf in [
            int_and(&[], ""),
            function(0),
            function(1),
            datasec("?.data"),
            tagged_function(),
        ] {
            let btf = Btf::parse(btf, None).unwrap();
            assert!(btf.own_types().all(|ty| ty.name().is_ok()));
        }
        let btf = Btf::parse(datasec("?.data"), None).unwrap();
        assert_eq!(btf.type_by_id(3).unwrap().name(), Ok(&b"?.data"[..]));
    }

    #[test]
    fn refusals_are_no_answers() {
        let refused = |errno| answer(Err(io::Error::from_raw_os_error(errno)));
        assert_eq!(refused(libc::EPERM), None);
        assert_eq!(refused(libc::EINVAL), Some(false));
        assert_eq!(refused(libc::E2BIG), Some(false));
    }
}
