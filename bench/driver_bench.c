/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * driver/...: from the page table to the completed CMD_SYNC, on the driver, the
 * hosted platform and the model with a device attached.
 *
 *   driver/unmap_sync/4k   unmap one page and flush
 *   driver/unmap/1g	     unmap 1 GiB mapped as blocks, and flush
 *   driver/attach	     move a device from one domain to another
 *
 * The notes hold commands and SYNCs per operation, counted once by the model
 * before the time is taken.
 */
#include <errno.h>
#include <stdlib.h>

#include <uiommu/host.h>
#include <uiommu/smmuv3.h>
#include <uiommu/smmuv3_model.h>

#include "bench.h"

#define KIB (UINT64_C(1) << 10)
#define GIB (UINT64_C(1) << 30)
#define PAGE (4 * KIB)
#define MMIO UINT64_C(0x09050000)
#define IOVA (256 * GIB)
#define PA (64 * GIB)
#define PROT (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define BATCH 4096u

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "driver bench: %s failed\n", what);
	exit(1);
}

/* ---------------------------------------------------------------- machine */

struct setup {
	struct uiommu_host *host;
	struct uiommu_range arena;
	struct uiommu_smmuv3_model *model;
	struct uiommu_unit *unit;
	struct uiommu_hwdev *dev;
	struct uiommu_hwdom *dom, *other;
};

static bool reachable(const struct setup *s, uiommu_pa_t pa, size_t len)
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

static void open_hardware(struct setup *s)
{
	struct uiommu_model_host mem = {
		.ctx = s,
		.read = mem_read,
		.write = mem_write,
		.cmpxchg64 = mem_cmpxchg64,
		.direct = mem_direct,
		.irq = on_irq,
	};
	struct uiommu_bus_window window = {
		.base = MMIO,
		.size = UIOMMU_SMMUV3_MMIO_SIZE,
		.read = bus_read,
		.write = bus_write,
	};

	must(!uiommu_host_create(0, &s->host), "host");
	uiommu_host_set_log(s->host, UIOMMU_LOG_WARN);
	uiommu_host_arena(s->host, &s->arena);
	must(!uiommu_smmuv3_model_create(uiommu_smmuv3_profile_find("full"),
					 &mem, &s->model),
	     "model");
	window.ctx = s->model;
	must(!uiommu_host_add_window(s->host, &window), "window");
}

static void open_setup(struct setup *s)
{
	struct uiommu_dom_cfg paging = { UIOMMU_DOM_PAGING };
	struct uiommu_smmuv3_cfg cfg = { .base = MMIO };
	uint32_t sid = 8;
	struct uiommu_hwdev_cfg dev = { .ids = &sid, .nr_ids = 1 };

	open_hardware(s);
	cfg.platform = uiommu_host_platform(s->host);
	must(!uiommu_smmuv3_probe(&cfg, &s->unit), "probe");
	must(!s->unit->ops->dev_add(s->unit, &dev, &s->dev), "dev_add");
	must(!s->unit->ops->dom_alloc(s->unit, &paging, &s->dom), "domain");
	must(!s->unit->ops->dom_alloc(s->unit, &paging, &s->other), "domain");
	must(!s->unit->ops->attach(s->dom, s->dev), "attach");
}

static void close_setup(struct setup *s)
{
	s->unit->ops->dev_remove(s->dev);
	s->unit->ops->dom_free(s->dom);
	s->unit->ops->dom_free(s->other);
	s->unit->ops->remove(s->unit);
	uiommu_host_barrier(s->host);
	uiommu_smmuv3_model_destroy(s->model);
	uiommu_host_destroy(s->host);
}

/* ------------------------------------------------------------- operations */

static void map(struct setup *s, uint64_t iova, uint64_t pa, uint64_t len)
{
	struct uiommu_gather gather;

	uiommu_gather_init(&gather);
	must(!uiommu_pgtable_map(s->dom->pt, iova, pa, len, PROT, &gather),
	     "map");
	must(!s->unit->ops->flush(s->dom, &gather), "flush");
	uiommu_gather_release(&gather);
}

static void unmap(struct setup *s, uint64_t iova, uint64_t len)
{
	struct uiommu_gather gather;
	uint64_t unmapped;

	uiommu_gather_init(&gather);
	must(!uiommu_pgtable_unmap(s->dom->pt, iova, len, &gather, &unmapped),
	     "unmap");
	must(!s->unit->ops->flush(s->dom, &gather), "flush");
	uiommu_gather_release(&gather);
}

static void unmap_sync_4k(struct bench_run *run)
{
	struct setup s;
	unsigned int i;

	open_setup(&s);
	for (i = 0; i < BATCH; i++)
		map(&s, IOVA + i * PAGE, PA + i * PAGE, PAGE);
	bench_start(run);
	for (i = 0; i < BATCH; i++)
		unmap(&s, IOVA + i * PAGE, PAGE);
	bench_stop(run, BATCH);
	close_setup(&s);
}

static void unmap_1g(struct bench_run *run)
{
	unsigned int i, n = 64;
	struct setup s;

	open_setup(&s);
	for (i = 0; i < n; i++)
		map(&s, IOVA + i * GIB, PA, GIB);
	bench_start(run);
	for (i = 0; i < n; i++)
		unmap(&s, IOVA + i * GIB, GIB);
	bench_stop(run, n);
	close_setup(&s);
}

static void attach(struct bench_run *run)
{
	struct setup s;
	unsigned int i;

	open_setup(&s);
	bench_start(run);
	for (i = 0; i < BATCH; i++)
		must(!s.unit->ops->attach(i & 1 ? s.dom : s.other, s.dev),
		     "attach");
	bench_stop(run, BATCH);
	close_setup(&s);
}

/* ------------------------------------------------------------------ counts */

static void count(char *note, size_t size, void (*op)(struct setup *s))
{
	struct uiommu_smmuv3_stats before, after;
	struct setup s;

	open_setup(&s);
	map(&s, IOVA, PA, PAGE);
	map(&s, IOVA + GIB, PA, GIB);
	uiommu_smmuv3_model_stats(s.model, &before);
	op(&s);
	uiommu_smmuv3_model_stats(s.model, &after);
	close_setup(&s);
	snprintf(note, size, "commands=%u syncs=%u",
		 (unsigned int)(after.commands - before.commands),
		 (unsigned int)(after.syncs - before.syncs));
}

static void one_4k(struct setup *s)
{
	unmap(s, IOVA, PAGE);
}

static void one_1g(struct setup *s)
{
	unmap(s, IOVA + GIB, GIB);
}

static void one_attach(struct setup *s)
{
	must(!s->unit->ops->attach(s->other, s->dev), "attach");
}

void driver_bench_register(struct bench *b);
void driver_bench_register(struct bench *b)
{
	static char note[3][64];
	const struct bench_row rows[] = {
		{ .name = "driver/unmap_sync/4k",
		  .fn = unmap_sync_4k,
		  .pages_per_op = 1,
		  .note = note[0] },
		{ .name = "driver/unmap/1g",
		  .fn = unmap_1g,
		  .pages_per_op = 262144,
		  .note = note[1] },
		{ .name = "driver/attach", .fn = attach, .note = note[2] },
	};
	unsigned int i;

	count(note[0], sizeof(note[0]), one_4k);
	count(note[1], sizeof(note[1]), one_1g);
	count(note[2], sizeof(note[2]), one_attach);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bench_add(b, &rows[i]);
}
