/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is cached, what each invalidation reaches, and that it reaches no more.
 *
 * The reach is measured: everything is looked up, the command is given, and
 * everything is looked up again; what had to be walked for (or fetched) was
 * dropped.
 */
#include <string.h>

#include "rig.h"

#define S2_LEAF(pa) ((pa) | 0x4ffull)
#define SID_EL2 6u

/* One cached translation each. */
static const struct {
	const char *name;
	uint32_t sid;
	uint64_t iova;
} items[] = {
	{ "asid 7 page", 1, 0x1000 }, { "asid 7 next page", 1, 0x2000 },
	{ "global page", 1, 0x3000 }, { "asid 7 block", 1, 0x200000 },
	{ "asid 8 page", 2, 0x1000 }, { "global of asid 8", 2, 0x4000 },
	{ "vmid 3 page", 3, 0x1000 }, { "nested, vmid 5", 4, 0x1000 },
	{ "ipa, vmid 5", 5, 0x1000 }, { "next ipa, vmid 5", 5, 0x5000 },
	{ "ipa, vmid 6", 7, 0x1000 }, { "EL2 page", SID_EL2, 0x1000 },
};
#define NR_ITEMS ARRAY_SIZE(items)

static void s1_stream(struct rig *r, uint32_t sid, uint16_t asid, uint16_t vmid,
		      uint64_t ste1)
{
	uint64_t table = rig_stream(r, sid, asid);
	struct smmu_ste ste = rig_ste_s1(RIG_CD + 64 * sid);

	ste.q[1] |= ste1;
	ste.q[2] = vmid;
	rig_ste(r, sid, &ste);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, table, 0x2000, RIG_DATA + 0x1000, LEAF_RW);
	rig_map4k(r, table, 0x3000, RIG_DATA + 0x2000, LEAF_GLOBAL_RW);
	rig_map4k(r, table, 0x4000, RIG_DATA + 0x3000, LEAF_GLOBAL_RW);
	rig_map(r, table, 12, 0, 2, 0x200000, 0x8000200000 | LEAF_RW);
}

static void s2_stream(struct rig *r, uint32_t sid, uint16_t vmid, uint64_t s2)
{
	struct smmu_ste ste = rig_ste_s2(s2, vmid);

	rig_ste(r, sid, &ste);
	rig_map(r, s2, 12, 1, 3, 0x1000, S2_LEAF(RIG_DATA));
	rig_map(r, s2, 12, 1, 3, 0x5000, S2_LEAF(RIG_DATA));
	rig_map(r, s2, 12, 1, 3, 0x9000, S2_LEAF(RIG_DATA));
}

static void build(struct rig *r)
{
	uint64_t s2 = rig_table(r, 0x2000), other = rig_table(r, 0x2000);
	uint64_t s1 = rig_table(r, 4096);
	struct smmu_ste ste = rig_ste_s2(s2, 5);
	struct smmu_cd cd = rig_cd_4k(s1, 7);

	s1_stream(r, 1, 7, 0, 0);
	s1_stream(r, 2, 8, 0, 0);
	s1_stream(r, 3, 7, 3, 0);
	s1_stream(r, SID_EL2, 0, 0, 2ull << 30);
	s2_stream(r, 5, 5, s2);
	s2_stream(r, 7, 6, other);
	ste.q[0] = (RIG_CD + 64 * 4) | 0xf;
	rig_ste(r, 4, &ste);
	rig_cd(r, RIG_CD + 64 * 4, &cd);
	rig_map4k(r, s1, 0x1000, 0x9000, LEAF_RW);
	rig_map(r, s2, 12, 1, 3, RIG_CD, S2_LEAF(RIG_CD));
	for (uint64_t pa = RIG_TABLES; pa < r->next_table + 0x8000; pa += 4096)
		rig_map(r, s2, 12, 1, 3, pa, S2_LEAF(pa));
}

/* Bit i: item i had to be walked for. */
static uint32_t walked(struct rig *r)
{
	uint32_t mask = 0;

	for (unsigned int i = 0; i < NR_ITEMS; i++) {
		uint64_t before = rig_stats(r).walks;
		struct uiommu_smmuv3_xlate x;

		assert_int_equal(
			rig_xlate(r, items[i].sid, 0, items[i].iova, &x), 0);
		if (rig_stats(r).walks != before)
			mask |= 1u << i;
	}
	return mask;
}

#define ALL_EL1 0x7ffu
#define VA(op, vmid, asid) \
	((op) | (uint64_t)(vmid) << 32 | (uint64_t)(asid) << 48)

static void reach_of_each_tlb_command(void **state)
{
	struct rig *r = *state;
	static const struct {
		const char *name;
		uint64_t q0, q1;
		uint32_t reach;
	} cmds[] = {
		{ "NH_ALL vmid 0", VA(0x10, 0, 0), 0, 0x03f },
		{ "NH_ALL vmid 3", VA(0x10, 3, 0), 0, 0x040 },
		{ "NH_ALL vmid 5", VA(0x10, 5, 0), 0, 0x080 },
		{ "NH_ALL vmid 9", VA(0x10, 9, 0), 0, 0 },
		{ "NH_ASID 7", VA(0x11, 0, 7), 0, 0x00b },
		{ "NH_ASID 8", VA(0x11, 0, 8), 0, 0x010 },
		{ "NH_ASID 7 vmid 5", VA(0x11, 5, 7), 0, 0x080 },
		{ "NH_ASID 9", VA(0x11, 0, 9), 0, 0 },
		{ "NH_VA page", VA(0x12, 0, 7), 0x1001, 0x001 },
		{ "NH_VA page of vmid 3", VA(0x12, 3, 7), 0x1001, 0x040 },
		{ "NH_VA nested", VA(0x12, 5, 7), 0x1001, 0x080 },
		{ "NH_VA global", VA(0x12, 0, 7), 0x3001, 0x004 },
		{ "NH_VA global, any asid", VA(0x12, 0, 99), 0x3001, 0x004 },
		{ "NH_VA in a block", VA(0x12, 0, 7), 0x2ff001, 0x008 },
		{ "NH_VA elsewhere", VA(0x12, 0, 7), 0x400001, 0 },
		{ "NH_VAA page", VA(0x13, 0, 0), 0x1001, 0x011 },
		{ "NH_VAA global", VA(0x13, 0, 0), 0x4001, 0x020 },
		/* three pages from 0x1000, 4K */
		{ "range", VA(0x12, 0, 7) | 2 << 12, 0x1401, 0x007 },
		{ "range, asid 8", VA(0x12, 0, 8) | 2 << 12, 0x1401, 0x014 },
		{ "range for all", VA(0x13, 0, 0) | 2 << 12, 0x1401, 0x017 },
		/* two times 2^10 pages: the block's address too */
		{ "TTL 3", VA(0x12, 0, 7) | 1 << 12 | 10 << 20, 0x701, 0x027 },
		{ "TTL 2", VA(0x12, 0, 7) | 1 << 12 | 10 << 20, 0x601, 0x008 },
		{ "TTL 0", VA(0x12, 0, 7) | 1 << 12 | 10 << 20, 0x401, 0x02f },
		/* larger than the TLB: 32 times 2^31 pages */
		{ "huge", VA(0x12, 0, 7) | 31 << 12 | 31ull << 20, 0x401,
		  0x02f },
		{ "of 64K pages", VA(0x12, 0, 7) | 31 << 12 | 20 << 20, 0xc01,
		  0 },
		{ "S2_IPA", VA(0x2a, 5, 0), 0x1001, 0x100 },
		{ "S2_IPA range", VA(0x2a, 5, 0) | 4 << 12, 0x1401, 0x300 },
		{ "S2_IPA behind nested", VA(0x2a, 5, 0), 0x9001, 0 },
		{ "S12_VMALL 5", VA(0x28, 5, 0), 0, 0x380 },
		{ "S12_VMALL 6", VA(0x28, 6, 0), 0, 0x400 },
		{ "NSNH_ALL", 0x30, 0, ALL_EL1 },
		{ "EL2_ALL", 0x20, 0, 0x800 },
		{ "EL2_VA", VA(0x22, 0, 0), 0x1001, 0x800 },
		{ "EL2_VA elsewhere", VA(0x22, 0, 0), 0x2001, 0 },
		{ "EL2_ASID", VA(0x21, 0, 7), 0, 0 },
		{ "EL2_VAA", VA(0x23, 0, 0), 0x1001, 0x800 },
		{ "EL2_VAA elsewhere", VA(0x23, 0, 0), 0x5001, 0 },
		{ "EL2_VA range", VA(0x22, 0, 9) | 3 << 12, 0x0401, 0x800 },
		{ "EL2_VA range behind", VA(0x22, 0, 0) | 3 << 12, 0x2401, 0 },
		{ "EL2_VA of 64K pages", VA(0x22, 0, 0) | 3 << 12, 0x0c01, 0 },
		{ "NH_VAA of vmid 3", VA(0x13, 3, 0), 0x1001, 0x040 },
		{ "NH_VAA nested", VA(0x13, 5, 0), 0x1001, 0x080 },
		{ "NH_VAA elsewhere", VA(0x13, 0, 0), 0x7001, 0 },
		{ "NH_VAA range, TTL 2", VA(0x13, 0, 0) | 1 << 12 | 10 << 20,
		  0x601, 0x008 },
		{ "NH_VA, no Leaf", VA(0x12, 0, 7), 0x1000, 0x001 },
		{ "S12_VMALL 0", VA(0x28, 0, 0), 0, 0x03f },
		{ "S12_VMALL 9", VA(0x28, 9, 0), 0, 0 },
		{ "S2_IPA of vmid 6", VA(0x2a, 6, 0), 0x1001, 0x400 },
		{ "S2_IPA range, TTL 2", VA(0x2a, 5, 0) | 4 << 12, 0x1601, 0 },
		{ "CFGI_ALL", 0x04, 0x1f, 0 },
	};

	build(r);
	assert_int_equal(walked(r), 0xfff);
	assert_int_equal(walked(r), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(cmds); i++) {
		uint32_t got;

		rig_cmd(r, cmds[i].q0, cmds[i].q1);
		rig_sync(r);
		got = walked(r);
		if (got != cmds[i].reach)
			fail_msg("%s: dropped %#x, not %#x", cmds[i].name, got,
				 cmds[i].reach);
		assert_int_equal(walked(r), 0);
	}
}

static void el2_e2h_reach(void **state)
{
	struct rig *r = *state;
	static const struct {
		uint64_t q0, q1;
		unsigned int walks; /* of page 1 and global page 3 */
	} cmds[] = {
		{ VA(0x21, 0, 9), 0, 0 },
		{ VA(0x21, 0, 7), 0, 1 },
		{ VA(0x22, 0, 7), 0x1001, 1 },
		{ VA(0x22, 0, 8), 0x1001, 0 },
		{ VA(0x22, 0, 8), 0x3001, 1 },
		{ VA(0x23, 0, 0), 0x1001, 1 },
		{ VA(0x23, 0, 0), 0x3001, 1 },
		{ VA(0x23, 0, 0), 0x2001, 0 },
		{ VA(0x22, 0, 7) | 3 << 12, 0x0401, 2 },
		{ VA(0x22, 0, 8) | 3 << 12, 0x0401, 1 },
		{ VA(0x22, 0, 7) | 3 << 12, 0x4401, 0 },
		{ VA(0x28, 0, 0), 0, 0 },
		{ VA(0x13, 0, 0), 0x1001, 0 },
		{ 0x20, 0, 2 },
		{ 0x30, 0, 0 },
		{ VA(0x11, 0, 7), 0, 0 },
	};

	wr(r, SMMU_REG_CR0, 0xc);
	wr(r, SMMU_REG_CR2, SMMU_CR2_RECINVSID | SMMU_CR2_E2H);
	wr(r, SMMU_REG_CR0, 0xd);
	s1_stream(r, 6, 7, 0, 2ull << 30);
	for (unsigned int i = 0; i < ARRAY_SIZE(cmds); i++) {
		uint64_t before;

		rig_expect_pa(r, 6, 0x1000, RIG_DATA);
		rig_expect_pa(r, 6, 0x3000, RIG_DATA + 0x2000);
		before = rig_stats(r).walks;
		rig_cmd(r, cmds[i].q0, cmds[i].q1);
		rig_sync(r);
		rig_expect_pa(r, 6, 0x1000, RIG_DATA);
		rig_expect_pa(r, 6, 0x3000, RIG_DATA + 0x2000);
		assert_int_equal(rig_stats(r).walks - before, cmds[i].walks);
	}
}

/* A missing invalidation is seen as stale data. */
static void stale_until_invalidated(void **state)
{
	struct rig *r = *state;
	uint64_t pte;

	s1_stream(r, 1, 7, 0, 0);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	pte = ram_r64(&r->ram, RIG_CD + 64 + 8);
	pte = rig_pte4k(r, pte, 0x1000);
	ram_w64(&r->ram, pte, 0);
	rig_sync(r);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	rig_cmd(r, VA(0x12, 0, 7), 0x1001);
	rig_sync(r);
	rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_F_TRANSLATION);
	/* what faulted is not cached */
	ram_w64(&r->ram, pte, RIG_DATA | LEAF_RO | 3);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	/* more rights need an invalidation too */
	ram_w64(&r->ram, pte, RIG_DATA | LEAF_RW | 3);
	rig_expect_fault(r, 1, UIOMMU_TXN_WRITE, 0x1000, SMMU_EVT_F_PERMISSION);
	rig_cmd(r, VA(0x12, 0, 7), 0x1001);
	rig_sync(r);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x1000,
				   &(struct uiommu_smmuv3_xlate){ 0 }),
			 0);
}

static void two_streams_share_a_space(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = rig_ste_s1(RIG_CD + 64);
	uint64_t before;

	s1_stream(r, 1, 7, 0, 0);
	rig_ste(r, 9, &ste);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	before = rig_stats(r).walks;
	rig_expect_pa(r, 9, 0x1000, RIG_DATA);
	assert_int_equal(rig_stats(r).walks, before);
}

/* Global entries are for those of the same ASET; NH_VA reaches both kinds. */
static void globals_by_aset(void **state)
{
	struct rig *r = *state;
	uint64_t before, cd = RIG_CD + 64 * 2;

	s1_stream(r, 1, 7, 0, 0);
	s1_stream(r, 2, 8, 0, 0);
	ram_w64(&r->ram, cd, ram_r64(&r->ram, cd) | 1ull << 47); /* ASET */
	rig_expect_pa(r, 1, 0x3000, RIG_DATA + 0x2000);
	before = rig_stats(r).walks;
	rig_expect_pa(r, 2, 0x3000, RIG_DATA + 0x2000);
	assert_int_equal(rig_stats(r).walks - before, 1);
	rig_cmd(r, VA(0x12, 0, 99), 0x3001);
	rig_sync(r);
	rig_expect_pa(r, 1, 0x3000, RIG_DATA + 0x2000);
	rig_expect_pa(r, 2, 0x3000, RIG_DATA + 0x2000);
	assert_int_equal(rig_stats(r).walks - before, 3);
	rig_expect_pa(r, 1, 0x3000, RIG_DATA + 0x2000);
	rig_expect_pa(r, 2, 0x3000, RIG_DATA + 0x2000);
	assert_int_equal(rig_stats(r).walks - before, 3);
}

/* Where tables are is cached too: one descriptor is read, until Leaf = 0. */
static void tables_are_cached_until_leaf_0(void **state)
{
	struct rig *r = *state;
	uint64_t table, l2, copy, before;

	s1_stream(r, 1, 7, 0, 0);
	table = ram_r64(&r->ram, RIG_CD + 64 + 8);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	before = rig_stats(r).walk_reads;
	rig_expect_pa(r, 1, 0x2000, RIG_DATA + 0x1000);
	assert_int_equal(rig_stats(r).walk_reads - before, 1);
	/* another level-3 table takes its place, with other pages */
	copy = rig_table(r, 4096);
	ram_w64(&r->ram, copy + 8 * 1, (RIG_DATA + 0x8000) | LEAF_RW | 3);
	l2 = table;
	for (unsigned int i = 0; i < 2; i++)
		l2 = ram_r64(&r->ram, l2) & ~0xfffull;
	ram_w64(&r->ram, l2, copy | 3);
	rig_cmd(r, VA(0x12, 0, 7), 0x1001);
	rig_sync(r);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	rig_cmd(r, VA(0x12, 0, 7), 0x1000);
	rig_sync(r);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA + 0x8000);
	/* TLBI by ASID and of all reach tables as well */
	for (unsigned int i = 0; i < 2; i++) {
		before = rig_stats(r).walk_reads;
		rig_cmd(r, i ? 0x30 : VA(0x11, 0, 7), 0);
		rig_sync(r);
		rig_expect_pa(r, 1, 0x1000, RIG_DATA + 0x8000);
		assert_int_equal(rig_stats(r).walk_reads - before, 4);
	}
}

/* ------------------------------------------------------- configuration -- */

static const struct {
	uint32_t sid;
	int ssid;
} streams[] = {
	{ 0x10, -1 }, { 0x10, 0 },  { 0x10, 3 },  { 0x11, -1 },
	{ 0x11, 3 },  { 0x1f, -1 }, { 0x20, -1 },
};

static uint32_t fetched(struct rig *r)
{
	uint32_t mask = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(streams); i++) {
		uint64_t before = rig_stats(r).config_misses;
		struct uiommu_smmuv3_txn txn = { .sid = streams[i].sid,
						 .iova = 0x1000 };
		struct uiommu_smmuv3_xlate x;

		if (streams[i].ssid >= 0) {
			txn.flags = UIOMMU_TXN_SSV;
			txn.ssid = (uint32_t)streams[i].ssid;
		}
		(void)uiommu_smmuv3_model_translate(r->model, &txn, &x);
		if (rig_stats(r).config_misses != before)
			mask |= 1u << i;
	}
	while (rig_event(r, (uint64_t[4]){ 0 }))
		;
	return mask;
}

static void reach_of_each_cfgi_command(void **state)
{
	struct rig *r = *state;
	static const struct {
		const char *name;
		uint64_t q0, q1;
		uint32_t reach;
	} cmds[] = {
		{ "STE 10", 0x1000000003, 1, 0x07 },
		{ "STE 11", 0x1100000003, 0, 0x18 },
		{ "STE 12", 0x1200000003, 1, 0 },
		{ "range of 2", 0x1000000004, 0, 0x1f },
		{ "range of 16", 0x1700000004, 3, 0x3f },
		{ "range of 64", 0x0000000004, 5, 0x7f },
		{ "range of 2^31", 0x0000000004, 30, 0x7f },
		{ "range of 2^31, upper half", 0x8000000000000004, 30, 0 },
		{ "range of 2, next", 0x1200000004, 0, 0 },
		{ "ALL", 0x04, 0x1f, 0x7f },
		{ "CD 3 of 10", 0x1000003005, 1, 0x04 },
		{ "CD 0 of 10", 0x1000000005, 1, 0x03 },
		{ "CD 0 of 20", 0x2000000005, 0, 0x40 },
		{ "CD 4 of 10", 0x1000004005, 1, 0 },
		{ "CD_ALL of 11", 0x1100000006, 0, 0x18 },
		{ "NSNH_ALL", 0x30, 0, 0 },
	};
	struct smmu_ste ste = rig_ste_s1(RIG_CD);

	/* one table of four CDs that all streams share */
	ste.q[0] |= 2ull << 59;
	ste.q[1] |= 2;
	for (unsigned int i = 0; i < 4; i++) {
		struct smmu_cd cd = rig_cd_4k(rig_table(r, 4096), 1);

		rig_cd(r, RIG_CD + 64 * i, &cd);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(streams); i++)
		rig_ste(r, streams[i].sid, &ste);
	assert_int_equal(fetched(r), 0x7f);
	assert_int_equal(fetched(r), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(cmds); i++) {
		uint32_t got;

		rig_cmd(r, cmds[i].q0, cmds[i].q1);
		rig_sync(r);
		got = fetched(r);
		if (got != cmds[i].reach)
			fail_msg("%s: dropped %#x, not %#x", cmds[i].name, got,
				 cmds[i].reach);
		assert_int_equal(fetched(r), 0);
	}
}

static void configuration_is_stale_until_invalidated(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = { .q = { 9 } };

	/* even an invalid entry is cached */
	rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_C_BAD_STE);
	rig_ste(r, 1, &ste);
	rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_C_BAD_STE);
	rig_cmd(r, 0x0000000100000003, 1);
	rig_sync(r);
	rig_expect_pa(r, 1, 0x1000, 0x1000);
	/* CFGI of another stream changes nothing for this one */
	ste.q[0] = 0;
	rig_ste(r, 1, &ste);
	rig_cmd(r, 0x0000000200000003, 1);
	rig_sync(r);
	rig_expect_pa(r, 1, 0x1000, 0x1000);
	rig_cmd(r, 0x04, 0x1f);
	rig_sync(r);
	rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_C_BAD_STE);
}

static void more_streams_than_the_cache_holds(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = { .q = { 9 } };

	/* evicted contexts come back into use, with no SYNC in sight */
	for (uint32_t sid = 0; sid < 4096; sid++)
		rig_ste(r, sid, &ste);
	for (unsigned int round = 0; round < 4; round++) {
		for (uint32_t sid = 0; sid < 4096; sid++)
			rig_expect_pa(r, sid, sid << 12, sid << 12);
	}
	rig_expect_pa(r, 4095, 0x1000, 0x1000);
	{
		uint64_t before = rig_stats(r).config_misses;

		rig_expect_pa(r, 4095, 0x1000, 0x1000);
		assert_int_equal(rig_stats(r).config_misses, before);
	}
}

static void a_model_that_caches_nothing(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	uint64_t pte;

	rig_fini(r);
	p.tlb_entries = 0;
	p.config_entries = 0;
	rig_init(r, &p);
	s1_stream(r, 1, 7, 0, 0);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	assert_int_equal(rig_stats(r).walks, 2);
	assert_int_equal(rig_stats(r).config_misses, 2);
	pte = rig_pte4k(r, ram_r64(&r->ram, RIG_CD + 64 + 8), 0x1000);
	ram_w64(&r->ram, pte, 0);
	rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_F_TRANSLATION);
	rig_inval_all(r);
	rig_cmd(r, VA(0x12, 0, 7), 0x1001);
	rig_cmd(r, VA(0x13, 0, 7), 0x1001);
	rig_sync(r);
}

/* Random pages of several sizes against what the tables say. */
static void fills_and_evicts(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	uint64_t table, seed = 1;
	struct uiommu_smmuv3_stats s;

	rig_fini(r);
	p.tlb_entries = 64;
	rig_init(r, &p);
	table = rig_stream(r, 1, 7);
	for (uint64_t i = 0; i < 1024; i++)
		rig_map4k(r, table, i << 12, RIG_DATA + (i << 12), LEAF_RW);
	for (uint64_t i = 2; i < 64; i++)
		rig_map(r, table, 12, 0, 2, i << 21,
			(0x8000000000 + (i << 21)) | LEAF_RW);
	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t page = (seed = seed * 6364136223846793005ull + 1) >>
				33;
		uint64_t iova = page % 32768 << 12;

		rig_expect_pa(r, 1, iova + 5,
			      (iova < 4 << 20 ? RIG_DATA : 0x8000000000) +
				      iova + 5);
	}
	s = rig_stats(r);
	assert_int_equal(s.tlb_hits + s.tlb_misses, 20000);
	assert_int_equal(s.translations, 20000);
	assert_true(s.tlb_hits > 1000 && s.tlb_misses > 1000);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(reach_of_each_tlb_command),
		T(el2_e2h_reach),
		T(stale_until_invalidated),
		T(two_streams_share_a_space),
		T(globals_by_aset),
		T(tables_are_cached_until_leaf_0),
		T(reach_of_each_cfgi_command),
		T(configuration_is_stale_until_invalidated),
		T(more_streams_than_the_cache_holds),
		T(a_model_that_caches_nothing),
		T(fills_and_evicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
