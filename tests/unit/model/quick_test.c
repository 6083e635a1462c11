/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short way of a TLB miss against the long one.
 *
 * Two models read equal tables of random descriptors.  One caches nothing, so
 * that all its translations are walks; the other knows where the level-3 tables
 * are and has its TLB emptied, page by page, before each translation.  They
 * must agree in everything, and the second must have been quick where it could.
 */
#include <string.h>

#include "model/smmuv3/msmmu.h"
#include "rig.h"

#define PAGES 48u
#define TABLES 4u
#define SID 1u
#define ASID 7u
#define VMID 5u
/* above which IPAs of tables and CDs lie */
#define S2_DATA UINT64_C(0x100000000)

struct pair {
	struct rig quick, plain;
};

/* One way to set up the stream. */
struct setup {
	unsigned int granule;
	uint64_t cd0, cd1, strw; /* bits for the CD and the STE */
	bool top;		 /* TTB1, high addresses */
	bool tagged;
	bool groups; /* of pages that are Contiguous, at every stage */
	bool nested;
	uint64_t s2;		 /* bits for word 2 of the STE */
	unsigned int s2_granule; /* 0 is 4K */
};

static uint64_t seed;

static uint64_t rnd(uint64_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (seed >> 33) % n;
}

static uint64_t coin(unsigned int of, uint64_t bits)
{
	return rnd(of) ? 0 : bits;
}

static int setup_pair(void **state)
{
	static struct pair p;
	struct uiommu_smmuv3_profile none = rig_profile("full");

	memset(&p, 0, sizeof(p));
	none.idr[0] |= FIELD_PREP(SMMU_IDR0_HTTU, 2);
	rig_init(&p.quick, &none);
	none.tlb_entries = 0;
	none.config_entries = 0;
	rig_init(&p.plain, &none);
	*state = &p;
	return 0;
}

static int teardown_pair(void **state)
{
	struct pair *p = *state;

	rig_fini(&p->quick);
	rig_fini(&p->plain);
	return 0;
}

static unsigned int table_lg2(const struct setup *s)
{
	return 2 * s->granule - 3;
}

static uint64_t iova(const struct setup *s, unsigned int table,
		     unsigned int page)
{
	uint64_t in = (uint64_t)table << table_lg2(s) | (uint64_t)page
								<< s->granule;

	return s->top ? in | ~mask_lg2(48) : in;
}

/* Mostly an ordinary page, seldom something else. */
static uint64_t random_leaf(const struct setup *s, uint64_t pa)
{
	uint64_t desc = pa & ~mask_lg2(s->granule);

	desc |= rnd(4) << 6 | rnd(8) << 2 | rnd(4) << 8 | rnd(4) << 53;
	desc |= rnd(16) ? BIT64(10) : 0; /* AF */
	desc |= rnd(16) ? BIT64(11) : 0; /* nG */
	desc |= coin(12, BIT64(51));	 /* DBM */
	desc |= coin(16, BIT64(47));	 /* beyond an output of 44 bits */
	return desc | (rnd(16) ? 3 : rnd(4));
}

/* Of a Contiguous group all leaves are alike, and follow each other. */
static uint64_t grouped(const struct setup *s, unsigned int granule, uint64_t i,
			uint64_t leaf)
{
	static uint64_t first;
	uint64_t n = granule == 12 ? 16 : granule == 14 ? 128 : 32;

	if (!s->groups)
		return leaf;
	if (!(i % n))
		first = rnd(4) ? leaf | BIT64(52) : leaf;
	return first & BIT64(52) ? first + (i % n << granule) : leaf;
}

static uint64_t random_table_bits(void)
{
	return coin(2, rnd(4) << 61) | coin(3, BIT64(60)) | coin(3, BIT64(59));
}

static uint64_t random_s2_leaf(uint64_t pa)
{
	return pa | rnd(4) << 6 | rnd(16) << 2 | rnd(4) << 8 | rnd(4) << 53 |
	       (rnd(16) ? BIT64(10) : 0) | coin(12, BIT64(51)) |
	       (rnd(16) ? 3 : rnd(4));
}

static unsigned int s2_granule(const struct setup *s)
{
	return s->s2_granule ? s->s2_granule : 12;
}

static void build_stage2(struct rig *r, const struct setup *s,
			 struct smmu_ste *ste)
{
	/* 40 bits: two tables of 4K, or one of 16 entries, or of 2048 */
	uint64_t s2 = rig_table(r, 0x4000);
	struct smmu_ste two = rig_ste_s2(s2, VMID);
	unsigned int lg2 = s2_granule(s);
	int start = lg2 == 16 ? 2 : 1;

	ste->q[0] = (ste->q[0] & ~UINT64_C(0xf)) | 0xf;
	ste->q[2] = two.q[2] | s->s2;
	if (lg2 == 14) /* S2SL0 2 is level 1 there */
		ste->q[2] ^= FIELD_PREP(SMMU_STE_2_S2SL0, 3);
	ste->q[2] |= FIELD_PREP(SMMU_STE_2_S2TG, lg2 == 12   ? 0
						 : lg2 == 14 ? 2
							     : 1);
	ste->q[3] = two.q[3];
	for (uint64_t in = 0; in < (uint64_t)TABLES * PAGES << s->granule;
	     in += BIT64(lg2))
		rig_map(r, s2, lg2, start, 3, S2_DATA + in,
			grouped(s, lg2, in >> lg2,
				random_s2_leaf(RIG_DATA + in)));
	/* the CD and the tables, where they are */
	rig_map(r, s2, lg2, start, 3, RIG_CD, RIG_CD | 0x4ff);
	for (uint64_t pa = RIG_TABLES; pa < r->next_table + 0x80000;
	     pa += BIT64(lg2))
		rig_map(r, s2, lg2, start, 3, pa, pa | 0x4ff);
}

static void build(struct rig *r, const struct setup *s, uint64_t from)
{
	uint64_t root = rig_table(r, UINT64_C(1) << s->granule), at = root;
	struct smmu_cd cd = rig_cd_4k(s->top ? 0 : root, ASID);
	struct smmu_ste ste = rig_ste_s1(RIG_CD);
	uint64_t data = s->nested ? S2_DATA : RIG_DATA;
	unsigned int idx = s->granule - 3;
	/* of 48 bits */
	int start = s->granule == 16 ? 1 : 0;

	seed = from;
	for (unsigned int i = 0; i < TABLES * PAGES; i++) {
		uint64_t in = iova(s, i / PAGES, i % PAGES) & mask_lg2(48);

		rig_map(r, root, s->granule, start, 3, in,
			grouped(s, s->granule, i % PAGES,
				random_leaf(s, data + ((uint64_t)i
						       << s->granule))));
	}
	/* what level 2 says of each level-3 table; granules differ in levels */
	for (int l = start; l < 2; l++) {
		unsigned int shift = s->granule + (unsigned int)(3 - l) * idx;
		uint64_t in = iova(s, 0, 0) & mask_lg2(48);

		if (l > start)
			in &= mask_lg2(shift + idx);
		at = ram_r64(&r->ram, at + 8 * (in >> shift)) &
		     GENMASK64(47, 12);
	}
	for (unsigned int i = 0; i < TABLES; i++)
		ram_w64(&r->ram, at + 8 * i,
			ram_r64(&r->ram, at + 8 * i) | random_table_bits());
	if (s->top) {
		cd.q[0] = (cd.q[0] & ~SMMU_CD_0_EPD1) | SMMU_CD_0_EPD0 |
			  FIELD_PREP(SMMU_CD_0_T1SZ, 16) |
			  FIELD_PREP(SMMU_CD_0_TG1, 2);
		cd.q[2] = root;
	}
	if (s->granule != 12)
		cd.q[0] |= FIELD_PREP(SMMU_CD_0_TG0, s->granule == 16 ? 1 : 2);
	cd.q[0] = (cd.q[0] & ~SMMU_CD_0_IPS) | FIELD_PREP(SMMU_CD_0_IPS, 4);
	cd.q[0] |= s->cd0;
	cd.q[1] |= s->cd1;
	cd.q[3] = UINT64_C(0x0c040044ffbb00f4);
	ste.q[1] |= s->strw << 30;
	if (s->nested)
		build_stage2(r, s, &ste);
	rig_cd(r, RIG_CD, &cd);
	rig_ste(r, SID, &ste);
}

static uint64_t quick_count(struct rig *r)
{
	return model_count_sum(&r->model->drain, MSMMU_FAST_MISSES);
}

/* Out of the TLB with the page, not with its tables. */
static void drop(struct rig *r, const struct setup *s, uint64_t in)
{
	uint64_t addr = (in & GENMASK64(55, 12)) | 1;
	uint64_t vmid = s->nested ? (uint64_t)VMID << 32 : 0;

	if (s->strw)
		rig_cmd(r, 0x22, addr);
	else
		rig_cmd(r, 0x12 | vmid | (uint64_t)ASID << 48, addr);
	if (s->nested && rnd(2)) {
		rig_cmd(r, 0x2a | vmid,
			S2_DATA + (rnd(TABLES * PAGES) << s2_granule(s)) + 1);
	}
	rig_sync(r);
}

static int outcome(struct rig *r, uint32_t flags, uint64_t in,
		   struct uiommu_smmuv3_xlate *x)
{
	uint64_t rec[4];
	int rc;

	memset(&r->info, 0, sizeof(r->info));
	memset(x, 0, sizeof(*x));
	rc = rig_xlate(r, SID, flags, in, x);
	while (rig_event(r, rec))
		;
	return rc;
}

/* Whether the access is allowed. */
static bool compare(struct pair *p, uint32_t flags, uint64_t in)
{
	struct uiommu_smmuv3_xlate a, b;
	int rc = outcome(&p->quick, flags, in, &a);

	assert_int_equal(rc, outcome(&p->plain, flags, in, &b));
	assert_int_equal(p->quick.info.event_type, p->plain.info.event_type);
	assert_int_equal(p->quick.info.stage, p->plain.info.stage);
	assert_int_equal(p->quick.info.level, p->plain.info.level);
	assert_int_equal(p->quick.info.desc, p->plain.info.desc);
	if (rc)
		return false;
	assert_int_equal(a.pa, b.pa);
	assert_int_equal(a.attrs.mair, b.attrs.mair);
	assert_int_equal(a.attrs.sh, b.attrs.sh);
	assert_int_equal(a.attrs.priv, b.attrs.priv);
	assert_int_equal(a.attrs.instr, b.attrs.instr);
	assert_int_equal(a.size_lg2, b.size_lg2);
	assert_int_equal(a.readable, b.readable);
	assert_int_equal(a.writable, b.writable);
	assert_int_equal(a.executable, b.executable);
	/* and the same out of the TLB */
	assert_int_equal(outcome(&p->quick, flags, in + 8, &b), 0);
	assert_int_equal(a.pa + 8, b.pa);
	assert_memory_equal(&a.attrs, &b.attrs, 6);
	return true;
}

static const uint32_t asks[] = {
	0,
	UIOMMU_TXN_WRITE,
	UIOMMU_TXN_INSTR,
	UIOMMU_TXN_PRIV,
	UIOMMU_TXN_PRIV | UIOMMU_TXN_WRITE,
	UIOMMU_TXN_PRIV | UIOMMU_TXN_INSTR,
	UIOMMU_TXN_ATOMIC,
};

static void run(struct pair *p, const struct setup *s, uint64_t from)
{
	uint64_t before, allowed = 0;

	build(&p->quick, s, from);
	build(&p->plain, s, from);
	rig_cmd(&p->quick, SMMU_CMD_OP_TLBI_EL2_ALL, 0);
	rig_inval_all(&p->quick);
	before = quick_count(&p->quick);
	for (unsigned int i = 0; i < TABLES * PAGES; i++) {
		uint64_t in = iova(s, i / PAGES, i % PAGES) +
			      rnd(BIT64(s->granule - 3) - 1) * 8;

		if (s->tagged)
			in ^= rnd(256) << 56;
		for (unsigned int a = 0; a < ARRAY_SIZE(asks); a++) {
			drop(&p->quick, s, in);
			allowed += compare(p, asks[a], in);
		}
	}
	for (uint64_t pa = RIG_TABLES; pa < p->plain.next_table; pa += 8)
		assert_int_equal(ram_r64(&p->quick.ram, pa),
				 ram_r64(&p->plain.ram, pa));
	/*
	 * What is allowed is quick, most of the time, where a table of stage 1 is
	 * in one piece.
	 */
	if (s->groups || (s->nested && s2_granule(s) < s->granule))
		return;
	assert_true(quick_count(&p->quick) - before > allowed / 2);
}

static void ordinary_pages(void **state)
{
	static const struct setup setups[] = {
		{ .granule = 12 },
		{ .granule = 16 },
		{ .granule = 14 },
		{ .granule = 12, .cd0 = SMMU_CD_0_WXN },
		{ .granule = 12, .cd0 = SMMU_CD_0_UWXN | SMMU_CD_0_AFFD },
		{ .granule = 12, .cd0 = SMMU_CD_0_PAN },
		{ .granule = 12, .cd1 = SMMU_CD_1_HAD0 },
		{ .granule = 12, .cd1 = SMMU_CD_1_E0PD0 },
		{ .granule = 12, .cd0 = SMMU_CD_0_TBI0 },
		{ .granule = 12, .cd0 = SMMU_CD_0_HA },
		{ .granule = 12, .cd0 = SMMU_CD_0_HA | SMMU_CD_0_HD },
		{ .granule = 12, .top = true },
		{ .granule = 12, .strw = 2 },
		{ .granule = 12, .cd0 = SMMU_CD_0_TBI0, .tagged = true },
		{ .granule = 16, .cd0 = SMMU_CD_0_TBI0, .tagged = true },
		{ .granule = 12,
		  .cd0 = SMMU_CD_0_TBI1,
		  .tagged = true,
		  .top = true },
		{ .granule = 12,
		  .cd0 = SMMU_CD_0_TBI0,
		  .tagged = true,
		  .strw = 2 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(setups); i++)
		run(*state, &setups[i], i + 1);
}

/* Groups are never quick, and what is around them is not the worse for it. */
static void contiguous_pages(void **state)
{
	static const struct setup setups[] = {
		{ .granule = 12, .groups = true },
		{ .granule = 14, .groups = true },
		{ .granule = 16, .groups = true },
		{ .granule = 12, .groups = true, .top = true },
		{ .granule = 12, .groups = true, .nested = true },
		{ .granule = 12,
		  .groups = true,
		  .nested = true,
		  .s2_granule = 16 },
		{ .granule = 16, .groups = true, .nested = true },
		{ .granule = 16,
		  .groups = true,
		  .nested = true,
		  .s2_granule = 14 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(setups); i++)
		run(*state, &setups[i], i + 200);
}

static void ordinary_pages_behind_stage2(void **state)
{
	static const struct setup setups[] = {
		{ .granule = 12, .nested = true },
		{ .granule = 12, .nested = true, .cd0 = SMMU_CD_0_PAN },
		{ .granule = 12, .nested = true, .s2 = SMMU_STE_2_S2AFFD },
		{ .granule = 12, .nested = true, .s2 = SMMU_STE_2_S2PTW },
		{ .granule = 12, .nested = true, .s2 = SMMU_STE_2_S2HA },
		{ .granule = 12,
		  .nested = true,
		  .cd0 = SMMU_CD_0_HA | SMMU_CD_0_HD,
		  .s2 = SMMU_STE_2_S2HA | SMMU_STE_2_S2HD },
		{ .granule = 12, .nested = true, .top = true },
		{ .granule = 12,
		  .nested = true,
		  .cd0 = SMMU_CD_0_TBI0,
		  .tagged = true },
		{ .granule = 12, .nested = true, .cd1 = SMMU_CD_1_E0PD0 },
		{ .granule = 12, .nested = true, .cd1 = SMMU_CD_1_HAD0 },
		{ .granule = 12, .nested = true, .s2_granule = 14 },
		{ .granule = 12, .nested = true, .s2_granule = 16 },
		{ .granule = 14, .nested = true },
		{ .granule = 14, .nested = true, .s2_granule = 14 },
		{ .granule = 14, .nested = true, .s2_granule = 16 },
		{ .granule = 16, .nested = true },
		{ .granule = 16, .nested = true, .s2_granule = 14 },
		{ .granule = 16, .nested = true, .s2_granule = 16 },
		{ .granule = 16,
		  .nested = true,
		  .cd0 = SMMU_CD_0_HA | SMMU_CD_0_HD,
		  .s2 = SMMU_STE_2_S2HA | SMMU_STE_2_S2HD },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(setups); i++)
		run(*state, &setups[i], i + 100);
}

/* What is fetched ahead comes with the long way only. */
static void greedy_models_are_never_quick(void **state)
{
	static const struct setup plain = { .granule = 12 };
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct pair *pair = *state;
	struct uiommu_smmuv3_xlate x;
	unsigned int reached = 0;

	rig_fini(&pair->quick);
	p.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	rig_init(&pair->quick, &p);
	build(&pair->quick, &plain, 1);
	for (unsigned int i = 0; i < TABLES * PAGES; i++)
		reached += !outcome(&pair->quick, UIOMMU_TXN_PRIV,
				    iova(&plain, i / PAGES, i % PAGES), &x);
	assert_true(reached > 100);
	assert_int_equal(quick_count(&pair->quick), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_pair, teardown_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(ordinary_pages),
		T(ordinary_pages_behind_stage2),
		T(greedy_models_are_never_quick),
		T(contiguous_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
