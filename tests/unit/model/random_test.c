/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Garbage in every place that software writes: registers, commands, stream and
 * CD tables, translation tables.  Nothing may crash, hang, or touch memory
 * outside what the embedder gave; two models that cache differently must agree
 * wherever everything was invalidated before.
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static uint64_t seed;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Small areas, so that pointers meet. */
static uint64_t somewhere(void)
{
	static const uint64_t bases[] = { RIG_CMDQ, RIG_EVTQ,	RIG_STRTAB,
					  RIG_CD,   RIG_TABLES, RIG_TABLES,
					  RIG_DATA, RIG_HOLE };

	return bases[rnd() % 8] + (rnd() % 8 << 12) + (rnd() % 64 << 3);
}

/* A word that could be an STE's, CD's, descriptor's, or anything's. */
static uint64_t word(void)
{
	switch (rnd() % 8) {
	case 0:
		return rnd();
	case 1:
		return (RIG_CD + (rnd() % 8 << 6)) | 1 | (rnd() & 7) << 1;
	case 2: /* CD words, nearly legal */
		return 0x0000620580000010ull | (rnd() & 0xff) |
		       (rnd() & 0xffff) << 48 | 1ull << (rnd() % 64);
	case 3: /* stage-2 words, nearly legal */
		return 0x040d005800000005ull ^ 1ull << (rnd() % 64);
	case 4:
	case 5:
		return (RIG_TABLES + (rnd() % 8 << 12)) | 3;
	case 6:
		return somewhere() | 0xc43 | (rnd() & 0xff);
	default:
		return 0;
	}
}

static void scribble(struct rig *a, struct rig *b, unsigned int n,
		     bool tables_only)
{
	while (n--) {
		uint64_t pa = somewhere(), val = word();
		bool table = pa >= RIG_TABLES && pa < RIG_DATA;

		if (pa < RIG_BASE || pa >= RIG_BASE + RIG_SIZE - 8 ||
		    (tables_only && !table))
			continue;
		/*
		 * Two address spaces that disagree on a global page, or on
		 * their registers, are unpredictable: leave that out.
		 */
		if (table)
			val |= 0x800;
		ram_w64(&a->ram, pa, val);
		ram_w64(&b->ram, pa, val);
	}
}

static void both_wr(struct rig *a, struct rig *b, uint32_t off,
		    unsigned int size, uint64_t val)
{
	uiommu_smmuv3_model_write(a->model, off, size, val);
	uiommu_smmuv3_model_write(b->model, off, size, val);
}

/* A configuration that lets transactions get far, most of the time. */
static void configure(struct rig *a, struct rig *b)
{
	both_wr(a, b, SMMU_REG_CR0, 4, 0);
	both_wr(a, b, SMMU_REG_STRTAB_BASE, 8, RIG_STRTAB);
	both_wr(a, b, SMMU_REG_STRTAB_BASE_CFG, 4,
		rnd() % 3 ? 6 : 6 | 6 << 6 | 1 << 16);
	both_wr(a, b, SMMU_REG_CMDQ_BASE, 8, RIG_CMDQ | rnd() % 8);
	both_wr(a, b, SMMU_REG_EVENTQ_BASE, 8, RIG_EVTQ | rnd() % 8);
	both_wr(a, b, SMMU_REG_CR2, 4, rnd() & 3);
	both_wr(a, b, SMMU_REG_CR0, 4, 0xd);
	for (unsigned int i = 0; i < 8; i++) {
		struct smmu_cd cd = rig_cd_4k(RIG_TABLES + (rnd() % 8 << 12),
					      (uint16_t)(i + 1));
		struct smmu_ste ste = rig_ste_s2(RIG_TABLES + 0x2000, 5);

		if (rnd() % 2)
			ste = rig_ste_s1(RIG_CD + (rnd() % 8 << 6));
		else if (rnd() % 2)
			ste.q[0] = (RIG_CD + (rnd() % 8 << 6)) | 0xf;
		for (unsigned int q = 0; q < 8; q++) {
			ram_w64(&a->ram, rig_ste_addr(i) + 8 * q, ste.q[q]);
			ram_w64(&b->ram, rig_ste_addr(i) + 8 * q, ste.q[q]);
			ram_w64(&a->ram, RIG_CD + 64 * i + 8 * q, cd.q[q]);
			ram_w64(&b->ram, RIG_CD + 64 * i + 8 * q, cd.q[q]);
		}
	}
}

/* Tables that lead on more often than not. */
static void fill_tables(struct rig *a, struct rig *b)
{
	for (unsigned int i = 0; i < 8 * 32; i++) {
		uint64_t pa = RIG_TABLES + (i / 32 << 12) + (i % 32 << 3);
		uint64_t val = rnd() % 4 ? RIG_TABLES + (rnd() % 8 << 12)
					 : somewhere() & ~0xfffull;

		val |= 0xc43 | (rnd() % 4 ? 0x40 : rnd() & 0xfc);
		ram_w64(&a->ram, pa, val);
		ram_w64(&b->ram, pa, val);
	}
}

static void forget_all(struct rig *a, struct rig *b)
{
	static const uint64_t cmds[4][2] = {
		{ 4, 0x1f },
		{ 0x30, 0 },
		{ 0x20, 0 },
		{ 0x46, 0 },
	};
	struct rig *r[2] = { a, b };

	for (unsigned int i = 0; i < 8; i++) {
		struct rig *x = r[i / 4];

		/* a queue of its own, where nobody scribbles */
		wr(x, SMMU_REG_CR0, rd(x, SMMU_REG_CR0) & ~8u);
		wr(x, SMMU_REG_GERRORN, rd(x, SMMU_REG_GERROR));
		wr64(x, SMMU_REG_CMDQ_BASE, RIG_DATA + 0x100000);
		wr(x, SMMU_REG_CMDQ_PROD, 0);
		wr(x, SMMU_REG_CMDQ_CONS, 0);
		ram_w64(&x->ram, RIG_DATA + 0x100000, cmds[i % 4][0]);
		ram_w64(&x->ram, RIG_DATA + 0x100008, cmds[i % 4][1]);
		wr(x, SMMU_REG_CR0, rd(x, SMMU_REG_CR0) | 8);
		wr(x, SMMU_REG_CMDQ_PROD, 1);
		assert_int_equal(rd(x, SMMU_REG_CMDQ_CONS) & 1, 1);
	}
}

static void random_txn(struct rig *a, struct rig *b)
{
	struct uiommu_smmuv3_txn txn = {
		.sid = (uint32_t)(rnd() % 10),
		.ssid = (uint32_t)(rnd() % 4),
		.flags = rnd() & 0x2f,
		.iova = rnd() % 4 ? rnd() % 32 << 12 : rnd(),
	};
	struct uiommu_smmuv3_xlate x, y;

	if (rnd() % 4)
		txn.flags &= ~(uint32_t)UIOMMU_TXN_SSV;
	for (unsigned int twice = 0; twice < 2; twice++) {
		int ra = uiommu_smmuv3_model_translate(a->model, &txn, &x);
		int rb = uiommu_smmuv3_model_translate(b->model, &txn, &y);

		assert_int_equal(ra, rb);
		if (ra) {
			assert_int_equal(a->info.event_type,
					 b->info.event_type);
			assert_int_equal(a->info.stage, b->info.stage);
			continue;
		}
		assert_int_equal(x.pa, y.pa);
		assert_int_equal(x.attrs.mair, y.attrs.mair);
		assert_int_equal(x.attrs.sh, y.attrs.sh);
		assert_int_equal(x.size_lg2, y.size_lg2);
		assert_int_equal(x.readable, y.readable);
		assert_int_equal(x.writable, y.writable);
		assert_int_equal(x.executable, y.executable);
	}
}

static void caching_and_not_caching_agree(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	unsigned int rounds =
		getenv("MODEL_RANDOM_ROUNDS")
			? (unsigned int)atoi(getenv("MODEL_RANDOM_ROUNDS"))
			: 300;
	struct rig a, b;
	uint64_t good;

	seed = 88172645463325252ull + rounds;
	rig_init_off(&a, &p);
	p.tlb_entries = 0;
	p.config_entries = 0;
	rig_init_off(&b, &p);
	for (unsigned int round = 0; round < rounds; round++) {
		if (round % 4 == 0)
			configure(&a, &b);
		fill_tables(&a, &b);
		scribble(&a, &b, 100, true);
		forget_all(&a, &b);
		for (unsigned int i = 0; i < 40; i++)
			random_txn(&a, &b);
	}
	good = rig_stats(&a).translations - rig_stats(&a).aborts;
	print_message("# %u of %u good, %u hits\n", (unsigned int)good,
		      (unsigned int)rig_stats(&a).translations,
		      (unsigned int)rig_stats(&a).tlb_hits);
	assert_true(good * 20 > rig_stats(&a).translations);
	assert_true(rig_stats(&a).tlb_hits * 50 > rig_stats(&a).translations);
	rig_fini(&a);
	rig_fini(&b);
}

/*
 * Hardware updates in tables that lead anywhere: a translation changes nothing
 * but access flags and write permissions of marked pages, a probe nothing.
 */
#define TABLE_WORDS (8u * 512u)

static void updates_stay_in_their_bits(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	static uint64_t before[TABLE_WORDS];
	uint64_t changes = 0;
	struct rig a;

	seed = 0x123456789abcdefull;
	p.idr[0] |= 3u << 6;
	rig_init_off(&a, &p);
	for (unsigned int round = 0; round < 120; round++) {
		if (round % 4 == 0)
			configure(&a, &a);
		for (uint64_t i = 0; i < 8; i++) {
			uint64_t cd = RIG_CD + 64 * i;
			uint64_t q2 = rig_ste_addr((uint32_t)i) + 16;

			ram_w64(&a.ram, cd, ram_r64(&a.ram, cd) | 3ull << 42);
			ram_w64(&a.ram, cd + 8, ram_r64(&a.ram, cd + 8) | 8);
			ram_w64(&a.ram, q2,
				ram_r64(&a.ram, q2) | 0x13ull << 55);
		}
		fill_tables(&a, &a);
		for (unsigned int i = 0; i < 400; i++) {
			uint64_t pa = RIG_TABLES + (rnd() % 8 << 12) +
				      (rnd() % 32 << 3);

			ram_w64(&a.ram, pa,
				ram_r64(&a.ram, pa) ^
					(rnd() & (0x4c0 | 1ull << 51)));
		}
		forget_all(&a, &a);
		for (unsigned int i = 0; i < 40; i++) {
			struct uiommu_smmuv3_txn txn = {
				.sid = (uint32_t)(rnd() % 8),
				.flags = rnd() & 0x6d,
				.iova = rnd() % 32 << 12,
			};
			struct uiommu_smmuv3_xlate x;

			memcpy(before, a.ram.mem + (RIG_TABLES - RIG_BASE),
			       sizeof(before));
			uiommu_smmuv3_model_translate(a.model, &txn, &x);
			for (unsigned int w = 0; w < TABLE_WORDS; w++) {
				uint64_t now =
					ram_r64(&a.ram, RIG_TABLES + 8ull * w);
				uint64_t diff = now ^ before[w];

				if (!diff)
					continue;
				changes++;
				assert_false(txn.flags & UIOMMU_TXN_PROBE);
				assert_int_equal(diff & ~0x480ull, 0);
				assert_true(now & 0x400);
				if (diff & 0x80)
					assert_true(now & 1ull << 51);
			}
		}
	}
	assert_true(changes > 200);
	rig_fini(&a);
}

static void random_registers_and_commands(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct rig a, b;

	seed = 1234567;
	rig_init_off(&a, &p);
	rig_init_off(&b, &p);
	for (unsigned int i = 0; i < 60000; i++) {
		uint32_t off =
			(uint32_t)(rnd() % 64 * 4 + (rnd() % 4 ? 0 : 0x10000));
		unsigned int size = rnd() % 8 ? 4 : 8;
		struct uiommu_smmuv3_txn txn = { .sid = rnd() & 0xf,
						 .iova = rnd() & 0xffff };
		struct uiommu_smmuv3_xlate x;
		uint64_t val = rnd() % 2 ? rnd() : word();

		/* queues stay small enough to be walked through quickly */
		if (off == SMMU_REG_CMDQ_BASE || off == SMMU_REG_EVENTQ_BASE)
			val = somewhere() | (rnd() & 7);
		if (off == SMMU_REG_CR0)
			val = rnd() & 0xf;
		both_wr(&a, &b, off, size, val);
		assert_int_equal(uiommu_smmuv3_model_read(a.model, off, size),
				 uiommu_smmuv3_model_read(b.model, off, size));
		if (i % 4 == 0)
			ram_w64(&a.ram, RIG_CMDQ + (rnd() % 512 << 3), rnd());
		if (i % 3 == 0)
			scribble(&a, &a, 3, false);
		ram_w64(&b.ram, RIG_CMDQ, 0);
		(void)uiommu_smmuv3_model_translate(a.model, &txn, &x);
		if (i % 4 == 0) {
			memcpy(b.ram.mem, a.ram.mem, 0x30000);
			memcpy(b.ram.mem + 0x400000, a.ram.mem + 0x400000,
			       0x9000);
			uiommu_smmuv3_model_reset(a.model);
			uiommu_smmuv3_model_reset(b.model);
		}
	}
	rig_fini(&a);
	rig_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caching_and_not_caching_agree),
		cmocka_unit_test(updates_stay_in_their_bits),
		cmocka_unit_test(random_registers_and_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
