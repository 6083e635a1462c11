/* SPDX-License-Identifier: BSD-2-Clause */
/* Event records word by word, the event queue, its interrupts and errors. */
#include "model/smmuv3/msmmu.h"
#include "rig.h"

#define ENTRIES (1u << RIG_EVTQ_LG2)

static int fault_once(struct rig *r, uint64_t iova)
{
	struct uiommu_smmuv3_xlate x;

	return rig_xlate(r, 0x10, 0, iova, &x);
}

static void records_of_stage1_faults(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 0x10, 0x42);
	struct uiommu_smmuv3_xlate x;

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RO);
	rig_map4k(r, table, 0x2000, RIG_DATA, LEAF_RW & ~0x400);
	rig_map4k(r, table, 0x3000, 1ull << 47, LEAF_RW);
	/* the worked example: F_PERMISSION, write, unprivileged data */
	assert_int_equal(rig_xlate(r, 0x10, UIOMMU_TXN_WRITE, 0x1004, &x), -14);
	rig_expect_event(r, 0x0000001000000013, 0x0000020000000000, 0x1004, 0);
	/* privileged write: PnU */
	assert_int_equal(rig_xlate(r, 0x10, UIOMMU_TXN_WRITE | UIOMMU_TXN_PRIV,
				   0x1004, &x),
			 -14);
	rig_expect_event(r, 0x0000001000000013, 0x0000020200000000, 0x1004, 0);
	/* F_ACCESS, privileged instruction read: PnU, InD, RnW */
	assert_int_equal(rig_xlate(r, 0x10, UIOMMU_TXN_PRIV | UIOMMU_TXN_INSTR,
				   0x2000, &x),
			 -14);
	rig_expect_event(r, 0x0000001000000012, 0x0000020e00000000, 0x2000, 0);
	/* an atomic is a write; the write is missing first */
	assert_int_equal(rig_xlate(r, 0x10, UIOMMU_TXN_ATOMIC, 0x1000, &x),
			 -14);
	rig_expect_event(r, 0x0000001000000013, 0x0000020000000000, 0x1000, 0);
}

static void record_of_an_address_size_fault(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 0x10, 0x42);

	/* IPS of 40 bits, leaf at bit 40 */
	ram_w64(&r->ram, RIG_CD + 64 * 0x10,
		(rig_cd_4k(table, 0x42).q[0] & ~(7ull << 32)) | 2ull << 32);
	rig_map4k(r, table, 0x5000, 1ull << 40, LEAF_RW);
	assert_int_equal(fault_once(r, 0x5000), -14);
	rig_expect_event(r, 0x0000001000000011, 0x0000020800000000, 0x5000, 0);
	assert_int_equal(r->info.level, 3);
	assert_int_equal(r->info.desc_pa, rig_pte4k(r, table, 0x5000));
}

static void record_of_an_aborted_walk(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 0x10, 0x42);

	/* level-0 descriptor points into a hole */
	ram_w64(&r->ram, table, RIG_HOLE | 3);
	assert_int_equal(fault_once(r, 0x40200008), -14);
	/* CLASS TT, read; FetchAddr of the level-1 descriptor */
	rig_expect_event(r, 0x000000100000000b, 0x0000010800000000, 0x40200008,
			 RIG_HOLE + 8);
	assert_int_equal(r->info.level, 1);
}

static void records_of_configuration(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = rig_ste_s1(RIG_CD);
	struct smmu_cd cd = rig_cd_4k(rig_table(r, 4096), 1);
	struct uiommu_smmuv3_txn txn = { .sid = 0x20,
					 .ssid = 0xabc,
					 .flags = UIOMMU_TXN_SSV,
					 .iova = 0x1000 };
	struct uiommu_smmuv3_xlate x;

	/* out of range: 16 bits */
	assert_int_equal(rig_xlate(r, 0x10000, 0, 0x1000, &x), -14);
	rig_expect_event(r, 0x0001000000000002, 0, 0, 0);
	/* V = 0 */
	assert_int_equal(rig_xlate(r, 0x20, 0, 0x1000, &x), -14);
	rig_expect_event(r, 0x0000002000000004, 0, 0, 0);
	/* SubstreamID on a stream without: SSID but not SSV */
	cd.q[0] &= ~BIT64(31);
	rig_cd(r, RIG_CD, &cd);
	rig_ste(r, 0x20, &ste);
	rig_inval_all(r);
	assert_int_equal(uiommu_smmuv3_model_translate(r->model, &txn, &x),
			 -14);
	rig_expect_event(r, 0x0000002000abc008, 0, 0, 0);
	/* CD.V = 0 */
	assert_int_equal(rig_xlate(r, 0x20, 0, 0x1000, &x), -14);
	rig_expect_event(r, 0x000000200000000a, 0, 0, 0);
	/* CD in a hole */
	ste = rig_ste_s1(RIG_HOLE);
	rig_ste(r, 0x20, &ste);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 0x20, 0, 0x1000, &x), -14);
	rig_expect_event(r, 0x0000002000000009, 0, 0, RIG_HOLE);
	/* S1DSS terminates: SID only */
	ste.q[0] = 0xb | RIG_CD | 4ull << 59;
	rig_ste(r, 0x20, &ste);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 0x20, 0, 0x1000, &x), -14);
	rig_expect_event(r, 0x0000002000000006, 0, 0, 0);
	/* with a SubstreamID, SSV and SSID are there */
	txn.ssid = 3;
	assert_int_equal(uiommu_smmuv3_model_translate(r->model, &txn, &x),
			 -14);
	rig_expect_event(r, 0x000000200000380a, 0, 0, 0);
}

static void record_of_an_aborted_ste_fetch(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	ram_poison(&r->ram, rig_ste_addr(0x33), rig_ste_addr(0x33) + 63);
	assert_int_equal(rig_xlate(r, 0x33, 0, 0, &x), -14);
	rig_expect_event(r, 0x0000003300000003, 0, 0, rig_ste_addr(0x33));
	/* never cached */
	ram_poison(&r->ram, 1, 0);
	assert_int_equal(rig_xlate(r, 0x33, 0, 0, &x), -14);
	rig_expect_event(r, 0x0000003300000004, 0, 0, 0);
}

static void bad_streamid_is_recorded_if_asked(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	wr(r, SMMU_REG_CR0, 0xc);
	wr(r, SMMU_REG_CR2, 0);
	wr(r, SMMU_REG_CR0, 0xd);
	assert_int_equal(rig_xlate(r, 0x10000, 0, 0x1000, &x), -14);
	rig_expect_no_event(r);
	assert_int_equal(r->info.event_type, SMMU_EVT_C_BAD_STREAMID);
	assert_false(r->info.recorded);
}

static void cd_r_suppresses_translation_faults_only(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 0x10, 0x42);

	ram_w64(&r->ram, RIG_CD + 64 * 0x10,
		rig_cd_4k(table, 0x42).q[0] & ~SMMU_CD_0_R);
	assert_int_equal(fault_once(r, 0x1000), -14);
	rig_expect_no_event(r);
	assert_int_equal(r->info.event_type, SMMU_EVT_F_TRANSLATION);
	assert_false(r->info.recorded);
	ram_w64(&r->ram, table, RIG_HOLE | 3);
	assert_int_equal(fault_once(r, 0x1000), -14);
	rig_expect_event(r, 0x000000100000000b, 0x0000010800000000, 0x1000,
			 RIG_HOLE);
}

static void queue_full_overflow_and_acknowledge(void **state)
{
	struct rig *r = *state;
	uint64_t rec[4];

	rig_stream(r, 0x10, 1);
	for (unsigned int i = 0; i < ENTRIES; i++)
		fault_once(r, i << 12);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), ENTRIES);
	fault_once(r, 0x100000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD),
			 ENTRIES | SMMU_Q_PROD_OVFLG);
	/* a second overflow does not toggle it back */
	fault_once(r, 0x200000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD),
			 ENTRIES | SMMU_Q_PROD_OVFLG);
	assert_int_equal(rig_stats(r).events_lost, 2);
	/* unacknowledged overflow does not stop new records */
	wr(r, SMMU_REG_EVENTQ_CONS, 1);
	fault_once(r, 0x300000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD),
			 (ENTRIES + 1) | SMMU_Q_PROD_OVFLG);
	assert_int_equal(ram_r64(&r->ram, RIG_EVTQ + 16), 0x300000);
	/* acknowledged: the next overflow toggles again */
	wr(r, SMMU_REG_EVENTQ_CONS, 1 | SMMU_Q_CONS_OVACKFLG);
	fault_once(r, 0x400000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), ENTRIES + 1);
	for (unsigned int i = 1; i <= ENTRIES; i++) {
		assert_true(rig_event(r, rec));
		assert_int_equal(rec[2], i == ENTRIES ? 0x300000 : i << 12);
	}
	rig_expect_no_event(r);
}

static void interrupts_on_the_edge_of_empty(void **state)
{
	struct rig *r = *state;
	uint64_t rec[4];

	rig_stream(r, 0x10, 1);
	fault_once(r, 0x1000);
	fault_once(r, 0x2000);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_EVENTQ], 1);
	rig_event(r, rec);
	rig_event(r, rec);
	fault_once(r, 0x3000);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_EVENTQ], 2);
	/* disabled: no interrupt, and none is made up for later */
	wr(r, SMMU_REG_IRQ_CTRL, 0);
	rig_event(r, rec);
	fault_once(r, 0x4000);
	wr(r, SMMU_REG_IRQ_CTRL, SMMU_IRQ_CTRL_EVENTQ_IRQEN);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_EVENTQ], 2);
	/* by message, beside the wire */
	wr(r, SMMU_REG_IRQ_CTRL, 0);
	wr64(r, SMMU_REG_EVENTQ_IRQ_CFG0, RIG_DATA);
	wr(r, SMMU_REG_EVENTQ_IRQ_CFG1, 0x99);
	wr(r, SMMU_REG_EVENTQ_IRQ_CFG2, 1);
	wr(r, SMMU_REG_IRQ_CTRL, 5);
	rig_event(r, rec);
	fault_once(r, 0x5000);
	assert_int_equal(r->ram.msi_count, 1);
	assert_int_equal(r->ram.msi_data, 0x99);
	assert_int_equal(r->ram.msi_attrs.mair, 0x04);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_EVENTQ], 3);
	/* a message that aborts */
	wr(r, SMMU_REG_IRQ_CTRL, 1);
	wr64(r, SMMU_REG_EVENTQ_IRQ_CFG0, RIG_HOLE);
	wr(r, SMMU_REG_IRQ_CTRL, 5);
	rig_event(r, rec);
	fault_once(r, 0x6000);
	assert_int_equal(rd(r, SMMU_REG_GERROR),
			 SMMU_GERROR_MSI_EVENTQ_ABT_ERR);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_GERROR], 1);
}

static void disabled_queue_drops_silently(void **state)
{
	struct rig *r = *state;

	rig_stream(r, 0x10, 1);
	wr(r, SMMU_REG_CR0, 0x9);
	assert_int_equal(fault_once(r, 0x1000), -14);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 0);
	assert_false(r->info.recorded);
	wr(r, SMMU_REG_CR0, 0xd);
	rig_expect_no_event(r);
}

static void abort_of_the_queue_stops_it(void **state)
{
	struct rig *r = *state;

	rig_stream(r, 0x10, 1);
	fault_once(r, 0x1000);
	ram_poison(&r->ram, RIG_EVTQ + 32, RIG_EVTQ + 63);
	fault_once(r, 0x2000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 1);
	assert_int_equal(rd(r, SMMU_REG_GERROR), SMMU_GERROR_EVENTQ_ABT_ERR);
	ram_poison(&r->ram, 1, 0);
	fault_once(r, 0x3000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 1);
	wr(r, SMMU_REG_GERRORN, SMMU_GERROR_EVENTQ_ABT_ERR);
	fault_once(r, 0x4000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 2);
	assert_int_equal(ram_r64(&r->ram, RIG_EVTQ + 32 + 16), 0x4000);
}

static void a_queue_of_one_entry(void **state)
{
	struct rig *r = *state;

	rig_stream(r, 0x10, 1);
	wr(r, SMMU_REG_CR0, 0x9);
	wr64(r, SMMU_REG_EVENTQ_BASE, RIG_EVTQ);
	wr(r, SMMU_REG_CR0, 0xd);
	fault_once(r, 0x1000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 1);
	fault_once(r, 0x2000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 1 | SMMU_Q_PROD_OVFLG);
	wr(r, SMMU_REG_EVENTQ_CONS, 1 | SMMU_Q_CONS_OVACKFLG);
	fault_once(r, 0x3000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), SMMU_Q_PROD_OVFLG);
	assert_int_equal(ram_r64(&r->ram, RIG_EVTQ + 16), 0x3000);
}

static void probes_leave_no_trace(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	rig_stream(r, 0x10, 1);
	assert_int_equal(rig_xlate(r, 0x10, UIOMMU_TXN_PROBE, 0x1000, &x), -14);
	rig_expect_no_event(r);
	assert_int_equal(r->faults, 0);
}

/* Without ATS there is no such thing. */
static void forbidden_translated_address(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile_plain();
	struct uiommu_smmuv3_xlate x;

	rig_fini(r);
	rig_init(r, &p);
	assert_int_equal(rig_xlate(r, 0x10,
				   UIOMMU_TXN_TRANSLATED | UIOMMU_TXN_WRITE,
				   0x1234, &x),
			 -14);
	rig_expect_event(r, 0x0000001000000007, 0, 0x1234, 0);
	wr(r, SMMU_REG_CR0, 0xc);
	assert_int_equal(rig_xlate(r, 0x10, UIOMMU_TXN_TRANSLATED, 0x1234, &x),
			 -14);
	rig_expect_event(r, 0x0000001000000007, 0x0000000800000000, 0x1234, 0);
}

/* What no transaction of a test brings about, from the fault alone. */
#define ALL_FLAGS (UIOMMU_TXN_SSV | UIOMMU_TXN_PRIV | UIOMMU_TXN_INSTR)
#define RECORD_IOVA 0xab3456789abcdef8

static const struct {
	uint32_t flags;
	struct msmmu_fault fault;
	uint64_t rec[4];
} record_rows[] = {
	{ ALL_FLAGS,
	  { .type = 0x01, .code = 0x5a, .pnu = 1, .ind = 1, .rnw = 1 },
	  { 0x0000001000003801, 0x0000000e0000005a, RECORD_IOVA, 0 } },
	{ 0,
	  { .type = 0x02, .code = 1, .ipa = ~0ull },
	  { 0x0000001000000002, 0, 0, 0 } },
	{ 0,
	  { .type = 0x03, .code = 2, .ipa = ~0ull },
	  { 0x0000001000000003, 2, 0, 0x0000fffffffffff8 } },
	{ 0,
	  { .type = 0x04, .code = 1, .rnw = 1 },
	  { 0x0000001000000004, 0, 0, 0 } },
	{ ALL_FLAGS,
	  { .type = 0x05, .rnw = 1, .code = 7 },
	  { 0x0000001000003805, 0x00000000f0000001, 0xab3456789abcd000, 0 } },
	{ ALL_FLAGS | UIOMMU_ATS_NO_WRITE,
	  { .type = 0x05 },
	  { 0x0000001000003805, 0x00000000b0000001, 0xab3456789abcd000, 0 } },
	/* without a PASID nobody is privileged and nothing executed */
	{ UIOMMU_TXN_PRIV | UIOMMU_TXN_INSTR,
	  { .type = 0x05 },
	  { 0x0000001000000005, 0x00000000c0000001, 0xab3456789abcd000, 0 } },
	{ ALL_FLAGS,
	  { .type = 0x06, .rnw = 1, .pnu = 1 },
	  { 0x0000001000000006, 0, 0, 0 } },
	{ ALL_FLAGS,
	  { .type = 0x07, .rnw = 1, .pnu = 1, .ind = 1 },
	  { 0x0000001000003807, 0x0000000800000000, RECORD_IOVA, 0 } },
	{ ALL_FLAGS,
	  { .type = 0x08, .rnw = 1 },
	  { 0x0000001000003008, 0, 0, 0 } },
	{ ALL_FLAGS,
	  { .type = 0x09, .code = 3, .ipa = 0x123456789abcd },
	  { 0x0000001000003809, 3, 0, 0x000023456789abc8 } },
	{ ALL_FLAGS,
	  { .type = 0x0a, .code = 3, .rnw = 1 },
	  { 0x000000100000380a, 0, 0, 0 } },
	{ ALL_FLAGS,
	  { .type = 0x0b,
	    .code = 4,
	    .stage = 2,
	    .class = 1,
	    .ipa = 0x8000,
	    .stall = 1,
	    .stag = 9 },
	  { 0x000000100000380b, 0x0000018000000004, RECORD_IOVA, 0x8000 } },
	/* the page of the IPA, whole; TTRnW is not its */
	{ ALL_FLAGS,
	  { .type = 0x10,
	    .stage = 2,
	    .class = 1,
	    .rnw = 1,
	    .ipa = ~0ull,
	    .tt_read = 1,
	    .code = 5 },
	  { 0x0000001000003810, 0x0000018800000000, RECORD_IOVA,
	    0x00fffffffffff000 } },
	/* no IPA at stage 1 */
	{ 0,
	  { .type = 0x11,
	    .stage = 1,
	    .class = 2,
	    .ipa = 0x5000,
	    .stall = 1,
	    .stag = 0xfffe,
	    .pnu = 1 },
	  { 0x0000001000000011, 0x000002028000fffe, RECORD_IOVA, 0 } },
	{ 0,
	  { .type = 0x12, .stage = 2, .class = 0, .ipa = 0x5678, .rnw = 1 },
	  { 0x0000001000000012, 0x0000008800000000, RECORD_IOVA, 0x5000 } },
	/* InD is for reads; a tag is for stalls */
	{ 0,
	  { .type = 0x13,
	    .stage = 2,
	    .class = 1,
	    .ipa = 0x5678,
	    .ind = 1,
	    .tt_read = 1,
	    .stag = 3 },
	  { 0x0000001000000013, 0x0000118000000000, RECORD_IOVA, 0x5000 } },
	{ ALL_FLAGS,
	  { .type = 0x20,
	    .code = 6,
	    .stage = 2,
	    .class = 2,
	    .ipa = 0x7fff,
	    .rnw = 1,
	    .pnu = 1 },
	  { 0x0000001000003820, 0x0000008a00000006, RECORD_IOVA, 0x7000 } },
	{ ALL_FLAGS,
	  { .type = 0x20, .stage = 1, .class = 2, .ipa = 0x7fff },
	  { 0x0000001000003820, 0, RECORD_IOVA, 0 } },
	{ ALL_FLAGS,
	  { .type = 0x21, .code = 8, .stage = 2, .rnw = 1 },
	  { 0x0000001000003821, 8, 0, 0 } },
	{ ALL_FLAGS,
	  { .type = 0x25, .code = 9, .ipa = 0x1007 },
	  { 0x0000001000003825, 9, 0, 0x1000 } },
	/* not one of ours: the head alone */
	{ ALL_FLAGS,
	  { .type = 0x26, .code = 9, .rnw = 1, .ipa = 0x1000 },
	  { 0x0000001000003826, 0, 0, 0 } },
	{ ALL_FLAGS,
	  { .type = 0xef, .code = 9, .rnw = 1, .ipa = 0x1000 },
	  { 0x00000010000038ef, 0, 0, 0 } },
};

static void records_word_by_word(void **state)
{
	struct rig *r = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(record_rows); i++) {
		struct uiommu_smmuv3_txn in = { .sid = 0x10,
						.ssid = 3,
						.flags = record_rows[i].flags,
						.iova = RECORD_IOVA };
		struct msmmu_txn t = { .m = r->model,
				       .in = &in,
				       .fault = record_rows[i].fault };
		uint64_t rec[4];

		msmmu_event_record(&t, rec);
		for (unsigned int w = 0; w < 4; w++)
			assert_int_equal(rec[w], record_rows[i].rec[w]);
	}
}

static void a_queue_above_the_output_size_is_cut(void **state)
{
	struct rig *r = *state;

	wr(r, SMMU_REG_CR0, 0);
	wr64(r, SMMU_REG_EVENTQ_BASE, 1ull << 50 | RIG_EVTQ | RIG_EVTQ_LG2);
	wr(r, SMMU_REG_CR0, 0xd);
	rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_C_BAD_STE);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
}

static void unknown_kinds_of_transaction(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = rig_ste_s1(RIG_CD + 64 * 0x10);
	struct uiommu_smmuv3_xlate x;

	rig_stream(r, 0x10, 1);
	/* PRIVCFG, INSTCFG: the record has what came in */
	ste.q[1] |= 2ull << 48 | 2ull << 50;
	rig_ste(r, 0x10, &ste);
	assert_int_equal(rig_xlate(r, 0x10,
				   1u << 20 | UIOMMU_TXN_PRIV |
					   UIOMMU_TXN_INSTR,
				   0x1234, &x),
			 -14);
	rig_expect_event(r, 0x0000001000000001, 0x0000000e00000000, 0x1234, 0);
	assert_int_equal(rig_xlate(r, 0x10, 1u << 20 | UIOMMU_TXN_WRITE, 0x1234,
				   &x),
			 -14);
	rig_expect_event(r, 0x0000001000000001, 0, 0x1234, 0);
	/* No Write is of translation requests */
	assert_int_equal(rig_xlate(r, 0x10, UIOMMU_ATS_NO_WRITE, 0x1234, &x),
			 -14);
	rig_expect_event(r, 0x0000001000000001, 0x0000000800000000, 0x1234, 0);
	/* the SMMU may be off; but an already translated one ends silently */
	wr(r, SMMU_REG_CR0, 0xc);
	assert_int_equal(rig_xlate(r, 0x10, 1u << 20, 0x1234, &x), -14);
	rig_expect_event(r, 0x0000001000000001, 0x0000000800000000, 0x1234, 0);
	assert_int_equal(rig_xlate(r, 0x10, 1u << 20 | UIOMMU_TXN_TRANSLATED,
				   0x1234, &x),
			 -14);
	rig_expect_no_event(r);
}

/* ------------------------------------------------------------- merging --- */

static uint64_t merging_stream(struct rig *r)
{
	struct smmu_ste ste = rig_ste_s1(RIG_CD + 64 * 0x10);
	uint64_t table = rig_stream(r, 0x10, 1);

	ste.q[1] |= SMMU_STE_1_MEV;
	rig_ste(r, 0x10, &ste);
	return table;
}

static void equal_events_are_merged(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;
	uint64_t rec[4];

	merging_stream(r);
	fault_once(r, 0x1000);
	fault_once(r, 0x1ff8);
	assert_true(r->info.recorded);
	fault_once(r, 0x1000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 1);
	assert_int_equal(rig_stats(r).events_merged, 2);
	assert_int_equal(rig_stats(r).events, 1);
	assert_int_equal(rig_stats(r).events_lost, 0);
	assert_int_equal(r->faults, 3);
	/* another page, direction, privilege, stream, event */
	fault_once(r, 0x2000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 2);
	(void)rig_xlate(r, 0x10, UIOMMU_TXN_WRITE, 0x2000, &x);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 3);
	(void)rig_xlate(r, 0x10, UIOMMU_TXN_WRITE | UIOMMU_TXN_PRIV, 0x2000,
			&x);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 4);
	(void)rig_xlate(r, 0x11, UIOMMU_TXN_WRITE | UIOMMU_TXN_PRIV, 0x2000,
			&x);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 5);
	/* with the newest only */
	fault_once(r, 0x2000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 6);
	/* and only while software has not consumed it */
	while (rig_event(r, rec))
		;
	fault_once(r, 0x2000);
	rig_expect_event(r, 0x0000001000000010, 0x0000020800000000, 0x2000, 0);
	assert_int_equal(rig_stats(r).events_merged, 2);
}

static void streams_that_forbid_it_are_not_merged(void **state)
{
	struct rig *r = *state;

	rig_stream(r, 0x10, 1);
	fault_once(r, 0x1000);
	fault_once(r, 0x1000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 2);
	assert_int_equal(rig_stats(r).events_merged, 0);
}

/* The context is gone when the event is written; MEV must have been noted. */
static void events_are_merged_without_caches_too(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct rig *r = *state;
	uint8_t word;
	struct uiommu_smmuv3_dma dma = {
		.txn = { .sid = 0x10, .iova = 0x3000 },
		.buf = &word,
		.len = 1,
	};

	rig_fini(r);
	p.tlb_entries = 0;
	p.config_entries = 0;
	rig_init(r, &p);
	merging_stream(r);
	fault_once(r, 0x1000);
	fault_once(r, 0x1ff8);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 1);
	assert_int_equal(rig_stats(r).events_merged, 1);
	/* memory that aborts comes after the translation */
	rig_map4k(r, ram_r64(&r->ram, RIG_CD + 64 * 0x10 + 8), 0x3000, RIG_HOLE,
		  LEAF_RW);
	assert_int_equal(uiommu_smmuv3_model_dma(r->model, &dma), -14);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 1);
}

static void a_merged_event_overflows_nothing(void **state)
{
	struct rig *r = *state;

	merging_stream(r);
	for (unsigned int i = 0; i < ENTRIES; i++)
		fault_once(r, i << 12);
	fault_once(r, (ENTRIES - 1) << 12 | 8);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), ENTRIES);
	fault_once(r, 0);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD),
			 ENTRIES | SMMU_Q_PROD_OVFLG);
}

/* What stands in the queue after it was off is software's business. */
static void no_merging_across_a_disable(void **state)
{
	struct rig *r = *state;

	merging_stream(r);
	fault_once(r, 0x1000);
	wr(r, SMMU_REG_CR0, 0x9);
	ram_zero(&r->ram, RIG_EVTQ, 32);
	fault_once(r, 0x1000);
	assert_false(r->info.recorded);
	wr(r, SMMU_REG_CR0, 0xd);
	fault_once(r, 0x1000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 2);
	assert_int_equal(ram_r64(&r->ram, RIG_EVTQ + 32 + 16), 0x1000);
}

/* ------------------------------------------------------- odd registers --- */

static void indices_that_contradict_count_as_full(void **state)
{
	struct rig *r = *state;

	rig_stream(r, 0x10, 1);
	fault_once(r, 0x1000);
	wr(r, SMMU_REG_EVENTQ_CONS, 5);
	fault_once(r, 0x2000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 1 | SMMU_Q_PROD_OVFLG);
	assert_int_equal(ram_r64(&r->ram, RIG_EVTQ + 32 + 16), 0);
	/* merging looks no closer */
	merging_stream(r);
	rig_inval_all(r);
	fault_once(r, 0x1000);
	assert_false(r->info.recorded);
	wr(r, SMMU_REG_EVENTQ_CONS, 1 | SMMU_Q_CONS_OVACKFLG);
	fault_once(r, 0x3000);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 2 | SMMU_Q_PROD_OVFLG);
}

static void a_size_above_the_limit_is_capped(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct rig r;

	p.idr[1] = (p.idr[1] & ~(31u << 16)) | 2u << 16;
	rig_init(&r, &p);
	assert_int_equal(rd64(&r, SMMU_REG_EVENTQ_BASE),
			 RIG_EVTQ | RIG_EVTQ_LG2);
	rig_stream(&r, 0x10, 1);
	for (unsigned int i = 0; i < 4; i++)
		fault_once(&r, i << 12);
	assert_int_equal(rd(&r, SMMU_REG_EVENTQ_PROD), 4);
	fault_once(&r, 0x4000);
	assert_int_equal(rd(&r, SMMU_REG_EVENTQ_PROD), 4 | SMMU_Q_PROD_OVFLG);
	wr(&r, SMMU_REG_EVENTQ_CONS, 1 | SMMU_Q_CONS_OVACKFLG);
	fault_once(&r, 0x5000);
	assert_int_equal(rd(&r, SMMU_REG_EVENTQ_PROD), 5 | SMMU_Q_PROD_OVFLG);
	assert_int_equal(ram_r64(&r.ram, RIG_EVTQ + 16), 0x5000);
	rig_fini(&r);
}

static void what_was_recorded_outlives_a_disable(void **state)
{
	struct rig *r = *state;

	rig_stream(r, 0x10, 1);
	fault_once(r, 0x1000);
	wr(r, SMMU_REG_CR0, 0x9);
	assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), 1);
	/* with the SMMU off the queue still works */
	wr(r, SMMU_REG_CR0, 0xc);
	rig_expect_event(r, 0x0000001000000010, 0x0000020800000000, 0x1000, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(records_of_stage1_faults),
		T(record_of_an_address_size_fault),
		T(record_of_an_aborted_walk),
		T(records_of_configuration),
		T(record_of_an_aborted_ste_fetch),
		T(bad_streamid_is_recorded_if_asked),
		T(cd_r_suppresses_translation_faults_only),
		T(queue_full_overflow_and_acknowledge),
		T(interrupts_on_the_edge_of_empty),
		T(disabled_queue_drops_silently),
		T(abort_of_the_queue_stops_it),
		T(a_queue_of_one_entry),
		T(probes_leave_no_trace),
		T(forbidden_translated_address),
		T(records_word_by_word),
		T(a_queue_above_the_output_size_is_cut),
		T(unknown_kinds_of_transaction),
		T(equal_events_are_merged),
		T(events_are_merged_without_caches_too),
		T(streams_that_forbid_it_are_not_merged),
		T(a_merged_event_overflows_nothing),
		T(no_merging_across_a_disable),
		T(indices_that_contradict_count_as_full),
		cmocka_unit_test(a_size_above_the_limit_is_capped),
		T(what_was_recorded_outlives_a_disable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
