//! The listing for people.

use super::run::Shown;
use super::support::btf::Order;

#[test]
fn names_and_decisions_stand_beside_the_instructions() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let run = shown.link(&[]);
    assert_eq!(run.status, 1);
    let line = |part: &str| {
        let found = run.lines().find(|line| line.contains(part));
        found.unwrap_or_else(|| panic!("no line with {part:?} in\n{}", run.stdout))
    };
    let head = line("kprobe/reads  reads  ");
    assert!(
        head.contains(" instructions, 2 functions, 1 relocation (1 patched)"),
        "{head}"
    );
    assert!(line("byte offset of struct thing.b (0:1), was 4").contains(" = 12 "));
    assert!(line("poisoned: byte offset of struct unheard_of.y").contains("call 195896080"));
    assert!(line("existence of struct unheard_of, absent").contains(" = 0 "));
    assert!(line("size of struct thing, was 8").contains(" = 20 "));
    line("call bpf_probe_read_kernel");
    line("= map counts ll");
    line("= map .bss[0] + 8 ll");
    assert_eq!(
        line("?kprobe/module  module")
            .matches("1 relocation (1 patched)")
            .count(),
        1
    );
    assert_eq!(line("kprobe/fails"), "kprobe/fails  fails  not linked");
    assert_eq!(
        line("map counts  "),
        "map counts  hash, key 4, value 8, 16 entries, flags 0x1"
    );
    assert!(line("map .rodata  ").ends_with("4 bytes of contents"));
}

#[test]
fn calls_and_jumps_lead_to_lines_of_the_listing() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let run = shown.link(&["--program", "reads"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let lines: Vec<&str> = run.lines().collect();
    let numbers: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.split_once(": ").map(|(number, _)| number.trim()))
        .collect();
    for jump in lines.iter().filter(|line| line.contains("goto ")) {
        let target = jump.rsplit(' ').next().expect("a word");
        assert!(numbers.contains(&target), "{jump}");
    }
    assert!(
        lines.iter().any(|line| line.contains("goto ")),
        "{}",
        run.stdout
    );
    // The function's own head stands before the line that the call names.
    let call = lines.iter().find(|line| line.contains("call counted "));
    let (_, at) = call.expect("a call").split_once("; at ").expect("a target");
    let head = lines.iter().position(|line| *line == "counted:");
    let first = lines[head.expect("the function") + 1];
    assert!(
        first.trim_start().starts_with(&format!("{at}: ")),
        "{first}"
    );
}

#[test]
fn source_lines_when_asked_for() {
    let Some(shown) = Shown::new(Order::Little) else {
        return;
    };
    let source = "shown.bpf.c:46  pad = 1;";
    let text = include_str!("../bpf/shown.bpf.c");
    assert_eq!(
        text.lines().nth(45),
        Some("\tpad = 1;"),
        "the source has changed"
    );
    assert!(shown.link(&["--lines"]).stdout.contains(source));
    assert!(!shown.link(&[]).stdout.contains("shown.bpf.c"));
}
