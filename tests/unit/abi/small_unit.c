/* SPDX-License-Identifier: BSD-2-Clause */
#include "small_unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "fake_nested.h"

static void small_remove(struct uiommu_unit *unit)
{
	pthread_mutex_destroy(&((struct small_unit *)unit)->lock);
	unit->platform->obj_free(unit->platform->ctx, unit);
}

static void small_caps(struct uiommu_unit *unit, struct uiommu_unit_caps *caps)
{
	*caps = ((struct small_unit *)unit)->caps;
}

static size_t small_hw_info(struct uiommu_unit *unit, uint32_t *type, void *buf,
			    size_t len)
{
	uint32_t info[SMALL_INFO_LEN / 4] = { SMALL_INFO_WORD };

	*type = SMALL_INFO_TYPE;
	memcpy(buf, info, len < sizeof(info) ? len : sizeof(info));
	return sizeof(info);
}

static void small_irq(struct uiommu_unit *unit, unsigned int line)
{
}

static int small_dev_add(struct uiommu_unit *unit,
			 const struct uiommu_hwdev_cfg *cfg,
			 struct uiommu_hwdev **out)
{
	struct uiommu_hwdev *dev =
		unit->platform->obj_alloc(unit->platform->ctx, sizeof(*dev));

	struct small_unit *su = (struct small_unit *)unit;

	if (!dev)
		return -ENOMEM;
	pthread_mutex_lock(&su->lock);
	su->known[su->nr_known].id = cfg->ids[0];
	su->known[su->nr_known++].cookie = cfg->cookie;
	pthread_mutex_unlock(&su->lock);
	dev->page_faults = su->page_faults;
	dev->unit = unit;
	dev->name = cfg->name;
	dev->cookie = cfg->cookie;
	*out = dev;
	return 0;
}

static void small_dev_remove(struct uiommu_hwdev *dev)
{
	dev->unit->platform->obj_free(dev->unit->platform->ctx, dev);
}

/* A domain, and what its devices are said to have written to. */
struct small_dom {
	struct uiommu_hwdom hw; /* first */
	struct uiommu_dom_cfg cfg;
	pthread_mutex_t lock;
	struct uiommu_range dirty[SMALL_DIRTY];
	unsigned int nr_dirty;
};

static bool has(const struct uiommu_unit_caps *caps,
		const struct uiommu_dom_cfg *cfg)
{
	if (cfg->stage == UIOMMU_STAGE_2)
		return caps->stage2 && !(cfg->flags & UIOMMU_DOM_PASID);
	return !(cfg->flags & UIOMMU_DOM_DIRTY) || caps->dirty_tracking;
}

static int small_dom_alloc(struct uiommu_unit *unit,
			   const struct uiommu_dom_cfg *cfg,
			   struct uiommu_hwdom **out)
{
	const struct uiommu_platform *platform = unit->platform;
	struct uiommu_pgtable_cfg pt = {
		.platform = platform,
		.fmt = UIOMMU_PGTABLE_VMSAV8_S1,
		.granule_lg2 = 12,
		.ias = 48,
		.oas = 48,
		.features = UIOMMU_PGTABLE_BBML2,
	};
	struct small_dom *dom;
	uint32_t word;
	int rc = 0;

	if (cfg->data) {
		if (cfg->data->type != SMALL_DATA_TYPE)
			return -EOPNOTSUPP;
		rc = uiommu_user_get(cfg->data, SMALL_DATA_TYPE, &word,
				     sizeof(word), sizeof(word));
		if (!rc && word != SMALL_INFO_WORD)
			rc = -EINVAL;
		if (rc)
			return rc;
	}
	if (!has(&((struct small_unit *)unit)->caps, cfg))
		return -EOPNOTSUPP;
	dom = platform->obj_alloc(platform->ctx, sizeof(*dom));
	if (!dom)
		return -ENOMEM;
	dom->hw.unit = unit;
	dom->hw.type = cfg->type;
	dom->cfg = *cfg;
	if (cfg->type == UIOMMU_DOM_PAGING)
		rc = uiommu_pgtable_create(&pt, &dom->hw.pt);
	if (rc) {
		platform->obj_free(platform->ctx, dom);
		return rc;
	}
	pthread_mutex_init(&dom->lock, NULL);
	*out = &dom->hw;
	return 0;
}

static void small_dom_free(struct uiommu_hwdom *dom)
{
	const struct uiommu_platform *platform = dom->unit->platform;

	if (dom->type == UIOMMU_DOM_NESTED) {
		fake_nested_free(dom);
		return;
	}
	uiommu_pgtable_destroy(dom->pt);
	pthread_mutex_destroy(&((struct small_dom *)dom)->lock);
	platform->obj_free(platform->ctx, dom);
}

static int small_attach(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev)
{
	struct small_unit *unit = (struct small_unit *)dev->unit;

	if (dom->unit != dev->unit && !unit->takes_all)
		return -EINVAL;
	if (dom->type == UIOMMU_DOM_PAGING && unit->attach_rc)
		return unit->attach_rc;
	if (dom->type == UIOMMU_DOM_PAGING && unit->attach_nth &&
	    !--unit->attach_nth)
		return unit->nth_rc;
	if (dom->type == UIOMMU_DOM_NESTED) {
		int rc = fake_nested_attach(dom, dev);

		if (rc)
			return rc;
	}
	dev->dom = dom;
	if (dom->type == UIOMMU_DOM_PAGING)
		store_release(&unit->used, dom);
	return 0;
}

static void probe(struct small_unit *unit, struct uiommu_hwdom *dom)
{
	struct uiommu_pgtable_leaf leaf;

	if (uiommu_pgtable_translate(dom->pt, unit->probe, &leaf))
		unit->unmapped++;
	else
		unit->mapped++;
}

/* What a PASID has is for the core to know. */
static int small_set_pasid(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev,
			   uint32_t pasid, struct uiommu_hwdom *old)
{
	struct small_unit *unit = (struct small_unit *)dev->unit;

	if (!dom)
		return 0;
	if (dom->unit != dev->unit && !unit->takes_all)
		return -EINVAL;
	if (unit->probe)
		probe(unit, dom);
	return unit->pasid_rc;
}

static int small_flush(struct uiommu_hwdom *dom,
		       const struct uiommu_gather *gather)
{
	struct small_unit *unit = (struct small_unit *)dom->unit;

	fetch_add_relaxed(&unit->flushes, 1);
	return unit->flush_rc;
}

static int small_flush_all(struct uiommu_hwdom *dom)
{
	return small_flush(dom, NULL);
}

void small_dirty(struct small_unit *unit, uint64_t iova, uint64_t size)
{
	struct small_dom *dom = (struct small_dom *)load_acquire(&unit->used);

	pthread_mutex_lock(&dom->lock);
	assert_true(dom->nr_dirty < SMALL_DIRTY);
	dom->dirty[dom->nr_dirty++] =
		(struct uiommu_range){ iova, iova + size - 1 };
	pthread_mutex_unlock(&dom->lock);
}

static int small_read_dirty(struct uiommu_hwdom *hwdom, uiommu_iova_t iova,
			    uint64_t len, uint32_t flags, uiommu_dirty_fn *fn,
			    void *ctx)
{
	struct small_unit *unit = (struct small_unit *)hwdom->unit;
	struct small_dom *dom = (struct small_dom *)hwdom;
	uint64_t last = iova + len - 1;
	unsigned int kept = 0;

	if (unit->dirty_rc)
		return unit->dirty_rc;
	if (!len || (iova | len) % PAGE)
		return -EINVAL;
	pthread_mutex_lock(&dom->lock);
	fetch_add_relaxed(&unit->dirty_reads, 1);
	for (unsigned int i = 0; i < dom->nr_dirty; i++) {
		struct uiommu_range *leaf = &dom->dirty[i];
		bool in = leaf->first <= last && leaf->last >= iova;

		if (in)
			fn(ctx, leaf->first, leaf->last - leaf->first + 1);
		if (!in || flags & UIOMMU_DIRTY_NO_CLEAR)
			dom->dirty[kept++] = *leaf;
	}
	dom->nr_dirty = kept;
	pthread_mutex_unlock(&dom->lock);
	return 0;
}

static int small_page_response(struct uiommu_hwdev *dev,
			       const struct uiommu_page_response *resp)
{
	struct small_unit *unit = (struct small_unit *)dev->unit;

	pthread_mutex_lock(&unit->lock);
	unit->answers++;
	unit->answer = *resp;
	pthread_mutex_unlock(&unit->lock);
	return 0;
}

static bool small_counter(struct uiommu_unit *unit, unsigned int i,
			  const char **name, uint64_t *value)
{
	return false;
}

static const struct uiommu_driver_ops small_ops = {
	.name = "small",
	.remove = small_remove,
	.caps = small_caps,
	.hw_info = small_hw_info,
	.irq = small_irq,
	.dev_add = small_dev_add,
	.dev_remove = small_dev_remove,
	.dom_alloc = small_dom_alloc,
	.dom_free = small_dom_free,
	.attach = small_attach,
	.set_pasid = small_set_pasid,
	.flush = small_flush,
	.flush_all = small_flush_all,
	.page_response = small_page_response,
	.read_dirty = small_read_dirty,
	.nested = &fake_nested_ops,
	.counter = small_counter,
};

struct small_unit *small_unit_create(const struct uiommu_platform *platform,
				     struct uiommu_core *core)
{
	struct small_unit *unit =
		platform->obj_alloc(platform->ctx, sizeof(*unit));

	assert_non_null(unit);
	pthread_mutex_init(&unit->lock, NULL);
	unit->unit = (struct uiommu_unit){
		.ops = &small_ops,
		.platform = platform,
		.host = &uiommu_core_host_ops,
		.host_ctx = core,
	};
	unit->caps = (struct uiommu_unit_caps){
		.pgsizes = 0x40201000,
		.ias = 48,
		.oas = 48,
		.max_pasid_lg2 = 10,
		.coherent = true,
		.enforce_coherency = true,
		.msi_translated = true,
		.msi_isolated = true,
	};
	return unit;
}
