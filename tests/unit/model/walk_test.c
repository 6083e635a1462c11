/* SPDX-License-Identifier: BSD-2-Clause */
/* Stage-1 walks: geometry, halves, rights, attributes, faults. */
#include "rig.h"

static struct smmu_cd *edit(struct smmu_cd *cd, unsigned int q, uint64_t mask,
			    uint64_t val)
{
	cd->q[q] = (cd->q[q] & ~mask) | val;
	return cd;
}

/* A stream whose CD the test changes afterwards by put_cd(). */
static struct smmu_cd stream(struct rig *r, uint64_t *table)
{
	*table = rig_stream(r, 1, 7);
	return rig_cd_4k(*table, 7);
}

static void put_cd(struct rig *r, const struct smmu_cd *cd)
{
	rig_cd(r, RIG_CD + 64, cd);
	rig_inval_all(r);
}

static void pages_and_blocks(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 1, 7);
	struct uiommu_smmuv3_xlate x;

	rig_map4k(r, table, 0x4012345000, RIG_DATA, LEAF_RW);
	/* low bits of a block's address are not address */
	rig_map(r, table, 12, 0, 2, 0x4000200000, 0x8000200000 | LEAF_RW);
	rig_map(r, table, 12, 0, 1, 0x4080000000, 0x8000000000 | LEAF_RW);
	rig_expect_pa(r, 1, 0x4012345678, RIG_DATA + 0x678);
	rig_expect_pa(r, 1, 0x40003fffff, 0x80003fffff);
	rig_expect_pa(r, 1, 0x40bfffffff, 0x803fffffff);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x4012345008, &x),
			 0);
	assert_int_equal(x.size_lg2, 12);
	assert_true(x.readable && x.writable);
	assert_int_equal(rig_xlate(r, 1, 0, 0x4000200000, &x), 0);
	assert_int_equal(x.size_lg2, 21);
	assert_int_equal(rig_xlate(r, 1, 0, 0x4080000000, &x), 0);
	assert_int_equal(x.size_lg2, 30);
	rig_expect_no_event(r);
}

static void bad_descriptors(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 1, 7);

	rig_expect_fault(r, 1, 0, 0x1234, SMMU_EVT_F_TRANSLATION);
	assert_int_equal(r->info.level, 0);
	assert_int_equal(r->info.desc_pa, table);
	/* a block at level 0 of 4K without DS */
	rig_map(r, table, 12, 0, 0, 0, LEAF_RW);
	rig_expect_fault(r, 1, 0, 0x1234, SMMU_EVT_F_TRANSLATION);
	/* type 1 at level 3 */
	ram_w64(&r->ram, table, 0);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_map(r, table, 12, 0, 3, 0x1000, RIG_DATA | LEAF_RW);
	rig_expect_fault(r, 1, 0, 0x1234, SMMU_EVT_F_TRANSLATION);
	assert_int_equal(r->info.level, 3);
	/* type 2 */
	rig_map(r, table, 12, 0, 3, 0x1000, (RIG_DATA | LEAF_RW | 2) & ~1ull);
	rig_expect_fault(r, 1, 0, 0x1234, SMMU_EVT_F_TRANSLATION);
}

/* Worked start levels and first-table sizes, all granules. */
static void start_levels(void **state)
{
	struct rig *r = *state;
	static const struct {
		unsigned int granule, tg, t0sz;
		int start;
	} rows[] = {
		{ 12, 0, 16, 0 }, { 12, 0, 24, 0 }, { 12, 0, 25, 1 },
		{ 12, 0, 28, 1 }, { 12, 0, 33, 1 }, { 12, 0, 34, 2 },
		{ 12, 0, 39, 2 }, { 12, 0, 42, 2 }, { 12, 0, 43, 3 },
		{ 12, 0, 48, 3 }, { 14, 2, 16, 0 }, { 14, 2, 17, 1 },
		{ 14, 2, 27, 1 }, { 14, 2, 28, 2 }, { 14, 2, 38, 2 },
		{ 14, 2, 39, 3 }, { 14, 2, 48, 3 }, { 16, 1, 16, 1 },
		{ 16, 1, 21, 1 }, { 16, 1, 22, 2 }, { 16, 1, 34, 2 },
		{ 16, 1, 35, 3 }, { 16, 1, 47, 3 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int n = 64 - rows[i].t0sz;
		unsigned int shift =
			rows[i].granule + (unsigned int)(3 - rows[i].start) *
						  (rows[i].granule - 3);
		uint64_t bytes = 8ull << (n - shift);
		uint64_t iova = (mask_lg2(n) & ~mask_lg2(rows[i].granule));
		uint64_t table, page;
		struct smmu_cd cd;

		cd = stream(r, &table);
		table = rig_table(r, bytes < 64 ? 64 : bytes);
		page = RIG_DATA + (uint64_t)i * 0x10000;
		edit(&cd, 0, 0xff, rows[i].t0sz | rows[i].tg << 6);
		/* bits below the table's own size are ignored */
		cd.q[1] = table | ((bytes - 1) & 0x30);
		put_cd(r, &cd);
		rig_map(r, table, rows[i].granule, rows[i].start, 3, iova,
			page | LEAF_RW | 3);
		rig_expect_pa(r, 1, iova + 0x123, page + 0x123);
		rig_expect_fault(r, 1, 0, 1ull << n, SMMU_EVT_F_TRANSLATION);
		assert_int_equal(r->info.level, -128);
	}
}

static void blocks_of_other_granules(void **state)
{
	struct rig *r = *state;
	static const struct {
		unsigned int granule, tg;
		int start, level;
		unsigned int lg2;
		bool ok;
	} rows[] = {
		{ 14, 2, 0, 2, 25, true },
		{ 14, 2, 0, 1, 36, false },
		{ 16, 1, 1, 2, 29, true },
		{ 16, 1, 1, 1, 42, false },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t table, iova = 3ull << 42;
		struct smmu_cd cd = stream(r, &table);
		struct uiommu_smmuv3_xlate x;

		table = rig_table(r, 0x10000);
		edit(&cd, 0, 0xff, 16 | rows[i].tg << 6);
		cd.q[1] = table;
		put_cd(r, &cd);
		rig_map(r, table, rows[i].granule, rows[i].start, rows[i].level,
			iova, LEAF_RW);
		if (!rows[i].ok) {
			rig_expect_fault(r, 1, 0, iova, SMMU_EVT_F_TRANSLATION);
			continue;
		}
		assert_int_equal(rig_xlate(r, 1, 0, iova + 0x123456, &x), 0);
		assert_int_equal(x.pa, 0x123456);
		assert_int_equal(x.size_lg2, rows[i].lg2);
	}
}

static void both_halves(void **state)
{
	struct rig *r = *state;
	uint64_t table, top = rig_table(r, 4096);
	struct smmu_cd cd = stream(r, &table);

	/* EPD1 clear, T1SZ 16, TG1 4K */
	edit(&cd, 0, 1ull << 30 | 0xffull << 16, 0x90ull << 16);
	cd.q[2] = top;
	put_cd(r, &cd);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, top, 0, RIG_DATA + 0x1000, LEAF_RW);
	rig_map4k(r, top, 0xfffffffff000, RIG_DATA + 0x2000, LEAF_RW);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	rig_expect_pa(r, 1, 0xffff000000000000, RIG_DATA + 0x1000);
	rig_expect_pa(r, 1, 0xfffffffffffff008, RIG_DATA + 0x2008);
	rig_expect_fault(r, 1, 0, 0xfffeffffffffffff, SMMU_EVT_F_TRANSLATION);
	rig_expect_fault(r, 1, 0, 0x0001000000000000, SMMU_EVT_F_TRANSLATION);
	/* bit 55 picks, the bits above it must agree */
	rig_expect_fault(r, 1, 0, 0x00fffffffffff000, SMMU_EVT_F_TRANSLATION);
	rig_expect_fault(r, 1, 0, 0xff00000000001000, SMMU_EVT_F_TRANSLATION);
	/* EPD0 */
	edit(&cd, 0, 1ull << 14, 1ull << 14);
	put_cd(r, &cd);
	rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_F_TRANSLATION);
	rig_expect_pa(r, 1, 0xffff000000000000, RIG_DATA + 0x1000);
}

static void top_byte_ignored(void **state)
{
	struct rig *r = *state;
	uint64_t table, top = rig_table(r, 4096);
	struct smmu_cd cd = stream(r, &table);
	uint64_t rec[4];
	struct uiommu_smmuv3_xlate x;

	edit(&cd, 0, 1ull << 30 | 0xffull << 16, 0x90ull << 16);
	edit(&cd, 0, 1ull << 38, 1ull << 38); /* TBI0 */
	cd.q[2] = top;
	put_cd(r, &cd);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, top, 0x1000, RIG_DATA + 0x1000, LEAF_RW);
	/* twice: from the tables and from the TLB */
	for (unsigned int i = 0; i < 2; i++) {
		rig_expect_pa(r, 1, 0xab00000000001000, RIG_DATA);
		rig_expect_pa(r, 1, 0x1000, RIG_DATA);
		rig_expect_pa(r, 1, 0xffff000000001000, RIG_DATA + 0x1000);
		rig_expect_fault(r, 1, 0, 0xabff000000001000,
				 SMMU_EVT_F_TRANSLATION);
	}
	/* the event keeps the tag */
	assert_int_equal(rig_xlate(r, 1, 0, 0xab00000000002000, &x), -14);
	assert_true(rig_event(r, rec));
	assert_int_equal(rec[2], 0xab00000000002000);
	/* TBI1 */
	edit(&cd, 0, 3ull << 38, 2ull << 38);
	put_cd(r, &cd);
	rig_expect_pa(r, 1, 0xabff000000001000, RIG_DATA + 0x1000);
	rig_expect_fault(r, 1, 0, 0xab00000000001000, SMMU_EVT_F_TRANSLATION);
}

#define U_R 1u
#define U_W 2u
#define U_X 4u
#define P_R 8u
#define P_W 16u
#define P_X 32u

/* What each privilege may do with the page, asked twice (tables, TLB). */
static unsigned int rights_of(struct rig *r, uint64_t iova)
{
	static const uint32_t ask[6] = {
		0,
		UIOMMU_TXN_WRITE,
		UIOMMU_TXN_INSTR,
		UIOMMU_TXN_PRIV,
		UIOMMU_TXN_PRIV | UIOMMU_TXN_WRITE,
		UIOMMU_TXN_PRIV | UIOMMU_TXN_INSTR,
	};
	unsigned int first = 0, second = 0;
	struct uiommu_smmuv3_xlate x;

	for (unsigned int i = 0; i < 6; i++) {
		if (!rig_xlate(r, 1, ask[i] | UIOMMU_TXN_PROBE, iova, &x))
			first |= 1u << i;
	}
	for (unsigned int i = 0; i < 6; i++) {
		if (!rig_xlate(r, 1, ask[i], iova, &x))
			second |= 1u << i;
	}
	assert_int_equal(first, second);
	return first;
}

static void direct_permissions(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 1, 7);
	static const struct {
		uint64_t attrs; /* AP[2:1] at 7:6, PXN 53, UXN 54 */
		unsigned int rights;
	} rows[] = {
		{ 0 << 6, P_R | P_W | P_X | U_X },
		{ 1 << 6, U_R | U_W | U_X | P_R | P_W },
		{ 2 << 6, P_R | P_X | U_X },
		{ 3 << 6, U_R | U_X | P_R | P_X },
		{ 0 << 6 | 1ull << 54, P_R | P_W | P_X },
		{ 3 << 6 | 1ull << 53, U_R | U_X | P_R },
		{ 3 << 6 | 3ull << 53, U_R | P_R },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t iova = (i + 1) << 12;

		rig_map4k(r, table, iova, RIG_DATA, rows[i].attrs | 0xc00);
		assert_int_equal(rights_of(r, iova), rows[i].rights);
	}
}

static void hierarchical_permissions(void **state)
{
	struct rig *r = *state;
	uint64_t table;
	struct smmu_cd cd = stream(r, &table);
	static const struct {
		uint64_t bits;
		unsigned int rights;
	} rows[] = {
		{ 0, U_R | U_W | U_X | P_R | P_W },
		{ 1ull << 61, P_R | P_W | P_X | U_X },
		{ 2ull << 61, U_R | U_X | P_R | P_X },
		{ 3ull << 61, P_R | P_X | U_X },
		{ 1ull << 60, U_R | U_W | P_R | P_W },
		{ 2ull << 61 | 1ull << 59, U_R | U_X | P_R },
	};

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		ram_w64(&r->ram, table,
			(ram_r64(&r->ram, table) & mask_lg2(48)) |
				rows[i].bits);
		rig_inval_all(r);
		assert_int_equal(rights_of(r, 0x1000), rows[i].rights);
	}
	/* HAD0: as if the tables said nothing */
	cd.q[1] |= 2;
	put_cd(r, &cd);
	assert_int_equal(rights_of(r, 0x1000), rows[0].rights);
}

static void pan_wxn_e0pd(void **state)
{
	struct rig *r = *state;
	uint64_t table;
	struct smmu_cd cd = stream(r, &table);

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, table, 0x2000, RIG_DATA, LEAF_RW & ~0x40); /* AP 0 */
	/* PAN */
	edit(&cd, 0, 1ull << 40, 1ull << 40);
	put_cd(r, &cd);
	assert_int_equal(rights_of(r, 0x1000), U_R | U_W | U_X);
	assert_int_equal(rights_of(r, 0x2000), P_R | P_W | P_X | U_X);
	/* WXN */
	edit(&cd, 0, 1ull << 40 | 1ull << 36, 1ull << 36);
	put_cd(r, &cd);
	assert_int_equal(rights_of(r, 0x1000), U_R | U_W | P_R | P_W);
	assert_int_equal(rights_of(r, 0x2000), P_R | P_W | U_X);
	/* E0PD0: a translation fault for the unprivileged */
	edit(&cd, 0, 1ull << 36, 0);
	cd.q[1] |= 4;
	put_cd(r, &cd);
	assert_int_equal(rights_of(r, 0x1000), P_R | P_W);
	while (rig_event(r, (uint64_t[4]){ 0 }))
		;
	rig_expect_fault(r, 1, 0, 0x2000, SMMU_EVT_F_TRANSLATION);
}

static void privilege_and_instruction_overrides(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 1, 7);
	struct smmu_ste ste = rig_ste_s1(RIG_CD + 64);

	/* privileged read-write, nobody executes */
	rig_map4k(r, table, 0x1000, RIG_DATA, 0xc00 | 3ull << 53);
	assert_int_equal(rights_of(r, 0x1000), P_R | P_W);
	ste.q[1] |= 3ull << 48; /* all are privileged */
	rig_ste(r, 1, &ste);
	rig_inval_all(r);
	assert_int_equal(rights_of(r, 0x1000), P_R | P_W | U_R | U_W);
	ste.q[1] |= 2ull << 50; /* all are data */
	rig_ste(r, 1, &ste);
	rig_inval_all(r);
	assert_int_equal(rights_of(r, 0x1000), 0x3f);
	ste.q[1] = 1ull << 44 | 2ull << 48 | 3ull << 50;
	rig_ste(r, 1, &ste); /* unprivileged, reads are fetches */
	rig_inval_all(r);
	assert_int_equal(rights_of(r, 0x1000), 0);
}

static void atomics_need_both(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 1, 7);
	struct uiommu_smmuv3_xlate x;

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, table, 0x2000, RIG_DATA, LEAF_RO);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_ATOMIC, 0x1000, &x), 0);
	rig_expect_fault(r, 1, UIOMMU_TXN_ATOMIC, 0x2000,
			 SMMU_EVT_F_PERMISSION);
}

static void access_flag(void **state)
{
	struct rig *r = *state;
	uint64_t table;
	struct smmu_cd cd = stream(r, &table);

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RO & ~0x400ull);
	/* before permission */
	rig_expect_fault(r, 1, UIOMMU_TXN_WRITE, 0x1000, SMMU_EVT_F_ACCESS);
	/* never cached: setting it needs no invalidation */
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RO);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RO & ~0x400ull);
	edit(&cd, 0, 1ull << 35, 1ull << 35); /* AFFD */
	put_cd(r, &cd);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
}

static void address_size_of_tables_and_leaves(void **state)
{
	struct rig *r = *state;
	uint64_t table;
	struct smmu_cd cd = stream(r, &table);

	edit(&cd, 0, 7ull << 32, 1ull << 32); /* IPS 36 */
	put_cd(r, &cd);
	rig_map4k(r, table, 0x1000, (1ull << 36) - 0x1000, LEAF_RW);
	rig_expect_pa(r, 1, 0x1000, (1ull << 36) - 0x1000);
	rig_map4k(r, table, 0x2000, 1ull << 36, LEAF_RO & ~0x400ull);
	rig_expect_fault(r, 1, UIOMMU_TXN_WRITE, 0x2000, SMMU_EVT_F_ADDR_SIZE);
	assert_int_equal(r->info.level, 3);
	ram_w64(&r->ram, table, 1ull << 36 | 3);
	rig_inval_all(r);
	rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_F_ADDR_SIZE);
	assert_int_equal(r->info.level, 0);
	/* IPS above the OAS is the OAS */
	edit(&cd, 0, 7ull << 32, 6ull << 32);
	put_cd(r, &cd);
	ram_w64(&r->ram, table, 0);
	rig_map4k(r, table, 0x1000, 1ull << 47, LEAF_RW);
	rig_expect_pa(r, 1, 0x1000, 1ull << 47);
}

static void memory_attributes(void **state)
{
	struct rig *r = *state;
	uint64_t table;
	struct smmu_cd cd = stream(r, &table);
	static const uint8_t mair[8] = { 0xff, 0x44, 0x04, 0x0d,
					 0xbb, 0xf0, 0x4f, 0x00 };
	static const uint8_t want[8] = { 0xff, 0x44, 0x04, 0x0c,
					 0xbb, 0xf3, 0x4f, 0x00 };
	struct uiommu_smmuv3_xlate x;

	cd.q[3] = 0;
	for (unsigned int i = 0; i < 8; i++)
		cd.q[3] |= (uint64_t)mair[i] << (8 * i);
	put_cd(r, &cd);
	for (uint64_t i = 0; i < 8; i++) {
		uint64_t iova = (i + 1) << 12;

		rig_map4k(r, table, iova, RIG_DATA, LEAF_RW | i << 2 | 3 << 8);
		for (unsigned int twice = 0; twice < 2; twice++) {
			assert_int_equal(rig_xlate(r, 1, 0, iova, &x), 0);
			assert_int_equal(x.attrs.mair, want[i]);
			/* Device and Non-cacheable are Outer Shareable */
			assert_int_equal(x.attrs.sh,
					 want[i] < 0x10 || want[i] == 0x44 ? 2
									   : 3);
		}
	}
}

static void el2_stream(void **state)
{
	struct rig *r = *state;
	uint64_t table;
	struct smmu_cd cd = stream(r, &table);
	struct smmu_ste ste = rig_ste_s1(RIG_CD + 64);

	ste.q[1] |= 2ull << 30; /* STRW EL2 */
	rig_ste(r, 1, &ste);
	/* EPD0, EPD1 and a broken TTB1 mean nothing here */
	edit(&cd, 0, 1ull << 14 | 1ull << 30, 1ull << 14);
	put_cd(r, &cd);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW & ~0x40);
	rig_map4k(r, table, 0x2000, RIG_DATA, LEAF_RO | 1ull << 54);
	/* one privilege: AP[1] is taken as 1, bit 54 is XN */
	assert_int_equal(rights_of(r, 0x1000), 0x3f);
	assert_int_equal(rights_of(r, 0x2000), U_R | P_R);
	while (rig_event(r, (uint64_t[4]){ 0 }))
		;
	rig_expect_fault(r, 1, 0, 0xffff000000001000, SMMU_EVT_F_TRANSLATION);
	/* TLBI_NSNH_ALL does not reach it, EL2_ALL does */
	ram_w64(&r->ram, rig_pte4k(r, table, 0x1000), 0);
	rig_cmd(r, 0x30, 0);
	rig_sync(r);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	rig_cmd(r, 0x20, 0);
	rig_sync(r);
	rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_F_TRANSLATION);
}

/*
 * At EL2 all are privileged as far as rights go; what an access is, in records
 * and on its way out, is what came in and the STE made of it (13.4.1).
 */
static void el2_leaves_the_privilege(void **state)
{
	static const struct {
		uint64_t privcfg;
		uint32_t flags;
		bool priv;
	} rows[] = {
		{ 0, 0, false },
		{ 0, UIOMMU_TXN_PRIV, true },
		{ 2, UIOMMU_TXN_PRIV, false },
		{ 3, 0, true },
	};
	struct rig *r = *state;
	uint64_t table;
	struct smmu_cd cd = stream(r, &table);

	put_cd(r, &cd);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW & ~0x40);
	rig_map4k(r, table, 0x2000, RIG_DATA, LEAF_RO);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct smmu_ste ste = rig_ste_s1(RIG_CD + 64);
		struct uiommu_smmuv3_xlate x;
		uint64_t rec[4];

		ste.q[1] |= 2ull << 30 | rows[i].privcfg << 48;
		rig_ste(r, 1, &ste);
		rig_inval_all(r);
		for (unsigned int twice = 0; twice < 2; twice++) {
			assert_int_equal(
				rig_xlate(r, 1, rows[i].flags, 0x1000, &x), 0);
			assert_true(x.writable);
			assert_int_equal(x.attrs.priv, rows[i].priv);
			assert_int_equal(rig_xlate(r, 1,
						   rows[i].flags |
							   UIOMMU_TXN_WRITE,
						   0x2000, &x),
					 -14);
			assert_true(rig_event(r, rec));
			assert_int_equal(!!(rec[1] & SMMU_EVT_1_PNU),
					 rows[i].priv);
		}
	}
}

static void big_endian_tables(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct smmu_cd cd;
	uint64_t table, pa;

	rig_fini(r);
	p.idr[0] &= ~SMMU_IDR0_TTENDIAN;
	rig_init(r, &p);
	cd = stream(r, &table);
	edit(&cd, 0, 1ull << 15, 1ull << 15);
	put_cd(r, &cd);
	pa = table;
	for (unsigned int level = 0; level < 4; level++) {
		uint64_t next = level < 3 ? rig_table(r, 4096) | 3
					  : RIG_DATA | LEAF_RW | 3;

		ram_w64(&r->ram, pa, __builtin_bswap64(next));
		pa = next & ~0xfffull;
	}
	rig_expect_pa(r, 1, 0x123, RIG_DATA + 0x123);
}

static void fifty_two_bits_with_64k(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile_plain();
	struct smmu_cd cd;
	uint64_t table, iova = 0xf000000000000;
	struct uiommu_smmuv3_xlate x;

	rig_fini(r);
	p.idr[5] = SMMU_IDR5_GRAN64K | SMMU_IDR5_OAS_52 | 1u << 10;
	rig_init(r, &p);
	cd = stream(r, &table);
	table = rig_table(r, 0x10000);
	edit(&cd, 0, 0xff, 12 | 1 << 6);
	edit(&cd, 0, 7ull << 32, 6ull << 32);
	cd.q[1] = table;
	put_cd(r, &cd);
	/* level 1 takes ten bits; the page's OA[51:48] stand in [15:12] */
	ram_w64(&r->ram, table + 8 * (iova >> 42), rig_table(r, 65536) | 3);
	ram_w64(&r->ram, ram_r64(&r->ram, table + 8 * (iova >> 42)) & ~3ull,
		rig_table(r, 65536) | 3);
	ram_w64(&r->ram, r->next_table - 65536,
		0x000012345678f000 | LEAF_RW | 3);
	rig_expect_pa(r, 1, iova + 0x123, 0xf123456780123);
	/* and there are blocks of 4 TiB */
	ram_w64(&r->ram, table, 0x0000000000003000 | LEAF_RW);
	assert_int_equal(rig_xlate(r, 1, 0, 0x5000, &x), 0);
	assert_int_equal(x.pa, 0x3000000005000);
	assert_int_equal(x.size_lg2, 42);
}

static void fifty_two_bits_with_4k(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile_plain();
	struct smmu_cd cd;
	uint64_t table, iova = 0x9000000000000, pa;
	struct uiommu_smmuv3_xlate x;

	rig_fini(r);
	p.idr[5] = SMMU_IDR5_GRAN4K | SMMU_IDR5_OAS_52 | SMMU_IDR5_DS |
		   1u << 10;
	rig_init(r, &p);
	cd = stream(r, &table);
	edit(&cd, 0, 0xff, 12);
	edit(&cd, 0, 7ull << 32 | 3ull << 12, 6ull << 32 | 3ull << 12);
	cd.q[2] = 1ull << 58; /* DS */
	put_cd(r, &cd);
	/* level -1 has 16 entries */
	pa = table + 8 * 9;
	for (unsigned int level = 0; level < 4; level++) {
		uint64_t next = rig_table(r, 4096);

		ram_w64(&r->ram, pa, next | 3);
		pa = next;
	}
	/* worked: OA 0xF_1234_5678_9000; shareability comes from the CD */
	ram_w64(&r->ram, pa, 0x3123456789300 | (LEAF_RW & ~0x300ull) | 3);
	assert_int_equal(rig_xlate(r, 1, 0, iova, &x), 0);
	assert_int_equal(x.pa, 0xf123456789000);
	assert_int_equal(x.attrs.sh, 3);
	/* and a 512 GiB block at level 0 */
	ram_w64(&r->ram, table, rig_table(r, 4096) | 3);
	ram_w64(&r->ram, r->next_table - 4096, LEAF_RW & ~0x300ull);
	assert_int_equal(rig_xlate(r, 1, 0, 0x7000000000, &x), 0);
	assert_int_equal(x.size_lg2, 39);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(pages_and_blocks),
		T(bad_descriptors),
		T(start_levels),
		T(blocks_of_other_granules),
		T(both_halves),
		T(top_byte_ignored),
		T(direct_permissions),
		T(hierarchical_permissions),
		T(pan_wxn_e0pd),
		T(privilege_and_instruction_overrides),
		T(atomics_need_both),
		T(access_flag),
		T(address_size_of_tables_and_leaves),
		T(memory_attributes),
		T(el2_stream),
		T(el2_leaves_the_privilege),
		T(big_endian_tables),
		T(fifty_two_bits_with_64k),
		T(fifty_two_bits_with_4k),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
