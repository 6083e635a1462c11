/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which pages devices have written to, as a bitmap in the client's memory.
 *
 * Bit n of byte m stands for the page 8 * m + n of the range.  Bits are only ever
 * set.  What the hardware knows is collected in a bitmap of ours, a chunk of the
 * range at a time, and then brought into the client's, words that are not 0 only:
 * so what it costs goes with the range in large steps and with what is dirty.
 * Nothing is copied while the page table is read.
 *
 * A leaf may reach beyond its chunk.  It is told, and forgotten by the hardware,
 * once, so what lies outside is kept apart and brought over as a range.
 */
#include "private.h"

#include <string.h>

#include "base/overflow.h"

/* 1 GiB of pages of 4 KiB at a time. */
#define CHUNK_BYTES 32768u
#define CHUNK_BITS (8u * CHUNK_BYTES)
/* What is copied at once; never across a page of the client's. */
#define PIECE 512u
#define CLIENT_PAGE 4096u

/* The call under way. */
struct query {
	struct uiommu_abi *abi;
	uint64_t uva;		   /* of the client's bitmap */
	struct uiommu_range range; /* asked for and mapped */
	unsigned int shift;	   /* of a bit's page */

	/* The chunk. */
	struct uiommu_range chunk;
	uint64_t *bits;
	uint64_t lo, hi; /* all bits set are in [lo, hi) */
	/* How far its first and last leaf reach beyond it, else its ends. */
	uint64_t from, to;
};

/* ---------------------------------------------------------- from hardware -- */

/* Which bit of the client's an address belongs to. */
static uint64_t bit_of(const struct query *q, uint64_t iova)
{
	return (iova - q->range.first) >> q->shift;
}

static void set_bits(struct query *q, uint64_t first, uint64_t last)
{
	uint64_t i, from = first / 64, to = last / 64;
	uint64_t head = ~UINT64_C(0) << first % 64;
	uint64_t tail = ~UINT64_C(0) >> (63 - last % 64);

	q->lo = min_u64(q->lo, first);
	q->hi = max_u64(q->hi, last + 1);
	if (from == to) {
		q->bits[from] |= head & tail;
		return;
	}
	q->bits[from] |= head;
	for (i = from + 1; i < to; i++)
		q->bits[i] = ~UINT64_C(0);
	q->bits[to] |= tail;
}

static void on_dirty(void *ctx, uiommu_iova_t iova, uint64_t size)
{
	struct query *q = ctx;
	uint64_t first = max_u64(iova, q->range.first);
	uint64_t last = min_u64(iova + size - 1, q->range.last);
	uint64_t base = bit_of(q, q->chunk.first);

	if (first < q->chunk.first) {
		q->from = min_u64(q->from, first);
		first = q->chunk.first;
	}
	if (last > q->chunk.last) {
		q->to = max_u64(q->to, last);
		last = q->chunk.last;
	}
	set_bits(q, bit_of(q, first) - base, bit_of(q, last) - base);
}

/* ----------------------------------------------------------- to the client -- */

/* Bytes that may be copied at once from there on. */
static uint64_t piece(uint64_t uva, uint64_t left)
{
	uint64_t page_left = CLIENT_PAGE - uva % CLIENT_PAGE;

	return min_u64(min_u64(left, PIECE), page_left);
}

/*
 * Set what is set in `bytes` in the client's bitmap from byte `at` on.  Memory
 * that is not there takes nothing, without a word, as in the kernel.
 */
static void merge(struct query *q, uint64_t at, const uint8_t *bytes,
		  uint64_t len)
{
	uint64_t uva = q->uva + at, n, i;
	uint8_t old[PIECE];

	for (; len; uva += n, bytes += n, len -= n) {
		n = piece(uva, len);
		if (abi_copy_from(q->abi, old, uva, n))
			continue;
		for (i = 0; i < n; i++)
			old[i] |= bytes[i];
		(void)abi_copy_to(q->abi, uva, old, n);
	}
}

/* The chunk's bits, by runs of words with bits in them. */
static void bring_chunk(struct query *q)
{
	const uint8_t *bytes = (const uint8_t *)q->bits;
	uint64_t at = bit_of(q, q->chunk.first) / 8;
	/* Nothing beyond the bitmap's last byte is touched. */
	uint64_t end = (bit_of(q, q->range.last) / 8 + 1) - at;
	uint64_t i = q->lo / 64, to = (q->hi + 63) / 64, from;

	while (i < to) {
		for (; i < to && !q->bits[i]; i++)
			;
		for (from = i; i < to && q->bits[i]; i++)
			;
		if (from < i)
			merge(q, at + from * 8, bytes + from * 8,
			      min_u64(i * 8, end) - from * 8);
	}
}

/* All bits of a range of addresses. */
static void bring_range(struct query *q, uint64_t from, uint64_t to)
{
	uint64_t first = bit_of(q, from), last = bit_of(q, to);
	uint64_t at, n;
	uint8_t ones[PIECE];

	for (at = first / 8; at <= last / 8; at += n) {
		n = min_u64(last / 8 + 1 - at, sizeof(ones));
		memset(ones, 0xff, n);
		if (at == first / 8)
			ones[0] &= (uint8_t)(0xff << first % 8);
		if (at + n == last / 8 + 1)
			ones[n - 1] &= (uint8_t)(0xff >> (7 - last % 8));
		merge(q, at, ones, n);
	}
}

/* ------------------------------------------------------------------ calls -- */

/* How far [first, last] is mapped without a hole; false: not at all. */
static bool mapped_part(struct uiommu_ioas *ioas, struct uiommu_range *range)
{
	struct uiommu_area_info area;
	uint64_t at = range->first;

	while (!uiommu_ioas_next_area(ioas, at, &area) &&
	       area.range.first <= at) {
		if (area.range.last >= range->last)
			return true;
		at = area.range.last + 1;
	}
	if (at == range->first)
		return false;
	range->last = at - 1;
	return true;
}

/*
 * From there on, or from a little before it: a chunk begins with a byte of the
 * client's bitmap.
 */
static void next_chunk(struct query *q, uint64_t at)
{
	uint64_t bit = bit_of(q, at) & ~UINT64_C(7);
	uint64_t first = q->range.first + (bit << q->shift);
	uint64_t left = (q->range.last - first) >> q->shift;

	memset(q->bits, 0, (q->hi + 63) / 64 * 8);
	q->lo = CHUNK_BITS;
	q->hi = 0;
	q->chunk.first = first;
	q->chunk.last =
		left < CHUNK_BITS
			? q->range.last
			: first + ((uint64_t)CHUNK_BITS << q->shift) - 1;
	q->from = q->chunk.first;
	q->to = q->chunk.last;
}

static int read_chunks(struct query *q, struct uiommu_domain *domain,
		       uint32_t flags)
{
	uint64_t reached = q->range.first - 1;
	int rc;

	do {
		next_chunk(q, reached + 1);
		rc = uiommu_domain_read_dirty(
			domain, q->chunk.first,
			q->chunk.last - q->chunk.first + 1, flags, on_dirty, q);
		bring_chunk(q);
		if (q->from < q->chunk.first)
			bring_range(q, q->from, q->chunk.first - 1);
		if (q->to > q->chunk.last)
			bring_range(q, q->chunk.last + 1, q->to);
		/* What a leaf told of need not be asked for again. */
		reached = q->to;
	} while (!rc && reached != q->range.last);
	return rc;
}

static int check_range(struct ufd_hwpt *hwpt,
		       const struct iommu_hwpt_get_dirty_bitmap *cmd,
		       struct uiommu_range *range)
{
	uint64_t alignment, last;

	if (!cmd->length)
		return -EINVAL;
	if (last_overflows(cmd->iova, cmd->length, &last))
		return -EOVERFLOW;
	uiommu_ioas_iova_ranges(hwpt->ioas->ioas, NULL, 0, &alignment);
	if ((cmd->iova | (last + 1)) & (alignment - 1))
		return -EINVAL;
	if (!cmd->page_size ||
	    ((cmd->iova | (last + 1)) & (cmd->page_size - 1)))
		return -EINVAL;
	*range = (struct uiommu_range){ cmd->iova, last };
	return 0;
}

static int read_bitmap(struct ufd_call *call, struct ufd_hwpt *hwpt)
{
	const struct iommu_hwpt_get_dirty_bitmap *cmd = call->cmd;
	struct query q = { .abi = call->abi, .uva = cmd->data };
	uint32_t flags = 0;
	int rc;

	rc = check_range(hwpt, cmd, &q.range);
	if (rc)
		return rc;
	if (!(hwpt->flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING))
		return -EOPNOTSUPP;
	q.bits = abi_alloc(call->abi, CHUNK_BYTES);
	if (!q.bits)
		return -ENOMEM;
	q.shift = ffs_u64(cmd->page_size);
	if (cmd->flags & IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR)
		flags = UIOMMU_DIRTY_NO_CLEAR;
	if (mapped_part(hwpt->ioas->ioas, &q.range))
		rc = read_chunks(&q, hwpt->domain, flags);
	abi_free(call->abi, q.bits);
	/* Not turned on: then nothing is dirty. */
	return rc == -EINVAL ? 0 : rc;
}

int ufd_hwpt_get_dirty_bitmap(struct ufd_call *call)
{
	const struct iommu_hwpt_get_dirty_bitmap *cmd = call->cmd;
	struct ufd_hwpt *hwpt;
	int rc;

	if ((cmd->flags & ~(uint32_t)IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR) ||
	    cmd->__reserved)
		return -EOPNOTSUPP;
	hwpt = ufd_hwpt_get(call->ctx, cmd->hwpt_id);
	if (!hwpt)
		return -ENOENT;
	rc = read_bitmap(call, hwpt);
	ufd_object_put(&hwpt->obj);
	return rc;
}

int ufd_hwpt_set_dirty_tracking(struct ufd_call *call)
{
	const struct iommu_hwpt_set_dirty_tracking *cmd = call->cmd;
	struct ufd_hwpt *hwpt;
	int rc;

	if (cmd->flags & ~(uint32_t)IOMMU_HWPT_DIRTY_TRACKING_ENABLE)
		return -EOPNOTSUPP;
	hwpt = ufd_hwpt_get(call->ctx, cmd->hwpt_id);
	if (!hwpt)
		return -ENOENT;
	rc = uiommu_domain_set_dirty_tracking(
		hwpt->domain, cmd->flags & IOMMU_HWPT_DIRTY_TRACKING_ENABLE);
	ufd_object_put(&hwpt->obj);
	return rc;
}
