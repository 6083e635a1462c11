/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices, groups, ownership, attaching, MSI windows, faults. */
#include <string.h>

#include "world.h"

static struct uiommu_group *group_of(struct uiommu_device *dev)
{
	return uiommu_device_group(dev);
}

/* A device with id 10 + n in the group of `with`. */
static int add_mate(struct world *w, uint32_t n, struct uiommu_device *with,
		    const struct uiommu_resv_region *resv, unsigned int nr_resv,
		    struct uiommu_device **dev)
{
	struct uiommu_device_cfg cfg = {
		.group_with = with,
		.resv = resv,
		.nr_resv = nr_resv,
	};

	return add_device(w, w->fu, 10 + n, &cfg, dev);
}

static void groups_are_numbered_from_the_lowest_free(void **state)
{
	struct world *w = *state;
	struct uiommu_device *extra;

	for (unsigned int i = 0; i < NR_DEVS; i++) {
		assert_int_equal(uiommu_group_id(group_of(w->dev[i])), i);
		assert_int_equal(uiommu_group_nr_devices(group_of(w->dev[i])),
				 1);
	}
	uiommu_device_remove(w->dev[1]);
	assert_int_equal(add_mate(w, 0, NULL, NULL, 0, &extra), 0);
	assert_int_equal(uiommu_group_id(group_of(extra)), 1);
	assert_string_equal(uiommu_device_name(extra), "extra");
	assert_ptr_equal(uiommu_core_find_device(w->core, "extra"), extra);
	assert_ptr_equal(uiommu_core_find_device(w->core, "d3"), w->dev[2]);
	assert_null(uiommu_core_find_device(w->core, "d2"));
	assert_ptr_equal(uiommu_device_unit(extra), &w->fu->unit);
	w->dev[1] = extra;
}

static void adding_a_device_can_be_refused(void **state)
{
	struct world *w = *state;
	struct uiommu_resv_region backwards = { { 5, 4 }, UIOMMU_RESV_MSI };
	struct uiommu_device *dev = NULL, *extra;
	struct uiommu_unit stranger = w->fu->unit;
	uint32_t id = 1;
	struct uiommu_device_cfg cfg = { .hw = { "x", &id, 1 } };

	assert_int_equal(uiommu_device_add(w->core, &w->fu->unit, &cfg, &dev),
			 -EEXIST);
	assert_int_equal(uiommu_device_add(w->core, &stranger, &cfg, &dev),
			 -ENODEV);
	assert_int_equal(add_mate(w, 0, NULL, &backwards, 1, &dev), -EINVAL);
	/* Nothing was left behind: the next group has the next number. */
	assert_int_equal(add_mate(w, 0, NULL, NULL, 0, &extra), 0);
	assert_int_equal(uiommu_group_id(group_of(extra)), NR_DEVS);
	uiommu_device_remove(extra);

	/* A group in use takes no new member. */
	assert_int_equal(uiommu_device_claim_owner(w->dev[0], w), 0);
	assert_int_equal(add_mate(w, 0, w->dev[0], NULL, 0, &dev), -EBUSY);
	uiommu_device_release_owner(w->dev[0]);
	assert_int_equal(add_mate(w, 0, w->dev[0], NULL, 0, &dev), 0);
	assert_int_equal(uiommu_group_nr_devices(group_of(dev)), 2);
	uiommu_device_remove(dev);

	for (unsigned int n = 1;; n++) {
		uint64_t live = uiommu_host_live(w->host);
		int rc;

		uiommu_host_fail_nth(w->host, n);
		rc = add_mate(w, 0, NULL, NULL, 0, &dev);
		if (!uiommu_host_fail_nth(w->host, 0)) {
			assert_int_equal(rc, 0);
			assert_true(n > 3);
			break;
		}
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(uiommu_host_live(w->host), live);
	}
	uiommu_device_remove(dev);
}

static void ownership_is_counted_and_exclusive(void **state)
{
	struct world *w = *state;
	struct uiommu_device *mate;
	struct uiommu_domain *dom = new_domain(w);
	int a, b;

	assert_int_equal(add_mate(w, 0, w->dev[0], NULL, 0, &mate), 0);
	assert_int_equal(uiommu_device_claim_owner(mate, NULL), -EINVAL);
	assert_false(uiommu_group_owned(group_of(mate)));
	assert_int_equal(uiommu_device_claim_owner(mate, &a), 0);
	assert_int_equal(uiommu_device_claim_owner(w->dev[0], &a), 0);
	assert_int_equal(uiommu_device_claim_owner(w->dev[0], &b), -EPERM);
	assert_int_equal(uiommu_device_claim_owner(w->dev[1], &b), 0);
	uiommu_device_release_owner(w->dev[1]);
	uiommu_device_release_owner(mate);
	assert_true(uiommu_group_owned(group_of(mate)));
	assert_int_equal(uiommu_device_claim_owner(mate, &b), -EPERM);

	/* The last release takes the group off its domain. */
	assert_int_equal(uiommu_group_attach(group_of(mate), dom), 0);
	uiommu_device_release_owner(w->dev[0]);
	assert_false(uiommu_group_owned(group_of(mate)));
	assert_null(uiommu_group_domain(group_of(mate)));

	/* Attached by a user of the library without an owner. */
	assert_int_equal(uiommu_group_attach(group_of(mate), dom), 0);
	assert_int_equal(uiommu_device_claim_owner(mate, &a), -EBUSY);
	uiommu_group_detach(group_of(mate));
	assert_int_equal(uiommu_device_claim_owner(mate, &a), 0);
	uiommu_device_release_owner(mate);
	uiommu_device_remove(mate);
	uiommu_domain_free(dom);
}

static void attach_replace_and_detach(void **state)
{
	struct world *w = *state;
	struct uiommu_domain *a = new_domain(w), *b = new_domain(w);
	struct uiommu_group *g = group_of(w->dev[0]);
	struct uiommu_domain_geometry geo;
	uint64_t attaches, n;
	uiommu_pa_t pa;

	uiommu_domain_geometry(a, &geo);
	assert_int_equal(geo.aperture.first, 0);
	assert_int_equal(geo.aperture.last, (1ull << 48) - 1);
	assert_true(geo.enforce_coherency);
	assert_int_equal(uiommu_domain_map(a, 0x1000, 0xa000, PAGE, RW), 0);
	assert_int_equal(uiommu_domain_map(b, 0x1000, 0xb000, PAGE, RW), 0);
	assert_int_equal(uiommu_domain_map(b, 0x1000, 0xb000, PAGE, RW),
			 -EEXIST);
	assert_int_equal(fake_dma(w->fu, 1, 0x1000, false, &pa), -EFAULT);
	assert_int_equal(uiommu_group_replace(g, a), -EINVAL);
	assert_int_equal(uiommu_group_attach(g, a), 0);
	assert_int_equal(fake_dma(w->fu, 1, 0x1000, false, &pa), 0);
	assert_int_equal(pa, 0xa000);
	assert_int_equal(fake_dma(w->fu, 2, 0x1000, false, &pa), -EFAULT);
	assert_int_equal(uiommu_group_attach(g, b), -EBUSY);
	assert_int_equal(uiommu_group_attach(g, a), -EBUSY);

	attaches = w->fu->attaches;
	assert_int_equal(uiommu_group_replace(g, a), 0);
	assert_int_equal(w->fu->attaches, attaches);
	assert_int_equal(uiommu_group_replace(g, b), 0);
	assert_int_equal(w->fu->attaches, attaches + 1);
	assert_int_equal(fake_dma(w->fu, 1, 0x1000, false, &pa), 0);
	assert_int_equal(pa, 0xb000);
	assert_ptr_equal(uiommu_group_domain(g), b);

	/* An unmapped page is forgotten by the hardware on return. */
	assert_int_equal(uiommu_domain_unmap(b, 0x1000, PAGE, &n), 0);
	assert_int_equal(n, PAGE);
	assert_int_equal(fake_dma(w->fu, 1, 0x1000, false, &pa), -EFAULT);
	assert_int_equal(uiommu_domain_unmap(b, 0x1000, PAGE, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(uiommu_domain_unmap(b, 0x800, PAGE, &n), -EINVAL);

	uiommu_group_detach(g);
	uiommu_group_detach(g);
	assert_int_equal(fake_dma(w->fu, 1, 0x2000, false, &pa), -EFAULT);
	uiommu_domain_free(a);
	uiommu_domain_free(b);
}

/* Whichever device refuses, all are where they were. */
static void a_refusal_moves_nobody(void **state)
{
	struct world *w = *state;
	struct uiommu_domain *a = new_domain(w), *b = new_domain(w);
	struct uiommu_device *mates[3];
	struct uiommu_group *g = group_of(w->dev[0]);
	uiommu_pa_t pa;

	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(add_mate(w, i, w->dev[0], NULL, 0, &mates[i]),
				 0);
	assert_int_equal(uiommu_domain_map(a, 0x1000, 0xa000, PAGE, RW), 0);
	assert_int_equal(uiommu_domain_map(b, 0x1000, 0xb000, PAGE, RW), 0);
	for (uint32_t bad = 1; bad <= 4; bad++) {
		w->fu->fail_attach = bad;
		assert_int_equal(uiommu_group_attach(g, a), -ENOMEM);
		assert_null(uiommu_group_domain(g));
		for (uint32_t id = 10; id < 13; id++)
			assert_int_equal(fake_dma(w->fu, id, 0x1000, false,
						  &pa),
					 -EFAULT);
	}
	assert_int_equal(uiommu_group_attach(g, a), 0);
	for (uint32_t bad = 1; bad <= 4; bad++) {
		w->fu->fail_attach = bad;
		assert_int_equal(uiommu_group_replace(g, b), -ENOMEM);
		assert_ptr_equal(uiommu_group_domain(g), a);
		for (uint32_t id = 10; id < 13; id++) {
			assert_int_equal(fake_dma(w->fu, id, 0x1000, true, &pa),
					 0);
			assert_int_equal(pa, 0xa000);
		}
	}
	assert_int_equal(uiommu_group_replace(g, b), 0);
	uiommu_group_detach(g);
	for (uint32_t i = 0; i < 3; i++)
		uiommu_device_remove(mates[i]);
	uiommu_domain_free(a);
	uiommu_domain_free(b);
}

static void reserved_regions_come_in_order(void **state)
{
	static const struct uiommu_resv_region resv[] = {
		{ { 0x9000000, 0x9000fff }, UIOMMU_RESV_DIRECT_RELAXABLE },
		{ { 0x1000, 0x1fff }, UIOMMU_RESV_RESERVED },
		{ { 0x20000000, 0x20000fff }, UIOMMU_RESV_DIRECT },
	};
	struct world *w = *state;
	struct uiommu_resv_region got[8];
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_range r[8];
	struct uiommu_device *dev;
	uint64_t align;

	assert_int_equal(add_mate(w, 0, NULL, resv, 3, &dev), 0);
	assert_int_equal(uiommu_device_resv_regions(dev, got, 1), 4);
	assert_int_equal(uiommu_device_resv_regions(dev, got, 8), 4);
	for (int i = 1; i < 4; i++)
		assert_true(got[i].range.first > got[i - 1].range.last);
	assert_int_equal(got[1].type, UIOMMU_RESV_SW_MSI);
	assert_int_equal(got[1].range.first, 0x8000000);
	assert_int_equal(got[1].range.last, 0x80fffff);

	/* The relaxable one does not count; who came first neither. */
	assert_int_equal(uiommu_ioas_reserve_device(ioas, w->dev[0]), 0);
	assert_int_equal(uiommu_ioas_reserve_device(ioas, dev), 0);
	uiommu_ioas_unreserve_device(ioas, w->dev[0]);
	assert_int_equal(uiommu_ioas_reserve_device(ioas, w->dev[1]), 0);
	assert_int_equal(uiommu_ioas_iova_ranges(ioas, r, 8, &align), 4);
	assert_int_equal(r[2].first, 0x8100000);
	assert_int_equal(r[2].last, 0x1fffffff);
	uiommu_ioas_unreserve_device(ioas, dev);
	uiommu_ioas_unreserve_device(ioas, w->dev[1]);
	uiommu_device_remove(dev);

	/* Two ways for interrupts exclude each other. */
	assert_int_equal(
		add_mate(w, 0, NULL,
			 &(struct uiommu_resv_region){
				 { 0xfee00000, 0xfeefffff }, UIOMMU_RESV_MSI },
			 1, &dev),
		0);
	assert_int_equal(uiommu_ioas_reserve_device(ioas, dev), -EINVAL);
	uiommu_device_remove(dev);

	/* A conflict in the last region undoes the first ones. */
	assert_int_equal(add_mate(w, 0, NULL, resv, 3, &dev), 0);
	assert_int_equal(map_at(w, ioas, 0, 1, 0x20000000, RW), 0);
	assert_int_equal(uiommu_ioas_reserve_device(ioas, dev), -EADDRINUSE);
	assert_int_equal(uiommu_ioas_iova_ranges(ioas, r, 8, &align), 1);
	uiommu_device_remove(dev);
	uiommu_ioas_destroy(ioas);
}

static void doorbells_follow_the_group(void **state)
{
	struct world *w = *state;
	struct uiommu_domain *a = new_domain(w), *b = new_domain(w);
	struct uiommu_group *g = group_of(w->dev[0]), *h = group_of(w->dev[1]);
	uiommu_iova_t window, one, two, other;
	uiommu_pa_t pa;

	assert_true(uiommu_group_msi_window(g, &window));
	assert_int_equal(window, 0x8000000);
	assert_int_equal(uiommu_group_msi_map(g, 0xfee00040, &one), -ENOENT);
	assert_int_equal(uiommu_group_attach(g, a), 0);
	assert_int_equal(uiommu_group_attach(h, a), 0);
	assert_int_equal(uiommu_group_msi_map(g, 0xfee00040, &one), 0);
	assert_int_equal(one, window + 0x40);
	assert_int_equal(uiommu_group_msi_map(g, 0xfee00080, &two), 0);
	assert_int_equal(two, window + 0x80);
	/* Another page, by another group, in the same domain. */
	assert_int_equal(uiommu_group_msi_map(h, 0xfef00000, &other), 0);
	assert_int_equal(other, window + 0x1000);
	assert_int_equal(fake_dma(w->fu, 1, one, true, &pa), 0);
	assert_int_equal(pa, 0xfee00040);
	assert_int_equal(fake_dma(w->fu, 2, other, true, &pa), 0);
	assert_int_equal(pa, 0xfef00000);

	/* The next domain has the group's doorbell and only that. */
	assert_int_equal(uiommu_group_replace(g, b), 0);
	assert_int_equal(fake_dma(w->fu, 1, one, true, &pa), 0);
	assert_int_equal(pa, 0xfee00040);
	assert_int_equal(uiommu_domain_iova_to_pa(b, other, &pa), -ENOENT);
	uiommu_group_detach(g);
	uiommu_group_detach(h);
	uiommu_domain_free(a);
	uiommu_domain_free(b);
}

static void a_full_window_and_a_taken_place(void **state)
{
	struct world *w = *state;
	struct uiommu_domain *a = new_domain(w), *b = new_domain(w);
	struct uiommu_group *g = group_of(w->dev[0]);
	uiommu_iova_t iova;
	uiommu_pa_t pa;

	assert_int_equal(uiommu_group_attach(g, a), 0);
	for (uint64_t i = 0; i < 64; i++)
		assert_int_equal(uiommu_group_msi_map(g, 0x90000000 + i * PAGE,
						      &iova),
				 0);
	assert_int_equal(uiommu_group_msi_map(g, 0x80000000, &iova), -ENOSPC);
	assert_int_equal(uiommu_group_msi_map(g, 0x90000000, &iova), 0);
	assert_int_equal(iova, 0x8000000);

	/* A domain that cannot take them all takes none, and no device. */
	assert_int_equal(uiommu_domain_map(b, 0x8020000, 0x1000, PAGE, RW), 0);
	assert_int_equal(uiommu_group_replace(g, b), -EEXIST);
	assert_ptr_equal(uiommu_group_domain(g), a);
	assert_int_equal(uiommu_domain_iova_to_pa(b, 0x8000000, &pa), -ENOENT);
	uiommu_group_detach(g);
	uiommu_domain_free(a);
	uiommu_domain_free(b);
}

static void untranslated_messages_need_no_window(void **state)
{
	struct world *w = *state;
	struct fake_unit *other = fake_unit_create(w->platform, w->core);
	uint32_t id = 1;
	struct uiommu_device_cfg cfg = { .hw = { "far", &id, 1 } };
	struct uiommu_device *far;
	uiommu_iova_t iova;

	other->caps.msi_translated = false;
	assert_int_equal(uiommu_core_add_unit(w->core, &other->unit), 0);
	assert_int_equal(uiommu_device_add(w->core, &other->unit, &cfg, &far),
			 0);
	assert_false(uiommu_group_msi_window(group_of(far), &iova));
	assert_int_equal(uiommu_group_msi_map(group_of(far), 0xfee00010, &iova),
			 0);
	assert_int_equal(iova, 0xfee00010);
	assert_int_equal(uiommu_device_resv_regions(far, NULL, 0), 0);
	uiommu_device_remove(far);
}

static void faults_reach_the_embedder(void **state)
{
	struct world *w = *state;
	struct uiommu_core_stats stats;
	struct uiommu_fault f = {
		.kind = UIOMMU_FAULT_TRANSLATION,
		.id = 2,
		.iova = 0xdead000,
	};

	/* The cookie is what the driver was given with the device. */
	for (int i = 0; i < FAKE_DEVS; i++)
		if (w->fu->devs[i] && w->fu->devs[i]->id == 2)
			f.cookie = w->fu->devs[i]->hwdev.cookie;
	w->fu->unit.host->report_fault(w->core, &w->fu->unit, &f);
	assert_ptr_equal(w->fault_dev, w->dev[1]);
	assert_int_equal(w->fault.iova, 0xdead000);

	/* A device that is gone, or never was. */
	uiommu_device_remove(w->dev[1]);
	w->dev[1] = NULL;
	w->fu->unit.host->report_fault(w->core, &w->fu->unit, &f);
	assert_null(w->fault_dev);
	f.cookie = NULL;
	w->fu->unit.host->report_fault(w->core, &w->fu->unit, &f);
	assert_null(w->fault_dev);
	uiommu_core_stats(w->core, &stats);
	assert_int_equal(stats.faults, 3);
	assert_int_equal(w->faults, 3);
	w->fu->unit.host->faults_lost(w->core, &w->fu->unit);
}

static void figures_add_up(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *dom = join(w, ioas);
	struct uiommu_core_stats s;
	uint64_t n;

	assert_int_equal(map_at(w, ioas, 0, 8, 0x10000, RW), 0);
	assert_int_equal(map_at(w, ioas, 8, 8, 0x40000000, RW), 0);
	uiommu_core_stats(w->core, &s);
	assert_int_equal(s.maps, 2);
	assert_int_equal(s.map_bytes, 16 * PAGE);
	assert_int_equal(s.areas, 2);
	assert_int_equal(s.pinned_bytes, 16 * PAGE);
	assert_int_equal(s.domains_made, 1);
	/* A root, and for two places far apart two more of each level. */
	assert_true(s.table_bytes_peak >= 6 * PAGE);
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x10000, 8 * PAGE, &n), 0);
	uiommu_ioas_unmap_all(ioas, &n);
	leave(ioas, dom);
	uiommu_core_stats(w->core, &s);
	assert_int_equal(s.unmaps, 2);
	assert_int_equal(s.unmap_bytes, 16 * PAGE);
	assert_int_equal(s.areas, 0);
	assert_int_equal(s.areas_peak, 2);
	assert_int_equal(s.pinned_peak, 16 * PAGE);
	assert_int_equal(s.domains_freed, 1);
	uiommu_ioas_destroy(ioas);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(groups_are_numbered_from_the_lowest_free),
		T(adding_a_device_can_be_refused),
		T(ownership_is_counted_and_exclusive),
		T(attach_replace_and_detach),
		T(a_refusal_moves_nobody),
		T(reserved_regions_come_in_order),
		T(doorbells_follow_the_group),
		T(a_full_window_and_a_taken_place),
		T(untranslated_messages_need_no_window),
		T(faults_reach_the_embedder),
		T(figures_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
