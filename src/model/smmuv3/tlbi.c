/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlbi.c - TLB invalidation commands (IHI 0070 4.4).
 *
 * What a command must reach is reached and, but for hash collisions, nothing
 * more: a range names a granule and may name a level, and only such leaves are
 * dropped.  Without Leaf all that is known of tables is forgotten too.
 *
 * Addresses are taken as the TLB knows them, bits 55 to 0: what stands above is
 * a sign or a tag.  A range ends at the end of the half of the address space
 * that it began in.
 */
#include "../mutant.h"
#include "msmmu.h"

#define VA_BITS 56u

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

/* Low bits of the VMID that CR0.VMW leaves out of the comparison. */
static uint8_t vmid_wildcard(const msmmu *m)
{
	unsigned int vmw = FIELD_GET(SMMU_CR0_VMW, MSMMU_REG(m, CR0));

	if (!m->caps.vmw || vmw > SMMU_CR0_VMW_MAX || MUTANT("TLBI VMW"))
		return 0;
	return (uint8_t)vmw;
}

/* ------------------------------------------------------------- decoding -- */

static uint64_t last_of_range(uint64_t first, uint64_t len, bool two_halves)
{
	uint64_t top = mask_lg2(VA_BITS);

	if (two_halves && !(first >> (VA_BITS - 1)))
		top = mask_lg2(VA_BITS - 1);
	return len - 1 > top - first ? top : first + len - 1;
}

/* NUM, SCALE, TG and TTL; false: the combination is ILLEGAL. */
static bool decode_range(const msmmu *m, const struct smmu_cmd *cmd,
			 struct msmmu_tlb_range *r)
{
	static const uint8_t granules[4] = { 0, 12, 14, 16 };
	unsigned int tg = FIELD_GET(SMMU_CMD_TLBI_1_TG, cmd->q[1]);
	unsigned int ttl = FIELD_GET(SMMU_CMD_TLBI_1_TTL, cmd->q[1]);
	uint64_t num = FIELD_GET(SMMU_CMD_TLBI_0_NUM, cmd->q[0]) + 1;
	unsigned int scale = FIELD_GET(SMMU_CMD_TLBI_0_SCALE, cmd->q[0]);

	r->last = r->first | mask_lg2(12);
	r->level = MSMMU_NO_LEVEL;
	if (!m->caps.ril || tg == SMMU_CMD_TG_SINGLE)
		return true;
	if (!m->caps.ds)
		scale &= 0x1f;
	scale = (unsigned int)min_u64(scale, 39);
	if (tg == SMMU_CMD_TG_16K && ttl == 1 && !m->caps.ds)
		ttl = 0;
	if (num == 1 && !scale && !ttl && !MUTANT("TLBI of nothing is illegal"))
		return false;
	if (!MUTANT("TLBI TG"))
		r->granule_lg2 = granules[tg];
	if (ttl && !MUTANT("TLBI TTL"))
		r->level = (int8_t)ttl;
	if (MUTANT("TLBI range end"))
		num = 1;
	if (MUTANT("TLBI range scale"))
		scale = 0;
	r->last = last_of_range(r->first, num << (scale + granules[tg]),
				r->regime != MSMMU_REGIME_IPA);
	return true;
}

static bool decode_address(const msmmu *m, const struct smmu_cmd *cmd,
			   struct msmmu_tlb_range *r)
{
	r->first = cmd->q[1] & SMMU_CMD_TLBI_1_IPA;
	r->leaf_only = (cmd->q[1] & SMMU_CMD_TLBI_1_LEAF) ||
		       MUTANT("TLBI Leaf=0");
	return decode_range(m, cmd, r);
}

_Static_assert(SMMU_CMD_TLBI_1_IPA == GENMASK64(VA_BITS - 1, 12),
	       "a VA without sign and tag, and an IPA");

static bool is_el2(unsigned int op)
{
	return op >= SMMU_CMD_OP_TLBI_EL2_ALL && op <= SMMU_CMD_OP_TLBI_EL2_VAA;
}

/* What this SMMU does not have is ILLEGAL. */
static bool supported(const msmmu *m, unsigned int op)
{
	switch (op) {
	case SMMU_CMD_OP_TLBI_NH_ALL:
	case SMMU_CMD_OP_TLBI_NH_ASID:
	case SMMU_CMD_OP_TLBI_NH_VA:
	case SMMU_CMD_OP_TLBI_NH_VAA:
		return m->caps.s1p || MUTANT("TLBI_NH needs stage 1");
	case SMMU_CMD_OP_TLBI_EL2_ALL:
	case SMMU_CMD_OP_TLBI_EL2_ASID:
	case SMMU_CMD_OP_TLBI_EL2_VA:
	case SMMU_CMD_OP_TLBI_EL2_VAA:
		return m->caps.hyp || MUTANT("TLBI_EL2 needs Hyp");
	case SMMU_CMD_OP_TLBI_S12_VMALL:
	case SMMU_CMD_OP_TLBI_S2_IPA:
		return m->caps.s2p || MUTANT("TLBI_S2 needs stage 2");
	case SMMU_CMD_OP_TLBI_NSNH_ALL:
		return true;
	default:
		return MUTANT("reserved opcodes are illegal");
	}
}

bool msmmu_tlbi_decode(const msmmu *m, const struct smmu_cmd *cmd,
		       struct msmmu_inval *inval)
{
	struct msmmu_tlb_range *r = &inval->tlb;
	unsigned int op = inval->op;

	if (!supported(m, op))
		return false;
	r->regime = MSMMU_REGIME_EL1;
	r->any_asid = true;
	if (is_el2(op)) {
		r->regime = msmmu_cr2(m) & SMMU_CR2_E2H ||
					    op == SMMU_CMD_OP_TLBI_EL2_ASID
				    ? MSMMU_REGIME_E2H
				    : MSMMU_REGIME_EL2;
	} else {
		r->vmid = cmd_vmid(m, cmd);
		inval->vmw = vmid_wildcard(m);
	}
	switch (op) {
	case SMMU_CMD_OP_TLBI_NH_ASID:
	case SMMU_CMD_OP_TLBI_EL2_ASID:
		r->any_asid = false;
		r->asid = cmd_asid(m, cmd);
		return true;
	case SMMU_CMD_OP_TLBI_NH_VA:
	case SMMU_CMD_OP_TLBI_EL2_VA:
		r->any_asid = r->regime == MSMMU_REGIME_EL2;
		r->asid = cmd_asid(m, cmd);
		return decode_address(m, cmd, r);
	case SMMU_CMD_OP_TLBI_S2_IPA:
		r->regime = MSMMU_REGIME_IPA;
		return decode_address(m, cmd, r);
	case SMMU_CMD_OP_TLBI_NH_VAA:
	case SMMU_CMD_OP_TLBI_EL2_VAA:
		return decode_address(m, cmd, r);
	default:
		return true;
	}
}

/* -------------------------------------------------------------- effects -- */

static void of_range(msmmu *m, const struct msmmu_inval *inval, uint16_t vmid)
{
	struct msmmu_tlb_range r = inval->tlb;

	r.vmid = vmid;
	msmmu_tlb_inval_range(m, &r);
}

/* One VMID of those that are meant; 0 where there is none. */
static void for_vmid(msmmu *m, const struct msmmu_inval *inval, uint16_t vmid)
{
	uint16_t asid = inval->tlb.asid;

	switch (inval->op) {
	case SMMU_CMD_OP_TLBI_NH_ALL:
		if (!MUTANT("TLBI_NH_ALL"))
			msmmu_tlb_inval_vmid_s1(m, vmid);
		break;
	case SMMU_CMD_OP_TLBI_NH_ASID:
		if (!MUTANT("TLBI_NH_ASID"))
			msmmu_tlb_inval_asid(m, MSMMU_REGIME_EL1, vmid, asid);
		break;
	case SMMU_CMD_OP_TLBI_NH_VA:
		if (!MUTANT("TLBI_NH_VA"))
			of_range(m, inval, vmid);
		break;
	case SMMU_CMD_OP_TLBI_NH_VAA:
		if (!MUTANT("TLBI_NH_VAA"))
			of_range(m, inval, vmid);
		break;
	case SMMU_CMD_OP_TLBI_S12_VMALL:
		if (!MUTANT("TLBI_S12_VMALL stage 1"))
			msmmu_tlb_inval_vmid_s1(m, vmid);
		if (!MUTANT("TLBI_S12_VMALL stage 2"))
			msmmu_tlb_inval_vmid_s2(m, vmid);
		break;
	case SMMU_CMD_OP_TLBI_S2_IPA:
		if (!MUTANT("TLBI_S2_IPA"))
			of_range(m, inval, vmid);
		break;
	}
}

static void of_el2(msmmu *m, const struct msmmu_inval *inval)
{
	switch (inval->op) {
	case SMMU_CMD_OP_TLBI_EL2_ALL:
		if (!MUTANT("TLBI_EL2_ALL"))
			msmmu_tlb_inval_el2(m);
		break;
	case SMMU_CMD_OP_TLBI_EL2_ASID:
		if (!MUTANT("TLBI_EL2_ASID"))
			msmmu_tlb_inval_asid(m, MSMMU_REGIME_E2H, 0,
					     inval->tlb.asid);
		break;
	case SMMU_CMD_OP_TLBI_EL2_VA:
		if (!MUTANT("TLBI_EL2_VA"))
			of_range(m, inval, 0);
		break;
	case SMMU_CMD_OP_TLBI_EL2_VAA:
		if (!MUTANT("TLBI_EL2_VAA"))
			of_range(m, inval, 0);
		break;
	}
}

void msmmu_tlbi(msmmu *m, const struct msmmu_inval *inval)
{
	uint32_t nr = BIT32(inval->vmw);
	uint32_t first = inval->tlb.vmid & ~(nr - 1);

	if (is_el2(inval->op)) {
		of_el2(m, inval);
		return;
	}
	if (inval->op == SMMU_CMD_OP_TLBI_NSNH_ALL) {
		if (!MUTANT("TLBI_NSNH_ALL"))
			msmmu_tlb_inval_non_el2(m);
		return;
	}
	for (uint32_t i = 0; i < nr; i++)
		for_vmid(m, inval, (uint16_t)(first + i));
}
