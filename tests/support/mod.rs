//! What the tests share: builders of input that know nothing of the library,
//! and short ways through its stages.

#![allow(dead_code)] // Every test binary uses another part of it.

pub mod btf;
pub mod btf_ext;
pub mod clang;
pub mod describe;
pub mod elf;
pub mod elf_layout;
pub mod elf_parts;
pub mod insn;
pub mod link;
pub mod object;
pub mod plan;
pub mod real;
pub mod record;
pub mod seen;
pub mod skip;
pub mod struct_ops;
pub mod time;
pub mod vm;
