/* SPDX-License-Identifier: BSD-2-Clause */
/* testep.h - the test endpoint through its registers. */
#ifndef TESTS_FLOW_TESTEP_H
#define TESTS_FLOW_TESTEP_H

#include <unistd.h>

#include "client.h"

#define TESTEP_SLOTS 64u
#define TESTEP_SLOT(n) (0x4000u + 64u * (n))
#define TESTEP_DATA(n) (0x40000u + 4096u * (n))
#define TESTEP_WORK 0x28 /* slots that are working, a bit each */

/* What a slot does, and how it ended. */
#define TESTEP_WRITE 0x00u /* its page to memory */
#define TESTEP_READ 0x10u
#define TESTEP_WITH_PASID 0x100u
#define TESTEP_UNTRANSLATED 0x1000u /* although ATS is on */
#define TESTEP_IRQ_VECTOR(n) (1u << 15 | (uint32_t)(n) << 16)
enum {
	TESTEP_OK,
	TESTEP_ABORTED,
	TESTEP_WORKING,
};

static inline unsigned int testep_status(struct client *c, unsigned int slot)
{
	return (unsigned int)bar_read(c, TESTEP_SLOT(slot) + 0x10, 4);
}

/* Start a slot; its status right after. */
static inline unsigned int testep_go(struct client *c, unsigned int slot,
				     uint32_t ctrl, uint64_t iova, uint32_t len)
{
	bar_write(c, TESTEP_SLOT(slot), 8, iova);
	bar_write(c, TESTEP_SLOT(slot) + 0x14, 4, len);
	bar_write(c, TESTEP_SLOT(slot) + 0x08, 4, ctrl | 1);
	return testep_status(c, slot);
}

/* The same with a PASID; 0: without. */
static inline unsigned int testep_go_as(struct client *c, unsigned int slot,
					uint32_t pasid, uint32_t ctrl,
					uint64_t iova, uint32_t len)
{
	bar_write(c, TESTEP_SLOT(slot) + 0x0c, 4, pasid);
	return testep_go(c, slot, ctrl | (pasid ? TESTEP_WITH_PASID : 0), iova,
			 len);
}

/* The first word of a slot's page. */
static inline void testep_fill(struct client *c, unsigned int slot,
			       uint64_t word)
{
	bar_write(c, TESTEP_DATA(slot), 8, word);
}

static inline uint64_t testep_word(struct client *c, unsigned int slot)
{
	return bar_read(c, TESTEP_DATA(slot), 8);
}

/* What slot 0 reads there, 0: nothing; pasid 0: without. */
static inline uint64_t testep_read_how(struct client *c, uint32_t how,
				       uint32_t pasid, uint64_t iova)
{
	unsigned int status;

	testep_fill(c, 0, 0xdead);
	status = testep_go_as(c, 0, pasid, TESTEP_READ | how, iova, 8);
	assert_int_not_equal(status, TESTEP_WORKING);
	return status == TESTEP_OK ? testep_word(c, 0) : 0;
}

static inline uint64_t testep_read_word(struct client *c, uint32_t pasid,
					uint64_t iova)
{
	return testep_read_how(c, 0, pasid, iova);
}

/*
 * The same by a slot of its own, in a test of many threads: one of them may be taking
 * the request for a page, and tell the device then.
 */
static inline uint64_t testep_read_now(struct client *c, uint32_t pasid,
				       uint64_t iova)
{
	const unsigned int slot = TESTEP_SLOTS - 1;
	unsigned int status;

	testep_fill(c, slot, 0xdead);
	status = testep_go_as(c, slot, pasid, TESTEP_READ, iova, 8);
	while (status == TESTEP_WORKING) {
		usleep(20);
		status = testep_status(c, slot);
	}
	return status == TESTEP_OK ? testep_word(c, slot) : 0;
}

#endif /* TESTS_FLOW_TESTEP_H */
