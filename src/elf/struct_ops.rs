//! `.struct_ops` and its kin: variables whose functions the kernel calls.
//!
//! BTF says what each variable is, its symbol where it lies, and relocations which
//! programs its members hold. What the kernel has of it is the target's to say.

use super::btf_index::{BtfIndex, BtfNames};
use super::fault::{Fault, Result, malformed, unsupported};
use super::file::{ElfFile, ElfSymbol, Section};
use super::pointers::pointer;
use super::sections::{Role, Roles, check_contents};
use super::targets::Targets;
use super::{FunctionAddress, Stream};
use crate::btf::{Btf, Kind, SectionVar, Type, TypeId, display_name};
use crate::lookup::Lookup;
use crate::name::Name;
use crate::order;

const BPF_PROG_TYPE_STRUCT_OPS: u32 = 27;
/// Kernels take 64 to 256.
const MAX_MEMBERS: u32 = 1024;

/// A variable of `.struct_ops` or `.struct_ops.link`, both with `?` too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructOps {
    /// Its name.
    pub name: Name,
    /// The section that defines it.
    pub section: Name,
    /// Whether it is registered by a link (`.struct_ops.link`, BPF_F_LINK).
    pub link: bool,
    /// Whether its section begins with `?`: registered only when asked for.
    pub optional: bool,
    /// Its struct in the object's BTF.
    pub type_id: TypeId,
    /// The struct's name, with its `___flavour`.
    pub type_name: Name,
    /// Its contents by the local layout; zero or an addend where a pointer goes.
    pub contents: Vec<u8>,
    /// The members that hold programs, in their order.
    pub functions: Vec<StructOpsFunction>,
}

/// A member of a [`StructOps`] variable that holds a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StructOpsFunction {
    /// The member's number in the local struct.
    pub member: u32,
    /// The program.
    pub function: FunctionAddress,
}

/// What the variables are read from.
pub(super) struct Reader<'a, 'd> {
    pub file: &'a ElfFile<'d>,
    pub index: &'a BtfIndex<'a>,
    pub targets: &'a Targets,
    pub streams: &'a [Stream],
}

/// A variable with its place in the section.
struct Placed {
    offset: u64,
    size: u64,
    variable: StructOps,
}

impl Reader<'_, '_> {
    /// The variables of all sections, in the order of the file.
    pub(super) fn variables(&self, roles: &Roles) -> Result<Vec<StructOps>> {
        let mut found = Vec::new();
        let mut names: Vec<&Name> = Vec::new();
        for section in roles.all(self.file, Role::StructOps) {
            if section.size == 0 {
                continue;
            }
            // At most four names, so that the list stays short.
            if names.contains(&&section.name) {
                return Err(malformed("more than one section of this name").section(&section.name));
            }
            names.push(&section.name);
            let variables = self
                .section(section)
                .map_err(|f| f.section(&section.name))?;
            found.extend(variables.into_iter().map(|placed| placed.variable));
        }
        Ok(found)
    }

    fn section(&self, section: &Section<'_>) -> Result<Vec<Placed>> {
        check_contents(section)?;
        let missing = || malformed("no BTF describes the variables of this section");
        let names = self.index.names.as_ref().ok_or_else(missing)?;
        let datasec = self
            .index
            .datasec(section.name.as_bytes())
            .ok_or_else(missing)?;
        let symbols: Lookup<&[u8], &ElfSymbol<'_>> = self
            .file
            .symbols_of(section.index)
            .map(|(_, symbol)| (symbol.name, symbol))
            .collect();
        let mut placed = Vec::new();
        for entry in datasec.section_vars() {
            placed.push(variable(names, section, &symbols, &datasec, entry)?);
        }
        order::by_number(&mut placed, |placed| placed.offset);
        check_overlap(&placed)?;
        // Copied now and not before: many entries may name one variable.
        let bytes = section.bytes()?;
        for Placed {
            offset,
            size,
            variable,
        } in &mut placed
        {
            variable.contents = contents(bytes, *offset, *size).unwrap_or_default().to_vec();
        }
        self.functions(names.btf, section, &mut placed)?;
        Ok(placed)
    }

    fn functions(&self, btf: &Btf, section: &Section<'_>, placed: &mut [Placed]) -> Result<()> {
        let contents = section.bytes()?;
        for table in self.file.relocations_of(section.index) {
            for relocation in self.file.entries(table)? {
                let at = |fault: Fault| fault.record(relocation.number);
                let after = placed.partition_point(|p| p.offset <= relocation.offset);
                let before = after.checked_sub(1).and_then(|index| placed.get_mut(index));
                let holder = before.filter(|p| relocation.offset - p.offset < p.size);
                let Some(Placed {
                    offset, variable, ..
                }) = holder
                else {
                    return Err(at(malformed("a relocation outside of every variable")));
                };
                let named = |fault: Fault| at(fault.symbol(&variable.name));
                let inside = relocation.offset - *offset;
                let (member, name) =
                    function_member(btf, variable.type_id, inside).map_err(named)?;
                let function =
                    pointer(self.file, self.targets, self.streams, contents, &relocation)
                        .and_then(|address| self.check_program(address))
                        .map_err(|fault| named(in_member(fault, &name)))?;
                add(variable, StructOpsFunction { member, function }).map_err(at)?;
            }
        }
        Ok(())
    }

    /// Only programs of sections `struct_ops` will do, as libbpf has it.
    fn check_program(&self, address: FunctionAddress) -> Result<FunctionAddress> {
        let stream = self.streams.get(address.stream as usize);
        let is_program = stream.is_some_and(|stream| {
            let first = stream.symbols.partition_point(|s| s.start < address.insn);
            let here = stream.symbols.iter().skip(first);
            here.take_while(|symbol| symbol.start == address.insn)
                .any(|symbol| symbol.entry)
                && stream.program_type.program_type == BPF_PROG_TYPE_STRUCT_OPS
        });
        match is_program {
            true => Ok(address),
            false => Err(malformed(
                "what it holds is no program of a section struct_ops",
            )),
        }
    }
}

fn variable(
    names: &BtfNames<'_>,
    section: &Section<'_>,
    symbols: &Lookup<&[u8], &ElfSymbol<'_>>,
    datasec: &Type<'_>,
    entry: SectionVar,
) -> Result<Placed> {
    let btf = names.btf;
    let var = btf.type_by_id(entry.type_id)?;
    let raw_name = names.get(var.name_off())?;
    if var.kind() != Kind::Var || raw_name.is_empty() {
        return Err(malformed(format!(
            "BTF type [{}] is no variable with a name",
            var.id()
        )));
    }
    let name = Name::new(raw_name);
    let at = |fault: Fault| fault.symbol(&name);
    let ty = btf
        .resolve(var.target())
        .map_err(|error| at(error.into()))?;
    let type_name = names.get(ty.name_off())?;
    if ty.kind() != Kind::Struct || type_name.is_empty() {
        return Err(at(unsupported("the variable is no struct with a name")));
    }
    if ty.vlen() > MAX_MEMBERS {
        return Err(at(unsupported(format!(
            "a struct of {} members, more than any kernel takes",
            ty.vlen()
        ))));
    }
    // Compilers leave the offsets in BTF zero; static linkers fill them in.
    let offset = match symbols.get(raw_name) {
        Some(symbol) => symbol.value,
        None if datasec.size() != 0 => u64::from(entry.offset),
        None => return Err(at(malformed("no symbol says where the variable is"))),
    };
    let size = u64::from(ty.size());
    if contents(section.bytes()?, offset, size).is_none() {
        return Err(at(malformed(format!(
            "the variable at offset {offset}, {size} bytes, reaches past the {} bytes of the section",
            section.size
        ))));
    }
    let plain = section.name.as_bytes();
    let plain = plain.strip_prefix(b"?").unwrap_or(plain);
    Ok(Placed {
        offset,
        size,
        variable: StructOps {
            section: section.name.clone(),
            link: plain == b".struct_ops.link",
            optional: plain.len() != section.name.as_bytes().len(),
            type_id: ty.id(),
            type_name: Name::new(type_name),
            contents: Vec::new(),
            functions: Vec::new(),
            name,
        },
    })
}

fn contents(section: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    section.get(start..)?.get(..usize::try_from(size).ok()?)
}

/// Each variable will get a copy of its contents: overlapping ones could ask for any
/// amount of memory.
fn check_overlap(placed: &[Placed]) -> Result<()> {
    for (one, next) in placed.iter().zip(placed.iter().skip(1)) {
        if one.offset + one.size > next.offset || one.offset == next.offset {
            let (one, next) = (&one.variable.name, &next.variable.name);
            return Err(malformed(format!("variables {one} and {next} overlap")));
        }
    }
    Ok(())
}

/// The member at an offset, which has to be a pointer to a function.
fn function_member(btf: &Btf, type_id: TypeId, offset: u64) -> Result<(u32, Name)> {
    let ty = btf.type_by_id(type_id)?;
    let found = (0u32..)
        .zip(ty.members())
        .find(|(_, member)| u64::from(member.bit_offset) == offset * 8);
    let Some((number, member)) = found else {
        return Err(malformed(format!(
            "no member starts at offset {offset}, where a pointer goes"
        )));
    };
    let name = Name::new(btf.string(member.name_off)?);
    let pointer = btf.resolve(member.type_id)?;
    let is_function =
        pointer.kind() == Kind::Ptr && btf.resolve(pointer.target())?.kind() == Kind::FuncProto;
    match is_function {
        true => Ok((number, name)),
        false => Err(in_member(
            malformed("a pointer that is none to a function"),
            &name,
        )),
    }
}

fn in_member(fault: Fault, name: &Name) -> Fault {
    let name = display_name(name.as_bytes()).into_owned();
    fault.reword(|what| format!("member {name}: {what}"))
}

/// Two relocations for one member would leave it to their order which one counts.
fn add(variable: &mut StructOps, function: StructOpsFunction) -> Result<()> {
    let functions = &mut variable.functions;
    match functions.binary_search_by_key(&function.member, |known| known.member) {
        Ok(_) => Err(malformed("two relocations for one member").symbol(&variable.name)),
        Err(place) => {
            functions.insert(place, function);
            Ok(())
        }
    }
}
