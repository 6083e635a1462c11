/* SPDX-License-Identifier: BSD-2-Clause */
/* ioat.h - what the engine and the registers of an I/OAT function share. */
#ifndef MACHINE_DEV_IOAT_H
#define MACHINE_DEV_IOAT_H

#include "../pci.h"
#include "ioat_regs.h"

#define PIECE UINT32_C(65536)
#define IOAT_AHEAD 8u /* descriptors fetched at once */

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
	/* Fetched in one access; only what DMACOUNT promised by then. */
	struct ioat_desc ahead[IOAT_AHEAD];
	unsigned int nr_ahead, next_ahead; /* in use from next_ahead on */
	uint32_t pos, piece;
	uint64_t status; /* what the completion write carries */
	bool notify;	 /* an interrupt is due before going on */
	struct pcidev_req req;
	uint8_t buf[PIECE] __attribute__((aligned(64)));
};

/* Descriptors that DMACOUNT promises and that are not done; under the lock. */
static inline uint16_t ioat_todo(const struct ioat *ioat)
{
	return (uint16_t)(ioat->dmacount - ioat->done);
}

/* Is the interrupt pin asserted?  Under the lock. */
bool ioat_pin_level(const struct ioat *ioat);
/* Tell the function what the pin does.  No lock held. */
void ioat_update_pin(struct ioat *ioat);
/* Reset now, or as soon as the access that is out is over.  Under the lock. */
void ioat_want_reset(struct ioat *ioat);
/* type->run: take the engine, unless somebody has it, and work. */
void ioat_engine_run(struct pcidev *dev);

#endif /* MACHINE_DEV_IOAT_H */
