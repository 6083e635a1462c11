/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * viommu.c - guests: nested domains, vIOMMUs and their vdevices.
 *
 * A nested domain is a domain without a page table of ours; where one is asked
 * for, to put a doorbell in, it is its parent's.  Parents and vIOMMUs outlive
 * what rests on them, as `children` checks: whoever destroys them out of order
 * has a mistake in his counts.
 *
 * Which virtual id is whose stands twice: here, to keep ids and devices apart,
 * and in the driver, which translates commands and events by it.  Both change
 * together under the group's lock, under which the device is attached too, so the
 * driver finds no vdevice come or go while it attaches.
 *
 * When the hardware does not answer, and a domain is dead for it, so are its
 * parent and its vIOMMU: what is freed must not be found again by the hardware.
 */
#include "core_private.h"

struct uiommu_viommu {
	struct uiommu_core *core;
	struct core_unit *cunit;
	struct uiommu_domain *parent;
	struct uiommu_hwviommu *hw;
	struct core_event_source events;
	uint32_t children; /* domains, vdevices and queues; atomic */
	uint32_t dead;	   /* the hardware may still use it; atomic */

	/* Protects `vdevs`.  Group lock outside, driver's locks inside. */
	pthread_mutex_t lock;
	struct list vdevs;
};

struct uiommu_vdevice {
	struct list node; /* uiommu_viommu.vdevs */
	struct uiommu_viommu *viommu;
	struct uiommu_device *dev;
	uint64_t virt_id;
	struct uiommu_hwvdev *hw; /* NULL: the driver keeps none */
};

static const struct uiommu_nested_ops *ops_of(const struct core_unit *cunit)
{
	static const struct uiommu_nested_ops none;
	const struct uiommu_nested_ops *ops = cunit->unit->ops->nested;

	return ops ? ops : &none;
}

bool core_domain_takes_guests(const struct uiommu_domain *dom,
			      const struct core_unit *cunit)
{
	return dom->hw->type == UIOMMU_DOM_PAGING &&
	       dom->cfg.flags & UIOMMU_DOM_NEST_PARENT &&
	       dom->cunit->unit->ops == cunit->unit->ops;
}

/* One child more of a parent.  -EBUSY: a PASID table is bound to it. */
static int adopt(struct uiommu_domain *parent)
{
	int rc = 0;

	pthread_mutex_lock(&parent->lock);
	if (load_acquire(&parent->bound))
		rc = -EBUSY;
	else
		fetch_add_acq_rel(&parent->children, 1);
	pthread_mutex_unlock(&parent->lock);
	return rc;
}

static void leave(struct uiommu_domain *parent)
{
	pthread_mutex_lock(&parent->lock);
	fetch_sub_acq_rel(&parent->children, 1);
	pthread_mutex_unlock(&parent->lock);
}

/* ------------------------------------------------------ nested domains -- */

/* The one of a parent, or, with a vIOMMU, of that. */
struct maker {
	struct core_unit *cunit;
	struct uiommu_domain *parent;
	struct uiommu_device *dev;
	struct uiommu_viommu *viommu; /* NULL: straight over the parent */
};

static int make_hw(const struct maker *maker, uint32_t flags,
		   const struct uiommu_user_data *data,
		   struct uiommu_hwdom **out)
{
	const struct uiommu_nested_ops *ops = ops_of(maker->cunit);

	return maker->viommu ? ops->viommu_dom_alloc(maker->viommu->hw, flags,
						     data, out)
			     : ops->dom_alloc(maker->dev->hw, maker->parent->hw,
					      flags, data, out);
}

static int make_domain(const struct maker *maker, uint32_t flags,
		       const struct uiommu_user_data *data,
		       struct uiommu_domain **out)
{
	struct uiommu_domain *dom;
	int rc;

	rc = adopt(maker->parent);
	if (rc)
		return rc;
	rc = core_domain_new(maker->parent->core, maker->cunit, &dom);
	if (rc)
		goto err_leave;
	rc = make_hw(maker, flags, data, &dom->hw);
	if (rc)
		goto err_discard;
	dom->cfg.type = UIOMMU_DOM_NESTED;
	dom->parent = maker->parent;
	dom->viommu = maker->viommu;
	if (maker->viommu)
		fetch_add_acq_rel(&maker->viommu->children, 1);
	core_domain_publish(dom);
	*out = dom;
	return 0;

err_discard:
	core_domain_discard(dom);
err_leave:
	leave(maker->parent);
	return rc;
}

int uiommu_domain_alloc_nested(struct uiommu_device *dev,
			       struct uiommu_domain *parent, uint32_t flags,
			       const struct uiommu_user_data *data,
			       struct uiommu_domain **out)
{
	const struct maker maker = {
		.cunit = dev->cunit,
		.parent = parent,
		.dev = dev,
	};

	if (!ops_of(dev->cunit)->dom_alloc)
		return -EOPNOTSUPP;
	if (!core_domain_takes_guests(parent, dev->cunit))
		return -EINVAL;
	return make_domain(&maker, flags, data, out);
}

int uiommu_viommu_domain_alloc(struct uiommu_viommu *viommu, uint32_t flags,
			       const struct uiommu_user_data *data,
			       struct uiommu_domain **out)
{
	const struct maker maker = {
		.cunit = viommu->cunit,
		.parent = viommu->parent,
		.viommu = viommu,
	};

	if (!ops_of(viommu->cunit)->viommu_dom_alloc)
		return -EOPNOTSUPP;
	return make_domain(&maker, flags, data, out);
}

void core_nested_close(struct uiommu_domain *dom)
{
	if (!dom->parent)
		return;
	leave(dom->parent);
	if (dom->viommu)
		fetch_sub_acq_rel(&dom->viommu->children, 1);
}

void core_domain_lose(struct uiommu_domain *dom)
{
	store_release(&dom->dead, 1);
	if (dom->parent)
		store_release(&dom->parent->dead, 1);
	if (dom->viommu)
		store_release(&dom->viommu->dead, 1);
}

struct uiommu_domain *uiommu_domain_parent(const struct uiommu_domain *domain)
{
	return domain->parent;
}

static int no_invalidation(struct uiommu_user_array *array)
{
	array->entry_num = 0;
	return -EOPNOTSUPP;
}

int uiommu_domain_invalidate(struct uiommu_domain *domain,
			     struct uiommu_user_array *array)
{
	const struct uiommu_nested_ops *ops = ops_of(domain->cunit);

	if (!domain->parent || !ops->dom_invalidate)
		return no_invalidation(array);
	return ops->dom_invalidate(domain->hw, array);
}

/* -------------------------------------------------------------- vIOMMUs -- */

bool uiommu_device_has_viommu(const struct uiommu_device *dev, uint32_t type)
{
	const struct uiommu_nested_ops *ops = ops_of(dev->cunit);

	return ops->viommu_has && ops->viommu_alloc &&
	       ops->viommu_has(dev->hw, type);
}

int uiommu_viommu_create(struct uiommu_device *dev,
			 struct uiommu_domain *parent,
			 const struct uiommu_viommu_args *args,
			 struct uiommu_viommu **out)
{
	struct uiommu_core *core = dev->core;
	struct uiommu_viommu_cfg cfg = {
		.id = fetch_add_relaxed(&core->event_ids, 1) + 1,
		.data = args->data,
		.add_window = args->add_window,
		.ctx = args->ctx,
	};
	struct uiommu_viommu *viommu;
	int rc;

	if (!uiommu_device_has_viommu(dev, args->type))
		return -EOPNOTSUPP;
	if (!core_domain_takes_guests(parent, dev->cunit))
		return -EINVAL;
	rc = adopt(parent);
	if (rc)
		return rc;
	viommu = core_alloc(core, sizeof(*viommu));
	rc = -ENOMEM;
	if (!viommu)
		goto err_leave;
	rc = core_mutex_init(&viommu->lock);
	if (rc)
		goto err_free;
	rc = ops_of(dev->cunit)
		     ->viommu_alloc(dev->hw, parent->hw, args->type, &cfg,
				    &viommu->hw);
	if (rc)
		goto err_lock;
	viommu->core = core;
	viommu->cunit = dev->cunit;
	viommu->parent = parent;
	list_init(&viommu->vdevs);
	core_events_open(core, &viommu->events, cfg.id);
	*out = viommu;
	return 0;

err_lock:
	pthread_mutex_destroy(&viommu->lock);
err_free:
	core_free(core, viommu);
err_leave:
	leave(parent);
	return rc;
}

void uiommu_viommu_destroy(struct uiommu_viommu *viommu)
{
	if (!viommu)
		return;
	UIOMMU_ASSERT(!load_acquire(&viommu->children));
	core_events_close(viommu->core, &viommu->events);
	if (!load_acquire(&viommu->dead))
		ops_of(viommu->cunit)->viommu_free(viommu->hw);
	leave(viommu->parent);
	pthread_mutex_destroy(&viommu->lock);
	core_free(viommu->core, viommu);
}

struct uiommu_unit *uiommu_viommu_unit(const struct uiommu_viommu *viommu)
{
	return viommu->cunit->unit;
}

int uiommu_viommu_invalidate(struct uiommu_viommu *viommu,
			     struct uiommu_user_array *array)
{
	const struct uiommu_nested_ops *ops = ops_of(viommu->cunit);

	if (!ops->viommu_invalidate)
		return no_invalidation(array);
	return ops->viommu_invalidate(viommu->hw, array);
}

int uiommu_viommu_set_events(struct uiommu_viommu *viommu, uint32_t type,
			     uiommu_vevent_fn *fn, void *ctx)
{
	return core_events_set(viommu->core, &viommu->events, type, fn, ctx);
}

void uiommu_viommu_clear_events(struct uiommu_viommu *viommu, uint32_t type)
{
	core_events_clear(viommu->core, &viommu->events, type);
}

/* ------------------------------------------------------------- vdevices -- */

/* Group lock held. */
static int add_vdevice(struct uiommu_vdevice *vdev)
{
	struct uiommu_viommu *viommu = vdev->viommu;
	const struct uiommu_nested_ops *ops = ops_of(viommu->cunit);
	struct uiommu_vdevice *it;
	int rc = 0;

	if (vdev->dev->vdev)
		return -EEXIST;
	pthread_mutex_lock(&viommu->lock);
	list_for_each(it, &viommu->vdevs, node)
		if (it->virt_id == vdev->virt_id)
			rc = -EEXIST;
	if (!rc && ops->vdev_alloc)
		rc = ops->vdev_alloc(viommu->hw, vdev->dev->hw, vdev->virt_id,
				     &vdev->hw);
	if (!rc) {
		list_add_tail(&viommu->vdevs, &vdev->node);
		fetch_add_acq_rel(&viommu->children, 1);
		vdev->dev->vdev = vdev;
	}
	pthread_mutex_unlock(&viommu->lock);
	return rc;
}

int uiommu_vdevice_create(struct uiommu_viommu *viommu,
			  struct uiommu_device *dev, uint64_t virt_id,
			  struct uiommu_vdevice **out)
{
	struct uiommu_vdevice *vdev;
	int rc;

	if (dev->cunit != viommu->cunit)
		return -EINVAL;
	vdev = core_alloc(dev->core, sizeof(*vdev));
	if (!vdev)
		return -ENOMEM;
	vdev->viommu = viommu;
	vdev->dev = dev;
	vdev->virt_id = virt_id;
	pthread_mutex_lock(&dev->group->lock);
	rc = add_vdevice(vdev);
	pthread_mutex_unlock(&dev->group->lock);
	if (rc)
		core_free(dev->core, vdev);
	else
		*out = vdev;
	return rc;
}

void uiommu_vdevice_destroy(struct uiommu_vdevice *vdev)
{
	struct uiommu_group *group = vdev->dev->group;
	struct uiommu_viommu *viommu = vdev->viommu;

	pthread_mutex_lock(&group->lock);
	pthread_mutex_lock(&viommu->lock);
	vdev->dev->vdev = NULL;
	list_del(&vdev->node);
	if (vdev->hw)
		ops_of(viommu->cunit)->vdev_free(vdev->hw);
	pthread_mutex_unlock(&viommu->lock);
	pthread_mutex_unlock(&group->lock);
	fetch_sub_acq_rel(&viommu->children, 1);
	core_free(viommu->core, vdev);
}

/* --------------------------------------------------------------- queues -- */

bool uiommu_viommu_has_queues(const struct uiommu_viommu *viommu, uint32_t type)
{
	const struct uiommu_nested_ops *ops = ops_of(viommu->cunit);

	return ops->queue_has && ops->queue_alloc &&
	       ops->queue_has(viommu->hw, type);
}

int uiommu_viommu_queue_alloc(struct uiommu_viommu *viommu, uint32_t type,
			      uint32_t index, uiommu_iova_t iova,
			      uiommu_pa_t pa, uint64_t len,
			      struct uiommu_hwqueue **out)
{
	if (!uiommu_viommu_has_queues(viommu, type))
		return -EOPNOTSUPP;
	return ops_of(viommu->cunit)
		->queue_alloc(viommu->hw, type, index, iova, pa, len, out);
}

void uiommu_viommu_queue_free(struct uiommu_hwqueue *queue)
{
	queue->viommu->unit->ops->nested->queue_free(queue);
}
