/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices' accesses for the model's fuzzer, and the comparison of a model with
 * caches and one without.
 */
#include "model_fuzz.h"

/* -------------------------------------------------------- transactions -- */

struct uiommu_smmuv3_txn gen_txn(struct fuzz *f)
{
	uint8_t flags = fuzz_u8(&f->in), ssid = fuzz_u8(&f->in);
	struct uiommu_smmuv3_txn txn = {
		.sid = gen_sid(&f->in),
		.ssid = ssid < 0xfe ? ssid % 8 : (uint32_t)gen_u64(&f->in),
		.flags = flags & 0xff,
		.iova = gen_iova(&f->in),
		.attrs = { .mair = ssid, .sh = ssid & 3 },
	};

	txn.flags |= (ssid & 0xc0u) << 2; /* ATTRS, NO_SNOOP */
	/* translated ones are rare */
	if (flags & UIOMMU_TXN_TRANSLATED && ssid & 7)
		txn.flags &= ~UIOMMU_TXN_TRANSLATED;
	return txn;
}

static int translate(struct fuzz *f, struct uiommu_smmuv3_model *model,
		     const struct uiommu_smmuv3_txn *txn,
		     struct uiommu_smmuv3_xlate *x)
{
	uint32_t prod = rd(f, SMMU_REG_EVENTQ_PROD);
	unsigned int writes = f->writes;
	int rc;

	memset(x, 0, sizeof(*x));
	f->accesses = 0;
	rc = uiommu_smmuv3_model_translate(model, txn, x);
	if (f->trace)
		fprintf(stderr,
			"%s: stream %#x, %#x: %#llx, flags %#x: %d %#llx\n",
			model == f->plain ? "plain" : "translate", txn->sid,
			txn->ssid, (unsigned long long)txn->iova, txn->flags,
			rc, (unsigned long long)x->pa);
	if (f->trace && !rc)
		fprintf(stderr,
			"  %u%u%u, mair %#x, sh %u, priv %u, instr %u, 2^%u\n",
			x->readable, x->writable, x->executable, x->attrs.mair,
			x->attrs.sh, x->attrs.priv, x->attrs.instr,
			x->size_lg2);
	must(f->accesses < MAX_ACCESSES, "too many accesses");
	must(!rc || rc == -EFAULT || rc == -ENODATA || rc == -EINPROGRESS,
	     "an answer that the header does not have");
	if (txn->flags & UIOMMU_TXN_PROBE)
		must(f->writes == writes && prod == rd(f, SMMU_REG_EVENTQ_PROD),
		     "a probe has written");
	if (rc)
		return rc;
	must(x->size_lg2 >= 12 || x->size_lg2 == 0, "a region within a page");
	must(!(x->pa >> f->oas), "an answer above the output size");
	must(!((x->pa ^ txn->iova) & 0xfff), "an offset that has changed");
	return 0;
}

void step_translate(struct fuzz *f)
{
	struct uiommu_smmuv3_txn txn = gen_txn(f);
	struct uiommu_smmuv3_xlate x;

	translate(f, f->cached, &txn, &x);
}

static void check_dma(const struct uiommu_smmuv3_dma *req, int rc)
{
	must(req->done_len <= req->len && (rc || req->done_len == req->len),
	     "more or less bytes than asked for");
}

static void dma_done(struct uiommu_smmuv3_dma *req, int status)
{
	struct dma *dma = (struct dma *)(void *)req;
	struct uiommu_smmuv3_xlate x;

	if (dma->f->trace)
		fprintf(stderr, "dma: stream %#x goes on: %d\n", req->txn.sid,
			status);
	must(dma->busy, "a DMA that ends twice");
	must(!status || status == -EFAULT, "a status that no DMA has");
	check_dma(req, status);
	dma->busy = false;
	/* the model may be used in here */
	uiommu_smmuv3_model_translate(dma->f->cached, &req->txn, &x);
}

void step_dma(struct fuzz *f)
{
	uint8_t slot = fuzz_u8(&f->in), len = fuzz_u8(&f->in);
	struct dma *dma = &f->dmas[slot % NR_DMAS];
	struct uiommu_smmuv3_txn txn = gen_txn(f);
	int rc;

	if (dma->busy)
		return;
	dma->f = f;
	dma->req = (struct uiommu_smmuv3_dma){
		.txn = txn,
		.buf = dma->buf,
		.len = len < 0xf0 ? len : (size_t)(len & 15) * 512,
		.done = slot & 0x80 ? NULL : dma_done,
	};
	f->accesses = 0;
	dma->busy = true;
	rc = uiommu_smmuv3_model_dma(f->cached, &dma->req);
	if (f->trace)
		fprintf(stderr, "dma: stream %#x: %#llx + %u: %d\n", txn.sid,
			(unsigned long long)txn.iova, len, rc);
	/* each piece is a page at least */
	must(f->accesses < 4 * MAX_ACCESSES, "too many accesses");
	if (rc == -EINPROGRESS) {
		must(!(slot & 0x80), "a DMA waits that cannot");
		return;
	}
	must(dma->busy, "done() is called for a DMA that did not wait");
	must(!rc || rc == -EFAULT || (rc == -EINVAL && !dma->req.len),
	     "an answer that the header does not have");
	check_dma(&dma->req, rc);
	dma->busy = false;
}

/* The command that is meant for a transaction which waits. */
void step_resume(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);
	uint64_t q[2] = { 0x44 | (uint64_t)(how & 7) << 32, how >> 5 };

	q[0] |= (uint64_t)(how >> 3 & 3) << 12;
	if ((how & 0xf8) == 0xf8)
		q[0] = 0x45 | (uint64_t)(how & 7) << 32;
	give(f, q);
}

/* -------------------------------------------------- with and without ---- */

/* The command queue on a page of our own, whatever state it is in. */
static void fence(struct fuzz *f)
{
	static const uint64_t cmds[][2] = {
		{ 0x04, 31 }, { 0x30, 0 }, { 0x46, 0 }, { 0x20, 0 }, { 0x46, 0 }
	};
	bool hyp = f->profile.idr[0] & SMMU_IDR0_HYP;
	uint32_t n = hyp ? 5 : 3;

	f->hole = 0;
	f->change_in = 0;
	wr(f, SMMU_REG_CR0, 4, rd(f, SMMU_REG_CR0) & ~SMMU_CR0_CMDQEN);
	wr(f, SMMU_REG_GERRORN, 4, rd(f, SMMU_REG_GERROR));
	wr(f, SMMU_REG_CMDQ_BASE, 8, GEN_FENCE | 4);
	wr(f, SMMU_REG_CMDQ_PROD, 4, 0);
	wr(f, SMMU_REG_CMDQ_CONS, 4, 0);
	store(f, GEN_FENCE, cmds[0], 2 * n);
	wr(f, SMMU_REG_CR0, 4, rd(f, SMMU_REG_CR0) | SMMU_CR0_CMDQEN);
	ats_answer_all(f, 0);
	wr(f, SMMU_REG_CMDQ_PROD, 4, n);
	/* an ATC_INV that has timed out is told once */
	if ((rd(f, SMMU_REG_CMDQ_CONS) & SMMU_CMDQ_CONS_ERR) ==
	    FIELD_PREP(SMMU_CMDQ_CONS_ERR, SMMU_CERROR_ATC_INV_SYNC))
		wr(f, SMMU_REG_GERRORN, 4, rd(f, SMMU_REG_GERROR));
	must((rd(f, SMMU_REG_CMDQ_CONS) & SMMU_CMDQ_CONS_RD) == n,
	     "commands of the fuzzer are not consumed");
}

/* The descriptor, CD or STE that gen_world() gave this access, or any. */
static void change_something(struct fuzz *f,
			     const struct uiommu_smmuv3_txn *txn)
{
	uint64_t page = txn->iova >> 12 & 15;
	uint64_t desc;

	switch (fuzz_u8(&f->in) % 8) {
	case 0:
		step_desc(f);
		break;
	case 1:
		step_cd(f);
		break;
	case 2:
		step_ste(f);
		break;
	case 3:
	case 4:
		desc = gen_desc(&f->in);
		store(f, gen_table(3) + 8 * page, &desc, 1);
		break;
	case 5:
		desc = gen_desc(&f->in);
		store(f, gen_table(7) + 8 * (txn->iova >> 12 & 511), &desc, 1);
		break;
	default:
		break;
	}
}

/*
 * Of descriptors that say Contiguous and do not agree any may be used for all.
 * Tables may be anywhere.
 */
static void clear_contiguous(struct fuzz *f)
{
	for (uint64_t off = 0; off < GEN_SIZE; off += 8)
		f->mem[off + 6] &= (uint8_t)~0x10;
}

/*
 * One context at a time: two that say different things of one ASID or VMID are a
 * mistake of software, which may see anything.
 */
void step_compare(struct fuzz *f)
{
	struct uiommu_smmuv3_txn txn = gen_txn(f);
	struct uiommu_smmuv3_xlate x;

	/* bits are elsewhere in big-endian tables */
	if (FIELD_GET(SMMU_IDR0_TTENDIAN, f->profile.idr[0]) !=
	    SMMU_IDR0_TTENDIAN_LE)
		return;
	/* something to be stale, if it is not invalidated below */
	translate(f, f->cached, &txn, &x);
	change_something(f, &txn);
	txn.flags |= UIOMMU_TXN_PROBE;
	clear_contiguous(f);
	fence(f);
	for (unsigned int i = 0; i < 4; i++) {
		struct uiommu_smmuv3_xlate want, got;
		int rc = translate(f, f->plain, &txn, &want);

		/* from the tables, and from the cache */
		for (unsigned int j = 0; j < 2; j++) {
			must(translate(f, f->cached, &txn, &got) == rc,
			     "with caches the answer differs");
			must(rc || (got.pa == want.pa &&
				    !memcmp(&got.attrs, &want.attrs,
					    sizeof(got.attrs)) &&
				    got.readable == want.readable &&
				    got.writable == want.writable &&
				    got.executable == want.executable),
			     "with caches the translation differs");
		}
		txn.iova = gen_iova(&f->in);
		txn.flags = (txn.flags & ~0x2fu) | (fuzz_u8(&f->in) & 0x2d) |
			    (txn.flags & UIOMMU_TXN_SSV);
	}
}

void all_ended(const struct fuzz *f)
{
	for (unsigned int i = 0; i < NR_DMAS; i++)
		must(!f->dmas[i].busy, "a DMA that never ends");
}
