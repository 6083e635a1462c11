/* SPDX-License-Identifier: BSD-2-Clause */
#include "stall_rig.h"

#include <string.h>

struct rig stall_rig;

struct uiommu_smmuv3_profile stall_profile(uint32_t max)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");

	p.idr[0] &= ~(3u << 24 | 1u << 26);
	p.idr[5] = (p.idr[5] & 0xffff) | max << 16;
	return p;
}

static int setup_max(void **state, uint32_t max)
{
	struct uiommu_smmuv3_profile p = stall_profile(max);

	rig_init(&stall_rig, &p);
	*state = &stall_rig;
	return 0;
}

int stall_setup(void **state)
{
	return setup_max(state, 8);
}

int stall_setup_one(void **state)
{
	return setup_max(state, 1);
}

int stall_teardown(void **state)
{
	rig_fini(*state);
	return 0;
}

uint64_t stall_stream(struct rig *r, uint32_t sid)
{
	uint64_t table = rig_stream(r, sid, (uint16_t)sid);
	struct smmu_cd cd = rig_cd_4k(table, (uint16_t)sid);

	cd.q[0] |= CD_S;
	rig_cd(r, RIG_CD + 64 * sid, &cd);
	return table;
}

void stall_done(struct uiommu_smmuv3_dma *req, int status)
{
	struct stall_job *job = container_of(req, struct stall_job, dma);

	job->status = status;
	fetch_add_acq_rel(&job->dones, 1);
}

int stall_start(struct rig *r, struct stall_job *job, uint32_t sid,
		uint32_t flags, uint64_t iova, size_t len)
{
	memset(job, 0, sizeof(*job));
	memset(job->buf, 0xee, sizeof(job->buf));
	job->dma = (struct uiommu_smmuv3_dma){
		.txn = { .sid = sid, .flags = flags, .iova = iova },
		.buf = job->buf,
		.len = len,
		.done = stall_done,
	};
	/* The model has to set up what it uses. */
	memset(job->dma.opaque, 0xdd, sizeof(job->dma.opaque));
	return uiommu_smmuv3_model_dma(r->model, &job->dma);
}

void stall_expect_pending(const struct stall_job *job)
{
	assert_int_equal(job->dones, 0);
}

void stall_expect_done(const struct stall_job *job, int status)
{
	assert_int_equal(job->dones, 1);
	assert_int_equal(job->status, status);
}

void stall_retry(struct rig *r, uint32_t sid, uint64_t stag)
{
	rig_cmd(r, 0x1044 | (uint64_t)sid << 32, stag);
}

void stall_abort(struct rig *r, uint32_t sid, uint64_t stag)
{
	rig_cmd(r, 0x2044 | (uint64_t)sid << 32, stag);
}

void stall_razwi(struct rig *r, uint32_t sid, uint64_t stag)
{
	rig_cmd(r, 0x0044 | (uint64_t)sid << 32, stag);
}

void stall_term(struct rig *r, uint32_t sid)
{
	rig_cmd(r, 0x45 | (uint64_t)sid << 32, 0);
}

void stall_expect_next(struct rig *r, uint64_t q0, uint64_t q1, uint64_t q2,
		       uint64_t q3)
{
	uint64_t rec[4];

	assert_true(rig_event(r, rec));
	assert_int_equal(rec[0], q0);
	assert_int_equal(rec[1], q1);
	assert_int_equal(rec[2], q2);
	assert_int_equal(rec[3], q3);
}

uint8_t *stall_data(struct rig *r, uint64_t off)
{
	return r->ram.mem + (RIG_DATA - RIG_BASE) + off;
}
