//! Relocate: CO-RE, computed for all that a program reaches, then applied.

use std::sync::Arc;

use super::core::{CoreFailure, CoreOptions, Fixup, FunctionView, Resolver};
use super::{Choice, LinkError, Program, Programs};
use crate::error::{Cause, Error, Result, Site};
use crate::target::Target;

/// The fixups of each program, by its index.
type Computed = Vec<(usize, Result<Vec<Fixup>>)>;

impl Programs {
    /// Applies the CO-RE relocations of each chosen program for `target`.
    ///
    /// Each program is relocated whole or left as it was and marked as failed.
    /// Functions that flatten has yet to append are decided now too, so that the
    /// order of the two stages makes no difference. Without relocations no BTF of
    /// the target is looked at.
    pub fn relocate(
        &mut self,
        target: &Target,
        options: CoreOptions,
        choice: Choice<'_>,
    ) -> Result<()> {
        let chosen = self.choose(choice)?;
        self.relocate_chosen(&chosen, target, options)?;
        self.verdict(&chosen)
    }

    /// As [`relocate`](Self::relocate); an error is one of the set, not of a program.
    pub(super) fn relocate_chosen(
        &mut self,
        chosen: &[usize],
        target: &Target,
        options: CoreOptions,
    ) -> Result<()> {
        let (fixups, warnings) = self.compute_fixups(chosen, target, options)?;
        self.warnings.extend(warnings.iter().cloned());
        for (index, result) in fixups {
            if let Some(program) = self.programs.get_mut(index)
                && let Some(fixups) = program.attempt(result)
            {
                program.fixups = fixups;
                program.relocated = true;
                program.apply_fixups(0);
            }
        }
        Ok(())
    }

    fn compute_fixups(
        &self,
        chosen: &[usize],
        target: &Target,
        options: CoreOptions,
    ) -> Result<(Computed, Arc<[String]>)> {
        let mut resolver = self
            .object
            .btf()
            .map(|local| Resolver::new(local, target, options));
        let mut results = Vec::with_capacity(chosen.len());
        for &index in chosen {
            let Some(program) = self.programs.get(index) else {
                continue;
            };
            if program.relocated || program.finalized.is_some() {
                let name = program.name.clone();
                return Err(
                    self.refuse(Cause::State(format!("program {name} is already relocated")))
                );
            }
            if program.error.is_none() {
                results.push((index, program.compute_fixups(resolver.as_mut())));
            }
        }
        let warnings = resolver.map(|resolver| resolver.warnings());
        Ok((results, warnings.unwrap_or_default()))
    }
}

impl Program {
    fn compute_fixups(&self, resolver: Option<&mut Resolver<'_>>) -> Result<Vec<Fixup>> {
        let views: Vec<FunctionView<'_>> = self
            .reach
            .iter()
            .filter_map(|&id| self.functions.get(id))
            .map(|function| FunctionView {
                insns: function.insns(&self.object),
                start: function.address.insn,
                relocations: function.core_relocations(&self.object),
            })
            .collect();
        if views.iter().all(|view| view.relocations.is_empty()) {
            return Ok(Vec::new());
        }
        let Some(resolver) = resolver else {
            return Err(Error::new(self.site(None, None), LinkError::NoLocalBtf));
        };
        let mut fixups = resolver
            .resolve_program(&views)
            .map_err(|failure| self.core_error(failure))?;
        // Programs apply a function's fixups by searching for its first one.
        if !fixups.is_sorted_by_key(|f| (f.function, f.insn)) {
            fixups.sort_by_key(|f| (f.function, f.insn));
        }
        Ok(fixups)
    }

    fn core_error(&self, failure: CoreFailure) -> Error {
        let function = self
            .reach
            .get(failure.function as usize)
            .and_then(|&id| self.functions.get(id));
        let site = Site {
            record: Some(failure.record),
            ..self.site(function, Some(failure.insn))
        };
        Error::new(site, LinkError::Core(failure.error))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::btf::testing::builder::*;
    use crate::btf::testing::parse;
    use crate::bytes::Endian;
    use crate::elf::{CoreRelocation, Object, RawStream};
    use crate::insn::Insn;
    use crate::insn::opcode::{ALU64, CALL, EXIT};
    use crate::link::core::CoreKind;

    /// `r0 = 1`, whether the type exists; `exit`.
    fn asks_for(type_name: &str) -> Programs {
        let mut local = BtfBuilder::new(Order::Little);
        let type_id = local.structure(type_name, 4, &[]);
        let access = local.string("0");
        let insns = vec![
            Insn::new(ALU64 | 0xb0, 0, 0, 0, 1),
            Insn::new(EXIT, 0, 0, 0, 0),
        ];
        let mut raw = RawStream::new("asks", Endian::Little, insns);
        raw.symbols = vec![crate::elf::Symbol {
            name: "asks".into(),
            start: 0,
            len: None,
            binding: crate::elf::Binding::Global,
            hidden: false,
            entry: true,
        }];
        raw.core_relocations = vec![CoreRelocation {
            insn: 0,
            type_id,
            access,
            kind: CoreKind::TypeExists as u32,
            record: 0,
        }];
        raw.btf = Some(parse(&local));
        let object = Object::from_insns(raw).expect("a valid stream");
        Programs::split(&Arc::new(object)).expect("one function")
    }

    #[test]
    fn a_corrupt_module_is_a_warning_of_who_looks_at_modules() {
        let root = std::env::temp_dir().join(format!("bpflink-relocate-{}", std::process::id()));
        let sysfs = root.join("sys/kernel/btf");
        fs::create_dir_all(&sysfs).unwrap();
        let mut vmlinux = BtfBuilder::new(Order::Little);
        vmlinux.structure("known", 4, &[]);
        fs::write(sysfs.join("vmlinux"), vmlinux.build()).unwrap();
        fs::write(sysfs.join("broken"), b"\x9f\xeb\x01").unwrap();
        let target = Target::running_below(root.clone());

        let relocated = |name| {
            let mut programs = asks_for(name);
            programs
                .relocate(&target, CoreOptions::default(), Choice::All)
                .unwrap();
            (
                programs.programs()[0].instructions()[0].imm,
                programs.warnings().to_vec(),
            )
        };
        let (exists, warnings) = relocated("unknown");
        assert_eq!(exists, 0);
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0].contains("module broken is left out"),
            "{}",
            warnings[0]
        );
        // The modules are read, but nobody needs them.
        assert_eq!(relocated("known"), (1, Vec::new()));
        fs::remove_dir_all(&root).unwrap();
    }

    /// A call of the kernel function `name`; `exit`.
    fn calls(name: &str) -> Programs {
        let mut local = BtfBuilder::new(Order::Little);
        let int = local.int("int", 4, SIGNED);
        let proto = local.func_proto(int, &[]);
        let function = local.func(name, proto, EXTERN);
        local.datasec(".ksyms", 0, &[(function, 0, 0)]);
        let insns = vec![Insn::new(CALL, 0, 1, 0, -1), Insn::new(EXIT, 0, 0, 0, 0)];
        let mut raw = RawStream::new("calls", Endian::Little, insns);
        raw.symbols = vec![crate::elf::Symbol {
            name: "calls".into(),
            start: 0,
            len: None,
            binding: crate::elf::Binding::Global,
            hidden: false,
            entry: true,
        }];
        raw.references = vec![crate::elf::RawReference {
            insn: 0,
            name: name.into(),
            addend: 0,
        }];
        raw.btf = Some(parse(&local));
        let object = Object::from_insns(raw).expect("a valid stream");
        Programs::split(&Arc::new(object)).expect("one function")
    }

    #[test]
    fn a_corrupt_module_is_a_warning_of_who_looks_for_a_function_there() {
        let name = format!("bpflink-finalize-{}", std::process::id());
        let root = std::env::temp_dir().join(name);
        let sysfs = root.join("sys/kernel/btf");
        fs::create_dir_all(&sysfs).unwrap();
        let mut vmlinux = BtfBuilder::new(Order::Little);
        let int = vmlinux.int("int", 4, SIGNED);
        let proto = vmlinux.func_proto(int, &[]);
        vmlinux.func("known", proto, STATIC);
        fs::write(sysfs.join("vmlinux"), vmlinux.build()).unwrap();
        fs::write(sysfs.join("broken"), b"\x9f\xeb\x01").unwrap();
        let target = Target::running_below(root.clone());

        let finalized = |name| {
            let mut programs = calls(name);
            let options = crate::link::FinalizeOptions::default();
            let stands = programs.finalize(&target, options, Choice::All).is_ok();
            (stands, programs.warnings().to_vec())
        };
        let (stands, warnings) = finalized("unknown");
        assert!(!stands && warnings.len() == 1, "{warnings:?}");
        let told = warnings[0].contains("module broken is left out");
        assert!(told, "{}", warnings[0]);
        // The modules are read, but vmlinux answers.
        assert_eq!(finalized("known"), (true, Vec::new()));
        fs::remove_dir_all(&root).unwrap();
    }
}
