/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a target is told and what it tells: features by flag, by name and by release. */
#include "check.h"

#define INVALID BPFLINK_E_INVALID_ARGUMENT

static bpflink_error *error;

static bpflink_target_options described(const char *release)
{
	bpflink_target_options options;

	memset(&options, 0, sizeof options);
	options.size = sizeof options;
	options.release = release;
	return options;
}

/* What a target of these options supports. */
static uint64_t features_of(const bpflink_target_options *options)
{
	bpflink_target *target = NULL;
	uint64_t features = 0;

	CHECK_OK(bpflink_target_new(options, &target, &error));
	CHECK_OK(bpflink_target_features(target, ~(uint64_t)0, &features, &error));
	bpflink_target_free(target);
	return features;
}

static void names_of_features(void)
{
	unsigned int bit, known = 0;

	for (bit = 0; bit < 64; bit++) {
		uint64_t feature = (uint64_t)1 << bit;
		const char *name = bpflink_feature_name(feature);

		if (!name) {
			CHECK(bpflink_feature_since(feature) == 0);
			continue;
		}
		known++;
		CHECK(bpflink_feature_by_name(name) == feature);
		CHECK(bpflink_feature_since(feature) >= (4 << 16));
	}
	CHECK(known >= 18);
	CHECK(!bpflink_feature_name(0));
	CHECK(!bpflink_feature_name(BPFLINK_FEATURE_BTF | BPFLINK_FEATURE_BTF_FUNC));
	CHECK(bpflink_feature_by_name("btf_float") == BPFLINK_FEATURE_BTF_FLOAT);
	CHECK(bpflink_feature_by_name("btf_floa") == 0);
	CHECK(bpflink_feature_by_name(NULL) == 0);
	CHECK(bpflink_feature_since(BPFLINK_FEATURE_BTF_FLOAT) == (5 << 16 | 13 << 8));
	CHECK(bpflink_feature_since(BPFLINK_FEATURE_BTF_ENUM64) == 6 << 16);
	CHECK(bpflink_feature_since(0) == 0);
}

static void features_of_a_release(void)
{
	bpflink_target_options options = described("5.10");
	uint64_t old = features_of(&options), newest;

	CHECK(old & BPFLINK_FEATURE_BTF_FUNC_GLOBAL);
	CHECK(old & BPFLINK_FEATURE_PROBE_READ_KERNEL);
	CHECK(!(old & BPFLINK_FEATURE_MODULE_BTF));
	CHECK(!(old & BPFLINK_FEATURE_BTF_FLOAT));
	options.release = NULL;
	newest = features_of(&options);
	CHECK(newest & BPFLINK_FEATURE_FAR_MAP_VALUE);
	CHECK((newest & old) == old);
}

static void features_one_by_one(void)
{
	bpflink_target_options options = described("5.10");
	uint64_t old = features_of(&options);
	bpflink_target *target = NULL;

	options.features_added = BPFLINK_FEATURE_BTF_FLOAT | BPFLINK_FEATURE_ARG_CTX_TAG;
	options.features_removed = BPFLINK_FEATURE_BTF_FUNC;
	CHECK(features_of(&options) ==
	      ((old | options.features_added) & ~options.features_removed));

	options.features_removed = BPFLINK_FEATURE_BTF_FLOAT;
	CHECK_FAILS(bpflink_target_new(&options, &target, &error), INVALID);
	options.features_removed = (uint64_t)1 << 63;
	CHECK_FAILS(bpflink_target_new(&options, &target, &error), INVALID);
	options.features_removed = 0;
	options.features_added = (uint64_t)1 << 63;
	CHECK_FAILS(bpflink_target_new(&options, &target, &error), INVALID);
	options.features_added = 0;
	options.flags = BPFLINK_TARGET_RUNNING << 1;
	CHECK_FAILS(bpflink_target_new(&options, &target, &error), INVALID);
	CHECK(!target);
}

/* The running kernel, as its own release would have it, but for one flag. */
static void the_running_kernel_with_changes(void)
{
	bpflink_target_options options = described("5.10");
	uint64_t features;

	options.flags = BPFLINK_TARGET_RUNNING;
	options.features_removed = BPFLINK_FEATURE_GLOBAL_DATA;
	features = features_of(&options);
	CHECK(!(features & BPFLINK_FEATURE_GLOBAL_DATA));
	CHECK(features & BPFLINK_FEATURE_BTF);
	CHECK(!(features & BPFLINK_FEATURE_BTF_FLOAT));
	/* Nothing that was not asked for is answered, or asked of the kernel. */
	CHECK_OK(bpflink_target_features(NULL, 0, &features, &error));
	CHECK(features == 0);
	CHECK_OK(bpflink_target_features(NULL, BPFLINK_FEATURE_PROG_NAME, &features, &error));
	CHECK(features == BPFLINK_FEATURE_PROG_NAME);
	CHECK_FAILS(bpflink_target_features(NULL, 0, NULL, &error), INVALID);
}

int main(void)
{
	names_of_features();
	features_of_a_release();
	features_one_by_one();
	the_running_kernel_with_changes();
	return check_done();
}
