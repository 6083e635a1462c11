/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults of stage 2 wherever it is asked: for the CD, for its level-1
 * descriptor, for a stage-1 table, for the access itself.  Whole records are
 * compared: S2, CLASS, IPA and TTRnW tell of the walk; PnU, InD, RnW and
 * InputAddr of the transaction (IHI 0070 7.3).
 */
#include "rig.h"

#define S2_LEAF 0x4fcull
#define IOVA 0x5678ull
#define IPA 0x12345000ull
#define SSID 0x43u

enum place {
	AT_L1CD,
	AT_CD,
	AT_FIRST_TABLE,
	AT_LAST_TABLE,
	AT_ACCESS,
	NR_PLACES
};

enum kind {
	UNMAPPED,
	TOO_LARGE,
	NOT_ACCESSED,
	FORBIDDEN,
	NR_KINDS
};

/* SID 1, both stages, 4K level-2 CD tables; pages of each kind of place. */
struct stream {
	uint64_t s2;
	uint64_t pa[NR_PLACES];
};

static void s2_map(struct rig *r, const struct stream *s, uint64_t ipa,
		   uint64_t desc)
{
	rig_map(r, s->s2, 12, 1, 3, ipa, desc);
}

static struct stream stream(struct rig *r)
{
	struct stream s = { .s2 = rig_table(r, 0x2000) };
	struct smmu_ste ste = rig_ste_s2(s.s2, 5);
	struct smmu_cd cd;
	uint64_t table;

	s.pa[AT_L1CD] = rig_table(r, 4096);
	s.pa[AT_CD] = rig_table(r, 4096);
	s.pa[AT_FIRST_TABLE] = table = rig_table(r, 4096);
	rig_map4k(r, table, IOVA & ~0xfffull, IPA, LEAF_RW);
	s.pa[AT_LAST_TABLE] = rig_pte4k(r, table, IOVA) & ~0xfffull;
	s.pa[AT_ACCESS] = RIG_DATA;
	/* S1Fmt 4K, S1CDMax 8, S1DSS: SSID 0 without one; S2PS 40 bits */
	ste.q[0] = s.pa[AT_L1CD] | 0xf | 1 << 4 | 8ull << 59;
	ste.q[1] |= 2;
	ste.q[2] = (ste.q[2] & ~(7ull << 48)) | 2ull << 48;
	rig_ste(r, 1, &ste);
	ram_w64(&r->ram, s.pa[AT_L1CD], s.pa[AT_CD] | 1);
	ram_w64(&r->ram, s.pa[AT_L1CD] + 8, s.pa[AT_CD] | 1);
	cd = rig_cd_4k(table, 7);
	rig_cd(r, s.pa[AT_CD], &cd);
	rig_cd(r, s.pa[AT_CD] + 64 * (SSID & 63), &cd);
	for (uint64_t pa = s.s2 + 0x2000; pa < s.pa[AT_LAST_TABLE] + 4096;
	     pa += 4096)
		s2_map(r, &s, pa, pa | S2_LEAF | 3);
	s2_map(r, &s, IPA, RIG_DATA | S2_LEAF | 3);
	return s;
}

static uint64_t page_with(enum kind kind, uint64_t pa)
{
	switch (kind) {
	case UNMAPPED:
		return 0;
	case TOO_LARGE:
		return pa | 1ull << 40 | S2_LEAF | 3;
	case NOT_ACCESSED:
		return pa | (S2_LEAF & ~0x400ull) | 3;
	default:
		return pa | (S2_LEAF & ~0xc0ull) | 3;
	}
}

static uint64_t ipa_of(const struct stream *s, enum place place)
{
	return place == AT_ACCESS ? IPA : s->pa[place];
}

/* Word 1 of the record, from the tables of 7.3. */
static uint64_t word1(enum place place, enum kind kind, uint32_t flags)
{
	static const uint64_t class[NR_PLACES] = { 0, 0, 1, 1, 2 };
	bool write = flags & (UIOMMU_TXN_WRITE | UIOMMU_TXN_ATOMIC);
	uint64_t word = 1ull << 39 | class[place] << 40;

	if (flags & UIOMMU_TXN_PRIV)
		word |= 1ull << 33;
	if ((flags & UIOMMU_TXN_INSTR) && !write)
		word |= 1ull << 34;
	if (!write)
		word |= 1ull << 35;
	if (kind == FORBIDDEN && class[place] == 1)
		word |= 1ull << 44; /* the descriptor was to be read */
	return word;
}

static void every_place_and_kind(void **state)
{
	static const uint32_t asks[] = {
		0,
		UIOMMU_TXN_WRITE,
		UIOMMU_TXN_PRIV,
		UIOMMU_TXN_INSTR,
		UIOMMU_TXN_PRIV | UIOMMU_TXN_INSTR,
		UIOMMU_TXN_PRIV | UIOMMU_TXN_WRITE,
		UIOMMU_TXN_WRITE | UIOMMU_TXN_INSTR,
		UIOMMU_TXN_ATOMIC,
		UIOMMU_TXN_SSV,
		UIOMMU_TXN_SSV | UIOMMU_TXN_WRITE,
	};
	static const uint64_t type[NR_KINDS] = { 0x10, 0x11, 0x12, 0x13 };
	struct rig *r = *state;
	struct stream s = stream(r);

	for (unsigned int i = 0; i < NR_PLACES * NR_KINDS * ARRAY_SIZE(asks);
	     i++) {
		enum place place = i % NR_PLACES;
		enum kind kind = i / NR_PLACES % NR_KINDS;
		struct uiommu_smmuv3_txn txn = {
			.sid = 1,
			.ssid = SSID,
			.flags = asks[i / NR_PLACES / NR_KINDS],
			.iova = IOVA,
		};
		struct uiommu_smmuv3_xlate x;
		uint64_t ipa = ipa_of(&s, place);
		uint64_t q0 = 1ull << 32 | type[kind];

		if (place == AT_ACCESS && kind == FORBIDDEN &&
		    (txn.flags & UIOMMU_TXN_INSTR) &&
		    !(txn.flags & UIOMMU_TXN_WRITE))
			continue; /* may fetch what it may not read */
		/* the privileged fetch only what others cannot write */
		ram_w64(&r->ram, s.pa[AT_LAST_TABLE] + 8 * (IOVA >> 12),
			IPA | 3 |
				((txn.flags &
				  (UIOMMU_TXN_INSTR | UIOMMU_TXN_WRITE)) ==
						 UIOMMU_TXN_INSTR
					 ? LEAF_RO
					 : LEAF_RW));
		if (txn.flags & UIOMMU_TXN_SSV)
			q0 |= SSID << 12 | 1 << 11;
		s2_map(r, &s, ipa, page_with(kind, s.pa[place]));
		rig_inval_all(r);
		/* nothing of it is kept: the same again */
		for (unsigned int n = 0; n < 2; n++) {
			assert_int_equal(uiommu_smmuv3_model_translate(
						 r->model, &txn, &x),
					 -14);
			rig_expect_event(r, q0, word1(place, kind, txn.flags),
					 IOVA, ipa);
		}
		s2_map(r, &s, ipa, s.pa[place] | S2_LEAF | 3);
		rig_inval_all(r);
		assert_int_equal(
			uiommu_smmuv3_model_translate(r->model, &txn, &x), 0);
		assert_int_equal(x.pa, RIG_DATA + (IOVA & 0xfff));
	}
}

/* Execute-never at stage 2 is for the access; tables and CDs are data. */
static void execute_never(void **state)
{
	struct rig *r = *state;
	struct stream s = stream(r);
	struct uiommu_smmuv3_xlate x;

	for (unsigned int place = 0; place < NR_PLACES; place++)
		s2_map(r, &s, ipa_of(&s, place),
		       s.pa[place] | S2_LEAF | 2ull << 53 | 3);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 1, 0, IOVA, &x), 0);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_INSTR, IOVA, &x), -14);
	rig_expect_event(r, 0x0000000100000013, 0x0000028c00000000, IOVA, IPA);
}

/* F_WALK_EABT: FetchAddr is where stage 2's descriptor is, CLASS whose. */
static void aborted_walks(void **state)
{
	static const uint64_t word[NR_PLACES] = {
		0x0000008800000000, 0x0000008800000000, 0x0000018800000000,
		0x0000018800000000, 0x0000028800000000,
	};
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	for (unsigned int place = 0; place < NR_PLACES; place++) {
		struct stream s = stream(r);
		uint64_t ipa = ipa_of(&s, place), l2, desc;

		/* the level-3 descriptor of this page alone aborts */
		l2 = ram_r64(&r->ram, s.s2 + 8 * (ipa >> 30)) & ~0xfffull;
		desc = ram_r64(&r->ram, l2 + 8 * (ipa >> 21 & 511)) & ~0xfffull;
		desc += 8 * (ipa >> 12 & 511);
		ram_poison(&r->ram, desc, desc + 7);
		rig_inval_all(r);
		assert_int_equal(rig_xlate(r, 1, 0, IOVA, &x), -14);
		ram_poison(&r->ram, 1, 0);
		rig_expect_event(r, 0x000000010000000b, word[place], IOVA,
				 desc);
	}
}

/* Above what S2T0SZ covers: a translation fault with the address asked for. */
static void addresses_above_the_range(void **state)
{
	struct rig *r = *state;
	struct stream s = stream(r);
	struct uiommu_smmuv3_xlate x;
	struct smmu_ste ste = rig_ste_s2(s.s2, 5);
	uint64_t far = 1ull << 40;

	/* the access */
	ram_w64(&r->ram, s.pa[AT_LAST_TABLE] + 8 * 5, far | LEAF_RW | 3);
	assert_int_equal(rig_xlate(r, 1, 0, IOVA, &x), -14);
	rig_expect_event(r, 0x0000000100000010, 0x0000028800000000, IOVA, far);
	/* a table */
	ram_w64(&r->ram, s.pa[AT_FIRST_TABLE], far | 3);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 1, 0, IOVA, &x), -14);
	rig_expect_event(r, 0x0000000100000010, 0x0000018800000000, IOVA, far);
	/* the CD, by its level-1 descriptor and by the STE */
	ram_w64(&r->ram, s.pa[AT_L1CD], far | 1);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 1, 0, IOVA, &x), -14);
	rig_expect_event(r, 0x0000000100000010, 0x0000008800000000, IOVA, far);
	ste.q[0] = far | 0xf;
	rig_ste(r, 1, &ste);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 1, 0, IOVA, &x), -14);
	rig_expect_event(r, 0x0000000100000010, 0x0000008800000000, IOVA, far);
	/* above every size there is: the address is told whole */
	far = 1ull << 55 | 1ull << 48 | 0x1000;
	ste.q[0] = far | 0x40 | 0xf;
	rig_ste(r, 1, &ste);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 1, 0, IOVA, &x), -14);
	rig_expect_event(r, 0x0000000100000010, 0x0000008800000000, IOVA, far);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_place_and_kind),
		T(execute_never),
		T(aborted_walks),
		T(addresses_above_the_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
