/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core's PASIDs and auxiliary domains on an SMMUv3: what the hardware does,
 * which commands that takes, and what is left when something fails.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_rig.h"

#define IOVA UINT64_C(0x40000000)
#define AUX UIOMMU_DEV_FEAT_AUX
#define C_BAD_SUBSTREAMID 0x08
#define DEVS 3u
#define SID(i) (5u + (i))

/* Three endpoints with one parent, and a domain that reads 0xa0 at IOVA. */
struct scene {
	struct core_rig cr;
	struct uiommu_device *dev[DEVS];
	struct uiommu_domain *parent, *aux;
};

static struct uiommu_group *group_of(struct uiommu_device *dev)
{
	return uiommu_device_group(dev);
}

static void open_scene(struct scene *s)
{
	struct rig_cfg cfg;

	rig_default(&cfg);
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	core_rig_open(&s->cr, &cfg);
	for (unsigned int i = 0; i < 4; i++)
		*core_rig_word(&s->cr, i) = 0xa0 + i;
	for (unsigned int i = 0; i < DEVS; i++)
		s->dev[i] = core_rig_device(&s->cr, 0, SID(i), 8, true);
	s->aux = core_rig_domain(&s->cr, s->dev[0], IOVA, 0);
	s->parent = core_rig_domain(&s->cr, s->dev[0], IOVA, 1);
	for (unsigned int i = 0; i < DEVS; i++) {
		assert_int_equal(
			uiommu_group_attach(group_of(s->dev[i]), s->parent), 0);
		assert_int_equal(uiommu_dev_enable_feature(s->dev[i], AUX), 0);
	}
}

static void close_scene(struct scene *s)
{
	for (unsigned int i = 0; i < DEVS; i++) {
		assert_int_equal(uiommu_group_detach(group_of(s->dev[i])), 0);
		uiommu_device_remove(s->dev[i]);
	}
	uiommu_domain_free(s->aux);
	uiommu_domain_free(s->parent);
	core_rig_close(&s->cr);
}

static uint64_t look(struct scene *s, unsigned int i, uint32_t pasid)
{
	return core_rig_read(&s->cr, 0, SID(i), pasid, IOVA);
}

/* ------------------------------------------------------------ auxiliary -- */

static void aux_domains_on_hardware(void **state)
{
	struct scene s;
	uint32_t pasid;
	uint64_t n;

	open_scene(&s);
	assert_int_equal(uiommu_aux_attach(s.aux, s.dev[0]), 0);
	assert_int_equal(uiommu_aux_attach(s.aux, s.dev[1]), 0);
	pasid = (uint32_t)uiommu_aux_pasid(s.aux, s.dev[0]);
	assert_int_equal(look(&s, 0, pasid), 0xa0);
	assert_int_equal(look(&s, 1, pasid), 0xa0);
	assert_int_equal(look(&s, 0, UIOMMU_NO_PASID), 0xa1);

	/* The third has the parent and not the domain. */
	uiommu_smmuv3_endpoint_set_ats(rig_endpoint(s.cr.rig[0], SID(2)),
				       false);
	assert_int_equal(look(&s, 2, UIOMMU_NO_PASID), 0xa1);
	assert_int_equal(look(&s, 2, pasid), 0);
	core_rig_irqs(&s.cr);
	assert_int_equal(s.cr.nr_faults, 1);
	assert_int_equal(s.cr.fault.raw_type, C_BAD_SUBSTREAMID);
	assert_int_equal(s.cr.fault.id, SID(2));
	uiommu_smmuv3_endpoint_set_ats(rig_endpoint(s.cr.rig[0], SID(2)), true);

	/* What both have cached goes with the page. */
	assert_int_equal(uiommu_domain_unmap(s.aux, IOVA, RIG_PAGE, &n), 0);
	assert_int_equal(look(&s, 0, pasid), 0);
	assert_int_equal(look(&s, 1, pasid), 0);
	assert_int_equal(uiommu_domain_map(s.aux, IOVA,
					   (uintptr_t)core_rig_word(&s.cr, 2),
					   RIG_PAGE, CORE_RIG_RW),
			 0);
	assert_int_equal(look(&s, 1, pasid), 0xa2);
	uiommu_aux_detach(s.aux, s.dev[0]);
	assert_int_equal(look(&s, 0, pasid), 0);
	assert_int_equal(look(&s, 1, pasid), 0xa2);
	uiommu_aux_detach(s.aux, s.dev[1]);
	assert_int_equal(look(&s, 1, pasid), 0);
	core_rig_irqs(&s.cr);
	close_scene(&s);
}

struct commands {
	uint64_t cd, atc, asid, all, syncs;
};

static struct commands commands(struct scene *s)
{
	struct rig *rig = s->cr.rig[0];
	struct commands c = {
		.cd = rig_counter(rig, "cmd/cfgi_cd"),
		.atc = rig_counter(rig, "cmd/atc_inv"),
		.asid = rig_counter(rig, "cmd/tlbi_asid"),
		.syncs = rig_counter(rig, "cmd/sync"),
		.all = rig_stats(rig).commands,
	};

	return c;
}

/*
 * A detach clears the device's CD and tells the SMMU and this device's ATC; the
 * last one tells the TLBs of the ASID too, before that can be used again.
 */
static void what_a_detach_takes(void **state)
{
	struct commands a, b;
	struct scene s;

	open_scene(&s);
	/* Another PASID stays, so that the tables do. */
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(
			uiommu_device_pasid_attach(s.dev[i], 99, s.parent), 0);
		assert_int_equal(uiommu_aux_attach(s.aux, s.dev[i]), 0);
	}
	a = commands(&s);
	uiommu_aux_detach(s.aux, s.dev[0]);
	b = commands(&s);
	assert_int_equal(b.cd - a.cd, 1);
	assert_int_equal(b.atc - a.atc, 1);
	assert_int_equal(b.asid - a.asid, 0);
	assert_int_equal(b.syncs - a.syncs, 2);
	assert_int_equal(b.all - a.all, 4);
	uiommu_aux_detach(s.aux, s.dev[1]);
	a = commands(&s);
	assert_int_equal(a.cd - b.cd, 1);
	assert_int_equal(a.atc - b.atc, 1);
	assert_int_equal(a.asid - b.asid, 1);
	assert_int_equal(a.syncs - b.syncs, 3);
	for (unsigned int i = 0; i < 2; i++)
		uiommu_device_pasid_detach(s.dev[i], 99);
	close_scene(&s);
}

/* -------------------------------------------------------------- failures -- */

static int do_attach(struct scene *s, struct uiommu_domain *other)
{
	return uiommu_device_pasid_attach(s->dev[0], 40, other);
}

static int do_replace(struct scene *s, struct uiommu_domain *other)
{
	return uiommu_device_pasid_replace(s->dev[0], 30, other);
}

static int do_aux(struct scene *s, struct uiommu_domain *other)
{
	return uiommu_aux_attach(s->aux, s->dev[0]);
}

/* The device itself, PASID 30 and another device, as they are before. */
static void all_as_before(struct scene *s)
{
	assert_int_equal(look(s, 0, UIOMMU_NO_PASID), 0xa1);
	assert_int_equal(look(s, 0, 30), 0xa1);
	assert_int_equal(look(s, 0, 40), 0);
	assert_int_equal(look(s, 0, 1), 0);
	assert_int_equal(look(s, 1, UIOMMU_NO_PASID), 0xa1);
	assert_int_equal(uiommu_device_nr_pasids(s->dev[0]), 1);
	assert_int_equal(uiommu_aux_pasid(s->aux, s->dev[0]), -EINVAL);
}

static void nth_call_fails(int (*fn)(struct scene *, struct uiommu_domain *),
			   uint32_t pasid)
{
	struct uiommu_domain *other;
	struct scene s;
	unsigned int n;
	uint64_t live;
	int rc;

	open_scene(&s);
	other = core_rig_domain(&s.cr, s.dev[0], IOVA, 3);
	assert_int_equal(uiommu_device_pasid_attach(s.dev[0], 30, s.parent), 0);
	all_as_before(&s);
	for (n = 1;; n++) {
		live = uiommu_host_live(s.cr.rig[0]->host);
		uiommu_host_fail_nth(s.cr.rig[0]->host, n);
		rc = fn(&s, other);
		if (!uiommu_host_fail_nth(s.cr.rig[0]->host, 0))
			break;
		assert_int_equal(rc, -ENOMEM);
		all_as_before(&s);
		uiommu_host_barrier(s.cr.rig[0]->host);
		assert_int_equal(uiommu_host_live(s.cr.rig[0]->host), live);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 1);
	assert_int_equal(look(&s, 0, pasid), fn == do_aux ? 0xa0 : 0xa3);
	core_rig_irqs(&s.cr);
	uiommu_aux_detach(s.aux, s.dev[0]);
	uiommu_device_pasid_detach(s.dev[0], 30);
	uiommu_device_pasid_detach(s.dev[0], 40);
	uiommu_domain_free(other);
	close_scene(&s);
}

static void every_attach_that_fails(void **state)
{
	nth_call_fails(do_attach, 40);
}

static void every_replace_that_fails(void **state)
{
	nth_call_fails(do_replace, 30);
}

static void every_aux_attach_that_fails(void **state)
{
	nth_call_fails(do_aux, 1);
}

/* What the driver alone can know comes back as it says it. */
static void what_the_driver_refuses(void **state)
{
	struct uiommu_domain_cfg cfg = {
		.hw = { .type = UIOMMU_DOM_PAGING, .stage = UIOMMU_STAGE_2 },
	};
	struct uiommu_domain *two;
	struct scene s;

	open_scene(&s);
	assert_int_equal(uiommu_domain_alloc_cfg(s.dev[0], &cfg, &two), 0);
	assert_int_equal(uiommu_device_pasid_attach(s.dev[0], 5, two), -EINVAL);
	assert_int_equal(uiommu_device_pasid_attach(s.dev[0], 5, s.aux), 0);
	assert_int_equal(uiommu_device_pasid_replace(s.dev[0], 5, two),
			 -EINVAL);
	assert_int_equal(uiommu_group_replace(group_of(s.dev[0]), two), -EBUSY);
	assert_int_equal(look(&s, 0, 5), 0xa0);
	assert_int_equal(look(&s, 0, UIOMMU_NO_PASID), 0xa1);
	uiommu_device_pasid_detach(s.dev[0], 5);
	assert_int_equal(uiommu_group_replace(group_of(s.dev[0]), two), 0);
	assert_int_equal(uiommu_device_pasid_attach(s.dev[0], 5, s.aux),
			 -EINVAL);
	assert_int_equal(uiommu_group_replace(group_of(s.dev[0]), s.parent), 0);
	uiommu_domain_free(two);
	close_scene(&s);
}

/* ------------------------------------------------- a CPU's page table -- */

/* Made and freed like any other domain, and for PASIDs only. */
static void the_page_table_of_a_cpu(void **state)
{
	struct uiommu_pgtable_cfg pt = {
		.fmt = UIOMMU_PGTABLE_VMSAV8_S1,
		.granule_lg2 = 12,
		.ias = 48,
		.oas = 48,
	};
	struct uiommu_cpu_tables cpu = { .kind = UIOMMU_CPU_ARM64,
					 .tcr = 0x1500003510ull };
	struct uiommu_domain_cfg cfg = {
		.hw = { .type = UIOMMU_DOM_SHARED, .cpu = &cpu },
	};
	struct uiommu_pgtable_info info;
	struct uiommu_gather gather;
	struct uiommu_pgtable *table;
	struct uiommu_domain *dom;
	struct scene s;

	open_scene(&s);
	pt.platform = s.cr.rig[0]->platform;
	assert_int_equal(uiommu_pgtable_create(&pt, &table), 0);
	uiommu_pgtable_info(table, &info);
	cpu.ttbr0 = info.root;
	cpu.mair = info.mair;
	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_map(table, IOVA,
					    (uintptr_t)core_rig_word(&s.cr, 2),
					    RIG_PAGE, CORE_RIG_RW, &gather),
			 0);
	assert_int_equal(uiommu_domain_alloc_cfg(s.dev[0], &cfg, &dom), 0);
	assert_int_equal(uiommu_group_replace(group_of(s.dev[0]), dom),
			 -EINVAL);
	assert_int_equal(uiommu_aux_attach(dom, s.dev[0]), -EINVAL);
	assert_int_equal(uiommu_domain_map(dom, IOVA, 0, RIG_PAGE, CORE_RIG_RW),
			 -EINVAL);
	assert_int_equal(uiommu_device_pasid_attach(s.dev[0], 7, dom), 0);
	assert_int_equal(look(&s, 0, 7), 0xa2);
	assert_int_equal(look(&s, 0, UIOMMU_NO_PASID), 0xa1);
	assert_int_equal(uiommu_device_pasid_replace(s.dev[0], 7, s.aux), 0);
	assert_int_equal(look(&s, 0, 7), 0xa0);
	assert_int_equal(uiommu_device_pasid_replace(s.dev[0], 7, dom), 0);
	assert_int_equal(look(&s, 0, 7), 0xa2);
	uiommu_device_pasid_detach(s.dev[0], 7);
	assert_int_equal(look(&s, 0, 7), 0);
	core_rig_irqs(&s.cr);
	uiommu_domain_free(dom);
	uiommu_pgtable_destroy(table);
	close_scene(&s);
}

/* ----------------------------------------------------- more than one SMMU -- */

/* One of a device on each SMMU; `second` is made as the case wants it. */
struct pair {
	struct core_rig cr;
	struct uiommu_device *dev[2];
	struct uiommu_domain *dom;
};

static void open_pair(struct pair *p, void (*second)(struct rig_cfg *cfg))
{
	struct rig_cfg cfg;

	rig_default(&cfg);
	core_rig_open(&p->cr, &cfg);
	rig_default(&cfg);
	second(&cfg);
	core_rig_join(&p->cr, &cfg);
	for (unsigned int i = 0; i < 4; i++)
		*core_rig_word(&p->cr, i) = 0xa0 + i;
	for (unsigned int i = 0; i < 2; i++)
		p->dev[i] = core_rig_device(&p->cr, i, 5, 8, true);
	p->dom = core_rig_domain(&p->cr, p->dev[0], IOVA, 0);
}

static void close_pair(struct pair *p)
{
	for (unsigned int i = 0; i < 2; i++)
		uiommu_device_remove(p->dev[i]);
	uiommu_domain_free(p->dom);
	core_rig_close(&p->cr);
}

/* What the device on SMMU i reads. */
static uint64_t see(struct pair *p, unsigned int i, uint32_t pasid)
{
	return core_rig_read(&p->cr, i, 5, pasid, IOVA);
}

/* No group of theirs has a domain any more. */
static void detach_pair(struct pair *p)
{
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(uiommu_group_detach(group_of(p->dev[i])), 0);
	core_rig_irqs(&p->cr);
}

static void alike(struct rig_cfg *cfg)
{
}

static void small_asids(struct rig_cfg *cfg)
{
	cfg->profile.idr[0] &= ~(1u << 12); /* ASID16 */
}

static void no_small_pages(struct rig_cfg *cfg)
{
	cfg->profile.idr[5] &= ~(1u << 4); /* GRAN4K */
}

static void a_domain_on_both(void **state)
{
	struct uiommu_domain *other;
	struct pair p;
	uint64_t n;

	open_pair(&p, alike);
	other = core_rig_domain(&p.cr, p.dev[1], IOVA, 1);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(uiommu_group_attach(group_of(p.dev[i]), p.dom),
				 0);
		assert_int_equal(uiommu_device_pasid_attach(p.dev[i], 7, p.dom),
				 0);
		assert_int_equal(see(&p, i, UIOMMU_NO_PASID), 0xa0);
		assert_int_equal(see(&p, i, 7), 0xa0);
	}
	/* The domain of one device is replaced, the other's is not disturbed. */
	assert_int_equal(uiommu_group_replace(group_of(p.dev[1]), other), 0);
	assert_int_equal(uiommu_device_pasid_replace(p.dev[1], 7, other), 0);
	assert_int_equal(see(&p, 0, 7), 0xa0);
	assert_int_equal(see(&p, 1, 7), 0xa1);
	assert_int_equal(uiommu_device_pasid_replace(p.dev[1], 7, p.dom), 0);
	assert_int_equal(see(&p, 1, 7), 0xa0);

	/* Every SMMU and every ATC forgets. */
	assert_int_equal(uiommu_domain_unmap(p.dom, IOVA, RIG_PAGE, &n), 0);
	assert_int_equal(see(&p, 0, UIOMMU_NO_PASID), 0);
	assert_int_equal(see(&p, 0, 7), 0);
	assert_int_equal(see(&p, 1, 7), 0);
	assert_int_equal(see(&p, 1, UIOMMU_NO_PASID), 0xa1);
	for (unsigned int i = 0; i < 2; i++)
		uiommu_device_pasid_detach(p.dev[i], 7);
	detach_pair(&p);
	uiommu_domain_free(other);
	close_pair(&p);
}

static void units_that_differ(void **state)
{
	static void (*const second[])(struct rig_cfg *) = { small_asids,
							    no_small_pages };
	struct pair p;

	for (size_t i = 0; i < 2; i++) {
		open_pair(&p, second[i]);
		assert_int_equal(uiommu_group_attach(group_of(p.dev[0]), p.dom),
				 0);
		assert_int_equal(uiommu_group_attach(group_of(p.dev[1]), p.dom),
				 -EINVAL);
		assert_int_equal(uiommu_device_pasid_attach(p.dev[1], 7, p.dom),
				 -EINVAL);
		assert_null(uiommu_group_domain(group_of(p.dev[1])));
		assert_int_equal(see(&p, 0, UIOMMU_NO_PASID), 0xa0);
		assert_int_equal(see(&p, 1, UIOMMU_NO_PASID), 0);
		uiommu_group_detach(group_of(p.dev[0]));
		core_rig_irqs(&p.cr);
		close_pair(&p);
	}
}

/* The second SMMU's device, by itself and by PASID, with the nth call failing. */
static void every_far_attach_that_fails(void **state)
{
	struct uiommu_host *host;
	struct pair p;
	uint64_t live;
	unsigned int n, by_pasid;
	int rc;

	open_pair(&p, alike);
	host = p.cr.rig[0]->host;
	assert_int_equal(uiommu_group_attach(group_of(p.dev[0]), p.dom), 0);
	for (by_pasid = 0; by_pasid < 2; by_pasid++) {
		uint32_t pasid = by_pasid ? 7 : UIOMMU_NO_PASID;

		for (n = 1;; n++) {
			live = uiommu_host_live(host);
			uiommu_host_fail_nth(host, n);
			rc = by_pasid ? uiommu_device_pasid_attach(p.dev[1], 7,
								   p.dom)
				      : uiommu_group_attach(group_of(p.dev[1]),
							    p.dom);
			if (!uiommu_host_fail_nth(host, 0))
				break;
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(see(&p, 1, pasid), 0);
			assert_int_equal(see(&p, 0, UIOMMU_NO_PASID), 0xa0);
			uiommu_host_barrier(host);
			assert_int_equal(uiommu_host_live(host), live);
		}
		assert_int_equal(rc, 0);
		assert_true(n > 1);
		assert_int_equal(see(&p, 1, pasid), 0xa0);
	}
	uiommu_device_pasid_detach(p.dev[1], 7);
	detach_pair(&p);
	close_pair(&p);
}

/* An auxiliary domain of devices on both, with one parent. */
static void an_aux_domain_on_both(void **state)
{
	struct uiommu_domain *parent;
	struct pair p;
	int pasid;

	open_pair(&p, alike);
	parent = core_rig_domain(&p.cr, p.dev[1], IOVA, 1);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(
			uiommu_group_attach(group_of(p.dev[i]), parent), 0);
		assert_int_equal(uiommu_dev_enable_feature(p.dev[i], AUX), 0);
		assert_int_equal(uiommu_aux_attach(p.dom, p.dev[i]), 0);
	}
	pasid = uiommu_aux_pasid(p.dom, p.dev[0]);
	assert_int_equal(uiommu_aux_pasid(p.dom, p.dev[1]), pasid);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(see(&p, i, (uint32_t)pasid), 0xa0);
	uiommu_aux_detach(p.dom, p.dev[0]);
	assert_int_equal(see(&p, 0, (uint32_t)pasid), 0);
	assert_int_equal(see(&p, 1, (uint32_t)pasid), 0xa0);
	uiommu_aux_detach(p.dom, p.dev[1]);
	detach_pair(&p);
	uiommu_domain_free(parent);
	close_pair(&p);
}

/* ------------------------------------------------------- what was written -- */

static void note(void *ctx, uiommu_iova_t iova, uint64_t size)
{
	*(uint64_t *)ctx += iova - IOVA + size;
}

static void dirty_pages(void **state)
{
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = UIOMMU_DOM_PAGING, .flags = UIOMMU_DOM_DIRTY },
	};
	struct uiommu_domain *dom;
	struct uiommu_device *dev;
	uint64_t word = 9, sum = 0;
	struct core_rig cr;
	struct rig_cfg rc;

	rig_default(&rc);
	core_rig_open(&cr, &rc);
	dev = core_rig_device(&cr, 0, 5, 0, false);
	assert_int_equal(uiommu_domain_alloc_cfg(dev, &cfg, &dom), 0);
	assert_int_equal(uiommu_domain_map(dom, IOVA,
					   (uintptr_t)core_rig_word(&cr, 0),
					   4 * RIG_PAGE, CORE_RIG_RW),
			 0);
	assert_int_equal(uiommu_group_attach(group_of(dev), dom), 0);
	assert_int_equal(rig_dma_write(cr.rig[0], 5, IOVA, &word, 8), 0);
	assert_int_equal(uiommu_domain_set_dirty_tracking(dom, true), 0);
	assert_int_equal(rig_dma_write(cr.rig[0], 5, IOVA + RIG_PAGE, &word, 8),
			 0);
	assert_int_equal(uiommu_domain_read_dirty(dom, IOVA, 4 * RIG_PAGE, 0,
						  note, &sum),
			 0);
	assert_int_equal(sum, 2 * RIG_PAGE);
	assert_int_equal(uiommu_domain_read_dirty(dom, IOVA, 4 * RIG_PAGE, 0,
						  note, &sum),
			 0);
	assert_int_equal(sum, 2 * RIG_PAGE);
	uiommu_device_remove(dev);
	uiommu_domain_free(dom);
	core_rig_close(&cr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aux_domains_on_hardware),
		cmocka_unit_test(what_a_detach_takes),
		cmocka_unit_test(every_attach_that_fails),
		cmocka_unit_test(every_replace_that_fails),
		cmocka_unit_test(every_aux_attach_that_fails),
		cmocka_unit_test(what_the_driver_refuses),
		cmocka_unit_test(the_page_table_of_a_cpu),
		cmocka_unit_test(a_domain_on_both),
		cmocka_unit_test(units_that_differ),
		cmocka_unit_test(every_far_attach_that_fails),
		cmocka_unit_test(an_aux_domain_on_both),
		cmocka_unit_test(dirty_pages),
	};

	return cmocka_run_group_tests_name("core-pasid", tests, NULL, NULL);
}
