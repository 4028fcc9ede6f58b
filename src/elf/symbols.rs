//! The functions of a code section.

use object::elf;

use super::fault::{Result, malformed};
use super::file::{ElfFile, ElfSymbol, Section};
use super::{Binding, Stream, Symbol};
use crate::insn::INSN_SIZE;
use crate::name::Name;
use crate::order;

/// The functions of a section, sorted by their start.
///
/// Two names for exactly the same instructions are legal. A function that ends
/// inside another one is not. Instructions that no function covers stay: they
/// are what static linking leaves of an overridden weak function.
pub(super) fn functions(file: &ElfFile<'_>, section: &Section<'_>) -> Result<Vec<Symbol>> {
    let typed = file
        .symbols_of(section.index)
        .any(|(_, symbol)| symbol.kind == elf::STT_FUNC);
    let mut found = Vec::new();
    for (_, symbol) in file.symbols_of(section.index) {
        if is_function(symbol, typed) {
            found.push(function(symbol, section)?);
        }
    }
    if found.is_empty() {
        return Err(
            malformed("the section holds instructions, but no function symbol")
                .section(&section.name),
        );
    }
    // Stable: aliases stay in the order of the symbol table.
    order::by_number(&mut found, |function: &Symbol| function.start);
    settle_sizes(&mut found);
    check_overlap(&found, section)?;
    Ok(found)
}

/// Compilers before LLVM 6 gave functions no type; what they wrote besides were
/// labels of basic blocks.
fn is_function(symbol: &ElfSymbol<'_>, typed: bool) -> bool {
    match symbol.kind {
        elf::STT_FUNC => true,
        elf::STT_NOTYPE if !typed => !symbol.name.is_empty() && !is_label(symbol),
        _ => false,
    }
}

fn is_label(symbol: &ElfSymbol<'_>) -> bool {
    symbol.binding == elf::STB_LOCAL
        && (symbol.name.starts_with(b"LBB") || symbol.name.starts_with(b".L"))
}

fn function(symbol: &ElfSymbol<'_>, section: &Section<'_>) -> Result<Symbol> {
    let name = Name::new(symbol.name);
    let fault = |what: String| Err(malformed(what).symbol(&name).section(&section.name));
    if name.is_empty() {
        return fault(format!(
            "the function at offset {} has no name",
            symbol.value
        ));
    }
    let end = symbol.value.checked_add(symbol.size);
    if end.is_none_or(|end| end > section.size) || symbol.value >= section.size {
        return fault(format!(
            "the function at offset {}, {} bytes, reaches past the {} bytes of the section",
            symbol.value, symbol.size, section.size
        ));
    }
    let (Some(start), Some(len)) = (slots(symbol.value), slots(symbol.size)) else {
        return fault(format!(
            "the function at offset {}, {} bytes, is no whole number of instructions",
            symbol.value, symbol.size
        ));
    };
    Ok(Symbol {
        name,
        start,
        len: Some(len).filter(|&len| len != 0),
        binding: match symbol.binding {
            elf::STB_LOCAL => Binding::Local,
            elf::STB_WEAK => Binding::Weak,
            _ => Binding::Global,
        },
        hidden: symbol.hidden,
        entry: false,
    })
}

/// Bytes to instruction slots, where they are a whole number.
pub(super) fn slots(bytes: u64) -> Option<u32> {
    let size = INSN_SIZE as u64;
    match bytes.is_multiple_of(size) {
        true => u32::try_from(bytes / size).ok(),
        false => None,
    }
}

/// An alias without a size has that of its sibling.
fn settle_sizes(functions: &mut [Symbol]) {
    for group in functions.chunk_by_mut(|a, b| a.start == b.start) {
        let known = group.iter().find_map(|function| function.len);
        for function in group {
            function.len = function.len.or(known);
        }
    }
}

/// `functions` are sorted by their start.
fn check_overlap(functions: &[Symbol], section: &Section<'_>) -> Result<()> {
    for (one, next) in functions.iter().zip(functions.iter().skip(1)) {
        let end = one.len.map(|len| one.start.saturating_add(len));
        let alias = one.start == next.start && one.len == next.len;
        if !alias && (one.start == next.start || end.is_some_and(|end| next.start < end)) {
            return Err(
                malformed(format!("functions {} and {} overlap", one.name, next.name))
                    .symbol(&next.name)
                    .section(&section.name),
            );
        }
    }
    Ok(())
}

/// Decides which functions are programs of their own: those that are not static,
/// outside of `.text`. A lone function in `.text` is one too, as libbpf has it.
pub(super) fn mark_entries(streams: &mut [Stream]) {
    let lone = streams.iter().map(|s| s.symbols.len()).sum::<usize>() == 1;
    for stream in streams {
        let library = stream.section == ".text" && !lone;
        for symbol in &mut stream.symbols {
            symbol.entry = !library && symbol.binding != Binding::Local;
        }
    }
}
