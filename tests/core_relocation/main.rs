//! CO-RE: what each relocation gives on a target of another layout.
//!
//! Every case describes a local type, a target type, an instruction and a
//! record, and says the instruction that must come out. The values are computed
//! by hand from the layouts, after the semantics of the kernel's relo_core.c and
//! of bpf_core_read.h.

#[path = "../support/mod.rs"]
mod support;

mod arrays;
mod bitfields;
mod candidates;
mod case;
mod enums;
mod fields;
mod hostile;
mod names;
mod patching;
mod programs;
mod records;
mod types;
