/* SPDX-License-Identifier: BSD-2-Clause */
/* carve.c - address space that the machine takes for what is no memory. */
#include <sys/mman.h>

#include "machine_private.h"

int carve_init(struct carve *carve)
{
	const uint64_t align = UINT64_C(1) << 30;
	void *va;

	carve->mapped = CARVE_SIZE + align;
	va = mmap(NULL, carve->mapped, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (va == MAP_FAILED)
		return -ENOMEM;
	carve->mapping = va;
	carve->base = align_up_lg2((uintptr_t)va, 30);
	carve->bar_next = carve->base + CARVE_BAR;
	return 0;
}

void carve_fini(struct carve *carve)
{
	if (carve->mapping)
		munmap(carve->mapping, carve->mapped);
}

uint64_t carve_bar(struct carve *carve, uint64_t size)
{
	uint64_t end = carve->base + CARVE_ALIAS, at;

	/* Whole pages each, so that one can be mapped without the next. */
	size = max_u64(size, 4096);
	at = align_up_lg2(carve->bar_next, ilog2_u64(size));
	if (at >= end || end - at < size)
		return 0;
	carve->bar_next = at + size;
	return at;
}
