/* JSON lines in the form of `bpflink link --json`. */
#include <byteswap.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "libbpf.h"
#include "btf.h"
#include "witness.h"

static const char *const relo_kinds[] = {
	"byte_off", "byte_sz", "field_exists", "signed", "lshift_u64", "rshift_u64",
	"local_type_id", "target_type_id", "type_exists", "type_size",
	"enumval_exists", "enumval_value", "type_matches",
};

static void emit_hex(FILE *out, const void *data, size_t len)
{
	const unsigned char *at = data;

	fputc('"', out);
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", at[i]);
	fputc('"', out);
}

static bool is_ld_imm64(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

static bool is_map_reference(const struct bpf_insn *insn)
{
	return is_ld_imm64(insn) &&
	       (insn->src_reg == BPF_PSEUDO_MAP_FD || insn->src_reg == BPF_PSEUDO_MAP_VALUE);
}

static bool is_kfunc_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_KFUNC_CALL;
}

/* File descriptors are the loader's: they become zero. */
static void clear_descriptors(struct bpf_insn *insns, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (is_map_reference(&insns[i]))
			insns[i].imm = 0;
		if (is_kfunc_call(&insns[i]))
			insns[i].off = 0;
		if (!is_ld_imm64(&insns[i]))
			continue;
		if (insns[i].src_reg == BPF_PSEUDO_BTF_ID && i + 1 < len)
			insns[i + 1].imm = 0;
		i++;
	}
}

/* The bytes of the stream in the object's own byte order. */
static void to_big_endian(struct bpf_insn *insns, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char *regs = (unsigned char *)&insns[i] + 1;

		*regs = *regs << 4 | *regs >> 4;
		insns[i].off = bswap_16(insns[i].off);
		insns[i].imm = bswap_32(insns[i].imm);
	}
}

static void emit_bytes(FILE *out, const struct stream *s)
{
	struct bpf_insn *copy = malloc(s->len * sizeof(*copy));

	if (!copy)
		abort();
	memcpy(copy, s->insns, s->len * sizeof(*copy));
	clear_descriptors(copy, s->len);
	if (s->big_endian && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		to_big_endian(copy, s->len);
	emit_hex(out, copy, s->len * sizeof(*copy));
	free(copy);
}

static void emit_functions(FILE *out, const struct bpf_object *obj, const struct stream *s)
{
	const struct btf *btf = inside_btf(obj);

	fputs(",\"functions\":[", out);
	for (uint32_t i = 0; i < s->func_info_len; i++) {
		const struct bpf_func_info *info =
			s->func_info + (size_t)i * s->func_info_size;
		const struct btf_type *func = btf__type_by_id(btf, info->type_id);

		fputs(i ? ",{\"name\":" : "{\"name\":", out);
		emit_string(out, func ? btf__name_by_offset(btf, func->name_off) : "?");
		fprintf(out, ",\"insn\":%u}", info->insn_off);
	}
	fputc(']', out);
}

static void emit_ref(FILE *out, bool *first, size_t insn, const char *kind, const char *name,
		     uint32_t offset, const char *module)
{
	fprintf(out, "%s{\"insn\":%zu,\"kind\":\"%s\",\"name\":", *first ? "" : ",", insn, kind);
	emit_string(out, name);
	fprintf(out, ",\"offset\":%u", offset);
	if (module) {
		fputs(",\"module\":", out);
		emit_string(out, module);
	}
	fputc('}', out);
	*first = false;
}

static const struct note *extern_note(const struct stream *s, size_t insn)
{
	for (size_t i = 0; i < s->notes.len; i++)
		if (s->notes.at[i].insn == (int)insn && s->notes.at[i].extern_idx >= 0)
			return &s->notes.at[i];
	return NULL;
}

static void emit_extern(FILE *out, bool *first, const struct bpf_object *obj,
			const struct note *note, const struct bpf_insn *insn)
{
	struct extern_view ext;
	const char *kind = "ksym";

	inside_extern(obj, note->extern_idx, &ext);
	if (!ext.is_kernel_symbol || !ext.is_resolved)
		return;
	if (is_kfunc_call(insn))
		kind = "kfunc";
	else if (ext.is_typed)
		kind = "btf_id";
	emit_ref(out, first, note->insn, kind, ext.name, 0, ext.module);
}

static void emit_refs(FILE *out, const struct bpf_object *obj, const struct stream *s)
{
	bool first = true;

	fputs(",\"refs\":[", out);
	for (size_t i = 0; i < s->len; i++) {
		const struct bpf_insn *insn = &s->insns[i];
		const struct note *note = extern_note(s, i);

		if (is_map_reference(insn)) {
			bool value = insn->src_reg == BPF_PSEUDO_MAP_VALUE;

			emit_ref(out, &first, i, value ? "map_value" : "map_fd",
				 inside_map_name_by_fd(obj, insn->imm),
				 value && i + 1 < s->len ? insn[1].imm : 0, NULL);
		} else if (note) {
			emit_extern(out, &first, obj, note, insn);
		}
		if (is_ld_imm64(insn))
			i++;
	}
	fputc(']', out);
}

static int by_insn(const void *a, const void *b)
{
	const struct note *x = a, *y = b;

	return (x->insn > y->insn) - (x->insn < y->insn);
}

static void emit_relocations(FILE *out, const struct stream *s)
{
	bool first = true;

	qsort(s->notes.at, s->notes.len, sizeof(*s->notes.at), by_insn);
	fputs(",\"relocations\":[", out);
	for (size_t i = 0; i < s->notes.len; i++) {
		const struct note *n = &s->notes.at[i];
		size_t kinds = sizeof(relo_kinds) / sizeof(relo_kinds[0]);

		if (n->extern_idx >= 0)
			continue;
		fprintf(out, "%s{\"insn\":%d,\"kind\":\"%s\",\"outcome\":\"%s\","
			"\"old\":%llu,\"new\":%llu}", first ? "" : ",", n->insn,
			(size_t)n->kind < kinds ? relo_kinds[n->kind] : "?", n->outcome,
			(unsigned long long)n->old_value, (unsigned long long)n->new_value);
		first = false;
	}
	fputc(']', out);
}

static void emit_lines(FILE *out, const struct bpf_object *obj, const struct stream *s)
{
	const struct btf *btf = inside_btf(obj);

	fputs(",\"lines\":[", out);
	for (uint32_t i = 0; i < s->line_info_len; i++) {
		const struct bpf_line_info *line =
			s->line_info + (size_t)i * s->line_info_size;
		const char *file = btf__name_by_offset(btf, line->file_name_off);

		fprintf(out, "%s[%u,%u,%u,", i ? "," : "", line->insn_off,
			BPF_LINE_INFO_LINE_NUM(line->line_col),
			BPF_LINE_INFO_LINE_COL(line->line_col));
		emit_string(out, file ? file : "");
		fputc(']', out);
	}
	fputc(']', out);
}

void emit_program(FILE *out, const struct bpf_object *obj, const struct stream *s)
{
	fputs("{\"program\":", out);
	emit_string(out, s->program);
	fputs(",\"section\":", out);
	emit_string(out, s->section);
	fprintf(out, ",\"insns\":%zu,\"bytes\":", s->len);
	emit_bytes(out, s);
	emit_functions(out, obj, s);
	emit_refs(out, obj, s);
	emit_relocations(out, s);
	if (settings.lines)
		emit_lines(out, obj, s);
	fputs("}\n", out);
}

/* The name of a strong extern that this stream needs and libbpf did not find. */
const char *emit_unresolved(const struct bpf_object *obj, const struct stream *s)
{
	for (size_t i = 0; i < s->notes.len; i++) {
		struct extern_view ext;

		if (s->notes.at[i].extern_idx < 0)
			continue;
		inside_extern(obj, s->notes.at[i].extern_idx, &ext);
		if (ext.is_strong && !ext.is_resolved)
			return ext.name;
	}
	return NULL;
}

/* `attach` instead of `program`: another kind of line. */
void emit_attach(FILE *out, const struct stream *s)
{
	fputs("{\"attach\":", out);
	emit_string(out, s->program);
	fputs(",\"section\":", out);
	emit_string(out, s->section);
	fprintf(out, ",\"type\":%u,\"btf_id\":%u,\"expected_attach_type\":%u,\"module\":", s->type,
		s->attach_btf_id, s->expected_attach_type);
	emit_string(out, s->attach_module ? s->attach_module : "");
	fputs("}\n", out);
}

void emit_failure(FILE *out, const char *program, const char *section, const char *why)
{
	fputs("{\"program\":", out);
	if (program)
		emit_string(out, program);
	else
		fputs("null", out);
	if (section) {
		fputs(",\"section\":", out);
		emit_string(out, section);
	}
	fputs(",\"error\":", out);
	emit_string(out, why);
	fputs("}\n", out);
}

void emit_map(FILE *out, const struct map_view *map)
{
	fputs("{\"map\":", out);
	emit_string(out, map->name);
	fprintf(out, ",\"type\":%u,\"key_size\":%u,\"value_size\":%u,\"max_entries\":%u,"
		"\"flags\":%u", map->type, map->key_size, map->value_size,
		map->max_entries, map->flags);
	if (map->initial) {
		fputs(",\"initial\":", out);
		emit_hex(out, map->initial, map->initial_len);
	}
	fputs("}\n", out);
}
