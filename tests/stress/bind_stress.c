/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices are bound to two address spaces and unbound from many threads, while
 * others change these spaces, devices ask for pages, and a dump looks on.
 *
 * Whoever has bound a device reaches through it what never changes, whatever the
 * others unbind; whoever has taken a page away finds that nobody reaches it until
 * he gives it back; and with the last unbind an address space has no subscriber.
 * UIOMMU_STRESS_SECONDS says how long (2).
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <uiommu/mm.h>

#include "base/atomic.h"
#include "turns.h"
#include "world.h"

enum {
	DEVS = 3,
	SPACES = 2,
	BINDERS = 3,
	CHANGERS = 2,
	ASKERS = 2,
	FIRST_ID = 20,
	PAGES = 16, /* each changer has some, but for page 0 */
	SUBSCRIBERS = 4,
};

#define HOME UINT64_C(0x7f0000000000)
/* Addresses of one space are no other's. */
#define AT(space, i) (HOME + ((uint64_t)(space)*PAGES + (i)) * PAGE)

struct space {
	struct uiommu_sva_mm mm;
	unsigned int number;
	/*
	 * Protects the subscribers.  Held shared over each change, so that begin
	 * and end have the same ones and unsubscribe waits for them.
	 */
	pthread_rwlock_t lock;
	struct uiommu_mm_notifier *n[SUBSCRIBERS];
	unsigned int nr;
	uint32_t right[PAGES]; /* atomic */
};

static struct {
	struct world *w;
	struct uiommu_device *dev[DEVS];
	struct space space[SPACES];
	uint32_t stop, seeds, tokens, wrong; /* atomic */
	uint64_t binds[BINDERS], changes[CHANGERS], asked, dumps;
} a;

static unsigned int dice(unsigned int *seed, unsigned int sides)
{
	return (unsigned int)rand_r(seed) % sides;
}

static unsigned int new_seed(void)
{
	return 31 + fetch_add_relaxed(&a.seeds, 1);
}

static void expect(bool right)
{
	if (!right)
		fetch_add_relaxed(&a.wrong, 1);
}

/* --------------------------------------------------------- address spaces -- */

static int subscribe(void *ctx, struct uiommu_mm_notifier *n)
{
	struct space *s = ctx;

	pthread_rwlock_wrlock(&s->lock);
	s->n[s->nr++] = n;
	pthread_rwlock_unlock(&s->lock);
	return 0;
}

static int unsubscribe(void *ctx, struct uiommu_mm_notifier *n)
{
	struct space *s = ctx;
	unsigned int i;

	pthread_rwlock_wrlock(&s->lock);
	for (i = 0; i < s->nr && s->n[i] != n; i++)
		;
	expect(i < s->nr);
	s->n[i] = s->n[--s->nr];
	pthread_rwlock_unlock(&s->lock);
	return 0;
}

static int populate(void *ctx, uint64_t uva, uint64_t len, bool write)
{
	struct space *s = ctx;
	uint64_t i = (uva - AT(s->number, 0)) / PAGE;

	if (uva % (3 * PAGE) == 0)
		sched_yield();
	return i < PAGES && load_acquire(&s->right[i]) ? 0 : -EFAULT;
}

static uint64_t hold(void *ctx)
{
	return 0;
}

static void release(void *ctx, uint64_t held)
{
}

/* ---------------------------------------------------------------- threads -- */

static bool reaches(unsigned int dev, uint32_t pasid, uint64_t at)
{
	uiommu_pa_t pa;

	return !fake_dma_pasid(a.w->fu, FIRST_ID + dev, pasid, at, true, &pa);
}

static void ask(unsigned int dev, uint32_t pasid, uint64_t at)
{
	const struct uiommu_page_request req = {
		.flags = UIOMMU_PAGE_READ | UIOMMU_PAGE_WRITE |
			 UIOMMU_PAGE_LAST,
		.id = FIRST_ID + dev,
		.pasid = pasid,
		.token = fetch_add_relaxed(&a.tokens, 1),
		.iova = at,
	};

	fake_page_request(a.w->fu, &req);
}

/* Page 0 never changes. */
static void use(unsigned int dev, unsigned int space, uint32_t pasid)
{
	ask(dev, pasid, AT(space, 0));
	expect(reaches(dev, pasid, AT(space, 0)));
}

static void *binder(void *arg)
{
	unsigned int id = (unsigned int)(uintptr_t)arg, seed = new_seed();

	while (!load_acquire(&a.stop)) {
		unsigned int dev = dice(&seed, DEVS);
		unsigned int space = dice(&seed, SPACES);
		struct uiommu_sva *sva;

		if (uiommu_sva_bind(a.dev[dev], &a.space[space].mm, &sva)) {
			expect(false);
			continue;
		}
		for (unsigned int i = dice(&seed, 4); i; i--)
			use(dev, space, uiommu_sva_pasid(sva));
		if (dice(&seed, 2))
			sched_yield();
		uiommu_sva_unbind(sva);
		turn(&a.binds[id]);
	}
	return NULL;
}

/* By no device, and by no PASID that a space may have. */
static void expect_gone(uint64_t at)
{
	for (unsigned int dev = 0; dev < DEVS; dev++)
		for (uint32_t pasid = 1; pasid <= SPACES; pasid++)
			expect(!reaches(dev, pasid, at));
}

/* Take pages away, look, and give them back. */
static void change(struct space *s, unsigned int first, unsigned int end)
{
	const uint64_t from = AT(s->number, first), to = AT(s->number, end) - 1;

	pthread_rwlock_rdlock(&s->lock);
	for (unsigned int i = 0; i < s->nr; i++)
		s->n[i]->begin(s->n[i], from, to, UIOMMU_MM_UNMAP);
	for (unsigned int k = first; k < end; k++)
		store_release(&s->right[k], 0u);
	for (unsigned int i = s->nr; i--;)
		s->n[i]->end(s->n[i], from, to, UIOMMU_MM_UNMAP);
	pthread_rwlock_unlock(&s->lock);
	for (unsigned int k = first; k < end; k++)
		expect_gone(AT(s->number, k));
	for (unsigned int k = first; k < end; k++)
		store_release(&s->right[k], 1u);
}

/* Each has pages of its own in each space. */
static void *changer(void *arg)
{
	unsigned int id = (unsigned int)(uintptr_t)arg, seed = new_seed();
	const unsigned int share = (PAGES - 1) / CHANGERS;

	while (!load_acquire(&a.stop)) {
		unsigned int first = 1 + id * share + dice(&seed, share);
		unsigned int last = 1 + id * share + dice(&seed, share);

		if (first <= last)
			change(&a.space[dice(&seed, SPACES)], first, last + 1);
		turn(&a.changes[id]);
	}
	return NULL;
}

/* Of PASIDs that may just be bound, or not. */
static void *asker(void *arg)
{
	unsigned int seed = new_seed();

	while (!load_acquire(&a.stop)) {
		ask(dice(&seed, DEVS), 1 + dice(&seed, SPACES),
		    AT(dice(&seed, SPACES), dice(&seed, PAGES)));
		turn(&a.asked);
	}
	return NULL;
}

static void count_line(void *ctx, const char *line, size_t len)
{
	++*(unsigned int *)ctx;
}

static void *onlooker(void *arg)
{
	unsigned int lines;
	const struct uiommu_dump dump = {
		.ctx = &lines,
		.parts = UIOMMU_DUMP_ALL,
		.write = count_line,
	};

	while (!load_acquire(&a.stop)) {
		lines = 0;
		uiommu_core_dump(a.w->core, &dump);
		expect(lines > DEVS);
		turn(&a.dumps);
		sched_yield();
	}
	return NULL;
}

/* --------------------------------------------------------------- together -- */

static void build(void)
{
	pthread_rwlockattr_t attr;

	/* Changes come so fast that nobody would ever subscribe. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(
		&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	a.w = world_make(&(struct uiommu_core_cfg){ 0 });
	a.w->fu->page_faults = true;
	for (unsigned int i = 0; i < DEVS; i++)
		assert_int_equal(add_device(a.w, a.w->fu, FIRST_ID + i, NULL,
					    &a.dev[i]),
				 0);
	for (unsigned int i = 0; i < SPACES; i++) {
		struct space *s = &a.space[i];

		s->number = i;
		s->mm = (struct uiommu_sva_mm){
			.ctx = s,
			.subscribe = subscribe,
			.unsubscribe = unsubscribe,
			.populate = populate,
			.hold = hold,
			.release = release,
			.page_lg2 = 12,
			.va_bits = 47,
		};
		pthread_rwlock_init(&s->lock, &attr);
		for (unsigned int k = 0; k < PAGES; k++)
			s->right[k] = 1;
	}
	pthread_rwlockattr_destroy(&attr);
}

static void tear_down(void)
{
	void *state = a.w;

	for (unsigned int i = 0; i < SPACES; i++) {
		assert_int_equal(a.space[i].nr, 0);
		pthread_rwlock_destroy(&a.space[i].lock);
	}
	for (unsigned int i = 0; i < DEVS; i++) {
		assert_int_equal(uiommu_device_nr_pasids(a.dev[i]), 0);
		uiommu_device_remove(a.dev[i]);
	}
	assert_int_equal(fake_waiting(a.w->fu), 0);
	assert_int_equal(a.w->fu->bad_answers, 0);
	world_close(&state);
}

static void bind_and_unbind(void **state)
{
	const uint64_t *turns[] = { &a.binds[0],   &a.binds[1],	  &a.binds[2],
				    &a.changes[0], &a.changes[1], &a.asked,
				    &a.dumps };
	const unsigned int nr_turns = sizeof(turns) / sizeof(turns[0]);
	pthread_t thread[BINDERS + CHANGERS + ASKERS + 1];
	unsigned int nr = 0;

	build();
	for (uintptr_t i = 0; i < BINDERS; i++)
		pthread_create(&thread[nr++], NULL, binder, (void *)i);
	for (uintptr_t i = 0; i < CHANGERS; i++)
		pthread_create(&thread[nr++], NULL, changer, (void *)i);
	for (unsigned int i = 0; i < ASKERS; i++)
		pthread_create(&thread[nr++], NULL, asker, NULL);
	pthread_create(&thread[nr++], NULL, onlooker, NULL);
	assert_true(let_fight(stress_ms(2000), turns, nr_turns));
	store_release(&a.stop, 1u);
	while (nr)
		pthread_join(thread[--nr], NULL);
	print_message("# %lu + %lu + %lu binds, %lu changes, %lu asked\n",
		      (long)a.binds[0], (long)a.binds[1], (long)a.binds[2],
		      (long)(a.changes[0] + a.changes[1]), (long)a.asked);
	assert_int_equal(a.wrong, 0);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bind_and_unbind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
