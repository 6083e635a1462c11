/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dev.c - devices and what they are attached to.
 */
#include "unit.h"

struct mock_dev *mock_dev_find(struct mock_unit *mu, uint32_t id)
{
	struct mock_dev *dev;

	list_for_each(dev, &mu->devs, node) {
		if (dev->id == id)
			return dev;
	}
	return NULL;
}

/* Lock held. */
static struct mock_pasid *find_pasid(struct mock_dev *dev, uint32_t pasid)
{
	struct mock_pasid *it;

	list_for_each(it, &dev->pasids, node) {
		if (it->pasid == pasid)
			return it;
	}
	return NULL;
}

struct mock_dom *mock_dev_dom(struct mock_dev *dev, uint32_t pasid)
{
	struct mock_pasid *it;

	if (pasid == UIOMMU_NO_PASID)
		return mock_dom_of(dev->hwdev.dom);
	it = find_pasid(dev, pasid);
	return it ? it->dom : NULL;
}

static void use(struct mock_dom *dom, int add)
{
	if (dom)
		fetch_add_acq_rel(&dom->users, (uint32_t)add);
}

/* Can the unit walk the domain's table, and keep its dirty state? */
static bool fits(const struct mock_unit *mu, const struct mock_dom *dom)
{
	/* A guest's part is of one unit. */
	if (dom->hwdom.type == UIOMMU_DOM_NESTED &&
	    dom->hwdom.unit != &mu->unit)
		return false;
	return mu->dirty_tracking || !(dom->flags & UIOMMU_DOM_DIRTY);
}

/* ------------------------------------------------------ come and go ---- */

int mock_dev_add(struct uiommu_unit *unit, const struct uiommu_hwdev_cfg *cfg,
		 struct uiommu_hwdev **out)
{
	struct mock_unit *mu = mock_unit_of(unit);
	struct mock_dev *dev;
	bool taken;

	if (cfg->nr_ids != 1)
		return cfg->nr_ids ? -ERANGE : -EINVAL;
	dev = mock_alloc(unit, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	dev->hwdev = (struct uiommu_hwdev){
		.unit = unit,
		.name = cfg->name,
		.cookie = cfg->cookie,
		.page_faults = cfg->pri && unit->host &&
			       unit->host->report_page_request,
	};
	dev->id = cfg->ids[0];
	dev->pasid_bits =
		(uint8_t)min_u64(cfg->pasid_bits, UIOMMU_MOCK_PASID_BITS);
	for (unsigned int i = 0; i < UIOMMU_MOCK_CACHE_WORDS; i++)
		dev->cache[i] = UIOMMU_MOCK_CACHE_INITIAL;
	list_init(&dev->pasids);
	list_init(&dev->groups);
	mock_lock(mu);
	taken = mock_dev_find(mu, dev->id);
	if (!taken)
		list_add_tail(&mu->devs, &dev->node);
	mock_unlock(mu);
	if (taken) {
		mock_free(unit, dev);
		return -EEXIST;
	}
	*out = &dev->hwdev;
	return 0;
}

void mock_dev_remove(struct uiommu_hwdev *hwdev)
{
	struct mock_unit *mu = mock_unit_of(hwdev->unit);
	struct mock_dev *dev = mock_dev_of(hwdev);
	struct mock_pasid *it, *next;

	mock_lock(mu);
	mock_drop_requests(mu, dev);
	use(mock_dom_of(hwdev->dom), -1);
	list_for_each_safe(it, next, &dev->pasids, node) {
		use(it->dom, -1);
		list_del(&it->node);
		mock_free(hwdev->unit, it);
	}
	list_del(&dev->node);
	mock_unlock(mu);
	mock_free(hwdev->unit, dev);
}

int uiommu_mock_cache_word(struct uiommu_unit *unit, uint32_t id,
			   unsigned int index, uint32_t *word)
{
	struct mock_unit *mu = mock_unit_of(unit);
	struct mock_dev *dev;
	int rc = 0;

	mock_lock(mu);
	dev = mock_dev_find(mu, id);
	if (!dev)
		rc = -ENOENT;
	else if (index >= UIOMMU_MOCK_CACHE_WORDS)
		rc = -EINVAL;
	else
		*word = dev->cache[index];
	mock_unlock(mu);
	return rc;
}

/* ----------------------------------------------------------- attach ---- */

/* The device becomes the guest's, or nobody's; lock held. */
static int attach_guest(struct mock_dev *dev, struct mock_viommu *viommu)
{
	struct mock_vdev *vdev = NULL;

	if (viommu) {
		vdev = mock_vdev_find(viommu, dev);
		if (!vdev)
			return -ENOENT;
	}
	dev->viommu = viommu;
	dev->virt_id = vdev ? vdev->hw.virt_id : 0;
	return 0;
}

int mock_attach(struct uiommu_hwdom *hwdom, struct uiommu_hwdev *hwdev)
{
	struct mock_unit *mu = mock_unit_of(hwdev->unit);
	struct mock_dev *dev = mock_dev_of(hwdev);
	struct mock_dom *dom = mock_dom_of(hwdom);
	int rc;

	if (!fits(mu, dom))
		return -EINVAL;
	mock_lock(mu);
	rc = attach_guest(dev, dom->viommu);
	if (!rc) {
		use(mock_dom_of(hwdev->dom), -1);
		hwdev->dom = hwdom;
		use(dom, 1);
	}
	mock_unlock(mu);
	if (!rc)
		mock_count(mu, MOCK_ATTACHES);
	return rc;
}

/* Does the flaky PASID take it this time?  Lock held. */
static int flake(struct mock_unit *mu, struct mock_dev *dev, uint32_t pasid,
		 const struct mock_dom *dom)
{
	bool failed;

	if (!mu->flaky_pasid || pasid != mu->flaky_pasid)
		return 0;
	failed = dom && dev->armed;
	dev->armed = dom && !failed;
	return failed ? -ENOMEM : 0;
}

/*
 * Lock held.  *spare is a place for a PASID that has none yet; what is left in
 * it afterwards is the caller's to free.
 */
static int change(struct mock_dev *dev, struct mock_dom *dom, uint32_t pasid,
		  const struct mock_dom *old, struct mock_pasid **spare)
{
	struct mock_pasid *it = find_pasid(dev, pasid);
	int rc;

	if (!old && it)
		return dom ? -EBUSY : 0;
	if (old && (!it || it->dom != old))
		return -EINVAL;
	rc = flake(mock_unit_of(dev->hwdev.unit), dev, pasid, dom);
	if (rc)
		return rc;
	use(dom, 1);
	if (it) {
		use(it->dom, -1);
		it->dom = dom;
		if (dom)
			return 0;
		list_del(&it->node);
		*spare = it;
	} else if (dom) {
		it = *spare;
		it->pasid = pasid;
		it->dom = dom;
		list_add_tail(&dev->pasids, &it->node);
		*spare = NULL;
	}
	return 0;
}

int mock_set_pasid(struct uiommu_hwdom *hwdom, struct uiommu_hwdev *hwdev,
		   uint32_t pasid, struct uiommu_hwdom *old)
{
	struct mock_unit *mu = mock_unit_of(hwdev->unit);
	struct mock_dev *dev = mock_dev_of(hwdev);
	struct mock_dom *dom = mock_dom_of(hwdom);
	struct mock_pasid *spare = NULL;
	int rc;

	if (!dev->pasid_bits)
		return -EOPNOTSUPP;
	if (!pasid || pasid >> dev->pasid_bits)
		return -EINVAL;
	if (hwdom == old)
		return 0;
	if (dom && ((hwdom->type != UIOMMU_DOM_PAGING &&
		     hwdom->type != UIOMMU_DOM_NESTED) ||
		    !fits(mu, dom)))
		return -EINVAL;
	if (dom && !old) {
		spare = mock_alloc(hwdev->unit, sizeof(*spare));
		if (!spare)
			return -ENOMEM;
	}
	mock_lock(mu);
	rc = change(dev, dom, pasid, mock_dom_of(old), &spare);
	mock_unlock(mu);
	if (spare)
		mock_free(hwdev->unit, spare);
	mock_count(mu, MOCK_SET_PASIDS);
	return rc;
}
