/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which faults abort, which end as RAZ/WI, which are recorded (IHI 0070 3.12,
 * 5.5): every row of the tables, for clients that cannot be stalled and for
 * translations without an access.  Waiting itself is in stall_test.c.
 */
#include "rig.h"

#include <string.h>

#define EFAULT_ (-14)
#define ENODATA_ (-61)
#define EINPROGRESS_ (-115)

#define CD_S (1ull << 44)
#define CD_R (1ull << 45)
#define CD_A (1ull << 46)
#define STE_S2S (1ull << 57)
#define STE_S2R (1ull << 58)

/* Both models, RAZ/WI, four stall records. */
static struct uiommu_smmuv3_profile stall_profile(void)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");

	p.idr[0] &= ~(3u << 24 | 1u << 26);
	p.idr[5] |= 4u << 16;
	return p;
}

static int setup(void **state)
{
	static struct rig rig;
	struct uiommu_smmuv3_profile p = stall_profile();

	rig_init(&rig, &p);
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	rig_fini(*state);
	return 0;
}

/* SID 0x10 with these of CD.{A,R,S}; returns its table. */
static uint64_t stream(struct rig *r, uint64_t bits)
{
	uint64_t table = rig_stream(r, 0x10, 1);
	struct smmu_cd cd = rig_cd_4k(table, 1);

	cd.q[0] = (cd.q[0] & ~(CD_S | CD_R | CD_A)) | bits;
	rig_cd(r, RIG_CD + 64 * 0x10, &cd);
	rig_inval_all(r);
	return table;
}

/* SID 0x10: stage 2 alone, with these of STE.{S2R,S2S}. */
static uint64_t stream_s2(struct rig *r, uint64_t bits)
{
	uint64_t table = rig_table(r, 0x2000);
	struct smmu_ste ste = rig_ste_s2(table, 5);

	ste.q[2] = (ste.q[2] & ~(STE_S2S | STE_S2R)) | bits;
	rig_ste(r, 0x10, &ste);
	rig_inval_all(r);
	return table;
}

static int read_at(struct rig *r, uint64_t iova, uint32_t flags, uint8_t *buf,
		   size_t len)
{
	struct uiommu_smmuv3_dma dma = {
		.txn = { .sid = 0x10, .flags = flags, .iova = iova },
		.buf = buf,
		.len = len,
	};
	int rc = uiommu_smmuv3_model_dma(r->model, &dma);

	if (!rc)
		assert_int_equal(dma.done_len, len);
	return rc;
}

struct row {
	uint64_t bits;
	int xlate, xlate_nostall, dma;
	/* of translate(), of the two others */
	bool event, event_nostall;
};

static void check_row(struct rig *r, const struct row *row, uint64_t q1,
		      uint64_t q3)
{
	struct uiommu_smmuv3_xlate x;
	unsigned int faults = r->faults;
	uint8_t buf[8];

	assert_int_equal(rig_xlate(r, 0x10, 0, 0x1008, &x), row->xlate);
	if (row->event)
		rig_expect_event(r, 0x0000001000000010, q1, 0x1008, q3);
	else
		rig_expect_no_event(r);
	assert_int_equal(r->faults - faults, row->xlate != EINPROGRESS_);
	assert_int_equal(rig_xlate(r, 0x10, UIOMMU_TXN_NO_STALL, 0x1008, &x),
			 row->xlate_nostall);
	if (row->event_nostall)
		rig_expect_event(r, 0x0000001000000010, q1, 0x1008, q3);
	else
		rig_expect_no_event(r);
	assert_int_equal(r->info.recorded, row->event_nostall);
	assert_false(r->info.stalled);
	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(read_at(r, 0x1008, 0, buf, 8), row->dma);
	assert_int_equal(buf[0], row->dma ? 0xee : 0);
	assert_int_equal(buf[7], row->dma ? 0xee : 0);
	if (row->event_nostall)
		rig_expect_event(r, 0x0000001000000010, q1, 0x1008, q3);
	else
		rig_expect_no_event(r);
}

static void stage1_by_a_r_s(void **state)
{
	static const struct row rows[] = {
		{ 0, ENODATA_, ENODATA_, 0, false, false },
		{ CD_R, ENODATA_, ENODATA_, 0, true, true },
		{ CD_A, EFAULT_, EFAULT_, EFAULT_, false, false },
		{ CD_A | CD_R, EFAULT_, EFAULT_, EFAULT_, true, true },
		/* stalling beats both; who cannot wait aborts, recorded */
		{ CD_S, EINPROGRESS_, EFAULT_, EFAULT_, false, true },
		{ CD_S | CD_R, EINPROGRESS_, EFAULT_, EFAULT_, false, true },
		{ CD_S | CD_A, EINPROGRESS_, EFAULT_, EFAULT_, false, true },
		{ CD_S | CD_A | CD_R, EINPROGRESS_, EFAULT_, EFAULT_, false,
		  true },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		stream(*state, rows[i].bits);
		check_row(*state, &rows[i], 0x0000020800000000, 0);
	}
}

static void stage2_by_r_s(void **state)
{
	static const struct row rows[] = {
		{ 0, EFAULT_, EFAULT_, EFAULT_, false, false },
		{ STE_S2R, EFAULT_, EFAULT_, EFAULT_, true, true },
		{ STE_S2S, EINPROGRESS_, EFAULT_, EFAULT_, false, true },
		{ STE_S2S | STE_S2R, EINPROGRESS_, EFAULT_, EFAULT_, false,
		  true },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		stream_s2(*state, rows[i].bits);
		check_row(*state, &rows[i], 0x0000028800000000, 0x1000);
	}
}

/* Each of the four faults is one of those that CD.A and CD.R are about. */
static void all_four_faults(void **state)
{
	struct rig *r = *state;
	uint64_t table = stream(r, CD_R);
	struct uiommu_smmuv3_xlate x;

	/* IPS of 40 bits for the size */
	ram_w64(&r->ram, RIG_CD + 64 * 0x10,
		(ram_r64(&r->ram, RIG_CD + 64 * 0x10) & ~(7ull << 32)) |
			2ull << 32);
	rig_map4k(r, table, 0x2000, 1ull << 40, LEAF_RW);
	rig_map4k(r, table, 0x3000, RIG_DATA, LEAF_RW & ~0x400);
	rig_map4k(r, table, 0x4000, RIG_DATA, LEAF_RO);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 0x10, 0, 0x1000, &x), ENODATA_);
	rig_expect_event(r, 0x0000001000000010, 0x0000020800000000, 0x1000, 0);
	assert_int_equal(rig_xlate(r, 0x10, 0, 0x2000, &x), ENODATA_);
	rig_expect_event(r, 0x0000001000000011, 0x0000020800000000, 0x2000, 0);
	assert_int_equal(rig_xlate(r, 0x10, 0, 0x3000, &x), ENODATA_);
	rig_expect_event(r, 0x0000001000000012, 0x0000020800000000, 0x3000, 0);
	assert_int_equal(rig_xlate(r, 0x10, UIOMMU_TXN_WRITE, 0x4000, &x),
			 ENODATA_);
	rig_expect_event(r, 0x0000001000000013, 0x0000020000000000, 0x4000, 0);
	/* what ends without an abort is none */
	assert_int_equal(rig_stats(r).aborts, 0);
	assert_int_equal(rig_stats(r).events, 4);
}

/* Configuration and aborted fetches: always an abort, always a record. */
static void the_others_obey_nothing(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;
	uint64_t table = stream(r, CD_S);
	uint64_t cd = RIG_CD + 64 * 0x10;
	struct smmu_ste ste = rig_ste_s1(RIG_HOLE);

	for (unsigned int s = 0; s < 2; s++) {
		stream(r, s ? CD_S : 0);
		ram_w64(&r->ram, ram_r64(&r->ram, cd + 8), RIG_HOLE | 3);
		assert_int_equal(rig_xlate(r, 0x10, 0, 0x1000, &x), EFAULT_);
		rig_expect_event(r, 0x000000100000000b, 0x0000010800000000,
				 0x1000, RIG_HOLE);
	}
	/* V = 0 */
	ram_w64(&r->ram, cd, ram_r64(&r->ram, cd) & ~(1ull << 31));
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 0x10, 0, 0x1000, &x), EFAULT_);
	rig_expect_event(r, 0x000000100000000a, 0, 0, 0);
	rig_ste(r, 0x10, &ste);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 0x10, 0, 0x1000, &x), EFAULT_);
	rig_expect_event(r, 0x0000001000000009, 0, 0, RIG_HOLE);
	assert_int_equal(rig_stats(r).aborts, 4);
	(void)table;
}

static void sizes_before_any_table_always_abort(void **state)
{
	struct rig *r = *state;
	struct smmu_ste bypass = { .q = { 0x9, 1ull << 44 } };
	struct smmu_ste ste = rig_ste_s1(RIG_CD + 64 * 0x10);
	struct uiommu_smmuv3_xlate x;

	/* stage 2 alone that stalls: stage 1's fault does not */
	stream_s2(r, STE_S2S);
	assert_int_equal(rig_xlate(r, 0x10, 0, 1ull << 48, &x), EFAULT_);
	rig_expect_event(r, 0x0000001000000011, 0x0000020800000000, 1ull << 48,
			 0);
	/* Config = bypass */
	rig_ste(r, 0x10, &bypass);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 0x10, 0, 1ull << 48, &x), EFAULT_);
	rig_expect_event(r, 0x0000001000000011, 0x0000020800000000, 1ull << 48,
			 0);
	/* S1DSS passes stage 1 by, which would be RAZ/WI */
	stream(r, 0);
	ste.q[0] |= 4ull << 59;
	ste.q[1] |= 1;
	rig_ste(r, 0x10, &ste);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 0x10, 0, 1ull << 48, &x), EFAULT_);
	rig_expect_event(r, 0x0000001000000011, 0x0000020800000000, 1ull << 48,
			 0);
}

static void razwi_goes_on_behind_the_page(void **state)
{
	struct rig *r = *state;
	uint64_t table = stream(r, CD_R);
	uint8_t *mem = r->ram.mem + (RIG_DATA - RIG_BASE);
	uint8_t buf[0x3000];

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, table, 0x4000, RIG_DATA + 0x1000, LEAF_RW);
	memset(mem, 0x11, 0x2000);
	memset(buf, 0xee, sizeof(buf));
	/* half a page, two that are not there, half a page */
	assert_int_equal(read_at(r, 0x1800, 0, buf, 0x3000), 0);
	for (unsigned int i = 0; i < 0x3000; i++)
		assert_int_equal(buf[i], i < 0x800 || i >= 0x2800 ? 0x11 : 0);
	for (uint64_t page = 0x2000; page <= 0x3000; page += 0x1000) {
		uint64_t rec[4];

		assert_true(rig_event(r, rec));
		assert_int_equal(rec[0], 0x0000001000000010);
		assert_int_equal(rec[1], 0x0000020800000000);
		assert_int_equal(rec[2], page);
	}
	rig_expect_no_event(r);
	assert_int_equal(r->faults, 2);
	/* the interrupt came before the end: it was the edge of empty */
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_EVENTQ], 1);
	/* writes are dropped there, and only there */
	memset(buf, 0x77, sizeof(buf));
	assert_int_equal(read_at(r, 0x1800, UIOMMU_TXN_WRITE, buf, 0x3000), 0);
	assert_int_equal(mem[0x7ff], 0x11);
	assert_int_equal(mem[0x800], 0x77);
	assert_int_equal(mem[0x17ff], 0x77);
	assert_int_equal(mem[0x1800], 0x11);
	/* at the very top, and the last piece of all */
	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(read_at(r, ~0ull - 7, 0, buf, 8), 0);
	assert_int_equal(buf[0] | buf[7], 0);
	assert_int_equal(buf[8], 0xee);
}

/* What an atomic operation is told was there: nothing. */
static void razwi_of_an_atomic_operation_reads_zero(void **state)
{
	static const uint32_t flags[] = { 0, UIOMMU_TXN_WRITE };
	struct rig *r = *state;

	stream(r, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		uint64_t operand = 0x1122334455667788;
		struct uiommu_smmuv3_dma req = {
			.txn = { .sid = 0x10,
				 .flags = UIOMMU_TXN_ATOMIC | flags[i],
				 .iova = 0x1000 },
			.buf = &operand,
			.len = 8,
			.atomic = UIOMMU_ATOMIC_SWAP,
		};

		assert_int_equal(uiommu_smmuv3_model_dma(r->model, &req), 0);
		assert_int_equal(req.done_len, 8);
		assert_int_equal(operand, 0);
	}
}

/* An abort in the midst of a RAZ/WI stream still is one. */
static void memory_that_aborts_is_not_razwi(void **state)
{
	struct rig *r = *state;
	uint64_t table = stream(r, 0);
	uint8_t buf[0x2000];

	rig_map4k(r, table, 0x2000, RIG_HOLE, LEAF_RW);
	assert_int_equal(read_at(r, 0x1000, 0, buf, 0x2000), EFAULT_);
	rig_expect_no_event(r);
	assert_int_equal(rig_stats(r).aborts, 1);
}

static void probes_say_and_do_nothing(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	stream(r, CD_R);
	assert_int_equal(rig_xlate(r, 0x10, UIOMMU_TXN_PROBE, 0x1000, &x),
			 ENODATA_);
	stream(r, CD_S);
	assert_int_equal(rig_xlate(r, 0x10, UIOMMU_TXN_PROBE, 0x1000, &x),
			 EINPROGRESS_);
	rig_expect_no_event(r);
	assert_int_equal(r->faults, 0);
	assert_int_equal(rig_stats(r).stalls, 0);
	assert_int_equal(rig_stats(r).aborts, 0);
}

/* CD.S and CD.A where the hardware has no choice. */
static void models_that_are_not_there(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_plain();
	struct uiommu_smmuv3_xlate x;
	struct rig r;

	rig_init(&r, &p);
	stream(&r, CD_S | CD_A);
	assert_int_equal(rig_xlate(&r, 0x10, 0, 0x1000, &x), EFAULT_);
	rig_expect_event(&r, 0x000000100000000a, 0, 0, 0);
	stream(&r, CD_R);
	assert_int_equal(rig_xlate(&r, 0x10, 0, 0x1000, &x), EFAULT_);
	rig_expect_event(&r, 0x000000100000000a, 0, 0, 0);
	rig_fini(&r);
}

static int create(const struct uiommu_smmuv3_profile *p)
{
	struct uiommu_smmuv3_model *model = NULL;
	struct model_ram ram;
	struct uiommu_model_host host;
	int rc;

	assert_int_equal(model_ram_init(&ram, RIG_BASE, 0x1000), 0);
	host = model_ram_host(&ram);
	rc = uiommu_smmuv3_model_create(p, &host, &model);
	uiommu_smmuv3_model_destroy(model);
	model_ram_fini(&ram);
	return rc;
}

static void what_a_profile_may_say(void **state)
{
	struct uiommu_smmuv3_profile p = stall_profile();

	assert_int_equal(create(&p), 0);
	p.idr[5] |= 0xffffu << 16;
	assert_int_equal(create(&p), 0);
	p.idr[0] |= 2u << 24; /* forced */
	assert_int_equal(create(&p), 0);
	p.idr[0] |= 3u << 24; /* reserved */
	assert_int_equal(create(&p), -22);
	p.idr[0] ^= 2u << 24; /* no stalls, but room for them */
	assert_int_equal(create(&p), -22);
	p.idr[5] &= 0xffff;
	assert_int_equal(create(&p), 0);
	p.idr[0] ^= 1u << 24; /* stalls, but no room for any */
	assert_int_equal(create(&p), -22);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(stage1_by_a_r_s),
		T(stage2_by_r_s),
		T(all_four_faults),
		T(the_others_obey_nothing),
		T(sizes_before_any_table_always_abort),
		T(razwi_of_an_atomic_operation_reads_zero),
		T(razwi_goes_on_behind_the_page),
		T(memory_that_aborts_is_not_razwi),
		T(probes_say_and_do_nothing),
		cmocka_unit_test(models_that_are_not_there),
		cmocka_unit_test(what_a_profile_may_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
