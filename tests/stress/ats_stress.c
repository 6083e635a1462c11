/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many threads do DMA through one endpoint while software unmaps pages under
 * it, or maps them only when asked.  What must hold at every moment:
 *   - after CMD_ATC_INV and CMD_SYNC nobody touches the memory that was
 *     unmapped, however the endpoint carries the invalidation out,
 *   - every DMA ends, once, with its page or without.
 * Made for ThreadSanitizer; a few seconds.  Words are typed by hand.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <uiommu/smmuv3_endpoint.h>

#include "base/atomic.h"
#include "model_ram.h"

#define BASE 0x40000000ull
#define CMDQ (BASE + 0x10000)
#define EVTQ (BASE + 0x20000)
#define PRIQ (BASE + 0x30000)
#define STRTAB (BASE + 0x100000)
#define CDS (BASE + 0x200000)
#define TABLES (BASE + 0x300000)
#define DATA (BASE + 0x1000000)
#define NR_PAGES 32u
#define NR_THREADS 3u
#define PRIQ_LG2 1u /* overflows too */
#define ROUNDS 24u
#define SECONDS 1

struct fire {
	struct model_ram ram;
	struct uiommu_smmuv3_model *model;
	struct uiommu_smmuv3_endpoint *ep;
	uint32_t stop, next;
	uint32_t hot; /* the page that the next change is about */
	uint64_t accesses, parked, denied;
	uint32_t prod;
	/* Invalidations by another thread: one at a time, handed over here. */
	bool slow;
	uint32_t pending; /* published after `inval` */
	struct uiommu_ats_inval inval;
};

static uint64_t pa_of(unsigned int page)
{
	return DATA + page * 4096ull;
}

static uint64_t pte(unsigned int page)
{
	return TABLES + 0x3000 + page * 8;
}

static int invalidate(void *arg, const struct uiommu_ats_inval *inval)
{
	struct fire *f = arg;

	if (!f->slow)
		return uiommu_smmuv3_endpoint_ats_invalidate(f->ep, inval);
	f->inval = *inval;
	store_release(&f->pending, 1);
	return -EINPROGRESS;
}

/* The endpoint's own thread for invalidations. */
static void *invalidator(void *arg)
{
	struct fire *f = arg;
	struct uiommu_ats_inval inval;

	while (!load_acquire(&f->stop)) {
		if (!load_acquire(&f->pending)) {
			sched_yield();
			continue;
		}
		inval = f->inval;
		store_release(&f->pending, 0);
		uiommu_smmuv3_endpoint_ats_invalidate(f->ep, &inval);
		uiommu_smmuv3_model_ats_inval_done(f->model, inval.tag, 0);
	}
	return NULL;
}

static void respond(void *arg, const struct uiommu_pri_response *resp)
{
	struct fire *f = arg;

	uiommu_smmuv3_endpoint_pri_response(f->ep, resp);
}

static void cmd(struct fire *f, uint64_t q0, uint64_t q1)
{
	uint64_t at = CMDQ + (f->prod % 64) * 16;

	ram_w64(&f->ram, at, q0);
	ram_w64(&f->ram, at + 8, q1);
	f->prod = (f->prod + 1) % 128;
	uiommu_smmuv3_model_write(f->model, 0x98, 4, f->prod);
}

static void sync_cmd(struct fire *f)
{
	cmd(f, 0x46, 0);
	while (uiommu_smmuv3_model_read(f->model, 0x9c, 4) != f->prod)
		sched_yield();
}

static void open_fire(struct fire *f, bool slow)
{
	struct uiommu_smmuv3_profile p = *uiommu_smmuv3_profile_find("full");
	struct uiommu_smmuv3_endpoint_config c = {
		.sid = 1,
		.atc_entries = 16, /* evictions too */
		.page_requests = 2,
		.stu_lg2 = 12,
	};
	struct uiommu_model_host host;

	memset(f, 0, sizeof(*f));
	f->slow = slow;
	assert_int_equal(model_ram_init(&f->ram, BASE, 0x2000000), 0);
	f->ram.on_ats_inval = invalidate;
	f->ram.on_pri_response = respond;
	f->ram.endpoint_arg = f;
	host = model_ram_host(&f->ram);
	p.tlb_entries = 64;
	p.config_entries = 4;
	assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &f->model), 0);
	c.model = f->model;
	assert_int_equal(uiommu_smmuv3_endpoint_create(&c, &f->ep), 0);
	for (unsigned int i = 0; i < 3; i++)
		ram_w64(&f->ram, TABLES + i * 4096,
			(TABLES + (i + 1) * 4096) | 3);
	ram_w64(&f->ram, CDS, 0x00016205c0000010);
	ram_w64(&f->ram, CDS + 8, TABLES);
	ram_w64(&f->ram, CDS + 24, 0xff);
	ram_w64(&f->ram, STRTAB + 64, CDS | 0xb);
	ram_w64(&f->ram, STRTAB + 64 + 8, 1ull << 28);
	uiommu_smmuv3_model_write(f->model, 0x80, 8, STRTAB);
	uiommu_smmuv3_model_write(f->model, 0x88, 4, 4);
	uiommu_smmuv3_model_write(f->model, 0x90, 8, CMDQ | 6);
	uiommu_smmuv3_model_write(f->model, 0xa0, 8, EVTQ | 4);
	uiommu_smmuv3_model_write(f->model, 0xc0, 8, PRIQ | PRIQ_LG2);
	uiommu_smmuv3_model_write(f->model, 0x20, 4, 0x1f);
	uiommu_smmuv3_endpoint_set_ats(f->ep, true);
}

static void close_fire(struct fire *f)
{
	uiommu_smmuv3_endpoint_destroy(f->ep);
	uiommu_smmuv3_model_destroy(f->model);
	model_ram_fini(&f->ram);
}

static bool go_on(unsigned int round, time_t begin)
{
	return round < ROUNDS || time(NULL) - begin <= SECONDS;
}

static void wait_accesses(struct fire *f, uint64_t n)
{
	uint64_t until = load_acquire(&f->accesses) + n;

	while (load_acquire(&f->accesses) < until)
		sched_yield();
}

/* As the architecture asks for: the TLB first, then the ATC. */
static void unmap(struct fire *f, unsigned int page)
{
	ram_w64(&f->ram, pte(page), 0);
	cmd(f, 0x0001000000000012, (uint64_t)page << 12 | 1);
	sync_cmd(f);
	cmd(f, 0x0000000100000040, (uint64_t)page << 12);
	sync_cmd(f);
}

/* Plain accesses: ThreadSanitizer would see a late DMA. */
static void must_be_quiet(struct fire *f, unsigned int page)
{
	uint8_t *mem = f->ram.mem + (pa_of(page) - BASE);

	memset(mem, 0, 4096);
	wait_accesses(f, 10);
	for (unsigned int i = 0; i < 4096; i++)
		assert_int_equal(mem[i], 0);
}

/* ------------------------------------------------ pages that go away ---- */

/* Each thread moves data in a part of the pages of its own. */
static void *mover(void *arg)
{
	struct fire *f = arg;
	uint32_t part = fetch_add_relaxed(&f->next, 1);
	uint8_t buf[4096 + 1024];
	struct uiommu_smmuv3_dma dma = {
		.txn = { .flags = UIOMMU_TXN_WRITE },
		.buf = buf,
		.len = 1024,
	};

	memset(buf, 0xee, sizeof(buf));
	for (unsigned int i = part * 5; !load_acquire(&f->stop); i++) {
		unsigned int page = i & 1 ? load_relaxed(&f->hot)
					  : i % NR_PAGES;

		dma.txn.iova = page * 4096ull + part * 1024;
		(void)uiommu_smmuv3_endpoint_dma(f->ep, &dma);
		fetch_add_relaxed(&f->accesses, 1);
	}
	return NULL;
}

static void run_quiet(bool slow)
{
	pthread_t t[NR_THREADS + 1];
	time_t begin = time(NULL);
	struct uiommu_smmuv3_endpoint_stats stats;
	struct fire f;

	open_fire(&f, slow);
	for (unsigned int i = 0; i < NR_PAGES; i++)
		ram_w64(&f.ram, pte(i), pa_of(i) | 0xc43);
	for (unsigned int i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, mover, &f), 0);
	assert_int_equal(pthread_create(&t[NR_THREADS], NULL, invalidator, &f),
			 0);
	for (unsigned int round = 0; go_on(round, begin); round++) {
		unsigned int page = round % NR_PAGES;

		store_relaxed(&f.hot, page);
		wait_accesses(&f, 10);
		/* off and on: nothing old may be there afterwards */
		if (round % 8 == 7)
			uiommu_smmuv3_endpoint_set_ats(f.ep, false);
		unmap(&f, page);
		if (round % 8 == 7)
			uiommu_smmuv3_endpoint_set_ats(f.ep, true);
		must_be_quiet(&f, page);
		ram_w64(&f.ram, pte(page), pa_of(page) | 0xc43);
	}
	store_release(&f.stop, 1);
	for (unsigned int i = 0; i <= NR_THREADS; i++)
		pthread_join(t[i], NULL);
	uiommu_smmuv3_endpoint_stats(f.ep, &stats);
	assert_true(stats.atc_hits && stats.atc_misses && stats.invalidations);
	close_fire(&f);
}

static void unmapped_memory_is_quiet(void **state)
{
	run_quiet(false);
}

static void unmapped_memory_is_quiet_in_the_end(void **state)
{
	run_quiet(true);
}

/* ------------------------------------------------- pages on demand ------ */

struct wait {
	struct uiommu_smmuv3_dma dma;
	struct fire *f;
	uint32_t ended;
	int status;
};

static void ended(struct uiommu_smmuv3_dma *req, int status)
{
	struct wait *w = req->opaque[7];

	w->status = status;
	assert_int_equal(load_acquire(&w->ended), 0);
	store_release(&w->ended, 1);
}

static void *faulter(void *arg)
{
	struct fire *f = arg;
	uint32_t part = fetch_add_relaxed(&f->next, 1);
	unsigned int seed = part + 1;
	uint8_t buf[4096 + 1024];
	struct wait w = { .f = f };
	int rc;

	memset(buf, 0xee, sizeof(buf));
	w.dma = (struct uiommu_smmuv3_dma){
		.txn = { .flags = UIOMMU_TXN_WRITE },
		.buf = buf,
		.len = 1024,
		.done = ended,
	};
	while (!load_acquire(&f->stop)) {
		unsigned int r = (unsigned int)rand_r(&seed);
		unsigned int page = r & 0x100 ? load_relaxed(&f->hot)
					      : r % NR_PAGES;

		w.dma.txn.iova = page * 4096ull + part * 1024;
		w.dma.opaque[7] = &w;
		store_release(&w.ended, 0);
		rc = uiommu_smmuv3_endpoint_dma(f->ep, &w.dma);
		if (rc == -EINPROGRESS) {
			fetch_add_relaxed(&f->parked, 1);
			while (!load_acquire(&w.ended))
				sched_yield();
			rc = w.status;
		}
		if (rc)
			fetch_add_relaxed(&f->denied, 1);
		else
			assert_int_equal(w.dma.done_len, 1024);
		fetch_add_relaxed(&f->accesses, 1);
	}
	return NULL;
}

/* Map what is asked for, and answer. */
static void serve(struct fire *f, uint32_t *cons)
{
	uint32_t prod =
		(uint32_t)uiommu_smmuv3_model_read(f->model, 0x100c8, 4);
	uint32_t mask = (2u << PRIQ_LG2) - 1;

	while (((prod ^ *cons) & mask)) {
		uint64_t at = PRIQ + (*cons & (mask >> 1)) * 16;
		uint64_t q1 = ram_r64(&f->ram, at + 8);
		unsigned int page = (q1 >> 12) % NR_PAGES;

		*cons = (*cons + 1) & mask;
		uiommu_smmuv3_model_write(f->model, 0x100cc, 4,
					  *cons | (prod & 0x80000000));
		ram_w64(&f->ram, pte(page), pa_of(page) | 0xc43);
		cmd(f, 0x0000000100000041, (q1 & 0x1ff) | 0x2000);
	}
	uiommu_smmuv3_model_write(f->model, 0x100cc, 4,
				  *cons | (prod & 0x80000000));
}

static void pages_on_demand(void **state)
{
	pthread_t t[NR_THREADS];
	time_t begin = time(NULL);
	struct uiommu_smmuv3_endpoint_stats stats;
	unsigned int running = NR_THREADS;
	uint32_t cons = 0;
	struct fire f;

	open_fire(&f, false);
	uiommu_smmuv3_endpoint_set_pri(f.ep, true);
	for (unsigned int i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, faulter, &f), 0);
	for (unsigned int round = 0; go_on(round, begin); round++) {
		unsigned int page = round * 7 % NR_PAGES;
		uint8_t *mem = f.ram.mem + (pa_of(page) - BASE);

		store_relaxed(&f.hot, page);
		for (unsigned int i = 0; i < 20; i++) {
			serve(&f, &cons);
			sched_yield();
		}
		unmap(&f, page);
		memset(mem, 0, 4096);
		for (unsigned int i = 0; i < 4; i++)
			sched_yield();
		for (unsigned int i = 0; i < 4096; i++)
			assert_int_equal(mem[i], 0);
	}
	store_release(&f.stop, 1);
	while (running) {
		serve(&f, &cons);
		if (!pthread_tryjoin_np(t[running - 1], NULL))
			running--;
	}
	uiommu_smmuv3_endpoint_stats(f.ep, &stats);
	assert_true(f.parked && stats.page_requests);
	assert_int_equal(stats.page_requests, stats.page_responses);
	close_fire(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unmapped_memory_is_quiet),
		cmocka_unit_test(unmapped_memory_is_quiet_in_the_end),
		cmocka_unit_test(pages_on_demand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
