/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.h - the one writer of live stream table entries and context
 * descriptors.
 */
#ifndef DRIVER_SMMUV3_ENTRY_H
#define DRIVER_SMMUV3_ENTRY_H

#include <uiommu/env.h>

#include "base/le.h"
#include "make.h"

/* What the writer needs to know and do for one kind of entry. */
struct smmuv3_entry_ops {
	/* Bits the hardware may look at: smmuv3_ste_used, smmuv3_cd_used. */
	void (*used)(const uint64_t entry[SMMUV3_ENTRY_QWORDS],
		     uint64_t used[SMMUV3_ENTRY_QWORDS]);
	/*
	 * Word 0 of a valid entry that stops every access whatever the other
	 * words hold, or 0 if the kind has none.
	 */
	uint64_t abort_q0;
	/*
	 * Must this change go through the abort form though the words would
	 * allow it?  NULL: never.
	 */
	bool (*indirect)(const uint64_t now[SMMUV3_ENTRY_QWORDS],
			 const uint64_t target[SMMUV3_ENTRY_QWORDS]);
	/*
	 * Store word `i` so that the hardware sees old or new, never a mix; in
	 * all copies of the entry, if several are kept equal.
	 */
	void (*store)(void *ctx, unsigned int i, le64_t value);
	/*
	 * Make the hardware forget its copies of the entry and wait.  -ETIMEDOUT
	 * or -EIO.
	 */
	int (*sync)(void *ctx);
};

/* How a change can be made. */
enum smmuv3_entry_way {
	SMMUV3_ENTRY_SAME,    /* nothing that counts changes */
	SMMUV3_ENTRY_HITLESS, /* old until one store, new from it on */
	SMMUV3_ENTRY_ABORT,   /* accesses are aborted on the way */
	SMMUV3_ENTRY_NO_WAY,  /* not in place: swap the pointer to a copy */
};

enum smmuv3_entry_way
smmuv3_entry_way(const struct smmuv3_entry_ops *ops, const le64_t *live,
		 const uint64_t target[SMMUV3_ENTRY_QWORDS]);

/*
 * Change the live entry into `target`.  The caller keeps other writers of the
 * entry out; `live` is read only, all stores go through the ops.  When it returns 0 the hardware uses the new entry only.
 *   -EBUSY	no way (above); nothing was stored
 *   -ETIMEDOUT, -EIO  a sync failed: the entry is somewhere on the way, and
 *		every state on the way is the old, the new or the abort entry
 */
int smmuv3_entry_write(const struct smmuv3_entry_ops *ops, void *ctx,
		       const le64_t *live,
		       const uint64_t target[SMMUV3_ENTRY_QWORDS]);

/*
 * Store the abort form over a live entry, without a sync: for hardware that
 * does not answer.  The kind must have one.
 */
void smmuv3_entry_stop(const struct smmuv3_entry_ops *ops, void *ctx);

#endif /* DRIVER_SMMUV3_ENTRY_H */
