/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pins.h - which pages of this process a device may reach, and what became of
 * those that the process gave away meanwhile.
 *
 * One word per 4 KiB page of physical address space, in a radix tree of three
 * levels that only grows.  A page's word is its pin count and its state:
 *
 *   RELEASED	the process gave the page back.  It stays mapped for the
 *		devices until its count is 0, then it is reaped.
 *   DEAD	something else stands at this address now.  DMA by the old pins
 *		aborts; a new pin of the same address gets an alias.
 *   KEPT	with DEAD: the pages were shared and stand elsewhere
 *		(pins_kept.c), where DMA by the old pins goes on.
 *   PART	bytes of the page were freed (pins_part.c); else it lives on.
 *
 * An alias is a page of physical address space in a window of its own behind
 * which the memory at another virtual address stands.  A virtual page has at
 * most one alias that is neither dead nor released.
 *
 * The lock is taken by whoever changes a word.  Readers on the DMA path take
 * none: they look at the word inside a read section of the platform, and who
 * makes a page DEAD waits for all sections before it returns.
 */
#ifndef MACHINE_PINS_H
#define MACHINE_PINS_H

#include <pthread.h>

#include <uiommu/core.h>
#include <uiommu/platform.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/list.h"

#define PIN_PAGE_LG2 12
#define PIN_PAGE UINT64_C(4096)
#define PIN_ADDR_LG2 48
#define PIN_FANOUT 4096u

#define PIN_GONE_MAX 1024u  /* records kept for reports */
#define PIN_PARTS_MAX 1024u /* freed blocks that wait for their page */

#define PIN_COUNT_MASK UINT32_C(0x0fffffff)
#define PIN_RELEASED BIT32(28)
#define PIN_DEAD BIT32(29)
#define PIN_PART BIT32(30)
#define PIN_KEPT BIT32(31)

struct pin_leaf {
	uint32_t word[PIN_FANOUT];
};

struct pin_mid {
	struct pin_leaf *leaf[PIN_FANOUT];
};

/* Memory that was given back or replaced while pinned, for reports. */
struct pin_gone {
	struct list node;
	struct uiommu_range range; /* virtual addresses */
	bool replaced;
	char what[16];
};

/* Freed bytes within a pinned page. */
struct pin_part {
	struct list node;
	struct pin_gone gone; /* its range lies within one page */
	uint64_t pa;	      /* of that page */
};

/* A run of alias pages. */
struct pin_alias {
	struct list node; /* ascending by pa */
	struct uiommu_range pa;
	uint64_t uva; /* behind pa.first */
};

struct pins_cfg {
	const struct uiommu_platform *platform;
	struct uiommu_range alias_window;
	void *ctx;
	void (*unpinned)(void *ctx, uint64_t first, uint64_t last);
	/* Pages of [first, last] (physical) became DEAD: wait for the readers */
	void (*drain)(void *ctx, uint64_t first, uint64_t last);
};

struct pins {
	struct pins_cfg cfg;

	uint64_t busy_pages; /* words that are not 0; atomic */
	uint64_t reap_pages; /* RELEASED with count 0; atomic */
	uint64_t nr_aliases; /* runs of alias pages; atomic */
	uint64_t parts_wait; /* perhaps there are parts to reap; atomic */

	/* What stands behind each page of the alias window; atomic words. */
	uint64_t *alias_uva;

	/* Protects all below and every change of a word.  Innermost. */
	pthread_mutex_t lock;
	struct list aliases;
	struct list gone;
	unsigned int nr_gone;
	struct list kept;
	struct list parts;
	unsigned int nr_parts;
	uint64_t reap_first, reap_last; /* bounds of what is to be reaped */

	struct pin_mid *root[PIN_FANOUT]; /* entries are published once */
};

int pins_init(struct pins *pins, const struct pins_cfg *cfg);
void pins_fini(struct pins *pins);

/*
 * Pin the longest prefix of [uva, uva+len) that is physically one run.
 * -EFAULT: the process gave it back already; -ENOMEM.
 */
int pins_add(struct pins *pins, uint64_t uva, uint64_t len,
	     struct uiommu_run *run);
/* Undo one pin of each page of [pa, pa+len). */
void pins_del(struct pins *pins, uiommu_pa_t pa, uint64_t len);

/* How often the page at virtual address `uva` is pinned. */
unsigned int pins_count(struct pins *pins, uint64_t uva);
bool pins_next(struct pins *pins, uint64_t first, uint64_t last,
	       struct uiommu_range *out);
int pins_release(struct pins *pins, uint64_t first, uint64_t last,
		 const char *what);
/*
 * Bytes of one page are given back, the rest of it lives on.  -EINVAL: more
 * than a page, or not pinned; -ENOMEM, also when too many wait.
 */
int pins_release_part(struct pins *pins, uint64_t first, uint64_t last,
		      const char *what);
/* The lowest such bytes in [first, last]: a copy, clipped, or false. */
bool pins_find_part(struct pins *pins, uint64_t first, uint64_t last,
		    struct pin_gone *out);
/* False: nothing of [first, last] has a word.  A hint; takes no lock. */
bool pins_maybe(const struct pins *pins, uint64_t first, uint64_t last);
int pins_replace(struct pins *pins, uint64_t first, uint64_t last,
		 const char *what);
/*
 * Move bytes of one page whose word has KEPT.  -EIO: not there any more.
 */
int pins_kept_copy(struct pins *pins, uint64_t pa, void *buf, size_t len,
		   bool write);
/* Give back what lost its last pin: calls cfg.unpinned without the lock. */
void pins_reap(struct pins *pins);
/* What happened at virtual address `uva`?  A copy into *gone, or false. */
bool pins_find_gone(struct pins *pins, uint64_t uva, struct pin_gone *gone);

/* Memory that was given up and is still mapped for DMA; fn under the lock. */
void pins_visit_gone(struct pins *pins,
		     void (*fn)(void *ctx, const struct pin_gone *gone),
		     void *ctx);

/* The word of the page at `pa`, 0 where nothing is known. */
static inline uint32_t pins_word(const struct pins *pins, uint64_t pa)
{
	const struct pin_mid *mid;
	const struct pin_leaf *leaf;

	if (pa >> PIN_ADDR_LG2)
		return 0;
	mid = load_acquire(&pins->root[pa >> 36]);
	if (!mid)
		return 0;
	leaf = load_acquire(&mid->leaf[pa >> 24 & (PIN_FANOUT - 1)]);
	if (!leaf)
		return 0;
	return load_acquire(&leaf->word[pa >> PIN_PAGE_LG2 & (PIN_FANOUT - 1)]);
}

static inline bool pins_is_alias(const struct pins *pins, uint64_t pa)
{
	return pa >= pins->cfg.alias_window.first &&
	       pa <= pins->cfg.alias_window.last;
}

/* Virtual address behind a pinned physical one. */
static inline uint64_t pins_uva(const struct pins *pins, uint64_t pa)
{
	uint64_t page;

	if (!pins_is_alias(pins, pa))
		return pa;
	page = (pa - pins->cfg.alias_window.first) >> PIN_PAGE_LG2;
	return load_relaxed(&pins->alias_uva[page]) | (pa & (PIN_PAGE - 1));
}

#endif /* MACHINE_PINS_H */
