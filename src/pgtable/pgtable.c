/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pgtable.c - the object: creation, destruction, dispatch to the instances.
 *
 * The root is allocated at creation and lives as long as the object; every
 * other table is allocated and freed through the two functions here, so that
 * the count of bytes is right.  The object itself outlives destruction while
 * its deferred call is under way.
 */
#include "pt.h"

#include "fmt/instances.h"
#include "iter.h"

#define KNOWN_FEATURES                                                     \
	(UIOMMU_PGTABLE_BBML2 | UIOMMU_PGTABLE_BBML1 | UIOMMU_PGTABLE_DS | \
	 UIOMMU_PGTABLE_CONTIG | UIOMMU_PGTABLE_DBM)
/* Those that choose the instance. */
#define INSTANCE_FEATURES UIOMMU_PGTABLE_DS

static const struct pt_ops *ops_of(const struct uiommu_pgtable_cfg *cfg)
{
	static const struct {
		enum uiommu_pgtable_fmt fmt;
		uint32_t features;
		const struct pt_ops *ops;
	} instances[] = {
#define PT_INSTANCE(fmt, features, name) { fmt, features, &name },
		PT_INSTANCES(PT_INSTANCE)
#undef PT_INSTANCE
	};

	for (size_t i = 0; i < ARRAY_SIZE(instances); i++)
		if (instances[i].fmt == cfg->fmt &&
		    instances[i].features ==
			    (cfg->features & INSTANCE_FEATURES) &&
		    instances[i].ops->granule_lg2 == cfg->granule_lg2)
			return instances[i].ops;
	return NULL;
}

/* In the format's specification, whether this build has it or not. */
static bool granule_exists(enum uiommu_pgtable_fmt fmt, unsigned int granule)
{
	if (fmt == UIOMMU_PGTABLE_MOCK)
		return granule == 11;
	return granule == 12 || granule == 14 || granule == 16;
}

/* What is wrong with it, and *rc says of what kind; NULL: nothing. */
static const char *misfit(const struct uiommu_pgtable_cfg *cfg,
			  const struct pt_ops **ops, int *rc)
{
	*rc = -EINVAL;
	if (!granule_exists(cfg->fmt, cfg->granule_lg2))
		return "pgtable: no granule of that size exists";
	if (cfg->features & ~KNOWN_FEATURES)
		return "pgtable: unknown features";
	/* 64K has 52 bits without it. */
	if ((cfg->features & UIOMMU_PGTABLE_DS) && cfg->granule_lg2 == 16)
		return "pgtable: DS does not go with 64K";
	/* The walker writes the tables: both must see one memory. */
	if ((cfg->features & UIOMMU_PGTABLE_DBM) && cfg->platform &&
	    cfg->platform->clean_range)
		return "pgtable: DBM needs a coherent walker";
	*ops = ops_of(cfg);
	if (!*ops) {
		*rc = -EOPNOTSUPP;
		return "pgtable: no such instance in this build";
	}
	if (cfg->ias < (*ops)->ias_min || cfg->ias > (*ops)->ias_max)
		return "pgtable: input size out of the format's range";
	if (cfg->oas < (*ops)->oas_min || cfg->oas > (*ops)->oas_max)
		return "pgtable: output size out of the format's range";
	*rc = 0;
	return NULL;
}

bool uiommu_pgtable_supported(const struct uiommu_pgtable_cfg *cfg)
{
	const struct pt_ops *ops;
	int rc;

	return !misfit(cfg, &ops, &rc);
}

static int refuse(const struct uiommu_platform *pf, int rc, const char *reason)
{
	/* Who fills on demand asks for what may be there. */
	if (pf->log)
		pf->log(pf->ctx,
			rc == -EEXIST ? UIOMMU_LOG_DEBUG : UIOMMU_LOG_WARN,
			reason);
	return rc;
}

int pt_refuse(const struct uiommu_pgtable *pt, int rc, const char *reason)
{
	return refuse(pt->platform, rc, reason);
}

/* Memory the hardware can be pointed to, with anything in it, or NULL. */
static uint64_t *alloc_reachable(struct uiommu_pgtable *pt, size_t size,
				 uiommu_pa_t *pa)
{
	const struct uiommu_platform *pf = pt->platform;
	uint64_t *table = pf->table_alloc(pf->ctx, size, pa);

	if (pt_unlikely(!table))
		return NULL;
	/* Aligned to its size, so it lies within as a whole or not at all. */
	if (pt_unlikely(*pa > pt->pa_last)) {
		pf->table_free(pf->ctx, table, size);
		if (pf->log)
			pf->log(pf->ctx, UIOMMU_LOG_ERROR,
				"pgtable: memory is beyond the output size");
		return NULL;
	}
	fetch_add_relaxed(&pt->table_bytes, size);
	return table;
}

uint64_t *pt_table_alloc(struct uiommu_pgtable *pt, uiommu_pa_t *pa)
{
	return alloc_reachable(pt, (size_t)1 << pt->ops->table_lg2, pa);
}

void pt_table_free(struct uiommu_pgtable *pt, uint64_t *table)
{
	size_t size = (size_t)1 << pt->ops->table_lg2;

	fetch_add_relaxed(&pt->table_bytes, -(uint64_t)size);
	pt->platform->table_free(pt->platform->ctx, table, size);
}

static void set_geometry(struct uiommu_pgtable *pt,
			 const struct uiommu_pgtable_cfg *cfg)
{
	unsigned int root_lg2;

	pt->ias = cfg->ias;
	pt->oas = cfg->oas;
	pt->features = (uint16_t)cfg->features;
	if (pt->features & UIOMMU_PGTABLE_BBML2)
		pt->features |= UIOMMU_PGTABLE_BBML1;
	/* A group would be reported as a whole, and its slots disagree. */
	if (pt->features & UIOMMU_PGTABLE_DBM)
		pt->features &= (uint16_t)~UIOMMU_PGTABLE_CONTIG;
	pt->write_attrs = pt->features & UIOMMU_PGTABLE_DBM
				  ? pt->ops->write_clean
				  : pt->ops->write_plain;
	pt->iova_last = mask_lg2(cfg->ias);
	pt->pa_last = mask_lg2(cfg->oas);
	pt->start_level = pt_start_level(cfg->granule_lg2, pt->ops->table_lg2,
					 cfg->ias, pt->ops->concat_lg2,
					 pt->ops->concat_last);
	pt->block_level = pt->ops->first_block_level;
	if (pt->oas < pt->ops->first_block_oas)
		pt->block_level++;
	if (pt->block_level < pt->start_level)
		pt->block_level = pt->start_level;
	root_lg2 = cfg->ias + PT_DESC_LG2 -
		   pt_level_shift(cfg->granule_lg2, pt->ops->table_lg2,
				  pt->start_level);
	pt->root_size = BIT64(root_lg2 < 6 ? 6 : root_lg2);
}

int uiommu_pgtable_create(const struct uiommu_pgtable_cfg *cfg,
			  struct uiommu_pgtable **out)
{
	const struct uiommu_platform *pf = cfg->platform;
	const struct pt_ops *ops;
	struct uiommu_pgtable *pt;
	const char *reason;
	int rc;

	reason = misfit(cfg, &ops, &rc);
	if (reason)
		return refuse(pf, rc, reason);
	pt = pf->obj_alloc(pf->ctx, sizeof(*pt));
	if (!pt)
		return -ENOMEM;
	pt->platform = pf;
	pt->ops = ops;
	pt->refs = 1;
	pt->incoherent = pf->clean_range != NULL;
	set_geometry(pt, cfg);
	pt->root = alloc_reachable(pt, pt->root_size, &pt->root_pa);
	if (!pt->root) {
		rc = -ENOMEM;
		goto err_free;
	}
	memset(pt->root, 0, pt->root_size);
	pt->va_minus_pa = (uint64_t)(uintptr_t)pt->root - pt->root_pa;
	if (pf->clean_range)
		pf->clean_range(pf->ctx, pt->root, pt->root_size);
	*out = pt;
	return 0;

err_free:
	pf->obj_free(pf->ctx, pt);
	return rc;
}

void pt_put(struct uiommu_pgtable *pt)
{
	const struct uiommu_platform *pf = pt->platform;

	if (fetch_sub_acq_rel(&pt->refs, 1) == 1)
		pf->obj_free(pf->ctx, pt);
}

void uiommu_pgtable_destroy(struct uiommu_pgtable *pt)
{
	const struct uiommu_platform *pf;

	if (!pt)
		return;
	pf = pt->platform;
	pt->ops->free_tables(pt);
	pf->table_free(pf->ctx, pt->root, pt->root_size);
	pt_put(pt);
}

void uiommu_pgtable_info(const struct uiommu_pgtable *pt,
			 struct uiommu_pgtable_info *info)
{
	*info = (struct uiommu_pgtable_info){
		.root = pt->root_pa,
		.granule_lg2 = pt->ops->granule_lg2,
		.ias = pt->ias,
		.oas = pt->oas,
		.start_level = pt->start_level,
		.ds = pt->ops->ds,
		.features = pt->features,
		.mair = pt->ops->mair,
		.aperture = { 0, pt->iova_last },
	};
	for (int level = pt->block_level; level <= PT_LAST_LEVEL; level++)
		info->pgsizes |= pt->ops->leaf_sizes(pt, level);
}

int uiommu_pgtable_map(struct uiommu_pgtable *pt, uiommu_iova_t iova,
		       uiommu_pa_t pa, uint64_t len, uint32_t prot,
		       struct uiommu_gather *gather)
{
	return pt->ops->map(pt, iova, pa, len, prot, gather);
}

int uiommu_pgtable_unmap(struct uiommu_pgtable *pt, uiommu_iova_t iova,
			 uint64_t len, struct uiommu_gather *gather,
			 uint64_t *unmapped)
{
	return pt->ops->unmap(pt, iova, len, gather, unmapped);
}

int uiommu_pgtable_translate(struct uiommu_pgtable *pt, uiommu_iova_t iova,
			     struct uiommu_pgtable_leaf *leaf)
{
	return pt->ops->translate(pt, iova, leaf);
}

int uiommu_pgtable_protect(struct uiommu_pgtable *pt, uiommu_iova_t iova,
			   uint64_t len, uint32_t rights,
			   struct uiommu_gather *gather)
{
	return pt->ops->protect(pt, iova, len, rights, gather);
}

int uiommu_pgtable_read_and_clear_dirty(
	struct uiommu_pgtable *pt, uiommu_iova_t iova, uint64_t len,
	uint32_t flags,
	void (*fn)(void *ctx, uiommu_iova_t iova, uint64_t size), void *ctx,
	struct uiommu_gather *gather)
{
	const struct pt_dirty_req req = { iova, len, flags, fn, ctx, gather };

	if (!(pt->features & UIOMMU_PGTABLE_DBM))
		return pt_refuse(pt, -EOPNOTSUPP,
				 "pgtable: a table without dirty state");
	if ((flags & ~UIOMMU_DIRTY_NO_CLEAR) || !fn)
		return pt_refuse(pt, -EINVAL,
				 "pgtable: unknown flags, or nobody to tell");
	return pt->ops->dirty(pt, &req);
}

void uiommu_pgtable_trim(struct uiommu_pgtable *pt,
			 struct uiommu_gather *gather)
{
	pt->ops->trim(pt, gather);
}

uint64_t uiommu_pgtable_table_bytes(const struct uiommu_pgtable *pt)
{
	return load_relaxed(&pt->table_bytes);
}
