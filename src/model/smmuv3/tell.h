/* SPDX-License-Identifier: BSD-2-Clause */
/* tell.h - telling the tracer (trace.c) and who explains (explain.c). */
#ifndef MODEL_SMMUV3_TELL_H
#define MODEL_SMMUV3_TELL_H

#include "msmmu.h"

struct walk_leaf;

/* trace.c; outside all locks, to be called when m->trace is set */
void msmmu_trace_dma(const msmmu *m, const struct uiommu_smmuv3_txn *txn,
		     size_t len, size_t done_len, uint64_t pa, int result);
void msmmu_trace_cmd(const msmmu *m, const struct msmmu_work *work);
void msmmu_trace_event(const struct msmmu_txn *t);
void msmmu_trace_reg(const msmmu *m, uint32_t offset, unsigned int size,
		     uint64_t value);
void msmmu_trace_irq(const msmmu *m, unsigned int line, uint64_t addr,
		     uint32_t data);

/* explain.c: what a translation looks at, without the caches. */
void msmmu_make_view(msmmu *view, const msmmu *m);
/* The rest is to be called when m->explain is set. */
void msmmu_explain_fetch(const msmmu *m, uint64_t pa, const uint64_t *words,
			 unsigned int n, bool aborted);
/* For what stage 2 is about to be walked, SMMU_EVT_CLASS_*; for a write? */
void msmmu_explain_class(const msmmu *m, unsigned int class, bool write);
void msmmu_explain_stage(const msmmu *m, const struct msmmu_half *half,
			 unsigned int stage, uint64_t in);
/* `out`: the address in the descriptor. */
void msmmu_explain_desc(const struct msmmu_txn *t,
			const struct msmmu_half *half, unsigned int stage,
			const struct walk_leaf *leaf, uint64_t out);
/* Memory did not answer. */
void msmmu_explain_no_desc(const msmmu *m, unsigned int stage,
			   const struct walk_leaf *leaf);

#endif /* MODEL_SMMUV3_TELL_H */
