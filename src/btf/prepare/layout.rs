//! What the ELF file says of sections and symbols, put where the compiler left zeros.

use crate::btf::write::Draft;
use crate::btf::{Btf, Kind, Linkage, Type};
use crate::lookup::Lookup;
use crate::order;

/// Words of a variable in a data section: type, offset, size.
const ENTRY: usize = 3;

/// Sizes of data sections, places of global variables, and functions that are
/// hidden: what BTF needs of the ELF file.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    sections: Lookup<Box<[u8]>, u32>,
    variables: Lookup<Box<[u8]>, Variable>,
    hidden_functions: Lookup<Box<[u8]>>,
}

/// A global variable as the symbol table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Offset in its section, bytes.
    pub offset: u32,
    /// Whether other objects do not see it (STV_HIDDEN, STV_INTERNAL).
    pub hidden: bool,
}

impl Layout {
    /// Nothing known.
    pub fn new() -> Layout {
        Layout::default()
    }

    /// A section and its size. Of sections with one name the first counts.
    pub fn add_section(&mut self, name: &[u8], size: u32) {
        self.sections.or_insert(name.into(), size);
    }

    /// A global or weak variable.
    pub fn add_variable(&mut self, name: &[u8], variable: Variable) {
        self.variables.or_insert(name.into(), variable);
    }

    /// A global or weak function that is hidden: the kernel verifies it as a static
    /// one, in the context of its callers.
    pub fn add_hidden_function(&mut self, name: &[u8]) {
        self.hidden_functions.insert(name.into(), ());
    }

    /// Whether [`apply`](Self::apply) may have something to do about a type.
    pub(super) fn may_change(&self, ty: &Type<'_>) -> bool {
        match ty.kind() {
            Kind::Datasec | Kind::Var => true,
            Kind::Func => !self.hidden_functions.is_empty(),
            _ => false,
        }
    }

    pub(super) fn apply(&self, ty: &Type<'_>, draft: &mut Draft) {
        match ty.kind() {
            Kind::Datasec => self.fix_section(ty, draft),
            Kind::Var => self.fix_variable(ty, draft),
            Kind::Func if ty.linkage() == Some(Linkage::Global) => {
                let name = ty.short_name();
                if self.hidden_functions.contains(name) {
                    draft.set_info(Kind::Func, 0);
                }
            }
            _ => {}
        }
    }

    /// Hidden variables count as static, as hidden functions do.
    fn fix_variable(&self, ty: &Type<'_>, draft: &mut Draft) {
        let variable = self.variables.get(ty.short_name());
        let global = ty.linkage() == Some(Linkage::Global);
        if let (true, Some(Variable { hidden: true, .. })) = (global, variable)
            && let Some(linkage) = draft.tail.first_mut()
        {
            *linkage = 0;
        }
    }

    /// The compiler leaves the size of a section and the offsets of its global
    /// variables 0. Static linking fills them in, but leaves 0 where one file declared
    /// what another one defines: the symbol table knows better. The kernel wants the
    /// variables in the order of their offsets.
    fn fix_section(&self, ty: &Type<'_>, draft: &mut Draft) {
        let size = self.sections.get(ty.short_name());
        if let (0, Some(&size)) = (draft.size_or_type, size) {
            draft.size_or_type = size;
        }
        let (entries, _) = draft.tail.as_chunks_mut::<ENTRY>();
        for [id, offset, _] in &mut *entries {
            if let Some(variable) = self.global_variable(ty.btf(), *id) {
                *offset = variable.offset;
            }
        }
        order::by_number(entries, |&[_, offset, _]| offset);
    }

    /// Where a global variable lies; static ones have their offsets from the compiler.
    fn global_variable(&self, btf: &Btf, id: u32) -> Option<Variable> {
        let var = btf.type_by_id(id).ok()?;
        let global = var.kind() == Kind::Var && var.linkage() == Some(Linkage::Global);
        global.then(|| self.variables.get(var.short_name()).copied())?
    }
}
