/* SPDX-License-Identifier: BSD-2-Clause */
/* CMD_ATC_INV: what endpoints are told, who waits for them, who gives up. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define CONS(r) (rd(r, SMMU_REG_CMDQ_CONS) & SMMU_CMDQ_CONS_RD)
#define ERR(r) (rd(r, SMMU_REG_CMDQ_CONS) >> 24 & 0x7f)
#define NR_TAGS 32u

/* The endpoint: remembers what it was told, answers as it is told to. */
struct endpoint {
	struct rig rig;
	struct uiommu_ats_inval got[128];
	unsigned int n;
	int answer;
	bool done_within; /* call done() from the callback */
	unsigned int depth, max_depth;
};

static int told(void *arg, const struct uiommu_ats_inval *inval)
{
	struct endpoint *ep = arg;

	assert_true(ep->n < ARRAY_SIZE(ep->got));
	ep->got[ep->n++] = *inval;
	if (++ep->depth > ep->max_depth)
		ep->max_depth = ep->depth;
	if (ep->done_within)
		uiommu_smmuv3_model_ats_inval_done(ep->rig.model, inval->tag,
						   0);
	ep->depth--;
	return ep->answer;
}

static void attach(struct endpoint *ep)
{
	ep->rig.ram.on_ats_inval = told;
	ep->rig.ram.endpoint_arg = ep;
}

static int setup(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct endpoint *ep = calloc(1, sizeof(*ep));

	rig_init_ats(&ep->rig, &p);
	attach(ep);
	*state = ep;
	return 0;
}

static int teardown(void **state)
{
	struct endpoint *ep = *state;

	rig_fini(&ep->rig);
	free(ep);
	return 0;
}

static void done(struct endpoint *ep, unsigned int i, int status)
{
	uiommu_smmuv3_model_ats_inval_done(ep->rig.model, ep->got[i].tag,
					   status);
}

static void what_is_told(void **state)
{
	static const struct {
		uint64_t q0, q1;
		struct uiommu_ats_inval want;
	} rows[] = {
		{ 0x0000123400003840,
		  0x34,
		  { .sid = 0x1234, .ssv = true, .ssid = 3, .size_lg2 = 64 } },
		{ 0x0000123400003a40,
		  0x34,
		  { .sid = 0x1234,
		    .ssv = true,
		    .ssid = 3,
		    .global = true,
		    .size_lg2 = 64 } },
		/* without SSV neither SubstreamID nor G counts */
		{ 0xffffffff00003240,
		  0x5000,
		  { .sid = 0xffffffff, .addr = 0x5000, .size_lg2 = 12 } },
		{ 0x00000010fffff840,
		  0xffffffffffffffc3 & ~0x3cull,
		  { .sid = 0x10,
		    .ssv = true,
		    .ssid = 0xfffff,
		    .addr = 0xffffffffffff8000,
		    .size_lg2 = 15 } },
		{ 0x40,
		  0xfffffffffffff000 | 51,
		  { .addr = 0x8000000000000000, .size_lg2 = 63 } },
		{ 0x40, 0xfffffffffffff000 | 52, { .size_lg2 = 64 } },
		{ 0x40, 0xfffffffffffff000 | 53, { .size_lg2 = 64 } },
		{ 0x40, 0xfffffffffffff000 | 63, { .size_lg2 = 64 } },
	};
	struct endpoint *ep = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct uiommu_ats_inval *w = &rows[i].want;
		const struct uiommu_ats_inval *g = &ep->got[i];

		rig_cmd(&ep->rig, rows[i].q0, rows[i].q1);
		assert_int_equal(ep->n, i + 1);
		assert_int_equal(g->sid, w->sid);
		assert_int_equal(g->ssv, w->ssv);
		assert_int_equal(g->ssid, w->ssid);
		assert_int_equal(g->global, w->global);
		assert_int_equal(g->addr, w->addr);
		assert_int_equal(g->size_lg2, w->size_lg2);
	}
	rig_sync(&ep->rig);
}

/* An SMMU without SubstreamIDs has no PASID to put into the request. */
static void no_pasid_without_substreams(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct endpoint *ep = *state;

	p.idr[1] &= ~SMMU_IDR1_SSIDSIZE;
	rig_fini(&ep->rig);
	rig_init_ats(&ep->rig, &p);
	attach(ep);
	rig_cmd(&ep->rig, 0x0000123400003a40, 0x34);
	rig_sync(&ep->rig);
	assert_int_equal(ep->n, 1);
	assert_int_equal(ep->got[0].sid, 0x1234);
	assert_false(ep->got[0].ssv || ep->got[0].global || ep->got[0].ssid);
}

static void ignored_while_off(void **state)
{
	struct endpoint *ep = *state;

	ep->answer = -ETIMEDOUT;
	wr(&ep->rig, SMMU_REG_CR0, RIG_CR0_ATS & ~1u);
	rig_cmd(&ep->rig, 0x0000123400003840, 0x34);
	rig_sync(&ep->rig);
	assert_int_equal(ep->n, 0);
	assert_int_equal(rd(&ep->rig, SMMU_REG_GERROR), 0);
}

/* PROD is rung for each; CONS shows who waits. */
static void sync_waits(void **state)
{
	struct endpoint *ep = *state;
	struct rig *r = &ep->rig;

	ep->answer = -EINPROGRESS;
	rig_cmd(r, 0x0000001000000040, 0x34);
	rig_cmd(r, 0x0000001100000040, 0x34);
	rig_cmd(r, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	rig_cmd(r, 0x0000001200000040, 0x34);
	/* consumed is not complete, and nothing overtakes the SYNC */
	assert_int_equal(CONS(r), 3);
	assert_int_equal(ep->n, 2);
	wr(r, SMMU_REG_CMDQ_PROD, rd(r, SMMU_REG_CMDQ_PROD));
	assert_int_equal(CONS(r), 3);
	done(ep, 1, 0);
	assert_int_equal(CONS(r), 3);
	/* twice, and what nobody asked for */
	done(ep, 1, 0);
	uiommu_smmuv3_model_ats_inval_done(r->model, 12345, 0);
	assert_int_equal(CONS(r), 3);
	done(ep, 0, 0);
	assert_int_equal(CONS(r), 5);
	assert_int_equal(ep->n, 3);
	assert_int_equal(rig_stats(r).syncs, 1);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
	/* an old tag does not answer for a new request in its place */
	rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	done(ep, 0, 0);
	done(ep, 1, 0);
	assert_int_equal(CONS(r), 5);
	done(ep, 2, 0);
	assert_int_equal(CONS(r), 6);
}

static void timeout_stops_the_sync(void **state)
{
	struct endpoint *ep = *state;
	struct rig *r = &ep->rig;

	ep->answer = -ETIMEDOUT;
	rig_cmd(r, 0x0000001000000040, 0x34);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
	rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	rig_cmd(r, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	assert_int_equal(CONS(r), 1);
	assert_int_equal(ERR(r), SMMU_CERROR_ATC_INV_SYNC);
	assert_int_equal(rd(r, SMMU_REG_GERROR), SMMU_GERROR_CMDQ_ERR);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_GERROR], 1);
	assert_int_equal(rig_stats(r).syncs, 0);
	/* the endpoint is not asked again; the SYNC is run again and passes */
	wr(r, SMMU_REG_GERRORN, SMMU_GERROR_CMDQ_ERR);
	assert_int_equal(CONS(r), 3);
	assert_int_equal(ep->n, 1);
	assert_int_equal(rig_stats(r).syncs, 1);
	ep->answer = 0;
	rig_cmd(r, 0x0000001000000040, 0x34);
	rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	assert_int_equal(CONS(r), 5);
	assert_int_equal(rd(r, SMMU_REG_GERROR), SMMU_GERROR_CMDQ_ERR);
}

static void timeout_that_comes_later(void **state)
{
	struct endpoint *ep = *state;
	struct rig *r = &ep->rig;

	ep->answer = -EINPROGRESS;
	rig_cmd(r, 0x0000001000000040, 0x34);
	rig_cmd(r, 0x0000001100000040, 0x34);
	rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	done(ep, 0, -ETIMEDOUT);
	/* not before all have ended */
	assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
	done(ep, 1, 0);
	assert_int_equal(CONS(r), 2);
	assert_int_equal(ERR(r), SMMU_CERROR_ATC_INV_SYNC);
	assert_int_equal(rd(r, SMMU_REG_GERROR), SMMU_GERROR_CMDQ_ERR);
	wr(r, SMMU_REG_GERRORN, SMMU_GERROR_CMDQ_ERR);
	assert_int_equal(CONS(r), 3);
}

static void as_many_as_there_are_tags(void **state)
{
	struct endpoint *ep = *state;
	struct rig *r = &ep->rig;

	ep->answer = -EINPROGRESS;
	for (unsigned int i = 0; i < NR_TAGS + 3; i++)
		rig_cmd(r, 0x0000001000000040, i << 12);
	assert_int_equal(CONS(r), NR_TAGS);
	assert_int_equal(ep->n, NR_TAGS);
	for (unsigned int i = 0; i < NR_TAGS; i++) {
		for (unsigned int k = 0; k < i; k++)
			assert_int_not_equal(ep->got[i].tag, ep->got[k].tag);
	}
	done(ep, 7, 0);
	assert_int_equal(CONS(r), NR_TAGS + 1);
	assert_int_equal(ep->got[NR_TAGS].addr, NR_TAGS << 12);
	done(ep, 31, -ETIMEDOUT);
	done(ep, 0, 0);
	assert_int_equal(ep->n, NR_TAGS + 3);
	rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	for (unsigned int i = 0; i < NR_TAGS + 3; i++)
		done(ep, i, 0);
	assert_int_equal(CONS(r), NR_TAGS + 3);
	assert_int_equal(ERR(r), SMMU_CERROR_ATC_INV_SYNC);
	wr(r, SMMU_REG_GERRORN, SMMU_GERROR_CMDQ_ERR);
	assert_int_equal(CONS(r), NR_TAGS + 4);
}

/* However many there are, the endpoint is not called from within itself. */
static void done_from_the_callback(void **state)
{
	struct endpoint *ep = *state;
	struct rig *r = &ep->rig;

	ep->done_within = true;
	for (unsigned int k = 0; k < 2; k++) {
		uint32_t at = rd(r, SMMU_REG_CMDQ_PROD);

		/* what it then returns does not count any more */
		ep->answer = k ? -ETIMEDOUT : -EINPROGRESS;
		for (unsigned int i = 0; i < 50; i++) {
			uint64_t pa = RIG_CMDQ +
				      smmu_q_offset(at + i, RIG_CMDQ_LG2, 4);

			ram_w64(&r->ram, pa, i == 49 ? 0x46 : 0x40);
			ram_w64(&r->ram, pa + 8, 0);
		}
		wr(r, SMMU_REG_CMDQ_PROD, smmu_q_add(at, 50, RIG_CMDQ_LG2));
		assert_int_equal(CONS(r), rd(r, SMMU_REG_CMDQ_PROD));
	}
	assert_int_equal(ep->n, 98);
	assert_int_equal(ep->max_depth, 1);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
}

static void reset_forgets(void **state)
{
	struct endpoint *ep = *state;
	struct rig *r = &ep->rig;

	ep->answer = -EINPROGRESS;
	rig_cmd(r, 0x40, 0x34);
	uiommu_smmuv3_model_reset(r->model);
	wr64(r, SMMU_REG_CMDQ_BASE, RIG_CMDQ | RIG_CMDQ_LG2);
	wr(r, SMMU_REG_CR0, 9);
	rig_sync(r);
	rig_cmd(r, 0x40, 0x34);
	rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	assert_int_equal(CONS(r), 2);
	done(ep, 0, 0);
	assert_int_equal(CONS(r), 2);
	done(ep, 1, 0);
	assert_int_equal(CONS(r), 3);
}

/* ------------------------------------------------------ several queues --- */

#define NR_QUEUES 8u
#define Q_LG2 6u

/* ECMDQ registers: page 2 on, 16 KiB apart with two pages of four. */
static uint32_t ecmdq(unsigned int i, uint32_t off)
{
	return 0x20000 + i * 0x4000 + off;
}

static uint32_t ecmdq_rd(struct endpoint *ep, unsigned int i)
{
	return rd(&ep->rig, ecmdq(i, 0xc)) & 0xfffff;
}

static void ecmdq_cmd(struct endpoint *ep, unsigned int i, uint64_t q0,
		      uint64_t q1)
{
	struct rig *r = &ep->rig;
	uint32_t prod = rd(r, ecmdq(i, 8));
	uint64_t pa =
		RIG_BASE + 0x40000 + i * 0x1000 + smmu_q_offset(prod, Q_LG2, 4);

	ram_w64(&r->ram, pa, q0);
	ram_w64(&r->ram, pa + 8, q1);
	wr(r, ecmdq(i, 8),
	   (prod & 0xfff00000) | smmu_q_add(prod & 0xfffff, 1, Q_LG2));
}

static int setup_queues(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct endpoint *ep = calloc(1, sizeof(*ep));

	p.idr[1] |= SMMU_IDR1_ECMDQ;
	p.idr[6] = 1u << 24 | 2u << 16;
	rig_init_ats(&ep->rig, &p);
	attach(ep);
	for (unsigned int i = 0; i < NR_QUEUES; i++) {
		wr64(&ep->rig, ecmdq(i, 0),
		     (RIG_BASE + 0x40000 + i * 0x1000) | Q_LG2);
		wr(&ep->rig, ecmdq(i, 8), 0x80000000);
		assert_int_equal(rd(&ep->rig, ecmdq(i, 0xc)), 0x80000000);
	}
	*state = ep;
	return 0;
}

/* A SYNC waits for what its own queue has outstanding, and tells of that. */
static void each_queue_for_itself(void **state)
{
	struct endpoint *ep = *state;

	ep->answer = -EINPROGRESS;
	ecmdq_cmd(ep, 0, 0x40, 0x34);
	ecmdq_cmd(ep, 1, 0x40, 0x34);
	ecmdq_cmd(ep, 0, 0x46, 0);
	ecmdq_cmd(ep, 1, 0x46, 0);
	ecmdq_cmd(ep, 2, 0x46, 0);
	rig_sync(&ep->rig);
	assert_int_equal(ecmdq_rd(ep, 0), 1);
	assert_int_equal(ecmdq_rd(ep, 1), 1);
	assert_int_equal(ecmdq_rd(ep, 2), 1);
	done(ep, 1, -ETIMEDOUT);
	assert_int_equal(ecmdq_rd(ep, 0), 1);
	/* ERR and ERR_REASON of queue 1 */
	assert_int_equal(rd(&ep->rig, ecmdq(1, 0xc)), 0x83800001);
	done(ep, 0, 0);
	assert_int_equal(ecmdq_rd(ep, 0), 2);
	assert_int_equal(rd(&ep->rig, ecmdq(0, 0xc)), 0x80000002);
	/* acknowledged by ERRACK */
	wr(&ep->rig, ecmdq(1, 8), 0x80800002);
	assert_int_equal(ecmdq_rd(ep, 1), 2);
}

/* Tags are for all; whoever finds none goes on when one is there. */
static void queues_share_tags(void **state)
{
	struct endpoint *ep = *state;

	ep->answer = -EINPROGRESS;
	for (unsigned int i = 0; i < NR_TAGS; i++)
		rig_cmd(&ep->rig, 0x40, 0x34);
	for (unsigned int i = 0; i < NR_QUEUES; i++) {
		ecmdq_cmd(ep, i, 0x40, 0x34);
		ecmdq_cmd(ep, i, 0x46, 0);
		assert_int_equal(ecmdq_rd(ep, i), 0);
	}
	assert_int_equal(ep->n, NR_TAGS);
	for (unsigned int i = 0; i < NR_QUEUES; i++) {
		done(ep, i, 0);
		assert_int_equal(ep->n, NR_TAGS + i + 1);
	}
	for (unsigned int i = 0; i < NR_QUEUES; i++)
		assert_int_equal(ecmdq_rd(ep, i), 1);
	for (unsigned int i = NR_QUEUES; i < NR_TAGS + NR_QUEUES; i++)
		done(ep, i, 0);
	for (unsigned int i = 0; i < NR_QUEUES; i++)
		assert_int_equal(ecmdq_rd(ep, i), 2);
	rig_sync(&ep->rig);
}

/* One tag comes free and is given back at once by each: calls do not nest. */
static void queues_wake_each_other(void **state)
{
	struct endpoint *ep = *state;

	ep->answer = -EINPROGRESS;
	for (unsigned int i = 0; i < NR_TAGS; i++)
		rig_cmd(&ep->rig, 0x40, 0x34);
	for (unsigned int i = 0; i < NR_QUEUES; i++) {
		for (unsigned int k = 0; k < 5; k++)
			ecmdq_cmd(ep, i, 0x40, 0x34);
		ecmdq_cmd(ep, i, 0x46, 0);
	}
	ep->answer = 0;
	done(ep, 5, 0);
	assert_int_equal(ep->n, NR_TAGS + 5 * NR_QUEUES);
	assert_int_equal(ep->max_depth, 1);
	for (unsigned int i = 0; i < NR_QUEUES; i++)
		assert_int_equal(ecmdq_rd(ep, i), 6);
}

/* ------------------------------------------------- from other threads --- */

static void *answer_slowly(void *arg)
{
	struct endpoint *ep = arg;

	for (unsigned int i = 0; i < 100; i++)
		sched_yield();
	done(ep, 0, 0);
	for (unsigned int i = 0; i < 100; i++)
		sched_yield();
	done(ep, 1, 0);
	return NULL;
}

static void answered_by_another_thread(void **state)
{
	for (unsigned int threaded = 0; threaded < 2; threaded++) {
		struct uiommu_smmuv3_profile p = rig_profile_ats();
		struct endpoint *ep = calloc(1, sizeof(*ep));
		pthread_t t;

		p.threaded_commands = threaded;
		rig_init_ats(&ep->rig, &p);
		attach(ep);
		ep->answer = -EINPROGRESS;
		rig_cmd(&ep->rig, 0x0000001000000040, 0x34);
		rig_cmd(&ep->rig, 0x0000001100000040, 0x34);
		while (CONS(&ep->rig) != 2)
			sched_yield();
		rig_cmd(&ep->rig, SMMU_CMD_OP_SYNC, 0);
		assert_int_equal(pthread_create(&t, NULL, answer_slowly, ep),
				 0);
		while (CONS(&ep->rig) != 3)
			sched_yield();
		pthread_join(t, NULL);
		assert_int_equal(rig_stats(&ep->rig).syncs, 1);
		rig_fini(&ep->rig);
		free(ep);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define Q(name) cmocka_unit_test_setup_teardown(name, setup_queues, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_told),
		T(no_pasid_without_substreams),
		T(ignored_while_off),
		T(sync_waits),
		T(timeout_stops_the_sync),
		T(timeout_that_comes_later),
		T(as_many_as_there_are_tags),
		T(done_from_the_callback),
		T(reset_forgets),
		Q(each_queue_for_itself),
		Q(queues_share_tags),
		Q(queues_wake_each_other),
		cmocka_unit_test(answered_by_another_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
