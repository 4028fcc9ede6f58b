//! bpf(2), as much of it as the probes need, and the size of a page. The one place of the
//! target that is unsafe.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Commands of `enum bpf_cmd`.
const MAP_CREATE: libc::c_long = 0;
const PROG_LOAD: libc::c_long = 5;
const OBJ_GET_INFO_BY_FD: libc::c_long = 15;
const BTF_LOAD: libc::c_long = 18;

/// The kernel gives up with EAGAIN when a signal comes while it verifies.
const ATTEMPTS: usize = 5;

/// `union bpf_attr`, filled field by field. Pointers in it are those of slices that
/// live as long as it does.
struct Attr<'a> {
    bytes: [u8; 128],
    borrowed: std::marker::PhantomData<&'a [u8]>,
}

impl<'a> Attr<'a> {
    fn new() -> Attr<'a> {
        Attr {
            bytes: [0; 128],
            borrowed: std::marker::PhantomData,
        }
    }

    fn put(mut self, offset: usize, bytes: &[u8]) -> Attr<'a> {
        let places = self.bytes.iter_mut().skip(offset);
        places.zip(bytes).for_each(|(to, &from)| *to = from);
        self
    }

    fn word(self, offset: usize, value: u32) -> Attr<'a> {
        self.put(offset, &value.to_ne_bytes())
    }

    fn pointer(self, offset: usize, data: &'a [u8]) -> Attr<'a> {
        self.put(offset, &(data.as_ptr() as u64).to_ne_bytes())
    }

    /// Calls bpf(2) with the first `size` bytes; fields behind them do not exist for it.
    fn call(&self, command: libc::c_long, size: usize) -> io::Result<libc::c_long> {
        let size = size.min(self.bytes.len());
        let mut result = Ok(0);
        for _ in 0..ATTEMPTS {
            // SAFETY: the kernel reads `size` bytes of the attributes, which exist, and
            // what they point to: slices that outlive `self`, with their lengths.
            // Only OBJ_GET_INFO_BY_FD writes, and `has_btf_name` gives it places of its own.
            let value = unsafe { libc::syscall(libc::SYS_bpf, command, self.bytes.as_ptr(), size) };
            result = match value {
                0.. => return Ok(value),
                _ => Err(io::Error::last_os_error()),
            };
            if !matches!(&result, Err(e) if e.raw_os_error() == Some(libc::EAGAIN)) {
                break;
            }
        }
        result
    }

    fn open(&self, command: libc::c_long, size: usize) -> io::Result<OwnedFd> {
        let fd = self.call(command, size)?;
        // SAFETY: a command that makes an object returned a new descriptor.
        Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
    }
}

/// Loads BTF.
pub(super) fn load_btf(btf: &[u8]) -> io::Result<OwnedFd> {
    let attr = Attr::new().pointer(0, btf).word(16, btf.len() as u32);
    attr.open(BTF_LOAD, 28)
}

/// A program to try.
#[derive(Default)]
pub(super) struct Program<'a> {
    /// BPF_PROG_TYPE_*.
    pub(super) kind: u32,
    /// Instructions in the machine's byte order.
    pub(super) insns: &'a [u8],
    /// Its name; none is given where it is empty.
    pub(super) name: &'a str,
    /// BPF_CGROUP_* and its like; not given where it is 0.
    pub(super) expected_attach_type: u32,
    /// The types of its functions.
    pub(super) func_info: Option<FuncInfo<'a>>,
}

/// Records of `struct bpf_func_info`, and the BTF whose types they name.
pub(super) struct FuncInfo<'a> {
    pub(super) btf: BorrowedFd<'a>,
    pub(super) record_size: usize,
    pub(super) records: &'a [u8],
}

/// Loads a program. The attributes end with the last one given, so that older
/// kernels, which refuse longer ones, take part.
pub(super) fn load_program(program: &Program<'_>) -> io::Result<OwnedFd> {
    let mut attr = Attr::new()
        .word(0, program.kind)
        .word(4, (program.insns.len() / 8) as u32)
        .pointer(8, program.insns)
        .pointer(16, b"GPL\0")
        .put(48, program.name.as_bytes())
        .word(68, program.expected_attach_type);
    let mut size = match (program.name, program.expected_attach_type) {
        ("", 0) => 48,
        (_, 0) => 64,
        _ => 72,
    };
    if let Some(info) = &program.func_info {
        attr = attr
            .word(72, info.btf.as_raw_fd() as u32)
            .word(76, info.record_size as u32)
            .pointer(80, info.records)
            .word(88, (info.records.len() / info.record_size.max(1)) as u32);
        size = 92;
    }
    attr.open(PROG_LOAD, size)
}

/// Bytes of a page of memory.
pub(super) fn page_size() -> Option<u64> {
    // SAFETY: asks for a number.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size)
        .ok()
        .filter(|size| size.is_power_of_two())
}

/// Creates an array map.
pub(super) fn create_array(value_size: u32, entries: u32, flags: u32) -> io::Result<OwnedFd> {
    const MAP_TYPE_ARRAY: u32 = 2;
    let attr = Attr::new()
        .word(0, MAP_TYPE_ARRAY)
        .word(4, 4)
        .word(8, value_size)
        .word(12, entries)
        .word(16, flags);
    attr.open(MAP_CREATE, 20)
}

/// Whether the kernel tells the name of BTF, which it does since modules have some.
pub(super) fn has_btf_name(btf: BorrowedFd<'_>) -> bool {
    let mut name = [0u8; 16];
    // struct bpf_btf_info: btf, btf_size and id, name, name_len and kernel_btf.
    let mut info = [0u64, 0, name.as_mut_ptr() as u64, 0];
    let len = [name.len() as u32, 0].map(u32::to_ne_bytes).concat();
    if let (Some(last), Ok(len)) = (info.last_mut(), len.try_into()) {
        *last = u64::from_ne_bytes(len);
    }
    let address = info.as_mut_ptr() as u64;
    let attr = Attr::new()
        .word(0, btf.as_raw_fd() as u32)
        .word(4, size_of_val(&info) as u32)
        .put(8, &address.to_ne_bytes());
    attr.call(OBJ_GET_INFO_BY_FD, 16).is_ok()
}
