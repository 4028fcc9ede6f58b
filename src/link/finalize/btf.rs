//! The BTF that goes with the programs.

use crate::btf::prepare;
use crate::elf::Object;
use crate::feature::Feature;
use crate::target::Target;

/// The object's BTF for `target`; `None` where either has none. One that cannot be
/// prepared costs the programs their BTF, not their lives: the warning says so.
pub(super) fn prepared(
    object: &Object,
    target: &Target,
    warnings: &mut Vec<String>,
) -> Option<Vec<u8>> {
    let btf = object.btf()?;
    if !target.supports(Feature::Btf) {
        return None;
    }
    let supports = |feature| target.supports(feature);
    match prepare(btf, object.btf_layout(), &supports) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            warnings.push(format!("programs are left without BTF: {error}"));
            None
        }
    }
}
