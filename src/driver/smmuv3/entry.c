/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing entries that the hardware is using (IHI 0070 3.21.3).
 *
 * The hardware reads an entry word by word (64 bits), in any order and at any
 * time, and keeps what it read until a CFGI and SYNC.  So between two syncs it
 * may hold any mix of the values that each word had since the first of them.
 *
 * A bit is "used" by an entry if the hardware looks at it, given the entry's
 * used bits; the others can be changed unseen.  That gives three steps:
 *
 *   prepare  every bit that the new entry uses and the old one does not gets
 *	      its new value; sync.  Every mix still means the old entry.
 *   switch   if the words now differ from the target, in bits the target uses,
 *	      in one word only: store that word; sync.  The mix is the old or
 *	      the new one.
 *   clean    the words that still differ do so in bits the new entry does not
 *	      use; store them; sync.
 *
 * If more than one word would have to be switched, or the kind has a rule of
 * its own against the change, word 0 goes to a valid entry that aborts, which
 * uses word 0 only, and the same three steps lead from there to the target.  A
 * kind of entry without such a form is refused before the first store.  Nothing
 * is made invalid on the way.
 */
#include <uiommu/env.h>

#include "base/bits.h"
#include "entry.h"
#include "mutant.h"

#define QWORDS SMMUV3_ENTRY_QWORDS

/* A change under way. */
struct change {
	const struct smmuv3_entry_ops *ops;
	void *ctx;
	uint64_t now[QWORDS]; /* what memory holds */
	uint64_t target[QWORDS];
};

static void change_init(struct change *c, const struct smmuv3_entry_ops *ops,
			void *ctx, const le64_t *live, const uint64_t *target)
{
	unsigned int i;

	c->ops = ops;
	c->ctx = ctx;
	for (i = 0; i < QWORDS; i++) {
		c->now[i] = le64_to_cpu(live[i]);
		c->target[i] = target[i];
	}
}

/* What `prepare` leaves. */
static void prepared_words(const struct change *c, uint64_t prepared[QWORDS])
{
	uint64_t old_used[QWORDS], new_used[QWORDS], early;
	unsigned int i;

	c->ops->used(c->now, old_used);
	c->ops->used(c->target, new_used);
	for (i = 0; i < QWORDS; i++) {
		/* A word that is stored anyway takes all it can. */
		early = ~old_used[i];
		if (!((c->now[i] ^ c->target[i]) & new_used[i] & early))
			early = 0;
		prepared[i] = (c->now[i] & ~early) | (c->target[i] & early);
	}
}

/* Words that must be switched, as a bit mask. */
static unsigned int words_to_switch(const struct change *c,
				    const uint64_t prepared[QWORDS])
{
	uint64_t used[QWORDS];
	unsigned int i, mask = 0;

	c->ops->used(c->target, used);
	for (i = 0; i < QWORDS; i++)
		if ((prepared[i] ^ c->target[i]) & used[i])
			mask |= BIT32(i);
	return mask;
}

/* Store the words of `mask` that differ, then sync if there were any. */
static int store_words(struct change *c, const uint64_t words[QWORDS],
		       unsigned int mask)
{
	bool stored = false;
	unsigned int i;

	for (i = 0; i < QWORDS; i++) {
		if (!(mask & BIT32(i)) || c->now[i] == words[i])
			continue;
		c->ops->store(c->ctx, i, cpu_to_le64(words[i]));
		c->now[i] = words[i];
		stored = true;
	}
	if (DRIVER_MUTANT("entry: sync between the steps"))
		return 0;
	return stored ? c->ops->sync(c->ctx) : 0;
}

/* Prepare, switch, clean; at most one word is to be switched. */
static int write_hitless(struct change *c)
{
	uint64_t prepared[QWORDS];
	int rc;

	prepared_words(c, prepared);
	if (!DRIVER_MUTANT("entry: prepare before the switch")) {
		rc = store_words(c, prepared, ~0u);
		if (rc)
			return rc;
	}
	rc = store_words(c, c->target, words_to_switch(c, prepared));
	if (rc)
		return rc;
	/* What remains counts for nobody. */
	if (DRIVER_MUTANT("entry: clean after the switch"))
		return 0;
	return store_words(c, c->target, ~0u);
}

static int write_abort(struct change *c)
{
	uint64_t words[QWORDS];

	memcpy(words, c->now, sizeof(words));
	words[0] = c->ops->abort_q0;
	return store_words(c, words, 1);
}

static enum smmuv3_entry_way find_way(const struct change *c)
{
	uint64_t prepared[QWORDS];
	unsigned int mask;

	prepared_words(c, prepared);
	mask = words_to_switch(c, prepared);
	if (!mask)
		return SMMUV3_ENTRY_SAME;
	if (DRIVER_MUTANT("entry: several words never in place"))
		return SMMUV3_ENTRY_HITLESS;
	if (!(mask & (mask - 1)) &&
	    !(c->ops->indirect && c->ops->indirect(c->now, c->target)))
		return SMMUV3_ENTRY_HITLESS;
	return c->ops->abort_q0 ? SMMUV3_ENTRY_ABORT : SMMUV3_ENTRY_NO_WAY;
}

enum smmuv3_entry_way
smmuv3_entry_way(const struct smmuv3_entry_ops *ops, const le64_t *live,
		 const uint64_t target[SMMUV3_ENTRY_QWORDS])
{
	struct change c;

	change_init(&c, ops, NULL, live, target);
	return find_way(&c);
}

int smmuv3_entry_write(const struct smmuv3_entry_ops *ops, void *ctx,
		       const le64_t *live,
		       const uint64_t target[SMMUV3_ENTRY_QWORDS])
{
	struct change c;
	int rc;

	change_init(&c, ops, ctx, live, target);
	switch (find_way(&c)) {
	case SMMUV3_ENTRY_NO_WAY:
		return -EBUSY;
	case SMMUV3_ENTRY_ABORT:
		rc = write_abort(&c);
		if (rc)
			return rc;
		break;
	default:
		break;
	}
	return write_hitless(&c);
}

void smmuv3_entry_stop(const struct smmuv3_entry_ops *ops, void *ctx)
{
	UIOMMU_ASSERT(ops->abort_q0);
	ops->store(ctx, 0, cpu_to_le64(ops->abort_q0));
}
