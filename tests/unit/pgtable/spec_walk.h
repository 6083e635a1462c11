/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spec_walk.h - a walker of its own, from the architecture's text, with the
 * bit positions typed as numbers.  Shares nothing with src/.
 */
#ifndef TESTS_SPEC_WALK_H
#define TESTS_SPEC_WALK_H

#include <uiommu/pgtable.h>

#include "test_platform.h"

struct spec_table {
	struct test_platform *tp; /* memory as the hardware sees it */
	uint64_t root;
	unsigned int stage;
	unsigned int granule; /* log2 */
	unsigned int ias;
	int start_level;
	bool ds;       /* 4K and 16K: layout for 52 bits */
	bool oas52;    /* 64K: output addresses of 52 bits */
	bool no_group; /* contiguous bits are not looked at */
	bool midway;   /* nor are they, and notes of a change may stand */
};

struct spec_leaf {
	uint64_t iova; /* where the leaf begins */
	uint64_t pa;   /* of the leaf's first byte */
	uint64_t word;
	uint32_t prot; /* what the hardware allows, UIOMMU_PROT_* */
	int level;
	unsigned int size_lg2;
	unsigned int cached_lg2; /* what the hardware may keep at once */
	bool dbm;
	bool dirty;	  /* with dbm: written to */
	uint64_t slot_pa; /* where the word stands */
};

/* True and *leaf if something is mapped at `iova`.  Aborts on a bad table. */
bool spec_walk(const struct spec_table *table, uint64_t iova,
	       struct spec_leaf *leaf);

/* The address in a descriptor. */
uint64_t spec_address(const struct spec_table *table, uint64_t word);

/* Everything a table holds, in ascending order. */
struct spec_dump {
	struct spec_leaf *leaf;
	size_t nr_leaves;
	/* Words of all table descriptors: (address of the slot, word). */
	uint64_t *pointers;
	size_t nr_pointers;
};

void spec_dump(const struct spec_table *table, struct spec_dump *dump);
void spec_dump_free(struct spec_dump *dump);
bool spec_dump_same(const struct spec_dump *a, const struct spec_dump *b,
		    bool with_pointers);

#endif /* TESTS_SPEC_WALK_H */
