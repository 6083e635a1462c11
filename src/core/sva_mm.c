/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sva_mm.c - the domain of an address space, in step with it.
 *
 * The domain has a page table of its own in which an address leads to itself,
 * or to where devices see it.  A page comes in by a page fault (sva_fault.c) and
 * leaves before the address space changes there.  Or it is the table of a CPU,
 * whose owner changes it between begin and end, and only then can the hardware
 * be made to forget.
 *
 *	begin	under the lock: remember the range, tell those who are filling
 *		a page of it, clear it in the page table; then have the hardware
 *		forget it (sva_flush.c), which ends when no access that began
 *		earlier is under way
 *	end	the table is a CPU's: have the hardware forget it now.  Forget
 *		the range
 *
 * From begin to end nobody fills a page of the range, because that is asked
 * under the same lock under which a page is installed.  Ranges are counted: two
 * changes may cover a page.
 *
 * In a thread that makes a change (uiommu/mm.h) nothing may allocate.  Leaves
 * are single pages, so none is split; tables that fall out of the page table go
 * to the gather.  What is done under the lock elsewhere does not allocate
 * either: a new table comes from the platform's table_alloc, which for this
 * process is an arena that neither calls malloc nor maps (platform/arena.c).
 */
#include <inttypes.h>
#include <unistd.h>

#include "sva_private.h"

void sva_gather(struct uiommu_gather *gather, uint64_t first, uint64_t last,
		uint8_t page_lg2)
{
	uiommu_gather_init(gather);
	gather->nr_ranges = 1;
	gather->range[0] = (struct uiommu_gather_range){
		.first = align_down_lg2(first, page_lg2),
		.last = last | mask_lg2(page_lg2),
		.stride_lg2 = page_lg2,
		.level = UIOMMU_GATHER_LEVEL_MIXED,
	};
}

/* -------------------------------------------------------------- changes -- */

bool sva_is_busy(const struct core_sva_mm *s, uint64_t page)
{
	for (unsigned int i = 0; i < s->nr_busy; i++)
		if (s->busy[i].first <= page && page <= s->busy[i].last)
			return true;
	return s->busy_beyond;
}

/* Lock held. */
static void remember(struct core_sva_mm *s, uint64_t first, uint64_t last)
{
	struct sva_fill *fill;

	if (s->nr_busy < SVA_BUSY_MAX)
		s->busy[s->nr_busy++] = (struct uiommu_range){ first, last };
	else
		s->busy_beyond++;
	list_for_each(fill, &s->fills, node)
		fill->changed |= first <= fill->page && fill->page <= last;
}

/* One such range; which of several equal ones does not matter.  Lock held. */
static void forget(struct core_sva_mm *s, uint64_t first, uint64_t last)
{
	for (unsigned int i = 0; i < s->nr_busy; i++) {
		if (s->busy[i].first != first || s->busy[i].last != last)
			continue;
		s->busy[i] = s->busy[--s->nr_busy];
		return;
	}
	UIOMMU_ASSERT(s->busy_beyond);
	s->busy_beyond--;
}

static void begin(struct uiommu_mm_notifier *n, uint64_t first, uint64_t last,
		  unsigned int reason)
{
	struct core_sva_mm *s = container_of(n, struct core_sva_mm, n);
	uint64_t end = min_u64(last, s->last), unmapped;
	struct sva_flush flush;
	int rc;

	uiommu_gather_init(&flush.gather);
	pthread_mutex_lock(&s->lock);
	remember(s, first, last);
	if (first <= end && s->dom->hw->pt) {
		rc = uiommu_pgtable_unmap(s->dom->hw->pt, first,
					  end - first + 1, &flush.gather,
					  &unmapped);
		UIOMMU_ASSERT(!rc);
		if (!uiommu_gather_empty(&flush.gather))
			sva_flush_wait(s, &flush);
	}
	pthread_mutex_unlock(&s->lock);
}

static void end(struct uiommu_mm_notifier *n, uint64_t first, uint64_t last,
		unsigned int reason)
{
	struct core_sva_mm *s = container_of(n, struct core_sva_mm, n);
	struct sva_flush flush;

	pthread_mutex_lock(&s->lock);
	if (first <= s->last && !s->dom->hw->pt) {
		sva_gather(&flush.gather, first, min_u64(last, s->last),
			   s->mm->page_lg2);
		sva_flush_wait(s, &flush);
	}
	forget(s, first, last);
	pthread_cond_broadcast(&s->done);
	pthread_mutex_unlock(&s->lock);
}

/* --------------------------------------------------- making and unmaking -- */

#define VA_BITS_MAX 52 /* that any CPU has in one half */

int core_sva_shape(const struct uiommu_domain_cfg *cfg,
		   struct uiommu_dom_cfg *hw)
{
	const struct uiommu_sva_mm *mm = cfg->mm;

	if (!mm)
		return 0;
	if (hw->type != UIOMMU_DOM_SHARED || hw->cpu)
		return -EINVAL;
	if (mm->page_lg2 < 12 || mm->va_bits <= mm->page_lg2 ||
	    mm->va_bits > VA_BITS_MAX)
		return -EINVAL;
	if (mm->cpu) {
		hw->cpu = mm->cpu;
		return 0;
	}
	*hw = (struct uiommu_dom_cfg){
		.type = UIOMMU_DOM_PAGING,
		.stage = UIOMMU_STAGE_1,
		.granule_lg2 = mm->page_lg2,
	};
	return 0;
}

/* Waiting is measured by the clock that does not jump. */
static int cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	int rc = -pthread_condattr_init(&attr);

	if (rc)
		return rc;
	rc = -pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (!rc)
		rc = -pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return rc;
}

static int locks_init(struct core_sva_mm *s)
{
	int rc = core_mutex_init(&s->lock);

	if (rc)
		return rc;
	rc = cond_init(&s->todo);
	if (rc)
		goto err_lock;
	rc = cond_init(&s->done);
	if (rc)
		goto err_todo;
	return 0;

err_todo:
	pthread_cond_destroy(&s->todo);
err_lock:
	pthread_mutex_destroy(&s->lock);
	return rc;
}

static void locks_fini(struct core_sva_mm *s)
{
	pthread_cond_destroy(&s->done);
	pthread_cond_destroy(&s->todo);
	pthread_mutex_destroy(&s->lock);
}

/*
 * Can a table of the domain's own stand for the address space?  The page size it
 * has already; ASIDs and access flags are its own.  Of a CPU's table the driver
 * has looked at all of this.
 */
static int check_own_table(const struct uiommu_domain *dom,
			   const struct uiommu_sva_mm *mm)
{
	const struct uiommu_pgtable_info *info = &dom->info;
	uint64_t last = mask_lg2(mm->va_bits), end;
	const char *reason = NULL;

	if (!dom->cunit->caps.coherent)
		reason = "the IOMMU is not coherent with CPUs";
	else if (info->aperture.first || info->aperture.last < last)
		reason = "the IOMMU's input addresses are smaller";
	else if (add_overflows(dom->core->cfg.sva_pa, last, &end) ||
		 end >> info->oas)
		reason = "the IOMMU's output addresses are smaller";
	if (!reason)
		return 0;
	core_log(dom->core, UIOMMU_LOG_WARN, "an address space of %u bits: %s",
		 mm->va_bits, reason);
	return -EOPNOTSUPP;
}

int core_sva_open(struct uiommu_domain *dom, const struct uiommu_sva_mm *mm)
{
	uint64_t last = mask_lg2(mm->va_bits);
	struct core_sva_mm *s;
	int rc;

	rc = dom->hw->pt ? check_own_table(dom, mm) : 0;
	if (rc)
		return rc;
	s = core_alloc(dom->core, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->n = (struct uiommu_mm_notifier){ begin, end };
	s->dom = dom;
	s->mm = mm;
	s->pa_offset = dom->core->cfg.sva_pa;
	s->last = last;
	s->pid = getpid();
	list_init(&s->fills);
	list_init(&s->flushes);
	rc = locks_init(s);
	if (rc)
		goto err_free;
	rc = sva_flusher_start(s);
	if (rc)
		goto err_locks;
	rc = mm->subscribe(mm->ctx, &s->n);
	if (rc)
		goto err_flusher;
	dom->sva = s;
	dom->iopf_ops = &sva_iopf_ops;
	dom->iopf_ctx = s;
	return 0;

err_flusher:
	sva_flusher_stop(s);
err_locks:
	locks_fini(s);
err_free:
	core_free(dom->core, s);
	return rc;
}

bool sva_is_of_parent(const struct core_sva_mm *s)
{
	return s->pid != getpid();
}

bool core_sva_lives(const struct uiommu_domain *dom)
{
	return !sva_is_of_parent(dom->sva);
}

void core_sva_close(struct uiommu_domain *dom)
{
	struct core_sva_mm *s = dom->sva;

	if (!s)
		return;
	/* In a child the condition waits for ever for the parent's thread. */
	if (!sva_is_of_parent(s)) {
		s->mm->unsubscribe(s->mm->ctx, &s->n);
		sva_flusher_stop(s);
		locks_fini(s);
	}
	core_free(dom->core, s);
}

void core_sva_try_flush(struct uiommu_domain *dom)
{
	struct core_sva_mm *s = dom->sva;
	struct sva_flush flush;
	uint64_t held;

	sva_gather(&flush.gather, 0, 0, s->mm->page_lg2);
	held = sva_lock(s);
	sva_flush_wait(s, &flush);
	sva_unlock(s, held);
}

/* --------------------------------------------------- tables of a CPU's --- */

int uiommu_sva_invalidate(struct uiommu_domain *domain, uint64_t first,
			  uint64_t last)
{
	struct uiommu_gather gather;

	if (domain->hw->type != UIOMMU_DOM_SHARED || first > last)
		return core_told(domain->core, -EINVAL,
				 "invalidation of 0x%" PRIx64 "..0x%" PRIx64,
				 first, last);
	sva_gather(&gather, first, last, 12);
	return core_domain_flush(domain, &gather);
}
