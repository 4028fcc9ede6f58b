//! The bpflink command.
fn main() {}
