//! What a section's name says about its programs.

/// What a loader passes to BPF_PROG_LOAD, as the section's name tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ProgramType {
    /// BPF_PROG_TYPE_*; 0 where the name is not known.
    pub program_type: u32,
    /// BPF_* attach type; `None` where programs of this type have none.
    pub attach_type: Option<u32>,
    /// BPF_F_* flags for the load (sleepable, frags).
    pub flags: u32,
    /// Whether the name begins with `?`: loaded only when asked for.
    pub optional: bool,
}
