/* SPDX-License-Identifier: BSD-2-Clause */
/* stall_rig.h - a rig whose streams stall, and requests to stall on it. */
#ifndef TESTS_UNIT_MODEL_STALL_RIG_H
#define TESTS_UNIT_MODEL_STALL_RIG_H

#include "base/atomic.h"
#include "rig.h"

#define CD_S (1ull << 44)
#define STE_S2S (1ull << 57)
#define SID 0x10u
#define PENDING (-115)
#define ABORTED (-14)
#define ENTRIES (1u << RIG_EVTQ_LG2)

/* q1 of a stage-1 read's record */
#define READ_STALL(stag) (0x0000020880000000 | (stag))

struct stall_job {
	struct uiommu_smmuv3_dma dma;
	unsigned int dones;
	int status;
	uint8_t buf[0x3000];
};

/* The rig of the fixtures. */
extern struct rig stall_rig;
/* Eight stall records, or one. */
int stall_setup(void **state);
int stall_setup_one(void **state);
int stall_teardown(void **state);
/* "full" with both fault models, RAZ/WI and `max` stall records. */
struct uiommu_smmuv3_profile stall_profile(uint32_t max);
/* A stage-1 stream that stalls; returns its table. */
uint64_t stall_stream(struct rig *r, uint32_t sid);

int stall_start(struct rig *r, struct stall_job *job, uint32_t sid,
		uint32_t flags, uint64_t iova, size_t len);
/* done() of such a request. */
void stall_done(struct uiommu_smmuv3_dma *req, int status);
void stall_expect_pending(const struct stall_job *job);
/* Once, with this. */
void stall_expect_done(const struct stall_job *job, int status);

/* CMD_RESUME and CMD_STALL_TERM. */
void stall_retry(struct rig *r, uint32_t sid, uint64_t stag);
void stall_abort(struct rig *r, uint32_t sid, uint64_t stag);
void stall_razwi(struct rig *r, uint32_t sid, uint64_t stag);
void stall_term(struct rig *r, uint32_t sid);

/* The oldest record is this one; there may be more. */
void stall_expect_next(struct rig *r, uint64_t q0, uint64_t q1, uint64_t q2,
		       uint64_t q3);
/* What lies at RIG_DATA + off. */
uint8_t *stall_data(struct rig *r, uint64_t off);

#endif /* TESTS_UNIT_MODEL_STALL_RIG_H */
