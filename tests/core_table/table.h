/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the table asks of either linker besides its bpf_object. */
#ifndef CORE_TABLE_H
#define CORE_TABLE_H

#include <stdbool.h>

/* What became of the object of a case. */
struct outcome {
	int loaded;
	int by_relocation; /* why it was not: its relocations */
	int poisoned;	   /* linked alone: with instructions that call nothing */
	char reason[512];
};
extern struct outcome outcome;

/* Once, before the first case. */
void prepare(void);

/* One case without bpf(2), into `outcome`; NULL for a linker that cannot. */
void link_only(const char *object, const char *btf, bool fails) __attribute__((weak));

#endif
