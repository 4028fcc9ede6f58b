//! Whether split BTF lies over the base that it was made over.

use super::{Btf, BtfError, Type};

impl Btf {
    /// Split BTF does not say whose base it continues. But every name that its types
    /// mention starts where a string starts, in its own strings or in those of its base;
    /// over another kernel's BTF the offsets are shifted, and point into the middle of
    /// strings. Types of such BTF would be answers about nothing.
    pub fn check_base(&self) -> Result<(), BtfError> {
        for ty in self.own_types() {
            let mut names = names_of(&ty);
            if let Some(name_off) = names.find(|&offset| !self.starts_string(offset)) {
                let id = ty.id();
                return Err(BtfError::OtherBase { id, name_off });
            }
        }
        Ok(())
    }

    fn starts_string(&self, offset: u32) -> bool {
        let Some(own) = offset.checked_sub(self.first_string()) else {
            return self.base().is_some_and(|base| base.starts_string(offset));
        };
        let (strings, own) = (self.string_bytes(), own as usize);
        let before = own.checked_sub(1).and_then(|at| strings.get(at));
        own < strings.len() && before.is_none_or(|&byte| byte == 0)
    }
}

/// Offsets of the names of a type and of what it consists of.
fn names_of<'a>(ty: &Type<'a>) -> impl Iterator<Item = u32> + use<'a> {
    let members = ty.members().map(|member| member.name_off);
    let values = ty.enum_values().map(|value| value.name_off);
    let params = ty.params().map(|param| param.name_off);
    [ty.name_off()]
        .into_iter()
        .chain(members)
        .chain(values)
        .chain(params)
}
