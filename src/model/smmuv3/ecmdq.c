/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ecmdq.c - registers of the enhanced command queues (IHI 0070 3.5.6, 6.2.5).
 *
 * Their control pages follow page 1, in order; in a page the queues stand at
 * equal distances.  A queue is on when PROD.EN and CONS.ENACK are; turning it on
 * or off is acknowledged within the write.  While it is on BASE and CONS are
 * read-only.  ENACK is never software's.
 */
#include <errno.h>

#include "../mutant.h"
#include "msmmu.h"

int msmmu_ecmdq_init(msmmu *m)
{
	uint32_t nr;

	if (!m->caps.ecmdq)
		return 0;
	nr = BIT32(m->caps.ecmdq_pages_lg2 + m->caps.ecmdq_per_page_lg2);
	m->ecmdqs = model_alloc(&m->host, nr * sizeof(*m->ecmdqs));
	if (!m->ecmdqs)
		return -ENOMEM;
	m->nr_ecmdqs = nr;
	for (uint32_t i = 0; i < nr; i++) {
		int rc;

		m->ecmdqs[i].ecmdq = true;
		rc = msmmu_cmdq_init(m, &m->ecmdqs[i]);
		if (rc)
			return rc;
	}
	return 0;
}

void msmmu_ecmdq_fini(msmmu *m)
{
	for (uint32_t i = 0; i < m->nr_ecmdqs; i++)
		msmmu_cmdq_fini(m, &m->ecmdqs[i]);
	model_free(&m->host, m->ecmdqs);
}

void msmmu_ecmdq_reset(msmmu *m)
{
	for (uint32_t i = 0; i < m->nr_ecmdqs; i++) {
		for (unsigned int j = 0; j < ARRAY_SIZE(m->ecmdqs[i].own); j++)
			store_relaxed(&m->ecmdqs[i].own[j], 0);
	}
}

uint32_t msmmu_ecmdq_pages_size(const msmmu *m)
{
	if (!m->caps.ecmdq)
		return 0;
	return BIT32(m->caps.ecmdq_pages_lg2 + SMMU_REG_PAGE_LG2);
}

bool msmmu_ecmdq_any_on(const msmmu *m)
{
	for (uint32_t i = 0; i < m->nr_ecmdqs; i++) {
		const struct msmmu_cmdq *q = &m->ecmdqs[i];

		if ((load_relaxed(q->prod) & SMMU_ECMDQ_PROD_EN) ||
		    (load_relaxed(q->cons) & SMMU_ECMDQ_CONS_ENACK))
			return true;
	}
	return false;
}

/* ------------------------------------------- what page 0 says of them --- */

uint64_t msmmu_ecmdq_page_info(const msmmu *m, uint32_t offset,
			       unsigned int size)
{
	uint32_t at = offset - SMMU_REG_CMDQ_CONTROL_PAGES;
	uint32_t page = at / SMMU_CMDQ_CONTROL_PAGE_STRIDE;
	uint64_t base;

	if (!m->caps.ecmdq || offset < SMMU_REG_CMDQ_CONTROL_PAGES ||
	    page >= BIT32(m->caps.ecmdq_pages_lg2))
		return 0;
	base = ((uint64_t)page << SMMU_REG_PAGE_LG2) + SMMU_REG_PAGE2;
	base |= FIELD_PREP(SMMU_CMDQ_CONTROL_PAGE_BASE_CMDQGS,
			   SMMU_CMDQ_CONTROL_PAGE_CMDQGS_64K) |
		SMMU_CMDQ_CONTROL_PAGE_BASE_PRESET;
	at %= SMMU_CMDQ_CONTROL_PAGE_STRIDE;
	if (at == SMMU_CMDQ_CONTROL_PAGE_BASE)
		return size == 8 ? base : (uint32_t)base;
	if (size != 4)
		return 0;
	switch (at) {
	case SMMU_CMDQ_CONTROL_PAGE_BASE + 4:
		return base >> 32;
	case SMMU_CMDQ_CONTROL_PAGE_CFG:
		return SMMU_CMDQ_CONTROL_PAGE_CFG_EN;
	case SMMU_CMDQ_CONTROL_PAGE_STATUS:
		return SMMU_CMDQ_CONTROL_PAGE_STATUS_ENACK;
	default:
		return 0;
	}
}

/* --------------------------------------------------- the control pages --- */

/* The queue at `offset` of the pages, and where in its registers; or NULL. */
static struct msmmu_cmdq *find(const msmmu *m, uint32_t offset,
			       unsigned int size, uint32_t *reg)
{
	unsigned int step = SMMU_REG_PAGE_LG2 - m->caps.ecmdq_per_page_lg2;
	uint32_t i = offset >> step;

	*reg = offset & (uint32_t)mask_lg2(step);
	if (i >= m->nr_ecmdqs || *reg > SMMU_REG_ECMDQ_CONS ||
	    (size != 4 && (size != 8 || *reg != SMMU_REG_ECMDQ_BASE)) ||
	    offset % size)
		return NULL;
	return &m->ecmdqs[i];
}

/* Bits of an index that exist in a queue of this size. */
static uint32_t visible_index(const msmmu *m, const struct msmmu_cmdq *q)
{
	unsigned int lg2 = (unsigned int)min_u64(
		FIELD_GET(SMMU_Q_BASE_LOG2SIZE, load_relaxed(q->base)),
		m->caps.cmdq_lg2);

	return ~SMMU_ECMDQ_CONS_RD | (uint32_t)mask_lg2(lg2 + 1);
}

uint64_t msmmu_ecmdq_read(msmmu *m, uint32_t offset, unsigned int size)
{
	uint32_t reg;
	const struct msmmu_cmdq *q = find(m, offset, size, &reg);

	if (!q)
		return 0;
	switch (reg) {
	case SMMU_REG_ECMDQ_BASE:
		return load_relaxed(q->base) & mask_lg2(size * 8);
	case SMMU_REG_ECMDQ_BASE + 4:
		return load_relaxed(q->base) >> 32;
	case SMMU_REG_ECMDQ_PROD:
		return load_relaxed(q->prod);
	default:
		return load_acquire(q->cons) & visible_index(m, q);
	}
}

/* Under m->lock; BASE and CONS. */
static void write_when_off(struct msmmu_cmdq *q, uint32_t reg,
			   unsigned int size, uint64_t val)
{
	uint64_t old = load_relaxed(q->base);

	if (((load_relaxed(q->prod) & SMMU_ECMDQ_PROD_EN) ||
	     (load_relaxed(q->cons) & SMMU_ECMDQ_CONS_ENACK)) &&
	    !MUTANT("ECMDQ guards"))
		return;
	if (reg == SMMU_REG_ECMDQ_CONS) {
		val &= SMMU_ECMDQ_CONS_RD | SMMU_ECMDQ_CONS_ERR |
		       SMMU_ECMDQ_CONS_ERR_REASON;
		store_relaxed(q->cons, val);
		return;
	}
	if (size == 4)
		val = reg ? (old & UINT32_MAX) | val << 32
			  : (old & ~(uint64_t)UINT32_MAX) | val;
	store_relaxed(q->base, val & (SMMU_CMDQ_BASE_RA | SMMU_Q_BASE_ADDR |
				      SMMU_Q_BASE_LOG2SIZE));
}

static void acknowledge(msmmu *m, struct msmmu_cmdq *q, bool on)
{
	uint64_t cons = load_relaxed(q->cons) &
			~(uint64_t)SMMU_ECMDQ_CONS_ENACK;

	store_release(q->cons, cons | (on ? SMMU_ECMDQ_CONS_ENACK : 0));
}

/*
 * Under m->lock; returns whether the queue is being turned off.  While an
 * Update is under way PROD is read-only.
 */
static bool write_prod(msmmu *m, struct msmmu_cmdq *q, uint32_t val)
{
	bool was = load_relaxed(q->prod) & SMMU_ECMDQ_PROD_EN;
	bool acked = load_relaxed(q->cons) & SMMU_ECMDQ_CONS_ENACK;
	bool on = val & SMMU_ECMDQ_PROD_EN;

	if (was != acked)
		return false;
	store_release(q->prod,
		      val & (SMMU_ECMDQ_PROD_EN | SMMU_ECMDQ_PROD_ERRACK |
			     SMMU_ECMDQ_PROD_WR));
	if (on && !was)
		acknowledge(m, q, true);
	return was && !on;
}

void msmmu_ecmdq_write(msmmu *m, uint32_t offset, unsigned int size,
		       uint64_t val)
{
	uint32_t reg;
	struct msmmu_cmdq *q = find(m, offset, size, &reg);
	bool off = false;

	if (!q)
		return;
	val &= mask_lg2(size * 8);
	pthread_mutex_lock(&m->lock);
	if (reg == SMMU_REG_ECMDQ_PROD)
		off = write_prod(m, q, (uint32_t)val);
	else
		write_when_off(q, reg, size, val);
	pthread_mutex_unlock(&m->lock);
	if (reg != SMMU_REG_ECMDQ_PROD)
		return;
	if (!off) {
		msmmu_cmdq_kick(m, q);
		return;
	}
	msmmu_cmdq_settle(m, q);
	pthread_mutex_lock(&m->lock);
	acknowledge(m, q, false);
	pthread_mutex_unlock(&m->lock);
}
