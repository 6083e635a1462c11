/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain.c - domains: the only place where page table and driver meet.
 *
 * A domain is made for the unit of one device, its home, whose driver may attach
 * it to devices behind other units too; whether their hardware fits is for the
 * driver to say.  A flush is asked of the home unit's driver and reaches every
 * unit.  An identity or blocked domain has no page table and maps nothing.
 *
 * Page table operations leave a gather; the driver is asked to make the
 * hardware forget it; then, and only then, are its tables freed and may the
 * caller give back the memory that was mapped.  When the driver reports that
 * the hardware does not answer, the domain is dead: its tables, its page table
 * and the pinned memory stay where they are for good, because the hardware may
 * still use them.  That leaks, and is logged once.
 */
#include "bind_private.h"

uint64_t core_domain_granule(const struct uiommu_domain *dom)
{
	return UINT64_C(1) << ffs_u64(dom->info.pgsizes);
}

void core_domain_count_tables(struct uiommu_domain *dom)
{
	uint64_t now = uiommu_pgtable_table_bytes(dom->hw->pt);
	uint64_t old = exchange_acq_rel(&dom->table_bytes, now);

	if (now != old)
		core_gauge(&dom->core->table_bytes,
			   &dom->core->stats.table_bytes_peak,
			   (int64_t)(now - old));
}

static int init(struct uiommu_domain *dom)
{
	int rc;

	list_init(&dom->ioas_node);
	list_init(&dom->msi_bindings);
	rc = core_mutex_init(&dom->msi_lock);
	if (rc)
		return rc;
	rc = core_mutex_init(&dom->lock);
	if (rc)
		goto err_msi;
	rc = core_rwlock_init(&dom->bind_lock);
	if (rc)
		goto err_lock;
	return 0;

err_lock:
	pthread_mutex_destroy(&dom->lock);
err_msi:
	pthread_mutex_destroy(&dom->msi_lock);
	return rc;
}

static void fini(struct uiommu_domain *dom)
{
	pthread_rwlock_destroy(&dom->bind_lock);
	pthread_mutex_destroy(&dom->lock);
	pthread_mutex_destroy(&dom->msi_lock);
}

int core_domain_new(struct uiommu_core *core, struct core_unit *cunit,
		    struct uiommu_domain **out)
{
	struct uiommu_domain *dom = core_alloc(core, sizeof(*dom));
	int rc;

	if (!dom)
		return -ENOMEM;
	dom->core = core;
	dom->cunit = cunit;
	rc = init(dom);
	if (rc)
		core_free(core, dom);
	else
		*out = dom;
	return rc;
}

void core_domain_discard(struct uiommu_domain *dom)
{
	fini(dom);
	core_free(dom->core, dom);
}

void core_domain_publish(struct uiommu_domain *dom)
{
	core_count(&dom->core->stats.domains_made, 1);
	core_list(dom->core, &dom->core->domains, &dom->core_node);
}

static int alloc(struct uiommu_device *dev, const struct uiommu_domain_cfg *cfg,
		 struct uiommu_domain **out)
{
	struct uiommu_unit *unit = dev->cunit->unit;
	struct uiommu_dom_cfg hw = cfg->hw;
	struct uiommu_domain *dom;
	int rc = core_sva_shape(cfg, &hw);

	if (rc)
		return rc;
	rc = core_domain_new(dev->core, dev->cunit, &dom);
	if (rc)
		return rc;
	dom->cfg = hw;
	dom->cfg.cpu = NULL; /* the caller's */
	dom->cfg.data = NULL;
	rc = unit->ops->dom_alloc(unit, &hw, &dom->hw);
	if (rc)
		goto err_discard;
	if (dom->hw->pt) {
		dom->coherency = dev->cunit->caps.enforce_coherency;
		uiommu_pgtable_info(dom->hw->pt, &dom->info);
		if (dom->hw->pgsizes) {
			dom->info.pgsizes = dom->hw->pgsizes;
			dom->info.aperture = dom->hw->aperture;
		}
	}
	rc = cfg->mm ? core_sva_open(dom, cfg->mm) : 0;
	if (rc)
		goto err_hw;
	if (dom->hw->pt)
		core_domain_count_tables(dom);
	core_domain_publish(dom);
	*out = dom;
	return 0;

err_hw:
	unit->ops->dom_free(dom->hw);
err_discard:
	core_domain_discard(dom);
	return rc;
}

int uiommu_domain_alloc_cfg(struct uiommu_device *dev,
			    const struct uiommu_domain_cfg *cfg,
			    struct uiommu_domain **out)
{
	return core_told(dev->core, alloc(dev, cfg, out),
			 "%s: a domain of type %u%s", dev->name, cfg->hw.type,
			 cfg->mm ? " for an address space" : "");
}

int uiommu_domain_alloc(struct uiommu_device *dev, struct uiommu_domain **out)
{
	const struct uiommu_domain_cfg cfg = { .hw.type = UIOMMU_DOM_PAGING };

	return uiommu_domain_alloc_cfg(dev, &cfg, out);
}

void uiommu_domain_free(struct uiommu_domain *domain)
{
	struct uiommu_core *core;

	if (!domain)
		return;
	core = domain->core;
	UIOMMU_ASSERT(!load_acquire(&domain->attached) && !domain->ioas &&
		      !load_acquire(&domain->children));
	core_unlist(core, &domain->core_node, &domain->held);
	core_sva_close(domain);
	core_faults_close(domain);
	core_binding_close(domain);
	core_gauge(&core->table_bytes, &core->stats.table_bytes_peak,
		   -(int64_t)domain->table_bytes);
	core_count(&core->stats.domains_freed, 1);
	if (!load_acquire(&domain->dead))
		domain->cunit->unit->ops->dom_free(domain->hw);
	core_nested_close(domain);
	core_msi_close(domain);
	core_domain_discard(domain);
}

enum uiommu_dom_type uiommu_domain_type(const struct uiommu_domain *domain)
{
	return domain->sva ? UIOMMU_DOM_SHARED : domain->hw->type;
}

struct uiommu_hwdom *uiommu_domain_hw(const struct uiommu_domain *domain)
{
	return domain->hw;
}

void uiommu_domain_set_user(struct uiommu_domain *domain, const void *owner,
			    void *user)
{
	domain->owner = owner;
	domain->user = user;
}

void *uiommu_domain_user(const struct uiommu_domain *domain, const void *owner)
{
	return domain->owner == owner ? domain->user : NULL;
}

void uiommu_domain_keep_pasids(struct uiommu_domain *domain)
{
	domain->keep_pasids = true;
}

void uiommu_domain_geometry(const struct uiommu_domain *domain,
			    struct uiommu_domain_geometry *geometry)
{
	geometry->aperture = domain->info.aperture;
	geometry->pgsizes = domain->info.pgsizes;
	geometry->enforce_coherency = domain->coherency;
}

static int refuse(const struct uiommu_device *dev, const char *reason)
{
	core_log(dev->core, UIOMMU_LOG_WARN, "%s: cannot attach: %s", dev->name,
		 reason);
	return -EINVAL;
}

int core_domain_check(const struct uiommu_domain *dom,
		      const struct uiommu_device *dev)
{
	if (dom->core != dev->core ||
	    dom->cunit->unit->ops != dev->cunit->unit->ops)
		return refuse(dev, "the domain is for other hardware");
	if (dom->coherency && !dev->cunit->caps.enforce_coherency)
		return refuse(dev, "the domain promises coherent accesses, "
				   "which the device's IOMMU cannot enforce");
	return 0;
}

int core_domain_get_locked(struct uiommu_domain *dom, enum core_use use)
{
	if (dom->use != CORE_USE_NONE && dom->use != use) {
		core_log(dom->core, UIOMMU_LOG_WARN,
			 "cannot attach: the domain is %s",
			 dom->use == CORE_USE_AUX ? "an auxiliary one"
						  : "not an auxiliary one");
		return -EINVAL;
	}
	dom->use = use;
	fetch_add_acq_rel(&dom->attached, 1);
	return 0;
}

int core_domain_get(struct uiommu_domain *dom, enum core_use use)
{
	int rc;

	pthread_mutex_lock(&dom->lock);
	rc = core_domain_get_locked(dom, use);
	pthread_mutex_unlock(&dom->lock);
	return rc;
}

void core_domain_put_locked(struct uiommu_domain *dom, bool used)
{
	dom->used |= used;
	if (fetch_sub_acq_rel(&dom->attached, 1) == 1 && !dom->used)
		dom->use = CORE_USE_NONE;
}

void core_domain_put(struct uiommu_domain *dom, bool used)
{
	pthread_mutex_lock(&dom->lock);
	core_domain_put_locked(dom, used);
	pthread_mutex_unlock(&dom->lock);
}

int core_domain_flush(struct uiommu_domain *dom, struct uiommu_gather *gather)
{
	int rc;

	if (load_acquire(&dom->dead))
		return -EIO;
	if (uiommu_gather_empty(gather))
		return 0;
	rc = dom->cunit->unit->ops->flush(dom->hw, gather);
	if (rc) {
		store_release(&dom->dead, 1);
		core_log(dom->core, UIOMMU_LOG_ERROR,
			 "invalidation failed (%d): what was mapped is kept",
			 rc);
		return rc;
	}
	uiommu_gather_release(gather);
	return 0;
}

static int map_once(struct uiommu_domain *dom, uiommu_iova_t iova,
		    uiommu_pa_t pa, uint64_t len, uint32_t prot)
{
	struct uiommu_gather gather;
	int rc, flushed;

	uiommu_gather_init(&gather);
	for (;;) {
		rc = uiommu_pgtable_map(dom->hw->pt, iova, pa, len, prot,
					&gather);
		flushed = core_domain_flush(dom, &gather);
		if (rc != -EAGAIN)
			return rc ? rc : flushed;
		if (flushed)
			return flushed;
		/* Somebody else's flush may be what is waited for. */
		dom->core->platform->relax(dom->core->platform->ctx);
	}
}

int core_domain_map(struct uiommu_domain *dom, uiommu_iova_t iova,
		    uiommu_pa_t pa, uint64_t len, uint32_t prot, uint64_t step)
{
	uint64_t done = 0;
	int rc = 0;

	if (load_acquire(&dom->dead))
		return -EIO;
	if (!step)
		step = len;
	/* Once at least: what a length of 0 is, the page table says. */
	do {
		uint64_t part = min_u64(step, len - done);

		rc = map_once(dom, iova + done, pa + done, part, prot);
		if (rc)
			break;
		done += part;
	} while (done < len);
	if (rc && done) {
		struct uiommu_gather gather;
		uint64_t unmapped;

		uiommu_gather_init(&gather);
		core_domain_unmap(dom, iova, done, &gather, &unmapped);
		core_domain_flush(dom, &gather);
	}
	return rc;
}

int core_domain_unmap(struct uiommu_domain *dom, uiommu_iova_t iova,
		      uint64_t len, struct uiommu_gather *gather,
		      uint64_t *unmapped)
{
	uint64_t total = 0, part;
	int rc;

	/* What a call that ends in -EAGAIN did unmap counts as well. */
	for (;;) {
		part = 0;
		rc = uiommu_pgtable_unmap(dom->hw->pt, iova, len, gather,
					  &part);
		total += part;
		if (rc != -EAGAIN)
			break;
		rc = core_domain_flush(dom, gather);
		if (rc)
			break;
		dom->core->platform->relax(dom->core->platform->ctx);
	}
	*unmapped = total;
	return rc;
}

/* May its owner map in it? */
static int check_own(const struct uiommu_domain *domain)
{
	int rc = !domain->hw->pt || domain->sva ? -EINVAL : 0;

	return core_told(domain->core, rc,
			 "mappings in a domain of type %u that has none",
			 uiommu_domain_type(domain));
}

int uiommu_domain_map(struct uiommu_domain *domain, uiommu_iova_t iova,
		      uiommu_pa_t pa, uint64_t len, uint32_t prot)
{
	int rc = check_own(domain);

	if (rc)
		return rc;
	rc = core_domain_map(domain, iova, pa, len, prot, 0);
	core_domain_count_tables(domain);
	return rc;
}

int uiommu_domain_unmap(struct uiommu_domain *domain, uiommu_iova_t iova,
			uint64_t len, uint64_t *unmapped)
{
	struct uiommu_gather gather;
	int rc = check_own(domain), flushed;

	*unmapped = 0;
	if (rc)
		return rc;
	uiommu_gather_init(&gather);
	rc = core_domain_unmap(domain, iova, len, &gather, unmapped);
	flushed = core_domain_flush(domain, &gather);
	core_domain_count_tables(domain);
	return rc ? rc : flushed;
}

int uiommu_domain_iova_to_pa(struct uiommu_domain *domain, uiommu_iova_t iova,
			     uiommu_pa_t *pa)
{
	struct uiommu_pgtable_leaf leaf;

	if (domain->hw->type == UIOMMU_DOM_IDENTITY) {
		*pa = iova;
		return 0;
	}
	if (!domain->hw->pt ||
	    uiommu_pgtable_translate(domain->hw->pt, iova, &leaf))
		return -ENOENT;
	*pa = leaf.pa;
	return 0;
}
