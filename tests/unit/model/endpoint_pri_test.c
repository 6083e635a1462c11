/* SPDX-License-Identifier: BSD-2-Clause */
/* DMA of an endpoint that waits for pages, and a driver that brings them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uiommu/smmuv3_endpoint.h>

#include "hw/smmuv3/pri.h"
#include "rig.h"

#define SID 0x10u
#define WRITE UIOMMU_TXN_WRITE
#define SSV UIOMMU_TXN_SSV
#define GROUPS 3u

struct ep_rig {
	struct rig rig;
	struct uiommu_smmuv3_endpoint *ep;
	uint64_t table;
	/* the driver: what it does with each last request */
	bool in_interrupt;   /* serve() when the interrupt comes */
	bool maps;	     /* the page before it answers */
	unsigned int answer; /* of CMD_PRI_RESP */
	unsigned int served, depth, max_depth;
	uint64_t last[2]; /* the last record served */
	/* responses to page_request() */
	void *cookie[8];
	enum uiommu_pri_code code[8];
	unsigned int responses;
};

/* A DMA and how it ended. */
struct job {
	struct uiommu_smmuv3_dma dma;
	struct ep_rig *er;
	unsigned int ends;
	int status;
	uint8_t buf[0x4000];
};

static int invalidate(void *arg, const struct uiommu_ats_inval *inval)
{
	struct ep_rig *er = arg;

	return uiommu_smmuv3_endpoint_ats_invalidate(er->ep, inval);
}

static void respond(void *arg, const struct uiommu_pri_response *resp)
{
	struct ep_rig *er = arg;

	uiommu_smmuv3_endpoint_pri_response(er->ep, resp);
}

static void page_response(void *ctx, void *cookie, enum uiommu_pri_code code)
{
	struct ep_rig *er = ctx;

	assert_true(er->responses < ARRAY_SIZE(er->cookie));
	er->cookie[er->responses] = cookie;
	er->code[er->responses++] = code;
}

/* Take one record; false: there is none. */
static bool serve_one(struct ep_rig *er)
{
	struct rig *r = &er->rig;
	uint32_t cons = rd(r, SMMU_REG_PRIQ_CONS);
	uint64_t pa = RIG_PRIQ + smmu_q_offset(cons, RIG_PRIQ_LG2, 4);
	uint64_t q0, q1;

	if (smmu_q_empty(rd(r, SMMU_REG_PRIQ_PROD), cons, RIG_PRIQ_LG2))
		return false;
	q0 = er->last[0] = ram_r64(&r->ram, pa);
	q1 = er->last[1] = ram_r64(&r->ram, pa + 8);
	wr(r, SMMU_REG_PRIQ_CONS,
	   (cons & SMMU_Q_CONS_OVACKFLG) | smmu_q_add(cons, 1, RIG_PRIQ_LG2));
	er->served++;
	if (er->maps)
		rig_map4k(r, er->table, q1 & ~0xfffull,
			  RIG_DATA + (q1 & 0xff000), LEAF_RW);
	if ((q0 & SMMU_PRI_0_LAST) && (q0 & (SMMU_PRI_0_R | SMMU_PRI_0_W)))
		rig_cmd(r,
			0x41 | (q0 & SMMU_PRI_0_SSV ? 1 << 11 : 0) |
				FIELD_GET(SMMU_PRI_0_SSID, q0) << 12 | q0 << 32,
			(q1 & 0x1ff) | (uint64_t)er->answer << 12);
	return true;
}

static void serve(struct ep_rig *er)
{
	while (serve_one(er))
		;
}

static void on_irq(void *arg, unsigned int line)
{
	struct ep_rig *er = arg;

	if (line != UIOMMU_SMMUV3_LINE_PRIQ || !er->in_interrupt)
		return;
	if (++er->depth > er->max_depth)
		er->max_depth = er->depth;
	serve(er);
	er->depth--;
}

static int setup(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct ep_rig *er = calloc(1, sizeof(*er));
	struct uiommu_smmuv3_endpoint_config c = {
		.sid = SID,
		.atc_entries = 64,
		.page_requests = GROUPS,
		.stu_lg2 = 12,
		.pasid = true,
		.page_response = page_response,
		.ctx = er,
	};
	struct smmu_ste ste = rig_ste_s1(RIG_CD);

	rig_init_ats(&er->rig, &p);
	er->rig.ram.on_ats_inval = invalidate;
	er->rig.ram.on_pri_response = respond;
	er->rig.ram.endpoint_arg = er;
	er->rig.ram.on_irq = on_irq;
	er->rig.ram.on_irq_arg = er;
	er->table = rig_table(&er->rig, 4096);
	for (unsigned int i = 0; i < 16; i++) {
		struct smmu_cd cd = rig_cd_4k(er->table, (uint16_t)(i + 1));

		rig_cd(&er->rig, RIG_CD + 64 * i, &cd);
	}
	ste.q[0] |= 4ull << 59;
	ste.q[1] |= 1ull << 28 | 2; /* EATS, S1DSS */
	rig_ste(&er->rig, SID, &ste);
	er->maps = true;
	er->answer = SMMU_CMD_PRI_RESP_SUCCESS;
	c.model = er->rig.model;
	assert_int_equal(uiommu_smmuv3_endpoint_create(&c, &er->ep), 0);
	uiommu_smmuv3_endpoint_set_ats(er->ep, true);
	uiommu_smmuv3_endpoint_set_pri(er->ep, true);
	*state = er;
	return 0;
}

static int teardown(void **state)
{
	struct ep_rig *er = *state;

	uiommu_smmuv3_endpoint_destroy(er->ep);
	rig_fini(&er->rig);
	free(er);
	return 0;
}

static void done(struct uiommu_smmuv3_dma *req, int status)
{
	struct job *job = container_of(req, struct job, dma);

	job->ends++;
	job->status = status;
}

static int start(struct ep_rig *er, struct job *job, uint32_t flags,
		 uint64_t iova, size_t len)
{
	*job = (struct job){
		.er = er,
		.dma = { .txn = { .flags = flags, .ssid = 3, .iova = iova },
			 .len = len,
			 .done = done },
	};
	job->dma.buf = job->buf;
	return uiommu_smmuv3_endpoint_dma(er->ep, &job->dma);
}

static void expect_end(const struct job *job, int status, size_t len)
{
	assert_int_equal(job->ends, 1);
	assert_int_equal(job->status, status);
	assert_int_equal(job->dma.done_len, len);
}

static uint64_t requests(struct ep_rig *er)
{
	struct uiommu_smmuv3_endpoint_stats s;

	uiommu_smmuv3_endpoint_stats(er->ep, &s);
	return s.page_requests;
}

static void waits_for_its_page(void **state)
{
	struct ep_rig *er = *state;
	struct job job;

	assert_int_equal(start(er, &job, WRITE, 0x1800, 0x100), -EINPROGRESS);
	assert_int_equal(job.ends, 0);
	memset(job.buf, 0x5a, sizeof(job.buf));
	serve(er);
	expect_end(&job, 0, 0x100);
	assert_int_equal(er->rig.ram.mem[RIG_DATA - RIG_BASE + 0x1800], 0x5a);
	/* what was asked for: write, last */
	assert_int_equal(er->last[0], 0x6000000000000010);
	assert_int_equal(er->last[1] & ~0x1ffull, 0x1000);
	assert_int_equal(requests(er), 1);
	/* now it is there */
	assert_int_equal(start(er, &job, 0, 0x1800, 1), 0);
	assert_int_equal(er->served, 1);
	rig_expect_no_event(&er->rig);
}

static void what_is_asked_for(void **state)
{
	static const struct {
		uint32_t flags;
		uint64_t q0;
	} rows[] = {
		{ 0, 0x5000000000000010 },
		{ UIOMMU_TXN_ATOMIC, 0x7000000000000010 },
		{ UIOMMU_TXN_PRIV | UIOMMU_TXN_INSTR, 0x5000000000000010 },
		{ SSV, 0xd000000300000010 },
		{ SSV | WRITE | UIOMMU_TXN_PRIV, 0xe400000300000010 },
		{ SSV | UIOMMU_TXN_INSTR, 0xd800000300000010 },
	};
	struct ep_rig *er = *state;
	struct job job;

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(start(er, &job, rows[i].flags,
				       0x1234 + i * 4096ull, 4),
				 -EINPROGRESS);
		serve(er);
		expect_end(&job, 0, 4);
		assert_int_equal(er->last[0], rows[i].q0);
		assert_int_equal(er->last[1] >> 12, i + 1);
	}
}

static void page_after_page(void **state)
{
	struct ep_rig *er = *state;
	struct job job;

	assert_int_equal(start(er, &job, WRITE, 0x1800, 0x3000), -EINPROGRESS);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(job.ends, 0);
		assert_true(serve_one(er));
		assert_int_equal(er->last[1] >> 12, i + 1);
	}
	expect_end(&job, 0, 0x3000);
	assert_false(serve_one(er));
}

static void answers_that_end_it(void **state)
{
	struct ep_rig *er = *state;
	struct job job;

	for (unsigned int answer = 0; answer < 2; answer++) {
		er->answer = answer; /* Failure, Invalid Request */
		er->maps = false;
		rig_map4k(&er->rig, er->table, 0x1000, RIG_DATA, LEAF_RW);
		assert_int_equal(start(er, &job, WRITE, 0x1800, 0x1000),
				 -EINPROGRESS);
		serve(er);
		expect_end(&job, -EFAULT, 0x800);
	}
	assert_int_equal(requests(er), 2);
}

static void success_without_a_page_is_bounded(void **state)
{
	struct ep_rig *er = *state;
	struct job job;

	er->maps = false;
	assert_int_equal(start(er, &job, WRITE, 0x1000, 1), -EINPROGRESS);
	serve(er);
	expect_end(&job, -EFAULT, 0);
	assert_int_equal(er->served, 8);
}

static void nobody_to_ask(void **state)
{
	struct ep_rig *er = *state;
	struct uiommu_smmuv3_dma plain = { 0 };
	struct job job;

	/* no way to wait */
	plain.txn.iova = 0x1000;
	plain.buf = job.buf;
	plain.len = 1;
	assert_int_equal(uiommu_smmuv3_endpoint_dma(er->ep, &plain), -EFAULT);
	/* the SMMU denies at once */
	wr(&er->rig, SMMU_REG_CR0, RIG_CR0_ATS & ~SMMU_CR0_PRIQEN);
	assert_int_equal(start(er, &job, 0, 0x1000, 1), -EFAULT);
	assert_int_equal(requests(er), 1);
	/* PRI off */
	uiommu_smmuv3_endpoint_set_pri(er->ep, false);
	assert_int_equal(start(er, &job, 0, 0x1000, 1), -EFAULT);
	assert_int_equal(requests(er), 1);
	assert_int_equal(job.ends, 0);
}

/* The SMMU answers an overflow with Success by itself: tried again at once. */
static void overflow_answers_at_once(void **state)
{
	struct ep_rig *er = *state;
	struct job job;

	for (unsigned int i = 0; i < 1u << RIG_PRIQ_LG2; i++) {
		struct uiommu_pri_request req = { .sid = 0x99, .read = true };

		uiommu_smmuv3_model_page_request(er->rig.model, &req);
	}
	assert_int_equal(start(er, &job, 0, 0x1000, 1), -EFAULT);
	assert_int_equal(requests(er), 8);
	assert_int_equal(job.ends, 0);
}

static void as_many_as_there_are_groups(void **state)
{
	struct ep_rig *er = *state;
	struct job job[7];

	for (unsigned int i = 0; i < 7; i++)
		assert_int_equal(start(er, &job[i], 0, 0x1000 + i * 4096ull, 1),
				 -EINPROGRESS);
	assert_int_equal(requests(er), GROUPS);
	for (unsigned int i = 0; i < 7; i++) {
		assert_true(serve_one(er));
		expect_end(&job[i], 0, 1);
		assert_int_equal(er->last[1] >> 12, i + 1);
	}
	assert_int_equal(requests(er), 7);
	assert_false(serve_one(er));
}

/* The driver maps and answers while the endpoint is still sending. */
static void driver_in_the_interrupt(void **state)
{
	struct ep_rig *er = *state;
	struct job job;

	er->in_interrupt = true;
	assert_int_equal(start(er, &job, WRITE, 0x1800, 0x3000), 0);
	assert_int_equal(job.dma.done_len, 0x3000);
	assert_int_equal(job.ends, 0);
	assert_int_equal(er->served, 4);
	assert_int_equal(er->max_depth, 1);
}

/* However many wait for their turn, calls do not nest by their number. */
static void depth_does_not_grow(void **state)
{
	struct ep_rig *er = *state;
	struct job *job = calloc(100, sizeof(*job));

	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(start(er, &job[i], 0, 0x1000 + i * 4096ull, 1),
				 -EINPROGRESS);
	/* the first answer sets all of them going */
	er->in_interrupt = true;
	serve(er);
	for (unsigned int i = 0; i < 100; i++)
		expect_end(&job[i], 0, 1);
	assert_true(er->max_depth <= GROUPS);
	free(job);
}

/* done() may start the next one. */
static void again(struct uiommu_smmuv3_dma *req, int status)
{
	struct job *job = container_of(req, struct job, dma);

	job->ends++;
	job->status = status;
	if (job->ends == 5)
		return;
	req->txn.iova += 0x1000;
	assert_int_equal(uiommu_smmuv3_endpoint_dma(job->er->ep, req),
			 -EINPROGRESS);
}

static void the_next_from_done(void **state)
{
	struct ep_rig *er = *state;
	struct job job;

	job = (struct job){ .er = er,
			    .dma = { .txn = { .iova = 0x1000 },
				     .buf = job.buf,
				     .len = 1,
				     .done = again } };
	assert_int_equal(uiommu_smmuv3_endpoint_dma(er->ep, &job.dma),
			 -EINPROGRESS);
	serve(er);
	assert_int_equal(job.ends, 5);
	assert_int_equal(job.status, 0);
	assert_int_equal(er->served, 5);
}

static void turning_it_off(void **state)
{
	struct ep_rig *er = *state;
	struct job job[GROUPS + 2];

	for (unsigned int i = 0; i < GROUPS + 2; i++)
		assert_int_equal(start(er, &job[i], 0, 0x1000 + i * 4096ull, 1),
				 -EINPROGRESS);
	uiommu_smmuv3_endpoint_set_pri(er->ep, false);
	/* who had not sent yet */
	for (unsigned int i = 0; i < GROUPS; i++)
		assert_int_equal(job[i].ends, 0);
	expect_end(&job[GROUPS], -EFAULT, 0);
	expect_end(&job[GROUPS + 1], -EFAULT, 0);
	/* who had */
	assert_true(serve_one(er));
	expect_end(&job[0], 0, 1);
	/* ATS off: goes on without */
	uiommu_smmuv3_endpoint_set_ats(er->ep, false);
	assert_true(serve_one(er));
	expect_end(&job[1], 0, 1);
	/* unmaking ends the rest */
	uiommu_smmuv3_endpoint_destroy(er->ep);
	expect_end(&job[2], -EFAULT, 0);
	er->ep = NULL;
	er->rig.ram.on_pri_response = NULL;
}

static void answers_nobody_waits_for(void **state)
{
	struct ep_rig *er = *state;
	struct uiommu_pri_response resp = { .sid = SID, .group = 1 };
	struct job job;

	uiommu_smmuv3_endpoint_pri_response(er->ep, &resp);
	resp.group = GROUPS;
	uiommu_smmuv3_endpoint_pri_response(er->ep, &resp);
	resp.group = 0x1ff;
	uiommu_smmuv3_endpoint_pri_response(er->ep, &resp);
	assert_int_equal(start(er, &job, 0, 0x1000, 1), -EINPROGRESS);
	/* for another function */
	for (resp.group = 0; resp.group < GROUPS; resp.group++) {
		resp.sid = SID + 1;
		uiommu_smmuv3_endpoint_pri_response(er->ep, &resp);
	}
	assert_int_equal(job.ends, 0);
	serve(er);
	expect_end(&job, 0, 1);
	assert_int_equal(er->responses, 0);
}

/* ---------------------------------------------------- explicit requests -- */

/* Nobody takes requests: the first is answered, and the rest is not sent. */
static void a_denied_group_ends(void **state)
{
	static const struct uiommu_pri_request pages[3] = {
		{ .read = true, .addr = 0x1000 },
		{ .read = true, .addr = 0x2000 },
		{ .read = true, .addr = 0x3000 },
	};
	struct ep_rig *er = *state;
	int cookie;

	wr(&er->rig, SMMU_REG_CR0, RIG_CR0_ATS & ~SMMU_CR0_PRIQEN);
	for (unsigned int i = 0; i < 2 * GROUPS; i++) {
		assert_int_equal(uiommu_smmuv3_endpoint_page_request(
					 er->ep, pages, 3, &cookie),
				 0);
		assert_int_equal(er->responses, i + 1);
		assert_ptr_equal(er->cookie[i], &cookie);
		assert_int_equal(er->code[i], UIOMMU_PRI_FAILURE);
		assert_int_equal(requests(er), i + 1);
		assert_int_equal(uiommu_smmuv3_endpoint_unanswered(er->ep), 0);
	}
}

static void groups_by_hand(void **state)
{
	struct ep_rig *er = *state;
	struct uiommu_pri_request pages[3] = {
		{ .sid = 77, .read = true, .addr = 0x1000, .group = 9 },
		{ .ssv = true,
		  .ssid = 5,
		  .write = true,
		  .addr = 0x2000,
		  .last = true },
		{ .read = true, .addr = 0x3000 },
	};
	int a, b, c;

	assert_int_equal(
		uiommu_smmuv3_endpoint_page_request(er->ep, pages, 3, &a), 0);
	assert_int_equal(requests(er), 3);
	assert_true(serve_one(er));
	assert_int_equal(er->last[0], 0x1000000000000010);
	assert_true(serve_one(er));
	assert_int_equal(er->last[0], 0xa000000500000010);
	assert_int_equal(er->responses, 0);
	assert_true(serve_one(er));
	assert_int_equal(er->last[0], 0x5000000000000010);
	assert_int_equal(er->responses, 1);
	assert_ptr_equal(er->cookie[0], &a);
	assert_int_equal(er->code[0], UIOMMU_PRI_SUCCESS);
	/* several at a time, until there are no more groups */
	assert_int_equal(
		uiommu_smmuv3_endpoint_page_request(er->ep, pages, 1, &a), 0);
	assert_int_equal(
		uiommu_smmuv3_endpoint_page_request(er->ep, pages, 1, &b), 0);
	assert_int_equal(
		uiommu_smmuv3_endpoint_page_request(er->ep, pages, 1, &c), 0);
	assert_int_equal(uiommu_smmuv3_endpoint_page_request(er->ep, pages, 1,
							     &c),
			 -EBUSY);
	er->answer = SMMU_CMD_PRI_RESP_INVALID;
	serve(er);
	assert_int_equal(er->responses, 4);
	assert_ptr_equal(er->cookie[1], &a);
	assert_ptr_equal(er->cookie[2], &b);
	assert_ptr_equal(er->cookie[3], &c);
	assert_int_equal(er->code[3], UIOMMU_PRI_INVALID);
	/* answered before it returns */
	wr(&er->rig, SMMU_REG_CR0, RIG_CR0_ATS & ~SMMU_CR0_PRIQEN);
	assert_int_equal(
		uiommu_smmuv3_endpoint_page_request(er->ep, pages, 1, &b), 0);
	assert_ptr_equal(er->cookie[4], &b);
	assert_int_equal(er->code[4], UIOMMU_PRI_FAILURE);
	assert_int_equal(uiommu_smmuv3_endpoint_page_request(er->ep, pages, 0,
							     &b),
			 -EINVAL);
	uiommu_smmuv3_endpoint_set_pri(er->ep, false);
	assert_int_equal(uiommu_smmuv3_endpoint_page_request(er->ep, pages, 1,
							     &b),
			 -EOPNOTSUPP);
}

static void stop_markers(void **state)
{
	struct ep_rig *er = *state;

	er->maps = false;
	assert_int_equal(uiommu_smmuv3_endpoint_stop_marker(er->ep, 0xabcde),
			 0);
	assert_true(serve_one(er));
	assert_int_equal(er->last[0], 0xc00abcde00000010);
	assert_int_equal(er->last[1], 0);
	/* takes no group, gets no answer */
	assert_int_equal(requests(er), 0);
	wr(&er->rig, SMMU_REG_CR0, RIG_CR0_ATS & ~SMMU_CR0_PRIQEN);
	assert_int_equal(uiommu_smmuv3_endpoint_stop_marker(er->ep, 1), 0);
	assert_int_equal(er->responses, 0);
	uiommu_smmuv3_endpoint_set_pri(er->ep, false);
	assert_int_equal(uiommu_smmuv3_endpoint_stop_marker(er->ep, 1),
			 -EOPNOTSUPP);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(waits_for_its_page),
		T(what_is_asked_for),
		T(page_after_page),
		T(answers_that_end_it),
		T(success_without_a_page_is_bounded),
		T(nobody_to_ask),
		T(overflow_answers_at_once),
		T(as_many_as_there_are_groups),
		T(driver_in_the_interrupt),
		T(depth_does_not_grow),
		T(the_next_from_done),
		T(turning_it_off),
		T(answers_nobody_waits_for),
		T(groups_by_hand),
		T(a_denied_group_ends),
		T(stop_markers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
