/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pages.c - user memory that areas share, pinned where it is in use.
 *
 * A pages object names a range of user memory by its start; areas refer to it
 * by byte offset.  Nothing is pinned until an area in an IOAS with a domain
 * needs it, and each page is pinned once however many areas need it.
 *
 * What is pinned is a set of disjoint segments.  Every area that needs memory
 * holds one reference on each segment in its range, and segment borders never
 * lie inside a range's end: pinning splits segments at its two ends, and a cut
 * of an area splits at the cut.  So giving back only counts down, never
 * splits, never allocates and cannot fail.  Splitting a segment changes no
 * pin, only who remembers it.
 *
 * Offsets are relative to the start of the page that the range begins in and
 * are rounded outwards to whole pages here, so two areas may meet in a page.
 */
#include "core_private.h"

static struct core_seg *seg_of(struct itree_node *node)
{
	return node ? container_of(node, struct core_seg, node) : NULL;
}

static uint64_t seg_len(const struct core_seg *seg)
{
	return seg->node.last - seg->node.first + 1;
}

int core_pages_create(struct uiommu_core *core, const struct uiommu_mm *mm,
		      uint64_t uva, uint32_t pin_flags, struct core_pages **out)
{
	struct core_pages *pages = core_alloc(core, sizeof(*pages));
	int rc;

	if (!pages)
		return -ENOMEM;
	rc = core_mutex_init(&pages->lock);
	if (rc) {
		core_free(core, pages);
		return rc;
	}
	pages->core = core;
	pages->mm = *mm;
	pages->base = uva & ~(core->page_size - 1);
	pages->pin_flags = pin_flags;
	pages->refs = 1;
	list_init(&pages->abandoned);
	list_init(&pages->revocable);
	if (mm->get)
		mm->get(mm->ctx);
	if (mm->kind == UIOMMU_MM_REVOCABLE)
		core_list(core, &core->revocable, &pages->revocable);
	*out = pages;
	return 0;
}

struct core_pages *core_pages_get(struct core_pages *pages)
{
	fetch_add_acq_rel(&pages->refs, 1);
	return pages;
}

void core_pages_put(struct core_pages *pages)
{
	if (!pages || fetch_sub_acq_rel(&pages->refs, 1) != 1)
		return;
	UIOMMU_ASSERT(itree_empty(&pages->segs));
	if (pages->mm.kind == UIOMMU_MM_REVOCABLE) {
		pthread_mutex_lock(&pages->core->lock);
		list_del(&pages->revocable);
		pthread_mutex_unlock(&pages->core->lock);
	}
	if (pages->mm.put)
		pages->mm.put(pages->mm.ctx);
	pthread_mutex_destroy(&pages->lock);
	core_free(pages->core, pages);
}

static void free_seg(struct core_pages *pages, struct core_seg *seg)
{
	if (seg->runs != &seg->one)
		core_free(pages->core, seg->runs);
	core_free(pages->core, seg);
}

void core_pages_abandon(struct core_pages *pages)
{
	struct uiommu_core *core = pages->core;

	pthread_mutex_lock(&core->lock);
	if (list_empty(&pages->abandoned)) {
		core_pages_get(pages);
		list_add_tail(&core->abandoned, &pages->abandoned);
	}
	pthread_mutex_unlock(&core->lock);
}

void core_pages_forget(struct core_pages *pages)
{
	struct itree_node *n;

	list_del(&pages->abandoned);
	while ((n = itree_find(&pages->segs, 0))) {
		itree_erase(&pages->segs, n);
		free_seg(pages, seg_of(n));
	}
	core_pages_put(pages);
}

static struct core_seg *make_seg(struct core_pages *pages, uint64_t first,
				 uint64_t last, unsigned int max_runs)
{
	struct core_seg *seg = core_alloc(pages->core, sizeof(*seg));

	if (!seg)
		return NULL;
	seg->node.first = first;
	seg->node.last = last;
	seg->runs = &seg->one;
	seg->max_runs = 1;
	if (max_runs > 1) {
		seg->runs = core_alloc(pages->core,
				       max_runs * sizeof(seg->runs[0]));
		seg->max_runs = max_runs;
	}
	if (!seg->runs) {
		core_free(pages->core, seg);
		return NULL;
	}
	return seg;
}

static int add_run(struct core_pages *pages, struct core_seg *seg,
		   const struct uiommu_run *run)
{
	struct uiommu_run *grown, *last;

	if (seg->nr_runs) {
		last = &seg->runs[seg->nr_runs - 1];
		if (last->pa + last->len == run->pa &&
		    last->mmio == run->mmio) {
			last->len += run->len;
			return 0;
		}
	}
	if (seg->nr_runs == seg->max_runs) {
		grown = core_alloc(pages->core,
				   2 * (size_t)seg->max_runs * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		memcpy(grown, seg->runs, seg->nr_runs * sizeof(*grown));
		if (seg->runs != &seg->one)
			core_free(pages->core, seg->runs);
		seg->runs = grown;
		seg->max_runs *= 2;
	}
	seg->runs[seg->nr_runs++] = *run;
	return 0;
}

static void count_pinned(struct core_pages *pages, int64_t bytes)
{
	struct uiommu_core_stats *stats = &pages->core->stats;

	core_gauge(&stats->pinned_bytes, &stats->pinned_peak, bytes);
}

static void unpin_run(struct core_pages *pages, const struct uiommu_run *run)
{
	pages->mm.unpin(pages->mm.ctx, run->pa, run->len,
			pages->pin_flags | (run->mmio ? UIOMMU_UNPIN_MMIO : 0));
}

static void unpin_runs(struct core_pages *pages, struct core_seg *seg)
{
	for (unsigned int i = 0; i < seg->nr_runs; i++)
		unpin_run(pages, &seg->runs[i]);
}

/* Pin [first, last], where no segment is, as a new one. */
static int pin_gap(struct core_pages *pages, uint64_t first, uint64_t last)
{
	struct core_seg *seg = make_seg(pages, first, last, 1);
	uint64_t at = first;
	int rc = 0;

	if (!seg)
		return -ENOMEM;
	while (at <= last) {
		struct uiommu_run run = { 0 };
		uint64_t left = last - at + 1;

		rc = pages->mm.pin(pages->mm.ctx, pages->base + at, left,
				   pages->pin_flags, &run);
		if (rc)
			goto err_unpin;
		UIOMMU_ASSERT(run.len && run.len <= left);
		rc = add_run(pages, seg, &run);
		if (rc) {
			unpin_run(pages, &run);
			goto err_unpin;
		}
		at += run.len;
	}
	seg->refs = 1;
	itree_insert(&pages->segs, &seg->node);
	count_pinned(pages, (int64_t)seg_len(seg));
	return 0;

err_unpin:
	unpin_runs(pages, seg);
	free_seg(pages, seg);
	return rc;
}

/* Make `at` the start of a segment if it lies inside one. */
static int split_at(struct core_pages *pages, uint64_t at)
{
	struct core_seg *seg = seg_of(itree_find(&pages->segs, at)), *right;
	uint64_t keep;
	unsigned int i = 0;

	if (!seg || seg->node.first >= at)
		return 0;
	keep = at - seg->node.first;
	while (keep >= seg->runs[i].len)
		keep -= seg->runs[i++].len;
	/* Run i goes right, except its first `keep` bytes. */
	right = make_seg(pages, at, seg->node.last, seg->nr_runs - i);
	if (!right)
		return -ENOMEM;
	right->refs = seg->refs;
	right->nr_runs = seg->nr_runs - i;
	memcpy(right->runs, seg->runs + i,
	       right->nr_runs * sizeof(right->runs[0]));
	right->runs[0].pa += keep;
	right->runs[0].len -= keep;
	seg->nr_runs = i;
	if (keep) {
		seg->runs[i].len = keep;
		seg->nr_runs++;
	}
	itree_split(&pages->segs, &seg->node, &right->node);
	return 0;
}

static void round_out(const struct core_pages *pages, uint64_t *first,
		      uint64_t *last)
{
	*first &= ~(pages->core->page_size - 1);
	*last |= pages->core->page_size - 1;
}

/* Drop one reference on each segment in [first, last], both borders. */
static void drop(struct core_pages *pages, uint64_t first, uint64_t last)
{
	struct itree_node *node = itree_find(&pages->segs, first), *next;

	for (; node && node->first <= last; node = next) {
		struct core_seg *seg = seg_of(node);

		next = itree_next(node);
		if (--seg->refs)
			continue;
		itree_erase(&pages->segs, node);
		unpin_runs(pages, seg);
		count_pinned(pages, -(int64_t)seg_len(seg));
		free_seg(pages, seg);
	}
}

int core_pages_pin(struct core_pages *pages, uint64_t first, uint64_t last)
{
	uint64_t at;
	int rc;

	round_out(pages, &first, &last);
	rc = split_at(pages, first);
	if (!rc)
		rc = split_at(pages, last + 1);
	if (rc)
		return rc;
	for (at = first; at <= last;) {
		struct itree_node *n = itree_find(&pages->segs, at);

		if (n && n->first == at) {
			seg_of(n)->refs++;
			at = n->last + 1;
			continue;
		}
		uint64_t end = n ? min_u64(n->first - 1, last) : last;

		rc = pin_gap(pages, at, end);
		if (rc)
			goto err_drop;
		at = end + 1;
	}
	return 0;

err_drop:
	if (at > first)
		drop(pages, first, at - 1);
	return rc;
}

void core_pages_unpin(struct core_pages *pages, uint64_t first, uint64_t last)
{
	round_out(pages, &first, &last);
	drop(pages, first, last);
}

int core_pages_cut(struct core_pages *pages, uint64_t at)
{
	uint64_t low = at, high = at - 1;
	struct itree_node *n;
	int rc;

	/* Inside a page, both halves need that page. */
	round_out(pages, &low, &high);
	rc = split_at(pages, low);
	if (!rc)
		rc = split_at(pages, high + 1);
	if (rc || low == at)
		return rc;
	n = itree_find(&pages->segs, low);
	seg_of(n)->refs++;
	return 0;
}

void core_runs_begin(struct core_run_iter *it, struct core_pages *pages,
		     uint64_t first, uint64_t last)
{
	it->seg = seg_of(itree_find(&pages->segs, first));
	it->run = 0;
	it->skip = first - it->seg->node.first;
	it->left = last - first + 1;
	while (it->skip >= it->seg->runs[it->run].len)
		it->skip -= it->seg->runs[it->run++].len;
}

/* The run under the iterator, whole; moves it behind. */
static struct uiommu_run take(struct core_run_iter *it)
{
	struct uiommu_run run = it->seg->runs[it->run];

	run.pa += it->skip;
	run.len = min_u64(run.len - it->skip, it->left);
	it->left -= run.len;
	it->skip = 0;
	if (++it->run == it->seg->nr_runs && it->left) {
		it->seg = seg_of(itree_next(&it->seg->node));
		it->run = 0;
	}
	return run;
}

bool core_runs_next(struct core_run_iter *it, struct uiommu_run *run)
{
	if (!it->left)
		return false;
	*run = take(it);
	while (it->left) {
		const struct uiommu_run *next = &it->seg->runs[it->run];

		if (next->pa != run->pa + run->len || next->mmio != run->mmio)
			break;
		run->len += take(it).len;
	}
	return true;
}
