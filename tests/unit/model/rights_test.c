/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what: every combination of permission bits in leaves and tables,
 * of the CD's switches and of the regimes, against the rules of the
 * architecture written down once more, sentence by sentence.
 */
#include "rig.h"

/* ------------------------------------------------------------ stage 1 ---- */

enum world {
	EL1,
	E2H,
	EL2,
	NR_WORLDS
};

/* The bits that decide; names of the specification. */
struct page {
	unsigned int ap;      /* AP[2:1] */
	unsigned int aptable; /* APTable[1:0] */
	bool uxn, pxn, dbm;
	bool uxntable, pxntable;
};

struct switches {
	enum world world;
	bool wxn, pan, epan, e0pd, had, hd;
};

struct access {
	bool priv, write, fetch;
};

static bool writable(const struct page *p, const struct switches *s, bool priv)
{
	bool mine;

	/* APTable[1] takes writing from everybody */
	if (!s->had && (p->aptable & 2))
		return false;
	/* AP[2] = 1 is read-only, unless the page is only waiting to be dirty */
	if ((p->ap & 2) && !(s->hd && p->dbm))
		return false;
	if (priv || s->world == EL2)
		return true;
	/* AP[1] lets the unprivileged in, APTable[0] keeps them out */
	mine = p->ap & 1;
	if (!s->had && (p->aptable & 1))
		mine = false;
	return mine;
}

static bool readable(const struct page *p, const struct switches *s, bool priv)
{
	if (priv || s->world == EL2)
		return true;
	return (p->ap & 1) && (s->had || !(p->aptable & 1));
}

static bool fetchable(const struct page *p, const struct switches *s, bool priv)
{
	bool uxn = p->uxn || (!s->had && p->uxntable);
	bool pxn = p->pxn || (!s->had && p->pxntable);

	if (s->world == EL2) /* XN is one bit */
		return !uxn && !(s->wxn && writable(p, s, true));
	if (!priv)
		return !uxn && !(s->wxn && writable(p, s, false));
	/* what the unprivileged can write the privileged never execute */
	if (writable(p, s, false))
		return false;
	return !pxn && !(s->wxn && writable(p, s, true));
}

static bool allowed(const struct page *p, const struct switches *s,
		    const struct access *a)
{
	bool theirs;

	if (s->world == EL2)
		return a->write	  ? writable(p, s, true)
		       : a->fetch ? fetchable(p, s, true)
				  : readable(p, s, true);
	if (!a->priv && s->e0pd)
		return false;
	/* PAN: no privileged data access where the unprivileged have one */
	theirs = readable(p, s, false) || writable(p, s, false) ||
		 (s->epan && fetchable(p, s, false));
	if (a->priv && !a->fetch && s->pan && theirs)
		return false;
	return a->write	  ? writable(p, s, a->priv)
	       : a->fetch ? fetchable(p, s, a->priv)
			  : readable(p, s, a->priv);
}

#define NR_TABLES 16u /* kinds of table bits */
#define NR_LEAVES 32u

static struct page page_of(unsigned int table, unsigned int leaf)
{
	return (struct page){
		.ap = leaf & 3,
		.uxn = leaf & 4,
		.pxn = leaf & 8,
		.dbm = leaf & 16,
		.aptable = table & 3,
		.uxntable = table & 4,
		.pxntable = table & 8,
	};
}

static uint64_t iova_of(unsigned int table, unsigned int leaf)
{
	return ((uint64_t)table << 30) + ((uint64_t)leaf << 12);
}

/* One table below level 0 for each kind of table bits. */
static void map_all(struct rig *r, uint64_t root)
{
	for (unsigned int t = 0; t < NR_TABLES; t++) {
		uint64_t l1, desc;

		for (unsigned int l = 0; l < NR_LEAVES; l++) {
			struct page p = page_of(t, l);

			rig_map4k(r, root, iova_of(t, l), RIG_DATA,
				  0xc00 | (uint64_t)p.ap << 6 |
					  (uint64_t)p.uxn << 54 |
					  (uint64_t)p.pxn << 53 |
					  (uint64_t)p.dbm << 51);
		}
		l1 = ram_r64(&r->ram, root) & GENMASK64(47, 12);
		desc = ram_r64(&r->ram, l1 + 8 * t) & GENMASK64(47, 0);
		ram_w64(&r->ram, l1 + 8 * t,
			desc | (uint64_t)(t & 3) << 61 |
				(uint64_t)(t >> 2 & 1) << 60 |
				(uint64_t)(t >> 3 & 1) << 59);
	}
}

static void try_page(struct rig *r, unsigned int t, unsigned int l,
		     const struct switches *s)
{
	struct page p = page_of(t, l);

	for (unsigned int i = 0; i < 6; i++) {
		struct access a = { .priv = i & 1,
				    .write = i >> 1 == 1,
				    .fetch = i >> 1 == 2 };
		uint32_t flags = (a.priv ? UIOMMU_TXN_PRIV : 0) |
				 (a.write ? UIOMMU_TXN_WRITE : 0) |
				 (a.fetch ? UIOMMU_TXN_INSTR : 0);
		bool want = allowed(&p, s, &a);
		struct uiommu_smmuv3_xlate x;

		/*
		 * First as a probe: pages stay clean.  Then from the TLB, where
		 * nothing can be written.
		 */
		for (unsigned int n = 0; n < (s->hd ? 1u : 2u); n++) {
			uint32_t probe = n ? 0 : UIOMMU_TXN_PROBE;
			bool got = !rig_xlate(r, 1, flags | probe,
					      iova_of(t, l), &x);

			if (got != want)
				fail_msg("table %#x leaf %#x access %u world "
					 "%d wxn %d pan %d epan %d e0pd %d "
					 "had %d hd %d: %d",
					 t, l, i, s->world, s->wxn, s->pan,
					 s->epan, s->e0pd, s->had, s->hd, got);
		}
	}
}

static void configure(struct rig *r, uint64_t root, const struct switches *s)
{
	struct smmu_ste ste = rig_ste_s1(RIG_CD);
	struct smmu_cd cd = rig_cd_4k(root, 7);

	ste.q[1] |= s->world == EL1 ? 0 : 2ull << 30;
	cd.q[0] |= (uint64_t)s->wxn << 36 | (uint64_t)s->pan << 40 |
		   (s->hd ? 3ull << 42 : 0);
	cd.q[1] |= (uint64_t)s->had << 1 | (uint64_t)s->e0pd << 2 |
		   (uint64_t)s->epan << 59;
	rig_ste(r, 1, &ste);
	rig_cd(r, RIG_CD, &cd);
	rig_cmd(r, SMMU_CMD_OP_TLBI_EL2_ALL, 0);
	rig_inval_all(r);
}

static void stage1_matrix(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");

	p.idr[0] = (p.idr[0] & ~SMMU_IDR0_HTTU) | 2u << 6;
	p.idr[3] |= SMMU_IDR3_EPAN;
	for (unsigned int world = 0; world < NR_WORLDS; world++) {
		struct rig r;
		uint64_t root;

		rig_init(&r, &p);
		wr(&r, SMMU_REG_CR0, 0xc);
		wr(&r, SMMU_REG_CR2, world == E2H ? 3 : 2);
		wr(&r, SMMU_REG_CR0, 0xd);
		root = rig_table(&r, 4096);
		map_all(&r, root);
		for (unsigned int i = 0; i < 64; i++) {
			struct switches s = {
				.world = world,
				.wxn = i & 1,
				.pan = i & 2,
				.epan = i & 4,
				.e0pd = i & 8,
				.had = i & 16,
				.hd = i & 32,
			};

			configure(&r, root, &s);
			for (unsigned int t = 0; t < NR_TABLES; t++)
				for (unsigned int l = 0; l < NR_LEAVES; l++)
					try_page(&r, t, l, &s);
		}
		rig_fini(&r);
	}
}

/* The unprivileged get a translation fault from E0PD, whatever the page. */
static void e0pd_is_a_translation_fault(void **state)
{
	struct rig *r = *state;
	struct switches s = { .world = EL1, .e0pd = true };
	uint64_t root = rig_table(r, 4096);
	struct uiommu_smmuv3_xlate x;

	configure(r, root, &s);
	rig_map4k(r, root, 0x1000, RIG_DATA, LEAF_RW);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_PRIV, 0x1000, &x), 0);
	assert_int_equal(rig_xlate(r, 1, 0, 0x1000, &x), -14);
	rig_expect_event(r, 0x0000000100000010, 0x0000020800000000, 0x1000, 0);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x1000, &x), -14);
	rig_expect_event(r, 0x0000000100000010, 0x0000020000000000, 0x1000, 0);
}

/* Without the features their bits in the CD mean nothing. */
static void features_that_are_not_there(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct switches s = { .world = EL1, .e0pd = true, .had = true };
	struct switches pan = { .world = EL1, .pan = true, .epan = true };
	struct uiommu_smmuv3_xlate x;
	uint64_t root;

	rig_fini(r);
	/* SMMUv3.0, which has none of them */
	p.idr[3] &= ~(SMMU_IDR3_HAD | SMMU_IDR3_E0PD | SMMU_IDR3_EPAN |
		      SMMU_IDR3_XNX);
	p.aidr = 0;
	rig_init(r, &p);
	root = rig_table(r, 4096);
	rig_map4k(r, root, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, root, 0x2000, RIG_DATA, LEAF_RW & ~0x40ull);
	ram_w64(&r->ram, root, ram_r64(&r->ram, root) | 2ull << 61);
	configure(r, root, &s);
	assert_int_equal(rig_xlate(r, 1, 0, 0x1000, &x), 0);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x1000, &x), -14);
	/* executable to the unprivileged, which only EPAN looks at */
	configure(r, root, &pan);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_PRIV, 0x2000, &x), 0);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_PRIV, 0x1000, &x), -14);
}

/* ------------------------------------------------------------ stage 2 ---- */

/* S2AP, XN, with and without XNX; every access and an atomic. */
static void stage2_matrix(void **state)
{
	struct rig *r = *state;

	for (unsigned int i = 0; i < 2 * 16; i++) {
		bool xnx = i & 16;
		unsigned int ap = i & 3, xn = i >> 2 & 3;
		struct uiommu_smmuv3_profile p = rig_profile("full");
		uint64_t table;
		struct smmu_ste ste;

		rig_fini(r);
		if (!xnx) {
			p.idr[3] &= ~SMMU_IDR3_XNX;
			p.aidr = 0;
		}
		rig_init(r, &p);
		table = rig_table(r, 0x2000);
		ste = rig_ste_s2(table, 5);
		rig_ste(r, 1, &ste);
		rig_map(r, table, 12, 1, 3, 0x1000,
			RIG_DATA | 0x43f | (uint64_t)ap << 6 |
				(uint64_t)xn << 53);
		for (unsigned int n = 0; n < 16; n++) {
			bool priv = n & 1, twice = n & 8;
			unsigned int what = n >> 1 & 3;
			static const uint32_t ask[4] = { 0, UIOMMU_TXN_WRITE,
							 UIOMMU_TXN_INSTR,
							 UIOMMU_TXN_ATOMIC };
			bool exec = xn == 0 || (xn == 1 && !priv && xnx) ||
				    (xn == 1 && !xnx) ||
				    (xn == 3 && priv && xnx);
			bool ok[4] = { ap & 1, ap & 2, exec, ap == 3 };
			struct uiommu_smmuv3_xlate x;
			int rc = rig_xlate(
				r, 1, ask[what] | (priv ? UIOMMU_TXN_PRIV : 0),
				0x1234, &x);

			if (!rc != ok[what])
				fail_msg("S2AP %u XN %u XNX %d ask %u priv %d "
					 "second %d",
					 ap, xn, xnx, what, priv, twice);
		}
	}
}

/* Write is asked for before read: RnW says which was missing. */
static void atomics(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_table(r, 0x2000);
	struct smmu_ste ste = rig_ste_s2(table, 5);
	static const uint64_t rnw[3] = { 0, 0, 8ull << 32 };
	struct uiommu_smmuv3_xlate x;

	rig_ste(r, 1, &ste);
	for (uint64_t ap = 0; ap < 3; ap++) {
		rig_map(r, table, 12, 1, 3, 0x1000, RIG_DATA | 0x43f | ap << 6);
		rig_inval_all(r);
		for (unsigned int twice = 0; twice < 2; twice++) {
			assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_ATOMIC,
						   0x1234, &x),
					 -14);
			rig_expect_event(r, 0x0000000100000013,
					 0x0000028000000000 | rnw[ap], 0x1234,
					 0x1000);
		}
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stage1_matrix),
		T(e0pd_is_a_translation_fault),
		T(features_that_are_not_there),
		T(stage2_matrix),
		T(atomics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
