/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event.c - what the hardware reports of a guest, on its way to the guest.
 *
 * A driver names a vIOMMU by the id that it was given, which is nobody else's
 * ever: so a report that comes late finds nothing.  Who takes the events of a
 * kind is looked up and counted under the core's lock, and called without it;
 * who takes a handler away waits until nobody is in it.
 */
#include "core_private.h"

struct event_sink {
	struct list node; /* core_event_source.sinks; core lock */
	uint32_t type;
	uint32_t calls; /* under way; atomic */
	uiommu_vevent_fn *fn;
	void *ctx;
};

void core_events_open(struct uiommu_core *core, struct core_event_source *src,
		      uint64_t id)
{
	src->id = id;
	list_init(&src->sinks);
	core_list(core, &core->event_sources, &src->node);
}

void core_events_close(struct uiommu_core *core, struct core_event_source *src)
{
	UIOMMU_ASSERT(list_empty(&src->sinks));
	core_unlist(core, &src->node, NULL);
}

/* Core lock held for both. */

static struct event_sink *find_sink(const struct core_event_source *src,
				    uint32_t type)
{
	struct event_sink *it;

	list_for_each(it, &src->sinks, node)
		if (it->type == type)
			return it;
	return NULL;
}

static struct core_event_source *find_source(const struct uiommu_core *core,
					     uint64_t id)
{
	struct core_event_source *it;

	list_for_each(it, &core->event_sources, node)
		if (it->id == id)
			return it;
	return NULL;
}

int core_events_set(struct uiommu_core *core, struct core_event_source *src,
		    uint32_t type, uiommu_vevent_fn *fn, void *ctx)
{
	struct event_sink *sink = core_alloc(core, sizeof(*sink));
	int rc = 0;

	if (!sink)
		return -ENOMEM;
	sink->type = type;
	sink->fn = fn;
	sink->ctx = ctx;
	pthread_mutex_lock(&core->lock);
	if (find_sink(src, type))
		rc = -EEXIST;
	else
		list_add_tail(&src->sinks, &sink->node);
	pthread_mutex_unlock(&core->lock);
	if (rc)
		core_free(core, sink);
	return rc;
}

void core_events_clear(struct uiommu_core *core, struct core_event_source *src,
		       uint32_t type)
{
	const struct uiommu_platform *p = core->platform;
	struct event_sink *sink;

	pthread_mutex_lock(&core->lock);
	sink = find_sink(src, type);
	if (sink)
		list_del(&sink->node);
	pthread_mutex_unlock(&core->lock);
	if (!sink)
		return;
	while (load_acquire(&sink->calls))
		p->relax(p->ctx);
	core_free(core, sink);
}

int core_report_vevent(void *host_ctx, struct uiommu_unit *unit, uint64_t id,
		       uint32_t type, const void *data, size_t len)
{
	struct uiommu_core *core = host_ctx;
	struct core_event_source *src;
	struct event_sink *sink = NULL;
	int rc;

	pthread_mutex_lock(&core->lock);
	src = find_source(core, id);
	if (src)
		sink = find_sink(src, type);
	if (sink)
		fetch_add_acq_rel(&sink->calls, 1);
	pthread_mutex_unlock(&core->lock);
	if (!sink)
		return -EOPNOTSUPP;
	rc = sink->fn(sink->ctx, data, len);
	fetch_sub_acq_rel(&sink->calls, 1);
	return rc;
}
