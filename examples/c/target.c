// SPDX-License-Identifier: MIT OR Apache-2.0
/* The kernel to link for: this one, another one, or this one with other features. */
#include "loader.h"
#include <string.h>

#define ALL_FEATURES (~(uint64_t)0)

/* All that a kernel can have: those of the newest one. */
static uint64_t newest(void)
{
	uint64_t all = 0;

	for (unsigned bit = 0; bit < 64; bit++)
		if (bpflink_feature_name((uint64_t)1 << bit))
			all |= (uint64_t)1 << bit;
	return all;
}

int set_feature(struct options *o, const char *name, int has)
{
	uint64_t feature = strcmp(name, "all") ? bpflink_feature_by_name(name) : newest();

	if (!feature)
		return -1;
	o->features_added &= ~feature;
	o->features_removed &= ~feature;
	*(has ? &o->features_added : &o->features_removed) |= feature;
	return 0;
}

/* NULL, the running kernel, unless the options say something else. */
bpflink_status make_target(struct loader *l, bpflink_error **error)
{
	bpflink_target_options options = { .size = sizeof options };
	bpflink_status status;

	options.features_added = l->options.features_added;
	options.features_removed = l->options.features_removed;
	if (l->options.btf) {
		status = bpflink_btf_from_file(l->options.btf, NULL, &l->btf, error);
		if (status)
			return status;
		options.vmlinux = l->btf;
		options.release = l->options.release;
	} else if (options.features_added | options.features_removed) {
		options.flags = BPFLINK_TARGET_RUNNING;
	} else {
		return BPFLINK_OK;
	}
	return bpflink_target_new(&options, &l->target, error);
}

/*
 * One line for each feature: its name, whether the kernel has it, and the first release
 * that does. Answers the number of those that its release does not tell: ported back, or
 * configured away.
 */
int show_features(uint32_t running)
{
	uint64_t features = 0, feature;
	bpflink_error *error = NULL;
	int unlike = 0;

	if (bpflink_target_features(NULL, ALL_FEATURES, &features, &error)) {
		fprintf(stderr, "%s\n", bpflink_error_message(error));
		bpflink_error_free(error);
		return -1;
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		uint32_t since;
		int has, expected;

		feature = (uint64_t)1 << bit;
		if (!bpflink_feature_name(feature))
			continue;
		since = bpflink_feature_since(feature);
		has = (features & feature) != 0;
		expected = since <= running;
		printf("%-18s %-3s since %u.%u%s\n", bpflink_feature_name(feature), has ? "yes" : "no",
		       since >> 16, since >> 8 & 0xff, has == expected ? "" : "  UNLIKE ITS RELEASE");
		unlike += has != expected;
	}
	return unlike;
}
