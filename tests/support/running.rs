//! Loads linked programs into the running kernel and runs them: bpf(2) with the
//! attributes of linux/bpf.h, so that the verifier has the last word.
//!
//! No part of `support/mod.rs`, which the command's tests use too: `#[path]` brings it in.

#![allow(dead_code)] // Every test binary uses another part of it.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use bpflink::bytes::Endian;
use bpflink::link::{FinalizeOptions, InfoBytes, Program, Programs};
use bpflink::{Object, Target};
use std::sync::Arc;

use crate::support::btf::Order;
use crate::support::skip::skip;

/// The byte order of this machine.
pub const NATIVE: Order = match Endian::NATIVE {
    Endian::Little => Order::Little,
    Endian::Big => Order::Big,
};

const MAP_CREATE: i64 = 0;
const MAP_LOOKUP: i64 = 1;
const MAP_UPDATE: i64 = 2;
const PROG_LOAD: i64 = 5;
const PROG_TEST_RUN: i64 = 10;
const BTF_LOAD: i64 = 18;

/// The attributes of one call, at their offsets in `union bpf_attr`.
struct Attr([u8; 152]);

impl Attr {
    fn new() -> Attr {
        Attr([0; 152])
    }

    fn word(mut self, offset: usize, value: u32) -> Attr {
        self.0[offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
        self
    }

    fn address(mut self, offset: usize, bytes: &[u8]) -> Attr {
        let address = bytes.as_ptr() as u64;
        self.0[offset..offset + 8].copy_from_slice(&address.to_ne_bytes());
        self
    }

    fn call(&mut self, command: i64) -> io::Result<i64> {
        let (attributes, len) = (self.0.as_mut_ptr(), self.0.len());
        // SAFETY: the kernel reads and writes the attributes and the buffers whose
        // addresses and lengths they hold; the callers keep both until it returns.
        match unsafe { libc::syscall(libc::SYS_bpf, command, attributes, len) } {
            -1 => Err(io::Error::last_os_error()),
            result => Ok(result),
        }
    }

    fn open(mut self, command: i64) -> io::Result<OwnedFd> {
        let fd = self.call(command)?;
        // SAFETY: a descriptor that the kernel just made for us.
        Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
    }
}

/// Runs `call` with a buffer for the verifier's log; a refusal ends with the log's end.
fn with_log(call: impl FnOnce(&[u8]) -> io::Result<OwnedFd>) -> Result<OwnedFd, String> {
    let log = vec![0u8; 4 << 20];
    let outcome = call(&log);
    // SAFETY: the kernel wrote to it through its address; it is read only from here on.
    let log = unsafe { std::slice::from_raw_parts(std::hint::black_box(log.as_ptr()), log.len()) };
    outcome.map_err(|error| {
        let end = log.iter().position(|&b| b == 0).unwrap_or(log.len());
        let text = String::from_utf8_lossy(&log[end.saturating_sub(2000)..end]);
        format!("{error}: …{text}")
    })
}

pub fn load_btf(bytes: &[u8]) -> Result<OwnedFd, String> {
    with_log(|log| {
        Attr::new()
            .address(0, bytes)
            .address(8, log)
            .word(16, bytes.len() as u32)
            .word(20, log.len() as u32)
            .word(24, 1)
            .open(BTF_LOAD)
    })
}

/// The maps of an object, as the kernel made them.
pub struct Maps(Vec<(String, u32, OwnedFd)>);

impl Maps {
    fn create(set: &Programs) -> io::Result<Maps> {
        let mut maps = Vec::new();
        for (index, map) in set.object().maps().iter().enumerate() {
            let definition = &map.definition;
            let fd = Attr::new()
                .word(0, definition.map_type)
                .word(4, definition.key_size)
                .word(8, definition.value_size)
                .word(12, definition.max_entries)
                .word(16, definition.flags)
                .open(MAP_CREATE)?;
            if let Some(contents) = set.map_contents(index) {
                let (key, fd) = (0u32.to_ne_bytes(), fd.as_raw_fd() as u32);
                Attr::new()
                    .word(0, fd)
                    .address(8, &key)
                    .address(16, contents)
                    .call(MAP_UPDATE)?;
            }
            maps.push((map.name.to_string(), definition.value_size, fd));
        }
        Ok(Maps(maps))
    }

    fn find(&self, name: &str) -> &(String, u32, OwnedFd) {
        let found = self.0.iter().find(|map| map.0 == name);
        found.unwrap_or_else(|| panic!("no map {name}"))
    }

    /// The value of a four-byte key.
    pub fn value(&self, name: &str, key: u32) -> Vec<u8> {
        let (_, size, fd) = self.find(name);
        let (key, value) = (key.to_ne_bytes(), vec![0u8; *size as usize]);
        let mut attr = Attr::new();
        attr = attr.word(0, fd.as_raw_fd() as u32);
        attr.address(8, &key)
            .address(16, &value)
            .call(MAP_LOOKUP)
            .unwrap_or_else(|error| panic!("map {name}: {error}"));
        std::hint::black_box(&value).to_vec()
    }
}

/// Programs that are linked for this kernel, with maps and BTF that it has taken.
pub struct Loaded {
    pub set: Programs,
    pub maps: Maps,
    btf: Option<OwnedFd>,
}

/// Whether programs can be loaded here at all; says so where they cannot.
pub fn may_load() -> bool {
    let mut b = crate::support::btf::BtfBuilder::new(NATIVE);
    b.int("int", 4, crate::support::btf::SIGNED);
    let allowed = load_btf(&b.build()).is_ok();
    if !allowed {
        skip("the privilege to load BTF");
    }
    allowed
}

/// Links for `target` (of this machine's byte order), creates the maps, loads the BTF.
pub fn linked_for(object: &Arc<Object>, target: &Target) -> Result<Loaded, String> {
    let linked = || -> bpflink::Result<Programs> {
        let mut set = Programs::split(object)?;
        set.flatten(Default::default())?;
        set.relocate(target, Default::default(), Default::default())?;
        Ok(set)
    };
    let mut set = linked().map_err(|error| error.to_string())?;
    // The contents of .kconfig are known once a set is finalized: of one that is thrown away.
    let mut trial = linked().map_err(|error| error.to_string())?;
    let leave = FinalizeOptions {
        leave_map_references: true,
    };
    trial
        .finalize(target, leave, Default::default())
        .map_err(|error| error.to_string())?;
    let maps = Maps::create(&trial).map_err(|error| format!("maps: {error}"))?;
    for (name, _, fd) in &maps.0 {
        set.set_map_fd(&name.as_str().into(), fd.as_raw_fd())
            .map_err(|error| error.to_string())?;
    }
    set.finalize(target, FinalizeOptions::default(), Default::default())
        .map_err(|error| error.to_string())?;
    let btf = set.btf().map(load_btf).transpose()?;
    Ok(Loaded { set, maps, btf })
}

impl Loaded {
    /// The verifier's verdict on a program.
    pub fn load(&self, name: &str) -> Result<OwnedFd, String> {
        let program = self.set.get(name).ok_or(format!("no program {name}"))?;
        let license = self.set.object().license().map(|name| name.as_bytes());
        let license = [license.unwrap_or_default(), b"\0"].concat();
        let info = [program.func_info(), program.line_info()];
        with_log(|log| {
            self.attributes(program, &license, &info, log)
                .open(PROG_LOAD)
        })
    }

    fn attributes(
        &self,
        program: &Program,
        license: &[u8],
        info: &[&InfoBytes; 2],
        log: &[u8],
    ) -> Attr {
        let kind = program.program_type();
        let bytes = program.bytes().unwrap_or_default();
        let mut attr = Attr::new()
            .word(0, kind.program_type)
            .word(4, bytes.len() as u32 / 8)
            .address(8, bytes)
            .address(16, license)
            .word(24, 1)
            .word(28, log.len() as u32)
            .address(32, log)
            .word(44, kind.flags)
            .word(68, kind.attach_type.unwrap_or(0));
        if let Some(btf) = &self.btf {
            attr = attr.word(72, btf.as_raw_fd() as u32);
            for (info, [size, at, count]) in info.iter().zip([[76, 80, 88], [92, 96, 104]]) {
                attr = attr
                    .word(size, info.record_size as u32)
                    .address(at, &info.bytes)
                    .word(count, info.count() as u32);
            }
        }
        attr
    }

    /// Loads a program and runs it on a packet of zeros: what it returns.
    pub fn run(&self, name: &str) -> Result<u32, String> {
        let program = self.load(name)?;
        let packet = [0u8; 64];
        let mut attr = Attr::new()
            .word(0, program.as_raw_fd() as u32)
            .word(8, packet.len() as u32)
            .address(16, &packet);
        attr.call(PROG_TEST_RUN)
            .map_err(|error| format!("run of {name}: {error}"))?;
        Ok(u32::from_ne_bytes([
            attr.0[4], attr.0[5], attr.0[6], attr.0[7],
        ]))
    }
}
