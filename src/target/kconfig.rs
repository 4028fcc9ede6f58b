//! The kernel's configuration, as the text that it was built from.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::{TargetError, gzip, inflate};
use crate::lookup::Lookup;

/// A longer text is no kernel's configuration: real ones have 300 kB.
const MAX_TEXT: usize = 16 << 20;

/// The running kernel's: /boot/config-RELEASE, else /proc/config.gz, each packed or not
/// (libbpf looks in the same order, and reads both through zlib).
pub(super) fn of_running_kernel(root: &Path, release: &str) -> Result<String, TargetError> {
    let boot = root.join("boot").join(format!("config-{release}"));
    let proc = root.join("proc/config.gz");
    let absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let at_boot = match read(&boot) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    read(&proc).map_err(|at_proc| match (absent(&at_boot), absent(&at_proc)) {
        (true, true) => TargetError::NoKernelConfig {
            boot: boot.display().to_string(),
            proc: proc.display().to_string(),
        },
        (false, true) => failed(&boot, &at_boot),
        (_, false) => failed(&proc, &at_proc),
    })
}

/// What the operating system refuses has a number; what is wrong with the bytes has words.
fn failed(path: &Path, error: &io::Error) -> TargetError {
    match error.raw_os_error() {
        Some(_) => TargetError::io(path, error),
        None => TargetError::KernelConfig {
            path: path.display().to_string(),
            what: error.to_string(),
        },
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    let room = MAX_TEXT as u64 + 1;
    File::open(path)?.take(room).read_to_end(&mut bytes)?;
    let text = match gzip::is_packed(&bytes) {
        _ if bytes.len() > MAX_TEXT => return Err(inflate::too_long(MAX_TEXT)),
        true => gzip::unpack(&bytes, MAX_TEXT)?,
        false => bytes,
    };
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// What stands behind `NAME=` for each of `names` that is set; of two lines of one
/// name, the first one counts. The text is gone through once.
pub(super) fn values<'t>(text: &'t str, names: &[&str]) -> Lookup<&'t str, &'t str> {
    let wanted: Lookup<&str> = names.iter().map(|&name| (name, ())).collect();
    let mut found = Lookup::default();
    for line in text.lines() {
        if let Some((name, value)) = line.split_once('=')
            && wanted.contains(name)
        {
            found.or_insert(name, value.trim_end());
        }
    }
    found
}

/// What stands behind `NAME=`; `None` where it is not set.
fn value<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    values(text, &[name]).get(name).copied()
}

/// Bytes of a page; `None` where the configuration does not say, or nonsense.
pub(super) fn page_size(text: &str) -> Option<u64> {
    let shift: u32 = value(text, "CONFIG_PAGE_SHIFT")?.parse().ok()?;
    // From 4 kB to 1 MB: what there is, and some room.
    (12..=20).contains(&shift).then(|| 1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_that_of_the_whole_name() {
        let text = "# CONFIG_OFF is not set\nCONFIG_HZ_100=y\nCONFIG_HZ=250\nCONFIG_S=\"a b\"\r\n";
        assert_eq!(value(text, "CONFIG_HZ"), Some("250"));
        assert_eq!(value(text, "CONFIG_S"), Some("\"a b\""));
        assert_eq!(value(text, "CONFIG_OFF"), None);
        assert_eq!(value(text, "CONFIG_H"), None);
    }

    #[test]
    fn a_page_is_as_large_as_its_shift_says() {
        assert_eq!(page_size("CONFIG_PAGE_SHIFT=12\n"), Some(4096));
        assert_eq!(page_size("CONFIG_PAGE_SHIFT=16\n"), Some(65536));
        for text in [
            "",
            "CONFIG_PAGE_SHIFT=64",
            "CONFIG_PAGE_SHIFT=-1",
            "CONFIG_PAGE_SHIFT=0",
        ] {
            assert_eq!(page_size(text), None, "{text}");
        }
    }
}
