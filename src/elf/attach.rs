//! What a program attaches to, as the name of its section says it.
//!
//! The forms are libbpf's (its attach functions, one for each kind of section):
//! what stands behind the first slash, read as far as it makes sense. A name that
//! libbpf could not attach by keeps its kind, and tells the reason.

use super::ProgramType;
use crate::name::Name;

/// How a program finds what it runs at. The numbers are the C API's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(u32)]
pub enum AttachKind {
    /// The section's name says nothing: to an interface, a cgroup, a socket, an event …
    #[default]
    None = 0,
    /// The instruction at an offset of a kernel function: `kprobe`, `kretprobe`.
    Kprobe = 1,
    /// All kernel functions of a pattern: `kprobe.multi`, `kprobe.session`.
    KprobeMulti = 2,
    /// A system call, by its name without prefix: `ksyscall`, `kretsyscall`.
    Ksyscall = 3,
    /// A function of a file: `uprobe`, `uretprobe`.
    Uprobe = 4,
    /// All functions of a pattern in a file: `uprobe.multi`, `uprobe.session`.
    UprobeMulti = 5,
    /// A probe that a file declares: `usdt`.
    Usdt = 6,
    /// A tracepoint by category and name: `tp`, `tracepoint`.
    Tracepoint = 7,
    /// A tracepoint by name: `raw_tp`, `raw_tracepoint`.
    RawTracepoint = 8,
    /// A kernel function by its BTF: `fentry`, `fexit`, `fsession`, `fmod_ret`.
    Function = 9,
    /// A tracepoint by its BTF: `tp_btf`.
    BtfTracepoint = 10,
    /// A hook of the security modules: `lsm`, `lsm_cgroup`.
    Lsm = 11,
    /// An iterator over kernel objects: `iter`.
    Iterator = 12,
    /// A function of another program, which only the loader can name: `freplace`.
    Extension = 13,
    /// A member of a `struct_ops` variable.
    StructOps = 14,
}

/// What a section's name says about where its programs attach.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AttachSpec {
    /// How to read the rest.
    pub kind: AttachKind,
    /// The function, pattern, system call, probe, tracepoint, hook or iterator;
    /// empty where the section does not say.
    pub name: Name,
    /// Of a tracepoint its category, of a USDT probe its provider.
    pub category: Name,
    /// Of probes in user space, the file.
    pub path: Name,
    /// The kernel module that is meant, where the section says one (`module:name`).
    pub module: Name,
    /// Where in the function, bytes.
    pub offset: u64,
    /// Whether it runs when the function returns.
    pub on_return: bool,
    /// Whether it runs at entry and, as the entry decides, at return.
    pub session: bool,
    /// Why the name is of no use, where it is not.
    pub problem: Option<&'static str>,
}

impl AttachSpec {
    /// What the name of a section says.
    pub fn of_section(name: &[u8]) -> AttachSpec {
        if ProgramType::of_section(name).program_type == 0 {
            return AttachSpec::default();
        }
        let name = name.strip_prefix(b"?").unwrap_or(name);
        let slash = name.iter().position(|&byte| byte == b'/');
        let (head, rest) = match slash {
            Some(at) => (name.get(..at), name.get(at + 1..)),
            None => (Some(name), None),
        };
        let mut spec = shape(head.unwrap_or_default());
        // Without anything behind it, the loader has to say where.
        if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
            spec.read(rest);
        }
        spec
    }

    fn read(&mut self, rest: &[u8]) {
        match self.kind {
            AttachKind::None | AttachKind::StructOps => {}
            AttachKind::Kprobe => self.read_kprobe(rest),
            AttachKind::KprobeMulti => {
                self.name = Name::new(leading(rest, |byte| is_symbol(byte) || is_wildcard(byte)));
                if self.name.is_empty() {
                    self.problem = Some("no pattern of kernel functions");
                }
            }
            AttachKind::Uprobe | AttachKind::UprobeMulti => self.read_uprobe(rest),
            AttachKind::Usdt => self.read_usdt(rest),
            AttachKind::Tracepoint => match split(rest, b'/') {
                Some((category, name)) => {
                    (self.category, self.name) = (Name::new(category), Name::new(name));
                }
                None => self.problem = Some("no category/name of a tracepoint"),
            },
            AttachKind::Ksyscall | AttachKind::RawTracepoint | AttachKind::Extension => {
                self.name = Name::new(rest);
            }
            AttachKind::Function
            | AttachKind::BtfTracepoint
            | AttachKind::Lsm
            | AttachKind::Iterator => match split(rest, b':') {
                Some((module, name)) => {
                    (self.module, self.name) = (Name::new(module), Name::new(name));
                }
                None => self.name = Name::new(rest),
            },
        }
    }

    /// `function` or `function+offset`; what stands behind is left alone.
    fn read_kprobe(&mut self, rest: &[u8]) {
        let name = leading(rest, is_symbol);
        self.name = Name::new(name);
        let tail = rest.get(name.len()..).unwrap_or_default();
        let digits = tail
            .strip_prefix(b"+")
            .map(|t| leading(t, |b| b.is_ascii_alphanumeric()));
        self.offset = digits.and_then(number).unwrap_or(0);
        if self.name.is_empty() {
            self.problem = Some("no kernel function");
        }
        self.refuse_offset_at_return();
    }

    /// `path:function`, for single probes also `path:function+offset`.
    fn read_uprobe(&mut self, rest: &[u8]) {
        let Some((path, function)) =
            split(rest, b':').filter(|(p, f)| !p.is_empty() && !f.is_empty())
        else {
            self.problem = Some("no path:function");
            return;
        };
        self.path = Name::new(path);
        let plus = function.iter().rposition(|&byte| byte == b'+');
        let offset = plus.and_then(|at| number(function.get(at + 1..)?));
        match (plus, offset) {
            (Some(at), Some(offset)) if self.kind == AttachKind::Uprobe => {
                self.name = Name::new(function.get(..at).unwrap_or_default());
                self.offset = offset;
            }
            _ => self.name = Name::new(function),
        }
        self.refuse_offset_at_return();
    }

    /// `path:provider:name`.
    fn read_usdt(&mut self, rest: &[u8]) {
        let parts: Vec<&[u8]> = rest.splitn(3, |&byte| byte == b':').collect();
        match *parts {
            [path, provider, name] if parts.iter().all(|part| !part.is_empty()) => {
                self.path = Name::new(path);
                self.category = Name::new(provider);
                self.name = Name::new(leading(name, |byte| byte != b':'));
            }
            _ => self.problem = Some("no path:provider:name"),
        }
    }

    fn refuse_offset_at_return(&mut self) {
        if self.on_return && self.offset != 0 {
            self.problem = Some("an offset, but a probe of returns has none");
        }
    }
}

/// What the part before the slash says.
fn shape(head: &[u8]) -> AttachSpec {
    let head = head.strip_suffix(b".s").unwrap_or(head);
    let (kind, on_return, session) = match head {
        b"kprobe" => (AttachKind::Kprobe, false, false),
        b"kretprobe" => (AttachKind::Kprobe, true, false),
        b"kprobe.multi" => (AttachKind::KprobeMulti, false, false),
        b"kretprobe.multi" => (AttachKind::KprobeMulti, true, false),
        b"kprobe.session" => (AttachKind::KprobeMulti, false, true),
        b"ksyscall" => (AttachKind::Ksyscall, false, false),
        b"kretsyscall" => (AttachKind::Ksyscall, true, false),
        b"uprobe" => (AttachKind::Uprobe, false, false),
        b"uretprobe" => (AttachKind::Uprobe, true, false),
        b"uprobe.multi" => (AttachKind::UprobeMulti, false, false),
        b"uretprobe.multi" => (AttachKind::UprobeMulti, true, false),
        b"uprobe.session" => (AttachKind::UprobeMulti, false, true),
        b"usdt" => (AttachKind::Usdt, false, false),
        b"tp" | b"tracepoint" => (AttachKind::Tracepoint, false, false),
        b"raw_tp" | b"raw_tracepoint" | b"raw_tp.w" | b"raw_tracepoint.w" => {
            (AttachKind::RawTracepoint, false, false)
        }
        b"tp_btf" => (AttachKind::BtfTracepoint, false, false),
        b"fentry" | b"fmod_ret" => (AttachKind::Function, false, false),
        b"fexit" => (AttachKind::Function, true, false),
        b"fsession" => (AttachKind::Function, false, true),
        b"lsm" | b"lsm_cgroup" => (AttachKind::Lsm, false, false),
        b"iter" => (AttachKind::Iterator, false, false),
        b"freplace" => (AttachKind::Extension, false, false),
        b"struct_ops" => (AttachKind::StructOps, false, false),
        _ => (AttachKind::None, false, false),
    };
    AttachSpec {
        kind,
        on_return,
        session,
        ..AttachSpec::default()
    }
}

fn is_symbol(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.'
}

fn is_wildcard(byte: u8) -> bool {
    byte == b'*' || byte == b'?'
}

/// The longest start of `bytes` that `belongs`.
fn leading(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> &[u8] {
    let end = bytes.iter().position(|&byte| !belongs(byte));
    bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default()
}

fn split(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|&byte| byte == at)?;
    Some((bytes.get(..place)?, bytes.get(place + 1..)?))
}

/// Decimal, hexadecimal (0x) or octal (0), as scanf's %li reads it.
fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    let (digits, radix) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let digit = digits.chars().next()?;
    digit
        .is_ascii_hexdigit()
        .then(|| u64::from_str_radix(digits, radix).ok())?
}

#[cfg(test)]
#[path = "attach_test.rs"]
mod tests;
