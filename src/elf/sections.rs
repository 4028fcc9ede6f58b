//! What each section of the file is for, by its name and kind.

use super::MapOrigin;
use super::fault::{Result, malformed};
use super::file::{ElfFile, Section};
use crate::name::Name;

/// What a section is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Instructions.
    Code,
    /// `.maps`: map definitions that BTF describes.
    BtfMaps,
    /// `maps` and `maps/…`: `struct bpf_map_def`.
    LegacyMaps,
    /// Global variables, which become a map.
    Data(MapOrigin),
    License,
    Version,
    Btf,
    BtfExt,
    /// Variables that hold functions for the kernel to call.
    StructOps,
    /// `.addr_space.1`: variables of the arena.
    Arena,
    /// `.jumptables`: where indirect jumps go.
    JumpTables,
    /// Everything that does not concern us: debug information, notes, tables.
    Other,
}

/// The sections by their role.
pub(super) struct Roles(Vec<Role>);

impl Roles {
    pub(super) fn of(file: &ElfFile<'_>) -> Result<Roles> {
        let roles = Roles(file.sections.iter().map(role).collect());
        for single in [
            Role::BtfMaps,
            Role::License,
            Role::Version,
            Role::Btf,
            Role::BtfExt,
            Role::Arena,
            Role::JumpTables,
        ] {
            let mut found = roles.all(file, single);
            if let (Some(first), Some(_)) = (found.next(), found.next()) {
                return Err(malformed("more than one section of this name").section(&first.name));
            }
        }
        Ok(roles)
    }

    pub(super) fn get(&self, section: u32) -> Role {
        self.0.get(section as usize).copied().unwrap_or(Role::Other)
    }

    /// The sections of a role, in the order of the file.
    pub(super) fn all<'a, 'd>(
        &'a self,
        file: &'a ElfFile<'d>,
        role: Role,
    ) -> impl Iterator<Item = &'a Section<'d>> {
        file.sections
            .iter()
            .filter(move |section| self.get(section.index) == role)
    }

    pub(super) fn first<'a, 'd>(
        &'a self,
        file: &'a ElfFile<'d>,
        role: Role,
    ) -> Option<&'a Section<'d>> {
        self.all(file, role).next()
    }
}

/// Empty code and data sections are nothing: compilers leave an empty `.text` behind.
fn role(section: &Section<'_>) -> Role {
    let name = section.name.as_bytes();
    if let Some(role) = well_known(name) {
        return role;
    }
    if section.size == 0 {
        return Role::Other;
    }
    if section.is_progbits() && section.is_executable() {
        return Role::Code;
    }
    match data_origin(name) {
        Some(origin) if section.is_progbits() || section.is_nobits() => Role::Data(origin),
        _ => Role::Other,
    }
}

fn well_known(name: &[u8]) -> Option<Role> {
    Some(match name {
        b"license" => Role::License,
        b"version" => Role::Version,
        b"maps" => Role::LegacyMaps,
        b".maps" => Role::BtfMaps,
        b".BTF" => Role::Btf,
        b".BTF.ext" => Role::BtfExt,
        b".addr_space.1" => Role::Arena,
        b".jumptables" => Role::JumpTables,
        _ if name.starts_with(b"maps/") => Role::LegacyMaps,
        _ => match name.strip_prefix(b"?").unwrap_or(name) {
            b".struct_ops" | b".struct_ops.link" => Role::StructOps,
            _ => return None,
        },
    })
}

fn data_origin(name: &[u8]) -> Option<MapOrigin> {
    const PREFIXES: [(&[u8], MapOrigin); 3] = [
        (b".data", MapOrigin::Data),
        (b".rodata", MapOrigin::Rodata),
        (b".bss", MapOrigin::Bss),
    ];
    PREFIXES
        .into_iter()
        .find(|(prefix, _)| name.starts_with(prefix))
        .map(|(_, origin)| origin)
}

/// The license: what the section holds up to its first NUL.
pub(super) fn license(file: &ElfFile<'_>, roles: &Roles) -> Result<Option<Name>> {
    let Some(section) = roles.first(file, Role::License) else {
        return Ok(None);
    };
    check_contents(section)?;
    Ok(Some(Name::new(section.bytes()?)))
}

/// The kernel version: one number of four bytes.
pub(super) fn version(file: &ElfFile<'_>, roles: &Roles) -> Result<Option<u32>> {
    let Some(section) = roles.first(file, Role::Version) else {
        return Ok(None);
    };
    check_contents(section)?;
    let bytes = section.bytes()?;
    match (bytes.len(), file.endian.u32_at(bytes, 0)) {
        (4, Some(version)) => Ok(Some(version)),
        (len, _) => Err(malformed(format!("{len} bytes, expected 4")).section(&section.name)),
    }
}

/// Refuses a section that claims contents but has none in the file.
pub(super) fn check_contents(section: &Section<'_>) -> Result<()> {
    if section.is_nobits() {
        return Err(malformed("the section has no contents (SHT_NOBITS)").section(&section.name));
    }
    Ok(())
}
