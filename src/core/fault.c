/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.c - what drivers report, on its way up.
 *
 * The driver names a device by the cookie it was given.  A cookie is only
 * believed if the device is still on the core's list; then the device is held
 * while somebody is told, with no lock of ours taken: the handler of the domain
 * that the device has, or else the embedder.
 */
#include "core_private.h"

static const char *kind_name(enum uiommu_fault_kind kind)
{
	switch (kind) {
	case UIOMMU_FAULT_TRANSLATION:
		return "translation fault";
	case UIOMMU_FAULT_PERMISSION:
		return "permission fault";
	case UIOMMU_FAULT_ACCESS_FLAG:
		return "access flag fault";
	case UIOMMU_FAULT_ADDR_SIZE:
		return "address size fault";
	case UIOMMU_FAULT_EXTERNAL_ABORT:
		return "external abort on a table";
	case UIOMMU_FAULT_CONFIG:
		return "unusable device entry";
	case UIOMMU_FAULT_UNKNOWN_ID:
		return "unknown device";
	case UIOMMU_FAULT_OTHER:
		break;
	}
	return "fault";
}

static struct uiommu_device *get_device(struct uiommu_core *core,
					const void *cookie)
{
	struct uiommu_device *it, *found = NULL;

	pthread_mutex_lock(&core->lock);
	list_for_each(it, core_device_list(core, cookie), at_node) {
		if (it != cookie)
			continue;
		fetch_add_acq_rel(&it->reports, 1);
		found = it;
		break;
	}
	pthread_mutex_unlock(&core->lock);
	return found;
}

static void put_device(struct uiommu_device *dev)
{
	if (dev)
		fetch_sub_acq_rel(&dev->reports, 1);
}

/* ------------------------------------------------- domains' own handlers -- */

void core_device_faults_to(struct uiommu_device *dev, struct uiommu_domain *dom)
{
	pthread_mutex_lock(&dev->core->lock);
	dev->fault_domain = dom;
	pthread_mutex_unlock(&dev->core->lock);
}

void core_faults_to(struct uiommu_group *group, struct uiommu_domain *dom)
{
	struct uiommu_device *dev;

	list_for_each(dev, &group->devices, group_node)
		core_device_faults_to(dev, dom);
}

static uint32_t *calls_of(struct uiommu_domain *dom, uint32_t turn)
{
	return &dom->fault_calls[turn % ARRAY_SIZE(dom->fault_calls)];
}

/*
 * Takes the core lock when there are counters to spare: the handler before the one that
 * is there now has ended.
 */
static uint32_t lock_turn(struct uiommu_domain *dom)
{
	const struct uiommu_platform *p = dom->core->platform;

	for (;;) {
		pthread_mutex_lock(&dom->core->lock);
		if (!load_acquire(calls_of(dom, dom->fault_turn + 1)))
			return dom->fault_turn;
		pthread_mutex_unlock(&dom->core->lock);
		p->relax(p->ctx);
	}
}

void uiommu_domain_set_fault_handler(struct uiommu_domain *domain,
				     uiommu_domain_fault_fn *fn, void *ctx)
{
	const struct uiommu_platform *p = domain->core->platform;
	uint32_t turn = lock_turn(domain);

	domain->fault_fn = fn;
	domain->fault_ctx = ctx;
	store_release(&domain->fault_turn, turn + 1);
	pthread_mutex_unlock(&domain->core->lock);
	/*
	 * Not for those of the new one, which may never end.  Who has changed it
	 * since has seen the old ones end.
	 */
	while (load_acquire(&domain->fault_turn) == turn + 1 &&
	       load_acquire(calls_of(domain, turn)))
		p->relax(p->ctx);
}

void core_faults_close(struct uiommu_domain *dom)
{
	const struct uiommu_platform *p = dom->core->platform;

	for (uint32_t turn = 0; turn < ARRAY_SIZE(dom->fault_calls); turn++)
		while (load_acquire(calls_of(dom, turn)))
			p->relax(p->ctx);
}

/* Did the handler of the device's domain take it? */
static bool tell_domain(struct uiommu_device *dev,
			const struct uiommu_fault *fault)
{
	uiommu_domain_fault_fn *fn = NULL;
	struct uiommu_domain *dom;
	uint32_t *calls = NULL;
	void *ctx = NULL;
	bool taken;

	pthread_mutex_lock(&dev->core->lock);
	dom = dev->fault_domain;
	if (dom && dom->fault_fn) {
		fn = dom->fault_fn;
		ctx = dom->fault_ctx;
		calls = calls_of(dom, dom->fault_turn);
		fetch_add_acq_rel(calls, 1);
	}
	pthread_mutex_unlock(&dev->core->lock);
	if (!fn)
		return false;
	taken = fn(ctx, dev, fault);
	fetch_sub_acq_rel(calls, 1);
	return taken;
}

/* dev NULL: of no device that we know. */
static void unowned(struct uiommu_core *core, struct uiommu_device *dev,
		    const struct uiommu_fault *fault)
{
	core_count(&core->stats.faults, 1);
	/* Whose domain the device had then nobody knows any more. */
	if (dev && !(fault->flags & UIOMMU_FAULT_BEFORE) &&
	    tell_domain(dev, fault))
		return;
	if (core->cfg.fault)
		core->cfg.fault(core->cfg.ctx, dev, fault);
	else
		core_log(core, UIOMMU_LOG_WARN,
			 "%s (id %#x): %s, %s%s at iova %#llx",
			 dev ? dev->name : "no device", fault->id,
			 kind_name(fault->kind),
			 fault->flags & UIOMMU_FAULT_WRITE ? "write" : "read",
			 fault->flags & UIOMMU_FAULT_STAGE2 ? " (stage 2)" : "",
			 (unsigned long long)fault->iova);
}

void core_fault_unowned(struct uiommu_device *dev,
			const struct uiommu_fault *fault)
{
	unowned(dev->core, dev, fault);
}

static void report_fault(void *host_ctx, struct uiommu_unit *unit,
			 const struct uiommu_fault *fault)
{
	struct uiommu_core *core = host_ctx;
	struct uiommu_device *dev = get_device(core, fault->cookie);

	/* A device that has just gone took what was stalled with it. */
	if (!dev || !(fault->flags & UIOMMU_FAULT_STALLED) ||
	    !core_iopf_stalled(dev, fault))
		unowned(core, dev, fault);
	put_device(dev);
}

static void report_page_request(void *host_ctx, struct uiommu_unit *unit,
				const struct uiommu_page_request *req)
{
	struct uiommu_device *dev = get_device(host_ctx, req->cookie);

	if (dev)
		core_iopf_request(dev, req);
	put_device(dev);
}

static void page_requests_lost(void *host_ctx, struct uiommu_unit *unit)
{
	core_iopf_lost(host_ctx, unit);
}

/* The driver holds its lock of the device, whose removal waits for that. */
static void set_ats(void *host_ctx, struct uiommu_unit *unit, void *cookie,
		    bool enable)
{
	const struct uiommu_device *dev = cookie;

	if (dev->set_ats)
		dev->set_ats(dev->cookie, enable);
}

static void faults_lost(void *host_ctx, struct uiommu_unit *unit)
{
	core_log(host_ctx, UIOMMU_LOG_WARN, "fault records were lost");
}

const struct uiommu_host_ops uiommu_core_host_ops = {
	.report_fault = report_fault,
	.faults_lost = faults_lost,
	.report_page_request = report_page_request,
	.page_requests_lost = page_requests_lost,
	.report_vevent = core_report_vevent,
	.set_ats = set_ats,
};
