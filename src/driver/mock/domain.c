/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain.c - domains: a page table each, and nothing that caches it.
 */
#include "unit.h"

/* The layout with pages of 4 KiB and addresses of 56 bits. */
#define LARGE_GRANULE_LG2 12
#define LARGE_IAS 56
#define SMALL_IAS 31

#define LAYOUT_DEFAULT 0u
#define LAYOUT_HUGE 1u

#define KNOWN_FLAGS \
	(UIOMMU_DOM_DIRTY | UIOMMU_DOM_PASID | UIOMMU_DOM_NEST_PARENT)

int mock_dom_data(const struct uiommu_user_data *data,
		  struct uiommu_mock_dom_data *d)
{
	if (data->type != UIOMMU_MOCK_DATA_TYPE)
		return -EOPNOTSUPP;
	return uiommu_user_get(data, UIOMMU_MOCK_DATA_TYPE, d, sizeof(*d),
			       sizeof(d->iotlb));
}

/* -EOPNOTSUPP: another type, or no such layout; -EINVAL, -EFAULT. */
static int read_layout(const struct uiommu_user_data *data, bool *large)
{
	struct uiommu_mock_dom_data d;
	int rc = mock_dom_data(data, &d);

	if (rc)
		return rc;
	if (d.layout != LAYOUT_DEFAULT && d.layout != LAYOUT_HUGE)
		return -EOPNOTSUPP;
	*large = d.layout == LAYOUT_HUGE;
	return 0;
}

/* Fill in what the caller leaves to us; -EINVAL: there is no such layout. */
static int shape(const struct uiommu_dom_cfg *cfg,
		 struct uiommu_pgtable_cfg *pt)
{
	bool large = cfg->granule_lg2 == LARGE_GRANULE_LG2;
	int rc = cfg->data ? read_layout(cfg->data, &large) : 0;

	if (rc)
		return rc;
	if (cfg->granule_lg2 && !large && cfg->granule_lg2 != 11)
		return -EINVAL;
	pt->fmt = UIOMMU_PGTABLE_MOCK;
	pt->granule_lg2 = 11;
	pt->ias = large ? LARGE_IAS : SMALL_IAS;
	pt->oas = cfg->oas ? cfg->oas : 48;
	pt->features = UIOMMU_PGTABLE_BBML2;
	if (cfg->flags & UIOMMU_DOM_DIRTY)
		pt->features |= UIOMMU_PGTABLE_DBM;
	return cfg->ias && cfg->ias != pt->ias ? -EINVAL : 0;
}

static int make_table(struct mock_dom *dom, const struct uiommu_dom_cfg *cfg)
{
	struct uiommu_pgtable_cfg pt = { .platform =
						 dom->hwdom.unit->platform };
	struct uiommu_hwdom *hwdom = &dom->hwdom;
	struct uiommu_pgtable_info info;
	int rc = shape(cfg, &pt);

	if (rc)
		return rc;
	rc = uiommu_pgtable_create(&pt, &hwdom->pt);
	if (rc)
		return rc;
	uiommu_pgtable_info(hwdom->pt, &info);
	dom->root = info.root;
	dom->start_level = info.start_level;
	hwdom->aperture = info.aperture;
	hwdom->pgsizes = info.pgsizes;
	if (pt.ias == LARGE_IAS)
		hwdom->pgsizes = BIT64(12) | BIT64(20);
	else
		hwdom->aperture.first = UIOMMU_MOCK_APERTURE_FIRST;
	return 0;
}

struct mock_dom *mock_dom_new(struct uiommu_unit *unit,
			      enum uiommu_dom_type type)
{
	const struct uiommu_platform *pf = unit->platform;
	struct mock_dom *dom = mock_alloc(unit, sizeof(*dom));

	if (!dom)
		return NULL;
	if (pf->lock_init(pf->ctx, &dom->lock)) {
		mock_free(unit, dom);
		return NULL;
	}
	dom->hwdom.unit = unit;
	dom->hwdom.type = type;
	return dom;
}

int mock_dom_alloc(struct uiommu_unit *unit, const struct uiommu_dom_cfg *cfg,
		   struct uiommu_hwdom **out)
{
	struct mock_dom *dom;
	int rc;

	if (cfg->type >= UIOMMU_DOM_NESTED || cfg->stage > UIOMMU_STAGE_2 ||
	    (cfg->flags & ~KNOWN_FLAGS))
		return -EINVAL;
	/* No processor translates as we do. */
	if (cfg->type == UIOMMU_DOM_SHARED ||
	    ((cfg->flags & UIOMMU_DOM_DIRTY) &&
	     !mock_unit_of(unit)->dirty_tracking))
		return -EOPNOTSUPP;
	dom = mock_dom_new(unit, cfg->type);
	if (!dom)
		return -ENOMEM;
	dom->flags = cfg->flags;
	rc = cfg->type == UIOMMU_DOM_PAGING ? make_table(dom, cfg) : 0;
	if (rc)
		mock_dom_free(&dom->hwdom);
	else
		*out = &dom->hwdom;
	return rc;
}

void mock_dom_free(struct uiommu_hwdom *hwdom)
{
	const struct uiommu_platform *pf = hwdom->unit->platform;
	struct mock_dom *dom = mock_dom_of(hwdom);

	UIOMMU_ASSERT(!load_acquire(&dom->users));
	uiommu_pgtable_destroy(hwdom->pt);
	pf->lock_fini(pf->ctx, &dom->lock);
	mock_free(hwdom->unit, dom);
}

/* Nothing is cached: only an access may be on its way through the table. */
int mock_flush_all(struct uiommu_hwdom *hwdom)
{
	mock_dom_lock(mock_dom_of(hwdom));
	mock_dom_unlock(mock_dom_of(hwdom));
	mock_count(mock_unit_of(hwdom->unit), MOCK_FLUSHES);
	return 0;
}

int mock_flush(struct uiommu_hwdom *hwdom, const struct uiommu_gather *gather)
{
	return mock_flush_all(hwdom);
}

int mock_read_dirty(struct uiommu_hwdom *hwdom, uiommu_iova_t iova,
		    uint64_t len, uint32_t flags, uiommu_dirty_fn *fn,
		    void *ctx)
{
	struct uiommu_gather gather;
	int rc;

	if (!(mock_dom_of(hwdom)->flags & UIOMMU_DOM_DIRTY))
		return -EOPNOTSUPP;
	uiommu_gather_init(&gather);
	rc = uiommu_pgtable_read_and_clear_dirty(hwdom->pt, iova, len, flags,
						 fn, ctx, &gather);
	mock_flush_all(hwdom);
	uiommu_gather_release(&gather);
	return rc;
}
