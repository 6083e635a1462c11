/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CD table of one device.  It belongs to that device alone, so writing it
 * concerns nobody else.
 *
 * Three forms, each grown from the one before when a PASID asks for it:
 *
 *   one CD	for accesses without PASID (S1CDMax 0)
 *   linear	one leaf of 64 CDs, or fewer if the device has fewer PASIDs
 *   two-level	leaves of 64 CDs (4 KiB) that appear with their first PASID and
 *		go with the last.  The leaf of the linear form becomes leaf 0.
 *
 * Where the SMMU has no two-level tables the linear form doubles.  A change of
 * form is one word of the STE: pointer, format and size stand together.  The
 * way back leads from any form to one CD, at the address where leaf 0 has it,
 * when the last PASID is gone; so taking a PASID away needs no memory.
 *
 * A live CD that cannot be changed by one store is never rewritten: its leaf is
 * copied, the copy changed, and the pointer to it swapped, in the level-1
 * descriptor or, for the linear forms, in the STE.  Both leaves say the same of
 * all other CDs, and dev->lock keeps other writers out, so it does not matter
 * which of them the hardware reads until it has been told to forget.
 *
 * Every change is prepared first, which may fail, and then made, where only the
 * hardware can.
 */
#include "cmd.h"
#include "entry.h"
#include "mutant.h"
#include "unit.h"

#define LEAF_LG2 SMMU_CD_4K_L2_SPLIT
/* Level-1 tables begin with as many entries as fit the least allocation. */
#define MIN_TWO_LEVEL_LG2 (LEAF_LG2 + 3)

/* --------------------------------------------------------------- memory -- */

static size_t leaf_bytes(const struct smmuv3_cdleaf *leaf)
{
	return (size_t)SMMU_CD_SIZE << leaf->lg2;
}

static struct smmuv3_cdleaf *leaf_alloc(struct smmuv3_unit *unit, uint8_t lg2)
{
	struct smmuv3_cdleaf *leaf;

	leaf = smmuv3_obj_alloc(unit,
				sizeof(*leaf) + (sizeof(leaf->dom[0]) << lg2));
	if (!leaf)
		return NULL;
	leaf->lg2 = lg2;
	leaf->cds = smmuv3_table_alloc(unit, leaf_bytes(leaf), &leaf->pa);
	if (!leaf->cds) {
		smmuv3_obj_free(unit, leaf);
		return NULL;
	}
	smmuv3_clean(unit, leaf->cds, leaf_bytes(leaf));
	return leaf;
}

static void leaf_free(struct smmuv3_unit *unit, struct smmuv3_cdleaf *leaf)
{
	if (!leaf)
		return;
	smmuv3_table_free(unit, leaf->cds, leaf_bytes(leaf));
	smmuv3_obj_free(unit, leaf);
}

/* A leaf with the CDs of another, and perhaps more room. */
static struct smmuv3_cdleaf *leaf_copy(struct smmuv3_unit *unit,
				       const struct smmuv3_cdleaf *old,
				       uint8_t lg2)
{
	struct smmuv3_cdleaf *leaf = leaf_alloc(unit, lg2);

	if (!leaf)
		return NULL;
	if (!DRIVER_MUTANT("cd: copy of a leaf"))
		memcpy(leaf->cds, old->cds, leaf_bytes(old));
	smmuv3_clean(unit, leaf->cds, leaf_bytes(old));
	memcpy(leaf->dom, old->dom, sizeof(old->dom[0]) << old->lg2);
	leaf->nr = old->nr;
	return leaf;
}

static struct smmuv3_cdtop *top_alloc(struct smmuv3_unit *unit,
				      uint32_t nr_leaves)
{
	struct smmuv3_cdtop *top;

	top = smmuv3_obj_alloc(unit,
			       sizeof(*top) + nr_leaves * sizeof(top->leaf[0]));
	if (!top)
		return NULL;
	top->nr_leaves = nr_leaves;
	if (nr_leaves == 1)
		return top;
	top->l1 = smmuv3_table_alloc(unit, nr_leaves * SMMU_L1CD_SIZE,
				     &top->l1_pa);
	if (!top->l1) {
		smmuv3_obj_free(unit, top);
		return NULL;
	}
	return top;
}

static void l1_free(struct smmuv3_unit *unit, struct smmuv3_cdtop *top)
{
	smmuv3_table_free(unit, top->l1, top->nr_leaves * SMMU_L1CD_SIZE);
	top->l1 = NULL;
}

/* Not its leaves. */
static void top_free(struct smmuv3_unit *unit, struct smmuv3_cdtop *top)
{
	if (!top)
		return;
	l1_free(unit, top);
	smmuv3_obj_free(unit, top);
}

/* Keep an object and the table memory that goes with it. */
static void keep(struct smmuv3_unit *unit, struct smmuv3_dead *dead, void *va,
		 size_t size)
{
	dead->va = va;
	dead->size = size;
	smmuv3_lock(unit, &unit->dead_lock);
	dead->next = unit->dead;
	unit->dead = dead;
	smmuv3_unlock(unit, &unit->dead_lock);
}

static void leaf_release(struct smmuv3_unit *unit, struct smmuv3_cdleaf *leaf,
			 bool sure)
{
	if (leaf && !sure)
		keep(unit, &leaf->dead, leaf->cds, leaf_bytes(leaf));
	else
		leaf_free(unit, leaf);
}

static void top_release(struct smmuv3_unit *unit, struct smmuv3_cdtop *top,
			bool sure)
{
	if (top && !sure)
		keep(unit, &top->dead, top->l1,
		     top->nr_leaves * SMMU_L1CD_SIZE);
	else
		top_free(unit, top);
}

void smmuv3_dead_free(struct smmuv3_unit *unit)
{
	struct smmuv3_dead *dead;

	while (unit->dead) {
		dead = unit->dead;
		unit->dead = dead->next;
		smmuv3_table_free(unit, dead->va, dead->size);
		smmuv3_obj_free(unit, dead);
	}
}

/* -------------------------------------------------------------- look-up -- */

static bool two_level(const struct smmuv3_cdtab *tab)
{
	return tab->top && tab->top->l1 && tab->lg2 > LEAF_LG2;
}

static uint32_t slot_of(const struct smmuv3_cdtab *tab, uint32_t index)
{
	return two_level(tab) ? index >> LEAF_LG2 : 0;
}

static uint32_t index_in_leaf(const struct smmuv3_cdtab *tab, uint32_t index)
{
	return two_level(tab) ? index & mask_lg2(LEAF_LG2) : index;
}

static struct smmuv3_cdleaf *leaf_of(const struct smmuv3_cdtab *tab,
				     uint32_t index)
{
	if (!tab->top || index >> tab->lg2)
		return NULL;
	return tab->top->leaf[slot_of(tab, index)];
}

static le64_t *cd_of(const struct smmuv3_cdtab *tab, uint32_t index)
{
	return leaf_of(tab, index)->cds +
	       (size_t)index_in_leaf(tab, index) * SMMU_CD_QWORDS;
}

struct smmuv3_dom *smmuv3_cdtab_dom(const struct smmuv3_cdtab *tab,
				    uint32_t index)
{
	struct smmuv3_cdleaf *leaf = leaf_of(tab, index);

	return leaf ? leaf->dom[index_in_leaf(tab, index)] : NULL;
}

struct smmuv3_dom *smmuv3_cdtab_next(const struct smmuv3_cdtab *tab,
				     uint32_t *index)
{
	struct smmuv3_cdleaf *leaf;

	while (tab->top && !(*index >> tab->lg2)) {
		leaf = leaf_of(tab, *index);
		if (leaf && leaf->dom[index_in_leaf(tab, *index)])
			return leaf->dom[index_in_leaf(tab, *index)];
		/* An absent leaf is passed in one step. */
		*index = leaf ? *index + 1
			      : align_down_lg2(*index, LEAF_LG2) +
					 BIT32(LEAF_LG2);
	}
	return NULL;
}

uint32_t smmuv3_cdtab_pasids(const struct smmuv3_cdtab *tab)
{
	return tab->nr - (smmuv3_cdtab_dom(tab, 0) != NULL);
}

void smmuv3_cdtab_describe(const struct smmuv3_cdtab *tab,
			   struct smmuv3_ste_s1_cfg *s1)
{
	s1->s1cdmax = tab->lg2;
	if (two_level(tab)) {
		s1->s1fmt = SMMU_STE_S1FMT_4K_L2;
		s1->cdtab = tab->top->l1_pa;
	} else {
		s1->s1fmt = SMMU_STE_S1FMT_LINEAR;
		s1->cdtab = tab->top->leaf[0]->pa;
	}
}

/* ---------------------------------------------------- writing live CDs -- */

/* Context of the entry writer: whose CD it is. */
struct cd_ctx {
	struct smmuv3_dev *dev;
	le64_t *cd;
	uint32_t index;
};

static struct smmuv3_unit *unit_of(const struct smmuv3_dev *dev)
{
	return to_smmuv3_unit(dev->hwdev.unit);
}

static void cd_store(void *ctx, unsigned int i, le64_t value)
{
	struct cd_ctx *c = ctx;

	if ((DRIVER_MUTANT("cd: store of word 0") && i == 0) ||
	    (DRIVER_MUTANT("cd: store of word 1") && i == 1))
		return;
	smmuv3_store(unit_of(c->dev), &c->cd[i], value);
}

static int cd_sync(void *ctx)
{
	struct cd_ctx *c = ctx;
	struct smmuv3_batch batch;
	unsigned int i;

	smmuv3_batch_init(&batch, &unit_of(c->dev)->cmdq);
	for (i = 0; i < c->dev->nr_ids; i++)
		if (!DRIVER_MUTANT("cd: CFGI_CD"))
			smmuv3_batch_add(&batch,
					 smmuv3_make_cfgi_cd(c->dev->ids[i],
							     c->index, true));
	return smmuv3_batch_sync(&batch);
}

static const struct smmuv3_entry_ops cd_ops = {
	.used = smmuv3_cd_used,
	.store = cd_store,
	.sync = cd_sync,
};

/* A CD that the hardware does not look at. */
static void put_hidden(struct smmuv3_unit *unit, struct smmuv3_cdleaf *leaf,
		       uint32_t at, struct smmuv3_dom *dom,
		       const struct smmu_cd *cd)
{
	le64_t *words = leaf->cds + (size_t)at * SMMU_CD_QWORDS;
	unsigned int i;

	for (i = SMMU_CD_QWORDS; i-- > 0;)
		if (!DRIVER_MUTANT("cd: stores before it is shown"))
			smmuv3_store(unit, &words[i], cpu_to_le64(cd->q[i]));
	leaf->nr += !leaf->dom[at];
	leaf->dom[at] = dom;
}

/* Whatever the hardware makes of it from now on, it is invalid. */
static void invalidate(struct smmuv3_unit *unit, struct smmuv3_cdleaf *leaf,
		       uint32_t at)
{
	le64_t *word = leaf->cds + (size_t)at * SMMU_CD_QWORDS;

	if (!DRIVER_MUTANT("cd: store of an invalid one"))
		smmuv3_store(unit, word,
			     cpu_to_le64(le64_to_cpu(*word) & ~SMMU_CD_0_V));
	leaf->nr -= leaf->dom[at] != NULL;
	leaf->dom[at] = NULL;
}

static le64_t l1_desc(const struct smmuv3_cdleaf *leaf)
{
	return cpu_to_le64(
		leaf ? SMMU_L1CD_V | (leaf->pa & SMMU_L1CD_L2PTR_ADDR) : 0);
}

/* ------------------------------------------------------------ preparing -- */

/* S1CDMax for a table that holds `index` too. */
static uint8_t wanted_lg2(const struct smmuv3_dev *dev, uint32_t index)
{
	const struct smmuv3_cdtab *tab = &dev->cdtab;
	uint8_t need = index ? ilog2_u64(index) + 1 : 0;

	if (tab->top && !(index >> tab->lg2))
		return tab->lg2;
	if (!index)
		return 0;
	if (dev->pasid_bits <= LEAF_LG2)
		return dev->pasid_bits;
	if (need <= LEAF_LG2)
		return LEAF_LG2;
	if (!unit_of(dev)->feat.cd2l)
		return need;
	return min_u64(dev->pasid_bits, max_u64(need, MIN_TWO_LEVEL_LG2));
}

/* A top for the new form, with the leaves of the old one. */
static int plan_top(struct smmuv3_unit *unit, const struct smmuv3_cdtab *tab,
		    struct smmuv3_cdplan *plan, bool two)
{
	uint32_t nr = two ? BIT32(plan->next.lg2 - LEAF_LG2) : 1;
	const struct smmuv3_cdtop *old = tab->top;
	struct smmuv3_cdtop *top;
	uint32_t i;

	top = top_alloc(unit, nr);
	if (!top)
		return -ENOMEM;
	for (i = 0; old && i < min_u64(nr, old->nr_leaves); i++)
		top->leaf[i] = old->leaf[i];
	plan->next.top = top;
	return 0;
}

/* The level-1 table of a new top is filled before anything points to it. */
static void fill_l1(struct smmuv3_unit *unit, const struct smmuv3_cdtop *top)
{
	uint32_t i;

	if (!top->l1)
		return;
	for (i = 0; i < top->nr_leaves; i++)
		if (!DRIVER_MUTANT("cd: level-1 table of a new form"))
			top->l1[i] = l1_desc(top->leaf[i]);
	smmuv3_clean(unit, top->l1, top->nr_leaves * SMMU_L1CD_SIZE);
}

/* No table yet, or one that is too small: the STE will tell of the new one. */
static int plan_growth(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan)
{
	struct smmuv3_unit *unit = unit_of(dev);
	const struct smmuv3_cdtab *tab = &dev->cdtab;
	struct smmuv3_cdleaf *leaf0 = tab->top ? tab->top->leaf[0] : NULL;
	bool two = unit->feat.cd2l && plan->next.lg2 > LEAF_LG2;
	uint8_t leaf_lg2 = two ? LEAF_LG2 : plan->next.lg2;
	struct smmuv3_cdtop *top;
	uint32_t slot;
	int rc;

	plan->way = SMMUV3_CD_STE;
	rc = plan_top(unit, tab, plan, two);
	if (rc)
		return rc;
	top = plan->next.top;
	if (leaf0 && leaf0->lg2 < leaf_lg2) {
		plan->first = leaf_copy(unit, leaf0, leaf_lg2);
		if (!plan->first)
			return -ENOMEM;
		plan->replaced = leaf0;
		top->leaf[0] = plan->first;
	}
	slot = slot_of(&plan->next, plan->index);
	if (!top->leaf[slot]) {
		plan->fresh = leaf_alloc(unit, leaf_lg2);
		if (!plan->fresh)
			return -ENOMEM;
		top->leaf[slot] = plan->fresh;
	}
	return 0;
}

/* A live CD that no store can change: a copy of its leaf takes its place. */
static int plan_copy(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan,
		     struct smmuv3_cdleaf *leaf)
{
	struct smmuv3_unit *unit = unit_of(dev);

	plan->fresh = leaf_copy(unit, leaf, leaf->lg2);
	if (!plan->fresh)
		return -ENOMEM;
	plan->replaced = leaf;
	if (two_level(&dev->cdtab)) {
		plan->way = SMMUV3_CD_LEAF;
		return 0;
	}
	plan->way = SMMUV3_CD_STE;
	if (plan_top(unit, &dev->cdtab, plan, false))
		return -ENOMEM;
	plan->next.top->leaf[0] = plan->fresh;
	return 0;
}

static int plan_set(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan)
{
	const struct smmuv3_cdtab *tab = &dev->cdtab;
	struct smmuv3_cdleaf *leaf = leaf_of(tab, plan->index);

	plan->next.lg2 = wanted_lg2(dev, plan->index);
	plan->next.nr += !plan->was;
	if (!tab->top || plan->next.lg2 != tab->lg2)
		return plan_growth(dev, plan);
	if (!leaf) {
		plan->way = SMMUV3_CD_LEAF;
		plan->fresh = leaf_alloc(unit_of(dev), LEAF_LG2);
		return plan->fresh ? 0 : -ENOMEM;
	}
	plan->way = SMMUV3_CD_WRITE;
	if (smmuv3_entry_way(&cd_ops, cd_of(tab, plan->index), plan->cd.q) ==
	    SMMUV3_ENTRY_NO_WAY)
		return plan_copy(dev, plan, leaf);
	return 0;
}

static void plan_clear(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan)
{
	const struct smmuv3_cdtab *tab = &dev->cdtab;
	struct smmuv3_cdleaf *leaf = leaf_of(tab, plan->index);
	const le64_t *cd;
	unsigned int i;

	plan->next.nr -= plan->was != NULL;
	if (!tab->top)
		return;
	if (!plan->next.nr) {
		plan->way = SMMUV3_CD_STE;
		memset(&plan->next, 0, sizeof(plan->next));
		return;
	}
	if (plan->next.nr == tab->nr)
		return;
	if (plan->next.nr == 1 && plan->index && smmuv3_cdtab_dom(tab, 0)) {
		plan->way = SMMUV3_CD_STE;
		plan->next.lg2 = 0;
		return;
	}
	if (two_level(tab) && leaf->nr == 1) {
		plan->way = SMMUV3_CD_LEAF;
		plan->replaced = leaf;
		return;
	}
	plan->way = SMMUV3_CD_WRITE;
	/* The other words count for nobody without V; they may stay. */
	cd = cd_of(tab, plan->index);
	for (i = 0; i < SMMU_CD_QWORDS; i++)
		plan->cd.q[i] = le64_to_cpu(cd[i]);
	plan->cd.q[0] &= ~SMMU_CD_0_V;
}

int smmuv3_cdtab_prepare(struct smmuv3_dev *dev, uint32_t index,
			 struct smmuv3_dom *dom, const struct smmu_cd *cd,
			 struct smmuv3_cdplan *plan)
{
	struct smmuv3_unit *unit = unit_of(dev);
	int rc;

	memset(plan, 0, sizeof(*plan));
	plan->way = SMMUV3_CD_SAME;
	plan->index = index;
	plan->dom = dom;
	plan->was = smmuv3_cdtab_dom(&dev->cdtab, index);
	plan->next = dev->cdtab;
	if (!dom) {
		plan_clear(dev, plan);
		return 0;
	}
	plan->cd = *cd;
	rc = plan_set(dev, plan);
	if (rc) {
		smmuv3_cdtab_cancel(dev, plan);
		return rc;
	}
	if (plan->fresh)
		put_hidden(unit, plan->fresh, index_in_leaf(&plan->next, index),
			   dom, cd);
	if (plan->next.top != dev->cdtab.top)
		fill_l1(unit, plan->next.top);
	return 0;
}

void smmuv3_cdtab_cancel(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan)
{
	struct smmuv3_unit *unit = unit_of(dev);

	leaf_free(unit, plan->fresh);
	leaf_free(unit, plan->first);
	if (plan->next.top != dev->cdtab.top)
		top_free(unit, plan->next.top);
}

/* --------------------------------------------------------------- making -- */

/* Another leaf, or none, in the place of one. */
static int commit_leaf(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan)
{
	struct smmuv3_unit *unit = unit_of(dev);
	struct smmuv3_cdtop *top = dev->cdtab.top;
	uint32_t slot = slot_of(&dev->cdtab, plan->index);
	struct smmuv3_batch batch;
	struct smmu_cmd cmd;
	unsigned int i;

	top->leaf[slot] = plan->fresh;
	if (!DRIVER_MUTANT("cd: level-1 store"))
		smmuv3_store(unit, &top->l1[slot], l1_desc(plan->fresh));
	smmuv3_batch_init(&batch, &unit->cmdq);
	for (i = 0; i < dev->nr_ids; i++) {
		/* Of a leaf that was not there nothing can be known. */
		cmd = plan->replaced ? smmuv3_make_cfgi_cd_all(dev->ids[i])
				     : smmuv3_make_cfgi_cd(dev->ids[i],
							   plan->index, false);
		if (!DRIVER_MUTANT("cd: CFGI of a leaf"))
			smmuv3_batch_add(&batch, cmd);
	}
	return smmuv3_batch_sync(&batch);
}

int smmuv3_cdtab_commit(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan)
{
	struct smmuv3_cdleaf *leaf;
	struct cd_ctx ctx;
	int rc;

	switch (plan->way) {
	case SMMUV3_CD_WRITE:
		ctx = (struct cd_ctx){ dev, cd_of(&dev->cdtab, plan->index),
				       plan->index };
		rc = smmuv3_entry_write(&cd_ops, &ctx, ctx.cd, plan->cd.q);
		UIOMMU_ASSERT(rc != -EBUSY);
		return rc;
	case SMMUV3_CD_LEAF:
		return commit_leaf(dev, plan);
	case SMMUV3_CD_STE:
		/* Room that the STE in force does not tell of. */
		if (plan->dom && !plan->fresh) {
			leaf = leaf_of(&plan->next, plan->index);
			put_hidden(unit_of(dev), leaf,
				   index_in_leaf(&plan->next, plan->index),
				   plan->dom, &plan->cd);
		}
		return 0;
	default:
		return 0;
	}
}

/* Leaves but number 0, of a top that shrinks to one CD. */
static void shrink(struct smmuv3_unit *unit, struct smmuv3_cdtop *top,
		   bool sure)
{
	uint32_t i;

	for (i = 1; i < top->nr_leaves; i++) {
		leaf_release(unit, top->leaf[i], sure);
		top->leaf[i] = NULL;
	}
}

/* The bookkeeping of a change that was written in place. */
static void note_in_place(struct smmuv3_cdplan *plan,
			  const struct smmuv3_cdtab *tab)
{
	struct smmuv3_cdleaf *leaf = leaf_of(tab, plan->index);
	uint32_t at = index_in_leaf(tab, plan->index);

	leaf->nr += (plan->dom != NULL) - (leaf->dom[at] != NULL);
	leaf->dom[at] = plan->dom;
}

/* Adopt the next table; what only the old one had goes. */
static void adopt(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan, bool sure)
{
	struct smmuv3_unit *unit = unit_of(dev);
	struct smmuv3_cdtop *old = dev->cdtab.top;

	if (plan->way == SMMUV3_CD_STE && old && !plan->next.top) {
		shrink(unit, old, sure);
		leaf_release(unit, old->leaf[0], sure);
	}
	leaf_release(unit, plan->replaced, sure);
	if (old != plan->next.top)
		top_release(unit, old, sure);
	dev->cdtab = plan->next;
}

void smmuv3_cdtab_finish(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan)
{
	struct smmuv3_unit *unit = unit_of(dev);
	bool shrinks = plan->way == SMMUV3_CD_STE && plan->next.top &&
		       plan->next.lg2 < dev->cdtab.lg2;
	struct smmuv3_cdleaf *leaf;

	if (plan->way == SMMUV3_CD_WRITE)
		note_in_place(plan, &dev->cdtab);
	if (shrinks) {
		/* Before the index has lost its meaning. */
		leaf = leaf_of(&dev->cdtab, plan->index);
		invalidate(unit, leaf, index_in_leaf(&dev->cdtab, plan->index));
		shrink(unit, dev->cdtab.top, true);
		l1_free(unit, dev->cdtab.top);
		dev->cdtab.top->nr_leaves = 1;
	}
	adopt(dev, plan, true);
}

void smmuv3_cdtab_abandon(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan,
			  bool sure)
{
	struct smmuv3_unit *unit = unit_of(dev);
	struct smmuv3_cdtab *tab = &dev->cdtab;
	uint32_t nr = tab->nr - (plan->was != NULL);

	if (plan->way == SMMUV3_CD_SAME)
		return;
	/* It did not come to that: the leaf is in the table still. */
	if (plan->way == SMMUV3_CD_LEAF &&
	    leaf_of(tab, plan->index) == plan->replaced)
		plan->replaced = NULL;
	if (plan->was && plan->replaced)
		invalidate(unit, plan->replaced,
			   index_in_leaf(tab, plan->index));
	else if (plan->was || plan->way == SMMUV3_CD_WRITE)
		invalidate(unit, leaf_of(tab, plan->index),
			   index_in_leaf(tab, plan->index));
	if (plan->dom && plan->way != SMMUV3_CD_WRITE)
		invalidate(unit, leaf_of(&plan->next, plan->index),
			   index_in_leaf(&plan->next, plan->index));
	/* What would become smaller may stay. */
	if (plan->next.top == tab->top)
		plan->next = *tab;
	plan->next.nr = nr;
	adopt(dev, plan, sure);
}

void smmuv3_cdtab_fini(struct smmuv3_dev *dev, bool sure)
{
	struct smmuv3_cdplan none = { .way = SMMUV3_CD_STE };

	adopt(dev, &none, sure);
}
