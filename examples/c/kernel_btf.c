// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Programs of fentry, tp_btf, LSM hooks and iterators attach to a type of the
 * kernel's BTF. This finds its id: one pass over the types, by kind and name.
 */
#include "loader.h"
#include <linux/btf.h>
#include <string.h>

struct types {
	const unsigned char *data;
	__u32 types_end; /* bytes from the start */
	__u32 types_at;
	__u32 strings_at;
	__u32 strings_len;
};

static int read_header(struct types *t, const void *data, size_t size)
{
	struct btf_header h;
	__u64 types_end, strings_end;

	if (!data || size < sizeof h)
		return -1;
	memcpy(&h, data, sizeof h);
	types_end = (__u64)h.hdr_len + h.type_off + h.type_len;
	strings_end = (__u64)h.hdr_len + h.str_off + h.str_len;
	if (h.magic != BTF_MAGIC || types_end > size || strings_end > size)
		return -1;
	t->data = data;
	t->types_at = h.hdr_len + h.type_off;
	t->types_end = types_end;
	t->strings_at = h.hdr_len + h.str_off;
	t->strings_len = h.str_len;
	return 0;
}

/* Bytes that follow a type's head. */
static __u64 tail_size(const struct btf_type *type)
{
	__u64 vlen = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return 12 * vlen;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return 8 * vlen;
	default:
		return 0;
	}
}

static int is_named(const struct types *t, __u32 offset, const char *name)
{
	size_t length = strlen(name) + 1;

	return offset < t->strings_len && length <= t->strings_len - offset &&
	       !memcmp(t->data + t->strings_at + offset, name, length);
}

static __u32 find_type(const struct types *t, __u32 kind, const char *name)
{
	__u64 at = t->types_at;
	struct btf_type type;
	__u32 id;

	for (id = 1; at + sizeof type <= t->types_end; id++) {
		memcpy(&type, t->data + at, sizeof type);
		if (BTF_INFO_KIND(type.info) == kind && is_named(t, type.name_off, name))
			return id;
		at += sizeof type + tail_size(&type);
	}
	return 0;
}

/* What the kernel calls the thing that a section names. */
static __u32 target_kind(const bpflink_program_info *p, const char **prefix)
{
	*prefix = "";
	if (p->type == BPF_PROG_TYPE_LSM)
		*prefix = "bpf_lsm_";
	else if (p->attach_type == BPF_TRACE_ITER)
		*prefix = "bpf_iter_";
	else if (p->attach_type == BPF_TRACE_RAW_TP) {
		*prefix = "btf_trace_";
		return BTF_KIND_TYPEDEF;
	}
	return BTF_KIND_FUNC;
}

static __u32 find_in(const bpflink_btf *btf, __u32 kind, const char *name)
{
	struct types types;
	size_t size = 0;
	const void *data = bpflink_btf_data(btf, &size);

	if (read_header(&types, data, size))
		return 0;
	return find_type(&types, kind, name);
}

/* The BTF that the user gave, else the running kernel's, once for all programs. */
static const bpflink_btf *kernel_btf(struct loader *l, char reason[REASON_LEN])
{
	bpflink_error *error = NULL;

	if (!l->btf && bpflink_btf_kernel(&l->btf, &error)) {
		snprintf(reason, REASON_LEN, "%s", bpflink_error_message(error));
		bpflink_error_free(error);
	}
	return l->btf;
}

__u32 attach_type_id(struct loader *l, const bpflink_program_info *p, char reason[REASON_LEN])
{
	const char *argument = section_argument(p->section);
	const bpflink_btf *btf = kernel_btf(l, reason);
	const char *prefix;
	char name[128];
	__u32 kind, id;

	if (!btf)
		return 0;
	if (!argument) {
		snprintf(reason, REASON_LEN, "section %.100s does not say what to attach to", p->section);
		return 0;
	}
	kind = target_kind(p, &prefix);
	snprintf(name, sizeof name, "%s%.100s", prefix, argument);
	id = find_in(btf, kind, name);
	if (!id)
		snprintf(reason, REASON_LEN, "nothing to attach to: vmlinux has no %s %s",
			 kind == BTF_KIND_FUNC ? "function" : "tracepoint", name);
	return id;
}
