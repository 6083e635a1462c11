/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several owners of one table, each of whose calls, flushes and second calls
 * come in any order with those of the others, beside hardware that keeps all it
 * may and forgets no more than a gather tells it to: by ranges and the level
 * that is told for them, or by one address in each stride.  It keeps leaves,
 * groups as one, and pointers to tables, and goes on walking by these.
 *
 * When an owner has flushed, the hardware must know nothing of his pages that
 * is not so; it never may hold two sizes at once that the architecture wants
 * kept apart; and no table is freed that it could still find.
 */
#include "pt_fixture.h"

#define NR_BLOCKS 34 /* of 2M, so that two groups of them fit */
#define NR_PAGES (NR_BLOCKS * 512u)
#define NR_OWNERS 3
#define NR_SEGMENTS 24
#define NR_LEAVES 192
#define NR_POINTERS 64
#define PROT_UNKNOWN UINT32_MAX

struct kept_leaf {
	struct spec_leaf leaf;
	uint64_t when; /* 0: unused */
};

struct kept_pointer {
	uint64_t table;
	uint64_t iova;
	int level; /* of the slot that held it */
	bool used;
};

enum op {
	OP_MAP,
	OP_UNMAP,
	OP_PROTECT,
	OP_DIRTY
};

/* A change on its way. */
struct owner {
	struct uiommu_gather gather;
	bool busy;
	enum op op;
	int rc;			/* of the last call */
	unsigned int first, nr; /* pages */
	uint64_t pa;
	uint32_t prot;
	uint64_t when; /* time of the last call */
	/* What was reported dirty and cleared, as far as there is room. */
	struct uiommu_range cleared[64];
	unsigned int nr_cleared;
};

static struct {
	struct pt_fixture fx;
	uint32_t features;
	bool by_address;
	struct kept_leaf leaf[NR_LEAVES];
	struct kept_pointer pointer[NR_POINTERS];
	struct {
		uint64_t pa;
		uint32_t prot; /* 0: not mapped */
	} page[NR_PAGES];
	unsigned int segment[NR_SEGMENTS + 1];
	struct owner owner[NR_OWNERS];
	uint64_t seed;
	uint64_t now;
	unsigned int eagain, done[4];
} w;

static uint64_t dice(uint64_t n)
{
	return pt_random(&w.seed) % n;
}

static unsigned int shift(int level)
{
	return 12 + 9 * (3 - level);
}

/* ---------------------------------------------------------- the hardware -- */

static uint64_t first_of(const struct spec_leaf *leaf)
{
	return leaf->iova >> leaf->cached_lg2 << leaf->cached_lg2;
}

static bool covers(const struct spec_leaf *leaf, uint64_t first, uint64_t last)
{
	uint64_t from = first_of(leaf);

	return from <= last &&
	       from + ((uint64_t)1 << leaf->cached_lg2) - 1 >= first;
}

/* Sizes that may not be there at the same time. */
static void check_conflict(const struct spec_leaf *a, const struct spec_leaf *b)
{
	uint64_t from = first_of(b);

	if ((w.features & UIOMMU_PGTABLE_BBML2) ||
	    !covers(a, from, from + ((uint64_t)1 << b->cached_lg2) - 1))
		return;
	assert_int_equal(a->size_lg2, b->size_lg2);
	if (!(w.features & UIOMMU_PGTABLE_BBML1))
		assert_int_equal(a->word >> 52 & 1, b->word >> 52 & 1);
}

/* Nor a leaf and a pointer in one place. */
static void check_places(const struct spec_leaf *leaf,
			 const struct kept_pointer *p)
{
	unsigned int low = shift(p->level);
	uint64_t first = p->iova >> low << low;

	if (!(w.features & UIOMMU_PGTABLE_BBML2) && p->level >= leaf->level)
		assert_false(covers(leaf, first, first));
}

static void keep_pointer(struct kept_pointer *at, struct kept_pointer p)
{
	for (unsigned int i = 0; i < NR_LEAVES; i++)
		if (w.leaf[i].when)
			check_places(&w.leaf[i].leaf, &p);
	*at = p;
}

static void keep_leaf(const struct spec_leaf *leaf)
{
	for (unsigned int i = 0; i < NR_POINTERS; i++)
		if (w.pointer[i].used)
			check_places(leaf, &w.pointer[i]);
	for (unsigned int i = 0; i < NR_LEAVES; i++)
		if (w.leaf[i].when)
			check_conflict(&w.leaf[i].leaf, leaf);
	w.leaf[dice(NR_LEAVES)] = (struct kept_leaf){ *leaf, w.now };
}

/* Look up by a pointer that was kept, perhaps of a table that has left. */
static void walk_by_pointer(const struct kept_pointer *p, uint64_t iova)
{
	struct spec_leaf leaf = { .level = p->level + 1, .prot = PROT_UNKNOWN };
	unsigned int low = shift(leaf.level);

	assert_true(test_platform_hw_read64(
		&w.fx.tp, p->table + (iova >> low & 511) * 8, &leaf.word));
	if ((leaf.word & 3) != (leaf.level == 3 ? 3 : 1))
		return;
	leaf.iova = iova >> low << low;
	leaf.pa = spec_address(&w.fx.spec, leaf.word);
	leaf.size_lg2 = leaf.cached_lg2 = low;
	keep_leaf(&leaf);
}

static void walk_and_keep(uint64_t iova)
{
	uint64_t table = w.fx.info.root, word;
	struct kept_pointer *p;
	struct spec_leaf leaf;

	for (int level = w.fx.info.start_level; level < 3; level++) {
		p = &w.pointer[dice(NR_POINTERS)];
		if (p->used &&
		    p->iova >> shift(p->level) == iova >> shift(p->level))
			walk_by_pointer(p, iova);
		assert_true(test_platform_hw_read64(
			&w.fx.tp, table + (iova >> shift(level) & 511) * 8,
			&word));
		if ((word & 3) != 3)
			break;
		table = spec_address(&w.fx.spec, word);
		keep_pointer(p,
			     (struct kept_pointer){ table, iova, level, true });
	}
	if (!spec_walk(&w.fx.spec, iova, &leaf))
		return;
	if (dice(4) == 0)
		leaf.cached_lg2 = leaf.size_lg2;
	keep_leaf(&leaf);
}

/* What is told to it: the span, the level if any, leaves only or more. */
static void forget(uint64_t first, uint64_t last, int level, bool leaf_only)
{
	struct kept_pointer *p;

	for (unsigned int i = 0; i < NR_LEAVES; i++)
		if (covers(&w.leaf[i].leaf, first, last) &&
		    (!level || level == w.leaf[i].leaf.level))
			w.leaf[i].when = 0;
	for (unsigned int i = 0; i < NR_POINTERS && !leaf_only; i++) {
		p = &w.pointer[i];
		if (p->iova >> shift(p->level) >= first >> shift(p->level) &&
		    p->iova >> shift(p->level) <= last >> shift(p->level))
			p->used = false;
	}
}

static void flush_range(const struct uiommu_gather_range *r)
{
	unsigned int step = 12;
	int level = 0;

	if (!w.by_address) {
		if (r->leaf_only && r->level >= 1 && r->level <= 3 &&
		    !((r->first | (r->last + 1)) &
		      (((uint64_t)1 << shift(r->level)) - 1)))
			level = r->level;
		forget(r->first, r->last, level, r->leaf_only);
		return;
	}
	while (step + 9 <= r->stride_lg2)
		step += 9;
	for (uint64_t at = r->first >> step << step; at <= r->last;
	     at += (uint64_t)1 << step)
		forget(at, at, 0, r->leaf_only);
}

static void flush(struct uiommu_gather *gather)
{
	uint64_t word;

	for (uint32_t i = 0; i < gather->nr_ranges; i++)
		flush_range(&gather->range[i]);
	uiommu_gather_release(gather);
	/* What it can still find is there. */
	for (unsigned int i = 0; i < NR_POINTERS; i++)
		if (w.pointer[i].used)
			assert_true(test_platform_hw_read64(
				&w.fx.tp, w.pointer[i].table, &word));
}

/* ------------------------------------------------------------- the owners -- */

static void note_cleared(void *ctx, uiommu_iova_t iova, uint64_t size)
{
	struct owner *o = ctx;

	if (o->nr_cleared < 64)
		o->cleared[o->nr_cleared++] =
			(struct uiommu_range){ iova, iova + size - 1 };
}

static bool all_free(const struct owner *o)
{
	for (unsigned int i = 0; i < o->nr; i++)
		if (w.page[o->first + i].prot)
			return false;
	return true;
}

/* Some pages of one of his segments. */
static void choose(struct owner *o, unsigned int index)
{
	unsigned int s = index + NR_OWNERS * dice(NR_SEGMENTS / NR_OWNERS);
	unsigned int from = w.segment[s], to = w.segment[s + 1];
	unsigned int align = dice(3) ? 1 : dice(2) ? 16 : 512;

	o->first = from;
	o->nr = to - from;
	if (dice(3)) {
		o->first += dice(o->nr) / align * align;
		o->nr = 1 + dice(to - o->first);
		if (dice(2) && o->nr > 24)
			o->nr = 1 + dice(24);
	}
	o->op = all_free(o) ? OP_MAP : OP_UNMAP + dice(2);
	if (o->op != OP_MAP && (w.features & UIOMMU_PGTABLE_DBM) && dice(2)) {
		o->op = OP_DIRTY;
		o->first = dice(NR_PAGES);
		o->nr = 1 + dice(NR_PAGES - o->first);
	}
	o->prot = dice(2) ? R | W : R;
	o->pa = (1 + dice(8)) * GIB + o->first * 4096ull;
	uiommu_gather_init(&o->gather);
	o->nr_cleared = 0;
	o->busy = true;
}

static void adopt(const struct owner *o)
{
	for (unsigned int i = o->first; i < o->first + o->nr; i++) {
		if (o->op == OP_MAP) {
			w.page[i].pa = o->pa + (i - o->first) * 4096ull;
			w.page[i].prot = o->prot;
		} else if (o->op == OP_UNMAP) {
			w.page[i].prot = 0;
		} else if (o->op == OP_PROTECT && w.page[i].prot) {
			w.page[i].prot = o->prot;
		}
	}
}

static void call(struct owner *o)
{
	struct uiommu_pgtable *pt = w.fx.pt;
	uint64_t iova = o->first * 4096ull, len = o->nr * 4096ull, unmapped;

	o->when = ++w.now;
	switch (o->op) {
	case OP_MAP:
		o->rc = uiommu_pgtable_map(pt, iova, o->pa, len, o->prot,
					   &o->gather);
		break;
	case OP_UNMAP:
		o->rc = uiommu_pgtable_unmap(pt, iova, len, &o->gather,
					     &unmapped);
		break;
	case OP_PROTECT:
		o->rc = uiommu_pgtable_protect(pt, iova, len, o->prot,
					       &o->gather);
		break;
	default:
		o->rc = uiommu_pgtable_read_and_clear_dirty(
			pt, iova, len, 0, note_cleared, o, &o->gather);
		break;
	}
	if (o->rc == -EAGAIN) {
		w.eagain++;
		return;
	}
	assert_int_equal(o->rc, 0);
	adopt(o);
}

/* His flush is done: what does the hardware know of his pages? */
static void check_kept(const struct owner *o, const struct kept_leaf *k)
{
	unsigned int i = first_of(&k->leaf) >> 12;
	unsigned int end = i + (1u << (k->leaf.cached_lg2 - 12));

	for (unsigned int c = 0; c < o->nr_cleared; c++)
		if (k->leaf.dirty &&
		    covers(&k->leaf, o->cleared[c].first, o->cleared[c].last))
			assert_true(k->when >= o->when);
	if (o->op == OP_DIRTY)
		return;
	i = i > o->first ? i : o->first;
	end = end < o->first + o->nr ? end : o->first + o->nr;
	for (; i < end; i++) {
		assert_int_not_equal(w.page[i].prot, 0);
		assert_int_equal(k->leaf.pa - k->leaf.iova + i * 4096ull,
				 w.page[i].pa);
		if (k->leaf.prot != PROT_UNKNOWN)
			assert_int_equal(k->leaf.prot, w.page[i].prot);
	}
}

static void step(struct owner *o, unsigned int index)
{
	if (!o->busy) {
		choose(o, index);
		call(o);
		return;
	}
	flush(&o->gather);
	if (o->rc == -EAGAIN) {
		call(o);
		return;
	}
	for (unsigned int i = 0; i < NR_LEAVES; i++)
		if (w.leaf[i].when)
			check_kept(o, &w.leaf[i]);
	w.done[o->op]++;
	o->busy = false;
}

/* Accesses where somebody is at work, and elsewhere. */
static void access_some(void)
{
	const struct owner *o;
	uint64_t iova;

	for (unsigned int i = 0; i < 12; i++) {
		o = &w.owner[dice(NR_OWNERS)];
		iova = dice(NR_PAGES);
		if (o->busy && dice(3)) {
			iova = dice(2) ? o->first : o->first + o->nr - 1;
			iova += dice(40) - 20;
		}
		iova = iova % NR_PAGES * 4096;
		if (dice(3) == 0)
			pt_hw_write(&w.fx, iova);
		walk_and_keep(iova);
	}
	w.now++;
}

static bool anybody_busy(void)
{
	for (unsigned int i = 0; i < NR_OWNERS; i++)
		if (w.owner[i].busy)
			return true;
	return false;
}

static void cut_into_segments(void)
{
	unsigned int at, align;

	for (unsigned int s = 1; s < NR_SEGMENTS; s++) {
		align = dice(2) ? 1 : dice(2) ? 16 : 512;
		at = s * (NR_PAGES / NR_SEGMENTS) + dice(500);
		at = at / align * align;
		/* Half of them within a group or two. */
		if (s <= NR_SEGMENTS / 2)
			at = w.segment[s - 1] + (s == 1 ? dice(900) : dice(9));
		w.segment[s] = at > w.segment[s - 1] ? at
						     : w.segment[s - 1] + 1;
	}
	w.segment[NR_SEGMENTS] = NR_PAGES;
}

static void run(const struct pt_variant *v, bool by_address, uint64_t seed)
{
	struct uiommu_gather gather;
	struct pt_variant variant = *v;
	unsigned int who;

	memset(&w, 0, sizeof(w));
	w.features = variant.features;
	w.by_address = by_address;
	w.seed = seed;
	pt_open(&w.fx, &variant);
	cut_into_segments();
	w.owner[0] = (struct owner){
		.op = OP_MAP, .nr = NR_PAGES, .pa = GIB, .prot = R | W
	};
	call(&w.owner[0]);
	for (unsigned int i = 0; i < 3000; i++) {
		access_some();
		who = dice(NR_OWNERS);
		/* Now and then all come to rest. */
		if (i % 64 < 48 || w.owner[who].busy)
			step(&w.owner[who], who);
		if (i % 64 != 63 || anybody_busy())
			continue;
		uiommu_gather_init(&gather);
		uiommu_pgtable_trim(w.fx.pt, &gather);
		access_some();
		flush(&gather);
	}
	for (unsigned int i = 0; i < NR_OWNERS; i++)
		if (w.owner[i].busy)
			flush(&w.owner[i].gather);
	for (unsigned int i = 0; i < 4; i++)
		if (i != OP_DIRTY || (w.features & UIOMMU_PGTABLE_DBM))
			assert_true(w.done[i] > 20);
	assert_int_equal(w.eagain == 0,
			 (w.features & UIOMMU_PGTABLE_BBML2) != 0);
	pt_close(&w.fx);
}

static void only_what_is_told_is_forgotten(void **state)
{
	static const struct pt_variant variants[] = {
		{ "bbm", UIOMMU_PGTABLE_VMSAV8_S1, 12, 39, 48, 0 },
		{ "bbml2", UIOMMU_PGTABLE_VMSAV8_S1, 12, 39, 48,
		  UIOMMU_PGTABLE_BBML2 },
		{ "groups-bbm", UIOMMU_PGTABLE_VMSAV8_S1, 12, 39, 48,
		  UIOMMU_PGTABLE_CONTIG },
		{ "groups-bbml1", UIOMMU_PGTABLE_VMSAV8_S1, 12, 39, 48,
		  UIOMMU_PGTABLE_CONTIG | UIOMMU_PGTABLE_BBML1 },
		{ "groups-bbml2", UIOMMU_PGTABLE_VMSAV8_S1, 12, 39, 48,
		  UIOMMU_PGTABLE_CONTIG | UIOMMU_PGTABLE_BBML2 },
		{ "dirty-bbm", UIOMMU_PGTABLE_VMSAV8_S1, 12, 39, 48,
		  UIOMMU_PGTABLE_DBM },
		{ "dirty-bbml2", UIOMMU_PGTABLE_VMSAV8_S1, 12, 39, 48,
		  UIOMMU_PGTABLE_DBM | UIOMMU_PGTABLE_BBML2 },
	};
	const char *rounds = getenv("UIOMMU_HINTS_ROUNDS");
	uint64_t nr = rounds ? strtoull(rounds, NULL, 0) : 4;

	for (size_t v = 0; v < sizeof(variants) / sizeof(variants[0]); v++)
		for (uint64_t i = 1; i <= 2 * nr; i++) {
			print_message("# %s %s seed %u\n", variants[v].name,
				      i & 1 ? "ranges" : "addresses",
				      (unsigned int)i);
			run(&variants[v], !(i & 1), i * 0x9e3779b97f4a7c15);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_told_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
