/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The notifier of invalidations: what it is told of each command, when, and a
 * shadow of the guest's tables that is kept in step by it alone.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "base/atomic.h"
#include "rig.h"

#define MAX_TOLD 8u

struct told {
	struct rig *r;
	struct uiommu_smmuv3_inval inval[MAX_TOLD];
	unsigned int nr;
	/* registers as they were when we were told last */
	uint32_t cons, cr0ack;
};

static void tell(void *ctx, const struct uiommu_smmuv3_inval *inval)
{
	struct told *t = ctx;

	assert_true(t->nr < MAX_TOLD);
	t->inval[t->nr++] = *inval;
	t->cons = rd(t->r, SMMU_REG_CMDQ_CONS);
	t->cr0ack = rd(t->r, SMMU_REG_CR0ACK);
}

#define CONFIG UIOMMU_SMMUV3_INVAL_CONFIG
#define TLB UIOMMU_SMMUV3_INVAL_TLB
#define EL1 UIOMMU_SMMUV3_REGIME_EL1
#define EL2 UIOMMU_SMMUV3_REGIME_EL2
#define E2H UIOMMU_SMMUV3_REGIME_EL2_E2H
#define EL2_ANY UIOMMU_SMMUV3_REGIME_EL2_ANY
#define ALL_ADDRESSES .last = UINT64_MAX, .level = -128

static const struct row {
	uint64_t q0, q1;
	struct uiommu_smmuv3_inval want;
} rows[] = {
	{ 0x0000123400000003,
	  0x1,
	  { .kind = CONFIG,
	    .leaf_only = true,
	    .first_sid = 0x1234,
	    .last_sid = 0x1234,
	    .all_ssids = true } },
	{ 0x0000123700000004,
	  0x3,
	  { .kind = CONFIG,
	    .first_sid = 0x1230,
	    .last_sid = 0x123f,
	    .all_ssids = true } },
	{ 0x0000123700000004,
	  0x1f,
	  { .kind = CONFIG, .last_sid = UINT32_MAX, .all_ssids = true } },
	{ 0x0000001200003005,
	  0x0,
	  { .kind = CONFIG, .first_sid = 0x12, .last_sid = 0x12, .ssid = 3 } },
	{ 0x0000001200000006,
	  0x0,
	  { .kind = CONFIG,
	    .first_sid = 0x12,
	    .last_sid = 0x12,
	    .all_ssids = true } },
	{ 0x0000000500000010,
	  0,
	  { .kind = TLB,
	    .stages = 1,
	    .regime = EL1,
	    .first_vmid = 5,
	    .last_vmid = 5,
	    .all_asids = true,
	    .globals = true,
	    ALL_ADDRESSES } },
	{ 0x0042000500000011,
	  0,
	  { .kind = TLB,
	    .stages = 1,
	    .regime = EL1,
	    .first_vmid = 5,
	    .last_vmid = 5,
	    .asid = 0x42,
	    ALL_ADDRESSES } },
	{ 0x0042000500000012,
	  0xffff004012345000,
	  { .kind = TLB,
	    .stages = 1,
	    .regime = EL1,
	    .first_vmid = 5,
	    .last_vmid = 5,
	    .asid = 0x42,
	    .globals = true,
	    .first = 0xffff004012345000,
	    .last = 0xffff004012345fff,
	    .level = -128 } },
	/* 4K, level 3, 2 * 2^4 pages, leaves; a tag above */
	{ 0x0042000500401012,
	  0xab00004012345701,
	  { .kind = TLB,
	    .leaf_only = true,
	    .stages = 1,
	    .regime = EL1,
	    .first_vmid = 5,
	    .last_vmid = 5,
	    .asid = 0x42,
	    .globals = true,
	    .first = 0x4012345000,
	    .last = 0x4012364fff,
	    .granule_lg2 = 12,
	    .level = 3 } },
	{ 0x0042000500000013,
	  0x1000,
	  { .kind = TLB,
	    .stages = 1,
	    .regime = EL1,
	    .first_vmid = 5,
	    .last_vmid = 5,
	    .all_asids = true,
	    .globals = true,
	    .first = 0x1000,
	    .last = 0x1fff,
	    .level = -128 } },
	{ 0x20,
	  0,
	  { .kind = TLB,
	    .stages = 1,
	    .regime = EL2_ANY,
	    .all_asids = true,
	    .globals = true,
	    ALL_ADDRESSES } },
	{ 0x0042000000000021,
	  0,
	  { .kind = TLB,
	    .stages = 1,
	    .regime = E2H,
	    .asid = 0x42,
	    ALL_ADDRESSES } },
	{ 0x0042000000000022,
	  0x1001,
	  { .kind = TLB,
	    .leaf_only = true,
	    .stages = 1,
	    .regime = EL2,
	    .all_asids = true,
	    .globals = true,
	    .first = 0x1000,
	    .last = 0x1fff,
	    .level = -128 } },
	{ 0x0000000500000028,
	  0,
	  { .kind = TLB,
	    .stages = 3,
	    .regime = EL1,
	    .first_vmid = 5,
	    .last_vmid = 5,
	    .all_asids = true,
	    .globals = true,
	    ALL_ADDRESSES } },
	{ 0x000000050000002a,
	  0x00ff004012345000,
	  { .kind = TLB,
	    .stages = 2,
	    .regime = EL1,
	    .first_vmid = 5,
	    .last_vmid = 5,
	    .all_asids = true,
	    .globals = true,
	    .first = 0x00ff004012345000,
	    .last = 0x00ff004012345fff,
	    .level = -128 } },
	{ 0x30,
	  0,
	  { .kind = TLB,
	    .stages = 3,
	    .regime = EL1,
	    .last_vmid = UINT16_MAX,
	    .all_asids = true,
	    .globals = true,
	    ALL_ADDRESSES } },
};

static void expect(const struct uiommu_smmuv3_inval *got,
		   const struct uiommu_smmuv3_inval *want, uint8_t op)
{
	assert_int_equal(got->opcode, op);
	assert_int_equal(got->kind, want->kind);
	assert_int_equal(got->leaf_only, want->leaf_only);
	assert_int_equal(got->first_sid, want->first_sid);
	assert_int_equal(got->last_sid, want->last_sid);
	assert_int_equal(got->all_ssids, want->all_ssids);
	assert_int_equal(got->ssid, want->ssid);
	assert_int_equal(got->stages, want->stages);
	assert_int_equal(got->regime, want->regime);
	assert_int_equal(got->first_vmid, want->first_vmid);
	assert_int_equal(got->last_vmid, want->last_vmid);
	assert_int_equal(got->all_asids, want->all_asids);
	assert_int_equal(got->globals, want->globals);
	assert_int_equal(got->asid, want->asid);
	assert_int_equal(got->first, want->first);
	assert_int_equal(got->last, want->last);
	assert_int_equal(got->granule_lg2, want->granule_lg2);
	assert_int_equal(got->level, want->level);
}

static void each_command_is_told(void **state)
{
	struct rig *r = *state;
	struct told t = { .r = r };

	uiommu_smmuv3_model_set_notifier(r->model, tell, &t);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		t.nr = 0;
		rig_cmd(r, rows[i].q0, rows[i].q1);
		assert_int_equal(t.nr, 1);
		expect(&t.inval[0], &rows[i].want, (uint8_t)rows[i].q0);
		/* before software can know */
		assert_int_equal(t.cons, i);
	}
	t.nr = 0;
	/* nothing is forgotten by these, and by what is illegal */
	rig_cmd(r, SMMU_CMD_OP_PREFETCH_CONFIG, 0);
	rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	rig_cmd(r, SMMU_CMD_OP_CFGI_STE | SMMU_CMD_0_SSEC, 0);
	assert_int_equal(t.nr, 0);
	uiommu_smmuv3_model_set_notifier(r->model, NULL, NULL);
}

static void vmids_of_a_wildcard(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct told t = { .r = r };

	p.idr[0] |= SMMU_IDR0_VMW;
	rig_fini(r);
	rig_init(r, &p);
	wr(r, SMMU_REG_CR0, 0xd | 3 << 6);
	uiommu_smmuv3_model_set_notifier(r->model, tell, &t);
	rig_cmd(r, 0x0000001500000010, 0);
	assert_int_equal(t.nr, 1);
	assert_int_equal(t.inval[0].first_vmid, 0x10);
	assert_int_equal(t.inval[0].last_vmid, 0x17);
}

static const struct uiommu_smmuv3_inval all = { .kind = UIOMMU_SMMUV3_INVAL_ALL,
						.last_sid = UINT32_MAX,
						.all_ssids = true,
						.stages = 3,
						.last_vmid = UINT16_MAX,
						.all_asids = true,
						.globals = true,
						ALL_ADDRESSES };

static void switches_are_told(void **state)
{
	struct rig *r = *state;
	struct told t = { .r = r };

	uiommu_smmuv3_model_set_notifier(r->model, tell, &t);
	wr(r, SMMU_REG_CR0, 0xc);
	assert_int_equal(t.nr, 1);
	expect(&t.inval[0], &all, 0);
	/* before the acknowledgement */
	assert_int_equal(t.cr0ack, 0xd);
	wr(r, SMMU_REG_GBPA, 0x80100000);
	assert_int_equal(t.nr, 2);
	expect(&t.inval[1], &all, 0);
	wr(r, SMMU_REG_GBPA, 0x00100000);
	assert_int_equal(t.nr, 2);
	wr(r, SMMU_REG_CR0, 0xd);
	assert_int_equal(t.nr, 3);
	assert_int_equal(t.cr0ack, 0xc);
	wr(r, SMMU_REG_CR0, 0x9);
	assert_int_equal(t.nr, 3);
}

static void a_reset_is_told(void **state)
{
	struct rig *r = *state;
	struct told t = { .r = r };

	uiommu_smmuv3_model_set_notifier(r->model, tell, &t);
	uiommu_smmuv3_model_reset(r->model);
	assert_int_equal(t.nr, 1);
	expect(&t.inval[0], &all, 0);
	assert_int_equal(t.cr0ack, 0);
}

/* A greedy model tells when CMD_SYNC completes, in order. */
static void greedy_models_tell_late(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct told t = { .r = r };

	p.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	rig_fini(r);
	rig_init(r, &p);
	uiommu_smmuv3_model_set_notifier(r->model, tell, &t);
	rig_cmd(r, 0x0000000500000010, 0);
	rig_cmd(r, 0x0000123400000003, 0);
	rig_cmd(r, 0x30, 0);
	assert_int_equal(t.nr, 0);
	rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	assert_int_equal(t.nr, 3);
	assert_int_equal(t.cons, 3);
	assert_int_equal(t.inval[0].opcode, 0x10);
	assert_int_equal(t.inval[1].opcode, 0x03);
	assert_int_equal(t.inval[2].opcode, 0x30);
	/* turning the queue off completes what was consumed */
	rig_cmd(r, 0x30, 0);
	assert_int_equal(t.nr, 3);
	wr(r, SMMU_REG_CR0, 0x5);
	assert_int_equal(t.nr, 4);
}

/* --------------------------------------------------------------- shadow -- */

/*
 * A VMM that knows of each (stream, page) where it goes, as another IOMMU's
 * tables would.  What is invalidated is read again at once, from within the
 * notifier.
 */
#define STREAMS 4u
#define PAGES 16u

struct shadow {
	struct rig *r;
	uint64_t pa[STREAMS][PAGES]; /* 0: aborts */
	unsigned int read_again;
};

static const uint16_t asids[STREAMS] = { 10, 11, 10, 12 };
static const uint16_t vmids[STREAMS] = { 0, 0, 3, 3 };

static uint64_t iova_of(unsigned int page)
{
	return (uint64_t)page << 12;
}

static uint64_t ask(struct rig *r, unsigned int sid, unsigned int page,
		    uint32_t flags)
{
	struct uiommu_smmuv3_xlate x;

	return rig_xlate(r, sid, flags, iova_of(page), &x) ? 0 : x.pa;
}

static bool concerns(const struct uiommu_smmuv3_inval *inval, unsigned int sid,
		     unsigned int page)
{
	if (inval->kind == UIOMMU_SMMUV3_INVAL_ALL)
		return true;
	if (inval->kind == UIOMMU_SMMUV3_INVAL_CONFIG)
		return sid >= inval->first_sid && sid <= inval->last_sid &&
		       (inval->all_ssids || !inval->ssid);
	return (inval->stages & UIOMMU_SMMUV3_STAGE_1) &&
	       inval->regime == UIOMMU_SMMUV3_REGIME_EL1 &&
	       vmids[sid] >= inval->first_vmid &&
	       vmids[sid] <= inval->last_vmid &&
	       (inval->all_asids || asids[sid] == inval->asid) &&
	       iova_of(page) >= (inval->first & ~0xfffull) &&
	       iova_of(page) <= inval->last;
}

static void reread(void *ctx, const struct uiommu_smmuv3_inval *inval)
{
	struct shadow *s = ctx;

	for (unsigned int sid = 0; sid < STREAMS; sid++) {
		for (unsigned int page = 0; page < PAGES; page++) {
			if (!concerns(inval, sid, page))
				continue;
			s->pa[sid][page] =
				ask(s->r, sid, page, UIOMMU_TXN_PROBE);
			s->read_again++;
		}
	}
}

static void in_step(struct shadow *s)
{
	for (unsigned int sid = 0; sid < STREAMS; sid++) {
		for (unsigned int page = 0; page < PAGES; page++)
			assert_int_equal(s->pa[sid][page],
					 ask(s->r, sid, page,
					     UIOMMU_TXN_PROBE));
	}
}

struct guest {
	uint64_t table[STREAMS][2]; /* two address spaces each */
	struct smmu_ste ste[STREAMS];
};

static uint32_t dice(uint64_t *seed, uint32_t n)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*seed >> 33) % n;
}

static void build(struct rig *r, struct guest *g)
{
	for (unsigned int sid = 0; sid < STREAMS; sid++) {
		g->ste[sid] = rig_ste_s1(RIG_CD + 64 * sid);
		g->ste[sid].q[2] = vmids[sid];
		rig_ste(r, sid, &g->ste[sid]);
		for (unsigned int t = 0; t < 2; t++) {
			struct smmu_cd cd;

			g->table[sid][t] = rig_table(r, 4096);
			for (unsigned int page = 0; page < PAGES; page++)
				rig_map4k(r, g->table[sid][t], iova_of(page),
					  RIG_DATA + 0x100000 * sid +
						  0x10000 * t + iova_of(page),
					  LEAF_RW);
			cd = rig_cd_4k(g->table[sid][0], asids[sid]);
			rig_cd(r, RIG_CD + 64 * sid, &cd);
		}
	}
}

/* One change that software makes, with the commands it takes. */
static void change(struct rig *r, struct guest *g, uint64_t *seed)
{
	unsigned int sid = dice(seed, STREAMS), page = dice(seed, PAGES);
	uint64_t tags = (uint64_t)vmids[sid] << 32 | (uint64_t)asids[sid] << 48;
	uint64_t pte =
		rig_pte4k(r, g->table[sid][dice(seed, 2)], iova_of(page));
	struct smmu_cd cd;

	switch (dice(seed, 5)) {
	case 0: /* a page goes or moves */
		ram_w64(&r->ram, pte,
			dice(seed, 2) ? 0
				      : (RIG_DATA + 0x1000 * dice(seed, 99)) |
						LEAF_RW | 3);
		rig_cmd(r, SMMU_CMD_OP_TLBI_NH_VA | tags, iova_of(page) | 1);
		break;
	case 1: /* for all ASIDs */
		ram_w64(&r->ram, pte, 0);
		rig_cmd(r, SMMU_CMD_OP_TLBI_NH_VAA | tags, iova_of(page) | 1);
		break;
	case 2: /* another address space */
		cd = rig_cd_4k(g->table[sid][dice(seed, 2)], asids[sid]);
		rig_cd(r, RIG_CD + 64 * sid, &cd);
		rig_cmd(r, SMMU_CMD_OP_CFGI_CD | (uint64_t)sid << 32, 1);
		rig_cmd(r, SMMU_CMD_OP_TLBI_NH_ASID | tags, 0);
		break;
	case 3: /* no stream, or again */
		g->ste[sid].q[0] ^= SMMU_STE_0_V;
		rig_ste(r, sid, &g->ste[sid]);
		rig_cmd(r, SMMU_CMD_OP_CFGI_STE | (uint64_t)sid << 32, 1);
		break;
	default:
		ram_w64(&r->ram, pte, 0);
		rig_cmd(r, SMMU_CMD_OP_TLBI_NH_ALL | tags, 0);
	}
	rig_sync(r);
}

static void a_shadow_stays_in_step(void **state)
{
	struct rig *r = *state;
	struct shadow s = { .r = r };
	struct guest g;
	uint64_t seed = 1;
	unsigned int before;

	wr(r, SMMU_REG_CR0, 0xc);
	build(r, &g);
	rig_inval_all(r);
	uiommu_smmuv3_model_set_notifier(r->model, reread, &s);
	wr(r, SMMU_REG_CR0, 0xd);
	assert_int_equal(s.read_again, STREAMS * PAGES);
	in_step(&s);
	assert_int_equal(s.pa[1][2], RIG_DATA + 0x100000 + 0x2000);
	for (unsigned int i = 0; i < 500; i++) {
		change(r, &g, &seed);
		in_step(&s);
	}
	/* one page of one ASID is one read */
	before = s.read_again;
	rig_cmd(r, SMMU_CMD_OP_TLBI_NH_VA | 11ull << 48, 0x3001);
	rig_sync(r);
	assert_int_equal(s.read_again - before, 1);
	wr(r, SMMU_REG_CR0, 0xc);
	wr(r, SMMU_REG_GBPA, 0x80100000);
	in_step(&s);
	assert_int_equal(s.pa[1][2], 0);
}

/* ------------------------------------------------------- interrupts ----- */

/*
 * Another thread has raised an interrupt and is about to deliver it when the
 * notifier probes.  What a probe finds must not take it out: the wire is the
 * embedder's code, which is not to be called with a queue locked.
 */
struct hushed {
	struct rig *r;
	pthread_t device;
	uint32_t raised, go_on, probing;
	unsigned int within;
};

static void hold_event(void *ctx, const struct uiommu_smmuv3_trace *what)
{
	struct hushed *h = ctx;

	if (what->kind != UIOMMU_SMMUV3_TRACE_EVENT)
		return;
	store_release(&h->raised, 1);
	while (!load_acquire(&h->go_on))
		sched_yield();
}

static void *faulting_device(void *arg)
{
	struct hushed *h = arg;
	struct uiommu_smmuv3_xlate x;

	assert_int_equal(rig_xlate(h->r, 1, 0, 0x1000, &x), -14);
	return NULL;
}

static void probe_while_raised(void *ctx,
			       const struct uiommu_smmuv3_inval *inval)
{
	struct hushed *h = ctx;
	struct uiommu_smmuv3_xlate x;

	assert_int_equal(pthread_create(&h->device, NULL, faulting_device, h),
			 0);
	while (!load_acquire(&h->raised))
		sched_yield();
	store_release(&h->probing, 1);
	assert_int_equal(rig_xlate(h->r, 1, UIOMMU_TXN_PROBE, 0x1000, &x), -14);
	store_release(&h->probing, 0);
}

static void note_irq(void *arg, unsigned int line)
{
	struct hushed *h = arg;

	h->within += load_acquire(&h->probing);
}

static void no_interrupt_from_within(void **state)
{
	struct rig *r = *state;
	struct hushed h = { .r = r };

	uiommu_smmuv3_model_set_tracer(r->model, hold_event, &h);
	uiommu_smmuv3_model_set_notifier(r->model, probe_while_raised, &h);
	r->ram.on_irq = note_irq;
	r->ram.on_irq_arg = &h;
	rig_cmd(r, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	store_release(&h.go_on, 1);
	pthread_join(h.device, NULL);
	assert_int_equal(h.within, 0);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_EVENTQ], 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_command_is_told),   T(vmids_of_a_wildcard),
		T(switches_are_told),	   T(greedy_models_tell_late),
		T(a_shadow_stays_in_step), T(no_interrupt_from_within),
		T(a_reset_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
