/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ID registers may say: each rule broken by one row, which is refused with
 * the rule's sentence, and kept by its neighbour, which is accepted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define BBML(n) ((n) << 11)
#define OAS(n) (n)
#define VAX(n) ((n) << 10)
#define HTTU(n) ((n) << 6)
#define STALL(n) ((n) << 24)

/* Bits to take from and to give to a register; AIDR is register 7. */
struct change {
	uint8_t reg;
	uint32_t clear, set;
};

struct row {
	struct change change[5];
	const char *why;  /* part of the sentence; NULL: accepted */
	const char *base; /* NULL: "full" */
};

#define AIDR(n)                            \
	{                                  \
		7, 0xffffffff, UINT32_C(n) \
	}
/* Without stage 2 and what must go with it; without stage 1. */
#define NO_S2                                                              \
	{                                                                  \
		0,                                                         \
			SMMU_IDR0_S2P | SMMU_IDR0_HYP | SMMU_IDR0_NS1ATS | \
				SMMU_IDR0_VMW,                             \
			0                                                  \
	}
#define NO_S2_3                                        \
	{                                              \
		3, SMMU_IDR3_XNX | SMMU_IDR3_PTWNNC, 0 \
	}
#define NO_ATS                                                            \
	{                                                                 \
		0, SMMU_IDR0_ATS | SMMU_IDR0_PRI | SMMU_IDR0_ATSRECERR, 0 \
	}
#define NO_S1                                                          \
	{                                                              \
		0, SMMU_IDR0_S1P | SMMU_IDR0_HYP | SMMU_IDR0_NS1ATS, 0 \
	}

static const struct row rows[] = {
	/* values */
	{ { { 0, SMMU_IDR0_S1P | SMMU_IDR0_S2P | SMMU_IDR0_HYP, 0 } },
	  "neither stage" },
	{ { NO_S1, { 3, SMMU_IDR3_HAD, 0 } } },
	{ { NO_S2, NO_S2_3 } },
	{ { { 0, SMMU_IDR0_TTF, 0 } }, "IDR0.TTF" },
	{ { { 0, SMMU_IDR0_TTF, 1 << 2 } }, "IDR0.TTF" },
	{ { { 0, SMMU_IDR0_TTF, 3 << 2 } }, "IDR0.TTF" },
	{ { { 0, SMMU_IDR0_TTENDIAN, 1 << 21 } }, "IDR0.TTENDIAN" },
	{ { { 0, SMMU_IDR0_TTENDIAN, 0 } } },
	{ { { 0, SMMU_IDR0_TTENDIAN, 3 << 21 } } },
	{ { { 0, SMMU_IDR0_STALL_MODEL, STALL(3) } }, "IDR0.STALL_MODEL" },
	{ { { 0, SMMU_IDR0_STALL_MODEL, STALL(1) },
	    { 5, SMMU_IDR5_STALL_MAX, 0 } } },
	{ { { 0, SMMU_IDR0_STALL_MODEL, STALL(2) } } },
	{ { { 5, SMMU_IDR5_STALL_MAX, 0 } }, "IDR5.STALL_MAX is 0" },
	{ { { 5, 0, SMMU_IDR5_STALL_MAX } } },
	{ { { 0, 0, SMMU_IDR0_TERM_MODEL } } },
	{ { { 0, SMMU_IDR0_HTTU, HTTU(0) } } },
	{ { { 0, SMMU_IDR0_HTTU, HTTU(1) } } },
	{ { { 0, SMMU_IDR0_HTTU, HTTU(3) } } },
	{ { { 0, SMMU_IDR0_ST_LEVEL, 2u << 27 } }, "IDR0.ST_LEVEL" },
	{ { { 0, SMMU_IDR0_ST_LEVEL, 3u << 27 } }, "IDR0.ST_LEVEL" },
	{ { { 0, SMMU_IDR0_ST_LEVEL, 0 }, { 1, SMMU_IDR1_SIDSIZE, 7 } },
	  "two levels" },
	{ { { 0, SMMU_IDR0_ST_LEVEL, 0 }, { 1, SMMU_IDR1_SIDSIZE, 6 } } },
	{ { { 1, SMMU_IDR1_SIDSIZE, 0 } } },
	{ { { 1, SMMU_IDR1_SIDSIZE, 33 } }, "IDR1.SIDSIZE" },
	{ { { 1, SMMU_IDR1_SIDSIZE, 32 } } },
	{ { { 1, SMMU_IDR1_SSIDSIZE, 21 << 6 } }, "IDR1.SSIDSIZE" },
	{ { { 1, SMMU_IDR1_SSIDSIZE, 1 << 6 } } },
	{ { { 1, SMMU_IDR1_CMDQS, 20 << 21 } }, "IDR1.CMDQS" },
	{ { { 1, SMMU_IDR1_CMDQS, 0 } } },
	{ { { 1, SMMU_IDR1_EVENTQS, 20 << 16 } }, "IDR1.EVENTQS" },
	{ { { 1, SMMU_IDR1_EVENTQS, 0 } } },
	{ { { 5, 0x70, 0 } }, "no granule" },
	{ { { 5, 0x60, 0 } } },
	{ { { 5, 0x50, 0 } } },
	{ { { 5, 0x30, 0 } } },
	{ { { 5, SMMU_IDR5_OAS, OAS(7) } }, "56 bits" },
	{ { { 5, SMMU_IDR5_OAS, OAS(0) } } },
	{ { { 5, SMMU_IDR5_OAS | SMMU_IDR5_GRAN64K, OAS(6) } },
	  "IDR5.OAS of 52" },
	{ { { 5, SMMU_IDR5_OAS, OAS(6) } } },
	{ { { 5, SMMU_IDR5_VAX, VAX(2) } }, "IDR5.VAX above" },
	{ { { 5, SMMU_IDR5_VAX, VAX(3) } }, "IDR5.VAX above" },
	{ { AIDR(5) }, "AIDR" },
	{ { AIDR(0x10) }, "AIDR" },

	/* couplings */
	{ { NO_S2, NO_S2_3, { 0, 0, SMMU_IDR0_HYP } }, "IDR0.Hyp needs" },
	{ { { 3, 0, BBML(3) } }, "IDR3.BBML is reserved" },
	{ { { 3, SMMU_IDR3_BBML, BBML(1) } } },
	{ { NO_S1 }, "IDR3.HAD needs" },
	{ { NO_S2, { 3, SMMU_IDR3_PTWNNC, 0 } }, "IDR3.XNX needs" },
	{ { NO_S2, { 3, SMMU_IDR3_XNX, 0 } }, "IDR3.PTWNNC needs" },
	{ { { 5, 0, SMMU_IDR5_DS } }, "IDR5.DS needs VAX" },
	{ { { 5, 0, SMMU_IDR5_DS | VAX(1) } } },
	{ { { 5, 0x30, SMMU_IDR5_DS | VAX(1) } }, "4K or the 16K" },
	{ { { 5, 0x10, SMMU_IDR5_DS | VAX(1) } } },
	{ { { 5, SMMU_IDR5_GRAN64K, VAX(1) } }, "IDR5.VAX needs" },
	{ { { 5, 0, VAX(1) } } },
	{ { { 5, SMMU_IDR5_GRAN64K, VAX(1) | SMMU_IDR5_DS } } },
	{ { { 0, SMMU_IDR0_STALL_MODEL, STALL(1) }, { 5, 0, 1u << 16 } },
	  "STALL_MAX" },
	{ { { 6, 0, 1 << 16 } }, "IDR6 needs" },
	{ { { 1, 0, SMMU_IDR1_ECMDQ } } },
	{ { { 1, 0, SMMU_IDR1_ECMDQ }, { 6, 0, 5 << 24 | 3 << 16 } } },
	{ { { 1, 0, SMMU_IDR1_ECMDQ }, { 6, 0, 5 << 24 | 4 << 16 } },
	  "more than 256" },
	{ { { 1, 0, SMMU_IDR1_ECMDQ }, { 6, 0, 9 << 24 } }, "IDR6.LOG2NUMP" },
	{ { { 1, 0, SMMU_IDR1_ECMDQ }, { 6, 0, 9 << 16 } }, "IDR6.LOG2NUMQ" },
	{ { { 1, 0, SMMU_IDR1_ECMDQ }, { 0, SMMU_IDR0_COHACC, 0 } },
	  "IDR1.ECMDQ needs COHACC" },
	{ { { 1, 0, SMMU_IDR1_ECMDQ }, { 0, SMMU_IDR0_MSI, 0 } },
	  "IDR1.ECMDQ needs MSI" },
	{ { { 0, SMMU_IDR0_COHACC | SMMU_IDR0_MSI, 0 } } },
	{ { NO_S2, NO_S2_3, { 0, 0, SMMU_IDR0_VMW } }, "IDR0.VMW needs" },
	{ { { 0, 0, SMMU_IDR0_VMW } } },
	/* of no consequence, whatever they say */
	{ { NO_S2, NO_S2_3, { 0, SMMU_IDR0_VMID16, 0 } } },
	{ { NO_S1,
	    { 0, SMMU_IDR0_ASID16, 0 },
	    { 3, SMMU_IDR3_HAD | SMMU_IDR3_E0PD, 0 } } },
	{ { { 4, 0, 0xffffffff } } },

	{ { { 0, SMMU_IDR0_ATS | SMMU_IDR0_ATSRECERR, 0 },
	    { 3, SMMU_IDR3_PPS | SMMU_IDR3_PASIDTT, 0 } },
	  "IDR0.PRI needs ATS" },
	{ { NO_ATS, { 3, SMMU_IDR3_PPS | SMMU_IDR3_PASIDTT, 0 } } },
	{ { NO_ATS,
	    { 3, SMMU_IDR3_PPS | SMMU_IDR3_PASIDTT, 0 },
	    { 0, 0, SMMU_IDR0_ATSRECERR } },
	  "IDR0.ATSRECERR needs ATS" },
	{ { NO_ATS,
	    { 3, SMMU_IDR3_PPS | SMMU_IDR3_PASIDTT, 0 },
	    { 0, 0, SMMU_IDR0_NS1ATS } },
	  "IDR0.NS1ATS needs ATS" },
	{ { NO_S2, NO_S2_3, { 0, 0, SMMU_IDR0_NS1ATS } }, "IDR0.NS1ATS needs" },
	{ { NO_S1, { 3, SMMU_IDR3_HAD, 0 }, { 0, 0, SMMU_IDR0_NS1ATS } },
	  "IDR0.NS1ATS needs" },
	{ { { 0, 0, SMMU_IDR0_NS1ATS } } },
	{ { NO_ATS, { 3, SMMU_IDR3_PPS, 0 } }, "IDR3.PASIDTT needs ATS" },
	{ { { 0, SMMU_IDR0_PRI, 0 } }, "IDR3.PPS needs PRI" },
	{ { { 0, SMMU_IDR0_PRI, 0 }, { 3, SMMU_IDR3_PPS, 0 } } },
	{ { { 1, SMMU_IDR1_SSIDSIZE, 0 }, { 3, SMMU_IDR3_PASIDTT, 0 } },
	  "IDR3.PPS needs SubstreamIDs" },
	{ { { 1, SMMU_IDR1_SSIDSIZE, 0 }, { 3, SMMU_IDR3_PPS, 0 } },
	  "IDR3.PASIDTT needs SubstreamIDs" },
	{ { { 1, SMMU_IDR1_SSIDSIZE, 0 },
	    { 3, SMMU_IDR3_PPS | SMMU_IDR3_PASIDTT, 0 } } },
	{ { { 1, SMMU_IDR1_PRIQS, 20 << 11 } }, "IDR1.PRIQS" },
	{ { { 1, SMMU_IDR1_PRIQS, 0 } } },

	/* versions */
	{ { AIDR(0) }, "IDR3.XNX before" },
	{ { AIDR(0), { 3, SMMU_IDR3_XNX, 0 } } },
	{ { AIDR(0), { 3, SMMU_IDR3_XNX, 0 }, { 5, SMMU_IDR5_OAS, OAS(6) } },
	  "IDR5.OAS of 52 before" },
	{ { AIDR(0), { 3, SMMU_IDR3_XNX, 0 }, { 5, 0, VAX(1) } },
	  "IDR5.VAX before" },
	{ { AIDR(0), { 3, SMMU_IDR3_XNX | SMMU_IDR3_HAD, 0 } } },
	{ { AIDR(1), { 3, SMMU_IDR3_HAD, 0 } }, "3.1 must have IDR3.HAD" },
	{ { AIDR(1), { 3, SMMU_IDR3_XNX, 0 } }, "3.1 must have IDR3.XNX" },
	{ { AIDR(1),
	    { 0, SMMU_IDR0_HYP, 0 },
	    { 3, ~(SMMU_IDR3_HAD | SMMU_IDR3_XNX), 0 } } },
	{ { AIDR(2), { 0, SMMU_IDR0_HYP, 0 } }, "3.2 must have IDR0.Hyp" },
	{ { AIDR(2), { 3, SMMU_IDR3_FWB, 0 } }, "3.2 must have IDR3.FWB" },
	{ { AIDR(2), { 3, SMMU_IDR3_RIL, 0 } }, "3.2 must have IDR3.RIL" },
	{ { AIDR(2), { 3, SMMU_IDR3_BBML, 0 } }, "3.2 must have IDR3.BBML" },
	{ { AIDR(2), { 3, SMMU_IDR3_E0PD | SMMU_IDR3_PTWNNC, 0 } } },
	{ { AIDR(3), { 3, SMMU_IDR3_E0PD, 0 } }, "3.3 must have IDR3.E0PD" },
	{ { AIDR(3), { 3, SMMU_IDR3_PTWNNC, 0 } },
	  "3.3 must have IDR3.PTWNNC" },
	{ { AIDR(4), NO_S2, NO_S2_3, { 3, SMMU_IDR3_EPAN, 0 } },
	  "3.4 must have IDR3.EPAN" },
	{ { AIDR(4), NO_S2, NO_S2_3, { 3, 0, SMMU_IDR3_EPAN } } },
	{ { AIDR(4), { 3, 0, SMMU_IDR3_EPAN } }, "IDR3.MTEPERM" },

	/* what this model does not do */
	{ { { 0, 0, SMMU_IDR0_BTM } }, "IDR0.BTM: not supported" },
	{ { { 0, 0, SMMU_IDR0_DORMHINT } }, "IDR0.DORMHINT: not supported" },
	{ { { 0, 0, SMMU_IDR0_ATOS } }, "IDR0.ATOS: not supported" },
	{ { { 0, 0, SMMU_IDR0_VATOS } }, "IDR0.VATOS: not supported" },
	{ { { 0, 0, SMMU_IDR0_RME_IMPL } }, "IDR0.RME_IMPL: not supported" },
	{ { { 0, 0, 1u << 29 } }, "reserved bit of IDR0" },
	{ { { 0, 0, 1u << 31 } }, "reserved bit of IDR0" },
	{ { { 1, 0, SMMU_IDR1_REL } }, "IDR1.REL: not supported" },
	{ { { 1, 0, SMMU_IDR1_QUEUES_PRESET } }, "IDR1.QUEUES_PRESET" },
	{ { { 1, 0, SMMU_IDR1_TABLES_PRESET } }, "IDR1.TABLES_PRESET" },
	{ { { 2, 0, 1 } }, "IDR2: not supported" },
	{ { { 3, 0, SMMU_IDR3_PBHA } }, "IDR3.PBHA: not supported" },
	{ { { 3, 0, SMMU_IDR3_MPAM } }, "IDR3.MPAM: not supported" },
	{ { { 3, 0, SMMU_IDR3_DPT } }, "IDR3.DPT: not supported" },
	{ { { 3, 0, SMMU_IDR3_S1PI } }, "IDR3.S1PI: not supported" },
	{ { { 3, 0, SMMU_IDR3_S2PI } }, "IDR3.S2PI: not supported" },
	{ { { 3, 0, SMMU_IDR3_S2PO } }, "IDR3.S2PO: not supported" },
	{ { { 3, 0, SMMU_IDR3_THE } }, "IDR3.THE: not supported" },
	{ { { 3, 0, SMMU_IDR3_MTEPERM } }, "IDR3.MTEPERM: not supported" },
	{ { { 3, 0, SMMU_IDR3_AIE } }, "IDR3.AIE: not supported" },
	{ { { 3, 0, 1 } }, "reserved bit of IDR3" },
	{ { { 3, 0, 1 << 6 } }, "reserved bit of IDR3" },
	{ { { 3, 0, 1u << 31 } }, "reserved bit of IDR3" },
	{ { { 5, 0, SMMU_IDR5_D128 } }, "IDR5.D128: not supported" },
	{ { { 5, 0, 1 << 3 } }, "reserved bit of IDR5" },
	{ { { 5, 0, 1 << 9 } }, "reserved bit of IDR5" },
	{ { { 5, 0, 1 << 12 } }, "reserved bit of IDR5" },
	{ { { 6, 0, 1 } }, "reserved bit of IDR6" },
};

static void apply(struct uiommu_smmuv3_profile *p, const struct row *row)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(row->change); i++) {
		const struct change *c = &row->change[i];
		uint32_t *reg = c->reg == 7 ? &p->aidr : &p->idr[c->reg];

		*reg = (*reg & ~c->clear) | c->set;
	}
}

static void check_row(struct model_ram *ram, unsigned int i)
{
	const struct row *row = &rows[i];
	struct uiommu_smmuv3_profile p =
		rig_profile(row->base ? row->base : "full");
	struct uiommu_model_host host = model_ram_host(ram);
	struct uiommu_smmuv3_model *model = NULL;
	int rc;

	apply(&p, row);
	ram->last_log[0] = 0;
	rc = uiommu_smmuv3_model_create(&p, &host, &model);
	if (row->why && rc == -22 && strstr(ram->last_log, row->why))
		return;
	if (row->why || rc)
		fail_msg("row %u: %d \"%s\", wanted %s", i, rc, ram->last_log,
			 row->why ? row->why : "success");
	uiommu_smmuv3_model_destroy(model);
}

static void each_rule_and_its_neighbour(void **state)
{
	struct model_ram ram;

	assert_int_equal(model_ram_init(&ram, RIG_BASE, 0x10000), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&ram, i);
	model_ram_fini(&ram);
}

static void cache_sizes(void **state)
{
	static const struct {
		uint32_t entries;
		bool ok;
	} sizes[] = { { 0, true },     { 1, true },	    { 2, true },
		      { 4, true },     { 3, false },	    { 100, false },
		      { 65536, true }, { 1u << 25, false }, { ~0u, false } };
	struct uiommu_smmuv3_model *model;
	struct uiommu_smmuv3_profile p;
	struct uiommu_model_host host;
	struct model_ram ram;

	assert_int_equal(model_ram_init(&ram, RIG_BASE, 0x10000), 0);
	host = model_ram_host(&ram);
	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		bool ok = sizes[i / 2].ok;

		p = rig_profile("full");
		if (i & 1)
			p.tlb_entries = sizes[i / 2].entries;
		else
			p.config_entries = sizes[i / 2].entries;
		assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &model),
				 ok ? 0 : -22);
		if (ok)
			uiommu_smmuv3_model_destroy(model);
		else
			assert_non_null(strstr(ram.last_log, "power"));
	}
	model_ram_fini(&ram);
}

/* IDR0 to IDR6, IIDR and AIDR, worked out by hand from the specification. */
static void ready_made(void **state)
{
	static const struct {
		const char *name;
		uint32_t idr[7], iidr, aidr;
	} want[] = {
		{ "full",
		  { 0x088f769b, 0x0e739d10, 0, 0x00037734, 0, 0x01000075, 0 },
		  0x43b,
		  3 },
		{ "full-52",
		  { 0x088f76db, 0x0e739d10, 0, 0x00037734, 0, 0x010004f6, 0 },
		  0x43b,
		  3 },
		{ "neoverse",
		  { 0x080f769b, 0x0e739d20, 0, 0x00001734, 0, 0x02000475, 0 },
		  0x43b,
		  2 },
		{ "qemu-8",
		  { 0x0d44101b, 0x02730010, 0, 0x00001414, 0, 0x00000074, 0 },
		  0,
		  1 },
		{ "full-8",
		  { 0x088b669b, 0x0e739d10, 0, 0x00037734, 0, 0x01000075, 0 },
		  0x43b,
		  3 },
	};
	static const uint32_t offset[7] = { 0, 4, 8, 0xc, 0x10, 0x14, 0x190 };
	struct uiommu_smmuv3_profile p;
	struct rig r;

	for (unsigned int i = 0; i < ARRAY_SIZE(want); i++) {
		p = rig_profile(want[i].name);
		assert_string_equal(uiommu_smmuv3_profile_get(i)->name,
				    want[i].name);
		rig_init(&r, &p);
		for (unsigned int j = 0; j < 7; j++) {
			assert_int_equal(p.idr[j], want[i].idr[j]);
			assert_int_equal(rd(&r, offset[j]), want[i].idr[j]);
		}
		assert_int_equal(rd(&r, 0x18), want[i].iidr);
		assert_int_equal(rd(&r, 0x1c), want[i].aidr);
		rig_fini(&r);
	}
	assert_null(uiommu_smmuv3_profile_get(ARRAY_SIZE(want)));
	assert_null(uiommu_smmuv3_profile_get(~0u));
	assert_null(uiommu_smmuv3_profile_find("no such"));
	assert_null(uiommu_smmuv3_profile_find(""));
}

/* --------------------------------------------------------- manual page --- */

static const struct {
	const char *name;
	unsigned int reg;
	uint32_t mask;
} fields[] = {
	{ "IDR0.S1P", 0, SMMU_IDR0_S1P },
	{ "IDR0.S2P", 0, SMMU_IDR0_S2P },
	{ "IDR0.TTF", 0, SMMU_IDR0_TTF },
	{ "IDR0.COHACC", 0, SMMU_IDR0_COHACC },
	{ "IDR0.BTM", 0, SMMU_IDR0_BTM },
	{ "IDR0.HTTU", 0, SMMU_IDR0_HTTU },
	{ "IDR0.Hyp", 0, SMMU_IDR0_HYP },
	{ "IDR0.ATS", 0, SMMU_IDR0_ATS },
	{ "IDR0.NS1ATS", 0, SMMU_IDR0_NS1ATS },
	{ "IDR0.ASID16", 0, SMMU_IDR0_ASID16 },
	{ "IDR0.MSI", 0, SMMU_IDR0_MSI },
	{ "IDR0.SEV", 0, SMMU_IDR0_SEV },
	{ "IDR0.ATOS", 0, SMMU_IDR0_ATOS },
	{ "IDR0.PRI", 0, SMMU_IDR0_PRI },
	{ "IDR0.VMW", 0, SMMU_IDR0_VMW },
	{ "IDR0.VMID16", 0, SMMU_IDR0_VMID16 },
	{ "IDR0.CD2L", 0, SMMU_IDR0_CD2L },
	{ "IDR0.TTENDIAN", 0, SMMU_IDR0_TTENDIAN },
	{ "IDR0.ATSRECERR", 0, SMMU_IDR0_ATSRECERR },
	{ "IDR0.STALL_MODEL", 0, SMMU_IDR0_STALL_MODEL },
	{ "IDR0.TERM_MODEL", 0, SMMU_IDR0_TERM_MODEL },
	{ "IDR0.ST_LEVEL", 0, SMMU_IDR0_ST_LEVEL },
	{ "IDR1.SIDSIZE", 1, SMMU_IDR1_SIDSIZE },
	{ "IDR1.SSIDSIZE", 1, SMMU_IDR1_SSIDSIZE },
	{ "IDR1.PRIQS", 1, SMMU_IDR1_PRIQS },
	{ "IDR1.EVENTQS", 1, SMMU_IDR1_EVENTQS },
	{ "IDR1.CMDQS", 1, SMMU_IDR1_CMDQS },
	{ "IDR1.ATTR_PERMS_OVR", 1, SMMU_IDR1_ATTR_PERMS_OVR },
	{ "IDR1.ATTR_TYPES_OVR", 1, SMMU_IDR1_ATTR_TYPES_OVR },
	{ "IDR1.ECMDQ", 1, SMMU_IDR1_ECMDQ },
	{ "IDR3.HAD", 3, SMMU_IDR3_HAD },
	{ "IDR3.PBHA", 3, SMMU_IDR3_PBHA },
	{ "IDR3.XNX", 3, SMMU_IDR3_XNX },
	{ "IDR3.PPS", 3, SMMU_IDR3_PPS },
	{ "IDR3.MPAM", 3, SMMU_IDR3_MPAM },
	{ "IDR3.FWB", 3, SMMU_IDR3_FWB },
	{ "IDR3.STT", 3, SMMU_IDR3_STT },
	{ "IDR3.RIL", 3, SMMU_IDR3_RIL },
	{ "IDR3.BBML", 3, SMMU_IDR3_BBML },
	{ "IDR3.E0PD", 3, SMMU_IDR3_E0PD },
	{ "IDR3.PTWNNC", 3, SMMU_IDR3_PTWNNC },
	{ "IDR3.DPT", 3, SMMU_IDR3_DPT },
	{ "IDR3.PASIDTT", 3, SMMU_IDR3_PASIDTT },
	{ "IDR3.EPAN", 3, SMMU_IDR3_EPAN },
	{ "IDR5.OAS", 5, SMMU_IDR5_OAS },
	{ "IDR5.GRAN4K", 5, SMMU_IDR5_GRAN4K },
	{ "IDR5.GRAN16K", 5, SMMU_IDR5_GRAN16K },
	{ "IDR5.GRAN64K", 5, SMMU_IDR5_GRAN64K },
	{ "IDR5.DS", 5, SMMU_IDR5_DS },
	{ "IDR5.VAX", 5, SMMU_IDR5_VAX },
	{ "IDR5.STALL_MAX", 5, SMMU_IDR5_STALL_MAX },
};

/* A row of the tables of uiommu-model(7). */
static void expect_row(const char *page, const char *name, unsigned int reg,
		       uint32_t mask)
{
	const struct uiommu_smmuv3_profile *p;
	char row[200];
	int n = snprintf(row, sizeof(row), "\n%s", name);

	for (unsigned int i = 0; (p = uiommu_smmuv3_profile_get(i)); i++) {
		uint32_t val = reg < 7	  ? p->idr[reg]
			       : reg == 7 ? p->iidr
					  : p->aidr;

		n += snprintf(row + n, sizeof(row) - (size_t)n,
			      mask ? "\t%u" : "\t0x%08x",
			      mask ? (uint32_t)FIELD_GET(mask, val) : val);
	}
	snprintf(row + n, sizeof(row) - (size_t)n, "\n");
	if (!strstr(page, row))
		fail_msg("the manual page lacks: %s", row + 1);
}

static void the_manual_page_says_so(void **state)
{
	static const char *const regs[] = { "IDR0", "IDR1", NULL,
					    "IDR3", NULL,   "IDR5",
					    "IDR6", "IIDR", "AIDR" };
	const char *root = getenv("UIOMMU_SOURCE_ROOT");
	static char page[65536];
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/docs/man/uiommu-model.7",
		 root ? root : ".");
	f = fopen(path, "r");
	assert_non_null(f);
	assert_in_range(fread(page, 1, sizeof(page) - 1, f), 1000,
			sizeof(page) - 2);
	fclose(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(regs); i++) {
		if (regs[i])
			expect_row(page, regs[i], i, 0);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++)
		expect_row(page, fields[i].name, fields[i].reg, fields[i].mask);
}

/* The largest StreamID, in a two-level table of 32 bits. */
static void stream_ids_of_32_bits(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile("neoverse");
	uint64_t l1 = RIG_BASE + 0x2000000, l2, table;
	struct smmu_ste ste;
	struct smmu_cd cd;
	struct rig r;

	rig_init_off(&r, &p);
	table = rig_table(&r, 4096);
	ste = rig_ste_s1(RIG_CD);
	cd = rig_cd_4k(table, 1);
	rig_cd(&r, RIG_CD, &cd);
	rig_map4k(&r, table, 0x1000, RIG_DATA, LEAF_RW);
	/* LOG2SIZE 32, SPLIT 10: 4 Mi pointers, 32 MiB; the last one counts */
	l1 = RIG_DATA;
	l2 = rig_table(&r, 1 << 16);
	ram_w64(&r.ram, l1 + 8 * ((1ull << 22) - 1), l2 | 11);
	for (unsigned int i = 0; i < 8; i++)
		ram_w64(&r.ram, l2 + 64 * 1023 + 8 * i, ste.q[i]);
	wr64(&r, SMMU_REG_STRTAB_BASE, l1);
	wr(&r, SMMU_REG_STRTAB_BASE_CFG, 1u << 16 | 10 << 6 | 32);
	wr(&r, SMMU_REG_CR0, 1);
	rig_expect_pa(&r, 0xffffffff, 0x1000, RIG_DATA);
	assert_int_equal(rig_stats(&r).walks, 1);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_and_its_neighbour),
		cmocka_unit_test(cache_sizes),
		cmocka_unit_test(ready_made),
		cmocka_unit_test(the_manual_page_says_so),
		cmocka_unit_test(stream_ids_of_32_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
