/*
 * What libbpf makes of a module's BTF when it is built apart from its kernel, and when it
 * then meets another one:
 *
 *   distill BUILT_VMLINUX MODULE_BTF MET_VMLINUX FOLDER
 *
 * writes FOLDER/base (the distilled base), FOLDER/split (the module's BTF over it) and
 * FOLDER/relocated (over MET_VMLINUX). Where libbpf refuses the last step, FOLDER/relocated is
 * missing and the exit status is 3.
 */
#include <stdio.h>
#include <stdlib.h>

#include "btf.h"
#include "libbpf.h"

enum { REFUSED = 3 };

static struct btf *must(struct btf *btf, const char *what)
{
	if (btf)
		return btf;
	perror(what);
	exit(1);
}

/* What write_raw wrote, read anew: libbpf keeps the bytes that it once gave out, and does not
 * change them when it moves the types. */
static struct btf *read_raw(const char *folder, const char *name, struct btf *base)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return must(btf__parse_raw_split(path, base), path);
}

static void write_raw(struct btf *btf, const char *folder, const char *name)
{
	char path[4096];
	__u32 size;
	const void *data = btf__raw_data(btf, &size);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "wb");
	if (!data || !file || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
		perror(path);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct btf *built, *module, *met, *base, *split;
	int error;

	if (argc != 5)
		return 2;
	built = must(btf__parse_raw(argv[1]), argv[1]);
	module = must(btf__parse_raw_split(argv[2], built), argv[2]);
	met = must(btf__parse_raw(argv[3]), argv[3]);
	error = btf__distill_base(module, &base, &split);
	if (error) {
		fprintf(stderr, "btf__distill_base: %d\n", error);
		return 1;
	}
	write_raw(base, argv[4], "base");
	write_raw(split, argv[4], "split");
	split = read_raw(argv[4], "split", read_raw(argv[4], "base", NULL));
	if (btf__relocate(split, met))
		return REFUSED;
	write_raw(split, argv[4], "relocated");
	return 0;
}
