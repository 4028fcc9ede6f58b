// SPDX-License-Identifier: MIT OR Apache-2.0
/* What a refused program lacks, by name. bpflink makes what the kernel does not have a call
 * that no kernel accepts; the verifier knows only its number. */
#include "loader.h"
#include <stdlib.h>
#include <string.h>

#define POISON "(85) call unknown#195896080"

/* The instruction that the verifier came to last, of those that are poisoned; or -1. */
static long poisoned_instruction(const char *log)
{
	const char *found = NULL;

	for (const char *at = log; (at = strstr(at, POISON)); at++)
		found = at;
	if (!found)
		return -1;
	/* The line begins with the number: `12: (85) call …`. */
	while (found > log && found[-1] != '\n')
		found--;
	return strtol(found, NULL, 10);
}

static int explain_relocation(struct loader *l, size_t index, long insn, struct program *p)
{
	size_t count = bpflink_program_relocation_count(l->linked, index);

	for (size_t n = 0; n < count; n++) {
		bpflink_relocation_info r = { .size = sizeof r };

		if (bpflink_program_relocation(l->linked, index, n, &r) ||
		    r.outcome != BPFLINK_OUTCOME_POISONED || r.insn != insn)
			continue;
		snprintf(p->reason, sizeof p->reason, "instruction %ld needs %.100s: %.100s", insn, r.local,
			 r.reason ? r.reason : "this kernel does not have it");
		return 1;
	}
	return 0;
}

static void explain_function(struct loader *l, size_t index, long insn, struct program *p)
{
	size_t count = bpflink_program_reference_count(l->linked, index);

	for (size_t n = 0; n < count; n++) {
		bpflink_reference_info r = { .size = sizeof r };

		if (!bpflink_program_reference(l->linked, index, n, &r) && r.insn == insn)
			snprintf(p->reason, sizeof p->reason,
				 "instruction %ld calls %.150s: this kernel has no such function", insn, r.name);
	}
}

void explain_poison(struct loader *l, size_t index)
{
	struct program *p = &l->programs[index];
	long insn = p->log ? poisoned_instruction(p->log) : -1;

	/* A program may be refused for something else behind a poisoned path not taken. */
	if (insn < 0 || !strstr(p->reason, "unknown#195896080"))
		return;
	if (!explain_relocation(l, index, insn, p))
		explain_function(l, index, insn, p);
}
