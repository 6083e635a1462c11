/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sva_fault.c - pages come into the domain of an address space.
 *
 * For each page of a group: see that no change is under way there, have the page
 * made present, and if none has begun meanwhile install it.  Who fills says so
 * in a list, in which begin (sva_mm.c) looks for its range: a change elsewhere
 * costs a fault nothing.
 *
 * While a change is under way the handler waits a little for its end, and then
 * lets the device try again: it may be a long one (populating gigabytes), and the
 * thread that is here has other devices' faults to look after.
 */
#include <time.h>

#include "sva_private.h"

#define PATIENCE_NS 1000000
#define TRIES 64

enum outcome {
	FILLED,
	AGAIN,	   /* let the device try again */
	NO_PAGE,   /* or not of this kind */
	NO_ANSWER, /* of the hardware */
};

/* Until no change covers the page; false: it takes long.  Lock held. */
static bool wait_idle(struct core_sva_mm *s, uint64_t page)
{
	struct timespec until;
	int state, rc = 0;

	if (!sva_is_busy(s, page))
		return true;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += PATIENCE_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	while (sva_is_busy(s, page) && !rc)
		rc = pthread_cond_timedwait(&s->done, &s->lock, &until);
	pthread_setcancelstate(state, NULL);
	return !sva_is_busy(s, page);
}

/*
 * Lock held.  Only more rights are given here.  Hardware that still has the
 * fewer ones goes by them until it is told: gather.  A CPU's table has the page
 * already, and does not say what rights there were.
 */
static int install(struct core_sva_mm *s, uint64_t page, bool write,
		   struct uiommu_gather *gather)
{
	const uint64_t size = UINT64_C(1) << s->mm->page_lg2;
	uint32_t prot = UIOMMU_PROT_READ | (write ? UIOMMU_PROT_WRITE : 0);
	struct uiommu_pgtable *pt = s->dom->hw->pt;
	int rc;

	if (!pt) {
		if (write)
			sva_gather(gather, page, page, s->mm->page_lg2);
		return 0;
	}
	rc = uiommu_pgtable_map(pt, page, page + s->pa_offset, size,
				prot | UIOMMU_PROT_CACHE, gather);
	if (rc != -EEXIST)
		return rc;
	return write ? uiommu_pgtable_protect(pt, page, size, prot, gather) : 0;
}

/* Once; *changed: the page was not to be installed. */
static int fill_once(struct core_sva_mm *s, uint64_t page, bool write,
		     bool *changed)
{
	const struct uiommu_sva_mm *mm = s->mm;
	struct sva_fill fill = { .page = page };
	struct sva_flush flush;
	uint64_t held;
	int rc;

	uiommu_gather_init(&flush.gather);
	held = sva_lock(s);
	if (!wait_idle(s, page)) {
		sva_unlock(s, held);
		return -EAGAIN;
	}
	list_add_tail(&s->fills, &fill.node);
	sva_unlock(s, held);

	rc = mm->populate(mm->ctx, page, UINT64_C(1) << mm->page_lg2, write);

	held = sva_lock(s);
	list_del(&fill.node);
	*changed = fill.changed;
	if (!rc && !fill.changed)
		rc = install(s, page, write, &flush.gather);
	if (!uiommu_gather_empty(&flush.gather))
		sva_flush_wait(s, &flush);
	if (s->lost)
		rc = s->lost;
	sva_unlock(s, held);
	if (s->dom->hw->pt)
		core_domain_count_tables(s->dom);
	return rc;
}

static enum outcome fill(struct core_sva_mm *s, const struct uiommu_iopf *fault)
{
	uint64_t page = align_down_lg2(fault->iova, s->mm->page_lg2);
	bool write = fault->perm & UIOMMU_PAGE_WRITE, changed;
	int rc;

	/* Nobody says here what may be executed. */
	if (fault->iova > s->last || (fault->perm & UIOMMU_PAGE_EXEC))
		return NO_PAGE;
	for (unsigned int i = 0; i < TRIES; i++) {
		rc = fill_once(s, page, write, &changed);
		if (rc == -EAGAIN)
			return AGAIN;
		if (rc == -EIO || rc == -ETIMEDOUT)
			return NO_ANSWER;
		/* What was not there then may be there now. */
		if (changed)
			continue;
		return rc ? NO_PAGE : FILLED;
	}
	return AGAIN;
}

static enum uiommu_page_code answer_to(struct core_sva_mm *s,
				       const struct uiommu_iopf_group *group)
{
	if (sva_is_of_parent(s))
		return UIOMMU_PAGE_INVALID;
	for (unsigned int i = 0; i < group->nr; i++) {
		switch (fill(s, &group->fault[i])) {
		case FILLED:
			break;
		case AGAIN:
			return UIOMMU_PAGE_SUCCESS;
		case NO_PAGE:
			return UIOMMU_PAGE_INVALID;
		case NO_ANSWER:
			if (!exchange_acq_rel(&s->told, true))
				core_log(s->dom->core, UIOMMU_LOG_ERROR,
					 "shared addresses: the hardware does "
					 "not answer; no page comes any more");
			return UIOMMU_PAGE_FAILURE;
		}
	}
	return UIOMMU_PAGE_SUCCESS;
}

static int on_fault(void *ctx, struct uiommu_iopf_group *group)
{
	uiommu_iopf_group_respond(group, answer_to(ctx, group));
	uiommu_iopf_group_put(group);
	return 0;
}

/* Each is answered in the call, so there is none to withdraw. */
static void on_withdrawn(void *ctx, struct uiommu_iopf_group *group)
{
}

const struct uiommu_iopf_ops sva_iopf_ops = { on_fault, on_withdrawn };
