/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains, and on which units each is in use.
 *
 * A paging domain is a page table.  Identity and blocked domains hold nothing:
 * the unit has one of each, and allocating one gives it out.
 *
 * The attachments of a domain tell a flush where to go: one for each unit on
 * which a device or a PASID uses it, with a tag (ASID or VMID) of that unit.
 * They are a list that flush reads without a lock.  An attachment stands in it
 * from before the first CD or STE that leads to the domain until after the
 * hardware has dropped the tag (att_put).  So if a flush, which clears page
 * table entries first and then looks at the list, finds nothing, then the
 * hardware holds nothing and will read the cleared entries when a device is
 * attached: a full fence on both sides makes that so.
 *
 * A tag belongs to the attachment and is given back with it, when the hardware
 * has forgotten it and not before.  If the hardware does not confirm that, the
 * attachment stays, and with it the tag and, if the domain is freed, the page
 * table: a leak is better than a device in somebody else's memory.
 *
 * The storage of the last attachment to the domain's own unit is kept for the
 * next, so that a domain which comes and goes needs no deferred call each time.
 * A flush that still stands on it then finds either tag: the old one, which is
 * nobody's or somebody's who loses a few entries by it; or the new one.  If it
 * finds the old one, its fence came before the one of the new user, whose CD the
 * hardware reads later than the entries were cleared.  And it goes on from
 * the head of the list, so it passes by nobody.
 */
#include "mutant.h"
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

static int make_pgtable(struct smmuv3_dom *dom)
{
	struct uiommu_pgtable_cfg cfg;
	int rc;

	smmuv3_shape_pgtable(&dom->shape, &cfg);
	rc = uiommu_pgtable_create(&cfg, &dom->hwdom.pt);
	if (rc)
		return rc;
	uiommu_pgtable_info(dom->hwdom.pt, &dom->info);
	return 0;
}

/* With a page table of ours, or over one of a CPU's. */
static int table_dom_alloc(struct smmuv3_unit *unit,
			   const struct uiommu_dom_cfg *cfg,
			   struct smmuv3_dom **out)
{
	bool shared = cfg->type == UIOMMU_DOM_SHARED;
	struct smmuv3_shape shape;
	struct smmuv3_dom *dom;
	int rc;

	rc = shared ? smmuv3_sva_choose(unit, cfg->cpu, &shape)
		    : smmuv3_shape_choose(unit, cfg, &shape);
	if (rc)
		return rc;
	dom = smmuv3_obj_alloc(unit, sizeof(*dom));
	if (!dom)
		return -ENOMEM;
	dom->hwdom.unit = &unit->unit;
	dom->hwdom.type = cfg->type;
	dom->shape = shape;
	dom->nest_parent = cfg->flags & UIOMMU_DOM_NEST_PARENT;
	rc = smmuv3_lock_init(unit, &dom->lock);
	if (rc)
		goto err_free;
	if (shared)
		dom->cpu = *cfg->cpu;
	else
		rc = make_pgtable(dom);
	if (rc)
		goto err_lock;
	*out = dom;
	return 0;

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
	case UIOMMU_DOM_SHARED:
		rc = table_dom_alloc(unit, cfg, &dom);
		break;
	default:
		smmuv3_log(u->platform, UIOMMU_LOG_WARN,
			   "no such domain: unknown type");
		return -EINVAL;
	}
	if (!rc)
		*out = &dom->hwdom;
	return rc;
}

/* ---------------------------------------------------------- attachments -- */

struct smmuv3_att *smmuv3_att_find(struct smmuv3_dom *dom,
				   const struct smmuv3_unit *unit)
{
	struct smmuv3_att *att;

	for (att = dom->atts; att; att = att->next)
		if (att->unit == unit)
			return att;
	return NULL;
}

const struct smmuv3_att *smmuv3_att_of(const struct smmuv3_dom *dom,
				       const struct smmuv3_unit *unit)
{
	const struct uiommu_platform *p = unit->unit.platform;
	const struct smmuv3_att *att;

	/* Others come and go; the caller's own stays. */
	p->read_begin(p->ctx);
	for (att = load_acquire(&dom->atts); att && att->unit != unit;)
		att = load_acquire(&att->next);
	p->read_end(p->ctx);
	UIOMMU_ASSERT(att);
	return att;
}

static void att_free(struct uiommu_defer *defer)
{
	struct smmuv3_att *att = container_of(defer, struct smmuv3_att, defer);
	struct smmuv3_unit *unit = att->unit;

	att->p->obj_free(att->p->ctx, att);
	smmuv3_unit_put(unit);
}

static struct smmuv3_tags *tags_of(struct smmuv3_unit *unit,
				   const struct smmuv3_dom *dom)
{
	return dom->shape.stage == 2 ? &unit->vmids : &unit->asids;
}

static bool is_home(const struct smmuv3_dom *dom,
		    const struct smmuv3_unit *unit)
{
	return dom->hwdom.unit == &unit->unit;
}

/* The one that was kept, or a new one. */
static struct smmuv3_att *att_alloc(struct smmuv3_dom *dom,
				    struct smmuv3_unit *unit)
{
	struct smmuv3_att *att = dom->spare;

	if (att && is_home(dom, unit)) {
		dom->spare = NULL;
		return att;
	}
	att = smmuv3_obj_alloc(unit, sizeof(*att));
	if (!att)
		return NULL;
	att->unit = unit;
	att->p = unit->unit.platform;
	att->vmid = SMMUV3_S1_VMID;
	fetch_add_acq_rel(&unit->refs, 1);
	return att;
}

/*
 * To the domain, which does not outlive its own unit, or to nobody: a change
 * that failed leaves as much memory in use as there was before it.
 */
static void att_release(struct smmuv3_dom *dom, struct smmuv3_att *att)
{
	att->kept |= att->exposed;
	if (att->kept && !dom->spare && is_home(dom, att->unit)) {
		store_relaxed(&att->doubtful, false);
		att->exposed = false;
		dom->spare = att;
		return;
	}
	att->p->defer(att->p->ctx, &att->defer, att_free);
}

/* In use by nobody yet, and not in the list. */
static struct smmuv3_att *att_new(struct smmuv3_dom *dom,
				  struct smmuv3_unit *unit, int *rc)
{
	struct smmuv3_att *att;
	uint16_t tag;

	*rc = -ENOMEM;
	att = att_alloc(dom, unit);
	if (!att)
		return NULL;
	*rc = smmuv3_tag_get(unit, tags_of(unit, dom), &tag);
	if (*rc) {
		smmuv3_log(att->p, UIOMMU_LOG_ERROR, "all %ss are in use",
			   dom->shape.stage == 2 ? "VMID" : "ASID");
		att_release(dom, att);
		return NULL;
	}
	store_relaxed(dom->shape.stage == 2 ? &att->vmid : &att->asid, tag);
	return att;
}

/* The tag is the unit's again. */
static void att_discard(struct smmuv3_dom *dom, struct smmuv3_att *att)
{
	smmuv3_tag_put(att->unit, tags_of(att->unit, dom),
		       dom->shape.stage == 2 ? att->vmid : att->asid);
	att_release(dom, att);
}

/* Take it out of the list once the hardware has dropped the tag. */
static int att_drop(struct smmuv3_dom *dom, struct smmuv3_att *att)
{
	struct smmuv3_att **link = &dom->atts;
	int rc = 0;

	if (att->exposed &&
	    !DRIVER_MUTANT("domain: TLBI of a tag that nobody uses"))
		rc = smmuv3_inv_att(att);
	if (rc) {
		smmuv3_log(att->p, UIOMMU_LOG_ERROR,
			   "ASID %u, VMID %u could not be invalidated",
			   att->asid, att->vmid);
		return rc;
	}
	while (*link != att)
		link = &(*link)->next;
	store_release(link, att->next);
	att_discard(dom, att);
	return 0;
}

int smmuv3_att_get(struct smmuv3_dom *dom, struct smmuv3_unit *unit)
{
	struct smmuv3_att *att;
	int rc = 0;

	smmuv3_lock(unit, &dom->lock);
	att = smmuv3_att_find(dom, unit);
	if (!att) {
		att = att_new(dom, unit, &rc);
		if (!att)
			goto out_unlock;
		store_release(&att->next, dom->atts);
		store_release(&dom->atts, att);
	}
	att->users++;
	/* Before CD and STE: pairs with the fence in flush. */
	fence_full();
out_unlock:
	smmuv3_unlock(unit, &dom->lock);
	return rc;
}

void smmuv3_att_put(struct smmuv3_dom *dom, struct smmuv3_unit *unit,
		    enum smmuv3_leave leave)
{
	struct smmuv3_att *att;

	smmuv3_lock(unit, &dom->lock);
	att = smmuv3_att_find(dom, unit);
	UIOMMU_ASSERT(att && att->users);
	att->exposed |= leave != SMMUV3_LEAVE_UNUSED;
	if (leave == SMMUV3_LEAVE_DOUBTFUL)
		store_relaxed(&att->doubtful, true);
	if (--att->users == 0)
		att_drop(dom, att);
	smmuv3_unlock(unit, &dom->lock);
}

void smmuv3_dom_free(struct uiommu_hwdom *d)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(d->unit);
	struct smmuv3_dom *dom = to_smmuv3_dom(d);

	if (smmuv3_is_nested(dom)) {
		smmuv3_nested_free(dom);
		return;
	}
	if (!smmuv3_translates(dom))
		return;
	/* Left over where the hardware did not answer: one more try. */
	while (dom->atts) {
		UIOMMU_ASSERT(!dom->atts->users);
		if (att_drop(dom, dom->atts)) {
			smmuv3_log(unit->unit.platform, UIOMMU_LOG_ERROR,
				   "a domain is kept for ever");
			return;
		}
	}
	uiommu_pgtable_destroy(dom->hwdom.pt);
	/* No flush is under way, so nobody stands on it. */
	if (dom->spare)
		att_free(&dom->spare->defer);
	smmuv3_lock_fini(unit, &dom->lock);
	smmuv3_obj_free(unit, dom);
}
