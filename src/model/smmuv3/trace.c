/* SPDX-License-Identifier: BSD-2-Clause */
/* trace.c - telling a tracer what happens. */
#include "msmmu.h"
#include "tell.h"

static void tell(const msmmu *m, const struct uiommu_smmuv3_trace *what)
{
	m->trace(m->trace_ctx, what);
}

void msmmu_trace_dma(const msmmu *m, const struct uiommu_smmuv3_txn *txn,
		     size_t len, size_t done_len, uint64_t pa, int result)
{
	const struct uiommu_smmuv3_trace what = {
		.kind = UIOMMU_SMMUV3_TRACE_DMA,
		.result = result,
		.dma = { .txn = txn,
			 .len = len,
			 .done_len = done_len,
			 .pa = pa },
	};

	tell(m, &what);
}

void msmmu_trace_cmd(const msmmu *m, const struct msmmu_work *work)
{
	const struct uiommu_smmuv3_trace what = {
		.kind = UIOMMU_SMMUV3_TRACE_COMMAND,
		.result = work->cerror,
		.words = { work->cmd.q[0], work->cmd.q[1] },
	};

	tell(m, &what);
}

void msmmu_trace_event(const struct msmmu_txn *t)
{
	struct uiommu_smmuv3_trace what = {
		.kind = UIOMMU_SMMUV3_TRACE_EVENT,
	};

	msmmu_event_record(t, what.words);
	tell(t->m, &what);
}

void msmmu_trace_reg(const msmmu *m, uint32_t offset, unsigned int size,
		     uint64_t value)
{
	const struct uiommu_smmuv3_trace what = {
		.kind = UIOMMU_SMMUV3_TRACE_REGISTER,
		.reg = { .offset = offset, .size = size, .value = value },
	};

	tell(m, &what);
}

void msmmu_trace_irq(const msmmu *m, unsigned int line, uint64_t addr,
		     uint32_t data)
{
	const struct uiommu_smmuv3_trace what = {
		.kind = UIOMMU_SMMUV3_TRACE_IRQ,
		.irq = { .line = line, .data = data, .addr = addr },
	};

	tell(m, &what);
}

void uiommu_smmuv3_model_set_tracer(
	struct uiommu_smmuv3_model *model,
	void (*fn)(void *ctx, const struct uiommu_smmuv3_trace *what),
	void *ctx)
{
	model->trace_ctx = ctx;
	model->trace = fn;
}
