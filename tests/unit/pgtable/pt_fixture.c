/* SPDX-License-Identifier: BSD-2-Clause */
#include "pt_fixture.h"

#define S1 UIOMMU_PGTABLE_VMSAV8_S1
#define S2 UIOMMU_PGTABLE_VMSAV8_S2
#define BBML2 UIOMMU_PGTABLE_BBML2

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

bool pt_gather_covers(const struct uiommu_gather *gather, uint64_t first,
		      uint64_t last)
{
	for (uint32_t i = 0; i < gather->nr_ranges; i++)
		if (gather->range[i].first <= first &&
		    gather->range[i].last >= last)
			return true;
	return false;
}
