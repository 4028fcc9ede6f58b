//! A stream cut into functions, so that their order does not matter.

use std::collections::{BTreeMap, BTreeSet};

use crate::output::Program;

/// The functions of one program, by where they start.
pub struct Functions<'a> {
    program: &'a Program,
    ends: BTreeMap<usize, usize>,
}

impl<'a> Functions<'a> {
    /// Cuts where func_info says and wherever something is called.
    pub fn of(program: &'a Program) -> Self {
        let len = program.insns.len();
        let mut starts: BTreeSet<usize> = program.functions.keys().copied().collect();
        starts.insert(0);
        for (i, insn) in program.insns.iter().enumerate() {
            if insn.is_local() {
                starts.extend(target(i, insn.imm));
            }
        }
        let starts: Vec<usize> = starts.into_iter().filter(|&s| s < len).collect();
        let ends = starts.iter().skip(1).copied().chain([len]);
        let ends = starts.iter().copied().zip(ends).collect();
        Self { program, ends }
    }

    /// All starts, in the stream's order.
    pub fn starts(&self) -> impl Iterator<Item = usize> {
        self.ends.keys().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Instructions of the function at `start`; 0 where none starts.
    pub fn size(&self, start: usize) -> usize {
        self.ends.get(&start).map_or(0, |end| end - start)
    }

    /// Where the reference at `insn` leads, if a function starts there.
    pub fn target(&self, insn: usize) -> Option<usize> {
        let target = target(insn, self.program.insns.get(insn)?.imm)?;
        self.ends.contains_key(&target).then_some(target)
    }

    /// The name that func_info gives it.
    pub fn name(&self, start: usize) -> Option<&'a str> {
        self.program.functions.get(&start).map(String::as_str)
    }

    /// What to call it in a message.
    pub fn label(&self, start: usize) -> String {
        self.name(start)
            .map_or_else(|| format!("<function at {start}>"), str::to_owned)
    }
}

/// Distances count from the next slot, for calls and for addresses alike.
fn target(insn: usize, imm: i32) -> Option<usize> {
    insn.checked_add(1)?
        .checked_add_signed(isize::try_from(imm).ok()?)
}
