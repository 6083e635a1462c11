/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In which thread, when and from how deep done() of a stalled DMA is called.
 */
#include "stall_rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "model/smmuv3/msmmu.h"

static void *resume_thread(void *arg)
{
	stall_retry(arg, SID, 0);
	return NULL;
}

static pthread_t done_thread;

static void note_thread(struct uiommu_smmuv3_dma *req, int status)
{
	done_thread = pthread_self();
	stall_done(req, status);
}

static void done_in_another_thread(void **state)
{
	struct rig *r = *state;
	uint64_t table = stall_stream(r, SID);
	struct stall_job job;
	pthread_t t;

	assert_int_equal(stall_start(r, &job, SID, 0, 0x1000, 8), PENDING);
	job.dma.done = note_thread;
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	assert_int_equal(pthread_create(&t, NULL, resume_thread, r), 0);
	pthread_join(t, NULL);
	stall_expect_done(&job, 0);
	assert_true(pthread_equal(done_thread, t));
}

static void in_the_models_own_thread(void **state)
{
	struct uiommu_smmuv3_profile p = stall_profile(1);
	struct rig r;
	struct stall_job job;
	uint64_t table;

	p.threaded_commands = true;
	rig_init(&r, &p);
	table = stall_stream(&r, SID);
	assert_int_equal(stall_start(&r, &job, SID, 0, 0x1000, 8), PENDING);
	job.dma.done = note_thread;
	rig_map4k(&r, table, 0x1000, RIG_DATA, LEAF_RW);
	stall_retry(&r, SID, 0);
	while (!load_acquire(&job.dones))
		sched_yield();
	assert_int_equal(job.status, 0);
	assert_false(pthread_equal(done_thread, pthread_self()));
	rig_fini(&r);
}

/* Answers every record at once, from within the interrupt. */
struct eager {
	struct rig *r;
	uint64_t table;
	unsigned int handled, map_at, depth, deepest;
};

static void eager_irq(void *arg, unsigned int line)
{
	struct eager *e = arg;
	uint64_t rec[4];

	if (line != UIOMMU_SMMUV3_LINE_EVENTQ)
		return;
	if (++e->depth > e->deepest)
		e->deepest = e->depth;
	while (rig_event(e->r, rec)) {
		if (++e->handled == e->map_at)
			rig_map4k(e->r, e->table, 0x1000, RIG_DATA, LEAF_RW);
		stall_retry(e->r, SID, rec[1] & 0xffff);
	}
	e->depth--;
}

/* The request is over before the call that started it has returned. */
static void resumed_from_within_the_interrupt(void **state)
{
	struct rig *r = *state;
	struct eager e = { .r = r, .map_at = 20000 };
	struct stall_job job;

	e.table = stall_stream(r, SID);
	r->ram.on_irq = eager_irq;
	r->ram.on_irq_arg = &e;
	assert_int_equal(stall_start(r, &job, SID, 0, 0x1000, 8), PENDING);
	stall_expect_done(&job, 0);
	assert_int_equal(e.handled, 20000);
	/* the stack does not grow with the retries */
	assert_true(e.deepest <= 3);
}

/* done() makes room for the next, which ends at once. */
static struct rig *chain_rig;
static unsigned int chain_dones, chain_depth, chain_deepest;

static void chain_done(struct uiommu_smmuv3_dma *req, int status)
{
	if (++chain_depth > chain_deepest)
		chain_deepest = chain_depth;
	chain_dones++;
	wr(chain_rig, SMMU_REG_EVENTQ_CONS,
	   rd(chain_rig, SMMU_REG_EVENTQ_CONS));
	chain_depth--;
	free(req);
}

static void many_wait_and_the_stack_stays(void **state)
{
	struct rig *r = *state;
	uint64_t table = stall_stream(r, SID);
	static uint8_t buf[8];

	chain_rig = r;
	chain_dones = chain_depth = chain_deepest = 0;
	for (unsigned int i = 0; i < 20000; i++) {
		struct uiommu_smmuv3_dma *req = calloc(1, sizeof(*req));

		req->txn.sid = SID;
		req->txn.iova = 0x1000;
		req->buf = buf;
		req->len = 8;
		req->done = chain_done;
		assert_int_equal(uiommu_smmuv3_model_dma(r->model, req),
				 PENDING);
	}
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	stall_retry(r, SID, 0);
	assert_int_equal(chain_dones, 20000);
	assert_int_equal(chain_deepest, 1);
}

/* A request that is used again in its own done(). */
static void again(struct uiommu_smmuv3_dma *req, int status)
{
	struct stall_job *job = container_of(req, struct stall_job, dma);

	job->status = status;
	if (++job->dones < 4)
		assert_int_equal(uiommu_smmuv3_model_dma(stall_rig.model,
							 &job->dma),
				 PENDING);
}

static void done_may_start_it_again(void **state)
{
	struct rig *r = *state;
	struct stall_job job;

	stall_stream(r, SID);
	assert_int_equal(stall_start(r, &job, SID, 0, 0x1000, 8), PENDING);
	job.dma.done = again;
	for (unsigned int i = 0; i < 4; i++) {
		rig_expect_event(r, 0x0000001000000010, READ_STALL(i), 0x1000,
				 0);
		stall_abort(r, SID, i);
	}
	assert_int_equal(job.dones, 4);
	rig_expect_no_event(r);
}

/* A device's write that reaches the doorbell: the command is consumed by a
 * thread that is inside, which must have left when done() runs.
 */
#define DOORBELL (RIG_DATA + 0x8000)

static uint32_t doorbell_prod;

static int doorbell_write(void *ctx, uiommu_pa_t pa, const void *buf,
			  size_t len, struct uiommu_mem_attrs attrs)
{
	struct uiommu_model_host host = model_ram_host(ctx);

	if (pa == DOORBELL) {
		wr(&stall_rig, SMMU_REG_CMDQ_PROD, doorbell_prod);
		assert_int_equal(rd(&stall_rig, SMMU_REG_CMDQ_CONS),
				 doorbell_prod);
		return 0;
	}
	return host.write(ctx, pa, buf, len, attrs);
}

static void outside_done(struct uiommu_smmuv3_dma *req, int status)
{
	assert_false(model_is_inside(&stall_rig.model->drain,
				     model_slot_get(&stall_rig.model->drain)));
	stall_done(req, status);
}

static void resumed_by_a_thread_that_is_inside(void **state)
{
	struct uiommu_smmuv3_profile p = stall_profile(1);
	struct uiommu_model_host host;
	struct stall_job stalled, bell;
	uint64_t table;

	rig_init_off(&stall_rig, &p);
	uiommu_smmuv3_model_destroy(stall_rig.model);
	host = model_ram_host(&stall_rig.ram);
	host.direct = NULL;
	host.write = doorbell_write;
	assert_int_equal(
		uiommu_smmuv3_model_create(&p, &host, &stall_rig.model), 0);
	wr64(&stall_rig, SMMU_REG_CMDQ_BASE, RIG_CMDQ | RIG_CMDQ_LG2);
	wr64(&stall_rig, SMMU_REG_EVENTQ_BASE, RIG_EVTQ | RIG_EVTQ_LG2);
	wr64(&stall_rig, SMMU_REG_STRTAB_BASE, RIG_STRTAB);
	wr(&stall_rig, SMMU_REG_STRTAB_BASE_CFG, 16);
	wr(&stall_rig, SMMU_REG_CR0, 0xd);
	table = stall_stream(&stall_rig, SID);
	assert_int_equal(stall_start(&stall_rig, &stalled, SID, 0, 0x1000, 8),
			 PENDING);
	stalled.dma.done = outside_done;
	rig_map4k(&stall_rig, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(&stall_rig, table, 0x2000, DOORBELL, LEAF_RW);
	ram_w64(&stall_rig.ram, RIG_CMDQ, 0x1044 | (uint64_t)SID << 32);
	doorbell_prod = 1;
	assert_int_equal(stall_start(&stall_rig, &bell, SID, UIOMMU_TXN_WRITE,
				     0x2000, 4),
			 0);
	stall_expect_done(&stalled, 0);
	rig_fini(&stall_rig);
}

/*
 * A request on its way back in meets an SMMU that was just turned off: the
 * transaction was there before, so it does not go by GBPA.
 */
static void a_stalled_one_is_never_bypassed(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_txn in = { .sid = SID, .iova = RIG_DATA };
	struct msmmu_txn t = { .m = r->model, .in = &in };
	struct uiommu_smmuv3_xlate x;

	wr(r, SMMU_REG_CR0, 0xc);
	t.slot = model_enter(&r->model->drain);
	assert_int_equal(msmmu_translate(&t, &x), 0);
	assert_int_equal(x.pa, RIG_DATA);
	t.was_stalled = true;
	assert_int_equal(msmmu_translate(&t, &x), ABORTED);
	assert_false(t.fault.record);
	model_leave(&r->model->drain, t.slot);
}

#define T(name) \
	cmocka_unit_test_setup_teardown(name, stall_setup, stall_teardown)
#define T1(name) \
	cmocka_unit_test_setup_teardown(name, stall_setup_one, stall_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(done_in_another_thread),
		cmocka_unit_test(in_the_models_own_thread),
		T(resumed_from_within_the_interrupt),
		T1(many_wait_and_the_stack_stays),
		T(done_may_start_it_again),
		cmocka_unit_test(resumed_by_a_thread_that_is_inside),
		T(a_stalled_one_is_never_bypassed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
