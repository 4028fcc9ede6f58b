//! Symbols without a definition, and what BTF says they stand for.

use hashbrown::HashMap;
use object::elf;

use super::btf_index::BtfIndex;
use super::file::{ElfFile, Place};
use super::targets::Targets;
use super::{Extern, ExternKind};
use crate::btf::{Kind, TypeId};
use crate::name::Name;

/// All undefined symbols, in the order of the symbol table.
pub(super) fn externs(
    file: &ElfFile<'_>,
    index: &BtfIndex<'_>,
    targets: &mut Targets,
) -> Vec<Extern> {
    let sections = section_kinds(index);
    let mut found = Vec::new();
    for (number, symbol) in (0u32..).zip(&file.symbols) {
        let visible = matches!(symbol.binding, elf::STB_GLOBAL | elf::STB_WEAK);
        if symbol.place != Place::Undefined || !visible || symbol.name.is_empty() {
            continue;
        }
        let ty = index.extern_of(symbol.name);
        let is_function = ty.is_some_and(|ty| ty.kind() == Kind::Func);
        let kind = match ty.and_then(|ty| sections.get(&ty.id())) {
            Some(Section::Kconfig) if !is_function => ExternKind::Kconfig,
            Some(Section::Ksyms) if is_function => ExternKind::Kfunc,
            Some(Section::Ksyms) => ExternKind::Ksym,
            _ => ExternKind::Unknown,
        };
        // Symbols take 24 bytes of the file each, so that their number fits.
        targets.add_extern(number, found.len() as u32);
        found.push(Extern {
            name: Name::new(symbol.name),
            kind,
            weak: symbol.binding == elf::STB_WEAK,
            btf_id: ty.map(|ty| ty.id()),
        });
    }
    found
}

enum Section {
    Ksyms,
    Kconfig,
}

fn section_kinds(index: &BtfIndex<'_>) -> HashMap<TypeId, Section> {
    let ksyms = index.section_vars(b".ksyms");
    let kconfig = index.section_vars(b".kconfig");
    ksyms
        .map(|var| (var.type_id, Section::Ksyms))
        .chain(kconfig.map(|var| (var.type_id, Section::Kconfig)))
        .collect()
}
