/* An allocator for a process that ends soon: it gives nothing back. For one thread.
 *
 * For the programs on musl, whose own allocator asks the kernel for every few objects and returns
 * what they leave at once: a third of such a short process's time.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Address space; pages that are not touched cost nothing. */
#define ARENA_BYTES ((size_t)1 << 32)
/* Before each block stands its size. */
#define ALIGNMENT 16

static char *arena;
static size_t used;

static void *block(size_t size, size_t alignment)
{
	size_t start;

	if (!arena) {
		arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (arena == MAP_FAILED)
			abort();
		/* The first byte would cost two million that are made zero. */
		madvise(arena, ARENA_BYTES, MADV_NOHUGEPAGE);
	}
	start = (used + sizeof(size_t) + alignment - 1) & ~(alignment - 1);
	if (size > ARENA_BYTES || start > ARENA_BYTES - size) {
		errno = ENOMEM;
		return NULL;
	}
	used = start + size;
	((size_t *)(arena + start))[-1] = size;
	return arena + start;
}

void *malloc(size_t size)
{
	return block(size, ALIGNMENT);
}

void free(void *pointer)
{
	(void)pointer;
}

/* What the kernel gives is zero, and nothing is used twice. */
void *calloc(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return block(bytes, ALIGNMENT);
}

void *realloc(void *pointer, size_t size)
{
	size_t *had = (size_t *)pointer - 1;
	void *moved;

	if (!pointer)
		return malloc(size);
	if (size <= *had)
		return pointer;
	if ((char *)pointer + *had == arena + used && size <= ARENA_BYTES - ((char *)pointer - arena)) {
		*had = size;
		used = (char *)pointer - arena + size;
		return pointer;
	}
	moved = malloc(size);
	return moved ? memcpy(moved, pointer, *had) : NULL;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return block(size, alignment < ALIGNMENT ? ALIGNMENT : alignment);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	*out = aligned_alloc(alignment, size);
	return *out ? 0 : ENOMEM;
}
