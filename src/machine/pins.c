/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pins.c - the registry of pinned pages (see pins.h for the words).
 *
 * Counting is plain arithmetic on words under the lock; whoever pins makes the
 * tree's nodes first, so counting itself cannot fail.  A page that is in use
 * has a word that is not 0, and `busy_pages` counts those, so that a process
 * that pins nothing pays one load per munmap.
 *
 * A page's way: 0 -> counted -> 0; or counted -> RELEASED -> RELEASED with
 * count 0 -> reaped = 0; or counted (also RELEASED) -> DEAD -> 0.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "pins_private.h"

/* --------------------------------------------------------- radix tree -- */

static uint32_t *word_at(struct pins *pins, uint64_t pa)
{
	struct pin_mid *mid = pins->root[pa >> 36];
	struct pin_leaf *leaf;

	if (!mid)
		return NULL;
	leaf = mid->leaf[pa >> 24 & (PIN_FANOUT - 1)];
	return leaf ? &leaf->word[pa >> PIN_PAGE_LG2 & (PIN_FANOUT - 1)] : NULL;
}

uint64_t pin_skip_holes(struct pins *pins, uint64_t pa, uint64_t last)
{
	while (pa <= last) {
		struct pin_mid *mid = pins->root[pa >> 36];

		if (!mid)
			pa = align_down_lg2(pa, 36) + BIT64(36);
		else if (!mid->leaf[pa >> 24 & (PIN_FANOUT - 1)])
			pa = align_down_lg2(pa, 24) + BIT64(24);
		else
			return pa;
	}
	return pa;
}

void *pin_node_alloc(struct pins *pins, size_t size)
{
	return pins->cfg.platform->obj_alloc(pins->cfg.platform->ctx, size);
}

void pin_node_free(struct pins *pins, void *node)
{
	pins->cfg.platform->obj_free(pins->cfg.platform->ctx, node);
}

/* Make the nodes for [first, last].  What was made stays: it is empty. */
static int make_nodes(struct pins *pins, uint64_t first, uint64_t last)
{
	for (uint64_t pa = align_down_lg2(first, 24); pa <= last;
	     pa += BIT64(24)) {
		struct pin_mid *mid = pins->root[pa >> 36];
		struct pin_leaf **slot;

		if (!mid) {
			mid = pin_node_alloc(pins, sizeof(*mid));
			if (!mid)
				return -ENOMEM;
			store_release(&pins->root[pa >> 36], mid);
		}
		slot = &mid->leaf[pa >> 24 & (PIN_FANOUT - 1)];
		if (!*slot) {
			struct pin_leaf *leaf =
				pin_node_alloc(pins, sizeof(*leaf));

			if (!leaf)
				return -ENOMEM;
			store_release(slot, leaf);
		}
	}
	return 0;
}

uint32_t pin_get(struct pins *pins, uint64_t pa)
{
	uint32_t *word = word_at(pins, pa);

	return word ? load_relaxed(word) : 0;
}

/* Change a word; keeps busy_pages.  The node exists. */
void pin_set(struct pins *pins, uint64_t pa, uint32_t val)
{
	uint32_t *word = word_at(pins, pa);
	uint32_t old = load_relaxed(word);

	if (!old && val)
		fetch_add_relaxed(&pins->busy_pages, 1);
	else if (old && !val)
		fetch_add_relaxed(&pins->busy_pages, (uint64_t)-1);
	store_release(word, val);
}

bool pin_usable(uint32_t word)
{
	return (word & PIN_COUNT_MASK) && !(word & (PIN_RELEASED | PIN_DEAD));
}

/* ------------------------------------------------------------- aliases -- */

/* The alias page that stands for a virtual page now, or 0. */
uint64_t pin_current_alias(struct pins *pins, uint64_t uva)
{
	struct pin_alias *alias;

	list_for_each(alias, &pins->aliases, node) {
		uint64_t pa = alias->pa.first + (uva - alias->uva);
		uint32_t word;

		if (uva < alias->uva || pa < alias->pa.first ||
		    pa > alias->pa.last)
			continue;
		word = pin_get(pins, pa);
		if (word && !(word & PIN_DEAD))
			return pa;
	}
	return 0;
}

/* Lowest hole of `len` bytes in the alias window; 0: none. */
static uint64_t alias_hole(struct pins *pins, uint64_t len, struct list **after)
{
	uint64_t at = pins->cfg.alias_window.first;
	struct pin_alias *alias;

	*after = &pins->aliases;
	list_for_each(alias, &pins->aliases, node) {
		if (alias->pa.first - at >= len)
			return at;
		at = alias->pa.last + 1;
		*after = &alias->node;
	}
	return pins->cfg.alias_window.last - at + 1 >= len ? at : 0;
}

static int make_alias(struct pins *pins, uint64_t uva, uint64_t len,
		      uint64_t *pa)
{
	struct pin_alias *alias;
	struct list *after;
	uint64_t at;
	int rc;

	at = alias_hole(pins, len, &after);
	if (!at)
		return -ENOMEM;
	rc = make_nodes(pins, at, at + len - 1);
	if (rc)
		return rc;
	alias = pin_node_alloc(pins, sizeof(*alias));
	if (!alias)
		return -ENOMEM;
	alias->pa.first = at;
	alias->pa.last = at + len - 1;
	alias->uva = uva;
	list_add(after, &alias->node);
	fetch_add_relaxed(&pins->nr_aliases, 1);
	for (uint64_t off = 0; off < len; off += PIN_PAGE) {
		uint64_t page = (at + off - pins->cfg.alias_window.first) >>
				PIN_PAGE_LG2;

		store_relaxed(&pins->alias_uva[page], uva + off);
	}
	*pa = at;
	return 0;
}

/* Drop the alias runs that nothing refers to any more. */
void pin_trim_aliases(struct pins *pins)
{
	struct pin_alias *alias, *tmp;

	list_for_each_safe(alias, tmp, &pins->aliases, node) {
		uint64_t pa = alias->pa.first;

		while (pa <= alias->pa.last && !pin_get(pins, pa))
			pa += PIN_PAGE;
		if (pa <= alias->pa.last)
			continue;
		list_del(&alias->node);
		fetch_add_relaxed(&pins->nr_aliases, (uint64_t)-1);
		pin_node_free(pins, alias);
	}
}

/* ------------------------------------------------------ pin and unpin -- */

/*
 * The words of [pa, pa+len) up to the end of their leaf: pinning walks over
 * many pages, and a descent for each would cost more than the counting.
 */
static uint32_t *words(struct pins *pins, uint64_t pa, uint64_t len,
		       uint64_t *nr)
{
	uint64_t room = BIT64(24) - (pa & mask_lg2(24));

	*nr = min_u64(room, len) >> PIN_PAGE_LG2;
	return word_at(pins, pa);
}

static void count(struct pins *pins, uint64_t pa, uint64_t len)
{
	uint64_t nr, fresh = 0;

	while (len) {
		uint32_t *word = words(pins, pa, len, &nr);

		for (uint64_t i = 0; i < nr; i++) {
			uint32_t old = load_relaxed(&word[i]);

			fresh += !old;
			store_release(&word[i], old + 1);
		}
		pa += nr << PIN_PAGE_LG2;
		len -= nr << PIN_PAGE_LG2;
	}
	fetch_add_relaxed(&pins->busy_pages, fresh);
}

/* What a new pin of a virtual page would be. */
enum page_kind {
	PAGE_SELF,    /* at its own address */
	PAGE_ALIASED, /* through the alias it has */
	PAGE_DEAD,    /* through an alias to be made */
	PAGE_GONE,    /* refused: the process gave it back */
	PAGE_FULL,    /* refused: no room in the count */
};

static enum page_kind kind_of(uint32_t word, enum page_kind usable_kind)
{
	if (word & PIN_DEAD)
		return PAGE_DEAD;
	if (word & PIN_RELEASED)
		return PAGE_GONE;
	if ((word & PIN_COUNT_MASK) == PIN_COUNT_MASK)
		return PAGE_FULL;
	return usable_kind;
}

static enum page_kind page_kind(struct pins *pins, uint64_t uva)
{
	uint64_t alias = pin_current_alias(pins, uva);

	if (alias)
		return kind_of(pin_get(pins, alias), PAGE_ALIASED);
	return kind_of(pin_get(pins, uva), PAGE_SELF);
}

unsigned int pins_count(struct pins *pins, uint64_t uva)
{
	uint64_t alias;
	uint32_t word;

	uva = align_down_lg2(uva, PIN_PAGE_LG2);
	pthread_mutex_lock(&pins->lock);
	alias = pin_current_alias(pins, uva);
	word = pin_get(pins, alias ? alias : uva);
	pthread_mutex_unlock(&pins->lock);
	return pin_usable(word) ? word & PIN_COUNT_MASK : 0;
}

/* How much of [uva, +len) comes before any alias of it? */
static uint64_t before_aliases(const struct pins *pins, uint64_t uva,
			       uint64_t len)
{
	const struct pin_alias *alias;

	list_for_each(alias, &pins->aliases, node) {
		uint64_t size = alias->pa.last - alias->pa.first + 1;

		if (alias->uva >= uva)
			len = min_u64(len, alias->uva - uva);
		else if (uva - alias->uva < size)
			return 0;
	}
	return len;
}

/* How far from `uva` do pages go on that are their own?  No aliases are there. */
static uint64_t plain_run(struct pins *pins, uint64_t uva, uint64_t len)
{
	uint64_t nr, off = 0;

	while (off < len) {
		uint32_t *word = words(pins, uva + off, len - off, &nr);

		for (uint64_t i = 0; i < nr; i++, off += PIN_PAGE)
			if (kind_of(load_relaxed(&word[i]), PAGE_SELF) !=
			    PAGE_SELF)
				return off;
	}
	return off;
}

/* How far from `uva` do pages of its kind go on, physically in one piece? */
static uint64_t same_kind(struct pins *pins, uint64_t uva, uint64_t len,
			  enum page_kind kind)
{
	uint64_t alias = pin_current_alias(pins, uva), off;
	uint64_t plain = before_aliases(pins, uva, len);

	if (kind == PAGE_SELF && plain)
		return plain_run(pins, uva, plain);
	for (off = PIN_PAGE; off < len; off += PIN_PAGE) {
		if (page_kind(pins, uva + off) != kind)
			break;
		if (alias && pin_current_alias(pins, uva + off) != alias + off)
			break;
	}
	return off;
}

static int add_run(struct pins *pins, uint64_t uva, uint64_t len,
		   struct uiommu_run *run)
{
	enum page_kind kind = page_kind(pins, uva);
	int rc = 0;

	run->len = same_kind(pins, uva, len, kind);
	switch (kind) {
	case PAGE_SELF:
		run->pa = uva;
		break;
	case PAGE_ALIASED:
		run->pa = pin_current_alias(pins, uva);
		break;
	case PAGE_DEAD:
		rc = make_alias(pins, uva, run->len, &run->pa);
		break;
	case PAGE_GONE:
		rc = -EFAULT;
		break;
	case PAGE_FULL:
		rc = -ENOMEM;
		break;
	}
	if (!rc)
		count(pins, run->pa, run->len);
	return rc;
}

int pins_add(struct pins *pins, uint64_t uva, uint64_t len,
	     struct uiommu_run *run)
{
	int rc;

	if (!len || (uva | len) & (PIN_PAGE - 1) || uva + len - 1 < uva ||
	    (uva + len - 1) >> PIN_ADDR_LG2)
		return -EFAULT;
	run->mmio = false;
	pthread_mutex_lock(&pins->lock);
	rc = make_nodes(pins, uva, uva + len - 1);
	if (!rc)
		rc = add_run(pins, uva, len, run);
	pthread_mutex_unlock(&pins->lock);
	return rc;
}

/* A released page has lost its last pin. */
static void to_reap(struct pins *pins, uint64_t pa)
{
	if (!load_relaxed(&pins->reap_pages)) {
		pins->reap_first = pa;
		pins->reap_last = pa;
	}
	pins->reap_first = min_u64(pins->reap_first, pa);
	pins->reap_last = max_u64(pins->reap_last, pa);
	fetch_add_relaxed(&pins->reap_pages, 1);
}

/* The last pin of a page in state `word` goes: what is left of the word. */
static uint32_t last_pin(struct pins *pins, uint64_t pa, uint32_t word)
{
	if (word & PIN_KEPT)
		pin_drop_kept(pins, pa);
	if (word & PIN_PART)
		store_relaxed(&pins->parts_wait, 1);
	if (!(word & PIN_RELEASED) && word & PIN_PART)
		return PIN_PART;
	if (!(word & PIN_RELEASED)) {
		fetch_add_relaxed(&pins->busy_pages, (uint64_t)-1);
		return 0;
	}
	to_reap(pins, pa);
	return PIN_RELEASED;
}

void pins_del(struct pins *pins, uiommu_pa_t pa, uint64_t len)
{
	bool alias = pins_is_alias(pins, pa);
	uint64_t nr;

	pthread_mutex_lock(&pins->lock);
	while (len) {
		uint32_t *word = words(pins, pa, len, &nr);

		for (uint64_t i = 0; word && i < nr; i++) {
			uint32_t old = load_relaxed(&word[i]);

			if (!(old & PIN_COUNT_MASK))
				continue;
			old--;
			if (!(old & PIN_COUNT_MASK))
				old = last_pin(pins, pa + (i << PIN_PAGE_LG2),
					       old);
			store_release(&word[i], old);
		}
		pa += nr << PIN_PAGE_LG2;
		len -= nr << PIN_PAGE_LG2;
	}
	if (alias)
		pin_trim_aliases(pins);
	pthread_mutex_unlock(&pins->lock);
}

/* ------------------------------------------------------- init and fini -- */

static size_t alias_bytes(const struct pins *pins)
{
	const struct uiommu_range *window = &pins->cfg.alias_window;

	return (size_t)((window->last - window->first + 1) >> PIN_PAGE_LG2) *
	       sizeof(uint64_t);
}

int pins_init(struct pins *pins, const struct pins_cfg *cfg)
{
	void *va;
	int rc;

	memset(pins, 0, sizeof(*pins));
	pins->cfg = *cfg;
	list_init(&pins->aliases);
	list_init(&pins->gone);
	list_init(&pins->kept);
	list_init(&pins->parts);
	/* Costs memory where aliases are made only. */
	va = mmap(NULL, alias_bytes(pins), PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (va == MAP_FAILED)
		return -ENOMEM;
	pins->alias_uva = va;
	rc = pthread_mutex_init(&pins->lock, NULL);
	if (rc) {
		munmap(va, alias_bytes(pins));
		return -ENOMEM;
	}
	return 0;
}

void pins_fini(struct pins *pins)
{
	struct pin_alias *alias, *tmp;
	struct pin_gone *gone, *next;

	list_for_each_safe(alias, tmp, &pins->aliases, node) {
		list_del(&alias->node);
		pin_node_free(pins, alias);
	}
	list_for_each_safe(gone, next, &pins->gone, node) {
		list_del(&gone->node);
		pin_node_free(pins, gone);
	}
	pins_fini_parts(pins);
	pins_kept_fini(pins);
	for (unsigned int i = 0; i < PIN_FANOUT; i++) {
		if (!pins->root[i])
			continue;
		for (unsigned int j = 0; j < PIN_FANOUT; j++)
			pin_node_free(pins, pins->root[i]->leaf[j]);
		pin_node_free(pins, pins->root[i]);
	}
	munmap(pins->alias_uva, alias_bytes(pins));
	pthread_mutex_destroy(&pins->lock);
}
