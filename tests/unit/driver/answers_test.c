/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stalled accesses and page requests on a fake SMMU: whose they are, and that
 * each is answered once, also when devices go and others take their StreamIDs.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/smmuv3/unit.h"
#include "hw/smmuv3/regs.h"
#include "pri_rig.h"

/* ---------------------------------------------------------------- stalls -- */

/* F_TRANSLATION, stalled, read: in the queue only. */
static void stall_record(uint32_t sid, uint16_t stag)
{
	const uint64_t record[4] = { (uint64_t)sid << 32 | 0x10,
				     1ull << 35 | 1ull << 31 | stag, 0x1000,
				     0 };

	assert_true(fake_smmu_event(fake, record));
}

/* The same, and the host is told. */
static void stalled(uint32_t sid, uint16_t stag)
{
	unsigned int before = host.nr_faults;

	stall_record(sid, stag);
	unit->ops->irq(unit, UIOMMU_SMMUV3_IRQ_EVENTQ);
	assert_int_equal(host.nr_faults, before + 1);
}

/* What nobody would ever answer does not wait. */
static void stalls_of_nobody_are_aborted(void **state)
{
	uint32_t sid = 9;
	struct uiommu_hwdev_cfg dc = {
		.ids = &sid,
		.nr_ids = 1,
		.stall = true,
	};
	struct uiommu_page_response resp = {
		.stalled = true,
		.id = 9,
		.token = 0x123,
	};
	struct uiommu_hwdev *other;

	/* unknown, and known but without stalls */
	stalled(0x55, 0xffff);
	assert_int_equal(host.fault.flags, 0);
	is(fake->log[fake->nr - 2], 0x0000005500002044, 0xffff);
	stalled(7, 3);
	assert_int_equal(host.fault.flags, 0);
	is(fake->log[fake->nr - 2], 0x0000000700002044, 3);
	assert_int_equal(unit->ops->dev_add(unit, &dc, &other), 0);
	fake->nr = 0;
	stalled(9, 0x123);
	assert_int_equal(host.fault.flags, UIOMMU_FAULT_STALLED);
	assert_int_equal(host.fault.token, 0x123);
	assert_int_equal(fake->nr, 0);
	assert_int_equal(unit->ops->page_response(other, &resp), 0);
	is(fake->log[0], 0x0000000900001044, 0x123);
	assert_int_equal(fake->nr, 2);
	unit->ops->dev_remove(other);
	assert_int_equal(fake_smmu_count(fake, 0, SMMU_CMD_OP_STALL_TERM), 1);
}

/* Two that stall: a number is one's only with its StreamID. */
static void a_token_of_another(void **state)
{
	struct uiommu_page_response resp = {
		.stalled = true,
		.id = 9,
		.token = 5,
	};
	struct uiommu_hwdev *a, *b;
	uint32_t sid = 9, more[2] = { 10, 11 };
	struct uiommu_hwdev_cfg dc = {
		.ids = &sid,
		.nr_ids = 1,
		.stall = true,
	};

	assert_int_equal(unit->ops->dev_add(unit, &dc, &a), 0);
	dc.ids = more;
	dc.nr_ids = 2;
	assert_int_equal(unit->ops->dev_add(unit, &dc, &b), 0);
	stalled(11, 5);
	assert_int_equal(host.fault.flags, UIOMMU_FAULT_STALLED);
	fake->nr = 0;
	assert_int_equal(unit->ops->page_response(a, &resp), -ENOENT);
	resp.id = 10;
	assert_int_equal(unit->ops->page_response(b, &resp), -ENOENT);
	assert_int_equal(fake->nr, 0);
	resp.id = 11;
	assert_int_equal(unit->ops->page_response(b, &resp), 0);
	is(fake->log[0], 0x0000000b00001044, 5);
	unit->ops->dev_remove(a);
	unit->ops->dev_remove(b);
}

/*
 * Whoever has the StreamID next is not told of what the one before has left in
 * the queues: its stalls are over, its page requests are answered.
 */
static void records_of_an_earlier_life(void **state)
{
	uint32_t sid = 9, from;
	struct uiommu_hwdev_cfg dc = {
		.ids = &sid,
		.nr_ids = 1,
		.stall = true,
		.pri = true,
		.cookie = &host,
	};
	struct uiommu_page_response resp = {
		.stalled = true,
		.id = 9,
		.token = 4,
	};
	struct uiommu_hwdev *d;

	assert_int_equal(unit->ops->dev_add(unit, &dc, &d), 0);
	stalled(9, 4);
	stall_record(9, 5);
	page(9, R, 0x1000, 6);
	page(9, R | LAST, 0x2000, 6);
	unit->ops->dev_remove(d);
	assert_int_equal(unit->ops->dev_add(unit, &dc, &d), 0);
	/* an answer that comes too late is for nobody */
	assert_int_equal(unit->ops->page_response(d, &resp), -ENOENT);
	from = fake->nr;
	unit->ops->irq(unit, UIOMMU_SMMUV3_IRQ_EVENTQ);
	assert_int_equal(host.nr_faults, 2);
	assert_int_equal(host.fault.flags, 0);
	assert_null(host.fault.cookie);
	assert_int_equal(fake->nr, from);
	irq();
	assert_int_equal(host.nr, 0);
	assert_int_equal(fake_smmu_count(fake, from, SMMU_CMD_OP_PRI_RESP), 1);
	is(fake->log[from], 0x0000000900000041, 0x1006);
	/* and of its own it is */
	page(9, R, 0x3000, 6);
	irq();
	assert_int_equal(host.nr, 1);
	stalled(9, 5);
	assert_int_equal(host.fault.flags, UIOMMU_FAULT_STALLED);
	assert_ptr_equal(host.fault.cookie, &host);
	unit->ops->dev_remove(d);
}

/* ---------------------------------------------------------------- removal - */

/* What the host knows of and has not answered; nothing twice. */
static void removal_answers_groups(void **state)
{
	uint32_t ids[2] = { 20, 21 }, from;
	struct uiommu_hwdev_cfg dc = {
		.ids = ids,
		.nr_ids = 2,
		.pri = true,
		.pri_pasid = true,
	};
	struct uiommu_page_response resp = {
		.id = 21,
		.pasid = UIOMMU_NO_PASID,
		.token = 0x1ff,
	};
	struct uiommu_hwdev *d;

	assert_int_equal(unit->ops->dev_add(unit, &dc, &d), 0);
	page(20, SSV | R | LAST, 0x1000, 0);
	page(20, R | LAST, 0x1000, 7);
	page(21, SSV | 0xfffffull << 32 | R | LAST, 0x1000, 0x1ff);
	page(21, R, 0x1000, 3);
	page(20, SSV | LAST, 0, 9);
	page(21, R | LAST, 0x1000, 5);
	irq();
	assert_int_equal(host.nr, 6);
	/* another PASID: nothing like that waits */
	assert_int_equal(unit->ops->page_response(d, &resp), -ENOENT);
	resp.token = 5;
	assert_int_equal(unit->ops->page_response(d, &resp), 0);
	from = fake->nr;
	unit->ops->dev_remove(d);
	assert_int_equal(fake_smmu_count(fake, from, SMMU_CMD_OP_PRI_RESP), 3);
	is(fake->log[from], 0x0000001400000841, 0x1000);
	is(fake->log[from + 1], 0x0000001400000041, 0x1007);
	is(fake->log[from + 2], 0x00000015fffff841, 0x11ff);
	/* the group that was not complete is refused when it is */
	from = fake->nr;
	page(21, R | LAST, 0x1000, 3);
	irq();
	is(fake->log[from], 0x0000001500000041, 0x3);
}

/* The interrupt in the midst of it: one of the two answers, the host does not. */
static void removal_beside_an_interrupt(void **state)
{
	uint32_t sid = 9, from;
	struct uiommu_hwdev_cfg dc = {
		.ids = &sid,
		.nr_ids = 1,
		.stall = true,
		.pri = true,
	};
	struct uiommu_hwdev *d;

	assert_int_equal(unit->ops->dev_add(unit, &dc, &d), 0);
	smmuv3_fault_dev_leave(to_smmuv3_dev(d));
	from = fake->nr;
	page(9, R | LAST, 0x1000, 2);
	irq();
	assert_int_equal(host.nr, 0);
	is(fake->log[from], 0x0000000900000041, 0x1002);
	from = fake->nr;
	stalled(9, 3);
	assert_int_equal(host.fault.flags, 0);
	assert_int_equal(fake->nr, from);
	unit->ops->dev_remove(d);
	assert_int_equal(fake_smmu_count(fake, from, SMMU_CMD_OP_PRI_RESP), 0);
}

/* Refused with a line in the log, and what waits goes on to wait. */
static void answers_that_make_no_sense(void **state)
{
	struct uiommu_page_response resp = { .id = 7,
					     .pasid = UIOMMU_NO_PASID,
					     .token = 4 };
	uint64_t lines;
	uint32_t from;

	page(7, R | LAST, 0x1000, 4);
	irq();
	assert_int_equal(host.nr, 1);
	from = fake->nr;
	lines = fake->tp.log_lines;
	resp.id = 8;
	assert_int_equal(unit->ops->page_response(dev, &resp), -EINVAL);
	assert_int_equal(fake->tp.log_lines, lines + 1);
	resp.id = 7;
	resp.code = (enum uiommu_page_code)3;
	assert_int_equal(unit->ops->page_response(dev, &resp), -EINVAL);
	assert_int_equal(fake->tp.log_lines, lines + 2);
	assert_int_equal(fake->nr, from);
	resp.code = UIOMMU_PAGE_SUCCESS;
	assert_int_equal(unit->ops->page_response(dev, &resp), 0);
}

#define D(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		D(stalls_of_nobody_are_aborted), D(a_token_of_another),
		D(records_of_an_earlier_life),	 D(removal_answers_groups),
		D(removal_beside_an_interrupt),	 D(answers_that_make_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
