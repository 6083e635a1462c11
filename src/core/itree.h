/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * itree.h - a set of disjoint inclusive intervals, ordered, that finds room
 * between them.
 *
 * A height-balanced binary tree (AVL) with the nodes embedded in what they
 * stand for.  Each node knows the free space just below it, and each subtree
 * the largest of those, so that the search for a hole skips whatever has none
 * large enough: find, insert, erase and the next large gap cost O(log n).
 * Nothing allocates, nothing fails.  The caller brings the lock.
 */
#ifndef CORE_ITREE_H
#define CORE_ITREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct itree_node {
	uint64_t first;
	uint64_t last;
	/* Private from here on. */
	struct itree_node *parent, *left, *right;
	uint64_t gap; /* free addresses below, down to the neighbour's last */
	uint64_t gap_max; /* the largest gap in this subtree */
	uint32_t height;
};

struct itree {
	struct itree_node *root;
	size_t nr;
};

static inline bool itree_empty(const struct itree *tree)
{
	return !tree->root;
}

/* Overlaps nothing that is in the tree. */
void itree_insert(struct itree *tree, struct itree_node *node);
void itree_erase(struct itree *tree, struct itree_node *node);

/*
 * Make `node` end below right->first and insert `right`, whose range is the
 * part cut off.
 */
void itree_split(struct itree *tree, struct itree_node *node,
		 struct itree_node *right);

/* The first interval that ends at or after `at`, or NULL. */
struct itree_node *itree_find(const struct itree *tree, uint64_t at);
struct itree_node *itree_next(const struct itree_node *node);
struct itree_node *itree_prev(const struct itree_node *node);

/* The first interval that shares an address with [first, last], or NULL. */
static inline struct itree_node *itree_overlap(const struct itree *tree,
					       uint64_t first, uint64_t last)
{
	struct itree_node *node = itree_find(tree, first);

	return node && node->first <= last ? node : NULL;
}

struct itree_want {
	uint64_t first, last; /* look only here */
	uint64_t len;	      /* > 0 */
	uint64_t align;	      /* a power of two */
	uint64_t offset;      /* bits to set in the aligned address */
};

/* The lowest place that suits, found by skipping small gaps. */
bool itree_find_hole(const struct itree *tree, const struct itree_want *want,
		     uint64_t *at);

#endif /* CORE_ITREE_H */
