/* SPDX-License-Identifier: BSD-2-Clause */
/* Domains attached by PASID: the rules, and every refusal. */
#include <string.h>

#include "world.h"

#define IOVA UINT64_C(0x10000)

/* Two domains that map IOVA to different places. */
struct pair {
	struct uiommu_domain *a, *b;
};

#define AT_A UINT64_C(0xa0000)
#define AT_B UINT64_C(0xb0000)

static struct uiommu_domain *domain_at(struct world *w, uiommu_pa_t pa)
{
	struct uiommu_domain *dom = new_domain(w);

	assert_int_equal(uiommu_domain_map(dom, IOVA, pa, PAGE, RW), 0);
	return dom;
}

static struct pair new_pair(struct world *w)
{
	return (struct pair){ domain_at(w, AT_A), domain_at(w, AT_B) };
}

static void free_pair(struct pair *p)
{
	uiommu_domain_free(p->a);
	uiommu_domain_free(p->b);
}

static struct uiommu_domain *
new_kind(struct world *w, enum uiommu_dom_type type, enum uiommu_stage stage)
{
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = type, .stage = stage },
	};
	struct uiommu_domain *dom;

	assert_int_equal(uiommu_domain_alloc_cfg(w->dev[0], &cfg, &dom), 0);
	return dom;
}

/* Where device 1 gets to with a PASID; 0: nowhere. */
static uiommu_pa_t reach(struct world *w, uint32_t pasid)
{
	uiommu_pa_t pa;

	return fake_dma_pasid(w->fu, 1, pasid, IOVA, true, &pa) ? 0 : pa;
}

static void attach_replace_and_detach(void **state)
{
	struct world *w = *state;
	struct pair p = new_pair(w);
	struct uiommu_device *dev = w->dev[0];
	uint64_t calls;

	assert_int_equal(uiommu_device_max_pasids(dev), 1 << PASID_BITS);
	assert_int_equal(reach(w, 5), 0);
	uiommu_device_pasid_detach(dev, 5);
	assert_int_equal(uiommu_device_pasid_replace(dev, 5, p.a), -EINVAL);
	assert_int_equal(uiommu_device_pasid_attach(dev, 5, p.a), 0);
	assert_int_equal(reach(w, 5), AT_A);
	assert_int_equal(reach(w, 6), 0);
	assert_int_equal(reach(w, UIOMMU_NO_PASID), 0);
	assert_ptr_equal(uiommu_device_pasid_domain(dev, 5), p.a);
	assert_null(uiommu_device_pasid_domain(dev, 6));

	assert_int_equal(uiommu_device_pasid_attach(dev, 5, p.a), -EBUSY);
	assert_int_equal(uiommu_device_pasid_attach(dev, 5, p.b), -EBUSY);
	assert_int_equal(reach(w, 5), AT_A);
	calls = w->fu->set_pasids;
	assert_int_equal(uiommu_device_pasid_replace(dev, 5, p.a), 0);
	assert_int_equal(w->fu->set_pasids, calls);
	assert_int_equal(uiommu_device_pasid_replace(dev, 5, p.b), 0);
	assert_int_equal(w->fu->set_pasids, calls + 1);
	assert_int_equal(reach(w, 5), AT_B);

	/* One domain, many places. */
	assert_int_equal(uiommu_device_pasid_attach(dev, 1, p.b), 0);
	assert_int_equal(uiommu_device_pasid_attach(w->dev[1], 5, p.b), 0);
	assert_int_equal(uiommu_group_attach(uiommu_device_group(dev), p.b), 0);
	assert_int_equal(uiommu_device_nr_pasids(dev), 2);
	uiommu_device_pasid_detach(dev, 5);
	uiommu_device_pasid_detach(dev, 5);
	assert_int_equal(reach(w, 5), 0);
	assert_int_equal(reach(w, 1), AT_B);
	assert_int_equal(reach(w, UIOMMU_NO_PASID), AT_B);
	assert_int_equal(uiommu_device_pasid_attach(dev, 5, p.a), 0);
	uiommu_device_pasid_detach(dev, 5);
	uiommu_device_pasid_detach(dev, 1);
	uiommu_device_pasid_detach(w->dev[1], 5);
	uiommu_group_detach(uiommu_device_group(dev));
	assert_int_equal(uiommu_device_nr_pasids(dev), 0);
	free_pair(&p);
}

/* PASIDs stay while the device's own domain comes and goes. */
static void the_device_s_own_domain_is_another_matter(void **state)
{
	struct world *w = *state;
	struct uiommu_group *g = uiommu_device_group(w->dev[0]);
	struct uiommu_domain *two =
		new_kind(w, UIOMMU_DOM_PAGING, UIOMMU_STAGE_2);
	struct uiommu_domain *id =
		new_kind(w, UIOMMU_DOM_IDENTITY, UIOMMU_STAGE_ANY);
	struct pair p = new_pair(w);

	assert_int_equal(uiommu_device_pasid_attach(w->dev[0], 5, p.a), 0);
	assert_int_equal(uiommu_group_attach(g, p.b), 0);
	assert_int_equal(uiommu_group_replace(g, id), 0);
	assert_int_equal(uiommu_group_replace(g, two), -EBUSY);
	assert_ptr_equal(uiommu_group_domain(g), id);
	assert_int_equal(reach(w, 5), AT_A);
	assert_int_equal(uiommu_group_detach(g), 0);
	assert_int_equal(reach(w, 5), AT_A);
	uiommu_device_pasid_detach(w->dev[0], 5);
	assert_int_equal(uiommu_group_attach(g, two), 0);
	assert_int_equal(uiommu_device_pasid_attach(w->dev[0], 5, p.a),
			 -EINVAL);
	uiommu_group_detach(g);
	uiommu_domain_free(two);
	uiommu_domain_free(id);
	free_pair(&p);
}

static void no_ats(void *cookie, bool enable)
{
}

/* What is tried of a device that has domain A at PASID 5. */
struct refusal {
	const char *what;
	struct uiommu_device *dev;
	uint32_t pasid;
	struct uiommu_domain *dom;
	int attach, replace;
};

static void try_refusal(struct world *w, const struct refusal *r)
{
	uint64_t live = uiommu_host_live(w->host);
	uint64_t calls = w->fu->set_pasids;
	unsigned int lines = log_lines();

	if (uiommu_device_pasid_attach(r->dev, r->pasid, r->dom) != r->attach)
		fail_msg("%s: attach", r->what);
	if (log_lines() != lines + 1)
		fail_msg("%s: attach says nothing", r->what);
	if (uiommu_device_pasid_replace(r->dev, r->pasid, r->dom) != r->replace)
		fail_msg("%s: replace", r->what);
	if (log_lines() != lines + 2)
		fail_msg("%s: replace says nothing", r->what);
	assert_int_equal(uiommu_host_live(w->host), live);
	assert_int_equal(w->fu->set_pasids, calls);
	assert_ptr_equal(uiommu_device_pasid_domain(w->dev[0], 5) == NULL, 0);
	assert_int_equal(reach(w, 5), AT_A);
}

static void every_refusal(void **state)
{
	struct world *w = *state;
	struct uiommu_device *none, *shared, *mate, *loose, *narrow;
	struct uiommu_device_cfg cfg = { .hw.pasid_bits = 0 };
	struct uiommu_domain *two =
		new_kind(w, UIOMMU_DOM_PAGING, UIOMMU_STAGE_2);
	struct uiommu_domain *id =
		new_kind(w, UIOMMU_DOM_IDENTITY, UIOMMU_STAGE_ANY);
	struct uiommu_domain *no =
		new_kind(w, UIOMMU_DOM_BLOCKED, UIOMMU_STAGE_ANY);
	struct pair p = new_pair(w);

	assert_int_equal(add_device(w, w->fu, 20, &cfg, &none), 0);
	assert_int_equal(add_device(w, w->fu, 21, NULL, &shared), 0);
	cfg = (struct uiommu_device_cfg){ .hw.pasid_bits = 4,
					  .group_with = shared };
	assert_int_equal(add_device(w, w->fu, 22, &cfg, &mate), 0);
	cfg = (struct uiommu_device_cfg){ .hw.pasid_bits = 4,
					  .routes_by_address = true };
	assert_int_equal(add_device(w, w->fu, 23, &cfg, &loose), 0);
	cfg = (struct uiommu_device_cfg){ .hw.pasid_bits = 20 };
	assert_int_equal(add_device(w, w->fu, 24, &cfg, &narrow), 0);
	assert_int_equal(uiommu_device_max_pasids(none), 0);
	assert_int_equal(uiommu_device_max_pasids(narrow), 1 << 16);
	assert_int_equal(uiommu_device_pasid_attach(w->dev[0], 5, p.a), 0);
	{
		const struct refusal rows[] = {
			{ "PASID 0", w->dev[0], 0, p.b, -EINVAL, -EINVAL },
			{ "too wide", w->dev[0], 1 << PASID_BITS, p.b, -EINVAL,
			  -EINVAL },
			{ "no PASID", w->dev[0], UIOMMU_NO_PASID, p.b, -EINVAL,
			  -EINVAL },
			{ "beyond the unit", narrow, 1 << 16, p.b, -EINVAL,
			  -EINVAL },
			{ "a device without", none, 5, p.b, -EOPNOTSUPP,
			  -EINVAL },
			{ "two in a group", shared, 5, p.b, -EINVAL, -EINVAL },
			{ "two in a group", mate, 5, p.b, -EINVAL, -EINVAL },
			{ "no isolation", loose, 5, p.b, -EINVAL, -EINVAL },
			{ "identity", w->dev[0], 5, id, -EOPNOTSUPP,
			  -EOPNOTSUPP },
			{ "blocked", w->dev[0], 5, no, -EOPNOTSUPP,
			  -EOPNOTSUPP },
			{ "in use", w->dev[0], 5, p.a, -EBUSY, 0 },
		};

		for (size_t i = 0; i + 1 < sizeof(rows) / sizeof(rows[0]); i++)
			try_refusal(w, &rows[i]);
	}
	/* What only the driver knows. */
	assert_int_equal(uiommu_device_pasid_attach(w->dev[0], 6, two),
			 -EINVAL);
	assert_int_equal(uiommu_device_pasid_replace(w->dev[0], 5, two),
			 -EINVAL);
	assert_int_equal(reach(w, 5), AT_A);
	assert_int_equal(uiommu_device_nr_pasids(w->dev[0]), 1);
	uiommu_device_pasid_detach(w->dev[0], 5);
	uiommu_device_remove(none);
	uiommu_device_remove(shared);
	uiommu_device_remove(mate);
	uiommu_device_remove(loose);
	uiommu_device_remove(narrow);
	uiommu_domain_free(two);
	uiommu_domain_free(id);
	uiommu_domain_free(no);
	free_pair(&p);
}

/* What a device can is what it and its unit can. */
static void features_of_a_device(void **state)
{
	static const struct {
		struct uiommu_device_cfg cfg;
		struct uiommu_device_features want;
	} rows[] = {
		{ { .hw.pasid_bits = 20, .pasid_exec = true },
		  { .pasid_bits = 16, .pasid_exec = true } },
		{ { .hw.pasid_bits = 4, .pasid_priv = true, .hw.ats = true },
		  { .pasid_bits = 4, .pasid_priv = true } },
		{ { .pasid_exec = true, .pasid_priv = true }, { 0 } },
		{ { .hw.pasid_bits = 4,
		    .pasid_exec = true,
		    .pasid_priv = true,
		    .routes_by_address = true },
		  { 0 } },
		{ { .hw.ats = true, .set_ats = no_ats }, { .ats = true } },
	};
	struct world *w = *state;
	struct fake_unit *with = new_unit(w), *without = new_unit(w);
	struct uiommu_device_features features;
	struct uiommu_device *dev;

	with->caps.ats = true;
	assert_int_equal(uiommu_core_add_unit(w->core, &with->unit), 0);
	assert_int_equal(uiommu_core_add_unit(w->core, &without->unit), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(add_device(w, with, 1, &rows[i].cfg, &dev), 0);
		uiommu_device_features(dev, &features);
		assert_int_equal(features.pasid_bits, rows[i].want.pasid_bits);
		assert_int_equal(features.pasid_exec, rows[i].want.pasid_exec);
		assert_int_equal(features.pasid_priv, rows[i].want.pasid_priv);
		assert_int_equal(features.ats, rows[i].want.ats);
		uiommu_device_remove(dev);
		assert_int_equal(add_device(w, without, 1, &rows[i].cfg, &dev),
				 0);
		uiommu_device_features(dev, &features);
		assert_false(features.ats);
		uiommu_device_remove(dev);
	}
}

/* Other units: what fits is shared, what does not is refused. */
static void across_units(void **state)
{
	static struct uiommu_driver_ops ops; /* outlives the test */
	struct world *w = *state;
	struct fake_unit *fits = new_unit(w), *small = new_unit(w);
	struct fake_unit *loose = new_unit(w), *alien = new_unit(w);
	struct fake_unit *bare = new_unit(w);
	struct {
		struct fake_unit *fu;
		int rc;
	} row[] = {
		{ fits, 0 },	    { small, -EINVAL },	   { loose, -EINVAL },
		{ alien, -EINVAL }, { bare, -EOPNOTSUPP },
	};
	struct uiommu_domain *dom = domain_at(w, AT_A);
	struct uiommu_device *dev;
	uiommu_pa_t pa;

	small->ias = 40;
	loose->caps.enforce_coherency = false;
	ops = *alien->unit.ops;
	alien->unit.ops = &ops;
	bare->caps.max_pasid_lg2 = 0;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct fake_unit *fu = row[i].fu;

		assert_int_equal(uiommu_core_add_unit(w->core, &fu->unit), 0);
		assert_int_equal(add_device(w, fu, 1, NULL, &dev), 0);
		assert_int_equal(uiommu_device_pasid_attach(dev, 9, dom),
				 row[i].rc);
		assert_int_equal(fake_dma_pasid(fu, 1, 9, IOVA, true, &pa),
				 row[i].rc ? -EFAULT : 0);
		uiommu_device_pasid_detach(dev, 9);
		uiommu_device_remove(dev);
	}
	uiommu_domain_free(dom);
}

/* A second device must not come while a PASID is in use. */
static void hot_plug_beside_a_pasid(void **state)
{
	struct world *w = *state;
	struct uiommu_device_cfg with = { .group_with = w->dev[0] };
	struct pair p = new_pair(w);
	struct uiommu_device *mate;

	assert_int_equal(uiommu_device_pasid_attach(w->dev[0], 5, p.a), 0);
	assert_int_equal(add_device(w, w->fu, 20, &with, &mate), -EBUSY);
	uiommu_device_pasid_detach(w->dev[0], 5);
	assert_int_equal(add_device(w, w->fu, 20, &with, &mate), 0);
	assert_int_equal(uiommu_device_pasid_attach(w->dev[0], 5, p.a),
			 -EINVAL);
	uiommu_device_remove(mate);
	assert_int_equal(uiommu_device_pasid_attach(w->dev[0], 5, p.a), 0);
	uiommu_device_pasid_detach(w->dev[0], 5);
	free_pair(&p);
}

static void owners_and_pasids(void **state)
{
	struct world *w = *state;
	struct uiommu_device *dev = w->dev[0], *late;
	struct pair p = new_pair(w);
	unsigned int lines;

	assert_int_equal(uiommu_device_pasid_attach(dev, 5, p.a), 0);
	assert_int_equal(uiommu_device_claim_owner(dev, w), -EBUSY);
	uiommu_device_pasid_detach(dev, 5);
	assert_int_equal(uiommu_device_claim_owner(dev, w), 0);
	for (uint32_t pasid = 1; pasid < 20; pasid++)
		assert_int_equal(uiommu_device_pasid_attach(dev, pasid, p.a),
				 0);
	lines = log_lines();
	uiommu_device_release_owner(dev);
	assert_int_equal(log_lines(), lines + 1);
	assert_int_equal(uiommu_device_nr_pasids(dev), 0);
	assert_int_equal(reach(w, 5), 0);

	/* So does the removal of a device. */
	assert_int_equal(add_device(w, w->fu, 20, NULL, &late), 0);
	assert_int_equal(uiommu_device_pasid_attach(late, 7, p.b), 0);
	lines = log_lines();
	uiommu_device_remove(late);
	assert_int_equal(log_lines(), lines + 1);
	/* Both domains are free to go. */
	free_pair(&p);
}

static void a_user_that_ends(void **state)
{
	struct world *w = *state;
	struct pair p = new_pair(w);
	uint32_t pasid, sum = 0, n = 0;

	assert_null(uiommu_device_pasid_detach_any(w->dev[0], &pasid));
	for (uint32_t i = 1; i <= 300; i++)
		assert_int_equal(uiommu_device_pasid_attach(w->dev[0], i * 37,
							    i & 1 ? p.a : p.b),
				 0);
	for (;;) {
		struct uiommu_domain *dom =
			uiommu_device_pasid_detach_any(w->dev[0], &pasid);

		if (!dom)
			break;
		assert_ptr_equal(dom, (pasid / 37) & 1 ? p.a : p.b);
		assert_int_equal(reach(w, pasid), 0);
		sum += pasid;
		n++;
	}
	assert_int_equal(n, 300);
	assert_int_equal(sum, 37 * 300 * 301 / 2);
	free_pair(&p);
}

/* An IOAS maps into a domain that only PASIDs use, like into any other. */
static void an_ioas_behind_a_pasid(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *a = join(w, ioas), *b = join(w, ioas);
	uiommu_pa_t pa;
	uint64_t n;

	assert_int_equal(uiommu_device_pasid_attach(w->dev[0], 3, a), 0);
	assert_int_equal(uiommu_group_attach(uiommu_device_group(w->dev[1]), b),
			 0);
	assert_int_equal(map_at(w, ioas, 4, 2, IOVA, RW), 0);
	assert_int_equal(fake_dma_pasid(w->fu, 1, 3, IOVA, false, &pa), 0);
	assert_int_equal(pa, fake_mm_pa(&w->mm, MEM + 4 * PAGE));
	assert_int_equal(fake_dma(w->fu, 2, IOVA, false, &pa), 0);
	assert_int_equal(uiommu_ioas_unmap(ioas, IOVA, 2 * PAGE, &n), 0);
	assert_int_equal(fake_dma_pasid(w->fu, 1, 3, IOVA, false, &pa),
			 -EFAULT);
	uiommu_device_pasid_detach(w->dev[0], 3);
	uiommu_group_detach(uiommu_device_group(w->dev[1]));
	leave(ioas, a);
	leave(ioas, b);
	uiommu_ioas_destroy(ioas);
}

/* ------------------------------------------------------------- failures -- */

/* The nth allocation fails: nothing has changed. */
static void out_of_memory(void **state)
{
	struct world *w = *state;
	struct pair p = new_pair(w);
	unsigned int failures = 0;

	for (uint32_t pasid = 1; pasid < 200; pasid++) {
		uint64_t live = uiommu_host_live(w->host);
		int rc;

		uiommu_host_fail_nth(w->host, 1);
		rc = uiommu_device_pasid_attach(w->dev[0], pasid, p.a);
		if (!uiommu_host_fail_nth(w->host, 0)) {
			assert_int_equal(rc, 0);
			continue;
		}
		failures++;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(uiommu_host_live(w->host), live);
		assert_int_equal(uiommu_device_nr_pasids(w->dev[0]), pasid - 1);
		assert_int_equal(reach(w, pasid), 0);
		assert_int_equal(
			uiommu_device_pasid_attach(w->dev[0], pasid, p.a), 0);
	}
	assert_true(failures >= 5);
	for (uint32_t pasid = 1; pasid < 200; pasid++) {
		assert_int_equal(reach(w, pasid), AT_A);
		/* Getting smaller may fail too, but nobody sees it. */
		uiommu_host_fail_nth(w->host, 1);
		uiommu_device_pasid_detach(w->dev[0], pasid);
		uiommu_host_fail_nth(w->host, 0);
	}
	free_pair(&p);
}

/* The driver refuses, in its ordinary way and by not answering. */
static void the_driver_refuses(void **state)
{
	static const int rcs[] = { -ENOMEM, -ENOSPC, -EINVAL, -ETIMEDOUT,
				   -EIO };
	struct world *w = *state;
	struct pair p = new_pair(w);

	for (size_t i = 0; i < sizeof(rcs) / sizeof(rcs[0]); i++) {
		w->fu->fail_rc = rcs[i];
		w->fu->fail_pasid = 1;
		assert_int_equal(uiommu_device_pasid_attach(w->dev[0], 5, p.a),
				 rcs[i]);
		assert_null(uiommu_device_pasid_domain(w->dev[0], 5));
		assert_int_equal(reach(w, 5), 0);
		assert_int_equal(uiommu_device_pasid_attach(w->dev[0], 5, p.a),
				 0);
		w->fu->fail_pasid = 1;
		assert_int_equal(uiommu_device_pasid_replace(w->dev[0], 5, p.b),
				 rcs[i]);
		assert_ptr_equal(uiommu_device_pasid_domain(w->dev[0], 5), p.a);
		assert_int_equal(reach(w, 5), AT_A);
		assert_int_equal(uiommu_device_pasid_replace(w->dev[0], 5, p.b),
				 0);
		w->fu->fail_rc = -ETIMEDOUT;
		w->fu->fail_pasid = 1;
		uiommu_device_pasid_detach(w->dev[0], 5);
		assert_null(uiommu_device_pasid_domain(w->dev[0], 5));
		assert_int_equal(reach(w, 5), 0);
	}
	free_pair(&p);
}

/* Not even the old domain can be had back: attached, but out of reach. */
static void hardware_that_stays_silent(void **state)
{
	struct world *w = *state;
	struct pair p = new_pair(w);

	assert_int_equal(uiommu_device_pasid_attach(w->dev[0], 5, p.a), 0);
	w->fu->fail_rc = -ETIMEDOUT;
	w->fu->stuck = 1;
	w->fu->fail_pasid = 1;
	assert_int_equal(uiommu_device_pasid_replace(w->dev[0], 5, p.b),
			 -ETIMEDOUT);
	assert_int_equal(uiommu_device_pasid_replace(w->dev[0], 5, p.a),
			 -ETIMEDOUT);
	assert_ptr_equal(uiommu_device_pasid_domain(w->dev[0], 5), p.a);
	assert_int_equal(reach(w, 5), 0);
	/* It answers again: the same domain is in force again. */
	w->fu->fail_pasid = 0;
	assert_int_equal(uiommu_device_pasid_replace(w->dev[0], 5, p.a), 0);
	assert_int_equal(reach(w, 5), AT_A);

	w->fu->fail_pasid = 1;
	assert_int_equal(uiommu_device_pasid_replace(w->dev[0], 5, p.b),
			 -ETIMEDOUT);
	w->fu->fail_pasid = 0;
	assert_int_equal(uiommu_device_pasid_replace(w->dev[0], 5, p.b), 0);
	assert_int_equal(reach(w, 5), AT_B);
	w->fu->fail_pasid = 1;
	assert_int_equal(uiommu_device_pasid_replace(w->dev[0], 5, p.a),
			 -ETIMEDOUT);
	uiommu_device_pasid_detach(w->dev[0], 5);
	assert_null(uiommu_device_pasid_domain(w->dev[0], 5));
	free_pair(&p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(attach_replace_and_detach),
		T(the_device_s_own_domain_is_another_matter),
		T(every_refusal),
		T(features_of_a_device),
		T(across_units),
		T(hot_plug_beside_a_pasid),
		T(owners_and_pasids),
		T(a_user_that_ends),
		T(an_ioas_behind_a_pasid),
		T(out_of_memory),
		T(the_driver_refuses),
		T(hardware_that_stays_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
