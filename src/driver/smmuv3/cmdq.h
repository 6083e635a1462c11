/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmdq.h - the command queue.
 *
 * A user fills a batch, which lives on its stack, and ends it with a sync.  The
 * batch goes to the hardware in pieces when it is full; errors are remembered
 * and reported by the sync.  Any number of threads may do so at the same time.
 */
#ifndef DRIVER_SMMUV3_CMDQ_H
#define DRIVER_SMMUV3_CMDQ_H

#include <uiommu/platform.h>

#include "base/le.h"
#include "hw/smmuv3/cmd.h"

/* Kinds of commands that are counted. */
enum smmuv3_cmd_kind {
	SMMUV3_CMD_SYNC,
	SMMUV3_CMD_CFGI_STE,
	SMMUV3_CMD_CFGI_CD,
	SMMUV3_CMD_CFGI_RANGE,
	SMMUV3_CMD_TLBI_VA, /* or IPA */
	SMMUV3_CMD_TLBI_RANGE,
	SMMUV3_CMD_TLBI_ASID,
	SMMUV3_CMD_TLBI_ALL,
	SMMUV3_CMD_ATC_INV,
	SMMUV3_CMD_PRI_RESP,
	SMMUV3_CMD_RESUME,
	SMMUV3_CMD_OTHER,
	SMMUV3_NR_CMD_KINDS,
};

struct smmuv3_cmdq {
	const struct uiommu_platform *p;
	uiommu_pa_t regs; /* register window */
	uint64_t timeout_ns;
	le64_t *slots;
	uiommu_pa_t slots_pa;
	uint8_t lg2; /* entries */

	/*
	 * Positions count commands since the start, modulo 2^32; position & (size
	 * - 1) is the slot.  cons <= published <= tail.
	 *
	 * tail: low half the next free position, bit 32 "a batch is open": some
	 * producer is going to publish all that is reserved.  Changed by
	 * compare-and-swap only.
	 */
	uint64_t tail;
	/* Positions below it are in CMDQ_PROD.  Written by its one publisher. */
	uint32_t published;
	/* Positions below it were consumed, as far as anybody looked. */
	uint32_t cons;
	/* Per slot: position + 1 of the last command that was written there. */
	uint32_t *ready;
	/* Per slot: position + 1 of the last command that failed there. */
	uint32_t *failed;
	/* Failures so far. */
	uint32_t errors;
	/*
	 * The same for a CMD_SYNC that could not complete CMD_ATC_INVs, which
	 * then stood between the CMD_SYNC before and this one: nobody's whose own
	 * CMD_SYNC came earlier, or whose first command came later.
	 */
	uint32_t *atc_failed;
	uint32_t atc_errors;
	/* Not 0: the queue cannot be used any more. */
	uint32_t dead;

	/*
	 * Protects the recovery: GERRORN, a slot the hardware stopped at, and the
	 * two members below.  Taken last, nothing is taken inside it.
	 */
	struct uiommu_lock lock;
	uint32_t stop_pos; /* where it stopped last */
	uint32_t stop_nr;  /* and how many times in a row */

	/* Written by the publisher only, which there is one of at a time. */
	uint64_t doorbells;
	uint64_t count[SMMUV3_NR_CMD_KINDS];
};

#define SMMUV3_BATCH_LEN 16

struct smmuv3_batch {
	struct smmuv3_cmdq *q;
	int rc; /* of the pieces so far */
	unsigned int nr;
	bool started;	 /* a piece is in the queue */
	uint32_t first;	 /* its position */
	uint32_t errors; /* q->errors before it */
	uint32_t atc_errors;
	bool atc; /* has a CMD_ATC_INV */
	struct smmu_cmd cmd[SMMUV3_BATCH_LEN];
};

/* Memory and lock; touches no register.  -ENOMEM. */
int smmuv3_cmdq_init(struct smmuv3_cmdq *q, const struct uiommu_platform *p,
		     uiommu_pa_t regs, uint8_t lg2, uint64_t timeout_ns);
void smmuv3_cmdq_fini(struct smmuv3_cmdq *q);
/* Write BASE, PROD and CONS; the queue is disabled. */
void smmuv3_cmdq_program(struct smmuv3_cmdq *q);

void smmuv3_batch_init(struct smmuv3_batch *batch, struct smmuv3_cmdq *q);
void smmuv3_batch_add(struct smmuv3_batch *batch, struct smmu_cmd cmd);
/*
 * Add a CMD_SYNC, hand over what is left and wait until the hardware has
 * completed all of the batch.  Ends the batch; init it before using it again.
 *   -ETIMEDOUT	no progress for the queue's time-out
 *   -EIO	a command of the batch was refused, or the queue is dead
 *   SMMUV3_DISOBEYED  of a batch with a CMD_ATC_INV: nothing else was wrong,
 *		but a device did not complete one that may be of the batch
 */
#define SMMUV3_DISOBEYED 1
int smmuv3_batch_sync(struct smmuv3_batch *batch);

/* The same in two steps, so that several SMMUs can work at the same time. */
struct smmuv3_ticket {
	struct smmuv3_cmdq *q;
	int rc;
	uint32_t first; /* position of the batch, */
	uint32_t end;	/* and what comes after it */
	uint32_t errors;
	uint32_t atc_errors;
	bool atc;
};

/* Add a CMD_SYNC and hand over; every ticket is to be waited for. */
void smmuv3_batch_submit(struct smmuv3_batch *batch,
			 struct smmuv3_ticket *ticket);
/* Wait; returns as batch_sync does. */
int smmuv3_ticket_wait(const struct smmuv3_ticket *ticket);

/*
 * If the hardware stopped at a bad command, repair, log and let it go on.
 * Waiters do that by themselves; this one is for the GERROR interrupt.
 */
void smmuv3_cmdq_check_error(struct smmuv3_cmdq *q);

#endif /* DRIVER_SMMUV3_CMDQ_H */
