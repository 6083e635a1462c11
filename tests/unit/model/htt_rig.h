/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * htt_rig.h - streams whose descriptors the SMMU writes, for the tests of that.
 */
#ifndef TESTS_UNIT_MODEL_HTT_RIG_H
#define TESTS_UNIT_MODEL_HTT_RIG_H

#include <stdlib.h>

#include "rig.h"

#define AF 0x400ull
#define DBM (1ull << 51)
#define AP_RO 0x80ull
#define S2_W 0x80ull
#define CD_HA (1ull << 43)
#define CD_HD (1ull << 42)
#define CD_AFFD (1ull << 35)
#define CD_HAFT 8ull /* word 1 */
#define STE_S2HA (1ull << 56)
#define STE_S2HD (1ull << 55)
#define STE_S2HAFT (1ull << 59)

/* Page attributes: nothing accessed, nothing dirty. */
#define RW_OLD 0x843ull
#define CLEAN_OLD (0x8c3ull | DBM)
#define S2_RW 0x4ffull
#define S2_OLD 0x0ffull
#define S2_CLEAN (0x47full | DBM)

static inline struct uiommu_smmuv3_profile htt_profile(unsigned int httu)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");

	p.idr[0] = (p.idr[0] & ~SMMU_IDR0_HTTU) | httu << 6;
	return p;
}

static inline void setup(struct rig *r, unsigned int httu)
{
	struct uiommu_smmuv3_profile p = htt_profile(httu);

	rig_init(r, &p);
}

static inline int setup_dirty(void **state)
{
	*state = malloc(sizeof(struct rig));
	setup(*state, 2);
	return 0;
}

static inline int setup_haft(void **state)
{
	*state = malloc(sizeof(struct rig));
	setup(*state, 3);
	return 0;
}

/* SID 1, stage 1 with these bits in the CD's first word. */
static inline uint64_t stream_with(struct rig *r, uint64_t cd_bits)
{
	uint64_t table = rig_stream(r, 1, 7);
	struct smmu_cd cd = rig_cd_4k(table, 7);

	cd.q[0] |= cd_bits;
	rig_cd(r, RIG_CD + 64, &cd);
	rig_inval_all(r);
	return table;
}

static inline void put(struct rig *r, uint64_t table, uint64_t iova,
		       uint64_t desc)
{
	rig_map(r, table, 12, 0, 3, iova, desc);
	rig_inval_all(r);
}

/* The page's descriptor is exactly this. */
static inline void expect_desc(struct rig *r, uint64_t table, uint64_t iova,
			       uint64_t desc)
{
	assert_int_equal(ram_r64(&r->ram, rig_pte4k(r, table, iova)), desc);
}

static inline int go(struct rig *r, uint32_t flags, uint64_t iova)
{
	struct uiommu_smmuv3_xlate x;

	return rig_xlate(r, 1, flags, iova, &x);
}

static inline uint64_t s2_stream(struct rig *r, uint64_t bits)
{
	uint64_t table = rig_table(r, 0x2000);
	struct smmu_ste ste = rig_ste_s2(table, 5);

	ste.q[2] |= bits;
	rig_ste(r, 1, &ste);
	rig_inval_all(r);
	return table;
}

static inline uint64_t s2_pte(struct rig *r, uint64_t table, uint64_t ipa)
{
	uint64_t pa = table + 8 * (ipa >> 30);

	pa = (ram_r64(&r->ram, pa) & ~0xfffull) + 8 * (ipa >> 21 & 511);
	return (ram_r64(&r->ram, pa) & GENMASK64(47, 12)) +
	       8 * (ipa >> 12 & 511);
}

static inline void expect_s2(struct rig *r, uint64_t table, uint64_t ipa,
			     uint64_t desc)
{
	assert_int_equal(ram_r64(&r->ram, s2_pte(r, table, ipa)), desc);
}

struct nested {
	uint64_t s1, s2, cd;
	uint64_t l3; /* stage 1's last table */
};

/* Stage 2 maps the CD, the tables and IPA 0x12345000 with `s2_attrs`. */
static inline struct nested nested(struct rig *r, uint64_t cd_bits,
				   uint64_t ste_bits, uint64_t s2_attrs)
{
	struct nested n = { .cd = RIG_CD + 64 };
	struct smmu_ste ste;
	struct smmu_cd cd;

	n.s1 = rig_table(r, 4096);
	rig_map(r, n.s1, 12, 0, 3, 0x5000, 0x12345000 | RW_OLD);
	n.l3 = rig_pte4k(r, n.s1, 0x5000) & ~0xfffull;
	n.s2 = rig_table(r, 0x2000);
	ste = rig_ste_s2(n.s2, 5);
	ste.q[0] = n.cd | 0xf;
	ste.q[2] |= ste_bits;
	cd = rig_cd_4k(n.s1, 7);
	cd.q[0] |= cd_bits;
	rig_ste(r, 1, &ste);
	rig_cd(r, n.cd, &cd);
	rig_map(r, n.s2, 12, 1, 3, RIG_CD, RIG_CD | s2_attrs);
	for (uint64_t pa = n.s1; pa <= n.l3; pa += 4096)
		rig_map(r, n.s2, 12, 1, 3, pa, pa | s2_attrs);
	rig_map(r, n.s2, 12, 1, 3, 0x12345000, RIG_DATA | s2_attrs);
	rig_inval_all(r);
	return n;
}

#define D(name) cmocka_unit_test_setup_teardown(name, setup_dirty, rig_teardown)
#define H(name) cmocka_unit_test_setup_teardown(name, setup_haft, rig_teardown)

#endif /* TESTS_UNIT_MODEL_HTT_RIG_H */
