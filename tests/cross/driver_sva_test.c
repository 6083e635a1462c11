/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices in the page table of a CPU: the table is made and changed by its
 * owner, here uiommu/pgtable.h in the part of a kernel, and the driver is told
 * the registers and what to forget.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver_rig.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define SID 5u
#define PASID 9u
#define VA UINT64_C(0x7f0000000000)
#define NR 3

#define TCR_TBI0 (1ull << 37)
#define TCR_HA (1ull << 39)
#define TCR_HD (1ull << 40)

/* What belongs to the CPU: a table and its registers. */
struct cpu {
	struct uiommu_pgtable *pt;
	struct uiommu_cpu_tables regs;
	uint64_t root;
};

static void cpu_start(struct cpu *cpu, struct rig *rig, uint8_t granule_lg2,
		      uint64_t tcr)
{
	struct uiommu_pgtable_cfg cfg = {
		.platform = rig->platform,
		.fmt = UIOMMU_PGTABLE_VMSAV8_S1,
		.granule_lg2 = granule_lg2,
		.ias = 48,
		.oas = 48,
		.features = UIOMMU_PGTABLE_BBML2 |
			    (tcr & TCR_HD ? UIOMMU_PGTABLE_DBM : 0),
	};
	const uint64_t tg0 = granule_lg2 == 12 ? 0 : granule_lg2 == 16 ? 1 : 2;
	struct uiommu_pgtable_info info;

	assert_int_equal(uiommu_pgtable_create(&cfg, &cpu->pt), 0);
	uiommu_pgtable_info(cpu->pt, &info);
	cpu->root = info.root;
	cpu->regs = (struct uiommu_cpu_tables){
		.kind = UIOMMU_CPU_ARM64,
		/* An ASID of the CPU's own, and CnP. */
		.ttbr0 = info.root | UINT64_C(0x1234) << 48 | 1,
		.tcr = 0x1500003510ull | tg0 << 14 | tcr,
		.mair = info.mair,
	};
}

static void cpu_map(struct cpu *cpu, uint64_t va, void *to, uint64_t len)
{
	struct uiommu_gather gather;

	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_map(cpu->pt, va, (uintptr_t)to, len, RW,
					    &gather),
			 0);
	assert_true(uiommu_gather_empty(&gather));
}

/* As a kernel: change, tell the SMMU the range, then free what it held. */
static void cpu_unmap(struct cpu *cpu, struct uiommu_hwdom *dom, uint64_t va,
		      uint64_t len)
{
	struct uiommu_gather gather, ranges;
	uint64_t unmapped;

	uiommu_gather_init(&gather);
	assert_int_equal(
		uiommu_pgtable_unmap(cpu->pt, va, len, &gather, &unmapped), 0);
	assert_int_equal(unmapped, len);
	ranges = gather;
	ranges.tables = NULL;
	assert_int_equal(dom->unit->ops->flush(dom, &ranges), 0);
	uiommu_gather_release(&gather);
}

static struct uiommu_hwdom *share(struct rig *rig, const struct cpu *cpu)
{
	struct uiommu_dom_cfg cfg = { .type = UIOMMU_DOM_SHARED,
				      .cpu = &cpu->regs };
	struct uiommu_hwdom *dom;

	assert_int_equal(rig->unit->ops->dom_alloc(rig->unit, &cfg, &dom), 0);
	return dom;
}

static int access_va(struct rig *rig, uint64_t va, uint64_t *word, bool write)
{
	return rig_dma_pasid(rig, SID, PASID, va, word, sizeof(*word), write);
}

static void expect_word(struct rig *rig, uint64_t va, uint64_t want)
{
	uint64_t word = 0;

	assert_int_equal(access_va(rig, va, &word, false), 0);
	assert_int_equal(word, want);
}

static void expect_fault(struct rig *rig, uint64_t va)
{
	uint64_t word;

	rig->nr_faults = 0;
	assert_int_equal(access_va(rig, va, &word, false), -EFAULT);
	rig_irqs(rig);
	assert_int_equal(rig->nr_faults, 1);
	assert_int_equal(rig->fault[0].kind, UIOMMU_FAULT_TRANSLATION);
	assert_int_equal(rig->fault[0].pasid, PASID);
	assert_int_equal(rig->fault[0].iova, va);
}

static struct rig *make_rig(enum uiommu_smmuv3_caching caching)
{
	struct rig_cfg cfg;

	rig_default(&cfg);
	cfg.profile.caching = caching;
	return rig_create(&cfg);
}

/* A device whose PASID has the CPU's table, in which VA leads to RAM. */
struct scene {
	struct rig *rig;
	struct uiommu_hwdev *dev;
	struct uiommu_hwdom *dom;
	struct cpu cpu;
};

static void scene_open(struct scene *s, enum uiommu_smmuv3_caching caching,
		       bool atc, uint64_t tcr)
{
	s->rig = make_rig(caching);
	s->dev = atc ? rig_ats_device(s->rig, SID, 8)
		     : rig_pasid_device(s->rig, SID, 8);
	cpu_start(&s->cpu, s->rig, 12, tcr);
	cpu_map(&s->cpu, VA, s->rig->ram, RIG_PAGE);
	s->dom = share(s->rig, &s->cpu);
	rig_set_pasid(s->dom, s->dev, PASID, NULL);
}

static void scene_close(struct scene *s)
{
	rig_set_pasid(NULL, s->dev, PASID, s->dom);
	s->rig->unit->ops->dom_free(s->dom);
	s->rig->unit->ops->dev_remove(s->dev);
	uiommu_pgtable_destroy(s->cpu.pt);
	rig_destroy(s->rig);
}

/* ---------------------------------------------------------------- stories -- */

static void a_device_uses_the_table(uint8_t granule_lg2)
{
	struct rig *rig = make_rig(UIOMMU_SMMUV3_CACHING_GREEDY);
	const uint64_t page = UINT64_C(1) << granule_lg2;
	uint8_t *ram = (uint8_t *)(((uintptr_t)rig->ram + page - 1) & -page);
	struct uiommu_hwdom *own = rig_domain(rig, UIOMMU_DOM_PAGING), *dom;
	struct uiommu_hwdev *dev = rig_pasid_device(rig, SID, 8);
	uint64_t word = 77;
	struct cpu cpu;

	cpu_start(&cpu, rig, granule_lg2, 0);
	cpu_map(&cpu, VA, ram, 2 * page);
	dom = share(rig, &cpu);
	rig_attach(own, dev);
	rig_set_pasid(dom, dev, PASID, NULL);
	*(uint64_t *)(void *)ram = 11;
	expect_word(rig, VA, 11);
	assert_int_equal(access_va(rig, VA + page + 8, &word, true), 0);
	assert_int_equal(*(uint64_t *)(void *)(ram + page + 8), 77);
	/* A page that the CPU adds needs no word to the SMMU. */
	expect_fault(rig, VA + 2 * page);
	cpu_map(&cpu, VA + 2 * page, ram + 2 * page, page);
	*(uint64_t *)(void *)(ram + 2 * page) = 13;
	expect_word(rig, VA + 2 * page, 13);
	/* One that it takes away is gone when flush has returned. */
	cpu_unmap(&cpu, dom, VA, page);
	expect_fault(rig, VA);
	expect_word(rig, VA + page + 8, 77);
	/* The upper half is nobody's. */
	expect_fault(rig, UINT64_C(0xffff000000000000));

	rig_set_pasid(NULL, dev, PASID, dom);
	rig->unit->ops->dom_free(dom);
	rig->unit->ops->dev_remove(dev);
	rig->unit->ops->dom_free(own);
	uiommu_pgtable_destroy(cpu.pt);
	rig_destroy(rig);
}

static void devices_use_the_table(void **state)
{
	a_device_uses_the_table(12);
	a_device_uses_the_table(14);
	a_device_uses_the_table(16);
}

/* The descriptor of a page, 4K. */
static uint64_t *descriptor(struct rig *rig, const struct cpu *cpu, uint64_t va)
{
	uint64_t at = cpu->root;
	uint64_t *d = NULL;

	for (int level = 0; level < 4; level++) {
		d = (uint64_t *)rig->platform->pa_to_va(rig->platform->ctx,
							at) +
		    (va >> (39 - 9 * level) & 511);
		at = *d & 0xfffffffff000;
	}
	return d;
}

/* Who sets the flags is what TCR says: the SMMU like the CPU, or a fault. */
static void flags_as_the_cpu_has_them(void **state)
{
	const uint64_t af = 1 << 10, ap2 = 1 << 7;

	for (unsigned int i = 0; i < 3; i++) {
		const uint64_t tcr = i == 0   ? 0
				     : i == 1 ? TCR_HA
					      : TCR_HA | TCR_HD;
		uint64_t word = 0, *d;
		struct scene s;
		struct rig *rig;

		scene_open(&s, UIOMMU_SMMUV3_CACHING_NORMAL, false, tcr);
		rig = s.rig;
		d = descriptor(rig, &s.cpu, VA);
		*d &= ~af;
		if (i < 1) {
			assert_int_equal(access_va(rig, VA, &word, false),
					 -EFAULT);
			rig_irqs(rig);
			assert_int_equal(rig->fault[0].kind,
					 UIOMMU_FAULT_ACCESS_FLAG);
		} else {
			assert_int_equal(access_va(rig, VA, &word, false), 0);
			assert_int_equal(*d & af, af);
		}
		if (i == 2) {
			/* clean, may be written: DBM */
			assert_int_equal(*d & ap2, ap2);
			assert_int_equal(access_va(rig, VA, &word, true), 0);
			assert_int_equal(*d & ap2, 0);
		}
		scene_close(&s);
	}
}

/* One address space behind several SMMUs; one that reads otherwise says no. */
static void behind_several_smmus(void **state)
{
	struct rig_cfg cfg;
	struct uiommu_hwdev *dev[NR];
	struct uiommu_hwdom *dom;
	struct rig *rig[NR];
	struct cpu cpu;

	rig_default(&cfg);
	for (unsigned int i = 0; i < NR; i++) {
		/* The last has no hardware update of flags. */
		if (i == NR - 1)
			cfg.profile.idr[0] &= ~0xc0u;
		rig[i] = i ? rig_join(&cfg, rig[0]) : rig_create(&cfg);
		dev[i] = rig_pasid_device(rig[i], SID, 8);
	}
	cpu_start(&cpu, rig[0], 12, TCR_HA);
	cpu_map(&cpu, VA, rig[0]->ram, RIG_PAGE);
	*(uint64_t *)(void *)rig[0]->ram = 21;
	dom = share(rig[0], &cpu);
	for (unsigned int i = 0; i < NR; i++)
		assert_int_equal(rig[i]->unit->ops->set_pasid(dom, dev[i],
							      PASID, NULL),
				 i == NR - 1 ? -EINVAL : 0);
	for (unsigned int i = 0; i < NR - 1; i++)
		expect_word(rig[i], VA, 21);
	cpu_unmap(&cpu, dom, VA, RIG_PAGE);
	for (unsigned int i = 0; i < NR - 1; i++)
		expect_fault(rig[i], VA);
	for (unsigned int i = 0; i < NR - 1; i++)
		rig_set_pasid(NULL, dev[i], PASID, dom);
	rig[0]->unit->ops->dom_free(dom);
	for (unsigned int i = 0; i < NR; i++)
		rig[i]->unit->ops->dev_remove(dev[i]);
	uiommu_pgtable_destroy(cpu.pt);
	for (unsigned int i = NR; i-- > 0;)
		rig_destroy(rig[i]);
}

/* What a device's own cache has goes with the flush too. */
static void caches_of_devices(void **state)
{
	struct uiommu_smmuv3_endpoint *ep;
	struct uiommu_smmuv3_endpoint_stats stats;
	uint64_t word = 0;
	struct uiommu_smmuv3_dma req = {
		.txn = { .iova = VA, .ssid = PASID, .flags = UIOMMU_TXN_SSV },
		.buf = &word,
		.len = 8,
	};
	struct scene s;

	scene_open(&s, UIOMMU_SMMUV3_CACHING_GREEDY, true, TCR_HA);
	ep = rig_endpoint(s.rig, SID);
	*rig_word(s.rig, 0) = 31;
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(uiommu_smmuv3_endpoint_dma(ep, &req), 0);
		assert_int_equal(word, 31);
	}
	uiommu_smmuv3_endpoint_stats(ep, &stats);
	assert_true(stats.atc_hits > 0);
	cpu_unmap(&s.cpu, s.dom, VA, RIG_PAGE);
	assert_int_not_equal(uiommu_smmuv3_endpoint_dma(ep, &req), 0);
	scene_close(&s);
}

/* With tags in addresses an ATC may hold a page under 256 of them. */
static void tagged_addresses_in_caches(void **state)
{
	struct uiommu_smmuv3_endpoint *ep;
	uint64_t word = 0;
	struct uiommu_smmuv3_dma req = {
		.txn = { .iova = VA | UINT64_C(0x5a) << 56,
			 .ssid = PASID,
			 .flags = UIOMMU_TXN_SSV },
		.buf = &word,
		.len = 8,
	};
	struct scene s;

	scene_open(&s, UIOMMU_SMMUV3_CACHING_GREEDY, true, TCR_TBI0);
	ep = rig_endpoint(s.rig, SID);
	*rig_word(s.rig, 0) = 32;
	assert_int_equal(uiommu_smmuv3_endpoint_dma(ep, &req), 0);
	assert_int_equal(word, 32);
	cpu_unmap(&s.cpu, s.dom, VA, RIG_PAGE);
	assert_int_not_equal(uiommu_smmuv3_endpoint_dma(ep, &req), 0);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_use_the_table),
		cmocka_unit_test(flags_as_the_cpu_has_them),
		cmocka_unit_test(behind_several_smmus),
		cmocka_unit_test(caches_of_devices),
		cmocka_unit_test(tagged_addresses_in_caches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
