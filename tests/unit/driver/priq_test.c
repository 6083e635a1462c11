/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page requests on a fake SMMU: records and commands word by word, bring-up of
 * the queue, order of reports, answers and acknowledgements.  Who is answered
 * when devices come and go is answers_test.c's.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/smmuv3/cmd.h"
#include "driver/smmuv3/unit.h"
#include "hw/smmuv3/regs.h"
#include "pri_rig.h"

/* --------------------------------------------------------------- words -- */

static void records(void **state)
{
	static const struct {
		uint64_t q0, q1;
		uint32_t flags, id, pasid, token;
		uint64_t iova;
	} rows[] = {
		/* a write, last of group 0x1ff, no PASID: what needs one is not
		 * there
		 */
		{ 0x6c0fffff00000010, 0xfffffffffffff1ff,
		  UIOMMU_PAGE_WRITE | UIOMMU_PAGE_LAST, 0x10, UIOMMU_NO_PASID,
		  0x1ff, 0xfffffffffffff000 },
		/* everything, PASID 3 */
		{ 0xfc00000300001234, 0x000000000000501f,
		  UIOMMU_PAGE_READ | UIOMMU_PAGE_WRITE | UIOMMU_PAGE_EXEC |
			  UIOMMU_PAGE_PRIV | UIOMMU_PAGE_LAST,
		  0x1234, 3, 0x1f, 0x5000 },
		/* a part of a group */
		{ 0x1000000000000001, 0x1000, UIOMMU_PAGE_READ, 1,
		  UIOMMU_NO_PASID, 0, 0x1000 },
		/* Stop Marker of PASID 0xfffff */
		{ 0xc00fffff00000001, 0, UIOMMU_PAGE_STOP, 1, 0xfffff, 0, 0 },
		/* without a PASID that is an ordinary request */
		{ 0x4000000000000001, 0, UIOMMU_PAGE_LAST, 1, UIOMMU_NO_PASID,
		  0, 0 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint64_t raw[2] = { rows[i].q0, rows[i].q1 };
		struct uiommu_page_request req;

		smmuv3_pri_decode(raw, &req);
		assert_int_equal(req.flags, rows[i].flags);
		assert_int_equal(req.id, rows[i].id);
		assert_int_equal(req.pasid, rows[i].pasid);
		assert_int_equal(req.token, rows[i].token);
		assert_int_equal(req.iova, rows[i].iova);
		assert_null(req.cookie);
	}
}

static void commands(void **state)
{
	is(smmuv3_make_atc_inv(0x1234, 3, 0, SMMUV3_ATC_ALL),
	   0x0000123400003840, 0x34);
	is(smmuv3_make_atc_inv(0x1234, 0, 0, SMMUV3_ATC_ALL),
	   0x0000123400000040, 0x34);
	is(smmuv3_make_atc_inv(1, 0, 0xfffffffffffff000, 12),
	   0x0000000100000040, 0xfffffffffffff000);
	/* 64 KiB: the address is aligned to it */
	is(smmuv3_make_atc_inv(1, 0, 0x1234567000, 16), 0x0000000100000040,
	   0x1234560004);
	is(smmuv3_make_atc_inv_pasids(2, 0, SMMUV3_ATC_ALL), 0x0000000200000a40,
	   0x34);
	is(smmuv3_make_atc_inv_pasids(2, 0x1234567000, 16), 0x0000000200000a40,
	   0x1234560004);
	is(smmuv3_make_atc_inv_pasid(2, 0, 0x1000, 12), 0x0000000200000840,
	   0x1000);
	is(smmuv3_make_atc_inv_pasid(2, 3, 0x1000, 12), 0x0000000200003840,
	   0x1000);
	is(smmuv3_make_resume(0x10, 7, true), 0x0000001000001044, 7);
	is(smmuv3_make_resume(0x10, 7, false), 0x0000001000002044, 7);
	is(smmuv3_make_stall_term(0x10), 0x0000001000000045, 0);
	is(smmuv3_make_pri_resp(0x10, true, 3, 0x1f, SMMU_CMD_PRI_RESP_SUCCESS),
	   0x0000001000003841, 0x201f);
	is(smmuv3_make_pri_resp(0x10, false, 5, 0x1ff,
				SMMU_CMD_PRI_RESP_FAILURE),
	   0x0000001000000041, 0x1ff);
}

static void spans(void **state)
{
	static const struct {
		uint64_t first, last;
		unsigned int lg2;
	} rows[] = {
		{ 0, 0xfff, 12 },
		{ 0x1000, 0x1fff, 12 },
		{ 0, 0x1fff, 13 },
		{ 0x1000, 0x2fff, 14 },	    /* crosses 8 KiB */
		{ 0x7000, 0x8fff, 16 },	    /* crosses 32 KiB */
		{ 0x200000, 0x3fffff, 21 }, /* a block */
		{ 0, UINT64_MAX, 64 },
		{ 0x7ffffffffffff000, 0x8000000000000fff, 64 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int lg2 = smmuv3_ats_span(rows[i].first, rows[i].last);

		assert_int_equal(lg2, rows[i].lg2);
		assert_int_equal(align_down_lg2(rows[i].first, lg2),
				 align_down_lg2(rows[i].last, lg2));
	}
}

static void bring_up(void **state)
{
	unsigned int base = write_of(SMMU_REG_PRIQ_BASE, 0);
	unsigned int cons = write_of(SMMU_REG_PRIQ_CONS, 0);
	unsigned int on = write_of(SMMU_REG_CR0, SMMU_CR0_PRIQEN);
	unsigned int smmuen = write_of(SMMU_REG_CR0, SMMU_CR0_SMMUEN);
	unsigned int armed =
		write_of(SMMU_REG_IRQ_CTRL, SMMU_IRQ_CTRL_PRIQ_IRQEN);

	assert_true(base < cons && cons < on && on < smmuen);
	assert_true(armed < on);
	assert_int_equal(fake->bad_writes, 0);
	assert_int_equal(fake->writes[base].val & 0x1f, 6);
	assert_true(fake->writes[base].val & SMMU_PRIQ_BASE_WA);
	assert_true(reg(SMMU_REG_CR0) & SMMU_CR0_ATSCHK);
}

static void without_pri_nothing_is_touched(void **state)
{
	struct uiommu_smmuv3_cfg cfg;
	struct uiommu_hwdev *plain;
	uint32_t sid = 7;
	struct uiommu_hwdev_cfg dc = { .ids = &sid, .nr_ids = 1, .pri = true };
	struct uiommu_page_response resp = { .id = 7 };
	unsigned int i;

	cfg = start(6);
	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~SMMU_IDR0_PRI;
	assert_int_equal(uiommu_smmuv3_probe(&cfg, &unit), 0);
	for (i = 0; i < fake->nr_writes; i++)
		assert_false(fake->writes[i].off >= SMMU_REG_PRIQ_BASE &&
			     fake->writes[i].off <= SMMU_REG_PRIQ_IRQ_CFG2);
	assert_int_equal(write_of(SMMU_REG_CR0, SMMU_CR0_PRIQEN),
			 fake->nr_writes);
	assert_int_equal(unit->ops->dev_add(unit, &dc, &plain), 0);
	irq();
	assert_int_equal(unit->ops->page_response(plain, &resp), -ENOENT);
	unit->ops->dev_remove(plain);
	stop();
}

static uint64_t live(void)
{
	return fake->tp.live_tables + fake->tp.live_objs + fake->tp.live_locks;
}

/* Every failing allocation of probe and dev_add leaves nothing behind. */
static void failures_leave_nothing(void **state)
{
	struct uiommu_smmuv3_cfg cfg = start(6);
	uint32_t sid = 7;
	struct uiommu_hwdev_cfg dc = {
		.ids = &sid,
		.nr_ids = 1,
		.pri = true,
	};
	int rc = -ENOMEM;
	unsigned int n;

	for (n = 1; rc; n++) {
		assert_true(n < 100);
		test_platform_fail_nth(&fake->tp, n);
		rc = uiommu_smmuv3_probe(&cfg, &unit);
		test_platform_fail_nth(&fake->tp, 0);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(live(), 0);
		}
	}
	assert_true(n > 2);
	rc = -ENOMEM;
	for (n = 1; rc; n++) {
		uint64_t before = live();

		assert_true(n < 100);
		test_platform_fail_nth(&fake->tp, n);
		rc = unit->ops->dev_add(unit, &dc, &dev);
		test_platform_fail_nth(&fake->tp, 0);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(live(), before);
		}
	}
	assert_true(n > 2);
	assert_int_equal(teardown(NULL), 0);
}

/* ... and every one of an attach and of a PASID's, with an ATC to be told. */
static void attach_failures_leave_nothing(void **state)
{
	const struct uiommu_dom_cfg paging = { .type = UIOMMU_DOM_PAGING };
	struct uiommu_smmuv3_cfg cfg = start(6);
	uint32_t sid = 7;
	struct uiommu_hwdev_cfg dc = {
		.ids = &sid,
		.nr_ids = 1,
		.pasid_bits = 8,
		.ats = true,
	};
	struct uiommu_hwdom *dom, *other;
	int rc = -ENOMEM;
	unsigned int n;

	assert_int_equal(uiommu_smmuv3_probe(&cfg, &unit), 0);
	assert_int_equal(unit->ops->dev_add(unit, &dc, &dev), 0);
	assert_int_equal(unit->ops->dom_alloc(unit, &paging, &dom), 0);
	assert_int_equal(unit->ops->dom_alloc(unit, &paging, &other), 0);
	for (n = 1; rc; n++) {
		uint64_t before = live();

		assert_true(n < 100);
		test_platform_fail_nth(&fake->tp, n);
		rc = unit->ops->attach(dom, dev);
		test_platform_fail_nth(&fake->tp, 0);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(live(), before);
			assert_false(dev->ats);
		}
	}
	assert_true(n > 2);
	assert_true(dev->ats);
	rc = -ENOMEM;
	for (n = 1; rc; n++) {
		uint64_t before = live();

		assert_true(n < 100);
		test_platform_fail_nth(&fake->tp, n);
		rc = unit->ops->set_pasid(other, dev, 9, NULL);
		test_platform_fail_nth(&fake->tp, 0);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(live(), before);
		}
	}
	assert_true(n > 2);
	unit->ops->dev_remove(dev);
	unit->ops->dom_free(dom);
	unit->ops->dom_free(other);
	stop();
}

/* ---------------------------------------------------------------- reports - */

static void in_order_over_many_wraps(void **state)
{
	unsigned int expect = 0, addr = 0;

	for (unsigned int round = 0; round < 300; round++) {
		host.nr = 0;
		for (unsigned int n = 0; n < round % 65; n++)
			assert_true(page(7, R, (uint64_t)addr++ << 12, 1));
		irq();
		assert_int_equal(host.nr, round % 65);
		for (unsigned int n = 0; n < host.nr; n++)
			assert_int_equal(host.req[n].iova,
					 (uint64_t)expect++ << 12);
	}
	assert_ptr_equal(host.req[0].cookie, &host);
	assert_int_equal(host.lost, 0);
}

/* The slot is free before the device is told that it may ask again. */
static void slots_before_answers(void **state)
{
	uint32_t cons;

	host.answers = dev;
	page(7, R | LAST, 0x1000, 1);
	fake->nr_writes = 0;
	irq();
	cons = write_of(SMMU_REG_PRIQ_CONS, 0);
	assert_true(cons < write_of(SMMU_REG_CMDQ_PROD, 0));
	assert_int_equal(fake_smmu_count(fake, 0, SMMU_CMD_OP_PRI_RESP), 1);
	is(fake->log[fake->nr - 2], 0x0000000700000041, 0x2001);
}

static void pasid_in_answers(void **state)
{
	struct uiommu_hwdev *other;
	uint32_t sid = 8;
	struct uiommu_hwdev_cfg dc = { .ids = &sid, .nr_ids = 1, .pri = true };
	struct uiommu_page_response resp = { .id = 8, .pasid = 3, .token = 5 };

	host.answers = dev;
	page(7, SSV | 3ull << 32 | R | LAST, 0x1000, 5);
	irq();
	is(fake->log[fake->nr - 2], 0x0000000700003841, 0x2005);
	/* a device that does not want it */
	host.answers = NULL;
	assert_int_equal(unit->ops->dev_add(unit, &dc, &other), 0);
	page(8, SSV | 3ull << 32 | R | LAST, 0x1000, 5);
	irq();
	assert_int_equal(unit->ops->page_response(other, &resp), 0);
	is(fake->log[fake->nr - 2], 0x0000000800000041, 0x2005);
	unit->ops->dev_remove(other);
}

static void who_cannot_be_served(void **state)
{
	uint32_t from = fake->nr;

	/* unknown: one response for each group, none for parts and markers */
	page(9, R, 0x1000, 2);
	page(9, R | LAST, 0x2000, 2);
	page(0xffffffff, SSV | R | LAST, 0x2000, 3);
	page(9, SSV | LAST, 0, 0);
	irq();
	assert_int_equal(host.nr, 0);
	assert_int_equal(fake_smmu_count(fake, from, SMMU_CMD_OP_PRI_RESP), 2);
	is(fake->log[from], 0x0000000900000041, 0x2);
	is(fake->log[from + 1], 0xffffffff00000041, 0x3);
	/* a host that takes none */
	from = fake->nr;
	unit->host = NULL;
	page(7, R | LAST, 0x1000, 4);
	irq();
	is(fake->log[from], 0x0000000700000041, 0x4);
}

/*
 * More records than are taken at once: all of them are told before the loss, the
 * loss before the acknowledgement, and what comes then after it.
 */
static void overflow_in_order(void **state)
{
	for (unsigned int round = 1; round <= 3; round++) {
		host.nr = 0;
		for (unsigned int i = 0; i < 64; i++)
			assert_true(page(7, R, 0x1000, 1));
		assert_false(page(7, R | LAST, 0x1000, 1));
		assert_false(page(7, R | LAST, 0x1000, 1));
		irq();
		assert_int_equal(host.nr, 64);
		assert_int_equal(host.lost, round);
		assert_int_equal(host.lost_at, 64);
		assert_int_equal(reg(SMMU_REG_PRIQ_PROD) & 1u << 31,
				 reg(SMMU_REG_PRIQ_CONS) & 1u << 31);
		assert_true(page(7, R, 0x1000, 1));
		irq();
		assert_int_equal(host.nr, 65);
		assert_int_equal(host.lost, round);
	}
}

static void made_while_reporting(void **state)
{
	host.more = fake;
	page(7, R, 0x1000, 1);
	irq();
	assert_int_equal(host.nr, 2);
	assert_int_equal(host.req[1].iova, 0x9000);
}

static void an_index_out_of_range(void **state)
{
	*fake_smmu_reg(fake, SMMU_REG_PRIQ_PROD) = 0x7b;
	irq();
	assert_int_equal(host.nr, 0);
	page(7, R, 0x5000, 1);
	irq();
	assert_int_equal(host.nr, 1);
	assert_int_equal(host.req[0].iova, 0x5000);
}

/* As an overflow: all of before, then the loss, then the acknowledgement. */
static void an_abort_of_the_queue_is_a_loss(void **state)
{
	for (unsigned int i = 0; i < 20; i++)
		page(7, R, 0x1000, 1);
	fake_smmu_gerror(fake, SMMU_GERROR_PRIQ_ABT_ERR);
	unit->ops->irq(unit, UIOMMU_SMMUV3_IRQ_GERROR);
	assert_int_equal(host.nr, 20);
	assert_int_equal(host.lost, 1);
	assert_int_equal(host.lost_at, 20);
	assert_false(host.lost_acked);
	assert_int_equal(reg(SMMU_REG_GERROR), reg(SMMU_REG_GERRORN));
	irq();
	assert_int_equal(host.lost, 1);
}

static uint64_t (*read_reg)(void *ctx, uiommu_pa_t pa, unsigned int size);

/* Behind the first look at PROD a record comes, and then the abort. */
static uint64_t abort_after_prod(void *ctx, uiommu_pa_t pa, unsigned int size)
{
	uint64_t val = read_reg(ctx, pa, size);

	if (pa != fake->base + SMMU_REG_PRIQ_PROD)
		return val;
	fake->tp.mmio_read = read_reg;
	page(7, R, 0x2000, 1);
	fake_smmu_gerror(fake, SMMU_GERROR_PRIQ_ABT_ERR);
	unit->ops->irq(unit, UIOMMU_SMMUV3_IRQ_GERROR);
	return val;
}

static void an_abort_waits_for_what_came_before_it(void **state)
{
	page(7, R, 0x1000, 1);
	read_reg = fake->tp.mmio_read;
	fake->tp.mmio_read = abort_after_prod;
	irq();
	assert_int_equal(host.nr, 2);
	assert_int_equal(host.lost, 1);
	assert_int_equal(host.lost_at, 2);
	assert_int_equal(reg(SMMU_REG_GERROR), reg(SMMU_REG_GERRORN));
}

/* While the one is told the other comes: it is one more. */
static void an_overflow_after_an_abort_is_another_loss(void **state)
{
	fake_smmu_gerror(fake, SMMU_GERROR_PRIQ_ABT_ERR);
	host.overflow = true;
	unit->ops->irq(unit, UIOMMU_SMMUV3_IRQ_GERROR);
	assert_int_equal(host.nr, 64);
	assert_int_equal(host.lost, 2);
	assert_int_equal(host.lost_at, 64);
	assert_int_equal((reg(SMMU_REG_PRIQ_PROD) ^ reg(SMMU_REG_PRIQ_CONS)) &
				 SMMU_Q_PROD_OVFLG,
			 0);
	assert_int_equal(reg(SMMU_REG_GERROR), reg(SMMU_REG_GERRORN));
}

/* STE.PPAR for what the SMMU answers by itself, also while ATS is off. */
static void the_entry_says_who_wants_pasids(void **state)
{
	const struct uiommu_dom_cfg identity = { .type = UIOMMU_DOM_IDENTITY };
	const struct uiommu_dom_cfg paging = { .type = UIOMMU_DOM_PAGING };
	struct uiommu_hwdom *dom;
	uint64_t ste[8];

	assert_int_equal(unit->ops->dom_alloc(unit, &identity, &dom), 0);
	assert_int_equal(unit->ops->attach(dom, dev), 0);
	assert_true(fake_smmu_ste(fake, 7, ste));
	assert_int_equal(ste[0] & 0xf, 9);
	assert_int_equal(ste[1] >> 18 & 1, 1);
	assert_int_equal(unit->ops->dom_alloc(unit, &paging, &dom), 0);
	assert_int_equal(unit->ops->attach(dom, dev), 0);
	assert_true(fake_smmu_ste(fake, 7, ste));
	assert_int_equal(ste[1] >> 18 & 1, 1);
	assert_int_equal(unit->ops->attach(&to_smmuv3_unit(unit)->blocked.hwdom,
					   dev),
			 0);
	unit->ops->dom_free(dom);
}

#define D(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records),
		cmocka_unit_test(commands),
		cmocka_unit_test(spans),
		D(bring_up),
		cmocka_unit_test(without_pri_nothing_is_touched),
		cmocka_unit_test(failures_leave_nothing),
		cmocka_unit_test(attach_failures_leave_nothing),
		D(in_order_over_many_wraps),
		D(slots_before_answers),
		D(pasid_in_answers),
		D(who_cannot_be_served),
		D(overflow_in_order),
		D(made_while_reporting),
		D(an_index_out_of_range),
		D(an_abort_of_the_queue_is_a_loss),
		D(an_abort_waits_for_what_came_before_it),
		D(an_overflow_after_an_abort_is_another_loss),
		D(the_entry_says_who_wants_pasids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
