/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem.c - memory of a model's own, through the embedder's allocator.
 *
 * Blocks are aligned to pairs of cache lines, which many CPUs fetch together and
 * the embedder's allocator need not know: the pointer it returned is kept in the
 * word before the block.
 */
#include "mem.h"

#include <string.h>

#define LINE 128u

void *model_alloc(const struct uiommu_model_host *host, size_t size)
{
	size_t room = size + LINE + sizeof(void *);
	uintptr_t block;
	void *raw;

	if (room < size)
		return NULL;
	raw = host->alloc ? host->alloc(host->ctx, room) : calloc(1, room);
	if (!raw)
		return NULL;
	block = ((uintptr_t)raw + sizeof(void *) + LINE - 1) & ~(LINE - 1ul);
	if (host->alloc)
		memset((void *)block, 0, size);
	((void **)block)[-1] = raw;
	return (void *)block;
}

void model_free(const struct uiommu_model_host *host, void *ptr)
{
	void *raw;

	if (!ptr)
		return;
	raw = ((void **)ptr)[-1];
	if (host->free)
		host->free(host->ctx, raw);
	else
		free(raw);
}
