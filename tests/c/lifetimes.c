/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Who owns what: handles in every order of freeing, what is borrowed and for how
 * long, errors that outlive everything, warnings during the call. Sanitizers and
 * valgrind see what a check cannot.
 */
#include "build.h"
#include "check.h"

static const char *sample;

struct handles {
	bpflink_object *object;
	bpflink_btf *base;
	bpflink_btf *split;
	bpflink_target *target;
	bpflink_programs *set;
};

/* BTF of a module that adds no type: a header and an empty string over its base. */
static bpflink_btf *empty_module(const bpflink_btf *base)
{
	static const unsigned char bytes[] = {
		0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
	};
	bpflink_btf *btf = NULL;
	bpflink_error *error = NULL;

	CHECK_OK(bpflink_btf_from_memory(bytes, sizeof bytes, "empty", base, &btf, &error));
	CHECK(bpflink_btf_type_count(btf) == bpflink_btf_type_count(base));
	return btf;
}

/* The sample, split, and a target of its own types. */
static void make(struct handles *h)
{
	bpflink_target_options options;
	bpflink_object_info info;
	bpflink_error *error = NULL;

	memset(h, 0, sizeof *h);
	memset(&options, 0, sizeof options);
	memset(&info, 0, sizeof info);
	options.size = sizeof options;
	info.size = sizeof info;
	CHECK_OK(bpflink_object_from_file(sample, NULL, &h->object, &error));
	CHECK(!bpflink_object_get(h->object, &info));
	CHECK_OK(bpflink_btf_from_memory(info.btf, info.btf_size, NULL, NULL, &h->base, &error));
	h->split = empty_module(h->base);
	options.vmlinux = h->base;
	options.modules = &h->split;
	options.module_count = 1;
	CHECK_OK(bpflink_target_new(&options, &h->target, &error));
	CHECK_OK(bpflink_split(h->object, NULL, &h->set, &error));
}

/* All that is still there must work. */
static void use(const struct handles *h)
{
	bpflink_error *error = NULL;
	bpflink_program_info p;
	size_t index = 0;

	memset(&p, 0, sizeof p);
	p.size = sizeof p;
	if (h->object)
		CHECK(bpflink_object_map_count(h->object) > 0);
	if (h->split)
		CHECK(bpflink_btf_type_count(h->split) > 1);
	if (!h->set)
		return;
	CHECK(!bpflink_programs_find(h->set, "look", &index));
	CHECK(!bpflink_programs_get(h->set, index, &p));
	CHECK(p.insn_count > 10 && !strcmp(p.name, "look"));
	if (!h->target || bpflink_program_function_count(h->set, index) > 1)
		return;
	CHECK_OK(bpflink_flatten(h->set, NULL, &error));
	CHECK_OK(bpflink_relocate(h->set, h->target, NULL, &error));
}

static void give_up(struct handles *h, int which)
{
	switch (which) {
	case 0:
		bpflink_object_free(h->object);
		h->object = NULL;
		break;
	case 1:
		bpflink_btf_free(h->base);
		h->base = NULL;
		break;
	case 2:
		bpflink_btf_free(h->split);
		h->split = NULL;
		break;
	case 3:
		bpflink_target_free(h->target);
		h->target = NULL;
		break;
	default:
		bpflink_programs_free(h->set);
		h->set = NULL;
	}
}

/* Every order of freeing five handles, each used after each step. */
static void every_order(void)
{
	int order[5], used[5] = { 0, 0, 0, 0, 0 };
	int number, i, rest;

	for (number = 0; number < 120; number++) {
		struct handles h;

		memset(used, 0, sizeof used);
		for (i = 0, rest = number; i < 5; i++) {
			int skip = rest % (5 - i), at = 0;

			rest /= 5 - i;
			while (used[at] || skip-- > 0)
				at++;
			used[at] = 1;
			order[i] = at;
		}
		make(&h);
		for (i = 0; i < 5; i++) {
			give_up(&h, order[i]);
			use(&h);
		}
	}
}

/* Borrowed from an object: the same until it is freed. From a set: until it changes. */
static void borrowed(void)
{
	struct handles h;
	bpflink_map_info map, again;
	bpflink_program_info p, same;
	bpflink_error *error = NULL;

	memset(&map, 0, sizeof map);
	memset(&p, 0, sizeof p);
	map.size = sizeof map;
	p.size = sizeof p;
	again = map;
	same = p;
	make(&h);
	CHECK(!bpflink_object_map(h.object, 0, &map));
	CHECK(!bpflink_programs_get(h.set, 0, &p));
	CHECK_OK(bpflink_flatten(h.set, NULL, &error));
	CHECK_OK(bpflink_relocate(h.set, h.target, NULL, &error));
	CHECK(!bpflink_object_map(h.object, 0, &again));
	CHECK(map.name == again.name && map.initial == again.initial);
	CHECK(!bpflink_programs_get(h.set, 0, &p));
	CHECK(!bpflink_programs_get(h.set, 0, &same));
	CHECK(p.insns == same.insns && p.name == same.name);
	give_up(&h, 4);
	give_up(&h, 3);
	give_up(&h, 2);
	give_up(&h, 1);
	CHECK(!strcmp(map.name, again.name));
	give_up(&h, 0);
}

/* An error depends on nothing: what it was about may be gone. */
static void errors_outlive(void)
{
	struct handles h;
	bpflink_error *error = NULL;
	bpflink_site site;
	bpflink_status status;

	memset(&site, 0, sizeof site);
	site.size = sizeof site;
	make(&h);
	CHECK_OK(bpflink_flatten(h.set, NULL, &error));
	status = bpflink_finalize(h.set, h.target, NULL, &error); /* no map has a descriptor */
	CHECK(status == BPFLINK_E_UNRESOLVED && error != NULL);
	CHECK(!bpflink_error_site(error, &site));
	give_up(&h, 0);
	give_up(&h, 1);
	give_up(&h, 2);
	give_up(&h, 3);
	give_up(&h, 4);
	CHECK(strstr(bpflink_error_message(error), "map") != NULL);
	CHECK(site.program && strlen(site.program) > 0 && site.insn >= 0);
	CHECK(site.file && strstr(site.file, "sample.bpf.c") && site.line > 0);
	CHECK(bpflink_error_errno(error) == 0);
	bpflink_error_free(error);
}

/* A success leaves the error alone, so that one variable serves a row of calls. */
static void success_writes_no_error(void)
{
	bpflink_error *marker = (bpflink_error *)&sample, *error = marker;
	bpflink_object *object = NULL;
	bpflink_programs *set = NULL;

	CHECK(!bpflink_object_from_file(sample, NULL, &object, &error));
	CHECK(error == marker);
	CHECK(!bpflink_split(object, NULL, &set, &error));
	CHECK(!bpflink_flatten(set, NULL, &error));
	CHECK(error == marker);
	bpflink_programs_free(set);
	bpflink_object_free(object);
}

static void errno_of_files(void)
{
	bpflink_object *object = NULL;
	bpflink_btf *btf = NULL;
	bpflink_error *error = NULL;

	CHECK(bpflink_object_from_file("/nonexistent/x.bpf.o", NULL, &object, &error) == BPFLINK_E_IO);
	CHECK(bpflink_error_errno(error) == 2 /* ENOENT */);
	CHECK(strstr(bpflink_error_message(error), "/nonexistent/x.bpf.o") != NULL);
	bpflink_error_free(error);
	error = NULL;
	CHECK(bpflink_btf_from_file("/", NULL, &btf, &error) == BPFLINK_E_IO);
	CHECK(bpflink_error_errno(error) != 0);
	bpflink_error_free(error);
}

struct heard {
	int count;
	uint32_t level;
	char last[256];
};

static void hear(void *context, uint32_t level, const char *message)
{
	struct heard *heard = (struct heard *)context;

	heard->count++;
	heard->level = level;
	snprintf(heard->last, sizeof heard->last, "%s", message);
}

/* A func_info record between two instructions is told of, at the call that saw it, and left out. */
static void warnings(const char *path)
{
	bpflink_object_options options;
	bpflink_object *object = NULL;
	bpflink_error *error = NULL;
	struct heard heard;
	size_t size, i, at = 0;
	unsigned char *bytes = read_file(path, &size);

	memset(&options, 0, sizeof options);
	memset(&heard, 0, sizeof heard);
	options.size = sizeof options;
	options.name = "damaged";
	options.log = hear;
	options.log_context = &heard;
	CHECK_OK(bpflink_object_from_memory(bytes, size, &options, &object, &error));
	CHECK(heard.count == 0);
	bpflink_object_free(object);
	/* A header of 32 bytes with BTF's magic is .BTF.ext's. Then come the size of records,
	   the section and its number of records, and the first one. */
	for (i = 0; i + 64 < size; i++)
		if (bytes[i] == 0x9f && bytes[i + 1] == 0xeb && bytes[i + 2] == 1 && bytes[i + 4] == 32)
			at = i;
	CHECK(at != 0 && bytes[at + 8] == 0 && bytes[at + 44] == 0);
	bytes[at + 44] = 1;
	object = NULL;
	CHECK_OK(bpflink_object_from_memory(bytes, size, &options, &object, &error));
	CHECK(heard.count == 1 && heard.level == BPFLINK_LOG_WARNING);
	CHECK(strstr(heard.last, "func_info") != NULL);
	bpflink_object_free(object);
	free(bytes);
}

/* lifetimes SAMPLE */
int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	sample = argv[1];
	every_order();
	borrowed();
	errors_outlive();
	success_writes_no_error();
	errno_of_files();
	warnings(sample);
	return check_done();
}
