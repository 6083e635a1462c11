/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks and pages of stage 1 that stage 2 maps in smaller pieces.  Each piece
 * is an entry of its own in the TLB, but all come from one descriptor of stage
 * 1: a command that names any address of it reaches all of them.
 */
#include "model/smmuv3/msmmu.h"
#include "rig.h"

#define VMID 5u
#define IPA UINT64_C(0x100000000) /* where VA 0 is */
#define S2_LEAF(pa) ((pa) | 0x4ffull)

#define NH(op, asid) ((op) | (uint64_t)VMID << 32 | (uint64_t)(asid) << 48)
#define NUM(n) ((uint64_t)(n) << 12)
#define SCALE(n) ((uint64_t)(n) << 20)
#define TG(n) ((uint64_t)(n) << 10)
#define TTL(n) ((uint64_t)(n) << 8)
#define LEAF 1ull

struct piece {
	uint32_t sid; /* its ASID too */
	uint64_t iova;
};

enum {
	IN_4K = 1,
	IN_16K,
	IN_64K
};

static const struct piece pieces[] = {
	{ IN_4K, 0x200000 }, /* 0: a block of 2M */
	{ IN_4K, 0x2ff000 },   { IN_4K, 0x3ff000 },
	{ IN_4K, 0x400000 },			    /* 3: the next */
	{ IN_4K, 0x10000 },			    /* 4: a page */
	{ IN_4K, 0x40000000 },			    /* 5: a block of 1G */
	{ IN_4K, 0x7ffff000 }, { IN_4K, 0x600000 }, /* 7: a global block */
	{ IN_4K, 0x7ff000 },   { IN_16K, 0x4000 },  /* 9: a page of 16K */
	{ IN_16K, 0x7000 },    { IN_16K, 0x8000 },  /* 11: the next */
	{ IN_64K, 0x10000 },			    /* 12: a page of 64K */
	{ IN_64K, 0x1f000 },   { IN_64K, 0x20000 }, /* 14: the next */
};

static uint64_t s2;

static void nested_stream(struct rig *r, uint32_t sid, uint64_t table,
			  unsigned int tg0, unsigned int t0sz)
{
	struct smmu_cd cd = rig_cd_4k(table, (uint16_t)sid);
	struct smmu_ste ste = rig_ste_s2(s2, VMID);

	cd.q[0] = (cd.q[0] & ~0xffull) | tg0 << 6 | t0sz;
	rig_cd(r, RIG_CD + 64 * sid, &cd);
	ste.q[0] = (RIG_CD + 64 * sid) | 0xf;
	rig_ste(r, sid, &ste);
}

static void build(struct rig *r)
{
	uint64_t t4k = rig_table(r, 4096), t16k = rig_table(r, 1 << 14);
	uint64_t t64k = rig_table(r, 1 << 16);

	s2 = rig_table(r, 0x2000);
	nested_stream(r, IN_4K, t4k, 0, 16);
	nested_stream(r, IN_16K, t16k, 2, 17);
	nested_stream(r, IN_64K, t64k, 1, 16);
	for (uint64_t va = 0x200000; va < 0x800000; va += 0x200000)
		rig_map(r, t4k, 12, 0, 2, va,
			(IPA + va) | 1 |
				(va == 0x600000 ? LEAF_GLOBAL_RW : LEAF_RW));
	rig_map(r, t4k, 12, 0, 1, 0x40000000, (IPA + 0x40000000) | LEAF_RW | 1);
	rig_map4k(r, t4k, 0x10000, IPA + 0x10000, LEAF_RW);
	rig_map(r, t16k, 14, 1, 3, 0x4000, (IPA + 0x4000) | LEAF_RW | 3);
	rig_map(r, t16k, 14, 1, 3, 0x8000, (IPA + 0x8000) | LEAF_RW | 3);
	rig_map(r, t64k, 16, 1, 3, 0x10000, (IPA + 0x10000) | LEAF_RW | 3);
	rig_map(r, t64k, 16, 1, 3, 0x20000, (IPA + 0x20000) | LEAF_RW | 3);
	for (unsigned int i = 0; i < ARRAY_SIZE(pieces); i++)
		rig_map(r, s2, 12, 1, 3, IPA + pieces[i].iova,
			S2_LEAF(RIG_DATA + (pieces[i].iova & 0xfffff000)));
	rig_map(r, s2, 12, 1, 3, RIG_CD, S2_LEAF(RIG_CD));
	for (uint64_t pa = RIG_TABLES; pa < r->next_table + 0x10000; pa += 4096)
		rig_map(r, s2, 12, 1, 3, pa, S2_LEAF(pa));
}

static uint64_t walked(struct rig *r)
{
	struct uiommu_smmuv3_xlate x;
	uint64_t mask = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(pieces); i++) {
		uint64_t before = rig_stats(r).walks;

		assert_int_equal(
			rig_xlate(r, pieces[i].sid, 0, pieces[i].iova, &x), 0);
		assert_int_equal(x.size_lg2, 12);
		if (rig_stats(r).walks != before)
			mask |= 1ull << i;
	}
	return mask;
}

static const struct row {
	const char *name;
	uint64_t q0, q1, reach;
} rows[] = {
	{ "first piece", NH(0x12, 1), 0x200000 | LEAF, 0x0007 },
	{ "a piece between", NH(0x12, 1), 0x355000 | LEAF, 0x0007 },
	{ "last piece, all ASIDs", NH(0x13, 0), 0x3ff000 | LEAF, 0x0007 },
	{ "with tables", NH(0x12, 1), 0x201000, 0x0007 },
	{ "the next block", NH(0x13, 0), 0x5ff000 | LEAF, 0x0008 },
	{ "another ASID", NH(0x12, 3), 0x200000 | LEAF, 0 },
	{ "its level", NH(0x12, 1), 0x200000 | LEAF | TG(1) | TTL(2), 0x0007 },
	{ "another level", NH(0x12, 1), 0x200000 | LEAF | TG(1) | TTL(3), 0 },
	{ "another granule", NH(0x12, 1) | SCALE(9), 0x200000 | LEAF | TG(2),
	  0 },
	{ "two pages", NH(0x12, 1) | NUM(1), 0x310000 | LEAF | TG(1), 0x0007 },
	{ "over an edge", NH(0x12, 1) | NUM(1), 0x3ff000 | LEAF | TG(1),
	  0x000f },
	{ "1G", NH(0x12, 1), 0x55555000 | LEAF, 0x0060 },
	{ "1G, its level", NH(0x13, 0), 0x40000000 | LEAF | TG(1) | TTL(1),
	  0x0060 },
	{ "global", NH(0x12, 99), 0x666000 | LEAF, 0x0180 },
	{ "global, all ASIDs", NH(0x13, 0), 0x666000 | LEAF, 0x0180 },
	{ "16K", NH(0x12, 2), 0x6000 | LEAF, 0x0600 },
	{ "16K, its level", NH(0x12, 2), 0x4000 | LEAF | TG(2) | TTL(3),
	  0x0600 },
	{ "64K", NH(0x12, 3), 0x15000 | LEAF, 0x3000 },
	{ "64K, a range", NH(0x12, 3) | NUM(1), 0x10000 | LEAF | TG(3),
	  0x7000 },
	{ "a page and one of 64K", NH(0x13, 0), 0x10000 | LEAF, 0x3010 },
	{ "one of 64K alone", NH(0x13, 0), 0x11000 | LEAF, 0x3000 },
};

static void every_piece_is_reached(void **state)
{
	struct rig *r = *state;

	build(r);
	(void)walked(r);
	assert_int_equal(walked(r), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t got;

		rig_cmd(r, rows[i].q0, rows[i].q1);
		rig_sync(r);
		assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
		got = walked(r);
		if (got != rows[i].reach)
			fail_msg("%s: dropped %#llx, not %#llx", rows[i].name,
				 (unsigned long long)got,
				 (unsigned long long)rows[i].reach);
		assert_int_equal(walked(r), 0);
	}
}

/* What a driver does that takes a block away: one command for all of it. */
static void a_block_that_goes(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	build(r);
	assert_int_equal(rig_xlate(r, IN_4K, 0, 0x3ff000, &x), 0);
	rig_map(r, ram_r64(&r->ram, RIG_CD + 64 + 8), 12, 0, 2, 0x200000, 0);
	rig_cmd(r, NH(0x12, 1), 0x200000 | LEAF);
	rig_sync(r);
	rig_expect_fault(r, IN_4K, 0, 0x3ff000, SMMU_EVT_F_TRANSLATION);
}

/* Where nothing is split, and where the level says so, work is as small as ever. */
static void work_for_what_is_split(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;
	uint64_t before;

	build(r);
	assert_int_equal(rig_xlate(r, IN_4K, 0, 0x10000, &x), 0);
	before = load_relaxed(&r->model->tlb.visits);
	rig_cmd(r, NH(0x12, 1), 0x10000 | LEAF);
	assert_int_equal(load_relaxed(&r->model->tlb.visits) - before, 1);
	assert_int_equal(rig_xlate(r, IN_4K, 0, 0x200000, &x), 0);
	before = load_relaxed(&r->model->tlb.visits);
	rig_cmd(r, NH(0x12, 1), 0x10000 | LEAF);
	assert_int_equal(load_relaxed(&r->model->tlb.visits) - before, 512);
	before = load_relaxed(&r->model->tlb.visits);
	rig_cmd(r, NH(0x12, 1), 0x10000 | LEAF | TG(1) | TTL(3));
	assert_int_equal(load_relaxed(&r->model->tlb.visits) - before, 1);
	/* never more than there is */
	assert_int_equal(rig_xlate(r, IN_4K, 0, 0x40000000, &x), 0);
	before = load_relaxed(&r->model->tlb.visits);
	rig_cmd(r, NH(0x12, 1), 0x10000 | LEAF);
	assert_int_equal(load_relaxed(&r->model->tlb.visits) - before, 4096);
	/* the ASID is forgotten, and so is what was split */
	rig_cmd(r, NH(0x11, 1), 0);
	assert_int_equal(rig_xlate(r, IN_4K, 0, 0x10000, &x), 0);
	before = load_relaxed(&r->model->tlb.visits);
	rig_cmd(r, NH(0x12, 1), 0x10000 | LEAF);
	assert_int_equal(load_relaxed(&r->model->tlb.visits) - before, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_piece_is_reached),
		T(a_block_that_goes),
		T(work_for_what_is_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
