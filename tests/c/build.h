/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Instructions and streams that tests put together by hand. */
#ifndef BPFLINK_TEST_BUILD_H
#define BPFLINK_TEST_BUILD_H

#include <bpflink.h>
#include <linux/bpf.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static inline struct bpf_insn insn(int code, int dst, int src, int off, int imm)
{
	struct bpf_insn i;

	memset(&i, 0, sizeof i);
	i.code = (__u8)code;
	i.dst_reg = (__u8)(dst & 15);
	i.src_reg = (__u8)(src & 15);
	i.off = (__s16)off;
	i.imm = imm;
	return i;
}

static inline struct bpf_insn mov(int dst, int imm)
{
	return insn(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static inline struct bpf_insn call_function(int imm)
{
	return insn(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, imm);
}

static inline struct bpf_insn leave(void)
{
	return insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* The first of the two slots of a 64-bit load; the second is all zeros but its imm. */
static inline struct bpf_insn load64(int dst)
{
	return insn(BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, 0);
}

static inline struct bpf_insn second_slot(int imm)
{
	return insn(0, 0, 0, 0, imm);
}

static inline bpflink_stream_symbol symbol(const char *name, uint32_t first, uint64_t flags)
{
	bpflink_stream_symbol s;

	memset(&s, 0, sizeof s);
	s.name = name;
	s.insn = first;
	s.flags = flags;
	return s;
}

static inline bpflink_stream_reference reference(const char *name, uint32_t at, int64_t addend)
{
	bpflink_stream_reference r;

	memset(&r, 0, sizeof r);
	r.name = name;
	r.insn = at;
	r.addend = addend;
	return r;
}

static inline bpflink_stream new_stream(const struct bpf_insn *insns, size_t count,
					const bpflink_stream_symbol *symbols, size_t symbol_count)
{
	bpflink_stream s;

	memset(&s, 0, sizeof s);
	s.size = sizeof s;
	s.section = "socket";
	s.license = "GPL";
	s.insns = insns;
	s.insn_count = count;
	s.symbols = symbols;
	s.symbol_count = symbol_count;
	return s;
}

#endif
