/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every op of the driver with the nth allocation failing, for each n, on the
 * model: what the hardware reads is the same byte for byte after the op as
 * before it, devices reach what they reached, and nothing is left allocated.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver_rig.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define IOVA UINT64_C(0x7f0000000)
#define BLOCK UINT64_C(0x200000)
#define SID 8u
#define FAULT RIG_STOPPED

static struct rig_cfg cfg;
static struct rig *rig, *second;

/* What an op works on, and what it makes. */
struct scene {
	struct uiommu_hwdev *dev, *made_dev;
	struct uiommu_hwdom *a, *b, *made_dom;
	uint32_t pasid;
	struct uiommu_hwviommu *viommu;
	struct uiommu_hwvdev *vdev;
};

struct op {
	const char *name;
	int (*run)(struct scene *s);
	/* Take back what run() did, so that it can be tried again. */
	void (*undo)(struct scene *s);
	unsigned int least; /* allocations that it makes, at least */
	/* Free what a failed run() may leave. */
	void (*tidy)(struct scene *s);
};

static int setup(void **state)
{
	rig_default(&cfg);
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	rig = rig_create(&cfg);
	second = NULL;
	return 0;
}

static int teardown(void **state)
{
	if (second)
		rig_destroy(second);
	rig_destroy(rig);
	return 0;
}

static uint64_t *page(unsigned int i)
{
	return rig_word(rig, i);
}

static struct uiommu_hwdom *domain(unsigned int i)
{
	return rig_domain_at(rig, IOVA, i);
}

static uint64_t peek(struct rig *where, uint32_t pasid)
{
	return rig_peek(where, SID, pasid, IOVA);
}

/* --------------------------------------------------------------- judging */

struct shot {
	char *text, *other;
	uint64_t seen[3];
	uint64_t live;
};

/* Objects that are left, once it can be no fewer than `want`. */
static uint64_t settle(uint64_t want)
{
	/* What runs deferred may defer the next call in turn. */
	for (unsigned int i = 0; i < 4 && uiommu_host_live(rig->host) != want;
	     i++)
		uiommu_host_barrier(rig->host);
	return uiommu_host_live(rig->host);
}

static struct shot look(const struct scene *s, uint64_t live)
{
	struct shot shot;

	shot.live = settle(live);
	shot.text = rig_dump(rig);
	shot.other = second ? rig_dump(second) : strdup("");
	shot.seen[0] = peek(rig, UIOMMU_NO_PASID);
	shot.seen[1] = s->pasid ? peek(rig, s->pasid) : 0;
	shot.seen[2] = second ? peek(second, UIOMMU_NO_PASID) : 0;
	return shot;
}

static void forget(struct shot *shot)
{
	free(shot->text);
	free(shot->other);
}

static void expect_same(const struct op *op, unsigned int n,
			const struct shot *is, const struct shot *was)
{
	if (strcmp(is->text, was->text) || strcmp(is->other, was->other) ||
	    memcmp(is->seen, was->seen, sizeof(is->seen)) ||
	    is->live != was->live)
		print_error("%s, allocation %u: before %llu objects\n%s%safter "
			    "%llu\n%s%s",
			    op->name, n, (unsigned long long)was->live,
			    was->text, was->other, (unsigned long long)is->live,
			    is->text, is->other);
	assert_string_equal(is->text, was->text);
	assert_string_equal(is->other, was->other);
	assert_memory_equal(is->seen, was->seen, sizeof(is->seen));
	assert_int_equal(is->live, was->live);
}

/* Until no allocation of the op fails any more; it is done then. */
static unsigned int try(struct scene *s, const struct op *op)
{
	struct shot was = look(s, 0);
	unsigned int n, failed = 0;

	for (n = 1;; n++) {
		bool fired;

		struct shot is;
		int rc;

		(void)uiommu_host_fail_nth(rig->host, n);
		rc = op->run(s);
		fired = uiommu_host_fail_nth(rig->host, 0);
		if (!rc && !fired)
			break;
		if (!rc) {
			/* It did without. */
			op->undo(s);
		} else {
			assert_true(fired);
			assert_int_equal(rc, -ENOMEM);
			failed++;
		}
		if (op->tidy)
			op->tidy(s);
		is = look(s, was.live);
		expect_same(op, n, &is, &was);
		forget(&is);
	}
	if (failed < op->least)
		print_error("%s: %u failures\n", op->name, failed);
	assert_true(failed >= op->least);
	forget(&was);
	return failed;
}

/* ------------------------------------------------------------------- ops */

static int add_ids(struct scene *s, const uint32_t *ids, unsigned int nr)
{
	struct uiommu_hwdev_cfg dev = {
		.name = "made",
		.ids = ids,
		.nr_ids = nr,
		.pasid_bits = 10,
	};

	return rig->unit->ops->dev_add(rig->unit, &dev, &s->made_dev);
}

static int add_one(struct scene *s)
{
	static const uint32_t id = 0x1234;

	return add_ids(s, &id, 1);
}

static int add_three(struct scene *s)
{
	static const uint32_t ids[] = { 0x2000, 0x3000, 0x3001 };

	return add_ids(s, ids, 3);
}

static void remove_made(struct scene *s)
{
	rig->unit->ops->dev_remove(s->made_dev);
}

static int alloc_any(struct scene *s, const struct uiommu_dom_cfg *dom)
{
	return rig->unit->ops->dom_alloc(rig->unit, dom, &s->made_dom);
}

static int alloc_paging(struct scene *s)
{
	return alloc_any(s,
			 &(struct uiommu_dom_cfg){ .type = UIOMMU_DOM_PAGING });
}

static int alloc_stage2(struct scene *s)
{
	return alloc_any(s, &(struct uiommu_dom_cfg){
				    .type = UIOMMU_DOM_PAGING,
				    .stage = UIOMMU_STAGE_2,
			    });
}

static int alloc_dirty(struct scene *s)
{
	return alloc_any(s, &(struct uiommu_dom_cfg){
				    .type = UIOMMU_DOM_PAGING,
				    .flags = UIOMMU_DOM_DIRTY,
			    });
}

static int alloc_blocked(struct scene *s)
{
	return alloc_any(
		s, &(struct uiommu_dom_cfg){ .type = UIOMMU_DOM_BLOCKED });
}

static void free_made(struct scene *s)
{
	rig->unit->ops->dom_free(s->made_dom);
}

static int attach_b(struct scene *s)
{
	return s->dev->unit->ops->attach(s->b, s->dev);
}

static void attach_a(struct scene *s)
{
	rig_attach(s->a, s->dev);
}

static int pasid_b_for_a(struct scene *s)
{
	return s->dev->unit->ops->set_pasid(s->b, s->dev, s->pasid, s->a);
}

static void pasid_a_for_b(struct scene *s)
{
	rig_set_pasid(s->a, s->dev, s->pasid, s->b);
}

static int pasid_b(struct scene *s)
{
	return s->dev->unit->ops->set_pasid(s->b, s->dev, s->pasid, NULL);
}

static void no_pasid(struct scene *s)
{
	rig_set_pasid(NULL, s->dev, s->pasid, s->b);
}

static int no_pasid_fails(struct scene *s)
{
	return s->dev->unit->ops->set_pasid(NULL, s->dev, s->pasid, s->b);
}

static void pasid_b_again(struct scene *s)
{
	rig_set_pasid(s->b, s->dev, s->pasid, NULL);
}

/* -------------------------------------------------------------- the cases */

static void devices_come(void **state)
{
	static const struct op one = { "dev_add", add_one, remove_made, 3 };
	static const struct op three = { "dev_add of three", add_three,
					 remove_made, 4 };
	struct scene s = { 0 };

	try(&s, &one);
	remove_made(&s);
	try(&s, &three);
	remove_made(&s);
}

static void domains_are_made(void **state)
{
	static const struct op ops[] = {
		{ "paging", alloc_paging, free_made, 3 },
		{ "stage 2", alloc_stage2, free_made, 3 },
		{ "dirty", alloc_dirty, free_made, 3 },
		{ "blocked", alloc_blocked, free_made, 0 },
	};
	struct scene s = { 0 };

	for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		try(&s, &ops[i]);
		free_made(&s);
	}
}

static int probe(struct scene *s)
{
	return rig_probe(rig, &cfg);
}

static void remove_unit(struct scene *s)
{
	rig->unit->ops->remove(rig->unit);
}

/* Hardware that was reset, and hardware that a driver has left. */
static void units_are_probed(void **state)
{
	static const struct op op = { "probe", probe, remove_unit, 5 };
	struct scene s = { 0 };

	remove_unit(&s);
	try(&s, &op);
	remove_unit(&s);
	uiommu_smmuv3_model_reset(rig->model);
	try(&s, &op);
}

/* From each kind of domain to each. */
static void domains_are_replaced(void **state)
{
	static const struct op op = { "attach", attach_b, attach_a, 0 };
	struct uiommu_hwdom *dom[5] = {
		domain(1),
		domain(2),
		rig_stage2(rig),
		rig_domain(rig, UIOMMU_DOM_IDENTITY),
		rig_domain(rig, UIOMMU_DOM_BLOCKED),
	};
	struct scene s = { .dev = rig_pasid_device(rig, SID, 10) };

	rig_map(dom[2], IOVA, page(1), RIG_PAGE, RW);
	/* The first of all makes the table of its CDs. */
	s.a = dom[4];
	s.b = dom[0];
	assert_true(try(&s, &op) > 0);
	for (unsigned int i = 0; i < 5; i++) {
		for (unsigned int j = 0; j < 5; j++) {
			s.a = dom[i];
			s.b = dom[j];
			attach_a(&s);
			try(&s, &op);
		}
	}
	rig->unit->ops->dev_remove(s.dev);
	for (unsigned int i = 0; i < 5; i++)
		rig->unit->ops->dom_free(dom[i]);
}

/* The first PASID makes a table, some make it grow, some find their place. */
static void pasids_of_every_kind(void **state)
{
	static const uint32_t pasids[] = { 1, 2, 63, 64, 700, 0x8000 };
	static const struct op attach = { "PASID attach", pasid_b, no_pasid,
					  0 };
	static const struct op replace = { "PASID replace", pasid_b_for_a,
					   pasid_a_for_b, 0 };
	static const struct op detach = { "PASID detach", no_pasid_fails,
					  pasid_b_again, 0 };
	struct uiommu_hwdom *rid = domain(1);
	struct scene s = { .a = domain(2), .b = domain(3) };

	for (unsigned int round = 0; round < 2; round++) {
		unsigned int failed = 0;

		s.dev = rig_pasid_device(rig, SID, 20);
		if (round)
			rig_attach(rid, s.dev);
		for (unsigned int i = 0; i < 6; i++) {
			s.pasid = pasids[i];
			failed += try(&s, &attach);
			pasid_a_for_b(&s);
			try(&s, &replace);
			try(&s, &detach);
			pasid_b_again(&s);
			assert_int_equal(peek(rig, s.pasid), 3);
		}
		/* A table each for 1, 64, 700 and 0x8000, at least. */
		assert_true(failed >= 4);
		rig->unit->ops->dev_remove(s.dev);
	}
	rig->unit->ops->dom_free(rid);
	rig->unit->ops->dom_free(s.a);
	rig->unit->ops->dom_free(s.b);
}

/* The device's own domain changes while it has PASIDs. */
static void beside_pasids(void **state)
{
	static const struct op op = { "attach beside a PASID", attach_b,
				      attach_a, 0 };
	struct uiommu_hwdom *pasid = domain(3);
	struct uiommu_hwdom *dom[4] = {
		domain(1),
		domain(2),
		rig_domain(rig, UIOMMU_DOM_IDENTITY),
		rig_domain(rig, UIOMMU_DOM_BLOCKED),
	};
	struct scene s = { .dev = rig_pasid_device(rig, SID, 20), .pasid = 70 };

	rig_set_pasid(pasid, s.dev, s.pasid, NULL);
	for (unsigned int i = 0; i < 4; i++) {
		for (unsigned int j = 0; j < 4; j++) {
			s.a = dom[i];
			s.b = dom[j];
			attach_a(&s);
			try(&s, &op);
			assert_int_equal(peek(rig, s.pasid), 3);
		}
	}
	rig->unit->ops->dev_remove(s.dev);
	rig->unit->ops->dom_free(pasid);
	for (unsigned int i = 0; i < 4; i++)
		rig->unit->ops->dom_free(dom[i]);
}

static void with_an_atc(void **state)
{
	static const struct op op = { "attach with ATS", attach_b, attach_a,
				      0 };
	struct uiommu_hwdom *dom[3] = { domain(1), domain(2),
					rig_domain(rig, UIOMMU_DOM_BLOCKED) };
	struct scene s = { .dev = rig_ats_device(rig, SID, 10) };

	for (unsigned int i = 0; i < 3; i++) {
		for (unsigned int j = 0; j < 3; j++) {
			s.a = dom[i];
			s.b = dom[j];
			attach_a(&s);
			assert_int_equal(s.dev->ats, i < 2);
			try(&s, &op);
			assert_int_equal(s.dev->ats, j < 2);
		}
	}
	rig->unit->ops->dev_remove(s.dev);
	for (unsigned int i = 0; i < 3; i++)
		rig->unit->ops->dom_free(dom[i]);
}

/* A domain of one SMMU comes to a device behind another. */
static void across_two_smmus(void **state)
{
	static const struct op attach = { "attach elsewhere", attach_b,
					  attach_a, 0 };
	static const struct op pasid = { "PASID elsewhere", pasid_b, no_pasid,
					 0 };
	struct uiommu_hwdev *first = rig_device(rig, SID);
	struct uiommu_hwdom *at_rest, *foreign = domain(2);
	struct scene s = { .b = foreign };

	second = rig_join(&cfg, rig);
	at_rest = rig_domain(second, UIOMMU_DOM_BLOCKED);
	rig_attach(foreign, first);
	s.dev = rig_pasid_device(second, SID, 10);
	s.a = at_rest;
	attach_a(&s);
	try(&s, &attach);
	assert_int_equal(peek(second, UIOMMU_NO_PASID), 2);
	assert_int_equal(peek(rig, UIOMMU_NO_PASID), 2);
	attach_a(&s);
	s.pasid = 5;
	try(&s, &pasid);
	assert_int_equal(peek(second, 5), 2);
	second->unit->ops->dev_remove(s.dev);
	rig->unit->ops->dev_remove(first);
	rig->unit->ops->dom_free(foreign);
	second->unit->ops->dom_free(at_rest);
}

/* ------------------------------------------------------------ page tables */

static int map_some(struct scene *s, uint64_t iova, uint64_t len)
{
	struct uiommu_gather gather;
	int rc;

	uiommu_gather_init(&gather);
	do {
		rc = uiommu_pgtable_map(s->a->pt, iova, (uintptr_t)page(16),
					len, RW, &gather);
		rig_flush(s->a, &gather);
	} while (rc == -EAGAIN);
	return rc;
}

static int unmap_some(struct scene *s, uint64_t iova, uint64_t len)
{
	struct uiommu_gather gather;
	uint64_t unmapped;
	int rc;

	uiommu_gather_init(&gather);
	do {
		rc = uiommu_pgtable_unmap(s->a->pt, iova, len, &gather,
					  &unmapped);
		rig_flush(s->a, &gather);
	} while (rc == -EAGAIN);
	return rc;
}

static int map_far(struct scene *s)
{
	return map_some(s, UINT64_C(0x123456789000), 4 * RIG_PAGE);
}

static void unmap_far(struct scene *s)
{
	assert_int_equal(unmap_some(s, UINT64_C(0x123456789000), 4 * RIG_PAGE),
			 0);
}

/* Over the end of a table at each level. */
static int map_across(struct scene *s)
{
	return map_some(s, (UINT64_C(3) << 39) - 2 * RIG_PAGE, 4 * RIG_PAGE);
}

static void unmap_across(struct scene *s)
{
	assert_int_equal(unmap_some(s, (UINT64_C(3) << 39) - 2 * RIG_PAGE,
				    4 * RIG_PAGE),
			 0);
}

static int split_block(struct scene *s)
{
	return unmap_some(s, 2 * BLOCK + RIG_PAGE, RIG_PAGE);
}

static void mend_block(struct scene *s)
{
	assert_int_equal(unmap_some(s, 2 * BLOCK, BLOCK), 0);
	rig_map(s->a, 2 * BLOCK,
		(void *)(((uintptr_t)rig->ram + BLOCK) & ~(BLOCK - 1)), BLOCK,
		RW);
}

/* Tables that were added for a call that failed may stay, empty. */
static void trim(struct scene *s)
{
	struct uiommu_gather gather;

	uiommu_gather_init(&gather);
	uiommu_pgtable_trim(s->a->pt, &gather);
	rig_flush(s->a, &gather);
}

static void maps_and_unmaps(void **state)
{
	static const struct op ops[] = {
		{ "map far away", map_far, unmap_far, 3, trim },
		{ "map across", map_across, unmap_across, 5, trim },
		{ "split a block", split_block, mend_block, 1, trim },
	};
	struct scene s = { .dev = rig_device(rig, SID), .a = domain(1) };

	attach_a(&s);
	mend_block(&s);
	for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		try(&s, &ops[i]);
	rig->unit->ops->dev_remove(s.dev);
	rig->unit->ops->dom_free(s.a);
}

/* ---------------------------------------------------------------- guests */

static const struct uiommu_nested_ops *nested_ops(void)
{
	return rig->unit->ops->nested;
}

static int make_viommu(struct scene *s)
{
	const struct uiommu_viommu_cfg guest = { .id = 1 };

	return nested_ops()->viommu_alloc(s->dev, s->a,
					  UIOMMU_VIOMMU_TYPE_ARM_SMMUV3, &guest,
					  &s->viommu);
}

static void free_viommu(struct scene *s)
{
	nested_ops()->viommu_free(s->viommu);
}

static int make_vdev(struct scene *s)
{
	return nested_ops()->vdev_alloc(s->viommu, s->dev, 7, &s->vdev);
}

static void free_vdev(struct scene *s)
{
	nested_ops()->vdev_free(s->vdev);
}

/* A CD that is not there: accesses end, but the entry is the guest's. */
static int make_nested(struct scene *s)
{
	const struct uiommu_hwpt_smmuv3 ste = { { 0xb | IOVA, 0 } };
	const struct uiommu_user_data data = {
		.type = UIOMMU_HWPT_DATA_ARM_SMMUV3,
		.len = sizeof(ste),
		.at = (uintptr_t)&ste,
	};

	return nested_ops()->viommu_dom_alloc(s->viommu, 0, &data, &s->b);
}

static void free_nested(struct scene *s)
{
	rig->unit->ops->dom_free(s->b);
}

static int send_command(struct scene *s)
{
	static const uint64_t cmd[2] = { 0x30, 0 };
	struct uiommu_user_array array = {
		.type = UIOMMU_VIOMMU_INVALIDATE_ARM_SMMUV3,
		.entry_len = sizeof(cmd),
		.entry_num = 1,
		.at = (uintptr_t)cmd,
	};

	return nested_ops()->viommu_invalidate(s->viommu, &array);
}

static void nothing(struct scene *s)
{
}

static void guests(void **state)
{
	static const struct op ops[] = {
		{ "viommu", make_viommu, free_viommu, 1 },
		{ "vdev", make_vdev, free_vdev, 1 },
		{ "nested", make_nested, free_nested, 1 },
		{ "a guest's command", send_command, nothing, 1 },
		{ "attach to a guest", attach_b, attach_a, 1 },
	};
	const struct uiommu_dom_cfg parent = {
		.type = UIOMMU_DOM_PAGING,
		.stage = UIOMMU_STAGE_2,
		.flags = UIOMMU_DOM_NEST_PARENT,
	};
	struct scene s = { .dev = rig_ats_device(rig, SID, 10) };

	assert_int_equal(rig->unit->ops->dom_alloc(rig->unit, &parent, &s.a),
			 0);
	rig_map(s.a, IOVA, page(1), RIG_PAGE, RW);
	attach_a(&s);
	for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		try(&s, &ops[i]);
	attach_a(&s);
	free_nested(&s);
	free_vdev(&s);
	free_viommu(&s);
	rig->unit->ops->dev_remove(s.dev);
	rig->unit->ops->dom_free(s.a);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(units_are_probed),	 T(devices_come),
		T(domains_are_made),	 T(domains_are_replaced),
		T(pasids_of_every_kind), T(beside_pasids),
		T(with_an_atc),		 T(across_two_smmus),
		T(maps_and_unmaps),	 T(guests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
