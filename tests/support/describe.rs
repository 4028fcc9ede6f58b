//! Everything that the library says of an object and of a program set, as text.
//!
//! tests/c/text.c writes the same through the C ABI; the two must agree byte
//! by byte. Numbers stand for what include/bpflink.h calls them.

#![allow(dead_code)] // Every test binary uses another part of it.

use std::fmt::Write;

use bpflink::bytes::Endian;
use bpflink::elf::{ExternKind, MapDefinition, MapEntry, MapOrigin, Pinning, StructOps};
use bpflink::insn::encode_stream;
use bpflink::link::{InfoBytes, KernelStructOps, Program, Programs};
use bpflink::{Error, Name, Object};

/// Text that may hold names of any bytes.
#[derive(Default)]
pub struct Text(pub Vec<u8>);

impl Text {
    /// Appends words, separated by spaces.
    pub fn words(&mut self, words: std::fmt::Arguments<'_>) {
        let text = words.to_string();
        self.0.extend_from_slice(text.as_bytes());
    }

    fn name(&mut self, name: Option<&Name>) {
        self.0.push(b' ');
        match name {
            Some(name) => self.0.extend_from_slice(name.as_bytes()),
            None => self.0.push(b'-'),
        }
    }

    /// As C sees it: up to the first NUL.
    fn text(&mut self, text: Option<&str>) {
        let text = text.unwrap_or("-");
        self.0.push(b' ');
        self.0
            .extend_from_slice(text.split('\0').next().unwrap_or_default().as_bytes());
    }

    fn hex(&mut self, bytes: &[u8]) {
        let mut hex = String::with_capacity(bytes.len() * 2 + 1);
        hex.push(' ');
        for byte in bytes {
            write!(hex, "{byte:02x}").expect("a string grows");
        }
        self.0.extend_from_slice(hex.as_bytes());
    }

    fn line(&mut self) {
        self.0.push(b'\n');
    }

    /// The outcome of a call.
    pub fn outcome<T>(&mut self, call: &str, result: &bpflink::Result<T>) {
        match result {
            Ok(_) => self.words(format_args!("{call} 0\n")),
            Err(error) => {
                self.words(format_args!("{call} {}\n", error.status() as u32));
                self.error(error);
            }
        }
    }

    fn error(&mut self, error: &Error) {
        let site = error.site();
        self.words(format_args!(
            "error {} {}",
            error.status() as u32,
            error.errno().unwrap_or(0)
        ));
        self.text(Some(&error.to_string()));
        self.line();
        self.words(format_args!("site"));
        for name in [&site.object, &site.program, &site.section, &site.symbol] {
            self.name(name.as_ref());
        }
        self.name(site.line.as_ref().map(|line| &line.file));
        let number = |n: Option<u32>| n.map_or(-1, i64::from);
        let (line, column) = site.line.as_ref().map_or((0, 0), |l| (l.line, l.column));
        self.words(format_args!(
            " {} {} {line} {column}\n",
            number(site.insn),
            number(site.record)
        ));
    }

    /// What a file says.
    pub fn object(&mut self, object: &Object) {
        self.words(format_args!("object"));
        self.name(Some(object.name()));
        self.name(object.license());
        self.words(format_args!(
            " {} {} {} {} {}\n",
            object.btf().map_or(0, |btf| btf.bytes().len()),
            object.maps().len(),
            object.externs().len(),
            object.version().unwrap_or(0),
            match object.endian() {
                Endian::Little => 0,
                Endian::Big => 1,
            }
        ));
        for symbol in object.externs() {
            self.words(format_args!("extern"));
            self.name(Some(&symbol.name));
            let kind = match symbol.kind {
                ExternKind::Kfunc => 0,
                ExternKind::Ksym => 1,
                ExternKind::Kconfig => 2,
                ExternKind::Unknown => 3,
            };
            self.words(format_args!(
                " {kind} {} {}\n",
                u32::from(symbol.weak),
                symbol.btf_id.unwrap_or(0)
            ));
        }
        (0..object.maps().len()).for_each(|index| self.map(object, index));
    }

    fn map(&mut self, object: &Object, index: usize) {
        let map = &object.maps()[index];
        let origin = match map.origin {
            MapOrigin::Btf => 0,
            MapOrigin::Legacy => 1,
            MapOrigin::Data => 2,
            MapOrigin::Rodata => 3,
            MapOrigin::Bss => 4,
            MapOrigin::Kconfig => 5,
        };
        let flags = u32::from(map.weak)
            | u32::from(map.hidden) << 1
            | u32::from(map.definition.pinning == Pinning::ByName) << 2
            | u32::from(map.definition.inner.is_some()) << 3;
        self.words(format_args!("map"));
        self.name(Some(&map.name));
        self.name(Some(&map.section));
        self.words(format_args!(" {origin} {flags}"));
        self.definition(&map.definition);
        self.hex(map.initial.as_deref().unwrap_or_default());
        self.line();
        if let Some(inner) = &map.definition.inner {
            self.words(format_args!("inner"));
            self.definition(inner);
            self.line();
        }
        for &(key, entry) in &map.definition.entries {
            let (kind, name) = match entry {
                MapEntry::Map(map) => (0, object.maps().get(map as usize).map(|map| &map.name)),
                MapEntry::Program(address) => (1, object.function_name(address)),
            };
            if name.is_some() {
                self.words(format_args!("entry {key} {kind}"));
                self.name(name);
                self.line();
            }
        }
    }

    fn definition(&mut self, d: &MapDefinition) {
        self.words(format_args!(
            " {} {} {} {} {} {} {} {} {}",
            d.map_type,
            d.key_size,
            d.value_size,
            d.max_entries,
            d.flags,
            d.numa_node,
            d.map_extra,
            d.key_type_id,
            d.value_type_id
        ));
    }

    /// The set as it stands.
    pub fn set(&mut self, set: &Programs) {
        self.words(format_args!("set {}\n", set.programs().len()));
        for program in set.programs() {
            self.program(set, program);
        }
        self.words(format_args!("btf"));
        self.hex(set.btf().unwrap_or_default());
        self.line();
        for map in 0..set.object().maps().len() {
            let size = set.map_contents(map).map_or(0, <[u8]>::len);
            let offset = set.map_contents_offset(map);
            self.words(format_args!("contents {map} {size} {offset}\n"));
        }
        for (index, variable) in set.object().struct_ops().iter().enumerate() {
            self.variable(set, variable, set.struct_ops().get(index));
        }
        for warning in set.warnings() {
            self.words(format_args!("warning"));
            self.text(Some(warning));
            self.line();
        }
    }

    fn variable(
        &mut self,
        set: &Programs,
        variable: &StructOps,
        made: Option<&bpflink::Result<KernelStructOps>>,
    ) {
        let error = made.and_then(|made| made.as_ref().err());
        let kernel = made.and_then(|made| made.as_ref().ok());
        let flags = u32::from(variable.link)
            | u32::from(variable.optional) << 1
            | u32::from(error.is_some()) << 2;
        self.words(format_args!(
            "struct_ops {flags} {} {} {} {} {}",
            variable.type_id,
            kernel.map_or(0, |k| k.type_id),
            kernel.map_or(0, |k| k.value_type_id),
            kernel.map_or(0, |k| k.data_offset),
            error.map_or(0, |error| error.status() as u32)
        ));
        let empty = Name::default();
        self.name(Some(&variable.name));
        self.name(Some(&variable.section));
        self.name(Some(&variable.type_name));
        self.name(Some(kernel.map_or(&empty, |k| &k.type_name)));
        self.name(Some(kernel.map_or(&empty, |k| &k.module)));
        self.hex(kernel.map_or(&[], |k| &k.value));
        self.line();
        for member in kernel.iter().flat_map(|kernel| &kernel.members) {
            let there = member.kernel;
            self.words(format_args!(
                "member {} {} {} {} {} {}",
                member.offset,
                member.size,
                u32::from(there.is_some()),
                there.map_or(0, |there| there.index),
                there.map_or(0, |there| there.offset),
                there.map_or(0, |there| there.size)
            ));
            self.name(Some(&member.name));
            self.name(member.program.and_then(|p| set.object().function_name(p)));
            self.line();
        }
        if let Some(error) = error {
            self.error(error);
        }
    }

    fn attach(&mut self, program: &Program) {
        let target = program.attach_target();
        let spec = &target.spec;
        let flags = u32::from(spec.on_return) | u32::from(spec.session) << 1;
        self.words(format_args!(
            "attach {} {flags} {} {} {}",
            spec.kind as u32,
            spec.offset,
            target.btf_id,
            u32::from(target.member.is_some())
        ));
        let module = match target.btf_id {
            0 => &spec.module,
            _ => &target.module,
        };
        for name in [&spec.name, &spec.category, &spec.path, module] {
            self.name(Some(name));
        }
        self.text(target.problem.as_deref());
        self.line();
    }

    fn program(&mut self, set: &Programs, program: &Program) {
        let kind = program.program_type();
        let flags = u32::from(kind.optional)
            | u32::from(program.error().is_some()) << 1
            | u32::from(program.bytes().is_some()) << 2
            | u32::from(kind.attach_type.is_some()) << 3;
        self.words(format_args!("program"));
        self.name(Some(program.name()));
        self.name(Some(program.section()));
        self.name(set.object().license());
        self.words(format_args!(
            " {} {} {} {} {flags} {} {} {}\n",
            program.instructions().len(),
            kind.program_type,
            kind.attach_type.unwrap_or(0),
            kind.flags,
            set.object().version().unwrap_or(0),
            program.error().map_or(0, |error| error.status() as u32),
            u32::from(program.has_function_references())
        ));
        self.words(format_args!("insns"));
        self.hex(&encode_stream(
            program.instructions(),
            set.object().endian(),
        ));
        self.line();
        self.attach(program);
        self.details(program);
        self.records("func_info", program.func_info());
        self.records("line_info", program.line_info());
        if let Some(error) = program.error() {
            self.error(error);
        }
    }

    fn details(&mut self, program: &Program) {
        for function in program.functions() {
            self.words(format_args!("function {} {}", function.insn, function.len));
            self.name(Some(&function.name));
            self.line();
        }
        for r in program.references() {
            self.words(format_args!(
                "reference {} {} {} {} {} {} {}",
                r.insn,
                r.kind as u32,
                u32::from(r.resolved),
                r.map.or(r.jump_table).unwrap_or(0),
                r.offset,
                r.type_id,
                r.fd_array_index
            ));
            self.name(Some(&r.name));
            self.name(Some(&r.module));
            self.line();
        }
        for table in program.jump_tables() {
            self.words(format_args!("jump_table"));
            self.name(Some(&table.name));
            self.numbers(&table.targets);
            self.numbers(&table.insns);
            self.line();
        }
        for r in program.relocations() {
            let report = r.report;
            self.words(format_args!(
                "relocation {} {} {} {} {}",
                r.insn, report.kind as u32, report.outcome as u32, report.old, report.new
            ));
            self.text(Some(&report.local_text()));
            self.text(report.target_text().as_deref());
            self.text(report.reason().as_deref());
            self.name(report.target_module());
            let target_type = report.target_type().unwrap_or_default();
            self.words(format_args!(" {target_type} {}", report.local_type()));
            self.line();
        }
    }

    fn numbers(&mut self, numbers: &[u32]) {
        self.words(format_args!(" {}:", numbers.len()));
        for number in numbers {
            self.words(format_args!(" {number}"));
        }
    }

    fn records(&mut self, what: &str, info: &InfoBytes) {
        self.words(format_args!("{what} {}", info.record_size));
        self.hex(&info.bytes);
        self.line();
    }
}
