/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DMA that has to wait for its record (IHI 0070 3.12.2, 7.2): one whose turn
 * comes is translated anew.  And the ways in which all of it ends.
 */
#include <stdlib.h>
#include <time.h>

#include "stall_rig.h"

static void one_tag_for_three(void **state)
{
	struct rig *r = *state;
	uint64_t table = stall_stream(r, SID);
	struct stall_job job[3];

	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(stall_start(r, &job[i], SID, 0,
					     0x1000 * (i + 1), 8),
				 PENDING);
		assert_true(r->info.stalled);
		assert_int_equal(r->info.recorded, i == 0);
	}
	assert_int_equal(r->faults, 3);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x1000, 0);
	/* room in the queue alone is not enough */
	stall_expect_pending(&job[1]);
	stall_abort(r, SID, 0);
	stall_expect_done(&job[0], ABORTED);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x2000, 0);
	rig_map4k(r, table, 0x2000, RIG_DATA, LEAF_RW);
	stall_retry(r, SID, 0);
	stall_expect_done(&job[1], 0);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x3000, 0);
	rig_map4k(r, table, 0x3000, RIG_DATA, LEAF_RW);
	stall_retry(r, SID, 0);
	stall_expect_done(&job[2], 0);
	/* three at first, two of them again with their record */
	assert_int_equal(r->faults, 5);
	assert_int_equal(rig_stats(r).stalls, 3);
	assert_int_equal(rig_stats(r).events, 3);
}

static void nothing_to_do(struct uiommu_smmuv3_dma *req, int status)
{
}

/* What a CMD_SYNC costs, in seconds, when n requests wait for a tag. */
static double sync_with_waiting(unsigned int n)
{
	struct uiommu_smmuv3_profile p = stall_profile(1);
	struct uiommu_smmuv3_dma *req = test_calloc(n, sizeof(*req));
	static uint8_t buf[8];
	struct timespec from, to;
	struct rig r;

	rig_init(&r, &p);
	stall_stream(&r, SID);
	for (unsigned int i = 0; i < n; i++) {
		req[i] = (struct uiommu_smmuv3_dma){
			.txn = { .sid = SID, .iova = 0x1000 },
			.buf = buf,
			.len = sizeof(buf),
			.done = nothing_to_do,
		};
		assert_int_equal(uiommu_smmuv3_model_dma(r.model, &req[i]),
				 PENDING);
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	rig_sync(&r);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	rig_fini(&r);
	test_free(req);
	return (double)(to.tv_sec - from.tv_sec) +
	       (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* All of them look again, and each finds its place at once. */
static void sync_does_not_cost_the_square(void **state)
{
	double few = sync_with_waiting(500), many = sync_with_waiting(8000);

	assert_true(many < few * 16 * 5);
}

/* One whose turn comes is translated anew: it may not fault any more. */
static void waiting_ones_may_succeed_in_passing(void **state)
{
	struct rig *r = *state;
	uint64_t table = stall_stream(r, SID);
	struct stall_job job[4];

	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(stall_start(r, &job[i], SID, 0,
					     0x1000 * (i + 1), 8),
				 PENDING);
	rig_map4k(r, table, 0x2000, RIG_DATA, LEAF_RW);
	rig_map4k(r, table, 0x3000, RIG_DATA, LEAF_RW);
	stall_abort(r, SID, 0);
	stall_expect_done(&job[1], 0);
	stall_expect_done(&job[2], 0);
	stall_expect_pending(&job[3]);
	stall_expect_next(r, 0x0000001000000010, READ_STALL(0), 0x1000, 0);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x4000, 0);
	stall_abort(r, SID, 0);
}

static void sync_looks_at_each_once(void **state)
{
	struct rig *r = *state;
	uint64_t table = stall_stream(r, SID);
	struct stall_job job[4];

	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(stall_start(r, &job[i], SID, 0,
					     0x1000 * (i + 1), 8),
				 PENDING);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x1000, 0);
	/* the last but one, so that it passes another by */
	rig_map4k(r, table, 0x3000, RIG_DATA, LEAF_RW);
	stall_expect_pending(&job[2]);
	rig_sync(r);
	stall_expect_done(&job[2], 0);
	stall_expect_pending(&job[0]);
	stall_expect_pending(&job[1]);
	stall_expect_pending(&job[3]);
	rig_expect_no_event(r);
	/* the order has stayed */
	stall_abort(r, SID, 0);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x2000, 0);
	stall_abort(r, SID, 0);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x4000, 0);
	stall_abort(r, SID, 0);
	stall_expect_done(&job[3], ABORTED);
}

/* Fill the queue with what need not wait. */
static void fill_queue(struct rig *r)
{
	struct uiommu_smmuv3_xlate x;
	uint32_t sid = 0x99; /* each another, V = 0 */

	while (smmu_q_count(rd(r, SMMU_REG_EVENTQ_PROD),
			    rd(r, SMMU_REG_EVENTQ_CONS),
			    RIG_EVTQ_LG2) < ENTRIES)
		(void)rig_xlate(r, sid++, 0, 0, &x);
}

static void a_full_queue_never_overflows(void **state)
{
	struct rig *r = *state;
	struct stall_job job[2];
	uint64_t rec[4];

	stall_stream(r, SID);
	fill_queue(r);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), ENTRIES);
	for (uint64_t i = 0; i < 2; i++)
		assert_int_equal(stall_start(r, &job[i], SID, 0,
					     0x1000 * (i + 1), 8),
				 PENDING);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), ENTRIES);
	assert_int_equal(rig_stats(r).events_lost, 0);
	rig_sync(r);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), ENTRIES);
	/* a place is free: one more, in order */
	assert_true(rig_event(r, rec));
	assert_int_equal(rec[0], 0x0000009900000004);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), ENTRIES + 1);
	assert_true(rig_event(r, rec));
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), ENTRIES + 2);
	for (unsigned int i = 2; i < ENTRIES; i++)
		assert_true(rig_event(r, rec));
	stall_expect_next(r, 0x0000001000000010, READ_STALL(0), 0x1000, 0);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(1), 0x2000, 0);
	stall_abort(r, SID, 1);
	stall_abort(r, SID, 0);
	stall_expect_done(&job[0], ABORTED);
	stall_expect_done(&job[1], ABORTED);
	assert_int_equal(rig_stats(r).events_lost, 0);
}

/* All records that there may be are in the queue, and it is full. */
static void tags_and_queue_full_at_once(void **state)
{
	struct rig *r = *state;
	struct stall_job job[3];
	uint64_t rec[4];

	stall_stream(r, SID);
	assert_int_equal(stall_start(r, &job[0], SID, 0, 0x1000, 8), PENDING);
	fill_queue(r);
	assert_int_equal(stall_start(r, &job[1], SID, 0, 0x2000, 8), PENDING);
	stall_abort(r, SID, 0);
	stall_expect_done(&job[0], ABORTED);
	/* tag, but no place */
	assert_int_equal(stall_start(r, &job[2], SID, 0, 0x3000, 8), PENDING);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), ENTRIES);
	stall_expect_next(r, 0x0000001000000010, READ_STALL(0), 0x1000, 0);
	for (unsigned int i = 1; i < ENTRIES; i++)
		assert_true(rig_event(r, rec));
	rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x2000, 0);
	stall_abort(r, SID, 0);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x3000, 0);
	stall_abort(r, SID, 0);
}

static void a_disabled_queue_keeps_them(void **state)
{
	struct rig *r = *state;
	struct stall_job job;

	stall_stream(r, SID);
	wr(r, SMMU_REG_CR0, 0x9);
	assert_int_equal(stall_start(r, &job, SID, 0, 0x1000, 8), PENDING);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 0);
	assert_int_equal(rig_stats(r).events_lost, 0);
	wr(r, SMMU_REG_CR0, 0xd);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x1000, 0);
	stall_abort(r, SID, 0);
	stall_expect_done(&job, ABORTED);
}

static void an_aborting_queue_loses_none(void **state)
{
	struct rig *r = *state;
	struct stall_job job[2];

	stall_stream(r, SID);
	ram_poison(&r->ram, RIG_EVTQ, RIG_EVTQ + 63);
	assert_int_equal(stall_start(r, &job[0], SID, 0, 0x1000, 8), PENDING);
	assert_int_equal(rd(r, SMMU_REG_GERROR), SMMU_GERROR_EVENTQ_ABT_ERR);
	assert_int_equal(stall_start(r, &job[1], SID, 0, 0x2000, 8), PENDING);
	ram_poison(&r->ram, 1, 0);
	rig_sync(r);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 0);
	wr(r, SMMU_REG_GERRORN, SMMU_GERROR_EVENTQ_ABT_ERR);
	/* the tag that was not told has not been used up */
	stall_expect_next(r, 0x0000001000000010, READ_STALL(0), 0x1000, 0);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(1), 0x2000, 0);
	assert_int_equal(rig_stats(r).events_lost, 0);
	stall_term(r, SID);
	stall_expect_done(&job[0], ABORTED);
	stall_expect_done(&job[1], ABORTED);
}

/* Equal stalls of a stream that allows merging stay two records. */
static void stalls_are_never_merged(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = rig_ste_s1(RIG_CD + 64 * SID);
	struct stall_job job[2];

	stall_stream(r, SID);
	ste.q[1] |= SMMU_STE_1_MEV;
	rig_ste(r, SID, &ste);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(stall_start(r, &job[i], SID, 0, 0x1000, 8),
				 PENDING);
	stall_expect_next(r, 0x0000001000000010, READ_STALL(0), 0x1000, 0);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(1), 0x1000, 0);
	stall_term(r, SID);
}

/* -------------------------------------------------------- turning off ---- */

static void smmuen_off_aborts_all(void **state)
{
	struct rig *r = *state;
	struct stall_job job[3], more;
	unsigned int tag;

	stall_stream(r, SID);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(stall_start(r, &job[i], SID, 0,
					     0x1000 * (i + 1), 8),
				 PENDING);
	stall_expect_next(r, 0x0000001000000010, READ_STALL(0), 0x1000, 0);
	wr(r, SMMU_REG_CR0, 0xc);
	for (unsigned int i = 0; i < 3; i++)
		stall_expect_done(&job[i], ABORTED);
	/* their answers name nothing any more */
	stall_abort(r, SID, 0);
	wr(r, SMMU_REG_CR0, 0xd);
	rig_expect_no_event(r);
	/* and the tag is free */
	for (tag = 0; tag < 3; tag++) {
		assert_int_equal(stall_start(r, &more, SID, 0, 0x5000, 8),
				 PENDING);
		rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x5000,
				 0);
		stall_abort(r, SID, 0);
		stall_expect_done(&more, ABORTED);
	}
}

static void reset_and_destroy_complete_them(void **state)
{
	struct uiommu_smmuv3_profile p = stall_profile(1);
	struct rig r;
	struct stall_job job[2];

	rig_init(&r, &p);
	stall_stream(&r, SID);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(stall_start(&r, &job[i], SID, 0, 0x1000, 8),
				 PENDING);
	uiommu_smmuv3_model_reset(r.model);
	for (unsigned int i = 0; i < 2; i++)
		stall_expect_done(&job[i], ABORTED);
	rig_fini(&r);
	rig_init(&r, &p);
	stall_stream(&r, SID);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(stall_start(&r, &job[i], SID, 0, 0x1000, 8),
				 PENDING);
	rig_fini(&r);
	for (unsigned int i = 0; i < 2; i++)
		stall_expect_done(&job[i], ABORTED);
}

#define T(name) \
	cmocka_unit_test_setup_teardown(name, stall_setup, stall_teardown)
#define T1(name) \
	cmocka_unit_test_setup_teardown(name, stall_setup_one, stall_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T1(one_tag_for_three),
		T1(waiting_ones_may_succeed_in_passing),
		T1(sync_looks_at_each_once),
		cmocka_unit_test(sync_does_not_cost_the_square),
		T(a_full_queue_never_overflows),
		T1(tags_and_queue_full_at_once),
		T(a_disabled_queue_keeps_them),
		T(an_aborting_queue_loses_none),
		T(stalls_are_never_merged),
		T1(smmuen_off_aborts_all),
		cmocka_unit_test(reset_and_destroy_complete_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
