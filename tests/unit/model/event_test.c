/* SPDX-License-Identifier: BSD-2-Clause */
/* Event records word by word, the event queue, its interrupts and errors. */
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
	/* by message */
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
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_EVENTQ], 2);
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

static void forbidden_translated_address(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
