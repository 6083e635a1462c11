/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * testep_engine.c - how the test endpoint carries a slot's request out.
 *
 * A slot belongs to the thread that took its bit out of `started`, until the
 * request is over; when it is pending, to the thread that resumes it.  Nobody
 * waits: the doorbell returns when every slot that was started has been sent.
 */
#include "testep.h"

static unsigned int number_of(const struct testep_slot *slot)
{
	return (unsigned int)(slot - slot->ep->slot);
}

static enum testep_op op_of(const struct testep_slot *slot)
{
	return FIELD_GET(TESTEP_CTRL_OP, slot->ctrl);
}

static bool is_atomic(enum testep_op op)
{
	return op >= TESTEP_OP_FETCH_ADD && op <= TESTEP_OP_CAS;
}

void testep_slot_reset(struct testep_slot *slot)
{
	slot->addr = slot->operand = slot->compare = slot->result = 0;
	slot->ctrl = slot->pasid = slot->moved = slot->xlate = 0;
	slot->len = TESTEP_PAGE_SIZE;
	slot->status = TESTEP_OK;
	slot->stale = false;
}

void testep_start(struct testep *ep, uint64_t slots)
{
	slots &= ~ep->working;
	ep->started |= slots;
	ep->working |= slots;
	for (unsigned int i = 0; slots; i++, slots >>= 1) {
		struct testep_slot *slot = &ep->slot[i];

		if (!(slots & 1))
			continue;
		slot->working = true;
		slot->status = TESTEP_WORKING;
		slot->moved = 0;
	}
}

/* ------------------------------------------------------------ finishing -- */

static void finish(struct testep_slot *slot, enum testep_status status)
{
	struct testep *ep = slot->ep;
	bool irq;
	unsigned int vector;

	pthread_mutex_lock(&ep->lock);
	slot->working = false;
	slot->status = status;
	slot->moved = (uint32_t)slot->req.dma.done_len;
	if (is_atomic(op_of(slot)) && status == TESTEP_OK)
		slot->result = le64_to_cpu(slot->cell) &
			       (slot->len == 4 ? UINT32_MAX : UINT64_MAX);
	irq = !slot->stale && (slot->ctrl & TESTEP_CTRL_IRQ);
	vector = FIELD_GET(TESTEP_CTRL_VECTOR, slot->ctrl);
	ep->working &= ~BIT64(number_of(slot));
	if (slot->stale) {
		testep_slot_reset(slot);
	} else {
		ep->finished |= BIT64(number_of(slot));
		ep->done++;
	}
	pthread_mutex_unlock(&ep->lock);
	if (irq)
		pcidev_notify(ep->dev, vector);
}

static enum testep_status status_of(int rc)
{
	if (rc == -EINVAL)
		return TESTEP_REFUSED;
	return rc ? TESTEP_ABORTED : TESTEP_OK;
}

static void resumed(struct pcidev_req *req, int status)
{
	finish(container_of(req, struct testep_slot, req), status_of(status));
}

static enum testep_status answer_status(enum uiommu_pri_code code)
{
	switch (code) {
	case UIOMMU_PRI_SUCCESS:
		return TESTEP_OK;
	case UIOMMU_PRI_INVALID:
		return TESTEP_INVALID;
	default:
		return TESTEP_FAILURE;
	}
}

void testep_page_response(void *ctx, void *cookie, enum uiommu_pri_code code)
{
	finish(cookie, answer_status(code));
}

/* -------------------------------------------------------------- sending -- */

static void fill_txn(const struct testep_slot *slot,
		     struct uiommu_smmuv3_txn *txn)
{
	static const struct {
		uint32_t ctrl, flag;
	} bits[] = {
		{ TESTEP_CTRL_PASID, UIOMMU_TXN_SSV },
		{ TESTEP_CTRL_PRIV, UIOMMU_TXN_PRIV },
		{ TESTEP_CTRL_EXEC, UIOMMU_TXN_INSTR },
		{ TESTEP_CTRL_TRANSLATED, UIOMMU_TXN_TRANSLATED },
		{ TESTEP_CTRL_NO_SNOOP, UIOMMU_TXN_NO_SNOOP },
		{ TESTEP_CTRL_NO_STALL, UIOMMU_TXN_NO_STALL },
	};

	*txn = (struct uiommu_smmuv3_txn){
		.ssid = slot->ctrl & TESTEP_CTRL_PASID ? slot->pasid : 0,
		.iova = slot->addr,
	};
	for (unsigned int i = 0; i < ARRAY_SIZE(bits); i++)
		if (slot->ctrl & bits[i].ctrl)
			txn->flags |= bits[i].flag;
}

/* 0, -EFAULT, -EINVAL, -EINPROGRESS. */
static int send_access(struct testep_slot *slot)
{
	static const enum uiommu_atomic atomics[] = {
		[TESTEP_OP_FETCH_ADD] = UIOMMU_ATOMIC_FETCH_ADD,
		[TESTEP_OP_SWAP] = UIOMMU_ATOMIC_SWAP,
		[TESTEP_OP_CAS] = UIOMMU_ATOMIC_CAS,
	};
	struct uiommu_smmuv3_dma *dma = &slot->req.dma;
	enum testep_op op = op_of(slot);
	bool ats = !(slot->ctrl &
		     (TESTEP_CTRL_TRANSLATED | TESTEP_CTRL_UNTRANSLATED));

	fill_txn(slot, &dma->txn);
	if (ats)
		ats = load_acquire(&slot->ep->dev->ats_on);
	if (ats)
		dma->txn.flags &= ~UIOMMU_TXN_NO_STALL;
	dma->buf = slot->page;
	dma->len = slot->len;
	dma->atomic = UIOMMU_ATOMIC_NONE;
	if (op == TESTEP_OP_WRITE)
		dma->txn.flags |= UIOMMU_TXN_WRITE;
	if (is_atomic(op)) {
		dma->txn.flags |= UIOMMU_TXN_ATOMIC;
		slot->cell = cpu_to_le64(slot->operand);
		dma->buf = &slot->cell;
		dma->atomic = atomics[op];
		dma->compare = slot->compare;
	}
	/* A translated address says nothing that has to be translated. */
	if (dma->txn.flags & UIOMMU_TXN_TRANSLATED)
		dma->txn.flags |= UIOMMU_TXN_NO_STALL;
	slot->req.done = resumed;
	return pcidev_submit(slot->ep->dev, &slot->req, ats);
}

static bool pasid_refused(const struct testep_slot *slot)
{
	struct uiommu_smmuv3_txn txn;

	fill_txn(slot, &txn);
	return !pcidev_pasid_ok(slot->ep->dev, txn.flags);
}

static enum testep_status send_translate(struct testep_slot *slot)
{
	struct pcidev *dev = slot->ep->dev;
	struct uiommu_ats_translation tr;
	struct uiommu_smmuv3_txn txn;

	if (!dev->ep || !load_acquire(&dev->ats_on) || pasid_refused(slot))
		return TESTEP_REFUSED;
	if (!(load_acquire(&dev->command) & PCIE_COMMAND_BUS_MASTER))
		return TESTEP_ABORTED;
	fill_txn(slot, &txn);
	txn.sid = dev->sid;
	txn.iova = align_down_lg2(txn.iova, 12);
	txn.flags &= UIOMMU_TXN_SSV | UIOMMU_TXN_PRIV | UIOMMU_TXN_INSTR;
	if (!(slot->ctrl & TESTEP_CTRL_WANT_W))
		txn.flags |= UIOMMU_ATS_NO_WRITE;
	if (uiommu_smmuv3_model_ats_translate(dev->smmu->model, &txn, &tr))
		return TESTEP_ABORTED;
	pthread_mutex_lock(&slot->ep->lock);
	slot->result = tr.addr;
	slot->xlate = FIELD_PREP(TESTEP_XLATE_SIZE_LG2, tr.size_lg2) |
		      (tr.read ? TESTEP_XLATE_R : 0) |
		      (tr.write ? TESTEP_XLATE_W : 0) |
		      (tr.exec ? TESTEP_XLATE_X : 0) |
		      (tr.priv ? TESTEP_XLATE_PRIV : 0);
	pthread_mutex_unlock(&slot->ep->lock);
	return TESTEP_OK;
}

/* TESTEP_WORKING: testep_page_response() has finished it, or will. */
static enum testep_status send_page_request(struct testep_slot *slot)
{
	struct pcidev *dev = slot->ep->dev;
	struct uiommu_pri_request page = {
		.ssv = slot->ctrl & TESTEP_CTRL_PASID,
		.ssid = slot->pasid,
		.priv = slot->ctrl & TESTEP_CTRL_PRIV,
		.exec = slot->ctrl & TESTEP_CTRL_EXEC,
		.read = slot->ctrl & TESTEP_CTRL_WANT_R,
		.write = slot->ctrl & TESTEP_CTRL_WANT_W,
		.addr = align_down_lg2(slot->addr, 12),
	};

	/* One that asks for nothing would be a Stop Marker. */
	if (!dev->ep || pasid_refused(slot) || (!page.read && !page.write))
		return TESTEP_REFUSED;
	switch (uiommu_smmuv3_endpoint_page_request(dev->ep, &page, 1, slot)) {
	case 0:
		return TESTEP_WORKING;
	case -EBUSY:
		return TESTEP_BUSY;
	default:
		return TESTEP_REFUSED;
	}
}

static enum testep_status send_stop_marker(struct testep_slot *slot)
{
	struct pcidev *dev = slot->ep->dev;

	if (!dev->ep || !(slot->ctrl & TESTEP_CTRL_PASID) ||
	    pasid_refused(slot) ||
	    uiommu_smmuv3_endpoint_stop_marker(dev->ep, slot->pasid))
		return TESTEP_REFUSED;
	return TESTEP_OK;
}

static enum testep_status send_access_status(struct testep_slot *slot)
{
	int rc;

	if (op_of(slot) >= TESTEP_NR_OPS ||
	    (is_atomic(op_of(slot)) && !pcidev_atomics(slot->ep->dev)))
		return TESTEP_REFUSED;
	rc = send_access(slot);
	return rc == -EINPROGRESS ? TESTEP_WORKING : status_of(rc);
}

static void send(struct testep_slot *slot)
{
	struct pcidev *dev = slot->ep->dev;
	enum testep_status status;
	struct dma_scope scope;

	pcidev_enter(dev, &scope);
	switch (op_of(slot)) {
	case TESTEP_OP_TRANSLATE:
		status = send_translate(slot);
		break;
	case TESTEP_OP_PAGE_REQUEST:
		status = send_page_request(slot);
		break;
	case TESTEP_OP_STOP_MARKER:
		status = send_stop_marker(slot);
		break;
	default:
		status = send_access_status(slot);
		break;
	}
	if (status != TESTEP_WORKING)
		finish(slot, status);
	pcidev_leave(dev, &scope);
}

/* A slot to work on, which is the caller's from here on, or NULL. */
static struct testep_slot *take_slot(struct testep *ep)
{
	struct testep_slot *slot = NULL;

	pthread_mutex_lock(&ep->lock);
	if (ep->started) {
		slot = &ep->slot[ffs_u64(ep->started)];
		ep->started &= ep->started - 1;
		slot->req.dma.done_len = 0;
		fetch_add_acq_rel(&ep->sending, 1);
	}
	pthread_mutex_unlock(&ep->lock);
	return slot;
}

void testep_run(struct pcidev *dev)
{
	struct testep *ep = dev->priv;
	struct testep_slot *slot;
	uint32_t raised;

	while ((slot = take_slot(ep))) {
		send(slot);
		fetch_sub_acq_rel(&ep->sending, 1);
	}
	pthread_mutex_lock(&ep->lock);
	raised = ep->raised;
	ep->raised = 0;
	pthread_mutex_unlock(&ep->lock);
	for (unsigned int nr = 0; raised; nr++, raised >>= 1)
		if (raised & 1)
			pcidev_notify(dev, nr);
}

bool testep_busy(struct pcidev *dev)
{
	struct testep *ep = dev->priv;

	return load_acquire(&ep->sending);
}
