/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Enhanced command queues: where they are, how they are turned on, their errors,
 * and several consumed at a time while devices translate.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "rig.h"

/* Two pages of four queues. */
#define NR_QUEUES 8u
#define STEP 0x4000u
#define Q_LG2 3u

static uint32_t reg(unsigned int i, uint32_t off)
{
	return 0x20000 + i * STEP + off;
}

#define BASE(i) reg(i, 0x0)
#define PROD(i) reg(i, 0x8)
#define CONS(i) reg(i, 0xc)
#define EN 0x80000000u
#define ERRACK 0x00800000u
#define ERR 0x00800000u
#define ENACK 0x80000000u

static uint64_t memory(unsigned int i)
{
	return RIG_BASE + 0x40000 + i * 0x1000;
}

static struct uiommu_smmuv3_profile profile(void)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");

	p.idr[1] |= SMMU_IDR1_ECMDQ;
	p.idr[6] = 1u << 24 | 2u << 16;
	return p;
}

static void turn_on(struct rig *r, unsigned int i)
{
	wr64(r, BASE(i), memory(i) | Q_LG2);
	wr(r, PROD(i), 0);
	wr(r, CONS(i), 0);
	wr(r, PROD(i), EN);
	assert_int_equal(rd(r, CONS(i)), ENACK);
}

static void put(struct rig *r, unsigned int i, uint32_t ptr, uint64_t q0,
		uint64_t q1)
{
	uint64_t pa = memory(i) + smmu_q_offset(ptr, Q_LG2, 4);

	ram_w64(&r->ram, pa, q0);
	ram_w64(&r->ram, pa + 8, q1);
}

/* Queue one command and ring. */
static void cmd(struct rig *r, unsigned int i, uint64_t q0, uint64_t q1)
{
	uint32_t prod = rd(r, PROD(i));

	put(r, i, prod, q0, q1);
	wr(r, PROD(i),
	   (prod & (EN | ERRACK)) | smmu_q_add(prod & 0xfffff, 1, Q_LG2));
}

static uint32_t rd_index(struct rig *r, unsigned int i)
{
	return rd(r, CONS(i)) & 0xfffff;
}

static int setup(void **state)
{
	struct uiommu_smmuv3_profile p = profile();
	struct rig *r = malloc(sizeof(*r));

	rig_init(r, &p);
	*state = r;
	return 0;
}

static void where_they_are(void **state)
{
	struct rig *r = *state;

	assert_int_equal(uiommu_smmuv3_model_mmio_size(r->model), 0x40000);
	assert_int_equal(rd(r, SMMU_REG_IDR1) >> 31, 1);
	assert_int_equal(rd(r, 0x190), 0x01020000);
	for (uint32_t n = 0; n < 2; n++) {
		uint32_t at = 0x4000 + 32 * n;

		/* granule 64K, registers */
		assert_int_equal(rd64(r, at), 0x20003 + 0x10000 * n);
		assert_int_equal(rd(r, at), 0x20003 + 0x10000 * n);
		assert_int_equal(rd(r, at + 4), 0);
		assert_int_equal(rd(r, at + 8), 1);
		assert_int_equal(rd(r, at + 12), 1);
		assert_int_equal(rd64(r, at + 8), 0);
		assert_int_equal(rd(r, at + 16), 0);
		wr(r, at + 8, 0);
		wr64(r, at, 0);
		assert_int_equal(rd64(r, at), 0x20003 + 0x10000 * n);
		assert_int_equal(rd(r, at + 8), 1);
	}
	assert_int_equal(rd64(r, 0x4040), 0);
	assert_int_equal(rd(r, 0x4048), 0);
	/* nothing between the queues and behind the last */
	for (unsigned int i = 0; i <= NR_QUEUES; i++) {
		uint32_t off = i < NR_QUEUES ? reg(i, 0x10) : reg(i, 0);

		wr(r, off, 0xffffffff);
		assert_int_equal(rd(r, off), 0);
		wr64(r, off, ~0ull);
		assert_int_equal(rd64(r, off), 0);
	}
}

static void registers_of_a_queue(void **state)
{
	struct rig *r = *state;

	for (unsigned int i = 0; i < NR_QUEUES; i++) {
		wr64(r, BASE(i), ~0ull);
		assert_int_equal(rd64(r, BASE(i)), 0x40ffffffffffffff);
		wr(r, BASE(i), 0x1234567a);
		wr(r, BASE(i) + 4, 0x12);
		assert_int_equal(rd64(r, BASE(i)), 0x121234567a);
		assert_int_equal(rd(r, BASE(i)), 0x1234567a);
		assert_int_equal(rd(r, BASE(i) + 4), 0x12);
		wr(r, CONS(i), 0xffffffff);
		/* ENACK is not software's */
		assert_int_equal(rd(r, CONS(i)), 0x078fffff);
		wr64(r, BASE(i), Q_LG2);
		assert_int_equal(rd(r, CONS(i)), 0x0780000f);
		wr(r, PROD(i), 0x7fffffff);
		assert_int_equal(rd(r, PROD(i)), 0x008fffff);
		wr(r, PROD(i), 0);
		wr(r, CONS(i), 0);
		/* sizes and alignment */
		wr64(r, PROD(i), ~0ull);
		assert_int_equal(rd64(r, PROD(i)), 0);
		uiommu_smmuv3_model_write(r->model, BASE(i), 2, 0xffff);
		uiommu_smmuv3_model_write(r->model, BASE(i) + 2, 4, 0xffff);
		assert_int_equal(rd64(r, BASE(i)), Q_LG2);
	}
}

static void on_and_off(void **state)
{
	struct rig *r = *state;

	put(r, 3, 0, SMMU_CMD_OP_SYNC, 0);
	wr64(r, BASE(3), memory(3) | Q_LG2);
	wr(r, PROD(3), 1);
	assert_int_equal(rd(r, CONS(3)), 0);
	/* what stands in it is done as soon as it is on */
	wr(r, PROD(3), EN | 1);
	assert_int_equal(rd(r, CONS(3)), ENACK | 1);
	/* guarded while it is on */
	wr64(r, BASE(3), 0);
	wr(r, CONS(3), 0);
	assert_int_equal(rd64(r, BASE(3)), memory(3) | Q_LG2);
	assert_int_equal(rd(r, CONS(3)), ENACK | 1);
	/* the queue of page 0 has its own switch */
	wr(r, SMMU_REG_CR0, SMMU_CR0_SMMUEN | SMMU_CR0_EVENTQEN);
	cmd(r, 3, SMMU_CMD_OP_SYNC, 0);
	assert_int_equal(rd_index(r, 3), 2);
	wr(r, PROD(3), 2);
	assert_int_equal(rd(r, CONS(3)), 2);
	cmd(r, 3, SMMU_CMD_OP_SYNC, 0);
	assert_int_equal(rd(r, CONS(3)), 2);
	wr(r, CONS(3), 0);
	assert_int_equal(rd(r, CONS(3)), 0);
	assert_int_equal(rig_stats(r).syncs, 2);
	uiommu_smmuv3_model_reset(r->model);
	assert_int_equal(rd64(r, BASE(3)), 0);
	assert_int_equal(rd(r, PROD(3)), 0);
}

static void cr1_is_guarded_by_them(void **state)
{
	struct rig *r = *state;

	wr(r, SMMU_REG_CR0, 0);
	turn_on(r, 7);
	wr(r, SMMU_REG_CR1, 0xfff);
	assert_int_equal(rd(r, SMMU_REG_CR1), 0xfc0);
	wr(r, PROD(7), 0);
	wr(r, SMMU_REG_CR1, 0x03f);
	assert_int_equal(rd(r, SMMU_REG_CR1), 0x03f);
}

static void wraps(void **state)
{
	struct rig *r = *state;

	turn_on(r, 0);
	for (unsigned int i = 0; i < 40; i++) {
		cmd(r, 0, 0x1046, RIG_DATA);
		assert_int_equal(rd_index(r, 0), (i + 1) % 16);
	}
	assert_int_equal(r->ram.msi_count, 40);
	/* further than it is long: stands still */
	wr(r, PROD(0), EN | ((40 + 9) % 16));
	assert_int_equal(rd_index(r, 0), 40 % 16);
}

static void errors_stop_their_queue_only(void **state)
{
	struct rig *r = *state;

	turn_on(r, 1);
	turn_on(r, 2);
	put(r, 1, 0, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	put(r, 1, 1, 0xff, 0);
	put(r, 1, 2, SMMU_CMD_OP_SYNC, 0);
	wr(r, PROD(1), EN | 3);
	/* ENACK, reason 1, ERR, on the bad command */
	assert_int_equal(rd(r, CONS(1)), ENACK | 1u << 24 | ERR | 1);
	assert_int_equal(rd(r, SMMU_REG_GERROR), SMMU_GERROR_CMDQP_ERR);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_GERROR], 1);
	/* others go on, and have errors of their own, told once */
	cmd(r, 2, SMMU_CMD_OP_SYNC, 0);
	assert_int_equal(rd_index(r, 2), 1);
	rig_sync(r);
	put(r, 2, 1, SMMU_CMD_OP_SYNC, 0);
	ram_poison(&r->ram, memory(2), memory(2) + 0xfff);
	wr(r, PROD(2), EN | 2);
	assert_int_equal(rd(r, CONS(2)), ENACK | 2u << 24 | ERR | 1);
	assert_int_equal(rd(r, SMMU_REG_GERROR), SMMU_GERROR_CMDQP_ERR);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_GERROR], 1);
	ram_poison(&r->ram, 1, 0);
	/* GERRORN restarts nothing */
	wr(r, SMMU_REG_GERRORN, SMMU_GERROR_CMDQP_ERR);
	assert_int_equal(rd_index(r, 1), 1);
	/* nor does a doorbell */
	wr(r, PROD(1), EN | 3);
	assert_int_equal(rd_index(r, 1), 1);
	/* acknowledged and not mended: the other way around */
	wr(r, PROD(1), EN | ERRACK | 3);
	assert_int_equal(rd(r, CONS(1)), ENACK | 1u << 24 | 1);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
	put(r, 1, 1, SMMU_CMD_OP_SYNC, 0);
	wr(r, PROD(1), EN | 3);
	assert_int_equal(rd_index(r, 1), 3);
	wr(r, PROD(2), EN | ERRACK | 2);
	assert_int_equal(rd_index(r, 2), 2);
	assert_int_equal(rig_stats(r).syncs, 5);
}

/* An error does not keep it from being turned off. */
static void off_with_an_error(void **state)
{
	struct rig *r = *state;

	turn_on(r, 4);
	cmd(r, 4, 0xff, 0);
	assert_int_equal(rd(r, CONS(4)), ENACK | 1u << 24 | ERR);
	wr(r, PROD(4), 1);
	assert_int_equal(rd(r, CONS(4)), 1u << 24 | ERR);
	/* on again with the error: it stands */
	put(r, 4, 0, SMMU_CMD_OP_SYNC, 0);
	wr(r, PROD(4), EN | 1);
	assert_int_equal(rd_index(r, 4), 0);
	wr(r, PROD(4), 1);
	wr(r, CONS(4), 0);
	wr(r, PROD(4), EN | 1);
	assert_int_equal(rd(r, CONS(4)), ENACK | 1);
}

static void page_0_and_they_have_errors_apart(void **state)
{
	struct rig *r = *state;

	turn_on(r, 5);
	rig_cmd(r, 0xff, 0);
	assert_int_equal(rd(r, SMMU_REG_GERROR), SMMU_GERROR_CMDQ_ERR);
	cmd(r, 5, SMMU_CMD_OP_SYNC, 0);
	assert_int_equal(rd_index(r, 5), 1);
	cmd(r, 5, 0xff, 0);
	assert_int_equal(rd(r, SMMU_REG_GERROR),
			 SMMU_GERROR_CMDQ_ERR | SMMU_GERROR_CMDQP_ERR);
	wr(r, SMMU_REG_GERRORN, SMMU_GERROR_CMDQP_ERR);
	assert_int_equal(rd(r, SMMU_REG_CMDQ_CONS) & 0xfffff, 0);
}

static void invalidations_through_them(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 1, 7), pte;

	turn_on(r, 6);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	pte = rig_pte4k(r, table, 0x1000);
	ram_w64(&r->ram, pte, 0);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	cmd(r, 6, SMMU_CMD_OP_TLBI_NH_VA | 7ull << 48, 0x1001);
	cmd(r, 6, SMMU_CMD_OP_SYNC, 0);
	rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_F_TRANSLATION);
}

/* ------------------------------------------------------ greedy models --- */

static void sync_completes_its_own_queue(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = profile();
	uint64_t table, pte;

	rig_fini(r);
	p.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	rig_init(r, &p);
	turn_on(r, 0);
	turn_on(r, 1);
	table = rig_stream(r, 1, 7);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	pte = rig_pte4k(r, table, 0x1000);
	for (unsigned int way = 0; way < 3; way++) {
		ram_w64(&r->ram, pte, RIG_DATA | LEAF_RW | 3);
		rig_expect_pa(r, 1, 0x1000, RIG_DATA);
		ram_w64(&r->ram, pte, 0);
		cmd(r, 0, SMMU_CMD_OP_TLBI_NH_VA | 7ull << 48, 0x1001);
		/* consumed, but not complete */
		assert_int_equal(rd_index(r, 0), rd(r, PROD(0)) & 0xfffff);
		cmd(r, 1, SMMU_CMD_OP_SYNC, 0);
		rig_sync(r);
		rig_expect_pa(r, 1, 0x1000, RIG_DATA);
		if (way == 0) {
			cmd(r, 0, SMMU_CMD_OP_SYNC, 0);
		} else if (way == 1) {
			wr(r, PROD(0), rd(r, PROD(0)) & ~EN);
			turn_on(r, 0);
		} else {
			/* no more can be put off */
			for (unsigned int i = 0; i < 256; i++)
				cmd(r, 0, SMMU_CMD_OP_TLBI_NH_VA | 9ull << 48,
				    0x1001);
		}
		rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_F_TRANSLATION);
	}
}

/* ------------------------------------------------------------ creation -- */

static void profiles_that_cannot_be(void **state)
{
	static const struct {
		unsigned int reg;
		uint32_t clear, set;
	} lies[] = {
		{ 0, SMMU_IDR0_COHACC, 0 },
		{ 0, SMMU_IDR0_MSI, 0 },
		{ 1, SMMU_IDR1_ECMDQ, 0 }, /* IDR6 alone */
		{ 1, 0, SMMU_IDR1_QUEUES_PRESET },
		{ 6, 0x0f0f0000, 9u << 24 }, /* above what exists */
		{ 6, 0x0f0f0000, 9u << 16 },
		{ 6, 0x0f0f0000, 5u << 24 | 4u << 16 }, /* 512 queues */
		{ 6, 0, 1 },
	};
	struct uiommu_model_host host;
	struct uiommu_smmuv3_model *model;
	struct model_ram ram;

	assert_int_equal(model_ram_init(&ram, RIG_BASE, 0x10000), 0);
	host = model_ram_host(&ram);
	for (unsigned int i = 0; i < ARRAY_SIZE(lies); i++) {
		struct uiommu_smmuv3_profile p = profile();

		p.idr[lies[i].reg] &= ~lies[i].clear;
		p.idr[lies[i].reg] |= lies[i].set;
		ram.last_log[0] = 0;
		assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &model),
				 -22);
		assert_non_null(strstr(ram.last_log, "IDR"));
	}
	/* 256 pages of one, and one page of 256 */
	for (unsigned int i = 0; i < 2; i++) {
		struct uiommu_smmuv3_profile p = profile();

		p.idr[6] = 8u << (i ? 16 : 24);
		assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &model),
				 0);
		assert_int_equal(uiommu_smmuv3_model_mmio_size(model),
				 i ? 0x30000 : 0x1020000);
		uiommu_smmuv3_model_write(model, i ? 0x2ff00 : 0x1010000, 8,
					  0x40);
		assert_int_equal(uiommu_smmuv3_model_read(
					 model, i ? 0x2ff00 : 0x1010000, 8),
				 0x40);
		uiommu_smmuv3_model_destroy(model);
	}
	model_ram_fini(&ram);
}

static unsigned int allocs_left;
static int allocs_live;

static void *fail_alloc(void *ctx, size_t size)
{
	void *p = allocs_left ? calloc(1, size) : NULL;

	if (p) {
		allocs_left--;
		allocs_live++;
	}
	return p;
}

static void fail_free(void *ctx, void *ptr)
{
	allocs_live -= !!ptr;
	free(ptr);
}

static void every_allocation_fails_once(void **state)
{
	struct uiommu_smmuv3_profile p = profile();
	struct uiommu_smmuv3_model *model;
	struct uiommu_model_host host;
	struct model_ram ram;
	unsigned int n = 0;

	p.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	p.tlb_entries = 64;
	assert_int_equal(model_ram_init(&ram, RIG_BASE, 0x10000), 0);
	host = model_ram_host(&ram);
	host.alloc = fail_alloc;
	host.free = fail_free;
	for (;; n++) {
		int rc;

		allocs_left = n;
		rc = uiommu_smmuv3_model_create(&p, &host, &model);
		if (!rc)
			break;
		assert_int_equal(rc, -12);
		assert_int_equal(allocs_live, 0);
	}
	assert_true(n > NR_QUEUES);
	uiommu_smmuv3_model_destroy(model);
	assert_int_equal(allocs_live, 0);
	model_ram_fini(&ram);
}

static void one_thread_for_all(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = profile();

	rig_fini(r);
	p.threaded_commands = true;
	rig_init(r, &p);
	for (unsigned int i = 0; i < NR_QUEUES; i++)
		turn_on(r, i);
	for (unsigned int n = 0; n < 50; n++) {
		for (unsigned int i = 0; i < NR_QUEUES; i++) {
			while ((rd(r, PROD(i)) & 0xf) != rd_index(r, i))
				;
			cmd(r, i, SMMU_CMD_OP_SYNC, 0);
		}
	}
	while (rig_stats(r).syncs != 50 * NR_QUEUES)
		;
}

/* --------------------------------------------------------------- stress -- */

#define OWNERS 3u
#define DEVICES 2u
#define ROUNDS 60u
#define ASIDS 8u /* of each owner, with one table for all */

struct fire {
	struct rig *r;
	uint64_t pte[OWNERS];
	/* bit 1: the page of this owner is gone */
	uint32_t epoch[OWNERS];
	uint32_t stop, gone_seen, behind, started;
	uint64_t hits;
};

struct owner {
	struct fire *f;
	unsigned int i;
};

static uint32_t sid_of(unsigned int owner, unsigned int k)
{
	return 1 + owner * ASIDS + k;
}

static void one_dma(struct fire *f, unsigned int i, unsigned int k)
{
	uint32_t before = load_acquire(&f->epoch[i]);
	uint64_t buf = 0;
	struct uiommu_smmuv3_dma dma = {
		.txn = { .sid = sid_of(i, k), .iova = 0x1000 },
		.buf = &buf,
		.len = 8,
	};
	int rc = uiommu_smmuv3_model_dma(f->r->model, &dma);

	if (!rc)
		fetch_add_relaxed(&f->hits, 1);
	/* gone before we began, and still: nobody may get through */
	if ((before & 2) && load_acquire(&f->epoch[i]) == before && !rc)
		fetch_add_relaxed(&f->gone_seen, 1);
}

static void *device(void *arg)
{
	struct fire *f = arg;

	fetch_add_acq_rel(&f->started, 1);
	for (unsigned int i = 0; !load_acquire(&f->stop); i++)
		one_dma(f, i % OWNERS, i / OWNERS % ASIDS);
	return NULL;
}

/* One's own page is gone: say so, in one of the ways there are. */
static void forget(struct rig *r, unsigned int i, unsigned int n)
{
	switch (n % 4) {
	case 0:
	case 1:
		cmd(r, i, SMMU_CMD_OP_TLBI_NH_VAA, 0x1001);
		break;
	case 2:
		cmd(r, i, SMMU_CMD_OP_TLBI_NH_ALL, 0);
		break;
	default:
		for (unsigned int k = 0; k < ASIDS; k++)
			cmd(r, i,
			    SMMU_CMD_OP_TLBI_NH_ASID | (uint64_t)sid_of(i, k)
							       << 48,
			    0);
	}
	cmd(r, i, SMMU_CMD_OP_CFGI_STE | (uint64_t)sid_of(i, 0) << 32, 1);
	cmd(r, i, 0x1046, RIG_DATA + 8 * i);
}

static void *owner(void *arg)
{
	struct owner *o = arg;
	struct fire *f = o->f;
	struct rig *r = f->r;
	unsigned int i = o->i;

	while (load_acquire(&f->started) != DEVICES)
		;
	for (unsigned int n = 0; n < ROUNDS; n++) {
		ram_w64(&r->ram, f->pte[i], 0);
		forget(r, i, n);
		if (rd_index(r, i) != (rd(r, PROD(i)) & 0xf))
			fetch_add_relaxed(&f->behind, 1);
		store_release(&f->epoch[i], 4 * n + 2);
		for (unsigned int j = 0; j < 200; j++)
			(void)rd(r, CONS(i));
		store_release(&f->epoch[i], 4 * n + 4);
		ram_w64(&r->ram, f->pte[i], RIG_DATA | LEAF_RW | 3);
		if (n % 16 == 15) {
			uint32_t prod = rd(r, PROD(i));

			wr(r, PROD(i), prod & ~EN);
			wr(r, PROD(i), prod);
		}
	}
	return NULL;
}

static void build_streams(struct fire *f, unsigned int i)
{
	struct rig *r = f->r;
	uint64_t table = rig_stream(r, sid_of(i, 0), (uint16_t)sid_of(i, 0));

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	f->pte[i] = rig_pte4k(r, table, 0x1000);
	for (unsigned int k = 1; k < ASIDS; k++) {
		uint32_t sid = sid_of(i, k);
		struct smmu_cd cd = rig_cd_4k(table, (uint16_t)sid);
		struct smmu_ste ste = rig_ste_s1(RIG_CD + 64 * sid);

		rig_cd(r, RIG_CD + 64 * sid, &cd);
		rig_ste(r, sid, &ste);
	}
}

static void open_fire(struct rig *r)
{
	struct fire f = { .r = r };
	struct owner owners[OWNERS];
	pthread_t thread[OWNERS + DEVICES];

	/* the rig's observer is for one thread */
	uiommu_smmuv3_model_set_fault_observer(r->model, NULL, NULL);
	for (unsigned int i = 0; i < OWNERS; i++) {
		build_streams(&f, i);
		turn_on(r, i);
		owners[i] = (struct owner){ &f, i };
	}
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, device, &f),
				 0);
	for (unsigned int i = 0; i < OWNERS; i++)
		assert_int_equal(pthread_create(&thread[DEVICES + i], NULL,
						owner, &owners[i]),
				 0);
	for (unsigned int i = 0; i < OWNERS; i++)
		pthread_join(thread[DEVICES + i], NULL);
	while (load_acquire(&f.hits) < 100)
		;
	store_release(&f.stop, 1);
	for (unsigned int i = 0; i < DEVICES; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(f.gone_seen, 0);
	assert_int_equal(f.behind, 0);
	assert_int_equal(rig_stats(r).syncs, OWNERS * ROUNDS);
	assert_int_equal(rd(r, SMMU_REG_GERROR) & SMMU_GERROR_CMDQP_ERR, 0);
}

static void several_owners_while_devices_translate(void **state)
{
	open_fire(*state);
}

/* More ASIDs than a small TLB tells apart, and contexts that come and go. */
static void several_owners_of_a_small_tlb(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = profile();

	rig_fini(r);
	p.tlb_entries = 64;
	p.config_entries = 16;
	rig_init(r, &p);
	open_fire(r);
}

static void several_owners_of_a_greedy_model(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = profile();

	rig_fini(r);
	p.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	rig_init(r, &p);
	open_fire(r);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(where_they_are),
		T(registers_of_a_queue),
		T(on_and_off),
		T(cr1_is_guarded_by_them),
		T(wraps),
		T(errors_stop_their_queue_only),
		T(off_with_an_error),
		T(page_0_and_they_have_errors_apart),
		T(invalidations_through_them),
		T(sync_completes_its_own_queue),
		cmocka_unit_test(profiles_that_cannot_be),
		cmocka_unit_test(every_allocation_fails_once),
		T(one_thread_for_all),
		T(several_owners_while_devices_translate),
		T(several_owners_of_a_small_tlb),
		T(several_owners_of_a_greedy_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
