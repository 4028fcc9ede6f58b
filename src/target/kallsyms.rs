//! Addresses of kernel symbols, out of text as /proc/kallsyms has it.

use hashbrown::HashMap;

/// What the text says of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolAddress {
    /// It has this address.
    At(u64),
    /// The text has it twice, with different addresses.
    Ambiguous(u64, u64),
}

/// Looks for `names` in `text`; those that are not there are not in the answer.
///
/// A line is an address in hexadecimal, a letter and the name, then perhaps the module in
/// brackets. Lines of another form are passed over.
pub(super) fn addresses<'n>(text: &[u8], names: &[&'n [u8]]) -> HashMap<&'n [u8], SymbolAddress> {
    let mut wanted: HashMap<&[u8], Option<SymbolAddress>> =
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
    let found = |&name: &&'n [u8]| Some((name, wanted.get(name).copied().flatten()?));
    names.iter().filter_map(found).collect()
}

fn parse(line: &[u8]) -> Option<(u64, &[u8])> {
    let mut fields = line
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|field| !field.is_empty());
    let address = std::str::from_utf8(fields.next()?).ok()?;
    let address = u64::from_str_radix(address, 16).ok()?;
    let kind = fields.next()?;
    (kind.len() == 1).then_some(())?;
    Some((address, fields.next()?))
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
        ffffffffc0000040 t in_module\t[tun]";

    #[test]
    fn finds_names_whole() {
        let names: [&[u8]; 5] = [b"_text", b"twice", b"same", b"in_module", b"_tex"];
        let found = addresses(TEXT, &names);
        assert_eq!(
            found.get(&b"_text"[..]),
            Some(&SymbolAddress::At(0xffff_ffff_8100_0000))
        );
        assert_eq!(
            found.get(&b"same"[..]),
            Some(&SymbolAddress::At(0xffff_ffff_8100_0030))
        );
        assert_eq!(
            found.get(&b"in_module"[..]),
            Some(&SymbolAddress::At(0xffff_ffff_c000_0040))
        );
        let twice = SymbolAddress::Ambiguous(0xffff_ffff_8100_0010, 0xffff_ffff_8100_0020);
        assert_eq!(found.get(&b"twice"[..]), Some(&twice));
        assert_eq!(found.len(), 4);
    }
}
