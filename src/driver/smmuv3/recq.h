/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recq.h - queues of records that the hardware writes and we read: the event
 * queue (evtq.c) and the PRI queue (priq.c).
 */
#ifndef DRIVER_SMMUV3_RECQ_H
#define DRIVER_SMMUV3_RECQ_H

#include <uiommu/platform.h>

#include "base/le.h"

struct smmuv3_unit;

/* Records that are copied out under the lock at once. */
#define SMMUV3_RECORDS_AT_ONCE 16u

/* Which queue it is; constant. */
struct smmuv3_recq_kind {
	const char *name;
	uint32_t base, prod, cons; /* offsets of its registers */
	uint64_t alloc;		   /* the write-allocate hint in BASE */
	uint8_t size_lg2;	   /* bytes of a record */
};

struct smmuv3_recq {
	const struct smmuv3_recq_kind *kind;
	le64_t *slots; /* NULL: the SMMU has no such queue */
	uiommu_pa_t pa;
	uint8_t lg2;
	/* Protects cons and the counters, and so who reads which record. */
	struct uiommu_lock lock;
	uint32_t cons; /* as in the register, OVACKFLG included */
	uint64_t taken;
	uint64_t overflows; /* acknowledged */
};

/* Memory and lock; touches no register.  -ENOMEM, or of the lock. */
int smmuv3_recq_init(struct smmuv3_unit *unit, struct smmuv3_recq *q,
		     const struct smmuv3_recq_kind *kind, uint8_t lg2);
/* Nothing if it was not made. */
void smmuv3_recq_fini(struct smmuv3_unit *unit, struct smmuv3_recq *q);
/* BASE, PROD and CONS; the queue is disabled. */
void smmuv3_recq_program(struct smmuv3_unit *unit, struct smmuv3_recq *q);

/* What smmuv3_recq_take() found. */
struct smmuv3_recq_taken {
	uint32_t nr;   /* records */
	uint32_t left; /* and how many more there are */
	uint64_t at;   /* how many had been taken before */
	bool overflow; /* OVFLG says so, which has not been acknowledged */
	bool nonsense; /* PROD did: no record, and the queue is empty now */
};

/*
 * Copy records out, one after the other, and give their slots back.  `ack`: an
 * overflow is acknowledged with them.
 */
struct smmuv3_recq_taken smmuv3_recq_take(struct smmuv3_unit *unit,
					  struct smmuv3_recq *q, uint64_t *out,
					  bool ack);
/* How many records there were ever, those in the queue included. */
uint64_t smmuv3_recq_end(struct smmuv3_unit *unit, struct smmuv3_recq *q);
/* Acknowledge the overflow that a take has found. */
void smmuv3_recq_ack(struct smmuv3_unit *unit, struct smmuv3_recq *q);
/* As if all had been taken, an overflow acknowledged. */
void smmuv3_recq_discard(struct smmuv3_unit *unit, struct smmuv3_recq *q);

#endif /* DRIVER_SMMUV3_RECQ_H */
