/* What the measured C programs share: bpflink.c and libbpf.c link, runner.c drives them.
 *
 *   PROGRAM cold OBJ [BTF]     one link in a process of its own
 *   PROGRAM memory OBJ [BTF]   the same, and what the process held at the most
 *   PROGRAM serve [BTF]        a process that keeps the kernel's BTF and links on request:
 *     digest OBJ               what was computed
 *     link TIMES OBJ...        every object, as bytes in memory, so many times
 *     threads N TIMES OBJ...   the same in N threads over one BTF
 *     kernels OBJ BTF...       one object for each BTF, which is parsed anew
 *
 * Without BTF the kernel is the running one.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNNING_KERNEL "/sys/kernel/btf/vmlinux"

/* An object file; `bytes` is NULL where it is to be read by name. */
struct input {
	const char *path;
	void *bytes;
	size_t size;
};

/* What a link computed, in a form that does not depend on the order of functions. */
struct digest {
	uint64_t sum;
	unsigned long programs, instructions, failed;
};

/* Adds one program's final instructions, eight bytes each. */
void digest_add(struct digest *digest, const void *instructions, size_t count);

/* Tells the memory of this process, once: called where it is at its most. */
void memory_told(void);

/* --- by the linker that is measured; `digest` may be NULL */

/* The kernel to link for from here on: NULL is the running one. `keep` says that it stays
 * parsed from one link to the next, as far as the library can do that. */
void target_set(const char *btf, bool keep);
/* Links for a kernel's BTF that is read for this link alone. */
int link_for(const struct input *input, const char *btf, struct digest *digest);
int link_object(const struct input *input, struct digest *digest);

#endif
