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

#include "hw/smmuv3/cd.h"
#include "hw/smmuv3/ste.h"
#include "msmmu.h"
#include "tell.h"
#include "walk.h"

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

static void take_ste(const msmmu *m, struct uiommu_smmuv3_step *step)
{
	unsigned int config =
		(unsigned int)FIELD_GET(SMMU_STE_0_CONFIG, step->words[0]);

	if (!(step->words[0] & SMMU_STE_0_V) || !(config & 4))
		return;
	step->stages = (config & 1 ? UIOMMU_SMMUV3_STAGE_1 : 0) |
		       (config & 2 ? UIOMMU_SMMUV3_STAGE_2 : 0);
	if (step->stages && m->caps.s2p)
		step->vmid = (uint16_t)(FIELD_GET(SMMU_STE_2_S2VMID,
						  step->words[2]) &
					(m->caps.vmid16 ? 0xffff : 0xff));
}

static void take_cd(const msmmu *m, struct uiommu_smmuv3_step *step)
{
	step->asid = (uint16_t)(FIELD_GET(SMMU_CD_0_ASID, step->words[0]) &
				(m->caps.asid16 ? 0xffff : 0xff));
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
	if (step.nr_words && step.kind == UIOMMU_SMMUV3_STEP_STE)
		take_ste(m, &step);
	else if (step.nr_words && step.kind == UIOMMU_SMMUV3_STEP_CD)
		take_cd(m, &step);
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

static struct uiommu_smmuv3_step start_desc(const struct msmmu_explain *e,
					    unsigned int stage,
					    const struct walk_leaf *leaf)
{
	struct uiommu_smmuv3_step step = e->walk[stage - 1];

	step.kind = stage == 1 ? UIOMMU_SMMUV3_STEP_S1_DESC
			       : UIOMMU_SMMUV3_STEP_S2_DESC;
	step.pa = leaf->desc_pa;
	step.level = leaf->level;
	step.size_lg2 =
		(uint8_t)msmmu_level_shift(step.granule_lg2, leaf->level);
	return step;
}

static enum uiommu_smmuv3_desc kind_of(const struct walk_leaf *leaf)
{
	unsigned int type = leaf->desc & VMSA_DESC_TYPE;

	if (!(type & 1))
		return UIOMMU_SMMUV3_DESC_INVALID;
	if (leaf->level == VMSA_LAST_LEVEL)
		return type == VMSA_DESC_TYPE_PAGE
			       ? UIOMMU_SMMUV3_DESC_PAGE
			       : UIOMMU_SMMUV3_DESC_RESERVED;
	return type == VMSA_DESC_TYPE_TABLE ? UIOMMU_SMMUV3_DESC_TABLE
					    : UIOMMU_SMMUV3_DESC_BLOCK;
}

static void take_rights(const struct msmmu_txn *t,
			const struct msmmu_half *half, unsigned int stage,
			const struct walk_leaf *leaf,
			struct uiommu_smmuv3_step *step)
{
	uint32_t rights;
	bool clean;

	if (stage == 2) {
		rights = walk_s2_rights(t->m, half, leaf->desc, &clean);
		step->readable = rights & MSMMU_S2_R;
		step->writable = rights & MSMMU_S2_W;
		step->executable = rights &
				   (t->priv ? MSMMU_S2_PX : MSMMU_S2_UX);
		return;
	}
	rights = walk_s1_rights(t->ctx, half, leaf, &clean);
	rights = t->priv ? rights >> 3 : rights;
	step->readable = rights & MSMMU_S1_UR;
	step->writable = rights & MSMMU_S1_UW;
	step->executable = rights & MSMMU_S1_UX;
}

void msmmu_explain_desc(const struct msmmu_txn *t,
			const struct msmmu_half *half, unsigned int stage,
			const struct walk_leaf *leaf, uint64_t out)
{
	const struct msmmu_explain *e = t->m->explain;
	struct uiommu_smmuv3_step step = start_desc(e, stage, leaf);

	step.output = out;
	step.nr_words = 1;
	step.words[0] = leaf->desc;
	step.desc = kind_of(leaf);
	if (step.desc >= UIOMMU_SMMUV3_DESC_BLOCK)
		take_rights(t, half, stage, leaf, &step);
	tell(e, &step);
}

void msmmu_explain_no_desc(const msmmu *m, unsigned int stage,
			   const struct walk_leaf *leaf)
{
	struct uiommu_smmuv3_step step = start_desc(m->explain, stage, leaf);

	step.aborted = true;
	tell(m->explain, &step);
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
	struct model_slot *slot, uncounted = { 0 };
	struct msmmu_txn t = { .in = &in, .slot = &uncounted };
	struct uiommu_smmuv3_model view;
	int rc;

	*out = (struct uiommu_smmuv3_explanation){ 0 };
	in.flags |= UIOMMU_TXN_PROBE;
	msmmu_make_view(&view, model);
	view.explain = &e;
	t.m = &view;
	slot = model_enter(&model->drain);
	rc = msmmu_translate(&t, &out->xlate);
	model_leave(&model->drain, slot);
	if (!rc)
		return 0;
	rc = msmmu_stalls(&t) ? -EINPROGRESS : t.fault.raz ? -ENODATA : -EFAULT;
	/* Who cannot wait is aborted. */
	if (rc != -EINPROGRESS)
		t.fault.stall = false;
	tell_fault(&t, out);
	return rc;
}
