/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iopf.c - IO page faults on their way up: from a driver's record to the group
 * that a domain's handler gets.
 *
 * Whose a fault is stands with the device: an *attachment* for each domain with
 * a handler that the device, or a PASID of it, has.  It is put there before the
 * hardware can cause a fault in the domain, and taken away after the hardware
 * has left it, so that nothing is lost in between.  While a domain is replaced
 * by another there are two; the newer one gets what comes.
 *
 * A group is counted on its attachment from under the lock under which the
 * attachment was found, and so is the call of the handler: who takes the
 * attachment away waits for both (iopf_answer.c).
 */
#include "bind_private.h"
#include "iopf_private.h"

/* Of one device; a device has at most 512 groups of its own under way. */
#define PARTIAL_MAX 512u

/* A request that is not the last of its group. */
struct partial {
	struct list node; /* core_iopf.partial */
	uint32_t hw_id;
	uint32_t pasid;
	uint32_t token;
	struct uiommu_iopf fault;
};

void core_iopf_init(struct core_iopf *iopf)
{
	list_init(&iopf->atts);
	list_init(&iopf->partial);
	list_init(&iopf->groups);
}

int uiommu_domain_set_iopf_handler(struct uiommu_domain *domain,
				   const struct uiommu_iopf_ops *ops, void *ctx)
{
	if (load_acquire(&domain->attached) || domain->iopf_ops)
		return core_told(domain->core, -EBUSY,
				 "page fault handler of a domain");
	domain->iopf_ops = ops;
	domain->iopf_ctx = ctx;
	return 0;
}

/* --------------------------------------------------------- requests kept -- */

/* All in this section: lock held. */

static void drop_partial(struct uiommu_device *dev, struct partial *part)
{
	list_del(&part->node);
	dev->iopf.nr_partial--;
	core_free(dev->core, part);
}

static void drop_all(struct uiommu_device *dev)
{
	struct partial *it, *next;

	list_for_each_safe(it, next, &dev->iopf.partial, node)
		drop_partial(dev, it);
}

static void drop_pasid(struct uiommu_device *dev, uint32_t pasid)
{
	struct partial *it, *next;

	list_for_each_safe(it, next, &dev->iopf.partial, node)
		if (it->pasid == pasid)
			drop_partial(dev, it);
}

static bool same_group(const struct partial *part,
		       const struct uiommu_page_request *last)
{
	return part->token == last->token && part->pasid == last->pasid &&
	       part->hw_id == last->id;
}

/* Move what came before `last` into `faults`, or drop it; how many. */
static unsigned int collect(struct uiommu_device *dev,
			    const struct uiommu_page_request *last,
			    struct uiommu_iopf *faults)
{
	struct partial *it, *next;
	unsigned int nr = 0;

	list_for_each_safe(it, next, &dev->iopf.partial, node) {
		if (!same_group(it, last))
			continue;
		if (faults)
			faults[nr] = it->fault;
		nr++;
		drop_partial(dev, it);
	}
	return nr;
}

static unsigned int count(const struct uiommu_device *dev,
			  const struct uiommu_page_request *last)
{
	const struct partial *it;
	unsigned int nr = 0;

	list_for_each(it, &dev->iopf.partial, node)
		nr += same_group(it, last);
	return nr;
}

/* ----------------------------------------------------------- attachments -- */

/* Lock held. */
static struct core_iopf_att *find_own(const struct uiommu_device *dev,
				      uint32_t pasid)
{
	struct core_iopf_att *it;

	list_for_each(it, &dev->iopf.atts, node)
		if (it->pasid == pasid)
			return it;
	return NULL;
}

/*
 * The one that a fault of the device belongs to, or NULL: PASIDs below a guest's
 * domain the guest has given out.  Lock held.
 */
static struct core_iopf_att *find_att(const struct uiommu_device *dev,
				      uint32_t pasid)
{
	struct core_iopf_att *att = find_own(dev, pasid);

	if (att || pasid == UIOMMU_NO_PASID)
		return att;
	att = find_own(dev, UIOMMU_NO_PASID);
	return att && core_domain_has_guest(att->domain) ? att : NULL;
}

static int begin(struct uiommu_device *dev, uint32_t pasid,
		 struct uiommu_domain *dom)
{
	struct core_iopf_att *att;

	if (!dev->hw->page_faults || !dev->cunit->unit->ops->page_response) {
		core_log(dev->core, UIOMMU_LOG_WARN,
			 "%s: cannot attach: it has no page faults", dev->name);
		return -ENODEV;
	}
	att = core_alloc(dev->core, sizeof(*att));
	if (!att)
		return -ENOMEM;
	att->dev = dev;
	att->domain = dom;
	att->pasid = pasid;
	pthread_mutex_lock(&dev->iopf.lock);
	list_add(&dev->iopf.atts, &att->node);
	pthread_mutex_unlock(&dev->iopf.lock);
	return 0;
}

static void end(struct uiommu_device *dev, uint32_t pasid,
		const struct uiommu_domain *dom, struct list *ended)
{
	struct core_iopf_att *it;

	pthread_mutex_lock(&dev->iopf.lock);
	list_for_each(it, &dev->iopf.atts, node) {
		if (it->pasid != pasid || it->domain != dom)
			continue;
		list_del(&it->node);
		list_add_tail(ended, &it->node);
		break;
	}
	/* Those of a newer one are not known from these. */
	if (core_domain_has_guest(dom))
		drop_all(dev);
	else
		drop_pasid(dev, pasid);
	pthread_mutex_unlock(&dev->iopf.lock);
}

int core_iopf_begin(struct uiommu_group *group, uint32_t pasid,
		    struct uiommu_domain *dom)
{
	struct uiommu_device *dev;
	int rc;

	if (!dom || !dom->iopf_ops)
		return 0;
	list_for_each(dev, &group->devices, group_node) {
		rc = begin(dev, pasid, dom);
		if (rc) {
			core_iopf_end(group, pasid, dom);
			return rc;
		}
	}
	return 0;
}

void core_iopf_end(struct uiommu_group *group, uint32_t pasid,
		   const struct uiommu_domain *dom)
{
	struct uiommu_device *dev;

	if (!dom || !dom->iopf_ops)
		return;
	list_for_each(dev, &group->devices, group_node)
		end(dev, pasid, dom, &group->iopf_ended);
}

void core_iopf_drop(struct uiommu_group *group)
{
	struct uiommu_device *dev;

	list_for_each(dev, &group->devices, group_node) {
		pthread_mutex_lock(&dev->iopf.lock);
		drop_all(dev);
		pthread_mutex_unlock(&dev->iopf.lock);
	}
}

void core_iopf_end_all(struct uiommu_device *dev, struct list *ended)
{
	struct core_iopf_att *it, *next;

	pthread_mutex_lock(&dev->iopf.lock);
	list_for_each_safe(it, next, &dev->iopf.atts, node) {
		list_del(&it->node);
		list_add_tail(ended, &it->node);
	}
	drop_all(dev);
	pthread_mutex_unlock(&dev->iopf.lock);
}

/* ---------------------------------------------------------------- groups -- */

static uint32_t perm_of(uint32_t flags)
{
	return flags & (UIOMMU_PAGE_READ | UIOMMU_PAGE_WRITE |
			UIOMMU_PAGE_EXEC | UIOMMU_PAGE_PRIV);
}

/* A group that `last` completes; lock held.  NULL: no memory. */
static struct core_iopf_group *make(struct core_iopf_att *att,
				    const struct uiommu_page_request *last,
				    bool stalled)
{
	struct uiommu_device *dev = att->dev;
	struct uiommu_core *core = dev->core;
	unsigned int nr = stalled ? 0 : count(dev, last);
	struct core_iopf_group *group;

	group = core_alloc(core,
			   sizeof(*group) + (nr + 1) * sizeof(group->fault[0]));
	if (!group) {
		collect(dev, last, NULL);
		return NULL;
	}
	if (nr)
		collect(dev, last, group->fault);
	group->fault[nr].iova = last->iova;
	group->fault[nr].perm = perm_of(last->flags);
	group->pub.dev = dev;
	group->pub.domain = att->domain;
	group->pub.id = fetch_add_relaxed(&core->iopf_ids, 1) + 1;
	group->pub.pasid = last->pasid;
	group->pub.token = last->token;
	group->pub.stalled = stalled;
	group->pub.nr = nr + 1;
	group->pub.fault = group->fault;
	group->core = core;
	group->att = att;
	group->hw_id = last->id;
	group->born = core->platform->now_ns(core->platform->ctx);
	/* The list's, the handler's, and its maker's. */
	group->refs = 3;
	list_init(&group->work);
	list_add_tail(&dev->iopf.groups, &group->node);
	att->groups++;
	att->calls++;
	return group;
}

/* The attachment cannot go before the call is taken back. */
static void deliver(struct core_iopf_att *att, struct core_iopf_group *group)
{
	const struct uiommu_domain *dom = att->domain;
	struct core_iopf *iopf = &att->dev->iopf;
	int rc;

	core_count(&group->core->stats.iopf_groups, 1);
	rc = dom->iopf_ops->fault(dom->iopf_ctx, &group->pub);
	if (rc) {
		if (core_iopf_claim(group))
			core_iopf_answer(group, UIOMMU_PAGE_FAILURE, false);
		uiommu_iopf_group_put(&group->pub);
	}
	pthread_mutex_lock(&iopf->lock);
	group->delivered = true;
	att->calls--;
	pthread_mutex_unlock(&iopf->lock);
	uiommu_iopf_group_put(&group->pub);
}

static void refuse(struct uiommu_device *dev,
		   const struct uiommu_page_request *last, bool stalled,
		   enum uiommu_page_code code)
{
	const struct uiommu_page_response resp = {
		.stalled = stalled,
		.id = last->id,
		.pasid = last->pasid,
		.token = last->token,
		.code = code,
	};
	const struct uiommu_driver_ops *ops = dev->cunit->unit->ops;

	if (ops->page_response)
		ops->page_response(dev->hw, &resp);
}

/* False: there is no handler. */
static bool complete(struct uiommu_device *dev,
		     const struct uiommu_page_request *last, bool stalled)
{
	struct core_iopf_group *group = NULL;
	struct core_iopf_att *att;

	core_iopf_expire(dev);
	pthread_mutex_lock(&dev->iopf.lock);
	att = find_att(dev, last->pasid);
	if (att)
		group = make(att, last, stalled);
	else
		collect(dev, last, NULL);
	pthread_mutex_unlock(&dev->iopf.lock);
	if (group) {
		deliver(att, group);
		return true;
	}
	if (att)
		core_log(dev->core, UIOMMU_LOG_WARN,
			 "%s: no memory for a page fault group", dev->name);
	refuse(dev, last, stalled,
	       att ? UIOMMU_PAGE_FAILURE : UIOMMU_PAGE_INVALID);
	return att;
}

/* --------------------------------------------------------------- reports -- */

static void keep(struct uiommu_device *dev,
		 const struct uiommu_page_request *req)
{
	struct partial *part;

	pthread_mutex_lock(&dev->iopf.lock);
	if (!find_att(dev, req->pasid))
		goto out_unlock;
	if (dev->iopf.nr_partial == PARTIAL_MAX) {
		core_log(dev->core, UIOMMU_LOG_WARN,
			 "%s: page requests without a last are dropped",
			 dev->name);
		drop_all(dev);
	}
	part = core_alloc(dev->core, sizeof(*part));
	/* The group's last tells the device to ask again. */
	if (!part)
		goto out_unlock;
	part->hw_id = req->id;
	part->pasid = req->pasid;
	part->token = req->token;
	part->fault.iova = req->iova;
	part->fault.perm = perm_of(req->flags);
	list_add_tail(&dev->iopf.partial, &part->node);
	dev->iopf.nr_partial++;
out_unlock:
	pthread_mutex_unlock(&dev->iopf.lock);
}

void core_iopf_request(struct uiommu_device *dev,
		       const struct uiommu_page_request *req)
{
	struct uiommu_fault fault = {
		.kind = UIOMMU_FAULT_TRANSLATION,
		.id = req->id,
		.pasid = req->pasid,
		.iova = req->iova,
	};

	if (req->flags & UIOMMU_PAGE_STOP) {
		pthread_mutex_lock(&dev->iopf.lock);
		drop_pasid(dev, req->pasid);
		pthread_mutex_unlock(&dev->iopf.lock);
	} else if (!(req->flags & UIOMMU_PAGE_LAST)) {
		keep(dev, req);
	} else if (!complete(dev, req, false)) {
		if (req->flags & UIOMMU_PAGE_WRITE)
			fault.flags |= UIOMMU_FAULT_WRITE;
		core_fault_unowned(dev, &fault);
	}
}

bool core_iopf_stalled(struct uiommu_device *dev,
		       const struct uiommu_fault *fault)
{
	struct uiommu_page_request req = {
		.flags = fault->flags & UIOMMU_FAULT_WRITE ? UIOMMU_PAGE_WRITE
							   : UIOMMU_PAGE_READ,
		.id = fault->id,
		.pasid = fault->pasid,
		.token = fault->token,
		.iova = fault->iova,
	};

	if (fault->flags & UIOMMU_FAULT_INSTR)
		req.flags |= UIOMMU_PAGE_EXEC;
	if (fault->flags & UIOMMU_FAULT_PRIV)
		req.flags |= UIOMMU_PAGE_PRIV;
	return complete(dev, &req, true);
}

void core_iopf_lost(struct uiommu_core *core, const struct uiommu_unit *unit)
{
	struct uiommu_device *dev;

	pthread_mutex_lock(&core->lock);
	list_for_each(dev, &core->devices, core_node) {
		if (dev->cunit->unit != unit)
			continue;
		pthread_mutex_lock(&dev->iopf.lock);
		drop_all(dev);
		pthread_mutex_unlock(&dev->iopf.lock);
	}
	pthread_mutex_unlock(&core->lock);
}
