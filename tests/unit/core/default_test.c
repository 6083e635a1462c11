/* SPDX-License-Identifier: BSD-2-Clause */
/* Kinds of domains, what a group uses at rest, and what was written to. */
#include <string.h>

#include "world.h"

static struct uiommu_group *group_of(struct uiommu_device *dev)
{
	return uiommu_device_group(dev);
}

static int add_kind(struct world *w, enum uiommu_default_domain kind,
		    struct uiommu_device *with, uint32_t id,
		    struct uiommu_device **dev)
{
	const struct uiommu_device_cfg cfg = {
		.group_with = with,
		.default_domain = kind,
	};

	return add_device(w, w->fu, id, &cfg, dev);
}

static struct uiommu_domain *new_kind(struct world *w,
				      enum uiommu_dom_type type, uint32_t flags)
{
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = type, .flags = flags },
	};
	struct uiommu_domain *dom;

	assert_int_equal(uiommu_domain_alloc_cfg(w->dev[0], &cfg, &dom), 0);
	assert_int_equal(uiommu_domain_type(dom), type);
	return dom;
}

/* Where an access of device `id` at `iova` ends; 0: nowhere. */
static uiommu_pa_t goes_to(struct world *w, uint32_t id, uiommu_iova_t iova)
{
	uiommu_pa_t pa;

	return fake_dma(w->fu, id, iova, true, &pa) ? 0 : pa;
}

static void a_group_at_rest(void **state)
{
	static const struct {
		enum uiommu_default_domain kind;
		uiommu_pa_t rest; /* where 0x1000 goes */
	} row[] = {
		{ UIOMMU_DEFAULT_BLOCKED, 0 },
		{ UIOMMU_DEFAULT_IDENTITY, 0x1000 },
		{ UIOMMU_DEFAULT_DMA, 0xd000 },
	};
	struct world *w = *state;
	struct uiommu_domain *dom = new_domain(w), *def;
	struct uiommu_device *dev, *mate;
	struct uiommu_group *g;

	assert_int_equal(uiommu_domain_map(dom, 0x1000, 0xa000, PAGE, RW), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(add_kind(w, row[i].kind, NULL, 20, &dev), 0);
		g = group_of(dev);
		def = uiommu_group_default_domain(g);
		assert_int_equal(!def, row[i].kind == UIOMMU_DEFAULT_BLOCKED);
		if (row[i].kind == UIOMMU_DEFAULT_DMA)
			assert_int_equal(uiommu_domain_map(def, 0x1000, 0xd000,
							   PAGE, RW),
					 0);
		assert_null(uiommu_group_domain(g));
		assert_int_equal(goes_to(w, 20, 0x1000), row[i].rest);
		assert_int_equal(add_kind(w, row[i].kind, dev, 21, &mate), 0);
		assert_int_equal(goes_to(w, 21, 0x1000), row[i].rest);

		/* A user of the library, without an owner. */
		assert_int_equal(uiommu_group_replace(g, dom), -EINVAL);
		assert_int_equal(uiommu_group_attach(g, dom), 0);
		assert_int_equal(goes_to(w, 21, 0x1000), 0xa000);
		uiommu_group_detach(g);
		assert_int_equal(goes_to(w, 21, 0x1000), row[i].rest);

		/* Blocked while it is owned and attached to nothing. */
		assert_int_equal(uiommu_device_claim_owner(dev, w), 0);
		assert_int_equal(goes_to(w, 20, 0x1000), 0);
		assert_int_equal(goes_to(w, 21, 0x1000), 0);
		assert_int_equal(uiommu_group_attach(g, dom), 0);
		uiommu_group_detach(g);
		assert_int_equal(goes_to(w, 20, 0x1000), 0);
		assert_int_equal(uiommu_group_attach(g, dom), 0);
		uiommu_device_release_owner(dev);
		assert_null(uiommu_group_domain(g));
		assert_int_equal(goes_to(w, 20, 0x1000), row[i].rest);
		assert_int_equal(goes_to(w, 21, 0x1000), row[i].rest);
		uiommu_device_remove(dev);
		assert_int_equal(goes_to(w, 21, 0x1000), row[i].rest);
		uiommu_device_remove(mate);
	}
	uiommu_domain_free(dom);
}

static void a_group_has_one_default_domain(void **state)
{
	struct world *w = *state;
	unsigned int lines = log_lines();
	struct uiommu_device *dev, *mate;

	assert_int_equal(add_kind(w, UIOMMU_DEFAULT_DMA, NULL, 20, &dev), 0);
	assert_int_equal(add_kind(w, UIOMMU_DEFAULT_IDENTITY, dev, 21, &mate),
			 -EINVAL);
	assert_int_equal(log_lines(), lines + 1);
	assert_int_equal(uiommu_group_nr_devices(group_of(dev)), 1);
	assert_int_equal(add_kind(w, 7, NULL, 21, &mate), -EINVAL);
	uiommu_device_remove(dev);
}

/* Adding a device with a default domain, whatever fails. */
static void a_default_domain_can_be_refused(void **state)
{
	struct world *w = *state;
	struct uiommu_device *dev, *mate;

	for (unsigned int n = 1;; n++) {
		uint64_t live = uiommu_host_live(w->host);
		int rc;

		uiommu_host_fail_nth(w->host, n);
		rc = add_kind(w, UIOMMU_DEFAULT_DMA, NULL, 20, &dev);
		if (!uiommu_host_fail_nth(w->host, 0)) {
			assert_int_equal(rc, 0);
			assert_true(n > 5);
			break;
		}
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(uiommu_host_live(w->host), live);
	}
	w->fu->fail_attach = 1;
	assert_int_equal(add_kind(w, UIOMMU_DEFAULT_DMA, dev, 21, &mate),
			 -ENOMEM);
	assert_int_equal(uiommu_group_nr_devices(group_of(dev)), 1);

	/* A claim that the hardware refuses is none. */
	w->fu->fail_attach = 1;
	assert_int_equal(uiommu_device_claim_owner(dev, w), -ENOMEM);
	assert_false(uiommu_group_owned(group_of(dev)));
	assert_int_equal(
		uiommu_domain_map(uiommu_group_default_domain(group_of(dev)),
				  0x1000, 0xd000, PAGE, RW),
		0);
	assert_int_equal(goes_to(w, 20, 0x1000), 0xd000);
	uiommu_device_remove(dev);
}

/* Doorbells of a group at rest. */
static void doorbells_at_rest(void **state)
{
	struct world *w = *state;
	struct uiommu_domain *dom = new_domain(w);
	struct uiommu_device *dev[3];
	uiommu_iova_t iova, window;

	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(add_kind(w, i, NULL, 20 + i, &dev[i]), 0);
	assert_int_equal(uiommu_group_msi_map(group_of(dev[0]), 0x90000040,
					      &iova),
			 -ENOENT);
	assert_int_equal(
		uiommu_group_msi_map(group_of(dev[1]), 0x90000040, &iova), 0);
	assert_int_equal(iova, 0x90000040);
	assert_true(uiommu_group_msi_window(group_of(dev[2]), &window));
	assert_int_equal(
		uiommu_group_msi_map(group_of(dev[2]), 0x90000040, &iova), 0);
	assert_int_equal(iova, window + 0x40);
	assert_int_equal(goes_to(w, 22, iova), 0x90000040);
	/* A domain that comes later has it too, and one that comes back. */
	assert_int_equal(uiommu_group_attach(group_of(dev[2]), dom), 0);
	assert_int_equal(goes_to(w, 22, iova), 0x90000040);
	assert_int_equal(
		uiommu_group_msi_map(group_of(dev[2]), 0x91000000, &iova), 0);
	uiommu_group_detach(group_of(dev[2]));
	assert_int_equal(goes_to(w, 22, iova), 0x91000000);
	for (unsigned int i = 0; i < 3; i++)
		uiommu_device_remove(dev[i]);
	uiommu_domain_free(dom);
}

static void kinds_of_domains(void **state)
{
	struct world *w = *state;
	struct uiommu_domain *id = new_kind(w, UIOMMU_DOM_IDENTITY, 0);
	struct uiommu_domain *none = new_kind(w, UIOMMU_DOM_BLOCKED, 0);
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_group *g = group_of(w->dev[0]);
	struct uiommu_domain_geometry geo;
	uiommu_pa_t pa;
	uint64_t n = 7;

	assert_int_equal(uiommu_group_attach(g, id), 0);
	assert_int_equal(goes_to(w, 1, 0x5000), 0x5000);
	assert_int_equal(uiommu_group_replace(g, none), 0);
	assert_int_equal(goes_to(w, 1, 0x5000), 0);
	uiommu_group_detach(g);

	assert_int_equal(uiommu_domain_iova_to_pa(id, 0x5000, &pa), 0);
	assert_int_equal(pa, 0x5000);
	assert_int_equal(uiommu_domain_iova_to_pa(none, 0x5000, &pa), -ENOENT);
	assert_int_equal(uiommu_domain_map(id, 0, 0, PAGE, RW), -EINVAL);
	assert_int_equal(uiommu_domain_unmap(none, 0, PAGE, &n), -EINVAL);
	assert_int_equal(n, 0);
	assert_int_equal(uiommu_ioas_add_domain(ioas, id), -EINVAL);
	uiommu_domain_geometry(id, &geo);
	assert_int_equal(geo.pgsizes, 0);
	uiommu_domain_free(id);
	uiommu_domain_free(none);
	uiommu_ioas_destroy(ioas);
}

static void what_cannot_be_made(void **state)
{
	struct world *w = *state;
	struct uiommu_domain *dom = NULL;
	struct uiommu_domain_cfg cfg = {
		.hw = { .type = UIOMMU_DOM_PAGING, .stage = 9 },
	};

	assert_int_equal(uiommu_domain_alloc_cfg(w->dev[0], &cfg, &dom),
			 -EINVAL);
	cfg.hw.stage = UIOMMU_STAGE_ANY;
	cfg.hw.flags = UIOMMU_DOM_DIRTY;
	w->fu->caps.dirty_tracking = false;
	assert_int_equal(uiommu_domain_alloc_cfg(w->dev[0], &cfg, &dom),
			 -EOPNOTSUPP);
	assert_null(dom);
}

/* ---------------------------------------------------------------- dirty -- */

static void count_page(void *ctx, uiommu_iova_t iova, uint64_t size)
{
	*(uint64_t *)ctx += iova + size;
}

/* The sum of what was reported of the first 64 pages. */
static uint64_t dirty(struct uiommu_domain *dom, uint32_t flags)
{
	uint64_t sum = 0;

	assert_int_equal(uiommu_domain_read_dirty(dom, 0, 64 * PAGE, flags,
						  count_page, &sum),
			 0);
	return sum;
}

static void written_pages_are_reported(void **state)
{
	struct world *w = *state;
	struct uiommu_domain *dom =
		new_kind(w, UIOMMU_DOM_PAGING, UIOMMU_DOM_DIRTY);
	struct uiommu_group *g = group_of(w->dev[0]);
	uint64_t sum = 0;

	assert_int_equal(uiommu_domain_map(dom, 0, 0x100000, 64 * PAGE, RW), 0);
	assert_int_equal(uiommu_group_attach(g, dom), 0);
	assert_true(goes_to(w, 1, 0x3000));
	assert_int_equal(uiommu_domain_read_dirty(dom, 0, PAGE, 0, count_page,
						  &sum),
			 -EINVAL);
	/* What came before it is turned on is forgotten. */
	assert_int_equal(uiommu_domain_set_dirty_tracking(dom, true), 0);
	assert_int_equal(dirty(dom, 0), 0);
	assert_true(goes_to(w, 1, 0x5000));
	/* On again forgets again. */
	assert_int_equal(dirty(dom, UIOMMU_DIRTY_NO_CLEAR), 0x6000);
	assert_int_equal(uiommu_domain_set_dirty_tracking(dom, true), 0);
	assert_int_equal(dirty(dom, UIOMMU_DIRTY_NO_CLEAR), 0);
	assert_true(goes_to(w, 1, 0x5000));
	assert_int_equal(dirty(dom, UIOMMU_DIRTY_NO_CLEAR), 0x6000);
	assert_int_equal(dirty(dom, 0), 0x6000);
	assert_int_equal(dirty(dom, 0), 0);
	assert_int_equal(uiommu_domain_read_dirty(dom, 1, PAGE, 0, count_page,
						  &sum),
			 -EINVAL);
	assert_int_equal(uiommu_domain_set_dirty_tracking(dom, false), 0);
	assert_int_equal(uiommu_domain_set_dirty_tracking(dom, false), 0);
	assert_int_equal(uiommu_domain_read_dirty(dom, 0, PAGE, 0, count_page,
						  &sum),
			 -EINVAL);
	/* Silent hardware: it stays off. */
	w->fu->fail_dirty = 1;
	assert_int_equal(uiommu_domain_set_dirty_tracking(dom, true),
			 -ETIMEDOUT);
	assert_int_equal(uiommu_domain_read_dirty(dom, 0, PAGE, 0, count_page,
						  &sum),
			 -EINVAL);
	assert_int_equal(sum, 0);
	uiommu_group_detach(g);
	uiommu_domain_free(dom);
}

static void domains_that_keep_no_track(void **state)
{
	struct world *w = *state;
	struct uiommu_domain *dom = new_domain(w);
	struct uiommu_domain *id =
		new_kind(w, UIOMMU_DOM_IDENTITY, UIOMMU_DOM_DIRTY);

	assert_int_equal(uiommu_domain_set_dirty_tracking(dom, true),
			 -EOPNOTSUPP);
	assert_int_equal(uiommu_domain_set_dirty_tracking(dom, false),
			 -EOPNOTSUPP);
	assert_int_equal(uiommu_domain_read_dirty(dom, 0, PAGE, 0, count_page,
						  NULL),
			 -EOPNOTSUPP);
	assert_int_equal(uiommu_domain_set_dirty_tracking(id, true),
			 -EOPNOTSUPP);
	uiommu_domain_free(dom);
	uiommu_domain_free(id);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(a_group_at_rest),
		T(a_group_has_one_default_domain),
		T(a_default_domain_can_be_refused),
		T(doorbells_at_rest),
		T(kinds_of_domains),
		T(what_cannot_be_made),
		T(written_pages_are_reported),
		T(domains_that_keep_no_track),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
