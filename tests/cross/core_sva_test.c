/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CPU's page table as a domain of the core, behind two SMMUs: its owner, here
 * uiommu/pgtable.h, attaches it by PASID and tells what has changed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_rig.h"

#define VA UINT64_C(0x7f0000000000)
#define SID 5u

struct scene {
	struct core_rig cr;
	struct uiommu_device *dev[2];
	struct uiommu_pgtable *pt; /* the CPU's */
	struct uiommu_cpu_tables regs;
	struct uiommu_domain *dom;
	uint32_t pasid;
};

/* The second SMMU lacks these bits of IDR<nr>. */
static void open_scene(struct scene *s, unsigned int nr, uint32_t without)
{
	struct uiommu_domain_cfg cfg = { .hw.type = UIOMMU_DOM_SHARED };
	struct uiommu_pgtable_info info;
	struct uiommu_pgtable_cfg pt = {
		.fmt = UIOMMU_PGTABLE_VMSAV8_S1,
		.granule_lg2 = 12,
		.ias = 48,
		.oas = 48,
	};
	struct rig_cfg rig;

	rig_default(&rig);
	rig.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	core_rig_open(&s->cr, &rig);
	rig.profile.idr[nr] &= ~without;
	core_rig_join(&s->cr, &rig);
	for (unsigned int i = 0; i < 2; i++)
		s->dev[i] = core_rig_device(&s->cr, i, SID, 8, true);
	pt.platform = s->cr.rig[0]->platform;
	assert_int_equal(uiommu_pgtable_create(&pt, &s->pt), 0);
	uiommu_pgtable_info(s->pt, &info);
	s->regs = (struct uiommu_cpu_tables){
		.kind = UIOMMU_CPU_ARM64,
		.ttbr0 = info.root,
		.tcr = 0x1500003510ull,
		.mair = info.mair,
	};
	/* Nobody's table is no domain. */
	assert_int_equal(uiommu_domain_alloc_cfg(s->dev[0], &cfg, &s->dom),
			 -EINVAL);
	cfg.hw.cpu = &s->regs;
	assert_int_equal(uiommu_domain_alloc_cfg(s->dev[0], &cfg, &s->dom), 0);
	assert_int_equal(uiommu_domain_type(s->dom), UIOMMU_DOM_SHARED);
	assert_int_equal(uiommu_pasid_alloc(s->cr.core, 1, 255, &s->pasid), 0);
	for (unsigned int i = 0; i < 4; i++)
		*core_rig_word(&s->cr, i) = 0xa0 + i;
}

static void close_scene(struct scene *s)
{
	for (unsigned int i = 0; i < 2; i++) {
		uiommu_device_pasid_detach(s->dev[i], s->pasid);
		uiommu_device_remove(s->dev[i]);
	}
	uiommu_pasid_free(s->cr.core, s->pasid);
	uiommu_domain_free(s->dom);
	uiommu_pgtable_destroy(s->pt);
	core_rig_close(&s->cr);
}

static void cpu_map(struct scene *s, uint64_t va, unsigned int page)
{
	struct uiommu_gather gather;

	uiommu_gather_init(&gather);
	assert_int_equal(
		uiommu_pgtable_map(s->pt, va,
				   (uintptr_t)core_rig_word(&s->cr, page),
				   RIG_PAGE, CORE_RIG_RW, &gather),
		0);
	assert_true(uiommu_gather_empty(&gather));
}

static void cpu_unmap(struct scene *s, uint64_t va)
{
	struct uiommu_gather gather;
	uint64_t n;

	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_unmap(s->pt, va, RIG_PAGE, &gather, &n),
			 0);
	assert_int_equal(n, RIG_PAGE);
	assert_null(gather.tables);
}

static uint64_t look(struct scene *s, unsigned int i, uint64_t va)
{
	return core_rig_read(&s->cr, i, SID, s->pasid, va);
}

static void a_cpu_s_table_behind_two_smmus(void **state)
{
	struct scene s;

	open_scene(&s, 0, 0);
	cpu_map(&s, VA, 0);
	cpu_map(&s, VA + RIG_PAGE, 1);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(uiommu_device_pasid_attach(s.dev[i], s.pasid,
							    s.dom),
				 0);
		assert_int_equal(look(&s, i, VA), 0xa0);
		assert_int_equal(look(&s, i, VA + RIG_PAGE), 0xa1);
	}
	/* What has changed is known when it has been told, and not before. */
	cpu_unmap(&s, VA);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(look(&s, i, VA), 0xa0);
	assert_int_equal(uiommu_sva_invalidate(s.dom, VA, VA), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(look(&s, i, VA), 0);
		assert_int_equal(look(&s, i, VA + RIG_PAGE), 0xa1);
	}
	cpu_map(&s, VA, 2);
	assert_int_equal(uiommu_sva_invalidate(s.dom, VA, VA + RIG_PAGE - 1),
			 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(look(&s, i, VA), 0xa2);
	/* All of it. */
	cpu_unmap(&s, VA);
	cpu_unmap(&s, VA + RIG_PAGE);
	assert_int_equal(uiommu_sva_invalidate(s.dom, 0, UINT64_MAX), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(look(&s, i, VA), 0);
		assert_int_equal(look(&s, i, VA + RIG_PAGE), 0);
	}
	core_rig_irqs(&s.cr);
	close_scene(&s);
}

/* One bit of what the table needs is missing behind the other SMMU. */
static void an_smmu_that_reads_it_differently(void **state)
{
	static const struct {
		unsigned int nr;
		uint32_t bits;
	} without[] = { { 0, 1u << 12 /* ASID16 */ },
			{ 5, 1u << 4 /* GRAN4K */ } };
	struct scene s;

	for (unsigned int i = 0; i < 2; i++) {
		open_scene(&s, without[i].nr, without[i].bits);
		cpu_map(&s, VA, 0);
		assert_int_equal(uiommu_device_pasid_attach(s.dev[0], s.pasid,
							    s.dom),
				 0);
		assert_int_equal(uiommu_device_pasid_attach(s.dev[1], s.pasid,
							    s.dom),
				 -EINVAL);
		assert_int_equal(uiommu_device_nr_pasids(s.dev[1]), 0);
		assert_int_equal(look(&s, 0, VA), 0xa0);
		close_scene(&s);
	}
}

static void what_cannot_be_told(void **state)
{
	struct uiommu_domain *plain;
	struct scene s;
	uint64_t n;

	open_scene(&s, 0, 0);
	assert_int_equal(uiommu_sva_invalidate(s.dom, 2, 1), -EINVAL);
	assert_int_equal(uiommu_domain_map(s.dom, VA, 0, RIG_PAGE, CORE_RIG_RW),
			 -EINVAL);
	assert_int_equal(uiommu_domain_unmap(s.dom, VA, RIG_PAGE, &n), -EINVAL);
	assert_int_equal(uiommu_group_attach(uiommu_device_group(s.dev[0]),
					     s.dom),
			 -EINVAL);
	plain = core_rig_domain(&s.cr, s.dev[0], VA, 0);
	assert_int_equal(uiommu_sva_invalidate(plain, 0, RIG_PAGE), -EINVAL);
	uiommu_domain_free(plain);
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cpu_s_table_behind_two_smmus),
		cmocka_unit_test(an_smmu_that_reads_it_differently),
		cmocka_unit_test(what_cannot_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
