/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ATS translation requests do to descriptors: they ask for no right, and
 * mark what they may make use of.
 */
#include "htt_rig.h"
#include "model/smmuv3/msmmu.h"

/* What stage 1 and 2 grant to a request, by walking as ats.c does. */
static bool ask(struct rig *r, uint64_t iova, bool nw, bool priv,
		struct msmmu_result *res)
{
	struct uiommu_smmuv3_txn in = { .sid = 1, .iova = iova };
	struct uiommu_smmuv3_xlate x;
	struct msmmu_tlb_ticket ticket;
	struct msmmu_ctx ctx;
	struct msmmu_txn t = {
		.m = r->model,
		.in = &in,
		.ats = true,
		.ats_nw = nw,
	};
	bool ok;

	/* any translation, for the thread's slot to be there */
	rig_xlate(r, 9, UIOMMU_TXN_PROBE, 0, &x);
	t.slot = model_enter(&r->model->drain);
	assert_true(msmmu_ctx_make(&t, msmmu_key(1, false, 0), &ctx));
	assert_int_equal(ctx.mode, MSMMU_MODE_XLATE);
	t.priv = priv;
	msmmu_tlb_ticket(r->model, &ctx, &ticket);
	ok = msmmu_walk(&t, iova, &ticket, res);
	model_leave(&r->model->drain, t.slot);
	return ok;
}

static void requests_at_stage1(void **state)
{
	struct rig *r = *state;
	uint64_t table = stream_with(r, CD_HA | CD_HD);
	struct msmmu_result res;

	put(r, table, 0x1000, RIG_DATA | CLEAN_OLD);
	/* no write wanted: accessed, not dirty */
	assert_true(ask(r, 0x1000, true, false, &res));
	assert_int_equal(res.rights & 3, MSMMU_S1_UR);
	assert_true(res.clean);
	expect_desc(r, table, 0x1000, RIG_DATA | CLEAN_OLD | AF);
	assert_true(ask(r, 0x1000, false, false, &res));
	assert_int_equal(res.rights & 3, MSMMU_S1_UR | MSMMU_S1_UW);
	assert_false(res.clean);
	expect_desc(r, table, 0x1000, (RIG_DATA | CLEAN_OLD | AF) & ~AP_RO);
	/* nothing granted: nothing written */
	put(r, table, 0x2000, RIG_DATA | (CLEAN_OLD & ~0x40ull));
	assert_true(ask(r, 0x2000, false, false, &res));
	assert_int_equal(res.rights & 3, 0);
	expect_desc(r, table, 0x2000, RIG_DATA | (CLEAN_OLD & ~0x40ull));
	assert_true(ask(r, 0x2000, false, true, &res));
	assert_int_equal(res.rights & 0x18, MSMMU_S1_PR | MSMMU_S1_PW);
	/* read-only is not dirtied, and is no fault */
	put(r, table, 0x3000, RIG_DATA | RW_OLD | AP_RO);
	assert_true(ask(r, 0x3000, false, false, &res));
	assert_int_equal(res.rights & 3, MSMMU_S1_UR);
	expect_desc(r, table, 0x3000, RIG_DATA | RW_OLD | AP_RO | AF);
	/* what is not there faults */
	assert_false(ask(r, 0x4000, false, false, &res));
	rig_expect_no_event(r);
}

static void requests_through_both_stages(void **state)
{
	struct rig *r = *state;
	struct nested n =
		nested(r, CD_HA | CD_HD, STE_S2HA | STE_S2HD, S2_CLEAN & ~AF);
	struct msmmu_result res;

	/* stage 1 read-only: neither stage becomes dirty */
	put(r, n.s1, 0x5000, 0x12345000 | RW_OLD | AP_RO);
	assert_true(ask(r, 0x5000, false, false, &res));
	assert_int_equal(res.rights & 3, MSMMU_S1_UR);
	expect_desc(r, n.s1, 0x5000, 0x12345000 | RW_OLD | AP_RO | AF);
	expect_s2(r, n.s2, 0x12345000, RIG_DATA | S2_CLEAN);
	/* no right at stage 1: stage 2 is not asked */
	put(r, n.s1, 0x5000, 0x77777000 | (RW_OLD & ~0x40ull) | AF);
	assert_true(ask(r, 0x5000, false, false, &res));
	assert_int_equal(res.rights & 3, 0);
	/* NW, then not: writable both ways, dirty only in the second */
	put(r, n.s1, 0x5000, 0x12345000 | RW_OLD | AF);
	assert_true(ask(r, 0x5000, true, false, &res));
	assert_int_equal(res.rights & (3 | MSMMU_S2_R | MSMMU_S2_W),
			 3 | MSMMU_S2_R);
	expect_s2(r, n.s2, 0x12345000, RIG_DATA | S2_CLEAN);
	assert_true(ask(r, 0x5000, false, false, &res));
	assert_int_equal(res.rights & (3 | MSMMU_S2_R | MSMMU_S2_W),
			 3 | MSMMU_S2_R | MSMMU_S2_W);
	expect_s2(r, n.s2, 0x12345000, RIG_DATA | S2_CLEAN | S2_W);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		D(requests_at_stage1),
		D(requests_through_both_stages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
