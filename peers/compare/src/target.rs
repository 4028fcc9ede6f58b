//! A kernel to link for, as the command line names it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use bpflink::btf::SYSFS_BTF;
use bpflink::target::{TargetBuilder, TargetError, btf_from_file};

/// What a kernel's name ends with where modules are given.
const MODULES: &str = ", modules";

/// A kernel to link for.
pub struct Target {
    /// For the table.
    pub name: String,
    /// `--btf FILE` … for a witness.
    pub args: Vec<String>,
    /// BTF of modules is given too.
    pub modules: bool,
    /// Only objects of the same byte order are linked for it.
    pub big_endian: bool,
}

impl Target {
    /// `VMLINUX[@RELEASE][,[NAME=]MODULE…]`, or the running kernel for `running`. For
    /// MODULE a folder is all of its modules. The configuration is the file `config` beside
    /// a file `btf`.
    pub fn parse(spec: &str) -> Result<Self, String> {
        if spec == "running" {
            return Ok(Self {
                name: spec.to_owned(),
                args: Vec::new(),
                modules: false,
                big_endian: cfg!(target_endian = "big"),
            });
        }
        let mut files = spec.split(',');
        let first = files.next().unwrap_or(spec);
        let (vmlinux, release) = match first.rsplit_once('@') {
            Some((vmlinux, release)) => (vmlinux, Some(release)),
            None => (first, None),
        };
        let mut args = vec!["--btf".to_owned(), vmlinux.to_owned()];
        let mut name = kernel_name(Path::new(vmlinux));
        for file in files {
            if !name.ends_with(MODULES) {
                name += MODULES;
            }
            for module in modules(Path::new(file))? {
                args.extend(["--btf".to_owned(), module]);
            }
        }
        if let Some(release) = release {
            args.extend(["--release".to_owned(), release.to_owned()]);
        }
        // As kernels/fetch.py lays them down.
        let config = Path::new(vmlinux).with_file_name("config");
        if vmlinux.ends_with("/btf") && is_configuration(&config) {
            args.extend(["--kconfig".to_owned(), config.display().to_string()]);
        }
        Ok(Self {
            args,
            modules: name.ends_with(MODULES),
            big_endian: is_big_endian(Path::new(vmlinux)),
            name,
        })
    }

    /// The same kernel for the library.
    pub fn build(&self) -> Result<bpflink::Target, String> {
        if self.args.is_empty() {
            std::fs::metadata(SYSFS_BTF).map_err(|e| format!("{SYSFS_BTF}: {e}"))?;
            return Ok(bpflink::Target::running());
        }
        let mut builder = TargetBuilder::new();
        let mut vmlinux = None;
        for pair in self.args.chunks(2) {
            let [option, value] = pair else { continue };
            let fail = |e: TargetError| format!("{value}: {e}");
            if option == "--release" {
                builder = builder.release(value).map_err(|e| e.to_string())?;
            } else if option == "--kconfig" {
                let text = std::fs::read(value).map_err(|e| format!("{value}: {e}"))?;
                builder = builder.kconfig(String::from_utf8_lossy(&text));
            } else if let Some(base) = &vmlinux {
                let (name, file) = value.split_once('=').unwrap_or((value, value));
                let btf = btf_from_file(Path::new(file), Some(Arc::clone(base))).map_err(fail)?;
                builder = builder.module(name, btf);
            } else {
                let btf = btf_from_file(Path::new(value), None).map_err(fail)?;
                vmlinux = Some(Arc::clone(&btf));
                builder = builder.vmlinux(btf);
            }
        }
        builder.build().map_err(|e| e.to_string())
    }
}

/// Whether a file is a configuration as a kernel shows it: make's form of one leaves
/// values empty, which libbpf refuses as a whole.
fn is_configuration(file: &Path) -> bool {
    std::fs::read_to_string(file).is_ok_and(|text| !text.lines().any(|line| line.ends_with('=')))
}

/// `NAME=FILE` of one module, or of all in a folder.
fn modules(file: &Path) -> Result<Vec<String>, String> {
    let fail = |e: std::io::Error| format!("{}: {e}", file.display());
    if !file.is_dir() {
        return Ok(vec![file.display().to_string()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(file).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if let Some(stem) = path
            .file_stem()
            .filter(|_| path.extension().is_some_and(|e| e == "btf"))
        {
            found.push(format!("{}={}", stem.display(), path.display()));
        }
    }
    found.sort();
    Ok(found)
}

/// The file's name; its folder's where that tells more (`6.12.107/btf`).
fn kernel_name(vmlinux: &Path) -> String {
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
    let file = name(vmlinux).unwrap_or_default();
    match vmlinux.parent().and_then(name) {
        Some(folder) if file == "btf" => folder,
        _ => file,
    }
}

/// The byte order of an ELF file by its header, of raw BTF by its magic.
pub fn is_big_endian(file: &Path) -> bool {
    const EI_DATA: usize = 5;
    const ELFDATA2MSB: u8 = 2;
    let mut head = [0; 8];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok()
        && match head[..2] {
            [0xeb, 0x9f] => true,
            [0x7f, b'E'] => head[EI_DATA] == ELFDATA2MSB,
            _ => false,
        }
}
