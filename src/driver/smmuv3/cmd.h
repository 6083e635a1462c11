/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd.h - makers of commands (pure; IHI 0070 chapter 4).
 *
 * A maker turns parameters into the two words of a command and does nothing
 * else.  Parameters that do not fit their field are cut to it.
 */
#ifndef DRIVER_SMMUV3_CMD_H
#define DRIVER_SMMUV3_CMD_H

#include "base/bits.h"
#include "hw/smmuv3/cmd.h"

static inline struct smmu_cmd smmuv3_cmd_make_(unsigned int op)
{
	struct smmu_cmd cmd = { { FIELD_PREP(SMMU_CMD_0_OP, op), 0 } };

	return cmd;
}

static inline struct smmu_cmd smmuv3_cmd_of_(unsigned int op, uint32_t sid)
{
	struct smmu_cmd cmd = smmuv3_cmd_make_(op);

	cmd.q[0] |= FIELD_PREP(SMMU_CMD_0_SID, sid);
	return cmd;
}

/* Leaf: only the STE (and the CDs below it), not the level-1 descriptor. */
static inline struct smmu_cmd smmuv3_make_cfgi_ste(uint32_t sid, bool leaf)
{
	struct smmu_cmd cmd = smmuv3_cmd_of_(SMMU_CMD_OP_CFGI_STE, sid);

	cmd.q[1] |= FIELD_PREP(SMMU_CMD_CFGI_1_LEAF, leaf);
	return cmd;
}

/* The aligned 2^lg2 StreamIDs around sid; lg2 in 1..32, 32 = all. */
static inline struct smmu_cmd smmuv3_make_cfgi_range(uint32_t sid,
						     unsigned int lg2)
{
	struct smmu_cmd cmd = smmuv3_cmd_of_(SMMU_CMD_OP_CFGI_STE_RANGE, sid);

	cmd.q[1] |= FIELD_PREP(SMMU_CMD_CFGI_1_RANGE, lg2 - 1);
	return cmd;
}

static inline struct smmu_cmd smmuv3_make_cfgi_all(void)
{
	return smmuv3_make_cfgi_range(0, 32);
}

static inline struct smmu_cmd smmuv3_make_cfgi_cd(uint32_t sid, uint32_t ssid,
						  bool leaf)
{
	struct smmu_cmd cmd = smmuv3_cmd_of_(SMMU_CMD_OP_CFGI_CD, sid);

	cmd.q[0] |= FIELD_PREP(SMMU_CMD_0_SSID, ssid);
	cmd.q[1] |= FIELD_PREP(SMMU_CMD_CFGI_1_LEAF, leaf);
	return cmd;
}

static inline struct smmu_cmd smmuv3_make_cfgi_cd_all(uint32_t sid)
{
	return smmuv3_cmd_of_(SMMU_CMD_OP_CFGI_CD_ALL, sid);
}

static inline struct smmu_cmd smmuv3_make_tlbi_nsnh_all(void)
{
	return smmuv3_cmd_make_(SMMU_CMD_OP_TLBI_NSNH_ALL);
}

static inline struct smmu_cmd smmuv3_make_tlbi_el2_all(void)
{
	return smmuv3_cmd_make_(SMMU_CMD_OP_TLBI_EL2_ALL);
}

static inline struct smmu_cmd smmuv3_make_tlbi_nh_all(uint16_t vmid)
{
	struct smmu_cmd cmd = smmuv3_cmd_make_(SMMU_CMD_OP_TLBI_NH_ALL);

	cmd.q[0] |= FIELD_PREP(SMMU_CMD_TLBI_0_VMID, vmid);
	return cmd;
}

static inline struct smmu_cmd smmuv3_make_tlbi_nh_asid(uint16_t vmid,
						       uint16_t asid)
{
	struct smmu_cmd cmd = smmuv3_cmd_make_(SMMU_CMD_OP_TLBI_NH_ASID);

	cmd.q[0] |= FIELD_PREP(SMMU_CMD_TLBI_0_VMID, vmid) |
		    FIELD_PREP(SMMU_CMD_TLBI_0_ASID, asid);
	return cmd;
}

/*
 * One address or one range.  tg 0: the entry that covers addr, whatever its
 * size; num, scale and ttl are 0 then.  Else the (num+1) << scale granules from
 * addr on; num, scale and ttl must not all be 0 (ILLEGAL).
 */
struct smmuv3_tlbi_va {
	uint64_t addr;
	uint16_t vmid;
	uint16_t asid;
	uint8_t tg; /* enum smmu_cmd_tg */
	uint8_t ttl;
	uint8_t num;
	uint8_t scale;
	bool leaf;
};

static inline struct smmu_cmd
smmuv3_make_tlbi_nh_va(const struct smmuv3_tlbi_va *va)
{
	struct smmu_cmd cmd = smmuv3_cmd_make_(SMMU_CMD_OP_TLBI_NH_VA);

	cmd.q[0] |= FIELD_PREP(SMMU_CMD_TLBI_0_NUM, va->num) |
		    FIELD_PREP(SMMU_CMD_TLBI_0_SCALE, va->scale) |
		    FIELD_PREP(SMMU_CMD_TLBI_0_VMID, va->vmid) |
		    FIELD_PREP(SMMU_CMD_TLBI_0_ASID, va->asid);
	cmd.q[1] |= FIELD_PREP(SMMU_CMD_TLBI_1_LEAF, va->leaf) |
		    FIELD_PREP(SMMU_CMD_TLBI_1_TTL, va->ttl) |
		    FIELD_PREP(SMMU_CMD_TLBI_1_TG, va->tg) |
		    (va->addr & SMMU_CMD_TLBI_1_ADDR);
	return cmd;
}

/* Of any ASID, which is not looked at. */
static inline struct smmu_cmd
smmuv3_make_tlbi_nh_vaa(const struct smmuv3_tlbi_va *va)
{
	struct smmu_cmd cmd = smmuv3_make_tlbi_nh_va(va);

	cmd.q[0] &= ~(SMMU_CMD_0_OP | SMMU_CMD_TLBI_0_ASID);
	cmd.q[0] |= FIELD_PREP(SMMU_CMD_0_OP, SMMU_CMD_OP_TLBI_NH_VAA);
	return cmd;
}

/* By intermediate address: the ASID is not looked at. */
static inline struct smmu_cmd
smmuv3_make_tlbi_s2_ipa(const struct smmuv3_tlbi_va *va)
{
	struct smmu_cmd cmd = smmuv3_cmd_make_(SMMU_CMD_OP_TLBI_S2_IPA);

	cmd.q[0] |= FIELD_PREP(SMMU_CMD_TLBI_0_NUM, va->num) |
		    FIELD_PREP(SMMU_CMD_TLBI_0_SCALE, va->scale) |
		    FIELD_PREP(SMMU_CMD_TLBI_0_VMID, va->vmid);
	cmd.q[1] |= FIELD_PREP(SMMU_CMD_TLBI_1_LEAF, va->leaf) |
		    FIELD_PREP(SMMU_CMD_TLBI_1_TTL, va->ttl) |
		    FIELD_PREP(SMMU_CMD_TLBI_1_TG, va->tg) |
		    (va->addr & SMMU_CMD_TLBI_1_IPA);
	return cmd;
}

/* Everything of a VMID, of both stages. */
static inline struct smmu_cmd smmuv3_make_tlbi_s12_vmall(uint16_t vmid)
{
	struct smmu_cmd cmd = smmuv3_cmd_make_(SMMU_CMD_OP_TLBI_S12_VMALL);

	cmd.q[0] |= FIELD_PREP(SMMU_CMD_TLBI_0_VMID, vmid);
	return cmd;
}

/*
 * The aligned 2^lg2 bytes around addr, lg2 from 12 on; SMMUV3_ATC_ALL is
 * everything.  ssid 0: accesses without PASID.
 */
#define SMMUV3_ATC_ALL 64u

static inline struct smmu_cmd smmuv3_make_atc_inv(uint32_t sid, uint32_t ssid,
						  uint64_t addr,
						  unsigned int lg2)
{
	struct smmu_cmd cmd = smmuv3_cmd_of_(SMMU_CMD_OP_ATC_INV, sid);

	if (ssid)
		cmd.q[0] |= SMMU_CMD_0_SSV | FIELD_PREP(SMMU_CMD_0_SSID, ssid);
	if (lg2 < SMMUV3_ATC_ALL)
		cmd.q[1] |= align_down_lg2(addr, lg2) & SMMU_CMD_ATC_1_ADDR;
	cmd.q[1] |= FIELD_PREP(SMMU_CMD_ATC_1_SIZE, lg2 - 12);
	return cmd;
}

/* The same of a PASID, which may be 0: that is not accesses without one. */
static inline struct smmu_cmd smmuv3_make_atc_inv_pasid(uint32_t sid,
							uint32_t pasid,
							uint64_t addr,
							unsigned int lg2)
{
	struct smmu_cmd cmd = smmuv3_make_atc_inv(sid, pasid, addr, lg2);

	cmd.q[0] |= SMMU_CMD_0_SSV;
	return cmd;
}

/* And of all PASIDs. */
static inline struct smmu_cmd
smmuv3_make_atc_inv_pasids(uint32_t sid, uint64_t addr, unsigned int lg2)
{
	struct smmu_cmd cmd = smmuv3_make_atc_inv_pasid(sid, 0, addr, lg2);

	cmd.q[0] |= SMMU_CMD_ATC_0_G;
	return cmd;
}

/* `with`: with the PASID in ssid, which may be 0. */
static inline struct smmu_cmd smmuv3_make_pri_resp(uint32_t sid, bool with,
						   uint32_t ssid,
						   uint32_t group,
						   enum smmu_cmd_pri_resp resp)
{
	struct smmu_cmd cmd = smmuv3_cmd_of_(SMMU_CMD_OP_PRI_RESP, sid);

	if (with)
		cmd.q[0] |= SMMU_CMD_0_SSV | FIELD_PREP(SMMU_CMD_0_SSID, ssid);
	cmd.q[1] |= FIELD_PREP(SMMU_CMD_PRI_1_PRGINDEX, group) |
		    FIELD_PREP(SMMU_CMD_PRI_1_RESP, resp);
	return cmd;
}

/* Let a stalled access try again, or abort it. */
static inline struct smmu_cmd smmuv3_make_resume(uint32_t sid, uint32_t stag,
						 bool retry)
{
	struct smmu_cmd cmd = smmuv3_cmd_of_(SMMU_CMD_OP_RESUME, sid);

	cmd.q[0] |= retry ? SMMU_CMD_RESUME_0_AC : SMMU_CMD_RESUME_0_AB;
	cmd.q[1] |= FIELD_PREP(SMMU_CMD_RESUME_1_STAG, stag);
	return cmd;
}

/* Abort all that the stream has stalled; its STE aborts already. */
static inline struct smmu_cmd smmuv3_make_stall_term(uint32_t sid)
{
	return smmuv3_cmd_of_(SMMU_CMD_OP_STALL_TERM, sid);
}

/* Completion is found by polling CMDQ_CONS. */
static inline struct smmu_cmd smmuv3_make_sync(void)
{
	struct smmu_cmd cmd = smmuv3_cmd_make_(SMMU_CMD_OP_SYNC);

	cmd.q[0] |= FIELD_PREP(SMMU_CMD_SYNC_0_CS, SMMU_CMD_SYNC_CS_NONE);
	return cmd;
}

#endif /* DRIVER_SMMUV3_CMD_H */
