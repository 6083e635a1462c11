/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CD table of one device.  It belongs to that device alone, so writing it
 * concerns nobody else.
 *
 * One CD for accesses without PASID (S1CDMax = 0), in two slots: a change of
 * domain fills the slot that the STE does not point to and then swaps the
 * pointer, one word.  A CFGI_STE drops what was cached of either slot, because
 * the hardware finds CDs by StreamID and index and not by address.  Since the
 * memory is there from the start, a change of domain cannot run out of it.
 */
#include "unit.h"

#define SLOTS 2

int smmuv3_cdtab_init(struct smmuv3_unit *unit, struct smmuv3_cdtab *tab)
{
	tab->live = 0;
	tab->cds = smmuv3_table_alloc(unit, (size_t)SLOTS * SMMU_CD_SIZE,
				      &tab->pa);
	return tab->cds ? 0 : -ENOMEM;
}

void smmuv3_cdtab_fini(struct smmuv3_unit *unit, struct smmuv3_cdtab *tab)
{
	smmuv3_table_free(unit, tab->cds, (size_t)SLOTS * SMMU_CD_SIZE);
}

uiommu_pa_t smmuv3_cdtab_install(struct smmuv3_unit *unit,
				 struct smmuv3_cdtab *tab,
				 const struct smmu_cd *cd)
{
	unsigned int slot = 1 - tab->live, i;
	le64_t *words = tab->cds + (size_t)slot * SMMU_CD_QWORDS;

	for (i = 0; i < SMMU_CD_QWORDS; i++)
		smmuv3_store(unit, &words[i], cpu_to_le64(cd->q[i]));
	return tab->pa + (uiommu_pa_t)slot * SMMU_CD_SIZE;
}

void smmuv3_cdtab_commit(struct smmuv3_cdtab *tab)
{
	tab->live = 1 - tab->live;
}
