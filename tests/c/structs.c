/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Structs begin with their size: a caller that was compiled with an older header
 * passes a shorter one, with a newer header a longer one.
 */
#include "check.h"

#define INVALID BPFLINK_E_INVALID_ARGUMENT
#define ROOM 512
#define LARGEST 4096
#define UNTOUCHED 0xa5

static bpflink_object *object;
static bpflink_programs *set;

/* Calls an accessor with a struct of any size; each has another type behind the pointer. */
typedef bpflink_status (*describe_fn)(void *info);

static bpflink_status describe_object(void *info)
{
	return bpflink_object_get(object, (bpflink_object_info *)info);
}

static bpflink_status describe_map(void *info)
{
	return bpflink_object_map(object, 0, (bpflink_map_info *)info);
}

static bpflink_status describe_entry(void *info)
{
	size_t i;

	for (i = 0; i < bpflink_object_map_count(object); i++)
		if (bpflink_object_map_entry_count(object, i))
			return bpflink_object_map_entry(object, i, 0, (bpflink_map_entry *)info);
	return BPFLINK_E_NOT_FOUND;
}

static size_t look(void)
{
	size_t index = 0;

	CHECK(!bpflink_programs_find(set, "look", &index));
	return index;
}

static bpflink_status describe_program(void *info)
{
	return bpflink_programs_get(set, look(), (bpflink_program_info *)info);
}

static bpflink_status describe_function(void *info)
{
	return bpflink_program_function(set, look(), 0, (bpflink_function_info *)info);
}

static bpflink_status describe_reference(void *info)
{
	return bpflink_program_reference(set, look(), 0, (bpflink_reference_info *)info);
}

static bpflink_status describe_relocation(void *info)
{
	return bpflink_program_relocation(set, look(), 0, (bpflink_relocation_info *)info);
}

static bpflink_status describe_attach(void *info)
{
	return bpflink_program_attach(set, look(), (bpflink_attach_info *)info);
}

static bpflink_status describe_site(void *info)
{
	bpflink_object *none = NULL;
	bpflink_error *error = NULL;
	bpflink_status status;

	CHECK(bpflink_object_from_memory("no ELF", 6, NULL, &none, &error) == BPFLINK_E_ELF);
	status = bpflink_error_site(error, (bpflink_site *)info);
	bpflink_error_free(error);
	return status;
}

/* One output struct at one size: nothing beyond it is touched. */
static void output_of_size(describe_fn describe, size_t given, size_t whole, const unsigned char *full)
{
	size_t room[(ROOM + sizeof(size_t)) / sizeof(size_t)];
	unsigned char *bytes = (unsigned char *)room;
	size_t i, same = 0, zeros = 0, untouched = 0;

	memset(room, UNTOUCHED, sizeof room);
	room[0] = given;
	CHECK(describe(room) == BPFLINK_OK);
	CHECK(room[0] == given);
	for (i = sizeof(size_t); i < given && i < whole; i++)
		same += bytes[i] == full[i];
	for (i = whole; i < given; i++)
		zeros += bytes[i] == 0;
	for (i = given; i < sizeof room; i++)
		untouched += bytes[i] == UNTOUCHED;
	CHECK(!full || same == (given < whole ? given : whole) - sizeof(size_t));
	CHECK(given <= whole || zeros == given - whole);
	CHECK(untouched == sizeof room - given);
}

/* `stable` is 0 where pointers in it differ from call to call. */
static void output_struct(describe_fn describe, size_t whole, int stable)
{
	size_t full[ROOM / sizeof(size_t)], wrong[LARGEST / sizeof(size_t) + 1];
	size_t given;

	memset(full, 0, sizeof full);
	full[0] = whole;
	CHECK(describe(full) == BPFLINK_OK);
	for (given = sizeof(size_t); stable && given <= whole + 64; given += 4)
		output_of_size(describe, given, whole, (unsigned char *)full);
	memset(wrong, 0, sizeof wrong);
	CHECK(describe(wrong) == INVALID); /* size 0: it was not set */
	wrong[0] = sizeof(size_t) - 1;
	CHECK(describe(wrong) == INVALID);
	wrong[0] = LARGEST + 1;
	CHECK(describe(wrong) == INVALID);
	wrong[0] = LARGEST;
	CHECK(describe(wrong) == BPFLINK_OK);
}

/* Calls a function with options of any size, and gives up what it made. */
typedef bpflink_status (*options_fn)(const void *options, bpflink_error **error);

static bpflink_status with_object_options(const void *options, bpflink_error **error)
{
	bpflink_object *none = NULL;

	CHECK(bpflink_object_from_memory("", 0, (const bpflink_object_options *)options, &none, error) != 0);
	return *error ? bpflink_error_status(*error) : BPFLINK_OK;
}

static bpflink_status with_link_options(const void *options, bpflink_error **error)
{
	bpflink_programs *out = NULL;
	bpflink_status status = bpflink_split(object, (const bpflink_link_options *)options, &out, error);

	bpflink_programs_free(out);
	return status;
}

static bpflink_status with_target_options(const void *options, bpflink_error **error)
{
	bpflink_target *out = NULL;
	bpflink_status status = bpflink_target_new((const bpflink_target_options *)options, &out, error);

	bpflink_target_free(out);
	return status;
}

static bpflink_status with_stream(const void *options, bpflink_error **error)
{
	bpflink_object *out = NULL;
	bpflink_status status = bpflink_object_from_insns((const bpflink_stream *)options, NULL, &out, error);

	bpflink_object_free(out);
	return status;
}

/* Options all zero but the size: `fine` is what the call answers then. */
static void options_struct(options_fn call, size_t whole, bpflink_status fine)
{
	size_t room[LARGEST / sizeof(size_t) + 1];
	unsigned char *bytes = (unsigned char *)room;
	bpflink_error *error = NULL;
	size_t given;

	memset(room, 0, sizeof room);
	CHECK_FAILS(call(room, &error), INVALID); /* size 0 */
	room[0] = sizeof(size_t) - 1;
	CHECK_FAILS(call(room, &error), INVALID);
	room[0] = LARGEST + 1;
	CHECK_FAILS(call(room, &error), INVALID);
	/* Older callers: the rest counts as zero, whatever stands behind their struct. */
	memset(bytes + whole, UNTOUCHED, sizeof room - whole);
	for (given = sizeof(size_t); given <= whole; given += sizeof(size_t)) {
		room[0] = given;
		CHECK_FAILS(call(room, &error), fine);
	}
	/* Newer callers: what this library does not know must be zero. */
	memset(bytes + whole, 0, sizeof room - whole);
	room[0] = whole + 64;
	CHECK_FAILS(call(room, &error), fine);
	bytes[whole] = 1;
	CHECK_FAILS(call(room, &error), INVALID);
	bytes[whole] = 0;
	bytes[whole + 63] = 1;
	CHECK_FAILS(call(room, &error), INVALID);
	room[0] = whole + 63;
	CHECK_FAILS(call(room, &error), fine);
}

/* Every flag bit that is not defined is refused, each alone. */
static void flags_of(options_fn call, size_t whole, uint64_t known, bpflink_status fine)
{
	size_t room[ROOM / sizeof(size_t)];
	bpflink_error *error = NULL;
	int bit;

	for (bit = 0; bit < 64; bit++) {
		uint64_t flags = (uint64_t)1 << bit;

		memset(room, 0, sizeof room);
		room[0] = whole;
		memcpy((char *)room + sizeof(size_t), &flags, sizeof flags);
		CHECK_FAILS(call(room, &error), flags & known ? fine : (bpflink_status)INVALID);
	}
}

static void options_and_flags(void)
{
	options_struct(with_object_options, sizeof(bpflink_object_options), BPFLINK_E_ELF);
	flags_of(with_object_options, sizeof(bpflink_object_options), 0, BPFLINK_E_ELF);
	options_struct(with_link_options, sizeof(bpflink_link_options), BPFLINK_OK);
	flags_of(with_link_options, sizeof(bpflink_link_options),
		 BPFLINK_POISON_IS_ERROR | BPFLINK_LIBBPF_CANDIDATES | BPFLINK_LEAVE_MAP_REFERENCES, BPFLINK_OK);
	options_struct(with_target_options, sizeof(bpflink_target_options), BPFLINK_OK);
	flags_of(with_target_options, sizeof(bpflink_target_options), BPFLINK_TARGET_RUNNING, BPFLINK_OK);
	options_struct(with_stream, sizeof(bpflink_stream), BPFLINK_OK);
	flags_of(with_stream, sizeof(bpflink_stream), 0, BPFLINK_OK);
}

/* Links the object for a kernel whose types are its own. */
static void link_sample(const char *path)
{
	bpflink_object_info info;
	bpflink_target_options options;
	bpflink_btf *btf = NULL;
	bpflink_target *target = NULL;
	bpflink_error *error = NULL;

	memset(&info, 0, sizeof info);
	memset(&options, 0, sizeof options);
	info.size = sizeof info;
	options.size = sizeof options;
	CHECK_OK(bpflink_object_from_file(path, NULL, &object, &error));
	CHECK(!bpflink_object_get(object, &info));
	CHECK_OK(bpflink_btf_from_memory(info.btf, info.btf_size, NULL, NULL, &btf, &error));
	options.vmlinux = btf;
	CHECK_OK(bpflink_target_new(&options, &target, &error));
	CHECK_OK(bpflink_link(object, target, NULL, &set, &error));
	bpflink_btf_free(btf);
	bpflink_target_free(target);
}

/* structs SAMPLE */
int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	link_sample(argv[1]);
	output_struct(describe_object, sizeof(bpflink_object_info), 1);
	output_struct(describe_map, sizeof(bpflink_map_info), 1);
	output_struct(describe_entry, sizeof(bpflink_map_entry), 1);
	output_struct(describe_program, sizeof(bpflink_program_info), 1);
	output_struct(describe_function, sizeof(bpflink_function_info), 1);
	output_struct(describe_reference, sizeof(bpflink_reference_info), 1);
	output_struct(describe_relocation, sizeof(bpflink_relocation_info), 1);
	output_struct(describe_attach, sizeof(bpflink_attach_info), 1);
	output_struct(describe_site, sizeof(bpflink_site), 0);
	options_and_flags();
	bpflink_programs_free(set);
	bpflink_object_free(object);
	return check_done();
}
