/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nested.c - what guests have of a unit.  The tables by which a guest translates
 * are not looked at, so the parent alone translates; what a guest would have to
 * invalidate are words that can be looked at.
 */
#include "unit.h"

#define PAGES_SIZE 8192u

static struct mock_viommu *viommu_of(struct uiommu_hwviommu *hw)
{
	return container_of(hw, struct mock_viommu, hw);
}

/* -------------------------------------------------------------- domains -- */

static int dom_new(struct mock_dom *parent, struct mock_viommu *viommu,
		   uint32_t flags, const struct uiommu_user_data *data,
		   struct uiommu_hwdom **out)
{
	struct uiommu_mock_dom_data cfg;
	struct mock_dom *dom;
	int rc;

	if (flags & ~UIOMMU_DOM_PASID)
		return -EOPNOTSUPP;
	rc = mock_dom_data(data, &cfg);
	if (rc)
		return rc;
	dom = mock_dom_new(parent->hwdom.unit, UIOMMU_DOM_NESTED);
	if (!dom)
		return -ENOMEM;
	dom->parent = parent;
	dom->viommu = viommu;
	for (unsigned int i = 0; i < UIOMMU_MOCK_IOTLB_WORDS; i++)
		dom->iotlb[i] = cfg.iotlb;
	*out = &dom->hwdom;
	return 0;
}

static int nested_dom_alloc(struct uiommu_hwdev *dev,
			    struct uiommu_hwdom *parent, uint32_t flags,
			    const struct uiommu_user_data *data,
			    struct uiommu_hwdom **out)
{
	if (parent->unit != dev->unit)
		return -EINVAL;
	return dom_new(mock_dom_of(parent), NULL, flags, data, out);
}

static int nested_viommu_dom_alloc(struct uiommu_hwviommu *hw, uint32_t flags,
				   const struct uiommu_user_data *data,
				   struct uiommu_hwdom **out)
{
	return dom_new(mock_dom_of(hw->parent), viommu_of(hw), flags, data,
		       out);
}

/* words NULL: there are none that the guest could mean. */
static int invalidate_words(uint32_t *words, unsigned int nr, uint32_t flags,
			    uint32_t word)
{
	if (flags & ~UIOMMU_MOCK_INVALIDATE_ALL)
		return -EOPNOTSUPP;
	if (word >= nr || !words)
		return -EINVAL;
	if (flags & UIOMMU_MOCK_INVALIDATE_ALL)
		memset(words, 0, nr * sizeof(*words));
	else
		words[word] = 0;
	return 0;
}

static int nested_dom_invalidate(struct uiommu_hwdom *hwdom,
				 struct uiommu_user_array *array)
{
	struct mock_unit *mu = mock_unit_of(hwdom->unit);
	struct mock_dom *dom = mock_dom_of(hwdom);
	struct uiommu_mock_dom_inval inval;
	uint32_t nr = array->entry_num, i;
	int rc = 0;

	array->entry_num = 0;
	if (array->type != UIOMMU_MOCK_DOM_INVALIDATE)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		rc = uiommu_user_get_entry(array, UIOMMU_MOCK_DOM_INVALIDATE, i,
					   &inval, sizeof(inval),
					   sizeof(inval));
		if (rc)
			break;
		mock_lock(mu);
		rc = invalidate_words(dom->iotlb, UIOMMU_MOCK_IOTLB_WORDS,
				      inval.flags, inval.word);
		mock_unlock(mu);
		if (rc)
			break;
	}
	array->entry_num = i;
	return rc;
}

int uiommu_mock_iotlb_word(struct uiommu_hwdom *hwdom, unsigned int index,
			   uint32_t *word)
{
	struct mock_unit *mu = mock_unit_of(hwdom->unit);

	if (hwdom->type != UIOMMU_DOM_NESTED ||
	    index >= UIOMMU_MOCK_IOTLB_WORDS)
		return -EINVAL;
	mock_lock(mu);
	*word = mock_dom_of(hwdom)->iotlb[index];
	mock_unlock(mu);
	return 0;
}

/* -------------------------------------------------------------- vIOMMUs -- */

static bool nested_viommu_has(struct uiommu_hwdev *dev, uint32_t type)
{
	return type == UIOMMU_MOCK_VIOMMU_TYPE;
}

/* Pages for the client, and what it is told of them. */
static int give_pages(struct mock_viommu *viommu,
		      const struct uiommu_viommu_cfg *cfg)
{
	const struct uiommu_platform *pf = viommu->hw.unit->platform;
	struct uiommu_mock_viommu_data data;
	const size_t min = __builtin_offsetof(struct uiommu_mock_viommu_data,
					      out_mmap_offset);
	uiommu_pa_t pa;
	int rc;

	rc = uiommu_user_get(cfg->data, UIOMMU_MOCK_VIOMMU_TYPE, &data,
			     sizeof(data), min);
	if (rc)
		return rc;
	viommu->pages = pf->table_alloc(pf->ctx, PAGES_SIZE, &pa);
	if (!viommu->pages)
		return -ENOMEM;
	memset(viommu->pages, 0, PAGES_SIZE);
	memcpy(viommu->pages, &data.in, sizeof(data.in));
	rc = cfg->add_window ? cfg->add_window(cfg->ctx, pa, PAGES_SIZE,
					       &data.out_mmap_offset)
			     : -EOPNOTSUPP;
	if (rc)
		goto err_pages;
	data.out = data.in;
	data.out_mmap_length = PAGES_SIZE;
	rc = uiommu_user_put(cfg->data, UIOMMU_MOCK_VIOMMU_TYPE, &data,
			     sizeof(data), min);
	if (rc)
		goto err_pages;
	return 0;

err_pages:
	pf->table_free(pf->ctx, viommu->pages, PAGES_SIZE);
	return rc;
}

static int nested_viommu_alloc(struct uiommu_hwdev *dev,
			       struct uiommu_hwdom *parent, uint32_t type,
			       const struct uiommu_viommu_cfg *cfg,
			       struct uiommu_hwviommu **out)
{
	struct mock_viommu *viommu;
	int rc = 0;

	if (parent->unit != dev->unit || parent->type != UIOMMU_DOM_PAGING)
		return -EINVAL;
	viommu = mock_alloc(dev->unit, sizeof(*viommu));
	if (!viommu)
		return -ENOMEM;
	viommu->hw = (struct uiommu_hwviommu){ dev->unit, parent };
	viommu->id = cfg->id;
	list_init(&viommu->vdevs);
	if (cfg->data && cfg->data->len)
		rc = give_pages(viommu, cfg);
	if (rc) {
		mock_free(dev->unit, viommu);
		return rc;
	}
	*out = &viommu->hw;
	return 0;
}

static void nested_viommu_free(struct uiommu_hwviommu *hw)
{
	const struct uiommu_platform *pf = hw->unit->platform;
	struct mock_viommu *viommu = viommu_of(hw);

	if (viommu->pages)
		pf->table_free(pf->ctx, viommu->pages, PAGES_SIZE);
	mock_free(hw->unit, viommu);
}

/* ------------------------------------------------------------- vdevices -- */

struct mock_vdev *mock_vdev_find(struct mock_viommu *viommu,
				 const struct mock_dev *dev)
{
	struct mock_vdev *vdev;

	list_for_each(vdev, &viommu->vdevs, node) {
		if (vdev->hw.dev == &dev->hwdev)
			return vdev;
	}
	return NULL;
}

static int nested_vdev_alloc(struct uiommu_hwviommu *hw,
			     struct uiommu_hwdev *dev, uint64_t virt_id,
			     struct uiommu_hwvdev **out)
{
	struct mock_unit *mu = mock_unit_of(hw->unit);
	struct mock_vdev *vdev = mock_alloc(hw->unit, sizeof(*vdev));

	if (!vdev)
		return -ENOMEM;
	vdev->hw = (struct uiommu_hwvdev){ hw, dev, virt_id };
	mock_lock(mu);
	list_add_tail(&viommu_of(hw)->vdevs, &vdev->node);
	mock_unlock(mu);
	*out = &vdev->hw;
	return 0;
}

static void nested_vdev_free(struct uiommu_hwvdev *hw)
{
	struct mock_vdev *vdev = container_of(hw, struct mock_vdev, hw);
	struct uiommu_unit *unit = hw->viommu->unit;

	mock_lock(mock_unit_of(unit));
	list_del(&vdev->node);
	mock_unlock(mock_unit_of(unit));
	mock_free(unit, vdev);
}

/* Lock held. */
static int invalidate_device(struct mock_viommu *viommu,
			     const struct uiommu_mock_viommu_inval *inval)
{
	uint32_t *cache = NULL;
	struct mock_vdev *vdev;

	list_for_each(vdev, &viommu->vdevs, node) {
		if (vdev->hw.virt_id == inval->virt_id)
			cache = mock_dev_of(vdev->hw.dev)->cache;
	}
	return invalidate_words(cache, UIOMMU_MOCK_CACHE_WORDS, inval->flags,
				inval->word);
}

static int nested_viommu_invalidate(struct uiommu_hwviommu *hw,
				    struct uiommu_user_array *array)
{
	const struct uiommu_user_array all = *array;
	struct mock_unit *mu = mock_unit_of(hw->unit);
	struct uiommu_mock_viommu_inval *invals;
	uint32_t i = 0;
	int rc;

	array->entry_num = 0;
	if (all.type != UIOMMU_MOCK_VIOMMU_INVALIDATE)
		return -EINVAL;
	if (!all.entry_num)
		return 0;
	invals = mock_alloc(hw->unit, all.entry_num * sizeof(*invals));
	if (!invals)
		return -ENOMEM;
	rc = uiommu_user_get_all(&all, all.type, invals, sizeof(*invals));
	mock_lock(mu);
	while (!rc && i < all.entry_num) {
		rc = invalidate_device(viommu_of(hw), &invals[i]);
		if (!rc)
			i++;
	}
	mock_unlock(mu);
	array->entry_num = i;
	mock_free(hw->unit, invals);
	return rc;
}

int uiommu_mock_vevent(struct uiommu_unit *unit, uint32_t id)
{
	struct mock_unit *mu = mock_unit_of(unit);
	struct uiommu_mock_vevent event = { 0 };
	uint64_t viommu = 0;
	struct mock_dev *dev;

	mock_lock(mu);
	dev = mock_dev_find(mu, id);
	if (dev && dev->viommu) {
		event.virt_id = (uint32_t)dev->virt_id;
		viommu = dev->viommu->id;
	}
	mock_unlock(mu);
	if (!event.virt_id)
		return -ENOENT;
	if (!unit->host || !unit->host->report_vevent)
		return -EOPNOTSUPP;
	return unit->host->report_vevent(unit->host_ctx, unit, viommu,
					 UIOMMU_MOCK_VEVENT_TYPE, &event,
					 sizeof(event));
}

/* --------------------------------------------------------------- queues -- */

static bool nested_queue_has(struct uiommu_hwviommu *viommu, uint32_t type)
{
	return type == UIOMMU_MOCK_QUEUE_TYPE;
}

/* Each needs the one before; lock held. */
static int place_queue(struct mock_viommu *viommu, struct mock_queue *queue)
{
	if (viommu->queue[queue->index])
		return -EEXIST;
	if (queue->index) {
		if (!viommu->queue[queue->index - 1])
			return -EIO;
		queue->hw.needs = &viommu->queue[queue->index - 1]->hw;
	}
	viommu->queue[queue->index] = queue;
	return 0;
}

static int nested_queue_alloc(struct uiommu_hwviommu *hw, uint32_t type,
			      uint32_t index, uiommu_iova_t iova,
			      uiommu_pa_t pa, uint64_t len,
			      struct uiommu_hwqueue **out)
{
	struct mock_unit *mu = mock_unit_of(hw->unit);
	struct mock_queue *queue;
	uiommu_pa_t found;
	int rc;

	if (index >= UIOMMU_MOCK_QUEUES)
		return -EINVAL;
	queue = mock_alloc(hw->unit, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	queue->hw.viommu = hw;
	queue->index = index;
	mock_lock(mu);
	rc = place_queue(viommu_of(hw), queue);
	/* The hardware would find it by its own walk. */
	if (!rc && (!mock_dom_lookup(mock_dom_of(hw->parent), iova, &found) ||
		    found != pa)) {
		viommu_of(hw)->queue[index] = NULL;
		rc = -EFAULT;
	}
	mock_unlock(mu);
	if (rc)
		mock_free(hw->unit, queue);
	else
		*out = &queue->hw;
	return rc;
}

static void nested_queue_free(struct uiommu_hwqueue *hw)
{
	struct mock_queue *queue = container_of(hw, struct mock_queue, hw);
	struct uiommu_unit *unit = hw->viommu->unit;

	mock_lock(mock_unit_of(unit));
	viommu_of(hw->viommu)->queue[queue->index] = NULL;
	mock_unlock(mock_unit_of(unit));
	mock_free(unit, queue);
}

const struct uiommu_nested_ops mock_nested_ops = {
	.dom_alloc = nested_dom_alloc,
	.dom_invalidate = nested_dom_invalidate,
	.viommu_has = nested_viommu_has,
	.viommu_alloc = nested_viommu_alloc,
	.viommu_free = nested_viommu_free,
	.viommu_dom_alloc = nested_viommu_dom_alloc,
	.viommu_invalidate = nested_viommu_invalidate,
	.vdev_alloc = nested_vdev_alloc,
	.vdev_free = nested_vdev_free,
	.queue_has = nested_queue_has,
	.queue_alloc = nested_queue_alloc,
	.queue_free = nested_queue_free,
};
