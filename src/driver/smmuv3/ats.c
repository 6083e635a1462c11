/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address translation caches in devices.
 *
 * On: the STE has EATS, then CFGI_STE and CMD_SYNC, then the device's own enable
 * bit, which the host sets (set_ats).  Off in the opposite order, with everything
 * in its ATC invalidated in between.  CR0.ATSCHK is always set: a device that
 * claims to have translated what its STE does not allow is aborted.
 *
 * An ATC is not tagged by ASIDs.  So what a change of domain leaves in it has to
 * be invalidated, after the SMMU itself gives the new answer.
 *
 * A flush tells the ATCs after the TLBs, each with a CMD_SYNC of its own: in the
 * other order a device could ask again and be given what is in a TLB.  Whom to
 * tell stands in a list at each attachment.  A user stands in it from before the
 * CD or STE that leads to the domain until after its ATC has forgotten; the list
 * is read without a lock.  Who is not found there has not asked yet, and will
 * find the cleared entries when it does: the same fences as for attachments
 * (domain.c), and `ats_on` alike.
 *
 * A device that does not complete an invalidation of attach or set_pasid loses
 * ATS for good: its STE refuses it, and so what it still holds is worthless.  In
 * a flush the caller is told (-EIO) and keeps what the device could still reach.
 */
#include "cmd.h"
#include "mutant.h"
#include "unit.h"

static struct smmuv3_unit *unit_of(const struct smmuv3_dev *dev)
{
	return to_smmuv3_unit(dev->hwdev.unit);
}

/* ---------------------------------------------------------------- users -- */

static struct smmuv3_att *find_att(struct smmuv3_dom *dom,
				   const struct smmuv3_unit *unit)
{
	struct smmuv3_att *att = dom->atts;

	while (att->unit != unit)
		att = att->next;
	return att;
}

static void user_free(struct uiommu_defer *defer)
{
	struct smmuv3_ats_user *user =
		container_of(defer, struct smmuv3_ats_user, defer);

	user->p->obj_free(user->p->ctx, user);
}

static void publish(struct smmuv3_ats_user *user, struct smmuv3_dom *dom,
		    struct smmuv3_unit *unit)
{
	struct smmuv3_att *att;

	smmuv3_lock(unit, &dom->lock);
	att = find_att(dom, unit);
	user->next = att->ats;
	store_release(&att->ats, user);
	/* Before CD and STE: pairs with the fence in flush. */
	fence_full();
	smmuv3_unlock(unit, &dom->lock);
}

static void withdraw(struct smmuv3_dev *dev, struct smmuv3_dom *dom,
		     uint32_t ssid)
{
	struct smmuv3_unit *unit = unit_of(dev);
	struct smmuv3_ats_user **link, *user;

	smmuv3_lock(unit, &dom->lock);
	link = &find_att(dom, unit)->ats;
	while ((user = *link) && (user->dev != dev || user->ssid != ssid))
		link = &user->next;
	UIOMMU_ASSERT(user);
	store_release(link, user->next);
	smmuv3_unlock(unit, &dom->lock);
	user->p->defer(user->p->ctx, &user->defer, user_free);
}

int smmuv3_use_get(struct smmuv3_dev *dev, struct smmuv3_dom *dom,
		   uint32_t ssid)
{
	struct smmuv3_ats_user *user = NULL;
	struct smmuv3_unit *unit = unit_of(dev);
	int rc;

	if (dev->has_ats) {
		user = smmuv3_obj_alloc(unit, sizeof(*user));
		if (!user)
			return -ENOMEM;
		user->dev = dev;
		user->ssid = ssid;
		user->p = dev->p;
	}
	rc = smmuv3_att_get(dom, unit);
	if (rc)
		smmuv3_obj_free(unit, user);
	else if (user)
		publish(user, dom, unit);
	return rc;
}

void smmuv3_use_put(struct smmuv3_dev *dev, struct smmuv3_dom *dom,
		    uint32_t ssid, enum smmuv3_leave leave)
{
	if (dev->has_ats)
		withdraw(dev, dom, ssid);
	smmuv3_att_put(dom, unit_of(dev), leave);
}

/* ------------------------------------------------------------ on and off -- */

enum smmu_ste_eats smmuv3_ats_eats(const struct smmuv3_dev *dev)
{
	return dev->has_ats && !dev->ats_lost ? SMMU_STE_EATS_FULL
					      : SMMU_STE_EATS_OFF;
}

static void set_on(struct smmuv3_dev *dev, bool on)
{
	struct uiommu_unit *unit = dev->hwdev.unit;

	if (on) {
		/* A flush that does not see it was before: as for users. */
		store_release(&dev->ats_on, true);
		fence_full();
		dev->hwdev.ats = true;
	}
	if (unit->host && unit->host->set_ats)
		unit->host->set_ats(unit->host_ctx, unit, dev->hwdev.cookie,
				    on);
}

/* Everything in the ATC, of the accesses with and without PASIDs. */
static int forget_all(struct smmuv3_dev *dev)
{
	struct smmuv3_batch batch;
	unsigned int i;

	smmuv3_batch_init(&batch, &unit_of(dev)->cmdq);
	for (i = 0; i < dev->nr_ids; i++) {
		smmuv3_batch_add(&batch, smmuv3_make_atc_inv(dev->ids[i], 0, 0,
							     SMMUV3_ATC_ALL));
		if (dev->pasid_bits)
			smmuv3_batch_add(&batch, smmuv3_make_atc_inv_pasids(
							 dev->ids[i]));
	}
	return smmuv3_batch_sync(&batch);
}

void smmuv3_ats_off(struct smmuv3_dev *dev)
{
	if (!dev->ats_on)
		return;
	if (!DRIVER_MUTANT("ats: device off"))
		set_on(dev, false);
	/* Its STE will not have it any more, so it may fail. */
	if (!DRIVER_MUTANT("ats: ATC_INV when off"))
		(void)forget_all(dev);
	dev->hwdev.ats = false;
	store_release(&dev->ats_on, false);
}

static bool has_eats(const struct smmu_ste *ste)
{
	return FIELD_GET(SMMU_STE_0_CONFIG, ste->q[0]) >
		       SMMU_STE_CONFIG_BYPASS &&
	       FIELD_GET(SMMU_STE_1_EATS, ste->q[1]) != SMMU_STE_EATS_OFF;
}

void smmuv3_ats_before(struct smmuv3_dev *dev, const struct smmu_ste *ste)
{
	if (!has_eats(ste))
		smmuv3_ats_off(dev);
}

int smmuv3_ats_after(struct smmuv3_dev *dev, uint32_t ssid, bool cached)
{
	struct smmuv3_batch batch;
	unsigned int i;
	int rc;

	if (!dev->ats_on || !cached ||
	    DRIVER_MUTANT("ats: ATC_INV of a change"))
		return 0;
	smmuv3_batch_init(&batch, &unit_of(dev)->cmdq);
	for (i = 0; i < dev->nr_ids; i++)
		smmuv3_batch_add(&batch,
				 smmuv3_make_atc_inv(dev->ids[i], ssid, 0,
						     SMMUV3_ATC_ALL));
	rc = smmuv3_batch_sync(&batch);
	if (rc) {
		smmuv3_log(dev->p, UIOMMU_LOG_ERROR,
			   "%s: its ATC does not obey; no ATS any more",
			   dev->hwdev.name);
		dev->ats_lost = true;
		smmuv3_ats_off(dev);
	}
	return rc;
}

void smmuv3_ats_enable(struct smmuv3_dev *dev, const struct smmu_ste *ste)
{
	if (has_eats(ste) && !dev->ats_on)
		set_on(dev, true);
}

/* -------------------------------------------------------------- flushes -- */

unsigned int smmuv3_ats_span(uint64_t first, uint64_t last)
{
	uint64_t differ = (first ^ last) >> 12;

	return differ ? 13 + ilog2_u64(differ) : 12;
}

static void add_user(struct smmuv3_batch *batch,
		     const struct smmuv3_ats_user *user,
		     const struct uiommu_gather *gather)
{
	const struct uiommu_gather_range *range;
	unsigned int id;
	uint32_t i;

	for (id = 0; id < user->dev->nr_ids; id++) {
		if (!gather || !gather->nr_ranges)
			smmuv3_batch_add(batch,
					 smmuv3_make_atc_inv(user->dev->ids[id],
							     user->ssid, 0,
							     SMMUV3_ATC_ALL));
		for (i = 0; gather && i < gather->nr_ranges; i++) {
			range = &gather->range[i];
			smmuv3_batch_add(batch,
					 smmuv3_make_atc_inv(
						 user->dev->ids[id], user->ssid,
						 range->first,
						 smmuv3_ats_span(range->first,
								 range->last)));
		}
	}
}

/* Hand the commands for one SMMU's devices over; false: there are none. */
static bool submit_att(const struct smmuv3_att *att,
		       const struct uiommu_gather *gather,
		       struct smmuv3_ticket *ticket)
{
	const struct smmuv3_ats_user *user;
	struct smmuv3_batch batch;

	smmuv3_batch_init(&batch, &att->unit->cmdq);
	for (user = load_acquire(&att->ats); user;
	     user = load_acquire(&user->next))
		if (load_acquire(&user->dev->ats_on) &&
		    !DRIVER_MUTANT("flush: ATC_INV"))
			add_user(&batch, user, gather);
	if (!batch.atc)
		return false;
	smmuv3_batch_submit(&batch, ticket);
	return true;
}

#define MAX_TICKETS 8

static int wait_all(const struct smmuv3_ticket *ticket, unsigned int nr)
{
	unsigned int i;
	int rc = 0, err;

	for (i = 0; i < nr; i++) {
		err = smmuv3_ticket_wait(&ticket[i]);
		rc = rc ? rc : err;
	}
	return rc;
}

int smmuv3_ats_flush(struct smmuv3_dom *dom, const struct uiommu_gather *gather)
{
	struct smmuv3_ticket ticket[MAX_TICKETS];
	const struct smmuv3_att *att;
	unsigned int nr = 0;
	int rc = 0, err;

	for (att = load_acquire(&dom->atts); att;
	     att = load_acquire(&att->next)) {
		if (!load_acquire(&att->ats) || load_acquire(&att->unit->gone))
			continue;
		if (nr == MAX_TICKETS) {
			err = wait_all(ticket, nr);
			rc = rc ? rc : err;
			nr = 0;
		}
		nr += submit_att(att, gather, &ticket[nr]);
	}
	err = wait_all(ticket, nr);
	return rc ? rc : err;
}
