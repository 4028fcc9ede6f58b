//! The kernel's configuration, as the text that it was built from.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::TargetError;

/// A longer text is no kernel's configuration: real ones have 300 kB.
const MAX_TEXT: u64 = 64 << 20;

/// The running kernel's: /boot/config-RELEASE, else /proc/config.gz (libbpf looks
/// in the same order).
pub(super) fn of_running_kernel(root: &Path, release: &str) -> Result<String, TargetError> {
    let boot = root.join("boot").join(format!("config-{release}"));
    if let Ok(text) = read(&boot, |file| Box::new(file)) {
        return Ok(text);
    }
    let proc = root.join("proc/config.gz");
    read(&proc, |file| Box::new(flate2::read::GzDecoder::new(file)))
        .map_err(|error| TargetError::io(&proc, &error))
}

fn read(
    path: &PathBuf,
    unpack: impl Fn(std::fs::File) -> Box<dyn Read>,
) -> std::io::Result<String> {
    let mut text = Vec::new();
    let file = std::fs::File::open(path)?;
    unpack(file).take(MAX_TEXT).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// What stands behind `NAME=` in a configuration; `None` where it is not set.
pub(super) fn value<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix('=')?;
        Some(value.trim_end())
    })
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
