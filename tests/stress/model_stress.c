/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices translate and move data without pause while one thread maps, unmaps,
 * invalidates and reconfigures.  What must hold at every moment:
 *   - an answer is the old or the new one, never a mixture,
 *   - after CMD_SYNC nobody gets the old one,
 *   - after CMD_SYNC nobody touches the memory that was unmapped,
 *   - what stalls is told once, answered once and over once.
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
	pthread_mutex_t cmd_lock; /* prod, where several threads command */
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

static void open_fire_with(struct fire *f, struct uiommu_smmuv3_profile p,
			   unsigned int evtq_lg2)
{
	struct uiommu_model_host host;

	memset(f, 0, sizeof(*f));
	assert_int_equal(model_ram_init(&f->ram, BASE, 0x2000000), 0);
	host = model_ram_host(&f->ram);
	pthread_mutex_init(&f->cmd_lock, NULL);
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
	uiommu_smmuv3_model_write(f->model, 0xa0, 8, EVTQ | evtq_lg2);
	uiommu_smmuv3_model_write(f->model, 0x20, 4, 0xd);
}

static void open_fire(struct fire *f)
{
	open_fire_with(f, *uiommu_smmuv3_profile_find("full"), 4);
}

static void close_fire(struct fire *f)
{
	uiommu_smmuv3_model_destroy(f->model);
	pthread_mutex_destroy(&f->cmd_lock);
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

/* ------------------------------------------------------------- stalls ---- */

/*
 * Two records and four places in the queue for a dozen requests: most wait for
 * their turn.  One thread answers the records, one takes pages away.
 */
#define EVTQ_LG2 2u
#define STALL_MAX 2u
#define JOBS 4u

struct stalls {
	struct fire f;
	uint32_t handler_stop;
	/* what the handler said, and what came of it */
	uint64_t retries, aborts, razwis, aborted, zeroes, pending, dones;
};

struct job {
	struct uiommu_smmuv3_dma dma;
	struct stalls *s;
	uint64_t word;
	unsigned int page;
	uint32_t busy;
	int status;
};

static uint64_t pattern(unsigned int page)
{
	return 0x0101010101010101ull * (page + 1);
}

static void job_done(struct uiommu_smmuv3_dma *req, int status)
{
	struct job *job = (struct job *)(void *)req;

	job->status = status;
	fetch_add_relaxed(&job->s->dones, 1);
	store_release(&job->busy, 0);
}

static void job_check(struct job *job)
{
	struct stalls *s = job->s;

	fetch_add_relaxed(&s->f.accesses, 1);
	if (job->status == -14)
		fetch_add_relaxed(&s->aborted, 1);
	else if (!job->status && !job->word)
		fetch_add_relaxed(&s->zeroes, 1);
	else if (job->status || job->word != pattern(job->page))
		fetch_add_relaxed(&s->f.wrong, 1);
}

static void job_wait(struct job *job)
{
	while (load_acquire(&job->busy))
		sched_yield();
	if (job->s)
		job_check(job);
}

static void job_start(struct stalls *s, struct job *job, unsigned int i)
{
	int rc;

	*job = (struct job){
		.dma = { .txn = { .sid = i % 11,
				  .iova = (i % NR_PAGES) * 4096ull },
			 .buf = &job->word,
			 .len = 8,
			 .done = job_done },
		.s = s,
		.word = ~0ull,
		.page = i % NR_PAGES,
		.busy = 1,
	};
	rc = uiommu_smmuv3_model_dma(s->f.model, &job->dma);
	if (rc == -115) {
		fetch_add_relaxed(&s->pending, 1);
		return;
	}
	job->status = rc;
	store_release(&job->busy, 0);
}

static void *stalling_device(void *arg)
{
	struct stalls *s = arg;
	unsigned int i = fetch_add_relaxed(&s->f.next, 1) * 17;
	struct job job[JOBS] = { 0 };

	for (; !load_acquire(&s->f.stop); i++) {
		job_wait(&job[i % JOBS]);
		job_start(s, &job[i % JOBS], i);
	}
	for (i = 0; i < JOBS; i++)
		job_wait(&job[i]);
	return NULL;
}

/* The page is mapped, whatever the answer is: else nobody would go on. */
static void answer_stall(struct stalls *s, const uint64_t rec[4])
{
	unsigned int page = (unsigned int)(rec[2] >> 12) % NR_PAGES;
	uint64_t q0 = (rec[0] & ~0xffffffffull) | 0x44;
	uint64_t *count;

	if ((s->retries + s->aborts + s->razwis) % 8 == 3) {
		count = &s->aborts;
		q0 |= 0x2000;
	} else if ((s->retries + s->aborts + s->razwis) % 8 == 6) {
		count = &s->razwis;
	} else {
		count = &s->retries;
		q0 |= 0x1000;
	}
	ram_w64(&s->f.ram, pte(page), data_of(0, page) | 0xc43);
	++*count;
	pthread_mutex_lock(&s->f.cmd_lock);
	cmd(&s->f, q0, rec[1] & 0xffff);
	pthread_mutex_unlock(&s->f.cmd_lock);
}

static void *handler(void *arg)
{
	struct stalls *s = arg;
	uint32_t cons = 0, prod;
	uint64_t rec[4];

	while (!load_acquire(&s->handler_stop)) {
		prod = (uint32_t)uiommu_smmuv3_model_read(s->f.model, 0x100a8,
							  4);
		/* stalls never overflow, and nothing else is recorded */
		if (prod >> 31)
			fetch_add_relaxed(&s->f.wrong, 1);
		if ((prod & 7) == cons) {
			sched_yield();
			continue;
		}
		for (unsigned int i = 0; i < 4; i++)
			rec[i] = ram_r64(&s->f.ram,
					 EVTQ + (cons & 3) * 32 + 8 * i);
		cons = (cons + 1) & 7;
		uiommu_smmuv3_model_write(s->f.model, 0x100ac, 4, cons);
		if ((rec[0] & 0xff) != 0x10 || !(rec[1] >> 31 & 1))
			fetch_add_relaxed(&s->f.wrong, 1);
		answer_stall(s, rec);
	}
	return NULL;
}

static void open_stalls(struct stalls *s)
{
	struct uiommu_smmuv3_profile p = *uiommu_smmuv3_profile_find("full");

	memset(s, 0, sizeof(*s));
	p.idr[0] &= ~(3u << 24 | 1u << 26);
	p.idr[5] = (p.idr[5] & 0xffff) | STALL_MAX << 16;
	open_fire_with(&s->f, p, EVTQ_LG2);
	for (unsigned int sid = 0; sid < 16; sid++)
		ram_w64(&s->f.ram, CDS + sid * 64, 0x00017205c0000010);
	for (unsigned int i = 0; i < NR_PAGES; i++)
		ram_w64(&s->f.ram, data_of(0, i), pattern(i));
}

/* One page goes away; those that wait are looked at. */
static void take_page(struct stalls *s, unsigned int page)
{
	pthread_mutex_lock(&s->f.cmd_lock);
	ram_w64(&s->f.ram, pte(page), 0);
	cmd(&s->f, 0x0001000000000012, (uint64_t)page << 12 | 1);
	sync_cmd(&s->f);
	pthread_mutex_unlock(&s->f.cmd_lock);
}

static void run_stalls(struct stalls *s,
		       void (*disturb)(struct stalls *, unsigned int round))
{
	pthread_t t[NR_THREADS], h;
	time_t begin = time(NULL);

	assert_int_equal(pthread_create(&h, NULL, handler, s), 0);
	for (unsigned int i = 0; i < NR_THREADS; i++)
		assert_int_equal(
			pthread_create(&t[i], NULL, stalling_device, s), 0);
	for (unsigned int round = 0; go_on(round, begin); round++) {
		for (unsigned int i = 0; i < 8; i++)
			take_page(s, (round * 8 + i) % NR_PAGES);
		disturb(s, round);
		wait_accesses(&s->f, 10);
	}
	/* the handler stays until the last request is over */
	finish(&s->f, t);
	store_release(&s->handler_stop, 1);
	pthread_join(h, NULL);
	assert_int_equal(s->f.wrong, 0);
	assert_int_equal(s->dones, s->pending);
	assert_true(s->pending > 0);
}

static void leave_alone(struct stalls *s, unsigned int round)
{
}

static void stalls_under_fire(void **state)
{
	struct uiommu_smmuv3_stats stats;
	static struct stalls s;

	open_stalls(&s);
	run_stalls(&s, leave_alone);
	/* every answer has met its request, and no other */
	assert_int_equal(s.aborted, s.aborts);
	assert_int_equal(s.zeroes, s.razwis);
	uiommu_smmuv3_model_stats(s.f.model, &stats);
	assert_int_equal(stats.resumed, s.retries + s.aborts + s.razwis);
	assert_int_equal(stats.events, stats.resumed);
	assert_int_equal(stats.events_lost, 0);
	close_fire(&s.f);
}

/* All that is stalled ends; answers that come too late meet nothing. */
static void turn_off_and_on(struct stalls *s, unsigned int round)
{
	if (round % 4)
		return;
	uiommu_smmuv3_model_write(s->f.model, 0x44, 4, 0x80100000);
	uiommu_smmuv3_model_write(s->f.model, 0x20, 4, 0xc);
	uiommu_smmuv3_model_write(s->f.model, 0x20, 4, 0xd);
}

static void stalls_while_turned_off_and_on(void **state)
{
	static struct stalls s;

	open_stalls(&s);
	run_stalls(&s, turn_off_and_on);
	close_fire(&s.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remap_under_fire),
		cmocka_unit_test(reconfigure_under_fire),
		cmocka_unit_test(unmapped_memory_is_quiet),
		cmocka_unit_test(stalls_under_fire),
		cmocka_unit_test(stalls_while_turned_off_and_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
