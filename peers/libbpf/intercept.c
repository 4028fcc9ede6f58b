/* Stands between libbpf and the machine: every way by which libbpf asks the
 * kernel something while it loads ends here (the linker's --wrap).
 */
#include <byteswap.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/version.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "libbpf.h"
#include "bpf.h"
#include "btf.h"
#include "libbpf_internal.h"
#include "relo_core.h"
#include "syscall.h"
#include "witness.h"

#define MODULES_MAX 4096
#define FDS_MAX 65536

struct module {
	char *name;
	struct btf *btf;
};

static struct btf *vmlinux; /* the target's, or this machine's once it is asked for */
static bool given;
static struct module modules[MODULES_MAX];
static size_t module_count;
static uint16_t module_of_fd[FDS_MAX]; /* index + 1 */

bool target_is_given(void)
{
	return given;
}

/* `drivers/nf_conntrack.btf` names the module `nf_conntrack`. */
static char *stem(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = strdup(slash ? slash + 1 : path);
	char *dot = name ? strchr(name, '.') : NULL;

	if (dot)
		*dot = '\0';
	return name;
}

/* Adds `[NAME=]FILE`; the first is vmlinux. */
int target_add(const char *spec)
{
	const char *equals = strchr(spec, '=');
	const char *path = equals ? equals + 1 : spec;
	struct btf *btf;

	if (!vmlinux) {
		vmlinux = btf__parse(path, NULL);
		given = true;
		return vmlinux ? 0 : -errno;
	}
	if (module_count == MODULES_MAX)
		return -E2BIG;
	btf = btf__parse_split(path, vmlinux);
	if (!btf)
		return -errno;
	modules[module_count++] = (struct module){
		.name = equals ? strndup(spec, equals - spec) : stem(path), .btf = btf };
	return 0;
}

struct btf *__real_btf__load_vmlinux_btf(void);
struct btf *__wrap_btf__load_vmlinux_btf(void);

/* One parse serves every pass over the object: see __wrap_btf__free. */
struct btf *__wrap_btf__load_vmlinux_btf(void)
{
	if (!vmlinux)
		vmlinux = __real_btf__load_vmlinux_btf();
	return vmlinux;
}

static bool is_module(const struct btf *btf)
{
	for (size_t i = 0; i < module_count; i++)
		if (modules[i].btf == btf)
			return true;
	return false;
}

void __real_btf__free(struct btf *btf);
void __wrap_btf__free(struct btf *btf);

void __wrap_btf__free(struct btf *btf)
{
	if (btf != vmlinux && !is_module(btf))
		__real_btf__free(btf);
}

struct btf *__real_btf_get_from_fd(int fd, struct btf *base);
struct btf *__wrap_btf_get_from_fd(int fd, struct btf *base);

/* Modules too are parsed once. */
struct btf *__wrap_btf_get_from_fd(int fd, struct btf *base)
{
	if (fd >= 0 && fd < FDS_MAX && module_of_fd[fd] && !settings.real_kernel)
		return modules[module_of_fd[fd] - 1].btf;
	return __real_btf_get_from_fd(fd, base);
}

struct btf *__real_btf__new(const void *data, __u32 size);
struct btf *__wrap_btf__new(const void *data, __u32 size);

/* A header longer than libbpf's own it reads in the byte order of its host only: for
 * the other one the first fields alone stand before what follows the header. */
struct btf *__wrap_btf__new(const void *data, __u32 size)
{
	const __u32 own = offsetof(struct btf_header, str_len) + sizeof(__u32);
	struct btf_header header;
	struct btf *btf;
	__u32 len;
	char *copy;

	if (size < own)
		return __real_btf__new(data, size);
	memcpy(&header, data, own);
	len = bswap_32(header.hdr_len);
	if (header.magic != bswap_16(BTF_MAGIC) || len <= own || len > size)
		return __real_btf__new(data, size);
	copy = malloc(own + size - len);
	if (!copy)
		abort();
	header.hdr_len = bswap_32(own);
	memcpy(copy, &header, own);
	memcpy(copy + own, (const char *)data + len, size - len);
	btf = __real_btf__new(copy, own + size - len);
	free(copy);
	return btf;
}

int target_prepare(void)
{
	struct rlimit files;

	/* libbpf holds all modules' BTF open. */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return __wrap_btf__load_vmlinux_btf() ? 0 : -errno;
}

bool __real_feat_supported(struct kern_feature_cache *cache, enum kern_feature_id feature);
bool __wrap_feat_supported(struct kern_feature_cache *cache, enum kern_feature_id feature);

/* Asked of this machine, the only place where bpf(2) reaches it. */
static bool running_kernel_has(enum kern_feature_id feature)
{
	bool has;

	settings.real_kernel = true;
	has = __real_feat_supported(NULL, feature);
	settings.real_kernel = false;
	return has;
}

/* A kernel that has everything, or what the named release or this machine has of the
 * features that change instructions or data. */
bool __wrap_feat_supported(struct kern_feature_cache *cache, enum kern_feature_id feature)
{
	if (settings.real_kernel)
		return __real_feat_supported(cache, feature);
	if (!settings.release && !target_is_given() && feature == FEAT_LDIMM64_FULL_RANGE_OFF)
		return running_kernel_has(feature);
	if (!settings.release)
		return true;
	switch (feature) {
	case FEAT_LDIMM64_FULL_RANGE_OFF:
		return settings.release >= KERNEL_VERSION(7, 0, 0);
	case FEAT_PROBE_READ_KERN:
		return settings.release >= KERNEL_VERSION(5, 5, 0);
	case FEAT_BPF_COOKIE:
		return settings.release >= KERNEL_VERSION(5, 15, 0);
	case FEAT_BTF_DECL_TAG: /* by one of them a program has its exception callback */
		return settings.release >= KERNEL_VERSION(5, 16, 0);
	default:
		return true;
	}
}

__u32 __real_get_kernel_version(void);
__u32 __wrap_get_kernel_version(void);

__u32 __wrap_get_kernel_version(void)
{
	if (settings.release)
		return settings.release;
	/* 0 is libbpf's own word for "unknown". */
	return target_is_given() && !settings.real_kernel ? 0 : __real_get_kernel_version();
}

/* What a given target does not tell is not asked of this machine instead. */
static const char *redirect(const char *path)
{
	if (settings.real_kernel)
		return path;
	if (!strcmp(path, "/proc/kallsyms")) {
		if (settings.kallsyms)
			return settings.kallsyms;
		return target_is_given() ? "/dev/null" : path;
	}
	if (!strncmp(path, "/boot/config-", 13) || !strcmp(path, "/proc/config.gz")) {
		if (settings.kconfig)
			return settings.kconfig;
		return target_is_given() ? "/dev/null" : path;
	}
	return path;
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__real_fopen64(const char *path, const char *mode);
gzFile __real_gzopen(const char *path, const char *mode);
gzFile __real_gzopen64(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);
gzFile __wrap_gzopen(const char *path, const char *mode);
gzFile __wrap_gzopen64(const char *path, const char *mode);

FILE *__wrap_fopen(const char *path, const char *mode)
{
	return __real_fopen(redirect(path), mode);
}

FILE *__wrap_fopen64(const char *path, const char *mode)
{
	return __real_fopen64(redirect(path), mode);
}

gzFile __wrap_gzopen(const char *path, const char *mode)
{
	return __real_gzopen(redirect(path), mode);
}

gzFile __wrap_gzopen64(const char *path, const char *mode)
{
	return __real_gzopen64(redirect(path), mode);
}

int big_endian_bpf_core_calc_relo_insn(const char *prog_name, const struct bpf_core_relo *relo,
				       int relo_idx, const struct btf *local_btf,
				       struct bpf_core_cand_list *cands,
				       struct bpf_core_spec *specs_scratch,
				       struct bpf_core_relo_res *targ_res);
int __real_bpf_core_calc_relo_insn(const char *prog_name, const struct bpf_core_relo *relo,
				   int relo_idx, const struct btf *local_btf,
				   struct bpf_core_cand_list *cands,
				   struct bpf_core_spec *specs_scratch,
				   struct bpf_core_relo_res *targ_res);
int __wrap_bpf_core_calc_relo_insn(const char *prog_name, const struct bpf_core_relo *relo,
				   int relo_idx, const struct btf *local_btf,
				   struct bpf_core_cand_list *cands,
				   struct bpf_core_spec *specs_scratch,
				   struct bpf_core_relo_res *targ_res);

int __wrap_bpf_core_calc_relo_insn(const char *prog_name, const struct bpf_core_relo *relo,
				   int relo_idx, const struct btf *local_btf,
				   struct bpf_core_cand_list *cands,
				   struct bpf_core_spec *specs_scratch,
				   struct bpf_core_relo_res *targ_res)
{
	bool big = btf__endianness(local_btf) == BTF_BIG_ENDIAN;

	return (big ? big_endian_bpf_core_calc_relo_insn : __real_bpf_core_calc_relo_insn)(
		prog_name, relo, relo_idx, local_btf, cands, specs_scratch, targ_res);
}

static int placeholder(off_t size)
{
	int fd = memfd_create("bpf", MFD_CLOEXEC);

	if (fd >= 0 && size && ftruncate(fd, size)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* libbpf maps data maps (and arenas) into its own memory right away. */
static int map_create(const union bpf_attr *attr)
{
	uint64_t size = (uint64_t)attr->value_size * attr->max_entries;

	if (attr->map_type == BPF_MAP_TYPE_ARENA)
		size = (uint64_t)attr->max_entries * sysconf(_SC_PAGESIZE);
	else if (!(attr->map_flags & BPF_F_MMAPABLE))
		size = 0;
	return placeholder(size);
}

static int map_update(const union bpf_attr *attr)
{
	size_t size = inside_map_value_size_by_fd(attr->map_fd);
	const void *value = (const void *)(uintptr_t)attr->value;

	return size && pwrite(attr->map_fd, value, size, 0) != (ssize_t)size ? -1 : 0;
}

static int module_next(union bpf_attr *attr)
{
	if (attr->start_id >= module_count) {
		errno = ENOENT;
		return -1;
	}
	attr->next_id = attr->start_id + 1;
	return 0;
}

static int module_open(const union bpf_attr *attr)
{
	int fd = placeholder(0);

	if (fd >= FDS_MAX || attr->btf_id == 0 || attr->btf_id > module_count) {
		errno = EINVAL;
		return -1;
	}
	if (fd >= 0)
		module_of_fd[fd] = attr->btf_id;
	return fd;
}

static int module_info(const union bpf_attr *attr)
{
	struct bpf_btf_info *info = (void *)(uintptr_t)attr->info.info;
	uint32_t fd = attr->info.bpf_fd, len;
	const struct module *module;
	const void *data;

	if (fd >= FDS_MAX || !module_of_fd[fd]) {
		errno = EINVAL;
		return -1;
	}
	module = &modules[module_of_fd[fd] - 1];
	data = btf__raw_data(module->btf, &len);
	if (info->btf && data)
		memcpy((void *)(uintptr_t)info->btf, data,
		       len < info->btf_size ? len : info->btf_size);
	if (info->name)
		snprintf((void *)(uintptr_t)info->name, info->name_len, "%s", module->name);
	info->btf_size = len;
	info->kernel_btf = 1;
	info->id = module_of_fd[fd];
	return 0;
}

static int offline_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	switch (cmd) {
	case BPF_MAP_CREATE:
		return map_create(attr);
	case BPF_PROG_LOAD:
	case BPF_BTF_LOAD:
		return placeholder(0);
	case BPF_MAP_UPDATE_ELEM:
		return map_update(attr);
	case BPF_MAP_FREEZE:
	case BPF_PROG_BIND_MAP:
		return 0;
	case BPF_BTF_GET_NEXT_ID:
		return module_next(attr);
	case BPF_BTF_GET_FD_BY_ID:
		return module_open(attr);
	case BPF_OBJ_GET_INFO_BY_FD:
		return module_info(attr);
	case BPF_OBJ_GET:
	case BPF_TOKEN_CREATE:
		errno = ENOENT;
		return -1;
	default:
		errno = EINVAL;
		return -1;
	}
}

static bool answer_bpf(long command, union bpf_attr *attr, long *answer)
{
	if (!settings.real_kernel)
		*answer = offline_bpf(command, attr);
	return !settings.real_kernel;
}
