/* SPDX-License-Identifier: BSD-2-Clause */
/* See smmu.h. */
#include "smmu.h"

#include "bench.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static bool reachable(const struct bench_smmu *s, uiommu_pa_t pa, size_t len)
{
	return pa >= s->arena.first && pa + len - 1 <= s->arena.last;
}

static int mem_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	if (!reachable(ctx, pa, len))
		return -EIO;
	__builtin_memcpy(buf, (const void *)(uintptr_t)pa, len);
	return 0;
}

static int mem_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	if (!reachable(ctx, pa, len))
		return -EIO;
	__builtin_memcpy((void *)(uintptr_t)pa, buf, len);
	return 0;
}

static int mem_cmpxchg64(void *ctx, uiommu_pa_t pa, uint64_t *expected,
			 uint64_t want)
{
	if (!reachable(ctx, pa, 8))
		return -EIO;
	__atomic_compare_exchange_n((uint64_t *)(uintptr_t)pa, expected, want,
				    false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	return 0;
}

static void *mem_direct(void *ctx, uiommu_pa_t pa, size_t len, bool write)
{
	return reachable(ctx, pa, len) ? (void *)(uintptr_t)pa : NULL;
}

static void on_irq(void *ctx, unsigned int line)
{
}

static uint64_t bus_read(void *ctx, uint32_t offset, unsigned int size)
{
	return uiommu_smmuv3_model_read(ctx, offset, size);
}

static void bus_write(void *ctx, uint32_t offset, unsigned int size,
		      uint64_t value)
{
	uiommu_smmuv3_model_write(ctx, offset, size, value);
}

void bench_smmu_open(struct bench_smmu *s)
{
	struct uiommu_smmuv3_profile profile;
	struct uiommu_model_host mem = {
		.ctx = s,
		.read = mem_read,
		.write = mem_write,
		.cmpxchg64 = mem_cmpxchg64,
		.direct = mem_direct,
		.irq = on_irq,
	};
	struct uiommu_bus_window window = {
		.base = BENCH_SMMU_MMIO,
		.size = UIOMMU_SMMUV3_MMIO_SIZE,
		.read = bus_read,
		.write = bus_write,
	};

	must(!uiommu_host_create(0, &s->host), "host");
	uiommu_host_set_log(s->host, UIOMMU_LOG_WARN);
	uiommu_host_arena(s->host, &s->arena);
	profile = *uiommu_smmuv3_profile_find("full");
	if (s->no_ranges) {
		profile.idr[3] &= ~(1u << 10);
		profile.aidr = 1;
	}
	must(!uiommu_smmuv3_model_create(&profile, &mem, &s->model), "model");
	window.ctx = s->model;
	must(!uiommu_host_add_window(s->host, &window), "window");
}

void bench_smmu_close(struct bench_smmu *s)
{
	uiommu_host_barrier(s->host);
	uiommu_smmuv3_model_destroy(s->model);
	uiommu_host_destroy(s->host);
}

/* ---------------------------------------------------------------- counting */

static const struct uiommu_platform *inner;
static uint64_t taken;

static void *count_obj_alloc(void *ctx, size_t size)
{
	void *obj = inner->obj_alloc(ctx, size);

	/* The allocator's own word stands before it. */
	if (obj)
		taken += malloc_usable_size(obj) + sizeof(size_t);
	return obj;
}

/* Deferred calls come in another thread; none is in the part that counts. */
static void count_obj_free(void *ctx, void *obj)
{
	if (obj)
		__atomic_fetch_sub(&taken,
				   malloc_usable_size(obj) + sizeof(size_t),
				   __ATOMIC_RELAXED);
	inner->obj_free(ctx, obj);
}

static void *count_table_alloc(void *ctx, size_t size, uiommu_pa_t *pa)
{
	void *table = inner->table_alloc(ctx, size, pa);

	if (table)
		taken += size;
	return table;
}

static void count_table_free(void *ctx, void *table, size_t size)
{
	__atomic_fetch_sub(&taken, size, __ATOMIC_RELAXED);
	inner->table_free(ctx, table, size);
}

const struct uiommu_platform *bench_smmu_counting(struct bench_smmu *s)
{
	inner = uiommu_host_platform(s->host);
	s->counting = *inner;
	s->counting.obj_alloc = count_obj_alloc;
	s->counting.obj_free = count_obj_free;
	s->counting.table_alloc = count_table_alloc;
	s->counting.table_free = count_table_free;
	return &s->counting;
}

uint64_t bench_smmu_taken(void)
{
	return taken;
}
