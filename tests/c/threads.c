/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * 64 threads link one object for the running kernel at once. Its BTF is read
 * once: all of them see the same bytes at the same address.
 */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <pthread.h>

#define THREADS 64

struct shared {
	pthread_barrier_t start;
	const bpflink_object *object;
	const bpflink_target *target;
};

struct result {
	const struct shared *shared;
	bpflink_btf *btf;
	const void *kernel;
	bpflink_programs *set;
	bpflink_error *error;
	bpflink_status status;
};

static void *work(void *argument)
{
	struct result *r = (struct result *)argument;
	size_t size;

	pthread_barrier_wait((pthread_barrier_t *)&r->shared->start);
	r->status = bpflink_link(r->shared->object, r->shared->target, NULL, &r->set, &r->error);
	if (!r->shared->target && !bpflink_btf_kernel(&r->btf, NULL))
		r->kernel = bpflink_btf_data(r->btf, &size);
	return NULL;
}

static int same_programs(const bpflink_programs *a, const bpflink_programs *b)
{
	size_t i;

	if (bpflink_programs_count(a) != bpflink_programs_count(b))
		return 0;
	for (i = 0; i < bpflink_programs_count(a); i++) {
		bpflink_program_info x, y;

		memset(&x, 0, sizeof x);
		memset(&y, 0, sizeof y);
		x.size = sizeof x;
		y.size = sizeof y;
		if (bpflink_programs_get(a, i, &x) || bpflink_programs_get(b, i, &y) ||
		    x.insn_count != y.insn_count || memcmp(x.insns, y.insns, x.insn_count * 8))
			return 0;
	}
	return 1;
}

static void at_once(const bpflink_object *object, const bpflink_target *target)
{
	static struct result results[THREADS];
	pthread_t threads[THREADS];
	struct shared shared;
	int i;

	memset(results, 0, sizeof results);
	shared.object = object;
	shared.target = target;
	CHECK(!pthread_barrier_init(&shared.start, NULL, THREADS));
	for (i = 0; i < THREADS; i++) {
		results[i].shared = &shared;
		if (pthread_create(&threads[i], NULL, work, &results[i]))
			abort(); /* the others would wait for ever */
	}
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	for (i = 0; i < THREADS; i++) {
		check_status(results[i].status, BPFLINK_OK, &results[i].error, "bpflink_link", __FILE__, __LINE__);
		CHECK(results[i].kernel == results[0].kernel);
		CHECK(same_programs(results[i].set, results[0].set));
	}
	for (i = 0; i < THREADS; i++) {
		bpflink_programs_free(results[i].set);
		bpflink_btf_free(results[i].btf);
	}
	pthread_barrier_destroy(&shared.start);
}

/* A handle given out stays valid when the cache is dropped; the next one is another. */
static void flush(void)
{
	bpflink_btf *before = NULL, *same = NULL, *after = NULL;
	bpflink_error *error = NULL;
	size_t size;

	CHECK_OK(bpflink_btf_kernel(&before, &error));
	CHECK_OK(bpflink_btf_kernel(&same, &error));
	bpflink_btf_kernel_flush();
	CHECK_OK(bpflink_btf_kernel(&after, &error));
	CHECK(bpflink_btf_data(before, &size) == bpflink_btf_data(same, &size));
	CHECK(bpflink_btf_data(before, &size) != bpflink_btf_data(after, &size));
	CHECK(bpflink_btf_type_count(before) == bpflink_btf_type_count(after));
	bpflink_btf_free(before);
	bpflink_btf_free(same);
	bpflink_btf_free(after);
}

static bpflink_target *described(const bpflink_object *object)
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
	CHECK(!bpflink_object_get(object, &info));
	CHECK_OK(bpflink_btf_from_memory(info.btf, info.btf_size, NULL, NULL, &btf, &error));
	options.vmlinux = btf;
	CHECK_OK(bpflink_target_new(&options, &target, &error));
	bpflink_btf_free(btf);
	return target;
}

/* threads SAMPLE [kernel]: for a described kernel, or for the running one too */
int main(int argc, char **argv)
{
	bpflink_object *object = NULL;
	bpflink_target *target;
	bpflink_error *error = NULL;

	if (argc < 2)
		return 2;
	CHECK_OK(bpflink_object_from_file(argv[1], NULL, &object, &error));
	target = described(object);
	at_once(object, target);
	if (argc > 2) {
		at_once(object, NULL);
		bpflink_btf_kernel_flush();
		at_once(object, NULL);
		flush();
	}
	bpflink_target_free(target);
	bpflink_object_free(object);
	return check_done();
}
