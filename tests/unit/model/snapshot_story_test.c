/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Snapshots in use: an instance that went through some behaves like one that
 * did not; and when there is none.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/atomic.h"
#include "snapshot_rig.h"
#include "stall_rig.h"

#define STREAMS 4u
#define PAGES 8u

struct pair {
	struct rig a, b; /* b goes through snapshots */
	struct uiommu_smmuv3_profile profile;
	uint64_t table[STREAMS];
	uint64_t seed;
	unsigned int snapshots;
};

static uint32_t rnd(struct pair *p, uint32_t n)
{
	p->seed ^= p->seed << 13;
	p->seed ^= p->seed >> 7;
	p->seed ^= p->seed << 17;
	return (uint32_t)((p->seed >> 16) % n);
}

static void pair_setup(struct rig *r, uint64_t table[STREAMS])
{
	for (uint32_t s = 0; s < STREAMS; s++) {
		table[s] = rig_stream(r, s, (uint16_t)(s + 1));
		for (uint64_t i = 0; i < PAGES; i += 2)
			rig_map4k(r, table[s], i << 12, RIG_DATA + (i << 12),
				  LEAF_RW);
	}
}

/* Throw the instance away and go on with a new one. */
static void move_b(struct pair *p)
{
	struct rig *r = &p->b;
	struct shot shot = take(r);
	struct uiommu_model_host host = model_ram_host(&r->ram);

	uiommu_smmuv3_model_destroy(r->model);
	p->profile.tlb_entries = 1u << (4 + rnd(p, 8));
	assert_int_equal(
		uiommu_smmuv3_model_create(&p->profile, &host, &r->model), 0);
	if (rnd(p, 2)) {
		/* not only into an instance at reset */
		wr(r, SMMU_REG_CR0, 1);
		wr(r, SMMU_REG_CMDQ_PROD, 3);
	}
	assert_int_equal(restore(r, &shot), 0);
	assert_true(state_is(r, &shot));
	drop(&shot);
	p->snapshots++;
}

static void both_cmd(struct pair *p, uint64_t q0, uint64_t q1, bool ring)
{
	struct rig *rigs[2] = { &p->a, &p->b };

	for (unsigned int i = 0; i < 2; i++) {
		struct rig *r = rigs[i];
		uint32_t prod = rd(r, SMMU_REG_CMDQ_PROD);
		uint64_t pa = RIG_CMDQ + smmu_q_offset(prod, RIG_CMDQ_LG2, 4);

		if (smmu_q_count(prod, rd(r, SMMU_REG_CMDQ_CONS) & 0xfffff,
				 RIG_CMDQ_LG2) >= 1u << RIG_CMDQ_LG2)
			return;
		ram_w64(&r->ram, pa, q0);
		ram_w64(&r->ram, pa + 8, q1);
		if (ring)
			wr(r, SMMU_REG_CMDQ_PROD,
			   smmu_q_add(prod, 1, RIG_CMDQ_LG2));
	}
}

static void both_wr(struct pair *p, uint32_t off, uint32_t val)
{
	wr(&p->a, off, val);
	wr(&p->b, off, val);
}

/* Change a page and invalidate it. */
static void flip_page(struct pair *p)
{
	uint32_t s = rnd(p, STREAMS);
	uint64_t iova = (uint64_t)rnd(p, PAGES) << 12;
	uint64_t pa = RIG_DATA + ((uint64_t)rnd(p, 64) << 12);
	uint64_t attrs = rnd(p, 3) ? LEAF_RW : LEAF_RO;

	if ((rd(&p->a, SMMU_REG_GERROR) ^ rd(&p->a, SMMU_REG_GERRORN)) & 1 ||
	    !(rd(&p->a, SMMU_REG_CR0) & SMMU_CR0_CMDQEN))
		return;
	rig_map4k(&p->a, p->table[s], iova, pa, attrs);
	rig_map4k(&p->b, p->table[s], iova, pa, attrs);
	both_cmd(p, SMMU_CMD_OP_TLBI_NH_VA | (uint64_t)(s + 1) << 48, iova,
		 true);
	both_cmd(p, SMMU_CMD_OP_SYNC, 0, true);
}

static void translate_both(struct pair *p)
{
	struct uiommu_smmuv3_xlate xa = { 0 }, xb = { 0 };
	uint32_t sid = rnd(p, STREAMS + 1), flags = rnd(p, 2);
	uint64_t iova = (uint64_t)rnd(p, PAGES) << 12 | 0x123;
	int ra = rig_xlate(&p->a, sid, flags, iova, &xa);
	int rb = rig_xlate(&p->b, sid, flags, iova, &xb);

	assert_int_equal(ra, rb);
	assert_int_equal(xa.pa, xb.pa);
}

/* Put a harmless command in place of the one that was wrong, and go on. */
static void acknowledge(struct pair *p)
{
	uint32_t gerror = rd(&p->a, SMMU_REG_GERROR);
	uint32_t cons = rd(&p->a, SMMU_REG_CMDQ_CONS) & 0xfffff;
	uint64_t pa = RIG_CMDQ + smmu_q_offset(cons, RIG_CMDQ_LG2, 4);

	if ((gerror ^ rd(&p->a, SMMU_REG_GERRORN)) & 1 && rnd(p, 4)) {
		ram_w64(&p->a.ram, pa, SMMU_CMD_OP_SYNC);
		ram_w64(&p->b.ram, pa, SMMU_CMD_OP_SYNC);
	}
	both_wr(p, SMMU_REG_GERRORN, gerror);
}

static void step(struct pair *p)
{
	uint32_t prod;

	switch (rnd(p, 16)) {
	case 0: /* illegal */
		both_cmd(p, rnd(p, 4) ? SMMU_CMD_OP_SYNC | 1 << 12 : 0xff, 0,
			 true);
		break;
	case 1: /* several at once, an error among them */
		both_cmd(p, SMMU_CMD_OP_TLBI_NSNH_ALL, 0, false);
		both_cmd(p, SMMU_CMD_OP_CFGI_STE, 0, true);
		both_cmd(p, SMMU_CMD_OP_SYNC | (uint64_t)rnd(p, 4) << 12, 0,
			 true);
		break;
	case 2: /* half of the queue aborts for a moment */
		ram_poison(&p->a.ram, RIG_CMDQ, RIG_CMDQ + 512);
		ram_poison(&p->b.ram, RIG_CMDQ, RIG_CMDQ + 512);
		both_cmd(p, SMMU_CMD_OP_SYNC | 1ull << 12, 0, true);
		ram_poison(&p->a.ram, 1, 0);
		ram_poison(&p->b.ram, 1, 0);
		break;
	case 3: /* acknowledge errors */
	case 4:
		acknowledge(p);
		break;
	case 5: /* take events */
		prod = rd(&p->a, SMMU_REG_EVENTQ_PROD);
		both_wr(p, SMMU_REG_EVENTQ_CONS, prod);
		break;
	case 6: /* one event only, without the overflow flag */
		prod = rd(&p->a, SMMU_REG_EVENTQ_CONS);
		if ((prod ^ rd(&p->a, SMMU_REG_EVENTQ_PROD)) & 0xfffff)
			both_wr(p, SMMU_REG_EVENTQ_CONS,
				(prod & SMMU_Q_CONS_OVACKFLG) |
					smmu_q_add(prod, 1, RIG_EVTQ_LG2));
		break;
	case 7:
		both_wr(p, SMMU_REG_IRQ_CTRL, rnd(p, 8));
		break;
	case 8:
		both_wr(p, SMMU_REG_CR0, rnd(p, 3) ? 0xd : rnd(p, 16) & 0xd);
		break;
	case 9:
		both_wr(p, SMMU_REG_GBPA, 0x80000000 | rnd(p, 2) << 20);
		break;
	case 10:
	case 11:
		flip_page(p);
		break;
	default:
		translate_both(p);
	}
}

static void same(struct pair *p)
{
	static const uint32_t regs[] = {
		SMMU_REG_CR0,	      SMMU_REG_CR0ACK,	    SMMU_REG_GBPA,
		SMMU_REG_IRQ_CTRL,    SMMU_REG_IRQ_CTRLACK, SMMU_REG_GERROR,
		SMMU_REG_GERRORN,     SMMU_REG_CMDQ_PROD,   SMMU_REG_CMDQ_CONS,
		SMMU_REG_EVENTQ_PROD, SMMU_REG_EVENTQ_CONS,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(regs); i++)
		assert_int_equal(rd(&p->a, regs[i]), rd(&p->b, regs[i]));
	for (unsigned int i = 0; i < UIOMMU_SMMUV3_NR_LINES; i++)
		assert_int_equal(p->a.ram.irqs[i], p->b.ram.irqs[i]);
}

static void one_that_moved_is_like_one_that_did_not(void **state)
{
	struct pair *p = test_malloc(sizeof(*p));
	const unsigned int rounds = 20000;

	p->profile = rig_profile("full");
	p->seed = 0x9e3779b97f4a7c15;
	p->snapshots = 0;
	rig_init(&p->a, &p->profile);
	rig_init(&p->b, &p->profile);
	uiommu_smmuv3_model_set_fault_observer(p->b.model, NULL, NULL);
	pair_setup(&p->a, p->table);
	pair_setup(&p->b, p->table);
	for (unsigned int i = 0; i < rounds; i++) {
		if (!rnd(p, 24))
			move_b(p);
		step(p);
		same(p);
	}
	assert_true(p->snapshots > 500);
	assert_memory_equal(p->a.ram.mem, p->b.ram.mem, RIG_STRTAB - RIG_BASE);
	assert_true(rig_stats(&p->a).events > 500);
	assert_true(rig_stats(&p->a).events_lost > 50);
	assert_true(rig_stats(&p->a).syncs > 500);
	rig_fini(&p->a);
	rig_fini(&p->b);
	test_free(p);
}

/* ------------------------------------------------------ not just now -- */

struct from_irq {
	struct rig *r;
	int rc;
	uint8_t buf[4096];
};

static void save_from_irq(void *arg, unsigned int line)
{
	struct from_irq *f = arg;

	f->rc = uiommu_smmuv3_model_save(f->r->model, f->buf, sizeof(f->buf));
}

/* An interrupt on its way out is not to be lost. */
static void no_snapshot_during_an_interrupt(void **state)
{
	struct rig *r = *state;
	struct from_irq f = { .r = r };

	r->ram.on_irq = save_from_irq;
	r->ram.on_irq_arg = &f;
	rig_stream(r, 1, 1);
	rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_F_TRANSLATION);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_EVENTQ], 1);
	assert_int_equal(f.rc, -EBUSY);
	/* the signal of CMD_SYNC */
	f.rc = 0;
	rig_cmd(r, SMMU_CMD_OP_SYNC | 1 << 12, 0);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_SYNC], 1);
	assert_int_equal(f.rc, -EBUSY);
	assert_int_equal(
		uiommu_smmuv3_model_save(r->model, f.buf, sizeof(f.buf)), 0);
}

/* What is stalled is the device's; it does not travel. */
static void no_snapshot_of_stalled_transactions(void **state)
{
	struct rig *r = *state;
	struct shot before = take(r), now;
	struct stall_job job = { 0 };

	stall_stream(r, SID);
	assert_int_equal(stall_start(r, &job, SID, 0, 0x2000, 8), PENDING);
	now = (struct shot){ before.len, test_malloc(before.len) };
	assert_int_equal(uiommu_smmuv3_model_save(r->model, now.bytes, now.len),
			 -EBUSY);
	assert_int_equal(restore(r, &before), -EBUSY);
	assert_non_null(strstr(r->ram.last_log, "waiting"));
	stall_expect_pending(&job);
	rig_expect_event(r, 0x0000001000000010, READ_STALL(0), 0x2000, 0);
	stall_abort(r, SID, 0);
	stall_expect_done(&job, ABORTED);
	drop(&now);
	now = take(r);
	assert_int_equal(restore(r, &before), 0);
	assert_int_equal(restore(r, &now), 0);
	assert_true(state_is(r, &now));
	drop(&before);
	drop(&now);
}

static int later(void *arg, const struct uiommu_ats_inval *inval)
{
	*(uint32_t *)arg = inval->tag;
	return -EINPROGRESS;
}

/* An endpoint that owes an answer has to give it first; what it was counts. */
static void no_snapshot_before_endpoints_answer(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct shot before, now;
	struct rig r, other;
	uint32_t tag = 0;

	rig_init_ats(&r, &p);
	before = take(&r);
	now = (struct shot){ before.len, test_malloc(before.len) };
	r.ram.on_ats_inval = later;
	r.ram.endpoint_arg = &tag;
	rig_cmd(&r, SMMU_CMD_OP_ATC_INV | 1ull << 32, 52);
	assert_int_equal(uiommu_smmuv3_model_save(r.model, now.bytes, now.len),
			 -EBUSY);
	assert_int_equal(restore(&r, &before), -EBUSY);
	uiommu_smmuv3_model_ats_inval_done(r.model, tag, -ETIMEDOUT);
	drop(&now);
	now = take(&r);
	assert_int_equal(restore(&r, &before), 0);
	rig_sync(&r);
	/* the failure is found by a CMD_SYNC, wherever that is */
	rig_init_off(&other, &p);
	assert_int_equal(restore(&other, &now), 0);
	rig_cmd(&other, SMMU_CMD_OP_SYNC, 0);
	assert_int_equal(rd(&other, SMMU_REG_CMDQ_CONS), 3 << 24 | 1);
	assert_int_equal(rd(&other, SMMU_REG_GERROR), 1);
	rig_fini(&other);
	rig_fini(&r);
	drop(&before);
	drop(&now);
}

struct traffic {
	struct rig *r;
	uint32_t stop;
};

static void *make_faults(void *arg)
{
	struct traffic *t = arg;
	struct uiommu_smmuv3_xlate x;

	while (!load_acquire(&t->stop)) {
		for (uint64_t i = 0; i < PAGES; i++)
			rig_xlate(t->r, (uint32_t)i % STREAMS, 0, i << 12, &x);
	}
	return NULL;
}

/* Each is of one moment: a record that PROD counts is in memory. */
static void saved_under_traffic(void **state)
{
	struct rig *r = *state, other;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct traffic traffic = { .r = r };
	uint64_t table[STREAMS], busy = 0;
	struct shot shot = take(r);
	pthread_t thread;
	int rc;

	pair_setup(r, table);
	uiommu_smmuv3_model_set_fault_observer(r->model, NULL, NULL);
	rig_init_off(&other, &p);
	assert_int_equal(pthread_create(&thread, NULL, make_faults, &traffic),
			 0);
	for (unsigned int i = 0; i < 2000;) {
		uint32_t prod, cons;

		rc = uiommu_smmuv3_model_save(r->model, shot.bytes, shot.len);
		if (rc == -EBUSY) {
			busy++;
			continue;
		}
		i++;
		assert_int_equal(rc, 0);
		assert_int_equal(restore(&other, &shot), 0);
		assert_true(state_is(&other, &shot));
		prod = rd(&other, SMMU_REG_EVENTQ_PROD);
		cons = rd(&other, SMMU_REG_EVENTQ_CONS);
		for (; !smmu_q_empty(prod, cons, RIG_EVTQ_LG2);
		     cons = smmu_q_add(cons, 1, RIG_EVTQ_LG2)) {
			uint64_t pa =
				RIG_EVTQ + smmu_q_offset(cons, RIG_EVTQ_LG2, 5);

			assert_int_equal(ram_r64(&r->ram, pa) & 0xff,
					 SMMU_EVT_F_TRANSLATION);
			ram_w64(&r->ram, pa, 0);
		}
		wr(r, SMMU_REG_EVENTQ_CONS, cons | (prod & SMMU_Q_PROD_OVFLG));
	}
	store_release(&traffic.stop, 1);
	pthread_join(thread, NULL);
	rig_fini(&other);
	drop(&shot);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_moved_is_like_one_that_did_not),
		T(no_snapshot_during_an_interrupt),
		cmocka_unit_test_setup_teardown(
			no_snapshot_of_stalled_transactions, stall_setup,
			stall_teardown),
		cmocka_unit_test(no_snapshot_before_endpoints_answer),
		T(saved_under_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
