/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues of records that the hardware writes (IHI 0070 3.5, 7.4, 8.1).
 *
 * A queue that overflows takes no more records until OVACKFLG is as OVFLG: when
 * that may be is for its owner to say.
 */
#include "recq.h"

#include "hw/smmuv3/queue.h"
#include "hw/smmuv3/regs.h"
#include "mutant.h"
#include "unit.h"

int smmuv3_recq_init(struct smmuv3_unit *unit, struct smmuv3_recq *q,
		     const struct smmuv3_recq_kind *kind, uint8_t lg2)
{
	int rc;

	q->kind = kind;
	q->lg2 = lg2;
	rc = smmuv3_lock_init(unit, &q->lock);
	if (rc)
		return rc;
	q->slots = smmuv3_table_alloc(unit, (size_t)1 << (kind->size_lg2 + lg2),
				      &q->pa);
	if (!q->slots) {
		smmuv3_lock_fini(unit, &q->lock);
		return -ENOMEM;
	}
	return 0;
}

void smmuv3_recq_fini(struct smmuv3_unit *unit, struct smmuv3_recq *q)
{
	if (!q->slots)
		return;
	smmuv3_table_free(unit, q->slots,
			  (size_t)1 << (q->kind->size_lg2 + q->lg2));
	smmuv3_lock_fini(unit, &q->lock);
}

void smmuv3_recq_program(struct smmuv3_unit *unit, struct smmuv3_recq *q)
{
	smmuv3_write64(unit, q->kind->base,
		       q->kind->alloc | (q->pa & SMMU_Q_BASE_ADDR) |
			       FIELD_PREP(SMMU_Q_BASE_LOG2SIZE, q->lg2));
	smmuv3_write32(unit, q->kind->prod, 0);
	smmuv3_write32(unit, q->kind->cons, 0);
	q->cons = 0;
}

static void set_cons(struct smmuv3_unit *unit, struct smmuv3_recq *q,
		     uint32_t cons)
{
	bool ack = (cons ^ q->cons) & SMMU_Q_CONS_OVACKFLG;

	if (cons == q->cons)
		return;
	if (ack)
		store_relaxed(&q->overflows, q->overflows + 1);
	q->cons = cons;
	if (ack && DRIVER_MUTANT("queues: OVACKFLG"))
		return;
	smmuv3_write32(unit, q->kind->cons, cons);
}

/* A PROD that makes no sense tells of no records. */
static uint32_t count(const struct smmuv3_recq *q, uint32_t prod,
		      bool *nonsense)
{
	uint32_t nr =
		smmu_q_count(prod, FIELD_GET(SMMU_Q_CONS_RD, q->cons), q->lg2);

	*nonsense = nr > BIT32(q->lg2);
	return *nonsense ? 0 : nr;
}

static void copy(const struct smmuv3_recq *q, uint64_t *out, uint32_t nr)
{
	const uint32_t words = BIT32(q->kind->size_lg2 - 3);
	uint32_t rd = FIELD_GET(SMMU_Q_CONS_RD, q->cons), i, w;
	const le64_t *slot;

	for (i = 0; i < nr; i++) {
		slot = q->slots + (size_t)smmu_q_index(rd + i, q->lg2) * words;
		for (w = 0; w < words; w++)
			*out++ = le64_to_cpu(slot[w]);
	}
}

struct smmuv3_recq_taken smmuv3_recq_take(struct smmuv3_unit *unit,
					  struct smmuv3_recq *q, uint64_t *out,
					  bool ack)
{
	struct smmuv3_recq_taken got;
	uint32_t prod, all;

	smmuv3_lock(unit, &q->lock);
	prod = smmuv3_read32(unit, q->kind->prod);
	all = count(q, prod, &got.nonsense);
	if (got.nonsense)
		smmuv3_log(unit->unit.platform, UIOMMU_LOG_ERROR,
			   "%s index %x does not make sense", q->kind->name,
			   prod);
	got.nr = min_u64(all, SMMUV3_RECORDS_AT_ONCE);
	got.left = all - got.nr;
	copy(q, out, got.nr);
	got.at = q->taken;
	store_relaxed(&q->taken, q->taken + got.nr);
	got.overflow = (prod ^ q->cons) & SMMU_Q_PROD_OVFLG;
	/* What is left stands before PROD. */
	set_cons(unit, q,
		 smmu_q_ptr(prod - got.left, q->lg2) |
			 ((ack ? prod : q->cons) & SMMU_Q_CONS_OVACKFLG));
	smmuv3_unlock(unit, &q->lock);
	return got;
}

uint64_t smmuv3_recq_end(struct smmuv3_unit *unit, struct smmuv3_recq *q)
{
	uint64_t end;
	bool nonsense;

	if (!q->slots)
		return 0;
	smmuv3_lock(unit, &q->lock);
	end = q->taken +
	      count(q, smmuv3_read32(unit, q->kind->prod), &nonsense);
	smmuv3_unlock(unit, &q->lock);
	return end;
}

void smmuv3_recq_ack(struct smmuv3_unit *unit, struct smmuv3_recq *q)
{
	smmuv3_lock(unit, &q->lock);
	set_cons(unit, q, q->cons ^ SMMU_Q_CONS_OVACKFLG);
	smmuv3_unlock(unit, &q->lock);
}

void smmuv3_recq_discard(struct smmuv3_unit *unit, struct smmuv3_recq *q)
{
	uint32_t prod;
	bool nonsense;

	smmuv3_lock(unit, &q->lock);
	prod = smmuv3_read32(unit, q->kind->prod);
	store_relaxed(&q->taken, q->taken + count(q, prod, &nonsense));
	set_cons(unit, q,
		 smmu_q_ptr(prod, q->lg2) | (prod & SMMU_Q_CONS_OVACKFLG));
	smmuv3_unlock(unit, &q->lock);
}
