/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flushes of the address translation caches of all devices that use a domain.
 *
 * A flush tells the ATCs after the TLBs, each with a CMD_SYNC of its own: in the
 * other order a device could ask again and be given what is in a TLB.  Whom to
 * tell stands in a list at each attachment.  A user stands in it from before the
 * CD or STE that leads to the domain until after its ATC has forgotten; the list
 * is read without a lock.  Who is not found there has not asked yet, and will
 * find the cleared entries when it does: the same fences as for attachments
 * (domain.c), and `ats_on` alike.
 *
 * Where some device did not obey all that were told are asked one by one (ats.c).
 * The hardware may tell so after we have given up waiting, for PCIe gives a device
 * more than a minute.  Then the flush has failed, its memory is kept, and the
 * devices are asked by the interrupt that tells of it.
 *
 * A device comes back from below a guest also when there is no memory, as unbinding
 * does not fail: with the guest a user is put aside, for that time.
 */
#include "cmd.h"
#include "mutant.h"
#include "unit.h"

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
	struct smmuv3_unit *unit = to_smmuv3_unit(dev->hwdev.unit);
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

/* dev->lock is held.  NULL: no memory. */
static struct smmuv3_ats_user *user_get(struct smmuv3_dev *dev, uint32_t ssid)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(dev->hwdev.unit);
	struct smmuv3_ats_user *user = smmuv3_obj_alloc(unit, sizeof(*user));
	bool guest = ssid == SMMUV3_SSID_GUEST;

	if (guest && user && !dev->spare) {
		dev->spare = smmuv3_obj_alloc(unit, sizeof(*user));
		if (!dev->spare) {
			smmuv3_obj_free(unit, user);
			return NULL;
		}
	}
	if (!guest && !user &&
	    !DRIVER_MUTANT("ats: back from a guest without memory")) {
		user = dev->spare;
		dev->spare = NULL;
	}
	if (!user)
		return NULL;
	user->dev = dev;
	user->ssid = ssid;
	user->p = dev->p;
	return user;
}

/* One that is in no list, or NULL.  dev->lock is held. */
static void user_drop(struct smmuv3_dev *dev, struct smmuv3_ats_user *user)
{
	struct uiommu_hwdom *now = dev->hwdev.dom;

	if (!dev->spare && now && now->type == UIOMMU_DOM_NESTED)
		dev->spare = user;
	else
		smmuv3_obj_free(to_smmuv3_unit(dev->hwdev.unit), user);
}

int smmuv3_use_get(struct smmuv3_dev *dev, struct smmuv3_dom *dom,
		   uint32_t ssid)
{
	struct smmuv3_ats_user *user = NULL;
	struct smmuv3_unit *unit = to_smmuv3_unit(dev->hwdev.unit);
	int rc;

	dom = smmuv3_table_of(dom);
	if (!dom)
		return 0;
	if (dev->has_ats) {
		user = user_get(dev, ssid);
		if (!user)
			return -ENOMEM;
	}
	rc = smmuv3_att_get(dom, unit);
	if (rc)
		user_drop(dev, user);
	else if (user)
		publish(user, dom, unit);
	return rc;
}

void smmuv3_use_put(struct smmuv3_dev *dev, struct smmuv3_dom *dom,
		    uint32_t ssid, enum smmuv3_leave leave)
{
	dom = smmuv3_table_of(dom);
	if (!dom)
		return;
	if (dev->has_ats)
		withdraw(dev, dom, ssid);
	smmuv3_att_put(dom, to_smmuv3_unit(dev->hwdev.unit), leave);
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

	if (user->ssid == SMMUV3_SSID_GUEST &&
	    !DRIVER_MUTANT("flush: ATC_INV of a guest's PASIDs")) {
		smmuv3_ats_add_all(user->dev, batch);
		return;
	}
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
		err = DRIVER_MUTANT("flush: who did not obey")
			      ? 0
			      : smmuv3_ats_ask(dev);
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
