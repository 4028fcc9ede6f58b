/*
 * What every booted kernel must be able to do before anything else is tried on it:
 * show its BTF, the same as the file in the first argument if there is one, and load
 * the shortest program. Exits with 0, or with the number of the step that failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

static int say(int step, const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return step;
}

static int show(void)
{
	struct utsname name;
	unsigned char head[8];
	int file = open(KERNEL_BTF, O_RDONLY);

	if (uname(&name) != 0 || file < 0 || read(file, head, sizeof(head)) != sizeof(head))
		return say(1, KERNEL_BTF);
	close(file);
	printf("%s %s, BTF", name.release, name.machine);
	for (unsigned int i = 0; i < sizeof(head); i++)
		printf(" %02x", head[i]);
	printf("\n");
	return 0;
}

static int same_as(const char *path)
{
	static unsigned char left[65536], right[65536];
	FILE *kernel = fopen(KERNEL_BTF, "rb"), *file = fopen(path, "rb");
	size_t count, other;

	if (!kernel || !file)
		return say(2, path);
	do {
		count = fread(left, 1, sizeof(left), kernel);
		other = fread(right, 1, sizeof(right), file);
		if (count != other || memcmp(left, right, count) != 0) {
			printf("%s differs from %s\n", path, KERNEL_BTF);
			return 2;
		}
	} while (count > 0);
	printf("%s is the same\n", path);
	return 0;
}

static int load(void)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;
	long fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (unsigned long)insns;
	attr.insn_cnt = 2;
	attr.license = (unsigned long)"GPL";
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return say(3, "BPF_PROG_LOAD");
	printf("r0 = 0; exit loads\n");
	return 0;
}

int main(int argc, char **argv)
{
	int status = show();

	if (status == 0 && argc > 1)
		status = same_as(argv[1]);
	return status ? status : load();
}
