//! `bpflink link` as its users run it: the real binary, real objects, its exit
//! status and what it prints.

#[path = "../corpus/mod.rs"]
mod objects;
#[path = "../../../tests/support/mod.rs"]
mod support;

mod corpus;
mod externs;
mod json;
mod listing;
mod run;
mod struct_ops;
mod usage;
