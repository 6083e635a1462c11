/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pins_kept.c - shared memory that something else takes the place of.
 *
 * The pages of a shared mapping outlive it, and a kernel lets the device go on
 * with them.  So before such a mapping is replaced, a second one of the same
 * pages is made at an address of our own, and its pages are marked KEPT beside
 * DEAD: DMA finds them there.  A run of kept pages goes when the last of them
 * loses its last pin.  Private memory has no second mapping: it is only DEAD.
 *
 * All under the registry's lock; a copy takes it too, which costs nobody who
 * did not replace memory under a device.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uiommu/env.h>
#include <uiommu/host.h>

#include "pins_private.h"

struct pin_kept {
	struct list node;
	struct uiommu_range pa;
	uint64_t uva;	/* where the pages stand now */
	uint64_t pages; /* that are still pinned */
};

/* ---------------------------------------------- mappings of the process -- */

struct vma {
	uint64_t first, end;
	bool shared;
};

/* "first-end rwxs ...": false if the line is no mapping. */
static bool parse_vma(const char *line, struct vma *vma)
{
	char *at;

	vma->first = strtoull(line, &at, 16);
	if (*at != '-')
		return false;
	vma->end = strtoull(at + 1, &at, 16);
	/* " rwxs": the fourth letter says shared or private. */
	if (*at != ' ' || strlen(at) < 5)
		return false;
	vma->shared = at[4] == 's';
	return true;
}

/* The mapping that `uva` lies in; no memory is allocated. */
static bool find_vma(uint64_t uva, struct vma *vma)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	char buf[4096], *line, *end;
	bool found = false;
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	while (!found && (n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0) {
		len += (size_t)n;
		buf[len] = '\0';
		for (line = buf; !found && (end = strchr(line, '\n'));
		     line = end + 1) {
			*end = '\0';
			found = parse_vma(line, vma) && uva >= vma->first &&
				uva < vma->end;
		}
		/* The rest is the head of a line; one too long is no help. */
		len -= (size_t)(line - buf);
		memmove(buf, line, len);
		if (len == sizeof(buf) - 1)
			len = 0;
	}
	close(fd);
	return found;
}

/* ------------------------------------------------------------------ keep -- */

/* A second mapping of shared pages; 0: cannot be had. */
static uint64_t second_mapping(uint64_t uva, uint64_t len)
{
	/* An old length of 0 duplicates a shared mapping. */
	void *at = mremap((void *)(uintptr_t)uva, 0, len, MREMAP_MAYMOVE);

	return at == MAP_FAILED ? 0 : (uint64_t)(uintptr_t)at;
}

static void keep_run(struct pins *pins, uint64_t pa, uint64_t uva, uint64_t len)
{
	struct pin_kept *kept = pin_node_alloc(pins, sizeof(*kept));

	if (!kept)
		return;
	kept->uva = second_mapping(uva, len);
	if (!kept->uva) {
		pin_node_free(pins, kept);
		return;
	}
	kept->pa.first = pa;
	kept->pa.last = pa + len - 1;
	kept->pages = len >> PIN_PAGE_LG2;
	list_add(&pins->kept, &kept->node);
	for (uint64_t off = 0; off < len; off += PIN_PAGE)
		pin_set(pins, pa + off, pin_get(pins, pa + off) | PIN_KEPT);
}

/* What of [uva, uva+len), pinned as `pa` onwards, is shared. */
static void keep_shared(struct pins *pins, uint64_t pa, uint64_t uva,
			uint64_t len)
{
	struct vma vma;

	while (len && find_vma(uva, &vma)) {
		uint64_t part = min_u64(len, vma.end - uva);

		if (vma.shared)
			keep_run(pins, pa, uva, part);
		pa += part;
		uva += part;
		len -= part;
	}
}

static bool replaceable(struct pins *pins, uint64_t pa)
{
	uint32_t word = pin_get(pins, pa);

	return (word & PIN_COUNT_MASK) && !(word & PIN_DEAD);
}

/* Pages of physical [first, last], behind which stands `uva` onwards. */
static void keep_pages(struct pins *pins, uint64_t first, uint64_t last,
		       uint64_t uva)
{
	uint64_t pa = pin_skip_holes(pins, first, last), run;

	while (pa <= last) {
		for (run = pa; run <= last && replaceable(pins, run);
		     run += PIN_PAGE)
			;
		if (run > pa)
			keep_shared(pins, pa, uva + (pa - first), run - pa);
		pa = pin_skip_holes(pins, run + PIN_PAGE, last);
	}
}

void pins_keep_shared(struct pins *pins, uint64_t first, uint64_t last)
{
	struct pin_alias *alias;

	keep_pages(pins, first, last, first);
	list_for_each(alias, &pins->aliases, node) {
		uint64_t alias_last =
			alias->uva + (alias->pa.last - alias->pa.first);
		uint64_t from = max_u64(first, alias->uva);
		uint64_t to = min_u64(last, alias_last);

		if (from <= to)
			keep_pages(pins, alias->pa.first + (from - alias->uva),
				   alias->pa.first + (to - alias->uva), from);
	}
}

/* ------------------------------------------------------------------- use -- */

static struct pin_kept *kept_of(struct pins *pins, uint64_t pa)
{
	struct pin_kept *kept;

	list_for_each(kept, &pins->kept, node)
		if (pa >= kept->pa.first && pa <= kept->pa.last)
			return kept;
	return NULL;
}

int pins_kept_copy(struct pins *pins, uint64_t pa, void *buf, size_t len,
		   bool write)
{
	struct pin_kept *kept;
	int rc = -EIO;

	pthread_mutex_lock(&pins->lock);
	kept = kept_of(pins, pa);
	if (kept && pin_get(pins, pa) & PIN_KEPT) {
		void *at =
			(void *)(uintptr_t)(kept->uva + (pa - kept->pa.first));

		rc = write ? uiommu_guard_copy(at, buf, len)
			   : uiommu_guard_copy(buf, at, len);
	}
	pthread_mutex_unlock(&pins->lock);
	return rc ? -EIO : 0;
}

void pin_drop_kept(struct pins *pins, uint64_t pa)
{
	struct pin_kept *kept = kept_of(pins, pa);

	UIOMMU_ASSERT(kept);
	if (--kept->pages)
		return;
	munmap((void *)(uintptr_t)kept->uva,
	       (size_t)(kept->pa.last - kept->pa.first + 1));
	list_del(&kept->node);
	pin_node_free(pins, kept);
}

void pins_kept_fini(struct pins *pins)
{
	struct pin_kept *kept;

	while ((kept = list_first(&pins->kept, struct pin_kept, node))) {
		kept->pages = 1;
		pin_drop_kept(pins, kept->pa.first);
	}
}
