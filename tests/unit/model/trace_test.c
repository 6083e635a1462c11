/* SPDX-License-Identifier: BSD-2-Clause */
/* What a tracer is told. */
#include "stall_rig.h"

#include <errno.h>
#include <string.h>

#define MAX_TOLD 64u

static struct {
	struct uiommu_smmuv3_trace what[MAX_TOLD];
	struct uiommu_smmuv3_txn txn[MAX_TOLD]; /* of DMA */
	unsigned int n;
} told;

static void tell(void *ctx, const struct uiommu_smmuv3_trace *what)
{
	assert_ptr_equal(ctx, &told);
	assert_true(told.n < MAX_TOLD);
	told.what[told.n] = *what;
	if (what->kind == UIOMMU_SMMUV3_TRACE_DMA)
		told.txn[told.n] = *what->dma.txn;
	told.n++;
}

static void start(struct rig *r)
{
	told.n = 0;
	uiommu_smmuv3_model_set_tracer(r->model, tell, &told);
}

/* As letters: Dma, Command, Event, Register, Irq. */
static const char *kinds(void)
{
	static char text[MAX_TOLD + 1];

	for (unsigned int i = 0; i < told.n; i++)
		text[i] = "DCERI"[told.what[i].kind];
	text[told.n] = '\0';
	return text;
}

static int dma(struct rig *r, uint32_t flags, uint64_t iova, size_t len)
{
	static uint8_t buf[0x2000];
	struct uiommu_smmuv3_dma req = {
		.txn = { .sid = SID, .flags = flags, .iova = iova },
		.buf = buf,
		.len = len,
	};

	return uiommu_smmuv3_model_dma(r->model, &req);
}

static void commands_and_registers(void **state)
{
	struct rig *r = *state;

	start(r);
	rig_cmd(r, 0x0000001000000003, 1);
	rig_cmd(r, 0xff, 0);
	/* the doorbell, what it starts, and GERROR's wire */
	assert_string_equal(kinds(), "RCRCI");
	assert_int_equal(told.what[0].reg.offset, SMMU_REG_CMDQ_PROD);
	assert_int_equal(told.what[0].reg.size, 4);
	assert_int_equal(told.what[0].reg.value, 1);
	assert_int_equal(told.what[1].words[0], 0x0000001000000003);
	assert_int_equal(told.what[1].words[1], 1);
	assert_int_equal(told.what[1].result, 0);
	assert_int_equal(told.what[3].words[0], 0xff);
	assert_int_equal(told.what[3].result, SMMU_CERROR_ILL);
	uiommu_smmuv3_model_set_tracer(r->model, NULL, NULL);
	wr(r, SMMU_REG_GERRORN, 1);
	assert_int_equal(told.what[4].irq.line, UIOMMU_SMMUV3_LINE_GERROR);
	assert_int_equal(told.n, 5);
}

static void accesses_and_events(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 1);

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, table, 0x2000, RIG_DATA + 0x5000, LEAF_RW);
	wr(r, SMMU_REG_IRQ_CTRL, SMMU_IRQ_CTRL_EVENTQ_IRQEN);
	start(r);
	assert_int_equal(dma(r, 0, 0x1f80, 0x100), 0);
	assert_string_equal(kinds(), "D");
	assert_int_equal(told.what[0].result, 0);
	assert_int_equal(told.what[0].dma.pa, RIG_DATA + 0xf80);
	assert_int_equal(told.what[0].dma.len, 0x100);
	assert_int_equal(told.what[0].dma.done_len, 0x100);
	assert_int_equal(told.txn[0].iova, 0x1f80);
	assert_int_equal(told.txn[0].sid, SID);
	/* the second page is not there */
	told.n = 0;
	assert_int_equal(dma(r, UIOMMU_TXN_WRITE, 0x2ff0, 0x20), -EFAULT);
	assert_string_equal(kinds(), "EID");
	assert_int_equal(told.what[0].words[0], 0x0000001000000010);
	assert_int_equal(told.what[0].words[2], 0x3000);
	assert_int_equal(told.what[1].irq.line, UIOMMU_SMMUV3_LINE_EVENTQ);
	assert_int_equal(told.what[1].irq.addr, 0);
	assert_int_equal(told.what[2].result, -EFAULT);
	assert_int_equal(told.what[2].dma.done_len, 0x10);
	assert_int_equal(told.what[2].dma.pa, RIG_DATA + 0x5ff0);
	assert_int_equal(told.txn[2].iova, 0x2ff0);
	assert_true(told.txn[2].flags & UIOMMU_TXN_WRITE);
	/* nothing moved */
	told.n = 0;
	assert_int_equal(dma(r, 0, 0x8000, 8), -EFAULT);
	assert_int_equal(told.what[told.n - 1].dma.pa, UIOMMU_PA_INVALID);
	assert_int_equal(told.what[told.n - 1].dma.done_len, 0);
}

static unsigned int find(enum uiommu_smmuv3_trace_kind kind, unsigned int from)
{
	while (from < told.n && told.what[from].kind != kind)
		from++;
	assert_true(from < told.n);
	return from;
}

/* Told when it stalls, and again from where it goes on. */
/* An event that is in the queue already is no other record. */
static void merged_events(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = rig_ste_s1(RIG_CD + 64ull * SID);

	(void)rig_stream(r, SID, 1);
	ste.q[1] |= SMMU_STE_1_MEV;
	rig_ste(r, SID, &ste);
	start(r);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(dma(r, 0, 0x8000 + 8 * i, 8), -EFAULT);
	assert_int_equal(dma(r, 0, 0x9000, 8), -EFAULT);
	assert_string_equal(kinds(), "EIDDDED");
	assert_int_equal(told.what[0].words[2], 0x8000);
	assert_int_equal(told.what[5].words[2], 0x9000);
}

static void a_stalled_access_twice(void **state)
{
	struct rig *r = *state;
	uint64_t table = stall_stream(r, SID);
	struct stall_job job;
	unsigned int i;

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	start(r);
	assert_int_equal(stall_start(r, &job, SID, 0, 0x1f00, 0x200), PENDING);
	i = find(UIOMMU_SMMUV3_TRACE_DMA, 0);
	assert_int_equal(told.what[i].result, -EINPROGRESS);
	assert_int_equal(told.what[i].dma.done_len, 0x100);
	assert_int_equal(told.what[i].dma.pa, RIG_DATA + 0xf00);
	i = find(UIOMMU_SMMUV3_TRACE_EVENT, 0);
	assert_true(told.what[i].words[1] & SMMU_EVT_1_STALL);
	rig_map4k(r, table, 0x2000, RIG_DATA + 0x1000, LEAF_RW);
	told.n = 0;
	stall_retry(r, SID, 0);
	stall_expect_done(&job, 0);
	i = find(UIOMMU_SMMUV3_TRACE_DMA, 0);
	assert_int_equal(told.what[i].result, 0);
	assert_int_equal(told.txn[i].iova, 0x2000);
	assert_int_equal(told.what[i].dma.len, 0x100);
	assert_int_equal(told.what[i].dma.pa, RIG_DATA + 0x1000);
	/* and one that software ends */
	told.n = 0;
	assert_int_equal(stall_start(r, &job, SID, 0, 0x8000, 8), PENDING);
	stall_abort(r, SID, 1);
	stall_expect_done(&job, ABORTED);
	i = find(UIOMMU_SMMUV3_TRACE_DMA, find(UIOMMU_SMMUV3_TRACE_DMA, 0) + 1);
	assert_int_equal(told.what[i].result, -EFAULT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(commands_and_registers),
		T(accesses_and_events),
		T(merged_events),
		cmocka_unit_test_setup_teardown(a_stalled_access_twice,
						stall_setup, stall_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
