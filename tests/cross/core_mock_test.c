/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core on the mock driver alone, whose pages are of 2 KiB and whose addresses
 * begin at 16 MiB: what tests/unit/core shows of it holds for an IOMMU that is like
 * no SMMU.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/core.h>
#include <uiommu/host.h>
#include <uiommu/mock.h>

#include "base/bits.h"
#include "fake_space.h"

#define BASE UIOMMU_MOCK_APERTURE_FIRST
#define PAGE UINT64_C(2048)
#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)
#define NONE UIOMMU_NO_PASID
#define PASID_BITS 8u
#define FLAKY 9u /* each second attachment in a row of this PASID fails */

enum {
	PLAIN = 1,
	ASKS,
	MORE
}; /* ids of devices */

struct scene {
	struct uiommu_host *host;
	struct uiommu_platform own;
	struct uiommu_core *core;
	struct uiommu_unit *unit, *lesser; /* the lesser keeps no dirty state */
	struct uiommu_device *plain, *asks;
	unsigned int lines; /* of the log */
	/* Faults that the core passed on, and the last. */
	unsigned int faults;
	struct uiommu_device *fault_dev;
	struct uiommu_fault fault;
};

static unsigned int *lines;

static void keep_log(void *ctx, enum uiommu_log_level level, const char *msg)
{
	++*lines;
}

static void on_fault(void *ctx, struct uiommu_device *dev,
		     const struct uiommu_fault *fault)
{
	struct scene *s = ctx;

	s->faults++;
	s->fault_dev = dev;
	s->fault = *fault;
}

static struct uiommu_device *add(struct scene *s, struct uiommu_unit *unit,
				 uint32_t id, struct uiommu_device *group_with,
				 enum uiommu_default_domain kind)
{
	const struct uiommu_device_cfg cfg = {
		.hw = {
			.name = id == ASKS ? "asks" : "plain",
			.ids = &id,
			.nr_ids = 1,
			.pasid_bits = PASID_BITS,
			.pri = id == ASKS,
		},
		.group_with = group_with,
		.default_domain = kind,
	};
	struct uiommu_device *dev;

	assert_int_equal(uiommu_device_add(s->core, unit, &cfg, &dev), 0);
	return dev;
}

static struct uiommu_unit *new_unit(struct scene *s, bool dirty)
{
	const struct uiommu_mock_cfg cfg = {
		.platform = &s->own,
		.host = &uiommu_core_host_ops,
		.host_ctx = s->core,
		.dirty_tracking = dirty,
		.flaky_pasid = FLAKY,
	};
	struct uiommu_unit *unit;

	assert_int_equal(uiommu_mock_create(&cfg, &unit), 0);
	assert_int_equal(uiommu_core_add_unit(s->core, unit), 0);
	return unit;
}

static void open_scene(struct scene *s)
{
	struct uiommu_core_cfg cfg = { .fault = on_fault, .ctx = s };

	*s = (struct scene){ 0 };
	lines = &s->lines;
	assert_int_equal(uiommu_host_create(1ull << 30, &s->host), 0);
	s->own = *uiommu_host_platform(s->host);
	s->own.log = keep_log;
	cfg.platform = &s->own;
	assert_int_equal(uiommu_core_create(&cfg, &s->core), 0);
	s->unit = new_unit(s, true);
	s->lesser = new_unit(s, false);
	s->plain = add(s, s->unit, PLAIN, NULL, UIOMMU_DEFAULT_BLOCKED);
	s->asks = add(s, s->unit, ASKS, NULL, UIOMMU_DEFAULT_BLOCKED);
}

static void close_scene(struct scene *s)
{
	uiommu_device_remove(s->asks);
	uiommu_device_remove(s->plain);
	uiommu_core_destroy(s->core);
	uiommu_host_barrier(s->host);
	assert_int_equal(uiommu_host_live(s->host), 0);
	uiommu_host_destroy(s->host);
}

/* Page `n` of the memory that domain `tag` leads to. */
static uint64_t pa_of(unsigned int tag, unsigned int n)
{
	return ((uint64_t)tag << 20) + n * PAGE;
}

/* Four pages from BASE on. */
static struct uiommu_domain *new_domain(struct scene *s, unsigned int tag)
{
	struct uiommu_domain *dom;

	assert_int_equal(uiommu_domain_alloc(s->plain, &dom), 0);
	assert_int_equal(
		uiommu_domain_map(dom, BASE, pa_of(tag, 0), 4 * PAGE, RW), 0);
	return dom;
}

/* What the device finds at BASE + page `n`; 0: nothing. */
static uint64_t finds(struct uiommu_unit *unit, uint32_t id, uint32_t pasid,
		      unsigned int n)
{
	uiommu_pa_t pa = 0;
	int rc =
		uiommu_mock_access(unit, id, pasid, BASE + n * PAGE, true, &pa);

	assert_true(!rc || rc == -EFAULT);
	return rc ? 0 : pa;
}

static uint64_t counter(struct uiommu_unit *unit, const char *name)
{
	const char *it;
	uint64_t value;

	for (unsigned int i = 0; unit->ops->counter(unit, i, &it, &value); i++)
		if (!strcmp(it, name))
			return value;
	fail();
	return 0;
}

/* Refused, with a line in the log. */
#define refused(s, call, error)                   \
	do {                                      \
		unsigned int before = (s)->lines; \
		assert_int_equal(call, error);    \
		assert_true((s)->lines > before); \
	} while (0)

/* ---------------------------------------------------------------- PASIDs -- */

static void pasids_change_hands(void **state)
{
	struct uiommu_domain *a, *b;
	struct scene s;

	open_scene(&s);
	a = new_domain(&s, 1);
	b = new_domain(&s, 2);
	assert_int_equal(uiommu_device_pasid_attach(s.plain, 5, a), 0);
	assert_int_equal(finds(s.unit, PLAIN, 5, 1), pa_of(1, 1));
	assert_int_equal(finds(s.unit, PLAIN, 6, 1), 0);
	assert_int_equal(finds(s.unit, PLAIN, NONE, 1), 0);
	assert_int_equal(finds(s.unit, ASKS, 5, 1), 0);

	refused(&s, uiommu_device_pasid_attach(s.plain, 5, b), -EBUSY);
	refused(&s, uiommu_device_pasid_attach(s.plain, 0, b), -EINVAL);
	refused(&s, uiommu_device_pasid_attach(s.plain, 1u << PASID_BITS, b),
		-EINVAL);
	refused(&s, uiommu_device_pasid_replace(s.plain, 6, b), -EINVAL);
	assert_int_equal(finds(s.unit, PLAIN, 5, 1), pa_of(1, 1));
	assert_int_equal(uiommu_device_nr_pasids(s.plain), 1);

	assert_int_equal(uiommu_device_pasid_replace(s.plain, 5, b), 0);
	assert_int_equal(finds(s.unit, PLAIN, 5, 1), pa_of(2, 1));
	/* A domain for the device itself leaves the PASID alone. */
	assert_int_equal(uiommu_group_attach(uiommu_device_group(s.plain), a),
			 0);
	assert_int_equal(finds(s.unit, PLAIN, NONE, 2), pa_of(1, 2));
	assert_int_equal(finds(s.unit, PLAIN, 5, 2), pa_of(2, 2));
	uiommu_group_detach(uiommu_device_group(s.plain));
	uiommu_device_pasid_detach(s.plain, 5);
	assert_int_equal(finds(s.unit, PLAIN, 5, 1), 0);
	uiommu_device_pasid_detach(s.plain, 5);
	assert_int_equal(uiommu_device_nr_pasids(s.plain), 0);
	uiommu_domain_free(a);
	uiommu_domain_free(b);
	close_scene(&s);
}

/* The driver refuses: the old attachment stands, and what it leads to. */
static void a_driver_that_fails(void **state)
{
	struct uiommu_domain *a, *b;
	struct scene s;

	open_scene(&s);
	a = new_domain(&s, 1);
	b = new_domain(&s, 2);
	assert_int_equal(uiommu_device_pasid_attach(s.plain, FLAKY, a), 0);
	refused(&s, uiommu_device_pasid_replace(s.plain, FLAKY, b), -ENOMEM);
	assert_ptr_equal(uiommu_device_pasid_domain(s.plain, FLAKY), a);
	assert_int_equal(finds(s.unit, PLAIN, FLAKY, 0), pa_of(1, 0));
	assert_int_equal(uiommu_device_pasid_replace(s.plain, FLAKY, b), 0);
	assert_int_equal(finds(s.unit, PLAIN, FLAKY, 0), pa_of(2, 0));
	uiommu_device_pasid_detach(s.plain, FLAKY);
	uiommu_domain_free(a);
	uiommu_domain_free(b);
	close_scene(&s);
}

static void auxiliary_domains(void **state)
{
	struct uiommu_domain *parent, *aux;
	struct scene s;
	int pasid;

	open_scene(&s);
	parent = new_domain(&s, 1);
	aux = new_domain(&s, 2);
	assert_int_equal(
		uiommu_group_attach(uiommu_device_group(s.plain), parent), 0);
	refused(&s, uiommu_aux_attach(aux, s.plain), -EINVAL);
	assert_int_equal(
		uiommu_dev_enable_feature(s.plain, UIOMMU_DEV_FEAT_AUX), 0);
	assert_int_equal(uiommu_aux_attach(aux, s.plain), 0);
	pasid = uiommu_aux_pasid(aux, s.plain);
	assert_true(pasid > 0);
	assert_int_equal(finds(s.unit, PLAIN, NONE, 3), pa_of(1, 3));
	assert_int_equal(finds(s.unit, PLAIN, (uint32_t)pasid, 3), pa_of(2, 3));
	refused(&s, uiommu_dev_disable_feature(s.plain, UIOMMU_DEV_FEAT_AUX),
		-EBUSY);
	uiommu_aux_detach(aux, s.plain);
	assert_int_equal(finds(s.unit, PLAIN, (uint32_t)pasid, 3), 0);
	assert_int_equal(uiommu_aux_pasid(aux, s.plain), -EINVAL);
	assert_int_equal(
		uiommu_dev_disable_feature(s.plain, UIOMMU_DEV_FEAT_AUX), 0);
	uiommu_group_detach(uiommu_device_group(s.plain));
	uiommu_domain_free(aux);
	uiommu_domain_free(parent);
	close_scene(&s);
}

/* ------------------------------------------------------ shared addresses -- */

/* An access, with a page request if there is nothing: where it ends, or 0. */
static uint64_t reaches(struct scene *s, uint32_t pasid, uint64_t iova)
{
	const struct uiommu_page_request req = {
		.flags = UIOMMU_PAGE_WRITE | UIOMMU_PAGE_LAST,
		.pasid = pasid,
		.token = 1,
		.iova = align_down_lg2(iova, 12),
	};
	uiommu_pa_t pa;

	if (!uiommu_mock_access(s->unit, ASKS, pasid, iova, true, &pa))
		return pa;
	assert_int_equal(uiommu_mock_page_request(s->unit, ASKS, &req), 0);
	s->unit->ops->irq(s->unit, 0);
	return uiommu_mock_access(s->unit, ASKS, pasid, iova, true, &pa) ? 0
									 : pa;
}

static void addresses_are_shared(void **state)
{
	struct uiommu_sva *sva;
	struct space space;
	struct scene s;
	uiommu_pa_t pa;
	uint32_t pasid;

	open_scene(&s);
	space_init(&space);
	refused(&s, uiommu_sva_bind(s.plain, &space.mm, &sva), -ENODEV);
	assert_int_equal(uiommu_sva_bind(s.asks, &space.mm, &sva), 0);
	pasid = uiommu_sva_pasid(sva);
	assert_int_equal(reaches(&s, pasid, HOME + 8), HOME + 8);
	assert_int_equal(reaches(&s, pasid, HOME + PAGE), HOME + PAGE);
	assert_int_equal(reaches(&s, pasid, AT(1)), AT(1));
	assert_int_equal(space.populated, 2);
	/* One page changes: gone before the change, and asked for again after. */
	begin(&space, HOME, AT(1) - 1);
	assert_int_equal(uiommu_mock_access(s.unit, ASKS, pasid, HOME, true,
					    &pa),
			 -EFAULT);
	assert_int_equal(uiommu_mock_access(s.unit, ASKS, pasid, HOME + PAGE,
					    true, &pa),
			 -EFAULT);
	assert_int_equal(
		uiommu_mock_access(s.unit, ASKS, pasid, AT(1), true, &pa), 0);
	end(&space, HOME, AT(1) - 1);
	assert_int_equal(reaches(&s, pasid, HOME), HOME);
	assert_int_equal(space.populated, 3);
	uiommu_sva_unbind(sva);
	assert_int_equal(uiommu_mock_access(s.unit, ASKS, pasid, HOME, true,
					    &pa),
			 -EFAULT);
	assert_int_equal(space.nr, 0);
	assert_int_equal(space.held, 0);
	close_scene(&s);
}

/* No processor has a page table like this IOMMU's. */
static void no_table_of_a_processor(void **state)
{
	const struct uiommu_cpu_tables cpu = { 0 };
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = UIOMMU_DOM_SHARED, .cpu = &cpu },
	};
	struct uiommu_domain *dom;
	struct scene s;

	open_scene(&s);
	refused(&s, uiommu_domain_alloc_cfg(s.asks, &cfg, &dom), -EOPNOTSUPP);
	close_scene(&s);
}

/* ---------------------------------------------------------------- groups -- */

static void groups_and_owners(void **state)
{
	struct uiommu_device *first, *second;
	struct uiommu_domain *dom;
	struct scene s;
	int me;

	open_scene(&s);
	dom = new_domain(&s, 1);
	first = add(&s, s.unit, MORE, NULL, UIOMMU_DEFAULT_IDENTITY);
	second = add(&s, s.lesser, MORE, first, UIOMMU_DEFAULT_IDENTITY);
	assert_int_equal(finds(s.unit, MORE, NONE, 0), BASE);
	assert_int_equal(finds(s.lesser, MORE, NONE, 0), BASE);
	refused(&s, uiommu_device_pasid_attach(first, 1, dom), -EINVAL);

	assert_int_equal(uiommu_device_claim_owner(second, &me), 0);
	assert_int_equal(finds(s.unit, MORE, NONE, 0), 0);
	assert_int_equal(uiommu_device_claim_owner(first, &s), -EPERM);
	assert_int_equal(uiommu_group_attach(uiommu_device_group(first), dom),
			 0);
	assert_int_equal(finds(s.unit, MORE, NONE, 1), pa_of(1, 1));
	assert_int_equal(finds(s.lesser, MORE, NONE, 1), pa_of(1, 1));
	uiommu_device_release_owner(second);
	assert_int_equal(finds(s.unit, MORE, NONE, 1), BASE + PAGE);
	assert_int_equal(finds(s.lesser, MORE, NONE, 1), BASE + PAGE);
	uiommu_device_remove(second);
	uiommu_device_remove(first);
	uiommu_domain_free(dom);
	close_scene(&s);
}

static void what_is_unmapped_is_gone(void **state)
{
	struct uiommu_domain *dom;
	uint64_t flushes, gone;
	struct scene s;

	open_scene(&s);
	dom = new_domain(&s, 1);
	assert_int_equal(uiommu_device_pasid_attach(s.plain, 3, dom), 0);
	flushes = counter(s.unit, "flushes");
	assert_int_equal(uiommu_domain_unmap(dom, BASE + PAGE, PAGE, &gone), 0);
	assert_int_equal(gone, PAGE);
	assert_true(counter(s.unit, "flushes") > flushes);
	assert_int_equal(finds(s.unit, PLAIN, 3, 0), pa_of(1, 0));
	assert_int_equal(finds(s.unit, PLAIN, 3, 1), 0);
	/* Whose access it was reaches the core's owner. */
	s.unit->ops->irq(s.unit, 0);
	assert_int_equal(s.faults, 1);
	assert_ptr_equal(s.fault_dev, s.plain);
	assert_int_equal(s.fault.kind, UIOMMU_FAULT_TRANSLATION);
	assert_int_equal(s.fault.pasid, 3);
	assert_int_equal(s.fault.iova, BASE + PAGE);
	uiommu_device_pasid_detach(s.plain, 3);
	uiommu_domain_free(dom);
	close_scene(&s);
}

/* ---------------------------------------------------------------- dirty -- */

static void note_page(void *ctx, uiommu_iova_t iova, uint64_t size)
{
	uint64_t *pages = ctx;

	assert_int_equal(size, PAGE);
	*pages |= UINT64_C(1) << ((iova - BASE) / PAGE);
}

static uint64_t dirty(struct uiommu_domain *dom)
{
	uint64_t pages = 0;

	assert_int_equal(uiommu_domain_read_dirty(dom, BASE, 4 * PAGE, 0,
						  note_page, &pages),
			 0);
	return pages;
}

static void pages_that_were_written(void **state)
{
	const struct uiommu_domain_cfg cfg = { .hw.flags = UIOMMU_DOM_DIRTY,
					       .hw.type = UIOMMU_DOM_PAGING };
	struct uiommu_device *other;
	struct uiommu_domain *dom;
	struct scene s;

	open_scene(&s);
	other = add(&s, s.lesser, MORE, NULL, UIOMMU_DEFAULT_BLOCKED);
	refused(&s, uiommu_domain_alloc_cfg(other, &cfg, &dom), -EOPNOTSUPP);
	assert_int_equal(uiommu_domain_alloc_cfg(s.plain, &cfg, &dom), 0);
	/* Pages that do not go together in pairs. */
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(uiommu_domain_map(dom, BASE + i * PAGE,
						   pa_of(1, 3 * i), PAGE, RW),
				 0);
	refused(&s, uiommu_group_attach(uiommu_device_group(other), dom),
		-EINVAL);
	assert_int_equal(uiommu_device_pasid_attach(s.plain, 1, dom), 0);
	assert_int_equal(finds(s.unit, PLAIN, 1, 0), pa_of(1, 0));
	assert_int_equal(uiommu_domain_set_dirty_tracking(dom, true), 0);
	assert_int_equal(dirty(dom), 0);
	assert_int_equal(finds(s.unit, PLAIN, 1, 2), pa_of(1, 6));
	assert_int_equal(dirty(dom), 1u << 2);
	assert_int_equal(dirty(dom), 0);
	uiommu_device_pasid_detach(s.plain, 1);
	uiommu_domain_free(dom);
	uiommu_device_remove(other);
	close_scene(&s);
}

/* ----------------------------------------------------------- page faults -- */

struct asked {
	struct uiommu_iopf_group *group;
	unsigned int came, withdrawn;
};

static int on_group(void *ctx, struct uiommu_iopf_group *group)
{
	struct asked *a = ctx;

	a->came++;
	a->group = group;
	return 0;
}

static void on_withdrawn(void *ctx, struct uiommu_iopf_group *group)
{
	struct asked *a = ctx;

	a->withdrawn++;
	uiommu_iopf_group_put(group);
}

static const struct uiommu_iopf_ops asked_ops = { on_group, on_withdrawn };

static void ask(struct scene *s, uint32_t token, unsigned int n, bool last)
{
	const struct uiommu_page_request req = {
		.flags = UIOMMU_PAGE_READ | (last ? UIOMMU_PAGE_LAST : 0),
		.pasid = 4,
		.token = token,
		.iova = BASE + n * PAGE,
	};

	assert_int_equal(uiommu_mock_page_request(s->unit, ASKS, &req), 0);
	s->unit->ops->irq(s->unit, 0);
}

static void pages_are_asked_for(void **state)
{
	struct asked asked = { 0 };
	struct uiommu_domain *dom;
	struct scene s;
	uint64_t id;

	open_scene(&s);
	dom = new_domain(&s, 1);
	assert_int_equal(
		uiommu_domain_set_iopf_handler(dom, &asked_ops, &asked), 0);
	refused(&s, uiommu_device_pasid_attach(s.plain, 4, dom), -ENODEV);
	assert_int_equal(uiommu_device_pasid_attach(s.asks, 4, dom), 0);
	ask(&s, 7, 6, false);
	assert_int_equal(asked.came, 0);
	ask(&s, 7, 8, true);
	assert_int_equal(asked.came, 1);
	assert_int_equal(asked.group->nr, 2);
	assert_int_equal(asked.group->fault[0].iova, BASE + 6 * PAGE);
	assert_int_equal(asked.group->fault[1].iova, BASE + 8 * PAGE);
	id = asked.group->id;
	refused(&s,
		uiommu_device_iopf_respond(s.plain, id, UIOMMU_PAGE_SUCCESS),
		-ENOENT);
	assert_int_equal(counter(s.unit, "page-responses"), 0);
	assert_int_equal(
		uiommu_device_iopf_respond(s.asks, id, UIOMMU_PAGE_SUCCESS), 0);
	assert_int_equal(counter(s.unit, "page-responses"), 1);
	refused(&s, uiommu_iopf_group_respond(asked.group, UIOMMU_PAGE_SUCCESS),
		-ENOENT);
	uiommu_iopf_group_put(asked.group);

	/* One that nobody has answered when its domain goes. */
	ask(&s, 8, 9, true);
	assert_int_equal(asked.came, 2);
	uiommu_device_pasid_detach(s.asks, 4);
	assert_int_equal(asked.withdrawn, 1);
	assert_int_equal(counter(s.unit, "page-responses"), 2);
	/* And one that finds no handler. */
	ask(&s, 9, 9, true);
	assert_int_equal(s.faults, 1);
	assert_ptr_equal(s.fault_dev, s.asks);
	assert_int_equal(counter(s.unit, "page-responses"), 3);
	uiommu_domain_free(dom);
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pasids_change_hands),
		cmocka_unit_test(a_driver_that_fails),
		cmocka_unit_test(auxiliary_domains),
		cmocka_unit_test(addresses_are_shared),
		cmocka_unit_test(no_table_of_a_processor),
		cmocka_unit_test(groups_and_owners),
		cmocka_unit_test(what_is_unmapped_is_gone),
		cmocka_unit_test(pages_that_were_written),
		cmocka_unit_test(pages_are_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
