// SPDX-License-Identifier: MIT OR Apache-2.0
/* Probes of functions in user space: the kernel wants a place in a file, not a name. */
#define _GNU_SOURCE
#include "loader.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* An executable or library of this machine, mapped. It is trusted as the programs are
 * that run from it; bounds are checked all the same. */
struct image {
	const unsigned char *bytes;
	size_t size;
};

static const void *at(const struct image *image, uint64_t offset, uint64_t size)
{
	return offset <= image->size && size <= image->size - offset ? image->bytes + offset : NULL;
}

static const Elf64_Shdr *section(const struct image *image, const Elf64_Ehdr *head, size_t index)
{
	return index < head->e_shnum ? at(image, head->e_shoff + index * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr)) :
				       NULL;
}

/* The address of a function in one symbol table; 0 where it is not there. */
static uint64_t find_symbol(const struct image *image, const Elf64_Ehdr *head, const Elf64_Shdr *table,
			    const char *name)
{
	const Elf64_Shdr *strings = section(image, head, table->sh_link);
	size_t length = strlen(name) + 1;

	if (!strings || !at(image, table->sh_offset, table->sh_size))
		return 0;
	for (size_t n = 0; n < table->sh_size / sizeof(Elf64_Sym); n++) {
		const Elf64_Sym *symbol = at(image, table->sh_offset + n * sizeof *symbol, sizeof *symbol);
		const char *its = at(image, strings->sh_offset + symbol->st_name, length);

		if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_value && its &&
		    !memcmp(its, name, length))
			return symbol->st_value;
	}
	return 0;
}

/* Where in the file the byte of that address lies; 0 where nowhere. */
static uint64_t file_offset(const struct image *image, const Elf64_Ehdr *head, uint64_t address)
{
	for (size_t n = 0; n < head->e_phnum; n++) {
		const Elf64_Phdr *part = at(image, head->e_phoff + n * sizeof *part, sizeof *part);

		if (part && part->p_type == PT_LOAD && address >= part->p_vaddr &&
		    address - part->p_vaddr < part->p_filesz)
			return address - part->p_vaddr + part->p_offset;
	}
	return 0;
}

static uint64_t function_offset(const struct image *image, const char *name)
{
	const Elf64_Ehdr *head = at(image, 0, sizeof *head);

	if (!head || memcmp(head->e_ident, ELFMAG, SELFMAG) || head->e_ident[EI_CLASS] != ELFCLASS64)
		return 0;
	for (size_t n = 0; n < head->e_shnum; n++) {
		const Elf64_Shdr *table = section(image, head, n);
		uint64_t address;

		if (!table || (table->sh_type != SHT_SYMTAB && table->sh_type != SHT_DYNSYM))
			continue;
		address = find_symbol(image, head, table, name);
		if (address)
			return file_offset(image, head, address);
	}
	return 0;
}

/* A name without a slash is that of a program or library where those mostly are. */
static int open_binary(const char *path, char *found, size_t room)
{
	static const char *const folders[] = { "/usr/bin", "/usr/sbin", "/usr/lib64", "/usr/lib/x86_64-linux-gnu",
					       "/usr/lib/aarch64-linux-gnu", "/usr/lib" };
	int fd;

	snprintf(found, room, "%s", path);
	if (strchr(path, '/'))
		return open(path, O_RDONLY | O_CLOEXEC);
	for (size_t n = 0; n < sizeof folders / sizeof *folders; n++) {
		snprintf(found, room, "%s/%s", folders[n], path);
		fd = open(found, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static uint64_t find_function(const char *path, const char *function, char *found, size_t room)
{
	int fd = open_binary(path, found, room);
	struct image image = { NULL, 0 };
	uint64_t offset = 0;
	struct stat file;
	void *bytes;

	if (fd < 0)
		return 0;
	if (!fstat(fd, &file) && file.st_size > 0) {
		image.size = file.st_size;
		bytes = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes != MAP_FAILED) {
			image.bytes = bytes;
			offset = function_offset(&image, function);
			munmap(bytes, image.size);
		}
	}
	close(fd);
	return offset;
}

int attach_uprobe(struct program *p)
{
	int type = read_number("/sys/bus/event_source/devices/uprobe/type");
	struct perf_event_attr attr;
	char path[512];
	uint64_t offset;

	if (type < 0)
		return not_attached(p, "the kernel has no uprobes");
	if (!p->attach.path[0])
		return not_attached(p, "its section does not say which file");
	offset = find_function(p->attach.path, p->attach.name, path, sizeof path);
	if (!offset)
		return not_attached(p, "the file has no such function");
	memset(&attr, 0, sizeof attr);
	attr.type = type;
	attr.size = sizeof attr;
	attr.config = (p->attach.flags & BPFLINK_ATTACH_ON_RETURN) != 0;
	attr.config1 = (uintptr_t)path;
	attr.config2 = offset + p->attach.offset;
	return start_perf_event(p, &attr, -1, 0);
}
