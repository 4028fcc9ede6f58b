//! `struct_ops` variables and where programs attach, as they are shown. The kernel is the
//! object's own BTF, which has the kernel's types too.

use serde_json::Value;

use super::run::{Run, bpflink, file};
use super::support::{btf::Order, clang};

fn link(more: &[&str]) -> Option<Run> {
    let object = clang::compile("struct_ops", Order::Little, &[])?;
    let path = file("struct_ops.bpf.o", &object);
    let path = path.to_str().expect("text");
    Some(bpflink(&[&["link", path, "--btf", path], more].concat()))
}

#[test]
fn variables_are_maps_in_json() {
    let Some(run) = link(&["--json"]) else {
        return;
    };
    // A variable that the kernel does not take fails no program; this one is not asked for.
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let maps: Vec<Value> = run
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["type"] == 26)
        .collect();
    // struct common, two pointers, the flags, the name, a pointer.
    let value = |flags: &str, name: &str| {
        let name: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("{}{flags}{name:0<32}{}", "0".repeat(48), "0".repeat(24))
    };
    let shown: Vec<(&Value, &Value, &Value, &Value)> = maps
        .iter()
        .map(|map| {
            (
                &map["map"],
                &map["value_size"],
                &map["flags"],
                &map["initial"],
            )
        })
        .collect();
    let text = |text: &str| Value::from(text);
    assert_eq!(
        shown,
        [
            (
                &text("whole"),
                &56.into(),
                &0.into(),
                &value("34120000", "whole").into()
            ),
            (
                &text("other"),
                &56.into(),
                &0x2000.into(),
                &value("07000000", "other").into()
            ),
        ]
    );
}

#[test]
fn the_listing_says_what_a_loader_does() {
    let Some(run) = link(&[]) else {
        return;
    };
    let has = |line: &str| {
        let found = run.lines().any(|shown| shown == line);
        assert!(found, "no line {line:?} in\n{}", run.stdout);
    };
    has("struct_ops whole  struct demo_ops, 56 bytes, start at 8: start, stop at 16: stop");
    has("struct_ops other  struct demo_ops___other, by link, 56 bytes, stop at 16: stop");
    has(
        "struct_ops refused  struct demo_ops___other, by link, when asked for, not for this kernel",
    );
    has("      ; attaches to nothing: no struct_ops variable holds this program");
    let start = "      ; attaches to start, BTF id ";
    assert!(
        run.lines().any(|line| line.starts_with(start)),
        "{}",
        run.stdout
    );
}
