/* SPDX-License-Identifier: BSD-2-Clause */
/* What a unit tells about itself: capabilities, ID registers, counters. */
#include "hw/smmuv3/regs.h"
#include "unit.h"

/* Bit n: pages of 2^n bytes. */
static uint32_t granules_of(const struct smmuv3_features *f)
{
	uint32_t granules = 0;

	if (f->idr[5] & SMMU_IDR5_GRAN4K)
		granules |= BIT32(12);
	if (f->idr[5] & SMMU_IDR5_GRAN16K)
		granules |= BIT32(14);
	if (f->idr[5] & SMMU_IDR5_GRAN64K)
		granules |= BIT32(16);
	return granules;
}

void smmuv3_caps(struct uiommu_unit *u, struct uiommu_unit_caps *caps)
{
	const struct smmuv3_features *f = &to_smmuv3_unit(u)->feat;

	memset(caps, 0, sizeof(*caps));
	caps->pgsizes = f->pgsizes;
	caps->ias = f->ias;
	caps->oas = f->pt_oas;
	caps->max_oas = smmuv3_max_oas(f);
	caps->max_pasid_lg2 = f->ssid_bits;
	caps->stage2 = f->s2;
	caps->granules = granules_of(f);
	caps->coherent = f->coherent;
	caps->dirty_tracking = f->httu >= SMMU_IDR0_HTTU_AF_DIRTY &&
			       !u->platform->clean_range;
	caps->page_faults = smmuv3_can_page(to_smmuv3_unit(u));
	caps->ats = f->ats;
	/* A message is a write like any other, so it needs a mapping; */
	caps->msi_translated = true;
	/* what is not mapped cannot be reached. */
	caps->msi_isolated = true;
}

size_t smmuv3_hw_info(struct uiommu_unit *u, uint32_t *type, void *buf,
		      size_t len)
{
	const struct smmuv3_features *f = &to_smmuv3_unit(u)->feat;
	struct uiommu_hw_info_smmuv3 info = {
		.iidr = f->iidr,
		.aidr = f->aidr,
	};

	_Static_assert(sizeof(info.idr) == sizeof(f->idr), "six of them");
	memcpy(info.idr, f->idr, sizeof(info.idr));
	*type = UIOMMU_HW_INFO_TYPE_ARM_SMMUV3;
	if (len)
		memcpy(buf, &info, min_u64(len, sizeof(info)));
	return sizeof(info);
}

static const char *const cmd_names[SMMUV3_NR_CMD_KINDS] = {
	[SMMUV3_CMD_SYNC] = "cmd/sync",
	[SMMUV3_CMD_CFGI_STE] = "cmd/cfgi_ste",
	[SMMUV3_CMD_CFGI_CD] = "cmd/cfgi_cd",
	[SMMUV3_CMD_CFGI_RANGE] = "cmd/cfgi_range",
	[SMMUV3_CMD_TLBI_VA] = "cmd/tlbi_va",
	[SMMUV3_CMD_TLBI_RANGE] = "cmd/tlbi_range",
	[SMMUV3_CMD_TLBI_ASID] = "cmd/tlbi_asid",
	[SMMUV3_CMD_TLBI_ALL] = "cmd/tlbi_all",
	[SMMUV3_CMD_ATC_INV] = "cmd/atc_inv",
	[SMMUV3_CMD_PRI_RESP] = "cmd/pri_resp",
	[SMMUV3_CMD_RESUME] = "cmd/resume",
	[SMMUV3_CMD_OTHER] = "cmd/other",
};

bool smmuv3_counter(struct uiommu_unit *u, unsigned int i, const char **name,
		    uint64_t *value)
{
	const struct smmuv3_unit *unit = to_smmuv3_unit(u);
	const struct {
		const char *name;
		const uint64_t *value;
	} more[] = {
		{ "cmdq/doorbells", &unit->cmdq.doorbells },
		{ "flushes", &unit->flushes },
		{ "flushes/full", &unit->full_flushes },
		{ "events", &unit->evtq.taken },
		{ "events/overflows", &unit->evtq.overflows },
		{ "gerrors", &unit->gerrors },
		{ "page_requests", &unit->priq.queue.taken },
		{ "page_requests/overflows", &unit->priq.queue.overflows },
		{ "page_requests/refused", &unit->priq.refused },
	};

	if (i < SMMUV3_NR_CMD_KINDS) {
		*name = cmd_names[i];
		*value = load_relaxed(&unit->cmdq.count[i]);
		return true;
	}
	i -= SMMUV3_NR_CMD_KINDS;
	if (i < ARRAY_SIZE(more)) {
		*name = more[i].name;
		*value = load_relaxed(more[i].value);
		return true;
	}
	if (i == ARRAY_SIZE(more)) {
		*name = "cmdq/errors";
		*value = load_relaxed(&unit->cmdq.errors);
		return true;
	}
	if (i == ARRAY_SIZE(more) + 1) {
		*name = "cmdq/atc_timeouts";
		*value = load_relaxed(&unit->cmdq.atc_errors);
		return true;
	}
	return false;
}
