//! Externs that `--release`, `--kconfig` and `--kallsyms` answer.

use serde_json::Value;

use super::run::{Run, Shown, bpflink, file};
use super::support::btf::Order;
use super::support::clang;

fn link(order: Order, more: &[&str]) -> Option<Run> {
    let object = clang::compile("configured", order, &["-mcpu=v3"])?;
    let object = file(&format!("configured.bpf.o-{order:?}"), &object);
    let vmlinux = Shown::new(order)?.vmlinux;
    let object = object.to_str().expect("text");
    let arguments = ["link", object, "--json", "--btf", &vmlinux];
    Some(bpflink(&[&arguments[..], more].concat()))
}

fn line(run: &Run, what: &str, name: &str) -> Value {
    let mut objects = run
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let found = objects.find(|object| object[what] == name);
    found.unwrap_or_else(|| panic!("no {what} {name} in {}", run.stdout))
}

#[test]
fn a_given_kernel_answers() {
    let config = file("hz.config", b"# comment\nCONFIG_HZ=250\n");
    let symbols = file("kallsyms-some", b"ffffffff81234567 T somewhere\n");
    let given = [
        "--release",
        "6.1.5",
        "--kconfig",
        config.to_str().expect("text"),
        "--kallsyms",
        symbols.to_str().expect("text"),
    ];
    // 6.1.5 as KERNEL_VERSION has it, and 250, each where the BTF puts it.
    for (order, version, hz, low, high) in [
        (
            Order::Little,
            "05010600",
            "fa00000000000000",
            "67452381",
            "ffffffff",
        ),
        (
            Order::Big,
            "00060105",
            "00000000000000fa",
            "81234567",
            "ffffffff",
        ),
    ] {
        let Some(run) = link(order, &given) else {
            return;
        };
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        let map = line(&run, "map", ".kconfig");
        let contents = map["initial"].as_str().expect("a string");
        assert!(
            contents.contains(version) && contents.contains(hz),
            "{contents}"
        );
        let addressed = line(&run, "program", "addressed");
        let bytes = addressed["bytes"].as_str().expect("a string");
        // The address in both slots of `r0 = somewhere ll`.
        assert_eq!((&bytes[8..16], &bytes[24..32]), (low, high));
        let configured = line(&run, "program", "configured");
        let references = configured["refs"].as_array().expect("an array");
        assert_eq!(references.len(), 2);
        assert!(
            references
                .iter()
                .all(|r| r["kind"] == "map_value" && r["name"] == ".kconfig")
        );
    }
}

#[test]
fn a_kernel_that_says_nothing_fails_what_asks() {
    let Some(run) = link(Order::Little, &[]) else {
        return;
    };
    assert_eq!(run.status, 1);
    for (program, symbol) in [
        ("configured", "LINUX_KERNEL_VERSION"),
        ("addressed", "somewhere"),
    ] {
        let failed = line(&run, "program", program);
        let error = failed["error"].as_str().expect("a string");
        assert!(
            error.contains(symbol) || error.contains("CONFIG_HZ"),
            "{error}"
        );
        assert!(run.stderr.contains(error), "{}", run.stderr);
    }
}
