/* SPDX-License-Identifier: BSD-2-Clause */
/* Atomic operations of devices, with and without ATS; reset of an endpoint. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <uiommu/smmuv3_endpoint.h>

#include "base/atomic.h"
#include "rig.h"

#define SID 0x10u
#define ATOMIC UIOMMU_TXN_ATOMIC
/* Long enough for two threads to meet. */
#define ADDS 100000u

struct world {
	struct rig rig;
	struct uiommu_smmuv3_endpoint *ep; /* NULL: the model's own DMA */
	uint64_t table;
	unsigned int failures;
	uint32_t started;
	enum uiommu_pri_code code;
};

static int invalidate(void *arg, const struct uiommu_ats_inval *inval)
{
	struct world *w = arg;

	return uiommu_smmuv3_endpoint_ats_invalidate(w->ep, inval);
}

static void respond(void *arg, const struct uiommu_pri_response *resp)
{
	struct world *w = arg;

	uiommu_smmuv3_endpoint_pri_response(w->ep, resp);
}

static void page_response(void *ctx, void *cookie, enum uiommu_pri_code code)
{
	struct world *w = cookie;

	w->failures++;
	w->code = code;
}

static struct world *begin(bool ats, bool direct)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct world *w = calloc(1, sizeof(*w));
	struct uiommu_smmuv3_endpoint_config c = {
		.sid = SID,
		.atc_entries = 64,
		.page_requests = 4,
		.stu_lg2 = 12,
		.page_response = page_response,
	};
	struct smmu_ste ste = rig_ste_s1(RIG_CD);
	struct smmu_cd cd;

	rig_init_ats(&w->rig, &p);
	w->rig.ram.use_direct = direct;
	w->rig.ram.on_ats_inval = invalidate;
	w->rig.ram.on_pri_response = respond;
	w->rig.ram.endpoint_arg = w;
	w->table = rig_table(&w->rig, 4096);
	cd = rig_cd_4k(w->table, 1);
	rig_cd(&w->rig, RIG_CD, &cd);
	ste.q[1] |= 1ull << 28; /* EATS */
	rig_ste(&w->rig, SID, &ste);
	rig_map4k(&w->rig, w->table, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(&w->rig, w->table, 0x2000, RIG_DATA + 0x1000, LEAF_RO);
	if (ats) {
		c.model = w->rig.model;
		assert_int_equal(uiommu_smmuv3_endpoint_create(&c, &w->ep), 0);
		uiommu_smmuv3_endpoint_set_ats(w->ep, true);
	}
	return w;
}

static void end(struct world *w)
{
	uiommu_smmuv3_endpoint_destroy(w->ep);
	rig_fini(&w->rig);
	free(w);
}

static int op(struct world *w, enum uiommu_atomic atomic, uint64_t iova,
	      size_t len, uint64_t compare, uint64_t *operand)
{
	struct uiommu_smmuv3_dma req = {
		.txn = { .sid = SID, .flags = ATOMIC, .iova = iova },
		.buf = operand,
		.len = len,
		.atomic = atomic,
		.compare = compare,
	};

	return w->ep ? uiommu_smmuv3_endpoint_dma(w->ep, &req)
		     : uiommu_smmuv3_model_dma(w->rig.model, &req);
}

static uint64_t word(struct world *w, unsigned int off)
{
	return ram_r64(&w->rig.ram, RIG_DATA + off);
}

static void operations(struct world *w)
{
	uint64_t v = 5;

	ram_w64(&w->rig.ram, RIG_DATA + 8, 0x1111111100000009);
	assert_int_equal(op(w, UIOMMU_ATOMIC_FETCH_ADD, 0x1008, 8, 0, &v), 0);
	assert_int_equal(v, 0x1111111100000009);
	assert_int_equal(word(w, 8), 0x111111110000000e);
	/* four bytes: no carry into the neighbour, either half */
	v = 0xfffffff5;
	assert_int_equal(op(w, UIOMMU_ATOMIC_FETCH_ADD, 0x1008, 4, 0, &v), 0);
	assert_int_equal((uint32_t)v, 0xe);
	assert_int_equal(word(w, 8), 0x1111111100000003);
	v = 0xabcd;
	assert_int_equal(op(w, UIOMMU_ATOMIC_SWAP, 0x100c, 4, 0, &v), 0);
	assert_int_equal((uint32_t)v, 0x11111111);
	assert_int_equal(word(w, 8), 0x0000abcd00000003);
	/* compare-and-swap that fails, and one that does not */
	v = 7;
	assert_int_equal(op(w, UIOMMU_ATOMIC_CAS, 0x1008, 8, 1, &v), 0);
	assert_int_equal(v, 0x0000abcd00000003);
	assert_int_equal(word(w, 8), 0x0000abcd00000003);
	v = 7;
	assert_int_equal(
		op(w, UIOMMU_ATOMIC_CAS, 0x1008, 8, 0x0000abcd00000003, &v), 0);
	assert_int_equal(v, 0x0000abcd00000003);
	assert_int_equal(word(w, 8), 7);
	v = 1;
	/* of a compare value only the operand's size counts */
	assert_int_equal(
		op(w, UIOMMU_ATOMIC_CAS, 0x1008, 4, 0xffffffff00000007, &v), 0);
	assert_int_equal(word(w, 8), 1);
}

static void refusals(struct world *w)
{
	struct uiommu_smmuv3_dma plain = {
		.txn = { .sid = SID, .iova = 0x1000 },
		.len = 8,
		.atomic = UIOMMU_ATOMIC_SWAP,
	};
	uint64_t v = 5;

	plain.buf = &v;
	assert_int_equal(op(w, UIOMMU_ATOMIC_SWAP, 0x1001, 8, 0, &v), -EINVAL);
	assert_int_equal(op(w, UIOMMU_ATOMIC_SWAP, 0x1004, 8, 0, &v), -EINVAL);
	assert_int_equal(op(w, UIOMMU_ATOMIC_SWAP, 0x1002, 4, 0, &v), -EINVAL);
	assert_int_equal(op(w, UIOMMU_ATOMIC_SWAP, 0x1000, 2, 0, &v), -EINVAL);
	assert_int_equal(op(w, (enum uiommu_atomic)4, 0x1000, 8, 0, &v),
			 -EINVAL);
	/* without the flag it would need one right only */
	assert_int_equal(w->ep ? uiommu_smmuv3_endpoint_dma(w->ep, &plain)
			       : uiommu_smmuv3_model_dma(w->rig.model, &plain),
			 -EINVAL);
	/* it needs both rights; memory is as it was */
	ram_w64(&w->rig.ram, RIG_DATA + 0x1000, 3);
	assert_int_equal(op(w, UIOMMU_ATOMIC_FETCH_ADD, 0x2000, 8, 0, &v),
			 -EFAULT);
	assert_int_equal(v, 5);
	assert_int_equal(word(w, 0x1000), 3);
	/* memory that aborts */
	ram_poison(&w->rig.ram, RIG_DATA + 0x10, RIG_DATA + 0x17);
	assert_int_equal(op(w, UIOMMU_ATOMIC_FETCH_ADD, 0x1010, 8, 0, &v),
			 -EFAULT);
	ram_poison(&w->rig.ram, 1, 0);
}

static void each_operation(void **state)
{
	for (unsigned int i = 0; i < 4; i++) {
		struct world *w = begin(i & 1, i & 2);

		operations(w);
		refusals(w);
		end(w);
	}
}

static void *adder(void *arg)
{
	struct world *w = arg;

	fetch_add_acq_rel(&w->started, 1);
	while (load_acquire(&w->started) < 2)
		;
	for (unsigned int i = 0; i < ADDS; i++) {
		uint64_t v = 3;

		if (op(w, UIOMMU_ATOMIC_FETCH_ADD, 0x1020, 8, 0, &v))
			fetch_add_relaxed(&w->failures, 1);
	}
	return NULL;
}

/* Nothing is lost between two devices. */
static void additions_are_not_lost(void **state)
{
	for (unsigned int i = 0; i < 4; i++) {
		struct world *w = begin(i & 1, i & 2);
		pthread_t thread[2];

		for (unsigned int t = 0; t < 2; t++)
			pthread_create(&thread[t], NULL, adder, w);
		for (unsigned int t = 0; t < 2; t++)
			pthread_join(thread[t], NULL);
		assert_int_equal(w->failures, 0);
		assert_int_equal(word(w, 0x20), 2 * 3 * ADDS);
		end(w);
	}
}

/* Somebody else writes between the read and the write, as often as `bumps`. */
static unsigned int bumps;

static void bump(void *arg, uint64_t pa)
{
	struct world *w = arg;

	if (pa != RIG_DATA + 0x20 || !bumps)
		return;
	bumps--;
	ram_w64(&w->rig.ram, pa, ram_r64(&w->rig.ram, pa) + 100);
}

static void a_lost_race_is_run_again(void **state)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct world *w = begin(i & 1, false);
		uint64_t v = 1;

		w->rig.ram.on_read = bump;
		w->rig.ram.on_read_arg = w;
		bumps = 1;
		assert_int_equal(
			op(w, UIOMMU_ATOMIC_FETCH_ADD, 0x1020, 8, 0, &v), 0);
		assert_int_equal(v, 100);
		assert_int_equal(word(w, 0x20), 101);
		/* a comparison is with what is there in the end */
		bumps = 1;
		v = 5;
		assert_int_equal(op(w, UIOMMU_ATOMIC_CAS, 0x1020, 8, 101, &v),
				 0);
		assert_int_equal(v, 201);
		assert_int_equal(word(w, 0x20), 201);
		end(w);
	}
}

/* ------------------------------------------------------ endpoint: reset -- */

static void never(struct uiommu_smmuv3_dma *req, int status)
{
	*(int *)req->buf = status;
}

static void reset_ends_what_waits(void **state)
{
	struct world *w = begin(true, true);
	struct uiommu_pri_request page = { .read = true, .addr = 0x9000 };
	struct uiommu_pri_response late = {
		.sid = SID,
		.code = UIOMMU_PRI_SUCCESS,
	};
	struct uiommu_smmuv3_endpoint_stats stats;
	int status = 1;
	struct uiommu_smmuv3_dma req = {
		.txn = { .iova = 0x8000 },
		.buf = &status,
		.len = 4,
		.done = never,
	};

	uiommu_smmuv3_endpoint_set_pri(w->ep, true);
	assert_int_equal(uiommu_smmuv3_endpoint_dma(w->ep, &req), -EINPROGRESS);
	assert_int_equal(
		uiommu_smmuv3_endpoint_page_request(w->ep, &page, 1, w), 0);
	assert_int_equal(uiommu_smmuv3_endpoint_unanswered(w->ep), 2);
	uiommu_smmuv3_endpoint_reset(w->ep);
	assert_int_equal(status, -EFAULT);
	assert_int_equal(w->failures, 1);
	assert_int_equal(w->code, UIOMMU_PRI_FAILURE);
	assert_int_equal(uiommu_smmuv3_endpoint_unanswered(w->ep), 0);
	/* answers that are late find nobody */
	uiommu_smmuv3_endpoint_pri_response(w->ep, &late);
	late.group = 1;
	uiommu_smmuv3_endpoint_pri_response(w->ep, &late);
	assert_int_equal(w->failures, 1);
	/* off */
	assert_int_equal(uiommu_smmuv3_endpoint_page_request(w->ep, &page, 1,
							     w),
			 -EOPNOTSUPP);
	status = 0;
	req.txn.iova = 0x1000;
	assert_int_equal(uiommu_smmuv3_endpoint_dma(w->ep, &req), 0);
	uiommu_smmuv3_endpoint_stats(w->ep, &stats);
	assert_int_equal(stats.untranslated, 1);
	end(w);
}

static void groups_are_limited(void **state)
{
	struct world *w = begin(true, true);
	struct uiommu_pri_request page = { .read = true, .addr = 0x9000 };
	struct uiommu_smmuv3_endpoint *ep = w->ep;

	uiommu_smmuv3_endpoint_set_page_requests(ep, 2);
	uiommu_smmuv3_endpoint_set_pri(ep, true);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(uiommu_smmuv3_endpoint_page_request(ep, &page,
								     1, w),
				 0);
	assert_int_equal(uiommu_smmuv3_endpoint_page_request(ep, &page, 1, w),
			 -EBUSY);
	uiommu_smmuv3_endpoint_reset(ep);
	/* nothing allocated: off */
	uiommu_smmuv3_endpoint_set_page_requests(ep, 0);
	uiommu_smmuv3_endpoint_set_pri(ep, true);
	assert_int_equal(uiommu_smmuv3_endpoint_page_request(ep, &page, 1, w),
			 -EOPNOTSUPP);
	/* not more than there are; the SMMU answers itself where it has no room */
	wr(&w->rig, SMMU_REG_PRIQ_CONS, rd(&w->rig, SMMU_REG_PRIQ_PROD));
	uiommu_smmuv3_endpoint_set_page_requests(ep, 1000);
	uiommu_smmuv3_endpoint_set_pri(ep, true);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(uiommu_smmuv3_endpoint_page_request(ep, &page,
								     1, w),
				 0);
	assert_int_equal(uiommu_smmuv3_endpoint_page_request(ep, &page, 1, w),
			 -EBUSY);
	end(w);
}

static void translation_unit_can_be_set(void **state)
{
	struct world *w = begin(true, true);
	uint32_t byte = 0;
	struct uiommu_smmuv3_dma req = {
		.txn = { .iova = 0x1000 },
		.buf = &byte,
		.len = 4,
	};

	assert_int_equal(uiommu_smmuv3_endpoint_set_stu(w->ep, 11), -EINVAL);
	assert_int_equal(uiommu_smmuv3_endpoint_set_stu(w->ep, 44), -EINVAL);
	/* A page of 4K answers less than a unit: an error. */
	uiommu_smmuv3_endpoint_set_ats(w->ep, false);
	assert_int_equal(uiommu_smmuv3_endpoint_set_stu(w->ep, 16), 0);
	uiommu_smmuv3_endpoint_set_ats(w->ep, true);
	rig_map4k(&w->rig, w->table, 0, RIG_DATA, LEAF_RW);
	assert_int_equal(uiommu_smmuv3_endpoint_dma(w->ep, &req), -EFAULT);
	uiommu_smmuv3_endpoint_reset(w->ep);
	uiommu_smmuv3_endpoint_set_ats(w->ep, true);
	assert_int_equal(uiommu_smmuv3_endpoint_dma(w->ep, &req), 0);
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_operation),
		cmocka_unit_test(additions_are_not_lost),
		cmocka_unit_test(a_lost_race_is_run_again),
		cmocka_unit_test(reset_ends_what_waits),
		cmocka_unit_test(groups_are_limited),
		cmocka_unit_test(translation_unit_can_be_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
