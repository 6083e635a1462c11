/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * make.h - makers of stream table entries and context descriptors (pure), and
 * which of their bits the hardware looks at.
 *
 * An image is eight words in CPU order.  A maker fills all of it.
 */
#ifndef DRIVER_SMMUV3_MAKE_H
#define DRIVER_SMMUV3_MAKE_H

#include <uiommu/driver.h>
#include <uiommu/pgtable.h>

#include "hw/smmuv3/cd.h"
#include "hw/smmuv3/ste.h"

/* Words of an entry of either kind. */
#define SMMUV3_ENTRY_QWORDS 8
_Static_assert(SMMU_STE_QWORDS == SMMUV3_ENTRY_QWORDS, "one writer for both");
_Static_assert(SMMU_CD_QWORDS == SMMUV3_ENTRY_QWORDS, "one writer for both");

/* Valid, and every access is aborted without an event. */
void smmuv3_make_ste_abort(struct smmu_ste *ste);
/* Accesses pass untranslated. */
void smmuv3_make_ste_bypass(struct smmu_ste *ste);

struct smmuv3_ste_s1_cfg {
	uiommu_pa_t cdtab; /* S1ContextPtr */
	uint8_t s1fmt;	   /* enum smmu_ste_s1fmt */
	uint8_t s1cdmax;
	uint8_t s1dss; /* enum smmu_ste_s1dss, counts if s1cdmax != 0 */
	bool coherent; /* CD fetches snoop */
	bool no_stall; /* STALL_MODEL is 0 and the device must not stall */
	uint8_t eats;  /* enum smmu_ste_eats */
	uint16_t vmid; /* tags TLB entries though stage 2 is off */
};

/* Accesses are translated by stage 1. */
void smmuv3_make_ste_s1(struct smmu_ste *ste,
			const struct smmuv3_ste_s1_cfg *cfg);

struct smmuv3_ste_s2_cfg {
	struct uiommu_pgtable_info pt; /* of a VMSAv8-64 stage-2 table */
	uint16_t vmid;
	bool coherent; /* walks snoop */
	uint8_t eats;  /* enum smmu_ste_eats */
	bool stall;    /* faults wait for CMD_RESUME; not with ATS */
	bool merge;    /* events alike may be told of as one */
};

/*
 * Accesses are translated by stage 2; a fault aborts, or stalls, and is
 * recorded.  All entries with one VMID have equal stage-2 fields but those for
 * faults, of which TLBs keep nothing.
 */
void smmuv3_make_ste_s2(struct smmu_ste *ste,
			const struct smmuv3_ste_s2_cfg *cfg);

struct smmuv3_cd_cfg {
	struct uiommu_pgtable_info pt; /* of a VMSAv8-64 stage-1 table */
	uint16_t asid;
	bool coherent; /* walks snoop */
	bool stall;    /* faults wait for CMD_RESUME */
};

/* TTB0 only; faults abort, or stall, and are recorded. */
void smmuv3_make_cd_s1(struct smmu_cd *cd, const struct smmuv3_cd_cfg *cfg);

struct smmuv3_shape;

struct smmuv3_shared_cfg {
	/* Both as smmuv3_sva_choose() has checked and made them. */
	const struct uiommu_cpu_tables *cpu;
	const struct smmuv3_shape *shape;
	uint16_t asid;
	bool stall;
};

/* The same over the lower half of what a CPU translates. */
void smmuv3_make_cd_shared(struct smmu_cd *cd,
			   const struct smmuv3_shared_cfg *cfg);

/*
 * Bits of an entry that the hardware may look at, given the entry's own valid
 * bit, configuration and disable bits; the others can be changed unseen.  May
 * name too many, never too few.  Which bits these are depends on used bits
 * only.
 */
void smmuv3_ste_used(const uint64_t ste[SMMUV3_ENTRY_QWORDS],
		     uint64_t used[SMMUV3_ENTRY_QWORDS]);
/* Changes that stop every access though one word would do (IHI 0070 3.9.1). */
bool smmuv3_ste_indirect(const uint64_t now[SMMUV3_ENTRY_QWORDS],
			 const uint64_t target[SMMUV3_ENTRY_QWORDS]);
void smmuv3_cd_used(const uint64_t cd[SMMUV3_ENTRY_QWORDS],
		    uint64_t used[SMMUV3_ENTRY_QWORDS]);

/* Smallest code of IDR5.OAS and CD.IPS that covers `bits` address bits. */
uint8_t smmuv3_oas_code(unsigned int bits);

#endif /* DRIVER_SMMUV3_MAKE_H */
