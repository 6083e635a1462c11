/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pgtable/ writes, model/ walks: random maps, unmaps and changes of rights of every
 * format against a naive array, looked up by the model after each operation.  Dirty
 * state is what the model's own updates of descriptors leave.
 */
#include "tables.h"

#define OPS 1000u

static unsigned int any_page(struct tables *t)
{
	return (unsigned int)walker_rnd(t->w, t->pages);
}

static void check_page(struct tables *t, unsigned int page)
{
	unsigned int g = t->info.granule_lg2;
	uint64_t off = walker_rnd(t->w, 1ull << g), want = t->want[page];
	struct uiommu_smmuv3_txn txn = {
		.sid = 1,
		.flags = UIOMMU_TXN_PROBE,
		.iova = t->base + ((uint64_t)page << g) + off,
	};
	struct uiommu_smmuv3_xlate x;
	int rc = uiommu_smmuv3_model_translate(t->w->model, &txn, &x);

	if (!(want & UIOMMU_PROT_READ)) {
		assert_int_equal(rc, -14);
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(x.pa, (want & ~0xfffull) + off);
	/* a clean page allows writes, but not without an update */
	assert_int_equal(x.writable,
			 (want & UIOMMU_PROT_WRITE) &&
				 (t->dirty[page] ||
				  !(t->info.features & UIOMMU_PGTABLE_DBM)));
	assert_int_equal(x.executable, !!(want & UIOMMU_PROT_EXEC));
	assert_int_equal(x.attrs.mair == 0xff, !!(want & UIOMMU_PROT_CACHE));
}

/* One that the model performs, with all its consequences for descriptors. */
static void write_page(struct tables *t, unsigned int page)
{
	unsigned int g = t->info.granule_lg2, n;
	struct uiommu_smmuv3_txn txn = {
		.sid = 1,
		.flags = UIOMMU_TXN_WRITE,
		.iova = t->base + ((uint64_t)page << g),
	};
	struct uiommu_smmuv3_xlate x;
	int rc = uiommu_smmuv3_model_translate(t->w->model, &txn, &x);

	if (!(t->want[page] & UIOMMU_PROT_WRITE)) {
		assert_int_equal(rc, -14);
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(x.pa, t->want[page] & ~0xfffull);
	if (!(t->info.features & UIOMMU_PGTABLE_DBM))
		return;
	/* the whole leaf is dirty now */
	page = (unsigned int)(((txn.iova >> x.size_lg2 << x.size_lg2) -
			       t->base) >>
			      g);
	for (n = 1u << (x.size_lg2 - g); n; n--)
		t->dirty[page++] = true;
}

#define S1 UIOMMU_PGTABLE_VMSAV8_S1
#define S2 UIOMMU_PGTABLE_VMSAV8_S2
#define BBML2 UIOMMU_PGTABLE_BBML2
#define BBML1 UIOMMU_PGTABLE_BBML1
#define DS UIOMMU_PGTABLE_DS
#define CONT UIOMMU_PGTABLE_CONTIG
#define DBM UIOMMU_PGTABLE_DBM

static void random_maps(void **state)
{
	static const struct tables_row rows[] = {
		{ S1, 12, 48, 48, BBML2 },
		{ S1, 12, 39, 48, 0 },
		{ S1, 14, 47, 48, BBML2 },
		{ S1, 14, 48, 48, 0 },
		{ S1, 16, 48, 48, BBML2 },
		{ S1, 16, 42, 48, 0 },
		{ S2, 12, 40, 48, BBML2 },
		{ S2, 12, 48, 48, 0 },
		{ S2, 14, 40, 48, BBML2 },
		{ S2, 14, 48, 48, 0 },
		{ S2, 16, 40, 48, BBML2 },
		{ S2, 16, 48, 48, 0 },
		/* more than 48 bits */
		{ S1, 12, 52, 52, DS },
		{ S1, 12, 48, 52, DS | BBML2 },
		{ S1, 14, 52, 52, DS | BBML2 },
		{ S1, 14, 49, 52, DS },
		{ S1, 16, 52, 52, BBML2 },
		{ S2, 12, 52, 52, DS },
		{ S2, 12, 50, 52, DS | BBML2 },
		{ S2, 12, 47, 52, DS },
		{ S2, 14, 52, 52, DS },
		{ S2, 14, 50, 52, DS | BBML2 },
		{ S2, 16, 52, 52, 0 },
		/* contiguous groups */
		{ S1, 12, 48, 48, CONT },
		{ S1, 12, 48, 48, CONT | BBML1 },
		{ S1, 12, 48, 48, CONT | BBML2 },
		{ S1, 14, 47, 48, CONT | BBML1 },
		{ S1, 14, 52, 52, CONT | DS },
		{ S1, 16, 48, 48, CONT | BBML2 },
		{ S2, 12, 40, 48, CONT },
		{ S2, 14, 40, 48, CONT | BBML2 },
		{ S2, 16, 48, 48, CONT },
		/* dirty state */
		{ S1, 12, 48, 48, DBM | BBML2 },
		{ S1, 12, 48, 48, DBM },
		{ S1, 14, 52, 52, DBM | DS | BBML2 },
		{ S1, 16, 48, 48, DBM },
		{ S2, 12, 40, 48, DBM | BBML2 },
		{ S2, 12, 52, 52, DBM | DS },
		{ S2, 14, 48, 48, DBM },
		{ S2, 16, 48, 48, DBM | BBML2 },
	};
	static struct tables t;
	static struct walker w;

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		print_message("# stage %d granule %u bits %u features %#x\n",
			      rows[i].fmt == S1 ? 1 : 2, rows[i].granule,
			      rows[i].ias, rows[i].features);
		walker_open(&w, 88172645463325252ull + rows[i].granule * 64 +
					rows[i].ias);
		tables_open(&t, &w, &rows[i]);
		walker_start(&w, rows[i].oas);
		for (unsigned int op = 0; op < OPS; op++) {
			tables_change(&t);
			for (unsigned int n = 0; n < 32; n++)
				check_page(&t, any_page(&t));
			for (unsigned int n = 0; n < 8; n++)
				write_page(&t, any_page(&t));
		}
		for (unsigned int page = 0; page < t.pages; page++)
			check_page(&t, page);
		tables_close(&t);
		walker_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
