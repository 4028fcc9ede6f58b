/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* NULL for every pointer of every function: an error or a default, never a crash. */
#include "check.h"

static bpflink_object *object;
static bpflink_programs *set;
static bpflink_btf *btf;

#define INVALID BPFLINK_E_INVALID_ARGUMENT

static void free_nothing(void)
{
	bpflink_error_free(NULL);
	bpflink_object_free(NULL);
	bpflink_btf_free(NULL);
	bpflink_target_free(NULL);
	bpflink_programs_free(NULL);
	CHECK(1);
}

static void null_errors(void)
{
	bpflink_site site;

	memset(&site, 0, sizeof site);
	site.size = sizeof site;
	CHECK(!strcmp(bpflink_error_message(NULL), ""));
	CHECK(bpflink_error_status(NULL) == BPFLINK_OK);
	CHECK(bpflink_error_errno(NULL) == 0);
	CHECK(bpflink_error_site(NULL, &site) == INVALID);
	CHECK(bpflink_error_site(NULL, NULL) == INVALID);
}

static void null_objects(const char *path)
{
	bpflink_error *error = NULL;
	bpflink_object *out = object;
	bpflink_stream stream;

	memset(&stream, 0, sizeof stream);
	stream.size = sizeof stream;
	CHECK_FAILS(bpflink_object_from_file(NULL, NULL, &out, &error), INVALID);
	CHECK(out == NULL); /* a failure leaves no old pointer behind */
	CHECK_FAILS(bpflink_object_from_file(path, NULL, NULL, &error), INVALID);
	CHECK(bpflink_object_from_file(NULL, NULL, NULL, NULL) == INVALID);
	CHECK_FAILS(bpflink_object_from_memory(NULL, 1, NULL, &out, &error), INVALID);
	CHECK_FAILS(bpflink_object_from_memory(NULL, 0, NULL, &out, &error), BPFLINK_E_ELF);
	CHECK_FAILS(bpflink_object_from_memory("x", 1, NULL, NULL, &error), INVALID);
	CHECK_FAILS(bpflink_object_from_memory("x", (size_t)-1, NULL, &out, &error), INVALID);
	CHECK(bpflink_object_from_memory("x", 1, NULL, &out, NULL) == BPFLINK_E_ELF);
	CHECK_FAILS(bpflink_object_from_insns(NULL, NULL, &out, &error), INVALID);
	CHECK_FAILS(bpflink_object_from_insns(&stream, NULL, NULL, &error), INVALID);
	stream.insn_count = 1;
	CHECK_FAILS(bpflink_object_from_insns(&stream, NULL, &out, &error), INVALID);
	stream.insn_count = 0;
	stream.symbol_count = 1;
	CHECK_FAILS(bpflink_object_from_insns(&stream, NULL, &out, &error), INVALID);
}

static void null_object_accessors(void)
{
	bpflink_object_info info;
	bpflink_extern_info symbol;
	bpflink_map_info map;
	bpflink_map_entry entry;

	memset(&info, 0, sizeof info);
	memset(&symbol, 0, sizeof symbol);
	memset(&map, 0, sizeof map);
	memset(&entry, 0, sizeof entry);
	info.size = sizeof info;
	symbol.size = sizeof symbol;
	map.size = sizeof map;
	entry.size = sizeof entry;
	CHECK(bpflink_object_get(NULL, &info) == INVALID);
	CHECK(bpflink_object_get(object, NULL) == INVALID);
	CHECK(bpflink_object_extern_count(NULL) == 0);
	CHECK(bpflink_object_extern(NULL, 0, &symbol) == INVALID);
	CHECK(bpflink_object_extern(object, 0, NULL) == INVALID);
	CHECK(bpflink_object_map_count(NULL) == 0);
	CHECK(bpflink_object_map(NULL, 0, &map) == INVALID);
	CHECK(bpflink_object_map(object, 0, NULL) == INVALID);
	CHECK(bpflink_object_map_inner(NULL, 0, &map) == INVALID);
	CHECK(bpflink_object_map_inner(object, 0, NULL) == INVALID);
	CHECK(bpflink_object_map_entry_count(NULL, 0) == 0);
	CHECK(bpflink_object_map_entry(NULL, 0, 0, &entry) == INVALID);
	CHECK(bpflink_object_map_entry(object, 0, 0, NULL) == INVALID);
}

/* Numbers past the end are NOT_FOUND, or the default of what counts. */
static void past_the_end(void)
{
	const size_t far[] = { 1000, (size_t)-1 };
	size_t i;

	for (i = 0; i < 2; i++) {
		bpflink_map_info map;
		bpflink_program_info program;
		bpflink_attach_info attach;
		bpflink_struct_ops_info variable;
		bpflink_struct_ops_member member;
		int answer = 7;

		memset(&map, 0, sizeof map);
		memset(&program, 0, sizeof program);
		memset(&attach, 0, sizeof attach);
		memset(&variable, 0, sizeof variable);
		memset(&member, 0, sizeof member);
		attach.size = sizeof attach;
		variable.size = sizeof variable;
		member.size = sizeof member;
		map.size = sizeof map;
		program.size = sizeof program;
		CHECK(bpflink_object_map(object, far[i], &map) == BPFLINK_E_NOT_FOUND);
		CHECK(bpflink_object_map_inner(object, far[i], &map) == BPFLINK_E_NOT_FOUND);
		CHECK(bpflink_object_map_entry_count(object, far[i]) == 0);
		CHECK(bpflink_programs_get(set, far[i], &program) == BPFLINK_E_NOT_FOUND);
		CHECK(bpflink_program_error(set, far[i]) == NULL);
		CHECK(bpflink_program_attach(set, far[i], &attach) == BPFLINK_E_NOT_FOUND);
		CHECK(bpflink_programs_struct_ops(set, far[i], &variable) == BPFLINK_E_NOT_FOUND);
		CHECK(bpflink_programs_struct_ops_error(set, far[i]) == NULL);
		CHECK(bpflink_programs_struct_ops_member(set, far[i], 0, &member) == BPFLINK_E_NOT_FOUND);
		CHECK(bpflink_program_function_count(set, far[i]) == 0);
		CHECK(bpflink_program_reference_count(set, far[i]) == 0);
		CHECK(bpflink_program_jump_table_count(set, far[i]) == 0);
		CHECK(bpflink_programs_map_contents_offset(set, far[i]) == 0);
		CHECK(bpflink_program_relocation_count(set, far[i]) == 0);
		CHECK(bpflink_has_function_references(set, far[i], &answer) == BPFLINK_E_NOT_FOUND);
		CHECK(answer == 7);
		CHECK(bpflink_programs_warning(set, far[i]) == NULL);
	}
}

static void null_btf_and_targets(const char *path)
{
	bpflink_error *error = NULL;
	bpflink_btf *out = NULL;
	bpflink_btf *modules[1] = { NULL };
	bpflink_target *target = NULL;
	bpflink_target_options options;
	size_t size = 7;

	memset(&options, 0, sizeof options);
	options.size = sizeof options;
	CHECK_FAILS(bpflink_btf_from_file(NULL, NULL, &out, &error), INVALID);
	CHECK_FAILS(bpflink_btf_from_file(path, NULL, NULL, &error), INVALID);
	CHECK_FAILS(bpflink_btf_from_memory(NULL, 1, NULL, NULL, &out, &error), INVALID);
	CHECK_FAILS(bpflink_btf_from_memory("x", 1, NULL, NULL, NULL, &error), INVALID);
	CHECK_FAILS(bpflink_btf_from_memory("x", 1, NULL, NULL, &out, &error), BPFLINK_E_BTF);
	CHECK_FAILS(bpflink_btf_relocate(NULL, btf, &out, &error), INVALID);
	CHECK_FAILS(bpflink_btf_relocate(btf, NULL, &out, &error), INVALID);
	CHECK_FAILS(bpflink_btf_relocate(btf, btf, NULL, &error), INVALID);
	CHECK_FAILS(bpflink_btf_relocate(btf, btf, &out, &error), BPFLINK_E_BTF); /* no split BTF */
	CHECK_FAILS(bpflink_btf_kernel(NULL, &error), INVALID);
	CHECK(bpflink_btf_type_count(NULL) == 0);
	CHECK(bpflink_btf_data(NULL, &size) == NULL && size == 0);
	CHECK(bpflink_btf_data(NULL, NULL) == NULL);
	CHECK(bpflink_btf_data(btf, NULL) != NULL);
	CHECK_FAILS(bpflink_target_new(NULL, &target, &error), INVALID);
	CHECK_FAILS(bpflink_target_new(&options, NULL, &error), INVALID);
	options.module_count = 1;
	CHECK_FAILS(bpflink_target_new(&options, &target, &error), INVALID);
	options.modules = modules;
	CHECK_FAILS(bpflink_target_new(&options, &target, &error), INVALID);
}

static void null_stages(void)
{
	bpflink_error *error = NULL;
	bpflink_programs *out = set;
	const char *names[1] = { NULL };
	bpflink_link_options options;

	memset(&options, 0, sizeof options);
	options.size = sizeof options;
	CHECK_FAILS(bpflink_split(NULL, NULL, &out, &error), INVALID);
	CHECK(out == NULL);
	CHECK_FAILS(bpflink_split(object, NULL, NULL, &error), INVALID);
	CHECK_FAILS(bpflink_flatten(NULL, NULL, &error), INVALID);
	CHECK_FAILS(bpflink_relocate(NULL, NULL, NULL, &error), INVALID);
	CHECK_FAILS(bpflink_finalize(NULL, NULL, NULL, &error), INVALID);
	CHECK_FAILS(bpflink_link(NULL, NULL, NULL, &out, &error), INVALID);
	CHECK_FAILS(bpflink_link(object, NULL, NULL, NULL, &error), INVALID);
	options.program_count = 1;
	CHECK_FAILS(bpflink_split(object, &options, &out, &error), INVALID);
	options.programs = names;
	CHECK_FAILS(bpflink_split(object, &options, &out, &error), INVALID);
	CHECK(bpflink_flatten(NULL, NULL, NULL) == INVALID);
}

static void null_set_accessors(void)
{
	bpflink_error *error = NULL;
	bpflink_program_info program;
	bpflink_function_info function;
	bpflink_reference_info reference;
	bpflink_relocation_info relocation;
	bpflink_attach_info attach;
	bpflink_struct_ops_info variable;
	bpflink_struct_ops_member member;
	bpflink_jump_table_info table;
	size_t size = 7;
	int answer;

	memset(&program, 0, sizeof program);
	memset(&function, 0, sizeof function);
	memset(&reference, 0, sizeof reference);
	memset(&relocation, 0, sizeof relocation);
	memset(&attach, 0, sizeof attach);
	memset(&variable, 0, sizeof variable);
	memset(&member, 0, sizeof member);
	attach.size = sizeof attach;
	variable.size = sizeof variable;
	member.size = sizeof member;
	memset(&table, 0, sizeof table);
	table.size = sizeof table;
	program.size = sizeof program;
	function.size = sizeof function;
	reference.size = sizeof reference;
	relocation.size = sizeof relocation;
	CHECK(bpflink_programs_count(NULL) == 0);
	CHECK(bpflink_programs_find(NULL, "x", &size) == INVALID ||
	      bpflink_programs_find(NULL, "x", &size) == BPFLINK_E_NOT_FOUND);
	CHECK(bpflink_programs_find(set, NULL, &size) == INVALID);
	CHECK(bpflink_programs_find(set, "no such program", &size) == BPFLINK_E_NOT_FOUND);
	CHECK(bpflink_programs_find(set, "no such program", NULL) == BPFLINK_E_NOT_FOUND);
	CHECK_FAILS(bpflink_programs_set_map_fd(NULL, "x", 3, &error), INVALID);
	CHECK_FAILS(bpflink_programs_set_map_fd(set, NULL, 3, &error), INVALID);
	CHECK_FAILS(bpflink_programs_set_map_fd(set, "no such map", 3, &error), BPFLINK_E_NOT_FOUND);
	CHECK(bpflink_programs_btf(NULL, &size) == NULL && size == 0);
	CHECK(bpflink_programs_btf(NULL, NULL) == NULL);
	CHECK(bpflink_programs_map_contents_offset(NULL, 0) == 0);
	CHECK(bpflink_programs_map_contents_offset(set, 0) == 0);
	CHECK(bpflink_programs_warning_count(NULL) == 0);
	CHECK(bpflink_programs_warning(NULL, 0) == NULL);
	CHECK(bpflink_programs_get(NULL, 0, &program) == INVALID);
	CHECK(bpflink_programs_get(set, 0, NULL) == INVALID);
	CHECK(bpflink_program_error(NULL, 0) == NULL);
	CHECK(bpflink_has_function_references(NULL, 0, &answer) == INVALID);
	CHECK(bpflink_has_function_references(set, 0, NULL) == INVALID);
	CHECK(bpflink_program_function_count(NULL, 0) == 0);
	CHECK(bpflink_program_function(NULL, 0, 0, &function) == INVALID);
	CHECK(bpflink_program_function(set, 0, 0, NULL) == INVALID);
	CHECK(bpflink_program_reference_count(NULL, 0) == 0);
	CHECK(bpflink_program_reference(NULL, 0, 0, &reference) == INVALID);
	CHECK(bpflink_program_reference(set, 0, 0, NULL) == INVALID);
	CHECK(bpflink_program_jump_table_count(NULL, 0) == 0);
	CHECK(bpflink_program_jump_table(NULL, 0, 0, &table) == INVALID);
	CHECK(bpflink_program_jump_table(set, 0, 0, NULL) == INVALID);
	CHECK(bpflink_program_jump_table(set, 0, 0, &table) == BPFLINK_E_NOT_FOUND);
	CHECK(bpflink_program_relocation_count(NULL, 0) == 0);
	CHECK(bpflink_program_relocation(NULL, 0, 0, &relocation) == INVALID);
	CHECK(bpflink_program_relocation(set, 0, 0, NULL) == INVALID);
	CHECK(bpflink_program_attach(NULL, 0, &attach) == INVALID);
	CHECK(bpflink_program_attach(set, 0, NULL) == INVALID);
	CHECK(bpflink_programs_struct_ops_count(NULL) == 0);
	CHECK(bpflink_programs_struct_ops(NULL, 0, &variable) == INVALID);
	CHECK(bpflink_programs_struct_ops(set, 0, NULL) == INVALID);
	CHECK(bpflink_programs_struct_ops_error(NULL, 0) == NULL);
	CHECK(bpflink_programs_struct_ops_member(NULL, 0, 0, &member) == INVALID);
	CHECK(bpflink_programs_struct_ops_member(set, 0, 0, NULL) == INVALID);
}

static void names_of_numbers(void)
{
	uint32_t i;

	for (i = 0; i <= BPFLINK_E_INTERNAL; i++)
		CHECK(bpflink_status_name(i) != NULL);
	CHECK(bpflink_status_name(BPFLINK_E_INTERNAL + 1) == NULL);
	CHECK(bpflink_status_name(UINT32_MAX) == NULL);
	CHECK(!strcmp(bpflink_relocation_kind_name(0), "byte_off"));
	CHECK(!strcmp(bpflink_relocation_kind_name(12), "type_matches"));
	CHECK(bpflink_relocation_kind_name(13) == NULL);
	CHECK(!strcmp(bpflink_outcome_name(BPFLINK_OUTCOME_POISONED), "poisoned"));
	CHECK(bpflink_outcome_name(4) == NULL);
	CHECK(!strcmp(bpflink_reference_kind_name(BPFLINK_REF_MAP_VALUE), "map_value"));
	CHECK(!strcmp(bpflink_reference_kind_name(BPFLINK_REF_JUMP_TABLE), "jump_table"));
	CHECK(bpflink_reference_kind_name(99) == NULL);
}

/* nulls SAMPLE: an object with maps, BTF and programs */
int main(int argc, char **argv)
{
	bpflink_object_info info;
	bpflink_error *error = NULL;

	if (argc != 2)
		return 2;
	memset(&info, 0, sizeof info);
	info.size = sizeof info;
	CHECK_OK(bpflink_object_from_file(argv[1], NULL, &object, &error));
	CHECK_OK(bpflink_split(object, NULL, &set, &error));
	CHECK(!bpflink_object_get(object, &info));
	CHECK_OK(bpflink_btf_from_memory(info.btf, info.btf_size, NULL, NULL, &btf, &error));
	free_nothing();
	null_errors();
	null_objects(argv[1]);
	null_object_accessors();
	null_btf_and_targets(argv[1]);
	null_stages();
	null_set_accessors();
	past_the_end();
	names_of_numbers();
	bpflink_btf_free(btf);
	bpflink_programs_free(set);
	bpflink_object_free(object);
	return check_done();
}
