//! Helpers that older kernels lack.

use super::Job;
use crate::error::Result;
use crate::feature::Feature;
use crate::insn::Insn;

/// Helper numbers of linux/bpf.h.
const PROBE_READ: i32 = 4;
const PROBE_READ_STR: i32 = 45;
const PROBE_READ_USER: i32 = 112;
const PROBE_READ_KERNEL: i32 = 113;
const PROBE_READ_USER_STR: i32 = 114;
const PROBE_READ_KERNEL_STR: i32 = 115;

/// Linux 5.5 split bpf_probe_read by address space; before, there was one for
/// both (libbpf's bpf_program_fixup_probe_read does the same).
fn without_address_space(helper: i32) -> Option<i32> {
    match helper {
        PROBE_READ_USER | PROBE_READ_KERNEL => Some(PROBE_READ),
        PROBE_READ_USER_STR | PROBE_READ_KERNEL_STR => Some(PROBE_READ_STR),
        _ => None,
    }
}

impl Job<'_, '_> {
    /// Replaces helpers by older ones where the target lacks them. The target is
    /// asked only when there is such a call.
    pub(super) fn replace_helpers(&mut self, insns: &mut [Insn]) -> Result<()> {
        let mut supported = None;
        for insn in insns.iter_mut().filter(|insn| insn.is_helper_call()) {
            let Some(older) = without_address_space(insn.imm) else {
                continue;
            };
            if !*supported.get_or_insert_with(|| self.target.supports(Feature::ProbeReadKernel)) {
                insn.imm = older;
            }
        }
        Ok(())
    }
}
