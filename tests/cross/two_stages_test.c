/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two stages are two arrays: random tables of two SubstreamIDs over random tables of
 * stage 2, of each pair of granules, with blocks and rights of their own.  What the
 * model finds, and at which stage it stops where it finds nothing, is what one array
 * after the other says.
 */
#include "tables.h"

#define OPS 200u
#define LOOKS 32u

struct guests {
	struct walker w;
	struct tables s1[2], s2;
};

/* What was met: pages and blocks of either stage, faults of stage 1 and 2. */
struct met {
	unsigned int found[2][2], stopped[3];
};

static uint64_t in_page(const struct tables *t, uint64_t addr)
{
	return addr & mask_lg2(t->info.granule_lg2);
}

static uint64_t ipa_of(const struct tables *s1, uint64_t iova)
{
	return (tables_at(s1, iova) & ~0xfffull) + in_page(s1, iova);
}

/* Half of them both stages know, if there are any. */
static uint64_t any_address(struct guests *g, const struct tables *s1)
{
	bool both = walker_rnd(&g->w, 2);
	uint64_t iova = 0;

	for (unsigned int i = 0; i < 64; i++) {
		iova = s1->base +
		       walker_rnd(&g->w,
				  (uint64_t)s1->pages << s1->info.granule_lg2);
		if (!both || (tables_at(s1, iova) &&
			      tables_at(&g->s2, ipa_of(s1, iova))))
			break;
	}
	return iova;
}

/* The last levels of both. */
struct levels {
	int8_t of[2];
};

static void note_level(void *ctx, const struct uiommu_smmuv3_step *step)
{
	struct levels *levels = ctx;

	if (step->kind == UIOMMU_SMMUV3_STEP_S1_DESC)
		levels->of[0] = step->level;
	if (step->kind == UIOMMU_SMMUV3_STEP_S2_DESC)
		levels->of[1] = step->level;
}

static void expect_fault(struct guests *g, const struct uiommu_smmuv3_txn *txn,
			 unsigned int stage, uint64_t ipa, struct met *met)
{
	struct uiommu_smmuv3_explanation why;

	assert_int_equal(uiommu_smmuv3_model_explain(g->w.model, txn, NULL,
						     NULL, &why),
			 -14);
	assert_int_equal(why.fault.stage, stage);
	if (stage == 2)
		assert_int_equal(why.fault.ipa & ~0xfffull, ipa & ~0xfffull);
	met->stopped[stage]++;
}

static void check(struct guests *g, unsigned int ssid, uint64_t iova,
		  struct met *met)
{
	const struct tables *s1 = &g->s1[ssid], *s2 = &g->s2;
	const uint64_t first = tables_at(s1, iova);
	const uint64_t ipa = ipa_of(s1, iova);
	const uint64_t second = first ? tables_at(s2, ipa) : 0;
	const uint64_t both = first & second;
	struct uiommu_smmuv3_txn txn = {
		.sid = TABLES_SID,
		.ssid = ssid,
		.flags = UIOMMU_TXN_PROBE | (ssid ? UIOMMU_TXN_SSV : 0),
		.iova = iova,
	};
	struct uiommu_smmuv3_explanation how;
	struct uiommu_smmuv3_xlate x;
	struct levels levels;
	int rc = uiommu_smmuv3_model_translate(g->w.model, &txn, &x);

	if (!(both & UIOMMU_PROT_READ)) {
		assert_int_equal(rc, -14);
		expect_fault(g, &txn, first & UIOMMU_PROT_READ ? 2 : 1, ipa,
			     met);
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(x.pa, (second & ~0xfffull) + in_page(s2, ipa));
	assert_int_equal(x.readable, true);
	assert_int_equal(x.writable, !!(both & UIOMMU_PROT_WRITE));
	assert_int_equal(x.executable, !!(both & UIOMMU_PROT_EXEC));
	assert_int_equal(x.attrs.mair == 0xff, !!(both & UIOMMU_PROT_CACHE));
	/* The same without what is cached. */
	assert_int_equal(uiommu_smmuv3_model_explain(g->w.model, &txn,
						     note_level, &levels, &how),
			 0);
	assert_int_equal(how.xlate.pa, x.pa);
	assert_int_equal(how.xlate.writable, x.writable);
	met->found[levels.of[0] < 3][levels.of[1] < 3]++;
}

static void guests_open(struct guests *g, const struct tables_row *s1,
			const struct tables_row *s2)
{
	memset(g, 0, sizeof(*g));
	walker_open(&g->w, 88172645463325252ull + s1->granule * 64 + s1->ias +
				   s2->granule * 4096 + s2->ias);
	tables_open_guests(&g->s2, &g->w, s2);
	for (unsigned int i = 0; i < 2; i++)
		tables_open_over(&g->s1[i], &g->s2, i, s1);
	walker_start(&g->w, s2->oas);
}

static void guests_close(struct guests *g)
{
	for (unsigned int i = 0; i < 2; i++)
		tables_close(&g->s1[i]);
	tables_close(&g->s2);
	walker_close(&g->w);
}

static void run(struct guests *g, struct met *met)
{
	/* Blocks to begin with, of which ever less is left. */
	tables_map_all(&g->s1[0]);
	tables_map_all(&g->s2);
	for (unsigned int op = 0; op < OPS; op++) {
		unsigned int which = (unsigned int)walker_rnd(&g->w, 3);

		tables_change(which < 2 ? &g->s1[which] : &g->s2);
		for (unsigned int n = 0; n < LOOKS; n++)
			check(g, n & 1, any_address(g, &g->s1[n & 1]), met);
	}
}

#define S1 UIOMMU_PGTABLE_VMSAV8_S1
#define S2 UIOMMU_PGTABLE_VMSAV8_S2
#define BBML2 UIOMMU_PGTABLE_BBML2
#define DS UIOMMU_PGTABLE_DS
#define CONT UIOMMU_PGTABLE_CONTIG

/* Pages and blocks over pages and blocks, and faults of both. */
static void expect_all(unsigned int first, unsigned int second,
		       const struct met *met)
{
	static const char *const names[] = { "4K", "16K", "64K" };

	print_message("# %s over %s: pages %u, over blocks %u, blocks %u, over "
		      "blocks %u, faults %u, %u\n",
		      names[first], names[second], met->found[0][0],
		      met->found[0][1], met->found[1][0], met->found[1][1],
		      met->stopped[1], met->stopped[2]);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_not_equal(met->found[i / 2][i % 2], 0);
	assert_int_not_equal(met->stopped[1], 0);
	assert_int_not_equal(met->stopped[2], 0);
}

static void each_pair(void **state)
{
	/* Start levels 0 to 2, -1; tables next to each other at stage 2. */
	static const struct tables_row first[] = {
		{ S1, 12, 48, 48, BBML2 },	{ S1, 12, 39, 48, 0 },
		{ S1, 12, 30, 48, CONT },	{ S1, 14, 47, 48, BBML2 },
		{ S1, 14, 36, 48, CONT },	{ S1, 14, 48, 48, 0 },
		{ S1, 16, 48, 48, BBML2 },	{ S1, 16, 42, 48, CONT },
		{ S1, 12, 52, 52, DS | BBML2 }, { S1, 14, 52, 52, DS },
		{ S1, 16, 52, 52, 0 },
	};
	static const struct tables_row second[] = {
		{ S2, 12, 48, 48, 0 },	  { S2, 12, 40, 48, BBML2 },
		{ S2, 12, 34, 48, CONT }, { S2, 14, 48, 48, BBML2 },
		{ S2, 14, 40, 48, 0 },	  { S2, 16, 48, 48, BBML2 },
		{ S2, 16, 40, 48, CONT }, { S2, 12, 52, 52, DS },
		{ S2, 14, 52, 52, DS },	  { S2, 16, 52, 52, BBML2 },
	};
	static struct guests g;
	struct met met[3][3] = { 0 };

	for (unsigned int i = 0; i < ARRAY_SIZE(first); i++) {
		for (unsigned int j = 0; j < ARRAY_SIZE(second); j++) {
			if (first[i].oas != second[j].oas)
				continue;
			guests_open(&g, &first[i], &second[j]);
			run(&g, &met[first[i].granule / 2 - 6]
				    [second[j].granule / 2 - 6]);
			guests_close(&g);
		}
	}
	for (unsigned int i = 0; i < 9; i++)
		expect_all(i / 3, i % 3, &met[i / 3][i % 3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
