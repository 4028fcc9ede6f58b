// SPDX-License-Identifier: MIT OR Apache-2.0
/* The ten lines of the README: cc first.c $(pkg-config --cflags --libs bpflink) */
#include <bpflink.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	bpflink_object *object = NULL;
	bpflink_programs *programs = NULL;
	bpflink_error *error = NULL;

	if (bpflink_object_from_file(argc > 1 ? argv[1] : "probe.bpf.o", NULL, &object, &error) ||
	    bpflink_link(object, NULL, NULL, &programs, &error))
		fprintf(stderr, "%s\n", bpflink_error_message(error));
	for (size_t i = 0; i < bpflink_programs_count(programs); i++) {
		bpflink_program_info p = { .size = sizeof p };
		bpflink_programs_get(programs, i, &p);
		printf("%s: %zu instructions, ready for bpf(2)\n", p.name, p.insn_count);
	}
	bpflink_error_free(error);
	bpflink_programs_free(programs);
	bpflink_object_free(object);
}
