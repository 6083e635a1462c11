/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stream table: which STE belongs to a StreamID, and which device.
 *
 * Two levels where the hardware has them and there are more StreamIDs than one
 * leaf holds; leaves of 256 entries appear when the first device in their
 * range does, and stay until the unit goes.  Else one linear leaf from the
 * start.  A fresh leaf is full of valid abort entries before the hardware can
 * see it, so an unknown StreamID in a known range is stopped silently, and one
 * in an unknown range with a C_BAD_STREAMID record.
 *
 * Beside each leaf stands an array of device pointers of the same length.  It
 * is written under dev_lock and read without: events find their device there.
 */
#include "cmd.h"
#include "hw/smmuv3/regs.h"
#include "mutant.h"
#include "unit.h"

/* Level-1 tables of 2^17 entries are 1 MiB; larger ones serve nobody. */
#define MAX_TWO_LEVEL_BITS (17u + SMMUV3_SPLIT)
/* A linear table of 2^17 entries is 8 MiB. */
#define MAX_LINEAR_BITS 17u

bool smmuv3_can_reach(const struct smmuv3_unit *unit, uiommu_pa_t pa,
		      size_t size)
{
	if (!((pa + size - 1) >> unit->feat.oas))
		return true;
	smmuv3_log(unit->unit.platform, UIOMMU_LOG_ERROR,
		   "memory at %llx is beyond the output size (%u bits)",
		   (unsigned long long)pa, unit->feat.oas);
	return false;
}

void *smmuv3_table_alloc(const struct smmuv3_unit *unit, size_t size,
			 uiommu_pa_t *pa)
{
	const struct uiommu_platform *p = unit->unit.platform;
	void *va;

	if (size < 64)
		size = 64;
	va = p->table_alloc(p->ctx, size, pa);
	if (!va)
		return NULL;
	if (!smmuv3_can_reach(unit, *pa, size)) {
		p->table_free(p->ctx, va, size);
		return NULL;
	}
	memset(va, 0, size);
	return va;
}

void smmuv3_table_free(const struct smmuv3_unit *unit, void *va, size_t size)
{
	const struct uiommu_platform *p = unit->unit.platform;

	if (va)
		p->table_free(p->ctx, va, size < 64 ? 64 : size);
}

void smmuv3_store(const struct smmuv3_unit *unit, le64_t *word, le64_t value)
{
	store_release(&word->raw, value.raw);
	if (!DRIVER_MUTANT("store: clean"))
		smmuv3_clean(unit, word, sizeof(*word));
}

/* -------------------------------------------------------------- leaves -- */

static void leaf_free(struct smmuv3_unit *unit, struct smmuv3_leaf *leaf)
{
	size_t nr = (size_t)1 << unit->strtab.leaf_lg2;

	if (!leaf)
		return;
	smmuv3_table_free(unit, leaf->stes, nr * SMMU_STE_SIZE);
	smmuv3_obj_free(unit, leaf->devs);
	smmuv3_obj_free(unit, leaf);
}

static void leaf_fill(struct smmuv3_unit *unit, struct smmuv3_leaf *leaf)
{
	size_t nr = (size_t)1 << unit->strtab.leaf_lg2, i;
	struct smmu_ste ste;

	smmuv3_make_ste_abort(&ste);
	for (i = 0; i < nr * SMMU_STE_QWORDS; i++)
		leaf->stes[i] = cpu_to_le64(ste.q[i % SMMU_STE_QWORDS]);
	smmuv3_clean(unit, leaf->stes, nr * SMMU_STE_SIZE);
}

static struct smmuv3_leaf *leaf_alloc(struct smmuv3_unit *unit)
{
	size_t nr = (size_t)1 << unit->strtab.leaf_lg2;
	struct smmuv3_leaf *leaf;

	leaf = smmuv3_obj_alloc(unit, sizeof(*leaf));
	if (!leaf)
		return NULL;
	leaf->devs = smmuv3_obj_alloc(unit, nr * sizeof(struct smmuv3_dev *));
	if (!leaf->devs)
		goto err_leaf;
	leaf->stes = smmuv3_table_alloc(unit, nr * SMMU_STE_SIZE, &leaf->pa);
	if (!leaf->stes)
		goto err_devs;
	leaf_fill(unit, leaf);
	return leaf;

err_devs:
	smmuv3_obj_free(unit, leaf->devs);
err_leaf:
	smmuv3_obj_free(unit, leaf);
	return NULL;
}

static uint32_t leaf_index(const struct smmuv3_strtab *tab, uint32_t sid)
{
	return sid >> tab->leaf_lg2;
}

static uint32_t index_in_leaf(const struct smmuv3_strtab *tab, uint32_t sid)
{
	return sid & mask_lg2(tab->leaf_lg2);
}

/* ------------------------------------------------------------- look-up -- */

le64_t *smmuv3_strtab_ste(struct smmuv3_unit *unit, uint32_t sid)
{
	const struct smmuv3_strtab *tab = &unit->strtab;
	struct smmuv3_leaf *leaf;

	leaf = load_acquire(&tab->leaves[leaf_index(tab, sid)]);
	return leaf->stes + (size_t)index_in_leaf(tab, sid) * SMMU_STE_QWORDS;
}

struct smmuv3_dev *smmuv3_strtab_dev(struct smmuv3_unit *unit, uint32_t sid)
{
	const struct smmuv3_strtab *tab = &unit->strtab;
	struct smmuv3_leaf *leaf;

	if ((uint64_t)sid >> tab->log2size)
		return NULL;
	leaf = load_acquire(&tab->leaves[leaf_index(tab, sid)]);
	if (!leaf)
		return NULL;
	return load_acquire(&leaf->devs[index_in_leaf(tab, sid)]);
}

void smmuv3_strtab_set_dev(struct smmuv3_unit *unit, uint32_t sid,
			   struct smmuv3_dev *dev)
{
	const struct smmuv3_strtab *tab = &unit->strtab;
	struct smmuv3_leaf *leaf = tab->leaves[leaf_index(tab, sid)];

	store_release(&leaf->devs[index_in_leaf(tab, sid)], dev);
}

/* -------------------------------------------------------------- growth -- */

static bool in_set(const struct smmuv3_leaf_set *set, uint32_t index)
{
	unsigned int i;

	for (i = 0; i < set->nr; i++)
		if (set->index[i] == index)
			return true;
	return false;
}

static void set_free(struct smmuv3_unit *unit, struct smmuv3_leaf_set *set)
{
	smmuv3_obj_free(unit, set->leaf);
	set->leaf = NULL;
	set->nr = 0;
}

int smmuv3_strtab_prepare(struct smmuv3_unit *unit, const uint32_t *ids,
			  unsigned int nr, struct smmuv3_leaf_set *set)
{
	const struct smmuv3_strtab *tab = &unit->strtab;
	struct smmuv3_leaf *leaf;
	uint32_t index;
	unsigned int i;

	set->nr = 0;
	set->leaf = smmuv3_obj_alloc(
		unit, nr * (sizeof(*set->leaf) + sizeof(*set->index)));
	if (!set->leaf)
		return -ENOMEM;
	set->index = (uint32_t *)(set->leaf + nr);

	for (i = 0; i < nr; i++) {
		index = leaf_index(tab, ids[i]);
		if (in_set(set, index))
			continue;
		leaf = tab->leaves[index];
		if (leaf && (leaf->told || !tab->l1))
			continue;
		set->leaf[set->nr] = leaf ? leaf : leaf_alloc(unit);
		if (!set->leaf[set->nr])
			goto err_discard;
		set->index[set->nr++] = index;
	}
	return 0;

err_discard:
	smmuv3_strtab_discard(unit, set);
	return -ENOMEM;
}

void smmuv3_strtab_discard(struct smmuv3_unit *unit,
			   struct smmuv3_leaf_set *set)
{
	unsigned int i;

	for (i = 0; i < set->nr; i++)
		if (!unit->strtab.leaves[set->index[i]])
			leaf_free(unit, set->leaf[i]);
	set_free(unit, set);
}

int smmuv3_strtab_install(struct smmuv3_unit *unit, struct smmuv3_leaf_set *set)
{
	struct smmuv3_strtab *tab = &unit->strtab;
	struct smmuv3_batch batch;
	unsigned int i, nr = set->nr;
	uint64_t desc;
	int rc = 0;

	smmuv3_batch_init(&batch, &unit->cmdq);
	for (i = 0; i < nr; i++) {
		store_release(&tab->leaves[set->index[i]], set->leaf[i]);
		desc = FIELD_PREP(SMMU_L1STD_SPAN, tab->leaf_lg2 + 1) |
		       (set->leaf[i]->pa & SMMU_L1STD_L2PTR_ADDR);
		if (!DRIVER_MUTANT("strtab: level-1 store"))
			smmuv3_store(unit, &tab->l1[set->index[i]],
				     cpu_to_le64(desc));
		/* The invalid descriptor may have been cached. */
		if (!DRIVER_MUTANT("strtab: CFGI of a level-1 descriptor"))
			smmuv3_batch_add(&batch,
					 smmuv3_make_cfgi_ste(
						 set->index[i] << tab->leaf_lg2,
						 false));
	}
	if (nr)
		rc = smmuv3_batch_sync(&batch);
	for (i = 0; i < nr; i++)
		set->leaf[i]->told = !rc;
	set_free(unit, set);
	return rc;
}

/* --------------------------------------------------------------- setup -- */

static void choose_shape(struct smmuv3_unit *unit)
{
	struct smmuv3_strtab *tab = &unit->strtab;
	uint8_t bits = unit->feat.sid_bits;
	uint8_t max;

	max = unit->feat.two_level ? MAX_TWO_LEVEL_BITS : MAX_LINEAR_BITS;
	tab->log2size = min_u64(bits, max);
	if (bits > max)
		smmuv3_log(unit->unit.platform, UIOMMU_LOG_WARN,
			   "only StreamIDs of %u of %u bits are used", max,
			   bits);
	tab->leaf_lg2 = unit->feat.two_level ? SMMUV3_SPLIT : tab->log2size;
}

static size_t nr_leaves(const struct smmuv3_strtab *tab)
{
	return (size_t)1 << (tab->log2size - tab->leaf_lg2);
}

int smmuv3_strtab_init(struct smmuv3_unit *unit)
{
	struct smmuv3_strtab *tab = &unit->strtab;

	choose_shape(unit);
	tab->leaves =
		smmuv3_obj_alloc(unit, nr_leaves(tab) * sizeof(*tab->leaves));
	if (!tab->leaves)
		return -ENOMEM;
	if (unit->feat.two_level) {
		tab->l1 = smmuv3_table_alloc(
			unit, nr_leaves(tab) * SMMU_L1STD_SIZE, &tab->l1_pa);
		if (!tab->l1)
			goto err_leaves;
	} else {
		tab->leaves[0] = leaf_alloc(unit);
		if (!tab->leaves[0])
			goto err_leaves;
	}
	return 0;

err_leaves:
	smmuv3_obj_free(unit, tab->leaves);
	return -ENOMEM;
}

void smmuv3_strtab_fini(struct smmuv3_unit *unit)
{
	struct smmuv3_strtab *tab = &unit->strtab;
	size_t i;

	for (i = 0; i < nr_leaves(tab); i++)
		leaf_free(unit, tab->leaves[i]);
	smmuv3_table_free(unit, tab->l1, nr_leaves(tab) * SMMU_L1STD_SIZE);
	smmuv3_obj_free(unit, tab->leaves);
}

void smmuv3_strtab_program(struct smmuv3_unit *unit)
{
	const struct smmuv3_strtab *tab = &unit->strtab;
	uiommu_pa_t base = tab->l1 ? tab->l1_pa : tab->leaves[0]->pa;
	uint32_t cfg;

	cfg = FIELD_PREP(SMMU_STRTAB_BASE_CFG_LOG2SIZE, tab->log2size);
	if (tab->l1)
		cfg |= FIELD_PREP(SMMU_STRTAB_BASE_CFG_FMT,
				  SMMU_STRTAB_BASE_CFG_FMT_2LVL) |
		       FIELD_PREP(SMMU_STRTAB_BASE_CFG_SPLIT, SMMUV3_SPLIT);
	smmuv3_write64(unit, SMMU_REG_STRTAB_BASE,
		       SMMU_STRTAB_BASE_RA | (base & SMMU_STRTAB_BASE_ADDR));
	smmuv3_write32(unit, SMMU_REG_STRTAB_BASE_CFG, cfg);
}
