/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aux_nth_test.c - the calls of auxiliary domains with the nth allocation
 * failing, for each n.
 */
#include "aux_scene.h"

static long run_enable(void *ctx)
{
	struct aux_scene *s = ctx;

	return uiommu_dev_enable_feature(s->dev[s->subject], AUX);
}

static void undo_enable(void *ctx)
{
	struct aux_scene *s = ctx;

	assert_int_equal(uiommu_dev_disable_feature(s->dev[s->subject], AUX),
			 0);
}

static long run_disable(void *ctx)
{
	struct aux_scene *s = ctx;

	return uiommu_dev_disable_feature(s->dev[s->subject], AUX);
}

static void undo_disable(void *ctx)
{
	assert_int_equal(run_enable(ctx), 0);
}

static long run_attach(void *ctx)
{
	struct aux_scene *s = ctx;

	return uiommu_aux_attach(s->aux.dom, s->dev[s->subject]);
}

static void undo_attach(void *ctx)
{
	struct aux_scene *s = ctx;

	uiommu_aux_detach(s->aux.dom, s->dev[s->subject]);
}

static long run_detach(void *ctx)
{
	undo_attach(ctx);
	return 0;
}

static void undo_detach(void *ctx)
{
	assert_int_equal(run_attach(ctx), 0);
}

static void check_attached(void *ctx, bool done)
{
	struct aux_scene *s = ctx;

	assert_int_equal(uiommu_aux_pasid(s->aux.dom, s->dev[s->subject]),
			 done ? (int)s->pasid : -EINVAL);
	if (done)
		aux_holds(s, s->subject, s->pasid, 2);
	else
		aux_reaches_nothing(s, s->subject, s->pasid, &s->aux);
	assert_int_equal(aux_reads(s, s->subject, 0), AUX_WORD(0));
}

/* A detach never fails, and after it nothing is reached. */
static void check_detached(void *ctx, bool done)
{
	assert_true(done);
	check_attached(ctx, false);
}

static long run_pasid(void *ctx)
{
	struct aux_scene *s = ctx;

	assert_int_equal(uiommu_aux_pasid(s->aux.dom, s->dev[s->subject]),
			 s->pasid);
	return 0;
}

static void undo_nothing(void *ctx)
{
}

static const struct nth_call enabling[] = {
	{ "enable_feature", run_enable, undo_enable, NULL, 0 },
};
static const struct nth_call attaching = { "aux_attach", run_attach,
					   undo_attach, check_attached, 0 };
static const struct nth_call attached[] = {
	{ "aux_pasid", run_pasid, undo_nothing, check_attached, 0 },
	{ "aux_detach", run_detach, undo_detach, check_detached, 0 },
};

/* The first device, and another; with numbers that make tables grow. */
static void the_nth_allocation_fails(void **state)
{
	static const uint32_t numbers[] = { 1, 2, 4, 64, 1024, 1500 };
	static const struct nth_call disabling = {
		"disable_feature", run_disable, undo_disable, NULL, 0,
	};
	uint32_t taken = 0;
	struct nth_call call = attaching;
	struct aux_scene s;

	aux_open(&s);
	nth_each(s.machine, &disabling, &s);
	assert_int_equal(uiommu_dev_disable_feature(s.dev[0], AUX), 0);
	nth_each(s.machine, &enabling[0], &s);
	assert_int_equal(uiommu_dev_enable_feature(s.dev[0], AUX), 0);
	for (unsigned int n = 0; n < 6; n++) {
		for (; taken + 1 < numbers[n]; taken++) {
			uint32_t pasid;

			assert_int_equal(uiommu_pasid_alloc(s.core, 1, 0xfffff,
							    &pasid),
					 0);
			assert_int_equal(pasid, taken + 1);
		}
		s.pasid = numbers[n];
		for (s.subject = 0; s.subject < 3; s.subject++) {
			/* A device's first CD table has to be made. */
			call.least = n ? 0 : 1;
			nth_each(s.machine, &call, &s);
			assert_int_equal(run_attach(&s), 0);
			for (unsigned int i = 0; i < 2; i++)
				nth_each(s.machine, &attached[i], &s);
		}
		for (s.subject = 0; s.subject < 3; s.subject++)
			undo_attach(&s);
	}
	for (uint32_t pasid = 1; pasid <= taken; pasid++)
		uiommu_pasid_free(s.core, pasid);
	aux_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nth_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
