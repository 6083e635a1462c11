/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pointing a device, or one PASID of it, at a domain.
 *
 * Both are the same change: CD 0 or CD `pasid` becomes another, or goes, and
 * the STE says what is to be said then.  Everything that can run out is taken
 * first; then, with the domain's attachment in force, the CD and the STE are
 * written, the new CD before an STE that leads to it and the STE before a CD
 * that it no longer leads to.  Accesses find the old domain or the new one at
 * every instant, unless one of them is a stage-2 domain: then the entry writer
 * has to pass through an abort entry.
 *
 * TLB entries of the old domain need not go for that: they are tagged with
 * another ASID, which no CD of the device leads to any more.  They do go when
 * the last user leaves the domain, so that a flush of a domain that is not in
 * use has nothing to do (domain.c).
 *
 * What remains is hardware that does not answer: then the device's entries
 * abort, and stay so until the hardware has confirmed that it forgot what it
 * had, if need be until the next change that succeeds.  What it may still read
 * is kept.
 *
 * ATS (ats.c) comes on after all that and goes off before it, and what an ATC has
 * of the old domain goes in between.
 */
#include "mutant.h"
#include "unit.h"

void smmuv3_dom_cd(struct smmuv3_dom *dom, const struct smmuv3_dev *dev,
		   struct smmu_cd *cd)
{
	const struct smmuv3_unit *unit = to_smmuv3_unit(dev->hwdev.unit);
	uint16_t asid = smmuv3_att_of(dom, unit)->asid;
	struct smmuv3_cd_cfg own = {
		.pt = dom->info,
		.asid = asid,
		.coherent = unit->feat.coherent,
		.stall = dev->stall,
	};
	struct smmuv3_shared_cfg shared = {
		.cpu = &dom->cpu,
		.shape = &dom->shape,
		.asid = asid,
		.stall = dev->stall,
	};

	if (dom->hwdom.type == UIOMMU_DOM_SHARED)
		smmuv3_make_cd_shared(cd, &shared);
	else
		smmuv3_make_cd_s1(cd, &own);
}

static struct smmuv3_unit *unit_of(const struct smmuv3_dev *dev)
{
	return to_smmuv3_unit(dev->hwdev.unit);
}

static bool is_stage(const struct smmuv3_dom *dom, uint8_t stage)
{
	return smmuv3_translates(dom) && dom->shape.stage == stage;
}

/* NULL for none. */
static struct smmuv3_dom *dom_or_null(struct uiommu_hwdom *d)
{
	return d ? to_smmuv3_dom(d) : NULL;
}

static int refuse(const struct smmuv3_dev *dev, int rc, const char *reason)
{
	smmuv3_log(dev->p, UIOMMU_LOG_WARN, "%s: cannot attach: %s",
		   dev->hwdev.name, reason);
	return rc;
}

/* Does a domain, of whichever unit, fit the device's unit? */
static int check_dom(const struct smmuv3_dev *dev, struct uiommu_hwdom *d)
{
	struct smmuv3_unit *unit = unit_of(dev);
	const char *reason;

	if (d->unit->ops != unit->unit.ops)
		return refuse(dev, -EINVAL, "the domain is another driver's");
	if (d->type == UIOMMU_DOM_NESTED && d->unit != &unit->unit)
		return refuse(dev, -EINVAL, "the guest's vIOMMU is elsewhere");
	if (!smmuv3_translates(to_smmuv3_dom(d)))
		return 0;
	reason = smmuv3_shape_misfit(&to_smmuv3_dom(d)->shape, unit);
	if (!reason && d->type == UIOMMU_DOM_SHARED)
		reason = smmuv3_sva_misfit(to_smmuv3_dom(d), unit);
	return reason ? refuse(dev, -EINVAL, reason) : 0;
}

/* --------------------------------------------------------- the one change -- */

/* CD and STE, in the order that never leads anywhere wrong. */
static int make_change(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan,
		       const struct smmu_ste *ste)
{
	int rc;

	if (plan->dom) {
		rc = smmuv3_cdtab_commit(dev, plan);
		return rc ? rc : smmuv3_stream_install(dev, ste);
	}
	rc = smmuv3_stream_install(dev, ste);
	return rc ? rc : smmuv3_cdtab_commit(dev, plan);
}

/* Entries as `rid` and the CD table want them; aborting ones where it fails. */
static void restore(struct smmuv3_dev *dev, struct smmuv3_dom *rid)
{
	struct smmu_ste ste;

	smmuv3_stream_make(dev, rid, &dev->cdtab, &ste);
	/* Nobody tells an ATC that is off: what it has kept is not believed. */
	if (!dev->hwdev.ats &&
	    !DRIVER_MUTANT("ats: entry without after a failure"))
		ste.q[1] &= ~SMMU_STE_1_EATS;
	dev->stopped = smmuv3_stream_install(dev, &ste) != 0;
	if (dev->stopped)
		smmuv3_stream_stop(dev);
}

int smmuv3_attach_anew(struct smmuv3_dev *dev)
{
	if (dev->stopped)
		return smmuv3_stream_stop(dev);
	restore(dev, dom_or_null(dev->hwdev.dom));
	return dev->stopped ? -EIO : 0;
}

/*
 * The change is in force for who asks anew; what the device has cached goes.  If
 * it does not, the device has lost ATS, and its entry says so.
 */
static int change_atc(struct smmuv3_dev *dev, const struct smmuv3_cdplan *plan,
		      struct smmuv3_dom *rid, struct smmu_ste *ste)
{
	/* An identity domain gives translations too, if there are PASIDs. */
	bool cached = !plan->index || plan->was;
	uint32_t ssid = plan->index;
	int rc;

	if (!ssid)
		ssid = smmuv3_own_ssid(dom_or_null(dev->hwdev.dom));
	rc = smmuv3_ats_after(dev, ssid, cached);

	if (rc <= 0)
		return rc;
	smmuv3_stream_make(dev, rid, &plan->next, ste);
	return smmuv3_stream_install(dev, ste);
}

/*
 * Carry a plan out; `rid` is the domain without PASID after it.  On failure the
 * CD is gone, and so is the RID domain if CD 0 was concerned.  *sure: the
 * hardware keeps nothing of what was before.
 */
static int carry_out(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan,
		     struct smmuv3_dom *rid, bool *sure)
{
	struct smmu_ste ste;
	int rc;

	smmuv3_stream_make(dev, rid, &plan->next, &ste);
	if (!smmuv3_ats_before(dev, &ste))
		smmuv3_stream_make(dev, rid, &plan->next, &ste);
	rc = make_change(dev, plan, &ste);
	if (!rc)
		rc = change_atc(dev, plan, rid, &ste);
	*sure = true;
	if (!rc) {
		smmuv3_cdtab_finish(dev, plan);
		dev->stopped = false;
		smmuv3_ats_enable(dev, &ste);
		return 0;
	}
	smmuv3_ats_off(dev);
	smmuv3_log(dev->p, UIOMMU_LOG_ERROR,
		   "%s: attach failed, the device is blocked", dev->hwdev.name);
	dev->stopped = true;
	*sure = !smmuv3_stream_stop(dev);
	smmuv3_cdtab_abandon(dev, plan, *sure);
	if (*sure)
		restore(dev, plan->index ? rid : NULL);
	return rc;
}

/* --------------------------------------------------------------- attach -- */

/* The unit's own domain of the kind, where the domain holds nothing. */
static struct smmuv3_dom *own_dom(struct smmuv3_unit *unit,
				  struct uiommu_hwdom *d)
{
	if (d->type == UIOMMU_DOM_BLOCKED)
		return &unit->blocked;
	if (d->type == UIOMMU_DOM_IDENTITY)
		return &unit->identity;
	return to_smmuv3_dom(d);
}

/* Could it stand beside PASIDs of ours?  Not where stage 2 or a guest has them. */
static bool has_own_cds(const struct smmuv3_dom *dom)
{
	return !is_stage(dom, 2) && !smmuv3_is_nested(dom);
}

/* With PASIDs or without. */
static bool is_nobodys(const struct smmuv3_dev *dev)
{
	const struct smmuv3_dom *rid = dom_or_null(dev->hwdev.dom);

	return (!rid || rid->hwdom.type == UIOMMU_DOM_BLOCKED) &&
	       !smmuv3_cdtab_pasids(&dev->cdtab);
}

/* Is a guest's memory in it, so that who has the device is a guest?  NULL: no. */
static bool is_guest_memory(const struct smmuv3_dom *memory)
{
	return memory && memory->nest_parent;
}

/*
 * Does it come into other hands: from nobody's, or from or to a guest's, who is known
 * by his memory, and by his vIOMMU if he has devices by names of his own?  What it still
 * says and asks for in the name of the last, and nobody has read, is not for the next.
 */
static bool changes_hands(const struct smmuv3_dev *dev, struct smmuv3_dom *dom,
			  const struct smmuv3_vstream *guest)
{
	const struct smmuv3_dom *old =
		smmuv3_table_of(dom_or_null(dev->hwdev.dom));
	const struct smmuv3_dom *now = smmuv3_table_of(dom);
	const struct smmuv3_vstream *was = dev->guest;

	if (is_nobodys(dev) || (was ? was->id : 0) != (guest ? guest->id : 0))
		return true;
	return old != now && (is_guest_memory(old) || is_guest_memory(now));
}

/* dev->lock is held. */
static int attach_locked(struct smmuv3_dev *dev, struct smmuv3_dom *dom)
{
	struct smmuv3_dom *old = dom_or_null(dev->hwdev.dom);
	struct smmuv3_vstream *guest;
	struct smmuv3_cdplan plan;
	struct smmu_cd cd;
	bool sure;
	int rc;

	if (old == dom && !dev->stopped)
		return 0;
	if (!has_own_cds(dom) && smmuv3_cdtab_pasids(&dev->cdtab))
		return refuse(dev, -EBUSY, "PASIDs are in use");
	rc = smmuv3_vstream_make(dev, dom, &guest);
	if (rc)
		return rc == -ENOENT ? refuse(dev, rc, "no vdevice") : rc;
	rc = smmuv3_use_get(dev, dom, smmuv3_own_ssid(dom));
	if (rc)
		goto err_guest;
	if (is_stage(dom, 1))
		smmuv3_dom_cd(dom, dev, &cd);
	rc = smmuv3_cdtab_prepare(dev, 0, is_stage(dom, 1) ? dom : NULL, &cd,
				  &plan);
	if (rc) {
		smmuv3_use_put(dev, dom, smmuv3_own_ssid(dom),
			       SMMUV3_LEAVE_UNUSED);
		goto err_guest;
	}
	if (changes_hands(dev, dom, guest))
		smmuv3_fault_dev_handed(dev);
	/* Before the first access; one under way may fault by the entry of before. */
	if (guest)
		smmuv3_vstream_publish(dev, guest);
	rc = carry_out(dev, &plan, dom, &sure);
	if (rc || !guest)
		smmuv3_vstream_publish(dev, NULL);
	dev->hwdev.dom = rc ? NULL : &dom->hwdom;
	if (rc)
		smmuv3_use_put(dev, dom, smmuv3_own_ssid(dom),
			       smmuv3_leave(sure));
	smmuv3_use_put(dev, old, smmuv3_own_ssid(old), smmuv3_leave(sure));
	return rc;

err_guest:
	smmuv3_vstream_discard(guest);
	return rc;
}

int smmuv3_attach(struct uiommu_hwdom *d, struct uiommu_hwdev *v)
{
	struct smmuv3_dev *dev = to_smmuv3_dev(v);
	struct smmuv3_unit *unit = unit_of(dev);
	int rc;

	rc = check_dom(dev, d);
	if (rc)
		return rc;
	/* The program's addresses are not what the device's driver maps. */
	if (d->type == UIOMMU_DOM_SHARED)
		return refuse(dev, -EINVAL, "a CPU's page table needs a PASID");
	smmuv3_lock(unit, &dev->lock);
	rc = attach_locked(dev, own_dom(unit, d));
	smmuv3_unlock(unit, &dev->lock);
	return rc;
}

/* --------------------------------------------------------------- PASIDs -- */

static int check_pasid(const struct smmuv3_dev *dev, uint32_t pasid)
{
	if (!dev->pasid_bits)
		return refuse(dev, -EOPNOTSUPP, "no PASIDs");
	/* Number 0 is that of accesses without PASID. */
	if (!pasid || pasid >> dev->pasid_bits)
		return refuse(dev, -EINVAL, "PASID out of range");
	return 0;
}

/* dev->lock is held; dom and old differ. */
static int check_change(const struct smmuv3_dev *dev,
			const struct smmuv3_dom *dom, uint32_t pasid,
			const struct smmuv3_dom *old)
{
	const struct smmuv3_dom *now = smmuv3_cdtab_dom(&dev->cdtab, pasid);

	if (dom && now && !old)
		return refuse(dev, -EBUSY, "the PASID is in use");
	if (now != old)
		return refuse(dev, -EINVAL, "the PASID has another domain");
	if (dom && !has_own_cds(dom_or_null(dev->hwdev.dom)))
		return refuse(dev, -EINVAL, "PASIDs beside a stage-2 domain");
	return 0;
}

/* dev->lock is held. */
static int set_pasid_locked(struct smmuv3_dev *dev, struct smmuv3_dom *dom,
			    uint32_t pasid, struct smmuv3_dom *old)
{
	struct smmuv3_cdplan plan;
	struct smmu_cd cd;
	bool sure;
	int rc;

	rc = check_change(dev, dom, pasid, old);
	if (rc || (dom == old && !dev->stopped))
		return rc;
	rc = smmuv3_use_get(dev, dom, pasid);
	if (rc)
		return rc;
	if (dom)
		smmuv3_dom_cd(dom, dev, &cd);
	rc = smmuv3_cdtab_prepare(dev, pasid, dom, &cd, &plan);
	if (rc) {
		smmuv3_use_put(dev, dom, pasid, SMMUV3_LEAVE_UNUSED);
		return rc;
	}
	if (is_nobodys(dev))
		smmuv3_fault_dev_handed(dev);
	rc = carry_out(dev, &plan, dom_or_null(dev->hwdev.dom), &sure);
	if (rc)
		smmuv3_use_put(dev, dom, pasid, smmuv3_leave(sure));
	smmuv3_use_put(dev, old, pasid, smmuv3_leave(sure));
	return rc;
}

int smmuv3_set_pasid(struct uiommu_hwdom *d, struct uiommu_hwdev *v,
		     uint32_t pasid, struct uiommu_hwdom *old)
{
	struct smmuv3_dev *dev = to_smmuv3_dev(v);
	struct smmuv3_unit *unit = unit_of(dev);
	int rc;

	rc = check_pasid(dev, pasid);
	if (rc)
		return rc;
	if (d) {
		rc = check_dom(dev, d);
		if (rc)
			return rc;
		if (!is_stage(to_smmuv3_dom(d), 1))
			return refuse(dev, -EINVAL,
				      "a PASID takes a stage-1 domain");
	}
	smmuv3_lock(unit, &dev->lock);
	rc = set_pasid_locked(dev, dom_or_null(d), pasid, dom_or_null(old));
	smmuv3_unlock(unit, &dev->lock);
	return rc;
}
