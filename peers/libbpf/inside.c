/* libbpf.c and the few functions that read its private state.
 *
 * What the witness must know (which function lies where in the stream, which
 * extern an instruction names) is kept in structures that libbpf declares in
 * its own .c file and frees before its load call returns. Compiling that file
 * as part of this one is the only way to them that leaves its code untouched.
 */
#include "libbpf.c"

#include "relo_core.h"
#include "witness.h"

static struct bpf_object *current;
static struct notes *notes_of; /* one per program of `current` */
static bool *was_strong; /* one per extern: PASS_ALONE makes all of them weak */
static bool was_big_endian;

static void notes_push(struct notes *n, struct note note)
{
	if (n->len == n->cap) {
		n->cap = n->cap ? 2 * n->cap : 16;
		n->at = realloc(n->at, n->cap * sizeof(*n->at));
		if (!n->at)
			abort();
	}
	n->at[n->len++] = note;
}

/* libbpf frees its relocations before it loads: remember who names which extern. */
static void note_externs(struct bpf_object *obj)
{
	for (size_t i = 0; i < obj->nr_programs; i++) {
		const struct bpf_program *prog = &obj->programs[i];

		for (int r = 0; r < prog->nr_reloc; r++) {
			const struct reloc_desc *relo = &prog->reloc_desc[r];

			if (relo->type != RELO_EXTERN_LD64 && relo->type != RELO_EXTERN_CALL)
				continue;
			notes_push(&notes_of[i], (struct note){
				.insn = relo->insn_idx, .extern_idx = relo->ext_idx });
		}
	}
}

/* libbpf reads the tables of indirect jumps in the byte order of its host. */
static void jump_tables_in_host_order(struct bpf_object *obj)
{
	__u64 *jt = obj->jumptables_data;

	if (is_native_endianness(obj))
		return;
	for (size_t i = 0; i < obj->jumptables_data_sz / sizeof(*jt); i++)
		jt[i] = __builtin_bswap64(jt[i]);
}

struct bpf_object *inside_open(const char *path)
{
	/* One letter as the object's name leaves room for every section's name. */
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "o");
	struct bpf_object *obj = bpf_object__open_file(path, &opts);

	if (!obj)
		return NULL;
	current = obj;
	notes_of = calloc(obj->nr_programs + 1, sizeof(*notes_of));
	was_strong = calloc(obj->nr_extern + 1, sizeof(*was_strong));
	if (!notes_of || !was_strong)
		abort();
	note_externs(obj);
	jump_tables_in_host_order(obj);
	for (int i = 0; i < obj->nr_extern; i++)
		was_strong[i] = !obj->externs[i].is_weak;
	was_big_endian = obj->byteorder == ELFDATA2MSB;
	return obj;
}

void inside_close(struct bpf_object *obj)
{
	for (size_t i = 0; i < obj->nr_programs; i++)
		free(notes_of[i].at);
	free(notes_of);
	free(was_strong);
	notes_of = NULL;
	current = NULL;
	bpf_object__close(obj);
}

bool inside_is_entry(const struct bpf_object *obj, size_t i)
{
	return !prog_is_subprog(obj, &obj->programs[i]);
}

/* A struct_ops table that this kernel lacks must not hide the others' programs. */
static void detach_struct_ops(struct bpf_object *obj)
{
	for (size_t i = 0; i < obj->nr_maps; i++)
		if (bpf_map__is_struct_ops(&obj->maps[i]))
			obj->maps[i].autocreate = false;
	for (size_t i = 0; i < obj->nr_programs; i++)
		if (obj->programs[i].type == BPF_PROG_TYPE_STRUCT_OPS)
			bpf_program__set_type(&obj->programs[i], BPF_PROG_TYPE_SOCKET_FILTER);
}

/* Types and attach targets are the loader's; they never change the stream. */
static void prepare_program(struct bpf_program *prog)
{
	if (settings.real_kernel)
		return;
	if (prog->type == BPF_PROG_TYPE_UNSPEC)
		bpf_program__set_type(prog, BPF_PROG_TYPE_SOCKET_FILTER);
	if (!settings.attach && prog->type != BPF_PROG_TYPE_STRUCT_OPS && !prog->attach_btf_id)
		prog->attach_btf_id = 1;
}

/* Without a release libbpf refuses an object that asks for it, weakly or not.
 * Under this name it only lets the weak one stay zero.
 */
#define RELEASE_UNKNOWN "LINUX_RELEASE_NOT_GIVEN"

static void relax_externs(struct bpf_object *obj)
{
	for (int i = 0; i < obj->nr_extern; i++) {
		struct extern_desc *ext = &obj->externs[i];

		ext->is_weak = true;
		if (ext->type != EXT_KCFG || strcmp(ext->name, "LINUX_KERNEL_VERSION"))
			continue;
		if (get_kernel_version())
			continue;
		ext->name = strdup(RELEASE_UNKNOWN);
		if (!ext->name)
			abort();
	}
}

/* In PASS_ALONE one program is linked by itself, and what it does not need may
 * be missing: an unresolved strong extern is looked for in the result instead.
 */
int inside_load(struct bpf_object *obj, enum pass pass, size_t only)
{
	if (pass == PASS_ALONE)
		detach_struct_ops(obj);
	if (pass != PASS_WHOLE)
		relax_externs(obj);
	for (size_t i = 0; pass == PASS_VARIABLE && i < obj->nr_maps; i++)
		obj->maps[i].autocreate = i == only;
	for (size_t i = 0; i < obj->nr_programs; i++) {
		struct bpf_program *prog = &obj->programs[i];

		if (!inside_is_entry(obj, i))
			continue;
		bpf_program__set_autoload(prog, pass == PASS_WHOLE ||
						(pass == PASS_ALONE && i == only));
		prepare_program(prog);
	}
	for (size_t i = 0; i < obj->nr_maps; i++)
		bpf_map__set_pin_path(&obj->maps[i], NULL);

	/* The host cannot load the other byte order; nothing is loaded here. */
	if (!settings.real_kernel)
		obj->byteorder = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB
									   : ELFDATA2MSB;
	return bpf_object__load(obj);
}

size_t inside_program_count(const struct bpf_object *obj)
{
	return obj->nr_programs;
}

const char *inside_program_name(const struct bpf_object *obj, size_t i)
{
	return obj->programs[i].name;
}

const char *inside_program_section(const struct bpf_object *obj, size_t i)
{
	return obj->programs[i].sec_name;
}

size_t inside_map_count(const struct bpf_object *obj)
{
	return obj->nr_maps;
}

static const char *map_name(const struct bpf_map *map)
{
	return map->real_name ? map->real_name : map->name;
}

void inside_map(const struct bpf_object *obj, size_t i, struct map_view *view)
{
	const struct bpf_map *map = &obj->maps[i];

	*view = (struct map_view){
		.name = map_name(map),
		.type = map->def.type,
		.key_size = map->def.key_size,
		.value_size = map->def.value_size,
		.max_entries = map->def.max_entries,
		.flags = map->def.map_flags,
	};
	if (bpf_map__is_internal(map) && map->mmaped) {
		view->initial = map->mmaped;
		view->initial_len = map->def.value_size;
	}
	if ((int)i == obj->arena_map_idx && obj->arena_data) {
		view->initial = obj->arena_data;
		view->initial_len = obj->arena_data_sz;
	}
}

bool inside_is_struct_ops(const struct bpf_object *obj, size_t map)
{
	return bpf_map__is_struct_ops(&obj->maps[map]);
}

bool inside_is_struct_ops_program(const struct bpf_object *obj, size_t i)
{
	return obj->programs[i].type == BPF_PROG_TYPE_STRUCT_OPS;
}

/* The value that the kernel gets, without the numbers of programs; false where libbpf
 * did not make one. Done before programs are relocated, so that those may fail. */
bool inside_struct_ops(const struct bpf_object *obj, size_t i, struct map_view *view)
{
	const struct bpf_map *map = &obj->maps[i];
	struct bpf_struct_ops *ops = map->st_ops;
	const struct btf_type *type = ops ? btf__type_by_id(obj->btf, ops->type_id) : NULL;

	if (!type || !ops->kern_vdata)
		return false;
	inside_map(obj, i, view);
	for (__u32 m = 0; m < btf_vlen(type); m++)
		if (ops->progs[m])
			memset((char *)ops->kern_vdata + ops->kern_func_off[m], 0, sizeof(__u64));
	view->initial = ops->kern_vdata;
	view->initial_len = map->def.value_size;
	return true;
}

/* The module that a BTF file descriptor stands for. */
static const char *module_of(const struct bpf_object *obj, int fd)
{
	for (size_t i = 0; fd > 0 && i < obj->btf_module_cnt; i++)
		if (obj->btf_modules[i].fd == fd)
			return obj->btf_modules[i].name;
	return NULL;
}

const char *inside_map_name_by_fd(const struct bpf_object *obj, int fd)
{
	for (size_t i = 0; i < obj->nr_maps; i++)
		if (obj->maps[i].fd == fd)
			return map_name(&obj->maps[i]);
	for (size_t i = 0; i < obj->jumptable_map_cnt; i++)
		if (obj->jumptable_maps[i].fd == fd)
			return ".jumptables";
	return "?";
}

size_t inside_map_value_size_by_fd(int fd)
{
	for (size_t i = 0; current && i < current->nr_maps; i++)
		if (current->maps[i].fd == fd && bpf_map__is_internal(&current->maps[i]))
			return current->maps[i].def.value_size;
	return 0;
}

static const char *extern_module(const struct bpf_object *obj, const struct extern_desc *ext)
{
	for (size_t i = 0; ext->ksym.kernel_btf_obj_fd && i < obj->btf_module_cnt; i++)
		if (obj->btf_modules[i].fd == ext->ksym.kernel_btf_obj_fd)
			return obj->btf_modules[i].name;
	return NULL;
}

void inside_extern(const struct bpf_object *obj, int i, struct extern_view *view)
{
	const struct extern_desc *ext = &obj->externs[i];
	bool ksym = ext->type == EXT_KSYM;

	*view = (struct extern_view){
		.name = ext->name,
		.is_kernel_symbol = ksym,
		.is_typed = ksym && ext->ksym.type_id,
		.is_resolved = ext->is_set && strcmp(ext->name, RELEASE_UNKNOWN),
		.is_function = ksym && btf_is_func(btf__type_by_id(obj->btf, ext->btf_id)),
		.module = ksym ? extern_module(obj, ext) : NULL,
		.is_strong = was_strong[i],
	};
}

const struct btf *inside_btf(const struct bpf_object *obj)
{
	return obj->btf;
}

static const struct bpf_program *subprogram_at(const struct bpf_object *obj, size_t sec_insn)
{
	for (size_t i = 0; i < obj->nr_programs; i++) {
		const struct bpf_program *prog = &obj->programs[i];

		if (prog_is_subprog(obj, prog) && prog->sec_insn_off == sec_insn)
			return prog;
	}
	return NULL;
}

/* Carries the notes of one function over to where it lies in the stream. */
static void place_notes(struct notes *into, const struct bpf_program *prog, size_t start)
{
	const struct notes *from = &notes_of[prog - prog->obj->programs];

	for (size_t i = 0; i < from->len; i++) {
		struct note note = from->at[i];

		note.insn += start;
		notes_push(into, note);
	}
}

int __real_bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license,
			 const struct bpf_insn *insns, size_t len,
			 struct bpf_prog_load_opts *opts);

int __wrap_bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license,
			 const struct bpf_insn *insns, size_t len,
			 struct bpf_prog_load_opts *opts);

int __wrap_bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license,
			 const struct bpf_insn *insns, size_t len,
			 struct bpf_prog_load_opts *opts)
{
	for (size_t i = 0; current && i < current->nr_programs; i++) {
		struct bpf_program *prog = &current->programs[i];
		struct stream s = { .program = prog->name, .section = prog->sec_name,
				    .len = len, .big_endian = was_big_endian };

		if (prog->insns != insns)
			continue;
		s.insns = malloc(len * sizeof(*insns));
		if (!s.insns)
			abort();
		memcpy(s.insns, insns, len * sizeof(*insns));
		s.type = type;
		s.attach_btf_id = opts->attach_btf_id;
		s.expected_attach_type = opts->expected_attach_type;
		s.attach_module = module_of(current, opts->attach_btf_obj_fd);
		s.func_info = opts->func_info;
		s.func_info_size = opts->func_info_rec_size;
		s.func_info_len = opts->func_info_cnt;
		s.line_info = opts->line_info;
		s.line_info_size = opts->line_info_rec_size;
		s.line_info_len = opts->line_info_cnt;
		place_notes(&s.notes, prog, 0);
		for (size_t k = 0; k < prog->subprog_cnt; k++) {
			const struct bpf_light_subprog *sub = &prog->subprogs[k];
			const struct bpf_program *from = subprogram_at(current, sub->sec_insn_off);

			if (from)
				place_notes(&s.notes, from, sub->sub_insn_off);
		}
		captured(current, i, &s);
		free(s.notes.at);
		free(s.insns);
		break;
	}
	return __real_bpf_prog_load(type, name, license, insns, len, opts);
}

static const char *outcome_of(const struct bpf_core_relo *relo, const struct bpf_insn *insn,
			      const struct bpf_core_relo_res *res)
{
	bool poisoned = insn->code == (BPF_JMP | BPF_CALL) && insn->imm == 0xbad2310;

	if (poisoned)
		return "poisoned";
	if (res->new_val == 0 && res->orig_val != 0)
		switch (relo->kind) {
		case BPF_CORE_FIELD_EXISTS:
		case BPF_CORE_TYPE_EXISTS:
		case BPF_CORE_TYPE_MATCHES:
		case BPF_CORE_TYPE_SIZE:
		case BPF_CORE_TYPE_ID_TARGET:
		case BPF_CORE_ENUMVAL_EXISTS:
			return "absent";
		default:
			break;
		}
	return res->new_val == res->orig_val && res->new_sz == res->orig_sz ? "unchanged"
									      : "patched";
}

int __real_bpf_core_patch_insn(const char *prog_name, struct bpf_insn *insn, int insn_idx,
			       const struct bpf_core_relo *relo, int relo_idx,
			       const struct bpf_core_relo_res *res);

int __wrap_bpf_core_patch_insn(const char *prog_name, struct bpf_insn *insn, int insn_idx,
			       const struct bpf_core_relo *relo, int relo_idx,
			       const struct bpf_core_relo_res *res);

int __wrap_bpf_core_patch_insn(const char *prog_name, struct bpf_insn *insn, int insn_idx,
			       const struct bpf_core_relo *relo, int relo_idx,
			       const struct bpf_core_relo_res *res)
{
	int err = __real_bpf_core_patch_insn(prog_name, insn, insn_idx, relo, relo_idx, res);

	for (size_t i = 0; !err && current && i < current->nr_programs; i++) {
		const struct bpf_program *prog = &current->programs[i];

		if (insn < prog->insns || insn >= prog->insns + prog->insns_cnt)
			continue;
		notes_push(&notes_of[i], (struct note){
			.insn = insn_idx, .extern_idx = -1, .kind = relo->kind,
			.outcome = outcome_of(relo, insn, res),
			.old_value = res->orig_val, .new_value = res->new_val });
		break;
	}
	return err;
}
