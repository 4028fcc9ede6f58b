//! The command line as typed.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use bpflink::Name;
use bpflink::target::{Feature, KernelRelease};
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

/// What the command line asks for.
pub enum Parsed {
    /// To do something.
    Command(Command),
    /// To print something: the help, the version.
    Answer(String),
    /// Nothing that makes sense; why.
    BadUsage(String),
}

/// Links BPF objects and shows what each stage did.
#[derive(Parser)]
#[command(name = "bpflink", bin_name = "bpflink", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Links the programs of an object for a kernel and shows the result
    Link(LinkArguments),
    /// Lists what the running kernel supports, or a release
    Features(FeaturesArguments),
}

const NOTES: &str = "\
Without --btf the running kernel is meant; with it, nothing of this machine is
looked at. `bpflink features` lists the names for --with and --without. FILE is raw BTF or an ELF file with a .BTF section: vmlinux first, then
modules, each called NAME or else as its file. The other options about a kernel
describe that of --btf.

Exit status: 0 all programs were linked, 1 something was not, 2 bad usage.";

/// What `bpflink link` is told.
#[derive(Args)]
#[command(after_help = NOTES)]
pub struct LinkArguments {
    /// The object file
    #[arg(value_name = "OBJ")]
    pub object: PathBuf,

    /// BTF of the kernel to link for; repeat for modules
    #[arg(long, value_name = "[NAME=]FILE", value_parser = OsStringValueParser::new().map(BtfFile::new))]
    pub btf: Vec<BtfFile>,

    /// Links only this program; may be repeated
    #[arg(long = "program", value_name = "NAME", value_parser = OsStringValueParser::new().map(name))]
    pub programs: Vec<Name>,

    /// Release of the kernel; the newest is assumed
    #[arg(long, value_name = "X.Y.Z", requires = "btf", value_parser = release)]
    pub release: Option<String>,

    /// Feature that the kernel has, whatever its release; may be repeated
    #[arg(long, value_name = "FEATURE", value_parser = feature)]
    pub with: Vec<Feature>,

    /// Feature that the kernel lacks, whatever its release; may be repeated
    #[arg(long, value_name = "FEATURE", value_parser = feature)]
    pub without: Vec<Feature>,

    /// Configuration of the kernel, as text
    #[arg(long, value_name = "FILE", requires = "btf")]
    pub kconfig: Option<PathBuf>,

    /// Symbols of the kernel, as /proc/kallsyms has them
    #[arg(long, value_name = "FILE", requires = "btf")]
    pub kallsyms: Option<PathBuf>,

    /// Shows source lines too
    #[arg(long)]
    pub lines: bool,

    /// Prints JSON, one object per line
    #[arg(long)]
    pub json: bool,
}

/// What `bpflink features` is told.
#[derive(Args)]
pub struct FeaturesArguments {
    /// The release to list; the running kernel is asked where none is given
    #[arg(long, value_name = "X.Y.Z", value_parser = release)]
    pub release: Option<String>,
}

/// An argument of `--btf`.
#[derive(Clone)]
pub struct BtfFile {
    /// The module's name; empty where nothing names it.
    pub name: Name,
    /// The file.
    pub path: PathBuf,
}

impl BtfFile {
    /// `NAME=FILE`, or `FILE`. A path may contain `=` too, but a name no `/`.
    fn new(argument: OsString) -> BtfFile {
        let bytes = argument.as_bytes();
        let split = bytes.iter().position(|&byte| matches!(byte, b'=' | b'/'));
        if let Some(at) = split
            && bytes.get(at) == Some(&b'=')
            && at > 0
        {
            let (name, file) = bytes.split_at(at);
            return BtfFile {
                name: Name::new(name),
                path: OsString::from_vec(file.get(1..).unwrap_or_default().to_vec()).into(),
            };
        }
        let stem = Path::new(&argument).file_stem().unwrap_or_default();
        BtfFile {
            name: Name::new(stem.as_bytes()),
            path: argument.into(),
        }
    }
}

fn name(argument: OsString) -> Name {
    Name::new(argument.as_bytes())
}

fn feature(argument: &str) -> Result<Feature, &'static str> {
    Feature::by_name(argument).ok_or("no feature; `bpflink features` lists them")
}

fn release(argument: &str) -> Result<String, &'static str> {
    match KernelRelease::parse(argument) {
        Some(_) => Ok(argument.to_owned()),
        None => Err("no kernel release like 5.10.0"),
    }
}

/// Reads the command line, the program's own name first.
pub fn parse(arguments: impl Iterator<Item = OsString>) -> Parsed {
    let error = match CommandLine::try_parse_from(arguments) {
        Ok(CommandLine { command }) => return Parsed::Command(command),
        Err(error) => error,
    };
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Parsed::Answer(text),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Parsed::BadUsage(format!("no command is given\n\n{}", text.trim_end()))
        }
        _ => {
            let message = text.strip_prefix("error: ").unwrap_or(&text);
            Parsed::BadUsage(message.trim_end().to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn btf(argument: &str) -> (String, PathBuf) {
        let file = BtfFile::new(argument.into());
        (file.name.to_string(), file.path)
    }

    #[test]
    fn a_name_stands_before_the_first_equals_sign() {
        assert_eq!(btf("nf=a/b.btf"), ("nf".into(), "a/b.btf".into()));
        assert_eq!(btf("nf=a=b"), ("nf".into(), "a=b".into()));
        assert_eq!(
            btf("5.10/vmlinux.btf"),
            ("vmlinux".into(), "5.10/vmlinux.btf".into())
        );
        assert_eq!(btf("./a=b.btf"), ("a=b".into(), "./a=b.btf".into()));
        assert_eq!(btf("=x"), ("=x".into(), "=x".into()));
    }
}
