/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * testep.h - the insides of the test endpoint: testep.c has the registers,
 * testep_engine.c carries requests out.
 */
#ifndef MACHINE_DEV_TESTEP_H
#define MACHINE_DEV_TESTEP_H

#include "../pci.h"
#include "base/le.h"
#include "testep_regs.h"

struct testep;

/* The lock protects all; `req` and `page` belong to who works on the slot. */
struct testep_slot {
	struct testep *ep;
	uint64_t addr, operand, compare, result;
	uint32_t ctrl, pasid, len, moved, xlate;
	enum testep_status status;
	bool working;
	/* Reset while it worked: nothing of how it ends counts. */
	bool stale;
	/* For one atomic operation. */
	le64_t cell;
	struct pcidev_req req;
	uint8_t *page;
};

struct testep {
	struct pcidev *dev;
	/* Innermost: nothing is called with it held. */
	pthread_mutex_t lock;
	uint64_t started;  /* slots to be taken up, a bit each */
	uint64_t working;  /* and those that were */
	uint64_t finished; /* for software */
	uint32_t done;
	uint32_t raised; /* vectors to be raised, a bit each */
	/* Threads that are just sending a request.  Atomic. */
	uint32_t sending;
	struct testep_slot slot[TESTEP_SLOTS];
	uint8_t page[TESTEP_SLOTS][TESTEP_PAGE_SIZE];
};

/* Start slots (a bit each) that do not work; under the lock. */
void testep_start(struct testep *ep, uint64_t slots);
void testep_run(struct pcidev *dev);
bool testep_busy(struct pcidev *dev);
void testep_page_response(void *ctx, void *cookie, enum uiommu_pri_code code);
/* Registers of a slot to their reset values; under the lock. */
void testep_slot_reset(struct testep_slot *slot);

#endif /* MACHINE_DEV_TESTEP_H */
