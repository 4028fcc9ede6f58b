//! Exit status and messages where something is wrong.

use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;

use super::run::{Run, Shown, bpflink, command, file};
use super::support::btf::Order;

/// One message, and nothing on standard output.
fn refused(run: &Run, status: i32, parts: &[&str]) {
    assert_eq!(run.status, status, "{}", run.stderr);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.starts_with("bpflink: "), "{}", run.stderr);
    for part in parts {
        assert!(run.stderr.contains(part), "no {part:?} in {}", run.stderr);
    }
}

#[test]
fn bad_usage_is_2() {
    refused(&bpflink(&["link"]), 2, &["OBJ"]);
    refused(&bpflink(&["unlink", "x.o"]), 2, &["unlink"]);
    refused(&bpflink(&["link", "x.o", "--jsn"]), 2, &["--jsn"]);
    refused(&bpflink(&["link", "x.o", "y.o"]), 2, &["y.o"]);
    refused(&bpflink(&["link", "x.o", "--btf"]), 2, &["--btf"]);
    let release = |text| bpflink(&["link", "x.o", "--btf", "v", "--release", text]);
    refused(&release("yesterday"), 2, &["--release", "yesterday"]);
    refused(&release("5"), 2, &["--release"]);
    // They describe the kernel that --btf begins to describe.
    refused(
        &bpflink(&["link", "x.o", "--release", "5.10.0"]),
        2,
        &["--btf"],
    );
    refused(&bpflink::<&str>(&[]), 2, &["no command", "Usage"]);
}

#[test]
fn help_and_version_are_answers() {
    for arguments in [&["--help"][..], &["link", "--help"], &["--version"]] {
        let run = bpflink(arguments);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        assert!(run.stdout.contains("bpflink"));
    }
    let help = bpflink(&["link", "--help"]).stdout;
    for option in [
        "--btf",
        "--program",
        "--release",
        "--kconfig",
        "--kallsyms",
        "--lines",
        "--json",
    ] {
        assert!(help.contains(option), "{help}");
    }
}

#[test]
fn what_cannot_be_read_is_1() {
    let missing = bpflink(&["link", "/nowhere/x.bpf.o"]);
    refused(&missing, 1, &["/nowhere/x.bpf.o", "No such file"]);
    let text = file("text.o", b"this is no object\n");
    let text = text.to_str().expect("text");
    refused(&bpflink(&["link", text]), 1, &[text]);
    refused(&bpflink(&["link", "/"]), 1, &["/"]);
    let odd = std::ffi::OsStr::from_bytes(b"/nowhere/\xff.o");
    refused(&bpflink(&["link".as_ref(), odd]), 1, &["No such file"]);
}

#[test]
fn a_kernel_that_cannot_be_read_is_1() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let no_btf = file("text.btf", b"this is no BTF\n");
    let no_btf = no_btf.to_str().expect("text");
    let with = |more: &[&str]| {
        let mut arguments = vec!["link", &shown.object];
        arguments.extend(more);
        bpflink(&arguments)
    };
    refused(
        &with(&["--btf", "/nowhere/vmlinux"]),
        1,
        &["/nowhere/vmlinux"],
    );
    refused(&with(&["--btf", no_btf]), 1, &[no_btf]);
    let vmlinux = shown.vmlinux.as_str();
    refused(
        &with(&["--btf", vmlinux, "--btf", "/nowhere/nf.ko"]),
        1,
        &["/nowhere/nf.ko"],
    );
    refused(
        &with(&["--btf", vmlinux, "--kconfig", "/nowhere/config"]),
        1,
        &["/nowhere/config"],
    );
    refused(
        &with(&["--btf", vmlinux, "--kallsyms", "/nowhere/syms"]),
        1,
        &["/nowhere/syms"],
    );
}

#[test]
fn a_damaged_module_costs_no_more_than_itself() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let damaged = file("damaged.btf", b"this is no BTF\n");
    let damaged = format!("odd={}", damaged.to_str().expect("text"));
    let run = shown.link(&["--btf", &damaged, "--program", "module"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let warnings: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(warnings.len(), 1, "{}", run.stderr);
    assert!(
        warnings[0].starts_with("bpflink: module odd is left out: "),
        "{}",
        run.stderr
    );
    assert!(
        run.stdout.contains("1 relocation (1 patched)"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_program_that_does_not_exist() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    for more in [&[][..], &["--json"]] {
        let arguments = [&["--program", "reads", "--program", "nobody"], more].concat();
        refused(
            &shown.link(&arguments),
            1,
            &["shown.bpf.o", "program", "nobody"],
        );
    }
}

#[test]
fn everything_linked_is_0() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let config = file("config", b"CONFIG_HZ=250\n");
    let symbols = file("kallsyms", b"ffffffff81000000 T _text\n");
    let run = shown.link(&[
        "--program",
        "reads",
        "--program",
        "asks",
        "--release",
        "6.12.0",
        "--kconfig",
        config.to_str().expect("text"),
        "--kallsyms",
        symbols.to_str().expect("text"),
    ]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("kprobe/asks  asks"));
    assert!(!run.stdout.contains("kprobe/fails"));
}

#[test]
fn an_old_kernel_gets_its_helpers() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    // bpf_probe_read_kernel came with Linux 5.5.
    let calls = |release| {
        let run = shown.link(&["--program", "reads", "--release", release]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        let of = |helper: &str| run.lines().filter(|line| line.ends_with(helper)).count();
        (of("call bpf_probe_read"), of("call bpf_probe_read_kernel"))
    };
    assert_eq!(calls("5.4.0"), (1, 0));
    assert_eq!(calls("5.5.0"), (0, 1));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let spawn = |stdout| {
        let mut child = command()
            .args([
                "link",
                &shown.object,
                "--program",
                "reads",
                "--btf",
                &shown.vmlinux,
            ])
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        drop(child.stdout.take());
        let mut stderr = String::new();
        let mut pipe = child.stderr.take().expect("a pipe");
        pipe.read_to_string(&mut stderr).expect("text");
        (child.wait().expect("it ends").code(), stderr)
    };
    // A pipe that nobody reads any more.
    assert_eq!(spawn(Stdio::piped()), (Some(0), String::new()));
    // A disk without space is one.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let (status, stderr) = spawn(full.expect("/dev/full").into());
    assert_eq!(status, Some(1));
    assert!(stderr.starts_with("bpflink: cannot write: "), "{stderr}");
}

#[test]
fn nobody_hears_the_errors() {
    let mut child = command()
        .args(["link", "/nowhere/x.bpf.o"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}

#[test]
fn features_are_listed_and_unknown_ones_refused() {
    let listed = bpflink(&["features", "--release", "5.10"]);
    assert_eq!(listed.status, 0, "{}", listed.stderr);
    let line = |name: &str| {
        let mut words = listed.lines().map(str::split_whitespace);
        let found = words.find_map(|mut line| (line.next() == Some(name)).then_some(line));
        found.expect(name).collect::<Vec<_>>()
    };
    assert_eq!(line("btf_func_global"), ["yes", "since", "5.6"]);
    assert_eq!(line("btf_float"), ["no", "since", "5.13"]);
    let unknown = bpflink(&["link", "x.o", "--with", "btf_flot"]);
    refused(&unknown, 2, &["btf_flot", "no feature"]);
}
