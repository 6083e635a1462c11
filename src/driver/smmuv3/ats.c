/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address translation caches in devices.
 *
 * On: the ATC is emptied, the STE has EATS, then CFGI_STE and CMD_SYNC, then the
 * device's own enable bit, which the host sets (set_ats).  Off in the opposite
 * order, with everything in its ATC invalidated in between.  CR0.ATSCHK is always set: a device that
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
 * A device that does not complete an invalidation must not go on with what it
 * holds: it loses ATS for good.  Its STE refuses translated accesses from then
 * on, and that is as good as an invalidation: what the device could reach may be
 * used for other things, and its untranslated accesses go on.
 *
 * The hardware tells only that some device did not obey, of all that were asked
 * between two CMD_SYNCs.  So each of those is asked again, for itself and for
 * everything, and the one that fails more than once in a row is the one.
 *
 * It may tell so after we have given up waiting, for PCIe gives a device more
 * than a minute.  Then the flush has failed, its memory is kept, and the devices
 * are asked by the interrupt that tells of it.
 */
#include "cmd.h"
#include "mutant.h"
#include "unit.h"

static struct smmuv3_unit *unit_of(const struct smmuv3_dev *dev)
{
	return to_smmuv3_unit(dev->hwdev.unit);
}

/* ---------------------------------------------------------------- users -- */

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
	att = smmuv3_att_find(dom, unit);
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
	link = &smmuv3_att_find(dom, unit)->ats;
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

	dev->hwdev.ats = on;
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

/* What the accesses with `ssid` have left in the ATC; 0: those without. */
static int forget_ssid(struct smmuv3_dev *dev, uint32_t ssid)
{
	struct smmuv3_batch batch;
	unsigned int i;

	smmuv3_batch_init(&batch, &unit_of(dev)->cmdq);
	for (i = 0; i < dev->nr_ids; i++) {
		smmuv3_batch_add(&batch,
				 smmuv3_make_atc_inv(dev->ids[i], ssid, 0,
						     SMMUV3_ATC_ALL));
		/* Those with PASID 0 may have found the CD for those without. */
		if (!ssid && smmuv3_cdtab_pasids(&dev->cdtab) &&
		    !DRIVER_MUTANT("ats: ATC_INV of PASID 0"))
			smmuv3_batch_add(&batch, smmuv3_make_atc_inv_pasid0(
							 dev->ids[i]));
	}
	return smmuv3_batch_sync(&batch);
}

/*
 * `rc`: how it obeyed so far.  Disobedience may have been another's: once more.
 * 0, -ETIMEDOUT, -EIO or SMMUV3_DISOBEYED.
 */
static int insist(struct smmuv3_dev *dev, int rc)
{
	return rc == SMMUV3_DISOBEYED ? forget_all(dev) : rc;
}

static void lose_ats(struct smmuv3_dev *dev)
{
	smmuv3_log(dev->p, UIOMMU_LOG_ERROR,
		   "%s: its ATC does not obey; no ATS any more",
		   dev->hwdev.name);
	dev->ats_lost = true;
	if (dev->hwdev.ats && !DRIVER_MUTANT("ats: device off when it is lost"))
		set_on(dev, false);
	if (DRIVER_MUTANT("ats: told until its entry is without"))
		store_release(&dev->ats_on, false);
}

void smmuv3_ats_off(struct smmuv3_dev *dev)
{
	if (!dev->hwdev.ats)
		return;
	if (!DRIVER_MUTANT("ats: device off"))
		set_on(dev, false);
	/* If it fails, flushes go on to tell it until its STE has no ATS. */
	if (DRIVER_MUTANT("ats: ATC_INV when off") || !forget_all(dev))
		store_release(&dev->ats_on, false);
}

static bool has_eats(const struct smmu_ste *ste)
{
	return FIELD_GET(SMMU_STE_0_CONFIG, ste->q[0]) >
		       SMMU_STE_CONFIG_BYPASS &&
	       FIELD_GET(SMMU_STE_1_EATS, ste->q[1]) != SMMU_STE_EATS_OFF;
}

void smmuv3_ats_entry(struct smmuv3_dev *dev, const struct smmu_ste *ste)
{
	if (!has_eats(ste))
		store_release(&dev->ats_on, false);
}

bool smmuv3_ats_before(struct smmuv3_dev *dev, const struct smmu_ste *ste)
{
	if (!has_eats(ste) ||
	    (smmuv3_stream_aborts(dev, ste) &&
	     !DRIVER_MUTANT("ats: off around an abort entry")))
		smmuv3_ats_off(dev);
	if (!has_eats(ste) || dev->hwdev.ats)
		return true;
	/* While its entry has no ATS it is given nothing anew. */
	if (!DRIVER_MUTANT("ats: ATC_INV before on") &&
	    insist(dev, forget_all(dev))) {
		lose_ats(dev);
		return false;
	}
	/* A flush that does not see it was before: as for users. */
	store_release(&dev->ats_on, true);
	fence_full();
	return true;
}

int smmuv3_ats_after(struct smmuv3_dev *dev, uint32_t ssid, bool cached)
{
	int rc;

	if (!dev->hwdev.ats || !cached ||
	    DRIVER_MUTANT("ats: ATC_INV of a change"))
		return 0;
	rc = insist(dev, forget_ssid(dev, ssid));
	if (rc == SMMUV3_DISOBEYED)
		lose_ats(dev);
	return rc;
}

void smmuv3_ats_enable(struct smmuv3_dev *dev, const struct smmu_ste *ste)
{
	if (has_eats(ste) && !dev->hwdev.ats)
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

#define MAX_UNITS 8

/* SMMUs at work, and those of them behind which somebody did not obey. */
struct atc_flush {
	struct {
		const struct smmuv3_att *att;
		struct smmuv3_ticket ticket;
	} at[MAX_UNITS];
	unsigned int nr;
	struct smmuv3_unit *ask[MAX_UNITS]; /* each is referred to */
	unsigned int nr_ask;
	bool more; /* than there is room for: once again when these are done */
	int rc;
};

static void suspect_users(const struct smmuv3_att *att)
{
	const struct smmuv3_ats_user *user;

	for (user = load_acquire(&att->ats); user;
	     user = load_acquire(&user->next))
		store_release(&user->dev->ats_suspect, 1);
}

/* Its devices are asked one by one when the read section has ended. */
static void suspect(struct atc_flush *f, const struct smmuv3_att *att)
{
	if (f->nr_ask == MAX_UNITS) {
		f->more = true;
		return;
	}
	suspect_users(att);
	fetch_add_acq_rel(&att->unit->refs, 1);
	f->ask[f->nr_ask++] = att->unit;
}

static void wait_all(struct atc_flush *f)
{
	unsigned int i;
	int rc;

	for (i = 0; i < f->nr; i++) {
		rc = smmuv3_ticket_wait(&f->at[i].ticket);
		if (rc == SMMUV3_DISOBEYED) {
			suspect(f, f->at[i].att);
			continue;
		}
		if (rc == -ETIMEDOUT) {
			suspect_users(f->at[i].att);
			store_release(&f->at[i].att->unit->ats_late, 1);
		}
		f->rc = f->rc ? f->rc : rc;
	}
	f->nr = 0;
}

static void flush_all_atcs(struct smmuv3_dom *dom,
			   const struct uiommu_gather *gather,
			   struct atc_flush *f)
{
	const struct uiommu_platform *p = dom->hwdom.unit->platform;
	const struct smmuv3_att *att;

	p->read_begin(p->ctx);
	for (att = load_acquire(&dom->atts); att;
	     att = load_acquire(&att->next)) {
		if (!load_acquire(&att->ats) || load_acquire(&att->unit->gone))
			continue;
		if (f->nr == MAX_UNITS)
			wait_all(f);
		f->at[f->nr].att = att;
		f->nr += submit_att(att, gather, &f->at[f->nr].ticket);
	}
	wait_all(f);
	p->read_end(p->ctx);
}

/* Did it forget everything, or has it no ATS any more?  dev->lock is held. */
static int ask(struct smmuv3_dev *dev)
{
	int rc;

	if (!dev->ats_on)
		return 0;
	/* Its entry could not be changed so far. */
	if (dev->ats_lost)
		return smmuv3_attach_anew(dev);
	rc = insist(dev, forget_all(dev));
	/* Too late twice is as bad. */
	if (rc == -ETIMEDOUT && dev->ats_late)
		rc = SMMUV3_DISOBEYED;
	dev->ats_late = rc == -ETIMEDOUT;
	if (rc != SMMUV3_DISOBEYED)
		return rc;
	lose_ats(dev);
	return smmuv3_attach_anew(dev);
}

static int ask_unit(struct smmuv3_unit *unit)
{
	struct smmuv3_dev *dev;
	int rc = 0, err;

	store_release(&unit->ats_late, 0);

	smmuv3_lock(unit, &unit->dev_lock);
	for (dev = unit->devs; dev; dev = dev->next) {
		if (!exchange_acq_rel(&dev->ats_suspect, 0))
			continue;
		smmuv3_lock(unit, &dev->lock);
		err = DRIVER_MUTANT("flush: who did not obey") ? 0 : ask(dev);
		smmuv3_unlock(unit, &dev->lock);
		/* Who waits for the same answer must not take it for given. */
		if (err)
			store_release(&dev->ats_suspect, 1);
		if (err == -ETIMEDOUT)
			store_release(&unit->ats_late, 1);
		rc = rc ? rc : err;
	}
	smmuv3_unlock(unit, &unit->dev_lock);
	return rc;
}

void smmuv3_ats_late(struct smmuv3_unit *unit)
{
	if (load_acquire(&unit->ats_late) &&
	    !DRIVER_MUTANT("ats: who was too late"))
		(void)ask_unit(unit);
}

int smmuv3_ats_flush(struct smmuv3_dom *dom, const struct uiommu_gather *gather)
{
	struct atc_flush f;
	unsigned int i;
	int rc = 0, err;

	/* A page may be cached under 256 addresses (IHI 0070 3.9.1). */
	if (smmuv3_has_tags(dom) &&
	    !DRIVER_MUTANT("flush: tagged addresses in ATCs"))
		gather = NULL;
	do {
		f.nr = f.nr_ask = 0;
		f.more = false;
		f.rc = 0;
		flush_all_atcs(dom, gather, &f);
		rc = f.rc;
		for (i = 0; i < f.nr_ask; i++) {
			err = ask_unit(f.ask[i]);
			rc = rc ? rc : err;
			smmuv3_unit_put(f.ask[i]);
		}
	} while (f.more && !rc);
	return rc;
}
