/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables of a CPU: which of them an SMMU takes, and what it is told of
 * them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/env.h>

#include "dom_rig.h"
#include "hw/smmuv3/regs.h"
#include "hw_view.h"

/* TCR_EL1 as Linux has it: 48 bits, 4K, write-back, inner shareable, IPS 48. */
#define TCR 0x0000001500003510ull
#define AS (1ull << 36)
#define TBI0 (1ull << 37)
#define HA (1ull << 39)
#define HD (1ull << 40)
#define HPD0 (1ull << 41)
#define E0PD0 (1ull << 55)
#define DS (1ull << 59)
#define T0SZ(n) (TCR - 0x10 + (n))
#define IPS(n) ((TCR & ~0x700000000ull) | (uint64_t)(n) << 32)
#define TG0_64K 0x4000ull
#define TG0_16K 0x8000ull
#define ROOT 0x0000004312345000ull
#define MAIR 0x000000040044ffffull

/* Which SMMU: what its registers say in place of a complete one's. */
struct smmu {
	uint32_t reg, clear, set;
};

static const struct smmu *wanted;
static unsigned int nr_wanted;

static void change_regs(void)
{
	uint32_t *reg;

	test_platform_use_pool(&fake->tp, 16 << 20);
	/* HTTU 2, OAS 48 bits, HAD, E0PD, no DS, no VAX */
	reg = fake_smmu_reg(fake, SMMU_REG_IDR0);
	*reg = (*reg & ~0xc0u) | 2 << 6;
	reg = fake_smmu_reg(fake, SMMU_REG_IDR3);
	*reg |= 1 << 2 | 1 << 13;
	reg = fake_smmu_reg(fake, SMMU_REG_IDR5);
	*reg = (*reg & ~0xc87u) | 5;
	for (unsigned int i = 0; i < nr_wanted; i++) {
		reg = fake_smmu_reg(fake, wanted[i].reg);
		*reg = (*reg & ~wanted[i].clear) | wanted[i].set;
	}
	if (!(*fake_smmu_reg(fake, SMMU_REG_IDR0) & SMMU_IDR0_COHACC))
		test_platform_make_incoherent(&fake->tp);
}

static void start_as(const struct smmu *smmu, unsigned int nr)
{
	wanted = smmu;
	nr_wanted = nr;
	start(change_regs);
}

static int shared_rc(const struct uiommu_cpu_tables *cpu,
		     struct uiommu_hwdom **dom)
{
	struct uiommu_dom_cfg cfg = { .type = UIOMMU_DOM_SHARED, .cpu = cpu };

	return ops->dom_alloc(unit, &cfg, dom);
}

/* ---------------------------------------------------------- who takes it -- */

struct pair {
	struct smmu smmu[2];
	uint64_t tcr, ttbr;
	int rc;
};

#define NONE              \
	{                 \
		{         \
			0 \
		}         \
	}
#define IDR(n, c, s)                  \
	{                             \
		SMMU_REG_IDR##n, c, s \
	}

/* clang-format off */
static const struct pair pairs[] = {
	{ NONE, TCR, ROOT, 0 },
	{ NONE, TCR | HA, ROOT, 0 },
	{ NONE, TCR | HA | HD, ROOT, 0 },
	{ NONE, TCR | TG0_64K, ROOT & ~0xffffull, 0 },
	{ NONE, TCR | TG0_16K, ROOT & ~0x3fffull, 0 },
	{ NONE, T0SZ(25), ROOT, 0 },
	{ NONE, T0SZ(39), ROOT, 0 },
	{ NONE, TCR | TBI0 | HPD0 | E0PD0, ROOT, 0 },
	/* coherent walks */
	{ { IDR(0, SMMU_IDR0_COHACC, 0) }, TCR, ROOT, -EOPNOTSUPP },
	/* page size */
	{ { IDR(5, SMMU_IDR5_GRAN4K, 0) }, TCR, ROOT, -EOPNOTSUPP },
	{ { IDR(5, SMMU_IDR5_GRAN16K, 0) }, TCR | TG0_16K, ROOT & ~0x3fffull,
	  -EOPNOTSUPP },
	{ { IDR(5, SMMU_IDR5_GRAN64K, 0) }, TCR | TG0_64K, ROOT & ~0xffffull,
	  -EOPNOTSUPP },
	/* virtual address bits: 52 with 64K need VAX, with 4K DS too */
	{ NONE, T0SZ(12) | TG0_64K, 0x10000, -EOPNOTSUPP },
	{ { IDR(5, 0, 1 << 10) }, T0SZ(12) | TG0_64K, 0x10000, 0 },
	{ { IDR(5, 0, 1 << 10) }, T0SZ(12) | DS, ROOT, -EOPNOTSUPP },
	{ { IDR(5, 7, 1 << 10 | 1 << 7 | 6) }, T0SZ(12) | DS, ROOT, 0 },
	/* with small translation tables only */
	{ { IDR(3, SMMU_IDR3_STT, 0) }, T0SZ(40), ROOT, -EOPNOTSUPP },
	{ { IDR(3, 0, SMMU_IDR3_STT) }, T0SZ(40), ROOT, 0 },
	{ { IDR(3, 0, SMMU_IDR3_STT) }, T0SZ(48), ROOT, 0 },
	{ { IDR(3, 0, SMMU_IDR3_STT) }, T0SZ(47) | TG0_64K, 0x10000, 0 },
	/* the CPU's physical addresses */
	{ { IDR(5, 7, 4) }, TCR, ROOT, -EOPNOTSUPP },
	{ { IDR(5, 7, 4) }, IPS(4), ROOT, 0 },
	{ { IDR(5, 7, 2) }, IPS(2), 0x12345000, 0 },
	/* what the SMMU has more of does no harm; 4K tables say 48 at most */
	{ { IDR(5, 7, 6) }, TCR, ROOT, 0 },
	{ NONE, IPS(6), ROOT, 0 },
	{ NONE, IPS(6) | TG0_64K, 0x10000, -EOPNOTSUPP },
	{ { IDR(5, 7, 6) }, IPS(6) | TG0_64K, 0x10000, 0 },
	/* ASIDs */
	{ { IDR(0, SMMU_IDR0_ASID16, 0) }, TCR, ROOT, -EOPNOTSUPP },
	{ { IDR(0, SMMU_IDR0_ASID16, 0) }, TCR & ~AS, ROOT, 0 },
	/* access flag and dirty state */
	{ { IDR(0, 0xc0, 0) }, TCR, ROOT, 0 },
	{ { IDR(0, 0xc0, 0) }, TCR | HA, ROOT, -EOPNOTSUPP },
	{ { IDR(0, 0xc0, 1 << 6) }, TCR | HA, ROOT, 0 },
	{ { IDR(0, 0xc0, 1 << 6) }, TCR | HA | HD, ROOT, -EOPNOTSUPP },
	/* HD without HA is nothing */
	{ { IDR(0, 0xc0, 0) }, TCR | HD, ROOT, 0 },
	{ { IDR(3, SMMU_IDR3_HAD, 0) }, TCR | HPD0, ROOT, -EOPNOTSUPP },
	{ { IDR(3, SMMU_IDR3_E0PD, 0) }, TCR | E0PD0, ROOT, -EOPNOTSUPP },
	/* what no CPU can mean */
	{ NONE, TCR | 1 << 7, ROOT, -EINVAL },
	{ NONE, TCR | 0xc000, ROOT, -EINVAL },
	{ NONE, IPS(7), ROOT, -EINVAL },
	{ NONE, T0SZ(11), ROOT, -EINVAL },
	{ NONE, T0SZ(49), ROOT, -EINVAL },
	{ { IDR(3, 0, SMMU_IDR3_STT) }, T0SZ(48) | TG0_64K, 0x10000, -EINVAL },
	{ NONE, IPS(0), ROOT, -EINVAL },
};
/* clang-format on */

static void who_takes_it(void **state)
{
	for (unsigned int i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct pair *p = &pairs[i];
		const struct uiommu_cpu_tables cpu = { UIOMMU_CPU_ARM64,
						       p->ttbr, p->tcr, MAIR };
		struct uiommu_hwdom *dom;
		uint64_t lines;
		int rc;

		start_as(p->smmu,
			 p->smmu[0].reg || p->smmu[0].set || p->smmu[0].clear
				 ? 1
				 : 0);
		lines = fake->tp.log_lines;
		rc = shared_rc(&cpu, &dom);
		if (rc != p->rc)
			fail_msg("pair %u: %d", i, rc);
		/* The reason is told. */
		assert_int_equal(fake->tp.log_lines - lines, rc ? 1 : 0);
		if (!rc) {
			assert_int_equal(dom->type, UIOMMU_DOM_SHARED);
			assert_null(dom->pt);
			ops->dom_free(dom);
		}
		teardown(state);
	}
}

static void no_tables_or_others(void **state)
{
	struct uiommu_cpu_tables cpu = { 2, ROOT, TCR, MAIR };
	struct uiommu_hwdom *dom;

	start_as(NULL, 0);
	assert_int_equal(shared_rc(NULL, &dom), -EINVAL);
	assert_int_equal(shared_rc(&cpu, &dom), -EOPNOTSUPP);
	teardown(state);
}

/* ----------------------------------------------------------------- words -- */

struct words {
	uint64_t tcr, ttbr, cd0, cd1, cd2;
};

/* Typed by hand; without the ASID. */
static const struct words words[] = {
	{ TCR, ROOT | 1, 0x0000e205c0003510, ROOT, 0 },
	/* CnP and the CPU's ASID are not ours */
	{ TCR, ROOT | 1 | 0x77ull << 48, 0x0000e205c0003510, ROOT, 0 },
	{ TCR | HA, ROOT, 0x0000ea05c0003510, ROOT, 0 },
	{ TCR | HA | HD, ROOT, 0x0000ee05c0003510, ROOT, 0 },
	{ TCR | TBI0, ROOT, 0x0000e245c0003510, ROOT, 0 },
	{ TCR | HPD0 | E0PD0, ROOT, 0x0000e205c0003510, ROOT | 6, 0 },
	{ TCR | TG0_64K, 0x4312340000, 0x0000e205c0003550, 0x4312340000, 0 },
	{ TCR | TG0_16K, 0x4312344000, 0x0000e205c0003590, 0x4312344000, 0 },
	/* non-cacheable, outer shareable */
	{ TCR & ~0x1f00ull, ROOT, 0x0000e205c0002010, ROOT, 0 },
	{ IPS(2), 0x12345000, 0x0000e202c0003510, 0x12345000, 0 },
	/* 52 bits: PA[51:48] from BADDR[5:2]; DS with 4K only */
	{ (IPS(6) | TG0_64K) - 4, 0x4312340028, 0x0000e206c000354c,
	  0x000a004312340000, 0 },
	{ (IPS(6) | DS) - 4, ROOT | 0x3c, 0x0000e206c000350c,
	  ROOT | 0x000f000000000000, 0x0400000000000000 },
	{ IPS(6) | DS | TG0_64K, 0x10000, 0x0000e206c0003550, 0x10000, 0 },
};

static void the_words_of_a_cd(void **state)
{
	static const struct smmu wide[] = { IDR(5, 7, 1 << 10 | 1 << 7 | 6) };
	struct uiommu_hwdev *dev;
	struct uiommu_hwdom *dom;
	uint64_t ste[8], cd[8];

	start_as(wide, 1);
	dev = pasid_device(8, 8);
	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct words *w = &words[i];
		const struct uiommu_cpu_tables cpu = { UIOMMU_CPU_ARM64,
						       w->ttbr, w->tcr, MAIR };

		assert_int_equal(shared_rc(&cpu, &dom), 0);
		assert_int_equal(ops->set_pasid(dom, dev, 5, NULL), 0);
		assert_int_equal(hw_look(fake, 8, 5, ste, cd), HW_TRANSLATED);
		assert_int_equal(cd[0] & ~0xffff000000000000ull, w->cd0);
		assert_int_not_equal(cd[0] >> 48, 0);
		assert_int_equal(cd[1], w->cd1);
		assert_int_equal(cd[2], w->cd2);
		assert_int_equal(cd[3], MAIR);
		assert_int_equal(ops->set_pasid(NULL, dev, 5, dom), 0);
		ops->dom_free(dom);
	}
	ops->dev_remove(dev);
	teardown(state);
}

/* ------------------------------------------------------------------ uses -- */

/* For PASIDs only; flushes are by its ASID and granule. */
static void for_pasids_only(void **state)
{
	const struct uiommu_cpu_tables cpu = { UIOMMU_CPU_ARM64, 0x10000,
					       TCR | TG0_64K, MAIR };
	struct uiommu_gather gather = {
		.nr_ranges = 1,
		.range[0] = { 0x10000, 0x2ffff, 16, 3, true },
	};
	struct uiommu_hwdev *dev;
	struct uiommu_hwdom *dom;
	uint64_t ste[8], cd[8];

	start_as(NULL, 0);
	dev = pasid_device(8, 8);
	assert_int_equal(shared_rc(&cpu, &dom), 0);
	assert_int_equal(ops->attach(dom, dev), -EINVAL);
	assert_int_equal(ops->set_pasid(dom, dev, 5, NULL), 0);
	hw_look(fake, 8, 5, ste, cd);
	fake->nr = 0;
	assert_int_equal(ops->flush(dom, &gather), 0);
	assert_int_equal(fake->nr, 2);
	/* TLBI_NH_VA, ASID; TG 3 (64K), TTL 3, leaf; NUM 0, SCALE 1 */
	assert_int_equal(fake->log[0].q[0] & 0xff, 0x12);
	assert_int_equal(fake->log[0].q[0] >> 48, cd[0] >> 48);
	assert_int_equal(fake->log[0].q[1], 0x10000 | 3u << 10 | 3u << 8 | 1);
	fake->nr = 0;
	assert_int_equal(ops->flush_all(dom), 0);
	assert_int_equal(fake->nr, 2);
	assert_int_equal(fake->log[0].q[0] & 0xff, 0x11);
	/* Nothing is read for a table that is not ours. */
	assert_int_equal(ops->read_dirty(dom, 0, 0x10000, 0, NULL, NULL),
			 -EOPNOTSUPP);
	assert_int_equal(ops->set_pasid(NULL, dev, 5, dom), 0);
	assert_int_equal(ops->flush_all(dom), 0);
	ops->dom_free(dom);
	ops->dev_remove(dev);
	teardown(state);
}

/* Each platform call of its life fails once: nothing is left, nothing changed. */
static void every_call_can_fail(void **state)
{
	const struct uiommu_cpu_tables cpu = { UIOMMU_CPU_ARM64, ROOT, TCR,
					       MAIR };
	struct uiommu_hwdom *dom;
	struct uiommu_hwdev *dev;
	uint64_t tables, objs;
	unsigned int n = 0;
	int rc;

	start_as(NULL, 0);
	dev = pasid_device(8, 8);
	tables = fake->tp.live_tables;
	objs = fake->tp.live_objs;
	do {
		fake->tp.fail_in = ++n;
		rc = shared_rc(&cpu, &dom);
		if (!rc) {
			rc = ops->set_pasid(dom, dev, 5, NULL);
			fake->tp.fail_in = 0;
			if (!rc)
				rc = ops->set_pasid(NULL, dev, 5, dom);
			else
				assert_int_equal(hw_asid(fake, 8, 5),
						 -1 - HW_ABORTED);
			ops->dom_free(dom);
		}
		fake->tp.fail_in = 0;
		assert_int_equal(fake->tp.live_tables, tables);
		assert_int_equal(fake->tp.live_objs, objs);
		assert_true(!rc || rc == -ENOMEM);
	} while (rc);
	assert_true(n > 3);
	ops->dev_remove(dev);
	teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_takes_it),
		cmocka_unit_test(no_tables_or_others),
		cmocka_unit_test(the_words_of_a_cd),
		cmocka_unit_test(for_pasids_only),
		cmocka_unit_test(every_call_can_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
