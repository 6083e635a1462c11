/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of the heap that the program frees while a device may reach them.
 *
 * Such a block is not given back to the allocator, which would hand it out
 * again; it waits in a list until the last pin of its pages has gone.  Pages
 * that lie wholly inside the block are released; of those at its ends, which
 * other blocks share, its bytes.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "preload.h"

#define PAGE UINT64_C(4096)

struct heap_block {
	struct heap_block *next;
	void *ptr;
	uint64_t first;
	uint64_t last;
	uint64_t waiting; /* bytes released and not unpinned yet */
};

static void real_free(void *ptr)
{
	const struct real *libc = real_get();

	/* Nothing there yet: only the dynamic linker can be calling. */
	if (libc->free)
		libc->free(ptr);
}

/* The bytes of a block; false: none of them can be pinned. */
static bool block_bytes(struct uiommu_machine *machine, void *ptr,
			uint64_t *first, uint64_t *last)
{
	uint64_t size = malloc_usable_size(ptr);

	*first = (uintptr_t)ptr;
	*last = *first + size - 1;
	return size && uiommu_machine_maybe_pinned(machine, *first, *last);
}

static uint64_t overlap(const struct heap_block *block, uint64_t first,
			uint64_t last)
{
	if (first < block->first)
		first = block->first;
	if (last > block->last)
		last = block->last;
	return first <= last ? last - first + 1 : 0;
}

/* Bytes of the block that are pinned; the ranges come in ascending order. */
static uint64_t pinned_bytes(struct uiommu_machine *machine, uint64_t first,
			     uint64_t last)
{
	struct uiommu_range pin;
	uint64_t sum = 0;

	while (first <= last &&
	       uiommu_machine_pinned(machine, first, last, &pin)) {
		sum += pin.last - pin.first + 1;
		first = pin.last + 1;
	}
	return sum;
}

/* ---------------------------------------------------------- the list ----- */

static bool is_waiting(const void *ptr)
{
	const struct heap_block *block;

	pthread_mutex_lock(&launch.heap_lock);
	for (block = launch.blocks; block && block->ptr != ptr;)
		block = block->next;
	pthread_mutex_unlock(&launch.heap_lock);
	return block != NULL;
}

/* `bytes` of the block wait no more; true: it is out of the list. */
static bool settle(struct heap_block **at, uint64_t bytes)
{
	struct heap_block *block = *at;

	block->waiting -= bytes < block->waiting ? bytes : block->waiting;
	if (block->waiting)
		return false;
	*at = block->next;
	return true;
}

static void unmap(uint64_t first, uint64_t end)
{
	if (first < end)
		real_get()->munmap((void *)(uintptr_t)first, end - first);
}

/* The lowest block that reaches into [first, last]. */
static struct heap_block **lowest(uint64_t first, uint64_t last)
{
	struct heap_block **best = NULL;

	for (struct heap_block **at = &launch.blocks; *at; at = &(*at)->next)
		if (overlap(*at, first, last) &&
		    (!best || (*at)->first < (*best)->first))
			best = at;
	return best;
}

void heap_unpinned(uint64_t first, uint64_t last)
{
	struct heap_block *done = NULL;

	pthread_mutex_lock(&launch.heap_lock);
	while (first <= last) {
		struct heap_block **at = lowest(first, last), *block;
		uint64_t start;

		if (!at) {
			unmap(first, last + 1);
			break;
		}
		block = *at;
		start = block->first > first ? block->first : first;
		unmap(first, start);
		first = block->last < last ? block->last + 1 : last + 1;
		if (settle(at, first - start)) {
			block->next = done;
			done = block;
		}
	}
	pthread_mutex_unlock(&launch.heap_lock);
	while (done) {
		struct heap_block *next = done->next;

		real_free(done->ptr);
		real_free(done);
		done = next;
	}
}

/* One page or a part of it, or pages; what fails does not wait. */
static void release_piece(struct uiommu_machine *machine, uint64_t first,
			  uint64_t last)
{
	if (first <= last &&
	    uiommu_machine_release(machine, first, last, "free"))
		heap_unpinned(first, last);
}

/* Release what is pinned: the bytes before whole pages, those, the rest. */
static void release(struct uiommu_machine *machine, uint64_t first,
		    uint64_t last)
{
	struct uiommu_range pin;

	while (first <= last &&
	       uiommu_machine_pinned(machine, first, last, &pin)) {
		uint64_t start = (pin.first + PAGE - 1) & ~(PAGE - 1);
		uint64_t end = (pin.last + 1) & ~(PAGE - 1);

		first = pin.last + 1;
		/* Within one page, and not all of it. */
		if (start > end) {
			release_piece(machine, pin.first, pin.last);
			continue;
		}
		release_piece(machine, pin.first, start - 1);
		release_piece(machine, start, end - 1);
		release_piece(machine, end, pin.last);
	}
}

/* True: the block waits, or is gone already. */
static bool quarantine(struct uiommu_machine *machine, void *ptr)
{
	struct heap_block *block;
	uint64_t first, last, bytes;

	if (!block_bytes(machine, ptr, &first, &last))
		return false;
	bytes = pinned_bytes(machine, first, last);
	if (!bytes)
		return false;
	block = malloc(sizeof(*block));
	if (!block)
		return true; /* lost, but never handed out again */
	*block = (struct heap_block){ NULL, ptr, first, last, bytes };
	pthread_mutex_lock(&launch.heap_lock);
	block->next = launch.blocks;
	launch.blocks = block;
	pthread_mutex_unlock(&launch.heap_lock);
	release(machine, first, last);
	return true;
}

/* --------------------------------------------------------- the names ----- */

launch_public void free(void *ptr)
{
	struct uiommu_machine *machine = launch_machine();
	uint64_t first, last;
	bool waits;
	int err;

	if (!launch_rare(machine) || !ptr ||
	    !launch_rare(block_bytes(machine, ptr, &first, &last))) {
		real_free(ptr);
		return;
	}
	err = errno;
	launch_enter();
	if (launch_rare(load_relaxed(&launch.blocks)) && is_waiting(ptr)) {
		launch_say("double free of %p, which is mapped for DMA", ptr);
		real_get()->abort();
	}
	waits = quarantine(machine, ptr);
	launch_leave();
	errno = err;
	if (!waits)
		real_free(ptr);
}

/* Does the block hold pinned bytes, so that it must not move or shrink? */
static bool is_pinned(struct uiommu_machine *machine, void *ptr)
{
	uint64_t first, last;
	bool pinned;

	if (!block_bytes(machine, ptr, &first, &last))
		return false;
	launch_enter();
	pinned = pinned_bytes(machine, first, last) != 0;
	launch_leave();
	return pinned;
}

launch_public void *realloc(void *ptr, size_t size)
{
	struct uiommu_machine *machine = launch_machine();
	size_t room;
	void *to;

	if (!launch_rare(machine) || !ptr || !is_pinned(machine, ptr))
		return real_get()->realloc(ptr, size);
	if (!size) {
		free(ptr);
		return NULL;
	}
	room = malloc_usable_size(ptr);
	if (size <= room)
		return ptr;
	to = malloc(size);
	if (!to)
		return NULL;
	memcpy(to, ptr, room);
	free(ptr);
	return to;
}

launch_public void *reallocarray(void *ptr, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(ptr, bytes);
}
