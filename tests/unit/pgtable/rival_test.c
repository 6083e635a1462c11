/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two callers in one table, one of them in the midst of the other's calls:
 * wherever such a call asks for memory, or has a store written back, the rival
 * may make a call of its own, and the hardware may look something up and keep it.
 * Each caller has pages of its own, in runs that end within leaves and groups of
 * the other.  Memory runs out now and then.
 *
 * Calls end.  One that fails changes nothing.  What is mapped and nobody is at is
 * there for the hardware; what was unmapped, or lost a right, it has forgotten
 * after the flush, though it looks only at the level that it was told.  Without
 * BBML2 it never finds a leaf of another size beside one that it has kept.
 */
#include "pt_fixture.h"

#define ROUNDS 12
#define CALLS_PER_ROUND 10
#define PATIENCE 1000 /* calls until one that waits should have ended */
#define MAX_PIECES 16384

enum {
	FIRST,
	RIVAL,
	NR_CALLERS
};
enum what {
	MAP,
	UNMAP,
	PROTECT
};

/* A call from its first try to its last. */
struct call {
	bool active;
	enum what what;
	uint64_t first, nr; /* pieces */
	uint32_t rights;
	struct uiommu_gather gather;
};

struct kept {
	bool used;
	uint64_t first, last;
	int level;
	uint32_t prot;
};

static struct {
	struct pt_fixture fx;
	uint64_t seed;
	uint64_t base, pa_off;
	uint64_t piece;	   /* bytes that are mapped and unmapped together */
	uint64_t nr;	   /* of them */
	uint64_t per_leaf; /* in the largest leaf */
	uint8_t owner[MAX_PIECES];
	uint32_t prot[MAX_PIECES]; /* 0: not mapped */
	struct kept kept[64];
	struct call call[NR_CALLERS];
	bool bbml1, bbml2;
	bool alone; /* nothing comes in between */
	unsigned int fail_one_in;
	void *(*alloc)(void *ctx, size_t size, uiommu_pa_t *pa);
	void (*clean)(void *ctx, const void *va, size_t len);
	unsigned int nested, again, failed;
} w;

static uint64_t below(uint64_t n)
{
	return (pt_random(&w.seed) >> 13) % n;
}

static uint64_t iova_of(uint64_t piece)
{
	return w.base + piece * w.piece;
}

/* -------------------------------------------------------------- hardware -- */

/* What it may keep at once, log2; a group may be seen half taken apart. */
static unsigned int reach_of(const struct spec_leaf *leaf)
{
	unsigned int group = 5;

	if (!(leaf->word >> 52 & 1))
		return leaf->size_lg2;
	if (w.fx.spec.granule == 12)
		group = 4;
	else if (w.fx.spec.granule == 14 && leaf->level == 3)
		group = 7;
	return leaf->size_lg2 + group;
}

/* The hardware looks one address up and keeps what it finds. */
static void look_up(void)
{
	uint64_t piece = below(w.nr), at, size;
	struct spec_leaf leaf;
	struct kept *k;
	bool found;

	at = iova_of(piece) + below(w.piece / w.fx.page) * w.fx.page;
	w.fx.spec.midway = true;
	found = spec_walk(&w.fx.spec, at, &leaf);
	w.fx.spec.midway = false;
	if (!found)
		return;
	assert_int_equal(leaf.pa + (at - leaf.iova), at + w.pa_off);
	size = (uint64_t)1 << reach_of(&leaf);
	for (k = w.kept; k < w.kept + 64; k++)
		if (k->used && k->first <= at && at <= k->last &&
		    k->last - k->first + 1 != size)
			assert_true(w.bbml2 ||
				    (w.bbml1 && k->level == leaf.level));
	k = &w.kept[below(64)];
	*k = (struct kept){ .used = true,
			    .first = at & ~(size - 1),
			    .last = at | (size - 1),
			    .level = leaf.level,
			    .prot = leaf.prot & (R | W) };
}

/* It forgets what it must, and nothing else. */
static void flush(struct uiommu_gather *gather)
{
	const struct uiommu_gather_range *range;
	struct kept *k;

	for (uint32_t i = 0; i < gather->nr_ranges; i++) {
		range = &gather->range[i];
		for (k = w.kept; k < w.kept + 64; k++)
			if (k->last >= range->first &&
			    k->first <= range->last &&
			    (range->level < 0 || !range->leaf_only ||
			     range->level == k->level))
				k->used = false;
	}
	uiommu_gather_release(gather);
}

static void check_kept(uint64_t first, uint64_t nr)
{
	uint64_t a = iova_of(first), b = iova_of(first + nr) - 1;

	for (struct kept *k = w.kept; k < w.kept + 64; k++)
		if (k->used && k->last >= a && k->first <= b)
			for (uint64_t i = first; i < first + nr; i++)
				if (k->last >= iova_of(i) &&
				    k->first < iova_of(i + 1))
					assert_int_equal(k->prot, w.prot[i]);
}

/* --------------------------------------------------------------- callers -- */

/* Something to do for one of them; false: not this time. */
static bool choose(unsigned int who)
{
	struct call *c = &w.call[who];
	uint64_t first = below(w.nr), max = 1;
	bool mapped = false;

	if (w.owner[first] != who)
		return false;
	while (first + max < w.nr && w.owner[first + max] == who)
		max++;
	c->active = true;
	c->first = first;
	c->nr = below(3) ? max - below(max / 4 + 1) : 1 + below(max);
	for (uint64_t i = 0; i < c->nr; i++)
		mapped |= w.prot[first + i] != 0;
	c->what = !mapped ? MAP : below(4) ? UNMAP : PROTECT;
	c->rights = below(2) ? R | W : R;
	uiommu_gather_init(&c->gather);
	return true;
}

static int try(struct call *c)
{
	uint64_t iova = iova_of(c->first), len = c->nr * w.piece, unmapped;

	switch (c->what) {
	case MAP:
		c->rights = R | W;
		return uiommu_pgtable_map(w.fx.pt, iova, iova + w.pa_off, len,
					  R | W | C, &c->gather);
	case UNMAP:
		return uiommu_pgtable_unmap(w.fx.pt, iova, len, &c->gather,
					    &unmapped);
	default:
		return uiommu_pgtable_protect(w.fx.pt, iova, len, c->rights,
					      &c->gather);
	}
}

static void go_on(unsigned int who)
{
	struct call *c = &w.call[who];
	int rc = try(c);

	flush(&c->gather);
	if (rc == -EAGAIN) {
		w.again++;
		return;
	}
	c->active = false;
	if (rc) {
		assert_int_equal(rc, -ENOMEM);
		w.failed++;
	}
	for (uint64_t i = c->first; !rc && i < c->first + c->nr; i++) {
		if (c->what == UNMAP)
			w.prot[i] = 0;
		else if (c->what == MAP || w.prot[i])
			w.prot[i] = c->rights;
	}
	check_kept(c->first, c->nr);
}

static void finish(unsigned int who)
{
	for (unsigned int i = 0; w.call[who].active; i++) {
		assert_true(i < PATIENCE);
		go_on(who);
	}
}

/* What comes in between. */
static void between(void)
{
	if (w.alone)
		return;
	w.alone = true;
	if (!below(4))
		look_up();
	if (!below(6) && (w.call[RIVAL].active || choose(RIVAL))) {
		w.nested++;
		go_on(RIVAL);
	}
	w.alone = false;
}

static void *alloc_between(void *ctx, size_t size, uiommu_pa_t *pa)
{
	void *va = NULL;

	between();
	if (!w.fail_one_in || below(w.fail_one_in))
		va = w.alloc(ctx, size, pa);
	between();
	return va;
}

static void clean_between(void *ctx, const void *va, size_t len)
{
	between();
	w.clean(ctx, va, len);
	between();
}

/* ---------------------------------------------------------------- rounds -- */

static void check_all(void)
{
	struct spec_leaf leaf;

	for (uint64_t i = 0; i < w.nr; i++) {
		uint64_t at = iova_of(i);

		if (!spec_walk(&w.fx.spec, at, &leaf)) {
			assert_int_equal(w.prot[i], 0);
			continue;
		}
		assert_int_equal(leaf.prot & (R | W), w.prot[i]);
		assert_int_equal(leaf.pa + (at - leaf.iova), at + w.pa_off);
	}
}

/* All of it is mapped at once, and divided anew. */
static void begin_round(void)
{
	struct call *c = &w.call[FIRST];
	uint64_t run = 0, who = 0;

	w.alone = true;
	w.fail_one_in = 0;
	finish(RIVAL);
	for (int what = UNMAP; what >= MAP; what--) {
		*c = (struct call){ .active = true,
				    .what = (enum what)what,
				    .nr = w.nr };
		uiommu_gather_init(&c->gather);
		finish(FIRST);
	}
	for (uint64_t i = 0; i < w.nr; i++, run--) {
		if (!run) {
			run = below(4) ? w.per_leaf / 3 + below(2 * w.per_leaf)
				       : 1 + below(40);
			who = !who;
		}
		w.owner[i] = (uint8_t)who;
	}
	w.alone = false;
}

static void make_calls(void)
{
	for (unsigned int i = 0; i < CALLS_PER_ROUND; i++) {
		w.fail_one_in = below(2) ? 0 : 2 + (unsigned int)below(6);
		if (!choose(FIRST))
			continue;
		for (unsigned int n = 0; w.call[FIRST].active; n++) {
			assert_true(n < PATIENCE);
			go_on(FIRST);
			w.alone = true;
			if (w.call[RIVAL].active && below(2))
				go_on(RIVAL);
			w.alone = false;
		}
		if (below(3))
			continue;
		w.alone = true;
		w.fail_one_in = 0;
		finish(RIVAL);
		check_all();
		w.alone = false;
	}
}

/* `leaf`: the largest leaf that there shall be; pieces are parts of it. */
static void run_variant(const struct pt_variant *v, uint64_t leaf,
			unsigned int pieces)
{
	pt_open(&w.fx, v);
	w.per_leaf = pieces;
	w.piece = leaf / pieces;
	w.nr = 2 * w.per_leaf + w.per_leaf / 3;
	assert_true(w.nr <= MAX_PIECES && w.piece >= w.fx.page);
	w.base = ((uint64_t)1 << (v->ias - 1)) - (below(2) ? leaf : leaf / 2);
	w.pa_off = leaf;
	w.bbml1 = v->features & UIOMMU_PGTABLE_BBML1;
	w.bbml2 = v->features & UIOMMU_PGTABLE_BBML2;
	memset(w.prot, 0, sizeof(w.prot));
	memset(w.kept, 0, sizeof(w.kept));
	w.alloc = w.fx.tp.platform.table_alloc;
	w.clean = w.fx.tp.platform.clean_range;
	w.fx.tp.platform.table_alloc = alloc_between;
	if (w.clean)
		w.fx.tp.platform.clean_range = clean_between;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		begin_round();
		make_calls();
	}
	w.alone = true;
	w.fail_one_in = 0;
	finish(RIVAL);
	check_all();
	w.alone = false;
	w.fx.tp.platform.table_alloc = w.alloc;
	w.fx.tp.platform.clean_range = w.clean;
	pt_close(&w.fx);
}

#define S1 UIOMMU_PGTABLE_VMSAV8_S1
#define S2 UIOMMU_PGTABLE_VMSAV8_S2
#define BBML1 UIOMMU_PGTABLE_BBML1
#define BBML2 UIOMMU_PGTABLE_BBML2
#define CONT UIOMMU_PGTABLE_CONTIG
#define DS UIOMMU_PGTABLE_DS

static void a_rival_at_every_step(void **state)
{
	static const struct {
		struct pt_variant v;
		uint64_t leaf;
		unsigned int pieces;
	} rows[] = {
		{ { "4k-1g", S1, 12, 47, 48, 0, true }, GIB, 2048 },
		{ { "4k-1g-coherent", S1, 12, 47, 48, 0, false }, GIB, 4096 },
		{ { "4k-1g-contig", S2, 12, 43, 48, CONT, true }, GIB, 4096 },
		{ { "4k-1g-bbml1", S1, 12, 40, 48, BBML1 | CONT, true },
		  GIB,
		  4096 },
		{ { "4k-1g-bbml2", S1, 12, 47, 48, BBML2 | CONT, true },
		  GIB,
		  2048 },
		{ { "4k-2m-contig", S1, 12, 36, 48, CONT, true, true },
		  2 * MIB,
		  512 },
		{ { "16k-contig", S2, 14, 40, 48, CONT, true }, 32 * MIB, 2048 },
		{ { "16k-ds", S1, 14, 50, 52, DS | CONT, true },
		  32 * MIB,
		  2048 },
		{ { "64k-bbml1", S1, 16, 42, 48, BBML1 | CONT, true },
		  512 * MIB,
		  4096 },
	};
	const char *env = getenv("UIOMMU_TEST_SEED");

	w.seed = env ? strtoull(env, NULL, 0) : 0x9e3779b97f4a7c15;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("# %s seed %#llx\n", rows[i].v.name,
			      (unsigned long long)w.seed);
		run_variant(&rows[i].v, rows[i].leaf, rows[i].pieces);
	}
	assert_true(w.nested > 100 && w.again > 100 && w.failed > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rival_at_every_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
