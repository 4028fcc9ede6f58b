//! func_info and line_info of a program: the object's records, moved.

use super::Job;
use crate::btf::TypeId;
use crate::elf::{InfoTable, Object};
use crate::link::InfoBytes;
use crate::link::functions::Function;
use crate::name::Name;

impl Job<'_, '_> {
    /// One record for each function, as the kernel demands; none at all where a
    /// function has none.
    pub(super) fn func_info(&mut self) -> InfoBytes {
        let info = self.collect(|function| {
            let start = function.address.insn;
            function
                .stream(&self.program.object)
                .map(|s| (&s.func_info, start..start.saturating_add(1)))
        });
        let mut info = info.unwrap_or_else(|lacking| {
            self.warn_lacking("func_info", lacking);
            InfoBytes::default()
        });
        self.name_copies(&mut info);
        info
    }

    /// All records of all functions. The kernel demands one at each function's
    /// first instruction; where one lacks, there are none at all.
    pub(super) fn line_info(&mut self) -> InfoBytes {
        let info = self.collect(|function| {
            function
                .stream(&self.program.object)
                .map(|s| (&s.line_info, function.slots()))
        });
        info.unwrap_or_else(|lacking| {
            self.warn_lacking("line_info", lacking);
            InfoBytes::default()
        })
    }

    /// Moves the records that `of` names for each function to where the function
    /// stands; `Err` names the function that lacks one at its start, where another
    /// one has records.
    fn collect<'a>(
        &'a self,
        of: impl Fn(&'a Function) -> Option<(&'a InfoTable, std::ops::Range<u32>)>,
    ) -> Result<InfoBytes, Name> {
        let endian = self.program.object.endian();
        let mut info = InfoBytes::default();
        let mut lacking = None;
        for (start, _, function) in self.placed() {
            let Some((table, slots)) = of(function) else {
                continue;
            };
            let mut at_start = false;
            let records = table.within(slots);
            info.bytes
                .reserve(records.len().saturating_mul(table.record_size()));
            for (insn, raw) in records {
                at_start |= insn == function.address.insn;
                let moved = start.saturating_add(insn.saturating_sub(function.address.insn));
                info.record_size = raw.len();
                info.bytes.extend_from_slice(&endian.u32_bytes(moved));
                info.bytes
                    .extend_from_slice(raw.get(4..).unwrap_or_default());
            }
            if !at_start {
                lacking.get_or_insert(&function.name);
            }
        }
        match lacking {
            Some(name) if !info.bytes.is_empty() => Err(name.clone()),
            _ => Ok(info),
        }
    }

    fn warn_lacking(&mut self, what: &str, function: Name) {
        let program = self.program;
        self.warnings.push(format!(
            "{}: program {}: {what} left out: function {function} has none at its first instruction",
            program.object.name(),
            program.name,
        ));
    }

    /// The functions by the names that their func_info records say.
    pub(super) fn function_names(&self) -> Vec<Name> {
        self.placed()
            .map(|(_, _, function)| {
                self.info_name(function)
                    .unwrap_or_else(|| function.name.clone())
            })
            .collect()
    }

    fn info_name(&self, function: &Function) -> Option<Name> {
        let object = &self.program.object;
        let id = func_of(object, function)?;
        let name = object.btf()?.type_by_id(id).ok()?.name().ok()?;
        (!name.is_empty()).then(|| Name::new(name))
    }
}

/// The BTF_KIND_FUNC of a function, as its func_info record says.
pub(super) fn func_of(object: &Object, function: &Function) -> Option<TypeId> {
    let start = function.address.insn;
    let table = &function.stream(object)?.func_info;
    let (_, raw) = table.within(start..start.checked_add(1)?).next()?;
    object.endian().u32_at(raw, 4)
}
