/* SPDX-License-Identifier: BSD-2-Clause */
#include "pt_fixture.h"

#define S1 UIOMMU_PGTABLE_VMSAV8_S1
#define S2 UIOMMU_PGTABLE_VMSAV8_S2
#define BBML2 UIOMMU_PGTABLE_BBML2
#define BBML1 UIOMMU_PGTABLE_BBML1
#define DS UIOMMU_PGTABLE_DS
#define CONT UIOMMU_PGTABLE_CONTIG
#define DBM UIOMMU_PGTABLE_DBM

const struct pt_variant pt_variants[] = {
	{ "s1-4k-48", S1, 12, 48, 48, BBML2, false },
	{ "s1-4k-48-bbm", S1, 12, 48, 48, 0, false },
	{ "s1-4k-48-bbm-incoherent", S1, 12, 48, 48, 0, true },
	{ "s1-4k-48-incoherent", S1, 12, 48, 48, BBML2, true },
	{ "s1-4k-39", S1, 12, 39, 48, BBML2, false },
	{ "s1-4k-32-bbm", S1, 12, 32, 48, 0, false },
	{ "s1-16k-48", S1, 14, 48, 48, BBML2, false },
	{ "s1-16k-47-bbm", S1, 14, 47, 48, 0, false },
	{ "s1-16k-36", S1, 14, 36, 48, BBML2, false },
	{ "s1-64k-48", S1, 16, 48, 48, BBML2, false },
	{ "s1-64k-52-bbm", S1, 16, 52, 52, 0, false },
	{ "s1-64k-42", S1, 16, 42, 48, BBML2, true },
	{ "s2-4k-48", S2, 12, 48, 48, BBML2, false },
	{ "s2-4k-40-bbm", S2, 12, 40, 48, 0, false },
	{ "s2-4k-43", S2, 12, 43, 48, BBML2, false },
	{ "s2-16k-48-bbm", S2, 14, 48, 48, 0, false },
	{ "s2-16k-40", S2, 14, 40, 48, BBML2, false },
	{ "s2-64k-48", S2, 16, 48, 48, BBML2, false },
	{ "s2-64k-46-bbm", S2, 16, 46, 48, 0, true },
	{ "s2-64k-52", S2, 16, 52, 52, BBML2, false },
	{ "s1-4k-48-scattered", S1, 12, 48, 48, BBML2, false, true },
	{ "s1-4k-48-bbm-scattered", S1, 12, 48, 48, 0, true, true },
	{ "s1-4k-52-ds", S1, 12, 52, 52, BBML2 | DS, false },
	{ "s1-4k-50-ds-bbm", S1, 12, 50, 52, DS, false },
	{ "s1-4k-39-ds-bbm", S1, 12, 39, 48, DS, false },
	{ "s1-16k-52-ds-bbm", S1, 14, 52, 52, DS, false },
	{ "s1-16k-49-ds", S1, 14, 49, 52, BBML2 | DS, false },
	{ "s2-4k-52-ds-bbm", S2, 12, 52, 52, DS, false },
	{ "s2-4k-49-ds", S2, 12, 49, 50, BBML2 | DS, true },
	{ "s2-16k-51-ds", S2, 14, 51, 52, BBML2 | DS, false },
	{ "s2-16k-52-ds-bbm", S2, 14, 52, 52, DS, false },
	{ "s1-4k-48-contig", S1, 12, 48, 48, BBML2 | CONT, false },
	{ "s1-4k-48-contig-bbml1", S1, 12, 48, 48, BBML1 | CONT, true },
	{ "s1-4k-48-contig-bbm", S1, 12, 48, 48, CONT, true, true },
	{ "s1-16k-47-contig-bbm", S1, 14, 47, 48, CONT, false },
	{ "s1-16k-52-ds-contig", S1, 14, 52, 52, BBML1 | DS | CONT, false },
	{ "s1-64k-52-contig", S1, 16, 52, 52, BBML2 | CONT, false },
	{ "s2-4k-40-contig-bbm", S2, 12, 40, 48, CONT, false },
	{ "s2-64k-48-contig-bbm", S2, 16, 48, 48, CONT, false },
	{ "s1-4k-48-dbm", S1, 12, 48, 48, BBML2 | DBM, false },
	{ "s1-4k-48-dbm-bbm", S1, 12, 48, 48, DBM | CONT, false },
	{ "s1-16k-52-dbm-ds", S1, 14, 52, 52, BBML2 | DBM | DS, false, true },
	{ "s1-64k-48-dbm-bbm", S1, 16, 48, 48, DBM, false },
	{ "s2-4k-48-dbm", S2, 12, 48, 48, BBML2 | DBM, false },
	{ "s2-4k-52-ds-dbm-bbm", S2, 12, 52, 52, DBM | DS, false },
};
const size_t pt_nr_variants = sizeof(pt_variants) / sizeof(pt_variants[0]);

void pt_open(struct pt_fixture *fx, const struct pt_variant *v)
{
	struct uiommu_pgtable_cfg cfg = {
		.fmt = v->fmt,
		.granule_lg2 = v->granule_lg2,
		.ias = v->ias,
		.oas = v->oas,
		.features = v->features,
	};

	memset(fx, 0, sizeof(*fx));
	test_platform_init(&fx->tp);
	if (v->incoherent)
		test_platform_make_incoherent(&fx->tp);
	if (v->scatter)
		test_platform_scatter(&fx->tp);
	cfg.platform = fx->platform = &fx->tp.platform;
	assert_int_equal(uiommu_pgtable_create(&cfg, &fx->pt), 0);
	uiommu_pgtable_info(fx->pt, &fx->info);
	fx->page = (uint64_t)1 << v->granule_lg2;
	fx->block = fx->page << (v->granule_lg2 - 3);
	fx->spec = (struct spec_table){
		.tp = &fx->tp,
		.root = fx->info.root,
		.stage = v->fmt == S1 ? 1 : 2,
		.granule = v->granule_lg2,
		.ias = v->ias,
		.start_level = fx->info.start_level,
		.ds = v->features & DS,
		.oas52 = v->oas == 52,
	};
}

void pt_close(struct pt_fixture *fx)
{
	uiommu_pgtable_destroy(fx->pt);
	assert_int_equal(fx->tp.readers, 0);
	test_platform_fini(&fx->tp);
}

int pt_map_all(struct pt_fixture *fx, uint64_t iova, uint64_t pa, uint64_t len,
	       uint32_t prot)
{
	struct uiommu_gather gather;
	int rc, tries = 0;

	uiommu_gather_init(&gather);
	do {
		rc = uiommu_pgtable_map(fx->pt, iova, pa, len, prot, &gather);
		assert_true(rc != -EAGAIN || !uiommu_gather_empty(&gather));
		uiommu_gather_release(&gather);
		assert_true(++tries <= 2);
	} while (rc == -EAGAIN);
	return rc;
}

int pt_unmap_all(struct pt_fixture *fx, uint64_t iova, uint64_t len,
		 uint64_t *unmapped)
{
	struct uiommu_gather gather;
	int rc, tries = 0;

	uiommu_gather_init(&gather);
	do {
		rc = uiommu_pgtable_unmap(fx->pt, iova, len, &gather, unmapped);
		assert_true(rc != -EAGAIN || !uiommu_gather_empty(&gather));
		uiommu_gather_release(&gather);
		assert_true(++tries <= 2);
	} while (rc == -EAGAIN);
	return rc;
}

int pt_protect_all(struct pt_fixture *fx, uint64_t iova, uint64_t len,
		   uint32_t rights)
{
	struct uiommu_gather gather;
	int rc, tries = 0;

	uiommu_gather_init(&gather);
	do {
		rc = uiommu_pgtable_protect(fx->pt, iova, len, rights, &gather);
		assert_true(rc != -EAGAIN || !uiommu_gather_empty(&gather));
		uiommu_gather_release(&gather);
		assert_true(++tries <= 2);
	} while (rc == -EAGAIN);
	return rc;
}

bool pt_hw_write(struct pt_fixture *fx, uint64_t iova)
{
	const struct uiommu_platform *pf = fx->platform;
	struct spec_leaf leaf;
	uint64_t *slot, want;

	if (!spec_walk(&fx->spec, iova, &leaf) || !(leaf.prot & W))
		return false;
	if (!leaf.dbm || leaf.dirty)
		return true;
	slot = pf->pa_to_va(pf->ctx, leaf.slot_pa);
	want = leaf.word ^ (uint64_t)1 << 7;
	return __atomic_compare_exchange_n(slot, &leaf.word, want, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

unsigned int pt_empty_tables(struct pt_fixture *fx)
{
	unsigned int empty = 0;
	uint64_t pa, word, any;
	struct spec_dump d;

	spec_dump(&fx->spec, &d);
	for (size_t i = 0; i < d.nr_pointers; i += 2) {
		pa = spec_address(&fx->spec, d.pointers[i + 1]);
		any = 0;
		for (uint64_t off = 0; off < fx->page; off += 8) {
			assert_true(test_platform_hw_read64(&fx->tp, pa + off,
							    &word));
			any |= word;
		}
		empty += !any;
	}
	spec_dump_free(&d);
	return empty;
}

bool pt_gather_covers(const struct uiommu_gather *gather, uint64_t first,
		      uint64_t last)
{
	for (uint32_t i = 0; i < gather->nr_ranges; i++)
		if (gather->range[i].first <= first &&
		    gather->range[i].last >= last)
			return true;
	return false;
}
