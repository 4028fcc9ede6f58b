/* A number for a program's final instructions that every linker must arrive at, whatever the
 * order in which it appends functions and whatever the file descriptors are. The exact
 * comparison, instruction by instruction, is that of peers/compare.
 */
#include <string.h>

#include "runner.h"

enum { LD_IMM64 = 0x18, CALL = 0x85, EXIT = 0x95, JUMP = 0x05, LONG_JUMP = 0x06 };
enum { MAP_FD = 1, MAP_VALUE = 2, BTF_ID = 3, FUNC = 4, CALL_FUNC = 1, CALL_KFUNC = 2 };

static const uint64_t IMM = 0xffffffff00000000;
static const uint64_t OFF = 0x00000000ffff0000;

static uint64_t mixed(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* Without what only a loader fills and without distances between functions. */
static uint64_t comparable(uint64_t insn, uint64_t before)
{
	unsigned source = insn >> 12 & 15, wide_source = before >> 12 & 15;

	if ((before & 255) == LD_IMM64)
		return wide_source == MAP_FD || wide_source == BTF_ID ? insn & ~IMM : insn;
	if ((insn & 255) == LD_IMM64 && (source == MAP_FD || source == MAP_VALUE || source == FUNC))
		return insn & ~IMM;
	if ((insn & 255) == CALL && source == CALL_FUNC)
		return insn & ~IMM;
	if ((insn & 255) == CALL && source == CALL_KFUNC)
		return insn & ~OFF;
	return insn;
}

static bool ends_function(uint64_t insn)
{
	return (insn & 255) == EXIT || (insn & 255) == JUMP || (insn & 255) == LONG_JUMP;
}

void digest_add(struct digest *digest, const void *instructions, size_t count)
{
	uint64_t sum = count, raw_before = 0, before = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t raw, insn;

		memcpy(&raw, (const char *)instructions + 8 * i, 8);
		insn = comparable(raw, raw_before);
		sum += mixed(insn + 1);
		if (!ends_function(before))
			sum += mixed(before * 3 ^ insn);
		before = insn;
		/* The second half of a wide instruction has no opcode of its own. */
		raw_before = (raw_before & 255) == LD_IMM64 ? 0 : raw;
	}
	digest->sum += mixed(sum);
	digest->programs++;
	digest->instructions += count;
}
