/* bpflink by its C ABI, measured. NULL as target is the running kernel, as any loader would
 * pass it; what it must ask of the kernel, it asks.
 */
#include <bpflink.h>
#include <stdio.h>
#include <string.h>

#include "runner.h"

static bpflink_target *target;

static int described(const char *path, bpflink_target **out)
{
	bpflink_target_options options = { .size = sizeof(options) };
	bpflink_btf *btf = NULL;
	int status = bpflink_btf_from_file(path, NULL, &btf, NULL);

	options.vmlinux = btf;
	if (!status)
		status = bpflink_target_new(&options, out, NULL);
	bpflink_btf_free(btf);
	return status;
}

void target_set(const char *btf, bool keep)
{
	if (btf && described(btf, &target))
		fprintf(stderr, "%s: no BTF\n", btf);
}

static void digest_set(const bpflink_programs *programs, struct digest *digest)
{
	for (size_t i = 0; i < bpflink_programs_count(programs); i++) {
		bpflink_program_info program = { .size = sizeof(program) };

		bpflink_programs_get(programs, i, &program);
		if (program.flags & BPFLINK_PROGRAM_FINALIZED)
			digest_add(digest, program.insns, program.insn_count);
		else
			digest->failed++;
	}
}

static int linked(const struct input *input, const bpflink_target *kernel, struct digest *digest)
{
	bpflink_object *object = NULL;
	bpflink_programs *programs = NULL;
	int status = input->bytes ?
		bpflink_object_from_memory(input->bytes, input->size, NULL, &object, NULL) :
		bpflink_object_from_file(input->path, NULL, &object, NULL);

	if (!status)
		status = bpflink_link(object, kernel, NULL, &programs, NULL);
	if (programs && digest)
		digest_set(programs, digest);
	memory_told();
	bpflink_programs_free(programs);
	bpflink_object_free(object);
	return status;
}

int link_object(const struct input *input, struct digest *digest)
{
	return linked(input, target, digest);
}

int link_for(const struct input *input, const char *btf, struct digest *digest)
{
	bpflink_target *kernel = NULL;
	int status = 0;

	if (strcmp(btf, RUNNING_KERNEL))
		status = described(btf, &kernel);
	else
		bpflink_btf_kernel_flush();
	if (!status)
		status = linked(input, kernel, digest);
	bpflink_target_free(kernel);
	return status;
}
