//! Keeps what the tests link, and what came out, for others to do the same.
//!
//! With the environment variable `BPFLINK_RECORD` set to a folder, every object
//! that a test opens or links through the short ways of `link.rs` becomes a case
//! there: the object, the target's BTF, and a text of all that this API said.
//! tests/c/replay.c takes the cases through the C ABI and compares.

#![allow(dead_code)] // Every test binary uses another part of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use bpflink::link::core::CoreOptions;
use bpflink::link::{Choice, FinalizeOptions, Linker, Programs};
use bpflink::{Object, Target};

use super::describe::Text;

/// Larger inputs are about limits of time and memory: not for keeping.
const LARGEST: usize = 1 << 16;
/// The first of the descriptors that stand for maps.
pub const FIRST_FD: i32 = 100;

fn folder() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let read = || std::env::var_os("BPFLINK_RECORD").map(PathBuf::from);
    FOLDER.get_or_init(read).as_deref()
}

/// The bytes of the objects that were open, by the objects' addresses: no other object
/// gets the address of one to which there is a weak reference.
type Opened = HashMap<usize, (Weak<Object>, Vec<u8>)>;

fn opened() -> &'static Mutex<Opened> {
    static OPENED: OnceLock<Mutex<Opened>> = OnceLock::new();
    OPENED.get_or_init(Mutex::default)
}

thread_local! {
    /// What a target does not give back: configuration and symbols, as `kernel_text` was told.
    static TEXTS: RefCell<Vec<(&'static str, String)>> = const { RefCell::new(Vec::new()) };
}

/// The targets of this test are made with this `kconfig` or `kallsyms`.
pub fn kernel_text(what: &'static str, text: &str) {
    TEXTS.with_borrow_mut(|texts| {
        texts.retain(|&(known, _)| known != what);
        texts.push((what, text.to_owned()));
    });
}

/// An object was opened, or was not.
pub fn open(bytes: &[u8], name: &str, result: &bpflink::Result<Arc<Object>>) {
    let Some(folder) = folder().filter(|_| bytes.len() <= LARGEST) else {
        return;
    };
    if let Ok(object) = result {
        let address = Arc::as_ptr(object) as usize;
        let mut opened = opened().lock().expect("no test panics with it");
        opened.insert(address, (Arc::downgrade(object), bytes.to_vec()));
    }
    let mut text = Text::default();
    text.outcome("open", result);
    if let Ok(object) = result {
        text.object(object);
        let split = Programs::split(object);
        text.outcome("split", &first_failure(split.as_ref()));
        if let Ok(set) = split {
            text.set(&set);
        }
    }
    let case = Case::new(folder, bytes, name);
    case.write(text);
}

/// An object was linked for a target.
pub fn link(object: &Arc<Object>, target: &Target, options: CoreOptions) {
    let Some(folder) = folder() else { return };
    let address = Arc::as_ptr(object) as usize;
    let bytes = opened().lock().expect("no test panics with it");
    let Some((_, bytes)) = bytes.get(&address).cloned() else {
        return;
    };
    let mut case = Case::new(folder, &bytes, &object.name().to_string());
    if !case.target(target) {
        return;
    }
    case.flags(options);
    let mut text = Text::default();
    let linked = Linker::new(target).core_options(options).link(object);
    text.outcome("link", &first_failure(linked.as_ref()));
    if let Ok(set) = &linked {
        text.set(set);
    }
    stages(&mut text, object, target, options);
    case.write(text);
}

/// What C returns: the error of the first program that failed.
fn first_failure(linked: Result<&Programs, &bpflink::Error>) -> bpflink::Result<()> {
    let set = linked.map_err(Clone::clone)?;
    let mut failed = set.programs().iter().filter_map(|p| p.error().cloned());
    failed.next().map_or(Ok(()), Err)
}

/// Stage by stage, every map given a descriptor.
fn stages(text: &mut Text, object: &Arc<Object>, target: &Target, options: CoreOptions) {
    let Ok(mut set) = Programs::split(object) else {
        return;
    };
    text.outcome("flatten", &set.flatten(Choice::All));
    text.set(&set);
    text.outcome("relocate", &set.relocate(target, options, Choice::All));
    text.set(&set);
    for (fd, map) in (FIRST_FD..).zip(object.maps()) {
        text.outcome("set_map_fd", &set.set_map_fd(&map.name, fd));
    }
    let finalized = set.finalize(target, FinalizeOptions::default(), Choice::All);
    text.outcome("finalize", &finalized);
    text.set(&set);
}

/// One file: what to do, an empty line, and what comes out.
struct Case<'a> {
    folder: &'a Path,
    hasher: DefaultHasher,
    head: String,
}

impl<'a> Case<'a> {
    fn new(folder: &'a Path, object: &[u8], name: &str) -> Case<'a> {
        let mut case = Case {
            folder,
            hasher: DefaultHasher::new(),
            head: String::new(),
        };
        name.hash(&mut case.hasher);
        case.head = format!("name {name}\n");
        case.input("object", "", object);
        case
    }

    /// A file that the case needs, under a name made of its bytes.
    fn input(&mut self, what: &str, name: &str, bytes: &[u8]) {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let file = format!("{:016x}.bin", hasher.finish());
        write(&self.folder.join(&file), bytes);
        let line = format!("{what} {file} {name}");
        self.head.push_str(line.trim_end());
        self.head.push('\n');
        line.hash(&mut self.hasher);
    }

    /// Only a target that is described; of this machine there is nothing to keep.
    fn target(&mut self, target: &Target) -> bool {
        match target.vmlinux() {
            Ok(vmlinux) if vmlinux.bytes().len() > LARGEST => return false,
            Ok(vmlinux) => self.input("vmlinux", "", vmlinux.bytes()),
            // Without BTF it may be this machine, if this has none either.
            Err(_) if !Path::new("/sys/kernel/btf/vmlinux").exists() => return false,
            Err(_) => {}
        }
        for module in target.modules().iter().flat_map(|modules| modules.iter()) {
            let btf = module.btf().expect("it was given, not read");
            self.input("module", &module.name().to_string(), btf.bytes());
        }
        if let Some(release) = target.release() {
            let line = format!("release {release}\n");
            line.hash(&mut self.hasher);
            self.head.push_str(&line);
        }
        TEXTS.with_borrow(|texts| {
            for (what, text) in texts {
                self.input(what, "", text.as_bytes());
            }
        });
        true
    }

    fn flags(&mut self, options: CoreOptions) {
        let flags = u32::from(options.poison_is_error) | u32::from(options.libbpf_candidates) << 1;
        flags.hash(&mut self.hasher);
        self.head.push_str(&format!("flags {flags}\n"));
    }

    fn write(self, text: Text) {
        let path = self
            .folder
            .join(format!("{:016x}.case", self.hasher.finish()));
        let head = format!("{}\n", self.head);
        write(&path, &[head.as_bytes(), &text.0].concat());
    }
}

/// Whole or not at all: tests that make the same case may run at once.
fn write(path: &Path, bytes: &[u8]) {
    if path.exists() {
        return;
    }
    let partial = path.with_extension(format!("{:?}", std::thread::current().id()));
    std::fs::write(&partial, bytes)
        .and_then(|()| std::fs::rename(&partial, path))
        .unwrap_or_else(|error| panic!("BPFLINK_RECORD: {}: {error}", path.display()));
}
