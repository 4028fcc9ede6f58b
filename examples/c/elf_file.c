// SPDX-License-Identifier: MIT OR Apache-2.0
/* Reading executables and libraries: functions, sections, where an address is in the file. */
#define _GNU_SOURCE
#include "elf_file.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const void *image_at(const struct image *image, uint64_t offset, uint64_t size)
{
	return offset <= image->size && size <= image->size - offset ? image->bytes + offset : NULL;
}

const void *image_record(const struct image *image, uint64_t offset, uint64_t size, uint64_t alignment)
{
	return offset % alignment ? NULL : image_at(image, offset, size);
}

const char *image_string(const struct image *image, uint64_t offset)
{
	const char *text = image_at(image, offset, 1);

	return text && memchr(text, 0, image->size - offset) ? text : NULL;
}

const Elf64_Ehdr *image_head(const struct image *image)
{
	return image_at(image, 0, sizeof(Elf64_Ehdr));
}

const Elf64_Shdr *image_section(const struct image *image, size_t index)
{
	const Elf64_Ehdr *head = image_head(image);

	return index < head->e_shnum ?
		       image_record(image, head->e_shoff + index * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr), 8) :
		       NULL;
}

const Elf64_Shdr *find_section(const struct image *image, const char *name)
{
	const Elf64_Ehdr *head = image_head(image);
	const Elf64_Shdr *names = image_section(image, head->e_shstrndx);

	for (size_t n = 0; names && n < head->e_shnum; n++) {
		const Elf64_Shdr *section = image_section(image, n);
		const char *its = section ? image_string(image, names->sh_offset + section->sh_name) : NULL;

		if (its && !strcmp(its, name))
			return section;
	}
	return NULL;
}

uint64_t file_offset(const struct image *image, uint64_t address)
{
	const Elf64_Ehdr *head = image_head(image);

	for (size_t n = 0; n < head->e_phnum; n++) {
		const Elf64_Phdr *part = image_record(image, head->e_phoff + n * sizeof *part, sizeof *part, 8);

		if (part && part->p_type == PT_LOAD && address >= part->p_vaddr &&
		    address - part->p_vaddr < part->p_filesz)
			return address - part->p_vaddr + part->p_offset;
	}
	return 0;
}

/* The functions of one symbol table. */
static int each_symbol(const struct image *image, const Elf64_Shdr *table, function_visitor *visit, void *data)
{
	const Elf64_Shdr *strings = image_section(image, table->sh_link);
	int answer = 0;

	if (!strings || !image_at(image, table->sh_offset, table->sh_size))
		return 0;
	for (size_t n = 0; !answer && n < table->sh_size / sizeof(Elf64_Sym); n++) {
		const Elf64_Sym *symbol =
			image_record(image, table->sh_offset + n * sizeof *symbol, sizeof *symbol, 8);
		const char *name;
		uint64_t offset;

		if (!symbol || ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || !symbol->st_value)
			continue;
		name = image_string(image, strings->sh_offset + symbol->st_name);
		if (!name)
			continue;
		offset = file_offset(image, symbol->st_value);
		answer = offset ? visit(data, name, offset) : 0;
	}
	return answer;
}

int each_function(const struct image *image, function_visitor *visit, void *data)
{
	const Elf64_Ehdr *head = image_head(image);
	int answer = 0;

	for (size_t n = 0; !answer && n < head->e_shnum; n++) {
		const Elf64_Shdr *table = image_section(image, n);

		if (table && (table->sh_type == SHT_SYMTAB || table->sh_type == SHT_DYNSYM))
			answer = each_symbol(image, table, visit, data);
	}
	return answer;
}

static int open_file(struct image *image, const char *name)
{
	static const char *const folders[] = { "/usr/bin", "/usr/sbin", "/usr/lib64", "/usr/lib/x86_64-linux-gnu",
					       "/usr/lib/aarch64-linux-gnu", "/usr/lib" };
	int fd;

	snprintf(image->path, sizeof image->path, "%s", name);
	if (strchr(name, '/'))
		return open(name, O_RDONLY | O_CLOEXEC);
	for (size_t n = 0; n < sizeof folders / sizeof *folders; n++) {
		snprintf(image->path, sizeof image->path, "%s/%s", folders[n], name);
		fd = open(image->path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static int is_elf(const struct image *image)
{
	const Elf64_Ehdr *head = image_head(image);

	return head && !memcmp(head->e_ident, ELFMAG, SELFMAG) && head->e_ident[EI_CLASS] == ELFCLASS64;
}

int open_image(struct image *image, const char *name)
{
	int fd = open_file(image, name);
	void *bytes = MAP_FAILED;
	struct stat file;

	if (fd < 0)
		return -1;
	if (!fstat(fd, &file) && file.st_size > 0)
		bytes = mmap(NULL, file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED)
		return -1;
	image->bytes = bytes;
	image->size = file.st_size;
	if (is_elf(image))
		return 0;
	close_image(image);
	return -1;
}

void close_image(struct image *image)
{
	munmap((void *)image->bytes, image->size);
}
