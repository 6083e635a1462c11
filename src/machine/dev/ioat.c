/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioat.c - Intel I/OAT DMA engine (8086:2021), one channel.
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
#include "ioat_regs.h"
#include "../pci.h"

#define PIECE UINT32_C(65536)

enum phase {
	PHASE_IDLE, /* between descriptors */
	PHASE_FETCH,
	PHASE_READ,
	PHASE_WRITE,
	PHASE_COMPLETE,
	PHASE_HALT, /* completion write of a halted channel */
};

struct ioat {
	struct pcidev *dev;

	/* Protects all but the engine's own members further down. */
	pthread_mutex_t lock;
	uint32_t genctrl, intrctrl, attnstatus, intrdelay, dcactrl;
	uint32_t chanctrl, chanerr, chanerrmask, dmacount;
	uint64_t chainaddr, chancmp;
	uint64_t completed; /* address of the last descriptor done */
	enum ioat_state state;
	uint16_t done;	/* descriptors since CHAINADDR was written */
	bool new_chain; /* CHAINADDR was written */
	bool want_reset, want_suspend, want_abort;
	uint32_t want_stop; /* one of the outer two; atomic, read unlocked */
	bool running;	    /* a thread, or a pending access, has the engine */
	unsigned int threads; /* that are in engine() */

	/* Belongs to whoever has the engine. */
	enum phase phase;
	uint64_t cur; /* descriptor to fetch next, or in work */
	struct ioat_desc desc;
	uint32_t pos, piece;
	uint64_t status; /* what the completion write carries */
	bool notify;	 /* an interrupt is due before going on */
	struct pcidev_req req;
	uint8_t buf[PIECE] __attribute__((aligned(64)));
};

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

static bool pin_level(const struct ioat *ioat)
{
	return ioat->attnstatus && ioat->intrctrl & IOAT_INTRCTRL_MASTER_EN;
}

static void update_pin(struct ioat *ioat)
{
	bool level;

	pthread_mutex_lock(&ioat->lock);
	level = pin_level(ioat);
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
		update_pin(ioat);
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
	ioat->phase = PHASE_IDLE;
	ioat->state = IOAT_HALTED;
}

/* Reset now, or as soon as the access that is out is over. */
static void want_reset(struct ioat *ioat)
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

static uint16_t todo(const struct ioat *ioat)
{
	return (uint16_t)(ioat->dmacount - ioat->done);
}

/* The data is where it belongs; under the lock. */
static void finish_desc(struct ioat *ioat)
{
	ioat->completed = ioat->cur & IOAT_CHANSTS_ADDR;
	ioat->done++;
	ioat->status = ioat->completed | (todo(ioat) ? IOAT_ACTIVE : IOAT_DONE);
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

/* Between descriptors: is there one more?  Under the lock. */
static bool next_desc(struct ioat *ioat)
{
	if (ioat->state == IOAT_HALTED || ioat->state == IOAT_SUSPENDED)
		return false;
	if (ioat->new_chain) {
		ioat->new_chain = false;
		ioat->cur = ioat->chainaddr;
		ioat->done = 0;
	}
	if (ioat->want_suspend) {
		ioat->want_suspend = false;
		ioat->state = IOAT_SUSPENDED;
		return false;
	}
	if (!todo(ioat)) {
		if (ioat->state == IOAT_ACTIVE)
			ioat->state = IOAT_DONE;
		return false;
	}
	ioat->state = IOAT_ACTIVE;
	ioat->phase = PHASE_FETCH;
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
	if (ioat->state == IOAT_ACTIVE && !todo(ioat) && !ioat->want_suspend &&
	    !ioat->new_chain)
		ioat->state = IOAT_DONE;
	return true;
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
 * Within a descriptor only the engine's own members change, so that going on
 * after a good access needs no lock unless somebody wants it to stop.
 */
static bool go_on(struct ioat *ioat)
{
	if (load_acquire(&ioat->want_stop))
		return false;
	switch (ioat->phase) {
	case PHASE_FETCH:
		if (!moves_data(&ioat->desc))
			return false;
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
		acc->buf = &ioat->desc;
		acc->len = sizeof(ioat->desc);
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

/*
 * Work until there is no more, or until an access is pending; `status` is the
 * result of one that was, else NULL.
 */
static void engine(struct ioat *ioat, const int *status)
{
	struct ioat_access acc;
	int rc;

	count_thread(ioat, 1);
	while (more(ioat, status)) {
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

static void ioat_run(struct pcidev *dev)
{
	struct ioat *ioat = dev->priv;
	bool mine;

	pthread_mutex_lock(&ioat->lock);
	mine = !ioat->running;
	ioat->running = true;
	pthread_mutex_unlock(&ioat->lock);
	if (mine)
		engine(ioat, NULL);
	update_pin(ioat);
}

/* ------------------------------------------------------------ registers - */

static uint32_t intrctrl_value(const struct ioat *ioat)
{
	uint32_t val = ioat->intrctrl;

	if (ioat->attnstatus)
		val |= IOAT_INTRCTRL_STATUS;
	if (pin_level(ioat))
		val |= IOAT_INTRCTRL_INT;
	return val;
}

/* Value without side effects; under the lock. */
static uint64_t reg_peek(const struct ioat *ioat, enum ioat_reg reg)
{
	switch (reg) {
	case IOAT_CHANCNT:
		return 1;
	case IOAT_XFERCAP:
		return IOAT_XFERCAP_LG2;
	case IOAT_GENCTRL:
		return ioat->genctrl;
	case IOAT_INTRCTRL:
		return intrctrl_value(ioat);
	case IOAT_ATTNSTATUS:
		return ioat->attnstatus;
	case IOAT_CBVER:
		return IOAT_CBVER_3_3;
	case IOAT_INTRDELAY:
		return ioat->intrdelay;
	case IOAT_DMACAP:
		return IOAT_DMACAP_FILL;
	case IOAT_CHANCTRL:
		return ioat->chanctrl;
	case IOAT_DMA_COMP:
		return 2;
	case IOAT_CHANCMD:
		return ioat->want_reset ? IOAT_CHANCMD_RESET : 0;
	case IOAT_DMACOUNT:
		return ioat->dmacount;
	case IOAT_CHANSTS:
		return ioat->completed | (uint64_t)ioat->state;
	case IOAT_CHAINADDR:
		return ioat->chainaddr;
	case IOAT_CHANCMP:
		return ioat->chancmp;
	case IOAT_CDAR:
		return ioat->new_chain ? ioat->chainaddr : ioat->cur;
	case IOAT_CHANERR:
		return ioat->chanerr;
	case IOAT_CHANERRMASK:
		return ioat->chanerrmask;
	case IOAT_DCACTRL:
		return ioat->dcactrl;
	default:
		return 0;
	}
}

/* Reading has said: what that changes.  Under the lock. */
static void reg_was_read(struct ioat *ioat, enum ioat_reg reg)
{
	if (reg == IOAT_INTRCTRL)
		ioat->intrctrl &= ~IOAT_INTRCTRL_MASTER_EN;
	else if (reg == IOAT_ATTNSTATUS)
		ioat->attnstatus = 0;
}

static void write_chainaddr(struct ioat *ioat, uint64_t addr)
{
	ioat->chainaddr = addr;
	ioat->new_chain = true;
	ioat->dmacount = 0;
	ioat->done = 0;
	/* An error keeps the channel halted until it is cleared. */
	if (!ioat->running && !(ioat->chanerr & ~ioat->chanerrmask))
		ioat->state = IOAT_ARMED;
}

static void resume(struct ioat *ioat)
{
	ioat->want_suspend = false;
	if (ioat->state == IOAT_SUSPENDED)
		ioat->state = IOAT_ARMED;
}

static void write_chancmd(struct ioat *ioat, uint32_t cmd)
{
	switch (cmd) {
	case 0:
		break;
	case IOAT_CHANCMD_RESET:
		want_reset(ioat);
		break;
	case IOAT_CHANCMD_SUSPEND:
		if (ioat->running)
			ioat->want_suspend = true;
		else if (ioat->state != IOAT_HALTED)
			ioat->state = IOAT_SUSPENDED;
		break;
	case IOAT_CHANCMD_ABORT:
		if (!ioat->running) {
			ioat->state = IOAT_HALTED;
			break;
		}
		ioat->want_abort = true;
		store_release(&ioat->want_stop, 1);
		break;
	case IOAT_CHANCMD_START:
	case IOAT_CHANCMD_APPEND:
	case IOAT_CHANCMD_RESUME:
		resume(ioat);
		break;
	default:
		/* More than one at once. */
		ioat->chanerr |= IOAT_CHANERR_CHANCMD;
	}
}

/* Store the bits of `mask`; under the lock.  Whether there may be work. */
static bool reg_write(struct ioat *ioat, enum ioat_reg reg, uint64_t val,
		      uint64_t mask)
{
	uint64_t merged = (reg_peek(ioat, reg) & ~mask) | (val & mask);
	uint32_t word = (uint32_t)merged;

	switch (reg) {
	case IOAT_GENCTRL:
		ioat->genctrl = word;
		break;
	case IOAT_INTRCTRL:
		ioat->intrctrl = word & (IOAT_INTRCTRL_MASTER_EN |
					 IOAT_INTRCTRL_VECTORS);
		break;
	case IOAT_INTRDELAY:
		ioat->intrdelay = word & 0x3fff;
		break;
	case IOAT_CHANCTRL:
		/* Writing 1 to the disable bit rearms; 0 leaves it. */
		if (!(val & mask & IOAT_CHANCTRL_INT_DISABLE))
			word |= ioat->chanctrl & IOAT_CHANCTRL_INT_DISABLE;
		else
			word &= ~IOAT_CHANCTRL_INT_DISABLE;
		ioat->chanctrl = word;
		break;
	case IOAT_CHANCMD:
		write_chancmd(ioat, (uint32_t)(val & mask));
		return true;
	case IOAT_DMACOUNT:
		ioat->dmacount = word;
		resume(ioat);
		return true;
	case IOAT_CHAINADDR:
		write_chainaddr(ioat, merged);
		break;
	case IOAT_CHANCMP:
		ioat->chancmp = merged & ~UINT64_C(7);
		break;
	case IOAT_CHANERR:
		ioat->chanerr &= ~(uint32_t)(val & mask);
		break;
	case IOAT_CHANERRMASK:
		ioat->chanerrmask = word & IOAT_CHANERR_ALL;
		break;
	case IOAT_DCACTRL:
		ioat->dcactrl = word;
		break;
	default:
		break;
	}
	return false;
}

static const struct {
	uint16_t off;
	uint8_t bytes;
} ioat_regs[IOAT_NR_REGS] = {
#define IOAT_X(name, offset, bytes) [IOAT_##name] = { offset, bytes },
	IOAT_REGISTERS(IOAT_X)
#undef IOAT_X
};

/*
 * The bits of a register that an access of `size` bytes at `off` covers, in
 * the register's own position, and how far the access must be shifted left to
 * get there (negative: right).  0: none.
 */
static uint64_t covered(enum ioat_reg reg, uint64_t off, unsigned int size,
			int *shift)
{
	uint64_t first = ioat_regs[reg].off;
	uint64_t end = first + ioat_regs[reg].bytes;
	uint64_t from = max_u64(first, off), to = min_u64(end, off + size);

	if (from >= to)
		return 0;
	*shift = ((int)off - (int)first) * 8;
	return mask_lg2((unsigned int)(to - from) * 8) << ((from - first) * 8);
}

static uint64_t shifted(uint64_t val, int shift)
{
	return shift < 0 ? val >> -shift : val << shift;
}

static int ioat_bar_read(struct pcidev *dev, unsigned int bar, uint64_t off,
			 unsigned int size, uint64_t *val)
{
	struct ioat *ioat = dev->priv;
	bool pin = false;
	int shift;

	*val = 0;
	pthread_mutex_lock(&ioat->lock);
	for (unsigned int reg = 0; reg < IOAT_NR_REGS; reg++) {
		uint64_t mask = covered(reg, off, size, &shift);

		if (!mask)
			continue;
		*val |= shifted(reg_peek(ioat, reg) & mask, -shift);
		reg_was_read(ioat, reg);
		pin |= reg == IOAT_INTRCTRL || reg == IOAT_ATTNSTATUS;
	}
	pthread_mutex_unlock(&ioat->lock);
	if (pin)
		update_pin(ioat);
	return 0;
}

static int ioat_bar_write(struct pcidev *dev, unsigned int bar, uint64_t off,
			  unsigned int size, uint64_t val)
{
	struct ioat *ioat = dev->priv;
	bool work = false, pin = false;
	int shift;

	pthread_mutex_lock(&ioat->lock);
	for (unsigned int reg = 0; reg < IOAT_NR_REGS; reg++) {
		uint64_t mask = covered(reg, off, size, &shift);

		if (!mask)
			continue;
		work |= reg_write(ioat, reg, shifted(val, shift), mask);
		pin |= reg == IOAT_INTRCTRL;
	}
	pthread_mutex_unlock(&ioat->lock);
	if (pin)
		update_pin(ioat);
	if (work)
		pcidev_kick(dev);
	return 0;
}

/* ------------------------------------------------------------- the type - */

static void ioat_reset(struct pcidev *dev)
{
	struct ioat *ioat = dev->priv;

	pthread_mutex_lock(&ioat->lock);
	ioat->genctrl = 0;
	ioat->intrctrl = 0;
	ioat->attnstatus = 0;
	ioat->intrdelay = 0;
	want_reset(ioat);
	pthread_mutex_unlock(&ioat->lock);
	pci_config_field32(dev, IOAT_CFG_CHANERR_INT, 0, 0, ~UINT32_C(0));
	pci_config_field32(dev, IOAT_CFG_CHANERRMASK_INT, 0, ~UINT32_C(0), 0);
	pci_config_field32(dev, IOAT_CFG_DMAUNCERRSTS, 0, 0, ~UINT32_C(0));
}

static bool ioat_busy(struct pcidev *dev)
{
	struct ioat *ioat = dev->priv;
	bool busy;

	pthread_mutex_lock(&ioat->lock);
	busy = ioat->threads;
	pthread_mutex_unlock(&ioat->lock);
	return busy;
}

static int ioat_init(struct pcidev *dev)
{
	struct ioat *ioat = dev->priv;

	ioat->dev = dev;
	if (pthread_mutex_init(&ioat->lock, NULL))
		return -ENOMEM;
	ioat_reset(dev);
	return 0;
}

static void ioat_fini(struct pcidev *dev)
{
	struct ioat *ioat = dev->priv;

	pthread_mutex_destroy(&ioat->lock);
}

const struct pcidev_type pcidev_ioat = {
	.info = {
		.name = "ioat",
		.ids = "8086:2021",
		.summary = "Intel I/OAT DMA engine 3.3: copy, fill, MSI-X",
	},
	.vendor = 0x8086,
	.device = 0x2021,
	.subsystem_vendor = 0x8086,
	.subsystem = 0x0000,
	.class_code = 0x088000, /* system peripheral, other */
	.revision = 0x04,
	.features = PCIDEV_AER | PCIDEV_INTX,
	.bar_size = { IOAT_BAR_SIZE },
	.nr_vectors = 1,
	.nr_msi_lg2 = 0,
	.msix_bar = 0,
	.msix_table = IOAT_MSIX_TABLE,
	.msix_pba = IOAT_MSIX_PBA,
	.priv_size = sizeof(struct ioat),
	.init = ioat_init,
	.fini = ioat_fini,
	.reset = ioat_reset,
	.busy = ioat_busy,
	.bar_read = ioat_bar_read,
	.bar_write = ioat_bar_write,
	.run = ioat_run,
};
