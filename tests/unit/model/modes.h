/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * modes.h - models that cache differently: what software that invalidates as it
 * must sees is the same on all of them.
 */
#ifndef TESTS_UNIT_MODEL_MODES_H
#define TESTS_UNIT_MODEL_MODES_H

#include "rig.h"

enum mode {
	MODE_NORMAL,
	MODE_NONE,   /* caches nothing */
	MODE_GREEDY, /* caches all it may, for as long as it may */
	MODE_TINY,   /* evicts all the time */
	NR_MODES
};

static const char *const mode_names[NR_MODES] = { "normal", "none", "greedy",
						  "tiny" };

static inline void rig_init_mode(struct rig *r, enum mode mode)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");

	switch (mode) {
	case MODE_NONE:
		p.tlb_entries = 0;
		p.config_entries = 0;
		break;
	case MODE_GREEDY:
		p.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
		break;
	case MODE_TINY:
		p.tlb_entries = 4;
		p.config_entries = 4;
		break;
	default:
		break;
	}
	rig_init(r, &p);
}

#endif /* TESTS_UNIT_MODEL_MODES_H */
