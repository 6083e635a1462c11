/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers to devices that wait: stalled accesses by CMD_RESUME, page request
 * groups by CMD_PRI_RESP.
 *
 * What waits for an answer is noted by StreamID and number before the host is
 * told, and taken by whoever answers, so nothing is answered twice, which would
 * hit another access or group that has been given the same number.
 *
 * When a device leaves, all of that is taken and answered for the host.  An
 * interrupt may be noting more in that moment: it looks at `leaving` after it has
 * noted, who leaves sets that before he looks; so one of them finds it.
 *
 * Page table entries that the host has made before it answers need no
 * invalidation: what was not there is not cached, and the command queue's
 * doorbell orders them before the command.
 */
#include "cmd.h"
#include "hw/smmuv3/event.h"
#include "hw/smmuv3/pri.h"
#include "hw/smmuv3/regs.h"
#include "mutant.h"
#include "unit.h"

#define GROUPS (FIELD_MAX(SMMU_PRI_1_PRGINDEX) + 1)
#define STAGS (FIELD_MAX(SMMU_EVT_1_STAG) + 1)

static void set_bit(uint64_t *map, uint32_t bit)
{
	fetch_or_acq_rel(&map[bit / 64], BIT64(bit % 64));
}

/* Was it set? */
static bool clear_bit(uint64_t *map, uint32_t bit)
{
	return fetch_and_acq_rel(&map[bit / 64], ~BIT64(bit % 64)) &
	       BIT64(bit % 64);
}

/* ---------------------------------------------------------------- device -- */

/* A group that waits, and with which PASID. */
#define GROUP_WAITS BIT32(31)
#define GROUP_PASID BIT32(30)

static uint32_t group_word(uint32_t pasid)
{
	return GROUP_WAITS |
	       (pasid == UIOMMU_NO_PASID ? 0 : GROUP_PASID | pasid);
}

static bool host_answers(const struct smmuv3_unit *unit)
{
	return unit->unit.host && unit->unit.host->report_page_request;
}

bool smmuv3_can_page(const struct smmuv3_unit *unit)
{
	return host_answers(unit) && (unit->feat.pri || unit->feat.can_stall);
}

int smmuv3_fault_dev_init(struct smmuv3_dev *dev,
			  const struct uiommu_hwdev_cfg *cfg)
{
	const struct smmuv3_unit *unit = to_smmuv3_unit(dev->hwdev.unit);

	dev->has_ats = cfg->ats && unit->feat.ats;
	dev->pri = cfg->pri && unit->feat.pri;
	dev->pri_pasid = cfg->pri_pasid;
	/*
	 * What stalls must be answered, and what it is told by is a fault.  With
	 * ATS an entry must not stall (S2S), nor may what is on PCIe.
	 */
	dev->stall = cfg->stall && !cfg->ats && unit->feat.can_stall &&
		     host_answers(unit) && unit->unit.host->report_fault;
	dev->hwdev.page_faults = dev->stall || (dev->pri && host_answers(unit));
	if (dev->pri) {
		dev->groups = smmuv3_obj_alloc(
			unit, dev->nr_ids * GROUPS * sizeof(*dev->groups));
		if (!dev->groups)
			return -ENOMEM;
	}
	if (dev->stall) {
		dev->stags = smmuv3_obj_alloc(unit, dev->nr_ids * (STAGS / 8));
		if (!dev->stags) {
			smmuv3_fault_dev_fini(dev);
			return -ENOMEM;
		}
	}
	return 0;
}

void smmuv3_fault_dev_fini(struct smmuv3_dev *dev)
{
	if (dev->groups)
		dev->p->obj_free(dev->p->ctx, dev->groups);
	if (dev->stags)
		dev->p->obj_free(dev->p->ctx, dev->stags);
}

void smmuv3_fault_dev_handed(struct smmuv3_dev *dev)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(dev->hwdev.unit);

	store_release(&dev->first_handed, smmuv3_recq_end(unit, &unit->evtq));
	store_release(&dev->first_request,
		      smmuv3_recq_end(unit, &unit->priq.queue));
}

void smmuv3_fault_dev_leave(struct smmuv3_dev *dev)
{
	store_release(&dev->leaving, true);
	/* Pairs with that of is_leaving(). */
	fence_full();
}

/* After something was noted: it may be too late for that. */
static bool is_leaving(const struct smmuv3_dev *dev)
{
	fence_full();
	return load_acquire(&dev->leaving);
}

unsigned int smmuv3_dev_index(const struct smmuv3_dev *dev, uint32_t sid)
{
	unsigned int i;

	for (i = 0; i < dev->nr_ids; i++)
		if (dev->ids[i] == sid)
			break;
	return i;
}

/* -------------------------------------------------------------- stalls -- */

static int resume(struct smmuv3_unit *unit, uint32_t sid, uint32_t stag,
		  bool retry)
{
	struct smmuv3_batch batch;

	smmuv3_batch_init(&batch, &unit->cmdq);
	if (!DRIVER_MUTANT("fault: RESUME"))
		smmuv3_batch_add(&batch, smmuv3_make_resume(sid, stag, retry));
	return smmuv3_batch_sync(&batch);
}

static uint32_t stag_bit(unsigned int index, uint32_t stag)
{
	return index * STAGS + stag;
}

bool smmuv3_stall_expect(struct smmuv3_dev *dev, unsigned int index,
			 uint32_t stag)
{
	set_bit(dev->stags, stag_bit(index, stag));
	if (!is_leaving(dev))
		return true;
	/* CMD_STALL_TERM has ended it, or will. */
	clear_bit(dev->stags, stag_bit(index, stag));
	return false;
}

void smmuv3_stall_abort(struct smmuv3_unit *unit, uint32_t sid, uint32_t stag)
{
	resume(unit, sid, stag, false);
}

int smmuv3_stall_end(struct smmuv3_dev *dev)
{
	struct smmuv3_batch batch;
	unsigned int i;

	if (!dev->stall || DRIVER_MUTANT("fault: STALL_TERM"))
		return 0;
	smmuv3_batch_init(&batch, &to_smmuv3_unit(dev->hwdev.unit)->cmdq);
	for (i = 0; i < dev->nr_ids; i++)
		smmuv3_batch_add(&batch, smmuv3_make_stall_term(dev->ids[i]));
	return smmuv3_batch_sync(&batch);
}

/* dev->lock is held. */
static void end_and_go_on(struct smmuv3_dev *dev)
{
	uint32_t i, words = dev->nr_ids * (STAGS / 64);
	bool stopped = dev->stopped;
	struct smmu_ste ste;

	smmuv3_make_ste_abort(&ste);
	if (stopped || !smmuv3_stream_install(dev, &ste))
		(void)smmuv3_stall_end(dev);
	/* An answer that comes now is for nobody. */
	for (i = 0; i < words; i++)
		store_release(&dev->stags[i], 0);
	if (!stopped)
		(void)smmuv3_attach_anew(dev);
}

void smmuv3_stalls_end(struct smmuv3_unit *unit)
{
	struct smmuv3_dev *dev;

	smmuv3_lock(unit, &unit->dev_lock);
	for (dev = unit->devs; dev; dev = dev->next) {
		/* Who leaves does all that by himself. */
		if (!dev->stall || load_acquire(&dev->leaving))
			continue;
		smmuv3_lock(unit, &dev->lock);
		end_and_go_on(dev);
		smmuv3_unlock(unit, &dev->lock);
	}
	smmuv3_unlock(unit, &unit->dev_lock);
}

/* -------------------------------------------------------- page requests -- */

enum smmuv3_fate smmuv3_group_expect(struct smmuv3_dev *dev, unsigned int index,
				     uint32_t group, uint32_t pasid)
{
	uint32_t *word = &dev->groups[index * GROUPS + group];

	store_release(word, group_word(pasid));
	if (!is_leaving(dev))
		return SMMUV3_TELL;
	return exchange_acq_rel(word, 0) ? SMMUV3_REFUSE : SMMUV3_DONE;
}

static enum smmu_cmd_pri_resp pri_code(enum uiommu_page_code code)
{
	switch (code) {
	case UIOMMU_PAGE_SUCCESS:
		return SMMU_CMD_PRI_RESP_SUCCESS;
	case UIOMMU_PAGE_INVALID:
		return SMMU_CMD_PRI_RESP_INVALID;
	default:
		return SMMU_CMD_PRI_RESP_FAILURE;
	}
}

static void add_response(struct smmuv3_batch *batch,
			 const struct smmuv3_dev *dev, uint32_t sid,
			 uint32_t group, uint32_t word,
			 enum smmu_cmd_pri_resp code)
{
	uint32_t pasid = word & ~(GROUP_WAITS | GROUP_PASID);
	bool with = dev->pri_pasid && word & GROUP_PASID;

	if (!DRIVER_MUTANT("fault: PRI_RESP"))
		smmuv3_batch_add(batch, smmuv3_make_pri_resp(sid, with, pasid,
							     group, code));
}

void smmuv3_groups_end(struct smmuv3_dev *dev)
{
	uint32_t i, word, nr = dev->groups ? dev->nr_ids * GROUPS : 0;
	struct smmuv3_batch batch;

	smmuv3_batch_init(&batch, &to_smmuv3_unit(dev->hwdev.unit)->cmdq);
	for (i = 0; i < nr; i++) {
		if (!load_relaxed(&dev->groups[i]))
			continue;
		word = exchange_acq_rel(&dev->groups[i], 0);
		if (word && !DRIVER_MUTANT("fault: PRI_RESP at the end"))
			add_response(&batch, dev, dev->ids[i / GROUPS],
				     i % GROUPS, word,
				     SMMU_CMD_PRI_RESP_INVALID);
	}
	if (batch.nr || batch.started)
		(void)smmuv3_batch_sync(&batch);
}

/* ------------------------------------------------------------------- op -- */

static int respond(struct smmuv3_dev *dev, unsigned int index,
		   const struct uiommu_page_response *resp)
{
	uint32_t word = group_word(resp->pasid), was = word;
	struct smmuv3_batch batch;

	if (!dev->groups || resp->token >= GROUPS ||
	    !cmpxchg_acq_rel(&dev->groups[index * GROUPS + resp->token], &was,
			     0))
		return -ENOENT;
	smmuv3_batch_init(&batch, &to_smmuv3_unit(dev->hwdev.unit)->cmdq);
	add_response(&batch, dev, resp->id, resp->token, word,
		     pri_code(resp->code));
	return smmuv3_batch_sync(&batch);
}

static int refuse(const struct smmuv3_dev *dev,
		  const struct uiommu_page_response *resp, const char *reason)
{
	smmuv3_log(dev->p, UIOMMU_LOG_WARN,
		   "%s: no answer to StreamID %x, %x: %s", dev->hwdev.name,
		   resp->id, resp->token, reason);
	return -EINVAL;
}

int smmuv3_page_response(struct uiommu_hwdev *d,
			 const struct uiommu_page_response *resp)
{
	struct smmuv3_dev *dev = to_smmuv3_dev(d);
	struct smmuv3_unit *unit = to_smmuv3_unit(d->unit);
	unsigned int index = smmuv3_dev_index(dev, resp->id);

	if (index == dev->nr_ids)
		return refuse(dev, resp, "it is not the device's");
	if (resp->code > UIOMMU_PAGE_FAILURE)
		return refuse(dev, resp, "unknown code");
	if (resp->stalled) {
		if (!dev->stags || resp->token >= STAGS ||
		    !clear_bit(dev->stags, stag_bit(index, resp->token)))
			return -ENOENT;
		return resume(unit, resp->id, resp->token,
			      resp->code == UIOMMU_PAGE_SUCCESS);
	}
	return respond(dev, index, resp);
}
