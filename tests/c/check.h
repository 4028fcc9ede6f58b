/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A check is one line that holds or does not; each program counts its own. */
#ifndef BPFLINK_TEST_CHECK_H
#define BPFLINK_TEST_CHECK_H

#include <bpflink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_passed;
static int check_failed;

static inline void check_count(int holds, const char *what, const char *file, int line)
{
	if (holds) {
		check_passed++;
		return;
	}
	check_failed++;
	fprintf(stderr, "%s:%d: FAILED: %s\n", file, line, what);
}

#define CHECK(condition) check_count(!!(condition), #condition, __FILE__, __LINE__)

/* A status, and on surprise the library's own words. */
static inline void check_status(bpflink_status got, bpflink_status wanted, bpflink_error **error,
				const char *what, const char *file, int line)
{
	check_count(got == wanted, what, file, line);
	if (got != wanted)
		fprintf(stderr, "    status %u, wanted %u: %s\n", got, wanted,
			error ? bpflink_error_message(*error) : "");
	if (error) {
		bpflink_error_free(*error);
		*error = NULL;
	}
}

#define CHECK_OK(call) check_status(call, BPFLINK_OK, &error, #call, __FILE__, __LINE__)
#define CHECK_FAILS(call, status) check_status(call, status, &error, #call, __FILE__, __LINE__)

/* Prints the counts for run.sh; the exit status of main. */
static inline int check_done(void)
{
	printf("%d %d\n", check_passed, check_failed);
	return check_failed != 0;
}

/* A whole file; its size goes to `size`. NULL where it cannot be read. */
static inline unsigned char *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	unsigned char *bytes = NULL;
	long end = -1;

	*size = 0;
	if (!file)
		return NULL;
	if (!fseek(file, 0, SEEK_END))
		end = ftell(file);
	if (end >= 0 && !fseek(file, 0, SEEK_SET))
		bytes = (unsigned char *)malloc((size_t)end + 1);
	if (bytes) {
		*size = fread(bytes, 1, (size_t)end, file);
		bytes[*size] = 0;
	}
	fclose(file);
	return bytes;
}

#endif
