/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replace under fire: the domain of a device, or of one of its PASIDs, is
 * replaced again and again while two threads read through it without pause.
 *
 * Each domain maps the same address to a page filled with a number of its own.
 * A read of 64 bytes must see one number throughout, and one that was in force
 * at some time between its start and its end: the replacement that had returned
 * last before it began, one that had been begun when it ended, or one between.
 * After a replacement has returned its own thread must find the new domain.
 *
 * UIOMMU_STRESS_REPLACES says how often in the two cases of every day, a device
 * and a PASID with all that may be cached; a fiftieth of that in the others.
 * `make stress` asks for 100000.
 *
 * Some cases go through the core, with the same criteria.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "core_rig.h"
#include "turns.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define IOVA UINT64_C(0x100000000)
#define SID 0x123u
#define NEIGHBOUR 40u /* a PASID that nothing is done to */
#define DOMS 8u
#define READERS 2
#define WORDS 8u

enum form {
	ALONE,	       /* the device itself, without PASIDs */
	BESIDE_PASIDS, /* the device itself */
	LINEAR,	       /* a PASID in a linear table */
	TWO_LEVEL,     /* a PASID in a leaf of its own */
	WITH_OTHERS,   /* a PASID in the leaf of others */
};

struct fire {
	enum form form;
	bool often;
	struct rig *rig;
	struct uiommu_hwdev *dev;
	struct uiommu_hwdom *dom[DOMS], *still;
	/* Through the core instead. */
	bool core;
	struct core_rig cr;
	struct uiommu_device *cdev;
	struct uiommu_domain *cdom[DOMS], *cstill;
	uint32_t pasid; /* UIOMMU_NO_PASID: the device's own domain */
	bool may_abort; /* stage 2 is among them */

	/* Replacements by number; domain = number % DOMS. */
	uint64_t begun, done;
	uint32_t stop;
	uint64_t reads, olds, news, aborts;
	uint64_t torn, wrong, faults;
};

#define get(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define put(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define bump(p) __atomic_fetch_add((p), 1, __ATOMIC_RELAXED)

/* -------------------------------------------------------------- devices */

/* What the page says, UINT64_MAX if it is torn. */
static uint64_t value_of(const uint64_t words[WORDS])
{
	unsigned int i;

	for (i = 1; i < WORDS; i++)
		if (words[i] != words[0])
			return UINT64_MAX;
	return words[0];
}

/* Was domain `value` in force at some time from replacement `a` to `b`? */
static bool in_force(uint64_t value, uint64_t a, uint64_t b)
{
	return b - a >= DOMS - 1 || (value - a % DOMS + DOMS) % DOMS <= b - a;
}

static void one_read(struct fire *f)
{
	uint64_t words[WORDS], a, b, value;
	int rc;

	a = get(&f->done);
	rc = rig_dma_pasid(f->rig, SID, f->pasid, IOVA, words, sizeof(words),
			   false);
	/* The read is before this look at what has begun. */
	fence_full();
	b = get(&f->begun);
	bump(&f->reads);
	if (rc) {
		bump(f->may_abort && a != b ? &f->aborts : &f->faults);
		return;
	}
	value = value_of(words);
	if (value == UINT64_MAX)
		bump(&f->torn);
	else if (!in_force(value, a, b))
		bump(&f->wrong);
	else if (a != b)
		bump(value == a % DOMS ? &f->olds : &f->news);
}

static void *reader(void *arg)
{
	struct fire *f = arg;
	uint32_t n = 0;

	while (!get(&f->stop)) {
		one_read(f);
		/* More threads than processors: let the others have a go. */
		if (++n % 13 == 0)
			sched_yield();
	}
	return NULL;
}

/* Another PASID of the device, and the device itself: nothing may happen. */
static void *neighbour(void *arg)
{
	struct fire *f = arg;
	uint64_t words[WORDS];
	uint32_t pasid = NEIGHBOUR, n = 0;

	while (!get(&f->stop)) {
		if (rig_dma_pasid(f->rig, SID, pasid, IOVA, words,
				  sizeof(words), false))
			bump(&f->faults);
		else if (value_of(words) != 77)
			bump(&f->wrong);
		if (f->pasid != UIOMMU_NO_PASID)
			pasid = pasid == NEIGHBOUR ? UIOMMU_NO_PASID
						   : NEIGHBOUR;
		if (++n % 7 == 0)
			sched_yield();
	}
	return NULL;
}

/* ------------------------------------------------------------- software */

static uint64_t *page(struct fire *f, unsigned int i)
{
	return rig_word(f->rig, i);
}

/* Domain i shows a page that says `value`. */
static uint64_t *fill_page(struct fire *f, unsigned int i, uint64_t value)
{
	unsigned int w;

	for (w = 0; w < WORDS; w++)
		page(f, i)[w] = value;
	return page(f, i);
}

static void make_domain(struct fire *f, unsigned int i, uint64_t value,
			struct uiommu_hwdom *dom)
{
	rig_map(dom, IOVA, fill_page(f, i, value), RIG_PAGE, RW);
}

static void set_core(struct fire *f, uint32_t pasid, struct uiommu_domain *dom,
		     bool replace)
{
	struct uiommu_group *group = uiommu_device_group(f->cdev);
	int rc;

	if (pasid == UIOMMU_NO_PASID)
		rc = replace ? uiommu_group_replace(group, dom)
			     : uiommu_group_attach(group, dom);
	else
		rc = replace ? uiommu_device_pasid_replace(f->cdev, pasid, dom)
			     : uiommu_device_pasid_attach(f->cdev, pasid, dom);
	assert_int_equal(rc, 0);
}

/* From domain `old`, DOMS: none, to domain `to`. */
static void set(struct fire *f, unsigned int to, unsigned int old)
{
	if (f->core)
		set_core(f, f->pasid, f->cdom[to], old < DOMS);
	else if (f->pasid == UIOMMU_NO_PASID)
		rig_attach(f->dom[to], f->dev);
	else
		rig_set_pasid(f->dom[to], f->dev, f->pasid,
			      old < DOMS ? f->dom[old] : NULL);
}

static void replace(struct fire *f)
{
	uint64_t n = f->done + 1, words[WORDS], from;

	put(&f->begun, n);
	fence_full();
	sched_yield();
	/* What is in force still gets its share of reads. */
	from = get(&f->reads);
	while (2 * get(&f->olds) < get(&f->news) &&
	       get(&f->reads) - from < 1000)
		sched_yield();
	set(f, n % DOMS, (n - 1) % DOMS);
	put(&f->done, n);
	/* Only the new one from here on. */
	if (rig_dma_pasid(f->rig, SID, f->pasid, IOVA, words, sizeof(words),
			  false))
		bump(&f->faults);
	else if (value_of(words) != n % DOMS)
		bump(&f->wrong);
}

/* Ten reads for each replacement; with few processors they need a turn. */
static void await_reads(struct fire *f, uint64_t from)
{
	unsigned int i = 0;

	while (get(&f->reads) - from < 10)
		if (++i % 256 == 0)
			sched_yield();
}

/* Old and new each at least a fifth of the reads across a replacement. */
static bool balanced(struct fire *f)
{
	uint64_t olds = get(&f->olds), news = get(&f->news);

	return olds && news && 4 * olds >= news && 4 * news >= olds;
}

static uint64_t how_often(const struct fire *f)
{
	const char *env = getenv("UIOMMU_STRESS_REPLACES");
	uint64_t times = env ? strtoull(env, NULL, 0) : 2000;

	return f->often ? times : times / 50 + 60;
}

static void fight(struct fire *f)
{
	uint64_t times = how_often(f), end = now_ms() + 20000, from;
	unsigned int nr = READERS + (f->form != ALONE), i;
	pthread_t thread[READERS + 1];

	for (i = 0; i < nr; i++)
		pthread_create(&thread[i], NULL,
			       i < READERS ? reader : neighbour, f);
	do {
		from = get(&f->reads);
		replace(f);
		await_reads(f, from);
		rig_irqs(f->rig);
	} while (f->done < times || (!balanced(f) && now_ms() < end));
	put(&f->stop, 1);
	for (i = 0; i < nr; i++)
		pthread_join(thread[i], NULL);
	print_message("# %llu replacements, %llu reads, across one: %llu old, "
		      "%llu new, %llu aborted\n",
		      (unsigned long long)f->done, (unsigned long long)f->reads,
		      (unsigned long long)f->olds, (unsigned long long)f->news,
		      (unsigned long long)f->aborts);
	assert_int_equal(f->torn, 0);
	assert_int_equal(f->wrong, 0);
	assert_int_equal(f->faults, 0);
	assert_true(f->reads >= 10 * f->done);
	/* Not an event: what may abort between the stages does so silently. */
	rig_irqs(f->rig);
	assert_int_equal(f->rig->nr_faults + f->cr.nr_faults, 0);
	assert_int_equal(f->rig->lost, 0);
}

#ifdef __SANITIZE_THREAD__
#define PLAIN_COPIES_ARE_RACES true
#else
#define PLAIN_COPIES_ARE_RACES false
#endif

static const uint32_t pasid_of[] = { UIOMMU_NO_PASID, UIOMMU_NO_PASID, 41, 1000,
				     1001 };

static void begin_fire(struct fire *f, struct rig_cfg *cfg, enum form form)
{
	memset(f, 0, sizeof(*f));
	cfg->yield = true;
	cfg->no_direct = PLAIN_COPIES_ARE_RACES;
	f->form = form;
	f->pasid = pasid_of[form];
}

static void open_fire(struct fire *f, struct rig_cfg *cfg, enum form form,
		      bool stage2)
{
	unsigned int i;

	begin_fire(f, cfg, form);
	f->rig = rig_create(cfg);
	f->may_abort = stage2;
	f->dev = rig_pasid_device(f->rig, SID, 20);
	f->still = rig_domain(f->rig, UIOMMU_DOM_PAGING);
	make_domain(f, DOMS, 77, f->still);
	for (i = 0; i < DOMS; i++) {
		f->dom[i] = stage2 && i % 2
				    ? rig_stage2(f->rig)
				    : rig_domain(f->rig, UIOMMU_DOM_PAGING);
		make_domain(f, i, i, f->dom[i]);
	}
	if (form >= LINEAR)
		rig_attach(f->still, f->dev);
	if (form != ALONE)
		rig_set_pasid(f->still, f->dev, NEIGHBOUR, NULL);
	if (form == WITH_OTHERS)
		rig_set_pasid(f->still, f->dev, 1000, NULL);
	set(f, 0, DOMS);
}

/* The same above the core. */
static void open_core_fire(struct fire *f, struct rig_cfg *cfg, enum form form)
{
	unsigned int i;

	begin_fire(f, cfg, form);
	f->core = true;
	core_rig_open(&f->cr, cfg);
	f->rig = f->cr.rig[0];
	f->cdev = core_rig_device(&f->cr, 0, SID, 20, false);
	for (i = 0; i <= DOMS; i++) {
		fill_page(f, i, i < DOMS ? i : 77);
		*(i < DOMS ? &f->cdom[i] : &f->cstill) =
			core_rig_domain(&f->cr, f->cdev, IOVA, i);
	}
	if (form >= LINEAR)
		set_core(f, UIOMMU_NO_PASID, f->cstill, false);
	if (form != ALONE)
		set_core(f, NEIGHBOUR, f->cstill, false);
	if (form == WITH_OTHERS)
		set_core(f, 1000, f->cstill, false);
	set(f, 0, DOMS);
}

static void close_core_fire(struct fire *f)
{
	unsigned int i;
	uint32_t pasid;

	while (uiommu_device_pasid_detach_any(f->cdev, &pasid))
		;
	uiommu_group_detach(uiommu_device_group(f->cdev));
	uiommu_device_remove(f->cdev);
	for (i = 0; i < DOMS; i++)
		uiommu_domain_free(f->cdom[i]);
	uiommu_domain_free(f->cstill);
	core_rig_close(&f->cr);
}

static void close_fire(struct fire *f)
{
	unsigned int i;

	f->rig->unit->ops->dev_remove(f->dev);
	for (i = 0; i < DOMS; i++)
		f->rig->unit->ops->dom_free(f->dom[i]);
	f->rig->unit->ops->dom_free(f->still);
	rig_destroy(f->rig);
}

static void run(struct rig_cfg *cfg, enum form form, bool often)
{
	struct fire f;

	open_fire(&f, cfg, form, false);
	f.often = often;
	fight(&f);
	/* It was in the middle of it. */
	assert_true(balanced(&f));
	close_fire(&f);
}

static void run_core(struct rig_cfg *cfg, enum form form, bool often)
{
	struct fire f;

	open_core_fire(&f, cfg, form);
	f.often = often;
	fight(&f);
	assert_true(balanced(&f));
	close_core_fire(&f);
}

static void normal(struct rig_cfg *cfg)
{
	rig_default(cfg);
}

static void no_caches(struct rig_cfg *cfg)
{
	rig_default(cfg);
	cfg->profile.tlb_entries = 0;
	cfg->profile.config_entries = 0;
}

static void greedy(struct rig_cfg *cfg)
{
	rig_default(cfg);
	cfg->profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
}

static void with(void (*caching)(struct rig_cfg *cfg), enum form form)
{
	struct rig_cfg cfg;

	caching(&cfg);
	run(&cfg, form,
	    caching == greedy && (form == ALONE || form == TWO_LEVEL));
}

#define CASE(caching, form)                        \
	static void caching##_##form(void **state) \
	{                                          \
		with(caching, form);               \
	}
CASE(normal, ALONE)
CASE(normal, BESIDE_PASIDS)
CASE(normal, LINEAR)
CASE(normal, TWO_LEVEL)
CASE(normal, WITH_OTHERS)
CASE(no_caches, ALONE)
CASE(no_caches, LINEAR)
CASE(no_caches, TWO_LEVEL)
CASE(greedy, ALONE)
CASE(greedy, BESIDE_PASIDS)
CASE(greedy, LINEAR)
CASE(greedy, TWO_LEVEL)
CASE(greedy, WITH_OTHERS)

#define CORE_CASE(caching, form)                          \
	static void core_##caching##_##form(void **state) \
	{                                                 \
		struct rig_cfg cfg;                       \
                                                          \
		caching(&cfg);                            \
		run_core(&cfg, form, form == TWO_LEVEL);  \
	}
CORE_CASE(greedy, ALONE)
CORE_CASE(greedy, BESIDE_PASIDS)
CORE_CASE(greedy, LINEAR)
CORE_CASE(greedy, TWO_LEVEL)
CORE_CASE(greedy, WITH_OTHERS)

static void a_table_of_one_level(void **state)
{
	struct rig_cfg cfg;

	greedy(&cfg);
	cfg.profile.idr[0] &= ~(1u << 19); /* CD2L */
	run(&cfg, WITH_OTHERS, false);
}

/* An abort entry on the way, and never an invalid one. */
static void between_stage_1_and_stage_2(void **state)
{
	struct rig_cfg cfg;
	struct fire f;

	greedy(&cfg);
	open_fire(&f, &cfg, ALONE, true);
	fight(&f);
	close_fire(&f);
}

/*
 * PASIDs come and go in all sizes of the table while the device itself reads:
 * the table grows, shrinks and moves under it.
 */
static void pasids_come_and_go_beside_the_device(void **state)
{
	static const uint32_t pasid[] = { 3, 70, 1000, 0x8000, 0xfffff, 5 };
	const char *env = getenv("UIOMMU_STRESS_REPLACES");
	uint64_t times = (env ? strtoull(env, NULL, 0) : 2000) / 100, n;
	pthread_t thread[READERS];
	uint64_t words[WORDS];
	struct rig_cfg cfg;
	unsigned int i;
	struct fire f;

	greedy(&cfg);
	open_fire(&f, &cfg, ALONE, false);
	for (i = 0; i < READERS; i++)
		pthread_create(&thread[i], NULL, reader, &f);
	for (n = 0; n < times; n++) {
		for (i = 0; i < 6; i++) {
			rig_set_pasid(f.dom[1 + i], f.dev, pasid[i], NULL);
			assert_int_equal(rig_dma_pasid(f.rig, SID, pasid[i],
						       IOVA, words,
						       sizeof(words), false),
					 0);
			assert_int_equal(value_of(words), 1 + i);
		}
		for (i = 0; i < 6; i++) {
			rig_set_pasid(NULL, f.dev, pasid[i], f.dom[1 + i]);
			assert_int_equal(rig_dma_pasid(f.rig, SID, pasid[i],
						       IOVA, words,
						       sizeof(words), false),
					 -14 /* EFAULT */);
		}
		await_reads(&f, get(&f.reads));
		rig_irqs(f.rig);
	}
	put(&f.stop, 1);
	for (i = 0; i < READERS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(f.torn + f.wrong + f.faults, 0);
	close_fire(&f);
}

/*
 * PASIDs of one device changed by several threads at the same time, each its
 * own ones, in shared leaves of a table that grows and shrinks under them.
 */
struct worker {
	struct fire *f;
	uint32_t first;
	uint64_t wrong;
};

static uint64_t peek(struct fire *f, uint32_t pasid)
{
	uint64_t words[WORDS];

	if (rig_dma_pasid(f->rig, SID, pasid, IOVA, words, sizeof(words),
			  false))
		return 1000;
	return value_of(words);
}

static void *worker(void *arg)
{
	struct worker *w = arg;
	struct fire *f = w->f;
	uint32_t n, pasid;

	for (n = 0; n < 150; n++) {
		pasid = w->first + n % 3 * (n % 2 ? 64 : 1) + n % 5 * 512;
		w->wrong += peek(f, pasid) != 1000;
		rig_set_pasid(f->dom[n % DOMS], f->dev, pasid, NULL);
		w->wrong += peek(f, pasid) != n % DOMS;
		rig_set_pasid(f->dom[(n + 1) % DOMS], f->dev, pasid,
			      f->dom[n % DOMS]);
		w->wrong += peek(f, pasid) != (n + 1) % DOMS;
		rig_set_pasid(NULL, f->dev, pasid, f->dom[(n + 1) % DOMS]);
		w->wrong += peek(f, pasid) != 1000;
	}
	return NULL;
}

static void pasids_of_one_device_from_several_threads(void **state)
{
	struct worker w[3] = { { .first = 2 },
			       { .first = 20 },
			       { .first = 40 } };
	pthread_t thread[3];
	struct rig_cfg cfg;
	unsigned int i;
	struct fire f;

	greedy(&cfg);
	open_fire(&f, &cfg, ALONE, false);
	for (i = 0; i < 3; i++) {
		w[i].f = &f;
		pthread_create(&thread[i], NULL, worker, &w[i]);
	}
	/* And the device itself moves. */
	for (i = 1; i < 150; i++) {
		rig_attach(f.dom[i % DOMS], f.dev);
		assert_int_equal(peek(&f, UIOMMU_NO_PASID), i % DOMS);
		assert_int_equal(f.rig->unit->ops->flush_all(f.dom[i % 3]), 0);
		rig_irqs(f.rig);
	}
	for (i = 0; i < 3; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(w[i].wrong, 0);
	}
	close_fire(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normal_ALONE),
		cmocka_unit_test(normal_BESIDE_PASIDS),
		cmocka_unit_test(normal_LINEAR),
		cmocka_unit_test(normal_TWO_LEVEL),
		cmocka_unit_test(normal_WITH_OTHERS),
		cmocka_unit_test(no_caches_ALONE),
		cmocka_unit_test(no_caches_LINEAR),
		cmocka_unit_test(no_caches_TWO_LEVEL),
		cmocka_unit_test(greedy_ALONE),
		cmocka_unit_test(greedy_BESIDE_PASIDS),
		cmocka_unit_test(greedy_LINEAR),
		cmocka_unit_test(greedy_TWO_LEVEL),
		cmocka_unit_test(greedy_WITH_OTHERS),
		cmocka_unit_test(core_greedy_ALONE),
		cmocka_unit_test(core_greedy_BESIDE_PASIDS),
		cmocka_unit_test(core_greedy_LINEAR),
		cmocka_unit_test(core_greedy_TWO_LEVEL),
		cmocka_unit_test(core_greedy_WITH_OTHERS),
		cmocka_unit_test(a_table_of_one_level),
		cmocka_unit_test(between_stage_1_and_stage_2),
		cmocka_unit_test(pasids_come_and_go_beside_the_device),
		cmocka_unit_test(pasids_of_one_device_from_several_threads),
	};

	return cmocka_run_group_tests_name("replace-stress", tests, NULL, NULL);
}
