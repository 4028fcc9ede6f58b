//! Where the running kernel's configuration is found, and in what state.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::testing::Root;
use super::{Target, TargetError};
use crate::error::Status;

const BOOT: &str = "boot/config-5.4.0-9-amd64";
const PROC: &str = "proc/config.gz";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A kernel with these files says that CONFIG_HZ is …
fn hz(files: &[(&str, &[u8])]) -> Result<Option<String>, TargetError> {
    let root = Root::new(files);
    let target = Target::running_below(&root);
    let mut found = target.config_values(&["CONFIG_HZ"])?;
    assert_eq!(found.len(), 1);
    Ok(found.remove(0))
}

fn set(value: &str) -> Result<Option<String>, TargetError> {
    Ok(Some(value.to_owned()))
}

fn line(value: &str) -> Vec<u8> {
    format!("# CONFIG_HZ is not set here\nCONFIG_HZ_250=y\nCONFIG_HZ={value}\n").into_bytes()
}

#[test]
fn the_file_of_the_release_comes_first_and_either_may_be_packed() {
    let (boot, proc) = (line("100"), line("250"));
    assert_eq!(hz(&[(BOOT, &boot), (PROC, &gzip(&proc))]), set("100"));
    assert_eq!(
        hz(&[(BOOT, &gzip(&boot)), (PROC, &gzip(&proc))]),
        set("100")
    );
    assert_eq!(hz(&[(PROC, &gzip(&proc))]), set("250"));
    assert_eq!(hz(&[(PROC, &proc)]), set("250"));
    // The file of another kernel is none of this one.
    let other = ("boot/config-5.4.0-10-amd64", &boot[..]);
    assert_eq!(hz(&[other, (PROC, &gzip(&proc))]), set("250"));
    assert_eq!(hz(&[(BOOT, b""), (PROC, &gzip(&proc))]), Ok(None));
}

#[test]
fn of_two_lines_the_first_one_counts() {
    let twice = [line("100"), line("250")].concat();
    assert_eq!(hz(&[(BOOT, &twice)]), set("100"));
}

#[test]
fn every_member_of_a_packed_file_is_read() {
    let members = [gzip(b"CONFIG_A=y\nCONFIG"), gzip(b""), gzip(b"_HZ=300\n")].concat();
    assert_eq!(hz(&[(PROC, &members)]), set("300"));
    // What follows the last one is none; zlib passes over it too.
    let more = [&members[..], b"\0\0\0\0"].concat();
    assert_eq!(hz(&[(PROC, &more)]), set("300"));
    assert_eq!(hz(&[(PROC, &[&members[..], &[0x1f]].concat())]), set("300"));
}

#[test]
fn every_cut_and_every_damaged_byte_is_an_error_or_makes_no_difference() {
    let whole = gzip(&line("250"));
    for len in 2..whole.len() {
        let error = hz(&[(PROC, &whole[..len])]).unwrap_err();
        assert!(
            matches!(error, TargetError::KernelConfig { .. }),
            "{len}: {error}"
        );
        assert!(error.to_string().contains("proc/config.gz: "), "{error}");
    }
    // Some bits of the format mean nothing; the checksum holds all others.
    let mut errors = 0;
    for at in 2..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        match hz(&[(PROC, &damaged)]) {
            Ok(value) => assert_eq!(value.as_deref(), Some("250"), "byte {at}"),
            Err(_) => errors += 1,
        }
    }
    assert!(errors > whole.len() / 2, "{errors}");
}

#[test]
fn a_damaged_file_of_the_release_does_not_hide_the_kernels_own() {
    let whole = gzip(&line("250"));
    let damaged = (BOOT, &whole[..20]);
    assert_eq!(hz(&[damaged, (PROC, &whole)]), set("250"));
    let alone = hz(&[damaged]).unwrap_err().to_string();
    assert!(alone.contains(BOOT), "{alone}");
    let both = hz(&[damaged, (PROC, &whole[..20])])
        .unwrap_err()
        .to_string();
    assert!(both.contains(PROC), "{both}");
}

#[test]
fn more_than_any_kernel_has_is_refused_before_it_is_unpacked_whole() {
    // 20 kB that are 20 MB; and in members of 1 MB.
    let zeros = vec![0u8; 20 << 20];
    let bomb = gzip(&zeros);
    assert!(bomb.len() < 1 << 18);
    let members = gzip(&zeros[..1 << 20]).repeat(20);
    for (path, bytes) in [(PROC, &bomb), (PROC, &members), (BOOT, &zeros)] {
        let error = hz(&[(path, bytes)]).unwrap_err().to_string();
        assert!(error.contains("more than 16777216 bytes"), "{error}");
    }
}

#[test]
fn a_kernel_that_shows_none_says_where_it_was_looked_for() {
    let error = hz(&[]).unwrap_err();
    assert_eq!(error.status(), Status::NotFound);
    let text = error.to_string();
    assert!(text.contains(BOOT) && text.contains(PROC), "{text}");
    // It is not remembered: the file may come, as that of a package does.
    let root = Root::new(&[]);
    let target = Target::running_below(&root);
    assert!(target.config_values(&["CONFIG_HZ"]).is_err());
    root.add(BOOT, &line("100"));
    assert_eq!(
        target.config_values(&["CONFIG_HZ"]).unwrap(),
        [Some("100".to_owned())]
    );
}
