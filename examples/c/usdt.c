// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * USDT: places that a program declares in notes of its file, with a name, and with where its
 * arguments are. A place is a nop that a uprobe replaces. The functions of <bpf/usdt.bpf.h>, in
 * the object, look an argument up in the map __bpf_usdt_specs; which of its entries is meant the
 * cookie of the probe says, or, before Linux 5.15, the map __bpf_usdt_ip_to_spec_id.
 */
#define _GNU_SOURCE
#include "usdt.h"
#include "elf_file.h"
#include "loader.h"
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NOTE_TYPE 3
#define ENTRY_MAX 512
/* BPF_PERF_EVENT, the kind of link that has a cookie: Linux 5.15. */
#define ATTACH_PERF_EVENT 41
/* Where perf's description of a uprobe has the place of the counter. */
#define COUNTER_SHIFT 32

/* How an entry of __bpf_usdt_specs lies in memory: libbpf 1.7 put indexed operands in. */
static const struct layout {
	uint32_t size; /* of the entry */
	uint16_t each, kind, index, base, is_signed, cut, count;
	uint16_t kind_bytes;
} layouts[] = {
	{ .size = 208, .each = 16, .kind = 8, .kind_bytes = 4, .base = 12, .is_signed = 14, .cut = 15, .count = 200 },
	{ .size = 304, .each = 24, .kind = 8, .kind_bytes = 1, .index = 10, .base = 14, .is_signed = 16, .cut = 17,
	  .count = 296 },
};

/* A place of a probe. */
struct site {
	uint64_t address;
	uint64_t offset;  /* in the file */
	uint64_t counter; /* likewise: of the number that says whether somebody probes, or 0 */
	const char *arguments;
};

struct search {
	struct loader *loader;
	struct program *program;
	const struct image *image;
	const struct layout *layout;
	struct map *entries, *by_address;
	uint64_t base;
	int type; /* of uprobes, for perf */
};

static const struct layout *find_layout(uint32_t size)
{
	for (size_t n = 0; n < sizeof layouts / sizeof *layouts; n++)
		if (layouts[n].size == size)
			return &layouts[n];
	return NULL;
}

static void put(unsigned char *entry, size_t at, const void *bytes, size_t size)
{
	memcpy(entry + at, bytes, size);
}

static int put_argument(unsigned char *entry, const struct layout *l, const struct usdt_argument *a)
{
	uint32_t kind = a->place;
	uint16_t index = a->index | a->shift << 12;
	unsigned char cut = 64 - 8 * a->size;

	if (a->place == USDT_INDEXED && !l->index)
		return -1;
	put(entry, 0, &a->value, sizeof a->value);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	put(entry, l->kind, &kind, l->kind_bytes);
	if (l->index)
		put(entry, l->index, &index, sizeof index);
	put(entry, l->base, &a->base, sizeof a->base);
	put(entry, l->is_signed, &a->is_signed, 1);
	put(entry, l->cut, &cut, 1);
	return 0;
#else
	(void)kind, (void)index, (void)cut;
	return -1;
#endif
}

/* Writes the entry of a place; its number, or -1. */
static int64_t write_entry(const struct search *s, const char *arguments)
{
	struct usdt_argument list[USDT_ARGUMENTS_MAX];
	unsigned char entry[ENTRY_MAX] = { 0 };
	uint32_t number = s->loader->usdt_entries;
	int16_t count = read_usdt_arguments(arguments, list);

	if (count < 0)
		return not_attached(s->program, "a place has arguments of an unknown form");
	for (int n = 0; n < count; n++)
		if (put_argument(entry + n * s->layout->each, s->layout, &list[n]))
			return not_attached(s->program, "the object's usdt.bpf.h is too old for an argument");
	put(entry, s->layout->count, &count, sizeof count);
	if (map_update(s->entries->fd, &number, entry))
		return not_attached_errno(s->program, "__bpf_usdt_specs");
	s->loader->usdt_entries++;
	return number;
}

static int add_link(struct program *p, int fd)
{
	int *links = realloc(p->more_links, (p->more_link_count + 1) * sizeof *links);

	if (!links) {
		close(fd);
		return -1;
	}
	p->more_links = links;
	links[p->more_link_count++] = fd;
	return 0;
}

/* Before there were cookies the entry is found by where the program stopped: that is known
 * beforehand of a file that is never moved. */
static int start_by_address(const struct search *s, const struct site *site, int event, uint32_t number)
{
	if (image_head(s->image)->e_type != ET_EXEC)
		return not_attached(s->program, "this kernel has no cookies, and the file may be anywhere in memory");
	if (!s->by_address || s->by_address->fd < 0 || map_update(s->by_address->fd, &site->address, &number))
		return not_attached(s->program, "__bpf_usdt_ip_to_spec_id takes no entry");
	if (ioctl(event, PERF_EVENT_IOC_SET_BPF, s->program->fd) || ioctl(event, PERF_EVENT_IOC_ENABLE, 0))
		return not_attached_errno(s->program, "PERF_EVENT_IOC_SET_BPF");
	return 0;
}

static int start(const struct search *s, const struct site *site, int event, uint32_t number)
{
	union bpf_attr attr;
	int link;

	memset(&attr, 0, sizeof attr);
	attr.link_create.prog_fd = s->program->fd;
	attr.link_create.target_fd = event;
	attr.link_create.attach_type = ATTACH_PERF_EVENT;
	attr.link_create.perf_event.bpf_cookie = number;
	link = sys_bpf(BPF_LINK_CREATE, &attr);
	if (link >= 0)
		return add_link(s->program, link);
	return errno == EINVAL ? start_by_address(s, site, event, number) :
				 not_attached_errno(s->program, "BPF_LINK_CREATE");
}

static int attach_site(const struct search *s, const struct site *site)
{
	int64_t number = write_entry(s, site->arguments);
	struct perf_event_attr attr;
	int event;

	if (number < 0)
		return -1;
	memset(&attr, 0, sizeof attr);
	attr.type = s->type;
	attr.size = sizeof attr;
	attr.config = site->counter << COUNTER_SHIFT;
	attr.config1 = (uintptr_t)s->image->path;
	attr.config2 = site->offset;
	event = sys_perf_event_open(&attr, -1, 0);
	if (event < 0)
		return not_attached_errno(s->program, "perf_event_open");
	return add_link(s->program, event) || start(s, site, event, number);
}

/* What is in a note: three addresses, then provider, name and arguments, each ended by NUL.
 * 1 where it is that of the probe, and attached; -1 where it cannot be. */
static int try_note(const struct search *s, uint64_t at, uint64_t end)
{
	const struct program *p = s->program;
	struct site site = { 0, 0, 0, NULL };
	Elf64_Addr addresses[3], shift;
	const char *texts[3];

	if (end - at < sizeof addresses || !image_at(s->image, at, sizeof addresses))
		return 0;
	memcpy(addresses, image_at(s->image, at, sizeof addresses), sizeof addresses);
	at += sizeof addresses;
	for (size_t n = 0; n < 3; n++) {
		texts[n] = image_string(s->image, at);
		if (!texts[n] || strlen(texts[n]) >= end - at)
			return 0;
		at += strlen(texts[n]) + 1;
	}
	if (strcmp(texts[0], p->attach.category) || strcmp(texts[1], p->attach.name))
		return 0;
	/* Where the file was linked again (prelink), everything moved by as much as this section. */
	shift = s->base ? s->base - addresses[1] : 0;
	site.address = addresses[0] + shift;
	site.offset = file_offset(s->image, site.address);
	site.counter = addresses[2] ? file_offset(s->image, addresses[2] + shift) : 0;
	site.arguments = texts[2];
	if (!site.offset)
		return not_attached(s->program, "a place is outside of the file");
	return attach_site(s, &site) ? -1 : 1;
}

static uint64_t padded(uint64_t size)
{
	return (size + 3) & ~(uint64_t)3;
}

/* How many places were attached to, or -1. */
static int each_note(const struct search *s, const Elf64_Shdr *notes)
{
	uint64_t at = notes->sh_offset, end = notes->sh_offset + notes->sh_size;
	int found = 0;

	while (at < end) {
		const Elf64_Nhdr *note = image_record(s->image, at, sizeof *note, 4);
		uint64_t name = at + sizeof *note, text;
		const char *owner;
		int one;

		if (!note)
			break;
		text = name + padded(note->n_namesz);
		at = text + padded(note->n_descsz);
		owner = image_string(s->image, name);
		if (note->n_type != NOTE_TYPE || !owner || strcmp(owner, "stapsdt"))
			continue;
		one = try_note(s, text, at);
		if (one < 0)
			return -1;
		found += one;
	}
	return found;
}

static int attach_everywhere(struct search *s)
{
	const Elf64_Shdr *notes = find_section(s->image, ".note.stapsdt");
	const Elf64_Shdr *base = find_section(s->image, ".stapsdt.base");
	int found;

	s->base = base ? base->sh_addr : 0;
	found = notes ? each_note(s, notes) : 0;
	if (!found)
		return not_attached(s->program, "the file declares no such probe");
	return found < 0 ? -1 : 0;
}

int attach_usdt(struct loader *l, struct program *p)
{
	struct search s = { .loader = l, .program = p };
	struct image image;
	int status;

	s.type = read_number("/sys/bus/event_source/devices/uprobe/type");
	s.entries = find_map(l, "__bpf_usdt_specs");
	s.by_address = find_map(l, "__bpf_usdt_ip_to_spec_id");
	s.layout = s.entries ? find_layout(s.entries->info.value_size) : NULL;
	if (s.type < 0)
		return not_attached(p, "the kernel has no uprobes");
	if (!s.layout || s.entries->fd < 0)
		return not_attached(p, "the object does not have the map of usdt.bpf.h");
	if (open_image(&image, p->attach.path))
		return not_attached(p, "there is no such file that holds programs");
	s.image = &image;
	status = attach_everywhere(&s);
	close_image(&image);
	return status;
}
