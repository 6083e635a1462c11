/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Endpoints with ATS and PRI for the model's fuzzer: requests of all kinds, and
 * answers to invalidations that are good, bad, late or never.
 */
#include "model_fuzz.h"

/* What an endpoint says to CMD_ATC_INV is what the input said last. */
int fuzz_ats_invalidate(void *ctx, const struct uiommu_ats_inval *inval)
{
	struct fuzz *f = ctx;
	uint8_t how = f->ats_answer;

	must(inval->size_lg2 >= 12 && inval->size_lg2 <= 64,
	     "an invalidation of a size that there is not");
	must(inval->size_lg2 == 64 ||
		     !(inval->addr & ((1ull << inval->size_lg2) - 1)),
	     "an invalidation that is not aligned");
	if (how % 4 == 1)
		return -ETIMEDOUT;
	if (how % 4 != 2 || f->nr_tags == NR_TAGS)
		return 0;
	f->tag[f->nr_tags++] = inval->tag;
	return -EINPROGRESS;
}

void fuzz_pri_response(void *ctx, const struct uiommu_pri_response *resp)
{
	struct fuzz *f = ctx;

	must(resp->code == UIOMMU_PRI_SUCCESS ||
		     resp->code == UIOMMU_PRI_INVALID ||
		     resp->code == UIOMMU_PRI_FAILURE,
	     "a response that PRI does not have");
	must(resp->group < 512, "a group index of more than 9 bits");
	f->responses++;
}

/* Answer what has been put off, so that nothing waits. */
void ats_answer_all(struct fuzz *f, int status)
{
	while (f->nr_tags)
		uiommu_smmuv3_model_ats_inval_done(
			f->cached, f->tag[--f->nr_tags], status);
}

void step_ats(struct fuzz *f)
{
	struct uiommu_smmuv3_txn txn = gen_txn(f);
	struct uiommu_ats_translation out;
	uint8_t how = fuzz_u8(&f->in);
	int rc;

	if (how & 1)
		txn.flags |= UIOMMU_ATS_NO_WRITE;
	memset(&out, 0, sizeof(out));
	f->accesses = 0;
	rc = uiommu_smmuv3_model_ats_translate(f->cached, &txn, &out);
	if (f->trace)
		fprintf(stderr, "ATS: stream %#x: %#llx: %d, %#llx\n", txn.sid,
			(unsigned long long)txn.iova, rc,
			(unsigned long long)out.addr);
	must(f->accesses < MAX_ACCESSES, "too many accesses");
	must(!rc || rc == -EOPNOTSUPP || rc == -ECONNABORTED,
	     "an answer that ATS does not have");
	if (rc || !(out.read || out.write || out.exec))
		return;
	must(out.size_lg2 >= 12 && out.size_lg2 < 64,
	     "a translation of a size that there is not");
	must(!(out.addr & ((1ull << out.size_lg2) - 1)),
	     "a translation that is not aligned");
	must(!(out.addr >> f->oas), "a translation above the output size");
	/* and use it */
	if (how & 2) {
		struct uiommu_smmuv3_xlate x;

		txn.flags = (txn.flags &
			     ~(UIOMMU_ATS_NO_WRITE | UIOMMU_TXN_ATOMIC)) |
			    UIOMMU_TXN_TRANSLATED;
		txn.iova = out.addr + (txn.iova & 0xfff);
		uiommu_smmuv3_model_translate(f->cached, &txn, &x);
	}
}

void step_inval_done(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);

	f->ats_answer = how;
	if (how & 0x80)
		ats_answer_all(f, how & 0x40 ? -ETIMEDOUT : 0);
	else if (how & 0x40) /* nobody has asked for that */
		uiommu_smmuv3_model_ats_inval_done(f->cached, how, 0);
}

void step_page_request(struct fuzz *f)
{
	uint8_t flags = fuzz_u8(&f->in), group = fuzz_u8(&f->in);
	struct uiommu_pri_request req = {
		.sid = gen_sid(&f->in),
		.ssid = group & 7,
		.ssv = flags & 1,
		.read = flags & 2,
		.write = flags & 4,
		.exec = flags & 8,
		.priv = flags & 16,
		.last = flags & 32,
		.group = (uint16_t)(group | (flags & 0x40) << 2),
		.addr = gen_iova(&f->in) & ~0xfffull,
	};

	uiommu_smmuv3_model_page_request(f->cached, &req);
	if (flags & 0x80)
		wr(f, SMMU_REG_PRIQ_CONS, 4, rd(f, SMMU_REG_PRIQ_PROD));
}
