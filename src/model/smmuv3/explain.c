/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain.c - one translation told step by step.
 *
 * It works on a view of the model: an instance with the same registers and
 * memory, but without caches, as a profile that caches nothing has.  So the way
 * through translate.c, strtab.c and walk.c is the one that transactions take,
 * and none of them has to know but for a line where a structure has been read.
 * The view lives on the caller's stack; what it shares with the model (tables
 * of generations) outlives it, and the caller is inside all the while.
 */
#include <errno.h>

#include "msmmu.h"
#include "tell.h"

struct msmmu_explain {
	void (*fn)(void *ctx, const struct uiommu_smmuv3_step *step);
	void *ctx;
	uint32_t sid, ssid;
	bool ste_seen;
	uint8_t walk_class;
	bool to_write;
	/* what the descriptors of the walks under way have in common */
	struct uiommu_smmuv3_step walk[2];
};

static void tell(const struct msmmu_explain *e,
		 const struct uiommu_smmuv3_step *step)
{
	if (e->fn)
		e->fn(e->ctx, step);
}

void msmmu_explain_fetch(const msmmu *m, uint64_t pa, const uint64_t *words,
			 unsigned int n, bool aborted)
{
	struct msmmu_explain *e = m->explain;
	struct uiommu_smmuv3_step step = {
		.input = e->ste_seen ? e->ssid : e->sid,
		.pa = pa,
		.level = MSMMU_NO_LEVEL,
		.aborted = aborted,
		.nr_words = aborted ? 0 : (uint8_t)n,
	};

	/* Descriptors of both tables are one word, entries are eight. */
	if (n == 1)
		step.kind = e->ste_seen ? UIOMMU_SMMUV3_STEP_L1CD
					: UIOMMU_SMMUV3_STEP_L1STD;
	else
		step.kind = e->ste_seen ? UIOMMU_SMMUV3_STEP_CD
					: UIOMMU_SMMUV3_STEP_STE;
	if (n > 1)
		e->ste_seen = true;
	for (unsigned int i = 0; i < step.nr_words; i++)
		step.words[i] = words[i];
	tell(e, &step);
}

void msmmu_explain_class(const msmmu *m, unsigned int class, bool write)
{
	static const uint8_t classes[] = {
		[SMMU_EVT_CLASS_CD] = UIOMMU_SMMUV3_CLASS_CD,
		[SMMU_EVT_CLASS_TT] = UIOMMU_SMMUV3_CLASS_TT,
		[SMMU_EVT_CLASS_IN] = UIOMMU_SMMUV3_CLASS_IN,
	};

	m->explain->walk_class = classes[class];
	m->explain->to_write = write;
}

void msmmu_explain_stage(const msmmu *m, const struct msmmu_half *half,
			 unsigned int stage, uint64_t in)
{
	struct msmmu_explain *e = m->explain;
	struct uiommu_smmuv3_step *walk = &e->walk[stage - 1];

	*walk = (struct uiommu_smmuv3_step){
		.kind = stage == 1 ? UIOMMU_SMMUV3_STEP_STAGE1
				   : UIOMMU_SMMUV3_STEP_STAGE2,
		.walk_class = e->walk_class,
		.input = in,
		.pa = half->ttb,
		.level = half->start,
		.granule_lg2 = half->granule_lg2,
		.in_bits = half->in_bits,
		.out_bits = half->out_bits,
		.to_write = stage == 2 && e->to_write,
		/* An address of TTB1 has its upper bits set. */
		.half = stage == 1 && in >> 63,
	};
	tell(e, walk);
}

void msmmu_explain_desc(const msmmu *m, unsigned int stage, int level,
			uint64_t pa, uint64_t desc, uint64_t out, bool aborted)
{
	struct msmmu_explain *e = m->explain;
	struct uiommu_smmuv3_step step = e->walk[stage - 1];

	step.kind = stage == 1 ? UIOMMU_SMMUV3_STEP_S1_DESC
			       : UIOMMU_SMMUV3_STEP_S2_DESC;
	step.pa = pa;
	step.level = (int8_t)level;
	step.aborted = aborted;
	step.size_lg2 = (uint8_t)msmmu_level_shift(step.granule_lg2, level);
	step.output = out;
	step.nr_words = !aborted;
	step.words[0] = desc;
	tell(e, &step);
}

void msmmu_make_view(msmmu *view, const msmmu *m)
{
	*view = (msmmu){
		.enabled = load_acquire(&m->enabled),
		.gbpa = load_relaxed(&m->gbpa),
		.cr2 = msmmu_cr2(m),
		.cfg_sid_gen = m->cfg_sid_gen,
		.spaces = m->spaces,
		.vm_gens = m->vm_gens,
		.caps = m->caps,
		.host = m->host,
		.profile = m->profile,
	};
	/* Nothing ahead of what is asked for. */
	view->profile.caching = UIOMMU_SMMUV3_CACHING_NORMAL;
	for (unsigned int i = 0; i < SMMU_NR_REGISTERS; i++)
		view->reg[i] = msmmu_reg(m, i);
}

static void tell_fault(const struct msmmu_txn *t,
		       struct uiommu_smmuv3_explanation *out)
{
	out->fault = msmmu_fault_info(t, t->fault.type && t->fault.record);
	if (out->fault.recorded)
		msmmu_event_record(t, out->event);
}

int uiommu_smmuv3_model_explain(
	struct uiommu_smmuv3_model *model, const struct uiommu_smmuv3_txn *txn,
	void (*fn)(void *ctx, const struct uiommu_smmuv3_step *step), void *ctx,
	struct uiommu_smmuv3_explanation *out)
{
	struct uiommu_smmuv3_txn in = *txn;
	struct msmmu_explain e = {
		.fn = fn,
		.ctx = ctx,
		.sid = txn->sid,
		.ssid = txn->flags & UIOMMU_TXN_SSV ? txn->ssid : 0,
	};
	struct msmmu_txn t = { .in = &in };
	struct uiommu_smmuv3_model view;
	int rc;

	*out = (struct uiommu_smmuv3_explanation){ 0 };
	in.flags |= UIOMMU_TXN_PROBE;
	msmmu_make_view(&view, model);
	view.explain = &e;
	t.m = &view;
	t.slot = model_enter(&model->drain);
	rc = msmmu_translate(&t, &out->xlate);
	model_leave(&model->drain, t.slot);
	if (!rc)
		return 0;
	rc = msmmu_stalls(&t) ? -EINPROGRESS : t.fault.raz ? -ENODATA : -EFAULT;
	/* Who cannot wait is aborted. */
	if (rc != -EINPROGRESS)
		t.fault.stall = false;
	tell_fault(&t, out);
	return rc;
}
