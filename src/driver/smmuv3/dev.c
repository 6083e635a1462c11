/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: making them known, and pointing them at a domain.
 *
 * All StreamIDs of a device have equal entries.  Attaching never passes through
 * an entry that leads nowhere: a free CD slot is filled, then the entry writer
 * switches each STE from old to new, and after its CFGI and SYNC no access that
 * begins can use the old domain.  TLB entries of the old domain need not go for
 * that, since they are tagged with another ASID, which no STE of the device
 * leads to any more.  They do go when the last device leaves the domain, so
 * that a flush of a domain that is not in use has nothing to do (domain.c).
 *
 * Everything that can run out is taken before the first store.  What remains is
 * hardware that does not answer: then the device is left with abort entries and
 * no domain, and the attachments of both domains keep what they protect.
 */
#include "cmd.h"
#include "entry.h"
#include "unit.h"

/* ------------------------------------------------------- stream entries -- */

/* Context of the entry writer: whose entry it is. */
struct ste_ctx {
	struct smmuv3_unit *unit;
	uint32_t sid;
};

static void ste_store(void *ctx, le64_t *word, le64_t value)
{
	struct ste_ctx *c = ctx;

	smmuv3_store(c->unit, word, value);
}

static int ste_sync(void *ctx)
{
	struct ste_ctx *c = ctx;
	struct smmuv3_batch batch;

	smmuv3_batch_init(&batch, &c->unit->cmdq);
	smmuv3_batch_add(&batch, smmuv3_make_cfgi_ste(c->sid, true));
	return smmuv3_batch_sync(&batch);
}

static const struct smmuv3_entry_ops ste_ops = {
	.used = smmuv3_ste_used,
	.abort_q0 = SMMU_STE_0_V, /* Config 0 */
	.store = ste_store,
	.sync = ste_sync,
};

static int install_ste(struct smmuv3_unit *unit, uint32_t sid,
		       const struct smmu_ste *ste)
{
	struct ste_ctx ctx = { unit, sid };

	return smmuv3_entry_write(&ste_ops, &ctx, smmuv3_strtab_ste(unit, sid),
				  ste->q);
}

static int install_all(struct smmuv3_dev *dev, const struct smmu_ste *ste)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(dev->hwdev.unit);
	unsigned int i;
	int rc;

	for (i = 0; i < dev->nr_ids; i++) {
		rc = install_ste(unit, dev->ids[i], ste);
		if (rc)
			return rc;
	}
	return 0;
}

/*
 * Abort entries everywhere.  The stores come first and for all StreamIDs, so
 * that hardware that has stopped answering finds them when it wakes up.
 */
static int block_all(struct smmuv3_dev *dev)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(dev->hwdev.unit);
	struct smmu_ste ste;
	struct ste_ctx ctx;
	unsigned int i;
	int rc = 0, err;

	smmuv3_make_ste_abort(&ste);
	for (i = 0; i < dev->nr_ids; i++) {
		ctx = (struct ste_ctx){ unit, dev->ids[i] };
		smmuv3_entry_stop(&ste_ops, &ctx,
				  smmuv3_strtab_ste(unit, dev->ids[i]));
	}
	for (i = 0; i < dev->nr_ids; i++) {
		ctx = (struct ste_ctx){ unit, dev->ids[i] };
		err = ste_sync(&ctx);
		if (!err)
			err = install_ste(unit, dev->ids[i], &ste);
		rc = rc ? rc : err;
	}
	return rc;
}

/* --------------------------------------------------------------- attach -- */

static void make_ste(struct smmuv3_dom *dom, struct smmuv3_dev *dev,
		     struct smmu_ste *ste)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(dev->hwdev.unit);
	struct smmuv3_ste_s1_cfg s1 = {
		.coherent = unit->feat.coherent,
		.no_stall = unit->feat.can_stall,
		.vmid = SMMUV3_S1_VMID,
	};
	struct smmuv3_cd_cfg cdcfg = {
		.asid = dom->asid,
		.coherent = unit->feat.coherent,
	};
	struct smmu_cd cd;

	switch (dom->hwdom.type) {
	case UIOMMU_DOM_PAGING:
		cdcfg.pt = dom->info;
		smmuv3_make_cd_s1(&cd, &cdcfg);
		s1.cdtab = smmuv3_cdtab_install(unit, &dev->cdtab, &cd);
		smmuv3_make_ste_s1(ste, &s1);
		break;
	case UIOMMU_DOM_IDENTITY:
		smmuv3_make_ste_bypass(ste);
		break;
	default:
		smmuv3_make_ste_abort(ste);
		break;
	}
}

static void leave_dom(struct smmuv3_unit *unit, struct uiommu_hwdom *old)
{
	if (old && old->type == UIOMMU_DOM_PAGING)
		smmuv3_att_put(to_smmuv3_dom(old), unit);
}

int smmuv3_attach(struct uiommu_hwdom *d, struct uiommu_hwdev *v)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(v->unit);
	struct smmuv3_dev *dev = to_smmuv3_dev(v);
	struct smmuv3_dom *dom = to_smmuv3_dom(d);
	struct uiommu_hwdom *old = v->dom;
	struct smmu_ste ste;
	int rc;

	if (d->unit != v->unit)
		return -EINVAL;
	if (old == d)
		return 0;
	if (d->type == UIOMMU_DOM_PAGING) {
		rc = smmuv3_att_get(dom, unit);
		if (rc)
			return rc;
	}

	make_ste(dom, dev, &ste);
	rc = install_all(dev, &ste);
	if (rc)
		goto err_block;
	if (d->type == UIOMMU_DOM_PAGING)
		smmuv3_cdtab_commit(&dev->cdtab);
	v->dom = d;
	leave_dom(unit, old);
	return 0;

err_block:
	smmuv3_log(unit->unit.platform, UIOMMU_LOG_ERROR,
		   "%s: attach failed, the device is blocked", v->name);
	block_all(dev);
	v->dom = NULL;
	leave_dom(unit, d);
	leave_dom(unit, old);
	return rc;
}

/* ---------------------------------------------------- coming and going -- */

/* Are the StreamIDs of cfg free and different?  dev_lock is held. */
static int check_ids(struct smmuv3_unit *unit,
		     const struct uiommu_hwdev_cfg *cfg)
{
	unsigned int i, j;

	for (i = 0; i < cfg->nr_ids; i++) {
		if ((uint64_t)cfg->ids[i] >> unit->strtab.log2size)
			return -ERANGE;
		if (smmuv3_strtab_dev(unit, cfg->ids[i]))
			return -EEXIST;
		for (j = 0; j < i; j++)
			if (cfg->ids[j] == cfg->ids[i])
				return -EEXIST;
	}
	return 0;
}

static size_t name_size(const char *name)
{
	size_t len = 0;

	while (name[len])
		len++;
	return len + 1;
}

static struct smmuv3_dev *dev_alloc(struct smmuv3_unit *unit,
				    const struct uiommu_hwdev_cfg *cfg)
{
	const char *name = cfg->name ? cfg->name : "device";
	size_t ids_size = cfg->nr_ids * sizeof(cfg->ids[0]);
	size_t len = name_size(name);
	struct smmuv3_dev *dev;
	char *copy;

	dev = smmuv3_obj_alloc(unit, sizeof(*dev) + ids_size + len);
	if (!dev)
		return NULL;
	dev->p = unit->unit.platform;
	dev->hwdev.unit = &unit->unit;
	dev->hwdev.cookie = cfg->cookie;
	dev->nr_ids = cfg->nr_ids;
	memcpy(dev->ids, cfg->ids, ids_size);
	copy = (char *)dev->ids + ids_size;
	memcpy(copy, name, len);
	dev->hwdev.name = copy;
	if (smmuv3_cdtab_init(unit, &dev->cdtab)) {
		smmuv3_obj_free(unit, dev);
		return NULL;
	}
	return dev;
}

static void set_owner(struct smmuv3_unit *unit, struct smmuv3_dev *dev,
		      struct smmuv3_dev *owner)
{
	unsigned int i;

	for (i = 0; i < dev->nr_ids; i++)
		smmuv3_strtab_set_dev(unit, dev->ids[i], owner);
}

int smmuv3_dev_add(struct uiommu_unit *u, const struct uiommu_hwdev_cfg *cfg,
		   struct uiommu_hwdev **out)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(u);
	struct smmuv3_leaf_set set;
	struct smmuv3_dev *dev;
	int rc;

	if (!cfg->nr_ids)
		return -EINVAL;
	smmuv3_lock(unit, &unit->dev_lock);
	rc = check_ids(unit, cfg);
	if (rc)
		goto err_unlock;
	rc = -ENOMEM;
	dev = dev_alloc(unit, cfg);
	if (!dev)
		goto err_unlock;
	rc = smmuv3_strtab_prepare(unit, dev->ids, dev->nr_ids, &set);
	if (rc)
		goto err_dev;
	rc = smmuv3_strtab_install(unit, &set);
	if (rc)
		goto err_dev;
	set_owner(unit, dev, dev);
	smmuv3_unlock(unit, &unit->dev_lock);
	*out = &dev->hwdev;
	return 0;

err_dev:
	smmuv3_cdtab_fini(unit, &dev->cdtab);
	smmuv3_obj_free(unit, dev);
err_unlock:
	smmuv3_unlock(unit, &unit->dev_lock);
	return rc;
}

static void dev_free(struct uiommu_defer *defer)
{
	struct smmuv3_dev *dev = container_of(defer, struct smmuv3_dev, defer);

	dev->p->obj_free(dev->p->ctx, dev);
}

void smmuv3_dev_remove(struct uiommu_hwdev *d)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(d->unit);
	struct smmuv3_dev *dev = to_smmuv3_dev(d);
	const struct uiommu_platform *p = dev->p;
	struct smmu_ste ste;
	int rc;

	smmuv3_make_ste_abort(&ste);
	rc = install_all(dev, &ste);
	if (rc)
		rc = block_all(dev);
	leave_dom(unit, d->dom);

	smmuv3_lock(unit, &unit->dev_lock);
	set_owner(unit, dev, NULL);
	smmuv3_unlock(unit, &unit->dev_lock);
	/* The hardware may still read it where it did not answer. */
	if (!rc)
		smmuv3_cdtab_fini(unit, &dev->cdtab);
	/* An event may be looking at it. */
	p->defer(p->ctx, &dev->defer, dev_free);
}
