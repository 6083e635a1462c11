/* SPDX-License-Identifier: BSD-2-Clause */
/* See fake_driver.h. */
#include <stdlib.h>

#include <uiommu/env.h>
#include <uiommu/pgtable.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "fake_driver.h"
#include "fake_nested.h"

static struct fake_unit *to_fake(struct uiommu_unit *unit)
{
	return container_of(unit, struct fake_unit, unit);
}

static struct fake_hwdev *fake_dev(struct uiommu_hwdev *dev)
{
	return container_of(dev, struct fake_hwdev, hwdev);
}

static bool countdown(struct fake_unit *fu, uint32_t *left)
{
	uint32_t v = load_relaxed(left);

	do {
		if (!v)
			return false;
		if (v == 1 && load_relaxed(&fu->stuck))
			return true;
	} while (!cmpxchg_acq_rel(left, &v, v - 1));
	return v == 1;
}

/* What a call that is to fail returns. */
static int failure(const struct fake_unit *fu)
{
	return fu->fail_rc ? fu->fail_rc : -ENOMEM;
}

/* After this error the hardware has neither what was nor what should be. */
static bool silent(int rc)
{
	return rc == -ETIMEDOUT || rc == -EIO;
}

static void op_caps(struct uiommu_unit *unit, struct uiommu_unit_caps *caps)
{
	*caps = to_fake(unit)->caps;
}

static void dev_free(struct fake_hwdev *dev)
{
	const struct uiommu_platform *p = dev->hwdev.unit->platform;

	free(dev->pasids);
	p->obj_free(p->ctx, dev);
}

static int op_dev_add(struct uiommu_unit *unit,
		      const struct uiommu_hwdev_cfg *cfg,
		      struct uiommu_hwdev **out)
{
	struct fake_unit *fu = to_fake(unit);
	struct fake_hwdev *dev;
	int slot = -1, rc = 0;

	dev = unit->platform->obj_alloc(unit->platform->ctx, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	dev->hwdev = (struct uiommu_hwdev){ unit, cfg->name, cfg->cookie };
	dev->hwdev.page_faults = fu->page_faults;
	dev->id = cfg->ids[0];
	dev->pasid_bits =
		(uint8_t)min_u64(cfg->pasid_bits, fu->caps.max_pasid_lg2);
	pthread_mutex_lock(&fu->lock);
	for (int i = 0; i < FAKE_DEVS; i++) {
		if (!fu->devs[i])
			slot = i;
		else if (fu->devs[i]->id == dev->id)
			rc = -EEXIST;
	}
	if (!rc && slot < 0)
		rc = -ERANGE;
	if (!rc) {
		fu->devs[slot] = dev;
		*out = &dev->hwdev;
	}
	pthread_mutex_unlock(&fu->lock);
	if (rc)
		dev_free(dev);
	return rc;
}

static void use(struct uiommu_hwdom *dom, int add);

static void op_dev_remove(struct uiommu_hwdev *hwdev)
{
	struct fake_unit *fu = to_fake(hwdev->unit);
	struct fake_hwdev *dev = fake_dev(hwdev);

	pthread_mutex_lock(&fu->lock);
	use(hwdev->dom, -1);
	for (unsigned int i = 0; i < dev->nr_pasids; i++)
		use(&dev->pasids[i].dom->hwdom, -1);
	for (int i = 0; i < FAKE_DEVS; i++)
		if (fu->devs[i] == dev)
			fu->devs[i] = NULL;
	pthread_mutex_unlock(&fu->lock);
	dev_free(dev);
}

static int op_dom_alloc(struct uiommu_unit *unit,
			const struct uiommu_dom_cfg *cfg,
			struct uiommu_hwdom **out)
{
	struct fake_unit *fu = to_fake(unit);
	struct uiommu_pgtable_cfg pt = {
		.platform = unit->platform,
		.fmt = UIOMMU_PGTABLE_VMSAV8_S1,
		.granule_lg2 = fu->granule_lg2,
		.ias = fu->ias,
		.oas = 48,
	};
	struct fake_hwdom *dom;
	int rc = 0;

	if (cfg->stage > UIOMMU_STAGE_2)
		return -EINVAL;
	if ((cfg->flags & UIOMMU_DOM_DIRTY) && !fu->caps.dirty_tracking)
		return -EOPNOTSUPP;
	dom = unit->platform->obj_alloc(unit->platform->ctx, sizeof(*dom));
	if (!dom)
		return -ENOMEM;
	dom->hwdom.unit = unit;
	dom->hwdom.type = cfg->type;
	dom->owner = fu;
	dom->flags = cfg->flags;
	dom->stage = cfg->stage;
	dom->granule_lg2 = fu->granule_lg2;
	dom->ias = fu->ias;
	if (cfg->type == UIOMMU_DOM_PAGING)
		rc = uiommu_pgtable_create(&pt, &dom->hwdom.pt);
	if (rc) {
		unit->platform->obj_free(unit->platform->ctx, dom);
		return rc;
	}
	pthread_mutex_init(&dom->lock, NULL);
	pthread_mutex_lock(&fu->lock);
	dom->next = fu->doms;
	fu->doms = dom;
	fu->nr_doms++;
	pthread_mutex_unlock(&fu->lock);
	*out = &dom->hwdom;
	return 0;
}

static struct fake_hwdom *fake_dom(struct uiommu_hwdom *dom)
{
	return container_of(dom, struct fake_hwdom, hwdom);
}

static void op_dom_free(struct uiommu_hwdom *hwdom)
{
	const struct uiommu_platform *p = hwdom->unit->platform;
	struct fake_hwdom *dom = fake_dom(hwdom), **it;
	struct fake_unit *fu;

	if (hwdom->type == UIOMMU_DOM_NESTED) {
		fake_nested_free(hwdom);
		return;
	}
	fu = dom->owner;
	if (dom->users && hwdom->type == UIOMMU_DOM_PAGING)
		abort();
	pthread_mutex_lock(&fu->lock);
	for (it = &fu->doms; *it != dom; it = &(*it)->next)
		;
	*it = dom->next;
	fu->nr_doms--;
	pthread_mutex_unlock(&fu->lock);
	uiommu_pgtable_destroy(hwdom->pt);
	pthread_mutex_destroy(&dom->lock);
	p->obj_free(p->ctx, dom);
}

static void op_remove(struct uiommu_unit *unit)
{
	struct fake_unit *fu = to_fake(unit);

	/* Domains are left only by a flush that failed. */
	if (fu->nr_doms && !fu->crashed)
		abort();
	while (fu->doms)
		op_dom_free(&fu->doms->hwdom);
	pthread_mutex_destroy(&fu->lock);
	free(fu);
}

/* One user more or less; NULL is nothing. */
static void use(struct uiommu_hwdom *dom, int add)
{
	if (dom && dom->type != UIOMMU_DOM_NESTED)
		fetch_add_acq_rel(&fake_dom(dom)->users, (uint32_t)add);
}

/* Could this unit walk the domain's table? */
static bool fits(const struct fake_unit *fu, struct uiommu_hwdom *hwdom)
{
	const struct fake_hwdom *dom = fake_dom(hwdom);

	return hwdom->type != UIOMMU_DOM_PAGING || dom->owner == fu ||
	       (dom->granule_lg2 == fu->granule_lg2 && dom->ias == fu->ias);
}

/* A guest's own tables leave no room for PASIDs, as a stage 2 does not. */
static enum uiommu_stage stage_of(struct uiommu_hwdom *dom)
{
	return dom->type == UIOMMU_DOM_NESTED ? UIOMMU_STAGE_2
					      : fake_dom(dom)->stage;
}

static int op_attach(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev)
{
	struct fake_unit *fu = to_fake(dev->unit);
	int rc = countdown(fu, &fu->fail_attach) ? failure(fu) : 0;

	if (!rc && !fits(fu, dom))
		rc = -EINVAL;
	if (!rc && stage_of(dom) == UIOMMU_STAGE_2 && fake_dev(dev)->nr_pasids)
		rc = -EBUSY;
	if (!rc && dom->type == UIOMMU_DOM_NESTED)
		rc = fake_nested_attach(dom, dev);
	if (rc && !silent(rc))
		return rc;
	pthread_mutex_lock(&fu->lock);
	use(dev->dom, -1);
	dev->dom = rc ? NULL : dom;
	use(dev->dom, 1);
	fu->attaches++;
	pthread_mutex_unlock(&fu->lock);
	return rc;
}

/* The place of a PASID, or where it would be; lock held. */
static unsigned int pasid_at(const struct fake_hwdev *dev, uint32_t pasid)
{
	unsigned int i;

	for (i = 0; i < dev->nr_pasids; i++)
		if (dev->pasids[i].pasid == pasid)
			break;
	return i;
}

/* Lock held. */
static int change_pasid(struct fake_hwdev *dev, struct fake_hwdom *dom,
			uint32_t pasid, const struct fake_hwdom *old)
{
	unsigned int i = pasid_at(dev, pasid);
	const struct fake_hwdom *now = i < dev->nr_pasids ? dev->pasids[i].dom
							  : NULL;

	if (dom && now && !old)
		return -EBUSY;
	if (now != old)
		return -EINVAL;
	if (i == dev->max_pasids) {
		dev->max_pasids = dev->max_pasids * 2 + 8;
		dev->pasids = realloc(dev->pasids,
				      dev->max_pasids * sizeof(*dev->pasids));
		if (!dev->pasids)
			abort();
	}
	if (now)
		use(&dev->pasids[i].dom->hwdom, -1);
	else if (dom)
		dev->nr_pasids++;
	if (dom) {
		use(&dom->hwdom, 1);
		dev->pasids[i].pasid = pasid;
		dev->pasids[i].dom = dom;
	} else if (now) {
		dev->pasids[i] = dev->pasids[--dev->nr_pasids];
	}
	return 0;
}

static int op_set_pasid(struct uiommu_hwdom *hwdom, struct uiommu_hwdev *hwdev,
			uint32_t pasid, struct uiommu_hwdom *old)
{
	struct fake_unit *fu = to_fake(hwdev->unit);
	struct fake_hwdev *dev = fake_dev(hwdev);
	struct fake_hwdom *dom = hwdom ? fake_dom(hwdom) : NULL;
	struct fake_hwdom *was = old ? fake_dom(old) : NULL;
	int rc;

	if (!dev->pasid_bits)
		return -EOPNOTSUPP;
	if (!pasid || pasid >> dev->pasid_bits)
		return -EINVAL;
	if (hwdom && ((hwdom->type != UIOMMU_DOM_PAGING &&
		       hwdom->type != UIOMMU_DOM_SHARED) ||
		      dom->stage == UIOMMU_STAGE_2 || !fits(fu, hwdom)))
		return -EINVAL;
	if (hwdom && hwdev->dom && stage_of(hwdev->dom) == UIOMMU_STAGE_2)
		return -EINVAL;
	rc = countdown(fu, &fu->fail_pasid) ? failure(fu) : 0;
	pthread_mutex_lock(&fu->lock);
	fu->set_pasids++;
	if (!rc)
		rc = change_pasid(dev, dom, pasid, was);
	else if (silent(rc))
		change_pasid(dev, NULL, pasid, was);
	pthread_mutex_unlock(&fu->lock);
	return rc;
}

static int op_flush(struct uiommu_hwdom *hwdom,
		    const struct uiommu_gather *gather)
{
	struct fake_hwdom *dom = fake_dom(hwdom);
	struct fake_unit *fu = dom->owner;

	if (countdown(fu, &fu->fail_flush)) {
		store_relaxed(&fu->crashed, 1);
		return -ETIMEDOUT;
	}
	fetch_add_relaxed(&fu->flushes, 1);
	pthread_mutex_lock(&dom->lock);
	for (unsigned int r = 0; r < gather->nr_ranges; r++) {
		for (unsigned int i = 0; i < dom->nr_tlb;) {
			uiommu_iova_t at = dom->tlb[i].iova;

			if (at + FAKE_PAGE - 1 >= gather->range[r].first &&
			    at <= gather->range[r].last)
				dom->tlb[i] = dom->tlb[--dom->nr_tlb];
			else
				i++;
		}
	}
	pthread_mutex_unlock(&dom->lock);
	return 0;
}

static int op_flush_all(struct uiommu_hwdom *hwdom)
{
	struct fake_hwdom *dom = fake_dom(hwdom);

	pthread_mutex_lock(&dom->lock);
	dom->nr_tlb = 0;
	pthread_mutex_unlock(&dom->lock);
	return 0;
}

static int op_read_dirty(struct uiommu_hwdom *hwdom, uiommu_iova_t iova,
			 uint64_t len, uint32_t flags, uiommu_dirty_fn *fn,
			 void *ctx)
{
	struct fake_hwdom *dom = fake_dom(hwdom);

	if (!(dom->flags & UIOMMU_DOM_DIRTY))
		return -EOPNOTSUPP;
	if (!len || (iova | len) % FAKE_PAGE)
		return -EINVAL;
	if (countdown(dom->owner, &dom->owner->fail_dirty))
		return -ETIMEDOUT;
	pthread_mutex_lock(&dom->lock);
	for (uint64_t i = iova / FAKE_PAGE;
	     i < FAKE_DIRTY && i < (iova + len) / FAKE_PAGE; i++) {
		if (!dom->dirty[i])
			continue;
		fn(ctx, i * FAKE_PAGE, FAKE_PAGE);
		dom->dirty[i] = (flags & UIOMMU_DIRTY_NO_CLEAR) != 0;
	}
	pthread_mutex_unlock(&dom->lock);
	return 0;
}

static const struct uiommu_driver_ops fake_ops = {
	.name = "fake",
	.remove = op_remove,
	.caps = op_caps,
	.dev_add = op_dev_add,
	.dev_remove = op_dev_remove,
	.dom_alloc = op_dom_alloc,
	.dom_free = op_dom_free,
	.attach = op_attach,
	.set_pasid = op_set_pasid,
	.flush = op_flush,
	.flush_all = op_flush_all,
	.page_response = fake_page_response,
	.read_dirty = op_read_dirty,
	.nested = &fake_nested_ops,
};

struct fake_unit *fake_unit_create(const struct uiommu_platform *platform,
				   struct uiommu_core *core)
{
	struct fake_unit *fu = calloc(1, sizeof(*fu));

	if (!fu)
		abort();
	fu->unit = (struct uiommu_unit){ &fake_ops, platform,
					 &uiommu_core_host_ops, core };
	fu->caps = (struct uiommu_unit_caps){
		.pgsizes = 0x40201000,
		.ias = 48,
		.oas = 48,
		.max_pasid_lg2 = 16,
		.dirty_tracking = true,
		.coherent = true,
		.enforce_coherency = true,
		.msi_translated = true,
		.msi_isolated = true,
	};
	fu->ias = 48;
	fu->granule_lg2 = 12;
	pthread_mutex_init(&fu->lock, NULL);
	return fu;
}

/* Lock held. */
static int look_up(struct fake_hwdom *dom, uiommu_iova_t iova, bool write,
		   uiommu_pa_t *pa)
{
	uiommu_iova_t page = iova & ~(FAKE_PAGE - 1);
	struct uiommu_pgtable_leaf leaf;

	for (unsigned int i = 0; i < dom->nr_tlb; i++) {
		if (dom->tlb[i].iova != page)
			continue;
		*pa = dom->tlb[i].pa + (iova - page);
		return 0;
	}
	if (uiommu_pgtable_translate(dom->hwdom.pt, page, &leaf) ||
	    (write && !(leaf.prot & UIOMMU_PROT_WRITE)))
		return -EFAULT;
	if (!write && dom->nr_tlb < FAKE_TLB) {
		dom->tlb[dom->nr_tlb].iova = page;
		dom->tlb[dom->nr_tlb++].pa = leaf.pa;
	}
	*pa = leaf.pa + (iova - page);
	return 0;
}

static int access(struct uiommu_hwdom *hwdom, uiommu_iova_t iova, bool write,
		  uiommu_pa_t *pa)
{
	struct fake_hwdom *dom = hwdom ? fake_dom(hwdom) : NULL;
	int rc;

	if (!dom || hwdom->type == UIOMMU_DOM_BLOCKED ||
	    hwdom->type == UIOMMU_DOM_NESTED)
		return -EFAULT;
	if (hwdom->type == UIOMMU_DOM_IDENTITY) {
		*pa = iova;
		return 0;
	}
	pthread_mutex_lock(&dom->lock);
	rc = look_up(dom, iova, write, pa);
	if (!rc && write && iova / FAKE_PAGE < FAKE_DIRTY)
		dom->dirty[iova / FAKE_PAGE] = true;
	pthread_mutex_unlock(&dom->lock);
	return rc;
}

int fake_dma_pasid(struct fake_unit *fu, uint32_t id, uint32_t pasid,
		   uiommu_iova_t iova, bool write, uiommu_pa_t *pa)
{
	struct uiommu_hwdom *dom;
	unsigned int at;
	int rc = -EFAULT;

	pthread_mutex_lock(&fu->lock);
	for (int i = 0; i < FAKE_DEVS; i++) {
		struct fake_hwdev *dev = fu->devs[i];

		if (!dev || dev->id != id)
			continue;
		dom = dev->hwdev.dom;
		if (pasid != UIOMMU_NO_PASID) {
			at = pasid_at(dev, pasid);
			dom = at < dev->nr_pasids ? &dev->pasids[at].dom->hwdom
						  : NULL;
		}
		rc = access(dom, iova, write, pa);
	}
	pthread_mutex_unlock(&fu->lock);
	return rc;
}

int fake_dma(struct fake_unit *fu, uint32_t id, uiommu_iova_t iova, bool write,
	     uiommu_pa_t *pa)
{
	return fake_dma_pasid(fu, id, UIOMMU_NO_PASID, iova, write, pa);
}

bool fake_remembers(struct fake_unit *fu, uiommu_pa_t pa, uint64_t len)
{
	bool found = false;

	pthread_mutex_lock(&fu->lock);
	for (struct fake_hwdom *d = fu->doms; d; d = d->next) {
		pthread_mutex_lock(&d->lock);
		for (unsigned int i = 0; i < d->nr_tlb; i++)
			if (d->tlb[i].pa < pa + len &&
			    pa < d->tlb[i].pa + FAKE_PAGE)
				found = true;
		pthread_mutex_unlock(&d->lock);
	}
	pthread_mutex_unlock(&fu->lock);
	return found;
}

/* ------------------------------------------------------------- memory -- */

#define FAKE_PA_BASE UINT64_C(0x100000000)

static uiommu_pa_t page_pa(const struct fake_mm *fm, uint64_t index)
{
	return FAKE_PA_BASE + index * FAKE_PAGE * (fm->scatter ? 2 : 1);
}

uiommu_pa_t fake_mm_pa(const struct fake_mm *fm, uint64_t uva)
{
	uint64_t off = uva - fm->base;

	return page_pa(fm, off / FAKE_PAGE) + off % FAKE_PAGE;
}

/* Fails for the whole rest of the run that it cuts short. */
static int pin_page(struct fake_mm *fm, uint64_t i, uint32_t flags)
{
	if (i >= fm->nr_pages)
		return -EFAULT;
	if (i == fm->read_only && (flags & UIOMMU_PIN_WRITE))
		return -EFAULT;
	if (i == fm->mmio && !(flags & UIOMMU_PIN_MMIO_OK))
		return -EFAULT;
	if (fm->limit && fm->total >= fm->limit)
		return -ENOMEM;
	if (fm->fail_pin && !--fm->fail_pin)
		return -EFAULT;
	fm->pins[i]++;
	fm->total++;
	return 0;
}

static int fake_pin(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
		    struct uiommu_run *run)
{
	struct fake_mm *fm = ctx;
	uint64_t first = (uva - fm->base) / FAKE_PAGE, n = 0;
	int rc = -EFAULT;

	pthread_mutex_lock(&fm->lock);
	if (uva < fm->base || uva % FAKE_PAGE || len % FAKE_PAGE || !len)
		goto out_unlock;
	run->pa = page_pa(fm, first);
	run->mmio = first == fm->mmio;
	while (n < len / FAKE_PAGE) {
		if (n && (page_pa(fm, first + n) != run->pa + n * FAKE_PAGE ||
			  (first + n == fm->mmio) != run->mmio ||
			  (fm->max_run && n == fm->max_run)))
			break;
		rc = pin_page(fm, first + n, flags);
		if (rc)
			break;
		n++;
	}
	run->len = n * FAKE_PAGE;
	if (n)
		rc = 0;
out_unlock:
	pthread_mutex_unlock(&fm->lock);
	return rc;
}

static void fake_unpin(void *ctx, uiommu_pa_t pa, uint64_t len, uint32_t flags)
{
	struct fake_mm *fm = ctx;
	uint64_t step = FAKE_PAGE * (fm->scatter ? 2 : 1);

	pthread_mutex_lock(&fm->lock);
	if (pa < FAKE_PA_BASE || pa % FAKE_PAGE || len % FAKE_PAGE || !len)
		fm->bad++;
	for (uint64_t off = 0; off < len; off += FAKE_PAGE) {
		uint64_t i = (pa + off - FAKE_PA_BASE) / step;

		if (i >= fm->nr_pages || !fm->pins[i]) {
			fm->bad++;
			continue;
		}
		fm->total--;
		if (!--fm->pins[i] && fm->watch &&
		    fake_remembers(fm->watch, pa + off, FAKE_PAGE))
			fm->bad++;
	}
	pthread_mutex_unlock(&fm->lock);
}

/* `off`: from the start of the memory. */
static int move_bytes(struct fake_mm *fm, uint64_t off, void *buf, size_t len,
		      bool write)
{
	if (write)
		memcpy(fm->bytes + off, buf, len);
	else
		memcpy(buf, fm->bytes + off, len);
	return 0;
}

static int fake_copy(void *ctx, uint64_t uva, void *buf, size_t len, bool write)
{
	struct fake_mm *fm = ctx;
	uint64_t off = uva - fm->base, size = fm->nr_pages * FAKE_PAGE;
	uint64_t last = off + len - 1;

	if (uva < fm->base || off >= size || len > size - off)
		return -EFAULT;
	if (write && off / FAKE_PAGE <= fm->read_only &&
	    last / FAKE_PAGE >= fm->read_only)
		return -EFAULT;
	return move_bytes(fm, off, buf, len, write);
}

static int fake_copy_pinned(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
			    bool write)
{
	uint64_t step = FAKE_PAGE * (((struct fake_mm *)ctx)->scatter ? 2 : 1);
	struct fake_mm *fm = ctx;
	uint64_t i = (pa - FAKE_PA_BASE) / step;
	uint64_t off = i * FAKE_PAGE + pa % FAKE_PAGE;

	pthread_mutex_lock(&fm->lock);
	for (uint64_t at = off & ~(FAKE_PAGE - 1); at < off + len;
	     at += FAKE_PAGE)
		fm->bad += at / FAKE_PAGE >= fm->nr_pages ||
			   !fm->pins[at / FAKE_PAGE];
	pthread_mutex_unlock(&fm->lock);
	return move_bytes(fm, off, buf, len, write);
}

void fake_mm_init(struct fake_mm *fm, uint64_t base, unsigned int nr_pages)
{
	*fm = (struct fake_mm){
		.mm = { fm, fake_pin, fake_unpin, fake_copy, fake_copy_pinned },
		.base = base,
		.nr_pages = nr_pages,
		.read_only = ~0u,
		.mmio = ~0u,
	};
	pthread_mutex_init(&fm->lock, NULL);
	fm->pins = calloc(nr_pages, sizeof(fm->pins[0]));
	fm->bytes = calloc(nr_pages, FAKE_PAGE);
	if (!fm->pins || !fm->bytes)
		abort();
}

void fake_mm_fini(struct fake_mm *fm)
{
	pthread_mutex_destroy(&fm->lock);
	free(fm->pins);
	free(fm->bytes);
}
