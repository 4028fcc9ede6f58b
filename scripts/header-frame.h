/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * bpflink: an eBPF linker. Turns a compiled BPF object into exactly what a loader
 * hands to bpf(2): split, flattened, relocated for any kernel, finalized.
 * It never talks to the kernel to link; maps, loading and attaching are the loader's.
 *
 *     bpflink_object *object = NULL;
 *     bpflink_programs *programs = NULL;
 *     bpflink_error *error = NULL;
 *
 *     if (bpflink_object_from_file("probe.bpf.o", NULL, &object, &error) ||
 *         bpflink_link(object, NULL, NULL, &programs, &error))
 *             fprintf(stderr, "%s\n", bpflink_error_message(error));
 *     for (size_t i = 0; i < bpflink_programs_count(programs); i++) {
 *             bpflink_program_info p = { .size = sizeof p };
 *             bpflink_programs_get(programs, i, &p);
 *             printf("%s: %zu instructions\n", p.name, p.insn_count);
 *     }
 *     bpflink_error_free(error);
 *     bpflink_programs_free(programs);
 *     bpflink_object_free(object);
 *
 * Rules that hold everywhere:
 *
 * - A function that can fail returns 0 (BPFLINK_OK) or a positive BPFLINK_E_* code. Its
 *   last argument, where it has one, takes an error object with the whole cause: NULL if
 *   you do not want it. Only a failure writes to it, and you free it.
 * - Each handle has one _free, for which NULL is a no-op. What a handle was made of is
 *   held by counting references inside: free in any order.
 * - Inputs are borrowed for the call. Outputs (strings, arrays) are borrowed from the
 *   handle that gave them, until it is freed or changed; never free(3) them.
 * - Structs begin with their size: set it to sizeof before the call. Fields that an older
 *   library does not know must be zero; what a newer one adds, you do not see.
 * - Objects, BTF, targets and errors are immutable, and threads may share them. A program
 *   set is for one thread at a time.
 * - Every pointer is checked for NULL. Beyond that a pointer must be what its type says.
 */
#ifndef BPFLINK_H
#define BPFLINK_H

#include <stddef.h>
#include <stdint.h>

/* struct bpf_insn is linux/bpf.h's. */
struct bpf_insn;

#if defined(__GNUC__) || defined(__clang__)
#define BPFLINK_MUST_USE __attribute__((warn_unused_result))
#else
#define BPFLINK_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif
@PARTS@
#ifdef __cplusplus
}
#endif

#endif /* BPFLINK_H */
