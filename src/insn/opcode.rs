//! Opcode fields and pseudo registers, by the names of
//! Documentation/bpf/standardization/instruction-set.rst and linux/bpf.h.

/// The class bits of an opcode.
pub const CLASS_MASK: u8 = 0x07;
/// Class: non-standard load.
pub const LD: u8 = 0x00;
/// Class: load into a register.
pub const LDX: u8 = 0x01;
/// Class: store of an immediate.
pub const ST: u8 = 0x02;
/// Class: store of a register, atomics included.
pub const STX: u8 = 0x03;
/// Class: 32-bit arithmetic.
pub const ALU: u8 = 0x04;
/// Class: 64-bit jumps and calls.
pub const JMP: u8 = 0x05;
/// Class: 32-bit jumps.
pub const JMP32: u8 = 0x06;
/// Class: 64-bit arithmetic.
pub const ALU64: u8 = 0x07;

/// The size bits of a load or store.
pub const SIZE_MASK: u8 = 0x18;
/// Size: four bytes.
pub const SIZE_W: u8 = 0x00;
/// Size: two bytes.
pub const SIZE_H: u8 = 0x08;
/// Size: one byte.
pub const SIZE_B: u8 = 0x10;
/// Size: eight bytes.
pub const SIZE_DW: u8 = 0x18;

/// The mode bits of a load or store.
pub const MODE_MASK: u8 = 0xe0;
/// Mode: immediate.
pub const MODE_IMM: u8 = 0x00;
/// Mode: plain memory access.
pub const MODE_MEM: u8 = 0x60;
/// Mode: sign-extending load.
pub const MODE_MEMSX: u8 = 0x80;
/// Mode: atomic operation.
pub const MODE_ATOMIC: u8 = 0xc0;

/// Source bit of an ALU or jump opcode: set for a register, clear for the immediate.
pub const SRC_REG: u8 = 0x08;
/// The operation bits of an ALU or jump opcode.
pub const OP_MASK: u8 = 0xf0;
/// ALU operation: negation.
pub const OP_NEG: u8 = 0x80;
/// ALU operation: byte swap.
pub const OP_END: u8 = 0xd0;
/// Jump operation: unconditional.
pub const OP_JA: u8 = 0x00;
/// Jump operation: call.
pub const OP_CALL: u8 = 0x80;
/// Jump operation: exit.
pub const OP_EXIT: u8 = 0x90;

/// `ld_imm64`: the only instruction of two slots.
pub const LD_IMM64: u8 = LD | MODE_IMM | SIZE_DW;
/// Call by immediate.
pub const CALL: u8 = JMP | OP_CALL;
/// Return from the function.
pub const EXIT: u8 = JMP | OP_EXIT;

/// `src_reg` of an `ld_imm64`: the immediate is a map's fd.
pub const PSEUDO_MAP_FD: u8 = 1;
/// `src_reg` of an `ld_imm64`: a map's fd, and an offset into its first value.
pub const PSEUDO_MAP_VALUE: u8 = 2;
/// `src_reg` of an `ld_imm64`: the BTF type id of a kernel variable, and its module's BTF fd.
pub const PSEUDO_BTF_ID: u8 = 3;
/// `src_reg` of an `ld_imm64`: the distance to a function of the same stream.
pub const PSEUDO_FUNC: u8 = 4;
/// `src_reg` of a call: the distance to a function of the same stream.
pub const PSEUDO_CALL: u8 = 1;
/// `src_reg` of a call: the BTF type id of a kernel function.
pub const PSEUDO_KFUNC_CALL: u8 = 2;
