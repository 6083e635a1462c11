/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlbi.c - TLB invalidation commands (IHI 0070 4.4).
 *
 * What a command must reach is reached and, but for hash collisions, nothing
 * more: a range names a granule and may name a level, and only such leaves are
 * dropped.  Without Leaf all that is known of tables is forgotten too.
 */
#include "msmmu.h"

static uint16_t cmd_vmid(const msmmu *m, const struct smmu_cmd *cmd)
{
	uint16_t vmid = FIELD_GET(SMMU_CMD_TLBI_0_VMID, cmd->q[0]);

	if (!m->caps.s2p)
		return 0;
	return m->caps.vmid16 ? vmid : vmid & 0xff;
}

static uint16_t cmd_asid(const msmmu *m, const struct smmu_cmd *cmd)
{
	uint16_t asid = FIELD_GET(SMMU_CMD_TLBI_0_ASID, cmd->q[0]);

	return m->caps.asid16 ? asid : asid & 0xff;
}

/* NUM, SCALE, TG and TTL; false: the combination is ILLEGAL. */
static bool decode_range(const msmmu *m, const struct smmu_cmd *cmd,
			 uint64_t addr, struct msmmu_tlb_range *r)
{
	static const uint8_t granules[4] = { 0, 12, 14, 16 };
	unsigned int tg = FIELD_GET(SMMU_CMD_TLBI_1_TG, cmd->q[1]);
	unsigned int ttl = FIELD_GET(SMMU_CMD_TLBI_1_TTL, cmd->q[1]);
	unsigned int num = FIELD_GET(SMMU_CMD_TLBI_0_NUM, cmd->q[0]);
	unsigned int scale = FIELD_GET(SMMU_CMD_TLBI_0_SCALE, cmd->q[0]);
	unsigned int shift;
	uint64_t len;

	r->first = addr;
	r->last = addr | mask_lg2(12);
	r->level = MSMMU_NO_LEVEL;
	if (!m->caps.ril || tg == SMMU_CMD_TG_SINGLE)
		return true;
	if (!m->caps.ds)
		scale &= 0x1f;
	if (scale > 39)
		scale = 39;
	if (tg == SMMU_CMD_TG_16K && ttl == 1 && !m->caps.ds)
		ttl = 0;
	if (!num && !scale && !ttl)
		return false;
	r->granule_lg2 = granules[tg];
	if (ttl)
		r->level = (int8_t)ttl;
	shift = scale + r->granule_lg2;
	len = shift < 58 ? (num + UINT64_C(1)) << shift : UINT64_C(1) << 63;
	/* A range that runs over the top ends there. */
	r->last = addr + len - 1 < addr ? ~UINT64_C(0) : addr + len - 1;
	return true;
}

static bool by_address(msmmu *m, const struct smmu_cmd *cmd, uint8_t regime,
		       bool any_asid)
{
	bool el2 = regime == MSMMU_REGIME_EL2 || regime == MSMMU_REGIME_E2H;
	struct msmmu_tlb_range r = {
		.regime = regime,
		.any_asid = any_asid,
		.asid = cmd_asid(m, cmd),
		.vmid = el2 ? 0 : cmd_vmid(m, cmd),
		.leaf_only = cmd->q[1] & SMMU_CMD_TLBI_1_LEAF,
	};
	uint64_t addr = cmd->q[1] &
			(regime == MSMMU_REGIME_IPA ? SMMU_CMD_TLBI_1_IPA
						    : SMMU_CMD_TLBI_1_ADDR);

	if (!decode_range(m, cmd, addr, &r))
		return false;
	msmmu_tlb_inval_range(m, &r);
	return true;
}

static bool el2_op(msmmu *m, unsigned int op, const struct smmu_cmd *cmd)
{
	bool e2h = MSMMU_REG(m, CR2) & SMMU_CR2_E2H;

	if (!m->caps.hyp)
		return false;
	switch (op) {
	case SMMU_CMD_OP_TLBI_EL2_ALL:
		msmmu_tlb_inval_el2(m);
		return true;
	case SMMU_CMD_OP_TLBI_EL2_ASID:
		msmmu_tlb_inval_asid(m, MSMMU_REGIME_E2H, 0, cmd_asid(m, cmd));
		return true;
	default:
		return by_address(m, cmd,
				  e2h ? MSMMU_REGIME_E2H : MSMMU_REGIME_EL2,
				  op == SMMU_CMD_OP_TLBI_EL2_VAA);
	}
}

static bool nh_op(msmmu *m, unsigned int op, const struct smmu_cmd *cmd)
{
	if (!m->caps.s1p)
		return false;
	switch (op) {
	case SMMU_CMD_OP_TLBI_NH_ALL:
		msmmu_tlb_inval_vmid_s1(m, cmd_vmid(m, cmd));
		return true;
	case SMMU_CMD_OP_TLBI_NH_ASID:
		msmmu_tlb_inval_asid(m, MSMMU_REGIME_EL1, cmd_vmid(m, cmd),
				     cmd_asid(m, cmd));
		return true;
	default:
		return by_address(m, cmd, MSMMU_REGIME_EL1,
				  op == SMMU_CMD_OP_TLBI_NH_VAA);
	}
}

bool msmmu_tlbi(msmmu *m, unsigned int op, const struct smmu_cmd *cmd)
{
	switch (op) {
	case SMMU_CMD_OP_TLBI_NH_ALL:
	case SMMU_CMD_OP_TLBI_NH_ASID:
	case SMMU_CMD_OP_TLBI_NH_VA:
	case SMMU_CMD_OP_TLBI_NH_VAA:
		return nh_op(m, op, cmd);
	case SMMU_CMD_OP_TLBI_EL2_ALL:
	case SMMU_CMD_OP_TLBI_EL2_ASID:
	case SMMU_CMD_OP_TLBI_EL2_VA:
	case SMMU_CMD_OP_TLBI_EL2_VAA:
		return el2_op(m, op, cmd);
	case SMMU_CMD_OP_TLBI_S12_VMALL:
		if (!m->caps.s2p)
			return false;
		msmmu_tlb_inval_vmid_s1(m, cmd_vmid(m, cmd));
		msmmu_tlb_inval_vmid_s2(m, cmd_vmid(m, cmd));
		return true;
	case SMMU_CMD_OP_TLBI_S2_IPA:
		return m->caps.s2p &&
		       by_address(m, cmd, MSMMU_REGIME_IPA, false);
	case SMMU_CMD_OP_TLBI_NSNH_ALL:
		msmmu_tlb_inval_non_el2(m);
		return true;
	default:
		return false;
	}
}
