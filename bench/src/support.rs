//! The builders of the tests, which know nothing of the library.

#[path = "../../tests/support/btf.rs"]
pub mod btf;
#[path = "../../tests/support/btf_ext.rs"]
pub mod btf_ext;
#[path = "../../tests/support/elf.rs"]
pub mod elf;
#[path = "../../tests/support/elf_layout.rs"]
pub mod elf_layout;
#[path = "../../tests/support/insn.rs"]
pub mod insn;
#[path = "../../tests/support/object.rs"]
pub mod object;
