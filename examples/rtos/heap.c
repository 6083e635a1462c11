/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of 2^n bytes, aligned to their size: freed ones wait in a list per
 * size, new ones come from the end of what was used.
 */
#include "rtos.h"

#define MIN_LG2 6
#define MAX_LG2 23

extern char heap_start[], heap_end[];

struct block {
	struct block *next;
};

static struct block *free_blocks[MAX_LG2 + 1];
static uint64_t heap_used;
static unsigned int in_use;

unsigned int heap_lg2(size_t size)
{
	unsigned int lg2 = MIN_LG2;

	while (lg2 <= MAX_LG2 && (size_t)1 << lg2 < size)
		lg2++;
	return lg2;
}

void *heap_alloc(unsigned int lg2)
{
	uint64_t size = UINT64_C(1) << lg2, at;
	struct block *block;

	if (lg2 > MAX_LG2)
		return NULL;
	block = free_blocks[lg2];
	if (block) {
		free_blocks[lg2] = block->next;
	} else {
		at = ((uint64_t)heap_start + heap_used + size - 1) & -size;
		if (at + size > (uint64_t)heap_end)
			return NULL;
		heap_used = at + size - (uint64_t)heap_start;
		block = (struct block *)at;
	}
	in_use++;
	return memset(block, 0, size);
}

void heap_free(void *va, unsigned int lg2)
{
	struct block *block = va;

	block->next = free_blocks[lg2];
	free_blocks[lg2] = block;
	in_use--;
}

unsigned int heap_in_use(void)
{
	return in_use;
}
