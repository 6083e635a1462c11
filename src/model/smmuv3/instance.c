/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * instance.c - making, resetting and unmaking a model, and its figures.
 *
 * All memory is taken at creation; nothing later can fail for want of memory
 * but the slots of new threads, which have a slow way around (drain.c).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "msmmu.h"

static void say(const struct uiommu_model_host *host, const char *msg)
{
	if (host->log)
		host->log(host->ctx, msg);
}

static void locks_init(msmmu *m)
{
	pthread_mutex_init(&m->lock, NULL);
	pthread_mutex_init(&m->irq_lock, NULL);
	pthread_mutex_init(&m->atc_lock, NULL);
	pthread_mutex_init(&m->cfg_lock, NULL);
	pthread_mutex_init(&m->views.lock, NULL);
	msmmu_cmdq_locks_init(m);
	pthread_mutex_init(&m->kick_lock, NULL);
	pthread_cond_init(&m->kick_cond, NULL);
}

static void locks_fini(msmmu *m)
{
	pthread_mutex_destroy(&m->lock);
	pthread_mutex_destroy(&m->irq_lock);
	pthread_mutex_destroy(&m->atc_lock);
	pthread_mutex_destroy(&m->cfg_lock);
	pthread_mutex_destroy(&m->views.lock);
	msmmu_cmdq_locks_fini(m);
	pthread_mutex_destroy(&m->kick_lock);
	pthread_cond_destroy(&m->kick_cond);
}

/* Other threads that held a lock at the fork do not exist here. */
static void forked(void *arg)
{
	msmmu *m = arg;

	locks_init(m);
	msmmu_raw_forked(m);
	m->thread_runs = false;
	msmmu_views_forked(m);
	msmmu_stall_forked(m);
}

static void reset_registers(msmmu *m)
{
	memset(m->reg, 0, sizeof(m->reg));
	for (unsigned int i = 0; i < 6; i++)
		m->reg[SMMU_REGIDX_IDR0 + i] = m->profile.idr[i];
	m->reg[SMMU_REGIDX_IDR6] = m->profile.idr[6];
	MSMMU_SET_REG(m, IIDR, m->profile.iidr);
	MSMMU_SET_REG(m, AIDR, m->profile.aidr);
	/* While off, what comes in goes through as it is. */
	m->gbpa = FIELD_PREP(SMMU_GBPA_SHCFG, SMMU_STE_SHCFG_INCOMING);
	MSMMU_SET_REG(m, GBPA, m->gbpa);
	m->cr2 = 0;
	m->enabled = 0;
	m->fast = 0;
	m->irq_pending = 0;
	m->last_event.valid = false;
	msmmu_ecmdq_reset(m);
	for (uint32_t i = 0; i <= m->nr_ecmdqs; i++) {
		struct msmmu_cmdq *q = msmmu_queue(m, i);

		q->was_full = false;
		q->nr_later = 0;
	}
	msmmu_atc_reset(m);
}

/* Nobody is inside or stalled any more, and nobody can be. */
static void turn_off(msmmu *m)
{
	store_release(&m->enabled, 0);
	store_release(&m->fast, 0);
	model_drain(&m->drain);
	msmmu_stall_abort_all(m);
	model_drain(&m->drain);
}

static int check(const struct uiommu_smmuv3_profile *profile,
		 const struct uiommu_model_host *host, struct msmmu_caps *caps)
{
	char why[96], line[160];

	if (!host->read || !host->write || !host->alloc != !host->free) {
		say(host, "smmuv3 model: memory callbacks are missing");
		return -EINVAL;
	}
	if (!msmmu_caps_from_profile(profile, caps, why, sizeof(why)))
		return 0;
	snprintf(line, sizeof(line), "smmuv3 model: profile %.32s: %s",
		 profile->name ? profile->name : "(no name)", why);
	say(host, line);
	return -EINVAL;
}

int uiommu_smmuv3_model_create(const struct uiommu_smmuv3_profile *profile,
			       const struct uiommu_model_host *host,
			       struct uiommu_smmuv3_model **out)
{
	struct msmmu_caps caps;
	int rc = check(profile, host, &caps);
	msmmu *m;

	if (rc)
		return rc;
	m = model_alloc(host, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->host = *host;
	m->profile = *profile;
	m->caps = caps;
	rc = model_drain_init(&m->drain, forked, m);
	if (rc)
		goto err_free;
	rc = msmmu_cmdq_init(m, &m->cmdq);
	if (!rc)
		rc = msmmu_ecmdq_init(m);
	locks_init(m);
	if (!rc)
		rc = msmmu_tlb_init(m);
	if (!rc)
		rc = msmmu_cfg_init(m);
	if (!rc)
		rc = msmmu_stall_init(m);
	if (rc)
		goto err_caches;
	reset_registers(m);
	*out = m;
	return 0;

err_caches:
	msmmu_stall_fini(m);
	msmmu_cfg_fini(m);
	msmmu_tlb_fini(m);
	locks_fini(m);
	msmmu_ecmdq_fini(m);
	msmmu_cmdq_fini(m, &m->cmdq);
	model_drain_fini(&m->drain);
err_free:
	model_free(host, m);
	return rc;
}

void uiommu_smmuv3_model_destroy(struct uiommu_smmuv3_model *model)
{
	struct uiommu_model_host host;

	if (!model)
		return;
	host = model->host;
	model_check_fork(&model->drain);
	msmmu_thread_stop(model);
	turn_off(model);
	msmmu_stall_fini(model);
	msmmu_cfg_fini(model);
	msmmu_tlb_fini(model);
	locks_fini(model);
	msmmu_ecmdq_fini(model);
	msmmu_cmdq_fini(model, &model->cmdq);
	model_drain_fini(&model->drain);
	model_free(&host, model);
}

void uiommu_smmuv3_model_reset(struct uiommu_smmuv3_model *model)
{
	model_check_fork(&model->drain);
	msmmu_thread_stop(model);
	turn_off(model);
	reset_registers(model);
	msmmu_tlb_reset(model);
	msmmu_cfg_reset(model);
	msmmu_notify_all(model);
}

void uiommu_smmuv3_model_set_fault_observer(
	struct uiommu_smmuv3_model *model,
	void (*fn)(void *ctx, const struct uiommu_smmuv3_fault_info *info),
	void *ctx)
{
	model->observe_ctx = ctx;
	model->observe = fn;
}

void uiommu_smmuv3_model_stats(struct uiommu_smmuv3_model *model,
			       struct uiommu_smmuv3_stats *stats)
{
	struct model_drain *d = &model->drain;
	uint64_t fast, misses;

	model_check_fork(d);
	fast = model_count_sum(d, MSMMU_FAST_HITS);
	misses = model_count_sum(d, MSMMU_FAST_MISSES);
	*stats = (struct uiommu_smmuv3_stats){
		.translations =
			fast + misses + model_count_sum(d, MSMMU_TRANSLATIONS),
		.tlb_hits = fast + model_count_sum(d, MSMMU_TLB_HITS),
		.tlb_misses = misses + model_count_sum(d, MSMMU_TLB_MISSES),
		.walks = misses + model_count_sum(d, MSMMU_WALKS),
		.walk_reads = misses + model_count_sum(d, MSMMU_WALK_READS),
		.config_hits =
			fast + misses + model_count_sum(d, MSMMU_CONFIG_HITS),
		.config_misses = model_count_sum(d, MSMMU_CONFIG_MISSES),
		.dma_read_bytes = model_count_sum(d, MSMMU_DMA_READ_BYTES),
		.dma_write_bytes = model_count_sum(d, MSMMU_DMA_WRITE_BYTES),
		.aborts = model_count_sum(d, MSMMU_ABORTS),
	};
	stats->commands = load_relaxed(&model->commands);
	stats->syncs = load_relaxed(&model->syncs);
	for (unsigned int i = 0; i < ARRAY_SIZE(model->commands_by_opcode); i++)
		stats->commands_by_opcode[i] =
			load_relaxed(&model->commands_by_opcode[i]);
	pthread_mutex_lock(&model->lock);
	stats->events = model->events;
	stats->events_lost = model->events_lost;
	stats->events_merged = model->events_merged;
	stats->stalls = model->stall.stalls;
	stats->resumed = model->stall.resumed;
	memcpy(stats->events_by_type, model->events_by_type,
	       sizeof(stats->events_by_type));
	pthread_mutex_unlock(&model->lock);
}
