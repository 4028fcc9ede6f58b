//! Real programs on the running kernel.

use std::path::Path;

use serde_json::Value;

use super::objects::objects;
use super::run::bpflink;
use super::support::skip::skip;

#[test]
fn libbpf_tools_link_for_the_running_kernel() {
    let objects = objects("libbpf-tools");
    if objects.is_empty() {
        return skip("the objects that corpus/libbpf_tools.py compiles");
    }
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        return skip("BTF of the running kernel");
    }
    let mut linked = 0;
    for object in &objects {
        let arguments = ["link".as_ref(), object.as_os_str(), "--json".as_ref()];
        let run = bpflink(&arguments);
        let mut failed = 0;
        for line in run.lines() {
            let value: Value = serde_json::from_str(line).expect("JSON");
            let Some(error) = value.get("error").and_then(Value::as_str) else {
                linked += usize::from(value.get("program").is_some());
                continue;
            };
            failed += 1;
            // What only later kernels or configurations answer is no defect.
            assert!(error.contains(": undefined "), "{error}");
        }
        assert_eq!(
            run.status,
            i32::from(failed != 0),
            "{object:?}: {}",
            run.stderr
        );
        assert_eq!(
            run.stderr.lines().count(),
            failed,
            "{object:?}: {}",
            run.stderr
        );
    }
    assert!(
        linked > 300,
        "{linked} programs of {} objects",
        objects.len()
    );
}
