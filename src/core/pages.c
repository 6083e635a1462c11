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
	if (pages->mm.kind == UIOMMU_MM_REVOCABLE)
		core_unlist(pages->core, &pages->revocable, NULL);
	if (pages->mm.put)
		pages->mm.put(pages->mm.ctx);
	pthread_mutex_destroy(&pages->lock);
	core_free(pages->core, pages);
}

static void free_seg(struct core_pages *pages, struct core_seg *seg)
{
	core_free(pages->core, seg->mem);
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
	seg->max_runs = max_runs;
	if (max_runs == 1)
		return seg;
	seg->mem = core_alloc(pages->core, max_runs * sizeof(seg->mem[0]));
	if (!seg->mem) {
		core_free(pages->core, seg);
		return NULL;
	}
	seg->runs = seg->mem;
	return seg;
}

/* The byte behind a run. */
static uint64_t run_end(const struct core_seg *seg, unsigned int i)
{
	return i + 1 < seg->nr_runs ? seg->runs[i + 1].off : seg->node.last + 1;
}

/* The run that has this byte of the segment. */
static unsigned int run_at(const struct core_seg *seg, uint64_t off)
{
	unsigned int low = 0, high = seg->nr_runs - 1;

	while (low < high) {
		unsigned int mid = low + (high - low + 1) / 2;

		if (seg->runs[mid].off <= off)
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

/* `run` is what comes at `off`, behind all others. */
static int add_run(struct core_pages *pages, struct core_seg *seg, uint64_t off,
		   const struct uiommu_run *run)
{
	struct core_run *grown, *last;

	if (seg->nr_runs) {
		last = &seg->runs[seg->nr_runs - 1];
		if (last->pa + (off - last->off) == run->pa &&
		    last->mmio == run->mmio)
			return 0;
	}
	if (seg->nr_runs == seg->max_runs) {
		grown = core_alloc(pages->core,
				   2 * (size_t)seg->max_runs * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		memcpy(grown, seg->runs, seg->nr_runs * sizeof(*grown));
		core_free(pages->core, seg->mem);
		seg->mem = grown;
		seg->runs = grown;
		seg->max_runs *= 2;
	}
	seg->runs[seg->nr_runs++] =
		(struct core_run){ off, run->pa, run->mmio };
	return 0;
}

static void count_pinned(struct core_pages *pages, int64_t bytes)
{
	struct uiommu_core_stats *stats = &pages->core->stats;

	core_gauge(&stats->pinned_bytes, &stats->pinned_peak, bytes);
}

static void unpin_run(struct core_pages *pages, uiommu_pa_t pa, uint64_t len,
		      bool mmio)
{
	pages->mm.unpin(pages->mm.ctx, pa, len,
			pages->pin_flags | (mmio ? UIOMMU_UNPIN_MMIO : 0));
}

/* Up to `end`, which is the segment's when all of it is pinned. */
static void unpin_runs(struct core_pages *pages, struct core_seg *seg,
		       uint64_t end)
{
	for (unsigned int i = 0; i < seg->nr_runs; i++) {
		const struct core_run *run = &seg->runs[i];

		unpin_run(pages, run->pa,
			  min_u64(run_end(seg, i), end) - run->off, run->mmio);
	}
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
		rc = add_run(pages, seg, at, &run);
		if (rc) {
			unpin_run(pages, run.pa, run.len, run.mmio);
			goto err_unpin;
		}
		at += run.len;
	}
	seg->refs = 1;
	itree_insert(&pages->segs, &seg->node);
	count_pinned(pages, (int64_t)seg_len(seg));
	return 0;

err_unpin:
	unpin_runs(pages, seg, at);
	free_seg(pages, seg);
	return rc;
}

/*
 * Leave the first `nr` runs, the fewer, in `seg`, in the room that `right` has for
 * them; `right` gets its array.
 */
static void give_array(struct core_seg *seg, struct core_seg *right,
		       unsigned int nr)
{
	struct core_run *mem = seg->mem, *runs = seg->runs;

	seg->mem = right->mem;
	seg->runs = seg->mem ? seg->mem : &seg->one;
	memcpy(seg->runs, runs, nr * sizeof(runs[0]));
	seg->nr_runs = nr;
	right->mem = mem;
	right->runs = runs;
}

/*
 * Make `at` the start of a segment if it lies inside one.  The fewer runs are
 * copied, so that to cut off piece by piece costs no more than the pieces.
 */
static int split_at(struct core_pages *pages, uint64_t at)
{
	struct core_seg *seg = seg_of(itree_find(&pages->segs, at)), *right;
	unsigned int i, nr_left, nr_right;

	if (!seg || seg->node.first >= at)
		return 0;
	i = run_at(seg, at);
	nr_left = i + (seg->runs[i].off < at);
	nr_right = seg->nr_runs - i;
	right = make_seg(pages, at, seg->node.last,
			 nr_left < nr_right ? nr_left : nr_right);
	if (!right)
		return -ENOMEM;
	if (nr_left < nr_right) {
		give_array(seg, right, nr_left);
		right->runs += i;
	} else {
		memcpy(right->runs, seg->runs + i,
		       nr_right * sizeof(right->runs[0]));
		seg->nr_runs = nr_left;
	}
	right->nr_runs = nr_right;
	right->refs = seg->refs;
	right->runs[0].pa += at - right->runs[0].off;
	right->runs[0].off = at;
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
		unpin_runs(pages, seg, node->last + 1);
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
	it->run = run_at(it->seg, first);
	it->at = first;
	it->end = last + 1;
}

/* The run under the iterator, whole; moves it behind. */
static struct uiommu_run take(struct core_run_iter *it)
{
	const struct core_run *from = &it->seg->runs[it->run];
	struct uiommu_run run = {
		.pa = from->pa + (it->at - from->off),
		.len = min_u64(run_end(it->seg, it->run), it->end) - it->at,
		.mmio = from->mmio,
	};

	it->at += run.len;
	if (++it->run == it->seg->nr_runs && it->at < it->end) {
		it->seg = seg_of(itree_next(&it->seg->node));
		it->run = 0;
	}
	return run;
}

bool core_runs_next(struct core_run_iter *it, struct uiommu_run *run)
{
	if (it->at == it->end)
		return false;
	*run = take(it);
	while (it->at < it->end) {
		const struct core_run *next = &it->seg->runs[it->run];

		if (next->pa != run->pa + run->len || next->mmio != run->mmio)
			break;
		run->len += take(it).len;
	}
	return true;
}
