/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains, and on which unit each is in use.
 *
 * A paging domain is a page table and an ASID.  Identity and blocked domains
 * hold nothing: the unit has one of each, and allocating one gives it out.
 *
 * The attachments of a domain tell a flush where to go.  They are a list that
 * flush reads without a lock.  An attachment stands in it from before the first
 * STE that leads to the domain until after the hardware has dropped the ASID
 * (att_put).  So if a flush, which clears page table entries first and then
 * looks at the list, finds nothing, then the hardware holds nothing and will
 * read the cleared entries when a device is attached: a full fence on both
 * sides makes that so.
 *
 * If the hardware does not confirm that it dropped an ASID, the attachment
 * stays, and with it the ASID and, if the domain is freed, the page table: a
 * leak is better than a device in somebody else's memory.
 */
#include "unit.h"

static void static_dom_init(struct smmuv3_unit *unit, struct smmuv3_dom *dom,
			    enum uiommu_dom_type type)
{
	dom->hwdom.unit = &unit->unit;
	dom->hwdom.type = type;
}

void smmuv3_static_doms_init(struct smmuv3_unit *unit)
{
	static_dom_init(unit, &unit->identity, UIOMMU_DOM_IDENTITY);
	static_dom_init(unit, &unit->blocked, UIOMMU_DOM_BLOCKED);
}

/* ------------------------------------------------------- paging domains -- */

static int make_pgtable(struct smmuv3_unit *unit, struct smmuv3_dom *dom)
{
	const struct smmuv3_features *f = &unit->feat;
	struct uiommu_pgtable_cfg cfg = {
		.platform = unit->unit.platform,
		.fmt = UIOMMU_PGTABLE_VMSAV8_S1,
		.granule_lg2 = f->granule_lg2,
		.ias = SMMUV3_IAS,
		.oas = f->pt_oas,
		.features = f->bbml2 ? UIOMMU_PGTABLE_BBML2 : 0,
	};
	int rc;

	rc = uiommu_pgtable_create(&cfg, &dom->hwdom.pt);
	if (rc)
		return rc;
	uiommu_pgtable_info(dom->hwdom.pt, &dom->info);
	if (dom->info.root >> f->pt_oas) {
		smmuv3_log(unit->unit.platform, UIOMMU_LOG_ERROR,
			   "page table at %llx is out of reach",
			   (unsigned long long)dom->info.root);
		uiommu_pgtable_destroy(dom->hwdom.pt);
		return -ENOMEM;
	}
	return 0;
}

static int paging_dom_alloc(struct smmuv3_unit *unit, struct smmuv3_dom **out)
{
	struct smmuv3_dom *dom;
	int rc;

	dom = smmuv3_obj_alloc(unit, sizeof(*dom));
	if (!dom)
		return -ENOMEM;
	dom->hwdom.unit = &unit->unit;
	dom->hwdom.type = UIOMMU_DOM_PAGING;
	rc = smmuv3_lock_init(unit, &dom->lock);
	if (rc)
		goto err_free;
	rc = smmuv3_asid_get(unit, &dom->asid);
	if (rc)
		goto err_lock;
	rc = make_pgtable(unit, dom);
	if (rc)
		goto err_asid;
	*out = dom;
	return 0;

err_asid:
	smmuv3_asid_put(unit, dom->asid);
err_lock:
	smmuv3_lock_fini(unit, &dom->lock);
err_free:
	smmuv3_obj_free(unit, dom);
	return rc;
}

int smmuv3_dom_alloc(struct uiommu_unit *u, const struct uiommu_dom_cfg *cfg,
		     struct uiommu_hwdom **out)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(u);
	struct smmuv3_dom *dom;
	int rc = 0;

	switch (cfg->type) {
	case UIOMMU_DOM_BLOCKED:
		dom = &unit->blocked;
		break;
	case UIOMMU_DOM_IDENTITY:
		dom = &unit->identity;
		break;
	case UIOMMU_DOM_PAGING:
		rc = paging_dom_alloc(unit, &dom);
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (!rc)
		*out = &dom->hwdom;
	return rc;
}

/* ---------------------------------------------------------- attachments -- */

static struct smmuv3_att *att_find(struct smmuv3_dom *dom,
				   const struct smmuv3_unit *unit)
{
	struct smmuv3_att *att;

	for (att = dom->atts; att; att = att->next)
		if (att->unit == unit)
			return att;
	return NULL;
}

static void att_free(struct uiommu_defer *defer)
{
	struct smmuv3_att *att = container_of(defer, struct smmuv3_att, defer);

	att->p->obj_free(att->p->ctx, att);
}

/* Take it out of the list once the hardware has dropped the ASID. */
static int att_drop(struct smmuv3_dom *dom, struct smmuv3_att *att)
{
	const struct uiommu_platform *p = att->p;
	struct smmuv3_att **link = &dom->atts;
	int rc;

	rc = smmuv3_inv_asid(att->unit, att->vmid, att->asid);
	if (rc) {
		smmuv3_log(p, UIOMMU_LOG_ERROR,
			   "ASID %u could not be invalidated", att->asid);
		return rc;
	}
	while (*link != att)
		link = &(*link)->next;
	store_release(link, att->next);
	p->defer(p->ctx, &att->defer, att_free);
	return 0;
}

int smmuv3_att_get(struct smmuv3_dom *dom, struct smmuv3_unit *unit)
{
	struct smmuv3_att *fresh, *att;

	fresh = smmuv3_obj_alloc(unit, sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	fresh->unit = unit;
	fresh->p = unit->unit.platform;
	fresh->asid = dom->asid;
	fresh->vmid = SMMUV3_S1_VMID;

	smmuv3_lock(unit, &dom->lock);
	att = att_find(dom, unit);
	if (!att) {
		att = fresh;
		fresh = NULL;
		att->next = dom->atts;
		store_release(&dom->atts, att);
	}
	att->users++;
	smmuv3_unlock(unit, &dom->lock);
	smmuv3_obj_free(unit, fresh);
	/* Before the STE: pairs with the fence in flush. */
	fence_full();
	return 0;
}

void smmuv3_att_put(struct smmuv3_dom *dom, struct smmuv3_unit *unit)
{
	struct smmuv3_att *att;

	smmuv3_lock(unit, &dom->lock);
	att = att_find(dom, unit);
	UIOMMU_ASSERT(att && att->users);
	if (--att->users == 0)
		att_drop(dom, att);
	smmuv3_unlock(unit, &dom->lock);
}

void smmuv3_dom_free(struct uiommu_hwdom *d)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(d->unit);
	struct smmuv3_dom *dom = to_smmuv3_dom(d);

	if (d->type != UIOMMU_DOM_PAGING)
		return;
	/* Left over where the hardware did not answer: one more try. */
	while (dom->atts) {
		UIOMMU_ASSERT(!dom->atts->users);
		if (att_drop(dom, dom->atts)) {
			smmuv3_log(unit->unit.platform, UIOMMU_LOG_ERROR,
				   "domain with ASID %u is kept for ever",
				   dom->asid);
			return;
		}
	}
	uiommu_pgtable_destroy(dom->hwdom.pt);
	smmuv3_asid_put(unit, dom->asid);
	smmuv3_lock_fini(unit, &dom->lock);
	smmuv3_obj_free(unit, dom);
}
