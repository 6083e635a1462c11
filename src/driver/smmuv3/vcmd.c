/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's commands.
 *
 * A command is taken if it has no bit set but those of the fields that it may have
 * on this SMMU; the VMID is then the guest's, whatever it says, and a StreamID that
 * of the device which the guest means.  So it cannot reach past itself, and the
 * queue, which it shares with everybody, does not stop at it (CERROR_ILL).  Values
 * that are out of range harm nobody else and are passed on.
 */
#include <uiommu/env.h>

#include "base/bits.h"
#include "guest.h"
#include "hw/smmuv3/regs.h"
#include "mutant.h"
#include "unit.h"

static unsigned int op_of(const struct smmu_cmd *cmd)
{
	return FIELD_GET(SMMU_CMD_0_OP, cmd->q[0]);
}

static bool has_substreams(const struct smmuv3_features *f)
{
	return FIELD_GET(SMMU_IDR1_SSIDSIZE, f->idr[1]) != 0;
}

/* Which bits a command may have, but its opcode; false: no such command. */
static bool fields_of(const struct smmuv3_features *f,
		      const struct smmu_cmd *cmd, struct smmu_cmd *fields)
{
	uint64_t q0 = 0, q1 = 0;

	switch (op_of(cmd)) {
	case SMMU_CMD_OP_TLBI_NSNH_ALL:
		break;
	case SMMU_CMD_OP_TLBI_NH_VA:
	case SMMU_CMD_OP_TLBI_NH_VAA:
		q0 = SMMU_CMD_TLBI_0_VMID;
		q1 = SMMU_CMD_TLBI_1_LEAF | SMMU_CMD_TLBI_1_ADDR;
		if (f->ril || DRIVER_MUTANT("vcmd: ranges without RIL")) {
			q0 |= SMMU_CMD_TLBI_0_NUM | SMMU_CMD_TLBI_0_SCALE;
			q1 |= SMMU_CMD_TLBI_1_TG | SMMU_CMD_TLBI_1_TTL;
		}
		/* The highest bit of SCALE. */
		if (!f->ds && !DRIVER_MUTANT("vcmd: SCALE"))
			q0 &= ~BIT64(25);
		break;
	case SMMU_CMD_OP_TLBI_NH_ASID:
	case SMMU_CMD_OP_TLBI_NH_ALL:
		q0 = SMMU_CMD_TLBI_0_VMID;
		break;
	case SMMU_CMD_OP_ATC_INV:
		if (!f->ats && !DRIVER_MUTANT("vcmd: ATC_INV without ATS"))
			return false;
		q0 = SMMU_CMD_0_SID;
		if (has_substreams(f))
			q0 |= SMMU_CMD_0_SSV | SMMU_CMD_0_SSID |
			      SMMU_CMD_ATC_0_G;
		q1 = SMMU_CMD_ATC_1_SIZE | SMMU_CMD_ATC_1_ADDR;
		break;
	case SMMU_CMD_OP_CFGI_CD:
		q0 = SMMU_CMD_0_SID;
		if (has_substreams(f))
			q0 |= SMMU_CMD_0_SSID;
		q1 = SMMU_CMD_CFGI_1_LEAF;
		break;
	case SMMU_CMD_OP_CFGI_CD_ALL:
		q0 = SMMU_CMD_0_SID;
		break;
	default:
		if (!DRIVER_MUTANT("vcmd: opcodes"))
			return false;
		q0 = q1 = ~UINT64_C(0);
	}
	if (op_of(cmd) == SMMU_CMD_OP_TLBI_NH_VA ||
	    op_of(cmd) == SMMU_CMD_OP_TLBI_NH_ASID)
		q0 |= DRIVER_MUTANT("vcmd: bits of ASIDs")
			      ? SMMU_CMD_TLBI_0_ASID
			      : FIELD_PREP(SMMU_CMD_TLBI_0_ASID,
					   mask_lg2(f->asid_bits));
	fields->q[0] = q0 | SMMU_CMD_0_OP;
	fields->q[1] = q1;
	return true;
}

/* Combinations of range fields that are reserved (IHI 0070 4.4.1.1). */
static bool range_is_good(const struct smmuv3_features *f,
			  const struct smmu_cmd *cmd)
{
	unsigned int tg = FIELD_GET(SMMU_CMD_TLBI_1_TG, cmd->q[1]);
	unsigned int ttl = FIELD_GET(SMMU_CMD_TLBI_1_TTL, cmd->q[1]);
	bool several = cmd->q[0] &
		       (SMMU_CMD_TLBI_0_NUM | SMMU_CMD_TLBI_0_SCALE);

	if (tg == SMMU_CMD_TG_SINGLE)
		return !several && !ttl;
	if (tg == SMMU_CMD_TG_16K && ttl == 1 && !f->ds)
		return false;
	return several || ttl;
}

int smmuv3_vcmd_check(const struct smmuv3_features *f,
		      const struct smmu_cmd *cmd)
{
	struct smmu_cmd fields;

	if (!fields_of(f, cmd, &fields))
		return -EIO;
	if (((cmd->q[0] & ~fields.q[0]) || (cmd->q[1] & ~fields.q[1])) &&
	    !DRIVER_MUTANT("vcmd: other fields"))
		return -EIO;
	switch (op_of(cmd)) {
	case SMMU_CMD_OP_TLBI_NH_VA:
	case SMMU_CMD_OP_TLBI_NH_VAA:
		return range_is_good(f, cmd) || DRIVER_MUTANT("vcmd: ranges")
			       ? 0
			       : -EIO;
	case SMMU_CMD_OP_ATC_INV:
		return FIELD_GET(SMMU_CMD_ATC_1_SIZE, cmd->q[1]) <=
					       SMMU_CMD_ATC_SIZE_ALL ||
				       DRIVER_MUTANT("vcmd: size of ATC_INV")
			       ? 0
			       : -EIO;
	default:
		return 0;
	}
}

bool smmuv3_vcmd_has_sid(const struct smmu_cmd *cmd)
{
	switch (op_of(cmd)) {
	case SMMU_CMD_OP_ATC_INV:
	case SMMU_CMD_OP_CFGI_CD:
	case SMMU_CMD_OP_CFGI_CD_ALL:
		return true;
	default:
		return false;
	}
}

void smmuv3_vcmd_set_vmid(struct smmu_cmd *cmd, uint16_t vmid)
{
	if (op_of(cmd) == SMMU_CMD_OP_TLBI_NSNH_ALL &&
	    !DRIVER_MUTANT("vcmd: NSNH_ALL"))
		cmd->q[0] = FIELD_PREP(SMMU_CMD_0_OP, SMMU_CMD_OP_TLBI_NH_ALL);
	cmd->q[0] &= ~SMMU_CMD_TLBI_0_VMID;
	cmd->q[0] |= FIELD_PREP(SMMU_CMD_TLBI_0_VMID, vmid);
}

void smmuv3_vcmd_set_sid(struct smmu_cmd *cmd, uint32_t sid)
{
	cmd->q[0] &= ~SMMU_CMD_0_SID;
	cmd->q[0] |= FIELD_PREP(SMMU_CMD_0_SID, sid);
}
