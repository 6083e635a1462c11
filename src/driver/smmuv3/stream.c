/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stream table entries of one device: what they say, given the domain for
 * accesses without PASID and the CD table, and how they are written.
 *
 *   RID domain	without PASIDs		with PASIDs
 *   stage 1	stage 1, one CD		stage 1, CD 0 (S1DSS = SSID0)
 *   identity	bypass			stage 1, S1DSS = bypass
 *   blocked	abort			stage 1, S1DSS = terminate
 *   stage 2	stage 2			refused: there is no table of CDs
 *   nested	as the guest's entry says, over stage 2; PASIDs are the guest's
 *
 * All StreamIDs of a device have equal entries at any time, so the entry writer
 * sees one and stores to all; one CMD_SYNC serves them all.  They start as clean
 * abort entries, whatever device had them before.
 */
#include "cmd.h"
#include "entry.h"
#include "mutant.h"
#include "unit.h"

static struct smmuv3_unit *unit_of(const struct smmuv3_dev *dev)
{
	return to_smmuv3_unit(dev->hwdev.unit);
}

/* ------------------------------------------------------------- contents -- */

static enum smmu_ste_s1dss dss_of(const struct smmuv3_dom *dom)
{
	if (!dom || dom->hwdom.type == UIOMMU_DOM_BLOCKED)
		return SMMU_STE_S1DSS_TERMINATE;
	if (dom->hwdom.type == UIOMMU_DOM_IDENTITY)
		return SMMU_STE_S1DSS_BYPASS;
	return SMMU_STE_S1DSS_SSID0;
}

static void describe_s2(const struct smmuv3_dev *dev,
			const struct smmuv3_dom *dom,
			struct smmuv3_ste_s2_cfg *s2)
{
	const struct smmuv3_unit *unit = unit_of(dev);

	*s2 = (struct smmuv3_ste_s2_cfg){
		.pt = dom->info,
		.vmid = smmuv3_att_of(dom, unit)->vmid,
		.coherent = unit->feat.coherent,
		.eats = smmuv3_ats_eats(dev),
		.stall = dev->stall && !DRIVER_MUTANT("ste: S2S"),
		/* So that a guest does not flood the queue of all. */
		.merge = dom->nest_parent && !DRIVER_MUTANT("ste: MEV"),
	};
}

/* An entry that aborts, or S2 alone, or both stages. */
static void make_nested(const struct smmuv3_dev *dev, struct smmuv3_dom *dom,
			struct smmu_ste *ste)
{
	struct smmuv3_ste_s2_cfg s2;

	describe_s2(dev, smmuv3_table_of(dom), &s2);
	switch (dom->vste.config) {
	case SMMU_STE_CONFIG_S1:
		/* Without it the guest does not invalidate the ATC either. */
		if (!dom->vste.ats && !DRIVER_MUTANT("ste: EATS of a guest"))
			s2.eats = SMMU_STE_EATS_OFF;
		smmuv3_make_ste_nested(ste, &s2, &dom->vste);
		/* By its own names a guest says itself who may wait. */
		if (dom->vsmmu->host_ids && unit_of(dev)->feat.can_stall &&
		    !dev->stall && !DRIVER_MUTANT("ste: S1STALLD of a table"))
			ste->q[1] |= SMMU_STE_1_S1STALLD;
		break;
	case SMMU_STE_CONFIG_BYPASS:
		smmuv3_make_ste_s2(ste, &s2);
		break;
	default:
		smmuv3_make_ste_abort(ste);
	}
}

void smmuv3_stream_make(const struct smmuv3_dev *dev, struct smmuv3_dom *dom,
			const struct smmuv3_cdtab *tab, struct smmu_ste *ste)
{
	const struct smmuv3_unit *unit = unit_of(dev);
	struct smmuv3_ste_s1_cfg s1 = {
		/* Set even where one CD is all: then growth is one word. */
		.s1dss = dss_of(dom),
		.coherent = unit->feat.coherent,
		.no_stall = unit->feat.can_stall && !dev->stall,
		.eats = smmuv3_ats_eats(dev),
		.vmid = SMMUV3_S1_VMID,
	};
	struct smmuv3_ste_s2_cfg s2;

	if (smmuv3_is_nested(dom)) {
		make_nested(dev, dom, ste);
	} else if (tab->top) {
		smmuv3_cdtab_describe(tab, &s1);
		smmuv3_make_ste_s1(ste, &s1);
	} else if (!dom || dom->hwdom.type == UIOMMU_DOM_BLOCKED) {
		smmuv3_make_ste_abort(ste);
	} else if (dom->hwdom.type == UIOMMU_DOM_IDENTITY) {
		smmuv3_make_ste_bypass(ste);
	} else {
		describe_s2(dev, dom, &s2);
		smmuv3_make_ste_s2(ste, &s2);
	}
	/*
	 * The SMMU's own responses to page requests, which may come still when
	 * ATS is off.  An entry that aborts has nothing but word 0.
	 */
	if (dev->pri_pasid &&
	    FIELD_GET(SMMU_STE_0_CONFIG, ste->q[0]) >= SMMU_STE_CONFIG_BYPASS)
		ste->q[1] |= SMMU_STE_1_PPAR;
}

/* -------------------------------------------------------------- writing -- */

static void ste_store(void *ctx, unsigned int i, le64_t value)
{
	struct smmuv3_dev *dev = ctx;
	struct smmuv3_unit *unit = unit_of(dev);
	unsigned int id;

	if (DRIVER_MUTANT("ste: store of word 0") && i == 0)
		return;
	if (DRIVER_MUTANT("ste: store of word 1") && i == 1)
		return;
	for (id = 0; id < dev->nr_ids; id++)
		smmuv3_store(unit, smmuv3_strtab_ste(unit, dev->ids[id]) + i,
			     value);
}

int smmuv3_stream_forget(struct smmuv3_dev *dev)
{
	struct smmuv3_batch batch;
	unsigned int i;

	smmuv3_batch_init(&batch, &unit_of(dev)->cmdq);
	for (i = 0; i < dev->nr_ids; i++)
		if (!DRIVER_MUTANT("ste: CFGI_STE"))
			smmuv3_batch_add(&batch, smmuv3_make_cfgi_ste(
							 dev->ids[i], true));
	return smmuv3_batch_sync(&batch);
}

static int ste_sync(void *ctx)
{
	return smmuv3_stream_forget(ctx);
}

static const struct smmuv3_entry_ops ste_ops = {
	.used = smmuv3_ste_used,
	.abort_q0 = SMMU_STE_0_V, /* Config 0 */
	.indirect = smmuv3_ste_indirect,
	.store = ste_store,
	.sync = ste_sync,
};

static bool has_eats(uint64_t q1)
{
	return q1 & SMMU_STE_1_EATS;
}

/*
 * Whether there is ATS, and all the rest, are two changes where both at once would
 * stop every access: by way of the entry with translation and without ATS.  False:
 * that does not help.
 */
static bool without_ats(const le64_t *live, const struct smmu_ste *ste,
			struct smmu_ste *mid)
{
	le64_t words[SMMU_STE_QWORDS];
	struct smmu_ste now;
	unsigned int i;

	for (i = 0; i < SMMU_STE_QWORDS; i++)
		now.q[i] = le64_to_cpu(live[i]);
	if (has_eats(now.q[1]) == has_eats(ste->q[1]) ||
	    smmuv3_entry_way(&ste_ops, live, ste->q) != SMMUV3_ENTRY_ABORT ||
	    DRIVER_MUTANT("ats: one word after the other"))
		return false;
	*mid = has_eats(now.q[1]) ? now : *ste;
	mid->q[1] &= ~SMMU_STE_1_EATS;
	for (i = 0; i < SMMU_STE_QWORDS; i++)
		words[i] = cpu_to_le64(mid->q[i]);
	return smmuv3_entry_way(&ste_ops, live, mid->q) ==
		       SMMUV3_ENTRY_HITLESS &&
	       smmuv3_entry_way(&ste_ops, words, ste->q) ==
		       SMMUV3_ENTRY_HITLESS;
}

int smmuv3_stream_install(struct smmuv3_dev *dev, const struct smmu_ste *ste)
{
	const le64_t *live = smmuv3_strtab_ste(unit_of(dev), dev->ids[0]);
	struct smmu_ste mid;
	int rc = 0;

	if (without_ats(live, ste, &mid))
		rc = smmuv3_entry_write(&ste_ops, dev, live, mid.q);
	if (!rc)
		rc = smmuv3_entry_write(&ste_ops, dev, live, ste->q);
	if (!rc)
		smmuv3_ats_entry(dev, ste);
	return rc;
}

bool smmuv3_stream_aborts(struct smmuv3_dev *dev, const struct smmu_ste *ste)
{
	const le64_t *live = smmuv3_strtab_ste(unit_of(dev), dev->ids[0]);
	struct smmu_ste mid;

	return smmuv3_entry_way(&ste_ops, live, ste->q) == SMMUV3_ENTRY_ABORT &&
	       !without_ats(live, ste, &mid);
}

/* How many words are not those of an abort entry; `store`: from now on all. */
static unsigned int leftovers(struct smmuv3_dev *dev, bool store)
{
	struct smmuv3_unit *unit = unit_of(dev);
	unsigned int id, i, nr = 0;
	struct smmu_ste ste;
	le64_t *words;

	smmuv3_make_ste_abort(&ste);
	for (id = 0; id < dev->nr_ids; id++) {
		words = smmuv3_strtab_ste(unit, dev->ids[id]);
		for (i = 0; i < SMMU_STE_QWORDS; i++) {
			if (le64_to_cpu(words[i]) == ste.q[i])
				continue;
			nr++;
			if (store && !DRIVER_MUTANT("ste: leftovers"))
				smmuv3_store(unit, &words[i],
					     cpu_to_le64(ste.q[i]));
		}
	}
	return nr;
}

int smmuv3_stream_start(struct smmuv3_dev *dev)
{
	int rc;

	if (!leftovers(dev, false))
		return 0;
	/* Before the stores: where this fails the next try must see them. */
	rc = smmuv3_stream_forget(dev);
	if (rc)
		return rc;
	leftovers(dev, true);
	return smmuv3_stream_forget(dev);
}

int smmuv3_stream_stop(struct smmuv3_dev *dev)
{
	struct smmu_ste ste;
	int rc;

	if (!DRIVER_MUTANT("ste: stop when the hardware fails"))
		smmuv3_entry_stop(&ste_ops, dev);
	rc = smmuv3_stream_forget(dev);
	if (rc)
		return rc;
	smmuv3_make_ste_abort(&ste);
	return smmuv3_stream_install(dev, &ste);
}
