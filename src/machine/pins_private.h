/* SPDX-License-Identifier: BSD-2-Clause */
/* pins_private.h - what pins.c offers pins_gone.c; all under the lock. */
#ifndef MACHINE_PINS_PRIVATE_H
#define MACHINE_PINS_PRIVATE_H

#include "pins.h"

/* First page from `pa` to `last` whose leaf exists; beyond `last`: none. */
uint64_t pin_skip_holes(struct pins *pins, uint64_t pa, uint64_t last);
void *pin_node_alloc(struct pins *pins, size_t size);
void pin_node_free(struct pins *pins, void *node);
/* A page's word; 0 where there is no leaf. */
uint32_t pin_get(struct pins *pins, uint64_t pa);
/* Change a word; keeps busy_pages.  The leaf exists. */
void pin_set(struct pins *pins, uint64_t pa, uint32_t val);
/* Pinned, and neither given back nor dead? */
bool pin_usable(uint32_t word);
/* The alias page that stands for a virtual page now, or 0. */
uint64_t pin_current_alias(struct pins *pins, uint64_t uva);
/* The pinned page that stands for virtual page `uva` now, or 0. */
uint64_t pin_live_page(struct pins *pins, uint64_t uva);
/* Give back the parts of pages that lost their last pin. */
void pins_reap_parts(struct pins *pins);
void pins_fini_parts(struct pins *pins);
/* Drop the alias runs that nothing refers to any more. */
void pin_trim_aliases(struct pins *pins);
/* Before [first, last] is replaced: keep what of it is shared. */
void pins_keep_shared(struct pins *pins, uint64_t first, uint64_t last);
/* The last pin of a kept page goes. */
void pin_drop_kept(struct pins *pins, uint64_t pa);
void pins_kept_fini(struct pins *pins);

#endif /* MACHINE_PINS_PRIVATE_H */
