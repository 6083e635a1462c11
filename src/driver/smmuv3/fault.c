/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers to devices that wait: stalled accesses by CMD_RESUME, page request
 * groups by CMD_PRI_RESP.
 *
 * What waits for an answer stands in bit maps: a bit is set before the host is
 * told and cleared by whoever answers, so nothing is answered twice, which would
 * hit another access or group that has been given the same number.
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

/* ------------------------------------------------------- unit and device -- */

int smmuv3_fault_init(struct smmuv3_unit *unit)
{
	if (!unit->feat.can_stall)
		return 0;
	unit->stags = smmuv3_obj_alloc(unit, STAGS / 8);
	return unit->stags ? 0 : -ENOMEM;
}

void smmuv3_fault_fini(struct smmuv3_unit *unit)
{
	smmuv3_obj_free(unit, unit->stags);
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
	/* What stalls must be answered, and what it is told by is a fault. */
	dev->stall = cfg->stall && unit->feat.can_stall && host_answers(unit) &&
		     unit->unit.host->report_fault;
	dev->hwdev.page_faults = dev->stall || (dev->pri && host_answers(unit));
	if (!dev->pri)
		return 0;
	dev->groups = smmuv3_obj_alloc(unit, dev->nr_ids * (GROUPS / 8));
	return dev->groups ? 0 : -ENOMEM;
}

void smmuv3_fault_dev_fini(struct smmuv3_dev *dev)
{
	if (dev->groups)
		dev->p->obj_free(dev->p->ctx, dev->groups);
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

void smmuv3_stall_expect(struct smmuv3_unit *unit, uint32_t stag)
{
	set_bit(unit->stags, stag);
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

/* -------------------------------------------------------- page requests -- */

void smmuv3_group_expect(struct smmuv3_dev *dev, unsigned int index,
			 uint32_t group)
{
	set_bit(dev->groups, index * GROUPS + group);
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

static int respond(struct smmuv3_dev *dev,
		   const struct uiommu_page_response *resp)
{
	bool pasid = dev->pri_pasid && resp->pasid != UIOMMU_NO_PASID;
	struct smmuv3_batch batch;

	smmuv3_batch_init(&batch, &to_smmuv3_unit(dev->hwdev.unit)->cmdq);
	if (!DRIVER_MUTANT("fault: PRI_RESP"))
		smmuv3_batch_add(&batch,
				 smmuv3_make_pri_resp(
					 resp->id, pasid ? resp->pasid : 0,
					 resp->token, pri_code(resp->code)));
	return smmuv3_batch_sync(&batch);
}

/* ------------------------------------------------------------------- op -- */

int smmuv3_page_response(struct uiommu_hwdev *d,
			 const struct uiommu_page_response *resp)
{
	struct smmuv3_dev *dev = to_smmuv3_dev(d);
	struct smmuv3_unit *unit = to_smmuv3_unit(d->unit);
	unsigned int index = smmuv3_dev_index(dev, resp->id);

	if (index == dev->nr_ids || resp->code > UIOMMU_PAGE_FAILURE)
		return -EINVAL;
	if (resp->stalled) {
		if (!unit->stags || resp->token >= STAGS ||
		    !clear_bit(unit->stags, resp->token))
			return -ENOENT;
		return resume(unit, resp->id, resp->token,
			      resp->code == UIOMMU_PAGE_SUCCESS);
	}
	if (!dev->groups || resp->token >= GROUPS ||
	    !clear_bit(dev->groups, index * GROUPS + resp->token))
		return -ENOENT;
	return respond(dev, resp);
}
