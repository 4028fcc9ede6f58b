//! Symbols without a definition, and what BTF says they stand for.

use object::elf;

use super::btf_index::BtfIndex;
use super::file::{ElfFile, Place};
use super::targets::Targets;
use super::{Extern, ExternKind};
use crate::btf::{Kind, TypeId};
use crate::lookup::Lookup;
use crate::name::Name;

/// All undefined symbols, in the order of the symbol table.
pub(super) fn externs(
    file: &ElfFile<'_>,
    index: &BtfIndex<'_>,
    targets: &mut Targets,
) -> Vec<Extern> {
    let kinds = ExternKinds::new(index);
    let mut found = Vec::new();
    for (number, symbol) in (0u32..).zip(&file.symbols) {
        let visible = matches!(symbol.binding, elf::STB_GLOBAL | elf::STB_WEAK);
        if symbol.place != Place::Undefined || !visible || symbol.name.is_empty() {
            continue;
        }
        // Symbols take 24 bytes of the file each, so that their number fits.
        targets.add_extern(number, found.len() as u32);
        found.push(kinds.describe(symbol.name, symbol.binding == elf::STB_WEAK));
    }
    found
}

/// The sections of BTF that list what the kernel provides.
#[derive(Clone, Copy)]
enum Section {
    Ksyms,
    Kconfig,
}

/// Tells what a name without a definition stands for.
pub(super) struct ExternKinds<'a> {
    index: &'a BtfIndex<'a>,
    sections: Lookup<TypeId, Section>,
}

impl<'a> ExternKinds<'a> {
    pub(super) fn new(index: &'a BtfIndex<'a>) -> ExternKinds<'a> {
        let ksyms = index.section_vars(b".ksyms");
        let kconfig = index.section_vars(b".kconfig");
        let sections = ksyms
            .map(|var| (var.type_id, Section::Ksyms))
            .chain(kconfig.map(|var| (var.type_id, Section::Kconfig)))
            .collect();
        ExternKinds { index, sections }
    }

    pub(super) fn describe(&self, name: &[u8], weak: bool) -> Extern {
        let ty = self.index.extern_of(name);
        let is_function = ty.is_some_and(|ty| ty.kind() == Kind::Func);
        let section = ty.and_then(|ty| self.sections.get(&ty.id()).copied());
        Extern {
            name: Name::new(name),
            kind: match section {
                Some(Section::Kconfig) if !is_function => ExternKind::Kconfig,
                Some(Section::Ksyms) if is_function => ExternKind::Kfunc,
                Some(Section::Ksyms) => ExternKind::Ksym,
                _ => ExternKind::Unknown,
            },
            weak,
            btf_id: ty.map(|ty| ty.id()),
            kconfig: None,
        }
    }
}
