//! Addresses of kernel symbols, out of text as /proc/kallsyms has it.

use crate::lookup::Lookup;

/// What the text says of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolAddress {
    /// It has this address.
    At(u64),
    /// The text has it twice, with different addresses.
    Ambiguous(u64, u64),
}

/// Looks for `names` in `text`, and says for each what it found.
///
/// A line is an address in hexadecimal, a letter and the name, then perhaps the module in
/// brackets. Lines of another form are passed over. A static variable that clang made
/// global to optimize a whole kernel has a suffix, which is no part of its name.
pub(super) fn addresses(text: &[u8], names: &[&[u8]]) -> Vec<Option<SymbolAddress>> {
    let mut wanted: Lookup<&[u8], Option<SymbolAddress>> =
        names.iter().map(|&name| (name, None)).collect();
    for line in text.split(|&byte| byte == b'\n') {
        let Some((address, name)) = parse(line) else {
            continue;
        };
        if let Some(known) = wanted.get_mut(name) {
            *known = Some(match *known {
                Some(SymbolAddress::At(first)) if first != address => {
                    SymbolAddress::Ambiguous(first, address)
                }
                Some(known) => known,
                None => SymbolAddress::At(address),
            });
        }
    }
    let found = |&name: &&[u8]| wanted.get(name).copied().flatten();
    names.iter().map(found).collect()
}

fn parse(line: &[u8]) -> Option<(u64, &[u8])> {
    let mut fields = line
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|field| !field.is_empty());
    let address = std::str::from_utf8(fields.next()?).ok()?;
    let address = u64::from_str_radix(address, 16).ok()?;
    let kind = fields.next()?;
    (kind.len() == 1).then_some(())?;
    let name = fields.next()?;
    match kind {
        b"d" => Some((address, without_hash(name))),
        _ => Some((address, name)),
    }
}

/// `name` of `name.llvm.HASH`.
fn without_hash(name: &[u8]) -> &[u8] {
    const MARK: &[u8] = b".llvm.";
    let place = name.windows(MARK.len()).position(|part| part == MARK);
    place.and_then(|at| name.get(..at)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"ffffffff81000000 T _text\n\
        ffffffff81000010 t twice\n\
        nonsense\n\
        ffffffff81000020 t twice\n\
        ffffffff81000030 D same\n\
        ffffffff81000030 D same\n\
        ffffffffc0000040 t in_module\t[tun]\n\
        ffffffff81000050 d optimized.llvm.1234567890\n\
        ffffffff81000060 t function.llvm.1234567890\n\
        ffffffff81000070 d both.llvm.1\n\
        ffffffff81000080 d both.llvm.2\n";

    #[test]
    fn finds_names_whole() {
        let names: [&[u8]; 5] = [b"_text", b"twice", b"same", b"in_module", b"_tex"];
        let at = |address| Some(SymbolAddress::At(address));
        let twice = SymbolAddress::Ambiguous(0xffff_ffff_8100_0010, 0xffff_ffff_8100_0020);
        let expected = [
            at(0xffff_ffff_8100_0000),
            Some(twice),
            at(0xffff_ffff_8100_0030),
            at(0xffff_ffff_c000_0040),
            None,
        ];
        assert_eq!(addresses(TEXT, &names), expected);
    }

    #[test]
    fn variables_lose_the_hash_that_clang_gave_them() {
        let names: [&[u8]; 4] = [
            b"optimized",
            b"both",
            b"function",
            b"function.llvm.1234567890",
        ];
        let at = |address| Some(SymbolAddress::At(address));
        let both = SymbolAddress::Ambiguous(0xffff_ffff_8100_0070, 0xffff_ffff_8100_0080);
        let expected = [
            at(0xffff_ffff_8100_0050),
            Some(both),
            // Functions keep it, as with libbpf.
            None,
            at(0xffff_ffff_8100_0060),
        ];
        assert_eq!(addresses(TEXT, &names), expected);
    }
}
