/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests on the driver and the model.
 *
 *   driver/nested/tlbi_va/N  one of N commands of a guest, by address, in one call:
 *			      checked, translated, to the completed CMD_SYNC
 *   driver/nested/attach     from one guest's entry to another
 */
#include <stdlib.h>

#include <uiommu/host.h>
#include <uiommu/smmuv3.h>

#include "bench.h"
#include "smmu.h"

#define MAX_COMMANDS 256u
#define ROUND 4096u /* commands, or attachments, of a repetition */
#define VSID 3u

struct setup {
	struct bench_smmu hw;
	struct uiommu_unit *unit;
	const struct uiommu_nested_ops *ops;
	struct uiommu_hwdev *dev;
	struct uiommu_hwdom *parent, *nested[2];
	struct uiommu_hwviommu *viommu;
	struct uiommu_hwvdev *vdev;
};

static struct uiommu_hwdom *new_nested(struct setup *s, uint64_t cds)
{
	const struct uiommu_hwpt_smmuv3 ste = { { 0xb | cds, 0xd4 } };
	const struct uiommu_user_data data = {
		.type = UIOMMU_HWPT_DATA_ARM_SMMUV3,
		.len = sizeof(ste),
		.at = (uintptr_t)&ste,
	};
	struct uiommu_hwdom *dom;

	must(!s->ops->viommu_dom_alloc(s->viommu, 0, &data, &dom), "nested");
	return dom;
}

static void open_setup(struct setup *s)
{
	const struct uiommu_dom_cfg stage2 = {
		.type = UIOMMU_DOM_PAGING,
		.stage = UIOMMU_STAGE_2,
		.flags = UIOMMU_DOM_NEST_PARENT,
	};
	const struct uiommu_viommu_cfg guest = { .id = 1 };
	struct uiommu_smmuv3_cfg cfg = { .base = BENCH_SMMU_MMIO };
	const uint32_t sid = 8;
	const struct uiommu_hwdev_cfg dev = { .ids = &sid, .nr_ids = 1 };

	bench_smmu_open(&s->hw);
	cfg.platform = uiommu_host_platform(s->hw.host);
	must(!uiommu_smmuv3_probe(&cfg, &s->unit), "probe");
	s->ops = s->unit->ops->nested;
	must(!s->unit->ops->dev_add(s->unit, &dev, &s->dev), "dev_add");
	must(!s->unit->ops->dom_alloc(s->unit, &stage2, &s->parent), "parent");
	must(!s->ops->viommu_alloc(s->dev, s->parent,
				   UIOMMU_VIOMMU_TYPE_ARM_SMMUV3, &guest,
				   &s->viommu),
	     "viommu");
	must(!s->ops->vdev_alloc(s->viommu, s->dev, VSID, &s->vdev), "vdev");
	s->nested[0] = new_nested(s, 0x40000000);
	s->nested[1] = new_nested(s, 0x50000000);
	must(!s->unit->ops->attach(s->nested[0], s->dev), "attach");
}

static void close_setup(struct setup *s)
{
	must(!s->unit->ops->attach(s->parent, s->dev), "attach");
	s->unit->ops->dom_free(s->nested[0]);
	s->unit->ops->dom_free(s->nested[1]);
	s->ops->vdev_free(s->vdev);
	s->ops->viommu_free(s->viommu);
	s->unit->ops->dev_remove(s->dev);
	s->unit->ops->dom_free(s->parent);
	s->unit->ops->remove(s->unit);
	bench_smmu_close(&s->hw);
}

static void tlbi_va(struct bench_run *run)
{
	const uint32_t nr = *(const uint32_t *)run->arg;
	uint64_t cmd[MAX_COMMANDS][2];
	struct setup s = { 0 };
	unsigned int i;

	for (i = 0; i < nr; i++) {
		cmd[i][0] = 0x12 | UINT64_C(1) << 48;
		cmd[i][1] = 0x100000001 + i * UINT64_C(4096);
	}
	open_setup(&s);
	bench_start(run);
	for (i = 0; i < ROUND / nr; i++) {
		struct uiommu_user_array array = {
			.type = UIOMMU_VIOMMU_INVALIDATE_ARM_SMMUV3,
			.entry_len = sizeof(cmd[0]),
			.entry_num = nr,
			.at = (uintptr_t)cmd,
		};

		must(!s.ops->viommu_invalidate(s.viommu, &array), "command");
	}
	bench_stop(run, ROUND);
	close_setup(&s);
}

static void attach(struct bench_run *run)
{
	struct setup s = { 0 };
	unsigned int i;

	open_setup(&s);
	bench_start(run);
	for (i = 1; i <= ROUND; i++)
		must(!s.unit->ops->attach(s.nested[i % 2], s.dev), "attach");
	bench_stop(run, ROUND);
	close_setup(&s);
}

void nested_bench_register(struct bench *b);
void nested_bench_register(struct bench *b)
{
	static uint32_t nr[] = { 1, 16, MAX_COMMANDS };
	const struct bench_row rows[] = {
		{ .name = "driver/nested/tlbi_va/1",
		  .fn = tlbi_va,
		  .arg = &nr[0] },
		{ .name = "driver/nested/tlbi_va/16",
		  .fn = tlbi_va,
		  .arg = &nr[1] },
		{ .name = "driver/nested/tlbi_va/256",
		  .fn = tlbi_va,
		  .arg = &nr[2] },
		{ .name = "driver/nested/attach", .fn = attach },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bench_add(b, &rows[i]);
}
