/* SPDX-License-Identifier: BSD-2-Clause */
/* The interval tree against an array of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "core/itree.h"

enum {
	SPACE = 512
};

struct world {
	struct itree tree;
	struct itree_node pool[SPACE];
	struct itree_node *owner[SPACE]; /* the naive model */
	unsigned int seed;
};

static unsigned int dice(struct world *w, unsigned int sides)
{
	return (unsigned int)rand_r(&w->seed) % sides;
}

/* Heights, gaps and maxima of a subtree, computed anew. */
static uint32_t check_node(const struct itree_node *n, uint64_t *max)
{
	uint64_t lm = 0, rm = 0;
	uint32_t l, r;
	const struct itree_node *prev;

	*max = 0;
	if (!n)
		return 0;
	l = check_node(n->left, &lm);
	r = check_node(n->right, &rm);
	prev = itree_prev(n);
	assert_true(l <= r + 1 && r <= l + 1);
	assert_int_equal(n->height, 1 + (l > r ? l : r));
	assert_int_equal(n->gap, prev ? n->first - prev->last - 1 : n->first);
	*max = max_u64(n->gap, max_u64(lm, rm));
	assert_int_equal(n->gap_max, *max);
	if (n->left)
		assert_ptr_equal(n->left->parent, n);
	if (n->right)
		assert_ptr_equal(n->right->parent, n);
	return n->height;
}

static void check_order(struct world *w)
{
	struct itree_node *n = itree_find(&w->tree, 0), *seen = NULL;
	uint64_t max;
	size_t nr = 0;

	check_node(w->tree.root, &max);
	for (unsigned int i = 0; i < SPACE; i++) {
		struct itree_node *o = w->owner[i];

		if (!o || o == seen)
			continue;
		assert_ptr_equal(n, o);
		if (seen)
			assert_ptr_equal(itree_prev(n), seen);
		seen = o;
		n = itree_next(n);
		nr++;
	}
	assert_null(n);
	assert_int_equal(nr, w->tree.nr);
}

static void paint(struct world *w, uint64_t first, uint64_t last,
		  struct itree_node *with)
{
	for (uint64_t i = first; i <= last; i++)
		w->owner[i] = with;
}

static struct itree_node *unused(struct world *w)
{
	for (unsigned int i = 0; i < SPACE; i++)
		if (w->pool[i].last == UINT64_MAX)
			return &w->pool[i];
	return NULL;
}

static void add_one(struct world *w)
{
	uint64_t first = dice(w, SPACE), last = first + dice(w, 12);
	struct itree_node *n, *hit = NULL;

	if (last >= SPACE)
		last = SPACE - 1;
	for (uint64_t i = first; i <= last && !hit; i++)
		hit = w->owner[i];
	assert_ptr_equal(itree_overlap(&w->tree, first, last), hit);
	if (hit)
		return;
	n = unused(w);
	n->first = first;
	n->last = last;
	itree_insert(&w->tree, n);
	paint(w, first, last, n);
}

static void remove_one(struct world *w)
{
	struct itree_node *n = w->owner[dice(w, SPACE)];

	if (!n)
		return;
	itree_erase(&w->tree, n);
	paint(w, n->first, n->last, NULL);
	n->last = UINT64_MAX;
}

static void split_one(struct world *w)
{
	uint64_t at = dice(w, SPACE);
	struct itree_node *n = w->owner[at], *right;

	if (!n || n->first == at)
		return;
	right = unused(w);
	right->first = at;
	right->last = n->last;
	itree_split(&w->tree, n, right);
	paint(w, at, right->last, right);
}

static void look_for_hole(struct world *w)
{
	struct itree_want want = { .len = 1 + dice(w, 20),
				   .align = 1ull << dice(w, 5) };
	uint64_t at = 0;
	bool found;

	want.first = dice(w, SPACE);
	want.last = want.first + dice(w, SPACE - (unsigned int)want.first);
	found = itree_find_hole(&w->tree, &want, &at);
	for (uint64_t i = align_up_lg2(want.first, ffs_u64(want.align));
	     i + want.len - 1 <= want.last; i += want.align) {
		uint64_t j = 0;

		while (j < want.len && !w->owner[i + j])
			j++;
		if (j < want.len)
			continue;
		assert_true(found);
		assert_int_equal(at, i);
		return;
	}
	assert_false(found);
}

static void agrees_with_a_byte_array(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->seed = 1;
	for (unsigned int i = 0; i < SPACE; i++)
		w->pool[i].last = UINT64_MAX;
	for (unsigned int n = 0; n < 30000; n++) {
		/* Phases that fill, phases that empty. */
		bool fill = n / 3000 % 2 == 0;
		unsigned int d = dice(w, 10);

		if (d < (fill ? 5u : 2u))
			add_one(w);
		else if (d < 7)
			remove_one(w);
		else if (d == 7)
			split_one(w);
		else
			look_for_hole(w);
		if (n % 16 == 0)
			check_order(w);
	}
	free(w);
}

static void both_ends_of_the_space_are_usable(void **state)
{
	struct itree_node low = { 0, 0xfff }, high = { UINT64_MAX, UINT64_MAX };
	struct itree_want want = { 0, UINT64_MAX, 0x1000, 0x1000, 0 };
	struct itree tree = { 0 };
	uint64_t at;

	assert_true(itree_find_hole(&tree, &want, &at));
	assert_int_equal(at, 0);
	itree_insert(&tree, &high);
	itree_insert(&tree, &low);
	assert_true(itree_find_hole(&tree, &want, &at));
	assert_int_equal(at, 0x1000);
	want.first = UINT64_MAX - 0x1fff;
	assert_true(itree_find_hole(&tree, &want, &at));
	assert_int_equal(at, UINT64_MAX - 0x1fff);
	want.first = UINT64_MAX - 0xfff;
	assert_false(itree_find_hole(&tree, &want, &at));
	want.first = UINT64_MAX - 0x10;
	assert_false(itree_find_hole(&tree, &want, &at));
	assert_ptr_equal(itree_overlap(&tree, 0xfff, UINT64_MAX - 1), &low);
	assert_null(itree_overlap(&tree, 0x1000, UINT64_MAX - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_byte_array),
		cmocka_unit_test(both_ends_of_the_space_are_usable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
