/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioat_engine.c - the DMA engine of Intel I/OAT (8086:2021), one channel.
 *
 * A driver writes the address of a chain of descriptors to CHAINADDR and how
 * many of them there are to DMACOUNT, a counter that it goes on incrementing.
 * The channel works through the chain: fetch the descriptor, move the data in
 * pieces through a buffer, then, as the descriptor says, write its status to
 * the completion address and raise the interrupt.
 *
 * The engine is a state machine: more() takes the result of a memory access and
 * decides what is next, name_access() says which access that is, and it is made
 * with no lock held.  One thread at a time has it (`running`); others only change
 * registers, which it looks at again before every access.  When an access is
 * pending the thread leaves with `running` still set, and the completion goes
 * on where it stopped.
 *
 * Commands take effect between accesses (reset, abort) or between descriptors
 * (suspend).  An access that is aborted halts the channel with a bit in
 * CHANERR; so does a descriptor it does not know.
 */
#include "ioat.h"

/* More than one doorbell can ask for: 65535 descriptors of 34 accesses. */
#define ACCESSES_AT_ONCE BIT32(22)

/* One memory access of the engine. */
struct ioat_access {
	uint64_t iova;
	void *buf;
	uint32_t len;
	uint32_t flags;
};

/* --------------------------------------------------------- interrupts -- */

/* Under the lock; whether a message is due. */
static bool raise_locked(struct ioat *ioat)
{
	ioat->attnstatus |= 1;
	if (ioat->chanctrl & IOAT_CHANCTRL_INT_DISABLE)
		return false;
	ioat->chanctrl |= IOAT_CHANCTRL_INT_DISABLE;
	return ioat->intrctrl &
	       (IOAT_INTRCTRL_MASTER_EN | IOAT_INTRCTRL_VECTORS);
}

bool ioat_pin_level(const struct ioat *ioat)
{
	return ioat->attnstatus && ioat->intrctrl & IOAT_INTRCTRL_MASTER_EN;
}

void ioat_update_pin(struct ioat *ioat)
{
	bool level;

	pthread_mutex_lock(&ioat->lock);
	level = ioat_pin_level(ioat);
	pthread_mutex_unlock(&ioat->lock);
	pcidev_intx(ioat->dev, level && !pcidev_messages(ioat->dev));
}

static void interrupt(struct ioat *ioat)
{
	bool message;

	pthread_mutex_lock(&ioat->lock);
	message = raise_locked(ioat);
	pthread_mutex_unlock(&ioat->lock);
	if (pcidev_messages(ioat->dev)) {
		if (message)
			pcidev_notify(ioat->dev, 0);
	} else {
		ioat_update_pin(ioat);
	}
}

/* ---------------------------------------------------- reset and errors -- */

/* Registers to their reset values; under the lock, nobody has the engine. */
static void reset_channel(struct ioat *ioat)
{
	ioat->chanctrl = 0;
	ioat->chanerr = 0;
	ioat->chanerrmask = 0;
	ioat->dmacount = 0;
	ioat->dcactrl = 0;
	ioat->chainaddr = 0;
	ioat->chancmp = 0;
	ioat->completed = 0;
	ioat->done = 0;
	ioat->cur = 0;
	ioat->new_chain = false;
	ioat->want_reset = false;
	ioat->want_suspend = false;
	ioat->want_abort = false;
	store_relaxed(&ioat->want_stop, 0);
	ioat->notify = false;
	ioat->nr_ahead = 0;
	ioat->phase = PHASE_IDLE;
	ioat->state = IOAT_HALTED;
}

/* Reset now, or as soon as the access that is out is over. */
void ioat_want_reset(struct ioat *ioat)
{
	if (!ioat->running) {
		reset_channel(ioat);
		return;
	}
	ioat->want_reset = true;
	store_release(&ioat->want_stop, 1);
}

static void halt(struct ioat *ioat)
{
	ioat->state = IOAT_HALTED;
	ioat->status = ioat->completed | IOAT_HALTED;
	ioat->notify = ioat->chanctrl & IOAT_CHANCTRL_ERR_INT;
	if (ioat->chanctrl & IOAT_CHANCTRL_ERR_COMPLETION && ioat->chancmp)
		ioat->phase = PHASE_HALT;
	else
		ioat->phase = PHASE_IDLE;
}

static void finish_desc(struct ioat *ioat);

/* The descriptor in work failed; under the lock. */
static void fail(struct ioat *ioat, uint32_t bits)
{
	ioat->chanerr |= bits;
	pci_config_or32(ioat->dev, IOAT_CFG_CHANERR_INT, bits);
	/* What software masks does not stop the chain if it can go on. */
	if (!(bits & ~ioat->chanerrmask) && ioat->phase != PHASE_FETCH)
		finish_desc(ioat);
	else
		halt(ioat);
}

/* ----------------------------------------------------------- the engine - */

/* The data is where it belongs; under the lock. */
static void finish_desc(struct ioat *ioat)
{
	ioat->completed = ioat->cur & IOAT_CHANSTS_ADDR;
	ioat->done++;
	ioat->status = ioat->completed |
		       (ioat_todo(ioat) ? IOAT_ACTIVE : IOAT_DONE);
	ioat->notify = ioat->desc.ctl & IOAT_DESC_CTL_INT;
	ioat->cur = ioat->desc.next;
	if (ioat->desc.ctl & IOAT_DESC_CTL_COMPLETION)
		ioat->phase = PHASE_COMPLETE;
	else
		ioat->phase = PHASE_IDLE;
}

/* Begin with the descriptor that was fetched. */
static void start_desc(struct ioat *ioat)
{
	const struct ioat_desc *desc = &ioat->desc;
	unsigned int op = IOAT_DESC_OP(desc->ctl);

	/* From here on an error is the descriptor's, not the fetch's. */
	ioat->phase = PHASE_READ;
	ioat->pos = 0;
	if (op > IOAT_OP_FILL) {
		fail(ioat, IOAT_CHANERR_CONTROL);
		return;
	}
	if (op == IOAT_OP_COPY && desc->ctl & IOAT_DESC_CTL_NULL) {
		finish_desc(ioat);
		return;
	}
	if (!desc->size || desc->size > BIT32(IOAT_XFERCAP_LG2)) {
		fail(ioat, IOAT_CHANERR_LENGTH);
		return;
	}
	if (op == IOAT_OP_FILL) {
		uint32_t len = desc->size < PIECE ? desc->size : PIECE;

		for (uint32_t i = 0; i < len; i += 8)
			memcpy(&ioat->buf[i], &desc->src, 8);
		ioat->phase = PHASE_WRITE;
	}
}

/* A descriptor that is all right and has data to move. */
static bool moves_data(const struct ioat_desc *desc)
{
	unsigned int op = IOAT_DESC_OP(desc->ctl);

	return desc->size && desc->size <= BIT32(IOAT_XFERCAP_LG2) &&
	       (op == IOAT_OP_FILL ||
		(op == IOAT_OP_COPY && !(desc->ctl & IOAT_DESC_CTL_NULL)));
}

/*
 * Descriptors that may be fetched together: promised, and in the same page, so
 * that those further on cannot fail where the first one does not.
 */
static unsigned int how_many_ahead(const struct ioat *ioat)
{
	uint64_t room = (4096 - (ioat->cur & 4095)) / IOAT_DESC_SIZE;

	return (unsigned int)max_u64(1, min_u64(min_u64(room, ioat_todo(ioat)),
						IOAT_AHEAD));
}

/* The one that was fetched is in work now; what follows it waits. */
static void take_fetched(struct ioat *ioat)
{
	ioat->desc = ioat->ahead[0];
	ioat->next_ahead = 1;
}

/*
 * The next descriptor, if it is here already: the chain goes on where the last
 * one ended.  One that needs a word of its own is fetched again.
 */
static bool take_ahead(struct ioat *ioat)
{
	const struct ioat_desc *desc = &ioat->ahead[ioat->next_ahead];

	if (ioat->next_ahead >= ioat->nr_ahead ||
	    ioat->cur != ioat->completed + IOAT_DESC_SIZE || !moves_data(desc))
		return false;
	ioat->desc = *desc;
	ioat->next_ahead++;
	return true;
}

/* Between descriptors: is there one more?  Under the lock. */
static bool next_desc(struct ioat *ioat)
{
	if (ioat->state == IOAT_HALTED || ioat->state == IOAT_SUSPENDED)
		return false;
	if (ioat->new_chain) {
		ioat->new_chain = false;
		ioat->cur = ioat->chainaddr;
		ioat->done = 0;
		ioat->nr_ahead = 0;
	}
	if (ioat->want_suspend) {
		ioat->want_suspend = false;
		ioat->state = IOAT_SUSPENDED;
		ioat->nr_ahead = 0;
		return false;
	}
	if (!ioat_todo(ioat)) {
		if (ioat->state == IOAT_ACTIVE)
			ioat->state = IOAT_DONE;
		return false;
	}
	ioat->state = IOAT_ACTIVE;
	if (take_ahead(ioat)) {
		start_desc(ioat);
		return true;
	}
	ioat->phase = PHASE_FETCH;
	ioat->next_ahead = 0;
	ioat->nr_ahead = how_many_ahead(ioat);
	if (ioat->cur & (IOAT_DESC_SIZE - 1))
		fail(ioat, ioat->done ? IOAT_CHANERR_DESC_ALIGN
				      : IOAT_CHANERR_CHAIN_ADDR);
	return true;
}

static bool stopped(struct ioat *ioat)
{
	if (ioat->want_reset) {
		reset_channel(ioat);
		return true;
	}
	if (ioat->want_abort) {
		ioat->want_abort = false;
		store_relaxed(&ioat->want_stop, 0);
		ioat->phase = PHASE_IDLE;
		ioat->state = IOAT_HALTED;
		return true;
	}
	return false;
}

static void access_failed(struct ioat *ioat)
{
	switch (ioat->phase) {
	case PHASE_FETCH:
		fail(ioat, IOAT_CHANERR_NEXT_ADDR | IOAT_CHANERR_READ_DATA);
		break;
	case PHASE_READ:
		fail(ioat, IOAT_CHANERR_SRC_ADDR);
		break;
	case PHASE_WRITE:
		fail(ioat, IOAT_CHANERR_DST_ADDR);
		break;
	default:
		/* Nobody can be told there: halt without a word. */
		ioat->chanerr |= IOAT_CHANERR_COMPLETION_ADDR;
		pci_config_or32(ioat->dev, IOAT_CFG_CHANERR_INT,
				IOAT_CHANERR_COMPLETION_ADDR);
		ioat->state = IOAT_HALTED;
		ioat->notify |= !!(ioat->chanctrl & IOAT_CHANCTRL_ERR_INT);
		ioat->phase = PHASE_IDLE;
	}
}

static void access_done(struct ioat *ioat)
{
	switch (ioat->phase) {
	case PHASE_FETCH:
		take_fetched(ioat);
		start_desc(ioat);
		break;
	case PHASE_READ:
		ioat->phase = PHASE_WRITE;
		break;
	case PHASE_WRITE:
		ioat->pos += ioat->piece;
		if (ioat->pos == ioat->desc.size)
			finish_desc(ioat);
		else if (IOAT_DESC_OP(ioat->desc.ctl) == IOAT_OP_COPY)
			ioat->phase = PHASE_READ;
		break;
	default:
		ioat->phase = PHASE_IDLE;
	}
}

/* Take the result of an access; under the lock.  Is an interrupt due? */
static bool finish_access(struct ioat *ioat, int status)
{
	bool notify;

	if (ioat->want_reset)
		return false;
	if (status)
		access_failed(ioat);
	else
		access_done(ioat);
	/* The interrupt follows the completion write. */
	notify = ioat->notify && ioat->phase == PHASE_IDLE;
	if (!notify)
		return false;
	ioat->notify = false;
	/* Whoever is woken finds the channel done. */
	if (ioat->state == IOAT_ACTIVE && !ioat_todo(ioat) &&
	    !ioat->want_suspend && !ioat->new_chain)
		ioat->state = IOAT_DONE;
	return true;
}

/*
 * Within a descriptor only the engine's own members change, so that going on
 * after a good access needs no lock unless somebody wants it to stop.
 */
static bool go_on(struct ioat *ioat)
{
	if (load_acquire(&ioat->want_stop))
		return false;
	switch (ioat->phase) {
	case PHASE_FETCH:
		if (!moves_data(&ioat->ahead[0]))
			return false;
		take_fetched(ioat);
		start_desc(ioat);
		return true;
	case PHASE_READ:
		access_done(ioat);
		return true;
	case PHASE_WRITE:
		if (ioat->pos + ioat->piece == ioat->desc.size)
			return false;
		access_done(ioat);
		return true;
	default:
		return false;
	}
}

/*
 * Take the result of the last access, if there was one, and look for more to
 * do.  False: there is nothing, and the engine is nobody's any more.
 */
static bool more(struct ioat *ioat, const int *status)
{
	bool go, notify = false;

	if (status && !*status && go_on(ioat))
		return true;
	pthread_mutex_lock(&ioat->lock);
	if (status && finish_access(ioat, *status)) {
		pthread_mutex_unlock(&ioat->lock);
		interrupt(ioat);
		pthread_mutex_lock(&ioat->lock);
	}
	go = !stopped(ioat);
	while (go && ioat->phase == PHASE_IDLE)
		go = next_desc(ioat);
	if (!go) {
		ioat->running = false;
		notify = ioat->notify;
		ioat->notify = false;
	}
	pthread_mutex_unlock(&ioat->lock);
	if (notify)
		interrupt(ioat);
	return go;
}

/* The access that the engine's phase asks for. */
static void name_access(struct ioat *ioat, struct ioat_access *acc)
{
	acc->flags = 0;
	acc->buf = ioat->buf;
	ioat->piece = ioat->desc.size - ioat->pos;
	if (ioat->piece > PIECE)
		ioat->piece = PIECE;
	acc->len = ioat->piece;
	switch (ioat->phase) {
	case PHASE_FETCH:
		acc->iova = ioat->cur;
		acc->buf = ioat->ahead;
		acc->len = ioat->nr_ahead * IOAT_DESC_SIZE;
		break;
	case PHASE_READ:
		acc->iova = ioat->desc.src + ioat->pos;
		break;
	case PHASE_WRITE:
		acc->iova = ioat->desc.dst + ioat->pos;
		acc->flags = UIOMMU_TXN_WRITE;
		break;
	default:
		acc->iova = ioat->chancmp;
		acc->buf = &ioat->status;
		acc->len = sizeof(ioat->status);
		acc->flags = UIOMMU_TXN_WRITE;
	}
}

static void access_resumed(struct pcidev_req *req, int status);

static void count_thread(struct ioat *ioat, int by)
{
	pthread_mutex_lock(&ioat->lock);
	ioat->threads += (unsigned int)by;
	pthread_mutex_unlock(&ioat->lock);
}

/* Let go of the engine in the middle. */
static void pause_engine(struct ioat *ioat)
{
	pthread_mutex_lock(&ioat->lock);
	ioat->running = false;
	pthread_mutex_unlock(&ioat->lock);
	pcidev_pause(ioat->dev);
}

/*
 * Work until there is no more, or until an access is pending; `status` is the
 * result of one that was, else NULL.  A chain that feeds itself has no end:
 * then the thread is given back and the next one to come by goes on.
 */
static void engine(struct ioat *ioat, const int *status)
{
	uint32_t left = ACCESSES_AT_ONCE;
	struct ioat_access acc;
	int rc;

	count_thread(ioat, 1);
	while (more(ioat, status)) {
		if (!left--) {
			pause_engine(ioat);
			break;
		}
		name_access(ioat, &acc);
		ioat->req.done = access_resumed;
		rc = pcidev_dma(ioat->dev, &ioat->req, acc.iova, acc.buf,
				acc.len, acc.flags);
		if (rc == -EINPROGRESS)
			break;
		status = &rc;
	}
	count_thread(ioat, -1);
}

static void access_resumed(struct pcidev_req *req, int status)
{
	engine(container_of(req, struct ioat, req), &status);
}

void ioat_engine_run(struct pcidev *dev)
{
	struct ioat *ioat = dev->priv;
	bool mine;

	pthread_mutex_lock(&ioat->lock);
	mine = !ioat->running;
	ioat->running = true;
	pthread_mutex_unlock(&ioat->lock);
	if (mine)
		engine(ioat, NULL);
	ioat_update_pin(ioat);
}
