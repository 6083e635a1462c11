/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One domain behind several SMMUs: which ones it fits, and that a change on one
 * is none on another while an invalidation reaches all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/env.h>

#include "driver/smmuv3/unit.h"
#include "fake_smmu.h"
#include "hw/smmuv3/regs.h"
#include "hw_view.h"

#define UNITS 3

static struct fake_smmu *fake[UNITS];
static struct uiommu_unit *unit[UNITS];
static struct uiommu_hwdev *dev[UNITS];
static const struct uiommu_driver_ops *ops;

static void start(unsigned int nr, void (*tweak)(struct fake_smmu *fake))
{
	uint32_t id = 1;
	struct uiommu_hwdev_cfg cfg = {
		.name = "d", .ids = &id, .nr_ids = 1, .pasid_bits = 20
	};
	struct uiommu_smmuv3_cfg smmu;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		fake[i] = malloc(sizeof(*fake[i]));
		if (i)
			fake_smmu_join(fake[i], fake[0]);
		else
			fake_smmu_init(fake[0]);
		if (i && tweak)
			tweak(fake[i]);
		smmu = fake_smmu_cfg(fake[i]);
		assert_int_equal(uiommu_smmuv3_probe(&smmu, &unit[i]), 0);
		ops = unit[i]->ops;
		assert_int_equal(ops->dev_add(unit[i], &cfg, &dev[i]), 0);
		fake[i]->nr = 0;
	}
}

static void stop(unsigned int nr)
{
	unsigned int i;

	for (i = nr; i-- > 0;) {
		if (unit[i])
			ops->remove(unit[i]);
		assert_int_equal(fake[i]->bad_commands, 0);
		if (i)
			test_platform_run_deferred(&fake[0]->tp);
		fake_smmu_fini(fake[i]);
		free(fake[i]);
	}
}

static void remove_devices(unsigned int nr)
{
	while (nr-- > 0)
		ops->dev_remove(dev[nr]);
}

static int setup(void **state)
{
	start(UNITS, NULL);
	return 0;
}

static int teardown(void **state)
{
	stop(UNITS);
	return 0;
}

static struct uiommu_hwdom *domain(unsigned int on,
				   const struct uiommu_dom_cfg *want)
{
	struct uiommu_dom_cfg cfg = { UIOMMU_DOM_PAGING };
	struct uiommu_hwdom *dom;

	assert_int_equal(ops->dom_alloc(unit[on], want ? want : &cfg, &dom), 0);
	return dom;
}

static uint32_t count(unsigned int i, unsigned int op)
{
	return fake_smmu_count(fake[i], 0, op);
}

/* ------------------------------------------------------------------ rules */

static void no_stage1(struct fake_smmu *f)
{
	*fake_smmu_reg(f, SMMU_REG_IDR0) &= ~(SMMU_IDR0_S1P | SMMU_IDR0_HYP);
}

static void no_stage2(struct fake_smmu *f)
{
	*fake_smmu_reg(f, SMMU_REG_IDR0) &= ~(SMMU_IDR0_S2P | SMMU_IDR0_HYP);
}

static void no_4k(struct fake_smmu *f)
{
	*fake_smmu_reg(f, SMMU_REG_IDR5) &= ~SMMU_IDR5_GRAN4K;
}

static void oas_52(struct fake_smmu *f)
{
	*fake_smmu_reg(f, SMMU_REG_IDR5) |= 6;
	*fake_smmu_reg(f, SMMU_REG_IDR5) &= ~1u;
	*fake_smmu_reg(f, SMMU_REG_IDR5) |= FIELD_PREP(SMMU_IDR5_VAX, 1);
}

static void ds_52(struct fake_smmu *f)
{
	oas_52(f);
	*fake_smmu_reg(f, SMMU_REG_IDR5) |= SMMU_IDR5_DS;
}

static void httu(struct fake_smmu *f)
{
	*fake_smmu_reg(f, SMMU_REG_IDR0) |=
		FIELD_PREP(SMMU_IDR0_HTTU, SMMU_IDR0_HTTU_AF_DIRTY);
}

static void bbml_1(struct fake_smmu *f)
{
	*fake_smmu_reg(f, SMMU_REG_IDR3) &= ~SMMU_IDR3_BBML;
	*fake_smmu_reg(f, SMMU_REG_IDR3) |= FIELD_PREP(SMMU_IDR3_BBML, 1);
}

static void clean_nothing(void *ctx, const void *va, size_t len)
{
}

static void incoherent(struct fake_smmu *f)
{
	f->mem->platform.clean_range = clean_nothing;
	*fake_smmu_reg(f, SMMU_REG_IDR0) &= ~SMMU_IDR0_COHACC;
}

static void no_bbml(struct fake_smmu *f)
{
	*fake_smmu_reg(f, SMMU_REG_IDR3) &= ~SMMU_IDR3_BBML;
}

static void asid8(struct fake_smmu *f)
{
	*fake_smmu_reg(f, SMMU_REG_IDR0) &= ~SMMU_IDR0_ASID16;
}

static void vmid8(struct fake_smmu *f)
{
	*fake_smmu_reg(f, SMMU_REG_IDR0) &= ~SMMU_IDR0_VMID16;
}

struct fit_case {
	void (*tweak)(struct fake_smmu *f); /* of the second unit */
	/* Made on unit `from`, attached behind the other. */
	unsigned int from;
	struct uiommu_dom_cfg cfg;
	int rc;
};

static void try_to_fit(const struct fit_case *c)
{
	unsigned int to = 1 - c->from;
	static const uint32_t one = 1;
	struct hw_snap before, after;
	struct uiommu_hwdom *dom;
	uint64_t objs, tables, lines;

	start(2, c->tweak);
	dom = domain(c->from, &c->cfg);
	objs = fake[0]->tp.live_objs;
	tables = fake[0]->tp.live_tables;
	lines = fake[0]->tp.log_lines;
	hw_snap(fake[to], 1, &one, 1, &before);
	assert_int_equal(ops->attach(dom, dev[to]), c->rc);
	if (c->rc) {
		hw_snap(fake[to], 1, &one, 1, &after);
		assert_memory_equal(&before, &after, sizeof(before));
		assert_int_equal(fake[to]->nr, 0);
		assert_int_equal(fake[0]->tp.live_objs, objs);
		assert_int_equal(fake[0]->tp.live_tables, tables);
		assert_int_equal(fake[0]->tp.log_lines, lines + 1);
		assert_null(dev[to]->dom);
		if (c->tweak != no_stage1)
			assert_int_equal(ops->set_pasid(dom, dev[to], 5, NULL),
					 -EINVAL);
	}
	assert_int_equal(ops->attach(dom, dev[1 - to]), 0);
	remove_devices(2);
	ops->dom_free(dom);
	stop(2);
}

static void what_does_not_fit_is_refused_before_anything_changes(void **state)
{
	static const struct fit_case cases[] = {
		{ no_stage1, 0, { UIOMMU_DOM_PAGING }, -EINVAL },
		{ no_stage2, 0, { UIOMMU_DOM_PAGING }, 0 },
		{ no_stage2, 0, { UIOMMU_DOM_PAGING, UIOMMU_STAGE_2 }, -EINVAL },
		{ no_4k, 0, { UIOMMU_DOM_PAGING }, -EINVAL },
		{ no_4k, 1, { UIOMMU_DOM_PAGING }, 0 },
		{ oas_52, 0, { UIOMMU_DOM_PAGING }, 0 },
		{ oas_52, 1, { UIOMMU_DOM_PAGING }, 0 },
		/* by default as many as all have that are wide enough */
		{ oas_52, 1, { UIOMMU_DOM_PAGING, 0, 16 }, 0 },
		{ oas_52, 1, { UIOMMU_DOM_PAGING, 0, 16, 0, 52 }, -EINVAL },
		{ ds_52, 0, { UIOMMU_DOM_PAGING }, 0 },
		{ ds_52, 1, { UIOMMU_DOM_PAGING }, 0 },
		{ ds_52, 1, { UIOMMU_DOM_PAGING, UIOMMU_STAGE_2 }, 0 },
		{ ds_52, 1, { UIOMMU_DOM_PAGING, 0, 0, 0, 52 }, -EINVAL },
		{ httu, 0, { UIOMMU_DOM_PAGING }, 0 },
		{ httu, 1, { UIOMMU_DOM_PAGING }, 0 },
		{ httu,
		  1,
		  { UIOMMU_DOM_PAGING, .flags = UIOMMU_DOM_DIRTY },
		  -EINVAL },
		{ bbml_1, 0, { UIOMMU_DOM_PAGING }, -EINVAL },
		{ bbml_1, 1, { UIOMMU_DOM_PAGING }, 0 },
		{ incoherent, 0, { UIOMMU_DOM_PAGING }, -EINVAL },
		{ incoherent, 1, { UIOMMU_DOM_PAGING }, -EINVAL },
		{ no_bbml, 0, { UIOMMU_DOM_PAGING }, -EINVAL },
		{ no_bbml, 1, { UIOMMU_DOM_PAGING }, 0 },
		{ asid8, 0, { UIOMMU_DOM_PAGING }, -EINVAL },
		{ asid8, 1, { UIOMMU_DOM_PAGING }, -EINVAL },
		{ vmid8, 0, { UIOMMU_DOM_PAGING }, 0 },
		{ vmid8, 0, { UIOMMU_DOM_PAGING, UIOMMU_STAGE_2 }, -EINVAL },
		{ NULL, 0, { UIOMMU_DOM_PAGING }, 0 },
		{ NULL, 0, { UIOMMU_DOM_PAGING, UIOMMU_STAGE_2 }, 0 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		try_to_fit(&cases[i]);
}

/* Each rule by itself, and the words that tell of it. */
static const struct uiommu_platform cleaning = {
	.clean_range = clean_nothing,
};
static const struct {
	struct smmuv3_shape shape;
	struct smmuv3_features feat;
	const char *says;
} rule_cases[] = {
	{ { .stage = 1 }, { .s2 = true }, "stage" },
	{ { .stage = 2 }, { .s1 = true }, "stage" },
	{ { .stage = 1 }, { .s1 = true }, "table format" },
	{ { .stage = 1 },
	  { .s1 = true, .idr = { 2 << 2 | 3 << 21 } },
	  "endianness" },
	{ { .stage = 1, .granule_lg2 = 14 },
	  { .s1 = true, .idr = { 2 << 2, 0, 0, 0, 0, 1 << 4 } },
	  "granule" },
	{ { .stage = 1, .granule_lg2 = 12, .ias = 49 },
	  { .s1 = true, .idr = { 2 << 2, 0, 0, 0, 0, 1 << 4 } },
	  "input" },
	{ { .stage = 2, .granule_lg2 = 12, .ias = 44 },
	  { .s2 = true, .oas = 40, .idr = { 2 << 2, 0, 0, 0, 0, 1 << 4 } },
	  "input" },
	{ { .stage = 1, .granule_lg2 = 12, .ias = 48, .oas = 44 },
	  { .s1 = true, .oas = 40, .idr = { 2 << 2, 0, 0, 0, 0, 1 << 4 } },
	  "output" },
	{ { .stage = 1, .granule_lg2 = 12, .ias = 48, .oas = 40 },
	  { .s1 = true,
	    .oas = 40,
	    .coherent = true,
	    .idr = { 2 << 2, 0, 0, 0, 0, 1 << 4 } },
	  "coherency" },
	{ { .stage = 1, .granule_lg2 = 12, .ias = 48, .oas = 40, .httu = 2 },
	  { .s1 = true,
	    .oas = 40,
	    .httu = 1,
	    .idr = { 2 << 2, 0, 0, 0, 0, 1 << 4 } },
	  "flags" },
	{ { .stage = 1,
	    .granule_lg2 = 12,
	    .ias = 48,
	    .oas = 40,
	    .features = UIOMMU_PGTABLE_BBML2 },
	  { .s1 = true, .oas = 40, .idr = { 2 << 2, 0, 0, 0, 0, 1 << 4 } },
	  "block sizes" },
	{ { .stage = 1,
	    .granule_lg2 = 12,
	    .ias = 48,
	    .oas = 40,
	    .features = UIOMMU_PGTABLE_BBML2 },
	  { .s1 = true,
	    .oas = 40,
	    .bbml = 1,
	    .idr = { 2 << 2, 0, 0, 0, 0, 1 << 4 } },
	  "block sizes" },
	{ { .stage = 1,
	    .granule_lg2 = 12,
	    .ias = 48,
	    .oas = 40,
	    .features = UIOMMU_PGTABLE_BBML1 | UIOMMU_PGTABLE_CONTIG },
	  { .s1 = true, .oas = 40, .idr = { 2 << 2, 0, 0, 0, 0, 1 << 4 } },
	  "block sizes" },
	{ { .stage = 1,
	    .granule_lg2 = 12,
	    .ias = 48,
	    .oas = 52,
	    .features = UIOMMU_PGTABLE_DS },
	  { .s1 = true,
	    .oas = 52,
	    .vax52 = true,
	    .idr = { 2 << 2, 0, 0, 0, 0, 1 << 4 } },
	  "52-bit" },
	{ { .stage = 1,
	    .granule_lg2 = 12,
	    .ias = 48,
	    .oas = 48,
	    .httu = 2,
	    .platform = &cleaning },
	  { .s1 = true,
	    .oas = 48,
	    .httu = 2,
	    .idr = { 2 << 2, 0, 0, 0, 0, 1 << 4 } },
	  "cleaned" },
	{ { .stage = 1, .granule_lg2 = 12, .ias = 48, .oas = 40, .tag_bits = 16 },
	  { .s1 = true,
	    .oas = 40,
	    .asid_bits = 8,
	    .vmid_bits = 16,
	    .idr = { 2 << 2, 0, 0, 0, 0, 1 << 4 } },
	  "ASID" },
	{ { .stage = 1,
	    .granule_lg2 = 12,
	    .ias = 48,
	    .oas = 40,
	    .platform = (void *)1 },
	  { .s1 = true, .oas = 40, .idr = { 2 << 2, 0, 0, 0, 0, 1 << 4 } },
	  "platform" },
	{ { .stage = 1, .granule_lg2 = 12, .ias = 48, .oas = 40, .tag_bits = 8 },
	  { .s1 = true,
	    .oas = 44,
	    .httu = 2,
	    .bbml = 2,
	    .asid_bits = 8,
	    .idr = { 2 << 2, 0, 0, 0, 0, 7 << 4 } },
	  NULL },
};

static void every_rule_has_a_reason(void **state)
{
	static struct smmuv3_unit u;
	const char *reason;
	unsigned int i;

	for (i = 0; i < sizeof(rule_cases) / sizeof(rule_cases[0]); i++) {
		u.feat = rule_cases[i].feat;
		reason = smmuv3_shape_misfit(&rule_cases[i].shape, &u);
		if (!rule_cases[i].says) {
			assert_null(reason);
			continue;
		}
		assert_non_null(reason);
		assert_non_null(strstr(reason, rule_cases[i].says));
	}
}

/* ------------------------------------------------------------- three units */

static void attach_all(struct uiommu_hwdom *dom)
{
	unsigned int i;

	for (i = 0; i < UNITS; i++) {
		assert_int_equal(ops->attach(dom, dev[i]), 0);
		fake[i]->nr = 0;
	}
}

static void a_flush_reaches_all_with_one_sync_each(void **state)
{
	struct uiommu_hwdom *dom = domain(0, NULL), *other = domain(0, NULL);
	struct uiommu_gather gather;
	unsigned int i, j;

	attach_all(dom);
	/* Its own ASID on each, the same on none but by chance. */
	uiommu_gather_init(&gather);
	gather.nr_ranges = 3;
	for (i = 0; i < 3; i++)
		gather.range[i] =
			(struct uiommu_gather_range){ i << 24, (i << 24) + 4095,
						      12, 3, true };
	assert_int_equal(ops->flush(dom, &gather), 0);
	for (i = 0; i < UNITS; i++) {
		assert_int_equal(fake[i]->nr, 4);
		assert_int_equal(count(i, SMMU_CMD_OP_SYNC), 1);
		for (j = 0; j < 3; j++) {
			assert_int_equal(fake[i]->log[j].q[0] & 0xff,
					 SMMU_CMD_OP_TLBI_NH_VA);
			assert_int_equal(fake[i]->log[j].q[0] >> 48,
					 hw_asid(fake[i], 1, HW_NO_SSID));
		}
		fake[i]->nr = 0;
	}
	/* Where the last user has left nothing is sent. */
	assert_int_equal(ops->attach(other, dev[1]), 0);
	fake[1]->nr = 0;
	assert_int_equal(ops->flush_all(dom), 0);
	assert_int_equal(fake[0]->nr, 2);
	assert_int_equal(fake[1]->nr, 0);
	assert_int_equal(fake[2]->nr, 2);
	remove_devices(UNITS);
	ops->dom_free(dom);
	ops->dom_free(other);
}

static void *flush_in_thread(void *arg)
{
	return (void *)(intptr_t)ops->flush_all(arg);
}

static bool rung(struct fake_smmu *f)
{
	bool rung;

	pthread_mutex_lock(&f->mutex);
	rung = f->prod_writes != 0;
	pthread_mutex_unlock(&f->mutex);
	return rung;
}

static void all_are_asked_before_the_first_is_waited_for(void **state)
{
	struct uiommu_hwdom *dom = domain(0, NULL);
	pthread_t thread;
	unsigned int i;
	void *rc;

	attach_all(dom);
	for (i = 0; i < UNITS; i++) {
		__atomic_store_n(&fake[i]->hold, true, __ATOMIC_RELEASE);
		fake[i]->prod_writes = 0;
	}
	pthread_create(&thread, NULL, flush_in_thread, dom);
	/* None of them answers, and yet each gets its doorbell. */
	for (i = 0; i < UNITS; i++)
		while (!rung(fake[i]))
			sched_yield();
	for (i = UNITS; i-- > 0;)
		assert_int_equal(fake_smmu_run(fake[i], UINT32_MAX), 2);
	pthread_join(thread, &rc);
	assert_int_equal((intptr_t)rc, 0);
	for (i = 0; i < UNITS; i++)
		fake[i]->hold = false;
	remove_devices(UNITS);
	ops->dom_free(dom);
}

static void a_change_on_one_disturbs_no_other(void **state)
{
	struct uiommu_hwdom *a = domain(0, NULL), *b = domain(1, NULL),
			    *p = domain(2, NULL);
	struct hw_snap before[2], after[2];
	static const uint32_t seen[] = { 5 };
	unsigned int i;

	attach_all(a);
	for (i = 0; i < UNITS; i++)
		assert_int_equal(ops->set_pasid(p, dev[i], 5, NULL), 0);
	for (i = 0; i < 2; i++)
		hw_snap(fake[i + 1], 1, seen, 1, &before[i]);
	for (i = 0; i < UNITS; i++)
		fake[i]->nr = 0;
	assert_int_equal(ops->attach(b, dev[0]), 0);
	assert_int_equal(ops->set_pasid(b, dev[0], 5, p), 0);
	assert_int_equal(ops->set_pasid(NULL, dev[0], 5, b), 0);
	assert_true(fake[0]->nr > 0);
	for (i = 0; i < 2; i++) {
		hw_snap(fake[i + 1], 1, seen, 1, &after[i]);
		assert_int_equal(fake[i + 1]->nr, 0);
	}
	assert_memory_equal(before, after, sizeof(before));
	remove_devices(UNITS);
	ops->dom_free(a);
	ops->dom_free(b);
	ops->dom_free(p);
}

static void
a_unit_that_fails_fails_the_flush_the_others_are_flushed(void **state)
{
	struct uiommu_hwdom *dom = domain(0, NULL);

	attach_all(dom);
	fake[1]->hold = true;
	assert_int_equal(ops->flush_all(dom), -ETIMEDOUT);
	assert_int_equal(count(0, SMMU_CMD_OP_TLBI_NH_ASID), 1);
	assert_int_equal(count(2, SMMU_CMD_OP_TLBI_NH_ASID), 1);
	/*
	 * It goes without having answered.  Turned off it can hurt nobody, and
	 * the domain lives on.
	 */
	ops->dev_remove(dev[1]);
	ops->remove(unit[1]);
	unit[1] = NULL;
	assert_int_equal(ops->flush_all(dom), 0);
	ops->dev_remove(dev[0]);
	ops->dev_remove(dev[2]);
	ops->dom_free(dom);
}

static void static_domains_of_any_unit_will_do(void **state)
{
	struct uiommu_dom_cfg cfg = { UIOMMU_DOM_IDENTITY };
	struct uiommu_hwdom *dom = domain(0, &cfg);
	uint64_t ste[8], cd[8];

	assert_int_equal(ops->attach(dom, dev[2]), 0);
	assert_int_equal(hw_look(fake[2], 1, HW_NO_SSID, ste, cd), HW_BYPASS);
	/* kept as the unit's own, so that the other may go */
	assert_ptr_equal(dev[2]->dom->unit, unit[2]);
	remove_devices(UNITS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_does_not_fit_is_refused_before_anything_changes),
		cmocka_unit_test(every_rule_has_a_reason),
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		TEST(a_flush_reaches_all_with_one_sync_each),
		TEST(all_are_asked_before_the_first_is_waited_for),
		TEST(a_change_on_one_disturbs_no_other),
		TEST(a_unit_that_fails_fails_the_flush_the_others_are_flushed),
		TEST(static_domains_of_any_unit_will_do),
	};

	return cmocka_run_group_tests_name("driver-units", tests, NULL, NULL);
}
