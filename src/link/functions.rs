//! The functions of an object after the split: known by place, each with its
//! share of the stream's references and records.

use std::ops::Range;

use super::LinkError;
use super::budget::{Budget, cost};
use crate::elf::{
    CoreRelocation, FunctionAddress, Object, Reference, ReferenceTarget, Stream, Symbol,
};
use crate::insn::Insn;
use crate::name::Name;
use crate::order;

/// Index of a function in its [`Functions`].
pub(super) type FunctionId = u32;

/// One function: a piece of a stream.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub name: Name,
    pub address: FunctionAddress,
    pub len: u32,
    references: Range<usize>,
    core_relocations: Range<usize>,
}

/// All functions of an object, sorted by address, and who refers to whom.
#[derive(Debug)]
pub(super) struct Functions {
    list: Vec<Function>,
    /// Direct references of each function, once each, in order of name.
    callees: Vec<FunctionId>,
    /// Where the callees of each function start; one more entry than functions.
    callees_from: Vec<usize>,
    /// What a copy of each function takes, bytes.
    costs: Vec<u64>,
}

impl Function {
    /// The symbol's piece of its stream; the bounds were checked by the split.
    pub fn new(stream_index: u32, stream: &Stream, symbol: &Symbol, len: u32) -> Function {
        let end = symbol.start.saturating_add(len);
        let from = |insns: &dyn Fn(u32) -> usize| insns(symbol.start)..insns(end);
        Function {
            name: symbol.name.clone(),
            address: FunctionAddress {
                stream: stream_index,
                insn: symbol.start,
            },
            len,
            references: from(&|at| stream.references.partition_point(|r| r.insn < at)),
            core_relocations: from(&|at| stream.core_relocations.partition_point(|r| r.insn < at)),
        }
    }

    /// The slots of the stream that it covers.
    pub fn slots(&self) -> Range<u32> {
        self.address.insn..self.address.insn.saturating_add(self.len)
    }

    /// The stream that it was cut from.
    pub fn stream<'a>(&self, object: &'a Object) -> Option<&'a Stream> {
        object.streams().get(self.address.stream as usize)
    }

    /// Its instructions as the file has them.
    #[inline(always)]
    pub fn insns<'a>(&self, object: &'a Object) -> &'a [Insn] {
        let slots = self.slots();
        self.stream(object)
            .and_then(|s| s.insns.get(slots.start as usize..slots.end as usize))
            .unwrap_or_default()
    }

    /// What its instructions refer to.
    #[inline(always)]
    pub fn references<'a>(&self, object: &'a Object) -> &'a [Reference] {
        self.stream(object)
            .and_then(|s| s.references.get(self.references.clone()))
            .unwrap_or_default()
    }

    /// Its CO-RE relocations.
    #[inline(always)]
    pub fn core_relocations<'a>(&self, object: &'a Object) -> &'a [CoreRelocation] {
        self.stream(object)
            .and_then(|s| s.core_relocations.get(self.core_relocations.clone()))
            .unwrap_or_default()
    }
}

impl Functions {
    /// Takes the functions, sorted by address, and finds who refers to whom.
    pub fn new(object: &Object, list: Vec<Function>) -> Functions {
        let mut functions = Functions {
            costs: list.iter().map(|function| cost(function, object)).collect(),
            list,
            callees: Vec::new(),
            callees_from: vec![0],
        };
        for index in 0..functions.list.len() {
            let direct = functions.direct_references(object, index);
            functions.callees.extend(direct);
            functions.callees_from.push(functions.callees.len());
        }
        functions
    }

    /// Sorted by name; equal ones (two statics) by place, which ids are sorted by.
    fn direct_references(&self, object: &Object, index: usize) -> Vec<FunctionId> {
        let references = self.list.get(index).map(|f| f.references(object));
        let targets = references.unwrap_or_default().iter();
        let mut found: Vec<(FunctionId, &[u8])> = targets
            .filter_map(|reference| match reference.target {
                ReferenceTarget::Function(address) => self.at(address),
                _ => None,
            })
            .map(|id| (id, self.name_of(id)))
            .collect();
        order::by_number(&mut found, |&(id, _)| id);
        found.dedup();
        order::by_bytes(&mut found, |&(_, name)| name);
        found.into_iter().map(|(id, _)| id).collect()
    }

    fn name_of(&self, id: FunctionId) -> &[u8] {
        self.get(id)
            .map_or(&[], |function| function.name.as_bytes())
    }

    /// All of them, in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FunctionId, &Function)> {
        (0..).zip(&self.list)
    }

    /// One of them.
    pub fn get(&self, id: FunctionId) -> Option<&Function> {
        self.list.get(id as usize)
    }

    /// The function that starts at `address`.
    pub fn at(&self, address: FunctionAddress) -> Option<FunctionId> {
        let index = self
            .list
            .binary_search_by_key(&address, |function| function.address)
            .ok()?;
        u32::try_from(index).ok()
    }

    /// The functions that `id` refers to, in order of name.
    fn callees(&self, id: FunctionId) -> &[FunctionId] {
        let at = |index: usize| self.callees_from.get(index).copied().unwrap_or_default();
        let range = at(id as usize)..at((id as usize).saturating_add(1));
        self.callees.get(range).unwrap_or_default()
    }

    /// Whether the function refers to any function, itself included.
    pub fn has_references(&self, id: FunctionId) -> bool {
        !self.callees(id).is_empty()
    }

    /// Everything that `entry` reaches, itself first: breadth first, the direct
    /// references of each function in order of name; behind that its exception
    /// callback and what that one reaches besides. `seen` is scratch space that belongs
    /// to these functions and is used again for each entry.
    pub fn reach(
        &self,
        entry: FunctionId,
        callback: Option<FunctionId>,
        seen: &mut Seen,
        budget: &mut Budget,
    ) -> Result<Reach, LinkError> {
        seen.begin(self.list.len());
        let mut order = Vec::new();
        self.walk(entry, &mut order, seen, budget)?;
        let called = order.len();
        if let Some(callback) = callback {
            self.walk(callback, &mut order, seen, budget)?;
        }
        Ok(Reach { order, called })
    }

    /// Appends `start` and what it reaches, as far as it was not met before.
    fn walk(
        &self,
        start: FunctionId,
        order: &mut Vec<FunctionId>,
        seen: &mut Seen,
        budget: &mut Budget,
    ) -> Result<(), LinkError> {
        let mut next = order.len();
        order.extend(Some(start).filter(|&id| seen.first_time(id)));
        while let Some(&id) = order.get(next) {
            next += 1;
            budget.take(self.costs.get(id as usize).copied().unwrap_or_default())?;
            let fresh = self
                .callees(id)
                .iter()
                .copied()
                .filter(|&id| seen.first_time(id));
            order.extend(fresh);
        }
        Ok(())
    }

    /// Total slots of a list of functions.
    pub fn total_len(&self, ids: &[FunctionId]) -> Result<usize, LinkError> {
        let total: u64 = ids
            .iter()
            .filter_map(|&id| self.get(id))
            .map(|function| u64::from(function.len))
            .sum();
        match i32::try_from(total) {
            Ok(_) => Ok(total as usize),
            Err(_) => Err(LinkError::TooLong(total)),
        }
    }
}

/// The functions of a program, in the order of its stream.
#[derive(Debug)]
pub(super) struct Reach {
    /// All of them, the entry first.
    pub order: Vec<FunctionId>,
    /// How many of them the entry reaches; the others are there for the exception
    /// callback alone.
    pub called: usize,
}

/// Which functions a walk has met; cleared in no time between walks.
#[derive(Debug, Default)]
pub(super) struct Seen {
    walk: u32,
    last: Vec<u32>,
}

impl Seen {
    fn begin(&mut self, functions: usize) {
        if self.last.len() != functions || self.walk == u32::MAX {
            self.last.clear();
            self.last.resize(functions, 0);
            self.walk = 0;
        }
        self.walk += 1;
    }

    fn first_time(&mut self, id: FunctionId) -> bool {
        match self.last.get_mut(id as usize) {
            Some(walk) if *walk != self.walk => {
                *walk = self.walk;
                true
            }
            _ => false,
        }
    }
}
