/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_msi_stress.c - interrupts of two guests' devices while all that leads them
 * changes: bindings, the guests' tables, what their devices are attached to, and the
 * vectors themselves; one guest's device writes numbers of any vector to the doorbell.
 * Once with guests that have vIOMMUs, once with such whose PASID tables are bound.
 *
 * What must hold: each call gives one of the answers that it may give; no guest has
 * more interrupts than its device has raised, and none for a vector that it never
 * raises; when nothing changes any more interrupts come as they should.
 */
#include <pthread.h>
#include <unistd.h>

#include "base/atomic.h"
#include "check.h"
#include "guest_msi.h"
#include "turns.h"

#define NR_THREADS 8u
#define NR_BINDINGS 3u
#define RUN_MS 1000

struct world {
	struct uiommu_machine *machine;
	struct guest g[2];
	struct uiommu_domain *parent[2];
	bool bound;	  /* PASID tables, and no vIOMMUs */
	uint64_t told[2]; /* faults; atomic */
	/* Each has two vectors, and raises the first. */
	int efd[2], quiet[2];
	uint64_t raised[2];	    /* atomic */
	bool stop;		    /* atomic */
	uint64_t turns[NR_THREADS]; /* atomic */
};

struct worker {
	struct world *w;
	unsigned int index;
	void (*fn)(struct worker *self);
	uint64_t seed;
	pthread_t thread;
};

static uint32_t pick(struct worker *self, uint32_t n)
{
	self->seed ^= self->seed << 13;
	self->seed ^= self->seed >> 7;
	self->seed ^= self->seed << 17;
	return (uint32_t)(self->seed % n);
}

static int set_irqs(struct world *w, unsigned int i, bool on)
{
	const int efd[2] = { w->efd[i], w->quiet[i] };

	return client_msix(&w->g[i].s.dev[0], efd, on ? 2 : 0);
}

/* All of the guest's entries, if there is a guest. */
static void forget_all(struct world *w, unsigned int i)
{
	const struct uiommu_cache_info info = {
		.type = UIOMMU_CACHE_TLB,
		.granularity = UIOMMU_CACHE_ALL_PASIDS,
	};
	const uint64_t cmd[1][2] = { { 0x10, 0 } };
	uint32_t done;
	int rc;

	if (!w->bound) {
		CHECK(!commands(&w->g[i], cmd, 1, &done));
		return;
	}
	rc = uiommu_cache_invalidate(w->parent[i], NULL, &info);
	CHECK(!rc || rc == -EINVAL);
}

static bool take_fault(void *ctx, struct uiommu_device *dev,
		       const struct uiommu_fault *fault)
{
	fetch_add_relaxed((uint64_t *)ctx, 1);
	return true;
}

static int bind_table(struct world *w, unsigned int i,
		      enum uiommu_guest_state state)
{
	const struct uiommu_pasid_table table = {
		.state = state,
		.none = UIOMMU_PASID_NONE_IS_0,
		.pasid_bits = 6,
		.base = GPA,
	};

	return uiommu_bind_pasid_table(w->parent[i], &table);
}

/* Events, or faults, since it was asked last. */
static uint64_t lost(struct world *w, unsigned int i)
{
	struct event event;
	uint64_t n = 0;

	if (w->bound)
		return exchange_acq_rel(&w->told[i], 0);
	while (next_event(&w->g[i], &event) > 0)
		n++;
	return n;
}

/* --------------------------------------------------------------- workers -- */

static void raise(struct world *w, unsigned int i)
{
	fetch_add_relaxed(&w->raised[i], 1);
	send_msi(&w->g[i].s.dev[0]);
}

static void raise_0(struct worker *self)
{
	raise(self->w, 0);
}

static void raise_1(struct worker *self)
{
	raise(self->w, 1);
}

/* The first guest's device, to the doorbell by any way: one slot, any vector. */
static void write_numbers(struct worker *self)
{
	uint64_t iova = pick(self, 2) ? DOORBELL : BOUND_IOVA + 0x40;
	uint32_t how = pick(self, 2) ? TESTEP_UNTRANSLATED : 0;
	uint32_t message = pick(self, 8);

	/* Its own count as raised: they are 0 and 1 of those that there are. */
	fetch_add_relaxed(&self->w->raised[0], 1);
	(void)writes_as(&self->w->g[0], how, iova, message, 4);
}

static void change_bindings(struct worker *self)
{
	struct uiommu_domain *parent = self->w->parent[pick(self, 2)];
	uint32_t n = pick(self, NR_BINDINGS);
	uint64_t iova = BOUND_IOVA + n * PAGE;
	int rc;

	if (pick(self, 2)) {
		rc = uiommu_bind_guest_msi(parent, iova, BOUND_GPA + n * PAGE,
					   12);
		CHECK(!rc);
	} else {
		rc = uiommu_unbind_guest_msi(parent, iova);
		CHECK(!rc || rc == -ENOENT);
	}
}

/* Another doorbell, which takes bindings as well. */
static void map_doorbells(struct worker *self)
{
	struct world *w = self->w;
	uiommu_iova_t iova;
	int rc = uiommu_group_msi_map(group_of(&w->g[pick(self, 2)]),
				      0xfee00000 + pick(self, 2) * PAGE, &iova);

	CHECK(!rc || rc == -ENOSPC || rc == -ENOENT);
	if (!rc)
		CHECK((iova >= MSI_FIRST && iova <= MSI_LAST) ||
		      (iova >= BOUND_IOVA &&
		       iova < BOUND_IOVA + NR_BINDINGS * PAGE));
}

static void change_tables(struct worker *self)
{
	unsigned int i = pick(self, 2);
	uint64_t iova = MSI_FIRST, leaf = MSI_FIRST | READ_WRITE;

	if (pick(self, 2)) {
		iova = BOUND_IOVA + pick(self, NR_BINDINGS) * PAGE;
		leaf = (BOUND_GPA + pick(self, NR_BINDINGS) * PAGE) |
		       READ_WRITE;
	}
	switch (pick(self, 4)) {
	case 0:
		leaf = 0;
		break;
	case 1:
		leaf |= 0x80; /* read only */
		break;
	default:
		break;
	}
	lead(&self->w->g[i], iova, leaf);
	forget_all(self->w, i);
}

static void bind_others(struct worker *self)
{
	unsigned int state = pick(self, 4);

	if (state <= UIOMMU_GUEST_ABORT)
		CHECK(!bind_table(self->w, 0, state));
	else
		uiommu_unbind_pasid_table(self->w->parent[0]);
}

static void attach_others(struct worker *self)
{
	struct guest *g = &self->w->g[0];
	const uint32_t tables[] = { g->nested, g->parent, g->s.ioas };
	uint32_t pt = tables[pick(self, 3)];
	int rc = attach(&g->s, 0, &pt);

	/* Not as many bindings as doorbells. */
	CHECK(!rc || rc == -ENOSPC);
}

static void change_vectors(struct worker *self)
{
	struct world *w = self->w;
	int rc;

	/* Off already, after they could not be had. */
	rc = set_irqs(w, 0, false);
	CHECK(!rc || rc == -EINVAL);
	rc = set_irqs(w, 0, true);
	/* None, or one of two before its binding went. */
	CHECK(!rc || rc == -ENOSPC || rc == 1);
	for (unsigned int i = 0; i < 2; i++)
		(void)lost(w, i);
}

static void *work(void *arg)
{
	struct worker *self = arg;

	while (!load_acquire(&self->w->stop)) {
		self->fn(self);
		turn(&self->w->turns[self->index]);
		/* Locks are not fair to those that have to wait longer. */
		usleep(pick(self, 50));
	}
	return NULL;
}

/* ------------------------------------------------------------------ case -- */

/* The guest's memory is a page table of iommufd's; all else is the library's. */
static void start_bound(struct world *w, unsigned int i)
{
	struct guest *g = &w->g[i];

	assert_int_equal(map_fixed(&g->s, g->s.ioas, 0, NR_PAGES, GPA), 0);
	assert_int_equal(hwpt_alloc(&g->s, 0, g->s.ioas,
				    IOMMU_HWPT_ALLOC_NEST_PARENT, &g->parent),
			 0);
	attach_ok(g, g->parent);
	guest_boot(g);
	w->parent[i] = uiommu_group_domain(group_of(g));
	uiommu_domain_set_fault_handler(w->parent[i], take_fault, &w->told[i]);
	assert_int_equal(bind_table(w, i, UIOMMU_GUEST_TRANSLATE), 0);
}

static void start_with_viommu(struct world *w, unsigned int i)
{
	struct guest *g = &w->g[i];

	guest_start(g);
	attach_ok(g, g->parent);
	w->parent[i] = uiommu_group_domain(group_of(g));
	attach_ok(g, g->nested);
}

static void open_world(struct world *w, bool bound)
{
	guard_ok();
	memset(w, 0, sizeof(*w));
	w->bound = bound;
	w->machine = machine_ok("testep,testep");
	for (unsigned int i = 0; i < 2; i++) {
		scene_join(&w->g[i].s, w->machine, i, 1);
		if (bound)
			start_bound(w, i);
		else
			start_with_viommu(w, i);
		w->efd[i] = eventfd_ok();
		w->quiet[i] = eventfd_ok();
		assert_int_equal(set_irqs(w, i, true), 0);
	}
}

static void close_world(struct world *w)
{
	for (unsigned int i = 0; i < 2; i++) {
		close(w->efd[i]);
		close(w->quiet[i]);
		if (w->bound)
			scene_close(&w->g[i].s);
		else
			guest_close(&w->g[i]);
	}
	uiommu_machine_destroy(w->machine);
}

/* What each has had is not more than was raised; then one of each comes. */
static void expect_order(struct world *w)
{
	uiommu_machine_poll(w->machine);
	for (unsigned int i = 0; i < 2; i++)
		assert_true(fired(w->efd[i]) <= w->raised[i]);
	/* Nobody else's may be raised; its own the first device did by number. */
	assert_int_equal(fired(w->quiet[1]), 0);
	for (unsigned int i = 0; i < 2; i++) {
		struct guest *g = &w->g[i];

		for (unsigned int n = 0; n < NR_BINDINGS; n++)
			(void)uiommu_unbind_guest_msi(w->parent[i],
						      BOUND_IOVA + n * PAGE);
		if (w->bound)
			assert_int_equal(
				bind_table(w, i, UIOMMU_GUEST_TRANSLATE), 0);
		else
			attach_ok(g, g->nested);
		(void)set_irqs(w, i, false);
		assert_int_equal(set_irqs(w, i, true), 0);
		lead(g, DOORBELL, MSI_FIRST | READ_WRITE);
		forget_all(w, i);
		(void)lost(w, i);
		(void)fired(w->efd[i]);
		raise(w, i);
		assert_int_equal(fired(w->efd[i]), 1);
		assert_int_equal(fired(w->efd[!i]), 0);
		assert_int_equal(lost(w, i), 0);
	}
}

static void fight(bool bound)
{
	void (*const fns[NR_THREADS])(struct worker * self) = {
		raise_0,
		raise_1,
		write_numbers,
		change_tables,
		bound ? bind_others : attach_others,
		change_vectors,
		map_doorbells,
		change_bindings,
	};
	static struct world w;
	struct worker worker[NR_THREADS];
	const uint64_t *turns[NR_THREADS];

	open_world(&w, bound);
	for (unsigned int i = 0; i < NR_THREADS; i++) {
		worker[i] = (struct worker){ .w = &w,
					     .index = i,
					     .fn = fns[i],
					     .seed = 0x9e3779b9 + i };
		turns[i] = &w.turns[i];
		assert_int_equal(pthread_create(&worker[i].thread, NULL, work,
						&worker[i]),
				 0);
	}
	assert_true(let_fight(stress_ms(RUN_MS), turns, NR_THREADS));
	store_release(&w.stop, true);
	for (unsigned int i = 0; i < NR_THREADS; i++)
		pthread_join(worker[i].thread, NULL);
	expect_order(&w);
	close_world(&w);
}

static void guests_with_viommus(void **state)
{
	fight(false);
}

static void guests_whose_tables_are_bound(void **state)
{
	fight(true);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(guests_with_viommus),
		cmocka_unit_test(guests_whose_tables_are_bound),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
