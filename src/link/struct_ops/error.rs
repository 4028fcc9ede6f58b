//! Why a `struct_ops` variable cannot be made for a kernel.

use crate::btf::{BtfError, Kind, TypeId};
use crate::name::Name;

/// Why a variable of `.struct_ops` cannot be registered with the target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StructOpsError {
    /// The target's types cannot be looked at.
    #[error("{0}")]
    Target(String),
    /// The kernel has nothing of that name to register with.
    #[error("struct {0}: neither vmlinux nor a module has struct bpf_struct_ops_{0}")]
    Unknown(Name),
    /// The type of the map's value does not hold the struct.
    #[error("struct bpf_struct_ops_{0} of the kernel holds no struct {0}")]
    NoData(Name),
    /// A value too large, or structs with too many members.
    #[error("struct {name}: {count} {what}, more than any kernel has")]
    TooLarge {
        /// The struct.
        name: Name,
        /// How many.
        count: u64,
        /// `members`, or `bytes`.
        what: &'static str,
    },
    /// A member that is set, and that the kernel's struct does not have.
    #[error("member {member}: the kernel's struct has no such member, and it is not zero")]
    NoMember {
        /// The member.
        member: Name,
    },
    /// A bitfield that is not zero.
    #[error("member {member} is a bitfield; only zero ones are taken")]
    Bitfield {
        /// The member.
        member: Name,
    },
    /// A member of another kind.
    #[error("member {member} is {}, the kernel's is {}", .local.name(), .kernel.name())]
    Kind {
        /// The member.
        member: Name,
        /// What it is in the object.
        local: Kind,
        /// What it is in the kernel.
        kernel: Kind,
    },
    /// A member of another size.
    #[error("member {member} is {local} bytes, the kernel's is {kernel}")]
    Size {
        /// The member.
        member: Name,
        /// Its size in the object, bytes.
        local: u64,
        /// Its size in the kernel, bytes.
        kernel: u64,
    },
    /// A pointer that is neither NULL nor a program.
    #[error("member {member} is a pointer to something that is no program")]
    NotProgram {
        /// The member.
        member: Name,
    },
    /// A program where the kernel does not want a function.
    #[error("member {member} holds a program, the kernel's is no pointer to a function")]
    NotFunction {
        /// The member.
        member: Name,
    },
    /// A program that serves as another member already.
    #[error(
        "member {member}: program {program} is already {used} of the kernel, \
         and a program can be one member of one struct only"
    )]
    Reused {
        /// The member.
        member: Name,
        /// The program.
        program: Name,
        /// What it is, as `tcp_congestion_ops.init`.
        used: String,
    },
    /// A member that lies outside of its struct.
    #[error("member {member} reaches past the end of its struct")]
    Outside {
        /// The member.
        member: Name,
    },
    /// The type of a member cannot be made out.
    #[error("member {member}: type [{id}]: {error}")]
    Type {
        /// The member.
        member: Name,
        /// The type.
        id: TypeId,
        /// What is wrong with it.
        error: BtfError,
    },
}
