//! The object: all that a file says, immutable and shareable.

use std::sync::Arc;

use super::exceptions::ExceptionCallbacks;
use super::{ElfError, Extern, FunctionAddress, JumpTables, Map, Stream, StructOps};
use crate::btf::{Btf, Layout};
use crate::bytes::Endian;
use crate::lookup::Lookup;
use crate::name::Name;

/// A compiled BPF object, or a raw stream made to look like one.
///
/// Immutable; share it between threads with an [`Arc`].
#[derive(Debug)]
pub struct Object {
    pub(crate) name: Name,
    pub(crate) endian: Endian,
    pub(crate) license: Option<Name>,
    pub(crate) version: Option<u32>,
    pub(crate) streams: Vec<Stream>,
    pub(crate) maps: Vec<Map>,
    pub(crate) externs: Vec<Extern>,
    pub(crate) struct_ops: Vec<StructOps>,
    /// The functions of those that are not optional.
    pub(crate) registered: Lookup<super::FunctionAddress>,
    pub(crate) jump_tables: JumpTables,
    pub(crate) btf: Option<Arc<Btf>>,
    pub(crate) btf_layout: Layout,
    pub(crate) exceptions: ExceptionCallbacks,
    /// Whether some parameter has the tag `arg:ctx`.
    pub(crate) has_context_tags: bool,
    pub(crate) warnings: Vec<String>,
}

impl Object {
    /// Its path, or the name that the caller gave it; errors begin with it.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Its byte order.
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// What the section `license` says.
    pub fn license(&self) -> Option<&Name> {
        self.license.as_ref()
    }

    /// The kernel version of the section `version`, as LINUX_VERSION_CODE.
    pub fn version(&self) -> Option<u32> {
        self.version
    }

    /// Its executable sections.
    pub fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// Its maps: `.maps` and `maps` in the order of their symbols, then data sections
    /// in the order of the file.
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// Symbols that somebody else defines.
    pub fn externs(&self) -> &[Extern] {
        &self.externs
    }

    /// Its variables of `.struct_ops` and its kin, in the order of the file.
    pub fn struct_ops(&self) -> &[StructOps] {
        &self.struct_ops
    }

    /// Whether a variable of [`struct_ops`](Self::struct_ops) that is registered without
    /// being asked for holds the function.
    pub fn is_registered(&self, function: super::FunctionAddress) -> bool {
        self.registered.contains(&function)
    }

    /// Where its indirect jumps go.
    pub fn jump_tables(&self) -> &JumpTables {
        &self.jump_tables
    }

    /// Its BTF as the compiler wrote it.
    pub fn btf(&self) -> Option<&Arc<Btf>> {
        self.btf.as_ref()
    }

    /// What [`prepare`](crate::btf::prepare) needs of the file besides the BTF.
    pub fn btf_layout(&self) -> &Layout {
        &self.btf_layout
    }

    /// The function that the kernel calls where `program` throws an exception: what its
    /// declaration tag `exception_callback:NAME` names. An error where it names no
    /// global function.
    pub fn exception_callback(&self, program: &Name) -> Result<Option<FunctionAddress>, ElfError> {
        self.exceptions.of(program)
    }

    /// What was odd about the file, but no reason to refuse it.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The name of the function at an address.
    pub fn function_name(&self, address: FunctionAddress) -> Option<&Name> {
        let symbols = &self.streams.get(address.stream as usize)?.symbols;
        let index = symbols.partition_point(|symbol| symbol.start < address.insn);
        let symbol = symbols.get(index)?;
        (symbol.start == address.insn).then_some(&symbol.name)
    }
}
