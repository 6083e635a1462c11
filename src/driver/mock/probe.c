/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe.c - the unit: made from nothing, described, and taken away.
 */
#include "unit.h"

static void mock_caps(struct uiommu_unit *unit, struct uiommu_unit_caps *caps)
{
	*caps = (struct uiommu_unit_caps){
		.pgsizes = BIT64(11) | BIT64(20) | BIT64(29),
		.ias = 31,
		.oas = 48,
		.max_oas = 52,
		.max_pasid_lg2 = UIOMMU_MOCK_PASID_BITS,
		.granules = BIT32(11) | BIT32(12),
		.stage2 = true,
		.coherent = true,
		.dirty_tracking = mock_unit_of(unit)->dirty_tracking,
		.page_faults = unit->host && unit->host->report_page_request,
		.msi_isolated = true,
	};
}

static size_t mock_hw_info(struct uiommu_unit *unit, uint32_t *type, void *buf,
			   size_t len)
{
	const struct uiommu_hw_info_mock info = { .reg = UIOMMU_MOCK_REG };

	*type = UIOMMU_HW_INFO_TYPE_MOCK;
	memcpy(buf, &info, min_u64(len, sizeof(info)));
	return sizeof(info);
}

static bool mock_counter(struct uiommu_unit *unit, unsigned int i,
			 const char **name, uint64_t *value)
{
	static const char *const names[MOCK_COUNTERS] = {
		[MOCK_ATTACHES] = "attaches",
		[MOCK_SET_PASIDS] = "set-pasids",
		[MOCK_FLUSHES] = "flushes",
		[MOCK_ACCESSES] = "accesses",
		[MOCK_ABORTS] = "aborts",
		[MOCK_PAGE_REQUESTS] = "page-requests",
		[MOCK_PAGE_RESPONSES] = "page-responses",
	};

	if (i >= MOCK_COUNTERS)
		return false;
	*name = names[i];
	*value = load_relaxed(&mock_unit_of(unit)->counter[i]);
	return true;
}

static void mock_remove(struct uiommu_unit *unit)
{
	struct mock_unit *mu = mock_unit_of(unit);

	UIOMMU_ASSERT(list_empty(&mu->devs));
	unit->platform->lock_fini(unit->platform->ctx, &mu->lock);
	mock_free(unit, mu);
}

static const struct uiommu_driver_ops mock_ops = {
	.name = "mock",
	.remove = mock_remove,
	.caps = mock_caps,
	.hw_info = mock_hw_info,
	.irq = mock_irq,
	.dev_add = mock_dev_add,
	.dev_remove = mock_dev_remove,
	.dom_alloc = mock_dom_alloc,
	.dom_free = mock_dom_free,
	.attach = mock_attach,
	.set_pasid = mock_set_pasid,
	.flush = mock_flush,
	.flush_all = mock_flush_all,
	.read_dirty = mock_read_dirty,
	.page_response = mock_page_response,
	.nested = &mock_nested_ops,
	.counter = mock_counter,
};

int uiommu_mock_create(const struct uiommu_mock_cfg *cfg,
		       struct uiommu_unit **out)
{
	const struct uiommu_platform *pf = cfg->platform;
	struct mock_unit *mu = pf->obj_alloc(pf->ctx, sizeof(*mu));
	int rc;

	if (!mu)
		return -ENOMEM;
	rc = pf->lock_init(pf->ctx, &mu->lock);
	if (rc) {
		pf->obj_free(pf->ctx, mu);
		return rc;
	}
	mu->unit = (struct uiommu_unit){
		.ops = &mock_ops,
		.platform = pf,
		.host = cfg->host,
		.host_ctx = cfg->host_ctx,
	};
	mu->dirty_tracking = cfg->dirty_tracking;
	mu->flaky_pasid = cfg->flaky_pasid;
	list_init(&mu->devs);
	*out = &mu->unit;
	return 0;
}
