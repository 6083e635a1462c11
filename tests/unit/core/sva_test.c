/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sva_test.c - pages of a shared address space come and go: no order of a fault
 * and a change leaves the device with the past.
 */
#include "base/atomic.h"
#include "base/bits.h"
#include "space.h"
#include "turns.h"

/* ------------------------------------------------------- faults, changes - */

static void pages_come_with_the_rights_there_are(void **state)
{
	struct scene s;
	uint32_t p = scene_bind(&s, state);

	s.space.right[1] = 1;
	s.space.right[2] = 0;
	assert_false(reaches(&s, 0, p, AT(0), false));
	assert_int_equal(ask(&s, 0, p, AT(0) + 0x123, R), 0);
	/* The fake hardware remembers no rights, so first what may not be. */
	assert_false(reaches(&s, 0, p, AT(0), true));
	assert_true(reaches(&s, 0, p, AT(0), false));
	/* More rights when they are asked for; a second time changes nothing. */
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(ask(&s, 0, p, AT(0), W), 0);
		assert_true(reaches(&s, 0, p, AT(0), true));
		assert_int_equal(ask(&s, 0, p, AT(0), R), 0);
		assert_true(reaches(&s, 0, p, AT(0), true));
	}
	assert_int_equal(ask(&s, 0, p, AT(1), W), UIOMMU_PAGE_INVALID);
	assert_int_equal(ask(&s, 0, p, AT(1), R), 0);
	assert_false(reaches(&s, 0, p, AT(1), true));
	assert_true(reaches(&s, 0, p, AT(1), false));
	assert_int_equal(ask(&s, 0, p, AT(2), R), UIOMMU_PAGE_INVALID);
	assert_int_equal(ask(&s, 0, p, AT(5), R | UIOMMU_PAGE_EXEC),
			 UIOMMU_PAGE_INVALID);
	assert_int_equal(ask(&s, 0, p, UINT64_C(1) << 47, R),
			 UIOMMU_PAGE_INVALID);
	assert_int_equal(ask(&s, 0, p, UINT64_MAX - 4095, R),
			 UIOMMU_PAGE_INVALID);
	scene_unbind(&s);
}

static void a_change_takes_pages_away_in_time(void **state)
{
	struct scene s;
	uint32_t p = scene_bind(&s, state);

	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(ask(&s, 0, p, AT(i), W), 0);
		assert_true(reaches(&s, 0, p, AT(i), true));
	}
	begin(&s.space, AT(1), AT(3) - 1);
	/* Neither the table nor what the hardware remembers. */
	assert_false(reaches(&s, 0, p, AT(1), false));
	assert_false(reaches(&s, 0, p, AT(2), false));
	assert_true(reaches(&s, 0, p, AT(0), true));
	assert_true(reaches(&s, 0, p, AT(3), true));
	/* No refill before the end, of any of two changes that overlap. */
	assert_int_equal(ask(&s, 0, p, AT(1), R), UIOMMU_PAGE_SUCCESS);
	assert_false(reaches(&s, 0, p, AT(1), false));
	begin(&s.space, AT(2), AT(2) + PAGE - 1);
	end(&s.space, AT(1), AT(3) - 1);
	assert_int_equal(ask(&s, 0, p, AT(2), R), UIOMMU_PAGE_SUCCESS);
	assert_false(reaches(&s, 0, p, AT(2), false));
	assert_int_equal(ask(&s, 0, p, AT(1), R), UIOMMU_PAGE_SUCCESS);
	assert_true(reaches(&s, 0, p, AT(1), false));
	end(&s.space, AT(2), AT(2) + PAGE - 1);
	assert_int_equal(ask(&s, 0, p, AT(2), R), UIOMMU_PAGE_SUCCESS);
	assert_true(reaches(&s, 0, p, AT(2), false));
	/* Everything, and beyond. */
	begin(&s.space, 0, UINT64_MAX);
	for (unsigned int i = 0; i < 4; i++)
		assert_false(reaches(&s, 0, p, AT(i), false));
	end(&s.space, 0, UINT64_MAX);
	begin(&s.space, UINT64_C(1) << 47, UINT64_MAX);
	end(&s.space, UINT64_C(1) << 47, UINT64_MAX);
	assert_int_equal(ask(&s, 0, p, AT(1), R), 0);
	assert_true(reaches(&s, 0, p, AT(1), false));
	scene_unbind(&s);
}

/* More changes at a time than there is room to remember. */
static void many_changes_at_a_time(void **state)
{
	struct scene s;
	uint32_t p = scene_bind(&s, state);

	for (unsigned int i = 0; i < 200; i++)
		begin(&s.space, AT(i % 7), AT(i % 7) + PAGE - 1);
	assert_int_equal(ask(&s, 0, p, AT(3), R), 0);
	assert_false(reaches(&s, 0, p, AT(3), false));
	for (unsigned int i = 0; i < 200; i++) {
		assert_int_equal(ask(&s, 0, p, AT(199 % 7), R), 0);
		assert_false(reaches(&s, 0, p, AT(199 % 7), false));
		end(&s.space, AT(i % 7), AT(i % 7) + PAGE - 1);
	}
	assert_int_equal(ask(&s, 0, p, AT(199 % 7), R), 0);
	assert_true(reaches(&s, 0, p, AT(199 % 7), false));
	scene_unbind(&s);
}

/* A change that begins, or is made, while a fault has its page populated. */
static void only_begin(struct space *s)
{
	begin(s, AT(1), AT(2) - 1);
}

static void whole_change(struct space *s)
{
	begin(s, AT(1), AT(2) - 1);
	s->right[1] = 0;
	end(s, AT(1), AT(2) - 1);
}

static void away_and_back(struct space *s)
{
	begin(s, AT(1), AT(2) - 1);
	end(s, AT(1), AT(2) - 1);
}

static void elsewhere(struct space *s)
{
	begin(s, AT(2), AT(3) - 1);
	end(s, AT(2), AT(3) - 1);
}

static void a_fault_that_a_change_overtakes(void **state)
{
	struct scene s;
	uint32_t p = scene_bind(&s, state);

	for (unsigned int early = 0; early < 2; early++) {
		s.space.early = early;
		s.space.right[1] = 2;
		s.space.meanwhile = only_begin;
		assert_int_equal(ask(&s, 0, p, AT(1), W), UIOMMU_PAGE_SUCCESS);
		assert_false(reaches(&s, 0, p, AT(1), false));
		end(&s.space, AT(1), AT(2) - 1);

		s.space.meanwhile = whole_change;
		assert_int_equal(ask(&s, 0, p, AT(1), W), UIOMMU_PAGE_INVALID);
		assert_false(reaches(&s, 0, p, AT(1), false));

		s.space.right[1] = 2;
		s.space.populated = 0;
		s.space.meanwhile = away_and_back;
		assert_int_equal(ask(&s, 0, p, AT(1), W), UIOMMU_PAGE_SUCCESS);
		assert_true(reaches(&s, 0, p, AT(1), true));
		assert_int_equal(s.space.populated, 2);

		away_and_back(&s.space);
		s.space.populated = 0;
		s.space.meanwhile = elsewhere;
		assert_int_equal(ask(&s, 0, p, AT(1), W), UIOMMU_PAGE_SUCCESS);
		assert_true(reaches(&s, 0, p, AT(1), true));
		assert_int_equal(s.space.populated, 1);
		away_and_back(&s.space);
	}
	scene_unbind(&s);
}

/* What is asked for when the device leaves. */
static uint32_t unbound; /* atomic */

static void *unbinder(void *arg)
{
	uiommu_sva_unbind(arg);
	store_release(&unbound, 1);
	return NULL;
}

static pthread_t thread;

static void let_unbind(struct space *s)
{
	struct scene *all = container_of(s, struct scene, space);

	assert_int_equal(pthread_create(&thread, NULL, unbinder, all->sva), 0);
	/* It waits for the handler that we are in. */
	let_fight(20, NULL, 0);
	assert_int_equal(load_acquire(&unbound), 0);
}

static void unbind_waits_for_faults(void **state)
{
	struct scene s;
	uint32_t p = scene_bind(&s, state);

	/* A request without its last is dropped. */
	fake_page_request(s.w->fu, &(struct uiommu_page_request){
					   .flags = R,
					   .id = 20,
					   .pasid = p,
					   .token = 999,
					   .iova = AT(4),
				   });
	unbound = 0;
	s.space.meanwhile = let_unbind;
	assert_int_equal(ask(&s, 0, p, AT(1), W), UIOMMU_PAGE_SUCCESS);
	pthread_join(thread, NULL);
	assert_int_equal(s.space.nr, 0);
	assert_false(reaches(&s, 0, p, AT(1), false));
	/* What comes later finds nobody. */
	assert_int_equal(ask(&s, 0, p, AT(1), W), UIOMMU_PAGE_INVALID);
	scene_close(&s);
}

/* ------------------------------------------------------------- failures -- */

static void hardware_that_does_not_answer(void **state)
{
	struct scene s;
	uint32_t p = scene_bind(&s, state);
	unsigned int lines;

	assert_int_equal(ask(&s, 0, p, AT(1), W), 0);
	s.w->fu->fail_flush = 1;
	begin(&s.space, AT(1), AT(2) - 1);
	end(&s.space, AT(1), AT(2) - 1);
	/* begin cannot fail; but no page comes any more, and it is told once. */
	lines = log_lines();
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(ask(&s, 0, p, AT(1), W), UIOMMU_PAGE_FAILURE);
		assert_int_equal(log_lines(), lines + 1);
	}
	scene_unbind(&s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)
	const struct CMUnitTest tests[] = {
		TEST(pages_come_with_the_rights_there_are),
		TEST(a_change_takes_pages_away_in_time),
		TEST(many_changes_at_a_time),
		TEST(a_fault_that_a_change_overtakes),
		TEST(unbind_waits_for_faults),
		TEST(hardware_that_does_not_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
