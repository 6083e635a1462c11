/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * itree.c - see itree.h.
 *
 * Invariants, for every node n with in-order predecessor p:
 *   n->gap     = n->first - (p->last + 1), or n->first where there is no p;
 *   n->height  = 1 + the larger height of its subtrees, which differ by 1 at
 *                most;
 *   n->gap_max = the maximum of gap over n and its subtrees.
 * Arithmetic cannot wrap: p->last < n->first.
 */
#include "itree.h"

#include "base/bits.h"
#include "base/overflow.h"

static uint32_t height(const struct itree_node *n)
{
	return n ? n->height : 0;
}

/* Recompute what a node says about its subtree; false if all was so. */
static bool refresh(struct itree_node *n)
{
	uint32_t l = height(n->left), r = height(n->right);
	uint32_t h = 1 + (l > r ? l : r);
	uint64_t gap = n->gap;
	bool changed;

	if (n->left)
		gap = max_u64(gap, n->left->gap_max);
	if (n->right)
		gap = max_u64(gap, n->right->gap_max);
	changed = h != n->height || gap != n->gap_max;
	n->height = h;
	n->gap_max = gap;
	return changed;
}

/* Put `to` where `from` hangs. */
static void replace_child(struct itree *tree, struct itree_node *from,
			  struct itree_node *to)
{
	struct itree_node *parent = from->parent;

	if (!parent)
		tree->root = to;
	else if (parent->left == from)
		parent->left = to;
	else
		parent->right = to;
	if (to)
		to->parent = parent;
}

/* The left child comes up; returns it. */
static struct itree_node *rotate_right(struct itree *tree, struct itree_node *n)
{
	struct itree_node *up = n->left;

	replace_child(tree, n, up);
	n->left = up->right;
	if (n->left)
		n->left->parent = n;
	up->right = n;
	n->parent = up;
	refresh(n);
	refresh(up);
	return up;
}

static struct itree_node *rotate_left(struct itree *tree, struct itree_node *n)
{
	struct itree_node *up = n->right;

	replace_child(tree, n, up);
	n->right = up->left;
	if (n->right)
		n->right->parent = n;
	up->left = n;
	n->parent = up;
	refresh(n);
	refresh(up);
	return up;
}

/* Restore the invariants from `n` up to the root. */
static void rebalance(struct itree *tree, struct itree_node *n)
{
	while (n) {
		uint32_t l = height(n->left), r = height(n->right);
		bool changed = refresh(n);

		if (l > r + 1) {
			if (height(n->left->left) < height(n->left->right))
				rotate_left(tree, n->left);
			n = rotate_right(tree, n);
		} else if (r > l + 1) {
			if (height(n->right->right) < height(n->right->left))
				rotate_right(tree, n->right);
			n = rotate_left(tree, n);
		} else if (!changed) {
			return;
		}
		n = n->parent;
	}
}

struct itree_node *itree_next(const struct itree_node *node)
{
	struct itree_node *n = node->right;

	if (n) {
		while (n->left)
			n = n->left;
		return n;
	}
	for (n = node->parent; n && n->right == node; n = n->parent)
		node = n;
	return n;
}

struct itree_node *itree_prev(const struct itree_node *node)
{
	struct itree_node *n = node->left;

	if (n) {
		while (n->right)
			n = n->right;
		return n;
	}
	for (n = node->parent; n && n->left == node; n = n->parent)
		node = n;
	return n;
}

struct itree_node *itree_find(const struct itree *tree, uint64_t at)
{
	struct itree_node *n = tree->root, *found = NULL;

	while (n) {
		if (n->last >= at) {
			found = n;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return found;
}

static uint64_t gap_below(const struct itree_node *n,
			  const struct itree_node *prev)
{
	return prev ? n->first - prev->last - 1 : n->first;
}

/* A neighbour below came, went or moved. */
static void set_gap(struct itree_node *n, const struct itree_node *prev)
{
	n->gap = gap_below(n, prev);
	while (n && refresh(n))
		n = n->parent;
}

void itree_insert(struct itree *tree, struct itree_node *node)
{
	struct itree_node **link = &tree->root, *parent = NULL;
	struct itree_node *prev = NULL, *next = NULL;

	while (*link) {
		parent = *link;
		if (node->first < parent->first) {
			next = parent;
			link = &parent->left;
		} else {
			prev = parent;
			link = &parent->right;
		}
	}
	node->parent = parent;
	node->left = NULL;
	node->right = NULL;
	node->height = 0;
	node->gap = gap_below(node, prev);
	*link = node;
	tree->nr++;
	rebalance(tree, node);
	if (next)
		set_gap(next, node);
}

void itree_erase(struct itree *tree, struct itree_node *node)
{
	struct itree_node *prev = itree_prev(node), *next = itree_next(node);
	struct itree_node *start;

	if (!node->left || !node->right) {
		start = node->parent;
		replace_child(tree, node,
			      node->left ? node->left : node->right);
	} else {
		/* The successor, which has no left child, takes its place. */
		start = next->parent == node ? next : next->parent;
		if (next->parent != node) {
			replace_child(tree, next, next->right);
			next->right = node->right;
			next->right->parent = next;
		}
		replace_child(tree, node, next);
		next->left = node->left;
		next->left->parent = next;
		next->height = node->height;
		next->gap_max = node->gap_max;
	}
	tree->nr--;
	if (next)
		next->gap = gap_below(next, prev);
	/*
	 * Two places changed: where the tree lost a node and where the gap
	 * grew.  The first walk may stop early, so the second is its own.
	 */
	rebalance(tree, start);
	if (next)
		set_gap(next, prev);
}

void itree_split(struct itree *tree, struct itree_node *node,
		 struct itree_node *right)
{
	node->last = right->first - 1;
	itree_insert(tree, right);
}

/* The first node of the subtree whose gap is at least `len`. */
static struct itree_node *first_gap(struct itree_node *n, uint64_t len)
{
	if (!n || n->gap_max < len)
		return NULL;
	for (;;) {
		if (n->left && n->left->gap_max >= len)
			n = n->left;
		else if (n->gap >= len)
			return n;
		else
			n = n->right;
	}
}

/* The next node in order after `n` whose gap is at least `len`. */
static struct itree_node *next_gap(struct itree_node *n, uint64_t len)
{
	struct itree_node *found = first_gap(n->right, len), *up;

	while (!found) {
		for (up = n->parent; up && up->right == n; up = up->parent)
			n = up;
		if (!up)
			return NULL;
		if (up->gap >= len)
			return up;
		n = up;
		found = first_gap(n->right, len);
	}
	return found;
}

/* Does the wish fit into the free stretch [first, last]? */
static bool fits(const struct itree_want *want, uint64_t first, uint64_t last,
		 uint64_t *at)
{
	uint64_t mask = want->align - 1, start;

	first = max_u64(first, want->first);
	last = min_u64(last, want->last);
	if (first > last || last - first < want->len - 1)
		return false;
	if (add_overflows(first, mask, &start))
		return false;
	start = (start & ~mask) | want->offset;
	if (start > last || last - start < want->len - 1)
		return false;
	*at = start;
	return true;
}

bool itree_find_hole(const struct itree *tree, const struct itree_want *want,
		     uint64_t *at)
{
	struct itree_node *n = itree_find(tree, want->first), *end;

	if (!n)
		return fits(want, want->first, want->last, at);
	/* The gap that the start lies in may reach below it. */
	if (n->first > want->first && fits(want, want->first, n->first - 1, at))
		return true;
	while ((n = next_gap(n, want->len)) && n->first <= want->last)
		if (fits(want, n->first - n->gap, n->first - 1, at))
			return true;
	if (n)
		/* This gap may begin below the limit and end above it. */
		return fits(want, n->first - n->gap, n->first - 1, at);
	for (end = tree->root; end->right;)
		end = end->right;
	return end->last < want->last &&
	       fits(want, end->last + 1, want->last, at);
}
