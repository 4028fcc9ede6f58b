//! Maps of the section `.maps`: variables whose BTF type spells out attributes.
//!
//! `__uint(type, 1)` is a pointer to an array of one element, `__type(key, T)` a
//! pointer to T, `__array(values, T)` an array without elements.

use super::btf_index::{BtfIndex, BtfNames, short_name};
use super::fault::{Result, malformed, unsupported};
use super::file::{ElfFile, ElfSymbol, Section};
use super::{Map, MapDefinition, MapOrigin, Pinning};
use crate::btf::{Btf, BtfError, Kind, Linkage, Member, SectionVar, Type, display_name};
use crate::lookup::Lookup;
use crate::name::Name;
use crate::order;

pub(super) const BPF_MAP_TYPE_PROG_ARRAY: u32 = 3;
pub(super) const BPF_MAP_TYPE_ARRAY_OF_MAPS: u32 = 12;
pub(super) const BPF_MAP_TYPE_HASH_OF_MAPS: u32 = 13;

/// Longer than every attribute's name.
const MAX_ATTRIBUTE: usize = 32;
/// More members than there are attributes; each may stand there once.
const MAX_MEMBERS: u32 = 32;

/// A map with its place in the section.
pub(super) struct PlacedMap {
    pub(super) map: Map,
    pub(super) offset: u64,
    pub(super) size: u32,
    /// Where the member `values` starts, from the start of the map, bytes.
    pub(super) values_at: Option<u32>,
}

/// The maps of `.maps`, in the order of their offsets.
pub(super) fn maps(
    file: &ElfFile<'_>,
    section: &Section<'_>,
    index: &BtfIndex<'_>,
) -> Result<Vec<PlacedMap>> {
    let missing = || malformed("no BTF describes the maps of this section").section(&section.name);
    let names = index.names.as_ref().ok_or_else(missing)?;
    let datasec = index.datasec(section.name.as_bytes()).ok_or_else(missing)?;
    let symbols: Lookup<&[u8], &ElfSymbol<'_>> = file
        .symbols_of(section.index)
        .map(|(_, symbol)| (symbol.name, symbol))
        .collect();
    let mut found = Vec::new();
    for var in datasec.section_vars() {
        found.push(
            map(names, section, &symbols, &datasec, var).map_err(|f| f.section(&section.name))?,
        );
    }
    order::by_number(&mut found, |placed| placed.offset);
    check_overlap(&found).map_err(|fault| fault.section(&section.name))?;
    Ok(found)
}

fn check_overlap(maps: &[PlacedMap]) -> Result<()> {
    for (one, next) in maps.iter().zip(maps.iter().skip(1)) {
        let end = one.offset.saturating_add(one.size.into());
        if end > next.offset || one.offset == next.offset {
            return Err(malformed(format!(
                "maps {} and {} overlap",
                one.map.name, next.map.name
            )));
        }
    }
    Ok(())
}

fn map(
    names: &BtfNames<'_>,
    section: &Section<'_>,
    symbols: &Lookup<&[u8], &ElfSymbol<'_>>,
    datasec: &Type<'_>,
    entry: SectionVar,
) -> Result<PlacedMap> {
    let btf = names.btf;
    let var = btf.type_by_id(entry.type_id)?;
    if var.kind() != Kind::Var {
        return Err(wrong_kind(&var, "a variable").into());
    }
    let raw_name = names.get(var.name_off())?;
    if raw_name.is_empty() {
        return Err(malformed(format!(
            "the map of BTF type [{}] has no name",
            var.id()
        )));
    }
    let name = Name::new(raw_name);
    let symbol = symbols.get(raw_name).copied();
    let place = place(datasec, &entry, symbol);
    definition_of(btf, section, &var, entry, place)
        .map_err(|fault| fault.symbol(&name))
        .map(|(definition, values_at)| PlacedMap {
            offset: place.unwrap_or_default(),
            size: entry.size,
            values_at,
            map: Map {
                name: name.clone(),
                section: section.name.clone(),
                origin: MapOrigin::Btf,
                definition,
                initial: None,
                weak: symbol.is_some_and(|s| s.binding == object::elf::STB_WEAK),
                hidden: symbol.is_some_and(|s| s.hidden),
            },
        })
}

/// Compilers leave the offsets in BTF zero, and the size of the section too;
/// static linkers fill them in.
fn place(datasec: &Type<'_>, entry: &SectionVar, symbol: Option<&ElfSymbol<'_>>) -> Option<u64> {
    match symbol {
        Some(symbol) => Some(symbol.value),
        None if datasec.size() != 0 => Some(entry.offset.into()),
        None => None,
    }
}

fn definition_of(
    btf: &Btf,
    section: &Section<'_>,
    var: &Type<'_>,
    entry: SectionVar,
    place: Option<u64>,
) -> Result<(MapDefinition, Option<u32>)> {
    let place = place.ok_or_else(|| malformed("no symbol says where the map is"))?;
    let end = place.checked_add(entry.size.into());
    if end.is_none_or(|end| end > section.size) {
        return Err(malformed(format!(
            "the map at offset {place}, {} bytes, reaches past the {} bytes of the section",
            entry.size, section.size
        )));
    }
    if var.linkage() != Some(Linkage::Global) {
        return Err(unsupported(
            "the map is static or extern; only global maps are linked",
        ));
    }
    let ty = btf.resolve(var.target())?;
    if ty.kind() != Kind::Struct {
        return Err(wrong_kind(&ty, "a struct").into());
    }
    if ty.size() > entry.size {
        return Err(malformed(format!(
            "the map takes {} bytes, but its struct is {} bytes long",
            entry.size,
            ty.size()
        )));
    }
    let definition = parse(btf, &ty, false)?;
    let values = ty.members().last().filter(|member| is_values(btf, member));
    Ok((definition, values.map(|member| member.bit_offset / 8)))
}

fn is_values(btf: &Btf, member: &Member) -> bool {
    short_name(btf, member.name_off, MAX_ATTRIBUTE) == b"values"
}

fn wrong_kind(ty: &Type<'_>, expected: &'static str) -> BtfError {
    BtfError::WrongKind {
        id: ty.id(),
        found: ty.kind(),
        expected,
    }
}

/// A definition that is being read. Sizes may be said twice, if they agree;
/// a size of 0 says nothing.
struct Parser<'a> {
    btf: &'a Btf,
    inner: bool,
    map: MapDefinition,
}

/// Reads the attributes of a map's struct; `inner` for the maps that a map holds.
fn parse(btf: &Btf, ty: &Type<'_>, inner: bool) -> Result<MapDefinition> {
    if ty.vlen() > MAX_MEMBERS {
        return Err(malformed(format!(
            "{} map attributes, more than there are",
            ty.vlen()
        )));
    }
    let mut parser = Parser {
        btf,
        inner,
        map: MapDefinition::default(),
    };
    let mut members = ty.members().peekable();
    while let Some(member) = members.next() {
        let last = members.peek().is_none();
        parser.attribute(&member, last)?;
    }
    if parser.map.map_type == 0 {
        return Err(malformed("the map has no type"));
    }
    Ok(parser.map)
}

impl Parser<'_> {
    fn attribute(&mut self, member: &Member, last: bool) -> Result<()> {
        let name = short_name(self.btf, member.name_off, MAX_ATTRIBUTE);
        let at =
            |error: BtfError| malformed(format!("map attribute {}: {error}", display_name(name)));
        match name {
            b"type" => self.map.map_type = self.number(member).map_err(at)?,
            b"max_entries" => self.map.max_entries = self.number(member).map_err(at)?,
            b"map_flags" => self.map.flags = self.number(member).map_err(at)?,
            b"numa_node" => self.map.numa_node = self.number(member).map_err(at)?,
            b"key_size" => {
                let size = self.number(member).map_err(at)?;
                settle(&mut self.map.key_size, size, "key")?;
            }
            b"value_size" => {
                let size = self.number(member).map_err(at)?;
                settle(&mut self.map.value_size, size, "value")?;
            }
            b"key" => {
                let (id, size) = self.pointee(member).map_err(at)?;
                settle(&mut self.map.key_size, size, "key")?;
                self.map.key_type_id = id;
            }
            b"value" => {
                let (id, size) = self.pointee(member).map_err(at)?;
                settle(&mut self.map.value_size, size, "value")?;
                self.map.value_type_id = id;
            }
            b"pinning" => {
                let pinning = self.number(member).map_err(at)?;
                self.map.pinning = self.pinning(pinning)?;
            }
            b"map_extra" => self.map.map_extra = self.long_number(member).map_err(at)?,
            b"values" => self.values(member, last)?,
            _ => {
                return Err(unsupported(format!(
                    "unknown map attribute {}",
                    display_name(name)
                )));
            }
        }
        Ok(())
    }

    /// `__uint`: how many elements the array has that the member points to.
    fn number(&self, member: &Member) -> Result<u32, BtfError> {
        let pointer = self.btf.resolve(member.type_id)?;
        if pointer.kind() != Kind::Ptr {
            return Err(wrong_kind(&pointer, "a pointer to an array"));
        }
        let array = self.btf.type_by_id(pointer.target())?;
        array
            .array()
            .map(|array| array.count)
            .ok_or_else(|| wrong_kind(&array, "an array"))
    }

    /// `__uint`, or `__ulong`: the only value of an enum.
    fn long_number(&self, member: &Member) -> Result<u64, BtfError> {
        let ty = self.btf.resolve(member.type_id)?;
        if ty.kind() == Kind::Ptr {
            return self.number(member).map(u64::from);
        }
        let mut values = ty.enum_values();
        match (values.next(), values.next()) {
            (Some(only), None) => Ok(only.value),
            _ => Err(wrong_kind(&ty, "an enum with one value")),
        }
    }

    /// `__type`: the type that the member points to, and its size.
    fn pointee(&self, member: &Member) -> Result<(u32, u32), BtfError> {
        let pointer = self.btf.type_by_id(member.type_id)?;
        if pointer.kind() != Kind::Ptr {
            return Err(wrong_kind(&pointer, "a pointer"));
        }
        let size = self.btf.size_of(pointer.target())?;
        let size = u32::try_from(size).map_err(|_| BtfError::SizeOverflow(pointer.target()))?;
        Ok((pointer.target(), size))
    }

    fn pinning(&self, number: u32) -> Result<Pinning> {
        match number {
            _ if self.inner => Err(malformed("an inner map cannot be pinned")),
            0 => Ok(Pinning::None),
            1 => Ok(Pinning::ByName),
            _ => Err(malformed(format!("unknown pinning {number}"))),
        }
    }

    /// `__array(values, T)`: what a map of maps or an array of programs holds.
    fn values(&mut self, member: &Member, last: bool) -> Result<()> {
        if self.inner {
            return Err(unsupported("maps of maps of maps"));
        }
        if !last {
            return Err(malformed("map attribute values is not the last one"));
        }
        let holds_maps = matches!(
            self.map.map_type,
            BPF_MAP_TYPE_ARRAY_OF_MAPS | BPF_MAP_TYPE_HASH_OF_MAPS
        );
        if !holds_maps && self.map.map_type != BPF_MAP_TYPE_PROG_ARRAY {
            return Err(unsupported(
                "map attribute values of a map that holds neither maps nor programs",
            ));
        }
        settle(&mut self.map.value_size, 4, "value")?;
        let array = self.btf.type_by_id(member.type_id)?;
        let element = array
            .array()
            .filter(|array| array.count == 0)
            .ok_or_else(|| wrong_kind(&array, "an array without elements"))?
            .element;
        let pointer = self.btf.resolve(element)?;
        if pointer.kind() != Kind::Ptr {
            return Err(wrong_kind(&pointer, "a pointer").into());
        }
        let value = self.btf.resolve(pointer.target())?;
        match value.kind() {
            Kind::FuncProto if !holds_maps => Ok(()),
            Kind::Struct if holds_maps => {
                // One level deep: the inner parser refuses `values`.
                self.map.inner = Some(Box::new(parse(self.btf, &value, true)?));
                Ok(())
            }
            _ if holds_maps => Err(wrong_kind(&value, "the struct of a map").into()),
            _ => Err(wrong_kind(&value, "a function prototype").into()),
        }
    }
}

fn settle(known: &mut u32, size: u32, what: &str) -> Result<()> {
    if *known != 0 && *known != size {
        return Err(malformed(format!(
            "the map says two sizes of a {what}, {known} and {size}"
        )));
    }
    *known = size;
    Ok(())
}
