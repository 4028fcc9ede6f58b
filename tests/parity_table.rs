//! The table of tests/README.md names tests that exist.

use std::path::Path;

/// The names in backticks of a line that look like `file::test` or `::test`.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let quoted = line.split('`').skip(1).step_by(2);
    quoted.filter(|text| text.contains("::"))
}

/// Where `file` of `file::test` is: a file of this folder, of `core_relocation/`, or of the
/// library itself.
fn path_of(file: &str) -> String {
    match file.strip_prefix("core::") {
        Some(module) => format!("core_relocation/{module}.rs"),
        None if file.starts_with("src/") => format!("../{file}.rs"),
        None => format!("{file}.rs"),
    }
}

#[test]
fn every_test_in_the_table_exists() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let table = std::fs::read_to_string(tests.join("README.md")).unwrap();
    let mut found = 0;
    for line in table.lines().filter(|line| line.starts_with("| ")) {
        let mut file = "";
        for name in named(line) {
            let (before, test) = name.rsplit_once("::").unwrap();
            if !before.is_empty() {
                file = before;
            }
            let path = tests.join(path_of(file));
            let source = std::fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{name}: {}: {error}", path.display()));
            assert!(
                source.contains(&format!("fn {test}(")),
                "{name} is not in {}",
                path.display()
            );
            found += 1;
        }
    }
    assert!(found > 50, "only {found} tests were found in the table");
}
