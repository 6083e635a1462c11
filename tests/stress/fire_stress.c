/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory under fire: devices write through the SMMUv3 model without pause
 * while the core, over the real driver, maps and unmaps the pages they write
 * to.  When an unmap has returned, the page is the program's again: a mark put
 * there must stay.  UIOMMU_STRESS_SECONDS says how long (2).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <sched.h>

#include <cmocka.h>

#include <uiommu/core.h>
#include <uiommu/env.h>
#include <uiommu/host.h>
#include <uiommu/smmuv3.h>
#include <uiommu/smmuv3_model.h>

#include "base/atomic.h"
#include "turns.h"

#define PAGE UINT64_C(4096)
#define BASE UINT64_C(0x9050000)
#define IOVA UINT64_C(0x100000000)
#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)
#define MARK UINT64_C(0x6d61726b6d61726b)

enum {
	TRIES = 20000,
	MAPPERS = 2,
	DEVICES = 2,
	PAGES = 32,
	EACH = PAGES / MAPPERS
};

struct fire {
	struct uiommu_host *host;
	struct uiommu_smmuv3_model *model;
	struct uiommu_core *core;
	struct uiommu_device *dev[DEVICES];
	struct uiommu_domain *dom;
	struct uiommu_ioas *ioas;
	uint8_t *mem; /* PAGES pages; PA = address */

	uint32_t stop, next_mapper, next_device; /* atomic */
	uint64_t hits[PAGES];			 /* DMAs that arrived */
	/*
	 * Raised before a page is mapped and read before it is written: what a
	 * doorbell is between a real program and its device.
	 */
	uint64_t given[PAGES];
	uint64_t hit, aborted, rounds, wrong, pinned;
};

/*
 * Words are copied as words.  What the SMMU reads is read with acquire: a
 * table's address orders the reads of the table, as in hardware.
 */
static int mem_copy(void *dst, const void *src, size_t len)
{
	if (len % 8 || (uintptr_t)dst % 8 || (uintptr_t)src % 8) {
		memcpy(dst, src, len);
		return 0;
	}
	for (size_t i = 0; i < len / 8; i++)
		store_relaxed((uint64_t *)dst + i,
			      load_acquire((const uint64_t *)src + i));
	return 0;
}

static int mem_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	return mem_copy(buf, (void *)(uintptr_t)pa, len);
}

static int mem_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	struct fire *f = ctx;

	if (pa - (uintptr_t)f->mem < PAGES * PAGE)
		(void)load_acquire(&f->given[(pa - (uintptr_t)f->mem) / PAGE]);
	return mem_copy((void *)(uintptr_t)pa, buf, len);
}

static int mem_cmpxchg(void *ctx, uiommu_pa_t pa, uint64_t *expected,
		       uint64_t want)
{
	(void)cmpxchg_acq_rel((uint64_t *)(uintptr_t)pa, expected, want);
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

static int pin(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
	       struct uiommu_run *run)
{
	struct fire *f = ctx;

	*run = (struct uiommu_run){ .pa = uva, .len = len };
	fetch_add_relaxed(&f->pinned, len);
	return 0;
}

static void unpin(void *ctx, uiommu_pa_t pa, uint64_t len, uint32_t flags)
{
	struct fire *f = ctx;

	fetch_add_relaxed(&f->pinned, -len);
}

/*
 * Until `counter` has moved on by `by`, but not for long.  Who yields lets the
 * devices run where there are more threads than processors.
 */
static void wait_for(const uint64_t *counter, uint64_t by, bool yield)
{
	uint64_t before = load_relaxed(counter);

	for (unsigned int i = 1;
	     i < TRIES && load_relaxed(counter) - before < by; i++)
		if (yield && i % (TRIES / 4) == 0)
			sched_yield();
}

/* One page of one's own: map, let it be hit, unmap, leave a mark. */
static void one_round(struct fire *f, const struct uiommu_mm *mm,
		      unsigned int page)
{
	uint64_t *word = (uint64_t *)(void *)(f->mem + page * PAGE);
	uint64_t iova = IOVA + page * PAGE, n;
	int rc;

	fetch_add_acq_rel(&f->given[page], 1);
	rc = uiommu_ioas_map(f->ioas, mm, (uintptr_t)word, PAGE, RW,
			     UIOMMU_IOAS_FIXED_IOVA, &iova);
	if (!rc)
		wait_for(&f->hits[page], 2, true);
	rc = rc ? rc : uiommu_ioas_unmap(f->ioas, iova, PAGE, &n);
	/* Plain accesses: ThreadSanitizer must see that they are alone. */
	*word = MARK;
	wait_for(&f->aborted, 2 * PAGES, false);
	if (rc || *(volatile uint64_t *)word != MARK)
		fetch_add_relaxed(&f->wrong, 1);
	fetch_add_relaxed(&f->rounds, 1);
}

static void *mapper(void *arg)
{
	struct fire *f = arg;
	unsigned int me = fetch_add_relaxed(&f->next_mapper, 1);
	unsigned int seed = me + 1;
	struct uiommu_mm mm = { f, pin, unpin };

	while (!load_acquire(&f->stop))
		one_round(f, &mm,
			  me * EACH + (unsigned int)rand_r(&seed) % EACH);
	return NULL;
}

static void *device(void *arg)
{
	struct fire *f = arg;
	unsigned int me = fetch_add_relaxed(&f->next_device, 1);
	unsigned int seed = 100 + me;
	uint64_t value = me + 1;

	while (!load_acquire(&f->stop)) {
		unsigned int page = (unsigned int)rand_r(&seed) % PAGES;
		struct uiommu_smmuv3_dma req = {
			.txn = { .sid = 8 + me,
				 .flags = UIOMMU_TXN_WRITE,
				 .iova = IOVA + page * PAGE },
			.buf = &value,
			.len = 8,
		};

		if (uiommu_smmuv3_model_dma(f->model, &req)) {
			fetch_add_relaxed(&f->aborted, 1);
			continue;
		}
		fetch_add_relaxed(&f->hits[page], 1);
		fetch_add_relaxed(&f->hit, 1);
	}
	return NULL;
}

static void open_smmu(struct fire *f, const char *profile)
{
	struct uiommu_model_host mh = {
		.ctx = f,
		.read = mem_read,
		.write = mem_write,
		.cmpxchg64 = mem_cmpxchg,
		.irq = no_irq,
	};
	struct uiommu_bus_window window = {
		.base = BASE,
		.size = UIOMMU_SMMUV3_MMIO_SIZE,
		.read = reg_read,
		.write = reg_write,
	};
	struct uiommu_smmuv3_cfg cfg = {
		.platform = uiommu_host_platform(f->host),
		.base = BASE,
		.host = &uiommu_core_host_ops,
		.host_ctx = f->core,
	};
	struct uiommu_smmuv3_profile prof = *uiommu_smmuv3_profile_find("full");
	struct uiommu_unit *unit;

	if (!strcmp(profile, "no caches"))
		prof.tlb_entries = prof.config_entries = 0;
	assert_int_equal(uiommu_smmuv3_model_create(&prof, &mh, &f->model), 0);
	window.ctx = f->model;
	assert_int_equal(uiommu_host_add_window(f->host, &window), 0);
	assert_int_equal(uiommu_smmuv3_probe(&cfg, &unit), 0);
	assert_int_equal(uiommu_core_add_unit(f->core, unit), 0);
	for (uint32_t i = 0; i < DEVICES; i++) {
		uint32_t sid = 8 + i;
		struct uiommu_device_cfg dev = {
			.hw = { .name = "dev", .ids = &sid, .nr_ids = 1 },
		};

		assert_int_equal(
			uiommu_device_add(f->core, unit, &dev, &f->dev[i]), 0);
	}
}

static void build(struct fire *f, const char *profile)
{
	struct uiommu_core_cfg cfg = { 0 };

	f->mem = aligned_alloc(PAGE, PAGES * PAGE);
	assert_non_null(f->mem);
	memset(f->mem, 0, PAGES * PAGE);
	assert_int_equal(uiommu_host_create(1ull << 32, &f->host), 0);
	/* Aborts are what this is about: thousands of lines say nothing. */
	uiommu_host_set_log(f->host, UIOMMU_LOG_ERROR);
	cfg.platform = uiommu_host_platform(f->host);
	assert_int_equal(uiommu_core_create(&cfg, &f->core), 0);
	open_smmu(f, profile);
	assert_int_equal(uiommu_domain_alloc(f->dev[0], &f->dom), 0);
	assert_int_equal(uiommu_ioas_create(f->core, &f->ioas), 0);
	assert_int_equal(uiommu_ioas_add_domain(f->ioas, f->dom), 0);
	for (int i = 0; i < DEVICES; i++)
		assert_int_equal(
			uiommu_group_attach(uiommu_device_group(f->dev[i]),
					    f->dom),
			0);
}

static void tear_down(struct fire *f)
{
	for (int i = 0; i < DEVICES; i++)
		uiommu_group_detach(uiommu_device_group(f->dev[i]));
	uiommu_ioas_remove_domain(f->ioas, f->dom);
	uiommu_domain_free(f->dom);
	uiommu_ioas_destroy(f->ioas);
	assert_int_equal(f->pinned, 0);
	for (int i = 0; i < DEVICES; i++)
		uiommu_device_remove(f->dev[i]);
	uiommu_core_destroy(f->core);
	uiommu_smmuv3_model_destroy(f->model);
	uiommu_host_barrier(f->host);
	assert_int_equal(uiommu_host_live(f->host), 0);
	uiommu_host_destroy(f->host);
	free(f->mem);
}

static void run(const char *profile)
{
	struct fire *f = calloc(1, sizeof(*f));
	pthread_t thread[MAPPERS + DEVICES];
	const uint64_t *turns[3];
	unsigned int nr = 0;

	assert_non_null(f);
	turns[0] = &f->rounds;
	turns[1] = &f->hit;
	turns[2] = &f->aborted;
	build(f, profile);
	for (int i = 0; i < MAPPERS; i++)
		pthread_create(&thread[nr++], NULL, mapper, f);
	for (int i = 0; i < DEVICES; i++)
		pthread_create(&thread[nr++], NULL, device, f);
	let_fight(stress_ms(2000) / 2, turns, 3);
	store_release(&f->stop, 1);
	while (nr)
		pthread_join(thread[--nr], NULL);
	print_message("# %s: %lu rounds, %lu DMAs arrived, %lu aborted\n",
		      profile, (long)f->rounds, (long)f->hit, (long)f->aborted);
	assert_int_equal(f->wrong, 0);
	assert_true(all_had_turns(turns, 3));
	tear_down(f);
	free(f);
}

static void with_all_caches(void **state)
{
	run("all caches");
}

static void without_caches(void **state)
{
	run("no caches");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_all_caches),
		cmocka_unit_test(without_caches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
