/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An executable or library of this machine, mapped, in which probes have their places. It is
 * trusted as the programs are that run from it; bounds are checked all the same. */
#ifndef EXAMPLES_ELF_FILE_H
#define EXAMPLES_ELF_FILE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

struct image {
	const unsigned char *bytes;
	size_t size;
	char path[512]; /* where it was found */
};

/* A name without a slash is that of a program or library where those mostly are.
 * -1 where there is no such file, or where it is no 64-bit ELF file. */
int open_image(struct image *image, const char *name);
void close_image(struct image *image);

/* NULL where the file does not reach so far; of a record, also where it is not aligned as
 * all its kind are; of a string, where it does not end. */
const void *image_at(const struct image *image, uint64_t offset, uint64_t size);
const void *image_record(const struct image *image, uint64_t offset, uint64_t size, uint64_t alignment);
const char *image_string(const struct image *image, uint64_t offset);
const Elf64_Ehdr *image_head(const struct image *image);
const Elf64_Shdr *image_section(const struct image *image, size_t index);
const Elf64_Shdr *find_section(const struct image *image, const char *name);

/* Where in the file the byte of that address lies; 0 where nowhere. */
uint64_t file_offset(const struct image *image, uint64_t address);

/* Calls VISIT with each function that a symbol names and its offset in the file, until one
 * answers other than 0; the last answer. A function may have several names. */
typedef int function_visitor(void *data, const char *name, uint64_t offset);
int each_function(const struct image *image, function_visitor *visit, void *data);

#endif
