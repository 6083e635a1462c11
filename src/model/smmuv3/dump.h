/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump.h - between the files that tell an instance's state as text: dump.c
 * (registers, queues, what waits), dump_tables.c (stream table, CD tables),
 * dump_walk.c (translation tables).
 *
 * They read as transactions do, by a view of the model without caches (tell.h),
 * and so leave no trace in it.
 */
#ifndef MODEL_SMMUV3_DUMP_H
#define MODEL_SMMUV3_DUMP_H

#include <uiommu/dump.h>

#include "msmmu.h"

/*
 * Work is bounded, whatever is in memory: so many words are read, so many lines
 * are told of one table.  Of what would be more lines their number and a digest
 * are told, so that two dumps are still different where the states are.
 */
#define DUMP_WORDS (UINT64_C(1) << 25)
#define DUMP_LINE_COST 64u /* what a line counts for, in words */
#define DUMP_LINES 16384u
/* Tables that are known again; a power of two. */
#define DUMP_TABLES 8192u

struct dump_table {
	uint64_t ttb, ttb2, shape; /* shape 0: free */
	uint32_t number;
};

struct dump {
	const struct uiommu_dump *to;
	msmmu *m;		 /* the view */
	struct model_slot *slot; /* for counts that nobody is told */
	unsigned int depth;
	uint64_t words; /* that may still be read */
	uint32_t nr_tables;
	struct dump_table *tables;
	/* of the table being told */
	bool listing;
	uint32_t lines;
	uint64_t left_out, digest;
	size_t len;
	char line[2048];
};

/* One line: begin, add to it, end. */
__attribute__((format(printf, 2, 3))) void dump_begin(struct dump *d,
						      const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void dump_add(struct dump *d,
						    const char *fmt, ...);
/* The caller's word for an address where `size` bytes are of interest. */
void dump_address(struct dump *d, uint64_t addr, uint64_t size);
void dump_end(struct dump *d);
/* From here on lines are counted, and left out if they are too many. */
void dump_list_begin(struct dump *d);
void dump_list_end(struct dump *d);

/* May `n` more words be read? */
static inline bool dump_spend(struct dump *d, uint64_t n)
{
	if (d->words < n) {
		d->words = 0;
		return false;
	}
	d->words -= n;
	return true;
}

/* dump_tables.c */
void dump_stream_table(struct dump *d);

/* dump_walk.c: the tables that a context names */
void dump_context(struct dump *d, struct msmmu_txn *t);
/* The table of stage 2 alone. */
void dump_stage2(struct dump *d, struct msmmu_txn *t);

#endif /* MODEL_SMMUV3_DUMP_H */
