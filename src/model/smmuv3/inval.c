/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inval.c - CFGI and TLBI commands: from the queue to the caches and to the
 * embedder's notifier (IHI 0070 4.3, 4.4).
 *
 * A command is taken apart, and found legal, when it is consumed.  A model takes
 * it out at once, but a greedy one only when a CMD_SYNC of the same queue
 * completes, when the queue is turned off, or when it cannot put off any more:
 * software that forgets the CMD_SYNC goes on with what it had.
 */
#include "../mutant.h"
#include "msmmu.h"

/* ----------------------------------------------------------------- CFGI -- */

static bool cfgi_decode(const msmmu *m, unsigned int op,
			const struct smmu_cmd *cmd, struct msmmu_inval *inval)
{
	unsigned int range = FIELD_GET(SMMU_CMD_CFGI_1_RANGE, cmd->q[1]);
	bool of_cds = op == SMMU_CMD_OP_CFGI_CD ||
		      op == SMMU_CMD_OP_CFGI_CD_ALL;

	if ((cmd->q[0] & SMMU_CMD_0_SSEC) && !MUTANT("CFGI SSec is illegal"))
		return false;
	if (of_cds && !m->caps.s1p && !MUTANT("CFGI_CD needs stage 1"))
		return false;
	inval->sid = (uint32_t)FIELD_GET(SMMU_CMD_0_SID, cmd->q[0]);
	inval->ssid = (uint32_t)FIELD_GET(SMMU_CMD_0_SSID, cmd->q[0]);
	inval->tlb.leaf_only = cmd->q[1] & SMMU_CMD_CFGI_1_LEAF;
	if (op != SMMU_CMD_OP_CFGI_STE_RANGE)
		return true;
	inval->tlb.leaf_only = false;
	inval->sids_lg2 = (uint8_t)(range + 1);
	inval->sid &= ~(uint32_t)mask_lg2(range + 1);
	return true;
}

static void cfgi(msmmu *m, const struct msmmu_inval *inval)
{
	msmmu_raw_cfgi(m, inval);
	switch (inval->op) {
	case SMMU_CMD_OP_CFGI_STE:
		if (!MUTANT("CFGI_STE"))
			msmmu_cfgi_ste(m, inval->sid);
		break;
	case SMMU_CMD_OP_CFGI_STE_RANGE:
		if (inval->sids_lg2 == 32) {
			if (!MUTANT("CFGI_ALL"))
				msmmu_cfgi_all(m);
		} else if (!MUTANT("CFGI_STE_RANGE")) {
			msmmu_cfgi_ste_range(m, inval->sid,
					     inval->sids_lg2 - 1u);
		}
		break;
	case SMMU_CMD_OP_CFGI_CD:
		if (!MUTANT("CFGI_CD"))
			msmmu_cfgi_cd(m, inval->sid, inval->ssid);
		break;
	case SMMU_CMD_OP_CFGI_CD_ALL:
		if (!MUTANT("CFGI_CD_ALL"))
			msmmu_cfgi_ste(m, inval->sid);
		break;
	}
}

/* ------------------------------------------------------------- notifier -- */

static void notify_cfgi(const struct msmmu_inval *inval,
			struct uiommu_smmuv3_inval *out)
{
	out->kind = UIOMMU_SMMUV3_INVAL_CONFIG;
	out->first_sid = inval->sid;
	out->last_sid = inval->sid | (uint32_t)mask_lg2(inval->sids_lg2);
	out->all_ssids = inval->op != SMMU_CMD_OP_CFGI_CD;
	out->ssid = out->all_ssids ? 0 : inval->ssid;
}

static uint64_t sign_extended(uint64_t va)
{
	return (uint64_t)((int64_t)(va << 8) >> 8);
}

static bool by_address(unsigned int op)
{
	return op == SMMU_CMD_OP_TLBI_NH_VA || op == SMMU_CMD_OP_TLBI_NH_VAA ||
	       op == SMMU_CMD_OP_TLBI_EL2_VA ||
	       op == SMMU_CMD_OP_TLBI_EL2_VAA || op == SMMU_CMD_OP_TLBI_S2_IPA;
}

static void notify_whom(const struct msmmu_inval *inval,
			struct uiommu_smmuv3_inval *out)
{
	unsigned int op = inval->op;

	out->regime = UIOMMU_SMMUV3_REGIME_EL1;
	out->stages = UIOMMU_SMMUV3_STAGE_1;
	switch (inval->tlb.regime) {
	case MSMMU_REGIME_E2H:
		out->regime = UIOMMU_SMMUV3_REGIME_EL2_E2H;
		break;
	case MSMMU_REGIME_EL2:
		out->regime = UIOMMU_SMMUV3_REGIME_EL2;
		break;
	case MSMMU_REGIME_IPA:
		out->stages = UIOMMU_SMMUV3_STAGE_2;
		break;
	}
	if (op == SMMU_CMD_OP_TLBI_EL2_ALL)
		out->regime = UIOMMU_SMMUV3_REGIME_EL2_ANY;
	if (op == SMMU_CMD_OP_TLBI_S12_VMALL || op == SMMU_CMD_OP_TLBI_NSNH_ALL)
		out->stages = UIOMMU_SMMUV3_STAGE_1 | UIOMMU_SMMUV3_STAGE_2;
	out->first_vmid =
		(uint16_t)(inval->tlb.vmid & ~(uint32_t)mask_lg2(inval->vmw));
	out->last_vmid =
		(uint16_t)(inval->tlb.vmid | (uint32_t)mask_lg2(inval->vmw));
	if (op == SMMU_CMD_OP_TLBI_NSNH_ALL) {
		out->first_vmid = 0;
		out->last_vmid = 0xffff;
	}
	out->all_asids = inval->tlb.any_asid;
	out->asid = out->all_asids ? 0 : inval->tlb.asid;
	out->globals = op != SMMU_CMD_OP_TLBI_NH_ASID &&
		       op != SMMU_CMD_OP_TLBI_EL2_ASID;
}

static void notify_tlbi(const struct msmmu_inval *inval,
			struct uiommu_smmuv3_inval *out)
{
	bool ipa = inval->tlb.regime == MSMMU_REGIME_IPA;

	out->kind = UIOMMU_SMMUV3_INVAL_TLB;
	notify_whom(inval, out);
	out->first = 0;
	out->last = ~UINT64_C(0);
	out->level = MSMMU_NO_LEVEL;
	if (!by_address(inval->op))
		return;
	out->first = ipa ? inval->tlb.first : sign_extended(inval->tlb.first);
	out->last = ipa ? inval->tlb.last : sign_extended(inval->tlb.last);
	out->granule_lg2 = inval->tlb.granule_lg2;
	out->level = inval->tlb.level;
}

static bool is_cfgi(unsigned int op)
{
	return op < SMMU_CMD_OP_TLBI_NH_ALL;
}

static void notify(msmmu *m, const struct msmmu_inval *inval)
{
	struct uiommu_smmuv3_inval out = {
		.opcode = inval->op,
		.leaf_only = inval->tlb.leaf_only,
	};

	if (is_cfgi(inval->op))
		notify_cfgi(inval, &out);
	else
		notify_tlbi(inval, &out);
	m->notify(m->notify_ctx, &out);
}

void msmmu_notify_all(msmmu *m)
{
	const struct uiommu_smmuv3_inval all = {
		.kind = UIOMMU_SMMUV3_INVAL_ALL,
		.last_sid = UINT32_MAX,
		.all_ssids = true,
		.stages = UIOMMU_SMMUV3_STAGE_1 | UIOMMU_SMMUV3_STAGE_2,
		.last_vmid = UINT16_MAX,
		.all_asids = true,
		.globals = true,
		.last = UINT64_MAX,
		.level = MSMMU_NO_LEVEL,
	};

	if (m->notify && !MUTANT("notify of SMMUEN and GBPA"))
		m->notify(m->notify_ctx, &all);
}

void uiommu_smmuv3_model_set_notifier(
	struct uiommu_smmuv3_model *model,
	void (*fn)(void *ctx, const struct uiommu_smmuv3_inval *inval),
	void *ctx)
{
	model->notify_ctx = ctx;
	model->notify = fn;
}

/* ---------------------------------------------------------- carrying out -- */

/* The one place where an invalidation takes effect. */
static void carry_out(msmmu *m, const struct msmmu_inval *inval)
{
	if (is_cfgi(inval->op))
		cfgi(m, inval);
	else
		msmmu_tlbi(m, inval);
	if (m->notify && !MUTANT("notify of commands"))
		notify(m, inval);
}

void msmmu_inval_settle(msmmu *m, struct msmmu_cmdq *q)
{
	uint32_t n = q->nr_later;

	q->nr_later = 0;
	for (uint32_t i = 0; i < n; i++)
		carry_out(m, &q->later[i]);
}

bool msmmu_inval_cmd(msmmu *m, struct msmmu_cmdq *q, const struct smmu_cmd *cmd)
{
	unsigned int op = FIELD_GET(SMMU_CMD_0_OP, cmd->q[0]);
	struct msmmu_inval inval = { .op = (uint8_t)op };
	bool legal;

	switch (op) {
	case SMMU_CMD_OP_CFGI_STE:
	case SMMU_CMD_OP_CFGI_STE_RANGE:
	case SMMU_CMD_OP_CFGI_CD:
	case SMMU_CMD_OP_CFGI_CD_ALL:
		legal = cfgi_decode(m, op, cmd, &inval);
		break;
	default:
		legal = msmmu_tlbi_decode(m, cmd, &inval);
	}
	if (!legal)
		return false;
	if (!q->later) {
		carry_out(m, &inval);
		return true;
	}
	if (q->nr_later == MSMMU_LATER_MAX)
		msmmu_inval_settle(m, q);
	q->later[q->nr_later++] = inval;
	return true;
}
