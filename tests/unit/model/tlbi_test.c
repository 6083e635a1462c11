/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLB invalidation: what each form reaches among many ASIDs, VMIDs, granules and
 * both halves of an address space, and how much of the TLB it looks at.
 *
 * An item is one cached translation.  All are looked up, the command is given,
 * and all are looked up again; those that had to be walked for were dropped.
 */
#include <stdlib.h>
#include <string.h>

#include "model/smmuv3/msmmu.h"
#include "rig.h"

#define NH(op, vmid, asid) \
	((op) | (uint64_t)(vmid) << 32 | (uint64_t)(asid) << 48)
#define NUM(n) ((uint64_t)(n) << 12)
#define SCALE(n) ((uint64_t)(n) << 20)
#define TG(n) ((uint64_t)(n) << 10)
#define TTL(n) ((uint64_t)(n) << 8)
#define LEAF 1ull

struct item {
	uint32_t sid;
	uint64_t iova;
};

static uint64_t walked(struct rig *r, const struct item *items, unsigned int n)
{
	uint64_t mask = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t before = rig_stats(r).walks;
		struct uiommu_smmuv3_xlate x;

		assert_int_equal(
			rig_xlate(r, items[i].sid, 0, items[i].iova, &x), 0);
		if (rig_stats(r).walks != before)
			mask |= 1ull << i;
	}
	return mask;
}

struct row {
	const char *name;
	uint64_t q0, q1;
	uint64_t reach;
};

static void check_rows(struct rig *r, const struct item *items, unsigned int n,
		       const struct row *rows, unsigned int nr_rows)
{
	(void)walked(r, items, n);
	assert_int_equal(walked(r, items, n), 0);
	for (unsigned int i = 0; i < nr_rows; i++) {
		uint64_t got;

		rig_cmd(r, rows[i].q0, rows[i].q1);
		rig_sync(r);
		assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
		got = walked(r, items, n);
		if (got != rows[i].reach)
			fail_msg("%s: dropped %#llx, not %#llx", rows[i].name,
				 (unsigned long long)got,
				 (unsigned long long)rows[i].reach);
		assert_int_equal(walked(r, items, n), 0);
	}
}

/* A stage-1 stream with VMID and StreamWorld. */
static uint64_t stream(struct rig *r, uint32_t sid, uint16_t vmid,
		       uint16_t asid, bool el2)
{
	uint64_t table = rig_stream(r, sid, asid);
	struct smmu_ste ste = rig_ste_s1(RIG_CD + 64 * sid);

	ste.q[1] |= el2 ? 2ull << 30 : 0;
	ste.q[2] = vmid;
	rig_ste(r, sid, &ste);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, table, 0x2000, RIG_DATA, LEAF_RW);
	rig_map4k(r, table, 0x3000, RIG_DATA, LEAF_GLOBAL_RW);
	return table;
}

/* Sets of the TLB that invalidations have looked at. */
static uint64_t visits(const struct rig *r)
{
	return load_relaxed(&r->model->tlb.visits);
}

static uint64_t visits_of(struct rig *r, uint64_t q0, uint64_t q1)
{
	uint64_t before = visits(r);

	rig_cmd(r, q0, q1);
	rig_sync(r);
	return visits(r) - before;
}

static void again(struct rig *r, const struct uiommu_smmuv3_profile *p)
{
	rig_fini(r);
	rig_init(r, p);
}

/* --------------------------------------------------------- all ASIDs ---- */

static void all_asids_of_a_vmid(void **state)
{
	struct rig *r = *state;
	struct item items[60];
	unsigned int n = 0;
	uint64_t page1 = 0, page2 = 0, global = 0;

	/* VMID 5 with 18 ASIDs, two of which share a hashed space */
	for (unsigned int i = 0; i < 18; i++) {
		uint16_t asid = i == 17 ? 16384 + 100 : (uint16_t)(100 + i);

		stream(r, i, 5, asid, false);
		for (unsigned int page = 1; page <= 3; page++, n++) {
			uint64_t *of = page == 1   ? &page1
				       : page == 2 ? &page2
						   : &global;

			items[n] = (struct item){ i, page * 4096ull };
			*of |= 1ull << n;
		}
	}
	/* neighbours: another VMID, and one of the same hashed group */
	stream(r, 50, 6, 100, false);
	stream(r, 51, 5 + 4096, 100, false);
	items[n++] = (struct item){ 50, 0x1000 };
	items[n++] = (struct item){ 51, 0x1000 };
	/* items of `global` are one entry of the TLB: the first look-up walks */
	global &= -global;
	{
		const struct row rows[] = {
			{ "VAA page 1", NH(0x13, 5, 0), 0x1000 | LEAF, page1 },
			{ "VAA page 2", NH(0x13, 5, 77), 0x2000 | LEAF, page2 },
			{ "VAA global", NH(0x13, 5, 0), 0x3000 | LEAF, global },
			{ "VAA elsewhere", NH(0x13, 5, 0), 0x4000 | LEAF, 0 },
			{ "VAA 2 pages", NH(0x13, 5, 0) | NUM(1),
			  0x1000 | LEAF | TG(1), page1 | page2 },
			{ "VAA huge", NH(0x13, 5, 0) | NUM(31) | SCALE(31),
			  LEAF | TG(1), page1 | page2 | global },
			{ "VAA of 16K pages",
			  NH(0x13, 5, 0) | NUM(31) | SCALE(31), LEAF | TG(2),
			  0 },
			{ "VAA vmid 6", NH(0x13, 6, 0), 0x1000 | LEAF,
			  1ull << 54 },
			{ "VAA vmid 7", NH(0x13, 7, 0), 0x1000 | LEAF, 0 },
			{ "VA of one ASID", NH(0x12, 5, 103), 0x1000 | LEAF,
			  1ull << 9 },
		};

		check_rows(r, items, n, rows, ARRAY_SIZE(rows));
	}
}

static void all_asids_of_el2(void **state)
{
	struct rig *r = *state;
	struct item items[13];
	static const struct row rows[] = {
		{ "VAA", 0x23, 0x1000 | LEAF, 0x0049 },
		{ "VAA of EL1", NH(0x13, 0, 0), 0x1000 | LEAF, 0x0200 },
		{ "VA asid 7", NH(0x22, 0, 7), 0x1000 | LEAF, 0x0001 },
		{ "VA global", NH(0x22, 0, 99), 0x3000 | LEAF, 0x0004 },
		{ "ASID 8", NH(0x21, 0, 8), 0, 0x0018 },
		{ "VAA range", 0x23 | NUM(1), 0x1000 | LEAF | TG(1), 0x00db },
		{ "VMALL", NH(0x28, 0, 0), 0, 0x0e00 },
		{ "EL2_ALL", 0x20, 0, 0x00df },
		/* noted again after all was forgotten */
		{ "VAA", 0x23, 0x2000 | LEAF, 0x0092 },
		{ "NSNH_ALL", 0x30, 0, 0x0e00 },
		{ "VAA of EL1", NH(0x13, 0, 0), 0x2000 | LEAF, 0x0400 },
	};
	unsigned int n = 0;

	wr(r, SMMU_REG_CR0, 0xc);
	wr(r, SMMU_REG_CR2, SMMU_CR2_RECINVSID | SMMU_CR2_E2H);
	wr(r, SMMU_REG_CR0, 0xd);
	for (unsigned int i = 0; i < 4; i++) {
		stream(r, i, 0, (uint16_t)(7 + i), i < 3);
		for (unsigned int page = 1; page <= 3; page++)
			items[n++] = (struct item){ i, page * 4096ull };
	}
	check_rows(r, items, n, rows, ARRAY_SIZE(rows));
}

/* Commands for EL2 mean the regime that CR2.E2H says; ALL means both. */
static void el2_without_e2h(void **state)
{
	struct rig *r = *state;
	struct item items[2] = { { 1, 0x1000 }, { 1, 0x2000 } };
	static const struct row rows[] = {
		{ "VA", NH(0x22, 0, 99), 0x1000 | LEAF, 1 },
		{ "VAA", 0x23, 0x2000 | LEAF, 2 },
		{ "ASID", NH(0x21, 0, 7), 0, 0 },
		{ "VAA EL1", 0x13, 0x1000 | LEAF, 0 },
		{ "ALL", 0x20, 0, 3 },
	};

	stream(r, 1, 0, 7, true);
	check_rows(r, items, 2, rows, ARRAY_SIZE(rows));
}

/* ---------------------------------------------------------------- work -- */

static void work_follows_what_can_be_there(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	for (unsigned int i = 0; i < 20; i++) {
		stream(r, i, i < 16 ? 3 : 4, (uint16_t)(1 + i), false);
		assert_int_equal(rig_xlate(r, i, 0, 0x1000, &x), 0);
	}
	/* one size in use: a set for each ASID, none for the others */
	assert_int_equal(visits_of(r, NH(0x13, 3, 0), 0x1000 | LEAF), 16);
	assert_int_equal(visits_of(r, NH(0x13, 4, 0), 0x1000 | LEAF), 4);
	assert_int_equal(visits_of(r, NH(0x13, 5, 0), 0x1000 | LEAF), 0);
	assert_int_equal(visits_of(r, NH(0x12, 3, 1), 0x1000 | LEAF), 1);
	/* sixteen times a hundred and twenty-eight pages: as many sets */
	assert_int_equal(visits_of(r, NH(0x13, 3, 0) | NUM(1) | SCALE(6),
				   0x1000 | LEAF | TG(1)),
			 16 * 128);
	/* more than there are sets: each once */
	assert_int_equal(visits_of(r, NH(0x13, 3, 0) | NUM(31) | SCALE(20),
				   0x1000 | LEAF | TG(1)),
			 4096);
	/* by ASID and VMID: none */
	assert_int_equal(visits_of(r, NH(0x11, 3, 1), 0), 0);
	assert_int_equal(visits_of(r, NH(0x10, 3, 0), 0), 0);
	/* what died has no ASIDs to look for */
	assert_int_equal(visits_of(r, NH(0x13, 3, 0), 0x1000 | LEAF), 0);
	assert_int_equal(visits_of(r, NH(0x13, 4, 0), 0x1000 | LEAF), 4);
	assert_int_equal(visits_of(r, 0x30, 0), 0);
	assert_int_equal(visits_of(r, NH(0x13, 4, 0), 0x1000 | LEAF), 0);
}

#define MANY_ASIDS 32u
#define MANY_PAGES 1024u

static uint64_t hits_of_many(struct rig *r)
{
	uint64_t before = rig_stats(r).walks;
	struct uiommu_smmuv3_xlate x;

	for (uint32_t i = 0; i < MANY_ASIDS * MANY_PAGES; i++)
		assert_int_equal(rig_xlate(r, i / MANY_PAGES, 0,
					   (uint64_t)(i % MANY_PAGES) << 12,
					   &x),
				 0);
	return MANY_ASIDS * MANY_PAGES - (rig_stats(r).walks - before);
}

/* One ASID among many entries is forgotten without looking for them. */
static void one_asid_among_many_entries(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");

	p.tlb_entries = 65536;
	again(r, &p);
	for (uint32_t i = 0; i < MANY_ASIDS; i++) {
		uint64_t table = rig_stream(r, i, (uint16_t)(1 + i));

		for (uint64_t page = 0; page < MANY_PAGES; page++)
			rig_map4k(r, table, page << 12, RIG_DATA + (page << 12),
				  LEAF_RW);
	}
	(void)hits_of_many(r);
	/* all of them stay: what follows is exact */
	assert_int_equal(hits_of_many(r), MANY_ASIDS * MANY_PAGES);
	assert_int_equal(visits_of(r, NH(0x11, 0, 5), 0), 0);
	assert_int_equal(hits_of_many(r), (MANY_ASIDS - 1) * MANY_PAGES);
	/* a page of all of them: a set each */
	assert_int_equal(visits_of(r, NH(0x13, 0, 0), 0x5000 | LEAF),
			 MANY_ASIDS);
	assert_int_equal(hits_of_many(r), MANY_ASIDS * (MANY_PAGES - 1));
}

/* More ASIDs than can be told apart: still all are reached. */
static void more_asids_than_notes(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct uiommu_smmuv3_xlate x;
	uint64_t before;

	p.tlb_entries = 64; /* 16 sets, 16 notes */
	again(r, &p);
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 40; i++) {
			if (!round)
				stream(r, i, 3, (uint16_t)(1 + i), false);
			assert_int_equal(rig_xlate(r, i, 0, 0x1000, &x), 0);
		}
		/* the whole TLB, once */
		assert_int_equal(visits_of(r, NH(0x13, 3, 0), 0x1000 | LEAF),
				 16);
		before = rig_stats(r).walks;
		for (unsigned int i = 0; i < 40; i++)
			assert_int_equal(rig_xlate(r, i, 0, 0x1000, &x), 0);
		assert_int_equal(rig_stats(r).walks - before, 40);
		rig_cmd(r, round == 1 ? 0x30 : NH(0x10, 3, 0), 0);
		rig_sync(r);
		/* few again: by their sets */
		for (unsigned int i = 0; i < 5; i++)
			assert_int_equal(rig_xlate(r, i, 0, 0x1000, &x), 0);
		assert_int_equal(visits_of(r, NH(0x13, 3, 0), 0x1000 | LEAF),
				 5);
	}
}

/* Another VMID has taken all the notes: those of this one are found anyway. */
static void no_notes_left_for_a_vmid(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	static const struct item items[] = { { 40, 0x1000 }, { 41, 0x1000 } };
	static const struct row rows[] = {
		{ "VAA", NH(0x13, 4, 0), 0x1000 | LEAF, 3 },
		{ "VAA elsewhere", NH(0x13, 4, 0), 0x2000 | LEAF, 0 },
		{ "VAA again", NH(0x13, 4, 0), 0x1000 | LEAF, 3 },
		/* the group is forgotten, and noted or not from the start */
		{ "NH_ALL", NH(0x10, 4, 0), 0, 3 },
		{ "VAA after it", NH(0x13, 4, 0), 0x1000 | LEAF, 3 },
		{ "NSNH_ALL", 0x30, 0, 3 },
		{ "VAA at last", NH(0x13, 4, 0), 0x1000 | LEAF, 3 },
	};
	struct uiommu_smmuv3_xlate x;

	p.tlb_entries = 64;
	again(r, &p);
	for (unsigned int i = 0; i < 20; i++) {
		stream(r, i, 3, (uint16_t)(1 + i), false);
		assert_int_equal(rig_xlate(r, i, 0, 0x1000, &x), 0);
	}
	stream(r, 40, 4, 100, false);
	stream(r, 41, 4, 101, false);
	check_rows(r, items, 2, rows, ARRAY_SIZE(rows));
}

/* ASIDs that come and go leave nothing behind. */
static void asids_that_come_and_go(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct uiommu_smmuv3_xlate x;
	uint64_t table, cd = RIG_CD + 64;

	p.tlb_entries = 1024; /* 256 notes */
	again(r, &p);
	table = stream(r, 1, 3, 0, false);
	for (unsigned int i = 1; i <= 2000; i++) {
		struct smmu_cd c = rig_cd_4k(table, (uint16_t)i);

		rig_cd(r, cd, &c);
		rig_cmd(r, SMMU_CMD_OP_CFGI_CD | 1ull << 32, 1);
		rig_sync(r);
		assert_int_equal(rig_xlate(r, 1, 0, 0x1000, &x), 0);
		if (i % 100 == 0)
			assert_true(visits_of(r, NH(0x13, 3, 0),
					      0x1000 | LEAF) <= 1);
		rig_cmd(r, NH(0x11, 3, i), 0);
		rig_sync(r);
	}
}

/* -------------------------------------------------------------- ranges -- */

static void granules_levels_and_leaves(void **state)
{
	struct rig *r = *state;
	static const struct item items[] = {
		{ 1, 0x10000 },	   /* 4K page */
		{ 1, 0x200000 },   /* 2M block */
		{ 1, 0x40000000 }, /* 1G block */
		{ 2, 0x10000 },	   /* 16K page */
		{ 2, 0x2000000 },  /* 32M block */
		{ 3, 0x10000 },	   /* 64K page */
		{ 3, 0x20000000 }, /* 512M block */
	};
	static const struct row rows[] = {
		{ "any granule", NH(0x13, 0, 0), 0x10000 | LEAF, 0x29 },
		{ "in a page of 64K", NH(0x13, 0, 0), 0x1f000 | LEAF, 0x20 },
		{ "in the blocks", NH(0x13, 0, 0), 0x3fff000 | LEAF, 0x10 },
		{ "in the large block", NH(0x13, 0, 0), 0x3ffff000 | LEAF,
		  0x40 },
		{ "in the largest", NH(0x13, 0, 0), 0x7ffff000 | LEAF, 0x04 },
		{ "4K", NH(0x13, 0, 0) | NUM(31) | SCALE(31), LEAF | TG(1),
		  0x07 },
		{ "16K", NH(0x13, 0, 0) | NUM(31) | SCALE(31), LEAF | TG(2),
		  0x18 },
		{ "64K", NH(0x13, 0, 0) | NUM(31) | SCALE(31), LEAF | TG(3),
		  0x60 },
		{ "4K level 1", NH(0x13, 0, 0) | NUM(31) | SCALE(31),
		  LEAF | TG(1) | TTL(1), 0x04 },
		{ "4K level 2", NH(0x13, 0, 0) | NUM(31) | SCALE(31),
		  LEAF | TG(1) | TTL(2), 0x02 },
		{ "4K level 3", NH(0x13, 0, 0) | NUM(31) | SCALE(31),
		  LEAF | TG(1) | TTL(3), 0x01 },
		/* without DS there are no such leaves: as if it said nothing */
		{ "16K level 1", NH(0x13, 0, 0) | NUM(31) | SCALE(31),
		  LEAF | TG(2) | TTL(1), 0x18 },
		{ "64K level 2", NH(0x13, 0, 0) | NUM(31) | SCALE(31),
		  LEAF | TG(3) | TTL(2), 0x40 },
		{ "one granule and a level", NH(0x13, 0, 0),
		  0x200000 | LEAF | TG(1) | TTL(2), 0x02 },
		{ "the same, another level", NH(0x13, 0, 0),
		  0x200000 | LEAF | TG(1) | TTL(3), 0 },
		/* up to the block, and one page further */
		{ "16 pages", NH(0x13, 0, 0) | NUM(15), LEAF | TG(1), 0 },
		{ "17 pages", NH(0x13, 0, 0) | NUM(16), LEAF | TG(1), 0x01 },
		{ "to the block", NH(0x13, 0, 0) | NUM(15) | SCALE(5),
		  LEAF | TG(1), 0x01 },
		{ "and a bit", NH(0x13, 0, 0) | NUM(16) | SCALE(5),
		  LEAF | TG(1), 0x03 },
		{ "from behind it", NH(0x13, 0, 0) | NUM(1),
		  0x400000 | LEAF | TG(1), 0 },
		/* bit 25 is not there without DS: 2^0 pages */
		{ "scale 32", NH(0x13, 0, 0) | NUM(1) | SCALE(32),
		  0xf000 | LEAF | TG(1), 0x01 },
		/* VA with a tag or a sign above */
		{ "tagged", NH(0x13, 0, 0), 0xab00000000010000 | LEAF, 0x29 },
	};
	uint64_t table;
	struct smmu_cd cd;

	table = rig_stream(r, 1, 1);
	rig_map4k(r, table, 0x10000, RIG_DATA, LEAF_RW);
	rig_map(r, table, 12, 0, 2, 0x200000, 0x200000 | LEAF_RW | 1);
	rig_map(r, table, 12, 0, 1, 0x40000000, 0x40000000 | LEAF_RW | 1);
	for (unsigned int i = 2; i <= 3; i++) {
		unsigned int granule = i == 2 ? 14 : 16;

		(void)rig_stream(r, i, (uint16_t)i);
		table = rig_table(r, 1ull << granule);
		cd = rig_cd_4k(table, (uint16_t)i);
		cd.q[0] |= (i == 2 ? 2ull : 1ull) << 6; /* TG0 */
		if (i == 2) /* 47 bits: the start is a whole table */
			cd.q[0] = (cd.q[0] & ~0x3full) | 17;
		rig_cd(r, RIG_CD + 64 * i, &cd);
		rig_map(r, table, granule, 1, 3, 0x10000,
			RIG_DATA | LEAF_RW | 3);
		rig_map(r, table, granule, 1, 2,
			i == 2 ? 0x2000000 : 0x20000000, LEAF_RW | 1);
	}
	check_rows(r, items, ARRAY_SIZE(items), rows, ARRAY_SIZE(rows));
}

/* A CD with both halves of 48 bits, 4K. */
static void two_halves(struct rig *r, uint32_t sid, uint16_t asid)
{
	uint64_t low = rig_stream(r, sid, asid), high = rig_table(r, 4096);
	struct smmu_cd cd = rig_cd_4k(low, asid);

	cd.q[0] &= ~(1ull << 30);	     /* EPD1 */
	cd.q[0] |= 16ull << 16 | 2ull << 22; /* T1SZ, TG1 */
	cd.q[2] = high;
	rig_cd(r, RIG_CD + 64 * sid, &cd);
	rig_map4k(r, low, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, low, 0xfffffffff000, RIG_DATA, LEAF_RW);
	rig_map4k(r, high, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, high, 0xfffffffff000, RIG_DATA, LEAF_RW);
}

static const struct item ends[] = {
	{ 1, 0x1000 },
	{ 1, 0x0000fffffffff000 },
	{ 1, 0xffff000000001000 },
	{ 1, 0xfffffffffffff000 },
};

static void ranges_end_with_their_half(void **state)
{
	struct rig *r = *state;
	static const struct row rows[] = {
		{ "low", NH(0x12, 0, 7), 0x1000 | LEAF, 0x1 },
		{ "high", NH(0x12, 0, 7), 0xffff000000001000 | LEAF, 0x4 },
		{ "top", NH(0x12, 0, 7), 0xfffffffffffff000 | LEAF, 0x8 },
		{ "all of the low half", NH(0x12, 0, 7) | NUM(31) | SCALE(31),
		  LEAF | TG(1), 0x3 },
		{ "all of the high half", NH(0x12, 0, 7) | NUM(31) | SCALE(31),
		  0xffff000000000000 | LEAF | TG(1), 0xc },
		{ "over the top", NH(0x12, 0, 7) | NUM(31) | SCALE(31),
		  0xfffffffffffff000 | LEAF | TG(1), 0x8 },
		{ "over the top, all ASIDs",
		  NH(0x13, 0, 0) | NUM(31) | SCALE(31),
		  0xffff000000002000 | LEAF | TG(1), 0x8 },
	};

	two_halves(r, 1, 7);
	check_rows(r, ends, ARRAY_SIZE(ends), rows, ARRAY_SIZE(rows));
}

/* With DS, SCALE has six bits, and values above 39 act as 39. */
static void scales_with_ds(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	static const struct row rows[] = {
		/* 2^(12 + 36) bytes */
		{ "36", NH(0x12, 0, 7) | SCALE(36), 0x1000 | LEAF | TG(1),
		  0x3 },
		{ "35", NH(0x12, 0, 7) | SCALE(35), 0x1000 | LEAF | TG(1),
		  0x1 },
		{ "39 is the end of the half",
		  NH(0x12, 0, 7) | SCALE(39) | NUM(31), LEAF | TG(1), 0x3 },
		{ "63", NH(0x12, 0, 7) | SCALE(63) | NUM(31), LEAF | TG(1),
		  0x3 },
		{ "63 of 64K pages", NH(0x12, 0, 7) | SCALE(63) | NUM(31),
		  LEAF | TG(3), 0 },
		{ "high", NH(0x12, 0, 7) | SCALE(63) | NUM(31),
		  0xffff000000000000 | LEAF | TG(1), 0xc },
	};

	p.idr[5] |= SMMU_IDR5_DS | 1u << 10;
	again(r, &p);
	two_halves(r, 1, 7);
	check_rows(r, ends, ARRAY_SIZE(ends), rows, ARRAY_SIZE(rows));
}

/* Without RIL the range fields are not there. */
static void no_ranges_without_ril(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	static const struct item items[] = { { 1, 0x1000 }, { 1, 0x2000 } };
	static const struct row rows[] = {
		{ "range", NH(0x12, 0, 7) | NUM(31) | SCALE(31),
		  0x1000 | LEAF | TG(1), 1 },
		{ "nothing", NH(0x12, 0, 7), 0x2000 | LEAF | TG(3), 2 },
	};

	p.idr[3] &= ~SMMU_IDR3_RIL;
	p.aidr = 1;
	again(r, &p);
	stream(r, 1, 0, 7, false);
	check_rows(r, items, 2, rows, ARRAY_SIZE(rows));
}

/* Eight bits of ASID and VMID: the rest of the fields does not count. */
static void eight_bits(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	static const struct item items[] = { { 1, 0x1000 }, { 2, 0x1000 } };
	static const struct row rows[] = {
		{ "asid", NH(0x11, 5, 7), 0, 1 },
		{ "another asid", NH(0x11, 5, 8), 0, 2 },
		{ "vmid", NH(0x10, 5, 0), 0, 3 },
		{ "another vmid", NH(0x10, 6, 0), 0, 0 },
	};

	p.idr[0] &= ~(SMMU_IDR0_ASID16 | SMMU_IDR0_VMID16);
	again(r, &p);
	stream(r, 1, 5, 7, false);
	stream(r, 2, 5, 8, false);
	check_rows(r, items, 2, rows, ARRAY_SIZE(rows));
}

/* ----------------------------------------------------- VMID wildcards --- */

#define S2_LEAF(pa) ((pa) | 0x4ffull)

static void vmid_wildcards(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct item items[40];
	static const struct {
		uint32_t vmw;
		uint64_t group; /* VMIDs of 16 to 47 that 0x1d means */
	} rows[] = {
		{ 0, 0x2000 }, { 1, 0x3000 }, { 2, 0xf000 }, { 3, 0xff00 },
		{ 4, 0xffff }, { 5, 0x2000 }, { 6, 0x2000 }, { 7, 0x2000 },
	};
	static const uint64_t cmds[][2] = {
		{ NH(0x10, 0x1d, 0), 0 },
		{ NH(0x11, 0x1d, 7), 0 },
		{ NH(0x12, 0x1d, 7), 0x1000 | LEAF },
		{ NH(0x13, 0x1d, 0), 0x1000 | LEAF },
		{ NH(0x28, 0x1d, 0), 0 },
	};

	p.idr[0] |= SMMU_IDR0_VMW;
	again(r, &p);
	for (unsigned int i = 0; i < 32; i++) {
		stream(r, i, (uint16_t)(16 + i), 7, false);
		items[i] = (struct item){ i, 0x1000 };
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		wr(r, SMMU_REG_CR0, 0xd | rows[i].vmw << 6);
		assert_int_equal(rd(r, SMMU_REG_CR0ACK),
				 0xd | rows[i].vmw << 6);
		for (unsigned int j = 0; j < ARRAY_SIZE(cmds); j++) {
			struct row row = { "VMW", cmds[j][0], cmds[j][1],
					   rows[i].group };

			check_rows(r, items, 32, &row, 1);
		}
	}
	/* stage 2 too */
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t s2 = rig_table(r, 0x2000);
		struct smmu_ste ste = rig_ste_s2(s2, (uint16_t)(64 + i));

		rig_ste(r, 40 + i, &ste);
		rig_map(r, s2, 12, 1, 3, 0x1000, S2_LEAF(RIG_DATA));
		items[i] = (struct item){ 40 + i, 0x1000 };
	}
	wr(r, SMMU_REG_CR0, 0xd | 1 << 6);
	{
		static const struct row s2_rows[] = {
			{ "S2_IPA", NH(0x2a, 65, 0), 0x1000 | LEAF, 0x3 },
			{ "S12_VMALL", NH(0x28, 66, 0), 0, 0xc },
		};

		check_rows(r, items, 4, s2_rows, ARRAY_SIZE(s2_rows));
	}
}

/* ------------------------------------------------- against a naive list -- */

#define STREAMS 36u
#define PAGES 8u

static uint64_t seed;

static uint32_t dice(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

struct naive {
	struct rig *r;
	uint64_t pte[STREAMS][PAGES];
	uint64_t pa[STREAMS][PAGES];
};

static uint16_t vmid_of(unsigned int sid)
{
	return (uint16_t)(sid % 3 * 5);
}

static uint16_t asid_of(unsigned int sid)
{
	return (uint16_t)(sid / 3 * 1001);
}

static void set_page(struct naive *n, unsigned int sid, unsigned int page)
{
	uint64_t pa = RIG_DATA + 0x1000ull * dice(4096);

	n->pa[sid][page] = pa;
	ram_w64(&n->r->ram, n->pte[sid][page], pa | LEAF_RW | 3);
}

/* Move pages, and give one command that reaches all of them. */
static void move_some(struct naive *n)
{
	unsigned int sid = dice(STREAMS), first = dice(PAGES);
	unsigned int count = 1 + dice(PAGES - first), op = dice(5);
	uint64_t q0 = NH(0, vmid_of(sid), asid_of(sid));
	uint64_t q1 = (1 + first) * 4096ull | (dice(2) ? LEAF : 0);

	for (unsigned int s = 0; s < STREAMS; s++) {
		bool in_vmid = vmid_of(s) == vmid_of(sid);

		/* VAA and ALL are for the whole VMID */
		if (s != sid && !(in_vmid && op >= 3))
			continue;
		for (unsigned int page = first; page < first + count; page++)
			set_page(n, s, page);
	}
	if (op == 0)
		rig_cmd(n->r, q0 | 0x11, 0);
	else if (op == 4)
		rig_cmd(n->r, q0 | 0x10, 0);
	else if (count == 1)
		rig_cmd(n->r, q0 | (op == 3 ? 0x13 : 0x12), q1);
	else
		rig_cmd(n->r, q0 | (op == 3 ? 0x13 : 0x12) | NUM(count - 1),
			q1 | TG(1));
	rig_sync(n->r);
}

static void agree(struct naive *n, unsigned int tries)
{
	for (unsigned int i = 0; i < tries; i++) {
		unsigned int sid = dice(STREAMS), page = dice(PAGES);

		rig_expect_pa(n->r, sid, (1 + page) * 4096ull,
			      n->pa[sid][page]);
	}
}

static void random_invalidations(void **state)
{
	static const uint32_t sizes[] = { 16, 64, 256, 16384 };
	struct rig *r = *state;
	struct naive n = { .r = r };

	seed = 1;
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct uiommu_smmuv3_profile p = rig_profile("full");

		p.tlb_entries = sizes[i];
		again(r, &p);
		for (unsigned int sid = 0; sid < STREAMS; sid++) {
			uint64_t table = stream(r, sid, vmid_of(sid),
						asid_of(sid), false);

			for (unsigned int page = 0; page < PAGES; page++) {
				uint64_t iova = (1 + page) * 4096ull;

				rig_map4k(r, table, iova, 0, LEAF_RW);
				n.pte[sid][page] = rig_pte4k(r, table, iova);
				set_page(&n, sid, page);
			}
		}
		for (unsigned int round = 0; round < 600; round++) {
			move_some(&n);
			agree(&n, 60);
		}
		assert_true(rig_stats(r).tlb_hits > 100);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(all_asids_of_a_vmid),
		T(all_asids_of_el2),
		T(el2_without_e2h),
		T(work_follows_what_can_be_there),
		T(one_asid_among_many_entries),
		T(more_asids_than_notes),
		T(no_notes_left_for_a_vmid),
		T(asids_that_come_and_go),
		T(granules_levels_and_leaves),
		T(ranges_end_with_their_half),
		T(scales_with_ds),
		T(no_ranges_without_ril),
		T(eight_bits),
		T(vmid_wildcards),
		T(random_invalidations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
