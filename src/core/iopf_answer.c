/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iopf_answer.c - how IO page faults end: answered by their handler, withdrawn
 * when a domain goes out of use, or too old.
 *
 * All three race for the group's state; one wins and tells the driver, with no
 * lock held, because that lets the device go on in the same thread.  The group
 * leaves its device's list after that.  So an ender, which waits until no group
 * of the attachment stands in the list, knows that every answer has been given
 * and every handler told.
 */
#include "iopf_private.h"

static struct core_iopf_group *to_group(struct uiommu_iopf_group *pub)
{
	return container_of(pub, struct core_iopf_group, pub);
}

void uiommu_iopf_group_get(struct uiommu_iopf_group *group)
{
	fetch_add_relaxed(&to_group(group)->refs, 1);
}

void uiommu_iopf_group_put(struct uiommu_iopf_group *pub)
{
	struct core_iopf_group *group = to_group(pub);

	if (fetch_sub_acq_rel(&group->refs, 1) == 1)
		core_free(group->core, group);
}

bool core_iopf_claim(struct core_iopf_group *group)
{
	uint32_t waits = CORE_IOPF_WAITS;

	return cmpxchg_acq_rel(&group->state, &waits, CORE_IOPF_ANSWERED);
}

static int tell_driver(const struct core_iopf_group *group,
		       enum uiommu_page_code code)
{
	const struct uiommu_page_response resp = {
		.stalled = group->pub.stalled,
		.id = group->hw_id,
		.pasid = group->pub.pasid,
		.token = group->pub.token,
		.code = code,
	};
	struct uiommu_hwdev *hw = group->pub.dev->hw;

	return hw->unit->ops->page_response(hw, &resp);
}

int core_iopf_answer(struct core_iopf_group *group, enum uiommu_page_code code,
		     bool withdraw)
{
	struct core_iopf *iopf = &group->pub.dev->iopf;
	const struct uiommu_domain *dom = group->pub.domain;
	struct uiommu_core *core = group->core;
	int rc = tell_driver(group, code);

	if (rc)
		core_log(core, UIOMMU_LOG_ERROR,
			 "%s: page fault group %u could not be answered (%d)",
			 group->pub.dev->name, group->pub.token, rc);
	if (withdraw) {
		core_count(&core->stats.iopf_withdrawn, 1);
		dom->iopf_ops->withdrawn(dom->iopf_ctx, &group->pub);
	}
	pthread_mutex_lock(&iopf->lock);
	list_del(&group->node);
	group->att->groups--;
	pthread_mutex_unlock(&iopf->lock);
	uiommu_iopf_group_put(&group->pub);
	return rc;
}

/* -------------------------------------------------------------- respond -- */

static int respond(struct core_iopf_group *group, enum uiommu_page_code code)
{
	if ((unsigned int)code > UIOMMU_PAGE_FAILURE) {
		core_log(group->core, UIOMMU_LOG_WARN,
			 "page fault group %llu: no such answer: %u",
			 (unsigned long long)group->pub.id, code);
		return -EINVAL;
	}
	if (!core_iopf_claim(group)) {
		core_log(group->core, UIOMMU_LOG_WARN,
			 "page fault group %llu has been answered before",
			 (unsigned long long)group->pub.id);
		return -ENOENT;
	}
	return core_iopf_answer(group, code, false);
}

int uiommu_iopf_group_respond(struct uiommu_iopf_group *group,
			      enum uiommu_page_code code)
{
	return respond(to_group(group), code);
}

int uiommu_device_iopf_respond(struct uiommu_device *dev, uint64_t id,
			       enum uiommu_page_code code)
{
	struct core_iopf_group *it, *found = NULL;
	int rc;

	pthread_mutex_lock(&dev->iopf.lock);
	list_for_each(it, &dev->iopf.groups, node) {
		if (it->pub.id != id)
			continue;
		found = it;
		uiommu_iopf_group_get(&it->pub);
		break;
	}
	pthread_mutex_unlock(&dev->iopf.lock);
	if (!found) {
		core_log(dev->core, UIOMMU_LOG_WARN,
			 "%s: no page fault group %llu waits", dev->name,
			 (unsigned long long)id);
		return -ENOENT;
	}
	rc = respond(found, code);
	uiommu_iopf_group_put(&found->pub);
	return rc;
}

/* ------------------------------------------------------------- time-outs -- */

/*
 * Claim what is too old; lock held.  A group that its handler is just being
 * given is left alone: it could be withdrawn before it has arrived.
 */
static void claim_old(struct uiommu_device *dev, uint64_t now,
		      struct list *work)
{
	const struct uiommu_core *core = dev->core;
	struct core_iopf_group *it;

	list_for_each(it, &dev->iopf.groups, node) {
		if (now - it->born < core->cfg.iopf_timeout_ns)
			return;
		if (it->delivered && core_iopf_claim(it))
			list_add_tail(work, &it->work);
	}
}

static unsigned int fail_all(struct list *work)
{
	struct core_iopf_group *it;
	unsigned int nr = 0;

	while ((it = list_first(work, struct core_iopf_group, work))) {
		list_del(&it->work);
		core_log(it->core, UIOMMU_LOG_WARN,
			 "%s: page fault at %#llx was not answered in time",
			 it->pub.dev->name,
			 (unsigned long long)it->pub.fault[0].iova);
		core_iopf_answer(it, UIOMMU_PAGE_FAILURE, true);
		nr++;
	}
	return nr;
}

static uint64_t now_ns(const struct uiommu_core *core)
{
	return core->platform->now_ns(core->platform->ctx);
}

void core_iopf_expire(struct uiommu_device *dev)
{
	struct list work;

	if (dev->core->cfg.iopf_timeout_ns == UIOMMU_IOPF_NO_TIMEOUT)
		return;
	list_init(&work);
	pthread_mutex_lock(&dev->iopf.lock);
	claim_old(dev, now_ns(dev->core), &work);
	pthread_mutex_unlock(&dev->iopf.lock);
	fail_all(&work);
}

unsigned int uiommu_core_iopf_expire(struct uiommu_core *core)
{
	uint64_t now = now_ns(core);
	struct uiommu_device *dev;
	struct list work;

	if (core->cfg.iopf_timeout_ns == UIOMMU_IOPF_NO_TIMEOUT)
		return 0;
	list_init(&work);
	pthread_mutex_lock(&core->lock);
	list_for_each(dev, &core->devices, core_node) {
		pthread_mutex_lock(&dev->iopf.lock);
		claim_old(dev, now, &work);
		pthread_mutex_unlock(&dev->iopf.lock);
	}
	pthread_mutex_unlock(&core->lock);
	return fail_all(&work);
}

/* ---------------------------------------------------------------- ending -- */

/* Is there something of the attachment that is still under way? */
static bool is_busy(struct core_iopf_att *att, bool calls)
{
	bool busy;

	pthread_mutex_lock(&att->dev->iopf.lock);
	busy = calls ? att->calls : att->groups;
	pthread_mutex_unlock(&att->dev->iopf.lock);
	return busy;
}

static void claim_all(struct core_iopf_att *att, struct list *work)
{
	struct core_iopf_group *it;

	pthread_mutex_lock(&att->dev->iopf.lock);
	list_for_each(it, &att->dev->iopf.groups, node)
		if (it->att == att && core_iopf_claim(it))
			list_add_tail(work, &it->work);
	pthread_mutex_unlock(&att->dev->iopf.lock);
}

static void finish(struct core_iopf_att *att)
{
	const struct uiommu_platform *p = att->dev->core->platform;
	struct core_iopf_group *it;
	struct list work;

	while (is_busy(att, true))
		p->relax(p->ctx);
	list_init(&work);
	claim_all(att, &work);
	while ((it = list_first(&work, struct core_iopf_group, work))) {
		list_del(&it->work);
		core_iopf_answer(it, UIOMMU_PAGE_INVALID, true);
	}
	/* Those that others answer. */
	while (is_busy(att, false))
		p->relax(p->ctx);
	core_free(att->dev->core, att);
}

void core_iopf_finish(struct list *ended)
{
	struct core_iopf_att *att;

	while ((att = list_first(ended, struct core_iopf_att, node))) {
		list_del(&att->node);
		finish(att);
	}
}
