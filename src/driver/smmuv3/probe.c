/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making and unmaking a unit: memory first, then the hardware; the ladder down
 * is the same in both directions.
 */
#include "hw/smmuv3/regs.h"
#include "unit.h"

#define DEFAULT_QUEUE_LG2 8
#define DEFAULT_TIMEOUT_NS 1000000000u

/*
 * The last reference is that of a domain's attachment where the hardware did
 * not answer while the domain was in use, and is dropped with the domain.
 */
void smmuv3_unit_put(struct smmuv3_unit *unit)
{
	if (fetch_sub_acq_rel(&unit->refs, 1) != 1)
		return;
	smmuv3_dead_free(unit);
	smmuv3_recq_fini(unit, &unit->priq.queue);
	smmuv3_recq_fini(unit, &unit->evtq);
	smmuv3_cmdq_fini(&unit->cmdq);
	smmuv3_strtab_fini(unit);
	smmuv3_tags_fini(unit, &unit->vmids);
	smmuv3_tags_fini(unit, &unit->asids);
	smmuv3_lock_fini(unit, &unit->dead_lock);
	smmuv3_lock_fini(unit, &unit->dev_lock);
	smmuv3_obj_free(unit, unit);
}

static void unit_free(struct smmuv3_unit *unit)
{
	/* Memory that the hardware may still read is not given back. */
	if (unit->programmed && smmuv3_disable(unit)) {
		smmuv3_log(unit->unit.platform, UIOMMU_LOG_ERROR,
			   "cannot be turned off; its memory is kept");
		return;
	}
	store_release(&unit->gone, true);
	smmuv3_unit_put(unit);
}

static void unit_remove(struct uiommu_unit *u)
{
	unit_free(to_smmuv3_unit(u));
}

static const struct uiommu_driver_ops smmuv3_ops = {
	.name = "smmuv3",
	.remove = unit_remove,
	.caps = smmuv3_caps,
	.hw_info = smmuv3_hw_info,
	.irq = smmuv3_irq,
	.dev_add = smmuv3_dev_add,
	.dev_remove = smmuv3_dev_remove,
	.dom_alloc = smmuv3_dom_alloc,
	.dom_free = smmuv3_dom_free,
	.attach = smmuv3_attach,
	.set_pasid = smmuv3_set_pasid,
	.flush = smmuv3_flush,
	.flush_all = smmuv3_flush_all,
	.read_dirty = smmuv3_read_dirty,
	.page_response = smmuv3_page_response,
	.nested = &smmuv3_nested_ops,
	.counter = smmuv3_counter,
};

/* Leaf sizes of the page tables we are going to make: ask one. */
static int learn_pgsizes(struct smmuv3_unit *unit)
{
	const struct uiommu_dom_cfg any = { .type = UIOMMU_DOM_PAGING };
	struct uiommu_pgtable_cfg cfg;
	struct uiommu_pgtable_info info;
	struct smmuv3_shape shape;
	struct uiommu_pgtable *pt;
	int rc;

	rc = smmuv3_shape_choose(unit, &any, &shape);
	if (rc)
		return -ENODEV;
	smmuv3_shape_pgtable(&shape, &cfg);
	rc = uiommu_pgtable_create(&cfg, &pt);
	if (rc)
		return rc;
	uiommu_pgtable_info(pt, &info);
	uiommu_pgtable_destroy(pt);
	unit->feat.pgsizes = info.pgsizes;
	unit->feat.ias = info.ias;
	return 0;
}

static uint8_t queue_lg2(uint8_t wanted, uint32_t idr1, uint32_t mask)
{
	return min_u64(wanted ? wanted : DEFAULT_QUEUE_LG2,
		       min_u64(FIELD_GET(mask, idr1), SMMU_QUEUE_LG2_MAX));
}

static int unit_init(struct smmuv3_unit *unit)
{
	const struct uiommu_smmuv3_cfg *cfg = &unit->cfg;
	uint32_t idr1 = unit->feat.idr[1];
	int rc;

	rc = learn_pgsizes(unit);
	if (rc)
		return rc;
	smmuv3_static_doms_init(unit);
	rc = smmuv3_lock_init(unit, &unit->dev_lock);
	if (rc)
		return rc;
	rc = smmuv3_lock_init(unit, &unit->dead_lock);
	if (rc)
		goto err_lock;
	rc = smmuv3_tags_init(unit, &unit->asids, unit->feat.asid_bits);
	if (rc)
		goto err_dead_lock;
	rc = smmuv3_tags_init(unit, &unit->vmids, unit->feat.vmid_bits);
	if (rc)
		goto err_asids;
	rc = smmuv3_strtab_init(unit);
	if (rc)
		goto err_vmids;
	rc = smmuv3_cmdq_init(&unit->cmdq, cfg->platform, cfg->base,
			      queue_lg2(cfg->cmdq_lg2, idr1, SMMU_IDR1_CMDQS),
			      cfg->timeout_ns);
	if (rc)
		goto err_strtab;
	rc = -ENOMEM;
	if (!smmuv3_can_reach(unit, unit->cmdq.slots_pa,
			      (size_t)SMMU_CMD_SIZE << unit->cmdq.lg2))
		goto err_cmdq;
	rc = smmuv3_recq_init(unit, &unit->evtq, &smmuv3_evtq_kind,
			      queue_lg2(cfg->evtq_lg2, idr1,
					SMMU_IDR1_EVENTQS));
	if (rc)
		goto err_cmdq;
	if (unit->feat.pri)
		rc = smmuv3_recq_init(
			unit, &unit->priq.queue, &smmuv3_priq_kind,
			queue_lg2(cfg->priq_lg2, idr1, SMMU_IDR1_PRIQS));
	if (rc)
		goto err_evtq;
	return 0;

err_evtq:
	smmuv3_recq_fini(unit, &unit->evtq);
err_cmdq:
	smmuv3_cmdq_fini(&unit->cmdq);
err_strtab:
	smmuv3_strtab_fini(unit);
err_vmids:
	smmuv3_tags_fini(unit, &unit->vmids);
err_asids:
	smmuv3_tags_fini(unit, &unit->asids);
err_dead_lock:
	smmuv3_lock_fini(unit, &unit->dead_lock);
err_lock:
	smmuv3_lock_fini(unit, &unit->dev_lock);
	return rc;
}

int uiommu_smmuv3_probe(const struct uiommu_smmuv3_cfg *cfg,
			struct uiommu_unit **out)
{
	const struct uiommu_platform *p = cfg->platform;
	struct smmuv3_unit *unit;
	int rc;

	unit = p->obj_alloc(p->ctx, sizeof(*unit));
	if (!unit)
		return -ENOMEM;
	unit->unit.ops = &smmuv3_ops;
	unit->unit.platform = p;
	unit->unit.host = cfg->host;
	unit->unit.host_ctx = cfg->host_ctx;
	unit->refs = 1;
	unit->cfg = *cfg;
	if (!cfg->timeout_ns)
		unit->cfg.timeout_ns = DEFAULT_TIMEOUT_NS;

	rc = smmuv3_features_read(&unit->feat, cfg);
	if (rc)
		goto err_free;
	rc = unit_init(unit);
	if (rc)
		goto err_free;
	rc = smmuv3_reset(unit);
	if (rc)
		goto err_off;
	*out = &unit->unit;
	return 0;

err_off:
	unit_free(unit);
	return rc;
err_free:
	p->obj_free(p->ctx, unit);
	return rc;
}
