/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Probe: what is refused and why, what is written to the registers and when,
 * what happens to an SMMU that runs already, and that failures leave nothing
 * behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/env.h>

#include "fake_smmu.h"
#include "hw/smmuv3/regs.h"

static struct fake_smmu *fake;

static int setup(void **state)
{
	fake = malloc(sizeof(*fake));
	fake_smmu_init(fake);
	return 0;
}

static int teardown(void **state)
{
	fake_smmu_fini(fake);
	free(fake);
	return 0;
}

static int probe(struct uiommu_unit **unit)
{
	struct uiommu_smmuv3_cfg cfg = fake_smmu_cfg(fake);

	return uiommu_smmuv3_probe(&cfg, unit);
}

static uint32_t reg(uint32_t off)
{
	return *fake_smmu_reg(fake, off);
}

/* --------------------------------------------------------------- refusals */

/* Refused with a reason, and nothing was touched; or there it is. */
static void probe_says(int rc)
{
	struct uiommu_unit *unit;

	assert_int_equal(probe(&unit), rc);
	if (rc) {
		assert_true(fake->tp.log_lines > 0);
		assert_int_equal(fake->nr_writes, 0);
		return;
	}
	assert_int_equal(fake->bad_writes, 0);
	unit->ops->remove(unit);
}

struct id_case {
	uint32_t off, clear, set;
	int rc;
};

static void id_registers_one_by_one(void **state)
{
	static const struct id_case cases[] = {
		{ SMMU_REG_AIDR, 0, 0x10, -ENODEV },
		{ SMMU_REG_AIDR, 0xf, 4, 0 },
		/* one stage is enough */
		{ SMMU_REG_IDR0, SMMU_IDR0_S1P, 0, 0 },
		{ SMMU_REG_IDR0, SMMU_IDR0_S1P | SMMU_IDR0_S2P, 0, -ENODEV },
		{ SMMU_REG_IDR0, SMMU_IDR0_S2P | SMMU_IDR0_HYP, 0, 0 },
		/* TTF: none, AArch32 only, both */
		{ SMMU_REG_IDR0, SMMU_IDR0_TTF, 0, -ENODEV },
		{ SMMU_REG_IDR0, SMMU_IDR0_TTF, 1 << 2, -ENODEV },
		{ SMMU_REG_IDR0, SMMU_IDR0_TTF, 3 << 2, 0 },
		/* TTENDIAN: mixed, reserved, big only */
		{ SMMU_REG_IDR0, SMMU_IDR0_TTENDIAN, 0, 0 },
		{ SMMU_REG_IDR0, SMMU_IDR0_TTENDIAN, 1 << 21, -ENODEV },
		{ SMMU_REG_IDR0, SMMU_IDR0_TTENDIAN, 3 << 21, -ENODEV },
		/* STALL_MODEL: never, forced, reserved */
		{ SMMU_REG_IDR0, SMMU_IDR0_STALL_MODEL, 1 << 24, 0 },
		{ SMMU_REG_IDR0, SMMU_IDR0_STALL_MODEL, 2 << 24, -ENODEV },
		{ SMMU_REG_IDR0, SMMU_IDR0_STALL_MODEL, 3 << 24, -ENODEV },
		{ SMMU_REG_IDR0, 0, SMMU_IDR0_TERM_MODEL, 0 },
		{ SMMU_REG_IDR0, SMMU_IDR0_ST_LEVEL, 0, 0 },
		{ SMMU_REG_IDR0, SMMU_IDR0_ST_LEVEL, 2u << 27, -ENODEV },
		{ SMMU_REG_IDR0, SMMU_IDR0_COHACC, 0, -ENODEV },
		{ SMMU_REG_IDR0, SMMU_IDR0_ASID16, 0, 0 },
		{ SMMU_REG_IDR0, SMMU_IDR0_MSI, 0, 0 },
		{ SMMU_REG_IDR1, SMMU_IDR1_SIDSIZE, 33, -ENODEV },
		{ SMMU_REG_IDR1, SMMU_IDR1_SIDSIZE, 0, 0 },
		{ SMMU_REG_IDR1, SMMU_IDR1_SIDSIZE, 8, 0 },
		{ SMMU_REG_IDR1, SMMU_IDR1_SIDSIZE, 9, 0 },
		{ SMMU_REG_IDR1, SMMU_IDR1_SSIDSIZE, 21 << 6, -ENODEV },
		{ SMMU_REG_IDR1, SMMU_IDR1_EVENTQS, 20 << 16, -ENODEV },
		{ SMMU_REG_IDR1, SMMU_IDR1_CMDQS, 20 << 21, -ENODEV },
		{ SMMU_REG_IDR1, SMMU_IDR1_CMDQS, 0, 0 },
		{ SMMU_REG_IDR1, SMMU_IDR1_EVENTQS, 0, 0 },
		{ SMMU_REG_IDR1, 0, SMMU_IDR1_QUEUES_PRESET, -ENODEV },
		{ SMMU_REG_IDR1, 0, SMMU_IDR1_TABLES_PRESET, -ENODEV },
		{ SMMU_REG_IDR5,
		  SMMU_IDR5_GRAN4K | SMMU_IDR5_GRAN16K | SMMU_IDR5_GRAN64K, 0,
		  -ENODEV },
		{ SMMU_REG_IDR5, 0, 7, -ENODEV },
		{ SMMU_REG_IDR5, SMMU_IDR5_GRAN4K, 0, 0 },
		{ SMMU_REG_IDR5, SMMU_IDR5_GRAN4K | SMMU_IDR5_GRAN16K, 0, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		teardown(state);
		setup(state);
		*fake_smmu_reg(fake, cases[i].off) &= ~cases[i].clear;
		*fake_smmu_reg(fake, cases[i].off) |= cases[i].set;
		probe_says(cases[i].rc);
	}
}

static char kept[2048];

static void keep_line(void *ctx, enum uiommu_log_level level, const char *msg)
{
	size_t len = strlen(kept);

	snprintf(kept + len, sizeof(kept) - len, "%s\n", msg);
}

/* Fewer bits than any page table has: told as what it is, nothing touched. */
static void no_page_table_is_so_narrow(void **state)
{
	struct uiommu_smmuv3_cfg cfg = fake_smmu_cfg(fake);
	struct uiommu_unit *unit;

	fake->tp.platform.log = keep_line;
	kept[0] = 0;
	cfg.domain_oas = 31;
	assert_int_equal(uiommu_smmuv3_probe(&cfg, &unit), -EINVAL);
	assert_non_null(strstr(kept, "domain_oas"));
	assert_int_equal(fake->nr_writes, 0);
	cfg.domain_oas = 32;
	test_platform_use_pool(&fake->tp, 4 << 20);
	assert_int_equal(uiommu_smmuv3_probe(&cfg, &unit), 0);
	unit->ops->remove(unit);
}

/* Where two registers say together what there is. */
static void pairs_that_make_no_sense(void **state)
{
	static const struct {
		uint32_t idr0;
		uint32_t idr1;
		uint32_t idr6;
		int rc;
	} cases[] = {
		/* Pages of ECMDQs, and how many in each. */
		{ 0, SMMU_IDR1_ECMDQ, 9u << 24, -ENODEV },
		{ 0, SMMU_IDR1_ECMDQ, 15u << 16, -ENODEV },
		{ 0, 0, 15u << 16, 0 },
		/* The size of a queue that there is, or is not. */
		{ SMMU_IDR0_PRI, 20u << 11, 0, -ENODEV },
		{ SMMU_IDR0_PRI, 19u << 11, 0, 0 },
		{ 0, 20u << 11, 0, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		teardown(state);
		setup(state);
		*fake_smmu_reg(fake, SMMU_REG_IDR0) |= cases[i].idr0;
		*fake_smmu_reg(fake, SMMU_REG_IDR1) |= cases[i].idr1;
		*fake_smmu_reg(fake, SMMU_REG_IDR6) |= cases[i].idr6;
		probe_says(cases[i].rc);
	}
}

static void capabilities_follow_the_id_registers(void **state)
{
	struct uiommu_hw_info_smmuv3 info;
	struct uiommu_unit_caps caps;
	struct uiommu_unit *unit;
	uint32_t type, part[2] = { 1, 2 };

	assert_int_equal(probe(&unit), 0);
	unit->ops->caps(unit, &caps);
	assert_int_equal(caps.pgsizes & 0x40201000, 0x40201000);
	assert_int_equal(caps.ias, 48);
	assert_int_equal(caps.oas, 48);
	assert_true(caps.coherent);
	assert_true(caps.msi_translated);

	assert_int_equal(unit->ops->hw_info(unit, &type, &info, sizeof(info)),
			 sizeof(info));
	assert_int_equal(type, 2);
	assert_int_equal(info.idr[0], reg(SMMU_REG_IDR0));
	assert_int_equal(info.idr[5], reg(SMMU_REG_IDR5));
	assert_int_equal(info.iidr, 0x43b);
	assert_int_equal(info.aidr, 2);
	/* A short buffer gets a part; the size is told all the same. */
	assert_int_equal(unit->ops->hw_info(unit, &type, part, 4),
			 sizeof(info));
	assert_int_equal(part[1], 2);
	unit->ops->remove(unit);

	*fake_smmu_reg(fake, SMMU_REG_IDR5) = SMMU_IDR5_OAS_40 |
					      SMMU_IDR5_GRAN64K;
	test_platform_use_pool(&fake->tp, 16 << 20);
	assert_int_equal(probe(&unit), 0);
	unit->ops->caps(unit, &caps);
	assert_int_equal(caps.oas, 40);
	assert_int_equal(caps.pgsizes & 0xfffff, 0x10000);
	unit->ops->remove(unit);
}

static void keep_warning(void *ctx, enum uiommu_log_level level,
			 const char *msg)
{
	if (level <= UIOMMU_LOG_WARN)
		keep_line(ctx, level, msg);
}

static void *(*table_alloc)(void *ctx, size_t size, uiommu_pa_t *pa);
static unsigned int far_in;

/* The far_in-th block lies where an SMMU of 40 bits cannot reach. */
static void *one_is_far(void *ctx, size_t size, uiommu_pa_t *pa)
{
	void *va = table_alloc(ctx, size, pa);

	if (far_in && --far_in == 0)
		*pa |= 1ull << 40;
	return va;
}

/* Whatever it was for: refused, with the reason, and nothing is left. */
static void memory_out_of_reach_is_refused(void **state)
{
	struct uiommu_unit *unit;
	unsigned int n;
	int rc;

	*fake_smmu_reg(fake, SMMU_REG_IDR5) = SMMU_IDR5_OAS_40 |
					      SMMU_IDR5_GRAN4K;
	test_platform_use_pool(&fake->tp, 16 << 20);
	table_alloc = fake->tp.platform.table_alloc;
	fake->tp.platform.table_alloc = one_is_far;
	fake->tp.platform.log = keep_warning;
	for (n = 1;; n++) {
		kept[0] = 0;
		far_in = n;
		rc = probe(&unit);
		if (!rc)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_non_null(strstr(kept, "beyond the output size"));
		assert_int_equal(fake->tp.live_objs, 0);
		assert_int_equal(fake->tp.live_tables, 0);
		assert_int_equal(fake->tp.live_locks, 0);
		assert_int_equal(fake->nr_writes, 0);
	}
	unit->ops->remove(unit);
	/* A page table's root, the stream table, two queues. */
	assert_int_equal(n, 5);
}

/* ------------------------------------------------------------- registers */

/* Position of the first write to `off` with (val & mask) == want; or -1. */
static int write_at(uint32_t off, uint64_t mask, uint64_t want)
{
	uint32_t i;

	for (i = 0; i < fake->nr_writes; i++)
		if (fake->writes[i].off == off &&
		    (fake->writes[i].val & mask) == want)
			return i;
	return -1;
}

static void bring_up_in_the_right_order(void **state)
{
	int gbpa, off, table, cmdq, irq, evtq, on;
	struct uiommu_unit *unit;
	unsigned int i;
	static const uint32_t ops[] = { 0x04, 0x46, 0x20, 0x30, 0x46 };

	assert_int_equal(probe(&unit), 0);
	assert_int_equal(fake->bad_writes, 0);
	gbpa = write_at(SMMU_REG_GBPA, SMMU_GBPA_ABORT, SMMU_GBPA_ABORT);
	off = write_at(SMMU_REG_CR0, UINT32_MAX, 0);
	table = write_at(SMMU_REG_STRTAB_BASE, 0, 0);
	cmdq = write_at(SMMU_REG_CR0, UINT32_MAX, SMMU_CR0_CMDQEN);
	irq = write_at(SMMU_REG_IRQ_CTRL, 5, 5);
	evtq = write_at(SMMU_REG_CR0, SMMU_CR0_EVENTQEN, SMMU_CR0_EVENTQEN);
	on = write_at(SMMU_REG_CR0, SMMU_CR0_SMMUEN, SMMU_CR0_SMMUEN);
	assert_true(gbpa >= 0 && gbpa < off && off < table && table < cmdq &&
		    cmdq < evtq && irq < evtq && evtq < on);
	assert_int_equal(reg(SMMU_REG_CR0),
			 SMMU_CR0_SMMUEN | SMMU_CR0_EVENTQEN | SMMU_CR0_CMDQEN |
				 SMMU_CR0_ATSCHK);
	assert_int_equal(reg(SMMU_REG_CR2), SMMU_CR2_RECINVSID | SMMU_CR2_PTM);
	/* all write-back, inner shareable */
	assert_int_equal(reg(SMMU_REG_CR1), 0xd75);
	assert_int_equal(reg(SMMU_REG_STRTAB_BASE_CFG), 0x10210);

	/* Both caches are emptied, configuration first, before SMMUEN. */
	assert_int_equal(fake->nr, 5);
	for (i = 0; i < 5; i++)
		assert_int_equal(fake->log[i].q[0] & 0xff, ops[i]);
	unit->ops->remove(unit);
	assert_int_equal(reg(SMMU_REG_CR0), 0);
	assert_int_equal(reg(SMMU_REG_IRQ_CTRL), 0);
	assert_true(reg(SMMU_REG_GBPA) & SMMU_GBPA_ABORT);
}

/* Page requests come with ATS or not at all (IHI 0070 6.3.1). */
static void page_requests_without_ats_are_none(void **state)
{
	const uint32_t id = 1;
	struct uiommu_hwdev_cfg dev_cfg = { .ids = &id,
					    .nr_ids = 1,
					    .pri = true };
	struct uiommu_hwdev *dev;
	struct uiommu_unit *unit;

	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~SMMU_IDR0_ATS;
	*fake_smmu_reg(fake, SMMU_REG_IDR0) |= SMMU_IDR0_PRI;
	*fake_smmu_reg(fake, SMMU_REG_IDR1) |= FIELD_PREP(SMMU_IDR1_PRIQS, 4);
	assert_int_equal(probe(&unit), 0);
	assert_int_equal(write_at(SMMU_REG_PRIQ_BASE, 0, 0), -1);
	assert_int_equal(
		write_at(SMMU_REG_CR0, SMMU_CR0_PRIQEN, SMMU_CR0_PRIQEN), -1);
	assert_int_equal(unit->ops->dev_add(unit, &dev_cfg, &dev), 0);
	assert_false(dev->page_faults);
	unit->ops->dev_remove(dev);
	unit->ops->remove(unit);
}

static void a_running_smmu_is_taken_over(void **state)
{
	struct uiommu_unit *unit;
	int abort_at, off_at;

	*fake_smmu_reg(fake, SMMU_REG_IDR0) |= SMMU_IDR0_PRI;
	*fake_smmu_reg(fake, SMMU_REG_IDR1) |= FIELD_PREP(SMMU_IDR1_PRIQS, 10);
	*fake_smmu_reg(fake, SMMU_REG_CR0) = 0x1f;
	*fake_smmu_reg(fake, SMMU_REG_CR0ACK) = 0x1f;
	*fake_smmu_reg(fake, SMMU_REG_IRQ_CTRL) = 7;
	*fake_smmu_reg(fake, SMMU_REG_IRQ_CTRLACK) = 7;
	*fake_smmu_reg(fake, SMMU_REG_GERROR) = SMMU_GERROR_CMDQ_ERR | 0x20;
	*fake_smmu_reg(fake, SMMU_REG_CMDQ_PROD) = 77;
	*fake_smmu_reg(fake, SMMU_REG_CMDQ_CONS) = 55;
	/* Three records in a queue of eight, and some that found no room. */
	*fake_smmu_reg(fake, SMMU_REG_EVENTQ_BASE) = 3;
	*fake_smmu_reg(fake, SMMU_REG_EVENTQ_PROD) = 0x80000005;
	*fake_smmu_reg(fake, SMMU_REG_EVENTQ_CONS) = 2;
	/* Two page requests in a queue of four; the index has wrapped. */
	*fake_smmu_reg(fake, SMMU_REG_PRIQ_BASE) = 2;
	*fake_smmu_reg(fake, SMMU_REG_PRIQ_PROD) = 5;
	*fake_smmu_reg(fake, SMMU_REG_PRIQ_CONS) = 3;
	fake->tp.platform.log = keep_line;
	kept[0] = 0;
	assert_int_equal(probe(&unit), 0);
	assert_non_null(strstr(kept, "taking it over"));
	assert_non_null(strstr(kept, "acknowledged: 21"));
	assert_non_null(strstr(kept, "3 event records from before are lost, "
				     "and more"));
	assert_non_null(strstr(kept, "2 page requests from before are lost: "));
	/* and ours begins empty */
	assert_int_equal(reg(SMMU_REG_PRIQ_PROD) | reg(SMMU_REG_PRIQ_CONS), 0);
	assert_int_equal(fake->bad_writes, 0);
	abort_at = write_at(SMMU_REG_GBPA, SMMU_GBPA_ABORT | SMMU_GBPA_UPDATE,
			    SMMU_GBPA_ABORT | SMMU_GBPA_UPDATE);
	off_at = write_at(SMMU_REG_CR0, UINT32_MAX, 0);
	assert_in_range(abort_at, 0, off_at);
	/* Its errors are acknowledged, ours can be seen. */
	assert_int_equal(reg(SMMU_REG_GERROR), reg(SMMU_REG_GERRORN));
	assert_int_equal(fake->nr, 5);
	unit->ops->remove(unit);
}

/* One enhanced command queue, in a page behind page 1. */
#define ECMDQ_PAGE 0x20000
#define ECMDQ_PROD (ECMDQ_PAGE + 8)
#define ECMDQ_CONS (ECMDQ_PAGE + 0xc)

static void leave_an_ecmdq_on(void)
{
	*fake_smmu_reg(fake, SMMU_REG_IDR1) |= SMMU_IDR1_ECMDQ;
	*fake_smmu_reg(fake, SMMU_REG_CMDQ_CONTROL_PAGES) = ECMDQ_PAGE | 3;
	*fake_smmu_reg(fake, ECMDQ_PROD) = SMMU_ECMDQ_PROD_EN |
					   SMMU_ECMDQ_PROD_ERRACK | 9;
	*fake_smmu_reg(fake, ECMDQ_CONS) = SMMU_ECMDQ_CONS_ENACK | 7;
}

static void acknowledge_ecmdq(struct fake_smmu *smmu, uint32_t off,
			      uint64_t val)
{
	if (off == ECMDQ_PROD && !(val & SMMU_ECMDQ_PROD_EN))
		*fake_smmu_reg(smmu, ECMDQ_CONS) &= ~SMMU_ECMDQ_CONS_ENACK;
}

static void an_enhanced_queue_is_turned_off(void **state)
{
	struct uiommu_unit *unit;
	int off_at, cr1_at;

	leave_an_ecmdq_on();
	fake->before_write = acknowledge_ecmdq;
	assert_int_equal(probe(&unit), 0);
	/* Only that: its index and errors are as they were. */
	off_at = write_at(ECMDQ_PROD, UINT32_MAX, SMMU_ECMDQ_PROD_ERRACK | 9);
	cr1_at = write_at(SMMU_REG_CR1, 0, 0);
	unit->ops->remove(unit);
	assert_in_range(off_at, 0, cr1_at);

	/* One that is off is left alone. */
	fake->nr_writes = 0;
	assert_int_equal(probe(&unit), 0);
	assert_int_equal(write_at(ECMDQ_PROD, 0, 0), -1);
	unit->ops->remove(unit);

	/* One that does not stop. */
	leave_an_ecmdq_on();
	fake->before_write = NULL;
	assert_int_equal(probe(&unit), -ETIMEDOUT);
	assert_true(reg(SMMU_REG_GBPA) & SMMU_GBPA_ABORT);

	/* A page that would stand among the other registers. */
	*fake_smmu_reg(fake, SMMU_REG_CMDQ_CONTROL_PAGES) = 0x10003;
	fake->tp.platform.log = keep_line;
	kept[0] = 0;
	assert_int_equal(probe(&unit), -ENODEV);
	assert_non_null(strstr(kept, "CMDQ_CONTROL_PAGE_BASE"));
}

/* It can be used, but not without a word about DMA that nobody stops. */
static void a_missing_gbpa_is_told(void **state)
{
	struct uiommu_unit *unit;

	fake->no_gbpa = true;
	fake->tp.platform.log = keep_warning;
	kept[0] = 0;
	assert_int_equal(probe(&unit), 0);
	assert_non_null(strstr(kept, "GBPA"));
	kept[0] = 0;
	unit->ops->remove(unit);
	assert_non_null(strstr(kept, "GBPA"));

	fake->no_gbpa = false;
	kept[0] = 0;
	assert_int_equal(probe(&unit), 0);
	unit->ops->remove(unit);
	assert_string_equal(kept, "");
}

static void messages_only_where_there_are_some(void **state)
{
	struct uiommu_smmuv3_cfg cfg = fake_smmu_cfg(fake);
	struct uiommu_unit *unit;

	cfg.evtq_msi.addr = 0x8020040;
	cfg.evtq_msi.data = 77;
	assert_int_equal(uiommu_smmuv3_probe(&cfg, &unit), 0);
	assert_int_equal(reg(SMMU_REG_EVENTQ_IRQ_CFG0), 0x8020040);
	assert_int_equal(reg(SMMU_REG_EVENTQ_IRQ_CFG1), 77);
	assert_int_equal(reg(SMMU_REG_EVENTQ_IRQ_CFG2), 1);
	assert_int_equal(reg(SMMU_REG_GERROR_IRQ_CFG0), 0);
	unit->ops->remove(unit);

	teardown(state);
	setup(state);
	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~SMMU_IDR0_MSI;
	cfg = fake_smmu_cfg(fake);
	cfg.evtq_msi.addr = 0x8020040;
	assert_int_equal(uiommu_smmuv3_probe(&cfg, &unit), 0);
	assert_int_equal(write_at(SMMU_REG_EVENTQ_IRQ_CFG0, 0, 0), -1);
	unit->ops->remove(unit);
}

static void other_shapes_of_the_stream_table(void **state)
{
	struct uiommu_unit *unit;

	/* linear: FMT 0, LOG2SIZE as many as there are */
	*fake_smmu_reg(fake, SMMU_REG_IDR1) =
		(reg(SMMU_REG_IDR1) & ~SMMU_IDR1_SIDSIZE) | 6;
	*fake_smmu_reg(fake, SMMU_REG_IDR0) &= ~SMMU_IDR0_ST_LEVEL;
	assert_int_equal(probe(&unit), 0);
	assert_int_equal(reg(SMMU_REG_STRTAB_BASE_CFG), 6);
	unit->ops->remove(unit);

	/* 32 bits of StreamIDs: the level-1 table is capped, with a line */
	*fake_smmu_reg(fake, SMMU_REG_IDR0) |= 1 << 27;
	*fake_smmu_reg(fake, SMMU_REG_IDR1) =
		(reg(SMMU_REG_IDR1) & ~SMMU_IDR1_SIDSIZE) | 32;
	fake->tp.log_lines = 0;
	assert_int_equal(probe(&unit), 0);
	assert_int_equal(reg(SMMU_REG_STRTAB_BASE_CFG), 0x10200 | 25);
	assert_true(fake->tp.log_lines > 0);
	unit->ops->remove(unit);
}

/* -------------------------------------------------------------- failures */

static void mute_handshakes_time_out(void **state)
{
	struct uiommu_unit *unit;

	fake->mute_gbpa = true;
	assert_int_equal(probe(&unit), -ETIMEDOUT);
	fake->mute_gbpa = false;
	*fake_smmu_reg(fake, SMMU_REG_GBPA) = 0;

	*fake_smmu_reg(fake, SMMU_REG_CR0ACK) = SMMU_CR0_SMMUEN;
	fake->mute_cr0 = true;
	assert_int_equal(probe(&unit), -ETIMEDOUT);
	*fake_smmu_reg(fake, SMMU_REG_CR0ACK) = 0;
	fake->mute_cr0 = false;

	*fake_smmu_reg(fake, SMMU_REG_IRQ_CTRLACK) = 1;
	fake->mute_irq_ctrl = true;
	assert_int_equal(probe(&unit), -ETIMEDOUT);
	fake->mute_irq_ctrl = false;

	/* The queue never moves, but the SMMU can be turned off. */
	fake->hold = true;
	assert_int_equal(probe(&unit), -ETIMEDOUT);
	assert_int_equal(reg(SMMU_REG_CR0), 0);
}

static void dead_registers_are_refused(void **state)
{
	struct uiommu_unit *unit;

	fake->dead_reads = 1;
	assert_int_equal(probe(&unit), -ENODEV);
}

static void running_out_of_memory_leaves_nothing(void **state)
{
	struct uiommu_unit *unit;
	unsigned int n;
	int rc;

	for (n = 1;; n++) {
		test_platform_fail_nth(&fake->tp, n);
		rc = probe(&unit);
		if (!rc)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(fake->tp.live_objs, 0);
		assert_int_equal(fake->tp.live_tables, 0);
		assert_int_equal(fake->tp.live_locks, 0);
		assert_int_equal(reg(SMMU_REG_CR0), 0);
	}
	assert_true(n > 10);
	unit->ops->remove(unit);
}

static void counters_have_names(void **state)
{
	uint64_t value, syncs = 0;
	struct uiommu_unit *unit;
	const char *name;
	unsigned int i;

	assert_int_equal(probe(&unit), 0);
	for (i = 0; unit->ops->counter(unit, i, &name, &value); i++) {
		assert_non_null(name);
		if (!strcmp(name, "cmd/sync"))
			syncs = value;
	}
	assert_true(i >= 10);
	assert_int_equal(syncs, 2);
	unit->ops->remove(unit);
}

/* What is not there is told, with the register that says so. */
static void what_is_missing_is_told(void **state)
{
	struct uiommu_unit *unit;

	*fake_smmu_reg(fake, SMMU_REG_IDR0) &=
		~(SMMU_IDR0_CD2L | SMMU_IDR0_S2P | SMMU_IDR0_HYP);
	*fake_smmu_reg(fake, SMMU_REG_IDR3) &= ~SMMU_IDR3_RIL;
	fake->tp.platform.log = keep_line;
	kept[0] = 0;
	assert_int_equal(probe(&unit), 0);
	assert_non_null(strstr(kept, "without stage 2 (IDR0.S2P)"));
	assert_non_null(strstr(kept, "4096 PASIDs (IDR0.CD2L)"));
	assert_non_null(strstr(kept, "ranges (IDR3.RIL)"));
	assert_null(strstr(kept, "without stage 1"));
	unit->ops->remove(unit);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(id_registers_one_by_one),
		TEST(pairs_that_make_no_sense),
		TEST(no_page_table_is_so_narrow),
		TEST(page_requests_without_ats_are_none),
		TEST(capabilities_follow_the_id_registers),
		TEST(memory_out_of_reach_is_refused),
		TEST(bring_up_in_the_right_order),
		TEST(a_running_smmu_is_taken_over),
		TEST(an_enhanced_queue_is_turned_off),
		TEST(a_missing_gbpa_is_told),
		TEST(what_is_missing_is_told),
		TEST(messages_only_where_there_are_some),
		TEST(other_shapes_of_the_stream_table),
		TEST(mute_handshakes_time_out),
		TEST(dead_registers_are_refused),
		TEST(running_out_of_memory_leaves_nothing),
		TEST(counters_have_names),
	};

	return cmocka_run_group_tests_name("driver-probe", tests, NULL, NULL);
}
