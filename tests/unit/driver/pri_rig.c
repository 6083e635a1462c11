/* SPDX-License-Identifier: BSD-2-Clause */
#include "pri_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hw/smmuv3/regs.h"

struct fake_smmu *fake;
struct pri_host host;
struct uiommu_unit *unit;
struct uiommu_hwdev *dev;

bool page(uint32_t sid, uint64_t q0, uint64_t addr, unsigned int group)
{
	const uint64_t record[2] = { q0 | sid, addr | group };

	return fake_smmu_page(fake, record);
}

static void on_page(void *ctx, struct uiommu_unit *u,
		    const struct uiommu_page_request *req)
{
	const struct uiommu_page_response resp = {
		.id = req->id,
		.pasid = req->pasid,
		.token = req->token,
		.code = UIOMMU_PAGE_SUCCESS,
	};

	host.req[host.nr++ % 128] = *req;
	if (host.answers && req->flags & UIOMMU_PAGE_LAST)
		assert_int_equal(u->ops->page_response(host.answers, &resp), 0);
	if (host.more) {
		host.more = NULL;
		page(7, R | LAST, 0x9000, 9);
	}
}

static void on_lost(void *ctx, struct uiommu_unit *u)
{
	host.lost++;
	host.lost_at = host.nr;
	host.lost_acked = !((*fake_smmu_reg(fake, SMMU_REG_GERROR) ^
			     *fake_smmu_reg(fake, SMMU_REG_GERRORN)) &
			    SMMU_GERROR_PRIQ_ABT_ERR);
	if (host.overflow) {
		host.overflow = false;
		while (page(7, R, 0x3000, 2))
			;
	}
}

static void on_fault(void *ctx, struct uiommu_unit *u,
		     const struct uiommu_fault *fault)
{
	host.fault = *fault;
	host.nr_faults++;
}

static const struct uiommu_host_ops host_ops = {
	.report_fault = on_fault,
	.report_page_request = on_page,
	.page_requests_lost = on_lost,
};

struct uiommu_smmuv3_cfg start(uint8_t priqs_lg2)
{
	struct uiommu_smmuv3_cfg cfg;
	uint32_t *idr1;

	memset(&host, 0, sizeof(host));
	fake = malloc(sizeof(*fake));
	fake_smmu_init(fake);
	*fake_smmu_reg(fake, SMMU_REG_IDR0) |= SMMU_IDR0_PRI;
	idr1 = fake_smmu_reg(fake, SMMU_REG_IDR1);
	*idr1 = (*idr1 & ~SMMU_IDR1_PRIQS) |
		FIELD_PREP(SMMU_IDR1_PRIQS, priqs_lg2);
	cfg = fake_smmu_cfg(fake);
	cfg.host = &host_ops;
	return cfg;
}

int setup(void **state)
{
	struct uiommu_smmuv3_cfg cfg = start(6);
	uint32_t sid = 7;
	struct uiommu_hwdev_cfg dc = {
		.ids = &sid,
		.nr_ids = 1,
		.pri = true,
		.pri_pasid = true,
		.cookie = &host,
	};

	assert_int_equal(uiommu_smmuv3_probe(&cfg, &unit), 0);
	return unit->ops->dev_add(unit, &dc, &dev);
}

void stop(void)
{
	unit->ops->remove(unit);
	assert_int_equal(fake->bad_writes, 0);
	assert_int_equal(fake->bad_commands, 0);
	fake_smmu_fini(fake);
	free(fake);
}

int teardown(void **state)
{
	unit->ops->dev_remove(dev);
	stop();
	return 0;
}

void irq(void)
{
	unit->ops->irq(unit, UIOMMU_SMMUV3_IRQ_PRIQ);
}

uint32_t reg(uint32_t off)
{
	return *fake_smmu_reg(fake, off);
}

/* Index of the first write of `bits` to a register, or nr_writes. */
unsigned int write_of(uint32_t off, uint32_t bits)
{
	unsigned int i;

	for (i = 0; i < fake->nr_writes; i++)
		if (fake->writes[i].off == off &&
		    (fake->writes[i].val & bits) == bits)
			break;
	return i;
}

void is(struct smmu_cmd cmd, uint64_t q0, uint64_t q1)
{
	assert_int_equal(cmd.q[0], q0);
	assert_int_equal(cmd.q[1], q1);
}
