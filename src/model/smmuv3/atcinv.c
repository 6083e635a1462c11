/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * atcinv.c - CMD_ATC_INV: endpoints forget translations (IHI 0070 3.9.1, 4.5).
 *
 * The command is passed as soon as it has a tag; the endpoint is told with the
 * queue's lock released, and may take its time.  CMD_SYNC waits until none of
 * its queue is outstanding.  There are as many tags as PCIe has, for all queues
 * together; when all are in use the next command waits for one.
 *
 * A tag carries how often its slot was used before, so that an answer which
 * comes too late, or twice, is known as such.
 */
#include <errno.h>

#include "../mutant.h"
#include "msmmu.h"

/*
 * What this thread is in the middle of: calling an endpoint for a queue, which
 * goes on by itself after that, or waking queues of a model.
 */
struct call {
	const struct msmmu_cmdq *q;
	const msmmu *fed;
	const struct call *outer;
};
static __thread const struct call *calls;

static bool is_calling(const struct msmmu_cmdq *q)
{
	for (const struct call *c = calls; c; c = c->outer) {
		if (c->q == q)
			return true;
	}
	return false;
}

void msmmu_atc_reset(msmmu *m)
{
	pthread_mutex_lock(&m->atc_lock);
	for (uint32_t i = 0; i < MSMMU_ATC_TAGS; i++) {
		uint32_t uses = m->atc_slot[i].tag / MSMMU_ATC_TAGS + 1;

		m->atc_slot[i].tag = uses * MSMMU_ATC_TAGS + i;
		m->atc_slot[i].q = NULL;
	}
	for (uint32_t i = 0; i <= m->nr_ecmdqs; i++) {
		struct msmmu_cmdq *q = msmmu_queue(m, i);

		q->atc_waiting = 0;
		q->atc_failed = q->atc_starved = false;
	}
	m->atc_starved = 0;
	pthread_mutex_unlock(&m->atc_lock);
}

bool msmmu_atc_none(msmmu *m)
{
	bool none;

	pthread_mutex_lock(&m->atc_lock);
	none = !m->atc_starved;
	for (uint32_t i = 0; i < MSMMU_ATC_TAGS; i++)
		none &= !m->atc_slot[i].q;
	pthread_mutex_unlock(&m->atc_lock);
	return none;
}

/* ----------------------------------------------- under the queue's lock -- */

/* 0, or -EBUSY: the queue will be kicked when there is one. */
static int take_tag(msmmu *m, struct msmmu_cmdq *q, uint32_t *tag)
{
	int rc = -EBUSY;

	pthread_mutex_lock(&m->atc_lock);
	for (uint32_t i = 0; i < MSMMU_ATC_TAGS && rc; i++) {
		if (m->atc_slot[i].q)
			continue;
		m->atc_slot[i].q = q;
		*tag = m->atc_slot[i].tag;
		q->atc_waiting++;
		rc = 0;
	}
	if (rc && !q->atc_starved) {
		q->atc_starved = true;
		m->atc_starved++;
	}
	pthread_mutex_unlock(&m->atc_lock);
	return rc;
}

enum msmmu_outcome msmmu_atc_sync(msmmu *m, struct msmmu_cmdq *q)
{
	enum msmmu_outcome outcome = MSMMU_PASS;

	pthread_mutex_lock(&m->atc_lock);
	if (q->atc_waiting && !MUTANT("atcinv-sync-waits")) {
		outcome = MSMMU_WAIT;
	} else if (q->atc_failed) {
		/* The next one, the same again, may pass. */
		q->atc_failed = false;
		outcome = MSMMU_STOP_ATC;
	}
	pthread_mutex_unlock(&m->atc_lock);
	return outcome;
}

/* ------------------------------------------------------- with no lock ---- */

/* A queue that waits for a tag, if there is one for it. */
static struct msmmu_cmdq *take_starved(msmmu *m)
{
	struct msmmu_cmdq *q = NULL;
	bool room = false;

	pthread_mutex_lock(&m->atc_lock);
	for (uint32_t i = 0; i < MSMMU_ATC_TAGS; i++)
		room |= !m->atc_slot[i].q;
	for (uint32_t i = 0; m->atc_starved && room && !q; i++) {
		if (msmmu_queue(m, i)->atc_starved)
			q = msmmu_queue(m, i);
	}
	if (q) {
		q->atc_starved = false;
		m->atc_starved--;
	}
	pthread_mutex_unlock(&m->atc_lock);
	return q;
}

/*
 * Tags have come free.  The queues that go on may free more of them, and the
 * call that is here already goes on with those: calls do not nest by the number
 * of queues.
 */
static void feed_starved(msmmu *m)
{
	struct call call = { .fed = m, .outer = calls };
	struct msmmu_cmdq *q;

	for (const struct call *c = calls; c; c = c->outer) {
		if (c->fed == m)
			return;
	}
	calls = &call;
	while ((q = take_starved(m))) {
		if (!is_calling(q))
			msmmu_cmdq_kick(m, q);
	}
	calls = call.outer;
}

/* Whose it was, or NULL: nobody waits for this answer. */
static struct msmmu_cmdq *complete(msmmu *m, uint32_t tag, int status)
{
	struct msmmu_atc_slot *slot = &m->atc_slot[tag % MSMMU_ATC_TAGS];
	struct msmmu_cmdq *q = NULL;
	bool starved;

	pthread_mutex_lock(&m->atc_lock);
	if (slot->q && slot->tag == tag) {
		q = slot->q;
		slot->q = NULL;
		slot->tag += MSMMU_ATC_TAGS;
		q->atc_waiting--;
		if (status && !MUTANT("atcinv-timeout"))
			q->atc_failed = true;
	}
	starved = q && m->atc_starved;
	pthread_mutex_unlock(&m->atc_lock);
	if (starved)
		feed_starved(m);
	return q;
}

static void tell_endpoint(msmmu *m, const struct msmmu_work *work)
{
	struct call call = { .q = work->q, .outer = calls };
	int rc = 0;

	calls = &call;
	if (m->host.ats_invalidate && !MUTANT("atcinv-effect"))
		rc = m->host.ats_invalidate(m->host.ctx, &work->atc);
	if (rc != -EINPROGRESS)
		(void)complete(m, work->atc.tag, rc);
	calls = call.outer;
}

void uiommu_smmuv3_model_ats_inval_done(struct uiommu_smmuv3_model *model,
					uint32_t tag, int status)
{
	struct msmmu_cmdq *q;

	model_check_fork(&model->drain);
	q = complete(model, tag, status);
	if (q && !is_calling(q))
		msmmu_cmdq_kick(model, q);
}

enum msmmu_outcome msmmu_atc_inv_cmd(msmmu *m, const struct smmu_cmd *cmd,
				     struct msmmu_work *work)
{
	unsigned int size = FIELD_GET(SMMU_CMD_ATC_1_SIZE, cmd->q[1]);
	uint64_t addr = cmd->q[1] & SMMU_CMD_ATC_1_ADDR;
	/* Without substreams there is no PASID: as if SSV were 0. */
	bool pasids = m->caps.ssid_bits || MUTANT("atcinv-ssidsize");
	bool ssv = pasids && (cmd->q[0] & SMMU_CMD_0_SSV);
	uint32_t tag;

	if (!m->caps.ats)
		return MSMMU_STOP_ILL;
	if (!load_acquire(&m->enabled))
		return MSMMU_PASS;
	if (take_tag(m, work->q, &tag))
		return MSMMU_WAIT;
	/* Larger sizes are unpredictable; all is one choice. */
	if (size > SMMU_CMD_ATC_SIZE_ALL)
		size = SMMU_CMD_ATC_SIZE_ALL;
	work->fn = tell_endpoint;
	work->atc = (struct uiommu_ats_inval){
		.sid = (uint32_t)FIELD_GET(SMMU_CMD_0_SID, cmd->q[0]),
		.ssv = ssv,
		.ssid = ssv ? (uint32_t)FIELD_GET(SMMU_CMD_0_SSID, cmd->q[0])
			    : 0,
		.global = ssv && (cmd->q[0] & SMMU_CMD_ATC_0_G),
		.addr = align_down_lg2(addr, 12 + size),
		.size_lg2 = (uint8_t)(12 + size),
		.tag = tag,
	};
	return MSMMU_PASS;
}
