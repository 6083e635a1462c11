/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of fields: stream table, CD table, descriptors of both stages. */
#include "fields.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "hw/smmuv3/cd.h"
#include "hw/smmuv3/regs.h"
#include "hw/smmuv3/ste.h"
#include "hw/vmsa/desc.h"

#define TABLE(name)                                               \
	const struct field_table fields_##name = { name##_fields, \
						   ARRAY_SIZE(name##_fields) }
#define NAMES(list) .names = list, .nr_names = ARRAY_SIZE(list)

uint64_t field_value(const struct field *field, const uint64_t *words)
{
	uint64_t bits = words[field->word] & field->mask;

	return field->address ? bits : bits >> __builtin_ctzll(field->mask);
}

const char *field_meaning(const struct field *field, uint64_t value, char *buf,
			  size_t len)
{
	if (field->names)
		return value < field->nr_names ? field->names[value] : NULL;
	if (!field->say)
		return NULL;
	field->say(value, buf, len);
	return buf;
}

bool field_matters(const struct field *field, const uint64_t *words,
		   uint32_t when)
{
	if (!(field->when & when))
		return false;
	return !(field->when & FIELD_IF_SET) || field_value(field, words);
}

/* -------------------------------------------------------------- words -- */

const char *sh_words(unsigned int sh)
{
	static const char *const names[] = { "non-shareable", "non-shareable",
					     "outer shareable",
					     "inner shareable" };

	return names[sh & 3];
}

static const char *nibble_words(unsigned int nibble)
{
	static const char *const names[16] = {
		"",
		"WT transient, write-allocate",
		"WT transient, read-allocate",
		"WT transient, read- and write-allocate",
		"non-cacheable",
		"WB transient, write-allocate",
		"WB transient, read-allocate",
		"WB transient, read- and write-allocate",
		"WT, no allocate",
		"WT, write-allocate",
		"WT, read-allocate",
		"WT, read- and write-allocate",
		"WB, no allocate",
		"WB, write-allocate",
		"WB, read-allocate",
		"WB, read- and write-allocate",
	};

	return names[nibble & 15];
}

const char *mair_words(uint8_t mair, char *buf, size_t len)
{
	static const char *const device[4] = { "Device-nGnRnE", "Device-nGnRE",
					       "Device-nGRE", "Device-GRE" };

	if (!(mair & 0xf0))
		snprintf(buf, len, "%s", device[mair >> 2 & 3]);
	else if (mair >> 4 == (mair & 15))
		snprintf(buf, len, "Normal, %s", nibble_words(mair));
	else
		snprintf(buf, len, "Normal, outer %s, inner %s",
			 nibble_words(mair >> 4), nibble_words(mair));
	return buf;
}

static const char *const memattrs[16] = {
	"Device-nGnRnE",
	"Device-nGnRE",
	"Device-nGRE",
	"Device-GRE",
	"reserved",
	"Normal, non-cacheable",
	"Normal, outer non-cacheable, inner WT",
	"Normal, outer non-cacheable, inner WB",
	"reserved",
	"Normal, outer WT, inner non-cacheable",
	"Normal, WT",
	"Normal, outer WT, inner WB",
	"reserved",
	"Normal, outer WB, inner non-cacheable",
	"Normal, outer WB, inner WT",
	"Normal, WB",
};

const char *size_words(unsigned int lg2, char *buf, size_t len)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB",
					     "TiB",   "PiB", "EiB" };

	snprintf(buf, len, "%u %s", 1u << lg2 % 10, units[lg2 / 10 % 7]);
	return buf;
}

/* ---------------------------------------------------------- sentences -- */

static void say_tsz(uint64_t value, char *buf, size_t len)
{
	snprintf(buf, len, "input addresses of %u bits",
		 64 - (unsigned int)value);
}

static void say_ps(uint64_t value, char *buf, size_t len)
{
	snprintf(buf, len, "output addresses of %u bits",
		 smmu_oas_bits((unsigned int)value));
}

static void say_span(uint64_t value, char *buf, size_t len)
{
	if (value && value <= SMMU_L1STD_SPAN_MAX)
		snprintf(buf, len, "%u entries", 1u << (value - 1));
	else
		snprintf(buf, len, "%s: no entries",
			 value ? "reserved" : "invalid");
}

static void say_cdmax(uint64_t value, char *buf, size_t len)
{
	if (value)
		snprintf(buf, len, "%u CDs", 1u << value);
	else
		snprintf(buf, len, "one CD, no substreams");
}

static const char *const off_on[] = { "no", "yes" };
static const char *const valid[] = { "invalid", "valid" };
static const char *const sh[] = { "non-shareable", "non-shareable",
				  "outer shareable", "inner shareable" };
static const char *const cache[] = { "non-cacheable",
				     "WB, read- and write-allocate",
				     "WT, read-allocate", "WB, read-allocate" };
static const char *const endian[] = { "little-endian tables",
				      "big-endian tables" };
static const char *const tg0[] = { "4 KiB granule", "64 KiB granule",
				   "16 KiB granule", "reserved" };
static const char *const tg1[] = { "reserved", "16 KiB granule",
				   "4 KiB granule", "64 KiB granule" };

/* -------------------------------------------------------- stream table -- */

static const struct field l1std_fields[] = {
	{ "Span", 0, SMMU_L1STD_SPAN, FIELD_ALWAYS, .say = say_span },
	{ "L2Ptr", 0, SMMU_L1STD_L2PTR_ADDR, FIELD_ALWAYS, .address = true },
};
TABLE(l1std);

static const char *const config[] = { "abort",
				      "abort",
				      "abort",
				      "abort",
				      "bypass",
				      "stage 1 translates",
				      "stage 2 translates",
				      "stages 1 and 2 translate" };
static const char *const s1fmt[] = { "linear CD table",
				     "2-level CD table, 4 KiB leaves",
				     "2-level CD table, 64 KiB leaves",
				     "linear CD table (reserved)" };
static const char *const s1dss[] = { "no SubstreamID: abort",
				     "no SubstreamID: stage 1 is passed by",
				     "no SubstreamID: CD 0",
				     "no SubstreamID: abort (reserved)" };
static const char *const s1cache[] = { "non-cacheable", "WB, read-allocate",
				       "WT, read-allocate",
				       "WB, no read-allocate" };
static const char *const strw[] = { "EL1", "reserved", "EL2", "reserved" };
static const char *const eats[] = { "no ATS", "full ATS", "split-stage ATS",
				    "full ATS with DPT" };
static const char *const shcfg[] = { "non-shareable", "as it comes in",
				     "outer shareable", "inner shareable" };
static const char *const privcfg[] = { "as it comes in", "as it comes in",
				       "unprivileged", "privileged" };
static const char *const instcfg[] = { "as it comes in", "as it comes in",
				       "data", "instruction" };

#define S1 FIELD_S1
#define S2 FIELD_S2
#define IF_SET FIELD_IF_SET
static const struct field ste_fields[] = {
	{ "V", 0, SMMU_STE_0_V, FIELD_ALWAYS, NAMES(valid) },
	{ "Config", 0, SMMU_STE_0_CONFIG, FIELD_ALWAYS, NAMES(config) },
	{ "S1ContextPtr", 0, SMMU_STE_0_S1CONTEXTPTR_ADDR, S1,
	  .address = true },
	{ "S1CDMax", 0, SMMU_STE_0_S1CDMAX, S1, .say = say_cdmax },
	{ "S1Fmt", 0, SMMU_STE_0_S1FMT, FIELD_SUBST, NAMES(s1fmt) },
	{ "S1DSS", 1, SMMU_STE_1_S1DSS, FIELD_SUBST, NAMES(s1dss) },
	{ "S1CIR", 1, SMMU_STE_1_S1CIR, S1, NAMES(s1cache) },
	{ "S1COR", 1, SMMU_STE_1_S1COR, S1, NAMES(s1cache) },
	{ "S1CSH", 1, SMMU_STE_1_S1CSH, S1, NAMES(sh) },
	{ "S1STALLD", 1, SMMU_STE_1_S1STALLD, S1 | IF_SET, NAMES(off_on) },
	{ "STRW", 1, SMMU_STE_1_STRW, FIELD_HYP, NAMES(strw) },
	{ "EATS", 1, SMMU_STE_1_EATS, FIELD_ATS | IF_SET, NAMES(eats) },
	{ "CONT", 1, SMMU_STE_1_CONT, S1 | S2 | IF_SET },
	{ "MEV", 1, SMMU_STE_1_MEV, S1 | S2 | IF_SET, NAMES(off_on) },
	{ "MTCFG", 1, SMMU_STE_1_MTCFG, FIELD_TYPES | IF_SET, NAMES(off_on) },
	{ "MemAttr", 1, SMMU_STE_1_MEMATTR, FIELD_TYPES | IF_SET,
	  NAMES(memattrs) },
	{ "ALLOCCFG", 1, SMMU_STE_1_ALLOCCFG, FIELD_TYPES | IF_SET },
	{ "SHCFG", 1, SMMU_STE_1_SHCFG, FIELD_TYPES, NAMES(shcfg) },
	{ "PRIVCFG", 1, SMMU_STE_1_PRIVCFG, FIELD_PERMS | IF_SET,
	  NAMES(privcfg) },
	{ "INSTCFG", 1, SMMU_STE_1_INSTCFG, FIELD_PERMS | IF_SET,
	  NAMES(instcfg) },
	{ "S2VMID", 2, SMMU_STE_2_S2VMID, FIELD_VMID },
	{ "S2T0SZ", 2, SMMU_STE_2_S2T0SZ, S2, .say = say_tsz },
	{ "S2SL0", 2, SMMU_STE_2_S2SL0, S2 },
	{ "S2SL0_2", 3, SMMU_STE_3_S2SL0_2, S2 | IF_SET },
	{ "S2TG", 2, SMMU_STE_2_S2TG, S2, NAMES(tg0) },
	{ "S2PS", 2, SMMU_STE_2_S2PS, S2, .say = say_ps },
	{ "S2DS", 3, SMMU_STE_3_S2DS, S2 | IF_SET, NAMES(off_on) },
	{ "S2TTB", 3, SMMU_STE_3_S2TTB_ADDR, S2, .address = true },
	{ "S2IR0", 2, SMMU_STE_2_S2IR0, S2, NAMES(cache) },
	{ "S2OR0", 2, SMMU_STE_2_S2OR0, S2, NAMES(cache) },
	{ "S2SH0", 2, SMMU_STE_2_S2SH0, S2, NAMES(sh) },
	{ "S2AA64", 2, SMMU_STE_2_S2AA64, S2, NAMES(off_on) },
	{ "S2ENDI", 2, SMMU_STE_2_S2ENDI, S2 | IF_SET, NAMES(endian) },
	{ "S2AFFD", 2, SMMU_STE_2_S2AFFD, S2 | IF_SET, NAMES(off_on) },
	{ "S2PTW", 2, SMMU_STE_2_S2PTW, S2, NAMES(off_on) },
	{ "S2FWB", 1, SMMU_STE_1_S2FWB, S2 | IF_SET, NAMES(off_on) },
	{ "S2HA", 2, SMMU_STE_2_S2HA, S2 | IF_SET, NAMES(off_on) },
	{ "S2HD", 2, SMMU_STE_2_S2HD, S2 | IF_SET, NAMES(off_on) },
	{ "S2HAFT", 2, SMMU_STE_2_S2HAFT, S2 | IF_SET, NAMES(off_on) },
	{ "S2S", 2, SMMU_STE_2_S2S, S2 | IF_SET, NAMES(off_on) },
	{ "S2R", 2, SMMU_STE_2_S2R, S2, NAMES(off_on) },
};
TABLE(ste);

/* ------------------------------------------------------------ CD table -- */

static const struct field l1cd_fields[] = {
	{ "V", 0, SMMU_L1CD_V, FIELD_ALWAYS, NAMES(valid) },
	{ "L2Ptr", 0, SMMU_L1CD_L2PTR_ADDR, FIELD_ALWAYS, .address = true },
};
TABLE(l1cd);

#define T0 FIELD_TTB0
#define T1 FIELD_TTB1
static const struct field cd_fields[] = {
	{ "V", 0, SMMU_CD_0_V, FIELD_ALWAYS, NAMES(valid) },
	{ "AA64", 0, SMMU_CD_0_AA64, FIELD_ALWAYS, NAMES(off_on) },
	{ "ASID", 0, SMMU_CD_0_ASID, FIELD_TWO },
	{ "ASET", 0, SMMU_CD_0_ASET, FIELD_TWO | IF_SET },
	{ "IPS", 0, SMMU_CD_0_IPS, FIELD_ALWAYS, .say = say_ps },
	{ "EPD0", 0, SMMU_CD_0_EPD0, FIELD_TWO | IF_SET, NAMES(off_on) },
	{ "T0SZ", 0, SMMU_CD_0_T0SZ, T0, .say = say_tsz },
	{ "TG0", 0, SMMU_CD_0_TG0, T0, NAMES(tg0) },
	{ "TTB0", 1, SMMU_CD_1_TTB0_ADDR, T0, .address = true },
	{ "IR0", 0, SMMU_CD_0_IR0, T0, NAMES(cache) },
	{ "OR0", 0, SMMU_CD_0_OR0, T0, NAMES(cache) },
	{ "SH0", 0, SMMU_CD_0_SH0, T0, NAMES(sh) },
	{ "TBI0", 0, SMMU_CD_0_TBI0, T0 | IF_SET, NAMES(off_on) },
	{ "HAD0", 1, SMMU_CD_1_HAD0, T0 | IF_SET, NAMES(off_on) },
	{ "E0PD0", 1, SMMU_CD_1_E0PD0, T0 | IF_SET, NAMES(off_on) },
	{ "EPD1", 0, SMMU_CD_0_EPD1, FIELD_TWO | IF_SET, NAMES(off_on) },
	{ "T1SZ", 0, SMMU_CD_0_T1SZ, T1, .say = say_tsz },
	{ "TG1", 0, SMMU_CD_0_TG1, T1, NAMES(tg1) },
	{ "TTB1", 2, SMMU_CD_2_TTB1_ADDR, T1, .address = true },
	{ "IR1", 0, SMMU_CD_0_IR1, T1, NAMES(cache) },
	{ "OR1", 0, SMMU_CD_0_OR1, T1, NAMES(cache) },
	{ "SH1", 0, SMMU_CD_0_SH1, T1, NAMES(sh) },
	{ "TBI1", 0, SMMU_CD_0_TBI1, T1 | IF_SET, NAMES(off_on) },
	{ "HAD1", 2, SMMU_CD_2_HAD1, T1 | IF_SET, NAMES(off_on) },
	{ "E0PD1", 2, SMMU_CD_2_E0PD1, T1 | IF_SET, NAMES(off_on) },
	{ "DS", 2, SMMU_CD_2_DS, FIELD_ALWAYS | IF_SET, NAMES(off_on) },
	{ "ENDI", 0, SMMU_CD_0_ENDI, FIELD_ALWAYS | IF_SET, NAMES(endian) },
	{ "AFFD", 0, SMMU_CD_0_AFFD, FIELD_ALWAYS | IF_SET, NAMES(off_on) },
	{ "WXN", 0, SMMU_CD_0_WXN, FIELD_ALWAYS | IF_SET, NAMES(off_on) },
	{ "PAN", 0, SMMU_CD_0_PAN, FIELD_TWO | IF_SET, NAMES(off_on) },
	{ "EPAN", 1, SMMU_CD_1_EPAN, FIELD_TWO | IF_SET, NAMES(off_on) },
	{ "HA", 0, SMMU_CD_0_HA, FIELD_ALWAYS | IF_SET, NAMES(off_on) },
	{ "HD", 0, SMMU_CD_0_HD, FIELD_ALWAYS | IF_SET, NAMES(off_on) },
	{ "HAFT", 1, SMMU_CD_1_HAFT, FIELD_ALWAYS | IF_SET, NAMES(off_on) },
	{ "S", 0, SMMU_CD_0_S, FIELD_ALWAYS | IF_SET, NAMES(off_on) },
	{ "R", 0, SMMU_CD_0_R, FIELD_ALWAYS, NAMES(off_on) },
	{ "A", 0, SMMU_CD_0_A, FIELD_ALWAYS, NAMES(off_on) },
	{ "MAIR0", 3, SMMU_CD_3_MAIR0, FIELD_ALWAYS },
	{ "MAIR1", 3, SMMU_CD_3_MAIR1, FIELD_ALWAYS },
};
TABLE(cd);

/* --------------------------------------------------------- descriptors -- */

static const char *const aptable[] = { "no effect", "no unprivileged access",
				       "no writes",
				       "no writes, no unprivileged access" };
static const char *const aptable_el2[] = { "no effect", "no effect",
					   "no writes", "no writes" };
static const char *const ap[] = { "read and write, privileged only",
				  "read and write", "read, privileged only",
				  "read" };
static const char *const ap_el2[] = { "read and write", "read and write",
				      "read", "read" };
static const char *const s2ap[] = { "no access", "read", "write",
				    "read and write" };
static const char *const s2xn[] = { "executable", "not if privileged",
				    "not executable", "only if privileged" };
static const char *const memattrs_fwb[] = { "Device-nGnRnE",
					    "Device-nGnRE",
					    "Device-nGRE",
					    "Device-GRE",
					    "reserved",
					    "Normal, non-cacheable",
					    "Normal, WB, whatever stage 1 says",
					    "as stage 1 says" };

static const struct field s1_table_fields[] = {
	{ "APTable", 0, VMSA_S1_TABLE_APTABLE, FIELD_TABLE | IF_SET,
	  NAMES(aptable) },
	{ "APTable", 0, VMSA_S1_TABLE_APTABLE, FIELD_TABLE_EL2 | IF_SET,
	  NAMES(aptable_el2) },
	{ "UXNTable", 0, VMSA_S1_TABLE_UXNTABLE, FIELD_TABLE | IF_SET },
	{ "XNTable", 0, VMSA_S1_TABLE_UXNTABLE, FIELD_TABLE_EL2 | IF_SET },
	{ "PXNTable", 0, VMSA_S1_TABLE_PXNTABLE, FIELD_TABLE | IF_SET },
	{ "AF", 0, VMSA_TABLE_AF, FIELD_HAFT },
};
TABLE(s1_table);

static const struct field s1_leaf_fields[] = {
	{ "AP", 0, VMSA_S1_AP, FIELD_TWO, NAMES(ap) },
	{ "AP", 0, VMSA_S1_AP, FIELD_EL2, NAMES(ap_el2) },
	{ "AF", 0, VMSA_LEAF_AF, FIELD_ALWAYS },
	{ "UXN", 0, VMSA_S1_UXN, FIELD_TWO | IF_SET },
	{ "XN", 0, VMSA_S1_UXN, FIELD_EL2 | IF_SET },
	{ "PXN", 0, VMSA_S1_PXN, FIELD_TWO | IF_SET },
	{ "nG", 0, VMSA_S1_NG, FIELD_TWO },
	{ "SH", 0, VMSA_LEAF_SH, FIELD_SH, NAMES(sh) },
	{ "AttrIndx", 0, VMSA_S1_ATTRINDX, FIELD_ALWAYS },
	{ "DBM", 0, VMSA_LEAF_DBM, FIELD_ALWAYS | IF_SET },
	{ "Contiguous", 0, VMSA_LEAF_CONTIGUOUS, FIELD_ALWAYS | IF_SET },
};
TABLE(s1_leaf);

static const struct field s2_table_fields[] = {
	{ "AF", 0, VMSA_TABLE_AF, FIELD_HAFT },
};
TABLE(s2_table);

static const struct field s2_leaf_fields[] = {
	{ "S2AP", 0, VMSA_S2_S2AP, FIELD_ALWAYS, NAMES(s2ap) },
	{ "AF", 0, VMSA_LEAF_AF, FIELD_ALWAYS },
	{ "XN", 0, VMSA_S2_XN, FIELD_ALWAYS | IF_SET, NAMES(s2xn) },
	{ "SH", 0, VMSA_LEAF_SH, FIELD_SH, NAMES(sh) },
	{ "MemAttr", 0, VMSA_S2_MEMATTR, FIELD_NO_FWB, NAMES(memattrs) },
	{ "MemAttr", 0, VMSA_S2_MEMATTR, FIELD_FWB, NAMES(memattrs_fwb) },
	{ "DBM", 0, VMSA_LEAF_DBM, FIELD_ALWAYS | IF_SET },
	{ "Contiguous", 0, VMSA_LEAF_CONTIGUOUS, FIELD_ALWAYS | IF_SET },
};
TABLE(s2_leaf);
