/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sva_nth_test.c - shared addresses on a whole machine with the nth call of the
 * platform failing, for each n: devices that are bound and unbound, one that
 * waits by page requests and one that is stalled; a page fault; a change of the
 * address space.
 *
 * A call that fails leaves the machine as it was; unbind and changes never fail,
 * whatever does below them.
 */
#include <errno.h>
#include <sys/mman.h>

#include "machine/pci.h"
#include "nth.h"
#include "sva.h"

#define PAGE 4096u
#define DEVS 2u
#define WORD UINT64_C(0x5a)

struct scene {
	struct uiommu_machine *machine;
	struct uiommu_sva_mm mm; /* the process's, and who it tells */
	struct uiommu_mm_notifier *n;
	struct sva_client d[DEVS];
	unsigned int subject; /* the device of a call */
	uint32_t pasid;
	uint64_t *page;
	char *empty; /* the machine with no page in the devices' table */
};

/* ----------------------------------------------------------------- scene -- */

static int subscribe(void *ctx, struct uiommu_mm_notifier *n)
{
	struct scene *s = ctx;
	int rc = uiommu_process_mm()->subscribe(NULL, n);

	if (!rc)
		s->n = n;
	return rc;
}

static int unsubscribe(void *ctx, struct uiommu_mm_notifier *n)
{
	struct scene *s = ctx;

	s->n = NULL;
	return uiommu_process_mm()->unsubscribe(NULL, n);
}

static void scene_open(struct scene *s)
{
	guard_ok();
	*s = (struct scene){ .mm = *uiommu_process_mm(), .pasid = 1 };
	s->mm.ctx = s;
	s->mm.subscribe = subscribe;
	s->mm.unsubscribe = unsubscribe;
	s->machine = machine_ok("testep,testep:stall");
	for (unsigned int i = 0; i < DEVS; i++)
		sva_open_unbound_ok(&s->d[i], s->machine, i);
	s->page = pages_ok(PAGE);
	*s->page = WORD;
}

static void scene_close(struct scene *s)
{
	for (unsigned int i = 0; i < DEVS; i++)
		client_close(&s->d[i].c);
	uiommu_machine_destroy(s->machine);
	pages_free(s->page, PAGE);
}

/* The whole address space changes: no page is left in the device's table. */
static void forget_all(struct scene *s)
{
	const uint64_t last = (UINT64_C(1) << s->mm.va_bits) - 1;

	if (!s->n)
		return;
	s->n->begin(s->n, 0, last, UIOMMU_MM_REPLACE);
	s->n->end(s->n, 0, last, UIOMMU_MM_REPLACE);
}

/* What device i reads in the page by the PASID; -1: nothing. */
static long look(struct scene *s, unsigned int i)
{
	testep_fill(&s->d[i].c, 0, 0xdead);
	sva_start_as(&s->d[i], 0, s->pasid, TESTEP_READ, s->page, 8);
	if (sva_end(&s->d[i], 0) != TESTEP_OK)
		return -1;
	return (long)testep_word(&s->d[i].c, 0);
}

/* Who was answered with Failure asks again when its driver has seen to it. */
static void revive(struct scene *s)
{
	pcidev_set_pri(s->machine->dev[0], true);
}

/* ------------------------------------------------------- bind and unbind -- */

static long run_bind(void *ctx)
{
	struct scene *s = ctx;
	struct sva_client *d = &s->d[s->subject];

	return uiommu_sva_bind(d->dev, &s->mm, &d->sva);
}

static void undo_bind(void *ctx)
{
	struct scene *s = ctx;

	uiommu_sva_unbind(s->d[s->subject].sva);
}

/* All that are bound find the page, and nobody else. */
static void check_all(struct scene *s, unsigned int bound)
{
	for (unsigned int i = 0; i < DEVS; i++) {
		assert_int_equal(uiommu_device_nr_pasids(s->d[i].dev),
				 i < bound);
		assert_int_equal(look(s, i), i < bound ? (long)WORD : -1);
	}
	forget_all(s);
}

static void check_bound(void *ctx, bool done)
{
	struct scene *s = ctx;

	check_all(s, s->subject + done);
	if (done)
		assert_int_equal(uiommu_sva_pasid(s->d[s->subject].sva),
				 s->pasid);
}

static void check_still_bound(void *ctx, bool done)
{
	assert_true(done);
	check_bound(ctx, true);
}

static long run_unbind(void *ctx)
{
	undo_bind(ctx);
	return 0;
}

static void undo_unbind(void *ctx)
{
	assert_int_equal(run_bind(ctx), 0);
}

static void check_unbound(void *ctx, bool done)
{
	assert_true(done);
	check_bound(ctx, false);
}

/* ---------------------------------------------- faults and changes of pages */

static long run_fault(void *ctx)
{
	struct scene *s = ctx;

	return look(s, s->subject);
}

static void undo_fault(void *ctx)
{
	forget_all(ctx);
}

/* The other one finds it, whatever became of the first one's request. */
static void check_fault(void *ctx, bool done)
{
	struct scene *s = ctx;
	unsigned int other = 1 - s->subject;

	/* What was prepared for the page is gone too. */
	if (!done)
		expect_text(s->machine, s->empty, "fault", s->subject);
	revive(s);
	assert_int_equal(look(s, other), WORD);
	assert_int_equal(look(s, s->subject), WORD);
	if (!done)
		forget_all(s);
}

/* The page is in the device's table. */
static long run_change(void *ctx)
{
	struct scene *s = ctx;

	assert_int_equal(mprotect(s->page, PAGE, PROT_NONE), 0);
	return 0;
}

static void undo_change(void *ctx)
{
	struct scene *s = ctx;

	assert_int_equal(mprotect(s->page, PAGE, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(look(s, s->subject), WORD);
}

static void check_change(void *ctx, bool done)
{
	struct scene *s = ctx;

	for (unsigned int i = 0; i < DEVS; i++)
		assert_int_equal(look(s, i), -1);
}

static void of_each_device(struct scene *s)
{
	static const struct nth_call binding = { "bind", run_bind, undo_bind,
						 check_bound, 1 };
	static const struct nth_call bound[] = {
		{ "bind again", run_bind, undo_bind, check_still_bound, 0 },
		{ "unbind", run_unbind, undo_unbind, check_unbound, 0 },
	};

	for (s->subject = 0; s->subject < DEVS; s->subject++) {
		nth_each(s->machine, &binding, s);
		assert_int_equal(run_bind(s), 0);
		for (unsigned int i = 0; i < 2; i++)
			nth_each(s->machine, &bound[i], s);
	}
}

static void of_its_pages(struct scene *s)
{
	/* The fault's group, and the tables below the first one. */
	static const struct nth_call fault = { "fault", run_fault, undo_fault,
					       check_fault, 4 };
	static const struct nth_call change = { "change", run_change,
						undo_change, check_change, 0 };

	for (s->subject = 0; s->subject < DEVS; s->subject++) {
		s->empty = machine_text(s->machine);
		nth_each(s->machine, &fault, s);
		free(s->empty);
		assert_int_equal(look(s, s->subject), WORD);
		nth_each(s->machine, &change, s);
		forget_all(s);
	}
}

static void the_nth_call_fails(void **state)
{
	struct scene s;

	scene_open(&s);
	of_each_device(&s);
	of_its_pages(&s);
	for (unsigned int i = 0; i < DEVS; i++)
		uiommu_sva_unbind(s.d[i].sva);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nth_call_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
