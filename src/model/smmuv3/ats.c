/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ats.c - PCIe ATS: translation requests, and accesses with translated
 * addresses (IHI 0070 3.9, 13.7).
 *
 * A translation request takes the steps of a transaction, but asks for no
 * right: the answer says which there are.  That a page is missing or forbidden
 * is an answer too.  What the STE says about ATS is looked at before the
 * SubstreamID, so that a stream without ATS is told so and nothing else.
 *
 * An access with a translated address needs the STE only.  The context that it
 * finds has been made for other accesses too, so what is wrong with the CD is
 * stepped over.
 */
#include <errno.h>

#include "../mutant.h"
#include "cfg_inline.h"
#include "msmmu.h"

/* Without IDR3.PASIDTT nothing is known of a translated access's PASID. */
bool msmmu_translated_ssv(const msmmu *m, const struct uiommu_smmuv3_txn *in)
{
	return m->caps.pasidtt && (in->flags & UIOMMU_TXN_SSV);
}

static void find_context(struct msmmu_txn *t, bool ssv, struct msmmu_ctx *spare)
{
	uint64_t key = msmmu_key(t->in->sid, ssv, ssv ? t->in->ssid : 0);

	t->ctx = t->m->cfg_sets ? cfg_find(t->m, key) : NULL;
	if (t->ctx)
		model_count(t->slot, MSMMU_CONFIG_HITS, 1);
	else
		t->ctx = msmmu_cfg_get(t, key, spare);
}

/* Is there no legal STE? */
static bool no_ste(const struct msmmu_ctx *ctx)
{
	return ctx->mode == MSMMU_MODE_FAULT &&
	       (ctx->fault.type == SMMU_EVT_C_BAD_STREAMID ||
		ctx->fault.type == SMMU_EVT_F_STE_FETCH ||
		ctx->fault.type == SMMU_EVT_C_BAD_STE);
}

/* Configuration errors of ATS traffic are told only if CR2 asks for it. */
static bool rec_cfg_ats(const msmmu *m)
{
	return (msmmu_cr2(m) & SMMU_CR2_REC_CFG_ATS) ||
	       MUTANT("ats-rec-cfg-ats");
}

static void bad_ssid(struct msmmu_txn *t)
{
	msmmu_fault(t, SMMU_EVT_C_BAD_SUBSTREAMID, 0,
		    "SubstreamID of more than 20 bits");
}

/* ------------------------------------------------ translation requests -- */

static int unsupported(struct msmmu_txn *t, bool record, const char *reason)
{
	msmmu_fault(t, record ? SMMU_EVT_F_BAD_ATS_TREQ : 0, 0, reason);
	t->fault.record = record;
	return -EOPNOTSUPP;
}

/* t->fault says what is wrong. */
static int completer_abort(struct msmmu_txn *t)
{
	struct msmmu_fault *f = &t->fault;

	f->record = rec_cfg_ats(t->m) && f->type != SMMU_EVT_C_BAD_CD;
	if (f->type == SMMU_EVT_C_BAD_STREAMID &&
	    !(msmmu_cr2(t->m) & SMMU_CR2_RECINVSID))
		f->record = false;
	return -ECONNABORTED;
}

/* One translation unit without any right. */
static void grant_nothing(const struct msmmu_txn *t,
			  struct uiommu_ats_translation *out)
{
	*out = (struct uiommu_ats_translation){
		.size_lg2 = (uint8_t)ffs_u64(t->m->caps.granules),
		.priv = t->in->flags & UIOMMU_TXN_PRIV,
	};
}

static void grant(const struct msmmu_txn *t, const struct msmmu_result *res,
		  struct uiommu_ats_translation *out)
{
	const struct msmmu_ctx *ctx = t->ctx;
	uint32_t r1 = t->priv ? res->rights >> 3 : res->rights;
	bool r = (r1 & MSMMU_S1_UR) && (res->rights & MSMMU_S2_R);
	bool w = (r1 & MSMMU_S1_UW) && (res->rights & MSMMU_S2_W);
	bool x = (r1 & MSMMU_S1_UX) &&
		 (res->rights & (t->priv ? MSMMU_S2_PX : MSMMU_S2_UX));
	bool exec = t->in->flags & UIOMMU_TXN_INSTR;

	grant_nothing(t, out);
	/* INSTCFG: all reads are fetches, or none is. */
	out->read = ctx->instr_or ? x : r;
	out->exec = exec && out->read && (x || !ctx->instr_and);
	out->write = w;
	if (!out->read && !out->write)
		return;
	out->size_lg2 = res->size_lg2;
	out->addr = align_down_lg2(ctx->eats == SMMU_STE_EATS_SPLIT ? res->ipa
								    : res->pa,
				   res->size_lg2);
}

static int request(struct msmmu_txn *t, struct msmmu_ctx *spare,
		   struct uiommu_ats_translation *out)
{
	bool ssv = t->in->flags & UIOMMU_TXN_SSV;
	struct msmmu_result res;

	if (!t->m->caps.ats || !load_acquire(&t->m->enabled))
		return unsupported(t, !MUTANT("ats-request-off-event"),
				   "translation request, SMMU off");
	find_context(t, ssv, spare);
	if (no_ste(t->ctx)) {
		msmmu_config_fault(t);
		return completer_abort(t);
	}
	if (t->ctx->mode == MSMMU_MODE_ABORT &&
	    !MUTANT("ats-request-config-abort"))
		return unsupported(t, false, "STE.Config says abort");
	if (t->ctx->eats == SMMU_STE_EATS_OFF && !MUTANT("ats-request-eats"))
		return unsupported(t, true, "stream without ATS");
	if (ssv && t->in->ssid >> SMMU_SSIDSIZE_MAX) {
		bad_ssid(t);
		return completer_abort(t);
	}
	if (!msmmu_by_context(t, &res)) {
		grant(t, &res, out);
		return 0;
	}
	if (t->fault.type < SMMU_EVT_F_TRANSLATION ||
	    t->fault.type > SMMU_EVT_F_PERMISSION)
		return completer_abort(t);
	grant_nothing(t, out);
	return 0;
}

int msmmu_ats_request(struct msmmu_txn *t, struct uiommu_ats_translation *out,
		      bool *recorded)
{
	struct msmmu_ctx spare;
	int rc;

	model_count(t->slot, MSMMU_TRANSLATIONS, 1);
	t->ctx = NULL;
	t->ats = true;
	t->priv = t->instr = t->read = t->write = t->missed = t->dry = false;
	t->races = 0;
	rc = request(t, &spare, out);
	*recorded = rc && msmmu_abort(t);
	return rc;
}

struct uiommu_smmuv3_txn msmmu_ats_txn(const struct uiommu_smmuv3_txn *txn)
{
	struct uiommu_smmuv3_txn in = {
		.sid = txn->sid,
		.iova = txn->iova,
		.flags = txn->flags & (UIOMMU_TXN_PROBE | UIOMMU_ATS_NO_WRITE),
	};

	if (txn->flags & UIOMMU_TXN_SSV) {
		in.ssid = txn->ssid;
		in.flags |= txn->flags & (UIOMMU_TXN_SSV | UIOMMU_TXN_PRIV |
					  UIOMMU_TXN_INSTR);
	}
	return in;
}

int uiommu_smmuv3_model_ats_translate(struct uiommu_smmuv3_model *model,
				      const struct uiommu_smmuv3_txn *txn,
				      struct uiommu_ats_translation *out)
{
	struct uiommu_smmuv3_txn in = msmmu_ats_txn(txn);
	struct msmmu_txn t = {
		.m = model,
		.in = &in,
		.ats_nw = txn->flags & UIOMMU_ATS_NO_WRITE,
	};
	bool recorded;
	int rc;

	t.slot = model_enter(&model->drain);
	rc = msmmu_ats_request(&t, out, &recorded);
	model_leave(&model->drain, t.slot);
	if (rc)
		msmmu_after_abort(&t, recorded);
	msmmu_stall_catch_up(model);
	if (unlikely(load_relaxed(&model->nr_retired) > MSMMU_RECLAIM))
		msmmu_reclaim(model, t.slot);
	return rc;
}

/* -------------------------------------------------- translated accesses -- */

static int forbidden(struct msmmu_txn *t, const char *reason)
{
	msmmu_fault(t, SMMU_EVT_F_TRANSL_FORBIDDEN, 0, reason);
	return -EFAULT;
}

/*
 * The address is a PA and there is nothing left to do.  Where the STE has been
 * looked at it says who asks, and for what (13.1.4, 13.7).
 */
static int pass(struct msmmu_txn *t, struct msmmu_result *res)
{
	uint8_t mair, sh;

	if (t->in->iova >> t->m->caps.oas)
		return msmmu_abort_silently(t, "translated address above the "
					       "output size");
	if (t->ctx)
		msmmu_txn_rights(t);
	else if (!msmmu_translated_ssv(t->m, t->in))
		t->priv = t->instr = false;
	msmmu_attrs_told(t->in, &mair, &sh);
	return msmmu_bypass(t, mair, sh, res);
}

/* Does the STE not have this SubstreamID, or the lack of one? */
static bool no_substream(const struct msmmu_txn *t)
{
	const struct msmmu_ctx *ctx = t->ctx;

	/* Said of the STE, not of a CD table. */
	return t->m->caps.pasidtt && ctx->mode == MSMMU_MODE_FAULT &&
	       ctx->fault.desc_pa == ctx->ste_pa &&
	       (ctx->fault.type == SMMU_EVT_C_BAD_SUBSTREAMID ||
		ctx->fault.type == SMMU_EVT_F_STREAM_DISABLED);
}

static int config_error(struct msmmu_txn *t)
{
	msmmu_config_fault(t);
	t->fault.record = rec_cfg_ats(t->m);
	return -EFAULT;
}

/* Split-stage ATS: the address is an IPA, of the type that comes in. */
static int stage2(struct msmmu_txn *t, struct msmmu_result *res)
{
	struct msmmu_ctx ipa = *t->ctx;

	ipa.mode = MSMMU_MODE_XLATE;
	ipa.s1 = ipa.hints = ipa.two_halves = false;
	ipa.half[0] = (struct msmmu_half){ 0 };
	ipa.ovr = (struct msmmu_overrides){ .shcfg = SMMU_STE_SHCFG_INCOMING };
	ipa.in_mair = MSMMU_MAIR_DEFAULT;
	ipa.in_sh = SMMU_SH_NON;
	t->ctx = &ipa;
	return msmmu_by_context(t, res);
}

static int checked(struct msmmu_txn *t, struct msmmu_result *res)
{
	bool ssv = msmmu_translated_ssv(t->m, t->in);
	struct msmmu_ctx spare;

	find_context(t, ssv, &spare);
	if (no_ste(t->ctx))
		return config_error(t);
	if (t->ctx->mode == MSMMU_MODE_ABORT &&
	    !MUTANT("ats-translated-config-abort"))
		return msmmu_abort_silently(t, "STE.Config says abort");
	if (t->ctx->eats == SMMU_STE_EATS_OFF && !MUTANT("ats-translated-eats"))
		return forbidden(t, "translated address, stream without ATS");
	if (no_substream(t))
		return config_error(t);
	if (ssv && t->in->ssid >> SMMU_SSIDSIZE_MAX) {
		bad_ssid(t);
		t->fault.record = rec_cfg_ats(t->m);
		return -EFAULT;
	}
	return t->ctx->eats == SMMU_STE_EATS_SPLIT ? stage2(t, res)
						   : pass(t, res);
}

int msmmu_translated(struct msmmu_txn *t, bool on, struct msmmu_result *res)
{
	msmmu *m = t->m;
	int rc;

	/* Without ATS nobody can have been given a translated address. */
	if (!m->caps.ats || (!on && !MUTANT("ats-translated-off")))
		return forbidden(t, "translated address, SMMU off");
	if (!(MSMMU_REG(m, CR0) & SMMU_CR0_ATSCHK) ||
	    MUTANT("ats-translated-atschk"))
		return pass(t, res);
	rc = checked(t, res);
	t->ctx = NULL; /* it was on the stack */
	return rc;
}
