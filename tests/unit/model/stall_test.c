/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DMA that waits for software (IHI 0070 3.12.2, 4.6): its records, how it goes
 * on, and which commands say so.
 */
#include "stall_rig.h"

#include <string.h>

/* ------------------------------------------------------ the three ways --- */

static void retry_when_the_page_is_there(void **state)
{
	struct rig *r = *state;
	uint64_t table = stall_stream(r, SID);
	struct stall_job job;

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	memset(stall_data(r, 0), 0x11, 0x1000);
	memset(stall_data(r, 0x1000), 0x22, 0x1000);
	assert_int_equal(stall_start(r, &job, SID, 0, 0x1f00, 0x200), PENDING);
	assert_int_equal(job.dma.done_len, 0x100);
	assert_true(r->info.stalled);
	assert_true(r->info.recorded);
	assert_int_equal(r->info.stag, 0);
	assert_int_equal(r->info.evt_class, 2);
	assert_int_equal(r->info.txn.iova, 0x2000);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x2000, 0);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_EVENTQ], 1);
	/* nothing but software ends it */
	rig_sync(r);
	rig_inval_all(r);
	stall_expect_pending(&job);
	rig_map4k(r, table, 0x2000, RIG_DATA + 0x1000, LEAF_RW);
	rig_sync(r);
	stall_expect_pending(&job);
	stall_retry(r, SID, 0);
	stall_expect_done(&job, 0);
	assert_int_equal(job.dma.done_len, 0x200);
	for (unsigned int i = 0; i < 0x200; i++)
		assert_int_equal(job.buf[i], i < 0x100 ? 0x11 : 0x22);
	rig_expect_no_event(r);
	assert_int_equal(r->faults, 1);
	assert_int_equal(rig_stats(r).stalls, 1);
	assert_int_equal(rig_stats(r).resumed, 1);
	assert_int_equal(rig_stats(r).aborts, 0);
	assert_int_equal(rig_stats(r).events_by_type[0x10], 1);
}

static void abort_ends_it_where_it_was(void **state)
{
	struct rig *r = *state;
	uint64_t table = stall_stream(r, SID);
	struct stall_job job;

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	assert_int_equal(stall_start(r, &job, SID, UIOMMU_TXN_WRITE, 0x1f00,
				     0x200),
			 PENDING);
	/* the page's being there changes nothing */
	rig_map4k(r, table, 0x2000, RIG_DATA + 0x1000, LEAF_RW);
	rig_expect_event(r, 0x0000001000000010, 0x0000020080000000, 0x2000, 0);
	stall_abort(r, SID, 0);
	stall_expect_done(&job, ABORTED);
	assert_int_equal(job.dma.done_len, 0x100);
	assert_int_equal(stall_data(r, 0x1000)[0], 0);
	assert_int_equal(rig_stats(r).aborts, 1);
	assert_int_equal(r->faults, 1);
}

static void razwi_passes_the_page_by(void **state)
{
	struct rig *r = *state;
	uint64_t table = stall_stream(r, SID);
	struct stall_job job;

	rig_map4k(r, table, 0x2000, RIG_DATA, LEAF_RW);
	memset(stall_data(r, 0), 0x11, 0x1000);
	assert_int_equal(stall_start(r, &job, SID, 0, 0x1f00, 0x1200), PENDING);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x1f00, 0);
	stall_razwi(r, SID, 0);
	/* zeroes, the mapped page, and the next is a transaction of its own */
	stall_expect_pending(&job);
	assert_int_equal(job.dma.done_len, 0x1100);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(1), 0x3000, 0);
	stall_razwi(r, SID, 1);
	stall_expect_done(&job, 0);
	for (unsigned int i = 0; i < 0x1200; i++)
		assert_int_equal(job.buf[i],
				 i >= 0x100 && i < 0x1100 ? 0x11 : 0);
	assert_int_equal(job.buf[0x1200], 0xee);
	/* a write: dropped */
	assert_int_equal(stall_start(r, &job, SID, UIOMMU_TXN_WRITE, 0x1000, 8),
			 PENDING);
	stall_razwi(r, SID, 2);
	stall_expect_done(&job, 0);
	assert_int_equal(rig_stats(r).aborts, 0);
	assert_int_equal(rig_stats(r).stalls, 3);
}

/* Without RAZ/WI termination it is an abort. */
static void razwi_that_is_not_there(void **state)
{
	struct uiommu_smmuv3_profile p = stall_profile(2);
	struct rig r;
	struct stall_job job;

	p.idr[0] |= 1u << 26;
	rig_init(&r, &p);
	stall_stream(&r, SID);
	assert_int_equal(stall_start(&r, &job, SID, 0, 0x1000, 8), PENDING);
	stall_razwi(&r, SID, 0);
	stall_expect_done(&job, ABORTED);
	rig_fini(&r);
}

static void stalls_again_with_another_tag(void **state)
{
	struct rig *r = *state;
	uint64_t table = stall_stream(r, SID);
	struct stall_job job;

	assert_int_equal(stall_start(r, &job, SID, 0, 0x1000, 0x2000), PENDING);
	stall_expect_next(r, 0x0000001000000010, READ_STALL(0), 0x1000, 0);
	stall_retry(r, SID, 0);
	stall_expect_pending(&job);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(1), 0x1000, 0);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	stall_retry(r, SID, 1);
	assert_int_equal(job.dma.done_len, 0x1000);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(2), 0x2000, 0);
	rig_map4k(r, table, 0x2000, RIG_DATA, LEAF_RW);
	stall_retry(r, SID, 2);
	stall_expect_done(&job, 0);
	/* told each time, since each is recorded */
	assert_int_equal(r->faults, 3);
}

static void permission_and_the_tlb(void **state)
{
	struct rig *r = *state;
	uint64_t table = stall_stream(r, SID);
	struct stall_job job;

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RO);
	rig_expect_pa(r, SID, 0x1000, RIG_DATA);
	assert_int_equal(stall_start(r, &job, SID, UIOMMU_TXN_WRITE, 0x1000, 8),
			 PENDING);
	rig_expect_event(r, 0x0000001000000013, 0x0000020080000000, 0x1000, 0);
	ram_w64(&r->ram, rig_pte4k(r, table, 0x1000), RIG_DATA | LEAF_RW | 3);
	rig_inval_all(r);
	stall_retry(r, SID, 0);
	stall_expect_done(&job, 0);
	assert_int_equal(stall_data(r, 0)[7], 0xee);
}

static void translations_cannot_wait(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;
	struct stall_job job;

	stall_stream(r, SID);
	assert_int_equal(rig_xlate(r, SID, 0, 0x1000, &x), PENDING);
	rig_expect_no_event(r);
	assert_int_equal(r->faults, 0);
	assert_int_equal(stall_start(r, &job, SID, UIOMMU_TXN_NO_STALL, 0x1000,
				     8),
			 ABORTED);
	rig_expect_event(r, 0x0000001000000010, 0x0000020800000000, 0x1000, 0);
	assert_int_equal(stall_start(r, &job, SID, UIOMMU_TXN_PROBE, 0x1000, 8),
			 ABORTED);
	rig_expect_no_event(r);
	stall_expect_pending(&job);
	assert_int_equal(rig_stats(r).stalls, 0);
}

/* ------------------------------------------------------------ commands --- */

static void resume_names_both_stream_and_tag(void **state)
{
	struct rig *r = *state;
	struct stall_job a, b;

	stall_stream(r, SID);
	stall_stream(r, 0x11);
	assert_int_equal(stall_start(r, &a, SID, 0, 0x1000, 8), PENDING);
	assert_int_equal(stall_start(r, &b, 0x11, 0, 0x1000, 8), PENDING);
	/* crossed, unused, outside the table, another stream's bits */
	stall_abort(r, SID, 1);
	stall_abort(r, 0x11, 0);
	stall_abort(r, SID, 2);
	stall_abort(r, SID, 0xffff);
	stall_abort(r, SID | 0x80000000, 0);
	rig_sync(r);
	stall_expect_pending(&a);
	stall_expect_pending(&b);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
	assert_int_equal(rig_stats(r).resumed, 0);
	stall_abort(r, 0x11, 1);
	stall_expect_pending(&a);
	stall_expect_done(&b, ABORTED);
	/* twice is once */
	stall_abort(r, 0x11, 1);
	stall_abort(r, SID, 0);
	stall_expect_done(&a, ABORTED);
	stall_expect_done(&b, ABORTED);
}

static void a_tag_is_not_used_twice(void **state)
{
	struct rig *r = *state;
	struct stall_job job[8], more;
	uint64_t rec[4];

	stall_stream(r, SID);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(stall_start(r, &job[i], SID, 0, 0x1000, 8),
				 PENDING);
		stall_expect_next(r, 0x0000001000000010, READ_STALL(i), 0x1000,
				  0);
	}
	/* the only one that is free */
	stall_abort(r, SID, 5);
	stall_expect_done(&job[5], ABORTED);
	assert_int_equal(stall_start(r, &more, SID, 0, 0x2000, 8), PENDING);
	stall_expect_next(r, 0x0000001000000010, READ_STALL(5), 0x2000, 0);
	for (unsigned int i = 0; i < 8; i++)
		stall_abort(r, SID, i);
	stall_expect_done(&more, ABORTED);
	assert_false(rig_event(r, rec));
}

static void stall_term_ends_a_streams(void **state)
{
	struct rig *r = *state;
	struct smmu_ste abort_ste = { .q = { 1 } };
	struct stall_job a[3], b;

	stall_stream(r, SID);
	stall_stream(r, 0x11);
	/* one tag: the first is recorded, the others wait */
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(stall_start(r, &a[i], SID, 0, 0x1000, 8),
				 PENDING);
	assert_int_equal(stall_start(r, &b, 0x11, 0, 0x2000, 8), PENDING);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x1000, 0);
	stall_term(r, 0x12);
	stall_expect_pending(&a[0]);
	rig_ste(r, SID, &abort_ste);
	rig_cmd(r, 0x0000001000000003, 1);
	stall_term(r, SID);
	for (unsigned int i = 0; i < 3; i++)
		stall_expect_done(&a[i], ABORTED);
	/* the tag is free, the other stream's turn has come */
	rig_expect_event(r, 0x0000001100000010, READ_STALL(0), 0x2000, 0);
	stall_expect_pending(&b);
	stall_term(r, 0x11);
	stall_expect_done(&b, ABORTED);
	rig_expect_no_event(r);
	assert_int_equal(rig_stats(r).aborts, 4);
}

static void expect_illegal(struct rig *r, uint64_t q0)
{
	rig_cmd(r, q0, 0);
	assert_int_equal(rd(r, SMMU_REG_GERROR) ^ rd(r, SMMU_REG_GERRORN),
			 SMMU_GERROR_CMDQ_ERR);
	assert_int_equal(rd(r, SMMU_REG_CMDQ_CONS) >> 24 & 0x7f, 1);
	/* put something harmless in its place */
	ram_w64(&r->ram,
		RIG_CMDQ + smmu_q_offset(rd(r, SMMU_REG_CMDQ_CONS),
					 RIG_CMDQ_LG2, 4),
		SMMU_CMD_OP_SYNC);
	wr(r, SMMU_REG_GERRORN, rd(r, SMMU_REG_GERROR));
}

static void illegal_commands(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_plain();
	struct rig *r = *state, none;
	struct stall_job job;

	stall_stream(r, SID);
	assert_int_equal(stall_start(r, &job, SID, 0, 0x1000, 8), PENDING);
	/* SSec */
	expect_illegal(r, 0x0000001000002444);
	expect_illegal(r, 0x0000001000000445);
	stall_expect_pending(&job);
	/* reserved bits are not looked at */
	rig_cmd(r, 0x0000001000002144, 0xabcd000000000000);
	stall_expect_done(&job, ABORTED);
	/* no stalling, no commands for it */
	rig_init(&none, &p);
	expect_illegal(&none, 0x0000001000001044);
	expect_illegal(&none, 0x0000001000000045);
	rig_fini(&none);
}

/* ------------------------------------------------------------ stage 2 ---- */

/* SID 0x10: nested, 16 substreams, stage 2 stalls; no page is mapped there. */
static uint64_t nested(struct rig *r, uint64_t s1)
{
	uint64_t s2 = rig_table(r, 0x2000);
	struct smmu_ste ste = rig_ste_s2(s2, 5);
	struct smmu_cd cd = rig_cd_4k(s1, 7);

	ste.q[0] = RIG_CD | 0xf | 4ull << 59;
	ste.q[1] |= 2; /* without: CD 0 */
	ste.q[2] |= STE_S2S;
	rig_ste(r, SID, &ste);
	rig_cd(r, RIG_CD + 64 * 3, &cd);
	return s2;
}

static void s2_map(struct rig *r, uint64_t s2, uint64_t ipa)
{
	rig_map(r, s2, 12, 1, 3, ipa, ipa | 0x4ff);
}

/* CD, table and page each miss at stage 2 in turn. */
static void stage2_of_cd_table_and_page(void **state)
{
	struct rig *r = *state;
	uint64_t s1 = rig_table(r, 4096), s2, leaf, table;
	struct stall_job job;

	s2 = nested(r, s1);
	rig_map4k(r, s1, 0x40201000, RIG_DATA, LEAF_RW);
	memset(stall_data(r, 0), 0x11, 8);
	memset(&job, 0, sizeof(job));
	job.dma = (struct uiommu_smmuv3_dma){
		.txn = { .sid = SID,
			 .ssid = 3,
			 .flags = UIOMMU_TXN_SSV,
			 .iova = 0x40201004 },
		.buf = job.buf,
		.len = 4,
		.done = stall_done,
	};
	assert_int_equal(uiommu_smmuv3_model_dma(r->model, &job.dma), PENDING);
	/* CLASS CD: the IPA is the CD's page */
	rig_expect_event(r, 0x0000001000003810, 0x0000008880000000, 0x40201004,
			 RIG_CD);
	assert_int_equal(r->info.ipa, RIG_CD + 64 * 3);
	s2_map(r, s2, RIG_CD);
	stall_retry(r, SID, 0);
	/* CLASS TT, level 0 to 3 of stage 1 */
	table = s1;
	for (unsigned int level = 0; level < 4; level++) {
		uint64_t idx = 0x40201004ull >> (39 - 9 * level) & 511;

		rig_expect_event(r, 0x0000001000003810,
				 0x0000018880000001 + level, 0x40201004, table);
		s2_map(r, s2, table);
		leaf = ram_r64(&r->ram, table + 8 * idx);
		table = leaf & GENMASK64(47, 12);
		stall_retry(r, SID, 1 + level);
	}
	rig_expect_event(r, 0x0000001000003810, 0x0000028880000005, 0x40201004,
			 RIG_DATA);
	stall_expect_pending(&job);
	s2_map(r, s2, RIG_DATA);
	stall_retry(r, SID, 5);
	stall_expect_done(&job, 0);
	assert_int_equal(job.buf[3], 0x11);
}

/* Permission for a table: F_PERMISSION, CLASS TT, TTRnW. */
static void stage2_permission_of_a_table(void **state)
{
	struct rig *r = *state;
	uint64_t s1 = rig_table(r, 4096), s2;
	struct smmu_cd cd = rig_cd_4k(s1, 7);
	struct stall_job job;

	s2 = nested(r, s1);
	rig_cd(r, RIG_CD, &cd);
	s2_map(r, s2, RIG_CD);
	/* S2AP: write only */
	rig_map(r, s2, 12, 1, 3, s1, s1 | 0x4bf);
	assert_int_equal(stall_start(r, &job, SID, UIOMMU_TXN_WRITE, 0x1000, 8),
			 PENDING);
	rig_expect_event(r, 0x0000001000000013, 0x0000118080000000, 0x1000, s1);
	stall_abort(r, SID, 0);
	stall_expect_done(&job, ABORTED);
}

/* The worked value: stage 2, CLASS IN, STAG 7, SubstreamID 3. */
static void the_worked_record(void **state)
{
	struct rig *r = *state;
	uint64_t s1 = rig_table(r, 4096), s2;
	struct stall_job job[8];

	s2 = nested(r, s1);
	rig_map4k(r, s1, 0x1000, RIG_DATA, LEAF_RW);
	for (uint64_t pa = s1; pa < s2 + 0x2000 + 4 * 4096; pa += 4096)
		s2_map(r, s2, pa);
	s2_map(r, s2, RIG_CD);
	for (unsigned int i = 0; i < 8; i++) {
		memset(&job[i], 0, sizeof(job[i]));
		job[i].dma = (struct uiommu_smmuv3_dma){
			.txn = { .sid = SID,
				 .ssid = 3,
				 .flags = UIOMMU_TXN_SSV,
				 .iova = 0x1004 },
			.buf = job[i].buf,
			.len = 4,
			.done = stall_done,
		};
		assert_int_equal(uiommu_smmuv3_model_dma(r->model, &job[i].dma),
				 PENDING);
		if (i < 7)
			stall_expect_next(r, 0x0000001000003810,
					  0x0000028880000000 + i, 0x1004,
					  RIG_DATA);
	}
	rig_expect_event(r, 0x0000001000003810, 0x0000028880000007, 0x1004,
			 RIG_DATA);
	rig_cmd(r, 0x0000001000002044, 0x7);
	stall_expect_done(&job[7], ABORTED);
	s2_map(r, s2, RIG_DATA);
	rig_cmd(r, 0x0000001000001044, 0x6);
	stall_expect_done(&job[6], 0);
}

#define T(name) \
	cmocka_unit_test_setup_teardown(name, stall_setup, stall_teardown)
#define T1(name) \
	cmocka_unit_test_setup_teardown(name, stall_setup_one, stall_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(retry_when_the_page_is_there),
		T(abort_ends_it_where_it_was),
		T(razwi_passes_the_page_by),
		cmocka_unit_test(razwi_that_is_not_there),
		T(stalls_again_with_another_tag),
		T(permission_and_the_tlb),
		T(translations_cannot_wait),
		T(resume_names_both_stream_and_tag),
		T(a_tag_is_not_used_twice),
		T1(stall_term_ends_a_streams),
		T(illegal_commands),
		T(stage2_of_cd_table_and_page),
		T(stage2_permission_of_a_table),
		T(the_worked_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
