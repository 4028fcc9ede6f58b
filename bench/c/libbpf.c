/* libbpf, measured: opened and prepared by its public calls, up to the point where it would
 * load programs. What it must know of the running kernel it asks, as bpflink does, and that
 * counts; all its other calls of bpf(2) are answered here, as cheaply as can be: no work of the
 * kernel counts. Of another kernel it is told that it has every feature. With `keep` it gets one
 * parsed kernel BTF again and again, which it cannot keep by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libbpf.h"
#include "btf.h"
#include "libbpf_internal.h"
#include "../../peers/libbpf/syscall.h"
#include "runner.h"

static const char *target;
static struct btf *kept;
/* Stands for every map and program; as large as any of their values. */
static int placeholder = -1;
#define PLACEHOLDER_BYTES (INT64_C(1) << 32)

static int offline_bpf(enum bpf_cmd cmd)
{
	switch (cmd) {
	case BPF_MAP_CREATE:
	case BPF_PROG_LOAD:
	case BPF_BTF_LOAD:
		return fcntl(placeholder, F_DUPFD_CLOEXEC, 3);
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_FREEZE:
	case BPF_PROG_BIND_MAP:
		return 0;
	case BPF_BTF_GET_NEXT_ID: /* no modules */
	case BPF_OBJ_GET:
	case BPF_TOKEN_CREATE:
		errno = ENOENT;
		return -1;
	default:
		errno = EINVAL;
		return -1;
	}
}

static bool asking;

static bool answer_bpf(long command, union bpf_attr *attr, long *answer)
{
	if (asking)
		return false;
	*answer = offline_bpf(command);
	return true;
}

bool __real_feat_supported(struct kern_feature_cache *cache, enum kern_feature_id feature);
bool __wrap_feat_supported(struct kern_feature_cache *cache, enum kern_feature_id feature);

bool __wrap_feat_supported(struct kern_feature_cache *cache, enum kern_feature_id feature)
{
	bool supported;

	if (kept || target)
		return true;
	asking = true;
	supported = __real_feat_supported(cache, feature);
	asking = false;
	return supported;
}

struct btf *__real_btf__load_vmlinux_btf(void);
struct btf *__wrap_btf__load_vmlinux_btf(void);

struct btf *__wrap_btf__load_vmlinux_btf(void)
{
	if (kept)
		return kept;
	return target ? btf__parse_raw(target) : __real_btf__load_vmlinux_btf();
}

void __real_btf__free(struct btf *btf);
void __wrap_btf__free(struct btf *btf);

void __wrap_btf__free(struct btf *btf)
{
	if (btf == kept)
		return;
	/* The kernel's is given up when programs are relocated: the most that is held. */
	if (btf && btf__type_cnt(btf) > 10000)
		memory_told();
	__real_btf__free(btf);
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

void target_set(const char *btf, bool keep)
{
	libbpf_set_print(silent);
	placeholder = memfd_create("bpf", MFD_CLOEXEC);
	if (placeholder < 0 || ftruncate(placeholder, PLACEHOLDER_BYTES))
		perror("memfd_create");
	target = btf;
	if (keep)
		kept = btf ? btf__parse_raw(btf) : __real_btf__load_vmlinux_btf();
}

static void digest_object(struct bpf_object *object, struct digest *digest)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		digest_add(digest, bpf_program__insns(program), bpf_program__insn_cnt(program));
}

/* The types of programs are the loader's; they never change the stream. */
static void choose_all(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, true);
		if (bpf_program__type(program) == BPF_PROG_TYPE_UNSPEC)
			bpf_program__set_type(program, BPF_PROG_TYPE_SOCKET_FILTER);
	}
}

int link_object(const struct input *input, struct digest *digest)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "o");
	struct bpf_object *object = input->bytes ?
		bpf_object__open_mem(input->bytes, input->size, &opts) :
		bpf_object__open_file(input->path, &opts);
	int status;

	if (!object)
		return -1;
	choose_all(object);
	status = bpf_object__prepare(object);
	if (!status && digest)
		digest_object(object, digest);
	bpf_object__close(object);
	return status;
}

int link_for(const struct input *input, const char *btf, struct digest *digest)
{
	struct btf *before = kept;
	const char *target_before = target;
	int status;

	kept = NULL, target = strcmp(btf, RUNNING_KERNEL) ? btf : NULL;
	status = link_object(input, digest);
	kept = before, target = target_before;
	return status;
}
