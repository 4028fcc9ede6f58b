//! What somebody else defines: kernel symbols and configuration values.
//!
//! The kernel's BTF verifier knows no externs: functions of other linkage than
//! static or global, variables without a place, types without a size. So kernel
//! variables pretend to be integers in a row, kernel functions to be global, and
//! configuration values get places, as libbpf has it.

use crate::btf::write::{Draft, Writer};
use crate::btf::{Btf, BtfError, Kind, Kinds, Linkage, MAX_CHAIN, Type, TypeId};
use crate::lookup::Lookup;
use crate::order;

const KSYMS: &[u8] = b".ksyms";
const KCONFIG: &[u8] = b".kconfig";
/// The name of the variable that stands for every kernel function, and of
/// parameters that have none: the kernel wants one for each.
const DUMMY: &[u8] = b"dummy_ksym";
const GLOBAL: u32 = 1;
const INT_SIZE: u32 = 4;

/// What is external in one BTF, and what takes its place.
#[derive(Debug, Default)]
pub(super) struct Externs {
    ksyms: Lookup<TypeId>,
    kconfig: Lookup<TypeId>,
    kconfig_offsets: Lookup<TypeId, u32>,
    kconfig_size: u32,
    /// Variables of `.ksyms`.
    variables: Lookup<TypeId>,
    /// Prototypes of functions without a body.
    prototypes: Lookup<TypeId>,
    functions: Lookup<TypeId>,
    int: TypeId,
    dummy: TypeId,
    dummy_name: u32,
    added: Vec<Draft>,
    first_free_id: TypeId,
}

impl Externs {
    pub(super) fn find(btf: &Btf, writer: &mut Writer) -> Result<Externs, BtfError> {
        let mut externs = Externs {
            first_free_id: btf.type_count(),
            ..Externs::default()
        };
        let kinds = Kinds::of(&[Kind::Datasec, Kind::Func, Kind::Int]);
        for ty in btf.own_types_of(kinds) {
            match ty.kind() {
                Kind::Datasec => externs.add_section(&ty),
                Kind::Func if ty.linkage() == Some(Linkage::Extern) => {
                    externs.functions.insert(ty.id(), ());
                    externs.prototypes.insert(ty.target(), ());
                }
                Kind::Int if externs.int == 0 && ty.size() == INT_SIZE => externs.int = ty.id(),
                _ => {}
            }
        }
        if !externs.ksyms.is_empty() || !externs.functions.is_empty() {
            externs.add_stand_ins(writer)?;
        }
        if !externs.kconfig.is_empty() {
            let (vars, size) = kconfig_layout(btf);
            externs.kconfig_offsets = vars.iter().map(|var| (var.type_id, var.offset)).collect();
            externs.kconfig_size = size;
        }
        Ok(externs)
    }

    fn add_section(&mut self, ty: &Type<'_>) {
        match ty.short_name() {
            KSYMS => {
                self.ksyms.insert(ty.id(), ());
                for var in ty.section_vars() {
                    self.variables.insert(var.type_id, ());
                }
            }
            KCONFIG => {
                self.kconfig.insert(ty.id(), ());
            }
            _ => {}
        }
    }

    /// The types behind the last one: an integer where there is none, and the dummy.
    fn add_stand_ins(&mut self, writer: &mut Writer) -> Result<(), BtfError> {
        if self.int == 0 {
            let mut int = Draft::new(Kind::Int, writer.string(b"int")?, INT_SIZE);
            int.tail = vec![(1 << 24) | (8 * INT_SIZE)];
            self.int = self.add(int)?;
        }
        self.dummy_name = writer.string(DUMMY)?;
        let mut dummy = Draft::new(Kind::Var, self.dummy_name, self.int);
        dummy.tail = vec![GLOBAL];
        self.dummy = self.add(dummy)?;
        Ok(())
    }

    fn add(&mut self, draft: Draft) -> Result<TypeId, BtfError> {
        let id = self.first_free_id;
        self.first_free_id = id.checked_add(1).ok_or(BtfError::TooLarge)?;
        self.added.push(draft);
        Ok(id)
    }

    /// Types to put behind those of the object.
    pub(super) fn added_types(&self) -> impl Iterator<Item = Draft> {
        self.added.iter().cloned()
    }

    /// The first id behind those.
    pub(super) fn first_free_id(&self) -> TypeId {
        self.first_free_id
    }

    /// Whether [`apply`](Self::apply) may have something to do about a type.
    pub(super) fn may_change(&self, ty: &Type<'_>) -> bool {
        match ty.kind() {
            Kind::Datasec | Kind::Var => true,
            Kind::Func => self.functions.contains(&ty.id()),
            Kind::FuncProto => self.prototypes.contains(&ty.id()),
            _ => false,
        }
    }

    pub(super) fn apply(&self, id: TypeId, draft: &mut Draft) {
        match draft.kind() {
            Kind::Datasec if self.ksyms.contains(&id) => self.fix_ksyms(draft),
            Kind::Datasec if self.kconfig.contains(&id) => self.fix_kconfig(draft),
            Kind::Func if self.functions.contains(&id) => draft.set_info(Kind::Func, GLOBAL),
            Kind::FuncProto if self.prototypes.contains(&id) => self.name_parameters(draft),
            Kind::Var => self.fix_variable(id, draft),
            _ => {}
        }
    }

    fn fix_variable(&self, id: TypeId, draft: &mut Draft) {
        const EXTERN: u32 = 2;
        if let Some(linkage @ &mut EXTERN) = draft.tail.first_mut() {
            *linkage = GLOBAL;
            if self.variables.contains(&id) {
                draft.size_or_type = self.int;
            }
        }
    }

    /// One integer behind the other, functions by the dummy.
    fn fix_ksyms(&self, draft: &mut Draft) {
        let (entries, _) = draft.tail.as_chunks_mut::<3>();
        let offsets = (0u32..).map(|number| number.saturating_mul(INT_SIZE));
        for ([id, offset, size], place) in entries.iter_mut().zip(offsets) {
            if self.functions.contains(id) {
                *id = self.dummy;
            }
            (*offset, *size) = (place, INT_SIZE);
        }
        draft.size_or_type = draft.vlen().saturating_mul(INT_SIZE);
    }

    fn fix_kconfig(&self, draft: &mut Draft) {
        let (entries, _) = draft.tail.as_chunks_mut::<3>();
        for [id, offset, _] in entries {
            *offset = self.kconfig_offsets.get(id).copied().unwrap_or(*offset);
        }
        draft.size_or_type = self.kconfig_size;
    }

    /// Every parameter but the `...` of a variadic function has a name.
    fn name_parameters(&self, draft: &mut Draft) {
        let (params, _) = draft.tail.as_chunks_mut::<2>();
        for [name, type_id] in params {
            if *name == 0 && *type_id != 0 {
                *name = self.dummy_name;
            }
        }
    }
}

/// A configuration value's place in the map `.kconfig`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KconfigVar {
    /// Its BTF_KIND_VAR.
    pub type_id: TypeId,
    /// Offset in the map's value, bytes.
    pub offset: u32,
    /// Size, bytes.
    pub size: u32,
}

/// Places for the variables of `.kconfig`, and the size of the whole, as libbpf lays
/// them out: larger alignment first, then smaller size, then by name.
pub fn kconfig_layout(btf: &Btf) -> (Vec<KconfigVar>, u32) {
    let mut sections = btf.own_types_of(Kinds::of(&[Kind::Datasec]));
    let section = sections.find(|ty| ty.short_name() == KCONFIG);
    let mut vars: Vec<(u32, u32, &[u8], TypeId)> = section
        .iter()
        .flat_map(|section| section.section_vars())
        .map(|var| {
            let id = var.type_id;
            let name = btf
                .type_by_id(id)
                .map(|ty| ty.short_name())
                .unwrap_or_default();
            let size = btf
                .size_of(id)
                .ok()
                .and_then(|size| u32::try_from(size).ok());
            (alignment(btf, id), size.unwrap_or(var.size), name, id)
        })
        .collect();
    // Each keeps the order of those before it among what it takes for equal.
    order::by_number(&mut vars, |&(_, _, _, id)| id);
    order::by_bytes(&mut vars, |&(_, _, name, _)| name);
    order::by_number(&mut vars, |&(alignment, size, _, _)| {
        order::joined([!alignment, size])
    });
    let mut end = 0u32;
    let mut placed = Vec::with_capacity(vars.len());
    for (alignment, size, _, type_id) in vars {
        let offset = end.checked_next_multiple_of(alignment).unwrap_or(end);
        end = offset.saturating_add(size);
        placed.push(KconfigVar {
            type_id,
            offset,
            size,
        });
    }
    (placed, end)
}

/// The natural alignment of a variable: that of the element for arrays.
fn alignment(btf: &Btf, id: TypeId) -> u32 {
    let mut ty = btf.type_by_id(id).ok();
    for _ in 0..MAX_CHAIN {
        let Some(found) = ty else { break };
        let next = match found.kind() {
            Kind::Var => found.target(),
            Kind::Array => found.array().map_or(0, |array| array.element),
            kind if kind.is_modifier_or_typedef() => found.target(),
            Kind::Ptr => return 8,
            _ => return found.size().clamp(1, 8).next_power_of_two(),
        };
        ty = btf.type_by_id(next).ok();
    }
    1
}
