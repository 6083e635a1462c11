/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioas/...: the core's address spaces over the SMMUv3 driver and model.
 *
 * map and unmap: 1 GiB in one call of the core (the ioctl around it adds well
 * under a nanosecond per page), in a domain with a device attached.  User
 * memory is contiguous but lies 4 KiB beside what would allow larger leaves,
 * so each page has a leaf of its own; unmap includes the invalidation and its
 * completion.
 * 2m: the same in areas of 2 MiB, a leaf for each.
 * attach: a second domain joins the IOAS, with 1 GiB in leaves of a page.
 * cut: an area whose pages lie apart is cut into pages, from its start.
 * cycle: map and unmap one page, invalidation completed.
 * areas: an IOAS without a domain, so that only the tree counts: place one
 * area in a random hole, find it, remove it; then have a place chosen for two
 * pages where only the end has room.
 */
#include <stdlib.h>
#include <string.h>

#include <uiommu/core.h>
#include <uiommu/host.h>
#include <uiommu/smmuv3.h>
#include <uiommu/smmuv3_model.h>

#include "bench.h"

#define KIB (UINT64_C(1) << 10)
#define GIB (UINT64_C(1) << 30)
#define SMMU_BASE UINT64_C(0x9050000)
#define PAGE (4 * KIB)
#define IOVA (256 * GIB)
#define BLOCK (2048 * KIB)
#define BLOCK_UVA (64 * GIB)
#define UVA (BLOCK_UVA + PAGE)
#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)

struct rig {
	struct uiommu_host *host;
	struct uiommu_smmuv3_model *model;
	struct uiommu_core *core;
	struct uiommu_device *dev;
	struct uiommu_domain *dom;
	struct uiommu_ioas *ioas;
};

/* The model touches nothing but tables and queues here: PA = address. */
static int mem_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	memcpy(buf, (void *)(uintptr_t)pa, len);
	return 0;
}

static int mem_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	memcpy((void *)(uintptr_t)pa, buf, len);
	return 0;
}

static int mem_cmpxchg(void *ctx, uiommu_pa_t pa, uint64_t *expected,
		       uint64_t want)
{
	__atomic_compare_exchange_n((uint64_t *)(uintptr_t)pa, expected, want,
				    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return 0;
}

static void no_irq(void *ctx, unsigned int line)
{
}

static uint64_t reg_read(void *ctx, uint32_t offset, unsigned int size)
{
	return uiommu_smmuv3_model_read(ctx, offset, size);
}

static void reg_write(void *ctx, uint32_t offset, unsigned int size,
		      uint64_t value)
{
	uiommu_smmuv3_model_write(ctx, offset, size, value);
}

/* Everything is there and contiguous, at addresses of its own. */
static int pin(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
	       struct uiommu_run *run)
{
	run->pa = uva;
	run->len = len;
	run->mmio = false;
	return 0;
}

static void unpin(void *ctx, uiommu_pa_t pa, uint64_t len, uint32_t flags)
{
}

static const struct uiommu_mm mm = { NULL, pin, unpin };

static void open_smmu(struct rig *r, struct uiommu_unit **unit)
{
	struct uiommu_model_host mh = {
		.read = mem_read,
		.write = mem_write,
		.cmpxchg64 = mem_cmpxchg,
		.irq = no_irq,
	};
	struct uiommu_bus_window window = {
		.base = SMMU_BASE,
		.size = UIOMMU_SMMUV3_MMIO_SIZE,
		.read = reg_read,
		.write = reg_write,
	};
	struct uiommu_smmuv3_cfg cfg = {
		.base = SMMU_BASE,
		.host = &uiommu_core_host_ops,
		.host_ctx = r->core,
	};

	must(!uiommu_smmuv3_model_create(uiommu_smmuv3_profile_find("full"),
					 &mh, &r->model),
	     "model");
	window.ctx = r->model;
	must(!uiommu_host_add_window(r->host, &window), "window");
	cfg.platform = uiommu_host_platform(r->host);
	must(!uiommu_smmuv3_probe(&cfg, unit), "probe");
}

static void open_rig(struct rig *r)
{
	struct uiommu_core_cfg cfg = { 0 };
	uint32_t sid = 8;
	struct uiommu_device_cfg dev = {
		.hw = { .name = "bench", .ids = &sid, .nr_ids = 1 },
	};
	struct uiommu_unit *unit;

	must(!uiommu_host_create(0, &r->host), "host");
	cfg.platform = uiommu_host_platform(r->host);
	must(!uiommu_core_create(&cfg, &r->core), "core");
	open_smmu(r, &unit);
	must(!uiommu_core_add_unit(r->core, unit), "unit");
	must(!uiommu_device_add(r->core, unit, &dev, &r->dev), "device");
	must(!uiommu_domain_alloc(r->dev, &r->dom), "domain");
	must(!uiommu_ioas_create(r->core, &r->ioas), "ioas");
	must(!uiommu_ioas_add_domain(r->ioas, r->dom), "add_domain");
	must(!uiommu_group_attach(uiommu_device_group(r->dev), r->dom),
	     "attach");
}

static void close_rig(struct rig *r)
{
	uiommu_group_detach(uiommu_device_group(r->dev));
	uiommu_ioas_remove_domain(r->ioas, r->dom);
	uiommu_domain_free(r->dom);
	uiommu_ioas_destroy(r->ioas);
	uiommu_device_remove(r->dev);
	uiommu_core_destroy(r->core);
	uiommu_smmuv3_model_destroy(r->model);
	uiommu_host_barrier(r->host);
	uiommu_host_destroy(r->host);
}

static int map(struct uiommu_ioas *ioas, uint64_t iova, uint64_t len,
	       uint32_t flags)
{
	return uiommu_ioas_map(ioas, &mm, UVA, len, RW, flags, &iova);
}

/* Tables come from memory that has been used before, as in a long run. */
static void bench_map(struct bench_run *run)
{
	struct rig r = { 0 };
	uint64_t n;

	open_rig(&r);
	must(!map(r.ioas, IOVA, GIB, UIOMMU_IOAS_FIXED_IOVA), "map");
	must(!uiommu_ioas_unmap_all(r.ioas, &n), "unmap");
	uiommu_host_barrier(r.host);
	bench_start(run);
	must(!map(r.ioas, IOVA, GIB, UIOMMU_IOAS_FIXED_IOVA), "map");
	bench_stop(run, 1);
	must(!uiommu_ioas_unmap_all(r.ioas, &n), "unmap");
	close_rig(&r);
}

static void bench_unmap(struct bench_run *run)
{
	struct rig r = { 0 };
	uint64_t n;

	open_rig(&r);
	must(!map(r.ioas, IOVA, GIB, UIOMMU_IOAS_FIXED_IOVA), "map");
	bench_start(run);
	must(!uiommu_ioas_unmap_all(r.ioas, &n), "unmap");
	bench_stop(run, 1);
	must(n == GIB, "bytes");
	close_rig(&r);
}

/* 1 GiB from IOVA on, in aligned pieces. */
static void map_blocks(struct rig *r)
{
	for (uint64_t off = 0; off < GIB; off += BLOCK) {
		uint64_t iova = IOVA + off;

		must(!uiommu_ioas_map(r->ioas, &mm, BLOCK_UVA + off, BLOCK, RW,
				      UIOMMU_IOAS_FIXED_IOVA, &iova),
		     "map");
	}
}

static void bench_map_blocks(struct bench_run *run)
{
	struct rig r = { 0 };
	uint64_t n;

	open_rig(&r);
	map_blocks(&r);
	must(!uiommu_ioas_unmap_all(r.ioas, &n), "unmap");
	uiommu_host_barrier(r.host);
	bench_start(run);
	map_blocks(&r);
	bench_stop(run, 1);
	close_rig(&r);
}

/* One call for each area, as its user would. */
static void bench_unmap_blocks(struct bench_run *run)
{
	struct rig r = { 0 };
	uint64_t n;

	open_rig(&r);
	map_blocks(&r);
	bench_start(run);
	for (uint64_t off = 0; off < GIB; off += BLOCK)
		must(!uiommu_ioas_unmap(r.ioas, IOVA + off, BLOCK, &n),
		     "unmap");
	bench_stop(run, 1);
	close_rig(&r);
}

static void bench_attach(struct bench_run *run)
{
	struct uiommu_domain *dom;
	struct rig r = { 0 };

	open_rig(&r);
	must(!map(r.ioas, IOVA, GIB, UIOMMU_IOAS_FIXED_IOVA), "map");
	must(!uiommu_domain_alloc(r.dev, &dom), "domain");
	bench_start(run);
	must(!uiommu_ioas_add_domain(r.ioas, dom), "add_domain");
	bench_stop(run, 1);
	uiommu_ioas_remove_domain(r.ioas, dom);
	uiommu_domain_free(dom);
	close_rig(&r);
}

/* No two pages are neighbours. */
static int pin_apart(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
		     struct uiommu_run *run)
{
	run->pa = 2 * uva;
	run->len = PAGE;
	run->mmio = false;
	return 0;
}

static void bench_cut(struct bench_run *run)
{
	static const struct uiommu_mm apart = { NULL, pin_apart, unpin };
	uint64_t pages = (uintptr_t)run->arg, iova = IOVA;
	struct rig r = { 0 };

	open_rig(&r);
	must(!uiommu_ioas_map(r.ioas, &apart, UVA, pages * PAGE, RW,
			      UIOMMU_IOAS_FIXED_IOVA, &iova),
	     "map");
	bench_start(run);
	for (uint64_t i = 1; i < pages; i++)
		must(!uiommu_ioas_cut(r.ioas, IOVA + i * PAGE), "cut");
	bench_stop(run, pages - 1);
	close_rig(&r);
}

#define CYCLE_OPS 20000

/* What a program pays that maps each buffer for one transfer. */
static void bench_cycle(struct bench_run *run)
{
	struct rig r = { 0 };
	uint64_t n;

	open_rig(&r);
	must(!map(r.ioas, IOVA + 64 * PAGE, PAGE, UIOMMU_IOAS_FIXED_IOVA),
	     "map");
	bench_start(run);
	for (unsigned int i = 0; i < CYCLE_OPS; i++) {
		uint64_t iova = IOVA + i % 64 * PAGE;

		must(!map(r.ioas, iova, PAGE, UIOMMU_IOAS_FIXED_IOVA), "map");
		must(!uiommu_ioas_unmap(r.ioas, iova, PAGE, &n), "unmap");
	}
	bench_stop(run, CYCLE_OPS);
	must(!uiommu_ioas_unmap_all(r.ioas, &n), "unmap");
	close_rig(&r);
}

#define AREA_OPS 20000

/* One area among many: every second page of the low end is taken. */
static void churn(struct uiommu_ioas *ioas, uint64_t areas, uint64_t *seed)
{
	uint64_t hole = (1 + 2 * (bench_random(seed) % areas)) * PAGE;
	struct uiommu_area_info info;
	uint64_t iova = 0, n;

	must(!map(ioas, hole, PAGE, UIOMMU_IOAS_FIXED_IOVA), "map");
	must(!uiommu_ioas_next_area(ioas, hole, &info) &&
		     info.range.first == hole,
	     "find");
	must(!uiommu_ioas_unmap(ioas, hole, PAGE, &n), "unmap");
	must(!uiommu_ioas_map(ioas, &mm, UVA, 2 * PAGE, RW, 0, &iova),
	     "choose");
	must(iova >= (2 * areas - 1) * PAGE, "place");
	must(!uiommu_ioas_unmap(ioas, iova, 2 * PAGE, &n), "unmap");
}

static void bench_areas(struct bench_run *run)
{
	uint64_t areas = (uintptr_t)run->arg, seed = 1;
	struct uiommu_core_cfg cfg = { 0 };
	struct rig r = { 0 };

	must(!uiommu_host_create(0, &r.host), "host");
	cfg.platform = uiommu_host_platform(r.host);
	must(!uiommu_core_create(&cfg, &r.core), "core");
	must(!uiommu_ioas_create(r.core, &r.ioas), "ioas");
	for (uint64_t i = 0; i < areas; i++)
		must(!map(r.ioas, 2 * i * PAGE, PAGE, UIOMMU_IOAS_FIXED_IOVA),
		     "fill");
	bench_start(run);
	for (unsigned int i = 0; i < AREA_OPS; i++)
		churn(r.ioas, areas, &seed);
	bench_stop(run, AREA_OPS);
	uiommu_ioas_destroy(r.ioas);
	uiommu_core_destroy(r.core);
	uiommu_host_destroy(r.host);
}

void ioas_bench_register(struct bench *b);

void ioas_bench_register(struct bench *b)
{
	static const struct bench_row rows[] = {
		{ .name = "ioas/map/4k/1g",
		  .fn = bench_map,
		  .pages_per_op = GIB / PAGE },
		{ .name = "ioas/unmap/4k/1g",
		  .fn = bench_unmap,
		  .pages_per_op = GIB / PAGE },
		{ .name = "ioas/map/2m/1g",
		  .fn = bench_map_blocks,
		  .pages_per_op = GIB / PAGE },
		{ .name = "ioas/unmap/2m/1g",
		  .fn = bench_unmap_blocks,
		  .pages_per_op = GIB / PAGE },
		{ .name = "ioas/attach/1g",
		  .fn = bench_attach,
		  .pages_per_op = GIB / PAGE },
		{ .name = "ioas/cut/1k", .fn = bench_cut, .arg = (void *)1000 },
		{ .name = "ioas/cut/64k",
		  .fn = bench_cut,
		  .arg = (void *)64000 },
		{ .name = "ioas/cycle/4k",
		  .fn = bench_cycle,
		  .pages_per_op = 1 },
		{ .name = "ioas/areas/1k",
		  .fn = bench_areas,
		  .arg = (void *)1000 },
		{ .name = "ioas/areas/100k",
		  .fn = bench_areas,
		  .arg = (void *)100000 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bench_add(b, &rows[i]);
}
