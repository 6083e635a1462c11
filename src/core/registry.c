/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * registry.c - the instance: units, counters, memory, locks.
 *
 * A core holds lists of its units, groups and devices under one lock.  Each
 * unit has one blocked domain, made with it, so that putting a device out of
 * use never allocates.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "core_private.h"

void *core_alloc(struct uiommu_core *core, size_t size)
{
	return core->platform->obj_alloc(core->platform->ctx, size);
}

void core_free(struct uiommu_core *core, void *obj)
{
	if (obj)
		core->platform->obj_free(core->platform->ctx, obj);
}

int core_mutex_init(pthread_mutex_t *lock)
{
	return -pthread_mutex_init(lock, NULL);
}

int core_rwlock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;
	int rc;

	rc = -pthread_rwlockattr_init(&attr);
	if (rc)
		return rc;
	pthread_rwlockattr_setkind_np(
		&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	rc = -pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return rc;
}

int core_told(struct uiommu_core *core, int rc, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	if (rc >= 0)
		return rc;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	core_log(core, UIOMMU_LOG_DEBUG, "%s: refused (%d)", what, rc);
	return rc;
}

void core_log(struct uiommu_core *core, enum uiommu_log_level level,
	      const char *fmt, ...)
{
	char msg[256];
	va_list ap;

	if (!core->platform->log)
		return;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	core->platform->log(core->platform->ctx, level, msg);
}

void core_count(uint64_t *counter, uint64_t add)
{
	fetch_add_relaxed(counter, add);
}

void core_gauge(uint64_t *gauge, uint64_t *peak, int64_t add)
{
	uint64_t now = fetch_add_relaxed(gauge, (uint64_t)add) + (uint64_t)add;
	uint64_t top = load_relaxed(peak);

	while (add > 0 && now > top && !cmpxchg_acq_rel(peak, &top, now))
		;
}

int uiommu_core_create(const struct uiommu_core_cfg *cfg,
		       struct uiommu_core **out)
{
	struct uiommu_core *core;
	int rc;

	core = cfg->platform->obj_alloc(cfg->platform->ctx, sizeof(*core));
	if (!core)
		return -ENOMEM;
	core->platform = cfg->platform;
	core->cfg = *cfg;
	if (!core->cfg.iopf_timeout_ns)
		core->cfg.iopf_timeout_ns = UIOMMU_IOPF_TIMEOUT_NS;
	core->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	list_init(&core->units);
	list_init(&core->groups);
	list_init(&core->devices);
	for (unsigned int i = 0; i < CORE_DEVICE_LISTS; i++)
		list_init(&core->device_at[i]);
	list_init(&core->domains);
	list_init(&core->ioases);
	list_init(&core->event_sources);
	list_init(&core->abandoned);
	list_init(&core->revocable);
	list_init(&core->sva_spaces);
	rc = core_mutex_init(&core->lock);
	if (rc)
		goto err_free;
	rc = core_mutex_init(&core->sva_lock);
	if (rc)
		goto err_lock;
	rc = core_mutex_init(&core->dump_lock);
	if (rc)
		goto err_sva;
	*out = core;
	return 0;

err_sva:
	pthread_mutex_destroy(&core->sva_lock);
err_lock:
	pthread_mutex_destroy(&core->lock);
err_free:
	core_free(core, core);
	return rc;
}

void uiommu_core_destroy(struct uiommu_core *core)
{
	struct core_unit *cunit, *tmp;
	struct core_pages *pages, *next;

	if (!core)
		return;
	UIOMMU_ASSERT(list_empty(&core->devices));
	list_for_each_safe(cunit, tmp, &core->units, node) {
		const struct uiommu_driver_ops *ops = cunit->unit->ops;

		list_del(&cunit->node);
		ops->dom_free(cunit->blocked);
		ops->remove(cunit->unit);
		core_free(core, cunit);
	}
	list_for_each_safe(pages, next, &core->abandoned, abandoned)
		core_pages_forget(pages);
	core_pasid_ids_fini(core);
	pthread_mutex_destroy(&core->dump_lock);
	pthread_mutex_destroy(&core->sva_lock);
	pthread_mutex_destroy(&core->lock);
	core_free(core, core);
}

int uiommu_core_add_unit(struct uiommu_core *core, struct uiommu_unit *unit)
{
	struct uiommu_dom_cfg cfg = { .type = UIOMMU_DOM_BLOCKED };
	struct core_unit *cunit;
	int rc;

	if (unit->host_ctx != core)
		return -EINVAL;
	cunit = core_alloc(core, sizeof(*cunit));
	if (!cunit)
		return -ENOMEM;
	cunit->unit = unit;
	unit->ops->caps(unit, &cunit->caps);
	rc = unit->ops->dom_alloc(unit, &cfg, &cunit->blocked);
	if (rc)
		goto err_free;
	pthread_mutex_lock(&core->lock);
	list_add_tail(&core->units, &cunit->node);
	pthread_mutex_unlock(&core->lock);
	return 0;

err_free:
	core_free(core, cunit);
	return rc;
}

void uiommu_core_stats(struct uiommu_core *core,
		       struct uiommu_core_stats *stats)
{
	const struct uiommu_core_stats *s = &core->stats;

	stats->maps = load_relaxed(&s->maps);
	stats->unmaps = load_relaxed(&s->unmaps);
	stats->map_bytes = load_relaxed(&s->map_bytes);
	stats->unmap_bytes = load_relaxed(&s->unmap_bytes);
	stats->domains_made = load_relaxed(&s->domains_made);
	stats->domains_freed = load_relaxed(&s->domains_freed);
	stats->attaches = load_relaxed(&s->attaches);
	stats->faults = load_relaxed(&s->faults);
	stats->iopf_groups = load_relaxed(&s->iopf_groups);
	stats->iopf_withdrawn = load_relaxed(&s->iopf_withdrawn);
	stats->pinned_bytes = load_relaxed(&s->pinned_bytes);
	stats->pinned_peak = load_relaxed(&s->pinned_peak);
	stats->areas = load_relaxed(&s->areas);
	stats->areas_peak = load_relaxed(&s->areas_peak);
	stats->table_bytes_peak = load_relaxed(&s->table_bytes_peak);
}
