//! What the object's BTF needs of the ELF file: sizes of sections, places of
//! variables, hidden functions.

use object::elf;

use super::btf_index::BtfIndex;
use super::file::{ElfFile, ElfSymbol, Place};
use super::{Binding, Stream};
use crate::btf::{Layout, Variable};
use crate::name::Name;

/// The facts for [`prepare`](crate::btf::prepare), as libbpf takes them from the file: of
/// those sections that the BTF describes.
pub(super) fn layout(file: &ElfFile<'_>, index: &BtfIndex<'_>, streams: &[Stream]) -> Layout {
    let mut layout = Layout::new();
    let is_described = |name: &Name| index.datasec(name.as_bytes()).is_some();
    for section in &file.sections {
        // One that is larger can be no section of variables.
        if let Ok(size) = u32::try_from(section.size)
            && is_described(&section.name)
        {
            layout.add_section(section.name.as_bytes(), size);
        }
    }
    for symbol in file.symbols.iter().filter(|symbol| is_variable(symbol)) {
        if let Place::Section(section) = symbol.place
            && let Ok(offset) = u32::try_from(symbol.value)
            && file.section(section).is_some_and(|s| is_described(&s.name))
        {
            let hidden = symbol.hidden;
            layout.add_variable(symbol.name, Variable { offset, hidden });
        }
    }
    add_hidden_functions(&mut layout, streams);
    layout
}

/// Functions that are hidden from other objects; entry programs stay global: nobody
/// calls them.
pub(super) fn add_hidden_functions(layout: &mut Layout, streams: &[Stream]) {
    for symbol in streams.iter().flat_map(|stream| &stream.symbols) {
        if symbol.hidden && !symbol.entry && symbol.binding != Binding::Local {
            layout.add_hidden_function(symbol.name.as_bytes());
        }
    }
}

fn is_variable(symbol: &ElfSymbol<'_>) -> bool {
    symbol.kind == elf::STT_OBJECT && symbol.binding != elf::STB_LOCAL
}
