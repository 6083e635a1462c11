/* SPDX-License-Identifier: BSD-2-Clause */
/* See spec_walk.h.  DDI 0487 D8.2 and D8.3. */
#include "spec_walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lowest address bit of each level's index: [granule][level + 1]. */
static unsigned int low_bit(unsigned int granule, int level)
{
	static const unsigned int k4[] = { 48, 39, 30, 21, 12 };
	static const unsigned int k16[] = { 63, 47, 36, 25, 14 };
	static const unsigned int k64[] = { 63, 63, 42, 29, 16 };

	return granule == 12   ? k4[level + 1]
	       : granule == 14 ? k16[level + 1]
			       : k64[level + 1];
}

/* Entries of one contiguous group; 1: none. */
static unsigned int group_of(unsigned int granule, int level)
{
	static const unsigned int k4[] = { 1, 1, 16, 16, 16 };
	static const unsigned int k16[] = { 1, 1, 1, 32, 128 };
	static const unsigned int k64[] = { 1, 1, 1, 32, 32 };

	return granule == 12   ? k4[level + 1]
	       : granule == 14 ? k16[level + 1]
			       : k64[level + 1];
}

static void bad(const char *what, uint64_t iova, int level, uint64_t word)
{
	fprintf(stderr, "bad table: %s (iova %#llx level %d word %#llx)\n",
		what, (unsigned long long)iova, level,
		(unsigned long long)word);
	abort();
}

static uint64_t address_of(const struct spec_table *t, uint64_t word)
{
	if (t->ds)
		return (word & (t->granule == 12 ? 0x3fffffffff000
						 : 0x3ffffffffc000)) |
		       (word & 0x300) << 42;
	switch (t->granule) {
	case 12:
		return word & 0x0000fffffffff000;
	case 14:
		return word & 0x0000ffffffffc000;
	default:
		return (word & 0x0000ffffffff0000) | (word & 0xf000) << 36;
	}
}

uint64_t spec_address(const struct spec_table *t, uint64_t word)
{
	return address_of(t, word);
}

static uint32_t prot_s1(uint64_t word)
{
	unsigned int ap = word >> 6 & 3, attr = word >> 2 & 7;
	uint32_t prot = UIOMMU_PROT_READ;

	if (ap < 2 || word >> 51 & 1)
		prot |= UIOMMU_PROT_WRITE;
	if ((ap & 1) == 0)
		prot |= UIOMMU_PROT_PRIV;
	if (ap & 1 ? !(word >> 54 & 1) : !(word >> 53 & 1))
		prot |= UIOMMU_PROT_EXEC;
	/* Attr0 0x44, Attr1 0xff, Attr2 0x04: as info.mair says. */
	if (attr == 1)
		prot |= UIOMMU_PROT_CACHE;
	else if (attr == 2)
		prot |= UIOMMU_PROT_MMIO;
	return prot;
}

static uint32_t prot_s2(uint64_t word)
{
	unsigned int attr = word >> 2 & 15;
	uint32_t prot = 0;

	if (word >> 6 & 1)
		prot |= UIOMMU_PROT_READ;
	if (word >> 7 & 1 || word >> 51 & 1)
		prot |= UIOMMU_PROT_WRITE;
	if ((word >> 53 & 3) == 0)
		prot |= UIOMMU_PROT_EXEC;
	if (attr == 15)
		prot |= UIOMMU_PROT_CACHE;
	else if (attr == 1)
		prot |= UIOMMU_PROT_MMIO;
	return prot;
}

static uint64_t slot_word(const struct spec_table *t, uint64_t pa,
			  uint64_t iova, int level)
{
	uint64_t word;

	if (!test_platform_hw_read64(t->tp, pa, &word))
		bad("table not alive", iova, level, pa);
	return word;
}

/* All slots of the group map alike, side by side; lg2 of its entries. */
static unsigned int check_group(const struct spec_table *t, uint64_t slot_pa,
				uint64_t word, uint64_t iova, int level)
{
	unsigned int nr = group_of(t->granule, level), lg2 = 0;
	unsigned int at = slot_pa / 8 % nr, low = low_bit(t->granule, level);
	uint64_t first = address_of(t, word) - ((uint64_t)at << low), other;
	uint64_t attrs = word ^ (word & 0xffffffff0000 & ~0xfffull);

	if (nr == 1)
		bad("contiguous where there are no groups", iova, level, word);
	while (1u << lg2 < nr)
		lg2++;
	if (first & (((uint64_t)nr << low) - 1))
		bad("group is not aligned", iova, level, word);
	for (unsigned int i = 0; i < nr; i++) {
		other = slot_word(t, slot_pa + 8 * ((uint64_t)i - at), iova,
				  level);
		if (!(other & 1) || !(other >> 52 & 1) ||
		    address_of(t, other) != first + ((uint64_t)i << low) ||
		    (other >> 53) != (word >> 53) ||
		    (other & 0xcff) != (attrs & 0xcff))
			bad("group is torn", iova, level, other);
	}
	return lg2;
}

/* A leaf or nothing; aborts on what must not be there. */
static bool decode(const struct spec_table *t, uint64_t word, uint64_t iova,
		   int level, uint64_t slot_pa, struct spec_leaf *leaf)
{
	unsigned int low = low_bit(t->granule, level);
	int first_block = t->granule == 12 ? 1 : 2;

	if (t->ds || (t->granule == 16 && t->oas52))
		first_block--;
	if (!(word & 1))
		return false;
	if (level == 3 && (word & 3) != 3)
		bad("reserved kind at level 3", iova, level, word);
	if (level < first_block)
		bad("block where there is none", iova, level, word);
	if (!(word >> 10 & 1))
		bad("access flag clear", iova, level, word);
	if (word >> 56 & 7 && !t->midway)
		bad("bookkeeping left", iova, level, word);
	leaf->word = word;
	leaf->level = level;
	leaf->size_lg2 = low;
	leaf->cached_lg2 = low;
	leaf->slot_pa = slot_pa;
	if (word >> 52 & 1 && !t->no_group && !t->midway)
		leaf->cached_lg2 += check_group(t, slot_pa, word, iova, level);
	leaf->iova = iova >> low << low;
	leaf->pa = address_of(t, word);
	if (leaf->pa & (((uint64_t)1 << low) - 1))
		bad("address bits below the block's size", iova, level, word);
	leaf->prot = t->stage == 1 ? prot_s1(word) : prot_s2(word);
	leaf->dbm = word >> 51 & 1;
	leaf->dirty = leaf->dbm && (word >> 7 & 1) == (t->stage == 2);
	return true;
}

bool spec_walk(const struct spec_table *t, uint64_t iova,
	       struct spec_leaf *leaf)
{
	uint64_t table = t->root, word, idx;

	for (int level = t->start_level;; level++) {
		idx = iova >> low_bit(t->granule, level);
		if (level > t->start_level)
			idx &= (1u << (t->granule - 3)) - 1;
		word = slot_word(t, table + 8 * idx, iova, level);
		if (level == 3 || (word & 3) != 3)
			return decode(t, word, iova, level, table + 8 * idx,
				      leaf);
		if (word >> 56 & 7 && !t->midway)
			bad("bookkeeping left", iova, level, word);
		table = address_of(t, word);
	}
}

static void dump_table(const struct spec_table *t, uint64_t table, int level,
		       uint64_t base, uint64_t entries, struct spec_dump *d)
{
	unsigned int low = low_bit(t->granule, level);
	struct spec_leaf leaf;
	uint64_t word, iova;

	for (uint64_t i = 0; i < entries; i++) {
		iova = base + (i << low);
		word = slot_word(t, table + 8 * i, iova, level);
		if (level < 3 && (word & 3) == 3) {
			d->pointers =
				realloc(d->pointers, (d->nr_pointers + 2) * 8);
			d->pointers[d->nr_pointers++] = table + 8 * i;
			d->pointers[d->nr_pointers++] = word;
			dump_table(t, address_of(t, word), level + 1, iova,
				   1u << (t->granule - 3), d);
		} else if (decode(t, word, iova, level, table + 8 * i, &leaf)) {
			if ((d->nr_leaves & (d->nr_leaves - 1)) == 0)
				d->leaf = realloc(d->leaf,
						  2 * (d->nr_leaves + 1) *
							  sizeof(leaf));
			d->leaf[d->nr_leaves++] = leaf;
		}
	}
}

void spec_dump(const struct spec_table *t, struct spec_dump *d)
{
	memset(d, 0, sizeof(*d));
	dump_table(t, t->root, t->start_level, 0,
		   (uint64_t)1
			   << (t->ias - low_bit(t->granule, t->start_level)),
		   d);
}

void spec_dump_free(struct spec_dump *d)
{
	free(d->leaf);
	free(d->pointers);
}

bool spec_dump_same(const struct spec_dump *a, const struct spec_dump *b,
		    bool with_pointers)
{
	if (a->nr_leaves != b->nr_leaves)
		return false;
	for (size_t i = 0; i < a->nr_leaves; i++)
		if (a->leaf[i].iova != b->leaf[i].iova ||
		    a->leaf[i].word != b->leaf[i].word ||
		    a->leaf[i].level != b->leaf[i].level)
			return false;
	if (!with_pointers)
		return true;
	return a->nr_pointers == b->nr_pointers &&
	       (!a->nr_pointers ||
		!memcmp(a->pointers, b->pointers, 8 * a->nr_pointers));
}
