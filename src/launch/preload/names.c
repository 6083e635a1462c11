/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What emulated descriptors are called, for /proc/self/fd and close_range.
 *
 * Two levels of tables by number, grown under the lock and never freed, so
 * that looking a number up takes no lock.  A name is freed when its
 * descriptor is closed: a program that reads the link of a descriptor which
 * another of its threads closes has lost already.
 */
#include <stdlib.h>
#include <string.h>

#include "preload.h"

enum {
	NAMES_LG2 = 10,
	NAMES_LEAF = 1 << NAMES_LG2
};

static char **leaf_of(int fd)
{
	char ***top = load_acquire(&launch.names);

	if (fd < 0 || fd >= NAMES_LEAF * NAMES_LEAF || !top)
		return NULL;
	return load_acquire(&top[fd >> NAMES_LG2]);
}

/* Under the lock. */
static char **leaf_make(int fd)
{
	char ***top = launch.names;

	if (fd < 0 || fd >= NAMES_LEAF * NAMES_LEAF)
		return NULL;
	if (!top) {
		top = calloc(NAMES_LEAF, sizeof(*top));
		if (!top)
			return NULL;
		store_release(&launch.names, top);
	}
	if (!top[fd >> NAMES_LG2]) {
		char **leaf = calloc(NAMES_LEAF, sizeof(*leaf));

		store_release(&top[fd >> NAMES_LG2], leaf);
	}
	return top[fd >> NAMES_LG2];
}

int names_set(int fd, const char *path)
{
	char *copy = strdup(path), **leaf;

	if (!copy)
		return -ENOMEM;
	pthread_mutex_lock(&launch.names_lock);
	leaf = leaf_make(fd);
	if (leaf)
		copy = exchange_acq_rel(&leaf[fd % NAMES_LEAF], copy);
	pthread_mutex_unlock(&launch.names_lock);
	free(copy);
	return leaf ? 0 : -ENOMEM;
}

const char *names_get(int fd)
{
	char **leaf = leaf_of(fd);

	return leaf ? load_acquire(&leaf[fd % NAMES_LEAF]) : NULL;
}

void names_copy(int from, int to)
{
	const char *name = names_get(from);

	if (name)
		names_set(to, name); /* without a name it still works */
}

void names_clear(int fd)
{
	char **leaf = leaf_of(fd);

	if (leaf)
		free(exchange_acq_rel(&leaf[fd % NAMES_LEAF], NULL));
}

int names_last(void)
{
	char ***top = load_acquire(&launch.names);

	for (int i = NAMES_LEAF - 1; top && i >= 0; i--)
		if (load_acquire(&top[i]))
			return i * NAMES_LEAF + NAMES_LEAF - 1;
	return -1;
}
