/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory types, shareability and allocation hints on their way through the
 * SMMU (IHI 0070 chapter 13), with tables typed by hand.  A type is a MAIR
 * byte: outer in the high nibble, inner in the low; of a nibble, bits 1:0
 * allocate on read and write, bit 2 write-back, bit 3 not transient; 4 is
 * Non-cacheable.
 */
#include <errno.h>

#include "model/smmuv3/msmmu.h"
#include "rig.h"

#define NSH 0u
#define OSH 2u
#define ISH 3u

/* Stage 1 (or what came in), stage 2's MemAttr without FWB: the result. */
static void combining(void **state)
{
	static const struct {
		uint8_t s1, memattr, want;
	} rows[] = {
		/* write-back with all that stage 2 can say */
		{ 0xff, 0xf, 0xff },
		{ 0xff, 0xe, 0xfb }, /* oWB iWT */
		{ 0xff, 0xd, 0xf4 }, /* oWB iNC */
		{ 0xff, 0xb, 0xbf },
		{ 0xff, 0xa, 0xbb },
		{ 0xff, 0x9, 0xb4 },
		{ 0xff, 0x7, 0x4f },
		{ 0xff, 0x6, 0x4b },
		{ 0xff, 0x5, 0x44 },
		{ 0xff, 0x3, 0x0c }, /* Device-GRE */
		{ 0xff, 0x2, 0x08 },
		{ 0xff, 0x1, 0x04 },
		{ 0xff, 0x0, 0x00 },
		{ 0xff, 0x4, 0x00 }, /* reserved */
		{ 0xff, 0x8, 0x00 },
		{ 0xff, 0xc, 0x00 },
		/* weaker ones stay */
		{ 0xbb, 0xf, 0xbb },
		{ 0x44, 0xf, 0x44 },
		{ 0x4f, 0xa, 0x4b },
		{ 0xf4, 0xa, 0xb4 },
		{ 0x04, 0xf, 0x04 },
		/* Device with Device: the stricter */
		{ 0x0c, 0x0, 0x00 },
		{ 0x0c, 0x1, 0x04 },
		{ 0x00, 0x3, 0x00 },
		{ 0x08, 0x1, 0x04 },
		{ 0x04, 0x2, 0x04 },
		{ 0x08, 0x5, 0x08 },
		/* hints are stage 1's */
		{ 0xee, 0xf, 0xee },
		{ 0xee, 0xa, 0xaa },
		{ 0xcc, 0xa, 0x88 },
		{ 0x77, 0xa, 0x33 }, /* transient */
		{ 0x6f, 0xb, 0x2f },
	};
	struct msmmu_ctx ctx = { 0 };

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t mair = rows[i].s1, sh = NSH;

		msmmu_attrs_combine(&ctx, rows[i].memattr, NSH, &mair, &sh);
		if (mair != rows[i].want)
			fail_msg("%#x with %#x: %#x", rows[i].s1,
				 rows[i].memattr, mair);
		assert_int_equal(sh, mair < 0x10 || mair == 0x44 ? OSH : NSH);
	}
}

static void combining_with_fwb(void **state)
{
	static const struct {
		uint8_t s1, memattr, want;
	} rows[] = {
		/* 0xx: a Device type of stage 2's */
		{ 0xff, 0, 0x00 },
		{ 0xff, 1, 0x04 },
		{ 0xff, 2, 0x08 },
		{ 0xff, 3, 0x0c },
		{ 0x04, 3, 0x04 },
		{ 0x0c, 1, 0x04 },
		/* 101: Non-cacheable, or stage 1's Device */
		{ 0xff, 5, 0x44 },
		{ 0x44, 5, 0x44 },
		{ 0x08, 5, 0x08 },
		/* 110: write-back, hints of stage 1 where it had some */
		{ 0xff, 6, 0xff },
		{ 0xee, 6, 0xee },
		{ 0xaa, 6, 0xee },
		{ 0x33, 6, 0x77 },
		{ 0x44, 6, 0xff },
		{ 0x4e, 6, 0xfe },
		{ 0x00, 6, 0xff },
		/* 111: stage 1's */
		{ 0xff, 7, 0xff },
		{ 0x4b, 7, 0x4b },
		{ 0x00, 7, 0x00 },
		{ 0x44, 7, 0x44 },
	};
	struct msmmu_ctx ctx = { .s2fwb = true };

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t mair = rows[i].s1, sh = ISH;

		msmmu_attrs_combine(&ctx, rows[i].memattr, NSH, &mair, &sh);
		if (mair != rows[i].want)
			fail_msg("%#x with %#x: %#x", rows[i].s1,
				 rows[i].memattr, mair);
		assert_int_equal(sh, mair < 0x10 || mair == 0x44 ? OSH : ISH);
	}
}

static void combining_shareability(void **state)
{
	/* by stage 1, stage 2; 1 is reserved and means Non */
	static const uint8_t want[4][4] = {
		{ NSH, NSH, OSH, ISH },
		{ NSH, NSH, OSH, ISH },
		{ OSH, OSH, OSH, OSH },
		{ ISH, ISH, OSH, ISH },
	};
	struct msmmu_ctx ctx = { 0 };

	for (uint8_t s1 = 0; s1 < 4; s1++) {
		for (uint8_t s2 = 0; s2 < 4; s2++) {
			uint8_t mair = 0xff, sh = s1;

			msmmu_attrs_combine(&ctx, 0xf, s2, &mair, &sh);
			assert_int_equal(sh, want[s1][s2]);
		}
	}
}

/* What an access says, what replaces it: the result. */
static const struct replacement {
	bool told; /* the access says something */
	uint8_t mair, sh;
	uint8_t mtcfg, memattr, alloccfg, shcfg;
	uint8_t want, want_sh;
} replacements[] = {
	/* nothing said: write-back, non-shareable */
	{ false, 0, 0, 0, 0, 0, 1, 0xff, NSH },
	{ false, 0x44, ISH, 0, 0, 0, 1, 0xff, NSH },
	{ false, 0, 0, 0, 0, 0, 3, 0xff, ISH },
	{ false, 0, 0, 0, 0, 0, 2, 0xff, OSH },
	{ false, 0, 0, 0, 0, 0, 0, 0xff, NSH },
	{ false, 0, 0, 1, 0xa, 0, 1, 0xbb, NSH },
	{ false, 0, 0, 1, 0x5, 0, 3, 0x44, OSH },
	{ false, 0, 0, 1, 0x3, 0, 3, 0x0c, OSH },
	{ false, 0, 0, 1, 0x8, 0, 0, 0x00, OSH }, /* reserved MemAttr */
	/* ALLOCCFG 1RWT */
	{ false, 0, 0, 0, 0, 0x8, 1, 0xcc, NSH },
	{ false, 0, 0, 0, 0, 0xa, 1, 0xdd, NSH },
	{ false, 0, 0, 0, 0, 0xc, 1, 0xee, NSH },
	{ false, 0, 0, 0, 0, 0xe, 1, 0xff, NSH },
	{ false, 0, 0, 0, 0, 0xf, 1, 0x77, NSH },
	{ false, 0, 0, 0, 0, 0xd, 1, 0x66, NSH },
	/* what does not allocate is not transient */
	{ false, 0, 0, 0, 0, 0x9, 1, 0xcc, NSH },
	{ false, 0, 0, 0, 0, 0x7, 1, 0xff, NSH },
	/* said, and kept */
	{ true, 0xee, ISH, 0, 0, 0, 1, 0xee, ISH },
	{ true, 0x44, ISH, 0, 0, 0, 1, 0x44, OSH },
	{ true, 0x04, NSH, 0, 0, 0, 0, 0x04, OSH },
	{ true, 0x4f, OSH, 0, 0, 0, 1, 0x4f, OSH },
	{ true, 0xff, 1, 0, 0, 0, 1, 0xff, NSH },
	{ true, 0x0d, 1, 0, 0, 0, 1, 0x0c, OSH }, /* reserved bytes */
	/* another kind keeps the hints, or takes the default ones */
	{ true, 0xee, ISH, 1, 0xa, 0, 1, 0xaa, ISH },
	{ true, 0x44, ISH, 1, 0xf, 0, 3, 0xff, ISH },
	{ true, 0x4e, ISH, 1, 0xf, 0, 1, 0xfe, ISH },
	{ true, 0x00, OSH, 1, 0xb, 0, 0, 0xbf, NSH },
	{ true, 0x00, OSH, 1, 0xf, 0xc, 0, 0xee, NSH },
	{ true, 0xff, ISH, 1, 0x1, 0xe, 0, 0x04, OSH },
	/* hints say nothing to what is not cached */
	{ true, 0x4f, ISH, 0, 0, 0x8, 1, 0x4c, ISH },
	{ true, 0x44, ISH, 0, 0, 0x8, 1, 0x44, OSH },
	{ true, 0x08, ISH, 0, 0, 0x8, 1, 0x08, OSH },
};

static void expect_attrs(struct rig *r, const struct replacement *row,
			 uint32_t flags, uint8_t mair, uint8_t sh)
{
	struct uiommu_smmuv3_txn txn = {
		.sid = 1,
		.flags = flags | (row && row->told ? UIOMMU_TXN_ATTRS : 0),
		.iova = 0x1000,
	};
	struct uiommu_smmuv3_xlate x;

	if (row)
		txn.attrs = (struct uiommu_mem_attrs){ .mair = row->mair,
						       .sh = row->sh & 3 };
	assert_int_equal(uiommu_smmuv3_model_translate(r->model, &txn, &x), 0);
	if (x.attrs.mair != mair || x.attrs.sh != sh)
		fail_msg("in %#x %u: %#x %u, not %#x %u", txn.attrs.mair,
			 txn.attrs.sh, x.attrs.mair, x.attrs.sh, mair, sh);
}

static uint64_t ste_overrides(const struct replacement *row)
{
	return (uint64_t)row->memattr << 32 | (uint64_t)row->mtcfg << 36 |
	       (uint64_t)row->alloccfg << 37 | (uint64_t)row->shcfg << 44;
}

static void bypass_by_ste(void **state)
{
	struct rig *r = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(replacements); i++) {
		const struct replacement *row = &replacements[i];
		struct smmu_ste ste = { .q = { 9, ste_overrides(row) } };

		rig_ste(r, 1, &ste);
		rig_inval_all(r);
		expect_attrs(r, row, 0, row->want, row->want_sh);
	}
}

static void bypass_by_gbpa(void **state)
{
	struct rig *r = *state;

	wr(r, SMMU_REG_CR0, 0xc);
	for (unsigned int i = 0; i < ARRAY_SIZE(replacements); i++) {
		const struct replacement *row = &replacements[i];

		wr(r, SMMU_REG_GBPA,
		   1u << 31 | row->memattr | (uint32_t)row->mtcfg << 4 |
			   (uint32_t)row->alloccfg << 8 |
			   (uint32_t)row->shcfg << 12);
		expect_attrs(r, row, 0, row->want, row->want_sh);
	}
}

/* Stage 2 alone combines what is left after the overrides. */
static void into_stage2(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_table(r, 0x2000);
	struct smmu_ste plain = rig_ste_s2(table, 5);

	/* write-back, non-shareable: everything passes */
	rig_map(r, table, 12, 1, 3, 0x1000, RIG_DATA | 0x4ff);
	for (unsigned int i = 0; i < ARRAY_SIZE(replacements); i++) {
		const struct replacement *row = &replacements[i];
		struct smmu_ste ste = rig_ste_s2(table, 5);

		ste.q[1] = ste_overrides(row);
		rig_ste(r, 1, &ste);
		rig_inval_all(r);
		/* from the tables and from the TLB */
		expect_attrs(r, row, 0, row->want, row->want_sh);
		expect_attrs(r, row, 0, row->want, row->want_sh);
	}
	/* write-through, inner shareable */
	rig_ste(r, 1, &plain);
	rig_map(r, table, 12, 1, 3, 0x1000, RIG_DATA | 0x7eb);
	rig_inval_all(r);
	expect_attrs(r, &(struct replacement){ true, 0xee, NSH }, 0, 0xaa, ISH);
}

static void without_overrides(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct replacement all = { true, 0xee, ISH, 1, 0x5, 0x8, 2 };
	struct smmu_ste ste = { .q = { 9, ste_overrides(&all) } };

	rig_fini(r);
	p.idr[1] &= ~SMMU_IDR1_ATTR_TYPES_OVR;
	rig_init(r, &p);
	rig_ste(r, 1, &ste);
	expect_attrs(r, &all, 0, 0xee, ISH);
	wr(r, SMMU_REG_CR0, 0xc);
	wr(r, SMMU_REG_GBPA, 1u << 31 | 5 | 1 << 4 | 8 << 8 | 2 << 12);
	expect_attrs(r, &all, 0, 0xee, ISH);
}

/* Stage 1 replaces type and shareability; hints are limited by what came in. */
static void through_stage1(void **state)
{
	static const struct {
		struct replacement in;
		uint8_t mair, want;
	} rows[] = {
		{ { .shcfg = 1 }, 0xff, 0xff },
		{ { .shcfg = 2, .mtcfg = 1, .memattr = 1 }, 0xff, 0xff },
		{ { .shcfg = 1, .mtcfg = 1, .memattr = 5 }, 0xee, 0xee },
		{ { .shcfg = 1, .mtcfg = 1, .memattr = 0xa }, 0xff, 0xff },
		{ { .shcfg = 1, .alloccfg = 0xc }, 0xff, 0xee },
		{ { .shcfg = 1, .alloccfg = 0xc }, 0xdd, 0xcc },
		{ { .shcfg = 1, .alloccfg = 0xf }, 0xff, 0x77 },
		{ { .shcfg = 1, .alloccfg = 0xf }, 0xee, 0x66 },
		{ { .shcfg = 1, .alloccfg = 0xe }, 0x77, 0x77 },
		{ { .shcfg = 1, .alloccfg = 0x8 }, 0xbb, 0x88 },
		{ { .shcfg = 1, .alloccfg = 0x8 }, 0x4f, 0x4c },
		{ { .shcfg = 1, .alloccfg = 0x8 }, 0x44, 0x44 },
		{ { .shcfg = 1, .alloccfg = 0x8 }, 0x04, 0x04 },
		{ { true, 0xee, ISH, .shcfg = 1 }, 0xff, 0xee },
		{ { true, 0x44, ISH, .shcfg = 1 }, 0xff, 0xff },
		{ { true, 0x04, ISH, .shcfg = 1 }, 0xbb, 0xbb },
		{ { true, 0x4e, ISH, .shcfg = 1 }, 0xff, 0xfe },
	};
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 1, 7);

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW | 3ull << 8);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct smmu_ste ste = rig_ste_s1(RIG_CD + 64);
		struct smmu_cd cd = rig_cd_4k(table, 7);
		uint8_t sh = rows[i].want < 0x10 || rows[i].want == 0x44 ? OSH
									 : ISH;

		ste.q[1] = ste_overrides(&rows[i].in);
		cd.q[3] = rows[i].mair;
		rig_ste(r, 1, &ste);
		rig_cd(r, RIG_CD + 64, &cd);
		rig_inval_all(r);
		for (unsigned int n = 0; n < 3; n++)
			expect_attrs(r, &rows[i].in, 0, rows[i].want, sh);
	}
}

/* Two streams share an ASID, and so the TLB, but not their overrides. */
static void hints_are_the_streams_own(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 1, 7);
	struct smmu_ste ste = rig_ste_s1(RIG_CD + 64);
	struct uiommu_smmuv3_xlate x;

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	ste.q[1] |= 0x8ull << 37;
	rig_ste(r, 2, &ste);
	for (unsigned int n = 0; n < 2; n++) {
		assert_int_equal(rig_xlate(r, 2, 0, 0x1000, &x), 0);
		assert_int_equal(x.attrs.mair, 0xcc);
		assert_int_equal(rig_xlate(r, 1, 0, 0x1000, &x), 0);
		assert_int_equal(x.attrs.mair, 0xff);
	}
}

static void no_snoop(void **state)
{
	struct rig *r = *state;
	static const struct {
		uint8_t mair, want;
	} rows[] = {
		{ 0xff, 0x44 }, { 0xbb, 0x44 }, { 0x4f, 0x44 },
		{ 0x44, 0x44 }, { 0x00, 0x00 }, { 0x0c, 0x0c },
	};
	uint64_t table = rig_stream(r, 1, 7);
	uint64_t s2 = rig_table(r, 0x2000);
	struct smmu_ste ste = { .q = { 9, 3ull << 44 } };

	/* stage 1 */
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW | 3ull << 8);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct smmu_cd cd = rig_cd_4k(table, 7);

		cd.q[3] = rows[i].mair;
		rig_cd(r, RIG_CD + 64, &cd);
		rig_inval_all(r);
		expect_attrs(r, NULL, UIOMMU_TXN_NO_SNOOP, rows[i].want, OSH);
		expect_attrs(r, NULL, UIOMMU_TXN_NO_SNOOP, rows[i].want, OSH);
	}
	/* bypass, and with the SMMU off */
	rig_ste(r, 1, &ste);
	rig_inval_all(r);
	expect_attrs(r, NULL, 0, 0xff, ISH);
	expect_attrs(r, NULL, UIOMMU_TXN_NO_SNOOP, 0x44, OSH);
	/* after FWB has made it write-back */
	ste = rig_ste_s2(s2, 5);
	ste.q[1] |= 1ull << 25;
	rig_ste(r, 1, &ste);
	rig_map(r, s2, 12, 1, 3, 0x1000, RIG_DATA | 0x4c3 | 6ull << 2);
	rig_inval_all(r);
	expect_attrs(r, NULL, 0, 0xff, NSH);
	expect_attrs(r, NULL, UIOMMU_TXN_NO_SNOOP, 0x44, OSH);
	wr(r, SMMU_REG_CR0, 0xc);
	expect_attrs(r, NULL, UIOMMU_TXN_NO_SNOOP, 0x44, OSH);
}

/* Privilege and kind as they leave: SMMUv3.4 sends privileged data only. */
static void privilege_and_kind(void **state)
{
	struct rig *r = *state;

	for (uint32_t minor = 3; minor < 5; minor++) {
		struct uiommu_smmuv3_profile p = rig_profile("full");
		uint64_t table;

		rig_fini(r);
		p.aidr = minor;
		if (minor == 4) {
			/* with stage 2 it must have MTEPERM */
			p.idr[0] &= ~(SMMU_IDR0_S2P | SMMU_IDR0_HYP |
				      SMMU_IDR0_NS1ATS | SMMU_IDR0_VMW);
			p.idr[3] &= ~(SMMU_IDR3_XNX | SMMU_IDR3_PTWNNC);
			p.idr[3] |= SMMU_IDR3_EPAN;
		}
		rig_init(r, &p);
		table = rig_stream(r, 1, 7);
		rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RO);
		for (uint32_t i = 0; i < 4 * 3; i++) {
			uint32_t flags = (i & 1 ? UIOMMU_TXN_PRIV : 0) |
					 (i & 2 ? UIOMMU_TXN_INSTR : 0);
			struct uiommu_smmuv3_xlate x;

			assert_int_equal(rig_xlate(r, 1, flags, 0x1000, &x), 0);
			assert_int_equal(x.attrs.priv, minor == 4 || (i & 1));
			assert_int_equal(x.attrs.instr, minor < 4 && (i & 2));
		}
	}
}

static int (*read_below)(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
			 struct uiommu_mem_attrs attrs);
static struct uiommu_mem_attrs last_read;

static int noted_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		      struct uiommu_mem_attrs attrs)
{
	last_read = attrs;
	return read_below(ctx, pa, buf, len, attrs);
}

/*
 * A table of stage 1 is read as both stages together say, whether or not it has
 * been found before.  Three pages are at one IPA, so that after the first the
 * descriptor in the last table is what is read last.
 */
static void walks_behind_stage2(void **state)
{
	static const uint32_t ways[] = {
		0,		  /* all from the top */
		0,		  /* the short way */
		UIOMMU_TXN_WRITE, /* again, another page */
		UIOMMU_TXN_ATTRS, /* the long way, the table is known */
	};
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	uint64_t s2 = rig_table(r, 0x2000), table = rig_stream(r, 1, 7), last;
	struct uiommu_model_host host;
	struct smmu_cd cd = rig_cd_4k(table, 7);
	struct smmu_ste ste = rig_ste_s2(s2, 5);

	r->ram.use_direct = false;
	host = model_ram_host(&r->ram);
	read_below = host.read;
	host.read = noted_read;
	rig_remake(r, &p, &host);
	cd.q[0] |= 1 << 8 | 1 << 10 | 3 << 12; /* WB, WB, ISH */
	rig_cd(r, RIG_CD + 64, &cd);
	ste.q[0] = (RIG_CD + 64) | 0xf;
	rig_ste(r, 1, &ste);
	for (uint64_t i = 0; i < ARRAY_SIZE(ways); i++)
		rig_map4k(r, table, 0x1000 + i * 0x1000, RIG_DATA, LEAF_RW);
	last = rig_pte4k(r, table, 0x1000) & ~0xfffull;
	rig_map(r, s2, 12, 1, 3, RIG_DATA, RIG_DATA | 0x4ff);
	rig_map(r, s2, 12, 1, 3, RIG_CD, RIG_CD | 0x4ff);
	for (uint64_t pa = RIG_TABLES; pa < r->next_table + 0x10000; pa += 4096)
		rig_map(r, s2, 12, 1, 3, pa, pa | 0x4ff);
	/* Non-cacheable to stage 2 */
	rig_map(r, s2, 12, 1, 3, last, last | 0x4d7);
	for (unsigned int i = 0; i < ARRAY_SIZE(ways); i++) {
		struct uiommu_smmuv3_xlate x;

		assert_int_equal(
			rig_xlate(r, 1, ways[i], 0x1000 + i * 0x1000, &x), 0);
		if (!i)
			continue;
		assert_int_equal(last_read.walk, 1);
		assert_int_equal(last_read.mair, 0x44);
		assert_int_equal(last_read.sh, 2);
	}
}

/* Attributes of the SMMU's reads at some places, and of its last write. */
static struct {
	uint64_t pa[3];
	struct uiommu_mem_attrs read[3], command, write;
} own;

static int own_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(own.pa); i++) {
		if (pa == own.pa[i])
			own.read[i] = attrs;
	}
	if (pa - RIG_CMDQ < 4096)
		own.command = attrs;
	return read_below(ctx, pa, buf, len, attrs);
}

static int own_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	own.write = attrs;
	return model_ram_host(ctx).write(ctx, pa, buf, len, attrs);
}

static void expect_own(struct uiommu_mem_attrs got, const uint8_t nibbles[4],
		       uint32_t codes)
{
	static const uint8_t sh[4] = { NSH, NSH, OSH, ISH };
	uint8_t mair = nibbles[codes >> 2 & 3] << 4 | nibbles[codes & 3];

	assert_int_equal(got.mair, mair);
	assert_int_equal(got.sh, mair == 0x44 ? OSH : sh[codes >> 4]);
	assert_true(got.walk && got.priv && !got.instr);
}

/* Bit 62 of a base register: RA, WA. */
static void put_hint(struct rig *r, uint32_t offset, bool hint)
{
	uint64_t base = rd64(r, offset);

	wr64(r, offset, (base & ~(1ull << 62)) | (uint64_t)hint << 62);
}

/*
 * Structures and queues are read, and written, as CR1, the STE and the CD say,
 * which all have codes of their own.
 */
static void the_smmus_own_accesses(void **state)
{
	/* by RA or WA of the base register; 3 is reserved */
	static const uint8_t by_cr1[2][4] = { { 0x4, 0xc, 0x8, 0x4 },
					      { 0x4, 0xf, 0xb, 0x4 } },
			     by_ste[4] = { 0x4, 0xf, 0xa, 0xc },
			     by_cd[4] = { 0x4, 0xf, 0xa, 0xe };
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	uint64_t table = rig_stream(r, 1, 7);
	struct uiommu_model_host host;
	struct smmu_cd cd = rig_cd_4k(table, 7);
	uint32_t cr0;

	r->ram.use_direct = false;
	host = model_ram_host(&r->ram);
	read_below = host.read;
	host.read = own_read;
	host.write = own_write;
	rig_remake(r, &p, &host);
	cr0 = rd(r, SMMU_REG_CR0);
	own.pa[0] = rig_ste_addr(1);
	own.pa[1] = RIG_CD + 64;
	own.pa[2] = table;
	for (uint32_t i = 0; i < 64 * 8; i++) {
		uint32_t codes = i & 63;
		bool tables = i & 64, commands = i & 128, events = i & 256;
		struct smmu_ste ste = rig_ste_s1(RIG_CD + 64);
		struct uiommu_smmuv3_xlate x;

		wr(r, SMMU_REG_CR0, 0);
		wr(r, SMMU_REG_CR1, codes | codes << 6);
		put_hint(r, SMMU_REG_STRTAB_BASE, tables);
		put_hint(r, SMMU_REG_CMDQ_BASE, commands);
		put_hint(r, SMMU_REG_EVENTQ_BASE, events);
		wr(r, SMMU_REG_CR0, cr0);
		ste.q[1] = (ste.q[1] & ~0xfcull) | codes << 2;
		rig_ste(r, 1, &ste);
		cd.q[0] = (cd.q[0] & ~0x3f00ull) | codes << 8;
		rig_cd(r, RIG_CD + 64, &cd);
		rig_inval_all(r);
		assert_int_equal(rig_xlate(r, 1, 0, 0x1000, &x), -EFAULT);
		expect_own(own.read[0], by_cr1[tables], codes);
		expect_own(own.command, by_cr1[commands], codes);
		expect_own(own.write, by_cr1[events], codes);
		expect_own(own.read[1], by_ste, codes);
		expect_own(own.read[2], by_cd, codes);
		wr(r, SMMU_REG_EVENTQ_CONS, rd(r, SMMU_REG_EVENTQ_PROD));
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(combining),
		cmocka_unit_test(combining_with_fwb),
		cmocka_unit_test(combining_shareability),
		T(bypass_by_ste),
		T(bypass_by_gbpa),
		T(into_stage2),
		T(without_overrides),
		T(through_stage1),
		T(hints_are_the_streams_own),
		T(no_snoop),
		T(privilege_and_kind),
		T(walks_behind_stage2),
		T(the_smmus_own_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
