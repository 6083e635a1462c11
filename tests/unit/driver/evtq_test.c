/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events: what each record means, the way from the queue to the host with the
 * right cookie, overflow, and the global errors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/smmuv3/unit.h"
#include "fake_smmu.h"
#include "hw/smmuv3/regs.h"

/* --------------------------------------------------------------- records */

static struct uiommu_fault decode(uint64_t q0, uint64_t q1, uint64_t q2,
				  uint64_t q3)
{
	const uint64_t record[4] = { q0, q1, q2, q3 };
	struct uiommu_fault fault;

	smmuv3_evt_decode(record, &fault);
	assert_memory_equal(fault.raw, record, sizeof(record));
	assert_int_equal(fault.raw_type, q0 & 0xff);
	assert_null(fault.cookie);
	return fault;
}

static void worked_records(void **state)
{
	struct uiommu_fault f;

	/* F_TRANSLATION, read, stage 2, stalled, SubstreamID 3 */
	f = decode(0x0000001000003810, 0x0000028880000007, 0x12345678,
		   0x00fedcba98765fff);
	assert_int_equal(f.kind, UIOMMU_FAULT_TRANSLATION);
	assert_int_equal(f.flags, UIOMMU_FAULT_STAGE2 | UIOMMU_FAULT_STALLED);
	assert_int_equal(f.id, 0x10);
	assert_int_equal(f.pasid, 3);
	assert_int_equal(f.iova, 0x12345678);
	assert_int_equal(f.ipa, 0x00fedcba98765000);

	/* F_PERMISSION, stage 1, write, unprivileged data */
	f = decode(0x0000001000000013, 0x0000020000000000, 0xab00000000001000,
		   0x1000);
	assert_int_equal(f.kind, UIOMMU_FAULT_PERMISSION);
	assert_int_equal(f.flags, UIOMMU_FAULT_WRITE);
	assert_int_equal(f.pasid, UIOMMU_NO_PASID);
	assert_int_equal(f.iova, 0xab00000000001000);
	assert_int_equal(f.ipa, 0);
}

static void kinds_of_all_types(void **state)
{
	static const struct {
		uint8_t type;
		enum uiommu_fault_kind kind;
	} cases[] = {
		{ 0x01, UIOMMU_FAULT_OTHER },
		{ 0x02, UIOMMU_FAULT_UNKNOWN_ID },
		{ 0x03, UIOMMU_FAULT_EXTERNAL_ABORT },
		{ 0x04, UIOMMU_FAULT_CONFIG },
		{ 0x05, UIOMMU_FAULT_OTHER },
		{ 0x06, UIOMMU_FAULT_CONFIG },
		{ 0x07, UIOMMU_FAULT_OTHER },
		{ 0x08, UIOMMU_FAULT_CONFIG },
		{ 0x09, UIOMMU_FAULT_EXTERNAL_ABORT },
		{ 0x0a, UIOMMU_FAULT_CONFIG },
		{ 0x0b, UIOMMU_FAULT_EXTERNAL_ABORT },
		{ 0x10, UIOMMU_FAULT_TRANSLATION },
		{ 0x11, UIOMMU_FAULT_ADDR_SIZE },
		{ 0x12, UIOMMU_FAULT_ACCESS_FLAG },
		{ 0x13, UIOMMU_FAULT_PERMISSION },
		{ 0x20, UIOMMU_FAULT_OTHER },
		{ 0x21, UIOMMU_FAULT_CONFIG },
		{ 0x24, UIOMMU_FAULT_OTHER },
		{ 0x25, UIOMMU_FAULT_EXTERNAL_ABORT },
		{ 0xe0, UIOMMU_FAULT_OTHER },
		{ 0xff, UIOMMU_FAULT_OTHER },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(decode(cases[i].type, 0, 0, 0).kind,
				 cases[i].kind);
}

static void fields_that_a_record_lacks_are_not_read(void **state)
{
	struct uiommu_fault f;

	/* C_BAD_STREAMID and F_STREAM_DISABLED: a StreamID and nothing else */
	f = decode(0x77fffff802, ~0ull, ~0ull, ~0ull);
	assert_int_equal(f.id, 0x77);
	assert_int_equal(f.pasid, UIOMMU_NO_PASID);
	assert_int_equal(f.iova, 0);
	assert_int_equal(f.flags, 0);
	f = decode(0x77fffff806, ~0ull, ~0ull, ~0ull);
	assert_int_equal(f.pasid, UIOMMU_NO_PASID);
	/* C_BAD_SUBSTREAMID: always has one, and no SSV bit */
	f = decode(0x7700005008, ~0ull, ~0ull, ~0ull);
	assert_int_equal(f.pasid, 5);
	/* F_WALK_EABT: address and access, no IPA, no stall */
	f = decode(0x0b, 0x8e80000000, 0x1234, ~0ull);
	assert_int_equal(f.iova, 0x1234);
	assert_int_equal(f.ipa, 0);
	assert_int_equal(f.flags, UIOMMU_FAULT_INSTR | UIOMMU_FAULT_PRIV |
					  UIOMMU_FAULT_STAGE2);
	/* F_TRANSL_FORBIDDEN: RnW only */
	f = decode(0x07, 0x0600000000, 0x1234, 0);
	assert_int_equal(f.flags, UIOMMU_FAULT_WRITE);
	/* E_PAGE_REQUEST: the page of the address */
	f = decode(0x24, 0, 0x1fff, 0);
	assert_int_equal(f.iova, 0x1000);
}

/* ---------------------------------------------------------------- queue */

struct host {
	unsigned int nr, lost;
	struct uiommu_fault last;
	uint32_t ids[4096];
	/* A fault that the handler makes while it runs. */
	struct fake_smmu *more;
};

static void on_fault(void *ctx, struct uiommu_unit *unit,
		     const struct uiommu_fault *fault)
{
	struct host *host = ctx;
	uint64_t record[4] = { 0x1000000010ull, 0, 0, 0 };

	host->last = *fault;
	host->ids[host->nr++ % 4096] = fault->id;
	if (host->more) {
		fake_smmu_event(host->more, record);
		host->more = NULL;
	}
}

static void on_lost(void *ctx, struct uiommu_unit *unit)
{
	struct host *host = ctx;

	host->lost++;
}

static const struct uiommu_host_ops host_ops = { on_fault, on_lost };

static struct fake_smmu *fake;
static struct host host;
static struct uiommu_unit *unit;

static int setup(void **state)
{
	struct uiommu_smmuv3_cfg cfg;

	memset(&host, 0, sizeof(host));
	fake = malloc(sizeof(*fake));
	fake_smmu_init(fake);
	cfg = fake_smmu_cfg(fake);
	cfg.host = &host_ops;
	cfg.host_ctx = &host;
	return uiommu_smmuv3_probe(&cfg, &unit);
}

static int teardown(void **state)
{
	unit->ops->remove(unit);
	fake_smmu_fini(fake);
	free(fake);
	return 0;
}

static bool event(uint32_t sid, uint64_t iova)
{
	const uint64_t record[4] = { (uint64_t)sid << 32 | 0x10, 1ull << 35,
				     iova, 0 };

	return fake_smmu_event(fake, record);
}

static void irq(void)
{
	unit->ops->irq(unit, UIOMMU_SMMUV3_IRQ_EVENTQ);
}

static uint32_t reg(uint32_t off)
{
	return *fake_smmu_reg(fake, off);
}

static void the_cookie_is_that_of_the_stream(void **state)
{
	uint32_t a_ids[2] = { 0x105, 0x3000 }, b_id = 0x106;
	struct uiommu_hwdev_cfg a = {
		.name = "a", .ids = a_ids, .nr_ids = 2, .cookie = &a
	};
	struct uiommu_hwdev_cfg b = { .ids = &b_id, .nr_ids = 1, .cookie = &b };
	struct uiommu_hwdev *da, *db;

	assert_int_equal(unit->ops->dev_add(unit, &a, &da), 0);
	assert_int_equal(unit->ops->dev_add(unit, &b, &db), 0);
	event(0x105, 0x1000);
	irq();
	assert_ptr_equal(host.last.cookie, &a);
	event(0x3000, 0x1000);
	irq();
	assert_ptr_equal(host.last.cookie, &a);
	event(0x106, 0x2000);
	irq();
	assert_ptr_equal(host.last.cookie, &b);
	assert_int_equal(host.last.iova, 0x2000);
	/* a known leaf, an unknown leaf, beyond the table */
	event(0x107, 0);
	irq();
	assert_null(host.last.cookie);
	event(0x7700, 0);
	irq();
	assert_null(host.last.cookie);
	event(0xffffffff, 0);
	irq();
	assert_null(host.last.cookie);
	assert_int_equal(host.last.id, 0xffffffff);
	unit->ops->dev_remove(da);
	event(0x105, 0);
	irq();
	assert_null(host.last.cookie);
	unit->ops->dev_remove(db);
	assert_int_equal(host.nr, 7);
}

static void all_records_in_order_over_many_wraps(void **state)
{
	uint32_t sid = 0, i, expect = 0;
	unsigned int round, n;

	for (round = 0; round < 200; round++) {
		host.nr = 0;
		for (n = 0; n < round % 17; n++)
			assert_true(event(sid++, 0));
		irq();
		assert_int_equal(host.nr, round % 17);
		for (i = 0; i < host.nr; i++)
			assert_int_equal(host.ids[i], expect++);
	}
	assert_int_equal(host.lost, 0);
	/* An interrupt without a record does nothing. */
	irq();
}

static void overflow_is_told_once_and_armed_again(void **state)
{
	unsigned int i, round;

	for (round = 1; round <= 3; round++) {
		for (i = 0; i < 16; i++)
			assert_true(event(i, 0));
		assert_false(event(99, 0));
		assert_false(event(99, 0));
		irq();
		assert_int_equal(host.nr, 16 * round);
		assert_int_equal(host.lost, round);
		assert_int_equal(reg(SMMU_REG_EVENTQ_PROD) & 1u << 31,
				 reg(SMMU_REG_EVENTQ_CONS) & 1u << 31);
	}
}

static void events_made_while_reporting_are_seen(void **state)
{
	host.more = fake;
	event(1, 0);
	irq();
	assert_int_equal(host.nr, 2);
}

static void an_index_out_of_range_does_not_run_wild(void **state)
{
	*fake_smmu_reg(fake, SMMU_REG_EVENTQ_PROD) = 0x1b;
	irq();
	assert_int_equal(host.nr, 0);
	assert_int_equal(host.lost, 1);
	/* and the queue works on from there */
	event(5, 0);
	irq();
	assert_int_equal(host.nr, 1);
	assert_int_equal(host.last.id, 5);
}

static void without_a_host_faults_are_logged(void **state)
{
	uint64_t lines;

	unit->host = NULL;
	lines = fake->tp.log_lines;
	event(5, 0);
	irq();
	assert_int_equal(fake->tp.log_lines, lines + 1);
}

/* -------------------------------------------------------- global errors */

static void global_errors_are_acknowledged(void **state)
{
	uint64_t lines = fake->tp.log_lines;

	fake_smmu_gerror(fake, SMMU_GERROR_EVENTQ_ABT_ERR |
				       SMMU_GERROR_MSI_CMDQ_ABT_ERR |
				       SMMU_GERROR_MSI_GERROR_ABT_ERR);
	unit->ops->irq(unit, UIOMMU_SMMUV3_IRQ_GERROR);
	assert_int_equal(reg(SMMU_REG_GERROR), reg(SMMU_REG_GERRORN));
	assert_int_equal(host.lost, 1);
	assert_int_equal(fake->tp.log_lines, lines + 3);
	/* nothing active: nothing written */
	unit->ops->irq(unit, UIOMMU_SMMUV3_IRQ_GERROR);
	assert_int_equal(host.lost, 1);
	unit->ops->irq(unit, UIOMMU_SMMUV3_IRQ_SYNC);
	unit->ops->irq(unit, 99);
}

static void service_failure_ends_the_command_queue(void **state)
{
	struct uiommu_dom_cfg cfg = { UIOMMU_DOM_PAGING };
	uint32_t id = 1;
	struct uiommu_hwdev_cfg dcfg = { .ids = &id, .nr_ids = 1 };
	struct uiommu_hwdom *dom;
	struct uiommu_hwdev *dev;

	assert_int_equal(unit->ops->dom_alloc(unit, &cfg, &dom), 0);
	fake->hold = true;
	fake_smmu_gerror(fake, SMMU_GERROR_SFM_ERR);
	unit->ops->irq(unit, UIOMMU_SMMUV3_IRQ_GERROR);
	assert_int_equal(unit->ops->dev_add(unit, &dcfg, &dev), -EIO);
	unit->ops->dom_free(dom);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worked_records),
		cmocka_unit_test(kinds_of_all_types),
		cmocka_unit_test(fields_that_a_record_lacks_are_not_read),
		TEST(the_cookie_is_that_of_the_stream),
		TEST(all_records_in_order_over_many_wraps),
		TEST(overflow_is_told_once_and_armed_again),
		TEST(events_made_while_reporting_are_seen),
		TEST(an_index_out_of_range_does_not_run_wild),
		TEST(without_a_host_faults_are_logged),
		TEST(global_errors_are_acknowledged),
		TEST(service_failure_ends_the_command_queue),
	};

	return cmocka_run_group_tests_name("driver-evtq", tests, NULL, NULL);
}
