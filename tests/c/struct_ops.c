/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* struct_ops variables, linked for a kernel whose types the object has itself. */
#include "check.h"

/* struct common, then struct demo_ops: two pointers, a number, a name, a pointer. */
#define DATA 8
#define VALUE_SIZE (DATA + 48)

static bpflink_object *object;
static bpflink_programs *set;

static bpflink_struct_ops_info variable(const char *name, size_t *index)
{
	bpflink_struct_ops_info info;

	for (*index = 0; *index < bpflink_programs_struct_ops_count(set); ++*index) {
		memset(&info, 0, sizeof info);
		info.size = sizeof info;
		CHECK(!bpflink_programs_struct_ops(set, *index, &info));
		if (!strcmp(info.name, name))
			return info;
	}
	CHECK(!"a variable of that name");
	return info;
}

static bpflink_struct_ops_member member(size_t index, size_t number)
{
	bpflink_struct_ops_member info;

	memset(&info, 0, sizeof info);
	info.size = sizeof info;
	CHECK(!bpflink_programs_struct_ops_member(set, index, number, &info));
	return info;
}

static bpflink_attach_info attach(const char *program, bpflink_program_info *info)
{
	bpflink_attach_info found;
	size_t index = 0;

	memset(&found, 0, sizeof found);
	memset(info, 0, sizeof *info);
	found.size = sizeof found;
	info->size = sizeof *info;
	CHECK(!bpflink_programs_find(set, program, &index));
	CHECK(!bpflink_program_attach(set, index, &found));
	CHECK(!bpflink_programs_get(set, index, info));
	return found;
}

static void before_finalize(void)
{
	bpflink_program_info program;
	bpflink_struct_ops_info info;
	bpflink_struct_ops_member none;
	size_t index;

	CHECK(bpflink_programs_struct_ops_count(set) == 3);
	info = variable("other", &index);
	CHECK(!strcmp(info.local_type, "demo_ops___other") && !strcmp(info.section, ".struct_ops.link"));
	CHECK(info.flags == BPFLINK_STRUCT_OPS_LINK && info.local_type_id);
	CHECK(!info.value && !info.value_size && !info.member_count && !info.value_type_id);
	CHECK(!strcmp(info.kernel_type, "") && !strcmp(info.module, ""));
	memset(&none, 0, sizeof none);
	none.size = sizeof none;
	CHECK(bpflink_programs_struct_ops_member(set, index, 0, &none) == BPFLINK_E_NOT_FOUND);
	CHECK(attach("traced", &program).kind == BPFLINK_ATTACH_FUNCTION);
	CHECK(!strcmp(attach("traced", &program).name, "vfs_read"));
	CHECK(!attach("traced", &program).problem);
}

static void whole_variable(void)
{
	unsigned char value[VALUE_SIZE];
	bpflink_struct_ops_member m;
	size_t index;
	bpflink_struct_ops_info info = variable("whole", &index);

	CHECK(!info.flags && !info.status && !bpflink_programs_struct_ops_error(set, index));
	CHECK(!strcmp(info.kernel_type, "demo_ops") && info.kernel_type_id == info.local_type_id);
	CHECK(info.value_size == VALUE_SIZE && info.data_offset == DATA && info.member_count == 5);
	memset(value, 0, sizeof value);
	value[DATA + 16] = 0x34;
	value[DATA + 17] = 0x12;
	memcpy(value + DATA + 20, "whole", 5);
	CHECK(!memcmp(info.value, value, sizeof value));
	m = member(index, 1);
	CHECK(!strcmp(m.name, "stop") && !strcmp(m.program, "stop"));
	CHECK(m.local_offset == 8 && m.local_size == 8);
	CHECK(m.in_kernel == 1 && m.kernel_index == 1);
	CHECK(m.kernel_offset == DATA + 8 && m.kernel_size == 8);
	m = member(index, 3);
	CHECK(!strcmp(m.name, "name") && !m.program && m.local_size == 16);
}

static void variables_of_another_layout(void)
{
	bpflink_struct_ops_member m;
	size_t index;
	bpflink_struct_ops_info info = variable("other", &index);

	CHECK(info.flags == BPFLINK_STRUCT_OPS_LINK && !info.status);
	CHECK(info.value_size == VALUE_SIZE);
	CHECK(!memcmp((const char *)info.value + DATA + 20, "other", 6));
	CHECK(((const unsigned char *)info.value)[DATA + 16] == 7);
	m = member(index, 1);
	CHECK(!strcmp(m.name, "gone") && !m.in_kernel && !m.program);
	m = member(index, 2);
	CHECK(!strcmp(m.program, "stop") && m.kernel_index == 1 && m.kernel_offset == DATA + 8);

	info = variable("refused", &index);
	CHECK(info.flags == (BPFLINK_STRUCT_OPS_LINK | BPFLINK_STRUCT_OPS_OPTIONAL | BPFLINK_STRUCT_OPS_FAILED));
	CHECK(info.status == BPFLINK_E_UNRESOLVED && !info.value && !info.kernel_type_id);
	CHECK(strstr(bpflink_error_message(bpflink_programs_struct_ops_error(set, index)), "member gone"));
}

static void programs(void)
{
	bpflink_program_info program;
	size_t index;
	bpflink_struct_ops_info info = variable("whole", &index);
	bpflink_attach_info found = attach("stop", &program);

	CHECK(found.kind == BPFLINK_ATTACH_STRUCT_OPS && found.btf_id == info.kernel_type_id);
	CHECK(found.is_member && !found.problem && !strcmp(found.module, ""));
	CHECK(program.flags & BPFLINK_PROGRAM_HAS_ATTACH_TYPE && program.attach_type == 1);
	CHECK(!(program.flags & BPFLINK_PROGRAM_OPTIONAL));
	found = attach("forgotten", &program);
	CHECK(!found.btf_id && found.problem && !found.is_member);
	CHECK(program.flags & BPFLINK_PROGRAM_OPTIONAL);
	found = attach("traced", &program);
	CHECK(!found.btf_id && strstr(found.problem, "vfs_read"));
	CHECK(!(program.flags & BPFLINK_PROGRAM_FAILED));
}

/* struct_ops OBJECT */
int main(int argc, char **argv)
{
	bpflink_object_info info;
	bpflink_target_options options;
	bpflink_btf *btf = NULL;
	bpflink_target *target = NULL;
	bpflink_error *error = NULL;

	if (argc != 2)
		return 2;
	memset(&info, 0, sizeof info);
	memset(&options, 0, sizeof options);
	info.size = sizeof info;
	options.size = sizeof options;
	CHECK_OK(bpflink_object_from_file(argv[1], NULL, &object, &error));
	CHECK(!bpflink_object_get(object, &info));
	CHECK_OK(bpflink_btf_from_memory(info.btf, info.btf_size, NULL, NULL, &btf, &error));
	options.vmlinux = btf;
	CHECK_OK(bpflink_target_new(&options, &target, &error));
	CHECK_OK(bpflink_split(object, NULL, &set, &error));
	before_finalize();
	CHECK_OK(bpflink_flatten(set, NULL, &error));
	CHECK_OK(bpflink_relocate(set, target, NULL, &error));
	CHECK_OK(bpflink_finalize(set, target, NULL, &error));
	whole_variable();
	variables_of_another_layout();
	programs();
	bpflink_object_free(object);
	bpflink_btf_free(btf);
	bpflink_target_free(target);
	bpflink_programs_free(set);
	return check_done();
}
