/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address translation cache of a device.
 *
 * On: the ATC is emptied, the STE has EATS, then CFGI_STE and CMD_SYNC, then the
 * device's own enable bit, which the host sets (set_ats).  Off in the opposite
 * order, with everything in its ATC invalidated in between.  CR0.ATSCHK is always
 * set: a device that claims to have translated what its STE does not allow is
 * aborted.
 *
 * An ATC is not tagged by ASIDs.  So what a change of domain leaves in it has to
 * be invalidated, after the SMMU itself gives the new answer.
 *
 * A device that does not complete an invalidation must not go on with what it
 * holds: it loses ATS for good.  Its STE refuses translated accesses from then
 * on, and that is as good as an invalidation: what the device could reach may be
 * used for other things, and its untranslated accesses go on.
 *
 * The hardware tells only that some device did not obey, of all that were asked
 * between two CMD_SYNCs.  So each of those is asked again, for itself and for
 * everything, and the one that fails more than once in a row is the one.
 */
#include "cmd.h"
#include "mutant.h"
#include "unit.h"

static struct smmuv3_unit *unit_of(const struct smmuv3_dev *dev)
{
	return to_smmuv3_unit(dev->hwdev.unit);
}

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

void smmuv3_ats_add_all(const struct smmuv3_dev *dev,
			struct smmuv3_batch *batch)
{
	unsigned int i;

	for (i = 0; i < dev->nr_ids; i++) {
		smmuv3_batch_add(batch, smmuv3_make_atc_inv(dev->ids[i], 0, 0,
							    SMMUV3_ATC_ALL));
		if (dev->pasid_bits)
			smmuv3_batch_add(batch, smmuv3_make_atc_inv_pasids(
							dev->ids[i], 0,
							SMMUV3_ATC_ALL));
	}
}

static int forget_all(struct smmuv3_dev *dev)
{
	struct smmuv3_batch batch;

	smmuv3_batch_init(&batch, &unit_of(dev)->cmdq);
	smmuv3_ats_add_all(dev, &batch);
	return smmuv3_batch_sync(&batch);
}

/* What the accesses with `ssid` have left in the ATC; 0: those without. */
static int forget_ssid(struct smmuv3_dev *dev, uint32_t ssid)
{
	struct smmuv3_batch batch;
	unsigned int i;

	if (ssid == SMMUV3_SSID_GUEST &&
	    !DRIVER_MUTANT("ats: ATC_INV of a guest's PASIDs"))
		return forget_all(dev);
	smmuv3_batch_init(&batch, &unit_of(dev)->cmdq);
	for (i = 0; i < dev->nr_ids; i++) {
		smmuv3_batch_add(&batch,
				 smmuv3_make_atc_inv(dev->ids[i], ssid, 0,
						     SMMUV3_ATC_ALL));
		/* Those with PASID 0 may have found the CD for those without. */
		if (!ssid && smmuv3_cdtab_pasids(&dev->cdtab) &&
		    !DRIVER_MUTANT("ats: ATC_INV of PASID 0"))
			smmuv3_batch_add(&batch, smmuv3_make_atc_inv_pasid(
							 dev->ids[i], 0, 0,
							 SMMUV3_ATC_ALL));
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

int smmuv3_ats_ask(struct smmuv3_dev *dev)
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
