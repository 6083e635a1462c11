/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices translate and move data without pause while one thread maps, unmaps,
 * invalidates and reconfigures.  What must hold at every moment:
 *   - an answer is the old or the new one, never a mixture,
 *   - after CMD_SYNC nobody gets the old one,
 *   - after CMD_SYNC nobody touches the memory that was unmapped.
 * Made for ThreadSanitizer; a few seconds.  Words are typed by hand.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <uiommu/smmuv3_model.h>

#include "base/atomic.h"
#include "model_ram.h"

#define BASE 0x40000000ull
#define CMDQ (BASE + 0x10000)
#define EVTQ (BASE + 0x20000)
#define STRTAB (BASE + 0x100000)
#define CDS (BASE + 0x200000)
#define TABLES (BASE + 0x300000)
#define DATA (BASE + 0x1000000)
#define NR_PAGES 64u
#define NR_THREADS 3u
/* Rounds that must be, and the time after which no more are begun. */
#define ROUNDS 24u
#define SECONDS 1

/* Each stream has two level-3 tables; pages of set k lie at data_of(k). */
struct fire {
	struct model_ram ram;
	struct uiommu_smmuv3_model *model;
	uint32_t stop, next;
	/* odd: the set in use is being changed; (epoch >> 1) & 1: the set */
	uint32_t epoch;
	uint64_t accesses, wrong;
	uint32_t prod;
};

static uint64_t data_of(unsigned int set, unsigned int page)
{
	return DATA + set * 0x100000ull + page * 4096ull;
}

static bool go_on(unsigned int round, time_t start)
{
	return round < ROUNDS || time(NULL) - start <= SECONDS;
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
	assert_int_equal(uiommu_smmuv3_model_read(f->model, 0x9c, 4), f->prod);
}

static uint64_t pte(unsigned int page)
{
	return TABLES + 0x3000 + page * 8;
}

static void map_set(struct fire *f, unsigned int set)
{
	for (unsigned int i = 0; i < NR_PAGES; i++)
		ram_w64(&f->ram, pte(i), data_of(set, i) | 0xc43);
}

static void put_cd(struct fire *f, uint64_t at, uint64_t asid)
{
	ram_w64(&f->ram, at, 0x00006205c0000010 | asid << 48);
	ram_w64(&f->ram, at + 8, TABLES);
	ram_w64(&f->ram, at + 24, 0xff);
}

static void open_fire(struct fire *f)
{
	struct uiommu_smmuv3_profile p = *uiommu_smmuv3_profile_find("full");
	struct uiommu_model_host host;

	memset(f, 0, sizeof(*f));
	assert_int_equal(model_ram_init(&f->ram, BASE, 0x2000000), 0);
	host = model_ram_host(&f->ram);
	p.tlb_entries = 64; /* evictions too */
	p.config_entries = 4;
	assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &f->model), 0);
	for (unsigned int i = 0; i < 3; i++)
		ram_w64(&f->ram, TABLES + i * 4096,
			(TABLES + (i + 1) * 4096) | 3);
	for (unsigned int sid = 0; sid < 16; sid++) {
		put_cd(f, CDS + sid * 64, 1);
		ram_w64(&f->ram, STRTAB + sid * 64, (CDS + sid * 64) | 0xb);
	}
	map_set(f, 0);
	uiommu_smmuv3_model_write(f->model, 0x80, 8, STRTAB);
	uiommu_smmuv3_model_write(f->model, 0x88, 4, 4);
	uiommu_smmuv3_model_write(f->model, 0x90, 8, CMDQ | 6);
	uiommu_smmuv3_model_write(f->model, 0xa0, 8, EVTQ | 4);
	uiommu_smmuv3_model_write(f->model, 0x20, 4, 0xd);
}

static void close_fire(struct fire *f)
{
	uiommu_smmuv3_model_destroy(f->model);
	model_ram_fini(&f->ram);
}

/* The answer must belong to a set that was current during the look-up. */
static void one_access(struct fire *f, unsigned int i)
{
	uint32_t before = load_acquire(&f->epoch), after;
	unsigned int page = i % NR_PAGES;
	struct uiommu_smmuv3_txn txn = { .sid = i % 11,
					 .iova = page * 4096ull + 8 };
	struct uiommu_smmuv3_xlate x;
	int rc = uiommu_smmuv3_model_translate(f->model, &txn, &x);
	bool is0 = !rc && x.pa == data_of(0, page) + 8;
	bool is1 = !rc && x.pa == data_of(1, page) + 8;
	unsigned int set = before >> 1 & 1;

	after = load_acquire(&f->epoch);
	fetch_add_relaxed(&f->accesses, 1);
	if (before == after && !(before & 1) ? !(set ? is1 : is0)
					     : !(is0 || is1))
		fetch_add_relaxed(&f->wrong, 1);
}

static void *device(void *arg)
{
	struct fire *f = arg;
	unsigned int i = fetch_add_relaxed(&f->next, 1) * 17;

	while (!load_acquire(&f->stop))
		one_access(f, i++);
	return NULL;
}

static void start(struct fire *f, pthread_t *t, void *(*fn)(void *))
{
	for (unsigned int i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, fn, f), 0);
}

static void finish(struct fire *f, pthread_t *t)
{
	store_release(&f->stop, 1);
	for (unsigned int i = 0; i < NR_THREADS; i++)
		pthread_join(t[i], NULL);
}

static void wait_accesses(struct fire *f, uint64_t n)
{
	uint64_t until = load_acquire(&f->accesses) + n;

	while (load_acquire(&f->accesses) < until)
		sched_yield();
}

static void invalidate(struct fire *f, unsigned int round)
{
	switch (round % 6) {
	case 0: /* each page, leaf */
		for (uint64_t i = 0; i < NR_PAGES; i++)
			cmd(f, 0x0001000000000012, i << 12 | 1);
		break;
	case 1: /* one range, TTL 3 */
		cmd(f, 0x0001000000000012 | (NR_PAGES / 2 - 1) << 12 | 1 << 20,
		    0x701);
		break;
	case 2:
		cmd(f, 0x0001000000000011, 0);
		break;
	case 3:
		cmd(f, 0x0000000000000010, 0);
		break;
	case 4: /* any ASID, in two ranges */
		cmd(f, 0x13 | 31 << 12, 0x401);
		cmd(f, 0x13 | 31 << 12, 0x20401);
		break;
	default:
		cmd(f, 0x30, 0);
	}
}

static void remap_under_fire(void **state)
{
	pthread_t t[NR_THREADS];
	time_t begin = time(NULL);
	struct fire f;

	open_fire(&f);
	start(&f, t, device);
	for (unsigned int round = 0; go_on(round, begin); round++) {
		fetch_add_acq_rel(&f.epoch, 1);
		map_set(&f, (round + 1) & 1);
		invalidate(&f, round);
		sync_cmd(&f);
		fetch_add_acq_rel(&f.epoch, 1);
		wait_accesses(&f, 10);
	}
	finish(&f, t);
	assert_int_equal(f.wrong, 0);
	close_fire(&f);
}

/* CDs move from one ASID to another and back; STEs go and come. */
static void reconfigure_under_fire(void **state)
{
	pthread_t t[NR_THREADS];
	time_t begin = time(NULL);
	struct fire f;

	open_fire(&f);
	start(&f, t, device);
	for (unsigned int round = 0; go_on(round, begin); round++) {
		unsigned int sid = round % 11;
		uint64_t old = CDS + sid * 64 + (round / 11 & 1 ? 0x1000 : 0);
		uint64_t new = CDS + sid * 64 + (round / 11 & 1 ? 0 : 0x1000);

		/* the other CD has another ASID; one store changes over */
		put_cd(&f, new, 1 + round % 3);
		ram_w64(&f.ram, STRTAB + sid * 64, new | 0xb);
		if (round % 4 == 0)
			cmd(&f, 4, 31);
		else if (round % 4 == 1)
			cmd(&f, (uint64_t)sid << 32 | 4, 0);
		else
			cmd(&f, (uint64_t)sid << 32 | 3, 1);
		sync_cmd(&f);
		/* nobody reads the old one any more */
		ram_w64(&f.ram, old, 0);
		wait_accesses(&f, 10);
	}
	finish(&f, t);
	assert_int_equal(f.wrong, 0);
	close_fire(&f);
}

/* Each thread moves data in a part of the page of its own. */
static void *mover(void *arg)
{
	struct fire *f = arg;
	uint32_t part = fetch_add_relaxed(&f->next, 1);
	uint8_t buf[1024];
	struct uiommu_smmuv3_dma dma = {
		.txn = { .sid = 1, .flags = UIOMMU_TXN_WRITE },
		.buf = buf,
		.len = sizeof(buf),
	};

	memset(buf, 0xee, sizeof(buf));
	for (unsigned int i = 0; !load_acquire(&f->stop); i++) {
		dma.txn.iova = (i % NR_PAGES) * 4096ull + part * 1024;
		(void)uiommu_smmuv3_model_dma(f->model, &dma);
		fetch_add_relaxed(&f->accesses, 1);
	}
	return NULL;
}

static void unmapped_memory_is_quiet(void **state)
{
	pthread_t t[NR_THREADS];
	time_t begin = time(NULL);
	struct fire f;

	open_fire(&f);
	start(&f, t, mover);
	for (unsigned int round = 0; go_on(round, begin); round++) {
		unsigned int page = round % NR_PAGES;
		uint64_t pa = data_of(0, page);

		ram_w64(&f.ram, pte(page), 0);
		cmd(&f, 0x0001000000000012, (uint64_t)page << 12 | 1);
		sync_cmd(&f);
		/* plain accesses: ThreadSanitizer would see a late DMA */
		memset(f.ram.mem + (pa - BASE), 0, 4096);
		wait_accesses(&f, 10);
		for (unsigned int i = 0; i < 4096; i++)
			assert_int_equal(f.ram.mem[pa - BASE + i], 0);
		ram_w64(&f.ram, pte(page), pa | 0xc43);
	}
	finish(&f, t);
	close_fire(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remap_under_fire),
		cmocka_unit_test(reconfigure_under_fire),
		cmocka_unit_test(unmapped_memory_is_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
