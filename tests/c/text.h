/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* All that the C ABI says of objects and program sets, as text. */
#ifndef BPFLINK_TEST_TEXT_H
#define BPFLINK_TEST_TEXT_H

#include <bpflink.h>
#include <stddef.h>

struct text {
	char *bytes;
	size_t length;
	size_t room;
};

void text_outcome(struct text *t, const char *call, bpflink_status status, const bpflink_error *error);
void text_object(struct text *t, const bpflink_object *object);
void text_set(struct text *t, const bpflink_object *object, const bpflink_programs *set);
void text_free(struct text *t);

#endif
