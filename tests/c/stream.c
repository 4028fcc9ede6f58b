/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Streams that never were an ELF file, through every stage, and the answer of
 * each stage to input that it cannot serve.
 */
#include "build.h"
#include "check.h"

static bpflink_program_info program(const bpflink_programs *set, const char *name)
{
	bpflink_program_info p;
	size_t index = 0;

	memset(&p, 0, sizeof p);
	p.size = sizeof p;
	CHECK(!bpflink_programs_find(set, name, &index));
	CHECK(!bpflink_programs_get(set, index, &p));
	return p;
}

static bpflink_object *made(const bpflink_stream *stream)
{
	bpflink_object *object = NULL;
	bpflink_object_options options;
	bpflink_error *error = NULL;

	memset(&options, 0, sizeof options);
	options.size = sizeof options;
	options.name = "by hand";
	CHECK_OK(bpflink_object_from_insns(stream, &options, &object, &error));
	return object;
}

/* A kernel that has no types at all: nothing of this machine plays a part. */
static bpflink_target *no_kernel(void)
{
	bpflink_target_options options;
	bpflink_target *target = NULL;
	bpflink_error *error = NULL;

	memset(&options, 0, sizeof options);
	options.size = sizeof options;
	CHECK_OK(bpflink_target_new(&options, &target, &error));
	return target;
}

/* entry: call second; load map; exit.  first: exit.  second: call first; exit. */
struct fixture {
	struct bpf_insn insns[7];
	bpflink_stream_symbol symbols[3];
	bpflink_stream_reference references[3];
	const char *maps[2];
	bpflink_stream stream;
};

static void fill(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	f->insns[0] = call_function(-1);
	f->insns[1] = load64(1);
	f->insns[2] = second_slot(0);
	f->insns[3] = leave();
	f->insns[4] = leave();
	f->insns[5] = call_function(-1);
	f->insns[6] = leave();
	f->symbols[0] = symbol("entry", 0, BPFLINK_SYMBOL_ENTRY);
	f->symbols[1] = symbol("first", 4, BPFLINK_SYMBOL_STATIC);
	f->symbols[2] = symbol("second", 5, 0);
	f->references[0] = reference("second", 0, 0);
	f->references[1] = reference("counts", 1, 0);
	f->references[2] = reference("first", 5, 0);
	f->maps[0] = "other";
	f->maps[1] = "counts";
	f->stream = new_stream(f->insns, COUNT(f->insns), f->symbols, COUNT(f->symbols));
	f->stream.references = f->references;
	f->stream.reference_count = COUNT(f->references);
	f->stream.maps = f->maps;
	f->stream.map_count = COUNT(f->maps);
}

static void stage_by_stage(void)
{
	struct fixture f;
	bpflink_target *target = no_kernel();
	bpflink_programs *set = NULL;
	bpflink_error *error = NULL;
	bpflink_program_info p;
	bpflink_object *object;
	int answer = -1;

	fill(&f);
	object = made(&f.stream);
	memset(&f, 0x5a, sizeof f); /* all of it was borrowed for the call alone */
	CHECK_OK(bpflink_split(object, NULL, &set, &error));
	CHECK(bpflink_programs_count(set) == 1);
	p = program(set, "entry");
	CHECK(p.insn_count == 4 && p.type == BPF_PROG_TYPE_SOCKET_FILTER && !strcmp(p.license, "GPL"));
	CHECK(!(p.flags & BPFLINK_PROGRAM_FINALIZED));
	CHECK(!bpflink_has_function_references(set, 0, &answer) && answer == 1);
	CHECK_OK(bpflink_flatten(set, NULL, &error));
	p = program(set, "entry");
	CHECK(p.insn_count == 7 && bpflink_program_function_count(set, 0) == 3);
	CHECK_OK(bpflink_relocate(set, target, NULL, &error));
	CHECK_OK(bpflink_programs_set_map_fd(set, "counts", 42, &error));
	CHECK_OK(bpflink_finalize(set, target, NULL, &error));
	p = program(set, "entry");
	CHECK(p.flags & BPFLINK_PROGRAM_FINALIZED);
	CHECK(p.insns[0].imm == 3);  /* second follows the entry: 4 - 0 - 1 */
	CHECK(p.insns[4].imm == 1);  /* first follows second: 6 - 4 - 1 */
	CHECK(p.insns[1].imm == 42 && p.insns[1].src_reg == BPF_PSEUDO_MAP_FD);
	bpflink_object_free(object);
	bpflink_target_free(target);
	bpflink_programs_free(set);
}

/* The program's error, its status in the info, and the call's are one. */
static void fails_with(bpflink_programs *set, bpflink_status status, bpflink_status wanted,
		       bpflink_error *error, const char *says)
{
	const bpflink_error *own = bpflink_program_error(set, 0);
	bpflink_program_info p = program(set, "entry");

	CHECK(status == wanted && p.status == wanted && bpflink_error_status(own) == wanted);
	CHECK(p.flags & BPFLINK_PROGRAM_FAILED);
	CHECK(!(p.flags & BPFLINK_PROGRAM_FINALIZED));
	CHECK(!strcmp(bpflink_error_message(error), bpflink_error_message(own)));
	CHECK(strstr(bpflink_error_message(error), says) != NULL);
	if (!strstr(bpflink_error_message(error), says))
		fprintf(stderr, "    \"%s\" does not say %s\n", bpflink_error_message(error), says);
	bpflink_error_free(error);
}

static void unsatisfied_map(void)
{
	struct fixture f;
	bpflink_target *target = no_kernel();
	bpflink_programs *set = NULL;
	bpflink_error *error = NULL;
	bpflink_link_options options;
	bpflink_reference_info r;
	bpflink_site site;
	bpflink_object *object;
	bpflink_status status;

	memset(&site, 0, sizeof site);
	memset(&options, 0, sizeof options);
	memset(&r, 0, sizeof r);
	site.size = sizeof site;
	options.size = sizeof options;
	r.size = sizeof r;
	fill(&f);
	object = made(&f.stream);
	CHECK_OK(bpflink_split(object, NULL, &set, &error));
	CHECK_OK(bpflink_flatten(set, NULL, &error));
	CHECK_FAILS(bpflink_programs_set_map_fd(set, "counts", -1, &error), BPFLINK_E_INVALID_ARGUMENT);
	status = bpflink_finalize(set, target, NULL, &error);
	CHECK(!bpflink_error_site(error, &site));
	CHECK(!strcmp(site.object, "by hand") && !strcmp(site.program, "entry"));
	CHECK(site.insn == 1);
	fails_with(set, status, BPFLINK_E_UNRESOLVED, error, "counts");
	bpflink_programs_free(set);
	error = NULL;
	/* Or it is left to the loader, and stays listed. */
	CHECK_OK(bpflink_split(object, NULL, &set, &error));
	CHECK_OK(bpflink_flatten(set, NULL, &error));
	options.flags = BPFLINK_LEAVE_MAP_REFERENCES;
	CHECK_OK(bpflink_finalize(set, target, &options, &error));
	CHECK(bpflink_program_reference_count(set, 0) == 1);
	CHECK(!bpflink_program_reference(set, 0, 0, &r));
	CHECK(r.insn == 1 && r.kind == BPFLINK_REF_MAP_FD && !r.resolved && r.map == 1);
	CHECK(!strcmp(r.name, "counts") && !strcmp(r.module, ""));
	bpflink_programs_free(set);
	bpflink_object_free(object);
	bpflink_target_free(target);
}

/* A symbol that nobody defines. */
static void unknown_symbol(void)
{
	struct fixture f;
	bpflink_target *target = no_kernel();
	bpflink_programs *set = NULL;
	bpflink_error *error = NULL;
	bpflink_object *object;
	bpflink_status status;

	fill(&f);
	f.references[0].name = "nobody";
	object = made(&f.stream);
	CHECK(bpflink_object_extern_count(object) == 1);
	status = bpflink_link(object, target, NULL, &set, &error);
	CHECK(set != NULL);
	fails_with(set, status, BPFLINK_E_UNRESOLVED, error, "nobody");
	bpflink_programs_free(set);
	bpflink_object_free(object);
	bpflink_target_free(target);
}

/* What a caller's tables can get wrong; each error names it. */
static void refused(const bpflink_stream *stream, const char *says)
{
	bpflink_object *object = NULL;
	bpflink_programs *set = NULL;
	bpflink_error *error = NULL;
	bpflink_status status = bpflink_object_from_insns(stream, NULL, &object, &error);

	if (!status)
		status = bpflink_split(object, NULL, &set, &error);
	CHECK(status != BPFLINK_OK && status != BPFLINK_E_INTERNAL && set == NULL);
	CHECK(strstr(bpflink_error_message(error), says) != NULL);
	if (!strstr(bpflink_error_message(error), says))
		fprintf(stderr, "    \"%s\" does not say %s\n", bpflink_error_message(error), says);
	bpflink_error_free(error);
	bpflink_programs_free(set);
	bpflink_object_free(object);
}

static void bad_tables(void)
{
	struct fixture f;

	fill(&f);
	f.symbols[0].insn = 1;
	refused(&f.stream, "entry");
	fill(&f);
	f.symbols[1].flags = 0;
	f.symbols[2].name = "first"; /* twice, and neither is static */
	refused(&f.stream, "first");
	fill(&f);
	f.symbols[1].insn = 70;
	refused(&f.stream, "70");
	fill(&f);
	f.symbols[1].insn_count = UINT32_MAX;
	refused(&f.stream, "first");
	fill(&f);
	f.symbols[1].name = NULL;
	refused(&f.stream, "NULL");
	fill(&f);
	f.symbols[1].flags = (uint64_t)1 << 40;
	refused(&f.stream, "flags");
	fill(&f);
	f.references[1].insn = 7;
	refused(&f.stream, "7");
	fill(&f);
	f.references[1].insn = UINT32_MAX;
	refused(&f.stream, "4294967295");
	fill(&f);
	f.references[1].flags = 1;
	refused(&f.stream, "flags");
	fill(&f);
	f.stream.byte_order = 2;
	refused(&f.stream, "byte order");
}

/* The bytes of the other byte order come out in that order. */
static void big_endian(void)
{
	unsigned char bytes[2][8] = { { 0xb7, 0x20, 0, 0, 0x12, 0x34, 0x56, 0x78 }, { 0x95, 0, 0, 0, 0, 0, 0, 0 } };
	struct bpf_insn insns[2];
	bpflink_stream_symbol only = symbol("entry", 0, BPFLINK_SYMBOL_ENTRY);
	bpflink_stream stream = new_stream(insns, 2, &only, 1);
	bpflink_target *target = no_kernel();
	bpflink_programs *set = NULL;
	bpflink_error *error = NULL;
	bpflink_object *object;
	bpflink_program_info p;

	memcpy(insns, bytes, sizeof bytes);
	stream.byte_order = BPFLINK_BIG_ENDIAN;
	object = made(&stream);
	CHECK_OK(bpflink_link(object, target, NULL, &set, &error));
	p = program(set, "entry");
	CHECK(p.insn_count == 2 && !memcmp(p.insns, bytes, sizeof bytes));
	bpflink_programs_free(set);
	bpflink_object_free(object);
	bpflink_target_free(target);
}

static void stages_twice(void)
{
	struct fixture f;
	bpflink_target *target = no_kernel();
	bpflink_programs *set = NULL;
	bpflink_error *error = NULL;
	bpflink_object *object;
	bpflink_link_options options;
	const char *names[1] = { "nobody" };

	memset(&options, 0, sizeof options);
	options.size = sizeof options;
	fill(&f);
	object = made(&f.stream);
	CHECK_OK(bpflink_link(object, target, NULL, &set, &error));
	CHECK_FAILS(bpflink_relocate(set, target, NULL, &error), BPFLINK_E_INVALID_STATE);
	CHECK_FAILS(bpflink_finalize(set, target, NULL, &error), BPFLINK_E_INVALID_STATE);
	/* The set is as it was: an error of order is no error of a program. */
	CHECK(program(set, "entry").flags & BPFLINK_PROGRAM_FINALIZED);
	CHECK(bpflink_program_error(set, 0) == NULL);
	options.programs = names;
	options.program_count = 1;
	bpflink_programs_free(set);
	CHECK_FAILS(bpflink_link(object, target, &options, &set, &error), BPFLINK_E_NOT_FOUND);
	CHECK(set == NULL);
	bpflink_object_free(object);
	bpflink_target_free(target);
}

int main(void)
{
	stage_by_stage();
	unsatisfied_map();
	unknown_symbol();
	bad_tables();
	big_endian();
	stages_twice();
	return check_done();
}
