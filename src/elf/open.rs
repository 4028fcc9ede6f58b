//! From the bytes of a file to an [`Object`].

use std::path::Path;
use std::sync::Arc;

use super::btf_index::BtfIndex;
use super::data::DataMaps;
use super::exceptions::ExceptionCallbacks;
use super::fault::{Fault, Result, malformed};
use super::file::{ElfFile, Section};
use super::kconfig;
use super::maps_btf::PlacedMap;
use super::read::read;
use super::sections::{Role, Roles, check_contents, license, version};
use super::targets::{Home, Targets};
use super::{
    AttachSpec, JumpTables, Map, Object, ProgramType, Stream, btf_layout, externs, jump_tables,
    map_entries, maps_btf, maps_legacy, records, relocations, struct_ops, symbols,
};
use crate::btf::{Btf, Layout};
use crate::error::Error;
use crate::insn::decode_stream;
use crate::name::Name;

impl Object {
    /// Reads an object file.
    pub fn open(path: impl AsRef<Path>) -> crate::Result<Object> {
        let path = path.as_ref();
        Object::open_named(path, Name::new(path.as_os_str().as_encoded_bytes()))
    }

    /// Reads an object file; `name` is what errors call it.
    pub fn open_named(path: impl AsRef<Path>, name: impl Into<Name>) -> crate::Result<Object> {
        let (path, name) = (path.as_ref(), name.into());
        let image = read(path).map_err(|fault| fault.in_object(&name))?;
        parse(&image.bytes, image.file_len, &name).map_err(|fault| fault.in_object(&name))
    }

    /// Reads an object from memory; `name` is what errors call it.
    pub fn parse(bytes: &[u8], name: impl Into<Name>) -> crate::Result<Object> {
        let name = name.into();
        parse(bytes, bytes.len(), &name).map_err(|fault| -> Error { fault.in_object(&name) })
    }
}

/// `file_len` is the length of the file, of which `bytes` may be only what matters.
fn parse(bytes: &[u8], file_len: usize, name: &Name) -> Result<Object> {
    let file = ElfFile::parse(bytes, file_len)?;
    let roles = Roles::of(&file)?;
    let btf = btf(&file, &roles)?;
    let index = BtfIndex::new(btf.as_deref())?;
    let mut opening = Opening {
        object: Object {
            name: name.clone(),
            endian: file.endian,
            license: license(&file, &roles)?,
            version: version(&file, &roles)?,
            streams: Vec::new(),
            maps: Vec::new(),
            externs: Vec::new(),
            struct_ops: Vec::new(),
            registered: Default::default(),
            jump_tables: JumpTables::default(),
            btf: btf.clone(),
            btf_layout: Layout::new(),
            exceptions: ExceptionCallbacks::default(),
            has_context_tags: index.has_context_tags,
            warnings: Vec::new(),
        },
        file: &file,
        roles: &roles,
        index: &index,
        targets: Targets::default(),
        placed: Vec::new(),
    };
    opening.streams()?;
    opening.maps()?;
    opening.jump_tables()?;
    opening.object.externs = externs::externs(&file, &index, &mut opening.targets);
    if let (Some(btf), Some(datasec)) = (&btf, index.datasec(b".kconfig")) {
        let Object { externs, maps, .. } = &mut opening.object;
        kconfig::place(btf, datasec.id(), externs, maps);
    }
    opening.references()?;
    opening.object.jump_tables = std::mem::take(&mut opening.targets.jump_tables);
    opening.struct_ops()?;
    opening.warn_of_pointers();
    opening.object.btf_layout = btf_layout::layout(&file, &index, &opening.object.streams);
    let Object {
        streams,
        exceptions,
        warnings,
        ..
    } = &mut opening.object;
    *exceptions = ExceptionCallbacks::find(&index, streams, warnings)?;
    records::attach(&file, &roles, &index, &opening.targets, streams, warnings)?;
    Ok(opening.object)
}

/// The object's own BTF.
fn btf(file: &ElfFile<'_>, roles: &Roles) -> Result<Option<Arc<Btf>>> {
    let Some(section) = roles.first(file, Role::Btf) else {
        return Ok(None);
    };
    check_contents(section)?;
    let btf = Btf::parse(section.bytes()?, None)
        .map_err(|error| Fault::from(error).section(&section.name))?;
    if btf.endian() != file.endian {
        return Err(malformed("BTF of another byte order than the file").section(&section.name));
    }
    Ok(Some(Arc::new(btf)))
}

/// An object that is being put together.
struct Opening<'a, 'd> {
    object: Object,
    file: &'a ElfFile<'d>,
    roles: &'a Roles,
    index: &'a BtfIndex<'a>,
    targets: Targets,
    /// The maps of `.maps` and where they lie.
    placed: Vec<map_entries::Slots>,
}

impl<'d> Opening<'_, 'd> {
    fn streams(&mut self) -> Result<()> {
        for section in self.roles.all(self.file, Role::Code) {
            let insns = decode_stream(section.bytes()?, self.file.endian).ok_or_else(|| {
                malformed(format!(
                    "{} bytes are no whole number of instructions",
                    section.size
                ))
                .section(&section.name)
            })?;
            // A stream takes at least eight bytes of the file: their number fits.
            let index = self.object.streams.len() as u32;
            self.targets.set_home(section.index, Home::Stream(index));
            self.object.streams.push(Stream {
                section: section.name.clone(),
                program_type: ProgramType::of_section(section.name.as_bytes()),
                attach: AttachSpec::of_section(section.name.as_bytes()),
                insns,
                symbols: symbols::functions(self.file, section)?,
                ..Stream::default()
            });
        }
        symbols::mark_entries(&mut self.object.streams);
        Ok(())
    }

    fn maps(&mut self) -> Result<()> {
        if let Some(section) = self.roles.first(self.file, Role::BtfMaps) {
            let maps = maps_btf::maps(self.file, section, self.index)?;
            let first = self.object.maps.len() as u32;
            self.placed = (first..)
                .zip(&maps)
                .map(|(index, placed)| map_entries::Slots::of(placed, index))
                .collect();
            self.add_maps(section, maps);
        }
        for section in self.roles.all(self.file, Role::LegacyMaps) {
            let maps = maps_legacy::maps(self.file, section, self.index)?;
            self.add_maps(section, maps);
        }
        let mut data = DataMaps::new(self.file, self.index);
        for section in &self.file.sections {
            if let Role::Data(origin) = self.roles.get(section.index) {
                let map = data.map(section, origin)?;
                let index = self.add_map(map);
                self.targets.set_home(section.index, Home::Value(index));
            }
        }
        match self.roles.first(self.file, Role::Arena) {
            Some(section) => self.arena(section),
            None => Ok(()),
        }
    }

    /// The variables of `.addr_space.1` are what the object's arena starts with.
    /// Without one arena nobody can refer to them.
    fn arena(&mut self, section: &Section<'d>) -> Result<()> {
        if section.size == 0 {
            return Ok(());
        }
        check_contents(section)?;
        let contents = section.bytes()?;
        let mut arenas = (0u32..)
            .zip(&mut self.object.maps)
            .filter(|(_, map)| map.is_arena());
        let home = match (arenas.next(), arenas.count()) {
            (Some((index, map)), 0) => {
                map.initial = Some(contents.to_vec());
                Home::Value(index)
            }
            (first, more) => Home::Arenas(first.map_or(0, |_| more.saturating_add(1))),
        };
        self.targets.set_home(section.index, home);
        Ok(())
    }

    /// Reads where indirect jumps go, once it is known which sections are code.
    fn jump_tables(&mut self) -> Result<()> {
        if let Some(section) = self.roles.first(self.file, Role::JumpTables) {
            self.targets.jump_tables = jump_tables::read(self.file, &self.targets, section)?;
            self.targets.set_home(section.index, Home::JumpTables);
        }
        Ok(())
    }

    fn add_maps(&mut self, section: &Section<'d>, maps: Vec<PlacedMap>) {
        for placed in maps {
            let index = self.object.maps.len() as u32;
            self.targets.add_map(section.index, placed.offset, index);
            self.add_map(placed.map);
        }
    }

    fn add_map(&mut self, map: Map) -> u32 {
        let index = self.object.maps.len() as u32;
        self.object.maps.push(map);
        index
    }

    fn references(&mut self) -> Result<()> {
        let sections = self.roles.all(self.file, Role::Code);
        let mut found = Vec::new();
        for ((index, stream), section) in (0u32..).zip(&self.object.streams).zip(sections) {
            found.push(relocations::relocate(
                self.file,
                &self.targets,
                section,
                stream,
                index,
            )?);
        }
        for (stream, relocated) in self.object.streams.iter_mut().zip(found) {
            stream.references = relocated.references;
            stream.defects = relocated.defects;
        }
        if let Some(section) = self.roles.first(self.file, Role::BtfMaps) {
            map_entries::fill(
                self.file,
                &self.targets,
                section,
                &self.placed,
                &self.object.streams,
                &mut self.object.maps,
            )?;
        }
        Ok(())
    }

    fn struct_ops(&mut self) -> Result<()> {
        let reader = struct_ops::Reader {
            file: self.file,
            index: self.index,
            targets: &self.targets,
            streams: &self.object.streams,
        };
        let variables = reader.variables(self.roles)?;
        let registered = variables.iter().filter(|variable| !variable.optional);
        let functions = registered.flat_map(|variable| &variable.functions);
        self.object.registered = functions.map(|member| (member.function, ())).collect();
        self.object.struct_ops = variables;
        Ok(())
    }

    /// Data that is initialized with addresses has none before it is loaded: such
    /// pointers stay as they are, as with every loader.
    fn warn_of_pointers(&mut self) {
        for section in &self.file.sections {
            let tables = self.file.relocations_of(section.index);
            let is_data = matches!(self.roles.get(section.index), Role::Data(_) | Role::Arena);
            if is_data && tables.count() != 0 {
                self.object.warnings.push(format!(
                    "section {}: its relocations are ignored, pointers in it stay as the file has them",
                    section.name
                ));
            }
        }
    }
}
