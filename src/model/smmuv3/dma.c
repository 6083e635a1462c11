/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma.c - a device's access: translated piece by piece, and moved.
 *
 * A piece ends where the region of one translation ends.  The thread is inside
 * from the first translation to the last byte, so that a CMD_SYNC waits for the
 * whole access; it leaves where a piece ends as RAZ/WI, to tell, and where one
 * stalls.  Bytes go through the embedder's short cut where there is one.
 */
#include <errno.h>
#include <string.h>

#include "msmmu.h"
#include "tell.h"

/* Aligned words of this size are moved in one piece, like a bus would. */
#define MOVE_WORD(type)                                         \
	do {                                                    \
		type v_;                                        \
		if (write) {                                    \
			memcpy(&v_, buf, sizeof(v_));           \
			store_release((type *)(void *)mem, v_); \
		} else {                                        \
			v_ = load_acquire((type *)(void *)mem); \
			memcpy(buf, &v_, sizeof(v_));           \
		}                                               \
	} while (0)

static void move_direct(uint8_t *mem, uint8_t *buf, size_t len, bool write)
{
	if ((uintptr_t)mem % len) {
		memcpy(write ? mem : buf, write ? buf : mem, len);
		return;
	}
	switch (len) {
	case 1:
		MOVE_WORD(uint8_t);
		break;
	case 2:
		MOVE_WORD(uint16_t);
		break;
	case 4:
		MOVE_WORD(uint32_t);
		break;
	case 8:
		MOVE_WORD(uint64_t);
		break;
	default:
		memcpy(write ? mem : buf, write ? buf : mem, len);
	}
}

int msmmu_move(msmmu *m, uint32_t sid, const struct uiommu_smmuv3_xlate *x,
	       uint8_t *buf, size_t len, bool write)
{
	uint8_t *mem = NULL;

	if (m->host.direct)
		mem = m->host.direct(m->host.ctx, x->pa, len, write);
	if (mem) {
		move_direct(mem, buf, len, write);
		return 0;
	}
	if (write && m->host.device_write)
		return m->host.device_write(m->host.ctx, sid, x->pa, buf, len,
					    x->attrs);
	if (write)
		return m->host.write(m->host.ctx, x->pa, buf, len, x->attrs);
	return m->host.read(m->host.ctx, x->pa, buf, len, x->attrs);
}

/* The SMMU let it through; memory said no.  No event for that. */
void msmmu_memory_abort(struct msmmu_txn *t, uint64_t pa)
{
	/* The context that let it through may be gone. */
	t->ctx = NULL;
	msmmu_fault(t, 0, 0, "external abort on the access itself");
	t->fault.record = false;
	t->fault.desc_pa = pa;
}

static int dma_piece(struct msmmu_txn *t, struct uiommu_smmuv3_dma *req,
		     size_t *len)
{
	bool write = req->txn.flags & UIOMMU_TXN_WRITE;
	uint8_t *buf = (uint8_t *)req->buf + req->done_len;
	struct uiommu_smmuv3_xlate x;
	uint64_t room;
	int rc = 0;

	if (unlikely(!msmmu_translate_fast(t->m, t->slot, t->in, &x)))
		rc = msmmu_translate(t, &x);
	if (rc)
		return rc;
	room = mask_lg2(x.size_lg2) - (t->in->iova & mask_lg2(x.size_lg2));
	*len = req->len - req->done_len;
	if (*len - 1 > room)
		*len = room + 1;
	if (t->first_pa == UIOMMU_PA_INVALID)
		t->first_pa = x.pa;
	if (unlikely(req->atomic)
		    ? msmmu_atomic(t->m, &x, req)
		    : msmmu_move(t->m, t->in->sid, &x, buf, *len, write)) {
		msmmu_memory_abort(t, x.pa);
		return -EFAULT;
	}
	model_count(t->slot,
		    write ? MSMMU_DMA_WRITE_BYTES : MSMMU_DMA_READ_BYTES, *len);
	return 0;
}

/* Inside.  Moves pieces until all are moved or one fails. */
static int dma_pieces(struct msmmu_txn *t, struct uiommu_smmuv3_txn *txn,
		      struct uiommu_smmuv3_dma *req)
{
	while (req->done_len < req->len) {
		size_t len;
		int rc = dma_piece(t, req, &len);

		if (rc)
			return rc;
		req->done_len += len;
		txn->iova += len;
		t->was_stalled = false;
	}
	return 0;
}

/* Inside.  A piece has failed: -EINPROGRESS gives the request away. */
static int dma_stop(struct msmmu_txn *t, struct uiommu_smmuv3_dma *req,
		    bool *recorded)
{
	if (!msmmu_stalls(t))
		return msmmu_end(t, recorded);
	*recorded = msmmu_stall_park(t, req);
	return -EINPROGRESS;
}

size_t msmmu_dma_skip(struct uiommu_smmuv3_dma *req)
{
	uint64_t iova = req->txn.iova + req->done_len;
	/* A transaction crosses no page, and no page is smaller. */
	size_t room = 4096 - (iova & 4095);
	size_t len = req->len - req->done_len;

	if (len > room)
		len = room;
	/* An atomic operation reads too, whatever else it says. */
	if (req->atomic || !(req->txn.flags & UIOMMU_TXN_WRITE))
		memset((uint8_t *)req->buf + req->done_len, 0, len);
	req->done_len += len;
	return len;
}

int msmmu_dma_go(msmmu *m, struct model_slot *slot,
		 struct uiommu_smmuv3_dma *req, bool was_stalled)
{
	struct uiommu_smmuv3_txn txn = req->txn;
	struct msmmu_txn t = {
		.m = m,
		.in = &txn,
		.slot = slot,
		.was_stalled = was_stalled,
		.first_pa = UIOMMU_PA_INVALID,
	};
	size_t len = req->len - req->done_len;
	uint64_t iova;
	int rc;

	txn.iova += req->done_len;
	iova = txn.iova;
	if (!req->done || (txn.flags & UIOMMU_TXN_PROBE))
		txn.flags |= UIOMMU_TXN_NO_STALL;
	for (;;) {
		bool recorded = false;

		rc = dma_pieces(&t, &txn, req);
		if (unlikely(rc))
			rc = dma_stop(&t, req, &recorded);
		model_leave(&m->drain, t.slot);
		if (likely(!rc))
			break;
		msmmu_after_abort(&t, recorded);
		if (rc != -ENODATA)
			break;
		rc = 0;
		txn.iova += msmmu_dma_skip(req);
		if (req->done_len == req->len)
			break;
		t.was_stalled = false;
		t.slot = model_enter(&m->drain);
	}
	if (unlikely(m->trace)) {
		/* The request may be somebody else's by now: it has stalled. */
		size_t moved = txn.iova - iova;

		txn.iova = iova;
		msmmu_trace_dma(m, &txn, len, moved, t.first_pa, rc);
	}
	if (unlikely(load_relaxed(&m->nr_retired) > MSMMU_RECLAIM))
		msmmu_reclaim(m, t.slot);
	return rc;
}

int uiommu_smmuv3_model_dma(struct uiommu_smmuv3_model *model,
			    struct uiommu_smmuv3_dma *req)
{
	int rc;

	req->done_len = 0;
	if (!req->len || (unlikely(req->atomic) && !msmmu_atomic_valid(req)))
		return -EINVAL;
	rc = msmmu_dma_go(model, model_enter(&model->drain), req, false);
	msmmu_stall_catch_up(model);
	return rc;
}

void uiommu_smmuv3_model_memory_changed(struct uiommu_smmuv3_model *model,
					uiommu_pa_t pa, uint64_t len)
{
	/* No direct pointer outlives the transaction that asked for it. */
	model_check_fork(&model->drain);
	model_drain(&model->drain);
}
