/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The errors that core.h names and no other test of the core comes to: mapping
 * by hand, doorbells, domains that are lost, units and PASIDs of others.
 */
#include "world.h"

#define HOLE UINT64_C(0x100000)

static void units_of_others(void **state)
{
	struct world *w = *state;
	struct fake_unit *fu = fake_unit_create(w->platform, NULL);

	assert_int_equal(uiommu_core_add_unit(w->core, &fu->unit), -EINVAL);
	/* It is the caller's still. */
	fu->unit.ops->remove(&fu->unit);
	fu = new_unit(w);
	uiommu_host_fail_nth(w->host, 1);
	assert_int_equal(uiommu_core_add_unit(w->core, &fu->unit), -ENOMEM);
	uiommu_host_fail_nth(w->host, 2);
	assert_int_equal(uiommu_core_add_unit(w->core, &fu->unit), -ENOMEM);
	uiommu_host_fail_nth(w->host, 0);
	fu->unit.ops->remove(&fu->unit);
	uiommu_core_destroy(NULL);
	uiommu_ioas_destroy(NULL);
	uiommu_domain_free(NULL);
}

static void mapping_by_hand(void **state)
{
	static const struct {
		const char *what;
		uint64_t iova, pa, len;
		uint32_t prot;
		int rc;
	} maps[] = {
		{ "iova unaligned", 0x1800, 0xa000, PAGE, RW, -EINVAL },
		{ "pa unaligned", 0x1000, 0xa800, PAGE, RW, -EINVAL },
		{ "len unaligned", 0x1000, 0xa000, PAGE + 1, RW, -EINVAL },
		{ "len 0", 0x1000, 0xa000, 0, RW, -EINVAL },
		{ "no right", 0x1000, 0xa000, PAGE, UIOMMU_PROT_EXEC, -EINVAL },
		{ "two types", 0x1000, 0xa000, PAGE,
		  RW | UIOMMU_PROT_CACHE | UIOMMU_PROT_MMIO, -EINVAL },
		{ "aperture", UINT64_C(1) << 48, 0xa000, PAGE, RW, -ERANGE },
		{ "output", 0x1000, UINT64_C(1) << 48, PAGE, RW, -ERANGE },
		{ "taken", 0x1000, 0xa000, 4 * PAGE, RW, -EEXIST },
	};
	const struct uiommu_domain_cfg identity = {
		.hw.type = UIOMMU_DOM_IDENTITY,
	};
	struct world *w = *state;
	struct uiommu_domain *dom = new_domain(w), *none;
	uint64_t went = 1;
	uiommu_pa_t pa;

	assert_int_equal(uiommu_domain_map(dom, 0x3000, 0xc000, PAGE, RO), 0);
	for (unsigned int i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		if (uiommu_domain_map(dom, maps[i].iova, maps[i].pa,
				      maps[i].len, maps[i].prot) != maps[i].rc)
			fail_msg("%s", maps[i].what);
		assert_true(shows_nothing(dom, 0x1000, 2));
	}
	assert_int_equal(uiommu_domain_iova_to_pa(dom, 0x3123, &pa), 0);
	assert_int_equal(pa, 0xc123);

	assert_int_equal(uiommu_domain_unmap(dom, 0x3000, 0, &went), -EINVAL);
	assert_int_equal(uiommu_domain_unmap(dom, 0x3001, PAGE, &went),
			 -EINVAL);
	assert_int_equal(uiommu_domain_unmap(dom, UINT64_C(1) << 48, PAGE,
					     &went),
			 -ERANGE);
	assert_int_equal(went, 0);
	assert_int_equal(uiommu_domain_unmap(dom, HOLE, PAGE, &went), 0);
	assert_int_equal(went, 0);
	assert_int_equal(uiommu_domain_unmap(dom, 0, HOLE, &went), 0);
	assert_int_equal(went, PAGE);

	assert_int_equal(uiommu_domain_alloc_cfg(w->dev[0], &identity, &none),
			 0);
	assert_int_equal(uiommu_domain_map(none, 0x1000, 0xa000, PAGE, RW),
			 -EINVAL);
	assert_int_equal(uiommu_domain_unmap(none, 0x1000, PAGE, &went),
			 -EINVAL);
	uiommu_domain_free(none);
	uiommu_domain_free(dom);
}

/* A domain as the unit makes them with these numbers, from now on no more. */
static struct uiommu_domain *shaped(struct world *w, uint8_t granule_lg2,
				    uint8_t ias)
{
	struct fake_unit was = *w->fu;
	struct uiommu_domain *dom;

	w->fu->granule_lg2 = granule_lg2;
	w->fu->ias = ias;
	dom = new_domain(w);
	w->fu->granule_lg2 = was.granule_lg2;
	w->fu->ias = was.ias;
	return dom;
}

static void doorbells_that_do_not_fit(void **state)
{
	struct world *w = *state;
	struct uiommu_group *g = uiommu_device_group(w->dev[0]);
	struct uiommu_domain *home = new_domain(w);
	struct uiommu_domain *coarse = shaped(w, 16, 48);
	uiommu_iova_t iova;

	assert_int_equal(uiommu_group_attach(g, coarse), 0);
	assert_int_equal(uiommu_group_msi_map(g, 0x90000000, &iova),
			 -EOPNOTSUPP);
	/* What cannot be had is not asked of the next one. */
	assert_int_equal(uiommu_group_replace(g, home), 0);
	assert_int_equal(uiommu_group_replace(g, home), 0);
	assert_int_equal(uiommu_group_msi_map(g, 0x90000040, &iova), 0);
	assert_int_equal(iova & (PAGE - 1), 0x40);
	assert_int_equal(uiommu_group_replace(g, coarse), -EOPNOTSUPP);
	assert_ptr_equal(uiommu_group_domain(g), home);
	assert_int_equal(uiommu_group_detach(g), 0);
	assert_int_equal(uiommu_group_detach(g), 0);
	uiommu_domain_free(coarse);
	uiommu_domain_free(home);
}

static void a_lost_domain(void **state)
{
	struct world *w = *state;
	struct uiommu_domain *dom = new_domain(w);
	uint64_t went;

	assert_int_equal(uiommu_domain_map(dom, 0x1000, 0xa000, PAGE, RW), 0);
	w->fu->fail_flush = 1;
	assert_int_equal(uiommu_domain_unmap(dom, 0x1000, PAGE, &went),
			 -ETIMEDOUT);
	assert_int_equal(went, PAGE);
	assert_int_equal(uiommu_domain_map(dom, 0x1000, 0xa000, PAGE, RW),
			 -EIO);
	uiommu_domain_free(dom);
}

static void a_lost_domain_of_an_ioas(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *dom = join(w, ioas);
	uint64_t went;

	assert_int_equal(map_at(w, ioas, 0, 1, 0x1000, RW), 0);
	w->fu->fail_flush = 1;
	/* The area goes, its memory does not. */
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x1000, PAGE, &went), 0);
	assert_int_equal(went, PAGE);
	assert_int_equal(w->mm.pins[0], 1);
	assert_int_equal(map_at(w, ioas, 1, 1, 0x1000, RW), -EIO);
	leave(ioas, dom);
	uiommu_ioas_destroy(ioas);
}

static void domains_that_an_ioas_refuses(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *dom = new_domain(w);
	struct uiommu_resv_region resv[] = {
		{ { 0xfee00000, 0xfeefffff }, UIOMMU_RESV_MSI },
	};
	struct uiommu_device_cfg cfg = { .resv = resv, .nr_resv = 1 };
	struct uiommu_device *dev;
	uint64_t went;

	assert_int_equal(map_at(w, ioas, 0, 1, 0x1000, RW), 0);
	assert_int_equal(uiommu_domain_map(dom, 0x1000, 0xa000, PAGE, RW), 0);
	assert_int_equal(uiommu_ioas_add_domain(ioas, dom), -EEXIST);
	assert_int_equal(w->mm.total, 0);
	assert_int_equal(uiommu_domain_unmap(dom, 0x1000, PAGE, &went), 0);
	assert_int_equal(uiommu_ioas_add_domain(ioas, dom), 0);
	assert_true(shows(w, dom, 0x1000, 0, 1));
	leave(ioas, dom);

	/* Interrupts by the hardware's window and by ours. */
	assert_int_equal(add_device(w, w->fu, 20, &cfg, &dev), 0);
	assert_int_equal(uiommu_ioas_reserve_device(ioas, dev), -EINVAL);
	uiommu_device_remove(dev);
	uiommu_ioas_destroy(ioas);
}

static void pasids_of_nobody(void **state)
{
	static const struct uiommu_iopf_ops ops = { 0 };
	struct world *w = *state;
	struct uiommu_domain *dom = new_domain(w);
	unsigned int lines = log_lines();
	uint32_t pasid = 0;

	uiommu_pasid_free(w->core, 7);
	uiommu_pasid_free(w->core, 0);
	uiommu_pasid_free(w->core, 1u << 20);
	assert_int_equal(log_lines(), lines + 3);
	assert_int_equal(uiommu_pasid_alloc(w->core, 1, 1u << 20, &pasid),
			 -EINVAL);
	assert_int_equal(pasid, 0);

	/* Its pages would be brought by whom?  The device does not wait. */
	assert_int_equal(uiommu_domain_set_iopf_handler(dom, &ops, NULL), 0);
	assert_int_equal(uiommu_device_pasid_attach(w->dev[0], 7, dom),
			 -ENODEV);
	assert_int_equal(uiommu_device_nr_pasids(w->dev[0]), 0);
	uiommu_device_pasid_detach(w->dev[0], 7);
	uiommu_domain_free(dom);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(units_of_others),	      T(mapping_by_hand),
		T(doorbells_that_do_not_fit), T(a_lost_domain),
		T(a_lost_domain_of_an_ioas),  T(domains_that_an_ioas_refuses),
		T(pasids_of_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
