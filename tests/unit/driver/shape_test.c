/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From ID registers and wishes to page tables, and from page tables to the words
 * of CDs and STEs: contiguous runs, 52 bits, dirty state; and what reading dirty
 * state asks of the hardware.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/env.h>

#include "dom_rig.h"
#include "hw/smmuv3/regs.h"
#include "hw_view.h"

#define S1 UIOMMU_STAGE_1
#define S2 UIOMMU_STAGE_2
#define DIRTY UIOMMU_DOM_DIRTY
#define F_BBML2 UIOMMU_PGTABLE_BBML2
#define F_BBML1 UIOMMU_PGTABLE_BBML1
#define F_DS UIOMMU_PGTABLE_DS
#define F_CONTIG UIOMMU_PGTABLE_CONTIG
#define F_DBM UIOMMU_PGTABLE_DBM

/* Which SMMU: as the fields of its registers say. */
struct smmu {
	unsigned int bbml, oas, ds, vax, httu;
	bool cleans; /* coherent, but the platform has clean_range */
};

static void clean_nothing(void *ctx, const void *va, size_t len)
{
}

static const struct smmu *wanted;
/* SMMU_IDR0.S1P and S2P. */
static uint32_t stages = 3;

static void change_regs(void)
{
	uint32_t *idr0 = fake_smmu_reg(fake, SMMU_REG_IDR0);
	uint32_t *idr3 = fake_smmu_reg(fake, SMMU_REG_IDR3);
	uint32_t *idr5 = fake_smmu_reg(fake, SMMU_REG_IDR5);

	test_platform_use_pool(&fake->tp, 16 << 20);
	*idr0 = (*idr0 & ~0xc3u) | wanted->httu << 6 | stages;
	*idr3 = (*idr3 & ~0x1800u) | wanted->bbml << 11;
	*idr5 = (*idr5 & ~0xc87u) | wanted->oas | wanted->ds << 7 |
		wanted->vax << 10;
	if (wanted->cleans)
		fake->tp.platform.clean_range = clean_nothing;
}

static void start_as(const struct smmu *smmu)
{
	wanted = smmu;
	start(change_regs);
}

/* ---------------------------------------------------------------- wishes -- */

struct wish {
	struct smmu smmu;
	enum uiommu_stage stage;
	uint8_t granule, ias, oas;
	uint32_t flags;
	/* What comes of it; features 0: refused with rc. */
	uint8_t got_ias, got_oas;
	uint32_t features;
	int rc;
};

#define PLAIN                 \
	{                     \
		2, 5, 0, 0, 2 \
	} /* 48 bits */
#define WIDE                  \
	{                     \
		2, 6, 1, 1, 3 \
	} /* 52 bits for all */
#define MMU700                \
	{                     \
		2, 5, 0, 1, 2 \
	}

/* Bits that the page table adds by itself. */
#define B2 (F_BBML2 | F_BBML1)

static const struct wish wishes[] = {
	/* Contiguous runs where they can be taken apart in place. */
	{ PLAIN, S1, 12, 0, 0, 0, 48, 48, B2 | F_CONTIG, 0 },
	{ { 1, 5, 0, 0, 2 }, S1, 14, 0, 0, 0, 48, 48, F_BBML1 | F_CONTIG, 0 },
	{ { 1, 5, 0, 0, 2 }, S2, 16, 0, 0, 0, 48, 48, F_BBML1 | F_CONTIG, 0 },
	/* 52 bits: what needs them. */
	{ WIDE, S1, 12, 0, 0, 0, 48, 48, B2 | F_CONTIG, 0 },
	{ WIDE, S1, 12, 0, 52, 0, 48, 52, B2 | F_CONTIG | F_DS, 0 },
	{ WIDE, S1, 12, 52, 0, 0, 52, 48, B2 | F_CONTIG | F_DS, 0 },
	{ WIDE, S1, 12, 0, 48, 0, 48, 48, B2 | F_CONTIG, 0 },
	{ WIDE, S1, 12, 52, 44, 0, 52, 44, B2 | F_CONTIG | F_DS, 0 },
	{ WIDE, S2, 14, 52, 52, 0, 52, 52, B2 | F_CONTIG | F_DS, 0 },
	{ WIDE, S2, 12, 40, 0, 0, 40, 48, B2 | F_CONTIG, 0 },
	{ WIDE, S1, 16, 52, 52, 0, 52, 52, B2 | F_CONTIG, 0 },
	{ WIDE, S1, 16, 0, 0, 0, 48, 48, B2 | F_CONTIG, 0 },
	{ WIDE, S1, 12, 53, 0, 0, 0, 0, 0, -EOPNOTSUPP },
	{ MMU700, S1, 16, 52, 0, 0, 52, 48, B2 | F_CONTIG, 0 },
	{ MMU700, S2, 16, 52, 0, 0, 0, 0, 0, -EOPNOTSUPP },
	{ MMU700, S1, 12, 49, 0, 0, 0, 0, 0, -EOPNOTSUPP },
	/* DS without VAX is no DS; DS and 48 bits out */
	{ { 2, 6, 1, 0, 0 }, S1, 12, 0, 0, 0, 48, 48, B2 | F_CONTIG, 0 },
	{ { 2, 5, 1, 1, 0 }, S1, 14, 50, 0, 0, 50, 48, B2 | F_CONTIG | F_DS, 0 },
	/* Dirty state; each page for itself. */
	{ PLAIN, S1, 12, 0, 0, DIRTY, 48, 48, B2 | F_DBM, 0 },
	{ PLAIN, S2, 16, 0, 0, DIRTY, 48, 48, B2 | F_DBM, 0 },
	{ WIDE, S2, 14, 0, 52, DIRTY, 48, 52, B2 | F_DS | F_DBM, 0 },
	{ { 2, 5, 0, 0, 1 }, S1, 12, 0, 0, DIRTY, 0, 0, 0, -EOPNOTSUPP },
	{ { 2, 5, 0, 0, 0 }, S2, 12, 0, 0, DIRTY, 0, 0, 0, -EOPNOTSUPP },
	{ { 2, 5, 0, 0, 2, true }, S1, 12, 0, 0, DIRTY, 0, 0, 0, -EOPNOTSUPP },
	{ PLAIN, S1, 12, 0, 0, 8, 0, 0, 0, -EINVAL },
};

static void wish_for(const struct wish *w)
{
	struct uiommu_dom_cfg cfg = {
		UIOMMU_DOM_PAGING, w->stage, w->granule, w->ias, w->oas,
		w->flags
	};
	struct uiommu_pgtable_info info;
	struct uiommu_unit_caps caps;
	struct uiommu_hwdom *dom;

	start_as(&w->smmu);
	ops->caps(unit, &caps);
	assert_int_equal(caps.dirty_tracking,
			 w->smmu.httu >= 2 && !w->smmu.cleans);
	assert_int_equal(ops->dom_alloc(unit, &cfg, &dom), w->rc);
	if (!w->rc) {
		uiommu_pgtable_info(dom->pt, &info);
		assert_int_equal(info.granule_lg2, w->granule);
		assert_int_equal(info.ias, w->got_ias);
		assert_int_equal(info.oas, w->got_oas);
		assert_int_equal(info.features, w->features);
		assert_int_equal(info.ds, !!(w->features & F_DS));
		ops->dom_free(dom);
	}
	teardown(NULL);
}

static void what_a_domain_becomes(void **state)
{
	unsigned int i;

	for (i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
		wish_for(&wishes[i]);
}

#define PASID UIOMMU_DOM_PASID
#define NEST UIOMMU_DOM_NEST_PARENT
#define ANY UIOMMU_STAGE_ANY

/* What the flags ask of which stages. */
static void flags_and_stages(void **state)
{
	static const struct smmu plain = PLAIN;
	static const struct {
		uint32_t have; /* S1P is 2, S2P 1 */
		enum uiommu_stage stage;
		uint32_t flags;
		int rc;
		int got; /* stage */
	} rows[] = {
		{ 3, ANY, 0, 0, 1 },
		{ 3, ANY, PASID, 0, 1 },
		{ 3, ANY, PASID | DIRTY, 0, 1 },
		{ 3, S1, PASID, 0, 1 },
		{ 3, S2, NEST, 0, 2 },
		{ 3, S2, NEST | DIRTY, 0, 2 },
		{ 3, S2, PASID, -EOPNOTSUPP, 0 },
		{ 3, S2, NEST | PASID, -EOPNOTSUPP, 0 },
		{ 3, ANY, NEST, -EINVAL, 0 },
		{ 3, S1, NEST, -EINVAL, 0 },
		{ 1, ANY, 0, 0, 2 },
		{ 1, ANY, PASID, -EOPNOTSUPP, 0 },
		{ 1, S2, 0, 0, 2 },
		{ 1, S2, NEST, -EOPNOTSUPP, 0 },
		{ 2, ANY, PASID, 0, 1 },
		{ 2, S2, NEST, -EOPNOTSUPP, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct uiommu_dom_cfg cfg = {
			.type = UIOMMU_DOM_PAGING,
			.stage = rows[i].stage,
			.flags = rows[i].flags,
		};
		struct uiommu_pgtable_info info;
		struct uiommu_hwdom *dom;

		stages = rows[i].have;
		start_as(&plain);
		if (ops->dom_alloc(unit, &cfg, &dom) != rows[i].rc)
			fail_msg("row %zu", i);
		if (!rows[i].rc) {
			uiommu_pgtable_info(dom->pt, &info);
			/* Only stage 1 has memory attributes by index. */
			assert_int_equal(info.mair ? 1 : 2, rows[i].got);
			ops->dom_free(dom);
		}
		teardown(NULL);
	}
	stages = 3;
}

/* Without BBML no run; a reserved value is none. */
static void no_runs_that_cannot_be_taken_apart(void **state)
{
	struct uiommu_dom_cfg cfg = { UIOMMU_DOM_PAGING };
	struct smmu smmu = { 0, 5, 0, 0, 0 };
	struct uiommu_pgtable_info info;
	struct uiommu_unit_caps caps;
	struct uiommu_hwdom *dom;

	for (; smmu.bbml <= 3; smmu.bbml += 3) {
		start_as(&smmu);
		dom = domain_of(&cfg);
		uiommu_pgtable_info(dom->pt, &info);
		assert_int_equal(info.features, 0);
		ops->caps(unit, &caps);
		assert_int_equal(caps.pgsizes, 0x40201000);
		assert_false(caps.dirty_tracking);
		ops->dom_free(dom);
		teardown(NULL);
	}
}

static void the_unit_tells_of_52_bits(void **state)
{
	static const struct smmu wide = WIDE, plain = PLAIN;
	struct uiommu_unit_caps caps;

	start_as(&wide);
	ops->caps(unit, &caps);
	assert_int_equal(caps.oas, 48);
	assert_int_equal(caps.max_oas, 52);
	assert_int_equal(caps.ias, 48);
	teardown(NULL);
	domain_oas = 52;
	start_as(&wide);
	ops->caps(unit, &caps);
	assert_int_equal(caps.oas, 52);
	assert_int_equal(caps.ias, 48);
	/* 512G, and runs of 16 but of these */
	assert_int_equal(caps.pgsizes,
			 0x8442211000 | UINT64_C(1) << 34 | UINT64_C(1) << 30);
	teardown(NULL);
	start_as(&plain);
	ops->caps(unit, &caps);
	assert_int_equal(caps.oas, 48);
	assert_int_equal(caps.max_oas, 48);
	teardown(NULL);
	domain_oas = 0;
}

/* What the configuration says counts where a domain says nothing. */
static void the_configuration_says_how_wide(void **state)
{
	static const struct {
		uint8_t says, oas, granule, got;
	} rows[] = {
		{ 52, 0, 0, 52 },  { 52, 48, 0, 48 }, { 40, 0, 12, 40 },
		{ 40, 52, 0, 52 }, { 52, 0, 16, 52 }, { 255, 0, 0, 52 },
	};
	static const struct smmu wide = WIDE;
	struct uiommu_dom_cfg cfg = { UIOMMU_DOM_PAGING };
	struct uiommu_pgtable_info info;
	struct uiommu_hwdom *dom;

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		domain_oas = rows[i].says;
		start_as(&wide);
		cfg.oas = rows[i].oas;
		cfg.granule_lg2 = rows[i].granule;
		dom = domain_of(&cfg);
		uiommu_pgtable_info(dom->pt, &info);
		assert_int_equal(info.oas, rows[i].got);
		ops->dom_free(dom);
		teardown(NULL);
	}
	domain_oas = 0;
}

/* ----------------------------------------------------------------- words -- */

struct words {
	enum uiommu_stage stage;
	uint8_t granule, ias, oas;
	uint32_t flags;
	uint64_t word[2]; /* CD 0 without ASID and 2; STE 2 without VMID and 3 */
};

/* Of the words typed by hand: what goes into them is not ours to tell. */
static const struct words words[] = {
	/* T0SZ 12, 4K, IPS 6; DS */
	{ S1, 12, 52, 52, 0, { 0x0000e206c000350c, 0x0400000000000000 } },
	/* T0SZ 16, 16K, IPS 6; HA, HD; DS */
	{ S1, 14, 48, 52, DIRTY, { 0x0000ee06c0003590, 0x0400000000000000 } },
	{ S1, 16, 52, 52, DIRTY, { 0x0000ee06c000354c, 0 } },
	{ S1, 12, 48, 48, 0, { 0x0000e205c0003510, 0 } },
	/* S2T0SZ 12, SL0 2 = level 0, 16 tables side by side, PS 6; S2DS */
	{ S2, 12, 52, 52, 0, { 0x044e358c00000000, 0x8 } },
	/* S2T0SZ 16, SL0 2 = level 0; S2HA, S2HD */
	{ S2, 12, 48, 52, DIRTY, { 0x05ce359000000000, 0x8 } },
	/* S2T0SZ 12, SL0 3 = level 0 with 16K and S2DS */
	{ S2, 14, 52, 52, 0, { 0x044eb5cc00000000, 0x8 } },
	/* S2T0SZ 12, SL0 2 = level 1 with 64K */
	{ S2, 16, 52, 52, DIRTY, { 0x05ce758c00000000, 0 } },
};

static void the_words_of_a_domain(void **state)
{
	static const struct smmu wide = WIDE;
	struct uiommu_pgtable_info info;
	uint64_t ste[8], cd[8];
	struct uiommu_hwdom *dom;
	struct uiommu_hwdev *dev;
	unsigned int i;

	start_as(&wide);
	dev = device(8);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct words *w = &words[i];
		struct uiommu_dom_cfg cfg = {
			UIOMMU_DOM_PAGING, w->stage, w->granule, w->ias, w->oas,
			w->flags
		};

		dom = domain_of(&cfg);
		assert_int_equal(ops->attach(dom, dev), 0);
		uiommu_pgtable_info(dom->pt, &info);
		assert_int_equal(hw_look(fake, 8, HW_NO_SSID, ste, cd),
				 w->stage == S2 ? HW_STAGE2 : HW_TRANSLATED);
		if (w->stage == S1) {
			assert_int_equal(cd[0] & ~0xffff000000000000ull,
					 w->word[0]);
			assert_int_equal(cd[1], info.root);
			assert_int_equal(cd[2], w->word[1]);
		} else {
			assert_int_equal(ste[2] & ~0xffffull, w->word[0]);
			assert_int_equal(ste[3], info.root | w->word[1]);
		}
		ops->dev_remove(dev);
		dev = device(8);
		ops->dom_free(dom);
	}
	ops->dev_remove(dev);
	teardown(NULL);
}

/* ----------------------------------------------------------- dirty state -- */

#define IOVA UINT64_C(0x40000000)

struct answer {
	unsigned int nr;
	uint64_t iova, size;
};

static void on_dirty(void *ctx, uiommu_iova_t iova, uint64_t size)
{
	struct answer *a = ctx;

	a->nr++;
	a->iova = iova;
	a->size = size;
}

/* A page that stage 1 allows to be written to: DBM set, AP[2] clear. */
static void write_as_hardware(struct uiommu_hwdom *dom, uint64_t iova)
{
	struct uiommu_pgtable_info info;
	uint64_t at, d = 0;
	int level;

	uiommu_pgtable_info(dom->pt, &info);
	at = info.root;
	for (level = 0; level < 4; level++) {
		at += (iova >> (39 - 9 * level) & 511) * 8;
		d = fake_smmu_mem(fake, at);
		if (level < 3)
			at = d & 0xfffffffff000;
	}
	assert_int_equal(d >> 51 & 1, 1);
	assert_int_equal(d >> 7 & 1, 1);
	*(uint64_t *)(void *)(fake->tp.pool + (at - TEST_PLATFORM_POOL_PA)) =
		d & ~0x80ull;
}

static int read_dirty(struct uiommu_hwdom *dom, uint32_t flags,
		      struct answer *a)
{
	memset(a, 0, sizeof(*a));
	fake->nr = 0;
	return ops->read_dirty(dom, IOVA, 0x10000, flags, on_dirty, a);
}

/* A domain that keeps dirty state, attached, with 16 pages at IOVA. */
static struct uiommu_hwdom *tracked(struct uiommu_hwdev *dev, uint32_t prot)
{
	struct uiommu_dom_cfg cfg = { UIOMMU_DOM_PAGING, .flags = DIRTY };
	struct uiommu_hwdom *dom = domain_of(&cfg);
	struct uiommu_gather gather;

	assert_int_equal(ops->attach(dom, dev), 0);
	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_map(dom->pt, IOVA, 0x80000000, 0x10000,
					    prot, &gather),
			 0);
	return dom;
}

static void dirty_pages_are_told_once_and_forgotten(void **state)
{
	static const struct smmu plain = PLAIN;
	struct uiommu_hwdom *dom;
	struct uiommu_hwdev *dev;
	struct answer a;

	start_as(&plain);
	dev = device(8);
	dom = tracked(dev, UIOMMU_PROT_READ | UIOMMU_PROT_WRITE);
	/* Nothing was written, so nothing is to be forgotten. */
	assert_int_equal(read_dirty(dom, 0, &a), 0);
	assert_int_equal(a.nr, 0);
	assert_int_equal(fake->nr, 0);
	write_as_hardware(dom, IOVA + 0x3000);
	assert_int_equal(read_dirty(dom, UIOMMU_DIRTY_NO_CLEAR, &a), 0);
	assert_int_equal(a.nr, 1);
	assert_int_equal(fake->nr, 0);
	assert_int_equal(read_dirty(dom, 0, &a), 0);
	assert_int_equal(a.nr, 1);
	assert_int_equal(a.iova, IOVA + 0x3000);
	assert_int_equal(a.size, 0x1000);
	/* The page by its address, and one SYNC. */
	assert_int_equal(fake->nr, 2);
	assert_int_equal(fake->log[0].q[0] & 0xff, 0x12);
	assert_int_equal(fake->log[0].q[1] & ~0xfffull, IOVA + 0x3000);
	assert_int_equal(fake->log[1].q[0], 0x46);
	assert_int_equal(read_dirty(dom, 0, &a), 0);
	assert_int_equal(a.nr, 0);

	assert_int_equal(read_dirty(dom, 8, &a), -EINVAL);
	assert_int_equal(ops->read_dirty(dom, IOVA, 0x800, 0, on_dirty, &a),
			 -EINVAL);
	assert_int_equal(ops->read_dirty(dom, UINT64_C(1) << 50, 0x1000, 0,
					 on_dirty, &a),
			 -ERANGE);
	ops->dev_remove(dev);
	ops->dom_free(dom);
	teardown(NULL);
}

static void no_dirty_state_where_none_was_asked_for(void **state)
{
	static const enum uiommu_dom_type types[] = { UIOMMU_DOM_PAGING,
						      UIOMMU_DOM_IDENTITY,
						      UIOMMU_DOM_BLOCKED };
	static const struct smmu plain = PLAIN;
	struct uiommu_hwdom *dom;
	struct answer a;
	uint64_t lines;
	unsigned int i;

	start_as(&plain);
	for (i = 0; i < 3; i++) {
		dom = domain(types[i]);
		lines = fake->tp.log_lines;
		assert_int_equal(read_dirty(dom, 0, &a), -EOPNOTSUPP);
		assert_int_equal(fake->tp.log_lines, lines + 1);
		ops->dom_free(dom);
	}
	teardown(NULL);
}

/* What was reported counts; that the hardware forgot it does not. */
static uint32_t refuse_tlbi(struct fake_smmu *f, const struct smmu_cmd *cmd)
{
	return (cmd->q[0] & 0xff) == SMMU_CMD_OP_TLBI_NH_VA ? 1 : 0;
}

static void a_flush_that_fails_is_told(void **state)
{
	static const struct smmu plain = PLAIN;
	struct uiommu_hwdom *dom;
	struct uiommu_hwdev *dev;
	struct answer a;

	start_as(&plain);
	dev = device(8);
	dom = tracked(dev, UIOMMU_PROT_WRITE);
	write_as_hardware(dom, IOVA);
	fake->refuse = refuse_tlbi;
	assert_int_equal(read_dirty(dom, 0, &a), -EIO);
	assert_int_equal(a.nr, 1);
	fake->refuse = NULL;
	assert_int_equal(read_dirty(dom, 0, &a), 0);
	ops->dev_remove(dev);
	ops->dom_free(dom);
	teardown(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_domain_becomes),
		cmocka_unit_test(flags_and_stages),
		cmocka_unit_test(no_runs_that_cannot_be_taken_apart),
		cmocka_unit_test(the_unit_tells_of_52_bits),
		cmocka_unit_test(the_configuration_says_how_wide),
		cmocka_unit_test(the_words_of_a_domain),
		cmocka_unit_test(dirty_pages_are_told_once_and_forgotten),
		cmocka_unit_test(no_dirty_state_where_none_was_asked_for),
		cmocka_unit_test(a_flush_that_fails_is_told),
	};

	return cmocka_run_group_tests_name("driver-shape", tests, NULL, NULL);
}
