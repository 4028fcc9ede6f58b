// SPDX-License-Identifier: MIT OR Apache-2.0
/* The table through libbpf itself: its loading is looked at, and nothing is changed. */
#define _GNU_SOURCE
#include "table.h"
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* libbpf names the relocation in its own errors, and puts it into the verifier's log. */
static const char *const words[] = { "CO-RE relocation", "relo #", "failed to perform CO-RE", NULL };

int __real_bpf_object__load(struct bpf_object *object);
int __wrap_bpf_object__load(struct bpf_object *object);

static int listen_to(enum libbpf_print_level level, const char *format, va_list args)
{
	static char text[1 << 20];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof text, format, args);
	for (const char *const *word = words; *word; word++) {
		const char *found = strstr(text, *word);

		if (found && !outcome.by_relocation) {
			outcome.by_relocation = 1;
			snprintf(outcome.reason, sizeof outcome.reason, "%.*s", (int)strcspn(found, "\n"), found);
		}
	}
	if (!outcome.reason[0])
		snprintf(outcome.reason, sizeof outcome.reason, "%.*s", (int)strcspn(text, "\n"), text);
	return 0;
}

void prepare(void)
{
	libbpf_set_print(listen_to);
}

int __wrap_bpf_object__load(struct bpf_object *object)
{
	int error = __real_bpf_object__load(object);

	outcome.loaded = !error;
	return error;
}
