/* SPDX-License-Identifier: BSD-2-Clause */
/* Which fields a command and an event record have. */
#include "records.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "hw/smmuv3/cmd.h"
#include "hw/smmuv3/event.h"

#define TABLE(name)                                               \
	const struct field_table fields_##name = { name##_fields, \
						   ARRAY_SIZE(name##_fields) }
#define NAMES(list) .names = list, .nr_names = ARRAY_SIZE(list)
#define IF_SET FIELD_IF_SET

/* ------------------------------------------------------------ commands -- */

#define C_SID (1u << 0)
#define C_SSID (1u << 1)
#define C_SSV (1u << 2)
#define C_LEAF (1u << 3)
#define C_RANGE (1u << 4)
#define C_VMID (1u << 5)
#define C_ASID (1u << 6)
#define C_ADDR (1u << 7)
#define C_IPA (1u << 8)
#define C_ATC (1u << 9)
#define C_PRI (1u << 10)
#define C_RESUME (1u << 11)
#define C_SYNC (1u << 12)
#define C_MSI (1u << 13)
#define C_PREFETCH (1u << 14)

static const struct cmd_info {
	uint8_t op;
	const char *name;
	uint32_t has;
} cmd_infos[] = {
#define CMD(name, has)                         \
	{                                      \
		SMMU_CMD_OP_##name, #name, has \
	}
	CMD(PREFETCH_CONFIG, C_SID | C_SSID | C_SSV),
	CMD(PREFETCH_ADDR, C_SID | C_SSID | C_SSV | C_PREFETCH),
	CMD(CFGI_STE, C_SID | C_LEAF),
	CMD(CFGI_STE_RANGE, C_SID | C_RANGE),
	CMD(CFGI_CD, C_SID | C_SSID | C_LEAF),
	CMD(CFGI_CD_ALL, C_SID),
	CMD(CFGI_VMS_PIDM, C_VMID),
	CMD(TLBI_NH_ALL, C_VMID),
	CMD(TLBI_NH_ASID, C_VMID | C_ASID),
	CMD(TLBI_NH_VA, C_VMID | C_ASID | C_ADDR | C_LEAF),
	CMD(TLBI_NH_VAA, C_VMID | C_ADDR | C_LEAF),
	CMD(TLBI_EL3_ALL, 0),
	CMD(TLBI_EL3_VA, C_ADDR | C_LEAF),
	CMD(TLBI_EL2_ALL, 0),
	CMD(TLBI_EL2_ASID, C_ASID),
	CMD(TLBI_EL2_VA, C_ASID | C_ADDR | C_LEAF),
	CMD(TLBI_EL2_VAA, C_ADDR | C_LEAF),
	CMD(TLBI_S12_VMALL, C_VMID),
	CMD(TLBI_S2_IPA, C_VMID | C_IPA | C_LEAF),
	CMD(TLBI_NSNH_ALL, 0),
	CMD(ATC_INV, C_SID | C_SSID | C_SSV | C_ATC),
	CMD(PRI_RESP, C_SID | C_SSID | C_SSV | C_PRI),
	CMD(RESUME, C_SID | C_RESUME),
	CMD(STALL_TERM, C_SID),
	CMD(SYNC, C_SYNC),
#undef CMD
};

static const struct cmd_info *cmd_info(const uint64_t words[2])
{
	unsigned int op = (unsigned int)FIELD_GET(SMMU_CMD_0_OP, words[0]);

	for (size_t i = 0; i < ARRAY_SIZE(cmd_infos); i++)
		if (cmd_infos[i].op == op)
			return &cmd_infos[i];
	return NULL;
}

const char *cmd_name(const uint64_t words[2])
{
	const struct cmd_info *info = cmd_info(words);

	if (info && info->op == SMMU_CMD_OP_CFGI_STE_RANGE &&
	    FIELD_GET(SMMU_CMD_CFGI_1_RANGE, words[1]) ==
		    SMMU_CMD_CFGI_RANGE_ALL)
		return "CFGI_ALL";
	return info ? info->name : "?";
}

uint32_t cmd_when(const uint64_t words[2])
{
	const struct cmd_info *info = cmd_info(words);
	uint32_t has = info ? info->has : 0;

	if ((has & C_RANGE) && !strcmp(cmd_name(words), "CFGI_ALL"))
		return 0;
	if ((has & C_SYNC) &&
	    FIELD_GET(SMMU_CMD_SYNC_0_CS, words[0]) == SMMU_CMD_SYNC_CS_IRQ)
		has |= C_MSI;
	if ((has & C_SSV) && !(words[0] & SMMU_CMD_0_SSV))
		has &= ~C_SSID;
	return has;
}

static const char *const cs[] = { "no signal", "interrupt", "event",
				  "illegal" };
static const char *const tg[] = { "one address", "4 KiB", "16 KiB", "64 KiB" };
static const char *const pri[] = { "failure", "invalid", "success", "illegal" };

static const struct field cmd_fields[] = {
	{ "SSec", 0, SMMU_CMD_0_SSEC, C_SID | IF_SET },
	{ "SID", 0, SMMU_CMD_0_SID, C_SID, .address = false },
	{ "SSID", 0, SMMU_CMD_0_SSID, C_SSID },
	{ "Range", 1, SMMU_CMD_CFGI_1_RANGE, C_RANGE },
	{ "VMID", 0, SMMU_CMD_TLBI_0_VMID, C_VMID },
	{ "ASID", 0, SMMU_CMD_TLBI_0_ASID, C_ASID },
	{ "Addr", 1, SMMU_CMD_TLBI_1_ADDR, C_ADDR, .address = true },
	{ "IPA", 1, SMMU_CMD_TLBI_1_IPA, C_IPA, .address = true },
	{ "TG", 1, SMMU_CMD_TLBI_1_TG, C_ADDR | C_IPA | IF_SET, NAMES(tg) },
	{ "NUM", 0, SMMU_CMD_TLBI_0_NUM, C_ADDR | C_IPA | IF_SET },
	{ "SCALE", 0, SMMU_CMD_TLBI_0_SCALE, C_ADDR | C_IPA | IF_SET },
	{ "TTL", 1, SMMU_CMD_TLBI_1_TTL, C_ADDR | C_IPA | IF_SET },
	{ "Leaf", 1, SMMU_CMD_CFGI_1_LEAF, C_LEAF },
	{ "Addr", 1, SMMU_CMD_PREFETCH_1_ADDR, C_PREFETCH, .address = true },
	{ "Size", 1, SMMU_CMD_PREFETCH_1_SIZE, C_PREFETCH },
	{ "G", 0, SMMU_CMD_ATC_0_G, C_ATC | IF_SET },
	{ "Addr", 1, SMMU_CMD_ATC_1_ADDR, C_ATC, .address = true },
	{ "Size", 1, SMMU_CMD_ATC_1_SIZE, C_ATC },
	{ "PRGIndex", 1, SMMU_CMD_PRI_1_PRGINDEX, C_PRI },
	{ "Resp", 1, SMMU_CMD_PRI_1_RESP, C_PRI, NAMES(pri) },
	{ "Ac", 0, SMMU_CMD_RESUME_0_AC, C_RESUME },
	{ "Ab", 0, SMMU_CMD_RESUME_0_AB, C_RESUME },
	{ "STAG", 1, SMMU_CMD_RESUME_1_STAG, C_RESUME },
	{ "CS", 0, SMMU_CMD_SYNC_0_CS, C_SYNC, NAMES(cs) },
	{ "MSIAddr", 1, SMMU_CMD_SYNC_1_MSIADDR, C_MSI | IF_SET,
	  .address = true },
	{ "MSIData", 0, SMMU_CMD_SYNC_0_MSIDATA, C_MSI | IF_SET },
};
TABLE(cmd);

/* -------------------------------------------------------------- events -- */

#define E_SID (1u << 0)
#define E_SSID (1u << 1)
#define E_TXN (1u << 2)	  /* PnU, InD, RnW, InputAddr */
#define E_STALL (1u << 3) /* Stall, STAG */
#define E_STAGE (1u << 4) /* S2, CLASS */
#define E_IPA (1u << 5)
#define E_FETCH (1u << 6)
#define E_TT (1u << 7) /* TTRnW */
#define E_RNW (1u << 8)
#define E_TREQ (1u << 9)
#define E_REASON (1u << 10)
#define E_STAG (1u << 11)

static uint32_t event_has(const uint64_t words[4])
{
	switch (FIELD_GET(SMMU_EVT_0_TYPE, words[0])) {
	case SMMU_EVT_F_TRANSLATION:
	case SMMU_EVT_F_ADDR_SIZE:
	case SMMU_EVT_F_ACCESS:
	case SMMU_EVT_F_PERMISSION:
		return E_TXN | E_STALL | E_STAGE | E_IPA;
	case SMMU_EVT_F_WALK_EABT:
		return E_TXN | E_STAGE | E_FETCH;
	case SMMU_EVT_F_STE_FETCH:
	case SMMU_EVT_F_CD_FETCH:
	case SMMU_EVT_F_VMS_FETCH:
		return E_FETCH | E_REASON;
	case SMMU_EVT_F_UUT:
		return E_TXN | E_REASON;
	case SMMU_EVT_F_TRANSL_FORBIDDEN:
		return E_RNW;
	case SMMU_EVT_F_BAD_ATS_TREQ:
		return E_TREQ;
	default:
		return 0;
	}
}

uint32_t event_when(const uint64_t words[4])
{
	unsigned int type = (unsigned int)FIELD_GET(SMMU_EVT_0_TYPE, words[0]);
	uint32_t has = event_has(words) | E_SID;

	if ((words[0] & SMMU_EVT_0_SSV) || type == SMMU_EVT_C_BAD_SUBSTREAMID)
		has |= E_SSID;
	if (!(words[1] & SMMU_EVT_1_S2))
		has &= ~E_IPA;
	if ((has & E_STALL) && (words[1] & SMMU_EVT_1_STALL))
		has |= E_STAG;
	if (type == SMMU_EVT_F_PERMISSION &&
	    FIELD_GET(SMMU_EVT_1_CLASS, words[1]) == SMMU_EVT_CLASS_TT)
		has |= E_TT;
	return has;
}

const char *event_name(unsigned int type)
{
	const char *name = smmu_event_name(type);

	return name ? name : "?";
}

static const char *const class[] = { "CD fetch", "table walk",
				     "the access itself", "reserved" };
static const char *const s2[] = { "stage 1", "stage 2" };
static const char *const rnw[] = { "write", "read" };
static const char *const ind[] = { "data", "instruction" };
static const char *const pnu[] = { "unprivileged", "privileged" };

static const struct field event_fields[] = {
	{ "StreamID", 0, SMMU_EVT_0_SID, E_SID },
	{ "SubstreamID", 0, SMMU_EVT_0_SSID, E_SSID },
	{ "InputAddr", 2, SMMU_EVT_2_INPUT_ADDR, E_TXN | E_RNW,
	  .address = true },
	{ "RnW", 1, SMMU_EVT_1_RNW, E_TXN | E_RNW, NAMES(rnw) },
	{ "PnU", 1, SMMU_EVT_1_PNU, E_TXN, NAMES(pnu) },
	{ "InD", 1, SMMU_EVT_1_IND, E_TXN, NAMES(ind) },
	{ "S2", 1, SMMU_EVT_1_S2, E_STAGE, NAMES(s2) },
	{ "CLASS", 1, SMMU_EVT_1_CLASS, E_STAGE, NAMES(class) },
	{ "TTRnW", 1, SMMU_EVT_1_TTRNW, E_TT, NAMES(rnw) },
	{ "IPA", 3, SMMU_EVT_3_IPA, E_IPA, .address = true },
	{ "FetchAddr", 3, SMMU_EVT_3_FETCH_ADDR, E_FETCH, .address = true },
	{ "Stall", 1, SMMU_EVT_1_STALL, E_STALL | IF_SET },
	{ "STAG", 1, SMMU_EVT_1_STAG, E_STAG },
	{ "Reason", 1, SMMU_EVT_1_REASON, E_REASON | IF_SET },
	{ "InputAddr", 2, SMMU_EVT_2_INPUT_PAGE, E_TREQ, .address = true },
	{ "R", 1, SMMU_EVT_1_TREQ_R, E_TREQ | IF_SET },
	{ "W", 1, SMMU_EVT_1_TREQ_W, E_TREQ | IF_SET },
	{ "X", 1, SMMU_EVT_1_TREQ_X, E_TREQ | IF_SET },
	{ "P", 1, SMMU_EVT_1_TREQ_P, E_TREQ | IF_SET },
};
TABLE(event);

/* --------------------------------------------------------------- lines -- */

void record_line(const struct field_table *table, const uint64_t *words,
		 uint32_t when, char *buf, size_t len)
{
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < table->n && at < len; i++) {
		const struct field *f = &table->fields[i];
		uint64_t value = field_value(f, words);
		char text[96];
		const char *means;

		if (!field_matters(f, words, when))
			continue;
		means = field_meaning(f, value, text, sizeof(text));
		at += (size_t)snprintf(buf + at, len - at,
				       value > 9 ? "%s%s=%#llx" : "%s%s=%llu",
				       at ? " " : "", f->name,
				       (unsigned long long)value);
		if (means && at < len)
			at += (size_t)snprintf(buf + at, len - at, " (%s)",
					       means);
	}
}
